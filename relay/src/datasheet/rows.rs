//! The rows of a data sheet as a table: key, title, use in the product, and how the value prints.

use super::{ContactForm, DataSheet, IndicatorFollows, LoadKind, Plating};

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct SheetRow {
    /// Key in the YAML file.
    pub key: &'static str,
    /// The row's name as manufacturers print it.
    pub title: &'static str,
    /// What in the product uses it.
    pub used_for: &'static str,
    /// The value with its unit.
    pub print: fn(&DataSheet) -> String,
}

/// Every row, in the order of the sheet. `name`, the reference channels use, is no row.
pub const ROWS: &[SheetRow] = &[
    SheetRow {
        key: "title",
        title: "Module",
        used_for: "printed in the list of relays",
        print: |sheet| sheet.title.clone(),
    },
    SheetRow {
        key: "manufacturer",
        title: "Manufacturer",
        used_for: "printed in the list of relays, for ordering a replacement",
        print: |sheet| sheet.manufacturer.clone(),
    },
    SheetRow {
        key: "coil_voltage",
        title: "Nominal input voltage U_N",
        used_for: "coil window of rules 2f and 5; check of the rack supply (R041)",
        print: |sheet| sheet.coil_voltage.to_string(),
    },
    SheetRow {
        key: "coil_voltage_range",
        title: "Input voltage range",
        used_for: "coil window of rules 2f and 5; check of the rack supply (R041)",
        print: |sheet| {
            let (min, max) = sheet.coil_window_millivolts();
            let volts = |millivolts: u64| crate::quantity::Voltage { millivolts, kind: sheet.coil_voltage.kind };
            let range = &sheet.coil_voltage_range;
            format!("{} ... {} of U_N ({} ... {})", range.min, range.max, volts(min), volts(max))
        },
    },
    SheetRow {
        key: "coil_current",
        title: "Nominal input current",
        used_for: "sum of all coils against the rack supply's rating (R042)",
        print: |sheet| sheet.coil_current.to_string(),
    },
    SheetRow {
        key: "changeover_contacts",
        title: "Changeover contacts",
        used_for: "poles a load may need (R053)",
        print: |sheet| sheet.changeover_contacts.to_string(),
    },
    SheetRow {
        key: "contact_material",
        title: "Contact material",
        used_for: "gold plating puts the gold limit into force; base alloy named when the gold is spent (R056)",
        print: |sheet| match sheet.contact_material.plating {
            Some(Plating::Au) => format!("{} + Au", sheet.contact_material.base),
            None => sheet.contact_material.base.clone(),
        },
    },
    SheetRow {
        key: "continuous_current",
        title: "Limiting continuous current",
        used_for: "load current (R050)",
        print: |sheet| sheet.continuous_current.to_string(),
    },
    SheetRow {
        key: "switching_voltage",
        title: "Max. switching voltage",
        used_for: "load voltage (R051)",
        print: |sheet| sheet.switching_voltage.to_string(),
    },
    SheetRow {
        key: "switching_power",
        title: "Max. switching power (resistive)",
        used_for: "power of AC loads (R052)",
        print: |sheet| sheet.switching_power.to_string(),
    },
    SheetRow {
        key: "dc_load_limit",
        title: "DC load limit curve",
        used_for: "current of DC loads (R058); without points such loads are named for comparison by hand (R057)",
        print: |sheet| {
            let points: Vec<String> =
                sheet.dc_load_limit.iter().map(|point| format!("{} at {}", point.current, point.voltage)).collect();
            if points.is_empty() { "see the manufacturer's curve".to_owned() } else { points.join(", ") }
        },
    },
    SheetRow {
        key: "minimum_load",
        title: "Recommended minimum load",
        used_for: "loads too small for the contact (R055)",
        print: |sheet| {
            let minimum = &sheet.minimum_load;
            format!("{} / {} / {}", minimum.voltage, minimum.current, minimum.power)
        },
    },
    SheetRow {
        key: "gold_limit",
        title: "Gold layer limit",
        used_for: "loads that spend the gold (R056), the mark kept with the wear counts (G42, G43)",
        print: |sheet| {
            sheet
                .gold_limit
                .map_or_else(|| "no gold".to_owned(), |limit| format!("{} / {}", limit.voltage, limit.current))
        },
    },
    SheetRow {
        key: "pull_in_time",
        title: "Pull-in time (typ.)",
        used_for: "make window, read-back window, shortest useful pulse; simulated contact",
        print: |sheet| sheet.pull_in_time.to_string(),
    },
    SheetRow {
        key: "drop_out_time",
        title: "Drop-out time (typ.)",
        used_for: "break window: interlock lock, least off time, read-back window; simulated contact",
        print: |sheet| sheet.drop_out_time.to_string(),
    },
    SheetRow {
        key: "bounce_time",
        title: "Bounce time (typ.)",
        used_for: "make and break windows, shortest useful pulse; simulated contact",
        print: |sheet| sheet.bounce_time.to_string(),
    },
    SheetRow {
        key: "electrical_life",
        title: "Electrical life",
        used_for: "used life and forecast (rule 8); a note where the conditions differ (R061)",
        print: |sheet| {
            let life = &sheet.electrical_life;
            let contact = match life.contact {
                ContactForm::No => "NO",
                ContactForm::Nc => "NC",
            };
            let load = match life.load {
                LoadKind::Resistive => "resistive",
                LoadKind::Inductive => "inductive",
                LoadKind::Lamp => "lamp",
                LoadKind::Capacitive => "capacitive",
            };
            format!("{} operations ({contact}, {load} load, {})", life.operations, life.ambient)
        },
    },
    SheetRow {
        key: "mechanical_life",
        title: "Mechanical life",
        used_for: "used life and forecast (rule 8)",
        print: |sheet| format!("{} operations", sheet.mechanical_life),
    },
    SheetRow {
        key: "switching_frequency",
        title: "Max. switching frequency with / without load",
        used_for: "switching rate (rule 2c, G31)",
        print: |sheet| format!("{} / {}", sheet.switching_frequency.loaded, sheet.switching_frequency.unloaded),
    },
    SheetRow {
        key: "status_indication",
        title: "Status indication",
        used_for: "note that nothing shows the contact where there is no read-back (R044)",
        print: |sheet| {
            let follows = match sheet.status_indication.follows {
                IndicatorFollows::Coil => "coil",
                IndicatorFollows::Contact => "contact",
            };
            format!("{}, follows the {follows}", sheet.status_indication.indicator)
        },
    },
    SheetRow {
        key: "rated_voltage",
        title: "Rated voltage",
        used_for: "load voltage against the insulation (R051)",
        print: |sheet| sheet.rated_voltage.to_string(),
    },
    SheetRow {
        key: "rated_impulse_voltage",
        title: "Rated impulse voltage",
        used_for: "overvoltage category of the installation (R070)",
        print: |sheet| sheet.rated_impulse_voltage.to_string(),
    },
    SheetRow {
        key: "pollution_degree",
        title: "Pollution degree",
        used_for: "pollution degree of the installation (R071)",
        print: |sheet| sheet.pollution_degree.to_string(),
    },
    SheetRow {
        key: "dielectric_control_load",
        title: "Dielectric strength control/load (AC, 1 min)",
        used_for: "the machine's voltage test between coil and load (R073)",
        print: |sheet| sheet.dielectric_control_load.to_string(),
    },
    SheetRow {
        key: "dielectric_open_contact",
        title: "Dielectric strength open contact (AC, 1 min)",
        used_for: "the machine's voltage test across the open contact (R074)",
        print: |sheet| sheet.dielectric_open_contact.to_string(),
    },
    SheetRow {
        key: "ambient_operating",
        title: "Surrounding air, operating",
        used_for: "rule 2f where ambient is sensed; the installation's range (R072)",
        print: |sheet| format!("{} ... {}", sheet.ambient_operating.min, sheet.ambient_operating.max),
    },
    SheetRow {
        key: "ambient_storage",
        title: "Surrounding air, storage",
        used_for: "event when the modules may be damaged (G21)",
        print: |sheet| format!("{} ... {}", sheet.ambient_storage.min, sheet.ambient_storage.max),
    },
    SheetRow {
        key: "standards",
        title: "Standards",
        used_for: "standards the installation asks for (R075)",
        print: |sheet| sheet.standards.join("; "),
    },
];
