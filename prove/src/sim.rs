//! Runs a model with values instead of literals.

use crate::graph::{Graph, Leaf, Lit, Node};
use crate::model::{Model, Start};

/// The value of every node, given those of the leaves.
pub fn evaluate(graph: &Graph, mut leaf: impl FnMut(Leaf) -> bool) -> Vec<bool> {
    let mut values: Vec<bool> = Vec::with_capacity(graph.len());
    for node in graph.nodes() {
        let value = match node {
            Node::Constant => false,
            Node::Leaf(which) => leaf(which),
            Node::And(a, b) => at(&values, a) && at(&values, b),
        };
        values.push(value);
    }
    values
}

/// The value of every node of a graph whose only leaves are inputs.
pub fn evaluate_inputs(graph: &Graph, input: impl Fn(u32) -> bool) -> Vec<bool> {
    evaluate(graph, |leaf| match leaf {
        Leaf::Input(number) => input(number),
        Leaf::Latch(_) | Leaf::AtLeast { .. } | Leaf::CounterBit { .. } => false,
    })
}

/// The value of a literal among those of all nodes.
#[must_use]
pub fn at(values: &[bool], lit: Lit) -> bool {
    values.get(lit.node()).copied().unwrap_or(false) != lit.is_inverted()
}

/// A model being run.
#[derive(Clone, Debug)]
pub struct Simulation<'a> {
    model: &'a Model,
    latches: Vec<bool>,
    counters: Vec<u64>,
    values: Vec<bool>,
}

impl<'a> Simulation<'a> {
    /// Before the first scan; what starts with any value starts with FALSE.
    #[must_use]
    pub fn new(model: &'a Model) -> Self {
        let latches = model.latches.iter().map(|l| l.start == Start::Value(true)).collect();
        Self { model, latches, counters: vec![0; model.counters.len()], values: Vec::new() }
    }

    /// Sets a bit of the data that starts with any value.
    pub fn set_start(&mut self, place: usize, value: bool) {
        for (latch, held) in self.model.latches.iter().zip(&mut self.latches) {
            if latch.place == Some(place) && latch.start == Start::Free {
                *held = value;
            }
        }
    }

    /// So many scans with these inputs. Where the first of them changes nothing but counters and none of those passes a value
    /// it is compared with, the rest is done at once; `false` where that is not so and all of them were done one by one.
    pub fn steps(&mut self, input: impl Fn(u32) -> bool, scans: u64) -> bool {
        if scans == 0 {
            return true;
        }
        let before = self.latches.clone();
        self.step(&input);
        if scans == 1 {
            return true;
        }
        if self.latches != before {
            for _ in 1..scans {
                self.step(&input);
            }
            return false;
        }
        // The last scan is done for itself: the state it begins with is the one the jump leads to.
        let values = &self.values;
        for (count, counter) in self.counters.iter_mut().zip(&self.model.counters) {
            if at(values, counter.run) {
                *count = count.saturating_add(scans - 2).min(counter.max);
            }
        }
        self.step(&input);
        true
    }

    /// One scan with these inputs.
    pub fn step(&mut self, input: impl Fn(u32) -> bool) {
        let (latches, counters) = (&self.latches, &self.counters);
        let count = |counter: u32| counters.get(counter as usize).copied().unwrap_or(0);
        self.values = evaluate(&self.model.graph, |leaf| match leaf {
            Leaf::Input(number) => input(number),
            Leaf::Latch(number) => latches.get(number as usize).copied().unwrap_or(false),
            Leaf::AtLeast { counter, threshold } => count(counter) >= threshold,
            Leaf::CounterBit { counter, bit } => count(counter) >> bit & 1 == 1,
        });
        let values = &self.values;
        self.latches = self.model.latches.iter().map(|l| at(values, l.next)).collect();
        for (count, counter) in self.counters.iter_mut().zip(&self.model.counters) {
            *count = match (at(values, counter.run), at(values, counter.hold)) {
                (true, _) => (*count + 1).min(counter.max),
                (false, true) => *count,
                (false, false) => 0,
            };
        }
    }

    /// The value of a literal in the last scan.
    #[must_use]
    pub fn value(&self, lit: Lit) -> bool {
        at(&self.values, lit)
    }

    /// A byte of the data after the last scan.
    #[must_use]
    pub fn byte(&self, byte: usize) -> u8 {
        (0..8).fold(0, |n, bit| n | u8::from(self.value(self.model.after.bit(byte * 8 + bit))) << bit)
    }
}
