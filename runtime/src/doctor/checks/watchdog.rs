//! The watchdog: what ends a hang of the whole box.

use super::super::{Asked, Code, Facts, Finding, Severity, Watchdog};

pub(in super::super) fn check(facts: &Facts, _asked: &Asked, findings: &mut Vec<Finding>) {
    if facts.watchdogs.is_empty() {
        findings.push(Finding::bad(Code::Watchdog, Severity::Note, "this machine has none"));
    }
    findings.extend(facts.watchdogs.iter().map(|watchdog| one(facts, watchdog)));
}

fn one(facts: &Facts, watchdog: &Watchdog) -> Finding {
    let timeout = watchdog.timeout_s.map_or_else(|| "unknown limit".to_owned(), |s| format!("limit {s} s"));
    let no_way_out = if watchdog.no_way_out { ", cannot be stopped once started" } else { "" };
    let measured = format!("/dev/{} ({}), {timeout}{no_way_out}", watchdog.name, watchdog.identity);
    if watchdog.active {
        return Finding::ok(Code::Watchdog, format!("{measured}, somebody feeds it already"));
    }
    if !watchdog.node.is_some_and(|node| facts.user.may_write(&node)) {
        return Finding::bad(Code::Watchdog, Severity::Note, format!("{measured}, not permitted to this user"))
            .remedied_by(
                "let systemd feed it (RuntimeWatchdogSec=10s in /etc/systemd/system.conf), or give it to the group gpio by a udev rule \
                 and name it in the map: `guardian: { watchdog: /dev/watchdog }`",
            );
    }
    if watchdog.no_way_out {
        return Finding::bad(Code::Watchdog, Severity::Note, measured)
            .leads_to("once the map names it, stopping the program restarts the box")
            .remedied_by("nothing needs to be done where that is wanted; else load the driver with nowayout=0");
    }
    Finding::ok(Code::Watchdog, measured)
}
