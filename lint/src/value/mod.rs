//! What values variables can have, worked out without running the program.
//!
//! An abstract run of one scan on intervals ([`Value`]): every program instance with the instances in it, each block's body as
//! often as it is called, flow-sensitive within the scan. What a variable can be at the start of a scan is what it is initially
//! or was ever given; the run is repeated until that grows no more (with widening), then twice more to take back what
//! widening gave away. Standard blocks are known by their tables (`library`).
//!
//! Never less than the truth: inputs, retained values, what a map binds and overlapping addresses can be anything. A program too
//! large for [`VISITS_MAX`] has no values, and rules about them stay silent.

mod domain;
mod eval;
mod exec;
mod keys;
mod ladder;
mod library;
mod state;

pub use domain::Value;
pub use keys::Key;
pub use state::{Site, VISITS_MAX};

use compiler::hir::{Program, Step};
use compiler::source::Span;
use state::State;
use std::cell::RefCell;

/// Rounds before what still grows is widened.
const ROUNDS_EXACT: usize = 4;
/// Rounds at most; a bound of each variable is widened once, so this many are never needed in earnest.
const ROUNDS_MAX: usize = 40;
/// Rounds that take back what widening gave away.
const ROUNDS_NARROW: usize = 2;

/// The values of a program.
#[derive(Debug)]
pub struct Values<'p> {
    state: RefCell<State<'p>>,
    complete: bool,
}

impl<'p> Values<'p> {
    /// Works them out. `bound`: paths of variables that an I/O map binds as inputs.
    #[must_use]
    pub fn of<'b>(program: &'p Program, bound: impl Iterator<Item = &'b str>) -> Self {
        let mut state = State::new(program);
        bound.for_each(|path| state.keys.bind(path));
        let mut stable = false;
        for round in 0..ROUNDS_MAX {
            state.scan(&[]);
            stable = state.grow(round >= ROUNDS_EXACT);
            if stable || state.is_spent() {
                break;
            }
        }
        for _ in 0..ROUNDS_NARROW {
            state.scan(&[]);
            state.narrow();
        }
        state.observe();
        state.scan(&[]);
        let complete = stable && !state.is_spent();
        Self { state: RefCell::new(state), complete }
    }

    /// Is something known at all?
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// What was seen at a place, over all runs through it; `None` where it is never reached, or nothing is known.
    #[must_use]
    pub fn seen(&self, site: Site, span: Span) -> Option<Value> {
        if !self.complete {
            return None;
        }
        self.state.borrow().seen(site, span)
    }

    /// What a variable can be at the start of a scan, by its path; `None` where there is none, or nothing is known.
    #[must_use]
    pub fn at_start(&self, path: &str) -> Option<Value> {
        if !self.complete {
            return None;
        }
        let mut state = self.state.borrow_mut();
        let key = state.keys.at_path(path)?;
        Some(state.at_start(key))
    }

    /// Is a place never reached in any scan?
    #[must_use]
    pub fn is_dead(&self, site: Site, span: Span) -> bool {
        self.complete && self.seen(site, span).is_none()
    }

    /// What a place of the process image can be at the end of a scan in which these inputs have these values, whatever
    /// the state before; each is named by its location.
    #[must_use]
    pub fn after_scan(
        &self,
        inputs: &[(&compiler::hir::Location, bool)],
        output: &compiler::hir::Location,
    ) -> Option<Value> {
        if !self.complete {
            return None;
        }
        let mut state = self.state.borrow_mut();
        let assumed: Vec<(Key, Value)> = inputs
            .iter()
            .map(|(l, value)| (state.keys.image(l, compiler::types::Ty::BOOL, None), Value::of_bool(*value)))
            .collect();
        let output = state.keys.image(output, compiler::types::Ty::BOOL, None);
        let finals = state.what_if(&assumed);
        Some(finals.get(&output).copied().unwrap_or_else(|| state.at_start(output)))
    }
}

/// Is the whole of a variable meant, and not an element or a bit that others share its key with?
pub(crate) fn is_weak(steps: &[Step]) -> bool {
    steps.iter().any(|step| match step {
        Step::Index(_) | Step::Bits { .. } => true,
        Step::Field(..) => false,
    })
}
