//! `plcrun prove`: can any sequence of inputs break a property?
//!
//! `gather` collects the properties, the room `prove` answers them, `replay` runs every way to break one on the engine that
//! runs plants before it is shown, `show` prints, `written` makes timeline tests and certificates.

mod gather;
mod replay;
mod show;
mod written;

use crate::args::ProveArgs;
use crate::exit::{Exit, Refusal};
use crate::project::{self, Input};
use crate::terminal::Console;
use crate::{files, iomap};
use bytecode::VerifiedImage;
use compiler::source::SourceMap;
use prove::model::{Schedule, ScheduledTask};
use prove::prover::{Answer, Options, Problem, Prover, Report, Way};
use runtime::config::IoMap;
use runtime::config::files::Disk;
use runtime::scan::Plan;
use std::path::Path;
use std::time::Duration;

/// A property answered, and what the engine said of the way that was found.
struct Answered {
    report: Report,
    /// What happens on the way; `None` where there is no way.
    replay: Option<replay::Replay>,
}

/// Everything a command works on.
struct Work {
    sources: SourceMap,
    image: VerifiedImage,
    map: IoMap,
}

/// Proves and reports.
///
/// # Errors
/// A file cannot be read, the program has errors or does something that is not modelled, or a property is wrong.
pub fn run(args: &ProveArgs, console: &Console) -> Result<Exit, Refusal> {
    let Input::Sources { map: sources, ids } = project::read(&args.files)? else {
        return Err(Refusal::wrong_use("an image has no rungs to prove anything about", "name the source files"));
    };
    let origin = iomap::find(args.io.as_deref(), &args.files);
    iomap::must_exist(&origin)?;
    let compiled = compiler::compile(&sources, &ids, compiler::Options::default());
    project::tell(&sources, &compiled.diagnostics, console);
    let Some(image) = compiled.image.clone() else {
        return Err(Refusal::findings("the program has errors", "mend the errors above first"));
    };
    let image = bytecode::verify(image)
        .map_err(|e| Refusal::findings(format!("the compiler made an image that the verifier refuses: {e}"), ""))?;
    let map = iomap::required_at(&origin, image.image(), None, &Disk, console)?;
    let work = Work { sources, image, map };
    let file = gather::gather(args, &work, &compiled.files)?;
    let schedule = schedule(&work.map.plan);
    let began = std::time::Instant::now();
    let mut prover = Prover::new(&compiled.program, work.image.image(), &schedule, &file.properties, &file.assume)
        .map_err(|problem| refused(&problem, &work.sources))?;
    let modelled = began.elapsed();
    let options = Options { time_limit: Duration::from_nanos(args.time_limit.ns) };
    let mut answered = Vec::new();
    for number in 0..prover.len() {
        let report = prover.answer(number, &options).map_err(|bad| refused(&Problem::Property(bad), &work.sources))?;
        let Some(report) = report else { continue };
        let one = confirm(report, &prover, &work);
        if args.json {
            console.print(&format!("{}\n", show::as_json(&one, &work)))?;
        } else {
            console.print(&show::as_text(&one, &work, console.color_out))?;
        }
        answered.push(one);
    }
    if let Some(folder) = &args.write {
        for one in &answered {
            written::test(folder, args, one, &work, console)?;
        }
    }
    if let Some(path) = &args.certificate {
        files::write_atomically(path, written::certificates(&answered, &prover, &work).as_bytes())?;
    }
    if let Some(path) = &args.aiger {
        aiger(path, &answered)?;
    }
    if !args.json {
        console.print(&show::closing(&answered, prover.model(), modelled, console.color_out))?;
    }
    Ok(exit(&answered))
}

fn aiger(path: &Path, answered: &[Answered]) -> Result<(), Refusal> {
    let [one] = answered else {
        let what = format!("{} properties match `--only`, and an AIGER file holds one question", answered.len());
        return Err(Refusal::wrong_use(what, "name one property in full"));
    };
    let id = &one.report.property.id;
    match &one.report.system {
        Some(system) => files::write_atomically(path, prove::aiger::export(system, id).as_bytes()),
        None => Ok(()),
    }
}

fn schedule(plan: &Plan) -> Schedule {
    let tasks = plan.tasks.iter().map(|t| ScheduledTask { every: t.every, programs: t.programs.clone() });
    Schedule { tick_ns: plan.tick_ns, tasks: tasks.collect() }
}

fn refused(problem: &Problem, sources: &SourceMap) -> Refusal {
    match problem {
        Problem::Program(refusal) => {
            let place = refusal.span.and_then(|span| sources.place(span));
            let at = place.map_or(String::new(), |(file, at)| format!("{file}:{}:{}: ", at.line, at.column));
            let help = "docs/proof.md lists what is modelled; a property of another program may still be proved";
            Refusal::findings(format!("{at}{}", refusal.what), help)
        }
        Problem::Property(bad) => Refusal::findings(bad.to_string(), bad.fault.help.clone()),
    }
}

/// Runs the way on the engine; one that does not happen there is no answer.
fn confirm(report: Report, prover: &Prover<'_>, work: &Work) -> Answered {
    let mut report = report;
    let Some(way) = way(&report.answer).cloned() else { return Answered { report, replay: None } };
    match replay::replay(&way, &report, prover.model(), work) {
        Ok(replay) => Answered { report, replay: Some(replay) },
        Err(why) => {
            report.answer = Answer::Unknown { why };
            Answered { report, replay: None }
        }
    }
}

fn way(answer: &Answer) -> Option<&Way> {
    match answer {
        Answer::Refuted(way) | Answer::Reached(way) => Some(way),
        Answer::Proved { .. } | Answer::Vacuous { .. } | Answer::Unreachable { .. } | Answer::Unknown { .. } => None,
    }
}

fn exit(answered: &[Answered]) -> Exit {
    let worst = answered.iter().map(|one| match one.report.answer {
        Answer::Proved { .. } | Answer::Reached(_) => 0,
        Answer::Unknown { .. } => 1,
        Answer::Refuted(_) | Answer::Vacuous { .. } | Answer::Unreachable { .. } => 2,
    });
    match worst.max().unwrap_or(0) {
        0 => Exit::Clean,
        1 => Exit::Unknown,
        _ => Exit::Findings,
    }
}
