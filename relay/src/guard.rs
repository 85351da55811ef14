//! The relay guard: the only way from commanded outputs to lines.
//!
//! Once per scan [`Guard::arbitrate`] takes what the program commands and what the plant reads, and decides which lines may be energised. It is a pure function
//! of its state, its inputs and the table; after [`Guard::new`] it does not allocate. `assess` decides whether an ON is permitted (rules 2 to 4), `rules` walks
//! through a scan in the order in which the rules take precedence, `state` holds what is remembered from scan to scan, `permitted` is what drivers accept.
//!
//! Invariants: faults are evaluated before grants; an OFF leaves in the scan in which it is commanded; a member of a group is switched on only when every
//! other member's contact is open for certain and has been for the dead time.

mod assess;
mod permitted;
mod rules;
mod state;
mod status;

#[cfg(test)]
mod tests;

pub use permitted::{Permitted, Write};
pub use state::GuardState;
pub use status::{ChannelStatus, ContactEstimate, Pending};

use crate::config::Restart;
use crate::event::{Detail, Event, EventCode, EventSink};
use crate::id::{ChannelId, PerChannel, WriteId};
use crate::quantity::Temperature;
use crate::retained::{Restored, RetainedBank, RetainedChannel};
use crate::table::{Channel, ChannelTable};
use crate::wear::{Wear, WearReport};
use std::fmt;
use std::sync::Arc;

/// What the controller is doing; decides where the commands come from (rule 10).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// The program runs and commands.
    Run,
    /// The program is stopped; every channel has its stop value.
    #[default]
    Stop,
    /// A fault; every channel has its safe value.
    Safe,
}

/// The coil supply as sensed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SupplyReading {
    /// Nothing senses it; rules 2f and 5 cannot act on it.
    #[default]
    NotSensed,
    /// A monitoring input says it is present.
    Good,
    /// A monitoring input says it is missing.
    Bad,
    /// Measured, in millivolts; compared with each channel's own window.
    Millivolts(u64),
}

/// Everything the guard sees in one scan. The slices run parallel to the table's channels; a missing element counts as FALSE, or as not acknowledged.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// Measured monotonic time at the start of the scan, from any zero.
    pub now_ns: u64,
    /// What the controller is doing. Pass [`Phase::Run`] only with commands of a completed program scan.
    pub phase: Phase,
    /// The program's outputs: load on. Not looked at outside [`Phase::Run`].
    pub commanded: &'a [bool],
    /// Number of the last write each channel's driver has completed, from [`Write::id`]. [`WriteId::NONE`] before the first; never from another guard.
    pub acknowledged: &'a [WriteId],
    /// Raw level of each feedback input after debouncing. An input that cannot be read is FALSE, never its last value.
    pub feedback: &'a [bool],
    /// The coil supply.
    pub supply: SupplyReading,
    /// Air temperature at the modules, where sensed.
    pub ambient: Option<Temperature>,
}

/// What was sensed in the last scan, kept for answers between scans.
#[derive(Clone, Copy, Debug, Default)]
struct Sensed {
    supply: SupplyReading,
    ambient: Option<Temperature>,
}

impl Sensed {
    fn supply_ok(&self, channel: &Channel) -> bool {
        let Some((min, max)) = channel.coil_window_millivolts else { return true };
        match self.supply {
            SupplyReading::NotSensed | SupplyReading::Good => true,
            SupplyReading::Bad => false,
            SupplyReading::Millivolts(millivolts) => (min..=max).contains(&millivolts),
        }
    }

    fn ambient_ok(&self, channel: &Channel) -> bool {
        match (self.ambient, &channel.ambient_operating) {
            (Some(ambient), Some(range)) => range.contains(ambient),
            (None, _) | (_, None) => true,
        }
    }
}

/// What one channel is told in this scan; worked out anew every time.
#[derive(Clone, Copy, Debug, Default)]
struct Intent {
    /// The program's command.
    commanded: bool,
    /// What the channel shall be: the command, the stop value or the safe value.
    want: bool,
    /// Switched off in this scan by a fault or trip, whatever the intent.
    forced_off: bool,
}

/// Why an acknowledgement of a fault was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AcknowledgeRefused {
    /// Nothing is latched.
    NothingLatched,
    /// The channel is off and its feedback still reads on.
    StillOn,
    /// The driver has still not completed the OFF.
    WriteMissing,
}

impl fmt::Display for AcknowledgeRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NothingLatched => "no fault is latched on this channel",
            Self::StillOn => "the feedback still reads on: isolate the load and replace the contact first",
            Self::WriteMissing => {
                "the OFF is still not acknowledged by the driver: mend the connection to the line first"
            }
        })
    }
}

impl std::error::Error for AcknowledgeRefused {}

/// The guard of one bank.
#[derive(Debug)]
pub struct Guard {
    table: Arc<ChannelTable>,
    state: GuardState,
    wear: PerChannel<Wear>,
    intents: PerChannel<Intent>,
    sensed: Sensed,
    permitted: Permitted,
    /// Channels whose ON is permitted in this scan; reserved for all of them.
    candidates: Vec<ChannelId>,
}

impl Clone for Guard {
    fn clone(&self) -> Self {
        let mut copy = Self::with_state(Arc::clone(&self.table), &self.state);
        copy.wear.clone_from(&self.wear);
        copy.intents.clone_from(&self.intents);
        copy.sensed = self.sensed;
        copy.permitted = self.permitted.duplicate();
        copy
    }
}

impl Guard {
    /// A guard that knows nothing of the past: counts at zero, switching history counted as full.
    #[must_use]
    pub fn new(table: Arc<ChannelTable>) -> Self {
        let count = table.len();
        Self {
            state: GuardState::new(&table),
            wear: PerChannel::from_fn(count, |_| Wear::default()),
            intents: PerChannel::from_fn(count, |_| Intent::default()),
            sensed: Sensed::default(),
            permitted: Permitted::new(&table),
            candidates: Vec::with_capacity(count),
            table,
        }
    }

    /// A guard that takes up a record from before. `downtime_ns` is the time since the record was made; `None` where it is not known, and the history
    /// then counts as if no time had passed.
    #[must_use]
    pub fn with_retained(
        table: Arc<ChannelTable>,
        record: &RetainedBank,
        downtime_ns: Option<u64>,
    ) -> (Self, Restored) {
        let mut guard = Self::new(table);
        let table = Arc::clone(&guard.table);
        let mut outcome = Restored::default();
        for id in table.ids() {
            let channel = table.channel(id);
            let same =
                |kept: &&RetainedChannel| kept.name.eq_ignore_ascii_case(&channel.name) && kept.relay == channel.relay;
            let Some(kept) = record.channels.iter().find(same) else {
                outcome.fresh.push(channel.name.clone());
                continue;
            };
            outcome.restored.push(channel.name.clone());
            guard.wear[id] = kept.wear;
            guard.state.restore_channel(id, kept, downtime_ns.unwrap_or(0));
        }
        let taken =
            |kept: &RetainedChannel| table.find(&kept.name).is_some_and(|id| table.channel(id).relay == kept.relay);
        outcome.unmatched = record.channels.iter().filter(|kept| !taken(kept)).cloned().collect();
        (guard, outcome)
    }

    /// The guard of a table in a given state, for searches. Counts are at zero.
    #[must_use]
    pub fn with_state(table: Arc<ChannelTable>, state: &GuardState) -> Self {
        let mut guard = Self::new(table);
        guard.state.clone_from(state);
        guard
    }

    /// One scan: decides every line. Call it exactly once per scan, write [`Self::permitted`], and hand the numbers of the completed writes to the next scan.
    pub fn arbitrate(&mut self, inputs: &Inputs<'_>, events: &mut EventSink) {
        self.sensed = Sensed { supply: inputs.supply, ambient: inputs.ambient };
        let table = Arc::clone(&self.table);
        let mut scan = rules::Scan {
            table: &table,
            inputs,
            now_ns: 0,
            sensed: self.sensed,
            state: &mut self.state,
            wear: &mut self.wear,
            intents: &mut self.intents,
            candidates: &mut self.candidates,
            events,
        };
        scan.run();
        self.permitted.fill(&table, &self.state);
    }

    /// What the drivers may write, as of the last scan. Before the first scan nothing is due.
    #[must_use]
    pub fn permitted(&self) -> &Permitted {
        &self.permitted
    }

    /// The table it runs on.
    #[must_use]
    pub fn table(&self) -> &Arc<ChannelTable> {
        &self.table
    }

    /// The state that decides. Two guards of one table with equal states decide alike for ever.
    #[must_use]
    pub fn state(&self) -> &GuardState {
        &self.state
    }

    /// Puts the guard in a given state, for searches.
    pub fn set_state(&mut self, state: &GuardState) {
        self.state.clone_from(state);
    }

    /// Counts of one channel.
    #[must_use]
    pub fn wear(&self, channel: ChannelId) -> &Wear {
        &self.wear[channel]
    }

    /// Counts of one channel in the terms of an operator.
    #[must_use]
    pub fn wear_report(&self, channel: ChannelId) -> WearReport {
        self.wear[channel].report(&self.table.channel(channel).life)
    }

    /// The module was replaced: its counts begin again at zero.
    pub fn relay_replaced(&mut self, channel: ChannelId) {
        self.wear[channel] = Wear::default();
    }

    /// An operator acknowledges a latched fault. Only unlatches: the channel must be commanded off and on again, unless `restart: auto`.
    ///
    /// # Errors
    /// Refused while the feedback of a channel that is off still reads on, while the OFF itself is not acknowledged by its driver, and when nothing is latched.
    pub fn acknowledge_fault(&mut self, channel: ChannelId, events: &mut EventSink) -> Result<(), AcknowledgeRefused> {
        let at_ns = self.state.now_ns;
        let refused = self.status(channel).acknowledge_refused();
        let state = &mut self.state.channels[channel];
        let code = if refused.is_some() { EventCode::AcknowledgeRefused } else { EventCode::Acknowledged };
        events.push(Event { at_ns, code, channel: Some(channel), detail: Detail::None });
        match refused {
            Some(reason) => Err(reason),
            None => {
                state.fault = None;
                state.disarm();
                Ok(())
            }
        }
    }

    /// The record for the retained store. Allocates: not for the scan thread.
    #[must_use]
    pub fn retained(&self) -> RetainedBank {
        let mut record = RetainedBank {
            channels: self
                .table
                .ids()
                .map(|id| {
                    let channel = self.table.channel(id);
                    let edges = usize::try_from(channel.rate.edges).unwrap_or(0);
                    RetainedChannel {
                        name: channel.name.clone(),
                        relay: channel.relay.clone(),
                        edge_ages_ns: Vec::with_capacity(edges),
                        ..RetainedChannel::default()
                    }
                })
                .collect(),
        };
        self.update_retained(&mut record);
        record
    }

    /// Refreshes a record made by [`Self::retained`] of this guard, without allocating.
    pub fn update_retained(&self, record: &mut RetainedBank) {
        for (id, kept) in self.table.ids().zip(&mut record.channels) {
            let state = &self.state.channels[id];
            kept.wear = self.wear[id];
            kept.fault = state.fault;
            kept.edge_ages_ns.clear();
            kept.edge_ages_ns.extend(state.rate.ages_ns(self.state.now_ns));
        }
    }
}

/// Whether rule 3 is lifted for the channel.
fn restarts(channel: &Channel) -> bool {
    match channel.restart {
        Restart::Manual => false,
        Restart::Auto => true,
    }
}
