//! K201: coils that power never reaches.

use crate::config::RuleOptions;
use crate::context::Context;
use crate::finding::Severity;
use crate::rule::{Check, Draft, Example, Rule};
use compiler::ast::CoilKind;

/// Coils without power.
pub const RULE: Rule = Rule {
    code: "K201",
    severity: Severity::Warning,
    on: true,
    title: "coil that is never on",
    explanation: "By the values the variables can have, power never reaches this coil: contacts in series exclude each other, or one of them never conducts. Silent about blocks that are never called, and about rungs that are never reached (K202).",
    fix: "Correct the contacts before it, or take the coil out.",
    options: &[],
    examples: &[
        Example::rejected(
            "PROGRAM Main
VAR auto AT %IX0.0 : BOOL; go AT %IX0.1 : BOOL; motor AT %QX0.0 : BOOL; END_VAR
LADDER
RUNG: NO(auto) NO(go) NC(auto) COIL(«motor);
END_LADDER
END_PROGRAM",
        ),
        Example::accepted(
            "PROGRAM Main
VAR auto AT %IX0.0 : BOOL; go AT %IX0.1 : BOOL; motor AT %QX0.0 : BOOL; END_VAR
LADDER
RUNG: [NO(auto), NO(go) NC(auto)] COIL(motor);
END_LADDER
END_PROGRAM",
        ),
    ],
    check: Check::Program(check),
};

fn check(context: &Context<'_>, _: &RuleOptions, found: &mut Vec<Draft>) {
    // A coil is without power, too, where a contact before it waits for another such coil: the first cause is enough.
    let dead = super::power::contacts_that_stay(context, true);
    for (id, kind, place) in super::power::never_on(context) {
        let consequence =
            dead.iter().any(|(unit, rung)| *unit == id && rung.start <= place.span.start && place.span.end <= rung.end);
        if consequence {
            continue;
        }
        let name = context.text(place.span);
        let message = match kind {
            CoilKind::Normal | CoilKind::Rise | CoilKind::Fall => {
                format!("`{name}` is never on: power never reaches this coil")
            }
            CoilKind::Negated => format!("`{name}` is always on: power never reaches this coil"),
            CoilKind::Set => format!("`{name}` is never set here: power never reaches this coil"),
            CoilKind::Reset => format!("`{name}` is never reset here: power never reaches this coil"),
        };
        found.push(Draft::new(place.span, message));
    }
}
