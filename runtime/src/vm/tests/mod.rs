//! Engines against the definition of each operation, and against each other.

mod calls;
mod operations;
mod random;
mod rig;
mod traps;
