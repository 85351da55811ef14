//! K306: outputs an emergency stop does not reach.

use crate::config::RuleOptions;
use crate::context::Context;
use crate::finding::Severity;
use crate::logic::Cell;
use crate::rule::{Check, Draft, Example, Rule};
use compiler::hir::Location;
use relay::{Restart, SafeValue};

/// Outputs an emergency stop does not reach.
pub const RULE: Rule = Rule {
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
        let Some(input) = context.location(&stop.variable) else { continue };
        for (_, output, channel) in super::outputs::driven(map) {
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
