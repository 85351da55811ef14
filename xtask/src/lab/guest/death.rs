//! Death and what comes after it, one case at a time: the guardian's word, a restart, the machine's watchdog.

use super::bench::{Bench, now_ns};
use super::product::Product;
use super::running::{REACTION, all_off, running_forward, stop};
use super::{Stop, require, run_tool};
use crate::judge::{After, late, ms};
use rustix::process::{Pid, Signal, kill_process};
use std::process::Command;
use std::time::Duration;

pub fn scan_process_killed(bench: &mut Bench) -> Result<(), Stop> {
    let mut product = running_forward(bench, "reverse.io.yaml")?;
    let scan = scan_process(&product)?;
    let blow_ns = now_ns();
    kill(scan, Signal::KILL)?;
    // The guardian may have written before this thread went on.
    let dead_ns = now_ns();
    let code = product.wait(bench)?;
    require(code == Some(3), || format!("exit code {code:?} instead of 3"))?;
    all_off(bench)?;
    let writes = late(&bench.events, dead_ns, After::Nothing);
    require(writes.is_empty(), || writes.join("\n"))?;
    let guardian = product.pid().map(|pid| pid.as_raw_nonzero().get());
    let off = bench.edges().find(|event| event.line == "fwd0" && !event.on && event.t_ns >= blow_ns);
    let off = off.ok_or_else(|| "nobody wrote fwd off".to_owned())?;
    require(Some(off.writer) == guardian, || format!("thread {} wrote fwd off, not the guardian", off.writer))?;
    bench.facts.push(format!("fwd was off {:.2} ms after the death", ms(off.t_ns - blow_ns)));
    require(product.says("F40"), || "the guardian's word does not name F40".to_owned())
}

/// The scan process under the guardian.
fn scan_process(product: &Product) -> Result<Pid, Stop> {
    product.children().into_iter().next().ok_or_else(|| Stop::Failed("plcrun has no scan process".to_owned()))
}

fn kill(pid: Pid, signal: Signal) -> Result<(), Stop> {
    kill_process(pid, signal).map_err(|e| Stop::Failed(format!("cannot send {signal:?}: {e}")))
}

pub fn restarted_once(bench: &mut Bench) -> Result<(), Stop> {
    let mut product = running_forward(bench, "restart.io.yaml")?;
    let first = scan_process(&product)?;
    kill(first, Signal::KILL)?;
    let dead_ns = now_ns();
    bench.wait_for("fwd off", REACTION, |bench| Ok(!bench.is_on("fwd0")))?;
    bench.wait_for("main by a second scan process", REACTION, |bench| Ok(bench.is_on("main0")))?;
    // The command still stands: it must not count.
    bench.pause(Duration::from_millis(500))?;
    require(!bench.is_on("fwd0"), || "fwd started out of the past".to_owned())?;
    bench.drive("fwd_cmd", false)?;
    bench.pause(Duration::from_millis(200))?;
    bench.drive("fwd_cmd", true)?;
    bench.wait_for("fwd after a new command", REACTION, |bench| Ok(bench.is_on("fwd0")))?;
    let second = scan_process(&product)?;
    require(first != second, || "it is the same process".to_owned())?;
    kill(second, Signal::KILL)?;
    let code = product.wait(bench)?;
    require(code == Some(3), || format!("exit code {code:?} after the second death"))?;
    all_off(bench)?;
    let again = bench.edges().filter(|event| event.on && event.line == "main0" && event.t_ns > dead_ns).count();
    require(again == 1, || format!("main went on {again} times after the first death"))
}

pub fn both_killed(bench: &mut Bench) -> Result<(), Stop> {
    let mut product = frozen(bench, "reverse.io.yaml")?;
    bench.pause(Duration::from_secs(1))?;
    let still_on = bench.out.level("fwd0")?;
    bench.facts.push(format!("both frozen for 1 s: the line is {}", if still_on { "still ON" } else { "off" }));
    // The scan process first: of a guardian that is frozen itself it gets no help.
    kill(scan_process(&product)?, Signal::KILL)?;
    product.signal(Signal::KILL)?;
    product.wait(bench)?;
    bench.wait_for("the line to fall", REACTION, |bench| Ok(!bench.out.level("fwd0")?))?;
    bench.look()?;
    let written = bench.last_edge("fwd0", false).is_some();
    require(!written, || "somebody wrote although everybody was dead".to_owned())?;
    bench.facts.push(
        "both killed: the kernel let the line go, without a write; boards that keep levels keep it on".to_owned(),
    );
    bench.released(0).map_err(Stop::Failed)
}

pub fn frozen_and_orphaned(bench: &mut Bench) -> Result<(), Stop> {
    let mut product = frozen(bench, "reverse.io.yaml")?;
    let scan = scan_process(&product)?;
    // The kernel wakes only what has stopped already.
    bench.pause(Duration::from_millis(300))?;
    let blow_ns = product.signal(Signal::KILL)?;
    product.wait(bench)?;
    bench.wait_for("OFF by the scan process", REACTION, |bench| Ok(!bench.is_on("fwd0")))?;
    let writes = late(&bench.events, blow_ns, After::Nothing);
    require(writes.is_empty(), || writes.join("\n"))?;
    let off_ns = bench.last_edge("fwd0", false).unwrap_or(blow_ns);
    bench
        .facts
        .push(format!("the kernel wakes what is left of a frozen group: OFF after {:.1} ms", ms(off_ns - blow_ns)));
    bench.wait_for("the end of the scan process", REACTION, |_| Ok(super::product::is_gone(scan)))?;
    bench.released(0).map_err(Stop::Failed)
}

/// A product whose motor runs forward and whose two processes are stopped: the guardian first, so that it cannot notice.
fn frozen(bench: &mut Bench, map: &str) -> Result<Product, Stop> {
    let product = running_forward(bench, map)?;
    product.signal(Signal::STOP)?;
    kill(scan_process(&product)?, Signal::STOP)?;
    Ok(product)
}

pub fn watchdog(bench: &mut Bench) -> Result<(), Stop> {
    let module = bench.shared.join("softdog.ko");
    // It says that it would have reset the machine, and does not.
    run_tool("insmod", &[&module.display().to_string(), "soft_noboot=1"])?;
    let result = watchdog_cases(bench);
    let _ = run_tool("rmmod", &["softdog"]);
    result
}

fn watchdog_cases(bench: &mut Bench) -> Result<(), Stop> {
    let mut product = running_forward(bench, "watchdog.io.yaml")?;
    bench.pause(Duration::from_secs(4))?;
    require(barks()? == 0, || "the watchdog was not fed while the program ran".to_owned())?;
    stop(bench, &mut product, Signal::TERM)?;
    bench.pause(Duration::from_secs(3))?;
    require(barks()? == 0, || "the watchdog was not disarmed by an ordered stop".to_owned())?;
    bench.facts.push("fed while scans complete, disarmed by an ordered stop".to_owned());
    bench.fresh()?;
    let product = frozen(bench, "watchdog.io.yaml")?;
    let frozen_ns = now_ns();
    bench.wait_for("the watchdog, both processes frozen", Duration::from_secs(10), |_| Ok(barks()? > 0))?;
    bench.facts.push(format!("both frozen: the reset comes after {:.1} s", ms(now_ns() - frozen_ns) / 1e3));
    let still_on = bench.out.level("fwd0")?;
    require(still_on, || "the line fell although both were only frozen".to_owned())?;
    drop(product);
    bench.released(0).map_err(Stop::Failed)
}

/// How often the watchdog would have reset the machine, by the kernel's log.
fn barks() -> Result<usize, String> {
    let log = Command::new("dmesg").output().map_err(|e| format!("cannot run dmesg: {e}"))?;
    Ok(String::from_utf8_lossy(&log.stdout).lines().filter(|line| line.contains("Triggered - Reboot ignored")).count())
}
