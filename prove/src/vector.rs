//! Numbers as rows of literals, least significant bit first: the arithmetic of [`bytecode::scalar`] in a graph.
//!
//! Everything here is exact for whole numbers of any width. Operations on reals are exact where every operand is constant;
//! otherwise [`apply`] says so and the caller puts a free value in their place.

use crate::graph::{Graph, Lit};
use bytecode::{Op, ScalarType};

/// A number.
pub type Vector = Vec<Lit>;

/// A constant.
#[must_use]
pub fn constant(bits: u64, width: u32) -> Vector {
    (0..width).map(|i| Lit::constant(i < 64 && bits >> i & 1 == 1)).collect()
}

/// The bits of a vector whose literals are all constant and at most 64.
#[must_use]
pub fn value(vector: &[Lit]) -> Option<u64> {
    let mut bits = 0;
    for (i, lit) in vector.iter().enumerate() {
        let one = lit.value()?;
        if i >= 64 && one {
            return None;
        }
        bits |= u64::from(one) << (i & 63);
    }
    Some(bits)
}

fn bit(vector: &[Lit], i: usize) -> Lit {
    vector.get(i).copied().unwrap_or(Lit::FALSE)
}

fn sign(vector: &[Lit]) -> Lit {
    vector.last().copied().unwrap_or(Lit::FALSE)
}

/// The same value in another width; what is added is zeros, or the sign where `signed`.
#[must_use]
pub fn resize(vector: &[Lit], width: usize, signed: bool) -> Vector {
    let fill = if signed { sign(vector) } else { Lit::FALSE };
    (0..width).map(|i| vector.get(i).copied().unwrap_or(fill)).collect()
}

/// `yes` where `condition`, else `no`.
pub fn mux(graph: &mut Graph, condition: Lit, yes: &[Lit], no: &[Lit]) -> Vector {
    yes.iter().zip(no).map(|(y, n)| graph.mux(condition, *y, *n)).collect()
}

fn map(a: &[Lit], b: &[Lit], mut f: impl FnMut(Lit, Lit) -> Lit) -> Vector {
    a.iter().zip(b).map(|(x, y)| f(*x, *y)).collect()
}

/// `a + b + carry` in the width of `a`, and the carry out.
pub fn add_carry(graph: &mut Graph, a: &[Lit], b: &[Lit], carry: Lit) -> (Vector, Lit) {
    let mut carry = carry;
    let mut sum = Vec::with_capacity(a.len());
    for (i, x) in a.iter().enumerate() {
        let y = bit(b, i);
        let half = graph.xor(*x, y);
        sum.push(graph.xor(half, carry));
        let both = graph.and(*x, y);
        let passed = graph.and(half, carry);
        carry = graph.or(both, passed);
    }
    (sum, carry)
}

/// `a + b`, wrapping.
pub fn add(graph: &mut Graph, a: &[Lit], b: &[Lit]) -> Vector {
    add_carry(graph, a, b, Lit::FALSE).0
}

/// `a - b`, wrapping.
pub fn sub(graph: &mut Graph, a: &[Lit], b: &[Lit]) -> Vector {
    let inverted: Vector = b.iter().map(|lit| !*lit).collect();
    add_carry(graph, a, &inverted, Lit::TRUE).0
}

/// `-a`, wrapping.
pub fn neg(graph: &mut Graph, a: &[Lit]) -> Vector {
    let zero = vec![Lit::FALSE; a.len()];
    sub(graph, &zero, a)
}

/// `a * b` in the width of `a`, wrapping.
pub fn mul(graph: &mut Graph, a: &[Lit], b: &[Lit]) -> Vector {
    // The operand with more constant bits chooses the rows.
    let constants = |v: &[Lit]| v.iter().filter(|lit| lit.value().is_some()).count();
    let (rows, other) = if constants(a) > constants(b) { (a, b) } else { (b, a) };
    let mut sum = vec![Lit::FALSE; a.len()];
    for (shift, row) in rows.iter().enumerate() {
        if *row == Lit::FALSE {
            continue;
        }
        let mut term = vec![Lit::FALSE; shift];
        for lit in other.iter().take(a.len().saturating_sub(shift)) {
            term.push(graph.and(*lit, *row));
        }
        sum = add(graph, &sum, &term);
    }
    sum
}

/// `a < b` without sign.
pub fn below(graph: &mut Graph, a: &[Lit], b: &[Lit]) -> Lit {
    let mut less = Lit::FALSE;
    for (x, y) in a.iter().zip(b) {
        let differ = graph.xor(*x, *y);
        less = graph.mux(differ, *y, less);
    }
    less
}

/// `a < b`.
pub fn less(graph: &mut Graph, a: &[Lit], b: &[Lit], signed: bool) -> Lit {
    if !signed {
        return below(graph, a, b);
    }
    // With the signs inverted the order is that without sign.
    let flip = |v: &[Lit]| {
        let mut v = v.to_vec();
        if let Some(last) = v.last_mut() {
            *last = !*last;
        }
        v
    };
    below(graph, &flip(a), &flip(b))
}

/// `a = b`.
pub fn equal(graph: &mut Graph, a: &[Lit], b: &[Lit]) -> Lit {
    let mut equal = Lit::TRUE;
    for (x, y) in a.iter().zip(b) {
        let same = graph.same(*x, *y);
        equal = graph.and(equal, same);
    }
    equal
}

/// `a / b` and `a MOD b` without sign; anything where `b` is 0.
fn divide_unsigned(graph: &mut Graph, a: &[Lit], b: &[Lit]) -> (Vector, Vector) {
    let width = a.len();
    let mut rest: Vector = vec![Lit::FALSE; width + 1];
    let mut divisor = b.to_vec();
    divisor.push(Lit::FALSE);
    let mut quotient = vec![Lit::FALSE; width];
    for i in (0..width).rev() {
        rest.insert(0, bit(a, i));
        rest.truncate(width + 1);
        let fits = !below(graph, &rest, &divisor);
        let less = sub(graph, &rest, &divisor);
        rest = mux(graph, fits, &less, &rest);
        if let Some(slot) = quotient.get_mut(i) {
            *slot = fits;
        }
    }
    rest.truncate(width);
    (quotient, rest)
}

/// Quotient towards zero and rest with the sign of the dividend; anything where `b` is 0.
pub fn divide(graph: &mut Graph, a: &[Lit], b: &[Lit], signed: bool) -> (Vector, Vector) {
    if !signed {
        return divide_unsigned(graph, a, b);
    }
    let (x, y) = (abs(graph, a), abs(graph, b));
    let (quotient, rest) = divide_unsigned(graph, &x, &y);
    let differ = graph.xor(sign(a), sign(b));
    let (minus_quotient, minus_rest) = (neg(graph, &quotient), neg(graph, &rest));
    (mux(graph, differ, &minus_quotient, &quotient), mux(graph, sign(a), &minus_rest, &rest))
}

fn abs(graph: &mut Graph, a: &[Lit]) -> Vector {
    let minus = neg(graph, a);
    mux(graph, sign(a), &minus, a)
}

/// A shift or rotation by a variable amount.
fn shift(graph: &mut Graph, op: Op, a: &[Lit], amount: &[Lit]) -> Vector {
    let width = a.len();
    let rotates = matches!(op, Op::Rol | Op::Ror);
    let left = matches!(op, Op::Shl | Op::Rol);
    let mut result = a.to_vec();
    for (stage, chosen) in amount.iter().enumerate() {
        let by = 1usize.checked_shl(u32::try_from(stage).unwrap_or(u32::MAX)).unwrap_or(usize::MAX);
        if by >= width {
            if !rotates {
                let zero = vec![Lit::FALSE; width];
                result = mux(graph, *chosen, &zero, &result);
            }
            continue;
        }
        let moved: Vector = (0..width)
            .map(|i| {
                let from = if left { i.checked_sub(by) } else { Some(i + by).filter(|from| *from < width) };
                let around = if left { i + width - by } else { (i + by) % width };
                match from {
                    Some(from) => bit(&result, from),
                    None if rotates => bit(&result, around),
                    None => Lit::FALSE,
                }
            })
            .collect();
        result = mux(graph, *chosen, &moved, &result);
    }
    result
}

/// What an operation of the instruction set gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// This value.
    Exact(Vector),
    /// This value where the literal is FALSE; a division by zero where it is TRUE.
    Divides(Vector, Lit),
    /// A real that is not computed.
    Real,
    /// The operation has no place here.
    Unknown,
}

/// The result of `op` on type `ty` (`source` for conversions).
pub fn apply(graph: &mut Graph, op: Op, ty: ScalarType, source: Option<ScalarType>, args: &[Vector]) -> Applied {
    let arg = |i: usize| args.get(i).map_or(&[] as &[Lit], Vec::as_slice);
    let real = ty.is_float() || source.is_some_and(ScalarType::is_float);
    if real && !matches!(op, Op::Mov | Op::Sel) {
        return real_operation(op, ty, source, args);
    }
    let (a, b) = (arg(0), arg(1));
    let signed = ty.is_signed();
    let one = |lit: Lit| Applied::Exact(vec![lit]);
    match op {
        Op::Mov => Applied::Exact(a.to_vec()),
        // a: the condition, b where FALSE, c where TRUE.
        Op::Sel => Applied::Exact(mux(graph, bit(a, 0), arg(2), b)),
        Op::Not => Applied::Exact(a.iter().map(|lit| !*lit).collect()),
        Op::And => Applied::Exact(map(a, b, |x, y| graph.and(x, y))),
        Op::Or => Applied::Exact(map(a, b, |x, y| graph.or(x, y))),
        Op::Xor => Applied::Exact(map(a, b, |x, y| graph.xor(x, y))),
        Op::AndNot => Applied::Exact(map(a, b, |x, y| graph.and(x, !y))),
        Op::OrNot => Applied::Exact(map(a, b, |x, y| graph.or(x, !y))),
        Op::Neg => Applied::Exact(neg(graph, a)),
        Op::Abs => Applied::Exact(if signed { abs(graph, a) } else { a.to_vec() }),
        Op::Add => Applied::Exact(add(graph, a, b)),
        Op::Sub => Applied::Exact(sub(graph, a, b)),
        Op::Mul => Applied::Exact(mul(graph, a, b)),
        Op::Min => {
            let smaller = less(graph, b, a, signed);
            Applied::Exact(mux(graph, smaller, b, a))
        }
        Op::Max => {
            let greater = less(graph, a, b, signed);
            Applied::Exact(mux(graph, greater, b, a))
        }
        Op::Div | Op::Mod => {
            let zero = !graph.any(b.iter().copied());
            let (quotient, rest) = divide(graph, a, b, signed);
            let result = if op == Op::Div { quotient } else { rest };
            if zero == Lit::FALSE { Applied::Exact(result) } else { Applied::Divides(result, zero) }
        }
        Op::Shl | Op::Shr | Op::Rol | Op::Ror => Applied::Exact(shift(graph, op, a, b)),
        Op::Eq => one(equal(graph, a, b)),
        Op::Ne => one(!equal(graph, a, b)),
        Op::Lt => one(less(graph, a, b, signed)),
        Op::Le => one(!less(graph, b, a, signed)),
        Op::Gt => one(less(graph, b, a, signed)),
        Op::Ge => one(!less(graph, a, b, signed)),
        Op::Cvt if ty == ScalarType::Bool => one(graph.any(a.iter().copied())),
        Op::Cvt => Applied::Exact(resize(a, ty.bits() as usize, source.is_some_and(ScalarType::is_signed))),
        Op::Bits => Applied::Exact(a.to_vec()),
        Op::Trunc | Op::Sqrt | Op::Ln | Op::Log | Op::Exp | Op::Sin | Op::Cos | Op::Tan | Op::Asin | Op::Acos => {
            Applied::Unknown
        }
        Op::Atan | Op::Pow | Op::Atan2 | Op::LdBit | Op::StBit | Op::LdX | Op::StX | Op::Bound | Op::Copy => {
            Applied::Unknown
        }
        Op::Time | Op::Bind | Op::BindX | Op::Jmp | Op::Jt | Op::Jf | Op::Charge | Op::Call | Op::CallI => {
            Applied::Unknown
        }
        Op::CallX | Op::Ret => Applied::Unknown,
    }
}

/// Constants are computed as the engines do; anything else is left to the caller.
fn real_operation(op: Op, ty: ScalarType, source: Option<ScalarType>, args: &[Vector]) -> Applied {
    let values: Option<Vec<u64>> = args.iter().map(|v| value(v)).collect();
    let Some(values) = values else { return Applied::Real };
    let at = |i: usize| values.get(i).copied().unwrap_or(0);
    match compiler::evaluate::evaluate(op, ty, source, at(0), at(1), at(2)) {
        Some(bits) => Applied::Exact(constant(bits, compiler::ir::result_type(op, ty).bits())),
        None => Applied::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Leaf;
    use compiler::evaluate::evaluate;

    /// Every operation on whole numbers, on literals that are no constants, against the engines' own arithmetic.
    #[test]
    fn operations_agree_with_the_engines() {
        use ScalarType as T;
        let ops = [
            Op::Not,
            Op::And,
            Op::Or,
            Op::Xor,
            Op::AndNot,
            Op::OrNot,
            Op::Neg,
            Op::Abs,
            Op::Add,
            Op::Sub,
            Op::Mul,
            Op::Min,
            Op::Max,
            Op::Div,
            Op::Mod,
            Op::Shl,
            Op::Shr,
            Op::Rol,
            Op::Ror,
            Op::Eq,
            Op::Ne,
            Op::Lt,
            Op::Le,
            Op::Gt,
            Op::Ge,
        ];
        let mut seed = 1u64;
        let mut random = move || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            seed >> 11 ^ seed << 20
        };
        let mut compared = 0;
        for ty in [T::Bool, T::I8, T::U8, T::I16, T::U16, T::I32, T::U32, T::I64] {
            for op in ops {
                let second = compiler::ir::operand_type(op, ty, None, 1);
                if evaluate(op, ty, None, 1, 1, 0).is_none() {
                    continue;
                }
                let mut graph = Graph::default();
                let width = ty.bits();
                let mut input = 0;
                let mut fresh = |graph: &mut Graph, n: u32| -> Vector {
                    (0..n)
                        .map(|_| {
                            input += 1;
                            graph.leaf(Leaf::Input(input - 1))
                        })
                        .collect()
                };
                let a = fresh(&mut graph, width);
                let b = fresh(&mut graph, second.bits());
                let (result, zero) = match apply(&mut graph, op, ty, None, &[a.clone(), b.clone()]) {
                    Applied::Exact(v) => (v, None),
                    Applied::Divides(v, zero) => (v, Some(zero)),
                    none @ (Applied::Real | Applied::Unknown) => panic!("{op:?} {ty}: {none:?}"),
                };
                for _ in 0..40 {
                    let mask = |n: u32| if n == 64 { u64::MAX } else { (1 << n) - 1 };
                    let edge = [0, 1, u64::MAX, 1 << (width - 1), (1 << (width - 1)) - 1];
                    let pick = |r: u64, n: u32| {
                        if r & 1 == 0 { edge[(r >> 1) as usize % 5] & mask(n) } else { (r >> 5) & mask(n) }
                    };
                    let (x, mut y) = (pick(random(), width), pick(random(), second.bits()));
                    if matches!(op, Op::Shl | Op::Shr | Op::Rol | Op::Ror) {
                        y %= 70;
                    }
                    let values = crate::sim::evaluate_inputs(&graph, |i| {
                        let i = i as usize;
                        if i < width as usize { x >> i & 1 == 1 } else { y >> (i - width as usize) & 1 == 1 }
                    });
                    let at = |lit: Lit| values[lit.node()] != lit.is_inverted();
                    let found = result.iter().enumerate().fold(0, |n, (i, lit)| n | u64::from(at(*lit)) << i);
                    match evaluate(op, ty, None, x, y, 0) {
                        Some(expected) => assert_eq!(found, expected, "{op:?} {ty} {x:#x} {y:#x}"),
                        None => assert!(zero.is_some_and(at), "{op:?} {ty} {x} {y} should trap"),
                    }
                    assert_eq!(zero.is_some_and(at), evaluate(op, ty, None, x, y, 0).is_none());
                    compared += 1;
                }
            }
        }
        assert!(compared > 5000, "{compared}");
    }

    #[test]
    fn conversions_agree_with_the_engines() {
        for from in ScalarType::ALL.into_iter().filter(|t| !t.is_float()) {
            for to in ScalarType::ALL.into_iter().filter(|t| !t.is_float()) {
                for bits in [0u64, 1, 0x7f, 0x80, 0xff, 0x8000, 0xffff_fffe, u64::MAX] {
                    let bits = if from.bits() == 64 { bits } else { bits & ((1 << from.bits()) - 1) };
                    let mut graph = Graph::default();
                    let arg = constant(bits, from.bits());
                    let Applied::Exact(v) = apply(&mut graph, Op::Cvt, to, Some(from), &[arg]) else { panic!() };
                    assert_eq!(value(&v), evaluate(Op::Cvt, to, Some(from), bits, 0, 0), "{from} to {to} {bits:#x}");
                }
            }
        }
    }
}
