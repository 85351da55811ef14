//! One scan of the relay guard on literals, in the order of its rules: acknowledgements, supply, feedback, writes, intents, OFF,
//! conflicts, ON. "Rule 2a" and the like are the numbered rules of `docs/relays.md`.

use super::clock::{Clock, beyond, over};
use super::known::Cells;
use super::{Cell, Lines, Wiring, cell, free, named, set};
use crate::graph::{Graph, Lit};
use crate::model::Model;
use relay::{Channel, ChannelId, ChannelTable, ContactForm, FeedbackContact, RatePolicy, Restart};

/// The latches and clocks of one channel.
struct Kept {
    on: Cell,
    acked: Cell,
    armed: Cell,
    requested: Cell,
    fault: Cell,
    /// The fault says that the contact may conduct.
    conducts: Cell,
    trip: Cell,
    verified: Cell,
    /// Granted at least once, where it takes part in the stagger.
    started: Option<Cell>,
    since_acked: Clock,
    since_issued: Clock,
    since_requested: Clock,
    since_granted: Clock,
}

/// One channel in the course of a scan.
#[derive(Clone, Copy)]
struct Now {
    on: Lit,
    acked: Lit,
    armed: Lit,
    requested: Lit,
    fault: Lit,
    conducts: Lit,
    trip: Lit,
    verified: Lit,
    /// Its acknowledgement counts from this very scan.
    fresh: Lit,
    /// A write was issued in this scan.
    issued: Lit,
    /// Its request counts from this very scan.
    fresh_request: Lit,
    reads_on: Lit,
    forced_off: Lit,
    want: Lit,
    supplied: Lit,
    refused: Lit,
    granted: Lit,
}

/// How a member stands in a conflict.
struct Mark {
    member: usize,
    waiting: Cell,
    seen_off: Cell,
}

/// The scan being put together.
struct Scan<'m, 'w> {
    model: &'m mut Model,
    wiring: &'w Wiring<'w>,
    kept: Vec<Kept>,
    now: Vec<Now>,
    /// There was a scan before.
    begun: Cell,
    marks: Vec<Vec<Mark>>,
    /// By group and member: part of a conflict, after this scan.
    in_conflict: Vec<Vec<Lit>>,
    /// Pairs of channels that take part in the stagger: the first one's request is younger.
    younger: Vec<(usize, usize, Cell)>,
}

fn at(list: &[Lit], index: usize) -> Lit {
    list.get(index).copied().unwrap_or(Lit::FALSE)
}

fn restarts(channel: &Channel) -> bool {
    match channel.restart {
        Restart::Manual => false,
        Restart::Auto => true,
    }
}

/// Adds a guard to a model: what it permits in each scan, and what can be seen of it.
pub fn add(model: &mut Model, wiring: &Wiring<'_>) -> Lines {
    let mut scan = Scan::new(model, wiring);
    let was_on: Vec<Lit> = scan.now.iter().map(|now| now.on).collect();
    scan.note_acknowledgements();
    scan.watch_supply();
    scan.watch_feedback();
    scan.watch_writes();
    scan.note_intents();
    scan.switch_off();
    scan.mark_conflicts();
    scan.switch_on();
    scan.keep();
    let (ready, estimate) = (scan.ready(), scan.estimates());
    let cells = (0..scan.kept.len()).filter_map(|channel| scan.cells(channel)).collect();
    let clocks = scan.kept.iter().map(|kept| kept.since_issued).collect();
    let now = scan.now;
    let pick = |f: fn(&Now) -> Lit| -> Vec<Lit> { now.iter().map(f).collect() };
    let waits = |now: &Now| model.graph.all([now.want, !now.on, !now.refused]);
    Lines {
        on: pick(|n| n.on),
        was_on,
        acknowledged: pick(|n| n.acked),
        fault: pick(|n| n.fault),
        trip: pick(|n| n.trip),
        pending: now.iter().map(waits).collect(),
        ready,
        reads_on: pick(|n| n.reads_on),
        estimate,
        issued: pick(|n| n.issued),
        since_issued: clocks,
        cells,
        contacts: Vec::new(),
    }
}

impl<'m, 'w> Scan<'m, 'w> {
    fn new(model: &'m mut Model, wiring: &'w Wiring<'w>) -> Self {
        let table = wiring.table;
        let begun = named(model, false, "the guard has begun".to_owned());
        let mut kept = Vec::new();
        for id in table.ids() {
            kept.push(Kept::new(model, table.channel(id)));
        }
        let mut marks = Vec::new();
        for group in table.group_ids() {
            let members = table.group(group).members().iter();
            let mark = |member: &ChannelId| {
                let name = &table.channel(*member).name;
                Mark {
                    member: member.index(),
                    waiting: named(model, false, format!("{name} waits in a conflict")),
                    seen_off: named(model, false, format!("{name} was seen off in a conflict")),
                }
            };
            marks.push(members.map(mark).collect());
        }
        let staggered: Vec<usize> =
            table.ids().filter(|id| table.channel(*id).stagger_ns > 0).map(ChannelId::index).collect();
        let mut younger = Vec::new();
        for (i, first) in staggered.iter().enumerate() {
            for second in staggered.iter().skip(i + 1) {
                younger.push((*first, *second, cell(model, false)));
            }
        }
        let now = kept.iter().map(Now::new).collect();
        Self { model, wiring, kept, now, begun, marks, in_conflict: Vec::new(), younger }
    }

    fn table(&self) -> &'w ChannelTable {
        self.wiring.table
    }

    fn graph(&mut self) -> &mut Graph {
        &mut self.model.graph
    }

    fn now(&self, channel: usize) -> Now {
        self.now.get(channel).copied().unwrap_or(Now::NONE)
    }

    fn put(&mut self, channel: usize, now: Now) {
        if let Some(slot) = self.now.get_mut(channel) {
            *slot = now;
        }
    }

    /// Works off the channels one after the other.
    fn each(&mut self, work: impl Fn(&mut Self, ChannelId, &'w Channel, &mut Now)) {
        let table = self.table();
        for id in table.ids() {
            let mut now = self.now(id.index());
            work(self, id, table.channel(id), &mut now);
            self.put(id.index(), now);
        }
    }

    /// Is its acknowledgement at least so long ago? Asked only of what is acknowledged.
    fn since_acked(&mut self, channel: usize, wait_ns: u64) -> Lit {
        let fresh = self.now(channel).fresh;
        let scans = over(wait_ns, self.wiring.tick_ns);
        let prompt = self.is_prompt(channel);
        match self.kept.get(channel) {
            // One clock serves both: a write that was issued is done a scan later.
            Some(kept) if prompt => kept.since_issued.at_least(self.model, Lit::FALSE, scans.saturating_add(1)),
            Some(kept) => kept.since_acked.at_least(self.model, fresh, scans),
            None => Lit::FALSE,
        }
    }

    /// Every write of the channel is done in the scan after its issue, and nothing but a write begins its time anew.
    fn is_prompt(&self, channel: usize) -> bool {
        let nc = |id: ChannelId| self.table().channel(id).contact == ContactForm::Nc;
        let anew = self.wiring.supply.is_some() && self.table().ids().nth(channel).is_some_and(nc);
        at(&self.wiring.completed, channel) == Lit::TRUE && !anew
    }

    fn cells(&self, channel: usize) -> Option<Cells> {
        let kept = self.kept.get(channel)?;
        let number = |cell: Cell| u32::try_from(cell.number).unwrap_or(u32::MAX);
        let (on, acked, since_acked) = (number(kept.on), number(kept.acked), kept.since_acked);
        let doubts = [kept.fault, kept.trip, kept.conducts].map(number);
        let (begun, verified, prompt) = (number(self.begun), number(kept.verified), self.is_prompt(channel));
        Some(Cells { on, begun, acked, since_acked, verified, doubts, prompt })
    }

    /// A write counts as done from the first scan after its completion. The very first scan issues the first OFF.
    fn note_acknowledgements(&mut self) {
        let begun = self.begun.now;
        self.each(|scan, id, _, now| {
            let completed = at(&scan.wiring.completed, id.index());
            let graph = scan.graph();
            let done = graph.all([begun, completed, !now.acked]);
            // Where every write is completed at once, a scan finds all of them done but for the very first one.
            now.acked = if completed == Lit::TRUE { begun } else { graph.or(now.acked, done) };
            now.fresh = done;
            now.issued = !begun;
        });
    }

    /// Rule 5: without supply what is on goes off, and a normally closed contact is off only from its return on.
    fn watch_supply(&mut self) {
        let Some(supply) = self.wiring.supply else { return };
        self.each(|scan, _, channel, now| {
            if channel.coil_window_millivolts.is_none() {
                return;
            }
            now.supplied = supply;
            let graph = scan.graph();
            let lost = graph.and(!supply, now.on);
            now.trip(graph, lost);
            if channel.contact == ContactForm::Nc {
                let again = graph.all([!supply, !now.on, now.acked]);
                now.fresh = graph.or(now.fresh, again);
                now.verified = graph.and(now.verified, !again);
            }
        });
    }

    /// Rules 5 and 6: what the contact is read to do.
    fn watch_feedback(&mut self) {
        let table = self.table();
        for id in table.ids() {
            let channel = table.channel(id);
            let Some(feedback) = channel.feedback else { continue };
            let raw = at(&self.wiring.feedback, id.index());
            let on_due = self.since_acked(id.index(), channel.windows.on_due_ns);
            let off_due = self.since_acked(id.index(), channel.windows.off_due_ns);
            let mut now = self.now(id.index());
            let graph = self.graph();
            now.reads_on = match feedback.contact {
                FeedbackContact::No => raw,
                FeedbackContact::MirrorNc => !raw,
            };
            let old_enough = graph.mux(now.on, on_due, off_due);
            let due = graph.all([now.acked, old_enough, !now.verified]);
            let agrees = graph.same(now.reads_on, now.on);
            let differs = graph.and(due, !agrees);
            let changed = graph.and(now.verified, !agrees);
            let failed = graph.and(differs, now.on);
            let welded = graph.and(differs, !now.on);
            let lost = graph.and(changed, now.on);
            let closed = graph.and(changed, !now.on);
            let settled = graph.and(due, agrees);
            now.verified = graph.or(now.verified, settled);
            now.latch(graph, failed, false);
            let conducts = graph.or(welded, closed);
            now.latch(graph, conducts, true);
            now.trip(graph, lost);
            self.put(id.index(), now);
        }
    }

    /// A write nobody completes leaves the level of the line unknown.
    fn watch_writes(&mut self) {
        let scans = beyond(self.table().ack_limit_ns(), self.wiring.tick_ns);
        self.each(|scan, id, _, now| {
            let Some(clock) = scan.kept.get(id.index()).map(|kept| kept.since_issued) else { return };
            if at(&scan.wiring.completed, id.index()) == Lit::TRUE {
                return;
            }
            let long = clock.at_least(scan.model, now.issued, scans);
            let graph = scan.graph();
            let missing = graph.and(long, !now.acked);
            let (on, off) = (graph.and(missing, now.on), graph.and(missing, !now.on));
            now.latch(graph, on, false);
            now.latch(graph, off, true);
        });
    }

    /// What the channel shall be, and what an OFF command clears (rules 3 and 5).
    fn note_intents(&mut self) {
        let before: Vec<Lit> = self.now.iter().map(|now| now.requested).collect();
        self.each(|scan, id, channel, now| {
            now.want = at(&scan.wiring.commands, id.index());
            let graph = &mut scan.model.graph;
            let asks = graph.and(now.want, !now.on);
            now.fresh_request = graph.and(asks, !now.requested);
            let kept = graph.and(now.requested, now.want);
            now.requested = graph.or(kept, asks);
            now.armed = graph.or(now.armed, !now.want);
            let mut clears = !now.want;
            if restarts(channel) {
                let again = graph.and(!now.on, now.supplied);
                clears = graph.or(clears, again);
            }
            now.trip = graph.and(now.trip, !clears);
        });
        for (first, second, younger) in &self.younger {
            let (a, b) =
                (self.now.get(*first).map(|n| n.fresh_request), self.now.get(*second).map(|n| n.fresh_request));
            let (a, b) = (a.unwrap_or(Lit::FALSE), b.unwrap_or(Lit::FALSE));
            let graph = &mut self.model.graph;
            // Asked for while the other one asks already; both at once go in the order of the configuration.
            let behind = graph.and(a, at(&before, *second));
            let ahead = graph.and(!a, !b);
            let stays = graph.and(ahead, younger.now);
            let next = graph.or(behind, stays);
            set(self.model, *younger, next);
        }
    }

    /// The other members of a channel's groups, each once for every group.
    fn others(&self, id: ChannelId) -> Vec<(usize, u64)> {
        let table = self.table();
        let of = |group: &relay::GroupId| {
            let group = table.group(*group);
            let dead = group.dead_time_ns;
            group.members().iter().filter(|m| **m != id).map(|m| (m.index(), dead)).collect::<Vec<_>>()
        };
        table.channel(id).groups().iter().flat_map(of).collect()
    }

    /// Rule 6: a member of a group this channel is the cut-off of may conduct although it is off.
    fn cutting_off(&mut self, channel: &Channel) -> Lit {
        let table = self.table();
        let members = channel.cutoff_of().iter().flat_map(|group| table.group(*group).members());
        let doubts: Vec<Lit> = members.map(|member| self.now(member.index()).conducts).collect();
        self.graph().any(doubts)
    }

    /// Rule 1: OFF is never delayed.
    fn switch_off(&mut self) {
        let table = self.table();
        for id in table.ids() {
            let channel = table.channel(id);
            let others: Vec<Lit> = self.others(id).iter().map(|(other, _)| self.now(*other).conducts).collect();
            let cut = self.cutting_off(channel);
            let mut now = self.now(id.index());
            let graph = self.graph();
            let blocked = graph.any(others);
            let unseen = if restarts(channel) { Lit::FALSE } else { !now.armed };
            let forced = graph.any([now.trip, blocked, cut, now.forced_off, now.fault, unseen]);
            let off = graph.or(!now.want, forced);
            let off = graph.and(now.on, off);
            let disarms = graph.and(off, now.want);
            now.armed = graph.and(now.armed, !disarms);
            now.on = graph.and(now.on, !off);
            now.issue(graph, off);
            self.put(id.index(), now);
        }
    }

    /// Rule 4: two members commanded on with none on are refused until each has been commanded off.
    fn mark_conflicts(&mut self) {
        let marks = std::mem::take(&mut self.marks);
        for group in &marks {
            let wants: Vec<Lit> = group.iter().map(|mark| self.now(mark.member).want).collect();
            let ons: Vec<Lit> = group.iter().map(|mark| self.now(mark.member).on).collect();
            let graph = &mut self.model.graph;
            let still: Vec<Lit> = group.iter().zip(&wants).map(|(m, want)| graph.and(m.waiting.now, *want)).collect();
            let some_wait = graph.any(still.iter().copied());
            let none_on = !graph.any(ons);
            let (mut one, mut two) = (Lit::FALSE, Lit::FALSE);
            for want in &wants {
                let both = graph.and(one, *want);
                two = graph.or(two, both);
                one = graph.or(one, *want);
            }
            let begins = graph.and(two, none_on);
            let mut part = Vec::new();
            let mut nexts = Vec::new();
            for ((mark, want), still) in group.iter().zip(&wants).zip(&still) {
                let marked = graph.and(begins, *want);
                let waiting = graph.or(*still, marked);
                let left = graph.and(mark.waiting.now, !*want);
                let off = graph.or(mark.seen_off.now, left);
                let seen_off = graph.all([off, some_wait, !marked]);
                part.push(graph.or(waiting, seen_off));
                nexts.push((mark.waiting, waiting));
                nexts.push((mark.seen_off, seen_off));
            }
            for (cell, next) in nexts {
                set(self.model, cell, next);
            }
            self.in_conflict.push(part);
        }
        self.marks = marks;
    }

    /// Rules 2 to 4: is an ON refused, and if not, does it wait?
    fn assess(&mut self, id: ChannelId, channel: &Channel) -> (Lit, Lit) {
        let now = self.now(id.index());
        let others = self.others(id);
        let mut refusals = vec![now.fault, now.trip, self.cutting_off(channel), !now.supplied];
        if !restarts(channel) {
            refusals.push(!now.armed);
        }
        if channel.rate.policy == RatePolicy::Enforce && channel.rate.edges > 0 {
            refusals.push(free(self.model));
        }
        for (group, part) in self.marks.iter().zip(&self.in_conflict) {
            let own = group.iter().zip(part).filter(|(mark, _)| mark.member == id.index());
            refusals.extend(own.map(|(_, part)| *part));
        }
        let own_wait = self.since_acked(id.index(), channel.windows.min_off_ns);
        let mut ready = vec![now.acked, own_wait];
        for (other, dead_time_ns) in others {
            let them = self.now(other);
            refusals.extend([them.fault, them.on]);
            let windows = self.table().ids().nth(other).map(|id| self.table().channel(id).windows);
            let lock_ns = windows.map_or(0, |w| w.break_ns).saturating_add(dead_time_ns);
            let unlocked = self.since_acked(other, lock_ns);
            ready.extend([them.acked, !them.reads_on, unlocked]);
        }
        let graph = self.graph();
        let refused = graph.any(refusals);
        (refused, graph.all(ready))
    }

    /// Rules 2 and 3: refuse, let wait, or switch on.
    fn switch_on(&mut self) {
        let table = self.table();
        let mut candidates = Vec::new();
        for id in table.ids() {
            let channel = table.channel(id);
            let (refused, ready) = self.assess(id, channel);
            let now = self.now(id.index());
            let expired = match self.kept.get(id.index()).map(|kept| kept.since_requested) {
                Some(clock) if !restarts(channel) => {
                    let scans = beyond(channel.pending_limit_ns, self.wiring.tick_ns);
                    let old = clock.at_least(self.model, now.fresh_request, scans);
                    // Without a request of its own its age is none.
                    self.graph().and(old, now.requested)
                }
                Some(_) | None => Lit::FALSE,
            };
            let graph = self.graph();
            let asks = graph.and(now.want, !now.on);
            let refused = graph.or(refused, expired);
            let no = graph.and(asks, refused);
            let candidate = graph.all([asks, !refused, ready]);
            candidates.push(candidate);
            self.put(id.index(), Now { refused: no, ..now });
        }
        let blocked = self.stagger(&candidates);
        self.each(|scan, id, _, now| {
            let graph = scan.graph();
            let grant = graph.and(at(&candidates, id.index()), !at(&blocked, id.index()));
            now.armed = graph.and(now.armed, !now.refused);
            now.granted = grant;
            now.on = graph.or(now.on, grant);
            now.requested = graph.and(now.requested, !grant);
            now.issue(graph, grant);
        });
    }

    /// Off, and an ON would be granted at once: nothing refuses it, nothing lets it wait, and no other member wants to be on.
    fn ready(&mut self) -> Vec<Lit> {
        let table = self.table();
        let one = |id: ChannelId| {
            let (refused, ready) = self.assess(id, table.channel(id));
            let others: Vec<Lit> = self.others(id).iter().map(|(other, _)| self.now(*other).want).collect();
            let on = self.now(id.index()).on;
            let graph = self.graph();
            let wanted = graph.any(others);
            graph.all([!on, !refused, ready, !wanted])
        };
        table.ids().map(one).collect()
    }

    /// Closed by the data sheet's times, or taken for it.
    fn estimates(&mut self) -> Vec<Lit> {
        let table = self.table();
        let one = |id: ChannelId| {
            if !self.wiring.estimated.get(id.index()).copied().unwrap_or(false) {
                return Lit::FALSE;
            }
            let long = self.since_acked(id.index(), table.channel(id).windows.make_ns);
            let now = self.now(id.index());
            let graph = self.graph();
            let settled = graph.all([now.on, now.acked, long]);
            graph.or(now.conducts, settled)
        };
        table.ids().map(one).collect()
    }

    /// Rule 2e: which candidates have to wait for another one's inrush.
    fn stagger(&mut self, candidates: &[Lit]) -> Vec<Lit> {
        let table = self.table();
        let mut rushing = Vec::new();
        for id in table.ids() {
            let found = self.kept.get(id.index()).and_then(|kept| Some((kept.started?, kept.since_granted)));
            let Some((started, clock)) = found else { continue };
            let scans = over(table.channel(id).stagger_ns, self.wiring.tick_ns);
            let past = clock.at_least(self.model, Lit::FALSE, scans);
            rushing.push(self.graph().and(started.now, !past));
        }
        let rush = self.graph().any(rushing);
        let mut blocked = vec![Lit::FALSE; table.len()];
        for id in table.ids().filter(|id| table.channel(*id).stagger_ns > 0) {
            let mut ahead = vec![rush];
            for (first, second, younger) in &self.younger {
                // `younger` is kept up to date before this: what it will be is what it is in this scan.
                let younger = self.model.latches.get(younger.number).map_or(Lit::FALSE, |latch| latch.next);
                let graph = &mut self.model.graph;
                if *first == id.index() {
                    ahead.push(graph.and(at(candidates, *second), younger));
                } else if *second == id.index() {
                    ahead.push(graph.and(at(candidates, *first), !younger));
                }
            }
            let waits = self.graph().any(ahead);
            if let Some(slot) = blocked.get_mut(id.index()) {
                *slot = waits;
            }
        }
        blocked
    }

    /// Gives the latches and clocks what they keep.
    fn keep(&mut self) {
        set(self.model, self.begun, Lit::TRUE);
        for (kept, now) in self.kept.iter().zip(&self.now) {
            let cells = [
                (kept.on, now.on),
                (kept.acked, now.acked),
                (kept.armed, now.armed),
                (kept.requested, now.requested),
                (kept.fault, now.fault),
                (kept.conducts, now.conducts),
                (kept.trip, now.trip),
                (kept.verified, now.verified),
            ];
            for (cell, next) in cells {
                set(self.model, cell, next);
            }
            let graph = &mut self.model.graph;
            let anew = graph.or(now.fresh, !now.acked);
            if let Some(started) = kept.started {
                let ever = graph.or(started.now, now.granted);
                set(self.model, started, ever);
            }
            let unasked = self.model.graph.or(now.fresh_request, !now.requested);
            kept.since_acked.drive(self.model, anew);
            kept.since_issued.drive(self.model, now.issued);
            kept.since_requested.drive(self.model, unasked);
            kept.since_granted.drive(self.model, now.granted);
        }
    }
}

impl Kept {
    fn new(model: &mut Model, channel: &Channel) -> Self {
        let name = &channel.name;
        let latch = |model: &mut Model, what: &str| named(model, false, format!("{name}{what}"));
        let clock = |model: &mut Model, what: &str| Clock::named(model, format!("{name}{what}"));
        Self {
            on: latch(model, ".line"),
            acked: latch(model, " is written"),
            armed: latch(model, " was seen off"),
            requested: latch(model, " is asked for"),
            fault: latch(model, " has a fault"),
            conducts: latch(model, " may conduct unasked"),
            trip: latch(model, " has tripped"),
            verified: latch(model, " is verified"),
            started: (channel.stagger_ns > 0).then(|| latch(model, " was started")),
            since_acked: clock(model, "'s write was done"),
            since_issued: clock(model, "'s write was issued"),
            since_requested: clock(model, " was asked for"),
            since_granted: clock(model, " was started"),
        }
    }
}

impl Now {
    const NONE: Self = Self {
        on: Lit::FALSE,
        acked: Lit::FALSE,
        armed: Lit::FALSE,
        requested: Lit::FALSE,
        fault: Lit::FALSE,
        conducts: Lit::FALSE,
        trip: Lit::FALSE,
        verified: Lit::FALSE,
        fresh: Lit::FALSE,
        issued: Lit::FALSE,
        fresh_request: Lit::FALSE,
        reads_on: Lit::FALSE,
        forced_off: Lit::FALSE,
        want: Lit::FALSE,
        supplied: Lit::TRUE,
        refused: Lit::FALSE,
        granted: Lit::FALSE,
    };

    fn new(kept: &Kept) -> Self {
        Self {
            on: kept.on.now,
            acked: kept.acked.now,
            armed: kept.armed.now,
            requested: kept.requested.now,
            fault: kept.fault.now,
            conducts: kept.conducts.now,
            trip: kept.trip.now,
            verified: kept.verified.now,
            ..Self::NONE
        }
    }

    /// Rule 6: latches a fault. The first one stays, unless a later one says that the contact may conduct.
    fn latch(&mut self, graph: &mut Graph, when: Lit, conducts: bool) {
        let taken = if conducts { self.conducts } else { self.fault };
        let latched = graph.and(when, !taken);
        self.fault = graph.or(self.fault, latched);
        if conducts {
            self.conducts = graph.or(self.conducts, latched);
        }
        self.armed = graph.and(self.armed, !latched);
        self.forced_off = graph.or(self.forced_off, latched);
    }

    /// Rule 5: a trip of what is on; a new command is needed.
    fn trip(&mut self, graph: &mut Graph, when: Lit) {
        let tripped = graph.all([when, self.on, !self.trip]);
        self.trip = graph.or(self.trip, tripped);
        self.armed = graph.and(self.armed, !tripped);
    }

    /// Issues a write: nobody has completed it yet, and what it does is not verified.
    fn issue(&mut self, graph: &mut Graph, when: Lit) {
        self.acked = graph.and(self.acked, !when);
        self.verified = graph.and(self.verified, !when);
        self.issued = graph.or(self.issued, when);
    }
}
