//! YAML text as a tree in which every key and every value knows its line and column.
//!
//! The timeline format is read from this tree by hand ([`crate::format`]), so that all mistakes of a file are reported
//! at once and in the words of the format. Only the spellings `true` and `false` are Booleans, duplicate keys are
//! refused, and size, depth and repetition are bounded by the YAML library's budget.

use crate::problem::{Place, Problem};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::Spanned;
use std::fmt;

/// The greatest timeline file, in bytes: room for some 20 000 steps, and small enough to be read in a moment.
pub const FILE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A value and where it begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Line from 1.
    pub line: u32,
    /// Column from 1, in characters.
    pub column: u32,
    /// What it is.
    pub value: Value,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing, `null`, `~`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order of the text.
    Map(Vec<(Key, Node)>),
}

/// The key of a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Line from 1.
    pub line: u32,
    /// Column from 1, in characters.
    pub column: u32,
    /// As written.
    pub text: String,
}

impl Value {
    /// What a person calls it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "true or false",
            Self::Int(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping of keys to values",
        }
    }
}

/// Reads a text.
///
/// # Errors
/// What the YAML library says, at its place; text beyond [`FILE_BYTES_MAX`].
pub fn parse(file: &str, text: &str) -> Result<Node, Problem> {
    if text.len() > FILE_BYTES_MAX {
        let message = format!("the file has {} bytes, a timeline file at most {FILE_BYTES_MAX}", text.len());
        return Err(Problem::new(Place::whole(file), message).help("split the tests over several files"));
    }
    let options = serde_yaml::options! {
        strict_booleans: true,
        with_snippet: false,
    };
    match serde_yaml::from_str_with_options::<Spanned<Value>>(text, options) {
        Ok(spanned) => Ok(node(spanned)),
        Err(error) => {
            let mut place = Place::whole(file);
            if let Some(location) = error.location() {
                place.line = narrow(location.line());
                place.column = narrow(location.column());
            }
            Err(Problem::new(place, format!("this is not valid YAML: {}", first_line(&error.to_string()))))
        }
    }
}

/// The library's messages end with a place of their own; ours stands in front.
fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let line = line.strip_prefix("error: ").unwrap_or(line);
    let end = line.rfind(" at line ").unwrap_or(line.len());
    line.get(..end).unwrap_or(line).trim().to_owned()
}

fn narrow(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn node(spanned: Spanned<Value>) -> Node {
    Node { line: narrow(spanned.referenced.line()), column: narrow(spanned.referenced.column()), value: spanned.value }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Int(value.into()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Value, E> {
        Ok(Value::Int(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element::<Spanned<Value>>()? {
            items.push(node(item));
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut items: Vec<(Key, Node)> = Vec::new();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            let value = map.next_value::<Spanned<Value>>()?;
            let key =
                Key { line: narrow(key.referenced.line()), column: narrow(key.referenced.column()), text: key.value };
            items.push((key, node(value)));
        }
        Ok(Value::Map(items))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_know_their_places() {
        let tree = parse("a.yaml", "a: 1\nbc:\n  - { d.e: true, f: T#2s }\n  - off\n").unwrap();
        let Value::Map(top) = &tree.value else { panic!("{tree:?}") };
        assert_eq!(top[0].0, Key { line: 1, column: 1, text: "a".into() });
        assert_eq!(top[0].1, Node { line: 1, column: 4, value: Value::Int(1) });
        let Value::List(items) = &top[1].1.value else { panic!("{tree:?}") };
        let Value::Map(inner) = &items[0].value else { panic!("{tree:?}") };
        assert_eq!((inner[0].0.line, inner[0].0.column), (3, 7));
        assert_eq!(inner[0].0.text, "d.e");
        assert_eq!(inner[1].1.value, Value::Text("T#2s".into()));
        assert_eq!(items[1].value, Value::Text("off".into()), "only true and false are Booleans");
    }

    #[test]
    fn a_duplicate_key_is_refused_at_its_place() {
        let problem = parse("a.yaml", "a: 1\nb: 2\na: 3\n").unwrap_err();
        assert_eq!((problem.place.line, problem.place.column), (3, 1), "{problem}");
        assert!(problem.message.contains("duplicate"), "{problem}");
    }

    #[test]
    fn an_unclosed_bracket_is_refused_at_a_place() {
        let problem = parse("a.yaml", "a: [1, 2\nb: 2\n").unwrap_err();
        assert!(problem.place.line >= 1, "{problem}");
    }
}
