//! Answers as findings, for SARIF, GitHub and GitLab: what does not hold, and what is not known.
//!
//! The place of a finding is that of the property; the rungs that write what the property speaks of, and the place of a
//! fault, are related places.

use super::ask::Answered;
use super::gather::time;
use super::show;
use super::work::Work;
use super::{Outcome, gather::Gathered};
use crate::commands::check::look::project_name;
use crate::exit::Refusal;
use crate::settings;
use lint::proofs::{HOLLOW, NOT_ASKED, REFUTED, UNKNOWN, UNREACHABLE};
use lint::{Finding, Region, Remark, Severity};
use prove::condition::Condition;
use prove::prover::Answer;
use std::path::Path;

/// Rungs that are named at most.
const RUNGS_MAX: usize = 6;
/// Steps of a way that are told at most: the whole way stands in the report of the command.
const STEPS_MAX: usize = 12;

/// Under which code an answer is reported, and what is said; `None` where all is well.
#[must_use]
pub fn verdict(one: &Answered, tick_ns: u64) -> Option<(&'static str, String)> {
    let id = &one.report.property.id;
    match &one.report.answer {
        Answer::Proved { .. } | Answer::Reached(_) => None,
        Answer::Refuted(way) => {
            let at = time(way.scans().saturating_sub(1).saturating_mul(tick_ns));
            let said = one.replay.as_ref().map_or("", |replay| replay.said.as_str());
            Some((REFUTED, format!("`{id}` can be broken: {said}, in scan {} at {at}", way.scans())))
        }
        Answer::Vacuous { premise } => Some((HOLLOW, format!("`{id}` holds for nothing: `{premise}` can never be"))),
        Answer::Unknown { why } => Some((UNKNOWN, format!("`{id}` is neither proved nor refuted: {why}"))),
        Answer::Unreachable { .. } => {
            Some((UNREACHABLE, format!("`{id}` can never be: {}", one.report.property.kind.sentence())))
        }
    }
}

/// The rungs that write what a property speaks of, and the place of the fault that breaks it.
#[must_use]
pub fn related(one: &Answered, work: &Work) -> Vec<Remark> {
    let mut remarks = Vec::new();
    if let Some(place) = one.replay.as_ref().and_then(|replay| replay.fault.as_ref()).filter(|place| place.line > 0) {
        let (line, column) = (place.line, place.column.max(1));
        let region = Region { file: place.file.clone(), line, column, end_line: line, end_column: column + 1 };
        remarks.push(Remark { region, text: place.text.clone() });
    }
    let texts = one.report.property.kind.texts();
    let conditions: Vec<_> = texts.iter().filter_map(|text| Condition::parse(text, work.names()).ok()).collect();
    let read = conditions.iter().flat_map(|condition| &condition.reads);
    let mut written: Vec<(String, String)> =
        read.map(|(name, read)| (name.clone(), work.full(name, read.variable.symbol))).collect();
    // What a relay does begins with the output that commands it.
    for (channel, _) in conditions.iter().flat_map(|condition| &condition.members) {
        let output = work.map.outputs.get(*channel);
        written.extend(output.map(|output| (output.name.clone(), output.variable.clone())));
    }
    let mut seen = Vec::new();
    for (name, full) in written {
        for unit in work.dataflow.writers(&full) {
            if seen.contains(&unit.span) || remarks.len() >= RUNGS_MAX {
                continue;
            }
            seen.push(unit.span);
            let who = unit.rung.as_ref().map_or_else(|| "this".to_owned(), |(label, _)| format!("rung {label}"));
            remarks
                .push(Remark { region: lint::region(&work.sources, unit.span), text: format!("{who} writes {name}") });
        }
    }
    remarks
}

/// The findings of all programs.
#[must_use]
pub fn of(outcomes: &[Outcome]) -> Vec<Finding> {
    let mut all = Vec::new();
    for outcome in outcomes {
        let first = outcome.files.first().map_or(Path::new(""), |path| path.as_path());
        // The program's own name: where the command was given does not change what is found.
        let name = first.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let mut found: Vec<Finding> = Vec::new();
        for (one, remarks) in outcome.answered.iter().zip(&outcome.related) {
            let Some((code, message)) = verdict(one, outcome.tick_ns) else { continue };
            let place = place(&outcome.gathered, &one.report.property.id, first);
            let notes = std::iter::once(one.report.property.kind.sentence()).chain(show::steps(
                one,
                outcome.tick_ns,
                STEPS_MAX,
            ));
            let anchor = one.report.property.id.clone();
            found.push(finding(code, place, format!("{name}: {message}"), (remarks.clone(), notes.collect(), anchor)));
        }
        for one in &outcome.contacts {
            let Some((code, message)) = super::contacts::verdict(one) else { continue };
            let place = Region { file: first.display().to_string(), ..Region::default() };
            found.push(finding(
                code,
                place,
                format!("{name}: {message}"),
                (Vec::new(), vec![one.says.clone()], one.id.clone()),
            ));
        }
        found.extend(outcome.trouble.as_ref().map(|refusal| trouble(refusal, first, &name)));
        // Settings with mistakes have been told by the steps that read them.
        let settings = settings::of(first).unwrap_or_default();
        lint::fingerprint(&mut found, &|file| project_name(&settings, file));
        all.append(&mut found);
    }
    all
}

fn place(gathered: &Gathered, id: &str, program: &Path) -> Region {
    let known = gathered.place(id).filter(|place| !place.file.is_empty()).cloned();
    known.unwrap_or_else(|| Region { file: program.display().to_string(), ..Region::default() })
}

fn trouble(refusal: &Refusal, program: &Path, name: &str) -> Finding {
    let place = Region { file: program.display().to_string(), ..Region::default() };
    let helps: Vec<String> = Some(refusal.help.clone()).filter(|help| !help.is_empty()).into_iter().collect();
    let message = format!("{name}: nothing is proved: {}", first_line(&refusal.what));
    finding(NOT_ASKED, place, message, (Vec::new(), helps, String::new()))
}

/// The first line of a text.
#[must_use]
pub fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn finding(
    code: &'static str,
    region: Region,
    message: String,
    (remarks, notes, anchor): (Vec<Remark>, Vec<String>, String),
) -> Finding {
    let severity = lint::proofs::ALL.iter().find(|row| row.code == code).map_or(Severity::Error, |row| row.severity);
    Finding {
        code,
        severity,
        region,
        message,
        remarks,
        notes,
        helps: Vec::new(),
        anchor,
        fingerprint: String::new(),
        hidden: None,
        marks: None,
    }
}
