//! What a proof speaks of: predicates over the state before a scan, and clauses of them.
//!
//! A predicate is a latch, a counter that has reached a value, or an order between two counters. The bits of a counter
//! are no predicates (but for the last engine of all): so the size of a preset hardly matters.

use crate::graph::Lit;
use crate::hash::FastMap;
use crate::model::Start;
use crate::system::{Blasted, System, at_least};
use crate::vector;

/// A predicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Predicate {
    /// A latch of the system.
    Latch(u32),
    /// A counter has reached a value.
    AtLeast {
        /// The counter.
        counter: u32,
        /// The value.
        threshold: u64,
    },
    /// `left >= right + by`
    Order {
        /// A counter.
        left: u32,
        /// Another.
        right: u32,
        /// By so much.
        by: u64,
    },
    /// A bit of a counter.
    CounterBit {
        /// The counter.
        counter: u32,
        /// 0 is the least significant.
        bit: u32,
    },
}

/// A predicate or its negation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Literal {
    /// Index into [`Vocabulary::predicates`].
    pub predicate: u32,
    /// The predicate itself, not its negation.
    pub positive: bool,
}

impl Literal {
    /// The other one.
    #[must_use]
    pub const fn not(self) -> Self {
        Self { positive: !self.positive, ..self }
    }
}

/// At least one of these holds before every scan.
pub type Clause = Vec<Literal>;

/// The predicates of a proof, as functions of a blasted system.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    /// The predicates.
    pub predicates: Vec<Predicate>,
    /// Each one before a scan.
    pub now: Vec<Lit>,
    /// Each one after it.
    pub after: Vec<Lit>,
    /// Each one before the first scan, where that is known.
    pub start: Vec<Option<bool>>,
    numbers: FastMap<Predicate, u32>,
}

/// The function of a predicate.
pub fn function(blasted: &mut Blasted, predicate: Predicate) -> Lit {
    if let Some(compared) = &mut blasted.compared {
        let graph = &mut blasted.graph;
        return match predicate {
            Predicate::Latch(number) => graph.leaf(crate::graph::Leaf::Latch(number)),
            Predicate::AtLeast { counter, threshold } => {
                compared.difference(graph, Some(counter), None, i128::from(threshold))
            }
            Predicate::Order { left, right, by } => compared.difference(graph, Some(left), Some(right), i128::from(by)),
            // Nobody asks for bits where there are none.
            Predicate::CounterBit { .. } => Lit::FALSE,
        };
    }
    let bits = Blasted::number;
    match predicate {
        Predicate::Latch(number) => blasted.graph.leaf(crate::graph::Leaf::Latch(number)),
        Predicate::AtLeast { counter, threshold } => {
            let bits = bits(blasted, counter);
            at_least(&mut blasted.graph, &bits, threshold)
        }
        Predicate::Order { left, right, by } => {
            let (a, b) = (bits(blasted, left), bits(blasted, right));
            // Wide enough that nothing wraps.
            let by_width = (u64::BITS - by.leading_zeros()) as usize;
            let width = a.len().max(b.len()).max(by_width) + 1;
            let (a, b) = (vector::resize(&a, width, false), vector::resize(&b, width, false));
            let b = vector::add(&mut blasted.graph, &b, &vector::constant(by, u32::try_from(width).unwrap_or(64)));
            !vector::below(&mut blasted.graph, &a, &b)
        }
        Predicate::CounterBit { counter, bit } => {
            bits(blasted, counter).get(bit as usize).copied().unwrap_or(Lit::FALSE)
        }
    }
}

/// The value of a predicate before the first scan, where that is known.
#[must_use]
pub fn at_start(system: &System, predicate: Predicate) -> Option<bool> {
    match predicate {
        Predicate::Latch(number) => match system.latches.get(number as usize)?.start {
            Start::Value(value) => Some(value),
            Start::Free => None,
        },
        // Counters begin at 0.
        Predicate::AtLeast { threshold, .. } => Some(threshold == 0),
        Predicate::Order { by, .. } => Some(by == 0),
        Predicate::CounterBit { .. } => Some(false),
    }
}

impl Vocabulary {
    /// Latches and thresholds of a system; with `bits` the bits of counters too.
    #[must_use]
    pub fn new(system: &System, blasted: &mut Blasted, bits: bool) -> Self {
        let mut predicates: Vec<Predicate> = (0u32..).zip(&system.latches).map(|(n, _)| Predicate::Latch(n)).collect();
        for (counter, row) in (0u32..).zip(&system.counters) {
            if bits || row.exposed {
                predicates.extend((0..row.width()).map(|bit| Predicate::CounterBit { counter, bit }));
            }
            predicates.extend(row.thresholds.iter().map(|t| Predicate::AtLeast { counter, threshold: *t }));
        }
        let mut vocabulary = Self::default();
        vocabulary.extend(system, blasted, &predicates);
        vocabulary
    }

    /// Adds predicates that are not there yet.
    pub fn extend(&mut self, system: &System, blasted: &mut Blasted, predicates: &[Predicate]) {
        let mut fresh = Vec::new();
        for predicate in predicates {
            if !self.numbers.contains_key(predicate) {
                let number = u32::try_from(self.predicates.len()).unwrap_or(u32::MAX);
                self.numbers.insert(*predicate, number);
                self.predicates.push(*predicate);
                self.start.push(at_start(system, *predicate));
                fresh.push(function(blasted, *predicate));
            }
        }
        self.after.extend(blasted.after(&fresh));
        self.now.extend(fresh);
    }

    /// The literal of a predicate, where it is one of these.
    #[must_use]
    pub fn literal(&self, predicate: Predicate, positive: bool) -> Option<Literal> {
        self.numbers.get(&predicate).map(|number| Literal { predicate: *number, positive })
    }

    /// A literal before a scan.
    #[must_use]
    pub fn before(&self, literal: Literal) -> Lit {
        let lit = self.now.get(literal.predicate as usize).copied().unwrap_or(Lit::FALSE);
        lit.xor_sign(!literal.positive)
    }

    /// A literal after a scan.
    #[must_use]
    pub fn behind(&self, literal: Literal) -> Lit {
        let lit = self.after.get(literal.predicate as usize).copied().unwrap_or(Lit::FALSE);
        lit.xor_sign(!literal.positive)
    }

    /// Does the literal surely hold before the first scan?
    #[must_use]
    pub fn holds_at_start(&self, literal: Literal) -> bool {
        self.start.get(literal.predicate as usize).copied().flatten() == Some(literal.positive)
    }
}
