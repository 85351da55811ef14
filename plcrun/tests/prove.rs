//! `plcrun prove` as a user calls it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests: a failure is a panic"
)]

use assert_cmd::Command;
use std::path::{Path, PathBuf};

fn plcrun() -> Command {
    Command::cargo_bin("plcrun").unwrap()
}

fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("programs").join(name)
}

fn output(command: &mut Command) -> (i32, String, String) {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// A folder with this program as `p.st`.
fn folder(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("p.st"), text).unwrap();
    folder
}

#[test]
fn an_example_is_proved_with_its_map_and_its_properties() {
    let folder = tempfile::tempdir().unwrap();
    let proofs = folder.path().join("proofs.json");
    let mut command = plcrun();
    command.arg("prove").arg(program("forward_reverse.ld")).arg("--certificate").arg(&proofs);
    let (code, out, err) = output(&mut command);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("interlock-direction: proved") && out.contains("reversing-lock: proved"), "{out}");
    assert!(out.contains("forward-can-run: reached"), "{out}");
    let proofs: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(proofs).unwrap()).unwrap();
    let named = proofs["proofs"]
        .as_array()
        .unwrap()
        .iter()
        .any(|p| p["clauses"].to_string().contains("ForwardReverse.rev_off.Q"));
    assert!(named, "{proofs}");
}

#[test]
fn what_is_broken_is_shown_and_its_test_fails_too() {
    let text = std::fs::read_to_string(program("forward_reverse.ld")).unwrap();
    let broken = text.replace("NC(fwd_pb) NC(fwd) NC(fwd_off.Q) COIL(rev)", "COIL(rev)");
    assert_ne!(text, broken);
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("fr.ld");
    std::fs::write(&source, broken).unwrap();
    std::fs::copy(program("forward_reverse.properties.yaml"), folder.path().join("fr.properties.yaml")).unwrap();
    let ways = folder.path().join("ways");
    let mut command = plcrun();
    command.arg("prove").arg(&source).args(["--only", "reversing-lock", "--write"]).arg(&ways);
    let (code, out, err) = output(&mut command);
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains("reversing-lock: REFUTED (in scan 2, at 10 ms"), "{out}");
    assert!(out.contains("rev_pb TRUE"), "{out}");
    let (code, out, err) = output(plcrun().arg("test").arg(&ways));
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains("reversing-lock ... FAILED") && out.contains("rev is TRUE"), "{out}");
}

#[test]
fn what_rests_on_real_numbers_is_unknown_and_says_so() {
    let folder = folder(
        "PROGRAM P\nVAR a AT %IW0 : INT; r : REAL; y : BOOL; END_VAR\n\
         (*# { id: never, kind: invariant, expr: NOT y } *)\nr := INT_TO_REAL(a) * 0.0;\ny := r > 1.0;\nEND_PROGRAM\n",
    );
    let (code, out, err) = output(plcrun().arg("prove").arg(folder.path().join("p.st")));
    assert_eq!(code, 4, "{out}{err}");
    assert!(out.contains("never: UNKNOWN") && out.contains("REAL"), "{out}");
}

#[test]
fn a_fault_is_found_in_the_engine_as_well() {
    let folder = folder("PROGRAM P\nVAR d AT %IW0 : INT; q : INT; END_VAR\nq := 100 / (d - 7);\nEND_PROGRAM\n");
    let (code, out, err) = output(plcrun().arg("prove").arg(folder.path().join("p.st")).arg("--json"));
    assert_eq!(code, 1, "{out}{err}");
    let answer: serde_json::Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
    assert_eq!(answer["answer"], "refuted", "{out}");
    assert_eq!(answer["steps"][0]["inputs"]["d"], "7", "{out}");
    assert!(answer["fault"].as_str().unwrap().contains("zero"), "{out}");
}

#[test]
fn mistakes_in_properties_are_told_with_their_place() {
    let text = |comment: &str| {
        format!("PROGRAM P\nVAR a AT %IX0.0 : BOOL; y : BOOL; END_VAR\n{comment}\ny := a;\nEND_PROGRAM\n")
    };
    for (comment, said) in [
        ("(*# { id: x, kind: invariant } *)", "p.st:3:1: this is no property: "),
        ("(*# { id: x, kind: invariant } *)", "has no `expr`"),
        ("(*# { id: x, kind: never-together, of: [a, y], within: 1 s } *)", "`within` does not belong"),
        ("(*# { id: x, kind: invariant, expr: yy } *)", "no variable `yy`"),
        ("(*# { id: x, kind: invariant, expr: a + 1 = 2 } *)", "+ does not go between BOOL and a whole number"),
    ] {
        let folder = folder(&text(comment));
        let (code, out, err) = output(plcrun().arg("prove").arg(folder.path().join("p.st")));
        assert_eq!(code, 1, "{comment}: {out}{err}");
        assert!(err.contains(said), "{comment}: {err}");
    }
    let folder = folder(&text(""));
    let (code, _, err) = output(plcrun().arg("prove").arg(folder.path().join("p.st")).args(["--only", "nothing"]));
    assert_eq!(code, 2, "{err}");
}

#[test]
fn a_question_is_written_for_other_tools() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("q.aag");
    let mut command = plcrun();
    command.arg("prove").arg(program("forward_reverse.ld")).args(["--only", "never-both", "--aiger"]).arg(&file);
    let (code, out, err) = output(&mut command);
    assert_eq!(code, 0, "{out}{err}");
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.starts_with("aag ") && text.ends_with("c\nnever-both\n"), "{text}");
}

#[test]
fn a_way_of_thousands_of_presses_is_told_in_a_few_lines() {
    let folder = folder(
        "PROGRAM P\nVAR pulse AT %IX0.0 : BOOL; clear AT %IX0.1 : BOOL; harm AT %QX0.0 : BOOL; c : CTU; END_VAR\n\
         (*# { id: safe, kind: invariant, expr: NOT harm } *)\nc(CU := pulse, R := clear, PV := 32767);\nharm := c.Q;\n\
         END_PROGRAM\n",
    );
    let (source, ways) = (folder.path().join("p.st"), folder.path().join("ways"));
    let (code, out, err) = output(plcrun().arg("prove").arg(&source).arg("--write").arg(&ways));
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains("safe: REFUTED (in scan 65533, at 655320 ms;"), "{out}");
    assert!(out.contains("the 2 steps before, 3276") && out.lines().count() < 40, "{out}");
    let (_, out, _) = output(plcrun().arg("prove").arg(&source).arg("--json"));
    let line = out.lines().find(|line| line.contains("\"id\":\"safe\"")).unwrap();
    let answer: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(answer["scans"], 65533, "{out}");
    let steps = answer["steps"].as_array().unwrap();
    assert!(steps.iter().any(|step| step["again"]["times"].as_u64() > Some(32_000)), "{out}");
    // The written test presses as often, in a few lines, and fails in the same scan.
    let test = std::fs::read_to_string(ways.join("p.safe.test.yaml")).unwrap();
    assert!(test.contains("press: \"pulse\", for: 10 ms, every: 20 ms, times: 3276"), "{test}");
    assert!(test.lines().count() < 30, "{test}");
    let (code, out, err) = output(plcrun().arg("test").arg(&ways));
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains("safe ... FAILED") && out.contains("harm is TRUE"), "{out}");
    // With ten presses less nothing is wrong yet.
    let path = ways.join("p.safe.test.yaml");
    std::fs::write(&path, test.replace("times: 3276", "times: 3275")).unwrap();
    let (code, out, err) = output(plcrun().arg("test").arg(&ways));
    assert_eq!(code, 0, "{out}{err}");
}

/// A folder with an example, its map on absolute paths, and one property: `change` edits program and map.
fn relays(name: &str, property: &str, change: impl Fn(&mut String, &mut String)) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut text = std::fs::read_to_string(program(&format!("{name}.ld"))).unwrap();
    let mut map = std::fs::read_to_string(program(&format!("{name}.io.yaml"))).unwrap();
    let sheets = program("..").join("io-config/relays").canonicalize().unwrap();
    map = map.replace("../io-config/relays", &sheets.display().to_string());
    change(&mut text, &mut map);
    std::fs::write(folder.path().join("p.ld"), text).unwrap();
    std::fs::write(folder.path().join("p.io.yaml"), map).unwrap();
    std::fs::write(folder.path().join("p.properties.yaml"), format!("properties:\n  - {property}\n")).unwrap();
    folder
}

/// What `plcrun prove` says of the property `x`, and what `plcrun test` says of the way it wrote.
fn refuted(folder: &tempfile::TempDir) -> (String, String) {
    let ways = folder.path().join("ways");
    let mut command = plcrun();
    command.arg("prove").arg(folder.path().join("p.ld")).args(["--only", "asked", "--write"]).arg(&ways);
    let (code, out, err) = output(&mut command);
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains("asked: REFUTED"), "{out}{err}");
    let (code, tested, err) = output(plcrun().arg("test").arg(&ways));
    assert_eq!(code, 1, "{tested}{err}");
    assert!(tested.contains("asked ... FAILED"), "{tested}");
    (out, tested)
}

#[test]
fn contacts_meet_without_a_lock_and_without_a_group_and_the_test_shows_it() {
    let property = "{ id: asked, kind: never-together, of: [fwd.contact = closed, rev.contact = closed] }";
    let folder = relays("forward_reverse", property, |text, map| {
        *text = text.replace("NC(fwd_pb) NC(fwd) NC(fwd_off.Q) COIL(rev)", "COIL(rev)");
        let groups = map.find("interlocks:").unwrap();
        map.truncate(groups);
    });
    let (out, tested) = refuted(&folder);
    assert!(out.contains("fwd.contact = closed and rev.contact = closed together"), "{out}");
    // The contact that opens is in the picture of both.
    assert!(out.contains("fwd.contact  contact") && tested.contains("fwd          contact"), "{out}{tested}");
    let test = std::fs::read_to_string(folder.path().join("ways/p.asked.test.yaml")).unwrap();
    assert!(test.contains("fwd.contact = closed") && test.contains("seed: "), "{test}");
}

#[test]
fn a_dead_time_of_the_map_that_is_too_short_for_the_contacts_is_found() {
    let property = "{ id: asked, kind: dead-time, of: [fwd.contact = closed, rev.contact = closed], time: 200 ms }";
    let folder = relays("forward_reverse", property, |text, map| {
        *text = text.replace("NC(fwd_pb) NC(fwd) NC(fwd_off.Q) COIL(rev)", "COIL(rev)");
        *map = map.replace("dead_time: 2 s", "dead_time: 100 ms");
    });
    let (out, _) = refuted(&folder);
    assert!(out.contains("closed less than 200 ms after"), "{out}");
}

#[test]
fn typical_contacts_follow_the_data_sheet() {
    // 8 ms pull-in and 25 ms of the contactor: closed in the fourth scan period.
    let property = "{ id: asked, kind: responds, when: fwd.line, then: fwd.contact = closed OR NOT fwd.line, within: 20 ms, \
                    contacts: typical }";
    let folder = relays("forward_reverse", property, |_, _| ());
    let (out, _) = refuted(&folder);
    assert!(out.contains("fwd.line TRUE"), "{out}");
}

#[test]
fn relays_are_refused_where_nothing_says_what_they_are() {
    let folder = folder(
        "PROGRAM P\nVAR a AT %IX0.0 : BOOL; y AT %QX0.0 : BOOL; END_VAR\n\
         (*# { id: x, kind: invariant, expr: NOT (y.contact = closed) } *)\ny := a;\nEND_PROGRAM\n",
    );
    let (code, out, err) = output(plcrun().arg("prove").arg(folder.path().join("p.st")));
    assert_eq!(code, 1, "{out}{err}");
    assert!(err.contains("`y.contact`: what relays do stands in the I/O map") && err.contains("--io"), "{err}");
    for (expr, said) in [
        ("fwd.contact = bouncing", "`.contact` is never `bouncing` in a property"),
        ("fwd.contakt = closed", "did you mean `fwd.contact`?"),
        ("fwd.contact", "a condition is BOOL, this is a word"),
        ("fwd.fault = welded", "proofs know whether a fault is latched"),
    ] {
        let folder = relays("forward_reverse", &format!("{{ id: asked, kind: invariant, expr: {expr} }}"), |_, _| ());
        let (code, out, err) = output(plcrun().arg("prove").arg(folder.path().join("p.ld")));
        assert_eq!(code, 1, "{expr}: {out}{err}");
        assert!(err.contains(said), "{expr}: {err}");
    }
}
