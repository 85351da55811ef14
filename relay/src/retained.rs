//! What must survive a power loss: counts, switching history and latched faults, as plain values for a store.
//!
//! Channels are kept by name and data sheet: where either has changed, another module is in that place and the record is not taken over.
//! This module stores nothing; the caller does, and says at the next start for how long the power was gone.

use crate::event::Fault;
use crate::wear::Wear;
use serde::{Deserialize, Serialize};

/// The record of a bank.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetainedBank {
    /// The channels in configuration order.
    pub channels: Vec<RetainedChannel>,
}

/// The record of one channel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetainedChannel {
    /// Name of the channel.
    pub name: String,
    /// Name of its data sheet.
    pub relay: Option<String>,
    /// Counts of its relay.
    pub wear: Wear,
    /// Ages in nanoseconds of the ON edges of the last 60 s, oldest first, when the record was made.
    pub edge_ages_ns: Vec<u64>,
    /// Latched fault.
    pub fault: Option<Fault>,
}

/// What came of a record at start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// Channels whose record was taken over.
    pub restored: Vec<String>,
    /// Channels of this bank without a record: their counts begin at zero and their switching history counts as full.
    pub fresh: Vec<String>,
    /// Records that fit no channel; the caller should keep them aside and say so.
    pub unmatched: Vec<RetainedChannel>,
}
