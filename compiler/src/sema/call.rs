//! Calls: which callable a name means, in expressions and as statements.

use super::args::Arguments;
use super::functions::{self, Standard};
use super::place::Use;
use super::{BodyContext, Named};
use crate::ast::{self, PouKind};
use crate::diag::{Code, Diagnostic};
use crate::hir::{Call, Expr, ExprKind, Place, PouId, Stmt, StmtKind};
use crate::source::Span;
use crate::types::Ty;
use bytecode::near::nearest;

/// What a call calls.
pub(super) enum Callee {
    /// A standard function, and the type its name fixes.
    Standard(Standard, Option<Ty>),
    /// A function of the project.
    Function(PouId),
    /// An instance of a function block.
    Instance(PouId, Place),
}

impl BodyContext<'_, '_> {
    /// What the name before the parenthesis means; `None` when it was reported.
    pub(super) fn callee(&mut self, call: &ast::Call) -> Option<Callee> {
        let name = &call.callee.name;
        let key = name.key();
        let local = self.s.scopes[self.pou].names.get(name);
        let is_result = matches!(local, Some(Named::Local(var)) if self.s.program.pous[self.pou].result == Some(var));
        let variable = local.is_some() && !is_result || self.s.global_named(&key).is_some();
        if variable || !call.callee.accessors.is_empty() {
            return self.instance_callee(call);
        }
        if let Some(pou) = self.s.names.get(&key).copied() {
            return self.pou_callee(call, pou);
        }
        if let Some((standard, forced)) = functions::lookup(&key, self.library) {
            return Some(Callee::Standard(standard, forced));
        }
        self.unknown_callee(name);
        None
    }

    fn instance_callee(&mut self, call: &ast::Call) -> Option<Callee> {
        let place = self.place(&call.callee, Use::Both)?;
        match self.s.program.types.as_instance(place.ty) {
            Some(pou) => {
                self.note_call(pou, call.span);
                Some(Callee::Instance(pou, place))
            }
            None => {
                let ty = self.s.type_name(place.ty);
                let message = format!("`{}` is {ty}, which cannot be called", call.callee.name.text);
                self.s.error(Code::NotCallable, call.callee.span, message);
                None
            }
        }
    }

    fn pou_callee(&mut self, call: &ast::Call, pou: PouId) -> Option<Callee> {
        let unit = &self.s.program.pous[pou];
        let name = unit.name.clone();
        let help = match unit.kind {
            PouKind::Function => {
                self.note_call(pou, call.span);
                return Some(Callee::Function(pou));
            }
            PouKind::FunctionBlock => {
                format!("declare an instance, for example `my_{0} : {name};`, and call that", name.to_lowercase())
            }
            PouKind::Program => "programs are started by tasks of a CONFIGURATION".to_owned(),
        };
        let message =
            format!("`{name}` is a {} and cannot be called by its name", super::declare::kind_word(unit.kind));
        self.s.report(Diagnostic::new(Code::NotCallable, call.callee.span, message).help(help));
        None
    }

    fn unknown_callee(&mut self, name: &ast::Ident) {
        if crate::stdlib::find_block(&name.key()).is_some() {
            let message = format!("`{}` is a function block and cannot be called by its name", name.text);
            let help = format!(
                "declare an instance, for example `my_{} : {};`, and call that",
                name.text.to_lowercase(),
                name.text
            );
            self.s.report(Diagnostic::new(Code::NotCallable, name.span, message).help(help));
            return;
        }
        let pous = self.s.program.pous.values().filter(|p| p.kind == PouKind::Function).map(|p| p.name.clone());
        let instances =
            self.s.program.pous[self.pou].vars.values().filter(|v| v.ty.scalar().is_none()).map(|v| v.name.to_string());
        // In a rung a misspelt `COIL` is likelier than a function of a similar name.
        let elements = crate::parser::element_words().filter(|_| self.rung.is_some()).map(str::to_owned);
        let known: Vec<String> =
            elements.chain(functions::names().map(str::to_owned)).chain(pous).chain(instances).collect();
        let message = format!("there is no function or instance `{}`", name.text);
        let mut diagnostic = Diagnostic::new(Code::UnknownName, name.span, message);
        if super::convert::transfers_bits_of_other_width(&name.key()) {
            diagnostic = diagnostic
                .note("between bit strings and reals the bits are transferred, so both have the same width")
                .help("convert numbers through an integer, for example INT_TO_REAL(WORD_TO_INT(x))");
        } else if let Some(near) = nearest(&name.text, known.iter().map(String::as_str)) {
            diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
        }
        self.s.report(diagnostic);
    }

    fn note_call(&mut self, pou: PouId, span: Span) {
        let callees = &mut self.s.scopes[self.pou].callees;
        if !callees.iter().any(|(p, _)| *p == pou) {
            callees.push((pou, span));
        }
    }

    /// A call in an expression.
    pub(super) fn call_value(&mut self, call: &ast::Call, hint: Option<Ty>) -> Expr {
        match self.callee(call) {
            None => self.broken(call.span),
            Some(Callee::Standard(standard, forced)) => self.standard_value(call, standard, forced, hint),
            Some(Callee::Function(pou)) => self.function_value(call, pou),
            Some(Callee::Instance(..)) => {
                let message = format!("`{}` is a function block instance and has no value", call.callee.name.text);
                let help = "call it in a statement of its own and read its outputs, for example `delay.Q`";
                self.s.report(Diagnostic::new(Code::NotCallable, call.span, message).help(help));
                self.broken(call.span)
            }
        }
    }

    fn standard_value(&mut self, call: &ast::Call, standard: Standard, forced: Option<Ty>, hint: Option<Ty>) -> Expr {
        // What is converted, truncated or compared has a type of its own.
        let wanted = match standard {
            Standard::Convert { from, .. } | Standard::Truncate { from, .. } => from,
            Standard::Compare(_) => forced,
            _ => forced.or(hint),
        };
        let Some(mut args) = self.standard_args(call, standard, wanted) else { return self.broken(call.span) };
        if args.out.is_some() {
            let message = "the value is used here, so `OUT =>` has nothing to take";
            self.s.error(Code::ArgumentStyle, call.span, message);
            return self.broken(call.span);
        }
        let value = self.standard(call, standard, forced, &mut args, hint);
        let value = self.settle(value, hint);
        let (ty, span) = (value.ty, call.span);
        match args.enable {
            Some(enable) if !ty.is_error() => {
                let eno = args.eno.map(Box::new);
                Expr { kind: ExprKind::Enabled { enable: Box::new(enable), value: Box::new(value), eno }, ty, span }
            }
            None if args.eno.is_some() => {
                let enable = self.constant(1, Ty::BOOL, span);
                let eno = args.eno.map(Box::new);
                Expr { kind: ExprKind::Enabled { enable: Box::new(enable), value: Box::new(value), eno }, ty, span }
            }
            Some(_) | None => value,
        }
    }

    fn function_value(&mut self, call: &ast::Call, pou: PouId) -> Expr {
        let Some(args) = self.arguments(pou, call) else { return self.broken(call.span) };
        let unit = &self.s.program.pous[pou];
        let Some(ty) = unit.result.map(|r| unit.vars[r].ty) else {
            let message = format!("`{}` has no result", unit.name);
            self.s.error(Code::NotCallable, call.span, message);
            return self.broken(call.span);
        };
        let call = assemble(pou, None, args, call.span);
        Expr { span: call.span, kind: ExprKind::Call(Box::new(call)), ty }
    }

    /// A call as a statement of its own.
    pub(super) fn call_statement(&mut self, call: &ast::Call) -> Option<Stmt> {
        let kind = match self.callee(call)? {
            Callee::Standard(standard, forced) => return self.standard_statement(call, standard, forced),
            Callee::Function(pou) => {
                let args = self.arguments(pou, call)?;
                StmtKind::Call(Box::new(assemble(pou, None, args, call.span)))
            }
            Callee::Instance(pou, place) => {
                self.note_instance_call(&place);
                let args = self.arguments(pou, call)?;
                StmtKind::Call(Box::new(assemble(pou, Some(place), args, call.span)))
            }
        };
        Some(Stmt { kind, span: call.span })
    }

    fn standard_statement(&mut self, call: &ast::Call, standard: Standard, forced: Option<Ty>) -> Option<Stmt> {
        let (value, enable, eno, place) = self.standard_parts(call, standard, forced)?;
        let span = call.span;
        let assign = Stmt { kind: StmtKind::Assign(place, value), span };
        if enable.is_none() && eno.is_none() {
            return Some(assign);
        }
        let condition = enable.unwrap_or_else(|| self.constant(1, Ty::BOOL, span));
        let set = |value: u64, place: Place| {
            let constant = Expr { kind: ExprKind::Const(value), ty: Ty::BOOL, span };
            Stmt { kind: StmtKind::Assign(place, constant), span }
        };
        let mut then = vec![assign];
        then.extend(eno.clone().map(|place| set(1, place)));
        let otherwise = eno.map(|place| set(0, place)).into_iter().collect();
        Some(Stmt { kind: StmtKind::If { branches: vec![(condition, then)], otherwise }, span })
    }

    /// Value, EN, ENO and target of a standard function that stands on its own.
    pub(super) fn standard_parts(
        &mut self,
        call: &ast::Call,
        standard: Standard,
        forced: Option<Ty>,
    ) -> Option<(Expr, Option<Expr>, Option<Place>, Place)> {
        let mut args = self.standard_args(call, standard, forced)?;
        let Some((place, negated)) = args.out.take() else {
            let name = &call.callee.name.text;
            let diagnostic = Diagnostic::new(Code::NoResult, call.span, format!("the result of `{name}` is not used"));
            self.s.report(
                diagnostic.help(format!("take it: `variable := {name}(...)` or `{name}(..., OUT => variable)`")),
            );
            return None;
        };
        let value = self.standard(call, standard, forced, &mut args, Some(place.ty));
        let value = if negated {
            let span = value.span;
            self.unary(ast::UnaryOp::Not, value, span, Some(place.ty))
        } else {
            value
        };
        let value = self.coerce(value, place.ty);
        (!value.ty.is_error()).then_some((value, args.enable, args.eno, place))
    }
}

/// A call from its parts.
pub(super) fn assemble(pou: PouId, instance: Option<Place>, args: Arguments, span: Span) -> Call {
    Call {
        pou,
        instance,
        inputs: args.inputs,
        in_outs: args.in_outs,
        outputs: args.outputs,
        enable: args.enable,
        eno: args.eno,
        span,
    }
}
