//! Where time comes from. Nothing else in the runtime reads a clock.
//!
//! Two times exist per scan. The *grid deadline* is the instant the scan was due; IEC timers see it, so logic, proofs
//! and replay are exact. The *measured time* is read when the scan really starts; the relay guard sees it, so that no
//! wait is ever short because a scan was late. All times are nanoseconds since the clock's start, as `u64`: enough
//! for 584 years.
//!
//! This module does not know about scans, periods or overruns; see [`crate::scan`].

use rustix::thread::clock_nanosleep_absolute;
use rustix::time::{ClockId, Timespec, clock_gettime};
use std::cell::Cell;

/// Nanoseconds in a second.
pub const NS_PER_S: u64 = 1_000_000_000;
/// Nanoseconds in a millisecond.
pub const NS_PER_MS: u64 = 1_000_000;
/// Nanoseconds in a microsecond.
pub const NS_PER_US: u64 = 1_000;

/// How a sleep ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// The deadline is reached.
    OnTime,
    /// A signal came first: look at the stop flag, then sleep on.
    Interrupted,
}

/// A source of time.
pub trait Clock {
    /// Nanoseconds since the clock's start. Never goes backwards in a correct clock; the scan checks that.
    fn now_ns(&self) -> u64;
    /// Waits until `deadline_ns` on this clock; returns at once where that has passed.
    fn sleep_until(&self, deadline_ns: u64) -> Wake;
}

/// The machine's monotonic clock, counted from the instant this was made.
#[derive(Clone, Copy, Debug)]
pub struct MonotonicClock {
    origin_ns: u64,
}

impl MonotonicClock {
    /// A clock that reads 0 now.
    #[must_use]
    pub fn start() -> Self {
        Self { origin_ns: monotonic_ns() }
    }

    /// CLOCK_MONOTONIC at this clock's zero, in nanoseconds: what times of several processes have in common.
    #[must_use]
    pub const fn origin_ns(&self) -> u64 {
        self.origin_ns
    }
}

/// `CLOCK_MONOTONIC` in nanoseconds.
#[must_use]
pub fn monotonic_ns() -> u64 {
    let t = clock_gettime(ClockId::Monotonic);
    // Both parts are never negative on this clock.
    let seconds = u64::try_from(t.tv_sec).unwrap_or(0);
    let nanoseconds = u64::try_from(t.tv_nsec).unwrap_or(0);
    seconds.saturating_mul(NS_PER_S).saturating_add(nanoseconds)
}

impl Clock for MonotonicClock {
    fn now_ns(&self) -> u64 {
        monotonic_ns().saturating_sub(self.origin_ns)
    }

    fn sleep_until(&self, deadline_ns: u64) -> Wake {
        let at_ns = self.origin_ns.saturating_add(deadline_ns);
        let request = Timespec {
            tv_sec: i64::try_from(at_ns / NS_PER_S).unwrap_or(i64::MAX),
            // Below 10^9, so it fits every platform's long.
            #[allow(clippy::cast_possible_wrap, reason = "less than one second in nanoseconds")]
            tv_nsec: (at_ns % NS_PER_S) as _,
        };
        match clock_nanosleep_absolute(ClockId::Monotonic, &request) {
            Ok(()) => Wake::OnTime,
            // EINTR is the only error a valid request on this clock can give.
            Err(_) => Wake::Interrupted,
        }
    }
}

/// Time that moves only when somebody sleeps or advances it: as fast as possible, and exact.
#[derive(Clone, Debug, Default)]
pub struct VirtualClock {
    now_ns: Cell<u64>,
}

impl VirtualClock {
    /// A clock that reads 0.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves time forward.
    pub fn advance(&self, by_ns: u64) {
        self.now_ns.set(self.now_ns.get().saturating_add(by_ns));
    }
}

impl Clock for VirtualClock {
    fn now_ns(&self) -> u64 {
        self.now_ns.get()
    }

    fn sleep_until(&self, deadline_ns: u64) -> Wake {
        self.now_ns.set(self.now_ns.get().max(deadline_ns));
        Wake::OnTime
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monotonic_clock_sleeps_to_the_deadline_and_not_before() {
        let clock = MonotonicClock::start();
        let deadline = clock.now_ns() + 2 * NS_PER_MS;
        while clock.sleep_until(deadline) == Wake::Interrupted {}
        assert!(clock.now_ns() >= deadline);
    }

    #[test]
    fn a_deadline_in_the_past_does_not_sleep() {
        let clock = VirtualClock::new();
        clock.advance(5);
        assert_eq!(clock.sleep_until(3), Wake::OnTime);
        assert_eq!(clock.now_ns(), 5);
    }

    #[test]
    fn virtual_time_moves_by_sleeping_only() {
        let clock = VirtualClock::new();
        assert_eq!(clock.now_ns(), 0);
        clock.sleep_until(10 * NS_PER_MS);
        assert_eq!(clock.now_ns(), 10 * NS_PER_MS);
    }
}
