//! Ages in scans: a counter that begins anew at an event.

use crate::graph::{Leaf, Lit};
use crate::model::{Counter, Model};

/// Scans since an event: 0 in the scan in which it happens, and at least 1 in all others.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    counter: u32,
}

impl Clock {
    /// A clock that stands still until [`Self::drive`] says when it runs.
    #[must_use]
    pub fn new(model: &mut Model) -> Self {
        let counter = u32::try_from(model.counters.len()).unwrap_or(u32::MAX);
        model.counters.push(Counter { owner: None, max: 0, run: Lit::FALSE, hold: Lit::FALSE });
        Self { counter }
    }

    /// The same, with a name for people: what the scans are counted since.
    #[must_use]
    pub fn named(model: &mut Model, name: String) -> Self {
        let clock = Self::new(model);
        model.labels.counters.insert(clock.counter, name);
        clock
    }

    /// The counter's number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.counter
    }

    /// Is the event at least so many scans ago? `fresh`: it happens in this very scan.
    pub fn at_least(self, model: &mut Model, fresh: Lit, scans: u64) -> Lit {
        match scans {
            0 => Lit::TRUE,
            1 => !fresh,
            more => {
                let threshold = more - 1;
                if let Some(counter) = model.counters.get_mut(self.counter as usize) {
                    counter.max = counter.max.max(threshold);
                }
                let old = model.graph.leaf(Leaf::AtLeast { counter: self.counter, threshold });
                model.graph.and(!fresh, old)
            }
        }
    }

    /// Runs in every scan but those in which the event happens.
    pub fn drive(self, model: &mut Model, event: Lit) {
        if let Some(counter) = model.counters.get_mut(self.counter as usize) {
            counter.run = !event;
        }
    }
}

/// Scans after which a wait is over: `elapsed >= wait`.
#[must_use]
pub fn over(wait_ns: u64, tick_ns: u64) -> u64 {
    wait_ns.div_ceil(tick_ns.max(1))
}

/// Scans after which a limit is exceeded: `elapsed > limit`.
#[must_use]
pub fn beyond(limit_ns: u64, tick_ns: u64) -> u64 {
    (limit_ns / tick_ns.max(1)).saturating_add(1)
}
