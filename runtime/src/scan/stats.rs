//! Timing of the scan in constant memory: how long scans take and how late they wake.
//!
//! Recorded on the scan thread without allocation; percentiles are worked out elsewhere, on a copy.

use hdrhistogram::Histogram;

/// Longest time told apart: 10 s. What is longer counts as that.
const HIGHEST_NS: u64 = 10_000_000_000;

/// Counts of one kind of time, 1 % exact.
#[derive(Clone, Debug)]
pub struct Times {
    histogram: Option<Histogram<u64>>,
}

impl Default for Times {
    fn default() -> Self {
        // The bounds and two digits are valid, so a histogram there always is; without one, times would go uncounted.
        Self { histogram: Histogram::new_with_bounds(1, HIGHEST_NS, 2).ok() }
    }
}

impl Times {
    /// Counts one time in nanoseconds. Does not allocate.
    pub fn record(&mut self, ns: u64) {
        if let Some(histogram) = &mut self.histogram {
            histogram.saturating_record(ns.clamp(1, HIGHEST_NS));
        }
    }

    /// How many were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.histogram.as_ref().map_or(0, Histogram::len)
    }

    /// The time that this share (0.0 to 1.0) of all does not exceed, in nanoseconds; 0 before the first.
    #[must_use]
    pub fn quantile_ns(&self, share: f64) -> u64 {
        self.histogram.as_ref().map_or(0, |h| h.value_at_quantile(share))
    }

    /// The longest, in nanoseconds.
    #[must_use]
    pub fn max_ns(&self) -> u64 {
        self.histogram.as_ref().map_or(0, Histogram::max)
    }

    /// The mean, in nanoseconds.
    #[must_use]
    pub fn mean_ns(&self) -> f64 {
        self.histogram.as_ref().map_or(0.0, Histogram::mean)
    }

    /// Takes over the counts of another. Does not allocate.
    pub fn copy_from(&mut self, other: &Self) {
        if let (Some(to), Some(from)) = (&mut self.histogram, &other.histogram) {
            to.reset();
            // Both have the same bounds, so this cannot fail.
            let _ = to.add(from);
        }
    }
}

/// Timing and counters of a run.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// Scans begun.
    pub scans: u64,
    /// From the start of a scan to its outputs written.
    pub scan_time: Times,
    /// From the grid deadline to the start of the scan.
    pub wake_latency: Times,
    /// Scans that ended after the next one was due.
    pub overruns: u64,
    /// Grid points left out because of them.
    pub skipped: u64,
    /// Events, changes and snapshots nobody had room for.
    pub messages_lost: u64,
}

impl Stats {
    /// Takes over another's figures. Does not allocate.
    pub fn copy_from(&mut self, other: &Self) {
        self.scans = other.scans;
        self.overruns = other.overruns;
        self.skipped = other.skipped;
        self.messages_lost = other.messages_lost;
        self.scan_time.copy_from(&other.scan_time);
        self.wake_latency.copy_from(&other.wake_latency);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_right_within_a_percent() {
        let mut times = Times::default();
        assert_eq!((times.count(), times.quantile_ns(0.5), times.max_ns()), (0, 0, 0));
        for us in 1..=1000_u64 {
            times.record(us * 1000);
        }
        let near = |ns: u64, expected: u64| assert!(ns.abs_diff(expected) * 100 <= expected, "{ns} {expected}");
        near(times.quantile_ns(0.5), 500_000);
        near(times.quantile_ns(0.99), 990_000);
        near(times.max_ns(), 1_000_000);
        times.record(u64::MAX);
        near(times.max_ns(), HIGHEST_NS);
        let mut copy = Times::default();
        copy.record(5);
        copy.copy_from(&times);
        assert_eq!((copy.count(), copy.max_ns()), (times.count(), times.max_ns()));
    }
}
