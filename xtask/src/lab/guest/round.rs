//! One round of a kill series: start, run, blow, end, and what the trace says of it.

use super::bench::{Bench, now_ns};
use super::killer::Killer;
use super::product::{Product, Start, is_gone};
use super::series::{Kind, Random};
use crate::judge::{Event, Group, exclusion};
use rustix::process::{Pid, Signal};

const MS: u64 = 1_000_000;
/// The blow falls within so long after the first scan.
const RUN_NS: u64 = 250 * MS;
/// One round in eight is struck while it starts, within so long after the process was made.
const START_NS: u64 = 200 * MS;
/// Longest time to the first scan, and from the blow to the end of all processes.
const LIMIT_NS: u64 = 20_000 * MS;
/// Inputs change after so long at most.
const FLIP_NS: u64 = 60 * MS;
/// A stopped process that was continued so long ago, and still scans, has survived.
const SURVIVAL_NS: u64 = 700 * MS;

/// series.io.yaml and reverse.io.yaml: surely open after (drop-out 4 ms + bounce 5 ms) + 50 %, then 20 ms. The trace cuts times off
/// at microseconds.
pub const MOTOR: Group<'_> = Group { members: &["fwd", "rev"], lock_ns: 33_500_000, step_ns: 1_000 };

/// How a round ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// By the blow.
    Struck,
    /// It went on in spite of the blow, and was stopped in order.
    Survived,
    /// Before the blow.
    EndedEarly,
}

/// One round.
#[derive(Debug)]
pub struct Round {
    kind: Kind,
    number: usize,
    product: Product,
    /// The first process, and the second one as soon as it was seen.
    first: Option<Pid>,
    scan: Option<Pid>,
    random: Random,
    begun_ns: u64,
    running: bool,
    ordered: bool,
    /// When the blow is due.
    due_ns: Option<u64>,
    next_flip_ns: u64,
    /// When it fell, and when it was over.
    pub blow_ns: Option<u64>,
    /// See [`super::killer::Struck`].
    pub blow_over_ns: u64,
    stopping: bool,
    /// It did not come to its first scan in time, and was killed.
    pub stalled: bool,
    exit_code: Option<i32>,
    /// Writes to the lines of this controller, from the start on.
    pub events: Vec<Event>,
    troubles: Vec<String>,
}

impl Round {
    /// Starts a product.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn begin(bench: &mut Bench, kind: Kind, number: usize, random: u64) -> Result<Self, String> {
        let mut random = Random::new(random);
        for input in ["fwd_cmd", "rev_cmd", "loop_cmd"] {
            bench.input.drive(&format!("{input}{number}"), false)?;
        }
        bench.input.drive(&format!("enable{number}"), true)?;
        let (program, map) = kind.files();
        let panic_at = format!("panic@{}", 10 + random.next() % 60);
        let inject = (kind == Kind::Panic).then_some(panic_at.as_str());
        let product = Product::spawn(bench, Start { number, program, map, before: &[], inject })?;
        let begun_ns = now_ns();
        let early = random.next().is_multiple_of(8) && kind.blow(0).is_some();
        let due_ns = early.then(|| begun_ns + random.below(START_NS));
        Ok(Self {
            kind,
            number,
            first: product.pid(),
            product,
            scan: None,
            random,
            begun_ns,
            running: false,
            ordered: false,
            due_ns,
            next_flip_ns: 0,
            blow_ns: None,
            blow_over_ns: 0,
            stopping: false,
            stalled: false,
            exit_code: None,
            events: Vec::new(),
            troubles: Vec::new(),
        })
    }

    /// Goes on as far as it can. `Some` when the round is over.
    ///
    /// # Errors
    /// The bench fails.
    pub fn step(&mut self, bench: &mut Bench, killer: &Killer) -> Result<Option<Verdict>, String> {
        bench.take_events(self.number, &mut self.events);
        let now = now_ns();
        self.notice_start(now);
        self.flip_inputs(bench, now)?;
        self.strike(bench, killer, now)?;
        if self.ended()? {
            // The blow may have been struck since.
            if self.ordered {
                self.strike(bench, killer, now)?;
            }
            bench.look()?;
            bench.take_events(self.number, &mut self.events);
            if let Err(why) = bench.released(self.number) {
                self.troubles.push(why);
            }
            bench.take_events(self.number, &mut self.events);
            return Ok(Some(match self.blow_ns {
                None => Verdict::EndedEarly,
                Some(_) if self.was_starved() => Verdict::EndedEarly,
                Some(_) if self.stopping => Verdict::Survived,
                Some(_) => Verdict::Struck,
            }));
        }
        self.lose_patience(now);
        Ok(None)
    }

    /// Gives back what the next round needs.
    ///
    /// # Errors
    /// The chip cannot be plugged again.
    pub fn clear_away(&mut self, bench: &mut Bench) -> Result<(), String> {
        if self.kind == Kind::Unplugged && self.blow_ns.is_some() {
            bench.plug_far(self.number, true)?;
        }
        Ok(())
    }

    fn notice_start(&mut self, now: u64) {
        if self.running || !self.events.iter().any(|event| event.on && event.line.starts_with("main")) {
            return;
        }
        self.running = true;
        self.scan = self.product.children().into_iter().next();
        // A product that panics does so in the scan it was told.
        let run_ns = if self.kind == Kind::Panic { 0 } else { self.random.below(RUN_NS) };
        self.due_ns.get_or_insert(now + run_ns);
    }

    fn flip_inputs(&mut self, bench: &Bench, now: u64) -> Result<(), String> {
        if !self.running || now < self.next_flip_ns {
            return Ok(());
        }
        self.next_flip_ns = now + self.random.below(FLIP_NS);
        // Forward and reverse are likelier than neither and both.
        let (fwd, rev) = match self.random.next() % 8 {
            0 => (false, false),
            1 => (true, true),
            2..=4 => (true, false),
            _ => (false, true),
        };
        bench.input.drive(&format!("fwd_cmd{}", self.number), fwd)?;
        bench.input.drive(&format!("rev_cmd{}", self.number), rev)
    }

    fn strike(&mut self, bench: &mut Bench, killer: &Killer, now: u64) -> Result<(), String> {
        if self.blow_ns.is_none() && self.ordered {
            // What was ordered for an earlier product, which did not wait for it, is of no interest.
            if let Some(struck) = killer.report().filter(|struck| Some(struck.product) == self.first) {
                self.blow_ns = Some(struck.before_ns);
                self.blow_over_ns = struck.after_ns;
                self.scan = struck.scan.or(self.scan);
            }
            return Ok(());
        }
        let Some(due_ns) = self.due_ns.filter(|_| !self.ordered) else { return Ok(()) };
        let Some(first) = self.first else { return Ok(()) };
        if let Some(blow) = self.kind.blow(self.random.next()) {
            self.ordered = true;
            return killer.order(due_ns, first, blow);
        }
        if now < due_ns {
            return Ok(());
        }
        self.ordered = true;
        self.blow_ns = Some(now);
        match self.kind {
            Kind::EndlessLoop => bench.input.drive(&format!("loop_cmd{}", self.number), true)?,
            Kind::Unplugged => bench.plug_far(self.number, false)?,
            // The product strikes itself, in the scan it was told.
            Kind::Panic => {}
            Kind::ScanKilled | Kind::GuardianKilled | Kind::Stopped | Kind::BothKilled => {}
        }
        self.blow_over_ns = now_ns();
        Ok(())
    }

    /// True when every process of the product is gone.
    fn ended(&mut self) -> Result<bool, String> {
        let Some(status) = self.product.ended()? else { return Ok(false) };
        self.exit_code = status.code();
        Ok(self.scan.is_none_or(is_gone))
    }

    fn lose_patience(&mut self, now: u64) {
        let Some(blow_ns) = self.blow_ns else {
            if now > self.begun_ns + LIMIT_NS {
                // A host that gives the guest no time must not end a series of thousands; the tally says how often.
                self.stalled = true;
                self.product.kill_all(self.scan.or_else(|| self.product.children().into_iter().next()));
            }
            return;
        };
        if self.kind == Kind::Stopped && !self.stopping && now > self.blow_over_ns + SURVIVAL_NS {
            self.stopping = true;
            // It may have ended in this very moment.
            let _ = self.product.signal(Signal::TERM);
        }
        if now > blow_ns + LIMIT_NS {
            self.troubles.push(format!("a process is left {} s after the blow", LIMIT_NS / 1_000_000_000));
            self.product.kill_all(self.scan);
            self.scan = None;
        }
    }

    /// True if the host gave the guest so little time that this round was over before the blow could mean anything: killed by the
    /// laboratory, or ended by the guardian for want of a heartbeat that no blow of this kind takes away.
    fn was_starved(&self) -> bool {
        let hangs = matches!(self.kind, Kind::Stopped | Kind::EndlessLoop);
        self.stalled || (!hangs && self.product.says("\"code\":\"F41\""))
    }

    /// The guardian's first write after the blow.
    pub fn guardian_wrote_ns(&self) -> Option<u64> {
        let (guardian, blow_ns) = (self.first?.as_raw_nonzero().get(), self.blow_ns?);
        self.events.iter().find(|event| event.writer == guardian && event.t_ns > blow_ns).map(|event| event.t_ns)
    }

    /// True if an output was on when the blow fell.
    pub fn was_energised(&self) -> bool {
        let Some(blow_ns) = self.blow_ns else { return false };
        let mut on: Vec<&str> = Vec::new();
        for event in self.events.iter().filter(|event| event.t_ns <= blow_ns) {
            on.retain(|line| *line != event.line);
            if event.on {
                on.push(&event.line);
            }
        }
        !on.is_empty()
    }

    /// From the blow to the last line that somebody wrote off.
    pub fn last_off_after_blow(&self) -> Option<u64> {
        let blow_ns = self.blow_ns?;
        let offs = self.events.iter().filter(|event| event.is_edge() && !event.on && event.writer != 0);
        offs.map(|event| event.t_ns).filter(|t| *t >= blow_ns).max().map(|t| t - blow_ns)
    }

    /// Everything that must not be.
    pub fn findings(&self, kind: Kind, verdict: Verdict) -> Vec<String> {
        let mut findings = self.troubles.clone();
        findings.extend(exclusion(&self.events, MOTOR));
        if verdict != Verdict::Struck {
            return findings;
        }
        findings.extend(kind.late_writes(self));
        let released = self.events.iter().filter(|event| event.writer == 0).map(|event| event.line.as_str());
        // A chip that was unplugged takes its lines with it.
        let left: Vec<&str> = released.filter(|line| !(kind == Kind::Unplugged && line.starts_with("lamp"))).collect();
        if kind.someone_writes() && !left.is_empty() {
            findings.push(format!("left to the kernel instead of written off: {}", left.join(", ")));
        }
        if self.running && self.exit_code != kind.exit_code() {
            findings.push(format!(
                "exit code {:?} instead of {:?}:\n{}",
                self.exit_code,
                kind.exit_code(),
                self.last_words()
            ));
        }
        findings
    }

    fn last_words(&self) -> String {
        let log = self.product.log();
        let lines: Vec<&str> = log.lines().collect();
        lines.get(lines.len().saturating_sub(4)..).unwrap_or_default().join("\n")
    }
}
