//! A controller on its own thread in real time, and an ordered stop by a signal.
//!
//! One test only: the stop signal is one for the whole process.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::{MS, Program, map};
use runtime::clock::MonotonicClock;
use runtime::io::Rack;
use runtime::rt::{self, RtSettings, StopSignal};
use runtime::scan::real::{Ended, RunLimit, channels, run};
use runtime::scan::watch::ChangeKind;
use runtime::scan::{Command, Mode, Plc};
use runtime::vm::Interpreter;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[test]
fn a_run_in_real_time_keeps_its_grid_and_stops_on_a_signal() {
    let image = Program::new(&["a"], &["x"]).build();
    let text =
        "scan: { period: 2 ms, hard_overrun: 5 s, overruns_in_a_row: 0 }\ninputs: { a: {} }\noutputs: { x: {} }\n";
    let map = map(text, &image);
    let (a, x) = (map.input("a").unwrap(), map.channel("x").unwrap());
    let mut plc = Plc::<Interpreter, Rack>::simulated(image, Arc::clone(&map), 1);
    let (mut ends, mut handle) = channels(&plc);
    rt::catch_stop_signals().unwrap();
    assert_eq!(rt::stop_signal(), None);
    handle.watch(true);
    let started = Instant::now();
    let scanning = std::thread::spawn(move || {
        let (_hold, findings) = rt::prepare(&RtSettings::NONE);
        assert!(findings.is_empty());
        let ended = run(&mut plc, &MonotonicClock::start(), &mut ends, RunLimit::default());
        (plc, ended)
    });

    // A command must be seen off once before an ON counts: let the first scan pass.
    while handle.change().is_none() {
        assert!(started.elapsed() < Duration::from_secs(20), "no scan");
        std::thread::sleep(Duration::from_millis(1));
    }
    let mut line_on = false;
    assert!(handle.command(Command::SetInput(a, true)));
    while !line_on {
        assert!(started.elapsed() < Duration::from_secs(20), "x never came on");
        line_on = std::iter::from_fn(|| handle.change()).any(|c| c.kind == ChangeKind::Line(x, true));
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(Duration::from_millis(200));
    let seen = handle.snapshot().clone();
    assert!(seen.scan > 10 && seen.mode == Mode::Running && seen.inputs == [true]);

    // What `kill` does, to ourselves.
    let status = std::process::Command::new("kill").args(["-TERM", &std::process::id().to_string()]).status().unwrap();
    assert!(status.success());
    let (plc, ended) = scanning.join().unwrap();
    assert_eq!(ended, Ended::Signal(StopSignal::Terminate));
    assert_eq!(plc.mode(), Mode::Stopped);
    assert!(!plc.status(x).unwrap().on && plc.status(x).unwrap().acknowledged);

    // Scans and skipped grid points together cover the time: no burst, nothing lost.
    let stats = plc.stats();
    let grid_points = stats.scans + stats.skipped;
    let most = u64::try_from(started.elapsed().as_nanos()).unwrap() / (2 * MS) + 1;
    assert!(grid_points <= most, "{grid_points} grid points in {most} periods");
    assert!(grid_points * 2 >= 200, "{grid_points}");
    assert_eq!(stats.scan_time.count(), stats.scans);
    assert!(stats.wake_latency.quantile_ns(0.5) > 0);
}
