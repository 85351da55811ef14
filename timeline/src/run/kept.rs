//! What the retained store holds when the power of a simulated controller is cut.
//!
//! As the store of a real one: values and the guard's record as of the last commit, which comes at the latest every
//! `store: max_age` and at once when a latch changes. So a cut loses what changed since, and at most so much. A commit
//! falls on the grid of `max_age` from power-up, the later the worse: tests should see the loss that can happen.

use relay::{Fault, Guard, RetainedBank};
use runtime::io::Rack;
use runtime::scan::Plc;
use runtime::store::layout::Layout;
use runtime::vm::Engine;

/// The store of a controller.
pub struct Kept {
    layout: Layout,
    values: Vec<u8>,
    bank: RetainedBank,
    committed_ns: u64,
    latches: Vec<Option<Fault>>,
}

impl Kept {
    /// The store before the first scan; `None` where the program retains more than a store holds, which a real start
    /// refuses.
    pub fn new<E: Engine>(plc: &Plc<E, Rack>) -> Option<Self> {
        let layout = Layout::of(plc.image()).ok()?;
        let mut values = vec![0; layout.bytes()];
        layout.take(plc.memory().data(), &mut values);
        let latches = plc.statuses().iter().map(|status| status.fault).collect();
        Some(Self { layout, values, bank: plc.guard().retained(), committed_ns: 0, latches })
    }

    /// Commits what is due after a scan.
    pub fn after_scan<E: Engine>(&mut self, plc: &Plc<E, Rack>, now_ns: u64) {
        let mut due = now_ns.saturating_sub(self.committed_ns) >= plc.map().keep.max_age_ns;
        for (latch, status) in self.latches.iter_mut().zip(plc.statuses()) {
            due |= *latch != status.fault;
            *latch = status.fault;
        }
        if due {
            self.layout.take(plc.memory().data(), &mut self.values);
            self.bank = plc.guard().retained();
            self.committed_ns = now_ns;
        }
    }

    /// Gives a new controller what the store holds, before its first scan.
    pub fn restart<E: Engine>(&mut self, plc: &mut Plc<E, Rack>, cut_ns: u64, for_ns: u64) {
        let gone_ns = cut_ns.saturating_sub(self.committed_ns).saturating_add(for_ns);
        let table = std::sync::Arc::clone(plc.guard().table());
        let (guard, _) = Guard::with_retained(table, &self.bank, Some(gone_ns));
        let (layout, values) = (&self.layout, &self.values);
        plc.take_up(guard, |memory| layout.put(values, memory));
        self.latches = plc.statuses().iter().map(|status| status.fault).collect();
        self.committed_ns = cut_ns.saturating_add(for_ns);
    }
}
