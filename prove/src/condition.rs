//! Conditions of properties: IEC expressions over the names of a program, as functions of the data after a scan.
//!
//! They mean what conditions of timeline tests mean: whole numbers and durations are computed exactly, in as many bits as
//! needed, so nothing wraps; conditions call no functions. REAL is refused, because the model does not compute it. What a relay
//! does is named as there, too: `fwd.contact = closed`, by the name of the output in the I/O map.

use crate::exec::state::State;
use crate::graph::{Graph, Lit};
use crate::names::{ChannelLits, Member, Names};
use crate::vector::{self, Vector};
use bytecode::image::{Image, Place};
use bytecode::path::Variable as Found;
use bytecode::types::{Elementary, TypeKind};
use compiler::ast::{AccessorKind, AddressSize, BinaryOp, Expr, ExprKind, Literal, LiteralKind, UnaryOp, Variable};

/// Most bits of a number in a condition.
const WIDTH_MAX: usize = 160;

/// What is wrong with a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Byte offset in the condition's text.
    pub offset: u32,
    /// What is wrong.
    pub message: String,
    /// How to mend it; may be empty.
    pub help: String,
}

/// A condition with its names resolved.
#[derive(Clone, Debug)]
pub struct Condition {
    /// As written.
    pub text: String,
    /// The variables it reads, each once, with the path as written.
    pub reads: Vec<(String, Read)>,
    /// What it asks of relay channels, each once: number of the channel in the I/O map, and what.
    pub members: Vec<(usize, Member)>,
    expr: Expr,
}

/// What a condition looks at: everything as it is after a scan.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The data.
    pub after: &'a State,
    /// The channels, in the order of the I/O map; none where no relay guard is modelled.
    pub channels: &'a [ChannelLits],
    /// What names mean.
    pub names: Names<'a>,
}

/// A variable a condition reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    /// Where it stands.
    pub variable: Found,
    /// Its type.
    pub elementary: Elementary,
}

/// A value.
#[derive(Clone, Debug)]
enum Value {
    Bool(Lit),
    /// Two's complement.
    Int(Vector),
    /// Nanoseconds, two's complement.
    Time(Vector),
    /// A member of a channel that is a word: it is its first word when this holds, else its second.
    Word(Member, Lit),
    /// A lone name that no variable has, and where it stands: perhaps a word of a member.
    Name(String, u32),
}

impl Value {
    fn kind(&self) -> &'static str {
        match self {
            Self::Bool(_) => "BOOL",
            Self::Int(_) => "a whole number",
            Self::Time(_) => "TIME",
            Self::Word(..) | Self::Name(..) => "a word",
        }
    }
}

fn fault<T>(offset: u32, message: impl Into<String>, help: impl Into<String>) -> Result<T, Fault> {
    Err(Fault { offset, message: message.into(), help: help.into() })
}

impl Condition {
    /// Reads a condition and resolves its names.
    ///
    /// # Errors
    /// The first mistake, with its place in the text.
    pub fn parse<'n>(text: &str, names: impl Into<Names<'n>>) -> Result<Self, Fault> {
        let names = names.into();
        let expr = compiler::parser::parse_expression(text).map_err(|e| {
            let first = e.diagnostics.first();
            Fault {
                offset: first.map_or(0, |d| d.primary.span.start),
                message: first.map_or_else(|| "this is no expression".to_owned(), |d| d.message.clone()),
                help: String::new(),
            }
        })?;
        let mut condition = Self { text: text.to_owned(), reads: Vec::new(), members: Vec::new(), expr };
        let (mut reads, mut members) = (Vec::new(), Vec::new());
        collect(&condition.expr, names, &mut |_, source| match source {
            Source::Variable(path, read, _) if reads.iter().all(|(_, known)| *known != read) => {
                reads.push((path, read))
            }
            Source::Member(channel, member) if !members.contains(&(channel, member)) => members.push((channel, member)),
            Source::Variable(..) | Source::Member(..) | Source::Name(_) => {}
        })?;
        (condition.reads, condition.members) = (reads, members);
        // Types are settled by computing it once on nothing.
        let view = View { after: &State::new(names.image.data.size), channels: &[], names };
        condition.lit(&mut Graph::default(), view)?;
        Ok(condition)
    }

    /// The condition after a scan.
    ///
    /// # Errors
    /// Types do not agree, or numbers become too large.
    pub fn lit(&self, graph: &mut Graph, view: View<'_>) -> Result<Lit, Fault> {
        let mut computing = Computing { graph, view };
        let at = self.expr.span.start;
        match computing.expr(&self.expr)? {
            Value::Bool(lit) => Ok(lit),
            Value::Name(name, at) => Err(unknown(view.names, &name, at)),
            Value::Word(member, _) => fault(
                at,
                "a condition is BOOL, this is a word",
                format!("compare it, such as `= {}`", member.words().first().unwrap_or(&"")),
            ),
            other @ (Value::Int(_) | Value::Time(_)) => {
                fault(at, format!("a condition is BOOL, this is {}", other.kind()), "compare it with a value")
            }
        }
    }

    /// The channel of which it says that the contact is closed, and nothing else.
    #[must_use]
    pub fn closed_contact(&self) -> Option<usize> {
        let [(channel, Member::Contact)] = self.members.as_slice() else { return None };
        let mut expr = &self.expr;
        while let ExprKind::Paren(inner) = &expr.kind {
            expr = inner;
        }
        let ExprKind::Chain(chain) = &expr.kind else { return None };
        let [item] = chain.rest.as_slice() else { return None };
        let is_closed = |side: &Expr| match &side.kind {
            ExprKind::Variable(variable) => {
                variable.accessors.is_empty() && variable.name.text.eq_ignore_ascii_case("closed")
            }
            ExprKind::Literal(_)
            | ExprKind::Unary { .. }
            | ExprKind::Address(_)
            | ExprKind::Call(_)
            | ExprKind::Chain(_)
            | ExprKind::Paren(_)
            | ExprKind::Error => false,
        };
        let says = item.op == BinaryOp::Eq && self.reads.is_empty();
        (says && (is_closed(&item.operand) || is_closed(&chain.first))).then_some(*channel)
    }

    /// First byte and bytes of everything it reads.
    pub fn places(&self, image: &Image) -> Vec<(u32, u32)> {
        let place = |(_, read): &(String, Read)| match read.variable.place {
            Place::Bit { offset, .. } => (offset, 1),
            Place::Byte(offset) => (offset, image.scalar_of(&read.variable).map_or(1, |s| s.size())),
        };
        self.reads.iter().map(place).collect()
    }
}

/// The path of a variable and the number of a bit behind it.
fn path_of(variable: &Variable) -> Result<(String, Option<u32>), Fault> {
    let mut path = variable.name.text.to_string();
    let mut bit = None;
    for accessor in &variable.accessors {
        if bit.is_some() {
            return fault(accessor.span.start, "nothing follows the number of a bit", "");
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
            AccessorKind::Part { size: AddressSize::Bit, number } => bit = Some(*number),
            AccessorKind::Part { .. } | AccessorKind::Deref => {
                return fault(accessor.span.start, "conditions read variables, fields, elements and single bits", "");
            }
        }
    }
    Ok((path, bit))
}

fn index(expr: &Expr) -> Result<String, Fault> {
    match &expr.kind {
        ExprKind::Literal(literal) => match &literal.kind {
            LiteralKind::Int { magnitude, negative, .. } => {
                Ok(if *negative { format!("-{magnitude}") } else { magnitude.to_string() })
            }
            LiteralKind::Bool { .. }
            | LiteralKind::Real { .. }
            | LiteralKind::Duration { .. }
            | LiteralKind::Text { .. }
            | LiteralKind::Date { .. }
            | LiteralKind::Enum { .. }
            | LiteralKind::Error => not_a_number(expr),
        },
        ExprKind::Unary { op: UnaryOp::Neg, operand } => index(operand).map(|number| format!("-{number}")),
        ExprKind::Unary { .. }
        | ExprKind::Variable(_)
        | ExprKind::Address(_)
        | ExprKind::Call(_)
        | ExprKind::Chain(_)
        | ExprKind::Paren(_)
        | ExprKind::Error => not_a_number(expr),
    }
}

fn not_a_number(expr: &Expr) -> Result<String, Fault> {
    fault(expr.span.start, "an index in a condition is a number", "write the element, such as `a[3]`")
}

/// What a name in a condition stands for.
enum Source {
    /// A variable, its path as written, and the number of a bit behind it.
    Variable(String, Read, Option<u32>),
    /// Something of a channel, by the channel's number.
    Member(usize, Member),
    /// Nothing by itself.
    Name(String),
}

fn resolve(variable: &Variable, names: Names<'_>) -> Result<Source, Fault> {
    let (path, bit) = path_of(variable)?;
    let at = variable.span.start;
    let image = names.image;
    let found = match image.variable(&path) {
        Ok(found) => found,
        // A lone unknown name may be the word of a member: the comparison decides.
        Err(_) if variable.accessors.is_empty() => return Ok(Source::Name(path)),
        Err(error) => {
            let member = names.member(&path).map_err(|(message, help)| Fault { offset: at, message, help })?;
            let unknown = || fault(at, format!("`{path}`: {error}"), "");
            return member.map_or_else(unknown, |(channel, member)| Ok(Source::Member(channel, member)));
        }
    };
    let elementary = match image.ty(found.ty).map(|ty| &ty.kind) {
        Some(TypeKind::Elementary(elementary)) => *elementary,
        Some(
            TypeKind::Array { .. }
            | TypeKind::Instance { .. }
            | TypeKind::Structure { .. }
            | TypeKind::Enumeration { .. }
            | TypeKind::Text { .. },
        )
        | None => return fault(at, format!("`{path}` is more than one value"), "name one element or one part of it"),
    };
    if matches!(elementary, Elementary::Real | Elementary::Lreal) {
        let help = "compare it in the program and name the BOOL that holds the result";
        return fault(at, format!("`{path}` is a real number: proofs do not compute with them"), help);
    }
    Ok(Source::Variable(path, Read { variable: found, elementary }, bit))
}

/// A lone name that stands for nothing.
fn unknown(names: Names<'_>, name: &str, offset: u32) -> Fault {
    let message = match names.image.variable(name) {
        Err(error) => format!("`{name}`: {error}"),
        Ok(_) => format!("`{name}` does not fit here"),
    };
    Fault { offset, message, help: String::new() }
}

fn collect(expr: &Expr, names: Names<'_>, found: &mut impl FnMut(u32, Source)) -> Result<(), Fault> {
    match &expr.kind {
        ExprKind::Variable(variable) => {
            found(variable.span.start, resolve(variable, names)?);
            Ok(())
        }
        ExprKind::Unary { operand, .. } => collect(operand, names, found),
        ExprKind::Paren(inner) => collect(inner, names, found),
        ExprKind::Chain(chain) => {
            collect(&chain.first, names, found)?;
            chain.rest.iter().try_for_each(|item| collect(&item.operand, names, found))
        }
        ExprKind::Literal(_) => Ok(()),
        ExprKind::Address(address) => {
            let help = "name the variable that is located there";
            fault(address.span.start, format!("`{}`: conditions read variables by name", address.text), help)
        }
        ExprKind::Call(call) => {
            fault(call.span.start, "conditions call no functions", "compute it in the program, or write it out")
        }
        ExprKind::Error => fault(expr.span.start, "this is no expression", ""),
    }
}

struct Computing<'a> {
    graph: &'a mut Graph,
    view: View<'a>,
}

impl Computing<'_> {
    fn expr(&mut self, expr: &Expr) -> Result<Value, Fault> {
        match &expr.kind {
            ExprKind::Literal(literal) => constant(literal),
            ExprKind::Variable(variable) => self.variable(variable),
            ExprKind::Paren(inner) => self.expr(inner),
            ExprKind::Unary { op, operand } => {
                let value = self.expr(operand)?;
                self.unary(expr.span.start, *op, value)
            }
            ExprKind::Chain(chain) => {
                let mut left = self.expr(&chain.first)?;
                for item in &chain.rest {
                    let right = self.expr(&item.operand)?;
                    left = self.binary(item.op_span.start, item.op, left, right)?;
                }
                Ok(left)
            }
            ExprKind::Address(_) | ExprKind::Call(_) | ExprKind::Error => {
                fault(expr.span.start, "this is no condition", "")
            }
        }
    }

    fn variable(&mut self, variable: &Variable) -> Result<Value, Fault> {
        let (path, read, bit) = match resolve(variable, self.view.names)? {
            Source::Variable(path, read, bit) => (path, read, bit),
            Source::Member(channel, member) => return Ok(self.member(channel, member)),
            Source::Name(name) => return Ok(Value::Name(name, variable.span.start)),
        };
        let value = self.read(&read);
        let Some(number) = bit else { return Ok(value) };
        match value {
            Value::Int(bits) if (number as usize) + 1 < bits.len() => {
                Ok(Value::Bool(bits.get(number as usize).copied().unwrap_or(Lit::FALSE)))
            }
            Value::Int(_) | Value::Bool(_) | Value::Time(_) | Value::Word(..) | Value::Name(..) => {
                fault(variable.span.start, format!("`{path}` has no bit {number}"), "")
            }
        }
    }

    fn member(&self, channel: usize, member: Member) -> Value {
        let lit = self.view.channels.get(channel).map_or(Lit::FALSE, |lits| lits.of(member));
        if member.words().is_empty() { Value::Bool(lit) } else { Value::Word(member, lit) }
    }

    fn read(&self, read: &Read) -> Value {
        use Elementary as E;
        let scalar = self.view.names.image.scalar_of(&read.variable);
        let after = self.view.after;
        let bits = match read.variable.place {
            Place::Bit { offset, bit } => after.get(offset as usize * 8 + usize::from(bit), 1),
            Place::Byte(offset) => after.get(offset as usize * 8, scalar.map_or(1, |s| s.bits()) as usize),
        };
        match read.elementary {
            E::Bool => Value::Bool(bits.first().copied().unwrap_or(Lit::FALSE)),
            E::Time | E::Ltime => Value::Time(bits),
            E::Sint | E::Int | E::Dint | E::Lint => Value::Int(bits),
            E::Usint | E::Uint | E::Udint | E::Ulint | E::Byte | E::Word | E::Dword | E::Lword => {
                let width = bits.len() + 1;
                Value::Int(vector::resize(&bits, width, false))
            }
            E::Real
            | E::Lreal
            | E::Date
            | E::Ldate
            | E::TimeOfDay
            | E::LtimeOfDay
            | E::DateAndTime
            | E::LdateAndTime
            | E::Char
            | E::Wchar => {
                let width = bits.len() + 1;
                Value::Int(vector::resize(&bits, width, false))
            }
        }
    }

    fn unary(&mut self, at: u32, op: UnaryOp, value: Value) -> Result<Value, Fault> {
        Ok(match (op, value) {
            (UnaryOp::Not, Value::Bool(lit)) => Value::Bool(!lit),
            (UnaryOp::Neg, Value::Int(bits)) => Value::Int(self.negated(&bits)),
            (UnaryOp::Neg, Value::Time(bits)) => Value::Time(self.negated(&bits)),
            (UnaryOp::Plus, value @ (Value::Int(_) | Value::Time(_))) => value,
            (_, Value::Name(name, at)) => return Err(unknown(self.view.names, &name, at)),
            (UnaryOp::Not, value @ (Value::Int(_) | Value::Time(_) | Value::Word(..))) => {
                return fault(at, format!("NOT needs BOOL, this is {}", value.kind()), "compare it with a value first");
            }
            (UnaryOp::Neg | UnaryOp::Plus, value @ (Value::Bool(_) | Value::Word(..))) => {
                return fault(at, format!("a sign needs a number, this is {}", value.kind()), "");
            }
        })
    }

    fn negated(&mut self, bits: &[Lit]) -> Vector {
        let wide = vector::resize(bits, bits.len() + 1, true);
        vector::neg(self.graph, &wide)
    }

    fn binary(&mut self, at: u32, op: BinaryOp, left: Value, right: Value) -> Result<Value, Fault> {
        match (left, right) {
            (Value::Bool(a), Value::Bool(b)) => match op {
                BinaryOp::And | BinaryOp::AndThen => Ok(Value::Bool(self.graph.and(a, b))),
                BinaryOp::Or | BinaryOp::OrElse => Ok(Value::Bool(self.graph.or(a, b))),
                BinaryOp::Xor | BinaryOp::Ne => Ok(Value::Bool(self.graph.xor(a, b))),
                BinaryOp::Eq => Ok(Value::Bool(self.graph.same(a, b))),
                BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge | BinaryOp::Add => misfit(at, op, "BOOL"),
                BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod | BinaryOp::Power => {
                    misfit(at, op, "BOOL")
                }
            },
            (Value::Int(a), Value::Int(b)) => self.number(at, op, &a, &b, false),
            (Value::Time(a), Value::Time(b)) => self.number(at, op, &a, &b, true),
            (Value::Word(member, lit), Value::Name(name, place))
            | (Value::Name(name, place), Value::Word(member, lit)) => {
                let is = word(member, lit, &name, place)?;
                compared(at, op, is)
            }
            (Value::Word(a, x), Value::Word(b, y)) if a == b => {
                let same = self.graph.same(x, y);
                compared(at, op, same)
            }
            (Value::Name(name, place), _) | (_, Value::Name(name, place)) => {
                Err(unknown(self.view.names, &name, place))
            }
            (left, right) => {
                let message = format!("{} does not go between {} and {}", op.symbol(), left.kind(), right.kind());
                fault(at, message, "both sides must be of one kind; write durations as `T#2s`")
            }
        }
    }

    fn number(&mut self, at: u32, op: BinaryOp, a: &[Lit], b: &[Lit], time: bool) -> Result<Value, Fault> {
        let widest = a.len().max(b.len());
        let width = if op == BinaryOp::Mul { a.len() + b.len() } else { widest + 1 };
        if width > WIDTH_MAX {
            return fault(at, format!("a number of this condition needs more than {WIDTH_MAX} bits"), "");
        }
        let (x, y) = (vector::resize(a, width, true), vector::resize(b, width, true));
        let graph = &mut *self.graph;
        let value = |bits: Vector| if time { Value::Time(bits) } else { Value::Int(bits) };
        Ok(match op {
            BinaryOp::Add => value(vector::add(graph, &x, &y)),
            BinaryOp::Sub => value(vector::sub(graph, &x, &y)),
            BinaryOp::Lt => Value::Bool(vector::less(graph, &x, &y, true)),
            BinaryOp::Le => Value::Bool(!vector::less(graph, &y, &x, true)),
            BinaryOp::Gt => Value::Bool(vector::less(graph, &y, &x, true)),
            BinaryOp::Ge => Value::Bool(!vector::less(graph, &x, &y, true)),
            BinaryOp::Eq => Value::Bool(vector::equal(graph, &x, &y)),
            BinaryOp::Ne => Value::Bool(!vector::equal(graph, &x, &y)),
            BinaryOp::Mul if !time => value(vector::mul(graph, &x, &y)),
            BinaryOp::Div | BinaryOp::Mod if !time => {
                if y.iter().any(|lit| lit.value().is_none()) || y.iter().all(|lit| *lit == Lit::FALSE) {
                    return fault(at, "a condition divides only by a number other than 0", "divide in the program");
                }
                let (quotient, rest) = vector::divide(graph, &x, &y, true);
                value(if op == BinaryOp::Div { quotient } else { rest })
            }
            BinaryOp::And if !time => value(x.iter().zip(&y).map(|(p, q)| graph.and(*p, *q)).collect()),
            BinaryOp::Or if !time => value(x.iter().zip(&y).map(|(p, q)| graph.or(*p, *q)).collect()),
            BinaryOp::Xor if !time => value(x.iter().zip(&y).map(|(p, q)| graph.xor(*p, *q)).collect()),
            BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod | BinaryOp::And | BinaryOp::Or | BinaryOp::Xor => {
                return misfit(at, op, "TIME");
            }
            BinaryOp::AndThen | BinaryOp::OrElse | BinaryOp::Power => {
                return misfit(at, op, if time { "TIME" } else { "a whole number" });
            }
        })
    }
}

/// The member is this word.
fn word(member: Member, lit: Lit, name: &str, at: u32) -> Result<Lit, Fault> {
    let is = |n: usize| member.words().get(n).is_some_and(|word| word.eq_ignore_ascii_case(name));
    if is(0) {
        Ok(lit)
    } else if is(1) {
        Ok(!lit)
    } else {
        let help = match member {
            Member::Fault => "compare with `none`: proofs know whether a fault is latched, not which",
            Member::Contact => {
                "compare with `open` or `closed`: in a proof a moving contact is one of the two, whichever is worse"
            }
            Member::Commanded | Member::Line | Member::Pending | Member::Ready => "",
        };
        fault(at, format!("`.{}` is never `{name}` in a property", member.name()), help)
    }
}

/// `=` or `<>` between words.
fn compared(at: u32, op: BinaryOp, same: Lit) -> Result<Value, Fault> {
    match op {
        BinaryOp::Eq => Ok(Value::Bool(same)),
        BinaryOp::Ne => Ok(Value::Bool(!same)),
        BinaryOp::And
        | BinaryOp::AndThen
        | BinaryOp::Or
        | BinaryOp::OrElse
        | BinaryOp::Xor
        | BinaryOp::Lt
        | BinaryOp::Le
        | BinaryOp::Gt
        | BinaryOp::Ge
        | BinaryOp::Add
        | BinaryOp::Sub
        | BinaryOp::Mul
        | BinaryOp::Div
        | BinaryOp::Mod
        | BinaryOp::Power => misfit(at, op, "a word"),
    }
}

fn misfit<T>(at: u32, op: BinaryOp, kind: &str) -> Result<T, Fault> {
    fault(at, format!("{} does not go between {kind} and {kind} in a property", op.symbol()), "")
}

fn constant(literal: &Literal) -> Result<Value, Fault> {
    match &literal.kind {
        LiteralKind::Bool { value } => Ok(Value::Bool(Lit::constant(*value))),
        LiteralKind::Int { negative, magnitude, .. } => {
            let magnitude = i128::from(*magnitude);
            let value = if *negative { -magnitude } else { magnitude };
            Ok(Value::Int((0..66).map(|bit| Lit::constant(value >> bit & 1 == 1)).collect()))
        }
        LiteralKind::Duration { value_ns, .. } => Ok(Value::Time(vector::constant(value_ns.cast_unsigned(), 64))),
        LiteralKind::Real { .. }
        | LiteralKind::Text { .. }
        | LiteralKind::Date { .. }
        | LiteralKind::Enum { .. }
        | LiteralKind::Error => fault(literal.span.start, format!("`{}` cannot stand in a property", literal.text), ""),
    }
}
