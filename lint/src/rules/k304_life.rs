//! K304: relays worn out within a year.

use crate::config::RuleOptions;
use crate::context::{Activity, Context};
use crate::finding::Severity;
use crate::rule::{Check, Draft, Example, Rule};

/// Worn out within a year.
pub const RULE: Rule = Rule {
    code: "K304",
    severity: Severity::Warning,
    on: true,
    title: "life of a relay used up within a year",
    explanation: "At the duty that was simulated the relay reaches the life its data sheet states (electrical life under load, mechanical life without) within a year. The duty is what the program does by itself at rest, and what a simulation counted that the caller has run; a test that presses buttons without end is no duty.",
    fix: "Switch less often, use a solid-state output, or plan the exchange of the relay.",
    options: &[],
    examples: &[
        Example::rejected(
            "PROGRAM Main
VAR pump AT %QX0.0 : BOOL; rest : TON; run : TON; END_VAR
LADDER
RUNG: NC(run.Q) rest(PT := T#10s) COIL(pump);
RUNG: NO(rest.Q) run(PT := T#10s);
END_LADDER
END_PROGRAM",
        )
        .on("relays: [wago.yaml]
supply: { voltage: 36 VDC, sensed: coils_ok }
inputs: { coils_ok: { sim: { initial: true } } }
outputs:
  «pump: { relay: wago-859-386, load: { voltage: 24 VDC, current: 10 mA } }
"),
        Example::accepted(SLOW).on(MAP),
    ],
    check: Check::Map(check),
};

const SLOW: &str = "PROGRAM Main
VAR warn AT %IX0.0 : BOOL; lamp AT %QX0.0 : BOOL; dark : TON; lit : TON; END_VAR
LADDER
RUNG: NO(warn) NC(lit.Q) dark(PT := T#10s) COIL(lamp);
RUNG: NO(dark.Q) lit(PT := T#10s);
END_LADDER
END_PROGRAM";

const MAP: &str = "relays: [wago.yaml]
supply: { voltage: 36 VDC, sensed: coils_ok }
inputs: { warn: {}, coils_ok: { sim: { initial: true } } }
outputs:
  lamp: { relay: wago-859-386, load: { voltage: 24 VDC, current: 10 mA } }
";

/// A year in nanoseconds.
const YEAR_NS: u128 = 365 * 24 * 3_600 * 1_000_000_000;

fn check(context: &Context<'_>, _: &RuleOptions, found: &mut Vec<Draft>) {
    let Some(map) = &context.map else { return };
    let at_rest = context.duties().iter().filter(|d| d.cause.is_empty()).filter_map(|duty| {
        let (name, _) = map.output_channel(duty.output)?;
        let (channel, operations) = (name.to_owned(), u64::from(duty.operations));
        Some(Activity { channel, operations, over_ns: relay::WINDOW_NS, source: "the program at rest".to_owned() })
    });
    let all: Vec<Activity> = at_rest.chain(context.activity.iter().cloned()).collect();
    for activity in &all {
        let Some(id) = map.io.channels.find(&activity.channel) else { continue };
        let life = map.io.channels.channel(id).life;
        let stands = u128::from(if life.loaded { life.electrical } else { life.mechanical });
        let a_year = u128::from(activity.operations) * YEAR_NS / u128::from(activity.over_ns.max(1));
        if stands == 0 || a_year <= stands {
            continue;
        }
        let days = stands * 365 / a_year.max(1);
        let message = format!("the life of `{}` ({stands} operations) is used up in {days} days", activity.channel);
        let note = format!("by {}: {a_year} operations a year", activity.source);
        found.push(Draft::at(map.output_place(&activity.channel), message).note(note));
    }
}
