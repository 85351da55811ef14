//! The watchdog: what ends a hang of the whole box. One that the map names must be had, or the program does not start.

use super::super::{Asked, Code, Facts, Finding, Severity, Watchdog};

pub(in super::super) fn check(facts: &Facts, asked: &Asked, findings: &mut Vec<Finding>) {
    let wanted = asked.map.as_ref().and_then(|map| map.watchdog.as_deref());
    // /dev/watchdog is the first one under its older name.
    let wanted_name = wanted.map(|path| match path.strip_prefix("/dev/").unwrap_or(path) {
        "watchdog" => "watchdog0",
        other => other,
    });
    if facts.watchdogs.is_empty() && wanted.is_none() {
        findings.push(Finding::bad(Code::Watchdog, Severity::Note, "this machine has none"));
    }
    if let Some(path) = wanted
        && facts.watchdogs.iter().all(|w| Some(w.name.as_str()) != wanted_name)
    {
        findings.push(
            Finding::bad(Code::Watchdog, Severity::Problem, format!("{path} is asked for, but not there"))
                .leads_to("the program does not start")
                .remedied_by("load the board's watchdog driver, or take `guardian: watchdog` out of the map"),
        );
    }
    let judge = |w: &Watchdog| if Some(w.name.as_str()) == wanted_name { asked_for(facts, w) } else { other(facts, w) };
    findings.extend(facts.watchdogs.iter().map(judge));
}

fn measured(watchdog: &Watchdog) -> String {
    let timeout = watchdog.timeout_s.map_or_else(|| "unknown limit".to_owned(), |s| format!("limit {s} s"));
    let no_way_out = if watchdog.no_way_out { ", cannot be stopped once started" } else { "" };
    format!("/dev/{} ({}), {timeout}{no_way_out}", watchdog.name, watchdog.identity)
}

fn permitted(facts: &Facts, watchdog: &Watchdog) -> bool {
    watchdog.node.is_some_and(|node| facts.user.may_write(&node))
}

fn asked_for(facts: &Facts, watchdog: &Watchdog) -> Finding {
    let problem = |what: &str| {
        Finding::bad(Code::Watchdog, Severity::Problem, format!("{}, {what}", measured(watchdog)))
            .leads_to("the map asks for it: the program does not start")
    };
    if watchdog.active {
        return problem("fed by somebody else").remedied_by(
            "let one of them feed it: take RuntimeWatchdogSec out of /etc/systemd/system.conf, or `guardian: watchdog` out of the map",
        );
    }
    if !permitted(facts, watchdog) {
        return problem("not permitted to this user").remedied_by(
            "give it to the group gpio by a udev rule (SUBSYSTEM==\"watchdog\", GROUP=\"gpio\", MODE=\"0660\"), and let the service use it",
        );
    }
    if watchdog.no_way_out {
        return Finding::bad(Code::Watchdog, Severity::Note, measured(watchdog))
            .leads_to("the map asks for it: stopping the program restarts the box")
            .remedied_by("nothing needs to be done where that is wanted; else load the driver with nowayout=0");
    }
    Finding::ok(Code::Watchdog, format!("{}, fed while scans complete", measured(watchdog)))
}

fn other(facts: &Facts, watchdog: &Watchdog) -> Finding {
    if watchdog.active {
        return Finding::ok(Code::Watchdog, format!("{}, somebody feeds it already", measured(watchdog)));
    }
    let finding = Finding::bad(Code::Watchdog, Severity::Note, format!("{}, nobody feeds it", measured(watchdog)));
    if permitted(facts, watchdog) {
        return finding.remedied_by("name it in the map: `guardian: { watchdog: /dev/watchdog }`");
    }
    finding.remedied_by(
        "let systemd feed it (RuntimeWatchdogSec=10s in /etc/systemd/system.conf), or give it to the group gpio by a udev rule \
         and name it in the map: `guardian: { watchdog: /dev/watchdog }`",
    )
}
