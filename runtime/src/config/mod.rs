//! The I/O map: which variable is wired to what, which relay stands between, and how the scan runs.
//!
//! [`load`] reads a map and its data sheets through [`files::Files`], checks it against the program and returns an
//! [`IoMap`] with every finding at once, errors and warnings, each with file, line, column and remedy. [`simulated`]
//! makes the map of a program that has none: every located BOOL on the simulated rack.
//!
//! Everything but [`files::Disk`] is a pure function of text and image. This module opens no line: drivers do, from the
//! checked map ([`crate::io`]).

mod bank;
mod direct;
mod expanders;
pub mod files;
pub mod finding;
mod guardian;
pub mod head;
mod inputs;
pub mod keep;
pub mod model;
pub mod schema;
mod sheet_schema;
pub mod symbols;
mod validate;
pub mod yaml;

pub use finding::{Code, Finding, Findings, Place, Severity};
pub use head::{Head, head};
pub use keep::KeepSettings;
pub use model::{ChannelValue, Level, Line};
pub use symbols::BoolPlace;
pub use validate::{Loaded, load, load_at, simulated, simulated_at};

use crate::guardian::GuardianSettings;
use crate::io::expander::ExpanderKind;
use crate::rt::RtSettings;
use crate::scan::Plan;
use bytecode::ScalarType;
use bytecode::types::Elementary;
use relay::contact::ContactModel;
use relay::{ChannelId, ChannelTable, DataSheet};

/// An input of the map, numbered from 0 in configuration order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InputId(pub(crate) u16);

impl InputId {
    /// Position in [`IoMap::inputs`].
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A checked I/O map. Only [`load`] and [`simulated`] make one.
#[derive(Clone, Debug)]
pub struct IoMap {
    /// File it came from, as given; empty for the map of a program without one.
    pub file: String,
    /// `live: true` stands in it.
    pub live: bool,
    /// How the scan runs.
    pub scan: ScanSettings,
    /// Which programs run in which scan.
    pub plan: Plan,
    /// Real-time settings.
    pub rt: RtSettings,
    /// What survives a restart, and where.
    pub keep: KeepSettings,
    /// The guardian process.
    pub guardian: GuardianSettings,
    /// Port expanders in configuration order.
    pub expanders: Vec<Expander>,
    /// Inputs in configuration order.
    pub inputs: Vec<Input>,
    /// Outputs in configuration order: output `n` is channel `n` of `channels`.
    pub outputs: Vec<Output>,
    /// The relay guard's table.
    pub channels: ChannelTable,
    /// The input that is TRUE while the coil supply is present.
    pub supply: Option<InputId>,
    /// Located variables that are no BOOL: they live on the simulated rack.
    pub words: Vec<Word>,
    /// The data sheets listed under `relays`, for lists of modules.
    pub sheets: Vec<DataSheet>,
}

impl IoMap {
    /// Does anything in it touch a real line?
    #[must_use]
    pub fn has_real_lines(&self) -> bool {
        self.inputs.iter().any(|i| matches!(i.source, Source::Gpio(_) | Source::Expander(_)))
            || self.outputs.iter().any(|o| o.is_real())
    }

    /// Does anything in it drive a real line? Then a guardian must hold it.
    #[must_use]
    pub fn has_real_outputs(&self) -> bool {
        self.outputs.iter().any(|o| o.gpio.is_some())
    }

    /// How late a sign of life of the scan may be, in nanoseconds.
    #[must_use]
    pub fn heartbeat_ns(&self) -> u64 {
        self.guardian.limit_ns(self.scan.hard_overrun_ns)
    }

    /// The input of this name, without regard to capital letters.
    #[must_use]
    pub fn input(&self, name: &str) -> Option<InputId> {
        let at = self.inputs.iter().position(|i| i.name.eq_ignore_ascii_case(name))?;
        u16::try_from(at).ok().map(InputId)
    }

    /// The channel of this name, without regard to capital letters.
    #[must_use]
    pub fn channel(&self, name: &str) -> Option<ChannelId> {
        self.channels.find(name)
    }

    /// Numbers of all inputs.
    pub fn input_ids(&self) -> impl Iterator<Item = InputId> + use<> {
        (0..u16::try_from(self.inputs.len()).unwrap_or(u16::MAX)).map(InputId)
    }

    /// An input by number.
    #[must_use]
    pub fn input_at(&self, id: InputId) -> Option<&Input> {
        self.inputs.get(id.index())
    }

    /// An output by number.
    #[must_use]
    pub fn output_at(&self, id: ChannelId) -> Option<&Output> {
        self.outputs.get(id.index())
    }
}

/// How the scan runs; defaults filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanSettings {
    /// Interval of programs without a task, in nanoseconds.
    pub period_ns: u64,
    /// Most charges of one scan.
    pub budget: u64,
    /// A scan that ends this much after it was due is a fault, in nanoseconds.
    pub hard_overrun_ns: u64,
    /// So many late scans in a row are a fault; 0 never.
    pub overruns_in_a_row: u32,
}

/// Default time between scans: 10 ms, slow against electronics and fast against any relay or operator.
pub const PERIOD_DEFAULT_NS: u64 = 10_000_000;
/// Default budget per microsecond of the base tick: 100 charges, about what one microsecond runs natively; an
/// interpreter then ends an endless loop within some ten periods.
pub const BUDGET_PER_US: u64 = 100;
/// Least default budget: fast scans, too, may loop over an array.
pub const BUDGET_MIN: u64 = 100_000;
/// Default hard overrun: 10 periods, at least 100 ms; what the slowest relay circuit notices.
pub const HARD_OVERRUN_PERIODS: u64 = 10;
/// Least default hard overrun.
pub const HARD_OVERRUN_MIN_NS: u64 = 100_000_000;
/// Default number of late scans in a row that are a fault.
pub const OVERRUNS_IN_A_ROW_DEFAULT: u32 = 10;

impl ScanSettings {
    /// Defaults for a base tick. Code that runs once through is never over budget, however long it is.
    #[must_use]
    pub fn for_tick(period_ns: u64, tick_ns: u64, instructions: usize) -> Self {
        let once = u64::try_from(instructions).unwrap_or(u64::MAX);
        Self {
            period_ns,
            budget: (tick_ns / 1000).saturating_mul(BUDGET_PER_US).max(BUDGET_MIN).saturating_add(once),
            hard_overrun_ns: tick_ns.saturating_mul(HARD_OVERRUN_PERIODS).max(HARD_OVERRUN_MIN_NS),
            overruns_in_a_row: OVERRUNS_IN_A_ROW_DEFAULT,
        }
    }
}

/// One input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Name of the entry.
    pub name: String,
    /// Path of the variable; empty where only the guard reads this input.
    pub variable: String,
    /// Where the variable stands.
    pub place: BoolPlace,
    /// What it is wired to.
    pub source: Source,
    /// A changed level counts when it has held this long, in nanoseconds.
    pub debounce_ns: u64,
    /// A normally closed stop contact.
    pub stop: bool,
}

/// What an input is wired to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A real line.
    Gpio(GpioLine),
    /// A line of a port expander.
    Expander(ExpanderLine),
    /// The simulated rack.
    Sim {
        /// Value at start.
        initial: bool,
    },
    /// State of a channel.
    Channel(ChannelId, ChannelValue),
}

/// A real line.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GpioLine {
    /// Chip by device name, path or label; `None` where the line's name finds it.
    pub chip: Option<String>,
    /// Line by number or name.
    pub line: Line,
    /// Low means TRUE.
    pub active_low: bool,
}

impl std::fmt::Display for GpioLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.chip {
            Some(chip) => write!(f, "line {} of {chip}", self.line),
            None => write!(f, "line {}", self.line),
        }
    }
}

/// A port expander that plcrun reads itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expander {
    /// Name of the entry.
    pub name: String,
    /// Kind of chip.
    pub kind: ExpanderKind,
    /// Device file of its bus.
    pub bus: String,
    /// Address, 7 bits.
    pub address: u8,
    /// Time between two readings, in nanoseconds.
    pub poll_ns: u64,
    /// Older levels count no longer, in nanoseconds.
    pub max_age_ns: u64,
}

/// A line of a port expander.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ExpanderLine {
    /// Position in [`IoMap::expanders`].
    pub device: u8,
    /// Number on the chip, from 0; below 16.
    pub line: u8,
    /// Low means TRUE.
    pub active_low: bool,
    /// The chip's own pull-up is switched on.
    pub pull_up: bool,
}

impl ExpanderLine {
    /// Its bit among the levels of the chip.
    #[must_use]
    pub const fn bit(self) -> u16 {
        match 1_u16.checked_shl(self.line as u32) {
            Some(bit) => bit,
            None => 0,
        }
    }

    /// Is it active at these levels?
    #[must_use]
    pub const fn get(self, levels: u16) -> bool {
        (levels & self.bit() != 0) != self.active_low
    }

    /// Makes it active, or not.
    pub const fn put(self, levels: &mut u16, active: bool) {
        if active == self.active_low {
            *levels &= !self.bit();
        } else {
            *levels |= self.bit();
        }
    }

    /// Takes its level over from other levels.
    pub const fn copy(self, levels: &mut u16, from: u16) {
        *levels = *levels & !self.bit() | from & self.bit();
    }
}

/// One output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Name of the entry and of the channel.
    pub name: String,
    /// Path of the variable.
    pub variable: String,
    /// Where the variable stands.
    pub place: BoolPlace,
    /// The real line of a GPIO chip, where it is one.
    pub gpio: Option<GpioLine>,
    /// The line of a port expander, where it is one.
    pub expander: Option<ExpanderLine>,
    /// The input its contact is read back by.
    pub feedback: Option<InputId>,
    /// The physics of its relay, for the simulated rack.
    pub model: ContactModel,
}

impl Output {
    /// Does it leave the machine, on a GPIO chip or a port expander? Else it is on the simulated rack.
    #[must_use]
    pub const fn is_real(&self) -> bool {
        self.gpio.is_some() || self.expander.is_some()
    }
}

/// A located variable that is no BOOL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Name a person would use.
    pub name: String,
    /// Offset in the data segment.
    pub offset: u32,
    /// How it is stored.
    pub ty: ScalarType,
    /// How it is written and shown.
    pub elementary: Elementary,
    /// An input (%I); else an output (%Q).
    pub input: bool,
}
