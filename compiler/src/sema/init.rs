//! Constant expressions and initial values.

use super::{BodyContext, Sema};
use crate::ast::{self, InitKind};
use crate::diag::{Code, Diagnostic};
use crate::evaluate::bits_int;
use crate::hir::{Class, Expr, ExprKind, Init, PouId, VarId};
use crate::source::Span;
use crate::types::Ty;
use bytecode::near::nearest;

impl<'a> Sema<'a> {
    /// An expression outside of bodies: of the unit `within`, or of the configuration.
    pub(super) fn constant_expr(&mut self, expr: &'a ast::Expr, within: Option<PouId>, ty: Option<Ty>) -> Expr {
        let result = match within {
            Some(pou) => self.in_body(pou, |body| body.expr_as(expr, ty)),
            None => {
                // Outside of units there are only globals: any unit without names of its own would do.
                let scratch = self.scratch_pou();
                match scratch {
                    Some(pou) => self.in_body(pou, |body| body.global_expr_as(expr, ty)),
                    None => Expr { kind: ExprKind::Error, ty: Ty::ERROR, span: expr.span },
                }
            }
        };
        let is_constant = matches!(result.kind, ExprKind::Const(_) | ExprKind::Int(_) | ExprKind::Real(_));
        if !is_constant && !result.ty.is_error() {
            let diagnostic = Diagnostic::new(Code::NotConstant, expr.span, "the compiler cannot work out this value");
            self.report(diagnostic.help("use literals and CONSTANT variables that are declared above"));
            return Expr { kind: ExprKind::Error, ty: Ty::ERROR, span: expr.span };
        }
        result
    }

    fn in_body<T>(&mut self, pou: PouId, f: impl FnOnce(&mut BodyContext<'_, 'a>) -> T) -> T {
        f(&mut BodyContext::new(self, pou))
    }

    fn scratch_pou(&self) -> Option<PouId> {
        self.program.pous.ids().next()
    }

    /// The value of a constant integer expression.
    pub(super) fn constant_int(&mut self, expr: &'a ast::Expr, within: Option<PouId>) -> Option<i128> {
        let value = self.constant_expr(expr, within, None);
        match value.kind {
            ExprKind::Int(v) => Some(v),
            ExprKind::Const(bits) if value.ty.is_int() => value.ty.scalar().map(|s| bits_int(bits, s)),
            _ if value.ty.is_error() => None,
            _ => {
                let message = format!("a whole number is needed, this is {}", self.type_name(value.ty));
                self.error(Code::TypeMismatch, expr.span, message);
                None
            }
        }
    }

    /// The initial value of a declaration.
    pub(super) fn initial_value(&mut self, declaration: &'a ast::VarDecl, ty: Ty, within: Option<PouId>) -> Init {
        match &declaration.init {
            Some(init) if !ty.is_error() => self.init(init, ty, within),
            Some(_) | None => Init::Default,
        }
    }

    fn init(&mut self, init: &'a ast::Init, ty: Ty, within: Option<PouId>) -> Init {
        if let Some((element, dimensions)) = self.program.types.as_array(ty) {
            let lengths: Vec<u64> = dimensions.iter().map(|d| u64::from(d.len())).collect();
            return match &init.kind {
                InitKind::Array(items) => {
                    self.array_init(items, element, &lengths, init.span, within).map_or(Init::Default, Init::Elements)
                }
                InitKind::Expr(_) | InitKind::Fields(_) => {
                    self.misfit(init.span, ty, "values of an array stand in brackets: [1, 2, 3(0)]")
                }
                InitKind::Error => Init::Default,
            };
        }
        if let Some(pou) = self.program.types.as_instance(ty) {
            return match &init.kind {
                InitKind::Fields(fields) => self.field_init(fields, pou, within),
                InitKind::Expr(_) | InitKind::Array(_) => {
                    self.misfit(init.span, ty, "an instance takes its inputs by name: (PT := T#5s)")
                }
                InitKind::Error => Init::Default,
            };
        }
        match &init.kind {
            InitKind::Expr(expr) => {
                let value = self.constant_expr(expr, within, Some(ty));
                value.constant().map_or(Init::Default, Init::Scalar)
            }
            InitKind::Array(_) | InitKind::Fields(_) => self.misfit(init.span, ty, "write one value"),
            InitKind::Error => Init::Default,
        }
    }

    fn misfit(&mut self, span: Span, ty: Ty, help: &str) -> Init {
        let message = format!("this is no initial value of {}", self.type_name(ty));
        self.report(Diagnostic::new(Code::InitialValue, span, message).help(help));
        Init::Default
    }

    /// The values of an array in runs of equal ones, the last index fastest. A list in a list holds the values of one
    /// element of the first dimension (`[[1, 2], [3, 4]]`); all values may also stand in one list (`[1, 2, 3, 4]`).
    /// `None` where a mistake was reported.
    fn array_init(
        &mut self,
        items: &'a [ast::ArrayInit],
        element: Ty,
        lengths: &[u64],
        span: Span,
        within: Option<PouId>,
    ) -> Option<Vec<(u32, Init)>> {
        let (first, inner) = lengths.split_first()?;
        let row: u64 = inner.iter().product();
        let count = first.saturating_mul(row);
        let size = |v: &ast::Init| if is_list(v) && !inner.is_empty() { row } else { 1 };
        let mut runs: Vec<(u32, Init)> = Vec::new();
        let mut total: u64 = 0;
        for item in items {
            let repeat = self.repetitions(item, within)?;
            let each = item.values.iter().map(size).sum::<u64>().max(1);
            let before = total;
            total = total.saturating_add(u64::from(repeat).saturating_mul(each));
            if total > count {
                let message = format!("more initial values than the {count} elements of the array");
                self.error(Code::InitialValue, item.span.to(span), message);
                return None;
            }
            let mut one: Vec<(u32, Init)> = Vec::new();
            let mut at = before;
            for value in &item.values {
                let wide = size(value);
                if wide > 1 && (!at.is_multiple_of(row) || (repeat > 1 && !each.is_multiple_of(row))) {
                    let message = format!("this list is one row of {row} values, but the row before is not complete");
                    let diagnostic = Diagnostic::new(Code::InitialValue, value.span, message);
                    self.report(diagnostic.help("put the values before it in brackets too"));
                    return None;
                }
                at += wide;
                match &value.kind {
                    InitKind::Array(items) if !inner.is_empty() => {
                        let given = self.array_init(items, element, inner, value.span, within)?;
                        let filled: u64 = given.iter().map(|(n, _)| u64::from(*n)).sum();
                        given.into_iter().for_each(|(n, init)| add_run(&mut one, n, init));
                        add_run(&mut one, u32::try_from(row.saturating_sub(filled)).unwrap_or(0), Init::Default);
                    }
                    _ => {
                        let init = self.init(value, element, within);
                        add_run(&mut one, 1, init);
                    }
                }
            }
            match one.as_slice() {
                [] => add_run(&mut runs, repeat, Init::Default),
                [(n, init)] => add_run(&mut runs, n.saturating_mul(repeat), init.clone()),
                // The check above bounds repetitions by the number of elements.
                many => {
                    (0..repeat).for_each(|_| many.iter().for_each(|(n, init)| add_run(&mut runs, *n, init.clone())))
                }
            }
        }
        Some(runs)
    }

    /// How often the values of an item are repeated; `None` where a mistake was reported.
    fn repetitions(&mut self, item: &'a ast::ArrayInit, within: Option<PouId>) -> Option<u32> {
        let Some(expr) = &item.repeat else { return Some(1) };
        let number = u32::try_from(self.constant_int(expr, within)?).ok();
        if number.is_none() {
            let message = "the number of repetitions is not from 0 to 4294967295";
            self.error(Code::InitialValue, expr.span, message);
        }
        number
    }

    fn field_init(&mut self, fields: &'a [ast::FieldInit], pou: PouId, within: Option<PouId>) -> Init {
        let mut values: Vec<(VarId, Init)> = Vec::new();
        for field in fields {
            let found = self.program.pous[pou].vars.iter().find(|(_, v)| {
                field.name.is(&v.name) && matches!(v.class, Class::Input | Class::Output | Class::Local)
            });
            let Some((var, ty)) = found.map(|(id, v)| (id, v.ty)) else {
                let names: Vec<String> = self.program.pous[pou].vars.values().map(|v| v.name.to_string()).collect();
                let message = format!("`{}` has no variable `{}`", self.program.pous[pou].name, field.name.text);
                let mut diagnostic = Diagnostic::new(Code::UnknownField, field.name.span, message);
                if let Some(near) = nearest(&field.name.text, names.iter().map(String::as_str)) {
                    diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
                }
                self.report(diagnostic);
                continue;
            };
            let value = self.init(&field.value, ty, within);
            values.push((var, value));
        }
        Init::Fields(values)
    }
}

fn is_list(init: &ast::Init) -> bool {
    matches!(init.kind, InitKind::Array(_))
}

/// Adds `n` equal values to the runs.
fn add_run(runs: &mut Vec<(u32, Init)>, n: u32, init: Init) {
    match runs.last_mut() {
        Some((last, same)) if *same == init => *last = last.saturating_add(n),
        Some(_) | None if n > 0 => runs.push((n, init)),
        Some(_) | None => {}
    }
}
