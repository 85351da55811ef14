//! The page both processes see: what the scan promises, and that the guardian is there.
//!
//! One page of memory, mapped shared before the fork, atomics only. Every field has one writer:
//!
//! | field | writer | meaning |
//! |---|---|---|
//! | `phase` | scan | [`Phase`] |
//! | `at` | scan | [`Whereabouts`], for the record only |
//! | `promise_ns` | scan | the next sign of life comes by then |
//! | `scans` | scan | scans completed |
//! | `limit_ns` | scan | heartbeat limit, before the first scan |
//! | `beat_ns` | guardian | when it last looked |
//! | `refused` | guardian | error numbers of what it was not permitted, see [`Refused`] |
//! | `restarts` | guardian | restarts since it began |
//!
//! Times are CLOCK_MONOTONIC nanoseconds, the same in both processes. Nothing here is trusted with more than time: the worst
//! a broken writer can do is to be put down, or to let the other one go safe.
#![allow(unsafe_code, reason = "mapping memory that two processes share has no safe wrapper")]

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};

/// How far the scan process has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Compiling and checking: no scan yet, every output is as the guardian requested it. No heartbeat is asked for.
    Starting,
    /// Scanning.
    Running,
    /// Ordered stop or safe state: still scanning, until everything is at rest.
    Ending,
    /// At rest: the scan is over, what remains is to print and to keep.
    AtRest,
}

impl Phase {
    const ALL: [Self; 4] = [Self::Starting, Self::Running, Self::Ending, Self::AtRest];

    const fn number(self) -> u32 {
        match self {
            Self::Starting => 0,
            Self::Running => 1,
            Self::Ending => 2,
            Self::AtRest => 3,
        }
    }
}

/// Where in its round the scan thread is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Not scanning yet.
    None,
    /// Asleep until the next scan.
    Sleeping,
    /// In a scan, in none of the parts below.
    Scanning,
    /// Passing on what changed.
    Telling,
    /// Reading the inputs.
    Reading,
    /// Running a program; [`Whereabouts`] says which, and about where.
    Running,
    /// Writing the outputs.
    Writing,
}

impl Step {
    /// Every step, in the order of their numbers.
    pub const ALL: [Self; 7] =
        [Self::None, Self::Sleeping, Self::Scanning, Self::Telling, Self::Reading, Self::Running, Self::Writing];

    /// The number kept in a record.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Sleeping => 1,
            Self::Scanning => 2,
            Self::Telling => 3,
            Self::Reading => 4,
            Self::Running => 5,
            Self::Writing => 6,
        }
    }

    /// The step of a number; one that nobody wrote is `None`.
    #[must_use]
    pub fn from_number(number: u32) -> Self {
        Self::ALL.into_iter().find(|step| step.number() == number).unwrap_or(Self::None)
    }

    /// In words, for a message: `while ...`.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::None => "before its first scan",
            Self::Sleeping => "while it waited for the next scan",
            Self::Scanning => "in the middle of a scan",
            Self::Telling => "after a scan",
            Self::Reading => "while it read the inputs",
            Self::Running => "while the program ran",
            Self::Writing => "while it wrote the outputs",
        }
    }
}

/// What the guardian asked of the system for itself and may have been refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Its real-time priority.
    Priority,
    /// Locking its memory.
    Memory,
}

/// Where the scan thread is, as it says itself: plain stores, which cost the scan nothing that can be measured.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Whereabouts {
    step: AtomicU32,
    program: AtomicU32,
    mark: AtomicU32,
}

impl Whereabouts {
    /// For a scan that nobody watches.
    #[must_use]
    pub fn unwatched() -> &'static Self {
        static UNWATCHED: Whereabouts =
            Whereabouts { step: AtomicU32::new(0), program: AtomicU32::new(0), mark: AtomicU32::new(0) };
        &UNWATCHED
    }

    /// Where in its round the scan thread is.
    #[must_use]
    pub fn step(&self) -> Step {
        Step::from_number(self.step.load(Ordering::Relaxed))
    }

    /// It is there now.
    pub fn set_step(&self, step: Step) {
        self.step.store(step.number(), Ordering::Relaxed);
    }

    /// It runs this program now, as an index into [`bytecode::Image::programs`].
    pub fn set_program(&self, program: u32) {
        self.program.store(program, Ordering::Relaxed);
        self.set_step(Step::Running);
    }

    /// Program and mark of the engine; they mean something while the step is [`Step::Running`].
    #[must_use]
    pub fn place(&self) -> (u32, u32) {
        (self.program.load(Ordering::Relaxed), self.mark.load(Ordering::Relaxed))
    }

    /// Where an engine leaves its mark.
    #[must_use]
    pub const fn mark(&self) -> &AtomicU32 {
        &self.mark
    }
}

/// The page.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Page {
    promise_ns: AtomicU64,
    scans: AtomicU64,
    limit_ns: AtomicU64,
    phase: AtomicU32,
    at: Whereabouts,
    // The guardian's half on a cache line of its own: its beats do not slow the scan.
    _apart: [u64; 8],
    beat_ns: AtomicU64,
    restarts: AtomicU32,
    priority_errno: AtomicI32,
    memory_errno: AtomicI32,
}

/// Bytes mapped: one page.
const PAGE_BYTES: usize = 4096;

impl Page {
    /// A page that a child process shares after a fork. It is never unmapped: there is one per process, for its life.
    ///
    /// # Errors
    /// The system has no memory.
    pub fn shared() -> std::io::Result<&'static Self> {
        const { assert!(size_of::<Page>() <= PAGE_BYTES) };
        let flags = MapFlags::SHARED | MapFlags::POPULATE;
        // SAFETY: a new anonymous mapping at an address of the kernel's choice overlaps nothing.
        let at =
            unsafe { mmap_anonymous(std::ptr::null_mut(), PAGE_BYTES, ProtFlags::READ | ProtFlags::WRITE, flags) }?;
        // SAFETY: the mapping is page-aligned, large enough, zero-filled (a valid `Page`: atomics and integers), never
        // unmapped, and reached through this reference alone; other processes write atomics only.
        Ok(unsafe { &*at.cast::<Self>() })
    }

    /// Forgets what a dead scan process has written, before the next one is made.
    pub fn begin_anew(&self) {
        self.phase.store(Phase::Starting.number(), Ordering::Release);
        self.at.set_step(Step::None);
        self.promise_ns.store(0, Ordering::Relaxed);
        self.scans.store(0, Ordering::Relaxed);
        self.limit_ns.store(0, Ordering::Relaxed);
        self.restarts.fetch_add(1, Ordering::Relaxed);
    }

    /// How far the scan process has come.
    #[must_use]
    pub fn phase(&self) -> Phase {
        let number = self.phase.load(Ordering::Acquire);
        Phase::ALL.into_iter().find(|p| p.number() == number).unwrap_or(Phase::Running)
    }

    pub(super) fn set_phase(&self, phase: Phase) {
        self.phase.store(phase.number(), Ordering::Release);
    }

    /// Where the scan thread is.
    #[must_use]
    pub const fn at(&self) -> &Whereabouts {
        &self.at
    }

    /// When the next sign of life is due.
    #[must_use]
    pub fn promise_ns(&self) -> u64 {
        self.promise_ns.load(Ordering::Acquire)
    }

    pub(super) fn set_promise_ns(&self, at_ns: u64) {
        self.promise_ns.store(at_ns, Ordering::Release);
    }

    /// Scans completed.
    #[must_use]
    pub fn scans(&self) -> u64 {
        self.scans.load(Ordering::Acquire)
    }

    pub(super) fn set_scans(&self, scans: u64) {
        self.scans.store(scans, Ordering::Release);
    }

    /// How long after its promise a sign of life may be missing; 0 before the scan process has said so.
    #[must_use]
    pub fn limit_ns(&self) -> u64 {
        self.limit_ns.load(Ordering::Acquire)
    }

    pub(super) fn set_limit_ns(&self, limit_ns: u64) {
        self.limit_ns.store(limit_ns, Ordering::Release);
    }

    /// When the guardian last looked; 0 before it does.
    #[must_use]
    pub fn beat_ns(&self) -> u64 {
        self.beat_ns.load(Ordering::Acquire)
    }

    pub(super) fn set_beat_ns(&self, at_ns: u64) {
        self.beat_ns.store(at_ns, Ordering::Release);
    }

    /// How often the guardian has restarted the scan process.
    #[must_use]
    pub fn restarts(&self) -> u32 {
        self.restarts.load(Ordering::Relaxed)
    }

    const fn errno_of(&self, what: Refused) -> &AtomicI32 {
        match what {
            Refused::Priority => &self.priority_errno,
            Refused::Memory => &self.memory_errno,
        }
    }

    /// The error number with which something was refused to the guardian; `None` where it was granted.
    #[must_use]
    pub fn refused(&self, what: Refused) -> Option<i32> {
        Some(self.errno_of(what).load(Ordering::Relaxed)).filter(|errno| *errno != 0)
    }

    pub(super) fn set_refused(&self, what: Refused, errno: i32) {
        self.errno_of(what).store(errno, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_page_is_starting_and_a_restart_forgets_all_but_the_count() {
        let page = Page::shared().unwrap();
        assert_eq!(
            (page.phase(), page.at().step(), page.scans(), page.restarts()),
            (Phase::Starting, Step::None, 0, 0)
        );
        page.set_phase(Phase::Ending);
        page.at().set_step(Step::Scanning);
        page.set_promise_ns(7);
        page.set_scans(9);
        page.set_beat_ns(5);
        page.begin_anew();
        assert_eq!(
            (page.phase(), page.at().step(), page.scans(), page.restarts()),
            (Phase::Starting, Step::None, 0, 1)
        );
        assert_eq!((page.promise_ns(), page.beat_ns()), (0, 5), "the guardian's own half stays");
    }

    #[test]
    fn what_was_refused_keeps_its_error_number() {
        let page = Page::shared().unwrap();
        page.set_refused(Refused::Priority, libc::EPERM);
        assert_eq!(page.refused(Refused::Priority), Some(libc::EPERM));
        assert_eq!(page.refused(Refused::Memory), None);
    }
}
