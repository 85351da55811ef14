//! The real guard, driven like the model: for ways that were found, and for the test that compares the two.

use relay::{ChannelId, ChannelTable, ContactEstimate, EventSink, Guard, Inputs, Phase, SupplyReading, WriteId};
use std::sync::Arc;

/// What the guard sees in a scan, by channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Commands.
    pub commands: Vec<bool>,
    /// Raw levels of feedback inputs.
    pub feedback: Vec<bool>,
    /// The write issued last is completed.
    pub completed: Vec<bool>,
    /// The supply, where it is sensed.
    pub supply: Option<bool>,
}

impl Seen {
    /// From the inputs of the model in [`super::alone`].
    #[must_use]
    pub fn new(inputs: &[bool], channels: usize, sensed: bool) -> Self {
        let part = |n: usize| inputs.iter().skip(n * channels).take(channels).copied().collect();
        let supply = sensed.then(|| inputs.get(3 * channels).copied().unwrap_or(false));
        Self { commands: part(0), feedback: part(1), completed: part(2), supply }
    }
}

/// What it does, by channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Is {
    /// The load is permitted to be on.
    pub on: Vec<bool>,
    /// The write of that was completed.
    pub acknowledged: Vec<bool>,
    /// A fault is latched.
    pub fault: Vec<bool>,
    /// Stopped by loss of supply or feedback.
    pub trip: Vec<bool>,
    /// An ON waits.
    pub pending: Vec<bool>,
    /// An ON would be granted now.
    pub ready: Vec<bool>,
    /// The feedback reads on.
    pub reads_on: Vec<bool>,
    /// The contact is taken to be closed.
    pub estimate: Vec<bool>,
}

/// The guard that switches relays.
#[derive(Debug)]
pub struct Real {
    guard: Guard,
    ids: Vec<ChannelId>,
    acknowledged: Vec<WriteId>,
    now_ns: u64,
    tick_ns: u64,
    sink: EventSink,
}

impl Real {
    /// Before its first scan.
    #[must_use]
    pub fn new(table: &ChannelTable, tick_ns: u64) -> Self {
        let ids: Vec<ChannelId> = table.ids().collect();
        Self {
            guard: Guard::new(Arc::new(table.clone())),
            acknowledged: vec![WriteId::NONE; ids.len()],
            ids,
            now_ns: 0,
            tick_ns,
            sink: EventSink::with_capacity(0),
        }
    }

    /// The guard's state, the same text where it behaves alike: for searches.
    #[must_use]
    pub fn canonical(&self) -> String {
        let pending: Vec<bool> =
            self.ids.iter().zip(&self.acknowledged).map(|(id, n)| self.guard.state().write(*id) == *n).collect();
        format!("{:?} {pending:?}", self.guard.state().canonical(self.guard.table()))
    }

    /// One scan.
    pub fn step(&mut self, seen: &Seen) -> Is {
        for (id, slot) in self.ids.iter().zip(&mut self.acknowledged) {
            if seen.completed.get(id.index()).copied().unwrap_or(false) {
                *slot = self.guard.state().write(*id);
            }
        }
        let supply = match seen.supply {
            None => SupplyReading::NotSensed,
            Some(true) => SupplyReading::Good,
            Some(false) => SupplyReading::Bad,
        };
        let inputs = Inputs {
            now_ns: self.now_ns,
            phase: Phase::Run,
            commanded: &seen.commands,
            acknowledged: &self.acknowledged,
            feedback: &seen.feedback,
            supply,
            ambient: None,
        };
        self.guard.arbitrate(&inputs, &mut self.sink);
        self.now_ns = self.now_ns.saturating_add(self.tick_ns);
        let mut is = Is::default();
        for id in &self.ids {
            let status = self.guard.status(*id);
            is.on.push(status.on);
            is.acknowledged.push(status.acknowledged);
            is.fault.push(status.fault.is_some());
            is.trip.push(status.trip.is_some());
            is.pending.push(status.pending.is_some());
            is.ready.push(status.ready);
            is.reads_on.push(status.reads_on);
            is.estimate.push(status.contact == ContactEstimate::Closed);
        }
        is
    }
}
