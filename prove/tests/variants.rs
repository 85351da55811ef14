//! The table of program variants: files under tests/prove, each with a program, what is changed in it, and the verdict of
//! every property. `--nocapture` prints how long they took.
#![allow(
    clippy::wildcard_enum_match_arm,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests: a failure is a panic"
)]

mod common;

use common::{patient, root};
use compiler::source::SourceMap;
use compiler::{Options, compile};
use prove::guard::wired::Contacts;
use prove::model::{Input, Schedule};
use prove::property::Property;
use prove::prover::{Answer, Asking, Prover, Report, Way};
use prove::sim::Simulation;
use runtime::config::files::Texts;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    program: Option<String>,
    /// The I/O map, where properties name relays.
    io: Option<String>,
    properties: Vec<Property>,
    variants: Vec<Variant>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Variant {
    name: String,
    /// The program, where the table has none.
    text: Option<String>,
    /// What is changed in it.
    #[serde(default)]
    replace: BTreeMap<String, String>,
    /// What is changed in the I/O map.
    #[serde(default)]
    io_replace: BTreeMap<String, String>,
    #[serde(default)]
    properties: Vec<Property>,
    /// A fault was put in.
    #[serde(default)]
    fault: bool,
    /// The compiler takes it.
    #[serde(default = "yes")]
    compiles: bool,
    /// The verdict of each property.
    expect: BTreeMap<String, String>,
    /// The length of the way, where it matters.
    #[serde(default)]
    scans: BTreeMap<String, u64>,
}

fn yes() -> bool {
    true
}

fn word(report: &Report) -> &'static str {
    match report.answer {
        Answer::Proved { .. } => "proved",
        Answer::Vacuous { .. } => "vacuous",
        Answer::Refuted(_) => "refuted",
        Answer::Reached(_) => "reached",
        Answer::Unreachable { .. } => "unreachable",
        Answer::Unknown { .. } => "unknown",
    }
}

#[test]
fn every_variant_has_its_verdict() {
    let mut files: Vec<_> =
        std::fs::read_dir(root().join("tests/prove")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let (mut variants, mut faulty, mut wrong) = (0, 0, Vec::new());
    let mut times: Vec<(Duration, String)> = Vec::new();
    for file in files {
        let table: Table = serde_yaml::from_str(&std::fs::read_to_string(&file).unwrap())
            .unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let base = table.program.as_ref().map(|p| std::fs::read_to_string(file.with_file_name(p)).unwrap());
        for variant in &table.variants {
            variants += 1;
            faulty += usize::from(variant.fault);
            let name = format!("{}: {}", file.file_stem().unwrap().to_string_lossy(), variant.name);
            let mut text = variant.text.clone().or_else(|| base.clone()).unwrap();
            for (from, to) in &variant.replace {
                assert!(text.contains(from), "{name}: `{from}` is not in the program");
                text = text.replace(from, to);
            }
            let map = table.io.as_ref().map(|io| {
                let mut map = std::fs::read_to_string(file.with_file_name(io)).unwrap();
                for (from, to) in &variant.io_replace {
                    assert!(map.contains(from), "{name}: `{from}` is not in the map");
                    map = map.replace(from, to);
                }
                map
            });
            verdicts(&name, (&text, map.as_deref()), &table, variant, &mut times, &mut wrong);
        }
    }
    times.sort();
    for (took, name) in times.iter().rev().take(12) {
        println!("{took:>10.1?}  {name}");
    }
    let median = times.get(times.len() / 2).map_or(Duration::ZERO, |t| t.0);
    println!("{variants} variants, {faulty} with a fault; {} verdicts, median {median:.1?}", times.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(variants >= 60 && faulty * 2 >= variants, "{variants} variants, {faulty} with a fault");
}

fn verdicts(
    name: &str,
    (text, io): (&str, Option<&str>),
    table: &Table,
    variant: &Variant,
    times: &mut Vec<(Duration, String)>,
    wrong: &mut Vec<String>,
) {
    let mut map = SourceMap::new();
    let id = map.add("variant", text);
    let compiled = compile(&map, &[id], Options::default());
    let Some(image) = compiled.image else {
        if variant.compiles {
            wrong.push(format!("{name}: {:?}", compiled.diagnostics));
        }
        return;
    };
    let all = table.properties.iter().chain(&variant.properties);
    let asked: Vec<Property> = all.filter(|p| variant.expect.contains_key(&p.id)).cloned().collect();
    if asked.len() != variant.expect.len() || !variant.compiles {
        wrong.push(format!("{name}: expects something of properties it has not"));
    }
    let schedule = Schedule::every_scan(&image, 10_000_000);
    let map = io.map(|io| {
        let sheet = std::fs::read_to_string(root().join("io-config/relays/wago-859-386.yaml")).unwrap();
        let texts = Texts::new().with("programs/v.io.yaml", io).with("io-config/relays/wago-859-386.yaml", sheet);
        common::map(Path::new("programs/v.io.yaml"), &texts, &image)
    });
    let wired = map.as_ref().map(common::wired);
    let asking = Asking {
        program: &compiled.program,
        image: &image,
        schedule: &schedule,
        properties: &asked,
        assume: &[],
        wired: wired.as_ref(),
        contacts: Contacts::Worst,
    };
    let mut prover = match Prover::of(&asking) {
        Ok(prover) => prover,
        Err(problem) => return wrong.push(format!("{name}: {problem}")),
    };
    let options = patient();
    let only = std::env::var("PLCRUN_VARIANT").unwrap_or_default();
    for number in (0..prover.len()).filter(|_| name.contains(&only)) {
        let report = prover.answer(number, &options).unwrap().unwrap();
        let id = &report.property.id;
        times.push((report.took, format!("{name}: {id}")));
        if Some(word(&report)) != variant.expect.get(id).map(String::as_str) {
            wrong.push(format!("{name}: {id}: {} ({:?})", word(&report), report.answer));
        }
        if let (Some(scans), Answer::Refuted(way) | Answer::Reached(way)) = (variant.scans.get(id), &report.answer) {
            walk(name, way, &report, &prover);
            if way.scans() != *scans || !way.shortest {
                wrong.push(format!("{name}: {id}: {} scans instead of {scans} ({way:?})", way.scans()));
            }
        }
    }
}

/// Goes a way on the model, scan by scan: its last scan must break (reach) the property, and none before.
fn walk(name: &str, way: &Way, report: &Report, prover: &Prover<'_>) {
    let (model, _) = prover.ground(report);
    let mut simulation = Simulation::new(model);
    let mut scans = 0;
    for (step, _) in way.walk() {
        let (settings, repeat) = &way.steps[step];
        let others = way.others.get(step).map_or(&[][..], Vec::as_slice);
        for _ in 0..*repeat {
            assert!(scans == 0 || !simulation.value(report.bad), "{name}: broken in scan {scans} already");
            scans += 1;
            simulation.step(|number| match model.inputs[number as usize] {
                Input::Data(place) => settings.contains(&(place, true)),
                Input::Unknown | Input::Wire(_) | Input::Contact(_) | Input::ReadBack(_) | Input::Moment(_) => {
                    others.contains(&(number, true))
                }
            });
        }
    }
    assert!(simulation.value(report.bad), "{name}: not broken after {scans} scans");
}
