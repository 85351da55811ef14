//! The product at work on real lines: start, run, stop, read-back, a chip that goes away.

use super::bench::Bench;
use super::product::{Product, Start};
use super::round::MOTOR;
use super::{Stop, require};
use crate::judge::ms;
use rustix::process::Signal;
use std::time::Duration;

/// Longest time from a change of an input to what follows from it; an idle host needs 10 ms.
pub const REACTION: Duration = Duration::from_secs(5);

pub fn requested_off(bench: &mut Bench) -> Result<(), Stop> {
    bench.drive("fwd_cmd", true)?;
    let mut product = Product::start(bench, Start::motor("reverse.io.yaml"))?;
    for line in ["fwd0", "rev0", "main0", "lamp0"] {
        let first = bench.events.iter().find(|event| event.line == line);
        let first = first.ok_or_else(|| format!("{line} was never set"))?;
        require(!first.on, || format!("{line} was requested on"))?;
        let by_first = product.pid().map(|pid| pid.as_raw_nonzero().get()) == Some(first.writer);
        require(by_first, || format!("{line} was requested by thread {}, after the fork", first.writer))?;
    }
    // The program commands forward from its first scan on: that must not count (rule 3).
    bench.pause(Duration::from_millis(500))?;
    require(bench.last_edge("fwd0", true).is_none(), || "fwd started out of the past".to_owned())?;
    require(bench.is_on("main0") && bench.is_on("lamp0"), || "what may start did not".to_owned())?;
    bench.drive("fwd_cmd", false)?;
    bench.pause(Duration::from_millis(100))?;
    bench.drive("fwd_cmd", true)?;
    bench.wait_for("fwd after a new command", REACTION, |bench| Ok(bench.is_on("fwd0")))?;
    stop(bench, &mut product, Signal::TERM)
}

pub fn forward_and_reverse(bench: &mut Bench) -> Result<(), Stop> {
    let mut product = Product::start(bench, Start::motor("reverse.io.yaml"))?;
    bench.pause(Duration::from_millis(100))?;
    bench.drive("fwd_cmd", true)?;
    bench.wait_for("fwd", REACTION, |bench| Ok(bench.is_on("fwd0")))?;
    let level = bench.out.level("fwd0")?;
    require(level, || "the trace says that fwd is on, the chip says that it is off".to_owned())?;
    let mut shortest_ns = u64::MAX;
    for _ in 0..10 {
        for (command, other, goes_on, goes_off) in
            [("rev_cmd", "fwd_cmd", "rev0", "fwd0"), ("fwd_cmd", "rev_cmd", "fwd0", "rev0")]
        {
            // The other is withdrawn first: two commands in one scan would be a conflict, which starts nothing.
            bench.drive(other, false)?;
            bench.drive(command, true)?;
            bench.wait_for(goes_on, REACTION, |bench| Ok(bench.is_on(goes_on)))?;
            let (off, on) = (bench.last_edge(goes_off, false), bench.last_edge(goes_on, true));
            let (off, on) = (off.ok_or("nothing went off".to_owned())?, on.ok_or("nothing went on".to_owned())?);
            let lock_ns = on.saturating_sub(off);
            require(lock_ns >= MOTOR.lock_ns, || format!("{goes_on} on {:.3} ms after {goes_off} off", ms(lock_ns)))?;
            shortest_ns = shortest_ns.min(lock_ns);
        }
    }
    bench.facts.push(format!(
        "20 reversals, shortest lock {:.1} ms (least {:.1} ms)",
        ms(shortest_ns),
        ms(MOTOR.lock_ns)
    ));
    stop(bench, &mut product, Signal::TERM)
}

pub fn stop_by_sigterm(bench: &mut Bench) -> Result<(), Stop> {
    stop_while_running(bench, Signal::TERM)
}

pub fn stop_by_sigint(bench: &mut Bench) -> Result<(), Stop> {
    stop_while_running(bench, Signal::INT)
}

pub fn sighup_without_terminal(bench: &mut Bench) -> Result<(), Stop> {
    let mut product = running_forward(bench, "reverse.io.yaml")?;
    let signalled_ns = product.signal(Signal::HUP)?;
    bench.wait_for("what is said of it", REACTION, |_| Ok(product.says("a running program is not reloaded")))?;
    bench.pause(Duration::from_millis(300))?;
    let change = bench.edges().find(|event| event.t_ns > signalled_ns);
    require(change.is_none(), || format!("SIGHUP changed an output: {change:?}"))?;
    stop(bench, &mut product, Signal::TERM)
}

fn stop_while_running(bench: &mut Bench, signal: Signal) -> Result<(), Stop> {
    let mut product = running_forward(bench, "reverse.io.yaml")?;
    stop(bench, &mut product, signal)
}

/// A product whose motor runs forward.
pub fn running_forward(bench: &mut Bench, map: &str) -> Result<Product, Stop> {
    let product = Product::start(bench, Start::motor(map))?;
    bench.pause(Duration::from_millis(100))?;
    bench.drive("fwd_cmd", true)?;
    bench.wait_for("fwd", REACTION, |bench| Ok(bench.is_on("fwd0")))?;
    Ok(product)
}

/// An ordered stop: everything off, by writes and not only by the end of the process, and exit code 0.
pub fn stop(bench: &mut Bench, product: &mut Product, signal: Signal) -> Result<(), Stop> {
    let signalled_ns = product.signal(signal)?;
    let code = product.wait(bench)?;
    require(code == Some(0), || format!("exit code {code:?} after {signal:?}"))?;
    all_off(bench)?;
    let on_after = bench.edges().find(|event| event.on && event.t_ns > signalled_ns + 100_000_000);
    require(on_after.is_none(), || format!("ON after the stop: {on_after:?}"))?;
    let last_off_ns = bench.edges().filter(|event| !event.on).map(|event| event.t_ns).max();
    if let Some(last_off_ns) = last_off_ns.filter(|t| *t >= signalled_ns) {
        bench.facts.push(format!("last OFF {:.1} ms after {}", ms(last_off_ns - signalled_ns), name(signal)));
    }
    Ok(())
}

/// What people call a signal.
const fn name(signal: Signal) -> &'static str {
    match signal {
        Signal::TERM => "SIGTERM",
        Signal::INT => "SIGINT",
        _ => "the signal",
    }
}

/// Every output was last written off, and the chips agree.
pub fn all_off(bench: &mut Bench) -> Result<(), Stop> {
    bench.look()?;
    for line in ["fwd0", "rev0", "main0"] {
        require(!bench.is_on(line), || format!("{line} was last written on"))?;
        let level = bench.out.level(line)?;
        require(!level, || format!("{line} is on"))?;
    }
    Ok(())
}

pub fn failed_to_close(bench: &mut Bench) -> Result<(), Stop> {
    // Nobody plays the auxiliary contact: it stays open.
    let mut product = running_forward(bench, "feedback.io.yaml")?;
    bench.wait_for("fwd off again", REACTION, |bench| Ok(!bench.is_on("fwd0")))?;
    bench.wait_for("the report", REACTION, |_| Ok(product.says("failed to close")))?;
    let (on, off) = (bench.last_edge("fwd0", true), bench.last_edge("fwd0", false));
    if let (Some(on), Some(off)) = (on, off) {
        bench.facts.push(format!("off {:.0} ms after on, without feedback", ms(off.saturating_sub(on))));
    }
    // Latched: neither a new command nor the other direction starts anything.
    bench.drive("fwd_cmd", false)?;
    bench.pause(Duration::from_millis(500))?;
    let before = bench.edges().filter(|event| event.on).count();
    bench.drive("fwd_cmd", true)?;
    bench.pause(Duration::from_millis(500))?;
    let after = bench.edges().filter(|event| event.on).count();
    require(before == after, || "something went on in spite of the latched fault".to_owned())?;
    stop(bench, &mut product, Signal::TERM)
}

pub fn welded(bench: &mut Bench) -> Result<(), Stop> {
    let mut product = running_forward(bench, "feedback.io.yaml")?;
    // The contactor follows, and then stays.
    bench.drive("fwd_aux", true)?;
    bench.pause(Duration::from_secs(1))?;
    require(bench.is_on("fwd0") && bench.is_on("main0"), || "a healthy contactor was switched off".to_owned())?;
    bench.drive("fwd_cmd", false)?;
    bench.wait_for("fwd off", REACTION, |bench| Ok(!bench.is_on("fwd0")))?;
    bench.wait_for("the cut-off", REACTION, |bench| Ok(!bench.is_on("main0")))?;
    bench.wait_for("the report", REACTION, |_| Ok(product.says("welded")))?;
    let (off, cut) = (bench.last_edge("fwd0", false), bench.last_edge("main0", false));
    if let (Some(off), Some(cut)) = (off, cut) {
        bench.facts.push(format!("main dropped {:.0} ms after fwd off", ms(cut.saturating_sub(off))));
    }
    bench.drive("rev_cmd", true)?;
    bench.pause(Duration::from_millis(700))?;
    require(bench.last_edge("rev0", true).is_none(), || "rev went on beside a welded contact".to_owned())?;
    stop(bench, &mut product, Signal::TERM)
}

pub fn chip_unplugged(bench: &mut Bench) -> Result<(), Stop> {
    let mut product = running_forward(bench, "reverse.io.yaml")?;
    bench.wait_for("main and lamp", REACTION, |bench| Ok(bench.is_on("main0") && bench.is_on("lamp0")))?;
    let result = unplugged(bench, &mut product);
    // Whatever came out, the next scenario needs the chip; its old number is free when nobody holds it any more.
    drop(product);
    bench.plug_far(0, true)?;
    result
}

fn unplugged(bench: &mut Bench, product: &mut Product) -> Result<(), Stop> {
    bench.plug_far(0, false)?;
    let gone_ns = super::now_ns();
    let code = product.wait(bench)?;
    require(code == Some(3), || format!("exit code {code:?} after the chip went away"))?;
    all_off(bench)?;
    require(product.says("F22"), || "the report does not name fault F22".to_owned())?;
    let off = bench.last_edge("fwd0", false).filter(|t| *t >= gone_ns);
    let off = off.ok_or_else(|| "fwd was not written off".to_owned())?;
    bench.facts.push(format!("the other chip was off {:.1} ms after the chip had gone", ms(off - gone_ns)));
    Ok(())
}
