//! Every property file beside an example program, on every version of the program: each property gets the answer it shall
//! have. `--nocapture` prints how long each took.
#![allow(
    clippy::wildcard_enum_match_arm,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests: a failure is a panic"
)]

mod common;

use common::{compiled, map, patient, root, wired};
use prove::guard::wired::Contacts;
use prove::model::Schedule;
use prove::property::File;
use prove::prover::{Answer, Asking, Prover};
use runtime::config::files::Disk;
use std::path::PathBuf;

#[test]
fn every_property_of_the_examples_holds() {
    let mut found = 0;
    let mut wrong = Vec::new();
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(root().join("programs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for file in entries {
        let Some(name) = file.file_name().and_then(|n| n.to_str()).and_then(|n| n.strip_suffix(".properties.yaml"))
        else {
            continue;
        };
        let properties: File = serde_yaml::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        for version in ["ld", "st"].map(|e| file.with_file_name(format!("{name}.{e}"))) {
            if version.exists() {
                found += check(&version, &properties, &mut wrong);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(found >= 80, "{found} properties");
}

fn check(program: &PathBuf, file: &File, wrong: &mut Vec<String>) -> usize {
    let compiled = compiled(std::slice::from_ref(program));
    let image = compiled.image.unwrap();
    let schedule = Schedule::every_scan(&image, 10_000_000);
    let began = std::time::Instant::now();
    let map = map(&program.with_extension("io.yaml"), &Disk, &image);
    let wired = wired(&map);
    let asking = Asking {
        program: &compiled.program,
        image: &image,
        schedule: &schedule,
        properties: &file.properties,
        assume: &file.assume,
        wired: Some(&wired),
        contacts: Contacts::Worst,
    };
    let mut prover = Prover::of(&asking).unwrap_or_else(|e| panic!("{}: {e}", program.display()));
    let name = program.file_name().unwrap().to_string_lossy().into_owned();
    println!("{name}: modelled in {:.1?}", began.elapsed());
    let options = patient();
    let only = std::env::var("PLCRUN_EXAMPLE").unwrap_or_default();
    for number in (0..prover.len()).filter(|n| name.contains(&only) || file.properties[*n].id.contains(&only)) {
        let cpu = cpu_time::ProcessTime::now();
        let report = prover.answer(number, &options).unwrap().unwrap();
        let cpu = cpu.elapsed();
        let id = &report.property.id;
        println!("  {:>9.1?} (cpu {cpu:>9.1?})  {id}: {}  {:?}", report.took, short(&report.answer), report.size);
        // Whether a contact can close at all is a long way for some programs; tests/composed.rs sees all of them move.
        let open = !report.open_premises.is_empty() && report.contacts.is_none();
        if !matches!(report.answer, Answer::Proved { .. } | Answer::Reached(_)) || open {
            wrong.push(format!("{name}: {id}: {}, open {:?}", short(&report.answer), report.open_premises));
        }
    }
    prover.len()
}

fn short(answer: &Answer) -> String {
    match answer {
        Answer::Proved { argument, certificate } => {
            format!("proved {}, {} clauses", argument.text(), certificate.clauses.len())
        }
        Answer::Reached(way) => format!("reached in {} scans, {} events", way.scans(), way.steps.len()),
        Answer::Refuted(way) => format!("REFUTED in {} scans: {:?}", way.scans(), way.steps),
        other @ (Answer::Vacuous { .. } | Answer::Unreachable { .. } | Answer::Unknown { .. }) => format!("{other:?}"),
    }
}
