//! Arguments of `plcrun run`.

use super::{assignment, positive_duration};
use clap::{Args, ValueEnum};
use relay::quantity::Duration;
use std::path::PathBuf;

/// `plcrun run`.
#[derive(Args, Debug)]
#[command(
    override_usage = "plcrun [run] [OPTIONS] FILE...",
    after_help = "Examples:\n  \
        plcrun star_delta.ld                                  simulated; type an input's name and Enter to toggle it\n  \
        plcrun star_delta.ld --set stop_ok=true               start with an input closed\n  \
        plcrun star_delta.ld --play star_delta.test.yaml      inputs from a timeline file, in real time\n  \
        plcrun star_delta.ld --virtual --for 1h --trace a.csv one hour in a moment, every change in a file\n  \
        plcrun star_delta.plcb --io cabinet.yaml              a built image on real lines\n\n\
        Ctrl-C, SIGTERM and a terminal's hang-up bring the outputs to their stop values, print the summary and end with code 0.\n\
        A fault brings them to their safe values and ends with code 3. Real outputs are watched by a second process, which\n\
        switches them off when the one that runs the program dies or hangs."
)]
pub struct RunArgs {
    /// Source files (.ld, .st) of one program, or one image (.plcb).
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// I/O map; without it NAME.io.yaml beside the program, else the simulated rack.
    #[arg(long, value_name = "MAP")]
    pub io: Option<PathBuf>,
    /// Stop in order after this time, such as `10s`, `500ms` or `1h30min`.
    #[arg(long = "for", value_name = "DURATION", value_parser = positive_duration)]
    pub run_time: Option<Duration>,
    /// Virtual time: as fast as possible, and the same on every machine. Needs --for or --play.
    #[arg(long = "virtual")]
    pub virtual_time: bool,
    /// How the code is run: the same results, at another speed.
    #[arg(long, value_enum, default_value_t = EngineChoice::Native)]
    pub engine: EngineChoice,
    /// Take inputs from the steps of a timeline file.
    #[arg(long, value_name = "TIMELINE")]
    pub play: Option<PathBuf>,
    /// Which test of the timeline file is played; the first one otherwise.
    #[arg(long, value_name = "NAME", requires = "play")]
    pub test: Option<String>,
    /// Write every change to a CSV file: t_us,scan,kind,name,value.
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Set an input of the simulated rack before the first scan. May be repeated.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = assignment)]
    pub set: Vec<Assignment>,
    /// Time between two scans, for programs without a TASK; 100us to 10s.
    #[arg(long, value_name = "DURATION", value_parser = positive_duration)]
    pub scan: Option<Duration>,
    /// Folder in which this program keeps its state: retained values, counts, faults. Real lines have one in any case.
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Cold start: RETAIN variables begin with their initial values; PERSISTENT ones, counts and latches stay.
    #[arg(long)]
    pub cold: bool,
    /// Form of the event lines: for people, or one JSON object per line.
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// Only warnings, faults and the summary.
    #[arg(long, short)]
    pub quiet: bool,
}

/// How code is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EngineChoice {
    /// Machine code made when the program is loaded; where there is none, the interpreter, which is then told.
    Native,
    /// The interpreter; on every machine.
    Interpreter,
}

/// Form of the event lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// `NAME=VALUE` of `--set`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// Variable as written.
    pub name: String,
    /// The value as written; what it may be depends on the variable.
    pub value: String,
}
