//! What outlasts a run: a latched contactor, an operator's acknowledgement, and how the scan process died.

use super::bench::Bench;
use super::product::{Product, Start, plcrun};
use super::running::{REACTION, running_forward, stop};
use super::{Stop, require};
use rustix::process::{Signal, kill_process};
use std::time::Duration;

/// The map with read-back.
const MAP: &str = "feedback.io.yaml";

pub fn across_a_restart(bench: &mut Bench) -> Result<(), Stop> {
    weld(bench)?;
    // A new run, the contact still closed: the latch is there before anything could be energised.
    let mut product = Product::start(bench, Start::motor(MAP))?;
    bench.wait_for("what came back", REACTION, |_| Ok(product.says("is latched since an earlier run")))?;
    bench.drive("fwd_cmd", true)?;
    bench.pause(Duration::from_millis(700))?;
    bench.drive("fwd_cmd", false)?;
    require(bench.last_edge("fwd0", true).is_none(), || "fwd went on in spite of the latch".to_owned())?;
    let (code, said) = acknowledge(bench)?;
    require(code != Some(0), || format!("acknowledged although the contact reads on: {said}"))?;
    bench.facts.push(format!("welded: {}", said.lines().next().unwrap_or_default()));
    // The contactor is mended.
    bench.drive("fwd_aux", false)?;
    bench.pause(Duration::from_millis(700))?;
    let (code, said) = acknowledge(bench)?;
    require(code == Some(0), || format!("not acknowledged although the contact reads off: {said}"))?;
    bench.drive("fwd_cmd", true)?;
    bench.wait_for("fwd after the acknowledgement", REACTION, |bench| Ok(bench.is_on("fwd0")))?;
    bench.drive("fwd_cmd", false)?;
    stop(bench, &mut product, Signal::TERM)?;
    let (_, log) = plcrun(bench, 0, &["faults"])?;
    require(log.contains("root"), || format!("the fault log does not say who acknowledged:\n{log}"))?;
    bench.facts.push(format!("mended: {}", said.lines().next().unwrap_or_default()));
    Ok(())
}

/// A run in which forward welds.
fn weld(bench: &mut Bench) -> Result<(), Stop> {
    let mut product = running_forward(bench, MAP)?;
    bench.drive("fwd_aux", true)?;
    bench.pause(Duration::from_secs(1))?;
    bench.drive("fwd_cmd", false)?;
    bench.wait_for("the report", REACTION, |_| Ok(product.says("welded")))?;
    stop(bench, &mut product, Signal::TERM)?;
    bench.events.clear();
    Ok(())
}

fn acknowledge(bench: &Bench) -> Result<(Option<i32>, String), Stop> {
    Ok(plcrun(bench, 0, &["ack", "fwd"])?)
}

pub fn death_is_logged(bench: &mut Bench) -> Result<(), Stop> {
    let mut product = running_forward(bench, "reverse.io.yaml")?;
    let scan = product.children().into_iter().next().ok_or_else(|| "plcrun has no scan process".to_owned())?;
    kill_process(scan, Signal::KILL).map_err(|e| format!("cannot kill the scan process: {e}"))?;
    let code = product.wait(bench)?;
    require(code == Some(3), || format!("exit code {code:?} instead of 3"))?;
    bench.drive("fwd_cmd", false)?;
    let mut product = Product::start(bench, Start::motor("reverse.io.yaml"))?;
    bench.pause(Duration::from_millis(200))?;
    stop(bench, &mut product, Signal::TERM)?;
    let (_, log) = plcrun(bench, 0, &["faults"])?;
    require(log.contains("F40"), || format!("the fault log does not name F40:\n{log}"))?;
    bench.facts.push(log.lines().find(|line| line.contains("F40")).unwrap_or_default().trim().to_owned());
    Ok(())
}
