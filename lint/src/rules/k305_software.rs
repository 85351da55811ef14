//! K305: emergency stops that nobody sees acting in hardware.

use crate::config::RuleOptions;
use crate::context::Context;
use crate::finding::Severity;
use crate::logic::Cell;
use crate::rule::{Check, Draft, Example, Rule};
use relay::{Channel, ChannelId};
use runtime::config::Output;
use std::collections::BTreeSet;

/// An emergency stop nobody sees acting in hardware.
pub const RULE: Rule = Rule {
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
    check: Check::Map(check),
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

fn check(context: &Context<'_>, _: &RuleOptions, found: &mut Vec<Draft>) {
    let Some(map) = &context.map else { return };
    for stop in super::outputs::emergency_stops(map) {
        let Some(cell) = context.cell(&stop.variable) else { continue };
        let stopped: Vec<_> = super::outputs::driven(map)
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
