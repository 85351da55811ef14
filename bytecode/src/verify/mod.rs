//! The verifier: the only way to a [`VerifiedImage`], and engines accept nothing else.
//!
//! A verified image cannot read or write outside its data, holds nothing but 0 and 1 in its booleans, never writes
//! inputs or constants, cannot recurse, and cannot loop without being charged: with a scan budget of *n*, at most
//! *n* instructions run. No instruction trusts a claim that was not checked here. Bounds of indexed accesses are not
//! claims: the instruction carries them and every engine checks the index at run time.
//!
//! One linear pass over tables and code. Each check is a row of [`rules!`](Rule); each rule has an accepted and a
//! refused image in the tests.

mod code;
mod layout;
mod tables;

use crate::image::Image;
use crate::wire::{self, WireError};
use core::fmt;

/// Largest data segment: 64 MiB. 100,000 rungs with five variables each take less than 1 MiB.
pub const MAX_DATA_BYTES: u32 = 64 << 20;
/// Most instructions: 2^24, about 3 million rungs.
pub const MAX_INSTRUCTIONS: usize = 1 << 24;
/// Deepest nesting of types: an array of blocks with arrays of blocks is 4.
pub const MAX_TYPE_DEPTH: u32 = 32;
/// Longest task interval: 1 hour.
pub const MAX_INTERVAL_NS: u64 = 3_600_000_000_000;

macro_rules! rules {
    ($($name:ident $code:literal $text:literal;)*) => {
        /// What a verified image is known to keep to.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Rule { $(#[doc = $text] $name,)* }

        impl Rule {
            /// Every rule, in the order of the codes.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Stable code, such as `V101`.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The rule as a sentence.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}
rules! {
    Limits "V001" "tables stay within the stated limits";
    TypeOrder "V011" "a type refers only to earlier types";
    TypeLayout "V012" "sizes, strides and fields of a type fit each other";
    TypeReserved "V013" "types reserved for later versions do not occur";
    DataLayout "V021" "slots stand after the process image, in order, without overlap, within the segment";
    InitialValues "V022" "initial values stand within the segment, in order, and booleans start as 0 or 1";
    ConstantLayout "V023" "constants stand within the pool, in order, without overlap, and booleans are 0 or 1";
    PouRange "V031" "the POUs' code follows one another and covers the code exactly";
    PouInstance "V032" "a program or function block has an instance type of its own, a function has none";
    PouReferences "V033" "a POU has at most 256 references to types of at most 2 MiB";
    ProgramPlace "V034" "a program instance stands on a slot of its type";
    Task "V035" "a task runs existing programs at an interval of at most an hour, each program in one task only";
    Symbol "V036" "symbols are sorted by path and stand on places of their type";
    DebugRows "V037" "source rows are in order and name existing files, rungs and POUs";
    AccessRow "V038" "an access row has elements, a stride, and indices that fit 32 bits";
    OpType "V101" "the operation exists for the type";
    OpExtra "V102" "the extra field is a scalar type, a bit number or 0, as the operation asks";
    UnusedWord "V103" "words the operation does not use are 0";
    OperandWindow "V104" "an operand names a window its POU has";
    OperandPlace "V105" "an operand stands on a scalar of the type the operation asks";
    ReadOnly "V106" "inputs and constants are not written";
    ImageByte "V107" "bit operations address the process image";
    AccessPlace "V108" "every element an indexed operation can reach is a place of its type";
    CopyPlace "V109" "both places of a copy are of the type it names";
    BindPlace "V110" "a reference is bound to a place of its type that may be written";
    BranchTarget "V121" "a branch stays within its POU";
    BackwardCharge "V122" "a backward branch leads to a charge of at least the instructions between";
    EntryCharge "V123" "a POU begins with a charge of at least its own length";
    FlowEnd "V124" "a POU ends with a return or a jump";
    CallTarget "V125" "a call names a function, or a function block and an instance of its type";
    CallCycle "V126" "calls form no cycle";
}

/// Where in an image something is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// A row of a table.
    Row {
        /// Name of the table.
        table: &'static str,
        /// Row number from 0.
        row: usize,
    },
    /// An instruction.
    Instruction(u32),
}

/// Why an image is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifyError {
    /// The rule it breaks.
    pub rule: Rule,
    /// Where.
    pub at: At,
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "image refused ({}): ", self.rule.code())?;
        match self.at {
            At::Row { table, row } => write!(f, "{table} {row}")?,
            At::Instruction(pc) => write!(f, "instruction {pc}")?,
        }
        write!(f, " breaks the rule that {}; rebuild the image from its source", self.rule.text())
    }
}

impl std::error::Error for VerifyError {}

/// Why a file does not become a verified image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// The bytes are not an image.
    Wire(WireError),
    /// The image breaks a rule.
    Verify(VerifyError),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wire(e) => e.fmt(f),
            Self::Verify(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for LoadError {}

/// An image that keeps to every [`Rule`]. Only [`verify`] makes one, and nothing changes it afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedImage(Image);

impl VerifiedImage {
    /// The image.
    #[must_use]
    pub const fn image(&self) -> &Image {
        &self.0
    }
}

impl core::ops::Deref for VerifiedImage {
    type Target = Image;
    fn deref(&self) -> &Image {
        &self.0
    }
}

/// Checks every rule.
///
/// # Errors
/// The first rule broken, and where.
pub fn verify(image: Image) -> Result<VerifiedImage, VerifyError> {
    tables::check(&image)?;
    code::check(&image)?;
    Ok(VerifiedImage(image))
}

/// Reads and verifies the bytes of an image.
///
/// # Errors
/// Says what is wrong with the file or which rule it breaks.
pub fn load(bytes: &[u8]) -> Result<VerifiedImage, LoadError> {
    let image = wire::decode(bytes).map_err(LoadError::Wire)?;
    verify(image).map_err(LoadError::Verify)
}

/// `Ok` where the condition holds, else the rule at the place.
fn require(holds: bool, rule: Rule, at: At) -> Result<(), VerifyError> {
    if holds { Ok(()) } else { Err(VerifyError { rule, at }) }
}
