//! Reads YAML into plain serde structures, with a place for every value and all mistakes at once.
//!
//! The text becomes a tree of [`Node`]s that keep line and column; a deserialiser over that tree fills the structures.
//! Unlike a streaming reader it does not stop at the first mistake: an unknown key is recorded and skipped, and a value
//! that cannot be read is recorded and leaves its [`Key`] in the state [`Key::Bad`], so that the rest is still checked
//! and nobody is told a second time that something is missing.
//!
//! This module knows YAML and nothing of I/O maps.

mod tree;

pub use tree::{DEPTH_MAX, Node, SizeLimit, Value, parse};

use super::finding::Place;
use bytecode::near::did_you_mean;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::{Deserialize, forward_to_deserialize_any};
use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;

/// Largest text read: 1 MiB. The largest sensible map (256 channels, 1,024 inputs, 300 bytes each) takes 400 kB.
pub const TEXT_BYTES_MAX: usize = 1 << 20;
/// The limit of the texts this module reads as structures.
const SIZE: SizeLimit = SizeLimit {
    bytes_max: TEXT_BYTES_MAX,
    remedy: "split the plant into several programs, or remove what does not belong here",
};

/// What kind of mistake a reading problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// No YAML, a key twice, too deep.
    Syntax,
    /// A key nobody knows.
    UnknownKey,
    /// A value of the wrong kind, unit or range.
    Value,
    /// A key that must be there is not.
    Missing,
    /// The text is longer than its [`SizeLimit`] allows.
    TooLarge,
}

/// A mistake in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What kind of mistake.
    pub kind: ProblemKind,
    /// Where.
    pub place: Place,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub remedy: String,
}

/// A value with its place, absent, or present but not readable (a problem has then been recorded).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Key<T> {
    /// The key is not there.
    #[default]
    Absent,
    /// The key is there with a value that cannot be read.
    Bad(Place),
    /// The key is there.
    Is(Place, T),
}

impl<T> Key<T> {
    /// The value, when there is a readable one.
    pub const fn get(&self) -> Option<&T> {
        match self {
            Self::Is(_, value) => Some(value),
            Self::Absent | Self::Bad(_) => None,
        }
    }

    /// The place of the value, when the key is there.
    pub const fn place(&self) -> Option<Place> {
        match self {
            Self::Is(place, _) | Self::Bad(place) => Some(*place),
            Self::Absent => None,
        }
    }

    /// Is the key not there at all?
    pub const fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

impl<T: Copy> Key<T> {
    /// The value, or `default` when the key is absent or unreadable.
    pub fn or(&self, default: T) -> T {
        self.get().copied().unwrap_or(default)
    }
}

/// A map whose keys are names chosen by the author, in the order of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entries<T> {
    /// Place of the name, the name, and the value.
    pub rows: Vec<(Place, String, Key<T>)>,
}

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self { rows: Vec::new() }
    }
}

const KEY_MARKER: &str = "$plcrun::key";

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Key<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for KeyVisitor<T> {
            type Value = Key<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value with its place")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Key<T>, A::Error> {
                let line = seq.next_element::<u32>()?.unwrap_or(0);
                let column = seq.next_element::<u32>()?.unwrap_or(0);
                let place = Place { line, column };
                // The deserialiser has recorded why a value cannot be read.
                Ok(seq.next_element::<T>().ok().flatten().map_or(Key::Bad(place), |value| Key::Is(place, value)))
            }
        }
        deserializer.deserialize_newtype_struct(KEY_MARKER, KeyVisitor(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for EntriesVisitor<T> {
            type Value = Entries<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("names, each followed by a colon and its settings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<T>, A::Error> {
                let mut rows = Vec::new();
                while let Some(name) = map.next_key::<Key<String>>()? {
                    let value = map.next_value::<Key<T>>()?;
                    if let Key::Is(place, name) = name {
                        rows.push((place, name, value));
                    }
                }
                Ok(Entries { rows })
            }
        }
        deserializer.deserialize_map(EntriesVisitor(PhantomData))
    }
}

/// Reads `text` as a `T`. Every problem is returned; a `T` comes back whenever its outermost shape could be read, with
/// unreadable parts as [`Key::Bad`].
#[must_use]
pub fn read<T: DeserializeOwned>(text: &str) -> (Option<T>, Vec<Problem>) {
    match parse(text, SIZE) {
        Ok(root) => read_node(&root),
        Err(problem) => (None, vec![problem]),
    }
}

/// Reads one node of a tree as a `T`, as [`read`] does.
#[must_use]
pub fn read_node<T: DeserializeOwned>(root: &Node) -> (Option<T>, Vec<Problem>) {
    let problems = RefCell::new(Vec::new());
    let value = T::deserialize(NodeReader { node: root, problems: &problems }).ok();
    (value, problems.into_inner())
}

/// A reading error; `recorded` once it stands in the list of problems.
#[derive(Debug)]
struct Failed {
    message: String,
    missing: bool,
    recorded: bool,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failed {}

impl de::Error for Failed {
    fn custom<M: fmt::Display>(message: M) -> Self {
        Self { message: message.to_string(), missing: false, recorded: false }
    }

    fn missing_field(field: &'static str) -> Self {
        Self { message: format!("`{field}` is missing here"), missing: true, recorded: false }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the list of another crate; its own words serve for the rest")]
    fn invalid_type(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let found = match found {
            de::Unexpected::Unit | de::Unexpected::Option => "nothing".to_owned(),
            de::Unexpected::Map => "a group of keys".to_owned(),
            de::Unexpected::Seq => "a list".to_owned(),
            de::Unexpected::Str(text) => format!("`{text}`"),
            de::Unexpected::Bool(value) => format!("`{value}`"),
            de::Unexpected::Unsigned(value) => format!("the number `{value}`"),
            de::Unexpected::Signed(value) => format!("the number `{value}`"),
            de::Unexpected::Float(value) => format!("the number `{value}`"),
            other => other.to_string(),
        };
        let expected = match expected.to_string().as_str() {
            "a boolean" => "`true` or `false`".to_owned(),
            "a string" => "text".to_owned(),
            "a sequence" => "a list in square brackets or with dashes".to_owned(),
            "u8" | "u16" | "u32" | "u64" | "i64" => "a whole number".to_owned(),
            other => other.to_owned(),
        };
        Self::custom(format!("expected {expected}, found {found}"))
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the list of another crate; its own words serve for the rest")]
    fn invalid_value(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let range = match expected.to_string().as_str() {
            "u8" => "0 to 255",
            "u16" => "0 to 65535",
            "u32" => "0 to 4294967295",
            "u64" => "0 or more",
            _ => return Self::invalid_type(found, expected),
        };
        let found = match found {
            de::Unexpected::Signed(value) => value.to_string(),
            de::Unexpected::Unsigned(value) => value.to_string(),
            other => other.to_string(),
        };
        Self::custom(format!("expected a whole number from {range}, found {found}").replace("from 0 or", "of 0 or"))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let list = expected.iter().map(|e| format!("`{e}`")).collect::<Vec<_>>().join(", ");
        let hint = did_you_mean(variant, expected.iter().copied());
        Self::custom(format!("expected one of {list}, found `{variant}`{hint}"))
    }
}

#[derive(Clone, Copy)]
struct NodeReader<'n> {
    node: &'n Node,
    problems: &'n RefCell<Vec<Problem>>,
}

impl<'n> NodeReader<'n> {
    fn at(self, node: &'n Node) -> Self {
        Self { node, problems: self.problems }
    }

    fn record(self, kind: ProblemKind, place: Place, message: String, remedy: String) {
        self.problems.borrow_mut().push(Problem { kind, place, message, remedy });
    }

    /// Records an error the first time it passes a node: that node is the innermost one it concerns.
    fn located<T>(self, result: Result<T, Failed>) -> Result<T, Failed> {
        result.map_err(|mut failed| {
            if !failed.recorded {
                let kind = if failed.missing { ProblemKind::Missing } else { ProblemKind::Value };
                let remedy = if failed.missing { "add the key" } else { "" };
                self.record(kind, self.node.place, failed.message.clone(), remedy.to_owned());
                failed.recorded = true;
            }
            failed
        })
    }

    fn any<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Failed> {
        match &self.node.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(v) => visitor.visit_bool(*v),
            Value::Int(v) => match (i64::try_from(*v), u64::try_from(*v)) {
                (Ok(v), _) => visitor.visit_i64(v),
                (Err(_), Ok(v)) => visitor.visit_u64(v),
                (Err(_), Err(_)) => Err(de::Error::custom(format!("the number `{v}` is too large"))),
            },
            Value::Float(v) => visitor.visit_f64(*v),
            Value::Text(v) => visitor.visit_str(v),
            Value::List(items) => visitor.visit_seq(Items { reader: self, items: items.iter() }),
            Value::Map(rows) => visitor.visit_map(Rows { reader: self, rows: rows.iter(), fields: None, value: None }),
        }
    }

    /// The rows of a structure's map, unknown keys recorded.
    fn fields<V: Visitor<'n>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Failed> {
        let Value::Map(rows) = &self.node.value else {
            let known = fields.iter().map(|f| format!("`{f}`")).collect::<Vec<_>>().join(", ");
            let found = match &self.node.value {
                Value::Null => "nothing",
                Value::List(_) => "a list",
                Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => "a single value",
                Value::Map(_) => "a group of keys",
            };
            return Err(de::Error::custom(format!("expected a group of keys ({known}), found {found}")));
        };
        for (key, _) in rows {
            let name = key.value.word();
            if !fields.contains(&name.as_ref()) {
                let known = fields.iter().map(|f| format!("`{f}`")).collect::<Vec<_>>().join(", ");
                let hint = did_you_mean(&name, fields.iter().copied());
                let message = format!("unknown key `{name}`{hint}");
                self.record(ProblemKind::UnknownKey, key.place, message, format!("known here: {known}"));
            }
        }
        visitor.visit_map(Rows { reader: self, rows: rows.iter(), fields: Some(fields), value: None })
    }

    fn variant<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Failed> {
        match &self.node.value {
            Value::Text(text) => visitor.visit_enum(text.as_str().into_deserializer()),
            Value::Bool(value) => visitor.visit_enum(value.to_string().into_deserializer()),
            Value::Map(rows) => match rows.as_slice() {
                [(key, value)] => visitor.visit_enum(OneVariant { key: self.at(key), value: self.at(value) }),
                _ => Err(de::Error::custom("expected exactly one key here")),
            },
            Value::Null | Value::Int(_) | Value::Float(_) | Value::List(_) => self.any(visitor),
        }
    }
}

impl<'n> Deserializer<'n> for NodeReader<'n> {
    type Error = Failed;

    fn deserialize_any<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Failed> {
        self.located(self.any(visitor))
    }

    fn deserialize_option<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Failed> {
        match &self.node.value {
            Value::Null => visitor.visit_none(),
            Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) | Value::List(_) | Value::Map(_) => {
                self.located(visitor.visit_some(self))
            }
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'n>>(self, name: &'static str, visitor: V) -> Result<V::Value, Failed> {
        if name == KEY_MARKER {
            visitor.visit_seq(Placed { reader: self, step: 0 })
        } else {
            self.located(visitor.visit_newtype_struct(self))
        }
    }

    fn deserialize_struct<V: Visitor<'n>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failed> {
        self.located(self.fields(fields, visitor))
    }

    fn deserialize_enum<V: Visitor<'n>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failed> {
        self.located(self.variant(visitor))
    }

    fn deserialize_ignored_any<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Failed> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        <V: Visitor<'n>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier
    }
}

/// Line, column and value, for [`Key`].
struct Placed<'n> {
    reader: NodeReader<'n>,
    step: u8,
}

impl<'n> SeqAccess<'n> for Placed<'n> {
    type Error = Failed;

    fn next_element_seed<S: DeserializeSeed<'n>>(&mut self, seed: S) -> Result<Option<S::Value>, Failed> {
        self.step = self.step.saturating_add(1);
        match self.step {
            1 => seed.deserialize(self.reader.node.place.line.into_deserializer()).map(Some),
            2 => seed.deserialize(self.reader.node.place.column.into_deserializer()).map(Some),
            3 => self.reader.located(seed.deserialize(self.reader)).map(Some),
            _ => Ok(None),
        }
    }
}

struct Items<'n> {
    reader: NodeReader<'n>,
    items: std::slice::Iter<'n, Node>,
}

impl<'n> SeqAccess<'n> for Items<'n> {
    type Error = Failed;

    fn next_element_seed<S: DeserializeSeed<'n>>(&mut self, seed: S) -> Result<Option<S::Value>, Failed> {
        self.items.next().map(|item| seed.deserialize(self.reader.at(item))).transpose()
    }
}

struct Rows<'n> {
    reader: NodeReader<'n>,
    rows: std::slice::Iter<'n, (Node, Node)>,
    fields: Option<&'static [&'static str]>,
    value: Option<&'n Node>,
}

impl<'n> MapAccess<'n> for Rows<'n> {
    type Error = Failed;

    fn next_key_seed<S: DeserializeSeed<'n>>(&mut self, seed: S) -> Result<Option<S::Value>, Failed> {
        for (key, value) in self.rows.by_ref() {
            let known = match (self.fields, &key.value) {
                (None, _) => true,
                (Some(fields), Value::Text(name)) => fields.contains(&name.as_str()),
                (Some(_), _) => false,
            };
            if known {
                self.value = Some(value);
                return seed.deserialize(self.reader.at(key)).map(Some);
            }
        }
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'n>>(&mut self, seed: S) -> Result<S::Value, Failed> {
        let value = self.value.take().ok_or_else(|| <Failed as de::Error>::custom("a value without a key"))?;
        seed.deserialize(self.reader.at(value))
    }
}

/// A map with one key, read as an enum variant with content.
struct OneVariant<'n> {
    key: NodeReader<'n>,
    value: NodeReader<'n>,
}

impl<'n> de::EnumAccess<'n> for OneVariant<'n> {
    type Error = Failed;
    type Variant = NodeReader<'n>;

    fn variant_seed<S: DeserializeSeed<'n>>(self, seed: S) -> Result<(S::Value, NodeReader<'n>), Failed> {
        Ok((seed.deserialize(self.key)?, self.value))
    }
}

impl<'n> de::VariantAccess<'n> for NodeReader<'n> {
    type Error = Failed;

    fn unit_variant(self) -> Result<(), Failed> {
        self.located(Err(de::Error::custom("this word takes no settings of its own")))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'n>>(self, seed: S) -> Result<S::Value, Failed> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'n>>(self, _len: usize, visitor: V) -> Result<V::Value, Failed> {
        self.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'n>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Failed> {
        self.located(self.fields(fields, visitor))
    }
}

#[cfg(test)]
mod tests;
