//! How late the scan wakes up, beside cyclictest with the same period and priority, run in turn on this machine.

use std::process::{Command, Stdio};

/// Both run at this SCHED_FIFO priority (plcrun's default) and this period.
const PRIORITY: u32 = 60;
const PERIOD_US: u32 = 1_000;
/// Longest latency cyclictest keeps apart; longer ones count as its overflow.
const HISTOGRAM_US: u32 = 20_000;

/// Percentiles of one run, in microseconds.
struct Latency {
    p50_us: f64,
    p99_us: f64,
    p999_us: f64,
    max_us: f64,
    /// Scans that ended after their deadline; only plcrun counts them.
    overruns: Option<String>,
}

/// Measures `pairs` times `seconds` of each.
///
/// # Errors
/// A command that cannot be run, or whose output says nothing.
pub fn run(seconds: u32, pairs: u32) -> Result<(), String> {
    crate::command("cargo", &["build", "--release", "--quiet", "--package", "plcrun"], &[])?;
    println!("wake-up latency, microseconds: {pairs} x {seconds} s, period {PERIOD_US} us, SCHED_FIFO {PRIORITY}\n");
    println!("| run | program    |    p50 |    p99 |  p99.9 |     max | overruns |");
    println!("|----:|------------|-------:|-------:|-------:|--------:|---------:|");
    for pair in 1..=pairs {
        row(pair, "plcrun", &plcrun(seconds)?);
        match cyclictest(seconds)? {
            Some(latency) => row(pair, "cyclictest", &latency),
            None => println!("cyclictest is not installed (Debian package rt-tests): nothing to compare with"),
        }
    }
    Ok(())
}

fn row(pair: u32, name: &str, latency: &Latency) {
    let Latency { p50_us, p99_us, p999_us, max_us, overruns } = latency;
    let overruns = overruns.as_deref().unwrap_or("");
    println!("| {pair:3} | {name:10} | {p50_us:6.1} | {p99_us:6.1} | {p999_us:6.1} | {max_us:7.1} | {overruns:>8} |");
}

fn output(command: &mut Command) -> Result<Option<String>, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    match command.stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => Ok(Some(String::from_utf8_lossy(&output.stdout).into_owned())),
        Ok(output) => Err(format!("{name} ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr))),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(format!("cannot run {name}: {e}")),
    }
}

fn plcrun(seconds: u32) -> Result<Latency, String> {
    let mut command = Command::new("target/release/plcrun");
    let text = output(command.args(["programs/start_stop.ld", "--scan", "1ms", "--for", &format!("{seconds}s")]))?
        .ok_or("target/release/plcrun is missing")?;
    summary(&text).ok_or(format!("no wake-up line in what plcrun printed:\n{text}"))
}

/// From the summary: `wake-up    p50 35.1 us  p99 49.9 us  p99.9 88.0 us  max 203 us` and `overruns   0, 0 scans left out`.
fn summary(text: &str) -> Option<Latency> {
    let line = text.lines().find_map(|l| l.strip_prefix("wake-up"))?;
    let words: Vec<&str> = line.split_whitespace().collect();
    let after = |name: &str| {
        let at = words.iter().position(|w| *w == name)?;
        let number: f64 = words.get(at + 1)?.parse().ok()?;
        let unit_us = match *words.get(at + 2)? {
            "ns" => 0.001,
            "us" => 1.0,
            "ms" => 1e3,
            "s" => 1e6,
            _ => return None,
        };
        Some(number * unit_us)
    };
    let overruns = text.lines().find_map(|l| l.strip_prefix("overruns")).and_then(|l| l.split(',').next());
    Some(Latency {
        p50_us: after("p50")?,
        p99_us: after("p99")?,
        p999_us: after("p99.9")?,
        max_us: after("max")?,
        overruns: overruns.map(|o| o.trim().to_owned()),
    })
}

fn cyclictest(seconds: u32) -> Result<Option<Latency>, String> {
    let mut command = Command::new("cyclictest");
    command.args(["--mlockall", "--quiet", "--policy=fifo", "--threads=1"]);
    command.args([format!("--priority={PRIORITY}"), format!("--interval={PERIOD_US}")]);
    command.args([format!("--duration={seconds}"), format!("--histogram={HISTOGRAM_US}")]);
    let Some(text) = output(&mut command)? else { return Ok(None) };
    histogram(&text).map(Some).ok_or(format!("no histogram in what cyclictest printed:\n{text}"))
}

/// Rows `latency count`, then `# Max Latencies: 00203`.
fn histogram(text: &str) -> Option<Latency> {
    let row = |l: &str| {
        let mut words = l.split_whitespace().map(str::parse::<u64>);
        Some((words.next()?.ok()?, words.next()?.ok()?))
    };
    let rows: Vec<(u64, u64)> = text.lines().filter(|l| !l.starts_with('#')).filter_map(row).collect();
    let total: u64 = rows.iter().map(|r| r.1).sum();
    let percentile = |per_mille: u64| {
        let wanted = total.saturating_mul(per_mille).div_ceil(1000);
        let mut seen = 0;
        rows.iter().find(|(_, count)| {
            seen += count;
            seen >= wanted
        })
    };
    let max = text.lines().find_map(|l| l.strip_prefix("# Max Latencies:"))?.trim().parse().ok()?;
    #[allow(clippy::cast_precision_loss)] // microseconds far below 2^53
    let us = |row: Option<&(u64, u64)>| row.map(|r| r.0 as f64);
    Some(Latency {
        p50_us: us(percentile(500))?,
        p99_us: us(percentile(990))?,
        p999_us: us(percentile(999))?,
        max_us: max,
        overruns: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_is_read() {
        let text = "scan time  p50 4 us  p99 8 us  p99.9 9 us  max 28 us\nwake-up    p50 35.1 us  p99 1.5 ms  p99.9 2 ms  max 203 us\noverruns   2, 0 scans left out\n";
        let latency = summary(text).unwrap();
        assert_eq!((latency.p50_us, latency.p99_us, latency.p999_us, latency.max_us), (35.1, 1500.0, 2000.0, 203.0));
        assert_eq!(latency.overruns.as_deref(), Some("2"));
        assert!(summary("nothing").is_none());
    }

    #[test]
    fn the_histogram_is_read() {
        let text = "# /dev/cpu_dma_latency set to 0us\n# Histogram\n000002 000010\n000003 000089\n000040 000001\n# Total: 000000100\n# Max Latencies: 00040\n";
        let latency = histogram(text).unwrap();
        assert_eq!((latency.p50_us, latency.p99_us, latency.p999_us, latency.max_us), (3.0, 3.0, 40.0, 40.0));
    }
}
