//! `plcrun draw`: rungs as a drawing on the terminal, or as a picture for a manual.

use crate::args::DrawArgs;
use crate::exit::{Exit, Refusal};
use crate::terminal::Console;
use crate::{files, project};
use compiler::ast::{Body, File, Item, Rung};
use compiler::draw::{Drawing, Style};
use std::path::PathBuf;

/// Draws every ladder of the files.
///
/// # Errors
/// A file has syntax errors, holds no ladder, or cannot be read or written.
pub fn run(args: &DrawArgs, console: &Console) -> Result<Exit, Refusal> {
    let project::Input::Sources { map, ids } = project::read(&args.files)? else {
        return Err(Refusal::wrong_use("an image holds code and no drawing", "name the source files"));
    };
    if args.svg.is_some() && ids.len() > 1 {
        return Err(Refusal::wrong_use("one picture holds one file", "call it once for each file"));
    }
    if let Some(output) = &args.svg {
        files::refuse_overwriting(output, args.files.iter().map(PathBuf::as_path))?;
    }
    let parsed = project::parse_all(&map, &ids, console)?;
    let wanted = args.rung.as_deref();
    let drawings: Vec<Drawing<'_>> =
        parsed.iter().map(|file| Drawing { map: &map, file, project: &parsed, rung: wanted }).collect();
    if !drawings.iter().any(Drawing::has_rungs) {
        return Err(match wanted {
            Some(wanted) if parsed.iter().any(|file| rungs(file).next().is_some()) => no_rung(&parsed, wanted),
            Some(_) | None => Refusal::wrong_use("there is no ladder to draw", "Structured Text has no rungs"),
        });
    }
    for drawing in &drawings {
        draw(args, console, drawing)?;
    }
    Ok(Exit::Clean)
}

fn draw(args: &DrawArgs, console: &Console, drawing: &Drawing<'_>) -> Result<(), Refusal> {
    match &args.svg {
        Some(path) => files::write_atomically(path, drawing.svg().as_bytes()),
        None => console.print(&drawing.text(if args.ascii { Style::Ascii } else { Style::Unicode })),
    }
}

fn rungs(file: &File) -> impl Iterator<Item = &Rung> {
    file.items.iter().flat_map(|item| match item {
        Item::Pou(pou) => match &pou.body {
            Body::Ladder(ladder) => ladder.rungs.as_slice(),
            Body::Statements(_) => &[],
        },
        Item::Configuration(_) | Item::Globals(_) | Item::Types(_) => &[],
    })
}

/// No rung has this label or number.
fn no_rung(files: &[File], wanted: &str) -> Refusal {
    let labels: Vec<&str> =
        files.iter().flat_map(rungs).filter_map(|rung| rung.label.as_ref()).map(|label| label.text.as_str()).collect();
    let help = match bytecode::near::nearest(wanted, labels.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("its labels are {}; a number counts from 1", labels.join(", ")),
    };
    Refusal::wrong_use(format!("there is no rung `{wanted}`"), help)
}
