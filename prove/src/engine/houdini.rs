//! Lemmas: clauses that hold before every scan, found by throwing out candidates until the rest carries itself.
//!
//! Candidates are single predicates with their starting value, pairs of predicates that share logic, and orders between counters.
//! Random runs throw out most of those that are wrong; then the solver is asked whether a scan can lead from a state in
//! which all candidates hold to one in which some do not, those are thrown out, and so on until none is left to throw out.

use super::carried::inductive;
use super::orders::{self, Found};
use super::predicates::{Clause, Literal, Predicate, Vocabulary};
use super::random;
use super::samples::Samples;
use crate::advice::Lemma;
use crate::graph::{Leaf, Lit, Node};
use crate::hash::FastMap;
use crate::sat::Limit;
use crate::system::{Blasted, System};
use std::collections::{BTreeSet, VecDeque};

/// Pairs of predicates that are tried.
const PAIRS_MAX: usize = 6_000;
/// Predicates one function may depend on for its pairs to be tried.
const SUPPORT_MAX: usize = 64;
/// Scans of 64 random runs.
const SCANS: usize = 220;
/// Predicates looked at around one that is near to the property.
const NEAR: usize = 12;
/// How far from the property is still near.
const RINGS: usize = 2;
/// Times some candidates are thrown out, before all are given up.
const ROUNDS_MAX: usize = 2_000;

/// What random runs of a system show, for lemmas about it.
#[must_use]
pub fn seen(system: &System) -> random::Seen {
    random::states(system, SCANS)
}

/// What is looked at for lemmas: predicates that share logic, and what random runs say of the distances of their counters.
#[derive(Debug)]
pub struct Ground {
    related: Vec<Vec<Predicate>>,
    distances: Vec<Found>,
}

impl Ground {
    fn new(system: &System, related: Vec<Vec<Predicate>>, states: &[random::States]) -> Self {
        let distances = distances(system, &related, states);
        Self { related, distances }
    }

    /// All of a system.
    #[must_use]
    pub fn of(system: &System, states: &[random::States]) -> Self {
        Self::new(system, related(system), states)
    }

    /// Adds the orders to a vocabulary that random runs say something about.
    pub fn add_orders(&self, system: &System, blasted: &mut Blasted, vocabulary: &mut Vocabulary) {
        let _ = orders::clauses(system, blasted, vocabulary, &self.distances);
    }
}

/// Clauses that hold before every scan of the system, given that its constraint holds in every scan. Empty when interrupted.
pub fn lemmas(
    system: &System,
    blasted: &mut Blasted,
    vocabulary: &mut Vocabulary,
    (ground, states): (&Ground, &[random::States]),
    limit: &Limit,
) -> Vec<Clause> {
    let orders = orders::clauses(system, blasted, vocabulary, &ground.distances);
    let mut candidates = candidates(system, vocabulary, &ground.related);
    candidates.extend(orders);
    candidates.extend(advised(system, blasted, vocabulary));
    // Before the first scan every lemma has to hold for certain.
    candidates.retain(|clause| clause.iter().any(|literal| vocabulary.holds_at_start(*literal)));
    let samples = Samples::new(states, &vocabulary.predicates);
    let alive: Vec<Clause> = candidates.into_iter().filter(|clause| !refuted(clause, &samples)).collect();
    inductive((system, blasted), vocabulary, alive, ROUNDS_MAX, limit)
}

/// The lemmas that came with the system, over a vocabulary that gets the predicates it lacks.
pub fn advised(system: &System, blasted: &mut Blasted, vocabulary: &mut Vocabulary) -> Vec<Clause> {
    let lemmas = &system.advice.lemmas;
    let predicates: Vec<Predicate> = lemmas.iter().flatten().map(|(predicate, _)| *predicate).collect();
    vocabulary.extend(system, blasted, &predicates);
    let clause =
        |lemma: &Lemma| lemma.iter().map(|(predicate, holds)| vocabulary.literal(*predicate, *holds)).collect();
    let clauses: Vec<Clause> = lemmas.iter().filter_map(clause).collect();
    let starts = |clause: &Clause| clause.iter().any(|literal| vocabulary.holds_at_start(*literal));
    clauses.into_iter().filter(starts).collect()
}

/// Lemmas from what came with the system: its own, and what the stop-watches of the property have to do with all the rest while
/// they run. Few, and often all that is wanted. Comes with a vocabulary of its own.
pub fn from_advice(
    system: &System,
    blasted: &mut Blasted,
    states: &[random::States],
    limit: &Limit,
) -> (Vocabulary, Vec<Clause>) {
    let mut vocabulary = Vocabulary::default();
    let mut candidates = advised(system, blasted, &mut vocabulary);
    let orders = orders::of_watches(system, states);
    candidates.extend(orders::clauses(system, blasted, &mut vocabulary, &orders));
    let mut others: Vec<Predicate> = (0u32..).zip(&system.latches).map(|(n, _)| Predicate::Latch(n)).collect();
    for (counter, row) in (0u32..).zip(&system.counters) {
        others.extend(row.thresholds.iter().map(|t| Predicate::AtLeast { counter, threshold: *t }));
    }
    for watch in &system.advice.watches {
        let own = [Predicate::Latch(watch.latch)];
        vocabulary.extend(system, blasted, &own);
        vocabulary.extend(system, blasted, &others);
        let Some(stands) = vocabulary.literal(Predicate::Latch(watch.latch), false) else { continue };
        let literals = others.iter().flat_map(|p| [vocabulary.literal(*p, false), vocabulary.literal(*p, true)]);
        candidates.extend(literals.flatten().map(|literal| vec![stands, literal]));
    }
    // What never changes: the faults of contacts that never fail, say.
    let all: Vec<Predicate> = (0u32..).zip(&system.latches).map(|(n, _)| Predicate::Latch(n)).collect();
    vocabulary.extend(system, blasted, &all);
    let values = all.iter().flat_map(|p| [vocabulary.literal(*p, false), vocabulary.literal(*p, true)]);
    candidates.extend(values.flatten().map(|literal| vec![literal]));
    let samples = Samples::new(states, &vocabulary.predicates);
    let starts = |clause: &Clause| clause.iter().any(|literal| vocabulary.holds_at_start(*literal));
    candidates.retain(|clause| starts(clause) && !refuted(clause, &samples));
    let lemmas = inductive((system, blasted), &vocabulary, candidates, ROUNDS_MAX, limit);
    (vocabulary, lemmas)
}

/// Is there a state among the samples in which no literal of the clause holds?
fn refuted(clause: &Clause, samples: &Samples) -> bool {
    samples.meet(clause.iter().map(|literal| literal.not()))
}

/// As [`lemmas`], but only about what stands nearest to the property: in a program of a thousand rungs a lock is still a
/// matter of a few of them. Comes with a vocabulary of its own.
pub fn near_lemmas(
    system: &System,
    blasted: &mut Blasted,
    states: &[random::States],
    limit: &Limit,
) -> (Vocabulary, Vec<Clause>) {
    let related = near_groups(system);
    let mut predicates: BTreeSet<Predicate> = related.iter().flatten().copied().collect();
    let counters: BTreeSet<u32> = predicates.iter().filter_map(|p| counter_of(*p)).collect();
    for counter in counters {
        let thresholds = system.counters.get(counter as usize).map_or(&[] as &[u64], |c| c.thresholds.as_slice());
        predicates.extend(thresholds.iter().map(|t| Predicate::AtLeast { counter, threshold: *t }));
    }
    let mut vocabulary = Vocabulary::default();
    let list: Vec<Predicate> = predicates.into_iter().collect();
    vocabulary.extend(system, blasted, &list);
    let ground = Ground::new(system, related, states);
    let lemmas = lemmas(system, blasted, &mut vocabulary, (&ground, states), limit);
    (vocabulary, lemmas)
}

/// The predicates nearest to some functions, at most so many; and whether these are all.
fn support(system: &System, lits: &[Lit], most: usize) -> (BTreeSet<Predicate>, bool) {
    let mut found = BTreeSet::new();
    let mut open: VecDeque<usize> = lits.iter().map(|l| l.node()).collect();
    let mut seen: FastMap<usize, ()> = FastMap::default();
    while let Some(node) = open.pop_front() {
        if seen.insert(node, ()).is_some() {
            continue;
        }
        match system.graph.node(Lit::of_node(node)) {
            Node::And(a, b) => open.extend([a.node(), b.node()]),
            Node::Leaf(Leaf::Latch(n)) => {
                found.insert(Predicate::Latch(n));
            }
            Node::Leaf(Leaf::AtLeast { counter, threshold }) => {
                found.insert(Predicate::AtLeast { counter, threshold });
                found.insert(Predicate::AtLeast { counter, threshold: 1 });
            }
            Node::Leaf(Leaf::CounterBit { .. } | Leaf::Input(_)) | Node::Constant => {}
        }
        if found.len() > most {
            return (found, false);
        }
    }
    (found, true)
}

/// Groups of predicates that share logic: those one latch or counter depends on, with itself; and those of the property.
fn related(system: &System) -> Vec<Vec<Predicate>> {
    let mut groups = Vec::new();
    let all =
        |lits: &[Lit]| Some(support(system, lits, SUPPORT_MAX)).filter(|(_, whole)| *whole).map(|(group, _)| group);
    for (number, latch) in (0u32..).zip(&system.latches) {
        if let Some(mut group) = all(&[latch.next]) {
            group.insert(Predicate::Latch(number));
            groups.push(group.into_iter().collect());
        }
    }
    for (number, counter) in (0u32..).zip(&system.counters) {
        if let Some(mut group) = all(&[counter.run, counter.hold]) {
            group.extend(counter.thresholds.iter().map(|t| Predicate::AtLeast { counter: number, threshold: *t }));
            groups.push(group.into_iter().collect());
        }
    }
    groups.extend(all(&[system.bad]).map(|group| group.into_iter().collect()));
    groups
}

/// The groups nearest to the property: its own, and those of what is in it.
fn near_groups(system: &System) -> Vec<Vec<Predicate>> {
    let (mut ring, _) = support(system, &[system.bad], NEAR);
    let mut known: BTreeSet<Predicate> = ring.clone();
    let mut groups: Vec<Vec<Predicate>> = vec![ring.iter().copied().collect()];
    for _ in 0..RINGS {
        let mut next = BTreeSet::new();
        for predicate in &ring {
            let functions = match predicate {
                Predicate::Latch(n) => system.latches.get(*n as usize).map(|l| vec![l.next]),
                Predicate::AtLeast { counter, .. } => {
                    system.counters.get(*counter as usize).map(|c| vec![c.run, c.hold])
                }
                Predicate::Order { .. } | Predicate::CounterBit { .. } => None,
            };
            let (mut group, _) = support(system, &functions.unwrap_or_default(), NEAR);
            group.insert(*predicate);
            next.extend(group.iter().copied().filter(|p| !known.contains(p)));
            groups.push(group.into_iter().collect());
        }
        known.extend(&next);
        ring = next;
    }
    groups
}

/// What random runs say about the distance of related counters: one is never further ahead of the other, or not while that one
/// counts.
fn distances(system: &System, related: &[Vec<Predicate>], states: &[random::States]) -> Vec<Found> {
    // Counters are related where a group has both, or where groups of theirs have a latch in common.
    let mut touching: FastMap<Predicate, BTreeSet<u32>> = FastMap::default();
    for group in related {
        let counters: BTreeSet<u32> = group.iter().filter_map(|p| counter_of(*p)).collect();
        for predicate in group {
            touching.entry(*predicate).or_default().extend(&counters);
        }
    }
    let mut pairs: BTreeSet<(u32, u32)> = BTreeSet::new();
    for counters in touching.values() {
        for left in counters {
            pairs.extend(counters.iter().filter(|right| *right != left).map(|right| (*left, *right)));
        }
    }
    let mut found = orders::between(system, pairs.into_iter(), states);
    found.extend(orders::of_watches(system, states));
    found
}

fn counter_of(predicate: Predicate) -> Option<u32> {
    match predicate {
        Predicate::AtLeast { counter, .. } | Predicate::CounterBit { counter, .. } => Some(counter),
        Predicate::Latch(_) | Predicate::Order { .. } => None,
    }
}

fn candidates(system: &System, vocabulary: &Vocabulary, related: &[Vec<Predicate>]) -> Vec<Clause> {
    let mut clauses: Vec<Clause> = Vec::new();
    for (predicate, start) in (0u32..).zip(&vocabulary.start) {
        clauses.extend(start.map(|positive| vec![Literal { predicate, positive }]));
    }
    // A counter that has reached a value has reached every lower one: true by construction, and cheap to say.
    for (counter, row) in (0u32..).zip(&system.counters) {
        for (low, high) in row.thresholds.iter().zip(row.thresholds.iter().skip(1)) {
            let at = |threshold, positive| vocabulary.literal(Predicate::AtLeast { counter, threshold }, positive);
            clauses.extend(at(*low, true).zip(at(*high, false)).map(|(low, high)| vec![low, high]));
        }
    }
    let mut pairs: BTreeSet<(u32, u32)> = BTreeSet::new();
    let mut groups: Vec<&Vec<Predicate>> = related.iter().collect();
    groups.sort_by_key(|group| group.len());
    for group in groups {
        let numbers: Vec<u32> =
            group.iter().filter_map(|p| vocabulary.literal(*p, true)).map(|l| l.predicate).collect();
        for a in &numbers {
            pairs.extend(numbers.iter().filter(|b| *b > a).map(|b| (*a, *b)));
        }
        if pairs.len() > PAIRS_MAX {
            break;
        }
    }
    // An order helps where it may fail only while a counter is at its end.
    for (number, predicate) in (0u32..).zip(&vocabulary.predicates) {
        let Predicate::Order { left, right, .. } = predicate else { continue };
        for counter in [left, right] {
            let max = system.counters.get(*counter as usize).map_or(0, |c| c.max);
            for threshold in [1, max] {
                let other = vocabulary.literal(Predicate::AtLeast { counter: *counter, threshold }, true);
                pairs.extend(other.map(|o| (number.min(o.predicate), number.max(o.predicate))));
            }
        }
    }
    for (a, b) in pairs {
        for (x, y) in [(false, false), (false, true), (true, false), (true, true)] {
            clauses.push(vec![Literal { predicate: a, positive: x }, Literal { predicate: b, positive: y }]);
        }
    }
    clauses
}
