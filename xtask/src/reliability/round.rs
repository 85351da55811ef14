//! One life and death: start, random commands, the blow, and what the chips have recorded of it.

use super::kind::Kind;
use super::plant::{DIRECTION, FORWARD, LOCK_NS, LOOP, OTHER, PERIOD_NS, Plant, REVERSE, Run, Side};
use super::random::Random;
use crate::judge::{After, Event, Group, exclusion, late, ms};
use runtime::clock::monotonic_ns;
use runtime::io::file_chip::{Change, Failing};
use rustix::process::Signal;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

const MS: u64 = 1_000_000;
/// Longest time from the start of the program to the blow.
const LIFE_NS: u64 = 250 * MS;
/// A controller that is not gone so long after the blow hangs: the ordered end of one with a broken chip takes 5 s.
const END_LIMIT_NS: u64 = 20_000 * MS;
/// How long the commands go on changing after the end: whoever might still be there has reason to write.
const AFTER_NS: u64 = 5 * MS;
/// A process that was stopped and continued in time is asked to end so long after.
const SURVIVED_NS: u64 = 300 * MS;
/// "Input/output error" of errno.h.
const EIO: i32 = 5;
/// The group, with times that are not cut off: an ON counts from before its write, an OFF from after it.
const GROUP: Group<'_> = Group { members: &["fwd", "rev"], lock_ns: LOCK_NS, step_ns: 0 };

/// What came of a round.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Something was on when the blow fell.
    pub energised: bool,
    /// From the blow to the last OFF.
    pub latency_ns: Option<u64>,
    /// It went on living, as it should, because it was continued in time.
    pub survived: bool,
    /// It ended by itself before the blow.
    pub early: bool,
    /// Lines left on by intent: both processes are dead, or the chip takes no write.
    pub left_on: u32,
    /// What must not be.
    pub findings: Vec<String>,
}

/// What was done to it, and when.
#[derive(Debug)]
struct Blow {
    /// Not later than the blow.
    at_ns: u64,
    /// The chip that was struck, where it is one.
    side: Side,
    /// It takes effect with this number of reads of the near chip or of writes of the struck one; seen when `at_ns` is final.
    takes_effect: u64,
    took_effect: bool,
    /// The scan process was surely dead.
    dead_ns: Option<u64>,
    /// A chip that takes no write any more.
    broken: Option<Side>,
    /// When a stopped process is continued.
    continue_ns: Option<u64>,
}

impl Blow {
    /// A failure that the product or a chip brings by itself shows in the reads or writes: the blow was not before the last look
    /// without it. An injected one comes a period after the last sound scan.
    fn look(&mut self, plant: &Plant, kind: Kind, now_ns: u64) {
        let (count, later_ns) = match kind {
            Kind::Hang | Kind::Panic => (plant.near.counts().reads, PERIOD_NS),
            Kind::WriteError => (plant.chip(self.side).counts().writes, 0),
            Kind::ScanKilled
            | Kind::GuardianKilled
            | Kind::Stopped
            | Kind::EndlessLoop
            | Kind::ChipGone
            | Kind::BothKilled => return,
        };
        self.took_effect |= count >= self.takes_effect;
        if !self.took_effect {
            self.at_ns = now_ns + later_ns;
        }
    }
}

/// Runs a round.
///
/// # Errors
/// The controller cannot be started or does not end.
pub fn run(plant: &Plant, kind: Kind, random: &mut Random) -> Result<Verdict, String> {
    // An injected failure comes 10 to 60 scans after the start.
    let scan = 10 + random.below(50);
    // The scan before it is the last that reads.
    let takes_effect = plant.near.counts().reads + scan - 1;
    let mut run = plant.start(kind.injection(scan))?;
    let side = if random.below(2) == 0 { Side::Near } else { Side::Far };
    let at_ns = monotonic_ns();
    let mut blow =
        Blow { at_ns, side, takes_effect, took_effect: false, dead_ns: None, broken: None, continue_ns: None };
    let struck_ns = blow.at_ns + random.below(LIFE_NS);
    let mut early = false;
    if kind.injection(0).is_none() {
        while monotonic_ns() < struck_ns && !early {
            command(plant, random)?;
            pause(random, struck_ns);
            early = run.ended()?.is_some();
        }
        strike(plant, kind, &run, random, &mut blow)?;
    }
    let status = await_end(plant, kind, &mut run, random, &mut blow)?;
    let mut verdict = judge(plant, kind, &run, &blow);
    verdict.early = early;
    verdict.survived = kind == Kind::Stopped && status.code() == Some(0);
    if !early && !verdict.survived {
        verdict.findings.extend(wrong_end(kind, status));
    }
    if early {
        // Nothing was done to it: only the group counts.
        verdict.latency_ns = None;
        verdict.energised = false;
    }
    if !verdict.findings.is_empty() {
        verdict.findings.push(format!("the product said:\n{}", run.log()));
    }
    Ok(verdict)
}

/// Gives another command: forward, reverse, both or neither.
fn command(plant: &Plant, random: &mut Random) -> Result<(), String> {
    let bits = [1 << FORWARD, 1 << REVERSE, 0, 1 << FORWARD | 1 << REVERSE];
    let choice = usize::try_from(random.below(8)).unwrap_or(0);
    // Both and neither come seldom, so that most of the time something is on or waits.
    let bits = bits.get(choice).or(bits.get(choice % 2)).copied().unwrap_or(0);
    plant.drive(1 << FORWARD | 1 << REVERSE, bits)
}

/// Waits 1 to 60 ms, at most until then.
fn pause(random: &mut Random, until_ns: u64) {
    let wait_ns = MS + random.below(59 * MS);
    let left_ns = until_ns.saturating_sub(monotonic_ns());
    std::thread::sleep(Duration::from_nanos(wait_ns.min(left_ns)));
}

fn strike(plant: &Plant, kind: Kind, run: &Run, random: &mut Random, blow: &mut Blow) -> Result<(), String> {
    let side = blow.side;
    blow.at_ns = monotonic_ns();
    match kind {
        Kind::ScanKilled => run.signal_scan(Signal::KILL),
        Kind::GuardianKilled => run.signal_guardian(Signal::KILL),
        Kind::BothKilled => run.kill_both(),
        Kind::Stopped => {
            run.signal_scan(Signal::STOP);
            // Up to three times the heartbeat limit.
            blow.continue_ns = Some(blow.at_ns + random.below(600 * MS));
        }
        Kind::EndlessLoop => plant.drive(1 << LOOP, 1 << LOOP)?,
        Kind::WriteError => {
            // One, two or three writes, or every one from now on.
            let count = [1, 2, 3, u32::MAX].get(usize::try_from(random.below(4)).unwrap_or(0)).copied().unwrap_or(1);
            blow.takes_effect = plant.chip(side).counts().writes + 1;
            plant.chip(side).fail(Failing::Writes(EIO, count));
            blow.broken = (count == u32::MAX).then_some(side);
        }
        Kind::ChipGone => {
            plant.chip(side).fail(Failing::Gone);
            blow.broken = Some(side);
        }
        // The product does it by itself.
        Kind::Hang | Kind::Panic => {}
    }
    if matches!(kind, Kind::ScanKilled | Kind::BothKilled) && run.scan_is_dead(5000) {
        blow.dead_ns = Some(monotonic_ns());
    }
    Ok(())
}

/// Commands go on changing until both processes are gone, and a little longer.
fn await_end(
    plant: &Plant,
    kind: Kind,
    run: &mut Run,
    random: &mut Random,
    blow: &mut Blow,
) -> Result<ExitStatus, String> {
    let limit_ns = monotonic_ns() + END_LIMIT_NS;
    let (mut next_ns, mut asked) = (0, false);
    let mut over_ns = None;
    let mut status = None;
    loop {
        let now_ns = monotonic_ns();
        blow.look(plant, kind, now_ns);
        if now_ns >= next_ns {
            command(plant, random)?;
            next_ns = now_ns + MS + random.below(59 * MS);
        }
        if blow.continue_ns.is_some_and(|at_ns| now_ns >= at_ns) {
            run.signal_scan(Signal::CONT);
            blow.continue_ns = None;
            next_ns = now_ns;
        }
        let alive_ns = now_ns.saturating_sub(blow.at_ns);
        if kind == Kind::Stopped && !asked && alive_ns > 600 * MS + SURVIVED_NS {
            run.signal_guardian(Signal::TERM);
            asked = true;
        }
        if status.is_none() {
            status = run.ended()?;
        }
        if run.scan_is_dead(0) && blow.dead_ns.is_none() {
            blow.dead_ns = Some(now_ns);
        }
        if let (Some(status), Some(_)) = (status, blow.dead_ns) {
            if now_ns > *over_ns.get_or_insert(now_ns) + AFTER_NS {
                return Ok(status);
            }
        } else if now_ns > limit_ns {
            return Err(format!("{}: the controller does not end:\n{}", kind.name(), run.log()));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Has it ended as it must?
fn wrong_end(kind: Kind, status: ExitStatus) -> Option<String> {
    let right = match kind.exit_code() {
        Some(code) => status.code() == Some(code),
        None => status.signal() == Some(Signal::KILL.as_raw()),
    };
    (!right).then(|| format!("it ended with {status}"))
}

/// What the chips have recorded of this run.
fn judge(plant: &Plant, kind: Kind, run: &Run, blow: &Blow) -> Verdict {
    let near = plant.near.changes_after(run.since[0]);
    let far = plant.far.changes_after(run.since[1]);
    let events = events(&near, &far);
    let mut verdict = Verdict { findings: exclusion(&events, GROUP), ..Verdict::default() };
    let guardian = i32::try_from(run.guardian_pid()).unwrap_or(0);
    verdict.findings.extend(
        events.iter().filter(|e| e.on && e.writer == guardian).map(|e| format!("the guardian wrote {} ON", e.line)),
    );
    let dead_ns = blow.dead_ns.unwrap_or(u64::MAX);
    verdict.findings.extend(match kind {
        Kind::ScanKilled | Kind::BothKilled | Kind::Stopped | Kind::EndlessLoop | Kind::Hang => {
            late(&events, dead_ns, After::Nothing)
        }
        Kind::GuardianKilled | Kind::Panic | Kind::ChipGone => late(&events, blow.at_ns, After::OneScan),
        // The scan in which the failure was set may end, and the next one is the first that can fail.
        Kind::WriteError => late(&events, blow.at_ns, After::OneScan),
    });
    if matches!(kind, Kind::ChipGone) {
        // Its lines are gone with it; nobody knows their levels.
        let broken = blow.broken;
        verdict
            .findings
            .retain(|finding| !broken.is_some_and(|side| on_side(side).iter().any(|l| finding.starts_with(l))));
    }
    verdict.energised = was_on(&events, blow.at_ns);
    let offs = events.iter().filter(|e| !e.on && e.t_ns > blow.at_ns);
    verdict.latency_ns = offs.map(|e| e.t_ns - blow.at_ns).max().filter(|_| verdict.energised);
    for (side, levels) in [(Side::Near, plant.near.levels()), (Side::Far, plant.far.levels())] {
        let on = (levels & (1 << DIRECTION | 1 << OTHER)).count_ones();
        if kind == Kind::BothKilled || blow.broken == Some(side) {
            verdict.left_on += on;
        } else if on > 0 {
            let lines: Vec<_> = on_side(side)
                .iter()
                .zip([DIRECTION, OTHER])
                .filter(|(_, l)| levels >> l & 1 == 1)
                .map(|(n, _)| *n)
                .collect();
            verdict.findings.push(format!("left on: {}", lines.join(", ")));
        }
    }
    verdict
}

const fn on_side(side: Side) -> [&'static str; 2] {
    match side {
        Side::Near => ["fwd", "main"],
        Side::Far => ["rev", "lamp"],
    }
}

/// Edges of outputs in the order of time, as [`GROUP`] takes them.
fn events(near: &[Change], far: &[Change]) -> Vec<Event> {
    let mut events = Vec::new();
    for (side, changes) in [(Side::Near, near), (Side::Far, far)] {
        for change in changes {
            for (line, on) in change.edges() {
                let [direction, other] = on_side(side);
                let line = match line {
                    DIRECTION => direction,
                    OTHER => other,
                    _ => continue,
                };
                let t_ns = if on { change.from_ns } else { change.until_ns };
                let writer = change.pid.and_then(|pid| i32::try_from(pid).ok()).unwrap_or(-1);
                events.push(Event { t_ns, line: line.to_owned(), on, was_on: !on, writer });
            }
        }
    }
    events.sort_by_key(|event| event.t_ns);
    events
}

/// Was any output on at this time?
fn was_on(events: &[Event], at_ns: u64) -> bool {
    ["fwd", "main", "rev", "lamp"].iter().any(|line| {
        let mut before = events.iter().filter(|e| e.t_ns <= at_ns && e.line == *line);
        before.next_back().is_some_and(|e| e.on)
    })
}

/// A latency in words, for tables.
pub fn in_ms(time_ns: u64) -> String {
    format!("{:.3}", ms(time_ns))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(number: u64, t_ms: u64, before: u32, after: u32) -> Change {
        Change { number, from_ns: t_ms * MS, until_ns: t_ms * MS + 500_000, before, after, pid: Some(7) }
    }

    #[test]
    fn changes_become_events_that_leave_no_excuse() {
        let near = [change(1, 10, 0, 1 << DIRECTION | 1), change(2, 20, 1 << DIRECTION | 1, 0)];
        let far = [change(1, 15, 0, 1 << OTHER)];
        let events = events(&near, &far);
        let seen: Vec<_> = events.iter().map(|e| (e.line.as_str(), e.on, e.t_ns)).collect();
        // An ON from before its write, an OFF from after it; inputs are no outputs.
        assert_eq!(seen, [("fwd", true, 10 * MS), ("lamp", true, 15 * MS), ("fwd", false, 20 * MS + 500_000)]);
        assert!(was_on(&events, 12 * MS) && was_on(&events, 30 * MS) && !was_on(&events, 9 * MS));
    }

    #[test]
    fn a_lock_across_two_chips_that_is_short_by_the_time_of_a_write_is_found() {
        let near = [change(1, 0, 0, 1 << DIRECTION), change(2, 10, 1 << DIRECTION, 0)];
        let sound = [change(1, 44, 0, 1 << DIRECTION)];
        assert!(exclusion(&events(&near, &sound), GROUP).is_empty());
        // 43.6 - 10.5 ms: enough from before the OFF's write, not from after it.
        let short = [Change { from_ns: 43_600_000, ..change(1, 43, 0, 1 << DIRECTION) }];
        assert_eq!(exclusion(&events(&near, &short), GROUP).len(), 1);
        let together = [change(1, 5, 0, 1 << DIRECTION)];
        assert!(exclusion(&events(&near, &together), GROUP)[0].contains("together"));
    }
}
