//! From the typed program to intermediate code, POU by POU.
//!
//! Owns the meaning of statements and rungs as operations in order. Values stay where they are (a variable is read by the
//! operation that uses it); what could change in between is copied first. What a rung holds while it is worked off, the
//! power, is protected in the same way (`Lowerer::protect`). Inversion is carried along instead of computed, so that a
//! normally closed contact costs nothing.

// Index types and pairs of constants: the last arm is what all others have in common.
#![allow(clippy::wildcard_enum_match_arm)]

mod call;
mod expr;
mod ladder;
mod place;
mod stmt;

use crate::codegen::layout::{Layout, Storage};
use crate::hir::{Body, Class, Init, PouId, PouKind, Program};
use crate::ir::{Base, Func, Inst, InstKind, Label, Mem, Origin, Temp, Val};
use crate::source::Span;
use crate::types::Ty;
use bytecode::{Op, ScalarType};

/// A unit that binds more references than the instruction set has room for, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyReferences(pub Span);

/// Lowers the body of one POU.
///
/// # Errors
/// One statement works on more nested array elements than references are left.
pub fn lower(program: &Program, layout: &Layout, pou: PouId) -> Result<Func, TooManyReferences> {
    let mut lowerer = Lowerer::new(program, layout, pou);
    lowerer.prologue();
    match &program.pous[pou].body {
        Body::Statements(statements) => lowerer.statements(statements),
        Body::Ladder(rungs) => lowerer.rungs(rungs),
    }
    lowerer.emit(InstKind::Return);
    match lowerer.overflow {
        Some(span) => Err(TooManyReferences(span)),
        None => Ok(lowerer.func),
    }
}

/// A bool that may still have to be inverted.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Signal {
    val: Val,
    inverted: bool,
}

impl Signal {
    const TRUE: Self = Self { val: Val::Const(1), inverted: false };

    fn new(val: Val) -> Self {
        Self { val, inverted: false }
    }

    fn not(self) -> Self {
        match self.val {
            Val::Const(bits) => Self { val: Val::Const(u64::from(bits == 0)), inverted: false },
            Val::Temp(_) | Val::Mem(_) => Self { inverted: !self.inverted, ..self },
        }
    }

    fn constant(self) -> Option<bool> {
        match self.val {
            Val::Const(bits) => Some((bits != 0) != self.inverted),
            Val::Temp(_) | Val::Mem(_) => None,
        }
    }
}

struct Loop {
    end: Label,
    next: Label,
}

struct Lowerer<'p> {
    program: &'p Program,
    layout: &'p Layout,
    pou: PouId,
    func: Func,
    origin: u32,
    rung: Option<(PouId, u32)>,
    loops: Vec<Loop>,
    /// The power of the rung and of the legs around, outermost first.
    held: Vec<Signal>,
    /// References bound by the statement being lowered.
    refs_in_use: usize,
    overflow: Option<Span>,
}

impl<'p> Lowerer<'p> {
    fn new(program: &'p Program, layout: &'p Layout, pou: PouId) -> Self {
        let func =
            Func { pou, temps: Vec::new(), code: Vec::new(), labels: 0, own_refs: Vec::new(), origins: Vec::new() };
        let mut lowerer = Self {
            program,
            layout,
            pou,
            func,
            origin: 0,
            rung: None,
            loops: Vec::new(),
            held: Vec::new(),
            refs_in_use: 0,
            overflow: None,
        };
        lowerer.at(program.pous[pou].span);
        lowerer
    }

    /// From here on code comes from this text.
    fn at(&mut self, span: Span) {
        let origin = Origin { span, library: self.program.pous[self.pou].library, rung: self.rung };
        if self.func.origins.last() != Some(&origin) {
            self.func.origins.push(origin);
        }
        self.origin = u32::try_from(self.func.origins.len() - 1).unwrap_or(u32::MAX);
    }

    fn emit(&mut self, kind: InstKind) {
        self.func.code.push(Inst { kind, origin: self.origin });
    }

    fn temp(&mut self, ty: ScalarType) -> Temp {
        self.func.temp(ty)
    }

    fn label(&mut self) -> Label {
        self.func.label()
    }

    fn place_label(&mut self, label: Label) {
        self.emit(InstKind::Label(label));
    }

    /// `dst := op(args)`; a new temporary where no destination is given.
    fn apply(&mut self, op: Op, ty: ScalarType, source: Option<ScalarType>, args: &[Val], dst: Option<Val>) -> Val {
        let dst = dst.unwrap_or_else(|| Val::Temp(self.temp(crate::ir::result_type(op, ty))));
        let at = |i: usize| args.get(i).copied().unwrap_or(Val::Const(0));
        self.emit(InstKind::Apply { op, ty, source, dst, args: [at(0), at(1), at(2)] });
        dst
    }

    fn mov(&mut self, ty: ScalarType, dst: Val, src: Val) {
        if dst != src {
            self.apply(Op::Mov, ty, None, &[src], Some(dst));
        }
    }

    /// A copy that later writes to memory cannot change.
    fn pinned(&mut self, ty: ScalarType, val: Val) -> Val {
        match val {
            Val::Const(_) | Val::Temp(_) => val,
            Val::Mem(_) => self.apply(Op::Mov, ty, None, &[val], None),
        }
    }

    /// Where a variable of this POU stands, when it stands in memory.
    fn storage(&self, storage: Storage) -> Option<Mem> {
        match storage {
            Storage::Own(offset) => Some(Mem { base: Base::Own, offset }),
            Storage::Frame(offset) => Some(Mem { base: Base::Frame(self.pou), offset }),
            Storage::Reference(index) => Some(Mem { base: Base::Ref(index), offset: 0 }),
            Storage::Image => None,
        }
    }

    /// A reference of this POU's own for a place of this type; given back at the end of the statement.
    fn own_reference(&mut self, ty: Ty, span: Span) -> u8 {
        let first = self.program.pous[self.pou].in_outs.len();
        // References of one type are used again by later statements.
        let free =
            self.func.own_refs.iter().enumerate().skip(self.refs_in_use).find(|(_, t)| **t == ty).map(|(i, _)| i);
        let index = free.unwrap_or_else(|| {
            self.func.own_refs.push(ty);
            self.func.own_refs.len() - 1
        });
        self.refs_in_use = self.refs_in_use.max(index + 1);
        u8::try_from(first + index).unwrap_or_else(|_| {
            self.overflow.get_or_insert(span);
            u8::MAX
        })
    }

    /// Variables that live only while the POU runs get their initial values.
    fn prologue(&mut self) {
        let pou = &self.program.pous[self.pou];
        for (var, variable) in pou.vars.iter() {
            let fresh = match variable.class {
                Class::Temp => !variable.name.contains('#'),
                Class::Result => true,
                Class::Output => pou.kind == PouKind::Function,
                Class::Input | Class::InOut | Class::Local | Class::Hidden | Class::Global => false,
            };
            let storage = self.layout.storage(self.pou, var);
            let (true, Some(mem)) = (fresh, self.storage(storage)) else { continue };
            match variable.ty.scalar() {
                Some(scalar) => {
                    let bits = if let Init::Scalar(bits) = variable.init { bits } else { 0 };
                    self.mov(scalar, Val::Mem(mem), Val::Const(bits));
                }
                None => self.emit(InstKind::Initialise { dst: mem, pou: self.pou, var }),
            }
        }
    }

    /// Copies what the rung holds before the `size` bytes at `mem` are written.
    fn protect(&mut self, mem: Mem, size: u32) {
        self.protect_if(|held| held.may_alias(1, mem, size));
    }

    /// Copies everything the rung holds before something that may write anything.
    fn protect_all(&mut self) {
        self.protect_if(|_| true);
    }

    fn protect_if(&mut self, threatened: impl Fn(Mem) -> bool) {
        for i in 0..self.held.len() {
            let Some(Signal { val: Val::Mem(mem), inverted }) = self.held.get(i).copied() else { continue };
            if threatened(mem) {
                let val = self.apply(Op::Mov, ScalarType::Bool, None, &[Val::Mem(mem)], None);
                if let Some(slot) = self.held.get_mut(i) {
                    *slot = Signal { val, inverted };
                }
            }
        }
    }
}
