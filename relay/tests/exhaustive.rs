//! Every sequence of commands, acknowledgements, feedback readings, supply dips and power cuts, for small groups: breadth-first over the guard's canonical states,
//! each checked by a monitor that keeps books of its own and knows nothing of the guard's.
//!
//! The monitor takes the worst physics the sheets allow: a contact may conduct from the moment its ON is issued until its break window after its OFF was
//! acknowledged. So "two members never closed together" and "dead time never short" are statements about contacts, not about bits.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use relay::{
    ActuatorConfig, BankConfig, ChannelConfig, ChannelTable, Detail, EventCode, EventSink, FeedbackConfig, GroupConfig,
    Guard, GuardState, Inputs, Phase, RatePolicy, Refusal, Restart, SupplyReading, WINDOW_NS, WriteId,
};
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

const MS: u64 = 1_000_000;
/// Scan period in units. A unit is 1 ms for contactors and 1 s for the slow relay whose switching rate is searched, so that 60 s are six scans.
const SCAN: u64 = 10;
/// Break window of every member in units: 10 with 50 % margin.
const BREAK: u64 = 15;
/// Dead time in units.
const DEAD: u64 = 10;
/// Limit of the enforced switching rate.
const EDGES: usize = 1;

/// What the search may do to the guard.
#[derive(Clone, Copy)]
struct Freedom {
    feedback: bool,
    late_acknowledgements: bool,
    supply_dips: bool,
    power_cuts: bool,
    stops: bool,
}

/// Channels with a slow relay of the given sheet: drop-out 5 s and bounce 5 s, one operation per minute enforced.
fn slow_bank(names: &[&str]) -> BankConfig {
    let text = include_str!("../../io-config/relays/wago-859-386.yaml")
        .replace("pull_in_time: 8 ms", "pull_in_time: 5 s")
        .replace("drop_out_time: 4 ms", "drop_out_time: 5 s")
        .replace("bounce_time: 5 ms", "bounce_time: 5 s")
        .replace("unloaded: 180 /min", "unloaded: 1 /min");
    let mut bank = BankConfig::new(SCAN * 1_000 * MS);
    bank.sheets.push(serde_yaml::from_str(&text).unwrap());
    bank.ack_limit_ns = Some(50_000 * MS);
    bank.supply.sensed = true;
    for name in names {
        let relay = Some("wago-859-386".to_owned());
        bank.channels.push(ChannelConfig { relay, rate: RatePolicy::Enforce, ..ChannelConfig::new(*name) });
    }
    bank.groups.push(GroupConfig::new("group", names, DEAD * 1_000 * MS));
    bank
}

fn bank(groups: &[&[&str]], names: &[&str], feedback: bool, dead: u64) -> BankConfig {
    let mut bank = BankConfig::new(SCAN * MS);
    bank.ack_limit_ns = Some(50 * MS);
    for name in names {
        let mut channel = ChannelConfig::new(*name);
        channel.actuator = Some(ActuatorConfig { pull_in_ns: 0, drop_out_ns: 10 * MS });
        // Debounced for one scan, so that the lock can be over before the read-back is due.
        channel.feedback = feedback.then(|| FeedbackConfig { debounce_ns: SCAN * MS, ..FeedbackConfig::default() });
        bank.channels.push(channel);
    }
    for (index, members) in groups.iter().enumerate() {
        bank.groups.push(GroupConfig::new(format!("group{index}"), members, dead * MS));
    }
    bank
}

/// How a line stands, in the monitor's books.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Line {
    On,
    OffUnacknowledged,
    /// Off for certain, since so long (up to a cap).
    Off {
        since_ns: u64,
    },
}

/// The monitor's books of one channel.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Book {
    line: Line,
    /// Age of the present ON command; `None` while commanded off.
    command_ns: Option<u64>,
    /// Commanded off in a running scan since start, stop or loss of supply.
    seen_off: bool,
    /// Time since this guard learnt that the present OFF was completed; a contact is only judged by what the guard could know.
    judged_ns: Option<u64>,
    /// The feedback has read on when it had to read off: the contact is welded for all the guard can know.
    welded: bool,
    /// Ages of the last ON edges, newest first, each counted from when it had taken effect for certain; where the rate is enforced.
    edges_ns: Vec<u64>,
    /// The newest of them has been acknowledged.
    confirmed: bool,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Node {
    state: GuardState,
    books: Vec<Book>,
    /// The driver has completed the present write.
    completed: Vec<bool>,
}

/// One scan's worth of choices.
#[derive(Clone, Copy, Debug)]
struct Choice {
    commands: u8,
    acknowledged: u8,
    feedback: u8,
    supply_bad: bool,
    stopped: bool,
    power_cut: bool,
}

struct Search {
    table: Arc<ChannelTable>,
    guard: Guard,
    sink: EventSink,
    freedom: Freedom,
    scan_ns: u64,
    break_ns: u64,
    dead_ns: u64,
    enforced: bool,
    pending_limit_ns: u64,
    auto: Vec<bool>,
    off_due_ns: u64,
    /// Whether channels i and j share a group.
    together: Vec<Vec<bool>>,
    /// Number of every channel's first write.
    first_write: WriteId,
    seen: HashSet<u128>,
    happened: HashMap<EventCode, u64>,
    grants: u64,
    refused_by_rate: u64,
    transitions: u64,
}

/// A fast 128-bit mixing hash, so that ten million states neither take the memory of ten million states nor collide: with n states the odds
/// of a collision are about n^2 / 2^129.
struct Mix(u128);

impl Mix {
    fn mix(&mut self, value: u64) {
        self.0 = (self.0 ^ u128::from(value)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013B).rotate_left(29);
        self.0 ^= self.0 >> 61;
    }
}

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.mix(u64::from_le_bytes(word));
        }
    }

    fn finish(&self) -> u64 {
        (self.0 >> 64) as u64
    }
}

fn fingerprint(node: &Node) -> u128 {
    let mut hasher = Mix(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
    node.hash(&mut hasher);
    hasher.mix(0);
    hasher.0
}

impl Search {
    fn new(bank: &BankConfig, freedom: Freedom) -> Self {
        let built = ChannelTable::build(bank);
        let table = Arc::new(built.table.unwrap_or_else(|| panic!("{:?}", built.findings)));
        let ids: Vec<_> = table.ids().collect();
        let shares = |a: usize, b: usize| {
            a != b && table.channel(ids[a]).groups().iter().any(|group| table.channel(ids[b]).groups().contains(group))
        };
        let together = (0..ids.len()).map(|a| (0..ids.len()).map(|b| shares(a, b)).collect()).collect();
        let unit_ns = bank.scan_period_ns / SCAN;
        for &id in &ids {
            assert_eq!(table.channel(id).windows.break_ns, BREAK * unit_ns);
        }
        let mut fresh = Guard::new(Arc::clone(&table));
        let nothing = Inputs {
            now_ns: 0,
            phase: Phase::Run,
            commanded: &[],
            acknowledged: &[],
            feedback: &[],
            supply: SupplyReading::Good,
            ambient: None,
        };
        fresh.arbitrate(&nothing, &mut EventSink::for_table(&table));
        let first_write = fresh.permitted().channel(ids[0]).id;
        let first = table.channel(ids[0]);
        let enforced = first.rate.edges > 0 && first.rate.policy == RatePolicy::Enforce;
        assert!(!enforced || usize::try_from(first.rate.edges).unwrap() == EDGES);
        Self {
            guard: Guard::new(Arc::clone(&table)),
            sink: EventSink::for_table(&table),
            freedom,
            scan_ns: bank.scan_period_ns,
            break_ns: BREAK * unit_ns,
            dead_ns: table.group_ids().map(|id| table.group(id).dead_time_ns).max().unwrap_or(0),
            enforced,
            pending_limit_ns: first.pending_limit_ns,
            auto: ids.iter().map(|&id| table.channel(id).restart == Restart::Auto).collect(),
            off_due_ns: first.windows.off_due_ns,
            together,
            first_write,
            seen: HashSet::new(),
            happened: HashMap::new(),
            grants: 0,
            refused_by_rate: 0,
            transitions: 0,
            table,
        }
    }

    fn count(&self) -> usize {
        self.table.len()
    }

    /// A controller that has just been switched on, its contacts left over from before in any state the books allow.
    fn start(&self, line: Line) -> Node {
        let book = Book {
            line,
            command_ns: None,
            seen_off: false,
            judged_ns: None,
            welded: false,
            edges_ns: Vec::new(),
            confirmed: true,
        };
        let mut guard = Guard::new(Arc::clone(&self.table));
        // Put the start at the same time as every canonical state.
        let state = guard.state().canonical(&self.table);
        guard.set_state(&state);
        Node { state, books: vec![book; self.count()], completed: vec![false; self.count()] }
    }

    /// Explores up to a depth, or until nothing new is met. Returns the depth reached.
    fn run(&mut self, depth_max: usize) -> usize {
        // Before the first scan a contact may still be closed from before the power came back.
        let start = self.start(Line::OffUnacknowledged);
        let mut frontier = vec![self.settled(start.clone()), start];
        for depth in 0..depth_max {
            let mut next = Vec::new();
            for node in &frontier {
                for choice in self.choices(node) {
                    let successor = self.step(node, choice);
                    if self.seen.insert(fingerprint(&successor)) {
                        next.push(successor);
                    }
                }
            }
            frontier = next;
            if frontier.is_empty() {
                return depth;
            }
        }
        depth_max
    }

    /// Everything off, acknowledged and long over, so that a search of limited depth sees whole handovers from one channel to the next.
    fn settled(&mut self, mut node: Node) -> Node {
        for _ in 0..20 {
            let acknowledged = (0..self.count()).filter(|&i| !node.completed[i]).fold(0, |bits, i| bits | (1_u8 << i));
            let quiet =
                Choice { commands: 0, acknowledged, feedback: 0, supply_bad: false, stopped: false, power_cut: false };
            node = self.step(&node, quiet);
        }
        assert!(node.books.iter().all(|book| matches!(book.line, Line::Off { .. })));
        node
    }

    fn choices(&self, node: &Node) -> Vec<Choice> {
        let all = 1_u8 << self.count();
        let outstanding = (0..self.count()).filter(|&i| !node.completed[i]).fold(0, |bits, i| bits | (1_u8 << i));
        let mut choices = Vec::new();
        for commands in 0..all {
            for acknowledged in 0..all {
                // Only outstanding writes leave a choice; without late acknowledgements all of them are completed.
                if acknowledged & !outstanding != 0
                    || (!self.freedom.late_acknowledgements && acknowledged != outstanding)
                {
                    continue;
                }
                for feedback in 0..if self.freedom.feedback { all } else { 1 } {
                    for (supply_bad, stopped, power_cut) in
                        [(false, false, false), (true, false, false), (false, true, false), (false, false, true)]
                    {
                        let allowed = (!supply_bad || self.freedom.supply_dips)
                            && (!stopped || self.freedom.stops)
                            && (!power_cut
                                || (self.freedom.power_cuts && feedback == 0 && acknowledged == 0 && commands == 0));
                        if allowed {
                            choices.push(Choice { commands, acknowledged, feedback, supply_bad, stopped, power_cut });
                        }
                    }
                }
            }
        }
        choices
    }

    fn step(&mut self, node: &Node, choice: Choice) -> Node {
        self.transitions += 1;
        if choice.power_cut {
            // Every coil is de-energised at this moment; the contacts take up to their break window to open.
            let mut start = self.start(Line::Off { since_ns: 0 });
            for (book, before) in start.books.iter_mut().zip(&node.books) {
                book.edges_ns.clone_from(&before.edges_ns);
            }
            return start;
        }
        let count = self.count();
        let bit = |bits: u8, i: usize| bits & (1 << i) != 0;
        let ids: Vec<_> = self.table.ids().collect();
        let commanded: Vec<bool> = (0..count).map(|i| bit(choice.commands, i)).collect();
        let feedback: Vec<bool> = (0..count).map(|i| bit(choice.feedback, i)).collect();
        let completed: Vec<bool> = (0..count).map(|i| node.completed[i] || bit(choice.acknowledged, i)).collect();
        let started = ids.iter().any(|&id| node.state.write(id) != WriteId::NONE);
        // A driver that has not completed the present write still shows the number of an earlier one.
        let earlier = |write: WriteId| if write == self.first_write { WriteId::NONE } else { self.first_write };
        let acknowledged: Vec<WriteId> = ids
            .iter()
            .zip(&completed)
            .map(|(&id, &done)| (node.state.write(id), done))
            .map(|(write, done)| {
                if !started {
                    WriteId::NONE
                } else if done {
                    write
                } else {
                    earlier(write)
                }
            })
            .collect();
        let now_ns = node.state.now_ns() + self.scan_ns;
        let inputs = Inputs {
            now_ns,
            phase: if choice.stopped { Phase::Stop } else { Phase::Run },
            commanded: &commanded,
            acknowledged: &acknowledged,
            feedback: &feedback,
            supply: if choice.supply_bad { SupplyReading::Bad } else { SupplyReading::Good },
            ambient: None,
        };
        self.guard.set_state(&node.state);
        self.guard.arbitrate(&inputs, &mut self.sink);
        for event in self.sink.events() {
            *self.happened.entry(event.code).or_default() += 1;
            self.refused_by_rate += u64::from(event.detail == Detail::Refusal(Refusal::Rate));
        }
        assert_eq!(self.sink.lost(), 0);
        self.sink.clear();

        let mut books = node.books.clone();
        let mut next_completed = completed.clone();
        for i in 0..count {
            self.keep_books(&mut books[i], &commanded, i, completed[i] && started, feedback[i], choice);
            if self.guard.state().write(ids[i]) != node.state.write(ids[i]) {
                next_completed[i] = false;
            }
        }
        for i in 0..count {
            self.check(node, &mut books, &commanded, &feedback, choice, i);
        }
        Node { state: self.guard.state().canonical(&self.table), books, completed: next_completed }
    }

    /// What the monitor learns from the scan's inputs.
    fn keep_books(
        &self,
        book: &mut Book,
        commanded: &[bool],
        i: usize,
        completed: bool,
        reads_on: bool,
        choice: Choice,
    ) {
        let cap = self.break_ns + self.dead_ns + self.off_due_ns;
        match &mut book.line {
            Line::Off { since_ns } => *since_ns = (*since_ns + self.scan_ns).min(cap),
            Line::OffUnacknowledged if completed => book.line = Line::Off { since_ns: 0 },
            Line::On | Line::OffUnacknowledged => {}
        }
        book.judged_ns = match (book.line, book.judged_ns) {
            (Line::Off { .. }, Some(age_ns)) => Some((age_ns + self.scan_ns).min(cap)),
            (Line::Off { .. }, None) if completed => Some(0),
            (Line::Off { .. } | Line::OffUnacknowledged | Line::On, _) => None,
        };
        book.welded |=
            self.freedom.feedback && reads_on && book.judged_ns.is_some_and(|age_ns| age_ns >= self.off_due_ns);
        for age_ns in &mut book.edges_ns {
            *age_ns += self.scan_ns;
        }
        book.edges_ns.retain(|&age_ns| age_ns <= WINDOW_NS);
        if let (Line::On, false, Some(newest)) = (book.line, book.confirmed, book.edges_ns.first_mut()) {
            // Not acknowledged before this scan: it may have taken effect only now.
            *newest = 0;
            book.confirmed = completed;
        }
        let running = !choice.stopped;
        book.command_ns = match (running && commanded[i], book.command_ns) {
            (false, _) => None,
            (true, None) => Some(0),
            (true, Some(age_ns)) => Some((age_ns + self.scan_ns).min(self.pending_limit_ns + self.scan_ns)),
        };
        if choice.stopped {
            book.seen_off = false;
        } else if !commanded[i] {
            book.seen_off = true;
        }
    }

    /// The properties. Called with the guard in its new state.
    fn check(
        &mut self,
        node: &Node,
        books: &mut [Book],
        commanded: &[bool],
        feedback: &[bool],
        choice: Choice,
        i: usize,
    ) {
        let id = self.table.ids().nth(i).unwrap();
        let (was_on, is_on) = (node.state.is_on(id), self.guard.state().is_on(id));
        let context = || format!("channel {i}, {choice:?}, books {books:?}");
        if choice.stopped || !commanded[i] {
            assert!(!is_on, "OFF was delayed: {}", context());
        }
        if is_on && !was_on {
            self.grants += 1;
            let age_ns = books[i].command_ns.unwrap();
            assert!(
                self.auto[i] || age_ns <= self.pending_limit_ns,
                "started from a command older than its limit: {}",
                context()
            );
            assert!(self.auto[i] || books[i].seen_off, "started without having been seen off: {}", context());
            assert!(!choice.supply_bad, "started without supply: {}", context());
            assert!(!books[i].welded, "started while welded: {}", context());
            assert!(!self.enforced || books[i].edges_ns.len() < EDGES, "enforced rate exceeded: {}", context());
            for j in (0..books.len()).filter(|&j| self.together[i][j]) {
                let Line::Off { since_ns } = books[j].line else {
                    panic!("started while another may conduct: {}", context())
                };
                assert!(since_ns >= self.break_ns, "two contacts may be closed together: {}", context());
                assert!(since_ns >= self.break_ns + self.dead_ns, "dead time short: {}", context());
                assert!(!commanded[j], "started while another was commanded on: {}", context());
                assert!(!(self.freedom.feedback && feedback[j]), "started while another reads on: {}", context());
                assert!(!books[j].welded, "started beside a welded contact: {}", context());
            }
        }
        assert!(!(is_on && choice.supply_bad), "on without supply: {}", context());
        if self.enforced && is_on && !was_on {
            books[i].edges_ns.insert(0, 0);
            books[i].confirmed = false;
        }
        books[i].line = match (was_on, is_on) {
            (_, true) => Line::On,
            (true, false) => Line::OffUnacknowledged,
            (false, false) => books[i].line,
        };
    }

    fn report(&self, name: &str, depth: usize) {
        let mut happened: Vec<_> = self.happened.iter().map(|(code, count)| (code.code(), *count)).collect();
        happened.sort_unstable();
        println!(
            "{name}: {} states, {} transitions, {} starts, depth {depth}, events {happened:?}",
            self.seen.len(),
            self.transitions,
            self.grants
        );
    }

    fn met(&self, code: EventCode) -> bool {
        self.happened.contains_key(&code)
    }
}

const CALM: Freedom =
    Freedom { feedback: false, late_acknowledgements: false, supply_dips: false, power_cuts: false, stops: false };

#[test]
fn two_channels_with_every_freedom_but_feedback_to_the_last_state() {
    let freedom = Freedom { late_acknowledgements: true, power_cuts: true, stops: true, ..CALM };
    let mut search = Search::new(&bank(&[&["a", "b"]], &["a", "b"], false, DEAD), freedom);
    let depth = search.run(200);
    search.report("two channels", depth);
    assert!(depth < 200, "the search must end by itself");
    assert!(
        search.grants > 100
            && search.met(EventCode::Conflict)
            && search.met(EventCode::Waiting)
            && search.met(EventCode::Expired)
    );
    assert!(search.met(EventCode::WriteUnacknowledged));
}

#[test]
fn two_channels_with_feedback() {
    let freedom = Freedom { feedback: true, late_acknowledgements: true, power_cuts: true, ..CALM };
    let mut search = Search::new(&bank(&[&["a", "b"]], &["a", "b"], true, DEAD), freedom);
    let depth = search.run(8);
    search.report("two channels with feedback", depth);
    assert!(search.grants > 100);
    for code in [
        EventCode::Welded,
        EventCode::FailedToClose,
        EventCode::FeedbackLost,
        EventCode::ClosedUncommanded,
        EventCode::GroupBlocked,
    ] {
        assert!(search.met(code), "{code:?} must come up");
    }
}

#[test]
fn two_channels_that_restart_by_themselves() {
    let mut bank = bank(&[&["a", "b"]], &["a", "b"], false, DEAD);
    for channel in &mut bank.channels {
        channel.restart = Restart::Auto;
        channel.restart_reason = Some("test".to_owned());
    }
    let freedom = Freedom { late_acknowledgements: true, power_cuts: true, stops: true, ..CALM };
    let mut search = Search::new(&bank, freedom);
    let depth = search.run(200);
    search.report("two channels with restart: auto", depth);
    assert!(depth < 200 && search.grants > 100 && search.met(EventCode::Conflict));
}

#[test]
fn two_channels_with_an_enforced_rate_and_supply_dips() {
    let freedom = Freedom { supply_dips: true, power_cuts: true, late_acknowledgements: true, ..CALM };
    let mut search = Search::new(&slow_bank(&["a", "b"]), freedom);
    let depth = search.run(11);
    search.report("enforced rate", depth);
    assert!(search.grants > 100 && search.refused_by_rate > 100);
    for code in [EventCode::SupplyLost, EventCode::SupplyReturned] {
        assert!(search.met(code), "{code:?} must come up");
    }
}

#[test]
fn three_channels_in_one_group() {
    let freedom = Freedom { late_acknowledgements: true, ..CALM };
    let mut search = Search::new(&bank(&[&["a", "b", "c"]], &["a", "b", "c"], false, DEAD), freedom);
    let depth = search.run(7);
    search.report("three channels", depth);
    assert!(search.grants > 100 && search.met(EventCode::Conflict));
}

#[test]
fn three_channels_in_two_overlapping_groups() {
    // a and c may be on together; b excludes both.
    let mut search = Search::new(
        &bank(&[&["a", "b"], &["b", "c"]], &["a", "b", "c"], false, DEAD),
        Freedom { power_cuts: true, ..CALM },
    );
    let depth = search.run(200);
    search.report("two overlapping groups", depth);
    assert!(depth < 200 && search.grants > 100);
}

#[test]
fn three_channels_with_feedback() {
    // Without dead time a whole handover fits into five scans: on, off, acknowledged, the break window, the other on.
    let mut search =
        Search::new(&bank(&[&["a", "b", "c"]], &["a", "b", "c"], true, 0), Freedom { feedback: true, ..CALM });
    let depth = search.run(5);
    search.report("three channels with feedback", depth);
    assert!(search.grants > 100 && search.met(EventCode::ClosedUncommanded));
}
