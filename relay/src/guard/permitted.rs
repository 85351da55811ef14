//! What drivers accept: the level of every line, and which of them have to be written now.

use super::state::GuardState;
use crate::id::{ChannelId, PerChannel, WriteId};
use crate::table::ChannelTable;

/// One line as the guard permits it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Write {
    /// The channel.
    pub channel: ChannelId,
    /// Level of the coil: energised or not. What that is on the wire (active high or low) is the driver's matter.
    pub line: bool,
    /// Whether the load is to be on. Differs from `line` on a normally closed contact.
    pub on: bool,
    /// Number of the write, to be handed back when it is completed. Writing the same number again is harmless.
    pub id: WriteId,
    /// Whether the level changed in this scan.
    pub changed: bool,
    /// Whether it has to be written now: it changed, or it is an OFF nobody has acknowledged yet, which is repeated every scan.
    pub due: bool,
}

/// The lines as decided by the last scan. Only the guard makes and fills one, and it cannot be copied, so that no stale one can be written.
#[derive(Debug)]
pub struct Permitted {
    writes: PerChannel<Write>,
}

impl Permitted {
    pub(super) fn new(table: &ChannelTable) -> Self {
        let writes = PerChannel::from_fn(table.len(), |channel| Write {
            channel,
            line: table.channel(channel).coil_for(false),
            on: false,
            id: WriteId::NONE,
            changed: false,
            due: false,
        });
        Self { writes }
    }

    /// For a copy of the whole guard alone.
    pub(super) fn duplicate(&self) -> Self {
        Self { writes: self.writes.clone() }
    }

    pub(super) fn fill(&mut self, table: &ChannelTable, state: &GuardState) {
        for write in self.writes.iter_mut() {
            let channel = &state.channels[write.channel];
            write.changed = channel.write != write.id;
            write.id = channel.write;
            write.on = channel.on;
            write.line = table.channel(write.channel).coil_for(channel.on);
            write.due = write.changed || (!channel.on && channel.acked_ns.is_none());
        }
    }

    /// Every channel, in configuration order.
    pub fn all(&self) -> impl Iterator<Item = &Write> {
        self.writes.iter()
    }

    /// One channel.
    #[must_use]
    pub fn channel(&self, channel: ChannelId) -> &Write {
        &self.writes[channel]
    }

    /// What has to be written now, every OFF before the first ON. A driver of several chips writes the first part on all of them before the second on any.
    pub fn due(&self) -> impl Iterator<Item = &Write> {
        self.due_off().chain(self.due_on())
    }

    /// The OFFs that have to be written now.
    pub fn due_off(&self) -> impl Iterator<Item = &Write> {
        self.writes.iter().filter(|write| write.due && !write.on)
    }

    /// The ONs that have to be written now, after all OFFs.
    pub fn due_on(&self) -> impl Iterator<Item = &Write> {
        self.writes.iter().filter(|write| write.due && write.on)
    }

    /// Whether anything has to be written now.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.writes.iter().any(|write| write.due)
    }
}
