//! What came of a run: plain data for whoever shows it.
//!
//! [`crate::print`] makes text for a terminal; further renderings (JUnit, timing diagrams) read the same structures.

use crate::problem::Place;
use crate::writers::Writer;

/// The result of one timeline file.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The timeline file as it was named.
    pub file: String,
    /// One entry for each version of the program, in the order of the file.
    pub versions: Vec<VersionReport>,
}

/// The result of all tests on one version of the program.
#[derive(Clone, Debug, PartialEq)]
pub struct VersionReport {
    /// The program's files, as in the timeline file, separated by commas.
    pub program: String,
    /// One entry for each test that was run.
    pub tests: Vec<TestReport>,
}

/// The result of one test.
#[derive(Clone, Debug, PartialEq)]
pub struct TestReport {
    /// Its name.
    pub name: String,
    /// Where it begins.
    pub place: Place,
    /// What failed, in the order of time; empty where the test passed.
    pub failures: Vec<Failure>,
    /// Simulated time.
    pub simulated_ns: u64,
    /// Scans run.
    pub scans: u64,
    /// Seed of the simulation.
    pub seed: u64,
}

impl TestReport {
    /// Did it pass?
    #[must_use]
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}

impl Report {
    /// All tests with the program they ran on.
    pub fn tests(&self) -> impl Iterator<Item = (&VersionReport, &TestReport)> {
        self.versions.iter().flat_map(|version| version.tests.iter().map(move |test| (version, test)))
    }

    /// Did every test pass?
    #[must_use]
    pub fn passed(&self) -> bool {
        self.tests().all(|(_, test)| test.passed())
    }
}

/// A moment of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Start of the scan, from the start of the test.
    pub time_ns: u64,
    /// Number of the scan, from 0.
    pub scan: u64,
}

/// One thing that was not as it should be.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// Where the expectation stands.
    pub place: Place,
    /// When it failed.
    pub moment: Moment,
    /// What failed.
    pub kind: FailureKind,
    /// Who writes the variables concerned: name and places, in the order they run in.
    pub writers: Vec<(String, Vec<Writer>)>,
    /// The last changes before it, oldest first.
    pub changes: Vec<Change>,
}

/// What can fail.
#[derive(Clone, Debug, PartialEq)]
pub enum FailureKind {
    /// A name has another value than expected.
    Differs {
        /// The name.
        name: String,
        /// The value in the file.
        expected: String,
        /// The value in the run.
        found: String,
    },
    /// An expected condition does not hold.
    DoesNotHold {
        /// The condition.
        condition: String,
        /// Everything it reads, with its value.
        values: Vec<(String, String)>,
    },
    /// A condition under `never` holds.
    Never {
        /// The condition.
        condition: String,
        /// Everything it reads, with its value.
        values: Vec<(String, String)>,
    },
    /// A condition under `always` does not hold.
    Always {
        /// The condition.
        condition: String,
        /// Everything it reads, with its value.
        values: Vec<(String, String)>,
    },
    /// A condition has no answer.
    NoAnswer {
        /// The condition.
        condition: String,
        /// Why.
        reason: String,
    },
    /// The program or the rack failed; the run ended here.
    Fault {
        /// What happened, with rung, file and line where they are known.
        message: String,
    },
}

/// A change of a variable, an input or a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// In which scan.
    pub moment: Moment,
    /// What changed.
    pub name: String,
    /// Value before.
    pub from: String,
    /// Value after.
    pub to: String,
}
