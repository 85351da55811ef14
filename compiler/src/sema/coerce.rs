//! Conversions that happen by themselves, and the report where one has to be written.

use super::BodyContext;
use crate::ast;
use crate::diag::{Code, Diagnostic};
use crate::evaluate::{evaluate, int_bits, real_bits};
use crate::hir::{Expr, ExprKind};
use crate::source::Span;
use crate::types::{Ty, int_range, widens};
use bytecode::{Op, ScalarType};

impl BodyContext<'_, '_> {
    /// An expression about which nobody complains again.
    pub(super) fn broken(&self, span: Span) -> Expr {
        Expr { kind: ExprKind::Error, ty: Ty::ERROR, span }
    }

    /// A constant of a scalar type.
    pub(super) fn constant(&self, bits: u64, ty: Ty, span: Span) -> Expr {
        Expr { kind: ExprKind::Const(bits), ty, span }
    }

    /// The expression, converted to `ty` where one is wanted, else with its own type.
    pub(super) fn expr_as(&mut self, expr: &ast::Expr, ty: Option<Ty>) -> Expr {
        let value = self.infer(expr, ty);
        match ty {
            Some(ty) => self.coerce(value, ty),
            None => value,
        }
    }

    /// The same for an expression that knows global names only.
    pub(super) fn global_expr_as(&mut self, expr: &ast::Expr, ty: Option<Ty>) -> Expr {
        self.globals_only = true;
        self.expr_as(expr, ty)
    }

    /// Gives a literal that met no context its default type: DINT (LINT, ULINT where it does not fit) or REAL.
    pub(super) fn settle(&mut self, expr: Expr, hint: Option<Ty>) -> Expr {
        let wanted = hint.filter(|t| t.is_number() && !t.is_literal());
        match &expr.kind {
            ExprKind::Int(value) => {
                let fits = |t: &Ty| t.scalar().and_then(int_range).is_some_and(|(l, h)| (l..=h).contains(value));
                let candidates = [Ty::DINT, Ty::LINT, Ty::ULINT];
                let ty = wanted.or_else(|| candidates.into_iter().find(fits)).unwrap_or(Ty::LINT);
                self.coerce(expr, ty)
            }
            ExprKind::Real(_) => {
                let ty = wanted.filter(|t| t.is_real()).unwrap_or(Ty::REAL);
                self.coerce(expr, ty)
            }
            _ => expr,
        }
    }

    /// Converts to `to` where the language does so by itself; else reports.
    pub(super) fn coerce(&mut self, expr: Expr, to: Ty) -> Expr {
        if expr.ty == to || expr.ty.is_error() || to.is_error() {
            return expr;
        }
        match expr.kind {
            ExprKind::Int(value) => return self.int_literal(value, to, expr.span),
            ExprKind::Real(value) => return self.real_literal(value, to, expr.span),
            _ => {}
        }
        if widens(expr.ty, to) {
            return self.converted(expr, to);
        }
        self.mismatch(&expr, to);
        self.broken(expr.span)
    }

    /// The plain conversion of a scalar, folded where constant.
    pub(super) fn converted(&mut self, expr: Expr, to: Ty) -> Expr {
        let (Some(source), Some(scalar)) = (expr.ty.scalar(), to.scalar()) else { return self.broken(expr.span) };
        if source == scalar {
            return Expr { ty: to, ..expr };
        }
        self.apply(Op::Cvt, scalar, Some(source), vec![expr], to)
    }

    /// An operation, worked out at once where all operands are constant.
    pub(super) fn apply(
        &mut self,
        op: Op,
        scalar: ScalarType,
        source: Option<ScalarType>,
        args: Vec<Expr>,
        ty: Ty,
    ) -> Expr {
        let span = args.iter().map(|a| a.span).reduce(Span::to).unwrap_or_default();
        if args.iter().any(|a| a.ty.is_error()) {
            return self.broken(span);
        }
        let bits: Vec<Option<u64>> = args.iter().map(Expr::constant).collect();
        let at = |i: usize| bits.get(i).copied().flatten().unwrap_or(0);
        if args.len() <= 3
            && bits.iter().all(Option::is_some)
            && let Some(value) = evaluate(op, scalar, source, at(0), at(1), at(2))
        {
            return self.constant(value, ty, span);
        }
        Expr { kind: ExprKind::Apply { op, scalar, source, args }, ty, span }
    }

    fn int_literal(&mut self, value: i128, to: Ty, span: Span) -> Expr {
        let Some(scalar) = to.scalar().filter(|_| !to.is_duration()) else {
            let literal = Expr { kind: ExprKind::Int(value), ty: Ty::INT_LITERAL, span };
            self.mismatch(&literal, to);
            return self.broken(span);
        };
        match int_range(scalar) {
            Some((low, high)) if !(low..=high).contains(&value) => {
                let name = self.s.type_name(to);
                let message = format!("{value} does not fit {name}, whose range is {low} to {high}");
                self.s.error(Code::LiteralRange, span, message);
                self.broken(span)
            }
            Some(_) | None => self.constant(int_bits(value, scalar), to, span),
        }
    }

    fn real_literal(&mut self, value: f64, to: Ty, span: Span) -> Expr {
        let Some(scalar) = to.scalar().filter(|s| s.is_float()) else {
            let literal = Expr { kind: ExprKind::Real(value), ty: Ty::REAL_LITERAL, span };
            self.mismatch(&literal, to);
            return self.broken(span);
        };
        #[allow(clippy::cast_possible_truncation)] // the question is whether it overflows
        let overflows = scalar == ScalarType::F32 && value.is_finite() && (value as f32).is_infinite();
        if overflows || !value.is_finite() {
            let message = format!("the number does not fit {}", self.s.type_name(to));
            self.s.error(Code::LiteralRange, span, message);
            return self.broken(span);
        }
        self.constant(real_bits(value, scalar), to, span)
    }

    /// Reports that a value of one type stands where another is needed, with the conversion to write.
    pub(super) fn mismatch(&mut self, expr: &Expr, to: Ty) {
        let (from, wanted) = (self.s.type_name(expr.ty), self.s.type_name(to));
        let code = if to == Ty::BOOL { Code::ConditionType } else { Code::TypeMismatch };
        let message = format!("{wanted} is needed here, this is {}{from}", article(&from));
        let mut diagnostic = Diagnostic::new(code, expr.span, message);
        if to == Ty::BOOL && (expr.ty.is_number() || expr.ty.is_bit_string()) {
            diagnostic = diagnostic.help("compare it, for example `<> 0`");
        } else if to.is_duration() && expr.ty.is_literal() {
            diagnostic = diagnostic.help("a duration is written with its unit, for example T#500ms");
        } else if expr.ty == Ty::REAL_LITERAL && to.is_int() {
            diagnostic = diagnostic.help("write a whole number, or round with REAL_TO_INT(...)");
        } else if super::convert::conversion_exists(expr.ty, to) {
            diagnostic = diagnostic.help(format!("use {from}_TO_{wanted}(...)"));
        }
        self.s.report(diagnostic);
    }
}

fn article(name: &str) -> &'static str {
    if name.ends_with("literal") { if name.starts_with('i') { "an " } else { "a " } } else { "" }
}
