//! Waits with their arithmetic, and every finding of rule 11 with a bank that earns it and one that does not.

use super::*;
use crate::datasheet::tests::wago;
use crate::finding::FindingCode;
use crate::quantity::Voltage;
use crate::{
    ActuatorConfig, ChannelConfig, FeedbackConfig, GroupConfig, LoadConfig, LoadKind, OvervoltageCategory,
    SupplyConfig, Suppression,
};

const MS: u64 = 1_000_000;

fn channel(name: &str) -> ChannelConfig {
    ChannelConfig { relay: Some("wago-859-386".to_owned()), ..ChannelConfig::new(name) }
}

fn load(voltage: &str, current: &str, kind: LoadKind) -> LoadConfig {
    LoadConfig {
        voltage: voltage.parse().unwrap(),
        current: current.parse().unwrap(),
        kind,
        suppression: Suppression::None,
        poles: 1,
        dc_limit_checked: false,
    }
}

/// A bank without a single finding.
fn good() -> BankConfig {
    let mut bank = BankConfig::new(10 * MS);
    bank.sheets.push(wago());
    for name in ["fwd", "rev", "main"] {
        let mut one = channel(name);
        one.load = Some(LoadConfig { suppression: Suppression::Diode, ..load("24 VDC", "40 mA", LoadKind::Resistive) });
        one.actuator = Some(ActuatorConfig { pull_in_ns: 25 * MS, drop_out_ns: 60 * MS });
        one.feedback = Some(FeedbackConfig { debounce_ns: 5 * MS, ..FeedbackConfig::default() });
        bank.channels.push(one);
    }
    bank.groups.push(GroupConfig {
        cutoff: Some("main".to_owned()),
        ..GroupConfig::new("direction", &["fwd", "rev"], 2_000 * MS)
    });
    bank.supply = SupplyConfig { voltage: "36 VDC".parse().ok(), rating: "1 A".parse().ok(), sensed: true };
    bank
}

fn codes(bank: &BankConfig) -> Vec<FindingCode> {
    ChannelTable::build(bank).findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn a_good_bank_has_no_finding_and_its_waits_add_up() {
    let built = ChannelTable::build(&good());
    assert_eq!(built.findings, []);
    let table = built.table.unwrap();
    let fwd = table.channel(table.find("FWD").unwrap());
    // Relay 8 + 5 ms and contactor 25 ms, half as much again: 57 ms. Off: 4 + 5 + 60 = 69 ms, with margin 103.5 ms.
    let expected = Windows {
        make_ns: 57 * MS,
        break_ns: 103_500_000,
        min_off_ns: 13_500_000,
        on_due_ns: (57 + 5 + 10) * MS,
        off_due_ns: 118_500_000,
        pulse_min_ns: 13 * MS,
    };
    assert_eq!(fwd.windows, expected);
    // The lock of the other member, 103.5 ms + 2 s, and two scans.
    assert_eq!(fwd.pending_limit_ns, 2_123_500_000);
    assert_eq!(fwd.rate.edges, 6);
    assert_eq!(table.horizon_ns(), 2_123_500_000);
    assert_eq!(table.group(fwd.groups()[0]).cutoff, table.find("main"));
}

#[test]
fn a_normally_closed_contact_swaps_the_windows() {
    let mut bank = good();
    bank.groups.clear();
    bank.channels[0] = ChannelConfig { contact: ContactForm::Nc, ..channel("fwd") };
    let table = ChannelTable::build(&bank).table.unwrap();
    let windows = table.channel(table.find("fwd").unwrap()).windows;
    // On by drop-out 4 + 5 ms, off by pull-in 8 + 5 ms, half as much again.
    assert_eq!((windows.make_ns, windows.break_ns, windows.min_off_ns), (13_500_000, 19_500_000, 19_500_000));
}

/// A plain output that may be lit from power-up on.
fn lamp(name: &str) -> ChannelConfig {
    let restart_reason = Some("a lamp moves nothing".to_owned());
    ChannelConfig { restart: Restart::Auto, restart_reason, ..ChannelConfig::new(name) }
}

#[test]
fn a_channel_without_relay_has_no_waits() {
    let mut bank = BankConfig::new(10 * MS);
    bank.channels.push(lamp("lamp"));
    let built = ChannelTable::build(&bank);
    assert_eq!(built.findings, []);
    let table = built.table.unwrap();
    let lamp = table.channel(table.find("lamp").unwrap());
    assert_eq!((lamp.windows.make_ns, lamp.windows.break_ns, lamp.windows.min_off_ns, lamp.rate.edges), (0, 0, 0, 0));
}

#[test]
fn staggered_channels_may_wait_for_all_the_others() {
    let mut bank = good();
    for channel in &mut bank.channels {
        channel.stagger_ns = 300 * MS;
    }
    let table = ChannelTable::build(&bank).table.unwrap();
    assert_eq!(table.channel(table.find("main").unwrap()).pending_limit_ns, 13_500_000 + 900 * MS + 20 * MS);
}

/// A change to the good bank and the one finding it must earn.
type Case = (FindingCode, fn(&mut BankConfig));

const CASES: &[Case] = &[
    (FindingCode::SheetContradiction, |bank| bank.sheets[0].mechanical_life = 0),
    (FindingCode::SheetTwice, |bank| bank.sheets.push(wago())),
    (FindingCode::SheetUnknown, |bank| bank.channels[2].relay = Some("wago-859-999".to_owned())),
    (FindingCode::ChannelNameBad, |bank| bank.channels.push(lamp("Main"))),
    (FindingCode::ChannelNameBad, |bank| bank.channels.push(lamp(" "))),
    (FindingCode::GroupNameBad, |bank| {
        let mut group = GroupConfig::new("Direction", &["main"], 0);
        group.cutoff = Some("fwd".to_owned());
        bank.groups.push(group);
    }),
    (FindingCode::TooMany, |bank| bank.channels = vec![lamp("x"); CHANNELS_MAX + 1]),
    (FindingCode::TimeImplausible, |bank| bank.scan_period_ns = 0),
    (FindingCode::TimeImplausible, |bank| bank.ack_limit_ns = Some(0)),
    (FindingCode::TimeImplausible, |bank| bank.channels[0].min_off_ns = Some(u64::MAX)),
    (FindingCode::TimeImplausible, |bank| bank.groups[0].dead_time_ns = u64::MAX),
    (FindingCode::MarginImplausible, |bank| bank.channels[2].margin_percent = 1_001),
    (FindingCode::MarginThin, |bank| bank.channels[2].margin_percent = 10),
    (FindingCode::ReasonMissing, |bank| bank.channels[0].restart = Restart::Auto),
    (FindingCode::SafeNeedsCoil, |bank| {
        bank.groups[0].cutoff = None;
        bank.channels[2].safe = SafeValue::On;
        bank.channels[2].safe_reason = Some("cooling".to_owned());
    }),
    (FindingCode::GroupStopValue, |bank| bank.channels[0].stop = StopValue::Hold),
    (FindingCode::CutoffStopValue, |bank| bank.channels[2].stop = StopValue::On),
    (FindingCode::StartsDark, |bank| bank.channels.push(ChannelConfig::new("lamp"))),
    (FindingCode::GroupMemberUnknown, |bank| bank.groups[0].channels.push("up".to_owned())),
    (FindingCode::GroupMemberUnknown, |bank| bank.groups[0].cutoff = Some("mains".to_owned())),
    (FindingCode::GroupMemberTwice, |bank| bank.groups[0].channels.push("FWD".to_owned())),
    (FindingCode::GroupMemberTwice, |bank| bank.groups[0].cutoff = Some("rev".to_owned())),
    (FindingCode::GroupSize, |bank| bank.groups.push(GroupConfig::new("alone", &["main"], 0))),
    (FindingCode::GroupDirect, |bank| {
        bank.channels[0].relay = None;
        bank.channels[0].actuator = None;
    }),
    (FindingCode::GroupNoFeedback, |bank| {
        bank.channels[0].feedback = None;
        bank.channels[0].load = None;
    }),
    (FindingCode::GroupDeadTime, |bank| {
        bank.groups[0].dead_time_ns = 110 * MS;
        bank.channels[0].actuator = Some(ActuatorConfig { pull_in_ns: 0, drop_out_ns: 80 * MS });
    }),
    (FindingCode::SupplyNotSensed, |bank| {
        bank.supply.sensed = false;
        bank.channels[2].feedback = None;
        bank.channels[2].load = None;
    }),
    (FindingCode::SupplyOutOfWindow, |bank| {
        bank.channels.truncate(1);
        bank.groups.clear();
        bank.supply.voltage = "24 VDC".parse().ok();
    }),
    (FindingCode::SupplyOutOfWindow, |bank| {
        bank.channels.truncate(1);
        bank.groups.clear();
        bank.supply.voltage = "36 VAC".parse().ok();
    }),
    (FindingCode::SupplyOverloaded, |bank| bank.supply.rating = "30 mA".parse().ok()),
    (FindingCode::IndicatorCoil, |bank| bank.channels[2].feedback = None),
    (FindingCode::LoadCurrent, |bank| {
        bank.channels[2].load = Some(load("10 VAC", "6 A", LoadKind::Resistive));
        bank.sheets[0].gold_limit.as_mut().unwrap().current = "100 A".parse().unwrap();
    }),
    (FindingCode::LoadPower, |bank| {
        bank.sheets[0].switching_power = "100 VA".parse().unwrap();
        bank.sheets[0].gold_limit.as_mut().unwrap().current = "100 A".parse().unwrap();
        bank.channels[2].load = Some(load("25 VAC", "4.1 A", LoadKind::Resistive));
    }),
    (FindingCode::LoadPoles, |bank| bank.channels[2].load.as_mut().unwrap().poles = 2),
    (FindingCode::LoadKindUnknown, |bank| bank.channels[2].load = Some(load("24 V", "40 mA", LoadKind::Resistive))),
    (FindingCode::LoadSmall, |bank| bank.channels[2].load = Some(load("24 VDC", "0.5 mA", LoadKind::Resistive))),
    (FindingCode::LoadGold, |bank| bank.channels[2].load = Some(load("24 VAC", "60 mA", LoadKind::Resistive))),
    (FindingCode::LoadDcLimit, |bank| {
        let sheet = &mut bank.sheets[0];
        sheet.gold_limit.as_mut().unwrap().voltage = "200 V".parse().unwrap();
        sheet.dc_load_limit = vec![crate::datasheet::DcLimitPoint {
            voltage: "30 VDC".parse().unwrap(),
            current: "5 A".parse().unwrap(),
        }];
        bank.channels[2].load = Some(load("48 VDC", "40 mA", LoadKind::Resistive));
    }),
    (FindingCode::LoadSuppressionAc, |bank| {
        bank.channels[2].load =
            Some(LoadConfig { suppression: Suppression::Diode, ..load("24 VAC", "40 mA", LoadKind::Resistive) });
    }),
    (FindingCode::LifeGuide, |bank| bank.channels[2].load.as_mut().unwrap().kind = LoadKind::Inductive),
    (FindingCode::ImpulseVoltage, |bank| {
        bank.sheets[0].rated_impulse_voltage = Voltage { millivolts: 700_000, ..Voltage::default() };
    }),
    (FindingCode::PollutionDegree, |bank| {
        bank.channels.truncate(1);
        bank.groups.clear();
        bank.installation.pollution_degree = 3;
    }),
    (FindingCode::StandardMissing, |bank| {
        bank.channels.truncate(1);
        bank.groups.clear();
        bank.installation.standards.push("UL 508".to_owned());
    }),
];

#[test]
fn each_mistake_earns_its_one_finding() {
    for (index, (code, change)) in CASES.iter().enumerate() {
        let mut bank = good();
        change(&mut bank);
        let found = codes(&bank);
        assert!(
            !found.is_empty() && found.iter().all(|found| found == code),
            "case {index}: expected {code:?}, got {found:?}"
        );
        assert_eq!(
            ChannelTable::build(&bank).table.is_none(),
            code.severity() == Severity::Error,
            "case {index}: {code:?}"
        );
    }
}

#[test]
fn mistakes_that_come_in_company_are_found_too() {
    let mut bank = good();
    bank.channels[2].load = Some(load("400 VAC", "4 A", LoadKind::Inductive));
    bank.installation.ambient =
        Some(TemperatureRange { min: "-50 degC".parse().unwrap(), max: "23 degC".parse().unwrap() });
    bank.sheets[0].dielectric_control_load = "900 V".parse().unwrap();
    bank.sheets[0].dielectric_open_contact = "900 V".parse().unwrap();
    let found = codes(&bank);
    use FindingCode as F;
    for code in [
        F::LoadVoltage,
        F::LoadPower,
        F::LoadGold,
        F::LoadSuppression,
        F::ImpulseVoltage,
        F::AmbientRange,
        F::VoltageTest,
        F::VoltageTestContact,
    ] {
        assert!(found.contains(&code), "{code:?} not in {found:?}");
    }
    let mut bank = good();
    bank.channels[2].load = Some(load("110 VDC", "1 A", LoadKind::Resistive));
    assert!(codes(&bank).contains(&F::LoadDcCurve));
    bank.channels[2].load.as_mut().unwrap().dc_limit_checked = true;
    assert!(!codes(&bank).contains(&F::LoadDcCurve));
}

#[test]
fn a_normally_closed_member_needs_a_written_reason() {
    let mut bank = good();
    bank.channels[0].contact = ContactForm::Nc;
    assert!(codes(&bank).contains(&FindingCode::GroupNc));
    bank.groups[0].nc_reason = Some("spring return in hardware".to_owned());
    let built = ChannelTable::build(&bank);
    let accepted = built.findings.iter().find(|finding| finding.code == FindingCode::GroupNcAccepted).unwrap();
    assert!(accepted.message.contains("spring return in hardware") && built.table.is_some(), "{:?}", built.findings);
}

#[test]
fn every_code_of_the_table_is_earned_in_a_test() {
    use FindingCode as F;
    let elsewhere = [
        F::LoadVoltage,
        F::LoadSuppression,
        F::AmbientRange,
        F::VoltageTest,
        F::VoltageTestContact,
        F::LoadDcCurve,
        F::GroupNc,
        F::GroupNcAccepted,
    ];
    for code in FindingCode::ALL {
        assert!(elsewhere.contains(code) || CASES.iter().any(|(case, _)| case == code), "{code:?} has no test");
    }
    let mut codes: Vec<&str> = FindingCode::ALL.iter().map(|code| code.code()).collect();
    codes.dedup();
    assert!(codes.is_sorted() && codes.len() == FindingCode::ALL.len(), "codes are unique and in order");
}

#[test]
fn impulse_demands_follow_the_standard() {
    // 230 VAC in category III demands 4 kV, which the module has; in category IV 6 kV.
    let mut bank = good();
    bank.channels[2].load = Some(load("230 VAC", "1 A", LoadKind::Resistive));
    assert!(!codes(&bank).contains(&FindingCode::ImpulseVoltage));
    bank.installation.overvoltage_category = OvervoltageCategory::IV;
    assert!(codes(&bank).contains(&FindingCode::ImpulseVoltage));
}

proptest::proptest! {
    /// Whatever times are configured, building ends without panic, and a table that comes out keeps its sums.
    #[test]
    fn no_configuration_panics(times in proptest::collection::vec(proptest::num::u64::ANY, 8), margin in 0_u32..3_000, members in 0_usize..4) {
        let mut bank = good();
        let [pull_in_ns, drop_out_ns, debounce_ns, input_age_ns, min_off, dead, stagger, scan] = times[..] else { return Ok(()) };
        bank.scan_period_ns = scan;
        let one = &mut bank.channels[0];
        one.actuator = Some(ActuatorConfig { pull_in_ns, drop_out_ns });
        one.feedback = Some(FeedbackConfig { debounce_ns, input_age_ns, ..FeedbackConfig::default() });
        one.min_off_ns = Some(min_off);
        one.stagger_ns = stagger;
        one.margin_percent = margin;
        bank.groups[0].dead_time_ns = dead;
        bank.groups[0].channels.truncate(members);
        if let Some(table) = ChannelTable::build(&bank).table {
            let windows = table.channel(table.find("fwd").unwrap()).windows;
            proptest::prop_assert!(windows.break_ns >= drop_out_ns && windows.off_due_ns >= windows.break_ns + debounce_ns);
        }
    }
}
