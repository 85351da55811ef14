//! K206: jumps over timers.

use crate::config::RuleOptions;
use crate::context::Context;
use crate::finding::Severity;
use crate::rule::{Check, Draft, Example, Rule};

/// Past a timer or counter.
pub const RULE: Rule = Rule {
    code: "K206",
    severity: Severity::Warning,
    on: true,
    title: "jump over a timer",
    explanation: "While a jump or RET leads past it, a timer or counter is not called: its output stands still, and when it is called again the time in between counts at once.",
    fix: "Call timers in every scan and use their outputs where they are wanted; jump past the rest.",
    options: &[],
    examples: &[
        Example::rejected(
            "PROGRAM Main
VAR hand AT %IX0.0 : BOOL; go AT %IX0.1 : BOOL; lamp AT %QX0.0 : BOOL; delay : TON; END_VAR
LADDER
RUNG: NO(hand) «JMP(done);
RUNG: NO(go) delay(PT := T#2s) COIL(lamp);
RUNG done: WIRE() RET();
END_LADDER
END_PROGRAM",
        ),
        Example::accepted(
            "PROGRAM Main
VAR hand AT %IX0.0 : BOOL; go AT %IX0.1 : BOOL; lamp AT %QX0.0 : BOOL; delay : TON; END_VAR
LADDER
RUNG: NO(go) delay(PT := T#2s);
RUNG: NO(hand) JMP(done);
RUNG: NO(delay.Q) COIL(lamp);
RUNG done: WIRE() RET();
END_LADDER
END_PROGRAM",
        ),
    ],
    check: Check::Program(check),
};

fn check(context: &Context<'_>, _: &RuleOptions, found: &mut Vec<Draft>) {
    super::jumps::jumps(context, &mut |jump, parts| {
        if let Some(timer) = parts.timer {
            let draft = Draft::new(jump.span, "this may lead past a timer or counter");
            found.push(draft.also(timer, "stands still meanwhile"));
        }
    });
}
