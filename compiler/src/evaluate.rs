//! What an operation gives for constant operands: the arithmetic of [`bytecode::scalar`], chosen at run time.
//!
//! Used by constant expressions in declarations and by constant folding, so both agree with the engines to the bit.

use bytecode::scalar::{Bits, Float, Integer, MathFn, Numeric, Scalar, convert, truncate};
use bytecode::{Op, ScalarType};

/// Runs `$body` with the type parameter `$t` bound to the Rust type of a scalar type of the given class.
macro_rules! with_type {
    (any $ty:expr, $t:ident => $body:expr) => {
        match $ty {
            ScalarType::Bool => { type $t = bool; $body }
            ScalarType::F32 => { type $t = f32; $body }
            ScalarType::F64 => { type $t = f64; $body }
            other => with_type!(int other, $t => $body),
        }
    };
    (number $ty:expr, $t:ident => $body:expr) => {
        match $ty {
            ScalarType::F32 => { type $t = f32; $body }
            ScalarType::F64 => { type $t = f64; $body }
            other => with_type!(int other, $t => $body),
        }
    };
    (int $ty:expr, $t:ident => $body:expr) => {
        match $ty {
            ScalarType::I8 => { type $t = i8; $body }
            ScalarType::I16 => { type $t = i16; $body }
            ScalarType::I32 => { type $t = i32; $body }
            ScalarType::I64 => { type $t = i64; $body }
            other => with_type!(word other, $t => $body),
        }
    };
    (word $ty:expr, $t:ident => $body:expr) => {
        match $ty {
            ScalarType::U8 => { type $t = u8; $body }
            ScalarType::U16 => { type $t = u16; $body }
            ScalarType::U32 => { type $t = u32; $body }
            ScalarType::U64 => { type $t = u64; $body }
            ScalarType::Bool | ScalarType::I8 | ScalarType::I16 | ScalarType::I32 | ScalarType::I64 | ScalarType::F32
            | ScalarType::F64 => None,
        }
    };
    (float $ty:expr, $t:ident => $body:expr) => {
        match $ty {
            ScalarType::F32 => { type $t = f32; $body }
            ScalarType::F64 => { type $t = f64; $body }
            ScalarType::Bool | ScalarType::I8 | ScalarType::U8 | ScalarType::I16 | ScalarType::U16 | ScalarType::I32
            | ScalarType::U32 | ScalarType::I64 | ScalarType::U64 => None,
        }
    };
}

/// The result of `op` on type `ty` (source type `source` for conversions) for operands given as bits (see
/// [`Scalar::to_bits`]); `None` where it would trap, has an effect, or does not exist for the type.
#[must_use]
pub fn evaluate(op: Op, ty: ScalarType, source: Option<ScalarType>, a: u64, b: u64, c: u64) -> Option<u64> {
    match op {
        Op::Mov => Some(a),
        Op::Sel => Some(if a == 0 { b } else { c }),
        Op::Not | Op::And | Op::Or | Op::Xor | Op::AndNot | Op::OrNot => bitwise(op, ty, a, b),
        Op::Neg | Op::Abs | Op::Add | Op::Sub | Op::Mul | Op::Div | Op::Min | Op::Max => arithmetic(op, ty, a, b),
        Op::Mod => with_type!(int ty, T => Integer::rem(from_bits::<T>(a), from_bits::<T>(b)).map(Scalar::to_bits)),
        Op::Shl | Op::Shr | Op::Rol | Op::Ror => shift(op, ty, a, u32::try_from(b).unwrap_or(u32::MAX)),
        Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Gt | Op::Ge => compare(op, ty, a, b).map(u64::from),
        Op::Cvt => cvt(ty, source?, a),
        Op::Trunc => trunc(ty, source?, a),
        Op::Bits => with_type!(any ty, T => Some(Scalar::to_bits(from_bits::<T>(a)))),
        Op::Sqrt | Op::Ln | Op::Log | Op::Exp | Op::Sin | Op::Cos | Op::Tan | Op::Asin | Op::Acos | Op::Atan => {
            let f = math_fn(op)?;
            with_type!(float ty, T => Some(Scalar::to_bits(Float::math(from_bits::<T>(a), f))))
        }
        Op::Pow => with_type!(float ty, T => Some(Scalar::to_bits(Float::pow(from_bits::<T>(a), from_bits::<T>(b))))),
        Op::Atan2 => {
            with_type!(float ty, T => Some(Scalar::to_bits(Float::atan2(from_bits::<T>(a), from_bits::<T>(b)))))
        }
        Op::LdBit
        | Op::StBit
        | Op::LdX
        | Op::StX
        | Op::Bound
        | Op::Copy
        | Op::Time
        | Op::Bind
        | Op::BindX
        | Op::Jmp
        | Op::Jt
        | Op::Jf
        | Op::Charge
        | Op::Call
        | Op::CallI
        | Op::CallX
        | Op::Ret => None,
    }
}

/// Floats have a `from_bits` of their own that takes precedence over the trait's.
fn from_bits<T: Scalar>(bits: u64) -> T {
    T::from_bits(bits)
}

fn math_fn(op: Op) -> Option<MathFn> {
    #[allow(clippy::wildcard_enum_match_arm)] // the ten functions of one argument among all operations
    match op {
        Op::Sqrt => Some(MathFn::Sqrt),
        Op::Ln => Some(MathFn::Ln),
        Op::Log => Some(MathFn::Log),
        Op::Exp => Some(MathFn::Exp),
        Op::Sin => Some(MathFn::Sin),
        Op::Cos => Some(MathFn::Cos),
        Op::Tan => Some(MathFn::Tan),
        Op::Asin => Some(MathFn::Asin),
        Op::Acos => Some(MathFn::Acos),
        Op::Atan => Some(MathFn::Atan),
        _ => None,
    }
}

fn bitwise(op: Op, ty: ScalarType, a: u64, b: u64) -> Option<u64> {
    let bits = ty.bits();
    if ty.is_float() || ty.is_signed() {
        return None;
    }
    let mask = if bits == 64 { u64::MAX } else { (1 << bits) - 1 };
    #[allow(clippy::wildcard_enum_match_arm)] // only called with the bitwise operations
    let result = match op {
        Op::Not => !a,
        Op::And => a & b,
        Op::Or => a | b,
        Op::Xor => a ^ b,
        Op::AndNot => a & !b,
        Op::OrNot => a | !b,
        _ => return None,
    };
    Some(result & mask)
}

fn arithmetic(op: Op, ty: ScalarType, a: u64, b: u64) -> Option<u64> {
    with_type!(number ty, T => {
        let (a, b) = (from_bits::<T>(a), from_bits::<T>(b));
        #[allow(clippy::wildcard_enum_match_arm)] // only called with the arithmetic operations
        let result = match op {
            Op::Neg => Numeric::neg(a),
            Op::Abs => Numeric::abs(a),
            Op::Add => Numeric::add(a, b),
            Op::Sub => Numeric::sub(a, b),
            Op::Mul => Numeric::mul(a, b),
            Op::Div => Numeric::div(a, b)?,
            Op::Min => Numeric::min(a, b),
            Op::Max => Numeric::max(a, b),
            _ => return None,
        };
        Some(Scalar::to_bits(result))
    })
}

fn shift(op: Op, ty: ScalarType, a: u64, n: u32) -> Option<u64> {
    with_type!(word ty, T => {
        let a = from_bits::<T>(a);
        #[allow(clippy::wildcard_enum_match_arm)] // only called with shifts and rotations
        let result = match op {
            Op::Shl => Bits::shl(a, n),
            Op::Shr => Bits::shr(a, n),
            Op::Rol => Bits::rol(a, n),
            Op::Ror => Bits::ror(a, n),
            _ => return None,
        };
        Some(Scalar::to_bits(result))
    })
}

#[allow(clippy::bool_comparison)] // BOOL has an order too: FALSE < TRUE
fn compare(op: Op, ty: ScalarType, a: u64, b: u64) -> Option<bool> {
    with_type!(any ty, T => {
        let (a, b) = (from_bits::<T>(a), from_bits::<T>(b));
        #[allow(clippy::wildcard_enum_match_arm)] // only called with comparisons
        Some(match op {
            Op::Eq => a == b,
            Op::Ne => a != b,
            Op::Lt => a < b,
            Op::Le => a <= b,
            Op::Gt => a > b,
            Op::Ge => a >= b,
            _ => return None,
        })
    })
}

fn cvt(ty: ScalarType, source: ScalarType, a: u64) -> Option<u64> {
    with_type!(any source, S => {
        let a = from_bits::<S>(a);
        with_type!(any ty, T => Some(Scalar::to_bits(convert::<S, T>(a))))
    })
}

fn trunc(ty: ScalarType, source: ScalarType, a: u64) -> Option<u64> {
    with_type!(float source, S => {
        let a = from_bits::<S>(a);
        with_type!(int ty, T => Some(Scalar::to_bits(truncate::<S, T>(a))))
    })
}

/// The bits of an integer value wrapped to an integer or bit string type, or of its nearest float.
#[must_use]
pub fn int_bits(value: i128, ty: ScalarType) -> u64 {
    let bits = with_type!(any ty, T => Some(Scalar::to_bits(T::wrap_from_i128(value))));
    bits.unwrap_or(0)
}

/// The bits of a real value in a float type.
#[must_use]
pub fn real_bits(value: f64, ty: ScalarType) -> u64 {
    let bits = with_type!(float ty, T => Some(Scalar::to_bits(T::round_from_f64(value))));
    bits.unwrap_or(0)
}

/// The integer value of bits in an integer, bit string or bool type.
#[must_use]
pub fn bits_int(bits: u64, ty: ScalarType) -> i128 {
    let value = with_type!(any ty, T => Some(from_bits::<T>(bits).to_i128()));
    value.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_fold_like_the_engines_compute() {
        let i16b = |v: i128| int_bits(v, ScalarType::I16);
        assert_eq!(evaluate(Op::Add, ScalarType::I16, None, i16b(32767), i16b(1), 0), Some(i16b(-32768)));
        assert_eq!(evaluate(Op::Div, ScalarType::I16, None, i16b(7), 0, 0), None);
        assert_eq!(evaluate(Op::Lt, ScalarType::I16, None, i16b(-1), i16b(1), 0), Some(1));
        assert_eq!(evaluate(Op::Lt, ScalarType::U16, None, i16b(-1), i16b(1), 0), Some(0));
        assert_eq!(evaluate(Op::AndNot, ScalarType::Bool, None, 1, 1, 0), Some(0));
        assert_eq!(evaluate(Op::Not, ScalarType::U8, None, 0x0f, 0, 0), Some(0xf0));
        assert_eq!(evaluate(Op::Shl, ScalarType::U8, None, 1, 8, 0), Some(0));
        let half = real_bits(2.5, ScalarType::F32);
        assert_eq!(evaluate(Op::Cvt, ScalarType::I32, Some(ScalarType::F32), half, 0, 0), Some(2));
        assert_eq!(evaluate(Op::Trunc, ScalarType::I32, Some(ScalarType::F32), half, 0, 0), Some(2));
        assert_eq!(evaluate(Op::Sel, ScalarType::I32, None, 1, 10, 20), Some(20));
        assert_eq!(evaluate(Op::Time, ScalarType::I64, None, 0, 0, 0), None);
    }
}
