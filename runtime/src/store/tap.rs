//! The scan thread's end of the store and of the control socket: copies what others asked for, and never waits.
//!
//! After every completed scan the kept part of the data segment is copied, so that a fault in the next scan finds the
//! values of the last good one. Everything else (counts, latches, states) is copied and published only when a helper asked
//! for it, or when a latch or the mode changed, which shall be on the medium at once. All memory was made before the scan
//! began; what is published goes through triple buffers, which neither lock nor wake anybody.

use super::layout::Layout;
use crate::io::Driver;
use crate::scan::{Mode, Plc, Stats, Step};
use crate::vm::Engine;
use relay::{ChannelStatus, Fault, RetainedBank};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A consistent copy of everything that is kept, as it stood after one scan.
#[derive(Debug, Default)]
pub struct Kept {
    /// Number of the scan; 0 before the first.
    pub scan: u64,
    /// The kept ranges of the data segment, after the last completed scan.
    pub values: Vec<u8>,
    /// The guard's record.
    pub bank: RetainedBank,
}

impl Clone for Kept {
    /// Copies capacity too: the copies in a triple buffer must hold what the first one can.
    fn clone(&self) -> Self {
        let mut bank = self.bank.clone();
        for (copy, original) in bank.channels.iter_mut().zip(&self.bank.channels) {
            let more = original.edge_ages_ns.capacity().saturating_sub(copy.edge_ages_ns.len());
            copy.edge_ages_ns.reserve_exact(more);
        }
        Self { scan: self.scan, values: self.values.clone(), bank }
    }
}

/// What an operator asks of a running controller.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Number of the scan; 0 before the first.
    pub scan: u64,
    /// What the controller is doing.
    pub mode: Mode,
    /// The channels after that scan.
    pub channels: Vec<ChannelStatus>,
    /// Timing and counters, as of the last copy somebody asked for.
    pub stats: Stats,
}

/// The reader of one triple buffer, with the flag that asks for the next copy.
#[derive(Debug)]
pub struct Reader<T: Send> {
    wanted: Arc<AtomicBool>,
    copies: triple_buffer::Output<T>,
}

impl<T: Send> Reader<T> {
    /// Asks for a copy of the scan that ends next.
    pub fn ask(&self) {
        self.wanted.store(true, Ordering::Relaxed);
    }

    /// The newest copy, where one came since the last call.
    pub fn newer(&mut self) -> Option<&T> {
        self.copies.updated().then(|| self.copies.read())
    }

    /// The newest copy.
    pub fn newest(&mut self) -> &T {
        self.copies.read()
    }
}

#[derive(Debug)]
struct Writer<T: Send> {
    wanted: Arc<AtomicBool>,
    copies: triple_buffer::Input<T>,
}

fn pair<T: Send + Clone>(first: &T) -> (Writer<T>, Reader<T>) {
    let (input, output) = triple_buffer::triple_buffer(first);
    let wanted = Arc::new(AtomicBool::new(false));
    (Writer { wanted: Arc::clone(&wanted), copies: input }, Reader { wanted, copies: output })
}

/// The scan thread's end.
#[derive(Debug)]
pub struct Tap {
    layout: Arc<Layout>,
    /// Values of the last completed scan.
    good: Vec<u8>,
    kept: Writer<Kept>,
    standing: Writer<Standing>,
    latches: Vec<Option<Fault>>,
    running: bool,
}

/// The ends of a controller's store: the scan thread's, the keeper's and the control socket's. Make them before the first
/// scan, after values were restored.
#[must_use]
pub fn ends<E: Engine, D: Driver>(plc: &Plc<E, D>, layout: Arc<Layout>) -> (Tap, Reader<Kept>, Reader<Standing>) {
    let mut good = vec![0; layout.bytes()];
    layout.take(plc.memory().data(), &mut good);
    let first = Kept { scan: 0, values: good.clone(), bank: plc.guard().retained() };
    let standing =
        Standing { scan: 0, mode: plc.mode(), channels: plc.statuses().to_vec(), stats: plc.stats().clone() };
    let (kept, keeper) = pair(&first);
    let (standing, control) = pair(&standing);
    let latches = plc.statuses().iter().map(|s| s.fault).collect();
    (Tap { layout, good, kept, standing, latches, running: true }, keeper, control)
}

impl Tap {
    /// Call it after every scan. Does not allocate.
    pub fn after<E: Engine, D: Driver>(&mut self, plc: &Plc<E, D>, step: &Step) {
        let running = step.mode == Mode::Running;
        if running {
            self.layout.take(plc.memory().data(), &mut self.good);
        }
        let mut urgent = running != self.running;
        self.running = running;
        for (latch, status) in self.latches.iter_mut().zip(plc.statuses()) {
            urgent |= *latch != status.fault;
            *latch = status.fault;
        }
        if self.kept.wanted.swap(false, Ordering::Relaxed) || urgent {
            let copy = self.kept.copies.input_buffer_mut();
            copy.scan = step.scan;
            if copy.values.len() == self.good.len() {
                copy.values.copy_from_slice(&self.good);
            }
            plc.guard().update_retained(&mut copy.bank);
            self.kept.copies.publish();
        }
        let asked = self.standing.wanted.swap(false, Ordering::Relaxed);
        if asked || urgent {
            let copy = self.standing.copies.input_buffer_mut();
            copy.scan = step.scan;
            copy.mode = step.mode;
            for (to, from) in copy.channels.iter_mut().zip(plc.statuses()) {
                *to = *from;
            }
            // A latch shall be seen at once; the histograms are larger, and wait until somebody wants them.
            if asked {
                copy.stats.copy_from(plc.stats());
            }
            self.standing.copies.publish();
        }
    }

    /// What is kept when the scan is over: values of the last completed scan, the guard's record as it ended.
    #[must_use]
    pub fn last<E: Engine, D: Driver>(&self, plc: &Plc<E, D>) -> Kept {
        Kept { scan: plc.scan(), values: self.good.clone(), bank: plc.guard().retained() }
    }
}
