//! The WAGO sheet against the facts, and every row against its use.

use super::*;
use crate::contact::{ContactModel, SimulatedContact};
use crate::event::EventSink;
use crate::finding::FindingCode;
use crate::guard::{Guard, Inputs, Phase, SupplyReading};
use crate::id::WriteId;
use crate::{
    ActuatorConfig, BankConfig, ChannelConfig, ChannelTable, FeedbackConfig, GroupConfig, LoadConfig,
    OvervoltageCategory, Suppression, Wear,
};
use std::sync::Arc;

pub(crate) const WAGO: &str = include_str!("../../../io-config/relays/wago-859-386.yaml");

pub(crate) fn wago() -> DataSheet {
    serde_yaml::from_str(WAGO).unwrap()
}

fn load(voltage: &str, current: &str, kind: LoadKind, suppression: Suppression) -> Option<LoadConfig> {
    Some(LoadConfig {
        voltage: voltage.parse().unwrap(),
        current: current.parse().unwrap(),
        kind,
        suppression,
        poles: 1,
        dc_limit_checked: false,
    })
}

/// A bank that asks something of every row: loads of every size and kind, an installation at the edge of what the sheet permits.
fn demanding_bank(sheet: &DataSheet) -> BankConfig {
    let mut bank = BankConfig::new(10_000_000);
    bank.sheets.push(sheet.clone());
    let channel =
        |name: &str, load| ChannelConfig { relay: Some(sheet.name.clone()), load, ..ChannelConfig::new(name) };
    bank.channels = vec![
        channel("heater", load("230 VAC", "5 A", LoadKind::Resistive, Suppression::None)),
        channel("heater_full", load("250 VAC", "5 A", LoadKind::Resistive, Suppression::None)),
        channel("valve", load("24 VDC", "40 mA", LoadKind::Inductive, Suppression::Diode)),
        channel("lamp", load("24 VDC", "100 mA", LoadKind::Lamp, Suppression::None)),
        channel("signal", load("1 VDC", "1 mA", LoadKind::Resistive, Suppression::None)),
        channel("spare", None),
    ];
    bank.channels[2].actuator = Some(ActuatorConfig { pull_in_ns: 25_000_000, drop_out_ns: 60_000_000 });
    bank.channels[3].feedback = Some(FeedbackConfig::default());
    bank.channels[0].load.as_mut().unwrap().poles = 1;
    bank.groups.push(GroupConfig::new("direction", &["valve", "lamp"], 100_000_000));
    bank.supply.voltage = "36 VDC".parse().ok();
    bank.supply.rating = "61 mA".parse().ok();
    bank.installation.overvoltage_category = OvervoltageCategory::III;
    bank.installation.ambient =
        Some(TemperatureRange { min: "-40 degC".parse().unwrap(), max: "70 degC".parse().unwrap() });
    bank.installation.standards = sheet_standards();
    bank
}

fn sheet_standards() -> Vec<String> {
    ["EN 61010-2-201", "EN 61810-1", "EN 61373"].iter().map(|&name| name.to_owned()).collect()
}

/// What the product makes of a sheet, apart from printing its rows: findings, waits, limits, wear, the guard's view of ambient, the simulated contact.
fn consequences(sheet: &DataSheet) -> Vec<String> {
    let bank = demanding_bank(sheet);
    let built = ChannelTable::build(&bank);
    let mut all: Vec<String> = built.findings.iter().map(ToString::to_string).collect();
    let model = ContactModel::new(&bank.channels[0], Some(sheet));
    let mut contact = SimulatedContact::new(model, 7);
    for (at_ns, coil) in [(0, true), (100_000_000, false), (200_000_000, false)] {
        contact.advance_with(at_ns, coil, &mut |edge| all.push(format!("{edge:?}")));
    }
    let Some(table) = built.table else { return all };
    let table = Arc::new(table);
    all.extend(table.ids().map(|id| format!("{:?}", table.channel(id))));
    let wear = Wear {
        loaded_operations: 1_000,
        unloaded_operations: 4_000_000,
        observed_ns: 60_000_000_000,
        ..Wear::default()
    };
    all.extend(table.ids().map(|id| format!("{:?}", wear.report(&table.channel(id).life))));
    let mut guard = Guard::new(Arc::clone(&table));
    let mut events = EventSink::for_table(&table);
    for (at_s, ambient) in [(0, -41), (1, 71)] {
        let inputs = Inputs {
            now_ns: at_s * 1_000_000_000,
            phase: Phase::Run,
            commanded: &[],
            acknowledged: &[WriteId::NONE; 0],
            feedback: &[],
            supply: SupplyReading::Millivolts(25_200),
            ambient: Some(crate::quantity::Temperature { millicelsius: ambient * 1_000 }),
        };
        guard.arbitrate(&inputs, &mut events);
    }
    all.extend(events.events().iter().map(|event| format!("{event:?}")));
    all
}

/// One change of each row, as text in the file. More than one where a row has several values.
const CHANGES: &[(&str, &str, &str)] = &[
    ("coil_voltage", "coil_voltage: 36 VDC", "coil_voltage: 24 VDC"),
    ("coil_voltage_range", "min: -30 %", "min: -10 %"),
    ("coil_voltage_range", "max: 25 %", "max: 20 %"),
    ("coil_current", "10.1 mA", "10.2 mA"),
    ("changeover_contacts", "changeover_contacts: 1", "changeover_contacts: 0"),
    ("contact_material", "base: AgNi", "base: AgSnO2"),
    ("contact_material", "  plating: Au\n", ""),
    ("continuous_current", "continuous_current: 5 A", "continuous_current: 4 A"),
    ("switching_voltage", "switching_voltage: 250 VAC", "switching_voltage: 230 VAC"),
    ("switching_power", "switching_power: 1250 VA", "switching_power: 1200 VA"),
    ("dc_load_limit", "minimum_load:", "dc_load_limit: [{ voltage: 30 VDC, current: 5 A }]\nminimum_load:"),
    ("minimum_load", "  voltage: 1 V\n", "  voltage: 2 V\n"),
    ("minimum_load", "  current: 1 mA\n", "  current: 2 mA\n"),
    ("minimum_load", "  power: 1 mW\n", "  power: 2 mW\n"),
    ("gold_limit", "voltage: 30 VDC", "voltage: 20 VDC"),
    ("gold_limit", "current: 50 mA", "current: 30 mA"),
    ("pull_in_time", "pull_in_time: 8 ms", "pull_in_time: 9 ms"),
    ("drop_out_time", "drop_out_time: 4 ms", "drop_out_time: 5 ms"),
    ("bounce_time", "bounce_time: 5 ms", "bounce_time: 6 ms"),
    ("electrical_life", "operations: 50000", "operations: 40000"),
    ("electrical_life", "contact: no", "contact: nc"),
    ("electrical_life", "load: resistive", "load: lamp"),
    ("electrical_life", "ambient: 23 degC", "ambient: 70 degC"),
    ("mechanical_life", "mechanical_life: 5000000", "mechanical_life: 6000000"),
    ("switching_frequency", "loaded: 6 /min", "loaded: 7 /min"),
    ("switching_frequency", "unloaded: 180 /min", "unloaded: 90 /min"),
    ("status_indication", "indicator: red LED", "indicator: green LED"),
    ("status_indication", "follows: coil", "follows: contact"),
    ("rated_voltage", "rated_voltage: 250 V ", "rated_voltage: 240 V "),
    ("rated_impulse_voltage", "rated_impulse_voltage: 4 kV", "rated_impulse_voltage: 2.5 kV"),
    ("pollution_degree", "pollution_degree: 2", "pollution_degree: 1"),
    ("dielectric_control_load", "dielectric_control_load: 4 kV", "dielectric_control_load: 900 V"),
    ("dielectric_open_contact", "dielectric_open_contact: 1 kV", "dielectric_open_contact: 900 V"),
    (
        "ambient_operating",
        "ambient_operating:                  # at U_N; rule 2f where ambient is sensed, the installation's range (R072)\n  min: -40 degC",
        "ambient_operating:\n  min: -20 degC",
    ),
    ("ambient_storage", "(G21)\n  min: -40 degC\n  max: 70 degC", "(G21)\n  min: -40 degC\n  max: 90 degC"),
    ("standards", "  - EN 61373\n", ""),
];

/// Rows whose only use is to be printed.
const PRINTED_ONLY: &[(&str, &str, &str)] = &[
    ("title", "title: relay module", "title: another module"),
    ("manufacturer", "manufacturer: WAGO", "manufacturer: somebody"),
];

#[test]
fn every_row_does_something() {
    let before = consequences(&wago());
    for (key, from, to) in CHANGES {
        assert_eq!(WAGO.matches(from).count(), 1, "{key}: `{from}` must be in the sheet once");
        let changed: DataSheet =
            serde_yaml::from_str(&WAGO.replace(from, to)).unwrap_or_else(|error| panic!("{key}: {error}"));
        assert_ne!(before, consequences(&changed), "changing `{from}` to `{to}` changes nothing in the product");
    }
    for (key, from, to) in PRINTED_ONLY {
        assert_eq!(WAGO.matches(from).count(), 1, "{key}: `{from}` must be in the sheet once");
        let changed: DataSheet = serde_yaml::from_str(&WAGO.replace(from, to)).unwrap();
        let row = ROWS.iter().find(|row| row.key == *key).unwrap();
        assert_ne!((row.print)(&wago()), (row.print)(&changed));
    }
}

#[test]
fn the_table_of_rows_is_the_struct() {
    let sheet: std::collections::BTreeMap<String, serde::de::IgnoredAny> = serde_yaml::from_str(WAGO).unwrap();
    let mut keys: Vec<&str> = sheet.keys().map(String::as_str).filter(|&key| key != "name").collect();
    keys.push("dc_load_limit");
    keys.sort_unstable();
    let mut rows: Vec<&str> = ROWS.iter().map(|row| row.key).collect();
    rows.sort_unstable();
    assert_eq!(rows, keys);
    for row in ROWS {
        assert!(CHANGES.iter().chain(PRINTED_ONLY).any(|(key, _, _)| *key == row.key), "{} is not walked", row.key);
    }
}

#[test]
fn the_sheet_prints_the_facts() {
    let printed: Vec<String> = ROWS.iter().map(|row| format!("{}: {}", row.title, (row.print)(&wago()))).collect();
    for fact in [
        "Nominal input voltage U_N: 36 VDC",
        "Input voltage range: -30 % ... 25 % of U_N (25.2 VDC ... 45 VDC)",
        "Nominal input current: 10.1 mA",
        "Changeover contacts: 1",
        "Contact material: AgNi + Au",
        "Limiting continuous current: 5 A",
        "Max. switching voltage: 250 VAC",
        "Max. switching power (resistive): 1250 VA",
        "Recommended minimum load: 1 V / 1 mA / 1 mW",
        "Gold layer limit: 30 VDC / 50 mA",
        "Pull-in time (typ.): 8 ms",
        "Drop-out time (typ.): 4 ms",
        "Bounce time (typ.): 5 ms",
        "Electrical life: 50000 operations (NO, resistive load, 23 degC)",
        "Mechanical life: 5000000 operations",
        "Max. switching frequency with / without load: 6 /min / 180 /min",
        "Status indication: red LED, follows the coil",
        "Rated voltage: 250 V",
        "Rated impulse voltage: 4000 V",
        "Pollution degree: 2",
        "Dielectric strength control/load (AC, 1 min): 4000 V",
        "Dielectric strength open contact (AC, 1 min): 1000 V",
        "Surrounding air, operating: -40 degC ... 70 degC",
        "Surrounding air, storage: -40 degC ... 70 degC",
        "Standards: EN 61010-2-201; EN 61810-1; EN 61373",
    ] {
        assert!(printed.iter().any(|line| line == fact), "{fact} not in {printed:#?}");
    }
    assert_eq!(wago().check(), []);
}

#[test]
fn impossible_sheets_are_refused_by_key() {
    for (key, from, to) in [
        ("name", "name: wago-859-386 ", "name: ' ' #"),
        ("coil_voltage", "coil_voltage: 36 VDC", "coil_voltage: 0 VDC"),
        ("coil_voltage_range", "min: -30 %", "min: 30 %"),
        ("gold_limit", "  plating: Au\n", ""),
        ("ambient_storage", "(G21)\n  min: -40 degC", "(G21)\n  min: 80 degC"),
        ("electrical_life", "operations: 50000", "operations: 0"),
        ("mechanical_life", "mechanical_life: 5000000", "mechanical_life: 0"),
        ("switching_frequency", "loaded: 6 /min", "loaded: 0 /min"),
        ("pull_in_time", "pull_in_time: 8 ms", "pull_in_time: 8 h"),
        (
            "dc_load_limit",
            "minimum_load:",
            "dc_load_limit: [{ voltage: 30 VDC, current: 1 A }, { voltage: 20 VDC, current: 5 A }]\nminimum_load:",
        ),
    ] {
        let sheet: DataSheet =
            serde_yaml::from_str(&WAGO.replacen(from, to, 1)).unwrap_or_else(|error| panic!("{key}: {error}"));
        let findings = sheet.check();
        assert!(
            findings.len() == 1 && findings[0].key == Some(key) && findings[0].code == FindingCode::SheetContradiction,
            "{key}: {findings:?}"
        );
    }
    assert!(
        serde_yaml::from_str::<DataSheet>(&WAGO.replace("pollution_degree", "polution_degree")).is_err(),
        "unknown keys are refused"
    );
    let error = serde_yaml::from_str::<DataSheet>(&WAGO.replace("8 ms", "8")).unwrap_err().to_string();
    assert!(error.contains("no unit"), "{error}");
}

#[test]
fn the_load_limit_curve_never_permits_more_than_the_next_point() {
    let curve = WAGO.replace(
        "minimum_load:",
        "dc_load_limit: [{ voltage: 30 VDC, current: 5 A }, { voltage: 110 VDC, current: 300 mA }]\nminimum_load:",
    );
    let sheet: DataSheet = serde_yaml::from_str(&curve).unwrap();
    let limit = |volts: &str| sheet.dc_current_limit(volts.parse().unwrap()).unwrap().to_string();
    assert_eq!(
        (limit("24 VDC"), limit("30 VDC"), limit("31 VDC"), limit("111 VDC")),
        ("5 A".into(), "5 A".into(), "300 mA".into(), "0 mA".into())
    );
    assert_eq!(wago().dc_current_limit("24 VDC".parse().unwrap()), None);
}
