//! `plcrun doctor` as a user calls it. What it finds on a given machine is tested in runtime/tests/doctor.rs; here counts
//! what holds on every machine.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::Folder;
use serde_json::Value;

const MAP: &str = "outputs:\n  pump: { gpio: { chip: no-such-chip, line: 1 } }\n";

#[test]
fn a_chip_that_is_not_there_is_a_problem_with_its_remedy() {
    let folder = Folder::with(&[("cabinet.yaml", MAP)]);
    folder
        .run(&["doctor", "--io", "cabinet.yaml", "--state", "state"])
        .exits(1)
        .out_has("problem[D020]: GPIO chips: `no-such-chip` is not there")
        .out_has("state will be made in ");
    assert!(!folder.path("state").exists(), "the doctor changes nothing");
}

#[test]
fn a_state_directory_that_cannot_be_made_is_a_problem() {
    let folder = Folder::with(&[("file", "")]);
    let seen = folder.run(&["doctor", "--state", "/proc/plcrun/pump"]).exits(1);
    assert!(seen.out.contains("[D040]") || seen.out.contains("[D042]"), "{seen:?}");
}

#[test]
fn json_is_one_object_a_line_with_every_key() {
    let folder = Folder::with(&[("cabinet.yaml", MAP)]);
    let seen = folder.run(&["doctor", "--json", "--io", "cabinet.yaml"]).exits(1);
    let rows: Vec<Value> = seen.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(rows.len() > 10);
    for row in &rows {
        for key in ["severity", "code", "title", "measured", "consequence", "remedy"] {
            assert!(row[key].is_string(), "{key} of {row}");
        }
        assert_eq!(row["severity"] == "ok", row["remedy"] == "", "{row}");
    }
}

#[test]
fn a_map_with_mistakes_is_refused() {
    let folder = Folder::with(&[("cabinet.yaml", "outputs:\n  pump: { gpioo: {} }\n")]);
    folder.run(&["doctor", "--io", "cabinet.yaml"]).exits(1).err_has("has mistakes (line 2: ");
    folder.run(&["doctor", "--io", "none.yaml"]).exits(2).err_has("there is no such file");
}

#[test]
fn completions_and_pages_are_made_from_the_definition() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish"] {
        folder.run(&["completions", shell]).exits(0).out_has("doctor");
    }
    folder.run(&["completions", "dos"]).exits(2);
    folder.run(&["man"]).exits(0).out_has(".TH plcrun 1");
    std::fs::create_dir(folder.path("pages")).unwrap();
    folder.run(&["man", "pages"]).exits(0);
    assert!(folder.read("pages/plcrun-run.1").contains("OPTIONS"));
    folder.run(&["man", "nowhere"]).exits(2).err_has("cannot be written");
}
