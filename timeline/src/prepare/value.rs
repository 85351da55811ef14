//! Values: what a literal of a test means as a value of a variable's type or of a member of a channel, and how a value
//! is shown.

use super::{CheckKind, Preparer};
use crate::condition::Value;
use crate::model::{At, Literal, LiteralKind, Located};
use crate::names::{Member, Source};
use bytecode::path::{show, show_time_ns};
use bytecode::scalar::{Scalar, ScalarType};
use bytecode::types::Elementary;

impl Preparer<'_> {
    pub(super) fn equals(&mut self, name: &Located, literal: &Literal) -> Option<CheckKind> {
        let source = match self.scope.names.resolve(&name.text) {
            Ok(source) => source,
            Err(error) => return self.name_error(name.at, error),
        };
        let value = match source {
            Source::Variable { elementary, .. } => self.value(&name.text, elementary, literal)?,
            Source::Channel { member, .. } => self.member_value(&name.text, member, literal)?,
        };
        Some(CheckKind::Equals { name: name.text.clone(), source, value, shown: show_value(&source, value) })
    }

    fn member_value(&mut self, name: &str, member: Member, literal: &Literal) -> Option<Value> {
        let words = member.words();
        match &literal.kind {
            LiteralKind::Bool(value) if words.is_empty() => return Some(Value::Bool(*value)),
            LiteralKind::Word(word) => {
                if let Some(word) = words.iter().find(|known| known.eq_ignore_ascii_case(word)) {
                    return Some(Value::Word(word));
                }
            }
            LiteralKind::Bool(_) | LiteralKind::Int(_) | LiteralKind::Real(_) | LiteralKind::Time(_) => {}
        }
        let help = if words.is_empty() {
            "write true or false".to_owned()
        } else {
            format!("write one of {}", words.join(", "))
        };
        self.problem(literal.at, format!("`{name}` cannot be {}", shown(&literal.kind)), help);
        None
    }

    /// A literal as a value of a variable's type.
    pub(super) fn value(&mut self, name: &str, elementary: Elementary, literal: &Literal) -> Option<Value> {
        let scalar = elementary.scalar();
        let value = match (&literal.kind, scalar) {
            (LiteralKind::Bool(value), Some(ScalarType::Bool)) => Some(Value::Bool(*value)),
            (LiteralKind::Time(value), _) if is_time(elementary) => Some(Value::Time(*value)),
            (LiteralKind::Int(value), Some(ScalarType::F32 | ScalarType::F64)) => {
                real(elementary, value.to_string().parse().ok()?)
            }
            (LiteralKind::Real(value), Some(ScalarType::F32 | ScalarType::F64)) => real(elementary, *value),
            (LiteralKind::Int(value), Some(scalar)) if scalar.is_int() && !is_time(elementary) => {
                return self.in_range(name, elementary, *value, literal.at);
            }
            _ => None,
        };
        if value.is_none() {
            let help = match scalar {
                Some(ScalarType::Bool) => "write true or false",
                Some(_) if is_time(elementary) => "write a duration such as `T#2s` or `500 ms`",
                Some(_) => "write a number",
                None => "this version does not store that type",
            };
            let message = format!("`{name}` is {}, here stands {}", elementary.name(), shown(&literal.kind));
            self.problem(literal.at, message, help);
        }
        value
    }

    fn in_range(&mut self, name: &str, elementary: Elementary, value: i128, at: At) -> Option<Value> {
        let (low, high) = range(elementary);
        if (low..=high).contains(&value) {
            return Some(Value::Int(value));
        }
        let message = format!("`{name}` is {}, which never is {value}", elementary.name());
        self.problem(at, message, format!("its values lie between {low} and {high}"));
        None
    }
}

fn is_time(elementary: Elementary) -> bool {
    matches!(elementary, Elementary::Time | Elementary::Ltime)
}

fn real(elementary: Elementary, value: f64) -> Option<Value> {
    // A REAL holds 24 bits: the file's 0.1 must meet the program's 0.1.
    #[allow(clippy::cast_possible_truncation, reason = "rounding to REAL is what is wanted")]
    let value = if elementary == Elementary::Real { f64::from(value as f32) } else { value };
    Some(Value::Real(value))
}

/// Lowest and highest value of an integer or bit string type.
fn range(elementary: Elementary) -> (i128, i128) {
    use Elementary as E;
    match elementary {
        E::Sint => (i8::MIN.into(), i8::MAX.into()),
        E::Int => (i16::MIN.into(), i16::MAX.into()),
        E::Dint => (i32::MIN.into(), i32::MAX.into()),
        E::Lint | E::Time | E::Ltime => (i64::MIN.into(), i64::MAX.into()),
        E::Usint | E::Byte => (0, u8::MAX.into()),
        E::Uint | E::Word => (0, u16::MAX.into()),
        E::Udint | E::Dword => (0, u32::MAX.into()),
        E::Ulint | E::Lword => (0, u64::MAX.into()),
        E::Bool => (0, 1),
        // No whole numbers, or not stored by this version.
        E::Real | E::Lreal | E::Date | E::Ldate | E::TimeOfDay | E::LtimeOfDay | E::DateAndTime | E::LdateAndTime => {
            (0, 0)
        }
        E::Char | E::Wchar => (0, 0),
    }
}

/// A value as the bits of a variable.
pub(super) fn bits(elementary: Elementary, value: Value) -> u64 {
    match value {
        Value::Bool(value) => u64::from(value),
        Value::Time(value) => value.to_bits(),
        #[allow(clippy::cast_possible_truncation, reason = "a REAL value was rounded to REAL when it was read")]
        Value::Real(value) if elementary == Elementary::Real => u64::from((value as f32).to_bits()),
        Value::Real(value) => value.to_bits(),
        // In the range of the type: a negative number keeps its low bits.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range was checked")]
        Value::Int(value) => {
            let size = elementary.scalar().map_or(8, ScalarType::size).clamp(1, 8);
            (value as u64) & (u64::MAX >> (64 - 8 * size))
        }
        Value::Word(_) => 0,
    }
}

/// A value as a person writes it.
#[must_use]
pub fn show_value(source: &Source, value: Value) -> String {
    match (source, value) {
        (_, Value::Bool(value)) => if value { "TRUE" } else { "FALSE" }.to_owned(),
        (_, Value::Word(word)) => word.to_owned(),
        (_, Value::Time(ns)) => show_time_ns(ns),
        (_, Value::Real(value)) => format!("{value:?}"),
        (Source::Variable { elementary, .. }, Value::Int(_)) => show(*elementary, bits(*elementary, value)),
        (Source::Channel { .. }, Value::Int(value)) => value.to_string(),
    }
}

pub(super) fn shown(literal: &LiteralKind) -> String {
    match literal {
        LiteralKind::Bool(value) => if *value { "TRUE" } else { "FALSE" }.to_owned(),
        LiteralKind::Int(value) => value.to_string(),
        LiteralKind::Real(value) => format!("{value:?}"),
        LiteralKind::Time(ns) => show_time_ns(*ns),
        LiteralKind::Word(word) => format!("`{word}`"),
    }
}
