//! `cyclictest` of rt-tests with the scan's settings: what people who measure latency trust.

use super::wakeup::Settings;
use std::process::{Command, Stdio};

/// Longest latency it keeps apart, in microseconds; longer ones are known by the longest alone.
const HISTOGRAM_US: u32 = 100_000;

/// How to get it.
pub const INSTALL: &str = "`apt install rt-tests` on Debian and Ubuntu, `dnf install realtime-tests` on Fedora";

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Latencies in microseconds with how often each came, rising, and the longest.
    Measured(Distribution),
    /// It is not installed.
    Missing,
    /// It is, and did not do it.
    Failed(String),
}

/// Latencies in microseconds with how often each came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    /// Microseconds and count, rising.
    pub rows: Vec<(u64, u64)>,
    /// The longest.
    pub max_us: u64,
}

impl Distribution {
    /// The latency that this share of all, in thousandths, does not exceed.
    #[must_use]
    pub fn quantile_us(&self, per_mille: u64) -> u64 {
        let total: u64 = self.rows.iter().map(|row| row.1).sum();
        let wanted = total.saturating_mul(per_mille).div_ceil(1000);
        let mut seen = 0;
        let row = self.rows.iter().find(|(_, count)| {
            seen += count;
            seen >= wanted
        });
        row.map_or(self.max_us, |row| row.0)
    }
}

/// Runs it with equal settings: period, class, priority, CPU, locked memory, CPUs kept awake.
#[must_use]
pub fn run(settings: &Settings) -> Outcome {
    let mut command = Command::new("cyclictest");
    command.args(arguments(settings)).stdin(Stdio::null());
    match command.output() {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout);
            histogram(&text).map_or_else(|| Outcome::Failed("it printed no histogram".to_owned()), Outcome::Measured)
        }
        Ok(output) => {
            let words = String::from_utf8_lossy(&output.stderr);
            let first =
                words.lines().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing").trim().to_owned();
            Outcome::Failed(format!("{}: {first}", output.status))
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Outcome::Missing,
        Err(e) => Outcome::Failed(e.to_string()),
    }
}

/// Its arguments.
fn arguments(settings: &Settings) -> Vec<String> {
    let mut words: Vec<String> = ["--quiet", "--threads=1"].map(str::to_owned).to_vec();
    if settings.rt.lock_memory {
        words.push("--mlockall".to_owned());
    }
    if settings.real_time && settings.rt.priority > 0 {
        words.push("--policy=fifo".to_owned());
        words.push(format!("--priority={}", settings.rt.priority));
        words.push(format!("--latency={}", settings.rt.cpu_latency_us));
    } else {
        words.push("--policy=other".to_owned());
    }
    if let Some(cpu) = settings.rt.cpu {
        words.push(format!("--affinity={cpu}"));
    }
    words.push(format!("--interval={}", settings.period_ns / 1000));
    words.push(format!("--duration={}", settings.seconds));
    words.push(format!("--histogram={HISTOGRAM_US}"));
    words
}

/// Rows `latency count`, then `# Max Latencies: 00203`.
fn histogram(text: &str) -> Option<Distribution> {
    let row = |line: &str| {
        let mut words = line.split_whitespace().map(str::parse::<u64>);
        Some((words.next()?.ok()?, words.next()?.ok()?))
    };
    let rows: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).filter_map(row).filter(|r| r.1 > 0).collect();
    let max_us = text.lines().find_map(|line| line.strip_prefix("# Max Latencies:"))?.trim().parse().ok()?;
    (!rows.is_empty()).then_some(Distribution { rows, max_us })
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime::rt::RtSettings;

    #[test]
    fn its_histogram_is_read() {
        let text = "# /dev/cpu_dma_latency set to 0us\n# Histogram\n000001 000000\n000002 000010\n000003 000088\n000040 000002\n# Total: 000000100\n# Max Latencies: 00041\n";
        let read = histogram(text).unwrap();
        assert_eq!(read.rows, [(2, 10), (3, 88), (40, 2)]);
        assert_eq!((read.quantile_us(500), read.quantile_us(990), read.max_us), (3, 40, 41));
        assert_eq!(histogram("nothing"), None);
    }

    #[test]
    fn its_settings_are_the_scans() {
        let rt = RtSettings { priority: 55, cpu: Some(3), lock_memory: true, cpu_latency_us: 0 };
        let settings = Settings { rt, real_time: true, period_ns: 1_000_000, seconds: 60 };
        let words = arguments(&settings).join(" ");
        for word in ["--policy=fifo", "--priority=55", "--affinity=3", "--interval=1000", "--duration=60", "--mlockall"]
        {
            assert!(words.contains(word), "{words}");
        }
        // Where the scan did not get its class, neither does what it is compared with.
        let words = arguments(&Settings { real_time: false, ..settings }).join(" ");
        assert!(words.contains("--policy=other") && !words.contains("--priority"), "{words}");
    }
}
