//! The conversion functions `A_TO_B`, `TO_B`, `TRUNC` (IEC 61131-3 edition 3, tables 22 to 27).
//!
//! - integers and bit strings: wrap to the width of the target;
//! - REAL and LREAL to integers: round half to even and saturate (TRUNC: towards zero); to BOOL: `<> 0`;
//! - bit strings to and from REAL or LREAL: the same bits, equal widths only;
//! - TIME and numbers: milliseconds; LTIME and numbers: nanoseconds. TIME to an integer drops the fraction of a
//!   millisecond and wraps to the width of the target; to REAL it keeps the fraction. Products that leave 64 bits wrap.

use super::BodyContext;
use crate::hir::Expr;
use crate::source::Span;
use crate::types::{Ty, elementary_named};
use bytecode::{Op, ScalarType};

/// Nanoseconds of the millisecond TIME converts in.
const NS_PER_MS: u64 = 1_000_000;

/// Is there a function `FROM_TO_TO`?
pub(super) fn conversion_exists(from: Ty, to: Ty) -> bool {
    let (Some(a), Some(b)) = (from.scalar(), to.scalar()) else { return false };
    let transfer = (from.is_bit_string() && to.is_real()) || (from.is_real() && to.is_bit_string());
    from != to && (!transfer || a.size() == b.size())
}

/// Is this the name of a conversion that would have to transfer bits between widths that differ?
pub(super) fn transfers_bits_of_other_width(key: &str) -> bool {
    let named = |part: &str| elementary_named(part).map(Ty::of);
    let types = key.split_once("_TO_").and_then(|(from, to)| named(from).zip(named(to)));
    types.is_some_and(|(from, to)| is_float_transfer(from, to) && !conversion_exists(from, to))
}

fn is_float_transfer(from: Ty, to: Ty) -> bool {
    (from.is_bit_string() && to.is_real()) || (from.is_real() && to.is_bit_string())
}

impl BodyContext<'_, '_> {
    /// The conversion of a value that has its type to another scalar type. The pair exists.
    pub(super) fn convert(&mut self, value: Expr, to: Ty) -> Expr {
        let from = value.ty;
        if from == to {
            return value;
        }
        let span = value.span;
        let (Some(source), Some(scalar)) = (from.scalar(), to.scalar()) else { return self.broken(span) };
        match (from.is_duration(), to.is_duration()) {
            (true, true) => Expr { ty: to, ..value },
            (true, false) => self.duration_as_number(value, to, scalar),
            (false, true) => self.number_as_duration(value, to, source),
            (false, false) if is_float_transfer(from, to) => {
                self.apply(Op::Bits, scalar, Some(source), vec![value], to)
            }
            (false, false) => self.converted(value, to),
        }
    }

    fn duration_as_number(&mut self, value: Expr, to: Ty, scalar: ScalarType) -> Expr {
        let span = value.span;
        let milliseconds = value.ty == Ty::TIME;
        if to == Ty::BOOL {
            return self.apply(Op::Cvt, scalar, Some(ScalarType::I64), vec![value], to);
        }
        if to.is_real() {
            let ns = self.apply(Op::Cvt, ScalarType::F64, Some(ScalarType::I64), vec![value], Ty::LREAL);
            let number = if milliseconds { self.scale(Op::Div, ns, span) } else { ns };
            return self.converted(number, to);
        }
        let number = if milliseconds { self.scale(Op::Div, value, span) } else { value };
        let number = Expr { ty: Ty::LINT, ..number };
        self.converted(number, to)
    }

    fn number_as_duration(&mut self, value: Expr, to: Ty, source: ScalarType) -> Expr {
        let span = value.span;
        let milliseconds = to == Ty::TIME;
        let number = if source.is_float() {
            let wide = self.converted(value, Ty::LREAL);
            let ns = if milliseconds { self.scale(Op::Mul, wide, span) } else { wide };
            self.apply(Op::Cvt, ScalarType::I64, Some(ScalarType::F64), vec![ns], Ty::LINT)
        } else {
            let wide = self.converted(value, Ty::LINT);
            if milliseconds { self.scale(Op::Mul, wide, span) } else { wide }
        };
        Expr { ty: to, ..number }
    }

    /// Times or divided by the nanoseconds of a millisecond, in 64-bit integers or LREAL.
    fn scale(&mut self, op: Op, value: Expr, span: Span) -> Expr {
        let ty = value.ty;
        let (scalar, bits) = match value.ty.scalar() {
            #[allow(clippy::cast_precision_loss)] // 10^6 is exact
            Some(ScalarType::F64) => (ScalarType::F64, (NS_PER_MS as f64).to_bits()),
            Some(_) | None => (ScalarType::I64, NS_PER_MS),
        };
        let factor = self.constant(bits, ty, span);
        self.apply(op, scalar, None, vec![value, factor], ty)
    }
}
