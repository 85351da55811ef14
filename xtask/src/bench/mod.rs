//! `cargo xtask bench`: how fast programs compile, load and run on this machine.
//!
//! Times of scans are CPU times of one thread, in batches, because a shared machine has neighbours: the best batch repeats
//! within a few percent, the median shows the rest. Every measured scan is checked to end without a trap.

mod figure;
mod measure;
mod plain_c;
mod programs;
mod timeline;
mod wakeup;

use figure::Growth;
use measure::{ScanTimes, Stages, load, scan_times};
use programs::Program;
use runtime::vm::{Engine, Interpreter, Native};
use std::path::Path;

const USAGE: &str =
    "usage: cargo xtask bench [--quick] [--timeline] [--write FOLDER] [--wakeup SECONDS [--pairs N] [--binary FILE]] [--start RUNGS]
                          [--figure FILE] [--scans N PROGRAM ENGINE]

  --timeline       measures timeline tests instead: a large program in virtual time, and many small tests
  --wakeup SECONDS measures how late a 1 ms scan wakes up instead, beside cyclictest (Debian package rt-tests) run in
                   turn, N times; as a user that may take real-time priority
  --binary FILE    measures this plcrun instead of building one
  --quick          fewer batches, and growth up to 10,000 rungs only
  --figure FILE    draws the growth, too, as SVG
  --start RUNGS    measures only the way from text to the first native scan, of so many seal-in rungs, several times
  --scans N PROGRAM ENGINE
                   only runs N scans of one program on `native` or `interpreter`, to be counted by callgrind: the
                   difference between two numbers of scans is exact
  --write FOLDER   writes the programs as text instead, for measuring other systems with them, and the same logic in C
";

/// What the figures are held against: microseconds per scan of native code and of the interpreter.
const GOALS_US: [(&str, f64, f64); 4] =
    [("bool1000", 1.1, 6.5), ("timers", 0.65, 1.1), ("arith", 5.4, 65.0), ("real", 0.15, 3.0)];
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
    let (mut start_rungs, mut binary) = (None, None);
    let mut figure = None;
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
            "--binary" => binary = Some(rest.next().ok_or_else(|| format!("--binary needs a file\n{USAGE}"))?),
            "--figure" => figure = Some(rest.next().ok_or_else(|| format!("--figure needs a file\n{USAGE}"))?),
            "--start" => start_rungs = Some(number(arg, rest.next())?),
            "--scans" => {
                let args: Vec<&String> = rest.collect();
                return only_scans(&args);
            }
            "--write" => write = Some(rest.next().ok_or_else(|| format!("--write needs a folder\n{USAGE}"))?),
            other => return Err(format!("bench knows no `{other}`\n{USAGE}")),
        }
    }
    if let Some(folder) = write {
        return write_programs(folder);
    }
    if let Some(seconds) = wakeup {
        return wakeup::run(seconds, pairs, binary.map(Path::new));
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
    if let Some(rungs) = start_rungs {
        return start(rungs as usize, batches.min(11));
    }
    scans(batches)?;
    let growth = growth(if quick { 2 } else { RUNGS.len() }, batches)?;
    let Some(file) = figure else { return Ok(()) };
    std::fs::write(file, figure::svg(&growth, &machine())).map_err(|e| format!("cannot write {file}: {e}"))
}

/// The machine and the day, as a figure names them.
fn machine() -> String {
    let says = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
    let cpus = says("/proc/cpuinfo");
    let processor =
        cpus.lines().find_map(|l| l.strip_prefix("model name")?.split_once(": ")).map_or("", |(_, name)| name);
    let kernel = says("/proc/sys/kernel/osrelease");
    let kernel = kernel.split('-').next().unwrap_or_default().trim();
    let day = std::process::Command::new("date").arg("+%Y-%m-%d").output();
    let day = day.map_or_else(|_| String::new(), |out| String::from_utf8_lossy(&out.stdout).trim().to_owned());
    format!("{processor}, Linux {kernel}, {day}")
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
        if let Some(text) = plain_c::text(&program.name) {
            let path = format!("{folder}/{}.c", program.name);
            std::fs::write(&path, text).map_err(|e| format!("cannot write {path}: {e}"))?;
            println!("{path}");
        }
    }
    Ok(())
}

/// Time per scan and from text to the first scan, of every program on both engines.
fn scans(batches: usize) -> Result<(), String> {
    println!("CPU time per scan, microseconds ({batches} batches)\n");
    println!(
        "| program  | lines | native, best | median | goal | interpreter, best | median | goal | plain C, best |  level | native / C | C for this processor |"
    );
    println!(
        "|----------|------:|-------------:|-------:|-----:|------------------:|-------:|-----:|--------------:|-------:|-----------:|---------------------:|"
    );
    let mut stages = Vec::new();
    for program in programs::all() {
        let (native_stages, native) = measured::<Native>(&program, batches)?;
        let (stages_too, interpreter) = measured::<Interpreter>(&program, batches)?;
        let (_, goal, goal_too) =
            GOALS_US.into_iter().find(|g| g.0 == program.name).unwrap_or(("", f64::NAN, f64::NAN));
        let c = plain_c::measure(&program.name, batches)?;
        let (c_us, level, tuned_us) = c.map_or((f64::NAN, "none", f64::NAN), |c| (c.best_us, c.level, c.tuned_us));
        println!(
            "| {:8} | {:5} | {:12.3} | {:6.3} | {goal:4} | {:17.3} | {:6.3} | {goal_too:4} | {:13.3} | {level:>6} | {:10.2} | {tuned_us:20.3} |",
            program.name,
            program.text.lines().count(),
            native.best_us(),
            native.median_us(),
            interpreter.best_us(),
            interpreter.median_us(),
            c_us,
            native.best_us() / c_us,
        );
        stages.push((program.name, native_stages, stages_too));
    }
    println!("\nFrom text to the first scan, milliseconds: CPU time of all threads but for the last column\n");
    stage_header();
    for (name, native, interpreter) in &stages {
        stage_row(name, "native", native);
        stage_row(name, "interpreter", interpreter);
    }
    Ok(())
}

fn measured<E: Engine>(program: &Program, batches: usize) -> Result<(Stages, ScanTimes), String> {
    let mut loaded = load::<E>(program)?;
    let times = scan_times(&mut loaded, batches)?;
    Ok((loaded.stages, times))
}

fn growth(sizes: usize, batches: usize) -> Result<Vec<Growth>, String> {
    println!("\nGrowth: seal-in rungs, milliseconds from text to the first scan as above\n");
    stage_header();
    let mut all = Vec::new();
    for rungs in RUNGS.into_iter().take(sizes) {
        let program = Program { name: rungs.to_string(), text: programs::seal_in_rungs(rungs) };
        let (native_stages, native) = measured::<Native>(&program, batches.min(9))?;
        stage_row(&program.name, "native", &native_stages);
        let (stages, interpreter) = measured::<Interpreter>(&program, batches.min(9))?;
        stage_row(&program.name, "interpreter", &stages);
        all.push(Growth {
            #[allow(clippy::cast_precision_loss)] // at most 100,000
            rungs: rungs as f64,
            scan_us: [native.best_us(), interpreter.best_us()],
            start_ms: [native_stages.total_ms(), stages.total_ms()],
        });
    }
    println!("\n| rungs  | native, us (best) | ns per rung | interpreter, us (best) | ns per rung |");
    println!("|-------:|------------------:|------------:|-----------------------:|------------:|");
    for Growth { rungs, scan_us: [native, interpreter], .. } in &all {
        println!(
            "| {rungs:6} | {native:17.1} | {:11.2} | {interpreter:22.1} | {:11.2} |",
            native * 1e3 / rungs,
            interpreter * 1e3 / rungs
        );
    }
    Ok(all)
}

/// Runs scans of one program and measures nothing: somebody else counts.
fn only_scans(args: &[&String]) -> Result<(), String> {
    let [scans, name, engine] = args else {
        return Err(format!("--scans needs a number, a program and an engine\n{USAGE}"));
    };
    let scans = number("--scans", Some(scans))?;
    let program = programs::all().into_iter().find(|p| p.name == **name);
    let program = program.ok_or_else(|| format!("there is no program `{name}`\n{USAGE}"))?;
    match engine.as_str() {
        "native" => load::<Native>(&program)?.scans(scans),
        "interpreter" => load::<Interpreter>(&program)?.scans(scans),
        other => Err(format!("there is no engine `{other}`\n{USAGE}")),
    }
}

/// The way from text to the first native scan, again and again.
fn start(rungs: usize, times: usize) -> Result<(), String> {
    let program = Program { name: rungs.to_string(), text: programs::seal_in_rungs(rungs) };
    println!(
        "Milliseconds from text to the first native scan, {times} times; CPU time of all threads but for the last column\n"
    );
    stage_header();
    let (mut cpu_ms, mut wall_ms) = (Vec::new(), Vec::new());
    for _ in 0..times {
        let stages = load::<Native>(&program)?.stages;
        stage_row(&program.name, "native", &stages);
        cpu_ms.push(stages.total_ms());
        wall_ms.push(stages.wall_ms);
    }
    for (name, ms) in [("CPU", &mut cpu_ms), ("wall", &mut wall_ms)] {
        ms.sort_by(f64::total_cmp);
        let (best, median) = (ms.first(), ms.get(ms.len() / 2));
        if let (Some(best), Some(median)) = (best, median) {
            println!("{name}: best {best:.1} ms, median {median:.1} ms");
        }
    }
    Ok(())
}

fn stage_header() {
    println!(
        "| program  | engine      | instructions | compile |  verify |    load | first scan | total, CPU | total, wall |"
    );
    println!(
        "|----------|-------------|-------------:|--------:|--------:|--------:|-----------:|-----------:|------------:|"
    );
}

fn stage_row(name: &str, engine: &str, stages: &Stages) {
    let Stages { instructions, compile_ms, verify_ms, load_ms, first_scan_ms, wall_ms } = stages;
    let total_ms = stages.total_ms();
    println!(
        "| {name:8} | {engine:11} | {instructions:12} | {compile_ms:7.2} | {verify_ms:7.2} | {load_ms:7.2} | {first_scan_ms:10.3} | {total_ms:10.2} | {wall_ms:11.2} |",
    );
}
