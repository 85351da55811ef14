//! Lemmas: clauses that hold before every scan, found by throwing out candidates until the rest carries itself.
//!
//! Candidates are single predicates with their starting value, pairs of predicates that share logic, and orders between counters.
//! Random runs throw out most of those that are wrong; then the solver is asked whether a scan can lead from a state in
//! which all candidates hold to one in which some do not, those are thrown out, and so on until none is left to throw out.

use super::predicates::{Clause, Literal, Predicate, Vocabulary};
use super::random;
use crate::graph::{Leaf, Lit, Node};
use crate::hash::FastMap;
use crate::sat::{Answer, Encoding, Limit, Solver, Term};
use crate::system::{Blasted, System};
use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;

/// Pairs of predicates that are tried.
const PAIRS_MAX: usize = 6_000;
/// Predicates one function may depend on for its pairs to be tried.
const SUPPORT_MAX: usize = 64;
/// Pairs of counters whose order is tried.
const ORDERS_MAX: usize = 200;
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

/// Clauses that hold before every scan of the system, given that its constraint holds in every scan. Empty when interrupted.
pub fn lemmas(
    system: &System,
    blasted: &mut Blasted,
    vocabulary: &mut Vocabulary,
    states: &[random::States],
    limit: &Limit,
) -> Vec<Clause> {
    let related = related(system);
    among(system, blasted, vocabulary, (&related, states), limit)
}

/// Lemmas over these groups.
fn among(
    system: &System,
    blasted: &mut Blasted,
    vocabulary: &mut Vocabulary,
    (related, states): (&[Vec<Predicate>], &[random::States]),
    limit: &Limit,
) -> Vec<Clause> {
    let mut extra = add_orders(system, blasted, vocabulary, (related, states));
    let mut candidates = candidates(system, vocabulary, related);
    candidates.append(&mut extra);
    // Before the first scan every lemma has to hold for certain.
    candidates.retain(|clause| clause.iter().any(|literal| vocabulary.holds_at_start(*literal)));
    let samples: Vec<random::Sample> = states.iter().map(|s| s.sample(&vocabulary.predicates)).collect();
    let alive: Vec<Clause> = candidates.into_iter().filter(|clause| !refuted(clause, &samples)).collect();
    inductive(blasted, vocabulary, alive, ROUNDS_MAX, limit)
}

/// Is there a state among the samples in which no literal of the clause holds?
fn refuted(clause: &Clause, samples: &[random::Sample]) -> bool {
    samples.iter().any(|sample| {
        clause.iter().fold(u64::MAX, |none, literal| {
            let word = sample.get(literal.predicate as usize).copied().unwrap_or(0);
            none & if literal.positive { !word } else { word }
        }) != 0
    })
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
    let lemmas = among(system, blasted, &mut vocabulary, (&related, states), limit);
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

/// An order and whether it holds, and what holds where it need not.
type Found = (Predicate, bool, Option<(Predicate, bool)>);

/// Adds orders between related counters to the vocabulary, and gives what random runs say about their distance: one is
/// never further ahead of the other, or not while that one counts.
fn add_orders(
    system: &System,
    blasted: &mut Blasted,
    vocabulary: &mut Vocabulary,
    (related, states): (&[Vec<Predicate>], &[random::States]),
) -> Vec<Clause> {
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
    let comparable = |n: &u32| system.counters.get(*n as usize).is_some_and(|c| c.max > 1);
    let pairs: Vec<(u32, u32)> =
        pairs.into_iter().filter(|(left, right)| comparable(left) && comparable(right)).take(ORDERS_MAX).collect();
    let mut found: Vec<Found> = Vec::new();
    for (left, right) in pairs {
        let max_of = |counter: u32| system.counters.get(counter as usize).map_or(0, |c| c.max);
        let (max, right_max) = (i128::from(max_of(left)), max_of(right));
        let seen: Vec<[Option<i128>; 3]> = states.iter().map(|s| s.ahead(left, (right, right_max))).collect();
        let most = |which: usize| seen.iter().filter_map(|s| s.get(which).copied().flatten()).max();
        // Where the other one rests, or has come to its end, an order need not hold.
        let rests = (Predicate::AtLeast { counter: right, threshold: 1 }, false);
        let ended = (Predicate::AtLeast { counter: right, threshold: right_max }, true);
        for (ahead, guard) in [(most(0), None), (most(1), Some(rests)), (most(2), Some(ended))] {
            let Some(ahead) = ahead.filter(|by| *by < max) else { continue };
            // Never ahead by more: `left >= right + ahead + 1` is false, or the other way round where that is below 0.
            let (order, positive) = match u64::try_from(ahead + 1) {
                Ok(by) => (Predicate::Order { left, right, by }, false),
                Err(_) => {
                    let by = u64::try_from(-ahead).unwrap_or(0);
                    (Predicate::Order { left: right, right: left, by }, true)
                }
            };
            found.push((order, positive, guard));
        }
    }
    let orders: Vec<Predicate> = found.iter().map(|(order, ..)| *order).collect();
    vocabulary.extend(system, blasted, &orders);
    let clause = |(order, positive, guard): Found| {
        let guard = guard.and_then(|(p, holds)| vocabulary.literal(p, holds));
        vocabulary.literal(order, positive).map(|order| guard.into_iter().chain([order]).collect::<Clause>())
    };
    found.into_iter().filter_map(clause).collect()
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

/// The greatest part of the candidates that carries itself; empty where it is not found in so many rounds.
///
/// All candidates that are left are assumed as they are, without a variable each to switch them off. What a scan from such a
/// state breaks does not carry itself with fewer of them either: so it is thrown out without building anything anew, until
/// nothing more is found, and only then the solver is built again with what is left.
pub fn inductive(
    blasted: &Blasted,
    vocabulary: &Vocabulary,
    candidates: Vec<Clause>,
    rounds: usize,
    limit: &Limit,
) -> Vec<Clause> {
    let facts = blasted.facts();
    let mut left = candidates;
    let mut rounds = rounds;
    loop {
        let mut pass = Pass::new(blasted, vocabulary, &facts, &left, limit);
        for from in (0..left.len()).step_by(TOGETHER) {
            let group = from..(from + TOGETHER).min(left.len());
            if !pass.throw_out(group, &mut rounds) {
                return Vec::new();
            }
        }
        let mut alive = pass.alive.into_iter();
        let before = left.len();
        left.retain(|_| alive.next().unwrap_or(false));
        if left.len() == before {
            return left;
        }
    }
}

/// Conflicts of the solver that a question may take whose answer is not the last word.
const CONFLICTS_MAX: u64 = 100;
/// Candidates that are asked about together.
const TOGETHER: usize = 1_000;

/// Scans from states in which all candidates hold.
struct Pass<'a> {
    blasted: &'a Blasted,
    vocabulary: &'a Vocabulary,
    clauses: &'a [Clause],
    /// Not thrown out yet.
    alive: Vec<bool>,
    solver: Solver,
    encoding: Encoding,
    random: u64,
    limit: &'a Limit,
}

impl<'a> Pass<'a> {
    fn new(
        blasted: &'a Blasted,
        vocabulary: &'a Vocabulary,
        facts: &[Vec<Lit>],
        clauses: &'a [Clause],
        limit: &'a Limit,
    ) -> Self {
        let (mut solver, mut encoding) = (Solver::new(limit), Encoding::default());
        let constraint = encoding.term(&mut solver, &blasted.graph, blasted.constraint);
        solver.clause(&[constraint]);
        encoding.clauses(&mut solver, &blasted.graph, facts);
        for clause in clauses {
            let before = |literal: &Literal| vocabulary.before(*literal);
            let lits: Vec<Lit> = clause.iter().map(before).collect();
            encoding.clauses(&mut solver, &blasted.graph, &[lits]);
        }
        let alive = vec![true; clauses.len()];
        Self { blasted, vocabulary, clauses, alive, solver, encoding, random: 0x9e37_79b9_7f4a_7c15, limit }
    }

    /// Throws out what scans break of a group, and of all others what the same scans break. `false`: interrupted, or too many
    /// rounds.
    fn throw_out(&mut self, group: Range<usize>, rounds: &mut usize) -> bool {
        let graph = &self.blasted.graph;
        let some = self.solver.fresh();
        let mut any = vec![!some];
        // Implies that no literal of the clause holds after the scan.
        let mut rows: Vec<(usize, Term)> = Vec::new();
        for number in group {
            let Some(clause) = self.clauses.get(number).filter(|_| self.alive.get(number) == Some(&true)) else {
                continue;
            };
            let broken = self.solver.fresh();
            for literal in clause {
                let after = self.encoding.term(&mut self.solver, graph, self.vocabulary.behind(*literal));
                self.solver.clause(&[!broken, !after]);
            }
            any.push(broken);
            rows.push((number, broken));
        }
        self.solver.clause(&any);
        loop {
            // That nothing more is broken is dear to show, and tells nothing where all is asked again with fewer.
            let answer = match self.alive.contains(&false) {
                true => self.solver.solve_within(&[some], CONFLICTS_MAX),
                false => self.solver.solve(&[some]),
            };
            match answer {
                Answer::No => break,
                Answer::Stopped if self.limit.reached() => return false,
                Answer::Stopped => break,
                Answer::Yes => {}
            }
            if *rounds == 0 {
                return false;
            }
            *rounds -= 1;
            self.look_around();
            let (dead, left): (Vec<_>, Vec<_>) =
                rows.iter().partition(|(number, _)| self.alive.get(*number) == Some(&false));
            if dead.is_empty() {
                // Only a solver that contradicts itself comes here: no lemma is safer than a wrong one.
                return false;
            }
            dead.iter().for_each(|(_, broken)| self.solver.clause(&[!*broken]));
            rows = left;
        }
        // Nobody need decide about them any more.
        rows.iter().for_each(|(_, broken)| self.solver.clause(&[!*broken]));
        self.solver.clause(&[!some]);
        true
    }

    /// Throws out what is broken by a scan from the state of the solver's last answer, with its inputs and with 63 others.
    fn look_around(&mut self) {
        let (encoding, solver, graph) = (&self.encoding, &self.solver, &self.blasted.graph);
        let mut random = self.random;
        let values = random::lanes(graph, |leaf| {
            let known = graph.find(leaf).and_then(|lit| encoding.known(lit));
            let here = if known.is_some_and(|term| solver.holds(term)) { u64::MAX } else { 0 };
            if !matches!(leaf, Leaf::Input(_)) {
                return here;
            }
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            // Half of the inputs stay as they are.
            let others = random & random.rotate_left(21) & !1;
            here ^ others
        });
        self.random = random;
        let allowed = random::word_at(&values, self.blasted.constraint);
        for (clause, alive) in self.clauses.iter().zip(&mut self.alive).filter(|(_, alive)| **alive) {
            let word = |literal: &Literal| random::word_at(&values, self.vocabulary.behind(*literal));
            let holds = clause.iter().fold(!allowed, |some, literal| some | word(literal));
            *alive = holds == u64::MAX;
        }
    }
}
