//! Contacts behind the guard of a program: where each one is at a moment of the scan period.
//!
//! A movement begins when the line changes. Until some time after it the contact is surely where it was, from a later time on
//! surely where it goes, and in between it may be either at any moment: it moves, bounces, and its actuator follows. Those two
//! times are the *stretch* of the movement. Whether a contact in between conducts is an input of the model, so that each contact
//! has one place at each moment, and a condition means the same whether it asks for open or for closed.
//!
//! One moment of each scan period is looked at, from the write of the scan up to the next scan: any of those at which something
//! may begin or end. With the worst times a movement may end at once, and the moment of the write says all there is.
//!
//! A contactor that takes longer than its relay's contact bounces moves once: where it has arrived it stays. A relay's own contact may
//! bounce. A movement that is turned round before it is over may be anywhere until the new one is over. Writes are completed in the scan that
//! issues them, as on the lines of a GPIO chip. Before the first scan the relays are at rest.

use super::clock::{Clock, over};
use super::known::{Follows, Moves};
use super::wired::{Contacts, Wire, Wired, WiredChannel};
use super::{Cell, Lines, cell, input, named, set};
use crate::graph::Lit;
use crate::model::{Input, Model};
use relay::{Channel, ContactForm, FeedbackContact};

/// When a movement may begin to show, and when it is over, from the change of the line on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Before this the contact is where it was.
    pub from_ns: u64,
    /// From this on it is where it goes.
    pub to_ns: u64,
}

impl Stretch {
    /// Later by this much at its ends.
    const fn later(self, from_ns: u64, to_ns: u64) -> Self {
        Self { from_ns: self.from_ns.saturating_add(from_ns), to_ns: self.to_ns.saturating_add(to_ns) }
    }
}

/// The two movements of a channel's contact: to closed, and to open.
#[must_use]
pub fn stretches(contacts: Contacts, channel: &Channel, wired: &WiredChannel) -> [Stretch; 2] {
    let windows = channel.windows;
    let physics = &wired.model;
    match contacts {
        Contacts::Worst => {
            [Stretch { from_ns: 0, to_ns: windows.make_ns }, Stretch { from_ns: 0, to_ns: windows.break_ns }]
        }
        Contacts::Typical => {
            let (make, open) = match physics.form {
                ContactForm::No => (physics.pull_in_ns, physics.drop_out_ns),
                ContactForm::Nc => (physics.drop_out_ns, physics.pull_in_ns),
            };
            let actuator = physics.actuator.unwrap_or_default();
            let stretch = |relay_ns: u64, actuator_ns: u64| {
                let from_ns = relay_ns.saturating_add(actuator_ns);
                Stretch { from_ns, to_ns: from_ns.saturating_add(physics.bounce_ns) }
            };
            [stretch(make, actuator.pull_in_ns), stretch(open, actuator.drop_out_ns)]
        }
    }
}

/// The moments of a scan period that are looked at, in nanoseconds from its beginning.
#[must_use]
pub fn moments(contacts: Contacts, wired: &Wired<'_>, tick_ns: u64) -> Vec<u64> {
    let ends = wired.table.ids().zip(&wired.channels).flat_map(|(id, channel)| {
        let stretches = stretches(contacts, wired.table.channel(id), channel);
        stretches.into_iter().flat_map(|stretch| [stretch.from_ns, stretch.to_ns])
    });
    let mut moments: Vec<u64> = match contacts {
        Contacts::Worst => Vec::new(),
        Contacts::Typical => ends.map(|ns| ns % tick_ns.max(1)).collect(),
    };
    moments.push(0);
    moments.sort_unstable();
    moments.dedup();
    moments
}

/// How the read-back input of a channel stands before a scan: after the stretch comes its filter, whose time may be met by up to two
/// scans late.
fn read_back(stretch: Stretch, wire: &Wire, tick_ns: u64) -> Stretch {
    match wire.debounce_ns {
        0 => stretch,
        // An open stop contact counts at once.
        time_ns if wire.stop => stretch.later(0, time_ns.saturating_add(tick_ns.saturating_mul(2))),
        time_ns => stretch.later(time_ns, time_ns.saturating_add(tick_ns.saturating_mul(2))),
    }
}

/// How long ago a contact may have conducted, at its worst.
#[derive(Clone, Copy, Debug)]
pub struct Reach {
    /// It may conduct between this scan and the next.
    live: Lit,
    issued: Lit,
    clock: Clock,
    /// After an OFF it surely does not conduct from this scan on.
    opens: u64,
}

impl Reach {
    /// It may conduct, or may have done so in a scan less than so many ago.
    pub fn within(&self, model: &mut Model, scans: u64) -> Lit {
        let long = self.clock.at_least(model, self.issued, self.opens.saturating_add(scans));
        // A latch of its own: one that was never on counts as open since ever.
        let recent = cell(model, false);
        let waits = model.graph.and(recent.now, !long);
        let next = model.graph.or(self.live, waits);
        set(model, recent, next);
        next
    }
}

/// A contact in the course of a scan.
struct Moving {
    on: Lit,
    /// A write was issued in this very scan.
    issued: Lit,
    /// The last movement is not known to be over.
    moving: Lit,
    /// The one before was over when it began.
    clean: Lit,
    /// It has arrived in a scan before, and does not bounce.
    arrived: Lit,
    clock: Clock,
    /// The latch of `moving`.
    latch: u32,
    /// That of `clean`.
    clean_latch: u32,
}

impl Moving {
    /// So much time has passed since the line changed, at a moment so long after this scan's write.
    fn passed(&self, model: &mut Model, [make_ns, open_ns]: [u64; 2], moment_ns: u64, tick_ns: u64) -> Lit {
        let scans = |ns: u64| over(ns.saturating_sub(moment_ns), tick_ns);
        let make = self.clock.at_least(model, self.issued, scans(make_ns));
        let open = self.clock.at_least(model, self.issued, scans(open_ns));
        model.graph.mux(self.on, make, open)
    }

    /// It conducts, at such a moment; `either` says so where it may be both.
    fn conducts(
        &self,
        model: &mut Model,
        [make, open]: [Stretch; 2],
        (moment_ns, tick_ns): (u64, u64),
        either: Lit,
    ) -> Lit {
        let over = self.passed(model, [make.to_ns, open.to_ns], moment_ns, tick_ns);
        let begun = self.passed(model, [make.from_ns, open.from_ns], moment_ns, tick_ns);
        let graph = &mut model.graph;
        let settled = graph.or(!self.moving, over);
        let still = graph.and(self.clean, !begun);
        let between = graph.mux(still, !self.on, either);
        let there = graph.or(settled, self.arrived);
        graph.mux(there, self.on, between)
    }
}

/// What the contacts do, by channel.
#[derive(Debug, Default)]
pub(super) struct Followed {
    /// Each one conducts at the moment looked at.
    pub conducts: Vec<Lit>,
    /// How long ago it may have conducted.
    pub reaches: Vec<Reach>,
    /// How its movements end: in the contact, and in its read-back.
    pub moves: Vec<Vec<Moves>>,
    /// Read-backs that follow their contacts, by channel.
    pub read_backs: Vec<Option<Follows>>,
}

/// Adds the contacts: whether each conducts at the moment looked at. `once`: contactors stay where they have arrived; without that they
/// may go back and forth while they move, which is cheaper and matters only to whoever asks how long something lasts. `read_backs` are the levels of read-back inputs before a scan, where
/// they follow the contact.
pub(super) fn add(
    model: &mut Model,
    wired: &Wired<'_>,
    lines: &Lines,
    (contacts, once): (Contacts, bool),
    read_backs: &[Option<Cell>],
) -> Followed {
    let tick_ns = model.tick_ns.max(1);
    let moments = moments(contacts, wired, tick_ns);
    let bits: Vec<Lit> =
        (0u32..).take_while(|bit| moments.len() > 1 << bit).map(|bit| input(model, Input::Moment(bit))).collect();
    let begun = named(model, false, "the contacts have begun".to_owned());
    set(model, begun, Lit::TRUE);
    let mut followed = Followed::default();
    for (number, id) in (0u32..).zip(wired.table.ids()) {
        let channel = wired.table.channel(id);
        let at = id.index();
        let on = lines.on.get(at).copied().unwrap_or(Lit::FALSE);
        let was_on = lines.was_on.get(at).copied().unwrap_or(Lit::FALSE);
        let Some(row) = wired.channels.get(at) else { continue };
        let own = stretches(contacts, channel, row);
        let back = row.feedback.map_or(own, |wire| own.map(|stretch| read_back(stretch, &wire, tick_ns)));
        let mut change = model.graph.xor(on, was_on);
        if channel.contact == ContactForm::Nc {
            // At rest it conducts; the first write opens it.
            change = model.graph.or(change, !begun.now);
        }
        let Some((clock, issued)) = lines.since_issued.get(at).zip(lines.issued.get(at)) else { continue };
        let mut moving = moving(model, (&channel.name, *clock, *issued), (on, was_on, change), back, tick_ns);
        let either = input(model, Input::Contact(number));
        let arrived = (once && moves_once(row)).then(|| {
            let cell = named(model, false, format!("{}.contact has arrived", channel.name));
            moving.arrived = model.graph.and(cell.now, !change);
            cell
        });
        let lits: Vec<Lit> =
            moments.iter().map(|moment| moving.conducts(model, own, (*moment, tick_ns), either)).collect();
        let conducts = selected(model, &bits, &lits);
        followed.conducts.push(conducts);
        let opens = over(own.get(1).map_or(0, |open| open.to_ns), tick_ns);
        // What moves may still conduct; what has been off for long does not move.
        let late = moving.clock.at_least(model, *issued, opens);
        let ends = [opens, over(back.get(1).map_or(0, |open| open.to_ns), tick_ns)];
        followed.moves.push(ends.map(|opens| Moves { latch: moving.latch, opens }).to_vec());
        let may_move = model.graph.and(moving.moving, !late);
        let live = model.graph.or(on, may_move);
        followed.reaches.push(Reach { live, issued: *issued, clock: *clock, opens });
        if let Some(cell) = arrived {
            let there = model.graph.same(conducts, on);
            let next = model.graph.all([moving.moving, moving.clean, there]);
            set(model, cell, next);
            // The read-back has its own moment.
            moving.arrived = Lit::FALSE;
        }
        let mut follows = None;
        if let Some(cell) = read_backs.get(at).copied().flatten() {
            let either = input(model, Input::ReadBack(number));
            // It is read when the next scan begins, before that one writes.
            let conducts = moving.conducts(model, back, (tick_ns, tick_ns), either);
            let mirrored = channel.feedback.is_some_and(|feedback| feedback.contact == FeedbackContact::MirrorNc);
            set(model, cell, conducts.xor_sign(mirrored));
            let level = (u32::try_from(cell.number).unwrap_or(u32::MAX), !mirrored);
            // It is read a scan before the clock has counted it.
            let span = |s: &Stretch| (over(s.from_ns.saturating_sub(tick_ns), tick_ns), over(s.to_ns, tick_ns));
            let [make, open] = &back;
            let spans = [span(make), span(open)];
            let (moves, clean, clock) = (moving.latch, moving.clean_latch, *clock);
            follows = Some(Follows { moves, clean, level, clock, spans });
        }
        followed.read_backs.push(follows);
    }
    followed
}

/// The clock is that of the guard's writes: every change of the line is one.
fn moving(
    model: &mut Model,
    (name, clock, issued): (&str, Clock, Lit),
    (on, was_on, change): (Lit, Lit, Lit),
    [make, open]: [Stretch; 2],
    tick_ns: u64,
) -> Moving {
    let active = named(model, false, format!("{name}.contact moves"));
    let clean = named(model, true, format!("{name}.contact was at rest"));
    let make = clock.at_least(model, Lit::FALSE, over(make.to_ns, tick_ns));
    let open = clock.at_least(model, Lit::FALSE, over(open.to_ns, tick_ns));
    let graph = &mut model.graph;
    let over = graph.mux(was_on, make, open);
    let rests = graph.or(!active.now, over);
    let moving = graph.or(change, !rests);
    let was_clean = graph.mux(change, rests, clean.now);
    set(model, active, moving);
    set(model, clean, was_clean);
    let [latch, clean_latch] = [active, clean].map(|cell| u32::try_from(cell.number).unwrap_or(u32::MAX));
    Moving { on, issued, moving, clean: was_clean, arrived: Lit::FALSE, clock, latch, clean_latch }
}

/// Its contactor does not follow the bounces of the relay.
fn moves_once(row: &WiredChannel) -> bool {
    let bounce_ns = row.model.bounce_ns;
    row.model.actuator.is_some_and(|times| times.pull_in_ns > bounce_ns && times.drop_out_ns > bounce_ns)
}

/// The literal whose number the bits say; the last one where the number is beyond it.
fn selected(model: &mut Model, bits: &[Lit], lits: &[Lit]) -> Lit {
    let mut row = lits.to_vec();
    for bit in bits {
        let pairs = row.chunks(2);
        let graph = &mut model.graph;
        let next = pairs.map(|pair| match pair {
            [low, high] => graph.mux(*bit, *high, *low),
            [one] => *one,
            _ => Lit::FALSE,
        });
        row = next.collect();
    }
    row.first().copied().unwrap_or(Lit::FALSE)
}
