//! Proofs: can any sequence of inputs at all break a property of a program?
//!
//! The typed program is followed before any optimisation (`exec`), becomes a transition system of latches and counters
//! (`model`), and one property at a time is decided on the part of it that matters.

pub mod advice;
pub mod aiger;
pub mod check;
pub mod compared;
pub mod condition;
pub mod encoding;
pub mod engine;
pub mod exec;
pub mod graph;
pub mod guard;
mod hash;
pub mod model;
pub mod names;
pub mod property;
pub mod prover;
pub mod refusal;
pub mod sat;
pub mod sim;
pub mod system;
pub mod vector;
pub mod words;
