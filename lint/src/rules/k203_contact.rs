//! K203: contacts that stay as they are.

use crate::config::RuleOptions;
use crate::context::Context;
use crate::finding::Severity;
use crate::rule::{Check, Draft, Example, Rule};

/// Contacts that stay as they are.
pub const RULE: Rule = Rule {
    code: "K203",
    severity: Severity::Warning,
    on: true,
    title: "contact that never changes",
    explanation: "The variable of the contact is written, or has an initial value, but it is always the same: what is written never differs. Variables nothing writes are W0902; those of a coil that is never on are told there (K201). CONSTANT variables and parameters of blocks are left alone.",
    fix: "Correct what writes the variable, or take the contact out.",
    options: &[],
    examples: &[
        Example::rejected(
            "PROGRAM Main
VAR go AT %IX0.0 : BOOL; ready : BOOL; motor AT %QX0.0 : BOOL; END_VAR
LADDER
RUNG: NO(go) RST(ready);
RUNG: NO(«ready) COIL(motor);
END_LADDER
END_PROGRAM",
        ),
        Example::accepted(
            "PROGRAM Main
VAR go AT %IX0.0 : BOOL; stop AT %IX0.1 : BOOL; ready : BOOL; motor AT %QX0.0 : BOOL; END_VAR
LADDER
RUNG: NO(go) SET(ready);
RUNG: NO(stop) RST(ready);
RUNG: NO(ready) COIL(motor);
END_LADDER
END_PROGRAM",
        ),
    ],
    check: Check::Program(check),
};

fn check(context: &Context<'_>, _: &RuleOptions, found: &mut Vec<Draft>) {
    for (operand, variable, value) in super::power::constant_contacts(context) {
        let word = if value == 0 { "FALSE" } else { "TRUE" };
        let message = format!("`{}` is always {word}, so this contact never changes", variable.name);
        found.push(Draft::new(operand.span, message).also(variable.span, "declared here"));
    }
}
