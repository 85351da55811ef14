//! K207: edges in rungs that may be skipped.

use crate::config::RuleOptions;
use crate::context::Context;
use crate::finding::Severity;
use crate::rule::{Check, Draft, Example, Rule};

/// Past an edge.
pub const RULE: Rule = Rule {
    code: "K207",
    severity: Severity::Warning,
    on: true,
    title: "edge in a rung that may be skipped",
    explanation: "While a jump or RET leads past it, an edge (RISE, FALL, COIL_RISE, COIL_FALL, R_TRIG, F_TRIG) does not see its signal. When the rung runs again it compares with what was before the jump: an edge is lost, or comes late.",
    fix: "Detect the edge in a rung that always runs, and use it behind the jump.",
    options: &[],
    examples: &[
        Example::rejected(
            "PROGRAM Main
VAR hand AT %IX0.0 : BOOL; go AT %IX0.1 : BOOL; lamp AT %QX0.0 : BOOL; off AT %IX0.2 : BOOL; END_VAR
LADDER
RUNG: NO(hand) «JMP(done);
RUNG: RISE(go) SET(lamp);
RUNG done: NO(off) RST(lamp);
END_LADDER
END_PROGRAM",
        ),
        Example::accepted(
            "PROGRAM Main
VAR hand AT %IX0.0 : BOOL; go AT %IX0.1 : BOOL; pressed : BOOL; lamp AT %QX0.0 : BOOL; off AT %IX0.2 : BOOL; END_VAR
LADDER
RUNG: RISE(go) COIL(pressed);
RUNG: NO(hand) JMP(done);
RUNG: NO(pressed) SET(lamp);
RUNG done: NO(off) RST(lamp);
END_LADDER
END_PROGRAM",
        ),
    ],
    check: Check::Program(check),
};

fn check(context: &Context<'_>, _: &RuleOptions, found: &mut Vec<Draft>) {
    super::jumps::jumps(context, &mut |jump, parts| {
        if let Some(edge) = parts.edge {
            let draft = Draft::new(jump.span, "this may lead past an edge");
            found.push(draft.also(edge, "does not see its signal meanwhile"));
        }
    });
}
