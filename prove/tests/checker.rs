//! The checker of proofs takes none that is not one.
#![allow(
    clippy::wildcard_enum_match_arm,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests: a failure is a panic"
)]

mod common;

use common::{compiled, root};
use prove::check::{Rejected, check};
use prove::engine::portfolio::{Argument, Certificate};
use prove::engine::predicates::Predicate;
use prove::model::Schedule;
use prove::property::{Kind, Property};
use prove::prover::{Answer, Options, Prover};
use prove::sat::Limit;
use prove::system::System;
use std::time::Instant;

/// The reversing lock of the forward/reverse example: its system and the proof that was found.
fn proved() -> (System, Certificate) {
    let compiled = compiled(&[root().join("programs/forward_reverse.ld")]);
    let image = compiled.image.unwrap();
    let schedule = Schedule::every_scan(&image, 10_000_000);
    let time = relay::quantity::Duration::from_ms(2000);
    let kind = Kind::DeadTime { of: vec!["fwd".to_owned(), "rev".to_owned()], forward: false, time };
    let properties = [Property::new("p", kind)];
    let mut prover = Prover::new(&compiled.program, &image, &schedule, &properties, &[]).unwrap();
    let report = prover.answer(0, &Options::default()).unwrap().unwrap();
    let Answer::Proved { certificate, .. } = report.answer else { panic!("{:?}", report.answer) };
    (report.system.unwrap(), certificate)
}

#[test]
fn a_proof_is_taken_and_what_is_none_is_not() {
    let (system, certificate) = proved();
    let limit = Limit::default();
    assert_eq!(check(&system, &certificate, &limit), Ok(()));

    let with = |clauses: Vec<Vec<(Predicate, bool)>>| Certificate { argument: Argument::Lemmas, clauses };
    // Nothing at all says nothing about the property.
    assert_eq!(check(&system, &with(Vec::new()), &limit), Err(Rejected::Property));
    // What is FALSE at power-up is claimed to be TRUE.
    let mut clauses = certificate.clauses.clone();
    clauses.push(vec![(Predicate::Latch(0), true)]);
    assert_eq!(check(&system, &with(clauses), &limit), Err(Rejected::Start));
    // Everything off for ever: true at power-up, and it does exclude the harm, but a scan leads out of it.
    let off = (0..system.latches.len()).map(|n| vec![(Predicate::Latch(u32::try_from(n).unwrap()), false)]);
    assert_eq!(check(&system, &with(off.collect()), &limit), Err(Rejected::Step));
    // Names that mean nothing.
    assert_eq!(check(&system, &with(vec![vec![(Predicate::Latch(999), false)]]), &limit), Err(Rejected::Unknown));
    let order = Predicate::Order { left: 0, right: 77, by: 0 };
    assert_eq!(check(&system, &with(vec![vec![(order, true)]]), &limit), Err(Rejected::Unknown));
    // No time to look.
    let late = Limit { deadline: Some(Instant::now()), stop: None };
    assert_eq!(check(&system, &certificate, &late), Err(Rejected::Stopped));
}

#[test]
fn a_proof_of_another_system_is_not_taken() {
    let (system, certificate) = proved();
    // The same latches, but what shall never be is that the first one is on.
    let other = System { bad: system.latches[0].next, ..system };
    assert_eq!(check(&other, &certificate, &Limit::default()), Err(Rejected::Property));
}
