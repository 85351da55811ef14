//! Virtual time: scan after scan as fast as possible, on this thread. The same run gives the same output on every machine.

use super::lines::TraceFile;
use super::{Controller, Ending, SEED, Session};
use crate::exit::Refusal;
use runtime::clock::{Clock, VirtualClock};
use runtime::rt::{self, stop_signal};
use runtime::scan::real::{Grid, REST_LIMIT_NS};
use runtime::scan::watch::Watch;
use runtime::scan::{Fault, Mode};
use runtime::vm::Engine;
use std::sync::Arc;

/// Why the run is coming to rest, and since when.
struct Stopping {
    words: String,
    fault: Option<Fault>,
    since_ns: u64,
}

/// Runs to the limit.
///
/// # Errors
/// The trace is not complete.
pub fn run<E: Engine>(
    mut session: Session,
    trace: Option<TraceFile>,
) -> Result<(Session, Controller<E>, Ending), Refusal> {
    // Without the handlers Ctrl-C would end the process at once: no summary, half a trace. Nothing else depends on them.
    let _ = rt::catch_stop_signals();
    let clock = VirtualClock::new();
    let mut controller = Controller::<E>::simulated(Arc::clone(&session.image), Arc::clone(&session.map), SEED);
    super::tell_fallback(&controller);
    let mut kept = session.kept.take().map(|kept| kept.take_up(&mut controller)).transpose()?;
    session.apply_sets(&mut controller);
    let mut teller = session.teller(&[], trace);
    let mut script = session.script.take();
    let mut watch = Watch::new(&session.map);
    let mut grid = Grid::new(controller.tick_ns(), 0);
    let mut stopping: Option<Stopping> = None;
    let stopping = loop {
        clock.sleep_until(grid.deadline_ns);
        if stopping.is_none() {
            stopping = reason_to_stop(&session, grid.deadline_ns);
            if stopping.is_some() {
                controller.stop();
            } else if let Some(script) = &mut script {
                script.play(&mut controller, grid.deadline_ns);
            }
        }
        let step = controller.step(grid.deadline_ns, &clock);
        watch.compare(&controller, |change| teller.tell(&change));
        if let Some((_, tap, _)) = &mut kept {
            tap.after(&controller, &step);
        }
        if let Mode::Faulted(fault) = step.mode {
            let words = format!("fault {}", fault.code());
            stopping.get_or_insert(Stopping { words, fault: Some(fault), since_ns: grid.deadline_ns });
        }
        let over = stopping
            .as_ref()
            .is_some_and(|s| controller.at_rest() || grid.deadline_ns.saturating_sub(s.since_ns) > REST_LIMIT_NS);
        if over && let Some(stopping) = stopping {
            break stopping;
        }
        grid.next(step.finished_ns);
    };
    teller.finish()?;
    let kept = kept.map(|(keeping, tap, _)| (keeping, tap));
    let ending = Ending { words: stopping.words, fault: stopping.fault, defect: None, measured: false, kept };
    Ok((session, controller, ending))
}

fn reason_to_stop(session: &Session, now_ns: u64) -> Option<Stopping> {
    let words = match stop_signal() {
        Some(signal) => format!("stopped by {}", signal.name()),
        None if session.limit.for_ns.is_some_and(|end_ns| now_ns >= end_ns) => "time over".to_owned(),
        None => return None,
    };
    Some(Stopping { words, fault: None, since_ns: now_ns })
}
