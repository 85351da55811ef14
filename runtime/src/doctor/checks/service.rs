//! Who starts the program, and what else waits for its end.

use super::super::{Code, Facts, Finding, Severity};

pub(in super::super) fn check(facts: &Facts, findings: &mut Vec<Finding>) {
    findings.push(service(facts));
    findings.push(core_dump(facts));
}

fn service(facts: &Facts) -> Finding {
    if facts.under_service_manager {
        let watchdog = facts.service_watchdog_us.map_or_else(
            || "without its watchdog".to_owned(),
            |us| format!("which expects a sign of life every {} ms", us / 1000),
        );
        return Finding::ok(Code::Service, format!("started by a service manager, {watchdog}"));
    }
    if !facts.instances.is_empty() {
        return Finding::ok(Code::Service, format!("enabled: {}", facts.instances.join(", ")));
    }
    if !facts.systemd {
        return Finding::bad(Code::Service, Severity::Note, "systemd does not run this machine").remedied_by(
            "let the init system start `plcrun run` with the user, limits and restart policy of the unit in docs/deployment.md",
        );
    }
    if facts.template_installed {
        return Finding::bad(Code::Service, Severity::Note, "plcrun@.service is installed, no instance is enabled");
    }
    Finding::bad(Code::Service, Severity::Note, "plcrun@.service is not installed")
}

fn core_dump(facts: &Facts) -> Finding {
    let pattern = &facts.core_pattern;
    let measured = match pattern.strip_prefix('|') {
        Some(program) => format!("piped to {}", program.split_whitespace().next().unwrap_or_default()),
        None if pattern.is_empty() => "none".to_owned(),
        None => format!("written to `{pattern}`"),
    };
    Finding::ok(Code::CoreDump, format!("{measured}; plcrun switches its own off"))
}
