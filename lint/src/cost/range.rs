//! What a scalar can be, as an interval, and what each operation makes of intervals.
//!
//! Never less than what really can be. REAL numbers are not followed: they are [`Range::ANY`].

use bytecode::{Instr, Op, ScalarType};
use compiler::types::int_range;

/// Whole numbers between two, both included. BOOL is 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The least.
    pub low: i128,
    /// The greatest.
    pub high: i128,
}

impl Range {
    /// Anything at all.
    pub const ANY: Self = Self { low: i128::MIN, high: i128::MAX };
    /// TRUE or FALSE.
    pub const BOOL: Self = Self { low: 0, high: 1 };

    /// Between two numbers.
    #[must_use]
    pub const fn new(low: i128, high: i128) -> Self {
        Self { low, high }
    }

    /// Exactly this one.
    #[must_use]
    pub const fn exactly(number: i128) -> Self {
        Self::new(number, number)
    }

    /// Every value of a type.
    #[must_use]
    pub fn of(ty: ScalarType) -> Self {
        int_range(ty).map_or(Self::ANY, |(low, high)| Self { low, high })
    }

    /// A BOOL that can be these.
    #[must_use]
    pub const fn truth(may_be_true: bool, may_be_false: bool) -> Self {
        Self::new(if may_be_false { 0 } else { 1 }, if may_be_true { 1 } else { 0 })
    }

    /// The only number it can be.
    #[must_use]
    pub const fn only(self) -> Option<i128> {
        if self.low == self.high { Some(self.low) } else { None }
    }

    /// Either of two.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self::new(self.low.min(other.low), self.high.max(other.high))
    }

    /// Both at once; `None` where there is no such number.
    #[must_use]
    pub fn meet(self, other: Self) -> Option<Self> {
        let both = Self::new(self.low.max(other.low), self.high.min(other.high));
        (both.low <= both.high).then_some(both)
    }

    fn inside(self, other: Self) -> bool {
        other.low <= self.low && self.high <= other.high
    }

    /// As a type holds it: wrapped where it is one number, anything where several might wrap.
    #[must_use]
    pub fn wrapped(self, ty: ScalarType) -> Self {
        let full = Self::of(ty);
        if ty.is_float() || self.inside(full) {
            return if ty.is_float() { Self::ANY } else { self };
        }
        match self.only() {
            Some(number) if ty.is_int() => {
                let span = full.high - full.low + 1;
                Self::exactly((number - full.low).rem_euclid(span) + full.low)
            }
            Some(_) | None => full,
        }
    }
}

/// Operands and source type of an operation that only calculates.
#[derive(Clone, Copy, Debug)]
pub struct Operands {
    /// Type of a conversion's source.
    pub from: Option<ScalarType>,
    /// In the order of the words.
    pub values: [Range; 3],
}

/// What an operation gives, by its operands.
#[must_use]
pub fn result(instr: &Instr, operands: &Operands) -> Range {
    let Operands { from, values: [a, b, c] } = *operands;
    let ty = instr.ty;
    if let Some(truth) = compared(instr.op, a, b) {
        // NaN compares with nothing.
        return if ty.is_float() { Range::BOOL } else { truth };
    }
    match instr.op {
        Op::Sel => match a.only() {
            Some(0) => b,
            Some(_) => c,
            None => b.join(c),
        },
        Op::Mov => a,
        _ if ty.is_float() => Range::ANY,
        Op::Cvt | Op::Bits | Op::Trunc => converted(ty, from, a),
        _ if ty == ScalarType::Bool => on_bool(instr.op, a, b),
        _ => on_int(instr.op, ty, a, b).wrapped(ty),
    }
}

fn converted(ty: ScalarType, from: Option<ScalarType>, a: Range) -> Range {
    let followed = from.is_some_and(|from| !from.is_float());
    match ty {
        ScalarType::Bool => a.meet(Range::BOOL).filter(|both| *both == a).unwrap_or(Range::BOOL),
        _ if followed => a.wrapped(ty),
        _ => Range::of(ty),
    }
}

fn compared(op: Op, a: Range, b: Range) -> Option<Range> {
    let (less, more) = (a.low < b.high, a.high > b.low);
    let same = a.meet(b).is_some();
    let one = a.only().is_some() && a == b;
    Some(match op {
        Op::Eq => Range::truth(same, !one),
        Op::Ne => Range::truth(!one, same),
        Op::Lt => Range::truth(less, a.high >= b.low),
        Op::Le => Range::truth(a.low <= b.high, more),
        Op::Gt => Range::truth(more, a.low <= b.high),
        Op::Ge => Range::truth(a.high >= b.low, less),
        _ => return None,
    })
}

fn on_bool(op: Op, a: Range, b: Range) -> Range {
    let not = |x: Range| Range::new(1 - x.high, 1 - x.low);
    let and = |x: Range, y: Range| Range::new(x.low.min(y.low), x.high.min(y.high));
    let or = |x: Range, y: Range| Range::new(x.low.max(y.low), x.high.max(y.high));
    match op {
        Op::Not => not(a),
        Op::And => and(a, b),
        Op::Or => or(a, b),
        Op::AndNot => and(a, not(b)),
        Op::OrNot => or(a, not(b)),
        Op::Xor => match (a.only(), b.only()) {
            (Some(x), Some(y)) => Range::exactly(x ^ y),
            _ => Range::BOOL,
        },
        _ => Range::BOOL,
    }
}

/// Before wrapping.
fn on_int(op: Op, ty: ScalarType, a: Range, b: Range) -> Range {
    let full = Range::of(ty);
    match op {
        Op::Neg => Range::new(-a.high, -a.low),
        Op::Abs if a.low >= 0 => a,
        Op::Abs => Range::new(if a.high < 0 { -a.high } else { 0 }, a.high.max(-a.low)),
        Op::Add => Range::new(a.low + b.low, a.high + b.high),
        Op::Sub => Range::new(a.low - b.high, a.high - b.low),
        Op::Mul => product(a, b).unwrap_or(full),
        Op::Div if b.low > 0 => {
            let ends = [a.low / b.low, a.low / b.high, a.high / b.low, a.high / b.high];
            around(ends)
        }
        Op::Mod if b.low > 0 && a.low >= 0 => match (a.only(), b.only()) {
            (Some(x), Some(y)) => Range::exactly(x % y),
            _ => Range::new(0, a.high.min(b.high - 1)),
        },
        Op::Mod if b.low > 0 => Range::new(1 - b.high, b.high - 1),
        Op::Min => Range::new(a.low.min(b.low), a.high.min(b.high)),
        Op::Max => Range::new(a.low.max(b.low), a.high.max(b.high)),
        _ if full.low == 0 => on_word(op, ty, a, b),
        _ => full,
    }
}

/// Bit operations, which only unsigned types have.
fn on_word(op: Op, ty: ScalarType, a: Range, b: Range) -> Range {
    let full = Range::of(ty);
    let exact = a.only().zip(b.only());
    // All bits up to the highest that can be set.
    let below = |x: i128| {
        u128::try_from(x)
            .ok()
            .and_then(u128::checked_next_power_of_two)
            .map_or(full.high, |p| i128::try_from(p).map_or(full.high, |p| p * 2 - 1))
    };
    match (op, exact) {
        (Op::Not, _) => Range::new(full.high - a.high, full.high - a.low),
        (Op::And, Some((x, y))) => Range::exactly(x & y),
        (Op::Or, Some((x, y))) => Range::exactly(x | y),
        (Op::Xor, Some((x, y))) => Range::exactly(x ^ y),
        (Op::AndNot, Some((x, y))) => Range::exactly(x & !y),
        (Op::And, None) => Range::new(0, a.high.min(b.high)),
        (Op::AndNot, None) => Range::new(0, a.high),
        (Op::Or | Op::Xor, None) => Range::new(0, below(a.high.max(b.high)).min(full.high)),
        (Op::Shl | Op::Shr, _) => match b.only() {
            Some(by) if by >= i128::from(ty.bits()) => Range::exactly(0),
            Some(by) if op == Op::Shr => Range::new(a.low >> by, a.high >> by),
            // What is shifted out is gone, so several numbers may become any.
            Some(by) if a.high << by <= full.high || a.only().is_some() => Range::new(a.low << by, a.high << by),
            Some(_) | None => full,
        },
        _ => full,
    }
}

fn product(a: Range, b: Range) -> Option<Range> {
    let of = |x: i128, y: i128| x.checked_mul(y);
    Some(around([of(a.low, b.low)?, of(a.low, b.high)?, of(a.high, b.low)?, of(a.high, b.high)?]))
}

fn around(ends: [i128; 4]) -> Range {
    ends.iter()
        .fold(Range::new(i128::MAX, i128::MIN), |range, end| Range::new(range.low.min(*end), range.high.max(*end)))
}

/// What is known of both sides of a comparison once it is known to hold.
#[must_use]
pub fn refined(op: Op, a: Range, b: Range) -> Option<(Range, Range)> {
    let at_most = |x: Range, limit: i128| x.meet(Range::new(i128::MIN, limit));
    let at_least = |x: Range, limit: i128| x.meet(Range::new(limit, i128::MAX));
    Some(match op {
        Op::Eq => (a.meet(b)?, a.meet(b)?),
        Op::Lt => (at_most(a, b.high - 1)?, at_least(b, a.low + 1)?),
        Op::Le => (at_most(a, b.high)?, at_least(b, a.low)?),
        Op::Gt => (at_least(a, b.low + 1)?, at_most(b, a.high - 1)?),
        Op::Ge => (at_least(a, b.low)?, at_most(b, a.high)?),
        Op::Ne => (without(a, b)?, without(b, a)?),
        _ => (a, b),
    })
}

/// The number at an end that the other side is.
fn without(a: Range, b: Range) -> Option<Range> {
    match b.only() {
        Some(x) if a.only() == Some(x) => None,
        Some(x) if a.low == x => Some(Range::new(x + 1, a.high)),
        Some(x) if a.high == x => Some(Range::new(a.low, x - 1)),
        Some(_) | None => Some(a),
    }
}

/// The comparison that holds where this one does not.
#[must_use]
pub const fn opposite(op: Op) -> Op {
    match op {
        Op::Eq => Op::Ne,
        Op::Ne => Op::Eq,
        Op::Lt => Op::Ge,
        Op::Ge => Op::Lt,
        Op::Le => Op::Gt,
        Op::Gt => Op::Le,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytecode::scalar::{Bits, Integer, Numeric, Scalar};
    use proptest::prelude::*;

    const SIGNED: [Op; 14] = [
        Op::Mov,
        Op::Neg,
        Op::Abs,
        Op::Add,
        Op::Sub,
        Op::Mul,
        Op::Div,
        Op::Mod,
        Op::Min,
        Op::Max,
        Op::Eq,
        Op::Lt,
        Op::Le,
        Op::Ne,
    ];
    const UNSIGNED: [Op; 20] = [
        Op::Mov,
        Op::Abs,
        Op::Add,
        Op::Sub,
        Op::Mul,
        Op::Div,
        Op::Mod,
        Op::Min,
        Op::Max,
        Op::Gt,
        Op::Ge,
        Op::Not,
        Op::And,
        Op::Or,
        Op::Xor,
        Op::AndNot,
        Op::OrNot,
        Op::Shl,
        Op::Shr,
        Op::Rol,
    ];

    fn number<T: Integer>(op: Op, a: T, b: T) -> Option<i128> {
        let truth = |holds: bool| Some(i128::from(holds));
        match op {
            Op::Mov => Some(a.to_i128()),
            Op::Neg => Some(Numeric::neg(a).to_i128()),
            Op::Abs => Some(Numeric::abs(a).to_i128()),
            Op::Add => Some(Numeric::add(a, b).to_i128()),
            Op::Sub => Some(Numeric::sub(a, b).to_i128()),
            Op::Mul => Some(Numeric::mul(a, b).to_i128()),
            Op::Div => Numeric::div(a, b).map(Scalar::to_i128),
            Op::Mod => Integer::rem(a, b).map(Scalar::to_i128),
            Op::Min => Some(Numeric::min(a, b).to_i128()),
            Op::Max => Some(Numeric::max(a, b).to_i128()),
            Op::Eq => truth(a == b),
            Op::Ne => truth(a != b),
            Op::Lt => truth(a < b),
            Op::Le => truth(a <= b),
            Op::Gt => truth(a > b),
            Op::Ge => truth(a >= b),
            _ => None,
        }
    }

    fn word<T: Bits>(op: Op, a: T, b: T) -> Option<i128> {
        let amount = u32::try_from(b.to_i128()).unwrap();
        let bits = match op {
            Op::Not => Bits::not(a),
            Op::And => a.and(b),
            Op::Or => a.or(b),
            Op::Xor => a.xor(b),
            Op::AndNot => a.and(Bits::not(b)),
            Op::OrNot => a.or(Bits::not(b)),
            Op::Shl => Bits::shl(a, amount),
            Op::Shr => Bits::shr(a, amount),
            Op::Rol => Bits::rol(a, amount),
            _ => return number(op, a, b),
        };
        Some(bits.to_i128())
    }

    fn holds<T: Integer>(op: Op, ty: ScalarType, ends: [i128; 4], number: impl Fn(Op, T, T) -> Option<i128>) {
        let fit = |x: i128| Range::exactly(x).wrapped(ty).low;
        let [a, b, c, d] = ends.map(fit);
        let (left, right) = (Range::new(a.min(b), a.max(b)), Range::new(c.min(d), c.max(d)));
        let values = [left, right, Range::ANY];
        let found = result(&Instr::new(op, ty, [0; 4]), &Operands { from: None, values });
        let step = |range: Range| {
            (range.low..=range.high).step_by(usize::try_from((range.high - range.low) / 9).unwrap().max(1))
        };
        for x in step(left).chain([left.high]) {
            for y in step(right).chain([right.high]) {
                let Some(is) = number(op, T::wrap_from_i128(x), T::wrap_from_i128(y)) else { continue };
                assert!(Range::exactly(is).inside(found), "{op:?} {ty:?} {x} {y} is {is}, not in {found:?}");
                let both = refined(op, left, right);
                if compared(op, left, right).is_some() && is == 1 {
                    let (l, r) = both.unwrap_or_else(|| panic!("{op:?} {x} {y}"));
                    assert!(Range::exactly(x).inside(l) && Range::exactly(y).inside(r), "{op:?} {x} {y} {l:?} {r:?}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_computed_is_in_the_range(op in 0_usize..14, ends in proptest::array::uniform4(-300_i128..300)) {
            holds::<i8>(SIGNED[op], ScalarType::I8, ends, number);
            holds::<i32>(SIGNED[op], ScalarType::I32, ends.map(|x| x * 9_000_000), number);
        }

        #[test]
        fn what_words_come_to_is_in_the_range(op in 0_usize..20, ends in proptest::array::uniform4(0_i128..600)) {
            holds::<u8>(UNSIGNED[op], ScalarType::U8, ends, word);
            holds::<u16>(UNSIGNED[op], ScalarType::U16, ends.map(|x| x * 200 / 3), word);
        }
    }

    #[test]
    fn conversions_keep_what_fits() {
        let cvt = |ty, from, value| {
            result(
                &Instr::new(Op::Cvt, ty, [0; 4]),
                &Operands { from: Some(from), values: [value, Range::ANY, Range::ANY] },
            )
        };
        assert_eq!(cvt(ScalarType::I32, ScalarType::U8, Range::new(3, 200)), Range::new(3, 200));
        assert_eq!(cvt(ScalarType::I8, ScalarType::I32, Range::exactly(200)), Range::exactly(-56));
        assert_eq!(cvt(ScalarType::I8, ScalarType::I32, Range::new(3, 200)), Range::of(ScalarType::I8));
        assert_eq!(cvt(ScalarType::I32, ScalarType::F32, Range::ANY), Range::of(ScalarType::I32));
        assert_eq!(cvt(ScalarType::F32, ScalarType::I32, Range::exactly(1)), Range::ANY);
        assert_eq!(cvt(ScalarType::Bool, ScalarType::I32, Range::new(0, 9)), Range::BOOL);
    }
}
