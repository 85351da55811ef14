//! The report as JSON. Keys are only ever added; `version` counts what breaks readers.

use super::{Outcome, Totals};
use crate::diagram::{Diagram, Level};
use crate::print;
use crate::report::{Failure, TestReport, VersionReport};
use serde_json::{Value, json as tree};

/// The document, indented.
#[must_use]
pub fn json(outcomes: &[Outcome<'_>]) -> String {
    let totals = Totals::of(outcomes);
    let files: Vec<Value> = outcomes
        .iter()
        .map(|outcome| match outcome {
            Outcome::Ran(report) => tree!({
                "file": report.file,
                "programs": report.versions.iter().map(version).collect::<Vec<_>>(),
            }),
            Outcome::Unusable(file, why) => tree!({ "file": file, "error": why }),
        })
        .collect();
    let document = tree!({
        "version": 1,
        "tests": totals.tests,
        "failed": totals.failed,
        "unusable": totals.unusable,
        "simulated_ns": totals.simulated_ns,
        "scans": totals.scans,
        "files": files,
    });
    format!("{document:#}\n")
}

fn version(version: &VersionReport) -> Value {
    tree!({ "program": version.program, "tests": version.tests.iter().map(test).collect::<Vec<_>>() })
}

fn test(test: &TestReport) -> Value {
    let mut value = tree!({
        "name": test.name,
        "line": test.place.line,
        "passed": test.passed(),
        "seed": test.seed,
        "simulated_ns": test.simulated_ns,
        "scans": test.scans,
    });
    if let Some(map) = value.as_object_mut().filter(|_| !test.passed()) {
        map.insert("failures".to_owned(), test.failures.iter().map(failure).collect());
        if let Some(found) = &test.found {
            map.insert("found".to_owned(), tree!({ "seed": found.seed, "test": found.test }));
        }
        if let Some(picture) = &test.diagram {
            map.insert("diagram".to_owned(), diagram(picture));
        }
    }
    value
}

fn failure(failure: &Failure) -> Value {
    let writers: Vec<Value> = failure
        .writers
        .iter()
        .flat_map(|(name, places)| {
            places.iter().map(move |place| {
                let rung = place.rung.as_ref().map(|(label, _)| label.as_str());
                tree!({ "name": name, "file": place.file, "line": place.line, "rung": rung })
            })
        })
        .collect();
    let changes: Vec<Value> = failure
        .changes
        .iter()
        .map(|change| {
            tree!({
                "at_ns": change.moment.time_ns,
                "scan": change.moment.scan,
                "name": change.name,
                "from": change.from,
                "to": change.to,
            })
        })
        .collect();
    tree!({
        "at_ns": failure.moment.time_ns,
        "scan": failure.moment.scan,
        "message": print::what(&failure.kind),
        "file": failure.place.file,
        "line": failure.place.line,
        "column": failure.place.column,
        "writers": writers,
        "changes": changes,
    })
}

fn diagram(diagram: &Diagram) -> Value {
    let level = |level: &Level| match level {
        Level::Unknown => "unknown".to_owned(),
        Level::Off => "off".to_owned(),
        Level::On => "on".to_owned(),
        Level::Dead => "dead_time".to_owned(),
        Level::Waits => "pending".to_owned(),
        Level::Bounces => "bounces".to_owned(),
        Level::Text(text) => text.clone(),
    };
    let lines: Vec<Value> = diagram
        .lines
        .iter()
        .map(|line| {
            let spans: Vec<Value> =
                line.spans.iter().map(|span| tree!([span.from_ns, span.to_ns, level(&span.level)])).collect();
            tree!({ "name": line.name, "role": line.role.word(), "spans": spans })
        })
        .collect();
    tree!({ "from_ns": diagram.from_ns, "to_ns": diagram.to_ns, "lines": lines, "notes": diagram.notes })
}
