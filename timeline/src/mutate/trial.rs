//! The trial: timeline tests on mutants of the program they test.

use super::{Mutant, mutants};
use crate::problem::Problem;
use crate::suite::{self, Suite, Version};
use crate::{Options, run};
use bytecode::{Image, VerifiedImage};
use runtime::config::files::Files;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A source file with every timeline file that runs it.
#[derive(Debug)]
pub struct Trial {
    /// The source file.
    pub source: PathBuf,
    /// Its text.
    text: String,
    /// Its mutants, in the order of the text.
    pub mutants: Vec<Mutant>,
    /// The timeline files with what they are on the original.
    suites: Vec<(PathBuf, Suite)>,
}

/// What became of a mutant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A test failed.
    Killed {
        /// The timeline file.
        file: String,
        /// The test.
        test: String,
    },
    /// Every test passed.
    Survived,
    /// It is not accepted: by the compiler, or because the I/O map or the tests do not fit it.
    NotViable,
    /// Its code is that of the original.
    Equivalent,
}

/// Makes the trials of a set of timeline files, one for each source file they read, in the order of their paths.
///
/// # Errors
/// What keeps a timeline file from being run; a file whose tests fail on the original, because nothing could be learnt from it.
pub fn trials(timelines: &[PathBuf], files: &dyn Files) -> Result<Vec<Trial>, Vec<Problem>> {
    let mut trials: Vec<Trial> = Vec::new();
    for path in timelines {
        let recorder = Recorder { files, read: RefCell::default() };
        let suite = suite::load(path, &recorder)?;
        refuse_failing(&suite)?;
        for source in recorder.read.into_inner().into_iter().filter(|path| is_source(path)) {
            match trials.iter_mut().find(|trial| trial.source == source) {
                Some(trial) => trial.suites.push((path.clone(), suite.clone())),
                None => {
                    let name = source.display().to_string();
                    let text = files.read(&source).map_err(|why| {
                        vec![Problem::new(
                            crate::problem::Place::whole(&name),
                            format!("the file cannot be read: {why}"),
                        )]
                    })?;
                    let mutants = mutants(&name, &text);
                    trials.push(Trial { source, text, mutants, suites: vec![(path.clone(), suite.clone())] });
                }
            }
        }
    }
    trials.sort_by(|a, b| a.source.cmp(&b.source));
    Ok(trials)
}

/// A mutant is killed by a failing test, so every test has to pass on the original.
fn refuse_failing(suite: &Suite) -> Result<(), Vec<Problem>> {
    let report = run(suite, &Options::default());
    let problems: Vec<Problem> = report
        .tests()
        .filter(|(_, test)| !test.passed())
        .map(|(version, test)| {
            let message = format!("the test `{}` fails on {} as it stands", test.name, version.program);
            Problem::new(test.place.clone(), message).help("mend it first: `plcrun test` shows why it fails")
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn is_source(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("ld") || ending.eq_ignore_ascii_case("st"))
}

impl Trial {
    /// Runs the tests on a mutant, until one fails.
    #[must_use]
    pub fn verdict(&self, mutant: &Mutant, files: &dyn Files) -> Verdict {
        let changed = Changed { path: &self.source, text: mutant.apply(&self.text), others: files };
        let mut verdict = Verdict::Equivalent;
        for (path, original) in &self.suites {
            let Ok(suite) = suite::load(path, &changed) else { return Verdict::NotViable };
            for (version, before) in suite.versions.iter().zip(&original.versions) {
                if same_code(&version.image, &before.image) {
                    continue;
                }
                verdict = Verdict::Survived;
                if let Some(test) = first_failing(version, suite.seed) {
                    return Verdict::Killed { file: suite.file, test };
                }
            }
        }
        verdict
    }
}

fn first_failing(version: &Version, seed: u64) -> Option<String> {
    version.tests.iter().find(|test| run::fails(version, test, seed)).map(|test| test.name.clone())
}

/// The same instructions on the same data: the two cannot differ in anything but their places in the text.
fn same_code(one: &VerifiedImage, other: &VerifiedImage) -> bool {
    let (one, other): (&Image, &Image) = (one.image(), other.image());
    one.code == other.code
        && one.data == other.data
        && one.constants == other.constants
        && one.accesses == other.accesses
}

/// Notes which files are read.
struct Recorder<'f> {
    files: &'f dyn Files,
    read: RefCell<BTreeSet<PathBuf>>,
}

impl Files for Recorder<'_> {
    fn read(&self, path: &Path) -> Result<String, String> {
        let text = self.files.read(path)?;
        self.read.borrow_mut().insert(path.to_path_buf());
        Ok(text)
    }
}

/// One file changed, the rest as it is.
struct Changed<'f> {
    path: &'f Path,
    text: String,
    others: &'f dyn Files,
}

impl Files for Changed<'_> {
    fn read(&self, path: &Path) -> Result<String, String> {
        if path == self.path { Ok(self.text.clone()) } else { self.others.read(path) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::*;
    use runtime::config::files::Texts;

    const PROGRAM: &str = "PROGRAM P\nVAR\n  a AT %IX0.0 : BOOL;\n  b AT %IX0.1 : BOOL;\n  q AT %QX0.0 : BOOL;\nEND_VAR\nLADDER\n\
        RUNG one: NO(a) NC(b) COIL(q);\nEND_LADDER\nEND_PROGRAM\n";

    /// `b` is never pressed, so that nothing holds its contact.
    const TESTS: &str = "program: p.ld\ntests:\n  - name: follows\n    steps:\n      - { at: 50 ms, expect: { q: false } }\n      \
        - { at: 100 ms, set: { a: true } }\n      - { at: 200 ms, expect: { q: true } }\n";

    fn verdicts(tests: &str) -> Vec<(Kind, Verdict)> {
        let files = Texts::new().with("p.ld", PROGRAM).with("p.test.yaml", tests);
        let trials = trials(&[PathBuf::from("p.test.yaml")], &files).unwrap();
        let [trial] = trials.as_slice() else { panic!("{trials:?}") };
        trial.mutants.iter().map(|mutant| (mutant.kind, trial.verdict(mutant, &files))).collect()
    }

    #[test]
    fn what_no_test_looks_at_survives() {
        let all = verdicts(TESTS);
        let survivors: Vec<Kind> = all.iter().filter(|(_, v)| *v == Verdict::Survived).map(|(kind, _)| *kind).collect();
        // The bridged NC(b); inverted it keeps q off, which a test sees.
        assert_eq!(survivors, [Kind::Bridged], "{all:?}");
        let killed = all.iter().filter(|(_, v)| matches!(v, Verdict::Killed { test, .. } if test == "follows")).count();
        assert_eq!(killed, all.len() - 1, "{all:?}");
    }

    #[test]
    fn a_further_step_kills_it() {
        let more = format!(
            "{TESTS}      - {{ at: 300 ms, set: {{ b: true }} }}\n      - {{ at: 400 ms, expect: {{ q: false }} }}\n"
        );
        assert!(verdicts(&more).iter().all(|(_, v)| matches!(v, Verdict::Killed { .. })));
    }

    #[test]
    fn a_test_that_fails_already_is_refused() {
        let files = Texts::new().with("p.ld", PROGRAM).with("p.test.yaml", TESTS.replace("q: true", "q: false"));
        let problems = trials(&[PathBuf::from("p.test.yaml")], &files).unwrap_err();
        assert!(problems[0].message.contains("`follows` fails on p.ld"), "{problems:?}");
    }
}
