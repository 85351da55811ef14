//! Arguments of `plcrun test`.

use super::EngineChoice;
use clap::Args;
use std::path::PathBuf;

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
    /// How the code is run: every engine gives the same results.
    #[arg(long, value_enum, default_value_t = EngineChoice::Native)]
    pub engine: EngineChoice,
    /// Only failures and the closing line.
    #[arg(long, short)]
    pub quiet: bool,
}
