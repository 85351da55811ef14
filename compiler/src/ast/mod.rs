//! The syntax tree of a source file.
//!
//! What the text says and where, nothing more: no name is resolved and no type is known here. Every node carries its
//! [`Span`]. Names keep their spelling; they compare without regard to case (IEC 61131-3, 6.1.2), see [`Ident::key`].
//! Literals keep their source text beside their value.
//!
//! Invariants:
//! - The tree is shallow: operators of one precedence stand in a list ([`Chain`]), accessors of a variable too
//!   ([`Variable`]). What can nest (parentheses, unary operators, branches, statements, array types) is bounded by
//!   [`crate::limits::NESTING_MAX`], so recursion over the tree is safe.
//! - Where a piece of text could not be read, the parser has reported it once and left a marker
//!   ([`TypeKind::Error`], [`InitKind::Error`], [`StmtKind::Error`], [`ExprKind::Error`], [`LiteralKind::Error`],
//!   [`Rung::broken`]). Whoever meets a marker reports nothing more about it.

mod ladder;
mod statements;

pub use ladder::{CoilKind, ContactKind, Element, ElementKind, Ladder, Rung, Series, Title};
pub use statements::{
    Accessor, AccessorKind, Arg, ArgKind, BinaryOp, Call, CaseArm, CaseLabel, Chain, ChainItem, Expr, ExprKind,
    ForLoop, IfBranch, Literal, LiteralKind, Place, Stmt, StmtKind, UnaryOp, Variable,
};

pub use bytecode::types::Retention;

use crate::source::{FileId, Span};
use smol_str::{SmolStr, StrExt as _};
use thin_vec::ThinVec;

/// A name as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ident {
    /// The spelling in the source. Up to 23 bytes need no memory of their own, and most names are shorter.
    pub text: SmolStr,
    /// Where.
    pub span: Span,
}

impl Ident {
    /// The form under which names are the same: ASCII upper case.
    #[must_use]
    pub fn key(&self) -> SmolStr {
        self.text.to_ascii_uppercase_smolstr()
    }

    /// True if this is the given name, whatever its case.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.text.eq_ignore_ascii_case(name)
    }
}

/// A whole source file.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// Which file.
    pub file: FileId,
    /// Everything declared in it, in the order of the text.
    pub items: Vec<Item>,
    /// Every comment, in the order of the text. Comments belong to no node; drawings and the formatter place them.
    pub comments: Vec<Comment>,
}

/// A comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comment {
    /// `// ...`, which ends with its line; otherwise `(* ... *)` or `/* ... */`.
    pub to_line_end: bool,
    /// With its marks, without the line end.
    pub span: Span,
}

/// Something declared at the outermost level.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// `PROGRAM`, `FUNCTION` or `FUNCTION_BLOCK`.
    Pou(Pou),
    /// `CONFIGURATION`.
    Configuration(Configuration),
    /// `VAR_GLOBAL` outside a configuration: global to every configuration of the compilation.
    Globals(VarSection),
    /// `TYPE ... END_TYPE`.
    Types(TypeSection),
}

/// The three kinds of program organisation unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PouKind {
    /// `PROGRAM`
    Program,
    /// `FUNCTION`
    Function,
    /// `FUNCTION_BLOCK`
    FunctionBlock,
}

/// A pragma `{name arguments}` that stands where pragmas are allowed. What no pass knows is ignored.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// The first word, for example `power` or `allow`.
    pub name: Ident,
    /// The text after the first word, with single blanks.
    pub arguments: String,
    /// With its braces.
    pub span: Span,
}

/// A program organisation unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Pou {
    /// Program, function or function block.
    pub kind: PouKind,
    /// Its name.
    pub name: Ident,
    /// The result type of a function.
    pub result: Option<TypeRef>,
    /// Pragmas before the opening keyword.
    pub attributes: ThinVec<Attribute>,
    /// Declarations in the order of the text.
    pub sections: Vec<VarSection>,
    /// What it does.
    pub body: Body,
    /// From the opening keyword to the closing one.
    pub span: Span,
}

/// The body of a program organisation unit.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Structured Text; possibly without any statement.
    Statements(Vec<Stmt>),
    /// `LADDER ... END_LADDER`
    Ladder(Ladder),
}

/// What kind of variables a section declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VarKind {
    /// `VAR`
    Local,
    /// `VAR_INPUT`
    Input,
    /// `VAR_OUTPUT`
    Output,
    /// `VAR_IN_OUT`
    InOut,
    /// `VAR_TEMP`
    Temp,
    /// `VAR_GLOBAL`
    Global,
    /// `VAR_EXTERNAL`
    External,
}

/// `VAR... END_VAR`
#[derive(Clone, Debug, PartialEq)]
pub struct VarSection {
    /// Which keyword opens it.
    pub kind: VarKind,
    /// Where `CONSTANT` stands, if it does.
    pub constant: Option<Span>,
    /// Retention and where it stands.
    pub retention: Option<(Retention, Span)>,
    /// Pragmas before the opening keyword.
    pub attributes: ThinVec<Attribute>,
    /// The declarations.
    pub declarations: Vec<VarDecl>,
    /// From the opening keyword to `END_VAR`.
    pub span: Span,
}

/// `R_EDGE` or `F_EDGE` behind the type of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EdgeKind {
    /// `R_EDGE`
    Rising,
    /// `F_EDGE`
    Falling,
}

/// `a, b AT %IX0.0 : TYPE := value;` (also a field of a structure).
#[derive(Clone, Debug, PartialEq)]
pub struct VarDecl {
    /// At least one name; empty only in `AT %IX0.0 : BOOL;`, a directly represented variable without a name.
    pub names: Vec<Ident>,
    /// The address behind `AT`.
    pub address: Option<Box<Address>>,
    /// The type.
    pub ty: TypeRef,
    /// `R_EDGE`/`F_EDGE`.
    pub edge: Option<(EdgeKind, Span)>,
    /// The initial value.
    pub init: Option<Box<Init>>,
    /// Pragmas anywhere in the declaration, for example `{power}`.
    pub attributes: ThinVec<Attribute>,
    /// Without comments, with the semicolon.
    pub span: Span,
}

impl VarDecl {
    /// True if the declaration bears this pragma.
    #[must_use]
    pub fn has_attribute(&self, name: &str) -> bool {
        self.attributes.iter().any(|attribute| attribute.name.is(name))
    }
}

/// A type as written.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeRef {
    /// Its form.
    pub kind: TypeKind,
    /// Where.
    pub span: Span,
}

/// The forms a type can have.
#[derive(Clone, Debug, PartialEq)]
pub enum TypeKind {
    /// An elementary type, a function block or a declared type, by name. `STRING` without a length is here too.
    Named(Ident),
    /// `STRING[20]` or `WSTRING[20]` (also with parentheses).
    Text {
        /// `WSTRING`
        wide: bool,
        /// The greatest number of characters.
        length: Box<Expr>,
    },
    /// `ARRAY [0..9, 1..4] OF T`
    Array {
        /// At least one.
        ranges: Vec<Range>,
        /// The element's type.
        element: Box<TypeRef>,
    },
    /// `INT (0..10)`
    Subrange {
        /// The integer type.
        base: Ident,
        /// The bounds.
        range: Box<Range>,
    },
    /// `(Red, Green := 5)`, perhaps with a base type before it.
    Enumeration {
        /// The type of the values, where written.
        base: Option<Ident>,
        /// Names and values.
        values: Vec<EnumValue>,
    },
    /// `STRUCT ... END_STRUCT`
    Struct {
        /// The fields.
        fields: Vec<VarDecl>,
    },
    /// `REF_TO T`
    Reference(Box<TypeRef>),
    /// Could not be read; already reported.
    Error,
}

/// `low..high`
#[derive(Clone, Debug, PartialEq)]
pub struct Range {
    /// Lower bound, a constant expression.
    pub low: Expr,
    /// Upper bound, a constant expression.
    pub high: Expr,
    /// Both.
    pub span: Span,
}

/// One value of an enumeration.
#[derive(Clone, Debug, PartialEq)]
pub struct EnumValue {
    /// Its name.
    pub name: Ident,
    /// Its value, where written.
    pub value: Option<Expr>,
}

/// `TYPE ... END_TYPE`
#[derive(Clone, Debug, PartialEq)]
pub struct TypeSection {
    /// The declarations.
    pub types: Vec<TypeDecl>,
    /// From `TYPE` to `END_TYPE`.
    pub span: Span,
}

/// `Name : type := value;`
#[derive(Clone, Debug, PartialEq)]
pub struct TypeDecl {
    /// The new name.
    pub name: Ident,
    /// What it means.
    pub ty: TypeRef,
    /// The initial value of variables of the type.
    pub init: Option<Init>,
    /// With the semicolon.
    pub span: Span,
}

/// An initial value.
#[derive(Clone, Debug, PartialEq)]
pub struct Init {
    /// Its form.
    pub kind: InitKind,
    /// Where.
    pub span: Span,
}

/// The forms of an initial value.
#[derive(Clone, Debug, PartialEq)]
pub enum InitKind {
    /// A constant expression.
    Expr(Expr),
    /// `[1, 2(0), 3]`
    Array(Vec<ArrayInit>),
    /// `(PT := T#1s, IN := FALSE)` for a function block instance or a structure.
    Fields(Vec<FieldInit>),
    /// Could not be read; already reported.
    Error,
}

/// One item of an array initialiser.
#[derive(Clone, Debug, PartialEq)]
pub struct ArrayInit {
    /// `n` in `n(values)`; `None` for a single value.
    pub repeat: Option<Expr>,
    /// The values to repeat (exactly one where `repeat` is `None`; none in `n()`, which means the type's own initial value).
    pub values: Vec<Init>,
    /// Where.
    pub span: Span,
}

/// One item of a field initialiser.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldInit {
    /// The parameter or field.
    pub name: Ident,
    /// Its value.
    pub value: Init,
}

/// The process image area of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Area {
    /// `%I`
    Input,
    /// `%Q`
    Output,
    /// `%M`
    Memory,
}

/// The width of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressSize {
    /// `X` or nothing: one bit.
    Bit,
    /// `B`: 8 bits.
    Byte,
    /// `W`: 16 bits.
    Word,
    /// `D`: 32 bits.
    Double,
    /// `L`: 64 bits.
    Long,
}

/// A direct address such as `%IX0.0` or `%QW4`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// Inputs, outputs or memory.
    pub area: Area,
    /// The width.
    pub size: AddressSize,
    /// The numbers, separated by points in the text; at least one.
    pub path: Vec<u32>,
    /// As written.
    pub text: String,
    /// Where.
    pub span: Span,
}

/// `CONFIGURATION name ... END_CONFIGURATION`
#[derive(Clone, Debug, PartialEq)]
pub struct Configuration {
    /// Its name.
    pub name: Ident,
    /// `VAR_GLOBAL` sections.
    pub globals: Vec<VarSection>,
    /// Its resources. Where tasks and programs stand directly in the configuration there is one without a name.
    pub resources: Vec<Resource>,
    /// From the opening keyword to the closing one.
    pub span: Span,
}

/// `RESOURCE name ON type ... END_RESOURCE`
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// Its name; `None` for the tasks and programs that stand directly in a configuration.
    pub name: Option<Ident>,
    /// The type behind `ON`.
    pub processor: Option<Ident>,
    /// `VAR_GLOBAL` sections.
    pub globals: Vec<VarSection>,
    /// Its tasks.
    pub tasks: Vec<Task>,
    /// Its program instances.
    pub programs: Vec<ProgramInstance>,
    /// From the opening keyword to the closing one.
    pub span: Span,
}

/// `TASK name (INTERVAL := T#10ms, PRIORITY := 1);`
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// Its name.
    pub name: Ident,
    /// Its properties (`SINGLE`, `INTERVAL`, `PRIORITY`), as written.
    pub properties: Vec<TaskProperty>,
    /// With the semicolon.
    pub span: Span,
}

/// One property of a task.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskProperty {
    /// `SINGLE`, `INTERVAL` or `PRIORITY`; any name is read here.
    pub name: Ident,
    /// Its value.
    pub value: Expr,
}

/// `PROGRAM instance WITH task : Type (in := x, out => y);`
#[derive(Clone, Debug, PartialEq)]
pub struct ProgramInstance {
    /// The instance's name.
    pub name: Ident,
    /// `RETAIN`, `NON_RETAIN` or `PERSISTENT` before the name.
    pub retention: Option<(Retention, Span)>,
    /// The task; without one the program runs with the lowest priority in every scan.
    pub task: Option<Ident>,
    /// The program's type.
    pub program: Ident,
    /// Connections of its inputs and outputs.
    pub arguments: Vec<Arg>,
    /// With the semicolon.
    pub span: Span,
}
