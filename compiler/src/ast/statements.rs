//! Statements, expressions and literals of Structured Text; the operands of ladder elements are made of them too.

use super::{Address, AddressSize, Attribute, Ident, Range};
use crate::source::Span;
use thin_vec::ThinVec;

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Stmt {
    /// Which.
    pub kind: StmtKind,
    /// Pragmas before it.
    pub attributes: ThinVec<Attribute>,
    /// With the semicolon.
    pub span: Span,
}

/// The statements of Structured Text.
#[derive(Clone, Debug, PartialEq)]
pub enum StmtKind {
    /// `target := value;`
    Assign {
        /// What is written.
        target: Place,
        /// The value.
        value: Expr,
    },
    /// `instance(args);` or `function(args);`
    Call(Box<Call>),
    /// `IF ... END_IF;`
    If {
        /// `IF` and every `ELSIF`; at least one.
        branches: Vec<IfBranch>,
        /// `ELSE`
        otherwise: Option<Vec<Stmt>>,
    },
    /// `CASE ... END_CASE;`
    Case {
        /// What is compared.
        selector: Box<Expr>,
        /// The arms.
        arms: Vec<CaseArm>,
        /// `ELSE`
        otherwise: Option<Vec<Stmt>>,
    },
    /// `FOR ... END_FOR;`
    For(Box<ForLoop>),
    /// `WHILE ... END_WHILE;`
    While {
        /// Repeat as long as this holds.
        condition: Expr,
        /// The repeated statements.
        body: Vec<Stmt>,
    },
    /// `REPEAT ... END_REPEAT;`
    Repeat {
        /// The repeated statements.
        body: Vec<Stmt>,
        /// Stop when this holds.
        until: Expr,
    },
    /// `EXIT;`
    Exit,
    /// `CONTINUE;`
    Continue,
    /// `RETURN;`
    Return,
    /// A lone `;`
    Empty,
    /// Could not be read; already reported.
    Error,
}

/// `FOR variable := from TO to BY by DO body END_FOR;`
#[derive(Clone, Debug, PartialEq)]
pub struct ForLoop {
    /// The control variable.
    pub variable: Variable,
    /// First value.
    pub from: Expr,
    /// Last value.
    pub to: Expr,
    /// Step; 1 where nothing is written.
    pub by: Option<Expr>,
    /// The repeated statements.
    pub body: Vec<Stmt>,
}

/// A condition and its statements.
#[derive(Clone, Debug, PartialEq)]
pub struct IfBranch {
    /// The condition.
    pub condition: Expr,
    /// What is then done.
    pub body: Vec<Stmt>,
}

/// `1, 3..5: statements`
#[derive(Clone, Debug, PartialEq)]
pub struct CaseArm {
    /// At least one.
    pub labels: Vec<CaseLabel>,
    /// What is then done.
    pub body: Vec<Stmt>,
    /// The labels and the colon.
    pub span: Span,
}

/// One value or range of a `CASE` arm.
#[derive(Clone, Debug, PartialEq)]
pub enum CaseLabel {
    /// `5`
    Value(Expr),
    /// `5..9`
    Range(Range),
}

/// What an assignment can write to.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// A variable, an element, a field, a bit.
    Variable(Variable),
    /// A direct address.
    Address(Address),
}

impl Place {
    /// Where.
    #[must_use]
    pub fn span(&self) -> Span {
        match self {
            Self::Variable(variable) => variable.span,
            Self::Address(address) => address.span,
        }
    }
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// Its form.
    pub kind: ExprKind,
    /// Where.
    pub span: Span,
}

/// The forms of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// A literal.
    Literal(Box<Literal>),
    /// A variable (or, before names are resolved, an enumeration value).
    Variable(Variable),
    /// A direct address.
    Address(Address),
    /// A function call.
    Call(Box<Call>),
    /// `-x`, `NOT x`
    Unary {
        /// Which.
        op: UnaryOp,
        /// Of what.
        operand: Box<Expr>,
    },
    /// Operators of one precedence, worked off from left to right.
    Chain(Chain),
    /// `(x)`
    Paren(Box<Expr>),
    /// Could not be read; already reported.
    Error,
}

/// `first op second op third ...`, all operators of one precedence, left-associative: `((first op second) op third)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    /// The leftmost operand.
    pub first: Box<Expr>,
    /// At least one.
    pub rest: Vec<ChainItem>,
}

/// One operator with its right operand.
#[derive(Clone, Debug, PartialEq)]
pub struct ChainItem {
    /// The operator.
    pub op: BinaryOp,
    /// Where the operator stands.
    pub op_span: Span,
    /// The right operand.
    pub operand: Expr,
}

/// Operators with one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `-`
    Neg,
    /// `+`
    Plus,
    /// `NOT`
    Not,
}

/// Operators with two operands, lowest precedence last (IEC 61131-3, table 71).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `**`
    Power,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `MOD`
    Mod,
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `<`
    Lt,
    /// `>`
    Gt,
    /// `<=`
    Le,
    /// `>=`
    Ge,
    /// `=`
    Eq,
    /// `<>`
    Ne,
    /// `AND` or `&`
    And,
    /// `AND_THEN`
    AndThen,
    /// `XOR`
    Xor,
    /// `OR`
    Or,
    /// `OR_ELSE`
    OrElse,
}

impl BinaryOp {
    /// How strongly it binds; operators of one number stand in one [`Chain`]. Higher binds tighter.
    #[must_use]
    pub fn precedence(self) -> u8 {
        match self {
            Self::Power => 8,
            Self::Mul | Self::Div | Self::Mod => 7,
            Self::Add | Self::Sub => 6,
            Self::Lt | Self::Gt | Self::Le | Self::Ge => 5,
            Self::Eq | Self::Ne => 4,
            Self::And | Self::AndThen => 3,
            Self::Xor => 2,
            Self::Or | Self::OrElse => 1,
        }
    }

    /// As it is written.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Power => "**",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Mod => "MOD",
            Self::Add => "+",
            Self::Sub => "-",
            Self::Lt => "<",
            Self::Gt => ">",
            Self::Le => "<=",
            Self::Ge => ">=",
            Self::Eq => "=",
            Self::Ne => "<>",
            Self::And => "AND",
            Self::AndThen => "AND_THEN",
            Self::Xor => "XOR",
            Self::Or => "OR",
            Self::OrElse => "OR_ELSE",
        }
    }
}

/// `name.field[i, j].3^`
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// The first name.
    pub name: Ident,
    /// What follows it, outermost last.
    pub accessors: ThinVec<Accessor>,
    /// All of it.
    pub span: Span,
}

impl Variable {
    /// The lone name, where nothing follows it.
    #[must_use]
    pub fn as_name(&self) -> Option<&Ident> {
        if self.accessors.is_empty() { Some(&self.name) } else { None }
    }
}

/// One step from a variable into a part of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Accessor {
    /// Which part.
    pub kind: AccessorKind,
    /// From the point or bracket.
    pub span: Span,
}

/// The parts of a variable.
#[derive(Clone, Debug, PartialEq)]
pub enum AccessorKind {
    /// `.name`
    Field(Ident),
    /// `[i, j]`
    Index(Vec<Expr>),
    /// `.3`, `.%X3`, `.%B1`: part of a bit string.
    Part {
        /// The width of the part.
        size: AddressSize,
        /// Its number, counted from the least significant.
        number: u32,
    },
    /// `^`
    Deref,
}

/// A call of a function or of a function block instance.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// What is called.
    pub callee: Variable,
    /// With what.
    pub args: Vec<Arg>,
    /// From the name to the closing parenthesis.
    pub span: Span,
}

/// One argument of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Arg {
    /// How it is passed.
    pub kind: ArgKind,
    /// The value, or for an output the variable that takes it. `None` in `PT :=` or `Q =>` with nothing behind it:
    /// the parameter is left alone.
    pub value: Option<Expr>,
    /// All of it.
    pub span: Span,
}

/// The ways of passing an argument.
#[derive(Clone, Debug, PartialEq)]
pub enum ArgKind {
    /// `value`
    Positional,
    /// `name := value`
    Input(Ident),
    /// `name => variable` or `NOT name => variable`
    Output {
        /// The formal name.
        name: Ident,
        /// With `NOT`.
        negated: bool,
    },
}

/// A literal with its source text.
#[derive(Clone, Debug, PartialEq)]
pub struct Literal {
    /// Its value.
    pub kind: LiteralKind,
    /// As written.
    pub text: String,
    /// Where.
    pub span: Span,
}

/// The values of literals. `prefix` is the type before `#`, for example `INT` in `INT#5`.
#[derive(Clone, Debug, PartialEq)]
pub enum LiteralKind {
    /// `TRUE`, `FALSE`, `BOOL#1`
    Bool {
        /// The value.
        value: bool,
    },
    /// `5`, `16#FF`, `INT#-5`
    Int {
        /// The type, where written.
        prefix: Option<Ident>,
        /// With a minus sign behind the type; a sign before an untyped number is an operator.
        negative: bool,
        /// The magnitude.
        magnitude: u64,
        /// 2, 8, 10 or 16.
        base: u8,
    },
    /// `1.5`, `1.0E-3`, `REAL#-2.0`
    Real {
        /// The type, where written.
        prefix: Option<Ident>,
        /// The nearest binary value.
        value: f64,
    },
    /// `T#1h2m3s500ms`
    Duration {
        /// `LTIME#`/`LT#`
        long: bool,
        /// Nanoseconds, with sign.
        value_ns: i64,
    },
    /// `'text'` or `"text"`; comes in a later version, except as the title of a rung.
    Text {
        /// The type, where written.
        prefix: Option<Ident>,
        /// Double quotes.
        wide: bool,
    },
    /// `D#2026-11-23`, `TOD#12:00:00`, `DT#2026-11-23-12:00:00`; comes in a later version.
    Date {
        /// The type before `#`.
        prefix: Ident,
    },
    /// `Colour#Red`
    Enum {
        /// The enumeration.
        ty: Ident,
        /// Its value.
        value: Ident,
    },
    /// Could not be read; already reported.
    Error,
}
