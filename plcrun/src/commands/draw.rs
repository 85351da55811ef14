//! `plcrun draw`: rungs as a drawing on the terminal, or as a picture for a manual.

use crate::args::DrawArgs;
use crate::exit::{Exit, Refusal};
use crate::terminal::Console;
use crate::{files, project};
use compiler::ast::{Body, File, Item, Ladder, Rung};
use compiler::draw::{self, Style};
use compiler::source::SourceMap;
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
    let chosen = match &args.rung {
        Some(wanted) => only(parsed, wanted)?,
        None => parsed,
    };
    if !chosen.iter().any(has_rungs) {
        return Err(Refusal::wrong_use("there is no ladder to draw", "Structured Text has no rungs"));
    }
    for file in &chosen {
        draw_file(args, console, &map, file)?;
    }
    Ok(Exit::Clean)
}

fn draw_file(args: &DrawArgs, console: &Console, map: &SourceMap, file: &File) -> Result<(), Refusal> {
    match &args.svg {
        Some(path) => files::write_atomically(path, draw::draw_svg(map, file).as_bytes()),
        None => {
            let style = if args.ascii { Style::Ascii } else { Style::Unicode };
            console.print(&draw::draw_text(map, file, style))
        }
    }
}

fn ladder_mut(item: &mut Item) -> Option<&mut Ladder> {
    match item {
        Item::Pou(pou) => match &mut pou.body {
            Body::Ladder(ladder) => Some(ladder),
            Body::Statements(_) => None,
        },
        Item::Configuration(_) | Item::Globals(_) | Item::Types(_) => None,
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

fn has_rungs(file: &File) -> bool {
    rungs(file).next().is_some()
}

/// Only the rungs with this label, or with this number in their ladder.
fn only(mut parsed: Vec<File>, wanted: &str) -> Result<Vec<File>, Refusal> {
    let labels: Vec<String> =
        parsed.iter().flat_map(rungs).filter_map(|rung| rung.label.as_ref()).map(|label| label.text.clone()).collect();
    for item in parsed.iter_mut().flat_map(|file| &mut file.items) {
        let Some(ladder) = ladder_mut(item) else { continue };
        let mut number = 0_usize;
        ladder.rungs.retain(|rung| {
            number += 1;
            let labelled = rung.label.as_ref().is_some_and(|label| label.text.eq_ignore_ascii_case(wanted));
            labelled || wanted.parse() == Ok(number)
        });
    }
    // A unit without rungs left, or without any, would only be a heading.
    for file in &mut parsed {
        file.items.retain_mut(|item| ladder_mut(item).is_none_or(|ladder| !ladder.rungs.is_empty()));
    }
    if parsed.iter().any(has_rungs) {
        return Ok(parsed);
    }
    let help = match bytecode::near::nearest(wanted, labels.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("its labels are {}; a number counts from 1", labels.join(", ")),
    };
    Err(Refusal::wrong_use(format!("there is no rung `{wanted}`"), help))
}
