//! The runner: every test from power-up, in virtual time, with the relay guard and simulated contacts in the loop.
//!
//! Each test runs once as fast as possible. Only when something failed it runs a second time, exactly alike, with its
//! history recorded ([`crate::history`], [`crate::trace`]), so that a failure can be explained and drawn, and a passing test
//! pays nothing for it.

mod kept;
mod pass;

use crate::coverage::Hits;
use crate::diagram::Diagram;
use crate::history::History;
use crate::prepare::Prepared;
use crate::report::{Failure, GoldenRun, Report, TestReport, VersionReport};
use crate::stimuli::Stimuli;
use crate::suite::{Suite, Version};
use crate::trace::Trace;
use crate::{diagram, golden, random};
use pass::{Outcome, Pass, Records};
use runtime::vm::{Engine, Interpreter};

/// Most failures reported for one test: the first ones say what is wrong.
pub const FAILURES_MAX: usize = 10;

/// How tests are run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Only tests whose name contains this text.
    pub only: Option<String>,
    /// Seed that stands in for the file's.
    pub seed: Option<u64>,
    /// Every change of every test is recorded, not only of those that fail.
    pub record: bool,
}

/// Runs the tests of a file on the interpreter.
#[must_use]
pub fn run(suite: &Suite, options: &Options) -> Report {
    run_on::<Interpreter>(suite, options)
}

/// Runs the tests of a file on an engine of the caller's choice; every engine gives the same report.
#[must_use]
pub fn run_on<E: Engine>(suite: &Suite, options: &Options) -> Report {
    let reports = wanted(suite, options).map(|(version, test)| run_test::<E>(version, test, suite, options)).collect();
    assemble(suite, options, reports)
}

/// The tests to run, with the version they run on; in the order of the report.
pub fn wanted<'a>(suite: &'a Suite, options: &Options) -> impl Iterator<Item = (&'a Version, &'a Prepared)> {
    let only = options.only.clone();
    suite
        .versions
        .iter()
        .flat_map(|version| version.tests.iter().map(move |test| (version, test)))
        .filter(move |(_, test)| only.as_ref().is_none_or(|only| test.name.contains(only.as_str())))
}

/// The report of a file from the results of its tests, in the order of [`wanted`].
#[must_use]
pub fn assemble(suite: &Suite, options: &Options, reports: Vec<TestReport>) -> Report {
    let mut reports = reports.into_iter();
    let mut versions = Vec::new();
    for version in &suite.versions {
        let one = |test: &&Prepared| options.only.as_ref().is_none_or(|only| test.name.contains(only.as_str()));
        let count = version.tests.iter().filter(one).count();
        versions
            .push(VersionReport { program: version.program.clone(), tests: reports.by_ref().take(count).collect() });
    }
    Report { file: suite.file.clone(), versions }
}

/// Runs one test.
#[must_use]
pub fn run_test<E: Engine>(version: &Version, test: &Prepared, suite: &Suite, options: &Options) -> TestReport {
    let seed = options.seed.unwrap_or(suite.seed);
    let Some(plan) = &test.random else { return run_stimuli::<E>(version, test, &test.stimuli, seed, options) };
    let (mut scans, mut simulated_ns, mut hits) = (0_u64, 0_u64, None);
    let mut count = |report: &TestReport| {
        scans = scans.saturating_add(report.scans);
        simulated_ns = simulated_ns.saturating_add(report.simulated_ns);
        Hits::join(&mut hits, report.hits.as_ref());
    };
    let mut last = None;
    for number in 0..plan.runs {
        let run_seed = plan.seed.unwrap_or(seed).wrapping_add(number.into());
        let drawn = random::draw(plan, run_seed, version.map.plan.tick_ns);
        let stimuli = test.stimuli.with(drawn.iter().copied());
        let report = run_stimuli::<E>(version, test, &stimuli, seed, options);
        count(&report);
        if let Some(failure) = report.failures.first() {
            // Nothing behind the failure matters; what has begun before it is followed to its end.
            let short = Prepared { end_ns: failure.moment.time_ns, ..test.clone() };
            let fails = |stimuli: &Stimuli| first_failure::<E>(version, &short, stimuli, seed, failure);
            let drawn = random::shrink(drawn, &test.stimuli, version.map.plan.tick_ns, fails);
            let stimuli = test.stimuli.with(drawn.iter().copied());
            let mut last = run_stimuli::<E>(version, &short, &stimuli, seed, options);
            last.found = Some(random::found(version, test, &stimuli, run_seed, &last));
            count(&last);
            return TestReport { scans, simulated_ns, hits, ..last };
        }
        last = Some(report);
    }
    let report = last.unwrap_or_else(|| run_stimuli::<E>(version, test, &test.stimuli, seed, options));
    TestReport { scans, simulated_ns, hits, ..report }
}

/// The time of the first failure of the same expectation as `wanted`; `None` where that one does not fail.
fn first_failure<E: Engine>(
    version: &Version,
    test: &Prepared,
    stimuli: &Stimuli,
    seed: u64,
    wanted: &Failure,
) -> Option<u64> {
    let outcome = Pass::<E>::new(version, test, seed, Records::default()).run(stimuli);
    let first = outcome.failures.first()?;
    (first.place == wanted.place).then_some(first.moment.time_ns)
}

/// Does the test fail? Without shrinking, and without the second run that explains why.
pub(crate) fn fails(version: &Version, test: &Prepared, seed: u64) -> bool {
    let failed =
        |stimuli: &Stimuli| !first_run::<Interpreter>(version, test, stimuli, seed, None).0.failures.is_empty();
    let Some(plan) = &test.random else { return failed(&test.stimuli) };
    (0..plan.runs).any(|number| {
        let run_seed = plan.seed.unwrap_or(seed).wrapping_add(number.into());
        let drawn = random::draw(plan, run_seed, version.map.plan.tick_ns);
        failed(&test.stimuli.with(drawn.iter().copied()))
    })
}

/// The run itself, and what it is held against.
fn first_run<E: Engine>(
    version: &Version,
    test: &Prepared,
    stimuli: &Stimuli,
    seed: u64,
    record: Option<Trace>,
) -> (Outcome, Option<GoldenRun>) {
    let tick_ns = version.map.plan.tick_ns;
    let golden_only = || test.golden.as_ref().map(|g| Trace::of(g.of.clone(), version.map.outputs.len(), tick_ns));
    let records = Records { trace: record.or_else(golden_only), ..Records::default() };
    let mut outcome = Pass::<E>::new(version, test, seed, records).run(stimuli);
    let mut golden = None;
    if let (Some(wanted), Some(trace)) = (&test.golden, &outcome.trace) {
        let text = golden::text(&test.name, &wanted.of, trace);
        let failure = golden::failure(wanted, &text, trace);
        golden = Some(GoldenRun { file: wanted.file.clone(), text, same: failure.is_none() });
        outcome.failures.extend(failure);
    }
    (outcome, golden)
}

fn run_stimuli<E: Engine>(
    version: &Version,
    test: &Prepared,
    stimuli: &Stimuli,
    seed: u64,
    options: &Options,
) -> TestReport {
    let tick_ns = version.map.plan.tick_ns;
    let whole = || Trace::new(&version.image, &version.map, tick_ns);
    let (mut outcome, golden) = first_run::<E>(version, test, stimuli, seed, options.record.then(whole));
    let trace = outcome.trace.take().filter(|_| options.record);
    let mut diagram = None;
    if let Some(first) = outcome.failures.iter().map(|failure| failure.moment.time_ns).min() {
        let tail_ns = first.saturating_add(diagram::tail_ns(tick_ns));
        let records = Records {
            history: Some(History::new(&version.image, &version.map)),
            trace: Some(whole()),
            trace_until_ns: Some(tail_ns),
        };
        let again: Outcome = Pass::<E>::new(version, test, seed, records).run(stimuli);
        // What the run itself found is found again, now with its history; what was compared afterwards stays.
        let compared = outcome.failures.split_off(again.failures.len().min(outcome.failures.len()));
        outcome.failures = again.failures;
        outcome.failures.extend(compared);
        diagram = again.trace.as_ref().map(|trace| Diagram::of(trace, &outcome.failures, version));
    }
    TestReport {
        name: test.name.clone(),
        place: test.place.clone(),
        failures: outcome.failures,
        simulated_ns: outcome.simulated_ns,
        scans: outcome.scans,
        seed,
        diagram,
        trace,
        hits: outcome.hits,
        found: None,
        golden,
    }
}
