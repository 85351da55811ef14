//! The SAT solver behind engines and checker.
//!
//! Owns [`Solver`], which is asked until a deadline or until somebody raises a flag. An interrupted answer is
//! [`Answer::Stopped`] and never counts as "no". Only this module knows which solver it is: batsat, or minisat with the
//! feature of that name.

#[cfg(not(feature = "minisat"))]
mod batsat;
#[cfg(feature = "minisat")]
mod minisat;

#[cfg(not(feature = "minisat"))]
pub use self::batsat::Solver;
#[cfg(feature = "minisat")]
pub use self::minisat::Solver;

use rustsat::types::Lit as SatLit;
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
