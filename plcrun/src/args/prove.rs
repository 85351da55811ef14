//! Arguments of `plcrun prove`.

use super::positive_duration;
use clap::Args;
use relay::quantity::Duration;
use std::path::PathBuf;

/// Longest time for one property where nobody says: what a person waits for.
const TIME_LIMIT: Duration = Duration::from_ms(30_000);

/// `plcrun prove`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    plcrun prove programs/forward_reverse.ld\n  \
    plcrun prove programs/forward_reverse.ld --only never-both --write /tmp\n\n\
    Exit codes: 0 all proved, 1 something refuted or hollow, 2 wrong use, 4 something unknown.")]
pub struct ProveArgs {
    /// Source files of one program.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// I/O map; without it NAME.io.yaml beside the program. It gives the scan period and the interlock groups.
    #[arg(long, value_name = "MAP")]
    pub io: Option<PathBuf>,
    /// File of properties; without it NAME.properties.yaml beside the program, where there is one.
    #[arg(long, value_name = "FILE")]
    pub properties: Option<PathBuf>,
    /// Ask only properties with this in their name.
    #[arg(long, value_name = "ID")]
    pub only: Option<String>,
    /// Longest time for one property.
    #[arg(long, value_name = "DURATION", default_value_t = TIME_LIMIT, value_parser = positive_duration)]
    pub time_limit: Duration,
    /// Folder to write each way to break (or reach) a property into, as a timeline test with its I/O map.
    #[arg(long, value_name = "DIR")]
    pub write: Option<PathBuf>,
    /// File to write the proofs into, as JSON.
    #[arg(long, value_name = "FILE")]
    pub certificate: Option<PathBuf>,
    /// File to write the question into in the AIGER format, for other model checkers; needs `--only` to name one property.
    #[arg(long, value_name = "FILE", requires = "only")]
    pub aiger: Option<PathBuf>,
    /// One JSON object per property and line.
    #[arg(long)]
    pub json: bool,
}

impl ProveArgs {
    /// Every property of a program on its map, in the time of the command's default.
    #[must_use]
    pub const fn all_of(files: Vec<PathBuf>, io: Option<PathBuf>) -> Self {
        Self {
            files,
            io,
            properties: None,
            only: None,
            time_limit: TIME_LIMIT,
            write: None,
            certificate: None,
            aiger: None,
            json: false,
        }
    }
}
