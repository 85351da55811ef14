//! A finding as it leaves this room, whoever made it.

use compiler::diag::{Grade, Label};

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; changes no exit code.
    Note,
    /// Somebody should look.
    Warning,
    /// It has to be mended.
    Error,
}

impl Severity {
    /// `note`, `warning` or `error`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    /// The heading of the compiler's rendering.
    #[must_use]
    pub const fn grade(self) -> Grade {
        match self {
            Self::Note => Grade::Note,
            Self::Warning => Grade::Warning,
            Self::Error => Grade::Error,
        }
    }
}

/// A part of a text file. Lines and columns count from 1, columns in characters; line 0: no place is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region {
    /// The file as the caller named it; empty where none is known.
    pub file: String,
    /// First line.
    pub line: u32,
    /// First column.
    pub column: u32,
    /// Last line.
    pub end_line: u32,
    /// One past the last column.
    pub end_column: u32,
}

/// Another place that matters, with a remark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// Where.
    pub region: Region,
    /// The remark.
    pub text: String,
}

/// Why a finding is not shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hidden {
    /// A pragma or comment at its place, with this reason.
    Allowed(String),
    /// It stands in the baseline.
    Known,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its stable code.
    pub code: &'static str,
    /// How grave it is here: the code's own severity, or what the settings say.
    pub severity: Severity,
    /// Where.
    pub region: Region,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// Other places that matter.
    pub remarks: Vec<Remark>,
    /// Facts that explain it.
    pub notes: Vec<String>,
    /// What to do.
    pub helps: Vec<String>,
    /// The rung, variable, unit or map entry it is about: what stays the same when lines move.
    pub anchor: String,
    /// What makes it the same finding in another version of the files: of code, file, anchor and message, not of lines.
    pub fingerprint: String,
    /// Why it is not shown; `None` where it is.
    pub hidden: Option<Hidden>,
    /// Its marks in the program's texts, for the compiler's rendering; `None` where it is about another file.
    pub marks: Option<Marks>,
}

/// Marks in the program's texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marks {
    /// The place the finding is about.
    pub primary: Label,
    /// Other places.
    pub secondary: Vec<Label>,
}

impl Finding {
    /// Is it shown?
    #[must_use]
    pub const fn is_shown(&self) -> bool {
        self.hidden.is_none()
    }

    /// The help lines as one text.
    #[must_use]
    pub fn help(&self) -> String {
        self.helps.join("\n")
    }
}
