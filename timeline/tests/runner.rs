//! The runner on small programs: what passes, what fails and how a failure reads.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use runtime::config::files::Texts;
use std::path::Path;
use timeline::diagram::text::Style;
use timeline::report::FailureKind;
use timeline::{Options, Report, load, play, print, run};

const SEAL_IN: &str = "\
PROGRAM Main
VAR
  start_pb AT %IX0.0 : BOOL;
  stop_ok  AT %IX0.1 : BOOL;
  aux      AT %IX0.2 : BOOL;
  coils_ok AT %IX0.3 : BOOL;
  motor    AT %QX0.0 : BOOL;
  lamp     AT %QX0.1 : BOOL;
  starts   : INT;
  delay    : TON;
END_VAR
LADDER
RUNG run \"Start and stop\":
  [NO(start_pb), NO(motor)] NO(stop_ok) COIL(motor);
RUNG late:
  NO(motor) delay(PT := T#1s) COIL(lamp);
RUNG count:
  RISE(motor) ST starts := starts + 1; END_ST;
END_LADDER
END_PROGRAM
";

const SHEET: &str = include_str!("../../io-config/relays/wago-859-386.yaml");

const MAP: &str = "\
relays: [wago.yaml]
supply: { voltage: 36 VDC, sensed: coils_ok }
inputs:
  start_pb: {}
  stop_ok: { stop: true, sim: { initial: true } }
  aux: {}
  coils_ok: { sim: { initial: true } }
outputs:
  motor:
    relay: wago-859-386
    load: { voltage: 24 VDC, current: 40 mA, kind: inductive, suppression: diode }
    actuator: { pull_in: 25 ms, drop_out: 60 ms }
    feedback: { input: aux }
  lamp: {}
";

fn texts(program: &str, map: Option<&str>, tests: &str) -> Texts {
    let texts = Texts::new()
        .with("p/main.ld", program)
        .with("p/wago.yaml", SHEET)
        .with("p/main.test.yaml", format!("program: main.ld\n{tests}"));
    match map {
        Some(map) => texts.with("p/main.io.yaml", map),
        None => texts,
    }
}

fn report_of(texts: &Texts) -> Report {
    let suite = load(Path::new("p/main.test.yaml"), texts).unwrap_or_else(|problems| {
        let text: Vec<String> = problems.iter().map(ToString::to_string).collect();
        panic!("{}", text.join("\n"))
    });
    run(&suite, &Options::default())
}

/// Runs tests on the seal-in program on the simulated rack without relays.
fn bare(tests: &str) -> Report {
    report_of(&texts(SEAL_IN, None, tests))
}

fn problems_of(texts: &Texts) -> String {
    let problems = load(Path::new("p/main.test.yaml"), texts).expect_err("must be refused");
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_passing_test_passes() {
    let report = bare(
        "tests:\n  - name: t\n    steps:\n      - { at: 0, set: { stop_ok: true } }\n      - { at: 100 ms, press: start_pb }\n      \
         - { at: 100 ms, expect: { motor: true, lamp: false, starts: 1 } }\n      - { at: 1099 ms, expect: { lamp: false, delay.Q: false } }\n      \
         - { at: 1100 ms, expect: { lamp: true, delay.ET: T#1s } }\n      - { at: 2 s, expect: 'motor AND starts = 1 AND delay.PT = T#1s' }\n    \
         always: motor OR NOT lamp\n",
    );
    assert!(report.passed(), "{}", print::text(&report, true));
    let (_, test) = report.tests().next().unwrap();
    assert_eq!((test.scans, test.simulated_ns), (201, 2_010_000_000), "the last scan contains 2 s");
    assert_eq!(print::summary([&report]), "1 test, 0 failed, 2 s simulated in 201 scans");
}

#[test]
fn a_stimulus_between_two_scans_acts_on_the_next_one() {
    let report = bare(
        "scan: 100 ms\ntests:\n  - name: t\n    steps:\n      - { at: 0, set: { stop_ok: true } }\n      - { at: 150 ms, set: { start_pb: true } }\n      \
         - { at: 199 ms, expect: { motor: false } }\n      - { at: 200 ms, expect: { motor: true } }\n",
    );
    assert!(report.passed(), "{}", print::text(&report, true));
    assert_eq!(report.tests().next().unwrap().1.scans, 3);
}

#[test]
fn a_press_shorter_than_the_scan_can_be_missed_as_on_the_box() {
    let report = bare(
        "scan: 100 ms\ntests:\n  - name: t\n    steps:\n      - { at: 0, set: { stop_ok: true } }\n      - { at: 110 ms, press: start_pb, for: 50 ms }\n      \
         - { at: 1 s, expect: { motor: false } }\n",
    );
    assert!(report.passed(), "{}", print::text(&report, true));
}

#[test]
fn a_failure_tells_time_place_values_writer_and_changes() {
    let report = bare(
        "tests:\n  - name: the lamp is on at once\n    steps:\n      - { at: 0, set: { stop_ok: true } }\n      - { at: 100 ms, press: start_pb }\n      \
         - { at: 500 ms, expect: { lamp: true, starts: 2 } }\n    never: motor AND NOT lamp\n",
    );
    assert_eq!(
        print::text(&report, false),
        "\
FAIL  main.ld: the lamp is on at once
  at 100 ms, scan 11: never `motor AND NOT lamp`, but it holds: motor is TRUE, lamp is FALSE
    p/main.test.yaml:8:12
    motor is written last by rung run \"Start and stop\" (p/main.ld:13)
    lamp is written last by rung late (p/main.ld:15)
    last changes:
      100 ms  scan 11     start_pb       FALSE -> TRUE
      100 ms  scan 11     delay.IN       FALSE -> TRUE
      100 ms  scan 11     motor          FALSE -> TRUE
      100 ms  scan 11     starts         0 -> 1
      100 ms  scan 11     motor.line     FALSE -> TRUE
      100 ms  scan 11     motor.contact  open -> closed
  at 500 ms, scan 51: lamp is FALSE, expected TRUE
    p/main.test.yaml:7:33
    lamp is written last by rung late (p/main.ld:15)
    last changes:
      100 ms  scan 11     start_pb       FALSE -> TRUE
      100 ms  scan 11     delay.IN       FALSE -> TRUE
      100 ms  scan 11     motor          FALSE -> TRUE
      100 ms  scan 11     starts         0 -> 1
      100 ms  scan 11     motor.line     FALSE -> TRUE
      100 ms  scan 11     motor.contact  open -> closed
      300 ms  scan 31     start_pb       TRUE -> FALSE
  at 500 ms, scan 51: starts is 1, expected 2
    p/main.test.yaml:7:45
    starts is written last by rung count (p/main.ld:17)
    last changes:
      100 ms  scan 11     start_pb       FALSE -> TRUE
      100 ms  scan 11     delay.IN       FALSE -> TRUE
      100 ms  scan 11     motor          FALSE -> TRUE
      100 ms  scan 11     starts         0 -> 1
      100 ms  scan 11     motor.line     FALSE -> TRUE
      100 ms  scan 11     motor.contact  open -> closed
      300 ms  scan 31     start_pb       TRUE -> FALSE
  seed 1 (repeat with `seed: 1` in the file)
"
    );
}

#[test]
fn every_version_is_run() {
    let st = "PROGRAM Main VAR start_pb AT %IX0.0 : BOOL; stop_ok AT %IX0.1 : BOOL; motor AT %QX0.0 : BOOL; END_VAR\n\
              motor := start_pb AND stop_ok;\nEND_PROGRAM\n";
    let tests = "also: main.st\ntests:\n  - name: seals in\n    steps:\n      - { at: 0, set: { stop_ok: true } }\n      \
                 - { at: 100 ms, press: start_pb }\n      - { at: 500 ms, expect: { motor: true } }\n";
    let report = report_of(&texts(SEAL_IN, None, tests).with("p/main.st", st));
    let rows: Vec<(String, bool)> =
        report.tests().map(|(version, test)| (version.program.clone(), test.passed())).collect();
    assert_eq!(rows, [("main.ld".to_owned(), true), ("main.st".to_owned(), false)]);
    assert!(
        print::text(&report, false).contains("motor is written last by p/main.st:2"),
        "{}",
        print::text(&report, false)
    );
}

#[test]
fn contacts_follow_with_their_times_and_defects_are_seen() {
    let report = report_of(&texts(
        SEAL_IN,
        Some(MAP),
        "tests:
  - name: contact times
    steps:
      - { at: 1 s, press: start_pb }
      - { at: 1 s, expect: { motor: true, motor.commanded: true, motor.line: true, motor.contact: open, motor.ready: false } }
      - { at: 1030 ms, expect: { motor.contact: open, aux: false } }
      - { at: 1050 ms, expect: { motor.contact: closed, aux: true, motor.fault: none } }
  - name: welded
    defects:
      - { at: 2 s, channel: motor, kind: welded }
      - { at: 5 s, channel: motor, kind: none }
    steps:
      - { at: 1 s, press: start_pb }
      - { at: 3 s, set: { stop_ok: false } }
      - { at: 3500 ms, expect: { motor.fault: welded, motor.contact: closed, motor.line: false } }
      - { at: 6 s, expect: { motor.contact: open } }
  - name: slow
    defects:
      - { at: 0, channel: motor, kind: slow, factor: 10 }
    steps:
      - { at: 1 s, press: start_pb }
      - { at: 1500 ms, expect: { motor.fault: failed_to_close } }
  - name: feedback stuck
    steps:
      - { at: 500 ms, defect: { channel: motor, kind: feedback_stuck_closed } }
      - { at: 1 s, expect: { motor.fault: closed_uncommanded, aux: true, motor.contact: open } }
  - name: feedback set by hand
    steps:
      - { at: 500 ms, set: { aux: true } }
      - { at: 1 s, expect: { motor.fault: closed_uncommanded } }
  - name: an input follows another contact
    steps:
      - { at: 0, set: { start_pb: follows lamp.contact, stop_ok: true } }
      - { at: 1 s, expect: { motor: false } }
  - name: supply
    steps:
      - { at: 1 s, press: start_pb }
      - { at: 2 s, supply: false }
      - { at: 2100 ms, expect: { motor.line: false, motor.fault: supply_lost } }
      - { at: 3 s, supply: true }
      - { at: 4 s, expect: { motor: true, motor.line: false } }
",
    ));
    assert!(report.passed(), "{}", print::text(&report, true));
    assert_eq!(report.tests().count(), 7);
}

#[test]
fn the_same_seed_gives_the_same_report_and_another_may_not() {
    let tests = "tests:\n  - name: t\n    steps:\n      - { at: 1 s, press: start_pb, every: 1 s, times: 20 }\n    never: motor.contact = closed\n";
    let texts = texts(SEAL_IN, Some(MAP), tests);
    let suite = load(Path::new("p/main.test.yaml"), &texts).unwrap();
    let of = |seed: u64| run(&suite, &Options { seed: Some(seed), ..Options::default() });
    assert_eq!(of(1), of(1));
    let moments: std::collections::BTreeSet<u64> =
        (0..20).map(|seed| of(seed).tests().next().unwrap().1.failures[0].moment.time_ns).collect();
    assert!(moments.len() > 1, "bounce moves the moment in which the contactor closes");
    assert!(moments.iter().all(|ns| (1_033_000_000..=1_038_000_000).contains(ns)), "{moments:?}: between two scans");
}

#[test]
fn a_fault_of_the_program_ends_the_test_with_its_place() {
    let program = "PROGRAM Main VAR i AT %IX0.0 : BOOL; n : INT; a : ARRAY [0..3] OF INT; END_VAR\n\
                   n := n + 1;\na[n] := 1;\nEND_PROGRAM\n";
    let report = report_of(&texts(program, None, "tests:\n  - { name: t, never: i, until: 1 s }\n"));
    let failure = &report.tests().next().unwrap().1.failures[0];
    let FailureKind::Fault { message } = &failure.kind else { panic!("{failure:?}") };
    assert!(message.contains("p/main.ld:3"), "{message}");
    assert_eq!(failure.moment.scan, 4);
}

#[test]
fn a_division_by_zero_in_a_condition_is_a_failure() {
    let report = bare("tests:\n  - { name: t, always: 10 / starts > 0 }\n");
    assert!(print::text(&report, false).contains("`10 / starts > 0` has no answer: division by zero"));
}

#[test]
fn the_list_of_failures_is_bounded() {
    let steps: String = (1..50).map(|n| format!("      - {{ at: {n} s, expect: {{ motor: true }} }}\n")).collect();
    let report = bare(&format!("tests:\n  - name: t\n    steps:\n{steps}"));
    assert_eq!(report.tests().next().unwrap().1.failures.len(), timeline::FAILURES_MAX);
}

#[test]
fn names_and_types_are_checked_before_the_run() {
    let tests = "tests:
  - name: t
    steps:
      - at: 1 s
        press: strat_pb
        set: { motor: true, stop_ok: 5 }
        expect: { starts: true, starts2: 1, delay: 1, delay.ET: 5, starts: 40000 }
";
    // A key twice is YAML's to refuse; without it all the others are found at once.
    assert!(problems_of(&texts(SEAL_IN, None, tests)).contains("duplicate"));
    let tests = tests
        .replace(", starts: 40000", "")
        .replace("    steps:\n", "    never: ['motor AND startz', 'motor = 1']\n    steps:\n")
        + "      - { at: 2 s, expect: { starts: 40000, motor.fault: burnt, motr.contact: open } }\n";
    assert_eq!(
        problems_of(&texts(SEAL_IN, None, &tests)),
        "\
p/main.test.yaml:4:24: error: `startz`: no variable `startz`; did you mean `starts`?
p/main.test.yaml:4:40: error: = does not go between BOOL and a whole number
  help: both sides must be of one kind
p/main.test.yaml:7:16: error: no input `strat_pb`
  help: did you mean `start_pb`?
p/main.test.yaml:8:16: error: `motor` is no input; only inputs are set from outside
  help: set the inputs that lead to it
p/main.test.yaml:8:38: error: `stop_ok` is BOOL, here stands 5
  help: write true or false
p/main.test.yaml:9:27: error: `starts` is INT, here stands TRUE
  help: write a number
p/main.test.yaml:9:33: error: `starts2`: no variable `starts2`; did you mean `starts`?
p/main.test.yaml:9:45: error: `delay` is of type TON, which is more than one value
  help: name one part: IN, PT, Q, ET
p/main.test.yaml:9:65: error: `delay.ET` is TIME, here stands 5
  help: write a duration such as `T#2s` or `500 ms`
p/main.test.yaml:10:38: error: `starts` is INT, which never is 40000
  help: its values lie between -32768 and 32767
p/main.test.yaml:10:58: error: `motor.fault` cannot be `burnt`
  help: write one of none, failed_to_close, welded, closed_uncommanded, on_unacknowledged, off_unacknowledged, supply_lost, feedback_lost
p/main.test.yaml:10:65: error: `motr.contact`: no variable `motr`; did you mean `motor`?"
    );
}

#[test]
fn a_program_or_map_that_is_wrong_is_told_with_its_own_place() {
    let broken = SEAL_IN.replace("COIL(motor)", "COIL(moter)");
    let text = problems_of(&texts(&broken, None, "tests: [{ name: t, never: motor }]\n"));
    assert!(text.contains("p/main.ld:14"), "{text}");
    let text = problems_of(&texts(SEAL_IN, Some("inputs: { start_pb: {} }\n"), "tests: [{ name: t, never: motor }]\n"));
    assert!(text.contains("p/main.io.yaml"), "{text}");
    let text = problems_of(&texts(SEAL_IN, None, "also: none.st\ntests: [{ name: t, never: motor }]\n"));
    assert!(text.contains("p/main.test.yaml:2:7: error: the program p/none.st cannot be read"), "{text}");
    let text = problems_of(&texts(
        SEAL_IN,
        None,
        "tests: [{ name: t, steps: [{ at: 1 s, supply: false, expect: motor }] }]\n",
    ));
    assert!(text.contains("does not sense the coil supply"), "{text}");
}

#[test]
fn play_takes_the_stimuli_of_the_named_test() {
    let texts = texts(
        SEAL_IN,
        None,
        "tests:\n  - { name: one, never: motor, steps: [{ at: 1 s, press: start_pb }] }\n  - { name: two, never: motor, steps: [{ at: 5 s, toggle: stop_ok }] }\n",
    );
    let path = Path::new("p/main.test.yaml");
    let suite = load(path, &texts).unwrap();
    let version = &suite.versions[0];
    let script = |test: Option<&str>| play::script(path, &texts, &version.image, &version.map, test);
    assert_eq!(script(None).unwrap().end_ns(), 1_200_000_000);
    assert_eq!(script(Some("two")).unwrap().end_ns(), 5_000_000_000);
    let problems = script(Some("twoo")).unwrap_err();
    assert_eq!(
        problems[0].to_string(),
        "p/main.test.yaml: error: there is no test `twoo`\n  help: did you mean `two`?"
    );
}

/// The example of docs/testing.md is what a person really sees: forward/reverse without its seal-in.
#[test]
fn the_failure_in_the_documentation_is_real() {
    let program = include_str!("../../programs/forward_reverse.ld");
    let broken = program.replace("[NO(fwd_pb), NO(fwd)]", "NO(fwd_pb)");
    assert_ne!(program, broken, "the seal-in of the example is where this test looks for it");
    let texts = Texts::new()
        .with("programs/forward_reverse.ld", broken)
        .with("programs/forward_reverse.io.yaml", include_str!("../../programs/forward_reverse.io.yaml"))
        .with("io-config/relays/wago-859-386.yaml", SHEET)
        .with("programs/forward_reverse.test.yaml", include_str!("../../programs/forward_reverse.test.yaml"));
    let suite = load(Path::new("programs/forward_reverse.test.yaml"), &texts).unwrap();
    let only = Some("forward seals in and stops".to_owned());
    let report = run(&suite, &Options { only, ..Options::default() });
    let shown = print::details(report.tests().next().unwrap().1);
    let shown: String = shown.lines().take(12).fold(String::new(), |all, line| all + line + "\n");
    let documentation = include_str!("../../docs/testing.md");
    assert!(documentation.contains(&shown), "docs/testing.md should show\n{shown}");
    let diagram = report.tests().next().unwrap().1.diagram.as_ref().unwrap().text(Style::default());
    assert!(documentation.contains(&diagram), "docs/testing.md should show\n{diagram}");
}
