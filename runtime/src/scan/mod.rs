//! The scan: what runs when, what a scan does, and how it ends.
//!
//! [`Plc`] is one controller, stepped scan by scan and allocation-free; [`plan`] is the cyclic executive; [`real`] steps
//! a controller in real time; [`watch`] finds what changed from one scan to the next, for traces and events; [`fault`]
//! is how a run ends early.

mod debounce;
pub mod fault;
pub mod plan;
mod plc;
pub mod real;
mod stats;
pub mod watch;

pub use debounce::Debounce;
pub use fault::{Fault, FaultCause, FaultReport, FaultRow, ScanCode, fault_table};
pub use plan::{Plan, PlanError, PlannedTask};
pub use plc::{Command, Contact, Mode, Plc, Step};
pub use stats::{Figures, Stats, Times};
