//! What was measured, for people and for machines.

use super::cyclictest::{self, Distribution, Outcome};
use super::holds::{MARGIN, Worst};
use super::lines;
use super::svg::{Panel, Series, picture};
use super::{scans, wakeup};
use crate::table::{aligned, exact_time, grouped, short_time};
use runtime::clock::NS_PER_US;
use runtime::rt::RtSettings;
use runtime::scan::{Figures, Times};
use runtime::store::moment::{wall_now_ns, wall_text};
use serde_json::{Value, json};

/// The machine figures belong to.
#[derive(Clone, Debug)]
pub struct Host {
    /// Name of the processor, as the kernel has it.
    pub processor: String,
    /// CPUs this process may use.
    pub cpus: usize,
    /// Release of the kernel.
    pub kernel: String,
    /// When, in words.
    pub date: String,
}

impl Host {
    /// This machine, now.
    #[must_use]
    pub fn of_this_machine() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let cpuinfo = read("/proc/cpuinfo");
        let named = |key: &str| {
            let line = cpuinfo.lines().find(|line| line.starts_with(key))?;
            Some(line.split_once(':')?.1.trim().to_owned()).filter(|name| !name.is_empty())
        };
        Self {
            processor: named("model name")
                .or_else(|| named("Model"))
                .unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            date: wall_text(wall_now_ns()),
        }
    }

    /// In one line.
    #[must_use]
    pub fn words(&self) -> String {
        let Self { processor, cpus, kernel, date } = self;
        format!("{processor}, {cpus} CPUs, Linux {kernel}, {date}")
    }
}

/// What became of the real lines.
#[derive(Clone, Debug)]
pub enum Lines {
    /// The map has none on GPIO chips.
    Simulated,
    /// It has, and they were not touched; why.
    Untouched(String),
    /// They were measured.
    Measured(Box<lines::Measured>),
}

/// Everything.
#[derive(Clone, Debug)]
pub struct Report {
    /// Files of the program.
    pub files: String,
    /// The machine.
    pub host: Host,
    /// Time between two scans.
    pub period_ns: u64,
    /// Real-time settings of the map.
    pub rt: RtSettings,
    /// Units a scan may spend.
    pub budget: u64,
    /// Scans with random inputs.
    pub count: u32,
    /// Where the random inputs began.
    pub seed: u64,
    /// Word of the load, and its processes.
    pub load: (&'static str, usize),
    /// One for each engine.
    pub scans: Vec<scans::Measured>,
    /// Wake-up latency.
    pub wakeup: Option<wakeup::Measured>,
    /// The same of cyclictest.
    pub cyclictest: Option<Outcome>,
    /// Real lines.
    pub lines: Lines,
}

impl Report {
    /// The worst of everything a scan of this engine waits for.
    #[must_use]
    pub fn worst(&self, scans: &scans::Measured) -> Worst {
        let lines = match &self.lines {
            Lines::Measured(lines) => (lines.read.max_ns(), lines.write.max_ns()),
            Lines::Simulated | Lines::Untouched(_) => (0, 0),
        };
        Worst {
            wake_ns: self.wakeup.as_ref().map_or(0, |w| w.stats.wake_latency.max_ns()),
            read_ns: lines.0,
            scan_ns: scans.scan.max_ns(),
            write_ns: lines.1,
        }
    }

    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let cell = |name: &str, value: String| vec![name.to_owned(), value];
        let (load, processes) = self.load;
        let load = if processes == 0 { load.to_owned() } else { format!("{load}, {processes} processes") };
        let mut rows = vec![
            cell("program", format!("{}, a scan every {}", self.files, exact_time(self.period_ns))),
            cell("host", self.host.words()),
            cell("inputs", format!("random, seed {}, {} scans", self.seed, grouped(self.count.into()))),
        ];
        if self.wakeup.is_some() {
            rows.push(cell("load", load));
        }
        if cfg!(debug_assertions) {
            rows.push(cell("build", "not optimised: its figures say nothing about a release".to_owned()));
        }
        let mut text = aligned(&rows);
        text.push('\n');
        text.push_str(&aligned(&self.times()));
        text.push('\n');
        text.push_str(&aligned(&self.remarks()));
        text
    }

    fn times(&self) -> Vec<Vec<String>> {
        let mut rows = vec![["", "p50", "p99", "p99.9", "max"].map(str::to_owned).to_vec()];
        let mut row = |name: String, figures: Figures| {
            let Figures { count, p50_ns, p99_ns, p999_ns, max_ns } = figures;
            if count > 0 {
                let mut cells = vec![name];
                cells.extend([p50_ns, p99_ns, p999_ns, max_ns].map(short_time));
                rows.push(cells);
            }
        };
        for scans in &self.scans {
            row(format!("program, {}", scans.engine), scans.program.figures());
            row(format!("scan, {}", scans.engine), scans.scan.figures());
        }
        if let Some(wakeup) = &self.wakeup {
            row("wake-up, plcrun".to_owned(), wakeup.stats.wake_latency.figures());
        }
        if let Some(Outcome::Measured(latency)) = &self.cyclictest {
            row("wake-up, cyclictest".to_owned(), figures_of(latency));
        }
        if let Some(wakeup) = &self.wakeup {
            row("jitter, plcrun".to_owned(), wakeup.stats.jitter.figures());
        }
        if let Lines::Measured(lines) = &self.lines {
            row(format!("reading {} lines", lines.inputs), lines.read.figures());
            row(format!("writing {} lines", lines.outputs), lines.write.figures());
        }
        rows
    }

    fn remarks(&self) -> Vec<Vec<String>> {
        let cell = |name: &str, value: String| vec![name.to_owned(), value];
        let mut rows = Vec::new();
        for scans in &self.scans {
            rows.push(cell("worst scan", self.worst_words(scans)));
            if let Some(first) = &scans.first_fault {
                let times = grouped(scans.faults.into());
                rows.push(cell("faults", format!("the inputs led to {times} with {}, first: {first}", scans.engine)));
            }
        }
        rows.extend(self.start_up().into_iter().map(|words| cell("start-up", words)));
        if let Some(wakeup) = &self.wakeup {
            if let Some(early) = &wakeup.early {
                rows.push(cell(
                    "wake-up",
                    format!("ended early by {early}, after {} scans", grouped(wakeup.stats.scans)),
                ));
            }
            let stats = &wakeup.stats;
            rows.push(cell("overruns", format!("{} of {} scans", grouped(stats.overruns), grouped(stats.scans))));
        }
        match &self.cyclictest {
            Some(Outcome::Missing) => {
                rows.push(cell(
                    "cyclictest",
                    format!("not installed, so there is nothing to compare with: {}", cyclictest::INSTALL),
                ));
            }
            Some(Outcome::Failed(why)) => rows.push(cell("cyclictest", format!("failed: {why}"))),
            Some(Outcome::Measured(_)) | None => {}
        }
        rows.push(match &self.lines {
            Lines::Simulated => cell(
                "lines",
                "simulated: this map has no line on a GPIO chip, so reading and writing cost nothing here".to_owned(),
            ),
            Lines::Untouched(why) => cell("lines", format!("not touched: {why}")),
            Lines::Measured(lines) => {
                cell("lines", format!("{}; every load was off all the time", lines.chips.join(", ")))
            }
        });
        rows.extend(self.scans.iter().map(|scans| cell("period", self.period_words(scans))));
        rows
    }

    fn worst_words(&self, scans: &scans::Measured) -> String {
        let scans::Worst { scan, units, median_ns, max_ns } = scans.worst;
        let budget = self.budget.max(1);
        #[allow(clippy::cast_precision_loss, reason = "a percentage for people")]
        let share = 100.0 * units as f64 / budget as f64;
        format!(
            "{}: number {} spends {} of {} units ({share:.1} %); run again and again its programs take {}, at most {}",
            scans.engine,
            grouped(scan.into()),
            grouped(units),
            grouped(self.budget),
            short_time(median_ns),
            short_time(max_ns),
        )
    }

    fn period_words(&self, scans: &scans::Measured) -> String {
        let worst = self.worst(scans);
        let parts = [
            ("wake-up", worst.wake_ns),
            ("reading", worst.read_ns),
            ("scan", worst.scan_ns),
            ("writing", worst.write_ns),
        ];
        let parts: Vec<String> =
            parts.iter().filter(|(_, ns)| *ns > 0).map(|(name, ns)| format!("{name} {}", short_time(*ns))).collect();
        let holds = worst
            .period_ns()
            .map_or_else(|| "no scan period".to_owned(), |ns| format!("a scan every {}", exact_time(ns)));
        let own = exact_time(self.period_ns);
        let fits = if worst.fits(self.period_ns) { format!("{own} fits") } else { format!("{own} is too short") };
        let unmeasured = if self.wakeup.is_none() { "; wake-up latency was not measured" } else { "" };
        format!(
            "{}: this box holds {holds} ({MARGIN} x the worst seen, {}, rounded up to 1, 2 or 5); {fits}{unmeasured}",
            scans.engine,
            parts.join(" + ")
        )
    }

    /// What the scan threads asked of the system, and what they got.
    fn start_up(&self) -> Vec<String> {
        let refused = self.scans.iter().flat_map(|s| &s.findings).chain(self.wakeup.iter().flat_map(|w| &w.findings));
        let mut words: Vec<String> = Vec::new();
        for finding in refused.map(ToString::to_string) {
            if !words.contains(&finding) {
                words.push(finding);
            }
        }
        if words.is_empty() { vec![granted(self.rt)] } else { words }
    }

    /// For machines: one object.
    #[must_use]
    pub fn json(&self) -> Value {
        let engines: Vec<Value> = self.scans.iter().map(|scans| self.engine_json(scans)).collect();
        let wakeup = self.wakeup.as_ref().map(|w| {
            json!({
                "engine": w.engine, "load": self.load.0, "seconds": w.settings.seconds, "priority": w.settings.rt.priority,
                "real_time": w.settings.real_time, "latency": w.stats.wake_latency.figures(),
                "jitter": w.stats.jitter.figures(), "overruns": w.stats.overruns, "scans": w.stats.scans,
                "ended_early": w.early,
            })
        });
        let cyclictest = match &self.cyclictest {
            Some(Outcome::Measured(latency)) => json!({ "latency": figures_of(latency) }),
            Some(Outcome::Missing) => json!({ "missing": cyclictest::INSTALL }),
            Some(Outcome::Failed(why)) => json!({ "failed": why }),
            None => Value::Null,
        };
        let lines = match &self.lines {
            Lines::Simulated => json!("simulated"),
            Lines::Untouched(why) => json!({ "untouched": why }),
            Lines::Measured(l) => {
                json!({ "chips": l.chips, "inputs": l.inputs, "outputs": l.outputs, "read": l.read.figures(), "write": l.write.figures() })
            }
        };
        let Host { processor, cpus, kernel, date } = &self.host;
        json!({
            "files": self.files, "optimised_build": !cfg!(debug_assertions),
            "host": { "processor": processor, "cpus": cpus, "kernel": kernel, "date": date },
            "period_ns": self.period_ns, "budget": self.budget, "seed": self.seed, "scans": self.count, "margin": MARGIN,
            "engines": engines, "wakeup": wakeup, "cyclictest": cyclictest, "lines": lines, "start_up": self.start_up(),
        })
    }

    fn engine_json(&self, scans: &scans::Measured) -> Value {
        let (worst, sum) = (scans.worst, self.worst(scans));
        json!({
            "engine": scans.engine, "load_ns": scans.load_ns, "program": scans.program.figures(), "scan": scans.scan.figures(),
            "worst": { "scan": worst.scan, "units": worst.units, "p50_ns": worst.median_ns, "max_ns": worst.max_ns },
            "faults": scans.faults, "first_fault": scans.first_fault,
            "worst_sum_ns": sum.sum_ns(), "holds_period_ns": sum.period_ns(), "own_period_fits": sum.fits(self.period_ns),
        })
    }

    /// As a picture: scans of each engine, wake-up latency beside cyclictest.
    #[must_use]
    pub fn svg(&self) -> String {
        let series = |name: String, times: &Times| Series { name, rows: times.counts() };
        let both = |s: &scans::Measured| {
            [series(format!("program, {}", s.engine), &s.program), series(format!("scan, {}", s.engine), &s.scan)]
        };
        let scans = self.scans.iter().flat_map(both).collect();
        let mut wake: Vec<Series> =
            self.wakeup.iter().map(|w| series("plcrun".to_owned(), &w.stats.wake_latency)).collect();
        if let Some(Outcome::Measured(latency)) = &self.cyclictest {
            let rows = latency.rows.iter().map(|(us, count)| (us * NS_PER_US, *count)).collect();
            wake.push(Series { name: "cyclictest".to_owned(), rows });
        }
        let panels = [
            Panel { title: "time per scan, random inputs".to_owned(), series: scans },
            Panel { title: format!("wake-up latency, load {}", self.load.0), series: wake },
        ];
        picture(&format!("{}: {}", self.files, self.host.words()), &panels)
    }
}

fn figures_of(latency: &Distribution) -> Figures {
    let at = |per_mille| latency.quantile_us(per_mille) * NS_PER_US;
    let count = latency.rows.iter().map(|row| row.1).sum();
    Figures { count, p50_ns: at(500), p99_ns: at(990), p999_ns: at(999), max_ns: latency.max_us * NS_PER_US }
}

/// What was asked for, where all of it was granted.
fn granted(rt: RtSettings) -> String {
    let mut granted = Vec::new();
    if rt.priority > 0 {
        granted.push(format!("SCHED_FIFO {}", rt.priority));
        granted.push(format!("idle CPUs awake within {} us", rt.cpu_latency_us));
    }
    if rt.lock_memory {
        granted.push("memory brought in and locked".to_owned());
    }
    if let Some(cpu) = rt.cpu {
        granted.push(format!("CPU {cpu}"));
    }
    if granted.is_empty() {
        return "nothing was asked of the system (`rt:` in the map)".to_owned();
    }
    format!("granted, and looked at: {}", granted.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::bench::wakeup::Settings;
    use runtime::rt::{RtCode, RtFinding};
    use runtime::scan::Stats;

    fn times(list: &[u64]) -> Times {
        let mut times = Times::default();
        list.iter().for_each(|ns| times.record(*ns));
        times
    }

    fn report() -> Report {
        let scans = scans::Measured {
            engine: "interpreter",
            load_ns: 5,
            program: times(&[3_000, 3_000]),
            scan: times(&[4_000, 40_000]),
            worst: scans::Worst { scan: 77, units: 500, median_ns: 3_100, max_ns: 3_900 },
            findings: Vec::new(),
            faults: 0,
            first_fault: None,
        };
        let mut stats = Stats { scans: 1000, ..Stats::default() };
        stats.wake_latency.record(60_000);
        let settings = Settings { rt: RtSettings::default(), real_time: true, period_ns: 1_000_000, seconds: 5 };
        Report {
            files: "a.ld".into(),
            host: Host { processor: "P".into(), cpus: 2, kernel: "6.1".into(), date: "today".into() },
            period_ns: 1_000_000,
            rt: RtSettings::default(),
            budget: 100_000,
            count: 100,
            seed: 9,
            load: ("cpu", 2),
            scans: vec![scans],
            wakeup: Some(wakeup::Measured {
                engine: "interpreter",
                findings: Vec::new(),
                settings,
                stats,
                early: None,
            }),
            cyclictest: Some(Outcome::Missing),
            lines: Lines::Simulated,
        }
    }

    fn has(text: &str, part: &str) {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }

    #[test]
    fn people_read_times_the_worst_scan_and_the_period_with_its_rule() {
        let text = report().text();
        has(&text, "inputs   random, seed 9, 100 scans\n");
        has(&text, "load     cpu, 2 processes\n");
        has(&text, "number 77 spends 500 of 100 000 units (0.5 %)");
        has(&text, "granted, and looked at: SCHED_FIFO 60, idle CPUs awake within 0 us, memory brought in and locked");
        has(&text, "not installed, so there is nothing to compare with: `apt install rt-tests`");
        has(&text, "simulated: this map has no line on a GPIO chip");
        // 60 and 40 us, twice: 200 us; the histogram's last per cent takes it to the next of the row.
        has(&text, "this box holds a scan every 500 us (2 x the worst seen, wake-up 60.");
        has(&text, "1 ms fits");
    }

    #[test]
    fn what_was_refused_or_not_measured_is_told() {
        let mut report = report();
        let finding = RtFinding { code: RtCode::Priority, cause: "no".into() };
        if let Some(wakeup) = &mut report.wakeup {
            wakeup.findings.push(finding);
        }
        report.cyclictest = Some(Outcome::Failed("exit 1: no".into()));
        report.period_ns = 100_000;
        let text = report.text();
        has(&text, "start-up    T001: the scan thread did not get its real-time priority (no)");
        has(&text, "cyclictest  failed: exit 1: no");
        has(&text, "100 us is too short");
        report.wakeup = None;
        has(&report.text(), "wake-up latency was not measured");
    }

    #[test]
    fn machines_read_the_same() {
        let mut report = report();
        let latency = Distribution { rows: vec![(2, 998), (50, 2)], max_us: 51 };
        report.cyclictest = Some(Outcome::Measured(latency));
        let json = report.json();
        assert_eq!(json.pointer("/engines/0/holds_period_ns"), Some(&json!(500_000)));
        assert_eq!(json.pointer("/cyclictest/latency/p999_ns"), Some(&json!(50_000)));
        assert_eq!(json.pointer("/cyclictest/latency/p50_ns"), Some(&json!(2_000)));
        assert_eq!(json.pointer("/seed"), Some(&json!(9)));
        let svg = report.svg();
        let document = roxmltree::Document::parse(&svg).unwrap();
        assert_eq!(document.descendants().filter(|n| n.has_tag_name("path")).count(), 4);
    }
}
