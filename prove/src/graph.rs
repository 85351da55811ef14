//! The and-inverter graph: every boolean function of a model, shared structurally.
//!
//! Owns [`Graph`]. Terms: a *literal* is a node, possibly inverted; a *leaf* is a variable of the model; every other node
//! is the AND of two literals. Invariants: operands stand before the nodes that use them, so one pass in the order of the
//! numbers evaluates everything; two nodes never have the same operands; node 0 is FALSE.

use crate::hash::FastMap;
use std::ops::Not;

/// A node of the graph, possibly inverted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Lit(u32);

impl Lit {
    /// The constant FALSE.
    pub const FALSE: Self = Self(0);
    /// The constant TRUE.
    pub const TRUE: Self = Self(1);

    /// A constant.
    #[must_use]
    pub const fn constant(value: bool) -> Self {
        if value { Self::TRUE } else { Self::FALSE }
    }

    /// The node of this number, not inverted.
    #[must_use]
    pub fn of_node(node: usize) -> Self {
        // 2^31 nodes are 24 GB: memory ends long before the numbers do.
        Self(u32::try_from(node).unwrap_or(u32::MAX >> 1) << 1)
    }

    /// The number of its node.
    #[must_use]
    pub const fn node(self) -> usize {
        (self.0 >> 1) as usize
    }

    /// Is it the inverse of its node?
    #[must_use]
    pub const fn is_inverted(self) -> bool {
        self.0 & 1 == 1
    }

    /// Its value where it is a constant.
    #[must_use]
    pub const fn value(self) -> Option<bool> {
        match self {
            Self::FALSE => Some(false),
            Self::TRUE => Some(true),
            Self(_) => None,
        }
    }

    /// Inverted where `invert`.
    #[must_use]
    pub fn xor_sign(self, invert: bool) -> Self {
        Self(self.0 ^ u32::from(invert))
    }
}

impl Not for Lit {
    type Output = Self;
    fn not(self) -> Self {
        Self(self.0 ^ 1)
    }
}

/// A variable of a model.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Leaf {
    /// Free in every scan.
    Input(u32),
    /// A bit kept from scan to scan.
    Latch(u32),
    /// Has the counter reached at least this value before the scan?
    AtLeast {
        /// Which counter.
        counter: u32,
        /// At least 1 and at most the counter's maximum.
        threshold: u64,
    },
    /// A bit of the counter's value before the scan.
    CounterBit {
        /// Which counter.
        counter: u32,
        /// 0 is the least significant.
        bit: u32,
    },
}

/// A node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Node {
    /// Node 0.
    Constant,
    /// A variable.
    Leaf(Leaf),
    /// Both operands.
    And(Lit, Lit),
}

/// The graph.
#[derive(Clone, Debug)]
pub struct Graph {
    nodes: Vec<Node>,
    /// An operand of so many nodes: two stand for more.
    uses: Vec<u8>,
    ands: FastMap<(Lit, Lit), u32>,
    leaves: FastMap<Leaf, u32>,
}

impl Default for Graph {
    fn default() -> Self {
        Self { nodes: vec![Node::Constant], uses: vec![0], ands: FastMap::default(), leaves: FastMap::default() }
    }
}

impl Graph {
    /// Number of nodes, the constant included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Never: the constant is always there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The node of a literal.
    #[must_use]
    pub fn node(&self, lit: Lit) -> Node {
        self.nodes.get(lit.node()).copied().unwrap_or(Node::Constant)
    }

    /// Every node in order.
    pub fn nodes(&self) -> impl Iterator<Item = Node> {
        self.nodes.iter().copied()
    }

    fn push(&mut self, node: Node) -> u32 {
        self.nodes.push(node);
        self.uses.push(0);
        if let Node::And(a, b) = node {
            for operand in [a, b] {
                self.uses.get_mut(operand.node()).into_iter().for_each(|uses| *uses = (*uses + 1).min(2));
            }
        }
        u32::try_from(self.nodes.len() - 1).unwrap_or(u32::MAX >> 1)
    }

    /// A variable.
    pub fn leaf(&mut self, leaf: Leaf) -> Lit {
        let node = match self.leaves.get(&leaf) {
            Some(node) => *node,
            None => {
                let node = self.push(Node::Leaf(leaf));
                self.leaves.insert(leaf, node);
                node
            }
        };
        Lit::of_node(node as usize)
    }

    /// A variable, where some function has it.
    #[must_use]
    pub fn find(&self, leaf: Leaf) -> Option<Lit> {
        self.leaves.get(&leaf).map(|node| Lit::of_node(*node as usize))
    }

    /// Is the node an operand of several others?
    #[must_use]
    pub fn is_shared(&self, lit: Lit) -> bool {
        self.uses.get(lit.node()).is_some_and(|uses| *uses > 1)
    }

    /// `a AND b` as a choice, where it is one: condition, what it is where that holds, and what it is elsewhere.
    #[must_use]
    pub fn choice(&self, a: Lit, b: Lit) -> Option<(Lit, Lit, Lit)> {
        let ((x, y), (p, q)) = (self.operands(a, true)?, self.operands(b, true)?);
        // NOT(x AND y) AND NOT(NOT x AND q)
        let ways = [(x, y, p, q), (x, y, q, p), (y, x, p, q), (y, x, q, p)];
        ways.into_iter().find(|(x, _, p, _)| *x == !*p).map(|(x, y, _, q)| (x, !y, !q))
    }

    /// The operands of a literal that is an AND and not inverted (`inverted` false), or inverted (`inverted` true).
    fn operands(&self, lit: Lit, inverted: bool) -> Option<(Lit, Lit)> {
        match self.node(lit) {
            Node::And(a, b) if lit.is_inverted() == inverted => Some((a, b)),
            Node::And(..) | Node::Leaf(_) | Node::Constant => None,
        }
    }

    /// `a AND b`.
    pub fn and(&mut self, a: Lit, b: Lit) -> Lit {
        let (a, b) = if a <= b { (a, b) } else { (b, a) };
        if a == Lit::FALSE || a == !b {
            return Lit::FALSE;
        }
        if a == Lit::TRUE || a == b {
            return b;
        }
        if let Some(simpler) = self.simpler(a, b) {
            return simpler;
        }
        if let Some(node) = self.ands.get(&(a, b)) {
            return Lit::of_node(*node as usize);
        }
        let node = self.push(Node::And(a, b));
        self.ands.insert((a, b), node);
        Lit::of_node(node as usize)
    }

    /// What one look below the operands finds.
    fn simpler(&mut self, a: Lit, b: Lit) -> Option<Lit> {
        for (one, other) in [(a, b), (b, a)] {
            if let Some((x, y)) = self.operands(one, false) {
                if other == x || other == y {
                    return Some(one);
                }
                if other == !x || other == !y {
                    return Some(Lit::FALSE);
                }
            }
            if let Some((x, y)) = self.operands(one, true) {
                if other == !x || other == !y {
                    return Some(other);
                }
                if other == x {
                    return Some(self.and(x, !y));
                }
                if other == y {
                    return Some(self.and(y, !x));
                }
            }
        }
        match (self.operands(a, false), self.operands(b, false)) {
            (Some((x, y)), Some((p, q))) if x == !p || x == !q || y == !p || y == !q => return Some(Lit::FALSE),
            (Some((x, y)), None) => {
                if let Some((p, q)) = self.operands(b, true) {
                    return self.positive_and_inverted(a, (x, y), (p, q));
                }
            }
            (None, Some((x, y))) => {
                if let Some((p, q)) = self.operands(a, true) {
                    return self.positive_and_inverted(b, (x, y), (p, q));
                }
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
        // NOT(x AND y) AND NOT(x AND NOT y) is NOT x.
        if let (Some((x, y)), Some((p, q))) = (self.operands(a, true), self.operands(b, true)) {
            for (x, y) in [(x, y), (y, x)] {
                for (p, q) in [(p, q), (q, p)] {
                    if x == p && y == !q {
                        return Some(!x);
                    }
                }
            }
        }
        None
    }

    /// `one = x AND y`, and NOT(p AND q).
    fn positive_and_inverted(&mut self, one: Lit, (x, y): (Lit, Lit), (p, q): (Lit, Lit)) -> Option<Lit> {
        if p == !x || p == !y || q == !x || q == !y {
            return Some(one);
        }
        if p == x || p == y {
            return Some(self.and(one, !q));
        }
        if q == x || q == y {
            return Some(self.and(one, !p));
        }
        None
    }

    /// `a OR b`.
    pub fn or(&mut self, a: Lit, b: Lit) -> Lit {
        !self.and(!a, !b)
    }

    /// `a XOR b`.
    pub fn xor(&mut self, a: Lit, b: Lit) -> Lit {
        let one = self.and(a, !b);
        let other = self.and(!a, b);
        self.or(one, other)
    }

    /// `a = b`.
    pub fn same(&mut self, a: Lit, b: Lit) -> Lit {
        !self.xor(a, b)
    }

    /// `yes` where `condition`, else `no`.
    pub fn mux(&mut self, condition: Lit, yes: Lit, no: Lit) -> Lit {
        if yes == no {
            return yes;
        }
        match condition.value() {
            Some(true) => return yes,
            Some(false) => return no,
            None => {}
        }
        let one = self.and(condition, yes);
        let other = self.and(!condition, no);
        self.or(one, other)
    }

    /// All of them.
    pub fn all(&mut self, lits: impl IntoIterator<Item = Lit>) -> Lit {
        lits.into_iter().fold(Lit::TRUE, |so_far, lit| self.and(so_far, lit))
    }

    /// At least one of them.
    pub fn any(&mut self, lits: impl IntoIterator<Item = Lit>) -> Lit {
        lits.into_iter().fold(Lit::FALSE, |so_far, lit| self.or(so_far, lit))
    }

    /// Which nodes the roots depend on, by number.
    #[must_use]
    pub fn cone(&self, roots: impl IntoIterator<Item = Lit>) -> Vec<bool> {
        let mut reached = vec![false; self.nodes.len()];
        let mut open: Vec<usize> = Vec::new();
        for root in roots {
            self.reach(root, &mut reached, &mut open);
        }
        reached
    }

    /// Adds what a root depends on.
    pub fn reach(&self, root: Lit, reached: &mut [bool], open: &mut Vec<usize>) {
        open.push(root.node());
        while let Some(node) = open.pop() {
            match reached.get_mut(node) {
                Some(seen) if !*seen => *seen = true,
                Some(_) | None => continue,
            }
            if let Some(Node::And(a, b)) = self.nodes.get(node) {
                open.push(a.node());
                open.push(b.node());
            }
        }
    }
}

/// Copies parts of one graph into another, with something else in place of each leaf.
#[derive(Debug)]
pub struct Copier {
    /// The literal of each node of the source, once it is there.
    done: Vec<Option<Lit>>,
}

impl Copier {
    /// For a source graph of this size.
    #[must_use]
    pub fn new(source: &Graph) -> Self {
        let mut done = vec![None; source.len()];
        if let Some(constant) = done.first_mut() {
            *constant = Some(Lit::FALSE);
        }
        Self { done }
    }

    /// This literal stands for a node, whatever that is made of.
    pub fn put(&mut self, node: usize, lit: Lit) {
        if let Some(slot) = self.done.get_mut(node) {
            *slot = Some(lit);
        }
    }

    /// The copy of a literal. `leaf` gives what stands for a leaf.
    pub fn copy(
        &mut self,
        source: &Graph,
        target: &mut Graph,
        root: Lit,
        leaf: &mut impl FnMut(&mut Graph, Leaf) -> Lit,
    ) -> Lit {
        let mut open = vec![root.node()];
        while let Some(node) = open.last().copied() {
            if self.at(node).is_some() {
                open.pop();
                continue;
            }
            let copied = match source.nodes.get(node).copied() {
                Some(Node::Leaf(which)) => leaf(target, which),
                Some(Node::And(a, b)) => match (self.at(a.node()), self.at(b.node())) {
                    (Some(x), Some(y)) => target.and(x.xor_sign(a.is_inverted()), y.xor_sign(b.is_inverted())),
                    (x, y) => {
                        if x.is_none() {
                            open.push(a.node());
                        }
                        if y.is_none() {
                            open.push(b.node());
                        }
                        continue;
                    }
                },
                Some(Node::Constant) | None => Lit::FALSE,
            };
            if let Some(slot) = self.done.get_mut(node) {
                *slot = Some(copied);
            }
            open.pop();
        }
        self.at(root.node()).unwrap_or(Lit::FALSE).xor_sign(root.is_inverted())
    }

    fn at(&self, node: usize) -> Option<Lit> {
        self.done.get(node).copied().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The truth table of a literal over at most six leaves, inputs 0 to 5.
    fn table(graph: &Graph, lit: Lit) -> u64 {
        const COLUMNS: [u64; 6] = [
            0xaaaa_aaaa_aaaa_aaaa,
            0xcccc_cccc_cccc_cccc,
            0xf0f0_f0f0_f0f0_f0f0,
            0xff00_ff00_ff00_ff00,
            0xffff_0000_ffff_0000,
            0xffff_ffff_0000_0000,
        ];
        let mut values = Vec::new();
        for node in graph.nodes() {
            let value = match node {
                Node::Constant => 0,
                Node::Leaf(Leaf::Input(i)) => COLUMNS[i as usize],
                Node::Leaf(_) => panic!("only inputs here"),
                Node::And(a, b) => at(&values, a) & at(&values, b),
            };
            values.push(value);
        }
        at(&values, lit)
    }

    fn at(values: &[u64], lit: Lit) -> u64 {
        values[lit.node()] ^ if lit.is_inverted() { u64::MAX } else { 0 }
    }

    #[test]
    fn simplification_keeps_the_function() {
        // Random functions, each computed beside its graph.
        let mut graph = Graph::default();
        let mut pool: Vec<(Lit, u64)> = Vec::new();
        for i in 0..6 {
            let lit = graph.leaf(Leaf::Input(i));
            let value = table(&graph, lit);
            pool.push((lit, value));
        }
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        let mut random = |n: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % n as u64) as usize
        };
        for _ in 0..3000 {
            let (a, x) = pool[random(pool.len())];
            let (b, y) = pool[random(pool.len())];
            let (c, z) = pool[random(pool.len())];
            let (a, x) = if random(2) == 0 { (a, x) } else { (!a, !x) };
            let (lit, value) = match random(4) {
                0 => (graph.and(a, b), x & y),
                1 => (graph.or(a, b), x | y),
                2 => (graph.xor(a, b), x ^ y),
                _ => (graph.mux(a, b, c), (x & y) | (!x & z)),
            };
            pool.push((lit, value));
        }
        for (lit, value) in pool {
            assert_eq!(table(&graph, lit), value);
        }
    }

    #[test]
    fn the_two_ways_of_an_if_join_to_the_way_into_it() {
        let mut graph = Graph::default();
        let [way, condition] = [0, 1].map(|i| graph.leaf(Leaf::Input(i)));
        let (yes, no) = (graph.and(way, condition), graph.and(way, !condition));
        assert_eq!(graph.or(yes, no), way);
    }

    #[test]
    fn a_copy_with_other_leaves() {
        let mut graph = Graph::default();
        let [a, b] = [0, 1].map(|i| graph.leaf(Leaf::Input(i)));
        let f = graph.xor(a, !b);
        let mut target = Graph::default();
        let mut copier = Copier::new(&graph);
        let copy = copier.copy(&graph, &mut target, f, &mut |t, leaf| match leaf {
            Leaf::Input(0) => Lit::TRUE,
            Leaf::Input(_) | Leaf::Latch(_) | Leaf::AtLeast { .. } | Leaf::CounterBit { .. } => t.leaf(leaf),
        });
        let b = target.leaf(Leaf::Input(1));
        assert_eq!(copy, b);
    }
}
