//! Ctrl-C, SIGTERM and SIGHUP: an ordered stop, the summary, exit code 0.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use common::{Folder, SEAL, Seen};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Runs until the first line with `ready` is printed, sends the signal, and gives what was printed.
fn stopped_by(signal: rustix::process::Signal, scan: &str) -> Seen {
    let folder = Folder::with(&[("seal.ld", SEAL)]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_plcrun"))
        .args(["seal.ld", "--set", "stop_ok=true", "--for", "50s", "--scan", scan])
        .current_dir(folder.path("."))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut out = String::new();
    // The motor is on: the scan runs, and there is something to switch off.
    let mut keyboard = child.stdin.take().unwrap();
    keyboard.write_all(b"start\n").unwrap();
    while !out.contains("line     motor") {
        assert_ne!(lines.read_line(&mut out).unwrap(), 0, "ended by itself: {out}");
    }
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, signal).unwrap();
    lines.read_to_string(&mut out).unwrap();
    let output = child.wait_with_output().unwrap();
    Seen { code: output.status.code(), out, err: String::from_utf8(output.stderr).unwrap() }
}

#[test]
fn interrupt_terminate_and_hang_up_stop_in_order() {
    for (signal, name) in [
        (rustix::process::Signal::INT, "SIGINT"),
        (rustix::process::Signal::TERM, "SIGTERM"),
        (rustix::process::Signal::HUP, "SIGHUP"),
    ] {
        let seen = stopped_by(signal, "10ms").exits(0).out_has(name).out_has("scans").out_has("operations");
        assert!(!seen.err.contains("error"), "{}", seen.err);
    }
}

#[test]
fn a_slow_scan_stops_at_once_too() {
    let started = Instant::now();
    stopped_by(rustix::process::Signal::TERM, "2s").exits(0).out_has("SIGTERM").out_has("line     motor    off");
    // Up to 2 s for the first scan and 2 s for the one that starts the motor; the stop waits for no scan.
    assert!(started.elapsed() < Duration::from_millis(5_900), "{:?}", started.elapsed());
}
