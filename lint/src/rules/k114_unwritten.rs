//! K114: variables that are read and never written.

use crate::config::RuleOptions;
use crate::context::Context;
use crate::finding::Severity;
use crate::rule::{Check, Draft, Example, Rule};
use compiler::hir::Init;

/// Read, never written.
pub const RULE: Rule = Rule {
    code: "K114",
    severity: Severity::Warning,
    on: true,
    title: "variable that nothing writes",
    explanation: "The variable is read, but it has no address, no initial value, and nothing gives it a value: it is always 0. Contacts on such variables are W0902.",
    fix: "Assign it, give it an address or an initial value, or take it out.",
    options: &[],
    examples: &[
        Example::rejected(
            "PROGRAM Main
VAR limit : INT; level AT %IW0 : INT; lamp AT %QX0.0 : BOOL; END_VAR
lamp := level < «limit;
END_PROGRAM",
        ),
        Example::accepted(
            "PROGRAM Main
VAR limit : INT := 500; level AT %IW0 : INT; lamp AT %QX0.0 : BOOL; END_VAR
lamp := level < limit;
END_PROGRAM",
        ),
    ],
    check: Check::Program(check),
};

fn check(context: &Context<'_>, _: &RuleOptions, found: &mut Vec<Draft>) {
    for (variable, usage) in super::usage::uses(context) {
        let Some(read) = usage.read else { continue };
        if usage.written.is_none() && !usage.contact && variable.init == Init::Default {
            let message = format!("nothing writes `{}`, so it is always 0", variable.name);
            found.push(Draft::new(read, message).also(variable.span, "declared here"));
        }
    }
}
