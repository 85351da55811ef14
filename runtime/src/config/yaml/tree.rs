//! YAML text as a tree in which every key and every value knows its line and column.
//!
//! Every format of this project that people write is read from this tree: I/O maps and data sheets through
//! [`super::read`], timeline files by hand. Only the spellings `true` and `false` are Booleans, a key stands once, and
//! size, depth and repetition are bounded.

use super::{Problem, ProblemKind};
use crate::config::finding::Place;
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// Deepest nesting of lists and maps: a map needs 5 levels, a timeline file 7.
pub const DEPTH_MAX: usize = 32;

/// The largest text of a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SizeLimit {
    /// In bytes.
    pub bytes_max: usize,
    /// What to do about a longer one.
    pub remedy: &'static str,
}

/// A value of the tree.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing written.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number from `i64::MIN` to `u64::MAX`; YAML text beyond is a [`Value::Float`].
    Int(i128),
    /// A number with a point.
    Float(f64),
    /// Any other scalar.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the text. Keys are single values; [`Value::word`] is what they say.
    Map(Vec<(Node, Node)>),
}

impl Value {
    /// What a person calls it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
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

    /// What a single value says as text, which is how a key is meant (`1` is a key like any other); of a list or map,
    /// its kind.
    #[must_use]
    pub fn word(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Bool(value) => Cow::Owned(value.to_string()),
            Self::Int(number) => Cow::Owned(number.to_string()),
            Self::Float(number) => Cow::Owned(number.to_string()),
            Self::Null | Self::List(_) | Self::Map(_) => Cow::Borrowed(self.kind()),
        }
    }
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
        Ok(Value::Int(v.into()))
    }

    fn visit_u64<E: de::Error>(self, v: u64) -> Result<Value, E> {
        Ok(Value::Int(v.into()))
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
/// The first syntax error with its place: a text that is not YAML, a key that stands twice or is no single value, nesting deeper than
/// [`DEPTH_MAX`], or a text longer than `size` allows.
pub fn parse(text: &str, size: SizeLimit) -> Result<Node, Problem> {
    let SizeLimit { bytes_max, remedy } = size;
    if text.len() > bytes_max {
        return Err(Problem {
            kind: ProblemKind::TooLarge,
            place: Place::default(),
            message: format!("the file has {} bytes; at most {bytes_max} are read", text.len()),
            remedy: remedy.to_owned(),
        });
    }
    let root = serde_yaml::from_str_with_options::<Node>(text, options()).map_err(|error| {
        let place = error.location().map_or_else(Place::default, |l| Place {
            line: u32::try_from(l.line()).unwrap_or(u32::MAX),
            column: u32::try_from(l.column()).unwrap_or(u32::MAX),
        });
        let (message, remedy) = in_our_words(error.without_snippet());
        Problem { kind: ProblemKind::Syntax, place, message, remedy: remedy.to_owned() }
    })?;
    let Some(key) = compound_key(&root) else { return Ok(root) };
    let message = format!("a key is a single word, here stands {}", key.value.kind());
    let remedy = "write `key: value`, without `?` and brackets before the colon".to_owned();
    Err(Problem { kind: ProblemKind::Syntax, place: key.place, message, remedy })
}

/// What the YAML crate found, for people who write maps: its own words speak of its programming interface in places.
#[expect(clippy::wildcard_enum_match_arm, reason = "the list of another crate; its own words serve for the rest")]
fn in_our_words(error: &serde_yaml::Error) -> (String, &'static str) {
    use serde_yaml::Error as E;
    use serde_yaml::budget::BudgetBreach;
    let (message, remedy) = match error {
        E::Budget { breach: BudgetBreach::Depth { .. }, .. } => {
            return (format!("nested deeper than {DEPTH_MAX} levels"), "no key of our formats lies that deep");
        }
        E::Budget { .. } => {
            ("more values or references (`&`, `*`) than one file may have", "split the file, or write it shorter")
        }
        E::MultipleDocuments { .. } => ("a second document begins here (`---`)", "keep one document in each file"),
        E::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().map_or_else(|| "a key".to_owned(), |key| format!("the key `{key}`"));
            let remedy = "a key may stand once: delete one of the two, or rename it";
            return (format!("duplicate: {key} stands twice"), remedy);
        }
        E::MergeValueNotMapOrSeqOfMaps { .. } | E::MergeKeyNotAllowed { .. } => {
            ("`<<` is followed by something that is no mapping of keys to values", "write the keys out")
        }
        E::RecursiveReferencesRequireWeakTypes { .. } => {
            ("a reference (`*name`) stands inside what it refers to", "write the value out instead of referring to it")
        }
        E::AliasReplayCounterOverflow { .. }
        | E::AliasReplayLimitExceeded { .. }
        | E::AliasExpansionLimitExceeded { .. }
        | E::AliasReplayStackDepthExceeded { .. } => {
            ("references (`*name`) repeat more than may be read", "write the values out instead of referring to them")
        }
        E::UnknownAnchor { .. } => {
            ("a reference (`*name`) to a name that no `&name` gives", "correct the name, or write the value out")
        }
        E::InvalidScalar { .. }
        | E::InvalidBinaryBase64 { .. }
        | E::BinaryNotUtf8 { .. }
        | E::NonFiniteFloat { .. }
        | E::InvalidBooleanStrict { .. }
        | E::TaggedScalarCannotDeserializeIntoString { .. } => {
            ("this value does not fit its tag (`!...`), or is no finite number", "write the value without a tag")
        }
        E::AliasError { error, .. } => return in_our_words(error),
        other => {
            let full = other.to_string();
            let first = full.lines().next().unwrap_or("not readable as YAML");
            // The place stands beside the message; the crate also writes it behind.
            let message = first.split(" at line ").next().unwrap_or(first).trim_start_matches("error: ");
            return (message.to_owned(), "check indentation (spaces, no tabs), quotes and brackets around this place");
        }
    };
    (message.to_owned(), remedy)
}

/// The first key that is a list or a map. YAML allows them; none of our formats has a meaning for one.
fn compound_key(node: &Node) -> Option<&Node> {
    match &node.value {
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => None,
        Value::List(items) => items.iter().find_map(compound_key),
        Value::Map(rows) => rows.iter().find_map(|(key, value)| match &key.value {
            Value::List(_) | Value::Map(_) => Some(key),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => compound_key(value),
        }),
    }
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
