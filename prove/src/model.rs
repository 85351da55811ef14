//! A whole program as a transition system: what is kept from scan to scan, and what one scan makes of it.
//!
//! Owns [`Model`] and how it is made. A *latch* is a bit of the data segment (or of a frame) that some scan may change; all
//! other bits are constants. Which bits those are is found by following the scan again and again, each time with more bits
//! taken as variable, until nothing else changes: bits that keep their initial value in every scan are never variable,
//! so presets, tables and array bounds stay constants.

use crate::advice::Advice;
use crate::exec::state::State;
use crate::exec::timers::TimerKind;
use crate::exec::{Code, Exec, Fault, Frames};
use crate::graph::{Graph, Leaf, Lit};
use crate::hash::FastMap;
use crate::refusal::Refusal;
use crate::vector;
use crate::words::{self, Word};
use bytecode::Image;
use compiler::codegen::layout::Layout;
use compiler::hir::{PouId, Program};
use compiler::ir::{Func, Origin};
use std::collections::{BTreeMap, BTreeSet};

/// Which programs run when: the runtime's plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Time between two scans.
    pub tick_ns: u64,
    /// In the order they run in.
    pub tasks: Vec<ScheduledTask>,
}

/// A task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduledTask {
    /// Due every so many ticks.
    pub every: u64,
    /// Indices of program instances, in order.
    pub programs: Vec<u32>,
}

impl Schedule {
    /// Every program of an image in every scan, in order.
    #[must_use]
    pub fn every_scan(image: &Image, tick_ns: u64) -> Self {
        let programs = (0u32..).zip(&image.programs).map(|(i, _)| i).collect();
        Self { tick_ns, tasks: vec![ScheduledTask { every: 1, programs }] }
    }
}

/// What a latch is before the first scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// This value.
    Value(bool),
    /// Any value: it is retained.
    Free,
}

/// A bit kept from scan to scan.
#[derive(Clone, Copy, Debug)]
pub struct Latch {
    /// Which bit of the data, counted from its first; `None`: it belongs to a property.
    pub place: Option<usize>,
    /// Before the first scan.
    pub start: Start,
    /// After a scan.
    pub next: Lit,
}

/// A counter of scans, such as a timer's age. It is 0 before the first scan.
#[derive(Clone, Copy, Debug)]
pub struct Counter {
    /// First byte of the instance it belongs to; `None`: it belongs to a property.
    pub owner: Option<u32>,
    /// Where it stops.
    pub max: u64,
    /// It counts in this scan.
    pub run: Lit,
    /// It keeps its value in this scan; where it neither counts nor keeps, it becomes 0.
    pub hold: Lit,
}

/// What an input stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A bit of the data that is read from outside before each scan.
    Data(usize),
    /// A value that is not computed.
    Unknown,
    /// A wire that only the relay guard reads, by the number of the input in the I/O map.
    Wire(u32),
    /// Where a moving contact is at the moment that is looked at, by the number of its channel.
    Contact(u32),
    /// Where a moving contact is when it is read back, by the number of its channel.
    ReadBack(u32),
    /// Which moment between two scans is looked at: a bit of its number.
    Moment(u32),
}

/// Names of what belongs to no variable, for people.
#[derive(Clone, Debug, Default)]
pub struct Labels {
    /// Of latches, by number.
    pub latches: BTreeMap<u32, String>,
    /// Of counters, by number: what the scans are counted since.
    pub counters: BTreeMap<u32, String>,
}

/// A program as a transition system.
#[derive(Debug)]
pub struct Model {
    /// Every function.
    pub graph: Graph,
    /// By number of their leaf.
    pub inputs: Vec<Input>,
    /// By number of their leaf.
    pub latches: Vec<Latch>,
    /// By number.
    pub counters: Vec<Counter>,
    /// The data after a scan.
    pub after: State,
    /// What ends a scan early.
    pub faults: Vec<Fault>,
    /// A loop goes on beyond what was followed.
    pub beyond: Lit,
    /// Where.
    pub beyond_at: Option<Origin>,
    /// What is assumed of every scan.
    pub assumed: Lit,
    /// What is not computed and may be anything.
    pub approximations: Vec<String>,
    /// Bytes that are not as in the engine: elapsed times nobody reads, and times of starts.
    pub hidden: BTreeSet<usize>,
    /// Time between two scans.
    pub tick_ns: u64,
    /// Bytes of the data that outlive a scan, frames left out.
    pub data_bytes: u32,
    /// Which latches are one number.
    pub words: Vec<Word>,
    /// Names of what belongs to no variable.
    pub labels: Labels,
    /// What is known of it beforehand.
    pub advice: Advice,
}

/// What a model is made from.
#[derive(Debug)]
pub struct Source<'a> {
    /// The typed program.
    pub program: &'a Program,
    /// Its image: names, initial and retained values.
    pub image: &'a Image,
    /// When what runs.
    pub schedule: &'a Schedule,
    /// Places that are read after each scan: first byte and bytes.
    pub watched: &'a [(u32, u32)],
    /// Further bits of the data that are set from outside before each scan.
    pub free: &'a [usize],
}

/// Rounds after which every bit that was ever written counts as variable: programs that need more are shift registers.
const ROUNDS_MAX: usize = 12;

impl Model {
    /// Follows a program.
    ///
    /// # Errors
    /// It does something that is not modelled.
    pub fn new(source: &Source<'_>) -> Result<Self, Refusal> {
        let layout = Layout::new(source.program)
            .map_err(|e| Refusal::new(format!("the variables take {} bytes: too many", e.0)))?;
        let options = compiler::Options { optimise: false };
        let funcs = compiler::compile::intermediate(source.program, &layout, options)
            .map_err(|finding| Refusal { what: finding.message.clone(), span: Some(finding.primary.span) })?;
        let map: FastMap<PouId, &Func> = funcs.iter().map(|f| (f.pou, f)).collect();
        let code = Code {
            program: source.program,
            layout: &layout,
            funcs: map,
            frames: Frames::new(&layout, &funcs),
            tick_ns: source.schedule.tick_ns,
        };
        Builder::new(source, &code).build()
    }

    /// Any fault.
    #[must_use]
    pub fn fault(&mut self) -> Lit {
        let whens: Vec<Lit> = self.faults.iter().map(|f| f.when).collect();
        self.graph.any(whens)
    }
}

struct Builder<'a> {
    source: &'a Source<'a>,
    code: &'a Code<'a>,
    initial: Vec<u8>,
    retained: BTreeSet<usize>,
    /// Bits that may change, by place; their order numbers the latches.
    variable: BTreeSet<usize>,
    elapsed: BTreeSet<u32>,
    inputs: Vec<usize>,
    /// First byte of the phase of each task that is not due in every scan.
    phases_at: u32,
}

impl<'a> Builder<'a> {
    fn new(source: &'a Source<'a>, code: &'a Code<'a>) -> Self {
        let mut initial = source.image.initial_data();
        initial.truncate(code.layout.end as usize);
        let retained = retained_bits(source.image);
        let input_bits = code.layout.areas.first().copied().unwrap_or(0) as usize * 8;
        let inputs: BTreeSet<usize> = (0..input_bits).chain(source.free.iter().copied()).collect();
        Self {
            source,
            code,
            initial,
            variable: retained.iter().copied().filter(|bit| !inputs.contains(bit)).collect(),
            retained,
            elapsed: BTreeSet::new(),
            inputs: inputs.into_iter().collect(),
            phases_at: code.frames.end,
        }
    }

    fn bytes(&self) -> u32 {
        let phases = u32::try_from(self.source.schedule.tasks.len()).unwrap_or(0);
        self.phases_at.saturating_add(phases.saturating_mul(4)).next_multiple_of(8)
    }

    fn initially(&self, place: usize) -> bool {
        self.initial.get(place / 8).is_some_and(|byte| byte >> (place % 8) & 1 == 1)
    }

    /// Bits that outlive a scan: all but temporaries.
    fn kept(&self) -> impl Iterator<Item = usize> + use<> {
        let kept = self.code.frames.kept_end as usize * 8;
        (0..kept).chain(self.phases_at as usize * 8..self.bytes() as usize * 8)
    }

    fn build(mut self) -> Result<Model, Refusal> {
        let mut round = 0;
        loop {
            let mut exec = Exec::new(self.code, self.elapsed.clone());
            exec.loose = self.loose_starts();
            let before = self.before(&mut exec);
            let after = self.scan(&mut exec, before.clone())?;
            for (byte, bytes) in self.source.watched {
                exec.read(&after, *byte, bytes.saturating_mul(8));
            }
            let grown = self.grow(&exec, &before, &after, round >= ROUNDS_MAX);
            if !grown {
                return Ok(self.finish(exec, after));
            }
            round += 1;
        }
    }

    /// Bytes of the starts of retained timers: how old they are after a restart is not known.
    fn loose_starts(&self) -> BTreeSet<usize> {
        self.retained.iter().map(|bit| bit / 8).collect()
    }

    /// The data before a scan.
    fn before(&self, exec: &mut Exec<'_>) -> State {
        let mut state = State::new(self.bytes());
        for place in self.kept() {
            if self.initially(place) {
                state.put(place, &[Lit::TRUE]);
            }
        }
        for (number, place) in (0u32..).zip(&self.variable) {
            let latch = exec.graph.leaf(Leaf::Latch(number));
            state.put(*place, &[latch]);
        }
        for place in &self.inputs {
            let input = exec.free();
            state.put(*place, &[input]);
        }
        state
    }

    fn scan(&self, exec: &mut Exec<'_>, before: State) -> Result<State, Refusal> {
        let mut state = before;
        let mut phase_at = self.phases_at as usize * 8;
        for task in &self.source.schedule.tasks {
            let due = if task.every <= 1 {
                Lit::TRUE
            } else {
                let phase = state.get(phase_at, 32);
                let due = vector::equal(&mut exec.graph, &phase, &vector::constant(0, 32));
                let next = vector::add(&mut exec.graph, &phase, &vector::constant(1, 32));
                let around = vector::equal(&mut exec.graph, &next, &vector::constant(task.every, 32));
                let next: Vec<Lit> = next.into_iter().map(|lit| exec.graph.and(lit, !around)).collect();
                state.put(phase_at, &next);
                phase_at += 32;
                due
            };
            let mut run = state.clone();
            run.way = due;
            for number in &task.programs {
                let instance = self.source.program.instances.get(*number as usize);
                let own = self.code.layout.instances.get(*number as usize).copied();
                let (Some(instance), Some(own)) = (instance, own) else { continue };
                run = exec.call(instance.pou, own, run)?;
            }
            if due == Lit::TRUE {
                state = run;
            } else {
                state.way = !due;
                state.join(&mut exec.graph, &mut exec.cases, &run);
                state.way = Lit::TRUE;
            }
        }
        Ok(state)
    }

    /// Takes more bits as variable where the scan changed them; false when there are none.
    fn grow(&mut self, exec: &Exec<'_>, before: &State, after: &State, all: bool) -> bool {
        let mut grown = !exec.elapsed_read.is_subset(&self.elapsed);
        self.elapsed.extend(&exec.elapsed_read);
        let starts: BTreeSet<usize> = exec.timers.values().map(|t| t.fields.start_byte()).collect();
        let inputs: BTreeSet<usize> = self.inputs.iter().copied().collect();
        for place in self.kept() {
            let constant = Lit::constant(self.initially(place));
            let changed = after.bit(place) != constant || (all && before.bit(place) != after.bit(place));
            if changed && !self.variable.contains(&place) && !inputs.contains(&place) && !starts.contains(&(place / 8))
            {
                self.variable.insert(place);
                grown = true;
            }
        }
        grown
    }

    fn finish(&self, exec: Exec<'_>, after: State) -> Model {
        let mut exec = exec;
        let latches = self.variable.iter().map(|place| {
            let start = if self.retained.contains(place) { Start::Free } else { Start::Value(self.initially(*place)) };
            Latch { place: Some(*place), start, next: after.bit(*place) }
        });
        let latches = latches.collect();
        let mut counters: Vec<(u32, Counter)> = Vec::new();
        let mut hidden = BTreeSet::new();
        for (owner, timer) in &exec.timers {
            let (q, second) = (after.bit(timer.fields.q), after.bit(timer.fields.second));
            let fresh = after.bit(timer.fields.start_byte() * 8);
            let active = match timer.kind {
                TimerKind::Ton => exec.graph.and(second, !q),
                TimerKind::Tof => exec.graph.and(second, q),
                TimerKind::Tp => q,
            };
            let run = exec.graph.and(active, !fresh);
            counters.push((timer.counter, Counter { owner: Some(*owner), max: timer.max, run, hold: Lit::FALSE }));
            hidden.extend(timer.fields.start_byte()..timer.fields.start_byte() + 8);
            if !exec.elapsed.contains(owner) {
                let byte = timer.fields.elapsed_byte() as usize;
                hidden.extend(byte..byte + 8);
            }
        }
        counters.sort_by_key(|(number, _)| *number);
        let mut inputs: Vec<Input> = self.inputs.iter().map(|place| Input::Data(*place)).collect();
        inputs.resize(exec.inputs as usize, Input::Unknown);
        Model {
            inputs,
            latches,
            counters: counters.into_iter().map(|(_, counter)| counter).collect(),
            after,
            faults: exec.faults,
            beyond: exec.beyond,
            assumed: Lit::TRUE,
            beyond_at: exec.beyond_at,
            approximations: exec.approximations.into_iter().collect(),
            hidden,
            tick_ns: self.source.schedule.tick_ns,
            data_bytes: self.code.layout.end,
            words: words::of(self.source.image, &self.variable, |place| self.initially(place)),
            labels: Labels::default(),
            advice: Advice::default(),
            graph: exec.graph,
        }
    }
}

/// Bits of every retained value.
fn retained_bits(image: &Image) -> BTreeSet<usize> {
    let mut bits = BTreeSet::new();
    for slot in bytecode::retained(image).unwrap_or_default() {
        match slot.place {
            bytecode::image::Place::Bit { offset, bit } => {
                bits.insert(offset as usize * 8 + usize::from(bit));
            }
            bytecode::image::Place::Byte(offset) => {
                let width =
                    if slot.elementary == bytecode::types::Elementary::Bool { 1 } else { slot.size as usize * 8 };
                bits.extend(offset as usize * 8..offset as usize * 8 + width);
            }
        }
    }
    bits
}
