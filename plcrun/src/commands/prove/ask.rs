//! The questions about one program, several at a time, with answers in the order of the properties.
//!
//! A model belongs to its thread, so each worker makes one of its own; the first that is made says what holds for all. Where
//! the process grows beyond the limit of memory, everything that is being asked ends as unknown; nothing else is lost.

use super::gather::Gathered;
use super::work::Work;
use super::{replay, written};
use crate::exit::Refusal;
use compiler::ir::Origin;
use prove::guard::wired::{Contacts, Wired};
use prove::model::Schedule;
use prove::prover::{Answer, Asking, Options, Problem, Prover, Report, Way};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

/// How often the memory is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// A property answered, and what the engine said of the way that was found.
pub struct Answered {
    /// The answer. The question itself is kept only where somebody wants it.
    pub report: Report,
    /// What happens on the way; `None` where there is no way.
    pub replay: Option<replay::Replay>,
    /// The clauses of a proof in names, where they are wanted.
    pub clauses: Option<Vec<Value>>,
}

/// What holds for all answers about a program.
#[derive(Clone, Debug, Default)]
pub struct Modelled {
    /// Time the model took.
    pub took: Duration,
    /// What is not computed.
    pub approximations: Vec<String>,
    /// The loop that was followed only so far.
    pub beyond_at: Option<Origin>,
}

/// How it is asked.
#[derive(Clone, Copy, Debug)]
pub struct How {
    /// Longest time for one property.
    pub time_limit: Duration,
    /// Most memory of the process, in MiB.
    pub memory_limit: Option<u32>,
    /// Questions at a time.
    pub jobs: usize,
    /// Somebody wants the clauses of proofs.
    pub clauses: bool,
    /// Somebody wants the questions themselves.
    pub systems: bool,
    /// The contacts properties are about that do not say it.
    pub contacts: Contacts,
}

fn asking<'a>(
    work: &'a Work,
    gathered: &'a Gathered,
    schedule: &'a Schedule,
    wired: Option<&'a Wired<'a>>,
    contacts: Contacts,
) -> Asking<'a, 'a> {
    Asking {
        program: &work.compiled.program,
        image: work.image.image(),
        schedule,
        properties: &gathered.properties,
        assume: &gathered.assume,
        wired,
        contacts,
    }
}

/// What a worker says.
enum Word {
    Modelled(Modelled),
    Refused(Refusal),
    /// An answer by the number of its property.
    Answer(usize, Box<Answered>),
}

/// Asks every property; each answer is handed over as soon as those before it have been.
///
/// # Errors
/// The program does something that is not modelled, or a property is wrong; the first error of `each`.
pub fn ask(
    work: &Work,
    gathered: &Gathered,
    how: How,
    mut each: impl FnMut(Answered) -> Result<(), Refusal>,
) -> Result<Modelled, Refusal> {
    let workers = how.jobs.clamp(1, gathered.properties.len().max(1));
    let shared = Shared { work, gathered, how, next: AtomicUsize::new(0), running: Mutex::new(BTreeMap::new()) };
    let over = AtomicBool::new(false);
    let (send, words) = mpsc::channel();
    std::thread::scope(|scope| {
        for worker in 0..workers {
            let (send, shared) = (send.clone(), &shared);
            scope.spawn(move || shared.work_off(worker, &send));
        }
        drop(send);
        if let Some(limit) = how.memory_limit {
            let (shared, over) = (&shared, &over);
            scope.spawn(move || shared.watch(limit, over));
        }
        let result = in_order(&words, &mut each);
        over.store(true, Ordering::Relaxed);
        if result.is_err() {
            // Nobody listens any more: what is running need not be finished.
            shared.stop_all();
            shared.next.store(usize::MAX / 2, Ordering::Relaxed);
        }
        result
    })
}

fn in_order(
    words: &mpsc::Receiver<Word>,
    each: &mut impl FnMut(Answered) -> Result<(), Refusal>,
) -> Result<Modelled, Refusal> {
    let mut modelled = Modelled::default();
    let mut waiting: BTreeMap<usize, Answered> = BTreeMap::new();
    let mut next = 0;
    for word in words {
        match word {
            Word::Modelled(found) => modelled = found,
            Word::Refused(refusal) => return Err(refusal),
            Word::Answer(number, answered) => {
                waiting.insert(number, *answered);
                while let Some(one) = waiting.remove(&next) {
                    each(one)?;
                    next += 1;
                }
            }
        }
    }
    Ok(modelled)
}

/// What the workers share.
struct Shared<'a> {
    work: &'a Work,
    gathered: &'a Gathered,
    how: How,
    next: AtomicUsize,
    /// How to end what each worker is at.
    running: Mutex<BTreeMap<usize, Arc<AtomicBool>>>,
}

impl Shared<'_> {
    /// Takes one property after the other.
    fn work_off(&self, worker: usize, send: &mpsc::Sender<Word>) {
        let (work, gathered) = (self.work, self.gathered);
        let schedule = work.schedule();
        let began = Instant::now();
        let wired = work.wired();
        let made = Prover::of(&asking(work, gathered, &schedule, wired.as_ref(), self.how.contacts));
        let mut prover = match made {
            Ok(prover) => prover,
            Err(problem) => {
                // All of them meet the same; one word is enough.
                if worker == 0 {
                    let _ = send.send(Word::Refused(work.refused(&problem, gathered)));
                }
                return;
            }
        };
        if worker == 0 {
            let model = prover.model();
            let (approximations, beyond_at) = (model.approximations.clone(), model.beyond_at);
            let modelled = Modelled { took: began.elapsed(), approximations, beyond_at };
            let _ = send.send(Word::Modelled(modelled));
        }
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= prover.len() {
                return;
            }
            let word = match prover.answer(number, &self.options(worker)) {
                Err(bad) => Word::Refused(work.refused(&Problem::Property(bad), gathered)),
                Ok(Some(report)) => Word::Answer(number, Box::new(self.confirm(report, &prover))),
                Ok(None) => return,
            };
            if send.send(word).is_err() {
                return;
            }
        }
    }

    fn options(&self, worker: usize) -> Options {
        let time_limit = self.how.time_limit;
        if self.how.memory_limit.is_none() {
            // Looking at a flag costs a few milliseconds per question.
            return Options { time_limit, ..Options::default() };
        }
        let stop = Arc::new(AtomicBool::new(false));
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.insert(worker, Arc::clone(&stop));
        Options { time_limit, stop: Some(stop), ..Options::default() }
    }

    /// Ends what is being asked as soon as the process is too large.
    fn watch(&self, limit_mib: u32, over: &AtomicBool) {
        while !over.load(Ordering::Relaxed) {
            if resident_mib().is_some_and(|mib| mib > u64::from(limit_mib)) {
                self.stop_all();
            }
            std::thread::sleep(LOOK);
        }
    }

    fn stop_all(&self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.values().for_each(|stop| stop.store(true, Ordering::Relaxed));
    }

    /// Runs the way on the engine; one that does not happen there is no answer.
    fn confirm(&self, report: Report, prover: &Prover<'_>) -> Answered {
        let mut report = report;
        let mut replayed = None;
        if let Some(way) = way(&report.answer).cloned() {
            match replay::replay(&way, &report, prover, self.work) {
                Ok(replay) => replayed = Some(replay),
                Err(why) => report.answer = Answer::Unknown { why },
            }
        }
        let clauses =
            if self.how.clauses { written::clauses(&report, prover.ground(&report).0, self.work) } else { None };
        if !self.how.systems {
            // Hundreds of questions of a large program would fill the memory.
            report.system = None;
        }
        Answered { report, replay: replayed, clauses }
    }
}

/// The first property that does not hold, asked one after the other: for whoever only wants to know whether there is one.
///
/// # Errors
/// The program does something that is not modelled, or a property does not fit it.
pub fn first_broken(work: &Work, gathered: &Gathered, time_limit: Duration) -> Result<Option<String>, Refusal> {
    let (schedule, wired) = (work.schedule(), work.wired());
    let refused = |problem: &Problem| work.refused(problem, gathered);
    let mut prover = Prover::of(&asking(work, gathered, &schedule, wired.as_ref(), Contacts::default()))
        .map_err(|problem| refused(&problem))?;
    let options = Options { time_limit, ..Options::default() };
    for number in 0..prover.len() {
        let report = prover.answer(number, &options).map_err(|bad| refused(&Problem::Property(bad)))?;
        let Some(report) = report else { continue };
        let holds = match &report.answer {
            Answer::Proved { .. } | Answer::Reached(_) | Answer::Unknown { .. } => true,
            Answer::Vacuous { .. } | Answer::Unreachable { .. } => false,
            // What the engine does not do is no answer.
            Answer::Refuted(way) => replay::replay(way, &report, &prover, work).is_err(),
        };
        if !holds {
            return Ok(Some(report.property.id));
        }
    }
    Ok(None)
}

/// The way an answer shows.
#[must_use]
pub fn way(answer: &Answer) -> Option<&Way> {
    match answer {
        Answer::Refuted(way) | Answer::Reached(way) => Some(way),
        Answer::Proved { .. } | Answer::Vacuous { .. } | Answer::Unreachable { .. } | Answer::Unknown { .. } => None,
    }
}

/// Memory of this process that is really there, in MiB.
fn resident_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib / 1024)
}
