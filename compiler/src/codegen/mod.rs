//! From intermediate code to an image.
//!
//! Owns layout ([`layout`]), the type table (`types`), the constant pool and access rows (`tables`), the frames'
//! slots for temporaries (`slots`), instructions with their budget charges (`emit`) and what a person needs to follow
//! it all (`symbols`, `describe`). The same program gives the same image, byte for byte.

// Labels and jumps matter to code generation in several places where all other instructions do not.
#![allow(clippy::wildcard_enum_match_arm)]

mod describe;
mod emit;
mod initial;
pub mod layout;
mod slots;
mod symbols;
mod tables;
mod types;

use crate::arena::Arena;
use crate::diag::{Code, Diagnostic};
use crate::hir::{PouId, PouKind, Program};
use crate::ir::Func;
use crate::source::SourceMap;
use bytecode::image::{DataSegment, Image, Pou, ProgramInstance, Task};
use bytecode::isa::Operand;
use layout::Layout;

pub use initial::initial_bytes;
pub(crate) use symbols::Symbols;

/// What an image is made from.
pub(crate) struct Input<'a> {
    /// The program.
    pub program: &'a Program,
    /// Its layout.
    pub layout: &'a Layout,
    /// The code of every POU that is reachable from a program instance, in the order of their numbers.
    pub funcs: &'a [Func],
    /// The texts.
    pub sources: &'a SourceMap,
}

/// Makes the image.
///
/// # Errors
/// A limit of the image format is exceeded.
pub(crate) fn generate(input: &Input<'_>, symbols: Symbols) -> Result<Image, Box<Diagnostic>> {
    let mut generator = Generator::new(input)?;
    for func in input.funcs {
        generator.pou(func)?;
    }
    generator.finish(symbols)
}

struct Generator<'a> {
    input: &'a Input<'a>,
    types: types::TypeTable,
    tables: tables::Tables,
    /// Number in the image of each POU that is in it.
    numbers: Arena<PouId, Option<u32>>,
    frames: slots::Frames,
    image: Image,
    describer: describe::Describer<'a>,
}

impl<'a> Generator<'a> {
    fn new(input: &'a Input<'a>) -> Result<Self, Box<Diagnostic>> {
        let mut numbers = Arena::default();
        input.program.pous.ids().for_each(|_| {
            numbers.push(None);
        });
        for (number, func) in (0u32..).zip(input.funcs) {
            numbers[func.pou] = Some(number);
        }
        let frames = slots::Frames::new(input);
        if frames.end() > layout::DATA_BYTES_MAX {
            return Err(too_large(input.program, frames.end()));
        }
        Ok(Self {
            input,
            types: types::TypeTable::default(),
            tables: tables::Tables::default(),
            numbers,
            frames,
            image: Image::default(),
            describer: describe::Describer::new(input),
        })
    }

    fn pou(&mut self, func: &Func) -> Result<(), Box<Diagnostic>> {
        let pou = &self.input.program.pous[func.pou];
        let entry = u32::try_from(self.image.code.len()).unwrap_or(u32::MAX);
        emit::emit(self, func);
        if self.image.code.len() > bytecode::verify::MAX_INSTRUCTIONS {
            let message = format!("more than {} instructions", bytecode::verify::MAX_INSTRUCTIONS);
            return Err(Box::new(Diagnostic::new(Code::CodeTooLarge, pou.span, message)));
        }
        let end = u32::try_from(self.image.code.len()).unwrap_or(u32::MAX);
        let reference_types = pou.in_outs.iter().map(|v| pou.vars[*v].ty).chain(func.own_refs.iter().copied());
        let mut references = Vec::new();
        for ty in reference_types {
            if self.input.layout.extent_of(ty).size > Operand::MAX_REF_OFFSET {
                let name = self.input.program.types.name(ty);
                let message = format!("{name} is too large to be reached by reference (2 MiB)");
                return Err(Box::new(Diagnostic::new(Code::DataTooLarge, pou.span, message)));
            }
            references.push(self.types.id(self.input, ty));
        }
        if references.len() > Operand::MAX_REFS {
            let message = format!("{} references in one unit", references.len());
            return Err(Box::new(Diagnostic::new(Code::TooManyReferences, pou.span, message)));
        }
        let instance = pou.instance.map(|ty| self.types.id(self.input, ty));
        self.image.pous.push(Pou {
            name: pou.name.clone(),
            kind: image_kind(pou.kind),
            entry,
            end,
            instance,
            references,
        });
        Ok(())
    }

    fn finish(mut self, symbols: Symbols) -> Result<Image, Box<Diagnostic>> {
        let Input { program, layout, .. } = *self.input;
        let [input_bytes, output_bytes, flag_bytes] = layout.areas;
        let slots = self.frames.data_slots(self.input, &mut self.types);
        let initial = initial::initial_values(program, layout);
        let size = u32::try_from(self.frames.end()).unwrap_or(u32::MAX);
        self.image.data = DataSegment { input_bytes, output_bytes, flag_bytes, size, slots, initial };
        self.image.name.clone_from(&program.name);
        for (instance, offset) in program.instances.iter().zip(&layout.instances) {
            let number = self.numbers[instance.pou].unwrap_or(0);
            let pou = bytecode::PouId(number);
            self.image.programs.push(ProgramInstance { name: instance.name.clone(), pou, offset: *offset });
        }
        self.image.tasks = program
            .tasks
            .iter()
            .map(|t| Task {
                name: t.name.clone(),
                interval_ns: t.interval_ns,
                priority: t.priority,
                programs: t.programs.clone(),
            })
            .collect();
        self.image.symbols = symbols.numbered(self.input, &mut self.types);
        let (constants, accesses) = self.tables.finish(self.input, &mut self.types);
        self.image.constants = constants;
        self.image.accesses = accesses;
        self.image.debug = self.describer.finish(self.input, &self.numbers);
        self.image.types = self.types.finish();
        bytecode::retained(&self.image).map_err(|error| too_many_retained(program, &error))?;
        Ok(self.image)
    }
}

fn image_kind(kind: PouKind) -> bytecode::image::PouKind {
    match kind {
        PouKind::Program => bytecode::image::PouKind::Program,
        PouKind::FunctionBlock => bytecode::image::PouKind::FunctionBlock,
        PouKind::Function => bytecode::image::PouKind::Function,
    }
}

/// The report about a program that keeps too much.
fn too_many_retained(program: &Program, error: &bytecode::TooManyRetained) -> Box<Diagnostic> {
    let name = error.symbol.rsplit('.').next().unwrap_or_default();
    let locals = program.instances.iter().flat_map(|i| program.pous[i.pou].vars.values());
    let mut declared = program.globals.values().chain(locals);
    let span = declared.find(|v| v.name == name).map_or_else(Default::default, |v| v.span);
    let message = format!("more than {} retained values, counted up to here", bytecode::RETAINED_MAX);
    Box::new(
        Diagnostic::new(Code::DataTooLarge, span, message).help("retain less of it: every element of an array counts"),
    )
}

/// The report about a program whose data is too large.
pub(crate) fn too_large(program: &Program, bytes: u64) -> Box<Diagnostic> {
    let span = program.pous.values().next().map_or_else(Default::default, |p| p.span);
    let mib = bytes / (1024 * 1024);
    let message = format!("the variables take more than {} MiB (about {mib} MiB)", layout::DATA_BYTES_MAX >> 20);
    Box::new(Diagnostic::new(Code::DataTooLarge, span, message))
}
