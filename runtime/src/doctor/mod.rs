//! The doctor: looks at a machine and says what would keep a program from running well on it, and what to do.
//!
//! Three steps that do not mix. A [`Machine`] is where answers come from: the machine itself ([`Host`]) or, in tests, a
//! file tree. [`Facts::gather`] asks it, and judges nothing. [`examine`] judges the facts against what is [`Asked`] of the
//! machine, and asks nothing: the same facts always give the same [`Report`].
//!
//! Every [`Finding`] names what was measured, what it leads to and what to do. Its code is a row of one table ([`Code`])
//! that `plcrun explain` and `docs/deployment.md` show, too. A machine that is only less punctual than it could be is never
//! a problem: a problem is what keeps the program from starting, or what makes it lose what it was promised to keep.
//!
//! The doctor changes nothing and requests no line.

mod asked;
mod checks;
mod codes;
mod drivers;
mod facts;
mod machine;

pub use asked::{Asked, AskedMap};
pub use codes::Code;
pub use drivers::{DRIVERS, Driver, Release};
pub use facts::{Chip, Cpus, Facts, Limit, Limits, Storage, StorageKind, User, Watchdog};
pub use machine::{ChipAnswer, Host, Machine, Node, Space};

use std::fmt;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// As it should be.
    Ok,
    /// Worth knowing; nothing needs to be done.
    Note,
    /// Costs punctuality or protection; somebody should decide.
    Warning,
    /// The program does not start on this machine, or loses what it should keep.
    Problem,
}

impl Severity {
    /// All, the mildest first.
    pub const ALL: [Self; 4] = [Self::Ok, Self::Note, Self::Warning, Self::Problem];

    /// The word printed before the code.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// What was measured, in words.
    pub measured: String,
    /// What it leads to; empty when it is as it should be.
    pub consequence: String,
    /// What to do; empty when nothing needs to be done.
    pub remedy: String,
}

impl Finding {
    /// As it should be.
    fn ok(code: Code, measured: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Ok,
            measured: measured.into(),
            consequence: String::new(),
            remedy: String::new(),
        }
    }

    /// Not as it should be: consequence and remedy are those of the code's row until a check knows better.
    fn bad(code: Code, severity: Severity, measured: impl Into<String>) -> Self {
        Self {
            code,
            severity,
            measured: measured.into(),
            consequence: code.consequence().to_owned(),
            remedy: code.remedy().to_owned(),
        }
    }

    /// The same with a consequence of its own.
    #[must_use]
    fn leads_to(self, consequence: impl Into<String>) -> Self {
        Self { consequence: consequence.into(), ..self }
    }

    /// The same with a remedy of its own.
    #[must_use]
    fn remedied_by(self, remedy: impl Into<String>) -> Self {
        Self { remedy: remedy.into(), ..self }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]: {}: {}", self.severity.word(), self.code.code(), self.code.title(), self.measured)?;
        if !self.consequence.is_empty() {
            write!(f, "\n  this means: {}", self.consequence)?;
        }
        if !self.remedy.is_empty() {
            write!(f, "\n  help: {}", self.remedy)?;
        }
        Ok(())
    }
}

/// Everything that was looked at, in the order of the codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The findings.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Number of findings of a severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|f| f.severity == severity).count()
    }

    /// Is there a problem among them?
    #[must_use]
    pub fn has_problems(&self) -> bool {
        self.count(Severity::Problem) > 0
    }
}

/// Judges a machine.
#[must_use]
pub fn examine(facts: &Facts, asked: &Asked) -> Report {
    let mut findings = Vec::new();
    checks::realtime::check(facts, asked, &mut findings);
    checks::cpu::check(facts, asked, &mut findings);
    checks::gpio::check(facts, asked, &mut findings);
    checks::watchdog::check(facts, asked, &mut findings);
    checks::storage::check(facts, asked, &mut findings);
    checks::service::check(facts, &mut findings);
    findings.sort_by_key(|f| f.code);
    Report { findings }
}
