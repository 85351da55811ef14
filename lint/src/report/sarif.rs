//! SARIF 2.1.0: findings with their rules, places and suppressions, for code scanning and editors.

use crate::codes::{self, Known};
use crate::finding::{Finding, Hidden, Region, Remark, Severity};
use serde_json::{Map, Value, json};

/// The name of our fingerprint. The number changes when the same finding would get another value.
const FINGERPRINT: &str = "plcrun/v1";

/// The log of one command: every finding once, hidden ones with their reason.
#[must_use]
pub fn log(findings: &[Finding], version: &str) -> String {
    let mut used: Vec<&str> = findings.iter().map(|f| f.code).collect();
    used.sort_unstable();
    used.dedup();
    let rules: Vec<Value> = used.iter().filter_map(|code| codes::find(code)).map(|known| rule(&known)).collect();
    let results: Vec<Value> = findings.iter().map(|f| result(f, &used)).collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "plcrun", "semanticVersion": version, "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    format!("{log:#}\n")
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn rule(known: &Known) -> Value {
    let anchor = known.code.to_ascii_lowercase();
    json!({
        "id": known.code,
        "shortDescription": { "text": known.title },
        "fullDescription": { "text": known.explanation },
        "help": { "text": format!("{} See docs/{}#{anchor}, or `plcrun explain {}`.", known.explanation, known.page, known.code) },
        "defaultConfiguration": { "level": level(known.severity), "enabled": known.on },
    })
}

fn result(finding: &Finding, used: &[&str]) -> Value {
    let mut text = finding.message.clone();
    for line in finding.notes.iter().chain(&finding.helps) {
        text.push_str(". ");
        text.push_str(line);
    }
    let mut object = Map::new();
    object.insert("ruleId".into(), json!(finding.code));
    if let Ok(index) = used.binary_search(&finding.code) {
        object.insert("ruleIndex".into(), json!(index));
    }
    object.insert("level".into(), json!(level(finding.severity)));
    object.insert("message".into(), json!({ "text": text }));
    object.insert("locations".into(), json!([location(&finding.region, &finding.anchor)]));
    let related: Vec<Value> = finding.remarks.iter().map(remark).collect();
    if !related.is_empty() {
        object.insert("relatedLocations".into(), Value::Array(related));
    }
    object.insert("partialFingerprints".into(), json!({ FINGERPRINT: finding.fingerprint }));
    match &finding.hidden {
        Some(Hidden::Allowed(reason)) => {
            object.insert("suppressions".into(), json!([{ "kind": "inSource", "justification": reason }]));
        }
        Some(Hidden::Known) => {
            object.insert("baselineState".into(), json!("unchanged"));
            let why = "stands in the baseline";
            object.insert("suppressions".into(), json!([{ "kind": "external", "justification": why }]));
        }
        None => {}
    }
    Value::Object(object)
}

fn remark(remark: &Remark) -> Value {
    let mut place = location(&remark.region, "");
    if let (Some(place), false) = (place.as_object_mut(), remark.text.is_empty()) {
        place.insert("message".into(), json!({ "text": remark.text }));
    }
    place
}

fn location(region: &Region, anchor: &str) -> Value {
    let mut physical = Map::new();
    physical.insert("artifactLocation".into(), json!({ "uri": uri(&region.file) }));
    if region.line > 0 {
        let column = region.column.max(1);
        physical.insert(
            "region".into(),
            json!({
                "startLine": region.line, "startColumn": column,
                "endLine": region.end_line.max(region.line), "endColumn": region.end_column.max(1),
            }),
        );
    }
    let mut object = Map::new();
    object.insert("physicalLocation".into(), Value::Object(physical));
    if !anchor.is_empty() {
        object.insert("logicalLocations".into(), json!([{ "fullyQualifiedName": anchor }]));
    }
    Value::Object(object)
}

/// A path as a URI reference, relative where the path is.
fn uri(path: &str) -> String {
    let path = path.replace('\\', "/");
    let mut text = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    if text.starts_with('/') { format!("file://{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_uri_references() {
        assert_eq!(uri("programs/a b.ld"), "programs/a%20b.ld");
        assert_eq!(uri("/tmp/ä.ld"), "file:///tmp/%C3%A4.ld");
    }
}
