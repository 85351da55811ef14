//! A baseline hides what it knows, whatever lines it moves to, and says what is gone.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::Given;
use lint::Hidden;
use lint::baseline::{self, Baseline};
use lint::config::CheckSettings;

const OLD: &str = "PROGRAM Main
VAR trip AT %IX0.0 : BOOL; fault : BOOL; lamp AT %QX0.0 : BOOL; END_VAR
LADDER
RUNG trip: NO(trip) SET(fault);
RUNG lamp: NO(fault) COIL(lamp);
END_LADDER
END_PROGRAM";

/// The same lower down, and with a mistake that is new.
const NEW: &str = "(* moved *)

PROGRAM Main
VAR trip AT %IX0.0 : BOOL; fault : BOOL; other : BOOL; lamp AT %QX0.0 : BOOL; END_VAR
LADDER
RUNG trip: NO(trip) SET(fault);
RUNG other: NO(trip) SET(other);
RUNG lamp: NO(fault) NO(other) COIL(lamp);
END_LADDER
END_PROGRAM";

#[test]
fn old_findings_are_hidden_and_new_ones_shown() {
    let settings = CheckSettings::default();
    let text = baseline::write(&Given::new(OLD, "").check(&settings).findings, &str::to_owned);
    let mut baseline = Baseline::read(&text).unwrap();
    let mut checked = Given::new(NEW, "").check(&settings);
    baseline.apply(&mut checked.findings);
    let seen: Vec<_> = checked.findings.iter().map(|f| (f.code, f.anchor.as_str(), f.hidden.clone())).collect();
    assert_eq!(seen, [("K205", "Main/trip", Some(Hidden::Known)), ("K205", "Main/other", None)]);
    assert_eq!(baseline.gone(&|_| true).count(), 0);
}

#[test]
fn what_is_gone_is_told_for_files_that_were_looked_at() {
    let settings = CheckSettings::default();
    let text = baseline::write(&Given::new(OLD, "").check(&settings).findings, &str::to_owned);
    let baseline = Baseline::read(&text).unwrap();
    let gone: Vec<String> = baseline.gone(&|file| file == "main.st").collect();
    assert_eq!(gone.len(), 1);
    assert!(gone[0].starts_with("K205 in main.st (Main/trip) is gone: "), "{}", gone[0]);
    assert_eq!(baseline.gone(&|_| false).count(), 0);
    let shown = lint::gone(&settings, lint::Region::default(), gone[0].clone()).unwrap();
    assert_eq!((shown.code, shown.severity), ("K903", lint::Severity::Note));
}

#[test]
fn an_error_of_the_program_cannot_be_put_off() {
    let given = Given::new("PROGRAM Main VAR x : INT; END_VAR x := TRUE; END_PROGRAM", "");
    let checked = given.check(&CheckSettings::default());
    assert!(checked.count(lint::Severity::Error) > 0);
    assert!(!baseline::write(&checked.findings, &str::to_owned).contains("E04"));
}

#[test]
fn other_files_are_no_baseline() {
    for text in [
        "",
        "[]",
        "{}",
        "{\"version\": 2, \"findings\": []}",
        "{\"version\": 1}",
        "{\"version\": 1, \"findings\": [{}]}",
    ] {
        assert!(Baseline::read(text).is_err(), "{text}");
    }
}
