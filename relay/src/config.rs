//! The bank as configured: plain typed values, not yet checked.
//!
//! The caller (the runtime's I/O map) fills these structs; [`crate::ChannelTable::build`] checks them and makes the table the guard runs on. All times are
//! nanoseconds. "On" and "off" always speak of the **load**: with a normally closed contact the load is on while the coil is de-energised.

use crate::datasheet::{ContactForm, DataSheet, LoadKind, TemperatureRange};
use crate::quantity::{Current, Voltage};
use serde::{Deserialize, Serialize};

/// Everything the guard has to know about one controller's relays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankConfig {
    /// Scan period; one scan is part of every read-back window.
    pub scan_period_ns: u64,
    /// The data sheets channels refer to by name.
    pub sheets: Vec<DataSheet>,
    /// The channels, in configuration order (which also settles ties of rule 2e).
    pub channels: Vec<ChannelConfig>,
    /// The interlock groups.
    pub groups: Vec<GroupConfig>,
    /// The supply of the coils.
    pub supply: SupplyConfig,
    /// Where the modules are installed.
    pub installation: Installation,
    /// How long a write may stay unacknowledged before it is a fault. `None`: [`ACK_LIMIT_DEFAULT_NS`].
    pub ack_limit_ns: Option<u64>,
}

/// Default limit for a write without acknowledgement: 1 s, far longer than any driver takes, short against a dead time a person waits for.
pub const ACK_LIMIT_DEFAULT_NS: u64 = 1_000_000_000;

/// Default margin on typical times.
pub const MARGIN_DEFAULT_PERCENT: u32 = 50;

impl BankConfig {
    /// A bank without channels, scanned with the given period.
    #[must_use]
    pub fn new(scan_period_ns: u64) -> Self {
        Self {
            scan_period_ns,
            sheets: Vec::new(),
            channels: Vec::new(),
            groups: Vec::new(),
            supply: SupplyConfig::default(),
            installation: Installation::default(),
            ack_limit_ns: None,
        }
    }
}

/// One channel: a program output bound to one line, one relay and one load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelConfig {
    /// Name, that of the program output.
    pub name: String,
    /// Name of the relay's data sheet. `None`: no relay between line and load (a lamp, an electronic output); all relay times are zero then.
    pub relay: Option<String>,
    /// Which contact of the changeover the load sits on.
    pub contact: ContactForm,
    /// What the contact switches. `None`: nothing; operations count as unloaded.
    pub load: Option<LoadConfig>,
    /// What the contact drives in turn, such as a contactor. Widens every window.
    pub actuator: Option<ActuatorConfig>,
    /// Read-back of the contact or contactor.
    pub feedback: Option<FeedbackConfig>,
    /// Least off time (rule 2b). `None`: drop-out + bounce + margin.
    pub min_off_ns: Option<u64>,
    /// Margin on the sheet's typical times and on the actuator's.
    pub margin_percent: u32,
    /// Switching rate: report or refuse (rule 2c).
    pub rate: RatePolicy,
    /// Longest time an ON may stay pending (rule 3). `None`: the longest configured wait.
    pub pending_limit_ns: Option<u64>,
    /// The load while the program is stopped.
    pub stop: StopValue,
    /// The load in the safe state.
    pub safe: SafeValue,
    /// Why the load is on in the safe state; required for [`SafeValue::On`].
    pub safe_reason: Option<String>,
    /// Whether an ON from before a refusal counts (rule 3).
    pub restart: Restart,
    /// Why the channel restarts by itself; required for [`Restart::Auto`].
    pub restart_reason: Option<String>,
    /// Inrush stagger (rule 2e): how long after this channel's ON the next staggered channel must wait. Zero: the channel takes no part.
    pub stagger_ns: u64,
}

impl ChannelConfig {
    /// A channel with every setting at its default: no relay, no load, off when stopped and safe.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            relay: None,
            contact: ContactForm::No,
            load: None,
            actuator: None,
            feedback: None,
            min_off_ns: None,
            margin_percent: MARGIN_DEFAULT_PERCENT,
            rate: RatePolicy::Warn,
            pending_limit_ns: None,
            stop: StopValue::Off,
            safe: SafeValue::Off,
            safe_reason: None,
            restart: Restart::Manual,
            restart_reason: None,
            stagger_ns: 0,
        }
    }
}

/// What a contact switches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadConfig {
    /// Voltage, with its kind.
    pub voltage: Voltage,
    /// Continuous current.
    pub current: Current,
    /// Kind of load.
    pub kind: LoadKind,
    /// What quenches the contact when an inductive load is broken.
    pub suppression: Suppression,
    /// Poles that are switched (2 where both conductors are).
    pub poles: u8,
    /// The integrator compared a DC load with the manufacturer's load limit curve.
    pub dc_limit_checked: bool,
}

/// Element that takes up the energy of an inductive load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Suppression {
    /// None, or not known.
    #[default]
    None,
    /// Freewheel diode, direct voltage only.
    Diode,
    /// Varistor.
    Varistor,
    /// Resistor and capacitor in series.
    Rc,
    /// Bidirectional suppressor diode.
    Tvs,
}

/// What a contact drives in turn: a contactor, a valve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ActuatorConfig {
    /// From its coil voltage to its contacts closed.
    pub pull_in_ns: u64,
    /// From loss of its coil voltage to its contacts open; with a freewheel diode several times the sheet's figure.
    pub drop_out_ns: u64,
}

/// How the contact, or what it drives, is read back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FeedbackConfig {
    /// Which auxiliary contact is wired to the input.
    pub contact: FeedbackContact,
    /// Debounce time of the input.
    pub debounce_ns: u64,
    /// Greatest age of the input's value when the guard sees it, apart from one scan (expanders read in the background).
    pub input_age_ns: u64,
}

/// The auxiliary contact used for read-back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedbackContact {
    /// Normally open: the input is TRUE while the load is on.
    #[default]
    No,
    /// Mirror contact, normally closed (IEC 60947-4-1, annex F): the input is TRUE while the load is off, and a broken wire reads as "on".
    MirrorNc,
}

/// What happens at too many operations per minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RatePolicy {
    /// Report: the sheet's figure is one of endurance, and a refused ON could stop a fan.
    #[default]
    Warn,
    /// Refuse.
    Enforce,
}

/// The load while the program is stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopValue {
    /// Off.
    #[default]
    Off,
    /// On.
    On,
    /// As it was when the program stopped.
    Hold,
}

/// The load in the safe state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SafeValue {
    /// Off.
    #[default]
    Off,
    /// On, with a written reason.
    On,
}

/// Whether an ON that was refused once may count later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Restart {
    /// The channel must be seen commanded off first.
    #[default]
    Manual,
    /// The channel starts as soon as nothing refuses it any more; with a written reason.
    Auto,
}

/// An interlock group: at most one member's load is on, and never two contacts at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupConfig {
    /// Name.
    pub name: String,
    /// Names of the members.
    pub channels: Vec<String>,
    /// Time between one contact surely open and the next one's ON, on top of what the sheets need.
    pub dead_time_ns: u64,
    /// Channel that is dropped when a member is welded, such as a main contactor.
    pub cutoff: Option<String>,
    /// Why a normally closed member is accepted; voids the exclusion at power loss.
    pub nc_reason: Option<String>,
}

impl GroupConfig {
    /// A group of the named channels.
    #[must_use]
    pub fn new(name: impl Into<String>, channels: &[&str], dead_time_ns: u64) -> Self {
        Self {
            name: name.into(),
            channels: channels.iter().map(|&channel| channel.to_owned()).collect(),
            dead_time_ns,
            cutoff: None,
            nc_reason: None,
        }
    }
}

/// The supply of the coils.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SupplyConfig {
    /// Nominal voltage of the rack supply, where it is given.
    pub voltage: Option<Voltage>,
    /// Rated current of the rack supply, where it is given.
    pub rating: Option<Current>,
    /// Whether the supply is sensed (an input or a measured voltage).
    pub sensed: bool,
}

/// Where the modules are installed; the defaults are those of an industrial control cabinet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// Overvoltage category of the load circuits (IEC 60664-1). Default III.
    pub overvoltage_category: OvervoltageCategory,
    /// Pollution degree around the modules (IEC 60664-1). Default 2.
    pub pollution_degree: u8,
    /// Air temperature around the modules, where it is given.
    pub ambient: Option<TemperatureRange>,
    /// Standards the modules must have been tested to.
    pub standards: Vec<String>,
}

impl Default for Installation {
    fn default() -> Self {
        Self {
            overvoltage_category: OvervoltageCategory::III,
            pollution_degree: 2,
            ambient: None,
            standards: Vec::new(),
        }
    }
}

/// Overvoltage category of a circuit (IEC 60664-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum OvervoltageCategory {
    /// Protected electronics.
    I,
    /// Appliances.
    II,
    /// Fixed installation.
    III,
    /// Origin of the installation.
    IV,
}
