//! Engines against the definition of each operation, and against each other.

// Generators and expectations concern a few operations of many.
#![allow(clippy::wildcard_enum_match_arm)]

mod calls;
mod compiled;
mod operations;
mod random;
pub(in crate::vm) mod rig;
mod traps;
