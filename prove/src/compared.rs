//! Counters by their comparisons alone: what an engine needs that never speaks of a counter's bits.
//!
//! Owns [`Comparisons`]. An *atom* says that one counter is ahead of another, or of nothing, by at least so much: `left - right >= by`
//! with `by >= 1`; everything else said about two counters is an atom, the negation of one, or a constant. In a scan a counter
//! counts, rests or becomes 0, so what an atom is after a scan is a small function of atoms before it ([`Comparisons::next`]): no
//! adder and no comparator is in any formula, and a preset of ten hours costs what one of ten milliseconds costs.
//!
//! An engine sees each atom as a latch of its own. That forgets what atoms have to do with each other; [`Comparisons::facts`]
//! says it again, as far as sums of two differences tell. What is left out only makes more states look possible than there are: so
//! what is proved here holds, and what is not proved is for others to decide.

use crate::graph::{Graph, Leaf, Lit};
use crate::hash::FastMap;
use crate::system::System;
use std::collections::BTreeSet;

/// `left - right >= by`; without `right`: `left >= by`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Atom {
    left: u32,
    right: Option<u32>,
    /// At least 1.
    by: i128,
}

/// A counter as far as it matters here.
#[derive(Clone, Copy, Debug)]
struct Row {
    max: i128,
    run: Lit,
    hold: Lit,
}

/// The atoms of a system, each a latch.
#[derive(Clone, Debug)]
pub struct Comparisons {
    rows: Vec<Row>,
    /// Number of the first atom's latch.
    first: u32,
    atoms: Vec<Atom>,
    numbers: FastMap<Atom, u32>,
    nexts: FastMap<Atom, Lit>,
}

/// What a counter does in a scan.
struct Moves {
    /// It becomes greater by 1.
    up: Lit,
    /// It becomes 0.
    zero: Lit,
}

impl Comparisons {
    /// None yet, over the counters of a system whose functions are still to be given by [`Self::set`].
    #[must_use]
    pub fn new(system: &System) -> Self {
        let row = |max: u64| Row { max: i128::from(max), run: Lit::FALSE, hold: Lit::FALSE };
        Self {
            rows: system.counters.iter().map(|c| row(c.max)).collect(),
            first: u32::try_from(system.latches.len()).unwrap_or(u32::MAX),
            atoms: Vec::new(),
            numbers: FastMap::default(),
            nexts: FastMap::default(),
        }
    }

    /// When a counter counts and rests.
    pub fn set(&mut self, counter: u32, run: Lit, hold: Lit) {
        if let Some(row) = self.rows.get_mut(counter as usize) {
            *row = Row { run, hold, ..*row };
        }
    }

    fn row(&self, counter: u32) -> Row {
        self.rows.get(counter as usize).copied().unwrap_or(Row { max: 0, run: Lit::FALSE, hold: Lit::FALSE })
    }

    fn atom(&mut self, graph: &mut Graph, atom: Atom) -> Lit {
        let number = match self.numbers.get(&atom) {
            Some(number) => *number,
            None => {
                let number = self.first.saturating_add(u32::try_from(self.atoms.len()).unwrap_or(u32::MAX));
                self.atoms.push(atom);
                self.numbers.insert(atom, number);
                number
            }
        };
        graph.leaf(Leaf::Latch(number))
    }

    /// `left - right >= by` before a scan, where a missing counter is 0.
    pub fn difference(&mut self, graph: &mut Graph, left: Option<u32>, right: Option<u32>, by: i128) -> Lit {
        match (left, right) {
            (Some(l), Some(r)) if l == r => Lit::constant(by <= 0),
            (None, None) => Lit::constant(by <= 0),
            (Some(l), _) if by > self.row(l).max => Lit::FALSE,
            (None, _) if by > 0 => Lit::FALSE,
            (_, Some(r)) if by <= -self.row(r).max => Lit::TRUE,
            (_, None) if by <= 0 => Lit::TRUE,
            (Some(left), right) if by >= 1 => self.atom(graph, Atom { left, right, by }),
            (left, right) => !self.difference(graph, right, left, 1 - by),
        }
    }

    fn moves(&self, graph: &mut Graph, counter: u32, full: Lit) -> Moves {
        let row = self.row(counter);
        Moves { up: graph.and(row.run, !full), zero: graph.and(!row.run, !row.hold) }
    }

    /// The atom's value after a scan.
    fn after(&mut self, graph: &mut Graph, atom: Atom) -> Lit {
        if let Some(known) = self.nexts.get(&atom) {
            return *known;
        }
        let Atom { left, right, by } = atom;
        let same = self.atom(graph, atom);
        let row = self.row(left);
        let next = match right {
            None => {
                // At the maximum nothing changes, and both sides hold.
                let counted = self.difference(graph, Some(left), None, by - 1);
                let rests = graph.and(row.hold, same);
                graph.mux(row.run, counted, rests)
            }
            Some(other) => {
                let full = self.difference(graph, Some(left), None, row.max);
                let mine = self.moves(graph, left, full);
                let full = self.difference(graph, Some(other), None, self.row(other).max);
                let theirs = self.moves(graph, other, full);
                let closer = self.difference(graph, Some(left), right, by - 1);
                let further = self.difference(graph, Some(left), right, by + 1);
                let alone = self.after_lit(graph, Some(left), None, by);
                let up = graph.mux(theirs.up, same, closer);
                let stays = graph.mux(theirs.up, further, same);
                let both = graph.mux(mine.up, up, stays);
                let moved = graph.mux(theirs.zero, alone, both);
                graph.and(!mine.zero, moved)
            }
        };
        self.nexts.insert(atom, next);
        next
    }

    fn after_lit(&mut self, graph: &mut Graph, left: Option<u32>, right: Option<u32>, by: i128) -> Lit {
        let lit = self.difference(graph, left, right, by);
        self.next(graph, lit)
    }

    /// After a scan: a literal that is an atom, the negation of one, or a constant. Others are given back as they are.
    pub fn next(&mut self, graph: &mut Graph, lit: Lit) -> Lit {
        let crate::graph::Node::Leaf(Leaf::Latch(number)) = graph.node(lit) else { return lit };
        let atom = number.checked_sub(self.first).and_then(|at| self.atoms.get(at as usize)).copied();
        atom.map_or(lit, |atom| self.after(graph, atom).xor_sign(lit.is_inverted()))
    }

    /// The atoms' latches. All are false before the first scan, when every counter is 0.
    #[must_use]
    pub fn leaves(&self, graph: &Graph) -> Vec<Lit> {
        let numbers = (self.first..).zip(&self.atoms).map(|(number, _)| number);
        numbers.filter_map(|number| graph.find(Leaf::Latch(number))).collect()
    }

    /// The least values of the counters of which everything holds that is known of atoms, by their latches; `None`: there are none.
    #[must_use]
    pub fn counts(&self, known: impl Fn(u32) -> Option<bool>) -> Option<Vec<u64>> {
        let mut bounds: Vec<(End, End, i128)> = Vec::new();
        for (number, atom) in (self.first..).zip(&self.atoms) {
            let (left, right) = (Some(atom.left), atom.right);
            bounds.extend(
                known(number).map(|holds| if holds { (left, right, atom.by) } else { (right, left, 1 - atom.by) }),
            );
        }
        let mut counts = vec![0; self.rows.len()];
        let at = |counts: &[i128], end: End| end.map_or(0, |n| counts.get(n as usize).copied().unwrap_or(0));
        // Every round settles at least one counter.
        for _ in 0..=counts.len() {
            let broken = |(x, y, by): &&(End, End, i128)| at(&counts, *x) - at(&counts, *y) < *by;
            let broken: Vec<(End, End, i128)> = bounds.iter().filter(broken).copied().collect();
            if broken.is_empty() {
                let fits = counts.iter().zip(&self.rows).all(|(count, row)| *count <= row.max);
                let counts = counts.into_iter().map(|count| u64::try_from(count).ok());
                return counts.collect::<Option<Vec<u64>>>().filter(|_| fits);
            }
            for (x, y, by) in broken {
                let least = at(&counts, y) + by;
                let count = x.and_then(|n| counts.get_mut(n as usize))?;
                *count = least.max(*count);
            }
        }
        None
    }

    /// Clauses over the atoms met so far that hold in every state.
    #[must_use]
    pub fn facts(&self, graph: &Graph) -> Vec<Vec<Lit>> {
        Differences::new(self, graph).facts()
    }
}

/// A counter, or nothing.
type End = Option<u32>;

/// Everything that can be said, by whom it is about: `x - y >= by` for rising `by`.
struct Differences {
    lists: FastMap<(End, End), Vec<(i128, Lit)>>,
    /// Counters each one is compared with.
    ends: FastMap<End, BTreeSet<End>>,
    maxima: Vec<i128>,
}

impl Differences {
    fn new(of: &Comparisons, graph: &Graph) -> Self {
        let maxima: Vec<i128> = of.rows.iter().map(|row| row.max).collect();
        let mut all = Self { lists: FastMap::default(), ends: FastMap::default(), maxima };
        let mut add = |x: End, y: End, by: i128, lit: Lit| {
            all.lists.entry((x, y)).or_default().push((by, lit));
            all.ends.entry(x).or_default().insert(y);
        };
        let mut met: BTreeSet<u32> = BTreeSet::new();
        for (number, atom) in (of.first..).zip(&of.atoms) {
            let Some(lit) = graph.find(Leaf::Latch(number)) else { continue };
            add(Some(atom.left), atom.right, atom.by, lit);
            add(atom.right, Some(atom.left), 1 - atom.by, !lit);
            met.extend([Some(atom.left), atom.right].into_iter().flatten());
        }
        for counter in met {
            add(Some(counter), None, 0, Lit::TRUE);
            add(None, Some(counter), -of.row(counter).max, Lit::TRUE);
        }
        for list in all.lists.values_mut() {
            list.sort_unstable_by_key(|(by, _)| *by);
        }
        all
    }

    fn list(&self, x: End, y: End) -> &[(i128, Lit)] {
        self.lists.get(&(x, y)).map_or(&[], Vec::as_slice)
    }

    fn max(&self, end: End) -> i128 {
        end.map_or(0, |counter| self.maxima.get(counter as usize).copied().unwrap_or(0))
    }

    /// The strongest thing that follows from `x - y >= by`: by how much for certain, and what it is, unless it is nothing.
    fn strongest(&self, x: End, y: End, by: i128) -> Option<(i128, Lit)> {
        if by > self.max(x) {
            return Some((self.max(x) + 1, Lit::FALSE));
        }
        let list = self.list(x, y);
        let end = list.partition_point(|(known, _)| *known <= by);
        end.checked_sub(1).and_then(|at| list.get(at)).copied()
    }

    fn facts(&self) -> Vec<Vec<Lit>> {
        let mut clauses: Vec<Vec<Lit>> = Vec::new();
        let mut add = |lits: [Lit; 3]| {
            let mut clause: Vec<Lit> = lits.into_iter().filter(|lit| *lit != Lit::FALSE).collect();
            clause.sort_unstable();
            clause.dedup();
            let void = clause.contains(&Lit::TRUE) || clause.windows(2).any(|two| matches!(two, [a, b] if *a == !*b));
            if !void {
                clauses.push(clause);
            }
        };
        for ((x, y), list) in &self.lists {
            // More implies less.
            for (less, more) in list.iter().zip(list.iter().skip(1)) {
                add([!more.1, less.1, Lit::FALSE]);
            }
            let Some(thirds) = self.ends.get(y) else { continue };
            for z in thirds.iter().filter(|z| *z != x) {
                self.sums((*x, *y, *z), &mut add);
            }
        }
        clauses.sort_unstable();
        clauses.dedup();
        clauses
    }

    /// `x - y >= a` and `y - z >= b` give `x - z >= a + b`. What follows from less need not be said of more.
    fn sums(&self, (x, y, z): (End, End, End), add: &mut impl FnMut([Lit; 3])) {
        let mut less_a = None;
        for (a, first) in self.list(x, y) {
            let mut less_b = None;
            for (b, second) in self.list(y, z) {
                let says_more = |by: i128| {
                    less_a.is_none_or(|less: i128| less + b < by) && less_b.is_none_or(|less: i128| a + less < by)
                };
                if let Some((_, lit)) = self.strongest(x, z, a + b).filter(|(by, _)| says_more(*by)) {
                    add([!*first, !*second, lit]);
                }
                less_b = Some(*b);
            }
            less_a = Some(*a);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{at, evaluate};
    use crate::system::Counter;

    const MAXIMA: [u64; 3] = [3, 5, 1];

    fn system() -> System {
        let counter = |max: &u64| Counter {
            model: 0,
            max: *max,
            thresholds: Vec::new(),
            exposed: false,
            run: Lit::FALSE,
            hold: Lit::FALSE,
        };
        let counters = MAXIMA.iter().map(counter).collect();
        System { counters, ..System::of_latches(Graph::default(), Vec::new(), Lit::FALSE) }
    }

    fn count(counts: &[u64], end: End) -> i128 {
        end.map_or(0, |counter| i128::from(counts[counter as usize]))
    }

    /// The value of every node, where the counters are so, and inputs 2n and 2n + 1 say that counter n counts and rests.
    fn values(compared: &Comparisons, graph: &Graph, counts: &[u64], inputs: u32) -> Vec<bool> {
        evaluate(graph, |leaf| match leaf {
            Leaf::Input(number) => inputs >> number & 1 == 1,
            Leaf::Latch(number) => {
                let atom = compared.atoms[number as usize];
                count(counts, Some(atom.left)) - count(counts, atom.right) >= atom.by
            }
            Leaf::AtLeast { .. } | Leaf::CounterBit { .. } => panic!("a counter in a compared system"),
        })
    }

    /// Every state of the three counters.
    fn all_counts() -> Vec<Vec<u64>> {
        let mut all = vec![Vec::new()];
        for max in MAXIMA {
            all = (0..=max).flat_map(|n| all.iter().map(move |c| [c.as_slice(), &[n]].concat())).collect();
        }
        all
    }

    #[test]
    fn comparisons_are_arithmetic_before_and_after_every_scan() {
        let mut graph = Graph::default();
        let mut compared = Comparisons::new(&system());
        for counter in 0..3 {
            let [run, hold] = [0, 1].map(|i| graph.leaf(Leaf::Input(counter * 2 + i)));
            compared.set(counter, run, hold);
        }
        let ends: Vec<End> = [None].into_iter().chain((0..3).map(Some)).collect();
        let mut all = Vec::new();
        for (left, right) in ends.iter().flat_map(|l| ends.iter().map(move |r| (*l, *r))) {
            for by in -7..=7 {
                let lit = compared.difference(&mut graph, left, right, by);
                let next = compared.next(&mut graph, lit);
                all.push((left, right, by, lit, next));
            }
        }
        for counts in all_counts() {
            for inputs in 0..64 {
                let moved: Vec<u64> = (0..3)
                    .map(|n| match (inputs >> (2 * n) & 1 == 1, inputs >> (2 * n + 1) & 1 == 1) {
                        (true, _) => (counts[n] + 1).min(MAXIMA[n]),
                        (false, true) => counts[n],
                        (false, false) => 0,
                    })
                    .collect();
                let values = values(&compared, &graph, &counts, inputs);
                for (left, right, by, lit, next) in &all {
                    let holds = |counts: &[u64]| count(counts, *left) - count(counts, *right) >= *by;
                    assert_eq!(at(&values, *lit), holds(&counts), "{left:?} - {right:?} >= {by} at {counts:?}");
                    assert_eq!(at(&values, *next), holds(&moved), "{left:?} - {right:?} >= {by} after {counts:?}");
                }
            }
        }
    }

    #[test]
    fn counts_are_the_least_of_which_all_holds_that_is_known() {
        let mut graph = Graph::default();
        let mut compared = Comparisons::new(&system());
        let pairs = [(Some(0), None, 2), (Some(1), Some(0), 2), (Some(1), Some(2), 3), (Some(2), None, 1)];
        for (left, right, by) in pairs {
            let _ = compared.difference(&mut graph, left, right, by);
        }
        let counts = |known: [Option<bool>; 4]| compared.counts(|number| known[number as usize]);
        assert_eq!(counts([None; 4]), Some(vec![0, 0, 0]));
        assert_eq!(counts([Some(true), Some(true), None, None]), Some(vec![2, 4, 0]));
        assert_eq!(counts([Some(true), Some(true), Some(false), Some(true)]), None, "4 is at least 3 more than 1");
        assert_eq!(counts([Some(true), Some(true), Some(true), Some(true)]), Some(vec![2, 4, 1]));
        assert_eq!(counts([Some(false), Some(false), Some(false), Some(false)]), Some(vec![0, 0, 0]));
        // Whatever is said of some state, some state is found of which that holds.
        for state in all_counts() {
            let holds = |(left, right, by): &(End, End, i128)| count(&state, *left) - count(&state, *right) >= *by;
            let known = pairs.each_ref().map(|pair| Some(holds(pair)));
            let found = counts(known).unwrap();
            let same = |(left, right, by): &(End, End, i128)| count(&found, *left) - count(&found, *right) >= *by;
            assert_eq!(pairs.each_ref().map(|pair| Some(same(pair))), known, "{state:?}");
            assert!(found.iter().zip(MAXIMA).all(|(count, max)| *count <= max), "{found:?}");
        }
    }

    #[test]
    fn facts_hold_in_every_state_and_say_what_follows() {
        let mut graph = Graph::default();
        let mut compared = Comparisons::new(&system());
        let mut diff = |l, r, by| compared.difference(&mut graph, l, r, by);
        let ahead = diff(Some(1), Some(0), 2);
        let [two, five, wide] = [diff(Some(0), None, 2), diff(Some(1), None, 5), diff(Some(1), None, 4)];
        let _ = [diff(Some(0), Some(2), 1), diff(Some(1), Some(2), 3), diff(Some(0), Some(1), 1)];
        let facts = compared.facts(&graph);
        for counts in all_counts() {
            let values = values(&compared, &graph, &counts, 0);
            for fact in &facts {
                assert!(fact.iter().any(|lit| at(&values, *lit)), "{fact:?} at {counts:?}");
            }
        }
        let says = |clause: &[Lit]| {
            let mut clause = clause.to_vec();
            clause.sort_unstable();
            facts.contains(&clause)
        };
        assert!(says(&[!five, wide]), "more implies less");
        assert!(says(&[!ahead, !two, wide]), "2 ahead of 2 is 4");
        assert!(!says(&[!ahead, !two, five]));
    }
}
