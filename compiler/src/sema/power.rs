//! How the power of a rung goes through a function block: its power pins, or EN and ENO.

use super::args::Arguments;
use super::call::assemble;
use super::{BodyContext, Sema};
use crate::ast::{self, ArgKind};
use crate::diag::{Code, Diagnostic};
use crate::hir::{Class, ElementKind, Place, PouId, PouKind, Stmt, StmtKind, VarId};
use crate::types::Ty;

/// The pins of a standard block (IEC 61131-3 tables 43 to 46).
fn library_pins(name: &str) -> (Option<&'static str>, Option<&'static str>) {
    let base = name.split('_').next().unwrap_or(name);
    match (name, base) {
        ("R_TRIG" | "F_TRIG", _) => (Some("CLK"), Some("Q")),
        (_, "TON" | "TOF" | "TP") => (Some("IN"), Some("Q")),
        (_, "CTU") => (Some("CU"), Some("Q")),
        (_, "CTD") => (Some("CD"), Some("Q")),
        (_, "CTUD") => (None, Some("QU")),
        (_, "SR") => (Some("S1"), Some("Q1")),
        (_, "RS") => (Some("S"), Some("Q1")),
        (_, _) => (None, None),
    }
}

/// The pins a block's declaration gives to the power.
#[derive(Clone, Copy, Default)]
struct Pins {
    input: Option<VarId>,
    output: Option<VarId>,
}

impl Sema<'_> {
    /// `{power}` marks at most one BOOL input and one BOOL output of a function block.
    pub(super) fn check_power_pins(&mut self, id: PouId) {
        let pou = &self.program.pous[id];
        let mut findings = Vec::new();
        let (mut inputs, mut outputs) = (0, 0);
        for variable in pou.vars.values().filter(|v| v.power) {
            let place = match variable.class {
                Class::Input => &mut inputs,
                Class::Output => &mut outputs,
                Class::InOut | Class::Local | Class::Temp | Class::Result | Class::Hidden | Class::Global => {
                    findings.push((variable.span, "only inputs and outputs can be power pins"));
                    continue;
                }
            };
            *place += 1;
            if *place > 1 {
                findings.push((variable.span, "one input and one output at most are power pins"));
            } else if variable.ty != Ty::BOOL && !variable.ty.is_error() {
                findings.push((variable.span, "a power pin is BOOL"));
            } else if pou.kind != PouKind::FunctionBlock {
                findings.push((variable.span, "only function blocks have power pins; functions have EN and ENO"));
            }
        }
        for (span, message) in findings {
            self.error(Code::PowerPin, span, message);
        }
    }

    fn pins(&self, id: PouId) -> Pins {
        let pou = &self.program.pous[id];
        let find = |name: &str| pou.vars.iter().find(|(_, v)| v.name == name).map(|(var, _)| var);
        if pou.library {
            let (input, output) = library_pins(&pou.name);
            return Pins { input: input.and_then(find), output: output.and_then(find) };
        }
        let marked = |class: Class| pou.vars.iter().find(|(_, v)| v.power && v.class == class).map(|(var, _)| var);
        Pins { input: marked(Class::Input), output: marked(Class::Output) }
    }
}

impl BodyContext<'_, '_> {
    /// An instance in the power: through its pins, or with EN and ENO where EN is written or it has no pins.
    pub(super) fn ladder_block(
        &mut self,
        call: &ast::Call,
        pou: PouId,
        place: Place,
        at_rail: bool,
    ) -> Option<ElementKind> {
        let pins = self.s.pins(pou);
        let enabled = call.args.iter().any(|a| matches!(&a.kind, ArgKind::Input(name) if name.is("EN")));
        let counts_both_ways = self.s.program.pous[pou].library && pins.input.is_none();
        if !enabled && counts_both_ways && !self.both_counters_named(call, at_rail) {
            return None;
        }
        if let (false, Some(input)) = (enabled, pins.input) {
            self.refuse_written_pin(call, pou, input)?;
        }
        let mut args = self.arguments(pou, call)?;
        if enabled {
            self.refuse_missing_inputs(call, pou, &args)?;
        }
        if enabled || (pins.input.is_none() && !counts_both_ways) {
            let (enable, eno) = (args.enable.take(), args.eno.take());
            // Without pins the outputs are read by name; a marked output has no meaning while EN decides.
            let call = assemble(pou, Some(place), args, call.span);
            let span = call.span;
            return Some(ElementKind::Powered {
                enable,
                body: vec![Stmt { kind: StmtKind::Call(Box::new(call)), span }],
                eno,
            });
        }
        let call = assemble(pou, Some(place), args, call.span);
        Some(ElementKind::Block { call, input: pins.input, output: pins.output })
    }

    /// Where EN is written, the power drives no other pin: an input that is left out would keep an old value unseen.
    fn refuse_missing_inputs(&mut self, call: &ast::Call, pou: PouId, args: &Arguments) -> Option<()> {
        let given = |var: VarId| args.inputs.iter().any(|(v, _)| *v == var);
        let inputs = self.s.program.pous[pou].vars.iter().filter(|(_, v)| v.class == Class::Input);
        let missing: Vec<String> = inputs.filter(|(id, _)| !given(*id)).map(|(_, v)| v.name.to_string()).collect();
        if missing.is_empty() {
            return Some(());
        }
        let names = missing.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let message = format!("EN is written, so every other input has to be written too; {names} missing");
        let help =
            format!("write {}", missing.iter().map(|name| format!("{name} := ...")).collect::<Vec<_>>().join(", "));
        self.s.report(Diagnostic::new(Code::ArgumentCount, call.span, message).help(help));
        None
    }

    fn both_counters_named(&mut self, call: &ast::Call, at_rail: bool) -> bool {
        let named = |pin: &str| call.args.iter().any(|a| matches!(&a.kind, ArgKind::Input(name) if name.is(pin)));
        if at_rail && named("CU") && named("CD") {
            return true;
        }
        let message = format!("`{}` counts by CU and CD, not by the power on its left", call.callee.name.text);
        let diagnostic = Diagnostic::new(Code::NoPowerPin, call.span, message);
        self.s.report(
            diagnostic.help("write it first in its rung with CU := and CD :=, or write EN := and every input by name"),
        );
        false
    }

    fn refuse_written_pin(&mut self, call: &ast::Call, pou: PouId, input: VarId) -> Option<()> {
        let pin = self.s.var(pou, input).name.clone();
        for arg in &call.args {
            match &arg.kind {
                ArgKind::Input(name) if name.is(&pin) => {
                    let message = format!("`{pin}` is driven by the power on the left");
                    let help =
                        format!("put the condition before the block as contacts, or write EN := TRUE beside {pin}");
                    self.s.report(Diagnostic::new(Code::PowerConflict, name.span, message).help(help));
                    return None;
                }
                ArgKind::Positional => {
                    let message = "in a ladder the inputs of a block are given by name";
                    self.s
                        .report(Diagnostic::new(Code::ArgumentStyle, arg.span, message).help("for example PT := T#5s"));
                    return None;
                }
                ArgKind::Input(_) | ArgKind::Output { .. } => {}
            }
        }
        Some(())
    }
}
