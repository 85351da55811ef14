//! `plcrun check` on folders, with settings, formats and a baseline.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::{Folder, SEAL, plcrun, programs};

/// A latch nothing resets, in the fourth line.
const LATCH: &str = "\
PROGRAM Latch
VAR trip AT %IX0.0 : BOOL; fault : BOOL; lamp AT %QX0.0 : BOOL; END_VAR
LADDER
RUNG trip: NO(trip) SET(fault);
RUNG lamp: NO(fault) COIL(lamp);
END_LADDER
END_PROGRAM
";

#[test]
fn a_rule_is_shown_like_a_diagnostic_and_explained() {
    let folder = Folder::with(&[("latch.ld", LATCH)]);
    folder
        .run(&["check", "latch.ld"])
        .exits(1)
        .out_has("warning[K205]: `fault` is set here and nothing ever resets it")
        .out_has(" --> latch.ld:4:25")
        .out_has("latch.ld: 0 errors, 1 warning");
    folder.run(&["explain", "k205"]).exits(0).out_has("K205 (warning): latch without unlatch").out_has("SET(fault)");
}

#[test]
fn a_folder_is_searched_for_programs_and_their_maps() {
    let folder = Folder::with(&[
        ("plant/a/seal.ld", SEAL),
        ("plant/b/latch.ld", LATCH),
        ("plant/b/blocks.st", "FUNCTION_BLOCK F VAR_INPUT a : BOOL; END_VAR END_FUNCTION_BLOCK"),
        ("plant/c/notes.txt", "nothing"),
    ]);
    folder
        .run(&["check", "plant"])
        .exits(1)
        .out_has("plant/a/seal.ld, no I/O map: no findings")
        .out_has("plant/b/latch.ld: 0 errors, 1 warning")
        .out_has("2 checks: 0 errors, 1 warning")
        .err_has("`plant/b/blocks.st` has no PROGRAM and no test names it");
    folder.run(&["check", "plant/c"]).exits(2).err_has("there is no program in `plant/c`");
    folder.run(&["check", "plant", "--io", "x.io.yaml"]).exits(2).err_has("is for one program");
    folder.run(&["check", "plant/a", "plant/b/latch.ld"]).exits(2).err_has("is a file among folders");
}

#[test]
fn the_examples_have_no_findings() {
    let output = plcrun().args(["check", programs().to_str().unwrap()]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.contains("11 checks: no findings"), "{text}");
}

#[test]
fn settings_hold_for_the_folder_and_their_mistakes_are_named() {
    let folder = Folder::with(&[("latch.ld", LATCH), ("plcrun.yaml", "check:\n  rules: { K205: note }\n")]);
    folder.run(&["check", "latch.ld"]).exits(0).out_has("note[K205]").out_has("no findings, 1 note");
    folder.write("plcrun.yaml", "check:\n  rules: { K205: off }\n");
    folder.run(&["check", "."]).exits(0).out_lacks("K205");
    folder.write("plcrun.yaml", "check:\n  rules: { K205: of }\n");
    folder
        .run(&["check", "latch.ld"])
        .exits(2)
        .err_has("`of` is no severity; did you mean `off`?")
        .err_has("plcrun.yaml:2:18");
    folder.write("plcrun.yaml", "check: { rules: {} }\ncheck: {}\n");
    folder.run(&["check", "latch.ld"]).exits(2).err_has("plcrun.yaml:2:1");
}

#[test]
fn what_is_allowed_with_a_reason_is_counted_and_not_shown() {
    let allowed = LATCH.replace("RUNG trip", "{allow K205 \"kept until the cabinet is opened\"}\nRUNG trip");
    let folder = Folder::with(&[("latch.ld", &allowed)]);
    folder.run(&["check", "latch.ld"]).exits(0).out_has("no findings, 1 allowed").out_lacks("K205");
    let idle = allowed.replace("SET(fault)", "COIL(fault)");
    let folder = Folder::with(&[("latch.ld", &idle)]);
    folder.run(&["check", "latch.ld"]).exits(1).out_has("[K902]").out_has("nothing here is a K205");
    let bare = LATCH.replace("RUNG trip", "{allow K205}\nRUNG trip");
    let folder = Folder::with(&[("latch.ld", &bare)]);
    folder.run(&["check", "latch.ld"]).exits(1).out_has("[W0904]").out_has("[K205]");
}

#[test]
fn a_baseline_lets_an_old_project_start_clean() {
    let folder = Folder::with(&[("latch.ld", LATCH), ("plcrun.yaml", "check: { baseline: known.json }\n")]);
    folder.run(&["check", "latch.ld"]).exits(2).err_has("`known.json`");
    folder
        .run(&["check", "latch.ld", "--write-baseline"])
        .exits(0)
        .err_has("`known.json`: written")
        .out_has("1 in the baseline");
    folder.run(&["check", "latch.ld"]).exits(0).out_has("no findings, 1 in the baseline");
    // The same finding lower down is still known; a second one is new.
    folder.write(
        "latch.ld",
        format!("(* moved *)\n{}", LATCH.replace("RUNG lamp", "RUNG more: NO(trip) SET(lamp);\nRUNG lamp2"))
            .replace("COIL(lamp)", "RST(lamp)"),
    );
    folder.run(&["check", "latch.ld"]).exits(0).out_has("1 in the baseline");
    folder.write("latch.ld", SEAL);
    folder.run(&["check", "latch.ld"]).exits(0).out_has("note[K903]: K205 in latch.ld (Latch/trip) is gone");
    folder.write("known.json", "{}");
    folder.run(&["check", "latch.ld"]).exits(2).err_has("is no baseline").err_has("--write-baseline");
}

#[test]
fn findings_are_written_for_other_tools() {
    let folder = Folder::with(&[("latch.ld", LATCH)]);
    folder.run(&["check", "latch.ld", "--format", "github"]).exits(1).out_has("::warning file=latch.ld,line=4,col=25,");
    folder.run(&["check", "latch.ld", "--format", "sarif", "-o", "out.sarif"]).exits(1).err_has("1 warning");
    let log: serde_json::Value = serde_json::from_str(&folder.read("out.sarif")).unwrap();
    assert_eq!(log["runs"][0]["results"][0]["ruleId"], "K205");
    let list = folder.run(&["check", "latch.ld", "--format", "gitlab"]).exits(1);
    let list: serde_json::Value = serde_json::from_str(&list.out).unwrap();
    assert_eq!(list[0]["check_name"], "K205");
    folder.run(&["check", "latch.ld", "--format", "json", "-o", "latch.ld"]).exits(2).err_has("would be overwritten");
    assert_eq!(folder.read("latch.ld"), LATCH);
}
