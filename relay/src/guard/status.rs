//! What programs, operators and tests can see of a channel.

use super::{AcknowledgeRefused, Guard, Phase, assess, restarts};
use crate::event::{Fault, Refusal, Trip, WaitReason};
use crate::feedback::ReadBack;
use crate::id::ChannelId;
use crate::quantity::Duration;
use std::fmt::Write as _;

/// Why an ON waits, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pending {
    /// The reason that lasts longest.
    pub reason: WaitReason,
    /// When it is over, on the guard's clock; `None` where that depends on something outside, such as an acknowledgement.
    pub due_ns: Option<u64>,
}

/// What the load's contact does, as far as the guard can know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ContactEstimate {
    /// Nothing is known since start.
    Unknown,
    /// Surely open: the load is off.
    Open,
    /// Moving or bouncing, or its write is not acknowledged.
    Moving,
    /// Closed: the load is on. With a latched "welded" this is what it must be taken for.
    Closed,
}

/// One channel as it stands after the last scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelStatus {
    /// What the program commands.
    pub commanded: bool,
    /// The permitted state of the load.
    pub on: bool,
    /// The permitted level of the coil.
    pub line: bool,
    /// Whether the driver has completed the write of that level.
    pub acknowledged: bool,
    /// What the contact does.
    pub contact: ContactEstimate,
    /// Why an ON waits.
    pub pending: Option<Pending>,
    /// Why the last ON was refused.
    pub refusal: Option<Refusal>,
    /// Latched fault; needs acknowledgement.
    pub fault: Option<Fault>,
    /// Trip; needs a new command.
    pub trip: Option<Trip>,
    /// Whether the program runs, the channel is off and an ON would be permitted at once.
    pub ready: bool,
    /// State of the read-back.
    pub read_back: ReadBack,
    /// Whether the feedback reads on.
    pub reads_on: bool,
}

impl ChannelStatus {
    /// Why an acknowledgement of its fault would be refused now; `None` where it would be accepted.
    #[must_use]
    pub fn acknowledge_refused(&self) -> Option<AcknowledgeRefused> {
        if self.fault.is_none() {
            Some(AcknowledgeRefused::NothingLatched)
        } else if !self.on && self.reads_on {
            Some(AcknowledgeRefused::StillOn)
        } else if !self.on && !self.acknowledged {
            Some(AcknowledgeRefused::WriteMissing)
        } else {
            None
        }
    }

    /// Name of the latched fault or trip, such as `welded`; what `NAME.fault` shows.
    #[must_use]
    pub fn fault_name(&self) -> Option<&'static str> {
        self.fault.map(Fault::name).or(self.trip.map(Trip::name))
    }
}

impl Guard {
    /// One channel as it stands after the last scan.
    #[must_use]
    pub fn status(&self, id: ChannelId) -> ChannelStatus {
        let state = &self.state.channels[id];
        let channel = self.table.channel(id);
        ChannelStatus {
            commanded: self.intents[id].commanded,
            on: state.on,
            line: channel.coil_for(state.on),
            acknowledged: state.acked_ns.is_some(),
            contact: self.contact_estimate(id),
            pending: state.pending,
            refusal: state.refusal,
            fault: state.fault,
            trip: state.trip,
            ready: self.is_ready(id),
            read_back: state.read_back,
            reads_on: state.reads_on,
        }
    }

    fn contact_estimate(&self, id: ChannelId) -> ContactEstimate {
        let state = &self.state.channels[id];
        let windows = &self.table.channel(id).windows;
        if state.fault.is_some_and(Fault::may_conduct) {
            return ContactEstimate::Closed;
        }
        let window_ns = if state.on { windows.make_ns } else { windows.break_ns };
        let settled = state.acked_ns.is_some_and(|acked_ns| self.state.now_ns.saturating_sub(acked_ns) >= window_ns);
        match (settled, state.on) {
            (true, true) => ContactEstimate::Closed,
            (true, false) => ContactEstimate::Open,
            // The first write after start is still settling: nothing is known of before.
            (false, false) if state.write.0 <= 1 => ContactEstimate::Unknown,
            (false, _) => ContactEstimate::Moving,
        }
    }

    fn is_ready(&self, id: ChannelId) -> bool {
        let others_want = || {
            let groups = self.table.channel(id).groups().iter();
            groups
                .flat_map(|&group| self.table.group(group).members())
                .any(|&member| member != id && self.intents[member].want)
        };
        let view =
            assess::View { table: &self.table, state: &self.state, sensed: self.sensed, now_ns: self.state.now_ns };
        let running = self.state.phase == Phase::Run;
        running && !self.state.channels[id].on && view.assess(id) == assess::Verdict::Grant && !others_want()
    }

    /// What keeps a channel from being on, in words for a status line: `waiting: direction lock after rev, 1.2 s`. `None` when nothing does.
    /// Allocates: not for the scan thread.
    #[must_use]
    pub fn describe(&self, id: ChannelId) -> Option<String> {
        let state = &self.state.channels[id];
        let mut text = String::new();
        if let Some(fault) = state.fault {
            let _ = write!(text, "fault: {}", fault.event().text());
        } else if let Some(trip) = state.trip {
            let _ = write!(text, "tripped: {}", trip.event().text());
        } else if let Some(pending) = state.pending {
            let _ = write!(text, "waiting: {}", self.describe_wait(pending.reason));
            if let Some(due_ns) = pending.due_ns {
                // Tenths of a second, rounded up, so that a wait never reads 0.0 s.
                let tenths = due_ns.saturating_sub(self.state.now_ns).div_ceil(100_000_000);
                let _ = write!(text, ", {}.{} s", tenths / 10, tenths % 10);
            }
        } else if let Some(refusal) = state.refusal {
            let _ = write!(text, "refused: {}", self.describe_refusal(id, refusal));
        } else {
            return None;
        }
        Some(text)
    }

    /// A wait reason in words, with names.
    #[must_use]
    pub fn describe_wait(&self, reason: WaitReason) -> String {
        let name = |id: ChannelId| &self.table.channel(id).name;
        match reason {
            WaitReason::OffUnacknowledged(other) => format!("OFF of {} not acknowledged", name(other)),
            WaitReason::Lock(other, group) => format!("{} lock after {}", self.table.group(group).name, name(other)),
            WaitReason::FeedbackOn(other) => format!("feedback of {} still reads on", name(other)),
            WaitReason::MinOff => "least off time".to_owned(),
            WaitReason::Stagger => "stagger".to_owned(),
        }
    }

    /// A refusal in words, with names.
    #[must_use]
    pub fn describe_refusal(&self, id: ChannelId, refusal: Refusal) -> String {
        let name = |id: ChannelId| &self.table.channel(id).name;
        match refusal {
            Refusal::NotSeenOff => "must be commanded off first".to_owned(),
            Refusal::OtherOn(other) => format!("{} is on", name(other)),
            Refusal::Conflict(group) => {
                format!("conflict in group {}; command all of its members off", self.table.group(group).name)
            }
            Refusal::Rate => {
                let free_ns = self.state.channels[id].rate.free_at_ns(self.state.now_ns);
                let wait_ns = free_ns.map_or(0, |free_ns| free_ns.saturating_sub(self.state.now_ns));
                let seconds = Duration::from_ns(wait_ns.div_ceil(1_000_000_000) * 1_000_000_000);
                let rest = if restarts(self.table.channel(id)) { "" } else { "; command it off, then on" };
                format!("switching rate, free in {seconds}{rest}")
            }
            Refusal::Fault => "a fault is latched".to_owned(),
            Refusal::GroupFault(other) => format!("a fault is latched on {}", name(other)),
            Refusal::Tripped => "switched off by loss of supply or feedback; command it off, then on".to_owned(),
            Refusal::Supply => "coil supply out of its window".to_owned(),
            Refusal::Ambient => "air temperature out of range".to_owned(),
            Refusal::CutOff(group) => {
                format!("cut off: a contact of group {} may be welded", self.table.group(group).name)
            }
            Refusal::Expired => "waited longer than its pending limit; command it off, then on".to_owned(),
        }
    }
}
