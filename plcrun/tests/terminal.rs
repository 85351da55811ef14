//! What a person at a terminal sees: one live status row that garbles no event line.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use common::{Folder, SEAL};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::File;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Takes the row away and returns to the margin.
const CLEAR: &str = "\r\x1b[K";

/// Runs with a terminal as standard output, types one line after a while, and gives everything the terminal got.
fn at_a_terminal(folder: &Folder, words: &[&str], typed: &str) -> (Option<i32>, String) {
    // Neither side becomes the controlling terminal of this process.
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let slave = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_plcrun"))
        .args(words)
        .current_dir(folder.path("."))
        .env("TERM", "xterm")
        .env_remove("NO_COLOR")
        .stdin(Stdio::piped())
        .stdout(slave)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut keyboard = child.stdin.take().unwrap();
    let typed = typed.to_owned();
    let typist = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(500));
        keyboard.write_all(typed.as_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(300));
    });
    let mut seen = Vec::new();
    // The end of the terminal is an error (EIO), not an end of file, once the child has closed its side.
    let mut screen = File::from(master);
    let mut part = [0; 4096];
    while let Ok(n @ 1..) = screen.read(&mut part) {
        seen.extend(part.iter().take(n));
    }
    typist.join().unwrap();
    (child.wait().unwrap().code(), String::from_utf8_lossy(&seen).into_owned())
}

#[test]
fn the_status_row_is_taken_away_before_each_line_and_at_the_end() {
    let folder = Folder::with(&[("seal.ld", SEAL)]);
    let words = ["seal.ld", "--for", "1200ms", "--set", "stop_ok=true"];
    let (code, seen) = at_a_terminal(&folder, &words, "start\n");
    assert_eq!(code, Some(0), "{seen}");
    assert!(seen.contains(&format!("{CLEAR}scan ")) && seen.contains("overruns 0"), "no status row: {seen:?}");
    // Every event line begins on a cleared row and is followed by a new one.
    let at = seen.find("line     motor    on").unwrap_or_else(|| panic!("the motor did not start: {seen:?}"));
    let before = seen.get(..at).unwrap();
    let row = before.rfind(CLEAR).unwrap();
    assert!(!before.get(row..).unwrap().contains("scan "), "a line beside the status row: {seen:?}");
    let after = seen.get(at..).unwrap();
    assert!(after.starts_with("line     motor    on\r\n"), "{after:?}");
    // The summary stands below the last cleared row.
    let summary = seen.rfind("time over after").unwrap();
    assert!(seen.rfind(CLEAR).unwrap() < summary, "{seen:?}");
    assert!(!seen.get(summary..).unwrap().contains("scan 1"), "{seen:?}");
}

#[test]
fn colours_appear_on_a_terminal_and_not_with_no_color() {
    let folder = Folder::with(&[("bad.ld", "PROGRAM P VAR x : INT END_VAR x := x + 1; END_PROGRAM")]);
    let (code, seen) = at_a_terminal(&folder, &["check", "bad.ld"], "");
    assert_eq!(code, Some(1), "{seen}");
    assert!(seen.contains("\x1b["), "{seen:?}");
    let (_, plain) = at_a_terminal(&folder, &["check", "bad.ld", "--color", "never"], "");
    assert!(!plain.contains("\x1b["), "{plain:?}");
}
