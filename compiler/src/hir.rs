//! The typed program: every name resolved, every expression typed, every implicit conversion explicit.
//!
//! Made by [`crate::sema`], read by [`crate::lower`], by checks and by proofs. Ladder bodies keep their rungs and
//! elements. Standard blocks are POUs like any other, with `library` set.
//!
//! Invariants (when the analysis found no error): a type is never a pseudo type; places name variables that exist; every
//! constant fits its type; calls do not recurse; jumps go forward.

use crate::arena::{Arena, ids};
use crate::ast::{Area, CoilKind, ContactKind};
use crate::source::Span;
use crate::types::{Ty, Types};
use bytecode::types::Retention;
use bytecode::{Op, ScalarType};
use smol_str::SmolStr;

pub use crate::ast::PouKind;

ids! {
    /// A POU of the program.
    PouId;
    /// A variable of one POU.
    VarId;
    /// A global variable.
    GlobalId;
}

/// A whole project.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Program {
    /// Composed types.
    pub types: Types,
    /// POUs: those of the sources in the order of the text, then the library's that are used.
    pub pous: Arena<PouId, Pou>,
    /// Global variables.
    pub globals: Arena<GlobalId, Variable>,
    /// Program instances in the order of the configuration.
    pub instances: Vec<Instance>,
    /// Tasks in the order of the configuration; at least one.
    pub tasks: Vec<Task>,
    /// Name of the configuration, else of the first program.
    pub name: String,
    /// Bytes of %I, %Q and %M that addresses of the program reach.
    pub image_bytes: ImageBytes,
}

/// How many bytes of each area of the process image the program reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImageBytes {
    /// %I
    pub input: u32,
    /// %Q
    pub output: u32,
    /// %M
    pub memory: u32,
}

/// An instance of a PROGRAM.
#[derive(Clone, Debug, PartialEq)]
pub struct Instance {
    /// Its name.
    pub name: String,
    /// The program.
    pub pou: PouId,
    /// What holds for those of its variables whose sections say nothing.
    pub retention: Retention,
}

/// A task.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// Its name.
    pub name: String,
    /// Interval; 0: the interval given at start.
    pub interval_ns: u64,
    /// 0 is the most urgent.
    pub priority: u32,
    /// Indices into [`Program::instances`].
    pub programs: Vec<u32>,
}

/// A program organisation unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Pou {
    /// As declared.
    pub name: String,
    /// PROGRAM, FUNCTION or FUNCTION_BLOCK.
    pub kind: PouKind,
    /// From compiler/std: spans belong to [`crate::stdlib::library`]'s sources.
    pub library: bool,
    /// Parameters, variables and hidden memories.
    pub vars: Arena<VarId, Variable>,
    /// The result of a function.
    pub result: Option<VarId>,
    /// The type of its instances; `None` for functions.
    pub instance: Option<Ty>,
    /// VAR_IN_OUT parameters in order: reference 0, 1, ...
    pub in_outs: Vec<VarId>,
    /// What it does.
    pub body: Body,
    /// Where it is declared.
    pub span: Span,
}

impl Pou {
    /// Variables with their numbers.
    pub fn variables(&self) -> impl Iterator<Item = (VarId, &Variable)> {
        self.vars.iter()
    }
}

/// A variable.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// As declared; hidden ones carry a `#`.
    pub name: SmolStr,
    /// Its type.
    pub ty: Ty,
    /// What it is to its users and where it is stored.
    pub class: Class,
    /// CONSTANT.
    pub constant: bool,
    /// What its section says: RETAIN, NON_RETAIN, PERSISTENT.
    pub retention: Retention,
    /// Its address, where it has one.
    pub location: Option<Box<Location>>,
    /// Its value at start.
    pub init: Init,
    /// Marked `{power}`.
    pub power: bool,
    /// Where it is declared.
    pub span: Span,
}

/// Classes of variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// VAR_INPUT
    Input,
    /// VAR_OUTPUT
    Output,
    /// VAR_IN_OUT
    InOut,
    /// VAR
    Local,
    /// VAR_TEMP
    Temp,
    /// The result of a function.
    Result,
    /// Memory of an edge.
    Hidden,
    /// VAR_GLOBAL
    Global,
}

/// A place of the process image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// %I, %Q or %M.
    pub area: Area,
    /// Byte in the area.
    pub byte: u32,
    /// Bit in the byte for one-bit addresses.
    pub bit: Option<u8>,
    /// As written.
    pub text: String,
}

/// An initial value.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Init {
    /// The type's own: 0, or what a function block's declarations say.
    #[default]
    Default,
    /// Bits of a scalar.
    Scalar(u64),
    /// The leading elements of an array in storage order, as runs.
    Elements(Vec<(u32, Init)>),
    /// Some variables of an instance.
    Fields(Vec<(VarId, Init)>),
}

/// The body of a POU.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Structured Text.
    Statements(Vec<Stmt>),
    /// A ladder.
    Ladder(Vec<Rung>),
}

/// Where something is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// What the path starts from.
    pub root: Root,
    /// The way into it.
    pub steps: Vec<Step>,
    /// The type of what is there.
    pub ty: Ty,
    /// Where it is written.
    pub span: Span,
}

/// What a place starts from.
#[derive(Clone, Debug, PartialEq)]
pub enum Root {
    /// A variable of the POU.
    Local(VarId),
    /// A global variable.
    Global(GlobalId),
    /// A direct address.
    Address(Box<Location>),
}

/// One step into a composed value.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A variable of an instance.
    Field(PouId, VarId),
    /// An element; one index per dimension, each of an integer type.
    Index(Vec<Expr>),
    /// Bits `lowest..lowest + width` of a bit string; always the last step.
    Bits {
        /// Least significant bit.
        lowest: u32,
        /// The bit string it is a part of.
        whole: Ty,
    },
}

/// A typed expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// Its form.
    pub kind: ExprKind,
    /// Its type.
    pub ty: Ty,
    /// Where it is written.
    pub span: Span,
}

/// The forms of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// A constant, as bits of its type.
    Const(u64),
    /// An integer literal that has no type yet (analysis only).
    Int(i128),
    /// A real literal that has no type yet (analysis only).
    Real(f64),
    /// The value of a place.
    Read(Place),
    /// An operation of the instruction set on scalars.
    Apply {
        /// Which.
        op: Op,
        /// The type it works on (not that of the result where it compares).
        scalar: ScalarType,
        /// The type it converts from, for conversions.
        source: Option<ScalarType>,
        /// One to three operands; more in a chain of AND, OR, XOR, + or *, worked off from left to right.
        args: Vec<Expr>,
    },
    /// `a AND_THEN b`, `a OR_ELSE b`: the right side only where the left does not decide.
    Lazy {
        /// AND_THEN
        and: bool,
        /// Left side.
        left: Box<Expr>,
        /// Right side.
        right: Box<Expr>,
    },
    /// `inputs[selector]` of MUX; a selector outside is an index fault.
    Select {
        /// The number of the input, from 0.
        selector: Box<Expr>,
        /// The inputs, all of one type.
        inputs: Vec<Expr>,
    },
    /// A function with EN: `value` where `enable`, else 0.
    Enabled {
        /// EN
        enable: Box<Expr>,
        /// Its value.
        value: Box<Expr>,
        /// The variable behind `ENO =>`.
        eno: Option<Box<Place>>,
    },
    /// A call of a user function.
    Call(Box<Call>),
    /// Already reported (analysis only).
    Error,
}

impl Expr {
    /// The bits of a constant.
    #[must_use]
    pub fn constant(&self) -> Option<u64> {
        match &self.kind {
            ExprKind::Const(bits) => Some(*bits),
            ExprKind::Int(_)
            | ExprKind::Real(_)
            | ExprKind::Read(_)
            | ExprKind::Apply { .. }
            | ExprKind::Lazy { .. }
            | ExprKind::Select { .. }
            | ExprKind::Enabled { .. }
            | ExprKind::Call(_)
            | ExprKind::Error => None,
        }
    }
}

/// A call of a user function or a function block.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// What is called.
    pub pou: PouId,
    /// The instance of a function block.
    pub instance: Option<Place>,
    /// Inputs in the order of the text.
    pub inputs: Vec<(VarId, Expr)>,
    /// Every VAR_IN_OUT in the order of the declaration.
    pub in_outs: Vec<(VarId, Place)>,
    /// Outputs (and the result) taken by `=>`.
    pub outputs: Vec<Taken>,
    /// EN
    pub enable: Option<Expr>,
    /// ENO
    pub eno: Option<Place>,
    /// Where.
    pub span: Span,
}

/// `output => place`
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    /// The output.
    pub output: VarId,
    /// `NOT output => place`
    pub negated: bool,
    /// Where it goes.
    pub place: Place,
    /// The output, converted to the type of the place, as read from [`Expr`] with the output as local root of the callee.
    pub convert: Option<(ScalarType, ScalarType)>,
}

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Stmt {
    /// Which.
    pub kind: StmtKind,
    /// Where.
    pub span: Span,
}

/// The statements.
#[derive(Clone, Debug, PartialEq)]
pub enum StmtKind {
    /// A scalar or a whole array is written; both sides have the same type.
    Assign(Place, Expr),
    /// A call whose result is not used.
    Call(Box<Call>),
    /// IF
    If {
        /// Conditions and bodies.
        branches: Vec<(Expr, Vec<Stmt>)>,
        /// ELSE
        otherwise: Vec<Stmt>,
    },
    /// CASE
    Case {
        /// An integer or bit string.
        selector: Expr,
        /// Inclusive ranges and bodies; ranges do not overlap.
        arms: Vec<CaseArm>,
        /// ELSE
        otherwise: Vec<Stmt>,
    },
    /// FOR
    For(Box<ForLoop>),
    /// WHILE
    While(Expr, Vec<Stmt>),
    /// REPEAT
    Repeat(Vec<Stmt>, Expr),
    /// EXIT
    Exit,
    /// CONTINUE
    Continue,
    /// RETURN
    Return,
}

/// A counted loop; all of the control variable's type.
#[derive(Clone, Debug, PartialEq)]
pub struct ForLoop {
    /// The control variable.
    pub variable: Place,
    /// First value.
    pub from: Expr,
    /// Last value, evaluated once.
    pub to: Expr,
    /// Step, evaluated once.
    pub by: Expr,
    /// The body.
    pub body: Vec<Stmt>,
}

/// One arm of CASE: inclusive ranges and what is then done.
pub type CaseArm = (Vec<(i128, i128)>, Vec<Stmt>);

/// A rung.
#[derive(Clone, Debug, PartialEq)]
pub struct Rung {
    /// Label, or `#n` with its number from 1.
    pub label: String,
    /// Title, or empty.
    pub title: String,
    /// Elements from left to right.
    pub series: Vec<Element>,
    /// Where.
    pub span: Span,
}

/// An element of a rung.
#[derive(Clone, Debug, PartialEq)]
pub struct Element {
    /// Its number in the rung, from 0, in the order of the text.
    pub number: u32,
    /// Which.
    pub kind: ElementKind,
    /// Where.
    pub span: Span,
}

/// The elements.
#[derive(Clone, Debug, PartialEq)]
pub enum ElementKind {
    /// A contact; edges have their memory.
    Contact {
        /// NO, NC, RISE or FALL.
        kind: ContactKind,
        /// A BOOL.
        operand: Expr,
        /// The memory of RISE and FALL.
        memory: Option<VarId>,
    },
    /// A comparison or condition: evaluated only with power.
    Condition(Expr),
    /// INV()
    Invert,
    /// WIRE()
    Wire,
    /// A coil; edges have their memory.
    Coil {
        /// Which.
        kind: CoilKind,
        /// A BOOL.
        place: Place,
        /// The memory of COIL_RISE and COIL_FALL.
        memory: Option<VarId>,
    },
    /// A block that runs in every scan.
    Block {
        /// Everything but the power.
        call: Call,
        /// The input the power drives.
        input: Option<VarId>,
        /// The output the power goes on from; none: the power goes on unchanged.
        output: Option<VarId>,
    },
    /// Runs only with power, which goes on unchanged.
    Powered {
        /// Also needed for power (a written EN).
        enable: Option<Expr>,
        /// What runs.
        body: Vec<Stmt>,
        /// Takes the power (ENO).
        eno: Option<Place>,
    },
    /// Goes on at a later rung (its position in the body) when there is power.
    Jump(usize),
    /// Leaves the POU when there is power.
    Return,
    /// The power out is the OR of the legs.
    Branch(Vec<Vec<Element>>),
}

impl Expr {
    /// Does it call a function of the project (which may write variables)?
    #[must_use]
    pub fn has_call(&self) -> bool {
        match &self.kind {
            ExprKind::Const(_) | ExprKind::Int(_) | ExprKind::Real(_) | ExprKind::Error => false,
            ExprKind::Read(place) => place.has_call(),
            ExprKind::Apply { args, .. } => args.iter().any(Expr::has_call),
            ExprKind::Lazy { left, right, .. } => left.has_call() || right.has_call(),
            ExprKind::Select { selector, inputs } => selector.has_call() || inputs.iter().any(Expr::has_call),
            ExprKind::Enabled { .. } | ExprKind::Call(_) => true,
        }
    }

    /// Can working it out be a fault, or have an effect?
    #[must_use]
    pub fn may_fault(&self) -> bool {
        match &self.kind {
            ExprKind::Const(_) | ExprKind::Int(_) | ExprKind::Real(_) | ExprKind::Error => false,
            ExprKind::Read(place) => place.may_fault(),
            ExprKind::Apply { op, scalar, args, .. } => {
                let divides = matches!(op, Op::Div | Op::Mod) && !scalar.is_float();
                let safe_divisor = args.get(1).and_then(Expr::constant).is_some_and(|bits| bits != 0);
                (divides && !safe_divisor) || args.iter().any(Expr::may_fault)
            }
            ExprKind::Lazy { left, right, .. } => left.may_fault() || right.may_fault(),
            ExprKind::Select { .. } | ExprKind::Enabled { .. } | ExprKind::Call(_) => true,
        }
    }
}

impl Place {
    /// Does one of its indices call a function of the project?
    #[must_use]
    pub fn has_call(&self) -> bool {
        self.indices().any(Expr::has_call)
    }

    /// Has it an index that is not constant?
    #[must_use]
    pub fn may_fault(&self) -> bool {
        self.indices().any(|i| i.constant().is_none())
    }

    fn indices(&self) -> impl Iterator<Item = &Expr> {
        self.steps.iter().flat_map(|step| match step {
            Step::Index(indices) => indices.as_slice(),
            Step::Field(..) | Step::Bits { .. } => &[],
        })
    }
}
