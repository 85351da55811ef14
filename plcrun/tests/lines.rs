//! `plcrun lines`, and a program on a file chip: real lines as far as plcrun is concerned.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use assert_cmd::Command;
use runtime::io::file_chip::FileChip;
use std::path::Path;
use std::time::Duration;

fn plcrun(words: &[&str]) -> Command {
    let mut command = Command::cargo_bin("plcrun").unwrap();
    command.args(["--color", "never"]).args(words);
    command
}

fn printed(words: &[&str]) -> String {
    let output = plcrun(words).assert().success().get_output().stdout.clone();
    String::from_utf8(output).unwrap()
}

#[test]
fn a_chip_is_made_set_shown_and_broken() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cabinet");
    let file = file.to_str().unwrap();
    let text = String::from_utf8(plcrun(&["lines", file]).assert().code(2).get_output().stderr.clone()).unwrap();
    assert!(text.contains("error[L012]") && text.contains("`--make 32`"), "{text}");
    assert!(printed(&["lines", file, "--make", "8"]).contains("8 lines, 0 reads, 0 writes, 0 changes"));
    let text = printed(&["lines", file, "--set", "3=1", "--set", "5=high"]);
    assert!(text.contains("\n   3  high  held by nobody\n   5  high  held by nobody\n"), "{text}");
    assert!(!printed(&["lines", file, "--set", "3=low"]).contains("   3  "));
    let text = String::from_utf8(plcrun(&["lines", file, "--set", "8=1"]).assert().code(2).get_output().stderr.clone());
    assert!(text.unwrap().contains("has no line 8, only 0 to 7"));
    std::fs::write(file, "notes").unwrap();
    let text = String::from_utf8(plcrun(&["lines", file]).assert().code(2).get_output().stderr.clone()).unwrap();
    assert!(text.contains("is no file chip"), "{text}");
}

/// A lamp on line 16 that follows a button on line 0.
fn plant(folder: &Path) -> FileChip {
    let program = "PROGRAM Lamp\nVAR button AT %IX0.0 : BOOL; lamp AT %QX0.0 : BOOL; END_VAR\n\
        LADDER\nRUNG lamp: NO(button) COIL(lamp);\nEND_LADDER\nEND_PROGRAM\n";
    let chip = folder.join("cabinet");
    let map = format!(
        "live: true\ninputs:\n  button: {{ gpio: {{ chip: \"file:{0}\", line: 0 }} }}\noutputs:\n  lamp: {{ gpio: {{ chip: \"file:{0}\", line: 16 }} }}\n",
        chip.display()
    );
    std::fs::write(folder.join("lamp.ld"), program).unwrap();
    std::fs::write(folder.join("lamp.io.yaml"), map).unwrap();
    FileChip::create(&chip, 32).unwrap()
}

#[test]
fn a_program_drives_the_lines_of_a_chip_and_leaves_them_off() {
    let folder = tempfile::tempdir().unwrap();
    let chip = plant(folder.path());
    let program = folder.path().join("lamp.ld");
    let state = folder.path().join("state");
    let environment = state.to_str().unwrap().to_owned();
    let watch = std::thread::spawn({
        let chip = chip.clone();
        move || {
            // The order of things, not their times: held, then driven, then followed.
            let wait = |what: &dyn Fn() -> bool| {
                (0..3000).any(|_| {
                    std::thread::sleep(Duration::from_millis(2));
                    what()
                })
            };
            let held = wait(&|| chip.is_held(0) && chip.is_held(16));
            let refused = chip.drive(16, true).is_err();
            let follows = wait(&|| {
                // The guard starts nothing out of the past: until it has seen the button released, it is pressed again.
                let _ = chip.drive(0, chip.levels() & 1 == 0);
                wait_a_scan();
                chip.levels() >> 16 & 1 == 1
            });
            (held, refused, follows)
        }
    });
    let program = program.to_str().unwrap().to_owned();
    plcrun(&["run", &program, "--for", "2s", "--quiet"])
        .env("STATE_DIRECTORY", environment)
        .timeout(Duration::from_secs(60))
        .assert()
        .success();
    assert_eq!(watch.join().unwrap(), (true, true, true));
    assert_eq!(chip.levels() >> 16 & 1, 0, "the ordered stop switches off");
    assert!(!chip.is_held(16));
    assert!(chip.counts().reads > 0);
}

fn wait_a_scan() {
    std::thread::sleep(Duration::from_millis(40));
}
