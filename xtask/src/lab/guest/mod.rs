//! Inside the guest: the first process makes the chips, starts the product as a user would, drives its inputs, and judges what the
//! kernel's trace says of its outputs. It has no part in the product and shares no memory with it.

mod bench;
mod chips;
mod death;
mod expander;
mod killer;
mod latched;
mod lines;
mod observer;
mod product;
mod refusals;
mod round;
mod running;
mod series;
mod steady;

use super::Options;
use super::report::{Line, Outcome, Verdict};
use bench::{Bench, now_ns};
use series::Kind;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// One thing the laboratory tries.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// What `--only` looks for.
    pub name: &'static str,
    /// What must be so, in a sentence.
    pub what: &'static str,
    /// Tries it.
    run: fn(&mut Bench) -> Result<(), Stop>,
}

/// Why a scenario did not come to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Something was not as it must be.
    Failed(String),
    /// It cannot be tried here.
    LeftOut(String),
}

impl From<String> for Stop {
    fn from(why: String) -> Self {
        Self::Failed(why)
    }
}

/// `Err(Failed)` unless it holds.
fn require(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), Stop> {
    if holds { Ok(()) } else { Err(Stop::Failed(otherwise())) }
}

/// Runs a tool of the host's system and gives back what it printed.
fn run_tool(program: &str, args: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(args).output().map_err(|e| format!("cannot run {program}: {e}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    Err(format!("{program} {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr).trim_end()))
}

/// Everything the laboratory tries, in this order.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "requested off",
        what: "the first process requests every output off, and nothing starts out of the past",
        run: running::requested_off,
    },
    Scenario {
        name: "forward and reverse",
        what: "the motor turns round through the dead time, on real lines",
        run: running::forward_and_reverse,
    },
    Scenario { name: "stop by SIGTERM", what: "outputs go off in order, exit code 0", run: running::stop_by_sigterm },
    Scenario { name: "stop by SIGINT", what: "outputs go off in order, exit code 0", run: running::stop_by_sigint },
    Scenario {
        name: "SIGHUP without a terminal",
        what: "a running program is not reloaded: it says so and goes on",
        run: running::sighup_without_terminal,
    },
    Scenario {
        name: "failed to close",
        what: "a contactor that does not follow is switched off and latched",
        run: running::failed_to_close,
    },
    Scenario {
        name: "welded",
        what: "a contactor that stays closed blocks the other and drops the cut-off",
        run: running::welded,
    },
    Scenario {
        name: "latched across a restart",
        what: "a welded contactor stays latched; `plcrun ack` is refused while it reads on, and recorded",
        run: latched::across_a_restart,
    },
    Scenario {
        name: "death in the fault log",
        what: "the next start knows how the scan process died",
        run: latched::death_is_logged,
    },
    Scenario {
        name: "chip unplugged",
        what: "a chip that goes away while running: the other chips go safe",
        run: running::chip_unplugged,
    },
    Scenario { name: "line in use", what: "refused, naming who uses it", run: refusals::line_in_use },
    Scenario { name: "unknown line", what: "refused with its name", run: refusals::unknown_line },
    Scenario { name: "unknown chip", what: "refused with the chips there are", run: refusals::unknown_chip },
    Scenario {
        name: "steady state",
        what: "no write ioctl, one read ioctl per chip and scan",
        run: steady::system_calls,
    },
    Scenario {
        name: "bench of the lines",
        what: "`plcrun bench` measures reading and writing the map's lines, and switches nothing on",
        run: lines::bench,
    },
    Scenario {
        name: "port expander",
        what: "a button and a lamp on the kernel's simulated I2C device; a device that was reset is started anew",
        run: expander::on_the_bus,
    },
    Scenario {
        name: "scan process killed",
        what: "the guardian writes OFF, says why, and ends with exit code 3",
        run: death::scan_process_killed,
    },
    Scenario {
        name: "restarted once",
        what: "a second scan process starts nothing out of the past; a second death is the end",
        run: death::restarted_once,
    },
    Scenario {
        name: "both frozen, both killed",
        what: "what the kernel does with the lines when nobody is left",
        run: death::both_killed,
    },
    Scenario {
        name: "frozen and orphaned",
        what: "both processes are stopped and the guardian is killed: the scan process wakes up and goes safe",
        run: death::frozen_and_orphaned,
    },
    Scenario {
        name: "watchdog",
        what: "/dev/watchdog is fed while scans complete, disarmed by an ordered stop, and resets a frozen machine",
        run: death::watchdog,
    },
    Scenario {
        name: "series: scan process killed",
        what: "2,000 x SIGKILL at a random instant: the guardian writes OFF, nobody writes ON",
        run: |bench| series::run(bench, Kind::ScanKilled, 2000),
    },
    Scenario {
        name: "series: guardian killed",
        what: "500 x: the scan process goes safe by itself and ends",
        run: |bench| series::run(bench, Kind::GuardianKilled, 500),
    },
    Scenario {
        name: "series: stopped and continued",
        what: "500 x SIGSTOP and SIGCONT: a process that wakes up too late writes nothing",
        run: |bench| series::run(bench, Kind::Stopped, 500),
    },
    Scenario {
        name: "series: endless loop",
        what: "500 x a loop the budget does not end: the guardian ends it",
        run: |bench| series::run(bench, Kind::EndlessLoop, 500),
    },
    Scenario {
        name: "series: panic",
        what: "500 x a defect of plcrun itself on the scan thread",
        run: |bench| series::run(bench, Kind::Panic, 500),
    },
    Scenario {
        name: "series: chip unplugged",
        what: "500 x a chip that goes away, at most 200 in one boot: the other chips go safe",
        run: |bench| series::run(bench, Kind::Unplugged, 500),
    },
    Scenario {
        name: "series: both killed",
        what: "100 x both processes at once: what the kernel does with the lines",
        run: |bench| series::run(bench, Kind::BothKilled, 100),
    },
];

/// Runs the guest's part: called by the init script, as the guest's first process.
///
/// # Errors
/// Only when results cannot even be written: everything else is told in them.
pub fn run(args: &[String]) -> Result<(), String> {
    let folder = args.first().ok_or("gpio-lab-guest is called by the laboratory's init script only")?;
    if std::process::id() != 1 {
        return Err(
            "gpio-lab-guest is the first process of the laboratory's guest; call `cargo xtask gpio-lab`".to_owned()
        );
    }
    let journal = Journal { path: Path::new(folder).join("results.jsonl") };
    if let Ok(host) = std::env::var("PLCRUN_LAB_HOST") {
        std::thread::spawn(move || end_with(&host));
    }
    let error = scenarios(Path::new(folder), &journal).err();
    journal.tell(&Line::End { error })?;
    power_off()
}

/// Powers off when the host's process is gone: somebody has interrupted the command, and nobody waits for results any more.
fn end_with(host: &str) {
    while Path::new("/run/host").join(host).exists() {
        std::thread::sleep(Duration::from_secs(1));
    }
    let _ = power_off();
}

/// The end of the first process would be a panic of the kernel.
fn power_off() -> Result<(), String> {
    rustix::system::reboot(rustix::system::RebootCommand::PowerOff).map_err(|e| format!("cannot power off: {e}"))
}

/// The results file.
#[derive(Clone, Debug)]
struct Journal {
    path: PathBuf,
}

impl Journal {
    fn tell(&self, line: &Line) -> Result<(), String> {
        let mut text = serde_json::to_string(line).map_err(|e| format!("results: {e}"))?;
        text.push('\n');
        let file = OpenOptions::new().create(true).append(true).open(&self.path);
        file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|e| format!("results: {e}"))
    }
}

fn scenarios(folder: &Path, journal: &Journal) -> Result<(), String> {
    let plan = std::fs::read_to_string(folder.join("plan.json")).map_err(|e| format!("plan.json: {e}"))?;
    let options: Options = serde_json::from_str(&plan).map_err(|e| format!("plan.json: {e}"))?;
    let mut bench = Bench::set_up(folder, options.clone(), journal.clone())?;
    for scenario in SCENARIOS.iter().filter(|scenario| options.wants(scenario.name)) {
        journal.tell(&Line::Began { name: scenario.name.to_owned() })?;
        let start_ns = now_ns();
        let result = bench.fresh().map_err(Stop::Failed).and_then(|()| (scenario.run)(&mut bench));
        let verdict = match &result {
            Ok(()) => Verdict::Passed,
            Err(Stop::Failed(_)) => Verdict::Failed,
            Err(Stop::LeftOut(_)) => Verdict::LeftOut,
        };
        let mut facts = std::mem::take(&mut bench.facts);
        match result {
            Ok(()) => {}
            Err(Stop::LeftOut(why)) => facts.insert(0, why),
            Err(Stop::Failed(why)) => {
                facts.insert(0, why);
                facts.push(bench.evidence());
            }
        }
        let seconds = Duration::from_nanos(now_ns() - start_ns).as_secs_f64();
        let outcome = Outcome { name: scenario.name.to_owned(), verdict, seconds, facts };
        journal.tell(&Line::Outcome(outcome))?;
    }
    Ok(())
}
