//! How fast timeline tests run: a large program in virtual time, and many small tests.
//!
//! Everything a test pays for is in it: the scan with the relay guard, the simulated rack and the conditions, and for the
//! small tests power-up of a new controller each time. CPU time of one thread; the small tests on all processors by the
//! clock on the wall as well, as `plcrun test` runs them.

use super::programs;
use runtime::config::files::Texts;
use runtime::vm::Interpreter;
use std::fmt::Write;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use timeline::{Options, Suite, load, run, run_test, wanted};

/// Scans per second of `bool1000` in virtual time, at least.
const SCANS_GOAL: f64 = 40_000.0;
/// Seconds for the small tests, at most.
const SMALL_GOAL_S: f64 = 5.0;
/// How many small tests.
const SMALL: usize = 1_000;
/// Simulated time of one measurement of `bool1000`: 6,000 scans of 10 ms.
const LARGE_S: usize = 60;

const SMALL_PROGRAM: &str = include_str!("../../../programs/start_stop.ld");
const SMALL_MAP: &str = include_str!("../../../programs/start_stop.io.yaml");
const SHEET: &str = include_str!("../../../io-config/relays/wago-859-386.yaml");

/// Runs the measurement and says whether the goals are met.
///
/// # Errors
/// A test that does not load or does not pass: a figure of a run that went wrong is worth nothing.
pub fn run_all(batches: usize) -> Result<(), String> {
    println!("Timeline tests ({batches} batches, CPU time of one thread)\n");
    println!("| what | best | median | goal |");
    println!("|------|-----:|-------:|-----:|");
    let large = large()?;
    let mut rates = Vec::new();
    for _ in 0..batches {
        let (report, ms) = super::measure::timed(|| run(&large, &Options::default()));
        let scans: u64 = report.tests().map(|(_, test)| test.scans).sum();
        passed(&report)?;
        #[allow(clippy::cast_precision_loss)] // some thousand scans
        rates.push(scans as f64 / ms * 1e3);
    }
    rates.sort_by(f64::total_cmp);
    let (best, median) = (rates.last().copied().unwrap_or(0.0), rates.get(rates.len() / 2).copied().unwrap_or(0.0));
    println!("| bool1000 in virtual time, scans/s | {best:.0} | {median:.0} | at least {SCANS_GOAL:.0} |");
    let small = small()?;
    let mut alone = Vec::new();
    let mut together = Vec::new();
    for _ in 0..batches.min(9) {
        let (report, ms) = super::measure::timed(|| run(&small, &Options::default()));
        passed(&report)?;
        alone.push(ms / 1e3);
        together.push(on_all_processors(&small));
    }
    alone.sort_by(f64::total_cmp);
    together.sort_by(f64::total_cmp);
    let middle = |times: &[f64]| times.get(times.len() / 2).copied().unwrap_or(f64::NAN);
    let first = |times: &[f64]| times.first().copied().unwrap_or(f64::NAN);
    println!(
        "| {SMALL} small tests, one thread, s | {:.2} | {:.2} | below {SMALL_GOAL_S} |",
        first(&alone),
        middle(&alone)
    );
    println!(
        "| {SMALL} small tests, all processors, s of wall time | {:.2} | {:.2} | below {SMALL_GOAL_S} |",
        first(&together),
        middle(&together)
    );
    let met = median >= SCANS_GOAL && middle(&together) < SMALL_GOAL_S;
    println!("\n{}", if met { "The goals are met." } else { "A goal is missed." });
    Ok(())
}

fn passed(report: &timeline::Report) -> Result<(), String> {
    if report.passed() { Ok(()) } else { Err(timeline::print::text(report, false)) }
}

fn loaded(texts: &Texts, path: &str) -> Result<Suite, String> {
    load(Path::new(path), texts)
        .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

fn large() -> Result<Suite, String> {
    let tests = format!("program: main.st\ntests:\n  - {{ name: runs, until: {LARGE_S} s, always: tick > 0 }}\n");
    let texts = Texts::new().with("p/main.st", programs::seal_in_rungs(1000)).with("p/main.test.yaml", tests);
    loaded(&texts, "p/main.test.yaml")
}

/// Tests as the examples have them: three seconds, a start, a stop, two conditions.
fn small() -> Result<Suite, String> {
    let mut tests = "program: main.ld\nscan: 10 ms\ntests:\n".to_owned();
    for number in 0..SMALL {
        let start_ms = 100 + number % 50 * 10;
        // Writing to a String cannot fail.
        let _ = write!(
            tests,
            "  - name: test {number}\n    steps:\n      - {{ at: {start_ms} ms, press: start_pb }}\n      \
             - {{ at: 1 s, expect: {{ motor: true, motor.contact: closed, run_lamp: true }} }}\n      \
             - {{ at: 2 s, set: {{ stop_ok: false }}, expect: {{ motor: false }} }}\n      \
             - {{ at: 3 s, expect: {{ motor.contact: open }} }}\n    never: [motor AND NOT stop_ok, motor AND NOT estop_ok]\n"
        );
    }
    let texts = Texts::new()
        .with("p/main.ld", SMALL_PROGRAM)
        .with("p/main.io.yaml", SMALL_MAP)
        .with("io-config/relays/wago-859-386.yaml", SHEET)
        .with("p/main.test.yaml", tests);
    loaded(&texts, "p/main.test.yaml")
}

/// Seconds of wall time.
fn on_all_processors(suite: &Suite) -> f64 {
    let options = Options::default();
    let tests: Vec<_> = wanted(suite, &options).collect();
    let next = AtomicUsize::new(0);
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some((version, test)) = tests.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let _ = run_test::<Interpreter>(version, test, suite, &options);
                }
            });
        }
    });
    started.elapsed().as_secs_f64()
}
