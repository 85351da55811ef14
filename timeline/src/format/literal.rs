//! Values: what YAML knows, and what only IEC 61131-3 and the relay guard know.

use super::{Reader, at_node};
use crate::model::{At, Literal, LiteralKind};
use relay::quantity::Duration;
use runtime::config::yaml::{Node, Value};

impl Reader<'_> {
    pub(super) fn literal(&mut self, node: &Node) -> Option<Literal> {
        let at = at_node(node);
        let kind = match &node.value {
            Value::Bool(value) => LiteralKind::Bool(*value),
            Value::Int(value) => LiteralKind::Int(*value),
            Value::Float(value) => LiteralKind::Real(*value),
            Value::Text(text) => self.literal_text(text.trim(), at)?,
            other @ (Value::Null | Value::List(_) | Value::Map(_)) => {
                let message = format!("a value is expected, here stands {}", other.kind());
                self.problem(at, message, "write true, false, a number, a duration such as `T#2s`, or a word");
                return None;
            }
        };
        Some(Literal { kind, at })
    }

    /// A value that YAML does not know: a duration, a number with its base, a word.
    fn literal_text(&mut self, text: &str, at: At) -> Option<LiteralKind> {
        if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") {
            return Some(LiteralKind::Bool(text.eq_ignore_ascii_case("true")));
        }
        if let Some(number) = based_number(text) {
            return Some(LiteralKind::Int(number));
        }
        let is_word = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if is_word {
            return Some(LiteralKind::Word(text.to_owned()));
        }
        let (negative, magnitude) = split_sign(text);
        if let Ok(duration) = magnitude.parse::<Duration>() {
            let ns = i64::try_from(duration.ns).unwrap_or(i64::MAX);
            return Some(LiteralKind::Time(if negative { -ns } else { ns }));
        }
        let help =
            "write true, false, a number, 16#FF, a duration such as `T#2s` or `500 ms`, or a word such as `closed`";
        self.problem(at, format!("`{text}` is not a value"), help);
        None
    }
}

fn split_sign(text: &str) -> (bool, &str) {
    let body =
        text.get(..2).filter(|head| head.eq_ignore_ascii_case("t#")).map_or(text, |_| text.get(2..).unwrap_or(""));
    match body.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    }
}

/// `16#FF`, `2#1010`, `8#17` as in IEC 61131-3.
fn based_number(text: &str) -> Option<i128> {
    let (base, digits) = text.split_once('#')?;
    let radix = match base {
        "2" => 2,
        "8" => 8,
        "16" => 16,
        _ => return None,
    };
    i128::from_str_radix(&digits.replace('_', ""), radix).ok().filter(|number| *number >= 0)
}
