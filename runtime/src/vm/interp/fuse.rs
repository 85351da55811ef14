//! Fusing: frequent sequences of private instructions become one, in the slot of the first.
//!
//! The instructions replaced stay in their slots (see [`super::op`]), so fusing never moves code and needs to know
//! branch targets only to keep boolean blocks whole: a block that is entered in the middle would run unfused.

use super::super::memory::Layout;
use super::super::standard::Standard;
use super::blocks::{self, Block};
use super::op::{Ins, Opc, halves, weight_and_slots, weight_with_slots};
use super::translate::{Translation, by_size};
use bytecode::ScalarType;

/// Fewest operations worth a block.
const BLOCK_MIN: usize = 2;
/// Most operations in a block: its length must fit a 16-bit word.
const BLOCK_MAX: usize = 32_768;

/// Fuses what stands from slot `start` on; `is_target` says of each of those slots whether a branch leads there.
pub(super) fn fuse(out: &mut Translation, start: usize, is_target: &[bool], layout: Layout, constants: &[u8]) {
    let constant = |offset: u32| {
        let at = (offset as usize).checked_sub(layout.constants_at)?;
        constants.get(at).map(|byte| *byte != 0)
    };
    let mut block = Block::new(constant);
    let mut standard = standard_blocks(out, start).into_iter().peekable();
    let mut slot = start;
    while slot < out.code.len() {
        if let Some((_, fused)) = standard.next_if(|(at, _)| *at == slot) {
            put(out, slot, fused);
            slot += weight_and_slots(fused.d as usize).1;
            continue;
        }
        let limit = standard.peek().map_or(BLOCK_MAX, |(at, _)| BLOCK_MAX.min(at - slot));
        let run = run_length(out, start, slot, is_target, limit);
        if run >= BLOCK_MIN {
            let records_at = out.records.len();
            let body = out.code.get(slot..slot + run).unwrap_or_default();
            let count = block.build(body, &mut out.records);
            let (low, high) = halves(u32::try_from(records_at).unwrap_or(u32::MAX));
            let words = [low, high, u32::try_from(count).unwrap_or(0), u32::try_from(run).unwrap_or(0), 0];
            put(out, slot, Ins::new(Opc::Block, words));
            slot += run;
        } else if let Some(fused) = count_and_branch(out, slot) {
            put(out, slot, fused);
            slot += 3;
        } else if let Some(fused) = compare_and_branch(out, slot) {
            put(out, slot, fused);
            slot += 2;
        } else {
            slot += 1;
        }
    }
}

fn put(out: &mut Translation, slot: usize, ins: Ins<u32>) {
    if let Some(to) = out.code.get_mut(slot) {
        *to = ins;
    }
}

/// How many boolean operations stand here before something else or a branch target.
fn run_length(out: &Translation, start: usize, slot: usize, is_target: &[bool], limit: usize) -> usize {
    let code = out.code.get(slot..).unwrap_or_default();
    let belongs = code.iter().take(limit).take_while(|i| blocks::belongs(i.op)).count();
    let targets = is_target.get(slot - start..).unwrap_or_default();
    let next_target = targets.iter().skip(1).take(belongs).position(|t| *t);
    next_target.map_or(belongs, |n| belongs.min(n + 1))
}

/// Calls of standard blocks on instances that always stand at the same place, each with the moves of its inputs right
/// before it: slot of the first move, and the instruction that goes there.
fn standard_blocks(out: &Translation, start: usize) -> Vec<(usize, Ins<u32>)> {
    let body = out.code.get(start..).unwrap_or_default();
    let mut found = Vec::new();
    let mut free_from = start;
    for (lea, pair) in (start..).zip(body.windows(2)) {
        let [place, call] = pair else { continue };
        let Some(block) = Standard::of(call.op) else { continue };
        let Some(op) = block.at_place() else { continue };
        if place.op != Opc::LeaData {
            continue;
        }
        let base = place.a | place.b << 16;
        let mut first = lea;
        let mut sources = [base; 3];
        // Moves stand in the order of the inputs; an input not moved keeps its value, moved to itself.
        for ((field, ty), source) in block.inputs().iter().zip(&mut sources).rev() {
            *source = base + field;
            let earlier = first.checked_sub(1).filter(|slot| *slot >= free_from);
            let Some(slot) = earlier else { continue };
            if let Some(mov) = out.code.get(slot).filter(|i| i.op == mov_of(*ty) && i.a == base + field) {
                *source = mov.b;
                first = slot;
            }
        }
        let slots = u32::try_from(lea + 2 - first).unwrap_or(u32::MAX);
        let Some(d) = weight_with_slots(call.e, slots) else { continue };
        free_from = lea + 2;
        let [b, c, e] = sources;
        found.push((first, Ins::new(op, [base, b, c, d, e])));
    }
    found
}

fn mov_of(ty: ScalarType) -> Opc {
    if ty == ScalarType::Bool { Opc::MovB } else { by_size(ty, [Opc::Mov1, Opc::Mov2, Opc::Mov4, Opc::Mov8]) }
}

/// The end of a counting loop: a comparison, its counter counted on, and a branch back on what was compared.
fn count_and_branch(out: &Translation, slot: usize) -> Option<Ins<u32>> {
    let [compare, add, branch] = out.code.get(slot..slot + 3)? else { return None };
    let (up, down, sum) = match compare.op {
        Opc::LtI32 => (Opc::UpLtI32, Opc::DownLtI32, Opc::Add4),
        Opc::LeI32 => (Opc::UpLeI32, Opc::DownLeI32, Opc::Add4),
        Opc::LtI16 => (Opc::UpLtI16, Opc::DownLtI16, Opc::Add2),
        Opc::LeI16 => (Opc::UpLeI16, Opc::DownLeI16, Opc::Add2),
        _ => return None,
    };
    if add.op != sum || add.a != add.b || branch.op != Opc::JtL || branch.b != compare.a {
        return None;
    }
    let op = [(up, compare.b), (down, compare.c)].into_iter().find(|(_, counter)| *counter == add.a)?.0;
    Some(Ins::new(op, [compare.a, compare.b, compare.c, branch.d, add.c]))
}

/// A comparison and a conditional branch on its result.
fn compare_and_branch(out: &Translation, slot: usize) -> Option<Ins<u32>> {
    let first = out.code.get(slot)?;
    let branch = out.code.get(slot + 1)?;
    if branch.b != first.a {
        return None;
    }
    let [if_true, if_true_loop, if_false, if_false_loop] = branches_of(first.op)?;
    let op = match branch.op {
        Opc::Jt => if_true,
        Opc::JtL => if_true_loop,
        Opc::Jf => if_false,
        Opc::JfL => if_false_loop,
        _ => return None,
    };
    Some(Ins::new(op, [first.a, first.b, first.c, branch.d, 0]))
}

fn branches_of(op: Opc) -> Option<[Opc; 4]> {
    Some(match op {
        Opc::Eq4 => [Opc::TEq4, Opc::TLEq4, Opc::FEq4, Opc::FLEq4],
        Opc::Ne4 => [Opc::TNe4, Opc::TLNe4, Opc::FNe4, Opc::FLNe4],
        Opc::LtI32 => [Opc::TLtI32, Opc::TLLtI32, Opc::FLtI32, Opc::FLLtI32],
        Opc::LeI32 => [Opc::TLeI32, Opc::TLLeI32, Opc::FLeI32, Opc::FLLeI32],
        Opc::Eq2 => [Opc::TEq2, Opc::TLEq2, Opc::FEq2, Opc::FLEq2],
        Opc::Ne2 => [Opc::TNe2, Opc::TLNe2, Opc::FNe2, Opc::FLNe2],
        Opc::LtI16 => [Opc::TLtI16, Opc::TLLtI16, Opc::FLtI16, Opc::FLLtI16],
        Opc::LeI16 => [Opc::TLeI16, Opc::TLLeI16, Opc::FLeI16, Opc::FLLeI16],
        Opc::LtI64 => [Opc::TLtI64, Opc::TLLtI64, Opc::FLtI64, Opc::FLLtI64],
        Opc::LeI64 => [Opc::TLeI64, Opc::TLLeI64, Opc::FLeI64, Opc::FLLeI64],
        Opc::LtF32 => [Opc::TLtF32, Opc::TLLtF32, Opc::FLtF32, Opc::FLLtF32],
        Opc::LeF32 => [Opc::TLeF32, Opc::TLLeF32, Opc::FLeF32, Opc::FLLeF32],
        _ => return None,
    })
}

/// The form of a branch that takes the charge it leads to on the way.
pub(super) const fn charging(op: Opc) -> Opc {
    match op {
        Opc::Jmp => Opc::JmpL,
        Opc::Jt => Opc::JtL,
        Opc::Jf => Opc::JfL,
        other => other,
    }
}
