//! Boolean blocks: a run of boolean operations becomes a few branch-free records.
//!
//! Nothing in a run can trap and nobody looks between two of its operations, so only what stands in memory at its end
//! counts. A value that is overwritten before the end is computed inside the records that need it, as long as they
//! take no more than four inputs; every place ends with the value that the operations, run one by one, would leave.
//!
//! A *signal* is the value of a place between two writes: what the place held at entry, or the result of an operation.
//! It is *current* while its place still holds it.

use super::op::{Ins, Opc, Record};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

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
    /// Records that must have run before this one's is done, itself included.
    depth: u32,
}

/// A run while it is being read.
pub(super) struct Block<F> {
    /// Value of a constant; `None` for places that are not in the constant pool.
    constant: F,
    numbers: HashMap<u32, usize, BuildHasherDefault<OffsetHasher>>,
    /// Every place met.
    places: Vec<Place>,
    results: Vec<Result>,
}

/// A place, by the offset its operations name it with.
#[derive(Clone, Copy)]
struct Place {
    offset: u32,
    /// The signal it holds.
    current: u32,
    /// The result it holds at the end.
    last: Option<usize>,
}

/// Offsets are few and spread by their low bits: one multiplication is hash enough.
#[derive(Default)]
struct OffsetHasher(u64);

impl Hasher for OffsetHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|b| self.write_u32(u32::from(*b)));
    }
    fn write_u32(&mut self, n: u32) {
        self.0 = (self.0 ^ u64::from(n)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    fn finish(&self) -> u64 {
        // The table takes its groups from the low bits and its tags from the high ones.
        self.0 ^ self.0 >> 32
    }
}

/// Signals at entry are numbered by place, results from here on.
const RESULTS: u32 = 1 << 31;

/// What a place holds at entry. Runs are limited to far fewer places and results than the numbers reach.
fn entry_signal(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(0)
}

fn result_signal(number: usize) -> u32 {
    RESULTS | entry_signal(number)
}

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
        Self { constant, numbers: HashMap::default(), places: Vec::new(), results: Vec::new() }
    }

    /// Turns a run of operations that belong into records, appended to `records`. Returns how many.
    pub(super) fn build(&mut self, run: &[Ins<u32>], records: &mut Vec<Record<u32>>) -> usize {
        self.numbers.clear();
        self.places.clear();
        self.results.clear();
        for (number, ins) in run.iter().enumerate() {
            let place = self.place(ins.a);
            if let Some(place) = self.places.get_mut(place) {
                place.last = Some(number);
            }
        }
        for ins in run {
            self.add(ins);
        }
        self.mark_needed();
        self.shorten();
        let before = records.len();
        for result in self.results.iter().filter(|r| r.needed) {
            let to = self.places.get(result.place).map_or(0, |p| p.offset);
            let first = result.cone.inputs().first().map_or(to, |s| self.offset(*s));
            let mut from = [first; INPUTS];
            for (slot, signal) in from.iter_mut().zip(result.cone.inputs()) {
                *slot = self.offset(*signal);
            }
            records.push(Record { from, to, table: result.cone.table });
        }
        records.len() - before
    }

    fn add(&mut self, ins: &Ins<u32>) {
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
            let Some((slot, wide)) = chosen.get(i).and_then(|c| Some((*c, self.widened(c)?))) else { continue };
            chosen.iter_mut().skip(i).take(1).for_each(|c| *c = wide);
            if union(chosen).is_none() {
                chosen.iter_mut().skip(i).take(1).for_each(|c| *c = slot);
            }
        }
        let cone = composed(table, chosen);
        let place = self.place(ins.a);
        let number = self.results.len();
        let mut needed = false;
        if let Some(place) = self.places.get_mut(place) {
            place.current = result_signal(number);
            needed = place.last == Some(number);
        }
        self.results.push(Result { place, cone, needed, depth: 1 });
    }

    /// An operand as a function of its own current signal.
    fn read(&mut self, offset: u32) -> Cone {
        if let Some(value) = (self.constant)(offset) {
            return Cone::constant(value);
        }
        let place = self.place(offset);
        Cone::of(self.places.get(place).map_or(0, |p| p.current))
    }

    /// The function behind a single signal, where that saves its record and all inputs are still current.
    fn widened(&self, cone: &Cone) -> Option<Cone> {
        let [signal] = cone.inputs() else { return None };
        let result = self.results.get(signal.checked_sub(RESULTS)? as usize)?;
        // A result that is stored anyway costs nothing to read.
        (!result.needed && result.cone.inputs().iter().all(|s| self.is_current(*s))).then_some(result.cone)
    }

    /// Lets records read what the records before them read, where that fits, instead of what those write: as many
    /// records, but fewer that wait for each other. A chain of seal-in rungs is then half as deep.
    fn shorten(&mut self) {
        for (number, place) in self.places.iter_mut().enumerate() {
            place.current = entry_signal(number);
        }
        for i in 0..self.results.len() {
            let Some(result) = self.results.get(i).filter(|r| r.needed) else { continue };
            let (place, mut cone) = (result.place, result.cone);
            while let Some(shorter) = self.without_deepest(&cone) {
                cone = shorter;
            }
            let depth = 1 + cone.inputs().iter().map(|s| self.depth(*s)).max().unwrap_or(0);
            if let Some(result) = self.results.get_mut(i) {
                (result.cone, result.depth) = (cone, depth);
            }
            if let Some(place) = self.places.get_mut(place) {
                place.current = result_signal(i);
            }
        }
    }

    /// The same function with its deepest input replaced by what that was computed from, if those are all current
    /// and few enough.
    fn without_deepest(&self, cone: &Cone) -> Option<Cone> {
        let deepest = *cone.inputs().iter().max_by_key(|s| self.depth(**s))?;
        let behind = self.results.get(deepest.checked_sub(RESULTS)? as usize)?.cone;
        if !behind.inputs().iter().all(|s| self.is_current(*s)) {
            return None;
        }
        let mut all = [Cone::constant(false); INPUTS + 1];
        let kept = cone.inputs().iter().filter(|s| **s != deepest).map(|s| Cone::of(*s));
        for (slot, input) in all.iter_mut().zip(kept.chain([behind])) {
            *slot = input;
        }
        let (inputs, count) = union(&all)?;
        let of = inputs.get(..count)?;
        let mut table = 0;
        for row in 0..ROWS {
            // What the inputs of the old function are in this row of the new one.
            let value = |signal: &u32| {
                if *signal == deepest { behind.value(of, row) } else { Cone::of(*signal).value(of, row) }
            };
            let old_row = cone.inputs().iter().enumerate().fold(0, |sum, (i, s)| sum | usize::from(value(s)) << i);
            table |= (cone.table >> old_row & 1) << row;
        }
        Some(Cone { inputs, count, table })
    }

    fn depth(&self, signal: u32) -> u32 {
        signal.checked_sub(RESULTS).and_then(|r| self.results.get(r as usize)).map_or(0, |r| r.depth)
    }

    fn is_current(&self, signal: u32) -> bool {
        self.places.get(self.place_of(signal)).is_some_and(|p| p.current == signal)
    }

    fn place(&mut self, offset: u32) -> usize {
        let next = self.places.len();
        let place = *self.numbers.entry(offset).or_insert(next);
        if place == next {
            self.places.push(Place { offset, current: entry_signal(next), last: None });
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
        self.places.get(self.place_of(signal)).map_or(0, |p| p.offset)
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
