//! The checker of proofs takes none that is not one.
#![allow(
    clippy::wildcard_enum_match_arm,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests: a failure is a panic"
)]

mod common;

use common::{compiled, compiled_text, patient, root};
use prove::check::{Rejected, check};
use prove::engine::portfolio::{Argument, Certificate};
use prove::engine::predicates::Predicate;
use prove::model::Schedule;
use prove::property::{Kind, Property};
use prove::prover::{Answer, Options, Prover};
use prove::sat::Limit;
use prove::system::System;
use prove::words::{WORD, word_of};
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
    let late = Limit { deadline: Some(Instant::now()), stops: Vec::new() };
    assert_eq!(check(&system, &certificate, &late), Err(Rejected::Stopped));
}

#[test]
fn a_proof_of_another_system_is_not_taken() {
    let (system, certificate) = proved();
    // The same latches, but what shall never be is that the first one is on.
    let other = System { bad: system.latches[0].next, ..system };
    assert_eq!(check(&other, &certificate, &Limit::default()), Err(Rejected::Property));
}

/// A property of a program in a text, asked, with its proof.
fn of_text(text: &str, expr: &str) -> (System, Certificate) {
    let compiled = compiled_text(text);
    let image = compiled.image.unwrap();
    let schedule = Schedule::every_scan(&image, 10_000_000);
    let kind = Kind::Invariant { expr: expr.to_owned(), when: None };
    let properties = [Property { id: "p".to_owned(), kind, contacts: None }];
    let mut prover = Prover::new(&compiled.program, &image, &schedule, &properties, &[]).unwrap();
    let report = prover.answer(0, &patient()).unwrap().unwrap();
    let Answer::Proved { certificate, .. } = report.answer else { panic!("{:?}", report.answer) };
    (report.system.unwrap(), certificate)
}

#[test]
fn an_induction_over_scans_is_gone_again() {
    let (system, found) = of_text(
        "PROGRAM P VAR d AT %IX0.0 : BOOL; ring : ARRAY [0..15] OF BOOL; place : INT; row : ARRAY [0..15] OF BOOL; i : INT;\n\
         harm : BOOL; END_VAR\nharm := ring[place] <> row[15]; ring[place] := d; place := (place + 1) MOD 16;\n\
         FOR i := 15 TO 1 BY -1 DO row[i] := row[i - 1]; END_FOR; row[0] := d;\nEND_PROGRAM\n",
        "NOT harm",
    );
    let limit = Limit::default();
    assert_eq!(check(&system, &found, &limit), Ok(()));
    // As many scans as there are places are enough, whatever is in them at first; a few are not, nor is none at all.
    let with = |count| Certificate { argument: Argument::Scans(count), clauses: Vec::new() };
    assert_eq!(check(&system, &with(20), &limit), Ok(()));
    assert_eq!(check(&system, &with(3), &limit), Err(Rejected::Property));
    assert_eq!(check(&system, &with(0), &limit), Err(Rejected::Property));
    // The first scans do harm.
    let harmful = System { bad: !system.bad, ..system };
    assert_eq!(check(&harmful, &with(20), &limit), Err(Rejected::Property));
}

#[test]
fn a_proof_about_a_number_speaks_of_the_number() {
    let (system, found) = of_text(
        "PROGRAM P VAR pulse AT %IX0.0 : BOOL; e : R_TRIG; n : INT; harm : BOOL; END_VAR\n\
         e(CLK := pulse); IF e.Q THEN n := n + 1; END_IF; IF n = 20000 THEN n := 0; END_IF;\n\
         harm := harm OR n > 20000;\nEND_PROGRAM\n",
        "NOT harm",
    );
    let limit = Limit::default();
    assert_eq!(check(&system, &found, &limit), Ok(()));
    let numbers = |p: &Predicate| matches!(p, Predicate::AtLeast { counter, .. } if word_of(*counter).is_some());
    let clauses = found.clauses.iter().filter(|clause| clause.iter().any(|(p, _)| numbers(p)));
    assert!(clauses.count() > 0, "{found:?}");
    // One value less is no invariant: the number does come there.
    let lower = |(predicate, positive): &(Predicate, bool)| match *predicate {
        Predicate::AtLeast { counter, .. } if word_of(counter).is_some() => {
            (Predicate::AtLeast { counter, threshold: 19_999 }, *positive)
        }
        other => (other, *positive),
    };
    let clauses = found.clauses.iter().map(|clause| clause.iter().map(lower).collect()).collect();
    assert!(check(&system, &Certificate { clauses, ..found }, &limit).is_err());
    // A word that is not there.
    let nobody = vec![vec![(Predicate::AtLeast { counter: WORD + 77, threshold: 1 }, false)]];
    let certificate = Certificate { argument: Argument::Lemmas, clauses: nobody };
    assert_eq!(check(&system, &certificate, &limit), Err(Rejected::Unknown));
}
