//! Variables by name: `start_pb`, `main.ton0.Q`, `counts[3]`.
//!
//! A path is resolved against the symbols and then along fields and array elements of their types. Names compare
//! without regard to case, as in the standard. A variable of the only program may be named without the program.

use crate::image::{Image, Place, Symbol, SymbolRole};
use crate::near::nearest;
use crate::scalar::{Scalar, ScalarType};
use crate::types::{Elementary, Type, TypeId, TypeKind};

/// A variable found by its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Variable {
    /// Where it stands.
    pub place: Place,
    /// Its type.
    pub ty: TypeId,
    /// Index into [`Image::symbols`] of the symbol the path begins with.
    pub symbol: usize,
}

/// Why a path names no variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathError {
    /// No symbol has this name; the nearest one, if any is near.
    Unknown {
        /// The part that was not found.
        name: String,
        /// A name that looks like it.
        near: Option<String>,
    },
    /// Two programs have a variable of this name.
    Ambiguous {
        /// The full paths.
        candidates: Vec<String>,
    },
    /// The text is not a path.
    Malformed,
    /// The index is outside the array.
    Index {
        /// Name of the array type.
        array: String,
    },
}

impl core::fmt::Display for PathError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Unknown { name, near: Some(near) } => write!(f, "no variable `{name}`; did you mean `{near}`?"),
            Self::Unknown { name, near: None } => write!(f, "no variable `{name}`"),
            Self::Ambiguous { candidates } => {
                write!(f, "the name is not unique; write one of {}", candidates.join(", "))
            }
            Self::Malformed => f.write_str("not the name of a variable: write name, name.field or name[index]"),
            Self::Index { array } => write!(f, "the index is outside {array}"),
        }
    }
}

enum Step<'a> {
    Field(&'a str),
    Index(Vec<i64>),
}

impl Image {
    /// Finds the symbol a name or path begins with: the whole path first, then without the program's name.
    fn find_symbol(&self, path: &str) -> Result<(usize, usize), PathError> {
        let mut ends: Vec<usize> = path.match_indices(['.', '[']).map(|(at, _)| at).collect();
        ends.push(path.len());
        for end in ends.iter().rev() {
            let head = path.get(..*end).unwrap_or_default().trim();
            let exact = self.symbols.iter().position(|s| s.path.eq_ignore_ascii_case(head));
            if let Some(symbol) = exact {
                return Ok((symbol, *end));
            }
            let short: Vec<usize> = self.positions_by_name(head);
            match short.as_slice() {
                [] => {}
                [symbol] => return Ok((*symbol, *end)),
                several => {
                    let candidates = several.iter().filter_map(|i| self.symbols.get(*i)).map(|s| s.path.clone());
                    return Err(PathError::Ambiguous { candidates: candidates.collect() });
                }
            }
        }
        let first = ends.first().and_then(|end| path.get(..*end)).unwrap_or(path).trim();
        if first.is_empty() {
            return Err(PathError::Malformed);
        }
        let near = nearest(first, self.symbols.iter().map(|s| short_name(&s.path))).map(str::to_owned);
        Err(PathError::Unknown { name: first.to_owned(), near })
    }

    fn positions_by_name(&self, name: &str) -> Vec<usize> {
        let matches = |s: &Symbol| short_name(&s.path).eq_ignore_ascii_case(name);
        self.symbols.iter().enumerate().filter(|(_, s)| matches(s)).map(|(i, _)| i).collect()
    }

    /// Finds a variable by its path.
    ///
    /// # Errors
    /// Says which part names nothing, and what looks like it.
    pub fn variable(&self, path: &str) -> Result<Variable, PathError> {
        let (symbol, end) = self.find_symbol(path)?;
        let found = self.symbols.get(symbol).ok_or(PathError::Malformed)?;
        let mut place = found.place;
        let mut ty = found.ty;
        for step in steps(path.get(end..).unwrap_or_default())? {
            let (Place::Byte(offset), Some(t)) = (place, self.ty(ty)) else { return Err(PathError::Malformed) };
            let (plus, next) = match step {
                Step::Field(name) => field(t, name)?,
                Step::Index(indices) => element(t, &indices)?,
            };
            place = Place::Byte(offset.saturating_add(plus));
            ty = next;
        }
        Ok(Variable { place, ty, symbol })
    }

    /// The scalar type of a variable, or `None` for arrays and instances.
    #[must_use]
    pub fn scalar_of(&self, variable: &Variable) -> Option<ScalarType> {
        self.ty(variable.ty).and_then(Type::scalar)
    }

    /// A scalar variable's value from a copy of the data segment, as bits (see [`Scalar::to_bits`]); `None` for
    /// arrays and instances and beyond the segment.
    #[must_use]
    pub fn read(&self, data: &[u8], variable: &Variable) -> Option<u64> {
        let scalar = self.scalar_of(variable)?;
        match variable.place {
            Place::Bit { offset, bit } => data.get(offset as usize).map(|b| u64::from((b >> bit) & 1)),
            Place::Byte(offset) => {
                let start = offset as usize;
                let bytes = data.get(start..start.checked_add(scalar.size() as usize)?)?;
                Some(bits_of(scalar, bytes))
            }
        }
    }

    /// Writes a scalar variable's value, given as bits, into a copy of the data segment. False when nothing was
    /// written: not a scalar, or beyond the segment.
    pub fn write(&self, data: &mut [u8], variable: &Variable, bits: u64) -> bool {
        let Some(scalar) = self.scalar_of(variable) else { return false };
        match variable.place {
            Place::Bit { offset, bit } => {
                let Some(byte) = data.get_mut(offset as usize) else { return false };
                *byte = if bits != 0 { *byte | (1 << bit) } else { *byte & !(1 << bit) };
            }
            Place::Byte(offset) => {
                let size = scalar.size() as usize;
                let Some(to) = data.get_mut(offset as usize..).and_then(|d| d.get_mut(..size)) else { return false };
                let bits = if scalar == ScalarType::Bool { u64::from(bits != 0) } else { bits };
                for (to, from) in to.iter_mut().zip(bits.to_le_bytes()) {
                    *to = from;
                }
            }
        }
        true
    }

    /// The symbols located in the input image, output image or flags.
    pub fn located(&self, role: SymbolRole) -> impl Iterator<Item = (usize, &Symbol)> {
        self.symbols.iter().enumerate().filter(move |(_, s)| s.role == role)
    }

    /// A number that changes when anything about a type's layout or meaning changes: 64 bits of a digest over its
    /// names, kinds, sizes and offsets. The same type in two images has the same fingerprint.
    #[must_use]
    pub fn fingerprint(&self, ty: TypeId) -> u64 {
        use sha2::{Digest, Sha256};
        let mut hash = Sha256::new();
        self.feed(ty, &mut hash);
        u64::load(hash.finalize().as_slice())
    }

    fn feed(&self, ty: TypeId, hash: &mut sha2::Sha256) {
        use sha2::Digest;
        let Some(t) = self.ty(ty) else { return };
        hash.update(t.size.to_le_bytes());
        match &t.kind {
            TypeKind::Elementary(e) => hash.update([0, *e as u8]),
            TypeKind::Array { element, dimensions, stride } => {
                hash.update([1]);
                hash.update(stride.to_le_bytes());
                for d in dimensions {
                    hash.update(d.lower.to_le_bytes());
                    hash.update(d.upper.to_le_bytes());
                }
                self.feed_earlier(*element, ty, hash);
            }
            TypeKind::Instance { fields } | TypeKind::Structure { fields } => {
                hash.update([2]);
                for f in fields {
                    hash.update(f.name.to_ascii_lowercase().as_bytes());
                    hash.update([0]);
                    hash.update(f.offset.to_le_bytes());
                    self.feed_earlier(f.ty, ty, hash);
                }
            }
            TypeKind::Enumeration { base, names } => {
                hash.update([4, *base as u8]);
                for (name, value) in names {
                    hash.update(name.to_ascii_lowercase().as_bytes());
                    hash.update(value.to_le_bytes());
                }
            }
            TypeKind::Text { capacity, wide } => {
                hash.update([5, u8::from(*wide)]);
                hash.update(capacity.to_le_bytes());
            }
        }
    }

    /// Types refer to earlier ones only; an unverified table that does not is cut off here.
    fn feed_earlier(&self, ty: TypeId, user: TypeId, hash: &mut sha2::Sha256) {
        if ty < user {
            self.feed(ty, hash);
        }
    }
}

/// A scalar's bits from its little-endian bytes.
#[must_use]
pub fn bits_of(scalar: ScalarType, bytes: &[u8]) -> u64 {
    let mut wide = [0u8; 8];
    for (to, from) in wide.iter_mut().zip(bytes.iter().take(scalar.size() as usize)) {
        *to = *from;
    }
    u64::from_le_bytes(wide)
}

/// The part of a path after its first dot: the variable without its program.
fn short_name(path: &str) -> &str {
    path.split_once('.').map_or(path, |(_, rest)| rest)
}

fn steps(rest: &str) -> Result<Vec<Step<'_>>, PathError> {
    let mut steps = Vec::new();
    let mut rest = rest.trim();
    while !rest.is_empty() {
        if let Some(tail) = rest.strip_prefix('.') {
            let end = tail.find(['.', '[']).unwrap_or(tail.len());
            let (name, after) = tail.split_at(end);
            if name.trim().is_empty() {
                return Err(PathError::Malformed);
            }
            steps.push(Step::Field(name.trim()));
            rest = after;
        } else if let Some((inside, after)) = rest.strip_prefix('[').and_then(|t| t.split_once(']')) {
            let indices: Result<Vec<i64>, _> = inside.split(',').map(|i| i.trim().parse()).collect();
            steps.push(Step::Index(indices.map_err(|_| PathError::Malformed)?));
            rest = after.trim_start();
        } else {
            return Err(PathError::Malformed);
        }
    }
    Ok(steps)
}

fn field(t: &Type, name: &str) -> Result<(u32, TypeId), PathError> {
    let found = t.fields().iter().find(|f| f.name.eq_ignore_ascii_case(name));
    found.map(|f| (f.offset, f.ty)).ok_or_else(|| PathError::Unknown {
        name: name.to_owned(),
        near: nearest(name, t.fields().iter().map(|f| f.name.as_str())).map(str::to_owned),
    })
}

fn element(t: &Type, indices: &[i64]) -> Result<(u32, TypeId), PathError> {
    let outside = || PathError::Index { array: t.name.clone() };
    let TypeKind::Array { element, dimensions, stride } = &t.kind else { return Err(PathError::Malformed) };
    if dimensions.len() != indices.len() {
        return Err(PathError::Malformed);
    }
    let mut flat: u64 = 0;
    for (d, i) in dimensions.iter().zip(indices) {
        let from_zero = u64::try_from(i - i64::from(d.lower)).map_err(|_| outside())?;
        if from_zero >= d.len() {
            return Err(outside());
        }
        flat = flat.saturating_mul(d.len()).saturating_add(from_zero);
    }
    let offset = u32::try_from(flat.saturating_mul(u64::from(*stride))).map_err(|_| outside())?;
    Ok((offset, *element))
}

/// A value as a person writes it: `TRUE`, `-5`, `16#00FF`, `3.5`, `T#2s500ms`.
#[must_use]
pub fn show(elementary: Elementary, bits: u64) -> String {
    use Elementary as E;
    match elementary {
        E::Bool => if bits != 0 { "TRUE" } else { "FALSE" }.to_owned(),
        E::Sint => i8::from_bits(bits).to_string(),
        E::Int => i16::from_bits(bits).to_string(),
        E::Dint => i32::from_bits(bits).to_string(),
        E::Lint => i64::from_bits(bits).to_string(),
        E::Usint | E::Uint | E::Udint | E::Ulint => bits.to_string(),
        E::Byte => format!("16#{bits:02X}"),
        E::Word => format!("16#{bits:04X}"),
        E::Dword => format!("16#{bits:08X}"),
        E::Lword => format!("16#{bits:016X}"),
        E::Real => format!("{:?}", f32::from_bits(u32::from_bits(bits))),
        E::Lreal => format!("{:?}", f64::from_bits(bits)),
        E::Time | E::Ltime => show_time_ns(i64::from_bits(bits)),
        E::Date | E::Ldate | E::TimeOfDay | E::LtimeOfDay | E::DateAndTime | E::LdateAndTime | E::Char | E::Wchar => {
            format!("16#{bits:X}")
        }
    }
}

/// A duration as an IEC literal: `T#1h30m`, `T#-2s500ms`, `T#0s`.
#[must_use]
pub fn show_time_ns(ns: i64) -> String {
    const UNITS: [(u64, &str); 7] = [
        (86_400_000_000_000, "d"),
        (3_600_000_000_000, "h"),
        (60_000_000_000, "m"),
        (1_000_000_000, "s"),
        (1_000_000, "ms"),
        (1_000, "us"),
        (1, "ns"),
    ];
    let mut text = String::from(if ns < 0 { "T#-" } else { "T#" });
    let mut rest = ns.unsigned_abs();
    if rest == 0 {
        text.push_str("0s");
    }
    for (unit, name) in UNITS {
        let n = rest / unit;
        rest %= unit;
        if n > 0 {
            text.push_str(&format!("{n}{name}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_print_as_literals() {
        assert_eq!(show_time_ns(0), "T#0s");
        assert_eq!(show_time_ns(2_500_000_000), "T#2s500ms");
        assert_eq!(show_time_ns(-90_000_000_000), "T#-1m30s");
        assert_eq!(show_time_ns(i64::MIN).get(..4), Some("T#-1"));
    }
}
