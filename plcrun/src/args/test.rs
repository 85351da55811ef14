//! Arguments of `plcrun test`.

use super::EngineChoice;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// What `--coverage` shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CoverageForm {
    /// A table for each program, and what was not seen.
    Table,
    /// The ladders as well, in colours.
    Ladder,
}

/// `plcrun test`.
#[derive(Args, Debug)]
#[command(after_help = "Exit codes: 0 all passed, 1 a test failed or a file has mistakes, 2 wrong use.")]
pub struct TestArgs {
    /// Timeline files, or folders that are searched for *.test.yaml.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Run only tests whose name contains this text.
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// Seed of the simulated contact bounce.
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// How the code is run. The results are the same: native code pays where tests run for long, and costs milliseconds for every test.
    #[arg(long, value_enum, default_value_t = EngineChoice::Interpreter)]
    pub engine: EngineChoice,
    /// Only failures and the closing line.
    #[arg(long, short)]
    pub quiet: bool,
    /// How many tests run at a time. Default: one for each processor.
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// Draw timing diagrams with ASCII characters only.
    #[arg(long)]
    pub ascii: bool,
    /// Write one HTML page with everything: summary, failures with their timing diagrams, coverage.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Write JUnit XML for a CI system.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Print the report as JSON instead of text.
    #[arg(long)]
    pub json: bool,
    /// Write every test as a waveform (VCD) into this folder.
    #[arg(long, value_name = "FOLDER")]
    pub vcd: Option<PathBuf>,
    /// Say what of the programs the tests have seen: as a table, or with the ladders in colours.
    #[arg(long, value_name = "FORM", num_args = 0..=1, require_equals = true, default_missing_value = "table")]
    pub coverage: Option<CoverageForm>,
    /// Write the coverage as an lcov tracefile.
    #[arg(long, value_name = "FILE")]
    pub lcov: Option<PathBuf>,
    /// Write the recorded traces of tests with `golden` anew. Look at the difference before you keep it.
    #[arg(long)]
    pub bless: bool,
}

impl TestArgs {
    /// The run of these files with failures and the closing line only.
    #[must_use]
    pub const fn quiet(paths: Vec<PathBuf>) -> Self {
        Self {
            paths,
            filter: None,
            seed: None,
            engine: EngineChoice::Interpreter,
            quiet: true,
            jobs: None,
            ascii: false,
            html: None,
            junit: None,
            json: false,
            vcd: None,
            coverage: None,
            lcov: None,
            bless: false,
        }
    }
}
