//! The SAT solver behind engines and checker.
//!
//! Owns [`Solver`], which is asked until a deadline or until somebody raises a flag. An interrupted answer is
//! [`Answer::Stopped`] and never counts as "no". Only this module knows which solver it is.
//!
//! The solver is asked itself and not through the interface around it, which asks the kernel for the process's time before and
//! after each question: a question takes microseconds here.

use batsat::intmap::AsIndex;
use batsat::{SolverInterface, lbool};
use rustsat::types::Lit as SatLit;
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
    /// As soon as one of these is raised.
    pub stops: Vec<Arc<AtomicBool>>,
}

impl Limit {
    /// Is it reached?
    #[must_use]
    pub fn reached(&self) -> bool {
        self.stops.iter().any(|flag| flag.load(Ordering::Relaxed))
            || self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// The same, but not later than this.
    #[must_use]
    pub fn until(&self, deadline: Instant) -> Self {
        let deadline = self.deadline.map_or(deadline, |known| known.min(deadline));
        Self { deadline: Some(deadline), stops: self.stops.clone() }
    }

    /// The same, or as soon as this is raised.
    #[must_use]
    pub fn or(&self, stop: &Arc<AtomicBool>) -> Self {
        let mut stops = self.stops.clone();
        stops.push(Arc::clone(stop));
        Self { stops, ..self.clone() }
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
    /// What was assumed, in the solver's own words.
    assumed: Vec<batsat::Lit>,
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
        Self { inner, limit: limit.clone(), vars: 0, assumed: Vec::new() }
    }

    /// A new variable.
    pub fn fresh(&mut self) -> Term {
        self.vars += 1;
        Term::positive(self.vars - 1)
    }

    /// A new variable that is assumed to make clauses hold. The solver never gives it a value of its own accord, so it costs nothing
    /// where it is not assumed.
    pub fn switch(&mut self) -> Term {
        let solver = self.inner.batsat_mut();
        while solver.num_vars() < self.vars {
            solver.new_var_default();
        }
        solver.new_var(lbool::UNDEF, false);
        self.fresh()
    }

    /// The switch is never assumed again.
    pub fn retire(&mut self, switch: Term) {
        self.clause(&[!switch]);
    }

    /// At least one of these.
    pub fn clause(&mut self, terms: &[Term]) {
        let solver = self.inner.batsat_mut();
        let mut clause: Vec<batsat::Lit> = terms.iter().map(|term| own(solver, *term)).collect();
        // Where clauses contradict each other, every question is answered "no".
        solver.add_clause_reuse(&mut clause);
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
        let solver = self.inner.batsat_mut();
        self.assumed.clear();
        self.assumed.extend(assumed.iter().map(|term| own(solver, *term)));
        match solver.solve_limited(&self.assumed) {
            answer if answer == lbool::TRUE => Answer::Yes,
            answer if answer == lbool::FALSE => Answer::No,
            _ => Answer::Stopped,
        }
    }

    /// After [`Answer::Yes`]: does the literal hold?
    #[must_use]
    pub fn holds(&self, term: Term) -> bool {
        let var = batsat::Var::from_index(term.vidx());
        self.inner.batsat_ref().value_lit(batsat::Lit::new(var, term.is_pos())) == lbool::TRUE
    }

    /// After [`Answer::No`]: which of the assumptions were needed.
    #[must_use]
    pub fn core(&self) -> Vec<Term> {
        // The solver lists the negations of what was assumed.
        self.inner.batsat_ref().unsat_core().iter().map(|lit| Term::new(lit.var().idx(), lit.sign())).collect()
    }
}

/// A literal in the solver's own words.
fn own<W: batsat::Callbacks>(solver: &mut batsat::Solver<W>, term: Term) -> batsat::Lit {
    batsat::Lit::new(solver.var_of_int(term.vidx32()), term.is_pos())
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
    fn a_clause_holds_where_its_switch_is_assumed() {
        let mut solver = Solver::new(&Limit::default());
        let [a, b] = [(); 2].map(|()| solver.fresh());
        let switch = solver.switch();
        let c = solver.fresh();
        solver.clause(&[a, b, !switch]);
        solver.clause(&[c]);
        assert_eq!(solver.solve(&[!a, !b]), Answer::Yes);
        assert!(solver.holds(c) && !solver.holds(a) && !solver.holds(switch));
        assert_eq!(solver.solve(&[!a, switch]), Answer::Yes);
        assert!(solver.holds(b) && solver.holds(switch));
        assert_eq!(solver.solve(&[!a, !b, switch]), Answer::No);
        solver.retire(switch);
        assert_eq!(solver.solve(&[!a, !b]), Answer::Yes);
        assert_eq!(solver.solve(&[switch]), Answer::No);
        assert_eq!(solver.core(), [switch]);
    }

    #[test]
    fn an_interruption_is_no_answer() {
        // Nine pigeons, eight holes: takes longer than no time at all.
        let flag = Arc::new(AtomicBool::new(false));
        let limit = Limit::default().or(&flag);
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
