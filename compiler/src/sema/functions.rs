//! The standard functions (IEC 61131-3 edition 3, tables 22 to 33, for the types of this version).
//!
//! [`lookup`] knows the names, overloaded (`ADD`) and typed (`ADD_INT`); [`BodyContext::standard`] turns a call into
//! operations of the instruction set. A function takes its arguments in order or by the standard's formal names.

use super::BodyContext;
use super::args::StandardArgs;
use super::convert::conversion_exists;
use crate::ast::{self, BinaryOp};
use crate::diag::{Code, Diagnostic};
use crate::hir::{Expr, ExprKind};
use crate::source::Span;
use crate::types::{Ty, elementary_named, join};
use bytecode::{Op, ScalarType};

/// What a standard function does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standard {
    /// `A_TO_B`, `TO_B`.
    Convert { from: Option<Ty>, to: Ty },
    /// `TRUNC`, `TRUNC_B`, `A_TRUNC_B`.
    Truncate { from: Option<Ty>, to: Option<Ty> },
    /// One argument, REAL or LREAL.
    Math(Op),
    /// `ABS`
    Abs,
    /// Two or more arguments, joined by an operator.
    Operator(BinaryOp),
    /// Two or more arguments, each compared with the next.
    Compare(BinaryOp),
    /// `NOT`
    Not,
    /// `MOVE`
    Move,
    /// `SEL`
    Select,
    /// `MAX`, `MIN`
    Extreme(Op),
    /// `LIMIT`
    Limit,
    /// `MUX`
    Mux,
    /// Shifts and rotations.
    Shift(Op),
    /// `ATAN2`
    Atan2,
    /// The library's own source of time.
    ScanTime,
}

/// Names of functions that are overloaded over types and have typed variants.
const NAMES: [(&str, Standard); 41] = [
    ("ABS", Standard::Abs),
    ("SQRT", Standard::Math(Op::Sqrt)),
    ("LN", Standard::Math(Op::Ln)),
    ("LOG", Standard::Math(Op::Log)),
    ("EXP", Standard::Math(Op::Exp)),
    ("SIN", Standard::Math(Op::Sin)),
    ("COS", Standard::Math(Op::Cos)),
    ("TAN", Standard::Math(Op::Tan)),
    ("ASIN", Standard::Math(Op::Asin)),
    ("ACOS", Standard::Math(Op::Acos)),
    ("ATAN", Standard::Math(Op::Atan)),
    ("ATAN2", Standard::Atan2),
    ("ADD", Standard::Operator(BinaryOp::Add)),
    ("MUL", Standard::Operator(BinaryOp::Mul)),
    ("SUB", Standard::Operator(BinaryOp::Sub)),
    ("DIV", Standard::Operator(BinaryOp::Div)),
    ("MOD", Standard::Operator(BinaryOp::Mod)),
    ("EXPT", Standard::Operator(BinaryOp::Power)),
    ("MOVE", Standard::Move),
    ("SHL", Standard::Shift(Op::Shl)),
    ("SHR", Standard::Shift(Op::Shr)),
    ("ROL", Standard::Shift(Op::Rol)),
    ("ROR", Standard::Shift(Op::Ror)),
    ("AND", Standard::Operator(BinaryOp::And)),
    ("OR", Standard::Operator(BinaryOp::Or)),
    ("XOR", Standard::Operator(BinaryOp::Xor)),
    ("NOT", Standard::Not),
    ("SEL", Standard::Select),
    ("MAX", Standard::Extreme(Op::Max)),
    ("MIN", Standard::Extreme(Op::Min)),
    ("LIMIT", Standard::Limit),
    ("MUX", Standard::Mux),
    ("GT", Standard::Compare(BinaryOp::Gt)),
    ("GE", Standard::Compare(BinaryOp::Ge)),
    ("EQ", Standard::Compare(BinaryOp::Eq)),
    ("LE", Standard::Compare(BinaryOp::Le)),
    ("LT", Standard::Compare(BinaryOp::Lt)),
    ("NE", Standard::Compare(BinaryOp::Ne)),
    ("TRUNC", Standard::Truncate { from: None, to: None }),
    ("MULTIME", Standard::Operator(BinaryOp::Mul)),
    ("DIVTIME", Standard::Operator(BinaryOp::Div)),
];

/// The name by which the library reads the start of the scan.
const SCAN_TIME: &str = "SCAN_TIME_NOW";

/// Is this upper-case name one of a standard function?
pub(super) fn is_standard(key: &str) -> bool {
    lookup(key, false).is_some()
}

/// Names for "did you mean".
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().map(|(name, _)| *name)
}

fn scalar_named(key: &str) -> Option<Ty> {
    elementary_named(key).map(Ty::of).filter(|t| t.scalar().is_some())
}

/// The function of this upper-case name, and the type its name fixes.
pub(super) fn lookup(key: &str, library: bool) -> Option<(Standard, Option<Ty>)> {
    if key == SCAN_TIME {
        return library.then_some((Standard::ScanTime, None));
    }
    if let Some((_, standard)) = NAMES.iter().find(|(name, _)| *name == key) {
        return Some((*standard, None));
    }
    if let Some((from, to)) = key.split_once("_TO_") {
        let (from, to) = (scalar_named(from)?, scalar_named(to)?);
        return conversion_exists(from, to).then_some((Standard::Convert { from: Some(from), to }, None));
    }
    if let Some(to) = key.strip_prefix("TO_") {
        return Some((Standard::Convert { from: None, to: scalar_named(to)? }, None));
    }
    if let Some((from, to)) = key.split_once("_TRUNC_") {
        let (from, to) = (scalar_named(from)?, scalar_named(to)?);
        let fits = from.is_real() && to.is_int();
        return fits.then_some((Standard::Truncate { from: Some(from), to: Some(to) }, None));
    }
    if let Some(to) = key.strip_prefix("TRUNC_") {
        let to = scalar_named(to)?;
        return to.is_int().then_some((Standard::Truncate { from: None, to: Some(to) }, None));
    }
    let (base, suffix) = key.rsplit_once('_')?;
    let ty = scalar_named(suffix)?;
    let (_, standard) = NAMES.iter().find(|(name, _)| *name == base && !name.ends_with("TIME"))?;
    Some((*standard, Some(ty)))
}

impl Standard {
    /// Least and greatest number of arguments.
    fn arity(self) -> (usize, usize) {
        match self {
            Self::Convert { .. } | Self::Truncate { .. } | Self::Math(_) | Self::Abs | Self::Not | Self::Move => (1, 1),
            Self::Operator(BinaryOp::Add | BinaryOp::Mul | BinaryOp::And | BinaryOp::Or | BinaryOp::Xor) => {
                (2, usize::MAX)
            }
            Self::Operator(_) | Self::Shift(_) | Self::Atan2 | Self::Compare(BinaryOp::Ne) => (2, 2),
            Self::Compare(_) | Self::Extreme(_) => (2, usize::MAX),
            Self::Select | Self::Limit => (3, 3),
            Self::Mux => (3, usize::MAX),
            Self::ScanTime => (0, 0),
        }
    }

    /// The position of the argument with this upper-case formal name.
    pub(super) fn formal(self, key: &str) -> Option<usize> {
        let number = || key.strip_prefix("IN")?.parse::<usize>().ok();
        let fixed = |names: &[&str]| names.iter().position(|n| *n == key);
        match self {
            Self::Convert { .. } | Self::Truncate { .. } | Self::Math(_) | Self::Abs | Self::Not | Self::Move => {
                fixed(&["IN"])
            }
            Self::Operator(_) | Self::Compare(_) | Self::Extreme(_) => number()?.checked_sub(1),
            Self::Select => fixed(&["G", "IN0", "IN1"]),
            Self::Limit => fixed(&["MN", "IN", "MX"]),
            Self::Shift(_) => fixed(&["IN", "N"]),
            Self::Atan2 => fixed(&["Y", "X"]),
            Self::Mux => {
                if key == "K" {
                    Some(0)
                } else {
                    number()?.checked_add(1)
                }
            }
            Self::ScanTime => None,
        }
    }
}

impl BodyContext<'_, '_> {
    /// The value of a standard function for arguments in order.
    pub(super) fn standard(
        &mut self,
        call: &ast::Call,
        standard: Standard,
        forced: Option<Ty>,
        args: &mut StandardArgs,
        hint: Option<Ty>,
    ) -> Expr {
        let span = call.span;
        let name = call.callee.name.text.as_str();
        let values = std::mem::take(&mut args.values);
        if values.iter().any(|v| v.ty.is_error()) {
            return self.broken(span);
        }
        let (least, most) = standard.arity();
        if values.len() < least || values.len() > most {
            let wanted = match most {
                _ if least == most => format!("{least}"),
                usize::MAX => format!("at least {least}"),
                _ => format!("{least} to {most}"),
            };
            let message = format!(
                "`{name}` takes {wanted} argument{}, here are {}",
                if least == 1 { "" } else { "s" },
                values.len()
            );
            self.s.error(Code::ArgumentCount, span, message);
            return self.broken(span);
        }
        let result = match standard {
            Standard::Operator(op) => self.operator_chain(op, forced, values, span, hint),
            Standard::Compare(op) => self.comparison_chain(op, forced, values, span),
            Standard::Select => self.select(forced, values, span, hint),
            Standard::Extreme(op) => self.extreme(op, forced, values, name, span, hint),
            Standard::Limit => self.limit(forced, values, name, span, hint),
            Standard::Mux => self.mux(forced, values, span, hint),
            Standard::Shift(op) => self.shift(op, forced, values, name, span, hint),
            Standard::Atan2 => self.reals(Op::Atan2, forced, values, name, span, hint),
            Standard::Math(op) => self.reals(op, forced, values, name, span, hint),
            Standard::ScanTime => Expr {
                kind: ExprKind::Apply { op: Op::Time, scalar: ScalarType::I64, source: None, args: Vec::new() },
                ty: Ty::TIME,
                span,
            },
            Standard::Convert { .. } | Standard::Truncate { .. } | Standard::Abs | Standard::Not | Standard::Move => {
                match values.into_iter().next() {
                    Some(value) => self.one_argument(standard, forced, value, name, hint),
                    None => self.broken(span),
                }
            }
        };
        Expr { span, ..result }
    }

    fn one_argument(
        &mut self,
        standard: Standard,
        forced: Option<Ty>,
        value: Expr,
        name: &str,
        hint: Option<Ty>,
    ) -> Expr {
        let value = match forced {
            Some(ty) => self.coerce(value, ty),
            None => value,
        };
        match standard {
            Standard::Convert { from, to } => self.conversion(value, from, to, name),
            Standard::Truncate { from, to } => {
                let value = match from {
                    Some(from) => self.coerce(value, from),
                    None => self.settle(value, Some(Ty::REAL)),
                };
                let to = to.or(hint.filter(|t| t.is_int() && !t.is_literal())).unwrap_or(Ty::DINT);
                match (value.ty.scalar(), to.scalar()) {
                    (Some(source), Some(scalar)) if value.ty.is_real() => {
                        self.apply(Op::Trunc, scalar, Some(source), vec![value], to)
                    }
                    _ => self.refuse_argument(name, &value, "REAL or LREAL"),
                }
            }
            Standard::Abs => {
                let value = self.settle(value, hint);
                match value.ty.scalar() {
                    Some(scalar) if value.ty.is_number() => {
                        let ty = value.ty;
                        self.apply(Op::Abs, scalar, None, vec![value], ty)
                    }
                    Some(_) | None => self.refuse_argument(name, &value, "a number"),
                }
            }
            Standard::Not => {
                let span = value.span;
                self.unary(ast::UnaryOp::Not, value, span, hint)
            }
            _ => value,
        }
    }

    fn refuse_argument(&mut self, name: &str, value: &Expr, wanted: &str) -> Expr {
        if !value.ty.is_error() {
            let message = format!("`{name}` takes {wanted}, this is {}", self.s.type_name(value.ty));
            self.s.error(Code::OperandType, value.span, message);
        }
        self.broken(value.span)
    }

    fn conversion(&mut self, value: Expr, from: Option<Ty>, to: Ty, name: &str) -> Expr {
        let value = match from {
            Some(from) => self.coerce(value, from),
            None => self.settle(value, Some(to)),
        };
        if value.ty.is_error() || value.ty == to {
            return value;
        }
        if conversion_exists(value.ty, to) {
            return self.convert(value, to);
        }
        let message = format!("there is no conversion from {} to {}", self.s.type_name(value.ty), self.s.type_name(to));
        let diagnostic = Diagnostic::new(Code::OperandType, value.span, message);
        let help = format!("`{name}` between bit strings and reals transfers the bits, so both have the same width");
        self.s.report(diagnostic.help(help));
        self.broken(value.span)
    }

    fn operator_chain(
        &mut self,
        op: BinaryOp,
        forced: Option<Ty>,
        values: Vec<Expr>,
        span: Span,
        hint: Option<Ty>,
    ) -> Expr {
        let mut result: Option<Expr> = None;
        for value in values {
            // MUL_TIME and DIV_TIME: only the first argument is the duration.
            let factor =
                result.is_some() && forced.is_some_and(Ty::is_duration) && matches!(op, BinaryOp::Mul | BinaryOp::Div);
            let value = match forced {
                Some(ty) if !factor && op != BinaryOp::Power => self.coerce(value, ty),
                Some(_) | None => value,
            };
            result = Some(match result {
                None => value,
                Some(left) => self.binary(op, span, left, value, hint.or(forced)),
            });
        }
        result.unwrap_or_else(|| self.broken(span))
    }

    fn comparison_chain(&mut self, op: BinaryOp, forced: Option<Ty>, values: Vec<Expr>, span: Span) -> Expr {
        let last = values.len().saturating_sub(1);
        if values.iter().take(last).skip(1).any(Expr::has_call) {
            let message = "a function call is compared with both neighbours here";
            let diagnostic = Diagnostic::new(Code::ArgumentStyle, span, message);
            self.s.report(diagnostic.help("assign it to a variable first, so that it runs once"));
            return self.broken(span);
        }
        let mut result: Option<Expr> = None;
        let mut left: Option<Expr> = None;
        for value in values {
            let value = match forced {
                Some(ty) => self.coerce(value, ty),
                None => value,
            };
            if let Some(left) = left.take() {
                let holds = self.compare(op, span, left, value.clone());
                result = Some(match result {
                    None => holds,
                    Some(before) => self.binary(BinaryOp::And, span, before, holds, None),
                });
            }
            left = Some(value);
        }
        result.unwrap_or_else(|| self.broken(span))
    }

    /// All values with one type: the one the name fixes, or the smallest all widen to.
    fn common(
        &mut self,
        forced: Option<Ty>,
        values: Vec<Expr>,
        span: Span,
        hint: Option<Ty>,
    ) -> Option<(Vec<Expr>, Ty)> {
        let mut ty = forced;
        for value in &values {
            if forced.is_some() || value.ty.is_literal() {
                continue;
            }
            ty = Some(match ty {
                None => value.ty,
                Some(before) => match join(before, value.ty) {
                    Some(joined) => joined,
                    None => {
                        let message = format!(
                            "{} and {} have no common type",
                            self.s.type_name(before),
                            self.s.type_name(value.ty)
                        );
                        self.s.error(Code::TypeMismatch, span, message);
                        return None;
                    }
                },
            });
        }
        let ty = ty.unwrap_or_else(|| {
            let real = values.iter().any(|v| v.ty == Ty::REAL_LITERAL);
            let wanted = hint.filter(|t| t.scalar().is_some() && (!real || t.is_real()));
            wanted.unwrap_or(if real { Ty::REAL } else { Ty::DINT })
        });
        let values: Vec<Expr> = values.into_iter().map(|v| self.coerce(v, ty)).collect();
        if values.iter().any(|v| v.ty.is_error()) {
            return None;
        }
        if ty.scalar().is_none() {
            let message = format!("single values are needed, this is {}", self.s.type_name(ty));
            self.s.error(Code::OperandType, span, message);
            return None;
        }
        Some((values, ty))
    }

    fn select(&mut self, forced: Option<Ty>, mut values: Vec<Expr>, span: Span, hint: Option<Ty>) -> Expr {
        let gate = self.coerce(values.remove(0), Ty::BOOL);
        let Some((inputs, ty)) = self.common(forced, values, span, hint) else { return self.broken(span) };
        let Some(scalar) = ty.scalar() else { return self.broken(span) };
        let args = std::iter::once(gate).chain(inputs).collect();
        self.apply(Op::Sel, scalar, None, args, ty)
    }

    fn extreme(
        &mut self,
        op: Op,
        forced: Option<Ty>,
        values: Vec<Expr>,
        name: &str,
        span: Span,
        hint: Option<Ty>,
    ) -> Expr {
        let Some((values, ty)) = self.common(forced, values, span, hint) else { return self.broken(span) };
        self.extreme_of(op, values, ty, name, span)
    }

    fn extreme_of(&mut self, op: Op, values: Vec<Expr>, ty: Ty, name: &str, span: Span) -> Expr {
        let mut values = values.into_iter();
        let Some(first) = values.next() else { return self.broken(span) };
        let Some(scalar) = ty.scalar().filter(|s| *s != ScalarType::Bool) else {
            return self.refuse_argument(name, &first, "values with an order");
        };
        let mut depth = 0;
        values.fold(first, |result, value| {
            depth += 1;
            if depth > 250 {
                if depth == 251 {
                    self.s.error(Code::ArgumentCount, span, format!("`{name}` takes at most 250 arguments"));
                }
                return self.broken(span);
            }
            self.apply(op, scalar, None, vec![result, value], ty)
        })
    }

    /// `MIN(MAX(IN, MN), MX)`
    fn limit(&mut self, forced: Option<Ty>, values: Vec<Expr>, name: &str, span: Span, hint: Option<Ty>) -> Expr {
        let Some((values, ty)) = self.common(forced, values, span, hint) else { return self.broken(span) };
        let Ok([low, value, high]) = <[Expr; 3]>::try_from(values) else { return self.broken(span) };
        let raised = self.extreme_of(Op::Max, vec![value, low], ty, name, span);
        self.extreme_of(Op::Min, vec![raised, high], ty, name, span)
    }

    fn mux(&mut self, forced: Option<Ty>, mut values: Vec<Expr>, span: Span, hint: Option<Ty>) -> Expr {
        let selector = values.remove(0);
        let selector = self.settle(selector, Some(Ty::DINT));
        if !selector.ty.is_int() {
            return self.refuse_argument("MUX", &selector, "an integer selector K");
        }
        let Some((inputs, ty)) = self.common(forced, values, span, hint) else { return self.broken(span) };
        let outside = |bits: u64| usize::try_from(bits).map_or(true, |k| k >= inputs.len());
        if selector.constant().is_some_and(outside) {
            let message = format!("the selector is outside of 0..{}", inputs.len().saturating_sub(1));
            self.s.error(Code::IndexRange, selector.span, message);
            return self.broken(span);
        }
        Expr { kind: ExprKind::Select { selector: Box::new(selector), inputs }, ty, span }
    }

    fn shift(
        &mut self,
        op: Op,
        forced: Option<Ty>,
        values: Vec<Expr>,
        name: &str,
        span: Span,
        hint: Option<Ty>,
    ) -> Expr {
        let Ok([value, amount]) = <[Expr; 2]>::try_from(values) else { return self.broken(span) };
        let value = match forced.or(hint.filter(|t| t.is_bit_string() && value.ty == Ty::INT_LITERAL)) {
            Some(ty) => self.coerce(value, ty),
            None => value,
        };
        let ty = value.ty;
        let Some(scalar) = ty.scalar().filter(|_| ty.is_bit_string()) else {
            return self.refuse_argument(name, &value, "BYTE, WORD, DWORD or LWORD");
        };
        let amount = self.settle(amount, Some(Ty::UDINT));
        if !amount.ty.is_int() {
            return self.refuse_argument(name, &amount, "an integer number of bits N");
        }
        let amount = self.shift_amount(amount);
        self.apply(op, scalar, None, vec![value, amount], ty)
    }

    /// The number of bits as U32. A negative number counts as a very large one: shifts then give 0.
    fn shift_amount(&mut self, amount: Expr) -> Expr {
        let span = amount.span;
        let Some(scalar) = amount.ty.scalar() else { return self.broken(span) };
        let amount = if scalar.bits() == 64 {
            // Multiples of 2^32 must not become small by wrapping; rotations by 2^31 and more are those by their low bits.
            let limit = self.constant(1 << 31, amount.ty, span);
            let ty = amount.ty;
            self.apply(Op::Min, scalar, None, vec![amount, limit], ty)
        } else {
            amount
        };
        if amount.ty == Ty::UDINT { amount } else { self.converted(amount, Ty::UDINT) }
    }

    fn reals(
        &mut self,
        op: Op,
        forced: Option<Ty>,
        values: Vec<Expr>,
        name: &str,
        span: Span,
        hint: Option<Ty>,
    ) -> Expr {
        let wanted = hint.filter(|t| t.is_real() && !t.is_literal()).unwrap_or(Ty::REAL);
        let literal = values.iter().all(|v| v.ty.is_literal());
        let forced = forced.or(literal.then_some(wanted));
        let Some((values, ty)) = self.common(forced, values, span, hint) else { return self.broken(span) };
        match (ty.scalar().filter(|_| ty.is_real()), values.first()) {
            (Some(scalar), _) => self.apply(op, scalar, None, values, ty),
            (None, Some(first)) => {
                let first = first.clone();
                self.refuse_argument(name, &first, "REAL or LREAL; convert integers with INT_TO_REAL and its kin,")
            }
            (None, None) => self.broken(span),
        }
    }
}
