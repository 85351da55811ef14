//! `ci`: all steps over a folder, also after one that failed; its reports; its settings; the files for pipelines.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::{Folder, SEAL, SEAL_MAP, programs, sheet};

const TESTS: &str = "program: seal.ld\ntests:\n  - name: starts and stops\n    steps:\n      - { at: 1 s, press: start }\n      \
    - { at: 2 s, expect: { motor: true, motor.contact: closed } }\n      - { at: 3 s, set: { stop_ok: false }, expect: { motor: false } }\n";

/// A project without findings.
fn project() -> Folder {
    let folder = Folder::with(&[("plant/seal.ld", SEAL), ("plant/seal.test.yaml", TESTS)]);
    folder.write("plant/wago-859-386.yaml", sheet());
    // Read-back and a sensed supply: what the rules about relays ask for.
    let map = SEAL_MAP.replace(
        "load: { voltage: 24 VDC, current: 20 mA }",
        "load: { voltage: 24 VDC, current: 20 mA }\n    feedback: { input: aux }",
    );
    folder.write("plant/seal.io.yaml", map.replace("  start: {}", "  start: {}\n  aux: {}"));
    folder.write(
        "plant/seal.ld",
        SEAL.replace("  motor   AT", "  aux     AT %IX0.2 : BOOL;\n  lamp    AT %QX0.1 : BOOL;\n  motor   AT")
            .replace("END_LADDER", "RUNG lamp \"Runs\":\n  NO(aux) COIL(lamp);\nEND_LADDER"),
    );
    let map = folder.read("plant/seal.io.yaml");
    folder.write(
        "plant/seal.io.yaml",
        format!("{map}  lamp: {{ restart: auto, restart_reason: a lamp moves nothing }}\n"),
    );
    folder
}

#[test]
fn a_clean_project_passes_and_leaves_its_reports() {
    let folder = project();
    let seen = folder.run(&["ci", "plant", "--reports", "reports"]).exits(0);
    for step in ["== format", "== check", "== test", "all steps passed"] {
        assert!(seen.out.contains(step), "{step}: {}", seen.out);
    }
    assert!(!seen.out.contains("== mutate"), "{}", seen.out);
    let summary: serde_json::Value = serde_json::from_str(&folder.read("reports/summary.json")).unwrap();
    assert_eq!((&summary["passed"], &summary["steps"][2]["step"]), (&true.into(), &"test".into()));
    assert!(folder.read("reports/summary.md").contains("| test | passed | 1 file |"));
    let sarif: serde_json::Value = serde_json::from_str(&folder.read("reports/check.sarif")).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    assert!(folder.read("reports/junit.xml").contains("starts and stops"));
    assert!(folder.read("reports/report.html").contains("<html"));
    assert!(folder.read("reports/coverage.lcov").contains("SF:"));
    serde_json::from_str::<Vec<serde_json::Value>>(&folder.read("reports/check.gitlab.json")).unwrap();
}

#[test]
fn every_step_runs_also_after_one_that_failed() {
    let folder = project();
    let text = folder.read("plant/seal.ld");
    // Not canonical, and without its stop.
    folder.write(
        "plant/seal.ld",
        text.replace("NO(stop_ok) COIL(motor)", "COIL(motor)").replace("RUNG motor", "RUNG  motor"),
    );
    let seen = folder.run(&["ci", "plant", "--reports", "reports"]).exits(1);
    assert!(seen.out.contains("failed: format, check, test"), "{}", seen.out);
    assert!(folder.read("reports/junit.xml").contains("<failure"));
    assert!(folder.read("reports/check.sarif").contains("seal.ld"));
    let only = folder.run(&["ci", "plant", "--only", "format"]).exits(1);
    assert!(!only.out.contains("== check"), "{}", only.out);
    // A text that is no program does not keep the other steps from running.
    folder.write("plant/seal.ld", "PROGRAM");
    folder.run(&["ci", "plant"]).exits(1).out_has("failed: format, check, test");
}

#[test]
fn the_settings_choose_steps_and_what_mutants_must_be_noticed() {
    let folder = project();
    folder.write("plant/plcrun.yaml", "ci: { mutants: 40, reports: out }\n");
    folder.run(&["ci", "plant"]).exits(0).out_has("== mutate").out_has("killed");
    assert!(folder.read("plant/out/summary.md").contains("| mutate | passed |"));
    folder.write("plant/plcrun.yaml", "ci: { mutants: 100 }\n");
    folder.run(&["ci", "plant"]).exits(1).out_has("failed: mutate").out_has("survived");
    folder.write("plant/plcrun.yaml", "ci:\n  steps: [format, chek]\n");
    folder.run(&["ci", "plant"]).exits(2).err_has("did you mean `check`?").err_has("plcrun.yaml:2:");
    folder.write("plant/plcrun.yaml", "ci:\n  mutants: 120\n");
    folder.run(&["ci", "plant"]).exits(2).err_has("percentage");
    folder.write("plant/plcrun.yaml", "ci: { steps: [format] }\n");
    let seen = folder.run(&["ci", "plant"]).exits(0);
    assert!(!seen.out.contains("== check"), "{}", seen.out);
}

#[test]
fn what_is_not_there_is_told() {
    let folder = Folder::with(&[("empty/notes.txt", "nothing")]);
    folder
        .run(&["ci", "empty"])
        .exits(0)
        .out_has("skipped: no *.ld or *.st under this folder")
        .out_has("no *.test.yaml");
    folder.run(&["ci", "nowhere"]).exits(2).err_has("`nowhere` is no folder");
    folder.write("a.ld", SEAL);
    folder.run(&["ci", "a.ld"]).exits(2).err_has("no folder");
}

#[test]
fn in_github_actions_findings_become_annotations_and_the_table_goes_to_the_page() {
    let folder = project();
    let text = folder.read("plant/seal.ld");
    folder.write("plant/seal.ld", text.replace("NO(aux) COIL(lamp)", "NO(aux) COIL(lamb)"));
    let mut command = folder.command(&["ci", "plant"]);
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", folder.path("page.md"));
    let seen = common::Seen::of(&command.output().unwrap()).exits(1);
    assert!(seen.out.lines().any(|line| line.starts_with("::error file=plant/seal.ld,line=")), "{}", seen.out);
    assert!(folder.read("page.md").contains("| check | **failed** |"));
}

#[test]
fn the_files_for_pipelines_are_readable_and_call_what_exists() {
    let root = programs().parent().unwrap().to_path_buf();
    for name in [
        "packaging/ci/github.yml",
        "packaging/ci/gitlab-ci.yml",
        "packaging/ci/azure-pipelines.yml",
        ".pre-commit-hooks.yaml",
    ] {
        let text = std::fs::read_to_string(root.join(name)).unwrap();
        serde_yaml::from_str::<serde_json::Value>(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
    let hook = std::fs::read_to_string(root.join("packaging/ci/pre-commit")).unwrap();
    assert!(hook.contains("plcrun ci . --only format --only check"));
    let folder = project();
    folder.run(&["ci", ".", "--only", "format", "--only", "check"]).exits(0);
}

/// The motor must stand whenever its stop is pressed; that it never runs at all is a mistake in the property.
const PROPERTIES: &str = "properties:\n  - { id: stop-stops, kind: invariant, when: NOT stop_ok, expr: NOT motor }\n";

#[test]
fn proofs_stand_in_the_reports() {
    let folder = project();
    folder.write("plant/seal.properties.yaml", PROPERTIES);
    let clean = folder.run(&["ci", "plant", "--reports", "reports"]).exits(0);
    clean.out_has("stop-stops: proved");
    let xml = folder.read("reports/prove.junit.xml");
    let document = roxmltree::Document::parse(&xml).unwrap();
    let names: Vec<_> =
        document.descendants().filter(|n| n.has_tag_name("testcase")).filter_map(|n| n.attribute("name")).collect();
    assert_eq!(names, ["no-fault", "stop-stops", "contact-motor-least-off", "off-at-once"]);
    let text = folder.read("plant/seal.ld");
    folder.write("plant/seal.ld", text.replace("NO(stop_ok) COIL(motor)", "COIL(motor)"));
    let mut command = folder.command(&["ci", "plant", "--reports", "reports"]);
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", folder.path("page.md"));
    let seen = common::Seen::of(&command.output().unwrap()).exits(1);
    let line = seen.out.lines().find(|line| line.contains("title=P001")).unwrap_or_else(|| panic!("{}", seen.out));
    assert!(line.starts_with("::error file=plant/seal.properties.yaml,line=2,col=5,"), "{line}");
    let sarif: serde_json::Value = serde_json::from_str(&folder.read("reports/prove.sarif")).unwrap();
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!((&result["ruleId"], &result["level"]), (&"P001".into(), &"error".into()), "{sarif:#}");
    assert_eq!(result["relatedLocations"][0]["message"]["text"], "rung motor writes motor", "{sarif:#}");
    // One file of both, because GitLab takes one.
    let list: Vec<serde_json::Value> = serde_json::from_str(&folder.read("reports/check.gitlab.json")).unwrap();
    assert!(list.iter().any(|row| row["check_name"] == "P001"), "{list:?}");
    assert!(list.iter().any(|row| row["check_name"] != "P001"), "{list:?}");
    assert!(folder.read("reports/prove.junit.xml").contains("<failure"));
    assert!(folder.read("page.md").contains("| prove | **failed** | 1 program |"));
}
