//! The hot loop: one match over the private instructions, and what its arms have in common.
//!
//! Everything the arms touch is local: place in the code, budget, own instance, two address registers. Arms are one
//! line each, made of the macros below; the operations mean what [`bytecode::scalar`] says.

use super::super::eval::{Pure, eval};
use super::super::reference::signed;
use super::super::references::{References, UNBOUND};
use super::super::trap::{Trap, TrapCode};
use super::op::{Ins, Opc, Record, Word, weight_and_slots};
use super::standard::native;
use super::window::{Cell, Window};
use bytecode::ScalarType;
use bytecode::image::Access;
use bytecode::scalar::{Bits, Integer, Numeric, convert};
use std::sync::atomic::{AtomicU32, Ordering};

/// A program in the form that is run. Everything is indexed from instructions, and was checked when they were made.
#[derive(Debug)]
pub(super) struct Tables<W> {
    pub(super) code: Vec<Ins<W>>,
    /// Canonical place of every slot of `code`.
    pub(super) places: Vec<u32>,
    pub(super) records: Vec<Record<W>>,
    pub(super) accesses: Vec<Access>,
    pub(super) bounds: Vec<BoundRow>,
    pub(super) rare: Vec<RareRow>,
}

/// A checked index of any integer type.
#[derive(Clone, Copy, Debug)]
pub(super) struct BoundRow {
    pub(super) ty: ScalarType,
    pub(super) lower: i32,
    pub(super) upper: i32,
}

/// A pure operation without an opcode of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct RareRow {
    pub(super) pure: Pure,
    /// Types of the operands b, c, d; `None` where not used.
    pub(super) read: [Option<ScalarType>; 3],
    pub(super) write: ScalarType,
}

/// Where a call returns to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Frame {
    pc: u32,
    own: u32,
}

/// What an engine keeps besides the data segment while it runs: all of it is set anew in each run.
#[derive(Debug)]
pub(super) struct State {
    pub(super) references: References,
    /// As many as calls can nest.
    pub(super) frames: Vec<Frame>,
    /// Gets the slot of each `charge` that is passed, for whoever wants to know where the program is.
    pub(super) mark: &'static AtomicU32,
}

impl<W> Tables<W> {
    /// Slot and canonical place of every `charge`.
    pub(super) fn marks(&self) -> Vec<(u32, u32)> {
        let slots = (0..).zip(self.code.iter().zip(&self.places));
        slots.filter(|(_, (ins, _))| ins.op == Opc::Charge).map(|(slot, (_, place))| (slot, *place)).collect()
    }
}

/// Sets where the code of its caller stands within lines of the instruction cache, at no cost but some idle bytes at its beginning. All
/// instructions go through one short piece of code, which the compiler aligns to 16 bytes: where a line of 64 ends in its middle, programs
/// of many small instructions take up to a third longer.
#[inline(always)]
fn align_dispatch() {
    #[cfg(all(target_arch = "x86_64", not(debug_assertions)))]
    // SAFETY: bytes that do nothing.
    #[allow(unsafe_code)]
    unsafe {
        core::arch::asm!(".p2align 6", options(nomem, nostack, preserves_flags));
    }
}

/// Runs from `entry` (slot and own instance) until the outermost body returns. `left` is the budget.
///
/// # Errors
/// The trap, with its canonical place.
#[allow(clippy::too_many_lines)] // a dispatch match whose arms are one line each
#[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss)] // slots, offsets and depths are below 2^32 (limits of the verifier); indices are reinterpreted on purpose
pub(super) fn run<M: Window>(
    tables: &Tables<M::Word>,
    state: &mut State,
    mut m: M,
    entry: (u32, u32),
    now_ns: i64,
    left: &mut u64,
) -> Result<(), Trap> {
    align_dispatch();
    let code = tables.code.as_slice();
    let refs = state.references.as_mut_slice();
    let frames = state.frames.as_mut_slice();
    let mark = state.mark;
    let mut budget = *left;
    // What comes behind the instruction at hand. A slice that gets shorter needs less to find its next one than a number of a slot
    // does, and whether that fits a line of the instruction cache decides a third of the speed.
    let mut rest = code.get(entry.0 as usize..).unwrap_or_default().iter();
    let mut own = entry.1 as usize;
    let mut place = 0_usize;
    let mut kept = 0_usize;
    let mut sp = 0_usize;

    // A trap at a slot; where no call is open, it is also the place in the outermost body.
    let trap = |code: TrapCode, slot: usize, value: i64| (code, slot, slot, value);
    let ended = loop {
        macro_rules! get {
            ($word:expr) => {
                Cell::get(&m, $word.at())
            };
            ($word:expr, $t:ty) => {
                <$t as Cell>::get(&m, $word.at())
            };
        }
        macro_rules! set {
            ($word:expr, $value:expr) => {
                Cell::set($value, &mut m, $word.at())
            };
        }
        let Some(ins) = rest.next() else { break Err(trap(TrapCode::EngineDefect, code.len(), 0)) };
        // The slot of the instruction at hand.
        macro_rules! here {
            () => {
                code.len() - rest.len() - 1
            };
        }
        macro_rules! trap {
            ($code:expr, $value:expr) => {
                break Err(trap($code, here!(), $value))
            };
        }
        macro_rules! goto {
            ($slot:expr) => {
                rest = code.get($slot..).unwrap_or_default().iter()
            };
            () => {
                goto!(ins.d.at())
            };
        }
        // Goes on so many slots from here, two at least.
        macro_rules! skip {
            ($slots:expr) => {{
                let _ = rest.nth($slots - 2);
            }};
        }
        macro_rules! un {
            ($t:ty, |$x:ident| $e:expr) => {{
                let $x: $t = get!(ins.b);
                set!(ins.a, $e);
            }};
        }
        macro_rules! conv {
            ($t:ty, |$x:ident| $e:expr) => {
                un!($t, |$x| $e)
            };
        }
        macro_rules! bin {
            ($t:ty, |$x:ident, $y:ident| $e:expr) => {{
                let ($x, $y): ($t, $t) = (get!(ins.b), get!(ins.c));
                set!(ins.a, $e);
            }};
        }
        macro_rules! shift {
            ($t:ty, $f:ident) => {{
                let (x, n): ($t, u32) = (get!(ins.b), get!(ins.c));
                set!(ins.a, Bits::$f(x, n));
            }};
        }
        macro_rules! div {
            ($t:ty, $f:expr) => {{
                let (x, y): ($t, $t) = (get!(ins.b), get!(ins.c));
                match $f(x, y) {
                    Some(result) => set!(ins.a, result),
                    None => trap!(TrapCode::DivisionByZero, 0),
                }
            }};
        }
        macro_rules! cmp {
            ($t:ty, $op:tt) => {{
                let (x, y): ($t, $t) = (get!(ins.b), get!(ins.c));
                set!(ins.a, x $op y);
            }};
        }
        macro_rules! sel {
            ($t:ty) => {{
                let (no, yes): ($t, $t) = (get!(ins.c), get!(ins.d));
                set!(ins.a, if get!(ins.b, bool) { yes } else { no });
            }};
        }
        // Offset of an element of adjacent ones: one comparison covers both bounds.
        macro_rules! adjacent {
            ($t:ty, $base:expr, $index:expr) => {{
                let index: i32 = get!($index);
                let number = index.wrapping_sub(ins.e.number()) as u32;
                if number as usize >= ins.d.at() {
                    trap!(TrapCode::IndexOutOfBounds, i64::from(index));
                }
                $base.at() + number as usize * size_of::<$t>()
            }};
        }
        macro_rules! ldx {
            ($t:ty) => {{
                let at = adjacent!($t, ins.b, ins.c);
                let x = <$t as Cell>::get(&m, at);
                set!(ins.a, x);
            }};
        }
        macro_rules! stx {
            ($t:ty) => {{
                let at = adjacent!($t, ins.a, ins.b);
                let x: $t = get!(ins.c);
                x.set(&mut m, at);
            }};
        }
        // Offset of an element from the address register.
        macro_rules! element {
            ($index:expr, $row:expr) => {{
                let index: i32 = get!($index);
                let Some(row) = tables.accesses.get($row.at()) else { trap!(TrapCode::EngineDefect, 0) };
                let number = index.wrapping_sub(row.lower) as u32;
                if number >= row.count {
                    trap!(TrapCode::IndexOutOfBounds, i64::from(index));
                }
                place + number as usize * row.stride as usize
            }};
        }
        macro_rules! ldxe {
            ($t:ty) => {{
                let at = element!(ins.c, ins.d);
                let x = <$t as Cell>::get(&m, at);
                set!(ins.a, x);
            }};
        }
        macro_rules! stxe {
            ($t:ty) => {{
                let at = element!(ins.b, ins.d);
                let x: $t = get!(ins.c);
                x.set(&mut m, at);
            }};
        }
        macro_rules! lde {
            ($t:ty) => {{
                let x = <$t as Cell>::get(&m, place);
                set!(ins.a, x);
            }};
        }
        macro_rules! ste {
            ($t:ty) => {{
                let x: $t = get!(ins.a);
                x.set(&mut m, place);
            }};
        }
        macro_rules! charge {
            ($charge:expr, $at:expr) => {
                match budget.checked_sub($charge.split() as u64) {
                    Some(left) => {
                        budget = left;
                        mark.store($at as u32, Ordering::Relaxed);
                    }
                    None => break Err(trap(TrapCode::BudgetSpent, $at, 0)),
                }
            };
        }
        macro_rules! enter_loop {
            () => {{
                let head = ins.d.at();
                let Some((target, behind)) = code.get(head..).and_then(<[_]>::split_first) else {
                    trap!(TrapCode::EngineDefect, 0)
                };
                charge!(target, head);
                rest = behind.iter();
            }};
        }
        macro_rules! branch {
            ($taken:expr, $go:ident) => {
                if $taken {
                    $go!()
                }
            };
        }
        macro_rules! cmp_branch {
            ($t:ty, $op:tt, |$r:ident| $taken:expr, $go:ident) => {{
                let (x, y): ($t, $t) = (get!(ins.b), get!(ins.c));
                let $r = x $op y;
                set!(ins.a, $r);
                if $taken { $go!() } else { skip!(2) }
            }};
        }
        macro_rules! count {
            ($t:ty, $op:tt, $counter:ident) => {{
                let (x, y): ($t, $t) = (get!(ins.b), get!(ins.c));
                let again = x $op y;
                set!(ins.a, again);
                let (counter, step): ($t, $t) = (get!(ins.$counter), get!(ins.e));
                set!(ins.$counter, counter.wrapping_add(step));
                if again { enter_loop!() } else { skip!(3) }
            }};
        }
        macro_rules! call {
            ($instance:expr) => {{
                let instance = $instance;
                let Some(frame) = frames.get_mut(sp) else { trap!(TrapCode::EngineDefect, 0) };
                *frame = Frame { pc: (code.len() - rest.len()) as u32, own: own as u32 };
                sp += 1;
                own = instance;
                goto!();
            }};
        }
        // A standard block at the address register.
        macro_rules! block {
            ($name:ident, [$($t:ty, $field:expr);*] $(, $time:expr)?) => {{
                match budget.checked_sub(ins.e.at() as u64) {
                    Some(left) => budget = left,
                    None => break Err((TrapCode::BudgetSpent, ins.d.at(), here!(), 0)),
                }
                let inputs = ($(<$t as Cell>::get_field(&m, place, $field as usize),)*);
                native::$name(&mut m, place, inputs $(, $time)?);
            }};
        }
        // A standard block at a place, with the moves of its inputs before it.
        macro_rules! block_with {
            ($name:ident, [$($t:ty, $from:ident, $field:expr);*] $(, $time:expr)?) => {{
                let at = ins.a.at();
                let inputs = ($({
                    let value: $t = get!(ins.$from);
                    value.set_field(&mut m, at, $field as usize);
                    value
                },)*);
                let (weight, slots) = weight_and_slots(ins.d.at());
                // A known number, so that the next instruction need not wait for this one to be read.
                const USUAL: usize = [$($field),*].len() + 2;
                place = at;
                match budget.checked_sub(weight as u64) {
                    Some(left) => budget = left,
                    None => {
                        let at = here!() + slots - 1;
                        let body = code.get(at).map_or(at, |call| call.d.at());
                        break Err((TrapCode::BudgetSpent, body, at, 0));
                    }
                }
                native::$name(&mut m, at, inputs $(, $time)?);
                if slots == USUAL { skip!(USUAL) } else { goto!(here!() + slots) }
            }};
        }
        match ins.op {
            Opc::Mov1 => un!(u8, |x| x),
            Opc::Mov2 => un!(u16, |x| x),
            Opc::Mov4 => un!(u32, |x| x),
            Opc::Mov8 => un!(u64, |x| x),
            Opc::MovB => un!(u8, |x| x),
            Opc::NotB => un!(u8, |x| x ^ 1),
            Opc::AndB => bin!(u8, |x, y| x & y),
            Opc::OrB => bin!(u8, |x, y| x | y),
            Opc::XorB => bin!(u8, |x, y| x ^ y),
            Opc::XnorB => bin!(u8, |x, y| x ^ y ^ 1),
            Opc::AndNotB => bin!(u8, |x, y| x & !y),
            Opc::OrNotB => bin!(u8, |x, y| x | (y ^ 1)),
            Opc::SelB => sel!(u8),
            Opc::Not1 => un!(u8, |x| !x),
            Opc::Not2 => un!(u16, |x| !x),
            Opc::Not4 => un!(u32, |x| !x),
            Opc::Not8 => un!(u64, |x| !x),
            Opc::And1 => bin!(u8, |x, y| x & y),
            Opc::And2 => bin!(u16, |x, y| x & y),
            Opc::And4 => bin!(u32, |x, y| x & y),
            Opc::And8 => bin!(u64, |x, y| x & y),
            Opc::Or1 => bin!(u8, |x, y| x | y),
            Opc::Or2 => bin!(u16, |x, y| x | y),
            Opc::Or4 => bin!(u32, |x, y| x | y),
            Opc::Or8 => bin!(u64, |x, y| x | y),
            Opc::Xor1 => bin!(u8, |x, y| x ^ y),
            Opc::Xor2 => bin!(u16, |x, y| x ^ y),
            Opc::Xor4 => bin!(u32, |x, y| x ^ y),
            Opc::Xor8 => bin!(u64, |x, y| x ^ y),
            Opc::AndNot1 => bin!(u8, |x, y| x & !y),
            Opc::AndNot2 => bin!(u16, |x, y| x & !y),
            Opc::AndNot4 => bin!(u32, |x, y| x & !y),
            Opc::AndNot8 => bin!(u64, |x, y| x & !y),
            Opc::Shl2 => shift!(u16, shl),
            Opc::Shl4 => shift!(u32, shl),
            Opc::Shl8 => shift!(u64, shl),
            Opc::Shr2 => shift!(u16, shr),
            Opc::Shr4 => shift!(u32, shr),
            Opc::Shr8 => shift!(u64, shr),
            Opc::Add2 => bin!(u16, |x, y| x.wrapping_add(y)),
            Opc::Add4 => bin!(u32, |x, y| x.wrapping_add(y)),
            Opc::Add8 => bin!(u64, |x, y| x.wrapping_add(y)),
            Opc::Sub2 => bin!(u16, |x, y| x.wrapping_sub(y)),
            Opc::Sub4 => bin!(u32, |x, y| x.wrapping_sub(y)),
            Opc::Sub8 => bin!(u64, |x, y| x.wrapping_sub(y)),
            Opc::Mul2 => bin!(u16, |x, y| x.wrapping_mul(y)),
            Opc::Mul4 => bin!(u32, |x, y| x.wrapping_mul(y)),
            Opc::Mul8 => bin!(u64, |x, y| x.wrapping_mul(y)),
            Opc::DivI16 => div!(i16, Numeric::div),
            Opc::DivI32 => div!(i32, Numeric::div),
            Opc::DivI64 => div!(i64, Numeric::div),
            Opc::DivU16 => div!(u16, Numeric::div),
            Opc::DivU32 => div!(u32, Numeric::div),
            Opc::ModI16 => div!(i16, Integer::rem),
            Opc::ModI32 => div!(i32, Integer::rem),
            Opc::ModI64 => div!(i64, Integer::rem),
            Opc::ModU16 => div!(u16, Integer::rem),
            Opc::ModU32 => div!(u32, Integer::rem),
            Opc::AddF32 => bin!(f32, |x, y| Numeric::add(x, y)),
            Opc::AddF64 => bin!(f64, |x, y| Numeric::add(x, y)),
            Opc::SubF32 => bin!(f32, |x, y| Numeric::sub(x, y)),
            Opc::SubF64 => bin!(f64, |x, y| Numeric::sub(x, y)),
            Opc::MulF32 => bin!(f32, |x, y| Numeric::mul(x, y)),
            Opc::MulF64 => bin!(f64, |x, y| Numeric::mul(x, y)),
            Opc::DivF32 => div!(f32, Numeric::div),
            Opc::DivF64 => div!(f64, Numeric::div),
            Opc::MinI16 => bin!(i16, |x, y| Numeric::min(x, y)),
            Opc::MinI32 => bin!(i32, |x, y| Numeric::min(x, y)),
            Opc::MinI64 => bin!(i64, |x, y| Numeric::min(x, y)),
            Opc::MinF32 => bin!(f32, |x, y| Numeric::min(x, y)),
            Opc::MinF64 => bin!(f64, |x, y| Numeric::min(x, y)),
            Opc::MaxI16 => bin!(i16, |x, y| Numeric::max(x, y)),
            Opc::MaxI32 => bin!(i32, |x, y| Numeric::max(x, y)),
            Opc::MaxI64 => bin!(i64, |x, y| Numeric::max(x, y)),
            Opc::MaxF32 => bin!(f32, |x, y| Numeric::max(x, y)),
            Opc::MaxF64 => bin!(f64, |x, y| Numeric::max(x, y)),
            Opc::Eq1 => cmp!(u8, ==),
            Opc::Eq2 => cmp!(u16, ==),
            Opc::Eq4 => cmp!(u32, ==),
            Opc::Eq8 => cmp!(u64, ==),
            Opc::EqF32 => cmp!(f32, ==),
            Opc::EqF64 => cmp!(f64, ==),
            Opc::Ne1 => cmp!(u8, !=),
            Opc::Ne2 => cmp!(u16, !=),
            Opc::Ne4 => cmp!(u32, !=),
            Opc::Ne8 => cmp!(u64, !=),
            Opc::NeF32 => cmp!(f32, !=),
            Opc::NeF64 => cmp!(f64, !=),
            Opc::LtI16 => cmp!(i16, <),
            Opc::LtI32 => cmp!(i32, <),
            Opc::LtI64 => cmp!(i64, <),
            Opc::LtU8 => cmp!(u8, <),
            Opc::LtU16 => cmp!(u16, <),
            Opc::LtU32 => cmp!(u32, <),
            Opc::LtF32 => cmp!(f32, <),
            Opc::LtF64 => cmp!(f64, <),
            Opc::LeI16 => cmp!(i16, <=),
            Opc::LeI32 => cmp!(i32, <=),
            Opc::LeI64 => cmp!(i64, <=),
            Opc::LeU8 => cmp!(u8, <=),
            Opc::LeU16 => cmp!(u16, <=),
            Opc::LeU32 => cmp!(u32, <=),
            Opc::LeF32 => cmp!(f32, <=),
            Opc::LeF64 => cmp!(f64, <=),
            Opc::Sel1 => sel!(u8),
            Opc::Sel2 => sel!(u16),
            Opc::Sel4 => sel!(u32),
            Opc::Sel8 => sel!(u64),
            Opc::Zext12 => conv!(u8, |x| u16::from(x)),
            Opc::Zext14 => conv!(u8, |x| u32::from(x)),
            Opc::Zext18 => conv!(u8, |x| u64::from(x)),
            Opc::Zext24 => conv!(u16, |x| u32::from(x)),
            Opc::Zext28 => conv!(u16, |x| u64::from(x)),
            Opc::Zext48 => conv!(u32, |x| u64::from(x)),
            Opc::Sext12 => conv!(i8, |x| i16::from(x)),
            Opc::Sext14 => conv!(i8, |x| i32::from(x)),
            Opc::Sext18 => conv!(i8, |x| i64::from(x)),
            Opc::Sext24 => conv!(i16, |x| i32::from(x)),
            Opc::Sext28 => conv!(i16, |x| i64::from(x)),
            Opc::Sext48 => conv!(i32, |x| i64::from(x)),
            Opc::I32ToF32 => conv!(i32, |x| convert::<i32, f32>(x)),
            Opc::I32ToF64 => conv!(i32, |x| f64::from(x)),
            Opc::I16ToF32 => conv!(i16, |x| f32::from(x)),
            Opc::F32ToF64 => conv!(f32, |x| convert::<f32, f64>(x)),
            Opc::F64ToF32 => conv!(f64, |x| convert::<f64, f32>(x)),
            Opc::Rare => {
                if let Err(code) = rare(tables, &mut m, ins) {
                    trap!(code, 0);
                }
            }
            Opc::LdBit => {
                let byte: u8 = get!(ins.b);
                set!(ins.a, byte >> (ins.c.at() & 7) & 1);
            }
            Opc::StBit => {
                let byte: u8 = get!(ins.a);
                let bit = ins.c.at() & 7;
                let value = u8::from(get!(ins.b, bool));
                set!(ins.a, byte & !(1 << bit) | value << bit);
            }
            Opc::Time => {
                set!(ins.a, now_ns);
            }
            Opc::LdX1 => ldx!(u8),
            Opc::LdX2 => ldx!(u16),
            Opc::LdX4 => ldx!(u32),
            Opc::LdX8 => ldx!(u64),
            Opc::StX1 => stx!(u8),
            Opc::StX2 => stx!(u16),
            Opc::StX4 => stx!(u32),
            Opc::StX8 => stx!(u64),
            Opc::LdXE1 => ldxe!(u8),
            Opc::LdXE2 => ldxe!(u16),
            Opc::LdXE4 => ldxe!(u32),
            Opc::LdXE8 => ldxe!(u64),
            Opc::StXE1 => stxe!(u8),
            Opc::StXE2 => stxe!(u16),
            Opc::StXE4 => stxe!(u32),
            Opc::StXE8 => stxe!(u64),
            Opc::Bound => match bound(tables, &m, ins) {
                Ok(number) => {
                    set!(ins.a, number);
                }
                Err(index) => trap!(TrapCode::IndexOutOfBounds, index),
            },
            Opc::LeaData => {
                place = ins.split();
            }
            Opc::LeaOwn => {
                place = own + ins.split();
            }
            Opc::LeaRef => {
                let base = refs.get(ins.c.at()).copied().unwrap_or(UNBOUND);
                if base == UNBOUND {
                    trap!(TrapCode::UnboundReference, ins.d.at() as i64);
                }
                place = base as usize + ins.split();
            }
            Opc::Keep => {
                kept = place;
            }
            Opc::LdE1 => lde!(u8),
            Opc::LdE2 => lde!(u16),
            Opc::LdE4 => lde!(u32),
            Opc::LdE8 => lde!(u64),
            Opc::StE1 => ste!(u8),
            Opc::StE2 => ste!(u16),
            Opc::StE4 => ste!(u32),
            Opc::StE8 => ste!(u64),
            Opc::CopyE => {
                m.copy(place, kept, ins.split());
            }
            Opc::BindE => {
                bind(refs, ins.a.at(), place);
            }
            Opc::BindXE => {
                let at = element!(ins.c, ins.d);
                bind(refs, ins.a.at(), at);
            }
            Opc::Jmp => goto!(),
            Opc::JmpL => enter_loop!(),
            Opc::Jt => branch!(get!(ins.b, bool), goto),
            Opc::JtL => branch!(get!(ins.b, bool), enter_loop),
            Opc::Jf => branch!(!get!(ins.b, bool), goto),
            Opc::JfL => branch!(!get!(ins.b, bool), enter_loop),
            Opc::Charge => {
                charge!(ins, here!());
            }
            Opc::Call => call!(own),
            Opc::CallE => call!(place),
            Opc::CallXE => {
                let at = element!(ins.c, ins.e);
                call!(at)
            }
            Opc::TonE => block!(ton, [u8, native::IN; i64, native::PT], now_ns),
            Opc::TofE => block!(tof, [u8, native::IN; i64, native::PT], now_ns),
            Opc::TpE => block!(tp, [u8, native::IN; i64, native::PT], now_ns),
            Opc::CtuE => block!(ctu, [u8, native::COUNT; u8, native::LOAD; i16, native::PV]),
            Opc::CtdE => block!(ctd, [u8, native::COUNT; u8, native::LOAD; i16, native::PV]),
            Opc::CtudE => {
                block!(ctud, [u8, native::UP; u8, native::DOWN; u8, native::RESET; u8, native::LOAD_BOTH; i16, native::PV_BOTH])
            }
            Opc::RTrigE => block!(r_trig, [u8, native::CLK]),
            Opc::FTrigE => block!(f_trig, [u8, native::CLK]),
            Opc::SrE => block!(sr, [u8, native::FIRST; u8, native::SECOND]),
            Opc::RsE => block!(rs, [u8, native::FIRST; u8, native::SECOND]),
            Opc::Ton => block_with!(ton, [u8, b, native::IN; i64, c, native::PT], now_ns),
            Opc::Tof => block_with!(tof, [u8, b, native::IN; i64, c, native::PT], now_ns),
            Opc::Tp => block_with!(tp, [u8, b, native::IN; i64, c, native::PT], now_ns),
            Opc::Ctu => block_with!(ctu, [u8, b, native::COUNT; u8, c, native::LOAD; i16, e, native::PV]),
            Opc::Ctd => block_with!(ctd, [u8, b, native::COUNT; u8, c, native::LOAD; i16, e, native::PV]),
            Opc::RTrig => block_with!(r_trig, [u8, b, native::CLK]),
            Opc::FTrig => block_with!(f_trig, [u8, b, native::CLK]),
            Opc::Sr => block_with!(sr, [u8, b, native::FIRST; u8, c, native::SECOND]),
            Opc::Rs => block_with!(rs, [u8, b, native::FIRST; u8, c, native::SECOND]),
            Opc::Ret => {
                let Some(depth) = sp.checked_sub(1) else { break Ok(()) };
                sp = depth;
                let Some(frame) = frames.get(sp) else { trap!(TrapCode::EngineDefect, 0) };
                goto!(frame.pc as usize);
                own = frame.own as usize;
            }
            Opc::Block => {
                let start = ins.split();
                let records = tables.records.get(start..start + ins.c.at()).unwrap_or_default();
                for record in records {
                    run_record(&mut m, record);
                }
                skip!(ins.d.at());
            }
            Opc::TEq4 => cmp_branch!(u32, ==, |r| r, goto),
            Opc::TLEq4 => cmp_branch!(u32, ==, |r| r, enter_loop),
            Opc::FEq4 => cmp_branch!(u32, ==, |r| !r, goto),
            Opc::FLEq4 => cmp_branch!(u32, ==, |r| !r, enter_loop),
            Opc::TNe4 => cmp_branch!(u32, !=, |r| r, goto),
            Opc::TLNe4 => cmp_branch!(u32, !=, |r| r, enter_loop),
            Opc::FNe4 => cmp_branch!(u32, !=, |r| !r, goto),
            Opc::FLNe4 => cmp_branch!(u32, !=, |r| !r, enter_loop),
            Opc::TLtI32 => cmp_branch!(i32, <, |r| r, goto),
            Opc::TLLtI32 => cmp_branch!(i32, <, |r| r, enter_loop),
            Opc::FLtI32 => cmp_branch!(i32, <, |r| !r, goto),
            Opc::FLLtI32 => cmp_branch!(i32, <, |r| !r, enter_loop),
            Opc::TLeI32 => cmp_branch!(i32, <=, |r| r, goto),
            Opc::TLLeI32 => cmp_branch!(i32, <=, |r| r, enter_loop),
            Opc::FLeI32 => cmp_branch!(i32, <=, |r| !r, goto),
            Opc::FLLeI32 => cmp_branch!(i32, <=, |r| !r, enter_loop),
            Opc::TEq2 => cmp_branch!(u16, ==, |r| r, goto),
            Opc::TLEq2 => cmp_branch!(u16, ==, |r| r, enter_loop),
            Opc::FEq2 => cmp_branch!(u16, ==, |r| !r, goto),
            Opc::FLEq2 => cmp_branch!(u16, ==, |r| !r, enter_loop),
            Opc::TNe2 => cmp_branch!(u16, !=, |r| r, goto),
            Opc::TLNe2 => cmp_branch!(u16, !=, |r| r, enter_loop),
            Opc::FNe2 => cmp_branch!(u16, !=, |r| !r, goto),
            Opc::FLNe2 => cmp_branch!(u16, !=, |r| !r, enter_loop),
            Opc::TLtI16 => cmp_branch!(i16, <, |r| r, goto),
            Opc::TLLtI16 => cmp_branch!(i16, <, |r| r, enter_loop),
            Opc::FLtI16 => cmp_branch!(i16, <, |r| !r, goto),
            Opc::FLLtI16 => cmp_branch!(i16, <, |r| !r, enter_loop),
            Opc::TLeI16 => cmp_branch!(i16, <=, |r| r, goto),
            Opc::TLLeI16 => cmp_branch!(i16, <=, |r| r, enter_loop),
            Opc::FLeI16 => cmp_branch!(i16, <=, |r| !r, goto),
            Opc::FLLeI16 => cmp_branch!(i16, <=, |r| !r, enter_loop),
            Opc::TLtI64 => cmp_branch!(i64, <, |r| r, goto),
            Opc::TLLtI64 => cmp_branch!(i64, <, |r| r, enter_loop),
            Opc::FLtI64 => cmp_branch!(i64, <, |r| !r, goto),
            Opc::FLLtI64 => cmp_branch!(i64, <, |r| !r, enter_loop),
            Opc::TLeI64 => cmp_branch!(i64, <=, |r| r, goto),
            Opc::TLLeI64 => cmp_branch!(i64, <=, |r| r, enter_loop),
            Opc::FLeI64 => cmp_branch!(i64, <=, |r| !r, goto),
            Opc::FLLeI64 => cmp_branch!(i64, <=, |r| !r, enter_loop),
            Opc::TLtF32 => cmp_branch!(f32, <, |r| r, goto),
            Opc::TLLtF32 => cmp_branch!(f32, <, |r| r, enter_loop),
            Opc::FLtF32 => cmp_branch!(f32, <, |r| !r, goto),
            Opc::FLLtF32 => cmp_branch!(f32, <, |r| !r, enter_loop),
            Opc::TLeF32 => cmp_branch!(f32, <=, |r| r, goto),
            Opc::TLLeF32 => cmp_branch!(f32, <=, |r| r, enter_loop),
            Opc::FLeF32 => cmp_branch!(f32, <=, |r| !r, goto),
            Opc::FLLeF32 => cmp_branch!(f32, <=, |r| !r, enter_loop),
            Opc::UpLtI32 => count!(i32, <, b),
            Opc::UpLeI32 => count!(i32, <=, b),
            Opc::DownLtI32 => count!(i32, <, c),
            Opc::DownLeI32 => count!(i32, <=, c),
            Opc::UpLtI16 => count!(i16, <, b),
            Opc::UpLeI16 => count!(i16, <=, b),
            Opc::DownLtI16 => count!(i16, <, c),
            Opc::DownLeI16 => count!(i16, <=, c),
        }
    };
    *left = budget;
    ended.map_err(|(code, slot, outermost, value)| {
        let place = |slot: usize| tables.places.get(slot).copied().unwrap_or(0);
        // The outermost call stands one slot before the place it returns to.
        let outermost = frames.first().filter(|_| sp > 0).map_or(outermost, |f| (f.pc as usize).saturating_sub(1));
        Trap { code, pc: place(slot), via: place(outermost), value }
    })
}

/// One record of a boolean block, without a branch.
#[inline(always)]
fn run_record<M: Window>(m: &mut M, record: &Record<M::Word>) {
    let [s0, s1, s2, s3] = record.from.map(|s| u32::from(u8::get(m, s.at())));
    let row = s0 | s1 << 1 | s2 << 2 | s3 << 3;
    // Booleans are 0 or 1; the mask keeps the shift defined for bytes that somebody else spoiled.
    let value = (u32::from(record.table) >> (row & 15) & 1) as u8;
    value.set(m, record.to.at());
}

#[inline(never)]
fn rare<M: Window>(tables: &Tables<M::Word>, m: &mut M, ins: &Ins<M::Word>) -> Result<(), TrapCode> {
    let row = tables.rare.get(ins.e.at()).ok_or(TrapCode::EngineDefect)?;
    let [b, c, d] = row.read;
    let read = |ty: Option<ScalarType>, word: M::Word| ty.map_or(0, |ty| read_bits(m, ty, word.at()));
    let bits = eval(row.pure, read(b, ins.b), read(c, ins.c), read(d, ins.d))?;
    match row.write.size() {
        1 => (bits as u8).set(m, ins.a.at()),
        2 => (bits as u16).set(m, ins.a.at()),
        4 => (bits as u32).set(m, ins.a.at()),
        _ => bits.set(m, ins.a.at()),
    }
    Ok(())
}

/// Bits of a scalar, as [`bytecode::scalar::Scalar::to_bits`] gives them.
fn read_bits<M: Window>(m: &M, ty: ScalarType, at: usize) -> u64 {
    match ty.size() {
        1 if ty == ScalarType::Bool => u64::from(bool::get(m, at)),
        1 => u64::from(u8::get(m, at)),
        2 => u64::from(u16::get(m, at)),
        4 => u64::from(u32::get(m, at)),
        _ => u64::get(m, at),
    }
}

/// An index of any integer type, less its lower bound; the index itself where it is outside.
#[inline(never)]
fn bound<M: Window>(tables: &Tables<M::Word>, m: &M, ins: &Ins<M::Word>) -> Result<i32, i64> {
    let row = tables.bounds.get(ins.c.at()).ok_or(0)?;
    let index = signed(read_bits(m, row.ty, ins.b.at()), row.ty);
    let number = index - i128::from(row.lower);
    if number < 0 || index > i128::from(row.upper) {
        return Err(i64::try_from(index).unwrap_or(i64::MAX));
    }
    // Wraps like every i32 where the bounds span more than one: the verifier does not exclude it.
    Ok(number as i32)
}

fn bind(refs: &mut [u32], reference: usize, at: usize) {
    if let Some(slot) = refs.get_mut(reference) {
        *slot = at as u32;
    }
}
