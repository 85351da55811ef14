//! One function after the other, or several at a time: each is translated and compiled by itself.
//!
//! Loading happens before the scan begins, so threads may help; nothing they make depends on how many there are. They end
//! before loading does. A thread that is pinned to one CPU gets no help, and neither does one of a real-time class: its
//! helpers would be of the ordinary class (it is given up at birth), and it would wait for them behind everybody else.

use super::abi::{self, DONE, TRAPPED};
use super::code::move_bytes;
use super::compile::{Unavailable, failed};
use super::emit::{Defect, Frame, Host, Outside, emit};
use super::flat::{Flat, Kind, Program};
use super::plan::Plan;
use crate::rt;
use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{
    AbiParam, ExtFuncData, ExternalName, FuncRef, Function, InstBuilder, Signature, UserExternalName, types,
};
use cranelift_codegen::isa::TargetIsa;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift_module::{FuncId, ModuleReloc};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Lines that pay for a thread: about a millisecond of work, ten times what it takes to start one.
const LINES_PER_THREAD: usize = 500;

/// A function to be made.
#[derive(Clone, Debug)]
pub(super) enum Job {
    /// A stretch of a body's lines.
    Part {
        id: FuncId,
        body: u32,
        lines: Range<u32>,
        /// Of a program's own body?
        root: bool,
        /// Of a body that is more than this?
        part: bool,
    },
    /// A body that calls its parts in turn.
    Sequence { id: FuncId, body: u32, parts: Vec<FuncId> },
}

impl Job {
    pub(super) const fn id(&self) -> FuncId {
        match self {
            Self::Part { id, .. } | Self::Sequence { id, .. } => *id,
        }
    }

    pub(super) const fn body(&self) -> u32 {
        match self {
            Self::Part { body, .. } | Self::Sequence { body, .. } => *body,
        }
    }

    fn weight(&self) -> usize {
        match self {
            Self::Part { lines, .. } => lines.len(),
            Self::Sequence { parts, .. } => parts.len(),
        }
    }
}

/// A function that was made, not yet at its place.
pub(super) struct Made {
    pub(super) bytes: Vec<u8>,
    pub(super) alignment: u64,
    pub(super) relocations: Vec<ModuleReloc>,
    /// Stack it takes.
    pub(super) frame_bytes: u64,
    /// Its text, where it is wanted.
    pub(super) listing: String,
}

/// What every function is made from.
pub(super) struct Maker<'a> {
    pub(super) program: &'a Program<'a>,
    pub(super) bodies: &'a [(u32, Flat)],
    pub(super) entries: &'a [FuncId],
    pub(super) isa: &'a dyn TargetIsa,
    /// For stretches without branches.
    pub(super) straight: &'a dyn TargetIsa,
    pub(super) signature: &'a Signature,
    pub(super) listed: bool,
}

/// How many threads may help here.
pub(super) fn processors() -> usize {
    if rt::is_real_time() {
        return 1;
    }
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Does all jobs, with at most so many threads, this one counted. The results come in the order of the jobs, and so does
/// the first reason why there is none.
pub(super) fn all(maker: &Maker<'_>, jobs: &[Job], threads: usize) -> Result<Vec<Made>, Unavailable> {
    let lines: usize = jobs.iter().map(Job::weight).sum();
    let helpers = threads.min(jobs.len()).min(lines / LINES_PER_THREAD).saturating_sub(1);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut bench = Bench { context: Context::new(), builder: FunctionBuilderContext::new() };
        let mut done = Vec::new();
        // A number is taken once, whatever the order in which threads see it: nothing else hangs on it.
        while let Some((number, job)) = numbered(jobs, next.fetch_add(1, Ordering::Relaxed)) {
            done.push((number, maker.make(&mut bench, job)));
        }
        done
    };
    let mut done = std::thread::scope(|scope| {
        // Where no thread can be had, this one does the work.
        let helpers: Vec<_> = (0..helpers)
            .filter_map(|_| std::thread::Builder::new().name("native code".to_owned()).spawn_scoped(scope, work).ok())
            .collect();
        let mut done = work();
        for helper in helpers {
            done.extend(helper.join().unwrap_or_default());
        }
        done
    });
    done.sort_unstable_by_key(|(number, _)| *number);
    if done.len() != jobs.len() {
        return Err("code generator: a thread of it failed".to_owned());
    }
    done.into_iter().map(|(_, made)| made).collect()
}

fn numbered(jobs: &[Job], number: usize) -> Option<(usize, &Job)> {
    Some((number, jobs.get(number)?))
}

/// What one thread works with, again and again.
struct Bench {
    context: Context,
    builder: FunctionBuilderContext,
}

impl Maker<'_> {
    fn make(&self, bench: &mut Bench, job: &Job) -> Result<Made, Unavailable> {
        bench.context.func.signature = self.signature.clone();
        match job {
            Job::Part { body, lines, root, part, .. } => self.part(bench, *body, lines.clone(), *root, *part)?,
            Job::Sequence { parts, .. } => self.sequence(bench, parts),
        }
        let isa = if self.is_straight(job) { self.straight } else { self.isa };
        self.compile(&mut bench.context, job.id(), isa)
    }

    /// Does no line branch? Ways to a trap do not count: nothing comes back from them.
    fn is_straight(&self, job: &Job) -> bool {
        let Job::Part { body, lines, .. } = job else { return false };
        let flat = self.bodies.get(*body as usize).map(|(_, flat)| flat);
        let lines = flat.and_then(|flat| flat.lines.get(lines.start as usize..lines.end as usize));
        lines.is_some_and(|lines| !lines.iter().any(|l| matches!(l.kind, Kind::Branch(_) | Kind::Goto(_))))
    }

    fn part(&self, bench: &mut Bench, body: u32, lines: Range<u32>, root: bool, part: bool) -> Result<(), Unavailable> {
        let (_, flat) = self.bodies.get(body as usize).ok_or("code generator: no such body")?;
        let program = self.program;
        let plan = Plan::of(program, flat, lines.clone());
        let defect = |_: Defect| "the translation met what verified code does not have".to_owned();
        let mut builder = FunctionBuilder::new(&mut bench.context.func, &mut bench.builder);
        let mut host_signature = |params: usize, results: usize| {
            let mut signature = Signature::new(self.signature.call_conv);
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
        let mut outside = Entries(self);
        let frame = Frame { program, flat, plan: &plan, lines, outside: &mut outside, host, builder, root, part };
        emit(frame).map_err(defect)?.finalize(self.isa.frontend_config());
        Ok(())
    }

    /// A function that calls others in turn until one ends early.
    fn sequence(&self, bench: &mut Bench, parts: &[FuncId]) {
        let mut b = FunctionBuilder::new(&mut bench.context.func, &mut bench.builder);
        let entry = b.create_block();
        b.append_block_params_for_function_params(entry);
        b.switch_to_block(entry);
        let args = b.block_params(entry).to_vec();
        let early = b.create_block();
        let status = b.append_block_param(early, types::I32);
        for part in parts {
            let callee = self.declare(*part, b.func);
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
        b.finalize(self.isa.frontend_config());
    }

    /// A function of the module, as the module itself would declare it: that needs the module for itself.
    fn declare(&self, id: FuncId, func: &mut Function) -> FuncRef {
        let signature = func.import_signature(self.signature.clone());
        let name = UserExternalName { namespace: 0, index: id.as_u32() };
        let name = ExternalName::user(func.declare_imported_user_function(name));
        func.import_function(ExtFuncData { name, signature, colocated: true, patchable: false })
    }

    fn compile(&self, context: &mut Context, id: FuncId, isa: &dyn TargetIsa) -> Result<Made, Unavailable> {
        context.set_disasm(self.listed);
        let compiled = context
            .compile(isa, &mut ControlPlane::default())
            .map(|_| ())
            .map_err(|e| failed("code generator", e.inner));
        let made = compiled.and_then(|()| {
            let code = context.compiled_code().ok_or("code generator: no code")?;
            let relocations = code.buffer.relocs().iter();
            let frame = code.buffer.frame_layout().map_or(0, |f| u64::from(f.frame_to_fp_offset));
            Ok(Made {
                bytes: code.code_buffer().to_vec(),
                alignment: u64::from(code.buffer.alignment),
                relocations: relocations.map(|r| ModuleReloc::from_mach_reloc(r, &context.func, id)).collect(),
                // Return address and saved registers beside the frame.
                frame_bytes: frame + 128,
                listing: code.vcode.clone().unwrap_or_default(),
            })
        });
        context.clear();
        made
    }
}

struct Entries<'a>(&'a Maker<'a>);

impl Outside for Entries<'_> {
    fn body(&mut self, number: u32, builder: &mut FunctionBuilder<'_>) -> Option<FuncRef> {
        let id = *self.0.entries.get(number as usize)?;
        Some(self.0.declare(id, builder.func))
    }
}
