//! Read-back of a contact (rule 6): what the feedback must read, from when on, and what it means when it does not.
//!
//! ```text
//!                 ON issued                           due, reads on
//!   Off ──────────────────────────► Settling(on) ──────────────────────► On
//!    ▲ │ reads on: closed            │    ▲  │ due, reads off:            │ │ reads off: feedback lost
//!    │ │ uncommanded (stays)         │    │  │ failed to close (stays)    │ │ (stays)
//!    │ ▼                  OFF issued │    │ ON issued                     │ ▼
//!    └─────────────────────────── Settling(off) ◄─────────────────────────┘
//!           due, reads off            │ due, reads on: welded (stays)  OFF issued
//! ```
//!
//! *Settling* begins without a due time, which is set when the write is acknowledged. A machine never takes a faulty state of its own: the
//! guard answers a deviation with an OFF and a latch, and the OFF leads on. A channel without feedback stays in *not wired*.

/// State of one channel's read-back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReadBack {
    /// There is no feedback.
    NotWired,
    /// Switched, and the reading does not count yet.
    Settling {
        /// What it must read when due.
        on: bool,
        /// From when on it must; `None` until the write is acknowledged.
        due_ns: Option<u64>,
    },
    /// Verified off.
    Off,
    /// Verified on.
    On,
}

/// What a reading revealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Deviation {
    FailedToClose,
    Welded,
    FeedbackLost,
    ClosedUncommanded,
}

impl ReadBack {
    /// The state at start: the first OFF is on its way.
    pub(crate) fn new(wired: bool) -> Self {
        if wired { Self::Settling { on: false, due_ns: None } } else { Self::NotWired }
    }

    /// A new level was issued. Returns whether the one before was reversed before it could be verified.
    pub(crate) fn issued(&mut self, on: bool) -> bool {
        let unverified = match *self {
            Self::NotWired => return false,
            Self::Settling { .. } => true,
            Self::Off | Self::On => false,
        };
        *self = Self::Settling { on, due_ns: None };
        unverified
    }

    /// The write of the level was acknowledged; the reading is due then.
    pub(crate) fn acknowledged(&mut self, at_ns: u64) {
        if let Self::Settling { due_ns, .. } = self {
            *due_ns = Some(at_ns);
        }
    }

    /// Takes one reading.
    pub(crate) fn read(&mut self, reads_on: bool, now_ns: u64) -> Option<Deviation> {
        let (next, deviation) = match (*self, reads_on) {
            (Self::Settling { on, due_ns }, _) if due_ns.is_some_and(|due_ns| now_ns >= due_ns) => match (on, reads_on)
            {
                (true, true) => (Self::On, None),
                (false, false) => (Self::Off, None),
                (true, false) => (*self, Some(Deviation::FailedToClose)),
                (false, true) => (*self, Some(Deviation::Welded)),
            },
            (Self::On, false) => (*self, Some(Deviation::FeedbackLost)),
            (Self::Off, true) => (*self, Some(Deviation::ClosedUncommanded)),
            (Self::NotWired | Self::Settling { .. }, _) | (Self::On, true) | (Self::Off, false) => (*self, None),
        };
        *self = next;
        deviation
    }

    /// The same state seen from another zero of time.
    pub(crate) fn rebase(&mut self, now_ns: u64, new_now_ns: u64) {
        if let Self::Settling { due_ns: Some(due_ns), .. } = self {
            *due_ns = new_now_ns.saturating_add(due_ns.saturating_sub(now_ns));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EARLY: u64 = 5;
    const DUE: u64 = 10;

    /// The diagram above, arrow by arrow: state, input, next state, what comes out.
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Input {
        Issued(bool),
        Acknowledged,
        Read { on: bool, at_ns: u64 },
    }

    const OFF: ReadBack = ReadBack::Off;
    const ON: ReadBack = ReadBack::On;
    const NOT: ReadBack = ReadBack::NotWired;

    const fn settling(on: bool, due_ns: Option<u64>) -> ReadBack {
        ReadBack::Settling { on, due_ns }
    }

    fn apply(state: ReadBack, input: Input) -> (ReadBack, bool, Option<Deviation>) {
        let mut next = state;
        match input {
            Input::Issued(on) => {
                let unverified = next.issued(on);
                (next, unverified, None)
            }
            Input::Acknowledged => {
                next.acknowledged(DUE);
                (next, false, None)
            }
            Input::Read { on, at_ns } => {
                let deviation = next.read(on, at_ns);
                (next, false, deviation)
            }
        }
    }

    #[test]
    fn every_arrow_of_the_diagram_and_no_other() {
        let read = |on, at_ns| Input::Read { on, at_ns };
        let states = [
            NOT,
            OFF,
            ON,
            settling(true, None),
            settling(false, None),
            settling(true, Some(DUE)),
            settling(false, Some(DUE)),
        ];
        let inputs = [
            Input::Issued(true),
            Input::Issued(false),
            Input::Acknowledged,
            read(true, EARLY),
            read(false, EARLY),
            read(true, DUE),
            read(false, DUE),
        ];
        let mut arrows = Vec::new();
        for state in states {
            for input in inputs {
                let (next, unverified, deviation) = apply(state, input);
                if next != state || unverified || deviation.is_some() {
                    arrows.push((state, input, next, unverified, deviation));
                }
            }
        }
        let mut expected = vec![];
        for on in [true, false] {
            expected.push((OFF, Input::Issued(on), settling(on, None), false, None));
            expected.push((ON, Input::Issued(on), settling(on, None), false, None));
            for before in [true, false] {
                for due in [None, Some(DUE)] {
                    expected.push((settling(before, due), Input::Issued(on), settling(on, None), true, None));
                }
            }
            expected.push((settling(on, None), Input::Acknowledged, settling(on, Some(DUE)), false, None));
        }
        for at_ns in [EARLY, DUE] {
            expected.push((ON, read(false, at_ns), ON, false, Some(Deviation::FeedbackLost)));
            expected.push((OFF, read(true, at_ns), OFF, false, Some(Deviation::ClosedUncommanded)));
        }
        expected.push((settling(true, Some(DUE)), read(true, DUE), ON, false, None));
        expected.push((settling(false, Some(DUE)), read(false, DUE), OFF, false, None));
        expected.push((
            settling(true, Some(DUE)),
            read(false, DUE),
            settling(true, Some(DUE)),
            false,
            Some(Deviation::FailedToClose),
        ));
        expected.push((
            settling(false, Some(DUE)),
            read(true, DUE),
            settling(false, Some(DUE)),
            false,
            Some(Deviation::Welded),
        ));
        for arrow in &arrows {
            assert!(expected.contains(arrow), "not in the diagram: {arrow:?}");
        }
        for arrow in &expected {
            assert!(arrows.contains(arrow), "missing: {arrow:?}");
        }
    }
}
