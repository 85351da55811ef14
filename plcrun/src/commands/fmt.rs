//! `plcrun fmt`: sources in canonical form. Files with syntax errors are left alone; the others are still formatted.

use crate::args::FmtArgs;
use crate::exit::{Exit, Refusal};
use crate::files;
use crate::project::{self, plural};
use crate::terminal::Console;
use compiler::source::SourceMap;
use std::path::Path;

/// What became of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// It was in canonical form.
    Canonical,
    /// It was not.
    Rewritten,
    /// It has syntax errors, which have been printed.
    Broken,
}

/// Formats every file.
///
/// # Errors
/// A file cannot be read or written, or standard input is mixed with files.
pub fn run(args: &FmtArgs, console: &Console) -> Result<Exit, Refusal> {
    let standard_input = Path::new("-");
    if args.files.iter().any(|path| path == standard_input) {
        if args.files.len() > 1 {
            return Err(Refusal::wrong_use("standard input `-` stands alone", "name either `-` or files"));
        }
        return filter(args, console);
    }
    let (mut broken, mut rewritten) = (0, 0);
    for path in &args.files {
        match one(args, path, console)? {
            Outcome::Canonical => {}
            Outcome::Rewritten => rewritten += 1,
            Outcome::Broken => broken += 1,
        }
    }
    if broken > 0 {
        let message = format!("{} could not be formatted", plural(broken, "file"));
        return Err(Refusal::findings(message, "mend the errors above first"));
    }
    Ok(if args.check && rewritten > 0 { Exit::Findings } else { Exit::Clean })
}

fn one(args: &FmtArgs, path: &Path, console: &Console) -> Result<Outcome, Refusal> {
    let bytes = files::read_bytes(path)?;
    project::refuse_yaml(path)?;
    if bytecode::wire::is_image(&bytes) {
        return Err(Refusal::wrong_use(
            format!("{} is an image", files::shown(path)),
            "only source files have a canonical form",
        ));
    }
    let text = files::text_of(path, bytes)?;
    let Some(formatted) = formatted(&path.display().to_string(), &text, console) else { return Ok(Outcome::Broken) };
    if args.stdout {
        console.print(&formatted)?;
        return Ok(Outcome::Canonical);
    }
    if formatted == text {
        return Ok(Outcome::Canonical);
    }
    console.print(&format!("{}\n", path.display()))?;
    if !args.check {
        files::write_atomically(path, formatted.as_bytes())?;
    }
    Ok(Outcome::Rewritten)
}

/// Standard input to standard output, for editors.
fn filter(args: &FmtArgs, console: &Console) -> Result<Exit, Refusal> {
    let text = files::read_stdin()?;
    let Some(formatted) = formatted("<standard input>", &text, console) else { return Ok(Exit::Findings) };
    if args.check {
        return Ok(if formatted == text { Exit::Clean } else { Exit::Findings });
    }
    console.print(&formatted)?;
    Ok(Exit::Clean)
}

/// The canonical form; `None` where the text has syntax errors, which are printed.
fn formatted(name: &str, text: &str, console: &Console) -> Option<String> {
    let mut map = SourceMap::new();
    let file = map.add(name, text);
    match compiler::fmt::format(&map, file) {
        Ok(formatted) => Some(formatted),
        Err(diagnostics) => {
            project::tell(&map, &diagnostics, console);
            None
        }
    }
}
