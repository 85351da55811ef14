//! `plcrun faults`: the fault log of a program, across restarts.

use crate::args::FaultsArgs;
use crate::exit::{Exit, Refusal};
use crate::state_dir;
use crate::terminal::Console;
use runtime::store::moment::wall_text;
use runtime::store::{Document, LogEntry};
use std::fmt::Write as _;

/// Prints the log, oldest first.
///
/// # Errors
/// The state directory or its store cannot be had.
pub fn run(args: &FaultsArgs, console: &Console) -> Result<Exit, Refusal> {
    let directory = state_dir::locate(&args.state)?;
    let document = state_dir::document(&directory)?;
    let text = if args.json { lines(&document) } else { listing(&document) };
    console.print(&text)?;
    Ok(Exit::Clean)
}

/// One JSON object per entry and line.
fn lines(document: &Document) -> String {
    // Our own structure always has a JSON form.
    document.log.iter().filter_map(|entry| serde_json::to_string(entry).ok()).map(|line| format!("{line}\n")).collect()
}

fn listing(document: &Document) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    if document.log_dropped > 0 {
        let _ = writeln!(
            text,
            "{} older entries were dropped: the log holds {}\n",
            document.log_dropped,
            document.log.len()
        );
    }
    if document.log.is_empty() {
        text.push_str("no fault was recorded\n");
    }
    for entry in &document.log {
        describe(&mut text, entry);
    }
    text
}

fn describe(text: &mut String, entry: &LogEntry) {
    let _ = writeln!(text, "#{} {}  {} {}", entry.number, wall_text(entry.wall_ns), entry.code, entry.text);
    let places = [("program ", &entry.program), ("", &entry.unit), ("rung ", &entry.rung)];
    let mut place: Vec<String> =
        places.iter().filter(|(_, name)| !name.is_empty()).map(|(word, name)| format!("{word}{name}")).collect();
    if !entry.file.is_empty() {
        place.push(format!("{}:{}:{}", entry.file, entry.line, entry.column));
    }
    if entry.scan > 0 {
        place.push(format!("scan {}", entry.scan));
    }
    if !place.is_empty() {
        let _ = writeln!(text, "   {}", place.join(", "));
    }
    if !entry.remedy.is_empty() {
        let _ = writeln!(text, "   blame: {}; {}", entry.blame, entry.remedy);
    }
    match &entry.acknowledged {
        Some(by) => {
            let _ = writeln!(text, "   acknowledged by {} at {}", by.user, wall_text(by.wall_ns));
        }
        None => text.push_str("   not acknowledged\n"),
    }
}
