//! Which of many candidates for lemmas carry themselves: those that are left when what a scan breaks has been thrown out, again and
//! again, until nothing more is broken.

use super::implied;
use super::predicates::{Clause, Literal, Vocabulary};
use super::random::{self, Runs};
use crate::encoding::Encoding;
use crate::graph::{Leaf, Lit};
use crate::sat::{Answer, Limit, Solver, Term};
use crate::system::{Blasted, System};
use crate::vector::Vector;
use std::collections::{BTreeMap, BTreeSet};

/// The greatest part of the candidates that carries itself; empty where it is not found in so many rounds.
///
/// All candidates that are left are assumed as they are, without a variable each to switch them off, and asked about one by one. What a
/// scan from such a state breaks does not carry itself with fewer of them either: so it is thrown out without building anything anew,
/// until nothing more is found, and only then the solver is built again with what is left.
pub fn inductive(
    (system, blasted): (&System, &Blasted),
    vocabulary: &Vocabulary,
    candidates: Vec<Clause>,
    rounds: usize,
    limit: &Limit,
) -> Vec<Clause> {
    let facts = blasted.facts();
    let mut left = candidates;
    let mut rounds = rounds;
    loop {
        let mut pass = Pass::new((system, blasted), vocabulary, &facts, &left, limit);
        // What follows from others need neither be assumed nor asked: it holds where they do.
        let needed = (0..).zip(implied::needed(vocabulary, &facts, &left)).filter(|(_, needed)| *needed);
        let needed: Vec<usize> = needed.map(|(number, _)| number).collect();
        needed.iter().filter_map(|number| left.get(*number)).for_each(|clause| pass.assume(clause, None));
        for number in needed {
            if !pass.throw_out(number, &mut rounds) {
                return Vec::new();
            }
        }
        let before = left.len();
        let alive = pass.alive;
        keep(&mut left, &alive);
        if left.len() == before {
            return left;
        }
        if before - left.len() < before / FEW {
            return one_by_one((system, blasted), vocabulary, (&facts, left), &mut rounds, limit);
        }
    }
}

/// The same where few candidates are thrown out at a time, and one makes room for the next: the bits of a number that grows, say. Here those with
/// the same last predicate have a switch in common, so that one more or less does not build all anew.
fn one_by_one(
    (system, blasted): (&System, &Blasted),
    vocabulary: &Vocabulary,
    (facts, left): (&[Vec<Lit>], Vec<Clause>),
    rounds: &mut usize,
    limit: &Limit,
) -> Vec<Clause> {
    let mut pass = Pass::new((system, blasted), vocabulary, facts, &left, limit);
    let some = pass.solver.fresh();
    let rows: Vec<Term> = left.iter().map(|clause| pass.broken(clause)).collect();
    pass.solver.clause(&rows.iter().copied().chain([!some]).collect::<Vec<Term>>());
    let mut members: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (number, clause) in left.iter().enumerate() {
        members.entry(clause.last().map_or(0, |literal| literal.predicate)).or_default().push(number);
    }
    let mut switches: BTreeMap<u32, Term> = BTreeMap::new();
    let mut changed: BTreeSet<u32> = members.keys().copied().collect();
    loop {
        for key in std::mem::take(&mut changed) {
            let switch = pass.solver.fresh();
            if let Some(old) = switches.insert(key, switch) {
                pass.solver.clause(&[!old]);
            }
            for number in members.get(&key).into_iter().flatten() {
                if let Some(clause) = left.get(*number).filter(|_| pass.alive.get(*number) == Some(&true)) {
                    pass.assume(clause, Some(switch));
                }
            }
        }
        let assumed: Vec<Term> = switches.values().copied().chain([some]).collect();
        match pass.solver.solve(&assumed) {
            Answer::No => break,
            Answer::Yes if *rounds > 0 => *rounds -= 1,
            Answer::Yes | Answer::Stopped => return Vec::new(),
        }
        let before = pass.alive.clone();
        pass.look_around();
        for ((number, was), is) in before.iter().enumerate().zip(&pass.alive) {
            if *was && !*is {
                rows.get(number).into_iter().for_each(|broken| pass.solver.clause(&[!*broken]));
                changed.extend(left.get(number).and_then(|clause| clause.last()).map(|literal| literal.predicate));
            }
        }
        if changed.is_empty() {
            // Only a solver that contradicts itself comes here: no lemma is safer than a wrong one.
            return Vec::new();
        }
    }
    let (alive, mut left) = (pass.alive, left.clone());
    keep(&mut left, &alive);
    left
}

/// Leaves those of which that is said.
pub fn keep(clauses: &mut Vec<Clause>, kept: &[bool]) {
    let mut kept = kept.iter();
    clauses.retain(|_| kept.next().copied().unwrap_or(false));
}

/// Where less than this part of the candidates was thrown out, the rest goes one by one.
const FEW: usize = 8;
/// Conflicts of the solver that a question may take whose answer is not the last word.
const CONFLICTS_MAX: u64 = 100;
/// Scans that are looked at from a state on that the solver found.
const SCANS_MAX: usize = 40;
/// Scans in a row that throw nothing out, before the solver is asked again.
const IDLE_MAX: usize = 6;

/// Scans from states in which all candidates hold.
struct Pass<'a> {
    system: &'a System,
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
        (system, blasted): (&'a System, &'a Blasted),
        vocabulary: &'a Vocabulary,
        facts: &[Vec<Lit>],
        clauses: &'a [Clause],
        limit: &'a Limit,
    ) -> Self {
        let (mut solver, mut encoding) = (Solver::new(limit), Encoding::default());
        let constraint = encoding.term(&mut solver, &blasted.graph, blasted.constraint);
        solver.clause(&[constraint]);
        encoding.clauses(&mut solver, &blasted.graph, facts);
        let alive = vec![true; clauses.len()];
        Self { system, blasted, vocabulary, clauses, alive, solver, encoding, random: 0x9e37_79b9_7f4a_7c15, limit }
    }

    /// A candidate holds before the scan, where the switch is on.
    fn assume(&mut self, clause: &Clause, switch: Option<Term>) {
        let (encoding, solver, graph) = (&mut self.encoding, &mut self.solver, &self.blasted.graph);
        let literal = |literal: &Literal| encoding.term(solver, graph, self.vocabulary.before(*literal));
        let mut terms: Vec<Term> = clause.iter().map(literal).collect();
        terms.extend(switch.map(|switch| !switch));
        self.solver.clause(&terms);
    }

    /// Implies that no literal of the candidate holds after the scan.
    fn broken(&mut self, clause: &Clause) -> Term {
        let broken = self.solver.fresh();
        for literal in clause {
            let after = self.encoding.term(&mut self.solver, &self.blasted.graph, self.vocabulary.behind(*literal));
            self.solver.clause(&[!broken, !after]);
        }
        broken
    }

    /// Throws out a candidate that a scan breaks, and all others that the same scan breaks. `false`: interrupted, or too many rounds.
    fn throw_out(&mut self, number: usize, rounds: &mut usize) -> bool {
        let Some(clause) = self.clauses.get(number).filter(|_| self.alive.get(number) == Some(&true)) else {
            return true;
        };
        let (encoding, solver, graph) = (&mut self.encoding, &mut self.solver, &self.blasted.graph);
        let broken: Vec<Term> =
            clause.iter().map(|l| !encoding.term(solver, graph, self.vocabulary.behind(*l))).collect();
        // That nothing more is broken is dear to show, and tells nothing where all is asked again with fewer.
        let answer = match self.alive.contains(&false) {
            true => self.solver.solve_within(&broken, CONFLICTS_MAX),
            false => self.solver.solve(&broken),
        };
        match answer {
            Answer::No => return true,
            Answer::Stopped => return !self.limit.reached(),
            Answer::Yes => {}
        }
        if *rounds == 0 {
            return false;
        }
        *rounds -= 1;
        self.look_around();
        // Only a solver that contradicts itself leaves it: no lemma is safer than a wrong one.
        self.alive.get(number) == Some(&false)
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
        self.go_on();
    }

    /// Lets 64 random runs go on from that state: what is left holds after each of their scans, so what the next one breaks is thrown out
    /// as well, without a question.
    fn go_on(&mut self) {
        let Some((latches, counters)) = self.state() else { return };
        let mut runs = Runs::from_state(self.system, &latches, &counters, self.random);
        let mut idle = 0;
        for scan in 0..SCANS_MAX {
            runs.next(scan);
            let sample = runs.states().sample(&self.vocabulary.predicates);
            let mut fewer = false;
            for (clause, alive) in self.clauses.iter().zip(&mut self.alive).filter(|(_, alive)| **alive) {
                *alive = !random::breaks_clause(&sample, clause);
                fewer |= !*alive;
            }
            idle = if fewer { 0 } else { idle + 1 };
            if idle == IDLE_MAX {
                return;
            }
        }
    }

    /// The state of the solver's last answer; `None` where counters are said to be what they cannot be together.
    fn state(&self) -> Option<(Vec<bool>, Vec<u64>)> {
        let known = |lit: Lit| self.encoding.known(lit).map(|term| self.solver.holds(term));
        let latch = |number: u32| self.blasted.latch(number).and_then(known);
        let latches = (0u32..).zip(&self.system.latches).map(|(number, _)| latch(number).unwrap_or(false)).collect();
        let counters = match &self.blasted.compared {
            Some(compared) => compared.counts(latch)?,
            None => {
                let number = |bits: &Vector| {
                    let bits = bits.iter().enumerate();
                    bits.fold(0, |number, (at, bit)| number | u64::from(known(*bit).unwrap_or(false)) << at)
                };
                self.blasted.counters.iter().map(number).collect()
            }
        };
        Some((latches, counters))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::predicates::Predicate;
    use crate::graph::Graph;
    use crate::model::Start;
    use crate::system::Latch;

    /// A press of a button goes through eight latches, one with each scan; a ninth keeps what it is.
    fn presses() -> System {
        let mut graph = Graph::default();
        let press = graph.leaf(Leaf::Input(0));
        let bits: Vec<Lit> = (0..9).map(|n| graph.leaf(Leaf::Latch(n))).collect();
        let nexts = [press].into_iter().chain(bits.iter().copied().take(7)).chain(bits.last().copied());
        let latch = |(model, next): (u32, Lit)| Latch { model, start: Start::Value(false), next };
        let latches = (0..).zip(nexts).map(latch).collect();
        System { inputs: vec![0], ..System::of_latches(graph, latches, Lit::FALSE) }
    }

    #[test]
    fn one_answer_shows_what_the_scans_behind_it_break() {
        let system = presses();
        let mut blasted = Blasted::for_proofs(&system);
        let mut vocabulary = Vocabulary::default();
        vocabulary.extend(&system, &mut blasted, &(0..9).map(Predicate::Latch).collect::<Vec<_>>());
        let never = |predicate: u32| vec![Literal { predicate, positive: false }];
        let left = |rounds| {
            let candidates = (0..9).map(never).collect();
            inductive((&system, &blasted), &vocabulary, candidates, rounds, &Limit::default())
        };
        assert_eq!(left(1), [never(8)], "only the first latch is set after a scan in which all candidates hold before");
        assert!(left(0).is_empty(), "given up");
    }
}
