//! One scan of the guard, in the order in which the rules take precedence: time and acknowledgements, faults, intents, OFF, conflicts, ON.
//!
//! "Rule 5" and the like are the numbered rules of `docs/relays.md`. `assess` holds the questions asked of a single ON (rules 2, 3 and 4).

use super::assess::{Verdict, View};
use super::state::{AmbientBand, Conflict, GuardState, History};
use super::{Inputs, Intent, Phase, Sensed, restarts, status::Pending};
use crate::config::{FeedbackContact, SafeValue, StopValue};
use crate::datasheet::ContactForm;
use crate::event::{Detail, Event, EventCode, EventSink, Fault, Refusal, Trip, WaitReason};
use crate::feedback::{Deviation, ReadBack};
use crate::id::{ChannelId, GroupId, PerChannel, WriteId};
use crate::table::{Channel, ChannelTable};
use crate::wear::Wear;

/// After so many operations in a row that were reversed before they were verified, an alarm is given (rule 6).
const UNVERIFIED_RUN_ALARM: u8 = 3;

/// Everything one scan works on.
pub(super) struct Scan<'s> {
    pub table: &'s ChannelTable,
    pub inputs: &'s Inputs<'s>,
    /// Time of this scan; set by `advance_time`.
    pub now_ns: u64,
    pub sensed: Sensed,
    pub state: &'s mut GuardState,
    pub wear: &'s mut PerChannel<Wear>,
    pub intents: &'s mut PerChannel<Intent>,
    pub candidates: &'s mut Vec<ChannelId>,
    pub events: &'s mut EventSink,
}

/// Why a channel that is on is switched off.
enum OffReason {
    /// It is not wanted on.
    NotWanted,
    /// Rules 5 and 6: a fault or trip of its own.
    Forced(Refusal),
    /// Rule 6: another member of its group may conduct.
    Blocked(GroupId),
    /// Rule 6: it is the cut-off of a group in doubt.
    CutOff(GroupId),
}

impl Scan<'_> {
    pub fn run(&mut self) {
        self.advance_time();
        self.note_phase();
        self.note_acknowledgements();
        self.watch_supply();
        self.watch_ambient();
        self.watch_feedback();
        self.watch_writes();
        self.note_intents();
        self.switch_off();
        self.mark_conflicts();
        self.switch_on();
    }

    fn event(&mut self, code: EventCode, channel: Option<ChannelId>, detail: Detail) {
        self.events.push(Event { at_ns: self.now_ns, code, channel, detail });
    }

    fn view(&self) -> View<'_> {
        View { table: self.table, state: self.state, sensed: self.sensed, now_ns: self.now_ns }
    }

    /// Measured time enters here. It may stand still, never run back; the first scan begins rule 9.
    fn advance_time(&mut self) {
        self.now_ns = self.inputs.now_ns;
        if !self.state.started {
            self.state.started = true;
            self.start();
        } else if self.now_ns < self.state.now_ns {
            self.now_ns = self.state.now_ns;
            self.event(
                EventCode::TimeBackwards,
                None,
                Detail::TimeNs(self.state.now_ns.saturating_sub(self.inputs.now_ns)),
            );
        } else {
            let elapsed_ns = self.now_ns - self.state.now_ns;
            for wear in self.wear.iter_mut() {
                wear.observed_ns = wear.observed_ns.saturating_add(elapsed_ns);
            }
        }
        self.state.now_ns = self.now_ns;
        for intent in self.intents.iter_mut() {
            *intent = Intent::default();
        }
    }

    /// Rule 9: at start nothing is known. The first OFF of every channel is issued; times run from its acknowledgement.
    fn start(&mut self) {
        self.state.phase = self.inputs.phase;
        for id in self.table.ids() {
            let channel = &mut self.state.channels[id];
            channel.write = WriteId::NONE.next();
            channel.issued_ns = self.now_ns;
            match std::mem::replace(&mut self.state.history[id], History::Done) {
                History::Lost => channel.rate.assume_full(self.now_ns),
                History::Known(ages_ns) => channel.rate.restore(self.now_ns, ages_ns.into_iter()),
                History::Done => {}
            }
            if self.wear[id].gold_spent && self.table.channel(id).life.needs_gold {
                self.event(EventCode::GoldUnfit, Some(id), Detail::None);
            }
        }
    }

    /// Rule 3: stop, fault, safe state and the way back from them demand that every channel be seen commanded off.
    fn note_phase(&mut self) {
        if self.inputs.phase == self.state.phase {
            return;
        }
        self.state.phase = self.inputs.phase;
        for channel in self.state.channels.iter_mut() {
            channel.disarm();
            channel.request_ns = None;
            channel.refusal = None;
        }
        for id in self.table.group_ids() {
            self.state.groups[id].conflict.fill(Conflict::No);
        }
    }

    /// A write counts as done from the first scan after its acknowledgement (rules 2a, 2b, 6, 9).
    fn note_acknowledgements(&mut self) {
        for id in self.table.ids() {
            let write = self.inputs.acknowledged.get(id.index()).copied().unwrap_or(WriteId::NONE);
            let state = &mut self.state.channels[id];
            if state.acked_ns.is_some() || write != state.write {
                continue;
            }
            state.acked_ns = Some(self.now_ns);
            state.rate.confirm(self.now_ns);
            let windows = &self.table.channel(id).windows;
            let window_ns = if state.on { windows.on_due_ns } else { windows.off_due_ns };
            state.read_back.acknowledged(self.now_ns.saturating_add(window_ns));
        }
    }

    /// Rule 5: supply out of its window while on is an OFF and a trip. A normally closed contact closes when the supply fails, so its
    /// OFF only begins when the supply is back.
    fn watch_supply(&mut self) {
        let mut all_ok = true;
        for id in self.table.ids() {
            let channel = self.table.channel(id);
            if self.sensed.supply_ok(channel) {
                continue;
            }
            all_ok = false;
            let state = &mut self.state.channels[id];
            if state.on {
                self.trip(id, Trip::SupplyLost);
            } else if channel.contact == ContactForm::Nc && state.acked_ns.is_some() {
                state.acked_ns = Some(self.now_ns);
                if state.read_back != ReadBack::NotWired {
                    state.read_back = ReadBack::Settling {
                        on: false,
                        due_ns: Some(self.now_ns.saturating_add(channel.windows.off_due_ns)),
                    };
                }
            }
        }
        if all_ok && !self.state.supply_ok {
            self.event(EventCode::SupplyReturned, None, Detail::None);
        }
        self.state.supply_ok = all_ok;
    }

    /// Rule 2f, its events: the temperature leaves a range.
    fn watch_ambient(&mut self) {
        let mut band = AmbientBand::Operating;
        if let Some(ambient) = self.sensed.ambient {
            for id in self.table.ids() {
                let channel = self.table.channel(id);
                if channel.ambient_storage.is_some_and(|range| !range.contains(ambient)) {
                    band = band.max(AmbientBand::Damaging);
                } else if !self.sensed.ambient_ok(channel) {
                    band = band.max(AmbientBand::Outside);
                }
            }
        }
        if band > self.state.ambient {
            let code = match band {
                AmbientBand::Operating | AmbientBand::Outside => EventCode::AmbientOutside,
                AmbientBand::Damaging => EventCode::AmbientDamaging,
            };
            self.event(code, None, Detail::None);
        }
        self.state.ambient = band;
    }

    /// Rules 5 and 6: what the contact is read to do, all the time, also before the first ON.
    fn watch_feedback(&mut self) {
        for id in self.table.ids() {
            let Some(feedback) = self.table.channel(id).feedback else { continue };
            let raw = self.inputs.feedback.get(id.index()).copied().unwrap_or(false);
            let state = &mut self.state.channels[id];
            state.reads_on = match feedback.contact {
                FeedbackContact::No => raw,
                FeedbackContact::MirrorNc => !raw,
            };
            match state.read_back.read(state.reads_on, self.now_ns) {
                None => match state.read_back {
                    ReadBack::On => state.unverified_ons = 0,
                    ReadBack::Off => state.unverified_offs = 0,
                    ReadBack::NotWired | ReadBack::Settling { .. } => {}
                },
                Some(Deviation::FailedToClose) => self.latch(id, Fault::FailedToClose),
                Some(Deviation::Welded) => self.latch(id, Fault::Welded),
                Some(Deviation::ClosedUncommanded) => self.latch(id, Fault::ClosedUncommanded),
                Some(Deviation::FeedbackLost) => self.trip(id, Trip::FeedbackLost),
            }
        }
    }

    /// A write nobody acknowledges leaves the level of the line unknown.
    fn watch_writes(&mut self) {
        for id in self.table.ids() {
            let state = &self.state.channels[id];
            let waited_ns = self.now_ns.saturating_sub(state.issued_ns);
            if state.acked_ns.is_none() && waited_ns > self.table.ack_limit_ns {
                let fault = if state.on { Fault::OnUnacknowledged } else { Fault::OffUnacknowledged };
                self.latch(id, fault);
            }
        }
    }

    /// Rule 6: latch a fault and write OFF. The first fault stays, unless a later one says that the contact may conduct.
    fn latch(&mut self, id: ChannelId, fault: Fault) {
        let state = &mut self.state.channels[id];
        if state.fault.is_some_and(|earlier| earlier.may_conduct() || !fault.may_conduct()) {
            return;
        }
        state.fault = Some(fault);
        state.disarm();
        self.intents[id].forced_off = true;
        self.event(fault.event(), Some(id), Detail::None);
    }

    /// Rule 5: write OFF; a new command is needed.
    fn trip(&mut self, id: ChannelId, trip: Trip) {
        let state = &mut self.state.channels[id];
        if !state.on || state.trip.is_some() {
            return;
        }
        state.trip = Some(trip);
        state.disarm();
        self.event(trip.event(), Some(id), Detail::None);
    }

    /// Where the intent comes from (rule 10), and what an OFF command clears (rules 3 and 5).
    fn note_intents(&mut self) {
        for id in self.table.ids() {
            let channel = self.table.channel(id);
            let commanded = self.inputs.commanded.get(id.index()).copied().unwrap_or(false);
            let intent = &mut self.intents[id];
            let state = &mut self.state.channels[id];
            intent.commanded = commanded;
            intent.want = match self.inputs.phase {
                Phase::Run => commanded,
                Phase::Stop => match channel.stop {
                    StopValue::Off => false,
                    StopValue::On => true,
                    StopValue::Hold => state.on,
                },
                Phase::Safe => match channel.safe {
                    SafeValue::Off => false,
                    SafeValue::On => true,
                },
            };
            if intent.want && !state.on {
                state.request_ns.get_or_insert(self.now_ns);
            } else if !intent.want {
                state.request_ns = None;
                state.pending = None;
                state.refusal = None;
            }
            if self.inputs.phase != Phase::Run {
                continue;
            }
            if !commanded {
                state.armed = true;
            }
            // `restart: auto` needs no new command, but a trip found in this very scan still has to switch off first.
            if !commanded || (restarts(channel) && !state.on && self.sensed.supply_ok(channel)) {
                state.trip = None;
            }
        }
    }

    /// Rule 1: OFF is never delayed, by anything.
    fn switch_off(&mut self) {
        for id in self.table.ids() {
            if !self.state.channels[id].on {
                continue;
            }
            let Some(reason) = self.off_reason(id, self.table.channel(id)) else { continue };
            self.turn_off(id);
            let (refusal, event) = match reason {
                OffReason::NotWanted => continue,
                OffReason::Forced(refusal) => (refusal, None),
                OffReason::Blocked(group) => (Refusal::Fault, Some((EventCode::GroupBlocked, group))),
                OffReason::CutOff(group) => (Refusal::CutOff(group), Some((EventCode::CutoffDropped, group))),
            };
            let state = &mut self.state.channels[id];
            state.disarm();
            state.refusal = Some(refusal);
            if let Some((code, group)) = event {
                self.event(code, Some(id), Detail::Group(group));
            }
        }
    }

    fn off_reason(&self, id: ChannelId, channel: &Channel) -> Option<OffReason> {
        let (state, intent) = (&self.state.channels[id], &self.intents[id]);
        if !intent.want {
            return Some(OffReason::NotWanted);
        }
        if state.trip.is_some() {
            return Some(OffReason::Forced(Refusal::Tripped));
        }
        let view = self.view();
        if let Some(group) = view.blocked_by(id, channel) {
            return Some(OffReason::Blocked(group));
        }
        if let Some(group) = view.cutting_off(channel) {
            return Some(OffReason::CutOff(group));
        }
        // A stop or safe value outlasts a latched fault (rule 10 does not name 2d): it is written OFF once, when the fault is found.
        let running = self.inputs.phase == Phase::Run;
        if intent.forced_off || (running && state.fault.is_some()) {
            return Some(OffReason::Forced(Refusal::Fault));
        }
        (running && !state.armed && !restarts(channel)).then_some(OffReason::Forced(Refusal::NotSeenOff))
    }

    fn turn_off(&mut self, id: ChannelId) {
        let state = &mut self.state.channels[id];
        // Rule 7. An ON that was never acknowledged counts as no time at all.
        let on_ns = state.acked_ns.map_or(0, |acked_ns| self.now_ns.saturating_sub(acked_ns));
        state.on = false;
        self.issue(id);
        if on_ns < self.table.channel(id).windows.pulse_min_ns {
            self.wear[id].short_pulses = self.wear[id].short_pulses.saturating_add(1);
            self.event(EventCode::PulseTooShort, Some(id), Detail::TimeNs(on_ns));
        }
    }

    fn turn_on(&mut self, id: ChannelId) {
        let channel = self.table.channel(id);
        let state = &mut self.state.channels[id];
        state.on = true;
        state.request_ns = None;
        state.pending = None;
        state.refusal = None;
        let exceeds = state.rate.exceeds(self.now_ns);
        let report = exceeds && !state.rate_reported;
        state.rate_reported = exceeds;
        state.rate.note_edge(self.now_ns);
        if channel.stagger_ns > 0 {
            self.state.stagger_free_ns = self.now_ns.saturating_add(channel.stagger_ns);
        }
        self.issue(id);
        if report {
            self.event(EventCode::RateExceeded, Some(id), Detail::Count(u64::from(channel.rate.edges)));
        }
        for code in self.wear[id].count_operation(&channel.life).into_iter().flatten() {
            self.event(code, Some(id), Detail::Count(self.wear[id].operations()));
        }
    }

    /// Issues the write of the channel's present level.
    fn issue(&mut self, id: ChannelId) {
        let state = &mut self.state.channels[id];
        state.write = state.write.next();
        state.issued_ns = self.now_ns;
        state.acked_ns = None;
        if state.read_back.issued(state.on) {
            let wear = &mut self.wear[id];
            wear.unverified_operations = wear.unverified_operations.saturating_add(1);
            // The operation reversed is the one before: an OFF now reverses an ON.
            let run = if state.on { &mut state.unverified_offs } else { &mut state.unverified_ons };
            if *run < UNVERIFIED_RUN_ALARM {
                *run += 1;
                if *run == UNVERIFIED_RUN_ALARM {
                    let detail = Detail::Count(u64::from(UNVERIFIED_RUN_ALARM));
                    self.event(EventCode::UnverifiedOperations, Some(id), detail);
                }
            }
        }
    }

    /// Rule 4: two members commanded on with none on. All of them are refused until each has been commanded off.
    fn mark_conflicts(&mut self) {
        if self.inputs.phase != Phase::Run {
            return;
        }
        for id in self.table.group_ids() {
            let members = self.table.group(id).members();
            let conflict = &mut self.state.groups[id].conflict;
            for (mark, &member) in conflict.iter_mut().zip(members) {
                if *mark == Conflict::Waiting && !self.intents[member].want {
                    *mark = Conflict::SeenOff;
                }
            }
            if !conflict.contains(&Conflict::Waiting) {
                conflict.fill(Conflict::No);
            }
            let wanted = members.iter().filter(|&&member| self.intents[member].want).count();
            if wanted < 2 || members.iter().any(|&member| self.state.channels[member].on) {
                continue;
            }
            let mut fresh = false;
            for (mark, &member) in conflict.iter_mut().zip(members) {
                if self.intents[member].want && *mark != Conflict::Waiting {
                    *mark = Conflict::Waiting;
                    fresh = true;
                }
            }
            if fresh {
                self.event(EventCode::Conflict, None, Detail::Group(id));
            }
        }
    }

    /// Rules 2 and 3: refuse, let wait, or switch on.
    fn switch_on(&mut self) {
        self.candidates.clear();
        for id in self.table.ids() {
            if !self.intents[id].want || self.state.channels[id].on {
                continue;
            }
            match self.view().assess(id) {
                Verdict::Refuse(refusal) => self.refuse(id, refusal),
                Verdict::Wait(_) | Verdict::Grant if self.expired(id) => self.refuse(id, Refusal::Expired),
                Verdict::Wait(pending) => self.let_wait(id, pending),
                Verdict::Grant => self.candidates.push(id),
            }
        }
        let channels = &self.state.channels;
        self.candidates.sort_unstable_by_key(|&id| (channels[id].request_ns, id));
        for next in 0..self.candidates.len() {
            if let Some(&id) = self.candidates.get(next) {
                self.grant(id);
            }
        }
    }

    /// Rule 3: nothing starts from a command older than its limit.
    fn expired(&self, id: ChannelId) -> bool {
        let channel = self.table.channel(id);
        let limited = self.inputs.phase == Phase::Run && !restarts(channel);
        let request_ns = self.state.channels[id].request_ns.unwrap_or(self.now_ns);
        limited && self.now_ns.saturating_sub(request_ns) > channel.pending_limit_ns
    }

    /// Rule 2e: first in, first out, then configuration order; the candidates come in that order.
    fn grant(&mut self, id: ChannelId) {
        // An ON just granted to another member changes the answer.
        match self.view().assess(id) {
            Verdict::Refuse(refusal) => return self.refuse(id, refusal),
            Verdict::Wait(pending) => return self.let_wait(id, pending),
            Verdict::Grant => {}
        }
        let stagger_free_ns = self.state.stagger_free_ns;
        if self.table.channel(id).stagger_ns > 0 && self.now_ns < stagger_free_ns {
            self.let_wait(id, Pending { reason: WaitReason::Stagger, due_ns: Some(stagger_free_ns) });
        } else {
            self.turn_on(id);
        }
    }

    fn let_wait(&mut self, id: ChannelId, pending: Pending) {
        let state = &mut self.state.channels[id];
        let fresh = state.pending.is_none();
        state.pending = Some(pending);
        state.refusal = None;
        if fresh {
            self.event(EventCode::Waiting, Some(id), Detail::Wait(pending.reason));
        }
    }

    /// Rule 3: a refused ON does not count any more. Announced once per command.
    fn refuse(&mut self, id: ChannelId, refusal: Refusal) {
        let state = &mut self.state.channels[id];
        let fresh = state.refusal.is_none();
        state.refusal = Some(refusal);
        state.disarm();
        // A conflict has been announced for its group.
        if fresh && !matches!(refusal, Refusal::Conflict(_)) {
            let code = if refusal == Refusal::Expired { EventCode::Expired } else { EventCode::Refused };
            self.event(code, Some(id), Detail::Refusal(refusal));
        }
    }
}
