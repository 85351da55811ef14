//! Native code: an image becomes machine code when it is loaded, in milliseconds, with no compiler installed.
//!
//! - `flat`: bodies as flat lists of lines, small ones inlined; `lines`: what a line reads and writes; `plan`: what is decided before code is made; `ranges`:
//!   which indices cannot lie outside; `conditional`: small IFs without branches; `vector`: loops
//!   that run several turns at a time;
//! - `cache`: which value stands at which place; `emit` (control flow, with `places` and `memory` below it) and `ops`: from lines to the code
//!   generator's form;
//! - `compile`: functions and parts; `make`: each of them made, several at a time; `abi`: what code and host tell each other;
//! - `code`: the code itself, and everything unsafe.
//!
//! Traps, places and budget are those of the reference engine. Stores that the same stretch of code writes over are not
//! made, and scalars live in registers while a loop runs: after a trap, memory shows less than the interpreter's would,
//! which is within the rule that it is diagnostic only.
//!
//! Where there is no native code (another machine, a kernel that grants no executable memory, calls nested very
//! deep) the interpreter runs the program, and [`Engine::fallback`] says why.

// The instruction tables are matched by the few operations a rule concerns; naming the rest would hide which.
#![allow(clippy::wildcard_enum_match_arm)]

mod abi;
mod cache;
mod code;
mod compile;
mod conditional;
mod emit;
mod flat;
mod lines;
mod make;
mod ops;
mod plan;
mod ranges;
#[cfg(test)]
mod tests;
mod vector;

use super::memory::{Layout, Memory};
use super::references::References;
use super::trap::{Trap, TrapCode};
use super::{Budget, Engine, Interpreter};
use abi::Record;
use bytecode::{Op, VerifiedImage};
use code::Code;
use flat::Program;
use std::sync::atomic::AtomicU32;

/// Where marks go that nobody wants.
static UNOBSERVED: AtomicU32 = AtomicU32::new(0);

/// Runs machine code made from the image; the default engine.
#[derive(Debug)]
pub struct Native {
    layout: Layout,
    form: Form,
    /// Gets the instruction of each charge that is passed.
    mark: &'static AtomicU32,
    /// Every charge.
    charges: Vec<u32>,
}

enum Form {
    Code { code: Box<Code>, references: References },
    Interpreter { engine: Box<Interpreter>, why: String },
}

impl core::fmt::Debug for Form {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Code { .. } => f.write_str("Code"),
            Self::Interpreter { why, .. } => write!(f, "Interpreter({why})"),
        }
    }
}

/// The native code of an image as text, for people who want to know what becomes of their program.
///
/// # Errors
/// Why there is none, in a few words.
pub fn listing(image: &VerifiedImage) -> Result<String, String> {
    compile::listing(&Program::new(image))
}

impl Native {
    fn load_with(image: &VerifiedImage, inline: bool, threads: usize) -> Self {
        let program = Program::new(image);
        let layout = program.layout;
        let form = match compile::compile(&program, inline, threads) {
            Ok(code) => Form::Code { code: Box::new(code), references: References::new(program.references) },
            Err(why) => Form::Interpreter { engine: Box::new(Interpreter::load(image)), why },
        };
        let charges = (0..).zip(&image.code).filter(|(_, instr)| instr.op == Op::Charge).map(|(pc, _)| pc).collect();
        Self { layout, form, mark: &UNOBSERVED, charges }
    }

    /// Every call stays a call: tests run both ways.
    #[cfg(test)]
    pub(super) fn load_without_inlining(image: &VerifiedImage) -> Self {
        Self::load_with(image, false, 1)
    }
}

impl Engine for Native {
    fn load(image: &VerifiedImage) -> Self {
        Self::load_with(image, true, make::processors())
    }

    fn name(&self) -> &'static str {
        match &self.form {
            Form::Code { .. } => "native",
            Form::Interpreter { engine, .. } => engine.name(),
        }
    }

    fn fallback(&self) -> Option<&str> {
        match &self.form {
            Form::Code { .. } => None,
            Form::Interpreter { why, .. } => Some(why),
        }
    }

    fn observe(&mut self, at: &'static AtomicU32) {
        self.mark = at;
        if let Form::Interpreter { engine, .. } = &mut self.form {
            engine.observe(at);
        }
    }

    fn marks(&self) -> Vec<(u32, u32)> {
        match &self.form {
            Form::Code { .. } => self.charges.iter().map(|pc| (*pc, *pc)).collect(),
            Form::Interpreter { engine, .. } => engine.marks(),
        }
    }

    fn run(&mut self, memory: &mut Memory, program: usize, now_ns: i64, budget: &mut Budget) -> Result<(), Trap> {
        let (code, references) = match &mut self.form {
            Form::Code { code, references } => (code, references),
            Form::Interpreter { engine, .. } => return engine.run(memory, program, now_ns, budget),
        };
        let defect = Trap { code: TrapCode::EngineDefect, pc: 0, via: 0, value: 0 };
        if memory.layout() != self.layout {
            return Err(defect);
        }
        references.unbind();
        let references_at = core::ptr::null_mut();
        let (left, mark) = (budget.left, core::ptr::from_ref(self.mark));
        let mut record = Record { left, now_ns, references: references_at, mark, value: 0, pc: 0, via: 0, code: 0 };
        let status = code.run(program, memory.window_mut(), references.as_mut_slice(), &mut record).ok_or(defect)?;
        budget.left = record.left;
        if status == 0 {
            return Ok(());
        }
        Err(Trap { code: code_of(record.code), pc: record.pc, via: record.via, value: record.value })
    }
}

/// A trap's code as native code writes it.
const fn code_number(code: TrapCode) -> u32 {
    match code {
        TrapCode::EngineDefect => 0,
        TrapCode::DivisionByZero => 1,
        TrapCode::IndexOutOfBounds => 2,
        TrapCode::BudgetSpent => 3,
        TrapCode::UnboundReference => 4,
    }
}

const fn code_of(number: u32) -> TrapCode {
    match number {
        1 => TrapCode::DivisionByZero,
        2 => TrapCode::IndexOutOfBounds,
        3 => TrapCode::BudgetSpent,
        4 => TrapCode::UnboundReference,
        _ => TrapCode::EngineDefect,
    }
}
