//! SARIF files against the format's published schema, and the other formats against what their readers need.
//!
//! `schema/sarif-2.1.0.json` is the OASIS schema as the crate serde-sarif 0.8.0 (MIT) carries it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::Given;
use lint::config::CheckSettings;
use lint::{Finding, Hidden};
use serde_json::Value;

const PROGRAM: &str = "PROGRAM Main
VAR trip AT %IX0.0 : BOOL; fault : BOOL; old : BOOL; spare : BOOL; lamp AT %QX0.0 : BOOL; END_VAR
LADDER
RUNG trip: NO(trip) SET(fault);
{allow K205 \"kept until the cabinet is opened\"}
RUNG old: NO(trip) SET(old);
RUNG lamp: NO(fault) NO(old) COIL(lamp);
END_LADDER
END_PROGRAM";

const MAP: &str = "inputs: { trip: {} }
outputs:
  lamp: {}
";

fn findings() -> Vec<Finding> {
    let mut findings = Given::new(PROGRAM, MAP).check(&CheckSettings::default()).findings;
    let known = findings.iter_mut().find(|f| f.code == "W0901").unwrap();
    known.hidden = Some(Hidden::Known);
    findings
}

#[test]
fn a_log_keeps_to_the_schema() {
    let mut schema: Value = serde_json::from_str(include_str!("schema/sarif-2.1.0.json")).unwrap();
    // A pattern of the schema has a bracket too many, which strict readers of patterns refuse; we write no such property.
    for of in ["run", "toolComponent"] {
        let language = &mut schema["definitions"][of]["properties"]["language"];
        language.as_object_mut().unwrap().remove("pattern").unwrap();
    }
    let validator = jsonschema::validator_for(&schema).unwrap();
    for findings in [findings(), Vec::new()] {
        let log: Value = serde_json::from_str(&lint::report::sarif::log(&findings, "0.1.0")).unwrap();
        let wrong: Vec<String> = validator.iter_errors(&log).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(wrong.is_empty(), "{wrong:#?}\n{log:#}");
    }
    // The schema refuses what is none, so that the check above can fail.
    assert!(!validator.is_valid(&serde_json::json!({ "version": "2.1.0", "runs": [{ "results": [] }] })));
}

#[test]
fn results_name_their_rule_place_and_why_they_are_hidden() {
    let log: Value = serde_json::from_str(&lint::report::sarif::log(&findings(), "0.1.0")).unwrap();
    let run = &log["runs"][0];
    let results = run["results"].as_array().unwrap();
    let of = |anchor: &str| {
        results.iter().find(|r| r["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == anchor).unwrap()
    };
    let shown = of("Main/trip");
    let index = usize::try_from(shown["ruleIndex"].as_u64().unwrap()).unwrap();
    assert_eq!(run["tool"]["driver"]["rules"][index]["id"], "K205");
    let region = &shown["locations"][0]["physicalLocation"]["region"];
    assert_eq!((region["startLine"].as_u64(), region["startColumn"].as_u64()), (Some(4), Some(25)));
    assert!(shown.get("suppressions").is_none());
    let allowed = of("Main/old");
    assert_eq!(allowed["suppressions"][0]["justification"], "kept until the cabinet is opened");
    assert_eq!(of("Main/spare")["baselineState"], "unchanged");
    let note = of("outputs.lamp");
    assert_eq!((note["ruleId"].as_str(), note["level"].as_str()), (Some("R024"), Some("note")));
}

#[test]
fn other_formats_show_what_is_not_hidden() {
    let findings = findings();
    let github = lint::report::github::commands(&findings);
    let lines: Vec<&str> = github.lines().collect();
    assert_eq!(lines.len(), 2, "{github}");
    assert!(
        lines[0].starts_with("::warning file=main.st,line=4,col=25,endLine=4,endColumn=30,title=K205::"),
        "{github}"
    );
    assert!(lines[1].starts_with("::notice file=main.io.yaml,line=3,col=3,"), "{github}");
    let gitlab: Value = serde_json::from_str(&lint::report::gitlab::report(&findings)).unwrap();
    let rows = gitlab.as_array().unwrap();
    assert_eq!(rows.len(), 2);
    for row in rows {
        assert_eq!(row["fingerprint"].as_str().unwrap().len(), 32);
        assert!(["info", "minor", "major", "critical", "blocker"].contains(&row["severity"].as_str().unwrap()));
        assert!(row["location"]["lines"]["begin"].as_u64().unwrap() > 0 && row["description"].is_string());
    }
    assert_ne!(rows[0]["fingerprint"], rows[1]["fingerprint"]);
    assert_eq!(lint::report::json::lines(&findings).lines().count(), 2);
}
