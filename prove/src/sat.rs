//! The SAT solver behind engines and checker.
//!
//! Owns [`Solver`], which is asked until a deadline or until somebody raises a flag. An interrupted answer is
//! [`Answer::Stopped`] and never counts as "no". Only this module knows which solver it is.

use rustsat::solvers::{Solve, SolveIncremental, SolverResult};
use rustsat::types::{Clause, Lit as SatLit, TernaryVal};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// A literal of the solver.
pub type Term = SatLit;

/// When to give up.
#[derive(Clone, Debug, Default)]
pub struct Limit {
    /// Not later than this.
    pub deadline: Option<Instant>,
    /// As soon as this is raised.
    pub stop: Option<Arc<AtomicBool>>,
}

impl Limit {
    /// Is it reached?
    #[must_use]
    pub fn reached(&self) -> bool {
        self.stop.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed))
            || self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// The same, but not later than this.
    #[must_use]
    pub fn until(&self, deadline: Instant) -> Self {
        let deadline = self.deadline.map_or(deadline, |known| known.min(deadline));
        Self { deadline: Some(deadline), stop: self.stop.clone() }
    }
}

/// What the solver asks now and then while it works.
#[derive(Debug, Default)]
struct Watch {
    limit: Limit,
    /// Conflicts since the question was asked.
    conflicts: u64,
    /// The most of them.
    conflicts_max: Option<u64>,
    /// Times it was asked: the clock is looked at less often.
    asked: Cell<u32>,
    /// The limit was found to be reached.
    over: Cell<bool>,
}

/// Questions between two looks at the clock.
const LOOKS: u32 = 32;

impl batsat::Callbacks for Watch {
    fn on_new_clause(&mut self, _: &[batsat::Lit], _: batsat::ClauseKind) {
        self.conflicts += 1;
    }

    fn stop(&self) -> bool {
        if self.conflicts_max.is_some_and(|most| self.conflicts > most) {
            return true;
        }
        // Once over it stays over: the solver asks again on its way out.
        let asked = self.asked.get().wrapping_add(1);
        self.asked.set(asked);
        if asked.is_multiple_of(LOOKS) && self.limit.reached() {
            self.over.set(true);
        }
        self.over.get()
    }
}

/// What the solver says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// There are values.
    Yes,
    /// There are none.
    No,
    /// It was interrupted, or failed: nothing is known.
    Stopped,
}

/// A solver with the clauses of parts of graphs.
pub struct Solver {
    inner: rustsat_batsat::Solver<Watch>,
    limit: Limit,
    vars: u32,
}

impl std::fmt::Debug for Solver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Solver with {} variables", self.vars)
    }
}

impl Solver {
    /// Without clauses.
    #[must_use]
    pub fn new(limit: &Limit) -> Self {
        let mut inner = rustsat_batsat::Solver::<Watch>::default();
        inner.batsat_mut().cb_mut().limit.clone_from(limit);
        Self { inner, limit: limit.clone(), vars: 0 }
    }

    /// A new variable.
    pub fn fresh(&mut self) -> Term {
        self.vars += 1;
        Term::positive(self.vars - 1)
    }

    /// At least one of these.
    pub fn clause(&mut self, terms: &[Term]) {
        let clause: Clause = terms.iter().copied().collect();
        // The solver refuses no clause; one that it lost would only make it say "yes" more often, and every "yes" is replayed.
        let _ = self.inner.add_clause(clause);
    }

    /// The same, given up after so many conflicts: the same answer on every machine.
    pub fn solve_within(&mut self, assumed: &[Term], conflicts: u64) -> Answer {
        let watch = self.inner.batsat_mut().cb_mut();
        (watch.conflicts, watch.conflicts_max) = (0, Some(conflicts));
        let answer = self.solve(assumed);
        self.inner.batsat_mut().cb_mut().conflicts_max = None;
        answer
    }

    /// Is there an assignment in which all of these hold?
    pub fn solve(&mut self, assumed: &[Term]) -> Answer {
        if self.limit.reached() {
            return Answer::Stopped;
        }
        self.inner.batsat_mut().cb_mut().over.set(false);
        match self.inner.solve_assumps(assumed) {
            Ok(SolverResult::Sat) => Answer::Yes,
            Ok(SolverResult::Unsat) => Answer::No,
            Ok(SolverResult::Interrupted) | Err(_) => Answer::Stopped,
        }
    }

    /// After [`Answer::Yes`]: does the literal hold?
    #[must_use]
    pub fn holds(&self, term: Term) -> bool {
        matches!(self.inner.lit_val(term), Ok(TernaryVal::True))
    }

    /// After [`Answer::No`]: which of the assumptions were needed.
    pub fn core(&mut self) -> Vec<Term> {
        // The solver lists the negations of what was assumed.
        self.inner.core().map(|core| core.into_iter().map(|lit| !lit).collect()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_name_what_was_assumed() {
        let mut solver = Solver::new(&Limit::default());
        let [a, b, c] = [(); 3].map(|()| solver.fresh());
        solver.clause(&[!a, !b]);
        assert_eq!(solver.solve(&[a, b, c]), Answer::No);
        let core = solver.core();
        assert!(core.contains(&a) && core.contains(&b) && !core.contains(&c), "{core:?}");
        assert_eq!(solver.solve(&[a, c]), Answer::Yes);
        assert!(solver.holds(a) && !solver.holds(b) && solver.holds(c));
    }

    #[test]
    fn an_interruption_is_no_answer() {
        // Nine pigeons, eight holes: takes longer than no time at all.
        let flag = Arc::new(AtomicBool::new(false));
        let limit = Limit { deadline: None, stop: Some(Arc::clone(&flag)) };
        let mut solver = Solver::new(&limit);
        let at: Vec<Vec<Term>> = (0..9).map(|_| (0..8).map(|_| solver.fresh()).collect()).collect();
        for pigeon in &at {
            solver.clause(pigeon);
        }
        #[allow(clippy::needless_range_loop, reason = "rows and columns")]
        for hole in 0..8 {
            for one in 0..9 {
                for other in 0..one {
                    solver.clause(&[!at[one][hole], !at[other][hole]]);
                }
            }
        }
        flag.store(true, Ordering::Relaxed);
        assert_eq!(solver.solve(&[]), Answer::Stopped);
        flag.store(false, Ordering::Relaxed);
        assert_eq!(solver.solve(&[]), Answer::No);
    }
}
