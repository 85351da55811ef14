//! A way to break a property, run again on the engine that runs plants.
//!
//! Engine and model go the way together: after every step the data the property reads are compared, and at its end the
//! property must be broken. Only then is the way shown. For a fault the engine itself has to stop.
//!
//! A way of a property that names relays goes through the guard that runs plants as well, which must do in every scan what the model
//! of it does, and on to simulated relays: where their contacts are is told to the model, and the property must be broken by that.

use super::delays::{LineChange, choices};
use super::picture::{self, Recorder};
use super::relays::{Delay, Relays, Shown};
use super::work::Work;
use bytecode::image::{Image, Place, Symbol, SymbolRole};
use bytecode::scalar::ScalarType;
use bytecode::types::TypeKind;
use prove::condition::Condition;
use prove::engine::laps::Lap;
use prove::guard::follow::moments;
use prove::guard::wired::Contacts;
use prove::model::{Input, Model};
use prove::names::ChannelLits;
use prove::property::Kind;
use prove::prover::{Prover, Report, Way};
use prove::sim::Simulation;
use runtime::scan::Plan;
use runtime::vm::{Budget, Engine, Interpreter, Memory, Trap, TrapPlace};
use std::collections::BTreeMap;
use timeline::diagram::Diagram;

/// Scans that are replayed at most: at a microsecond each, some minutes.
const SCANS_MAX: u64 = 200_000_000;
/// Seeds of bounces that are tried: what only every hundredth bounce does is not found.
const SEEDS: u64 = 24;

/// What changes in one step.
pub struct Step {
    /// The scan it begins with, from 1.
    pub scan: u64,
    /// For so many scans.
    pub scans: u64,
    /// Inputs that change, with their new values.
    pub inputs: Vec<(String, String)>,
    /// Other variables that change in its first scan (and, in a run of scans, up to its last).
    pub changes: Vec<(String, String)>,
    /// The steps before are gone through again.
    pub again: Option<Again>,
}

/// Steps that are gone through again and again.
pub struct Again {
    /// So often, once not counted.
    pub times: u64,
    /// Each of them: for so many scans, and the inputs that change when it begins.
    pub each: Vec<(u64, Vec<(String, String)>)>,
}

/// What happened.
pub struct Replay {
    /// Step by step.
    pub steps: Vec<Step>,
    /// The fault the way ends with.
    pub fault: Option<TrapPlace>,
    /// Conditions of the property that hold in the last scan.
    pub holding: Vec<String>,
    /// What is wrong at its end, in a few words.
    pub said: String,
    /// The way as a timing diagram.
    pub diagram: Diagram,
    /// The relays it was gone with; `None`: it is about the program alone.
    pub relays: Option<Simulated>,
}

/// The relays of a way.
pub struct Simulated {
    /// Which contacts were meant.
    pub contacts: Contacts,
    /// Seed of their bounces.
    pub seed: u64,
    /// Their delays, where they are not typical.
    pub delays: Vec<Delay>,
    /// What is wrong is so between two scans.
    pub between: bool,
}

/// Goes the way.
///
/// # Errors
/// It does not happen on the engine, or cannot be tried: said as the reason why nothing is known.
pub fn replay(way: &Way, report: &Report, prover: &Prover<'_>, work: &Work) -> Result<Replay, String> {
    if way.scans() > SCANS_MAX {
        return Err(format!("a way of {} scans was found, too long to be run again on the engine", way.scans()));
    }
    let (model, channels) = prover.ground(report);
    let ground = Ground { way, report, model, channels, work };
    match report.contacts {
        None => ground.go(None).map(|(replay, _)| replay).map_err(|miss| miss.why),
        Some(contacts) => ground.behind_the_guard(contacts),
    }
}

/// What a way is gone on.
#[derive(Clone, Copy)]
struct Ground<'a> {
    way: &'a Way,
    report: &'a Report,
    model: &'a Model,
    channels: &'a [ChannelLits],
    work: &'a Work,
}

/// The relays of a try.
struct Bank<'a> {
    contacts: Contacts,
    seed: u64,
    delays: &'a [Delay],
}

/// Why a way was not gone.
struct Miss {
    why: String,
    /// Engine and guard did what the model did; only the end was not reached.
    only_the_end: bool,
    changes: Vec<LineChange>,
}

impl Miss {
    fn of(why: String) -> Self {
        Self { why, only_the_end: false, changes: Vec::new() }
    }
}

impl Ground<'_> {
    /// With guard and relays: with those delays and bounces of which the way needs some.
    fn behind_the_guard(self, contacts: Contacts) -> Result<Replay, String> {
        let bank = |seed, delays| Some(Bank { contacts, seed, delays });
        let first = match self.go(bank(1, &[])) {
            Ok((replay, _)) => return Ok(replay),
            Err(miss) if !miss.only_the_end => return Err(miss.why),
            Err(miss) => miss,
        };
        let wired = self.work.wired();
        let choices = match (contacts, &wired) {
            (Contacts::Worst, Some(wired)) => choices(self.way, self.model, wired, (&self.asked(), &first.changes), 1),
            (Contacts::Worst, None) | (Contacts::Typical, _) => vec![Vec::new()],
        };
        let seeds = if contacts == Contacts::Typical { SEEDS } else { SEEDS / 4 };
        for delays in &choices {
            for seed in 1..=seeds {
                if let Ok((replay, _)) = self.go(bank(seed, delays)) {
                    return Ok(replay);
                }
            }
        }
        Err("within its data sheet a contact may bounce or turn round so that the property breaks, but no simulated relay that was \
             tried does"
            .to_owned())
    }

    /// Channels the property names.
    fn asked(self) -> Vec<usize> {
        let texts = self.report.property.kind.texts();
        let conditions = texts.iter().filter_map(|text| Condition::parse(text, self.work.names()).ok());
        conditions.flat_map(|condition| condition.members).map(|(channel, _)| channel).collect()
    }

    /// One try.
    fn go(self, bank: Option<Bank<'_>>) -> Result<(Replay, Vec<LineChange>), Miss> {
        let Self { way, report, model, work, .. } = self;
        let mut going = Going {
            ground: self,
            run: Run::new(self, bank.as_ref()),
            recorder: Recorder::new(way, report, model, work),
            steps: Vec::new(),
            fault: None,
            scan: 1,
        };
        let mut laps = way.laps.iter().peekable();
        for number in 0..way.steps.len() {
            going.step(number)?;
            if let Some(lap) = laps.next_if(|lap| lap.first + lap.count == number + 1) {
                going.again(lap)?;
            }
        }
        let Going { run, recorder, steps, fault, .. } = going;
        let broken = match report.property.kind {
            Kind::Terminates => fault.is_some(),
            Kind::Invariant { .. }
            | Kind::NeverTogether { .. }
            | Kind::DeadTime { .. }
            | Kind::Responds { .. }
            | Kind::Holds { .. }
            | Kind::StaysSafe { .. }
            | Kind::Reachable { .. } => fault.is_none() && run.simulation.value(report.bad),
        };
        if run.simulation.value(model.beyond) && !broken {
            return Err(Miss::of("a loop may go on for longer than was followed".to_owned()));
        }
        if !broken {
            let why = format!("{}: it ends without harm", not_confirmed(way));
            return Err(Miss { why, only_the_end: true, changes: run.line_changes });
        }
        let holds = |(_, lit): &&(String, prove::graph::Lit)| run.simulation.value(*lit);
        let holding: Vec<String> = report.conditions.iter().filter(holds).map(|(text, _)| text.clone()).collect();
        let said = match &fault {
            Some(place) => place.text.clone(),
            None => picture::broken(&report.property.kind, &holding),
        };
        let tick_ns = work.map.plan.tick_ns;
        let moment_ns = run.moment_ns();
        let diagram = recorder.diagram(way.scans(), said.clone(), (tick_ns, moment_ns));
        let relays = bank.map(|bank| Simulated {
            seed: bank.seed,
            delays: bank.delays.to_vec(),
            contacts: bank.contacts,
            between: moment_ns > 0,
        });
        Ok((Replay { steps, fault, holding, said, diagram, relays }, run.line_changes))
    }
}

/// A way being gone.
struct Going<'a> {
    ground: Ground<'a>,
    run: Run<'a>,
    recorder: Recorder,
    steps: Vec<Step>,
    fault: Option<TrapPlace>,
    /// The next one.
    scan: u64,
}

/// Settings of a step, of the program's inputs and of what else is free, and its scans.
type Settings<'a> = (&'a [(usize, bool)], &'a [(u32, bool)], u64);

impl<'a> Going<'a> {
    fn settings(&self, number: usize) -> Option<Settings<'a>> {
        let way = self.ground.way;
        let (settings, scans) = way.steps.get(number)?;
        Some((settings, way.others.get(number).map_or(&[], Vec::as_slice), *scans))
    }

    /// One step; what it does.
    fn step(&mut self, number: usize) -> Result<(), Miss> {
        let before = (self.run.memory.data().to_vec(), self.run.shown());
        let Some((settings, others, scans)) = self.settings(number) else { return Ok(()) };
        let inputs = self.run.set(settings, others);
        let scan = self.scan;
        self.scans(number, (0, scans))?;
        let changes = self.run.changes(&before.0, &before.1);
        self.steps.push(Step { scan, scans, inputs, changes, again: None });
        self.agree()
    }

    /// The steps of a lap as often as they are still to be done.
    fn again(&mut self, lap: &Lap) -> Result<(), Miss> {
        let before = (self.run.memory.data().to_vec(), self.run.shown());
        let steps = lap.first..lap.first + lap.count;
        let once: u64 =
            self.ground.way.steps.get(steps.clone()).unwrap_or_default().iter().map(|(_, scans)| scans).sum();
        let (scan, times) = (self.scan, lap.times.saturating_sub(1));
        let all = once.saturating_mul(times);
        let mut each = Vec::new();
        for time in 0..times {
            for number in steps.clone() {
                let Some((settings, others, scans)) = self.settings(number) else { continue };
                if time == 0 {
                    each.push((scans, self.run.set(settings, others)));
                } else {
                    self.run.set_quietly(settings, others);
                }
                self.scans(number, (self.scan - scan, all))?;
            }
        }
        let (inputs, changes) = (Vec::new(), self.run.changes(&before.0, &before.1));
        self.steps.push(Step { scan, scans: all, inputs, changes, again: Some(Again { times, each }) });
        self.agree()
    }

    /// The scans of a step, of which so many of so many have been noted.
    fn scans(&mut self, number: usize, (done, all): (u64, u64)) -> Result<(), Miss> {
        let Some((.., scans)) = self.settings(number) else { return Ok(()) };
        for repeat in 0..scans {
            if let Err(trap) = self.run.scan(self.scan + repeat) {
                self.recorder.fault(self.scan + repeat, self.run.memory.data());
                self.fault = Some(trap.describe(self.run.work.image.image()));
                break;
            }
            let (data, relays) = (self.run.memory.data(), self.run.relays.as_ref());
            self.recorder.scan(self.scan + repeat, (done + repeat, all), data, relays);
        }
        self.run.close();
        if let Some(why) = self.run.differs.take() {
            return Err(Miss::of(why));
        }
        self.scan = self.scan.saturating_add(scans);
        let last = number + 1 == self.ground.way.steps.len();
        if self.fault.is_some() && !last {
            return Err(Miss::of(
                "the engine stopped with a fault before the end of the way that was found".to_owned(),
            ));
        }
        Ok(())
    }

    /// Are engine and model of one mind?
    fn agree(&self) -> Result<(), Miss> {
        match self.run.differs(self.run.model).filter(|_| self.fault.is_none()) {
            Some(name) => {
                let why = not_confirmed(self.ground.way);
                Err(Miss::of(format!("{why}: `{name}` has another value on the engine")))
            }
            None => Ok(()),
        }
    }
}

fn not_confirmed(way: &Way) -> &'static str {
    if way.approximate {
        "the way that was found rests on values that are not computed, and the engine does not confirm it"
    } else {
        "the engine does not confirm the way that was found (a defect of plcrun: please report it)"
    }
}

struct Run<'a> {
    work: &'a Work,
    model: &'a Model,
    channels: &'a [ChannelLits],
    engine: Interpreter,
    memory: Memory,
    simulation: Simulation<'a>,
    last_tick: Option<u64>,
    /// Inputs whose values matter.
    bits: Vec<usize>,
    relays: Option<Relays<'a>>,
    delays: Vec<Delay>,
    /// Moments of the scan period that can be looked at.
    moments: Vec<u64>,
    /// By number of the model's input: what the way says for this step.
    given: Vec<bool>,
    /// Scans that the model has not done yet: their inputs, and how many.
    waiting: (Vec<bool>, u64),
    /// The channels after the last scan.
    last: Vec<[bool; 4]>,
    /// What guard and model do not agree on.
    differs: Option<String>,
    line_changes: Vec<LineChange>,
    /// Levels of wires only the guard reads, by the number of the input.
    wires: BTreeMap<u32, bool>,
}

impl<'a> Run<'a> {
    fn new(ground: Ground<'a>, bank: Option<&Bank<'_>>) -> Self {
        let Ground { way, model, channels, work, .. } = ground;
        let mut memory = Memory::new(work.image.image());
        let mut simulation = Simulation::new(model);
        for (place, value) in &way.starts {
            set_bit(memory.data_mut(), *place, *value);
            simulation.set_start(*place, *value);
        }
        let mut bits: Vec<usize> = way.steps.iter().flat_map(|(s, _)| s.iter().map(|(place, _)| *place)).collect();
        bits.sort_unstable();
        bits.dedup();
        let wired = work.wired().filter(|_| bank.is_some());
        let contacts = bank.map(|bank| bank.contacts);
        let moments = wired.zip(contacts).map_or_else(Vec::new, |(w, kind)| moments(kind, &w, model.tick_ns));
        Self {
            work,
            model,
            channels,
            engine: Interpreter::load(&work.image),
            memory,
            simulation,
            last_tick: None,
            bits,
            relays: bank.map(|bank| Relays::new(&work.map, bank.contacts, bank.seed)),
            delays: bank.map_or_else(Vec::new, |bank| bank.delays.to_vec()),
            moments,
            given: Vec::new(),
            waiting: (Vec::new(), 0),
            last: Vec::new(),
            differs: None,
            line_changes: Vec::new(),
            wires: BTreeMap::new(),
        }
    }

    /// Sets inputs; those that changed, by name.
    fn set(&mut self, settings: &[(usize, bool)], others: &[(u32, bool)]) -> Vec<(String, String)> {
        let image = self.work.image.image();
        let before = self.memory.data().to_vec();
        self.set_quietly(settings, others);
        let first = self.last_tick.is_none();
        let data = self.memory.data();
        let touched = |s: &&Symbol| s.role == SymbolRole::Input && self.bits.iter().any(|bit| covers(image, s, *bit));
        let inputs = image.symbols.iter().filter(touched);
        let mut changed: Vec<(String, String)> = inputs
            .filter_map(|s| {
                let value = value_of(image, s, data)?;
                (first || value_of(image, s, &before)? != value).then(|| (short(&s.path), value))
            })
            .collect();
        for (number, value) in others {
            let Some(Input::Wire(wire)) = self.model.inputs.get(*number as usize) else { continue };
            if self.wires.insert(*wire, *value) != Some(*value)
                && let Some(input) = self.work.map.inputs.get(*wire as usize)
            {
                changed.push((input.name.clone(), if *value { "TRUE" } else { "FALSE" }.to_owned()));
            }
        }
        changed
    }

    /// Sets inputs.
    fn set_quietly(&mut self, settings: &[(usize, bool)], others: &[(u32, bool)]) {
        self.give(settings, others);
        for (place, value) in settings {
            set_bit(self.memory.data_mut(), *place, *value);
        }
    }

    /// What the way says of the model's inputs.
    fn give(&mut self, settings: &[(usize, bool)], others: &[(u32, bool)]) {
        let of = |input: &Input| match input {
            Input::Data(place) => settings.iter().any(|(at, value)| at == place && *value),
            Input::Unknown | Input::Wire(_) | Input::Contact(_) | Input::ReadBack(_) | Input::Moment(_) => false,
        };
        self.given = self.model.inputs.iter().map(of).collect();
        for (number, value) in others {
            if let Some(given) = self.given.get_mut(*number as usize) {
                *given = *value;
            }
        }
    }

    /// One scan on the engine, and behind it on guard and relays.
    fn scan(&mut self, number: u64) -> Result<(), Trap> {
        let plan = &self.work.map.plan;
        let tick = number - 1;
        let now_ns = tick.saturating_mul(plan.tick_ns);
        if let Some(relays) = &mut self.relays {
            for delay in self.delays.iter().filter(|delay| delay.scan == number) {
                relays.slow(delay.channel, delay.percent);
            }
            relays.begin(now_ns, self.memory.data_mut());
        }
        let mut budget = Budget::new(self.work.map.scan.budget);
        for task in plan.tasks.iter().filter(|t| Plan::due(t.every, tick, self.last_tick)) {
            for program in &task.programs {
                let time_ns = i64::try_from(now_ns).unwrap_or(i64::MAX);
                let run = self.engine.run(&mut self.memory, *program as usize, time_ns, &mut budget);
                if let Err(trap) = run {
                    self.note(self.given.clone());
                    return Err(trap);
                }
            }
        }
        self.last_tick = Some(tick);
        self.switch(number, now_ns);
        self.note(self.inputs(now_ns));
        self.last = self.channels_now();
        Ok(())
    }

    /// The guard decides and the relays follow.
    fn switch(&mut self, number: u64, now_ns: u64) {
        let Some(relays) = &mut self.relays else { return };
        let lines = |relays: &Relays<'_>| relays.statuses().iter().map(|status| status.line).collect::<Vec<_>>();
        // Before the first scan no coil is energised.
        let before = if number == 1 { vec![false; relays.statuses().len()] } else { lines(relays) };
        let (inputs, given) = (&self.model.inputs, &self.given);
        let wire = |wire: usize| {
            let at = inputs.iter().position(|input| matches!(input, Input::Wire(n) if *n as usize == wire));
            at.and_then(|at| given.get(at)).copied().unwrap_or(false)
        };
        relays.end(now_ns, self.memory.data(), wire);
        for (channel, (before, coil)) in before.into_iter().zip(lines(relays)).enumerate() {
            if before != coil {
                self.line_changes.push(LineChange { scan: number, channel, coil });
            }
        }
    }

    /// The model's inputs of a scan that has been run: those of contacts are what the relays did.
    fn inputs(&self, now_ns: u64) -> Vec<bool> {
        let mut inputs = self.given.clone();
        let Some(relays) = &self.relays else { return inputs };
        let at_ns = now_ns.saturating_add(self.moment_ns());
        let next_ns = now_ns.saturating_add(self.model.tick_ns);
        for (input, value) in self.model.inputs.iter().zip(&mut inputs) {
            match input {
                Input::Contact(channel) => *value = relays.conducts_at(*channel as usize, at_ns),
                Input::ReadBack(channel) => *value = relays.read_back_at(*channel as usize, next_ns),
                Input::Data(_) | Input::Unknown | Input::Wire(_) | Input::Moment(_) => {}
            }
        }
        inputs
    }

    /// The moment of the scan period that the way looks at in this step.
    fn moment_ns(&self) -> u64 {
        let bits = self.model.inputs.iter().zip(&self.given);
        let number = bits.fold(0_usize, |number, (input, value)| match input {
            Input::Moment(bit) => number | usize::from(*value) << bit,
            Input::Data(_) | Input::Unknown | Input::Wire(_) | Input::Contact(_) | Input::ReadBack(_) => number,
        });
        self.moments.get(number).or(self.moments.last()).copied().unwrap_or(0)
    }

    /// A scan for the model; runs of equal ones are done together.
    fn note(&mut self, inputs: Vec<bool>) {
        if self.waiting.1 > 0 && self.waiting.0 != inputs {
            self.close();
        }
        self.waiting = (inputs, self.waiting.1 + 1);
    }

    /// The model does what the engine has done, and must agree with the guard.
    fn close(&mut self) {
        let (inputs, scans) = std::mem::take(&mut self.waiting);
        self.simulation.steps(|number| inputs.get(number as usize).copied().unwrap_or(false), scans);
        if scans == 0 || self.differs.is_some() {
            return;
        }
        let lits = self.channels.iter().map(|c| [c.line, c.sound, c.pending, c.ready]);
        for ((is, lits), output) in self.last.iter().zip(lits).zip(&self.work.map.outputs) {
            if lits.map(|lit| self.simulation.value(lit)) != *is && self.model.approximations.is_empty() {
                let name = &output.name;
                self.differs = Some(format!(
                    "the relay guard does something else with `{name}` (a defect of plcrun: please report it)"
                ));
            }
        }
    }

    fn channels_now(&self) -> Vec<[bool; 4]> {
        let statuses = self.relays.iter().flat_map(|relays| relays.statuses());
        let one =
            |s: &relay::ChannelStatus| [s.on, s.fault.is_none() && s.trip.is_none(), s.pending.is_some(), s.ready];
        statuses.map(one).collect()
    }

    fn shown(&self) -> Vec<Shown> {
        self.relays.as_ref().map_or_else(Vec::new, Relays::shown)
    }

    /// A variable that model and engine do not agree on.
    fn differs(&self, model: &Model) -> Option<String> {
        let image = self.work.image.image();
        let bytes = self.memory.data().iter().enumerate().take(model.data_bytes as usize);
        let inputs_end = self.memory.inputs().len();
        for (byte, found) in bytes {
            if byte >= inputs_end && !model.hidden.contains(&byte) && self.simulation.byte(byte) != *found {
                // Values that are not computed may differ without harm; the property decides.
                if model.approximations.is_empty() {
                    return Some(prove::names::of_bit(image, byte * 8));
                }
            }
        }
        None
    }

    fn changes(&self, before: &[u8], shown_before: &[Shown]) -> Vec<(String, String)> {
        let image = self.work.image.image();
        let shown = image.symbols.iter().filter(|s| s.role != SymbolRole::Input && !s.constant);
        let mut changes: Vec<(String, String)> = shown
            .filter_map(|s| {
                let value = value_of(image, s, self.memory.data())?;
                (value_of(image, s, before)? != value).then(|| (short(&s.path), value))
            })
            .collect();
        // Of channels without a relay the line says it all, and the command says the line.
        let relays = self.work.map.outputs.iter().zip(self.work.map.channels.ids());
        let relays = relays.map(|(output, id)| (output, self.work.map.channels.channel(id).windows.make_ns > 0));
        for ((output, moves), (was, is)) in relays.zip(shown_before.iter().zip(self.shown())) {
            if moves && was.line != is.line {
                changes.push((format!("{}.line", output.name), if is.line { "TRUE" } else { "FALSE" }.to_owned()));
            }
            if moves && was.contact != is.contact {
                changes
                    .push((format!("{}.contact", output.name), if is.contact { "closed" } else { "open" }.to_owned()));
            }
        }
        changes
    }
}

/// A name without its program.
fn short(path: &str) -> String {
    path.split_once('.').map_or(path, |(_, rest)| rest).to_owned()
}

fn covers(image: &Image, symbol: &Symbol, bit: usize) -> bool {
    match symbol.place {
        Place::Bit { offset, bit: number } => offset as usize * 8 + usize::from(number) == bit,
        Place::Byte(offset) => {
            let size = image.ty(symbol.ty).map_or(0, |t| t.size);
            (offset as usize..(offset + size) as usize).contains(&(bit / 8))
        }
    }
}

/// The value of a scalar variable as a person writes it.
fn value_of(image: &Image, symbol: &Symbol, data: &[u8]) -> Option<String> {
    let ty = image.ty(symbol.ty)?;
    let TypeKind::Elementary(elementary) = &ty.kind else { return None };
    let bits = match symbol.place {
        Place::Bit { offset, bit } => u64::from(data.get(offset as usize)? >> bit & 1),
        Place::Byte(offset) => {
            let scalar: ScalarType = ty.scalar()?;
            bytecode::path::bits_of(scalar, data.get(offset as usize..)?.get(..scalar.size() as usize)?)
        }
    };
    Some(bytecode::path::show(*elementary, bits))
}

fn set_bit(data: &mut [u8], place: usize, value: bool) {
    if let Some(byte) = data.get_mut(place / 8) {
        *byte = (*byte & !(1 << (place % 8))) | u8::from(value) << (place % 8);
    }
}
