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
    /// How each node was reached when it was reached last: in which round, from which node (itself: from none), by which clause.
    reached: Vec<(u32, u32, Option<usize>)>,
    round: u32,
}

impl Nodes {
    fn node(&mut self, lit: Lit) -> u32 {
        let next = u32::try_from(self.edges.len()).unwrap_or(u32::MAX);
        let first = *self.numbers.entry(lit.node()).or_insert(next);
        if first == next {
            self.edges.extend([Vec::new(), Vec::new()]);
            self.reached.extend([(0, 0, None); 2]);
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

    fn is_reached(&self, node: u32) -> bool {
        self.reached.get(node as usize).is_some_and(|(round, ..)| *round == self.round)
    }

    /// Is there a contradiction when no literal of this clause holds? By which of the clauses that may be used.
    fn excluded(&mut self, clause: &[u32], usable: impl Fn(usize) -> bool) -> Option<Vec<usize>> {
        self.round += 1;
        let may = |by: &Option<usize>| by.is_none_or(&usable);
        let mut open: Vec<(u32, u32, Option<usize>)> = clause.iter().map(|node| (node ^ 1, node ^ 1, None)).collect();
        open.extend(self.units.iter().filter(|(_, by)| may(by)).map(|(node, by)| (*node, *node, *by)));
        while let Some((node, from, by)) = open.pop() {
            if self.is_reached(node) {
                continue;
            }
            self.reached.get_mut(node as usize).into_iter().for_each(|reached| *reached = (self.round, from, by));
            if self.is_reached(node ^ 1) {
                return Some(self.reasons(node));
            }
            let edges = self.edges.get(node as usize).into_iter().flatten();
            open.extend(edges.filter(|(to, by)| !self.is_reached(*to) && may(by)).map(|(to, by)| (*to, node, *by)));
        }
        None
    }

    /// The clauses by which a node and its negation were reached.
    fn reasons(&self, node: u32) -> Vec<usize> {
        let mut reasons = Vec::new();
        for end in [node, node ^ 1] {
            let mut at = end;
            while let Some((_, from, by)) = self.reached.get(at as usize).copied() {
                reasons.extend(by);
                if from == at {
                    break;
                }
                at = from;
            }
        }
        reasons
    }
}

/// Clauses of which some follow from the others.
pub struct Implied {
    nodes: Nodes,
    rows: Vec<Row>,
}

struct Row {
    clause: Vec<u32>,
    /// It is not among those any more that are looked at.
    gone: bool,
    /// It does not follow from others that are needed.
    needed: bool,
    /// From which ones it follows.
    reasons: Vec<usize>,
}

impl std::fmt::Debug for Implied {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Implied: {} clauses", self.rows.len())
    }
}

impl Implied {
    /// What of these clauses follows from the rest and the facts.
    #[must_use]
    pub fn new(vocabulary: &Vocabulary, facts: &[Vec<Lit>], clauses: &[Clause]) -> Self {
        let mut nodes = Nodes::default();
        for fact in facts.iter().filter(|fact| fact.len() <= 2) {
            let fact: Vec<u32> = fact.iter().map(|lit| nodes.node(*lit)).collect();
            nodes.add(&fact, None);
        }
        let mut row = |clause: &Clause| {
            let clause = clause.iter().map(|literal| nodes.node(vocabulary.before(*literal))).collect();
            Row { clause, gone: false, needed: false, reasons: Vec::new() }
        };
        let rows = clauses.iter().map(&mut row).collect();
        let mut all = Self { nodes, rows };
        // What was found last is as a rule the weakest: most of it follows from the few that came before, and leads on nowhere.
        for number in 0..clauses.len() {
            all.look_at(number);
        }
        for number in (0..clauses.len()).rev() {
            if all.is_needed(number) {
                all.look_at(number);
            }
        }
        all
    }

    /// Does it not follow from others?
    #[must_use]
    pub fn is_needed(&self, number: usize) -> bool {
        self.rows.get(number).is_some_and(|row| row.needed)
    }

    /// Takes clauses away. What has followed from them and does not follow from others is needed now, and given back.
    pub fn without(&mut self, gone: &[usize]) -> Vec<usize> {
        for number in gone {
            self.rows.get_mut(*number).into_iter().for_each(|row| (row.gone, row.needed) = (true, false));
        }
        let lost = |row: &Row| row.reasons.iter().any(|by| self.rows.get(*by).is_none_or(|row| row.gone));
        let open = self.rows.iter().enumerate().filter(|(_, row)| !row.gone && !row.needed && lost(row));
        let open: Vec<usize> = open.map(|(number, _)| number).collect();
        open.into_iter().filter(|number| self.look_at(*number)).collect()
    }

    /// Does this clause not follow from the others that are needed?
    fn look_at(&mut self, number: usize) -> bool {
        let Self { nodes, rows } = self;
        let Some(row) = rows.get(number) else { return false };
        let usable = |by: usize| by != number && rows.get(by).is_some_and(|row| row.needed);
        let (reasons, before) = (nodes.excluded(&row.clause, usable), row.needed);
        let needed = reasons.is_none();
        if needed && !before {
            nodes.add(&row.clause, Some(number));
        }
        if let Some(row) = rows.get_mut(number) {
            (row.needed, row.reasons) = (needed, reasons.unwrap_or_default());
        }
        needed
    }
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

    fn needed(vocabulary: &Vocabulary, facts: &[Vec<Lit>], clauses: &[Clause]) -> Vec<bool> {
        let implied = Implied::new(vocabulary, facts, clauses);
        (0..clauses.len()).map(|number| implied.is_needed(number)).collect()
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

    #[test]
    fn what_has_followed_from_a_clause_that_goes_is_needed_unless_it_follows_from_others() {
        let (vocabulary, _) = vocabulary();
        let clauses = [
            clause(&[-1, 2]),
            clause(&[-2, 3]),
            // From those two.
            clause(&[-1, 3]),
            clause(&[-4, 3]),
            clause(&[-1, 4]),
            // From the first one.
            clause(&[-1, 2, 5]),
        ];
        let mut implied = Implied::new(&vocabulary, &[], &clauses);
        assert!(!implied.is_needed(2) && !implied.is_needed(5));
        assert_eq!(implied.without(&[0]), [5], "the third one follows from the two that are left");
        assert_eq!(implied.without(&[3, 5]), [2]);
        assert!(implied.is_needed(2) && !implied.is_needed(5) && !implied.is_needed(0));
        assert_eq!(implied.without(&[2]), [0; 0]);
    }
}
