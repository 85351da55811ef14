//! Values as intervals: what a scalar can be, never less than what it really can be.

use bytecode::ScalarType;
use compiler::hir::PouId;
use compiler::types::{Ty, int_range};

/// What a scalar can be. BOOL is 0 to 1; TIME counts nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// A whole number between these two, both included.
    Range(i128, i128),
    /// The same without 0, which lies between them.
    Hole(i128, i128),
    /// Anything: REAL numbers are not followed.
    Any,
}

impl Value {
    /// TRUE or FALSE.
    pub const BOOL: Self = Self::Range(0, 1);

    /// Exactly this BOOL.
    #[must_use]
    pub const fn of_bool(value: bool) -> Self {
        if value { Self::Range(1, 1) } else { Self::Range(0, 0) }
    }

    /// A BOOL by what it can be.
    #[must_use]
    pub const fn of_truth(may_be_true: bool, may_be_false: bool) -> Self {
        Self::Range(if may_be_false { 0 } else { 1 }, if may_be_true { 1 } else { 0 })
    }

    /// Every value of a type.
    #[must_use]
    pub fn full(ty: Ty) -> Self {
        ty.scalar().map_or(Self::Any, Self::of_scalar)
    }

    /// Every value of a scalar type.
    #[must_use]
    pub fn of_scalar(scalar: ScalarType) -> Self {
        int_range(scalar).map_or(Self::Any, |(low, high)| Self::Range(low, high))
    }

    /// Can a BOOL be TRUE?
    #[must_use]
    pub const fn may_be_true(self) -> bool {
        match self {
            Self::Range(_, high) | Self::Hole(_, high) => high >= 1,
            Self::Any => true,
        }
    }

    /// Can a BOOL be FALSE?
    #[must_use]
    pub const fn may_be_false(self) -> bool {
        self.may_be(0)
    }

    /// Can it be this number?
    #[must_use]
    pub const fn may_be(self, number: i128) -> bool {
        match self {
            Self::Range(low, high) => low <= number && number <= high,
            Self::Hole(low, high) => number != 0 && low <= number && number <= high,
            Self::Any => true,
        }
    }

    /// The only value it can be.
    #[must_use]
    pub const fn only(self) -> Option<i128> {
        match self {
            Self::Range(low, high) if low == high => Some(low),
            Self::Range(..) | Self::Hole(..) | Self::Any => None,
        }
    }

    /// Without 0.
    #[must_use]
    pub const fn without_zero(self) -> Self {
        match self {
            Self::Range(0, high) => Self::Range(1, high),
            Self::Range(low, 0) => Self::Range(low, -1),
            Self::Range(low, high) if low < 0 && high > 0 => Self::Hole(low, high),
            other => other,
        }
    }

    /// The interval around it.
    #[must_use]
    pub const fn hull(self) -> Self {
        match self {
            Self::Hole(low, high) => Self::Range(low, high),
            other => other,
        }
    }

    /// Either of two.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::Any, _) | (_, Self::Any) => Self::Any,
            (Self::Range(a, b), Self::Range(c, d)) => Self::Range(a.min(c), b.max(d)),
            (x, y) => {
                let hull = x.hull().join(y.hull());
                if x.may_be(0) || y.may_be(0) { hull } else { hull.without_zero() }
            }
        }
    }

    /// Both at once; `None` where that cannot be.
    #[must_use]
    pub fn meet(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::Range(a, b), Self::Range(c, d)) => {
                let (low, high) = (a.max(c), b.min(d));
                (low <= high).then_some(Self::Range(low, high))
            }
            (Self::Any, value) | (value, Self::Any) => Some(value),
            (x, y) => match x.hull().meet(y.hull())? {
                Self::Range(0, 0) => None,
                value => Some(value.without_zero()),
            },
        }
    }

    /// Is every value of `other` one of this?
    #[must_use]
    pub fn holds(self, other: Self) -> bool {
        self.join(other) == self
    }

    /// What grew becomes as large as its type, so that a fixed point is reached.
    #[must_use]
    pub fn widened(self, grown: Self, full: Self) -> Self {
        match (self.hull(), grown.hull(), full) {
            (Self::Range(a, b), Self::Range(c, d), Self::Range(low, high)) => {
                Self::Range(if c < a { low } else { a }, if d > b { high } else { b })
            }
            _ => full,
        }
    }

    /// Cut to a type: what does not fit wraps, and can then be anything of it.
    #[must_use]
    pub fn within(self, scalar: ScalarType) -> Self {
        let full = Self::of_scalar(scalar);
        if full.holds(self.hull()) { self } else { full }
    }

    /// Inverted, for a BOOL.
    #[must_use]
    pub const fn inverted(self) -> Self {
        Self::of_truth(self.may_be_false(), self.may_be_true())
    }

    /// Both BOOL.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self::of_truth(self.may_be_true() && other.may_be_true(), self.may_be_false() || other.may_be_false())
    }

    /// Either BOOL.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self::of_truth(self.may_be_true() || other.may_be_true(), self.may_be_false() && other.may_be_false())
    }
}

/// The unit whose instances a type has, arrays of them included.
pub(crate) fn instance_of(types: &compiler::types::Types, ty: Ty) -> Option<PouId> {
    let element = types.as_array(ty).map_or(ty, |(element, _)| element);
    types.as_instance(element)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bool_that_can_be_nothing_else_is_constant() {
        assert_eq!(Value::of_bool(true).only(), Some(1));
        assert_eq!(Value::BOOL.only(), None);
        assert_eq!(Value::of_bool(true).and(Value::BOOL), Value::BOOL);
        assert_eq!(Value::of_bool(false).and(Value::BOOL), Value::of_bool(false));
        assert_eq!(Value::BOOL.or(Value::of_bool(true)), Value::of_bool(true));
        assert_eq!(Value::BOOL.inverted(), Value::BOOL);
    }

    #[test]
    fn a_hole_is_kept_until_zero_comes_back() {
        let hole = Value::Range(-5, 5).without_zero();
        assert!(!hole.may_be(0) && hole.may_be(1));
        assert_eq!(hole.meet(Value::Range(0, 9)), Some(Value::Range(1, 5)));
        assert_eq!(hole.join(Value::Range(7, 8)), Value::Hole(-5, 8));
        assert_eq!(hole.join(Value::Range(0, 0)), Value::Range(-5, 5));
        assert_eq!(hole.meet(Value::Range(0, 0)), None);
    }

    #[test]
    fn what_grows_is_widened_to_its_type() {
        let full = Value::of_scalar(ScalarType::I16);
        assert_eq!(Value::Range(0, 1).widened(Value::Range(0, 2), full), Value::Range(0, 32767));
        assert_eq!(Value::Range(0, 9).widened(Value::Range(0, 9), full), Value::Range(0, 9));
        assert_eq!(Value::Range(0, 300).within(ScalarType::U8), Value::Range(0, 255));
    }
}
