//! The scan.
pub mod plan;

pub use plan::{Plan, PlanError};
