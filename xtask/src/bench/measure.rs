//! Compiling, loading and running a program with the thread's CPU clock beside it.

use super::programs::Program;
use compiler::source::SourceMap;
use runtime::vm::{Budget, Engine, Memory};
use rustix::time::{ClockId, clock_gettime};

/// CPU milliseconds from text to the first scan.
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

/// CPU time of this thread in nanoseconds.
fn cpu_ns() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    #[allow(clippy::cast_precision_loss)] // exact for 100 days
    let ns = (time.tv_sec * 1_000_000_000 + time.tv_nsec) as f64;
    ns
}

/// Runs something and returns its result and milliseconds.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let start_ns = cpu_ns();
    let result = work();
    (result, (cpu_ns() - start_ns) / 1e6)
}

/// Compiles, verifies and loads a program, and runs its first scan.
///
/// # Errors
/// The first diagnostic, the verifier's word, or a trap.
pub fn load<E: Engine>(program: &Program) -> Result<Loaded<E>, String> {
    let name = &program.name;
    let mut sources = SourceMap::new();
    let file = sources.add(format!("{name}.st"), program.text.as_str());
    let (compiled, compile_ms) = timed(|| compiler::compile(&sources, &[file], compiler::Options::default()));
    let why = || compiled.diagnostics.first().map_or("no reason given".to_owned(), |d| format!("{d:?}"));
    let image = compiled.image.ok_or_else(|| format!("{name} does not compile: {}", why()))?;
    let instructions = image.code.len();
    let (verified, verify_ms) = timed(|| bytecode::verify(image));
    let image = verified.map_err(|e| format!("{name}: {e}"))?;
    let ((engine, memory), load_ms) = timed(|| (E::load(&image), Memory::new(&image)));
    if let Some(why) = engine.fallback() {
        return Err(format!("{name}: the {} would be measured instead: {why}", engine.name()));
    }
    let stages = Stages { instructions, compile_ms, verify_ms, load_ms, first_scan_ms: 0.0 };
    let mut loaded = Loaded { engine, memory, now_ns: 0, stages };
    let (first, first_scan_ms) = timed(|| loaded.scan());
    first.map_err(|e| format!("{name}: {e}"))?;
    loaded.stages.first_scan_ms = first_scan_ms;
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
