//! Which of many candidates for lemmas carry themselves: those that are left when what a scan breaks has been thrown out, again and
//! again, until nothing more is broken.

use super::predicates::{Clause, Literal, Vocabulary};
use super::random;
use crate::graph::{Leaf, Lit};
use crate::encoding::Encoding;
use crate::sat::{Answer, Limit, Solver, Term};
use crate::system::Blasted;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

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
        left.iter().for_each(|clause| pass.assume(clause, None));
        for from in (0..left.len()).step_by(TOGETHER) {
            let group = from..(from + TOGETHER).min(left.len());
            if !pass.throw_out(group, &mut rounds) {
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
            return one_by_one(blasted, vocabulary, (&facts, left), &mut rounds, limit);
        }
    }
}

/// The same where few candidates are thrown out at a time, and one makes room for the next: the bits of a number that grows, say. Here those with
/// the same last predicate have a switch in common, so that one more or less does not build all anew.
fn one_by_one(
    blasted: &Blasted,
    vocabulary: &Vocabulary,
    (facts, left): (&[Vec<Lit>], Vec<Clause>),
    rounds: &mut usize,
    limit: &Limit,
) -> Vec<Clause> {
    let mut pass = Pass::new(blasted, vocabulary, facts, &left, limit);
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

/// Leaves those that are alive.
fn keep(clauses: &mut Vec<Clause>, alive: &[bool]) {
    let mut alive = alive.iter();
    clauses.retain(|_| alive.next().copied().unwrap_or(false));
}

/// Where less than this part of the candidates was thrown out, the rest goes one by one.
const FEW: usize = 8;
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
        let alive = vec![true; clauses.len()];
        Self { blasted, vocabulary, clauses, alive, solver, encoding, random: 0x9e37_79b9_7f4a_7c15, limit }
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

    /// Throws out what scans break of a group, and of all others what the same scans break. `false`: interrupted, or too many
    /// rounds.
    fn throw_out(&mut self, group: Range<usize>, rounds: &mut usize) -> bool {
        let some = self.solver.fresh();
        let mut any = vec![!some];
        let mut rows: Vec<(usize, Term)> = Vec::new();
        for number in group {
            let Some(clause) = self.clauses.get(number).filter(|_| self.alive.get(number) == Some(&true)) else {
                continue;
            };
            let broken = self.broken(clause);
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
