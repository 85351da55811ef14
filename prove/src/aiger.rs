//! A question in the AIGER format (version 1.9, ASCII), so that other model checkers can be asked the same.
//!
//! Counters stand in it as bits. The bad state is that of the question; what every scan satisfies is a constraint.

#[cfg(test)]
use crate::graph::Graph;
use crate::graph::{Leaf, Lit, Node};
use crate::model::Start;
use crate::system::{Blasted, System};
use std::fmt::Write as _;

/// The text; `name` goes into its comment.
#[must_use]
pub fn export(system: &System, name: &str) -> String {
    let blasted = Blasted::new(system);
    let mut numbers = Numbers::new(&blasted);
    let mut ands = String::new();
    let mut count = 0;
    for (node, kind) in blasted.graph.nodes().enumerate() {
        if let Node::And(a, b) = kind {
            let own = numbers.fresh(node);
            let (a, b) = (numbers.of(a), numbers.of(b));
            let _ = writeln!(ands, "{own} {} {}", a.max(b), a.min(b));
            count += 1;
        }
    }
    let (inputs, latches) = (blasted.inputs, blasted.latches.len());
    let mut text = format!("aag {} {inputs} {latches} 0 {count} 1 1\n", numbers.last);
    for input in 0..inputs {
        let _ = writeln!(text, "{}", 2 * (input + 1));
    }
    for (own, latch) in (inputs + 1..).map(|n| 2 * n).zip(&blasted.latches) {
        let start = match latch.start {
            Start::Value(value) => u32::from(value),
            // A latch that resets to itself may begin with any value.
            Start::Free => own,
        };
        let _ = writeln!(text, "{own} {} {start}", numbers.of(latch.next));
    }
    let _ = writeln!(text, "{}\n{}", numbers.of(blasted.bad), numbers.of(blasted.constraint));
    text.push_str(&ands);
    let _ = write!(text, "c\n{name}\n");
    text
}

/// The number of each node.
struct Numbers {
    of_node: Vec<u32>,
    last: u32,
}

impl Numbers {
    fn new(blasted: &Blasted) -> Self {
        let latches = u32::try_from(blasted.latches.len()).unwrap_or(u32::MAX);
        let mut of_node = vec![0; blasted.graph.len()];
        for (node, own) in blasted.graph.nodes().zip(&mut of_node) {
            *own = match node {
                Node::Leaf(Leaf::Input(n)) => 2 * (n + 1),
                Node::Leaf(Leaf::Latch(n)) => 2 * (blasted.inputs + n + 1),
                Node::Leaf(Leaf::AtLeast { .. } | Leaf::CounterBit { .. }) | Node::Constant | Node::And(..) => 0,
            };
        }
        Self { of_node, last: blasted.inputs + latches }
    }

    fn fresh(&mut self, node: usize) -> u32 {
        self.last += 1;
        if let Some(own) = self.of_node.get_mut(node) {
            *own = 2 * self.last;
        }
        2 * self.last
    }

    fn of(&self, lit: Lit) -> u32 {
        self.of_node.get(lit.node()).copied().unwrap_or(0) ^ u32::from(lit.is_inverted())
    }
}

/// Reads such a text back into a graph: the next functions of latches, bad and constraint. For tests.
#[cfg(test)]
fn read(text: &str) -> (Graph, Vec<(Lit, u32)>, Lit, Lit) {
    let mut lines = text.lines();
    let header: Vec<u32> = lines.next().unwrap().split(' ').skip(1).map(|n| n.parse().unwrap()).collect();
    let (inputs, latches, ands) = (header[1], header[2], header[4]);
    let rows: Vec<Vec<u32>> = lines
        .take_while(|line| *line != "c")
        .map(|line| line.split(' ').map(|n| n.parse().unwrap()).collect())
        .collect();
    let mut graph = Graph::default();
    let mut lits = vec![Lit::FALSE; header[0] as usize + 1];
    for n in 0..inputs {
        lits[n as usize + 1] = graph.leaf(Leaf::Input(n));
    }
    for n in 0..latches {
        lits[(inputs + n) as usize + 1] = graph.leaf(Leaf::Latch(n));
    }
    let at = |lits: &[Lit], n: u32| lits[n as usize / 2].xor_sign(n % 2 == 1);
    let first_and = (inputs + latches + 2) as usize;
    for row in &rows[first_and..first_and + ands as usize] {
        let (a, b) = (at(&lits, row[1]), at(&lits, row[2]));
        lits[row[0] as usize / 2] = graph.and(a, b);
    }
    let rows_of = |from: u32, count: u32| &rows[from as usize..(from + count) as usize];
    let nexts = rows_of(inputs, latches).iter().map(|row| (at(&lits, row[1]), row[2])).collect();
    let (bad, constraint) = (rows[(inputs + latches) as usize][0], rows[(inputs + latches) as usize + 1][0]);
    let (bad, constraint) = (at(&lits, bad), at(&lits, constraint));
    (graph, nexts, bad, constraint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{at, evaluate};
    use crate::system::{Counter, Latch};

    #[test]
    fn what_is_written_behaves_like_the_system() {
        let mut graph = Graph::default();
        let [go, stop] = [0, 1].map(|n| graph.leaf(Leaf::Input(n)));
        let held = graph.leaf(Leaf::Latch(0));
        let late = graph.leaf(Leaf::AtLeast { counter: 0, threshold: 5 });
        let either = graph.or(go, held);
        let next = graph.and(either, !stop);
        let bad = graph.and(late, held);
        let system = System {
            graph,
            inputs: vec![0, 1],
            latches: vec![Latch { model: 0, start: Start::Value(false), next }],
            counters: vec![Counter {
                model: 0,
                max: 6,
                thresholds: vec![1, 5, 6],
                exposed: false,
                run: held,
                hold: Lit::FALSE,
            }],
            words: Vec::new(),
            bad,
            constraint: Lit::TRUE,
            advice: Default::default(),
        };
        let (graph, nexts, bad, constraint) = read(&export(&system, "a test"));
        assert_eq!(constraint, Lit::TRUE);
        let (mut state, mut count, mut on) = (vec![false; nexts.len()], 0u64, false);
        let mut seen_bad = false;
        for scan in 0..200u32 {
            let inputs = [scan % 13 == 2, scan % 11 == 10];
            let values = evaluate(&graph, |leaf| match leaf {
                Leaf::Input(n) => inputs[n as usize],
                Leaf::Latch(n) => state[n as usize],
                Leaf::AtLeast { .. } | Leaf::CounterBit { .. } => panic!("bits only"),
            });
            assert_eq!(at(&values, bad), count >= 5 && on, "scan {scan}");
            seen_bad |= at(&values, bad);
            state = nexts.iter().map(|(next, _)| at(&values, *next)).collect();
            count = if on { (count + 1).min(6) } else { 0 };
            on = (inputs[0] || on) && !inputs[1];
        }
        assert!(seen_bad);
    }
}
