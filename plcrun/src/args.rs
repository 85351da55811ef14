//! The command line: subcommands, options, and the help texts people read first.
//!
//! `plcrun FILE...` is `plcrun run FILE...`: where the first word that is no global option is no subcommand, `run` is put
//! before it. A file named like a subcommand is run as `plcrun run test` or `plcrun ./test`.

use crate::exit::Exit;
use crate::terminal::ColorChoice;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use relay::quantity::Duration;
use std::ffi::OsString;
use std::path::PathBuf;

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "plcrun",
    version,
    about = "Runs IEC 61131-3 ladder and structured text on Linux, behind a guard that knows each relay's physics.",
    override_usage = "plcrun [OPTIONS] FILE...\n       plcrun COMMAND [OPTIONS] ...",
    after_help = "Examples:\n  \
        plcrun star_delta.ld                        run on the simulated rack, or on the map beside the file\n  \
        plcrun star_delta.ld --virtual --for 1min   the same as fast as possible\n  \
        plcrun star_delta.ld --io cabinet.yaml      run on real lines\n  \
        plcrun check star_delta.ld                  compile and check the I/O map, run nothing\n  \
        plcrun test programs/                       run the timeline tests of a folder\n\n\
        `plcrun FILE...` is short for `plcrun run FILE...`; its options are shown by `plcrun run --help`.\n\n\
        Exit codes: 0 done, 1 findings or failed tests, 2 wrong use, 3 a fault stopped the program.",
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
pub struct Cli {
    /// Colours: auto (on terminals, unless NO_COLOR is set), always, never.
    #[arg(long, value_name = "WHEN", global = true, value_enum, default_value_t = ColorChoice::Auto)]
    pub color: ColorChoice,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a program on the simulated rack or on real lines.
    Run(RunArgs),
    /// Compile a program and validate its I/O map; run nothing.
    Check(CheckArgs),
    /// Run timeline tests (*.test.yaml) in virtual time.
    Test(TestArgs),
    /// Compile a program into an image.
    Build(BuildArgs),
    /// Show the code of a program or image.
    Disasm(DisasmArgs),
    /// Draw the rungs of a ladder program.
    Draw(DrawArgs),
    /// Rewrite sources in canonical form.
    Fmt(FmtArgs),
    /// List the channels of a program's I/O map with their relays, windows and life.
    Relays(RelaysArgs),
    /// Look at this machine: what would keep a program from running well on it, and what to do.
    Doctor(DoctorArgs),
    /// Look at a file chip (`chip: "file:FILE"`) and drive its lines by hand.
    Lines(LinesArgs),
    /// Show, export or clear what a program keeps across restarts.
    #[command(subcommand)]
    Retain(RetainCommand),
    /// Show the fault log of a program.
    Faults(FaultsArgs),
    /// Acknowledge latched faults and faults of earlier runs.
    Ack(AckArgs),
    /// Explain a code such as E0201, W0001, C014, R036, G11, F02, L007, T001 or D002.
    Explain(ExplainArgs),
    /// Print what completes commands in a shell.
    #[command(hide = true)]
    Completions(CompletionsArgs),
    /// Write the manual pages.
    #[command(hide = true)]
    Man(ManArgs),
}

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
    /// How the code is run.
    #[arg(long, value_enum, default_value_t = EngineChoice::Interpreter)]
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
    /// The interpreter; on every machine.
    Interpreter,
    /// Native code; comes in a later version.
    Native,
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
    /// Only failures and the closing line.
    #[arg(long, short)]
    pub quiet: bool,
}

/// `plcrun build`.
#[derive(Args, Debug)]
pub struct BuildArgs {
    /// Source files of one program.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The image; NAME.plcb beside the first source otherwise.
    #[arg(long, short, value_name = "IMAGE")]
    pub output: Option<PathBuf>,
}

/// `plcrun disasm`.
#[derive(Args, Debug)]
pub struct DisasmArgs {
    /// Source files of one program, or one image.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// `plcrun draw`.
#[derive(Args, Debug)]
pub struct DrawArgs {
    /// Source files.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Write a picture instead of text.
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Plain ASCII instead of line-drawing characters.
    #[arg(long, conflicts_with = "svg")]
    pub ascii: bool,
    /// Only the rung with this label or number.
    #[arg(long, value_name = "LABEL")]
    pub rung: Option<String>,
}

/// `plcrun fmt`.
#[derive(Args, Debug)]
pub struct FmtArgs {
    /// Source files; `-` reads standard input and writes standard output.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Change nothing; name the files that are not in canonical form and end with code 1.
    #[arg(long)]
    pub check: bool,
    /// Write to standard output instead of the file.
    #[arg(long, conflicts_with = "check")]
    pub stdout: bool,
}

/// `plcrun relays`.
#[derive(Args, Debug)]
pub struct RelaysArgs {
    /// Source files of one program, or one image.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// I/O map; without it NAME.io.yaml beside the program.
    #[arg(long, value_name = "MAP")]
    pub io: Option<PathBuf>,
}

/// `plcrun doctor`.
#[derive(Args, Debug)]
#[command(
    override_usage = "plcrun doctor [OPTIONS] [FILE...]",
    after_help = "Examples:\n  \
        plcrun doctor                                     the machine by itself\n  \
        plcrun doctor pump.plcb --io pump.cabinet.yaml    the machine and what this map asks of it\n\n\
        Nothing is changed and no line is requested. Rights and limits are those of whoever asks: run it as the user\n\
        the program runs as. Exit codes: 0 no problem, 1 problems, 2 wrong use."
)]
pub struct DoctorArgs {
    /// Files of the program; the map beside them is looked at.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// I/O map; without it NAME.io.yaml beside the program.
    #[arg(long, value_name = "MAP")]
    pub io: Option<PathBuf>,
    /// Folder in which the program keeps its state.
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// One JSON object per finding and line.
    #[arg(long)]
    pub json: bool,
}

/// `plcrun completions`.
#[derive(Args, Debug)]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: clap_complete::Shell,
}

/// `plcrun man`.
#[derive(Args, Debug)]
pub struct ManArgs {
    /// Folder to write one page per command into; without it the page of plcrun goes to standard output.
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

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

/// Which program's state is meant.
#[derive(Args, Clone, Debug)]
pub struct StateArgs {
    /// State directory of the program; without it the only one there is.
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Program whose state directory is meant.
    #[arg(long, value_name = "FILE", conflicts_with = "state")]
    pub program: Option<PathBuf>,
    /// I/O map of that program, where it is not beside it.
    #[arg(long, value_name = "MAP", requires = "program")]
    pub io: Option<PathBuf>,
}

/// `plcrun retain`.
#[derive(Clone, Debug, Subcommand)]
pub enum RetainCommand {
    /// List values, relay records and what is kept aside.
    Show(RetainShowArgs),
    /// Everything in the store as JSON.
    Export(RetainExportArgs),
    /// Take records out of the store of a stopped program.
    Clear(ClearArgs),
}

/// `plcrun retain show`.
#[derive(Args, Clone, Debug)]
pub struct RetainShowArgs {
    /// Whose state.
    #[command(flatten)]
    pub state: StateArgs,
}

/// `plcrun retain export`.
#[derive(Args, Clone, Debug)]
pub struct RetainExportArgs {
    /// Whose state.
    #[command(flatten)]
    pub state: StateArgs,
}

/// `plcrun retain clear`.
#[derive(Args, Clone, Debug)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true))]
pub struct ClearArgs {
    /// RETAIN variables begin with their initial values at the next start.
    #[arg(long, group = "what")]
    pub retain: bool,
    /// PERSISTENT variables too.
    #[arg(long, group = "what")]
    pub persistent: bool,
    /// What is kept aside because nothing fits it.
    #[arg(long, group = "what")]
    pub unmatched: bool,
    /// Counts and switching history of a channel: its module was replaced. May be repeated.
    #[arg(long, value_name = "NAME", group = "what")]
    pub channel: Vec<String>,
    /// All variables, and what is kept aside; records of relays and the fault log stay.
    #[arg(long, group = "what")]
    pub all: bool,
    /// A damaged store: keep the file aside, so that the next start begins anew.
    #[arg(long, group = "what", conflicts_with_all = ["retain", "persistent", "unmatched", "channel", "all"])]
    pub damaged: bool,
    /// Whose state.
    #[command(flatten)]
    pub state: StateArgs,
}

/// `plcrun faults`.
#[derive(Args, Clone, Debug)]
pub struct FaultsArgs {
    /// One JSON object per entry and line.
    #[arg(long)]
    pub json: bool,
    /// Whose state.
    #[command(flatten)]
    pub state: StateArgs,
}

/// `plcrun ack`.
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Recorded with time and user. Exit codes: 0 acknowledged, 1 something was refused, 2 wrong use."
)]
pub struct AckArgs {
    /// Channels whose latched fault is acknowledged.
    #[arg(value_name = "CHANNEL")]
    pub channels: Vec<String>,
    /// Everything that is latched, and the faults that ended earlier runs.
    #[arg(long, conflicts_with = "channels")]
    pub all: bool,
    /// Whose state.
    #[command(flatten)]
    pub state: StateArgs,
}

/// `plcrun explain`.
#[derive(Args, Debug)]
pub struct ExplainArgs {
    /// The code as printed.
    #[arg(value_name = "CODE")]
    pub code: String,
}

/// Reads the command line.
///
/// # Errors
/// What clap makes of it; `--help` and `--version` are among them, see [`explain`].
pub fn parse(words: Vec<OsString>) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(with_run(words))
}

/// Prints help, version or a usage error, and gives the exit code.
#[must_use]
pub fn explain(error: &clap::Error) -> Exit {
    let printed = error.print();
    if error.use_stderr() {
        return Exit::WrongUse;
    }
    match printed {
        // A reader that has gone needs no help text; on a full disk standard error may still say so.
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            eprintln!("error: standard output cannot be written: {e}");
            Exit::Findings
        }
        Ok(()) | Err(_) => Exit::Clean,
    }
}

/// Puts `run` before the first word that is neither a global option nor a subcommand.
fn with_run(mut words: Vec<OsString>) -> Vec<OsString> {
    let mut at = 1;
    while let Some(word) = words.get(at).and_then(|w| w.to_str()) {
        match word {
            "--color" => at += 2,
            "-h" | "--help" | "-V" | "--version" => return words,
            w if w.starts_with("--color=") => at += 1,
            w if is_subcommand(w) => return words,
            _ => break,
        }
    }
    if at < words.len() {
        words.insert(at, "run".into());
    }
    words
}

/// The definition of the whole command line, for what is made from it.
#[must_use]
pub fn definition() -> clap::Command {
    Cli::command()
}

/// The subcommands' names.
pub fn subcommands() -> Vec<String> {
    Cli::command().get_subcommands().map(|c| c.get_name().to_owned()).collect()
}

fn is_subcommand(word: &str) -> bool {
    subcommands().iter().any(|name| name == word)
}

fn positive_duration(text: &str) -> Result<Duration, String> {
    let duration: Duration = text.parse().map_err(|e: relay::quantity::QuantityError| e.to_string())?;
    if duration.ns == 0 { Err("it must be longer than 0".to_owned()) } else { Ok(duration) }
}

/// Reads `NAME=VALUE`.
///
/// # Errors
/// Says what is missing.
pub fn assignment(text: &str) -> Result<Assignment, String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE, such as stop_ok=true")?;
    let name = name.trim();
    if name.is_empty() {
        return Err("the name before `=` is missing; write NAME=VALUE, such as stop_ok=true".to_owned());
    }
    let value = value.trim();
    if value.is_empty() {
        return Err("the value behind `=` is missing; write NAME=VALUE, such as stop_ok=true".to_owned());
    }
    Ok(Assignment { name: name.to_owned(), value: value.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Cli, clap::Error> {
        parse(std::iter::once("plcrun").chain(words.iter().copied()).map(OsString::from).collect())
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_file_alone_means_run() {
        for words in [&["a.ld", "b.st"][..], &["--color", "never", "a.ld", "b.st"], &["run", "a.ld", "b.st"]] {
            let Command::Run(run) = parsed(words).unwrap().command else { panic!("{words:?}") };
            assert_eq!(run.files, [PathBuf::from("a.ld"), PathBuf::from("b.st")]);
        }
        let Command::Run(run) = parsed(&["--virtual", "--for", "2s", "a.ld"]).unwrap().command else { panic!() };
        assert!(run.virtual_time);
        assert_eq!(run.run_time, Some(Duration::from_ms(2000)));
    }

    #[test]
    fn a_subcommand_stays_one_and_help_is_no_error() {
        assert!(matches!(parsed(&["check", "a.ld"]).unwrap().command, Command::Check(_)));
        assert!(matches!(parsed(&["--color=always", "draw", "a.ld"]).unwrap().command, Command::Draw(_)));
        assert!(!parsed(&["--help"]).unwrap_err().use_stderr());
        assert!(!parsed(&["--version"]).unwrap_err().use_stderr());
        assert!(parsed(&[]).unwrap_err().use_stderr());
    }

    #[test]
    fn values_are_checked_where_they_are_written() {
        let set = |text: &str| assignment(text);
        assert_eq!(set("stop_ok=TRUE").unwrap(), Assignment { name: "stop_ok".into(), value: "TRUE".into() });
        assert!(set("stop_ok").unwrap_err().contains("NAME=VALUE"));
        assert!(set("=1").unwrap_err().contains("missing"));
        assert!(set("a= ").unwrap_err().contains("behind `=` is missing"));
        assert!(positive_duration("0 s").unwrap_err().contains("longer than 0"));
        assert!(positive_duration("5").unwrap_err().contains("unit"));
    }

    /// Commands in the code blocks of a page: `plcrun ...` and `cargo run --release -- ...`, comments cut off.
    fn commands_in(page: &str) -> Vec<Vec<String>> {
        let blocks = page.split("```").skip(1).step_by(2);
        let lines = blocks.flat_map(str::lines).filter_map(|line| {
            let line = line.trim().trim_start_matches("$ ");
            let rest = line.strip_prefix("plcrun ").or_else(|| line.strip_prefix("cargo run --release -- "))?;
            let rest = rest.split(" #").next().unwrap_or(rest);
            let rest = rest.split([';', '|', '>']).next().unwrap_or(rest);
            Some(rest.split_whitespace().map(|word| word.trim_matches(['"', '\'']).to_owned()).collect())
        });
        // `plcrun check: ...` in a listing of output is no command.
        lines.filter(|words: &Vec<String>| words.first().is_some_and(|w| !w.ends_with(':'))).collect()
    }

    #[test]
    fn every_command_in_the_documentation_is_understood() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let docs = std::fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
        let mut seen = 0;
        for path in docs.chain([root.join("README.md")]).filter(|p| p.extension().is_some_and(|e| e == "md")) {
            for words in commands_in(&std::fs::read_to_string(&path).unwrap()) {
                seen += 1;
                let result =
                    parse(std::iter::once("plcrun".to_owned()).chain(words.clone()).map(OsString::from).collect());
                let understood = result.is_ok() || result.as_ref().is_err_and(|e| !e.use_stderr());
                assert!(understood, "{}: plcrun {}: {}", path.display(), words.join(" "), result.unwrap_err());
            }
        }
        assert!(seen >= 5, "only {seen} commands found: is the search still right?");
    }
}
