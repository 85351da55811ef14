//! A way to break a property, run again on the engine that runs plants.
//!
//! Engine and model go the way together: after every step the data the property reads are compared, and at its end the
//! property must be broken. Only then is the way shown. For a fault the engine itself has to stop.

use super::picture::{self, Recorder};
use super::work::Work;
use bytecode::image::{Image, Place, Symbol, SymbolRole};
use bytecode::scalar::ScalarType;
use bytecode::types::TypeKind;
use prove::engine::laps::Lap;
use prove::model::{Input, Model};
use prove::property::Kind;
use prove::prover::{Report, Way};
use prove::sim::Simulation;
use runtime::scan::Plan;
use runtime::vm::{Budget, Engine, Interpreter, Memory, Trap, TrapPlace};
use timeline::diagram::Diagram;

/// Scans that are replayed at most: at a microsecond each, some minutes.
const SCANS_MAX: u64 = 200_000_000;

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
}

/// Goes the way.
///
/// # Errors
/// It does not happen on the engine, or cannot be tried: said as the reason why nothing is known.
pub fn replay(way: &Way, report: &Report, model: &Model, work: &Work) -> Result<Replay, String> {
    if way.scans() > SCANS_MAX {
        return Err(format!("a way of {} scans was found, too long to be run again on the engine", way.scans()));
    }
    let mut going = Going {
        way,
        run: Run::new(way, model, work),
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
        return Err("a loop may go on for longer than was followed".to_owned());
    }
    if !broken {
        return Err(format!("{}: it ends without harm", not_confirmed(way)));
    }
    let holds = |(_, lit): &&(String, prove::graph::Lit)| run.simulation.value(*lit);
    let holding: Vec<String> = report.conditions.iter().filter(holds).map(|(text, _)| text.clone()).collect();
    let said = match &fault {
        Some(place) => place.text.clone(),
        None => picture::broken(&report.property.kind, &holding),
    };
    let diagram = recorder.diagram(way.scans(), said.clone(), work.map.plan.tick_ns);
    Ok(Replay { steps, fault, holding, said, diagram })
}

/// A way being gone.
struct Going<'a> {
    way: &'a Way,
    run: Run<'a>,
    recorder: Recorder,
    steps: Vec<Step>,
    fault: Option<TrapPlace>,
    /// The next one.
    scan: u64,
}

impl Going<'_> {
    /// One step; what it does.
    fn step(&mut self, number: usize) -> Result<(), String> {
        let before = self.run.memory.data().to_vec();
        let Some((settings, scans)) = self.way.steps.get(number) else { return Ok(()) };
        let inputs = self.run.set(settings);
        let scan = self.scan;
        self.scans(number, (0, *scans))?;
        let changes = self.run.changes(&before);
        self.steps.push(Step { scan, scans: *scans, inputs, changes, again: None });
        self.agree()
    }

    /// The steps of a lap as often as they are still to be done.
    fn again(&mut self, lap: &Lap) -> Result<(), String> {
        let before = self.run.memory.data().to_vec();
        let steps = lap.first..lap.first + lap.count;
        let once: u64 = self.way.steps.get(steps.clone()).unwrap_or_default().iter().map(|(_, scans)| scans).sum();
        let (scan, times) = (self.scan, lap.times.saturating_sub(1));
        let all = once.saturating_mul(times);
        let mut each = Vec::new();
        for time in 0..times {
            for number in steps.clone() {
                let Some((settings, scans)) = self.way.steps.get(number) else { continue };
                if time == 0 {
                    each.push((*scans, self.run.set(settings)));
                } else {
                    self.run.set_quietly(settings);
                }
                self.scans(number, (self.scan - scan, all))?;
            }
        }
        let (inputs, changes) = (Vec::new(), self.run.changes(&before));
        self.steps.push(Step { scan, scans: all, inputs, changes, again: Some(Again { times, each }) });
        self.agree()
    }

    /// The scans of a step, of which so many of so many have been noted.
    fn scans(&mut self, number: usize, (done, all): (u64, u64)) -> Result<(), String> {
        let Some((settings, scans)) = self.way.steps.get(number) else { return Ok(()) };
        for repeat in 0..*scans {
            if let Err(trap) = self.run.scan(self.scan + repeat) {
                self.recorder.fault(self.scan + repeat, self.run.memory.data());
                self.fault = Some(trap.describe(self.run.work.image.image()));
                break;
            }
            self.recorder.scan(self.scan + repeat, (done + repeat, all), self.run.memory.data());
        }
        self.run.model(settings, *scans);
        self.scan = self.scan.saturating_add(*scans);
        let last = number + 1 == self.way.steps.len();
        if self.fault.is_some() && !last {
            return Err("the engine stopped with a fault before the end of the way that was found".to_owned());
        }
        Ok(())
    }

    /// Are engine and model of one mind?
    fn agree(&self) -> Result<(), String> {
        match self.run.differs(self.run.model).filter(|_| self.fault.is_none()) {
            Some(name) => Err(format!("{}: `{name}` has another value on the engine", not_confirmed(self.way))),
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
    engine: Interpreter,
    memory: Memory,
    simulation: Simulation<'a>,
    last_tick: Option<u64>,
    /// Inputs whose values matter.
    bits: Vec<usize>,
}

impl<'a> Run<'a> {
    fn new(way: &Way, model: &'a Model, work: &'a Work) -> Self {
        let mut memory = Memory::new(work.image.image());
        let mut simulation = Simulation::new(model);
        for (place, value) in &way.starts {
            set_bit(memory.data_mut(), *place, *value);
            simulation.set_start(*place, *value);
        }
        let mut bits: Vec<usize> = way.steps.iter().flat_map(|(s, _)| s.iter().map(|(place, _)| *place)).collect();
        bits.sort_unstable();
        bits.dedup();
        Self { work, model, engine: Interpreter::load(&work.image), memory, simulation, last_tick: None, bits }
    }

    /// Sets inputs; those that changed, by name.
    fn set(&mut self, settings: &[(usize, bool)]) -> Vec<(String, String)> {
        let image = self.work.image.image();
        let before = self.memory.data().to_vec();
        self.set_quietly(settings);
        let first = self.last_tick.is_none();
        let data = self.memory.data();
        let touched = |s: &&Symbol| s.role == SymbolRole::Input && self.bits.iter().any(|bit| covers(image, s, *bit));
        let inputs = image.symbols.iter().filter(touched);
        inputs
            .filter_map(|s| {
                let value = value_of(image, s, data)?;
                (first || value_of(image, s, &before)? != value).then(|| (short(&s.path), value))
            })
            .collect()
    }

    /// Sets inputs.
    fn set_quietly(&mut self, settings: &[(usize, bool)]) {
        for (place, value) in settings {
            set_bit(self.memory.data_mut(), *place, *value);
        }
    }

    /// One scan on the engine.
    fn scan(&mut self, number: u64) -> Result<(), Trap> {
        let plan = &self.work.map.plan;
        let tick = number - 1;
        let now_ns = i64::try_from(tick.saturating_mul(plan.tick_ns)).unwrap_or(i64::MAX);
        let mut budget = Budget::new(self.work.map.scan.budget);
        for task in plan.tasks.iter().filter(|t| Plan::due(t.every, tick, self.last_tick)) {
            for program in &task.programs {
                self.engine.run(&mut self.memory, *program as usize, now_ns, &mut budget)?;
            }
        }
        self.last_tick = Some(tick);
        Ok(())
    }

    /// The same scans on the model.
    fn model(&mut self, settings: &[(usize, bool)], scans: u64) {
        let inputs = &self.model.inputs;
        let value = |number: u32| match inputs.get(number as usize) {
            Some(Input::Data(place)) => settings.iter().any(|(at, value)| at == place && *value),
            Some(Input::Unknown) | None => false,
        };
        self.simulation.steps(value, scans);
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

    fn changes(&self, before: &[u8]) -> Vec<(String, String)> {
        let image = self.work.image.image();
        let shown = image.symbols.iter().filter(|s| s.role != SymbolRole::Input && !s.constant);
        shown
            .filter_map(|s| {
                let value = value_of(image, s, self.memory.data())?;
                (value_of(image, s, before)? != value).then(|| (short(&s.path), value))
            })
            .collect()
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
