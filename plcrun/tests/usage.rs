//! Wrong use, help, colours, pipes: what holds for every subcommand.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use common::{Folder, SEAL, plcrun};

#[test]
fn help_and_version_end_with_zero_and_nothing_with_two() {
    let folder = Folder::new();
    let help = folder.run(&["--help"]).exits(0).out_has("plcrun [OPTIONS] FILE...").out_has("Exit codes: 0 done");
    for command in ["run", "check", "test", "build", "disasm", "draw", "fmt", "relays", "explain"] {
        assert!(help.out.contains(&format!("\n  {command}")), "{command} is missing in {}", help.out);
        folder.run(&[command, "--help"]).exits(0).out_has("Usage: plcrun");
    }
    folder.run(&["--version"]).exits(0).out_has("plcrun 0.");
    folder.run(&[]).exits(2).err_has("Usage:");
}

#[test]
fn unknown_options_and_missing_files_are_wrong_use() {
    let folder = Folder::with(&[("a.ld", SEAL)]);
    folder.run(&["a.ld", "--fast"]).exits(2).err_has("--fast");
    folder.run(&["no.ld"]).exits(2).err_has("`no.ld` cannot be read: there is no such file");
    folder.run(&["check", "no.ld"]).exits(2).err_has("there is no such file");
    folder.run(&["chekc", "a.ld"]).exits(2).err_has("did you mean `plcrun check`?");
    folder.run(&["build", "."]).exits(2).err_has("is a folder");
    folder.run(&["check", "a.ld", "--io", "no.yaml"]).exits(2).err_has("`no.yaml` cannot be read");
    folder.run(&["check", "a.ld", "a.ld"]).exits(2).err_has("is named twice");
}

#[test]
fn a_file_of_another_kind_is_named_with_the_command_it_is_for() {
    let files = [("a.ld", SEAL), ("a.io.yaml", "# map\n"), ("a.test.yaml", "# tests\n"), ("b.st", ""), ("a.yml", "")];
    let folder = Folder::with(&files);
    let program = |name: &str| format!("`{name}` is a YAML file, not a program");
    for command in ["run", "check", "build", "fmt", "draw", "prove", "disasm"] {
        folder.run(&[command, "a.test.yaml"]).exits(2).err_has(&program("a.test.yaml")).err_has("`plcrun test`");
    }
    folder.run(&["a.io.yaml"]).exits(2).err_has(&program("a.io.yaml")).err_has("behind `--io`");
    folder.run(&["check", "a.ld", "a.yml"]).exits(2).err_has(&program("a.yml"));
    let timeline = "is a program, not a timeline file";
    folder.run(&["test", "a.ld"]).exits(2).err_has(timeline).err_has("name its timeline file: `a.test.yaml`");
    folder.run(&["mutate", "b.st"]).exits(2).err_has(timeline).err_has("docs/testing.md");
}

#[test]
fn text_that_is_not_utf8_is_named() {
    let folder = Folder::new();
    folder.write("latin.st", b"PROGRAM P (* K\xE4fig *)\nEND_PROGRAM\n");
    folder.write("wide.st", b"\xFF\xFEP\0R\0");
    folder.run(&["check", "latin.st"]).exits(2).err_has("not UTF-8 text: byte 15 in line 1");
    folder.run(&["check", "wide.st"]).exits(2).err_has("UTF-16");
}

#[test]
fn colours_only_where_asked_for_or_on_a_terminal() {
    let folder = Folder::with(&[("a.ld", "PROGRAM P VAR x : INT END_VAR END_PROGRAM")]);
    let plain = folder.run(&["check", "a.ld"]).exits(1);
    assert!(!plain.out.contains('\x1b'), "{}", plain.out);
    let coloured = folder.run(&["check", "a.ld", "--color", "always"]).exits(1);
    assert!(coloured.out.contains('\x1b'), "{}", coloured.out);
    assert!(!folder.run(&["--color", "never", "check", "a.ld"]).out.contains('\x1b'));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    // 20,000 rungs, so that the listing is far longer than a pipe holds.
    let rungs: String = (0..2_000).map(|n| format!("RUNG r{n}: NO(a) COIL(b{n});\n")).collect();
    let variables: String = (0..2_000).map(|n| format!("b{n} : BOOL;\n")).collect();
    let text =
        format!("PROGRAM Long VAR a AT %IX0.0 : BOOL;\n{variables}END_VAR LADDER\n{rungs}END_LADDER END_PROGRAM\n");
    let folder = Folder::with(&[("long.ld", &text)]);
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_plcrun"))
        .args(["disasm", "long.ld"])
        .current_dir(folder.path("."))
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!err.contains("error") && !err.contains("panic"), "{err}");
}

#[test]
fn explain_finds_codes_of_every_room_and_refuses_others() {
    for code in ["E0201", "C013", "R036", "G11", "F01", "T001", "V126"] {
        let seen = plcrun().args(["explain", code]).output().unwrap();
        assert_eq!(seen.status.code(), Some(0), "{code}");
        assert!(String::from_utf8_lossy(&seen.stdout).starts_with(code), "{code}");
    }
    Folder::new().run(&["explain", "X99"]).exits(2).err_has("`X99` is no code");
}
