//! `cargo xtask bench`: how fast programs compile, load and run on this machine.
//!
//! Times are CPU times of one thread, in batches, because a shared machine has neighbours: the best batch repeats
//! within a few percent, the median shows the rest. Every measured scan is checked to end without a trap.

mod measure;
mod programs;
mod timeline;
mod wakeup;

use measure::{Loaded, Stages, load, scan_times};
use programs::Program;

const USAGE: &str = "usage: cargo xtask bench [--quick] [--timeline] [--write FOLDER] [--wakeup SECONDS [--pairs N]]

  --timeline       measures timeline tests instead: a large program in virtual time, and many small tests
  --wakeup SECONDS measures how late a 1 ms scan wakes up instead, beside cyclictest (Debian package rt-tests) run in
                   turn, N times; as a user that may take real-time priority
  --quick          fewer batches, and growth up to 10,000 rungs only
  --write FOLDER   writes the programs as text instead, for measuring other systems with them
";

/// What the figures are held against: microseconds per scan of the interpreter (at most, and aimed at).
const GOALS_US: [(&str, f64, f64); 4] =
    [("bool1000", 20.0, 6.5), ("timers", 5.0, 1.1), ("arith", 120.0, 65.0), ("real", 4.0, 3.0)];
/// Batches measured of every program.
const BATCHES: usize = 31;
/// Sizes of the growth table, in rungs.
const RUNGS: [usize; 3] = [1_000, 10_000, 100_000];

/// Runs the command. `args` are what follows `bench`.
///
/// # Errors
/// Wrong arguments, a program that does not compile, or a trap while measuring.
pub fn run(args: &[String]) -> Result<(), String> {
    let (mut quick, mut timelines) = (false, false);
    let mut write = None;
    let (mut wakeup, mut pairs) = (None, 1);
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match arg.as_str() {
            "--quick" => quick = true,
            "--timeline" => timelines = true,
            "--help" => {
                print!("{USAGE}");
                return Ok(());
            }
            "--wakeup" => wakeup = Some(number(arg, rest.next())?),
            "--pairs" => pairs = number(arg, rest.next())?,
            "--write" => write = Some(rest.next().ok_or_else(|| format!("--write needs a folder\n{USAGE}"))?),
            other => return Err(format!("bench knows no `{other}`\n{USAGE}")),
        }
    }
    if let Some(folder) = write {
        return write_programs(folder);
    }
    if let Some(seconds) = wakeup {
        return wakeup::run(seconds, pairs);
    }
    if cfg!(debug_assertions) {
        // Figures of an unoptimised build mean nothing.
        let mut again = vec!["run", "--release", "--quiet", "--package", "xtask", "--", "bench"];
        again.extend(args.iter().map(String::as_str));
        return crate::command("cargo", &again, &[]);
    }
    let batches = if quick { 7 } else { BATCHES };
    if timelines {
        return timeline::run_all(batches);
    }
    scans(batches)?;
    growth(if quick { 2 } else { RUNGS.len() }, batches)
}

fn number(option: &str, value: Option<&String>) -> Result<u32, String> {
    let number = value.and_then(|v| v.parse().ok()).filter(|n| *n > 0);
    number.ok_or_else(|| format!("{option} needs a whole number above 0\n{USAGE}"))
}

fn write_programs(folder: &str) -> Result<(), String> {
    std::fs::create_dir_all(folder).map_err(|e| format!("cannot create {folder}: {e}"))?;
    for program in programs::all() {
        let path = format!("{folder}/{}.st", program.name);
        std::fs::write(&path, program.text).map_err(|e| format!("cannot write {path}: {e}"))?;
        println!("{path}");
    }
    Ok(())
}

/// Time per scan and from text to the first scan, of every program.
fn scans(batches: usize) -> Result<(), String> {
    println!("CPU time per scan, interpreter, microseconds ({batches} batches)\n");
    println!("| program  | lines |    best |  median | at most | aim | virtual scans/s |");
    println!("|----------|------:|--------:|--------:|--------:|----:|----------------:|");
    let mut stages = Vec::new();
    for program in programs::all() {
        let mut loaded = load(&program)?;
        let times = scan_times(&mut loaded, batches)?;
        let (_, at_most, aim) = GOALS_US.into_iter().find(|g| g.0 == program.name).unwrap_or(("", f64::NAN, f64::NAN));
        println!(
            "| {:8} | {:5} | {:7.3} | {:7.3} | {at_most:7} | {aim:3} | {:15.0} |",
            program.name,
            program.text.lines().count(),
            times.best_us(),
            times.median_us(),
            1e6 / times.median_us()
        );
        stages.push((program.name.clone(), loaded));
    }
    println!("\nCPU time from text to the first scan, milliseconds\n");
    stage_header();
    for (name, loaded) in &stages {
        stage_row(name, loaded);
    }
    Ok(())
}

fn growth(sizes: usize, batches: usize) -> Result<(), String> {
    println!("\nGrowth: seal-in rungs\n");
    stage_header();
    let mut per_scan = Vec::new();
    for rungs in RUNGS.into_iter().take(sizes) {
        let program = Program { name: rungs.to_string(), text: programs::seal_in_rungs(rungs) };
        let mut loaded = load(&program)?;
        stage_row(&program.name, &loaded);
        per_scan.push((rungs, scan_times(&mut loaded, batches.min(9))?));
    }
    println!("\n| rungs  | scan, us (best) | ns per rung |");
    println!("|-------:|----------------:|------------:|");
    for (rungs, times) in per_scan {
        #[allow(clippy::cast_precision_loss)] // at most 100,000
        let per_rung_ns = times.best_us() * 1e3 / rungs as f64;
        println!("| {rungs:6} | {:15.1} | {per_rung_ns:11.2} |", times.best_us());
    }
    Ok(())
}

fn stage_header() {
    println!("| program  | instructions | compile |  verify |    load | first scan |   total |");
    println!("|----------|-------------:|--------:|--------:|--------:|-----------:|--------:|");
}

fn stage_row(name: &str, loaded: &Loaded) {
    let Stages { compile_ms, verify_ms, load_ms, first_scan_ms } = loaded.stages;
    println!(
        "| {name:8} | {:12} | {compile_ms:7.2} | {verify_ms:7.2} | {load_ms:7.2} | {first_scan_ms:10.3} | {:7.2} |",
        loaded.instructions,
        compile_ms + verify_ms + load_ms + first_scan_ms
    );
}
