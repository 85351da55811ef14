//! May this channel be switched on now? Rules 2 to 4 as a pure question; nothing here changes anything.

use super::state::{ChannelState, Conflict, GuardState};
use super::{Phase, Sensed, restarts, status::Pending};
use crate::config::RatePolicy;
use crate::event::{Fault, Refusal, WaitReason};
use crate::id::{ChannelId, GroupId};
use crate::table::{Channel, ChannelTable};

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Yes (the stagger of rule 2e is settled among those who get this answer).
    Grant,
    /// Not yet.
    Wait(Pending),
    /// No.
    Refuse(Refusal),
}

/// What the question is asked of.
pub(super) struct View<'s> {
    pub table: &'s ChannelTable,
    pub state: &'s GuardState,
    pub sensed: Sensed,
    pub now_ns: u64,
}

impl View<'_> {
    /// Whether the channel, supposed to be wanted on and being off, may be switched on.
    pub fn assess(&self, id: ChannelId) -> Verdict {
        let (channel, state) = (self.table.channel(id), &self.state.channels[id]);
        // A stop or safe value is a command through rules 1, 2a, 2b and 2e only, but neither past a trip nor past a cut-off.
        let refusal = match self.state.phase {
            Phase::Run => self.refuse_running(id, channel, state),
            Phase::Stop | Phase::Safe => {
                self.refuse_always(channel, state).or_else(|| self.refuse_other_on(id, channel))
            }
        };
        if let Some(refusal) = refusal {
            return Verdict::Refuse(refusal);
        }
        match longest(self.wait_group(id, channel), self.wait_min_off(channel, state)) {
            Some(pending) => Verdict::Wait(pending),
            None => Verdict::Grant,
        }
    }

    fn refuse_running(&self, id: ChannelId, channel: &Channel, state: &ChannelState) -> Option<Refusal> {
        self.refuse_fault(id, channel, state)
            .or_else(|| self.refuse_always(channel, state))
            .or_else(|| self.refuse_conflict(id, channel))
            .or_else(|| self.refuse_other_on(id, channel))
            .or_else(|| refuse_not_seen_off(channel, state))
            .or_else(|| self.refuse_environment(channel))
            .or_else(|| self.refuse_rate(channel, state))
    }

    /// Rule 2d: no latched fault on it or on a member of its groups.
    fn refuse_fault(&self, id: ChannelId, channel: &Channel, state: &ChannelState) -> Option<Refusal> {
        if state.fault.is_some() {
            return Some(Refusal::Fault);
        }
        self.others(id, channel)
            .find(|&(_, other)| self.state.channels[other].fault.is_some())
            .map(|(_, other)| Refusal::GroupFault(other))
    }

    /// Rule 5 (a trip outlasts its cause) and rule 6 (the cut-off of a group in doubt stays down).
    fn refuse_always(&self, channel: &Channel, state: &ChannelState) -> Option<Refusal> {
        if state.trip.is_some() {
            return Some(Refusal::Tripped);
        }
        self.cutting_off(channel).map(Refusal::CutOff)
    }

    /// Rule 6: the first group this channel is the cut-off of that has a member which may conduct although it is off.
    pub fn cutting_off(&self, channel: &Channel) -> Option<GroupId> {
        let in_doubt =
            |&group: &GroupId| self.table.group(group).members().iter().any(|&member| self.may_conduct_unasked(member));
        channel.cutoff_of().iter().copied().find(in_doubt)
    }

    /// Rule 6: whether a channel may conduct although it is off.
    pub fn may_conduct_unasked(&self, id: ChannelId) -> bool {
        self.state.channels[id].fault.is_some_and(Fault::may_conduct)
    }

    /// Rule 6: another member of a group of this channel that may conduct although it is off.
    pub fn blocked_by(&self, id: ChannelId, channel: &Channel) -> Option<GroupId> {
        self.others(id, channel).find(|&(_, other)| self.may_conduct_unasked(other)).map(|(group, _)| group)
    }

    /// Rule 4: part of a conflict that has not been cleared by all who are in it.
    fn refuse_conflict(&self, id: ChannelId, channel: &Channel) -> Option<Refusal> {
        let in_conflict = |&group: &GroupId| {
            let members = self.table.group(group).members().iter();
            members.zip(&self.state.groups[group].conflict).any(|(&member, &mark)| member == id && mark != Conflict::No)
        };
        channel.groups().iter().copied().find(in_conflict).map(Refusal::Conflict)
    }

    /// Rule 4: while one member is on, an ON for another is refused, not pending.
    fn refuse_other_on(&self, id: ChannelId, channel: &Channel) -> Option<Refusal> {
        self.others(id, channel)
            .find(|&(_, other)| self.state.channels[other].on)
            .map(|(_, other)| Refusal::OtherOn(other))
    }

    /// Rule 2f: coil supply and ambient inside the sheet's window, where sensed.
    fn refuse_environment(&self, channel: &Channel) -> Option<Refusal> {
        if !self.sensed.supply_ok(channel) {
            Some(Refusal::Supply)
        } else if !self.sensed.ambient_ok(channel) {
            Some(Refusal::Ambient)
        } else {
            None
        }
    }

    /// Rule 2c: the switching rate, where it is enforced.
    fn refuse_rate(&self, channel: &Channel, state: &ChannelState) -> Option<Refusal> {
        match channel.rate.policy {
            RatePolicy::Warn => None,
            RatePolicy::Enforce => (!state.rate.permits(self.now_ns)).then_some(Refusal::Rate),
        }
    }

    /// Rule 2a for members that are off: OFF acknowledged, contact surely open, dead time over, feedback off.
    fn wait_group(&self, id: ChannelId, channel: &Channel) -> Option<Pending> {
        self.others(id, channel).fold(None, |wait, (group, other)| longest(wait, self.wait_member(group, other)))
    }

    fn wait_member(&self, group: GroupId, other: ChannelId) -> Option<Pending> {
        let state = &self.state.channels[other];
        let Some(off_ns) = state.acked_ns else {
            return Some(Pending { reason: WaitReason::OffUnacknowledged(other), due_ns: None });
        };
        if state.reads_on {
            return Some(Pending { reason: WaitReason::FeedbackOn(other), due_ns: None });
        }
        let lock_ns = self.table.channel(other).windows.break_ns.saturating_add(self.table.group(group).dead_time_ns);
        self.until(off_ns, lock_ns, WaitReason::Lock(other, group))
    }

    /// Rule 2b: the channel's own least off time, from its own acknowledged OFF.
    fn wait_min_off(&self, channel: &Channel, state: &ChannelState) -> Option<Pending> {
        match state.acked_ns {
            None => Some(Pending { reason: WaitReason::MinOff, due_ns: None }),
            Some(off_ns) => self.until(off_ns, channel.windows.min_off_ns, WaitReason::MinOff),
        }
    }

    fn until(&self, from_ns: u64, wait_ns: u64, reason: WaitReason) -> Option<Pending> {
        let elapsed_ns = self.now_ns.saturating_sub(from_ns);
        (elapsed_ns < wait_ns).then(|| Pending { reason, due_ns: Some(from_ns.saturating_add(wait_ns)) })
    }

    /// The other members of the channel's groups, each with its group.
    fn others<'v>(&'v self, id: ChannelId, channel: &'v Channel) -> impl Iterator<Item = (GroupId, ChannelId)> + 'v {
        let members = |&group: &GroupId| self.table.group(group).members().iter().map(move |&member| (group, member));
        channel.groups().iter().flat_map(members).filter(move |&(_, member)| member != id)
    }
}

/// Rule 3: the channel must have been seen commanded off.
fn refuse_not_seen_off(channel: &Channel, state: &ChannelState) -> Option<Refusal> {
    (!state.armed && !restarts(channel)).then_some(Refusal::NotSeenOff)
}

/// The wait that ends later; one without a known end before all others.
fn longest(a: Option<Pending>, b: Option<Pending>) -> Option<Pending> {
    match (a, b) {
        (Some(a), Some(b)) => {
            let b_later = match (a.due_ns, b.due_ns) {
                (None, _) => false,
                (Some(_), None) => true,
                (Some(a_ns), Some(b_ns)) => b_ns > a_ns,
            };
            Some(if b_later { b } else { a })
        }
        (one, other) => one.or(other),
    }
}
