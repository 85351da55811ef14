//! Program, guard and contacts in one system: in one scan the program computes its outputs, the guard takes them for commands, and
//! the contacts follow what it permits.
//!
//! Inputs of the program that read the guard are no longer free: they are what the guard was after the scan before. A feedback input
//! is one wire: the program and the guard read the same level.
//!
//! The program's own latches, counters and inputs keep their numbers; what is added stands behind them.

use super::wired::{Contacts, Reading, Wired};
use super::{Cell, Lines, Wiring, cell, empty, follow, input, known, named, scan, set};
use crate::exec::Fault;
use crate::graph::{Copier, Graph, Leaf, Lit};
use crate::hash::FastMap;
use crate::model::{Counter, Input, Latch, Model};
use crate::names::ChannelLits;
use relay::{ContactForm, FeedbackContact};

/// A program behind its guard.
#[derive(Debug)]
pub struct Composed {
    /// All of it.
    pub model: Model,
    /// The channels after a scan.
    pub channels: Vec<ChannelLits>,
    /// How long ago their contacts may have conducted, where they are at their worst.
    pub reaches: Vec<follow::Reach>,
}

/// Puts them together. `once`: contactors stay where they have arrived ([`follow`]).
#[must_use]
pub fn compose(program: &Model, wired: &Wired<'_>, contacts: Contacts, once: bool) -> Composed {
    let mut model = empty(program.tick_ns);
    model.inputs.clone_from(&program.inputs);
    model.latches.clone_from(&program.latches);
    model.counters.clone_from(&program.counters);
    let told: Vec<Cell> = wired.reads.iter().map(|reads| told(&mut model, reads.place)).collect();
    let read_backs = read_backs(&mut model, wired, contacts);
    let number = |place: usize| -> Option<u32> {
        let at = program.inputs.iter().position(|input| *input == Input::Data(place))?;
        u32::try_from(at).ok()
    };
    let mut tied: FastMap<u32, Lit> = FastMap::default();
    for (reads, cell) in wired.reads.iter().zip(&told) {
        tied.extend(number(reads.place).map(|input| (input, cell.now)));
    }
    for (channel, cell) in wired.channels.iter().zip(&read_backs) {
        let input = channel.feedback.and_then(|wire| wire.place).and_then(number);
        tied.extend(input.zip(cell.map(|cell| cell.now)));
    }
    copy(program, &mut model, &tied);
    // A wire the program reads is its input; one only the guard reads is an input of its own.
    let level = |model: &mut Model, wire: Option<super::wired::Wire>, followed: Option<Cell>| match (followed, wire) {
        (Some(cell), _) => cell.now,
        (None, None) => Lit::FALSE,
        (None, Some(wire)) => match wire.place.and_then(number) {
            Some(input) => tied.get(&input).copied().unwrap_or_else(|| model.graph.leaf(Leaf::Input(input))),
            None => input(model, Input::Wire(wire.number)),
        },
    };
    let feedback = wired.channels.iter().zip(&read_backs).map(|(row, cell)| level(&mut model, row.feedback, *cell));
    let feedback: Vec<Lit> = feedback.collect();
    let supply = wired.supply.map(|wire| level(&mut model, Some(wire), None));
    let estimated = |channel: usize| {
        let asks = |reads: &super::wired::Reads| reads.channel == channel && reads.what == Reading::Contact;
        wired.channels.get(channel).is_some_and(|row| row.feedback.is_none()) && wired.reads.iter().any(asks)
    };
    let wiring = Wiring {
        table: wired.table,
        tick_ns: program.tick_ns,
        commands: wired.channels.iter().map(|channel| model.after.bit(channel.output)).collect(),
        feedback,
        completed: vec![Lit::TRUE; wired.channels.len()],
        supply,
        estimated: (0..wired.channels.len()).map(estimated).collect(),
    };
    let lines = scan::add(&mut model, &wiring);
    for (reads, cell) in wired.reads.iter().zip(told) {
        let next = read(&mut model.graph, &wiring, &lines, (reads.channel, reads.what));
        set(&mut model, cell, next);
    }
    let followed = follow::add(&mut model, wired, &lines, (contacts, once), &read_backs);
    let channels = channels(&mut model.graph, &wiring, &lines, &followed.conducts);
    let reaches = if contacts == Contacts::Worst { followed.reaches } else { Vec::new() };
    model.advice.lemmas = known::driven(&model, wired.table, &lines, (&followed.moves, &followed.read_backs));
    model.advice.usual = known::usual(&model, &wiring, &lines);
    Composed { model, channels, reaches }
}

/// A latch for what the program reads of a channel, by the place where it does. Before the first scan nothing is so.
fn told(model: &mut Model, place: usize) -> Cell {
    let cell = cell(model, false);
    if let Some(latch) = model.latches.get_mut(cell.number) {
        latch.place = Some(place);
    }
    cell
}

/// A latch for each read-back that follows its contact: its level before a scan.
fn read_backs(model: &mut Model, wired: &Wired<'_>, contacts: Contacts) -> Vec<Option<Cell>> {
    let mut cells = Vec::new();
    for (id, channel) in wired.table.ids().zip(&wired.channels) {
        let settings = wired.table.channel(id);
        let follows = contacts == Contacts::Typical && channel.feedback.is_some();
        cells.push(settings.feedback.filter(|_| follows).map(|feedback| {
            let at_rest = settings.contact == ContactForm::Nc;
            let mirrored = feedback.contact == FeedbackContact::MirrorNc;
            named(model, at_rest != mirrored, format!("read-back of {}", settings.name))
        }));
    }
    cells
}

/// The program's functions, with other literals in place of tied inputs.
fn copy(program: &Model, model: &mut Model, tied: &FastMap<u32, Lit>) {
    let mut copier = Copier::new(&program.graph);
    let graph = &mut model.graph;
    let mut copy = |lit: Lit| {
        copier.copy(&program.graph, graph, lit, &mut |graph: &mut Graph, leaf| match leaf {
            Leaf::Input(number) => match tied.get(&number) {
                Some(lit) => *lit,
                None => graph.leaf(leaf),
            },
            Leaf::Latch(_) | Leaf::AtLeast { .. } | Leaf::CounterBit { .. } => graph.leaf(leaf),
        })
    };
    for (latch, from) in model.latches.iter_mut().zip(&program.latches) {
        *latch = Latch { next: copy(from.next), ..*from };
    }
    for (counter, from) in model.counters.iter_mut().zip(&program.counters) {
        *counter = Counter { run: copy(from.run), hold: copy(from.hold), ..*from };
    }
    model.after = program.after.mapped(&mut copy);
    model.faults = program.faults.iter().map(|fault| Fault { when: copy(fault.when), ..*fault }).collect();
    model.beyond = copy(program.beyond);
    model.assumed = copy(program.assumed);
    model.beyond_at = program.beyond_at;
    model.approximations.clone_from(&program.approximations);
    model.hidden.clone_from(&program.hidden);
    model.data_bytes = program.data_bytes;
}

/// What the program reads of a channel in the next scan.
fn read(graph: &mut Graph, wiring: &Wiring<'_>, lines: &Lines, (channel, what): (usize, Reading)) -> Lit {
    let at = |list: &[Lit]| list.get(channel).copied().unwrap_or(Lit::FALSE);
    match what {
        Reading::Ready => at(&lines.ready),
        Reading::Pending => at(&lines.pending),
        Reading::Fault => graph.or(at(&lines.fault), at(&lines.trip)),
        Reading::Line => at(&lines.on),
        Reading::Contact if wiring.estimated.get(channel).copied().unwrap_or(false) => at(&lines.estimate),
        Reading::Contact => at(&lines.reads_on),
        Reading::Commanded => at(&wiring.commands),
    }
}

fn channels(graph: &mut Graph, wiring: &Wiring<'_>, lines: &Lines, conducts: &[Lit]) -> Vec<ChannelLits> {
    let of = |number: usize| {
        let at = |list: &[Lit]| list.get(number).copied().unwrap_or(Lit::FALSE);
        let latched = graph.or(at(&lines.fault), at(&lines.trip));
        ChannelLits {
            commanded: at(&wiring.commands),
            line: at(&lines.on),
            contact: at(conducts),
            pending: at(&lines.pending),
            ready: at(&lines.ready),
            sound: !latched,
        }
    };
    (0..wiring.table.len()).map(of).collect()
}
