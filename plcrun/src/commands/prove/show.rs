//! Answers as text and as JSON.

use super::Outcome;
use super::ask::{Answered, Modelled, way};
use super::gather::{Gathered, time};
use super::replay::{Replay, Step};
use super::work::Work;
use crate::project::plural;
use crate::table::aligned;
use crate::terminal::{Tint, tinted};
use prove::prover::{Answer, Way};
use serde_json::{Value, json};
use std::time::Duration;
use timeline::diagram::text::Style;

/// One property: a line, and the way below it where there is one that does harm, as a table and as a timing diagram.
pub fn as_text(one: &Answered, tick_ns: u64, ascii: bool, color: bool) -> String {
    let report = &one.report;
    let says = report.property.kind.sentence();
    let (tint, word, more) = match &report.answer {
        Answer::Proved { argument, .. } => {
            let contacts = report.contacts.map_or(String::new(), |kind| format!(", contacts {}", kind.name()));
            (Tint::Good, "proved", format!("{}{contacts}", argument.text()))
        }
        Answer::Vacuous { premise } => {
            (Tint::Doubtful, "HOLDS FOR NOTHING", format!("`{premise}` can never be: the property says nothing"))
        }
        Answer::Refuted(way) => (Tint::Bad, "REFUTED", length(way, tick_ns)),
        Answer::Reached(way) => (Tint::Good, "reached", length(way, tick_ns)),
        Answer::Unreachable { argument, .. } => (Tint::Bad, "NEVER REACHED", format!("proved {}", argument.text())),
        Answer::Unknown { why } => (Tint::Doubtful, "UNKNOWN", why.clone()),
    };
    let took = milliseconds(report.took);
    let mut text = format!("{}: {} ({more}; {took})\n", report.property.id, tinted(color, tint, word));
    if !matches!(report.answer, Answer::Proved { .. } | Answer::Reached(_)) {
        text.push_str(&format!("  {says}\n"));
    }
    for premise in &report.open_premises {
        text.push_str(&format!("  not known whether `{premise}` can ever be, so it may hold for nothing\n"));
    }
    if let (Answer::Refuted(_), Some(replay)) = (&report.answer, &one.replay) {
        text.push_str(&table(replay, tick_ns));
        let drawn = replay.diagram.text(Style { ascii, colour: color });
        text.extend(drawn.lines().map(|line| format!("  {line}\n")));
    }
    text
}

/// The same for a file: without colours.
pub fn plain(one: &Answered, tick_ns: u64) -> String {
    as_text(one, tick_ns, false, false)
}

/// A way step by step, one line each; of a long one the beginning and the end.
pub fn steps(one: &Answered, tick_ns: u64, most: usize) -> Vec<String> {
    let Some(replay) = one.replay.as_ref().filter(|_| matches!(one.report.answer, Answer::Refuted(_))) else {
        return Vec::new();
    };
    let line = |step: &Step| {
        let said = |list: &[(String, String)]| {
            list.iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
        };
        let at = time((step.scan - 1).saturating_mul(tick_ns));
        let done = again(step).unwrap_or_else(|| said(&first_inputs(step)));
        format!("scan {} at {at}: {done}; then {}", step.scan, said(&step.changes))
    };
    let count = replay.steps.len();
    let ends = |at: usize| count <= most || at < most / 2 || at + most / 2 >= count;
    replay.steps.iter().enumerate().filter(|(at, _)| ends(*at)).map(|(_, step)| line(step)).collect()
}

/// What is said of steps that are gone through again.
fn again(step: &Step) -> Option<String> {
    let again = step.again.as_ref()?;
    let times = if again.times == 1 { "once more".to_owned() } else { format!("{} times more", again.times) };
    Some(format!("the {} before, {times}", plural(again.each.len(), "step")))
}

/// The inputs that change. The first step says which are TRUE: all others are FALSE.
fn first_inputs(step: &Step) -> Vec<(String, String)> {
    let told = |(_, value): &&(String, String)| step.scan > 1 || (value != "FALSE" && value != "0");
    step.inputs.iter().filter(told).cloned().collect()
}

pub fn milliseconds(took: Duration) -> String {
    format!("{:.1} ms", took.as_secs_f64() * 1000.0)
}

fn length(way: &Way, tick_ns: u64) -> String {
    let scans = way.scans();
    let ends = time(scans.saturating_sub(1).saturating_mul(tick_ns));
    let shortest = if way.shortest { "" } else { ", perhaps not the shortest" };
    format!("in scan {scans}, at {ends}{shortest}")
}

/// The way as a table: when, what is done, what happens.
fn table(replay: &Replay, tick: u64) -> String {
    let mut rows = vec![["  time", "scan", "inputs", "then"].map(str::to_owned).to_vec()];
    for step in &replay.steps {
        let said = |list: &[(String, String)]| {
            let words: Vec<String> = list.iter().map(|(name, value)| format!("{name} {value}")).collect();
            if words.is_empty() { "-".to_owned() } else { words.join(", ") }
        };
        let inputs = first_inputs(step);
        let scans = match step.scans {
            1 => step.scan.to_string(),
            n => format!("{} to {}", step.scan, step.scan + n - 1),
        };
        let at = time((step.scan - 1).saturating_mul(tick));
        let done = again(step).unwrap_or_else(|| said(&inputs));
        rows.push(vec![format!("  {at}"), scans, done, said(&step.changes)]);
    }
    let mut text = aligned(&rows);
    if let Some(fault) = &replay.fault {
        text.push_str(&format!("  the last scan ends with a fault: {fault}\n"));
    } else if !replay.holding.is_empty() {
        text.push_str(&format!("  in the last scan holds: {}\n", replay.holding.join("; ")));
    }
    text
}

/// The closing lines: what the model leaves open, and the count.
pub fn closing(answered: &[Answered], modelled: &Modelled, work: &Work, color: bool) -> String {
    let mut text = String::new();
    let note = tinted(color, Tint::Doubtful, "note");
    for why in &modelled.approximations {
        text.push_str(&format!("{note}: {why}\n"));
    }
    if let Some(at) = modelled.beyond_at {
        let place = work.sources.place(at.span).filter(|_| !at.library);
        let whose = place.map_or_else(
            || "a loop of the library".to_owned(),
            |(file, at)| format!("{file}:{}:{}: the loop", at.line, at.column),
        );
        text.push_str(&format!("{note}: {whose} was followed only so far; beyond that nothing is proved\n"));
    }
    let took = answered.iter().map(|one| one.report.took).sum::<Duration>() + modelled.took;
    text.push_str(&format!("{} ({})\n", counted(answered.iter(), color), milliseconds(took)));
    text
}

/// The line below several programs.
pub fn total(outcomes: &[Outcome], color: bool) -> String {
    let answered = outcomes.iter().flat_map(|outcome| &outcome.answered);
    let programs = plural(outcomes.len(), "program");
    let trouble = match outcomes.iter().filter(|outcome| outcome.trouble.is_some()).count() {
        0 => String::new(),
        n => tinted(color, Tint::Bad, &format!("; {} could not be asked", plural(n, "program"))),
    };
    format!("{programs}: {}{trouble}\n", counted(answered, color))
}

/// `12 properties: 11 hold, 1 does not, 0 unknown`.
fn counted<'o>(answered: impl Iterator<Item = &'o Answered> + Clone, color: bool) -> String {
    let count = |f: &dyn Fn(&Answer) -> bool| answered.clone().filter(|one| f(&one.report.answer)).count();
    let all = count(&|_| true);
    let good = count(&|a| matches!(a, Answer::Proved { .. } | Answer::Reached(_)));
    let open = count(&|a| matches!(a, Answer::Unknown { .. }));
    let bad = all - good - open;
    let tint = if bad + open == 0 { Tint::Good } else { Tint::Bad };
    let line = format!("{}: {good} hold, {bad} do not, {open} unknown", plural(all, "property"));
    tinted(color, tint, &line.replace("propertys", "properties"))
}

/// One object, as docs/proof.md describes it.
pub fn as_json(one: &Answered, work: &Work, gathered: &Gathered) -> Value {
    let report = &one.report;
    let (answer, argument, why) = match &report.answer {
        Answer::Proved { argument, .. } => ("proved", argument.text(), ""),
        Answer::Vacuous { premise } => ("vacuous", "", premise.as_str()),
        Answer::Refuted(_) => ("refuted", "", ""),
        Answer::Reached(_) => ("reached", "", ""),
        Answer::Unreachable { argument, .. } => ("unreachable", argument.text(), ""),
        Answer::Unknown { why } => ("unknown", "", why.as_str()),
    };
    let tick = work.map.plan.tick_ns;
    let steps = one.replay.as_ref().map(|replay| {
        let named = |list: &[(String, String)]| {
            list.iter()
                .map(|(name, value)| (name.clone(), Value::from(value.clone())))
                .collect::<serde_json::Map<_, _>>()
        };
        let step = |s: &Step| {
            json!({ "scan": s.scan, "scans": s.scans, "at_ns": (s.scan - 1).saturating_mul(tick),
                "inputs": named(&s.inputs), "changes": named(&s.changes),
                "again": s.again.as_ref().map(|again| json!({ "steps": again.each.len(), "times": again.times })) })
        };
        replay.steps.iter().map(step).collect::<Vec<_>>()
    });
    let place = gathered.place(&report.property.id).cloned().unwrap_or_default();
    let program = work.files.first().map(|file| file.display().to_string());
    json!({
        "program": program, "file": place.file, "line": place.line, "column": place.column,
        "id": report.property.id, "kind": report.property.kind.name(), "says": report.property.kind.sentence(),
        "answer": answer, "argument": argument, "why": why,
        "scans": way(&report.answer).map(Way::scans), "steps": steps,
        "said": one.replay.as_ref().filter(|_| answer == "refuted").map(|r| r.said.clone()),
        "fault": one.replay.as_ref().and_then(|r| r.fault.as_ref()).map(ToString::to_string),
        "contacts": report.contacts.map(prove::guard::wired::Contacts::name),
        "open_premises": report.open_premises,
        "took_ms": report.took.as_secs_f64() * 1000.0,
        "size": { "latches": report.size.latches, "counters": report.size.counters, "inputs": report.size.inputs,
            "nodes": report.size.nodes },
    })
}
