//! Real-time settings of the scan thread, and what was not permitted.
//!
//! Nothing here is needed to run: each setting that the system refuses costs punctuality, never safety, and becomes one
//! [`RtFinding`] with its cost and its remedy. `prepare` is called by the scan thread itself, after all helper threads
//! exist (they would inherit the real-time class otherwise) and before the first scan. What the system grants is looked at
//! afterwards: sandboxes and user-mode kernels say yes to calls they do nothing for.
//!
//! This module also owns the stop signals. `unsafe` stands here only for the system calls without a safe wrapper.
#![allow(unsafe_code, reason = "sched_setscheduler and signal have no safe wrapper")]

use crate::clock::NS_PER_US;
use crate::guardian::{self, Page, Refused};
use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{Resource, geteuid, getrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::fs::File;
use std::io::{Error, Read, Write};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};

/// What is asked of the system for the scan thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtSettings {
    /// SCHED_FIFO priority, 1 to 98; 0 asks for nothing at all but memory locking.
    pub priority: u8,
    /// CPU to pin to.
    pub cpu: Option<u16>,
    /// Lock all memory.
    pub lock_memory: bool,
    /// Longest wake-up latency of idle CPUs, in microseconds.
    pub cpu_latency_us: i32,
}

impl Default for RtSettings {
    fn default() -> Self {
        Self { priority: 60, cpu: None, lock_memory: true, cpu_latency_us: 0 }
    }
}

impl RtSettings {
    /// Asks for nothing: for tests and virtual time.
    pub const NONE: Self = Self { priority: 0, cpu: None, lock_memory: false, cpu_latency_us: 0 };
}

macro_rules! rt_codes {
    ($($name:ident $code:literal $what:literal $cost:literal $remedy:literal;)*) => {
        /// A real-time setting that was not permitted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum RtCode { $(#[doc = $what] $name,)* }

        impl RtCode {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable code, such as `T001`.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// What was not permitted.
            #[must_use]
            pub const fn what(self) -> &'static str {
                match self { $(Self::$name => $what,)* }
            }

            /// What it costs.
            #[must_use]
            pub const fn cost(self) -> &'static str {
                match self { $(Self::$name => $cost,)* }
            }

            /// What to do about it.
            #[must_use]
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$name => $remedy,)* }
            }
        }
    };
}
rt_codes! {
    Priority "T001" "the scan thread did not get its real-time priority" "other programs can delay a scan by tens of milliseconds" "allow it with `ulimit -r 98`, LimitRTPRIO=98 in the service, or the capability CAP_SYS_NICE";
    Memory "T002" "the memory could not be locked" "a page fault can delay a scan by the time of a disk access" "allow it with `ulimit -l unlimited`, LimitMEMLOCK=infinity in the service, or the capability CAP_IPC_LOCK";
    Affinity "T003" "the scan thread could not be pinned to its CPU" "moving between CPUs costs some microseconds now and then" "name a CPU that exists and that this service may use in `rt: cpu`";
    Latency "T004" "the CPU's sleep states could not be limited" "waking from deep sleep can take some hundred microseconds" "give this user write access to /dev/cpu_dma_latency by a udev rule, or limit idle states at boot";
    GuardianPriority "T005" "the guardian did not get its real-time priority" "a scan that never ends can keep the guardian from its CPU, and the outputs on, as long as the scheduler lets it" "as for T001; the guardian needs one more than `rt: priority`";
    GuardianMemory "T006" "the guardian's memory could not be locked" "a page fault can delay its OFF by the time of a disk access" "as for T002";
    BlackBox "T007" "the guardian's black box cannot be written" "after a death the next start does not know of it" "give this user write access to the state folder";
}

/// One plain sentence of what was not permitted, its cost and the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtFinding {
    /// Which setting.
    pub code: RtCode,
    /// The system's own words.
    pub cause: String,
}

impl std::fmt::Display for RtFinding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let c = self.code;
        write!(f, "{}: {} ({}): {}; {}.", c.code(), c.what(), self.cause, c.cost(), c.remedy())
    }
}

/// What must stay open while the scan runs.
#[derive(Debug, Default)]
pub struct RtHold {
    /// The kernel keeps the latency limit as long as this file is open.
    _latency: Option<File>,
}

/// Prepares the calling thread for scanning. Returns what to keep while it scans, and what was not permitted.
#[must_use]
pub fn prepare(settings: &RtSettings) -> (RtHold, Vec<RtFinding>) {
    let mut findings = Vec::new();
    let mut refuse = |code: RtCode, cause: String| findings.push(RtFinding { code, cause });
    if settings.lock_memory
        && let Err(e) = lock_memory().and_then(|()| memory_is_locked())
    {
        refuse(RtCode::Memory, e.to_string());
    }
    if let Some(cpu) = settings.cpu
        && let Err(e) = pin(usize::from(cpu))
    {
        refuse(RtCode::Affinity, format!("CPU {cpu}: {e}"));
    }
    let mut hold = RtHold::default();
    if settings.priority > 0 {
        if let Err(e) = set_fifo(settings.priority).and_then(|()| has_fifo(settings.priority)) {
            refuse(RtCode::Priority, e.to_string());
        }
        match limit_cpu_latency(settings.cpu_latency_us) {
            Ok(file) => hold = RtHold { _latency: Some(file) },
            Err(e) => refuse(RtCode::Latency, e.to_string()),
        }
    }
    (hold, findings)
}

/// Brings the memory of this process in and keeps it there.
pub(crate) fn lock_memory() -> std::io::Result<()> {
    prefault_stack();
    mlockall(lock_flags()).map_err(Into::into)
}

/// Did the lock take hold? The kernel counts what it keeps.
fn memory_is_locked() -> std::io::Result<()> {
    // Where /proc is not mounted nothing can be said, and nothing is.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    match locked_kib(&status) {
        Some(0) => Err(Error::other("the system said yes, and nothing is locked")),
        Some(_) | None => Ok(()),
    }
}

/// `VmLck:      1234 kB` of /proc/self/status.
fn locked_kib(status: &str) -> Option<u64> {
    status.lines().find_map(|line| line.strip_prefix("VmLck:"))?.split_whitespace().next()?.parse().ok()
}

/// Keeps the calling thread on one CPU, and looks whether it is.
fn pin(cpu: usize) -> std::io::Result<()> {
    let mut set = CpuSet::new();
    if cpu < CpuSet::MAX_CPU {
        set.set(cpu);
    }
    sched_setaffinity(None, &set)?;
    let given = sched_getaffinity(None)?;
    if given.count() == 1 && given.is_set(cpu) {
        return Ok(());
    }
    Err(Error::other(format!("the system said yes, and left the thread {} CPUs", given.count())))
}

/// What the guardian was not permitted, for the findings of a start; `record_refused` says why its black box cannot be
/// written, where it cannot.
#[must_use]
pub fn guardian_findings(page: &Page, record_refused: Option<&str>) -> Vec<RtFinding> {
    let asked = [(Refused::Priority, RtCode::GuardianPriority), (Refused::Memory, RtCode::GuardianMemory)];
    let refused = asked.into_iter().filter_map(|(what, code)| {
        let cause = std::io::Error::from_raw_os_error(page.refused(what)?).to_string();
        Some(RtFinding { code, cause })
    });
    let record = record_refused.map(|cause| RtFinding { code: RtCode::BlackBox, cause: cause.to_owned() });
    refused.chain(record).collect()
}

/// Bytes of stack touched before scanning: ten times what the deepest scan path was seen to use.
const STACK_PREFAULT_BYTES: usize = 256 * 1024;
const PAGE_BYTES: usize = 4096;

#[inline(never)]
fn prefault_stack() {
    let mut pages = [0_u8; STACK_PREFAULT_BYTES];
    for byte in pages.iter_mut().step_by(PAGE_BYTES) {
        *byte = 1;
    }
    std::hint::black_box(&mut pages);
}

/// Future memory is locked too where nothing limits it: with a limit, an allocation of another thread would fail as
/// soon as the limit is reached. The heap needs no touching: locking brings in every page that is mapped, and the scan
/// thread maps none later.
fn lock_flags() -> MlockAllFlags {
    let unlimited = getrlimit(Resource::Memlock).current.is_none() || geteuid().is_root();
    if unlimited { MlockAllFlags::CURRENT | MlockAllFlags::FUTURE } else { MlockAllFlags::CURRENT }
}

pub(crate) fn set_fifo(priority: u8) -> std::io::Result<()> {
    let parameters = libc::sched_param { sched_priority: i32::from(priority) };
    // SAFETY: `parameters` is a valid sched_param that lives during the call; thread 0 is the calling thread. Children
    // made later fall back to the normal class by SCHED_RESET_ON_FORK.
    let result =
        unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK, &raw const parameters) };
    if result == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}

/// Is the calling thread of a real-time class? What it hands to other threads, it waits for: they are of the ordinary class.
#[cfg(feature = "native")]
pub(crate) fn is_real_time() -> bool {
    // SAFETY: thread 0 is the calling thread; the call reads nothing of ours.
    let class = unsafe { libc::sched_getscheduler(0) };
    matches!(class & !libc::SCHED_RESET_ON_FORK, libc::SCHED_FIFO | libc::SCHED_RR)
}

/// Does the calling thread have this real-time priority?
fn has_fifo(priority: u8) -> std::io::Result<()> {
    let mut given = libc::sched_param { sched_priority: 0 };
    // SAFETY: thread 0 is the calling thread; `given` is a sched_param that lives during the call.
    let (class, result) = unsafe { (libc::sched_getscheduler(0), libc::sched_getparam(0, &raw mut given)) };
    if class < 0 || result != 0 {
        return Err(Error::last_os_error());
    }
    if class & !libc::SCHED_RESET_ON_FORK == libc::SCHED_FIFO && given.sched_priority == i32::from(priority) {
        return Ok(());
    }
    Err(Error::other(format!("the system said yes, and gave class {class} with priority {}", given.sched_priority)))
}

/// Holds the CPUs awake as long as the file is open. Reading it gives the shortest latency anybody asks for.
fn limit_cpu_latency(latency_us: i32) -> std::io::Result<File> {
    let path = "/dev/cpu_dma_latency";
    let Ok(mut file) = File::options().read(true).write(true).open(path) else {
        // Where only writing is permitted the limit holds as well; it cannot be looked at.
        let mut file = File::options().write(true).open(path)?;
        file.write_all(&latency_us.to_ne_bytes())?;
        return Ok(file);
    };
    file.write_all(&latency_us.to_ne_bytes())?;
    let mut given = [0; 4];
    let read = file.read(&mut given)?;
    let given_us = i32::from_ne_bytes(given);
    if read == given.len() && given_us > latency_us {
        return Err(Error::other(format!("the system said yes, and keeps {given_us} us")));
    }
    Ok(file)
}

/// Microseconds of a latency setting, as the kernel wants them.
#[must_use]
pub fn latency_us(ns: u64) -> i32 {
    i32::try_from(ns / NS_PER_US).unwrap_or(i32::MAX)
}

/// A signal that asks for an ordered stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StopSignal {
    /// Ctrl-C.
    Interrupt,
    /// The service manager, or `kill`.
    Terminate,
    /// The terminal is gone.
    HangUp,
}

impl StopSignal {
    /// The signals that stop.
    pub const ALL: [Self; 3] = [Self::Interrupt, Self::Terminate, Self::HangUp];

    /// The system's number.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::Interrupt => libc::SIGINT,
            Self::Terminate => libc::SIGTERM,
            Self::HangUp => libc::SIGHUP,
        }
    }

    /// The name people know.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT (Ctrl-C)",
            Self::Terminate => "SIGTERM",
            Self::HangUp => "SIGHUP (terminal hang-up)",
        }
    }
}

/// Number of the first stop signal that came, 0 for none.
static STOP_SIGNAL: AtomicI32 = AtomicI32::new(0);

extern "C" fn on_stop_signal(number: libc::c_int) {
    if number == libc::SIGHUP && !HAS_TERMINAL.load(Ordering::Relaxed) {
        RELOADS.fetch_add(1, Ordering::Relaxed);
        return;
    }
    // Only this: a store to an atomic is safe in a signal handler. The first signal keeps its place.
    let _ = STOP_SIGNAL.compare_exchange(0, number, Ordering::Relaxed, Ordering::Relaxed);
}

/// Makes SIGINT, SIGTERM and, on a terminal, SIGHUP set a flag that each scan reads. Without a terminal SIGHUP is counted as a
/// wish to reload ([`take_reloads`]).
///
/// # Errors
/// The system's error, should it refuse (it does not for these signals).
pub fn catch_stop_signals() -> std::io::Result<()> {
    look_for_terminal();
    // A sleeping scan thread shall wake and look at the flag.
    StopSignal::ALL.iter().try_for_each(|signal| guardian::catch(signal.number(), on_stop_signal))
}

/// Is there a terminal whose hang-up SIGHUP would tell of? Decides [`is_reload`].
pub(crate) fn look_for_terminal() {
    // Opening it fails where this session has none; nothing is read or written.
    HAS_TERMINAL.store(File::open("/dev/tty").is_ok(), Ordering::Relaxed);
}

/// Whether SIGHUP tells of a terminal's hang-up. Looked up once: after a hang-up the terminal is gone.
static HAS_TERMINAL: AtomicBool = AtomicBool::new(true);
/// Times SIGHUP came as a wish to reload.
static RELOADS: AtomicU32 = AtomicU32::new(0);

/// Is this signal a wish to reload? Without a terminal SIGHUP comes from a service manager or a person's `kill`, and by
/// custom means that.
#[must_use]
pub fn is_reload(signal: StopSignal) -> bool {
    signal == StopSignal::HangUp && !HAS_TERMINAL.load(Ordering::Relaxed)
}

/// How often a reload was asked for since this was last asked. A running program is never reloaded: whoever polls this says so.
#[must_use]
pub fn take_reloads() -> u32 {
    RELOADS.swap(0, Ordering::Relaxed)
}

/// Makes Ctrl-Z and the signals to background processes that use the terminal have no effect. A stopped process scans
/// nothing and leaves its outputs as they are, which real lines must never see. SIGSTOP cannot be refused.
pub fn ignore_job_control() {
    for signal in [libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU] {
        // SAFETY: SIG_IGN is a valid disposition for these signals; no handler runs. An error is impossible for them.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}

/// Keeps every signal from the calling thread, so that those sent to the process interrupt the scan's sleep and not a helper's.
pub fn block_signals() {
    // SAFETY: all-zero is a valid sigset_t, and sigfillset then fills it; the mask belongs to the calling thread alone.
    // Neither call can fail with these arguments.
    unsafe {
        let mut all: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const all, std::ptr::null_mut());
    }
}

/// The stop signal that came, if one has.
#[must_use]
pub fn stop_signal() -> Option<StopSignal> {
    let number = STOP_SIGNAL.load(Ordering::Relaxed);
    StopSignal::ALL.into_iter().find(|s| s.number() == number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asking_for_nothing_finds_nothing() {
        let (_hold, findings) = prepare(&RtSettings::NONE);
        assert_eq!(findings, []);
    }

    #[test]
    fn a_cpu_that_does_not_exist_is_one_plain_sentence() {
        // In a thread of its own: should pinning succeed after all, the test runner's threads are not moved.
        let settings = RtSettings { cpu: Some(1023), ..RtSettings::NONE };
        let findings = std::thread::spawn(move || prepare(&settings).1).join().unwrap();
        assert_eq!(findings.len(), 1);
        let text = findings[0].to_string();
        assert!(text.starts_with("T003: the scan thread could not be pinned to its CPU (CPU 1023: "), "{text}");
        assert!(text.ends_with("in `rt: cpu`."), "{text}");
    }

    #[test]
    fn what_was_granted_is_looked_at() {
        assert_eq!(locked_kib("Name:\tx\nVmLck:\t    1234 kB\nVmPin:\t 0 kB\n"), Some(1234));
        assert_eq!(locked_kib("Name:\tx\n"), None);
        // This thread has no real-time priority, and says so; nor is it on a CPU there cannot be.
        assert!(has_fifo(60).unwrap_err().to_string().contains("gave class"));
        assert!(pin(CpuSet::MAX_CPU).is_err());
        // A thread that was pinned is.
        let mine = sched_getaffinity(None).unwrap();
        let cpu = (0..CpuSet::MAX_CPU).find(|cpu| mine.is_set(*cpu)).unwrap();
        assert!(std::thread::spawn(move || pin(cpu).is_ok()).join().unwrap());
    }

    #[test]
    fn codes_are_unique() {
        let mut codes: Vec<_> = RtCode::ALL.iter().map(|c| c.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), RtCode::ALL.len());
    }
}
