//! YAML text as a tree in which every value knows its line and column.

use super::{DEPTH_MAX, Problem, ProblemKind, TEXT_BYTES_MAX};
use crate::config::finding::Place;
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// A value of the tree.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing written.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number beyond `i64`.
    UInt(u64),
    /// A number with a point.
    Float(f64),
    /// Any other scalar.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the text.
    Map(Vec<(Node, Node)>),
}

/// A value with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where it begins.
    pub place: Place,
    /// What it is.
    pub value: Value,
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = serde_yaml::Spanned::<Value>::deserialize(deserializer)?;
        let narrow = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        let place = Place { line: narrow(spanned.referenced.line()), column: narrow(spanned.referenced.column()) };
        Ok(Self { place, value: spanned.value })
    }
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
        f.write_str("a YAML value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }

    fn visit_bool<E: de::Error>(self, v: bool) -> Result<Value, E> {
        Ok(Value::Bool(v))
    }

    fn visit_i64<E: de::Error>(self, v: i64) -> Result<Value, E> {
        Ok(Value::Int(v))
    }

    fn visit_u64<E: de::Error>(self, v: u64) -> Result<Value, E> {
        Ok(i64::try_from(v).map_or(Value::UInt(v), Value::Int))
    }

    fn visit_f64<E: de::Error>(self, v: f64) -> Result<Value, E> {
        Ok(Value::Float(v))
    }

    fn visit_str<E: de::Error>(self, v: &str) -> Result<Value, E> {
        Ok(Value::Text(v.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element::<Node>()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut rows = Vec::new();
        while let Some(key) = map.next_key::<Node>()? {
            let value = map.next_value::<Node>()?;
            rows.push((key, value));
        }
        Ok(Value::Map(rows))
    }
}

/// Reads `text` as a tree.
///
/// # Errors
/// The first syntax error with its place: a text that is not YAML, a key that stands twice, nesting deeper than
/// [`DEPTH_MAX`], or a text longer than [`TEXT_BYTES_MAX`].
pub fn parse(text: &str) -> Result<Node, Problem> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(Problem {
            kind: ProblemKind::TooLarge,
            place: Place::default(),
            message: format!("the file has {} bytes; at most {TEXT_BYTES_MAX} are read", text.len()),
            remedy: "split the plant into several programs, or remove what does not belong here".to_owned(),
        });
    }
    serde_yaml::from_str_with_options::<Node>(text, options()).map_err(|error| {
        let place = error.location().map_or_else(Place::default, |l| Place {
            line: u32::try_from(l.line()).unwrap_or(u32::MAX),
            column: u32::try_from(l.column()).unwrap_or(u32::MAX),
        });
        let full = error.without_snippet().to_string();
        let first = full.lines().next().unwrap_or("not readable as YAML");
        // The place stands beside the message; the crate also writes it behind.
        let message = first.split(" at line ").next().unwrap_or(first).trim_start_matches("error: ").to_owned();
        let twice = message.strip_prefix("duplicate mapping key: ").and_then(|m| m.split(", set ").next());
        let message = twice.map_or(message.clone(), |key| format!("the key `{key}` stands twice"));
        let remedy = if message.ends_with("stands twice") {
            "a key may stand once: delete one of the two, or rename it"
        } else {
            "check indentation (spaces, no tabs), quotes and brackets around this place"
        };
        Problem { kind: ProblemKind::Syntax, place, message, remedy: remedy.to_owned() }
    })
}

fn options() -> serde_yaml::Options {
    serde_yaml::options! {
        strict_booleans: true,
        with_snippet: false,
        budget: serde_yaml::budget! {
            max_depth: DEPTH_MAX,
        },
    }
}
