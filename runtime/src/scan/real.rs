//! Steps a controller in real time: absolute deadlines, skipped overruns, ordered stop.
//!
//! The loop belongs to the scan thread alone. Others talk to it through bounded channels that it only tries: commands
//! come in, changes and snapshots go out, and what finds no room is counted, never waited for. Consumers poll; nobody
//! is woken from here.
//!
//! An overrun never causes a burst: the next scan stands on the next grid point that has not passed, and what was left
//! out is counted.

use super::plc::{Command, Mode, Plc, Step};
use super::stats::Stats;
use super::watch::{Change, ChangeKind, Watch};
use crate::clock::{Clock, NS_PER_MS, NS_PER_S, Wake};
use crate::guardian::{Pulse, Step as Doing};
use crate::io::{Driver, ExpanderStatus};
use crate::quiet;
use crate::rt::{StopSignal, stop_signal};
use crate::store::tap::Tap;
use crate::vm::Engine;
use crossbeam_channel::{Receiver, Sender, bounded};
use relay::ChannelStatus;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Commands that may wait: a person types one at a time, a script a few hundred.
pub const COMMANDS_MAX: usize = 256;
/// Changes that may wait: 256 channels changing all four of their values in eight scans before the consumer polls again.
pub const CHANGES_MAX: usize = 8192;
/// Longest time the ordered stop or the safe state may take before the lines are given back: longer than any dead time
/// and stagger that a stop value of `on` waits for in practice.
pub const REST_LIMIT_NS: u64 = 5 * NS_PER_S;
/// Longest sleep without a look at the stop signals: no person notices it, and scans of up to 20 Hz wake no more often.
pub const STOP_LOOK_NS: u64 = 50 * NS_PER_MS;
/// Longest time between two scans once the run has ended: the default scan period.
pub const REST_TICK_NS: u64 = 10 * NS_PER_MS;
/// Least time between two snapshots: fast enough for an eye.
pub const SNAPSHOT_INTERVAL_NS: u64 = 50 * NS_PER_MS;

/// A copy of what a watcher wants to see.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Number of the scan, from 1; 0 before the first.
    pub scan: u64,
    /// When it was due, in nanoseconds since start.
    pub grid_ns: u64,
    /// When it began, measured.
    pub now_ns: u64,
    /// What the controller is doing.
    pub mode: Mode,
    /// The data segment, process image first.
    pub data: Vec<u8>,
    /// Inputs as the program saw them.
    pub inputs: Vec<bool>,
    /// Channels after the scan.
    pub channels: Vec<ChannelStatus>,
    /// Port expanders as of the scan's reading.
    pub expanders: Vec<ExpanderStatus>,
    /// Timing and counters.
    pub stats: Stats,
}

impl Snapshot {
    /// A snapshot of a controller, with all the memory later ones need.
    #[must_use]
    pub fn of<E: Engine, D: Driver>(plc: &Plc<E, D>) -> Self {
        Self {
            scan: plc.scan(),
            grid_ns: plc.grid_ns(),
            now_ns: plc.now_ns(),
            mode: plc.mode(),
            data: plc.memory().data().to_vec(),
            inputs: plc.map().input_ids().map(|id| plc.input(id)).collect(),
            channels: plc.statuses().to_vec(),
            expanders: plc.expanders().to_vec(),
            stats: plc.stats().clone(),
        }
    }

    /// Takes a controller's state over. Does not allocate for the controller it was made of.
    pub fn take<E: Engine, D: Driver>(&mut self, plc: &Plc<E, D>) {
        self.scan = plc.scan();
        self.grid_ns = plc.grid_ns();
        self.now_ns = plc.now_ns();
        self.mode = plc.mode();
        let data = plc.memory().data();
        if self.data.len() == data.len() {
            self.data.copy_from_slice(data);
        }
        for (to, id) in self.inputs.iter_mut().zip(plc.map().input_ids()) {
            *to = plc.input(id);
        }
        for (to, from) in self.channels.iter_mut().zip(plc.statuses()) {
            *to = *from;
        }
        for (to, from) in self.expanders.iter_mut().zip(plc.expanders()) {
            *to = *from;
        }
        self.stats.copy_from(plc.stats());
    }
}

/// The scan thread's ends of the channels.
#[derive(Debug)]
pub struct ScanEnds {
    commands: Receiver<Command>,
    changes: Sender<Change>,
    snapshots: triple_buffer::Input<Snapshot>,
    watched: Arc<AtomicBool>,
    watch: Watch,
    tap: Option<Tap>,
}

impl ScanEnds {
    /// Copies for the retained store and the control socket are made from now on.
    pub fn attach(&mut self, tap: Tap) {
        self.tap = Some(tap);
    }

    /// The store's end back, once the scan is over.
    pub fn detach(&mut self) -> Option<Tap> {
        self.tap.take()
    }
}

/// The other side's ends: commands in, changes and snapshots out.
#[derive(Debug)]
pub struct Handle {
    commands: Sender<Command>,
    changes: Receiver<Change>,
    snapshots: triple_buffer::Output<Snapshot>,
    watched: Arc<AtomicBool>,
}

/// Channels between a controller's scan thread and one other.
#[must_use]
pub fn channels<E: Engine, D: Driver>(plc: &Plc<E, D>) -> (ScanEnds, Handle) {
    let (command_in, commands) = bounded(COMMANDS_MAX);
    let (changes, change_out) = bounded(CHANGES_MAX);
    let (snapshots, snapshot_out) = triple_buffer::triple_buffer(&Snapshot::of(plc));
    let watched = Arc::new(AtomicBool::new(false));
    let watch = Watch::new(plc.map());
    let ends = ScanEnds { commands, changes, snapshots, watched: Arc::clone(&watched), watch, tap: None };
    (ends, Handle { commands: command_in, changes: change_out, snapshots: snapshot_out, watched })
}

impl Handle {
    /// Asks for something. False when too many commands wait already, or the scan has ended.
    #[must_use]
    pub fn command(&self, command: Command) -> bool {
        self.commands.try_send(command).is_ok()
    }

    /// Asks from another thread than this handle's.
    #[must_use]
    pub fn commander(&self) -> Commander {
        Commander(self.commands.clone())
    }

    /// The next change, if one waits. Poll; do not block on it.
    #[must_use]
    pub fn change(&self) -> Option<Change> {
        self.changes.try_recv().ok()
    }

    /// Switches snapshots on or off. Off (the start) costs the scan nothing.
    pub fn watch(&self, on: bool) {
        self.watched.store(on, Ordering::Relaxed);
    }

    /// The newest snapshot.
    pub fn snapshot(&mut self) -> &Snapshot {
        self.snapshots.read()
    }
}

/// Sends commands from a thread of its own.
#[derive(Clone, Debug)]
pub struct Commander(Sender<Command>);

impl Commander {
    /// Asks for something. False when too many commands wait already, or the scan has ended.
    #[must_use]
    pub fn command(&self, command: Command) -> bool {
        self.0.try_send(command).is_ok()
    }
}

/// How a run is bounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunLimit {
    /// Stops in order after this time, in nanoseconds.
    pub for_ns: Option<u64>,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// A fault.
    Fault(super::fault::Fault),
    /// A stop signal.
    Signal(StopSignal),
    /// [`Command::Stop`].
    Command,
    /// The time given was over.
    TimeOver,
}

/// Steps `plc` on `clock` until it is stopped or faulted and everything is at rest, and gives it back with the reason.
///
/// Call [`crate::rt::prepare`] on the same thread before. Does not allocate: the controller and [`channels`] have.
pub fn run<E: Engine, D: Driver, C: Clock>(
    plc: &mut Plc<E, D>,
    clock: &C,
    ends: &mut ScanEnds,
    limit: RunLimit,
) -> Ended {
    run_with(plc, clock, ends, limit, |_, _| ())
}

/// Like [`run`], with something to do before each scan, given the grid time: a script that plays stimuli on the simulated
/// rack. It runs on the scan thread and keeps to its rules: it neither allocates nor waits.
pub fn run_with<E: Engine, D: Driver, C: Clock>(
    plc: &mut Plc<E, D>,
    clock: &C,
    ends: &mut ScanEnds,
    limit: RunLimit,
    before_scan: impl FnMut(&mut Plc<E, D>, u64),
) -> Ended {
    run_guarded(plc, clock, ends, limit, Pulse::none(), before_scan)
}

/// Like [`run_with`], with a heartbeat: the guardian is told at each wake, after each scan and for each piece of a sleep when
/// the next sign of life comes, and a guardian that is dead or silent is a fault of its own.
pub fn run_guarded<E: Engine, D: Driver, C: Clock>(
    plc: &mut Plc<E, D>,
    clock: &C,
    ends: &mut ScanEnds,
    limit: RunLimit,
    mut pulse: Pulse,
    mut before_scan: impl FnMut(&mut Plc<E, D>, u64),
) -> Ended {
    #[cfg(feature = "inject")]
    let clock = &crate::inject::Falling::new(clock);
    let mut run = Run { ended: None, ended_at_ns: 0, snapshot_at_ns: 0 };
    let mut grid = Grid::new(plc.tick_ns(), clock.now_ns());
    pulse.begin(clock.now_ns());
    loop {
        let woken_ns = sleep(clock, &mut grid, &mut pulse);
        pulse.promise(woken_ns, Doing::Scanning);
        if let Some((code, value)) = pulse.guardian_fault(woken_ns) {
            plc.guardian_lost(code, value);
        }
        run.before(plc, ends, limit, grid.deadline_ns);
        before_scan(plc, grid.deadline_ns);
        #[cfg(feature = "inject")]
        clock.scan(plc.scan().saturating_add(1));
        let step = run.step(plc, clock, grid.deadline_ns, woken_ns);
        pulse.promise(step.finished_ns, Doing::Telling);
        if step.mode == Mode::Running {
            pulse.completed(step.scan);
        }
        run.after(plc, ends, &step);
        if let Some(ended) = run.ended {
            pulse.ending();
            if plc.at_rest() || step.started_ns.saturating_sub(run.ended_at_ns) > REST_LIMIT_NS {
                pulse.at_rest();
                return ended;
            }
            // The program does not run any more: nothing needs the grid, and coming to rest takes no longer than it must.
            grid.deadline_ns = step.finished_ns.saturating_add(plc.tick_ns().min(REST_TICK_NS));
        } else {
            plc.stats_mut().skipped += grid.next(step.finished_ns);
        }
    }
}

/// Sleeps to the deadline. A stop signal or the loss of the guardian makes the deadline now; a signal may come while another
/// thread runs, so a long sleep is taken in pieces. Gives the moment it was over, before anything else was done: the start
/// of the scan, as those who measure wake-up latency read it.
fn sleep<C: Clock>(clock: &C, grid: &mut Grid, pulse: &mut Pulse) -> u64 {
    loop {
        let now_ns = clock.now_ns();
        let until_ns = grid.deadline_ns.min(now_ns.saturating_add(STOP_LOOK_NS));
        pulse.promise(until_ns.max(now_ns), Doing::Sleeping);
        let wake = clock.sleep_until(until_ns);
        let woken_ns = clock.now_ns();
        if stop_signal().is_some() || pulse.guardian_fault(woken_ns).is_some() {
            grid.deadline_ns = grid.deadline_ns.min(woken_ns);
            return woken_ns;
        }
        if wake == Wake::OnTime && until_ns == grid.deadline_ns {
            return woken_ns;
        }
    }
}

/// The grid of deadlines: multiples of the tick, none twice, none in a burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    tick_ns: u64,
    /// When the next scan is due.
    pub deadline_ns: u64,
}

impl Grid {
    /// The first deadline is the first multiple of the tick that is not before `now_ns`.
    #[must_use]
    pub const fn new(tick_ns: u64, now_ns: u64) -> Self {
        let tick_ns = if tick_ns == 0 { 1 } else { tick_ns };
        Self { tick_ns, deadline_ns: now_ns.div_ceil(tick_ns).saturating_mul(tick_ns) }
    }

    /// Moves to the next deadline after a scan that ended at `finished_ns`, and gives the number of grid points left out.
    pub const fn next(&mut self, finished_ns: u64) -> u64 {
        let due_ns = self.deadline_ns.saturating_add(self.tick_ns);
        // A scan that ends exactly when the next is due is on time.
        let first_free_ns = finished_ns.div_ceil(self.tick_ns).saturating_mul(self.tick_ns);
        self.deadline_ns = if first_free_ns > due_ns { first_free_ns } else { due_ns };
        (self.deadline_ns - due_ns) / self.tick_ns
    }
}

struct Run {
    ended: Option<Ended>,
    ended_at_ns: u64,
    snapshot_at_ns: u64,
}

impl Run {
    fn end<E: Engine, D: Driver>(&mut self, plc: &mut Plc<E, D>, why: Ended, at_ns: u64) {
        if self.ended.is_none() {
            self.ended = Some(why);
            self.ended_at_ns = at_ns;
            plc.stop();
        }
    }

    /// Commands and reasons to stop, before the scan.
    fn before<E: Engine, D: Driver>(&mut self, plc: &mut Plc<E, D>, ends: &ScanEnds, limit: RunLimit, at_ns: u64) {
        // No more than can wait: somebody who sends without end does not keep the scan from running.
        for _ in 0..COMMANDS_MAX {
            let Ok(command) = ends.commands.try_recv() else { break };
            plc.apply(command);
            if command == Command::Stop {
                self.end(plc, Ended::Command, at_ns);
            }
        }
        if let Some(signal) = stop_signal() {
            self.end(plc, Ended::Signal(signal), at_ns);
        }
        if limit.for_ns.is_some_and(|for_ns| at_ns >= for_ns) {
            self.end(plc, Ended::TimeOver, at_ns);
        }
    }

    /// One scan, which began when its thread woke up. A panic in it leads to the safe state before anything is printed.
    fn step<E: Engine, D: Driver, C: Clock>(
        &mut self,
        plc: &mut Plc<E, D>,
        clock: &C,
        deadline_ns: u64,
        woken_ns: u64,
    ) -> Step {
        let scanning = quiet::Scanning::begin();
        let mut attempt = || {
            catch_unwind(AssertUnwindSafe(|| {
                #[cfg(feature = "inject")]
                crate::inject::act(plc.scan().saturating_add(1));
                plc.step_since(deadline_ns, woken_ns, clock)
            }))
        };
        let step = attempt().or_else(|_| {
            plc.panicked();
            catch_unwind(AssertUnwindSafe(|| plc.step(deadline_ns, clock)))
        });
        drop(scanning);
        let now_ns = clock.now_ns();
        step.unwrap_or(Step {
            scan: plc.scan(),
            grid_ns: deadline_ns,
            started_ns: now_ns,
            finished_ns: now_ns,
            overrun: false,
            mode: plc.mode(),
        })
    }

    /// What happened, to whoever listens.
    fn after<E: Engine, D: Driver>(&mut self, plc: &mut Plc<E, D>, ends: &mut ScanEnds, step: &Step) {
        if let Some(tap) = &mut ends.tap {
            tap.after(plc, step);
        }
        let mut lost = 0;
        let changes = &ends.changes;
        let mut send = |change: Change| lost += u64::from(changes.try_send(change).is_err());
        ends.watch.compare(plc, &mut send);
        if step.overrun {
            let late_ns = step.finished_ns.saturating_sub(step.grid_ns);
            send(Change { at_ns: step.started_ns, scan: step.scan, kind: ChangeKind::Overrun { late_ns } });
        }
        plc.stats_mut().messages_lost += lost;
        if let Mode::Faulted(fault) = step.mode
            && self.ended.is_none()
        {
            self.ended = Some(Ended::Fault(fault));
            self.ended_at_ns = step.started_ns;
        }
        let due = step.started_ns.saturating_sub(self.snapshot_at_ns) >= SNAPSHOT_INTERVAL_NS;
        if due && ends.watched.load(Ordering::Relaxed) {
            self.snapshot_at_ns = step.started_ns;
            ends.snapshots.input_buffer_mut().take(plc);
            ends.snapshots.publish();
        }
    }
}

#[cfg(test)]
mod tests;
