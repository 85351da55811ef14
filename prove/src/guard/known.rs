//! What is known of the guard and its contacts by how they are built: lemmas for proofs, and how their inputs usually are.
//!
//! The lemmas say what an interlock rests on: while one member is on, or its contact may still conduct, the others have been off for
//! longer than their locks; and the contact's own clock is never behind that of the guard. Random pairs of latches would find most of
//! it only after many rounds, and some of it not at all, because it takes three of them. That they hold is for the engines to show.

use super::clock::{Clock, over};
use super::{Lines, Wiring};
use crate::advice::{Lemma, Usual};
use crate::engine::predicates::Predicate;
use crate::graph::{Leaf, Lit, Node};
use crate::model::Model;
use relay::{ChannelId, ChannelTable, FeedbackContact};

/// A literal of a lemma.
type Part = (Predicate, bool);

/// Where the guard keeps what it knows of a channel.
#[derive(Clone, Copy, Debug)]
pub struct Cells {
    /// The line is on: a latch.
    pub on: u32,
    /// There was a scan before: a latch, the same for all channels.
    pub begun: u32,
    /// Its write was done: a latch.
    pub acked: u32,
    /// Scans since then.
    pub since_acked: Clock,
    /// The contact was seen where it should be: a latch.
    pub verified: u32,
    /// A fault, a trip, a contact that may conduct unasked: latches.
    pub doubts: [u32; 3],
    /// A write is done in the scan after its issue, so that the clock of the issue serves for both.
    pub prompt: bool,
}

/// A contact in the course of a movement.
#[derive(Clone, Copy, Debug)]
pub struct Moves {
    /// It moves: a latch.
    pub latch: u32,
    /// Scans after which it is open for certain.
    pub opens: u64,
}

/// A read-back that follows its contact.
#[derive(Clone, Copy, Debug)]
pub struct Follows {
    /// The contact moves, and was at rest before: latches.
    pub moves: u32,
    /// The contact was at rest when it began to move: a latch.
    pub clean: u32,
    /// The level that is read: a latch, with its value where the contact is closed.
    pub level: (u32, bool),
    /// Scans since the line changed.
    pub clock: Clock,
    /// Scans from which on a movement may be seen and up to which it lasts: to closed, and to open.
    pub spans: [(u64, u64); 2],
}

fn latch(number: u32, holds: bool) -> Part {
    (Predicate::Latch(number), holds)
}

/// So many scans are over ([`Clock::at_least`]) before the next scan; `None`: they always are.
fn over_by(clock: Clock, scans: u64) -> Option<Part> {
    let threshold = scans.checked_sub(1).filter(|threshold| *threshold > 0)?;
    Some((Predicate::AtLeast { counter: clock.number(), threshold }, true))
}

/// Every pair of members of a group, both ways round, with the scans the second one is locked for after it went off.
fn pairs(table: &ChannelTable, tick_ns: u64) -> Vec<(ChannelId, ChannelId, u64)> {
    let mut pairs = Vec::new();
    for group in table.group_ids().map(|id| table.group(id)) {
        for one in group.members() {
            for other in group.members().iter().filter(|other| *other != one) {
                let lock_ns = table.channel(*other).windows.break_ns.saturating_add(group.dead_time_ns);
                pairs.push((*one, *other, over(lock_ns, tick_ns)));
            }
        }
    }
    pairs
}

/// Lemmas about a guard apart from any program, with contacts whose clocks are their own.
#[must_use]
pub fn apart(model: &Model, table: &ChannelTable, lines: &Lines) -> Vec<Lemma> {
    let mut lemmas: Vec<Lemma> = Vec::new();
    for (cells, contact) in lines.cells.iter().zip(&lines.contacts) {
        let carried = contact.carried;
        // Off and done: the line carries OFF. On: it carries ON.
        lemmas.push(vec![latch(cells.acked, false), latch(cells.on, true), latch(carried, false)]);
        lemmas.push(vec![latch(cells.on, false), latch(carried, true)]);
        // Since the line carries OFF the contact's clock is never behind the guard's.
        lemmas.push([vec![latch(carried, true)], never_behind(model, contact.since_off, cells.since_acked)].concat());
    }
    for (one, other, lock) in pairs(table, model.tick_ns) {
        let of = |id: ChannelId| Some((lines.cells.get(id.index())?, lines.contacts.get(id.index())?));
        let (Some((on, a)), Some((other_on, b))) = (of(one), of(other)) else { continue };
        lemmas.push(vec![latch(on.on, false), latch(other_on.on, false)]);
        lemmas.push(vec![latch(a.carried, false), latch(b.carried, false)]);
        let Some(locked) = over_by(b.since_off, lock) else { continue };
        lemmas.push(vec![latch(a.carried, false), locked]);
        let opens = over(table.channel(one).windows.break_ns, model.tick_ns);
        let open = over_by(a.since_off, opens);
        lemmas.push([latch(a.recent, false), locked].into_iter().chain(open).collect());
    }
    lemmas
}

/// Lemmas about a guard that a program drives. Its contacts go by the guard's clock of writes.
#[must_use]
pub fn driven(
    model: &Model,
    table: &ChannelTable,
    lines: &Lines,
    (moves, read_backs): (&[Vec<Moves>], &[Option<Follows>]),
) -> Vec<Lemma> {
    let read_backs = lines.cells.iter().zip(read_backs);
    let followed = read_backs.filter_map(|(cells, follows)| Some(followed(cells, follows.as_ref()?)));
    let mut lemmas: Vec<Lemma> = followed.flatten().collect();
    for (cells, moves) in lines.cells.iter().zip(moves) {
        // The first scan switches nothing on, and writes every line.
        lemmas.push(vec![latch(cells.on, false), latch(cells.begun, true)]);
        lemmas.extend(moves.first().map(|moves| vec![latch(moves.latch, false), latch(cells.begun, true)]));
    }
    for (one, other, lock) in pairs(table, model.tick_ns) {
        let of = |id: ChannelId| Some((lines.cells.get(id.index())?, *lines.since_issued.get(id.index())?));
        let (Some((on, own)), Some((other_on, clock))) = (of(one), of(other)) else { continue };
        lemmas.push(vec![latch(on.on, false), latch(other_on.on, false)]);
        // The guard counts from when the write was done, a scan after its issue.
        let Some(locked) = over_by(clock, lock.saturating_add(1)).filter(|_| other_on.prompt) else { continue };
        lemmas.push(vec![latch(on.on, false), locked]);
        for moves in moves.get(one.index()).into_iter().flatten() {
            lemmas.push([latch(moves.latch, false), locked].into_iter().chain(over_by(own, moves.opens)).collect());
        }
    }
    lemmas
}

/// Lemmas about read-backs that follow their contacts: where the line is long enough as it is, they agree with it, and nobody has a doubt.
fn followed(cells: &Cells, follows: &Follows) -> Vec<Lemma> {
    let Follows { moves, clean, level: (level, closed), clock, spans } = *follows;
    let mut lemmas =
        vec![vec![latch(clean, true), latch(moves, true)], vec![latch(cells.verified, false), latch(moves, false)]];
    lemmas.extend(cells.doubts.map(|doubt| vec![latch(doubt, false)]));
    for (on, (from, to)) in [true, false].into_iter().zip(spans) {
        let (stands, arrived) = (latch(cells.on, !on), latch(level, closed == on));
        lemmas.push(vec![stands, latch(moves, true), arrived]);
        let at = |threshold: u64| (Predicate::AtLeast { counter: clock.number(), threshold: threshold.max(1) }, true);
        let left = latch(level, closed != on);
        lemmas.push(vec![stands, latch(moves, false), latch(clean, false), at(from), left]);
        let (predicate, _) = at(to);
        lemmas.push(vec![stands, latch(moves, false), (predicate, false)]);
    }
    lemmas
}

/// One clock is never behind another one, or it has come to its end.
#[must_use]
pub fn never_behind(model: &Model, one: Clock, other: Clock) -> Lemma {
    let (one, other) = (one.number(), other.number());
    let order = Predicate::Order { left: one, right: other, by: 0 };
    let max = model.counters.get(one as usize).map(|counter| counter.max);
    let ended = max.map(|threshold| (Predicate::AtLeast { counter: one, threshold }, true));
    [(order, true)].into_iter().chain(ended).collect()
}

fn input_of(model: &Model, lit: Lit) -> Option<u32> {
    match model.graph.node(lit) {
        Node::Leaf(Leaf::Input(number)) => Some(number),
        Node::Leaf(Leaf::Latch(_) | Leaf::AtLeast { .. } | Leaf::CounterBit { .. })
        | Node::And(..)
        | Node::Constant => None,
    }
}

/// Usually contacts are where their lines want them, writes are done, and the coil supply is there.
#[must_use]
pub fn usual(model: &Model, wiring: &Wiring<'_>, lines: &Lines) -> Vec<Usual> {
    let mut all = Vec::new();
    for (id, cells) in wiring.table.ids().zip(&lines.cells) {
        let mirrored = wiring.table.channel(id).feedback.map(|feedback| feedback.contact == FeedbackContact::MirrorNc);
        let read_back = wiring.feedback.get(id.index()).and_then(|lit| input_of(model, *lit));
        let usual = read_back.zip(mirrored).map(|(input, inverted)| Usual { input, latch: Some(cells.on), inverted });
        all.extend(usual);
    }
    let always = wiring.completed.iter().chain(&wiring.supply).filter_map(|lit| input_of(model, *lit));
    all.extend(always.map(|input| Usual { input, latch: None, inverted: false }));
    all
}
