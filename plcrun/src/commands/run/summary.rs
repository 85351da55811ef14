//! What stands below a run: how it ended, timing, and operations and used life of each relay.

use crate::table::{aligned, exact_time, grouped, moment, short_time, used_life};
use relay::{Life, Wear};
use runtime::io::expander::Counters;
use runtime::scan::{Figures, Stats, Times};

/// One channel's line.
#[derive(Clone, Debug)]
pub struct ChannelRow {
    /// Name of the channel.
    pub name: String,
    /// Name of its data sheet.
    pub relay: Option<String>,
    /// What it did.
    pub wear: Wear,
    /// What it is made for.
    pub life: Life,
}

/// Everything the summary says.
#[derive(Debug)]
pub struct Summary<'a> {
    /// How it ended, such as `stopped by SIGTERM`.
    pub ended: String,
    /// When, in nanoseconds since start.
    pub at_ns: u64,
    /// Scans in which the program ran.
    pub scans: u64,
    /// Time between two scans.
    pub tick_ns: u64,
    /// Timing and counters.
    pub stats: &'a Stats,
    /// False in virtual time: nothing was measured.
    pub measured: bool,
    /// One for each channel, in configuration order.
    pub channels: Vec<ChannelRow>,
    /// Name and counters of each port expander.
    pub expanders: Vec<(String, Counters)>,
}

impl Summary<'_> {
    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("{} after {}\n", self.ended, moment(self.at_ns));
        text.push_str(&aligned(&self.timing()));
        if !self.channels.is_empty() {
            text.push('\n');
            text.push_str(&aligned(&self.channel_rows()));
        }
        text
    }

    fn timing(&self) -> Vec<Vec<String>> {
        let stats = self.stats;
        let cell = |name: &str, value: String| vec![name.to_owned(), value];
        let mut rows = vec![cell("scans", format!("{}, every {}", grouped(self.scans), exact_time(self.tick_ns)))];
        if self.measured {
            rows.push(cell("scan time", percentiles(&stats.scan_time)));
            rows.push(cell("wake-up", percentiles(&stats.wake_latency)));
            rows.push(cell("jitter", percentiles(&stats.jitter)));
            rows.push(cell("overruns", format!("{}, {} scans left out", stats.overruns, stats.skipped)));
        } else {
            rows.push(cell("time", "virtual: nothing was measured".to_owned()));
        }
        for (name, counters) in &self.expanders {
            let Counters { reads, failures, returns, late, starts } = *counters;
            let reads = grouped(reads);
            let text = format!(
                "{reads} readings, failed {failures} times, came back {returns} times, too old {late} times, set up {starts} times"
            );
            rows.push(cell(name, text));
        }
        if stats.messages_lost > 0 {
            rows.push(cell("lost", format!("{} messages to the log and trace found no room", stats.messages_lost)));
        }
        rows
    }

    fn channel_rows(&self) -> Vec<Vec<String>> {
        let mut rows = vec![["channel", "relay", "operations", "too short", "used life"].map(str::to_owned).to_vec()];
        for channel in &self.channels {
            rows.push(vec![
                channel.name.clone(),
                channel.relay.clone().unwrap_or_else(|| "none".to_owned()),
                grouped(channel.wear.operations()),
                grouped(channel.wear.short_pulses),
                if channel.relay.is_some() { used_life(&channel.wear, &channel.life) } else { "-".to_owned() },
            ]);
        }
        rows
    }

    /// For machines: one log line for the run and one for each channel.
    pub fn log(&self) {
        let stats = self.stats;
        let ended = self.ended.as_str();
        let t_us = self.at_ns / 1000;
        let (scans, overruns, skipped) = (self.scans, stats.overruns, stats.skipped);
        if self.measured {
            let scan = stats.scan_time.figures();
            let wake = stats.wake_latency.figures();
            let jitter = stats.jitter.figures();
            tracing::info!(
                kind = "summary",
                t_us,
                ended,
                scans,
                overruns,
                skipped,
                scan_p50_ns = scan.p50_ns,
                scan_p99_ns = scan.p99_ns,
                scan_p999_ns = scan.p999_ns,
                scan_max_ns = scan.max_ns,
                wake_p50_ns = wake.p50_ns,
                wake_p99_ns = wake.p99_ns,
                wake_p999_ns = wake.p999_ns,
                wake_max_ns = wake.max_ns,
                jitter_p50_ns = jitter.p50_ns,
                jitter_p99_ns = jitter.p99_ns,
                jitter_p999_ns = jitter.p999_ns,
                jitter_max_ns = jitter.max_ns,
                lost = stats.messages_lost,
                "summary"
            );
        } else {
            tracing::info!(kind = "summary", t_us, ended, scans, overruns, skipped, "summary");
        }
        for (name, counters) in &self.expanders {
            let Counters { reads, failures, returns, late, starts } = *counters;
            tracing::info!(kind = "expander", name, reads, failures, returns, late, starts, "readings of {name}");
        }
        for channel in &self.channels {
            let used_permille = channel.wear.used_permille(&channel.life);
            tracing::info!(
                kind = "wear",
                name = channel.name,
                relay = channel.relay,
                loaded_operations = channel.wear.loaded_operations,
                unloaded_operations = channel.wear.unloaded_operations,
                short_pulses = channel.wear.short_pulses,
                used_permille,
                "wear of {}",
                channel.name
            );
        }
    }
}

/// `p50 3.20 us  p99 8.10 us  p99.9 12.0 us  max 20.0 us`.
#[must_use]
pub fn percentiles(times: &Times) -> String {
    let Figures { count: _, p50_ns, p99_ns, p999_ns, max_ns } = times.figures();
    let [p50, p99, p999, max] = [p50_ns, p99_ns, p999_ns, max_ns].map(short_time);
    format!("p50 {p50}  p99 {p99}  p99.9 {p999}  max {max}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(stats: &Stats, measured: bool) -> String {
        let life =
            Life { electrical: 50_000, mechanical: 5_000_000, loaded: true, above_gold: false, needs_gold: false };
        let wear = Wear { loaded_operations: 3, short_pulses: 1, ..Wear::default() };
        let channels = vec![
            ChannelRow { name: "fwd".into(), relay: Some("wago-859-386".into()), wear, life },
            ChannelRow { name: "lamp".into(), relay: None, wear: Wear::default(), life },
        ];
        Summary {
            ended: "stopped by SIGTERM".into(),
            at_ns: 12_340_000_000,
            scans: stats.scans,
            tick_ns: 10_000_000,
            stats,
            measured,
            channels,
            expanders: vec![("io1".into(), Counters { reads: 5000, failures: 2, returns: 1, late: 3, starts: 1 })],
        }
        .text()
    }

    #[test]
    fn people_read_scans_timing_operations_and_life() {
        let mut stats = Stats { scans: 1234, overruns: 2, skipped: 3, ..Stats::default() };
        stats.scan_time.record(3_200);
        stats.wake_latency.record(52_000);
        stats.jitter.record(7_000);
        let text = summary(&stats, true);
        assert!(text.starts_with("stopped by SIGTERM after 12.340 s\nscans      1 234, every 10 ms\n"), "{text}");
        assert!(text.contains("\noverruns   2, 3 scans left out\n"), "{text}");
        assert!(text.contains("\nscan time  p50 3.2"), "{text}");
        assert!(text.contains("\njitter     p50 7.0"), "{text}");
        assert!(
            text.contains(
                "\nio1        5 000 readings, failed 2 times, came back 1 times, too old 3 times, set up 1 times\n"
            ),
            "{text}"
        );
        assert!(text.contains("0.006 % of 50 000 loaded"), "{text}");
        assert!(text.contains("\nlamp     none          0           0          -\n"), "{text}");
    }

    #[test]
    fn virtual_time_shows_no_figures_of_this_machine() {
        let mut stats = Stats { scans: 10, ..Stats::default() };
        stats.scan_time.record(3_200);
        let text = summary(&stats, false);
        assert!(text.contains("virtual") && !text.contains("p50"), "{text}");
    }
}
