//! The instruction set: typed three-address code over static data.
//!
//! An instruction is an operation, the scalar type it works on, a 16-bit extra field and up to four 32-bit words
//! whose meaning the operation's row in [`for_each_op!`](crate::for_each_op) gives. One table makes the encoder, decoder, disassembler
//! and verifier agree; engines translate verified code into private forms when they load it.
//!
//! Terms: a *window* is a region operands point into ([`Window`]); a *reference* is an opaque slot of a POU that a
//! `bind` points at data of one declared type; *self* is the instance a function block's body works on.

use crate::scalar::ScalarType;
use core::fmt;

/// The region an operand points into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Window {
    /// The data segment: process image, variables, instances and the static frames of POUs.
    Data,
    /// The constant pool, read only.
    Const,
    /// The instance the body works on; offsets are those of its type.
    Own,
    /// Data behind a reference of this POU: 8 bits of reference index, 21 bits of offset in the target type.
    Ref,
}

/// A 32-bit operand: window in the top 3 bits, offset in bytes below.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Operand(pub u32);

const OFFSET_BITS: u32 = 29;
const OFFSET_MASK: u32 = (1 << OFFSET_BITS) - 1;
const REF_OFFSET_BITS: u32 = 21;
const REF_OFFSET_MASK: u32 = (1 << REF_OFFSET_BITS) - 1;

impl Operand {
    /// Largest offset in the data, constant and own windows: 2^29 - 1 bytes (512 MiB; images allow far less).
    pub const MAX_OFFSET: u32 = OFFSET_MASK;
    /// Largest offset behind a reference: 2^21 - 1 bytes (2 MiB).
    pub const MAX_REF_OFFSET: u32 = REF_OFFSET_MASK;
    /// Most references a POU can have.
    pub const MAX_REFS: usize = 256;

    /// An operand in the data segment. `offset` is taken modulo 2^29; compilers check their limits first.
    #[must_use]
    pub const fn data(offset: u32) -> Self {
        Self(offset & OFFSET_MASK)
    }

    /// An operand in the constant pool.
    #[must_use]
    pub const fn constant(offset: u32) -> Self {
        Self((1 << OFFSET_BITS) | (offset & OFFSET_MASK))
    }

    /// An operand in the own instance.
    #[must_use]
    pub const fn own(offset: u32) -> Self {
        Self((2 << OFFSET_BITS) | (offset & OFFSET_MASK))
    }

    /// An operand behind reference `index` of this POU.
    #[must_use]
    pub const fn behind(index: u8, offset: u32) -> Self {
        Self((3 << OFFSET_BITS) | ((index as u32) << REF_OFFSET_BITS) | (offset & REF_OFFSET_MASK))
    }

    /// The window, or `None` when the top bits name none.
    #[must_use]
    pub const fn window(self) -> Option<Window> {
        match self.0 >> OFFSET_BITS {
            0 => Some(Window::Data),
            1 => Some(Window::Const),
            2 => Some(Window::Own),
            3 => Some(Window::Ref),
            _ => None,
        }
    }

    /// Offset in bytes within the window (behind the reference for [`Window::Ref`]).
    #[must_use]
    pub const fn offset(self) -> u32 {
        if self.0 >> OFFSET_BITS == 3 { self.0 & REF_OFFSET_MASK } else { self.0 & OFFSET_MASK }
    }

    /// The reference index; meaningful for [`Window::Ref`] only.
    #[must_use]
    pub const fn reference(self) -> u8 {
        ((self.0 & OFFSET_MASK) >> REF_OFFSET_BITS) as u8
    }
}

impl fmt::Debug for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.window() {
            Some(Window::Data) => write!(f, "d{}", self.offset()),
            Some(Window::Const) => write!(f, "c{}", self.offset()),
            Some(Window::Own) => write!(f, "o{}", self.offset()),
            Some(Window::Ref) => write!(f, "r{}+{}", self.reference(), self.offset()),
            None => write!(f, "?{:08x}", self.0),
        }
    }
}

/// What one word of an instruction means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Not used; must be 0.
    None,
    /// Operand written with a scalar of this type.
    Write(Ty),
    /// Operand read as a scalar of this type.
    Read(Ty),
    /// Operand naming the first element of a strided access that writes scalars of this type.
    WriteBase(Ty),
    /// Operand naming the first element of a strided access that reads scalars of this type.
    ReadBase(Ty),
    /// Operand naming a byte of the process image whose bit `x` (0..=7) is read.
    ReadImageByte,
    /// Operand naming a byte of the process image whose bit `x` (0..=7) is written.
    WriteImageByte,
    /// Operand naming a place of any type (the instruction says which it must be).
    Place,
    /// Operand naming the first of several places reached with an index.
    PlaceBase,
    /// Index into the table of array accesses.
    Access,
    /// Index of an instruction in the same POU.
    Target,
    /// Index into the table of POUs.
    Pou,
    /// Index into the table of types.
    Type,
    /// Index of a reference of the POU named by the word before.
    RefIndex,
    /// A number.
    Number,
}

/// The scalar type a role works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ty {
    /// The instruction's own type.
    Same,
    /// The type whose code is in the extra field `x`.
    Extra,
    /// This one.
    Is(ScalarType),
}

/// Which scalar types an operation exists for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Every scalar type.
    Any,
    /// Integers and floats.
    Number,
    /// Integers.
    Int,
    /// Signed integers and floats.
    Signed,
    /// Unsigned integers and bool.
    Bit,
    /// Unsigned integers.
    Word,
    /// Floats.
    Float,
    /// Bool only: the operation has no type of its own and the field must be 0.
    Untyped,
    /// `I64` only.
    Long,
}

impl Class {
    /// Does the operation exist for this type?
    #[must_use]
    pub const fn admits(self, t: ScalarType) -> bool {
        match self {
            Self::Any => true,
            Self::Number => !matches!(t, ScalarType::Bool),
            Self::Int => t.is_int(),
            Self::Signed => t.is_signed() || t.is_float(),
            Self::Bit => t.is_unsigned() || matches!(t, ScalarType::Bool),
            Self::Word => t.is_unsigned(),
            Self::Float => t.is_float(),
            Self::Untyped => matches!(t, ScalarType::Bool),
            Self::Long => matches!(t, ScalarType::I64),
        }
    }
}

/// What the extra field `x` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extra {
    /// Not used; must be 0.
    None,
    /// Code of a scalar type (the source of a conversion).
    Scalar,
    /// A bit number, 0 to 7.
    Bit,
}

/// Calls `$m!` with the table of operations: `Name code "mnemonic" Class Extra [roles] "meaning"`.
#[macro_export]
macro_rules! for_each_op {
    ($m:ident) => {
        $m! {
            Mov 0x01 "mov" Any None [Write(Same), Read(Same), None, None] "copies a scalar";
            Not 0x02 "not" Bit None [Write(Same), Read(Same), None, None] "inverts every bit";
            Neg 0x03 "neg" Signed None [Write(Same), Read(Same), None, None] "negates, wrapping";
            Abs 0x04 "abs" Number None [Write(Same), Read(Same), None, None] "absolute value, wrapping";
            Add 0x05 "add" Number None [Write(Same), Read(Same), Read(Same), None] "adds, wrapping";
            Sub 0x06 "sub" Number None [Write(Same), Read(Same), Read(Same), None] "subtracts, wrapping";
            Mul 0x07 "mul" Number None [Write(Same), Read(Same), Read(Same), None] "multiplies, wrapping";
            Div 0x08 "div" Number None [Write(Same), Read(Same), Read(Same), None] "divides; integer division by zero traps";
            Mod 0x09 "mod" Int None [Write(Same), Read(Same), Read(Same), None] "remainder with the sign of the dividend; zero traps";
            And 0x0a "and" Bit None [Write(Same), Read(Same), Read(Same), None] "a AND b";
            Or 0x0b "or" Bit None [Write(Same), Read(Same), Read(Same), None] "a OR b";
            Xor 0x0c "xor" Bit None [Write(Same), Read(Same), Read(Same), None] "a XOR b";
            AndNot 0x0d "andn" Bit None [Write(Same), Read(Same), Read(Same), None] "a AND NOT b";
            OrNot 0x0e "orn" Bit None [Write(Same), Read(Same), Read(Same), None] "a OR NOT b";
            Shl 0x0f "shl" Word None [Write(Same), Read(Same), Read(Is(U32)), None] "shifts left, 0 from the width on";
            Shr 0x10 "shr" Word None [Write(Same), Read(Same), Read(Is(U32)), None] "shifts right filling zeros, 0 from the width on";
            Rol 0x11 "rol" Word None [Write(Same), Read(Same), Read(Is(U32)), None] "rotates left, modulo the width";
            Ror 0x12 "ror" Word None [Write(Same), Read(Same), Read(Is(U32)), None] "rotates right, modulo the width";
            Eq 0x13 "eq" Any None [Write(Is(Bool)), Read(Same), Read(Same), None] "a = b";
            Ne 0x14 "ne" Any None [Write(Is(Bool)), Read(Same), Read(Same), None] "a <> b";
            Lt 0x15 "lt" Any None [Write(Is(Bool)), Read(Same), Read(Same), None] "a < b";
            Le 0x16 "le" Any None [Write(Is(Bool)), Read(Same), Read(Same), None] "a <= b";
            Gt 0x17 "gt" Any None [Write(Is(Bool)), Read(Same), Read(Same), None] "a > b";
            Ge 0x18 "ge" Any None [Write(Is(Bool)), Read(Same), Read(Same), None] "a >= b";
            Min 0x19 "min" Number None [Write(Same), Read(Same), Read(Same), None] "b where b < a, else a";
            Max 0x1a "max" Number None [Write(Same), Read(Same), Read(Same), None] "b where b > a, else a";
            Sel 0x1b "sel" Any None [Write(Same), Read(Is(Bool)), Read(Same), Read(Same)] "second where the bool is false, third where true (SEL)";
            Cvt 0x1c "cvt" Any Scalar [Write(Same), Read(Extra), None, None] "converts: integers wrap, floats round half to even and saturate";
            Trunc 0x1d "trunc" Int Scalar [Write(Same), Read(Extra), None, None] "truncates a float towards zero, saturating";
            Bits 0x1e "bits" Any Scalar [Write(Same), Read(Extra), None, None] "same bits, another type of equal size";
            Sqrt 0x20 "sqrt" Float None [Write(Same), Read(Same), None, None] "square root";
            Ln 0x21 "ln" Float None [Write(Same), Read(Same), None, None] "natural logarithm";
            Log 0x22 "log" Float None [Write(Same), Read(Same), None, None] "logarithm to base 10";
            Exp 0x23 "exp" Float None [Write(Same), Read(Same), None, None] "natural exponential";
            Sin 0x24 "sin" Float None [Write(Same), Read(Same), None, None] "sine, radians";
            Cos 0x25 "cos" Float None [Write(Same), Read(Same), None, None] "cosine, radians";
            Tan 0x26 "tan" Float None [Write(Same), Read(Same), None, None] "tangent, radians";
            Asin 0x27 "asin" Float None [Write(Same), Read(Same), None, None] "arc sine";
            Acos 0x28 "acos" Float None [Write(Same), Read(Same), None, None] "arc cosine";
            Atan 0x29 "atan" Float None [Write(Same), Read(Same), None, None] "arc tangent";
            Pow 0x2a "pow" Float None [Write(Same), Read(Same), Read(Same), None] "a to the power of b (EXPT)";
            Atan2 0x2b "atan2" Float None [Write(Same), Read(Same), Read(Same), None] "angle of the point (b, a)";
            LdBit 0x30 "ldbit" Untyped Bit [Write(Is(Bool)), ReadImageByte, None, None] "reads a bit of the process image";
            StBit 0x31 "stbit" Untyped Bit [WriteImageByte, Read(Is(Bool)), None, None] "writes a bit of the process image";
            LdX 0x32 "ldx" Any None [Write(Same), ReadBase(Same), Read(Is(I32)), Access] "reads an element; an index outside traps";
            StX 0x33 "stx" Any None [WriteBase(Same), Read(Is(I32)), Access, Read(Same)] "writes an element; an index outside traps";
            Bound 0x34 "bound" Int None [Write(Is(I32)), Read(Same), Number, Number] "index minus the lower bound (third word); outside lower..=upper traps";
            Copy 0x35 "copy" Untyped None [Place, Place, Type, None] "copies a whole array";
            Time 0x36 "time" Long None [Write(Same), None, None, None] "the scan's time in nanoseconds";
            Bind 0x38 "bind" Untyped None [Pou, RefIndex, Place, None] "points a reference of a POU at a place";
            BindX 0x39 "bindx" Untyped None [RefIndex, PlaceBase, Read(Is(I32)), Access] "points a reference of this POU at an element; an index outside traps";
            Jmp 0x40 "jmp" Untyped None [Target, None, None, None] "goes on at the target";
            Jt 0x41 "jt" Untyped None [Target, Read(Is(Bool)), None, None] "goes on at the target where true";
            Jf 0x42 "jf" Untyped None [Target, Read(Is(Bool)), None, None] "goes on at the target where false";
            Charge 0x43 "charge" Untyped None [Number, None, None, None] "charges the scan budget; spent traps";
            Call 0x44 "call" Untyped None [Pou, None, None, None] "runs a function";
            CallI 0x45 "calli" Untyped None [Pou, Place, None, None] "runs a function block's body on an instance";
            CallX 0x46 "callx" Untyped None [Pou, PlaceBase, Read(Is(I32)), Access] "runs a body on an element of an array of instances";
            Ret 0x47 "ret" Untyped None [None, None, None, None] "returns to the caller";
        }
    };
}

macro_rules! define_ops {
    ($($name:ident $code:literal $mnemonic:literal $class:ident $extra:ident [$r0:ident $(($t0:expr))?, $r1:ident $(($t1:expr))?, $r2:ident $(($t2:expr))?, $r3:ident $(($t3:expr))?] $doc:literal;)*) => {
        /// An operation. The meaning of each is its row of [`for_each_op!`](crate::for_each_op).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Op {
            $(#[doc = $doc] $name = $code,)*
        }

        impl Op {
            /// Every operation, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The operation with this code, or `None`.
            #[must_use]
            pub const fn from_code(code: u8) -> Option<Self> {
                match code {
                    $($code => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// The code stored in images.
            #[must_use]
            pub const fn code(self) -> u8 {
                self as u8
            }

            /// The name used in disassembly.
            #[must_use]
            pub const fn mnemonic(self) -> &'static str {
                match self { $(Self::$name => $mnemonic,)* }
            }

            /// What it does, in a few words.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $doc,)* }
            }

            /// The types it exists for.
            #[must_use]
            pub const fn class(self) -> Class {
                match self { $(Self::$name => Class::$class,)* }
            }

            /// What its extra field means.
            #[must_use]
            pub const fn extra(self) -> Extra {
                match self { $(Self::$name => Extra::$extra,)* }
            }

            /// What its four words mean.
            #[must_use]
            pub const fn roles(self) -> [Role; 4] {
                use ScalarType::{Bool, I32, U32};
                use Ty::{Extra, Is, Same};
                // Not every row names every type.
                const _: (Ty, Ty, ScalarType, ScalarType, ScalarType) = (Extra, Same, Bool, I32, U32);
                const _: Ty = Is(Bool);
                match self {
                    $(Self::$name => [Role::$r0 $(($t0))?, Role::$r1 $(($t1))?, Role::$r2 $(($t2))?, Role::$r3 $(($t3))?],)*
                }
            }
        }
    };
}
for_each_op!(define_ops);

impl Op {
    /// Is this a branch (its first word is the target)?
    #[must_use]
    pub const fn is_branch(self) -> bool {
        matches!(self, Self::Jmp | Self::Jt | Self::Jf)
    }

    /// Does execution never fall through to the next instruction?
    #[must_use]
    pub const fn ends_flow(self) -> bool {
        matches!(self, Self::Jmp | Self::Ret)
    }

    /// Is this a call?
    #[must_use]
    pub const fn is_call(self) -> bool {
        matches!(self, Self::Call | Self::CallI | Self::CallX)
    }
}

/// One instruction. Fixed width: 20 bytes in an image.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Instr {
    /// The operation.
    pub op: Op,
    /// The type it works on; `Bool` where the operation has none.
    pub ty: ScalarType,
    /// The extra field, see [`Extra`].
    pub x: u16,
    /// The four words, see [`Op::roles`].
    pub w: [u32; 4],
}

impl Instr {
    /// Bytes of one instruction in an image.
    pub const SIZE: usize = 20;

    /// An instruction without extra field.
    #[must_use]
    pub const fn new(op: Op, ty: ScalarType, w: [u32; 4]) -> Self {
        Self { op, ty, x: 0, w }
    }

    /// The same with the extra field set.
    #[must_use]
    pub const fn with_extra(self, x: u16) -> Self {
        Self { x, ..self }
    }

    /// Word `i` as an operand. Words beyond the fourth read as 0.
    #[must_use]
    pub fn operand(&self, i: usize) -> Operand {
        Operand(self.w.get(i).copied().unwrap_or(0))
    }

    /// The scalar type a role of this instruction works on, or `None` when the extra field names none.
    #[must_use]
    pub fn role_type(&self, ty: Ty) -> Option<ScalarType> {
        match ty {
            Ty::Same => Some(self.ty),
            Ty::Is(t) => Some(t),
            Ty::Extra => u8::try_from(self.x).ok().and_then(ScalarType::from_code),
        }
    }
}

impl fmt::Debug for Instr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.op.mnemonic())?;
        if self.op.class() != Class::Untyped {
            write!(f, ".{}", self.ty)?;
        }
        match self.op.extra() {
            Extra::None => {}
            Extra::Scalar => match self.role_type(Ty::Extra) {
                Some(t) => write!(f, ".{t}")?,
                None => write!(f, ".?{}", self.x)?,
            },
            Extra::Bit => write!(f, ".{}", self.x)?,
        }
        let mut separator = " ";
        for (role, word) in self.op.roles().into_iter().zip(self.w) {
            match role {
                Role::None => continue,
                Role::Write(_)
                | Role::Read(_)
                | Role::WriteBase(_)
                | Role::ReadBase(_)
                | Role::ReadImageByte
                | Role::WriteImageByte
                | Role::Place
                | Role::PlaceBase => write!(f, "{separator}{:?}", Operand(word))?,
                Role::Access => write!(f, "{separator}access{word}")?,
                Role::Target => write!(f, "{separator}@{word}")?,
                Role::Pou => write!(f, "{separator}pou{word}")?,
                Role::Type => write!(f, "{separator}type{word}")?,
                Role::RefIndex => write!(f, "{separator}r{word}")?,
                #[allow(clippy::cast_possible_wrap)] // bounds are stored as two's complement
                Role::Number => write!(f, "{separator}{}", word as i32)?,
            }
            separator = ", ";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_read_back() {
        for op in Op::ALL {
            assert_eq!(Op::from_code(op.code()), Some(*op));
        }
        let mut codes: Vec<u8> = Op::ALL.iter().map(|o| o.code()).collect();
        codes.dedup();
        assert_eq!(codes.len(), Op::ALL.len());
        assert_eq!(Op::from_code(0), None);
    }

    #[test]
    fn operands_keep_their_parts() {
        let r = Operand::behind(7, 300);
        assert_eq!((r.window(), r.reference(), r.offset()), (Some(Window::Ref), 7, 300));
        let d = Operand::data(Operand::MAX_OFFSET);
        assert_eq!((d.window(), d.offset()), (Some(Window::Data), Operand::MAX_OFFSET));
        assert_eq!(Operand::own(4).window(), Some(Window::Own));
        assert_eq!(Operand::constant(4).window(), Some(Window::Const));
        assert_eq!(Operand(u32::MAX).window(), None);
    }

    #[test]
    fn instructions_print_by_their_roles() {
        let i = Instr::new(Op::Cvt, ScalarType::F32, [Operand::data(8).0, Operand::own(4).0, 0, 0]).with_extra(5);
        assert_eq!(format!("{i:?}"), "cvt.f32.i32 d8, o4");
        let j = Instr::new(Op::Jf, ScalarType::Bool, [12, Operand::data(0).0, 0, 0]);
        assert_eq!(format!("{j:?}"), "jf @12, d0");
    }
}
