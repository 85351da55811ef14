//! The simulated rack: inputs that people and tests set, outputs that drive simulated relays.
//!
//! Every simulated output drives a [`SimulatedContact`] of its own, seeded from the rack's seed, so that the same seed
//! and the same calls give the same bounces. Feedback inputs are wired to their channel's contact until they are set by
//! hand. Writes are acknowledged at once.

use super::{Driver, IoFault};
use crate::config::{InputId, IoMap, Source};
use relay::contact::{Position, SimulatedContact};
use relay::{ChannelId, Permitted, SplitMix64, WriteId};

pub use relay::contact::{Defect, Edge};

/// What a simulated load contact does.
pub type ContactState = Position;

/// Where a simulated input takes its level from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SimSource {
    /// Set by hand.
    Level(bool),
    /// The auxiliary contact of a channel, as its feedback is wired.
    Feedback(ChannelId),
    /// The load contact of a channel: TRUE while it conducts.
    Contact(ChannelId),
}

/// What is wrong with the wiring of a simulated input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputDefect {
    /// It reads this level whatever happens.
    Stuck(bool),
    /// After each change the level jumps about for so long before it holds.
    Bouncing {
        /// How long, in nanoseconds.
        for_ns: u64,
    },
}

/// A simulated input with a defect.
#[derive(Clone, Debug)]
struct Faulty {
    input: usize,
    defect: InputDefect,
    /// The level it had at the last reading, before the defect.
    level: bool,
    settled_ns: u64,
    generator: SplitMix64,
}

impl Faulty {
    fn read(&mut self, level: bool, now_ns: u64) -> bool {
        match self.defect {
            InputDefect::Stuck(stuck) => stuck,
            InputDefect::Bouncing { for_ns } => {
                if level != self.level {
                    self.level = level;
                    self.settled_ns = now_ns.saturating_add(for_ns);
                }
                if now_ns < self.settled_ns { self.generator.up_to(1) == 1 } else { level }
            }
        }
    }
}

#[derive(Clone, Debug)]
struct Relay {
    contact: SimulatedContact,
    coil: bool,
    simulated: bool,
}

/// The simulated rack of one map.
#[derive(Clone, Debug)]
pub struct Sim {
    /// Parallel to the map's inputs; `None` where the input is not simulated.
    inputs: Vec<Option<SimSource>>,
    /// Parallel to the channels.
    relays: Vec<Relay>,
    /// Inputs with a defect; mostly none.
    faulty: Vec<Faulty>,
    seed: u64,
}

impl Sim {
    /// The rack of a map. `seed` settles every bounce.
    #[must_use]
    pub fn new(map: &IoMap, seed: u64) -> Self {
        let mut generator = SplitMix64::new(seed);
        let relays = map
            .outputs
            .iter()
            .map(|output| Relay {
                contact: SimulatedContact::new(output.model, generator.next_u64()),
                coil: false,
                simulated: !output.is_real(),
            })
            .collect();
        let mut inputs: Vec<Option<SimSource>> = map
            .inputs
            .iter()
            .map(|input| match input.source {
                Source::Sim { initial } => Some(SimSource::Level(initial)),
                Source::Gpio(_) | Source::Expander(_) | Source::Channel(..) => None,
            })
            .collect();
        for (id, output) in map.channels.ids().zip(&map.outputs) {
            let wired = output.feedback.filter(|_| !output.is_real());
            if let Some(Some(source)) = wired.and_then(|input| inputs.get_mut(input.index())) {
                *source = SimSource::Feedback(id);
            }
        }
        Self { inputs, relays, faulty: Vec::new(), seed }
    }

    /// Sets where an input takes its level from. False when the input is not simulated.
    pub fn set_source(&mut self, input: InputId, source: SimSource) -> bool {
        match self.inputs.get_mut(input.index()) {
            Some(Some(to)) => {
                *to = source;
                true
            }
            Some(None) | None => false,
        }
    }

    /// Sets an input. False when it is not simulated.
    pub fn set(&mut self, input: InputId, level: bool) -> bool {
        self.set_source(input, SimSource::Level(level))
    }

    /// Where an input takes its level from; `None` when it is not simulated.
    #[must_use]
    pub fn source(&self, input: InputId) -> Option<SimSource> {
        self.inputs.get(input.index()).copied().flatten()
    }

    /// The level an input has now; `None` when it is not simulated.
    #[must_use]
    pub fn level(&self, input: InputId) -> Option<bool> {
        let relay = |id: ChannelId| self.relays.get(id.index());
        self.source(input).map(|source| match source {
            SimSource::Level(level) => level,
            SimSource::Feedback(id) => relay(id).is_some_and(|r| r.contact.feedback()),
            SimSource::Contact(id) => relay(id).is_some_and(|r| r.contact.conducts()),
        })
    }

    /// Injects a defect into a channel's relay. False when the channel is not simulated.
    pub fn inject(&mut self, channel: ChannelId, defect: Defect) -> bool {
        let relay = self.simulated_mut(channel);
        relay.map(|r| r.contact.inject(defect)).is_some()
    }

    /// Puts a sound relay in. False when the channel is not simulated.
    pub fn repair(&mut self, channel: ChannelId) -> bool {
        let relay = self.simulated_mut(channel);
        relay.map(|r| r.contact.repair()).is_some()
    }

    /// Gives the wiring of an input a defect, or mends it. False when the input is not simulated.
    pub fn set_input_defect(&mut self, input: InputId, defect: Option<InputDefect>) -> bool {
        let Some(level) = self.level(input) else { return false };
        self.faulty.retain(|faulty| faulty.input != input.index());
        if let Some(defect) = defect {
            let number = u64::try_from(input.index()).unwrap_or(u64::MAX);
            let generator = SplitMix64::new(self.seed.wrapping_add(number).rotate_left(17));
            self.faulty.push(Faulty { input: input.index(), defect, level, settled_ns: 0, generator });
        }
        true
    }

    /// The coils lose their voltage: what the controller did last is gone, contacts drop out by their own times.
    pub fn power_off(&mut self, now_ns: u64) {
        for relay in self.relays.iter_mut().filter(|r| r.simulated) {
            relay.coil = false;
            relay.contact.advance(now_ns, false);
        }
    }

    fn simulated_mut(&mut self, channel: ChannelId) -> Option<&mut Relay> {
        self.relays.get_mut(channel.index()).filter(|r| r.simulated)
    }

    /// What the load contact of a channel does; `None` when it is not simulated.
    #[must_use]
    pub fn contact(&self, channel: ChannelId) -> Option<ContactState> {
        self.relays.get(channel.index()).filter(|r| r.simulated).map(|r| r.contact.position())
    }

    /// Does the load contact conduct at this moment, bounce included? `None` when it is not simulated.
    #[must_use]
    pub fn conducts(&self, channel: ChannelId) -> Option<bool> {
        self.relays.get(channel.index()).filter(|r| r.simulated).map(|r| r.contact.conducts())
    }

    /// Lets the contacts move up to a time, and reports every change of a load contact on the way, channel by channel.
    pub fn advance(&mut self, now_ns: u64, mut on_edge: impl FnMut(usize, Edge)) {
        for (index, relay) in self.relays.iter_mut().enumerate().filter(|(_, r)| r.simulated) {
            relay.contact.advance_with(now_ns, relay.coil, &mut |edge| on_edge(index, edge));
        }
    }
}

impl Driver for Sim {
    fn read(&mut self, now_ns: u64, levels: &mut [bool]) -> Result<(), IoFault> {
        self.advance(now_ns, |_, _| ());
        for index in 0..self.inputs.len() {
            let input = InputId(u16::try_from(index).unwrap_or(u16::MAX));
            if let (Some(level), Some(to)) = (self.level(input), levels.get_mut(index)) {
                *to = level;
            }
        }
        for faulty in &mut self.faulty {
            if let Some(to) = levels.get_mut(faulty.input) {
                *to = faulty.read(*to, now_ns);
            }
        }
        Ok(())
    }

    fn write(&mut self, now_ns: u64, permitted: &Permitted, acknowledged: &mut [WriteId]) -> Result<(), IoFault> {
        for write in permitted.due() {
            let index = write.channel.index();
            let Some(relay) = self.relays.get_mut(index).filter(|r| r.simulated) else { continue };
            relay.coil = write.line;
            relay.contact.advance(now_ns, write.line);
            if let Some(to) = acknowledged.get_mut(index) {
                *to = write.id;
            }
        }
        Ok(())
    }

    fn set_input(&mut self, input: InputId, level: bool) -> bool {
        self.set(input, level)
    }

    fn contact(&self, channel: ChannelId) -> Option<ContactState> {
        Self::contact(self, channel)
    }
}
