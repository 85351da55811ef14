//! Arguments of `plcrun bench`.

use super::{EngineChoice, positive_duration};
use clap::{Args, ValueEnum};
use relay::quantity::Duration;
use std::path::PathBuf;

/// `plcrun bench`.
#[derive(Args, Debug)]
#[command(
    override_usage = "plcrun bench [OPTIONS] FILE...",
    after_help = "Examples:\n  \
        plcrun bench pump.ld --seconds 60 --load cpu             scan times, and wake-up latency under load\n  \
        plcrun bench pump.ld --io cabinet.yaml --seconds 600     the lines of a cabinet too; every load stays off\n  \
        plcrun bench pump.ld --period 1ms --svg pump.svg         with a picture of the distributions\n  \
        plcrun bench pump.ld --calibrate box.json                what instructions cost here, for `plcrun check --cost`\n\n\
        Run it as the user the program runs as: what is not permitted to it is told, and the figures are those without it.\n\
        Exit codes: 0 measured, 1 the program or map has errors, 2 wrong use."
)]
pub struct BenchArgs {
    /// Source files (.ld, .st) of one program, or one image (.plcb).
    #[arg(required_unless_present = "as_load", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// I/O map; without it NAME.io.yaml beside the program, else the simulated rack.
    #[arg(long, value_name = "MAP")]
    pub io: Option<PathBuf>,
    /// Measure this engine only; every one of this build otherwise.
    #[arg(long, value_enum)]
    pub engine: Option<EngineChoice>,
    /// How long wake-up latency is measured, in seconds; 0 leaves it out.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub seconds: u32,
    /// What else the box does meanwhile.
    #[arg(long, value_enum, default_value_t = LoadKind::None)]
    pub load: LoadKind,
    /// Time between two scans; the program's own otherwise. 100us to 10s.
    #[arg(long, value_name = "DURATION", value_parser = positive_duration)]
    pub period: Option<Duration>,
    /// Scans with random inputs that each engine is measured with.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(100..))]
    pub scans: u32,
    /// Where the random inputs begin: the same number gives the same inputs.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// One JSON object instead of tables.
    #[arg(long)]
    pub json: bool,
    /// Write the distributions as a picture.
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Write what instructions of each class cost on this machine, for `plcrun check --cost --calibration FILE`.
    #[arg(long, value_name = "FILE")]
    pub calibrate: Option<PathBuf>,
    /// Be a load until standard input ends; what `--load` starts.
    #[arg(long, value_enum, hide = true)]
    pub as_load: Option<LoadKind>,
}

/// What else the box does while wake-up latency is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LoadKind {
    /// Nothing that plcrun starts.
    None,
    /// A process for each CPU that calculates without a pause.
    Cpu,
    /// A process for each CPU that writes files and waits for the medium.
    Io,
    /// A process for each CPU that fills, copies and gives back memory.
    Memory,
}

impl LoadKind {
    /// The word of the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Cpu => "cpu",
            Self::Io => "io",
            Self::Memory => "memory",
        }
    }
}
