//! Stimuli as a script in time: what is done to inputs, relays and supply, and when.
//!
//! The runner of timeline tests plays a script in virtual time; `plcrun --play` plays the same script in real or virtual
//! time. The script knows nothing of the rack: whoever plays it asks for what is due and applies it.

use crate::names::ChannelIndex;
use bytecode::path::Variable;

/// Index of an input in the order of the I/O map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InputIndex(pub usize);

/// One thing to do, with every name resolved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Action {
    /// An input gets a level and keeps it.
    SetBit {
        /// Which input.
        input: InputIndex,
        /// The level.
        value: bool,
    },
    /// An input variable that is no BOOL gets a value and keeps it.
    SetWord {
        /// Where it stands in the input image.
        variable: Variable,
        /// The value, as bits of its type.
        bits: u64,
    },
    /// An input changes its level.
    Toggle {
        /// Which input.
        input: InputIndex,
    },
    /// An input follows the contact of a channel from now on.
    Follow {
        /// Which input.
        input: InputIndex,
        /// Whose contact.
        channel: ChannelIndex,
    },
    /// A relay gets a defect; `None` mends it.
    Defect {
        /// Whose relay.
        channel: ChannelIndex,
        /// Which defect.
        defect: Option<relay::contact::Defect>,
    },
    /// The operator acknowledges the latched fault of a channel.
    Acknowledge {
        /// Which channel.
        channel: ChannelIndex,
    },
    /// The supply of the relay coils fails or returns.
    Supply {
        /// Inside its window.
        ok: bool,
    },
    /// The wiring of an input gets a defect; `None` mends it.
    InputDefect {
        /// Which input.
        input: InputIndex,
        /// Which defect.
        defect: Option<runtime::io::InputDefect>,
    },
    /// The controller loses its power, and starts again when it returns. Only the runner of tests can do it.
    PowerCut {
        /// How long it is without power.
        for_ns: u64,
    },
}

/// An action and its time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timed {
    /// Nanoseconds from the start.
    pub at_ns: u64,
    /// What is done.
    pub action: Action,
}

/// A script: actions in the order of time, each done once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stimuli {
    actions: Vec<Timed>,
    next: usize,
}

impl Stimuli {
    /// A script of these actions; actions of one time keep their order.
    #[must_use]
    pub fn new(mut actions: Vec<Timed>) -> Self {
        actions.sort_by_key(|timed| timed.at_ns);
        Self { actions, next: 0 }
    }

    /// The next action that is due at `now_ns`, in order; `None` when nothing (more) is. An action acts on the first scan
    /// that starts at or after its time.
    pub fn next_due(&mut self, now_ns: u64) -> Option<Action> {
        let timed = self.actions.get(self.next).filter(|timed| timed.at_ns <= now_ns)?;
        self.next += 1;
        Some(timed.action)
    }

    /// Time of the next action; `None` after the last.
    #[must_use]
    pub fn next_ns(&self) -> Option<u64> {
        self.actions.get(self.next).map(|timed| timed.at_ns)
    }

    /// Time of the last action; 0 for an empty script.
    #[must_use]
    pub fn end_ns(&self) -> u64 {
        self.actions.last().map_or(0, |timed| timed.at_ns)
    }

    /// The same script with further actions; at one time its own come first.
    #[must_use]
    pub fn with(&self, more: impl IntoIterator<Item = Timed>) -> Self {
        Self::new(self.actions.iter().copied().chain(more).collect())
    }

    /// Begins anew.
    pub fn rewind(&mut self) {
        self.next = 0;
    }

    /// All actions.
    #[must_use]
    pub fn actions(&self) -> &[Timed] {
        &self.actions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(at_ns: u64, input: usize, value: bool) -> Timed {
        Timed { at_ns, action: Action::SetBit { input: InputIndex(input), value } }
    }

    #[test]
    fn actions_come_in_the_order_of_time_then_of_the_text() {
        let mut script = Stimuli::new(vec![set(20, 0, true), set(10, 1, true), set(20, 0, false)]);
        assert_eq!(script.next_ns(), Some(10));
        assert_eq!(script.next_due(9), None);
        assert_eq!(
            script.next_due(25),
            Some(set(10, 1, true).action),
            "an action between scans waits for the next scan"
        );
        assert_eq!(script.next_due(25), Some(set(20, 0, true).action));
        assert_eq!(script.next_due(25), Some(set(20, 0, false).action));
        assert_eq!(script.next_due(25), None);
        assert_eq!((script.next_ns(), script.end_ns()), (None, 20));
        script.rewind();
        assert_eq!(script.next_due(10), Some(set(10, 1, true).action));
    }
}
