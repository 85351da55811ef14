//! How a program is wired to its relays: what the I/O map says of it, as far as proofs need it.
//!
//! Places are bits of the data, counted from the first.

use relay::ChannelTable;
use relay::contact::ContactModel;
use serde::Deserialize;

/// Which contacts a property is asked about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Contacts {
    /// Every movement ends at any time between at once and the longest time with margin, and until then the contact may be open or
    /// closed at any moment. Read-backs may say anything.
    #[default]
    Worst,
    /// Every movement takes the typical times of the data sheet, as in timeline tests, and read-backs follow their contacts.
    Typical,
}

impl Contacts {
    /// The word in a property.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Worst => "worst",
            Self::Typical => "typical",
        }
    }
}

/// A program on its bank of relays.
#[derive(Clone, Debug)]
pub struct Wired<'a> {
    /// The guard's channels and groups.
    pub table: &'a ChannelTable,
    /// By channel.
    pub channels: Vec<WiredChannel>,
    /// The input that says that the coil supply is there.
    pub supply: Option<Wire>,
    /// Inputs of the program that read the state of a channel.
    pub reads: Vec<Reads>,
}

/// A channel.
#[derive(Clone, Debug)]
pub struct WiredChannel {
    /// Where the program puts the command.
    pub output: usize,
    /// The input its contact is read back by.
    pub feedback: Option<Wire>,
    /// The physics of its relay.
    pub model: ContactModel,
}

/// An input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wire {
    /// Its number in the I/O map.
    pub number: u32,
    /// Where the program reads it, if it does.
    pub place: Option<usize>,
    /// A changed level counts when it has held this long.
    pub debounce_ns: u64,
    /// FALSE counts at once.
    pub stop: bool,
}

/// An input of the program that reads the state of a channel: as it was after the scan before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reads {
    /// Where the program reads it.
    pub place: usize,
    /// The channel's number.
    pub channel: usize,
    /// What.
    pub what: Reading,
}

/// What of a channel a program can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// An ON would be granted now.
    Ready,
    /// An ON waits.
    Pending,
    /// A fault or trip is latched.
    Fault,
    /// The guard drives the line so that the load should be on.
    Line,
    /// The contact is closed, by its read-back or by the data sheet's times.
    Contact,
    /// What the program commands.
    Commanded,
}
