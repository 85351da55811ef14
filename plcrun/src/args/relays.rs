//! Arguments of `plcrun relays`.

use clap::Args;
use std::path::PathBuf;

/// `plcrun relays`.
#[derive(Args, Debug)]
#[command(
    after_help = "Counts come from the program's state directory, also while it runs; without one they are unknown.\n\
        Exit codes: 0 listed, 1 findings in program, map or store, 2 wrong use."
)]
pub struct RelaysArgs {
    /// Source files of one program, or one image.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// I/O map; without it NAME.io.yaml beside the program.
    #[arg(long, value_name = "MAP")]
    pub io: Option<PathBuf>,
    /// State directory of the program; without it the one a run would use.
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// One JSON object with everything.
    #[arg(long)]
    pub json: bool,
}
