//! What decides how long a CPU takes to wake up and to run a scan.

use super::super::{Asked, Code, Facts, Finding, Severity};

/// A wake-up longer than this is seen in the scan's times: a tenth of the shortest scan period.
const WAKE_UP_NOTICED_US: u64 = 10;
/// A wake-up longer than this is a tenth of a millisecond period.
const WAKE_UP_LONG_US: u64 = 100;

pub(in super::super) fn check(facts: &Facts, asked: &Asked, findings: &mut Vec<Finding>) {
    findings.push(governor(facts));
    findings.push(idle(facts));
    findings.push(scan_cpu(facts, asked));
    findings.push(clock_source(facts));
    findings.push(inside(facts));
}

fn governor(facts: &Facts) -> Finding {
    if facts.governors.is_empty() {
        return Finding::ok(Code::Governor, "this kernel does not scale the CPUs' clock");
    }
    let slow: Vec<String> =
        facts.governors.iter().filter(|(_, g)| g != "performance").map(|(cpu, g)| format!("CPU {cpu} `{g}`")).collect();
    if slow.is_empty() {
        Finding::ok(Code::Governor, "`performance` on every CPU")
    } else {
        Finding::bad(Code::Governor, Severity::Note, slow.join(", "))
    }
}

fn idle(facts: &Facts) -> Finding {
    let Some((us, name)) = &facts.deepest_idle_us else {
        return Finding::ok(Code::IdleStates, "this kernel lists none");
    };
    let deepest = format!("the deepest, {name}, takes {us} us to wake up from");
    if *us <= WAKE_UP_NOTICED_US {
        return Finding::ok(Code::IdleStates, deepest);
    }
    if facts.dma_latency.is_some_and(|node| facts.user.may_write(&node)) {
        return Finding::ok(Code::IdleStates, format!("{deepest}; plcrun may switch it off while it scans"));
    }
    let severity = if *us > WAKE_UP_LONG_US { Severity::Warning } else { Severity::Note };
    Finding::bad(Code::IdleStates, severity, format!("{deepest}, and this user may not write /dev/cpu_dma_latency"))
}

fn scan_cpu(facts: &Facts, asked: &Asked) -> Finding {
    let (online, isolated) = (&facts.online, &facts.isolated);
    let Some(cpu) = asked.map.as_ref().and_then(|m| m.rt.cpu) else {
        if isolated.is_empty() {
            return Finding::bad(Code::ScanCpu, Severity::Note, "none is kept free, and the map names none");
        }
        return Finding::bad(Code::ScanCpu, Severity::Note, format!("CPU {isolated} is kept free, but not asked for"))
            .leads_to("the scan runs on the CPUs that do all other work")
            .remedied_by(format!("name it in the map: `rt: {{ cpu: {} }}`", isolated.iter().next().unwrap_or(0)));
    };
    if !online.is_empty() && !online.contains(cpu) {
        return Finding::bad(
            Code::ScanCpu,
            Severity::Problem,
            format!("CPU {cpu} is asked for; there are CPU {online}"),
        )
        .leads_to("the scan thread is not pinned (T003)")
        .remedied_by("correct `rt: cpu` in the map");
    }
    if isolated.contains(cpu) {
        return Finding::ok(Code::ScanCpu, format!("CPU {cpu}, kept free for it"));
    }
    Finding::bad(Code::ScanCpu, Severity::Note, format!("CPU {cpu} is asked for, but not kept free"))
        .remedied_by(format!("keep it free at boot: isolcpus={cpu}"))
}

fn clock_source(facts: &Facts) -> Finding {
    let Some(source) = facts.clock_source.as_deref() else {
        return Finding::ok(Code::ClockSource, "this kernel names none");
    };
    let measured = format!("`{source}` of {}", facts.clock_sources);
    match source {
        "jiffies" | "pit" => Finding::bad(Code::ClockSource, Severity::Problem, measured)
            .leads_to("time advances in steps of some milliseconds; dead times and scan times cannot be kept"),
        "hpet" | "acpi_pm" | "refined-jiffies" => Finding::bad(Code::ClockSource, Severity::Warning, measured),
        _ => Finding::ok(Code::ClockSource, measured),
    }
}

fn inside(facts: &Facts) -> Finding {
    if facts.inside.is_empty() {
        Finding::ok(Code::VirtualMachine, "neither")
    } else {
        Finding::bad(Code::VirtualMachine, Severity::Note, facts.inside.join(", in "))
    }
}
