//! The static frames: parameters and VAR_TEMP at fixed places, temporaries in slots that are used again.
//!
//! Nothing recurses, so every POU's frame exists once. A temporary needs its slot from its first to its last mention
//! in the linear code; where that range reaches into a loop from outside, to the end of the loop, because the next pass
//! reads it again.

use super::Input;
use super::layout::{Storage, align_up};
use super::types::TypeTable;
use crate::arena::Arena;
use crate::hir::PouId;
use crate::ir::{Func, InstKind, Temp, Val};
use crate::map::HashMap;
use crate::types::Ty;
use bytecode::ScalarType;
use bytecode::image::Slot;
use bytecode::types::Elementary;

/// Frames of all POUs in the image.
pub(super) struct Frames {
    /// Start of each POU's frame in the data segment.
    starts: Arena<PouId, u32>,
    /// Absolute offset of each temporary of each POU.
    temps: HashMap<PouId, Vec<u32>>,
    /// Every slot for temporaries: offset and type.
    slots: Vec<(u32, Ty)>,
    end: u64,
}

impl Frames {
    pub(super) fn new(input: &Input<'_>) -> Self {
        let mut starts = Arena::default();
        input.program.pous.ids().for_each(|_| {
            starts.push(0);
        });
        let mut frames =
            Self { starts, temps: HashMap::default(), slots: Vec::new(), end: u64::from(input.layout.end) };
        for func in input.funcs {
            frames.add(input, func);
        }
        frames
    }

    fn add(&mut self, input: &Input<'_>, func: &Func) {
        let start = align_up(self.end, 8);
        self.starts[func.pou] = u32::try_from(start).unwrap_or(u32::MAX);
        let mut at = start + u64::from(input.layout.frame_bytes[func.pou]);
        let assignment = assign(func);
        let mut offsets: Vec<u32> = Vec::with_capacity(assignment.slots.len());
        for scalar in &assignment.slots {
            at = align_up(at, scalar.size());
            let offset = u32::try_from(at).unwrap_or(u32::MAX);
            offsets.push(offset);
            self.slots.push((offset, Ty::of(slot_type(*scalar))));
            at += u64::from(scalar.size());
        }
        let temps = assignment.of_temp.iter().map(|s| offsets.get(*s as usize).copied().unwrap_or(0)).collect();
        self.temps.insert(func.pou, temps);
        self.end = at;
    }

    /// First byte after all frames.
    pub(super) fn end(&self) -> u64 {
        align_up(self.end, 8)
    }

    /// Start of a POU's frame.
    pub(super) fn start(&self, pou: PouId) -> u32 {
        self.starts[pou]
    }

    /// Where a temporary stands.
    pub(super) fn temp(&self, pou: PouId, temp: Temp) -> u32 {
        self.temps.get(&pou).and_then(|t| t.get(temp.0 as usize)).copied().unwrap_or(0)
    }

    /// Every slot of the data segment, in order.
    pub(super) fn data_slots(&self, input: &Input<'_>, types: &mut TypeTable) -> Vec<Slot> {
        let mut slots: Vec<(u32, Ty)> = Vec::new();
        for ((_, global), offset) in input.program.globals.iter().zip(input.layout.globals.values()) {
            if global.location.is_none() {
                slots.push((*offset, global.ty));
            }
        }
        for (instance, offset) in input.program.instances.iter().zip(&input.layout.instances) {
            if let Some(ty) = input.program.pous[instance.pou].instance {
                slots.push((*offset, ty));
            }
        }
        for func in input.funcs {
            for (var, variable) in input.program.pous[func.pou].vars.iter() {
                if let Storage::Frame(offset) = input.layout.storage(func.pou, var) {
                    slots.push((self.start(func.pou) + offset, variable.ty));
                }
            }
        }
        slots.extend(&self.slots);
        slots.sort_unstable_by_key(|(offset, _)| *offset);
        slots.into_iter().map(|(offset, ty)| Slot { offset, ty: types.id(input, ty) }).collect()
    }
}

fn slot_type(scalar: ScalarType) -> Elementary {
    match scalar {
        ScalarType::Bool => Elementary::Bool,
        ScalarType::I8 => Elementary::Sint,
        ScalarType::U8 => Elementary::Usint,
        ScalarType::I16 => Elementary::Int,
        ScalarType::U16 => Elementary::Uint,
        ScalarType::I32 => Elementary::Dint,
        ScalarType::U32 => Elementary::Udint,
        ScalarType::I64 => Elementary::Lint,
        ScalarType::U64 => Elementary::Ulint,
        ScalarType::F32 => Elementary::Real,
        ScalarType::F64 => Elementary::Lreal,
    }
}

/// Which slot each temporary has.
struct Assignment {
    slots: Vec<ScalarType>,
    of_temp: Vec<u32>,
}

/// First and last mention of every temporary; `None` where there is none.
fn mentions(func: &Func) -> Vec<Option<(u32, u32)>> {
    let mut ranges: Vec<Option<(u32, u32)>> = vec![None; func.temps.len()];
    for (at, inst) in (0u32..).zip(&func.code) {
        let mut kind = inst.kind;
        let mut see = |val: Val| {
            if let Val::Temp(temp) = val
                && let Some(range) = ranges.get_mut(temp.0 as usize)
            {
                *range = Some(range.map_or((at, at), |(first, _)| (first, at)));
            }
        };
        kind.reads(|val, _| see(*val));
        if let Some((dst, _)) = kind.written() {
            see(dst);
        }
    }
    ranges
}

/// Loops as ranges of positions, from the head to the last jump back, outermost first for each head.
fn loops(func: &Func) -> Vec<(u32, u32)> {
    let mut heads: Vec<Option<u32>> = vec![None; func.labels as usize];
    let mut ends: HashMap<u32, u32> = HashMap::default();
    for (at, inst) in (0u32..).zip(&func.code) {
        let to = match inst.kind {
            InstKind::Label(label) => {
                if let Some(head) = heads.get_mut(label.0 as usize) {
                    *head = Some(at);
                }
                continue;
            }
            InstKind::Jump(to) | InstKind::Branch { to, .. } => to,
            _ => continue,
        };
        // A head that is known already lies behind: this jumps back.
        if let Some(Some(head)) = heads.get(to.0 as usize) {
            ends.insert(*head, at);
        }
    }
    let mut loops: Vec<(u32, u32)> = ends.into_iter().collect();
    loops.sort_unstable();
    loops
}

/// How far each range has to reach so that no loop it enters from outside ends later.
fn extend(ranges: &mut [Option<(u32, u32)>], loops: &[(u32, u32)]) {
    if loops.is_empty() {
        return;
    }
    // Parents of loops: the innermost loop around each. Loops are nested or disjoint because the source is structured.
    let mut parents: Vec<Option<usize>> = Vec::with_capacity(loops.len());
    let mut open: Vec<usize> = Vec::new();
    for (i, (head, _)) in loops.iter().enumerate() {
        while open.last().and_then(|o| loops.get(*o)).is_some_and(|(_, end)| end < head) {
            open.pop();
        }
        parents.push(open.last().copied());
        open.push(i);
    }
    for (first, last) in ranges.iter_mut().flatten() {
        // The innermost loop that contains the last mention.
        let mut around = loops.partition_point(|(head, _)| *head <= *last).checked_sub(1);
        let mut reach = *last;
        while let Some(i) = around {
            let Some((head, end)) = loops.get(i).copied() else { break };
            if end >= *last && head > *first {
                reach = reach.max(end);
            }
            around = parents.get(i).copied().flatten();
        }
        *last = reach;
    }
}

fn assign(func: &Func) -> Assignment {
    let mut ranges = mentions(func);
    extend(&mut ranges, &loops(func));
    let mut order: Vec<(u32, u32, usize)> =
        ranges.iter().enumerate().filter_map(|(temp, range)| range.map(|(first, last)| (first, last, temp))).collect();
    order.sort_unstable();
    let mut slots: Vec<ScalarType> = Vec::new();
    let mut of_temp: Vec<u32> = vec![0; func.temps.len()];
    // Free slots by type, and those that become free after a position.
    let mut free: HashMap<ScalarType, Vec<u32>> = HashMap::default();
    let mut busy: std::collections::BinaryHeap<std::cmp::Reverse<(u32, u32)>> = std::collections::BinaryHeap::new();
    for (first, last, temp) in order {
        // A slot read for the last time where another temporary is written can serve it: reads come before the write.
        while let Some(std::cmp::Reverse((until, slot))) = busy.peek().copied() {
            if until > first {
                break;
            }
            busy.pop();
            if let Some(scalar) = slots.get(slot as usize) {
                free.entry(*scalar).or_default().push(slot);
            }
        }
        let Some(scalar) = func.temps.get(temp).copied() else { continue };
        let slot = free.get_mut(&scalar).and_then(Vec::pop).unwrap_or_else(|| {
            slots.push(scalar);
            u32::try_from(slots.len() - 1).unwrap_or(u32::MAX)
        });
        busy.push(std::cmp::Reverse((last, slot)));
        if let Some(place) = of_temp.get_mut(temp) {
            *place = slot;
        }
    }
    Assignment { slots, of_temp }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Inst, Label};
    use bytecode::Op;

    fn func(temps: usize, labels: u32, code: Vec<InstKind>) -> Func {
        let code = code.into_iter().map(|kind| Inst { kind, origin: 0 }).collect();
        Func { pou: PouId(0), temps: vec![ScalarType::Bool; temps], code, labels, own_refs: vec![], origins: vec![] }
    }

    fn mov(dst: u32, src: Val) -> InstKind {
        let args = [src, Val::Const(0), Val::Const(0)];
        InstKind::Apply { op: Op::Mov, ty: ScalarType::Bool, source: None, dst: Val::Temp(Temp(dst)), args }
    }

    #[test]
    fn a_slot_is_used_again_after_the_last_read() {
        let t = |i| Val::Temp(Temp(i));
        let assignment = assign(&func(3, 0, vec![mov(0, Val::Const(1)), mov(1, t(0)), mov(2, t(1))]));
        assert_eq!(assignment.slots.len(), 1);
    }

    #[test]
    fn what_a_loop_reads_from_outside_lives_to_its_end() {
        let t = |i| Val::Temp(Temp(i));
        let top = Label(0);
        let code = vec![
            mov(0, Val::Const(1)),
            InstKind::Label(top),
            mov(1, t(0)),
            mov(2, Val::Const(0)),
            InstKind::Branch { to: top, cond: t(2), when: true },
        ];
        let assignment = assign(&func(3, 1, code));
        assert_ne!(assignment.of_temp[0], assignment.of_temp[2], "the next pass reads temporary 0 again");
    }
}
