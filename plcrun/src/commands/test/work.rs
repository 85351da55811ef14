//! Tests side by side, results in order.

use super::{Loaded, Ran};
use crate::exit::Refusal;
use indicatif::{ProgressBar, ProgressStyle};
use runtime::vm::Interpreter;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use timeline::report::TestReport;
use timeline::{Options, assemble, run_test, wanted};

/// `work` on every item, `jobs` at a time; the results in the order of the items.
pub(super) fn in_order<T: Sync, R: Send>(items: &[T], jobs: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let (send, results) = mpsc::channel();
    let mut found: Vec<(usize, R)> = std::thread::scope(|scope| {
        for _ in 0..jobs.min(items.len()) {
            let (send, next, work) = (send.clone(), &next, &work);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { return };
                    if send.send((index, work(item))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        results.iter().collect()
    });
    found.sort_by_key(|(index, _)| *index);
    found.into_iter().map(|(_, result)| result).collect()
}

/// Runs the tests of all files, then hands each file over, in order.
///
/// # Errors
/// The first error of `done`; nothing is handed over after it.
pub(super) fn run_tests(
    files: Vec<Loaded>,
    options: &Options,
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
        let report = run_test::<Interpreter>(version, test, suite, options);
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
