//! How late a scan wakes up: the product's own loop in real time, on the simulated rack.

use super::engines::Work;
use crate::exit::Refusal;
use bytecode::VerifiedImage;
use runtime::clock::{MonotonicClock, NS_PER_S};
use runtime::config::IoMap;
use runtime::guardian;
use runtime::io::Rack;
use runtime::rt::{self, RtCode, RtFinding, RtSettings};
use runtime::scan::real::{self, Ended, RunLimit};
use runtime::scan::{Plc, Stats};
use runtime::vm::Engine;
use std::sync::Arc;

/// What the run is made with, and what it is compared with.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Real-time settings of the map.
    pub rt: RtSettings,
    /// The scan thread got its real-time class.
    pub real_time: bool,
    /// Time between two scans.
    pub period_ns: u64,
    /// How long.
    pub seconds: u32,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The engine as it names itself.
    pub engine: &'static str,
    /// Real-time settings that were not permitted, or were and had no effect.
    pub findings: Vec<RtFinding>,
    /// What the run was made with.
    pub settings: Settings,
    /// Timing of the run.
    pub stats: Stats,
    /// What ended it before its time.
    pub early: Option<String>,
}

/// What is run.
#[derive(Debug)]
pub struct Wakeup {
    /// The program.
    pub image: Arc<VerifiedImage>,
    /// Its map.
    pub map: Arc<IoMap>,
    /// How long, in seconds.
    pub seconds: u32,
}

impl Work for &Wakeup {
    type Out = Result<Measured, Refusal>;

    fn run<E: Engine + Send + 'static>(self) -> Self::Out {
        let mut map = IoMap::clone(&self.map);
        // What is late shall be measured; it is no reason to end.
        map.scan.overruns_in_a_row = 0;
        map.scan.hard_overrun_ns = u64::MAX;
        let (rt, period_ns) = (map.rt, map.plan.tick_ns);
        let mut plc = Plc::<E, Rack>::simulated(Arc::clone(&self.image), Arc::new(map), 1);
        let engine = plc.engine().name();
        let limit = RunLimit { for_ns: Some(u64::from(self.seconds) * NS_PER_S) };
        // Nobody reads its messages, so none is lost that anybody misses.
        let (mut ends, _handle) = real::channels(&plc);
        // A thread of its own, as in a run: this one stays in its ordinary class.
        let scan = move || {
            guardian::let_stop_signals_through();
            let (hold, findings) = rt::prepare(&rt);
            let clock = MonotonicClock::start();
            let ended = real::run(&mut plc, &clock, &mut ends, limit);
            drop(hold);
            (findings, plc.stats().clone(), ended)
        };
        let thread = std::thread::Builder::new().name("scan".to_owned()).spawn(scan);
        let (findings, stats, ended) = thread.ok().and_then(|t| t.join().ok()).ok_or_else(|| {
            Refusal::findings("the scan thread could not be started", "look at the limit of threads of this user")
        })?;
        let real_time = rt.priority > 0 && !findings.iter().any(|finding| finding.code == RtCode::Priority);
        let settings = Settings { rt, real_time, period_ns, seconds: self.seconds };
        let early = match ended {
            Ended::Fault(fault) => Some(format!("fault {}", fault.code())),
            Ended::Signal(signal) => Some(signal.name().to_owned()),
            Ended::Command | Ended::TimeOver => None,
        };
        Ok(Measured { engine, findings, settings, stats, early })
    }
}
