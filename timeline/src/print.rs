//! A report as text for a terminal.

use crate::report::{Change, Failure, FailureKind, Moment, Report, TestReport};
use crate::writers::Writer;
use relay::quantity::Duration;
use std::fmt::Write as _;

/// Most writers named for one variable; a variable written in more places than these is a finding of its own.
const WRITERS_SHOWN: usize = 3;

/// The report: one line for each test that failed with what failed below it, and one line at the end. With `verbose`
/// every test has its line.
#[must_use]
pub fn text(report: &Report, verbose: bool) -> String {
    let mut out = String::new();
    for (version, test) in report.tests() {
        if test.passed() {
            if verbose {
                let _ = writeln!(out, "ok    {}: {}", version.program, test.name);
            }
        } else {
            let _ = writeln!(out, "FAIL  {}: {}", version.program, test.name);
            test_failures(&mut out, test);
        }
    }
    out
}

/// The last line: `12 tests, 1 failed, 86 s simulated in 8600 scans`.
#[must_use]
pub fn summary<'a>(reports: impl IntoIterator<Item = &'a Report>) -> String {
    let (mut tests, mut failed, mut simulated_ns, mut scans) = (0_u64, 0_u64, 0_u64, 0_u64);
    for (_, test) in reports.into_iter().flat_map(Report::tests) {
        tests += 1;
        failed += u64::from(!test.passed());
        simulated_ns = simulated_ns.saturating_add(test.simulated_ns);
        scans = scans.saturating_add(test.scans);
    }
    let seconds = simulated_ns / 1_000_000_000;
    let plural = if tests == 1 { "" } else { "s" };
    format!("{tests} test{plural}, {failed} failed, {seconds} s simulated in {scans} scans")
}

/// What failed in one test, for callers with lines of their own; empty where it passed.
#[must_use]
pub fn details(test: &TestReport) -> String {
    let mut out = String::new();
    if !test.passed() {
        test_failures(&mut out, test);
    }
    out
}

fn test_failures(out: &mut String, test: &TestReport) {
    for failure in &test.failures {
        let _ = writeln!(out, "  {}: {}", moment(failure.moment), what(&failure.kind));
        let _ = writeln!(out, "    {}", failure.place);
        writers(out, failure);
        changes(out, &failure.changes);
    }
    if let Some(found) = &test.found {
        let _ = writeln!(
            out,
            "  found by random stimuli, seed {}; shrunk to this test, which fails alike (put it under `tests:`):",
            found.seed
        );
        for line in found.test.lines() {
            let _ = writeln!(out, "    {line}");
        }
    }
    let _ = writeln!(out, "  seed {} (repeat with `seed: {}` in the file)", test.seed, test.seed);
}

/// When, as failures say it: `at 3300 ms, scan 331`.
#[must_use]
pub fn moment(moment: Moment) -> String {
    format!("at {}, scan {}", time(moment.time_ns), moment.scan)
}

/// A time: exact where it is whole milliseconds, else to a hundredth of one; contacts move in between.
fn time(ns: u64) -> String {
    if ns.is_multiple_of(1_000_000) {
        return Duration::from_ns(ns).to_string();
    }
    format!("{}.{:02} ms", ns / 1_000_000, ns % 1_000_000 / 10_000)
}

/// What failed, on one line.
#[must_use]
pub fn what(kind: &FailureKind) -> String {
    match kind {
        FailureKind::TooLate { when, then, within_ns, since, late } => {
            let (within, at) = (Duration::from_ns(*within_ns), time(since.time_ns));
            let found = if *late { "came too late" } else { "did not come" };
            format!(
                "`{then}` {found}: it must follow within {within} of `{when}`, which became TRUE at {at} (scan {})",
                since.scan
            )
        }
        FailureKind::NotHeld { when, hold, until, since } => {
            let begin = format!("{} (scan {})", time(since.time_ns), since.scan);
            match when {
                Some(when) => format!("`{hold}` does not hold: since `{when}` at {begin} it must, until `{until}`"),
                None => format!("`{hold}` was lost: it held since {begin} and must hold until `{until}`"),
            }
        }
        FailureKind::Golden { file, diff } if diff.is_empty() => {
            format!("there is no recorded trace {file} yet; `plcrun test --bless` writes it")
        }
        FailureKind::Golden { file, diff } => {
            let lines: String = diff.iter().map(|line| format!("\n      {line}")).collect();
            format!("the run is not what {file} says (`-` recorded, `+` this run):{lines}")
        }
        FailureKind::Differs { name, expected, found } => format!("{name} is {found}, expected {expected}"),
        FailureKind::DoesNotHold { condition, values } => {
            format!("`{condition}` does not hold{}", with_values(values))
        }
        FailureKind::Never { condition, values } => format!("never `{condition}`, but it holds{}", with_values(values)),
        FailureKind::Always { condition, values } => {
            format!("always `{condition}`, but it does not hold{}", with_values(values))
        }
        FailureKind::NoAnswer { condition, reason } => format!("`{condition}` has no answer: {reason}"),
        FailureKind::Fault { message } => format!("the run ended with a fault: {message}"),
    }
}

fn with_values(values: &[(String, String)]) -> String {
    if values.is_empty() {
        return String::new();
    }
    let list: Vec<String> = values.iter().map(|(name, value)| format!("{name} is {value}")).collect();
    format!(": {}", list.join(", "))
}

fn writers(out: &mut String, failure: &Failure) {
    for (name, places) in &failure.writers {
        let Some(last) = places.last() else { continue };
        let _ = write!(out, "    {name} is written last by {}", writer(last));
        let earlier = places.len().saturating_sub(1);
        for place in places.iter().rev().skip(1).take(WRITERS_SHOWN - 1) {
            let _ = write!(out, ", before it by {}", writer(place));
        }
        if earlier >= WRITERS_SHOWN {
            let _ = write!(out, " and {} more", earlier + 1 - WRITERS_SHOWN);
        }
        out.push('\n');
    }
}

fn writer(writer: &Writer) -> String {
    match &writer.rung {
        Some((label, title)) if title.is_empty() => format!("rung {label} ({}:{})", writer.file, writer.line),
        Some((label, title)) => format!("rung {label} \"{title}\" ({}:{})", writer.file, writer.line),
        None => format!("{}:{}", writer.file, writer.line),
    }
}

fn changes(out: &mut String, changes: &[Change]) {
    if changes.is_empty() {
        return;
    }
    out.push_str("    last changes:\n");
    let width = changes.iter().map(|change| change.name.chars().count()).max().unwrap_or(0);
    let times: Vec<String> =
        changes.iter().map(|change| Duration::from_ns(change.moment.time_ns).to_string()).collect();
    let time_width = times.iter().map(String::len).max().unwrap_or(0);
    for (change, time) in changes.iter().zip(&times) {
        let Change { moment, name, from, to } = change;
        let _ = writeln!(out, "      {time:>time_width$}  scan {:<6} {name:<width$}  {from} -> {to}", moment.scan);
    }
}
