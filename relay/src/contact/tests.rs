//! The simulated relay against the data sheet's figures.

use super::*;

const MS: u64 = 1_000_000;

fn wago() -> ContactModel {
    ContactModel {
        pull_in_ns: 8 * MS,
        drop_out_ns: 4 * MS,
        bounce_ns: 5 * MS,
        delay_min_percent: 100,
        delay_max_percent: 100,
        ..ContactModel::default()
    }
}

/// All edges of a run of (time in ms, coil) steps, in nanoseconds.
fn edges(contact: &mut SimulatedContact, steps: &[(u64, bool)]) -> Vec<Edge> {
    let mut edges = Vec::new();
    for &(at_ms, coil) in steps {
        contact.advance_with(at_ms * MS, coil, &mut |edge| edges.push(edge));
    }
    edges
}

#[test]
fn it_closes_after_pull_in_and_opens_after_drop_out() {
    for seed in 0..50 {
        let mut contact = SimulatedContact::new(wago(), seed);
        let edges = edges(&mut contact, &[(100, true), (200, false), (300, false)]);
        let first = edges.first().unwrap();
        assert_eq!(*first, Edge { at_ns: 108 * MS, conducting: true }, "seed {seed}");
        let (closing, opening): (Vec<Edge>, Vec<Edge>) = edges.iter().partition(|edge| edge.at_ns < 200 * MS);
        let closed = closing.last().unwrap();
        assert!(closed.conducting && closed.at_ns <= 113 * MS, "closed for certain after 13 ms: {closed:?}");
        assert_eq!(*opening.first().unwrap(), Edge { at_ns: 204 * MS, conducting: false });
        let open = opening.last().unwrap();
        assert!(!open.conducting && open.at_ns <= 209 * MS, "open for certain after 9 ms: {open:?}");
    }
}

#[test]
fn it_bounces_and_says_so_and_repeats_itself() {
    let mut bounced = 0;
    for seed in 0..50 {
        let mut contact = SimulatedContact::new(wago(), seed);
        let mut again = SimulatedContact::new(wago(), seed);
        let steps: Vec<(u64, bool)> = (0..30).map(|ms| (ms, true)).collect();
        let first = edges(&mut contact, &steps);
        assert_eq!(first, edges(&mut again, &steps));
        bounced += usize::from(first.len() > 1);
        let mut watched = SimulatedContact::new(wago(), seed);
        watched.advance(0, true);
        watched.advance(8 * MS, true);
        assert_eq!(watched.position() == Position::Bouncing, first.len() > 1 && first[1].at_ns > 8 * MS);
        watched.advance(13 * MS, true);
        assert_eq!(watched.position(), Position::Closed);
    }
    assert!(bounced > 25, "three of four closings bounce: {bounced}");
}

#[test]
fn a_pulse_shorter_than_pull_in_moves_nothing() {
    let mut contact = SimulatedContact::new(wago(), 1);
    assert_eq!(edges(&mut contact, &[(0, true), (7, false), (100, false)]), []);
}

#[test]
fn a_normally_closed_contact_swaps_the_times() {
    let mut contact = SimulatedContact::new(ContactModel { form: ContactForm::Nc, bounce_ns: 0, ..wago() }, 1);
    assert!(contact.conducts());
    let edges = edges(&mut contact, &[(0, true), (100, false), (200, false)]);
    assert_eq!(edges, [Edge { at_ns: 8 * MS, conducting: false }, Edge { at_ns: 104 * MS, conducting: true }]);
}

#[test]
fn an_actuator_follows_the_contact_within_the_sum_of_the_times() {
    let actuator = Some(ActuatorConfig { pull_in_ns: 25 * MS, drop_out_ns: 60 * MS });
    for seed in 0..50 {
        let mut contact = SimulatedContact::new(ContactModel { actuator, ..wago() }, seed);
        let edges = edges(&mut contact, &[(0, true), (500, false), (1_000, false)]);
        let [on, off] = edges[..] else { panic!("the contactor does not bounce: {edges:?}") };
        assert!(on.conducting && (33 * MS..=38 * MS).contains(&on.at_ns), "{on:?}");
        assert!(!off.conducting && (564 * MS..=569 * MS).contains(&off.at_ns), "{off:?}");
    }
}

#[test]
fn without_a_relay_the_contact_follows_at_once() {
    let model = ContactModel { delay_min_percent: 100, delay_max_percent: 100, ..ContactModel::default() };
    let mut contact = SimulatedContact::new(model, 1);
    contact.advance(5, true);
    assert_eq!((contact.position(), contact.feedback()), (Position::Closed, true));
}

#[test]
fn a_welded_contact_stays_closed_whatever_the_coil_does() {
    let mut contact = SimulatedContact::new(wago(), 3);
    contact.advance(0, true);
    contact.advance(50 * MS, true);
    contact.inject(Defect::Welded);
    contact.advance(60 * MS, false);
    contact.advance(500 * MS, false);
    assert_eq!((contact.position(), contact.feedback()), (Position::Closed, true));
    contact.repair();
    assert_eq!(contact.position(), Position::Open);

    let mut open = SimulatedContact::new(wago(), 3);
    open.inject(Defect::Welded);
    open.advance(50 * MS, false);
    assert_eq!(open.position(), Position::Open, "an open contact welds when it closes next");
    open.advance(60 * MS, true);
    open.advance(100 * MS, false);
    open.advance(200 * MS, false);
    assert_eq!(open.position(), Position::Closed);
}

#[test]
fn the_other_defects_do_what_they_say() {
    let mut coil = SimulatedContact::new(wago(), 1);
    coil.inject(Defect::OpenCoil);
    assert_eq!(edges(&mut coil, &[(0, true), (100, true)]), []);
    coil.repair();
    assert_eq!(edges(&mut coil, &[(200, true)]).len() % 2, 1, "repaired under voltage it pulls in");

    let mut slow = SimulatedContact::new(ContactModel { bounce_ns: 0, ..wago() }, 1);
    slow.inject(Defect::Slow(1_000));
    assert_eq!(edges(&mut slow, &[(0, true), (200, true)]), [Edge { at_ns: 80 * MS, conducting: true }]);

    let mut stuck = SimulatedContact::new(wago(), 1);
    stuck.inject(Defect::FeedbackStuckClosed);
    assert!(stuck.feedback() && !stuck.conducts());
    stuck.inject(Defect::FeedbackStuckOpen);
    stuck.advance(0, true);
    stuck.advance(50 * MS, true);
    assert!(!stuck.feedback() && stuck.conducts());

    let mirror = SimulatedContact::new(ContactModel { feedback: FeedbackContact::MirrorNc, ..wago() }, 1);
    assert!(mirror.feedback(), "a mirror contact reads TRUE while the load is off");
}

#[test]
fn delays_fill_their_range_and_never_leave_it() {
    let model = ContactModel { bounce_ns: 0, ..wago() }.with_delays(0, 150);
    let at: Vec<u64> = (0..200)
        .map(|seed| {
            let mut contact = SimulatedContact::new(model, seed);
            edges(&mut contact, &[(0, true), (100, true)])[0].at_ns
        })
        .collect();
    assert!(at.iter().all(|&at_ns| at_ns <= 12 * MS));
    assert!(at.iter().any(|&at_ns| at_ns < MS) && at.iter().any(|&at_ns| at_ns > 11 * MS));
}
