//! What the outputs of standard blocks can be, from what their inputs can be.
//!
//! Their bodies work with the scan's time, about which nothing is known here; their tables say more. A test runs the blocks and
//! holds what they do against this.

use super::domain::Value;
use super::keys::Key;
use super::state::{Frame, State};

impl State<'_> {
    /// A call of a standard block; its inputs are set. `part`: it is one of several instances that share a key.
    pub(super) fn library(&mut self, frame: &Frame, part: bool) {
        let program = self.program;
        let pou = &program.pous[frame.unit];
        let field = |state: &mut Self, name: &str| -> Option<Key> {
            let (var, _) = pou.vars.iter().find(|(_, v)| v.name.eq_ignore_ascii_case(name))?;
            Some(state.keys.of(frame.owner, frame.unit, var))
        };
        let input = |state: &mut Self, name: &str| field(state, name).map_or(Value::Any, |key| state.get(key));
        let name = pou.name.to_ascii_uppercase();
        // On and off again, where something can start it.
        let pulses = |value: Value| Value::of_truth(value.may_be_true(), true);
        // The same for what goes on by itself once it was started: it may be on from before.
        let held = |state: &mut Self, output: &str, starts: Value| {
            let before = field(state, output).map_or(Value::BOOL, |key| state.get(key));
            Value::of_truth(starts.may_be_true() || before.may_be_true(), true)
        };
        let family = name.split('_').next().unwrap_or_default();
        let (output, value) = match (name.as_str(), family) {
            ("R_TRIG", _) => ("Q", pulses(input(self, "CLK"))),
            // Its first call is an edge where CLK is FALSE.
            ("F_TRIG", _) => ("Q", pulses(input(self, "CLK").inverted())),
            ("SR", _) => {
                let sets = input(self, "S1");
                ("Q1", held(self, "Q1", sets))
            }
            ("RS", _) => {
                let (sets, resets) = (input(self, "S"), input(self, "R1"));
                ("Q1", held(self, "Q1", sets.and(resets.inverted())).and(resets.inverted()))
            }
            (_, "TON") => ("Q", pulses(input(self, "IN"))),
            (_, "TP") => {
                let starts = input(self, "IN");
                ("Q", held(self, "Q", starts))
            }
            (_, "TOF") => {
                let on = input(self, "IN");
                ("Q", if on.may_be_false() { held(self, "Q", on) } else { Value::of_bool(true) })
            }
            (_, "CTU") => {
                let (counts, preset) = (input(self, "CU"), input(self, "PV"));
                let at_once = matches!(preset, Value::Any) || matches!(preset, Value::Range(low, _) if low <= 0);
                ("Q", if at_once { Value::BOOL } else { held(self, "Q", counts) })
            }
            _ => ("", Value::Any),
        };
        for (var, variable) in pou.variables() {
            use compiler::hir::Class;
            if !matches!(variable.class, Class::Output) {
                continue;
            }
            let key = self.keys.of(frame.owner, frame.unit, var);
            let known = variable.name.eq_ignore_ascii_case(output);
            let counts_up = family == "CTU" && variable.name.eq_ignore_ascii_case("CV");
            let full = match Value::full(variable.ty) {
                Value::Range(_, high) if counts_up => Value::Range(0, high),
                value => value,
            };
            self.set(key, if known { value } else { full }, part);
        }
    }
}
