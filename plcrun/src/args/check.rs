//! Arguments of `plcrun check`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// `plcrun check`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    plcrun check star_delta.ld                            one program on the map beside it\n  \
    plcrun check programs/                                every program of a folder, each with its map\n  \
    plcrun check programs/ --format sarif -o check.sarif  for code scanning\n  \
    plcrun check star_delta.ld --cost                     and what a scan costs at most\n\n\
    Rules are set in plcrun.yaml; docs/rules.md lists them and `plcrun explain CODE` explains one.\n\
    Exit codes: 0 clean, 1 findings (errors or warnings), 2 wrong use.")]
pub struct CheckArgs {
    /// Source files of one program, one image, or folders that are searched for programs.
    #[arg(required = true, value_name = "PATH")]
    pub files: Vec<PathBuf>,
    /// I/O map; without it NAME.io.yaml beside the program.
    #[arg(long, value_name = "MAP")]
    pub io: Option<PathBuf>,
    /// How findings are written.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// One JSON object per finding and line: short for `--format json`.
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
    /// Write the findings to a file instead of standard output.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Hide the findings of this baseline file.
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Write the baseline file anew with what is found now.
    #[arg(long)]
    pub write_baseline: bool,
    /// Also say what each task costs at most: instructions, units of the scan budget, and microseconds of this machine.
    #[arg(long)]
    pub cost: bool,
    /// What instructions cost, as `plcrun bench --calibrate` wrote it; measured now otherwise, which takes a moment.
    #[arg(long, value_name = "FILE", requires = "cost")]
    pub calibration: Option<PathBuf>,
}

/// How findings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// One object per finding and line.
    Json,
    /// SARIF 2.1.0, for code scanning and editors.
    Sarif,
    /// Workflow commands of GitHub.
    Github,
    /// Code quality report of GitLab.
    Gitlab,
}

impl CheckArgs {
    /// The check of everything under a folder, for people.
    #[must_use]
    pub const fn of(files: Vec<PathBuf>) -> Self {
        Self {
            files,
            io: None,
            format: Format::Text,
            json: false,
            output: None,
            baseline: None,
            write_baseline: false,
            cost: false,
            calibration: None,
        }
    }

    /// The format asked for.
    #[must_use]
    pub fn form(&self) -> Format {
        if self.json { Format::Json } else { self.format }
    }
}
