//! The controller: one verified program, its I/O map, an engine, the relay guard and a driver, stepped scan by scan.
//!
//! [`Plc::step`] is the whole scan, the same for real and virtual time: read and freeze inputs, run the due programs
//! within the budget, let the guard arbitrate, write, take acknowledgements. It does not allocate, lock, log or wait.
//!
//! Invariants:
//! - outputs reach the driver only as what the guard permits, forces, stop and safe values included;
//! - a trap, a spent budget, a hard overrun or a driver error commits nothing of that scan's outputs: the guard gets
//!   [`Phase::Safe`] in the same scan, and the program never runs again;
//! - timers see the grid deadline, the guard sees the measured time at the start of the scan;
//! - forces act on inputs before and on commands after the logic, never in between.
//!
//! What can be seen of a controller is in `view`.
//!
//! When steps happen is the caller's: [`super::real`] in real time, timeline tests in virtual time.

mod view;

pub use view::Contact;

use super::debounce::Debounce;
use super::fault::{Fault, FaultCause, ScanCode};
use super::plan::Plan;
use super::stats::Stats;
use crate::clock::Clock;
use crate::config::{ChannelValue, InputId, IoMap, Source};
use crate::guardian::{Step as Doing, Whereabouts};
use crate::io::gpio::Held;
use crate::io::{Driver, OpenError, Rack};
use crate::vm::{Budget, Engine, Memory, Trap};
use bytecode::VerifiedImage;
use bytecode::image::Place;
use relay::{ChannelId, ChannelStatus, ContactEstimate, EventSink, Guard, Inputs, Phase, SupplyReading, WriteId};
use std::sync::Arc;

/// What a controller is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The program runs.
    Running,
    /// Stopped in order; outputs have their stop values.
    Stopped,
    /// A fault; outputs have their safe values.
    Faulted(Fault),
}

/// What somebody asks of a running controller. `Copy`: no memory passes between threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Sets a simulated input.
    SetInput(InputId, bool),
    /// Inverts a simulated input.
    ToggleInput(InputId),
    /// Sets a located word of the simulated rack, by position in [`IoMap::words`].
    SetWord(u16, u64),
    /// Forces an input's level, or lets it go.
    ForceInput(InputId, Option<bool>),
    /// Forces an output's command (above the guard), or lets it go.
    ForceOutput(ChannelId, Option<bool>),
    /// Acknowledges the latched fault of a channel.
    Acknowledge(ChannelId),
    /// Stops in order.
    Stop,
}

/// What one scan came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Number of the scan, from 1.
    pub scan: u64,
    /// When it was due, in nanoseconds since start.
    pub grid_ns: u64,
    /// When it began, measured.
    pub started_ns: u64,
    /// When its outputs were written, measured.
    pub finished_ns: u64,
    /// It ended after the next scan was due.
    pub overrun: bool,
    /// What the controller is doing after it.
    pub mode: Mode,
}

/// A controller.
#[derive(Debug)]
pub struct Plc<E, D> {
    image: Arc<VerifiedImage>,
    map: Arc<IoMap>,
    engine: E,
    /// The program that took longest in the last scan that ran any.
    slowest: Option<u32>,
    /// Where this thread says where it is.
    at: &'static Whereabouts,
    memory: Memory,
    guard: Guard,
    driver: D,
    mode: Mode,
    scan: u64,
    grid_ns: u64,
    now_ns: u64,
    tick: Option<u64>,
    overruns_in_a_row: u32,
    /// How late the last scan woke.
    late_ns: Option<u64>,
    stats: Stats,
    filters: Vec<Debounce>,
    raw: Vec<bool>,
    levels: Vec<bool>,
    input_forces: Vec<Option<bool>>,
    output_forces: Vec<Option<bool>>,
    commanded: Vec<bool>,
    acknowledged: Vec<WriteId>,
    feedback: Vec<bool>,
    statuses: Vec<ChannelStatus>,
    words: Vec<u64>,
    sink: EventSink,
    /// The sink holds events made since the last scan, to be shown with the next one.
    events_wait: bool,
}

impl<E: Engine> Plc<E, Rack> {
    /// A controller on the rack its map describes: real lines are opened (every load off), the rest is simulated.
    ///
    /// # Errors
    /// A line that cannot be had.
    pub fn open(image: Arc<VerifiedImage>, map: Arc<IoMap>, seed: u64) -> Result<Self, OpenError> {
        let guard = Guard::new(Arc::new(map.channels.clone()));
        let driver = Rack::open(&map, guard.permitted(), seed)?;
        Ok(Self::with_guard(image, map, guard, driver))
    }

    /// As [`Self::open`], on output lines that are held already.
    ///
    /// # Errors
    /// An input line that cannot be had.
    pub fn take_over(image: Arc<VerifiedImage>, map: Arc<IoMap>, held: Held, seed: u64) -> Result<Self, OpenError> {
        let guard = Guard::new(Arc::new(map.channels.clone()));
        let driver = Rack::take_over(&map, guard.permitted(), held, seed)?;
        Ok(Self::with_guard(image, map, guard, driver))
    }

    /// A controller on the simulated rack alone. Real lines of the map stay untouched: their inputs read FALSE and their
    /// outputs go nowhere, so callers refuse such maps first ([`crate::live`]).
    #[must_use]
    pub fn simulated(image: Arc<VerifiedImage>, map: Arc<IoMap>, seed: u64) -> Self {
        let driver = Rack::simulated(&map, seed);
        Self::with_driver(image, map, driver)
    }
}

impl<E: Engine, D: Driver> Plc<E, D> {
    /// A controller on a driver of the caller's.
    #[must_use]
    pub fn with_driver(image: Arc<VerifiedImage>, map: Arc<IoMap>, driver: D) -> Self {
        let guard = Guard::new(Arc::new(map.channels.clone()));
        Self::with_guard(image, map, guard, driver)
    }

    /// A controller with a guard that remembers (wear, rates, latched faults of an earlier run).
    #[must_use]
    pub fn with_guard(image: Arc<VerifiedImage>, map: Arc<IoMap>, guard: Guard, driver: D) -> Self {
        let (inputs, channels) = (map.inputs.len(), map.outputs.len());
        let memory = Memory::new(&image);
        let words = map.words.iter().map(|w| memory.read(Place::Byte(w.offset), w.ty).unwrap_or(0)).collect();
        Self {
            engine: E::load(&image),
            slowest: None,
            at: Whereabouts::unwatched(),
            memory,
            driver,
            mode: Mode::Running,
            scan: 0,
            grid_ns: 0,
            now_ns: 0,
            tick: None,
            overruns_in_a_row: 0,
            late_ns: None,
            stats: Stats::default(),
            filters: map.inputs.iter().map(|i| Debounce::new(i.debounce_ns, i.stop)).collect(),
            raw: vec![false; inputs],
            levels: vec![false; inputs],
            input_forces: vec![None; inputs],
            output_forces: vec![None; channels],
            commanded: vec![false; channels],
            acknowledged: vec![WriteId::NONE; channels],
            feedback: vec![false; channels],
            statuses: guard.table().ids().map(|id| guard.status(id)).collect(),
            words,
            sink: EventSink::for_table(guard.table()),
            events_wait: false,
            image,
            map,
            guard,
        }
    }

    /// Takes up what an earlier run left, before the first scan: a guard that remembers, and values in the data segment. Both
    /// guards permit the same until they have seen a scan, so that lines opened with the first one fit the second.
    pub fn take_up(&mut self, guard: Guard, restore: impl FnOnce(&mut Memory)) {
        debug_assert_eq!(self.scan, 0, "the past is taken up before the first scan");
        self.guard = guard;
        for (id, status) in self.guard.table().ids().zip(&mut self.statuses) {
            *status = self.guard.status(id);
        }
        restore(&mut self.memory);
    }

    /// From now on the scan says there where it is, for whoever has to tell of its death.
    pub fn observe(&mut self, at: &'static Whereabouts) {
        self.at = at;
        self.engine.observe(at.mark());
    }

    /// What the engine's marks mean: each with its canonical instruction.
    #[must_use]
    pub fn marks(&self) -> Vec<(u32, u32)> {
        self.engine.marks()
    }

    /// One scan, due at `grid_ns` on `clock`. Grid deadlines are multiples of the base tick and must rise; those left
    /// out are skipped. Does not allocate.
    pub fn step<C: Clock>(&mut self, grid_ns: u64, clock: &C) -> Step {
        self.step_since(grid_ns, clock.now_ns(), clock)
    }

    /// Like [`Self::step`], of a scan that began at `started_ns`: what was done for it since then is part of its time, and
    /// no part of how late it woke up.
    pub fn step_since<C: Clock>(&mut self, grid_ns: u64, started_ns: u64, clock: &C) -> Step {
        self.begin(grid_ns, started_ns);
        self.at.set_step(Doing::Reading);
        if let Err(io) = self.driver.read(self.now_ns, &mut self.raw) {
            self.fail(FaultCause::Io(io), None);
        }
        self.at.set_step(Doing::Scanning);
        self.freeze_inputs();
        if self.mode == Mode::Running {
            match self.run_due_programs(clock) {
                Ok(()) => self.commit(clock.now_ns()),
                Err((trap, program)) => self.fail(FaultCause::Trap(trap), Some(program)),
            }
        }
        self.at.set_step(Doing::Scanning);
        self.tick = Some(grid_ns / self.map.plan.tick_ns);
        self.arbitrate();
        self.at.set_step(Doing::Writing);
        let written = self.driver.write(self.now_ns, self.guard.permitted(), &mut self.acknowledged);
        if let Err(io) = written
            && self.mode == Mode::Running
        {
            // What failed may be one chip of several: the others go safe in this scan, not in the next.
            self.fail(FaultCause::Io(io), None);
            self.arbitrate();
            let _ = self.driver.write(self.now_ns, self.guard.permitted(), &mut self.acknowledged);
        }
        self.at.set_step(Doing::Scanning);
        for (id, status) in self.guard.table().ids().zip(&mut self.statuses) {
            *status = self.guard.status(id);
        }
        self.end(clock.now_ns())
    }

    fn begin(&mut self, grid_ns: u64, measured_ns: u64) {
        self.scan = self.scan.saturating_add(1);
        self.grid_ns = grid_ns;
        if !std::mem::take(&mut self.events_wait) {
            self.sink.clear();
        }
        let backwards_ns = self.now_ns.saturating_sub(measured_ns);
        self.now_ns = self.now_ns.max(measured_ns);
        self.stats.scans = self.scan;
        let late_ns = measured_ns.saturating_sub(grid_ns);
        self.stats.wake_latency.record(late_ns);
        if let Some(before_ns) = self.late_ns.replace(late_ns) {
            self.stats.jitter.record(late_ns.abs_diff(before_ns));
        }
        let limit = self.map.scan.overruns_in_a_row;
        if backwards_ns > 0 {
            self.fail(FaultCause::Scan(ScanCode::TimeBackwards, backwards_ns), None);
        } else if limit > 0 && self.overruns_in_a_row >= limit {
            self.fail(FaultCause::Scan(ScanCode::OverrunsInARow, u64::from(self.overruns_in_a_row)), self.slowest);
        }
    }

    fn end(&mut self, finished_ns: u64) -> Step {
        let overrun = finished_ns > self.grid_ns.saturating_add(self.map.plan.tick_ns);
        self.overruns_in_a_row = if overrun { self.overruns_in_a_row.saturating_add(1) } else { 0 };
        self.stats.overruns += u64::from(overrun);
        self.stats.scan_time.record(finished_ns.saturating_sub(self.now_ns));
        Step { scan: self.scan, grid_ns: self.grid_ns, started_ns: self.now_ns, finished_ns, overrun, mode: self.mode }
    }

    /// The first fault keeps its place: what follows from it is not the cause.
    fn fail(&mut self, cause: FaultCause, program: Option<u32>) {
        if matches!(self.mode, Mode::Faulted(_)) {
            return;
        }
        self.mode = Mode::Faulted(Fault { cause, scan: self.scan, at_ns: self.now_ns, program });
        // Commands end with the run; words that left the process are at rest.
        self.commanded.fill(false);
        for (word, value) in self.map.words.iter().zip(&mut self.words) {
            if !word.input {
                *value = 0;
            }
        }
    }

    /// Debounces, applies forces and writes the input image. Feedback goes to the guard unforced: a force must not make
    /// a welded contact look open.
    fn freeze_inputs(&mut self) {
        let map = Arc::clone(&self.map);
        let rows = map.inputs.iter().zip(&mut self.filters).zip(&self.raw).zip(&self.input_forces);
        for ((((input, filter), raw), force), level) in rows.zip(&mut self.levels) {
            let read = match input.source {
                Source::Gpio(_) | Source::Expander(_) | Source::Sim { .. } => filter.sample(*raw, self.now_ns),
                Source::Channel(id, value) => self.statuses.get(id.index()).is_some_and(|s| {
                    let wired = self.guard.table().channel(id).feedback.is_some();
                    channel_value(s, wired, value)
                }),
            };
            *level = force.unwrap_or(read);
            input.place.set(self.memory.data_mut(), *level);
        }
        for (output, feedback) in map.outputs.iter().zip(&mut self.feedback) {
            *feedback = output.feedback.is_some_and(|id| unforced(&self.filters, id));
        }
        for (word, value) in map.words.iter().zip(&self.words) {
            if word.input {
                self.memory.write(Place::Byte(word.offset), word.ty, *value);
            }
        }
    }

    fn run_due_programs<C: Clock>(&mut self, clock: &C) -> Result<(), (Trap, u32)> {
        let map = Arc::clone(&self.map);
        let tick = self.grid_ns / map.plan.tick_ns;
        let time_ns = i64::try_from(self.grid_ns).unwrap_or(i64::MAX);
        let mut budget = Budget::new(map.scan.budget);
        // With one program alone there is nothing to compare.
        let compares = self.image.programs.len() > 1;
        let (mut began_ns, mut longest_ns) = (if compares { clock.now_ns() } else { 0 }, 0);
        for task in map.plan.tasks.iter().filter(|t| Plan::due(t.every, tick, self.tick)) {
            for program in &task.programs {
                self.at.set_program(*program);
                let run = self.engine.run(&mut self.memory, *program as usize, time_ns, &mut budget);
                run.map_err(|trap| (trap, *program))?;
                let ended_ns = if compares { clock.now_ns() } else { 0 };
                let took_ns = ended_ns.saturating_sub(began_ns);
                if took_ns >= longest_ns {
                    (longest_ns, self.slowest) = (took_ns, Some(*program));
                }
                began_ns = ended_ns;
            }
        }
        Ok(())
    }

    /// Takes over what the program commands, unless the scan is too late to count.
    fn commit(&mut self, measured_ns: u64) {
        let late_ns = measured_ns.saturating_sub(self.grid_ns);
        if late_ns > self.map.scan.hard_overrun_ns {
            return self.fail(FaultCause::Scan(ScanCode::HardOverrun, late_ns), self.slowest);
        }
        let rows = self.map.outputs.iter().zip(&self.output_forces);
        for ((output, force), commanded) in rows.zip(&mut self.commanded) {
            *commanded = force.unwrap_or_else(|| output.place.get(self.memory.data()));
        }
        for (word, value) in self.map.words.iter().zip(&mut self.words) {
            if !word.input {
                *value = self.memory.read(Place::Byte(word.offset), word.ty).unwrap_or(0);
            }
        }
    }

    fn arbitrate(&mut self) {
        let phase = match self.mode {
            Mode::Running => Phase::Run,
            Mode::Stopped => Phase::Stop,
            Mode::Faulted(_) => Phase::Safe,
        };
        let supply = self.map.supply.map_or(SupplyReading::NotSensed, |id| {
            if unforced(&self.filters, id) { SupplyReading::Good } else { SupplyReading::Bad }
        });
        let inputs = Inputs {
            now_ns: self.now_ns,
            phase,
            commanded: &self.commanded,
            acknowledged: &self.acknowledged,
            feedback: &self.feedback,
            supply,
            ambient: None,
        };
        self.guard.arbitrate(&inputs, &mut self.sink);
    }

    /// Does what is asked, before the next scan. False where it cannot be done: an input that is not simulated, a number
    /// the map does not have, an acknowledgement the guard refuses (its event says why).
    pub fn apply(&mut self, command: Command) -> bool {
        match command {
            Command::SetInput(input, level) => self.driver.set_input(input, level),
            Command::ToggleInput(input) => {
                let level = self.raw.get(input.index()).copied();
                level.is_some_and(|level| self.driver.set_input(input, !level))
            }
            Command::SetWord(index, bits) => {
                let word = self.map.words.get(usize::from(index)).filter(|w| w.input);
                match (word, self.words.get_mut(usize::from(index))) {
                    (Some(_), Some(to)) => {
                        *to = bits;
                        true
                    }
                    (None, _) | (_, None) => false,
                }
            }
            Command::ForceInput(input, level) => set(&mut self.input_forces, input.index(), level),
            Command::ForceOutput(channel, level) => set(&mut self.output_forces, channel.index(), level),
            Command::Acknowledge(channel) => self.acknowledge(channel),
            Command::Stop => {
                self.stop();
                true
            }
        }
    }

    /// The event of an acknowledgement is shown with those of the next scan; those of the last scan have been.
    fn acknowledge(&mut self, channel: ChannelId) -> bool {
        if !std::mem::replace(&mut self.events_wait, true) {
            self.sink.clear();
        }
        self.guard.acknowledge_fault(channel, &mut self.sink).is_ok()
    }

    /// Stops in order: from the next scan on the program does not run and outputs take their stop values.
    pub fn stop(&mut self) {
        if self.mode == Mode::Running {
            self.mode = Mode::Stopped;
            self.commanded.fill(false);
        }
    }

    /// plcrun itself failed while scanning: from the next scan on outputs take their safe values.
    pub fn panicked(&mut self) {
        self.fail(FaultCause::Scan(ScanCode::Panic, 0), None);
    }

    /// The guardian is dead or silent: from the next scan on outputs take their safe values.
    pub fn guardian_lost(&mut self, code: ScanCode, value: u64) {
        self.fail(FaultCause::Scan(code, value), None);
    }

    /// Nothing runs, nothing waits to be written or to come on: the process may end.
    #[must_use]
    pub fn at_rest(&self) -> bool {
        self.mode != Mode::Running
            && self.scan > 0
            && self.statuses.iter().all(|s| s.acknowledged && s.pending.is_none())
    }
}

/// What a program reads of a channel. `wired` says whether its contact is read back.
fn channel_value(status: &ChannelStatus, wired: bool, value: ChannelValue) -> bool {
    match value {
        ChannelValue::Ready => status.ready,
        ChannelValue::Pending => status.pending.is_some(),
        ChannelValue::Fault => status.fault.is_some() || status.trip.is_some(),
        ChannelValue::Line => status.on,
        ChannelValue::Contact => {
            if wired {
                status.reads_on
            } else {
                status.contact == ContactEstimate::Closed
            }
        }
        ChannelValue::Commanded => status.commanded,
    }
}

/// An input after its filter, whatever is forced.
fn unforced(filters: &[Debounce], id: InputId) -> bool {
    filters.get(id.index()).and_then(Debounce::level).unwrap_or(false)
}

fn set<T>(list: &mut [T], index: usize, value: T) -> bool {
    list.get_mut(index).map(|to| *to = value).is_some()
}
