//! Arguments of `plcrun ci`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// `plcrun ci`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    plcrun ci                                    everything under this folder\n  \
    plcrun ci plant/ --reports reports           ... with reports for people and machines\n  \
    plcrun ci --only format --only check         what a commit hook wants\n\n\
    All steps are run, also after one that failed. The section `ci` of plcrun.yaml says which steps a project takes.\n\
    Exit codes: 0 all passed, 1 findings or failed tests, 2 wrong use.")]
pub struct CiArgs {
    /// The project's folder.
    #[arg(value_name = "FOLDER", default_value = ".")]
    pub folder: PathBuf,
    /// Folder for the reports: check.sarif, check.gitlab.json, junit.xml, prove.sarif, prove.junit.xml,
    /// report.html, coverage.lcov, summary.md, summary.json.
    #[arg(long, value_name = "FOLDER")]
    pub reports: Option<PathBuf>,
    /// Only these steps. May be repeated.
    #[arg(long, value_name = "STEP", value_enum)]
    pub only: Vec<CiStep>,
}

/// A step of `plcrun ci`, in the order they run in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum CiStep {
    /// Sources are in canonical form.
    Format,
    /// Rules over programs and their I/O maps.
    Check,
    /// Timeline tests.
    Test,
    /// Proofs of every program's properties; what is not known fails too.
    Prove,
    /// Mistakes put into programs are noticed by their tests; only where `ci: mutants` or --only asks for it.
    Mutate,
}

impl CiStep {
    /// Every step, in order.
    pub const ALL: [Self; 5] = [Self::Format, Self::Check, Self::Test, Self::Prove, Self::Mutate];

    /// As on the command line and in the settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::Check => "check",
            Self::Test => "test",
            Self::Prove => "prove",
            Self::Mutate => "mutate",
        }
    }
}
