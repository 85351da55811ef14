//! The rungs that write what failed, drawn as they stood at the moment of the failure.

use super::choose::full_path;
use crate::condition::Value;
use crate::dataflow::Unit;
use crate::names::Source;
use crate::report::Failure;
use crate::suite::Version;
use crate::trace::Trace;
use compiler::ast::ContactKind;
use compiler::draw::{Drawing, Style, Tone, Tones};
use std::collections::BTreeMap;

/// Most rungs drawn for one test.
const RUNGS_MAX: usize = 4;

/// A rung, drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RungView {
    /// Its label and title.
    pub title: String,
    /// File and line.
    pub place: String,
    /// The drawing; what conducts is marked.
    pub svg: String,
    /// The drawing without marks, for a terminal.
    pub text: String,
}

/// The rungs that write the names of the failures at `at_ns`, each once.
pub(super) fn views(trace: &Trace, failures: &[Failure], at_ns: u64, version: &Version) -> Vec<RungView> {
    let values = values(trace, at_ns, version);
    let mut seen: Vec<&Unit> = Vec::new();
    for failure in failures.iter().filter(|failure| failure.moment.time_ns == at_ns) {
        for (name, source) in &failure.reads {
            let Some(path) = path(version, name, source) else { continue };
            for unit in version.sources.dataflow.writers(&path) {
                if unit.rung.is_some() && !seen.iter().any(|other| other.span == unit.span) {
                    seen.push(unit);
                }
            }
        }
    }
    seen.iter().take(RUNGS_MAX).filter_map(|unit| view(unit, &values, version)).collect()
}

/// The variable a name stands for, or that of its channel.
fn path(version: &Version, name: &str, source: &Source) -> Option<String> {
    match source {
        Source::Variable { .. } => full_path(version, name, source),
        Source::Channel { channel, .. } => {
            let output = version.map.outputs.get(channel.0)?;
            let variable = version.image.variable(&output.variable).ok()?;
            version.image.symbols.get(variable.symbol).map(|symbol| symbol.path.to_ascii_uppercase())
        }
    }
}

/// The value of each BOOL at a time, by its path.
fn values(trace: &Trace, at_ns: u64, version: &Version) -> BTreeMap<String, bool> {
    let rows = trace.rows.iter().filter_map(|row| {
        let Some(Value::Bool(value)) = row.at(at_ns) else { return None };
        Some((full_path(version, &row.name, &row.source)?, value))
    });
    rows.collect()
}

fn view(unit: &Unit, values: &BTreeMap<String, bool>, version: &Version) -> Option<RungView> {
    let (label, title) = unit.rung.as_ref()?;
    let sources = &version.sources;
    let mut tones = Tones::new();
    let tone = |on: bool| if on { Tone::On } else { Tone::Off };
    for contact in &unit.contacts {
        let Some(value) = values.get(&contact.name) else { continue };
        match contact.kind {
            ContactKind::Open => tones.insert(contact.span, tone(*value)),
            ContactKind::Closed => tones.insert(contact.span, tone(!*value)),
            // An edge lasts one scan and is not seen in the value.
            ContactKind::Rise | ContactKind::Fall => None,
        };
    }
    for (span, name) in &unit.coils {
        if let Some(value) = values.get(name) {
            tones.insert(*span, tone(*value));
        }
    }
    let file = sources.files.iter().find(|file| file.file == unit.span.file)?;
    let wanted = label.strip_prefix('#').unwrap_or(label);
    let drawing = Drawing { map: &sources.map, file, project: &sources.files, rung: Some(wanted) };
    let (name, at) = sources.map.place(unit.span)?;
    let title = if title.is_empty() { format!("rung {wanted}") } else { format!("rung {wanted}: {title}") };
    Some(RungView {
        title,
        place: format!("{name}:{}", at.line),
        svg: drawing.coloured_svg(&tones),
        text: drawing.text(Style::Unicode),
    })
}
