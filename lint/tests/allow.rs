//! Pragmas of programs and comments of maps: where they hold, and what is said of those that do not.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::Given;
use lint::config::CheckSettings;
use lint::{Finding, Hidden};

fn check(program: &str, map: &str) -> Vec<Finding> {
    Given::new(program, map).check(&CheckSettings::default()).findings
}

/// Codes that are shown, and those that are allowed with their reasons.
fn told(findings: &[Finding]) -> (Vec<&str>, Vec<(&str, &str)>) {
    let shown = findings.iter().filter(|f| f.is_shown()).map(|f| f.code).collect();
    let allowed = findings.iter().filter_map(|f| match &f.hidden {
        Some(Hidden::Allowed(reason)) => Some((f.code, reason.as_str())),
        Some(Hidden::Known) | None => None,
    });
    (shown, allowed.collect())
}

/// A CASE without ELSE, with a pragma before some part of the program.
fn case(unit: &str, section: &str, statement: &str) -> String {
    format!(
        "{unit}PROGRAM Main\n{section}VAR mode AT %IB0 : USINT; out AT %QB0 : USINT; END_VAR\n{statement}CASE mode OF 1: out := 5; END_CASE;\nEND_PROGRAM"
    )
}

const ALLOW: &str = "{allow K108 \"other modes keep the lamp\"}\n";

#[test]
fn a_pragma_holds_for_what_it_stands_before() {
    let reason = vec![("K108", "other modes keep the lamp")];
    for program in [case(ALLOW, "", ""), case("", "", ALLOW)] {
        assert_eq!(told(&check(&program, "")), (vec![], reason.clone()), "{program}");
    }
    // Before the section it reaches no statement, and then it allows nothing.
    assert_eq!(told(&check(&case("", ALLOW, ""), "")), (vec!["K902", "K108"], vec![]));
    assert_eq!(told(&check(&case("", "", ""), "")), (vec!["K108"], vec![]));
}

#[test]
fn it_holds_inside_a_rung_for_declarations_and_for_places_that_are_named_beside() {
    let rung = "PROGRAM Main
VAR go AT %IX0.0 : BOOL; mode AT %IB1 : USINT; out AT %QB0 : USINT; END_VAR
LADDER
RUNG: NO(go) ST {allow K108 \"other modes keep the lamp\"} CASE mode OF 1: out := 5; END_CASE; END_ST;
END_LADDER
END_PROGRAM";
    assert_eq!(told(&check(rung, "")).1, [("K108", "other modes keep the lamp")]);
    // The finding is at the SET coil; the declaration is the other place it names.
    let declaration = "PROGRAM Main
VAR
  trip AT %IX0.0 : BOOL; lamp AT %QX0.0 : BOOL;
  fault {allow K205 \"until the cabinet is opened\"} : BOOL;
END_VAR
LADDER
RUNG: NO(trip) SET(fault);
RUNG: NO(fault) COIL(lamp);
END_LADDER
END_PROGRAM";
    assert_eq!(told(&check(declaration, "")), (vec![], vec![("K205", "until the cabinet is opened")]));
}

#[test]
fn warnings_of_the_compiler_are_allowed_and_judged_alike() {
    let program = |pragma: &str| {
        format!(
            "PROGRAM Main\nVAR\n  go AT %IX0.0 : BOOL; lamp AT %QX0.0 : BOOL;\n  spare {pragma} : BOOL;\nEND_VAR\nlamp := go;\nEND_PROGRAM"
        )
    };
    assert_eq!(told(&check(&program("{allow W0901 \"for the test bench\"}"), "")).1, [("W0901", "for the test bench")]);
    assert_eq!(told(&check(&program("{allow W0901}"), "")).0, ["W0901", "W0904"]);
    assert_eq!(told(&check(&program("{allow K205}"), "")).0, ["W0901", "W0904"]);
    assert_eq!(told(&check(&program("{allow W9999 \"x\"}"), "")).0, ["W0901", "W0904"]);
    assert_eq!(told(&check(&program("{allow K999 \"x\"}"), "")).0, ["W0901", "K904"]);
    assert_eq!(told(&check(&program("{allow R050 \"x\"}"), "")).0, ["W0901", "K904"]);
}

#[test]
fn comments_of_a_map_hold_for_their_line_or_the_entry_below() {
    let program = "PROGRAM Main VAR go AT %IX0.0 : BOOL; lamp AT %QX0.0 : BOOL; END_VAR lamp := go; END_PROGRAM";
    let map = |above: &str, behind: &str| format!("inputs: {{ go: {{}} }}\noutputs:\n{above}  lamp: {{}}{behind}\n");
    let seen = |above: &str, behind: &str| {
        let findings = check(program, &map(above, behind));
        let (shown, allowed) = told(&findings);
        (shown.join(" "), allowed.iter().map(|(code, reason)| format!("{code}: {reason}")).collect::<String>())
    };
    let said = |shown: &str, allowed: &str| (shown.to_owned(), allowed.to_owned());
    assert_eq!(seen("", ""), said("R024", ""));
    assert_eq!(seen("  # plcrun: allow R024: dark at first\n", ""), said("", "R024: dark at first"));
    assert_eq!(seen("", " # plcrun: allow R024: dark at first"), said("", "R024: dark at first"));
    assert_eq!(seen("  # plcrun: allow R024\n", ""), said("K901 R024", ""));
    assert_eq!(seen("  # plcrun: allow R044: not this\n", ""), said("K902 R024", ""));
    assert_eq!(seen("  # plcrun: allow C014: an error\n", ""), said("K904 R024", ""));
}

#[test]
fn a_pragma_for_a_rule_that_was_not_run_is_not_idle() {
    // Rules about the map are not run without one.
    let program = case("", "", "{allow K301 \"a bell\"}\n");
    assert_eq!(told(&check(&program, "")).0, ["K108"]);
    assert_eq!(told(&check(&program, "inputs: {}\n")).0[..2], ["K902", "K108"]);
}
