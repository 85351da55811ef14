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
fn the_examples_pass() {
    let seen = common::plcrun().arg("test").arg(programs()).output().unwrap();
    common::Seen::of(&seen).exits(0).out_has(" 0 failed");
}
