//! Exit codes, and the one form in which a command refuses to go on.

use std::fmt;

/// How the process ends. Scripts and services rely on these numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done; nothing to complain about. A run that was stopped in order ends so too.
    Clean,
    /// The program, the I/O map or a test has findings; they have been printed.
    Findings,
    /// The command was used wrongly: arguments that do not exist or do not fit, files that cannot be read or written.
    WrongUse,
    /// The running program met a fault; the outputs are in their safe state.
    Fault,
    /// A question has no answer: a property is neither proved nor refuted.
    Unknown,
}

impl Exit {
    /// The number the shell sees.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Findings => 1,
            Self::WrongUse => 2,
            Self::Fault => 3,
            Self::Unknown => 4,
        }
    }

    /// What a number means that another process of plcrun ended with; one that has no meaning is a fault.
    #[must_use]
    pub const fn of(code: u8) -> Self {
        match code {
            0 => Self::Clean,
            1 => Self::Findings,
            2 => Self::WrongUse,
            _ => Self::Fault,
        }
    }
}

/// Why a command cannot go on: what is wrong, where, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The exit code it leads to.
    pub exit: Exit,
    /// The code under which the documentation has it, such as `L007`; `None` where it has none.
    pub code: Option<&'static str>,
    /// What is wrong and where, without a full stop. Several lines where a report was rendered elsewhere.
    pub what: String,
    /// What to do; empty where `what` says it.
    pub help: String,
}

impl Refusal {
    /// The command was used wrongly.
    pub fn wrong_use(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { exit: Exit::WrongUse, code: None, what: what.into(), help: help.into() }
    }

    /// The program or its I/O map is not acceptable.
    pub fn findings(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { exit: Exit::Findings, code: None, what: what.into(), help: help.into() }
    }

    /// The same under a code of the documentation.
    #[must_use]
    pub fn coded(self, code: &'static str) -> Self {
        Self { code: Some(code), ..self }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "error[{code}]: {}", self.what)?,
            None => write!(f, "error: {}", self.what)?,
        }
        if self.help.is_empty() { Ok(()) } else { write!(f, "\n  help: {}", self.help) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_and_how_to_mend_it() {
        let refusal = Refusal::wrong_use("`x.ld`: there is no such file", "check the name");
        assert_eq!(refusal.to_string(), "error: `x.ld`: there is no such file\n  help: check the name");
        assert_eq!(Refusal::findings("bad", "").to_string(), "error: bad");
        assert_eq!(Refusal::findings("no chip", "").coded("L001").to_string(), "error[L001]: no chip");
    }
}
