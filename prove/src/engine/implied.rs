//! Which clauses say nothing that others do not say: what follows from two literals at a time.
//!
//! Lemmas come in crowds: a timer that is over is over all the longer ago, and whatever excludes the one excludes the other. Each of
//! them is true, and all that are implied by the rest make every question dearer.

use super::predicates::{Clause, Vocabulary};
use crate::graph::Lit;
use crate::hash::FastMap;

/// What follows from a literal: another one, and the clause that says so; `None`: a fact.
type Edge = (u32, Option<usize>);

/// Literals as nodes, each next to its negation.
#[derive(Default)]
struct Nodes {
    numbers: FastMap<usize, u32>,
    edges: Vec<Vec<Edge>>,
    /// Nodes that hold whatever is assumed, and which clause says so.
    units: Vec<Edge>,
}

impl Nodes {
    fn node(&mut self, lit: Lit) -> u32 {
        let next = u32::try_from(self.edges.len()).unwrap_or(u32::MAX);
        let first = *self.numbers.entry(lit.node()).or_insert(next);
        if first == next {
            self.edges.extend([Vec::new(), Vec::new()]);
        }
        first | u32::from(lit.is_inverted())
    }

    fn add(&mut self, clause: &[u32], by: Option<usize>) {
        match *clause {
            [one] => self.units.push((one, by)),
            [one, other] => {
                for (from, to) in [(one ^ 1, other), (other ^ 1, one)] {
                    self.edges.get_mut(from as usize).into_iter().for_each(|edges| edges.push((to, by)));
                }
            }
            _ => {}
        }
    }

    /// Is there a contradiction when no literal of this clause holds? Says of each clause whether it may be used.
    fn excluded(&self, clause: &[u32], seen: &mut [u32], round: u32, usable: impl Fn(usize) -> bool) -> bool {
        let may = |by: &Option<usize>| by.is_none_or(&usable);
        let mut open: Vec<u32> = clause.iter().map(|node| node ^ 1).collect();
        open.extend(self.units.iter().filter(|(_, by)| may(by)).map(|(node, _)| *node));
        while let Some(node) = open.pop() {
            match seen.get_mut(node as usize) {
                Some(mark) if *mark != round => *mark = round,
                Some(_) | None => continue,
            }
            if seen.get((node ^ 1) as usize) == Some(&round) {
                return true;
            }
            let edges = self.edges.get(node as usize).into_iter().flatten();
            open.extend(edges.filter(|(to, by)| seen.get(*to as usize) != Some(&round) && may(by)).map(|(to, _)| *to));
        }
        false
    }
}

/// Which of these clauses are left when those go, one after the other, that follow from the rest and the facts.
#[must_use]
pub fn needed(vocabulary: &Vocabulary, facts: &[Vec<Lit>], clauses: &[Clause]) -> Vec<bool> {
    let mut nodes = Nodes::default();
    for fact in facts.iter().filter(|fact| fact.len() <= 2) {
        let fact: Vec<u32> = fact.iter().map(|lit| nodes.node(*lit)).collect();
        nodes.add(&fact, None);
    }
    let mut rows: Vec<Vec<u32>> = Vec::with_capacity(clauses.len());
    for (number, clause) in clauses.iter().enumerate() {
        let row: Vec<u32> = clause.iter().map(|literal| nodes.node(vocabulary.before(*literal))).collect();
        nodes.add(&row, Some(number));
        rows.push(row);
    }
    let mut needed = vec![true; rows.len()];
    let mut seen = vec![0; nodes.edges.len()];
    // What was found last is as a rule the weakest.
    for ((round, number), row) in (1..).zip((0..rows.len()).rev()).zip(rows.iter().rev()) {
        let usable = |by: usize| by != number && needed.get(by) == Some(&true);
        let excluded = nodes.excluded(row, &mut seen, round, usable);
        needed.get_mut(number).into_iter().for_each(|needed| *needed = !excluded);
    }
    needed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::predicates::{Literal, Predicate};
    use crate::graph::{Graph, Leaf};
    use crate::model::Start;
    use crate::system::{Blasted, Latch, System};

    /// Six latches that keep what they are.
    fn vocabulary() -> (Vocabulary, Vec<Lit>) {
        let mut graph = Graph::default();
        let lits: Vec<Lit> = (0..6).map(|n| graph.leaf(Leaf::Latch(n))).collect();
        let latches = (0..6).zip(&lits).map(|(model, lit)| Latch { model, start: Start::Free, next: *lit }).collect();
        let system = System::of_latches(graph, latches, Lit::FALSE);
        let mut blasted = Blasted::for_proofs(&system);
        let mut vocabulary = Vocabulary::default();
        vocabulary.extend(&system, &mut blasted, &(0..6).map(Predicate::Latch).collect::<Vec<_>>());
        let now = vocabulary.now.clone();
        (vocabulary, now)
    }

    /// Latch n is n - 1 where that is positive, and the negation of -n - 1 where it is not.
    fn clause(parts: &[i32]) -> Clause {
        parts.iter().map(|n| Literal { predicate: n.unsigned_abs() - 1, positive: *n > 0 }).collect()
    }

    #[test]
    fn what_follows_by_facts_and_other_clauses_goes_and_no_more() {
        let (vocabulary, now) = vocabulary();
        // 1 gives 2.
        let facts = [vec![!now[0], now[1]]];
        let clauses = [
            clause(&[-2, 3]),
            // From the fact and the one before.
            clause(&[-1, 3]),
            clause(&[4]),
            // From the one before.
            clause(&[4, 5]),
            clause(&[-4, 5, -6]),
            // From the two before: longer ones follow, and nothing follows from longer ones.
            clause(&[-1, 3, 6]),
        ];
        assert_eq!(needed(&vocabulary, &facts, &clauses), [true, false, true, false, true, false]);
    }

    #[test]
    fn of_clauses_that_follow_from_each_other_one_is_left() {
        let (vocabulary, _) = vocabulary();
        let circle = [clause(&[-1, 2]), clause(&[-2, 1]), clause(&[-2, 3]), clause(&[-1, 3])];
        assert_eq!(needed(&vocabulary, &[], &circle), [true, true, true, false]);
        let twice = [clause(&[1, 2]), clause(&[2, 1])];
        assert_eq!(needed(&vocabulary, &[], &twice), [true, false]);
        let contradiction = [clause(&[1]), clause(&[-1]), clause(&[2])];
        assert_eq!(needed(&vocabulary, &[], &contradiction), [true, true, false]);
    }
}
