//! From a program to code: which functions there are, and how long bodies are cut into parts.
//!
//! The code generator needs time and memory that grow faster than a function's length, so a body beyond
//! [`PART_LINES`] becomes several functions, cut where no branch crosses, and one that calls them in turn.

use super::abi::{self, DONE, TRAPPED};
use super::code::{Code, move_bytes};
use super::emit::{Defect, Frame, Host, Outside, emit};
use super::flat::{Bodies, Flat, Kind, Program, call_depth, number};
use super::plan::Plan;
use bytecode::image::PouKind;
use cranelift_codegen::Context;
use cranelift_codegen::ir::{AbiParam, FuncRef, InstBuilder, Signature, types};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
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

/// Makes the code of a program.
pub(super) fn compile(program: &Program<'_>, inline: bool) -> Result<Code, Unavailable> {
    let (maker, roots) = make(program, inline, false)?;
    maker.finish(&roots)
}

/// The code of a program as text.
pub(super) fn listing(program: &Program<'_>) -> Result<String, Unavailable> {
    let (maker, _) = make(program, true, true)?;
    Ok(maker.listing.unwrap_or_default())
}

/// Bodies of the program instances by number, and where their instances stand.
type Roots = Vec<(u32, u32)>;

fn make<'a>(program: &'a Program<'a>, inline: bool, listed: bool) -> Result<(Maker<'a>, Roots), Unavailable> {
    if cfg!(target_endian = "big") {
        return Err("this machine's byte order is not the images'".to_owned());
    }
    let depth = call_depth(program.image);
    if depth > DEPTH_MAX {
        return Err(format!("calls are nested {depth} deep, native code takes {DEPTH_MAX}"));
    }
    let mut bodies = Bodies::new(program, inline);
    let roots: Roots = program.image.programs.iter().map(|p| (bodies.body_at(p.pou.0, p.offset), p.offset)).collect();
    let mut maker = Maker::new(program)?;
    maker.listing = listed.then(String::new);
    let mut at = 0;
    while let Some(body) = bodies.list.get(at).copied() {
        let flat = bodies.flatten(body);
        maker.declare(bodies.list.len())?;
        let pou = program.image.pous.get(body.0 as usize);
        let root = pou.is_some_and(|p| p.kind == PouKind::Program);
        maker.title(&format!("{}, {} instructions", pou.map_or("", |p| p.name.as_str()), flat.lines.len()));
        maker.define_body(at, &flat, root)?;
        at += 1;
    }
    if maker.frame_max_bytes * u64::from(2 * depth) > STACK_MAX_BYTES {
        return Err("its calls would need too much stack".to_owned());
    }
    Ok((maker, roots))
}

struct Maker<'a> {
    program: &'a Program<'a>,
    module: JITModule,
    signature: Signature,
    /// Functions of the bodies, by number.
    functions: Vec<FuncId>,
    context: Context,
    builder: FunctionBuilderContext,
    frame_max_bytes: u64,
    /// The text of all functions, where it is wanted.
    listing: Option<String>,
}

fn failed(what: &str, why: impl std::fmt::Display) -> Unavailable {
    format!("{what}: {why}")
}

fn module() -> Result<JITModule, Unavailable> {
    let mut flags = settings::builder();
    let checked = if cfg!(debug_assertions) { "true" } else { "false" };
    let wanted = [
        ("opt_level", "none"),
        ("enable_verifier", checked),
        ("use_colocated_libcalls", "false"),
        ("is_pic", "false"),
        ("unwind_info", "false"),
    ];
    for (name, value) in wanted {
        flags.set(name, value).map_err(|e| failed("code generator", e))?;
    }
    let isa = cranelift_native::builder().map_err(|e| failed("no code generator for this machine", e))?;
    let isa = isa.finish(settings::Flags::new(flags)).map_err(|e| failed("code generator", e))?;
    if isa.pointer_bits() != 64 {
        return Err("this machine has no 64-bit addresses".to_owned());
    }
    Ok(JITModule::new(JITBuilder::with_isa(isa, default_libcall_names())))
}

impl<'a> Maker<'a> {
    fn new(program: &'a Program<'a>) -> Result<Self, Unavailable> {
        let module = module()?;
        let mut signature = module.make_signature();
        signature.params = vec![AbiParam::new(types::I64); 3];
        signature.returns = vec![AbiParam::new(types::I32)];
        let context = module.make_context();
        Ok(Self {
            program,
            module,
            signature,
            functions: Vec::new(),
            context,
            builder: FunctionBuilderContext::new(),
            frame_max_bytes: 0,
            listing: None,
        })
    }

    fn title(&mut self, title: &str) {
        if let Some(listing) = &mut self.listing {
            listing.push_str(&format!("\n; {title}\n"));
        }
    }

    fn function(&mut self) -> Result<FuncId, Unavailable> {
        self.module.declare_anonymous_function(&self.signature).map_err(|e| failed("code generator", e))
    }

    /// Functions for all bodies asked for so far.
    fn declare(&mut self, bodies: usize) -> Result<(), Unavailable> {
        while self.functions.len() < bodies {
            let id = self.function()?;
            self.functions.push(id);
        }
        Ok(())
    }

    fn define_body(&mut self, body: usize, flat: &Flat, root: bool) -> Result<(), Unavailable> {
        let id = self.functions.get(body).copied().ok_or("code generator: no such body")?;
        let parts = parts(flat);
        if let [whole] = parts.as_slice() {
            return self.define_part(id, flat, whole.clone(), root, false);
        }
        let mut ids = Vec::with_capacity(parts.len());
        for part in parts {
            let id = self.function()?;
            self.define_part(id, flat, part, root, true)?;
            ids.push(id);
        }
        self.define_sequence(id, &ids)
    }

    fn define_part(
        &mut self,
        id: FuncId,
        flat: &Flat,
        lines: Range<u32>,
        root: bool,
        part: bool,
    ) -> Result<(), Unavailable> {
        let plan = Plan::of(self.program, flat, lines.clone());
        let defect = |_: Defect| "the translation met what verified code does not have".to_owned();
        self.context.func.signature = self.signature.clone();
        let mut builder = FunctionBuilder::new(&mut self.context.func, &mut self.builder);
        let mut host_signature = |params: usize, results: usize| {
            let mut signature = self.module.make_signature();
            signature.params = vec![AbiParam::new(types::I64); params];
            signature.returns = vec![AbiParam::new(types::I64); results];
            builder.import_signature(signature)
        };
        let host = Host {
            evaluate_signature: host_signature(3, 1),
            move_bytes_signature: host_signature(3, 0),
            evaluate: (abi::evaluate as extern "C" fn(i64, u64, u64) -> u64) as usize as i64,
            move_bytes: (move_bytes as unsafe extern "C" fn(*mut u8, *const u8, usize)) as usize as i64,
        };
        let mut outside = Functions { module: &mut self.module, functions: &self.functions };
        let program = self.program;
        let frame = Frame { program, flat, plan: &plan, lines, outside: &mut outside, host, builder, root, part };
        emit(frame).map_err(defect)?.finalize(self.module.target_config());
        self.compile(id)
    }

    /// A function that calls others in turn until one ends early.
    fn define_sequence(&mut self, id: FuncId, parts: &[FuncId]) -> Result<(), Unavailable> {
        self.context.func.signature = self.signature.clone();
        let mut b = FunctionBuilder::new(&mut self.context.func, &mut self.builder);
        let entry = b.create_block();
        b.append_block_params_for_function_params(entry);
        b.switch_to_block(entry);
        let args = b.block_params(entry).to_vec();
        let early = b.create_block();
        let status = b.append_block_param(early, types::I32);
        for part in parts {
            let callee = self.module.declare_func_in_func(*part, b.func);
            let call = b.ins().call(callee, &args);
            let Some(result) = b.inst_results(call).first().copied() else { continue };
            let next = b.create_block();
            b.ins().brif(result, early, &[result.into()], next, &[]);
            b.switch_to_block(next);
        }
        let done = b.ins().iconst(types::I32, DONE);
        b.ins().return_(&[done]);
        b.switch_to_block(early);
        // An early return is no trap.
        let trapped = b.ins().iconst(types::I32, TRAPPED);
        let status = b.ins().band(status, trapped);
        b.ins().return_(&[status]);
        b.seal_all_blocks();
        b.finalize(self.module.target_config());
        self.compile(id)
    }

    fn compile(&mut self, id: FuncId) -> Result<(), Unavailable> {
        self.context.set_disasm(self.listing.is_some());
        self.module.define_function(id, &mut self.context).map_err(|e| failed("code generator", e))?;
        if let (Some(listing), Some(text)) =
            (&mut self.listing, self.context.compiled_code().and_then(|c| c.vcode.as_ref()))
        {
            listing.push_str(text);
        }
        let frame = self.context.compiled_code().and_then(|c| c.buffer.frame_layout());
        // Return address and saved registers beside the frame.
        let bytes = frame.map_or(0, |f| u64::from(f.frame_to_fp_offset)) + 128;
        self.frame_max_bytes = self.frame_max_bytes.max(bytes);
        self.module.clear_context(&mut self.context);
        Ok(())
    }

    fn finish(mut self, roots: &[(u32, u32)]) -> Result<Code, Unavailable> {
        self.module.finalize_definitions().map_err(|e| failed("the system refuses executable memory", e))?;
        let entry = |(body, own): &(u32, u32)| Some((*self.functions.get(*body as usize)?, *own));
        let roots: Option<Vec<(FuncId, u32)>> = roots.iter().map(entry).collect();
        Ok(Code::new(self.module, &roots.ok_or("code generator: no such body")?))
    }
}

struct Functions<'m> {
    module: &'m mut JITModule,
    functions: &'m [FuncId],
}

impl Outside for Functions<'_> {
    fn body(&mut self, number: u32, builder: &mut FunctionBuilder<'_>) -> Option<FuncRef> {
        let id = *self.functions.get(number as usize)?;
        Some(self.module.declare_func_in_func(id, builder.func))
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
