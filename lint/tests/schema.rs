//! The JSON schema of plcrun.yaml is made from the tables, and says of a settings file what the reader says.
//! `UPDATE_DOCS=1 cargo test -p lint --test schema` rewrites it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use lint::config::CheckSettings;
use serde_json::{Value, json};
use std::path::Path;

#[test]
fn the_schema_is_in_step_with_the_tables() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../io-config/settings.schema.json");
    let wanted = lint::settings_schema();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, &wanted).unwrap();
    }
    let given = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(given == wanted, "settings.schema.json is out of step; UPDATE_DOCS=1 cargo test -p lint --test schema");
}

#[test]
fn schema_and_reader_agree() {
    let schema: Value = serde_json::from_str(&lint::settings_schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for (check, good) in [
        (json!({}), true),
        (json!({ "rules": { "K108": "off", "W0903": "note", "R040": "error" }, "baseline": "a.json" }), true),
        (json!({ "rules": { "K111": { "limit": 5 }, "K110": { "severity": "warning", "unit": "[A-Z]+" } } }), true),
        (json!({ "rules": { "K111": { "limits": 5 } } }), false),
        (json!({ "rules": { "K111": { "limit": -1 } } }), false),
        (json!({ "rules": { "K108": "loud" } }), false),
        (json!({ "rules": { "E0401": "off" } }), false),
        (json!({ "rules": { "K999": "off" } }), false),
        (json!({ "rule": {} }), false),
        (json!({ "baseline": 5 }), false),
    ] {
        let (_, problems) = CheckSettings::read(&common::node(&check.to_string()));
        assert_eq!(problems.is_empty(), good, "the reader: {check}: {problems:?}");
        assert_eq!(validator.is_valid(&json!({ "check": check })), good, "the schema: {check}");
    }
}
