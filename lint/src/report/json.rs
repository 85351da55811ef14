//! One JSON object per finding and line.

use crate::finding::Finding;
use serde_json::json;

/// `severity`, `code`, `file`, `line`, `column` (from 1, 0 where unknown), `message`, `notes`, `help`, `anchor`, `fingerprint`.
#[must_use]
pub fn lines(findings: &[Finding]) -> String {
    let object = |f: &Finding| {
        json!({
            "severity": f.severity.word(), "code": f.code,
            "file": f.region.file, "line": f.region.line, "column": f.region.column,
            "message": f.message, "notes": f.notes, "help": f.help(),
            "anchor": f.anchor, "fingerprint": f.fingerprint,
        })
    };
    findings.iter().filter(|f| f.is_shown()).map(|f| format!("{}\n", object(f))).collect()
}
