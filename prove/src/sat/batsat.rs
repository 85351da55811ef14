//! batsat, asked itself and not through the interface around it, which asks the kernel for the process's time before and after
//! each question: a question takes microseconds here.

use super::{Answer, Limit, Term};
use ::batsat::intmap::AsIndex;
use ::batsat::{Callbacks, ClauseKind, Lit, SolverInterface, Var, lbool};
use std::cell::Cell;

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

impl Callbacks for Watch {
    fn on_new_clause(&mut self, _: &[Lit], _: ClauseKind) {
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

/// A solver with the clauses of parts of graphs.
pub struct Solver {
    inner: rustsat_batsat::Solver<Watch>,
    limit: Limit,
    vars: u32,
    /// What was assumed, in the solver's own words.
    assumed: Vec<Lit>,
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
        let mut clause: Vec<Lit> = terms.iter().map(|term| own(solver, *term)).collect();
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
        let var = Var::from_index(term.vidx());
        self.inner.batsat_ref().value_lit(Lit::new(var, term.is_pos())) == lbool::TRUE
    }

    /// After [`Answer::No`]: which of the assumptions were needed.
    #[must_use]
    pub fn core(&self) -> Vec<Term> {
        // The solver lists the negations of what was assumed.
        self.inner.batsat_ref().unsat_core().iter().map(|lit| Term::new(lit.var().idx(), lit.sign())).collect()
    }
}

/// A literal in the solver's own words.
fn own<W: Callbacks>(solver: &mut ::batsat::Solver<W>, term: Term) -> Lit {
    Lit::new(solver.var_of_int(term.vidx32()), term.is_pos())
}
