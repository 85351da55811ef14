//! K302: outputs that flash faster than their relay may switch.

use crate::config::RuleOptions;
use crate::context::Context;
use crate::finding::Severity;
use crate::rule::{Check, Draft, Example, Rule};

/// Faster than permitted.
pub const RULE: Rule = Rule {
    code: "K302",
    severity: Severity::Warning,
    on: true,
    title: "output flashes faster than its relay may switch",
    explanation: "With inputs that do not change, the output switches on more often in a minute than the data sheet permits. The program is run for this in virtual time: at rest, and with each input held or pressed once; flashing that needs several inputs at once is not found. With `rate: enforce` the guard would refuse most of it.",
    fix: "Flash more slowly, drive a flasher relay or a lamp that flashes by itself, or use a solid-state output.",
    options: &[],
    examples: &[
        Example::rejected(FAST).on(MAP_MARKED),
        Example::accepted(SLOW).on(MAP),
        Example::accepted(FAST).on("inputs: { warn: {} }
outputs:
  lamp: { restart: auto, restart_reason: an LED on the line itself }
"),
    ],
    check: Check::Map(check),
};

const FAST: &str = "PROGRAM Main
VAR warn AT %IX0.0 : BOOL; lamp AT %QX0.0 : BOOL; dark : TON; lit : TON; END_VAR
LADDER
RUNG: NO(warn) NC(lit.Q) dark(PT := T#500ms) COIL(lamp);
RUNG: NO(dark.Q) lit(PT := T#500ms);
END_LADDER
END_PROGRAM";

const SLOW: &str = "PROGRAM Main
VAR warn AT %IX0.0 : BOOL; lamp AT %QX0.0 : BOOL; dark : TON; lit : TON; END_VAR
LADDER
RUNG: NO(warn) NC(lit.Q) dark(PT := T#10s) COIL(lamp);
RUNG: NO(dark.Q) lit(PT := T#10s);
END_LADDER
END_PROGRAM";

const MAP_MARKED: &str = "relays: [wago.yaml]
supply: { voltage: 36 VDC, sensed: coils_ok }
inputs: { warn: {}, coils_ok: { sim: { initial: true } } }
outputs:
  «lamp: { relay: wago-859-386, load: { voltage: 24 VDC, current: 10 mA } }
";

const MAP: &str = "relays: [wago.yaml]
supply: { voltage: 36 VDC, sensed: coils_ok }
inputs: { warn: {}, coils_ok: { sim: { initial: true } } }
outputs:
  lamp: { relay: wago-859-386, load: { voltage: 24 VDC, current: 10 mA } }
";

fn check(context: &Context<'_>, _: &RuleOptions, found: &mut Vec<Draft>) {
    let Some(map) = &context.map else { return };
    for duty in context.duties() {
        let Some((name, channel)) = map.output_channel(duty.output) else { continue };
        let limit = channel.rate.edges;
        if limit == 0 || duty.operations <= limit {
            continue;
        }
        let when = if duty.cause.is_empty() { "with nothing pressed".to_owned() } else { duty.cause.clone() };
        let message =
            format!("`{name}` switches on {} times a minute {when}; its relay may {limit} times", duty.operations);
        let note = format!("the time from one ON to the next is {} ms", duty.period_ms);
        found.push(Draft::at(map.output_place(name), message).note(note));
    }
}
