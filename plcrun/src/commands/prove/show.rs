//! Answers as text and as JSON.

use super::gather::time;
use super::replay::Replay;
use super::{Answered, Work, way};
use crate::project::plural;
use crate::table::aligned;
use crate::terminal::{Tint, tinted};
use prove::model::Model;
use prove::prover::{Answer, Way};
use serde_json::{Value, json};
use std::time::Duration;

/// One property: a line, and the way below it where there is one that does harm.
pub fn as_text(one: &Answered, work: &Work, color: bool) -> String {
    let report = &one.report;
    let says = report.property.kind.sentence();
    let (tint, word, more) = match &report.answer {
        Answer::Proved { argument, .. } => (Tint::Good, "proved", argument.text().to_owned()),
        Answer::Vacuous { premise } => {
            (Tint::Doubtful, "HOLDS FOR NOTHING", format!("`{premise}` can never be: the property says nothing"))
        }
        Answer::Refuted(way) => (Tint::Bad, "REFUTED", length(way, work)),
        Answer::Reached(way) => (Tint::Good, "reached", length(way, work)),
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
        text.push_str(&table(replay, work));
    }
    text
}

fn milliseconds(took: Duration) -> String {
    format!("{:.1} ms", took.as_secs_f64() * 1000.0)
}

fn length(way: &Way, work: &Work) -> String {
    let scans = way.scans();
    let ends = time(scans.saturating_sub(1).saturating_mul(work.map.plan.tick_ns));
    let shortest = if way.shortest { "" } else { ", perhaps not the shortest" };
    format!("in scan {scans}, at {ends}{shortest}")
}

/// The way as a table: when, what is done, what happens.
fn table(replay: &Replay, work: &Work) -> String {
    let tick = work.map.plan.tick_ns;
    let mut rows = vec![["  time", "scan", "inputs", "then"].map(str::to_owned).to_vec()];
    for step in &replay.steps {
        let said = |list: &[(String, String)]| {
            let words: Vec<String> = list.iter().map(|(name, value)| format!("{name} {value}")).collect();
            if words.is_empty() { "-".to_owned() } else { words.join(", ") }
        };
        // The first step says which inputs are TRUE; all others are FALSE.
        let inputs: Vec<(String, String)> = match step.scan {
            1 => step.inputs.iter().filter(|(_, value)| value != "FALSE" && value != "0").cloned().collect(),
            _ => step.inputs.clone(),
        };
        let scans = match step.scans {
            1 => step.scan.to_string(),
            n => format!("{} to {}", step.scan, step.scan + n - 1),
        };
        let at = time((step.scan - 1).saturating_mul(tick));
        rows.push(vec![format!("  {at}"), scans, said(&inputs), said(&step.changes)]);
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
pub fn closing(answered: &[Answered], model: &Model, modelled: Duration, color: bool) -> String {
    let mut text = String::new();
    for why in &model.approximations {
        text.push_str(&format!("{}: {why}\n", tinted(color, Tint::Doubtful, "note")));
    }
    if let Some(at) = model.beyond_at {
        let line = if at.library { "in the library" } else { "of the program" };
        text.push_str(&format!(
            "{}: a loop {line} was followed only so far; beyond that nothing is proved\n",
            tinted(color, Tint::Doubtful, "note")
        ));
    }
    let count = |f: &dyn Fn(&Answer) -> bool| answered.iter().filter(|one| f(&one.report.answer)).count();
    let good = count(&|a| matches!(a, Answer::Proved { .. } | Answer::Reached(_)));
    let open = count(&|a| matches!(a, Answer::Unknown { .. }));
    let bad = answered.len() - good - open;
    let took: Duration = answered.iter().map(|one| one.report.took).sum::<Duration>() + modelled;
    let tint = if bad + open == 0 { Tint::Good } else { Tint::Bad };
    let line = format!("{}: {good} hold, {bad} do not, {open} unknown", plural(answered.len(), "property"));
    let line = line.replace("propertys", "properties");
    text.push_str(&format!("{} ({})\n", tinted(color, tint, &line), milliseconds(took)));
    text
}

/// One object: `id`, `kind`, `says`, `answer`, and what belongs to it.
pub fn as_json(one: &Answered, work: &Work) -> Value {
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
        let step = |s: &super::replay::Step| {
            json!({ "scan": s.scan, "scans": s.scans, "at_ns": (s.scan - 1).saturating_mul(tick),
                "inputs": named(&s.inputs), "changes": named(&s.changes) })
        };
        replay.steps.iter().map(step).collect::<Vec<_>>()
    });
    json!({
        "id": report.property.id, "kind": report.property.kind.name(), "says": report.property.kind.sentence(),
        "answer": answer, "argument": argument, "why": why,
        "scans": way(&report.answer).map(Way::scans), "steps": steps,
        "fault": one.replay.as_ref().and_then(|r| r.fault.clone()),
        "open_premises": report.open_premises,
        "took_ms": report.took.as_secs_f64() * 1000.0,
        "size": { "latches": report.size.latches, "counters": report.size.counters, "inputs": report.size.inputs,
            "nodes": report.size.nodes },
    })
}
