//! minisat, through rustsat's interface: a solver in C++ that shares no code with batsat.

use super::{Answer, Limit, Term};
use rustsat::solvers::{LimitConflicts, Solve, SolveIncremental, SolverResult};
use rustsat::types::{Clause, TernaryVal};
use rustsat_minisat::core::Minisat;

/// Conflicts between two looks at the limit.
const CONFLICTS: u32 = 1_000;

/// A solver with the clauses of parts of graphs.
pub struct Solver {
    inner: Minisat,
    limit: Limit,
    vars: u32,
    /// What the last "no" needed of what was assumed.
    core: Vec<Term>,
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
        Self { inner: Minisat::default(), limit: limit.clone(), vars: 0, core: Vec::new() }
    }

    /// A new variable.
    pub fn fresh(&mut self) -> Term {
        self.vars += 1;
        Term::positive(self.vars - 1)
    }

    /// A new variable that is assumed to make clauses hold.
    pub fn switch(&mut self) -> Term {
        self.fresh()
    }

    /// The switch is never assumed again.
    pub fn retire(&mut self, switch: Term) {
        self.clause(&[!switch]);
    }

    /// At least one of these.
    pub fn clause(&mut self, terms: &[Term]) {
        let clause: Clause = terms.iter().copied().collect();
        // A clause that was lost would only make the solver say "yes" more often, and every "yes" is replayed.
        let _ = self.inner.add_clause(clause);
    }

    /// The same, given up after so many conflicts: the same answer on every machine.
    pub fn solve_within(&mut self, assumed: &[Term], conflicts: u64) -> Answer {
        self.asked(assumed, Some(conflicts))
    }

    /// Is there an assignment in which all of these hold?
    pub fn solve(&mut self, assumed: &[Term]) -> Answer {
        self.asked(assumed, None)
    }

    fn asked(&mut self, assumed: &[Term], conflicts: Option<u64>) -> Answer {
        let mut left = conflicts;
        while !self.limit.reached() && left != Some(0) {
            let now = left.map_or(CONFLICTS, |left| u32::try_from(left).unwrap_or(CONFLICTS).min(CONFLICTS));
            left = left.map(|left| left - u64::from(now));
            if self.inner.limit_conflicts(Some(now)).is_err() {
                break;
            }
            match self.inner.solve_assumps(assumed) {
                Ok(SolverResult::Sat) => return Answer::Yes,
                Ok(SolverResult::Unsat) => {
                    // The interface lists the negations of what was assumed.
                    let core = self.inner.core().unwrap_or_default();
                    self.core = core.into_iter().map(|lit| !lit).collect();
                    return Answer::No;
                }
                Ok(SolverResult::Interrupted) => {}
                Err(_) => break,
            }
        }
        Answer::Stopped
    }

    /// After [`Answer::Yes`]: does the literal hold?
    #[must_use]
    pub fn holds(&self, term: Term) -> bool {
        // The interface of 0.7.5 answers for the variable, whatever its sign.
        match self.inner.lit_val(Term::positive(term.vidx32())) {
            Ok(TernaryVal::True) => term.is_pos(),
            Ok(TernaryVal::False) => term.is_neg(),
            Ok(TernaryVal::DontCare) | Err(_) => false,
        }
    }

    /// After [`Answer::No`]: which of the assumptions were needed.
    #[must_use]
    pub fn core(&self) -> Vec<Term> {
        self.core.clone()
    }
}
