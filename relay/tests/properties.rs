//! The guard against simulated contacts with any delay the sheet's margin allows, drivers that acknowledge late, jitter, power cuts and defects.
//!
//! What is checked is what the contacts did, taken from the simulator's edges: never what the guard says of itself.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use proptest::prelude::*;
use relay::contact::{ContactModel, Defect, SimulatedContact};
use relay::{
    ActuatorConfig, BankConfig, ChannelConfig, ChannelTable, EventSink, FeedbackConfig, GroupConfig, Guard, Inputs,
    Phase, RatePolicy, RetainedBank, SplitMix64, SupplyReading, WINDOW_NS, WriteId,
};
use std::collections::VecDeque;
use std::sync::Arc;

const MS: u64 = 1_000_000;

/// What happens between two scans.
#[derive(Clone, Debug)]
struct Step {
    commands: u8,
    /// Time to the next scan.
    gap_ns: u64,
    /// After how long a write issued now takes effect, and how long after that its acknowledgement is seen.
    effect_ns: u64,
    acknowledge_ns: u64,
    happening: Happening,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Happening {
    Nothing,
    PowerCut { retained: bool, downtime_ns: u64 },
    SupplyOff,
    SupplyOn,
    Weld(usize),
    OpenCoil(usize),
    StuckClosed(usize),
    Acknowledge,
    Stop,
}

/// A write on its way.
struct Flight {
    id: WriteId,
    line: bool,
    effect_at_ns: u64,
    acknowledged_at_ns: u64,
}

/// Time in which a contact conducted.
#[derive(Clone, Copy, Debug)]
struct Conduction {
    channel: usize,
    from_ns: u64,
    to_ns: u64,
}

/// An ON the guard granted.
struct Grant {
    channel: usize,
    at_ns: u64,
    commanded_at_ns: u64,
}

struct Plant {
    table: Arc<ChannelTable>,
    guard: Guard,
    sink: EventSink,
    now_ns: u64,
    contacts: Vec<SimulatedContact>,
    /// Levels of the lines; a coil is energised while its line is and the supply is there.
    lines: Vec<bool>,
    supply: bool,
    flights: Vec<VecDeque<Flight>>,
    acknowledged: Vec<WriteId>,
    closed_since_ns: Vec<Option<u64>>,
    conductions: Vec<Conduction>,
    commanded_since_ns: Vec<Option<u64>>,
    grants: Vec<Grant>,
    /// When coils were energised.
    energised: Vec<Vec<u64>>,
}

impl Plant {
    fn new(bank: &BankConfig, seed: u64, delays: (u32, u32)) -> Self {
        let built = ChannelTable::build(bank);
        let table = Arc::new(built.table.unwrap_or_else(|| panic!("{:?}", built.findings)));
        let count = table.len();
        let model =
            |channel: &ChannelConfig| ContactModel::new(channel, bank.sheets.first()).with_delays(delays.0, delays.1);
        let contacts = bank
            .channels
            .iter()
            .zip(seed..)
            .map(|(channel, seed)| SimulatedContact::new(model(channel), seed))
            .collect();
        Self {
            guard: Guard::new(Arc::clone(&table)),
            sink: EventSink::for_table(&table),
            now_ns: 1_000 * MS,
            contacts,
            lines: vec![false; count],
            supply: true,
            flights: (0..count).map(|_| VecDeque::new()).collect(),
            acknowledged: vec![WriteId::NONE; count],
            closed_since_ns: vec![None; count],
            conductions: Vec::new(),
            commanded_since_ns: vec![None; count],
            grants: Vec::new(),
            energised: vec![Vec::new(); count],
            table,
        }
    }

    /// Lets the contact follow its coil up to a time and notes when it conducted.
    fn drive(&mut self, i: usize, at_ns: u64, line: bool) {
        if line && !self.lines[i] {
            self.energised[i].push(at_ns);
        }
        self.lines[i] = line;
        let (closed_since, conductions) = (&mut self.closed_since_ns[i], &mut self.conductions);
        self.contacts[i].advance_with(at_ns, line && self.supply, &mut |edge| {
            if edge.conducting {
                *closed_since = Some(edge.at_ns);
            } else if let Some(from_ns) = closed_since.take() {
                conductions.push(Conduction { channel: i, from_ns, to_ns: edge.at_ns });
            }
        });
    }

    /// Lets everything on its way arrive up to now.
    fn settle(&mut self) {
        for i in 0..self.lines.len() {
            let due: Vec<(u64, bool)> =
                self.flights[i].iter().map(|flight| (flight.effect_at_ns, flight.line)).collect();
            for (effect_at_ns, line) in due {
                if effect_at_ns <= self.now_ns {
                    self.drive(i, effect_at_ns, line);
                }
            }
            while let Some(flight) = self.flights[i].front_mut() {
                if flight.acknowledged_at_ns <= self.now_ns {
                    self.acknowledged[i] = flight.id;
                    self.flights[i].pop_front();
                } else {
                    break;
                }
            }
            self.drive(i, self.now_ns, self.lines[i]);
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Nothing | Happening::Stop => {}
            Happening::PowerCut { retained, downtime_ns } => {
                let record: RetainedBank = self.guard.retained();
                for i in 0..self.lines.len() {
                    self.flights[i].clear();
                    self.drive(i, self.now_ns, false);
                    self.acknowledged[i] = WriteId::NONE;
                    self.commanded_since_ns[i] = None;
                }
                self.now_ns += downtime_ns;
                let table = Arc::clone(&self.table);
                self.guard = if retained {
                    Guard::with_retained(table, &record, Some(downtime_ns)).0
                } else {
                    Guard::new(table)
                };
            }
            Happening::SupplyOff | Happening::SupplyOn => {
                self.supply = happening == Happening::SupplyOn;
                for i in 0..self.lines.len() {
                    self.drive(i, self.now_ns, self.lines[i]);
                }
            }
            Happening::Weld(i) => self.contacts[i].inject(Defect::Welded),
            Happening::OpenCoil(i) => self.contacts[i].inject(Defect::OpenCoil),
            Happening::StuckClosed(i) => self.contacts[i].inject(Defect::FeedbackStuckClosed),
            Happening::Acknowledge => {
                for id in self.table.ids() {
                    let _ = self.guard.acknowledge_fault(id, &mut self.sink);
                }
            }
        }
    }

    fn step(&mut self, step: &Step, sensed: bool) {
        self.happen(step.happening);
        self.settle();
        let ids: Vec<_> = self.table.ids().collect();
        let commanded: Vec<bool> = (0..ids.len()).map(|i| step.commands & (1 << i) != 0).collect();
        let running = step.happening != Happening::Stop;
        for (since, &on) in self.commanded_since_ns.iter_mut().zip(&commanded) {
            *since = if running && on { since.or(Some(self.now_ns)) } else { None };
        }
        let feedback: Vec<bool> = self.contacts.iter().map(SimulatedContact::feedback).collect();
        let before: Vec<bool> = ids.iter().map(|&id| self.guard.state().is_on(id)).collect();
        let inputs = Inputs {
            now_ns: self.now_ns,
            phase: if running { Phase::Run } else { Phase::Stop },
            commanded: &commanded,
            acknowledged: &self.acknowledged,
            feedback: &feedback,
            supply: match (sensed, self.supply) {
                (false, _) => SupplyReading::NotSensed,
                (true, true) => SupplyReading::Good,
                (true, false) => SupplyReading::Bad,
            },
            ambient: None,
        };
        self.guard.arbitrate(&inputs, &mut self.sink);
        self.sink.clear();
        for (i, &id) in ids.iter().enumerate() {
            let on = self.guard.state().is_on(id);
            assert!(!on || (commanded[i] && running), "OFF of channel {i} was delayed");
            if on && !before[i] {
                let commanded_at_ns = self.commanded_since_ns[i].expect("started without a command");
                self.grants.push(Grant { channel: i, at_ns: self.now_ns, commanded_at_ns });
            }
        }
        for write in self.guard.permitted().due() {
            let flights = &mut self.flights[write.channel.index()];
            if flights.iter().any(|flight| flight.id == write.id)
                || self.acknowledged[write.channel.index()] == write.id
            {
                continue;
            }
            // A driver keeps the order of its writes.
            let earliest_ns = flights.back().map_or(0, |flight| flight.acknowledged_at_ns);
            let effect_at_ns = (self.now_ns + step.effect_ns).max(earliest_ns);
            flights.push_back(Flight {
                id: write.id,
                line: write.line,
                effect_at_ns,
                acknowledged_at_ns: effect_at_ns + step.acknowledge_ns,
            });
        }
        self.now_ns += step.gap_ns;
    }

    /// All conductions, those still going on included.
    fn all_conductions(&self) -> Vec<Conduction> {
        let open = self.closed_since_ns.iter().enumerate();
        let open =
            open.filter_map(|(channel, since)| since.map(|from_ns| Conduction { channel, from_ns, to_ns: u64::MAX }));
        self.conductions.iter().copied().chain(open).collect()
    }
}

fn reversing(dead_time_ns: u64, feedback: bool) -> BankConfig {
    let mut bank = BankConfig::new(10 * MS);
    bank.sheets.push(serde_yaml::from_str(include_str!("../../io-config/relays/wago-859-386.yaml")).unwrap());
    for name in ["a", "b", "c"] {
        let mut channel = ChannelConfig::new(name);
        channel.relay = Some("wago-859-386".to_owned());
        channel.actuator = (name == "c").then_some(ActuatorConfig { pull_in_ns: 20 * MS, drop_out_ns: 40 * MS });
        channel.feedback = feedback.then(FeedbackConfig::default);
        bank.channels.push(channel);
    }
    bank.groups.push(GroupConfig::new("all", &["a", "b", "c"], dead_time_ns));
    bank
}

/// The two statements about contacts: never together, and never closer than the dead time.
fn contacts_keep_apart(plant: &Plant, dead_time_ns: u64) -> Result<(), TestCaseError> {
    let conductions = plant.all_conductions();
    for a in &conductions {
        for b in conductions.iter().filter(|b| b.channel != a.channel && b.from_ns >= a.from_ns) {
            prop_assert!(a.to_ns <= b.from_ns, "closed together: {a:?} and {b:?}");
            prop_assert!(b.from_ns - a.to_ns >= dead_time_ns, "dead time short: {a:?} and {b:?}");
        }
    }
    Ok(())
}

/// Commands that a reversing program might give, and some it should not: mostly one channel at a time.
fn commands() -> impl Strategy<Value = u8> {
    prop_oneof![4 => Just(0_u8), 4 => Just(1_u8), 4 => Just(2_u8), 4 => Just(4_u8), 1 => 0_u8..8]
}

/// A run of commands, each held for some scans, with a happening now and then.
fn steps(happening: impl Strategy<Value = Happening> + Clone) -> impl Strategy<Value = Vec<Step>> {
    let happening = prop_oneof![12 => Just(Happening::Nothing), 1 => happening];
    let late = prop_oneof![3 => Just(0_u64), 1 => 0..60 * MS];
    let held = (commands(), 1_usize..20, happening, late.clone(), late, any::<u64>());
    prop::collection::vec(held, 5..60).prop_map(|holds| {
        let mut steps = Vec::new();
        for (commands, scans, happening, effect_ns, acknowledge_ns, seed) in holds {
            let mut generator = SplitMix64::new(seed);
            for scan in 0..scans {
                // Mostly on the grid, sometimes overrun.
                let gap_ns = if generator.up_to(9) == 0 { 10 * MS + generator.up_to(40 * MS) } else { 10 * MS };
                let happening = if scan == 0 { happening } else { Happening::Nothing };
                steps.push(Step { commands, gap_ns, effect_ns, acknowledge_ns, happening });
            }
        }
        steps
    })
}

fn power_and_supply() -> impl Strategy<Value = Happening> + Clone {
    prop_oneof![
        (any::<bool>(), 0..100 * MS).prop_map(|(retained, downtime_ns)| Happening::PowerCut { retained, downtime_ns }),
        Just(Happening::SupplyOff),
        Just(Happening::SupplyOn),
        Just(Happening::Stop),
    ]
}

fn defects() -> impl Strategy<Value = Happening> + Clone {
    prop_oneof![
        (0_usize..3).prop_map(Happening::Weld),
        (0_usize..3).prop_map(Happening::OpenCoil),
        (0_usize..3).prop_map(Happening::StuckClosed),
        Just(Happening::Acknowledge),
        Just(Happening::SupplyOff),
        Just(Happening::SupplyOn),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Two members never closed together and the dead time never short, whatever the delays within the margin, the acknowledgements, the power and the supply.
    #[test]
    fn contacts_of_a_group_keep_apart(steps in steps(power_and_supply()), seed in any::<u64>(), dead in 0_u64..300, sensed in any::<bool>(), feedback in any::<bool>()) {
        let dead_time_ns = dead * MS;
        let mut plant = Plant::new(&reversing(dead_time_ns, feedback), seed, (0, 150));
        for step in &steps {
            plant.step(step, sensed);
        }
        contacts_keep_apart(&plant, dead_time_ns)?;
    }

    /// With read-back, not even welded contacts, dead coils or a stuck auxiliary contact bring two members together.
    #[test]
    fn contacts_keep_apart_with_defects_and_read_back(steps in steps(defects()), seed in any::<u64>(), dead in 0_u64..300) {
        let dead_time_ns = dead * MS;
        let mut plant = Plant::new(&reversing(dead_time_ns, true), seed, (0, 150));
        for step in &steps {
            plant.step(step, true);
        }
        contacts_keep_apart(&plant, dead_time_ns)?;
    }

    /// Nothing starts from a command older than its limit.
    #[test]
    fn no_start_from_an_old_command(steps in steps(power_and_supply()), seed in any::<u64>(), limit in 0_u64..500) {
        let mut bank = reversing(200 * MS, true);
        for channel in &mut bank.channels {
            channel.pending_limit_ns = Some(limit * MS);
        }
        let mut plant = Plant::new(&bank, seed, (0, 150));
        for step in &steps {
            plant.step(step, true);
        }
        for grant in &plant.grants {
            let age_ns = grant.at_ns - grant.commanded_at_ns;
            prop_assert!(age_ns <= limit * MS, "channel {} started {age_ns} ns after its command", grant.channel);
        }
    }

    /// An enforced rate is never exceeded by what reaches the coils, power cuts with lost or kept history and late writes included.
    #[test]
    fn an_enforced_rate_is_never_exceeded(
        edges in 1_u32..5,
        toggles in prop::collection::vec((1_u64..12_000, 0_u64..3_000, 0_u64..3_000, 0_u8..30), 20..80),
        seed in any::<u64>(),
    ) {
        let mut bank = reversing(0, false);
        bank.groups.clear();
        bank.ack_limit_ns = Some(60_000 * MS);
        bank.sheets[0].switching_frequency.unloaded.operations = edges;
        for channel in &mut bank.channels {
            channel.rate = RatePolicy::Enforce;
        }
        let mut plant = Plant::new(&bank, seed, (0, 150));
        for (index, &(gap_ms, effect_ms, acknowledge_ms, chance)) in toggles.iter().enumerate() {
            let happening = match chance {
                0 => Happening::PowerCut { retained: true, downtime_ns: gap_ms * MS },
                1 => Happening::PowerCut { retained: false, downtime_ns: gap_ms * MS },
                _ => Happening::Nothing,
            };
            let commands = if index % 2 == 0 { 0 } else { 1 };
            plant.step(&Step { commands, gap_ns: gap_ms * MS, effect_ns: effect_ms * MS, acknowledge_ns: acknowledge_ms * MS, happening }, false);
        }
        plant.settle();
        let edges = usize::try_from(edges).unwrap();
        for window in plant.energised[0].windows(edges + 1) {
            prop_assert!(window[edges] - window[0] > WINDOW_NS, "more than {edges} operations in 60 s: {window:?}");
        }
    }
}

/// The properties above say nothing unless contacts close, locks are waited for and rates are reached: this run shows that they are.
#[test]
fn the_plant_really_switches() {
    let mut plant = Plant::new(&reversing(100 * MS, true), 1, (0, 150));
    for hold in 0..40_u32 {
        let commands = if hold % 2 == 0 { 0 } else { 1 << (hold / 2 % 3) };
        for _ in 0..30 {
            let step = Step {
                commands,
                gap_ns: 10 * MS,
                effect_ns: 3 * MS,
                acknowledge_ns: 4 * MS,
                happening: Happening::Nothing,
            };
            plant.step(&step, true);
        }
    }
    let closed: Vec<usize> =
        (0..3).map(|i| plant.all_conductions().iter().filter(|one| one.channel == i).count()).collect();
    assert!(closed.iter().all(|&count| count >= 6), "{closed:?}");
    assert_eq!(plant.grants.len(), 20);
}
