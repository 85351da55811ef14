//! Timeline tests: what a program does, as a technician would say it, checked in virtual time.
//!
//! A timeline file (`NAME.test.yaml`, described in docs/testing.md) says what is done to the inputs and what must then be
//! so. The way of the data:
//!
//! ```text
//! text -format-> Timeline -suite: program compiled, I/O map checked; prepare: names, types-> Suite
//! Suite -run: controller on the simulated rack in virtual time-> Report -print-> text
//! ```
//!
//! - [`load`] reads a file with all it needs, or says everything that is wrong with it;
//! - [`run`] runs its tests and returns a [`report::Report`], plain data that [`mod@print`] and [`export`] show;
//! - [`diagram`] draws how it came to a failure, [`coverage`] what of the program the tests went through;
//! - [`mutate`] changes the program in small ways and asks whether its tests notice;
//! - [`play`] gives the stimuli alone to whoever runs the program otherwise (`plcrun --play`).
//!
//! Invariants: a map with real lines is refused; the same file and seed give the same report; nothing here reads a clock
//! or a file other than through what the caller hands in.

pub mod build;
pub mod condition;
pub mod coverage;
pub mod dataflow;
pub mod diagram;
pub mod export;
pub mod format;
mod golden;
mod history;
pub mod model;
pub mod mutate;
pub mod names;
pub mod play;
pub mod prepare;
pub mod print;
pub mod problem;
pub mod random;
pub mod report;
pub mod rule;
mod run;
pub mod stimuli;
mod suite;
pub mod trace;
pub mod writers;

pub use report::Report;
pub use run::{FAILURES_MAX, Options, assemble, run, run_on, run_test, wanted};
pub use stimuli::Stimuli;
pub use suite::{Loading, SEED_DEFAULT, Suite, Version, load, load_with};
