//! The state directory: there, writable, of a kind that keeps what it is given, with room.

use super::super::{Asked, Code, Facts, Finding, Severity, Storage, StorageKind};

/// Below this the store cannot grow: four times what a store of 10,000 retained variables and a full fault log takes.
const FREE_BYTES_LEAST: u64 = 16 << 20;
/// Below this somebody should look before it is too late.
const FREE_BYTES_LOW: u64 = 100 << 20;

pub(in super::super) fn check(facts: &Facts, asked: &Asked, findings: &mut Vec<Finding>) {
    let Some(storage) = &facts.storage else {
        findings.push(Finding::ok(Code::StateDirectory, "none asked for: nothing is kept on a simulated rack"));
        return;
    };
    findings.push(directory(facts, storage));
    findings.push(kind(storage, asked.has_real_lines()));
    findings.extend(space(storage));
}

fn directory(facts: &Facts, storage: &Storage) -> Finding {
    let path = &storage.path;
    if storage.read_only {
        return Finding::bad(
            Code::StateDirectory,
            Severity::Problem,
            format!("{path} is on a file system that is mounted read-only"),
        )
        .remedied_by("mount it for writing, or name another directory with `--state`");
    }
    let writable = storage.node.is_some_and(|node| facts.user.may_write(&node));
    match (storage.exists, writable) {
        (true, true) => Finding::ok(Code::StateDirectory, format!("{path} is writable")),
        (false, true) => Finding::ok(Code::StateDirectory, format!("{path} will be made in {}", storage.nearest)),
        (true, false) => {
            Finding::bad(Code::StateDirectory, Severity::Problem, format!("this user may not write {path}"))
        }
        (false, false) => Finding::bad(
            Code::StateDirectory,
            Severity::Problem,
            format!("{path} is not there, and this user may not make it in {}", storage.nearest),
        ),
    }
}

fn kind(storage: &Storage, real_lines: bool) -> Finding {
    let measured = |what: &str| format!("{what} ({})", storage.file_system);
    let finding = |severity, what: &str| Finding::bad(Code::StorageKind, severity, measured(what));
    match storage.kind {
        StorageKind::Durable => Finding::ok(Code::StorageKind, measured("a disk or flash")),
        StorageKind::SdCard => finding(Severity::Note, "an SD card")
            .leads_to("many cards lose or damage data when power fails in a write, and wear out by small writes")
            .remedied_by("use an industrial card with power-loss protection, eMMC or an SSD; docs/retained.md says how much is written"),
        StorageKind::Memory => {
            finding(if real_lines { Severity::Problem } else { Severity::Warning }, "memory")
                .leads_to("everything it keeps is gone when the box is switched off")
        }
        StorageKind::Overlay => finding(Severity::Warning, "an overlay")
            .leads_to("where its upper layer is memory, everything it keeps is gone when the box is switched off"),
        StorageKind::Fat => finding(Severity::Warning, "a FAT file system")
            .leads_to("it has no journal: a power cut can damage files that were not being written"),
        StorageKind::Network => finding(Severity::Warning, "another machine's disk")
            .leads_to("it is gone when the network is, and locks may not hold: two controllers could share one state"),
    }
}

fn space(storage: &Storage) -> Option<Finding> {
    let space = storage.space?;
    let measured = format!("{} MiB of {} MiB", space.free_bytes >> 20, space.total_bytes >> 20);
    Some(match space.free_bytes {
        0..FREE_BYTES_LEAST => Finding::bad(Code::FreeSpace, Severity::Problem, measured),
        FREE_BYTES_LEAST..FREE_BYTES_LOW => Finding::bad(Code::FreeSpace, Severity::Warning, measured),
        _ => Finding::ok(Code::FreeSpace, measured),
    })
}
