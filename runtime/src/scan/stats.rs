//! Timing of the scan in constant memory: how long scans take, how late they wake, and how unevenly.
//!
//! Recorded on the scan thread without allocation: one count in a table for each time. Percentiles are worked out elsewhere, on
//! a copy that is made only when somebody asks.
//!
//! Terms: *scan time* is from the start of a scan to its outputs written; *wake-up latency* from the grid deadline to the start
//! of the scan; *jitter* is how far the distance of two scan starts is from that of their deadlines, which is the difference
//! of their latencies.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

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

    /// What people are shown.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let at = |share| self.quantile_ns(share);
        Figures { count: self.count(), p50_ns: at(0.5), p99_ns: at(0.99), p999_ns: at(0.999), max_ns: self.max_ns() }
    }

    /// Every time that was counted, rising, with how often: for histograms. Times that are not told apart count as the longest
    /// of them.
    #[must_use]
    pub fn counts(&self) -> Vec<(u64, u64)> {
        let histogram = self.histogram.iter();
        let rows = histogram
            .flat_map(|h| h.iter_recorded().map(|v| (h.highest_equivalent(v.value_iterated_to()), v.count_at_value())));
        rows.collect()
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

/// What is shown of a kind of time, in nanoseconds; all 0 before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Figures {
    /// How many times were counted.
    pub count: u64,
    /// Half of them were no longer.
    pub p50_ns: u64,
    /// 99 of 100 were no longer.
    pub p99_ns: u64,
    /// 999 of 1000 were no longer.
    pub p999_ns: u64,
    /// None was longer.
    pub max_ns: u64,
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
    /// How far the distance of two scan starts is from that of their grid deadlines.
    pub jitter: Times,
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
        self.jitter.copy_from(&other.jitter);
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
        assert_eq!(copy.figures(), times.figures());
    }

    #[test]
    fn figures_and_counts_agree() {
        let mut times = Times::default();
        assert_eq!((times.figures(), times.counts()), (Figures::default(), Vec::new()));
        for ns in [100, 100, 100, 7_000] {
            times.record(ns);
        }
        let Figures { count, p50_ns, p99_ns, p999_ns, max_ns } = times.figures();
        assert_eq!((count, p50_ns, p99_ns), (4, 100, max_ns));
        assert_eq!(p999_ns, max_ns);
        assert_eq!(times.counts(), [(100, 3), (max_ns, 1)]);
    }
}
