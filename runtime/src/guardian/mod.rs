//! The guardian: a second process that keeps the outputs safe when the scan process dies, hangs or is stopped.
//!
//! Terms: the *guardian* is the first process, the one its caller started. It requests the output lines with every load off,
//! makes the shared [`Page`], and forks before any thread, terminal or compiler exists. The child is the *scan process*: it
//! does everything else, on the same open requests. *OFF* is the level of the request: every load off.
//!
//! - [`start`] makes both processes and is the guardian's whole life; `watch` is its loop, `process` the system calls.
//! - [`Pulse`] is the scan's side: promises when its next sign of life comes, and a look at the guardian.
//! - [`places`] is what the scan process wrote of where in the program it may be, for the message of its death.
//! - [`record`] is the black box that the next start reads; `notify` and `device` feed the service manager and the machine's
//!   watchdog while scans complete.
//!
//! Invariants: the guardian has one thread, allocates nothing and waits for nothing without a bound once it watches; it only
//! ever writes OFF; it writes OFF again after the scan process has ended; it never ends before that one has; it restarts
//! only where configured.
//!
//! What it cannot do: when both processes are killed or frozen at once nobody writes. The kernel then releases the lines (both
//! killed) or they keep their levels (both frozen); see docs/faults.md.

mod codes;
mod device;
mod message;
mod notify;
mod page;
pub mod places;
mod process;
mod pulse;
pub mod record;
mod text;
pub mod watch;

pub use codes::GuardianCode;
pub use device::Watchdog;
pub use notify::Manager;
pub use page::{Page, Phase, Refused, Step, Whereabouts};
pub use places::{Place, Places};
pub(crate) use process::catch;
pub use process::{block_stop_signals, let_stop_signals_through};
pub use pulse::Pulse;

use crate::clock::{NS_PER_MS, NS_PER_S, monotonic_ns};
use crate::io::gpio::Held;
use crate::rt::{self, RtSettings, StopSignal};
use message::{Report, Voice};
use process::{Child, Side};
use record::{BlackBox, Off};
use std::fmt;
use std::path::{Path, PathBuf};
use watch::{ChildState, Death, End, Hands, Wakeup};

/// Least default of the heartbeat limit: what the scan's own limit for a late scan is by default, and 20 ms, so that the
/// scan finds a late scan itself and can name the rung.
pub const HEARTBEAT_MIN_NS: u64 = 120 * NS_PER_MS;
/// How much longer than `scan: hard_overrun` the default heartbeat limit is.
pub const HEARTBEAT_MARGIN_NS: u64 = 20 * NS_PER_MS;
/// Seconds to the reset by the machine's watchdog, where the map does not say: shorter than what a person waits for.
pub const WATCHDOG_DEFAULT_S: u16 = 10;
/// First pause of `restart: back_off`.
const PAUSE_FIRST_NS: u64 = NS_PER_S;
/// Longest pause of `restart: back_off`.
const PAUSE_MAX_NS: u64 = 60 * NS_PER_S;
/// So long a good run makes the next pause the first again.
const GOOD_RUN_NS: u64 = 600 * NS_PER_S;

/// Whether the guardian makes a new scan process after a death.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RestartPolicy {
    /// Never: somebody looks first.
    #[default]
    Never,
    /// Once; a second death is the end.
    Once,
    /// Always, after 1 s, doubling to 60 s; 10 minutes of good running begin anew.
    BackOff,
}

/// The map's `guardian` section; defaults filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuardianSettings {
    /// How long after its promise a sign of life may be missing, in nanoseconds; `None` for the default.
    pub heartbeat_ns: Option<u64>,
    /// After a death.
    pub restart: RestartPolicy,
    /// The machine's watchdog device.
    pub watchdog: Option<PathBuf>,
    /// Seconds to its reset.
    pub watchdog_timeout_s: u16,
}

impl GuardianSettings {
    /// The heartbeat limit for scans with this limit of their own.
    #[must_use]
    pub fn limit_ns(&self, hard_overrun_ns: u64) -> u64 {
        let default_ns = hard_overrun_ns.saturating_add(HEARTBEAT_MARGIN_NS).max(HEARTBEAT_MIN_NS);
        self.heartbeat_ns.unwrap_or(default_ns)
    }
}

/// What a guardian needs to begin.
#[derive(Debug)]
pub struct Setup {
    /// The output lines, every load off.
    pub held: Held,
    /// The map's section.
    pub settings: GuardianSettings,
    /// Real-time settings of the scan; the guardian stands one above.
    pub rt: RtSettings,
    /// Where the black box stands; `None` where nothing is kept.
    pub record: Option<PathBuf>,
    /// The message of a death is one JSON object on standard output instead of text on standard error.
    pub json: bool,
}

/// Which process returned from [`start`].
#[derive(Debug)]
pub enum Role {
    /// The scan process: go on.
    Scan(ScanSide),
    /// The guardian, its work done: end with this exit code, without another word.
    Guardian(u8),
}

/// What the scan process has of its guardian.
#[derive(Debug)]
pub struct ScanSide {
    /// The output lines.
    pub held: Held,
    /// The shared page.
    pub page: &'static Page,
    /// What the engine's marks mean goes there; `None` where the system had no memory for it.
    pub places: Option<Places>,
    /// Why the black box cannot be written, where it cannot.
    pub record_refused: Option<String>,
}

/// Why no guardian can be made. Nothing was energised, nothing runs.
#[derive(Debug)]
pub enum StartError {
    /// The machine's watchdog cannot be had.
    Watchdog {
        /// The device.
        path: PathBuf,
        /// The system's own words.
        cause: std::io::Error,
    },
    /// Shared memory or the second process cannot be had.
    Process(std::io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Watchdog { path, cause } => write!(
                f,
                "the watchdog {} cannot be had ({cause}): load its driver, give this user write access, end what else feeds it, or take `guardian: watchdog` out of the map",
                path.display()
            ),
            Self::Process(cause) => {
                write!(f, "the guardian process cannot be made ({cause}): real lines are never run without it")
            }
        }
    }
}

impl std::error::Error for StartError {}

/// Makes the guardian and the scan process. Returns in both: at once in the scan process, at the end of everything in the
/// guardian. Must be called before any thread exists.
///
/// # Errors
/// Something the map asks for cannot be had; nothing runs then.
pub fn start(setup: Setup) -> Result<Role, StartError> {
    let Setup { held, settings, rt, record, json } = setup;
    let page = Page::shared().map_err(StartError::Process)?;
    let watchdog = match &settings.watchdog {
        Some(path) => {
            let opened = Watchdog::open(path, settings.watchdog_timeout_s);
            Some(opened.map_err(|cause| StartError::Watchdog { path: path.clone(), cause })?)
        }
        None => None,
    };
    let (record, record_refused) = open_record(record.as_deref());
    process::forbid_core_dumps();
    rt::ignore_job_control();
    rt::look_for_terminal();
    let voice = Voice::of_this_process(json);
    // Without it a death is told without its place in the program.
    let places = Places::make().ok();
    let results = held.chips().iter().map(|chip| Off::of(chip)).collect();
    let mut guardian = Guardian {
        page,
        places,
        held,
        results,
        manager: Manager::of_this_process(),
        watchdog,
        record,
        voice,
        child: None,
    };
    let mut pause = Pause::new(settings.restart);
    let mut promoted = false;
    loop {
        match process::split().map_err(StartError::Process)? {
            Side::Scan => {
                let Guardian { held, places, .. } = guardian;
                return Ok(Role::Scan(ScanSide { held, page, places, record_refused }));
            }
            Side::Guardian(child) => guardian.child = Some(child),
        }
        if !promoted {
            promoted = true;
            promote(page, &rt);
        }
        let began_ns = monotonic_ns();
        let end = watch::watch(page, &mut guardian);
        let death = match end {
            End::Death(death) => death,
            End::Exited(code) => return Ok(Role::Guardian(guardian.conclude(exit_code(code)))),
            End::StoppedEarly => return Ok(Role::Guardian(guardian.conclude(0))),
        };
        guardian.tell(&death);
        let pause_ns = pause.next_ns(monotonic_ns().saturating_sub(began_ns));
        let Some(pause_ns) = pause_ns.filter(|_| !death.stopping) else {
            return Ok(Role::Guardian(guardian.conclude(FAULT)));
        };
        if !guardian.rest_for(pause_ns) {
            return Ok(Role::Guardian(guardian.conclude(FAULT)));
        }
        guardian.begin_anew();
    }
}

/// The exit code after a fault; `plcrun`'s own.
const FAULT: u8 = 3;

fn exit_code(code: i32) -> u8 {
    u8::try_from(code).unwrap_or(FAULT)
}

fn open_record(path: Option<&Path>) -> (Option<BlackBox>, Option<String>) {
    match path.map(|path| (path, BlackBox::open(path))) {
        Some((_, Ok(record))) => (Some(record), None),
        Some((path, Err(cause))) => (None, Some(format!("{}: {cause}", path.display()))),
        None => (None, None),
    }
}

/// Real-time priority above the scan's, and locked memory. After the fork: neither is inherited by a child.
fn promote(page: &Page, settings: &RtSettings) {
    if settings.lock_memory
        && let Err(e) = rt::lock_memory()
    {
        page.set_refused(Refused::Memory, e.raw_os_error().unwrap_or(libc::EIO));
    }
    if settings.priority > 0
        && let Err(e) = rt::set_fifo(settings.priority.saturating_add(1).min(PRIORITY_MAX))
    {
        page.set_refused(Refused::Priority, e.raw_os_error().unwrap_or(libc::EIO));
    }
}

/// The highest priority of SCHED_FIFO.
const PRIORITY_MAX: u8 = 99;

/// When a dead scan process is followed by another.
#[derive(Debug)]
struct Pause {
    policy: RestartPolicy,
    restarts: u32,
    next_ns: u64,
}

impl Pause {
    const fn new(policy: RestartPolicy) -> Self {
        Self { policy, restarts: 0, next_ns: PAUSE_FIRST_NS }
    }

    /// The pause after a run of this length; `None` where no restart follows.
    fn next_ns(&mut self, ran_ns: u64) -> Option<u64> {
        let restarts = self.restarts;
        self.restarts = restarts.saturating_add(1);
        match self.policy {
            RestartPolicy::Never => None,
            RestartPolicy::Once => (restarts == 0).then_some(PAUSE_FIRST_NS),
            RestartPolicy::BackOff => {
                if ran_ns >= GOOD_RUN_NS {
                    self.next_ns = PAUSE_FIRST_NS;
                }
                let pause_ns = self.next_ns;
                self.next_ns = pause_ns.saturating_mul(2).min(PAUSE_MAX_NS);
                Some(pause_ns)
            }
        }
    }
}

/// Everything the guardian has, made before the fork.
struct Guardian {
    page: &'static Page,
    places: Option<Places>,
    held: Held,
    /// The last OFF, chip by chip.
    results: Vec<Off>,
    manager: Option<Manager>,
    watchdog: Option<Watchdog>,
    record: Option<BlackBox>,
    voice: Voice,
    child: Option<Child>,
}

impl Guardian {
    fn pid(&self) -> i32 {
        self.child.as_ref().map_or(0, Child::pid)
    }

    /// Leaves the reason for the next start, gives the terminal back, and says what happened.
    fn tell(&mut self, death: &Death) {
        let pid = self.pid();
        let place = match (&self.places, death.step) {
            (Some(places), Step::Running) => places.find(death.place.0, death.place.1),
            _ => Place::UNKNOWN,
        };
        let kept = match &mut self.record {
            Some(record) => {
                record.look_again();
                record.write(death, pid, &place, &self.results).map_err(|e| e.raw_os_error().unwrap_or(libc::EIO))
            }
            None => Ok(()),
        };
        let (chips, results) = (self.held.chips(), self.results.as_slice());
        self.voice.tell(Report { death, pid, place, chips, results, kept });
        if let Some(manager) = &self.manager {
            manager.status(format_args!("fault {}: {}; the outputs are off", death.code.code(), death.code.text()));
        }
    }

    /// The end of everything. The kernel releases the lines with this process; a driver that keeps the last level keeps OFF.
    fn conclude(&mut self, code: u8) -> u8 {
        let failed = self.off();
        if let Some(child) = self.child.take() {
            child.reap();
        }
        // A line that may still be on is what the reset is for.
        if failed == 0
            && let Some(watchdog) = self.watchdog.take()
        {
            watchdog.disarm();
        }
        code
    }

    /// Waits out a pause. False where a stop signal ended it.
    fn rest_for(&mut self, pause_ns: u64) -> bool {
        self.voice.restart(pause_ns);
        let until_ns = monotonic_ns().saturating_add(pause_ns);
        while monotonic_ns() < until_ns {
            match process::wait_for_signal(until_ns) {
                Wakeup::Stop(StopSignal::HangUp) | Wakeup::Time | Wakeup::Child => {}
                Wakeup::Stop(StopSignal::Interrupt | StopSignal::Terminate) => return false,
            }
        }
        true
    }

    fn begin_anew(&mut self) {
        if let Some(child) = self.child.take() {
            child.reap();
        }
        self.page.begin_anew();
        if let Some(manager) = &mut self.manager {
            manager.begin_anew();
        }
        if let Some(watchdog) = &mut self.watchdog {
            watchdog.begin_anew();
        }
    }
}

impl Hands for Guardian {
    fn now_ns(&self) -> u64 {
        monotonic_ns()
    }

    fn wait(&mut self, until_ns: u64) -> Wakeup {
        process::wait_for_signal(until_ns)
    }

    fn child(&mut self) -> ChildState {
        self.child.as_ref().map_or(ChildState::Exited(0), Child::state)
    }

    fn forward(&mut self, signal: StopSignal) {
        if let Some(manager) = &mut self.manager
            && !rt::is_reload(signal)
        {
            manager.stopping();
        }
        if let Some(child) = &self.child {
            child.signal(signal);
        }
    }

    fn kill(&mut self) {
        if let Some(child) = &self.child {
            child.kill();
        }
    }

    fn off(&mut self) -> u32 {
        let (mut failed, results) = (0, &mut self.results);
        for result in results.iter_mut() {
            result.errno = 0;
        }
        self.held.off(|chip, written| {
            let Err(errno) = written else { return };
            failed += 1;
            if let Some(result) = results.get_mut(usize::from(chip)) {
                result.errno = errno;
            }
        });
        failed
    }

    fn look(&mut self, now_ns: u64, phase: Phase, scans: u64) {
        if let Some(manager) = &mut self.manager {
            manager.look(now_ns, phase, scans);
        }
        if let Some(watchdog) = &mut self.watchdog {
            watchdog.look(now_ns, phase, scans);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restarts_follow_the_policy_only() {
        let pauses = |policy, runs: &[u64]| -> Vec<Option<u64>> {
            let mut pause = Pause::new(policy);
            runs.iter().map(|ran| pause.next_ns(*ran).map(|ns| ns / NS_PER_S)).collect()
        };
        assert_eq!(pauses(RestartPolicy::Never, &[0, 0]), [None, None]);
        assert_eq!(pauses(RestartPolicy::Once, &[0, GOOD_RUN_NS]), [Some(1), None]);
        let long = [0, 0, 0, 0, 0, 0, 0, 0, GOOD_RUN_NS, 0];
        let expected = [1, 2, 4, 8, 16, 32, 60, 60, 1, 2].map(Some);
        assert_eq!(pauses(RestartPolicy::BackOff, &long), expected);
    }

    #[test]
    fn the_default_heartbeat_lets_the_scan_find_a_late_scan_itself() {
        let settings = GuardianSettings::default();
        assert_eq!(settings.limit_ns(100 * NS_PER_MS), 120 * NS_PER_MS);
        assert_eq!(settings.limit_ns(5 * NS_PER_S), 5 * NS_PER_S + 20 * NS_PER_MS);
        assert_eq!(settings.limit_ns(NS_PER_MS), 120 * NS_PER_MS);
        let given = GuardianSettings { heartbeat_ns: Some(7), ..settings };
        assert_eq!(given.limit_ns(NS_PER_S), 7);
    }
}
