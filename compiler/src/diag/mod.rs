//! Diagnostics: what is wrong with a program, where, and how to mend it.
//!
//! Owns the [`Diagnostic`] every stage of the compiler reports, the table of codes ([`Code`], in `codes.rs`), the
//! rustc-style rendering ([`render`]) and the reference page docs/diagnostics.md ([`reference_markdown`]).
//! A diagnostic is data: machines take code, place and text from it ([`Diagnostic::place`]), people the rendering.

mod codes;
mod render;

pub use codes::{Code, Severity, reference_markdown};
pub use render::{Grade, SHOWN_MAX, Shown, Style, render, render_all, render_shown};

use crate::source::{LineColumn, SourceMap, Span};

/// A place with a short remark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// The remark beside the mark; may be empty.
    pub text: String,
}

/// One finding about a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The stable code; it decides whether this is an error or a warning.
    pub code: Code,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// The place the finding is about.
    pub primary: Label,
    /// Other places that matter.
    pub secondary: Vec<Label>,
    /// Facts that explain the finding.
    pub notes: Vec<String>,
    /// What to do.
    pub helps: Vec<String>,
}

impl Diagnostic {
    /// A finding at a place.
    #[must_use]
    pub fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            primary: Label { span, text: String::new() },
            secondary: Vec::new(),
            notes: Vec::new(),
            helps: Vec::new(),
        }
    }

    /// Puts a remark beside the mark of the primary place.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.primary.text = text.into();
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.secondary.push(Label { span, text: text.into() });
        self
    }

    /// Adds an explaining fact.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Adds what to do.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.helps.push(text.into());
        self
    }

    /// Error or warning.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }

    /// True for an error: no image is made.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity() == Severity::Error
    }

    /// File name, line and column of the primary place, for machine-readable output.
    #[must_use]
    pub fn place<'a>(&self, map: &'a SourceMap) -> Option<(&'a str, LineColumn)> {
        map.place(self.primary.span)
    }
}

/// A pragma `{allow CODE "reason"}`: the finding with this code is meant where it stands.
///
/// The code may be one of another room (a rule of `plcrun check`), which then applies it and judges whether it exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// The code in capital letters.
    pub code: String,
    /// Why the finding is meant; never empty.
    pub reason: String,
    /// The pragma.
    pub pragma: Span,
    /// The rung, statement, declaration, section or unit it stands before.
    pub covers: Span,
}

impl Allowance {
    /// Does it hold at this place?
    #[must_use]
    pub fn reaches(&self, at: Span) -> bool {
        self.covers.file == at.file && self.covers.start <= at.start && at.end <= self.covers.end
    }
}

/// A finding that a pragma allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppressed {
    /// The finding.
    pub diagnostic: Diagnostic,
    /// Position of the pragma in the list of allowances.
    pub allowance: usize,
}

/// True if any of them is an error.
#[must_use]
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(Diagnostic::is_error)
}
