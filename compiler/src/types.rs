//! The types a program can name, interned: equal types have equal numbers.
//!
//! Owns the implicit conversions (IEC 61131-3 edition 3, figure 12) and names of types. Layout is the concern of
//! [`crate::codegen`]. Two pseudo types stand for literals that have not met their context yet
//! ([`Ty::INT_LITERAL`], [`Ty::REAL_LITERAL`]) and one for what was already reported ([`Ty::ERROR`]).

use crate::arena::Id;
use crate::hir::PouId;
use crate::map::HashMap;
use bytecode::ScalarType;
use bytecode::types::Elementary;

/// The number of a type in [`Types`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ty(u32);

impl Ty {
    /// BOOL
    pub const BOOL: Self = Self::of(Elementary::Bool);
    /// INT
    pub const INT: Self = Self::of(Elementary::Int);
    /// DINT
    pub const DINT: Self = Self::of(Elementary::Dint);
    /// LINT
    pub const LINT: Self = Self::of(Elementary::Lint);
    /// UDINT
    pub const UDINT: Self = Self::of(Elementary::Udint);
    /// ULINT
    pub const ULINT: Self = Self::of(Elementary::Ulint);
    /// REAL
    pub const REAL: Self = Self::of(Elementary::Real);
    /// LREAL
    pub const LREAL: Self = Self::of(Elementary::Lreal);
    /// TIME
    pub const TIME: Self = Self::of(Elementary::Time);
    /// LTIME
    pub const LTIME: Self = Self::of(Elementary::Ltime);
    /// An integer literal without a type of its own.
    pub const INT_LITERAL: Self = Self(FIRST_PSEUDO);
    /// A real literal without a type of its own.
    pub const REAL_LITERAL: Self = Self(FIRST_PSEUDO + 1);
    /// Something already reported: every use is silent.
    pub const ERROR: Self = Self(FIRST_PSEUDO + 2);
    /// The result of a function without one.
    pub const VOID: Self = Self(FIRST_PSEUDO + 3);

    /// The type of an elementary keyword.
    #[must_use]
    pub const fn of(e: Elementary) -> Self {
        Self(e as u32)
    }

    /// The elementary type, where this is one.
    #[must_use]
    pub fn elementary(self) -> Option<Elementary> {
        u8::try_from(self.0).ok().and_then(Elementary::from_code)
    }

    /// How a value is stored, where this is an elementary type that has a representation.
    #[must_use]
    pub fn scalar(self) -> Option<ScalarType> {
        self.elementary().and_then(Elementary::scalar)
    }

    /// Was something wrong with it already reported?
    #[must_use]
    pub fn is_error(self) -> bool {
        self == Self::ERROR
    }

    /// A literal that takes the type its context wants.
    #[must_use]
    pub fn is_literal(self) -> bool {
        self == Self::INT_LITERAL || self == Self::REAL_LITERAL
    }

    /// ANY_INT: SINT to ULINT.
    #[must_use]
    pub fn is_int(self) -> bool {
        self == Self::INT_LITERAL || self.elementary().is_some_and(is_int)
    }

    /// ANY_UNSIGNED
    #[must_use]
    pub fn is_unsigned(self) -> bool {
        use Elementary::{Udint, Uint, Ulint, Usint};
        matches!(self.elementary(), Some(Usint | Uint | Udint | Ulint))
    }

    /// ANY_REAL
    #[must_use]
    pub fn is_real(self) -> bool {
        matches!(self, Self::REAL | Self::LREAL | Self::REAL_LITERAL)
    }

    /// ANY_NUM
    #[must_use]
    pub fn is_number(self) -> bool {
        self.is_int() || self.is_real()
    }

    /// TIME or LTIME.
    #[must_use]
    pub fn is_duration(self) -> bool {
        matches!(self, Self::TIME | Self::LTIME)
    }

    /// ANY_BIT without BOOL: BYTE to LWORD.
    #[must_use]
    pub fn is_bit_string(self) -> bool {
        use Elementary::{Byte, Dword, Lword, Word};
        matches!(self.elementary(), Some(Byte | Word | Dword | Lword))
    }

    /// ANY_BIT
    #[must_use]
    pub fn is_bits(self) -> bool {
        self == Self::BOOL || self.is_bit_string()
    }
}

fn is_int(e: Elementary) -> bool {
    use Elementary::{Dint, Int, Lint, Sint, Udint, Uint, Ulint, Usint};
    matches!(e, Sint | Int | Dint | Lint | Usint | Uint | Udint | Ulint)
}

/// Numbers below are those of [`Elementary`]; then four pseudo types; then what a program composes.
#[allow(clippy::cast_possible_truncation)] // 25 elementary types
const FIRST_PSEUDO: u32 = Elementary::ALL.len() as u32;
const PSEUDO_NAMES: [&str; 4] = ["integer literal", "real literal", "unknown", "no value"];
#[allow(clippy::cast_possible_truncation)] // 4 pseudo types
const FIRST_COMPOSED: u32 = FIRST_PSEUDO + PSEUDO_NAMES.len() as u32;

/// One dimension of an array, bounds inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Dimension {
    /// Lowest index.
    pub lower: i32,
    /// Highest index, at least `lower`.
    pub upper: i32,
}

impl Dimension {
    /// How many elements; at least 1.
    #[must_use]
    pub fn len(self) -> u32 {
        u32::try_from(i64::from(self.upper) - i64::from(self.lower) + 1).unwrap_or(1)
    }

    /// Never: an array has at least one element.
    #[must_use]
    pub fn is_empty(self) -> bool {
        false
    }
}

/// What a composed type is made of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Composed {
    /// An array, outermost dimension first.
    Array {
        /// Element type: elementary or an instance, never an array.
        element: Ty,
        /// One or more.
        dimensions: Vec<Dimension>,
    },
    /// The data of a function block (or program).
    Instance(PouId),
}

/// Every composed type of a compilation, each once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Types {
    composed: Vec<(Composed, String)>,
    numbers: HashMap<Composed, Ty>,
}

impl Types {
    /// The array type with these dimensions.
    pub fn array(&mut self, element: Ty, dimensions: Vec<Dimension>) -> Ty {
        let ranges: Vec<String> = dimensions.iter().map(|d| format!("{}..{}", d.lower, d.upper)).collect();
        let name = format!("ARRAY [{}] OF {}", ranges.join(", "), self.name(element));
        self.intern(Composed::Array { element, dimensions }, name)
    }

    /// The type of the instances of a POU.
    pub fn instance(&mut self, pou: PouId, name: &str) -> Ty {
        self.intern(Composed::Instance(pou), name.to_owned())
    }

    fn intern(&mut self, composed: Composed, name: String) -> Ty {
        if let Some(ty) = self.numbers.get(&composed) {
            return *ty;
        }
        let count = u32::try_from(self.composed.len()).unwrap_or(u32::MAX - FIRST_COMPOSED);
        let ty = Ty(FIRST_COMPOSED + count);
        self.composed.push((composed.clone(), name));
        self.numbers.insert(composed, ty);
        ty
    }

    /// What a composed type is made of; `None` for elementary and pseudo types.
    #[must_use]
    pub fn composed(&self, ty: Ty) -> Option<&Composed> {
        let index = ty.0.checked_sub(FIRST_COMPOSED)?;
        self.composed.get(index as usize).map(|(c, _)| c)
    }

    /// Element type and dimensions of an array.
    #[must_use]
    pub fn as_array(&self, ty: Ty) -> Option<(Ty, &[Dimension])> {
        match self.composed(ty)? {
            Composed::Array { element, dimensions } => Some((*element, dimensions)),
            Composed::Instance(_) => None,
        }
    }

    /// The POU an instance type belongs to.
    #[must_use]
    pub fn as_instance(&self, ty: Ty) -> Option<PouId> {
        match self.composed(ty)? {
            Composed::Instance(pou) => Some(*pou),
            Composed::Array { .. } => None,
        }
    }

    /// The name a person would write.
    #[must_use]
    pub fn name(&self, ty: Ty) -> &str {
        if let Some(e) = ty.elementary() {
            return e.name();
        }
        if let Some(index) = ty.0.checked_sub(FIRST_COMPOSED) {
            return self.composed.get(index as usize).map_or("unknown", |(_, name)| name);
        }
        PSEUDO_NAMES.get((ty.0 - FIRST_PSEUDO) as usize).copied().unwrap_or("unknown")
    }

    /// Composed types in the order they were first named.
    pub fn iter(&self) -> impl Iterator<Item = (Ty, &Composed, &str)> {
        (FIRST_COMPOSED..).map(Ty).zip(self.composed.iter()).map(|(ty, (c, n))| (ty, c, n.as_str()))
    }
}

/// Does a value of `from` become one of `to` without being asked (figure 12)? Every such conversion keeps the value, but for
/// the rounding of DINT and UDINT to REAL, which the figure does not allow either.
#[must_use]
pub fn widens(from: Ty, to: Ty) -> bool {
    if from == to {
        return true;
    }
    let (Some(from), Some(to)) = (from.elementary(), to.elementary()) else { return false };
    use Elementary::{
        Bool, Byte, Dint, Dword, Int, Lint, Lreal, Ltime, Lword, Real, Sint, Time, Udint, Uint, Ulint, Usint, Word,
    };
    let wider: &[Elementary] = match from {
        Sint => &[Int, Dint, Lint, Real, Lreal],
        Int => &[Dint, Lint, Real, Lreal],
        Dint => &[Lint, Lreal],
        Usint => &[Uint, Udint, Ulint, Int, Dint, Lint, Real, Lreal],
        Uint => &[Udint, Ulint, Dint, Lint, Real, Lreal],
        Udint => &[Ulint, Lint, Lreal],
        Real => &[Lreal],
        Bool => &[Byte, Word, Dword, Lword],
        Byte => &[Word, Dword, Lword],
        Word => &[Dword, Lword],
        Dword => &[Lword],
        Time => &[Ltime],
        Lint | Ulint | Lreal | Lword | Ltime => &[],
        Elementary::Date
        | Elementary::Ldate
        | Elementary::TimeOfDay
        | Elementary::LtimeOfDay
        | Elementary::DateAndTime
        | Elementary::LdateAndTime
        | Elementary::Char
        | Elementary::Wchar => &[],
    };
    wider.contains(&to)
}

/// The smallest type both widen to, or `None`.
#[must_use]
pub fn join(a: Ty, b: Ty) -> Option<Ty> {
    use Elementary::{
        Byte, Dint, Dword, Int, Lint, Lreal, Ltime, Lword, Real, Sint, Time, Udint, Uint, Ulint, Usint, Word,
    };
    if widens(a, b) {
        return Some(b);
    }
    if widens(b, a) {
        return Some(a);
    }
    [Usint, Sint, Uint, Int, Udint, Dint, Ulint, Lint, Real, Lreal, Byte, Word, Dword, Lword, Time, Ltime]
        .into_iter()
        .map(Ty::of)
        .find(|t| widens(a, *t) && widens(b, *t))
}

/// The elementary type with this keyword (TOD, DT and their kin included), whatever its case.
#[must_use]
pub fn elementary_named(key: &str) -> Option<Elementary> {
    match key {
        "TOD" => return Some(Elementary::TimeOfDay),
        "DT" => return Some(Elementary::DateAndTime),
        "LTOD" => return Some(Elementary::LtimeOfDay),
        "LDT" => return Some(Elementary::LdateAndTime),
        _ => {}
    }
    Elementary::ALL.iter().copied().find(|e| e.name() == key)
}

/// The least and greatest value of an integer or bit string type.
#[must_use]
pub fn int_range(t: ScalarType) -> Option<(i128, i128)> {
    if t == ScalarType::Bool {
        return Some((0, 1));
    }
    if !t.is_int() {
        return None;
    }
    let bits = t.bits();
    Some(if t.is_signed() { (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) } else { (0, (1 << bits) - 1) })
}

impl Id for Ty {
    fn from_index(index: usize) -> Self {
        Self(u32::try_from(index).unwrap_or(u32::MAX))
    }
    fn index(self) -> usize {
        self.0 as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_types_have_equal_numbers() {
        let mut types = Types::default();
        let a = types.array(Ty::INT, vec![Dimension { lower: 0, upper: 9 }]);
        let b = types.array(Ty::INT, vec![Dimension { lower: 0, upper: 9 }]);
        let c = types.array(Ty::INT, vec![Dimension { lower: 1, upper: 9 }]);
        assert_eq!(a, b);
        assert_ne!(a, c);
        assert_eq!(types.name(c), "ARRAY [1..9] OF INT");
    }

    #[test]
    fn widening_keeps_every_value() {
        for a in Elementary::ALL {
            for b in Elementary::ALL {
                let (a, b) = (Ty::of(*a), Ty::of(*b));
                if !widens(a, b) || a == b {
                    continue;
                }
                let (sa, sb) = (a.scalar().unwrap(), b.scalar().unwrap());
                match (int_range(sa), int_range(sb)) {
                    (Some((al, ah)), Some((bl, bh))) => assert!(bl <= al && ah <= bh, "{sa} {sb}"),
                    (Some((al, ah)), None) => {
                        let digits = if sb == ScalarType::F32 { 24 } else { 53 };
                        assert!(-(1i128 << digits) <= al && ah <= 1 << digits, "{sa} {sb}");
                    }
                    (None, _) => assert_eq!((sa, sb), (ScalarType::F32, ScalarType::F64)),
                }
            }
        }
    }

    #[test]
    fn the_smallest_common_type_is_found() {
        let of = |e| Ty::of(e);
        assert_eq!(join(of(Elementary::Int), of(Elementary::Uint)), Some(Ty::DINT));
        assert_eq!(join(of(Elementary::Sint), of(Elementary::Usint)), Some(Ty::INT));
        assert_eq!(join(of(Elementary::Dint), Ty::REAL), Some(Ty::LREAL));
        assert_eq!(join(Ty::LINT, Ty::ULINT), None);
        assert_eq!(join(Ty::TIME, Ty::LTIME), Some(Ty::LTIME));
    }
}
