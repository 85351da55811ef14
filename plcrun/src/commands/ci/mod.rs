//! `plcrun ci`: everything that can be said of a project before it is energised, in one command, with reports.
//!
//! Each step is a command of its own that anybody can repeat by hand; this module chooses the files, runs the steps one
//! after the other, also after one that failed, and writes what pipelines read.

mod settings;
mod summary;

use super::{check, fmt, mutate, prove, test};
use crate::args::{CheckArgs, CheckFormat, CiArgs, CiStep, FmtArgs, MutateArgs, ProveArgs, TestArgs};
use crate::discover;
use crate::exit::{Exit, Refusal};
use crate::files;
use crate::project::plural;
use crate::settings as project_settings;
use crate::terminal::{Console, Tint, tinted};
use lint::Finding;
use settings::CiSettings;
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    /// Nothing to complain about.
    Passed,
    /// Findings; they have been printed.
    Failed,
    /// There was nothing to do, or nobody asked for it: why.
    Skipped(String),
}

/// A step that is over.
#[derive(Clone, Debug)]
struct Done {
    step: CiStep,
    outcome: Outcome,
    /// What was looked at, in a few words.
    words: String,
    took: Duration,
}

/// The project as the steps see it.
struct Job<'a> {
    args: &'a CiArgs,
    settings: CiSettings,
    /// Every source file.
    sources: Vec<PathBuf>,
    /// Every timeline file.
    timelines: Vec<PathBuf>,
    reports: Option<PathBuf>,
    /// What check and proofs have found so far: GitLab takes one report of both.
    found: RefCell<Vec<Finding>>,
    console: &'a Console,
}

/// Runs the steps.
///
/// # Errors
/// The folder or a file in it cannot be read, the settings have mistakes, or a report cannot be written.
pub fn run(args: &CiArgs, console: &Console) -> Result<Exit, Refusal> {
    let job = Job::new(args, console)?;
    let mut done = Vec::new();
    for step in job.steps() {
        console.print(&format!("{}\n", tinted(console.color_out, Tint::Strong, &format!("== {}", step.name()))))?;
        let start = Instant::now();
        let (outcome, words) = job.step(step)?;
        let one = Done { step, outcome, words, took: start.elapsed() };
        console.print(&format!("{}\n", one.line(console.color_out)))?;
        done.push(one);
    }
    job.summarise(&done)?;
    let failed: Vec<&str> = done.iter().filter(|d| d.outcome == Outcome::Failed).map(|d| d.step.name()).collect();
    let closing = if failed.is_empty() {
        tinted(console.color_out, Tint::Good, "all steps passed")
    } else {
        tinted(console.color_out, Tint::Bad, &format!("failed: {}", failed.join(", ")))
    };
    console.print(&format!("{closing}\n"))?;
    Ok(if failed.is_empty() { Exit::Clean } else { Exit::Findings })
}

impl Done {
    fn line(&self, color: bool) -> String {
        let seconds = self.took.as_secs_f64();
        match &self.outcome {
            Outcome::Passed => {
                format!("   {} {} ({seconds:.1} s)", tinted(color, Tint::Good, "passed"), self.words)
            }
            Outcome::Failed => format!("   {} {} ({seconds:.1} s)", tinted(color, Tint::Bad, "FAILED"), self.words),
            Outcome::Skipped(why) => format!("   {} {why}", tinted(color, Tint::Doubtful, "skipped:")),
        }
    }
}

impl<'a> Job<'a> {
    fn new(args: &'a CiArgs, console: &'a Console) -> Result<Self, Refusal> {
        if !args.folder.is_dir() {
            return Err(Refusal::wrong_use(
                format!("{} is no folder", files::shown(&args.folder)),
                "name the folder of the project; one program is checked by `plcrun check`",
            ));
        }
        let project = project_settings::of(&args.folder)?;
        let settings = CiSettings::of(&project)?;
        let mut all = Vec::new();
        discover::walk(&args.folder, &mut all)?;
        let reports = args.reports.clone().or_else(|| settings.reports.clone());
        // Reports of an earlier run are no part of the project.
        all.retain(|path| reports.as_ref().is_none_or(|reports| !path.starts_with(reports)));
        let ends = |path: &Path, suffix: &str| path.to_string_lossy().ends_with(suffix);
        let sources = all.iter().filter(|p| ends(p, ".ld") || ends(p, ".st")).cloned().collect();
        let timelines = all.iter().filter(|p| ends(p, ".test.yaml")).cloned().collect();
        if let Some(folder) = &reports {
            std::fs::create_dir_all(folder).map_err(|e| {
                Refusal::wrong_use(
                    format!("the folder {} cannot be made: {e}", files::shown(folder)),
                    "name another one",
                )
            })?;
        }
        Ok(Self { args, settings, sources, timelines, reports, found: RefCell::default(), console })
    }

    fn steps(&self) -> Vec<CiStep> {
        let asked = |step: &CiStep| match (&self.args.only, &self.settings.steps) {
            (only, _) if !only.is_empty() => only.contains(step),
            (_, Some(steps)) => steps.contains(step),
            (_, None) => *step != CiStep::Mutate || self.settings.mutants.is_some(),
        };
        CiStep::ALL.into_iter().filter(asked).collect()
    }

    fn report(&self, name: &str) -> Option<PathBuf> {
        self.reports.as_ref().map(|folder| folder.join(name))
    }

    fn step(&self, step: CiStep) -> Result<(Outcome, String), Refusal> {
        match step {
            CiStep::Format => self.format(),
            CiStep::Check => self.check(),
            CiStep::Test => self.test(),
            CiStep::Prove => self.prove(),
            CiStep::Mutate => self.mutate(),
        }
    }

    fn format(&self) -> Result<(Outcome, String), Refusal> {
        if self.sources.is_empty() {
            return Ok(no_files("no *.ld or *.st"));
        }
        let args = FmtArgs { files: self.sources.clone(), check: true, stdout: false };
        let words = plural(self.sources.len(), "file");
        match fmt::run(&args, self.console) {
            Ok(exit) => {
                if exit != Exit::Clean {
                    self.console.print("these files are not in canonical form: `plcrun fmt` rewrites them\n")?;
                }
                Ok((outcome(exit), words))
            }
            // Syntax errors are findings of the project, and the next steps tell what follows from them.
            Err(refusal) if refusal.exit == Exit::Findings => {
                self.console.refusal(&refusal);
                Ok((Outcome::Failed, words))
            }
            Err(refusal) => Err(refusal),
        }
    }

    fn check(&self) -> Result<(Outcome, String), Refusal> {
        if self.sources.is_empty() {
            return Ok(no_files("no *.ld or *.st"));
        }
        let args = CheckArgs::of(vec![self.args.folder.clone()]);
        let looks = check::examine(&args, self.console)?;
        self.console.print(&check::grave(&looks, self.console))?;
        if summary::in_github() {
            self.console.print(&check::rendered(CheckFormat::Github, &looks, self.console, false))?;
        }
        if let Some(path) = self.report("check.sarif") {
            let log = check::rendered(CheckFormat::Sarif, &looks, self.console, false);
            files::write_atomically(&path, log.as_bytes())?;
        }
        self.gitlab(check::findings(&looks))?;
        Ok((outcome(check::exit(&looks)), plural(looks.len(), "program")))
    }

    fn test(&self) -> Result<(Outcome, String), Refusal> {
        if self.timelines.is_empty() {
            return Ok(no_files("no *.test.yaml"));
        }
        let args = TestArgs {
            junit: self.report("junit.xml"),
            html: self.report("report.html"),
            lcov: self.report("coverage.lcov"),
            ..TestArgs::quiet(self.timelines.clone())
        };
        let exit = test::run(&args, self.console)?;
        Ok((outcome(exit), plural(self.timelines.len(), "file")))
    }

    fn prove(&self) -> Result<(Outcome, String), Refusal> {
        if self.sources.is_empty() {
            return Ok(no_files("no *.ld or *.st"));
        }
        let args = ProveArgs {
            sarif: self.report("prove.sarif"),
            junit: self.report("prove.junit.xml"),
            ..ProveArgs::of(vec![self.args.folder.clone()])
        };
        let proofs = prove::prove(&args, self.console)?;
        if summary::in_github() {
            self.console.print(&lint::report::github::commands(&proofs.findings))?;
        }
        self.gitlab(proofs.findings)?;
        Ok((outcome(proofs.exit), plural(proofs.programs, "program")))
    }

    /// Adds findings to the report for GitLab.
    fn gitlab(&self, findings: Vec<Finding>) -> Result<(), Refusal> {
        let mut found = self.found.borrow_mut();
        found.extend(findings);
        match self.report("check.gitlab.json") {
            Some(path) => files::write_atomically(&path, lint::report::gitlab::report(&found).as_bytes()),
            None => Ok(()),
        }
    }

    fn mutate(&self) -> Result<(Outcome, String), Refusal> {
        if self.timelines.is_empty() {
            return Ok(no_files("no *.test.yaml"));
        }
        let at_least = self.settings.mutants.unwrap_or(0);
        let args = MutateArgs {
            paths: self.timelines.clone(),
            at_least,
            tests_only: false,
            sample: None,
            json: false,
            quiet: false,
        };
        match mutate::run(&args, self.console) {
            Ok(exit) => Ok((outcome(exit), format!("at least {at_least} % of each program's mutants"))),
            Err(refusal) if refusal.exit == Exit::Findings => {
                self.console.refusal(&refusal);
                Ok((Outcome::Failed, "tests that fail show nothing".to_owned()))
            }
            Err(refusal) => Err(refusal),
        }
    }

    fn summarise(&self, done: &[Done]) -> Result<(), Refusal> {
        if let Some(path) = self.report("summary.json") {
            files::write_atomically(&path, summary::json(done).as_bytes())?;
        }
        let text = summary::markdown(done);
        if let Some(path) = self.report("summary.md") {
            files::write_atomically(&path, text.as_bytes())?;
        }
        summary::to_github(&text, self.console);
        Ok(())
    }
}

fn no_files(what: &str) -> (Outcome, String) {
    (Outcome::Skipped(format!("{what} under this folder")), String::new())
}

const fn outcome(exit: Exit) -> Outcome {
    match exit {
        Exit::Clean => Outcome::Passed,
        Exit::Findings | Exit::WrongUse | Exit::Fault | Exit::Unknown => Outcome::Failed,
    }
}
