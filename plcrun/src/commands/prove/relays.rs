//! Guard and relays behind a program that is run again: the guard that runs plants, and the simulated relays of timeline tests.
//!
//! A scan goes as on the simulated rack: contacts move up to it, inputs are read, the program runs, the guard arbitrates, lines
//! are written and acknowledged at once. So what happens here happens in a timeline test of the same stimuli and seed, too.

use super::work;
use prove::guard::wired::Contacts;
use relay::contact::{Defect, Edge, SimulatedContact};
use relay::{
    ChannelId, ChannelStatus, ContactEstimate, EventSink, FeedbackContact, Guard, Inputs, Phase, SplitMix64,
    SupplyReading, WriteId,
};
use runtime::config::{ChannelValue, InputId, IoMap, Source};
use runtime::scan::Debounce;
use std::sync::Arc;

/// From this scan on the movements of a channel's relay take so much of their typical times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delay {
    /// Counted from 1.
    pub scan: u64,
    /// The channel's number.
    pub channel: usize,
    /// 100 is typical.
    pub percent: u32,
}

/// What can be seen of a channel after a scan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// The line is driven so that the load should be on.
    pub line: bool,
    /// The contact conducts.
    pub contact: bool,
}

/// The bank.
pub struct Relays<'a> {
    map: &'a IoMap,
    contacts: Contacts,
    guard: Guard,
    ids: Vec<ChannelId>,
    acknowledged: Vec<WriteId>,
    statuses: Vec<ChannelStatus>,
    relays: Vec<SimulatedContact>,
    coils: Vec<bool>,
    /// Of read-back inputs, by channel.
    filters: Vec<Option<Debounce>>,
    feedback: Vec<bool>,
    sink: EventSink,
    /// Movements of load contacts since the scan before, by channel.
    pub edges: Vec<(usize, Edge)>,
}

impl<'a> Relays<'a> {
    /// Before the first scan. Bounces are drawn as on a rack of this seed.
    pub fn new(map: &'a IoMap, contacts: Contacts, seed: u64) -> Self {
        let mut generator = SplitMix64::new(seed);
        let relays = map.outputs.iter().map(|output| SimulatedContact::new(output.model, generator.next_u64()));
        let guard = Guard::new(Arc::new(map.channels.clone()));
        let ids: Vec<ChannelId> = map.channels.ids().collect();
        let filter = |id: InputId| map.input_at(id).map(|input| Debounce::new(input.debounce_ns, input.stop));
        Self {
            map,
            contacts,
            acknowledged: vec![WriteId::NONE; ids.len()],
            statuses: ids.iter().map(|id| guard.status(*id)).collect(),
            relays: relays.collect(),
            coils: vec![false; ids.len()],
            filters: map.outputs.iter().map(|output| output.feedback.and_then(filter)).collect(),
            feedback: vec![false; ids.len()],
            sink: EventSink::with_capacity(0),
            edges: Vec::new(),
            guard,
            ids,
        }
    }

    /// Movements of a relay take so much of their typical times from now on.
    pub fn slow(&mut self, channel: usize, percent: u32) {
        if let Some(relay) = self.relays.get_mut(channel) {
            relay.inject(Defect::Slow(percent));
        }
    }

    /// A scan begins: contacts have moved up to it, and inputs that read the guard or follow a contact have their levels.
    pub fn begin(&mut self, now_ns: u64, data: &mut [u8]) {
        self.edges.clear();
        let edges = &mut self.edges;
        for (channel, (relay, coil)) in self.relays.iter_mut().zip(&self.coils).enumerate() {
            relay.advance_with(now_ns, *coil, &mut |edge| edges.push((channel, edge)));
        }
        for input in &self.map.inputs {
            if let Source::Channel(id, value) = input.source {
                let wired = self.map.channels.channel(id).feedback.is_some();
                let status = self.statuses.get(id.index());
                input.place.set(data, status.is_some_and(|status| shown_to_program(status, wired, value)));
            }
        }
        if self.contacts == Contacts::Worst {
            return;
        }
        let rows = self.map.outputs.iter().zip(&self.relays).zip(&mut self.filters).zip(&mut self.feedback);
        for (((output, relay), filter), level) in rows {
            let (Some(input), Some(filter)) = (output.feedback.and_then(|id| self.map.input_at(id)), filter) else {
                continue;
            };
            *level = filter.sample(relay.feedback(), now_ns);
            input.place.set(data, *level);
        }
    }

    /// The program has run: the guard arbitrates, and lines are written. `wire`: levels of inputs only the guard reads, by number.
    pub fn end(&mut self, now_ns: u64, data: &[u8], wire: impl Fn(usize) -> bool) {
        let level = |id: InputId| {
            let input = self.map.input_at(id)?;
            Some(work::bit(input.place).map_or_else(|| wire(id.index()), |_| input.place.get(data)))
        };
        if self.contacts == Contacts::Worst {
            for (output, to) in self.map.outputs.iter().zip(&mut self.feedback) {
                *to = output.feedback.and_then(level).unwrap_or(false);
            }
        }
        let commanded: Vec<bool> = self.map.outputs.iter().map(|output| output.place.get(data)).collect();
        let supply = match self.map.supply.and_then(level) {
            None => SupplyReading::NotSensed,
            Some(true) => SupplyReading::Good,
            Some(false) => SupplyReading::Bad,
        };
        let inputs = Inputs {
            now_ns,
            phase: Phase::Run,
            commanded: &commanded,
            acknowledged: &self.acknowledged,
            feedback: &self.feedback,
            supply,
            ambient: None,
        };
        self.guard.arbitrate(&inputs, &mut self.sink);
        let rows = self.ids.iter().zip(&mut self.acknowledged).zip(&mut self.statuses);
        let edges = &mut self.edges;
        for (((id, acknowledged), status), (relay, coil)) in rows.zip(self.relays.iter_mut().zip(&mut self.coils)) {
            *status = self.guard.status(*id);
            *acknowledged = self.guard.state().write(*id);
            if *coil != status.line {
                *coil = status.line;
                relay.advance_with(now_ns, *coil, &mut |edge| edges.push((id.index(), edge)));
            }
        }
    }

    /// The channels after the last scan.
    pub fn statuses(&self) -> &[ChannelStatus] {
        &self.statuses
    }

    /// Lines and contacts as they are now.
    pub fn shown(&self) -> Vec<Shown> {
        let rows = self.statuses.iter().zip(&self.relays);
        rows.map(|(status, relay)| Shown { line: status.on, contact: relay.conducts() }).collect()
    }

    /// Does the contact conduct at a later moment before the next scan?
    pub fn conducts_at(&self, channel: usize, at_ns: u64) -> bool {
        self.relays.get(channel).zip(self.coils.get(channel)).is_some_and(|(relay, coil)| {
            let mut relay = relay.clone();
            relay.advance(at_ns, *coil);
            relay.conducts()
        })
    }

    /// What the read-back of a channel will say of its contact in the next scan.
    pub fn read_back_at(&self, channel: usize, next_ns: u64) -> bool {
        let Some((relay, coil)) = self.relays.get(channel).zip(self.coils.get(channel)) else { return false };
        let mut relay = relay.clone();
        relay.advance(next_ns, *coil);
        let filter = self.filters.get(channel).copied().flatten();
        let level = filter.map_or_else(|| relay.feedback(), |mut filter| filter.sample(relay.feedback(), next_ns));
        let feedback = self.ids.get(channel).and_then(|id| self.map.channels.channel(*id).feedback);
        level != feedback.is_some_and(|feedback| feedback.contact == FeedbackContact::MirrorNc)
    }
}

/// What a program reads of a channel, as the runtime gives it. `wired`: its contact is read back.
const fn shown_to_program(status: &ChannelStatus, wired: bool, value: ChannelValue) -> bool {
    match value {
        ChannelValue::Ready => status.ready,
        ChannelValue::Pending => status.pending.is_some(),
        ChannelValue::Fault => status.fault.is_some() || status.trip.is_some(),
        ChannelValue::Line => status.on,
        ChannelValue::Contact if wired => status.reads_on,
        ChannelValue::Contact => matches!(status.contact, ContactEstimate::Closed),
        ChannelValue::Commanded => status.commanded,
    }
}
