//! Operators: which types they work on, and what they become.

use super::BodyContext;
use crate::ast::{BinaryOp, UnaryOp};
use crate::diag::{Code, Diagnostic};
use crate::hir::{Expr, ExprKind};
use crate::source::Span;
use crate::types::{Ty, join};
use bytecode::{Op, ScalarType};

impl BodyContext<'_, '_> {
    pub(super) fn unary(&mut self, op: UnaryOp, operand: Expr, span: Span, hint: Option<Ty>) -> Expr {
        if operand.ty.is_error() {
            return self.broken(span);
        }
        let result = match op {
            UnaryOp::Plus => self.plus(operand),
            UnaryOp::Neg => self.negate(operand),
            UnaryOp::Not => self.invert(operand, hint),
        };
        Expr { span, ..result }
    }

    fn plus(&mut self, operand: Expr) -> Expr {
        if operand.ty.is_number() || operand.ty.is_duration() { operand } else { self.no_operator("+", &operand) }
    }

    fn negate(&mut self, operand: Expr) -> Expr {
        match operand.kind {
            ExprKind::Int(value) => return Expr { kind: ExprKind::Int(-value), ..operand },
            ExprKind::Real(value) => return Expr { kind: ExprKind::Real(-value), ..operand },
            _ => {}
        }
        match operand.ty.scalar() {
            Some(scalar)
                if (operand.ty.is_number() || operand.ty.is_duration())
                    && (scalar.is_signed() || scalar.is_float()) =>
            {
                let ty = operand.ty;
                self.apply(Op::Neg, scalar, None, vec![operand], ty)
            }
            Some(_) | None => self.no_operator("-", &operand),
        }
    }

    fn invert(&mut self, operand: Expr, hint: Option<Ty>) -> Expr {
        let operand = match hint.filter(|t| t.is_bits()) {
            Some(ty) if operand.ty == Ty::INT_LITERAL => self.coerce(operand, ty),
            Some(_) | None => operand,
        };
        match operand.ty.scalar() {
            Some(scalar) if operand.ty.is_bits() => {
                let ty = operand.ty;
                self.apply(Op::Not, scalar, None, vec![operand], ty)
            }
            Some(_) | None => self.no_operator("NOT", &operand),
        }
    }

    fn no_operator(&mut self, symbol: &str, operand: &Expr) -> Expr {
        if !operand.ty.is_error() {
            let message = format!("`{symbol}` does not work on {}", self.s.type_name(operand.ty));
            let diagnostic = Diagnostic::new(Code::OperandType, operand.span, message);
            self.s.report(match symbol {
                "NOT" => diagnostic.help("NOT works on BOOL, BYTE, WORD, DWORD and LWORD"),
                _ => diagnostic.help("signs work on signed integers, REAL, LREAL and durations"),
            });
        }
        self.broken(operand.span)
    }

    /// `left op right`; `hint` is the type the context wants, for literals only.
    pub(super) fn binary(&mut self, op: BinaryOp, op_span: Span, left: Expr, right: Expr, hint: Option<Ty>) -> Expr {
        if left.ty.is_error() || right.ty.is_error() {
            return self.broken(left.span.to(right.span));
        }
        match op {
            BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod => {
                self.arithmetic(op, op_span, left, right)
            }
            BinaryOp::Power => self.power(op_span, left, right, hint),
            BinaryOp::Lt | BinaryOp::Gt | BinaryOp::Le | BinaryOp::Ge | BinaryOp::Eq | BinaryOp::Ne => {
                self.compare(op, op_span, left, right)
            }
            BinaryOp::And | BinaryOp::Or | BinaryOp::Xor => self.logic(op, op_span, left, right, hint),
            BinaryOp::AndThen | BinaryOp::OrElse => self.lazy(op, left, right),
        }
    }

    /// Both sides with one type, or `None` after a report.
    fn unify(&mut self, symbol: &str, op_span: Span, left: Expr, right: Expr) -> Option<(Expr, Expr, Ty)> {
        let ty = match (left.ty.is_literal(), right.ty.is_literal()) {
            (true, true) if left.ty == right.ty => return Some((left, right, Ty::INT_LITERAL)),
            (true, true) => return Some((left, right, Ty::REAL_LITERAL)),
            (true, false) => literal_meets(left.ty, right.ty),
            (false, true) => literal_meets(right.ty, left.ty),
            (false, false) => match join(left.ty, right.ty) {
                Some(ty) => ty,
                None => {
                    self.no_common_type(symbol, op_span, &left, &right);
                    return None;
                }
            },
        };
        let (left, right) = (self.coerce(left, ty), self.coerce(right, ty));
        (!left.ty.is_error() && !right.ty.is_error()).then_some((left, right, ty))
    }

    fn no_common_type(&mut self, symbol: &str, op_span: Span, left: &Expr, right: &Expr) {
        let (a, b) = (self.s.type_name(left.ty), self.s.type_name(right.ty));
        let mut diagnostic = Diagnostic::new(Code::TypeMismatch, op_span, format!("`{symbol}` between {a} and {b}"))
            .also(left.span, a.clone())
            .also(right.span, b.clone());
        if super::convert::conversion_exists(right.ty, left.ty) {
            diagnostic = diagnostic.help(format!("convert one side, for example with {b}_TO_{a}(...)"));
        }
        self.s.report(diagnostic);
    }

    fn refuse_operator(&mut self, symbol: &str, op_span: Span, ty: Ty, help: &str) -> Expr {
        let message = format!("`{symbol}` does not work on {}", self.s.type_name(ty));
        self.s.report(Diagnostic::new(Code::OperandType, op_span, message).help(help));
        self.broken(op_span)
    }

    fn arithmetic(&mut self, op: BinaryOp, op_span: Span, left: Expr, right: Expr) -> Expr {
        if left.ty.is_duration() || right.ty.is_duration() {
            return self.duration(op, op_span, left, right);
        }
        let span = left.span.to(right.span);
        let Some((left, right, ty)) = self.unify(op.symbol(), op_span, left, right) else { return self.broken(span) };
        if let (ExprKind::Int(a), ExprKind::Int(b)) = (&left.kind, &right.kind) {
            return self.fold_ints(op, *a, *b, span);
        }
        if ty == Ty::REAL_LITERAL {
            return self.fold_reals(op, op_span, &left, &right, span);
        }
        if !ty.is_number() || (op == BinaryOp::Mod && !ty.is_int()) {
            let help = match op {
                BinaryOp::Mod => "MOD works on integers",
                _ if ty.is_bit_string() => "convert to an integer, for example with WORD_TO_UINT(...)",
                _ => "arithmetic works on integers, REAL, LREAL and durations",
            };
            return self.refuse_operator(op.symbol(), op_span, ty, help);
        }
        let zero = right.constant() == Some(0) && ty.is_int();
        if zero && matches!(op, BinaryOp::Div | BinaryOp::Mod) {
            self.s.error(Code::DivisionByZero, right.span, "the divisor is 0");
            return self.broken(span);
        }
        let Some(scalar) = ty.scalar() else { return self.broken(span) };
        self.fold_left(arithmetic_op(op), scalar, left, right, ty)
    }

    /// `left op right`, where `left` may be a longer chain of the same associative operation.
    fn fold_left(&mut self, op: Op, scalar: ScalarType, left: Expr, right: Expr, ty: Ty) -> Expr {
        let chains = matches!(op, Op::And | Op::Or | Op::Xor | Op::Add | Op::Mul);
        let span = left.span.to(right.span);
        match left.kind {
            ExprKind::Apply { op: before, scalar: same, source: None, mut args }
                if chains && before == op && same == scalar && left.ty == ty =>
            {
                args.push(right);
                Expr { kind: ExprKind::Apply { op, scalar, source: None, args }, ty, span }
            }
            kind => {
                let left = Expr { kind, ..left };
                self.apply(op, scalar, None, vec![left, right], ty)
            }
        }
    }

    fn fold_ints(&mut self, op: BinaryOp, a: i128, b: i128, span: Span) -> Expr {
        if b == 0 && matches!(op, BinaryOp::Div | BinaryOp::Mod) {
            self.s.error(Code::DivisionByZero, span, "the divisor is 0");
            return self.broken(span);
        }
        let value = match op {
            BinaryOp::Add => a.checked_add(b),
            BinaryOp::Sub => a.checked_sub(b),
            BinaryOp::Mul => a.checked_mul(b),
            BinaryOp::Div => a.checked_div(b),
            BinaryOp::Mod => a.checked_rem(b),
            BinaryOp::Power
            | BinaryOp::Lt
            | BinaryOp::Gt
            | BinaryOp::Le
            | BinaryOp::Ge
            | BinaryOp::Eq
            | BinaryOp::Ne
            | BinaryOp::And
            | BinaryOp::AndThen
            | BinaryOp::Xor
            | BinaryOp::Or
            | BinaryOp::OrElse => None,
        };
        match value {
            // Literals are at most 64 bits wide; sums of them stay far below 128.
            Some(value) if value.unsigned_abs() < 1 << 100 => {
                Expr { kind: ExprKind::Int(value), ty: Ty::INT_LITERAL, span }
            }
            Some(_) | None => {
                self.s.error(Code::LiteralRange, span, "the value is too large for every integer type");
                self.broken(span)
            }
        }
    }

    fn fold_reals(&mut self, op: BinaryOp, op_span: Span, left: &Expr, right: &Expr, span: Span) -> Expr {
        let (a, b) = (real_value(left), real_value(right));
        let value = match op {
            BinaryOp::Add => a + b,
            BinaryOp::Sub => a - b,
            BinaryOp::Mul => a * b,
            BinaryOp::Div => a / b,
            BinaryOp::Mod => return self.refuse_operator("MOD", op_span, Ty::REAL, "MOD works on integers"),
            BinaryOp::Power
            | BinaryOp::Lt
            | BinaryOp::Gt
            | BinaryOp::Le
            | BinaryOp::Ge
            | BinaryOp::Eq
            | BinaryOp::Ne
            | BinaryOp::And
            | BinaryOp::AndThen
            | BinaryOp::Xor
            | BinaryOp::Or
            | BinaryOp::OrElse => return self.broken(span),
        };
        Expr { kind: ExprKind::Real(value), ty: Ty::REAL_LITERAL, span }
    }

    /// TIME and LTIME: sums and differences with each other, products and quotients with numbers (table 30).
    fn duration(&mut self, op: BinaryOp, op_span: Span, left: Expr, right: Expr) -> Expr {
        let span = left.span.to(right.span);
        let both = left.ty.is_duration() && right.ty.is_duration();
        match op {
            BinaryOp::Add | BinaryOp::Sub if both => {
                let Some((left, right, ty)) = self.unify(op.symbol(), op_span, left, right) else {
                    return self.broken(span);
                };
                self.fold_left(arithmetic_op(op), ScalarType::I64, left, right, ty)
            }
            BinaryOp::Mul if left.ty.is_duration() && right.ty.is_number() => self.scaled(op, left, right),
            BinaryOp::Mul if right.ty.is_duration() && left.ty.is_number() => self.scaled(op, right, left),
            BinaryOp::Div if left.ty.is_duration() && right.ty.is_number() => self.scaled(op, left, right),
            _ => {
                let help =
                    "durations are added to and subtracted from each other, multiplied with and divided by numbers";
                self.refuse_operator(op.symbol(), op_span, if left.ty.is_duration() { left.ty } else { right.ty }, help)
            }
        }
    }

    /// A duration times or divided by a number: integers in 64 bits, reals in LREAL, rounded to the nanosecond.
    pub(super) fn scaled(&mut self, op: BinaryOp, duration: Expr, number: Expr) -> Expr {
        let ty = duration.ty;
        let op = arithmetic_op(op);
        if number.ty.is_real() {
            let number = self.coerce(number, Ty::LREAL);
            let as_real = self.apply(Op::Cvt, ScalarType::F64, Some(ScalarType::I64), vec![duration], Ty::LREAL);
            let product = self.apply(op, ScalarType::F64, None, vec![as_real, number], Ty::LREAL);
            return self.apply(Op::Cvt, ScalarType::I64, Some(ScalarType::F64), vec![product], ty);
        }
        let number =
            if number.ty == Ty::ULINT { self.converted(number, Ty::LINT) } else { self.coerce(number, Ty::LINT) };
        if number.constant() == Some(0) && op == Op::Div {
            self.s.error(Code::DivisionByZero, number.span, "the divisor is 0");
            return self.broken(number.span);
        }
        self.apply(op, ScalarType::I64, None, vec![duration, number], ty)
    }

    /// `base ** exponent` (EXPT): the base is a real.
    pub(super) fn power(&mut self, op_span: Span, base: Expr, exponent: Expr, hint: Option<Ty>) -> Expr {
        let span = base.span.to(exponent.span);
        let hint = hint.filter(|t| t.is_real());
        let base = match base.kind {
            ExprKind::Int(_) | ExprKind::Real(_) => {
                let fallback = if exponent.ty == Ty::LREAL { Ty::LREAL } else { Ty::REAL };
                self.coerce(base, hint.unwrap_or(fallback))
            }
            _ => base,
        };
        if base.ty.is_error() {
            return self.broken(span);
        }
        if !base.ty.is_real() {
            return self.refuse_operator(
                "**",
                op_span,
                base.ty,
                "the base is REAL or LREAL; convert it, for example with INT_TO_REAL(...)",
            );
        }
        if !exponent.ty.is_number() {
            return self.refuse_operator("**", op_span, exponent.ty, "the exponent is a number");
        }
        let ty = if exponent.ty == Ty::LREAL { Ty::LREAL } else { base.ty };
        let base = self.coerce(base, ty);
        // An integer exponent becomes the nearest real of the base's type.
        let exponent = if exponent.ty.is_literal() { self.coerce(exponent, ty) } else { self.converted(exponent, ty) };
        match ty.scalar() {
            Some(scalar) => self.apply(Op::Pow, scalar, None, vec![base, exponent], ty),
            None => self.broken(span),
        }
    }

    pub(super) fn compare(&mut self, op: BinaryOp, op_span: Span, left: Expr, right: Expr) -> Expr {
        let span = left.span.to(right.span);
        let Some((left, right, ty)) = self.unify(op.symbol(), op_span, left, right) else { return self.broken(span) };
        let code = compare_op(op);
        if ty.is_literal() {
            let holds = if let (ExprKind::Int(a), ExprKind::Int(b)) = (&left.kind, &right.kind) {
                ordering_holds(code, a.partial_cmp(b))
            } else {
                ordering_holds(code, real_value(&left).partial_cmp(&real_value(&right)))
            };
            return self.constant(u64::from(holds), Ty::BOOL, span);
        }
        let Some(scalar) = ty.scalar() else {
            return self.refuse_operator(op.symbol(), op_span, ty, "compare single values");
        };
        if ty.is_real() && matches!(op, BinaryOp::Eq | BinaryOp::Ne) && !self.library {
            let message = format!("{} values compared with `{}`", self.s.type_name(ty), op.symbol());
            let diagnostic = Diagnostic::new(Code::RealEquality, op_span, message);
            self.s.report(diagnostic.help("compare with a tolerance: ABS(a - b) < 0.001"));
        }
        self.apply(code, scalar, None, vec![left, right], Ty::BOOL)
    }

    fn logic(&mut self, op: BinaryOp, op_span: Span, left: Expr, right: Expr, hint: Option<Ty>) -> Expr {
        let span = left.span.to(right.span);
        let hint = hint.filter(|t| t.is_bits());
        let (left, right) = match hint {
            Some(ty) if left.ty == Ty::INT_LITERAL && right.ty == Ty::INT_LITERAL => {
                (self.coerce(left, ty), self.coerce(right, ty))
            }
            Some(_) | None => (left, right),
        };
        let wrong = [&left, &right].into_iter().find(|e| !e.ty.is_bits() && e.ty != Ty::INT_LITERAL);
        if let Some(ty) = wrong.map(|e| e.ty) {
            let help = if ty.is_int() {
                "convert to a bit string, for example with INT_TO_WORD(...), or compare to get a BOOL"
            } else {
                "AND, OR and XOR work on BOOL, BYTE, WORD, DWORD and LWORD"
            };
            return self.refuse_operator(op.symbol(), op_span, ty, help);
        }
        let Some((left, right, ty)) = self.unify(op.symbol(), op_span, left, right) else { return self.broken(span) };
        let Some(scalar) = ty.scalar() else {
            return self.refuse_operator(op.symbol(), op_span, ty, "give one side a type, for example WORD#16#FF");
        };
        let code = match op {
            BinaryOp::And => Op::And,
            BinaryOp::Or => Op::Or,
            _ => Op::Xor,
        };
        self.fold_left(code, scalar, left, right, ty)
    }

    fn lazy(&mut self, op: BinaryOp, left: Expr, right: Expr) -> Expr {
        let span = left.span.to(right.span);
        let (left, right) = (self.coerce(left, Ty::BOOL), self.coerce(right, Ty::BOOL));
        if left.ty.is_error() || right.ty.is_error() {
            return self.broken(span);
        }
        let and = op == BinaryOp::AndThen;
        Expr { kind: ExprKind::Lazy { and, left: Box::new(left), right: Box::new(right) }, ty: Ty::BOOL, span }
    }
}

/// The type of a literal beside a value: the value's, but for a real literal beside an integer, which both become real.
fn literal_meets(literal: Ty, other: Ty) -> Ty {
    let reals = [Ty::REAL, Ty::LREAL];
    match literal == Ty::REAL_LITERAL && other.is_int() {
        true => reals.into_iter().find(|real| crate::types::widens(other, *real)).unwrap_or(other),
        false => other,
    }
}

fn real_value(expr: &Expr) -> f64 {
    match &expr.kind {
        #[allow(clippy::cast_precision_loss)] // the nearest real is what the literal means here
        ExprKind::Int(value) => *value as f64,
        ExprKind::Real(value) => *value,
        _ => f64::NAN,
    }
}

fn arithmetic_op(op: BinaryOp) -> Op {
    match op {
        BinaryOp::Add => Op::Add,
        BinaryOp::Sub => Op::Sub,
        BinaryOp::Mul => Op::Mul,
        BinaryOp::Div => Op::Div,
        BinaryOp::Mod => Op::Mod,
        BinaryOp::Power => Op::Pow,
        BinaryOp::Lt | BinaryOp::Gt | BinaryOp::Le | BinaryOp::Ge | BinaryOp::Eq | BinaryOp::Ne => compare_op(op),
        BinaryOp::And | BinaryOp::AndThen => Op::And,
        BinaryOp::Xor => Op::Xor,
        BinaryOp::Or | BinaryOp::OrElse => Op::Or,
    }
}

fn compare_op(op: BinaryOp) -> Op {
    match op {
        BinaryOp::Lt => Op::Lt,
        BinaryOp::Gt => Op::Gt,
        BinaryOp::Le => Op::Le,
        BinaryOp::Ge => Op::Ge,
        BinaryOp::Ne => Op::Ne,
        BinaryOp::Eq
        | BinaryOp::Power
        | BinaryOp::Mul
        | BinaryOp::Div
        | BinaryOp::Mod
        | BinaryOp::Add
        | BinaryOp::Sub
        | BinaryOp::And
        | BinaryOp::AndThen
        | BinaryOp::Xor
        | BinaryOp::Or
        | BinaryOp::OrElse => Op::Eq,
    }
}

fn ordering_holds(op: Op, ordering: Option<std::cmp::Ordering>) -> bool {
    use std::cmp::Ordering::{Equal, Greater, Less};
    match op {
        Op::Lt => ordering == Some(Less),
        Op::Le => matches!(ordering, Some(Less | Equal)),
        Op::Gt => ordering == Some(Greater),
        Op::Ge => matches!(ordering, Some(Greater | Equal)),
        Op::Ne => ordering != Some(Equal),
        _ => ordering == Some(Equal),
    }
}
