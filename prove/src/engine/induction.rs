//! Induction over several scans: where so many scans without harm never end in a scan that does harm, and the first so many do none.
//!
//! What a program compares over a few scans (a ring buffer beside a shift register) needs an invariant with a clause for each
//! place something may be at, but only as many scans as there are places. Lemmas hold before every scan of it.

use super::predicates::{Predicate, function};
use crate::encoding::Encoding;
use crate::graph::{Leaf, Lit};
use crate::sat::{Answer, Limit, Solver, Term};
use crate::system::{Blasted, System};

/// Conflicts of the solver after which one question is given up.
const CONFLICTS_MAX: u64 = 4_000;

/// Scans one behind the other.
#[derive(Debug)]
pub struct Scans {
    blasted: Blasted,
    /// Clauses that hold before every scan.
    clauses: Vec<Vec<Lit>>,
    solver: Solver,
    /// Latches before the next scan; before there was one: any.
    state: Option<Vec<Term>>,
}

impl Scans {
    /// None yet; the first one begins with any state in which the clauses hold, or with the one at power-up.
    #[must_use]
    pub fn new(system: &System, clauses: &[Vec<(Predicate, bool)>], from_start: bool, limit: &Limit) -> Self {
        let mut blasted = Blasted::new(system);
        let lit = |(predicate, positive): &(Predicate, bool)| function(&mut blasted, *predicate).xor_sign(!positive);
        let mut lit = lit;
        let mut clauses: Vec<Vec<Lit>> = clauses.iter().map(|clause| clause.iter().map(&mut lit).collect()).collect();
        clauses.extend(blasted.facts());
        let mut scans = Self { blasted, clauses, solver: Solver::new(limit), state: None };
        if from_start {
            scans.start();
        }
        scans
    }

    fn start(&mut self) {
        let state: Vec<Term> = self.blasted.latches.iter().map(|_| self.solver.fresh()).collect();
        for (lit, value) in self.blasted.starts() {
            let number = (0u32..).zip(&state).find(|(number, _)| self.blasted.latch(*number) == Some(lit));
            if let Some((_, term)) = number {
                self.solver.clause(&[if value { *term } else { !*term }]);
            }
        }
        self.state = Some(state);
    }

    /// Adds a scan that is looked at; whether it does harm.
    pub fn add(&mut self) -> Term {
        let (graph, solver) = (&self.blasted.graph, &mut self.solver);
        let mut encoding = Encoding::default();
        for (number, term) in (0u32..).zip(self.state.iter().flatten()) {
            if let Some(lit) = graph.find(Leaf::Latch(number)) {
                encoding.put(graph, lit, *term);
            }
        }
        encoding.clauses(solver, graph, &self.clauses);
        let constraint = encoding.term(solver, graph, self.blasted.constraint);
        solver.clause(&[constraint]);
        let bad = encoding.term(solver, graph, self.blasted.bad);
        self.state = Some(self.blasted.latches.iter().map(|latch| encoding.term(solver, graph, latch.next)).collect());
        bad
    }

    /// Can this scan do harm? With a limit of effort for the engine, with none for the checker.
    pub fn harmful(&mut self, bad: Term, conflicts: Option<u64>) -> Answer {
        match conflicts {
            Some(most) => self.solver.solve_within(&[bad], most),
            None => self.solver.solve(&[bad]),
        }
    }

    /// This scan does no harm.
    pub fn exclude(&mut self, bad: Term) {
        self.solver.clause(&[!bad]);
    }
}

/// The search for so many scans.
#[derive(Debug)]
pub struct Induction {
    scans: Scans,
    count: u32,
    over: bool,
}

impl Induction {
    /// None yet.
    #[must_use]
    pub fn new(system: &System, lemmas: &[Vec<(Predicate, bool)>], limit: &Limit) -> Self {
        Self { scans: Scans::new(system, lemmas, false, limit), count: 0, over: false }
    }

    /// Up to so many scans: how many without harm suffice, if that is known then.
    pub fn run(&mut self, most: u32) -> Option<u32> {
        while self.count < most && !self.over {
            let bad = self.scans.add();
            match self.scans.harmful(bad, Some(CONFLICTS_MAX)) {
                Answer::No => return Some(self.count),
                // What is too dear for so few scans is so for more.
                Answer::Stopped => self.over = true,
                Answer::Yes => self.scans.exclude(bad),
            }
            self.count += 1;
        }
        None
    }
}
