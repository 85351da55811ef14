//! The model of the relay guard against the guard itself, and what is proved of it. `--nocapture` prints how long that took.
#![allow(
    clippy::wildcard_enum_match_arm,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests: a failure is a panic"
)]

use prove::graph::Lit;
use prove::guard::asked::{Answer, Guarded};
use prove::guard::replay::{Is, Real, Seen};
use prove::guard::{Lines, alone};
use prove::model::Model;
use prove::sat::Limit;
use prove::sim::Simulation;
use relay::{
    ActuatorConfig, BankConfig, ChannelConfig, ChannelTable, ContactForm, FeedbackConfig, FeedbackContact, GroupConfig,
    Restart,
};
use std::collections::HashSet;

const MS: u64 = 1_000_000;
const TICK_NS: u64 = 10 * MS;

/// A bank of short times: every wait of it passes within a few scans.
fn bank() -> BankConfig {
    let mut bank = BankConfig::new(TICK_NS);
    let text = include_str!("../../io-config/relays/wago-859-386.yaml");
    bank.sheets.push(serde_yaml::from_str(text).unwrap());
    bank.ack_limit_ns = Some(25 * MS);
    bank.supply.sensed = true;
    bank
}

fn channel(name: &str, change: impl Fn(&mut ChannelConfig)) -> ChannelConfig {
    let mut channel = ChannelConfig { relay: Some("wago-859-386".to_owned()), ..ChannelConfig::new(name) };
    channel.actuator = Some(ActuatorConfig { pull_in_ns: 10 * MS, drop_out_ns: 15 * MS });
    change(&mut channel);
    channel
}

/// Two members of a group with feedback, their cut-off, two staggered ones, one that restarts, one on a break contact.
fn large() -> ChannelTable {
    let mut bank = bank();
    let feedback = FeedbackConfig { debounce_ns: 5 * MS, ..FeedbackConfig::default() };
    let mirror = FeedbackConfig { contact: FeedbackContact::MirrorNc, ..feedback };
    bank.channels.push(channel("fwd", |c| c.feedback = Some(feedback)));
    bank.channels.push(channel("rev", |c| c.feedback = Some(mirror)));
    bank.channels.push(channel("main", |c| c.min_off_ns = Some(40 * MS)));
    bank.channels.push(channel("one", |c| c.stagger_ns = 25 * MS));
    bank.channels.push(channel("two", |c| (c.stagger_ns, c.pending_limit_ns) = (40 * MS, Some(50 * MS))));
    bank.channels.push(channel("again", |c| {
        (c.restart, c.restart_reason, c.stagger_ns) = (Restart::Auto, Some("a fan".to_owned()), 15 * MS);
    }));
    bank.channels.push(channel("brake", |c| (c.contact, c.feedback) = (ContactForm::Nc, Some(feedback))));
    let group = GroupConfig::new("direction", &["fwd", "rev"], 30 * MS);
    bank.groups.push(GroupConfig { cutoff: Some("main".to_owned()), ..group });
    bank.groups.push(GroupConfig::new("starters", &["one", "rev", "main"], 0));
    table(&bank)
}

/// Two members and nothing else.
fn pair(feedback: bool) -> ChannelTable {
    let mut bank = bank();
    for name in ["fwd", "rev"] {
        bank.channels.push(channel(name, |c| {
            c.feedback = feedback.then(FeedbackConfig::default);
            c.actuator = None;
            c.min_off_ns = Some(0);
        }));
    }
    bank.groups.push(GroupConfig::new("direction", &["fwd", "rev"], 10 * MS));
    table(&bank)
}

fn table(bank: &BankConfig) -> ChannelTable {
    let built = ChannelTable::build(bank);
    built.table.unwrap_or_else(|| panic!("{:?}", built.findings))
}

/// The model in use: what it does in a scan, in the words of the real guard.
struct Modelled<'a> {
    simulation: Simulation<'a>,
    lines: &'a Lines,
}

impl Modelled<'_> {
    fn step(&mut self, seen: &Seen) -> Is {
        let parts = [&seen.commands, &seen.feedback, &seen.completed];
        let mut inputs: Vec<bool> = parts.into_iter().flatten().copied().collect();
        inputs.extend(seen.supply);
        self.simulation.step(|number| inputs[number as usize]);
        let all = |lits: &[Lit]| lits.iter().map(|lit| self.simulation.value(*lit)).collect();
        let lines = self.lines;
        Is {
            on: all(&lines.on),
            acknowledged: all(&lines.acknowledged),
            fault: all(&lines.fault),
            trip: all(&lines.trip),
        }
    }
}

struct Random(u64);

impl Random {
    /// True in about one of so many times.
    fn one_of(&mut self, n: u64) -> bool {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33).is_multiple_of(n)
    }
}

/// Random runs of model and guard side by side: the first scan in which they differ, and how often each output was on.
fn differs(table: &ChannelTable, model: &Model, lines: &Lines, seed: u64, scans: usize) -> (Option<usize>, Vec<usize>) {
    let mut random = Random(seed);
    let mut real = Real::new(table, TICK_NS);
    let mut modelled = Modelled { simulation: Simulation::new(model), lines };
    let count = table.len();
    let mut seen = Seen {
        commands: vec![false; count],
        feedback: vec![false; count],
        completed: vec![false; count],
        supply: Some(true),
    };
    // Runs differ in how hasty the commands are, how late the driver is, and how often something breaks.
    let hasty = 2 + seed % 11;
    let late = [1, 1, 2, 5][(seed % 4) as usize];
    let broken = [0, 40, 300][(seed % 3) as usize];
    let mut ons = vec![0; count];
    let mut is = Is { on: vec![false; count], ..Is::default() };
    for scan in 0..scans {
        for n in 0..count {
            if random.one_of(hasty) {
                seen.commands[n] = !seen.commands[n];
            }
            // Mostly the feedback follows what was switched in the scan before.
            let mirrored = table.ids().nth(n).and_then(|id| table.channel(id).feedback);
            let mirrored = mirrored.is_some_and(|f| f.contact == FeedbackContact::MirrorNc);
            let wrong = broken > 0 && random.one_of(broken);
            seen.feedback[n] = is.on[n] ^ mirrored ^ wrong;
            seen.completed[n] = late == 1 || random.one_of(late);
        }
        seen.supply = Some(broken == 0 || !random.one_of(broken));
        is = real.step(&seen);
        let model = modelled.step(&seen);
        for (n, on) in is.on.iter().enumerate() {
            ons[n] += usize::from(*on);
        }
        if model != is {
            return (Some(scan), ons);
        }
    }
    (None, ons)
}

#[test]
fn model_and_guard_agree_in_random_runs() {
    for (name, table) in [("large", large()), ("pair", pair(true)), ("without feedback", pair(false))] {
        let (model, lines) = alone(&table, TICK_NS, true);
        let mut ons = vec![0; table.len()];
        for seed in 0..100 {
            let (first, run) = differs(&table, &model, &lines, seed, 400);
            assert_eq!(first, None, "{name}: seed {seed}");
            ons.iter_mut().zip(run).for_each(|(all, run)| *all += run);
        }
        println!("{name}: on in so many of 40,000 scans: {ons:?}");
        assert!(ons.iter().all(|n| *n > 200), "{name}: {ons:?}");
    }
}

#[test]
fn model_and_guard_agree_in_all_short_runs() {
    // Every sequence of commands, feedback and completions, as far as states of the guard differ.
    let table = pair(true);
    let (model, lines) = alone(&table, TICK_NS, true);
    let mut known: HashSet<String> = HashSet::new();
    let mut open: Vec<Vec<Seen>> = vec![Vec::new()];
    let (mut runs, mut depth) = (0, 0);
    while depth < 9 && runs < 5_000 {
        depth += 1;
        let mut next = Vec::new();
        for path in &open {
            for bits in 0..128u32 {
                let bit = |n: u32| bits >> n & 1 == 1;
                let pick = |n: u32| vec![bit(n), bit(n + 1)];
                let seen = Seen { commands: pick(0), feedback: pick(2), completed: pick(4), supply: Some(bit(6)) };
                let mut real = Real::new(&table, TICK_NS);
                let mut modelled = Modelled { simulation: Simulation::new(&model), lines: &lines };
                let path: Vec<Seen> = path.iter().cloned().chain([seen]).collect();
                for (scan, seen) in path.iter().enumerate() {
                    assert_eq!(modelled.step(seen), real.step(seen), "scan {scan} of {path:?}");
                }
                runs += 1;
                if known.insert(real.canonical()) {
                    next.push(path);
                }
            }
        }
        open = next;
    }
    println!("{runs} runs of up to {depth} scans, {} states", known.len());
    assert!(runs >= 5_000 && depth >= 3, "{runs} runs of {depth} scans");
}

#[test]
fn a_model_with_a_mistake_is_found_out() {
    // What is kept of the two members of a group, each once turned round, stuck and never set: the start, on, acknowledged,
    // fault, conducts and trip of the first, on, acknowledged and fault of the second.
    let table = large();
    let (model, lines) = alone(&table, TICK_NS, true);
    for number in [0, 1, 2, 5, 6, 7, 9, 10, 13] {
        for change in [|lit: Lit| !lit, |_: Lit| Lit::TRUE, |_: Lit| Lit::FALSE] {
            let mut wrong = alone(&table, TICK_NS, true).0;
            wrong.latches[number].next = change(wrong.latches[number].next);
            if wrong.latches[number].next == model.latches[number].next {
                continue;
            }
            let seen = (0..30).any(|seed| differs(&table, &wrong, &lines, seed, 200).0.is_some());
            assert!(seen, "latch {number}");
        }
    }
}

/// The map of an example, with its times.
fn proved(table: &ChannelTable, sensed: bool) -> usize {
    let guarded = Guarded::new(table, TICK_NS, sensed);
    for number in 0..guarded.len() {
        let cpu = cpu_time::ProcessTime::now();
        let answered = guarded.answer(number, &Limit::default()).unwrap();
        println!("{:>9.1?} (cpu {:>9.1?})  {}: {:?}", answered.took, cpu.elapsed(), answered.id, answered.answer);
        assert!(matches!(answered.answer, Answer::Proved(_)), "{}: {:?}", answered.says, answered.answer);
    }
    guarded.len()
}

#[test]
fn contacts_never_meet_whatever_is_commanded() {
    // The times of programs/forward_reverse.io.yaml.
    let mut bank = bank();
    bank.ack_limit_ns = None;
    for name in ["fwd", "rev"] {
        bank.channels.push(channel(name, |c| {
            c.actuator = Some(ActuatorConfig { pull_in_ns: 25 * MS, drop_out_ns: 60 * MS });
            c.feedback = Some(FeedbackConfig::default());
        }));
    }
    bank.groups.push(GroupConfig::new("direction", &["fwd", "rev"], 2_000 * MS));
    assert_eq!(proved(&table(&bank), false), 5);
    proved(&pair(false), false);
}
