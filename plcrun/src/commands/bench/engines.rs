//! The engines of this build, and the clock around each run of one.
//!
//! [`with`] is the only place that knows which engines exist: a new one is one more arm, and everything else measures it.

use crate::args::EngineChoice;
use clap::ValueEnum as _;
use runtime::clock::monotonic_ns;
use runtime::vm::{Budget, Engine, HAS_NATIVE, Interpreter, Memory, Native, Trap};
use std::cell::Cell;
use std::sync::atomic::AtomicU32;

/// What is done with an engine, whichever it is.
pub trait Work {
    /// What it comes to.
    type Out;
    /// Does it.
    fn run<E: Engine + Send + 'static>(self) -> Self::Out;
}

/// Does something with one engine; `None` where this build does not have it.
pub fn with<W: Work>(engine: EngineChoice, work: W) -> Option<W::Out> {
    match engine {
        EngineChoice::Interpreter => Some(work.run::<Interpreter>()),
        EngineChoice::Native => HAS_NATIVE.then(|| work.run::<Native>()),
    }
}

/// The engines of this build.
#[must_use]
pub fn available() -> Vec<EngineChoice> {
    struct Nothing;
    impl Work for Nothing {
        type Out = ();
        fn run<E: Engine + Send + 'static>(self) {}
    }
    EngineChoice::value_variants().iter().copied().filter(|engine| with(*engine, Nothing).is_some()).collect()
}

/// The word of the command line.
#[must_use]
pub fn name(engine: EngineChoice) -> String {
    engine.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

/// What one run of a program started from.
#[derive(Clone, Debug)]
pub struct Start {
    /// The data segment.
    pub memory: Memory,
    /// Index of the program.
    pub program: usize,
    /// The scan's time.
    pub now_ns: i64,
}

/// An engine with a clock around each run.
#[derive(Debug)]
pub struct Timed<E> {
    engine: E,
    spent_ns: u64,
    spent_units: u64,
    keep: Cell<bool>,
    starts: Vec<Start>,
}

impl<E> Timed<E> {
    /// Nanoseconds and units of the scan budget spent since load.
    pub const fn spent(&self) -> (u64, u64) {
        (self.spent_ns, self.spent_units)
    }

    /// From now on keeps what each run starts from.
    pub fn keep(&self) {
        self.keep.set(true);
    }

    /// What was kept.
    pub fn starts(&self) -> &[Start] {
        &self.starts
    }
}

impl<E: Engine> Engine for Timed<E> {
    fn load(image: &bytecode::VerifiedImage) -> Self {
        let engine = E::load(image);
        Self { engine, spent_ns: 0, spent_units: 0, keep: Cell::new(false), starts: Vec::new() }
    }

    fn name(&self) -> &'static str {
        self.engine.name()
    }

    fn fallback(&self) -> Option<&str> {
        self.engine.fallback()
    }

    fn observe(&mut self, at: &'static AtomicU32) {
        self.engine.observe(at);
    }

    fn marks(&self) -> Vec<(u32, u32)> {
        self.engine.marks()
    }

    fn run(&mut self, memory: &mut Memory, program: usize, now_ns: i64, budget: &mut Budget) -> Result<(), Trap> {
        if self.keep.get() {
            self.starts.push(Start { memory: memory.clone(), program, now_ns });
        }
        let left = budget.left();
        let began_ns = monotonic_ns();
        let result = self.engine.run(memory, program, now_ns, budget);
        self.spent_ns += monotonic_ns().saturating_sub(began_ns);
        self.spent_units += left.saturating_sub(budget.left());
        result
    }
}
