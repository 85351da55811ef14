//! What cannot be proved because it is not modelled: named, with its place.

use compiler::source::Span;
use std::fmt;

/// Something that is not modelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What it is.
    pub what: String,
    /// Where it stands, unless in the library.
    pub span: Option<Span>,
}

impl Refusal {
    /// Without a place.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), span: None }
    }

    /// With a place, where it is one of the project.
    #[must_use]
    pub fn at(self, origin: Option<compiler::ir::Origin>) -> Self {
        Self { span: origin.filter(|o| !o.library).map(|o| o.span), ..self }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Refusal {}
