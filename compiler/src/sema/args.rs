//! Arguments of calls: by position, by name, EN and ENO, outputs with `=>`.

use super::BodyContext;
use super::functions::Standard;
use super::place::Use;
use crate::ast::{self, ArgKind};
use crate::diag::{Code, Diagnostic};
use crate::hir::{Class, Expr, Init, Place, PouId, Step, Taken, VarId};
use crate::source::Span;
use crate::types::{Ty, widens};

/// Arguments of a standard function.
#[derive(Default)]
pub(super) struct StandardArgs {
    /// In the order of the standard.
    pub values: Vec<Expr>,
    /// EN
    pub enable: Option<Expr>,
    /// ENO
    pub eno: Option<Place>,
    /// `OUT => place`, perhaps negated.
    pub out: Option<(Place, bool)>,
}

/// Arguments of a function or block of the project or library.
#[derive(Default)]
pub(super) struct Arguments {
    pub inputs: Vec<(VarId, Expr)>,
    pub in_outs: Vec<(VarId, Place)>,
    pub outputs: Vec<Taken>,
    pub enable: Option<Expr>,
    pub eno: Option<Place>,
}

impl BodyContext<'_, '_> {
    fn style(&mut self, span: Span, message: impl Into<String>, help: &str) {
        self.s.report(Diagnostic::new(Code::ArgumentStyle, span, message).help(help));
    }

    /// The variable behind `=>`.
    fn taker(&mut self, arg: &ast::Arg) -> Option<Place> {
        let value = arg.value.as_ref()?;
        match &value.kind {
            ast::ExprKind::Variable(variable) => {
                let place = self.place(variable, Use::Write)?;
                self.writable(&place).then_some(place)
            }
            ast::ExprKind::Address(address) => {
                let place = self.address_place(address)?;
                self.writable(&place).then_some(place)
            }
            _ => {
                self.style(value.span, "`=>` needs a variable that takes the output", "write `Q => lamp`");
                None
            }
        }
    }

    /// EN and ENO, which every function and block has.
    fn enable_pin(&mut self, arg: &ast::Arg, enable: &mut Option<Expr>, eno: &mut Option<Place>) -> bool {
        match &arg.kind {
            ArgKind::Input(name) if name.is("EN") => {
                *enable = arg.value.as_ref().map(|value| self.condition(value));
                true
            }
            ArgKind::Output { name, negated } if name.is("ENO") => {
                if *negated {
                    self.style(name.span, "ENO cannot be negated", "take ENO as it is and use NOT where it is read");
                }
                *eno = self.taker(arg).filter(|place| self.check_bool(place));
                true
            }
            ArgKind::Positional | ArgKind::Input(_) | ArgKind::Output { .. } => false,
        }
    }

    fn check_bool(&mut self, place: &Place) -> bool {
        if place.ty != Ty::BOOL {
            let message = format!("ENO is BOOL, the variable is {}", self.s.type_name(place.ty));
            self.s.error(Code::ConditionType, place.span, message);
        }
        place.ty == Ty::BOOL
    }

    /// Arguments of a standard function.
    pub(super) fn standard_args(
        &mut self,
        call: &ast::Call,
        standard: Standard,
        hint: Option<Ty>,
    ) -> Option<StandardArgs> {
        let mut result = StandardArgs::default();
        let mut named: Vec<Option<Expr>> = Vec::new();
        let mut good = true;
        for arg in &call.args {
            if self.enable_pin(arg, &mut result.enable, &mut result.eno) {
                continue;
            }
            match (&arg.kind, &arg.value) {
                (ArgKind::Positional, Some(value)) => {
                    let value = self.infer(value, hint);
                    result.values.push(value);
                }
                (ArgKind::Input(name), Some(value)) => match standard.formal(&name.key()) {
                    Some(at) if at < call.args.len() => {
                        let value = self.infer(value, hint);
                        named.resize_with(named.len().max(at + 1), || None);
                        match named.get_mut(at) {
                            Some(slot) if slot.is_none() => *slot = Some(value),
                            Some(_) | None => good = self.given_twice(name),
                        }
                    }
                    Some(_) | None => {
                        let message = format!("`{}` has no input `{}`", call.callee.name.text, name.text);
                        self.s.error(Code::UnknownField, name.span, message);
                        good = false;
                    }
                },
                (ArgKind::Output { name, negated }, _) if name.is("OUT") || name.is(&call.callee.name.text) => {
                    let negated = *negated;
                    result.out = self.taker(arg).map(|place| (place, negated));
                    good &= result.out.is_some() || arg.value.is_none();
                }
                (ArgKind::Output { name, .. }, _) => {
                    let message = format!("`{}` has no output `{}`", call.callee.name.text, name.text);
                    self.s.report(Diagnostic::new(Code::UnknownField, name.span, message).help("its result is `OUT`"));
                    good = false;
                }
                (ArgKind::Positional | ArgKind::Input(_), None) => good = self.missing_value(arg.span),
            }
        }
        if !named.is_empty() {
            if !result.values.is_empty() {
                self.style(call.span, "named and unnamed arguments do not mix", "name all of them or none");
                return None;
            }
            let given = named.iter().flatten().count();
            if given != named.len() && good {
                let message = format!("an input of `{}` before the last one is missing", call.callee.name.text);
                self.s.error(Code::ArgumentCount, call.span, message);
                return None;
            }
            result.values = named.into_iter().flatten().collect();
        }
        good.then_some(result)
    }

    fn given_twice(&mut self, name: &ast::Ident) -> bool {
        self.s.error(Code::ArgumentCount, name.span, format!("`{}` is given twice", name.text));
        false
    }

    fn missing_value(&mut self, span: Span) -> bool {
        self.s.error(Code::ArgumentCount, span, "the value is missing");
        false
    }

    /// Arguments of a POU. Functions need a value for every input without an initial value of its own.
    pub(super) fn arguments(&mut self, pou: PouId, call: &ast::Call) -> Option<Arguments> {
        let positional = |a: &ast::Arg| matches!(a.kind, ArgKind::Positional);
        let by_name = |a: &ast::Arg| matches!(&a.kind, ArgKind::Input(name) if !name.is("EN"));
        if call.args.iter().any(positional) && call.args.iter().any(by_name) {
            self.style(call.span, "named and unnamed arguments do not mix", "name all of them or none");
            return None;
        }
        let mut result = Arguments::default();
        let mut good = true;
        let order: Vec<VarId> = {
            let vars = &self.s.program.pous[pou].vars;
            vars.iter().filter(|(_, v)| matches!(v.class, Class::Input | Class::InOut)).map(|(id, _)| id).collect()
        };
        let mut position = 0;
        let mut given: Vec<VarId> = Vec::new();
        for arg in &call.args {
            if self.enable_pin(arg, &mut result.enable, &mut result.eno) {
                continue;
            }
            let var = match &arg.kind {
                ArgKind::Positional => {
                    let var = order.get(position).copied();
                    position += 1;
                    var
                }
                ArgKind::Input(name) => {
                    let Some(var) = self.formal_input(pou, name) else {
                        good = false;
                        continue;
                    };
                    Some(var)
                }
                ArgKind::Output { name, negated } => {
                    good &= self.output(pou, name, *negated, arg, &mut result.outputs);
                    continue;
                }
            };
            let Some(var) = var else { continue };
            if given.contains(&var) {
                self.s.error(Code::ArgumentCount, arg.span, "this parameter is given twice");
                good = false;
                continue;
            }
            given.push(var);
            if let Some(value) = &arg.value {
                good &= self.input(pou, var, value, &mut result);
            } else if matches!(arg.kind, ArgKind::Positional) {
                good = self.missing_value(arg.span);
            }
        }
        if position > 0 && position != order.len() {
            let message =
                format!("`{}` takes {} arguments, here are {position}", self.s.program.pous[pou].name, order.len());
            self.s.error(Code::ArgumentCount, call.span, message);
            return None;
        }
        good &= self.complete(pou, call, &order, &given, &mut result);
        good.then_some(result)
    }

    fn formal_input(&mut self, pou: PouId, name: &ast::Ident) -> Option<VarId> {
        let found = self.s.program.pous[pou].vars.iter().find(|(_, v)| name.is(&v.name)).map(|(id, v)| (id, v.class));
        match found {
            Some((id, Class::Input | Class::InOut)) => Some(id),
            Some((_, Class::Output | Class::Result)) => {
                let message = format!("`{}` is an output", name.text);
                self.style(name.span, message, "outputs are taken with `=>`");
                None
            }
            Some((_, Class::Local | Class::Temp | Class::Hidden | Class::Global)) | None => {
                self.unknown_field(pou, name);
                None
            }
        }
    }

    fn input(&mut self, pou: PouId, var: VarId, value: &ast::Expr, result: &mut Arguments) -> bool {
        let (ty, class) = {
            let v = self.s.var(pou, var);
            (v.ty, v.class)
        };
        if class != Class::InOut {
            let value = self.expr_as(value, Some(ty));
            let good = !value.ty.is_error();
            result.inputs.push((var, value));
            return good;
        }
        match self.in_out(pou, var, ty, value) {
            Some(place) => {
                result.in_outs.push((var, place));
                true
            }
            None => false,
        }
    }

    /// A VAR_IN_OUT argument: a variable of exactly the type, with storage of its own.
    fn in_out(&mut self, pou: PouId, var: VarId, ty: Ty, value: &ast::Expr) -> Option<Place> {
        let name = self.s.var(pou, var).name.clone();
        let refuse = |this: &mut Self, span: Span, what: String| {
            let diagnostic = Diagnostic::new(Code::InOutArgument, span, format!("`{name}` is VAR_IN_OUT: {what}"));
            this.s.report(diagnostic.help("copy the value to a variable, pass that, and copy it back after the call"));
        };
        let ast::ExprKind::Variable(variable) = &value.kind else {
            refuse(self, value.span, "a variable is needed here".to_owned());
            return None;
        };
        let place = self.place(variable, Use::Both)?;
        let root = self.root_variable(&place.root);
        let constant = root.is_some_and(|v| v.constant);
        let located = root.is_some_and(|v| v.location.is_some());
        if constant || located || matches!(place.steps.last(), Some(Step::Bits { .. })) {
            let what = if constant {
                "a CONSTANT cannot be written"
            } else if located {
                "a variable with an address has no place of its own"
            } else {
                "a part of a bit string has no place of its own"
            };
            refuse(self, value.span, what.to_owned());
            return None;
        }
        if place.ty != ty {
            let (wanted, found) = (self.s.type_name(ty), self.s.type_name(place.ty));
            refuse(self, value.span, format!("{wanted} is needed exactly, this is {found}"));
            return None;
        }
        self.writable(&place).then_some(place)
    }

    fn output(
        &mut self,
        pou: PouId,
        name: &ast::Ident,
        negated: bool,
        arg: &ast::Arg,
        outputs: &mut Vec<Taken>,
    ) -> bool {
        let unit = &self.s.program.pous[pou];
        let found = unit.vars.iter().find(|(_, v)| name.is(&v.name)).map(|(id, v)| (id, v.ty, v.class));
        let found = found.or_else(|| {
            let result = unit.result.filter(|_| name.is("OUT"))?;
            Some((result, unit.vars[result].ty, Class::Result))
        });
        let Some((output, from, Class::Output | Class::Result)) = found else {
            match found {
                Some(_) => self.style(name.span, format!("`{}` is no output", name.text), "inputs are given with `:=`"),
                None => self.unknown_field(pou, name),
            }
            return false;
        };
        if arg.value.is_none() {
            return true;
        }
        let Some(place) = self.taker(arg) else { return false };
        let to = place.ty;
        if negated && from != Ty::BOOL {
            self.style(name.span, format!("`{}` is not BOOL and cannot be negated", name.text), "leave NOT out");
            return false;
        }
        if !widens(from, to) {
            let source = Expr { kind: crate::hir::ExprKind::Error, ty: from, span: place.span };
            self.mismatch(&source, to);
            return false;
        }
        let convert = to.scalar().zip(from.scalar()).filter(|(a, b)| a != b);
        outputs.push(Taken { output, negated, place, convert });
        true
    }

    /// Adds what was not given: initial values of a function's inputs. Every VAR_IN_OUT has to be given.
    fn complete(
        &mut self,
        pou: PouId,
        call: &ast::Call,
        order: &[VarId],
        given: &[VarId],
        result: &mut Arguments,
    ) -> bool {
        let function = self.s.program.pous[pou].kind == ast::PouKind::Function;
        let mut good = true;
        for var in order.iter().filter(|v| !given.contains(v)) {
            let variable = self.s.var(pou, *var);
            let (ty, class, name) = (variable.ty, variable.class, variable.name.clone());
            let bits = if let Init::Scalar(bits) = variable.init { bits } else { 0 };
            if class == Class::InOut {
                let message = format!("the VAR_IN_OUT `{name}` is not given");
                let diagnostic = Diagnostic::new(Code::ArgumentCount, call.span, message);
                self.s.report(diagnostic.help(format!("write `{name} := variable` in every call")));
                good = false;
            } else if function && ty.scalar().is_some() {
                let value = self.constant(bits, ty, call.span);
                result.inputs.push((*var, value));
            } else if function {
                self.s.error(Code::ArgumentCount, call.span, format!("the input `{name}` is not given"));
                good = false;
            }
        }
        // References are bound in the order of the declaration.
        result.in_outs.sort_by_key(|(var, _)| *var);
        good
    }
}
