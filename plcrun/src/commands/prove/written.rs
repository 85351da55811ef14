//! What is written into files: a way as a timeline test, and proofs.
//!
//! A test brings its own I/O map. Where the property names no relay it is one without relays: the test is about the program, and a
//! map with relays would set feedback inputs itself. Where it names some it is the program's map on the simulated rack, and the test
//! gives each relay the delays the way needs.

use super::Outcome;
use super::ask::Answered;
use super::gather::time;
use super::replay::{Again, Replay, Simulated};
use super::work::Work;
use crate::args::ProveArgs;
use crate::exit::Refusal;
use crate::files;
use crate::terminal::Console;
use bytecode::image::SymbolRole;
use prove::engine::predicates::Predicate;
use prove::guard::wired::Contacts;
use prove::model::Model;
use prove::names::of_bit;
use prove::property::Kind;
use prove::prover::{Answer, Report};
use prove::system::System;
use prove::words::word_of;
use runtime::config::files::beside;
use runtime::config::yaml::{self, Node, SizeLimit, Value as Yaml};
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
        let text = match &replay.relays {
            None => io_map(work),
            Some(relays) => rack_map(work, folder, relays)?,
        };
        files::write_atomically(&map, text.as_bytes())?;
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

/// The program's map with every line on the simulated rack.
fn rack_map(work: &Work, folder: &Path, relays: &Simulated) -> Result<String, Refusal> {
    let file = Path::new(&work.map.file);
    let text = files::read_text(file)?;
    let limit = SizeLimit { bytes_max: yaml::TEXT_BYTES_MAX, remedy: "" };
    let tree = yaml::parse(&text, limit).map_err(|problem| Refusal::findings(problem.message, problem.remedy))?;
    let mut map = as_json(&tree);
    if let Value::Object(map) = &mut map {
        for key in ["live", "rt", "guardian", "expanders", "store", "faults"] {
            map.remove(key);
        }
        for sheet in map.get_mut("relays").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(path) = sheet.as_str().map(|path| relative(&beside(file, path), folder)) {
                *sheet = Value::from(path);
            }
        }
        for section in ["inputs", "outputs"] {
            let entries = map.get_mut(section).and_then(Value::as_object_mut);
            for entry in entries.into_iter().flat_map(|entries| entries.values_mut()).filter_map(Value::as_object_mut) {
                for key in ["gpio", "expander", "bias"] {
                    entry.remove(key);
                }
                // The way says what the program reads, not what the line does before.
                if relays.contacts == Contacts::Worst {
                    entry.remove("debounce");
                }
            }
        }
    }
    let text = serde_json::to_string_pretty(&map).unwrap_or_default();
    Ok(format!("# Written by plcrun prove: {} on the simulated rack.\n{text}\n", files::shown(file)))
}

fn as_json(node: &Node) -> Value {
    match &node.value {
        Yaml::Null => json!({}),
        Yaml::Bool(value) => Value::from(*value),
        Yaml::Int(number) => i64::try_from(*number).map_or_else(|_| Value::from(number.to_string()), Value::from),
        Yaml::Float(number) => Value::from(*number),
        Yaml::Text(text) => Value::from(text.as_str()),
        Yaml::List(items) => items.iter().map(as_json).collect(),
        Yaml::Map(rows) => rows.iter().map(|(key, value)| (key.value.word().into_owned(), as_json(value))).collect(),
    }
}

/// Scans, and what is done in each, in the words of a timeline test.
type Stimuli = Vec<(u64, String)>;

/// What is done at a time.
fn stimuli(replay: &Replay, work: &Work) -> Stimuli {
    let mut all = Vec::new();
    for delay in replay.relays.iter().flat_map(|relays| &relays.delays) {
        let Some(output) = work.map.outputs.get(delay.channel) else { continue };
        let (name, percent) = (quoted(&output.name), delay.percent);
        all.push((delay.scan, format!("defect: {{ channel: {name}, kind: delays, percent: {percent} }}")));
    }
    for step in &replay.steps {
        match &step.again {
            Some(again) => repeated(&mut all, step.scan, again, work.map.plan.tick_ns),
            None => set(&mut all, step.scan, &step.inputs),
        }
    }
    all.sort_by_key(|(scan, _)| *scan);
    all
}

fn timeline(programs: &str, map: &str, one: &Answered, replay: &Replay, work: &Work) -> String {
    let property = &one.report.property;
    let tick = work.map.plan.tick_ns;
    let mut text = format!("# Written by plcrun prove: {}\n", property.kind.sentence());
    let _ = writeln!(text, "program: [{programs}]\nio: {}\nscan: {}", quoted(map), time(tick));
    if let Some(relays) = &replay.relays {
        let _ = writeln!(text, "seed: {}", relays.seed);
    }
    let _ = writeln!(text, "tests:\n  - name: {}\n    steps:", quoted(&property.id));
    for (scan, what) in stimuli(replay, work) {
        let _ = writeln!(text, "      - {{ at: {}, {what} }}", time((scan - 1).saturating_mul(tick)));
    }
    let last = replay.steps.last().map_or(1, |step| step.scan + step.scans - 1);
    let between = replay.relays.as_ref().is_some_and(|relays| relays.between);
    // What a contact does between two scans is seen at the next one.
    let end = time((last - 1 + u64::from(between)).saturating_mul(tick));
    if let Some(condition) = lasting(&property.kind, replay).filter(|_| replay.relays.is_some()) {
        // Looked at whenever a contact moves.
        let _ = writeln!(text, "    until: {end}\n    always:\n      - {}", quoted(&condition));
        return text;
    }
    let expect = |text: &mut String, condition: &str| {
        let _ = writeln!(text, "      - {{ at: {end}, expect: {} }}", quoted(condition));
    };
    match &property.kind {
        Kind::Invariant { .. } | Kind::NeverTogether { .. } => {
            expect(&mut text, &lasting(&property.kind, replay).unwrap_or_default());
        }
        Kind::DeadTime { .. } => expect(&mut text, &not_all(&replay.holding)),
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
fn set(all: &mut Stimuli, scan: u64, inputs: &[(String, String)]) {
    let value = |v: &String| if v == "TRUE" || v == "FALSE" { v.to_lowercase() } else { quoted(v) };
    let set: Vec<String> = inputs.iter().map(|(n, v)| format!("{}: {}", quoted(n), value(v))).collect();
    if !set.is_empty() {
        all.push((scan, format!("set: {{ {} }}", set.join(", "))));
    }
}

/// The most presses one line of a test repeats.
const PRESSES_MAX: u64 = 100_000;

/// Steps gone through again: as repeated presses where every input that changes is pressed once in each lap, and the last
/// lap input by input, because a press ends in the one behind it.
fn repeated(all: &mut Stimuli, scan: u64, again: &Again, tick: u64) {
    let once: u64 = again.each.iter().map(|(scans, _)| scans).sum();
    let starts: Vec<u64> =
        again.each.iter().scan(0, |at, (scans, _)| Some(std::mem::replace(at, *at + scans))).collect();
    let lap = |all: &mut Stimuli, number: u64| {
        for (start, (_, inputs)) in starts.iter().zip(&again.each) {
            set(all, scan + number * once + start, inputs);
        }
    };
    let (mut number, last) = (0, again.times.saturating_sub(1));
    if let Some(presses) = presses(again, &starts, once) {
        while last - number >= 2 {
            let times = (last - number).min(PRESSES_MAX);
            let first = scan + number * once;
            for press in &presses {
                if let Some(off) = press.off.filter(|_| number == 0) {
                    set(all, first + off, &[(press.name.clone(), "FALSE".to_owned())]);
                }
            }
            for press in &presses {
                let (long, every) = (time(press.scans.saturating_mul(tick)), time(once.saturating_mul(tick)));
                let name = quoted(&press.name);
                let what = format!("press: {name}, for: {long}, every: {every}, times: {times}");
                all.push((first + press.on, what));
            }
            number += times;
        }
    }
    (number..again.times).for_each(|number| lap(all, number));
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

/// The condition of a property that holds in every scan.
fn lasting(kind: &Kind, replay: &Replay) -> Option<String> {
    match kind {
        Kind::Invariant { expr, when: None } => Some(expr.clone()),
        Kind::Invariant { expr, when: Some(when) } => Some(format!("NOT ({when}) OR ({expr})")),
        Kind::NeverTogether { .. } => Some(not_all(&replay.holding)),
        Kind::DeadTime { .. }
        | Kind::Responds { .. }
        | Kind::Holds { .. }
        | Kind::Reachable { .. }
        | Kind::StaysSafe { .. }
        | Kind::Terminates => None,
    }
}

fn not_all(conditions: &[String]) -> String {
    match conditions {
        [one] => format!("NOT ({one})"),
        several => format!("NOT (({}))", several.join(") AND (")),
    }
}

/// The clauses of a proof, with names in place of numbers.
pub fn clauses(report: &Report, model: &Model, work: &Work) -> Option<Vec<Value>> {
    let (Answer::Proved { certificate, .. } | Answer::Unreachable { certificate, .. }) = &report.answer else {
        return None;
    };
    let system: &System = report.system.as_ref()?;
    let latch = |n: u32| {
        let number = system.latches.get(n as usize).map(|l| l.model);
        let place = number.and_then(|number| model.latches.get(number as usize)?.place);
        let label = number.and_then(|number| model.labels.latches.get(&number).cloned());
        place.map(|bit| of_bit(work.image.image(), bit)).or(label).unwrap_or_else(|| format!("monitor {n}"))
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
        let number = system.counters.get(n as usize).map(|c| c.model);
        if let Some(label) = number.and_then(|number| model.labels.counters.get(&number)) {
            return format!("scans since {label}");
        }
        let owner = number.and_then(|number| model.counters.get(number as usize)?.owner);
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
