//! The relay guard and the contacts behind it, as part of a transition system: so that proofs speak of what contacts do.
//!
//! `scan` is the guard of the room `relay`, rule by rule and scan by scan, on literals instead of values. It is used twice. Apart
//! from any program, with everything free: `contact` says which contacts may conduct, `asked` are the questions that need no
//! asking, and their answers. And driven by a program: `wired` is what the I/O map says of the wiring, `composed` puts program, guard
//! and contacts into one system, `follow` is what a contact makes of its line there. `replay` runs the real guard. The real
//! guard is code of its own: a test drives both with the same inputs, in random runs and in all short ones, and compares every
//! scan.
//!
//! What is modelled: a guard whose phase is *run* from its first scan on, at one tick per scan; commands, feedback,
//! acknowledgements of writes and a sensed supply as they are wired. What is not: stop and safe state (there commands are what
//! the map says, which is one of the things free commands do), retained faults, an operator's acknowledgement of faults,
//! temperatures, and the switching rate where it is enforced: there an ON may be refused at any time.
//! Counts of wear decide nothing and are left out.

pub mod asked;
pub mod clock;
pub mod composed;
pub mod contact;
pub mod follow;
pub mod known;
pub mod replay;
pub mod scan;
pub mod wired;

use crate::advice::Advice;
use crate::graph::{Leaf, Lit};
use crate::model::{Input, Labels, Latch, Model, Start};
use relay::ChannelTable;

/// What the guard is connected to, by channel.
#[derive(Clone, Debug)]
pub struct Wiring<'a> {
    /// The guard's channels and groups.
    pub table: &'a ChannelTable,
    /// Time between two scans.
    pub tick_ns: u64,
    /// The program commands the channel on.
    pub commands: Vec<Lit>,
    /// The raw level of its feedback; not looked at where none is wired.
    pub feedback: Vec<Lit>,
    /// The driver has completed the write that was issued last.
    pub completed: Vec<Lit>,
    /// The coil supply is there; `None`: nothing senses it.
    pub supply: Option<Lit>,
    /// Channels of which somebody reads whether the contact is closed by the data sheet's times.
    pub estimated: Vec<bool>,
}

/// What leaves the guard in a scan, by channel.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    /// The load is permitted to be on.
    pub on: Vec<Lit>,
    /// It was so after the scan before.
    pub was_on: Vec<Lit>,
    /// The write of that was completed.
    pub acknowledged: Vec<Lit>,
    /// A fault is latched.
    pub fault: Vec<Lit>,
    /// Stopped by loss of supply or feedback.
    pub trip: Vec<Lit>,
    /// An ON waits.
    pub pending: Vec<Lit>,
    /// An ON would be granted now.
    pub ready: Vec<Lit>,
    /// The feedback reads on.
    pub reads_on: Vec<Lit>,
    /// The contact is closed by the data sheet's times; FALSE where nobody reads it.
    pub estimate: Vec<Lit>,
    /// A write was issued in this scan.
    pub issued: Vec<Lit>,
    /// Scans since then.
    pub since_issued: Vec<clock::Clock>,
    /// Where what is kept of each channel stands.
    pub cells: Vec<known::Cells>,
    /// The contacts, of a guard apart from any program.
    pub contacts: Vec<contact::Contact>,
}

/// An empty model: what is put in is free in every scan.
#[must_use]
pub fn empty(tick_ns: u64) -> Model {
    Model {
        graph: crate::graph::Graph::default(),
        inputs: Vec::new(),
        latches: Vec::new(),
        counters: Vec::new(),
        after: crate::exec::state::State::new(0),
        faults: Vec::new(),
        beyond: Lit::FALSE,
        beyond_at: None,
        assumed: Lit::TRUE,
        approximations: Vec::new(),
        hidden: std::collections::BTreeSet::new(),
        tick_ns,
        data_bytes: 0,
        words: Vec::new(),
        labels: Labels::default(),
        advice: Advice::default(),
    }
}

/// A value that is free in every scan and not computed.
pub fn free(model: &mut Model) -> Lit {
    input(model, Input::Unknown)
}

/// A value that is free in every scan.
pub fn input(model: &mut Model, what: Input) -> Lit {
    let number = u32::try_from(model.inputs.len()).unwrap_or(u32::MAX);
    model.inputs.push(what);
    model.graph.leaf(Leaf::Input(number))
}

/// A latch whose next value is given later.
#[derive(Clone, Copy, Debug)]
struct Cell {
    number: usize,
    now: Lit,
}

/// A latch that belongs to no variable.
fn cell(model: &mut Model, start: bool) -> Cell {
    let number = model.latches.len();
    model.latches.push(Latch { place: None, start: Start::Value(start), next: Lit::constant(start) });
    let leaf = Leaf::Latch(u32::try_from(number).unwrap_or(u32::MAX));
    Cell { number, now: model.graph.leaf(leaf) }
}

/// A latch that belongs to no variable, with a name for people.
fn named(model: &mut Model, start: bool, name: String) -> Cell {
    let cell = cell(model, start);
    model.labels.latches.insert(u32::try_from(cell.number).unwrap_or(u32::MAX), name);
    cell
}

fn set(model: &mut Model, cell: Cell, next: Lit) {
    if let Some(latch) = model.latches.get_mut(cell.number) {
        latch.next = next;
    }
}

/// A model of a bank's guard with free commands, feedback, acknowledgements and supply, and what leaves it.
#[must_use]
pub fn alone(table: &ChannelTable, tick_ns: u64, sensed: bool) -> (Model, Lines) {
    whole(table, tick_ns, sensed, false)
}

/// As [`alone`]; `estimated`: with what the guard takes contacts to do where nothing reads them back.
#[must_use]
pub fn whole(table: &ChannelTable, tick_ns: u64, sensed: bool, estimated: bool) -> (Model, Lines) {
    let mut model = empty(tick_ns);
    let count = table.len();
    let mut all = |count: usize| -> Vec<Lit> { (0..count).map(|_| free(&mut model)).collect() };
    let (commands, feedback, completed) = (all(count), all(count), all(count));
    let supply = sensed.then(|| free(&mut model));
    let estimated = vec![estimated; count];
    let wiring = Wiring { table, tick_ns, commands, feedback, completed, supply, estimated };
    let mut lines = scan::add(&mut model, &wiring);
    lines.contacts = contact::add(&mut model, &wiring, &lines);
    model.advice.usual = known::usual(&model, &wiring, &lines);
    (model, lines)
}
