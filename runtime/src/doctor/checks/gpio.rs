//! The chips: there, permitted, of the right interface, and what their lines do when nobody drives them any more.

use super::super::drivers::{self, Release};
use super::super::{Asked, Chip, Code, Facts, Finding, Severity};
use crate::io::file_chip::PREFIX;

pub(in super::super) fn check(facts: &Facts, asked: &Asked, findings: &mut Vec<Finding>) {
    let mut looked_at: Vec<(&Chip, bool)> = Vec::new();
    match &asked.map {
        None => looked_at.extend(facts.chips.iter().map(|chip| (chip, true))),
        Some(map) => {
            if map.any_chip {
                looked_at.extend(facts.chips.iter().map(|chip| (chip, map.any_chip_outputs)));
            }
            for (name, outputs) in &map.chips {
                match find(facts, name) {
                    _ if name.starts_with(PREFIX) => findings.push(Finding::ok(
                        Code::Chips,
                        format!("`{name}` is a file that stands in for a chip, for trials"),
                    )),
                    Some(chip) => match looked_at.iter_mut().find(|(seen, _)| seen.path == chip.path) {
                        Some((_, also)) => *also |= outputs,
                        None => looked_at.push((chip, *outputs)),
                    },
                    None => findings.push(missing(facts, name)),
                }
            }
        }
    }
    if facts.chips.is_empty() && asked.map.as_ref().is_none_or(|m| m.any_chip) {
        let (severity, help) = match &asked.map {
            Some(_) => (Severity::Problem, Code::Chips.remedy()),
            None => (Severity::Note, "nothing needs to be done for the simulated rack; else load the chip's driver"),
        };
        findings.push(
            Finding::bad(Code::Chips, severity, "this machine has none (no /dev/gpiochip*)")
                .leads_to("only maps without `gpio` run here")
                .remedied_by(help),
        );
    }
    for (chip, outputs) in looked_at {
        one(facts, asked, chip, outputs, findings);
    }
}

/// A chip by device name, path, link or label, as the driver looks for it.
fn find<'f>(facts: &'f Facts, name: &str) -> Option<&'f Chip> {
    let by_label = |chip: &&Chip| chip.answer.as_ref().is_ok_and(|answer| answer.label == name);
    let by_path = |chip: &&Chip| chip.path == name || chip.name() == name;
    facts.chips.iter().find(by_path).or_else(|| facts.chips.iter().find(by_label))
}

fn missing(facts: &Facts, name: &str) -> Finding {
    let existing: Vec<String> = facts.chips.iter().map(Chip::name).collect();
    let existing = if existing.is_empty() { "no chip".to_owned() } else { existing.join(", ") };
    let finding =
        Finding::bad(Code::Chips, Severity::Problem, format!("`{name}` is not there; this machine has {existing}"));
    // The label of a chip that may not be opened is not known.
    if facts.chips.iter().any(|chip| chip.answer.is_err()) {
        return finding.remedied_by(
            "first allow this user to open the chips (D021), so that their labels can be read; then correct `chip:`",
        );
    }
    finding
}

fn one(facts: &Facts, asked: &Asked, chip: &Chip, outputs: bool, findings: &mut Vec<Finding>) {
    let name = chip.name();
    // A chip nobody asked for is no problem.
    let severity = if asked.has_real_lines() { Severity::Problem } else { Severity::Warning };
    match (&chip.answer, chip.node) {
        (Ok(answer), _) => {
            findings
                .push(Finding::ok(Code::Chips, format!("{name}, label `{}`, {} lines", answer.label, answer.lines)));
            findings.push(Finding::ok(Code::ChipAccess, format!("{name} may be opened")));
            findings.push(if answer.version1 {
                Finding::ok(Code::GpioAbi, format!("{name} answers"))
            } else {
                Finding::bad(Code::GpioAbi, severity, format!("{name} refuses it"))
            });
        }
        (Err(_), Some(node)) if !facts.user.may_write(&node) => findings.push(refused(chip, node.mode, severity)),
        (Err(words), _) => findings.push(
            Finding::bad(Code::ChipAccess, severity, format!("{name} cannot be opened: {words}"))
                .remedied_by("look in the kernel's log (`dmesg`), and whether a container hides the device"),
        ),
    }
    if outputs {
        findings.push(after_death(chip));
    }
}

fn refused(chip: &Chip, mode: u32, severity: Severity) -> Finding {
    let group = chip.group.as_deref().unwrap_or("an unnamed group");
    let measured = format!("this user may not use {} (mode {mode:o}, group {group})", chip.path);
    let finding = Finding::bad(Code::ChipAccess, severity, measured);
    if group == "root" || mode & 0o060 != 0o060 {
        return finding.remedied_by(
            "give the chips to a group by a udev rule (the package brings one): SUBSYSTEM==\"gpio\", GROUP=\"gpio\", MODE=\"0660\"",
        );
    }
    finding.remedied_by(format!("add the user to the group: `usermod -aG {group} USER`, and log in again"))
}

fn after_death(chip: &Chip) -> Finding {
    let name = chip.name();
    let Some(driver) = chip.driver.as_deref() else {
        return unknown(format!("{name}: its driver is not named"));
    };
    let Some(row) = drivers::find(driver) else {
        return unknown(format!("{name}: nothing is known of the driver `{driver}`"));
    };
    match (row.release, chip.keeps_by_parameter) {
        (Release::SimulatedPull, _) => {
            Finding::ok(Code::LevelAfterDeath, format!("{name} (`{driver}`) simulates; its lines return to their pull"))
        }
        (Release::Input, _) | (Release::Parameter(_), Some(false)) => {
            Finding::ok(Code::LevelAfterDeath, format!("{name} (`{driver}`) makes released lines inputs; the pull resistors decide"))
        }
        (Release::Keeps, _) => Finding::bad(
            Code::LevelAfterDeath,
            Severity::Warning,
            format!("{name} (`{driver}`) leaves a released line at its last level"),
        ),
        (Release::Parameter(parameter), Some(true)) => Finding::bad(
            Code::LevelAfterDeath,
            Severity::Warning,
            format!("{name} (`{driver}`) leaves a released line at its last level ({parameter} is set)"),
        )
        .remedied_by(
            "on a Raspberry Pi put `dtparam=strict_gpiod` into config.txt, or \
             pinctrl_bcm2835.persist_gpio_outputs=n on the kernel's command line, and restart; then released lines become inputs",
        ),
        (Release::Parameter(parameter), None) => unknown(format!(
            "{name} (`{driver}`): this kernel has no parameter {parameter}; kernels before June 2024 make released lines inputs, \
             Raspberry Pi's of spring 2024 keep the level"
        )),
    }
}

fn unknown(measured: String) -> Finding {
    Finding::bad(Code::LevelAfterDeath, Severity::Note, measured).remedied_by(
        "try it without the load: switch an output on, end both processes with `kill -9`, and measure the line",
    )
}
