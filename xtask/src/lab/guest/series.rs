//! The kill series: a forward/reverse program under load is struck at a random instant, thousands of times.
//!
//! Several controllers run side by side, each on lines of its own, with an ordinary process burning what CPU time is left.
//! Their inputs change at random all the time, also after the blow, so that whoever is still alive has reason to write.

use super::bench::{Bench, CONTROLLERS};
use super::killer::{Blow, Killer};
use super::product::INJECT;
use super::round::{Round, Verdict};
use super::{Stop, require};
use crate::judge::{After, late};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How often the controllers are looked after.
const STEP: Duration = Duration::from_millis(1);
/// At most so many findings are told.
const TOLD: usize = 10;

/// A kind of blow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// SIGKILL to the scan process.
    ScanKilled,
    /// SIGKILL to the guardian.
    GuardianKilled,
    /// SIGSTOP to the scan process, SIGCONT later.
    Stopped,
    /// A loop of the program that does not end.
    EndlessLoop,
    /// A panic on the scan thread.
    Panic,
    /// The controller's second chip goes away.
    Unplugged,
    /// SIGKILL to both processes.
    BothKilled,
}

impl Kind {
    /// Most rounds in one life of the kernel. Kernel 6.1 has numbers for 256 chips and gives that of an unplugged one back to nobody: after some 230
    /// rounds no chip can be made any more. Further rounds take another boot, with another seed.
    const fn rounds_of_a_boot(self) -> u32 {
        match self {
            Self::Unplugged => 200,
            Self::ScanKilled
            | Self::GuardianKilled
            | Self::Stopped
            | Self::EndlessLoop
            | Self::Panic
            | Self::BothKilled => u32::MAX,
        }
    }

    /// Program and map.
    pub const fn files(self) -> (&'static str, &'static str) {
        match self {
            Self::EndlessLoop => ("endless.ld", "endless.io.yaml"),
            Self::ScanKilled
            | Self::GuardianKilled
            | Self::Stopped
            | Self::Panic
            | Self::Unplugged
            | Self::BothKilled => ("reverse.ld", "series.io.yaml"),
        }
    }

    /// The blow of the killer, where it is one. `random` settles how long a process stays stopped: up to 0.6 s, three times
    /// the heartbeat limit.
    pub const fn blow(self, random: u64) -> Option<Blow> {
        match self {
            Self::ScanKilled => Some(Blow::KillScan),
            Self::GuardianKilled => Some(Blow::KillGuardian),
            Self::Stopped => Some(Blow::StopScan(random % 600_000_000)),
            Self::BothKilled => Some(Blow::KillBoth),
            Self::EndlessLoop | Self::Panic | Self::Unplugged => None,
        }
    }

    /// The exit code that must follow; `None` where the first process dies by a signal.
    pub const fn exit_code(self) -> Option<i32> {
        match self {
            Self::ScanKilled | Self::Stopped | Self::EndlessLoop | Self::Panic | Self::Unplugged => Some(3),
            Self::GuardianKilled | Self::BothKilled => None,
        }
    }

    /// True if somebody is left who must have written OFF, so that no line may be left to the kernel.
    pub const fn someone_writes(self) -> bool {
        !matches!(self, Self::BothKilled)
    }

    /// Controllers side by side. A loop that does not end keeps the only CPU until the guardian acts: beside it others would be
    /// starved, too.
    const fn side_by_side(self) -> usize {
        if matches!(self, Self::EndlessLoop) { 1 } else { CONTROLLERS }
    }

    /// What must not be written after the blow.
    pub fn late_writes(self, round: &Round) -> Vec<String> {
        let (events, blow) = (&round.events, round.blow_ns.unwrap_or(0));
        match self {
            Self::ScanKilled | Self::BothKilled => late(events, round.blow_over_ns, After::Nothing),
            Self::GuardianKilled | Self::Unplugged => late(events, blow, After::OneScan),
            // Until the limit the process may wake up and go on; from the guardian's first OFF on nobody may.
            Self::Stopped | Self::EndlessLoop => match round.guardian_wrote_ns() {
                Some(first_ns) => late(events, first_ns, After::Nothing),
                None => Vec::new(),
            },
            // The instant of a panic is known to the product only; its last writes must be OFF, which is looked at in any case.
            Self::Panic => Vec::new(),
        }
    }
}

/// What a series has found.
#[derive(Debug, Default)]
struct Tally {
    rounds: u32,
    /// Rounds in which something was on when the blow fell.
    energised: u32,
    /// Rounds that ended in order because the process was continued in time.
    survived: u32,
    /// Rounds that ended by themselves before the blow: a busy host starved them.
    early: u32,
    /// Of these: rounds that did not come to their first scan in time.
    stalled: u32,
    latencies_ns: Vec<u64>,
    findings: Vec<String>,
}

/// Runs a series of so many rounds (in full).
///
/// # Errors
/// A finding: what must not be was seen.
pub fn run(bench: &mut Bench, kind: Kind, full: u32) -> Result<(), Stop> {
    if kind == Kind::Panic && !Path::new(INJECT).exists() {
        return Err(Stop::LeftOut("this build of plcrun has no feature `inject`".to_owned()));
    }
    let rounds = bench.options.numbers.of(full).min(kind.rounds_of_a_boot());
    let mut load = load()?;
    let result = side_by_side(bench, kind, rounds);
    let _ = load.kill();
    let _ = load.wait();
    let tally = result?;
    tell(bench, &tally);
    require(tally.findings.is_empty(), || {
        let told: Vec<&str> = tally.findings.iter().take(TOLD).map(String::as_str).collect();
        format!("{} findings in {} rounds:\n{}", tally.findings.len(), tally.rounds, told.join("\n"))
    })?;
    // A fifth at most; of very few rounds two.
    require(tally.early * 5 <= tally.rounds.max(10), || {
        format!(
            "{} of {} rounds ended before the blow: the host is too busy to say anything",
            tally.early, tally.rounds
        )
    })
}

/// Burns what CPU time is left.
fn load() -> Result<Child, String> {
    let mut shell = Command::new("nice");
    shell.args(["-n", "19", "sh", "-c", "while :; do :; done"]).stdin(Stdio::null()).stdout(Stdio::null());
    shell.spawn().map_err(|e| format!("cannot start the load: {e}"))
}

fn side_by_side(bench: &mut Bench, kind: Kind, rounds: u32) -> Result<Tally, Stop> {
    let mut tally = Tally::default();
    let killers = (0..kind.side_by_side()).map(|_| Killer::start()).collect::<Result<Vec<_>, _>>()?;
    let mut random = Random::new(bench.options.seed);
    let mut running: Vec<Option<Round>> = killers.iter().map(|_| None).collect();
    let mut begun = 0;
    while tally.rounds < rounds {
        bench.look()?;
        for (number, (slot, killer)) in running.iter_mut().zip(&killers).enumerate() {
            if slot.is_none() && begun < rounds {
                *slot = Some(Round::begin(bench, kind, number, random.next())?);
                begun += 1;
            }
            let Some(round) = slot else { continue };
            if let Some(verdict) = round.step(bench, killer)? {
                tally.add(kind, round, verdict);
                round.clear_away(bench)?;
                *slot = None;
                if tally.rounds % (rounds / 10).max(1) == 0 {
                    bench.progress(tally.rounds, rounds)?;
                }
            }
        }
        std::thread::sleep(STEP);
    }
    Ok(tally)
}

impl Tally {
    fn add(&mut self, kind: Kind, round: &Round, verdict: Verdict) {
        self.rounds += 1;
        self.stalled += u32::from(round.stalled);
        match verdict {
            Verdict::Survived => self.survived += 1,
            Verdict::EndedEarly => self.early += 1,
            Verdict::Struck => {
                if round.was_energised() {
                    self.energised += 1;
                    // When a panic happens is known to the product only.
                    self.latencies_ns.extend(round.last_off_after_blow().filter(|_| kind != Kind::Panic));
                }
            }
        }
        let number = self.rounds;
        self.findings
            .extend(round.findings(kind, verdict).into_iter().map(|finding| format!("round {number}: {finding}")));
    }
}

fn tell(bench: &mut Bench, tally: &Tally) {
    let Tally { rounds, energised, survived, early, stalled, latencies_ns, .. } = tally;
    bench.facts.push(format!("{rounds} rounds, {energised} with an output on when the blow fell"));
    if *survived > 0 {
        bench.facts.push(format!("{survived} continued in time and went on"));
    }
    if *early > 0 {
        bench.facts.push(format!("{early} ended by themselves before the blow (the host starved them)"));
    }
    if *stalled > 0 {
        bench.facts.push(format!("{stalled} of these did not come to their first scan within 20 s"));
    }
    let mut sorted = latencies_ns.clone();
    sorted.sort_unstable();
    let at = |permille: usize| {
        let index = (sorted.len() * permille / 1000).min(sorted.len().saturating_sub(1));
        crate::judge::ms(sorted.get(index).copied().unwrap_or(0))
    };
    if !sorted.is_empty() {
        bench.facts.push(format!(
            "blow to last OFF, guest time: p50 {:.2} ms, p90 {:.2} ms, p99 {:.2} ms, worst {:.2} ms",
            at(500),
            at(900),
            at(990),
            at(1000)
        ));
    }
}

/// Numbers from a seed (xorshift64*): what is drawn repeats, the instants themselves depend on the host.
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

impl Random {
    /// From a seed.
    pub const fn new(seed: u64) -> Self {
        Self { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 }
    }

    /// The next number.
    pub const fn next(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A time below a limit.
    pub const fn below(&mut self, limit_ns: u64) -> u64 {
        self.next() % limit_ns
    }
}
