//! The whole chain of processes on a file chip: whatever dies, hangs or is stopped, the outputs go off and nothing comes on
//! afterwards. The chip is the independent observer: it keeps each change with the process that made it.
//!
//! `cargo test -p plcrun --features inject --test guardian` adds what only a deliberate defect can show.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::{Folder, Terminal};
use runtime::guardian::record;
use runtime::io::file_chip::{Change, Failing, FileChip};
use rustix::process::{Pid, Signal, kill_process};
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Line of the input `go`.
const GO: u32 = 0;
/// Line of the output `a`.
const A: u32 = 8;
/// Line of the output `b`, active low.
const B: u32 = 9;
/// Line of the output `c`, on a chip of its own.
const C: u32 = 3;

const PROGRAM: &str = "\
PROGRAM Guarded
VAR
  go AT %IX0.0 : BOOL;
  a  AT %QX0.0 : BOOL;
  b  AT %QX0.1 : BOOL;
  c  AT %QX0.2 : BOOL;
END_VAR
LADDER
RUNG a \"A\":
  NO(go) COIL(a);
RUNG b \"B\":
  NO(go) COIL(b);
RUNG c \"C\":
  NO(go) COIL(c);
END_LADDER
END_PROGRAM
";

/// A heartbeat that a busy test machine keeps, where a test is not about it.
const CALM: &str = "guardian: { heartbeat: 5 s }\nscan: { hard_overrun: 4 s, overruns_in_a_row: 0 }\n";

/// The map, with its chips in this folder.
fn map(folder: &Folder, top: &str) -> String {
    let at = |name: &str| format!("file:{}", folder.path(name).display());
    let (chip, other) = (at("chip"), at("chip2"));
    format!(
        "{top}inputs: {{ go: {{ gpio: {{ chip: \"{chip}\", line: {GO}, pull: down }} }} }}\noutputs:\n  \
         a: {{ gpio: {{ chip: \"{chip}\", line: {A} }} }}\n  \
         b: {{ gpio: {{ chip: \"{chip}\", line: {B}, active: low }} }}\n  \
         c: {{ gpio: {{ chip: \"{other}\", line: {C} }} }}\n"
    )
}

/// A guarded program that runs.
struct Run {
    folder: Folder,
    chip: FileChip,
    other: FileChip,
    guardian: Child,
}

impl Run {
    /// Starts it, waits for the scan, presses `go`, and waits until every output is on.
    fn start(top: &str) -> Self {
        Self::start_with(top, |_| ())
    }

    fn start_with(top: &str, prepare: impl FnOnce(&mut Command)) -> Self {
        let folder = Folder::with(&[("g.ld", PROGRAM)]);
        folder.write("g.yaml", map(&folder, top));
        let mut command = Command::new(env!("CARGO_BIN_EXE_plcrun"));
        command.args(["g.ld", "--io", "g.yaml", "--state", "state", "-q"]).current_dir(folder.path("."));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).env_remove("PLCRUN_INJECT");
        prepare(&mut command);
        let (chip, other) = chips(&folder);
        let guardian = command.spawn().unwrap();
        let mut run = Self { folder, chip, other, guardian };
        run.switch_on();
        run
    }

    /// Waits for scans that read the input open, closes it, and waits until every output is on.
    fn switch_on(&mut self) {
        self.chip.drive(GO, false).unwrap();
        let reads = self.chip.counts().reads;
        self.wait("scans with the input open", |run| run.chip.counts().reads > reads + 5);
        self.chip.drive(GO, true).unwrap();
        self.wait("every output on", Self::all_on);
    }

    fn all_on(&self) -> bool {
        is_high(&self.chip, A) && !is_high(&self.chip, B) && is_high(&self.other, C)
    }

    fn all_off(&self) -> bool {
        !is_high(&self.chip, A) && is_high(&self.chip, B) && !is_high(&self.other, C)
    }

    /// Waits for something; a minute is far beyond what any of it takes.
    fn wait(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let started = Instant::now();
        while !done(self) {
            if let Some(status) = self.guardian.try_wait().unwrap() {
                panic!("ended with {status} instead of {what}: {}", self.messages());
            }
            assert!(started.elapsed() < Duration::from_secs(60), "{what} never came");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn guardian_pid(&self) -> Pid {
        Pid::from_child(&self.guardian)
    }

    /// The scan process: the guardian's only child.
    fn scan_pid(&self) -> Pid {
        let children = children_of(self.guardian.id());
        assert_eq!(children.len(), 1, "{children:?}");
        Pid::from_raw(children[0]).unwrap()
    }

    /// What the guardian printed, once it has ended.
    fn messages(&mut self) -> String {
        let mut text = String::new();
        self.guardian.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        self.guardian.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        text
    }

    /// Waits for the end and gives exit code and messages.
    fn end(&mut self) -> (Option<i32>, String) {
        let code = self.guardian.wait().unwrap().code();
        (code, self.messages())
    }

    /// Changes of `a` since its last ON.
    fn changes(&self) -> Vec<Change> {
        let mut changes = self.chip.changes_after(0);
        changes.retain(|change| change.edges().any(|(line, _)| line == A));
        let last_on = changes.iter().rposition(|change| change.edges().any(|edge| edge == (A, true))).unwrap();
        changes.split_off(last_on + 1)
    }

    /// Every output is off, was switched off by this process, and nothing came on afterwards.
    #[track_caller]
    fn went_off_by(&self, pid: Pid) {
        assert!(self.all_off());
        let changes = self.changes();
        assert_eq!(changes.len(), 1, "one OFF and nothing after it: {changes:?}");
        assert_eq!(changes[0].pid, Some(pid.as_raw_nonzero().get().unsigned_abs()));
    }

    fn record(&self) -> Option<record::DeathRecord> {
        record::read(&self.folder.path("state/guardian.rec"))
    }
}

impl Drop for Run {
    /// A test that failed leaves nobody behind. The guardian's death ends the scan process.
    fn drop(&mut self) {
        let _ = self.guardian.kill();
        let _ = self.guardian.wait();
    }
}

fn is_high(chip: &FileChip, line: u32) -> bool {
    chip.levels() >> line & 1 == 1
}

fn chips(folder: &Folder) -> (FileChip, FileChip) {
    (FileChip::open(&folder.path("chip")).unwrap(), FileChip::open(&folder.path("chip2")).unwrap())
}

/// Numbers of the processes whose parent is this one.
fn children_of(parent: u32) -> Vec<i32> {
    let stats = std::fs::read_dir("/proc").unwrap().filter_map(|e| {
        let pid: i32 = e.ok()?.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // Behind the name, which may hold anything: state, then the parent.
        let parent_of: u32 = stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()?;
        (parent_of == parent).then_some(pid)
    });
    stats.collect()
}

fn is_alive(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

#[test]
fn a_killed_scan_process_leaves_its_outputs_off() {
    let mut run = Run::start(CALM);
    let (guardian, scan) = (run.guardian_pid(), run.scan_pid());
    kill_process(scan, Signal::KILL).unwrap();
    let (code, text) = run.end();
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("fault[F40]: the scan process died") && text.contains("it ended by SIGKILL"), "{text}");
    assert!(text.contains("the outputs are off"), "{text}");
    run.went_off_by(guardian);
    let record = run.record().unwrap();
    assert_eq!((record.code.as_str(), record.signal, record.deaths, record.failed), ("F40", Some(9), 1, 0));
    assert_eq!(record.pid, scan.as_raw_nonzero().get().unsigned_abs());
    assert!(record.scan > 5 && record.chips.len() == 2, "{record:?}");
}

#[test]
fn a_killed_guardian_makes_the_scan_process_go_safe() {
    let mut run = Run::start(CALM);
    let (guardian, scan) = (run.guardian_pid(), run.scan_pid());
    kill_process(guardian, Signal::KILL).unwrap();
    run.guardian.wait().unwrap();
    let text = run.messages();
    assert!(text.contains("fault[F30]: the guardian process died"), "{text}");
    // Its messages are complete, so it is about to end.
    let started = Instant::now();
    while is_alive(scan) {
        assert!(started.elapsed() < Duration::from_secs(60), "it goes on without a guardian");
        std::thread::sleep(Duration::from_millis(2));
    }
    run.went_off_by(scan);
}

#[test]
fn a_stopped_scan_process_is_put_down_before_it_can_wake_up() {
    let mut run = Run::start(CALM);
    let (guardian, scan) = (run.guardian_pid(), run.scan_pid());
    kill_process(scan, Signal::STOP).unwrap();
    let (code, text) = run.end();
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("fault[F43]: the scan process was stopped"), "{text}");
    let _ = kill_process(scan, Signal::CONT);
    run.went_off_by(guardian);
}

/// Loops for ever in its rung `spin` once it has counted far enough.
const SPINS: &str = "\
PROGRAM Guarded
VAR
  go AT %IX0.0 : BOOL;
  a  AT %QX0.0 : BOOL;
  b  AT %QX0.1 : BOOL;
  c  AT %QX0.2 : BOOL;
  n, m : DINT;
END_VAR
LADDER
RUNG out \"Outputs\":
  NO(go) COIL(a) COIL(b) COIL(c);
RUNG count \"Counts\":
  NO(go) ST n := n + 1; END_ST;
RUNG spin \"Spins\":
  GT(n, 200) ST
    WHILE n > 0 DO
      m := m + 1;
    END_WHILE;
  END_ST;
END_LADDER
END_PROGRAM
";

#[test]
fn an_endless_loop_that_only_the_guardian_finds_is_told_with_its_rung_and_line() {
    let top = "guardian: { heartbeat: 1 s }\n\
        scan: { hard_overrun: 900 ms, overruns_in_a_row: 0, budget: 1000000000000000 }\n";
    let mut run = Run::start_with(top, |command| {
        std::fs::write(command.get_current_dir().unwrap().join("g.ld"), SPINS).unwrap();
    });
    let guardian = run.guardian_pid();
    let (code, text) = run.end();
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("fault[F41]: the scan process gave no sign of life in time"), "{text}");
    assert!(text.contains("while the program ran"), "{text}");
    let place = "last seen in program Guarded, PROGRAM Guarded, rung spin, g.ld:";
    assert!(text.contains(place), "{text}");
    run.went_off_by(guardian);
    let record = run.record().unwrap();
    assert_eq!((record.program.as_str(), record.rung.as_str()), ("Guarded", "spin"));
    let line: u32 = record.source.split(':').nth(1).unwrap().parse().unwrap();
    assert!((16..=19).contains(&line), "the loop stands there: {}", record.source);
    // The next start takes it over into the fault log.
    let map = run.folder.read("g.yaml");
    run.folder.write("g.yaml", format!("faults: {{ acknowledge: required }}\n{map}"));
    run.folder.run(&["g.ld", "--io", "g.yaml", "--state", "state"]).exits(3).err_has("error[S040]");
    let log = run.folder.run(&["faults", "--state", "state"]).exits(0);
    let log = log.out_has("F41 ").out_has("PROGRAM Guarded, rung spin, g.ld:");
    log.out_has("in time, while the program ran").out_has("not acknowledged");
}

#[test]
fn a_stopped_guardian_makes_the_scan_process_go_safe() {
    let mut run = Run::start("guardian: { heartbeat: 1 s }\nscan: { hard_overrun: 900 ms, overruns_in_a_row: 0 }\n");
    let (guardian, scan) = (run.guardian_pid(), run.scan_pid());
    kill_process(guardian, Signal::STOP).unwrap();
    run.wait("all off", Run::all_off);
    run.went_off_by(scan);
    // Awake again it finds a scan process that has ended in order, and passes its exit code on.
    kill_process(guardian, Signal::CONT).unwrap();
    let (code, text) = run.end();
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("fault[F31]: the guardian process gave no sign of life"), "{text}");
    assert!(!text.contains("F40"), "{text}");
}

#[test]
fn stop_signals_are_passed_on_and_the_stop_is_in_order() {
    for (signal, name) in [(Signal::TERM, "SIGTERM"), (Signal::INT, "SIGINT")] {
        let mut run = Run::start(CALM);
        let scan = run.scan_pid();
        kill_process(run.guardian_pid(), signal).unwrap();
        let (code, text) = run.end();
        assert_eq!(code, Some(0), "{text}");
        assert_eq!(text.matches(&format!("stopped by {name}")).count(), 1, "{text}");
        run.went_off_by(scan);
        assert_eq!(run.record(), None, "an ordered stop is no death");
    }
}

#[test]
fn a_chip_that_is_gone_is_named_and_the_others_go_off() {
    let mut run = Run::start(CALM);
    let scan = run.scan_pid();
    // Nothing is written while nothing changes: the scan process does not notice.
    run.other.fail(Failing::Gone);
    kill_process(scan, Signal::KILL).unwrap();
    let (code, text) = run.end();
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("OFF could not be written to file:") && text.contains("chip2 (system error 19)"), "{text}");
    assert!(!is_high(&run.chip, A) && is_high(&run.chip, B) && is_high(&run.other, C), "{text}");
    let record = run.record().unwrap();
    assert_eq!((record.failed, record.chips[0].errno, record.chips[1].errno), (1, None, Some(19)));
}

#[test]
fn a_write_error_while_running_is_a_fault_of_the_scan_and_the_others_go_safe() {
    let mut run = Run::start(CALM);
    run.other.fail(Failing::Writes(5, u32::MAX));
    run.chip.drive(GO, false).unwrap();
    let (code, text) = run.end();
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("fault[F21]: outputs could not be written on file:") && text.contains("chip2: "), "{text}");
    assert!(!is_high(&run.chip, A) && is_high(&run.chip, B), "{text}");
}

#[test]
fn a_restart_starts_nothing_out_of_the_past_and_once_is_once() {
    let top = CALM.replace("heartbeat: 5 s", "heartbeat: 5 s, restart: once");
    let mut run = Run::start(&top);
    let first = run.scan_pid();
    kill_process(first, Signal::KILL).unwrap();
    run.wait("all off", Run::all_off);
    run.wait("a second scan process", |run| {
        children_of(run.guardian.id()).iter().any(|pid| *pid != first.as_raw_nonzero().get())
    });
    // The input is still closed: an ON from before the death does not count.
    let reads = run.chip.counts().reads;
    run.wait("scans of the second process", |run| run.chip.counts().reads > reads + 20);
    assert!(run.all_off());
    run.switch_on();
    kill_process(run.scan_pid(), Signal::KILL).unwrap();
    let (code, text) = run.end();
    assert_eq!(code, Some(3), "{text}");
    assert_eq!(text.matches("fault[F40]").count(), 2, "{text}");
    assert_eq!(text.matches("the program is restarted in 1 s").count(), 1, "{text}");
    assert!(run.all_off());
}

#[test]
fn exit_codes_before_the_first_scan_pass_through() {
    let folder = Folder::with(&[("g.ld", "PROGRAM")]);
    folder.write("g.yaml", map(&folder, ""));
    let seen =
        folder.run(&["g.ld", "--io", "g.yaml", "--state", "state"]).exits(1).err_has("the program was not built");
    assert!(!seen.err.contains("F40"), "{}", seen.err);
    folder.write("g.ld", PROGRAM);
    folder.write("g.yaml", map(&folder, "scan: { period: 1 ns }\n"));
    folder.run(&["g.ld", "--io", "g.yaml", "--state", "state"]).exits(1).err_has("C040");
}

#[test]
fn a_second_start_on_the_same_state_names_the_first() {
    let run = Run::start(CALM);
    let seen = run.folder.run(&["g.ld", "--io", "g.yaml", "--state", "state"]).exits(2);
    assert!(seen.err.contains("S002") && seen.err.contains(&format!("process {}", run.guardian.id())), "{}", seen.err);
    // With a state of its own it finds the lines taken.
    run.folder.run(&["g.ld", "--io", "g.yaml", "--state", "elsewhere"]).exits(1).err_has("error[L007]");
    assert!(run.all_on(), "the first one runs on");
}

#[test]
fn the_terminal_is_given_back_when_the_scan_process_dies() {
    use rustix::termios::{LocalModes, tcgetattr};
    let folder = Folder::with(&[("g.ld", PROGRAM)]);
    folder.write("g.yaml", map(&folder, CALM));
    let terminal = Terminal::open();
    let cooked = || tcgetattr(terminal.slave()).unwrap().local_modes.contains(LocalModes::ICANON | LocalModes::ECHO);
    assert!(cooked());
    let mut guardian = terminal.command(&folder, &["g.ld", "--io", "g.yaml", "--state", "state"]).spawn().unwrap();
    terminal.wait_for("scan 1");
    assert!(!cooked(), "keys are read one by one while it runs");
    let scan = Pid::from_raw(children_of(guardian.id())[0]).unwrap();
    kill_process(scan, Signal::KILL).unwrap();
    terminal.wait_for("fault[F40]");
    assert_eq!(guardian.wait().unwrap().code(), Some(3));
    assert!(cooked());
}

#[test]
fn the_service_manager_hears_of_start_life_stop_and_death() {
    use std::os::unix::net::UnixDatagram;
    let socket = Folder::new();
    let path = socket.path("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_nonblocking(true).unwrap();
    let heard = || {
        let (mut text, mut bytes) = (String::new(), [0; 512]);
        while let Ok(len) = manager.recv(&mut bytes) {
            text.push_str(&String::from_utf8_lossy(&bytes[..len]));
            text.push('\n');
        }
        text
    };
    let notify = |command: &mut Command| {
        command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "40000").env_remove("WATCHDOG_PID");
    };
    let mut run = Run::start_with(CALM, notify);
    let reads = run.chip.counts().reads;
    run.wait("scans", |run| run.chip.counts().reads > reads + 20);
    let text = heard();
    assert_eq!(text.matches("READY=1").count(), 1, "{text}");
    assert!(text.matches("WATCHDOG=1").count() >= 2, "{text}");
    kill_process(run.scan_pid(), Signal::KILL).unwrap();
    run.end();
    let text = heard();
    assert!(text.contains("STATUS=fault F40") && !text.contains("STOPPING=1"), "{text}");
    let mut run = Run::start_with(CALM, notify);
    kill_process(run.guardian_pid(), Signal::TERM).unwrap();
    run.end();
    assert!(heard().contains("STOPPING=1"));
}

#[test]
fn machines_get_one_record_of_a_death() {
    let mut run = Run::start_with(CALM, |command| {
        command.args(["--log-format", "json"]);
    });
    kill_process(run.scan_pid(), Signal::KILL).unwrap();
    let (_, text) = run.end();
    let deaths: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(deaths.len(), 1, "{text}");
    assert_eq!((deaths[0]["code"].as_str(), deaths[0]["ended"].as_str()), (Some("F40"), Some("SIGKILL")));
}

/// Deliberate defects of the scan thread; see `runtime::inject`.
#[cfg(feature = "inject")]
mod injected {
    use super::*;

    /// Far enough for everything to be on: the switching on takes some dozen scans.
    const SCAN: u64 = 400;

    fn run(what: &str, top: &str) -> (Run, Option<i32>, String) {
        let mut run = Run::start_with(top, |command| {
            command.env("PLCRUN_INJECT", format!("{what}@{SCAN}"));
        });
        let (code, text) = run.end();
        (run, code, text)
    }

    #[test]
    fn a_loop_without_end_and_a_driver_that_hangs_are_lost_heartbeats() {
        let top = "guardian: { heartbeat: 1 s }\nscan: { hard_overrun: 900 ms, overruns_in_a_row: 0 }\n";
        for what in ["hang", "sleep"] {
            let (run, code, text) = run(what, top);
            assert_eq!(code, Some(3), "{text}");
            assert!(text.contains("fault[F41]") && text.contains("in the middle of a scan"), "{text}");
            run.went_off_by(run.guardian_pid());
            assert!(run.record().unwrap().heartbeat_age_ns > 1_000_000_000);
        }
    }

    #[test]
    fn a_panic_is_safe_in_the_scan_process_itself() {
        let (run, code, text) = run("panic", CALM);
        assert_eq!(code, Some(3), "{text}");
        assert!(text.contains("fault[F13]: plcrun itself failed") && !text.contains("F40"), "{text}");
        assert!(run.all_off());
        assert_eq!(run.record(), None);
    }

    #[test]
    fn an_abort_and_an_exit_in_the_middle_of_a_scan_are_deaths() {
        for (what, ended) in [("abort", "SIGABRT"), ("exit", "exit code 0")] {
            let (run, code, text) = run(what, CALM);
            assert_eq!(code, Some(3), "{text}");
            assert!(text.contains(&format!("it ended by {ended}")), "{text}");
            run.went_off_by(run.guardian_pid());
        }
    }

    #[test]
    fn time_that_goes_backwards_is_a_fault() {
        let (run, code, text) = run("backwards", CALM);
        assert_eq!(code, Some(3), "{text}");
        assert!(text.contains("fault[F12]: the clock went backwards"), "{text}");
        assert!(run.all_off());
    }
}
