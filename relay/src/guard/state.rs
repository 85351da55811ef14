//! What the guard remembers from scan to scan, as a value that can be compared and hashed.
//!
//! Nothing here that does not decide: counts of wear live elsewhere. [`GuardState::canonical`] moves all times to a common zero and lets those fade that are
//! too old to matter, so that a search meets equal situations as equal values.

use super::{Phase, status::Pending};
use crate::event::{Fault, Refusal, Trip};
use crate::feedback::ReadBack;
use crate::id::{ChannelId, PerChannel, PerGroup, WriteId};
use crate::rate::RateWindow;
use crate::retained::RetainedChannel;
use crate::table::ChannelTable;

/// The state of the guard.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GuardState {
    /// Time of the last scan.
    pub(super) now_ns: u64,
    /// Whether there has been a scan.
    pub(super) started: bool,
    pub(super) phase: Phase,
    /// Before this time no staggered channel may start (rule 2e).
    pub(super) stagger_free_ns: u64,
    /// Whether the supply was in every window in the last scan, for the event at its return.
    pub(super) supply_ok: bool,
    /// Last known ambient, for its events.
    pub(super) ambient: AmbientBand,
    pub(super) channels: PerChannel<ChannelState>,
    pub(super) groups: PerGroup<GroupState>,
    /// History that came from the retained store, waiting for the first scan to learn what time it is.
    pub(super) history: PerChannel<History>,
}

/// Where the air temperature lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum AmbientBand {
    /// In the operating range of every module, or not sensed.
    Operating,
    /// Outside the operating range of a module.
    Outside,
    /// Outside the storage range of a module.
    Damaging,
}

/// Switching history at start.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum History {
    /// None is known: counts as full.
    Lost,
    /// Ages of the edges at start, oldest first.
    Known(Vec<u64>),
    /// Taken over.
    Done,
}

/// The state of one channel.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct ChannelState {
    /// The permitted state of the load.
    pub on: bool,
    /// Number of the write that carries it.
    pub write: WriteId,
    /// When it was issued.
    pub issued_ns: u64,
    /// Time of the first scan after its acknowledgement.
    pub acked_ns: Option<u64>,
    /// Rule 3: seen commanded off since whatever demanded that.
    pub armed: bool,
    /// When the present ON command was first seen.
    pub request_ns: Option<u64>,
    /// Why the ON waits.
    pub pending: Option<Pending>,
    /// Why the ON was refused.
    pub refusal: Option<Refusal>,
    pub fault: Option<Fault>,
    pub trip: Option<Trip>,
    pub read_back: ReadBack,
    /// The feedback reads on; FALSE where none is wired.
    pub reads_on: bool,
    /// ONs in a row that were reversed before they were verified, up to the alarm.
    pub unverified_ons: u8,
    /// The same of OFFs. Counted apart, because one direction verified says nothing about the other.
    pub unverified_offs: u8,
    /// The present excess of the switching rate has been reported.
    pub rate_reported: bool,
    pub rate: RateWindow,
}

impl ChannelState {
    /// Rule 3: the channel must be seen commanded off before an ON counts again.
    pub fn disarm(&mut self) {
        self.armed = false;
        self.pending = None;
    }
}

/// How a member stands in a conflict (rule 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Conflict {
    /// It has no part in one.
    No,
    /// It has not been commanded off since.
    Waiting,
    /// It has been commanded off; others have not.
    SeenOff,
}

/// The state of one group: how each member stands, in the order of the group's members.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct GroupState {
    pub conflict: Vec<Conflict>,
}

impl GuardState {
    pub(super) fn new(table: &ChannelTable) -> Self {
        let channel = |id: ChannelId| ChannelState {
            on: false,
            write: WriteId::NONE,
            issued_ns: 0,
            acked_ns: None,
            armed: false,
            request_ns: None,
            pending: None,
            refusal: None,
            fault: None,
            trip: None,
            read_back: ReadBack::new(table.channel(id).feedback.is_some()),
            reads_on: false,
            unverified_ons: 0,
            unverified_offs: 0,
            rate_reported: false,
            rate: RateWindow::new(table.channel(id).rate.edges),
        };
        Self {
            now_ns: 0,
            started: false,
            phase: Phase::Stop,
            stagger_free_ns: 0,
            supply_ok: true,
            ambient: AmbientBand::Operating,
            channels: PerChannel::from_fn(table.len(), channel),
            groups: PerGroup::from_fn(table.group_ids().len(), |id| GroupState {
                conflict: vec![Conflict::No; table.group(id).members().len()],
            }),
            history: PerChannel::from_fn(table.len(), |_| History::Lost),
        }
    }

    pub(super) fn restore_channel(&mut self, id: ChannelId, kept: &RetainedChannel, downtime_ns: u64) {
        self.channels[id].fault = kept.fault;
        let ages = kept.edge_ages_ns.iter().map(|age_ns| age_ns.saturating_add(downtime_ns)).collect();
        self.history[id] = History::Known(ages);
    }

    /// Time of the last scan.
    #[must_use]
    pub fn now_ns(&self) -> u64 {
        self.now_ns
    }

    /// Whether the guard permits the channel's load to be on.
    #[must_use]
    pub fn is_on(&self, channel: ChannelId) -> bool {
        self.channels[channel].on
    }

    /// Number of the write that carries the channel's present level.
    #[must_use]
    pub fn write(&self, channel: ChannelId) -> WriteId {
        self.channels[channel].write
    }

    /// The same situation with its last scan at [`ChannelTable::horizon_ns`] + 1, and every time that is too long ago to matter set to the same "long ago". Equal
    /// canonical states behave alike. Write numbers become small: 2 for every write but a channel's first, 1 for that.
    #[must_use]
    pub fn canonical(&self, table: &ChannelTable) -> Self {
        let mut state = self.clone();
        let now_ns = self.now_ns;
        let new_now_ns = table.horizon_ns().saturating_add(1);
        let past = |at_ns: u64| new_now_ns.saturating_sub(now_ns.saturating_sub(at_ns));
        let future = |at_ns: u64| new_now_ns.saturating_add(at_ns.saturating_sub(now_ns));
        state.now_ns = new_now_ns;
        state.stagger_free_ns = future(self.stagger_free_ns);
        for channel in state.channels.iter_mut() {
            channel.write = WriteId(channel.write.0.min(2));
            // Once acknowledged, the time of issue is not looked at again.
            channel.issued_ns = if channel.acked_ns.is_some() { 0 } else { past(channel.issued_ns) };
            channel.acked_ns = channel.acked_ns.map(past);
            channel.request_ns = channel.request_ns.map(past);
            if let Some(pending) = &mut channel.pending {
                pending.due_ns = pending.due_ns.map(future);
            }
            channel.read_back.rebase(now_ns, new_now_ns);
            channel.rate.rebase(now_ns, new_now_ns);
        }
        state
    }
}
