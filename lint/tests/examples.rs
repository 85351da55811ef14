//! The example programs and maps have no findings: whoever starts from them starts clean.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used, reason = "tests")]

use compiler::source::SourceMap;
use lint::config::CheckSettings;
use lint::{MapInput, Severity, Subject};
use runtime::config::files::Disk;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// Every example with each of its maps.
fn examples() -> Vec<(PathBuf, PathBuf)> {
    let folder = root().join("programs");
    let mut names: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
    names.sort();
    let stem = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let programs: Vec<&PathBuf> =
        names.iter().filter(|p| p.extension().is_some_and(|e| e == "ld" || e == "st")).collect();
    let maps = |program: &Path| -> Vec<PathBuf> {
        let own = format!("{}.", stem(program));
        let of = |p: &&PathBuf| {
            let name = p.file_name().unwrap().to_str().unwrap();
            name.starts_with(&own) && name.ends_with(".io.yaml")
        };
        names.iter().filter(of).cloned().collect()
    };
    let mut all: Vec<_> = programs.iter().flat_map(|p| maps(p).into_iter().map(|map| ((*p).clone(), map))).collect();
    for (program, map) in
        [("forward_reverse.ld", "forward-reverse.gpio.yaml"), ("star_delta.ld", "star-delta.gpio.yaml")]
    {
        all.push((folder.join(program), root().join("io-config").join(map)));
    }
    all
}

#[test]
fn examples_have_no_findings() {
    let mut wrong = Vec::new();
    let examples = examples();
    assert!(examples.len() >= 13, "{examples:?}");
    for (program, map) in examples {
        let mut sources = SourceMap::new();
        let name = program.file_name().unwrap().to_str().unwrap();
        let id = sources.add(name, std::fs::read_to_string(&program).unwrap());
        let compiled = compiler::compile(&sources, &[id], compiler::Options::default());
        let image = compiled.image.as_ref().unwrap();
        let loaded = runtime::config::load(&map, &Disk, image);
        let text = std::fs::read_to_string(&map).unwrap();
        let file = map.display().to_string();
        let input = MapInput { file: &file, text: &text, findings: &loaded.findings, map: loaded.map.as_ref() };
        let subject = Subject { sources: &sources, compiled: &compiled, map: Some(input), activity: &[] };
        let checked = lint::check(&subject, &CheckSettings::default(), &str::to_owned);
        // Notes of the relay room tell of the data sheet and of dark lamps; they ask nothing of anybody.
        let found = checked.shown().filter(|f| f.severity != Severity::Note || f.code.starts_with('K'));
        wrong.extend(found.map(|f| format!("{name} on {}: {} {:?} {}", map.display(), f.code, f.region, f.message)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
