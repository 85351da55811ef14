//! The checker of proofs: small, with a solver of its own, and trusting no engine.
//!
//! A certificate is a list of clauses over the state before a scan. It proves the property where
//! 1. every clause holds before the first scan;
//! 2. a scan that begins with all of them ends with all of them;
//! 3. no scan that begins with all of them breaks the property.
//!
//! Where it states a number of scans ([`Argument::Scans`]), in place of 3.: the first so many scans do not break the property, and so many
//! scans that do not, each begun with all clauses, are not followed by one that does.
//!
//! Counters enter by what is said when they are compared ([`crate::compared`]), or, where a proof speaks of their bits or of whole
//! numbers of the program, or was not accepted so, bit by bit.
//!
//! What it relies on: the model, what a comparison becomes in a scan, the solver, scans one behind the other
//! ([`crate::engine::induction::Scans`]), and this page.

use crate::encoding::Encoding;
use crate::engine::induction::Scans;
use crate::engine::portfolio::{Argument, Certificate};
use crate::engine::predicates::{Predicate, function};
use crate::graph::Lit;
use crate::sat::{Answer, Limit, Solver, Term};
use crate::system::{Blasted, System};
use crate::words::word_of;
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
    let bits = |(predicate, _): &(Predicate, bool)| match predicate {
        Predicate::CounterBit { .. } => true,
        Predicate::Latch(_) => false,
        Predicate::AtLeast { counter, .. } => word_of(*counter).is_some(),
        Predicate::Order { left, right, .. } => word_of(*left).or(word_of(*right)).is_some(),
    };
    let speaks_of_bits = certificate.clauses.iter().flatten().any(bits);
    if let Some(blasted) = Blasted::compared(system).filter(|_| !speaks_of_bits)
        && accept(system, blasted, certificate, limit).is_ok()
    {
        return Ok(());
    }
    check_bits(system, certificate, limit)
}

/// Checks a certificate with every bit of every counter, whatever it speaks of.
///
/// # Errors
/// The first of the three conditions that fails.
pub fn check_bits(system: &System, certificate: &Certificate, limit: &Limit) -> Result<(), Rejected> {
    accept(system, Blasted::new(system), certificate, limit)
}

fn accept(system: &System, blasted: Blasted, certificate: &Certificate, limit: &Limit) -> Result<(), Rejected> {
    let mut blasted = blasted;
    let mut before: Vec<Vec<Lit>> = Vec::new();
    let mut after: Vec<Vec<Lit>> = Vec::new();
    for clause in &certificate.clauses {
        let mut lits = Vec::new();
        for (predicate, positive) in clause {
            if !exists(system, *predicate) {
                return Err(Rejected::Unknown);
            }
            lits.push(function(&mut blasted, *predicate).xor_sign(!positive));
        }
        before.push(lits);
    }
    let all: Vec<Lit> = before.iter().flatten().copied().collect();
    let mut nexts = blasted.after(&all).into_iter();
    for lits in &before {
        after.push(nexts.by_ref().take(lits.len()).collect());
    }
    let facts = blasted.facts();
    if let Argument::Scans(count) = certificate.argument {
        several(system, certificate, count, limit)?;
    }

    start(&blasted, &before, &facts, limit)?;
    let mut solver = Solver::new(limit);
    let mut encoding = Encoding::default();
    encoding.clauses(&mut solver, &blasted.graph, &facts);
    encoding.clauses(&mut solver, &blasted.graph, &before);
    let constraint = encoding.term(&mut solver, &blasted.graph, blasted.constraint);
    solver.clause(&[constraint]);
    if !matches!(certificate.argument, Argument::Scans(_)) {
        let bad = encoding.term(&mut solver, &blasted.graph, blasted.bad);
        verdict(solver.solve(&[bad]), Rejected::Property)?;
    }
    // One clause after the other: many small questions are cheaper than one about all of them.
    for clause in &after {
        let broken: Vec<Term> = clause.iter().map(|lit| !encoding.term(&mut solver, &blasted.graph, *lit)).collect();
        verdict(solver.solve(&broken), Rejected::Step)?;
    }
    Ok(())
}

/// The first scans do no harm, and so many that do none, with the clauses before each, are not followed by one that does.
fn several(system: &System, certificate: &Certificate, count: u32, limit: &Limit) -> Result<(), Rejected> {
    let mut first = Scans::new(system, &[], true, limit);
    let mut any = Scans::new(system, &certificate.clauses, false, limit);
    for _ in 0..count {
        let bad = first.add();
        verdict(first.harmful(bad, None), Rejected::Property)?;
        first.exclude(bad);
        let bad = any.add();
        any.exclude(bad);
    }
    let bad = any.add();
    verdict(any.harmful(bad, None), Rejected::Property)
}

/// At least one of the clauses does not hold.
fn some_broken(solver: &mut Solver, encoding: &mut Encoding, blasted: &Blasted, clauses: &[Vec<Lit>]) {
    let mut some = Vec::new();
    for clause in clauses {
        let broken = solver.fresh();
        for lit in clause {
            let holds = encoding.term(solver, &blasted.graph, *lit);
            solver.clause(&[!broken, !holds]);
        }
        some.push(broken);
    }
    solver.clause(&some);
}

fn start(blasted: &Blasted, clauses: &[Vec<Lit>], facts: &[Vec<Lit>], limit: &Limit) -> Result<(), Rejected> {
    let mut solver = Solver::new(limit);
    let mut encoding = Encoding::default();
    encoding.clauses(&mut solver, &blasted.graph, facts);
    for (lit, value) in blasted.starts() {
        let term = encoding.term(&mut solver, &blasted.graph, lit);
        solver.clause(&[if value { term } else { !term }]);
    }
    some_broken(&mut solver, &mut encoding, blasted, clauses);
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
    let counter = |n: u32| match word_of(n) {
        None => (n as usize) < system.counters.len(),
        Some(word) => system.words.get(word as usize).is_some_and(|bits| !bits.is_empty()),
    };
    match predicate {
        Predicate::Latch(n) => (n as usize) < system.latches.len(),
        Predicate::AtLeast { counter: n, .. } | Predicate::CounterBit { counter: n, .. } => counter(n),
        Predicate::Order { left, right, .. } => counter(left) && counter(right),
    }
}
