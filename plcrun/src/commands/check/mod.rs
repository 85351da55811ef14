//! `plcrun check`: compile programs, validate their I/O maps, apply the rules; run nothing.
//!
//! All findings are collected before anything is printed, so that every format tells the same.

mod cost;
pub mod known;
pub mod look;
pub mod show;

use crate::args::{CheckArgs, CheckFormat};
use crate::discover::{self, Program};
use crate::exit::{Exit, Refusal};
use crate::files;
use crate::iomap;
use crate::settings;
use crate::terminal::Console;
use known::Baselines;
use lint::Severity;
use look::Look;
use std::path::{Path, PathBuf};

/// Checks and reports.
///
/// # Errors
/// A file cannot be read, an image is damaged, or settings or baseline have mistakes.
pub fn run(args: &CheckArgs, console: &Console) -> Result<Exit, Refusal> {
    let as_json = match (args.cost, args.form()) {
        (true, CheckFormat::Sarif | CheckFormat::Github | CheckFormat::Gitlab) => {
            return Err(Refusal::wrong_use("`--cost` has no place in this format", "use `--format text` or `--json`"));
        }
        (_, form) => form == CheckFormat::Json,
    };
    let looks = examine(args, console)?;
    write(args, &looks, console)?;
    if args.cost {
        let programs: Vec<Program> = looks.iter().map(|look| look.program.clone()).collect();
        console.print(&cost::report(args, &programs, as_json)?)?;
    }
    Ok(exit(&looks))
}

/// Looks at what the command line names, and keeps the baselines.
///
/// # Errors
/// As [`run`].
pub(super) fn examine(args: &CheckArgs, console: &Console) -> Result<Vec<Look>, Refusal> {
    let programs = programs(&args.files, args.io.as_deref(), console)?;
    let mut looks = programs.iter().map(look::at).collect::<Result<Vec<Look>, Refusal>>()?;
    let mut baselines = Baselines::new(args.baseline.clone());
    if args.write_baseline {
        for written in baselines.write(&looks)? {
            console.message(&format!("{}: written\n", files::shown(&written)));
        }
    }
    baselines.apply(&mut looks)?;
    Ok(looks)
}

/// Errors and warnings make the command fail, notes do not.
pub(super) fn exit(looks: &[Look]) -> Exit {
    if looks.iter().all(Look::is_clean) { Exit::Clean } else { Exit::Findings }
}

/// What a command line names: the files of one program, or folders with programs.
///
/// # Errors
/// A file or map cannot be read, there is no program, or files stand among folders.
pub(super) fn programs(paths: &[PathBuf], io: Option<&Path>, console: &Console) -> Result<Vec<Program>, Refusal> {
    let (folders, named): (Vec<PathBuf>, Vec<PathBuf>) = paths.iter().cloned().partition(|p| p.is_dir());
    if folders.is_empty() {
        let map = iomap::find(io, &named);
        // A map named on the command line that is not there is wrong use, whatever the program says.
        iomap::must_exist(&map)?;
        return Ok(vec![Program { files: named, io: map.path().map(Into::into), tests: Vec::new() }]);
    }
    if let Some(map) = io {
        return Err(Refusal::wrong_use(
            format!("{} is for one program, and a folder may hold several", files::shown(map)),
            "leave `--io` out: each program is checked on the map beside it and on those its tests name",
        ));
    }
    if let Some(file) = named.first() {
        return Err(Refusal::wrong_use(
            format!("{} is a file among folders", files::shown(file)),
            "name the files of one program, or folders",
        ));
    }
    let found = discover::programs(&folders)?;
    for file in &found.left_over {
        console.message(&format!(
            "{} has no PROGRAM and no test names it: left out (list it under `programs` in {})\n",
            files::shown(file),
            settings::FILE
        ));
    }
    Ok(found.programs)
}

/// Errors and warnings for people; notes are counted.
pub(super) fn grave(looks: &[Look], console: &Console) -> String {
    show::text(looks, console, true, Severity::Warning)
}

/// All findings, each once.
pub(super) fn findings(looks: &[Look]) -> Vec<lint::Finding> {
    show::all(looks)
}

/// The findings in a form; text in colours where it goes to a terminal.
pub(super) fn rendered(form: CheckFormat, looks: &[Look], console: &Console, with_colours: bool) -> String {
    match form {
        CheckFormat::Text => show::text(looks, console, with_colours, Severity::Note),
        CheckFormat::Json => lint::report::json::lines(&show::all(looks)),
        CheckFormat::Sarif => lint::report::sarif::log(&show::all(looks), env!("CARGO_PKG_VERSION")),
        CheckFormat::Github => lint::report::github::commands(&show::all(looks)),
        CheckFormat::Gitlab => lint::report::gitlab::report(&show::all(looks)),
    }
}

fn write(args: &CheckArgs, looks: &[Look], console: &Console) -> Result<(), Refusal> {
    let text = rendered(args.form(), looks, console, args.output.is_none());
    let Some(output) = &args.output else { return console.print(&text) };
    files::refuse_overwriting(output, looks.iter().flat_map(Look::inputs))?;
    files::write_atomically(output, text.as_bytes())?;
    console.message(&show::closing(looks, console.color_err));
    Ok(())
}
