//! Software debounce, one filter per input.
//!
//! A changed level counts when it has been read for the debounce time without interruption. Stop inputs are asymmetric:
//! FALSE, an open stop contact, counts at the first sample. The first sample after start counts as it is. Times are
//! measured times, so a late scan never shortens a filter.

/// The filter of one input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Debounce {
    time_ns: u64,
    stop: bool,
    /// The level that counts; `None` before the first sample.
    level: Option<bool>,
    /// Since when the other level has been read.
    other_since_ns: Option<u64>,
}

impl Debounce {
    /// A filter with this time; `stop` makes FALSE count at once.
    #[must_use]
    pub const fn new(time_ns: u64, stop: bool) -> Self {
        Self { time_ns, stop, level: None, other_since_ns: None }
    }

    /// The level that counts; `None` before the first sample.
    #[must_use]
    pub const fn level(&self) -> Option<bool> {
        self.level
    }

    /// Takes a sample and gives the level that counts now.
    pub fn sample(&mut self, raw: bool, now_ns: u64) -> bool {
        let Some(level) = self.level else {
            self.level = Some(raw);
            return raw;
        };
        if raw == level {
            self.other_since_ns = None;
            return level;
        }
        let since_ns = *self.other_since_ns.get_or_insert(now_ns);
        let at_once = self.stop && !raw;
        if at_once || now_ns.saturating_sub(since_ns) >= self.time_ns {
            self.level = Some(raw);
            self.other_since_ns = None;
            return raw;
        }
        level
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(filter: &mut Debounce, samples: &[(u64, bool)]) -> Vec<bool> {
        samples.iter().map(|(t, raw)| filter.sample(*raw, *t)).collect()
    }

    #[test]
    fn without_time_every_sample_counts() {
        let mut filter = Debounce::new(0, false);
        assert_eq!(run(&mut filter, &[(0, false), (1, true), (2, false)]), [false, true, false]);
    }

    #[test]
    fn a_change_counts_after_its_time_and_bounce_starts_again() {
        let mut filter = Debounce::new(20, false);
        let samples =
            [(0, false), (10, true), (20, false), (30, true), (40, true), (50, true), (60, false), (80, false)];
        assert_eq!(run(&mut filter, &samples), [false, false, false, false, false, true, true, false]);
    }

    #[test]
    fn a_stop_opens_at_once_and_closes_late() {
        let mut filter = Debounce::new(20, true);
        let samples = [(0, true), (10, false), (20, true), (30, true), (40, true)];
        assert_eq!(run(&mut filter, &samples), [true, false, false, false, true]);
    }
}
