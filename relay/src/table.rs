//! The checked bank: channels and groups with every wait worked out, as the guard runs on them.
//!
//! Only [`ChannelTable::build`] makes one, and only from a configuration without errors. The table never changes afterwards.
//! Terms, all in terms of the load's contact (see [`Windows`]): *make* is the movement that switches the load on, *break* the one that switches it off. With a
//! normally closed contact the coil's pull-in makes the break, and its drop-out the make.

mod build;
mod electrical;
mod groups;

use crate::config::{FeedbackConfig, Restart, SafeValue, StopValue};
use crate::datasheet::{ContactForm, TemperatureRange};
use crate::finding::{Finding, Severity};
use crate::id::{ChannelId, GroupId, PerChannel, PerGroup, channel_ids, group_ids};
use crate::{BankConfig, RatePolicy};

/// Most channels in one bank. With 180 rate edges of 8 bytes each, 1024 channels keep the guard's state below 1.6 MB.
pub const CHANNELS_MAX: usize = 1024;

/// Most interlock groups in one bank.
pub const GROUPS_MAX: usize = 256;

/// The waits of one channel in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Windows {
    /// From an acknowledged ON to the load surely on: relay movement + bounce + actuator pull-in, with margin.
    pub make_ns: u64,
    /// From an acknowledged OFF to the load surely off: relay movement + bounce + actuator drop-out, with margin.
    pub break_ns: u64,
    /// Least off time (rule 2b).
    pub min_off_ns: u64,
    /// From an acknowledged ON until the read-back must read on (rule 6): make + debounce + input age + one scan.
    pub on_due_ns: u64,
    /// From an acknowledged OFF until the read-back must read off (rule 6): break + debounce + input age + one scan.
    pub off_due_ns: u64,
    /// An ON shorter than this need not have closed the contact (rule 7): relay movement + bounce, without margin.
    pub pulse_min_ns: u64,
}

/// Figures for counting wear (rule 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Life {
    /// Electrical life in operations under load; zero where the channel has no data sheet.
    pub electrical: u64,
    /// Mechanical life in operations; zero where the channel has no data sheet.
    pub mechanical: u64,
    /// Whether the channel's operations are under load.
    pub loaded: bool,
    /// Whether the load is above the gold limit of a gold-plated contact.
    pub above_gold: bool,
    /// Whether the contact is gold-plated and the load small enough to need the gold layer.
    pub needs_gold: bool,
}

/// Switching rate limit (rule 2c).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RateLimit {
    /// ON edges permitted in any 60 s; zero where the channel has no data sheet, which means no limit.
    pub edges: u32,
    /// Report or refuse.
    pub policy: RatePolicy,
}

/// One checked channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Name of the channel and of the program output.
    pub name: String,
    /// Name of the data sheet.
    pub relay: Option<String>,
    /// Which contact the load sits on.
    pub contact: ContactForm,
    /// Its waits.
    pub windows: Windows,
    /// Read-back, where wired.
    pub feedback: Option<FeedbackConfig>,
    /// Switching rate limit.
    pub rate: RateLimit,
    /// Longest pending time (rule 3).
    pub pending_limit_ns: u64,
    /// Stop value.
    pub stop: StopValue,
    /// Safe value.
    pub safe: SafeValue,
    /// Restart rule.
    pub restart: Restart,
    /// Inrush stagger.
    pub stagger_ns: u64,
    /// Coil supply window in millivolts, both ends included; `None` without data sheet.
    pub coil_window_millivolts: Option<(u64, u64)>,
    /// Air temperature range in operation; `None` without data sheet.
    pub ambient_operating: Option<TemperatureRange>,
    /// Air temperature range in storage; `None` without data sheet.
    pub ambient_storage: Option<TemperatureRange>,
    /// Life figures.
    pub life: Life,
    pub(crate) groups: Vec<GroupId>,
    pub(crate) cutoff_of: Vec<GroupId>,
}

impl Channel {
    /// The coil level that gives the load this state.
    #[must_use]
    pub fn coil_for(&self, load_on: bool) -> bool {
        match self.contact {
            ContactForm::No => load_on,
            ContactForm::Nc => !load_on,
        }
    }

    /// The groups it is a member of.
    #[must_use]
    pub fn groups(&self) -> &[GroupId] {
        &self.groups
    }

    /// The groups it is the cut-off of.
    #[must_use]
    pub fn cutoff_of(&self) -> &[GroupId] {
        &self.cutoff_of
    }
}

/// One checked interlock group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Name.
    pub name: String,
    /// Dead time on top of the members' break windows.
    pub dead_time_ns: u64,
    /// Channel dropped when a member is welded.
    pub cutoff: Option<ChannelId>,
    pub(crate) members: Vec<ChannelId>,
}

impl Group {
    /// Its members.
    #[must_use]
    pub fn members(&self) -> &[ChannelId] {
        &self.members
    }
}

/// The checked bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelTable {
    pub(crate) channels: PerChannel<Channel>,
    pub(crate) groups: PerGroup<Group>,
    pub(crate) group_count: usize,
    pub(crate) scan_period_ns: u64,
    pub(crate) ack_limit_ns: u64,
}

/// What [`ChannelTable::build`] found out.
#[derive(Clone, Debug)]
pub struct Built {
    /// The table; `None` when one of the findings is an error.
    pub table: Option<ChannelTable>,
    /// Everything found, errors first, else in configuration order.
    pub findings: Vec<Finding>,
}

impl ChannelTable {
    /// Checks a bank and works out its waits. Never fails: what is wrong is in the findings, all of it at once.
    #[must_use]
    pub fn build(config: &BankConfig) -> Built {
        let (table, mut findings) = build::build(config);
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity()));
        let refused = findings.iter().any(|finding| finding.severity() == Severity::Error);
        Built { table: if refused { None } else { table }, findings }
    }

    /// The channels in configuration order.
    #[must_use]
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = ChannelId> + ExactSizeIterator + Clone + use<> {
        channel_ids(self.channels.len())
    }

    /// The groups in configuration order.
    #[must_use]
    pub fn group_ids(&self) -> impl DoubleEndedIterator<Item = GroupId> + ExactSizeIterator + Clone + use<> {
        group_ids(self.group_count)
    }

    /// Number of channels.
    #[must_use]
    pub fn len(&self) -> usize {
        self.channels.len()
    }

    /// Whether there is no channel.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The channel of that name, without regard to capital letters.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<ChannelId> {
        self.ids().find(|&id| self.channels[id].name.eq_ignore_ascii_case(name))
    }

    /// One channel. The id must be from this table.
    #[must_use]
    pub fn channel(&self, id: ChannelId) -> &Channel {
        &self.channels[id]
    }

    /// One group. The id must be from this table.
    #[must_use]
    pub fn group(&self, id: GroupId) -> &Group {
        &self.groups[id]
    }

    /// The scan period the windows were worked out for.
    #[must_use]
    pub fn scan_period_ns(&self) -> u64 {
        self.scan_period_ns
    }

    /// How long a write may stay unacknowledged.
    #[must_use]
    pub fn ack_limit_ns(&self) -> u64 {
        self.ack_limit_ns
    }

    /// The longest time anything in this bank is waited for, the window of the switching rate apart. Times further back than this make no difference to
    /// any decision.
    #[must_use]
    pub fn horizon_ns(&self) -> u64 {
        let channel = self.channels.iter().map(|channel| {
            let w = &channel.windows;
            let dead = channel.groups.iter().map(|&group| self.groups[group].dead_time_ns).max().unwrap_or(0);
            let lock = w.break_ns.saturating_add(dead);
            [
                lock,
                w.min_off_ns,
                w.on_due_ns,
                w.off_due_ns,
                w.pulse_min_ns,
                channel.pending_limit_ns,
                channel.stagger_ns,
            ]
            .into_iter()
            .max()
            .unwrap_or(0)
        });
        channel.max().unwrap_or(0).max(self.ack_limit_ns)
    }
}

#[cfg(test)]
mod tests;
