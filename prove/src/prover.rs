//! From a program and its properties to answers.
//!
//! Owns [`Prover`]. Every proof is checked by [`crate::check`] before it is reported, and every way to break a property is
//! run again on the model, scan by scan; the caller replays it on the engine that runs plants before anybody sees it.

use crate::check;
use crate::condition::{Condition, Fault, View};
use crate::engine::bounded::Trace;
use crate::engine::laps::{self, Lap};
use crate::engine::portfolio::{self, Argument, Certificate, Verdict};
use crate::engine::random;
use crate::graph::Lit;
use crate::guard::composed::compose;
use crate::guard::follow::Reach;
use crate::guard::wired::{Contacts, Wired};
use crate::hash::FastMap;
use crate::model::{Input, Model, Schedule, Source, Start};
use crate::names::{ChannelLits, Names};
use crate::property::{BadProperty, Behind, Kind, Prepared, Property};
use crate::refusal::Refusal;
use crate::sat::Limit;
use crate::system::{Question, System};
use bytecode::Image;
use compiler::hir::Program;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What is asked.
#[derive(Clone, Debug)]
pub struct Options {
    /// Longest time for one property.
    pub time_limit: Duration,
    /// Raised from outside where memory runs short: the search ends as soon as it sees it.
    pub stop: Option<Arc<AtomicBool>>,
    /// How long premises are looked at; `None`: as long as the proof took, and half a second at least, because a remark must not
    /// take much longer than the proof it belongs to. On a busy machine it then depends on the load what is found.
    pub premise_limit: Option<Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Self { time_limit: Duration::from_secs(30), stop: None, premise_limit: None }
    }
}

impl Options {
    /// Was the search ended from outside?
    fn stopped(&self) -> bool {
        self.stop.as_ref().is_some_and(|stop| stop.load(Ordering::Relaxed))
    }
}

/// Bits set from outside before a scan: which bit of the data, and its value.
pub type Setting = (usize, bool);

/// A sequence of inputs, by bits of the data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// Retained bits before the first scan.
    pub starts: Vec<Setting>,
    /// Inputs that matter, and for how many scans.
    pub steps: Vec<(Vec<Setting>, u64)>,
    /// Steps that are gone through several times; in order, and without a step in common.
    pub laps: Vec<Lap>,
    /// Step by step what else is free: by number of the model's input.
    pub others: Vec<Vec<(u32, bool)>>,
    /// No way with as few events is shorter.
    pub shortest: bool,
    /// It rests on values that are not computed, so it may not be one.
    pub approximate: bool,
}

impl Way {
    /// Number of scans.
    #[must_use]
    pub fn scans(&self) -> u64 {
        let steps: Vec<u64> = self.steps.iter().map(|(_, scans)| *scans).collect();
        laps::scans(&steps, &self.laps)
    }

    /// The numbers of all steps as often as they are done, and whether it belongs to a lap gone through before.
    pub fn walk(&self) -> impl Iterator<Item = (usize, bool)> {
        laps::walk(self.steps.len(), &self.laps)
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It holds, whatever the inputs do.
    Proved {
        /// What carries the proof.
        argument: Argument,
        /// The proof.
        certificate: Certificate,
    },
    /// It holds for nothing: this can never be.
    Vacuous {
        /// What can never be.
        premise: String,
    },
    /// It can be broken.
    Refuted(Way),
    /// It can be reached ([`Kind::Reachable`]).
    Reached(Way),
    /// It can never be reached ([`Kind::Reachable`]).
    Unreachable {
        /// What carries the proof.
        argument: Argument,
        /// The proof.
        certificate: Certificate,
    },
    /// Not known.
    Unknown {
        /// Why, and what was reached.
        why: String,
    },
}

/// How large the question was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Latches in the cone.
    pub latches: usize,
    /// Counters in the cone.
    pub counters: usize,
    /// Inputs in the cone.
    pub inputs: usize,
    /// Nodes in the cone.
    pub nodes: usize,
}

/// An answer with what belongs to it.
#[derive(Clone, Debug)]
pub struct Report {
    /// The property.
    pub property: Property,
    /// The answer.
    pub answer: Answer,
    /// Time it took.
    pub took: Duration,
    /// The size of the question.
    pub size: Size,
    /// The question itself.
    pub system: Option<System>,
    /// The property is broken (reached) in a scan.
    pub bad: Lit,
    /// Its conditions, with their words.
    pub conditions: Vec<(String, Lit)>,
    /// Premises of which it is not known whether they can be met.
    pub open_premises: Vec<String>,
    /// The contacts it is about; `None`: it names no relay, and is about the program alone.
    pub contacts: Option<Contacts>,
}

/// What is asked, of what.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a, 'q> {
    /// The typed program.
    pub program: &'q Program,
    /// Its image.
    pub image: &'a Image,
    /// When what runs.
    pub schedule: &'q Schedule,
    /// What shall hold.
    pub properties: &'q [Property],
    /// What the plant excludes.
    pub assume: &'q [String],
    /// The relays it is wired to; `None`: it has no I/O map.
    pub wired: Option<&'a Wired<'a>>,
    /// The contacts properties are about that do not say it.
    pub contacts: Contacts,
}

/// A system that is asked: the program alone, or behind the guard.
#[derive(Debug)]
struct Ground {
    model: Model,
    channels: Vec<ChannelLits>,
    reaches: Vec<Reach>,
    constraint: Lit,
    /// Premises already looked at, with the constraint they were looked at under: can they be met?
    met: FastMap<(Lit, Lit), bool>,
}

impl Ground {
    fn new(model: Model, channels: Vec<ChannelLits>, reaches: Vec<Reach>) -> Self {
        let mut model = model;
        // A scan with a fault commits nothing and is the last one.
        let fault = model.fault();
        let constraint = model.graph.and(model.assumed, !fault);
        Self { model, channels, reaches, constraint, met: FastMap::default() }
    }
}

/// A program whose properties can be asked.
#[derive(Debug)]
pub struct Prover<'a> {
    names: Names<'a>,
    wired: Option<&'a Wired<'a>>,
    contacts: Contacts,
    alone: Ground,
    /// With the guard, for each kind of contacts as soon as somebody asks; and whether contactors move once.
    composed: FastMap<(Contacts, bool), Ground>,
    prepared: Vec<Prepared>,
}

/// Why nothing can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The program does something that is not modelled.
    Program(Refusal),
    /// A property or assumption is wrong.
    Property(BadProperty),
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Program(refusal) => refusal.fmt(f),
            Self::Property(bad) => bad.fmt(f),
        }
    }
}

impl<'a> Prover<'a> {
    /// Reads properties and models the program, apart from any relay.
    ///
    /// # Errors
    /// Something is not modelled, or a property is wrong.
    pub fn new(
        program: &Program,
        image: &'a Image,
        schedule: &Schedule,
        properties: &[Property],
        assume: &[String],
    ) -> Result<Self, Problem> {
        Self::of(&Asking { program, image, schedule, properties, assume, wired: None, contacts: Contacts::Worst })
    }

    /// Reads properties and models the program.
    ///
    /// # Errors
    /// Something is not modelled, or a property is wrong.
    pub fn of(asking: &Asking<'a, '_>) -> Result<Self, Problem> {
        let Asking { program, image, schedule, wired, .. } = *asking;
        let names = Names { image, channels: wired.map(|wired| wired.table) };
        let prepared: Result<Vec<Prepared>, BadProperty> =
            asking.properties.iter().map(|p| Prepared::new(p, names)).collect();
        let prepared = prepared.map_err(Problem::Property)?;
        let assumed = asking.assume.iter().map(|text| assumption(text, names)).collect::<Result<Vec<_>, _>>();
        let assumed = assumed.map_err(Problem::Property)?;
        let conditions = prepared.iter().flat_map(|p| &p.conditions).chain(&assumed);
        let mut watched: Vec<(u32, u32)> = conditions.flat_map(|c| c.places(image)).collect();
        if let Some(wired) = wired.filter(|_| prepared.iter().any(Prepared::asks_relays)) {
            watched.extend(wired.channels.iter().filter_map(|c| Some((u32::try_from(c.output / 8).ok()?, 1))));
        }
        let source = Source { program, image, schedule, watched: &watched, free: &[] };
        let mut model = Model::new(&source).map_err(Problem::Program)?;
        for condition in &assumed {
            let lit = condition.lit(&mut model.graph, View { after: &model.after, channels: &[], names });
            let lit = lit.map_err(|fault| Problem::Property(bad_assumption(&condition.text, fault)))?;
            model.assumed = model.graph.and(model.assumed, lit);
        }
        let (alone, composed) = (Ground::new(model, Vec::new(), Vec::new()), FastMap::default());
        Ok(Self { names, wired, contacts: asking.contacts, alone, composed, prepared })
    }

    /// The model of the program.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.alone.model
    }

    /// The model an answer is about, and its channels; of the program alone none.
    #[must_use]
    pub fn ground(&self, report: &Report) -> (&Model, &[ChannelLits]) {
        let ground = report
            .contacts
            .and_then(|contacts| self.composed.get(&(contacts, lasts(&report.property))))
            .unwrap_or(&self.alone);
        (&ground.model, &ground.channels)
    }

    /// Number of properties.
    #[must_use]
    pub fn len(&self) -> usize {
        self.prepared.len()
    }

    /// Are there no properties?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.prepared.is_empty()
    }

    /// Answers a property by its number.
    ///
    /// # Errors
    /// It cannot be computed.
    pub fn answer(&mut self, number: usize, options: &Options) -> Result<Option<Report>, BadProperty> {
        let began = Instant::now();
        let Some(prepared) = self.prepared.get(number) else { return Ok(None) };
        let behind = self.wired.filter(|_| prepared.asks_relays());
        let contacts = behind.map(|_| prepared.property.contacts.unwrap_or(self.contacts));
        let ground = match behind.zip(contacts) {
            Some((wired, contacts)) => {
                self.composed.entry((contacts, lasts(&prepared.property))).or_insert_with(|| {
                    let composed = compose(&self.alone.model, wired, contacts, lasts(&prepared.property));
                    Ground::new(composed.model, composed.channels, composed.reaches)
                })
            }
            None => &mut self.alone,
        };
        let behind = Behind { channels: &ground.channels, reaches: &ground.reaches };
        let asked = ground.model.ask(prepared, self.names, behind, ground.constraint)?;
        let limit =
            Limit { deadline: began.checked_add(options.time_limit), stops: options.stop.iter().cloned().collect() };
        // Where a loop goes on beyond what was followed, nothing is proved.
        let bad = ground.model.graph.or(asked.question.bad, ground.model.beyond);
        let question = Question { bad, ..asked.question };
        let system = System::new(&ground.model, question);
        let size = Size {
            latches: system.latches.len(),
            counters: system.counters.len(),
            inputs: system.inputs.len(),
            nodes: system.graph.len(),
        };
        let verdict = portfolio::decide(&system, &limit);
        let reach = matches!(prepared.property.kind, Kind::Reachable { .. });
        let mut open_premises = Vec::new();
        let answer = match verdict {
            Verdict::Broken(trace) => {
                let way = ground.way(&system, &trace);
                if reach { Answer::Reached(way) } else { Answer::Refuted(way) }
            }
            Verdict::Unknown { steps, gave_up } => Answer::Unknown { why: unknown(steps, gave_up, options) },
            Verdict::Proved(certificate) => {
                let checked = check::check(&system, &certificate, &limit);
                match checked {
                    Err(_) if options.stopped() => {
                        Answer::Unknown { why: "the memory limit ended the check of the proof".to_owned() }
                    }
                    Err(rejected) => Answer::Unknown { why: format!("the proof was not accepted: {rejected}") },
                    Ok(()) if reach => Answer::Unreachable { argument: certificate.argument, certificate },
                    Ok(()) => match ground.hollow(
                        &asked.premises,
                        question.constraint,
                        &limit.until(premises_until(began, options)),
                        &mut open_premises,
                    ) {
                        Some(premise) => Answer::Vacuous { premise },
                        None => Answer::Proved { argument: certificate.argument, certificate },
                    },
                }
            }
        };
        let took = began.elapsed();
        Ok(Some(Report {
            property: prepared.property.clone(),
            answer,
            took,
            size,
            system: Some(system),
            bad: asked.broken,
            conditions: asked.conditions,
            open_premises,
            contacts,
        }))
    }
}

/// Does it ask how long something lasts? Then it matters that a contactor moves once.
const fn lasts(property: &Property) -> bool {
    matches!(property.kind, Kind::Holds { .. })
}

/// Reads what the plant excludes.
fn assumption(text: &str, names: Names<'_>) -> Result<Condition, BadProperty> {
    let condition = Condition::parse(text, names).map_err(|fault| bad_assumption(text, fault))?;
    if condition.members.is_empty() {
        return Ok(condition);
    }
    let message = "an assumption says what the plant excludes, and this one speaks of relays".to_owned();
    let help = "relays are modelled by their data sheets; name inputs and variables of the program here".to_owned();
    Err(bad_assumption(text, Fault { offset: 0, message, help }))
}

fn bad_assumption(text: &str, fault: Fault) -> BadProperty {
    BadProperty { id: "assume".to_owned(), text: text.to_owned(), fault }
}

impl Ground {
    /// A premise that can never be met, if there is one.
    fn hollow(
        &mut self,
        premises: &[(String, Lit)],
        constraint: Lit,
        limit: &Limit,
        open: &mut Vec<String>,
    ) -> Option<String> {
        for (text, lit) in premises {
            let known = self.met.get(&(*lit, constraint)).copied();
            match known.or_else(|| self.can_be(*lit, constraint, limit)) {
                Some(met) => {
                    self.met.insert((*lit, constraint), met);
                    if !met {
                        return Some(text.clone());
                    }
                }
                None => open.push(text.clone()),
            }
        }
        None
    }

    /// Can this ever hold after a scan? `None`: not known.
    fn can_be(&self, lit: Lit, constraint: Lit, limit: &Limit) -> Option<bool> {
        let system = System::new(&self.model, Question { bad: lit, constraint });
        // Which way leads there does not matter: random runs are enough where they find one.
        if random::breaks(&system, PREMISE_SCANS) {
            return Some(true);
        }
        match portfolio::decide(&system, limit) {
            Verdict::Broken(_) => Some(true),
            Verdict::Proved(certificate) => check::check(&system, &certificate, limit).is_ok().then_some(false),
            Verdict::Unknown { .. } => None,
        }
    }

    /// A trace in bits of the data.
    fn way(&self, system: &System, trace: &Trace) -> Way {
        let mut starts = Vec::new();
        for (latch, value) in system.latches.iter().zip(&trace.starts) {
            let place = self.model.latches.get(latch.model as usize).and_then(|l| l.place);
            if let (Start::Free, Some(place)) = (latch.start, place) {
                starts.push((place, *value));
            }
        }
        let mut approximate = false;
        let (mut steps, mut others) = (Vec::new(), Vec::new());
        for step in &trace.steps {
            let (mut settings, mut free) = (Vec::new(), Vec::new());
            for (input, value) in system.inputs.iter().zip(&step.inputs) {
                match self.model.inputs.get(*input as usize) {
                    Some(Input::Data(place)) => settings.push((*place, *value)),
                    Some(Input::Wire(_) | Input::Contact(_) | Input::ReadBack(_) | Input::Moment(_)) => {
                        free.push((*input, *value));
                    }
                    Some(Input::Unknown) | None => approximate = true,
                }
            }
            steps.push((settings, step.scans));
            others.push(free);
        }
        let laps = trace.laps.clone();
        Way { starts, steps, laps, others, shortest: trace.shortest, approximate }
    }
}

/// Scans of random runs in which a premise may turn out to be met.
const PREMISE_SCANS: usize = 1_000;

/// Until when premises are looked at.
fn premises_until(began: Instant, options: &Options) -> Instant {
    let now = Instant::now();
    now + options.premise_limit.unwrap_or_else(|| (now - began).max(Duration::from_millis(500)))
}

fn unknown(steps: usize, gave_up: bool, options: &Options) -> String {
    let searched = format!("it cannot be broken within {steps} events");
    if gave_up {
        format!("no proof of a known kind was found; {searched}")
    } else if options.stopped() {
        format!("the memory limit ended the search; {searched}")
    } else {
        format!("the time limit of {} s ended the search; {searched}", options.time_limit.as_secs_f64())
    }
}
