//! Arguments of `plcrun lines`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// `plcrun lines`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
        plcrun lines /dev/shm/cabinet                 what is high, and who holds which line\n  \
        plcrun lines /dev/shm/cabinet --set 6=1       close the stop button's contact on line 6\n  \
        plcrun lines /dev/shm/cabinet --watch         every change with its time and its process\n  \
        plcrun lines /dev/shm/cabinet --fail gone     unplug the chip; `--fail none` mends it\n\n\
        Only file chips are driven here. Lines of the kernel are looked at with `gpioinfo`.")]
pub struct LinesArgs {
    /// The file of the chip.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Make the chip with so many lines (1 to 32) where there is no file.
    #[arg(long, value_name = "LINES", value_parser = clap::value_parser!(u32).range(1..=32))]
    pub make: Option<u32>,
    /// Set a line that no controller holds as an output: `3=1`, `3=low`. May be repeated; all change at one instant.
    #[arg(long, value_name = "LINE=LEVEL", value_parser = crate::commands::line_level)]
    pub set: Vec<LineLevel>,
    /// Make reads or writes fail from now on, unplug the chip, or mend it.
    #[arg(long, value_name = "WHAT", value_enum)]
    pub fail: Option<Breakage>,
    /// Print every change until Ctrl-C.
    #[arg(long)]
    pub watch: bool,
}

/// `LINE=LEVEL` of `--set`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineLevel {
    /// Number on the chip.
    pub line: u32,
    /// High.
    pub level: bool,
}

/// What fails from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Breakage {
    /// Nothing: the chip is mended.
    None,
    /// Reads, with "input/output error".
    Read,
    /// Writes, with "input/output error".
    Write,
    /// Everything: the chip is unplugged.
    Gone,
}
