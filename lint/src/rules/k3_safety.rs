//! K303, K305 and K306: exclusions and stops that exist in the program only.

use crate::config::RuleOptions;
use crate::context::{Context, MapView};
use crate::finding::Severity;
use crate::logic::{Cell, How};
use crate::rule::{Check, Draft, Example, Rule};
use compiler::hir::Location;
use relay::{Channel, ChannelId, Restart, SafeValue};
use runtime::config::Output;
use std::collections::BTreeSet;

/// Contactors that exclude each other in the program only.
pub const PAIR: Rule = Rule {
    code: "K303",
    severity: Severity::Warning,
    on: true,
    title: "interlocked pair without a group",
    explanation: "Two outputs exclude each other in the program: each has the other's normally closed contact before it. No interlock group of the map names both, so the guard does not know of it, no dead time is kept, and a welded contact is not waited for. Outputs without relay and actuator are left alone.",
    fix: "Add both to a group under `interlocks`, with the dead time the machine needs.",
    options: &[],
    examples: &[
        Example::rejected(PAIR_PROGRAM).on("relays: [wago.yaml]
supply: { voltage: 36 VDC, sensed: coils_ok }
inputs: { left: {}, right: {}, coils_ok: { sim: { initial: true } } }
outputs:
  k1: { relay: wago-859-386, load: { voltage: 24 VDC, current: 10 mA } }
  «k2: { relay: wago-859-386, load: { voltage: 24 VDC, current: 10 mA } }
"),
        Example::accepted(PAIR_PROGRAM).on("relays: [wago.yaml]
supply: { voltage: 36 VDC, sensed: coils_ok }
inputs: { left: {}, right: {}, coils_ok: { sim: { initial: true } } }
outputs:
  k1: { relay: wago-859-386, load: { voltage: 24 VDC, current: 10 mA } }
  k2: { relay: wago-859-386, load: { voltage: 24 VDC, current: 10 mA } }
interlocks:
  - { name: direction, channels: [k1, k2], dead_time: 300 ms }
"),
    ],
    check: Check::Map(pairs),
};

const PAIR_PROGRAM: &str = "PROGRAM Main
VAR left AT %IX0.0 : BOOL; right AT %IX0.1 : BOOL; k1 AT %QX0.0 : BOOL; k2 AT %QX0.1 : BOOL; END_VAR
LADDER
RUNG: NO(left) NC(k2) COIL(k1);
RUNG: NO(right) NC(k1) COIL(k2);
END_LADDER
END_PROGRAM";

/// An emergency stop nobody sees acting in hardware.
pub const SOFTWARE: Rule = Rule {
    code: "K305",
    severity: Severity::Warning,
    on: true,
    title: "emergency stop that acts through the program only",
    explanation: "An input that is an emergency stop by its name (`stop: true`) acts on outputs by the program's logic, and for none of them does the map know a sign of hardware that acts by itself: no read-back of the contact, no sensed coil supply, no cut-off of a group. plcrun is no safety function: the emergency stop cuts power in hardware, and the program only reads that it did.",
    fix: "Let the emergency stop relay cut the coil supply, and show it to the map: `supply: { sensed: ... }`, or `feedback` of the contactors.",
    options: &[],
    examples: &[
        Example::rejected(STOP_PROGRAM).on("relays: [wago.yaml]
supply: { voltage: 36 VDC }
inputs:
  go: {}
  «estop_ok: { stop: true, sim: { initial: true } }
outputs:
  motor: { relay: wago-859-386, load: { voltage: 24 VDC, current: 10 mA } }
"),
        Example::accepted(STOP_PROGRAM).on(STOP_MAP),
    ],
    check: Check::Map(software),
};

const STOP_PROGRAM: &str = "PROGRAM Main
VAR go AT %IX0.0 : BOOL; estop_ok AT %IX0.1 : BOOL; motor AT %QX0.0 : BOOL; END_VAR
LADDER
RUNG: NO(go) NO(estop_ok) COIL(motor);
END_LADDER
END_PROGRAM";

const STOP_MAP: &str = "relays: [wago.yaml]
supply: { voltage: 36 VDC, sensed: coils_ok }
inputs:
  go: {}
  estop_ok: { stop: true, sim: { initial: true } }
  coils_ok: { sim: { initial: true } }
outputs:
  motor: { relay: wago-859-386, load: { voltage: 24 VDC, current: 10 mA } }
";

/// Outputs an emergency stop does not reach.
pub const REACH: Rule = Rule {
    code: "K306",
    severity: Severity::Warning,
    on: true,
    title: "output that stays on while the emergency stop is pressed",
    explanation: "In a scan in which the emergency stop input is FALSE this output can still be TRUE at the end: no contact of the stop stands in its way, or only where it starts. Outputs without relay and actuator are left alone, and so are those with `restart: auto` or `safe: on`, whose reasons say why.",
    fix: "Put the stop's contact in series with the coil, behind the seal-in: what hardware has cut shall not start again with it.",
    options: &[],
    examples: &[
        Example::rejected(
            "PROGRAM Main
VAR go AT %IX0.0 : BOOL; off AT %IX0.2 : BOOL; estop_ok AT %IX0.1 : BOOL; motor AT %QX0.0 : BOOL; END_VAR
LADDER
RUNG: [NO(go) NO(estop_ok), NO(motor)] NC(off) COIL(motor);
END_LADDER
END_PROGRAM",
        )
        .on("relays: [wago.yaml]
supply: { voltage: 36 VDC, sensed: coils_ok }
inputs:
  go: {}
  off: {}
  estop_ok: { stop: true, sim: { initial: true } }
  coils_ok: { sim: { initial: true } }
outputs:
  «motor: { relay: wago-859-386, load: { voltage: 24 VDC, current: 10 mA } }
"),
        Example::accepted(STOP_PROGRAM).on(STOP_MAP),
    ],
    check: Check::Map(reach),
};

/// Outputs that move something: those behind a relay or with an actuator.
fn driven<'m>(map: &'m MapView<'_>) -> Vec<(ChannelId, &'m Output, &'m Channel)> {
    let channels = &map.io.channels;
    let all = map.io.outputs.iter().filter_map(|output| {
        let id = channels.find(&output.name)?;
        Some((id, output, channels.channel(id)))
    });
    all.filter(|(_, output, channel)| channel.relay.is_some() || output.model.actuator.is_some()).collect()
}

fn pairs(context: &Context<'_>, _: &RuleOptions, found: &mut Vec<Draft>) {
    let Some(map) = &context.map else { return };
    let driven = driven(map);
    let cells: Vec<Option<Cell>> = driven.iter().map(|(_, output, _)| context.cell(&output.variable)).collect();
    for (index, ((_, b, channel_b), cell_b)) in driven.iter().zip(&cells).enumerate() {
        for ((_, a, channel_a), cell_a) in driven.iter().zip(&cells).take(index) {
            let (Some(cell_a), Some(cell_b)) = (cell_a, cell_b) else { continue };
            let grouped = channel_a.groups().iter().any(|group| channel_b.groups().contains(group));
            if !grouped && excludes(context, cell_a, cell_b) && excludes(context, cell_b, cell_a) {
                let message =
                    format!("`{}` and `{}` exclude each other in the program, but no group names both", a.name, b.name);
                let mut draft = Draft::at(map.output_place(&b.name), message);
                for cell in [cell_a, cell_b] {
                    if let Some(driver) = context.network.driver(cell) {
                        draft = draft.also(driver.span, "excluded here");
                    }
                }
                found.push(draft);
            }
        }
    }
}

/// Is `a` never driven while `b` is on?
fn excludes(context: &Context<'_>, a: &Cell, b: &Cell) -> bool {
    let Some(driver) = context.network.driver(a).filter(|d| d.how == How::Follows) else { return false };
    let b_is_on = |cell: &Cell| (cell == b).then_some(true);
    let b_is_off = |cell: &Cell| (cell == b).then_some(false);
    !driver.logic.truth(&b_is_on).0 && driver.logic.truth(&b_is_off).0
}

/// Emergency stops of a map: marked as stops, and named so.
fn emergency_stops<'m>(map: &'m MapView<'_>) -> impl Iterator<Item = &'m runtime::config::Input> {
    map.io.inputs.iter().filter(|input| {
        let name = input.name.to_lowercase();
        let called_so = ["estop", "e_stop", "emergency", "notaus", "not_aus", "nothalt", "not_halt"];
        input.stop && called_so.iter().any(|word| name.contains(word))
    })
}

fn software(context: &Context<'_>, _: &RuleOptions, found: &mut Vec<Draft>) {
    let Some(map) = &context.map else { return };
    for stop in emergency_stops(map) {
        let Some(cell) = context.cell(&stop.variable) else { continue };
        let stopped: Vec<_> = driven(map)
            .into_iter()
            .filter(|(_, output, _)| context.cell(&output.variable).is_some_and(|o| depends(context, &o, &cell)))
            .collect();
        let seen = |(id, output, channel): &(ChannelId, &Output, &Channel)| {
            let cut = map.io.channels.group_ids().any(|g| map.io.channels.group(g).cutoff == Some(*id));
            let in_cut_group = channel.groups().iter().any(|g| map.io.channels.group(*g).cutoff.is_some());
            output.feedback.is_some() || map.io.supply.is_some() || cut || in_cut_group
        };
        if stopped.is_empty() || stopped.iter().any(seen) {
            continue;
        }
        let names: Vec<String> = stopped.iter().map(|(_, output, _)| format!("`{}`", output.name)).collect();
        let message = format!("`{}` stops {} by the program alone", stop.name, names.join(", "));
        found.push(Draft::at(map.input_place(&stop.name), message));
    }
}

/// Does a variable depend on another, through coils, assignments and blocks?
fn depends(context: &Context<'_>, from: &Cell, on: &Cell) -> bool {
    let network = &context.network;
    let mut open = vec![from.clone()];
    let mut seen = BTreeSet::new();
    while let Some(cell) = open.pop() {
        if cell == *on {
            return true;
        }
        if !seen.insert(cell.clone()) {
            continue;
        }
        let mut reads = Vec::new();
        network.drivers.get(&cell).into_iter().flatten().for_each(|d| d.logic.reads(&mut reads));
        if let Some(block) = network.block(&cell) {
            block.input.reads(&mut reads);
        }
        open.extend(reads.into_iter().cloned());
    }
    false
}

fn reach(context: &Context<'_>, _: &RuleOptions, found: &mut Vec<Draft>) {
    let Some(map) = &context.map else { return };
    for stop in emergency_stops(map) {
        let Some(input) = context.location(&stop.variable) else { continue };
        for (_, output, channel) in driven(map) {
            let meant = channel.restart == Restart::Auto || channel.safe == SafeValue::On;
            let Some(location) = context.location(&output.variable).filter(|_| !meant) else { continue };
            if stays_on(context, input, location) {
                let message = format!("`{}` can stay on while `{}` is FALSE", output.name, stop.name);
                let mut draft = Draft::at(map.output_place(&output.name), message);
                if let Some(driver) = context.network.drivers.get(&Cell::at(location)).and_then(|d| d.first()) {
                    draft = draft.also(driver.span, "driven here");
                }
                found.push(draft);
            }
        }
    }
}

fn stays_on(context: &Context<'_>, stop: &Location, output: &Location) -> bool {
    context.values.after_scan(&[(stop, false)], output).is_some_and(|value| value.may_be_true())
}
