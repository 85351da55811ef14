//! The command line: subcommands, options, and the help texts people read first.
//!
//! `plcrun FILE...` is `plcrun run FILE...`: where the first word that is no global option is no subcommand, `run` is put
//! before it. A file named like a subcommand is run as `plcrun run test` or `plcrun ./test`.

mod bench;
mod check;
mod ci;
mod lines;
mod mutate;
mod prove;
mod relays;
mod run;
mod state;
pub mod test;

pub use bench::{BenchArgs, LoadKind};
pub use check::{CheckArgs, Format as CheckFormat};
pub use ci::{CiArgs, CiStep};
pub use lines::{Breakage, LineLevel, LinesArgs};
pub use mutate::MutateArgs;
pub use prove::ProveArgs;
pub use relays::RelaysArgs;
pub use run::{Assignment, EngineChoice, LogFormat, RunArgs};
pub use state::{
    AckArgs, ClearArgs, FaultsArgs, RetainCommand, RetainExportArgs, RetainShowArgs, StateArgs, StatusArgs,
};
pub use test::TestArgs;

use crate::exit::Exit;
use crate::terminal::ColorChoice;
use clap::{Args, CommandFactory, Parser, Subcommand};
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
        plcrun check star_delta.ld                  compile, check the I/O map and apply the rules, run nothing\n  \
        plcrun test programs/                       run the timeline tests of a folder\n\n\
        `plcrun FILE...` is short for `plcrun run FILE...`; its options are shown by `plcrun run --help`.\n\n\
        Exit codes: 0 done, 1 findings or failed tests, 2 wrong use, 3 a fault stopped the program, 4 something unknown.",
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
    /// Compile programs, validate their I/O maps and apply the rules of a careful reviewer; run nothing.
    Check(CheckArgs),
    /// Run timeline tests (*.test.yaml) in virtual time.
    Test(TestArgs),
    /// Format, rules, timeline tests and proofs of a whole project, with reports for a pipeline.
    Ci(CiArgs),
    /// Put small mistakes into programs and list those no test notices.
    Mutate(MutateArgs),
    /// Prove that no sequence of inputs can break a property, or show one that does.
    Prove(ProveArgs),
    /// Compile a program into an image.
    Build(BuildArgs),
    /// Show the code of a program or image.
    Disasm(DisasmArgs),
    /// Draw the rungs of a ladder program.
    Draw(DrawArgs),
    /// Rewrite sources in canonical form.
    Fmt(FmtArgs),
    /// List the channels of a program's I/O map with their relays, waits, data sheets and wear.
    Relays(RelaysArgs),
    /// Look at this machine: what would keep a program from running well on it, and what to do.
    Doctor(DoctorArgs),
    /// Look at a file chip (`chip: "file:FILE"`) and drive its lines by hand.
    Lines(LinesArgs),
    /// Measure a program on this machine: scan times, wake-up latency, lines; and say which scan period holds.
    Bench(BenchArgs),
    /// Ask a running program how it does: scan time, wake-up latency, jitter, overruns, channels, faults.
    Status(StatusArgs),
    /// Show, export or clear what a program keeps across restarts.
    #[command(subcommand)]
    Retain(RetainCommand),
    /// Show the fault log of a program.
    Faults(FaultsArgs),
    /// Acknowledge latched faults and faults of earlier runs.
    Ack(AckArgs),
    /// Explain a code such as E0201, W0902, K204, C014, R036, G11, F02, L007, T001 or D002.
    Explain(ExplainArgs),
    /// Print what completes commands in a shell.
    #[command(hide = true)]
    Completions(CompletionsArgs),
    /// Write the manual pages.
    #[command(hide = true)]
    Man(ManArgs),
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
    /// The machine code this machine makes of it, instead of the image's own.
    #[arg(long, conflicts_with = "ir")]
    pub native: bool,
    /// The intermediate code as lowered and after each pass that changes it, instead of the image's own.
    #[arg(long)]
    pub ir: bool,
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
