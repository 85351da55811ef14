//! Kinds of instructions that cost about the same.

use bytecode::{Image, Instr, Op, ScalarType};

macro_rules! classes {
    ($($name:ident $key:literal $what:literal;)*) => {
        /// A kind of instruction. What each is, is its row.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Class { $(#[doc = $what] $name,)* }

        impl Class {
            /// Every class, in the order of its number.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
            /// How many there are.
            pub const COUNT: usize = Self::ALL.len();

            /// Its name in files.
            #[must_use]
            pub const fn key(self) -> &'static str {
                match self { $(Self::$name => $key,)* }
            }

            /// What belongs to it.
            #[must_use]
            pub const fn what(self) -> &'static str {
                match self { $(Self::$name => $what,)* }
            }
        }
    };
}
classes! {
    Logic "logic" "moves and operations of BOOL";
    Integer "integer" "moves of other types, arithmetic, comparison and bit operations of integers";
    Division "division" "division and remainder of integers";
    Real "real" "arithmetic and comparison of REAL and LREAL";
    Mathematics "mathematics" "roots, logarithms, powers and angles";
    Conversion "conversion" "conversions between types";
    Bit "bit" "bits of the process image";
    Element "element" "elements of arrays, with their bounds";
    Copy "copy" "copies of whole arrays, for each 16 bytes begun";
    Reference "reference" "references to VAR_IN_OUT";
    Branch "branch" "branches, and charges of the scan budget";
    Call "call" "calls and returns";
}

/// Bytes of a copy that count once.
const COPY_BYTES: u32 = 16;

impl Class {
    /// The class of an instruction, and how often it counts.
    #[must_use]
    pub fn of(image: &Image, instr: &Instr) -> (Self, u64) {
        let class = match instr.op {
            Op::Div | Op::Mod if !instr.ty.is_float() => Self::Division,
            Op::Sqrt | Op::Ln | Op::Log | Op::Exp | Op::Sin | Op::Cos | Op::Tan | Op::Asin | Op::Acos | Op::Atan => {
                Self::Mathematics
            }
            Op::Pow | Op::Atan2 => Self::Mathematics,
            Op::Cvt | Op::Trunc | Op::Bits => Self::Conversion,
            Op::LdBit | Op::StBit => Self::Bit,
            Op::LdX | Op::StX | Op::Bound => Self::Element,
            Op::Copy => {
                let size = image.types.get(instr.w.get(2).map_or(0, |w| *w as usize)).map_or(0, |t| t.size);
                return (Self::Copy, u64::from(size.div_ceil(COPY_BYTES).max(1)));
            }
            Op::Bind | Op::BindX => Self::Reference,
            Op::Jmp | Op::Jt | Op::Jf | Op::Charge => Self::Branch,
            Op::Call | Op::CallI | Op::CallX | Op::Ret => Self::Call,
            Op::Mov | Op::Sel if instr.ty.is_float() => Self::Integer,
            _ if instr.ty.is_float() => Self::Real,
            _ if instr.ty == ScalarType::Bool => Self::Logic,
            _ => Self::Integer,
        };
        (class, 1)
    }
}

/// What one instruction of each class costs, in picoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weights([u64; Class::COUNT]);

impl Weights {
    /// Of one class.
    #[must_use]
    pub fn get(&self, class: Class) -> u64 {
        self.0.get(class as usize).copied().unwrap_or(0)
    }

    /// Sets one class.
    pub fn set(&mut self, class: Class, picoseconds: u64) {
        if let Some(to) = self.0.get_mut(class as usize) {
            *to = picoseconds;
        }
    }
}

/// What a way through a program costs. Each figure is a bound of its own: the way with most instructions need not be the one
/// that takes longest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Instructions run.
    pub instructions: u64,
    /// Units of the scan budget charged.
    pub units: u64,
    /// Time by the weights.
    pub picoseconds: u64,
    classes: [u64; Class::COUNT],
}

impl Cost {
    /// How often a class counts.
    #[must_use]
    pub fn class(&self, class: Class) -> u64 {
        self.classes.get(class as usize).copied().unwrap_or(0)
    }

    /// One more instruction.
    pub(super) fn add(&mut self, image: &Image, instr: &Instr, weights: &Weights) {
        let (class, times) = Class::of(image, instr);
        self.instructions = self.instructions.saturating_add(1);
        self.picoseconds = self.picoseconds.saturating_add(weights.get(class).saturating_mul(times));
        if instr.op == Op::Charge {
            self.units = self.units.saturating_add(u64::from(instr.operand(0).0));
        }
        if let Some(count) = self.classes.get_mut(class as usize) {
            *count = count.saturating_add(times);
        }
    }

    /// The greater of two, figure by figure.
    pub(super) fn most(&mut self, other: &Self) {
        self.instructions = self.instructions.max(other.instructions);
        self.units = self.units.max(other.units);
        self.picoseconds = self.picoseconds.max(other.picoseconds);
        for (to, from) in self.classes.iter_mut().zip(other.classes) {
            *to = (*to).max(from);
        }
    }

    /// The lesser of two, figure by figure.
    pub(super) fn least(&mut self, other: &Self) {
        self.instructions = self.instructions.min(other.instructions);
        self.units = self.units.min(other.units);
        self.picoseconds = self.picoseconds.min(other.picoseconds);
        for (to, from) in self.classes.iter_mut().zip(other.classes) {
            *to = (*to).min(from);
        }
    }

    /// One after the other.
    pub(super) fn then(&mut self, other: &Self) {
        self.instructions = self.instructions.saturating_add(other.instructions);
        self.units = self.units.saturating_add(other.units);
        self.picoseconds = self.picoseconds.saturating_add(other.picoseconds);
        for (to, from) in self.classes.iter_mut().zip(other.classes) {
            *to = to.saturating_add(from);
        }
    }
}
