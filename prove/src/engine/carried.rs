//! Which of many candidates for lemmas carry themselves: those that are left when what a scan breaks has been thrown out, again and
//! again, until nothing more is broken.

use super::implied::Implied;
use super::predicates::{Clause, Literal, Vocabulary};
use super::random::{self, Runs};
use crate::encoding::Encoding;
use crate::graph::{Leaf, Lit};
use crate::hash::FastMap;
use crate::sat::{Answer, Limit, Solver, Term};
use crate::system::{Blasted, System};
use crate::vector::Vector;
use std::collections::BTreeSet;

/// The greatest part of the candidates that carries itself; empty where it is not found in so many rounds.
///
/// All candidates that are left are assumed as they are, without a variable each to switch them off, and asked about one by one. What a
/// scan from such a state breaks does not carry itself with fewer of them either: so it is thrown out without building anything anew,
/// until nothing more is found, and only then the solver is built again with what is left; once that is nearly all, as `settle` says.
pub fn inductive(
    (system, blasted): (&System, &Blasted),
    vocabulary: &Vocabulary,
    candidates: Vec<Clause>,
    rounds: usize,
    limit: &Limit,
) -> Vec<Clause> {
    let facts = blasted.facts();
    // What follows from others need neither be assumed nor asked: it holds where they do.
    let mut implied = Implied::new(vocabulary, &facts, &candidates);
    let (mut alive, mut rounds) = (vec![true; candidates.len()], rounds);
    loop {
        let before = alive.clone();
        let mut pass = Pass::new((system, blasted), vocabulary, &facts, (&candidates, alive), limit);
        let needed: Vec<usize> = (0..candidates.len()).filter(|number| implied.is_needed(*number)).collect();
        needed.iter().for_each(|number| pass.assume(*number, None));
        for number in needed {
            if !pass.throw_out(number, &mut rounds) {
                return Vec::new();
            }
        }
        alive = pass.alive;
        let gone = gone(&before, &alive);
        if !gone.is_empty() {
            implied.without(&gone);
            if gone.len() >= before.iter().filter(|alive| **alive).count() / FEW {
                continue;
            }
            let pass = Pass::new((system, blasted), vocabulary, &facts, (&candidates, alive), limit);
            match settle(pass, implied, &mut rounds) {
                Some(settled) => alive = settled,
                None => return Vec::new(),
            }
        }
        let mut left = candidates.clone();
        keep(&mut left, |number| alive.get(number) == Some(&true));
        return left;
    }
}

/// The same where few candidates are thrown out at a time, and one makes room for the next: the bits of a number that grows, say. Here
/// each one has a switch, so that the solver says by which others it is carried: it is asked about again when one of those goes, and not
/// before. Says which candidates are left; `None`: interrupted, or too many rounds.
fn settle(mut pass: Pass<'_>, mut implied: Implied, rounds: &mut usize) -> Option<Vec<bool>> {
    let mut switches: Vec<Option<Term>> = vec![None; pass.clauses.len()];
    let mut numbers: FastMap<Term, usize> = FastMap::default();
    // Which candidates each one carries.
    let mut carries: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); pass.clauses.len()];
    let mut fresh: Vec<usize> = (0..pass.clauses.len()).filter(|number| implied.is_needed(*number)).collect();
    let mut open: BTreeSet<usize> = BTreeSet::new();
    loop {
        for number in std::mem::take(&mut fresh) {
            let switch = pass.solver.switch();
            pass.assume(number, Some(switch));
            numbers.insert(switch, number);
            switches.get_mut(number).into_iter().for_each(|known| *known = Some(switch));
            open.insert(number);
        }
        let Some(number) = open.pop_first() else { return Some(pass.alive) };
        if pass.alive.get(number) != Some(&true) {
            continue;
        }
        let broken = pass.not_after(number);
        let assumed: Vec<Term> = switches.iter().flatten().copied().chain(broken).collect();
        match pass.solver.solve(&assumed) {
            Answer::No => {
                for by in pass.solver.core().iter().filter_map(|term| numbers.get(term)) {
                    carries.get_mut(*by).into_iter().for_each(|carried| _ = carried.insert(number));
                }
            }
            Answer::Yes if *rounds > 0 => {
                *rounds -= 1;
                let before = pass.alive.clone();
                pass.look_around();
                let gone = gone(&before, &pass.alive);
                // Only a solver that contradicts itself leaves it: no lemma is safer than a wrong one.
                if !gone.contains(&number) {
                    return None;
                }
                for number in &gone {
                    let switch = switches.get_mut(*number).and_then(Option::take);
                    switch.into_iter().for_each(|switch| pass.solver.retire(switch));
                    open.extend(carries.get_mut(*number).map(std::mem::take).unwrap_or_default());
                }
                fresh = implied.without(&gone);
            }
            Answer::Yes | Answer::Stopped => return None,
        }
    }
}

/// Which candidates are not alive any more.
fn gone(before: &[bool], alive: &[bool]) -> Vec<usize> {
    let died = |(number, (before, alive)): (usize, (&bool, &bool))| (*before && !*alive).then_some(number);
    before.iter().zip(alive).enumerate().filter_map(died).collect()
}

/// Leaves those of which that is said.
pub fn keep(clauses: &mut Vec<Clause>, kept: impl Fn(usize) -> bool) {
    let mut numbers = 0..;
    clauses.retain(|_| numbers.next().is_some_and(&kept));
}

/// Where less than this part of the candidates was thrown out, each of the rest gets a switch.
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
        (clauses, alive): (&'a [Clause], Vec<bool>),
        limit: &'a Limit,
    ) -> Self {
        let (mut solver, mut encoding) = (Solver::new(limit), Encoding::by_leaves());
        let constraint = encoding.term(&mut solver, &blasted.graph, blasted.constraint);
        solver.clause(&[constraint]);
        encoding.clauses(&mut solver, &blasted.graph, facts);
        Self { system, blasted, vocabulary, clauses, alive, solver, encoding, random: 0x9e37_79b9_7f4a_7c15, limit }
    }

    /// A candidate holds before the scan, where the switch is on.
    fn assume(&mut self, number: usize, switch: Option<Term>) {
        let (encoding, solver, graph) = (&mut self.encoding, &mut self.solver, &self.blasted.graph);
        let literal = |literal: &Literal| encoding.term(solver, graph, self.vocabulary.before(*literal));
        let mut terms: Vec<Term> = self.clauses.get(number).into_iter().flatten().map(literal).collect();
        terms.extend(switch.map(|switch| !switch));
        self.solver.clause(&terms);
    }

    /// No literal of the candidate holds after the scan.
    fn not_after(&mut self, number: usize) -> Vec<Term> {
        let (encoding, solver, graph) = (&mut self.encoding, &mut self.solver, &self.blasted.graph);
        let literal = |literal: &Literal| !encoding.term(solver, graph, self.vocabulary.behind(*literal));
        self.clauses.get(number).into_iter().flatten().map(literal).collect()
    }

    /// Throws out a candidate that a scan breaks, and all others that the same scan breaks. `false`: interrupted, or too many rounds.
    fn throw_out(&mut self, number: usize, rounds: &mut usize) -> bool {
        if self.alive.get(number) != Some(&true) {
            return true;
        }
        let broken = self.not_after(number);
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

    /// A number of eight bits that stays as it is or goes on by one, to 7 and not beyond; and a ninth latch, which is set at 8.
    fn counts() -> System {
        let mut graph = Graph::default();
        let on = graph.leaf(Leaf::Input(0));
        let bits: Vec<Lit> = (0..9).map(|n| graph.leaf(Leaf::Latch(n))).collect();
        let seven = bits[..3].iter().fold(Lit::TRUE, |all, bit| graph.and(all, *bit));
        let mut carry = graph.and(on, !seven);
        let mut nexts = Vec::new();
        for bit in &bits[..8] {
            nexts.push(graph.xor(*bit, carry));
            carry = graph.and(*bit, carry);
        }
        nexts.push(bits[3]);
        let latch = |(model, next): (u32, Lit)| Latch { model, start: Start::Value(false), next };
        let latches = (0..).zip(nexts).map(latch).collect();
        System { inputs: vec![0], ..System::of_latches(graph, latches, Lit::FALSE) }
    }

    #[test]
    fn what_is_thrown_out_one_after_the_other_leaves_what_carries_itself() {
        let system = counts();
        let mut blasted = Blasted::for_proofs(&system);
        let mut vocabulary = Vocabulary::default();
        vocabulary.extend(&system, &mut blasted, &(0..9).map(Predicate::Latch).collect::<Vec<_>>());
        let never = |predicate: u32| vec![Literal { predicate, positive: false }];
        // Many that stay, so that few go; and some that follow from others as long as those are there.
        let mut candidates: Vec<Clause> = (0..9).map(never).collect();
        for low in 0..3 {
            candidates.extend((3..9).map(|high| [never(low), never(high)].concat()));
        }
        candidates.push([never(0), never(1)].concat());
        let settled = |clauses: Vec<Clause>| {
            let facts = blasted.facts();
            let (implied, alive) = (Implied::new(&vocabulary, &facts, &clauses), vec![true; clauses.len()]);
            let limit = Limit::default();
            let pass = Pass::new((&system, &blasted), &vocabulary, &facts, (&clauses, alive), &limit);
            let alive = settle(pass, implied, &mut 1_000).expect("neither interrupted nor too many rounds");
            let mut left = clauses.clone();
            keep(&mut left, |number| alive[number]);
            left
        };
        let all = |clauses| inductive((&system, &blasted), &vocabulary, clauses, 1_000, &Limit::default());
        let stays = |clause: &Clause| clause.iter().any(|literal| literal.predicate >= 3);
        let expected: Vec<Clause> = candidates.iter().filter(|clause| stays(clause)).cloned().collect();
        assert_eq!(settled(candidates.clone()), expected);
        assert_eq!(all(candidates), expected);
    }
}
