//! Bools: contacts in series and in parallel as few operations, none of which waits longer than it must.
//!
//! A bool in flight may be meant inverted, so everything is a conjunction, and a negation costs nothing. What a value was
//! made of is remembered, for two rules. What one side of a conjunction says of the other is put in: in `a AND (a XOR b)` the
//! second is `NOT b`, which is older. And of three contacts in series the one that comes last is joined last:
//! rungs that feed the next rung are as fast as their longest chain of operations, not as their number.

use super::super::cache::Datum;
use super::super::emit::{Defect, Emit};
use bytecode::Op;
use cranelift_codegen::ir::{InstBuilder, Value};

/// How far a conjunction is looked into for what its other side says.
const LOOK_MAX: u32 = 4;

/// A bool in flight that is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Literal {
    value: Value,
    /// Is the opposite of the value meant?
    inverted: bool,
}

/// What a value was made of.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// The conjunction, or its opposite.
    And { parts: [Literal; 2], opposite: bool },
    /// One of two, not both.
    Xor(Value, Value),
    /// What numbers say.
    Comparison,
}

/// The bools of a function: what they were made of, and how many operations stand between them and memory.
#[derive(Debug, Default)]
pub(in super::super) struct Gates {
    /// Per number of a value.
    made: Vec<Option<(Kind, u32)>>,
}

impl Gates {
    /// A comparison: its numbers are read or computed before.
    pub(in super::super) fn compared(&mut self, value: Value) {
        self.remember(value, Kind::Comparison, 2);
    }

    fn remember(&mut self, value: Value, kind: Kind, depth: u32) {
        let number = value.as_u32() as usize;
        if self.made.len() <= number {
            self.made.resize(number + 1, None);
        }
        if let Some(made) = self.made.get_mut(number) {
            *made = Some((kind, depth));
        }
    }

    fn get(&self, value: Value) -> Option<(Kind, u32)> {
        self.made.get(value.as_u32() as usize).copied().flatten()
    }

    fn depth(&self, value: Value) -> u32 {
        self.get(value).map_or(0, |(_, depth)| depth)
    }

    fn kind(&self, value: Value) -> Option<Kind> {
        self.get(value).map(|(kind, _)| kind)
    }

    /// The parts, the deeper one first, of a literal that is a conjunction.
    fn parts(&self, literal: Literal) -> Option<[Literal; 2]> {
        match self.kind(literal.value)? {
            Kind::And { parts: [a, b], opposite } if opposite == literal.inverted => {
                Some(if self.depth(a.value) >= self.depth(b.value) { [a, b] } else { [b, a] })
            }
            Kind::And { .. } | Kind::Xor(..) | Kind::Comparison => None,
        }
    }

    /// What `of` is where `true_one` is true, if that is something simpler.
    fn given(&self, true_one: Literal, of: Literal) -> Option<Datum> {
        if of.value == true_one.value {
            return Some(Datum::Const(u64::from(of.inverted == true_one.inverted)));
        }
        let datum = |value: Value, inverted: bool| Datum::Ssa { value, raw: false, inverted };
        match self.kind(of.value)? {
            Kind::Xor(a, b) if a == true_one.value => Some(datum(b, of.inverted == true_one.inverted)),
            Kind::Xor(a, b) if b == true_one.value => Some(datum(a, of.inverted == true_one.inverted)),
            Kind::And { parts: [a, b], opposite } if a.value == true_one.value || b.value == true_one.value => {
                let (same, other) = if a.value == true_one.value { (a, b) } else { (b, a) };
                let inverted = opposite != of.inverted;
                Some(if same.inverted == true_one.inverted {
                    datum(other.value, other.inverted != inverted)
                } else {
                    Datum::Const(u64::from(inverted))
                })
            }
            Kind::And { .. } | Kind::Xor(..) | Kind::Comparison => None,
        }
    }
}

/// The younger of two values is the likelier one to be wanted no more, and an operation takes its first operand's register.
fn younger_first(a: Value, b: Value) -> (Value, Value) {
    if a < b { (b, a) } else { (a, b) }
}

impl Emit<'_, '_> {
    fn literal(&mut self, datum: Datum) -> Literal {
        let (value, inverted) = self.bool_value(datum);
        Literal { value, inverted }
    }

    /// `a AND b`, where each may be meant inverted: hardly ever more than one operation.
    pub(super) fn conjunction(&mut self, a: Datum, b: Datum) -> Datum {
        self.conjunction_within(a, b, LOOK_MAX)
    }

    fn conjunction_within(&mut self, a: Datum, b: Datum, looks: u32) -> Datum {
        match (a, b) {
            (Datum::Const(0), _) | (_, Datum::Const(0)) => return Datum::Const(0),
            (Datum::Const(_), other) | (other, Datum::Const(_)) => return other,
            (Datum::Ssa { .. } | Datum::Var(_), Datum::Ssa { .. } | Datum::Var(_)) => {}
        }
        let (left, right) = (self.literal(a), self.literal(b));
        if let Some(looks) = looks.checked_sub(1) {
            if let Some(b) = self.gates.given(left, right) {
                return self.conjunction_within(a, b, looks);
            }
            if let Some(a) = self.gates.given(right, left) {
                return self.conjunction_within(a, b, looks);
            }
        }
        self.joined(left, right)
    }

    /// The conjunction, the latest of three joined last.
    fn joined(&mut self, a: Literal, b: Literal) -> Datum {
        for (one, other) in [(a, b), (b, a)] {
            let Some([late, early]) = self.gates.parts(one) else { continue };
            let earlier = self.gates.depth(early.value).max(self.gates.depth(other.value));
            if earlier < self.gates.depth(late.value) {
                let early = self.and(early, other);
                return self.and_datum(late, early);
            }
        }
        self.and_datum(a, b)
    }

    fn and_datum(&mut self, a: Literal, b: Literal) -> Datum {
        let Literal { value, inverted } = self.and(a, b);
        Datum::Ssa { value, raw: false, inverted }
    }

    fn and(&mut self, a: Literal, b: Literal) -> Literal {
        let (value, inverted) = match (a.inverted, b.inverted) {
            (false, false) => {
                let (a, b) = younger_first(a.value, b.value);
                (self.b.ins().band(a, b), false)
            }
            // One operand is 0 or 1, so the upper bits of the other's complement do not matter.
            (false, true) => (self.b.ins().band_not(a.value, b.value), false),
            (true, false) => (self.b.ins().band_not(b.value, a.value), false),
            (true, true) => {
                let (a, b) = younger_first(a.value, b.value);
                (self.b.ins().bor(a, b), true)
            }
        };
        let depth = self.gates.depth(a.value).max(self.gates.depth(b.value)) + 1;
        self.gates.remember(value, Kind::And { parts: [a, b], opposite: inverted }, depth);
        Literal { value, inverted }
    }

    pub(in super::super) fn opposite(&mut self, a: Datum) -> Datum {
        match a {
            Datum::Const(bits) => Datum::Const(u64::from(bits == 0)),
            Datum::Var(_) | Datum::Ssa { .. } => {
                let (value, inverted) = self.bool_value(a);
                Datum::Ssa { value, raw: false, inverted: !inverted }
            }
        }
    }

    pub(super) fn disjunction(&mut self, a: Datum, b: Datum) -> Datum {
        let (a, b) = (self.opposite(a), self.opposite(b));
        let neither = self.conjunction(a, b);
        self.opposite(neither)
    }

    pub(super) fn exclusive(&mut self, a: Datum, b: Datum) -> Datum {
        match (a, b) {
            (Datum::Const(0), other) | (other, Datum::Const(0)) => return other,
            (Datum::Const(_), other) | (other, Datum::Const(_)) => return self.opposite(other),
            (Datum::Ssa { .. } | Datum::Var(_), Datum::Ssa { .. } | Datum::Var(_)) => {}
        }
        let ((a, not_a), (b, not_b)) = (self.bool_value(a), self.bool_value(b));
        let (a, b) = younger_first(a, b);
        let value = self.b.ins().bxor(a, b);
        self.gates.remember(value, Kind::Xor(a, b), self.gates.depth(a).max(self.gates.depth(b)) + 1);
        Datum::Ssa { value, raw: false, inverted: not_a != not_b }
    }

    pub(super) fn logic(&mut self, op: Op, a: Datum, b: Datum) -> Result<Datum, Defect> {
        Ok(match op {
            Op::Not => self.opposite(a),
            Op::And => self.conjunction(a, b),
            Op::Or => self.disjunction(a, b),
            Op::Xor => self.exclusive(a, b),
            Op::AndNot => {
                let b = self.opposite(b);
                self.conjunction(a, b)
            }
            Op::OrNot => {
                let b = self.opposite(b);
                self.disjunction(a, b)
            }
            _ => return Err(Defect),
        })
    }

    pub(super) fn compare_bools(&mut self, op: Op, a: Datum, b: Datum) -> Datum {
        let (not_a, not_b) = (self.opposite(a), self.opposite(b));
        match op {
            Op::Eq => self.exclusive(a, not_b),
            Op::Lt => self.conjunction(not_a, b),
            Op::Le => self.disjunction(not_a, b),
            Op::Gt => self.conjunction(a, not_b),
            Op::Ge => self.disjunction(a, not_b),
            _ => self.exclusive(a, b),
        }
    }
}
