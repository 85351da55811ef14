//! What can be seen of a controller between scans.

use super::{Mode, Plc};
use crate::config::{InputId, IoMap, Word};
use crate::io::{ContactState, Driver, ExpanderStatus};
use crate::scan::fault::Fault;
use crate::scan::stats::Stats;
use crate::vm::{Engine, Memory};
use bytecode::VerifiedImage;
use relay::{ChannelId, ChannelStatus, ChannelTable, ContactEstimate, Event, Guard};
use std::sync::Arc;

/// What a load contact does, simulated or estimated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Contact {
    /// The load is off.
    Open,
    /// The load is on.
    Closed,
    /// It has moved and is still bouncing (simulated contacts).
    Bouncing,
    /// On its way, or its write is not acknowledged (estimated).
    Moving,
    /// Nothing is known since start (estimated).
    Unknown,
}

impl Contact {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Open, Self::Closed, Self::Bouncing, Self::Moving, Self::Unknown];

    /// The word timeline tests and traces use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Bouncing => "bouncing",
            Self::Moving => "moving",
            Self::Unknown => "unknown",
        }
    }
}

impl<E: Engine, D: Driver> Plc<E, D> {
    /// What it is doing.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// The fault, when there is one.
    #[must_use]
    pub const fn fault(&self) -> Option<&Fault> {
        match &self.mode {
            Mode::Faulted(fault) => Some(fault),
            Mode::Running | Mode::Stopped => None,
        }
    }

    /// Number of the last scan, from 1; 0 before the first.
    #[must_use]
    pub const fn scan(&self) -> u64 {
        self.scan
    }

    /// When the last scan was due, in nanoseconds since start.
    #[must_use]
    pub const fn grid_ns(&self) -> u64 {
        self.grid_ns
    }

    /// When the last scan began, measured.
    #[must_use]
    pub const fn now_ns(&self) -> u64 {
        self.now_ns
    }

    /// Time between two scans.
    #[must_use]
    pub fn tick_ns(&self) -> u64 {
        self.map.plan.tick_ns
    }

    /// Events of the last scan and of acknowledgements before it. Look before the next command.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        self.sink.events()
    }

    /// State and counters of each port expander, in the order of [`IoMap::expanders`], as of the last reading.
    #[must_use]
    pub fn expanders(&self) -> &[ExpanderStatus] {
        self.driver.expanders()
    }

    /// Timing and counters.
    #[must_use]
    pub const fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Timing and counters, for the loop that also counts what it skips and loses.
    pub const fn stats_mut(&mut self) -> &mut Stats {
        &mut self.stats
    }

    /// An input as the program saw it in the last scan: debounced and forced.
    #[must_use]
    pub fn input(&self, id: InputId) -> bool {
        self.levels.get(id.index()).copied().unwrap_or(false)
    }

    /// What the program commanded in the last scan, forces included; FALSE when it does not run.
    #[must_use]
    pub fn commanded(&self, id: ChannelId) -> bool {
        self.commanded.get(id.index()).copied().unwrap_or(false)
    }

    /// A channel after the last scan; `None` for an id of another table.
    #[must_use]
    pub fn status(&self, id: ChannelId) -> Option<&ChannelStatus> {
        self.statuses.get(id.index())
    }

    /// All channels after the last scan, in configuration order.
    #[must_use]
    pub fn statuses(&self) -> &[ChannelStatus] {
        &self.statuses
    }

    /// What the load contact does: the simulated one where there is one, else what the guard can know.
    #[must_use]
    pub fn contact(&self, id: ChannelId) -> Contact {
        match self.driver.contact(id) {
            Some(ContactState::Open) => Contact::Open,
            Some(ContactState::Closed) => Contact::Closed,
            Some(ContactState::Bouncing) => Contact::Bouncing,
            None => match self.status(id).map_or(ContactEstimate::Unknown, |s| s.contact) {
                ContactEstimate::Open => Contact::Open,
                ContactEstimate::Closed => Contact::Closed,
                ContactEstimate::Moving => Contact::Moving,
                ContactEstimate::Unknown => Contact::Unknown,
            },
        }
    }

    /// The located words of the map with their values: inputs as set, outputs as committed last.
    pub fn words(&self) -> impl Iterator<Item = (&Word, u64)> {
        self.map.words.iter().zip(self.words.iter().copied())
    }

    /// The data segment. After a fault it is diagnostic: the faulted scan left it half done.
    #[must_use]
    pub const fn memory(&self) -> &Memory {
        &self.memory
    }

    /// The data segment, to set variables before the first scan or in tests.
    pub const fn memory_mut(&mut self) -> &mut Memory {
        &mut self.memory
    }

    /// The relay guard.
    #[must_use]
    pub const fn guard(&self) -> &Guard {
        &self.guard
    }

    /// The guard's table.
    #[must_use]
    pub fn table(&self) -> &ChannelTable {
        self.guard.table()
    }

    /// The I/O map.
    #[must_use]
    pub const fn map(&self) -> &Arc<IoMap> {
        &self.map
    }

    /// The program.
    #[must_use]
    pub const fn image(&self) -> &Arc<VerifiedImage> {
        &self.image
    }

    /// The driver.
    #[must_use]
    pub const fn driver(&self) -> &D {
        &self.driver
    }

    /// The driver, to set simulated inputs and inject defects.
    pub const fn driver_mut(&mut self) -> &mut D {
        &mut self.driver
    }

    /// The driver, when the controller is done with.
    #[must_use]
    pub fn into_driver(self) -> D {
        self.driver
    }

    /// The engine.
    #[must_use]
    pub const fn engine(&self) -> &E {
        &self.engine
    }
}
