//! Tests side by side, results in order.

use super::{Loaded, Ran};
use crate::args::EngineChoice;
use crate::exit::Refusal;
use crate::parallel::in_order;
use indicatif::{ProgressBar, ProgressStyle};
use runtime::vm::{Interpreter, Native};
use timeline::report::TestReport;
use timeline::{Options, assemble, run_test, wanted};

/// Runs the tests of all files, then hands each file over, in order.
///
/// # Errors
/// The first error of `done`; nothing is handed over after it.
pub(super) fn run_tests(
    files: Vec<Loaded>,
    (options, engine): (&Options, EngineChoice),
    jobs: usize,
    bar: bool,
    mut done: impl FnMut(Ran) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let mut tasks = Vec::new();
    for (number, file) in files.iter().enumerate() {
        if let Ok(suite) = &file.suite {
            tasks.extend(wanted(suite, options).map(|(version, test)| (number, suite, version, test)));
        }
    }
    let progress = if bar { progress(tasks.len()) } else { ProgressBar::hidden() };
    let reports = in_order(&tasks, jobs, |(_, suite, version, test)| {
        let report = match engine {
            EngineChoice::Native => run_test::<Native>(version, test, suite, options),
            EngineChoice::Interpreter => run_test::<Interpreter>(version, test, suite, options),
        };
        progress.inc(1);
        report
    });
    progress.finish_and_clear();
    let mut tests: Vec<Vec<TestReport>> = files.iter().map(|_| Vec::new()).collect();
    for ((number, ..), report) in tasks.iter().zip(reports) {
        if let Some(list) = tests.get_mut(*number) {
            list.push(report);
        }
    }
    drop(tasks);
    for (loaded, tests) in files.into_iter().zip(tests) {
        let report = loaded.suite.as_ref().ok().map(|suite| assemble(suite, options, tests));
        done(Ran { loaded, report })?;
    }
    Ok(())
}

fn progress(tests: usize) -> ProgressBar {
    let bar = ProgressBar::new(u64::try_from(tests).unwrap_or(u64::MAX));
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len} tests, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}
