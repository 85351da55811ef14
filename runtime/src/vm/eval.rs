//! One operation on scalars given as bits: the definition of [`bytecode::scalar`], dispatched by type.
//!
//! The reference engine runs everything through here; the interpreter uses it for the operations too rare to earn
//! instructions of their own.

// Each function takes the operations that exist for its types and hands the rest on.
#![allow(clippy::wildcard_enum_match_arm)]

use super::trap::TrapCode;
use bytecode::scalar::{Bits, Float, Integer, MathFn, Numeric, Scalar, convert, truncate};
use bytecode::{Op, ScalarType};

/// A pure operation: what it is, without where its operands stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pure {
    pub(super) op: Op,
    pub(super) ty: ScalarType,
    /// Source type of conversions; equal to `ty` elsewhere.
    pub(super) from: ScalarType,
}

/// Does this operation compute one scalar from at most three others, and nothing else?
pub(super) const fn is_pure(op: Op) -> bool {
    match op {
        Op::Mov | Op::Not | Op::Neg | Op::Abs | Op::Add | Op::Sub | Op::Mul | Op::Div | Op::Mod => true,
        Op::And | Op::Or | Op::Xor | Op::AndNot | Op::OrNot | Op::Shl | Op::Shr | Op::Rol | Op::Ror => true,
        Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Gt | Op::Ge | Op::Min | Op::Max | Op::Sel => true,
        Op::Cvt | Op::Trunc | Op::Bits | Op::Sqrt | Op::Ln | Op::Log | Op::Exp | Op::Sin | Op::Cos => true,
        Op::Tan | Op::Asin | Op::Acos | Op::Atan | Op::Pow | Op::Atan2 => true,
        Op::LdBit | Op::StBit | Op::LdX | Op::StX | Op::Bound | Op::Copy | Op::Time | Op::Bind | Op::BindX => false,
        Op::Jmp | Op::Jt | Op::Jf | Op::Charge | Op::Call | Op::CallI | Op::CallX | Op::Ret => false,
    }
}

/// Runs a pure operation on the bits of its operands, in the order of the instruction's words.
///
/// # Errors
/// Division by zero; an engine defect for a combination of operation and type the verifier does not let through.
pub(super) fn eval(pure: Pure, a: u64, b: u64, c: u64) -> Result<u64, TrapCode> {
    match pure.ty {
        ScalarType::Bool => on_bool(pure, a, b, c),
        ScalarType::I8 => on_signed::<i8>(pure, a, b, c),
        ScalarType::I16 => on_signed::<i16>(pure, a, b, c),
        ScalarType::I32 => on_signed::<i32>(pure, a, b, c),
        ScalarType::I64 => on_signed::<i64>(pure, a, b, c),
        ScalarType::U8 => on_word::<u8>(pure, a, b, c),
        ScalarType::U16 => on_word::<u16>(pure, a, b, c),
        ScalarType::U32 => on_word::<u32>(pure, a, b, c),
        ScalarType::U64 => on_word::<u64>(pure, a, b, c),
        ScalarType::F32 => on_float::<f32>(pure, a, b, c),
        ScalarType::F64 => on_float::<f64>(pure, a, b, c),
    }
}

/// The value with these bits, NaN payload kept (unlike [`Scalar::from_bits`]): copies do not touch it.
fn value<T: Scalar>(bits: u64) -> T {
    T::load(&bits.to_le_bytes())
}

fn on_bool(pure: Pure, a: u64, b: u64, c: u64) -> Result<u64, TrapCode> {
    let (p, q) = (a != 0, b != 0);
    Ok(u64::from(match pure.op {
        Op::Not => !p,
        Op::And => p & q,
        Op::Or => p | q,
        Op::Xor => p ^ q,
        Op::AndNot => p & !q,
        Op::OrNot => p | !q,
        _ => return on_any::<bool>(pure, a, b, c),
    }))
}

fn on_word<T: Bits>(pure: Pure, a: u64, b: u64, c: u64) -> Result<u64, TrapCode> {
    let (p, q): (T, T) = (value(a), value(b));
    // The amount of a shift is a U32, whatever the type shifted.
    let amount: u32 = value(b);
    Ok(match pure.op {
        Op::Not => p.not(),
        Op::And => p.and(q),
        Op::Or => p.or(q),
        Op::Xor => p.xor(q),
        Op::AndNot => p.and(q.not()),
        Op::OrNot => p.or(q.not()),
        Op::Shl => p.shl(amount),
        Op::Shr => p.shr(amount),
        Op::Rol => p.rol(amount),
        Op::Ror => p.ror(amount),
        _ => return on_int::<T>(pure, a, b, c),
    }
    .to_bits())
}

fn on_signed<T: Integer>(pure: Pure, a: u64, b: u64, c: u64) -> Result<u64, TrapCode> {
    match pure.op {
        Op::Neg => Ok(value::<T>(a).neg().to_bits()),
        _ => on_int::<T>(pure, a, b, c),
    }
}

fn on_int<T: Integer>(pure: Pure, a: u64, b: u64, c: u64) -> Result<u64, TrapCode> {
    let (p, q): (T, T) = (value(a), value(b));
    match pure.op {
        Op::Div => p.div(q).map(Scalar::to_bits).ok_or(TrapCode::DivisionByZero),
        Op::Mod => p.rem(q).map(Scalar::to_bits).ok_or(TrapCode::DivisionByZero),
        Op::Trunc => match pure.from {
            ScalarType::F32 => Ok(truncate::<f32, T>(value(a)).to_bits()),
            ScalarType::F64 => Ok(truncate::<f64, T>(value(a)).to_bits()),
            _ => Err(TrapCode::EngineDefect),
        },
        _ => on_number::<T>(pure, a, b, c),
    }
}

fn on_float<T: Float>(pure: Pure, a: u64, b: u64, c: u64) -> Result<u64, TrapCode> {
    let (p, q): (T, T) = (value(a), value(b));
    Ok(match pure.op {
        Op::Neg => p.neg(),
        Op::Div => p.div(q).ok_or(TrapCode::EngineDefect)?,
        Op::Sqrt => p.math(MathFn::Sqrt),
        Op::Ln => p.math(MathFn::Ln),
        Op::Log => p.math(MathFn::Log),
        Op::Exp => p.math(MathFn::Exp),
        Op::Sin => p.math(MathFn::Sin),
        Op::Cos => p.math(MathFn::Cos),
        Op::Tan => p.math(MathFn::Tan),
        Op::Asin => p.math(MathFn::Asin),
        Op::Acos => p.math(MathFn::Acos),
        Op::Atan => p.math(MathFn::Atan),
        Op::Pow => p.pow(q),
        Op::Atan2 => p.atan2(q),
        _ => return on_number::<T>(pure, a, b, c),
    }
    .to_bits())
}

fn on_number<T: Numeric>(pure: Pure, a: u64, b: u64, c: u64) -> Result<u64, TrapCode> {
    let (p, q): (T, T) = (value(a), value(b));
    Ok(match pure.op {
        Op::Abs => p.abs(),
        Op::Add => p.add(q),
        Op::Sub => p.sub(q),
        Op::Mul => p.mul(q),
        Op::Min => p.min(q),
        Op::Max => p.max(q),
        _ => return on_any::<T>(pure, a, b, c),
    }
    .to_bits())
}

fn on_any<T: Scalar>(pure: Pure, a: u64, b: u64, c: u64) -> Result<u64, TrapCode> {
    let (p, q): (T, T) = (value(a), value(b));
    Ok(match pure.op {
        Op::Mov => p.to_bits(),
        Op::Sel => (if a == 0 { q } else { value(c) }).to_bits(),
        Op::Eq => u64::from(p == q),
        Op::Ne => u64::from(p != q),
        Op::Lt => u64::from(p < q),
        Op::Le => u64::from(p <= q),
        Op::Gt => u64::from(p > q),
        Op::Ge => u64::from(p >= q),
        Op::Cvt => converted::<T>(pure.from, a).to_bits(),
        Op::Bits => T::from_bits(a).to_bits(),
        _ => return Err(TrapCode::EngineDefect),
    })
}

fn converted<T: Scalar>(from: ScalarType, a: u64) -> T {
    match from {
        ScalarType::Bool => convert::<bool, T>(value(a)),
        ScalarType::I8 => convert::<i8, T>(value(a)),
        ScalarType::U8 => convert::<u8, T>(value(a)),
        ScalarType::I16 => convert::<i16, T>(value(a)),
        ScalarType::U16 => convert::<u16, T>(value(a)),
        ScalarType::I32 => convert::<i32, T>(value(a)),
        ScalarType::U32 => convert::<u32, T>(value(a)),
        ScalarType::I64 => convert::<i64, T>(value(a)),
        ScalarType::U64 => convert::<u64, T>(value(a)),
        ScalarType::F32 => convert::<f32, T>(value(a)),
        ScalarType::F64 => convert::<f64, T>(value(a)),
    }
}
