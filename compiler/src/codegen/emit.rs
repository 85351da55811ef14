//! Instructions of one POU, with its budget charges.

use super::Generator;
use crate::ir::{Base, Func, InstKind, Label, Mem, Target, Val, arity, operand_type};
use bytecode::isa::Role;
use bytecode::{Instr, Op, Operand, ScalarType};

/// Appends the code of a POU.
pub(super) fn emit(generator: &mut Generator<'_>, func: &Func) {
    let entry = generator.image.code.len();
    let mut emitter = Emitter {
        back: jumped_back_to(func),
        places: vec![None; func.labels as usize],
        jumps: Vec::new(),
        charges: Vec::new(),
        generator,
        func,
        entry,
    };
    // The charge of the whole body belongs to it too, not to the POU before.
    let first = func.code.first().map_or(0, |inst| inst.origin);
    emitter.generator.describer.origin(func, first, entry);
    emitter.push(Op::Charge, ScalarType::Bool, 0, [0; 4]);
    for inst in &func.code {
        emitter.generator.describer.origin(func, inst.origin, emitter.generator.image.code.len());
        emitter.inst(&inst.kind);
    }
    emitter.resolve();
}

/// Labels that a jump behind them goes to.
fn jumped_back_to(func: &Func) -> Vec<bool> {
    let mut seen = vec![false; func.labels as usize];
    let mut back = vec![false; func.labels as usize];
    for inst in &func.code {
        match inst.kind {
            InstKind::Label(label) => {
                if let Some(seen) = seen.get_mut(label.0 as usize) {
                    *seen = true;
                }
            }
            InstKind::Jump(to) | InstKind::Branch { to, .. } => {
                if seen.get(to.0 as usize) == Some(&true)
                    && let Some(back) = back.get_mut(to.0 as usize)
                {
                    *back = true;
                }
            }
            _ => {}
        }
    }
    back
}

struct Emitter<'g, 'a> {
    generator: &'g mut Generator<'a>,
    func: &'g Func,
    entry: usize,
    back: Vec<bool>,
    /// Instruction each label stands before.
    places: Vec<Option<u32>>,
    /// Jumps and where they go.
    jumps: Vec<(usize, Label)>,
    /// Charges of loop heads.
    charges: Vec<usize>,
}

impl Emitter<'_, '_> {
    fn push(&mut self, op: Op, ty: ScalarType, x: u16, w: [u32; 4]) {
        self.generator.image.code.push(Instr { op, ty, x, w });
    }

    fn here(&self) -> usize {
        self.generator.image.code.len()
    }

    fn mem(&self, mem: Mem) -> u32 {
        let operand = match mem.base {
            Base::Own => Operand::own(mem.offset),
            Base::Frame(pou) => Operand::data(self.generator.frames.start(pou) + mem.offset),
            Base::Global | Base::Image => Operand::data(mem.offset),
            Base::Ref(reference) => Operand::behind(reference, mem.offset),
        };
        operand.0
    }

    fn val(&mut self, val: Val, ty: ScalarType) -> u32 {
        match val {
            Val::Const(bits) => self.generator.tables.constant(ty, bits).0,
            Val::Temp(temp) => Operand::data(self.generator.frames.temp(self.func.pou, temp)).0,
            Val::Mem(mem) => self.mem(mem),
        }
    }

    fn pou(&self, pou: crate::hir::PouId) -> u32 {
        self.generator.numbers[pou].unwrap_or(u32::MAX)
    }

    fn inst(&mut self, kind: &InstKind) {
        const UNTYPED: ScalarType = ScalarType::Bool;
        match *kind {
            InstKind::Apply { op, ty, source, dst, args } => {
                let mut w = [self.val(dst, ty), 0, 0, 0];
                for (i, (arg, word)) in args.into_iter().zip(w.iter_mut().skip(1)).enumerate().take(arity(op)) {
                    *word = self.val(arg, operand_type(op, ty, source, i));
                }
                let converts = op.extra() == bytecode::isa::Extra::Scalar;
                let x = if converts { u16::from(source.unwrap_or(ty).code()) } else { 0 };
                debug_assert!(matches!(op.roles().first(), Some(Role::Write(_))));
                self.push(op, ty, x, w);
            }
            InstKind::LoadBit { dst, byte, bit } => {
                let dst = self.val(dst, UNTYPED);
                self.push(Op::LdBit, UNTYPED, u16::from(bit), [dst, Operand::data(byte).0, 0, 0]);
            }
            InstKind::StoreBit { byte, bit, src } => {
                let src = self.val(src, UNTYPED);
                self.push(Op::StBit, UNTYPED, u16::from(bit), [Operand::data(byte).0, src, 0, 0]);
            }
            InstKind::Load { ty, dst, base, index, access } => {
                let (dst, index) = (self.val(dst, ty), self.val(index, ScalarType::I32));
                let row = self.generator.tables.access(access);
                self.push(Op::LdX, ty, 0, [dst, self.mem(base), index, row]);
            }
            InstKind::Store { ty, base, index, access, src } => {
                let (src, index) = (self.val(src, ty), self.val(index, ScalarType::I32));
                let row = self.generator.tables.access(access);
                self.push(Op::StX, ty, 0, [self.mem(base), index, row, src]);
            }
            InstKind::Bound { ty, dst, index, lower, upper } => {
                let (dst, index) = (self.val(dst, ScalarType::I32), self.val(index, ty));
                self.push(Op::Bound, ty, 0, [dst, index, lower.cast_unsigned(), upper.cast_unsigned()]);
            }
            InstKind::Copy { dst, src, ty } => self.copy(self.mem(dst), self.mem(src), ty),
            InstKind::Initialise { dst, pou, var } => {
                let ty = self.generator.input.program.pous[pou].vars[var].ty;
                let src = self.generator.tables.array(self.generator.input, pou, var).0;
                self.copy(self.mem(dst), src, ty);
            }
            InstKind::Bind { pou, reference, place } => {
                let w = [self.pou(pou), u32::from(reference), self.mem(place), 0];
                self.push(Op::Bind, UNTYPED, 0, w);
            }
            InstKind::BindElement { reference, base, index, access } => {
                let index = self.val(index, ScalarType::I32);
                let row = self.generator.tables.access(access);
                self.push(Op::BindX, UNTYPED, 0, [u32::from(reference), self.mem(base), index, row]);
            }
            InstKind::Label(label) => self.label(label),
            InstKind::Jump(to) => {
                self.jumps.push((self.here(), to));
                self.push(Op::Jmp, UNTYPED, 0, [0; 4]);
            }
            InstKind::Branch { to, cond, when } => {
                let cond = self.val(cond, UNTYPED);
                self.jumps.push((self.here(), to));
                self.push(if when { Op::Jt } else { Op::Jf }, UNTYPED, 0, [0, cond, 0, 0]);
            }
            InstKind::Call(pou, Target::Function) => self.push(Op::Call, UNTYPED, 0, [self.pou(pou), 0, 0, 0]),
            InstKind::Call(pou, Target::Instance(place)) => {
                self.push(Op::CallI, UNTYPED, 0, [self.pou(pou), self.mem(place), 0, 0]);
            }
            InstKind::Return => self.push(Op::Ret, UNTYPED, 0, [0; 4]),
        }
    }

    fn copy(&mut self, dst: u32, src: u32, ty: crate::types::Ty) {
        let ty = self.generator.types.id(self.generator.input, ty);
        self.push(Op::Copy, ScalarType::Bool, 0, [dst, src, ty.0, 0]);
    }

    fn label(&mut self, label: Label) {
        let here = self.here();
        if self.back.get(label.0 as usize) == Some(&true) {
            self.charges.push(here);
            self.push(Op::Charge, ScalarType::Bool, 0, [0; 4]);
        }
        if let Some(place) = self.places.get_mut(label.0 as usize) {
            *place = u32::try_from(here).ok();
        }
    }

    /// Fills in targets and weights.
    fn resolve(&mut self) {
        let mut last_back: crate::map::HashMap<usize, usize> = crate::map::HashMap::default();
        for (at, label) in std::mem::take(&mut self.jumps) {
            let Some(Some(to)) = self.places.get(label.0 as usize).copied() else { continue };
            if to as usize <= at {
                last_back.insert(to as usize, at);
            }
            if let Some(word) = self.generator.image.code.get_mut(at).and_then(|i| i.w.first_mut()) {
                *word = to;
            }
        }
        let length = self.here() - self.entry;
        self.weigh(self.entry, length);
        for charge in std::mem::take(&mut self.charges) {
            // From the charge to the last jump back to it, both included.
            let weight = last_back.get(&charge).map_or(1, |at| at - charge + 1);
            self.weigh(charge, weight);
        }
    }

    fn weigh(&mut self, at: usize, weight: usize) {
        if let Some(word) = self.generator.image.code.get_mut(at).and_then(|i| i.w.first_mut()) {
            *word = u32::try_from(weight).unwrap_or(u32::MAX);
        }
    }
}
