//! What of a proof is needed: the clauses that exclude a broken property, those that carry them, and so on.
//!
//! Engines find many clauses that are true and help nobody. What is left here is a proof by itself, quicker to check and shorter to read.

use super::portfolio::{Argument, Certificate};
use super::predicates::{Clause, Predicate, Vocabulary};
use crate::advice::Lemma;
use crate::encoding::Encoding;
use crate::sat::{Answer, Limit, Solver, Term};
use crate::system::{Blasted, System};

/// The needed ones of clauses that are a proof together; all of them where that is not found.
#[must_use]
pub fn needed(blasted: &Blasted, vocabulary: &Vocabulary, clauses: Vec<Clause>, limit: &Limit) -> Vec<Clause> {
    match marked((blasted, vocabulary), &clauses, Goal::Property, limit) {
        Some(marks) => clauses.into_iter().zip(marks).filter(|(_, needed)| *needed).map(|(clause, _)| clause).collect(),
        None => clauses,
    }
}

/// The same of a certificate for a system: with counters as comparisons where these are a proof so, else bit by bit.
#[must_use]
pub fn of_certificate(system: &System, certificate: Certificate, limit: &Limit) -> Certificate {
    if let Argument::Scans(_) = certificate.argument {
        return certificate;
    }
    let Certificate { argument, clauses } = certificate;
    Certificate { argument, clauses: of_lemmas(system, clauses, Goal::Property, limit) }
}

/// Lemmas that are wanted, and what of others carries them; all of them where that is not found.
#[must_use]
pub fn with_carriers(system: &System, wanted: Vec<Lemma>, others: &[Lemma], limit: &Limit) -> Vec<Lemma> {
    let goal = Goal::First(wanted.len());
    of_lemmas(system, wanted.into_iter().chain(others.iter().cloned()).collect(), goal, limit)
}

fn of_lemmas(system: &System, lemmas: Vec<Lemma>, goal: Goal, limit: &Limit) -> Vec<Lemma> {
    let compared = Blasted::compared(system);
    for mut blasted in compared.into_iter().chain([Blasted::new(system)]) {
        let mut vocabulary = Vocabulary::default();
        let all: Vec<Predicate> = lemmas.iter().flatten().map(|(predicate, _)| *predicate).collect();
        vocabulary.extend(system, &mut blasted, &all);
        let literals = |clause: &Lemma| clause.iter().map(|(p, holds)| vocabulary.literal(*p, *holds)).collect();
        let clauses: Vec<Clause> = lemmas.iter().filter_map(literals).collect();
        if let Some(marks) = marked((&blasted, &vocabulary), &clauses, goal, limit) {
            return lemmas.into_iter().zip(marks).filter(|(_, needed)| *needed).map(|(lemma, _)| lemma).collect();
        }
    }
    lemmas
}

/// What clauses are needed for.
#[derive(Clone, Copy, Debug)]
enum Goal {
    /// To exclude that the property is broken.
    Property,
    /// To carry the first so many of them.
    First(usize),
}

/// Which of the clauses are needed; `None`: they do not carry each other and the goal.
fn marked(
    (blasted, vocabulary): (&Blasted, &Vocabulary),
    clauses: &[Clause],
    goal: Goal,
    limit: &Limit,
) -> Option<Vec<bool>> {
    let (graph, mut solver, mut encoding) = (&blasted.graph, Solver::new(limit), Encoding::default());
    encoding.clauses(&mut solver, graph, &blasted.facts());
    let constraint = encoding.term(&mut solver, graph, blasted.constraint);
    solver.clause(&[constraint]);
    let mut switches: Vec<Term> = Vec::new();
    for clause in clauses {
        let switch = solver.switch();
        let literal = |literal: &_| encoding.term(&mut solver, graph, vocabulary.before(*literal));
        let mut terms: Vec<Term> = clause.iter().map(literal).collect();
        terms.push(!switch);
        solver.clause(&terms);
        switches.push(switch);
    }
    let numbers: std::collections::HashMap<Term, usize> = switches.iter().copied().zip(0..).collect();
    let mut marks = vec![false; clauses.len()];
    let mut open: Vec<usize> = Vec::new();
    // What is asked first: numbers behind the last clause stand for the property.
    match goal {
        Goal::Property => open.push(clauses.len()),
        Goal::First(wanted) => {
            open.extend(0..wanted);
            marks.iter_mut().take(wanted).for_each(|mark| *mark = true);
        }
    }
    while let Some(number) = open.pop() {
        let asked: Vec<Term> = match clauses.get(number) {
            Some(clause) => {
                clause.iter().map(|literal| !encoding.term(&mut solver, graph, vocabulary.behind(*literal))).collect()
            }
            None => vec![encoding.term(&mut solver, graph, blasted.bad)],
        };
        // First what is needed already: most clauses are carried by the same few.
        let known = || switches.iter().zip(&marks).filter(|(_, needed)| **needed).map(|(switch, _)| *switch);
        let mut answer = solver.solve(&known().chain(asked.iter().copied()).collect::<Vec<Term>>());
        if answer == Answer::Yes {
            answer = solver.solve(&switches.iter().chain(&asked).copied().collect::<Vec<Term>>());
            for number in solver.core().iter().filter_map(|term| numbers.get(term)) {
                if let Some(mark) = marks.get_mut(*number).filter(|mark| !**mark) {
                    *mark = true;
                    open.push(*number);
                }
            }
        }
        if answer != Answer::No {
            return None;
        }
    }
    Some(marks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::predicates::Literal;
    use crate::graph::{Graph, Leaf, Lit};
    use crate::model::Start;
    use crate::system::Latch;

    /// A latch that takes over the one before it in every scan; the first one stays as it is. The third one shall never be set.
    fn chain() -> System {
        let mut graph = Graph::default();
        let lits: Vec<Lit> = (0..4).map(|n| graph.leaf(Leaf::Latch(n))).collect();
        let latch = |(model, next): (u32, usize)| Latch { model, start: Start::Value(false), next: lits[next] };
        let latches = [(0, 0), (1, 0), (2, 1), (3, 3)].map(latch).to_vec();
        System::of_latches(graph, latches, lits[2])
    }

    #[test]
    fn what_carries_what_is_needed_is_kept_and_no_more() {
        let system = chain();
        let mut blasted = Blasted::for_proofs(&system);
        let mut vocabulary = Vocabulary::default();
        vocabulary.extend(&system, &mut blasted, &(0..4).map(Predicate::Latch).collect::<Vec<_>>());
        let never = |predicate: u32| vec![Literal { predicate, positive: false }];
        let left = needed(&blasted, &vocabulary, vec![never(3), never(2), never(1), never(0)], &Limit::default());
        assert_eq!(left, vec![never(2), never(1), never(0)]);
        // Without the first one they are no proof, and are left as they are.
        let no_proof = vec![never(3), never(2), never(1)];
        assert_eq!(needed(&blasted, &vocabulary, no_proof.clone(), &Limit::default()), no_proof);
    }

    #[test]
    fn what_is_wanted_is_kept_with_what_carries_it() {
        let system = chain();
        let never = |latch: u32| vec![(Predicate::Latch(latch), false)];
        let others = [never(3), never(0)];
        let kept = with_carriers(&system, vec![never(1)], &others, &Limit::default());
        assert_eq!(kept, [never(1), never(0)]);
        // Nothing carries it: it is left with all the others.
        let all = with_carriers(&system, vec![never(2)], &others, &Limit::default());
        assert_eq!(all, [never(2), never(3), never(0)]);
    }
}
