//! K303: outputs that exclude each other in the program only.

use crate::config::RuleOptions;
use crate::context::Context;
use crate::finding::Severity;
use crate::logic::{Cell, How};
use crate::rule::{Check, Draft, Example, Rule};

/// Contactors that exclude each other in the program only.
pub const RULE: Rule = Rule {
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
    check: Check::Map(check),
};

const PAIR_PROGRAM: &str = "PROGRAM Main
VAR left AT %IX0.0 : BOOL; right AT %IX0.1 : BOOL; k1 AT %QX0.0 : BOOL; k2 AT %QX0.1 : BOOL; END_VAR
LADDER
RUNG: NO(left) NC(k2) COIL(k1);
RUNG: NO(right) NC(k1) COIL(k2);
END_LADDER
END_PROGRAM";

fn check(context: &Context<'_>, _: &RuleOptions, found: &mut Vec<Draft>) {
    let Some(map) = &context.map else { return };
    let driven = super::outputs::driven(map);
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
