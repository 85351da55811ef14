//! What is asked of a guard and its contacts without anybody asking, and the answers.
//!
//! Everything is free: commands, feedback, when the driver completes a write, and the supply where it is sensed. So it holds whatever
//! the program does, one without any lock of its own included. Only groups with two members on normally open contacts claim to
//! exclude each other.

use super::clock::{Clock, over};
use super::known::{self, Cells};
use super::replay::{Real, Seen};
use super::{Lines, alone};
use crate::check;
use crate::engine::bounded::Trace;
use crate::engine::portfolio::{self, Argument, Verdict};
use crate::engine::random;
use crate::graph::Lit;
use crate::model::Model;
use crate::sat::Limit;
use crate::sim::Simulation;
use crate::system::{Question, System};
use relay::quantity::Duration as Time;
use relay::{ChannelTable, ContactForm, GroupId};
use std::time::{Duration, Instant};

/// Something claimed of a guard.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Its name.
    pub id: String,
    /// As a sentence.
    pub says: String,
    /// What shall never be.
    pub bad: Lit,
    /// What must be possible, or the claim says nothing.
    premises: Vec<Lit>,
}

/// An answer about a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It holds.
    Proved(Argument),
    /// It holds for nothing: a contact it speaks of can never close.
    Vacuous,
    /// It can be broken, in so many scans. The real guard does so, too.
    Refuted(u64),
    /// Not known.
    Unknown(String),
}

/// A claim with its answer.
#[derive(Clone, Debug)]
pub struct Answered {
    /// Its name.
    pub id: String,
    /// As a sentence.
    pub says: String,
    /// The answer.
    pub answer: Answer,
    /// Time it took.
    pub took: Duration,
}

/// Scans of random runs in which a premise may turn out to be met.
const PREMISE_SCANS: usize = 2_000;
/// Scans of a way that are run again on the real guard.
const REPLAY_MAX: u64 = 20_000_000;

/// A guard with what is claimed of it.
#[derive(Debug)]
pub struct Guarded<'a> {
    table: &'a ChannelTable,
    tick_ns: u64,
    sensed: bool,
    model: Model,
    lines: Lines,
    claims: Vec<Claim>,
}

impl<'a> Guarded<'a> {
    /// The guard of a bank, with everything free. `sensed`: its supply is.
    #[must_use]
    pub fn new(table: &'a ChannelTable, tick_ns: u64, sensed: bool) -> Self {
        let (mut model, lines) = alone(table, tick_ns, sensed);
        let claims = claims(&mut model, table, &lines, tick_ns);
        // Now every clock knows how far it counts.
        let lemmas = known::apart(&model, table, &lines);
        model.advice.lemmas.extend(lemmas);
        Self { table, tick_ns, sensed, model, lines, claims }
    }

    /// Number of claims.
    #[must_use]
    pub fn len(&self) -> usize {
        self.claims.len()
    }

    /// Is nothing claimed?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.claims.is_empty()
    }

    /// The names of all claims.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.claims.iter().map(|claim| claim.id.as_str())
    }

    /// The model and what leaves it.
    #[must_use]
    pub fn parts(&self) -> (&Model, &Lines) {
        (&self.model, &self.lines)
    }

    /// Answers a claim by its number.
    #[must_use]
    pub fn answer(&self, number: usize, limit: &Limit) -> Option<Answered> {
        let claim = self.claims.get(number)?;
        let began = Instant::now();
        let constraint = self.model.assumed;
        let system = System::new(&self.model, Question { bad: claim.bad, constraint });
        let answer = match portfolio::decide(&system, limit) {
            Verdict::Proved(certificate) => match check::check(&system, &certificate, limit) {
                Ok(()) if self.all_met(&claim.premises, limit) => Answer::Proved(certificate.argument),
                Ok(()) => Answer::Vacuous,
                Err(rejected) => Answer::Unknown(format!("the proof was not accepted: {rejected}")),
            },
            Verdict::Broken(trace) => match self.confirmed(&system, claim, &trace) {
                Ok(()) => Answer::Refuted(trace.scans()),
                Err(why) => Answer::Unknown(why),
            },
            Verdict::Unknown { steps, .. } => Answer::Unknown(format!("it cannot be broken within {steps} events")),
        };
        Some(Answered { id: claim.id.clone(), says: claim.says.clone(), answer, took: began.elapsed() })
    }

    /// Can all of these be?
    fn all_met(&self, premises: &[Lit], limit: &Limit) -> bool {
        premises.iter().all(|lit| {
            let system = System::new(&self.model, Question { bad: *lit, constraint: self.model.assumed });
            random::breaks(&system, PREMISE_SCANS)
                || !matches!(portfolio::decide(&system, limit), Verdict::Proved(certificate)
                    if check::check(&system, &certificate, limit).is_ok())
        })
    }

    /// Runs a way on the model and on the real guard.
    fn confirmed(&self, system: &System, claim: &Claim, trace: &Trace) -> Result<(), String> {
        if trace.scans() > REPLAY_MAX {
            return Err(format!("a way of {} scans was found, too long to be run again", trace.scans()));
        }
        let mut simulation = Simulation::new(&self.model);
        let mut real = Real::new(self.table, self.tick_ns);
        let mut scan = 0u64;
        for step in trace.walk() {
            let mut inputs = vec![false; self.model.inputs.len()];
            for (number, value) in system.inputs.iter().zip(&step.inputs) {
                if let Some(input) = inputs.get_mut(*number as usize) {
                    *input = *value;
                }
            }
            let seen = Seen::new(&inputs, self.table.len(), self.sensed);
            for _ in 0..step.scans {
                scan += 1;
                simulation.step(|number| inputs.get(number as usize).copied().unwrap_or(false));
                let is = real.step(&seen);
                let on = self.lines.on.iter().map(|lit| simulation.value(*lit));
                if !on.eq(is.on.iter().copied()) {
                    return Err(format!("the guard itself does something else in scan {scan} of the way found"));
                }
            }
        }
        if simulation.value(claim.bad) { Ok(()) } else { Err("the way found breaks nothing".to_owned()) }
    }
}

/// Whether members of the group are meant to exclude each other by their contacts.
fn excludes(table: &ChannelTable, group: GroupId) -> bool {
    let members = table.group(group).members();
    members.len() > 1 && members.iter().all(|id| table.channel(*id).contact == ContactForm::No)
}

fn claims(model: &mut Model, table: &ChannelTable, lines: &Lines, tick_ns: u64) -> Vec<Claim> {
    let mut claims = Vec::new();
    for id in table.group_ids().filter(|id| excludes(table, *id)) {
        let group = table.group(id);
        let members: Vec<usize> = group.members().iter().map(|m| m.index()).collect();
        let names: Vec<&str> = group.members().iter().map(|m| table.channel(*m).name.as_str()).collect();
        let names = names.join(", ");
        let (together, early) = group_bad(model, lines, &members, group.dead_time_ns);
        let premises: Vec<Lit> = members.iter().filter_map(|m| lines.on.get(*m)).copied().collect();
        let name = &group.name;
        claims.push(Claim {
            id: format!("contacts-{name}"),
            says: format!("never two contacts of {names} closed, whatever is commanded"),
            bad: together,
            premises: premises.clone(),
        });
        let dead = Time::from_ns(group.dead_time_ns);
        claims.push(Claim {
            id: format!("contacts-{name}-dead-time"),
            says: format!("no contact of {names} closes before the others have been open for {dead}"),
            bad: early,
            premises,
        });
    }
    for id in table.ids() {
        let channel = table.channel(id);
        let (Some(on), Some(was_on)) = (lines.on.get(id.index()), lines.was_on.get(id.index())) else { continue };
        if channel.windows.min_off_ns > 0 {
            let least = Time::from_ns(channel.windows.min_off_ns);
            claims.push(Claim {
                id: format!("contact-{}-least-off", channel.name),
                says: format!("{} stays off for at least {least}", channel.name),
                bad: too_short(
                    model,
                    (lines.cells.get(id.index()), *was_on, *on),
                    over(channel.windows.min_off_ns, tick_ns),
                ),
                premises: vec![*on],
            });
        }
    }
    let late: Vec<Lit> = (0u32..)
        .zip(&lines.on)
        .filter_map(|(number, on)| {
            let command = model.graph.find(crate::graph::Leaf::Input(number))?;
            Some(model.graph.and(*on, !command))
        })
        .collect();
    let bad = model.graph.any(late);
    let says = "what is commanded off is switched off in the same scan".to_owned();
    claims.push(Claim { id: "off-at-once".to_owned(), says, bad, premises: lines.on.clone() });
    claims
}

/// Two contacts may conduct; one is switched on before another one has been open for the dead time.
fn group_bad(model: &mut Model, lines: &Lines, members: &[usize], dead_time_ns: u64) -> (Lit, Lit) {
    let (mut together, mut early) = (Lit::FALSE, Lit::FALSE);
    for one in members {
        for other in members.iter().filter(|other| *other != one) {
            let (Some(a), Some(b)) = (lines.contacts.get(*one), lines.contacts.get(*other)) else { continue };
            let on = lines.on.get(*one).copied().unwrap_or(Lit::FALSE);
            let both = model.graph.and(a.closed, b.closed);
            together = model.graph.or(together, both);
            let recent = b.closed_within(model, dead_time_ns);
            let soon = model.graph.and(on, recent);
            early = model.graph.or(early, soon);
        }
    }
    (together, early)
}

/// It is switched on before it was off for so many scans.
fn too_short(model: &mut Model, (cells, was_on, on): (Option<&Cells>, Lit, Lit), scans: u64) -> Lit {
    let clock = Clock::new(model);
    let off = super::cell(model, false);
    let ends = model.graph.and(was_on, !on);
    let long = clock.at_least(model, Lit::FALSE, scans);
    model.advice.lemmas.extend(cells.map(|cells| known::never_behind(model, clock, cells.since_acked)));
    clock.drive(model, ends);
    let next = model.graph.or(off.now, ends);
    super::set(model, off, next);
    let begins = model.graph.and(!was_on, on);
    model.graph.all([off.now, begins, !long])
}
