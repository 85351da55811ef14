//! K301: pulses too short for the contact.

use crate::config::RuleOptions;
use crate::context::Context;
use crate::finding::Severity;
use crate::logic::{Cell, How, Logic, Network};
use crate::rule::{At, Check, Draft, Example, Rule};
use compiler::source::Span;
use relay::quantity::Duration;

/// The rule.
pub const RULE: Rule = Rule {
    code: "K301",
    severity: Severity::Warning,
    on: true,
    title: "pulse too short for the contact",
    explanation: "What drives the output is on for one scan (an edge, a timer that resets itself) or for a TP whose preset is shorter than the relay needs to pull in and stop bouncing. The contact need not close at all. Followed through AND, OR and coils from an output to edges and timers.",
    fix: "Lengthen the pulse with a TP, or hold the output with SET and RST or a seal-in.",
    options: &[],
    examples: &[
        Example::rejected(
            "PROGRAM Main
VAR go AT %IX0.0 : BOOL; bell AT %QX0.0 : BOOL; END_VAR
LADDER
RUNG: RISE(go) COIL(«bell);
END_LADDER
END_PROGRAM",
        )
        .on(MAP),
        Example::rejected(
            "PROGRAM Main
VAR go AT %IX0.0 : BOOL; bell AT %QX0.0 : BOOL; ring : TP; END_VAR
ring(IN := go, PT := T#5ms);
«bell := ring.Q AND go;
END_PROGRAM",
        )
        .on(MAP),
        Example::accepted(
            "PROGRAM Main
VAR go AT %IX0.0 : BOOL; bell AT %QX0.0 : BOOL; ring : TP; END_VAR
ring(IN := go, PT := T#500ms);
bell := ring.Q;
END_PROGRAM",
        )
        .on(MAP),
        Example::accepted(
            "PROGRAM Main
VAR go AT %IX0.0 : BOOL; stop AT %IX0.1 : BOOL; bell AT %QX0.0 : BOOL; END_VAR
LADDER
RUNG: [RISE(go), NO(bell)] NC(stop) COIL(bell);
END_LADDER
END_PROGRAM",
        )
        .on("relays: [wago.yaml]
supply: { voltage: 36 VDC, sensed: coils_ok }
inputs: { go: {}, stop: { stop: false }, coils_ok: { sim: { initial: true } } }
outputs:
  bell: { relay: wago-859-386, load: { voltage: 24 VDC, current: 10 mA } }
"),
    ],
    check: Check::Map(check),
};

const MAP: &str = "relays: [wago.yaml]
scan: { period: 5 ms }
supply: { voltage: 36 VDC, sensed: coils_ok }
inputs: { go: {}, coils_ok: { sim: { initial: true } } }
outputs:
  bell: { relay: wago-859-386, load: { voltage: 24 VDC, current: 10 mA } }
";

/// How long something is TRUE at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pulse {
    /// For one scan.
    Scan,
    /// For so long.
    Time(u64),
}

/// Variables a pulse is followed through: far more than any program passes one on.
const STEPS_MAX: u32 = 16;

fn check(context: &Context<'_>, _: &RuleOptions, found: &mut Vec<Draft>) {
    let (Some(map), Some(scan_ns)) = (&context.map, context.slowest_scan_ns()) else { return };
    for output in &map.io.outputs {
        let Some(id) = map.io.channels.find(&output.name) else { continue };
        let least_ns = map.io.channels.channel(id).windows.pulse_min_ns;
        let Some(cell) = context.cell(&output.variable).filter(|_| least_ns > 0) else { continue };
        let Some((pulse, span)) = of_cell(&context.network, &cell, STEPS_MAX) else { continue };
        let longest_ns = match pulse {
            Pulse::Scan => scan_ns,
            Pulse::Time(ns) => ns,
        };
        if longest_ns >= least_ns {
            continue;
        }
        let long = match pulse {
            Pulse::Scan => format!("for one scan ({})", Duration::from_ns(scan_ns)),
            Pulse::Time(ns) => format!("for {}", Duration::from_ns(ns)),
        };
        let message = format!("`{}` is on {long} only", output.name);
        let note = format!("its contact needs {} to close and stop bouncing", Duration::from_ns(least_ns));
        let draft = Draft::new(span, message).note(note);
        found.push(match map.output_place(&output.name) {
            At::Map(place) => draft.also_in_map(place, "the relay"),
            At::Source(_) => draft,
        });
    }
}

/// How long a variable is TRUE at most, where that is bounded, and what drives it.
fn of_cell(network: &Network, cell: &Cell, steps: u32) -> Option<(Pulse, Span)> {
    let driver = network.driver(cell)?;
    let pulse = match driver.how {
        How::Pulses => Some(Pulse::Scan),
        How::Follows => of_logic(network, &driver.logic, steps),
        How::Sets | How::Resets | How::Perhaps => None,
    };
    Some((pulse?, driver.span))
}

fn of_logic(network: &Network, logic: &Logic, steps: u32) -> Option<Pulse> {
    match logic {
        Logic::Edge(_) => Some(Pulse::Scan),
        // The shortest of those in series, the longest of those side by side.
        Logic::And(parts) => parts.iter().filter_map(|p| of_logic(network, p, steps)).reduce(shorter),
        Logic::Or(parts) => {
            let all: Option<Vec<Pulse>> = parts.iter().map(|p| of_logic(network, p, steps)).collect();
            all?.into_iter().reduce(|a, b| if shorter(a, b) == a { b } else { a })
        }
        Logic::Read(cell) => {
            let steps = steps.checked_sub(1)?;
            match network.block(cell) {
                Some(block) => of_block(block, cell),
                None => of_cell(network, cell, steps).map(|(pulse, _)| pulse),
            }
        }
        Logic::Const(_) | Logic::Not(_) | Logic::Unknown(_) => None,
    }
}

fn of_block(block: &crate::logic::BlockCall, output: &Cell) -> Option<Pulse> {
    match block.family() {
        "R_TRIG" | "F_TRIG" => Some(Pulse::Scan),
        "TP" => block.preset_ns.map(Pulse::Time),
        "TON" => {
            // Its own output breaks its input: it is on for one scan each time.
            let itself = |cell: &Cell| (cell == output).then_some(true);
            let (may_go_on, _) = block.input.truth(&itself);
            (!may_go_on).then_some(Pulse::Scan)
        }
        _ => None,
    }
}

fn shorter(a: Pulse, b: Pulse) -> Pulse {
    match (a, b) {
        (Pulse::Scan, _) | (_, Pulse::Scan) => Pulse::Scan,
        (Pulse::Time(x), Pulse::Time(y)) => Pulse::Time(x.min(y)),
    }
}
