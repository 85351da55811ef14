//! The rules one by one, on a small rig: guard, driver and simulated contacts, one scan every 10 ms.

use super::*;
use crate::contact::{ContactModel, Defect, SimulatedContact};
use crate::datasheet::tests::wago;
use crate::event::{Fault, Refusal, Trip, WaitReason};
use crate::{
    ActuatorConfig, BankConfig, ChannelConfig, ContactForm, FeedbackConfig, FeedbackContact, GroupConfig, LoadConfig,
    LoadKind, RatePolicy, ReadBack, SafeValue, StopValue, Suppression,
};

const MS: u64 = 1_000_000;
const SCAN_NS: u64 = 10 * MS;

struct Rig {
    guard: Guard,
    sink: EventSink,
    now_ns: u64,
    phase: Phase,
    commanded: Vec<bool>,
    acked: Vec<WriteId>,
    contacts: Vec<SimulatedContact>,
    coils: Vec<bool>,
    /// Whether the driver completes writes.
    driver: bool,
    supply: SupplyReading,
    ambient: Option<Temperature>,
    log: Vec<Event>,
}

fn channel(name: &str) -> ChannelConfig {
    ChannelConfig { relay: Some("wago-859-386".to_owned()), ..ChannelConfig::new(name) }
}

fn load() -> Option<LoadConfig> {
    let suppression = Suppression::Diode;
    let (voltage, current) = ("24 VDC".parse().unwrap(), "40 mA".parse().unwrap());
    Some(LoadConfig { voltage, current, kind: LoadKind::Inductive, suppression, poles: 1, dc_limit_checked: false })
}

/// Forward and reverse with read-back, a main contactor that cuts them off, and a fan of its own.
fn reversing() -> BankConfig {
    let mut bank = BankConfig::new(SCAN_NS);
    bank.sheets.push(wago());
    for name in ["fwd", "rev", "main", "fan"] {
        let mut one = channel(name);
        one.load = load();
        one.feedback = Some(FeedbackConfig { debounce_ns: 5 * MS, ..FeedbackConfig::default() });
        bank.channels.push(one);
    }
    bank.channels[3].feedback = None;
    bank.groups.push(GroupConfig {
        cutoff: Some("main".to_owned()),
        ..GroupConfig::new("direction", &["fwd", "rev"], 200 * MS)
    });
    bank
}

impl Rig {
    fn new(bank: &BankConfig) -> Self {
        Self::with_guard(bank, Guard::new)
    }

    fn with_guard(bank: &BankConfig, make: impl FnOnce(Arc<ChannelTable>) -> Guard) -> Self {
        let built = ChannelTable::build(bank);
        let table = Arc::new(built.table.unwrap_or_else(|| panic!("{:?}", built.findings)));
        let sheet =
            |name: &Option<String>| name.as_ref().and_then(|name| bank.sheets.iter().find(|sheet| sheet.name == *name));
        let count = table.len();
        Self {
            sink: EventSink::for_table(&table),
            guard: make(table),
            now_ns: 1_000 * MS,
            phase: Phase::Run,
            commanded: vec![false; count],
            acked: vec![WriteId::NONE; count],
            contacts: bank
                .channels
                .iter()
                .map(|one| SimulatedContact::new(ContactModel::new(one, sheet(&one.relay)), 1))
                .collect(),
            coils: vec![false; count],
            driver: true,
            supply: SupplyReading::NotSensed,
            ambient: None,
            log: Vec::new(),
        }
    }

    /// A rig whose channels have all been seen off and are ready.
    fn ready(bank: &BankConfig) -> Self {
        let mut rig = Self::new(bank);
        rig.run(500);
        rig.log.clear();
        rig
    }

    fn id(&self, name: &str) -> ChannelId {
        self.guard.table().find(name).unwrap()
    }

    fn command(&mut self, name: &str, on: bool) -> &mut Self {
        let id = self.id(name);
        self.commanded[id.index()] = on;
        self
    }

    fn scan(&mut self) -> &mut Self {
        for (contact, &coil) in self.contacts.iter_mut().zip(&self.coils) {
            contact.advance(self.now_ns, coil);
        }
        let feedback: Vec<bool> = self.contacts.iter().map(SimulatedContact::feedback).collect();
        let inputs = Inputs {
            now_ns: self.now_ns,
            phase: self.phase,
            commanded: &self.commanded,
            acknowledged: &self.acked,
            feedback: &feedback,
            supply: self.supply,
            ambient: self.ambient,
        };
        self.guard.arbitrate(&inputs, &mut self.sink);
        self.log.extend(self.sink.events());
        self.sink.clear();
        if self.driver {
            for write in self.guard.permitted().due() {
                self.coils[write.channel.index()] = write.line;
                self.acked[write.channel.index()] = write.id;
            }
        }
        for (contact, &coil) in self.contacts.iter_mut().zip(&self.coils) {
            contact.advance(self.now_ns, coil);
        }
        self.now_ns += SCAN_NS;
        self
    }

    /// Scans for so many milliseconds.
    fn run(&mut self, ms: u64) -> &mut Self {
        for _ in 0..ms / 10 {
            self.scan();
        }
        self
    }

    /// Scans until the channel is on; returns the milliseconds that took.
    fn until_on(&mut self, name: &str) -> u64 {
        for ms in 0..10_000 {
            self.scan();
            if self.is_on(name) {
                return ms * 10;
            }
        }
        panic!("{name} never came on: {:?}", self.guard.describe(self.id(name)));
    }

    fn is_on(&self, name: &str) -> bool {
        self.status(name).on
    }

    fn status(&self, name: &str) -> ChannelStatus {
        self.guard.status(self.id(name))
    }

    fn inject(&mut self, name: &str, defect: Defect) {
        let id = self.id(name);
        self.contacts[id.index()].inject(defect);
    }

    fn repair(&mut self, name: &str) {
        let id = self.id(name);
        self.contacts[id.index()].repair();
    }

    fn acknowledge(&mut self, name: &str) -> Result<(), AcknowledgeRefused> {
        let id = self.id(name);
        self.guard.acknowledge_fault(id, &mut self.sink)
    }

    fn codes(&self) -> Vec<EventCode> {
        self.log.iter().map(|event| event.code).collect()
    }
}

#[test]
fn before_the_first_scan_nothing_is_due_and_the_first_scan_writes_every_off() {
    let mut rig = Rig::new(&reversing());
    assert!(!rig.guard.permitted().is_due());
    rig.driver = false;
    rig.scan();
    let due: Vec<(bool, bool)> = rig.guard.permitted().due().map(|write| (write.on, write.changed)).collect();
    assert_eq!(due, [(false, true); 4]);
    rig.scan();
    assert!(rig.guard.permitted().due().all(|write| !write.changed), "an OFF nobody acknowledged is repeated");
    assert_eq!(rig.guard.permitted().due().count(), 4);
    rig.driver = true;
    rig.run(20);
    assert!(!rig.guard.permitted().is_due(), "steady state writes nothing");
}

#[test]
fn rule_1_off_leaves_in_the_scan_of_the_command_whatever_is_wrong() {
    let mut rig = Rig::ready(&reversing());
    rig.command("fwd", true).run(100);
    assert!(rig.is_on("fwd"));
    rig.driver = false;
    rig.supply = SupplyReading::Bad;
    rig.command("fwd", false).scan();
    assert!(!rig.is_on("fwd") && rig.guard.permitted().channel(rig.id("fwd")).due);
}

#[test]
fn rule_2a_the_lock_counts_from_the_acknowledged_off() {
    let mut rig = Rig::ready(&reversing());
    rig.command("fwd", true).run(100);
    rig.command("fwd", false).command("rev", true).scan();
    assert!(!rig.is_on("fwd") && !rig.is_on("rev"));
    rig.scan();
    let pending = rig.status("rev").pending.unwrap();
    assert!(matches!(pending.reason, WaitReason::Lock(other, _) if other == rig.id("fwd")));
    assert_eq!(rig.guard.describe(rig.id("rev")).unwrap(), "waiting: direction lock after fwd, 0.3 s");
    // Off acknowledged one scan after it was written; from there 13.5 ms break window and 200 ms dead time, rounded up to a scan.
    assert_eq!(rig.until_on("rev"), 210);
    assert!(rig.codes().contains(&EventCode::Waiting));
}

#[test]
fn rule_2a_a_late_acknowledgement_delays_the_lock() {
    let mut bank = reversing();
    bank.channels[1].pending_limit_ns = Some(1_000 * MS);
    let mut rig = Rig::ready(&bank);
    rig.command("fwd", true).run(100);
    rig.driver = false;
    rig.command("fwd", false).scan();
    rig.command("rev", true).run(50);
    assert_eq!(rig.status("rev").pending.unwrap().reason, WaitReason::OffUnacknowledged(rig.id("fwd")));
    rig.run(50);
    rig.driver = true;
    rig.scan();
    let written_ns = rig.now_ns - SCAN_NS;
    rig.until_on("rev");
    assert!(rig.now_ns - SCAN_NS - written_ns > 213 * MS + SCAN_NS / 2, "{}", rig.now_ns - written_ns);
}

#[test]
fn rule_2a_the_feedback_must_read_off() {
    let mut bank = reversing();
    bank.channels[0].actuator = Some(ActuatorConfig { pull_in_ns: 0, drop_out_ns: 10 * MS });
    let mut rig = Rig::ready(&bank);
    rig.command("fwd", true).run(100);
    rig.inject("fwd", Defect::Slow(2_000));
    rig.command("fwd", false).command("rev", true).scan().scan().scan();
    assert!(matches!(rig.status("rev").pending.unwrap().reason, WaitReason::FeedbackOn(_)));
}

#[test]
fn rule_2b_the_own_off_time_is_served() {
    let mut bank = reversing();
    bank.channels[3].min_off_ns = Some(300 * MS);
    let mut rig = Rig::ready(&bank);
    rig.command("fan", true).run(100);
    rig.command("fan", false).scan();
    rig.command("fan", true).scan();
    assert_eq!(rig.status("fan").pending.unwrap().reason, WaitReason::MinOff);
    assert_eq!(rig.until_on("fan"), 290);
}

#[test]
fn rule_2c_an_enforced_rate_refuses_and_a_warned_one_reports_once() {
    let mut bank = reversing();
    bank.channels[2].rate = RatePolicy::Enforce;
    let mut rig = Rig::new(&bank);
    // The switching history was lost and counts as full.
    rig.run(100).command("main", true).scan();
    assert_eq!(rig.status("main").refusal, Some(Refusal::Rate));
    assert!(rig.guard.describe(rig.id("main")).unwrap().starts_with("refused: switching rate, free in "));
    rig.command("main", false).run(60_000);
    rig.log.clear();
    for cycle in 0..8 {
        rig.command("main", true).command("fan", true).run(100);
        assert_eq!(rig.is_on("main"), cycle < 6, "cycle {cycle}");
        assert!(rig.is_on("fan"));
        rig.command("main", false).command("fan", false).run(100);
    }
    let exceeded: Vec<_> =
        rig.log.iter().filter(|event| event.code == EventCode::RateExceeded).map(|event| event.channel).collect();
    assert_eq!(exceeded, [Some(rig.id("fan"))], "once per excess");
    rig.run(60_000).command("main", true).scan();
    assert!(rig.is_on("main"));
}

#[test]
fn rule_2e_stagger_is_first_in_first_out_then_configuration_order() {
    let mut bank = reversing();
    bank.groups.clear();
    for one in &mut bank.channels {
        one.stagger_ns = 100 * MS;
    }
    let mut rig = Rig::ready(&bank);
    rig.command("fan", true).scan();
    rig.command("main", true).scan();
    rig.command("fwd", true).command("rev", true).scan();
    assert_eq!(rig.status("rev").pending.unwrap().reason, WaitReason::Stagger);
    let mut order = Vec::new();
    for _ in 0..60 {
        for name in ["fwd", "rev", "main", "fan"] {
            if rig.is_on(name) && !order.iter().any(|(_, known)| *known == name) {
                order.push((rig.now_ns, name));
            }
        }
        rig.scan();
    }
    let names: Vec<&str> = order.iter().map(|(_, name)| *name).collect();
    assert_eq!(names, ["fan", "main", "fwd", "rev"]);
    assert!(order.windows(2).skip(1).all(|pair| pair[1].0 - pair[0].0 == 100 * MS), "{order:?}");
}

#[test]
fn rule_2f_supply_and_ambient_must_be_inside_the_window() {
    let mut rig = Rig::ready(&reversing());
    rig.supply = SupplyReading::Millivolts(25_199);
    rig.command("fan", true).scan();
    assert_eq!(rig.status("fan").refusal, Some(Refusal::Supply));
    rig.supply = SupplyReading::Millivolts(25_200);
    rig.scan();
    assert_eq!(rig.status("fan").refusal, Some(Refusal::NotSeenOff), "the refused command does not come back");
    rig.command("fan", false).scan().command("fan", true).run(50);
    assert!(rig.is_on("fan"));
    rig.ambient = Some(Temperature { millicelsius: 70_001 });
    rig.scan();
    assert!(rig.is_on("fan"), "what is on stays on");
    rig.command("main", true).scan();
    assert_eq!(rig.status("main").refusal, Some(Refusal::Ambient));
    assert!(rig.codes().contains(&EventCode::AmbientDamaging), "the storage range ends at 70 degC too");
}

#[test]
fn rule_3_nothing_starts_out_of_the_past() {
    let mut rig = Rig::new(&reversing());
    // An ON that stands at start does not count.
    rig.command("fan", true).run(500);
    assert_eq!((rig.is_on("fan"), rig.status("fan").refusal), (false, Some(Refusal::NotSeenOff)));
    rig.command("fan", false).scan().command("fan", true).run(50);
    assert!(rig.is_on("fan"));
    // Stop and run again: the standing command does not count either.
    for phase in [Phase::Stop, Phase::Safe] {
        rig.phase = phase;
        rig.run(100);
        assert!(!rig.is_on("fan"));
        rig.phase = Phase::Run;
        rig.run(100);
        assert!(!rig.is_on("fan"), "{phase:?}");
        rig.command("fan", false).scan().command("fan", true).run(50);
        assert!(rig.is_on("fan"));
    }
}

#[test]
fn rule_3_a_dropped_command_cancels_and_an_old_one_expires() {
    let mut bank = reversing();
    bank.channels[1].pending_limit_ns = Some(100 * MS);
    let mut rig = Rig::ready(&bank);
    rig.command("fwd", true).run(100);
    rig.command("fwd", false).command("rev", true).run(50);
    assert!(rig.status("rev").pending.is_some());
    rig.command("rev", false).scan();
    assert!(rig.status("rev").pending.is_none());
    rig.run(500);
    assert!(!rig.is_on("rev"), "cancelled");
    rig.command("fwd", true).run(100);
    rig.command("fwd", false).command("rev", true).run(500);
    assert!(!rig.is_on("rev"), "older than its limit");
    assert!(rig.codes().contains(&EventCode::Expired));
    rig.command("rev", false).scan().command("rev", true).run(50);
    assert!(rig.is_on("rev"));
}

#[test]
fn rule_3_is_lifted_by_restart_auto() {
    let mut bank = reversing();
    bank.channels[3].restart = Restart::Auto;
    bank.channels[3].restart_reason = Some("cooling must come back".to_owned());
    let mut rig = Rig::new(&bank);
    rig.command("fan", true).run(50);
    assert!(rig.is_on("fan"), "at start");
    rig.supply = SupplyReading::Bad;
    rig.run(50);
    assert_eq!((rig.is_on("fan"), rig.status("fan").trip), (false, Some(Trip::SupplyLost)));
    rig.supply = SupplyReading::Good;
    rig.run(50);
    assert!(rig.is_on("fan"), "after loss of supply");
}

#[test]
fn rule_4_two_on_commands_are_a_conflict_until_each_was_off() {
    let mut rig = Rig::ready(&reversing());
    rig.command("fwd", true).command("rev", true).run(50);
    assert!(!rig.is_on("fwd") && !rig.is_on("rev"));
    rig.command("rev", false).run(50);
    assert!(!rig.is_on("fwd"), "fwd has not been commanded off");
    rig.command("fwd", false).scan();
    rig.command("fwd", true).run(50);
    assert!(rig.is_on("fwd"));
    let conflicts = rig.codes().iter().filter(|&&code| code == EventCode::Conflict).count();
    assert_eq!(conflicts, 1);
}

#[test]
fn rule_4_each_must_have_been_off_not_only_one() {
    let mut rig = Rig::ready(&reversing());
    rig.command("fwd", true).command("rev", true).run(50);
    rig.command("rev", false).scan();
    rig.command("rev", true).run(300);
    assert!(!rig.is_on("fwd") && !rig.is_on("rev"));
    rig.command("rev", false).scan().command("rev", false).run(300);
    assert!(!rig.is_on("fwd"), "its command has stood since the conflict");
}

#[test]
fn rule_4_both_waiting_is_a_conflict_too() {
    let mut rig = Rig::ready(&reversing());
    rig.command("fwd", true).run(100);
    rig.command("fwd", false).command("rev", true).run(50);
    assert!(rig.status("rev").pending.is_some());
    rig.command("fwd", true).run(600);
    assert!(!rig.is_on("fwd") && !rig.is_on("rev"));
    assert!(matches!(rig.status("fwd").refusal, Some(Refusal::Conflict(_))));
}

#[test]
fn rule_4_while_one_is_on_another_is_refused_not_pending() {
    let mut rig = Rig::ready(&reversing());
    rig.command("fwd", true).run(100);
    rig.command("rev", true).scan();
    assert_eq!((rig.status("rev").refusal, rig.status("rev").pending), (Some(Refusal::OtherOn(rig.id("fwd"))), None));
    rig.command("fwd", false).run(600);
    assert!(!rig.is_on("rev"), "the refused command does not start when the other goes off");
    assert!(!rig.codes().contains(&EventCode::Conflict));
}

#[test]
fn rule_5_loss_of_supply_switches_off_and_needs_a_new_command() {
    let mut rig = Rig::ready(&reversing());
    rig.supply = SupplyReading::Good;
    rig.command("fan", true).run(100);
    rig.supply = SupplyReading::Bad;
    rig.scan();
    assert_eq!((rig.is_on("fan"), rig.status("fan").fault_name()), (false, Some("supply_lost")));
    rig.supply = SupplyReading::Good;
    rig.run(300);
    assert!(!rig.is_on("fan"), "relays do not close again by themselves");
    assert!(rig.codes().contains(&EventCode::SupplyReturned));
    rig.command("fan", false).scan();
    assert_eq!(rig.status("fan").fault_name(), None);
    rig.command("fan", true).run(50);
    assert!(rig.is_on("fan"));
}

#[test]
fn rule_5_feedback_lost_while_on() {
    let mut rig = Rig::ready(&reversing());
    rig.command("fwd", true).run(200);
    assert_eq!(rig.status("fwd").read_back, ReadBack::On);
    rig.inject("fwd", Defect::OpenCoil);
    rig.run(30);
    assert_eq!((rig.is_on("fwd"), rig.status("fwd").trip), (false, Some(Trip::FeedbackLost)));
    rig.repair("fwd");
    rig.run(300);
    assert!(!rig.is_on("fwd"), "a released hard-wired stop starts nothing");
    rig.command("fwd", false).scan().command("fwd", true).run(50);
    assert!(rig.is_on("fwd"));
}

#[test]
fn rule_6_failed_to_close_latches_and_is_written_off() {
    let mut rig = Rig::ready(&reversing());
    rig.inject("fwd", Defect::OpenCoil);
    rig.command("fwd", true).run(200);
    assert_eq!((rig.is_on("fwd"), rig.status("fwd").fault), (false, Some(Fault::FailedToClose)));
    rig.command("fwd", false).scan().command("fwd", true).run(50);
    assert_eq!(rig.status("fwd").refusal, Some(Refusal::Fault));
    rig.command("fwd", false).scan().command("rev", true).run(50);
    assert_eq!(rig.status("rev").refusal, Some(Refusal::GroupFault(rig.id("fwd"))), "rule 2d");
    rig.repair("fwd");
    assert_eq!(rig.acknowledge("fwd"), Ok(()));
    rig.command("rev", false).scan().command("fwd", true).run(50);
    assert!(rig.is_on("fwd"));
    assert_eq!(rig.acknowledge("fwd"), Err(AcknowledgeRefused::NothingLatched));
}

#[test]
fn rule_6_a_welded_contact_blocks_its_group_and_drops_the_cut_off() {
    let mut rig = Rig::ready(&reversing());
    rig.command("main", true).command("fwd", true).run(200);
    rig.inject("fwd", Defect::Welded);
    rig.command("fwd", false).run(100);
    assert_eq!((rig.status("fwd").fault, rig.status("fwd").contact), (Some(Fault::Welded), ContactEstimate::Closed));
    assert!(!rig.is_on("main"));
    assert!(rig.codes().contains(&EventCode::CutoffDropped));
    rig.command("main", false).scan().command("main", true).command("rev", true).run(600);
    assert!(!rig.is_on("main") && !rig.is_on("rev"), "never retried");
    assert!(matches!(rig.status("main").refusal, Some(Refusal::CutOff(_))));
    assert_eq!(rig.acknowledge("fwd"), Err(AcknowledgeRefused::StillOn));
    rig.repair("fwd");
    rig.command("main", false).command("rev", false).run(50);
    assert_eq!(rig.acknowledge("fwd"), Ok(()));
    rig.command("main", true).command("rev", true).run(500);
    assert!(rig.is_on("main") && rig.is_on("rev"));
}

#[test]
fn rule_6_an_acknowledgement_only_unlatches() {
    let mut rig = Rig::ready(&reversing());
    rig.inject("fwd", Defect::OpenCoil);
    rig.command("fwd", true).run(200);
    rig.repair("fwd");
    assert_eq!(rig.acknowledge("fwd"), Ok(()));
    rig.run(300);
    assert_eq!((rig.is_on("fwd"), rig.status("fwd").refusal), (false, Some(Refusal::NotSeenOff)));
}

#[test]
fn rule_6_a_contact_closed_without_command_is_treated_like_a_welded_one() {
    let mut rig = Rig::ready(&reversing());
    rig.command("main", true).command("rev", true).run(200);
    rig.inject("fwd", Defect::FeedbackStuckClosed);
    rig.scan();
    assert_eq!(rig.status("fwd").fault, Some(Fault::ClosedUncommanded));
    assert!(!rig.is_on("rev") && !rig.is_on("main"));
    assert!(rig.codes().contains(&EventCode::GroupBlocked));
}

#[test]
fn rule_6_feedback_is_watched_before_the_first_on() {
    let mut rig = Rig::new(&reversing());
    rig.inject("fwd", Defect::FeedbackStuckClosed);
    rig.run(200);
    assert_eq!(rig.status("fwd").fault, Some(Fault::Welded));
}

#[test]
fn rule_6_operations_that_cannot_be_verified_are_counted_and_raise_an_alarm() {
    let mut rig = Rig::ready(&reversing());
    for _ in 0..6 {
        rig.command("fwd", true).scan().scan();
        rig.command("fwd", false).scan().scan();
        rig.run(20);
    }
    assert!(rig.guard.wear(rig.id("fwd")).unverified_operations >= 6);
    assert_eq!(rig.codes().iter().filter(|&&code| code == EventCode::UnverifiedOperations).count(), 1);
}

#[test]
fn rule_6_a_mirror_contact_with_a_broken_wire_reads_on() {
    let mut bank = reversing();
    bank.channels[0].feedback =
        Some(FeedbackConfig { contact: FeedbackContact::MirrorNc, ..FeedbackConfig::default() });
    let mut rig = Rig::ready(&bank);
    assert_eq!(rig.status("fwd").read_back, ReadBack::Off);
    rig.inject("fwd", Defect::FeedbackStuckOpen);
    rig.scan();
    assert_eq!(rig.status("fwd").fault, Some(Fault::ClosedUncommanded));
}

#[test]
fn rule_7_a_pulse_too_short_is_counted_and_reported() {
    let mut rig = Rig::ready(&reversing());
    rig.command("fan", true).scan().command("fan", false).scan();
    assert!(rig.codes().contains(&EventCode::PulseTooShort));
    rig.log.clear();
    rig.run(100).command("fan", true).run(40).command("fan", false).scan();
    assert!(!rig.codes().contains(&EventCode::PulseTooShort));
    assert_eq!(rig.guard.wear(rig.id("fan")).short_pulses, 1);
}

#[test]
fn rule_8_operations_are_counted_and_survive() {
    let bank = reversing();
    let mut rig = Rig::ready(&bank);
    for _ in 0..3 {
        rig.command("fan", true).run(100).command("fan", false).run(100);
    }
    rig.inject("fwd", Defect::OpenCoil);
    rig.command("fwd", true).run(200);
    let record = rig.guard.retained();
    assert_eq!(record.channels[3].wear.loaded_operations, 3);
    let text = serde_yaml::to_string(&record).unwrap();
    let mut record: RetainedBank = serde_yaml::from_str(&text).unwrap();
    record.channels[2].name = "gone".to_owned();
    let mut outcome = None;
    let mut rig = Rig::with_guard(&bank, |table| {
        let (guard, restored) = Guard::with_retained(table, &record, Some(0));
        outcome = Some(restored);
        guard
    });
    let outcome = outcome.unwrap();
    assert_eq!(
        (outcome.restored.len(), outcome.fresh.as_slice(), outcome.unmatched.len()),
        (3, &["main".to_owned()][..], 1)
    );
    rig.run(50);
    assert_eq!(rig.guard.wear(rig.id("fan")).loaded_operations, 3);
    assert_eq!(rig.status("fwd").fault, Some(Fault::FailedToClose), "latched across a restart");
    let mut refreshed = rig.guard.retained();
    rig.guard.update_retained(&mut refreshed);
    // Three edges really happened; the other three were assumed when the first guard started without history.
    assert_eq!(refreshed.channels[3].edge_ages_ns.len(), 6, "the rate history survives too");
    let fan = rig.id("fan");
    rig.guard.relay_replaced(fan);
    assert_eq!(rig.guard.wear(fan).operations(), 0);
}

#[test]
fn rule_8_a_contact_that_lost_its_gold_is_named_on_a_small_load() {
    let bank = reversing();
    let mut record = Rig::new(&bank).guard.retained();
    record.channels[3].wear.gold_spent = true;
    let mut rig = Rig::with_guard(&bank, |table| Guard::with_retained(table, &record, None).0);
    rig.scan();
    assert_eq!(rig.log.iter().find(|event| event.code == EventCode::GoldUnfit).unwrap().channel, Some(rig.id("fan")));
}

#[test]
fn rule_9_at_start_times_run_from_the_first_acknowledged_off() {
    let mut rig = Rig::new(&reversing());
    rig.driver = false;
    rig.run(300);
    assert_eq!(rig.status("fwd").contact, ContactEstimate::Unknown);
    rig.driver = true;
    rig.command("fwd", true).scan();
    let pending = rig.status("fwd").pending.unwrap();
    assert_eq!(pending.due_ns, None, "nothing is known before the acknowledgement");
    assert_eq!(rig.until_on("fwd"), 220, "dead time and break window in full");
}

#[test]
fn rule_10_stop_and_safe_values() {
    let mut bank = reversing();
    bank.channels[2].feedback = None;
    bank.channels[3].stop = StopValue::On;
    bank.channels[3].safe = SafeValue::On;
    bank.channels[3].safe_reason = Some("cooling".to_owned());
    bank.groups[0].cutoff = None;
    bank.channels[2].stop = StopValue::Hold;
    let mut rig = Rig::ready(&bank);
    rig.command("fwd", true).command("main", true).run(100);
    rig.phase = Phase::Stop;
    rig.run(50);
    assert_eq!((rig.is_on("fwd"), rig.is_on("main"), rig.is_on("fan")), (false, true, true));
    rig.phase = Phase::Safe;
    rig.scan();
    assert_eq!((rig.is_on("main"), rig.is_on("fan")), (false, true));
    rig.supply = SupplyReading::Bad;
    rig.scan();
    rig.supply = SupplyReading::Good;
    rig.run(100);
    assert!(!rig.is_on("fan"), "not even a safe value closes again by itself after loss of supply");
    rig.phase = Phase::Run;
    rig.command("fan", false).scan();
    rig.phase = Phase::Safe;
    rig.run(50);
    assert!(rig.is_on("fan"));
}

#[test]
fn a_normally_closed_load_is_off_while_its_coil_is_energised() {
    let mut bank = BankConfig::new(SCAN_NS);
    bank.sheets.push(wago());
    bank.channels.push(ChannelConfig {
        contact: ContactForm::Nc,
        feedback: Some(FeedbackConfig::default()),
        ..channel("brake")
    });
    let mut rig = Rig::ready(&bank);
    assert_eq!((rig.status("brake").line, rig.status("brake").read_back), (true, ReadBack::Off));
    rig.command("brake", true).run(100);
    assert_eq!((rig.status("brake").line, rig.status("brake").read_back), (false, ReadBack::On));
    rig.command("brake", false).run(100);
    // The coil supply fails: the contact closes by itself, and opening begins anew when the supply is back.
    rig.supply = SupplyReading::Bad;
    rig.coils[0] = false;
    rig.scan().scan();
    rig.coils[0] = true;
    rig.supply = SupplyReading::Good;
    rig.command("brake", true).scan();
    assert_eq!(rig.status("brake").pending.unwrap().reason, WaitReason::MinOff);
    rig.run(100);
    assert_eq!(rig.status("brake").fault, None);
}

#[test]
fn a_write_nobody_acknowledges_is_a_fault() {
    let mut rig = Rig::ready(&reversing());
    rig.command("main", true).run(100);
    rig.driver = false;
    rig.command("fwd", true).run(1_020);
    assert_eq!((rig.is_on("fwd"), rig.status("fwd").fault), (false, Some(Fault::OnUnacknowledged)));
    assert!(rig.is_on("main"));
    rig.run(1_020);
    assert_eq!(rig.status("fwd").fault, Some(Fault::OffUnacknowledged));
    assert!(!rig.is_on("main"), "the line may still be on: cut off");
    assert_eq!(rig.acknowledge("fwd"), Err(AcknowledgeRefused::WriteMissing));
    rig.driver = true;
    rig.run(100);
    assert_eq!(rig.acknowledge("fwd"), Ok(()));
}

#[test]
fn an_acknowledgement_of_an_earlier_off_does_not_pass_for_this_one() {
    let mut rig = Rig::ready(&reversing());
    let stale = rig.acked.clone();
    rig.command("fwd", true).run(100);
    rig.driver = false;
    rig.command("fwd", false).scan();
    rig.acked = stale;
    rig.command("rev", true).run(500);
    assert!(!rig.is_on("rev"));
}

#[test]
fn time_that_runs_backwards_stands_still() {
    let mut rig = Rig::ready(&reversing());
    rig.now_ns = 0;
    rig.scan();
    assert!(rig.codes().contains(&EventCode::TimeBackwards));
    assert!(rig.guard.state().now_ns() > 0);
}

#[test]
fn ready_means_that_an_on_would_be_permitted() {
    let mut rig = Rig::new(&reversing());
    rig.scan();
    assert!(!rig.status("fwd").ready);
    rig.run(500);
    assert!(rig.status("fwd").ready && rig.status("rev").ready);
    rig.command("fwd", true).scan();
    assert!(!rig.status("fwd").ready && !rig.status("rev").ready);
}

#[test]
fn a_full_sink_loses_events_and_counts_them() {
    let mut rig = Rig::new(&reversing());
    rig.sink = EventSink::with_capacity(1);
    for name in ["fwd", "rev", "main", "fan"] {
        rig.command(name, true);
    }
    rig.run(10);
    assert_eq!(rig.log.len(), 1);
    assert!(rig.sink.lost() >= 2, "{}", rig.sink.lost());
}

#[test]
fn every_event_code_is_unique_and_in_order() {
    let codes: Vec<&str> = EventCode::ALL.iter().map(|code| code.code()).collect();
    assert!(codes.windows(2).all(|pair| pair[0] < pair[1]), "{codes:?}");
}
