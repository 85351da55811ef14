//! The type table of an image: what stands at each place of the data segment.
//!
//! Types are numbered and refer only to types with smaller numbers, so a table cannot be cyclic. Sizes and offsets
//! are stored (the layout is the compiler's choice) and checked by the verifier.

use crate::scalar::ScalarType;

/// Index of a type in an image's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(pub u32);

/// Index of a POU in an image's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PouId(pub u32);

macro_rules! elementary {
    ($($name:ident $code:literal $text:literal $scalar:expr;)*) => {
        /// The elementary types of IEC 61131-3. Those without a representation yet have a code reserved.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Elementary { $(#[doc = $text] $name = $code,)* }

        impl Elementary {
            /// Every elementary type, in the order of its code.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The type with this code, or `None`.
            #[must_use]
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$name),)* _ => None }
            }

            /// The keyword.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// How a value is stored, or `None` where this version reserves the type only.
            #[must_use]
            pub const fn scalar(self) -> Option<ScalarType> {
                match self { $(Self::$name => $scalar,)* }
            }
        }
    };
}
elementary! {
    Bool 0 "BOOL" Some(ScalarType::Bool);
    Sint 1 "SINT" Some(ScalarType::I8);
    Int 2 "INT" Some(ScalarType::I16);
    Dint 3 "DINT" Some(ScalarType::I32);
    Lint 4 "LINT" Some(ScalarType::I64);
    Usint 5 "USINT" Some(ScalarType::U8);
    Uint 6 "UINT" Some(ScalarType::U16);
    Udint 7 "UDINT" Some(ScalarType::U32);
    Ulint 8 "ULINT" Some(ScalarType::U64);
    Byte 9 "BYTE" Some(ScalarType::U8);
    Word 10 "WORD" Some(ScalarType::U16);
    Dword 11 "DWORD" Some(ScalarType::U32);
    Lword 12 "LWORD" Some(ScalarType::U64);
    Real 13 "REAL" Some(ScalarType::F32);
    Lreal 14 "LREAL" Some(ScalarType::F64);
    Time 15 "TIME" Some(ScalarType::I64);
    Ltime 16 "LTIME" Some(ScalarType::I64);
    Date 17 "DATE" None;
    Ldate 18 "LDATE" None;
    TimeOfDay 19 "TIME_OF_DAY" None;
    LtimeOfDay 20 "LTIME_OF_DAY" None;
    DateAndTime 21 "DATE_AND_TIME" None;
    LdateAndTime 22 "LDATE_AND_TIME" None;
    Char 23 "CHAR" None;
    Wchar 24 "WCHAR" None;
}

/// A field of an instance or structure.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Field {
    /// Name as declared; hidden fields (edge memories) carry a `#` and cannot clash with an identifier.
    pub name: String,
    /// Offset in bytes from the start of the instance.
    pub offset: u32,
    /// Type of the field.
    pub ty: TypeId,
    /// What the field is to its users; see [`FieldRole`].
    pub role: FieldRole,
    /// What the block's declaration says; see [`Retention::within`] for what it means in an instance.
    pub retention: Retention,
}

/// What becomes of a variable's value when the program starts anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Retention {
    /// Nothing is said: not kept, unless it stands in something that is.
    #[default]
    Unstated = 0,
    /// `NON_RETAIN`: not kept, even in an instance that is. Memories of edge contacts are such: the first scan after a
    /// start only looks.
    NonRetain = 1,
    /// `RETAIN`: survives a restart and a power loss; a cold start resets it.
    Retain = 2,
    /// `PERSISTENT`: survives a cold start too.
    Persistent = 3,
}

impl Retention {
    /// The retention with this code, or `None`.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Unstated),
            1 => Some(Self::NonRetain),
            2 => Some(Self::Retain),
            3 => Some(Self::Persistent),
            _ => None,
        }
    }

    /// Does the value survive a restart?
    #[must_use]
    pub const fn is_kept(self) -> bool {
        match self {
            Self::Unstated | Self::NonRetain => false,
            Self::Retain | Self::Persistent => true,
        }
    }

    /// What holds for a part that says this and stands in something for which `outer` holds: what the part's own
    /// declaration states goes first (IEC 61131-3 edition 3, 6.5.6.2).
    #[must_use]
    pub const fn within(self, outer: Self) -> Self {
        match self {
            Self::Unstated => outer,
            Self::NonRetain | Self::Retain | Self::Persistent => self,
        }
    }
}

/// What a field is to the users of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum FieldRole {
    /// VAR_INPUT.
    Input = 0,
    /// VAR_OUTPUT.
    Output = 1,
    /// VAR.
    Local = 2,
    /// Not written by a person: edge memory and the like.
    Hidden = 3,
}

impl FieldRole {
    /// The role with this code, or `None`.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Input),
            1 => Some(Self::Output),
            2 => Some(Self::Local),
            3 => Some(Self::Hidden),
            _ => None,
        }
    }
}

/// One dimension of an array: inclusive bounds as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Dimension {
    /// Lowest index.
    pub lower: i32,
    /// Highest index.
    pub upper: i32,
}

impl Dimension {
    /// Number of elements; 0 when the bounds are reversed (the verifier refuses those).
    #[must_use]
    pub fn len(self) -> u64 {
        u64::try_from(i64::from(self.upper) - i64::from(self.lower) + 1).unwrap_or(0)
    }

    /// Has it no element?
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// What a type is made of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TypeKind {
    /// An elementary type.
    Elementary(Elementary),
    /// An array, row-major, elements one `stride` apart.
    Array {
        /// Element type.
        element: TypeId,
        /// One or more dimensions, outermost first.
        dimensions: Vec<Dimension>,
        /// Bytes from one element to the next.
        stride: u32,
    },
    /// The data of a program or function block.
    Instance {
        /// Fields in the order of their offsets.
        fields: Vec<Field>,
    },
    /// A structure. Reserved: the verifier of this version refuses it by name.
    Structure {
        /// Fields in the order of their offsets.
        fields: Vec<Field>,
    },
    /// An enumeration. Reserved.
    Enumeration {
        /// Type of the stored value.
        base: Elementary,
        /// Names and values.
        names: Vec<(String, i64)>,
    },
    /// A string of at most `capacity` characters. Reserved.
    Text {
        /// Greatest length in characters.
        capacity: u32,
        /// Two bytes a character (WSTRING).
        wide: bool,
    },
}

/// One row of the type table.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Type {
    /// Name as a person would write it: `TON`, `ARRAY [0..9] OF INT`.
    pub name: String,
    /// Bytes one value takes.
    pub size: u32,
    /// What it is made of.
    pub kind: TypeKind,
}

impl Type {
    /// How a value is stored when the type is scalar.
    #[must_use]
    pub fn scalar(&self) -> Option<ScalarType> {
        match &self.kind {
            TypeKind::Elementary(e) => e.scalar(),
            TypeKind::Enumeration { base, .. } => base.scalar(),
            TypeKind::Array { .. } | TypeKind::Instance { .. } | TypeKind::Structure { .. } | TypeKind::Text { .. } => {
                None
            }
        }
    }

    /// The fields of an instance or structure; empty for others.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        match &self.kind {
            TypeKind::Instance { fields } | TypeKind::Structure { fields } => fields,
            TypeKind::Elementary(_) | TypeKind::Array { .. } | TypeKind::Enumeration { .. } | TypeKind::Text { .. } => {
                &[]
            }
        }
    }
}
