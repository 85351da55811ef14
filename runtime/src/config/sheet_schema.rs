//! How a relay data sheet is written, for the JSON schema only. The relay room's own `DataSheet` is what is read; a
//! test demands that both have the same keys and that the schema asks for exactly what the reader needs.
#![allow(dead_code, reason = "these structures are never filled; the schema is made from their shape")]

use super::schema as text;
use schemars::{JsonSchema, Schema};

/// A key may be left out, but not be left empty: `null` is no value of it.
fn no_null(schema: &mut Schema) {
    if let Some(serde_json::Value::Array(choices)) = schema.get_mut("anyOf") {
        choices.retain(|choice| choice.get("type") != Some(&serde_json::Value::from("null")));
    }
    if let Some(serde_json::Value::Array(values)) = schema.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
}

/// Data sheet of one relay module: the manufacturer's figures, one key per row.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Sheet {
    /// Name by which outputs refer to the sheet, such as wago-859-386.
    name: String,
    /// What the module is, in one line for lists.
    title: String,
    /// Who makes it.
    manufacturer: String,
    /// Nominal input voltage of the coil.
    #[schemars(with = "text::VoltageText")]
    coil_voltage: (),
    /// Permitted input voltage as a deviation from the nominal one.
    coil_voltage_range: PercentRange,
    /// Nominal input current.
    #[schemars(with = "text::CurrentText")]
    coil_current: (),
    /// Changeover contacts (common, NO, NC).
    changeover_contacts: u8,
    /// Contact material.
    contact_material: ContactMaterial,
    /// Limiting continuous current of the contact.
    #[schemars(with = "text::CurrentText")]
    continuous_current: (),
    /// Maximum switching voltage.
    #[schemars(with = "text::VoltageText")]
    switching_voltage: (),
    /// Maximum switching power, resistive AC.
    #[schemars(with = "text::PowerText")]
    switching_power: (),
    /// Points of the DC load limit curve in rising voltage, where they are known.
    #[schemars(default)]
    dc_load_limit: Vec<VoltageCurrent>,
    /// Recommended minimum load.
    minimum_load: MinimumLoad,
    /// Limit of the gold layer, present exactly when the contact is gold-plated.
    #[schemars(transform = no_null)]
    gold_limit: Option<VoltageCurrent>,
    /// Pull-in time, typical.
    #[schemars(with = "text::DurationText")]
    pull_in_time: (),
    /// Drop-out time, typical.
    #[schemars(with = "text::DurationText")]
    drop_out_time: (),
    /// Bounce time, typical.
    #[schemars(with = "text::DurationText")]
    bounce_time: (),
    /// Electrical life and the conditions it was stated for.
    electrical_life: ElectricalLife,
    /// Mechanical life in switching operations.
    mechanical_life: u64,
    /// Maximum switching frequency.
    switching_frequency: SwitchingFrequency,
    /// What the status indicator shows.
    status_indication: StatusIndication,
    /// Rated (insulation) voltage.
    #[schemars(with = "text::VoltageText")]
    rated_voltage: (),
    /// Rated impulse voltage.
    #[schemars(with = "text::VoltageText")]
    rated_impulse_voltage: (),
    /// Pollution degree the insulation is rated for.
    pollution_degree: u8,
    /// Dielectric strength between control and load side, AC for 1 min.
    #[schemars(with = "text::VoltageText")]
    dielectric_control_load: (),
    /// Dielectric strength across the open contact, AC for 1 min.
    #[schemars(with = "text::VoltageText")]
    dielectric_open_contact: (),
    /// Surrounding air temperature in operation.
    ambient_operating: TemperatureRange,
    /// Surrounding air temperature in storage.
    ambient_storage: TemperatureRange,
    /// Standards the module was built and tested to.
    standards: Vec<String>,
}

/// A deviation in percent.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct PercentRange {
    #[schemars(with = "text::PercentText")]
    min: (),
    #[schemars(with = "text::PercentText")]
    max: (),
}

/// A range of air temperature.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct TemperatureRange {
    #[schemars(with = "text::TemperatureText")]
    min: (),
    #[schemars(with = "text::TemperatureText")]
    max: (),
}

/// What the contact is made of.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct ContactMaterial {
    /// Base alloy, such as AgNi.
    base: String,
    /// Plating, where there is one.
    #[schemars(with = "Option<text::PlatingKind>", transform = no_null)]
    plating: (),
}

/// A voltage and a current.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct VoltageCurrent {
    #[schemars(with = "text::VoltageText")]
    voltage: (),
    #[schemars(with = "text::CurrentText")]
    current: (),
}

/// The least load a contact switches reliably.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct MinimumLoad {
    #[schemars(with = "text::VoltageText")]
    voltage: (),
    #[schemars(with = "text::CurrentText")]
    current: (),
    #[schemars(with = "text::PowerText")]
    power: (),
}

/// Electrical life with the conditions it was measured under.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct ElectricalLife {
    /// Switching operations.
    operations: u64,
    /// The contact it was measured on.
    #[schemars(with = "text::Contact")]
    contact: (),
    /// The load it was measured with.
    #[schemars(with = "text::Kind")]
    load: (),
    /// Air temperature it was measured at.
    #[schemars(with = "text::TemperatureText")]
    ambient: (),
}

/// Highest switching frequency.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct SwitchingFrequency {
    /// With load on the contact.
    #[schemars(with = "text::PerMinuteText")]
    loaded: (),
    /// Without load.
    #[schemars(with = "text::PerMinuteText")]
    unloaded: (),
}

/// What a module's indicator shows.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct StatusIndication {
    /// What it is, such as a red LED.
    indicator: String,
    /// What it follows.
    #[schemars(with = "text::Follows")]
    follows: (),
}
