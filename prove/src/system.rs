//! What one question depends on: the latches, counters and inputs that can matter for it, and nothing else.
//!
//! A [`System`] keeps counters as counters. [`Blasted`] is the same with latches in their place, for engines that reason about
//! one scan at a time: with their bits, or with what is said when two of them are compared.

use crate::advice::{Advice, Renumbered};
use crate::compared::Comparisons;
use crate::graph::{Copier, Graph, Leaf, Lit, Node};
use crate::hash::FastMap;
use crate::model::{Model, Start};
use crate::vector::{self, Vector};
use crate::words::{Word, word_of};

/// A question about a model: can `bad` hold in a scan, when `constraint` holds in that scan and in all before?
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// What shall never be.
    pub bad: Lit,
    /// What every scan looked at satisfies.
    pub constraint: Lit,
}

/// A latch of a system.
#[derive(Clone, Copy, Debug)]
pub struct Latch {
    /// Its number in the model.
    pub model: u32,
    /// Before the first scan.
    pub start: Start,
    /// After a scan.
    pub next: Lit,
}

/// A counter of a system.
#[derive(Clone, Debug)]
pub struct Counter {
    /// Its number in the model.
    pub model: u32,
    /// Where it stops.
    pub max: u64,
    /// Values it is compared with, rising; 1 and the maximum are among them.
    pub thresholds: Vec<u64>,
    /// Its bits are read, not only compared.
    pub exposed: bool,
    /// It counts in this scan.
    pub run: Lit,
    /// It keeps its value in this scan; without `run` and `hold` it becomes 0.
    pub hold: Lit,
}

impl Counter {
    /// Bits of its value.
    #[must_use]
    pub fn width(&self) -> u32 {
        u64::BITS - self.max.leading_zeros()
    }
}

/// The part of a model one question depends on.
#[derive(Clone, Debug)]
pub struct System {
    /// Every function of it.
    pub graph: Graph,
    /// Numbers of its inputs in the model.
    pub inputs: Vec<u32>,
    /// By number.
    pub latches: Vec<Latch>,
    /// By number.
    pub counters: Vec<Counter>,
    /// Latches that are one number, by the word's number in the model; those that are not all here are empty.
    pub words: Vec<Word>,
    /// What shall never be.
    pub bad: Lit,
    /// What every scan looked at satisfies.
    pub constraint: Lit,
    /// What is known of it beforehand.
    pub advice: Advice,
}

/// Which leaves are needed, by number, rising.
#[derive(Default)]
struct Needed {
    inputs: Vec<u32>,
    latches: Vec<u32>,
    counters: Vec<u32>,
    thresholds: FastMap<u32, Vec<u64>>,
    exposed: FastMap<u32, bool>,
}

impl System {
    /// What a question about a model depends on.
    #[must_use]
    pub fn new(model: &Model, question: Question) -> Self {
        let latches: Vec<Latch> = (0u32..)
            .zip(&model.latches)
            .map(|(number, latch)| Latch { model: number, start: latch.start, next: latch.next })
            .collect();
        let counters: Vec<Counter> = (0u32..)
            .zip(&model.counters)
            .map(|(number, counter)| Counter {
                model: number,
                max: counter.max,
                thresholds: Vec::new(),
                exposed: false,
                run: counter.run,
                hold: counter.hold,
            })
            .collect();
        let inputs: Vec<u32> = (0u32..).zip(&model.inputs).map(|(number, _)| number).collect();
        let (words, advice) = (&model.words, &model.advice);
        let (latches, counters, inputs) = (latches.as_slice(), counters.as_slice(), inputs.as_slice());
        let parts = Parts { graph: &model.graph, inputs, latches, counters, words, advice };
        parts.cone(question).0
    }

    /// Latches and nothing else, for tests.
    #[cfg(test)]
    pub(crate) fn of_latches(graph: Graph, latches: Vec<Latch>, bad: Lit) -> Self {
        let (inputs, counters, words) = (Vec::new(), Vec::new(), Vec::new());
        Self { graph, inputs, latches, counters, words, bad, constraint: Lit::TRUE, advice: Advice::default() }
    }

    /// The same, without what its question does not depend on; with the numbers its latches and counters had here.
    #[must_use]
    pub fn cone(&self) -> (Self, Vec<u32>, Vec<u32>) {
        let Self { graph, inputs, latches, counters, words, advice, .. } = self;
        let parts = Parts { graph, inputs, latches, counters, words, advice };
        parts.cone(Question { bad: self.bad, constraint: self.constraint })
    }

    /// Is every function a plain one of bits? Then what is found about single bits is all there is.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.counters.is_empty()
    }
}

/// What a cone is taken from.
struct Parts<'a> {
    graph: &'a Graph,
    inputs: &'a [u32],
    latches: &'a [Latch],
    counters: &'a [Counter],
    words: &'a [Word],
    advice: &'a Advice,
}

impl Parts<'_> {
    fn cone(&self, question: Question) -> (System, Vec<u32>, Vec<u32>) {
        let needed = self.needed(question);
        let number = |list: &[u32]| -> FastMap<u32, u32> { list.iter().copied().zip(0u32..).collect() };
        let (input_numbers, latches, counters) =
            (number(&needed.inputs), number(&needed.latches), number(&needed.counters));
        let new = |map: &FastMap<u32, u32>, old: u32| map.get(&old).copied().unwrap_or(u32::MAX);
        let mut graph = Graph::default();
        let mut copier = Copier::new(self.graph);
        let mut copy = |graph: &mut Graph, lit: Lit| {
            copier.copy(self.graph, graph, lit, &mut |graph, leaf| {
                graph.leaf(match leaf {
                    Leaf::Input(old) => Leaf::Input(new(&input_numbers, old)),
                    Leaf::Latch(old) => Leaf::Latch(new(&latches, old)),
                    Leaf::AtLeast { counter, threshold } => {
                        Leaf::AtLeast { counter: new(&counters, counter), threshold }
                    }
                    Leaf::CounterBit { counter, bit } => Leaf::CounterBit { counter: new(&counters, counter), bit },
                })
            })
        };
        let bad = copy(&mut graph, question.bad);
        let constraint = copy(&mut graph, question.constraint);
        let mut own_latches = Vec::new();
        for old in &needed.latches {
            let Some(latch) = self.latches.get(*old as usize) else { continue };
            let next = copy(&mut graph, latch.next);
            own_latches.push(Latch { next, ..*latch });
        }
        let mut own_counters = Vec::new();
        for old in &needed.counters {
            let Some(counter) = self.counters.get(*old as usize) else { continue };
            let mut thresholds = needed.thresholds.get(old).cloned().unwrap_or_default();
            thresholds.extend([1, counter.max]);
            thresholds.retain(|t| (1..=counter.max).contains(t));
            thresholds.sort_unstable();
            thresholds.dedup();
            own_counters.push(Counter {
                thresholds,
                exposed: needed.exposed.contains_key(old),
                run: copy(&mut graph, counter.run),
                hold: copy(&mut graph, counter.hold),
                ..*counter
            });
        }
        let inputs = needed.inputs.iter().filter_map(|old| self.inputs.get(*old as usize)).copied().collect();
        let word = |word: &Word| -> Word {
            let bits = word.iter().map(|bit| bit.map_or(Some(None), |old| latches.get(&old).map(|own| Some(*own))));
            bits.collect::<Option<Word>>().unwrap_or_default()
        };
        let words = self.words.iter().map(word).collect();
        let advice = self.advice.renumbered(&Renumbered {
            input: &|old| input_numbers.get(&old).copied(),
            latch: &|old| latches.get(&old).copied(),
            counter: &|old| counters.get(&old).copied(),
        });
        let (latches, counters) = (own_latches, own_counters);
        let system = System { graph, inputs, latches, counters, words, bad, constraint, advice };
        (system, needed.latches, needed.counters)
    }

    fn needed(&self, question: Question) -> Needed {
        let mut needed = Needed::default();
        let mut reached = vec![false; self.graph.len()];
        let mut seen = vec![false; self.graph.len()];
        let mut open = Vec::new();
        let mut roots = vec![question.bad, question.constraint];
        let mut latches: FastMap<u32, bool> = FastMap::default();
        let mut counters: FastMap<u32, bool> = FastMap::default();
        let mut inputs: FastMap<u32, bool> = FastMap::default();
        while !roots.is_empty() {
            for root in roots.drain(..) {
                self.graph.reach(root, &mut reached, &mut open);
            }
            for ((node, reached), seen) in self.graph.nodes().zip(&reached).zip(&mut seen) {
                if !*reached || std::mem::replace(seen, true) {
                    continue;
                }
                let Node::Leaf(leaf) = node else { continue };
                match leaf {
                    Leaf::Input(number) => {
                        inputs.insert(number, true);
                    }
                    Leaf::Latch(number) => {
                        if latches.insert(number, true).is_none() {
                            roots.extend(self.latches.get(number as usize).map(|l| l.next));
                        }
                    }
                    Leaf::AtLeast { counter, .. } | Leaf::CounterBit { counter, .. } => {
                        if counters.insert(counter, true).is_none() {
                            let found = self.counters.get(counter as usize);
                            roots.extend(found.into_iter().flat_map(|c| [c.run, c.hold]));
                        }
                        if let Leaf::AtLeast { threshold, .. } = leaf {
                            needed.thresholds.entry(counter).or_default().push(threshold);
                        } else {
                            needed.exposed.insert(counter, true);
                        }
                    }
                }
            }
        }
        needed.inputs = sorted(inputs);
        needed.latches = sorted(latches);
        needed.counters = sorted(counters);
        needed
    }
}

fn sorted(map: FastMap<u32, bool>) -> Vec<u32> {
    let mut list: Vec<u32> = map.into_keys().collect();
    list.sort_unstable();
    list
}

/// A latch of a blasted system.
#[derive(Clone, Copy, Debug)]
pub struct PlainLatch {
    /// Before the first scan.
    pub start: Start,
    /// After a scan.
    pub next: Lit,
}

/// A system whose counters are latches.
#[derive(Clone, Debug)]
pub struct Blasted {
    /// Every function; its leaves are inputs and latches.
    pub graph: Graph,
    /// Number of inputs.
    pub inputs: u32,
    /// Those of the system, then the bits of its counters. Comparisons have leaves that are not listed here.
    pub latches: Vec<PlainLatch>,
    /// The bits of each counter as they are before a scan; none where counters are comparisons.
    pub counters: Vec<Vector>,
    /// Counters as comparisons.
    pub compared: Option<Comparisons>,
    /// Latches that are one number.
    words: Vec<Word>,
    /// That no counter is beyond its maximum, where bits would have room for more.
    ranges: Vec<Vec<Lit>>,
    /// What shall never be.
    pub bad: Lit,
    /// What every scan looked at satisfies.
    pub constraint: Lit,
}

impl Blasted {
    /// Takes the counters apart.
    #[must_use]
    pub fn new(system: &System) -> Self {
        let mut graph = Graph::default();
        let mut number = u32::try_from(system.latches.len()).unwrap_or(u32::MAX);
        let mut counters: Vec<Vector> = Vec::new();
        for counter in &system.counters {
            let bits = (0..counter.width()).map(|_| {
                number += 1;
                graph.leaf(Leaf::Latch(number - 1))
            });
            counters.push(bits.collect());
        }
        let mut copier = Copier::new(&system.graph);
        let mut copy = |graph: &mut Graph, lit: Lit| {
            copier.copy(&system.graph, graph, lit, &mut |graph, leaf| plain_leaf(graph, &counters, leaf))
        };
        let bad = copy(&mut graph, system.bad);
        let constraint = copy(&mut graph, system.constraint);
        let mut latches: Vec<PlainLatch> = Vec::new();
        for latch in &system.latches {
            latches.push(PlainLatch { start: latch.start, next: copy(&mut graph, latch.next) });
        }
        let mut nexts: Vec<Lit> = Vec::new();
        for (counter, bits) in system.counters.iter().zip(&counters) {
            let (run, hold) = (copy(&mut graph, counter.run), copy(&mut graph, counter.hold));
            nexts.extend(counted(&mut graph, bits, counter.max, run, hold));
        }
        latches.extend(nexts.into_iter().map(|next| PlainLatch { start: Start::Value(false), next }));
        let inputs = u32::try_from(system.inputs.len()).unwrap_or(u32::MAX);
        let ranges = system.counters.iter().zip(&counters);
        let ranges = ranges.map(|(c, bits)| vec![!at_least(&mut graph, bits, c.max.saturating_add(1))]).collect();
        let words = system.words.clone();
        Self { graph, inputs, latches, counters, compared: None, words, ranges, bad, constraint }
    }

    /// The bits of a counter, or of a word that a proof speaks of as of a counter, before a scan.
    pub fn number(&mut self, counter: u32) -> Vector {
        match word_of(counter) {
            None => self.counters.get(counter as usize).cloned().unwrap_or_default(),
            Some(word) => {
                let word = self.words.get(word as usize).cloned().unwrap_or_default();
                let bit = |bit: Option<u32>| bit.map_or(Lit::FALSE, |latch| self.graph.leaf(Leaf::Latch(latch)));
                word.into_iter().map(bit).collect()
            }
        }
    }

    /// Keeps of the counters what comparisons say, where the system reads nothing else of them. It allows whatever the system
    /// does and perhaps more: for proofs only.
    #[must_use]
    pub fn compared(system: &System) -> Option<Self> {
        if system.counters.iter().any(|c| c.exposed) {
            return None;
        }
        let mut graph = Graph::default();
        let mut compared = Comparisons::new(system);
        let mut copier = Copier::new(&system.graph);
        let mut copy = |graph: &mut Graph, compared: &mut Comparisons, lit: Lit| {
            copier.copy(&system.graph, graph, lit, &mut |graph, leaf| match leaf {
                Leaf::Input(_) | Leaf::Latch(_) => graph.leaf(leaf),
                Leaf::AtLeast { counter, threshold } => {
                    compared.difference(graph, Some(counter), None, i128::from(threshold))
                }
                // No counter is read bit by bit: looked at above.
                Leaf::CounterBit { .. } => Lit::FALSE,
            })
        };
        let bad = copy(&mut graph, &mut compared, system.bad);
        let constraint = copy(&mut graph, &mut compared, system.constraint);
        let mut latches: Vec<PlainLatch> = Vec::new();
        for latch in &system.latches {
            latches.push(PlainLatch { start: latch.start, next: copy(&mut graph, &mut compared, latch.next) });
        }
        for (number, counter) in (0u32..).zip(&system.counters) {
            let run = copy(&mut graph, &mut compared, counter.run);
            let hold = copy(&mut graph, &mut compared, counter.hold);
            compared.set(number, run, hold);
        }
        let inputs = u32::try_from(system.inputs.len()).unwrap_or(u32::MAX);
        Some(Self {
            graph,
            inputs,
            latches,
            counters: Vec::new(),
            compared: Some(compared),
            words: Vec::new(),
            ranges: Vec::new(),
            bad,
            constraint,
        })
    }

    /// The cheaper of the two that can stand for the system in a proof.
    #[must_use]
    pub fn for_proofs(system: &System) -> Self {
        Self::compared(system).unwrap_or_else(|| Self::new(system))
    }

    /// Literals that have a known value before the first scan.
    #[must_use]
    pub fn starts(&self) -> Vec<(Lit, bool)> {
        let known = (0u32..).zip(&self.latches).filter_map(|(number, latch)| match latch.start {
            Start::Value(value) => self.latch(number).map(|lit| (lit, value)),
            Start::Free => None,
        });
        let atoms = self.compared.iter().flat_map(|c| c.leaves(&self.graph)).map(|lit| (lit, false));
        known.chain(atoms).collect()
    }

    /// Clauses that hold in every state, of whatever has been spoken of so far.
    #[must_use]
    pub fn facts(&self) -> Vec<Vec<Lit>> {
        self.compared.as_ref().map_or_else(|| self.ranges.clone(), |compared| compared.facts(&self.graph))
    }

    /// A latch, where any function has it.
    #[must_use]
    pub fn latch(&self, number: u32) -> Option<Lit> {
        self.graph.find(Leaf::Latch(number))
    }

    /// Everything a state is made of, where any function has it.
    #[must_use]
    pub fn state(&self) -> Vec<Lit> {
        let latches = (0u32..).zip(&self.latches).filter_map(|(number, _)| self.latch(number));
        latches.chain(self.compared.iter().flat_map(|c| c.leaves(&self.graph))).collect()
    }

    /// An input, where any function has it.
    #[must_use]
    pub fn input(&self, number: u32) -> Option<Lit> {
        self.graph.find(Leaf::Input(number))
    }

    /// What each of these literals is after the scan: functions of latches; of comparisons only single ones.
    #[must_use]
    pub fn after(&mut self, lits: &[Lit]) -> Vec<Lit> {
        if let Some(compared) = &mut self.compared {
            let (graph, latches) = (&mut self.graph, &self.latches);
            let next = |lit: &Lit| match graph.node(*lit) {
                Node::Leaf(Leaf::Latch(number)) => match latches.get(number as usize) {
                    Some(latch) => latch.next.xor_sign(lit.is_inverted()),
                    None => compared.next(graph, *lit),
                },
                Node::Leaf(_) | Node::And(..) | Node::Constant => *lit,
            };
            return lits.iter().map(next).collect();
        }
        let source = self.graph.clone();
        let nexts: Vec<Lit> = self.latches.iter().map(|l| l.next).collect();
        let mut copier = Copier::new(&source);
        let graph = &mut self.graph;
        lits.iter()
            .map(|lit| {
                copier.copy(&source, graph, *lit, &mut |graph, leaf| match leaf {
                    Leaf::Latch(number) => nexts.get(number as usize).copied().unwrap_or(Lit::FALSE),
                    // A function of the state alone has no other leaves.
                    Leaf::Input(_) | Leaf::AtLeast { .. } | Leaf::CounterBit { .. } => graph.leaf(leaf),
                })
            })
            .collect()
    }
}

/// A leaf with a counter's bits in place of comparisons.
pub fn plain_leaf(graph: &mut Graph, counters: &[Vector], leaf: Leaf) -> Lit {
    match leaf {
        Leaf::Input(_) | Leaf::Latch(_) => graph.leaf(leaf),
        Leaf::AtLeast { counter, threshold } => match counters.get(counter as usize) {
            Some(bits) => at_least(graph, bits, threshold),
            None => Lit::FALSE,
        },
        Leaf::CounterBit { counter, bit } => {
            counters.get(counter as usize).and_then(|bits| bits.get(bit as usize)).copied().unwrap_or(Lit::FALSE)
        }
    }
}

/// `bits >= threshold`
pub fn at_least(graph: &mut Graph, bits: &[Lit], threshold: u64) -> Lit {
    let width = u32::try_from(bits.len()).unwrap_or(u32::MAX);
    if u64::BITS - threshold.leading_zeros() > width {
        return Lit::FALSE;
    }
    let limit = vector::constant(threshold, width);
    !vector::below(graph, bits, &limit)
}

/// A counter's value after a scan.
pub fn counted(graph: &mut Graph, bits: &[Lit], max: u64, run: Lit, hold: Lit) -> Vector {
    let full = at_least(graph, bits, max);
    let (more, _) = vector::add_carry(graph, bits, &[], !full);
    let kept: Vector = bits.iter().map(|bit| graph.and(*bit, hold)).collect();
    vector::mux(graph, run, &more, &kept)
}
