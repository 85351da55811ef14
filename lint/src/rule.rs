//! What a rule is: a row of the table that makes the checks, `plcrun explain`, docs/rules.md and the rules of SARIF files.

use crate::config::RuleOptions;
use crate::context::Context;
use crate::finding::Severity;
use compiler::source::Span;
use runtime::config::Place;

/// One rule. Codes are stable: a retired number is not used again.
#[derive(Debug)]
pub struct Rule {
    /// `K1..` programs, `K2..` ladders, `K3..` relays and the I/O map, `K9..` the check itself.
    pub code: &'static str,
    /// Where the settings say nothing.
    pub severity: Severity,
    /// Runs where the settings say nothing.
    pub on: bool,
    /// A few words that name the finding.
    pub title: &'static str,
    /// What it means and why it matters; where it stays silent.
    pub explanation: &'static str,
    /// What to do.
    pub fix: &'static str,
    /// What can be set in `plcrun.yaml`.
    pub options: &'static [RuleOption],
    /// Texts with and without the finding.
    pub examples: &'static [Example],
    /// How it is found.
    pub check: Check,
}

/// How a rule's findings are made.
#[derive(Clone, Copy, Debug)]
pub enum Check {
    /// By looking at the program, and at its map where it has one.
    Program(fn(&Context<'_>, &RuleOptions, &mut Vec<Draft>)),
    /// By looking at the program on its map; not run without one.
    Map(fn(&Context<'_>, &RuleOptions, &mut Vec<Draft>)),
    /// By the check itself, while it applies pragmas and the baseline.
    Framework,
}

/// A setting of a rule.
#[derive(Debug)]
pub struct RuleOption {
    /// Its key.
    pub name: &'static str,
    /// What it is where the settings say nothing.
    pub default: OptionDefault,
    /// What it does.
    pub meaning: &'static str,
}

/// The kinds of settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OptionDefault {
    /// A whole number.
    Number(u64),
    /// A regular expression that must match the whole text.
    Pattern(&'static str),
}

/// A text that shows a rule.
///
/// In a rejected one each finding's first character stands behind a `«`; the marks are no part of the text.
#[derive(Debug)]
pub struct Example {
    /// Is the rule broken?
    pub rejected: bool,
    /// The program.
    pub program: &'static str,
    /// Its I/O map; empty: it has none.
    pub map: &'static str,
}

impl Example {
    /// A program that the rule accepts.
    #[must_use]
    pub const fn accepted(program: &'static str) -> Self {
        Self { rejected: false, program, map: "" }
    }

    /// A program that the rule rejects.
    #[must_use]
    pub const fn rejected(program: &'static str) -> Self {
        Self { rejected: true, program, map: "" }
    }

    /// The same on an I/O map.
    #[must_use]
    pub const fn on(self, map: &'static str) -> Self {
        Self { map, ..self }
    }
}

/// Where a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// In the program's texts.
    Source(Span),
    /// In the I/O map.
    Map(Place),
}

/// A finding as a rule makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Where.
    pub at: At,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// A remark beside the mark.
    pub label: String,
    /// Other places that matter.
    pub also: Vec<(At, String)>,
    /// Facts that explain it.
    pub notes: Vec<String>,
    /// What to do; without one the rule's fix is printed.
    pub helps: Vec<String>,
}

impl Draft {
    /// A finding in the program.
    #[must_use]
    pub fn new(span: Span, message: impl Into<String>) -> Self {
        Self::at(At::Source(span), message)
    }

    /// A finding in the map.
    #[must_use]
    pub fn in_map(place: Place, message: impl Into<String>) -> Self {
        Self::at(At::Map(place), message)
    }

    /// A finding at a place.
    #[must_use]
    pub fn at(at: At, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { at, message, label: String::new(), also: Vec::new(), notes: Vec::new(), helps: Vec::new() }
    }

    /// Puts a remark beside the mark.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.label = text.into();
        self
    }

    /// Adds another place of the program.
    #[must_use]
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.also.push((At::Source(span), text.into()));
        self
    }

    /// Adds a place of the map.
    #[must_use]
    pub fn also_in_map(mut self, place: Place, text: impl Into<String>) -> Self {
        self.also.push((At::Map(place), text.into()));
        self
    }

    /// Adds an explaining fact.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Says what to do in this case.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.helps.push(text.into());
        self
    }
}
