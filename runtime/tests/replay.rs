//! A run is a pure function of program, map, inputs and times: the same script gives the same run to the byte. And
//! however late scans are and whatever is pressed, two interlocked contacts never conduct together.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::{MS, Program, map};
use proptest::prelude::*;
use runtime::clock::{Clock, VirtualClock};
use runtime::io::{Defect, Rack};
use runtime::scan::real::Grid;
use runtime::scan::watch::{Names, Watch};
use runtime::scan::{Command, Plc};
use runtime::vm::Interpreter;
use std::sync::Arc;

const MAP: &str = "relays: [wago.yaml]\nscan: { period: 1 ms, hard_overrun: 10 s, overruns_in_a_row: 0 }\n\
    supply: { voltage: 36 VDC, sensed: c }\ninputs: { a: { debounce: 3 ms }, b: {}, c: { sim: { initial: true } } }\noutputs:\n  \
    fwd: { relay: wago-859-386, restart: auto, restart_reason: test, feedback: { input: aux } }\n  \
    rev: { relay: wago-859-386, restart: auto, restart_reason: test }\n\
    interlocks: [{ name: dir, channels: [fwd, rev], dead_time: 5 ms }]\n";

/// One scan: how late it starts, how long it takes, and what happens before it.
#[derive(Clone, Copy, Debug)]
struct Scan {
    late_us: u64,
    long_us: u64,
    act: u8,
}

fn scans() -> impl Strategy<Value = Vec<Scan>> {
    let late = prop_oneof![4 => 0_u64..200, 1 => 0_u64..20_000];
    let scan = (late.clone(), late, prop_oneof![6 => Just(255_u8), 1 => 0_u8..6]);
    proptest::collection::vec(scan.prop_map(|(late_us, long_us, act)| Scan { late_us, long_us, act }), 50..400)
}

/// Starts late and takes long, as told: one reading at the start, every later one after the work.
struct Jitter<'c> {
    clock: &'c VirtualClock,
    long_ns: u64,
    read: std::cell::Cell<bool>,
}

impl Clock for Jitter<'_> {
    fn now_ns(&self) -> u64 {
        if self.read.replace(true) { self.clock.now_ns() + self.long_ns } else { self.clock.now_ns() }
    }

    fn sleep_until(&self, deadline_ns: u64) -> runtime::clock::Wake {
        self.clock.sleep_until(deadline_ns)
    }
}

/// Runs a script; gives every change as text, and the data at the end.
fn play(script: &[Scan], seed: u64) -> (Vec<String>, Vec<u8>) {
    let image = Program::new(&["a", "b", "c"], &["fwd", "rev"]).build();
    let text = MAP.replace("inputs: {", "inputs: { aux: {},");
    let map = map(&text, &image);
    let (fwd, rev) = (map.channel("fwd").unwrap(), map.channel("rev").unwrap());
    let inputs: Vec<_> = ["a", "b", "c"].iter().map(|n| map.input(n).unwrap()).collect();
    let mut plc = Plc::<Interpreter, Rack>::simulated(Arc::clone(&image), Arc::clone(&map), seed);
    let names = Names::new(Arc::clone(&map), image, Vec::new());
    let (mut watch, mut rows) = (Watch::new(&map), Vec::new());
    let clock = VirtualClock::new();
    let mut grid = Grid::new(plc.tick_ns(), 0);
    for scan in script {
        match scan.act {
            n @ 0..=2 => drop(plc.apply(Command::ToggleInput(inputs[usize::from(n)]))),
            3 => drop(plc.driver_mut().sim_mut().inject(fwd, Defect::Slow(140))),
            4 => drop(plc.driver_mut().sim_mut().repair(fwd)),
            5 => drop(plc.apply(Command::Acknowledge(fwd))),
            _ => {}
        }
        clock.sleep_until(grid.deadline_ns + scan.late_us * 1000);
        let jitter = Jitter { clock: &clock, long_ns: scan.long_us * 1000, read: std::cell::Cell::new(false) };
        let step = plc.step(grid.deadline_ns, &jitter);
        clock.sleep_until(step.finished_ns);
        grid.next(step.finished_ns);
        let sim = plc.driver().sim();
        assert!(!(sim.conducts(fwd).unwrap() && sim.conducts(rev).unwrap()), "both conduct at {} ns", plc.now_ns());
        watch.compare(&plc, |change| rows.push(names.row(&change).csv()));
    }
    assert!(plc.fault().is_none(), "{:?}", plc.fault());
    assert_eq!(plc.grid_ns() % MS, 0);
    (rows, plc.memory().data().to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn the_same_script_gives_the_same_run(script in scans(), seed in any::<u64>()) {
        assert_eq!(play(&script, seed), play(&script, seed));
    }
}

#[test]
fn both_directions_do_come_on_in_such_scripts() {
    // Otherwise the property above would hold for nothing.
    let quiet = Scan { late_us: 50, long_us: 100, act: 255 };
    let mut script = vec![quiet; 300];
    script[100].act = 0;
    script[150].act = 0;
    script[151].act = 1;
    let (rows, _) = play(&script, 1);
    let has = |part: &str| rows.iter().any(|r| r.contains(part));
    assert!(has("contact,fwd,closed") && has("contact,rev,closed"), "{rows:#?}");
}
