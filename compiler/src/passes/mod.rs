//! The optimiser: small passes over the intermediate code, none of which an engine or a proof has to trust.
//!
//! Every pass keeps what can be observed: variables after a scan, faults with their place and value, and the order of
//! calls. Budget charges are added later, by code generation. Each pass is linear in the code: what it remembers is bounded.
//!
//! 1. `inline`: small functions and blocks into their callers (library blocks stay calls: engines know them);
//! 2. `jumps`: jumps to jumps, jumps to the next instruction, code nobody reaches;
//! 3. `forward`: constants, copies and bits of the process image that are known within a stretch of code;
//! 4. `common`: expressions and elements that were computed or read before, followed by `forward` for the copies;
//! 5. `invariant`: what a loop computes the same in every turn, before it;
//! 6. `retarget`: results go to the variable they are copied to;
//! 7. `dead`: results nobody reads;
//! 8. `compact`: numbers of temporaries, labels and origins without gaps, so that a body that goes into its caller
//!    takes along only what it uses.

// A pass concerns a few instructions of many; naming the rest in every match would hide which.
#![allow(clippy::wildcard_enum_match_arm)]

mod common;
mod compact;
mod dead;
mod forward;
mod inline;
mod invariant;
mod jumps;
mod retarget;

use crate::codegen::layout::Layout;
use crate::hir::Program;
use crate::ir::Func;

/// Improves every POU; callees come before their callers.
pub fn optimise(program: &Program, layout: &Layout, funcs: &mut [Func]) {
    optimise_watched(program, layout, funcs, &mut |_, _| {});
}

/// What is made of expressions found to be the same may be found to be the same in turn, as the element by a sum.
const COMMON_ROUNDS_MAX: usize = 3;

type Pass<'a> = &'a dyn Fn(&mut Func);

/// The same; `watch` sees each POU after each pass.
pub(crate) fn optimise_watched(
    program: &Program,
    layout: &Layout,
    funcs: &mut [Func],
    watch: &mut dyn FnMut(&str, &Func),
) {
    let mut small = inline::Bodies::default();
    for func in funcs {
        let passes: [(&str, Pass<'_>); 9] = [
            ("inline", &|func| inline::run(&small, func)),
            ("jumps", &jumps::run),
            ("forward", &|func| forward::run(layout, func)),
            ("common", &|func| {
                let mut rounds = 0..COMMON_ROUNDS_MAX;
                while rounds.next().is_some() && common::run(func) {
                    forward::run(layout, func);
                }
            }),
            ("invariant", &invariant::run),
            ("retarget", &retarget::run),
            ("dead", &dead::run),
            ("jumps again", &jumps::run),
            ("compact", &compact::run),
        ];
        for (name, pass) in passes {
            pass(func);
            watch(name, func);
        }
        small.offer(program, func);
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! Code for tests of passes.

    use crate::hir::PouId;
    use crate::ir::{Base, Func, Inst, InstKind, Mem, Temp, Val};
    use bytecode::{Op, ScalarType};

    /// A function of bool temporaries.
    pub fn func(temps: usize, labels: u32, code: Vec<InstKind>) -> Func {
        let code = code.into_iter().map(|kind| Inst { kind, origin: 0 }).collect();
        Func { pou: PouId(0), temps: vec![ScalarType::Bool; temps], code, labels, own_refs: vec![], origins: vec![] }
    }

    pub fn t(number: u32) -> Val {
        Val::Temp(Temp(number))
    }

    pub fn own(offset: u32) -> Val {
        Val::Mem(Mem { base: Base::Own, offset })
    }

    pub fn op(op: Op, dst: Val, a: Val, b: Val) -> InstKind {
        InstKind::Apply { op, ty: ScalarType::Bool, source: None, dst, args: [a, b, Val::Const(0)] }
    }

    pub fn mov(dst: Val, src: Val) -> InstKind {
        op(Op::Mov, dst, src, Val::Const(0))
    }

    pub fn kinds(func: &Func) -> Vec<InstKind> {
        func.code.iter().map(|i| i.kind).collect()
    }
}
