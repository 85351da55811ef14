//! Which private instruction does the work of a pure canonical one.

use super::op::Opc;
use super::translate::by_size;
use bytecode::{Op, ScalarType};

/// The private instruction for a pure operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// Operands in the order of the canonical instruction.
    Direct(Opc),
    /// First two operands swapped.
    Swapped(Opc),
    /// No instruction of its own.
    Rare,
}

use Choice::{Direct, Rare, Swapped};

/// Chooses for an operation on `ty`; `from` is the source type of conversions.
pub(super) fn choose(op: Op, ty: ScalarType, from: ScalarType) -> Choice {
    if ty == ScalarType::Bool {
        return on_bool(op, from);
    }
    match op {
        Op::Mov => Direct(copy(ty)),
        Op::Not => Direct(by_size(ty, [Opc::Not1, Opc::Not2, Opc::Not4, Opc::Not8])),
        Op::And => Direct(by_size(ty, [Opc::And1, Opc::And2, Opc::And4, Opc::And8])),
        Op::Or => Direct(by_size(ty, [Opc::Or1, Opc::Or2, Opc::Or4, Opc::Or8])),
        Op::Xor => Direct(by_size(ty, [Opc::Xor1, Opc::Xor2, Opc::Xor4, Opc::Xor8])),
        Op::AndNot => Direct(by_size(ty, [Opc::AndNot1, Opc::AndNot2, Opc::AndNot4, Opc::AndNot8])),
        Op::Sel => Direct(by_size(ty, [Opc::Sel1, Opc::Sel2, Opc::Sel4, Opc::Sel8])),
        Op::Shl if ty.size() > 1 => Direct(by_size(ty, [Opc::Shl2, Opc::Shl2, Opc::Shl4, Opc::Shl8])),
        Op::Shr if ty.size() > 1 => Direct(by_size(ty, [Opc::Shr2, Opc::Shr2, Opc::Shr4, Opc::Shr8])),
        Op::Add | Op::Sub | Op::Mul if ty.is_int() => wrapping(op, ty),
        Op::Add | Op::Sub | Op::Mul | Op::Div if ty.is_float() => on_float(op, ty),
        Op::Div | Op::Mod => division(op, ty),
        Op::Min | Op::Max => extreme(op, ty),
        Op::Eq | Op::Ne => equality(op, ty),
        Op::Lt => order(ty).map_or(Rare, |(lt, _)| Direct(lt)),
        Op::Le => order(ty).map_or(Rare, |(_, le)| Direct(le)),
        Op::Gt => order(ty).map_or(Rare, |(lt, _)| Swapped(lt)),
        Op::Ge => order(ty).map_or(Rare, |(_, le)| Swapped(le)),
        Op::Cvt => conversion(from, ty),
        // Into a float a NaN becomes the canonical one; anything else is a copy.
        Op::Bits if !ty.is_float() => Direct(copy(ty)),
        _ => Rare,
    }
}

fn copy(ty: ScalarType) -> Opc {
    by_size(ty, [Opc::Mov1, Opc::Mov2, Opc::Mov4, Opc::Mov8])
}

fn on_bool(op: Op, from: ScalarType) -> Choice {
    match op {
        Op::Mov => Direct(Opc::MovB),
        Op::Cvt if from == ScalarType::Bool => Direct(Opc::MovB),
        Op::Not => Direct(Opc::NotB),
        Op::And => Direct(Opc::AndB),
        Op::Or => Direct(Opc::OrB),
        Op::Xor | Op::Ne => Direct(Opc::XorB),
        Op::Eq => Direct(Opc::XnorB),
        Op::AndNot | Op::Gt => Direct(Opc::AndNotB),
        Op::OrNot | Op::Ge => Direct(Opc::OrNotB),
        // FALSE is less than TRUE.
        Op::Lt => Swapped(Opc::AndNotB),
        Op::Le => Swapped(Opc::OrNotB),
        Op::Sel => Direct(Opc::SelB),
        _ => Rare,
    }
}

fn wrapping(op: Op, ty: ScalarType) -> Choice {
    let [two, four, eight] = match op {
        Op::Add => [Opc::Add2, Opc::Add4, Opc::Add8],
        Op::Sub => [Opc::Sub2, Opc::Sub4, Opc::Sub8],
        _ => [Opc::Mul2, Opc::Mul4, Opc::Mul8],
    };
    if ty.size() == 1 { Rare } else { Direct(by_size(ty, [two, two, four, eight])) }
}

fn on_float(op: Op, ty: ScalarType) -> Choice {
    let [single, double] = match op {
        Op::Add => [Opc::AddF32, Opc::AddF64],
        Op::Sub => [Opc::SubF32, Opc::SubF64],
        Op::Mul => [Opc::MulF32, Opc::MulF64],
        _ => [Opc::DivF32, Opc::DivF64],
    };
    Direct(if ty == ScalarType::F32 { single } else { double })
}

fn division(op: Op, ty: ScalarType) -> Choice {
    let is_div = op == Op::Div;
    let (div, rem) = match ty {
        ScalarType::I16 => (Opc::DivI16, Opc::ModI16),
        ScalarType::I32 => (Opc::DivI32, Opc::ModI32),
        ScalarType::I64 => (Opc::DivI64, Opc::ModI64),
        ScalarType::U16 => (Opc::DivU16, Opc::ModU16),
        ScalarType::U32 => (Opc::DivU32, Opc::ModU32),
        _ => return Rare,
    };
    Direct(if is_div { div } else { rem })
}

fn extreme(op: Op, ty: ScalarType) -> Choice {
    let is_min = op == Op::Min;
    let (min, max) = match ty {
        ScalarType::I16 => (Opc::MinI16, Opc::MaxI16),
        ScalarType::I32 => (Opc::MinI32, Opc::MaxI32),
        ScalarType::I64 => (Opc::MinI64, Opc::MaxI64),
        ScalarType::F32 => (Opc::MinF32, Opc::MaxF32),
        ScalarType::F64 => (Opc::MinF64, Opc::MaxF64),
        _ => return Rare,
    };
    Direct(if is_min { min } else { max })
}

fn equality(op: Op, ty: ScalarType) -> Choice {
    let is_eq = op == Op::Eq;
    let (eq, ne) = match ty {
        ScalarType::F32 => (Opc::EqF32, Opc::NeF32),
        ScalarType::F64 => (Opc::EqF64, Opc::NeF64),
        _ => (
            by_size(ty, [Opc::Eq1, Opc::Eq2, Opc::Eq4, Opc::Eq8]),
            by_size(ty, [Opc::Ne1, Opc::Ne2, Opc::Ne4, Opc::Ne8]),
        ),
    };
    Direct(if is_eq { eq } else { ne })
}

/// Less, and less or equal.
fn order(ty: ScalarType) -> Option<(Opc, Opc)> {
    match ty {
        ScalarType::I16 => Some((Opc::LtI16, Opc::LeI16)),
        ScalarType::I32 => Some((Opc::LtI32, Opc::LeI32)),
        ScalarType::I64 => Some((Opc::LtI64, Opc::LeI64)),
        ScalarType::U8 => Some((Opc::LtU8, Opc::LeU8)),
        ScalarType::U16 => Some((Opc::LtU16, Opc::LeU16)),
        ScalarType::U32 => Some((Opc::LtU32, Opc::LeU32)),
        ScalarType::F32 => Some((Opc::LtF32, Opc::LeF32)),
        ScalarType::F64 => Some((Opc::LtF64, Opc::LeF64)),
        ScalarType::Bool | ScalarType::I8 | ScalarType::U64 => None,
    }
}

fn conversion(from: ScalarType, to: ScalarType) -> Choice {
    if !from.is_float() && !to.is_float() {
        return Direct(if to.size() <= from.size() { copy(to) } else { widening(from, to) });
    }
    match (from, to) {
        (ScalarType::I32, ScalarType::F32) => Direct(Opc::I32ToF32),
        (ScalarType::I32, ScalarType::F64) => Direct(Opc::I32ToF64),
        (ScalarType::I16, ScalarType::F32) => Direct(Opc::I16ToF32),
        (ScalarType::F32, ScalarType::F64) => Direct(Opc::F32ToF64),
        (ScalarType::F64, ScalarType::F32) => Direct(Opc::F64ToF32),
        _ => Rare,
    }
}

/// From an integer (or bool) to a wider integer.
fn widening(from: ScalarType, to: ScalarType) -> Opc {
    let (zeros, sign) = match (from.size(), to.size()) {
        (1, 2) => (Opc::Zext12, Opc::Sext12),
        (1, 4) => (Opc::Zext14, Opc::Sext14),
        (1, _) => (Opc::Zext18, Opc::Sext18),
        (2, 4) => (Opc::Zext24, Opc::Sext24),
        (2, _) => (Opc::Zext28, Opc::Sext28),
        _ => (Opc::Zext48, Opc::Sext48),
    };
    if from.is_signed() { sign } else { zeros }
}
