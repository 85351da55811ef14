//! Numbers of the program that only count: as counters, so that engines see what they are compared with and not their bits.
//!
//! A word ([`crate::words`]) is a counter where every scan adds 1 to it, leaves it, or makes it 0, and where all else only asks
//! whether it has reached some values. That is not guessed from the program's text: *cuts* (values from which on the word is
//! treated otherwise) are looked for until the solver says that word and counter do the same for every value and whatever
//! the rest is. A proof about the counter is written as one about the word, so that the checker sees the bits.

use super::predicates::Predicate;
use super::random::{lanes, word_at};
use crate::advice::Renumbered;
use crate::encoding::Encoding;
use crate::graph::{Copier, Graph, Leaf, Lit, Node};
use crate::hash::FastMap;
use crate::model::Start;
use crate::sat::{Answer, Limit, Solver};
use crate::sim::{at, evaluate};
use crate::system::{Counter, Latch, System, at_least, counted};
use crate::vector::{self, Vector};
use crate::words::{WORD, Word};
use std::collections::BTreeSet;

/// Cuts of one word: one that has more is the number of a stage, or computed with.
const CUTS_MAX: usize = 10;
/// A word nobody compares with more than this stays as it is: counting so far takes few steps, and engines are quicker with its bits.
const NEAR: u64 = 64;
/// Words of one question.
const WORDS_MAX: usize = 16;
/// Nodes that depend on a word and are put into one function of it, whatever stands between.
const SMALL: usize = 400;

/// A system in which numbers that count are counters.
#[derive(Clone, Debug)]
pub struct Counting {
    /// The system.
    pub system: System,
    /// Numbers of its latches in the former system.
    pub latches: Vec<u32>,
    /// Its counters in the former system: counters there, or words.
    counters: Vec<u32>,
    words: Vec<Word>,
}

impl Counting {
    /// A predicate of this system in the former one.
    #[must_use]
    pub fn original(&self, predicate: Predicate) -> Predicate {
        let counter = |n: u32| self.counters.get(n as usize).copied().unwrap_or(u32::MAX);
        match predicate {
            Predicate::Latch(n) => Predicate::Latch(self.latches.get(n as usize).copied().unwrap_or(u32::MAX)),
            Predicate::AtLeast { counter: n, threshold } => Predicate::AtLeast { counter: counter(n), threshold },
            Predicate::Order { left, right, by } => Predicate::Order { left: counter(left), right: counter(right), by },
            Predicate::CounterBit { counter: n, bit } => {
                let number = counter(n);
                let Some(word) = number.checked_sub(WORD) else {
                    return Predicate::CounterBit { counter: number, bit };
                };
                match self.words.get(word as usize).and_then(|word| word.get(bit as usize)).copied().flatten() {
                    Some(latch) => Predicate::Latch(latch),
                    // A bit that is never set.
                    None => Predicate::AtLeast { counter: number, threshold: u64::MAX },
                }
            }
        }
    }
}

/// The system with its counting numbers as counters; `None` where there are none.
#[must_use]
pub fn counting(system: &System, limit: &Limit) -> Option<Counting> {
    let candidates = candidates(system);
    if candidates.is_empty() {
        return None;
    }
    let count = |length: usize| (0u32..).take(length).collect::<Vec<u32>>();
    let (mut latches, mut counters) = (count(system.latches.len()), count(system.counters.len()));
    let mut current: Option<System> = None;
    for number in candidates {
        let before = current.as_ref().unwrap_or(system);
        let found = Candidate::new(before, number).and_then(|word| word.counter(limit));
        if let Some((after, kept)) = found {
            current = Some(after);
            latches = kept.iter().filter_map(|own| latches.get(*own as usize)).copied().collect();
            counters.push(WORD.saturating_add(number));
        }
    }
    let (part, own_latches, own_counters) = current?.cone();
    let of = |list: &[u32], own: &[u32]| own.iter().filter_map(|n| list.get(*n as usize)).copied().collect();
    Some(Counting {
        system: part,
        latches: of(&latches, &own_latches),
        counters: of(&counters, &own_counters),
        words: system.words.clone(),
    })
}

/// Numbers of the words that a few random scans only count, rest or make 0.
fn candidates(system: &System) -> Vec<u32> {
    let zero = |bit: &Option<u32>| {
        let latch = bit.and_then(|latch| system.latches.get(latch as usize));
        bit.is_none() || latch.is_some_and(|latch| latch.start == Start::Value(false))
    };
    let mut words: Vec<(u32, &Word)> = (0u32..).zip(&system.words).filter(|(_, word)| !word.is_empty()).collect();
    words.retain(|(_, word)| word.len() < 63 && word.iter().all(zero));
    if words.is_empty() {
        return Vec::new();
    }
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    // Small numbers and large ones, in each of 64 lanes.
    let mut of_latch: FastMap<u32, u64> = FastMap::default();
    for (_, word) in &words {
        for lane in 0..64 {
            let value = random.next() >> (random.next() >> 58);
            for (bit, latch) in word.iter().enumerate() {
                if let Some(latch) = latch {
                    *of_latch.entry(*latch).or_default() |= (value >> bit & 1) << lane;
                }
            }
        }
    }
    let values = lanes(&system.graph, |leaf| match leaf {
        Leaf::Latch(number) => of_latch.get(&number).copied().unwrap_or_else(|| random.next()),
        Leaf::Input(_) | Leaf::AtLeast { .. } | Leaf::CounterBit { .. } => random.next(),
    });
    words.retain(|(_, word)| {
        let next = |latch: u32| system.latches.get(latch as usize).map_or(Lit::FALSE, |latch| latch.next);
        let number = |lane: usize, of: &dyn Fn(u32) -> u64| {
            let bits = word.iter().enumerate();
            bits.fold(0, |n, (bit, latch)| n | latch.map_or(0, |latch| (of(latch) >> lane & 1) << bit))
        };
        let max = u64::MAX >> (64 - word.len());
        (0..64).all(|lane| {
            let before = number(lane, &|latch| of_latch.get(&latch).copied().unwrap_or(0));
            let after = number(lane, &|latch| word_at(&values, next(latch)));
            class(before, after, max) != Class::Other
        })
    });
    words.into_iter().map(|(number, _)| number).take(WORDS_MAX).collect()
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}

/// What a scan does to a word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Runs,
    Holds,
    Zero,
    Other,
}

fn class(before: u64, after: u64, max: u64) -> Class {
    match after {
        0 => Class::Zero,
        after if after == before => Class::Holds,
        after if before < max && after == before + 1 => Class::Runs,
        _ => Class::Other,
    }
}

/// How a node depends on the word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tie {
    /// Not at all.
    None,
    /// With few changes, as far as seen, while the word grows.
    Few,
    /// With many: it is one of its bits, or computed from it.
    Many,
}

/// A word that may be a counter.
struct Candidate<'a> {
    system: &'a System,
    number: u32,
    bits: Word,
    nexts: Vector,
    /// Values from which on something is otherwise, 1 and the greatest one among them.
    cuts: BTreeSet<u64>,
    /// The greatest of them that others ask for.
    far: u64,
    /// By number of the node.
    ties: Vec<Tie>,
}

impl<'a> Candidate<'a> {
    fn new(system: &'a System, number: u32) -> Option<Self> {
        let bits = system.words.get(number as usize).filter(|bits| !bits.is_empty())?.clone();
        let next = |latch: u32| system.latches.get(latch as usize).map_or(Lit::FALSE, |latch| latch.next);
        let nexts = bits.iter().map(|bit| bit.map_or(Lit::FALSE, next)).collect();
        let mut word = Self { system, number, bits, nexts, cuts: BTreeSet::new(), far: 0, ties: Vec::new() };
        word.cuts.extend([1, word.max()]);
        word.ties = word.ties();
        Some(word)
    }

    /// The system with a counter in the word's place, and the latches of the former one that it still has.
    fn counter(mut self, limit: &Limit) -> Option<(System, Vec<u32>)> {
        let read = self.read()?;
        self.find_cuts(&read, limit).then(|| self.build(&read))
    }

    fn max(&self) -> u64 {
        u64::MAX >> (64 - self.bits.len())
    }

    /// Number of the bit a latch is.
    fn bit_of(&self, latch: u32) -> Option<usize> {
        self.bits.iter().position(|bit| *bit == Some(latch))
    }

    /// The least value of each interval between cuts.
    fn lows(&self) -> Vec<u64> {
        [0].into_iter().chain(self.cuts.iter().copied()).collect()
    }

    /// How each node depends on the word, seen in 64 states of the rest while the word grows.
    fn ties(&self) -> Vec<Tie> {
        let graph = &self.system.graph;
        let mut depends: Vec<bool> = Vec::with_capacity(graph.len());
        for node in graph.nodes() {
            let of = |lit: Lit| depends.get(lit.node()).copied().unwrap_or(false);
            let here = match node {
                Node::And(a, b) => of(a) || of(b),
                Node::Leaf(Leaf::Latch(latch)) => self.bit_of(latch).is_some(),
                Node::Leaf(_) | Node::Constant => false,
            };
            depends.push(here);
        }
        let mut random = Random(0x2545_f491_4f6c_dd1d);
        let rest: Vec<u64> = graph.nodes().map(|_| random.next()).collect();
        let width = self.bits.len();
        let mut samples: BTreeSet<u64> = (0..width).flat_map(|bit| [1 << bit, (1 << bit) - 1]).collect();
        samples.extend((0..16).map(|_| random.next() & self.max()));
        let mut changes: Vec<u32> = vec![0; graph.len()];
        let mut before: Option<Vec<u64>> = None;
        for sample in samples {
            let mut values: Vec<u64> = Vec::with_capacity(graph.len());
            for kind in graph.nodes() {
                let value = match kind {
                    Node::Constant => 0,
                    Node::Leaf(Leaf::Latch(latch)) => match self.bit_of(latch) {
                        Some(bit) if sample >> bit & 1 == 1 => u64::MAX,
                        Some(_) => 0,
                        None => rest.get(values.len()).copied().unwrap_or(0),
                    },
                    Node::Leaf(_) => rest.get(values.len()).copied().unwrap_or(0),
                    Node::And(a, b) => word_at(&values, a) & word_at(&values, b),
                };
                values.push(value);
            }
            if let Some(before) = before {
                for ((changes, now), before) in changes.iter_mut().zip(&values).zip(before) {
                    *changes += u32::from(*now != before);
                }
            }
            before = Some(values);
        }
        let tie = |(depends, changes): (bool, u32)| match depends {
            false => Tie::None,
            true if changes as usize <= CUTS_MAX => Tie::Few,
            true => Tie::Many,
        };
        depends.into_iter().zip(changes).map(tie).collect()
    }

    fn tie(&self, node: usize) -> Tie {
        self.ties.get(node).copied().unwrap_or(Tie::None)
    }

    /// Do only a few nodes below this one depend on the word?
    fn is_small(&self, node: usize) -> bool {
        let mut seen: BTreeSet<usize> = BTreeSet::new();
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            if self.tie(node) == Tie::None || !seen.insert(node) {
                continue;
            }
            if seen.len() > SMALL {
                return false;
            }
            if let Node::And(a, b) = self.system.graph.node(Lit::of_node(node)) {
                open.extend([a.node(), b.node()]);
            }
        }
        true
    }

    /// The functions of the word, and of whatever else, through which all else reads it; `None` where it is read as a number.
    fn read(&self) -> Option<Vec<usize>> {
        let system = self.system;
        let mut roots = vec![system.bad, system.constraint];
        roots.extend(system.counters.iter().flat_map(|counter| [counter.run, counter.hold]));
        let others = (0u32..).zip(&system.latches).filter(|(number, _)| self.bit_of(*number).is_none());
        roots.extend(others.map(|(_, latch)| latch.next));
        let mut found = BTreeSet::new();
        let mut seen = vec![false; system.graph.len()];
        let mut open: Vec<usize> = roots.iter().map(|lit| lit.node()).collect();
        while let Some(node) = open.pop() {
            match seen.get_mut(node) {
                Some(seen) if !*seen => *seen = true,
                Some(_) | None => continue,
            }
            match (self.tie(node), system.graph.node(Lit::of_node(node))) {
                (Tie::None, _) => {}
                (Tie::Many, _) => return None,
                (Tie::Few, Node::And(a, b))
                    if self.tie(a.node()) != Tie::Many && self.tie(b.node()) != Tie::Many && !self.is_small(node) =>
                {
                    open.extend([a.node(), b.node()]);
                }
                (Tie::Few, _) => {
                    found.insert(node);
                }
            }
        }
        Some(found.into_iter().collect())
    }

    /// Finds the cuts, until word and counter are the same to all that reads it and after every scan. `false`: they are not.
    fn find_cuts(&mut self, read: &[usize], limit: &Limit) -> bool {
        let system = self.system;
        let max = self.max();
        let mut graph = system.graph.clone();
        let now: Vector =
            self.bits.iter().map(|bit| bit.map_or(Lit::FALSE, |latch| graph.leaf(Leaf::Latch(latch)))).collect();
        let mut parts: FastMap<u64, Part> = FastMap::default();
        let mut solver = Solver::new(limit);
        let mut encoding = Encoding::default();
        loop {
            for low in self.lows() {
                let mut leaf = |graph: &mut Graph, leaf: Leaf| graph.leaf(leaf);
                parts.entry(low).or_insert_with(|| self.part(low, read, &mut graph, &mut leaf));
            }
            let choose = |graph: &mut Graph, pick: &dyn Fn(&Part) -> Lit| {
                self.lows().into_iter().fold(Lit::FALSE, |before, low| {
                    let here = parts.get(&low).map_or(Lit::FALSE, pick);
                    let from = at_least(graph, &now, low);
                    graph.mux(from, here, before)
                })
            };
            let (run, hold) = (choose(&mut graph, &|p| p.run), choose(&mut graph, &|p| p.hold));
            let then = counted(&mut graph, &now, max, run, hold);
            let mut same = vector::equal(&mut graph, &then, &self.nexts);
            for (number, node) in read.iter().enumerate() {
                let said = choose(&mut graph, &|p| p.read.get(number).copied().unwrap_or(Lit::FALSE));
                let here = graph.same(said, Lit::of_node(*node));
                same = graph.and(same, here);
            }
            let differs = encoding.term(&mut solver, &graph, !same);
            match solver.solve(&[differs]) {
                Answer::No => return self.far > NEAR,
                Answer::Stopped => return false,
                Answer::Yes => {}
            }
            let holds = |lit: &Lit| encoding.known(*lit).is_some_and(|term| solver.holds(term));
            let value = number(&now, holds);
            // What happens to the word and to what is read of it, for other values in the same state of the rest.
            let at_value = |value: u64| {
                let values = evaluate(&system.graph, |leaf| match leaf {
                    Leaf::Latch(latch) if self.bit_of(latch).is_some() => {
                        self.bit_of(latch).is_some_and(|bit| value >> bit & 1 == 1)
                    }
                    Leaf::Latch(_) | Leaf::Input(_) | Leaf::AtLeast { .. } | Leaf::CounterBit { .. } => {
                        system.graph.find(leaf).is_some_and(|lit| holds(&lit))
                    }
                });
                let after = number(&self.nexts, |lit| at(&values, *lit));
                let read = read.iter().map(|node| at(&values, Lit::of_node(*node)));
                (class(value, after, max), read.collect::<Vec<bool>>())
            };
            let low = self.cuts.range(..=value).next_back().copied().unwrap_or(0);
            let (first, here) = (at_value(low), at_value(value));
            if first.0 == Class::Other || here.0 == Class::Other || first == here {
                return false;
            }
            let cut = first_change(low, value, |value| at_value(value) == first);
            if at_value(cut).1 != first.1 {
                self.far = self.far.max(cut);
            }
            if !self.cuts.insert(cut) || self.cuts.len() > CUTS_MAX {
                return false;
            }
        }
    }

    /// A scan that begins with this value of the word.
    fn part(
        &self,
        value: u64,
        read: &[usize],
        graph: &mut Graph,
        leaf: &mut impl FnMut(&mut Graph, Leaf) -> Lit,
    ) -> Part {
        let source = &self.system.graph;
        let mut copier = Copier::new(source);
        let mut own = |graph: &mut Graph, found: Leaf| match found {
            Leaf::Latch(latch) => match self.bit_of(latch) {
                Some(bit) => Lit::constant(value >> bit & 1 == 1),
                None => leaf(graph, found),
            },
            Leaf::Input(_) | Leaf::AtLeast { .. } | Leaf::CounterBit { .. } => leaf(graph, found),
        };
        let mut copy = |graph: &mut Graph, lit: Lit| copier.copy(source, graph, lit, &mut own);
        let then: Vector = self.nexts.iter().map(|lit| copy(graph, *lit)).collect();
        let read = read.iter().map(|node| copy(graph, Lit::of_node(*node))).collect();
        let width = u32::try_from(then.len()).unwrap_or(u32::MAX);
        let mut is = |wanted: u64| vector::equal(graph, &then, &vector::constant(wanted, width));
        let run = if value < self.max() { is(value + 1) } else { Lit::FALSE };
        let hold = if value > 0 { is(value) } else { Lit::FALSE };
        Part { run, hold, read }
    }

    /// The system with the counter.
    fn build(&self, read: &[usize]) -> (System, Vec<u32>) {
        let system = self.system;
        let mut graph = Graph::default();
        let others = (0u32..).zip(&system.latches).filter(|(number, _)| self.bit_of(*number).is_none());
        let kept: Vec<u32> = others.map(|(number, _)| number).collect();
        let numbers: FastMap<u32, u32> = kept.iter().copied().zip(0u32..).collect();
        let counter = u32::try_from(system.counters.len()).unwrap_or(u32::MAX);
        let mut leaf = |graph: &mut Graph, leaf: Leaf| match leaf {
            // The word's own bits are in none of the functions that are copied: what reads them is put in whole.
            Leaf::Latch(old) => numbers.get(&old).map_or(Lit::FALSE, |new| graph.leaf(Leaf::Latch(*new))),
            Leaf::Input(_) | Leaf::AtLeast { .. } | Leaf::CounterBit { .. } => graph.leaf(leaf),
        };
        let (mut run, mut hold) = (Lit::FALSE, Lit::FALSE);
        let mut said = vec![Lit::FALSE; read.len()];
        for low in self.lows() {
            let part = self.part(low, read, &mut graph, &mut leaf);
            let from = if low == 0 { Lit::TRUE } else { graph.leaf(Leaf::AtLeast { counter, threshold: low }) };
            run = graph.mux(from, part.run, run);
            hold = graph.mux(from, part.hold, hold);
            for (said, here) in said.iter_mut().zip(part.read) {
                *said = graph.mux(from, here, *said);
            }
        }
        let mut copier = Copier::new(&system.graph);
        read.iter().zip(said).for_each(|(node, lit)| copier.put(*node, lit));
        let mut copy = |lit: Lit| copier.copy(&system.graph, &mut graph, lit, &mut leaf);
        let (bad, constraint) = (copy(system.bad), copy(system.constraint));
        let latch = |number: &u32| system.latches.get(*number as usize);
        let latches = kept.iter().filter_map(latch).map(|l| Latch { next: copy(l.next), ..*l }).collect();
        let former = system.counters.iter();
        let mut counters: Vec<Counter> =
            former.map(|c| Counter { run: copy(c.run), hold: copy(c.hold), ..c.clone() }).collect();
        let model = WORD.saturating_add(self.number);
        counters.push(Counter { model, max: self.max(), thresholds: Vec::new(), exposed: false, run, hold });
        let word = |(number, word): (u32, &Word)| -> Word {
            let bit = |bit: &Option<u32>| bit.map_or(Some(None), |old| numbers.get(&old).map(|new| Some(*new)));
            let bits = if number == self.number { None } else { word.iter().map(bit).collect() };
            bits.unwrap_or_default()
        };
        let words = (0u32..).zip(&system.words).map(word).collect();
        let advice = system.advice.renumbered(&Renumbered {
            input: &Some,
            latch: &|old| numbers.get(&old).copied(),
            counter: &Some,
        });
        let inputs = system.inputs.clone();
        let system = System { graph, inputs, latches, counters, words, bad, constraint, advice };
        (system, kept)
    }
}

/// What a scan does that begins with one value of the word.
struct Part {
    /// The word is counted.
    run: Lit,
    /// It is left.
    hold: Lit,
    /// What is read of it.
    read: Vec<Lit>,
}

fn number(bits: &[Lit], holds: impl Fn(&Lit) -> bool) -> u64 {
    bits.iter().enumerate().fold(0, |n, (bit, lit)| n | u64::from(holds(lit)) << bit)
}

/// The first value of `low..=high` that is not as `low`, given that `high` is not; where there are several changes, one of them.
fn first_change(low: u64, high: u64, mut same: impl FnMut(u64) -> bool) -> u64 {
    let (mut low, mut high) = (low, high);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if same(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}
