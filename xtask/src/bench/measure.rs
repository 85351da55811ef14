//! Compiling, loading and running a program with the CPU clocks beside it.
//!
//! Scans are measured by their thread's clock. The way to the first scan is measured by the clock of the whole process,
//! because the code generator has helpers, and by the clock on the wall, which is what a person waits for.

use super::programs::Program;
use compiler::source::SourceMap;
use cpu_time::{ProcessTime, ThreadTime};
use runtime::vm::{Budget, Engine, Memory};
use std::time::{Duration, Instant};

/// Milliseconds from text to the first scan: CPU time of all threads, and the sum on the wall.
#[derive(Clone, Copy, Debug)]
pub struct Stages {
    /// Canonical instructions.
    pub instructions: usize,
    /// Text to image.
    pub compile_ms: f64,
    /// Image to verified image.
    pub verify_ms: f64,
    /// Verified image to engine and memory.
    pub load_ms: f64,
    /// First scan, caches cold.
    pub first_scan_ms: f64,
    /// All of it by the clock on the wall.
    pub wall_ms: f64,
}

impl Stages {
    /// CPU time of all of it.
    pub fn total_ms(&self) -> f64 {
        self.compile_ms + self.verify_ms + self.load_ms + self.first_scan_ms
    }
}

/// A program that has run one scan.
pub struct Loaded<E> {
    engine: E,
    memory: Memory,
    now_ns: i64,
    /// What it took to get here.
    pub stages: Stages,
}

/// Times per scan, sorted, in nanoseconds.
pub struct ScanTimes(Vec<f64>);

impl ScanTimes {
    /// Of the best batch, microseconds.
    pub fn best_us(&self) -> f64 {
        self.0.first().map_or(f64::NAN, |ns| ns / 1e3)
    }

    /// Of the middle batch, microseconds.
    pub fn median_us(&self) -> f64 {
        self.0.get(self.0.len() / 2).map_or(f64::NAN, |ns| ns / 1e3)
    }
}

/// Scan period the timers see: the programs' task runs every 10 ms.
const PERIOD_NS: i64 = 10_000_000;
/// More than any program here needs in a scan.
const BUDGET: u64 = 1 << 40;
/// Length of a batch.
const BATCH_NS: f64 = 5e6;

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Runs something and returns its result and milliseconds of CPU time of this thread.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let start = ThreadTime::now();
    let result = work();
    (result, ms(start.elapsed()))
}

/// The same with the CPU time of every thread of the process, this one and those the work makes.
fn timed_all<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let start = ProcessTime::now();
    let result = work();
    (result, ms(start.elapsed()))
}

/// Compiles, verifies and loads a program, and runs its first scan.
///
/// # Errors
/// The first diagnostic, the verifier's word, or a trap.
pub fn load<E: Engine>(program: &Program) -> Result<Loaded<E>, String> {
    let name = &program.name;
    let mut sources = SourceMap::new();
    let file = sources.add(format!("{name}.st"), program.text.as_str());
    let began = Instant::now();
    let ((image, findings), compile_ms) =
        timed_all(|| compiler::build(&sources, &[file], compiler::Options::default()));
    let why = || findings.first().map_or("no reason given".to_owned(), |d| format!("{d:?}"));
    let image = image.ok_or_else(|| format!("{name} does not compile: {}", why()))?;
    let instructions = image.code.len();
    let (verified, verify_ms) = timed_all(|| bytecode::verify(image));
    let image = verified.map_err(|e| format!("{name}: {e}"))?;
    let ((engine, memory), load_ms) = timed_all(|| (E::load(&image), Memory::new(&image)));
    if let Some(why) = engine.fallback() {
        return Err(format!("{name}: the {} would be measured instead: {why}", engine.name()));
    }
    let stages = Stages { instructions, compile_ms, verify_ms, load_ms, first_scan_ms: 0.0, wall_ms: 0.0 };
    let mut loaded = Loaded { engine, memory, now_ns: 0, stages };
    let (first, first_scan_ms) = timed_all(|| loaded.scan());
    first.map_err(|e| format!("{name}: {e}"))?;
    loaded.stages.first_scan_ms = first_scan_ms;
    loaded.stages.wall_ms = ms(began.elapsed());
    Ok(loaded)
}

impl<E: Engine> Loaded<E> {
    fn scan(&mut self) -> Result<(), String> {
        let mut budget = Budget::new(BUDGET);
        self.now_ns += PERIOD_NS;
        let outcome = self.engine.run(&mut self.memory, 0, self.now_ns, &mut budget);
        outcome.map_err(|trap| format!("{}: {}", trap.code.code(), trap.code.text()))
    }

    /// Runs this many scans.
    ///
    /// # Errors
    /// A trap.
    pub fn scans(&mut self, scans: u32) -> Result<(), String> {
        (0..scans).try_for_each(|_| self.scan())
    }

    fn batch(&mut self, scans: u32) -> Result<f64, String> {
        let (result, ms) = timed(|| (0..scans).try_for_each(|_| self.scan()));
        result?;
        Ok(ms * 1e6 / f64::from(scans))
    }
}

/// Runs batches of scans.
///
/// # Errors
/// A trap.
pub fn scan_times<E: Engine>(loaded: &mut Loaded<E>, batches: usize) -> Result<ScanTimes, String> {
    loaded.batch(10)?;
    let rough_ns = loaded.batch(10)?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between 1 and 5 million
    let scans = (BATCH_NS / rough_ns.max(1.0)).max(1.0) as u32;
    let mut times = (0..batches).map(|_| loaded.batch(scans)).collect::<Result<Vec<_>, _>>()?;
    times.sort_by(f64::total_cmp);
    Ok(ScanTimes(times))
}
