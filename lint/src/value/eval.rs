//! Expressions on intervals, and what a condition tells about its operands.

use super::domain::Value;
use super::state::{Frame, Site, State};
use bytecode::{Op, ScalarType};
use compiler::evaluate::{bits_int, evaluate, int_bits};
use compiler::hir::{Expr, ExprKind, Step};

impl State<'_> {
    /// What an expression can be. Calls in it are run.
    pub(super) fn eval(&mut self, expr: &Expr, frame: &Frame) -> Value {
        match &expr.kind {
            ExprKind::Const(bits) => constant(*bits, expr.ty.scalar()),
            ExprKind::Int(_) | ExprKind::Real(_) | ExprKind::Error => Value::full(expr.ty),
            ExprKind::Read(place) => {
                self.indices(&place.steps, frame);
                let (key, _) = self.key(place, frame);
                // A part of a bit string is not the bit string.
                let bits = place.steps.iter().any(|s| matches!(s, Step::Bits { .. }));
                if bits { Value::full(expr.ty) } else { self.get(key) }
            }
            ExprKind::Apply { op, scalar, source, args } => {
                let values: Vec<Value> = args.iter().map(|a| self.eval(a, frame)).collect();
                if matches!(op, Op::Div | Op::Mod)
                    && !scalar.is_float()
                    && let (Some(arg), Some(divisor)) = (args.get(1), values.get(1))
                {
                    self.note(Site::Divisor, arg.span, *divisor);
                }
                apply(*op, *scalar, *source, &values)
            }
            ExprKind::Lazy { and, left, right } => self.lazy(*and, left, right, frame),
            ExprKind::Select { selector, inputs } => {
                self.eval(selector, frame);
                let values: Vec<Value> = inputs.iter().map(|i| self.eval(i, frame)).collect();
                values.into_iter().reduce(Value::join).unwrap_or(Value::full(expr.ty))
            }
            ExprKind::Enabled { enable, value, eno } => {
                let enabled = self.eval(enable, frame);
                self.push();
                self.suppose(enable, true, frame);
                let value = self.eval(value, frame);
                let layer = self.pop();
                self.live = true;
                self.join(vec![layer, super::state::Layer::new()]);
                if let Some(place) = eno {
                    let (key, weak) = self.key(place, frame);
                    self.set(key, enabled, weak);
                }
                // Without EN the result is 0.
                if enabled.may_be_false() { value.join(constant(0, expr.ty.scalar())) } else { value }
            }
            ExprKind::Call(call) => self.call_value(call, frame),
        }
    }

    /// Indices may call functions and divide.
    pub(super) fn indices(&mut self, steps: &[Step], frame: &Frame) {
        for step in steps {
            if let Step::Index(list) = step {
                for index in list {
                    self.eval(index, frame);
                }
            }
        }
    }

    fn lazy(&mut self, and: bool, left: &Expr, right: &Expr, frame: &Frame) -> Value {
        let first = self.eval(left, frame);
        let decided = if and { !first.may_be_true() } else { !first.may_be_false() };
        if decided {
            return first;
        }
        self.push();
        self.suppose(left, and, frame);
        let second = self.eval(right, frame);
        let layer = self.pop();
        self.live = true;
        self.join(vec![layer, super::state::Layer::new()]);
        if and { first.and(second) } else { first.or(second) }
    }

    /// From here on a condition is known to hold, or not to.
    pub(super) fn suppose(&mut self, expr: &Expr, holds: bool, frame: &Frame) {
        match &expr.kind {
            ExprKind::Const(bits) => self.live &= (*bits != 0) == holds,
            ExprKind::Read(_) => self.suppose_value(expr, Value::of_bool(holds), frame),
            ExprKind::Lazy { and, left, right } => {
                self.suppose_parts(*and, &[(&**left, true), (&**right, true)], holds, frame);
            }
            ExprKind::Apply { op, scalar, args, .. } => match (op, args.as_slice()) {
                (Op::Not, [arg]) => self.suppose(arg, !holds, frame),
                // A chain of one operator is one operation.
                (Op::And | Op::Or, args) if *scalar == ScalarType::Bool => {
                    let parts: Vec<(&Expr, bool)> = args.iter().map(|a| (a, true)).collect();
                    self.suppose_parts(*op == Op::And, &parts, holds, frame);
                }
                (Op::AndNot | Op::OrNot, [a, b]) if *scalar == ScalarType::Bool => {
                    self.suppose_parts(*op == Op::AndNot, &[(a, true), (b, false)], holds, frame);
                }
                (Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Gt | Op::Ge, [a, b]) if !scalar.is_float() => {
                    self.suppose_comparison(*op, a, b, holds, frame);
                }
                _ => {}
            },
            ExprKind::Int(_)
            | ExprKind::Real(_)
            | ExprKind::Select { .. }
            | ExprKind::Enabled { .. }
            | ExprKind::Call(_)
            | ExprKind::Error => {}
        }
    }

    /// `a AND b ...` or `a OR b ...`, each perhaps inverted.
    fn suppose_parts(&mut self, and: bool, parts: &[(&Expr, bool)], holds: bool, frame: &Frame) {
        if and == holds {
            parts.iter().for_each(|(expr, plain)| self.suppose(expr, *plain == holds, frame));
            return;
        }
        // One of them decides; where only one can, it does.
        let can = |value: Value, wanted: bool| if wanted { value.may_be_true() } else { value.may_be_false() };
        let mut able = Vec::new();
        for (expr, plain) in parts {
            if self.quiet(expr, frame).is_none_or(|value| can(value, *plain == holds)) {
                able.push((*expr, *plain));
            }
        }
        if let [(expr, plain)] = able.as_slice() {
            self.suppose(expr, *plain == holds, frame);
        }
    }

    /// The value of an expression without calls, looked at again.
    fn quiet(&mut self, expr: &Expr, frame: &Frame) -> Option<Value> {
        if expr.has_call() {
            return None;
        }
        self.muted += 1;
        let value = self.eval(expr, frame);
        self.muted -= 1;
        Some(value)
    }

    fn suppose_comparison(&mut self, op: Op, a: &Expr, b: &Expr, holds: bool, frame: &Frame) {
        let (Some(Value::Range(a_low, a_high)), Some(Value::Range(b_low, b_high))) =
            (self.quiet(a, frame).map(Value::hull), self.quiet(b, frame).map(Value::hull))
        else {
            return;
        };
        let op = if holds { op } else { opposite(op) };
        let (low, high) = (i128::MIN, i128::MAX);
        let (of_a, of_b) = match op {
            Op::Eq => (Value::Range(b_low, b_high), Value::Range(a_low, a_high)),
            Op::Lt => (Value::Range(low, b_high - 1), Value::Range(a_low + 1, high)),
            Op::Le => (Value::Range(low, b_high), Value::Range(a_low, high)),
            Op::Gt => (Value::Range(b_low + 1, high), Value::Range(low, a_high - 1)),
            Op::Ge => (Value::Range(b_low, high), Value::Range(low, a_high)),
            // Only a bound can be cut off, or 0.
            _ => (without(a_low, a_high, b_low, b_high), without(b_low, b_high, a_low, a_high)),
        };
        self.suppose_value(a, of_a, frame);
        self.suppose_value(b, of_b, frame);
    }

    /// An expression that reads one whole variable, perhaps converted to a wider type, is one of these.
    fn suppose_value(&mut self, expr: &Expr, value: Value, frame: &Frame) {
        match &expr.kind {
            ExprKind::Read(place) => {
                let (key, weak) = self.key(place, frame);
                if !weak {
                    self.assume(key, value);
                }
            }
            ExprKind::Apply { op: Op::Cvt, scalar, source: Some(source), args } => {
                let keeps = Value::of_scalar(*scalar).holds(Value::of_scalar(*source)) && !scalar.is_float();
                if let (true, [arg]) = (keeps, args.as_slice()) {
                    self.suppose_value(arg, value, frame);
                }
            }
            ExprKind::Const(bits) => {
                let own = constant(*bits, expr.ty.scalar());
                self.live &= own.meet(value).is_some();
            }
            _ => {}
        }
    }
}

/// `low..high` without the one value the other side has.
fn without(low: i128, high: i128, other_low: i128, other_high: i128) -> Value {
    if (other_low, other_high) == (0, 0) {
        return Value::Range(low, high).without_zero();
    }
    let cut = |bound: i128| other_low == other_high && bound == other_low;
    let (from, to) = (if cut(low) { low + 1 } else { low }, if cut(high) { high - 1 } else { high });
    Value::Range(from, to)
}

fn opposite(op: Op) -> Op {
    match op {
        Op::Eq => Op::Ne,
        Op::Ne => Op::Eq,
        Op::Lt => Op::Ge,
        Op::Le => Op::Gt,
        Op::Gt => Op::Le,
        Op::Ge => Op::Lt,
        other => other,
    }
}

/// A constant by its bits.
pub(super) fn constant(bits: u64, scalar: Option<ScalarType>) -> Value {
    match scalar {
        Some(ScalarType::Bool) => Value::of_bool(bits != 0),
        Some(scalar) if !scalar.is_float() => {
            let number = bits_int(bits, scalar);
            Value::Range(number, number)
        }
        Some(_) | None => Value::Any,
    }
}

/// An operation on intervals. A chain of one associative operator is one operation with many operands.
fn apply(op: Op, scalar: ScalarType, source: Option<ScalarType>, values: &[Value]) -> Value {
    if let ([first, rest @ ..], Op::And | Op::Or | Op::Xor | Op::Add | Op::Mul) = (values, op)
        && rest.len() > 1
    {
        return rest.iter().fold(*first, |left, right| apply(op, scalar, source, &[left, *right]));
    }
    if let Some(value) = exactly(op, scalar, source, values) {
        return value;
    }
    let at = |index: usize| values.get(index).copied().unwrap_or(Value::Any);
    let (a, b) = (at(0).hull(), at(1));
    if let (Op::Div, Value::Range(low, high), Value::Hole(..)) = (op, a, b) {
        // No quotient is larger than what was divided.
        let most = high.max(-low);
        return Value::Range(-most, most).within(scalar);
    }
    let b = b.hull();
    match op {
        Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Gt | Op::Ge => compare(op, a, b),
        Op::Sel if a.only() == Some(0) => b,
        Op::Sel if a.only() == Some(1) => at(2),
        Op::Sel => b.join(at(2)),
        Op::Mov => a,
        _ if scalar == ScalarType::Bool => logic(op, a, b),
        Op::Cvt | Op::Bits if source.is_some_and(|s| !s.is_float()) => at(0).within(scalar),
        _ => arithmetic(op, scalar, a, b),
    }
}

/// The result where every operand is one number.
fn exactly(op: Op, scalar: ScalarType, source: Option<ScalarType>, values: &[Value]) -> Option<Value> {
    let of = source.unwrap_or(scalar);
    if scalar.is_float() || of.is_float() {
        return None;
    }
    let mut bits = [0u64; 3];
    for (index, value) in values.iter().enumerate() {
        // SEL chooses by a BOOL, shifts count in UDINT.
        let ty = match (op, index) {
            (Op::Sel, 0) => ScalarType::Bool,
            (Op::Shl | Op::Shr | Op::Rol | Op::Ror, 1) => ScalarType::U32,
            _ => of,
        };
        *bits.get_mut(index)? = int_bits(value.only()?, ty);
    }
    let [a, b, c] = bits;
    let result = evaluate(op, scalar, source, a, b, c)?;
    let compares = matches!(op, Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Gt | Op::Ge);
    Some(constant(result, Some(if compares { ScalarType::Bool } else { scalar })))
}

fn compare(op: Op, a: Value, b: Value) -> Value {
    let (Value::Range(a, b), Value::Range(c, d)) = (a, b) else { return Value::BOOL };
    match op {
        Op::Eq => Value::of_truth(a <= d && c <= b, !(a == b && c == d && a == c)),
        Op::Ne => compare(Op::Eq, Value::Range(a, b), Value::Range(c, d)).inverted(),
        Op::Lt => Value::of_truth(a < d, b >= c),
        Op::Le => Value::of_truth(a <= d, b > c),
        Op::Gt => Value::of_truth(b > c, a <= d),
        _ => Value::of_truth(b >= c, a < d),
    }
}

fn logic(op: Op, a: Value, b: Value) -> Value {
    match op {
        Op::Not => a.inverted(),
        Op::And => a.and(b),
        Op::Or => a.or(b),
        Op::AndNot => a.and(b.inverted()),
        Op::OrNot => a.or(b.inverted()),
        Op::Xor => match (a.only(), b.only()) {
            (Some(0), _) => b,
            (Some(_), _) => b.inverted(),
            (None, Some(0)) => a,
            (None, Some(_)) => a.inverted(),
            (None, None) => Value::BOOL,
        },
        _ => Value::BOOL,
    }
}

fn arithmetic(op: Op, scalar: ScalarType, a: Value, b: Value) -> Value {
    let full = Value::of_scalar(scalar);
    let Value::Range(a_low, a_high) = a else { return full };
    let (b_low, b_high) = match b {
        Value::Range(low, high) | Value::Hole(low, high) => (low, high),
        // One operand only.
        Value::Any if matches!(op, Op::Neg | Op::Abs) => (0, 0),
        Value::Any => return full,
    };
    let corners = |f: &dyn Fn(i128, i128) -> i128| {
        let all = [f(a_low, b_low), f(a_low, b_high), f(a_high, b_low), f(a_high, b_high)];
        let low = all.iter().copied().fold(i128::MAX, i128::min);
        Value::Range(low, all.iter().copied().fold(i128::MIN, i128::max))
    };
    // Numbers are those of 64-bit types, so sums and products fit.
    let result = match op {
        Op::Add => Value::Range(a_low + b_low, a_high + b_high),
        Op::Sub => Value::Range(a_low - b_high, a_high - b_low),
        Op::Mul => corners(&|x, y| x.saturating_mul(y)),
        Op::Div if b_low > 0 || b_high < 0 => corners(&|x, y| x / y),
        Op::Mod if b_low > 0 => {
            let most = b_high - 1;
            Value::Range(if a_low < 0 { (-most).max(a_low) } else { 0 }, if a_high > 0 { most.min(a_high) } else { 0 })
        }
        Op::Neg => Value::Range(-a_high, -a_low),
        Op::Abs if a_low >= 0 => a,
        Op::Abs => Value::Range(0, a_high.max(-a_low)),
        Op::Min => Value::Range(a_low.min(b_low), a_high.min(b_high)),
        Op::Max => Value::Range(a_low.max(b_low), a_high.max(b_high)),
        Op::And if a_low >= 0 && b_low >= 0 => Value::Range(0, a_high.min(b_high)),
        _ => full,
    };
    result.within(scalar)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Operations of two operands, and whether the result is a BOOL.
    const OPS: [(Op, bool); 13] = [
        (Op::Add, false),
        (Op::Sub, false),
        (Op::Mul, false),
        (Op::Div, false),
        (Op::Mod, false),
        (Op::Min, false),
        (Op::Max, false),
        (Op::Eq, true),
        (Op::Ne, true),
        (Op::Lt, true),
        (Op::Le, true),
        (Op::Gt, true),
        (Op::Ge, true),
    ];

    proptest! {
        /// A chain says what its operations say one after the other.
        #[test]
        fn a_chain_is_its_operations(values in prop::collection::vec(0..3u8, 3..6), and in any::<bool>()) {
            let values: Vec<Value> =
                values.iter().map(|v| [Value::BOOL, Value::of_bool(false), Value::of_bool(true)][usize::from(*v)]).collect();
            let (op, unit) = if and { (Op::And, true) } else { (Op::Or, false) };
            let one_by_one = values.iter().fold(Value::of_bool(unit), |x, y| if and { x.and(*y) } else { x.or(*y) });
            prop_assert_eq!(apply(op, ScalarType::Bool, None, &values), one_by_one);
        }

        /// Whatever numbers the operands are, the result is within what the intervals say.
        #[test]
        fn no_result_lies_outside(
            op in 0..OPS.len(), ty in prop::sample::select(vec![ScalarType::I8, ScalarType::U8, ScalarType::I16]),
            a in any::<(i8, i8)>(), b in any::<(i8, i8)>(), x in any::<u8>(), y in any::<u8>(),
        ) {
            let (op, compares) = OPS[op];
            let range = |(p, q): (i8, i8)| {
                let full = Value::of_scalar(ty);
                Value::Range(i128::from(p.min(q)), i128::from(p.max(q))).meet(full)
            };
            let (Some(va), Some(vb)) = (range(a), range(b)) else { return Ok(()) };
            let pick = |v: Value, n: u8| match v {
                Value::Range(low, high) | Value::Hole(low, high) => low + i128::from(n) % (high - low + 1),
                Value::Any => 0,
            };
            let (p, q) = (pick(va, x), pick(vb, y));
            let Some(bits) = evaluate(op, ty, None, int_bits(p, ty), int_bits(q, ty), 0) else { return Ok(()) };
            let result = if compares { i128::from(bits) } else { bits_int(bits, ty) };
            let said = apply(op, ty, None, &[va, vb]);
            prop_assert!(said.may_be(result), "{p} {op:?} {q} = {result}, said {said:?}");
        }
    }
}
