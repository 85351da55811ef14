//! The code quality report of GitLab: a JSON list, compared between branches by fingerprint.

use crate::finding::{Finding, Severity};
use serde_json::{Value, json};

/// The report.
#[must_use]
pub fn report(findings: &[Finding]) -> String {
    let rows: Vec<Value> = findings.iter().filter(|f| f.is_shown()).map(row).collect();
    format!("{:#}\n", Value::Array(rows))
}

fn row(finding: &Finding) -> Value {
    let severity = match finding.severity {
        Severity::Error => "critical",
        Severity::Warning => "major",
        Severity::Note => "info",
    };
    // The report has no place for "somewhere in this file"; its first line is the nearest there is.
    let begin = finding.region.line.max(1);
    json!({
        "description": finding.message,
        "check_name": finding.code,
        "fingerprint": finding.fingerprint,
        "severity": severity,
        "location": { "path": finding.region.file, "lines": { "begin": begin, "end": finding.region.end_line.max(begin) } },
    })
}
