//! Relay data sheets: the manufacturer's figures in typed form, one key per row.
//!
//! A sheet is facts, never settings: margins, lower limits and the like belong to the I/O map. [`ROWS`] says for each row what in the product uses it, and
//! prints it; a test changes each row and demands that its use changes too. Rows of the sheet that are typical values are marked so: a margin belongs on
//! every wait made from them (see [`crate::Windows`]). Reading the YAML file is the caller's work; this module only defines its shape.

mod check;
mod rows;

pub use rows::{ROWS, SheetRow};

use crate::quantity::{Current, Duration, PerMinute, Percent, Power, Temperature, Voltage};
use serde::{Deserialize, Serialize};

/// The data sheet of one relay module. Units are part of each value's text (`36 VDC`, `8 ms`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSheet {
    /// Name by which channels refer to the sheet, such as `wago-859-386`.
    pub name: String,
    /// What the module is, in one line for lists.
    pub title: String,
    /// Who makes it; printed in lists so that the right part is ordered.
    pub manufacturer: String,
    /// Nominal input voltage U_N of the coil. With the range below: rules 2f and 5, and the check of the rack supply.
    pub coil_voltage: Voltage,
    /// Permitted input voltage as a deviation from U_N. Gives the window of rules 2f and 5.
    pub coil_voltage_range: PercentRange,
    /// Nominal input current at U_N. Summed over the bank against the rack supply's rating (rule 11).
    pub coil_current: Current,
    /// Changeover contacts (common, NO, NC). A load may not need more poles than this.
    pub changeover_contacts: u8,
    /// Contact material. Gold plating brings the gold limits into force.
    pub contact_material: ContactMaterial,
    /// Limiting continuous current of the contact. A load above it is an error.
    pub continuous_current: Current,
    /// Maximum switching voltage. A load above it is an error.
    pub switching_voltage: Voltage,
    /// Maximum switching power, resistive AC. A load above it is an error.
    pub switching_power: Power,
    /// Points of the DC load limit curve in rising voltage, where they are known. Without points, DC loads beyond the gold limit must be compared by hand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dc_load_limit: Vec<DcLimitPoint>,
    /// Recommended minimum load. Below it the contact is unreliable: a warning.
    pub minimum_load: MinimumLoad,
    /// Limit of the gold layer: above it the layer evaporates for good. Present exactly when the contact is gold-plated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gold_limit: Option<GoldLimit>,
    /// Pull-in time, typical: coil on to first touch of the NO contact.
    pub pull_in_time: Duration,
    /// Drop-out time, typical: coil off to release of the NO contact.
    pub drop_out_time: Duration,
    /// Bounce time, typical, after either movement.
    pub bounce_time: Duration,
    /// Electrical life and the conditions it was stated for (rule 8).
    pub electrical_life: ElectricalLife,
    /// Mechanical life in switching operations (rule 8).
    pub mechanical_life: u64,
    /// Maximum switching frequency (rule 2c).
    pub switching_frequency: SwitchingFrequency,
    /// What the status indicator shows. One that follows the coil cannot show a welded contact, which the finding about missing feedback then says.
    pub status_indication: StatusIndication,
    /// Rated (insulation) voltage. A load above it is an error.
    pub rated_voltage: Voltage,
    /// Rated impulse voltage, compared with what the installation's overvoltage category demands.
    pub rated_impulse_voltage: Voltage,
    /// Pollution degree the insulation is rated for; the installation's may not be higher.
    pub pollution_degree: u8,
    /// Dielectric strength between control and load side, AC rms for 1 min, compared with the machine's voltage test.
    pub dielectric_control_load: Voltage,
    /// Dielectric strength across the open contact, AC rms for 1 min, compared with the machine's voltage test.
    pub dielectric_open_contact: Voltage,
    /// Surrounding air temperature in operation at U_N: rule 2f where ambient is sensed, and the check of the installation's range.
    pub ambient_operating: TemperatureRange,
    /// Surrounding air temperature in storage: outside it the module may be damaged, which is an event of its own.
    pub ambient_storage: TemperatureRange,
    /// Standards the module was built and tested to; a finding names those an installation asks for and the sheet does not list.
    pub standards: Vec<String>,
}

/// A deviation in percent from a nominal value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PercentRange {
    /// Lowest, such as `-30 %`.
    pub min: Percent,
    /// Highest, such as `25 %`.
    pub max: Percent,
}

/// A range of air temperature, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemperatureRange {
    /// Lowest.
    pub min: Temperature,
    /// Highest.
    pub max: Temperature,
}

impl TemperatureRange {
    /// Whether a temperature lies inside, ends included.
    #[must_use]
    pub fn contains(&self, temperature: Temperature) -> bool {
        (self.min..=self.max).contains(&temperature)
    }
}

/// What the contact is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContactMaterial {
    /// Base alloy, such as `AgNi`.
    pub base: String,
    /// Plating, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plating: Option<Plating>,
}

/// Plating of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Plating {
    /// Gold: fit for dry signals until it was loaded above the gold limit.
    Au,
}

/// One point of a DC load limit curve: up to `voltage`, at most `current` may be switched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DcLimitPoint {
    /// Voltage of the point.
    pub voltage: Voltage,
    /// Greatest current at that voltage.
    pub current: Current,
}

/// The least load a contact switches reliably; all three must be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MinimumLoad {
    /// Least voltage.
    pub voltage: Voltage,
    /// Least current.
    pub current: Current,
    /// Least power.
    pub power: Power,
}

/// The greatest load the gold layer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoldLimit {
    /// Greatest voltage.
    pub voltage: Voltage,
    /// Greatest current.
    pub current: Current,
}

/// Electrical life with the conditions it was measured under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ElectricalLife {
    /// Switching operations.
    pub operations: u64,
    /// The contact it was measured on. Another contact: the figure is only a guide.
    pub contact: ContactForm,
    /// The load it was measured with. Another kind of load: the figure is only a guide.
    pub load: LoadKind,
    /// Air temperature it was measured at. A hotter installation: the figure is only a guide.
    pub ambient: Temperature,
}

/// Highest switching frequency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwitchingFrequency {
    /// With load on the contact.
    pub loaded: PerMinute,
    /// Without load.
    pub unloaded: PerMinute,
}

/// What a module's indicator shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusIndication {
    /// What it is, such as `red LED`.
    pub indicator: String,
    /// What it follows.
    pub follows: IndicatorFollows,
}

/// What an indicator follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IndicatorFollows {
    /// The coil voltage: it says nothing about the contact.
    Coil,
    /// The contact itself.
    Contact,
}

/// Which contact of a changeover the load sits on, seen from the de-energised coil.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactForm {
    /// Normally open: the load is on while the coil is energised.
    #[default]
    No,
    /// Normally closed: the load is on while the coil is de-energised, at every power loss too.
    Nc,
}

/// Kind of load, as far as it matters to a contact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoadKind {
    /// Ohmic: heaters, inputs of other equipment.
    #[default]
    Resistive,
    /// Coils, valves, motors: the contact breaks a stored energy.
    Inductive,
    /// Lamps and LED drivers: inrush of about ten times the current.
    Lamp,
    /// Capacitive inputs, power supplies: inrush.
    Capacitive,
}

impl DataSheet {
    /// Lowest and highest coil voltage in millivolts: U_N with the sheet's deviations. 36 VDC, -30 % ... +25 %: 25 200 and 45 000.
    #[must_use]
    pub fn coil_window_millivolts(&self) -> (u64, u64) {
        let at = |share: Percent| {
            let value =
                i128::from(self.coil_voltage.millivolts) * i128::from(10_000 + i64::from(share.hundredths)) / 10_000;
            u64::try_from(value).unwrap_or(0)
        };
        (at(self.coil_voltage_range.min), at(self.coil_voltage_range.max))
    }

    /// Greatest DC current at a voltage by the load limit curve: that of the next point at or above the voltage (never interpolated upwards).
    /// `None` when the curve has no points; zero beyond its last point.
    #[must_use]
    pub fn dc_current_limit(&self, voltage: Voltage) -> Option<Current> {
        if self.dc_load_limit.is_empty() {
            return None;
        }
        let point = self.dc_load_limit.iter().find(|point| point.voltage.millivolts >= voltage.millivolts);
        Some(point.map_or(Current::default(), |point| point.current))
    }
}

#[cfg(test)]
pub(crate) mod tests;
