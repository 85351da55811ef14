//! Boolean blocks: a run of boolean operations becomes a few branch-free records.
//!
//! Nothing in a run can trap and nobody looks between two of its operations, so only what stands in memory at its end
//! counts. A value that is overwritten before the end is computed inside the records that need it, as long as they
//! take no more than four inputs; every place ends with the value that the operations, run one by one, would leave.
//!
//! A *signal* is the value of a place between two writes: number `p` below [`Block::places`]' length is what place `p`
//! held at entry, higher numbers are results of operations. A signal is *current* while its place still holds it.

use super::op::{Ins, Opc, Record};
use std::collections::HashMap;

/// Most inputs of a record.
const INPUTS: usize = 4;
/// Rows of a truth table.
const ROWS: usize = 1 << INPUTS;

/// A function of up to four signals.
#[derive(Clone, Copy, Debug)]
struct Cone {
    inputs: [u32; INPUTS],
    count: usize,
    table: u16,
}

impl Cone {
    const fn constant(value: bool) -> Self {
        Self { inputs: [0; INPUTS], count: 0, table: if value { u16::MAX } else { 0 } }
    }

    const fn of(signal: u32) -> Self {
        Self { inputs: [signal, 0, 0, 0], count: 1, table: 0xaaaa }
    }

    fn inputs(&self) -> &[u32] {
        self.inputs.get(..self.count).unwrap_or_default()
    }

    /// Value where the inputs have these values, given as bits in the order of `of`.
    fn value(&self, of: &[u32], row: usize) -> bool {
        let mut own_row = 0;
        for (i, input) in self.inputs().iter().enumerate() {
            let place = of.iter().position(|s| s == input).unwrap_or(0);
            own_row |= (row >> place & 1) << i;
        }
        self.table >> own_row & 1 == 1
    }
}

/// What an operation of a run leaves.
struct Result {
    place: usize,
    cone: Cone,
    needed: bool,
}

/// A run while it is being read.
pub(super) struct Block<F> {
    /// Value of a constant; `None` for places that are not in the constant pool.
    constant: F,
    numbers: HashMap<u32, usize>,
    /// Offset and current signal of every place met.
    places: Vec<(u32, u32)>,
    /// Place of every entry signal is its own number, so they are numbered before the results: see `entry`.
    results: Vec<Result>,
}

/// Signals at entry are numbered by place, results from here on.
const RESULTS: u32 = 1 << 31;

/// Can an operation stand in a boolean block?
pub(super) const fn belongs(op: Opc) -> bool {
    matches!(
        op,
        Opc::MovB | Opc::NotB | Opc::AndB | Opc::OrB | Opc::XorB | Opc::XnorB | Opc::AndNotB | Opc::OrNotB | Opc::SelB
    )
}

/// Truth table of an operation on its operands b, c, d as inputs 0, 1, 2, and how many it has.
const fn function(op: Opc) -> (u8, usize) {
    match op {
        Opc::MovB => (0xaa, 1),
        Opc::NotB => (0x55, 1),
        Opc::AndB => (0x88, 2),
        Opc::OrB => (0xee, 2),
        Opc::XorB => (0x66, 2),
        Opc::XnorB => (0x99, 2),
        Opc::AndNotB => (0x22, 2),
        Opc::OrNotB => (0xbb, 2),
        // b ? d : c
        Opc::SelB => (0xe4, 3),
        _ => (0, 0),
    }
}

impl<F: Fn(u32) -> Option<bool>> Block<F> {
    pub(super) fn new(constant: F) -> Self {
        Self { constant, numbers: HashMap::new(), places: Vec::new(), results: Vec::new() }
    }

    /// Turns a run of operations that belong into records, appended to `records`. Returns how many.
    pub(super) fn build(&mut self, run: &[Ins<u32>], records: &mut Vec<Record<u32>>) -> usize {
        self.numbers.clear();
        self.places.clear();
        self.results.clear();
        let last_writes = last_writes(run);
        for (ins, last) in run.iter().zip(last_writes) {
            self.add(ins, last);
        }
        self.mark_needed();
        let before = records.len();
        for result in self.results.iter().filter(|r| r.needed) {
            let to = self.places.get(result.place).map_or(0, |p| p.0);
            let first = result.cone.inputs().first().map_or(to, |s| self.offset(*s));
            let mut from = [first; INPUTS];
            for (slot, signal) in from.iter_mut().zip(result.cone.inputs()) {
                *slot = self.offset(*signal);
            }
            records.push(Record { from, to, table: result.cone.table });
        }
        records.len() - before
    }

    fn add(&mut self, ins: &Ins<u32>, is_last_write: bool) {
        let (table, arity) = function(ins.op);
        let operands = [ins.b, ins.c, ins.d];
        let operands = operands.get(..arity).unwrap_or_default();
        // Every operand as one signal (or constant), and as the function it stands for.
        let mut chosen = [Cone::constant(false); 3];
        for (slot, operand) in chosen.iter_mut().zip(operands) {
            *slot = self.read(*operand);
        }
        let chosen = chosen.get_mut(..arity).unwrap_or_default();
        for i in 0..arity {
            let Some(wide) = chosen.get(i).and_then(|c| self.widened(c)) else { continue };
            let others = chosen.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, c)| *c);
            let all: Vec<Cone> = others.chain([wide]).collect();
            if union(&all).is_some()
                && let Some(slot) = chosen.get_mut(i)
            {
                *slot = wide;
            }
        }
        let cone = composed(table, chosen);
        let place = self.place(ins.a);
        let signal = RESULTS + u32::try_from(self.results.len()).unwrap_or(0);
        if let Some(current) = self.places.get_mut(place) {
            current.1 = signal;
        }
        self.results.push(Result { place, cone, needed: is_last_write });
    }

    /// An operand as a function of its own current signal.
    fn read(&mut self, offset: u32) -> Cone {
        if let Some(value) = (self.constant)(offset) {
            return Cone::constant(value);
        }
        let place = self.place(offset);
        Cone::of(self.places.get(place).map_or(0, |p| p.1))
    }

    /// The function behind a single signal, where that saves its record and all inputs are still current.
    fn widened(&self, cone: &Cone) -> Option<Cone> {
        let [signal] = cone.inputs() else { return None };
        let result = self.results.get(signal.checked_sub(RESULTS)? as usize)?;
        let current = |s: &u32| self.places.get(self.place_of(*s)).is_some_and(|p| p.1 == *s);
        // A result that is stored anyway costs nothing to read.
        (!result.needed && result.cone.inputs().iter().all(current)).then_some(result.cone)
    }

    fn place(&mut self, offset: u32) -> usize {
        let next = self.places.len();
        let place = *self.numbers.entry(offset).or_insert(next);
        if place == next {
            self.places.push((offset, u32::try_from(next).unwrap_or(0)));
        }
        place
    }

    fn place_of(&self, signal: u32) -> usize {
        match signal.checked_sub(RESULTS) {
            Some(result) => self.results.get(result as usize).map_or(0, |r| r.place),
            None => signal as usize,
        }
    }

    fn offset(&self, signal: u32) -> u32 {
        self.places.get(self.place_of(signal)).map_or(0, |p| p.0)
    }

    /// A result is needed when it is the last of its place, or an input of a needed one. Inputs come earlier.
    fn mark_needed(&mut self) {
        for i in (0..self.results.len()).rev() {
            let Some(cone) = self.results.get(i).filter(|r| r.needed).map(|r| r.cone) else { continue };
            for signal in cone.inputs() {
                let input = signal.checked_sub(RESULTS).and_then(|r| self.results.get_mut(r as usize));
                if let Some(input) = input {
                    input.needed = true;
                }
            }
        }
    }
}

/// For every operation: is it the last of the run that writes its place?
fn last_writes(run: &[Ins<u32>]) -> Vec<bool> {
    let mut seen = std::collections::HashSet::with_capacity(run.len());
    let mut last: Vec<bool> = run.iter().rev().map(|ins| seen.insert(ins.a)).collect();
    last.reverse();
    last
}

/// Inputs of all, without repetition, if there are at most four.
fn union(cones: &[Cone]) -> Option<([u32; INPUTS], usize)> {
    let mut inputs = [0; INPUTS];
    let mut count = 0;
    for signal in cones.iter().flat_map(Cone::inputs) {
        if !inputs.get(..count)?.contains(signal) {
            *inputs.get_mut(count)? = *signal;
            count += 1;
        }
    }
    Some((inputs, count))
}

/// A function (rows numbered by the operands' values, first operand lowest) of functions.
fn composed(table: u8, operands: &[Cone]) -> Cone {
    // At most three operands of one signal each, or what `union` allowed.
    let Some((inputs, count)) = union(operands) else { return Cone::constant(false) };
    let of = inputs.get(..count).unwrap_or_default();
    let mut result = 0;
    for row in 0..ROWS {
        let mut operand_row = 0;
        for (i, operand) in operands.iter().enumerate() {
            operand_row |= usize::from(operand.value(of, row)) << i;
        }
        result |= u16::from(table >> operand_row & 1 == 1) << row;
    }
    Cone { inputs, count, table: result }
}
