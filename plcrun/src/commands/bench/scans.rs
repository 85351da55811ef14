//! How long scans take: with random inputs, one after the other, on the simulated rack.
//!
//! *Program* is the engine alone; *scan* is everything from frozen inputs to written outputs, relay guard included, without real
//! lines. It runs on a thread with the real-time settings of the map, as in the product, because in the ordinary class the longest times
//! would be other programs'; a pause as long as each scan leaves the CPU to the rest of the box. The clock is the wall's, so that what else the box does is in the figures. The worst scan is the one that spends most
//! of its budget: that repeats on every machine, while the longest time may be a neighbour's. It is then run again and again from the
//! very state it began in.

use super::engines::{Start, Timed, Work};
use super::random::Random;
use crate::exit::Refusal;
use bytecode::VerifiedImage;
use runtime::clock::{VirtualClock, monotonic_ns};
use runtime::config::IoMap;
use runtime::io::Rack;
use runtime::rt::{self, RtFinding};
use runtime::scan::{Mode, Plc, Times};
use runtime::vm::{Budget, Engine, Memory};
use std::sync::Arc;
use std::time::Duration;

/// Scans before the first that counts: caches, and what an engine does once.
const WARM_UP: u32 = 50;
/// Times the worst scan is run again.
const REPEATS: u32 = 201;
/// Shortest pause between two scans.
const PAUSE_NS: u64 = 50_000;
/// Settles every bounce of the simulated contacts.
const RACK_SEED: u64 = 1;

/// What is measured.
#[derive(Clone, Debug)]
pub struct Scans {
    /// The program.
    pub image: Arc<VerifiedImage>,
    /// Its map.
    pub map: Arc<IoMap>,
    /// How many scans.
    pub count: u32,
    /// Where the random inputs begin.
    pub seed: u64,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The engine as it names itself.
    pub engine: &'static str,
    /// Loading the image: what happens before the first scan.
    pub load_ns: u64,
    /// The engine alone.
    pub program: Times,
    /// The whole scan.
    pub scan: Times,
    /// The scan that spent most.
    pub worst: Worst,
    /// Real-time settings that were not permitted, or were and had no effect.
    pub findings: Vec<RtFinding>,
    /// Faults the random inputs led to, each after which the program began anew, and the first of them in words.
    pub faults: u32,
    /// The first fault in words.
    pub first_fault: Option<String>,
}

/// The scan that spent most of its budget.
#[derive(Clone, Copy, Debug, Default)]
pub struct Worst {
    /// Its number, from 1.
    pub scan: u32,
    /// Units of the scan budget it spent.
    pub units: u64,
    /// Its programs, run again: the middle of all times.
    pub median_ns: u64,
    /// The longest.
    pub max_ns: u64,
}

impl Work for &Scans {
    type Out = Result<Measured, Refusal>;

    fn run<E: Engine + Send + 'static>(self) -> Self::Out {
        let body = || {
            let (hold, findings) = rt::prepare(&self.map.rt);
            let measured = self.measure::<E>(findings);
            drop(hold);
            measured
        };
        let measured = std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("scan".to_owned()).spawn_scoped(scope, body);
            thread.ok().and_then(|thread| thread.join().ok())
        });
        measured.ok_or_else(|| {
            Refusal::findings("the scan thread could not be started", "look at the limit of threads of this user")
        })
    }
}

impl Scans {
    fn measure<E: Engine>(&self, findings: Vec<RtFinding>) -> Measured {
        let began_ns = monotonic_ns();
        let loaded = E::load(&self.image);
        let load_ns = monotonic_ns().saturating_sub(began_ns);
        let mut course = Course::<E>::new(self);
        let (mut program, mut scan) = (Times::default(), Times::default());
        let mut worst = Worst::default();
        for number in 1..=self.count {
            let Some(one) = course.next() else { break };
            pause(one.scan_ns);
            if number > WARM_UP || self.count <= WARM_UP {
                program.record(one.program_ns);
                scan.record(one.scan_ns);
            }
            if one.units > worst.units {
                worst = Worst { scan: number, units: one.units, ..worst };
            }
        }
        let (faults, first_fault) = (course.faults, course.first_fault);
        let (median_ns, max_ns) = again::<E>(self, worst.scan);
        worst = Worst { median_ns, max_ns, ..worst };
        Measured { engine: loaded.name(), load_ns, program, scan, worst, findings, faults, first_fault }
    }
}

/// A controller that is given random inputs.
struct Course<'a, E> {
    scans: &'a Scans,
    plc: Plc<Timed<E>, Rack>,
    random: Random,
    clock: VirtualClock,
    grid_ns: u64,
    faults: u32,
    first_fault: Option<String>,
}

/// One scan.
struct One {
    program_ns: u64,
    scan_ns: u64,
    units: u64,
}

impl<'a, E: Engine> Course<'a, E> {
    fn new(scans: &'a Scans) -> Self {
        let plc = power_up(scans);
        let random = Random::new(scans.seed);
        Self { scans, plc, random, clock: VirtualClock::new(), grid_ns: 0, faults: 0, first_fault: None }
    }

    /// The next scan; `None` once somebody asked to stop.
    fn next(&mut self) -> Option<One> {
        if rt::stop_signal().is_some() {
            return None;
        }
        self.random.change(&mut self.plc, &self.scans.map);
        let (ns, units) = self.plc.engine().spent();
        let began_ns = monotonic_ns();
        let step = self.plc.step(self.grid_ns, &self.clock);
        let scan_ns = monotonic_ns().saturating_sub(began_ns);
        let (ns_after, units_after) = self.plc.engine().spent();
        self.grid_ns += self.plc.tick_ns();
        self.clock.advance(self.plc.tick_ns());
        if let Mode::Faulted(fault) = step.mode {
            self.faults += 1;
            if self.first_fault.is_none() {
                let report = fault.describe(&self.scans.image, &[]);
                let place = format!("{}:{}:{}", report.file, report.line, report.column);
                self.first_fault = Some(format!("{} {}, {place}", report.code, report.text));
            }
            self.plc = power_up(self.scans);
            self.clock = VirtualClock::new();
            self.grid_ns = 0;
        }
        Some(One { program_ns: ns_after - ns, scan_ns, units: units_after - units })
    }
}

fn power_up<E: Engine>(scans: &Scans) -> Plc<Timed<E>, Rack> {
    Plc::simulated(Arc::clone(&scans.image), Arc::clone(&scans.map), RACK_SEED)
}

/// At real-time priority nobody else runs on this CPU before this thread sleeps.
fn pause(scan_ns: u64) {
    std::thread::sleep(Duration::from_nanos(scan_ns.max(PAUSE_NS)));
}

/// Finds what the programs of a scan began with, and runs them again from there: the middle and the longest time.
fn again<E: Engine>(scans: &Scans, number: u32) -> (u64, u64) {
    let mut course = Course::<E>::new(scans);
    for _ in 1..number {
        if course.next().is_none() {
            return (0, 0);
        }
    }
    course.plc.engine().keep();
    course.random.change(&mut course.plc, &scans.map);
    course.plc.step(course.grid_ns, &course.clock);
    let starts: Vec<Start> = course.plc.engine().starts().to_vec();
    let mut engine = E::load(&scans.image);
    let mut times: Vec<u64> = (0..REPEATS).map(|_| run_all(&mut engine, &starts, scans.map.scan.budget)).collect();
    times.sort_unstable();
    let at = |index: usize| times.get(index).copied().unwrap_or(0);
    (at(times.len() / 2), at(times.len().saturating_sub(1)))
}

/// Nanoseconds of the programs of one scan. A trap ends them as it did the first time.
fn run_all<E: Engine>(engine: &mut E, starts: &[Start], budget: u64) -> u64 {
    let mut budget = Budget::new(budget);
    let mut spent_ns = 0;
    for Start { memory, program, now_ns } in starts {
        let mut memory: Memory = memory.clone();
        let began_ns = monotonic_ns();
        let result = engine.run(&mut memory, *program, *now_ns, &mut budget);
        spent_ns += monotonic_ns().saturating_sub(began_ns);
        if result.is_err() {
            break;
        }
    }
    pause(spent_ns);
    spent_ns
}
