//! Random runs of a system, 64 at a time: states that surely can be reached, to throw out candidate lemmas before the solver
//! is asked.
//!
//! Where a run comes to rest but for counters, they are advanced to just before the next value they are compared with, as in
//! the bounded search: every state seen is one the system can reach.

use super::predicates::{Literal, Predicate};
use crate::graph::{Graph, Leaf, Lit, Node};
use crate::model::Start;
use crate::system::System;

/// The predicates before some scan, one bit for each run.
pub type Sample = Vec<u64>;

/// Runs at the same time.
const LANES: usize = 64;
/// Runs whose inputs are TRUE most of the time, and seldom change: chains of rungs come to their end in them.
const PATIENT: u64 = 0xff00_0000_0000_0000;

/// Runs whose inputs are as usual, where anything is known of that: read-backs follow their contacts, and the supply is there.
const USUAL: u64 = 0xcccc_cccc_cccc_cccc;

/// What random runs have seen.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Before each scan.
    pub states: Vec<States>,
    /// Some scan broke the property: it surely can be broken.
    pub broken: bool,
}

/// States of 64 runs before some scan.
#[derive(Clone, Debug)]
pub struct States {
    latches: Vec<u64>,
    counters: Vec<[u64; LANES]>,
}

/// 64 runs side by side.
#[derive(Debug)]
pub struct Runs<'a> {
    system: &'a System,
    latches: Vec<u64>,
    counters: Vec<[u64; LANES]>,
    inputs: Vec<u64>,
    values: Vec<u64>,
    random: u64,
    broken: bool,
}

/// The states before so many scans of 64 runs.
#[must_use]
pub fn states(system: &System, scans: usize) -> Seen {
    let mut runs = Runs::new(system);
    let mut states = vec![runs.states()];
    for scan in 0..scans {
        runs.next(scan);
        states.push(runs.states());
    }
    Seen { states, broken: runs.broken }
}

/// Is the property broken in one of 64 random runs of at most so many scans? `false` says nothing.
#[must_use]
pub fn breaks(system: &System, scans: usize) -> bool {
    let mut runs = Runs::new(system);
    (0..scans).any(|scan| {
        runs.next(scan);
        runs.broken
    })
}

/// The lowest bit of each lane's number. Without a branch, because lemmas are filtered by millions of them.
fn packed(numbers: impl Iterator<Item = u64>) -> u64 {
    let mut bytes = [0u8; LANES];
    for (byte, number) in bytes.iter_mut().zip(numbers) {
        *byte = u8::from(number & 1 == 1);
    }
    let (eights, _) = bytes.as_chunks::<8>();
    // The product moves the lowest bit of each byte to the highest byte.
    let bits = |eight: &[u8; 8]| u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
    eights.iter().zip(0..).fold(0, |word, (eight, at)| word | bits(eight) << (8 * at))
}

/// A counter of all runs.
fn counts(counters: &[[u64; LANES]], counter: u32) -> &[u64; LANES] {
    counters.get(counter as usize).unwrap_or(&[0; LANES])
}

fn at_least(counters: &[[u64; LANES]], counter: u32, threshold: u64) -> u64 {
    packed(counts(counters, counter).iter().map(|count| u64::from(*count >= threshold)))
}

fn bit_of(counters: &[[u64; LANES]], counter: u32, bit: u32) -> u64 {
    packed(counts(counters, counter).iter().map(|count| count >> bit))
}

impl States {
    /// A predicate in these states.
    #[must_use]
    pub fn word(&self, predicate: Predicate) -> u64 {
        let counters = &self.counters;
        match predicate {
            Predicate::Latch(n) => self.latches.get(n as usize).copied().unwrap_or(0),
            Predicate::AtLeast { counter, threshold } => at_least(counters, counter, threshold),
            Predicate::CounterBit { counter, bit } => bit_of(counters, counter, bit),
            Predicate::Order { left, right, by } => {
                let pairs = counts(counters, left).iter().zip(counts(counters, right));
                packed(pairs.map(|(a, b)| u64::from(*a >= b.saturating_add(by))))
            }
        }
    }

    /// The predicates in these states.
    #[must_use]
    pub fn sample(&self, predicates: &[Predicate]) -> Sample {
        predicates.iter().map(|predicate| self.word(*predicate)).collect()
    }

    /// Greatest amount by which one counter is ahead of another in these runs: in all states, in those in which the other one
    /// counts, and in those in which it is below its maximum.
    #[must_use]
    pub fn ahead(&self, left: u32, (right, max): (u32, u64), runs: u64) -> [Option<i64>; 3] {
        // No counter comes near to that.
        const NEVER: i64 = i64::MIN;
        let mut most = [NEVER; 3];
        if let (Some(a), Some(b)) = (self.counters.get(left as usize), self.counters.get(right as usize)) {
            for (lane, (a, b)) in a.iter().zip(b).enumerate() {
                let by = a.cast_signed() - b.cast_signed();
                let runs = runs >> lane & 1 == 1;
                for (most, counts) in most.iter_mut().zip([true, *b > 0, *b < max]) {
                    *most = (*most).max(if runs && counts { by } else { NEVER });
                }
            }
        }
        most.map(|by| Some(by).filter(|by| *by != NEVER))
    }

    /// The runs in which a latch is set.
    #[must_use]
    pub fn set(&self, latch: u32) -> u64 {
        self.latches.get(latch as usize).copied().unwrap_or(0)
    }
}

impl<'a> Runs<'a> {
    fn new(system: &'a System) -> Self {
        let mut runs = Self {
            system,
            latches: vec![0; system.latches.len()],
            counters: vec![[0; LANES]; system.counters.len()],
            inputs: vec![0; system.inputs.len()],
            values: Vec::new(),
            random: 0x2545_f491_4f6c_dd1d,
            broken: false,
        };
        runs.restart(u64::MAX);
        runs
    }

    /// Runs that all begin in one state, given as bits of latches and values of counters.
    #[must_use]
    pub fn from_state(system: &'a System, latches: &[bool], counters: &[u64], random: u64) -> Self {
        let mut runs = Self::new(system);
        runs.latches = latches.iter().map(|value| if *value { u64::MAX } else { 0 }).collect();
        runs.counters = counters.iter().map(|value| [*value; LANES]).collect();
        // A generator that is 0 stays so.
        runs.random = random | 1;
        runs
    }

    /// One scan. Runs begin anew now and then.
    pub fn next(&mut self, scan: usize) {
        if scan % 97 == 96 {
            // Those that are patient go on for longer.
            let some = self.word() & self.word() & if scan % 970 == 960 { u64::MAX } else { !PATIENT };
            self.restart(some);
        }
        self.step(scan);
    }

    fn word(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    fn restart(&mut self, lanes: u64) {
        for i in 0..self.latches.len() {
            let start = match self.system.latches.get(i).map(|l| l.start) {
                Some(Start::Value(true)) => u64::MAX,
                Some(Start::Value(false)) | None => 0,
                Some(Start::Free) => self.word(),
            };
            if let Some(latch) = self.latches.get_mut(i) {
                *latch = *latch & !lanes | start & lanes;
            }
        }
        for counter in &mut self.counters {
            for (lane, count) in counter.iter_mut().enumerate() {
                if lanes >> lane & 1 == 1 {
                    *count = 0;
                }
            }
        }
    }

    fn evaluate(&mut self) {
        let mut values = std::mem::take(&mut self.values);
        values.clear();
        for node in self.system.graph.nodes() {
            let value = match node {
                Node::Constant => 0,
                Node::And(a, b) => word_at(&values, a) & word_at(&values, b),
                Node::Leaf(Leaf::Input(n)) => self.inputs.get(n as usize).copied().unwrap_or(0),
                Node::Leaf(Leaf::Latch(n)) => self.latches.get(n as usize).copied().unwrap_or(0),
                Node::Leaf(Leaf::AtLeast { counter, threshold }) => at_least(&self.counters, counter, threshold),
                Node::Leaf(Leaf::CounterBit { counter, bit }) => bit_of(&self.counters, counter, bit),
            };
            values.push(value);
        }
        self.values = values;
    }

    /// The states before the next scan.
    #[must_use]
    pub fn states(&self) -> States {
        States { latches: self.latches.clone(), counters: self.counters.clone() }
    }

    fn step(&mut self, scan: usize) {
        // Runs differ in how nervous their inputs are.
        for i in 0..self.inputs.len() {
            let mut change = self.word() & self.word();
            // Lanes of every second group keep their inputs longer.
            let slow = self.word() & self.word() & self.word();
            change &= 0x0000_ffff_0000_ffff | slow;
            if scan.is_multiple_of(3) {
                change &= 0x00ff_00ff_00ff_00ff | self.word() & slow;
            }
            let mut fresh = self.word();
            change &= !PATIENT | self.word() & slow;
            fresh |= PATIENT & (self.word() | self.word());
            if scan == 0 {
                (change, fresh) = (u64::MAX, fresh | PATIENT);
            }
            if let Some(input) = self.inputs.get_mut(i) {
                *input = *input & !change | fresh & change;
            }
        }
        for usual in &self.system.advice.usual {
            let as_usual = match usual.latch {
                Some(latch) => self.latches.get(latch as usize).copied().unwrap_or(0),
                None => u64::MAX,
            };
            let as_usual = as_usual ^ if usual.inverted { u64::MAX } else { 0 };
            if let Some(input) = self.inputs.get_mut(usual.input as usize) {
                *input = *input & !USUAL | as_usual & USUAL;
            }
        }
        self.evaluate();
        let forbidden = !word_at(&self.values, self.system.constraint);
        self.broken |= word_at(&self.values, self.system.bad) & !forbidden != 0;
        let latches: Vec<u64> = self.system.latches.iter().map(|l| word_at(&self.values, l.next)).collect();
        let moved = latches.iter().zip(&self.latches).fold(0, |moved, (a, b)| moved | a ^ b);
        let runs: Vec<(u64, u64)> = self
            .system
            .counters
            .iter()
            .map(|c| (word_at(&self.values, c.run), word_at(&self.values, c.hold)))
            .collect();
        for lane in 0..LANES {
            let extra = if (moved | forbidden) >> lane & 1 == 1 { 0 } else { self.extra(lane, &runs) };
            for ((counter, counts), (run, hold)) in self.system.counters.iter().zip(&mut self.counters).zip(&runs) {
                let Some(count) = counts.get_mut(lane) else { continue };
                *count = match (run >> lane & 1 == 1, hold >> lane & 1 == 1) {
                    (true, _) => count.saturating_add(1 + extra).min(counter.max),
                    (false, true) => *count,
                    (false, false) => 0,
                };
            }
        }
        self.latches = latches;
        // A scan outside of what is looked at ends its run.
        self.restart(forbidden);
    }

    /// How often the scan just done may be repeated in a lane whose latches are at rest.
    fn extra(&self, lane: usize, runs: &[(u64, u64)]) -> u64 {
        let mut extra = u64::MAX;
        for ((counter, counts), (run, hold)) in self.system.counters.iter().zip(&self.counters).zip(runs) {
            let count = counts.get(lane).copied().unwrap_or(0);
            if run >> lane & 1 == 1 {
                if counter.exposed {
                    return 0;
                }
                let next = counter.thresholds.iter().find(|t| **t > count);
                extra = extra.min(next.map_or(u64::MAX, |t| t - count - 1));
            } else if hold >> lane & 1 == 0 && count != 0 {
                return 0;
            }
        }
        if extra == u64::MAX { 0 } else { extra }
    }
}

/// A literal in the states of a sample.
#[must_use]
pub fn word_of(sample: &[u64], literal: Literal) -> u64 {
    let word = sample.get(literal.predicate as usize).copied().unwrap_or(0);
    if literal.positive { word } else { !word }
}

/// Is there a state in the sample in which no literal of the clause holds?
#[must_use]
pub fn breaks_clause(sample: &[u64], clause: &[Literal]) -> bool {
    clause.iter().fold(0, |some, literal| some | word_of(sample, *literal)) != u64::MAX
}

/// The value of every node in 64 lanes.
pub fn lanes(graph: &Graph, mut leaf: impl FnMut(Leaf) -> u64) -> Vec<u64> {
    let mut values: Vec<u64> = Vec::with_capacity(graph.len());
    for node in graph.nodes() {
        let value = match node {
            Node::Constant => 0,
            Node::Leaf(which) => leaf(which),
            Node::And(a, b) => word_at(&values, a) & word_at(&values, b),
        };
        values.push(value);
    }
    values
}

/// The value of a literal among those of all nodes.
#[must_use]
pub fn word_at(values: &[u64], lit: Lit) -> u64 {
    values.get(lit.node()).copied().unwrap_or(0) ^ if lit.is_inverted() { u64::MAX } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predicates_of_64_runs_are_those_of_each() {
        let ends = [0, 1, 2, 255, 1 << 40, i64::MAX.cast_unsigned(), 1 << 63, u64::MAX];
        let lanes = |offset: usize| std::array::from_fn(|lane| ends[(lane / 8 + offset * lane) % ends.len()]);
        let states = States { latches: vec![0b101], counters: vec![lanes(0), lanes(1)] };
        let check = |predicate: Predicate, holds: &dyn Fn(u64, u64) -> bool| {
            let word = states.word(predicate);
            for lane in 0..LANES {
                let (left, right) = (states.counters[0][lane], states.counters[1][lane]);
                assert_eq!(word >> lane & 1 == 1, holds(left, right), "{predicate:?} of {left} and {right}");
            }
        };
        for value in ends {
            check(Predicate::AtLeast { counter: 0, threshold: value }, &|left, _| left >= value);
            let ahead = |left: u64, right: u64| u128::from(left) >= u128::from(right) + u128::from(value);
            // Beyond what fits it is said of the greatest number alone, which no counter is at.
            let order = Predicate::Order { left: 0, right: 1, by: value };
            check(order, &|left, right| ahead(left, right) || right.checked_add(value).is_none() && left == u64::MAX);
        }
        for bit in [0, 1, 7, 40, 63] {
            check(Predicate::CounterBit { counter: 1, bit }, &|_, right| right >> bit & 1 == 1);
        }
        assert_eq!(states.word(Predicate::Latch(0)), 0b101);
    }
}
