//! Fork, signals and what else of the system both processes need.
//!
//! The fork happens while the process has one thread; that is what makes it sound for the child to go on as an ordinary
//! program. [`split`] checks it.
#![allow(unsafe_code, reason = "fork, signal masks and sigtimedwait have no safe wrapper")]

use super::watch::{ChildState, Wakeup};
use crate::clock::{NS_PER_S, monotonic_ns};
use crate::rt::StopSignal;
use rustix::fd::{AsFd, OwnedFd};
use rustix::process::{
    DumpableBehavior, Pid, PidfdFlags, Resource, Rlimit, Signal, WaitId, WaitIdOptions, getpid, getppid, pidfd_open,
    pidfd_send_signal, set_dumpable_behavior, set_parent_process_death_signal, setrlimit, waitid,
};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

/// The signal by which the kernel tells the scan process that its guardian has died.
const PARENT_DIED: i32 = libc::SIGUSR2;

/// Set by that signal's handler.
static PARENT_GONE: AtomicBool = AtomicBool::new(false);

/// Has the guardian died?
#[must_use]
pub fn parent_died() -> bool {
    PARENT_GONE.load(Ordering::Acquire)
}

extern "C" fn on_parent_death(_: libc::c_int) {
    PARENT_GONE.store(true, Ordering::Release);
}

/// Which process returned from [`split`].
#[derive(Debug)]
pub enum Side {
    /// The parent, with what it needs of the child.
    Guardian(Child),
    /// The child.
    Scan,
}

/// The scan process, as its parent holds it.
#[derive(Debug)]
pub struct Child {
    /// Stays the same process, whatever happens to its number.
    fd: OwnedFd,
    pid: Pid,
}

/// No core dump of either process: writing one can take seconds, during which a dead process still counts as alive.
pub fn forbid_core_dumps() {
    // Neither can be refused for lowering; where it is, a death takes longer to be seen and the heartbeat finds it.
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let _ = setrlimit(Resource::Core, none);
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// The signals the guardian takes by waiting for them.
fn guardian_signals() -> libc::sigset_t {
    set_of(&[libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGCHLD])
}

fn set_of(signals: &[i32]) -> libc::sigset_t {
    // SAFETY: sigemptyset makes a valid set of what it is given; sigaddset adds valid signal numbers to it.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for signal in signals {
            libc::sigaddset(&raw mut set, *signal);
        }
        set
    }
}

fn mask(how: i32, set: &libc::sigset_t) {
    // SAFETY: `set` is a valid set; the old mask is not asked for. The call fails for an unknown `how` only.
    unsafe { libc::pthread_sigmask(how, std::ptr::from_ref(set), std::ptr::null_mut()) };
}

/// Blocks the stop signals and the guardian's death in the calling thread and in those it makes from now on, so that they
/// interrupt the scan thread, which lets them through by [`let_stop_signals_through`].
pub fn block_stop_signals() {
    mask(libc::SIG_BLOCK, &set_of(&[libc::SIGINT, libc::SIGTERM, libc::SIGHUP, PARENT_DIED]));
}

/// See [`block_stop_signals`].
pub fn let_stop_signals_through() {
    mask(libc::SIG_UNBLOCK, &set_of(&[libc::SIGINT, libc::SIGTERM, libc::SIGHUP, PARENT_DIED]));
}

/// Number of threads of this process; `None` where /proc does not say.
fn threads() -> Option<usize> {
    Some(std::fs::read_dir("/proc/self/task").ok()?.count())
}

/// Makes the scan process. Both sides return.
///
/// # Errors
/// The process has more threads than this one, or the system refuses.
pub fn split() -> io::Result<Side> {
    if threads().is_some_and(|count| count > 1) {
        return Err(io::Error::other("threads exist already: this is a defect of plcrun"));
    }
    // Signals from now on wait for the guardian; the default action of SIGCHLD keeps a dead child until it is asked for.
    mask(libc::SIG_BLOCK, &guardian_signals());
    // SAFETY: SIG_DFL is a valid disposition.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
    let parent = getpid();
    // SAFETY: this process has one thread, so the child finds every lock free and memory whole.
    let pid = unsafe { libc::fork() };
    if pid < 0 {
        let error = io::Error::last_os_error();
        mask(libc::SIG_UNBLOCK, &guardian_signals());
        return Err(error);
    }
    if pid == 0 {
        in_child(parent)?;
        return Ok(Side::Scan);
    }
    let Some(pid) = Pid::from_raw(pid) else { return Err(io::Error::other("the system gave no process number")) };
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(fd) => Ok(Side::Guardian(Child { fd, pid })),
        Err(e) => {
            // Nobody has waited for it yet, so the number is still its own.
            let _ = rustix::process::kill_process(pid, Signal::KILL);
            let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED);
            mask(libc::SIG_UNBLOCK, &guardian_signals());
            Err(e.into())
        }
    }
}

/// Makes the child an ordinary process again, one that learns of its parent's death.
fn in_child(parent: Pid) -> io::Result<()> {
    PARENT_GONE.store(false, Ordering::Release);
    catch(PARENT_DIED, on_parent_death)?;
    let signal = Signal::USR2;
    set_parent_process_death_signal(Some(signal))?;
    // It may have died before the kernel was asked to tell.
    if getppid() != Some(parent) {
        return Err(io::Error::other("the guardian died at once"));
    }
    mask(libc::SIG_UNBLOCK, &guardian_signals());
    Ok(())
}

/// Installs a handler that interrupts system calls: a sleeping scan thread shall wake and look.
pub(crate) fn catch(signal: i32, handler: extern "C" fn(libc::c_int)) -> io::Result<()> {
    // SAFETY: all-zero is a valid sigaction: no flags, an empty mask once sigemptyset has run. The handlers of this crate
    // only store to atomics.
    let result = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as *const () as libc::sighandler_t;
        libc::sigemptyset(&raw mut action.sa_mask);
        libc::sigaction(signal, &raw const action, std::ptr::null_mut())
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Waits for one of the guardian's signals, at most until `until_ns` of CLOCK_MONOTONIC.
#[must_use]
pub fn wait_for_signal(until_ns: u64) -> Wakeup {
    let left_ns = until_ns.saturating_sub(monotonic_ns());
    let set = guardian_signals();
    let timeout = libc::timespec {
        tv_sec: libc::time_t::try_from(left_ns / NS_PER_S).unwrap_or(libc::time_t::MAX),
        #[allow(clippy::cast_possible_wrap, reason = "less than one second in nanoseconds")]
        tv_nsec: (left_ns % NS_PER_S) as _,
    };
    // SAFETY: set and timeout are valid and live during the call; information about the signal is not asked for.
    let signal = unsafe { libc::sigtimedwait(&raw const set, std::ptr::null_mut(), &raw const timeout) };
    match signal {
        libc::SIGCHLD => Wakeup::Child,
        number => StopSignal::ALL.into_iter().find(|s| s.number() == number).map_or(Wakeup::Time, Wakeup::Stop),
    }
}

/// Does a file take more bytes, within so many milliseconds? A reader that has gone counts as yes: the write says so.
#[must_use]
pub fn can_write(fd: i32, wait_ms: i32) -> bool {
    let mut poll = libc::pollfd { fd, events: libc::POLLOUT, revents: 0 };
    // SAFETY: one valid pollfd that lives during the call.
    unsafe { libc::poll(&raw mut poll, 1, wait_ms) > 0 }
}

impl Child {
    /// Its process number.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// What it is now. One that has ended stays known until this is dropped and [`Self::reap`] was called.
    #[must_use]
    pub fn state(&self) -> ChildState {
        let ended = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        if let Ok(Some(status)) = waitid(WaitId::PidFd(self.fd.as_fd()), ended) {
            if let Some(code) = status.exit_status() {
                return ChildState::Exited(code);
            }
            return ChildState::Killed(status.terminating_signal().unwrap_or(0));
        }
        let stopped = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match waitid(WaitId::PidFd(self.fd.as_fd()), stopped) {
            Ok(Some(_)) => ChildState::Stopped,
            Ok(None) | Err(_) => ChildState::Running,
        }
    }

    /// Sends it a stop signal. One that has ended does not mind.
    pub fn signal(&self, signal: StopSignal) {
        let signal = match signal {
            StopSignal::Interrupt => Signal::INT,
            StopSignal::Terminate => Signal::TERM,
            StopSignal::HangUp => Signal::HUP,
        };
        let _ = pidfd_send_signal(&self.fd, signal);
    }

    /// Ends it for good. One that has ended does not mind.
    pub fn kill(&self) {
        let _ = pidfd_send_signal(&self.fd, Signal::KILL);
    }

    /// Lets the kernel forget one that has ended. Does not wait.
    pub fn reap(self) {
        let _ = waitid(WaitId::PidFd(self.fd.as_fd()), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
    }
}
