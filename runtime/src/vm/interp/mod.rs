//! The interpreter: canonical code is translated into private code when an image is loaded, and that is run.
//!
//! - `op`: the private instructions; `select` and `translate`: from canonical code to them;
//! - `fuse` and `blocks`: fewer dispatches;
//! - `standard`: standard function blocks as one instruction;
//! - `window`: memory with 16-bit offsets and no checks, or with 32-bit offsets and checks;
//! - `exec`: the loop.
//!
//! All safe code. What the engine must not do wrong, it cannot: offsets reach nothing but the window.

// The private tables are matched by the few opcodes a rule concerns; naming the rest would hide which.
#![allow(clippy::wildcard_enum_match_arm)]

mod blocks;
mod exec;
mod fuse;
mod op;
mod select;
mod standard;
mod translate;
mod window;

use super::memory::{Layout, Memory};
use super::references::References;
use super::trap::{Trap, TrapCode};
use super::{Budget, Engine};
use bytecode::VerifiedImage;
use exec::{Frame, State, Tables};
use op::Word;
use std::sync::atomic::AtomicU32;
use translate::Translation;
use window::{Narrow, Wide};

/// Where marks go that nobody wants.
static UNOBSERVED: AtomicU32 = AtomicU32::new(0);

/// Largest memory that 16-bit offsets reach.
const NARROW_BYTES: usize = 65_536;

/// Runs a private translation of the image. The default engine.
#[derive(Debug)]
pub struct Interpreter {
    layout: Layout,
    form: Form,
    /// Slot at which each program instance begins, and what the own register holds there.
    entries: Vec<(u32, u32)>,
    state: State,
}

#[derive(Debug)]
enum Form {
    Narrow(Tables<u16>),
    Wide(Tables<u32>),
}

impl Engine for Interpreter {
    fn load(image: &VerifiedImage) -> Self {
        let layout = Layout::of(image);
        let translation = translate::translate(image, layout);
        let entries = translation.entries.clone();
        let state = State {
            references: References::new(translation.references),
            // Calls form no cycle, so at most every POU but the first is called at once.
            frames: vec![Frame::default(); image.pous.len()],
            mark: &UNOBSERVED,
        };
        let narrow = (layout.used_bytes <= NARROW_BYTES).then(|| tables(&translation, &image.accesses)).flatten();
        let form = match narrow {
            Some(tables) => Form::Narrow(tables),
            None => Form::Wide(wide(translation, &image.accesses)),
        };
        Self { layout, form, entries, state }
    }

    fn name(&self) -> &'static str {
        "interpreter"
    }

    fn observe(&mut self, at: &'static AtomicU32) {
        self.state.mark = at;
    }

    fn marks(&self) -> Vec<(u32, u32)> {
        match &self.form {
            Form::Narrow(tables) => tables.marks(),
            Form::Wide(tables) => tables.marks(),
        }
    }

    fn run(&mut self, memory: &mut Memory, program: usize, now_ns: i64, budget: &mut Budget) -> Result<(), Trap> {
        let defect = Trap { code: TrapCode::EngineDefect, pc: 0, via: 0, value: 0 };
        let entry = *self.entries.get(program).ok_or(defect)?;
        if memory.layout() != self.layout {
            return Err(defect);
        }
        self.state.references.unbind();
        let state = &mut self.state;
        match &self.form {
            Form::Narrow(tables) => {
                let window = memory.window_mut().first_chunk_mut().ok_or(defect)?;
                exec::run(tables, state, Narrow(window), entry, now_ns, &mut budget.left)
            }
            Form::Wide(tables) => exec::run(tables, state, Wide(memory.window_mut()), entry, now_ns, &mut budget.left),
        }
    }
}

/// The translation with words of another width, if all fit.
fn tables<W: Word>(from: &Translation, accesses: &[bytecode::image::Access]) -> Option<Tables<W>> {
    Some(Tables {
        code: from.code.iter().map(|i| i.fit()).collect::<Option<_>>()?,
        places: from.places.clone(),
        records: from.records.iter().map(|r| r.fit()).collect::<Option<_>>()?,
        accesses: accesses.to_vec(),
        bounds: from.bounds.clone(),
        rare: from.rare.clone(),
    })
}

fn wide(from: Translation, accesses: &[bytecode::image::Access]) -> Tables<u32> {
    Tables {
        code: from.code,
        places: from.places,
        records: from.records,
        accesses: accesses.to_vec(),
        bounds: from.bounds,
        rare: from.rare,
    }
}
