//! Arguments of `plcrun prove`.

use super::positive_duration;
use clap::{Args, ValueEnum};
use prove::guard::wired::Contacts;
use relay::quantity::Duration;
use std::path::PathBuf;

/// Longest time for one property where nobody says: what a person waits for.
const TIME_LIMIT: Duration = Duration::from_ms(30_000);

/// `plcrun prove`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    plcrun prove programs/forward_reverse.ld               one program on the map beside it\n  \
    plcrun prove programs/                                 every program of a folder\n  \
    plcrun prove programs/forward_reverse.ld --only never-both --write /tmp/ways\n  \
    plcrun prove programs/star_delta.ld --only contact --contacts typical\n\n\
    Exit codes: 0 all proved, 1 something refuted or hollow, 2 wrong use, 4 something unknown.")]
pub struct ProveArgs {
    /// Source files of one program, or folders that are searched for programs.
    #[arg(required = true, value_name = "PATH")]
    pub files: Vec<PathBuf>,
    /// I/O map; without it NAME.io.yaml beside the program. It gives the scan period and the interlock groups.
    #[arg(long, value_name = "MAP")]
    pub io: Option<PathBuf>,
    /// File of properties; without it NAME.properties.yaml beside the program, where there is one.
    #[arg(long, value_name = "FILE")]
    pub properties: Option<PathBuf>,
    /// Ask only the property of this name; where there is none, those with this in their name.
    #[arg(long, value_name = "ID")]
    pub only: Option<String>,
    /// Contacts that properties are about which name relays and do not say it.
    #[arg(long, value_enum, default_value_t = ContactsArg::Worst)]
    pub contacts: ContactsArg,
    /// Longest time for one property.
    #[arg(long, value_name = "DURATION", default_value_t = TIME_LIMIT, value_parser = positive_duration)]
    pub time_limit: Duration,
    /// Memory of the process, in MiB, beyond which what is being asked ends as unknown. Default: no limit.
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(32..))]
    pub memory_limit: Option<u32>,
    /// How many properties are asked at a time; each takes two threads. Default: half of the processors.
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// Draw timing diagrams with ASCII characters only.
    #[arg(long)]
    pub ascii: bool,
    /// Folder to write each way to break (or reach) a property into: as a timeline test with its I/O map, and drawn as SVG.
    #[arg(long, value_name = "DIR")]
    pub write: Option<PathBuf>,
    /// File to write the proofs into, as JSON.
    #[arg(long, value_name = "FILE")]
    pub certificate: Option<PathBuf>,
    /// File to write the question into in the AIGER format, for other model checkers; needs `--only` to name one property.
    #[arg(long, value_name = "FILE", requires = "only")]
    pub aiger: Option<PathBuf>,
    /// Write what does not hold, or is not known, as SARIF 2.1.0.
    #[arg(long, value_name = "FILE")]
    pub sarif: Option<PathBuf>,
    /// Write every answer as JUnit XML.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Write what does not hold, or is not known, as a code quality report of GitLab.
    #[arg(long, value_name = "FILE")]
    pub gitlab: Option<PathBuf>,
    /// One JSON object per property and line.
    #[arg(long)]
    pub json: bool,
}

/// Kinds of contacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ContactsArg {
    /// Any delay up to the longest with margin, bounce included; read-backs may say anything.
    Worst,
    /// The typical times of the data sheet; read-backs follow their contacts.
    Typical,
}

impl From<ContactsArg> for Contacts {
    fn from(word: ContactsArg) -> Self {
        match word {
            ContactsArg::Worst => Self::Worst,
            ContactsArg::Typical => Self::Typical,
        }
    }
}

impl ProveArgs {
    /// Every property of everything under these paths, in the time of the command's default.
    #[must_use]
    pub const fn of(files: Vec<PathBuf>) -> Self {
        Self {
            files,
            io: None,
            properties: None,
            only: None,
            contacts: ContactsArg::Worst,
            time_limit: TIME_LIMIT,
            memory_limit: None,
            jobs: None,
            ascii: false,
            write: None,
            certificate: None,
            aiger: None,
            sarif: None,
            junit: None,
            gitlab: None,
            json: false,
        }
    }
}
