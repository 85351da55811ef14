//! The doctor on machines that stand in this folder: `doctor/NAME/root` holds their files, `machine.json` what a checkout
//! cannot hold (owners of devices, answers of chips, free space), `cabinet.io.yaml` the map, `expected.txt` the report.
//!
//! After a wanted change, `PLCRUN_BLESS=1 cargo test -p runtime --test doctor` writes the reports anew: read the difference.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use runtime::doctor::{Asked, AskedMap, ChipAnswer, Code, Facts, Host, Machine, Node, Severity, Space, examine};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// A machine of files, with the described nodes on top.
struct Described {
    files: Host,
    rest: Value,
}

impl Described {
    fn read(name: &str) -> (Self, Asked) {
        let folder = folder(name);
        let rest: Value = serde_json::from_str(&std::fs::read_to_string(folder.join("machine.json")).unwrap()).unwrap();
        let map = std::fs::read_to_string(folder.join("cabinet.io.yaml")).ok();
        let asked = Asked {
            map: map.map(|text| AskedMap::read(&text).unwrap()),
            state: rest["state"].as_str().map(str::to_owned),
        };
        (Self { files: Host::at(&folder.join("root")), rest }, asked)
    }

    fn row(&self, table: &str, path: &str) -> Option<&Value> {
        self.rest[table].get(path)
    }
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/doctor").join(name)
}

impl Machine for Described {
    fn text(&self, path: &str) -> Option<String> {
        self.files.text(path)
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let nodes = self.rest["nodes"].as_object().unwrap().keys();
        let mut names: Vec<String> =
            nodes.filter_map(|path| path.strip_prefix(folder)?.strip_prefix('/')).map(str::to_owned).collect();
        names.extend(self.files.names(folder));
        names.sort();
        names
    }

    fn resolve(&self, path: &str) -> Option<String> {
        self.files.resolve(path)
    }

    fn node(&self, path: &str) -> Option<Node> {
        let row = self.row("nodes", path)?;
        let number = |key: &str| u32::try_from(row[key].as_u64().unwrap()).unwrap();
        let mode = u32::from_str_radix(row["mode"].as_str().unwrap(), 8).unwrap();
        Some(Node { mode, uid: number("uid"), gid: number("gid") })
    }

    fn space(&self, path: &str) -> Option<Space> {
        let row = self.row("spaces", path)?;
        Some(Space {
            free_bytes: row["free_bytes"].as_u64().unwrap(),
            total_bytes: row["total_bytes"].as_u64().unwrap(),
        })
    }

    fn chip(&self, path: &str) -> Result<ChipAnswer, String> {
        let row = self.row("chips", path).unwrap();
        match row["error"].as_str() {
            Some(words) => Err(words.to_owned()),
            None => Ok(ChipAnswer {
                label: row["label"].as_str().unwrap().to_owned(),
                lines: u32::try_from(row["lines"].as_u64().unwrap()).unwrap(),
                version1: row["version1"].as_bool().unwrap(),
            }),
        }
    }
}

fn check(name: &str) {
    let (machine, asked) = Described::read(name);
    let report = examine(&Facts::gather(&machine, &asked), &asked);
    let mut text = String::new();
    for finding in &report.findings {
        writeln!(text, "{finding}").unwrap();
    }
    let path = folder(name).join("expected.txt");
    if std::env::var_os("PLCRUN_BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(text == expected, "{} differs; the report is:\n{text}", path.display());
}

#[test]
fn a_real_time_pi_run_by_the_service_keeps_its_levels() {
    check("realtime_pi");
}

#[test]
fn a_plain_pc_from_a_shell_is_not_punctual() {
    check("plain_pc");
}

#[test]
fn a_virtual_machine_lacks_what_the_map_names() {
    check("virtual_machine");
}

#[test]
fn a_locked_down_container_refuses_what_matters() {
    check("locked_container");
}

/// Every severity and every code is seen on these machines: a check nobody ever saw fail may not work.
#[test]
fn the_machines_show_every_code_in_bad_health() {
    let mut bad = std::collections::BTreeSet::new();
    for name in ["realtime_pi", "plain_pc", "virtual_machine", "locked_container"] {
        let (machine, asked) = Described::read(name);
        let report = examine(&Facts::gather(&machine, &asked), &asked);
        bad.extend(report.findings.iter().filter(|f| f.severity > Severity::Ok).map(|f| f.code));
    }
    let never: Vec<&str> = Code::ALL.iter().filter(|c| !bad.contains(c)).map(|c| c.code()).collect();
    // Core dumps cannot be in bad health: plcrun switches its own off.
    assert_eq!(never, ["D051"]);
}

/// A machine that says nothing at all (no /proc, no /sys) is looked at to the end.
#[test]
fn an_empty_machine_is_no_reason_to_fail() {
    let empty = tempfile::tempdir().unwrap();
    let asked = Asked { map: None, state: Some("/var/lib/plcrun/x".to_owned()) };
    let report = examine(&Facts::gather(&Host::at(empty.path()), &asked), &asked);
    assert!(report.findings.len() >= 15, "{report:?}");
}
