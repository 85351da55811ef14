//! `plcrun lines FILE`: look at a file chip and drive it by hand.
//!
//! A file chip is what a map calls `chip: "file:FILE"`. This command is the world outside: it closes buttons, breaks the
//! chip, and shows who changed which line when. It never writes an output that a controller holds.

use crate::args::{Breakage, LineLevel, LinesArgs};
use crate::exit::{Exit, Refusal};
use crate::terminal::Console;
use runtime::io::file_chip::{Change, ChipError, Failing, FileChip, LINES_MAX};
use runtime::rt;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

/// How often changes are looked for: often enough for an eye.
const POLL: Duration = Duration::from_millis(20);
/// "Input/output error" and "no such device" are the only two a driver gives in practice: EIO of errno.h.
const EIO: i32 = 5;

/// Makes, sets, breaks, shows, and with `--watch` goes on showing.
///
/// # Errors
/// The file is no file chip, or a line is not there or not to be driven.
pub fn run(args: &LinesArgs, console: &Console) -> Result<Exit, Refusal> {
    let path = std::path::absolute(&args.file).map_err(|e| {
        Refusal::wrong_use(format!("{}: no such path: {e}", args.file.display()), "give the path of a file chip")
    })?;
    let chip = open(&path, args.make)?;
    let seen = chip.last_change();
    let (mask, to) = args.set.iter().fold((0, 0), |(mask, to), set| {
        let bit = 1_u32.checked_shl(set.line).unwrap_or(0);
        (mask | bit, if set.level { to | bit } else { to & !bit })
    });
    if let Some(missing) = args.set.iter().find(|set| set.line >= chip.lines()) {
        let what = format!("{} has no line {}, only 0 to {}", path.display(), missing.line, chip.lines() - 1);
        return Err(Refusal::wrong_use(what, "correct the number of the line"));
    }
    if mask != 0 {
        chip.drive_all(mask, to).map_err(refusal)?;
    }
    if let Some(breakage) = args.fail {
        chip.fail(match breakage {
            Breakage::None => Failing::Nothing,
            Breakage::Read => Failing::Reads(EIO),
            Breakage::Write => Failing::Writes(EIO, u32::MAX),
            Breakage::Gone => Failing::Gone,
        });
    }
    if args.watch {
        return watch(&chip, seen, console);
    }
    console.print(&listing(&chip))?;
    Ok(Exit::Clean)
}

fn open(path: &Path, make: Option<u32>) -> Result<FileChip, Refusal> {
    match make {
        Some(lines) if !path.exists() => FileChip::create(path, lines).map_err(refusal),
        Some(_) | None => FileChip::observe(path).map_err(|e| {
            let help =
                if path.exists() { e.remedy } else { "a run on a map that names it makes it, and so does `--make 32`" };
            Refusal { help: help.to_owned(), ..refusal(e) }
        }),
    }
}

fn refusal(error: ChipError) -> Refusal {
    Refusal::wrong_use(format!("{}: {}", error.path.display(), error.why), error.remedy).coded("L012")
}

/// Line by line: number, level, direction, holder.
fn listing(chip: &FileChip) -> String {
    let counts = chip.counts();
    let mut text = format!(
        "{}: {} lines, {} reads, {} writes, {} changes\n",
        chip.path().display(),
        chip.lines(),
        counts.reads,
        counts.writes,
        chip.last_change()
    );
    let (levels, outputs) = (chip.levels(), chip.outputs());
    for line in 0..chip.lines() {
        let high = levels >> line & 1 == 1;
        let held = chip.is_held(line);
        // A line nobody uses and that is low says nothing.
        if !high && !held {
            continue;
        }
        let level = if high { "high" } else { "low" };
        let direction = if outputs >> line & 1 == 1 { "output" } else { "input" };
        // Writing to a String cannot fail.
        let _ = if held {
            writeln!(text, "  {line:>2}  {level:<4}  {direction} of process {}", chip.holder(line))
        } else {
            writeln!(text, "  {line:>2}  {level:<4}  held by nobody")
        };
    }
    text
}

/// Prints every change until a stop signal comes.
fn watch(chip: &FileChip, mut seen: u64, console: &Console) -> Result<Exit, Refusal> {
    rt::catch_stop_signals().map_err(|e| {
        Refusal::findings(
            format!("stop signals cannot be caught: {e}"),
            "without them `--watch` cannot be ended in order",
        )
    })?;
    console.print(&listing(chip))?;
    let mut first_ns = None;
    while rt::stop_signal().is_none() {
        let mut text = String::new();
        for change in chip.changes_after(seen) {
            if change.number > seen.saturating_add(1) {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "  {} changes were missed", change.number - seen - 1);
            }
            seen = change.number;
            let since_ns = *first_ns.get_or_insert(change.from_ns);
            tell(&mut text, &change, change.from_ns.saturating_sub(since_ns));
        }
        if !text.is_empty() {
            console.print(&text)?;
        }
        std::thread::sleep(POLL);
    }
    Ok(Exit::Clean)
}

/// One row per change: time since the first one shown, lines, who.
fn tell(text: &mut String, change: &Change, since_ns: u64) {
    let edges: Vec<String> =
        change.edges().map(|(line, level)| format!("{line} {}", if level { "high" } else { "low" })).collect();
    let who =
        change.pid.map_or_else(|| "a process that was killed meanwhile".to_owned(), |pid| format!("process {pid}"));
    let (ms, us) = (since_ns / 1_000_000, since_ns / 1_000 % 1_000);
    // Writing to a String cannot fail.
    let _ = writeln!(text, "  {ms:>7}.{us:03} ms  {:<24}  {who}", edges.join(", "));
}

/// Reads `LINE=LEVEL`.
///
/// # Errors
/// Says what is missing.
pub fn line_level(text: &str) -> Result<LineLevel, String> {
    let example = "write LINE=LEVEL, such as 3=1 or 3=low";
    let (line, level) = text.split_once('=').ok_or(example)?;
    let line: u32 = line.trim().parse().map_err(|_| example)?;
    if line >= LINES_MAX {
        return Err(format!("a file chip has lines 0 to {}", LINES_MAX - 1));
    }
    match level.trim().to_ascii_lowercase().as_str() {
        "1" | "high" | "true" => Ok(LineLevel { line, level: true }),
        "0" | "low" | "false" => Ok(LineLevel { line, level: false }),
        _ => Err(example.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_read_in_the_words_of_the_field() {
        assert_eq!(line_level("3=1"), Ok(LineLevel { line: 3, level: true }));
        assert_eq!(line_level(" 31 = Low "), Ok(LineLevel { line: 31, level: false }));
        assert!(line_level("32=1").unwrap_err().contains("0 to 31"));
        for wrong in ["3", "=1", "a=1", "3=2", "-1=0"] {
            assert!(line_level(wrong).unwrap_err().contains("LINE=LEVEL"), "{wrong}");
        }
    }

    #[test]
    fn a_change_is_one_row() {
        let mut text = String::new();
        let change = Change { number: 1, from_ns: 5, until_ns: 6, before: 0b01, after: 0b10, pid: Some(42) };
        tell(&mut text, &change, 1_234_567);
        assert_eq!(text, "        1.234 ms  0 low, 1 high             process 42\n");
    }
}
