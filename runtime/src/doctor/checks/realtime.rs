//! What decides whether the scan thread gets its priority and keeps its memory.

use super::super::{Asked, Code, Facts, Finding, Limit, Severity};

pub(in super::super) fn check(facts: &Facts, asked: &Asked, findings: &mut Vec<Finding>) {
    findings.push(kernel(facts));
    findings.push(priority(facts, asked));
    findings.push(bandwidth(facts));
    let lockable = memory_lock(facts);
    findings.push(swap(facts, lockable.severity == Severity::Ok));
    findings.push(lockable);
}

fn kernel(facts: &Facts) -> Finding {
    let release = &facts.kernel_release;
    // The version's words are a fallback: /sys/kernel/realtime is missing where /sys is not mounted.
    if facts.realtime || facts.kernel_version.contains("PREEMPT_RT") {
        return Finding::ok(Code::Kernel, format!("{release}, PREEMPT_RT"));
    }
    // PREEMPT_DYNAMIC comes first: it contains the other word.
    let kinds = ["PREEMPT_DYNAMIC", "PREEMPT"];
    let kind = kinds.into_iter().find(|kind| facts.kernel_version.contains(kind)).unwrap_or("no preemption named");
    Finding::bad(Code::Kernel, Severity::Note, format!("{release}, {kind}"))
}

/// The guardian stands one above the scan.
fn wanted_priority(asked: &Asked) -> u64 {
    let scan = asked.map.as_ref().map_or(crate::rt::RtSettings::default().priority, |m| m.rt.priority);
    u64::from(scan) + 1
}

fn priority(facts: &Facts, asked: &Asked) -> Finding {
    let wanted = wanted_priority(asked);
    if asked.map.as_ref().is_some_and(|m| m.rt.priority == 0) {
        return Finding::ok(Code::Priority, "none asked for (`rt: { priority: 0 }`)");
    }
    if facts.user.may_set_priority() {
        return Finding::ok(Code::Priority, "this user may use any (CAP_SYS_NICE)");
    }
    let limit = facts.limits.priority;
    let measured = match limit {
        Limit::Unlimited => "no limit".to_owned(),
        Limit::At(most) => {
            format!("at most {most} for this user, {wanted} needed (the scan's and one for the guardian)")
        }
    };
    if limit.allows(wanted) {
        Finding::ok(Code::Priority, measured)
    } else {
        Finding::bad(Code::Priority, Severity::Warning, measured)
    }
}

fn bandwidth(facts: &Facts) -> Finding {
    let group = facts.group_rt_runtime_us;
    let whole = facts.rt_runtime_us;
    if group == Some(0) && whole != Some(-1) {
        return Finding::bad(
            Code::Bandwidth,
            Severity::Problem,
            "none for this control group (cpu.rt_runtime_us is 0)",
        )
        .leads_to("the kernel refuses the real-time class to every program of this group, whatever its rights")
        .remedied_by("write a budget, such as 900000, to cpu.rt_runtime_us of the group and of each group above it");
    }
    match whole {
        Some(0) => Finding::bad(Code::Bandwidth, Severity::Problem, "none at all (kernel.sched_rt_runtime_us is 0)")
            .leads_to("the kernel refuses the real-time class to every program"),
        Some(-1) => Finding::ok(Code::Bandwidth, "not limited (kernel.sched_rt_runtime_us is -1)"),
        Some(us) => Finding::ok(Code::Bandwidth, format!("{us} us of each second")),
        None => Finding::bad(Code::Bandwidth, Severity::Note, "not readable (kernel.sched_rt_runtime_us)")
            .leads_to("whether the kernel limits real-time programs is not known")
            .remedied_by("nothing needs to be done where the priority above is granted"),
    }
}

/// What the two processes take, with the stacks of their threads and the store's cache, doubled: 256 MiB.
const LOCKED_BYTES_WANTED: u64 = 256 << 20;

fn memory_lock(facts: &Facts) -> Finding {
    if facts.user.may_lock_memory() {
        return Finding::ok(Code::MemoryLock, "this user may lock all memory (CAP_IPC_LOCK)");
    }
    match facts.limits.locked_bytes {
        Limit::Unlimited => Finding::ok(Code::MemoryLock, "no limit"),
        Limit::At(bytes) => {
            let measured = format!("{} KiB for this user, {} MiB needed", bytes >> 10, LOCKED_BYTES_WANTED >> 20);
            if bytes >= LOCKED_BYTES_WANTED {
                Finding::ok(Code::MemoryLock, measured)
            } else {
                Finding::bad(Code::MemoryLock, Severity::Warning, measured)
            }
        }
    }
}

fn swap(facts: &Facts, lockable: bool) -> Finding {
    let list = facts.swaps.join(", ");
    match (facts.swaps.is_empty(), lockable) {
        (true, _) => Finding::ok(Code::Swap, "none in use"),
        (false, true) => Finding::ok(Code::Swap, format!("{list}; plcrun's own memory is locked")),
        (false, false) => Finding::bad(Code::Swap, Severity::Warning, list),
    }
}
