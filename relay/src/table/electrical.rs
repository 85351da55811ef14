//! Electrical checks of rule 11: loads against contacts, coils against the supply, insulation against the installation.

use crate::config::{BankConfig, ChannelConfig, LoadConfig, OvervoltageCategory, Suppression};
use crate::datasheet::{DataSheet, IndicatorFollows, LoadKind};
use crate::finding::{Finding, FindingCode};
use crate::quantity::{Current, Power, Voltage, VoltageKind};

/// Below these voltages no voltage test of the machine is asked for: extra-low voltage, 50 VAC and 120 VDC (IEC 61140).
const EXTRA_LOW_AC_MILLIVOLTS: u64 = 50_000;
const EXTRA_LOW_DC_MILLIVOLTS: u64 = 120_000;

/// Inrush of a lamp or a capacitive input as a multiple of its continuous current; ten is the usual figure for filament lamps.
const INRUSH_FACTOR: u64 = 10;

/// Whether a load spends the gold layer. An inductive load without suppression counts as above the limit whatever its current: the arc decides.
pub(super) fn above_gold(sheet: &DataSheet, load: &LoadConfig) -> bool {
    let Some(limit) = sheet.gold_limit else { return false };
    let unsuppressed = load.kind == LoadKind::Inductive && load.suppression == Suppression::None;
    load.voltage.millivolts > limit.voltage.millivolts || peak_current(load) > limit.current || unsuppressed
}

/// The greatest current the contact sees when it closes.
fn peak_current(load: &LoadConfig) -> Current {
    match load.kind {
        LoadKind::Resistive | LoadKind::Inductive => load.current,
        LoadKind::Lamp | LoadKind::Capacitive => {
            Current { microamps: load.current.microamps.saturating_mul(INRUSH_FACTOR) }
        }
    }
}

/// Power of a load: mV x uA = nW.
fn power(load: &LoadConfig) -> Power {
    let nanowatts = u128::from(load.voltage.millivolts) * u128::from(load.current.microamps);
    Power {
        microwatts: u64::try_from(nanowatts / 1_000).unwrap_or(u64::MAX),
        apparent: load.voltage.kind == VoltageKind::Ac,
    }
}

/// Collects findings about one channel's load.
struct Report<'a> {
    channel: &'a str,
    findings: &'a mut Vec<Finding>,
}

impl Report<'_> {
    fn found(&mut self, code: FindingCode, key: &'static str, message: String, help: impl Into<String>) {
        self.findings.push(Finding::new(code, message).channel(self.channel).key(key).help(help));
    }
}

pub(super) fn check_load(
    config: &BankConfig,
    channel: &ChannelConfig,
    sheet: Option<&DataSheet>,
    findings: &mut Vec<Finding>,
) {
    let mut report = Report { channel: &channel.name, findings };
    if let Some(sheet) = sheet {
        check_place(config, sheet, &mut report);
        check_indicator(channel, sheet, &mut report);
    }
    let Some(load) = &channel.load else { return };
    if load.voltage.kind == VoltageKind::Unspecified {
        let message = format!("the load's voltage {} does not say whether it is DC or AC", load.voltage);
        report.found(FindingCode::LoadKindUnknown, "voltage", message, "write `VDC` or `VAC`");
    }
    if load.voltage.kind == VoltageKind::Ac && load.suppression == Suppression::Diode {
        let message = format!("a diode lies across a load of {}", load.voltage);
        report.found(
            FindingCode::LoadSuppressionAc,
            "suppression",
            message,
            "use an RC element or a varistor for alternating voltage",
        );
    }
    let Some(sheet) = sheet else { return };
    check_limits(sheet, load, &mut report);
    check_direct(sheet, load, &mut report);
    check_small_and_gold(sheet, load, &mut report);
    check_life(config, channel, sheet, load, &mut report);
    check_insulation(config, sheet, load, &mut report);
}

fn check_limits(sheet: &DataSheet, load: &LoadConfig, report: &mut Report<'_>) {
    if load.current > sheet.continuous_current {
        let message = format!("the load draws {}, the contact carries {}", load.current, sheet.continuous_current);
        report.found(
            FindingCode::LoadCurrent,
            "current",
            message,
            "switch the load with a contactor that this relay drives",
        );
    }
    if load.voltage.millivolts > sheet.switching_voltage.millivolts {
        let message = format!("the load has {}, the contact switches {}", load.voltage, sheet.switching_voltage);
        report.found(
            FindingCode::LoadVoltage,
            "voltage",
            message,
            "switch the load with a contactor that this relay drives",
        );
    }
    if load.voltage.millivolts > sheet.rated_voltage.millivolts {
        let message =
            format!("the load has {}, the module's insulation is rated for {}", load.voltage, sheet.rated_voltage);
        report.found(FindingCode::LoadVoltage, "voltage", message, "choose a module rated for this voltage");
    }
    let power = power(load);
    if load.voltage.kind == VoltageKind::Ac && power.microwatts > sheet.switching_power.microwatts {
        let message = format!("the load takes {power}, the contact switches {} (resistive)", sheet.switching_power);
        report.found(
            FindingCode::LoadPower,
            "current",
            message,
            "switch the load with a contactor that this relay drives",
        );
    }
    if load.poles > sheet.changeover_contacts {
        let message = format!(
            "the load needs {} poles, the module has {} changeover contact(s)",
            load.poles, sheet.changeover_contacts
        );
        report.found(
            FindingCode::LoadPoles,
            "poles",
            message,
            "use one channel per pole, or a relay with more contacts",
        );
    }
}

fn check_direct(sheet: &DataSheet, load: &LoadConfig, report: &mut Report<'_>) {
    if load.voltage.kind != VoltageKind::Dc {
        return;
    }
    match sheet.dc_current_limit(load.voltage) {
        Some(limit) if load.current > limit => {
            let message =
                format!("at {} the load limit curve permits {limit}, the load draws {}", load.voltage, load.current);
            report.found(
                FindingCode::LoadDcLimit,
                "current",
                message,
                "switch the load with a contactor that this relay drives",
            );
        }
        Some(_) => {}
        None => {
            let light = sheet
                .gold_limit
                .is_some_and(|gold| load.voltage.millivolts <= gold.voltage.millivolts && load.current <= gold.current);
            if !light && !load.dc_limit_checked {
                let message = format!(
                    "{} at {} has to be compared with the sheet's DC load limit curve",
                    load.current, load.voltage
                );
                report.found(FindingCode::LoadDcCurve, "load", message, "look it up and set `dc_limit_checked: true`");
            }
        }
    }
}

fn check_small_and_gold(sheet: &DataSheet, load: &LoadConfig, report: &mut Report<'_>) {
    let minimum = &sheet.minimum_load;
    let too_small = load.voltage.millivolts < minimum.voltage.millivolts
        || load.current < minimum.current
        || power(load).microwatts < minimum.power.microwatts;
    if too_small {
        let message = format!(
            "{} / {} is below the recommended minimum {} / {} / {}",
            load.voltage, load.current, minimum.voltage, minimum.current, minimum.power
        );
        report.found(FindingCode::LoadSmall, "load", message, "add a base load, or use a relay made for dry signals");
    }
    let inductive = load.kind == LoadKind::Inductive;
    if inductive && load.suppression == Suppression::None {
        let message = format!("the inductive load of {} / {} has no suppression", load.voltage, load.current);
        let help = match load.voltage.kind {
            VoltageKind::Dc => {
                "fit a freewheel diode and write `suppression: diode`; it lengthens the load's drop-out: give that under `actuator`"
            }
            VoltageKind::Ac | VoltageKind::Unspecified => {
                "fit an RC element or a varistor and name it under `suppression`"
            }
        };
        report.found(FindingCode::LoadSuppression, "suppression", message, help);
    }
    if above_gold(sheet, load)
        && let Some(limit) = sheet.gold_limit
    {
        let message = format!(
            "{} / {} is above the gold limit {} / {} of the {} + Au contact",
            load.voltage,
            peak_current(load),
            limit.voltage,
            limit.current,
            sheet.contact_material.base
        );
        report.found(
            FindingCode::LoadGold,
            "load",
            message,
            "permitted; mark the module, and never use this contact for dry signals again",
        );
    }
}

fn check_life(
    config: &BankConfig,
    channel: &ChannelConfig,
    sheet: &DataSheet,
    load: &LoadConfig,
    report: &mut Report<'_>,
) {
    let life = &sheet.electrical_life;
    let mut differences = Vec::new();
    if channel.contact != life.contact {
        differences.push("another contact of the changeover".to_owned());
    }
    if load.kind != life.load {
        differences.push("another kind of load".to_owned());
    }
    if config.installation.ambient.is_some_and(|ambient| ambient.max > life.ambient) {
        differences.push(format!("hotter than {}", life.ambient));
    }
    if !differences.is_empty() {
        let message =
            format!("the life of {} operations was measured otherwise ({})", life.operations, differences.join(", "));
        report.found(FindingCode::LifeGuide, "load", message, "plan replacement earlier than the forecast says");
    }
}

/// Where the module hangs: pollution, temperature, standards. Independent of the load.
fn check_place(config: &BankConfig, sheet: &DataSheet, report: &mut Report<'_>) {
    let place = &config.installation;
    if place.pollution_degree > sheet.pollution_degree {
        let message = format!(
            "the installation has pollution degree {}, the module is made for {}",
            place.pollution_degree, sheet.pollution_degree
        );
        report.found(
            FindingCode::PollutionDegree,
            "relay",
            message,
            "use a closed cabinet that lowers the degree, or another module",
        );
    }
    if let Some(ambient) = place.ambient
        && !(sheet.ambient_operating.contains(ambient.min) && sheet.ambient_operating.contains(ambient.max))
    {
        let range = &sheet.ambient_operating;
        let message = format!(
            "the installation has {} to {}, the module may have {} to {}",
            ambient.min, ambient.max, range.min, range.max
        );
        report.found(FindingCode::AmbientRange, "relay", message, "heat or cool the cabinet, or choose another module");
    }
    for standard in &place.standards {
        if !sheet.standards.iter().any(|listed| listed.eq_ignore_ascii_case(standard)) {
            let message = format!("`{}` does not list {standard}; it lists {}", sheet.name, sheet.standards.join(", "));
            report.found(
                FindingCode::StandardMissing,
                "relay",
                message,
                "ask the manufacturer, or choose another module",
            );
        }
    }
}

/// The module's light and a missing read-back.
fn check_indicator(channel: &ChannelConfig, sheet: &DataSheet, report: &mut Report<'_>) {
    if channel.feedback.is_none() && sheet.status_indication.follows == IndicatorFollows::Coil && channel.load.is_some()
    {
        let message = format!(
            "the {} follows the coil and the channel has no read-back: nothing shows what the contact does",
            sheet.status_indication.indicator
        );
        report.found(
            FindingCode::IndicatorCoil,
            "feedback",
            message,
            "wire an auxiliary contact where the state of the contact matters",
        );
    }
}

/// Rated impulse voltage IEC 60664-1 (table F.1) demands, in volts, by the highest voltage to earth of each line and by category I to IV.
const IMPULSE_TABLE: [(u64, [u64; 4]); 6] = [
    (50_000, [330, 500, 800, 1_500]),
    (100_000, [500, 800, 1_500, 2_500]),
    (150_000, [800, 1_500, 2_500, 4_000]),
    (300_000, [1_500, 2_500, 4_000, 6_000]),
    (600_000, [2_500, 4_000, 6_000, 8_000]),
    (1_000_000, [4_000, 6_000, 8_000, 12_000]),
];

fn impulse_volts(voltage: Voltage, category: OvervoltageCategory) -> u64 {
    let [i, ii, iii, iv] = IMPULSE_TABLE
        .iter()
        .find(|(limit, _)| voltage.millivolts <= *limit)
        .map_or([u64::MAX / 1_000; 4], |&(_, row)| row);
    match category {
        OvervoltageCategory::I => i,
        OvervoltageCategory::II => ii,
        OvervoltageCategory::III => iii,
        OvervoltageCategory::IV => iv,
    }
}

fn check_insulation(config: &BankConfig, sheet: &DataSheet, load: &LoadConfig, report: &mut Report<'_>) {
    let category = config.installation.overvoltage_category;
    let demanded = Voltage {
        millivolts: impulse_volts(load.voltage, category).saturating_mul(1_000),
        kind: VoltageKind::Unspecified,
    };
    if sheet.rated_impulse_voltage.millivolts < demanded.millivolts {
        let message = format!(
            "{} in overvoltage category {category:?} demands {demanded} impulse voltage, the module is rated for {}",
            load.voltage, sheet.rated_impulse_voltage
        );
        report.found(
            FindingCode::ImpulseVoltage,
            "voltage",
            message,
            "fit surge protection and state the lower category, or choose another module",
        );
    }
    let extra_low = match load.voltage.kind {
        VoltageKind::Ac | VoltageKind::Unspecified => load.voltage.millivolts <= EXTRA_LOW_AC_MILLIVOLTS,
        VoltageKind::Dc => load.voltage.millivolts <= EXTRA_LOW_DC_MILLIVOLTS,
    };
    if extra_low {
        return;
    }
    let test = Voltage {
        millivolts: load.voltage.millivolts.saturating_mul(2).max(1_000_000),
        kind: VoltageKind::Unspecified,
    };
    if sheet.dielectric_control_load.millivolts < test.millivolts {
        let message = format!(
            "the voltage test needs {test} between coil and contact, the module stands {}",
            sheet.dielectric_control_load
        );
        report.found(FindingCode::VoltageTest, "voltage", message, "choose a module with reinforced insulation");
    }
    if sheet.dielectric_open_contact.millivolts < test.millivolts {
        let message =
            format!("the voltage test needs {test}, the open contact stands {}", sheet.dielectric_open_contact);
        report.found(FindingCode::VoltageTestContact, "voltage", message, "link the contact during the test");
    }
}

pub(super) fn check_supply(config: &BankConfig, sheets: &[Option<&DataSheet>], findings: &mut Vec<Finding>) {
    let coils = sheets.iter().flatten();
    if let Some(rating) = config.supply.rating {
        let total = coils.clone().fold(0_u64, |total, sheet| total.saturating_add(sheet.coil_current.microamps));
        if total > rating.microamps {
            let message = format!(
                "all coils together draw {}, the rack supply is rated for {rating}",
                Current { microamps: total }
            );
            findings.push(
                Finding::new(FindingCode::SupplyOverloaded, message)
                    .key("supply")
                    .help("use a larger supply or split the rack"),
            );
        }
    }
    if let Some(voltage) = config.supply.voltage {
        for (channel, sheet) in config.channels.iter().zip(sheets) {
            let Some(sheet) = sheet else { continue };
            let (min, max) = sheet.coil_window_millivolts();
            let kind = sheet.coil_voltage.kind;
            if (min..=max).contains(&voltage.millivolts)
                && (voltage.kind == kind || voltage.kind == VoltageKind::Unspecified)
            {
                continue;
            }
            let (min, max) = (Voltage { millivolts: min, kind }, Voltage { millivolts: max, kind });
            let message = format!("the rack supply gives {voltage}, the coil of `{}` needs {min} to {max}", sheet.name);
            findings.push(
                Finding::new(FindingCode::SupplyOutOfWindow, message)
                    .channel(&channel.name)
                    .key("supply")
                    .help("choose the module made for this supply"),
            );
        }
    }
    let unseen =
        config.channels.iter().zip(sheets).filter(|(channel, sheet)| sheet.is_some() && channel.feedback.is_none());
    let unseen: Vec<&str> = unseen.map(|(channel, _)| channel.name.as_str()).collect();
    if !config.supply.sensed && !unseen.is_empty() {
        let message = format!("neither the coil supply nor the contact is sensed for: {}", unseen.join(", "));
        let help = "sense the coil supply with one input for all channels, or wire the contacts' feedback";
        findings.push(Finding::new(FindingCode::SupplyNotSensed, message).key("supply").help(help));
    }
}
