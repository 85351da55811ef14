//! What came of many rounds: findings, and the distribution of the times from the blow to the last OFF.

use super::kind::Kind;
use super::round::{Verdict, in_ms};
use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// Longest latency the histogram tells apart: longer than any round.
const LATENCY_MAX_NS: u64 = 60_000_000_000;
/// Findings told of one series.
const TOLD: usize = 5;

/// Three digits of everything up to a minute.
#[expect(clippy::expect_used, reason = "the bounds are constants that the histogram takes")]
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_MAX_NS, 3).expect("constant bounds")
}

/// A series.
#[derive(Debug)]
pub struct Tally {
    rounds: u64,
    energised: u64,
    survived: u64,
    early: u64,
    left_on: u64,
    within: u64,
    latency_ns: Histogram<u64>,
    /// The round with the longest latency, and that latency.
    worst: Option<(u32, u64)>,
    findings: Vec<(u32, String)>,
    expected_ns: Option<u64>,
}

impl Tally {
    /// An empty tally with the expected latency.
    pub fn of(expected_ns: Option<u64>) -> Self {
        Self {
            rounds: 0,
            energised: 0,
            survived: 0,
            early: 0,
            left_on: 0,
            within: 0,
            latency_ns: histogram(),
            worst: None,
            findings: Vec::new(),
            expected_ns,
        }
    }

    /// Takes a round in.
    pub fn add(&mut self, round: u32, verdict: Verdict) {
        self.rounds += 1;
        self.energised += u64::from(verdict.energised);
        self.survived += u64::from(verdict.survived);
        self.early += u64::from(verdict.early);
        self.left_on += u64::from(verdict.left_on > 0);
        if let Some(latency_ns) = verdict.latency_ns.filter(|_| !verdict.survived) {
            self.latency_ns.saturating_record(latency_ns);
            self.within += u64::from(self.expected_ns.is_some_and(|limit_ns| latency_ns <= limit_ns));
            if self.worst.is_none_or(|(_, worst_ns)| latency_ns > worst_ns) {
                self.worst = Some((round, latency_ns));
            }
        }
        self.findings.extend(verdict.findings.into_iter().map(|finding| (round, finding)));
    }

    /// The first rows of the table.
    pub fn head() -> String {
        let head = format!(
            "{:<22} {:>6} {:>5} {:>8}  {:>9} {:>9} {:>9} {:>9}  {:>9} {:>7}  {}",
            "series",
            "rounds",
            "on",
            "findings",
            "p50 ms",
            "p99 ms",
            "p99.9 ms",
            "max ms",
            "expected",
            "within",
            "remarks"
        );
        format!("\n{head}\n{}", "-".repeat(head.len() + 12))
    }

    /// Its row.
    pub fn row(&self, kind: Kind) -> String {
        let quantile = |q: f64| {
            if self.latency_ns.is_empty() { "-".to_owned() } else { in_ms(self.latency_ns.value_at_quantile(q)) }
        };
        let timed = self.latency_ns.len();
        let within = match self.expected_ns {
            // At most some thousand rounds: exact.
            Some(_) if timed > 0 => format!("{:.1} %", self.within as f64 * 100.0 / timed as f64),
            Some(_) | None => "-".to_owned(),
        };
        format!(
            "{:<22} {:>6} {:>5} {:>8}  {:>9} {:>9} {:>9} {:>9}  {:>9} {:>7}  {}",
            kind.name(),
            self.rounds,
            self.energised,
            self.findings.len(),
            quantile(0.5),
            quantile(0.99),
            quantile(0.999),
            self.worst.map_or_else(|| "-".to_owned(), |(_, worst_ns)| in_ms(worst_ns)),
            self.expected_ns.map_or_else(|| "-".to_owned(), in_ms),
            within,
            self.remarks()
        )
    }

    fn remarks(&self) -> String {
        let worst = self.worst.map(|(round, _)| format!("worst: round {round}"));
        let told = [
            (self.survived, "continued in time and went on"),
            (self.early, "ended before the blow"),
            (self.left_on, "left lines on that nobody could write"),
        ];
        let told = told.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
        worst.into_iter().chain(told).collect::<Vec<_>>().join("; ")
    }

    /// The same for machines.
    pub fn json(&self, kind: Kind) -> Value {
        let quantile = |q: f64| self.latency_ns.value_at_quantile(q);
        json!({
            "series": kind.name(),
            "rounds": self.rounds,
            "energised": self.energised,
            "continued_in_time": self.survived,
            "ended_before": self.early,
            "left_on": self.left_on,
            "findings": self.findings.iter().map(|(round, text)| json!({ "round": round, "text": text })).collect::<Vec<_>>(),
            "latency_ns": {
                "count": self.latency_ns.len(), "p50": quantile(0.5), "p90": quantile(0.9), "p99": quantile(0.99),
                "p999": quantile(0.999), "max": self.worst.map(|(_, ns)| ns), "worst_round": self.worst.map(|(round, _)| round),
                "expected": self.expected_ns, "within": self.within,
            },
        })
    }

    /// What must not be, in words that let one repeat it. Too many rounds that ended by themselves say nothing of the blow.
    pub fn findings(&self, kind: Kind, seed: u64) -> Vec<String> {
        let told = self.findings.iter().take(TOLD);
        let mut told: Vec<String> =
            told.map(|(round, text)| format!("{}, seed {seed}, round {round}: {text}", kind.name())).collect();
        if self.findings.len() > TOLD {
            told.push(format!("{}: {} more findings are in the report", kind.name(), self.findings.len() - TOLD));
        }
        if self.early * 10 > self.rounds {
            told.push(format!(
                "{}: {} of {} rounds ended before the blow: the machine is too busy to say anything",
                kind.name(),
                self.early,
                self.rounds
            ));
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(latency_ms: u64) -> Verdict {
        Verdict { energised: true, latency_ns: Some(latency_ms * 1_000_000), ..Verdict::default() }
    }

    #[test]
    fn a_series_is_one_row_with_its_worst_round() {
        let mut tally = Tally::of(Kind::ScanKilled.expected_ns());
        (0..9).for_each(|round| tally.add(round, verdict(1)));
        tally.add(9, verdict(40));
        let row = tally.row(Kind::ScanKilled);
        assert!(row.contains("40.000") && row.contains("90.0 %") && row.contains("worst: round 9"), "{row}");
        assert!(tally.findings(Kind::ScanKilled, 1).is_empty(), "a late OFF is reported and decides nothing");
        assert_eq!(tally.json(Kind::ScanKilled)["latency_ns"]["within"], 9);
    }

    #[test]
    fn findings_say_how_to_repeat_them() {
        let mut tally = Tally::of(None);
        let findings = vec!["left on: fwd".to_owned()];
        tally.add(3, Verdict { findings, ..Verdict::default() });
        assert_eq!(tally.findings(Kind::Panic, 7), ["panic injected, seed 7, round 3: left on: fwd"]);
        tally.add(4, Verdict { early: true, ..Verdict::default() });
        assert!(tally.findings(Kind::Panic, 7)[1].contains("too busy"));
    }
}
