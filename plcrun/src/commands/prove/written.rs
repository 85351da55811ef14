//! What is written into files: a way as a timeline test, and proofs.
//!
//! A test brings its own I/O map without relays: it is about the program, and a map with relays would set feedback inputs
//! itself.

use super::Outcome;
use super::ask::Answered;
use super::gather::time;
use super::replay::{Again, Replay};
use super::work::Work;
use crate::args::ProveArgs;
use crate::exit::Refusal;
use crate::files;
use crate::terminal::Console;
use bytecode::image::SymbolRole;
use prove::engine::predicates::Predicate;
use prove::model::Model;
use prove::names::of_bit;
use prove::property::Kind;
use prove::prover::{Answer, Report};
use prove::system::System;
use prove::words::word_of;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Where things go.
pub struct Written<'a> {
    args: &'a ProveArgs,
    /// Names that are taken: two programs may have one name.
    taken: BTreeSet<String>,
}

impl<'a> Written<'a> {
    /// As the command line asks for it.
    #[must_use]
    pub const fn new(args: &'a ProveArgs) -> Self {
        Self { args, taken: BTreeSet::new() }
    }

    /// Writes the way of a property as a timeline test and as a picture, where it has one.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn way(&mut self, one: &Answered, work: &Work, console: &Console) -> Result<(), Refusal> {
        let Some(folder) = &self.args.write else { return Ok(()) };
        let (Some(replay), Answer::Refuted(way) | Answer::Reached(way)) = (&one.replay, &one.report.answer) else {
            return Ok(());
        };
        std::fs::create_dir_all(folder).map_err(|e| {
            let what = format!("the folder {} cannot be made: {e}", files::shown(folder));
            Refusal::wrong_use(what, "check its permissions")
        })?;
        let id = &one.report.property.id;
        let name = self.name(work, id);
        let mut diagram = replay.diagram.clone();
        diagram.notes.insert(0, format!("{id}: {}", one.report.property.kind.sentence()));
        let picture = folder.join(format!("{name}.svg"));
        files::write_atomically(&picture, diagram.svg().as_bytes())?;
        if !way.starts.is_empty() {
            console.message(&format!(
                "wrote {}; the way begins with retained values, which a timeline test cannot set: no test of it\n",
                picture.display()
            ));
            return Ok(());
        }
        let map = folder.join(format!("{name}.io.yaml"));
        files::write_atomically(&map, io_map(work).as_bytes())?;
        let path = folder.join(format!("{name}.test.yaml"));
        let programs: Vec<String> = work.files.iter().map(|p| quoted(&relative(p, folder))).collect();
        let text = timeline(&programs.join(", "), &format!("{name}.io.yaml"), one, replay, work);
        files::write_atomically(&path, text.as_bytes())?;
        console.message(&format!("wrote {} and {}\n", path.display(), picture.display()));
        Ok(())
    }

    /// `PROGRAM.ID`, with a number where that name is taken.
    fn name(&mut self, work: &Work, id: &str) -> String {
        let stem = work.files.first().and_then(|p| p.file_stem()).map(|s| s.to_string_lossy().into_owned());
        let plain = |text: &str| text.replace(|c: char| !c.is_alphanumeric() && !"-_.".contains(c), "_");
        let first = format!("{}.{}", stem.unwrap_or_default(), plain(id));
        let name = (2..).map(|n| format!("{first}-{n}")).find(|name| !self.taken.contains(name));
        let name = if self.taken.contains(&first) { name.unwrap_or_else(|| first.clone()) } else { first };
        self.taken.insert(name.clone());
        name
    }

    /// Writes the one question for other model checkers.
    ///
    /// # Errors
    /// There are several questions, or the file cannot be written.
    pub fn aiger(&self, outcomes: &[Outcome]) -> Result<(), Refusal> {
        let Some(path) = &self.args.aiger else { return Ok(()) };
        let answered: Vec<&Answered> = outcomes.iter().flat_map(|outcome| &outcome.answered).collect();
        let [one] = answered.as_slice() else {
            let what = format!("{} properties match `--only`, and an AIGER file holds one question", answered.len());
            return Err(Refusal::wrong_use(what, "name one property in full"));
        };
        match &one.report.system {
            Some(system) => {
                let text = prove::aiger::export(system, &one.report.property.id);
                files::write_atomically(path, text.as_bytes())
            }
            None => Ok(()),
        }
    }

    /// Writes every proof, with names in place of numbers.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn certificates(&self, outcomes: &[Outcome]) -> Result<(), Refusal> {
        let Some(path) = &self.args.certificate else { return Ok(()) };
        let mut proofs = Vec::new();
        for outcome in outcomes {
            for one in &outcome.answered {
                let (Answer::Proved { argument, .. } | Answer::Unreachable { argument, .. }, Some(clauses)) =
                    (&one.report.answer, &one.clauses)
                else {
                    continue;
                };
                let property = &one.report.property;
                proofs.push(json!({
                    "program": outcome.name, "scan_ns": outcome.tick_ns, "id": property.id,
                    "says": property.kind.sentence(), "argument": argument.text(), "clauses": clauses,
                }));
            }
        }
        let meaning = "before every scan at least one part of each clause holds";
        let whole = json!({ "meaning": meaning, "proofs": proofs });
        let text = format!("{}\n", serde_json::to_string_pretty(&whole).unwrap_or_default());
        files::write_atomically(path, text.as_bytes())
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The way from a folder to a file.
fn relative(file: &Path, folder: &Path) -> String {
    let absolute = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let (file, folder) = (absolute(file), absolute(folder));
    let shared = file.components().zip(folder.components()).take_while(|(a, b)| a == b).count();
    let up = folder.components().skip(shared).map(|_| PathBuf::from(".."));
    let down = file.components().skip(shared).map(|c| PathBuf::from(c.as_os_str()));
    up.chain(down).collect::<PathBuf>().display().to_string()
}

fn io_map(work: &Work) -> String {
    let mut text = String::from("# Written by plcrun prove: inputs and outputs without relays.\n");
    for (role, key, entry) in [
        (SymbolRole::Input, "inputs", "{}"),
        (SymbolRole::Output, "outputs", "{ restart: auto, restart_reason: a test of the program alone }"),
    ] {
        let mut names = Vec::new();
        for symbol in &work.image.image().symbols {
            let bit = matches!(symbol.place, bytecode::image::Place::Bit { .. });
            if symbol.role == role && bit {
                names.push(work.short(&symbol.path).to_owned());
            }
        }
        if !names.is_empty() {
            let _ = writeln!(text, "{key}:");
            for name in names {
                let _ = writeln!(text, "  {}: {entry}", quoted(&name));
            }
        }
    }
    text
}

fn timeline(programs: &str, map: &str, one: &Answered, replay: &Replay, work: &Work) -> String {
    let property = &one.report.property;
    let tick = work.map.plan.tick_ns;
    let mut text = format!("# Written by plcrun prove: {}\n", property.kind.sentence());
    let _ = writeln!(text, "program: [{programs}]\nio: {}\nscan: {}\ntests:", quoted(map), time(tick));
    let _ = writeln!(text, "  - name: {}\n    steps:", quoted(&property.id));
    let mut last = 1;
    for step in &replay.steps {
        last = step.scan + step.scans - 1;
        match &step.again {
            Some(again) => repeated(&mut text, step.scan, again, tick),
            None => set(&mut text, step.scan, &step.inputs, tick),
        }
    }
    let end = time((last - 1).saturating_mul(tick));
    let expect = |text: &mut String, condition: &str| {
        let _ = writeln!(text, "      - {{ at: {end}, expect: {} }}", quoted(condition));
    };
    match &property.kind {
        Kind::Invariant { expr, when } => {
            let condition = when.as_ref().map_or_else(|| expr.clone(), |when| format!("NOT ({when}) OR ({expr})"));
            expect(&mut text, &condition);
        }
        Kind::NeverTogether { .. } | Kind::DeadTime { .. } => {
            let condition = match replay.holding.as_slice() {
                [one] => format!("NOT ({one})"),
                several => format!("NOT (({}))", several.join(") AND (")),
            };
            expect(&mut text, &condition);
        }
        Kind::Responds { then, .. } => expect(&mut text, then),
        Kind::StaysSafe { safe, .. } => expect(&mut text, safe),
        Kind::Holds { expr, .. } | Kind::Reachable { expr } => expect(&mut text, expr),
        // The fault itself fails the test.
        Kind::Terminates => {
            let _ = writeln!(text, "    until: {end}\n    always: \"TRUE\"");
        }
    }
    text
}

/// Inputs that are set in a scan.
fn set(text: &mut String, scan: u64, inputs: &[(String, String)], tick: u64) {
    let value = |v: &String| if v == "TRUE" || v == "FALSE" { v.to_lowercase() } else { quoted(v) };
    let set: Vec<String> = inputs.iter().map(|(n, v)| format!("{}: {}", quoted(n), value(v))).collect();
    if !set.is_empty() {
        let at = time((scan - 1).saturating_mul(tick));
        let _ = writeln!(text, "      - {{ at: {at}, set: {{ {} }} }}", set.join(", "));
    }
}

/// The most presses one line of a test repeats.
const PRESSES_MAX: u64 = 100_000;

/// Steps gone through again: as repeated presses where every input that changes is pressed once in each lap, and the last
/// lap input by input, because a press ends in the one behind it.
fn repeated(text: &mut String, scan: u64, again: &Again, tick: u64) {
    let once: u64 = again.each.iter().map(|(scans, _)| scans).sum();
    let starts: Vec<u64> =
        again.each.iter().scan(0, |at, (scans, _)| Some(std::mem::replace(at, *at + scans))).collect();
    let lap = |text: &mut String, number: u64| {
        for (start, (_, inputs)) in starts.iter().zip(&again.each) {
            set(text, scan + number * once + start, inputs, tick);
        }
    };
    let (mut number, last) = (0, again.times.saturating_sub(1));
    if let Some(presses) = presses(again, &starts, once) {
        while last - number >= 2 {
            let times = (last - number).min(PRESSES_MAX);
            let first = scan + number * once;
            for press in &presses {
                if let Some(off) = press.off.filter(|_| number == 0) {
                    set(text, first + off, &[(press.name.clone(), "FALSE".to_owned())], tick);
                }
            }
            for press in &presses {
                let at = time((first - 1 + press.on).saturating_mul(tick));
                let (long, every) = (time(press.scans.saturating_mul(tick)), time(once.saturating_mul(tick)));
                let name = quoted(&press.name);
                let _ = writeln!(
                    text,
                    "      - {{ at: {at}, press: {name}, for: {long}, every: {every}, times: {times} }}"
                );
            }
            number += times;
        }
    }
    (number..again.times).for_each(|number| lap(text, number));
}

/// An input that is pressed once in each lap.
struct Press {
    name: String,
    /// The scan of the lap it begins with.
    on: u64,
    scans: u64,
    /// It lasts into the next lap, up to this scan of it; in the first lap it has to be let go there.
    off: Option<u64>,
}

/// What is pressed in each lap, in the order of time; `None` where laps are not made of presses alone.
fn presses(again: &Again, starts: &[u64], once: u64) -> Option<Vec<Press>> {
    let mut events: BTreeMap<&str, Vec<(u64, &str)>> = BTreeMap::new();
    for (start, (_, inputs)) in starts.iter().zip(&again.each) {
        for (name, value) in inputs {
            events.entry(name).or_default().push((*start, value));
        }
    }
    let press = |(name, events): (&str, Vec<(u64, &str)>)| {
        let name = name.to_owned();
        match events.as_slice() {
            [(on, "TRUE"), (off, "FALSE")] => Some(Press { name, on: *on, scans: off - on, off: None }),
            [(off, "FALSE"), (on, "TRUE")] => Some(Press { name, on: *on, scans: once + off - on, off: Some(*off) }),
            _ => None,
        }
    };
    let mut presses: Vec<Press> = events.into_iter().map(press).collect::<Option<_>>()?;
    presses.sort_by_key(|press| press.on);
    // A test is written in the order of time: where one begins before another is let go, every lap is written out.
    let let_go = presses.iter().filter_map(|press| press.off).max();
    let begins = presses.first().map(|press| press.on);
    let ordered = let_go.zip(begins).is_none_or(|(off, on)| off <= on);
    (ordered && presses.iter().filter_map(|press| press.off).is_sorted()).then_some(presses)
}

/// The clauses of a proof, with names in place of numbers.
pub fn clauses(report: &Report, model: &Model, work: &Work) -> Option<Vec<Value>> {
    let (Answer::Proved { certificate, .. } | Answer::Unreachable { certificate, .. }) = &report.answer else {
        return None;
    };
    let system: &System = report.system.as_ref()?;
    let latch = |n: u32| {
        let place = system.latches.get(n as usize).and_then(|l| model.latches.get(l.model as usize)?.place);
        place.map_or_else(|| format!("monitor {n}"), |bit| of_bit(work.image.image(), bit))
    };
    let counter = |n: u32| {
        if let Some(word) = word_of(n) {
            let bits = system.words.get(word as usize);
            let first = bits.and_then(|bits| bits.iter().position(Option::is_some).zip(bits.iter().flatten().next()));
            let place = first.and_then(|(at, latch)| {
                let latch = system.latches.get(*latch as usize)?;
                Some(model.latches.get(latch.model as usize)?.place? - at)
            });
            let name = place.map_or_else(|| format!("number {word}"), |bit| of_bit(work.image.image(), bit));
            return name.strip_suffix(".0").map_or_else(|| name.clone(), str::to_owned);
        }
        let owner = system.counters.get(n as usize).and_then(|c| model.counters.get(c.model as usize)?.owner);
        owner.map_or_else(
            || format!("monitor's time {n}"),
            |byte| {
                let name = of_bit(work.image.image(), byte as usize * 8);
                format!("scans of {}", name.rsplit_once('.').map_or(name.as_str(), |(instance, _)| instance))
            },
        )
    };
    let literal = |(predicate, positive): &(Predicate, bool)| {
        let said = match predicate {
            Predicate::Latch(n) => latch(*n),
            Predicate::AtLeast { counter: n, threshold } => format!("{} >= {threshold}", counter(*n)),
            Predicate::Order { left, right, by } => format!("{} >= {} + {by}", counter(*left), counter(*right)),
            Predicate::CounterBit { counter: n, bit } => format!("bit {bit} of {}", counter(*n)),
        };
        if *positive { said } else { format!("NOT {said}") }
    };
    let clause = |clause: &Vec<(Predicate, bool)>| Value::from(clause.iter().map(literal).collect::<Vec<_>>());
    Some(certificate.clauses.iter().map(clause).collect())
}
