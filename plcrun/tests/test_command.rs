//! `test`: timeline files, folders of them, and the exit codes of both outcomes.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use common::{Folder, SEAL, programs};

fn timeline(expected: &str) -> String {
    format!(
        "program: seal.ld\ntests:\n  - name: starts\n    steps:\n      - at: 0 ms\n        set: {{ stop_ok: true }}\n      \
         - at: 100 ms\n        press: start\n      - at: 1 s\n        expect: {{ motor: {expected} }}\n"
    )
}

#[test]
fn passing_tests_are_counted() {
    let folder = Folder::with(&[("seal.ld", SEAL), ("seal.test.yaml", &timeline("true"))]);
    let seen = folder.run(&["test", "seal.test.yaml"]).exits(0).out_has("starts").out_has("ok");
    assert!(seen.out.trim_end().ends_with("1 passed, 0 failed"), "{}", seen.out);
    // A folder is searched.
    folder.write("deep/er/seal.ld", SEAL);
    folder.write("deep/er/seal.test.yaml", timeline("true"));
    folder.write("deep/er/notes.yaml", "not: [a timeline");
    folder.run(&["test", "."]).exits(0).out_has("2 passed, 0 failed");
}

#[test]
fn a_failure_is_shown_with_time_expected_and_found() {
    let folder = Folder::with(&[("seal.ld", SEAL), ("seal.test.yaml", &timeline("false"))]);
    folder
        .run(&["test", "seal.test.yaml"])
        .exits(1)
        .out_has("FAILED")
        .out_has("seal.test.yaml:10")
        .out_has("0 passed, 1 failed");
}

#[test]
fn files_with_mistakes_and_folders_without_tests_are_told() {
    let folder = Folder::with(&[("seal.ld", SEAL), ("bad.test.yaml", &timeline("true").replace("expect", "expects"))]);
    folder.run(&["test", "bad.test.yaml"]).exits(1).err_has("expects");
    folder.run(&["test", "no.test.yaml"]).exits(2).err_has("no.test.yaml");
    std::fs::create_dir(folder.path("empty")).unwrap();
    folder.run(&["test", "empty"]).exits(2).err_has("*.test.yaml");
    folder.run(&["test"]).exits(2);
}

#[test]
fn a_filter_chooses_tests_by_name() {
    let folder = Folder::with(&[("seal.ld", SEAL), ("seal.test.yaml", &timeline("true"))]);
    folder.run(&["test", "seal.test.yaml", "--filter", "start"]).exits(0).out_has("1 passed");
    folder.run(&["test", "seal.test.yaml", "--filter", "nothing"]).exits(2).err_has("nothing");
}

#[test]
fn a_failure_is_drawn() {
    let folder = Folder::with(&[("seal.ld", SEAL), ("seal.test.yaml", &timeline("false"))]);
    folder.run(&["test", "seal.test.yaml"]).exits(1).out_has("time in s").out_has("█").out_has("▲");
    let seen = folder.run(&["test", "seal.test.yaml", "--ascii"]).exits(1).out_has("###").out_has("^");
    assert!(seen.out.is_ascii(), "{}", seen.out);
}

#[test]
fn reports_are_written() {
    let folder = Folder::with(&[
        ("seal.ld", SEAL),
        ("good.test.yaml", &timeline("true")),
        ("red.test.yaml", &timeline("false")),
        ("bad.test.yaml", "program: seal.ld\n"),
    ]);
    let words = [
        "test",
        ".",
        "--html",
        "r.html",
        "--junit",
        "r.xml",
        "--vcd",
        "waves",
        "--lcov",
        "r.info",
        "--coverage",
        "--jobs",
        "2",
    ];
    folder.run(&words).exits(1).out_has("rungs  contacts").out_has("was never seen").out_has("1 passed, 1 failed");
    assert!(folder.read("r.html").starts_with("<!doctype html>"));
    let junit = folder.read("r.xml");
    let tree = roxmltree::Document::parse(&junit).unwrap();
    assert_eq!(tree.root_element().attribute("tests"), Some("3"), "{junit}");
    assert!(folder.read("r.info").contains("SF:seal.ld"), "paths as the program was named");
    assert!(folder.read("waves/good.starts.vcd").starts_with("$comment plcrun: starts"));
    assert!(folder.path("waves/red.starts.vcd").exists());
    let seen = folder.run(&["test", ".", "--json"]).exits(1);
    let json: serde_json::Value = serde_json::from_str(&seen.out).unwrap();
    assert_eq!((json["tests"].as_u64(), json["unusable"].as_u64()), (Some(2), Some(1)));
    folder.run(&["test", ".", "--html", "no/such/folder/r.html"]).exits(2).err_has("cannot be written");
}

#[test]
fn the_ladder_is_coloured_by_coverage() {
    let folder = Folder::with(&[("seal.ld", SEAL), ("seal.test.yaml", &timeline("true"))]);
    let seen = folder.run(&["test", "seal.test.yaml", "--coverage=ladder", "--color", "always"]).exits(0);
    assert!(seen.out.contains("\x1b[0;32m") && seen.out.contains("\x1b[0;33m"), "{}", seen.out);
}

#[test]
fn traces_are_recorded_and_compared() {
    let golden = timeline("true").replace("  - name: starts\n", "  - name: starts\n    golden: starts.golden\n");
    let folder = Folder::with(&[("seal.ld", SEAL), ("seal.test.yaml", &golden)]);
    folder.run(&["test", "seal.test.yaml"]).exits(1).out_has("no recorded trace starts.golden");
    folder.run(&["test", "seal.test.yaml", "--bless"]).exits(0);
    let recorded = folder.read("starts.golden");
    assert!(recorded.contains("motor.commanded"), "{recorded}");
    folder.run(&["test", "seal.test.yaml"]).exits(0);
    folder.write("seal.test.yaml", golden.replace("at: 100 ms", "at: 200 ms"));
    folder.run(&["test", "seal.test.yaml"]).exits(1).out_has("+ 200 ms  motor.commanded");
    folder.run(&["test", "seal.test.yaml", "--bless"]).exits(0);
    assert_ne!(folder.read("starts.golden"), recorded);
}

#[test]
fn the_order_is_the_same_with_any_number_of_jobs() {
    let of = |jobs: &str| {
        let seen = common::plcrun().arg("test").arg(programs()).args(["--jobs", jobs]).output().unwrap();
        common::Seen::of(&seen).exits(0).out
    };
    assert_eq!(of("1"), of("3"));
}

#[test]
fn the_examples_pass() {
    let seen = common::plcrun().arg("test").arg(programs()).output().unwrap();
    common::Seen::of(&seen).exits(0).out_has(" 0 failed");
}

const CELL: &str = "CONFIGURATION Cell\n  TASK fast(INTERVAL := T#10ms, PRIORITY := 0);\n  TASK slow(INTERVAL := T#50ms, PRIORITY := 1);\n  \
    PROGRAM feeder WITH fast : Feeder;\n  PROGRAM press1 WITH slow : Press;\nEND_CONFIGURATION\n";
const FEEDER: &str = "PROGRAM Feeder\nVAR\n  start_pb AT %IX0.0 : BOOL;\n  full AT %MX0.0 : BOOL;\n  feed AT %QX0.0 : BOOL;\nEND_VAR\nLADDER\n\
    RUNG feed: [NO(start_pb), NO(feed)] NC(full) COIL(feed);\nEND_LADDER\nEND_PROGRAM\n";
const PRESS: &str = "PROGRAM Press\nVAR\n  part_in AT %IX0.1 : BOOL;\n  empty_pb AT %IX0.2 : BOOL;\n  full AT %MX0.0 : BOOL;\n  \
    press AT %QX0.1 : BOOL;\n  count : CTU;\nEND_VAR\nLADDER\nRUNG count: NO(part_in) count(R := empty_pb, PV := 3) COIL(full);\n\
    RUNG press: NO(full) COIL(press);\nEND_LADDER\nEND_PROGRAM\n";

#[test]
fn several_programs_run_together_each_in_its_own_task() {
    let steps = |feed: &str| {
        format!(
            "program: [cell.st, feeder.ld, press.ld]\ntests:\n  - name: a full press stops the feeder\n    steps:\n      \
             - {{ at: 100 ms, press: feeder.start_pb }}\n      - {{ at: 500 ms, expect: {{ feeder.feed: true, press1.press: false }} }}\n      \
             - {{ at: 1 s, press: press1.part_in }}\n      - {{ at: 2 s, press: press1.part_in }}\n      - {{ at: 3 s, press: press1.part_in }}\n      \
             - {{ at: 4 s, expect: {{ feeder.feed: {feed}, press1.press: true }} }}\n"
        )
    };
    let folder = Folder::with(&[
        ("cell.st", CELL),
        ("feeder.ld", FEEDER),
        ("press.ld", PRESS),
        ("cell.test.yaml", &steps("false")),
    ]);
    folder.run(&["test", "cell.test.yaml"]).exits(0).out_has("1 passed, 0 failed");
    folder.write("cell.test.yaml", steps("true"));
    folder
        .run(&["test", "cell.test.yaml"])
        .exits(1)
        .out_has("feeder.feed is FALSE, expected TRUE")
        .out_has("rung feed (feeder.ld:8)");
}
