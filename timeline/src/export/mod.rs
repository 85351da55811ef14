//! Reports for others: JUnit for CI systems, JSON for programs, VCD for waveform viewers, one HTML page for people.
//!
//! Everything is text made from [`crate::report`]; nothing here runs or writes anything.

mod html;
mod json;
mod junit;
mod vcd;

pub use html::{Page, page};
pub use json::json;
pub use junit::junit;
pub use vcd::vcd;

use crate::report::Report;

/// What came of one timeline file: a report, or why it could not be run.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'a> {
    /// It was run.
    Ran(&'a Report),
    /// It could not be run: the file and everything that is wrong with it.
    Unusable(&'a str, &'a str),
}

/// Tests and failures of some files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Tests that were run.
    pub tests: usize,
    /// Tests that failed.
    pub failed: usize,
    /// Files that could not be run.
    pub unusable: usize,
    /// Simulated time of all.
    pub simulated_ns: u64,
    /// Scans of all.
    pub scans: u64,
}

impl Totals {
    /// Counts.
    #[must_use]
    pub fn of(outcomes: &[Outcome<'_>]) -> Self {
        let mut totals = Self::default();
        for outcome in outcomes {
            match outcome {
                Outcome::Ran(report) => {
                    for (_, test) in report.tests() {
                        totals.tests += 1;
                        totals.failed += usize::from(!test.passed());
                        totals.simulated_ns = totals.simulated_ns.saturating_add(test.simulated_ns);
                        totals.scans = totals.scans.saturating_add(test.scans);
                    }
                }
                Outcome::Unusable(..) => totals.unusable += 1,
            }
        }
        totals
    }
}
