//! The `check:` section of `plcrun.yaml`: which findings count how, options of rules, the baseline file.
//!
//! Whoever reads the file hands over the node of the section; mistakes come back with line and column.

use crate::codes;
use crate::finding::Severity;
use crate::rule::{OptionDefault, Rule};
use crate::rules;
use bytecode::near::did_you_mean;
use runtime::config::yaml::{Node, Problem, ProblemKind, Value};
use std::collections::BTreeMap;

/// The settings of a check.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CheckSettings {
    /// By code.
    pub rules: BTreeMap<&'static str, RuleSetting>,
    /// The baseline file, relative to the settings file.
    pub baseline: Option<String>,
}

/// What is set for a code.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleSetting {
    /// How its findings count; `None`: as the code says.
    pub level: Option<Level>,
    /// Options by name.
    pub options: BTreeMap<&'static str, OptionValue>,
}

/// How findings of a code count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Not at all.
    Off,
    /// So.
    As(Severity),
}

/// The value of an option.
#[derive(Clone, Debug)]
pub enum OptionValue {
    /// A whole number.
    Number(u64),
    /// A pattern, ready to match the whole text.
    Pattern(String, regex_lite::Regex),
}

impl PartialEq for OptionValue {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a == b,
            (Self::Pattern(a, _), Self::Pattern(b, _)) => a == b,
            (Self::Number(_), Self::Pattern(..)) | (Self::Pattern(..), Self::Number(_)) => false,
        }
    }
}

/// The options of one rule: what is set, else the defaults.
#[derive(Clone, Debug)]
pub struct RuleOptions {
    values: BTreeMap<&'static str, OptionValue>,
}

impl RuleOptions {
    /// A number; 0 where the rule has no such option.
    #[must_use]
    pub fn number(&self, name: &str) -> u64 {
        match self.values.get(name) {
            Some(OptionValue::Number(number)) => *number,
            Some(OptionValue::Pattern(..)) | None => 0,
        }
    }

    /// Does a text match a pattern? Everything does where the rule has no such option.
    #[must_use]
    pub fn matches(&self, name: &str, text: &str) -> bool {
        match self.values.get(name) {
            Some(OptionValue::Pattern(_, pattern)) => pattern.is_match(text),
            Some(OptionValue::Number(_)) | None => true,
        }
    }

    /// A pattern as written.
    #[must_use]
    pub fn pattern(&self, name: &str) -> &str {
        match self.values.get(name) {
            Some(OptionValue::Pattern(text, _)) => text,
            Some(OptionValue::Number(_)) | None => "",
        }
    }
}

/// A pattern for the whole text.
fn pattern(text: &str) -> Result<OptionValue, String> {
    match regex_lite::Regex::new(&format!("^(?:{text})$")) {
        Ok(regex) => Ok(OptionValue::Pattern(text.to_owned(), regex)),
        Err(error) => Err(error.to_string()),
    }
}

impl CheckSettings {
    /// The options of a rule.
    #[must_use]
    pub fn options(&self, rule: &Rule) -> RuleOptions {
        let set = self.rules.get(rule.code);
        let value = |option: &crate::rule::RuleOption| {
            let set = set.and_then(|s| s.options.get(option.name)).cloned();
            let default = || match option.default {
                OptionDefault::Number(number) => Some(OptionValue::Number(number)),
                // The table's own patterns are tried by a test.
                OptionDefault::Pattern(text) => pattern(text).ok(),
            };
            Some((option.name, set.or_else(default)?))
        };
        RuleOptions { values: rule.options.iter().filter_map(value).collect() }
    }

    /// How findings of a code count; `None`: they are switched off.
    #[must_use]
    pub fn severity(&self, code: &str, own: Severity, on: bool) -> Option<Severity> {
        match self.rules.get(code).and_then(|s| s.level) {
            Some(Level::Off) => None,
            Some(Level::As(severity)) => Some(severity),
            // Options alone are set for a rule that shall run.
            None => (on || self.rules.contains_key(code)).then_some(own),
        }
    }

    /// Reads the section.
    #[must_use]
    pub fn read(node: &Node) -> (Self, Vec<Problem>) {
        let mut reader = Reader { problems: Vec::new() };
        let mut settings = Self::default();
        for (key, value) in reader.fields(node, "check", &["rules", "baseline"]) {
            match key.value.word().as_ref() {
                "rules" => settings.rules = reader.rules(value),
                _ => settings.baseline = reader.text(value, "`baseline` is the name of a file"),
            }
        }
        (settings, reader.problems)
    }
}

struct Reader {
    problems: Vec<Problem>,
}

impl Reader {
    fn bad(&mut self, node: &Node, message: impl Into<String>, remedy: impl Into<String>) {
        let (message, remedy) = (message.into(), remedy.into());
        self.problems.push(Problem { kind: ProblemKind::Value, place: node.place, message, remedy });
    }

    /// The known entries of a mapping; reports the others.
    fn fields<'n>(&mut self, node: &'n Node, what: &str, known: &[&str]) -> Vec<(&'n Node, &'n Node)> {
        let rows = match &node.value {
            Value::Map(rows) => rows.as_slice(),
            Value::Null => &[],
            _ => {
                let message = format!("`{what}` is a mapping of keys to values, here stands {}", node.value.kind());
                self.bad(node, message, format!("its keys are {}", known.join(", ")));
                &[]
            }
        };
        let mut found = Vec::new();
        for (key, value) in rows {
            let name = key.value.word();
            if known.contains(&name.as_ref()) {
                found.push((key, value));
            } else {
                let hint = did_you_mean(&name, known.iter().copied());
                let (kind, place) = (ProblemKind::UnknownKey, key.place);
                let remedy = format!("known here: {}", known.join(", "));
                let message = format!("`{what}` has no key `{name}`{hint}");
                self.problems.push(Problem { kind, place, message, remedy });
            }
        }
        found
    }

    fn text(&mut self, node: &Node, what: &str) -> Option<String> {
        if let Value::Text(text) = &node.value {
            return Some(text.clone());
        }
        self.bad(node, format!("{what}, here stands {}", node.value.kind()), "");
        None
    }

    fn rules(&mut self, node: &Node) -> BTreeMap<&'static str, RuleSetting> {
        let mut settings = BTreeMap::new();
        let Value::Map(rows) = &node.value else {
            let message = format!("`rules` maps codes to settings, here stands {}", node.value.kind());
            self.bad(node, message, "write for example `rules: { K113: off }`");
            return settings;
        };
        for (key, value) in rows {
            let word = key.value.word();
            let Some(known) = codes::find(&word) else {
                let hint = did_you_mean(&word.to_uppercase(), codes::all());
                let (kind, place) = (ProblemKind::UnknownKey, key.place);
                let message = format!("there is no code `{word}`{hint}");
                let remedy = "docs/rules.md lists the rules of `check`".to_owned();
                self.problems.push(Problem { kind, place, message, remedy });
                continue;
            };
            if !known.is_negotiable() {
                let message = format!("{} is an error of every program and cannot be set", known.code);
                self.bad(key, message, "mend what it finds, and take this entry out");
                continue;
            }
            if let Some(setting) = self.rule(known.code, value)
                && settings.insert(known.code, setting).is_some()
            {
                self.bad(key, format!("{} is set twice", known.code), "keep one of the two entries");
            }
        }
        settings
    }

    fn rule(&mut self, code: &str, node: &Node) -> Option<RuleSetting> {
        if let Value::Text(_) | Value::Bool(_) = &node.value {
            return Some(RuleSetting { level: Some(self.level(node)?), options: BTreeMap::new() });
        }
        let options = rules::find(code).map_or(&[][..], |rule| rule.options);
        let known: Vec<&str> = std::iter::once("severity").chain(options.iter().map(|o| o.name)).collect();
        let mut setting = RuleSetting::default();
        for (key, value) in self.fields(node, code, &known) {
            let name = key.value.word();
            match options.iter().find(|o| o.name == name) {
                Some(option) => {
                    if let Some(set) = self.option(option.default, value) {
                        setting.options.insert(option.name, set);
                    }
                }
                None => setting.level = self.level(value),
            }
        }
        Some(setting)
    }

    fn level(&mut self, node: &Node) -> Option<Level> {
        match node.value.word().as_ref() {
            "off" => Some(Level::Off),
            "note" => Some(Level::As(Severity::Note)),
            "warning" => Some(Level::As(Severity::Warning)),
            "error" => Some(Level::As(Severity::Error)),
            other => {
                let hint = did_you_mean(other, ["off", "note", "warning", "error"]);
                self.bad(node, format!("`{other}` is no severity{hint}"), "write off, note, warning or error");
                None
            }
        }
    }

    fn option(&mut self, default: OptionDefault, node: &Node) -> Option<OptionValue> {
        match (default, &node.value) {
            (OptionDefault::Number(_), Value::Int(number)) => match u64::try_from(*number) {
                Ok(number) => Some(OptionValue::Number(number)),
                Err(_) => {
                    self.bad(node, "a whole number of 0 or more is wanted here", "");
                    None
                }
            },
            (OptionDefault::Pattern(_), Value::Text(text)) => match pattern(text) {
                Ok(value) => Some(value),
                Err(why) => {
                    self.bad(
                        node,
                        format!("`{text}` is no pattern: {why}"),
                        "write a regular expression, such as `[a-z_]+`",
                    );
                    None
                }
            },
            (OptionDefault::Number(_), other) => {
                self.bad(node, format!("a whole number is wanted here, not {}", other.kind()), "");
                None
            }
            (OptionDefault::Pattern(_), other) => {
                self.bad(
                    node,
                    format!("a regular expression is wanted here, not {}", other.kind()),
                    "put it in quotes",
                );
                None
            }
        }
    }
}
