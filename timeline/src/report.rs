//! What came of a run: plain data for whoever shows it.
//!
//! [`crate::print`] makes text for a terminal; JUnit, JSON and the HTML page ([`crate::export`]) read the same structures.

use crate::coverage::Hits;
use crate::diagram::Diagram;
use crate::names::Source;
use crate::problem::Place;
use crate::random::Found;
use crate::trace::Trace;
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
    /// How it came to the first failure; `None` where it passed.
    pub diagram: Option<Diagram>,
    /// Everything that changed, where it was asked for.
    pub trace: Option<Trace>,
    /// What of the program was gone through, where it was asked for.
    pub hits: Option<Hits>,
    /// The stimuli drawn at random that led to the failure, shrunk.
    pub found: Option<Found>,
    /// The trace a test with `golden` recorded.
    pub golden: Option<GoldenRun>,
}

/// What a test with `golden` recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoldenRun {
    /// The file, as the timeline file names it.
    pub file: String,
    /// The text of this run.
    pub text: String,
    /// It is what the file says.
    pub same: bool,
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
    /// What the expectation reads: names as written, and what they stand for.
    pub reads: Vec<(String, Source)>,
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
    /// An effect did not follow its cause in time.
    TooLate {
        /// The cause.
        when: String,
        /// The effect.
        then: String,
        /// The longest time between them.
        within_ns: u64,
        /// When the cause was there.
        since: Moment,
        /// The effect is there now, too late.
        late: bool,
    },
    /// What should have held until something else happened was lost.
    NotHeld {
        /// What began it; `None`: it began itself.
        when: Option<String>,
        /// What should have held.
        hold: String,
        /// Until when.
        until: String,
        /// When it began.
        since: Moment,
    },
    /// The run is not what a recorded trace says.
    Golden {
        /// The file.
        file: String,
        /// The differences, line by line; empty where there is no recorded trace yet.
        diff: Vec<String>,
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
