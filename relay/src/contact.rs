//! The simulated relay: coil level over time in, contact and read-back out.
//!
//! Two stages in a row. The *relay*: its armature follows the coil after pull-in or drop-out time, and after each movement the contact bounces. The *actuator*,
//! where there is one (a contactor): follows the relay's contact after its own times, every bounce starting them anew. The last stage carries the load and
//! the auxiliary contact. Delays are the data sheet's typical figures times a percentage drawn from a range, so that a test can let them lie
//! anywhere between nothing and the margin. Defects can be injected and repaired at any time.
//!
//! Deterministic: same model, seed and calls give the same edges. Event driven: time passes only in [`SimulatedContact::advance`].

use crate::config::{ActuatorConfig, ChannelConfig, FeedbackContact};
use crate::datasheet::{ContactForm, DataSheet};
use crate::prng::SplitMix64;
use serde::{Deserialize, Serialize};

/// Most times a contact leaves its new position again while it bounces.
const BOUNCES_MAX: usize = 3;

/// The physics of one channel's relay and actuator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ContactModel {
    /// Coil on to armature pulled in.
    pub pull_in_ns: u64,
    /// Coil off to armature released.
    pub drop_out_ns: u64,
    /// Longest bounce after a movement.
    pub bounce_ns: u64,
    /// Which contact the load sits on.
    pub form: ContactForm,
    /// What the contact drives in turn.
    pub actuator: Option<ActuatorConfig>,
    /// The auxiliary contact read back.
    pub feedback: FeedbackContact,
    /// Least delay, in percent of the figures above.
    pub delay_min_percent: u32,
    /// Greatest delay, in percent of the figures above.
    pub delay_max_percent: u32,
}

impl ContactModel {
    /// The model of a configured channel with typical delays. Without a data sheet the contact follows at once.
    #[must_use]
    pub fn new(channel: &ChannelConfig, sheet: Option<&DataSheet>) -> Self {
        Self {
            pull_in_ns: sheet.map_or(0, |sheet| sheet.pull_in_time.ns),
            drop_out_ns: sheet.map_or(0, |sheet| sheet.drop_out_time.ns),
            bounce_ns: sheet.map_or(0, |sheet| sheet.bounce_time.ns),
            form: channel.contact,
            actuator: channel.actuator,
            feedback: channel.feedback.unwrap_or_default().contact,
            delay_min_percent: 100,
            delay_max_percent: 100,
        }
    }

    /// The same with every delay anywhere between the two percentages of its typical figure.
    #[must_use]
    pub fn with_delays(self, min_percent: u32, max_percent: u32) -> Self {
        Self { delay_min_percent: min_percent.min(max_percent), delay_max_percent: max_percent, ..self }
    }
}

/// A defect to inject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Defect {
    /// The load contact welds: at once if it is closed, else when it closes next; then it never opens.
    Welded,
    /// The coil is broken: the armature never pulls in.
    OpenCoil,
    /// Every delay is multiplied by this percentage.
    Slow(u32),
    /// The auxiliary contact stays open: its input reads FALSE.
    FeedbackStuckOpen,
    /// The auxiliary contact stays closed: its input reads TRUE.
    FeedbackStuckClosed,
}

/// What the load contact does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Position {
    /// The load is off.
    Open,
    /// The load is on.
    Closed,
    /// It has moved and is still bouncing.
    Bouncing,
}

/// A change of the load contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Edge {
    /// When.
    pub at_ns: u64,
    /// Whether it conducts from then on.
    pub conducting: bool,
}

/// The bounces still to come, earliest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Bounces {
    at_ns: [u64; BOUNCES_MAX * 2],
    next: usize,
    len: usize,
}

impl Bounces {
    fn peek(&self) -> Option<u64> {
        if self.next < self.len { self.at_ns.get(self.next).copied() } else { None }
    }
}

/// A movement that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Move {
    at_ns: u64,
    to: bool,
}

/// One simulated relay with its actuator.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SimulatedContact {
    model: ContactModel,
    generator: SplitMix64,
    now_ns: u64,
    coil: bool,
    /// Armature pulled in.
    armature: bool,
    armature_move: Option<Move>,
    /// Whether the relay's contact conducts at this moment.
    contact: bool,
    bounces: Bounces,
    /// Whether the actuator has pulled in; follows `contact` where there is none.
    actuator: bool,
    actuator_move: Option<Move>,
    /// Whether the load is on, after a weld.
    load: bool,
    welding: bool,
    open_coil: bool,
    slow_percent: u32,
    stuck: Option<bool>,
}

/// The next thing to happen.
enum Next {
    Armature(bool),
    Bounce,
    Actuator(bool),
}

impl SimulatedContact {
    /// A relay at rest with its coil de-energised since long ago.
    #[must_use]
    pub fn new(model: ContactModel, seed: u64) -> Self {
        let conducts = model.form == ContactForm::Nc;
        Self {
            model,
            generator: SplitMix64::new(seed),
            now_ns: 0,
            coil: false,
            armature: false,
            armature_move: None,
            contact: conducts,
            bounces: Bounces::default(),
            actuator: conducts,
            actuator_move: None,
            load: conducts,
            welding: false,
            open_coil: false,
            slow_percent: 100,
            stuck: None,
        }
    }

    /// Injects a defect, as of the time last advanced to.
    pub fn inject(&mut self, defect: Defect) {
        match defect {
            Defect::Welded => self.welding = true,
            Defect::OpenCoil => {
                self.open_coil = true;
                self.drive(self.now_ns);
            }
            Defect::Slow(percent) => self.slow_percent = percent,
            Defect::FeedbackStuckOpen => self.stuck = Some(false),
            Defect::FeedbackStuckClosed => self.stuck = Some(true),
        }
    }

    /// Removes all defects: a new module was put in. What was welded follows its coil again.
    pub fn repair(&mut self) {
        self.welding = false;
        self.open_coil = false;
        self.slow_percent = 100;
        self.stuck = None;
        self.load = self.actuator;
        self.drive(self.now_ns);
    }

    /// Lets time pass up to `now_ns` with the coil as it was, then gives the coil its new level. Time that runs backwards counts as standing still.
    pub fn advance(&mut self, now_ns: u64, coil: bool) {
        self.advance_with(now_ns, coil, &mut |_| ());
    }

    /// Like [`Self::advance`], and reports every change of the load contact on the way.
    pub fn advance_with(&mut self, now_ns: u64, coil: bool, on_edge: &mut impl FnMut(Edge)) {
        let now_ns = now_ns.max(self.now_ns);
        self.run_until(now_ns, on_edge);
        self.now_ns = now_ns;
        if coil != self.coil {
            self.coil = coil;
            self.drive(now_ns);
            self.run_until(now_ns, on_edge);
        }
    }

    /// What the load contact does.
    #[must_use]
    pub fn position(&self) -> Position {
        if self.model.actuator.is_none() && self.bounces.peek().is_some() && !(self.welding && self.load) {
            Position::Bouncing
        } else if self.load {
            Position::Closed
        } else {
            Position::Open
        }
    }

    /// Whether the load contact conducts at this moment, bounce included.
    #[must_use]
    pub fn conducts(&self) -> bool {
        self.load
    }

    /// Level of the feedback input.
    #[must_use]
    pub fn feedback(&self) -> bool {
        self.stuck.unwrap_or(match self.model.feedback {
            FeedbackContact::No => self.load,
            FeedbackContact::MirrorNc => !self.load,
        })
    }

    fn run_until(&mut self, now_ns: u64, on_edge: &mut impl FnMut(Edge)) {
        while let Some((at_ns, next)) = self.next_event().filter(|&(at_ns, _)| at_ns <= now_ns) {
            match next {
                Next::Armature(to) => self.move_armature(at_ns, to),
                Next::Bounce => {
                    self.bounces.next += 1;
                    self.set_contact(at_ns, !self.contact);
                }
                Next::Actuator(to) => {
                    self.actuator_move = None;
                    self.actuator = to;
                }
            }
            let load = self.actuator || (self.welding && self.load);
            if load != self.load {
                self.load = load;
                on_edge(Edge { at_ns, conducting: load });
            }
        }
    }

    fn next_event(&self) -> Option<(u64, Next)> {
        let armature = self.armature_move.map(|due| (due.at_ns, Next::Armature(due.to)));
        let bounce = self.bounces.peek().map(|at_ns| (at_ns, Next::Bounce));
        let actuator = self.actuator_move.map(|due| (due.at_ns, Next::Actuator(due.to)));
        [armature, bounce, actuator].into_iter().flatten().min_by_key(|&(at_ns, _)| at_ns)
    }

    /// The coil's level has changed, or what it can do with it.
    fn drive(&mut self, now_ns: u64) {
        let to = self.coil && !self.open_coil;
        self.armature_move = None;
        if to != self.armature {
            let typical_ns = if to { self.model.pull_in_ns } else { self.model.drop_out_ns };
            let at_ns = now_ns.saturating_add(self.delay(typical_ns));
            self.armature_move = Some(Move { at_ns, to });
        }
    }

    fn move_armature(&mut self, at_ns: u64, to: bool) {
        self.armature_move = None;
        self.armature = to;
        self.bounces = self.draw_bounces(at_ns);
        let conducts = to != (self.model.form == ContactForm::Nc);
        self.set_contact(at_ns, conducts);
    }

    /// The relay's contact has changed at that time; the actuator starts on its way, or turns back.
    fn set_contact(&mut self, at_ns: u64, conducts: bool) {
        self.contact = conducts;
        self.actuator_move = None;
        if conducts == self.actuator {
            return;
        }
        match self.model.actuator {
            None => self.actuator = conducts,
            Some(times) => {
                let typical_ns = if conducts { times.pull_in_ns } else { times.drop_out_ns };
                let at_ns = at_ns.saturating_add(self.delay(typical_ns));
                self.actuator_move = Some(Move { at_ns, to: conducts });
            }
        }
    }

    /// An even number of changes within the bounce time, so that the contact ends where it went.
    fn draw_bounces(&mut self, from_ns: u64) -> Bounces {
        let longest_ns = self.delay(self.model.bounce_ns);
        let mut bounces = Bounces::default();
        if longest_ns == 0 {
            return bounces;
        }
        let most = u64::try_from(BOUNCES_MAX).unwrap_or(1);
        bounces.len = usize::try_from(self.generator.up_to(most)).unwrap_or(0) * 2;
        for at_ns in bounces.at_ns.iter_mut().take(bounces.len) {
            *at_ns = from_ns.saturating_add(self.generator.up_to(longest_ns));
        }
        if let Some(times) = bounces.at_ns.get_mut(..bounces.len) {
            times.sort_unstable();
        }
        bounces
    }

    /// A delay drawn for this movement.
    fn delay(&mut self, typical_ns: u64) -> u64 {
        let ContactModel { delay_min_percent: min, delay_max_percent: max, .. } = self.model;
        let percent = u64::from(min) + if max > min { self.generator.up_to(u64::from(max - min)) } else { 0 };
        let scaled = u128::from(typical_ns) * u128::from(percent) * u128::from(self.slow_percent) / 10_000;
        u64::try_from(scaled).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests;
