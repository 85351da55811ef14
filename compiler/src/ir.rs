//! The intermediate form: linear three-address code of one POU over symbolic places.
//!
//! Between the typed program and the image. Operations and their types are those of the instruction set, so folding,
//! proofs and engines share one meaning; places are a base and an offset, so that inlining only exchanges bases and
//! alias questions are comparisons ([`Mem::may_alias`]). Budget charges do not exist here: code generation adds them,
//! so no pass can move one.
//!
//! Terms: a *temporary* is a scalar that only this POU's code names; it is defined before it is used on every path. A
//! *held* place is memory. Labels are targets of jumps; a backward jump goes only to a label of a loop's head.

use crate::hir::PouId;
use crate::source::Span;
use crate::types::Ty;
use bytecode::image::Access;
use bytecode::isa::Role;
use bytecode::{Op, ScalarType};

/// The code of one POU.
#[derive(Clone, Debug, PartialEq)]
pub struct Func {
    /// Which.
    pub pou: PouId,
    /// Types of the temporaries.
    pub temps: Vec<ScalarType>,
    /// The code.
    pub code: Vec<Inst>,
    /// Number of labels in use.
    pub labels: u32,
    /// Types of references this POU binds for itself, after its VAR_IN_OUT parameters.
    pub own_refs: Vec<Ty>,
    /// Where instructions come from.
    pub origins: Vec<Origin>,
}

/// Where code comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The text.
    pub span: Span,
    /// The text is the library's.
    pub library: bool,
    /// The rung: POU and position in its body.
    pub rung: Option<(PouId, u32)>,
}

/// An instruction and its origin (an index into [`Func::origins`]).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Inst {
    /// What it does.
    pub kind: InstKind,
    /// Where it comes from.
    pub origin: u32,
}

/// A temporary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Temp(pub u32);

/// A target of jumps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label(pub u32);

/// What an offset counts from. The alias classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Base {
    /// The instance the body works on.
    Own,
    /// The static frame of a POU: parameters and variables of a function, VAR_TEMP of a block.
    Frame(PouId),
    /// Global variables.
    Global,
    /// The process image.
    Image,
    /// Behind a reference of this POU.
    Ref(u8),
}

/// A place in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mem {
    /// What the offset counts from.
    pub base: Base,
    /// Bytes.
    pub offset: u32,
}

impl Mem {
    /// The place some bytes further on.
    #[must_use]
    pub fn plus(self, bytes: u32) -> Self {
        Self { offset: self.offset.saturating_add(bytes), ..self }
    }

    /// Can `size` bytes here and `other_size` bytes there overlap?
    #[must_use]
    pub fn may_alias(self, size: u32, other: Self, other_size: u32) -> bool {
        use Base::{Frame, Global, Image, Own, Ref};
        match (self.base, other.base) {
            (a, b) if a == b => {
                self.offset < other.offset.saturating_add(other_size) && other.offset < self.offset.saturating_add(size)
            }
            // Only variables without an address are passed by reference.
            (Ref(_), Image) | (Image, Ref(_)) => false,
            // A block's instance may be global; any variable may stand behind a reference.
            (Ref(_), _) | (_, Ref(_)) | (Own, Global) | (Global, Own) => true,
            (Own | Frame(_) | Global | Image, Own | Frame(_) | Global | Image) => false,
        }
    }
}

/// An operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Val {
    /// A constant, as bits of the type the operation reads.
    Const(u64),
    /// A temporary.
    Temp(Temp),
    /// A variable.
    Mem(Mem),
}

impl Val {
    /// Can writing `other_size` bytes of the other change the `size` bytes of this?
    #[must_use]
    pub fn overlaps(self, size: u32, other: Self, other_size: u32) -> bool {
        match (self, other) {
            (Self::Temp(a), Self::Temp(b)) => a == b,
            (Self::Mem(a), Self::Mem(b)) => a.may_alias(size, b, other_size),
            (Self::Const(_) | Self::Temp(_) | Self::Mem(_), _) => false,
        }
    }
}

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// A function.
    Function,
    /// A block on the instance here.
    Instance(Mem),
}

/// The instructions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum InstKind {
    /// `dst := op(args)`; see [`arity`].
    Apply {
        /// An operation without effect but its result (it may trap).
        op: Op,
        /// The type it works on.
        ty: ScalarType,
        /// The type a conversion converts from.
        source: Option<ScalarType>,
        /// A temporary or a variable.
        dst: Val,
        /// The first [`arity`] of them count.
        args: [Val; 3],
    },
    /// Reads a bit of the process image.
    LoadBit {
        /// A temporary or a variable.
        dst: Val,
        /// Byte of the process image.
        byte: u32,
        /// 0 to 7
        bit: u8,
    },
    /// Writes a bit of the process image.
    StoreBit {
        /// Byte of the process image.
        byte: u32,
        /// 0 to 7
        bit: u8,
        /// The value.
        src: Val,
    },
    /// Reads an element.
    Load {
        /// Its type.
        ty: ScalarType,
        /// A temporary or a variable.
        dst: Val,
        /// The first element.
        base: Mem,
        /// The index, I32.
        index: Val,
        /// How it reaches the element.
        access: Access,
    },
    /// Writes an element.
    Store {
        /// Its type.
        ty: ScalarType,
        /// The first element.
        base: Mem,
        /// The index, I32.
        index: Val,
        /// How it reaches the element.
        access: Access,
        /// The value.
        src: Val,
    },
    /// `dst := index - lower`, trapping outside of `lower..=upper`.
    Bound {
        /// Type of the index.
        ty: ScalarType,
        /// A temporary of type I32.
        dst: Val,
        /// The index.
        index: Val,
        /// Lowest index.
        lower: i32,
        /// Highest index.
        upper: i32,
    },
    /// Copies a whole array.
    Copy {
        /// To.
        dst: Mem,
        /// From.
        src: Mem,
        /// The array type.
        ty: Ty,
    },
    /// Gives a whole array its initial value.
    Initialise {
        /// The array.
        dst: Mem,
        /// Whose declaration holds the value.
        pou: PouId,
        /// Which variable.
        var: crate::hir::VarId,
    },
    /// Points a reference of a POU at a place.
    Bind {
        /// The POU.
        pou: PouId,
        /// Its reference.
        reference: u8,
        /// The place.
        place: Mem,
    },
    /// Points a reference of this POU at an element.
    BindElement {
        /// The reference.
        reference: u8,
        /// The first element.
        base: Mem,
        /// The index, I32.
        index: Val,
        /// How it reaches the element.
        access: Access,
    },
    /// Jumps come here.
    Label(Label),
    /// Goes on at the label.
    Jump(Label),
    /// Goes on at the label where the condition has this value.
    Branch {
        /// Where to.
        to: Label,
        /// A bool.
        cond: Val,
        /// The value that jumps.
        when: bool,
    },
    /// Runs a POU.
    Call(PouId, Target),
    /// Back to the caller.
    Return,
}

/// How many operands an operation of [`InstKind::Apply`] reads.
#[must_use]
pub fn arity(op: Op) -> usize {
    op.roles().iter().filter(|r| matches!(r, Role::Read(_))).count()
}

/// The type of operand `i` of an operation on `ty`.
#[must_use]
pub fn operand_type(op: Op, ty: ScalarType, source: Option<ScalarType>, i: usize) -> ScalarType {
    let mut reads = op.roles().into_iter().filter_map(|r| if let Role::Read(t) = r { Some(t) } else { None });
    match reads.nth(i) {
        Some(bytecode::isa::Ty::Is(t)) => t,
        Some(bytecode::isa::Ty::Extra) => source.unwrap_or(ty),
        Some(bytecode::isa::Ty::Same) | None => ty,
    }
}

/// The type of the result of an operation on `ty`.
#[must_use]
pub fn result_type(op: Op, ty: ScalarType) -> ScalarType {
    match op.roles().first() {
        Some(Role::Write(bytecode::isa::Ty::Is(t))) => *t,
        Some(_) | None => ty,
    }
}

/// Can the operation trap for some operands?
#[must_use]
pub fn may_trap(op: Op, ty: ScalarType) -> bool {
    matches!(op, Op::Div | Op::Mod) && !ty.is_float()
}

impl InstKind {
    /// What it writes and how many bytes, where that is one scalar.
    #[must_use]
    pub fn written(&self) -> Option<(Val, ScalarType)> {
        match self {
            Self::Apply { op, ty, dst, .. } => Some((*dst, result_type(*op, *ty))),
            Self::LoadBit { dst, .. } => Some((*dst, ScalarType::Bool)),
            Self::Load { ty, dst, .. } => Some((*dst, *ty)),
            Self::Bound { dst, .. } => Some((*dst, ScalarType::I32)),
            Self::StoreBit { .. }
            | Self::Store { .. }
            | Self::Copy { .. }
            | Self::Initialise { .. }
            | Self::Bind { .. }
            | Self::BindElement { .. }
            | Self::Label(_)
            | Self::Jump(_)
            | Self::Branch { .. }
            | Self::Call(..)
            | Self::Return => None,
        }
    }

    /// The place of the result, to be exchanged.
    pub fn written_mut(&mut self) -> Option<&mut Val> {
        match self {
            Self::Apply { dst, .. } | Self::LoadBit { dst, .. } | Self::Load { dst, .. } | Self::Bound { dst, .. } => {
                Some(dst)
            }
            Self::StoreBit { .. }
            | Self::Store { .. }
            | Self::Copy { .. }
            | Self::Initialise { .. }
            | Self::Bind { .. }
            | Self::BindElement { .. }
            | Self::Label(_)
            | Self::Jump(_)
            | Self::Branch { .. }
            | Self::Call(..)
            | Self::Return => None,
        }
    }

    /// Calls `f` with every scalar operand it reads and its type.
    pub fn reads(&mut self, mut f: impl FnMut(&mut Val, ScalarType)) {
        match self {
            Self::Apply { op, ty, source, args, .. } => {
                for (i, arg) in args.iter_mut().enumerate().take(arity(*op)) {
                    f(arg, operand_type(*op, *ty, *source, i));
                }
            }
            Self::StoreBit { src, .. } => f(src, ScalarType::Bool),
            Self::Load { index, .. } | Self::BindElement { index, .. } => f(index, ScalarType::I32),
            Self::Store { ty, index, src, .. } => {
                f(index, ScalarType::I32);
                f(src, *ty);
            }
            Self::Bound { ty, index, .. } => f(index, *ty),
            Self::Branch { cond, .. } => f(cond, ScalarType::Bool),
            Self::LoadBit { .. }
            | Self::Copy { .. }
            | Self::Initialise { .. }
            | Self::Bind { .. }
            | Self::Label(_)
            | Self::Jump(_)
            | Self::Call(..)
            | Self::Return => {}
        }
    }

    /// Is its only effect the scalar it writes?
    #[must_use]
    pub fn is_pure(&self) -> bool {
        match self {
            Self::Apply { op, ty, args: [_, divisor, _], .. } => {
                !may_trap(*op, *ty) || matches!(divisor, Val::Const(bits) if *bits != 0)
            }
            Self::LoadBit { .. } => true,
            Self::Load { .. }
            | Self::Bound { .. }
            | Self::StoreBit { .. }
            | Self::Store { .. }
            | Self::Copy { .. }
            | Self::Initialise { .. }
            | Self::Bind { .. }
            | Self::BindElement { .. }
            | Self::Label(_)
            | Self::Jump(_)
            | Self::Branch { .. }
            | Self::Call(..)
            | Self::Return => false,
        }
    }
}

impl Func {
    /// A new temporary.
    pub fn temp(&mut self, ty: ScalarType) -> Temp {
        self.temps.push(ty);
        Temp(u32::try_from(self.temps.len() - 1).unwrap_or(u32::MAX))
    }

    /// A new label.
    pub fn label(&mut self) -> Label {
        self.labels += 1;
        Label(self.labels - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alias_classes() {
        let mem = |base, offset| Mem { base, offset };
        let frame = Base::Frame(PouId(1));
        assert!(mem(Base::Own, 0).may_alias(4, mem(Base::Own, 3), 1));
        assert!(!mem(Base::Own, 0).may_alias(4, mem(Base::Own, 4), 4));
        assert!(mem(Base::Ref(0), 0).may_alias(1, mem(Base::Ref(1), 9), 1));
        assert!(mem(Base::Ref(0), 0).may_alias(1, mem(frame, 9), 1));
        assert!(mem(Base::Own, 0).may_alias(1, mem(Base::Global, 77), 1));
        assert!(!mem(Base::Own, 0).may_alias(8, mem(Base::Image, 0), 8));
        assert!(!mem(frame, 0).may_alias(8, mem(Base::Frame(PouId(2)), 0), 8));
    }

    #[test]
    fn operand_types_follow_the_instruction_table() {
        assert_eq!(arity(Op::Sel), 3);
        assert_eq!(arity(Op::Time), 0);
        assert_eq!(operand_type(Op::Sel, ScalarType::F32, None, 0), ScalarType::Bool);
        assert_eq!(operand_type(Op::Shl, ScalarType::U8, None, 1), ScalarType::U32);
        assert_eq!(operand_type(Op::Cvt, ScalarType::U8, Some(ScalarType::F64), 0), ScalarType::F64);
        assert_eq!(result_type(Op::Lt, ScalarType::I16), ScalarType::Bool);
    }
}
