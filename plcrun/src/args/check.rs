//! Arguments of `plcrun check`.

use clap::Args;
use std::path::PathBuf;

/// `plcrun check`.
#[derive(Args, Debug)]
#[command(after_help = "Exit codes: 0 clean, 1 findings (errors or warnings), 2 wrong use.")]
pub struct CheckArgs {
    /// Source files of one program, or one image.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// I/O map; without it NAME.io.yaml beside the program.
    #[arg(long, value_name = "MAP")]
    pub io: Option<PathBuf>,
    /// One JSON object per finding and line.
    #[arg(long)]
    pub json: bool,
}
