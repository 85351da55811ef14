//! Evaluation of checked conditions.

use super::{Node, Value};
use crate::names::{Member, Source};
use bytecode::scalar::Scalar;
use bytecode::types::Elementary;
use compiler::ast::BinaryOp;
use std::fmt;

/// What a condition looks at: the state at the end of a scan.
pub trait View {
    /// The bits of a variable.
    fn variable(&self, variable: &bytecode::path::Variable) -> u64;
    /// A member of a channel: BOOL members as [`Value::Bool`], the others as [`Value::Word`].
    fn member(&self, channel: crate::names::ChannelIndex, member: Member) -> Value;
}

/// Why a condition gives no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvalError {
    /// `/ 0` or `MOD 0`.
    DivisionByZero,
    /// A whole number beyond 128 bits, or a duration beyond 64.
    Overflow,
}

impl fmt::Display for EvalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DivisionByZero => "division by zero",
            Self::Overflow => "a number becomes too large",
        })
    }
}

/// The value a name has now.
#[must_use]
pub fn read(source: &Source, view: &impl View) -> Value {
    match source {
        Source::Channel { channel, member } => view.member(*channel, *member),
        Source::Variable { variable, elementary } => of_bits(*elementary, view.variable(variable)),
    }
}

fn of_bits(elementary: Elementary, bits: u64) -> Value {
    use Elementary as E;
    match elementary {
        E::Bool => Value::Bool(bits != 0),
        E::Sint => Value::Int(i8::from_bits(bits).into()),
        E::Int => Value::Int(i16::from_bits(bits).into()),
        E::Dint => Value::Int(i32::from_bits(bits).into()),
        E::Lint => Value::Int(i64::from_bits(bits).into()),
        E::Usint | E::Uint | E::Udint | E::Ulint | E::Byte | E::Word | E::Dword | E::Lword => Value::Int(bits.into()),
        E::Real => Value::Real(f32::from_bits(u32::from_bits(bits)).into()),
        E::Lreal => Value::Real(f64::from_bits(bits)),
        E::Time | E::Ltime => Value::Time(i64::from_bits(bits)),
        // Not stored by this version; the check refuses them by name.
        E::Date | E::Ldate | E::TimeOfDay | E::LtimeOfDay | E::DateAndTime | E::LdateAndTime | E::Char | E::Wchar => {
            Value::Int(bits.into())
        }
    }
}

pub(super) fn eval(node: &Node, view: &impl View) -> Result<Value, EvalError> {
    match node {
        Node::Constant(value) => Ok(*value),
        Node::Read(source) => Ok(read(source, view)),
        Node::Not(operand) => Ok(match eval(operand, view)? {
            Value::Bool(value) => Value::Bool(!value),
            other @ (Value::Int(_) | Value::Real(_) | Value::Time(_) | Value::Word(_)) => other,
        }),
        Node::Negate(operand) => match eval(operand, view)? {
            Value::Int(value) => value.checked_neg().map(Value::Int).ok_or(EvalError::Overflow),
            Value::Time(value) => value.checked_neg().map(Value::Time).ok_or(EvalError::Overflow),
            Value::Real(value) => Ok(Value::Real(-value)),
            other @ (Value::Bool(_) | Value::Word(_)) => Ok(other),
        },
        Node::Bit { of, number } => Ok(match eval(of, view)? {
            Value::Int(value) => Value::Bool((value >> number.min(&127)) & 1 == 1),
            other @ (Value::Bool(_) | Value::Real(_) | Value::Time(_) | Value::Word(_)) => other,
        }),
        Node::Chain { first, rest } => {
            let mut left = eval(first, view)?;
            for (op, operand) in rest {
                if let Some(known) = decided(*op, left) {
                    left = known;
                    continue;
                }
                left = binary(*op, left, eval(operand, view)?)?;
            }
            Ok(left)
        }
    }
}

/// The result where the left side settles it.
fn decided(op: BinaryOp, left: Value) -> Option<Value> {
    match (op, left) {
        (BinaryOp::And | BinaryOp::AndThen, Value::Bool(false)) => Some(Value::Bool(false)),
        (BinaryOp::Or | BinaryOp::OrElse, Value::Bool(true)) => Some(Value::Bool(true)),
        _ => None,
    }
}

fn binary(op: BinaryOp, left: Value, right: Value) -> Result<Value, EvalError> {
    match (left, right) {
        (Value::Bool(a), Value::Bool(b)) => Ok(Value::Bool(logic(op, a, b))),
        (Value::Word(a), Value::Word(b)) => Ok(Value::Bool((a == b) == (op == BinaryOp::Eq))),
        (Value::Int(a), Value::Int(b)) => integer(op, a, b),
        (Value::Time(a), Value::Time(b)) => match integer(op, a.into(), b.into())? {
            Value::Int(sum) => i64::try_from(sum).map(Value::Time).map_err(|_| EvalError::Overflow),
            other @ (Value::Bool(_) | Value::Real(_) | Value::Time(_) | Value::Word(_)) => Ok(other),
        },
        (Value::Real(a), Value::Real(b)) => Ok(real(op, a, b)),
        #[allow(
            clippy::cast_precision_loss,
            reason = "a whole number beside a REAL is taken as REAL, as in the language"
        )]
        (Value::Int(a), Value::Real(b)) => Ok(real(op, a as f64, b)),
        #[allow(
            clippy::cast_precision_loss,
            reason = "a whole number beside a REAL is taken as REAL, as in the language"
        )]
        (Value::Real(a), Value::Int(b)) => Ok(real(op, a, b as f64)),
        // The check lets no other pair through.
        _ => Ok(Value::Bool(false)),
    }
}

fn logic(op: BinaryOp, a: bool, b: bool) -> bool {
    match op {
        BinaryOp::And | BinaryOp::AndThen => a && b,
        BinaryOp::Or | BinaryOp::OrElse => a || b,
        BinaryOp::Xor | BinaryOp::Ne => a != b,
        BinaryOp::Eq => a == b,
        BinaryOp::Lt => !a && b,
        BinaryOp::Gt => a && !b,
        BinaryOp::Le => !a || b,
        BinaryOp::Ge => a || !b,
        BinaryOp::Power | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod | BinaryOp::Add | BinaryOp::Sub => false,
    }
}

fn integer(op: BinaryOp, a: i128, b: i128) -> Result<Value, EvalError> {
    let number = match op {
        BinaryOp::Add => a.checked_add(b),
        BinaryOp::Sub => a.checked_sub(b),
        BinaryOp::Mul => a.checked_mul(b),
        BinaryOp::Div | BinaryOp::Mod if b == 0 => return Err(EvalError::DivisionByZero),
        BinaryOp::Div => a.checked_div(b),
        BinaryOp::Mod => a.checked_rem(b),
        BinaryOp::And | BinaryOp::AndThen => Some(a & b),
        BinaryOp::Or | BinaryOp::OrElse => Some(a | b),
        BinaryOp::Xor => Some(a ^ b),
        BinaryOp::Eq => return Ok(Value::Bool(a == b)),
        BinaryOp::Ne => return Ok(Value::Bool(a != b)),
        BinaryOp::Lt => return Ok(Value::Bool(a < b)),
        BinaryOp::Gt => return Ok(Value::Bool(a > b)),
        BinaryOp::Le => return Ok(Value::Bool(a <= b)),
        BinaryOp::Ge => return Ok(Value::Bool(a >= b)),
        BinaryOp::Power => u32::try_from(b).ok().and_then(|power| a.checked_pow(power)),
    };
    number.map(Value::Int).ok_or(EvalError::Overflow)
}

#[allow(clippy::float_cmp, reason = "`=` on REAL compares exactly, as the language says")]
fn real(op: BinaryOp, a: f64, b: f64) -> Value {
    match op {
        BinaryOp::Add => Value::Real(a + b),
        BinaryOp::Sub => Value::Real(a - b),
        BinaryOp::Mul => Value::Real(a * b),
        BinaryOp::Div => Value::Real(a / b),
        BinaryOp::Power => Value::Real(a.powf(b)),
        BinaryOp::Eq => Value::Bool(a == b),
        BinaryOp::Ne => Value::Bool(a != b),
        BinaryOp::Lt => Value::Bool(a < b),
        BinaryOp::Gt => Value::Bool(a > b),
        BinaryOp::Le => Value::Bool(a <= b),
        BinaryOp::Ge => Value::Bool(a >= b),
        // The check refuses these on REAL.
        BinaryOp::Mod | BinaryOp::And | BinaryOp::AndThen | BinaryOp::Xor | BinaryOp::Or | BinaryOp::OrElse => {
            Value::Bool(false)
        }
    }
}
