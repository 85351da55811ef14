//! The documentation says what the code says: every key, code, default table and fault is there, in the same words.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use runtime::config::{Code, schema};
use runtime::io::expander::ExpanderError;
use runtime::io::file_chip::ChipError;
use runtime::io::gpio::LINE_ERRORS;
use runtime::io::{ExpanderCode, OpenError};
use runtime::rt::RtCode;
use runtime::scan::fault_table;
use runtime::store::StoreCode;
use std::path::PathBuf;

fn doc(name: &str) -> (PathBuf, String) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    let text = std::fs::read_to_string(&path).unwrap();
    (path, text)
}

/// Replaces or checks the rows that stand between a table's head line and the next empty line.
fn table(name: &str, head: &str, rows: &[String]) {
    // Two tables of one file may be blessed at once.
    static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock();
    let (path, text) = doc(name);
    let start = text.find(head).unwrap_or_else(|| panic!("docs/{name} has no table {head}")) + head.len();
    let body = &text[start..];
    let end = if body.starts_with('\n') { 0 } else { body.find("\n\n").map_or(body.len(), |at| at + 1) };
    let made: String = rows.iter().map(|r| format!("{r}\n")).collect();
    if std::env::var_os("PLCRUN_BLESS").is_some() {
        std::fs::write(&path, format!("{}{made}{}", &text[..start], &body[end..])).unwrap();
        return;
    }
    assert!(
        body[..end] == made,
        "docs/{name} is out of step: run the tests once with PLCRUN_BLESS=1 and read the change"
    );
}

#[test]
fn the_fault_table_is_in_step() {
    let row = |r: &runtime::scan::FaultRow| format!("| {} | {} | {} | {} |", r.code, r.blame.name(), r.text, r.remedy);
    let rows: Vec<String> = fault_table().iter().map(row).collect();
    table("faults.md", "| code | blame | what happened | what to do |\n|---|---|---|---|\n", &rows);
    let mut codes: Vec<_> = fault_table().iter().map(|r| r.code).collect();
    let count = codes.len();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), count, "one code, one fault");
}

#[test]
fn the_expander_table_is_in_step() {
    let row = |c: &ExpanderCode| format!("| {} | {} | {} | {} |", c.code(), c.blame().name(), c.text(), c.remedy());
    let rows: Vec<String> = ExpanderCode::ALL.iter().map(row).collect();
    table("io.md", "| code | blame | what is told | what to do |\n|---|---|---|---|\n", &rows);
}

#[test]
fn the_findings_table_is_in_step() {
    let rows: Vec<String> =
        Code::ALL.iter().map(|c| format!("| {} | {} | {} |", c.code(), c.severity().word(), c.title())).collect();
    table("io.md", "| code | severity | meaning |\n|---|---|---|\n", &rows);
}

#[test]
fn the_doctor_table_is_in_step() {
    let row =
        |c: &runtime::doctor::Code| format!("| {} | {} | {} | {} |", c.code(), c.title(), c.consequence(), c.remedy());
    let rows: Vec<String> = runtime::doctor::Code::ALL.iter().map(row).collect();
    let head = "| code | what is looked at | where it is not as it should be | what to do |\n|---|---|---|---|\n";
    table("deployment.md", head, &rows);
}

#[test]
fn the_real_time_table_is_in_step() {
    let row = |c: &RtCode| format!("| {} | {} | {} | {} |", c.code(), c.what(), c.cost(), c.remedy());
    let rows: Vec<String> = RtCode::ALL.iter().map(row).collect();
    table("io.md", "| code | what | cost | remedy |\n|---|---|---|---|\n", &rows);
}

#[test]
fn the_store_table_is_in_step() {
    let row = |c: &StoreCode| format!("| {} | {} | {} | {} |", c.code(), c.severity().word(), c.what(), c.remedy());
    let rows: Vec<String> = StoreCode::ALL.iter().map(row).collect();
    table("retained.md", "| code | severity | what | what to do |\n|---|---|---|---|\n", &rows);
}

#[test]
fn every_key_of_the_map_is_documented() {
    let (_, text) = doc("io.md");
    let schema = serde_json::to_value(schema::io_map()).unwrap();
    let mut structures = vec![("Map".to_owned(), &schema)];
    structures.extend(schema["$defs"].as_object().unwrap().iter().map(|(name, part)| (name.clone(), part)));
    let mut count = 0;
    for (name, part) in structures {
        let Some(keys) = part["properties"].as_object() else { continue };
        for (key, description) in keys {
            assert!(text.contains(&format!("`{key}`")), "docs/io.md does not tell of `{key}` ({name})");
            assert!(description["description"].is_string(), "{name}.{key} has no description");
            count += 1;
        }
    }
    assert!(count > 60, "{count}");
}

#[test]
fn every_line_error_is_documented() {
    let rows: Vec<String> = LINE_ERRORS.iter().map(|r| format!("| {} | {} | {} |", r.code, r.what, r.remedy)).collect();
    table("io.md", "| code | what | remedy |\n|---|---|---|\n", &rows);
    let chip = String::new;
    let errors = [
        OpenError::NoChips,
        OpenError::ChipMissing { chip: chip(), existing: chip() },
        OpenError::NoPermission { path: chip(), group: None },
        OpenError::NoSuchLine { chip: chip(), line: 0, count: 0 },
        OpenError::NoSuchName { line: chip(), chips: chip() },
        OpenError::NameTwice { line: chip(), places: chip() },
        OpenError::InUse { chip: chip(), line: 0, by: chip() },
        OpenError::Twice { chip: chip(), line: 0 },
        OpenError::TooMany { chip: chip() },
        OpenError::NoVersion1 { chip: chip() },
        OpenError::System { chip: chip(), action: "", cause: chip() },
        OpenError::FileChip(ChipError { path: chip().into(), why: chip(), remedy: "" }),
        OpenError::Expander(ExpanderError::NoBus { name: chip(), bus: chip(), existing: chip() }),
        OpenError::Expander(ExpanderError::Silent { name: chip(), kind: "", bus: chip(), address: 0, cause: chip() }),
        OpenError::Expander(ExpanderError::Taken { name: chip(), bus: chip(), address: 0 }),
        OpenError::Expander(ExpanderError::Unable { name: chip(), kind: "", bus: chip() }),
    ];
    let codes: Vec<_> = errors.iter().map(OpenError::code).collect();
    assert_eq!(codes, LINE_ERRORS.iter().map(|r| r.code).collect::<Vec<_>>());
}
