//! How late the scan wakes up, beside cyclictest with the same period and priority, run in turn on this machine.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Both run at this SCHED_FIFO priority (plcrun's default) and this period.
const PRIORITY: u32 = 60;
const PERIOD_US: u32 = 1_000;
/// Longest latency cyclictest keeps apart; longer ones count as its overflow.
const HISTOGRAM_US: u32 = 20_000;

/// Percentiles of one run, in microseconds.
#[derive(Clone, Debug, PartialEq)]
struct Latency {
    p50_us: f64,
    p99_us: f64,
    p999_us: f64,
    max_us: f64,
    /// Scans that ended after their deadline; only plcrun counts them.
    overruns: Option<String>,
}

/// One run of plcrun.
#[derive(Clone, Debug, PartialEq)]
struct Run {
    /// What it said of itself; `None` where the run ended before it had anything to say.
    latency: Option<Latency>,
    /// Why it ended before its time, such as `fault[F10]: ...`. A host that takes the processor away for long enough is
    /// a fault, as it must be.
    early: Option<String>,
}

/// plcrun's exit code after a fault.
const FAULT: i32 = 3;

/// Measures `pairs` times `seconds` of each, of this plcrun or of one that is built. A pair in which plcrun ends early is told and counted, and the next one begins.
///
/// # Errors
/// A command that cannot be run, or whose output says nothing.
pub fn run(seconds: u32, pairs: u32, binary: Option<&Path>) -> Result<(), String> {
    let binary = binary.map_or_else(built, |binary| Ok(binary.to_owned()))?;
    println!("wake-up latency, microseconds: {pairs} x {seconds} s, period {PERIOD_US} us, SCHED_FIFO {PRIORITY}\n");
    println!("| run | program    |    p50 |    p99 |  p99.9 |     max | overruns |");
    println!("|----:|------------|-------:|-------:|-------:|--------:|---------:|");
    let mut table = Table::default();
    for pair in 1..=pairs {
        let run = plcrun(&binary, seconds)?;
        if let Some(latency) = &run.latency {
            row(pair, "plcrun", latency);
        }
        let other = cyclictest(seconds)?;
        if let Some(latency) = &other {
            row(pair, "cyclictest", latency);
        }
        table.add(pair, run, other);
    }
    print!("{}", table.conclusion());
    Ok(())
}

/// plcrun as it is released.
fn built() -> Result<PathBuf, String> {
    crate::command("cargo", &["build", "--release", "--quiet", "--package", "plcrun"], &[])?;
    let metadata = crate::metadata(false)?;
    let target = metadata.get("target_directory").and_then(serde_json::Value::as_str).unwrap_or("target");
    Ok(Path::new(target).join("release/plcrun"))
}

/// What all pairs come to.
#[derive(Debug, Default)]
struct Table {
    /// Pairs whose two runs lasted their time.
    whole: Vec<(Latency, Latency)>,
    /// Pairs in which plcrun ended before its time: which, and why.
    early: Vec<(u32, String)>,
    /// cyclictest was not found.
    alone: bool,
}

impl Table {
    fn add(&mut self, pair: u32, run: Run, other: Option<Latency>) {
        self.alone |= other.is_none();
        match (run, other) {
            (Run { early: Some(why), .. }, _) => self.early.push((pair, why)),
            (Run { latency: Some(latency), early: None }, Some(other)) => self.whole.push((latency, other)),
            (Run { early: None, .. }, _) => {}
        }
    }

    /// Medians over the whole pairs, and what became of the others.
    fn conclusion(&self) -> String {
        let mut text = String::new();
        for (pair, why) in &self.early {
            text.push_str(&format!(
                "\nrun {pair}: plcrun ended before its time, so this pair counts in no median: {why}\n"
            ));
        }
        if self.alone {
            text.push_str("\ncyclictest is not installed (Debian package rt-tests): nothing to compare with\n");
        }
        let column = |of: fn(&Latency) -> f64| {
            let pairs = || self.whole.iter().map(|(ours, theirs)| (of(ours), of(theirs)));
            let medians = (median(pairs().map(|p| p.0).collect())?, median(pairs().map(|p| p.1).collect())?);
            // The two of a pair had the same neighbours, as far as anybody can see to that.
            Some((medians, median(pairs().map(|(ours, theirs)| ours / theirs).collect())?))
        };
        let columns = [("p50", column(|l| l.p50_us)), ("p99", column(|l| l.p99_us)), ("p99.9", column(|l| l.p999_us))];
        for (name, medians) in columns {
            let Some(((ours, theirs), of_pairs)) = medians else { continue };
            let pairs = self.whole.len();
            let ratio = ours / theirs;
            text.push_str(&format!(
                "\n{name}, median of {pairs} pairs: plcrun {ours:.1}, cyclictest {theirs:.1}, ratio {ratio:.2}; \
                 of the ratios of the pairs {of_pairs:.2}"
            ));
        }
        let (early, all) = (self.early.len(), self.early.len() + self.whole.len());
        text.push_str(&format!("\n{early} of {all} pairs ended early\n"));
        text
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = *values.get(values.len().saturating_sub(1) / 2)?;
    Some(f64::midpoint(lower, upper))
}

fn row(pair: u32, name: &str, latency: &Latency) {
    let Latency { p50_us, p99_us, p999_us, max_us, overruns } = latency;
    let overruns = overruns.as_deref().unwrap_or("");
    println!("| {pair:3} | {name:10} | {p50_us:6.1} | {p99_us:6.1} | {p999_us:6.1} | {max_us:7.1} | {overruns:>8} |");
}

/// What a command printed; `None` where there is no such command.
fn output(command: &mut Command) -> Result<Option<Output>, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    match command.stdin(Stdio::null()).output() {
        Ok(output) => Ok(Some(output)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(format!("cannot run {name}: {e}")),
    }
}

fn plcrun(binary: &Path, seconds: u32) -> Result<Run, String> {
    let mut command = Command::new(binary);
    let output = output(command.args(["programs/start_stop.ld", "--scan", "1ms", "--for", &format!("{seconds}s")]))?
        .ok_or_else(|| format!("{} is missing", binary.display()))?;
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ended(output.status.code(), &text, &errors)
        .ok_or_else(|| format!("plcrun ended with {}: {errors}{text}", output.status))
}

/// What a run of plcrun was, from its exit code and what it printed; `None` where it was none.
fn ended(code: Option<i32>, text: &str, errors: &str) -> Option<Run> {
    let latency = summary(text);
    match code {
        Some(0) => Some(Run { latency: Some(latency?), early: None }),
        Some(FAULT) => {
            let fault = errors.lines().find(|l| l.starts_with("fault["))?.trim();
            let at = errors.lines().find_map(|l| l.trim().strip_prefix("in scan")).map(|at| format!(", in scan{at}"));
            Some(Run { latency, early: Some(format!("{fault}{}", at.unwrap_or_default())) })
        }
        Some(_) | None => None,
    }
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
    let Some(output) = output(&mut command)? else { return Ok(None) };
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        return Err(format!("cyclictest ended with {}: {errors}", output.status));
    }
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
    fn a_run_that_ends_with_a_fault_is_told_and_leaves_the_medians_alone() {
        let text = "fault F10 after 23.110 s\nwake-up    p50 12 us  p99 50 us  p99.9 110 ms  max 110 ms\noverruns   1, 110 scans left out\n";
        let errors = "fault[F10]: the scan ended too late\n  in scan 23000 at 23.110 s\n  blame: platform\n";
        let run = ended(Some(3), text, errors).unwrap();
        assert_eq!(run.early.as_deref(), Some("fault[F10]: the scan ended too late, in scan 23000 at 23.110 s"));
        assert_eq!(run.latency.as_ref().map(|l| l.max_us), Some(110_000.0));

        let steady = |p50_us| Latency { p50_us, p99_us: 20.0, p999_us: 30.0, max_us: 40.0, overruns: None };
        let mut table = Table::default();
        table.add(1, Run { latency: Some(steady(10.0)), early: None }, Some(steady(8.0)));
        table.add(2, run, Some(steady(1_000.0)));
        table.add(3, Run { latency: Some(steady(14.0)), early: None }, Some(steady(16.0)));
        let words = table.conclusion();
        assert!(words.contains("run 2: plcrun ended before its time"), "{words}");
        assert!(
            words.contains(
                "p50, median of 2 pairs: plcrun 12.0, cyclictest 12.0, ratio 1.00; of the ratios of the pairs 1.06"
            ),
            "{words}"
        );
        assert!(words.contains("1 of 3 pairs ended early"), "{words}");
    }

    #[test]
    fn a_run_that_was_none_is_no_row() {
        assert!(ended(Some(2), "", "error: no such file").is_none());
        assert!(ended(Some(3), "", "nothing is said of a fault").is_none());
        assert!(ended(None, "", "").is_none());
        assert!(ended(Some(0), "nothing measured", "").is_none());
    }

    #[test]
    fn the_histogram_is_read() {
        let text = "# /dev/cpu_dma_latency set to 0us\n# Histogram\n000002 000010\n000003 000089\n000040 000001\n# Total: 000000100\n# Max Latencies: 00040\n";
        let latency = histogram(text).unwrap();
        assert_eq!((latency.p50_us, latency.p99_us, latency.p999_us, latency.max_us), (3.0, 3.0, 40.0, 40.0));
    }
}
