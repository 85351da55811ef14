//! What a simulation of the caller says about the life of relays, and how flashing is told.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::Given;
use lint::Activity;
use lint::config::CheckSettings;

const PROGRAM: &str = "PROGRAM Main
VAR go AT %IX0.0 : BOOL; pump AT %QX0.0 : BOOL; END_VAR
pump := go;
END_PROGRAM";

const MAP: &str = "relays: [wago.yaml]
supply: { voltage: 36 VDC, sensed: coils_ok }
inputs: { go: {}, coils_ok: { sim: { initial: true } } }
outputs:
  pump: { relay: wago-859-386, load: { voltage: 24 VDC, current: 10 mA } }
";

#[test]
fn a_simulated_duty_is_held_against_the_life_of_the_relay() {
    let given = Given::new(PROGRAM, MAP);
    let day_ns = 24 * 3_600 * 1_000_000_000;
    let told = |operations: u64| {
        let activity =
            Activity { channel: "pump".to_owned(), operations, over_ns: day_ns, source: "a working day".to_owned() };
        let checked = given.check_with(&CheckSettings::default(), &[activity]);
        checked.shown().filter(|f| f.code == "K304").map(|f| (f.message.clone(), f.notes.join(" "))).collect::<Vec<_>>()
    };
    // The sheet states 50,000 operations: 136 a day last a year, 137 do not.
    assert_eq!(told(136), []);
    let worn = told(137);
    assert_eq!(worn[0].0, "the life of `pump` (50000 operations) is used up in 364 days");
    assert_eq!(worn[0].1, "by a working day: 50005 operations a year");
    assert_eq!(told(1_000)[0].0, "the life of `pump` (50000 operations) is used up in 50 days");
}

#[test]
fn flashing_is_told_with_what_makes_it_and_how_fast_it_is() {
    let program = "PROGRAM Main
VAR go AT %IX0.0 : BOOL; pump AT %QX0.0 : BOOL; dark : TON; lit : TON; on : BOOL; END_VAR
LADDER
RUNG: RISE(go) SET(on);
RUNG: NO(on) NC(lit.Q) dark(PT := T#1s) COIL(pump);
RUNG: NO(dark.Q) lit(PT := T#2s);
END_LADDER
END_PROGRAM";
    let checked = Given::new(program, MAP).check(&CheckSettings::default());
    let found: Vec<_> = checked.shown().filter(|f| f.code == "K302").collect();
    assert_eq!(found.len(), 1);
    // A second off, two on, and two scans of 20 ms to turn round.
    let times = found[0].message.split_whitespace().nth(3).and_then(|word| word.parse::<u32>().ok());
    assert!(times.is_some_and(|n| (19..=20).contains(&n)), "{}", found[0].message);
    assert_eq!(found[0].notes, ["the time from one ON to the next is 3040 ms"]);
    assert!(found[0].message.ends_with("its relay may 6 times"), "{}", found[0].message);
    assert!(found[0].message.contains("`go`"), "{}", found[0].message);
    // At rest nothing flashes, so no life is used up.
    assert!(checked.shown().all(|f| f.code != "K304"));
}
