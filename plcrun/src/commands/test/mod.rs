//! `plcrun test`: timeline tests, one line each, what failed below it with its timing diagram, and one line at the end.
//!
//! Tests run side by side; what is printed and written keeps the order of files and tests, whoever is ready first.

pub(super) mod find;
mod work;
mod written;

use crate::args::TestArgs;
use crate::exit::{Exit, Refusal};
use crate::parallel::{in_order, processors};
use crate::project::plural;
use crate::terminal::{Console, Tint, tinted};
use runtime::config::files::Disk;
use std::io::IsTerminal;
use std::path::PathBuf;
use timeline::diagram::text::Style;
use timeline::report::{Report, TestReport, VersionReport};
use timeline::{Loading, Suite};
use written::Written;

/// What came of all files.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: usize,
    failed: usize,
    /// Files that could not be run at all.
    unusable: usize,
}

/// A file, loaded or refused.
pub(crate) struct Loaded {
    path: PathBuf,
    suite: Result<Suite, String>,
}

/// A file that was run, or why it could not be.
pub(crate) struct Ran {
    loaded: Loaded,
    report: Option<Report>,
}

/// Runs every timeline file named or found.
///
/// # Errors
/// A path cannot be read, there is nothing to run, or a report cannot be written.
pub fn run(args: &TestArgs, console: &Console) -> Result<Exit, Refusal> {
    let found = find::find(&args.paths)?;
    let mut written = Written::new(args)?;
    let options = timeline::Options { only: args.filter.clone(), seed: args.seed, record: args.vcd.is_some() };
    let loading = Loading { coverage: written.needs_coverage() };
    let jobs = args.jobs.map_or_else(processors, usize::from);
    let files = in_order(&found, jobs, |path| Loaded {
        path: path.clone(),
        suite: timeline::load_with(path, &Disk, loading)
            .map_err(|problems| problems.iter().map(|problem| format!("{problem}\n")).collect::<Vec<_>>().join("\n")),
    });
    let mut tally = Tally::default();
    let mut ran = Vec::new();
    let show = |ran: &Ran, tally: &mut Tally| -> Result<(), Refusal> {
        match (&ran.report, &ran.loaded.suite) {
            (Some(report), _) => {
                if !args.json {
                    console.print(&shown(report, args, console.color_out))?;
                }
                let failed = report.tests().filter(|(_, test)| !test.passed()).count();
                tally.failed += failed;
                tally.passed += report.tests().count() - failed;
            }
            (None, Err(problems)) => {
                tally.unusable += 1;
                if !args.json {
                    console.message(&format!("{problems}\n"));
                }
            }
            (None, Ok(_)) => {}
        }
        Ok(())
    };
    let bar = std::io::stderr().is_terminal() && !args.json;
    work::run_tests(files, (&options, args.engine), jobs, bar, |mut one| {
        if let (Some(report), true) = (&mut one.report, args.bless) {
            written.bless(&one.loaded.path, report)?;
        }
        written.waveforms(&mut one)?;
        show(&one, &mut tally)?;
        ran.push(one);
        Ok(())
    })?;
    if tally == Tally::default() {
        let filter = args.filter.as_deref().unwrap_or_default();
        return Err(Refusal::wrong_use(
            format!("no test has `{filter}` in its name"),
            "leave `--filter` out to see the names",
        ));
    }
    written.reports(&ran, console)?;
    if !args.json {
        console.print(&closing(&tally, console.color_out))?;
    }
    Ok(if tally.failed + tally.unusable == 0 { Exit::Clean } else { Exit::Findings })
}

fn shown(report: &Report, args: &TestArgs, color: bool) -> String {
    let mut text = String::new();
    let several = report.versions.len() > 1;
    for (version, test) in report.tests() {
        if test.passed() && args.quiet {
            continue;
        }
        text.push_str(&line(report, version, test, several, color));
        if !test.passed() {
            text.push_str(&timeline::print::details(test));
            if let Some(diagram) = &test.diagram {
                let style = Style { ascii: args.ascii, colour: color };
                let drawn = diagram.text(style);
                text.extend(drawn.lines().map(|line| format!("  {line}\n")));
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_line_counts() {
        assert_eq!(closing(&Tally { passed: 3, failed: 0, unusable: 0 }, false), "3 passed, 0 failed\n");
        let text = closing(&Tally { passed: 1, failed: 2, unusable: 1 }, false);
        assert_eq!(text, "1 file could not be run; what is wrong stands above\n1 passed, 2 failed\n");
    }
}
