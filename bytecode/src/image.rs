//! An image: everything an engine needs to run a program, and everything a person needs to follow it.
//!
//! [`Image`] is plain data that anybody may build; only [`crate::verify()`] turns it into a [`crate::VerifiedImage`].
//! All numbers are little-endian, all layouts independent of the host, and the same source gives the same bytes.
//!
//! The data segment begins with the process image: inputs, outputs and flags (%I, %Q, %M), byte arrays in which
//! %IX0.0, %IB0 and %IW0 overlap. Variables, program instances and the static frames of POUs follow; there is no
//! stack, because nothing recurses.

use crate::isa::Instr;
use crate::types::{PouId, Retention, Type, TypeId};

/// A whole program, compiled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// Name of the program, from the source file or configuration.
    pub name: String,
    /// Types; a type refers only to earlier ones.
    pub types: Vec<Type>,
    /// The data segment.
    pub data: DataSegment,
    /// The constant pool.
    pub constants: Constants,
    /// Program organisation units.
    pub pous: Vec<Pou>,
    /// Rows used by indexed instructions.
    pub accesses: Vec<Access>,
    /// Code of all POUs, one after the other.
    pub code: Vec<Instr>,
    /// Program instances, in the order of the configuration.
    pub programs: Vec<ProgramInstance>,
    /// Tasks, in the order of the configuration.
    pub tasks: Vec<Task>,
    /// Variables by path, sorted by path.
    pub symbols: Vec<Symbol>,
    /// Source files, rungs and places.
    pub debug: Debug,
}

/// Layout and initial values of the data segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataSegment {
    /// Bytes of the input image, from offset 0.
    pub input_bytes: u32,
    /// Bytes of the output image, after the inputs.
    pub output_bytes: u32,
    /// Bytes of the flag image (%M), after the outputs.
    pub flag_bytes: u32,
    /// Bytes of the whole segment.
    pub size: u32,
    /// What stands where after the process image, in the order of the offsets, without overlap.
    pub slots: Vec<Slot>,
    /// Initial values that are not zero: offset and bytes, in order, without overlap.
    pub initial: Vec<(u32, Vec<u8>)>,
}

impl DataSegment {
    /// First byte after the process image.
    #[must_use]
    pub const fn process_image_bytes(&self) -> u32 {
        self.input_bytes.saturating_add(self.output_bytes).saturating_add(self.flag_bytes)
    }

    /// Offset of the output image.
    #[must_use]
    pub const fn outputs_at(&self) -> u32 {
        self.input_bytes
    }

    /// Offset of the flag image.
    #[must_use]
    pub const fn flags_at(&self) -> u32 {
        self.input_bytes.saturating_add(self.output_bytes)
    }
}

/// A typed place of the data segment or constant pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Offset in bytes.
    pub offset: u32,
    /// What stands there.
    pub ty: TypeId,
}

/// The constant pool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Constants {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// What stands where, in the order of the offsets, without overlap.
    pub slots: Vec<Slot>,
}

/// What kind of unit a POU is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PouKind {
    /// PROGRAM.
    Program = 0,
    /// FUNCTION_BLOCK.
    FunctionBlock = 1,
    /// FUNCTION.
    Function = 2,
}

impl PouKind {
    /// The kind with this code, or `None`.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Program),
            1 => Some(Self::FunctionBlock),
            2 => Some(Self::Function),
            _ => None,
        }
    }
}

/// One program organisation unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pou {
    /// Name as declared.
    pub name: String,
    /// PROGRAM, FUNCTION_BLOCK or FUNCTION.
    pub kind: PouKind,
    /// First instruction.
    pub entry: u32,
    /// One past the last instruction.
    pub end: u32,
    /// Type of the instances its body works on; `None` for functions.
    pub instance: Option<TypeId>,
    /// Types its references (VAR_IN_OUT parameters first, in order) point at.
    pub references: Vec<TypeId>,
}

/// How an indexed instruction reaches its element: element `i` (`lower <= i < lower + count`) is `stride * (i - lower)` bytes
/// after the operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Access {
    /// Index of the first element.
    pub lower: i32,
    /// Number of elements, at least 1.
    pub count: u32,
    /// Bytes from one element to the next.
    pub stride: u32,
}

/// An instance of a PROGRAM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramInstance {
    /// Instance name from the configuration, or the program's own name.
    pub name: String,
    /// The program.
    pub pou: PouId,
    /// Offset of its data in the data segment.
    pub offset: u32,
}

/// A task: when which programs run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Name from the configuration.
    pub name: String,
    /// Interval in nanoseconds; 0 asks for the interval given at start (a program without a configuration).
    pub interval_ns: u64,
    /// 0 is the most urgent.
    pub priority: u32,
    /// Indices into [`Image::programs`], in order.
    pub programs: Vec<u32>,
}

/// Where a symbol stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// Bytes from this offset of the data segment.
    Byte(u32),
    /// A bit of the process image.
    Bit {
        /// Byte offset.
        offset: u32,
        /// Bit number, 0 to 7.
        bit: u8,
    },
}

/// What a variable is to those who look from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SymbolRole {
    /// Located in the input image (%I).
    Input = 0,
    /// Located in the output image (%Q).
    Output = 1,
    /// Located in the flag image (%M).
    Flag = 2,
    /// A variable of a program or a global one.
    Variable = 3,
    /// A program or function block instance.
    Instance = 4,
}

impl SymbolRole {
    /// The role with this code, or `None`.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Input),
            1 => Some(Self::Output),
            2 => Some(Self::Flag),
            3 => Some(Self::Variable),
            4 => Some(Self::Instance),
            _ => None,
        }
    }
}

/// A declared variable: a stable path, where it stands and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// `program.variable`, or `variable` for globals; parts as declared.
    pub path: String,
    /// Where it stands.
    pub place: Place,
    /// Its type.
    pub ty: TypeId,
    /// What it is.
    pub role: SymbolRole,
    /// Kept across a restart, and which; parts of an instance may state their own, see [`crate::retained()`].
    pub retention: Retention,
    /// Never written (CONSTANT).
    pub constant: bool,
    /// Address as written, such as `%IX0.0`; empty when not located.
    pub address: String,
    /// Line of the declaration in the file named by `file`, from 1.
    pub line: u32,
    /// Index into [`Debug::files`].
    pub file: u32,
}

/// Source files, rungs and places: how a fault finds its rung and line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Debug {
    /// Source files as given to the compiler.
    pub files: Vec<String>,
    /// Rungs, in the order of the text.
    pub rungs: Vec<Rung>,
    /// Where instructions come from: each row holds from its instruction to the next row's, in order.
    pub places: Vec<SourcePlace>,
}

/// A rung of a ladder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rung {
    /// The POU it belongs to.
    pub pou: PouId,
    /// Label, or `#n` with its number from 1 where it has none.
    pub label: String,
    /// Title, or empty.
    pub title: String,
    /// Index into [`Debug::files`].
    pub file: u32,
    /// Line from 1.
    pub line: u32,
}

/// Where an instruction comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourcePlace {
    /// First instruction this row holds for.
    pub pc: u32,
    /// Index into [`Debug::files`].
    pub file: u32,
    /// Line from 1.
    pub line: u32,
    /// Column from 1.
    pub column: u32,
    /// Index into [`Debug::rungs`], or `u32::MAX` outside a ladder.
    pub rung: u32,
}

impl SourcePlace {
    /// The rung field outside a ladder.
    pub const NO_RUNG: u32 = u32::MAX;
}

impl Image {
    /// The type with this index.
    #[must_use]
    pub fn ty(&self, id: TypeId) -> Option<&Type> {
        self.types.get(id.0 as usize)
    }

    /// The POU with this index.
    #[must_use]
    pub fn pou(&self, id: PouId) -> Option<&Pou> {
        self.pous.get(id.0 as usize)
    }

    /// The POU whose code holds this instruction.
    #[must_use]
    pub fn pou_at(&self, pc: u32) -> Option<&Pou> {
        self.pous.iter().find(|p| (p.entry..p.end).contains(&pc))
    }

    /// Where an instruction comes from.
    #[must_use]
    pub fn source_place(&self, pc: u32) -> Option<&SourcePlace> {
        let after = self.debug.places.partition_point(|p| p.pc <= pc);
        self.debug.places.get(after.checked_sub(1)?)
    }

    /// The data segment as it stands before the first scan.
    #[must_use]
    pub fn initial_data(&self) -> Vec<u8> {
        let mut data = vec![0; self.data.size as usize];
        for (offset, bytes) in &self.data.initial {
            let start = *offset as usize;
            if let Some(to) = data.get_mut(start..start.saturating_add(bytes.len())) {
                to.copy_from_slice(bytes);
            }
        }
        data
    }
}
