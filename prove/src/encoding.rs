//! Graphs as clauses.
//!
//! A variable stands for a function, not for a node: a choice is one variable with its four clauses, and ANDs nobody else uses are
//! part of the one above them. What has a variable is decided by who asks; a node that was left out gets its own when it is asked for.

use crate::graph::{Graph, Lit, Node};
use crate::hash::FastMap;
use crate::sat::{Solver, Term};

/// Operands of one AND at most.
const OPERANDS_MAX: usize = 12;

/// Which variable stands for which node of one graph.
#[derive(Clone, Debug, Default)]
pub struct Encoding {
    terms: Vec<Option<Term>>,
    /// The solver tries values of leaves only; all others follow.
    by_leaves: bool,
}

/// A node as clauses say it.
enum Shape {
    /// `yes` where `condition`, else `no`.
    Choice { condition: Lit, yes: Lit, no: Lit },
    /// All of them.
    All(Vec<Lit>),
}

impl Encoding {
    /// For many questions that are seldom hard: the solver tries values of leaves only, because all others follow. Where a question takes
    /// many conflicts, it does better with all of them.
    #[must_use]
    pub fn by_leaves() -> Self {
        Self { by_leaves: true, ..Self::default() }
    }

    /// The variable of a literal; what defines it is added to the solver.
    pub fn term(&mut self, solver: &mut Solver, graph: &Graph, lit: Lit) -> Term {
        self.grow(graph);
        let mut open = vec![(lit.node(), None)];
        while let Some((node, shape)) = open.pop() {
            if self.at(node).is_some() {
                continue;
            }
            let term = match (shape, graph.node(Lit::of_node(node))) {
                (None, Node::And(a, b)) => {
                    let shape = self.shape(graph, (a, b));
                    let parts: Vec<usize> = shape.parts().map(Lit::node).filter(|n| self.at(*n).is_none()).collect();
                    open.push((node, Some(shape)));
                    open.extend(parts.into_iter().map(|part| (part, None)));
                    continue;
                }
                (Some(shape), _) => self.define(solver, &shape),
                (None, Node::Leaf(_)) => solver.fresh(),
                (None, Node::Constant) => {
                    let zero = solver.fresh();
                    solver.clause(&[!zero]);
                    zero
                }
            };
            if let Some(slot) = self.terms.get_mut(node) {
                *slot = Some(term);
            }
        }
        match self.at(lit.node()) {
            Some(term) => signed(term, lit),
            None => solver.fresh(),
        }
    }

    /// How an AND is said.
    fn shape(&self, graph: &Graph, (a, b): (Lit, Lit)) -> Shape {
        if let Some((condition, yes, no)) = graph.choice(a, b) {
            return Shape::Choice { condition, yes, no };
        }
        let mut all: Vec<Lit> = Vec::new();
        let mut open = vec![b, a];
        while let Some(lit) = open.pop() {
            let own = !lit.is_inverted() && self.at(lit.node()).is_none() && !graph.is_shared(lit);
            match graph.node(lit) {
                Node::And(a, b) if own && all.len() + open.len() < OPERANDS_MAX && graph.choice(a, b).is_none() => {
                    open.extend([b, a]);
                }
                Node::And(..) | Node::Leaf(_) | Node::Constant => all.push(lit),
            }
        }
        Shape::All(all)
    }

    /// A new variable for what is said of nodes that have theirs.
    fn define(&self, solver: &mut Solver, shape: &Shape) -> Term {
        let term = |lit: Lit| self.at(lit.node()).map(|term| signed(term, lit));
        let out = if self.by_leaves { solver.switch() } else { solver.fresh() };
        match shape {
            Shape::Choice { condition, yes, no } => {
                let (Some(s), Some(y), Some(n)) = (term(*condition), term(*yes), term(*no)) else { return out };
                solver.clause(&[!s, !y, out]);
                solver.clause(&[!s, y, !out]);
                solver.clause(&[s, !n, out]);
                solver.clause(&[s, n, !out]);
                if y != !n {
                    // Follow from the others, and are seen sooner.
                    solver.clause(&[!y, !n, out]);
                    solver.clause(&[y, n, !out]);
                }
            }
            Shape::All(lits) => {
                let mut some: Vec<Term> = vec![out];
                for lit in lits.iter().filter_map(|lit| term(*lit)) {
                    solver.clause(&[!out, lit]);
                    some.push(!lit);
                }
                solver.clause(&some);
            }
        }
        out
    }

    /// This variable stands for a leaf.
    pub fn put(&mut self, graph: &Graph, leaf: Lit, term: Term) {
        self.grow(graph);
        if let Some(slot) = self.terms.get_mut(leaf.node()) {
            *slot = Some(signed(term, leaf));
        }
    }

    /// Adds clauses over literals of a graph.
    pub fn clauses(&mut self, solver: &mut Solver, graph: &Graph, clauses: &[Vec<Lit>]) {
        for clause in clauses {
            let terms: Vec<Term> = clause.iter().map(|lit| self.term(solver, graph, *lit)).collect();
            solver.clause(&terms);
        }
    }

    /// The variable of a literal, where it has one already.
    #[must_use]
    pub fn known(&self, lit: Lit) -> Option<Term> {
        self.at(lit.node()).map(|term| signed(term, lit))
    }

    /// The value of a literal in the solver's last answer. What was never given to the solver may be anything.
    #[must_use]
    pub fn holds(&self, solver: &Solver, graph: &Graph, lit: Lit) -> bool {
        let mut values: FastMap<usize, bool> = FastMap::default();
        let mut open = vec![lit.node()];
        while let Some(node) = open.last().copied() {
            let value = match (self.at(node), graph.node(Lit::of_node(node))) {
                (Some(term), _) => solver.holds(term),
                (None, Node::And(a, b)) => {
                    let missing = |lit: &Lit| !values.contains_key(&lit.node());
                    let before = open.len();
                    open.extend([a, b].iter().filter(|lit| missing(lit)).map(|lit| lit.node()));
                    if open.len() > before {
                        continue;
                    }
                    let value = |lit: Lit| values.get(&lit.node()).is_some_and(|value| *value != lit.is_inverted());
                    value(a) && value(b)
                }
                (None, Node::Leaf(_) | Node::Constant) => false,
            };
            values.insert(node, value);
            open.pop();
        }
        values.get(&lit.node()).is_some_and(|value| *value != lit.is_inverted())
    }

    fn grow(&mut self, graph: &Graph) {
        if self.terms.len() < graph.len() {
            self.terms.resize(graph.len(), None);
        }
    }

    fn at(&self, node: usize) -> Option<Term> {
        self.terms.get(node).copied().flatten()
    }
}

impl Shape {
    fn parts(&self) -> impl Iterator<Item = Lit> {
        let (choice, all) = match self {
            Self::Choice { condition, yes, no } => ([*condition, *yes, *no].to_vec(), [].as_slice()),
            Self::All(lits) => (Vec::new(), lits.as_slice()),
        };
        choice.into_iter().chain(all.iter().copied())
    }
}

fn signed(term: Term, lit: Lit) -> Term {
    if lit.is_inverted() { !term } else { term }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Leaf;
    use crate::sat::{Answer, Limit};
    use crate::sim::{at, evaluate};

    /// Variables that a function of so many inputs takes.
    fn variables(inputs: u32, function: impl Fn(&mut Graph, &[Lit]) -> Lit) -> usize {
        let [one, other] = [Encoding::default(), Encoding::by_leaves()].map(|e| variables_by(e, inputs, &function));
        assert_eq!(one, other);
        one
    }

    fn variables_by(mut encoding: Encoding, inputs: u32, function: impl Fn(&mut Graph, &[Lit]) -> Lit) -> usize {
        let mut graph = Graph::default();
        let leaves: Vec<Lit> = (0..inputs).map(|n| graph.leaf(Leaf::Input(n))).collect();
        let root = function(&mut graph, &leaves);
        let mut solver = Solver::new(&Limit::default());
        let term = encoding.term(&mut solver, &graph, root);
        for values in 0..1_u32 << inputs {
            let expected = evaluate(&graph, |leaf| matches!(leaf, Leaf::Input(n) if values >> n & 1 == 1));
            let mut assumed: Vec<Term> = Vec::new();
            for (number, leaf) in leaves.iter().enumerate() {
                let term = encoding.known(*leaf).unwrap();
                assumed.push(if values >> number & 1 == 1 { term } else { !term });
            }
            assert_eq!(solver.solve(&assumed), Answer::Yes);
            assert_eq!(solver.holds(term), at(&expected, root), "{values:b}");
            // Of what has no variable too.
            for node in (0..graph.len()).map(Lit::of_node) {
                assert_eq!(encoding.holds(&solver, &graph, node), at(&expected, node), "{node:?} of {values:b}");
            }
            assumed.push(if at(&expected, root) { !term } else { term });
            assert_eq!(solver.solve(&assumed), Answer::No, "{values:b}");
        }
        encoding.terms.iter().flatten().count() - inputs as usize
    }

    #[test]
    fn choices_and_ands_nobody_else_uses_are_one_variable() {
        assert_eq!(variables(3, |graph, l| graph.mux(l[0], l[1], !l[2])), 1);
        assert_eq!(variables(2, |graph, l| graph.xor(l[0], l[1])), 1);
        assert_eq!(variables(5, |graph, l| graph.all([l[0], !l[1], l[2], l[3], l[4]])), 1);
        assert_eq!(variables(4, |graph, l| graph.any(l.iter().copied())), 1);
    }

    #[test]
    fn what_is_used_twice_and_what_is_asked_for_has_a_variable_of_its_own() {
        let twice = |graph: &mut Graph, l: &[Lit]| {
            let both = graph.and(l[0], l[1]);
            let (one, other) = (graph.and(both, l[2]), graph.and(both, l[3]));
            graph.or(one, other)
        };
        assert_eq!(variables(4, twice), 4);
        let mut graph = Graph::default();
        let leaves = [0, 1, 2].map(|n| graph.leaf(Leaf::Input(n)));
        let part = graph.and(leaves[0], leaves[1]);
        let whole = graph.and(part, leaves[2]);
        let (mut solver, mut encoding) = (Solver::new(&Limit::default()), Encoding::default());
        let whole = encoding.term(&mut solver, &graph, whole);
        assert_eq!(encoding.known(part), None);
        let part = encoding.term(&mut solver, &graph, part);
        assert_eq!(solver.solve(&[whole, !part]), Answer::No);
        assert_eq!(solver.solve(&[!whole, part]), Answer::Yes);
    }
}
