//! What a bus thread and the scan thread share about one chip: atomics, no lock, nobody waits.
//!
//! A *sample* is the levels of all lines with the time they were asked for, in one word, so that the two can never be of
//! different readings. A *request* is the levels of all outputs with a number and the *start* they are meant for; the bus
//! thread repeats the number once the levels are written. A chip that was started anew has every output off: a request
//! meant for an earlier start is not carried out, so that an ON from before cannot come back by itself.

use crate::clock::NS_PER_US;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, Ordering};

/// Bits of a sample that hold levels; the rest is microseconds + 1, enough for 8.9 years.
const LEVEL_BITS: u32 = 16;

/// Shared by the two threads, for one chip.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// 0: there is none.
    sample: AtomicU64,
    /// Why there is none: a system error number, [`LOST`], or 0.
    trouble: AtomicI32,
    /// How often the chip has been started.
    starts: AtomicU32,
    request: AtomicU64,
    /// Number of the request that was carried out last.
    done: AtomicU32,
    reads: AtomicU64,
    failures: AtomicU32,
    returns: AtomicU32,
    stop: AtomicBool,
}

/// The chip answers, but not as what it was started as.
pub(super) const LOST: i32 = -1;

/// Levels of all outputs of a chip, as the scan wants them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// Counts up by one, around.
    pub(super) number: u32,
    /// The start it is meant for (its lowest 16 bits).
    pub(super) start: u16,
    /// One bit for each line.
    pub(super) levels: u16,
}

/// Readings and failures since the start of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Readings of all lines that succeeded.
    pub reads: u64,
    /// How often the chip began to fail.
    pub failures: u32,
    /// How often it came back.
    pub returns: u32,
    /// How often its levels became too old without a failure.
    pub late: u32,
    /// How often it was set up; once is at the start of the run.
    pub starts: u32,
}

impl Shared {
    /// Levels and the time they were asked for; `None` where there are none.
    pub(super) fn sample(&self) -> Option<(u64, u16)> {
        let word = self.sample.load(Ordering::Acquire);
        let us = (word >> LEVEL_BITS).checked_sub(1)?;
        Some((us.saturating_mul(NS_PER_US), low_16(word)))
    }

    /// A reading succeeded.
    pub(super) fn publish(&self, asked_at_ns: u64, levels: u16) {
        // Rounded down: a sample never looks younger than it is.
        let word = (asked_at_ns / NS_PER_US).saturating_add(1) << LEVEL_BITS | u64::from(levels);
        self.sample.store(word, Ordering::Release);
        self.reads.fetch_add(1, Ordering::Relaxed);
        if self.trouble.swap(0, Ordering::Relaxed) != 0 {
            self.returns.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A reading failed: what was read before counts no longer.
    pub(super) fn fail(&self, trouble: i32) {
        if self.trouble.swap(trouble, Ordering::Relaxed) == 0 {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
        self.sample.store(0, Ordering::Release);
    }

    pub(super) fn trouble(&self) -> i32 {
        self.trouble.load(Ordering::Relaxed)
    }

    /// The chip was started with every output off.
    pub(super) fn started(&self) {
        self.starts.fetch_add(1, Ordering::Release);
    }

    /// The number of the last start; 0 before the first.
    pub(super) fn start(&self) -> u16 {
        low_16(u64::from(self.starts.load(Ordering::Acquire)))
    }

    pub(super) fn ask(&self, request: Request) {
        let word = u64::from(request.number) << 32 | u64::from(request.start) << 16 | u64::from(request.levels);
        self.request.store(word, Ordering::Release);
    }

    pub(super) fn request(&self) -> Request {
        let word = self.request.load(Ordering::Acquire);
        Request { number: (word >> 32) as u32, start: low_16(word >> 16), levels: low_16(word) }
    }

    /// A request was carried out.
    pub(super) fn carried_out(&self, number: u32) {
        self.done.store(number, Ordering::Release);
    }

    pub(super) fn done(&self) -> u32 {
        self.done.load(Ordering::Acquire)
    }

    /// Asks the bus thread to write OFF and end.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    pub(super) fn stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    pub(super) fn counters(&self) -> Counters {
        Counters {
            reads: self.reads.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
            returns: self.returns.load(Ordering::Relaxed),
            // The scan alone knows.
            late: 0,
            starts: self.starts.load(Ordering::Relaxed),
        }
    }
}

const fn low_16(word: u64) -> u16 {
    (word & 0xFFFF) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_keeps_levels_and_time_together_and_a_failure_takes_both() {
        let shared = Shared::default();
        assert_eq!(shared.sample(), None);
        shared.publish(1_234_567_899, 0xA5C3);
        assert_eq!(shared.sample(), Some((1_234_567_000, 0xA5C3)));
        shared.fail(5);
        shared.fail(6);
        assert_eq!((shared.sample(), shared.trouble()), (None, 6));
        shared.publish(0, 0);
        assert_eq!(shared.sample(), Some((0, 0)));
        assert_eq!(shared.counters(), Counters { reads: 2, failures: 1, returns: 1, late: 0, starts: 0 });
    }

    #[test]
    fn a_request_is_read_as_it_was_asked() {
        let shared = Shared::default();
        let request = Request { number: u32::MAX, start: 0xFFFE, levels: 0x8001 };
        shared.ask(request);
        assert_eq!(shared.request(), request);
    }
}
