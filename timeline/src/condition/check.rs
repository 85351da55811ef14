//! From a syntax tree to a checked condition: names resolved, types agreed.

use super::{Condition, Node, Value};
use crate::names::{Member, Names, Source};
use bytecode::near::nearest;
use bytecode::types::Elementary;
use compiler::ast::{Accessor, AccessorKind, BinaryOp, Chain, Expr, ExprKind, Literal, LiteralKind, UnaryOp, Variable};
use compiler::source::Span;

/// What is wrong with a condition, and where in its text (byte offset).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Byte offset in the condition's text.
    pub offset: u32,
    /// What is wrong.
    pub message: String,
    /// How to mend it; may be empty.
    pub help: String,
}

/// Types of conditions. Integers and bit strings are one type here: a condition only looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Bool,
    Int,
    Real,
    Time,
    Word(Member),
    /// A lone name that is a word of some member, such as `closed`.
    Name,
}

impl Type {
    fn text(self) -> &'static str {
        match self {
            Self::Bool => "BOOL",
            Self::Int => "a whole number",
            Self::Real => "REAL",
            Self::Time => "TIME",
            Self::Word(_) | Self::Name => "a word",
        }
    }
}

struct Typed {
    ty: Type,
    node: Node,
    span: Span,
    /// Spelling of a lone name.
    name: Option<String>,
}

struct Checker<'a> {
    names: Names<'a>,
    reads: Vec<(String, Source)>,
}

fn fault<T>(span: Span, message: impl Into<String>, help: impl Into<String>) -> Result<T, Fault> {
    Err(Fault { offset: span.start, message: message.into(), help: help.into() })
}

/// Checks an expression.
///
/// # Errors
/// The first mistake, at its place in the text.
pub fn check(text: &str, expr: &Expr, names: Names<'_>) -> Result<Condition, Fault> {
    let mut checker = Checker { names, reads: Vec::new() };
    let typed = checker.expr(expr)?;
    if let Some(name) = typed.name {
        return checker.unknown_name(typed.span, &name);
    }
    if typed.ty != Type::Bool {
        let help = match typed.ty {
            Type::Word(member) => format!("compare it, such as `= {}`", member.words().first().unwrap_or(&"open")),
            Type::Bool | Type::Int | Type::Real | Type::Time | Type::Name => "compare it with a value".to_owned(),
        };
        return fault(typed.span, format!("a condition is BOOL, this is {}", typed.ty.text()), help);
    }
    Ok(Condition { text: text.to_owned(), reads: checker.reads, root: typed.node })
}

impl Checker<'_> {
    fn expr(&mut self, expr: &Expr) -> Result<Typed, Fault> {
        match &expr.kind {
            ExprKind::Literal(literal) => {
                let (ty, value) = constant(literal)?;
                Ok(Typed { ty, node: Node::Constant(value), span: expr.span, name: None })
            }
            ExprKind::Variable(variable) => self.variable(variable),
            ExprKind::Address(address) => {
                let help = "name the variable that is located there".to_owned();
                fault(address.span, format!("`{}`: conditions read variables by name", address.text), help)
            }
            ExprKind::Call(call) => {
                fault(call.span, "conditions call no functions", "compute it in the program, or write it out")
            }
            ExprKind::Unary { op, operand } => self.unary(expr.span, *op, operand),
            ExprKind::Chain(chain) => self.chain(expr.span, chain),
            ExprKind::Paren(inner) => self.expr(inner),
            ExprKind::Error => fault(expr.span, "this is no expression", ""),
        }
    }

    fn variable(&mut self, variable: &Variable) -> Result<Typed, Fault> {
        let (path, bit) = path_of(variable)?;
        match self.names.resolve(&path) {
            Ok(source) => Ok(self.read(path, source, bit, variable.span)),
            // A lone unknown name may be the word of a member: the comparison decides.
            Err(_) if variable.accessors.is_empty() => Ok(Typed {
                ty: Type::Name,
                node: Node::Constant(Value::Bool(false)),
                span: variable.span,
                name: Some(variable.name.text.to_string()),
            }),
            Err(error) => fault(variable.span, error.message, error.help),
        }
    }

    fn read(&mut self, path: String, source: Source, bit: Option<u32>, span: Span) -> Typed {
        if !self.reads.iter().any(|(name, _)| name.eq_ignore_ascii_case(&path)) {
            self.reads.push((path, source));
        }
        let node = Node::Read(source);
        match bit {
            Some(number) => Typed { ty: Type::Bool, node: Node::Bit { of: Box::new(node), number }, span, name: None },
            None => Typed { ty: type_of(&source), node, span, name: None },
        }
    }

    fn unary(&mut self, span: Span, op: UnaryOp, operand: &Expr) -> Result<Typed, Fault> {
        let operand = self.expr(operand)?;
        if let Some(name) = &operand.name {
            return self.unknown_name(operand.span, name);
        }
        let node = match (op, operand.ty) {
            (UnaryOp::Not, Type::Bool) => Node::Not(Box::new(operand.node)),
            (UnaryOp::Neg, Type::Int | Type::Real | Type::Time) => Node::Negate(Box::new(operand.node)),
            (UnaryOp::Plus, Type::Int | Type::Real | Type::Time) => operand.node,
            (UnaryOp::Not, Type::Int | Type::Real | Type::Time | Type::Word(_) | Type::Name) => {
                return fault(
                    span,
                    format!("NOT needs BOOL, this is {}", operand.ty.text()),
                    "compare it with a value first",
                );
            }
            (UnaryOp::Neg | UnaryOp::Plus, Type::Bool | Type::Word(_) | Type::Name) => {
                return fault(span, format!("a sign needs a number, this is {}", operand.ty.text()), "");
            }
        };
        Ok(Typed { ty: operand.ty, node, span, name: None })
    }

    fn chain(&mut self, span: Span, chain: &Chain) -> Result<Typed, Fault> {
        let mut left = self.expr(&chain.first)?;
        let mut rest = Vec::new();
        let mut first = None;
        for item in &chain.rest {
            let right = self.expr(&item.operand)?;
            let (ty, right) = self.binary(item.op, item.op_span, &mut left, right)?;
            // The node of the leftmost operand is moved out once; afterwards `left` only carries the type so far.
            if first.is_none() {
                first = Some(std::mem::replace(&mut left.node, Node::Constant(Value::Bool(false))));
            }
            rest.push((item.op, right));
            left = Typed {
                ty,
                node: Node::Constant(Value::Bool(false)),
                span: left.span.to(item.operand.span),
                name: None,
            };
        }
        let node = match first {
            Some(first) => Node::Chain { first: Box::new(first), rest },
            None => left.node,
        };
        Ok(Typed { ty: left.ty, node, span, name: left.name })
    }

    /// The type of `left op right`; a word on either side is looked up in the other side's words.
    fn binary(&self, op: BinaryOp, at: Span, left: &mut Typed, mut right: Typed) -> Result<(Type, Node), Fault> {
        if let (Type::Word(member), Some(name)) = (left.ty, &right.name) {
            right.node = self.word(member, right.span, name)?;
            right.ty = Type::Word(member);
        } else if let (Some(name), Type::Word(member)) = (&left.name, right.ty) {
            left.node = self.word(member, left.span, name)?;
            left.ty = Type::Word(member);
        } else if let Some(name) = left.name.as_ref() {
            return self.unknown_name(left.span, name);
        } else if let Some(name) = right.name.as_ref() {
            return self.unknown_name(right.span, name);
        }
        match result_type(op, left.ty, right.ty) {
            Some(ty) => Ok((ty, right.node)),
            None => {
                let message = format!("{} does not go between {} and {}", op.symbol(), left.ty.text(), right.ty.text());
                fault(at, message, remedy(op, left.ty, right.ty))
            }
        }
    }

    fn word(&self, member: Member, span: Span, name: &str) -> Result<Node, Fault> {
        let words = member.words();
        if let Some(word) = words.iter().find(|word| word.eq_ignore_ascii_case(name)) {
            return Ok(Node::Constant(Value::Word(word)));
        }
        let help = match nearest(name, words.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it can be {}", words.join(", ")),
        };
        fault(span, format!("`.{}` is never `{name}`", member.name()), help)
    }

    fn unknown_name<T>(&self, span: Span, name: &str) -> Result<T, Fault> {
        match self.names.resolve(name) {
            Err(error) => fault(span, error.message, error.help),
            Ok(_) => fault(span, format!("`{name}` does not fit here"), ""),
        }
    }
}

fn remedy(op: BinaryOp, left: Type, right: Type) -> &'static str {
    if matches!(op, BinaryOp::And | BinaryOp::AndThen | BinaryOp::Or | BinaryOp::OrElse | BinaryOp::Xor) {
        "both sides must be BOOL; put comparisons in parentheses where in doubt"
    } else if left == Type::Time || right == Type::Time {
        "write durations as `T#2s`"
    } else {
        "both sides must be of one kind"
    }
}

/// The type of a result, or `None` where the operator does not go between the types.
fn result_type(op: BinaryOp, left: Type, right: Type) -> Option<Type> {
    use BinaryOp as B;
    let number = match (left, right) {
        (Type::Int, Type::Int) => Some(Type::Int),
        (Type::Int | Type::Real, Type::Int | Type::Real) => Some(Type::Real),
        (Type::Time, Type::Time) => Some(Type::Time),
        _ => None,
    };
    match op {
        B::And | B::AndThen | B::Or | B::OrElse | B::Xor => match (left, right) {
            (Type::Bool, Type::Bool) => Some(Type::Bool),
            (Type::Int, Type::Int) if !matches!(op, B::AndThen | B::OrElse) => Some(Type::Int),
            _ => None,
        },
        B::Eq | B::Ne => {
            let words = matches!((left, right), (Type::Word(a), Type::Word(b)) if a.words() == b.words());
            let same = (left, right) == (Type::Bool, Type::Bool) || words || number.is_some();
            same.then_some(Type::Bool)
        }
        B::Lt | B::Gt | B::Le | B::Ge => number.map(|_| Type::Bool),
        B::Add | B::Sub => number,
        B::Mul | B::Div | B::Power => number.filter(|ty| *ty != Type::Time),
        B::Mod => number.filter(|ty| *ty == Type::Int),
    }
}

fn type_of(source: &Source) -> Type {
    use Elementary as E;
    match source {
        Source::Channel { member, .. } if member.words().is_empty() => Type::Bool,
        Source::Channel { member, .. } => Type::Word(*member),
        Source::Variable { elementary, .. } => match elementary {
            E::Bool => Type::Bool,
            E::Real | E::Lreal => Type::Real,
            E::Time | E::Ltime => Type::Time,
            E::Sint | E::Int | E::Dint | E::Lint | E::Usint | E::Uint | E::Udint | E::Ulint => Type::Int,
            E::Byte | E::Word | E::Dword | E::Lword => Type::Int,
            E::Date
            | E::Ldate
            | E::TimeOfDay
            | E::LtimeOfDay
            | E::DateAndTime
            | E::LdateAndTime
            | E::Char
            | E::Wchar => Type::Int,
        },
    }
}

/// The path as [`Names`] reads it, and the number of a bit behind it.
fn path_of(variable: &Variable) -> Result<(String, Option<u32>), Fault> {
    let mut path = variable.name.text.to_string();
    let mut bit = None;
    for accessor in &variable.accessors {
        if bit.is_some() {
            return fault(accessor.span, "nothing follows the number of a bit", "");
        }
        match &accessor.kind {
            AccessorKind::Field(field) => {
                path.push('.');
                path.push_str(&field.text);
            }
            AccessorKind::Index(indices) => {
                let numbers: Result<Vec<String>, Fault> = indices.iter().map(index).collect();
                path.push('[');
                path.push_str(&numbers?.join(","));
                path.push(']');
            }
            AccessorKind::Part { size: compiler::ast::AddressSize::Bit, number } => bit = Some(*number),
            AccessorKind::Part { .. } | AccessorKind::Deref => return unsupported(accessor),
        }
    }
    Ok((path, bit))
}

fn unsupported<T>(accessor: &Accessor) -> Result<T, Fault> {
    fault(accessor.span, "conditions read variables, fields, elements and single bits", "")
}

/// An index of a condition is a number, so that its place is known before the run.
fn index(expr: &Expr) -> Result<String, Fault> {
    if let ExprKind::Literal(literal) = &expr.kind
        && let LiteralKind::Int { magnitude, negative, .. } = &literal.kind
    {
        return Ok(if *negative { format!("-{magnitude}") } else { magnitude.to_string() });
    }
    if let ExprKind::Unary { op: UnaryOp::Neg, operand } = &expr.kind {
        return index(operand).map(|number| format!("-{number}"));
    }
    fault(expr.span, "an index in a condition is a number", "write the element, such as `a[3]`")
}

fn constant(literal: &Literal) -> Result<(Type, Value), Fault> {
    match &literal.kind {
        LiteralKind::Bool { value } => Ok((Type::Bool, Value::Bool(*value))),
        LiteralKind::Int { negative, magnitude, .. } => {
            let magnitude = i128::from(*magnitude);
            Ok((Type::Int, Value::Int(if *negative { -magnitude } else { magnitude })))
        }
        LiteralKind::Real { value, .. } => Ok((Type::Real, Value::Real(*value))),
        LiteralKind::Duration { value_ns, .. } => Ok((Type::Time, Value::Time(*value_ns))),
        LiteralKind::Text { .. } | LiteralKind::Date { .. } | LiteralKind::Enum { .. } | LiteralKind::Error => {
            fault(literal.span, format!("`{}` cannot stand in a condition", literal.text), "")
        }
    }
}
