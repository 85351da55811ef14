//! The steady state under strace: what one scan costs in system calls when no output changes.

use super::bench::Bench;
use super::product::{Product, Start};
use super::{Stop, require};
use rustix::process::{Signal, kill_process};
use std::time::Duration;

/// Calls as strace names them: reading and writing lines through version 1 of the interface.
const READ: &str = "GPIOHANDLE_GET_LINE_VALUES_IOCTL";
const WRITE: &str = "GPIOHANDLE_SET_LINE_VALUES_IOCTL";
/// Chips with inputs in the map.
const INPUT_CHIPS: usize = 2;

pub fn system_calls(bench: &mut Bench) -> Result<(), Stop> {
    let trace = bench.work.join("strace.out");
    let file = trace.display().to_string();
    let before = ["strace", "-f", "-e", "trace=ioctl,clock_nanosleep", "-o", &file];
    let mut product = Product::start(bench, Start { before: &before, ..Start::motor("reverse.io.yaml") })?;
    bench.pause(Duration::from_millis(500))?;
    let from = length(&trace)?;
    bench.pause(Duration::from_secs(2))?;
    let to = length(&trace)?;
    // strace keeps the signal to itself.
    let traced = product.children().into_iter().next().ok_or("strace runs nothing".to_owned())?;
    kill_process(traced, Signal::TERM).map_err(|e| format!("cannot stop plcrun: {e}"))?;
    product.wait(bench)?;
    let text = std::fs::read(&trace).map_err(|e| format!("{file}: {e}"))?;
    let steady = String::from_utf8_lossy(text.get(from..to).unwrap_or_default()).into_owned();
    // The scan thread is the one that reads lines. Its sleeps are its scans: it may sleep in pieces, so reads count scans.
    let reads = steady.lines().filter(|line| line.contains(READ)).count();
    let writes = steady.lines().filter(|line| line.contains(WRITE)).count();
    let scanner = steady.lines().find(|line| line.contains(READ)).and_then(|line| line.split(' ').next());
    let scanner = scanner.ok_or("no scan was seen in the steady state".to_owned())?;
    let sleeps = steady.lines().filter(|line| line.starts_with(scanner) && line.contains("clock_nanosleep(")).count();
    bench.facts.push(format!(
        "in 2 s with nothing changing: {reads} reads, {writes} writes, {sleeps} sleeps of the scan thread, on {INPUT_CHIPS} chips with inputs"
    ));
    require(writes == 0, || format!("{writes} writes although nothing changed"))?;
    require(reads >= 50 * INPUT_CHIPS, || format!("only {reads} scans in 2 s"))?;
    // A scan at either edge of the window may have only its read or only its sleep inside.
    require(reads <= (sleeps + 1) * INPUT_CHIPS, || format!("{reads} reads in {sleeps} scans"))
}

fn length(path: &std::path::Path) -> Result<usize, String> {
    let length = std::fs::metadata(path).map_err(|e| format!("{}: {e}", path.display()))?.len();
    usize::try_from(length).map_err(|e| e.to_string())
}
