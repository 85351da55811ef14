//! An image as bytes, and back.
//!
//! ```text
//! offset  size  field
//!      0     4  "PLCB"
//!      4     2  format version, little-endian
//!      6     2  reserved, 0
//!      8     8  length of the whole file in bytes
//!     16    32  SHA-256 of every byte of the file but these 32
//!     48        sections in fixed order: tag (4 bytes), length (4 bytes), payload
//! ```
//!
//! The digest detects corruption (every flipped bit, every cut), not tampering. Reading is bounded: a count is
//! believed only as far as the bytes behind it reach, so no file makes the reader allocate more than a small
//! multiple of its own size. What is read is well-formed, not yet trusted: that is the verifier's work.

use crate::image::{
    Access, Constants, DataSegment, Debug, Image, Place, Pou, PouKind, ProgramInstance, Rung, Slot, SourcePlace,
    Symbol, SymbolRole, Task,
};
use crate::isa::{Instr, Op};
use crate::scalar::ScalarType;
use crate::types::{Dimension, Elementary, Field, FieldRole, PouId, Retention, Type, TypeId, TypeKind};
use core::fmt;
use sha2::{Digest, Sha256};

/// First four bytes of every image.
pub const MAGIC: [u8; 4] = *b"PLCB";
/// The version this build reads and writes. 2: retention has four states (`RETAIN` and `PERSISTENT` differ).
pub const FORMAT_VERSION: u16 = 2;
const DIGEST_AT: usize = 16;
/// Where the header ends and the sections begin.
pub const SECTIONS_AT: usize = 48;

/// Why bytes are not an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WireError {
    /// The first bytes are not those of an image.
    NotAnImage,
    /// Written by another version of the format.
    OtherVersion {
        /// The version found.
        found: u16,
    },
    /// The file is shorter or longer than its header says.
    Length {
        /// Bytes the header announces.
        announced: u64,
        /// Bytes there are.
        actual: u64,
    },
    /// The digest does not match: some byte changed since the image was built.
    Digest,
    /// A section is malformed.
    Malformed {
        /// Name of the section.
        section: &'static str,
        /// What is wrong.
        what: &'static str,
    },
    /// A table or text is longer than the format can say (2^32 - 1), when writing.
    TooLarge,
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnImage => f.write_str("not a plcrun image: the file does not begin with \"PLCB\""),
            Self::OtherVersion { found } => write!(
                f,
                "image format {found}, this plcrun reads format {FORMAT_VERSION}: rebuild the image from its source with `plcrun build`"
            ),
            Self::Length { announced, actual } => write!(
                f,
                "the image is damaged: {actual} bytes where its header says {announced}; copy or build it again"
            ),
            Self::Digest => {
                f.write_str("the image is damaged: its digest does not match its content; copy or build it again")
            }
            Self::Malformed { section, what } => {
                write!(f, "the image is malformed in its {section} section: {what}; rebuild it from its source")
            }
            Self::TooLarge => f.write_str("the program is too large for the image format"),
        }
    }
}

impl std::error::Error for WireError {}

/// Does this look like an image? For telling images from source text.
#[must_use]
pub fn is_image(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

/// Writes an image. The same image always gives the same bytes.
///
/// # Errors
/// [`WireError::TooLarge`] when a table has 2^32 rows or more.
pub fn encode(image: &Image) -> Result<Vec<u8>, WireError> {
    let mut out = Writer { bytes: vec![0; SECTIONS_AT], overflow: false };
    write_sections(image, &mut out);
    let Writer { bytes, overflow } = out;
    if overflow { Err(WireError::TooLarge) } else { Ok(seal(bytes.get(SECTIONS_AT..).unwrap_or_default())) }
}

/// A file of these sections: header, length and digest as [`decode`] wants them, whatever the sections hold. [`encode`]
/// calls it last; tests and fuzzing make hostile files with it.
#[must_use]
pub fn seal(sections: &[u8]) -> Vec<u8> {
    let length = (SECTIONS_AT + sections.len()) as u64;
    let mut bytes = Vec::with_capacity(SECTIONS_AT + sections.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
    bytes.extend_from_slice(&[0; 2]);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&[0; SECTIONS_AT - DIGEST_AT]);
    bytes.extend_from_slice(sections);
    let digest = digest(&bytes);
    for (to, from) in bytes.iter_mut().skip(DIGEST_AT).zip(digest) {
        *to = from;
    }
    bytes
}

/// Reads an image. What comes back is well-formed but unverified.
///
/// # Errors
/// Says which part of the file is wrong; see [`WireError`].
pub fn decode(bytes: &[u8]) -> Result<Image, WireError> {
    if !is_image(bytes) {
        return Err(WireError::NotAnImage);
    }
    let mut header = Reader { rest: bytes.get(4..).unwrap_or_default(), section: "header" };
    let found = u16::take(&mut header)?;
    if found != FORMAT_VERSION {
        return Err(WireError::OtherVersion { found });
    }
    if u16::take(&mut header)? != 0 {
        return Err(header.bad("reserved bytes are not 0"));
    }
    let announced = u64::take(&mut header)?;
    let actual = bytes.len() as u64;
    if announced != actual || bytes.len() < SECTIONS_AT {
        return Err(WireError::Length { announced, actual });
    }
    if bytes.get(DIGEST_AT..SECTIONS_AT) != Some(digest(bytes).as_slice()) {
        return Err(WireError::Digest);
    }
    read_sections(bytes.get(SECTIONS_AT..).unwrap_or_default())
}

/// The digest stored in an image's header, over everything but itself.
fn digest(bytes: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(bytes.get(..DIGEST_AT).unwrap_or_default());
    hash.update(bytes.get(SECTIONS_AT..).unwrap_or_default());
    hash.finalize().into()
}

struct Writer {
    bytes: Vec<u8>,
    overflow: bool,
}

impl Writer {
    fn count(&mut self, n: usize) {
        let n = u32::try_from(n).unwrap_or_else(|_| {
            self.overflow = true;
            0
        });
        n.put(self);
    }
}

struct Reader<'a> {
    rest: &'a [u8],
    section: &'static str,
}

impl<'a> Reader<'a> {
    fn bad(&self, what: &'static str) -> WireError {
        WireError::Malformed { section: self.section, what }
    }

    fn bytes(&mut self, n: usize) -> Result<&'a [u8], WireError> {
        let Some((head, tail)) = self.rest.split_at_checked(n) else {
            return Err(self.bad("it ends too early"));
        };
        self.rest = tail;
        Ok(head)
    }

    /// A count of things that take at least `least` bytes each.
    fn count(&mut self, least: usize) -> Result<usize, WireError> {
        let n = u32::take(self)? as usize;
        if n.saturating_mul(least) > self.rest.len() {
            return Err(self.bad("a count reaches beyond its end"));
        }
        Ok(n)
    }
}

/// A value with a fixed representation in the file.
trait Wire: Sized {
    /// Fewest bytes a value takes.
    const LEAST: usize;
    fn put(&self, w: &mut Writer);
    fn take(r: &mut Reader<'_>) -> Result<Self, WireError>;
}

macro_rules! wire_int {
    ($($t:ident),*) => {$(
        impl Wire for $t {
            const LEAST: usize = size_of::<$t>();
            fn put(&self, w: &mut Writer) {
                w.bytes.extend_from_slice(&self.to_le_bytes());
            }
            fn take(r: &mut Reader<'_>) -> Result<Self, WireError> {
                let bytes = r.bytes(size_of::<$t>())?;
                bytes.first_chunk().map(|b| <$t>::from_le_bytes(*b)).ok_or_else(|| r.bad("it ends too early"))
            }
        }
    )*};
}
wire_int!(u8, u16, u32, u64, i32, i64);

impl Wire for bool {
    const LEAST: usize = 1;
    fn put(&self, w: &mut Writer) {
        u8::from(*self).put(w);
    }
    fn take(r: &mut Reader<'_>) -> Result<Self, WireError> {
        match u8::take(r)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(r.bad("a yes or no is neither 0 nor 1")),
        }
    }
}

impl Wire for String {
    const LEAST: usize = 4;
    fn put(&self, w: &mut Writer) {
        w.count(self.len());
        w.bytes.extend_from_slice(self.as_bytes());
    }
    fn take(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let n = r.count(1)?;
        let bytes = r.bytes(n)?;
        core::str::from_utf8(bytes).map(str::to_owned).map_err(|_| r.bad("a text is not UTF-8"))
    }
}

impl<T: Wire> Wire for Vec<T> {
    const LEAST: usize = 4;
    fn put(&self, w: &mut Writer) {
        w.count(self.len());
        for item in self {
            item.put(w);
        }
    }
    fn take(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let n = r.count(T::LEAST)?;
        let mut items = Vec::with_capacity(n);
        for _ in 0..n {
            items.push(T::take(r)?);
        }
        Ok(items)
    }
}

impl<T: Wire> Wire for Option<T> {
    const LEAST: usize = 1;
    fn put(&self, w: &mut Writer) {
        self.is_some().put(w);
        if let Some(value) = self {
            value.put(w);
        }
    }
    fn take(r: &mut Reader<'_>) -> Result<Self, WireError> {
        if bool::take(r)? { T::take(r).map(Some) } else { Ok(None) }
    }
}

impl<A: Wire, B: Wire> Wire for (A, B) {
    const LEAST: usize = A::LEAST + B::LEAST;
    fn put(&self, w: &mut Writer) {
        self.0.put(w);
        self.1.put(w);
    }
    fn take(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok((A::take(r)?, B::take(r)?))
    }
}

impl Wire for [u32; 4] {
    const LEAST: usize = 16;
    fn put(&self, w: &mut Writer) {
        for word in self {
            word.put(w);
        }
    }
    fn take(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok([u32::take(r)?, u32::take(r)?, u32::take(r)?, u32::take(r)?])
    }
}

/// Structures field by field, in the order written here.
macro_rules! wire_struct {
    ($($name:ident { $($field:ident : $t:ty),* $(,)? })*) => {$(
        impl Wire for $name {
            const LEAST: usize = 0 $(+ <$t as Wire>::LEAST)*;
            fn put(&self, w: &mut Writer) {
                $(self.$field.put(w);)*
            }
            fn take(r: &mut Reader<'_>) -> Result<Self, WireError> {
                Ok(Self { $($field: <$t as Wire>::take(r)?),* })
            }
        }
    )*};
}
wire_struct! {
    Dimension { lower: i32, upper: i32 }
    Field { name: String, offset: u32, ty: TypeId, role: FieldRole, retention: Retention }
    Type { name: String, size: u32, kind: TypeKind }
    Slot { offset: u32, ty: TypeId }
    DataSegment { input_bytes: u32, output_bytes: u32, flag_bytes: u32, size: u32, slots: Vec<Slot>, initial: Vec<(u32, Vec<u8>)> }
    Constants { bytes: Vec<u8>, slots: Vec<Slot> }
    Pou { name: String, kind: PouKind, entry: u32, end: u32, instance: Option<TypeId>, references: Vec<TypeId> }
    Access { lower: i32, count: u32, stride: u32 }
    Instr { op: Op, ty: ScalarType, x: u16, w: [u32; 4] }
    ProgramInstance { name: String, pou: PouId, offset: u32 }
    Task { name: String, interval_ns: u64, priority: u32, programs: Vec<u32> }
    Symbol { path: String, place: Place, ty: TypeId, role: SymbolRole, retention: Retention, constant: bool, address: String, line: u32, file: u32 }
    Rung { pou: PouId, label: String, title: String, file: u32, line: u32 }
    SourcePlace { pc: u32, file: u32, line: u32, column: u32, rung: u32 }
    Debug { files: Vec<String>, rungs: Vec<Rung>, places: Vec<SourcePlace> }
}

/// Index newtypes.
macro_rules! wire_index {
    ($($name:ident),*) => {$(
        impl Wire for $name {
            const LEAST: usize = 4;
            fn put(&self, w: &mut Writer) {
                self.0.put(w);
            }
            fn take(r: &mut Reader<'_>) -> Result<Self, WireError> {
                u32::take(r).map(Self)
            }
        }
    )*};
}
wire_index!(TypeId, PouId);

/// Enumerations of one byte with a `from_code`.
macro_rules! wire_code {
    ($($name:ident $what:literal)*) => {$(
        impl Wire for $name {
            const LEAST: usize = 1;
            fn put(&self, w: &mut Writer) {
                (*self as u8).put(w);
            }
            fn take(r: &mut Reader<'_>) -> Result<Self, WireError> {
                let code = u8::take(r)?;
                Self::from_code(code).ok_or_else(|| r.bad($what))
            }
        }
    )*};
}
wire_code! {
    Op "an operation has an unknown code"
    ScalarType "a scalar type has an unknown code"
    Elementary "an elementary type has an unknown code"
    FieldRole "a field has an unknown role"
    Retention "a variable is kept in an unknown way"
    PouKind "a POU is of an unknown kind"
    SymbolRole "a symbol has an unknown role"
}

impl Wire for TypeKind {
    const LEAST: usize = 2;
    fn put(&self, w: &mut Writer) {
        match self {
            Self::Elementary(e) => {
                0u8.put(w);
                e.put(w);
            }
            Self::Array { element, dimensions, stride } => {
                1u8.put(w);
                element.put(w);
                dimensions.put(w);
                stride.put(w);
            }
            Self::Instance { fields } => {
                2u8.put(w);
                fields.put(w);
            }
            Self::Structure { fields } => {
                3u8.put(w);
                fields.put(w);
            }
            Self::Enumeration { base, names } => {
                4u8.put(w);
                base.put(w);
                names.put(w);
            }
            Self::Text { capacity, wide } => {
                5u8.put(w);
                capacity.put(w);
                wide.put(w);
            }
        }
    }
    fn take(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(match u8::take(r)? {
            0 => Self::Elementary(Elementary::take(r)?),
            1 => Self::Array { element: TypeId::take(r)?, dimensions: Vec::take(r)?, stride: u32::take(r)? },
            2 => Self::Instance { fields: Vec::take(r)? },
            3 => Self::Structure { fields: Vec::take(r)? },
            4 => Self::Enumeration { base: Elementary::take(r)?, names: Vec::take(r)? },
            5 => Self::Text { capacity: u32::take(r)?, wide: bool::take(r)? },
            _ => return Err(r.bad("a type is of an unknown kind")),
        })
    }
}

impl Wire for Place {
    const LEAST: usize = 5;
    fn put(&self, w: &mut Writer) {
        match self {
            Self::Byte(offset) => {
                offset.put(w);
                u8::MAX.put(w);
            }
            Self::Bit { offset, bit } => {
                offset.put(w);
                bit.put(w);
            }
        }
    }
    fn take(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let offset = u32::take(r)?;
        match u8::take(r)? {
            u8::MAX => Ok(Self::Byte(offset)),
            bit @ 0..=7 => Ok(Self::Bit { offset, bit }),
            _ => Err(r.bad("a bit number is above 7")),
        }
    }
}

/// The sections in the order of the file: field, tag, name for messages.
macro_rules! sections {
    ($($field:ident $tag:literal $name:literal;)*) => {
        fn write_sections(image: &Image, w: &mut Writer) {
            $(
                w.bytes.extend_from_slice($tag);
                let length_at = w.bytes.len();
                0u32.put(w);
                image.$field.put(w);
                let length = w.bytes.len().saturating_sub(length_at + 4);
                let length = u32::try_from(length).unwrap_or_else(|_| { w.overflow = true; 0 });
                for (to, from) in w.bytes.iter_mut().skip(length_at).zip(length.to_le_bytes()) {
                    *to = from;
                }
            )*
        }

        fn read_sections(bytes: &[u8]) -> Result<Image, WireError> {
            let mut file = Reader { rest: bytes, section: "" };
            let image = Image {
                $($field: {
                    file.section = $name;
                    if file.bytes(4)? != $tag {
                        return Err(file.bad("its tag is not where it belongs"));
                    }
                    let length = u32::take(&mut file)? as usize;
                    let mut section = Reader { rest: file.bytes(length)?, section: $name };
                    let value = Wire::take(&mut section)?;
                    if !section.rest.is_empty() {
                        return Err(section.bad("bytes are left over"));
                    }
                    value
                },)*
            };
            if file.rest.is_empty() { Ok(image) } else { Err(file.bad("bytes follow the last section")) }
        }
    };
}
sections! {
    name b"NAME" "name";
    types b"TYPE" "type";
    data b"DATA" "data";
    constants b"CONS" "constant";
    pous b"POUS" "POU";
    accesses b"ACCS" "access";
    code b"CODE" "code";
    programs b"PROG" "program";
    tasks b"TASK" "task";
    symbols b"SYMB" "symbol";
    debug b"DBUG" "debug";
}
