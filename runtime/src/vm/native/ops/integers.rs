//! Operations on whole numbers and bit strings.

use super::super::cache::Datum;
use super::super::emit::{Defect, Emit, clif};
use crate::vm::eval::Pure;
use crate::vm::reference::signed;
use crate::vm::trap::TrapCode;
use bytecode::{Op, ScalarType};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};

impl Emit<'_, '_> {
    pub(super) fn int_operation(&mut self, pure: Pure, a: Datum, b: Datum) -> Result<Datum, Defect> {
        let ty = pure.ty;
        let shift = matches!(pure.op, Op::Shl | Op::Shr | Op::Rol | Op::Ror);
        match pure.op {
            Op::Div | Op::Mod => return Ok(self.divide(pure, a, b)),
            Op::Trunc => return Ok(self.evaluated(pure, a, b)),
            _ if shift => return Ok(self.shift(pure, a, b)),
            _ => {}
        }
        let summand = if let Datum::Const(bits) = b { i32::try_from(signed(bits, ty)).ok() } else { None };
        let a = self.value(a, ty);
        let negative = |e: &mut Self| {
            let zero = e.int(clif(ty), 0);
            e.b.ins().icmp(IntCC::SignedLessThan, a, zero)
        };
        match pure.op {
            Op::Not => return Ok(Datum::plain(self.b.ins().bnot(a))),
            Op::Neg => return Ok(Datum::plain(self.b.ins().ineg(a))),
            Op::Abs if !ty.is_signed() => return Ok(Datum::plain(a)),
            Op::Abs => {
                let (is_negative, opposite) = (negative(self), self.b.ins().ineg(a));
                return Ok(Datum::plain(self.b.ins().select(is_negative, opposite, a)));
            }
            _ => {}
        }
        let b = self.value(b, ty);
        let less = |e: &mut Self, x, y| {
            let condition = if ty.is_signed() { IntCC::SignedLessThan } else { IntCC::UnsignedLessThan };
            e.b.ins().icmp(condition, x, y)
        };
        if let (Op::Add, ScalarType::I32, Some(number)) = (pure.op, ty, summand) {
            let sum = self.b.ins().iadd(a, b);
            self.remember_sum(sum, a, number);
            return Ok(Datum::plain(sum));
        }
        Ok(Datum::plain(match pure.op {
            Op::Add => self.b.ins().iadd(a, b),
            Op::Sub => self.b.ins().isub(a, b),
            Op::Mul => self.b.ins().imul(a, b),
            Op::And => self.b.ins().band(a, b),
            Op::Or => self.b.ins().bor(a, b),
            Op::Xor => self.b.ins().bxor(a, b),
            Op::AndNot => self.b.ins().band_not(a, b),
            Op::OrNot => self.b.ins().bor_not(a, b),
            Op::Min => {
                let condition = less(self, b, a);
                self.b.ins().select(condition, b, a)
            }
            Op::Max => {
                let condition = less(self, a, b);
                self.b.ins().select(condition, b, a)
            }
            _ => return Err(Defect),
        }))
    }

    fn shift(&mut self, pure: Pure, a: Datum, amount: Datum) -> Datum {
        let ty = pure.ty;
        let width = ty.bits();
        let a = self.value(a, ty);
        let rotates = matches!(pure.op, Op::Rol | Op::Ror);
        let by = match amount {
            Datum::Const(bits) if !rotates && bits >= u64::from(width) => return Datum::Const(0),
            // Below the width, or modulo it.
            Datum::Const(bits) => self.int(types::I32, i64::from(bits as u32 % width)),
            Datum::Var(_) | Datum::Ssa { .. } => self.value(amount, ScalarType::U32),
        };
        // The generator's shifts take the amount modulo the width.
        let value = match pure.op {
            Op::Shl => self.b.ins().ishl(a, by),
            Op::Shr => self.b.ins().ushr(a, by),
            Op::Rol => self.b.ins().rotl(a, by),
            _ => self.b.ins().rotr(a, by),
        };
        if rotates || matches!(amount, Datum::Const(_)) {
            return Datum::plain(value);
        }
        let width = self.int(types::I32, i64::from(width));
        let inside = self.b.ins().icmp(IntCC::UnsignedLessThan, by, width);
        let zero = self.int(clif(ty), 0);
        Datum::plain(self.b.ins().select(inside, value, zero))
    }

    fn divide(&mut self, pure: Pure, a: Datum, b: Datum) -> Datum {
        let ty = pure.ty;
        let (dividend, mut divisor) = (self.value(a, ty), self.value(b, ty));
        let known = if let Datum::Const(bits) = b { Some(bits) } else { None };
        if known.is_none_or(|bits| bits == 0) {
            let zero = self.int(clif(ty), 0);
            let by_zero = self.b.ins().icmp(IntCC::Equal, divisor, zero);
            self.trap_if(by_zero, TrapCode::DivisionByZero, |e| e.int(types::I64, 0));
        }
        let is_div = pure.op == Op::Div;
        // Narrow ones in 32 bits, where the least by -1 does not overflow but wraps on the way back.
        if ty.size() < 4 {
            let a = self.extend(dividend, ty, types::I32);
            let result = match known.and_then(|bits| i32::try_from(signed(bits, ty)).ok()) {
                Some(constant) if constant.unsigned_abs() > 1 => self.quotient_by(is_div, a, constant),
                Some(_) | None => {
                    let b = self.extend(divisor, ty, types::I32);
                    self.quotient(is_div, ty.is_signed(), a, b)
                }
            };
            return Datum::plain(self.b.ins().ireduce(clif(ty), result));
        }
        if let (ScalarType::I32, Some(bits)) = (ty, known)
            && let Ok(constant) = i32::try_from(signed(bits, ty))
            && constant.unsigned_abs() > 1
        {
            return Datum::plain(self.quotient_by(is_div, dividend, constant));
        }
        if !ty.is_signed() {
            return Datum::plain(self.quotient(is_div, false, dividend, divisor));
        }
        let minus_one = self.int(clif(ty), -1);
        let by_minus_one = match known {
            Some(bits) if bits == u64::MAX >> (64 - ty.bits()) => {
                let zero = self.int(clif(ty), 0);
                return Datum::plain(if is_div { self.b.ins().ineg(dividend) } else { zero });
            }
            Some(_) => return Datum::plain(self.quotient(is_div, true, dividend, divisor)),
            None => self.b.ins().icmp(IntCC::Equal, divisor, minus_one),
        };
        // The least by -1 would overflow: divided by 1, and negated where it is a quotient.
        let one = self.int(clif(ty), 1);
        divisor = self.b.ins().select(by_minus_one, one, divisor);
        let result = self.quotient(is_div, true, dividend, divisor);
        if !is_div {
            return Datum::plain(result);
        }
        let opposite = self.b.ins().ineg(dividend);
        Datum::plain(self.b.ins().select(by_minus_one, opposite, result))
    }

    /// A quotient or remainder of 32 bits by a constant beyond 1 or -1, by multiplication.
    ///
    /// For a divisor m that is no power of two and k = floor(log2 m), the factor f = floor(2^(32+k) / m) + 1 is
    /// below 2^32 and f * m - 2^(32+k) below m, hence below 2^(k+1). So for a dividend up to 2^31, f * a / 2^(32+k) is
    /// above a / m by less than 1 / m: its integer part is the quotient, and one more than the floor where a is negative.
    fn quotient_by(&mut self, is_div: bool, a: Value, constant: i32) -> Value {
        let m = constant.unsigned_abs();
        let k = m.ilog2();
        let quotient = if m.is_power_of_two() {
            let (all, upper, down) =
                (self.int(types::I32, 31), self.int(types::I32, i64::from(32 - k)), self.int(types::I32, i64::from(k)));
            // Rounds towards zero: a negative dividend is moved up by m - 1 first.
            let sign = self.b.ins().sshr(a, all);
            let correction = self.b.ins().ushr(sign, upper);
            let moved = self.b.ins().iadd(a, correction);
            self.b.ins().sshr(moved, down)
        } else {
            let factor = (1_u64 << (32 + k)) / u64::from(m) + 1;
            let wide = self.b.ins().sextend(types::I64, a);
            let factor = self.int(types::I64, factor.cast_signed());
            let product = self.b.ins().imul(wide, factor);
            let (down, all) = (self.int(types::I64, i64::from(32 + k)), self.int(types::I64, 63));
            let floor = self.b.ins().sshr(product, down);
            let negative = self.b.ins().ushr(wide, all);
            let quotient = self.b.ins().iadd(floor, negative);
            self.b.ins().ireduce(types::I32, quotient)
        };
        let quotient = if constant < 0 { self.b.ins().ineg(quotient) } else { quotient };
        if is_div {
            return quotient;
        }
        let constant = self.int(types::I32, i64::from(constant));
        let whole = self.b.ins().imul(quotient, constant);
        self.b.ins().isub(a, whole)
    }

    fn quotient(&mut self, is_div: bool, signed: bool, a: Value, b: Value) -> Value {
        match (is_div, signed) {
            (true, true) => self.b.ins().sdiv(a, b),
            (true, false) => self.b.ins().udiv(a, b),
            (false, true) => self.b.ins().srem(a, b),
            (false, false) => self.b.ins().urem(a, b),
        }
    }
}
