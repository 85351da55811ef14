//! The baseline: findings an old project starts with. They are hidden until they are gone; new ones are shown.
//!
//! The file is JSON, one entry to a line and sorted, so that a change of it can be reviewed. Entries carry code, file, anchor and
//! message for the reader; only the fingerprint decides.

use crate::config::CheckSettings;
use crate::finding::{Finding, Hidden, Region};
use serde_json::{Value, json};

/// The format this version writes.
const VERSION: u64 = 1;

/// The findings of a baseline file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Baseline {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    fingerprint: String,
    code: String,
    file: String,
    anchor: String,
    message: String,
    seen: bool,
}

impl Baseline {
    /// Reads a baseline file.
    ///
    /// # Errors
    /// Why the text is none.
    pub fn read(text: &str) -> Result<Self, String> {
        let root: Value = serde_json::from_str(text).map_err(|e| format!("it is not JSON: {e}"))?;
        match root.get("version").and_then(Value::as_u64) {
            Some(VERSION) => {}
            Some(other) => return Err(format!("it is of version {other}, this plcrun reads version {VERSION}")),
            None => return Err("it has no `version`: it is no baseline of plcrun".to_owned()),
        }
        let rows = root.get("findings").and_then(Value::as_array).ok_or("its `findings` is no list")?;
        let entries = rows.iter().map(entry).collect::<Option<Vec<_>>>();
        Ok(Self { entries: entries.ok_or("an entry of `findings` has no `fingerprint` or `code`")? })
    }

    /// Hides every finding the baseline knows. Errors of compiler and map are never hidden: nothing would run.
    pub fn apply(&mut self, findings: &mut [Finding]) {
        for finding in findings.iter_mut().filter(|f| f.is_shown() && can_stand(f)) {
            let known = |e: &&mut Entry| e.code == finding.code && e.fingerprint == finding.fingerprint;
            if let Some(entry) = self.entries.iter_mut().find(known) {
                entry.seen = true;
                finding.hidden = Some(Hidden::Known);
            }
        }
    }

    /// What stands in the baseline and was not found any more, as sentences; of files that were looked at only.
    pub fn gone(&self, looked_at: &dyn Fn(&str) -> bool) -> impl Iterator<Item = String> {
        self.entries.iter().filter(|e| !e.seen && looked_at(&e.file)).map(|e| {
            let place = if e.anchor.is_empty() { e.file.clone() } else { format!("{} ({})", e.file, e.anchor) };
            format!("{} in {place} is gone: {}", e.code, e.message)
        })
    }
}

/// The finding about an entry that is gone (K903); `None` where it is switched off.
#[must_use]
pub fn gone(settings: &CheckSettings, region: Region, message: String) -> Option<Finding> {
    let rule = crate::rules::find("K903")?;
    let severity = settings.severity(rule.code, rule.severity, rule.on)?;
    Some(Finding {
        code: rule.code,
        severity,
        region,
        message,
        remarks: Vec::new(),
        notes: Vec::new(),
        helps: vec![rule.fix.to_lowercase().trim_end_matches('.').to_owned()],
        anchor: String::new(),
        fingerprint: String::new(),
        hidden: None,
        marks: None,
    })
}

/// The text of a baseline that hides these findings. `name` says what files are called in it.
#[must_use]
pub fn write(findings: &[Finding], name: &dyn Fn(&str) -> String) -> String {
    let mut rows: Vec<(String, &str, &Finding)> = findings
        .iter()
        .filter(|f| !matches!(f.hidden, Some(Hidden::Allowed(_))) && can_stand(f))
        .map(|f| (name(&f.region.file), f.code, f))
        .collect();
    rows.sort_by(|a, b| (&a.0, a.1, &a.2.anchor, &a.2.fingerprint).cmp(&(&b.0, b.1, &b.2.anchor, &b.2.fingerprint)));
    rows.dedup_by(|a, b| a.2.fingerprint == b.2.fingerprint);
    let lines: Vec<String> = rows
        .iter()
        .map(|(file, code, f)| {
            json!({ "fingerprint": f.fingerprint, "code": code, "file": file, "anchor": f.anchor, "message": f.message })
                .to_string()
        })
        .collect();
    let body = if lines.is_empty() { String::new() } else { format!("\n    {}\n  ", lines.join(",\n    ")) };
    format!("{{\n  \"version\": {VERSION},\n  \"findings\": [{body}]\n}}\n")
}

/// May it be put off? Not what keeps a program from being built or a map from being taken.
fn can_stand(finding: &Finding) -> bool {
    crate::codes::find(finding.code).is_some_and(|known| known.is_negotiable())
}

fn entry(row: &Value) -> Option<Entry> {
    let text = |key: &str| row.get(key).and_then(Value::as_str).map(str::to_owned);
    Some(Entry {
        fingerprint: text("fingerprint")?,
        code: text("code")?,
        file: text("file").unwrap_or_default(),
        anchor: text("anchor").unwrap_or_default(),
        message: text("message").unwrap_or_default(),
        seen: false,
    })
}
