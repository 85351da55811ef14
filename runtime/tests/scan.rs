//! What a scan means: faults, forces, stops, executive, skipped overruns, simulated relays.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use bytecode::ScalarType;
use bytecode::image::Place;
use common::{MS, Program, map, plain_map};
use relay::{Permitted, WriteId};
use runtime::clock::{Clock, VirtualClock, Wake};
use runtime::config::{InputId, IoMap};
use runtime::io::{Defect, Driver, IoCode, IoFault, Rack, SimSource};
use runtime::scan::real::{Ended, RunLimit, channels, run};
use runtime::scan::watch::{ChangeKind, Names, Watch};
use runtime::scan::{Command, Contact, FaultCause, Mode, Plc, ScanCode};
use runtime::vm::{Interpreter, TrapCode};
use std::cell::Cell;
use std::sync::Arc;

type Simulated = Plc<Interpreter, Rack>;

/// Steps to and including the scan at `to_ms`.
fn run_to<D: Driver>(plc: &mut Plc<Interpreter, D>, clock: &VirtualClock, to_ms: u64) {
    let tick = plc.tick_ns();
    let mut grid = if plc.scan() == 0 { 0 } else { plc.grid_ns() + tick };
    while grid <= to_ms * MS {
        clock.sleep_until(grid);
        plc.step(grid, clock);
        grid += tick;
    }
}

fn input(map: &IoMap, name: &str) -> InputId {
    map.input(name).unwrap()
}

fn write_var<D: Driver>(plc: &mut Plc<Interpreter, D>, path: &str, ty: ScalarType, bits: u64) {
    let symbol = plc.image().symbols.iter().find(|s| s.path == path).unwrap().place;
    assert!(plc.memory_mut().write(symbol, ty, bits));
}

fn read_int<D: Driver>(plc: &Plc<Interpreter, D>, path: &str) -> u64 {
    let place: Place = plc.image().symbols.iter().find(|s| s.path == path).unwrap().place;
    plc.memory().read(place, ScalarType::I32).unwrap()
}

#[test]
fn outputs_follow_inputs_through_guard_and_simulated_rack() {
    let image = Program::new(&["a", "b"], &["x", "y"]).build();
    let map = plain_map(&image);
    let (a, x) = (input(&map, "a"), map.channel("x").unwrap());
    let mut plc = Simulated::simulated(image, Arc::clone(&map), 1);
    let clock = VirtualClock::new();
    run_to(&mut plc, &clock, 20);
    assert_eq!((plc.commanded(x), plc.contact(x)), (false, Contact::Open));
    assert!(plc.apply(Command::SetInput(a, true)));
    run_to(&mut plc, &clock, 30);
    assert!(plc.input(a) && plc.commanded(x) && plc.status(x).unwrap().line);
    assert_eq!(plc.contact(x), Contact::Closed);
    assert!(plc.apply(Command::ToggleInput(a)));
    run_to(&mut plc, &clock, 40);
    assert_eq!((plc.commanded(x), plc.contact(x)), (false, Contact::Open));
    assert_eq!(read_int(&plc, "main.count"), 5);
    assert_eq!(plc.mode(), Mode::Running);
}

#[test]
fn forces_act_before_and_after_the_logic_and_never_around_the_guard() {
    let image = Program::new(&["a", "b"], &["x", "y"]).build();
    let text = "relays: [wago.yaml]\nsupply: { voltage: 36 VDC }\ninputs: { a: {}, b: {} }\noutputs:\n  x: { relay: wago-859-386 }\n  y: { relay: wago-859-386 }\n\
                interlocks: [{ name: dir, channels: [x, y], dead_time: 100 ms }]\n";
    let map = map(text, &image);
    let (a, x, y) = (input(&map, "a"), map.channel("x").unwrap(), map.channel("y").unwrap());
    let mut plc = Simulated::simulated(image, Arc::clone(&map), 1);
    let clock = VirtualClock::new();
    run_to(&mut plc, &clock, 500);
    plc.apply(Command::ForceInput(a, Some(true)));
    run_to(&mut plc, &clock, 510);
    assert!(plc.input(a) && plc.commanded(x) && plc.status(x).unwrap().on);
    // A forced command meets the interlock like any other.
    plc.apply(Command::ForceOutput(y, Some(true)));
    run_to(&mut plc, &clock, 800);
    assert!(plc.commanded(y) && !plc.status(y).unwrap().on);
    plc.apply(Command::ForceInput(a, None));
    plc.apply(Command::ForceOutput(y, None));
    run_to(&mut plc, &clock, 810);
    assert!(!plc.input(a) && !plc.commanded(x) && !plc.commanded(y) && !plc.status(x).unwrap().on);
}

#[test]
fn a_trap_commits_nothing_and_leads_to_the_safe_state_with_its_place() {
    let image = Program::new(&["a", "b"], &["x", "y"]).build();
    let map = plain_map(&image);
    let (a, b) = (input(&map, "a"), input(&map, "b"));
    let (x, y) = (map.channel("x").unwrap(), map.channel("y").unwrap());
    let mut plc = Simulated::simulated(image, map, 1);
    let clock = VirtualClock::new();
    plc.apply(Command::SetInput(a, true));
    run_to(&mut plc, &clock, 10);
    plc.apply(Command::SetInput(a, false));
    run_to(&mut plc, &clock, 20);
    plc.apply(Command::SetInput(a, true));
    run_to(&mut plc, &clock, 30);
    assert!(plc.status(x).unwrap().on, "x is on before the fault");
    // In the same scan y is commanded on and the division traps behind it.
    plc.apply(Command::SetInput(b, true));
    write_var(&mut plc, "main.divisor", ScalarType::I32, 0);
    run_to(&mut plc, &clock, 40);
    let fault = *plc.fault().unwrap();
    let FaultCause::Trap(trap) = fault.cause else { panic!("{fault:?}") };
    assert_eq!((trap.code, fault.scan, fault.at_ns, fault.program), (TrapCode::DivisionByZero, 5, 40 * MS, Some(0)));
    for channel in [x, y] {
        assert!(!plc.commanded(channel) && !plc.status(channel).unwrap().line);
        assert_eq!(plc.contact(channel), Contact::Open);
    }
    let report = fault.describe(plc.image(), &[]).to_string();
    assert!(report.starts_with("fault[F01]: integer division"), "{report}");
    assert!(report.contains("in scan 5 at 0.040 s, program main, PROGRAM Main, rung copy"), "{report}");
    assert!(report.contains("--> test.ld:"), "{report}");
    // It stays there, and the program never runs again.
    let count = read_int(&plc, "main.count");
    write_var(&mut plc, "main.divisor", ScalarType::I32, 1);
    run_to(&mut plc, &clock, 100);
    assert_eq!(plc.fault(), Some(&fault));
    assert_eq!(read_int(&plc, "main.count"), count);
    assert!(plc.at_rest());
}

#[test]
fn an_endless_loop_spends_the_budget() {
    let image = Program::new(&["a"], &["x"]).build();
    let mut plc = Simulated::simulated(Arc::clone(&image), plain_map(&image), 1);
    let clock = VirtualClock::new();
    write_var(&mut plc, "main.hang", ScalarType::Bool, 1);
    run_to(&mut plc, &clock, 0);
    let FaultCause::Trap(trap) = plc.fault().unwrap().cause else { panic!() };
    assert_eq!(trap.code, TrapCode::BudgetSpent);
}

/// A clock whose readings are given in advance: the last one repeats.
struct Scripted {
    readings: Vec<u64>,
    next: Cell<usize>,
}

impl Scripted {
    fn new(readings: &[u64]) -> Self {
        Self { readings: readings.iter().map(|ms| ms * MS).collect(), next: Cell::new(0) }
    }
}

impl Clock for Scripted {
    fn now_ns(&self) -> u64 {
        let at = self.next.get();
        self.next.set((at + 1).min(self.readings.len() - 1));
        self.readings[at]
    }

    fn sleep_until(&self, _deadline_ns: u64) -> Wake {
        Wake::OnTime
    }
}

#[test]
fn a_late_scan_commits_and_is_counted_a_very_late_one_is_a_fault() {
    let image = Program::new(&["a"], &["x"]).build();
    let map = plain_map(&image);
    let x = map.channel("x").unwrap();
    let mut plc = Simulated::simulated(image, Arc::clone(&map), 1);
    let a = input(&map, "a");
    assert_eq!(map.scan.hard_overrun_ns, 100 * MS);
    // Three readings per scan: start, after the logic, end. 25 ms late is late only.
    let clock = Scripted::new(&[0, 0, 0, 10, 35, 36, 40, 141, 142]);
    assert!(!plc.step(0, &clock).overrun);
    plc.apply(Command::SetInput(a, true));
    let step = plc.step(10 * MS, &clock);
    assert!(step.overrun && plc.commanded(x) && plc.stats().overruns == 1);
    // 101 ms after it was due: nothing of this scan counts.
    let step = plc.step(40 * MS, &clock);
    let Mode::Faulted(fault) = step.mode else { panic!("{step:?}") };
    assert_eq!(fault.cause, FaultCause::Scan(ScanCode::HardOverrun, 101 * MS));
    assert_eq!(fault.program, Some(0), "the one there is");
    assert!(!plc.commanded(x) && !plc.status(x).unwrap().on);
}

#[test]
fn late_scans_in_a_row_and_time_running_backwards_are_faults() {
    let image = Program::new(&["a"], &["x"]).build();
    let map = map("scan: { overruns_in_a_row: 2 }\ninputs: { a: {} }\noutputs: { x: {} }\n", &image);
    let mut plc = Simulated::simulated(Arc::clone(&image), Arc::clone(&map), 1);
    let clock = Scripted::new(&[0, 11, 11, 20, 31, 31, 40, 40, 40]);
    plc.step(0, &clock);
    assert_eq!(plc.step(20 * MS, &clock).mode, Mode::Running);
    plc.step(40 * MS, &clock);
    assert_eq!(plc.fault().unwrap().cause, FaultCause::Scan(ScanCode::OverrunsInARow, 2));
    assert_eq!(plc.fault().unwrap().program, Some(0));

    let mut plc = Simulated::simulated(image, map, 1);
    let clock = Scripted::new(&[10, 10, 10, 7, 7, 7]);
    plc.step(10 * MS, &clock);
    plc.step(20 * MS, &clock);
    assert_eq!(plc.fault().unwrap().cause, FaultCause::Scan(ScanCode::TimeBackwards, 3 * MS));
}

/// A driver that counts, fails and panics on demand.
#[derive(Debug, Default)]
struct Double {
    lines: Vec<bool>,
    fail_read: bool,
    fail_write: bool,
    panic_in_read: bool,
    writes: u32,
}

const BROKEN: IoFault = IoFault { code: IoCode::WriteFailed, chip: 0, errno: libc_eio() };

const fn libc_eio() -> i32 {
    5
}

impl Driver for Double {
    fn read(&mut self, _now_ns: u64, levels: &mut [bool]) -> Result<(), IoFault> {
        assert!(!std::mem::take(&mut self.panic_in_read), "injected");
        levels.fill(!self.fail_read);
        if self.fail_read { Err(IoFault { code: IoCode::ReadFailed, ..BROKEN }) } else { Ok(()) }
    }

    fn write(&mut self, _now_ns: u64, permitted: &Permitted, acknowledged: &mut [WriteId]) -> Result<(), IoFault> {
        self.writes += 1;
        for write in permitted.due() {
            let index = write.channel.index();
            self.lines.resize(self.lines.len().max(index + 1), false);
            // A chip that fails for ONs only: the OFFs of the safe state still get through.
            if self.fail_write && write.on {
                return Err(BROKEN);
            }
            self.lines[index] = write.line;
            acknowledged[index] = write.id;
        }
        Ok(())
    }
}

fn with_double(map_text: &str) -> (Plc<Interpreter, Double>, VirtualClock) {
    let image = Program::new(&["a", "b"], &["x", "y"]).build();
    let map = map(map_text, &image);
    (Plc::with_driver(image, map, Double::default()), VirtualClock::new())
}

const TWO: &str = "inputs: { a: {}, b: {} }\noutputs: { x: { restart: auto, restart_reason: test }, y: { restart: auto, restart_reason: test } }\n";

#[test]
fn a_read_error_is_a_fault_of_the_same_scan() {
    let (mut plc, clock) = with_double(TWO);
    run_to(&mut plc, &clock, 20);
    assert_eq!(plc.driver().lines, [true, true]);
    plc.driver_mut().fail_read = true;
    run_to(&mut plc, &clock, 30);
    let fault = *plc.fault().unwrap();
    assert!(matches!(fault.cause, FaultCause::Io(io) if io.code == IoCode::ReadFailed && io.errno == 5));
    assert_eq!(plc.driver().lines, [false, false]);
    let text = fault.describe(plc.image(), &["gpiochip7".to_owned()]).to_string();
    assert!(text.contains("inputs could not be read on gpiochip7: "), "{text}");
}

#[test]
fn a_write_error_makes_the_others_safe_in_the_same_scan() {
    let (mut plc, clock) = with_double(TWO);
    plc.driver_mut().fail_write = true;
    run_to(&mut plc, &clock, 0);
    let writes = plc.driver().writes;
    run_to(&mut plc, &clock, 10);
    assert!(matches!(plc.fault().unwrap().cause, FaultCause::Io(io) if io.code == IoCode::WriteFailed));
    assert!(plc.driver().lines.iter().all(|on| !on));
    assert_eq!(plc.driver().writes, writes + 2, "the safe values are written in the scan that failed");
}

#[test]
fn a_panic_of_the_scan_writes_the_safe_values() {
    runtime::quiet::install_hook();
    let (mut plc, clock) = with_double(TWO);
    run_to(&mut plc, &clock, 20);
    assert_eq!(plc.driver().lines, [true, true]);
    plc.driver_mut().panic_in_read = true;
    let (mut ends, handle) = channels(&plc);
    let ended = run(&mut plc, &clock, &mut ends, RunLimit::default());
    let Ended::Fault(fault) = ended else { panic!("{ended:?}") };
    assert_eq!(fault.cause, FaultCause::Scan(ScanCode::Panic, 0));
    assert_eq!(plc.driver().lines, [false, false]);
    assert!(runtime::quiet::take_message().unwrap().contains("injected"));
    let changes: Vec<_> = std::iter::from_fn(|| handle.change()).collect();
    assert!(changes.iter().any(|c| c.kind == ChangeKind::Fault(fault)));
}

#[test]
fn tasks_run_by_priority_then_order_and_once_after_a_skip() {
    let mut program = Program::new(&["a"], &["x"]);
    program.programs = 3;
    program.tasks = vec![("slow", 30 * MS, 2, vec![0]), ("fast", 10 * MS, 1, vec![1]), ("late", 10 * MS, 1, vec![2])];
    let image = program.build();
    let map = plain_map(&image);
    let mut plc = Simulated::simulated(image, map, 1);
    // Each program appends its divisor as a digit.
    for (path, digit) in [("main.divisor", 1), ("main1.divisor", 2), ("main2.divisor", 3)] {
        write_var(&mut plc, path, ScalarType::I32, digit);
    }
    let clock = VirtualClock::new();
    let mut scan = |grid_ms: u64| {
        write_var(&mut plc, "order", ScalarType::I32, 0);
        clock.sleep_until(grid_ms * MS);
        plc.step(grid_ms * MS, &clock);
        read_int(&plc, "order")
    };
    assert_eq!(scan(0), 231);
    assert_eq!(scan(10), 23);
    assert_eq!(scan(20), 23);
    assert_eq!(scan(30), 231);
    // 40 to 120 are skipped: `slow` was due at 60, 90 and 120 and runs once.
    assert_eq!(scan(130), 231);
    assert_eq!(scan(140), 23);
    assert_eq!(scan(150), 231);
}

#[test]
fn stop_brings_stop_values_and_ends_the_run() {
    let text = "inputs: { a: {}, b: {} }\noutputs: { x: { stop: hold }, y: {} }\n";
    let image = Program::new(&["a", "b"], &["x", "y"]).build();
    let map = map(text, &image);
    let (x, y) = (map.channel("x").unwrap(), map.channel("y").unwrap());
    let mut plc = Simulated::simulated(image, Arc::clone(&map), 1);
    let clock = VirtualClock::new();
    run_to(&mut plc, &clock, 10);
    plc.apply(Command::SetInput(input(&map, "a"), true));
    plc.apply(Command::SetInput(input(&map, "b"), true));
    run_to(&mut plc, &clock, 20);
    assert!(plc.status(x).unwrap().on && plc.status(y).unwrap().on);
    let (mut ends, handle) = channels(&plc);
    assert!(handle.command(Command::Stop));
    assert_eq!(run(&mut plc, &clock, &mut ends, RunLimit::default()), Ended::Command);
    assert!(plc.status(x).unwrap().on, "hold");
    assert!(!plc.status(y).unwrap().on, "off");
    assert_eq!(plc.mode(), Mode::Stopped);
}

#[test]
fn the_run_ends_after_its_time_and_tells_changes_and_snapshots() {
    let image = Program::new(&["a"], &["x"]).build();
    let map = plain_map(&image);
    let mut plc = Simulated::simulated(Arc::clone(&image), Arc::clone(&map), 1);
    let (mut ends, mut handle) = channels(&plc);
    handle.watch(true);
    let clock = VirtualClock::new();
    let ended = run(&mut plc, &clock, &mut ends, RunLimit { for_ns: Some(1000 * MS) });
    assert_eq!(ended, Ended::TimeOver);
    assert_eq!(plc.stats().skipped, 0);
    assert_eq!(read_int(&plc, "main.count"), 100);
    let snapshot = handle.snapshot();
    assert!(snapshot.scan >= 95 && snapshot.stats.scans == snapshot.scan, "{}", snapshot.scan);
    assert_eq!(snapshot.data.len(), image.data.size as usize);
    let names = Names::new(map, image, Vec::new());
    let rows: Vec<String> = std::iter::from_fn(|| handle.change()).map(|c| names.row(&c).csv()).collect();
    assert_eq!(rows[0], "0,1,input,a,0");
    assert_eq!(rows.last().unwrap(), "1000000,101,event,plcrun,stopped");
}

#[test]
fn relay_delays_and_interlock_show_in_contacts_and_trace() {
    let image = Program::new(&["a", "b"], &["fwd", "rev"]).build();
    let text = "relays: [wago.yaml]\nscan: { period: 1 ms }\nsupply: { voltage: 36 VDC }\ninputs: { a: {}, b: {} }\noutputs:\n  \
                fwd: { relay: wago-859-386 }\n  rev: { relay: wago-859-386 }\n\
                interlocks: [{ name: dir, channels: [fwd, rev], dead_time: 100 ms }]\n";
    let map = map(text, &image);
    let (a, b) = (input(&map, "a"), input(&map, "b"));
    let (fwd, rev) = (map.channel("fwd").unwrap(), map.channel("rev").unwrap());
    let mut plc = Simulated::simulated(Arc::clone(&image), Arc::clone(&map), 7);
    let clock = VirtualClock::new();
    run_to(&mut plc, &clock, 500);
    plc.apply(Command::SetInput(a, true));
    run_to(&mut plc, &clock, 501);
    assert!(plc.status(fwd).unwrap().on && plc.contact(fwd) == Contact::Open, "pull-in takes 8 ms");
    run_to(&mut plc, &clock, 530);
    assert_eq!(plc.contact(fwd), Contact::Closed);
    let mut watch = Watch::new(&map);
    let mut rows = Vec::new();
    let names = Names::new(Arc::clone(&map), image, Vec::new());
    watch.compare(&plc, |_| ());
    plc.apply(Command::SetInput(a, false));
    plc.apply(Command::SetInput(b, true));
    let mut both = false;
    for ms in 531..=700 {
        run_to(&mut plc, &clock, ms);
        both |= plc.contact(fwd) == Contact::Closed && plc.contact(rev) == Contact::Closed;
        watch.compare(&plc, |change| rows.push(names.row(&change)));
    }
    assert!(!both);
    assert_eq!(plc.contact(rev), Contact::Closed);
    let at = |kind: &str, name: &str, value: &str| {
        rows.iter().find(|r| r.kind == kind && r.name == name && r.value == value).unwrap().t_us
    };
    let (off, on) = (at("line", "fwd", "0"), at("line", "rev", "1"));
    // drop-out 4 ms + bounce 5 ms, 50 % margin, 100 ms dead time, counted from the scan after the acknowledgement.
    assert!(on - off >= 113_500 && on - off <= 116_000, "{} us", on - off);
    assert!(rows.iter().any(|r| r.kind == "event" && r.name == "rev" && r.value.contains("ON waits")), "{rows:?}");
}

#[test]
fn feedback_follows_the_contact_until_it_is_set_and_a_weld_is_found() {
    // The program has no variable `aux`: only the guard reads it.
    let image = Program::new(&["a"], &["x"]).build();
    let text = "relays: [wago.yaml]\nsupply: { voltage: 36 VDC }\ninputs: { a: {}, aux: {} }\noutputs:\n  \
                x: { relay: wago-859-386, feedback: { input: aux } }\n";
    let map = map(text, &image);
    let (a, aux, x) = (input(&map, "a"), input(&map, "aux"), map.channel("x").unwrap());
    let mut plc = Simulated::simulated(image, Arc::clone(&map), 3);
    let clock = VirtualClock::new();
    run_to(&mut plc, &clock, 500);
    assert_eq!(plc.driver().sim().source(aux), Some(SimSource::Feedback(x)));
    plc.apply(Command::SetInput(a, true));
    run_to(&mut plc, &clock, 600);
    assert!(plc.input(aux) && plc.status(x).unwrap().fault.is_none());
    assert!(plc.driver_mut().sim_mut().inject(x, Defect::Welded));
    plc.apply(Command::SetInput(a, false));
    run_to(&mut plc, &clock, 900);
    assert_eq!(plc.status(x).unwrap().fault_name(), Some("welded"));
    assert_eq!(plc.contact(x), Contact::Closed); // Acknowledging is refused while the contact still reads on, and taken once a sound relay is in; both are events.
    let code_after = |plc: &mut Simulated, ms: u64, expected: bool| {
        assert_eq!(plc.apply(Command::Acknowledge(x)), expected);
        run_to(plc, &clock, ms);
        plc.events().iter().map(|e| e.code).collect::<Vec<_>>()
    };
    assert_eq!(code_after(&mut plc, 910, false), [relay::EventCode::AcknowledgeRefused]);
    assert!(plc.driver_mut().sim_mut().repair(x));
    run_to(&mut plc, &clock, 1000);
    assert_eq!(code_after(&mut plc, 1010, true), [relay::EventCode::Acknowledged]);
    assert_eq!(plc.status(x).unwrap().fault_name(), None);
}

#[test]
fn a_program_reads_its_channels() {
    let image = Program::new(&["a", "flt", "rdy"], &["x"]).build();
    let text = "inputs:\n  a: {}\n  flt: { channel: x, value: line }\n  rdy: { channel: x, value: ready }\noutputs: { x: {} }\n";
    let map = map(text, &image);
    let (a, line, ready) = (input(&map, "a"), input(&map, "flt"), input(&map, "rdy"));
    let mut plc = Simulated::simulated(image, map, 3);
    let clock = VirtualClock::new();
    run_to(&mut plc, &clock, 50);
    assert!(plc.input(ready) && !plc.input(line));
    plc.apply(Command::SetInput(a, true));
    run_to(&mut plc, &clock, 70);
    assert!(plc.input(line), "one scan after the line came on");
    assert!(!plc.apply(Command::SetInput(line, false)), "not a simulated input");
}

#[test]
fn located_words_are_committed_with_the_scan() {
    let mut program = Program::new(&["a"], &["x"]);
    program.word = true;
    let image = program.build();
    let map = plain_map(&image);
    let mut plc = Simulated::simulated(image, map, 1);
    write_var(&mut plc, "main.level", ScalarType::U16, 1234);
    let clock = VirtualClock::new();
    run_to(&mut plc, &clock, 10);
    let words: Vec<_> = plc.words().map(|(w, v)| (w.name.clone(), v)).collect();
    assert_eq!(words, [("level".to_owned(), 1234)]);
    write_var(&mut plc, "main.divisor", ScalarType::I32, 0);
    run_to(&mut plc, &clock, 20);
    assert_eq!(plc.words().next().unwrap().1, 0, "at rest after a fault");
}

#[test]
fn lines_that_cannot_be_had_are_said_before_anything_runs() {
    let image = Program::new(&["a"], &["x"]).build();
    let text = "inputs: { a: { gpio: { chip: no-such-chip, line: 1 } } }\noutputs: { x: { gpio: { chip: no-such-chip, line: 2 } } }\n";
    let map = map(text, &image);
    let error = Simulated::open(image, map, 1).unwrap_err();
    // No chip at all on this machine, or others than this one, or none this user may look at.
    assert!(["L001", "L002", "L003"].contains(&error.code()), "{error}");
    // Whoever shows it adds the code.
    assert!(!error.to_string().contains(error.code()), "{error}");
}

/// The channels of `x` and `y`, each commanded on from power-up, after the first scan.
fn on_at_power_up(outputs: &str) -> [bool; 2] {
    let image = Program::new(&["a", "b"], &["x", "y"]).build();
    let text = format!(
        "relays: [wago.yaml]\nsupply: {{ voltage: 36 VDC }}\ninputs:\n  a: {{ sim: {{ initial: true }} }}\n  b: {{ sim: {{ initial: true }} }}\n{outputs}"
    );
    let map = map(&text, &image);
    let mut plc = Simulated::simulated(image, Arc::clone(&map), 1);
    run_to(&mut plc, &VirtualClock::new(), 1000);
    ["x", "y"].map(|name| plc.status(map.channel(name).unwrap()).unwrap().line)
}

#[test]
fn an_output_must_be_commanded_off_first_unless_the_map_says_otherwise() {
    let auto = "restart: auto, restart_reason: a lamp";
    assert_eq!(on_at_power_up(&format!("outputs:\n  x: {{}}\n  y: {{ {auto} }}\n")), [false, true]);
    let relay = format!("outputs:\n  x: {{ relay: wago-859-386, {auto} }}\n  y: {{ relay: wago-859-386 }}\n");
    assert_eq!(on_at_power_up(&relay), [true, false]);
}

#[test]
fn outputs_of_a_program_without_a_map_are_not_under_the_rule() {
    let image = Program::new(&["a", "b"], &["x", "y"]).build();
    let map = plain_map(&image);
    let x = map.channel("x").unwrap();
    let mut plc = Simulated::simulated(image, Arc::clone(&map), 1);
    plc.apply(Command::SetInput(input(&map, "a"), true));
    run_to(&mut plc, &VirtualClock::new(), 20);
    assert!(plc.status(x).unwrap().line);
}
