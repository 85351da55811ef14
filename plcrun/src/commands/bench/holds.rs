//! Which scan period the box can hold, by a rule that is told with the answer.
//!
//! Needed is the worst that was seen of everything a scan waits for: waking up, reading, scanning, writing. Seconds of measuring
//! do not show the worst there is, so the answer is [`MARGIN`] times that, rounded up to 1, 2 or 5.

use runtime::scan::plan::{TICK_MAX_NS, TICK_MIN_NS};

/// How much longer than the worst that was seen.
pub const MARGIN: u64 = 2;

/// The worst of each, in nanoseconds; 0 where it was not measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Worst {
    /// Wake-up latency.
    pub wake_ns: u64,
    /// Reading the lines.
    pub read_ns: u64,
    /// The scan.
    pub scan_ns: u64,
    /// Writing the lines.
    pub write_ns: u64,
}

impl Worst {
    /// All of them, one after the other.
    #[must_use]
    pub const fn sum_ns(&self) -> u64 {
        self.wake_ns.saturating_add(self.read_ns).saturating_add(self.scan_ns).saturating_add(self.write_ns)
    }

    /// The shortest period of the 1-2-5 row that holds it with the margin; `None` where not even the longest does.
    #[must_use]
    pub fn period_ns(&self) -> Option<u64> {
        let needed_ns = self.sum_ns().saturating_mul(MARGIN).max(TICK_MIN_NS);
        let decades = std::iter::successors(Some(TICK_MIN_NS), |ns| ns.checked_mul(10));
        let mut row = decades.flat_map(|ns| [1, 2, 5].map(|factor| ns.saturating_mul(factor)));
        row.find(|ns| *ns >= needed_ns).filter(|ns| *ns <= TICK_MAX_NS)
    }

    /// Does a period hold it with the margin?
    #[must_use]
    pub const fn fits(&self, period_ns: u64) -> bool {
        self.sum_ns().saturating_mul(MARGIN) <= period_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_twice_the_worst_rounded_up() {
        let worst = |wake_ns, scan_ns| Worst { wake_ns, scan_ns, ..Worst::default() };
        assert_eq!(Worst::default().period_ns(), Some(100_000));
        assert_eq!(worst(40_000, 10_000).period_ns(), Some(100_000));
        assert_eq!(worst(40_000, 10_001).period_ns(), Some(200_000));
        assert_eq!(worst(2_000_000, 600_000).period_ns(), Some(10_000_000));
        assert_eq!(worst(5_000_000_000, 0).period_ns(), Some(10_000_000_000));
        assert_eq!(worst(5_000_000_001, 0).period_ns(), None);
        let all = Worst { wake_ns: 1, read_ns: 20, scan_ns: 300, write_ns: 4000 };
        assert_eq!(all.sum_ns(), 4321);
        assert!(all.fits(8642) && !all.fits(8641));
    }
}
