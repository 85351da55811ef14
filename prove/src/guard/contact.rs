//! Which contacts may conduct: what is known of them from outside of the guard.
//!
//! A contact may conduct from the moment its ON is issued. It surely does not once its OFF has been completed by the driver and the
//! relay's drop-out and bounce and its actuator's drop-out have passed, each with the margin of the map; shorter times, the typical
//! ones among them, are included, because the contact may open at any moment before. The clock here is the contact's own and begins
//! when the driver has completed the write; the guard's clocks play no part.
//!
//! Nothing was on before the first scan: relays that an earlier run left on have dropped out by then. A welded contact is a fault the
//! guard looks for; here contacts open.

use super::clock::{Clock, over};
use super::{Cell, Lines, Wiring, cell, set};
use crate::graph::Lit;
use crate::model::Model;

/// A contact after a scan.
#[derive(Clone, Copy, Debug)]
pub struct Contact {
    /// It may conduct at some moment between this scan and the next.
    pub closed: Lit,
    /// The line may carry ON, whatever the contact makes of it.
    live: Lit,
    /// The line is known to carry OFF from this very scan on.
    fresh: Lit,
    /// Scans since then.
    pub since_off: Clock,
    /// The line may carry ON before the next scan: a latch.
    pub carried: u32,
    /// It may conduct before the next scan: a latch.
    pub recent: u32,
    opens_ns: u64,
    tick_ns: u64,
}

impl Contact {
    /// It may conduct, or it has been open for certain for less than this time.
    pub fn closed_within(&self, model: &mut Model, time_ns: u64) -> Lit {
        self.within(model, time_ns).0
    }

    /// The same, and the latch that keeps it.
    fn within(&self, model: &mut Model, time_ns: u64) -> (Lit, u32) {
        let scans = over(self.opens_ns.saturating_add(time_ns), self.tick_ns);
        let long = self.since_off.at_least(model, self.fresh, scans);
        // A latch of its own: one that was never on counts as open since ever.
        let recent = cell(model, false);
        let waits = model.graph.and(recent.now, !long);
        let closed = model.graph.or(self.live, waits);
        set(model, recent, closed);
        (closed, number(recent))
    }
}

fn number(cell: Cell) -> u32 {
    u32::try_from(cell.number).unwrap_or(u32::MAX)
}

/// The contacts' own latches and clocks.
pub fn add(model: &mut Model, wiring: &Wiring<'_>, lines: &Lines) -> Vec<Contact> {
    let mut contacts = Vec::new();
    let driven = lines.on.iter().zip(&lines.was_on).zip(&wiring.completed);
    for (id, ((on, was_on), completed)) in wiring.table.ids().zip(driven) {
        let carried = cell(model, false);
        let since_off = Clock::new(model);
        let graph = &mut model.graph;
        // The line may carry ON: from the issue of an ON until the OFF after it was completed.
        let ends = graph.and(!*was_on, *completed);
        let carries = graph.and(carried.now, !ends);
        let fresh = graph.and(carried.now, ends);
        let live = graph.or(*on, carries);
        let stands = graph.or(live, fresh);
        since_off.drive(model, stands);
        set(model, carried, live);
        let opens_ns = wiring.table.channel(id).windows.break_ns;
        let (carried, tick_ns) = (number(carried), wiring.tick_ns);
        let contact = Contact { closed: live, live, fresh, since_off, carried, recent: carried, opens_ns, tick_ns };
        let (closed, recent) = contact.within(model, 0);
        contacts.push(Contact { closed, recent, ..contact });
    }
    contacts
}
