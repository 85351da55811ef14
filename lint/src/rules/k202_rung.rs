//! K202: rungs that are always jumped over.

use crate::config::RuleOptions;
use crate::context::Context;
use crate::finding::Severity;
use crate::rule::{Check, Draft, Example, Rule};
use crate::value::Site;
use crate::walk::units;
use compiler::hir::Body;

/// Rungs that are jumped over.
pub const RULE: Rule = Rule {
    code: "K202",
    severity: Severity::Warning,
    on: true,
    title: "rung that is never reached",
    explanation: "A jump or RET above that always has power leads past this rung.",
    fix: "Put contacts before the jump, or take the rung out.",
    options: &[],
    examples: &[
        Example::rejected(
            "PROGRAM Main
VAR go AT %IX0.0 : BOOL; motor AT %QX0.0 : BOOL; lamp AT %QX0.1 : BOOL; END_VAR
LADDER
RUNG: WIRE() JMP(done);
«RUNG: NO(go) COIL(motor);
RUNG done: NO(go) COIL(lamp);
END_LADDER
END_PROGRAM",
        ),
        Example::accepted(
            "PROGRAM Main
VAR go AT %IX0.0 : BOOL; motor AT %QX0.0 : BOOL; lamp AT %QX0.1 : BOOL; END_VAR
LADDER
RUNG: NC(go) JMP(done);
RUNG: NO(go) COIL(motor);
RUNG done: NO(go) COIL(lamp);
END_LADDER
END_PROGRAM",
        ),
    ],
    check: Check::Program(check),
};

fn check(context: &Context<'_>, _: &RuleOptions, found: &mut Vec<Draft>) {
    for (_, pou) in units(context.program) {
        let Body::Ladder(rungs) = &pou.body else { continue };
        let reached = |rung: &compiler::hir::Rung| context.values.seen(Site::Rung, rung.span).is_some();
        // A block nobody calls is never reached at all.
        if !rungs.iter().any(reached) {
            continue;
        }
        for rung in rungs.iter().filter(|r| context.values.is_dead(Site::Rung, r.span)) {
            found.push(Draft::new(rung.span, "a jump above always leads past this rung"));
        }
    }
}
