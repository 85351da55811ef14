//! `plcrun test`: timeline tests, one line each, what failed below it, and one line at the end.

use crate::args::{EngineChoice, TestArgs};
use crate::exit::{Exit, Refusal};
use crate::files;
use crate::project::plural;
use crate::terminal::{Console, Tint, tinted};
use runtime::config::files::Disk;
use runtime::vm::{Interpreter, Native};
use std::path::{Path, PathBuf};
use timeline::report::{Report, TestReport, VersionReport};

/// How timeline files are named.
const SUFFIX: &str = ".test.yaml";

/// What came of all files.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: usize,
    failed: usize,
    /// Files that could not be run at all.
    unusable: usize,
}

/// Runs every timeline file named or found.
///
/// # Errors
/// A path cannot be read, or there is nothing to run.
pub fn run(args: &TestArgs, console: &Console) -> Result<Exit, Refusal> {
    let found = find(&args.paths)?;
    let options = timeline::Options { only: args.filter.clone(), seed: args.seed };
    let mut tally = Tally::default();
    for path in &found {
        match timeline::load(path, &Disk) {
            Ok(suite) => {
                let report = match args.engine {
                    EngineChoice::Native => timeline::run_on::<Native>(&suite, &options),
                    EngineChoice::Interpreter => timeline::run_on::<Interpreter>(&suite, &options),
                };
                console.print(&shown(&report, args.quiet, console.color_out))?;
                let failed = report.tests().filter(|(_, test)| !test.passed()).count();
                tally.failed += failed;
                tally.passed += report.tests().count() - failed;
            }
            Err(problems) => {
                tally.unusable += 1;
                let text: String = problems.iter().map(|problem| format!("{problem}\n\n")).collect();
                console.message(&text);
            }
        }
    }
    if tally == Tally::default() {
        let filter = args.filter.as_deref().unwrap_or_default();
        return Err(Refusal::wrong_use(
            format!("no test has `{filter}` in its name"),
            "leave `--filter` out to see the names",
        ));
    }
    console.print(&closing(&tally, console.color_out))?;
    Ok(if tally.failed + tally.unusable == 0 { Exit::Clean } else { Exit::Findings })
}

fn shown(report: &Report, quiet: bool, color: bool) -> String {
    let mut text = String::new();
    let several = report.versions.len() > 1;
    for (version, test) in report.tests() {
        if test.passed() && quiet {
            continue;
        }
        text.push_str(&line(report, version, test, several, color));
        if !test.passed() {
            text.push_str(&timeline::print::details(test));
        }
    }
    text
}

/// `programs/pumps.test.yaml: alternation ... ok`, with the program's name where the file tests several.
fn line(report: &Report, version: &VersionReport, test: &TestReport, several: bool, color: bool) -> String {
    let program = if several { format!(" [{}]", version.program) } else { String::new() };
    let outcome = if test.passed() { tinted(color, Tint::Good, "ok") } else { tinted(color, Tint::Bad, "FAILED") };
    format!("{}{program}: {} ... {outcome}\n", report.file, test.name)
}

fn closing(tally: &Tally, color: bool) -> String {
    let mut text = String::new();
    if tally.unusable > 0 {
        let files = plural(tally.unusable, "file");
        text.push_str(&format!("{files} could not be run; what is wrong stands above\n"));
    }
    let tint = if tally.failed + tally.unusable == 0 { Tint::Good } else { Tint::Bad };
    let counts = format!("{} passed, {} failed", tally.passed, tally.failed);
    text.push_str(&format!("{}\n", tinted(color, tint, &counts)));
    text
}

/// The files to run: those named, and those in named folders, sorted.
///
/// # Errors
/// A path cannot be read, or a folder has none.
pub(super) fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Refusal> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            let before = found.len();
            search(path, &mut found)?;
            if found.len() == before {
                return Err(Refusal::wrong_use(
                    format!("{} has no file named *{SUFFIX}", files::shown(path)),
                    "name a timeline file, or a folder with some",
                ));
            }
        } else {
            // Read here as well, so that a file that is not there is wrong use and not a failed test.
            files::read_text(path)?;
            found.push(path.clone());
        }
    }
    Ok(found)
}

/// Links to folders are not followed: a loop of them would have no end.
fn search(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), Refusal> {
    let refuse = |e: std::io::Error| {
        Refusal::wrong_use(format!("the folder {} cannot be read: {e}", files::shown(folder)), "check its permissions")
    };
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(refuse)? {
        entries.push(entry.map_err(refuse)?.path());
    }
    // The order of a folder differs from disk to disk; that of the report does not.
    entries.sort();
    for path in entries {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            if !path.is_symlink() {
                search(&path, found)?;
            }
        } else if name.ends_with(SUFFIX) {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_line_counts() {
        assert_eq!(closing(&Tally { passed: 3, failed: 0, unusable: 0 }, false), "3 passed, 0 failed\n");
        let text = closing(&Tally { passed: 1, failed: 2, unusable: 1 }, false);
        assert_eq!(text, "1 file could not be run; what is wrong stands above\n1 passed, 2 failed\n");
    }

    #[test]
    fn folders_are_searched_in_order_and_hidden_ones_are_not() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.test.yaml", "a.test.yaml", "a.yaml", "deep/c.test.yaml", ".git/d.test.yaml"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        std::os::unix::fs::symlink(folder.path(), folder.path().join("deep/loop")).unwrap();
        let found = find(&[folder.path().to_path_buf()]).unwrap();
        let names: Vec<_> = found.iter().map(|p| p.strip_prefix(folder.path()).unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["a.test.yaml", "b.test.yaml", "deep/c.test.yaml"]);
    }
}
