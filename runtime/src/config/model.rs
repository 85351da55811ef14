//! The I/O map as written: one structure per section, keys optional, every value with its place.
//!
//! These structures are the single definition of the map's keys: the reader fills them, the JSON schema for editors is
//! made from them (their comments become its descriptions), and a test holds `docs/io.md` against them. What the keys
//! mean together is checked when a map is loaded ([`super::load`]).

use super::yaml::{Entries, Key};
use crate::guardian::RestartPolicy;
use crate::io::expander::ExpanderKind;
use relay::quantity::{Current, Duration, Percent, Voltage};
use relay::{ContactForm, LoadKind};
use relay::{FeedbackContact, OvervoltageCategory, RatePolicy, Restart, SafeValue, StopValue, Suppression};
use schemars::JsonSchema;
use serde::Deserialize;

use super::schema as text;

/// plcrun I/O map: which variable is wired to what, which relay stands between, and how the scan runs.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Map {
    /// Allows this map to energise real lines when it was found by its name beside the program. Without it, real lines need `--io`.
    pub live: Key<bool>,
    /// Files with one relay data sheet each, relative to this map.
    pub relays: Key<Vec<Key<String>>>,
    /// How the scan runs.
    pub scan: Key<Scan>,
    /// Real-time settings of the scan thread.
    pub rt: Key<Rt>,
    /// The guardian process, which switches the outputs off when the scan process dies or hangs. Runs where a real output is.
    pub guardian: Key<Guardian>,
    /// The supply of the relay coils.
    pub supply: Key<Supply>,
    /// Where the relay modules are installed.
    pub installation: Key<Installation>,
    /// Port expanders on I2C and SPI that plcrun reads itself, by a name of your choice.
    pub expanders: Key<Entries<Expander>>,
    /// Program inputs by the name of their variable.
    pub inputs: Key<Entries<Input>>,
    /// Program outputs (channels) by the name of their variable.
    pub outputs: Key<Entries<Output>>,
    /// Groups of channels of which at most one may be on.
    pub interlocks: Key<Vec<Key<Interlock>>>,
    /// What survives a restart and a power loss, and where it is kept.
    pub store: Key<Store>,
    /// What a fault asks of the operator.
    pub faults: Key<Faults>,
}

/// The retained store: RETAIN and PERSISTENT variables, operation counts, switching history, latched faults, fault log.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// State directory, relative to this map. Default for maps with real lines: the service manager's, else /var/lib/plcrun/NAME, else the user's; a simulated rack keeps nothing unless one is named.
    pub path: Key<String>,
    /// Most that a power cut may lose, 100 ms to 1 h. Default 1 s; a longer time spares flash memory.
    #[schemars(with = "text::DurationText")]
    pub max_age: Key<Duration>,
    /// What a start does with a damaged store: refuse, or cold (keep the file aside and begin anew). Default refuse.
    pub on_damage: Key<OnDamage>,
}

/// What a start does with a damaged store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnDamage {
    /// Nothing is started until a person has decided: latched faults and counts would be lost.
    #[default]
    Refuse,
    /// The file is kept aside and everything begins anew.
    Cold,
}

/// What a fault asks of the operator.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Whether a start after a fault needs `plcrun ack` first: none or required. Default none.
    pub acknowledge: Key<AcknowledgePolicy>,
}

/// Whether a start after a fault needs an operator's acknowledgement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AcknowledgePolicy {
    /// No: whoever starts the program knows.
    #[default]
    None,
    /// Yes: a start is refused while a fault that ended a run is not acknowledged.
    Required,
}

/// How the scan runs.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Scan {
    /// Time between two scans for programs without a TASK of their own; 100 us to 10 s. Default 10 ms.
    #[schemars(with = "text::DurationText")]
    pub period: Key<Duration>,
    /// Most instruction charges one scan may spend before it is a fault. Default 100 per microsecond of the period, at least 100000.
    pub budget: Key<u64>,
    /// A scan that ends this much after it was due is a fault and commits nothing. Default 10 periods, at least 100 ms.
    #[schemars(with = "text::DurationText")]
    pub hard_overrun: Key<Duration>,
    /// So many late scans one after the other are a fault; 0 switches this off. Default 10.
    pub overruns_in_a_row: Key<u32>,
}

/// Real-time settings of the scan thread. What the system does not permit is said at start and costs only punctuality.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rt {
    /// SCHED_FIFO priority, 1 to 98; 0 leaves the normal class. Default 60.
    pub priority: Key<u8>,
    /// CPU the scan thread is pinned to. Default: not pinned.
    pub cpu: Key<u16>,
    /// Lock the memory of the process, so that no page fault delays a scan. Default true.
    pub lock_memory: Key<bool>,
    /// Longest wake-up latency of idle CPUs asked for through /dev/cpu_dma_latency. Default 0 us; `off` is not a value: leave `rt.priority: 0` to ask for nothing.
    #[schemars(with = "text::DurationText")]
    pub cpu_latency: Key<Duration>,
}

/// The guardian process, which switches the outputs off when the scan process dies or hangs.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Guardian {
    /// How late a sign of life of the scan process may be before it is put down; 20 ms to 60 s. Default 20 ms more than `scan: hard_overrun`.
    #[schemars(with = "text::DurationText")]
    pub heartbeat: Key<Duration>,
    /// After the scan process died: never, once, or back_off (after 1 s, doubling to 60 s). Default never.
    pub restart: Key<RestartPolicy>,
    /// Watchdog device of the machine, such as `/dev/watchdog`, fed only while scans complete. Default: none.
    pub watchdog: Key<String>,
    /// Time to the reset by that device; 2 s to 10 min, whole seconds. Default 10 s.
    #[schemars(with = "text::DurationText")]
    pub watchdog_timeout: Key<Duration>,
}

/// The supply of the relay coils.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Supply {
    /// Nominal voltage of the rack supply, such as `36 VDC`; checked against every coil's window.
    #[schemars(with = "text::VoltageText")]
    pub voltage: Key<Voltage>,
    /// Rated current of the rack supply, such as `500 mA`; checked against the sum of the coil currents.
    #[schemars(with = "text::CurrentText")]
    pub rating: Key<Current>,
    /// Name of the input that is TRUE while the coil supply is present. Its loss switches every relay off and needs new commands.
    pub sensed: Key<String>,
}

/// Where the relay modules are installed; the defaults are those of an industrial control cabinet.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Installation {
    /// Overvoltage category of the load circuits (IEC 60664-1): I, II, III or IV. Default III.
    #[schemars(with = "text::Category")]
    pub overvoltage_category: Key<OvervoltageCategory>,
    /// Pollution degree around the modules (IEC 60664-1), 1 to 4. Default 2.
    pub pollution_degree: Key<u8>,
    /// Air temperature around the modules.
    pub ambient: Key<Ambient>,
    /// Standards the modules must have been tested to.
    pub standards: Key<Vec<Key<String>>>,
}

/// A range of air temperature.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Ambient {
    /// Lowest, such as `-10 degC`.
    #[schemars(with = "text::TemperatureText")]
    pub min: Key<relay::quantity::Temperature>,
    /// Highest, such as `45 degC`.
    #[schemars(with = "text::TemperatureText")]
    pub max: Key<relay::quantity::Temperature>,
}

/// A port expander that plcrun reads itself. For outputs that must be guarded use the kernel's driver of the chip and `gpio`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Expander {
    /// Kind of chip: mcp23017, mcp23s17, pca9555, pca9535, pca9554, pca9554a, tca6408a, pcf8574, pcf8574a or pcf8575. Required.
    pub kind: Key<ExpanderKind>,
    /// Device file of its bus: `/dev/i2c-1` or `/dev/spidev0.0`. Required.
    pub bus: Key<String>,
    /// Address by its address pins, 7 bits, such as 0x20. Required.
    pub address: Key<u8>,
    /// Time between two readings, 1 ms to 250 ms. Default 10 ms.
    #[schemars(with = "text::DurationText")]
    pub poll: Key<Duration>,
    /// Older levels count no longer: the inputs read FALSE. Default five polls.
    #[schemars(with = "text::DurationText")]
    pub max_age: Key<Duration>,
}

/// A line of a port expander.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ExpanderPin {
    /// Name of an entry under `expanders`. Required.
    pub device: Key<String>,
    /// Line by number from 0; the second port follows the first. Required.
    pub line: Key<u8>,
    /// Level of the line that means TRUE. Default high.
    pub active: Key<Level>,
    /// Pull resistor; gives the level with a broken wire. `up` also switches the chip's own pull-up on where it has a switch.
    pub pull: Key<Pull>,
}

/// One program input: exactly one of `gpio`, `expander`, `sim` and `channel`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Input {
    /// Variable this input is bound to, where the name of the entry is not its name.
    pub variable: Key<String>,
    /// A real line.
    pub gpio: Key<Gpio>,
    /// A line of a port expander.
    pub expander: Key<ExpanderPin>,
    /// An input of the simulated rack. May be left out on maps without any real line.
    pub sim: Key<SimInput>,
    /// Output whose state the program reads, together with `value`.
    pub channel: Key<String>,
    /// What of the channel is read: ready, pending, fault, line, contact or commanded.
    pub value: Key<ChannelValue>,
    /// A changed level counts when it has held this long. Default 0 s: it counts at once.
    #[schemars(with = "text::DurationText")]
    pub debounce: Key<Duration>,
    /// A normally closed stop contact (TRUE = not pressed): the first open sample counts at once, `debounce` delays closing only. Default false.
    pub stop: Key<bool>,
    /// Refused with a reason: this kernel interface cannot switch pull resistors.
    pub bias: Key<String>,
}

/// A line of a GPIO chip.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Gpio {
    /// Chip by device name (`gpiochip0`), path (`/dev/gpiochip0`) or label (`pinctrl-bcm2835`). May be left out when `line` is a name.
    pub chip: Key<String>,
    /// Line by number on the chip (`17`) or by name (`GPIO17`).
    #[schemars(with = "text::LineText")]
    pub line: Key<Line>,
    /// Level of the line that means TRUE. Default high.
    pub active: Key<Level>,
    /// Pull resistor fitted outside; gives the level with a broken wire. Default: the one that makes a broken wire FALSE.
    pub pull: Key<Pull>,
}

/// An input of the simulated rack.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SimInput {
    /// Value at start. Default false. Feedback inputs follow their channel's simulated contact until they are set.
    pub initial: Key<bool>,
}

/// An output of the simulated rack.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SimOutput {}

/// One program output: a channel of the relay guard.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Output {
    /// Variable this output is bound to, where the name of the entry is not its name.
    pub variable: Key<String>,
    /// A real line.
    pub gpio: Key<Gpio>,
    /// A line of a port expander; only for outputs that need no guard.
    pub expander: Key<ExpanderPin>,
    /// An output of the simulated rack. May be left out on maps without any real line.
    pub sim: Key<SimOutput>,
    /// Name of the relay's data sheet. Left out: the line drives its load without a relay.
    pub relay: Key<String>,
    /// Contact of the changeover the load sits on: no or nc. Default no.
    #[schemars(with = "text::Contact")]
    pub contact: Key<ContactForm>,
    /// What the contact switches.
    pub load: Key<Load>,
    /// What the contact drives in turn, such as a contactor; widens every window.
    pub actuator: Key<Actuator>,
    /// Read-back of the contact or contactor.
    pub feedback: Key<Feedback>,
    /// Least time the load stays off. Default drop-out + bounce + margin.
    #[schemars(with = "text::DurationText")]
    pub min_off: Key<Duration>,
    /// Added to the typical times of the data sheet and of the actuator. Default 50 %.
    #[schemars(with = "text::PercentText")]
    pub margin: Key<Percent>,
    /// Too many operations in 60 s: warn or enforce. Default warn.
    #[schemars(with = "text::Rate")]
    pub rate: Key<RatePolicy>,
    /// Longest time an ON may wait. Default: the longest configured wait.
    #[schemars(with = "text::DurationText")]
    pub pending_limit: Key<Duration>,
    /// The load while the program is stopped: off, on or hold. Default off.
    #[schemars(with = "text::Stop")]
    pub stop: Key<StopValue>,
    /// The load after a fault: off or on. Default off.
    #[schemars(with = "text::Safe")]
    pub safe: Key<SafeValue>,
    /// Why the load is on after a fault; required for `safe: on`.
    pub safe_reason: Key<String>,
    /// Whether an ON from before a refusal, or from power-up, counts: manual or auto. Default manual.
    #[schemars(with = "text::RestartPolicy")]
    pub restart: Key<Restart>,
    /// Why the channel restarts by itself; required for `restart: auto`.
    pub restart_reason: Key<String>,
    /// After this channel's ON the next channel with a stagger waits so long. Default 0 s: takes no part.
    #[schemars(with = "text::DurationText")]
    pub stagger: Key<Duration>,
}

/// What a contact switches.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Load {
    /// Voltage with its kind: `24 VDC`, `230 VAC`. Required.
    #[schemars(with = "text::VoltageText")]
    pub voltage: Key<Voltage>,
    /// Continuous current: `40 mA`. Required.
    #[schemars(with = "text::CurrentText")]
    pub current: Key<Current>,
    /// resistive, inductive, lamp or capacitive. Default resistive.
    #[schemars(with = "text::Kind")]
    pub kind: Key<LoadKind>,
    /// What quenches an inductive load: none, diode, varistor, rc or tvs. Default none.
    #[schemars(with = "text::SuppressionKind")]
    pub suppression: Key<Suppression>,
    /// Poles that are switched. Default 1.
    pub poles: Key<u8>,
    /// The integrator compared this DC load with the manufacturer's load limit curve. Default false.
    pub dc_limit_checked: Key<bool>,
}

/// What a contact drives in turn.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Actuator {
    /// From its coil voltage to its contacts closed. Default 0 s.
    #[schemars(with = "text::DurationText")]
    pub pull_in: Key<Duration>,
    /// From loss of its coil voltage to its contacts open. Default 0 s.
    #[schemars(with = "text::DurationText")]
    pub drop_out: Key<Duration>,
}

/// Read-back of a contact.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Feedback {
    /// Name of the input the auxiliary contact is wired to. Required.
    pub input: Key<String>,
    /// no: TRUE while the load is on; mirror_nc: TRUE while it is off. Default no.
    #[schemars(with = "text::AuxContact")]
    pub contact: Key<FeedbackContact>,
}

/// A group of channels of which at most one may be on, with a dead time between them.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Interlock {
    /// Name of the group. Required.
    pub name: Key<String>,
    /// Names of its outputs. Required.
    pub channels: Key<Vec<Key<String>>>,
    /// Time between one contact surely open and the next ON, on top of what the data sheets need. Default 0 s.
    #[schemars(with = "text::DurationText")]
    pub dead_time: Key<Duration>,
    /// Output that is switched off when a member is welded, such as a main contactor.
    pub cutoff: Key<String>,
    /// Why a member on a normally closed contact is accepted; gives up the exclusion at power loss.
    pub nc_reason: Key<String>,
}

/// What of a channel a program can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChannelValue {
    /// An ON would be granted now.
    Ready,
    /// An ON waits.
    Pending,
    /// A fault is latched.
    Fault,
    /// The line is driven so that the load should be on.
    Line,
    /// The load is on: by read-back where wired, else by the data sheet's times.
    Contact,
    /// What the program asked for in the scan before.
    Commanded,
}

/// A level of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// High means TRUE.
    #[default]
    High,
    /// Low means TRUE.
    Low,
}

/// A pull resistor outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pull {
    /// To the supply: a broken wire is high.
    Up,
    /// To ground: a broken wire is low.
    Down,
}

/// A line of a chip, by number or by name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Line {
    /// Number on the chip, from 0.
    Offset(u32),
    /// Name given by the board's device tree.
    Name(String),
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Offset(n) => write!(f, "{n}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl<'de> Deserialize<'de> for Line {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LineVisitor;
        impl serde::de::Visitor<'_> for LineVisitor {
            type Value = Line;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a line number such as `17` or a line name such as `GPIO17`")
            }

            fn visit_i64<E: serde::de::Error>(self, v: i64) -> Result<Line, E> {
                u32::try_from(v).map(Line::Offset).map_err(|_| E::custom(format!("{v} is no line number")))
            }

            fn visit_str<E: serde::de::Error>(self, v: &str) -> Result<Line, E> {
                if v.is_empty() { Err(E::custom("the line name is empty")) } else { Ok(Line::Name(v.to_owned())) }
            }
        }
        deserializer.deserialize_any(LineVisitor)
    }
}
