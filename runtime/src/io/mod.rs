//! Drivers: how inputs are read and permitted outputs written.
//!
//! A [`Driver`] fills a fixed buffer with input levels and writes what the relay guard permits: all OFF edges on all
//! chips first, then ON edges, and only requests in which something is due. It accepts nothing but [`Permitted`], which
//! only the guard makes. Completed writes are reported channel by channel; errors are `Copy` and coded, so that the
//! scan thread allocates nothing even when a chip is unplugged.
//!
//! [`Rack`] is the driver the product runs: real lines ([`gpio`]), port expanders ([`expander`]) and the simulated
//! rack ([`sim`]) side by side. Debouncing, forces and the process image are the scan's, not a driver's.

pub mod expander;
pub mod file_chip;
pub mod gpio;
pub mod sim;

pub use expander::{ExpanderState, ExpanderStatus, Expanders};
pub use file_chip::{FileChip, FilePort};
pub use gpio::{Gpio, OpenError};
pub use sim::{ContactState, Defect, InputDefect, Sim, SimSource};

use crate::config::{InputId, IoMap};
use crate::fault_codes::{Blame, fault_codes};
use relay::{ChannelId, Permitted, WriteId};

/// Most lines one request of the kernel's GPIO interface (version 1) holds: `GPIOHANDLES_MAX` of linux/gpio.h.
pub const LINES_PER_REQUEST_MAX: usize = 64;

/// Reads inputs and writes permitted outputs.
pub trait Driver {
    /// Reads every input this driver has into `levels`, which runs parallel to [`IoMap::inputs`]; TRUE is active.
    ///
    /// # Errors
    /// The first error. Inputs that could not be read are FALSE then, never their last value.
    fn read(&mut self, now_ns: u64, levels: &mut [bool]) -> Result<(), IoFault>;

    /// Writes what is due. `acknowledged` runs parallel to the channels; the number of each completed write is put there.
    ///
    /// # Errors
    /// The first error. All OFF edges have been tried then, and no ON edge after the failure.
    fn write(&mut self, now_ns: u64, permitted: &Permitted, acknowledged: &mut [WriteId]) -> Result<(), IoFault>;

    /// Sets a simulated input by hand; false where the input is not simulated.
    fn set_input(&mut self, _input: InputId, _level: bool) -> bool {
        false
    }

    /// What the load contact of a channel does, where it is simulated.
    fn contact(&self, _channel: ChannelId) -> Option<ContactState> {
        None
    }

    /// State and counters of each port expander, in the order of [`IoMap::expanders`], as of the last reading.
    fn expanders(&self) -> &[ExpanderStatus] {
        &[]
    }
}

fault_codes! {
    /// Why a driver failed while running.
    IoCode
    ReadFailed "F20" Field "inputs could not be read" "check the chip, its bus and its supply; `dmesg` has the driver's own words";
    WriteFailed "F21" Field "outputs could not be written" "check the chip, its bus and its supply; `dmesg` has the driver's own words";
    ChipGone "F22" Field "the GPIO chip is gone" "it was unplugged or its driver unloaded: its lines cannot be written any more, the hardware must bring them to rest";
}

fault_codes! {
    /// What is told of a port expander while running. It stops nothing: inputs read FALSE, outputs wait.
    ExpanderCode
    Failed "X01" Field "a port expander does not answer" "check its supply, its wiring and its bus; its inputs read FALSE and its outputs keep what they have until it answers again";
    Lost "X02" Field "a port expander is not as it was set up" "it lost its supply, or something else writes to it: its inputs read FALSE until setting it up again helps";
    Late "X03" Platform "the levels of a port expander are too old" "the bus hangs or is too slow for its chips: check it, or lengthen `poll` and `max_age`; its inputs read FALSE";
    Back "X04" Field "a port expander answers again" "nothing";
    Anew "X05" Field "a port expander was set up anew with its outputs off" "look why it lost its supply; outputs that were on stay off until they are commanded off and on, but for those with `restart: auto`";
}

/// A driver's error while running.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IoFault {
    /// What failed.
    pub code: IoCode,
    /// Which chip, as an index into [`Gpio::chip_names`].
    pub chip: u8,
    /// The system's error number.
    pub errno: i32,
}

/// Real lines and the simulated rack, side by side: what the product runs.
#[derive(Debug)]
pub struct Rack {
    gpio: Gpio,
    expanders: Expanders,
    sim: Sim,
}

impl Rack {
    /// A rack for a map. Opens the real lines with the levels `permitted` holds before the first scan: every load off.
    ///
    /// # Errors
    /// A line that cannot be had; see [`OpenError`].
    pub fn open(map: &IoMap, permitted: &Permitted, seed: u64) -> Result<Self, OpenError> {
        Ok(Self {
            gpio: Gpio::open(map, permitted)?,
            expanders: Expanders::open(map, permitted)?,
            sim: Sim::new(map, seed),
        })
    }

    /// A rack for a map whose output lines are held already.
    ///
    /// # Errors
    /// An input line that cannot be had; see [`OpenError`].
    pub fn take_over(map: &IoMap, permitted: &Permitted, held: gpio::Held, seed: u64) -> Result<Self, OpenError> {
        let gpio = held.take_over(map, permitted)?;
        Ok(Self { gpio, expanders: Expanders::open(map, permitted)?, sim: Sim::new(map, seed) })
    }

    /// A rack for a map without real lines.
    #[must_use]
    pub fn simulated(map: &IoMap, seed: u64) -> Self {
        Self { gpio: Gpio::none(), expanders: Expanders::none(), sim: Sim::new(map, seed) }
    }

    /// The simulated part.
    #[must_use]
    pub const fn sim(&self) -> &Sim {
        &self.sim
    }

    /// The simulated part, to set inputs and inject defects.
    pub const fn sim_mut(&mut self) -> &mut Sim {
        &mut self.sim
    }

    /// The real part.
    #[must_use]
    pub const fn gpio(&self) -> &Gpio {
        &self.gpio
    }
}

impl Driver for Rack {
    fn read(&mut self, now_ns: u64, levels: &mut [bool]) -> Result<(), IoFault> {
        self.sim.read(now_ns, levels)?;
        self.expanders.read(now_ns, levels)?;
        self.gpio.read(now_ns, levels)
    }

    fn write(&mut self, now_ns: u64, permitted: &Permitted, acknowledged: &mut [WriteId]) -> Result<(), IoFault> {
        // The simulated part holds no ON back: a simulated load hurts nobody.
        self.sim.write(now_ns, permitted, acknowledged)?;
        // Only asks: the bus threads write.
        self.expanders.write(now_ns, permitted, acknowledged)?;
        self.gpio.write(now_ns, permitted, acknowledged)
    }

    fn set_input(&mut self, input: InputId, level: bool) -> bool {
        self.sim.set(input, level)
    }

    fn contact(&self, channel: ChannelId) -> Option<ContactState> {
        self.sim.contact(channel)
    }

    fn expanders(&self) -> &[ExpanderStatus] {
        self.expanders.statuses()
    }
}
