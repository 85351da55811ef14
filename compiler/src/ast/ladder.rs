//! Ladders: rungs, elements, branches.

use super::{Attribute, BinaryOp, Call, Expr, Ident, Place, Stmt};
use crate::source::Span;
use thin_vec::ThinVec;

/// `LADDER ... END_LADDER`
#[derive(Clone, Debug, PartialEq)]
pub struct Ladder {
    /// From top to bottom.
    pub rungs: Vec<Rung>,
    /// From the opening keyword to the closing one.
    pub span: Span,
}

/// `RUNG label "title": elements;`
#[derive(Clone, Debug, PartialEq)]
pub struct Rung {
    /// Its label.
    pub label: Option<Ident>,
    /// Its title.
    pub title: Option<Title>,
    /// Its elements; nothing where `broken`.
    pub series: Series,
    /// Could not be read; already reported. The label is still known.
    pub broken: bool,
    /// Pragmas before it.
    pub attributes: ThinVec<Attribute>,
    /// With the semicolon.
    pub span: Span,
}

/// The title of a rung.
#[derive(Clone, Debug, PartialEq)]
pub struct Title {
    /// Without quotes, escapes resolved.
    pub text: String,
    /// With quotes.
    pub span: Span,
}

/// Elements one behind the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// From left to right; at least one, except in a broken rung.
    pub elements: Vec<Element>,
    /// All of them.
    pub span: Span,
}

/// One element of a rung.
#[derive(Clone, Debug, PartialEq)]
pub struct Element {
    /// Which.
    pub kind: ElementKind,
    /// All of it.
    pub span: Span,
}

/// The elements of a rung.
#[derive(Clone, Debug, PartialEq)]
pub enum ElementKind {
    /// `NO(x)` `NC(x)` `RISE(x)` `FALL(x)`
    Contact {
        /// Which.
        kind: ContactKind,
        /// Its operand.
        operand: Expr,
    },
    /// `GT(a, b)` and its kin: power passes where the comparison holds.
    Compare {
        /// One of `Gt Ge Eq Ne Le Lt`.
        op: BinaryOp,
        /// Left side.
        left: Expr,
        /// Right side.
        right: Expr,
    },
    /// `CMP(expression)`
    Condition(Expr),
    /// `INV()`
    Invert,
    /// `WIRE()`
    Wire,
    /// `COIL(x)` `NCOIL(x)` `SET(x)` `RST(x)` `COIL_RISE(x)` `COIL_FALL(x)`
    Coil {
        /// Which.
        kind: CoilKind,
        /// What it writes.
        operand: Place,
    },
    /// `JMP(label)`
    Jump(Ident),
    /// `RET()`
    Return,
    /// A function or a function block instance.
    Call(Call),
    /// `[leg, leg]`: the power out is the OR of the legs.
    Branch(Vec<Series>),
    /// `ST ... END_ST`: runs with power.
    Statements(Vec<Stmt>),
}

/// The contacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ContactKind {
    /// `NO(x)`: conducts while x is TRUE.
    Open,
    /// `NC(x)`: conducts while x is FALSE.
    Closed,
    /// `RISE(x)`: conducts in the scan in which x became TRUE.
    Rise,
    /// `FALL(x)`: conducts in the scan in which x became FALSE.
    Fall,
}

impl ContactKind {
    /// The canonical keyword.
    #[must_use]
    pub fn keyword(self) -> &'static str {
        match self {
            Self::Open => "NO",
            Self::Closed => "NC",
            Self::Rise => "RISE",
            Self::Fall => "FALL",
        }
    }
}

/// The coils.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CoilKind {
    /// `COIL(x)`: x follows the power.
    Normal,
    /// `NCOIL(x)`: x follows the inverted power.
    Negated,
    /// `SET(x)`: power sets x.
    Set,
    /// `RST(x)`: power resets x.
    Reset,
    /// `COIL_RISE(x)`: x is TRUE for the scan in which power comes.
    Rise,
    /// `COIL_FALL(x)`: x is TRUE for the scan in which power goes.
    Fall,
}

impl CoilKind {
    /// The canonical keyword.
    #[must_use]
    pub fn keyword(self) -> &'static str {
        match self {
            Self::Normal => "COIL",
            Self::Negated => "NCOIL",
            Self::Set => "SET",
            Self::Reset => "RST",
            Self::Rise => "COIL_RISE",
            Self::Fall => "COIL_FALL",
        }
    }
}
