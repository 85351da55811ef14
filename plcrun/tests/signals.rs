//! Ctrl-C, SIGTERM and a terminal's hang-up: an ordered stop, the summary, exit code 0. SIGHUP without a terminal is a wish to
//! reload, which a running program refuses.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use common::{Folder, SEAL, Seen, Terminal};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Runs until the first line with `ready` is printed, sends the signal, and gives what was printed.
fn stopped_by(signal: Signal, scan: &str) -> Seen {
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
    kill_process(Pid::from_child(&child), signal).unwrap();
    lines.read_to_string(&mut out).unwrap();
    let output = child.wait_with_output().unwrap();
    Seen { code: output.status.code(), out, err: String::from_utf8(output.stderr).unwrap() }
}

#[test]
fn interrupt_and_terminate_stop_in_order() {
    for (signal, name) in [(Signal::INT, "SIGINT"), (Signal::TERM, "SIGTERM")] {
        let seen = stopped_by(signal, "10ms").exits(0).out_has(name).out_has("scans").out_has("operations");
        assert!(!seen.err.contains("error"), "{}", seen.err);
    }
}

#[test]
fn a_slow_scan_stops_at_once_too() {
    let started = Instant::now();
    stopped_by(Signal::TERM, "2s").exits(0).out_has("SIGTERM").out_has("line     motor    off");
    // Up to 2 s for the first scan and 2 s for the one that starts the motor; the stop waits for no scan.
    assert!(started.elapsed() < Duration::from_millis(5_900), "{:?}", started.elapsed());
}

#[test]
fn the_hang_up_of_a_terminal_stops_in_order() {
    let folder = Folder::with(&[("seal.ld", SEAL)]);
    let terminal = Terminal::open();
    // The terminal belongs to a session of its own; the trace shows that the stop was in order.
    let mut child =
        terminal.command(&folder, &["seal.ld", "--set", "stop_ok=true", "--trace", "trace.csv"]).spawn().unwrap();
    terminal.wait_for("overruns 0");
    drop(terminal);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(folder.read("trace.csv").contains(",stop_ok,"), "the trace is whole");
}

#[test]
fn without_a_terminal_sighup_is_refused_with_a_reason_and_the_program_runs_on() {
    let folder = Folder::with(&[("seal.ld", SEAL)]);
    let mut child = Command::new("setsid")
        .args([env!("CARGO_BIN_EXE_plcrun"), "seal.ld", "--set", "stop_ok=true"])
        .current_dir(folder.path("."))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut out = String::new();
    let mut keyboard = child.stdin.take().unwrap();
    keyboard.write_all(b"start\n").unwrap();
    while !out.contains("line     motor") {
        assert_ne!(lines.read_line(&mut out).unwrap(), 0, "ended by itself: {out}");
    }
    let id = Pid::from_child(&child);
    kill_process(id, Signal::HUP).unwrap();
    while !out.contains("SIGHUP: a running program is not reloaded; stop it") {
        assert_ne!(lines.read_line(&mut out).unwrap(), 0, "ended by itself: {out}");
    }
    kill_process(id, Signal::TERM).unwrap();
    lines.read_to_string(&mut out).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(out.contains("stopped by SIGTERM"), "{out}");
}

#[test]
fn a_terminal_that_nobody_reads_does_not_delay_a_stop_and_what_is_kept_is_kept() {
    // Prints more than any terminal or pipe holds, and counts its scans.
    let program = "PROGRAM Chatter
VAR lamp AT %QX0.0 : BOOL; END_VAR
VAR RETAIN n : DINT; END_VAR
  n := n + 1; lamp := NOT lamp;
END_PROGRAM
";
    let folder = Folder::with(&[("c.st", program)]);
    let words = ["run", "c.st", "--scan", "1ms", "--state", "s"];
    let terminal = Terminal::open();
    let at_terminal = terminal.command(&folder, &words).spawn().unwrap();
    stops_unread(at_terminal);
    let mut piped = Command::new(env!("CARGO_BIN_EXE_plcrun"));
    piped.args(words).current_dir(folder.path(".")).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    stops_unread(piped.spawn().unwrap());
    let kept = folder.run(&["retain", "show", "--state", "s"]).exits(0);
    let row = kept.out.lines().find(|line| line.starts_with("Chatter.n ")).unwrap();
    let n: u32 = row.split_whitespace().nth(2).unwrap().parse().unwrap();
    assert!(n > 2_000, "both runs went on scanning: {n}");
}

/// Lets a program fill whatever takes its output, asks it to stop, and waits for its orderly end.
fn stops_unread(mut child: std::process::Child) {
    std::thread::sleep(Duration::from_secs(4));
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let began = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if began.elapsed() > Duration::from_secs(30) {
            child.kill().unwrap();
            panic!("still there 30 s after SIGTERM");
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(status.code(), Some(0));
}
