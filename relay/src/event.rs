//! What the guard reports: coded, `Copy` events and the bounded sink they go into, and the reasons for which an ON waits or is refused.
//!
//! One table gives each event its stable code, its blame, a short text and an explanation; `docs/relays.md` is checked against it. Events never steer the
//! guard; a full sink counts what it could not take and changes nothing else.

use crate::id::{ChannelId, GroupId};
use std::fmt;

/// Whose matter an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Blame {
    /// The control program asked for something that may not be.
    Program,
    /// The controller: drivers, clock, kernel.
    Platform,
    /// The plant: relays, wiring, supply.
    Field,
    /// Nobody: the operator or the ordinary course of things.
    Operation,
}

impl fmt::Display for Blame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Program => "program",
            Self::Platform => "platform",
            Self::Field => "field",
            Self::Operation => "operation",
        })
    }
}

macro_rules! event_codes {
    ($($variant:ident, $code:literal, $blame:ident, $text:literal, $explanation:literal;)*) => {
        /// What kind of event it is. The code never changes its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventCode {
            $(#[doc = $text] #[doc = ""] #[doc = $explanation] $variant,)*
        }

        impl EventCode {
            /// Every code, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable code, such as `G21`.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// Whose matter it is.
            #[must_use]
            pub fn blame(self) -> Blame {
                match self { $(Self::$variant => Blame::$blame,)* }
            }

            /// A short text.
            #[must_use]
            pub fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// What happened, what the guard did, and what to do now.
            #[must_use]
            pub fn explanation(self) -> &'static str {
                match self { $(Self::$variant => $explanation,)* }
            }
        }
    };
}

event_codes! {
    Waiting, "G01", Operation, "ON waits", "The ON is permitted in principle and waits for a lock, the least off time or the stagger; it starts by itself unless the command is dropped or the pending limit passes.";
    Refused, "G02", Program, "ON refused", "The ON is not permitted and will not start later by itself: command the channel off, then on again.";
    Expired, "G03", Program, "pending ON expired", "The ON waited longer than its pending limit. Command the channel off, then on again.";
    Conflict, "G04", Program, "two group members commanded on", "Two members of an interlock group were commanded on while none was on. All of them are refused until each has been commanded off. The program's own interlock is missing or faulty.";
    FailedToClose, "G10", Field, "failed to close", "The read-back did not read on in time after an ON. The channel was switched off and latched. Look for a missing supply, a broken coil or an open feedback wire, then acknowledge.";
    Welded, "G11", Field, "welded", "The read-back still reads on long after an OFF. The channel is latched, its groups are blocked and their cut-offs dropped. The contact may be welded: isolate, replace, then acknowledge.";
    FeedbackLost, "G12", Field, "feedback lost while on", "The read-back went off while the channel was on: supply, hard-wired stop or wire. The channel was switched off; a new command is needed.";
    ClosedUncommanded, "G13", Field, "closed without command", "The read-back went on while the channel was off: operated by hand, bridged or faulty. Treated like a welded contact.";
    SupplyLost, "G14", Field, "coil supply out of its window", "The channel was on and was switched off; a new command is needed when the supply is back.";
    SupplyReturned, "G15", Operation, "coil supply back in its window", "Nothing starts by itself unless `restart: auto` says so.";
    WriteUnacknowledged, "G16", Platform, "write not acknowledged", "The driver did not complete a write in time, so the level of the line is not known. The channel is latched; if an OFF is missing its groups are blocked and their cut-offs dropped.";
    CutoffDropped, "G17", Field, "cut-off dropped", "A member of the group may conduct although it is off. The channel named as cut-off was switched off.";
    GroupBlocked, "G18", Field, "group switched off", "Another member of the group may conduct although it is off. This channel was switched off.";
    UnverifiedOperations, "G19", Field, "operations not verified", "Several operations in a row were reversed before the read-back could confirm them: a welded contact could hide behind them. Lengthen the pulses.";
    AmbientOutside, "G20", Field, "ambient outside the operating range", "No ON is permitted at this temperature; what is on stays on.";
    AmbientDamaging, "G21", Field, "ambient outside the storage range", "The modules may be damaged at this temperature even without operation. Check them before they are used again.";
    PulseTooShort, "G30", Program, "pulse too short", "The ON was shorter than pull-in and bounce, so the contact need not have closed. Lengthen it in the program.";
    RateExceeded, "G31", Program, "switching rate exceeded", "More ON operations in 60 s than the data sheet permits. With `rate: warn` the contact only wears faster.";
    Life80, "G40", Field, "80 % of life used", "Order a replacement module.";
    Life100, "G41", Field, "life used up", "Replace the module, then reset its counters.";
    GoldSpent, "G42", Field, "gold layer spent", "The contact switched a load above the gold limit for the first time; it is never again fit for dry signals.";
    GoldUnfit, "G43", Field, "contact without gold on a small load", "This contact once switched a load above the gold limit and now carries a small one: contact resistance is not reliable. Replace the module.";
    Acknowledged, "G50", Operation, "fault acknowledged", "The latch is open again. Command the channel off, then on.";
    AcknowledgeRefused, "G51", Field, "acknowledgement refused", "The read-back still reads on, or the missing write is still missing. Remove the cause first.";
    TimeBackwards, "G60", Platform, "time went backwards", "The guard's clock read earlier than before; the guard held its time still. Use a monotonic clock.";
}

/// Why an ON waits. The only reasons for which it may (rule 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WaitReason {
    /// Rule 2a: another member's OFF has not been acknowledged as written.
    OffUnacknowledged(ChannelId),
    /// Rule 2a: another member's break window and the dead time are not over.
    Lock(ChannelId, GroupId),
    /// Rule 2a: another member's feedback still reads on.
    FeedbackOn(ChannelId),
    /// Rule 2b: its own least off time is not over, or its own OFF is not acknowledged.
    MinOff,
    /// Rule 2e: another channel's inrush first.
    Stagger,
}

/// Why an ON is refused. The channel must be commanded off before the next one counts, unless `restart: auto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// Rule 3: not yet seen commanded off since start, stop, fault, loss of supply, acknowledgement or an earlier refusal.
    NotSeenOff,
    /// Rule 4: another member is on.
    OtherOn(ChannelId),
    /// Rule 4: commanded on together with another member.
    Conflict(GroupId),
    /// Rule 2c: too many operations in 60 s.
    Rate,
    /// Rule 2d: a fault is latched on the channel itself.
    Fault,
    /// Rule 2d: a fault is latched on another member.
    GroupFault(ChannelId),
    /// Rule 5: switched off by loss of supply or feedback; a new command is needed.
    Tripped,
    /// Rule 2f: the coil supply is out of its window.
    Supply,
    /// Rule 2f: the air temperature is out of range.
    Ambient,
    /// Rule 6: cut-off of a group with a member that may conduct although it is off.
    CutOff(GroupId),
    /// Rule 3: pending longer than its limit.
    Expired,
}

/// A latched fault of a channel; it needs an operator's acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Rule 6: not closed in time.
    FailedToClose,
    /// Rule 6: not open in time.
    Welded,
    /// Rule 6: read-back on without a command.
    ClosedUncommanded,
    /// An ON was not acknowledged in time.
    OnUnacknowledged,
    /// An OFF was not acknowledged in time: the contact may still conduct.
    OffUnacknowledged,
}

impl Fault {
    /// Whether the contact may conduct although the channel is off, so that the groups must be blocked and the cut-offs dropped.
    #[must_use]
    pub fn may_conduct(self) -> bool {
        match self {
            Self::Welded | Self::ClosedUncommanded | Self::OffUnacknowledged => true,
            Self::FailedToClose | Self::OnUnacknowledged => false,
        }
    }

    /// The event that announced it.
    #[must_use]
    pub fn event(self) -> EventCode {
        match self {
            Self::FailedToClose => EventCode::FailedToClose,
            Self::Welded => EventCode::Welded,
            Self::ClosedUncommanded => EventCode::ClosedUncommanded,
            Self::OnUnacknowledged | Self::OffUnacknowledged => EventCode::WriteUnacknowledged,
        }
    }

    /// The name programs and timeline tests use, such as `failed_to_close`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::FailedToClose => "failed_to_close",
            Self::Welded => "welded",
            Self::ClosedUncommanded => "closed_uncommanded",
            Self::OnUnacknowledged => "on_unacknowledged",
            Self::OffUnacknowledged => "off_unacknowledged",
        }
    }
}

/// A trip (rule 5): switched off by what happened outside; a new command is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trip {
    /// The coil supply left its window while the channel was on.
    SupplyLost,
    /// The feedback went off while the channel was on.
    FeedbackLost,
}

impl Trip {
    /// The event that announced it.
    #[must_use]
    pub fn event(self) -> EventCode {
        match self {
            Self::SupplyLost => EventCode::SupplyLost,
            Self::FeedbackLost => EventCode::FeedbackLost,
        }
    }

    /// The name programs and timeline tests use, such as `supply_lost`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SupplyLost => "supply_lost",
            Self::FeedbackLost => "feedback_lost",
        }
    }
}

/// What an event says beyond its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Detail {
    /// Nothing more.
    None,
    /// Why an ON waits.
    Wait(WaitReason),
    /// Why an ON was refused.
    Refusal(Refusal),
    /// The group concerned.
    Group(GroupId),
    /// A length of time in nanoseconds, such as that of a pulse too short.
    TimeNs(u64),
    /// A count of operations.
    Count(u64),
}

/// One event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    /// The guard's time of the scan in which it was seen.
    pub at_ns: u64,
    /// What happened.
    pub code: EventCode,
    /// The channel concerned; `None` for events of a group or of the bank.
    pub channel: Option<ChannelId>,
    /// What more is known.
    pub detail: Detail,
}

/// A bounded list of events. Empty it after each scan.
#[derive(Clone, Debug)]
pub struct EventSink {
    events: Vec<Event>,
    capacity: usize,
    lost: u64,
}

impl EventSink {
    /// A sink for so many events between two calls of [`Self::clear`]. The only allocation it ever makes.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { events: Vec::with_capacity(capacity), capacity, lost: 0 }
    }

    /// A sink large enough for one scan of a bank in which everything happens at once: eight events per channel and one per group.
    #[must_use]
    pub fn for_table(table: &crate::ChannelTable) -> Self {
        Self::with_capacity(table.len() * 8 + table.group_ids().len() + 8)
    }

    /// The events since the last clearing, oldest first.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// How many events found no room since the sink was made.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Forgets the events, not the count of lost ones.
    pub fn clear(&mut self) {
        self.events.clear();
    }

    pub(crate) fn push(&mut self, event: Event) {
        if self.events.len() < self.capacity {
            self.events.push(event);
        } else {
            self.lost = self.lost.saturating_add(1);
        }
    }
}
