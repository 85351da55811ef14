//! What native code and its host tell each other: the record at a fixed layout, and functions native code calls.

use super::super::eval::{Pure, eval};
use bytecode::{Op, ScalarType};
use std::sync::atomic::AtomicU32;

/// What a run hands to native code and gets back.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Record {
    /// Budget left.
    pub(super) left: u64,
    /// The scan's time.
    pub(super) now_ns: i64,
    /// Table of references: offsets into the memory, or unbound.
    pub(super) references: *mut u32,
    /// Where the instruction of the last charge is left.
    pub(super) mark: *const AtomicU32,
    /// The value of a trap.
    pub(super) value: i64,
    /// Its instruction.
    pub(super) pc: u32,
    /// The instruction of the program's own body.
    pub(super) via: u32,
    /// Its code, see [`code_number`].
    pub(super) code: u32,
}

/// A function of native code ended without a trap.
pub(super) const DONE: i64 = 0;
/// It ended with a trap, which the record tells.
pub(super) const TRAPPED: i64 = 1;
/// A part of a body: the body has returned.
pub(super) const RETURNED: i64 = 2;

/// A pure operation as a number for [`evaluate`].
pub(super) fn pure_number(pure: Pure) -> i64 {
    i64::from(pure.op.code()) | i64::from(pure.ty.code()) << 8 | i64::from(pure.from.code()) << 16
}

/// Runs an operation too rare or too large to be native: mathematics and conversions of floats to integers. The
/// same definition as every engine's. Divisions by zero are seen to before.
pub(super) extern "C" fn evaluate(number: i64, a: u64, b: u64) -> u64 {
    let [op, ty, from, ..] = number.to_le_bytes();
    let (Some(op), Some(ty), Some(from)) = (Op::from_code(op), ScalarType::from_code(ty), ScalarType::from_code(from))
    else {
        return 0;
    };
    eval(Pure { op, ty, from }, a, b, 0).unwrap_or(0)
}
