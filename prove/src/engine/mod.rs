//! The engines: searches for a broken property and proofs that there is none.

mod beside;
pub mod bounded;
pub mod carried;
pub mod counting;
pub mod houdini;
pub mod ic3;
pub mod implied;
pub mod induction;
pub mod laps;
pub mod needed;
pub mod orders;
pub mod portfolio;
pub mod predicates;
pub mod random;
pub mod reduce;
pub mod samples;
pub mod transitions;
