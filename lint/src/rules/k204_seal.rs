//! K204: a seal-in that nothing breaks.

use crate::config::RuleOptions;
use crate::context::Context;
use crate::finding::Severity;
use crate::logic::{Cell, How};
use crate::rule::{Check, Draft, Example, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    code: "K204",
    severity: Severity::Warning,
    on: true,
    title: "seal-in without stop",
    explanation: "Once the variable is TRUE its own contact keeps it so, and no contact stands in series with it: nothing but a restart switches it off again. The usual mistake is a stop contact within the start leg instead of behind the branch.",
    fix: "Put the stop contact in series with the seal-in: `[NO(start), NO(motor)] NO(stop_ok) COIL(motor)`.",
    options: &[],
    examples: &[
        Example::rejected(
            "PROGRAM Main
VAR start AT %IX0.0 : BOOL; stop_ok AT %IX0.1 : BOOL; motor AT %QX0.0 : BOOL; END_VAR
LADDER
RUNG: [NO(start) NO(stop_ok), NO(motor)] COIL(«motor);
END_LADDER
END_PROGRAM",
        ),
        Example::rejected(
            "PROGRAM Main
VAR start AT %IX0.0 : BOOL; motor AT %QX0.0 : BOOL; END_VAR
«motor := start OR motor;
END_PROGRAM",
        ),
        Example::accepted(
            "PROGRAM Main
VAR start AT %IX0.0 : BOOL; stop_ok AT %IX0.1 : BOOL; motor AT %QX0.0 : BOOL; END_VAR
LADDER
RUNG: [NO(start), NO(motor)] NO(stop_ok) COIL(motor);
END_LADDER
END_PROGRAM",
        ),
    ],
    check: Check::Program(check),
};

fn check(context: &Context<'_>, _: &RuleOptions, found: &mut Vec<Draft>) {
    for (cell, drivers) in &context.network.drivers {
        let [driver] = drivers.as_slice() else { continue };
        if driver.how != How::Follows {
            continue;
        }
        let mut reads = Vec::new();
        driver.logic.reads(&mut reads);
        let seals = reads.contains(&cell);
        let is_on = |other: &Cell| (other == cell).then_some(true);
        let is_off = |other: &Cell| (other == cell).then_some(false);
        let (_, may_fall) = driver.logic.truth(&is_on);
        // What is TRUE anyway is no seal-in.
        let (_, may_be_off) = driver.logic.truth(&is_off);
        if seals && !may_fall && may_be_off {
            let name = context.text(driver.span);
            found.push(Draft::new(driver.span, format!("once `{name}` is on, nothing switches it off")));
        }
    }
}
