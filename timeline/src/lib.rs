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
//! - [`run`] runs its tests and returns a [`report::Report`], plain data that [`mod@print`] shows; JUnit, timing diagrams and
//!   coverage will read the same data;
//! - [`mutate`] changes the program in small ways and asks whether its tests notice;
//! - [`play`] gives the stimuli alone to whoever runs the program otherwise (`plcrun --play`).
//!
//! Invariants: a map with real lines is refused; the same file and seed give the same report; nothing here reads a clock
//! or a file other than through what the caller hands in.

mod build;
pub mod condition;
pub mod format;
mod history;
pub mod model;
pub mod mutate;
pub mod names;
pub mod play;
pub mod prepare;
pub mod print;
pub mod problem;
pub mod report;
mod run;
pub mod stimuli;
mod suite;
pub mod writers;

pub use report::Report;
pub use run::{FAILURES_MAX, Options, run, run_on, run_test};
pub use stimuli::Stimuli;
pub use suite::{SEED_DEFAULT, Suite, Version, load};
