//! Arguments of `plcrun mutate`.

use clap::Args;
use std::path::PathBuf;

/// `plcrun mutate`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
        plcrun mutate programs/                                   every program the folder's tests run\n  \
        plcrun mutate pump.test.yaml --at-least 85                end with code 1 below 85 %\n\n\
        A mutant is killed when a test fails or a property of the program no longer holds. One that survives is a mistake\n\
        nobody would notice: write the test or the property that does. Not counted: mutants that do not compile, and those\n\
        whose code is the original's. Exit codes: 0 reached, 1 below --at-least, 2 wrong use.")]
pub struct MutateArgs {
    /// Timeline files, or folders that are searched for *.test.yaml.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// The least share of mutants that has to be killed, of each program.
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub at_least: u8,
    /// Leave the properties of the programs out: only tests may kill.
    #[arg(long)]
    pub tests_only: bool,
    /// At most so many mutants of each source file, evenly spread over its text.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub sample: Option<u32>,
    /// One JSON object per mutant and line.
    #[arg(long)]
    pub json: bool,
    /// Only the figures.
    #[arg(long, short, conflicts_with = "json")]
    pub quiet: bool,
}
