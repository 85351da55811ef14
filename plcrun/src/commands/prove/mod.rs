//! `plcrun prove`: can any sequence of inputs break a property?
//!
//! `work` makes a program ready, `gather` collects its properties, `ask` puts them to the room `prove`, several at a time, `replay`
//! runs every way to break one on the engine that runs plants before it is shown, `picture` draws it, `show` prints,
//! `written` makes timeline tests and certificates, `findings` and `junit` the reports for others.

mod ask;
mod contacts;
mod delays;
mod findings;
mod gather;
mod junit;
mod only;
mod picture;
mod relays;
mod replay;
mod show;
mod work;
mod written;

use super::check;
use crate::args::ProveArgs;
use crate::discover::Program;
use crate::exit::{Exit, Refusal};
use crate::files;
use crate::parallel::processors;
use crate::terminal::Console;
use ask::{Answered, How};
use gather::Gathered;
use indicatif::{ProgressBar, ProgressStyle};
use lint::{Finding, Remark};
use only::Only;
use prove::prover::Answer;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use work::Work;
use written::Written;

/// What came of a program.
struct Outcome {
    /// Its name: the first file.
    name: String,
    files: Vec<PathBuf>,
    gathered: Gathered,
    /// In the order of the properties.
    answered: Vec<Answered>,
    /// What was asked of the relay guard.
    contacts: Vec<prove::guard::asked::Answered>,
    /// For each answer: the rungs it is about.
    related: Vec<Vec<Remark>>,
    /// Why its properties could not be asked.
    trouble: Option<Refusal>,
    /// Time between two scans.
    tick_ns: u64,
}

/// What came of all programs.
pub(super) struct Proofs {
    /// Everything holds, something does not, something is not known.
    pub(super) exit: Exit,
    /// How many programs were asked.
    pub(super) programs: usize,
    /// What does not hold, and what is not known.
    pub(super) findings: Vec<Finding>,
}

/// Proves and reports.
///
/// # Errors
/// A file cannot be read, the one program has errors or does something that is not modelled, or one of its properties is wrong.
pub fn run(args: &ProveArgs, console: &Console) -> Result<Exit, Refusal> {
    Ok(prove(args, console)?.exit)
}

/// As [`run`], for a command that has more to do with what was found.
///
/// # Errors
/// As [`run`].
pub(super) fn prove(args: &ProveArgs, console: &Console) -> Result<Proofs, Refusal> {
    let programs = programs(args, console)?;
    // What is found in a folder is one of several, even where it is alone.
    let several = args.files.iter().any(|path| path.is_dir());
    let mut written = Written::new(args);
    let mut outcomes = Vec::new();
    for program in &programs {
        if several && !args.json {
            console.print(&format!("{}\n", heading(program)))?;
        }
        let mut outcome = Outcome::new(program);
        match outcome.fill(program, args, &mut written, console) {
            Ok(()) => {}
            // Of several programs the others are asked all the same.
            Err(refusal) if several && refusal.exit == Exit::Findings => {
                console.refusal(&refusal);
                outcome.trouble = Some(refusal);
            }
            Err(refusal) => return Err(refusal),
        }
        outcomes.push(outcome);
    }
    let empty = |outcome: &Outcome| outcome.answered.is_empty() && outcome.contacts.is_empty();
    if outcomes.iter().all(|outcome| empty(outcome) && outcome.trouble.is_none()) {
        let only = args.only.as_deref().unwrap_or_default();
        let what = format!("no property has `{only}` in its name");
        return Err(Refusal::wrong_use(what, "leave `--only` out to see the names"));
    }
    written.aiger(&outcomes)?;
    written.certificates(&outcomes)?;
    let findings = findings::of(&outcomes);
    reports(args, &outcomes, &findings)?;
    if programs.len() > 1 && !args.json {
        console.print(&show::total(&outcomes, console.color_out))?;
    }
    Ok(Proofs { exit: exit(&outcomes), programs: programs.len(), findings })
}

/// What the command line names.
fn programs(args: &ProveArgs, console: &Console) -> Result<Vec<Program>, Refusal> {
    let programs = check::programs(&args.files, args.io.as_deref(), console)?;
    if let (Some(file), true) = (&args.properties, args.files.iter().any(|path| path.is_dir())) {
        return Err(Refusal::wrong_use(
            format!("{} holds the properties of one program, and a folder may hold several", files::shown(file)),
            "leave `--properties` out: each program has those of the file beside it",
        ));
    }
    Ok(programs)
}

/// `programs/pumps.ld (programs/pumps.io.yaml)`: a program may stand on several maps.
fn heading(program: &Program) -> String {
    let names: Vec<String> = program.files.iter().map(|file| file.display().to_string()).collect();
    let map = program.io.as_ref().map_or(String::new(), |io| format!(" ({})", io.display()));
    format!("{}{map}", names.join(" "))
}

fn reports(args: &ProveArgs, outcomes: &[Outcome], findings: &[Finding]) -> Result<(), Refusal> {
    let inputs = || outcomes.iter().flat_map(|outcome| &outcome.files).map(PathBuf::as_path);
    let write = |path: &Option<PathBuf>, text: &dyn Fn() -> String| match path {
        Some(path) => {
            files::refuse_overwriting(path, inputs())?;
            files::write_atomically(path, text().as_bytes())
        }
        None => Ok(()),
    };
    write(&args.sarif, &|| lint::report::sarif::log(findings, env!("CARGO_PKG_VERSION")))?;
    write(&args.gitlab, &|| lint::report::gitlab::report(findings))?;
    write(&args.junit, &|| junit::document(outcomes))
}

impl Outcome {
    fn new(program: &Program) -> Self {
        Self {
            name: program.files.first().map(|file| file.display().to_string()).unwrap_or_default(),
            files: program.files.clone(),
            gathered: Gathered::default(),
            answered: Vec::new(),
            contacts: Vec::new(),
            related: Vec::new(),
            trouble: None,
            tick_ns: 1,
        }
    }

    /// Asks, and shows each answer as it comes.
    fn fill(
        &mut self,
        program: &Program,
        args: &ProveArgs,
        written: &mut Written<'_>,
        console: &Console,
    ) -> Result<(), Refusal> {
        let work = Work::of(program, console)?;
        self.tick_ns = work.map.plan.tick_ns;
        self.gathered = gather::gather(args, &work)?;
        let guard = contacts::guard(&work.map);
        let own = self.gathered.properties.iter().map(|property| property.id.as_str());
        let only = Only::new(args.only.as_deref(), own.chain(guard.names()));
        self.gathered.keep(only);
        self.contacts = contacts::ask(&guard, only, Duration::from_nanos(args.time_limit.ns));
        if !self.gathered.properties.is_empty() {
            self.ask(&work, args, written, console)?;
        }
        for one in &self.contacts {
            let json = || format!("{}\n", contacts::as_json(one, &work));
            console.print(&if args.json { json() } else { contacts::as_text(one, console.color_out) })?;
        }
        if !self.contacts.is_empty() && !args.json {
            console.print(&contacts::closing(&self.contacts, console.color_out))?;
        }
        Ok(())
    }

    /// Asks the properties.
    fn ask(
        &mut self,
        work: &Work,
        args: &ProveArgs,
        written: &mut Written<'_>,
        console: &Console,
    ) -> Result<(), Refusal> {
        let how = How {
            time_limit: Duration::from_nanos(args.time_limit.ns),
            memory_limit: args.memory_limit,
            jobs: args.jobs.map_or(processors() / 2, usize::from),
            clauses: args.certificate.is_some(),
            systems: args.aiger.is_some(),
            contacts: args.contacts.into(),
        };
        let bar = progress(self.gathered.properties.len(), args);
        let (answered, related) = (&mut self.answered, &mut self.related);
        let modelled = ask::ask(work, &self.gathered, how, |one| {
            let text = match args.json {
                true => format!("{}\n", show::as_json(&one, work, &self.gathered)),
                false => show::as_text(&one, work.map.plan.tick_ns, args.ascii, console.color_out),
            };
            bar.suspend(|| console.print(&text))?;
            bar.inc(1);
            written.way(&one, work, console)?;
            related.push(findings::related(&one, work));
            answered.push(one);
            Ok(())
        });
        bar.finish_and_clear();
        let modelled = modelled?;
        if !args.json {
            console.print(&show::closing(&self.answered, &modelled, work, console.color_out))?;
        }
        Ok(())
    }
}

fn progress(properties: usize, args: &ProveArgs) -> ProgressBar {
    if args.json || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(u64::try_from(properties).unwrap_or(u64::MAX));
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len} properties, {elapsed}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    // A property may take long: the time goes on meanwhile.
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn exit(outcomes: &[Outcome]) -> Exit {
    let answers = outcomes.iter().flat_map(|outcome| &outcome.answered).map(|one| match one.report.answer {
        Answer::Proved { .. } | Answer::Reached(_) => 0,
        Answer::Unknown { .. } => 1,
        Answer::Refuted(_) | Answer::Vacuous { .. } | Answer::Unreachable { .. } => 2,
    });
    let troubles = outcomes.iter().filter(|outcome| outcome.trouble.is_some()).map(|_| 2);
    let contacts = outcomes.iter().flat_map(|outcome| &outcome.contacts).map(|one| match one.answer {
        prove::guard::asked::Answer::Proved(_) => 0,
        prove::guard::asked::Answer::Unknown(_) => 1,
        prove::guard::asked::Answer::Vacuous | prove::guard::asked::Answer::Refuted(_) => 2,
    });
    match answers.chain(contacts).chain(troubles).max().unwrap_or(0) {
        0 => Exit::Clean,
        1 => Exit::Unknown,
        _ => Exit::Findings,
    }
}

/// Does a property of this program fail, on this map? For whoever tries changed programs: asked in order, until one does.
///
/// # Errors
/// Nothing can be asked.
pub(super) fn first_broken(
    files: &[PathBuf],
    io: Option<&Path>,
    texts: &dyn runtime::config::files::Files,
    time_limit: Duration,
) -> Result<Option<String>, Refusal> {
    let work = Work::quietly(files, io, texts)?;
    let gathered = gather::gather(&ProveArgs::of(Vec::new()), &work)?;
    ask::first_broken(&work, &gathered, time_limit)
}
