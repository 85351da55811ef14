//! From a program to code: which functions there are, and how long bodies are cut into parts.
//!
//! The code generator needs time and memory that grow faster than a function's length, so a body beyond
//! [`PART_LINES`] becomes several functions, cut where no branch crosses, and one that calls them in turn.
//!
//! Three steps: bodies are flattened and every function gets its number; each is translated by itself (`make`);
//! the results go into the module in the order of the numbers. So the code is the same whoever translates.

use super::code::Code;
use super::flat::{Bodies, Flat, Kind, Program, call_depth, number};
use super::make::{Job, Made, Maker, all};
use bytecode::image::PouKind;
use cranelift_codegen::ir::{AbiParam, Signature, types};
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{FuncId, Module, default_libcall_names};
use std::ops::Range;

/// Lines of a part: about 300 rungs. Shorter ones pass less in registers, longer ones compile slower.
const PART_LINES: u32 = 1_500;
/// Calls in a chain, at most.
const DEPTH_MAX: u32 = 64;
/// Stack that calls in a chain may need, in bytes: a quarter of the smallest thread's in use.
const STACK_MAX_BYTES: u64 = 512 << 10;

/// Why there is no native code, in a few words.
pub(super) type Unavailable = String;

/// Makes the code of a program, with at most so many threads.
pub(super) fn compile(program: &Program<'_>, inline: bool, threads: usize) -> Result<Code, Unavailable> {
    let functions = Functions::of(program, inline)?;
    let made = functions.made(program, threads, false)?;
    functions.finish(&made)
}

/// The code of a function, and what it refers to in words.
#[cfg(test)]
type CodeAndReferences = (Vec<u8>, Vec<String>);

/// The code of every function, in the order of their numbers.
#[cfg(test)]
pub(super) fn functions(program: &Program<'_>, threads: usize) -> Result<Vec<CodeAndReferences>, Unavailable> {
    let made = Functions::of(program, true)?.made(program, threads, false)?;
    let words = |made: &Made| made.relocations.iter().map(|r| format!("{} {}", r.offset, r.name)).collect();
    Ok(made.iter().map(|made| (made.bytes.clone(), words(made))).collect())
}

/// The code of a program as text.
pub(super) fn listing(program: &Program<'_>) -> Result<String, Unavailable> {
    let functions = Functions::of(program, true)?;
    let made = functions.made(program, 1, true)?;
    let mut text = String::new();
    let mut made = made.iter().zip(&functions.jobs).peekable();
    for (number, (pou, flat)) in (0..).zip(&functions.bodies) {
        let name = program.image.pous.get(*pou as usize).map_or("", |p| p.name.as_str());
        text.push_str(&format!("\n; {name}, {} instructions\n", flat.lines.len()));
        while let Some((made, _)) = made.next_if(|(_, job)| job.body() == number) {
            text.push_str(&made.listing);
        }
    }
    Ok(text)
}

/// All functions of a program, before they are made.
struct Functions {
    module: JITModule,
    isa: OwnedTargetIsa,
    /// The same for straight stretches.
    straight: OwnedTargetIsa,
    signature: Signature,
    /// Calls in a chain.
    depth: u32,
    /// Bodies by number: the POU, and its lines.
    bodies: Vec<(u32, Flat)>,
    /// Functions of the bodies, by number.
    entries: Vec<FuncId>,
    /// Body by body; the parts of a body before what calls them.
    jobs: Vec<Job>,
    /// Bodies of the program instances by number, and where their instances stand.
    roots: Vec<(u32, u32)>,
}

pub(super) fn failed(what: &str, why: impl std::fmt::Display) -> Unavailable {
    format!("{what}: {why}")
}

/// The code generator for this machine. How it gives out registers decides half of its time: in one pass straight code becomes as
/// good as in several (1 % more instructions for 1,000 rungs), code with branches twice as long.
fn isa(registers: &str) -> Result<OwnedTargetIsa, Unavailable> {
    let mut flags = settings::builder();
    let checked = if cfg!(debug_assertions) { "true" } else { "false" };
    let wanted = [
        ("opt_level", "none"),
        ("enable_verifier", checked),
        ("use_colocated_libcalls", "false"),
        ("is_pic", "false"),
        ("unwind_info", "false"),
        ("regalloc_algorithm", registers),
    ];
    for (name, value) in wanted {
        flags.set(name, value).map_err(|e| failed("code generator", e))?;
    }
    let isa = cranelift_native::builder().map_err(|e| failed("no code generator for this machine", e))?;
    let isa = isa.finish(settings::Flags::new(flags)).map_err(|e| failed("code generator", e))?;
    if isa.pointer_bits() != 64 {
        return Err("this machine has no 64-bit addresses".to_owned());
    }
    Ok(isa)
}

impl Functions {
    fn of(program: &Program<'_>, inline: bool) -> Result<Self, Unavailable> {
        if cfg!(target_endian = "big") {
            return Err("this machine's byte order is not the images'".to_owned());
        }
        let depth = call_depth(program.image);
        if depth > DEPTH_MAX {
            return Err(format!("calls are nested {depth} deep, native code takes {DEPTH_MAX}"));
        }
        let mut wanted = Bodies::new(program, inline);
        let roots = program.image.programs.iter().map(|p| (wanted.body_at(p.pou.0, p.offset), p.offset)).collect();
        let mut bodies = Vec::new();
        while let Some(body) = wanted.list.get(bodies.len()).copied() {
            bodies.push((body.0, wanted.flatten(body)));
        }
        let (isa, straight) = (isa("backtracking")?, isa("single_pass")?);
        let module = JITModule::new(JITBuilder::with_isa(isa.clone(), default_libcall_names()));
        let mut signature = module.make_signature();
        signature.params = vec![AbiParam::new(types::I64); 3];
        signature.returns = vec![AbiParam::new(types::I32)];
        let (entries, jobs) = (Vec::new(), Vec::new());
        let mut functions = Self { module, isa, straight, signature, depth, bodies, entries, jobs, roots };
        functions.number(program)?;
        Ok(functions)
    }

    fn function(&mut self) -> Result<FuncId, Unavailable> {
        self.module.declare_anonymous_function(&self.signature).map_err(|e| failed("code generator", e))
    }

    /// Functions for all bodies and their parts.
    fn number(&mut self, program: &Program<'_>) -> Result<(), Unavailable> {
        for _ in 0..self.bodies.len() {
            let id = self.function()?;
            self.entries.push(id);
        }
        let shapes: Vec<(bool, Vec<Range<u32>>)> = self
            .bodies
            .iter()
            .map(|(pou, flat)| {
                let unit = program.image.pous.get(*pou as usize);
                (unit.is_some_and(|p| p.kind == PouKind::Program), parts(flat))
            })
            .collect();
        for ((body, id), (root, parts)) in (0..).zip(self.entries.clone()).zip(shapes) {
            if let [whole] = parts.as_slice() {
                self.jobs.push(Job::Part { id, body, lines: whole.clone(), root, part: false });
                continue;
            }
            let mut ids = Vec::with_capacity(parts.len());
            for lines in parts {
                let id = self.function()?;
                self.jobs.push(Job::Part { id, body, lines, root, part: true });
                ids.push(id);
            }
            self.jobs.push(Job::Sequence { id, body, parts: ids });
        }
        Ok(())
    }

    /// Every job done, in the order of the jobs.
    fn made(&self, program: &Program<'_>, threads: usize, listed: bool) -> Result<Vec<Made>, Unavailable> {
        let maker = Maker {
            program,
            bodies: &self.bodies,
            entries: &self.entries,
            isa: &*self.isa,
            straight: &*self.straight,
            signature: &self.signature,
            listed,
        };
        let made = all(&maker, &self.jobs, threads)?;
        let frame_max_bytes = made.iter().map(|made| made.frame_bytes).max().unwrap_or(0);
        if frame_max_bytes * u64::from(2 * self.depth) > STACK_MAX_BYTES {
            return Err("its calls would need too much stack".to_owned());
        }
        Ok(made)
    }

    fn finish(mut self, made: &[Made]) -> Result<Code, Unavailable> {
        for (job, made) in self.jobs.iter().zip(made) {
            self.module
                .define_function_bytes(job.id(), made.alignment, &made.bytes, &made.relocations)
                .map_err(|e| failed("code generator", e))?;
        }
        self.module.finalize_definitions().map_err(|e| failed("the system refuses executable memory", e))?;
        let entry = |(body, own): &(u32, u32)| Some((*self.entries.get(*body as usize)?, *own));
        let roots: Option<Vec<(FuncId, u32)>> = self.roots.iter().map(entry).collect();
        Ok(Code::new(self.module, &roots.ok_or("code generator: no such body")?))
    }
}

/// Cuts a body where no branch crosses, into parts of about [`PART_LINES`].
fn parts(flat: &Flat) -> Vec<Range<u32>> {
    let count = number(flat.lines.len());
    // Branches that cross the gap before a line: what begins and ends there.
    let mut change = vec![0_i64; flat.lines.len() + 2];
    let mut add = |line: u32, by: i64| {
        if let Some(change) = change.get_mut(line as usize) {
            *change += by;
        }
    };
    for (at, line) in (0..count).zip(&flat.lines) {
        let (Kind::Branch(to) | Kind::Goto(to)) = line.kind else { continue };
        // A branch forward may lead to the gap itself: there the part ends. One backward may come from just before it.
        let (first, after) = if to > at { (at + 1, to) } else { (to + 1, at + 1) };
        add(first, 1);
        add(after, -1);
    }
    let mut parts = Vec::new();
    let (mut start, mut crossing) = (0, 0);
    for (at, change) in (0..count).zip(&change) {
        crossing += change;
        if crossing == 0 && at - start >= PART_LINES {
            parts.push(start..at);
            start = at;
        }
    }
    parts.push(start..count);
    parts
}
