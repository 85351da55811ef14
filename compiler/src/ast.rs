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

use crate::source::{FileId, Span};

/// A name as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ident {
    /// The spelling in the source.
    pub text: String,
    /// Where.
    pub span: Span,
}

impl Ident {
    /// The form under which names are the same: ASCII upper case.
    #[must_use]
    pub fn key(&self) -> String {
        self.text.to_ascii_uppercase()
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
    pub attributes: Vec<Attribute>,
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

/// What happens to the variables at a warm start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Retention {
    /// `RETAIN`
    Retain,
    /// `NON_RETAIN`
    NonRetain,
    /// `PERSISTENT`
    Persistent,
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
    pub attributes: Vec<Attribute>,
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
    pub address: Option<Address>,
    /// The type.
    pub ty: TypeRef,
    /// `R_EDGE`/`F_EDGE`.
    pub edge: Option<(EdgeKind, Span)>,
    /// The initial value.
    pub init: Option<Init>,
    /// Pragmas anywhere in the declaration, for example `{power}`.
    pub attributes: Vec<Attribute>,
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
    /// `RETAIN` or `NON_RETAIN` before the name.
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

// ---------------------------------------------------------------------------------------------------------------------
// Structured Text
// ---------------------------------------------------------------------------------------------------------------------

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Stmt {
    /// Which.
    pub kind: StmtKind,
    /// Pragmas before it.
    pub attributes: Vec<Attribute>,
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
    Call(Call),
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
        selector: Expr,
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
    Literal(Literal),
    /// A variable (or, before names are resolved, an enumeration value).
    Variable(Variable),
    /// A direct address.
    Address(Address),
    /// A function call.
    Call(Call),
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
    pub accessors: Vec<Accessor>,
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

// ---------------------------------------------------------------------------------------------------------------------
// Ladder
// ---------------------------------------------------------------------------------------------------------------------

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
    pub attributes: Vec<Attribute>,
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
