//! Port expanders on I2C and SPI: inputs, and outputs that the guard need not watch.
//!
//! Bus traffic takes milliseconds and may hang, so it is not the scan's: one *bus thread* for each bus reads every chip
//! at its poll time (`bus`) and shares levels with their time through atomics (`shared`). The scan looks at them
//! without a lock and without a wait. Levels older than the chip's `max_age`, and those of a chip that failed, read as the
//! de-energised value: FALSE, never the last one.
//!
//! Outputs go the other way: the scan asks, the bus thread writes at its next poll and confirms by number, and only then
//! does the guard get its acknowledgement. When a chip was started anew (its supply came back), its outputs are off, and
//! those that were on stay off until the guard permits a new ON; a channel with `restart: auto` is switched on again.
//!
//! At an ordered stop the bus threads write OFF and end. What nothing here can do: after the death of this process a chip
//! keeps its levels. That is why outputs with a relay, an interlock, a feedback or `safe: on` are refused when a map is
//! checked; they belong on a chip with a kernel driver, whose lines the guardian holds.
//!
//! The chips are driven by register tables of this room ([`kind`], [`chip`]) rather than by a library: see ARCHITECTURE.md.

pub mod access;
mod bus;
pub mod chip;
mod error;
pub mod kind;
mod open;
mod shared;

pub use bus::Polled;
pub use error::ExpanderError;
pub use kind::{BusKind, ExpanderKind, Registers};
pub use shared::Counters;

use super::{Driver, ExpanderCode, IoFault};
use crate::clock::{Clock, MonotonicClock};
use crate::config::{ExpanderLine, InputId, IoMap, Source};
use chip::Chip;
use relay::{ChannelId, Permitted, Restart, WriteId};
use shared::{Request, Shared};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

/// How long an ordered end waits for a bus thread to write OFF; one that hangs in the kernel is left behind.
const END_LIMIT: Duration = Duration::from_secs(1);

/// What a chip does, as the scan sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExpanderState {
    /// Its levels are younger than `max_age`.
    #[default]
    Working,
    /// It does not answer: the system's error number.
    Failed(i32),
    /// It answers, but not as the chip that was set up, and setting it up again did not help.
    Lost,
    /// Its levels are older than `max_age`: the bus is too slow, or hangs.
    Late,
}

impl ExpanderState {
    /// What is told when a chip comes to this state.
    #[must_use]
    pub const fn code(self) -> ExpanderCode {
        match self {
            Self::Working => ExpanderCode::Back,
            Self::Failed(_) => ExpanderCode::Failed,
            Self::Lost => ExpanderCode::Lost,
            Self::Late => ExpanderCode::Late,
        }
    }
}

/// State and counters of a chip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExpanderStatus {
    /// What it does.
    pub state: ExpanderState,
    /// Readings and failures since the start of the run.
    pub counters: Counters,
}

/// An output on a chip, as the scan keeps it.
#[derive(Clone, Copy, Debug)]
struct Output {
    channel: ChannelId,
    line: ExpanderLine,
    /// Switched on again by itself after the chip came back.
    auto: bool,
    /// The write asked for last.
    id: WriteId,
    /// Number of the request that carries it; `None` once it was acknowledged.
    waits_for: Option<u32>,
}

/// A chip as the scan keeps it.
#[derive(Debug)]
struct Seen {
    shared: Arc<Shared>,
    inputs: Vec<(InputId, ExpanderLine)>,
    outputs: Vec<Output>,
    max_age_ns: u64,
    rest: u16,
    request: Request,
}

/// All port expanders of a map: the scan's side.
#[derive(Debug)]
pub struct Expanders<C = MonotonicClock> {
    clock: C,
    chips: Vec<Seen>,
    statuses: Vec<ExpanderStatus>,
    /// One message, or an end, for each bus thread that has ended.
    threads: Vec<Receiver<()>>,
}

impl Expanders {
    /// No port expander at all.
    #[must_use]
    pub fn none() -> Self {
        Self { clock: MonotonicClock::start(), chips: Vec::new(), statuses: Vec::new(), threads: Vec::new() }
    }

    /// Opens the buses of a map, sets every chip up with its outputs off, reads each once and starts the bus threads.
    ///
    /// # Errors
    /// The first bus or chip that cannot be had, with the reason and the remedy.
    pub fn open(map: &IoMap, permitted: &Permitted) -> Result<Self, super::OpenError> {
        if map.expanders.is_empty() {
            return Ok(Self::none());
        }
        let clock = MonotonicClock::start();
        let mut expanders = Self::new(map, permitted, clock);
        let mut buses = open::open(map, &expanders.chips)?;
        open::exchange_once(map, &mut buses, &clock)?;
        expanders.threads = open::start(buses, clock)?;
        Ok(expanders)
    }
}

impl<C: Clock> Expanders<C> {
    /// The scan's side alone.
    fn new(map: &IoMap, permitted: &Permitted, clock: C) -> Self {
        let chips: Vec<Seen> = map.expanders.iter().map(|_| Seen::default()).collect();
        let statuses = vec![ExpanderStatus::default(); chips.len()];
        let mut expanders = Self { clock, chips, statuses, threads: Vec::new() };
        for (to, from) in expanders.chips.iter_mut().zip(&map.expanders) {
            to.max_age_ns = from.max_age_ns;
        }
        for (id, input) in map.input_ids().zip(&map.inputs) {
            if let Source::Expander(line) = &input.source
                && let Some(chip) = expanders.chips.get_mut(usize::from(line.device))
            {
                chip.inputs.push((id, *line));
            }
        }
        for (channel, output) in map.channels.ids().zip(&map.outputs) {
            if let Some(line) = output.expander
                && let Some(chip) = expanders.chips.get_mut(usize::from(line.device))
            {
                let auto = map.channels.channel(channel).restart == Restart::Auto;
                chip.outputs.push(Output { channel, line, auto, id: WriteId::NONE, waits_for: None });
                line.put(&mut chip.rest, permitted.channel(channel).line);
                chip.request.levels = chip.rest;
            }
        }
        expanders
    }

    /// The scan's side, and its chips on accesses of the caller's, in the order of [`IoMap::expanders`]: whoever has them exchanges when they like, without a
    /// bus and its thread. For trials.
    #[must_use]
    pub fn by_hand<A: access::Access>(
        map: &IoMap,
        permitted: &Permitted,
        clock: C,
        accesses: impl IntoIterator<Item = A>,
    ) -> (Self, Vec<Polled<A>>) {
        let expanders = Self::new(map, permitted, clock);
        let chips = map.expanders.iter().zip(&expanders.chips).zip(accesses);
        let polled = chips.map(|((expander, seen), access)| {
            Polled::new(access, seen.chip(expander.kind), Arc::clone(&seen.shared), expander.poll_ns, seen.rest)
        });
        let polled = polled.collect();
        (expanders, polled)
    }

    /// State and counters of each chip, in the order of [`IoMap::expanders`], as of the last reading.
    #[must_use]
    pub fn statuses(&self) -> &[ExpanderStatus] {
        &self.statuses
    }
}

impl Default for Seen {
    fn default() -> Self {
        let request = Request { number: 0, start: 0, levels: 0 };
        let (inputs, outputs) = (Vec::new(), Vec::new());
        Self { shared: Arc::default(), inputs, outputs, max_age_ns: 0, rest: 0, request }
    }
}

impl Seen {
    /// The chip's lines as the map uses them.
    fn chip(&self, kind: ExpanderKind) -> Chip {
        let outputs = self.outputs.iter().fold(0, |mask, output| mask | output.line.bit());
        let pull_ups = self.inputs.iter().filter(|(_, line)| line.pull_up).fold(0, |mask, (_, line)| mask | line.bit());
        Chip { kind, outputs, pull_ups }
    }

    fn read(&self, now_ns: u64, levels: &mut [bool]) -> ExpanderStatus {
        let sample = self.shared.sample();
        let fresh = sample.filter(|(at_ns, _)| now_ns.saturating_sub(*at_ns) <= self.max_age_ns);
        for (input, line) in &self.inputs {
            if let Some(to) = levels.get_mut(input.index()) {
                *to = fresh.is_some_and(|(_, levels)| line.get(levels));
            }
        }
        let state = match (fresh, self.shared.trouble()) {
            (Some(_), _) => ExpanderState::Working,
            (None, 0) => ExpanderState::Late,
            (None, shared::LOST) => ExpanderState::Lost,
            (None, errno) => ExpanderState::Failed(errno),
        };
        ExpanderStatus { state, counters: self.shared.counters() }
    }

    fn write(&mut self, permitted: &Permitted, acknowledged: &mut [WriteId]) {
        if self.outputs.is_empty() {
            return;
        }
        let start = self.shared.start();
        let mut changed = false;
        if start != self.request.start {
            // Every output is off now. What waits for its acknowledgement is a command of this moment and is asked for
            // again; what was on already must not come back by itself.
            changed = true;
            self.request.start = start;
            for output in &self.outputs {
                if output.waits_for.is_none() && !output.auto {
                    output.line.copy(&mut self.request.levels, self.rest);
                }
            }
        }
        for output in &mut self.outputs {
            let write = permitted.channel(output.channel);
            if write.due && write.id != output.id {
                output.id = write.id;
                output.waits_for = Some(self.request.number.wrapping_add(1));
                output.line.put(&mut self.request.levels, write.line);
                changed = true;
            }
        }
        if changed {
            self.request.number = self.request.number.wrapping_add(1);
            self.shared.ask(self.request);
        }
        let done = self.shared.done();
        for output in &mut self.outputs {
            // Numbers count around: the half behind `done` has been carried out.
            let carried_out = output.waits_for.is_some_and(|number| done.wrapping_sub(number) < u32::MAX / 2);
            if carried_out && let Some(to) = acknowledged.get_mut(output.channel.index()) {
                *to = output.id;
                output.waits_for = None;
            }
        }
    }
}

impl<C: Clock> Driver for Expanders<C> {
    fn read(&mut self, _now_ns: u64, levels: &mut [bool]) -> Result<(), IoFault> {
        if self.chips.is_empty() {
            return Ok(());
        }
        // The age is told on the bus threads' own clock: samples have its time.
        let now_ns = self.clock.now_ns();
        for (chip, status) in self.chips.iter().zip(&mut self.statuses) {
            let new = chip.read(now_ns, levels);
            let became_late = new.state == ExpanderState::Late && status.state != ExpanderState::Late;
            let late = status.counters.late.saturating_add(u32::from(became_late));
            *status = ExpanderStatus { state: new.state, counters: Counters { late, ..new.counters } };
        }
        Ok(())
    }

    fn write(&mut self, _now_ns: u64, permitted: &Permitted, acknowledged: &mut [WriteId]) -> Result<(), IoFault> {
        for chip in &mut self.chips {
            chip.write(permitted, acknowledged);
        }
        Ok(())
    }

    fn expanders(&self) -> &[ExpanderStatus] {
        &self.statuses
    }
}

impl<C> Drop for Expanders<C> {
    /// Every output off, then the bus threads end.
    fn drop(&mut self) {
        for chip in &self.chips {
            chip.shared.stop();
        }
        for thread in &self.threads {
            // An error says that the thread has ended: what is waited for.
            let _ = thread.recv_timeout(END_LIMIT);
        }
    }
}

#[cfg(test)]
mod tests;
