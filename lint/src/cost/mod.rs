//! What a scan costs at most: the longest way through each task, in instructions, units of the scan budget and time.
//!
//! Worked out over the verified code itself, calls included, by walking all ways at once (`walk`) with what is known of values:
//! intervals (`range`), from constants, from variables that no instruction ever writes (`frozen`) and from what the scan itself
//! computes and compares. Everything else can be anything at the start of a scan. A loop is followed pass by pass until it is known
//! to end; one that never is, is *open* and named.
//!
//! Instructions and units are bounds: no scan runs more. Time is the same bound weighted with what instructions of each
//! [`Class`] were measured to cost, and therefore an estimate.

mod class;
mod frozen;
mod range;
mod step;
mod store;
mod walk;

pub use class::{Class, Cost, Weights};

use bytecode::VerifiedImage;
use bytecode::image::{PouKind, SourcePlace};
use frozen::Frozen;
use store::{Place, State};
use walk::Walk;

/// With what costs are worked out.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'s> {
    /// Time of an instruction of each class.
    pub weights: Weights,
    /// Units a scan may spend: a loop that may charge more is open.
    pub budget: u64,
    /// Variables somebody else writes between scans: offset and bytes. Inputs and what is kept are known to change.
    pub open: &'s [(u32, u32)],
}

/// A loop that is not bounded, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenLoop {
    /// Kind and name of its unit, such as `PROGRAM Main`.
    pub unit: String,
    /// Label of its rung; empty outside a ladder.
    pub rung: String,
    /// Source file.
    pub file: String,
    /// Line from 1.
    pub line: u32,
    /// Column from 1.
    pub column: u32,
}

/// What a program costs at most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProgramCost {
    /// The bound; where a loop is open, the cost with one pass of each open loop.
    pub cost: Cost,
    /// Loops that are not bounded: there is no bound then but the scan budget.
    pub open: Vec<OpenLoop>,
    /// Why there is no figure at all.
    pub unknown: Option<String>,
}

impl ProgramCost {
    /// Does the cost bound every scan?
    #[must_use]
    pub const fn is_bound(&self) -> bool {
        self.open.is_empty() && self.unknown.is_none()
    }

    fn then(&mut self, other: Self) {
        self.cost.then(&other.cost);
        self.open.extend(other.open.into_iter().filter(|found| !self.open.contains(found)).collect::<Vec<_>>());
        self.unknown = self.unknown.take().or(other.unknown);
    }
}

/// What a task costs at most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskCost {
    /// Its name; empty for programs without a task.
    pub name: String,
    /// Its interval; 0 for the scan period.
    pub interval_ns: u64,
    /// Its programs.
    pub programs: Vec<String>,
    /// All of them, one after the other.
    pub cost: ProgramCost,
}

/// The costs of every task, programs without a task last.
#[must_use]
pub fn tasks(image: &VerifiedImage, settings: &Settings<'_>) -> Vec<TaskCost> {
    let frozen = Frozen::of(image, settings.open);
    let mut rows: Vec<(String, u64, Vec<u32>)> =
        image.tasks.iter().map(|t| (t.name.clone(), t.interval_ns, t.programs.clone())).collect();
    let in_none = |program: &u32| !image.tasks.iter().any(|task| task.programs.contains(program));
    let alone: Vec<u32> = (0_u32..).zip(&image.programs).map(|(n, _)| n).filter(in_none).collect();
    if !alone.is_empty() {
        rows.push((String::new(), 0, alone));
    }
    rows.retain(|row| !row.2.is_empty());
    let cost = |(name, interval_ns, programs): (String, u64, Vec<u32>)| {
        let named = |program: &u32| image.programs.get(*program as usize).map(|p| p.name.clone());
        let mut task = TaskCost {
            name,
            interval_ns,
            programs: programs.iter().filter_map(named).collect(),
            ..TaskCost::default()
        };
        programs.iter().for_each(|program| task.cost.then(walked(image, &frozen, *program as usize, settings)));
        task
    };
    rows.into_iter().map(cost).collect()
}

/// The cost of one program, as an index into [`bytecode::Image::programs`].
#[must_use]
pub fn program(image: &VerifiedImage, program: usize, settings: &Settings<'_>) -> ProgramCost {
    walked(image, &Frozen::of(image, settings.open), program, settings)
}

fn walked(image: &VerifiedImage, frozen: &Frozen, program: usize, settings: &Settings<'_>) -> ProgramCost {
    let Some(instance) = image.programs.get(program) else { return ProgramCost::default() };
    let mut walk = Walk::new(image, frozen, &settings.weights, settings.budget);
    let start = State::new(image.data.size as usize);
    let end = walk.body(instance.pou.0, Place::At(instance.offset), start, 0);
    let open: Vec<OpenLoop> = walk.open.iter().map(|header| open_loop(image, *header)).collect();
    let mut unknown = walk.given_up.map(str::to_owned);
    if end.is_none() && open.is_empty() && unknown.is_none() {
        unknown = Some("no way through it comes to its end".to_owned());
    }
    ProgramCost { cost: end.map(|state| state.cost).unwrap_or_default(), open, unknown }
}

fn open_loop(image: &VerifiedImage, header: u32) -> OpenLoop {
    // The charge at the header carries the place of the loop's statement; the first place after it otherwise.
    let place = image.source_place(header).or_else(|| image.debug.places.iter().find(|p| p.pc > header));
    let none = SourcePlace { pc: header, file: u32::MAX, line: 0, column: 0, rung: SourcePlace::NO_RUNG };
    let place = place.copied().unwrap_or(none);
    let unit = image.pou_at(header).map_or_else(String::new, |pou| {
        let kind = match pou.kind {
            PouKind::Program => "PROGRAM",
            PouKind::FunctionBlock => "FUNCTION_BLOCK",
            PouKind::Function => "FUNCTION",
        };
        format!("{kind} {}", pou.name)
    });
    OpenLoop {
        unit,
        rung: image.debug.rungs.get(place.rung as usize).map(|rung| rung.label.clone()).unwrap_or_default(),
        file: image.debug.files.get(place.file as usize).cloned().unwrap_or_default(),
        line: place.line,
        column: place.column,
    }
}

#[cfg(test)]
mod tests;
