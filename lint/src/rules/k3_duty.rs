//! K302 and K304: outputs that switch more often than their relay stands.

use crate::config::RuleOptions;
use crate::context::{Activity, Context, MapView};
use crate::finding::Severity;
use crate::rule::{Check, Draft, Example, Rule};

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

/// Faster than permitted.
pub const RATE: Rule = Rule {
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
    check: Check::Map(rate),
};

/// Worn out within a year.
pub const LIFE: Rule = Rule {
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
    check: Check::Map(life),
};

fn rate(context: &Context<'_>, _: &RuleOptions, found: &mut Vec<Draft>) {
    let Some(map) = &context.map else { return };
    for duty in context.duties() {
        let Some((name, channel)) = channel(map, duty.output) else { continue };
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

/// A year in nanoseconds.
const YEAR_NS: u128 = 365 * 24 * 3_600 * 1_000_000_000;

fn life(context: &Context<'_>, _: &RuleOptions, found: &mut Vec<Draft>) {
    let Some(map) = &context.map else { return };
    let at_rest = context.duties().iter().filter(|d| d.cause.is_empty()).filter_map(|duty| {
        let (name, _) = channel(map, duty.output)?;
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

fn channel<'m>(map: &'m MapView<'_>, output: usize) -> Option<(&'m str, &'m relay::Channel)> {
    let output = map.io.outputs.get(output)?;
    let id = map.io.channels.find(&output.name)?;
    Some((&output.name, map.io.channels.channel(id)))
}
