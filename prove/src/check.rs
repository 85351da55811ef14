//! The checker of proofs: small, with a solver of its own, and trusting no engine.
//!
//! A certificate is a list of clauses over the state before a scan. It proves the property where
//! 1. every clause holds before the first scan;
//! 2. a scan that begins with all of them ends with all of them;
//! 3. no scan that begins with all of them breaks the property.
//!
//! What it relies on: the model, the solver, and this page.

use crate::engine::portfolio::Certificate;
use crate::engine::predicates::{Predicate, function};
use crate::graph::{Leaf, Lit};
use crate::model::Start;
use crate::sat::{Answer, Encoding, Limit, Solver, Term};
use crate::system::{Blasted, System};
use std::fmt;

/// Why a certificate was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// A clause does not hold before the first scan.
    Start,
    /// A scan can lead out of the clauses.
    Step,
    /// The property can be broken although all clauses hold.
    Property,
    /// It took too long.
    Stopped,
    /// It names a latch or counter the system has not.
    Unknown,
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Start => "a clause does not hold before the first scan",
            Self::Step => "a scan leads out of the invariant",
            Self::Property => "the invariant does not exclude a broken property",
            Self::Stopped => "checking the proof took too long",
            Self::Unknown => "the proof speaks of something the program has not",
        })
    }
}

/// Checks a certificate.
///
/// # Errors
/// The first of the three conditions that fails.
pub fn check(system: &System, certificate: &Certificate, limit: &Limit) -> Result<(), Rejected> {
    let mut blasted = Blasted::new(system);
    let mut clauses: Vec<Vec<Lit>> = Vec::new();
    for clause in &certificate.clauses {
        let mut lits = Vec::new();
        for (predicate, positive) in clause {
            if !exists(system, *predicate) {
                return Err(Rejected::Unknown);
            }
            lits.push(function(&mut blasted, *predicate).xor_sign(!positive));
        }
        clauses.push(lits);
    }
    let before: Vec<Lit> = clauses.into_iter().map(|lits| blasted.graph.any(lits)).collect();
    let after = blasted.after(&before);

    start(&blasted, &before, limit)?;
    let mut solver = Solver::new(limit);
    let mut encoding = Encoding::default();
    let mut term = |solver: &mut Solver, lit: Lit| encoding.term(solver, &blasted.graph, lit);
    for lit in &before {
        let holds = term(&mut solver, *lit);
        solver.clause(&[holds]);
    }
    let constraint = term(&mut solver, blasted.constraint);
    solver.clause(&[constraint]);
    let bad = term(&mut solver, blasted.bad);
    verdict(solver.solve(&[bad]), Rejected::Property)?;
    let broken: Vec<Term> = after.iter().map(|lit| !term(&mut solver, *lit)).collect();
    if broken.is_empty() {
        return Ok(());
    }
    solver.clause(&broken);
    verdict(solver.solve(&[]), Rejected::Step)
}

fn start(blasted: &Blasted, before: &[Lit], limit: &Limit) -> Result<(), Rejected> {
    if before.is_empty() {
        return Ok(());
    }
    let mut solver = Solver::new(limit);
    let mut encoding = Encoding::default();
    for (number, latch) in (0u32..).zip(&blasted.latches) {
        let (Start::Value(value), Some(lit)) = (latch.start, blasted.graph.find(Leaf::Latch(number))) else { continue };
        let term = encoding.term(&mut solver, &blasted.graph, lit);
        solver.clause(&[if value { term } else { !term }]);
    }
    let broken: Vec<Term> = before.iter().map(|lit| !encoding.term(&mut solver, &blasted.graph, *lit)).collect();
    solver.clause(&broken);
    verdict(solver.solve(&[]), Rejected::Start)
}

fn verdict(answer: Answer, rejected: Rejected) -> Result<(), Rejected> {
    match answer {
        Answer::No => Ok(()),
        Answer::Yes => Err(rejected),
        Answer::Stopped => Err(Rejected::Stopped),
    }
}

fn exists(system: &System, predicate: Predicate) -> bool {
    let counter = |n: u32| (n as usize) < system.counters.len();
    match predicate {
        Predicate::Latch(n) => (n as usize) < system.latches.len(),
        Predicate::AtLeast { counter: n, .. } | Predicate::CounterBit { counter: n, .. } => counter(n),
        Predicate::Order { left, right, .. } => counter(left) && counter(right),
    }
}
