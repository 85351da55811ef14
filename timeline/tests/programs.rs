//! The example programs: every timeline file passes, and every program has a map and at least one test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use runtime::config::files::Disk;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use timeline::{Options, Suite, load, print, run};

/// The folder of the workspace; paths in messages begin there.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// Files below a folder whose name ends so, sorted.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.to_str().unwrap().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn loaded(path: &Path) -> Suite {
    load(path, &Disk).unwrap_or_else(|problems| {
        let text: Vec<String> = problems.iter().map(ToString::to_string).collect();
        panic!("{} cannot be run:\n{}", path.display(), text.join("\n"))
    })
}

#[test]
fn every_timeline_file_of_the_example_programs_passes() {
    let mut reports = Vec::new();
    for path in files(&root().join("programs"), ".test.yaml") {
        let report = run(&loaded(&path), &Options::default());
        assert!(report.tests().count() > 0, "{} runs no test", path.display());
        reports.push(report);
    }
    let failed: String = reports.iter().map(|report| print::text(report, false)).collect();
    assert!(failed.is_empty(), "{failed}\n{}", print::summary(&reports));
    assert!(reports.len() >= 8, "at least eight example programs have tests, found {}", reports.len());
}

/// The bounces of the contacts may fall as they like: no test may rest on one seed.
#[test]
fn the_tests_pass_with_any_seed() {
    let mut reports = Vec::new();
    for path in files(&root().join("programs"), ".test.yaml") {
        let suite = loaded(&path);
        for seed in [2, 3, 12_345, u64::MAX] {
            reports.push(run(&suite, &Options { seed: Some(seed), ..Options::default() }));
        }
    }
    let failed: String = reports.iter().map(|report| print::text(report, false)).collect();
    assert!(failed.is_empty(), "{failed}\n{}", print::summary(&reports));
}

#[test]
fn every_example_program_has_a_test_and_a_map() {
    let programs = root().join("programs");
    let mut tested = BTreeSet::new();
    for path in files(&programs, ".test.yaml") {
        let timeline = timeline::format::parse("", &std::fs::read_to_string(&path).unwrap()).unwrap();
        for source in timeline.program.iter().chain(&timeline.also) {
            tested.insert(path.parent().unwrap().join(&source.text).canonicalize().unwrap());
        }
    }
    let mut sources = files(&programs, ".ld");
    sources.extend(files(&programs, ".st"));
    assert!(sources.len() >= 10);
    for source in sources {
        assert!(tested.contains(&source.canonicalize().unwrap()), "{} has no timeline test", source.display());
        let map = source.with_extension("io.yaml");
        assert!(map.exists(), "{} has no I/O map beside it ({})", source.display(), map.display());
    }
}

/// What people copy is in the form `plcrun fmt` writes, and the compiler has nothing to say about it.
#[test]
fn every_example_program_is_in_canonical_form_and_without_diagnostics() {
    let programs = root().join("programs");
    let mut sources = files(&programs, ".ld");
    sources.extend(files(&programs, ".st"));
    for path in sources {
        let text = std::fs::read_to_string(&path).unwrap();
        let mut map = compiler::source::SourceMap::new();
        let id = map.add(path.display().to_string(), text.clone());
        let compiled = compiler::compile(&map, &[id], compiler::Options::default());
        let said = compiler::diag::render_all(&map, &compiled.diagnostics, compiler::diag::Style::Plain);
        assert!(said.is_empty(), "{said}");
        assert!(compiler::fmt::format(&map, id).unwrap() == text, "{}: run `plcrun fmt` on it", path.display());
    }
}

/// The templates for real lines fit their programs, and no test can ever run on them.
#[test]
fn the_templates_for_real_lines_fit_and_are_refused_for_tests() {
    for (program, template) in [
        ("forward_reverse", "forward-reverse.gpio.yaml"),
        ("forward_reverse", "expander.gpio.yaml"),
        ("star_delta", "star-delta.gpio.yaml"),
    ] {
        let suite = loaded(&root().join(format!("programs/{program}.test.yaml")));
        let version = suite.versions.first().unwrap();
        let template = root().join("io-config").join(template);
        let checked = runtime::config::load(&template, &Disk, &version.image);
        let findings: Vec<String> = checked
            .findings
            .iter()
            .filter(|finding| finding.severity != runtime::config::Severity::Note)
            .map(ToString::to_string)
            .collect();
        assert!(findings.is_empty(), "{}", findings.join("\n"));
        assert!(checked.map.unwrap().has_real_lines());

        let texts = runtime::config::files::Texts::new()
            .with(
                "a.test.yaml",
                format!("program: a.ld\nio: {}\ntests: [{{ name: t, never: fwd_pb AND star }}]\n", template.display()),
            )
            .with("a.ld", std::fs::read_to_string(root().join(format!("programs/{program}.ld"))).unwrap())
            .with(&template, std::fs::read_to_string(&template).unwrap())
            .with(
                template.parent().unwrap().join("relays/wago-859-386.yaml"),
                std::fs::read_to_string(root().join("io-config/relays/wago-859-386.yaml")).unwrap(),
            );
        let problems = load(Path::new("a.test.yaml"), &texts).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems.first().unwrap().message.contains("has real lines"), "{problems:?}");
        assert_eq!(problems.first().unwrap().place.line, 2);
    }
}

/// Example maps give no warning: whoever copies one starts clean.
#[test]
fn the_example_maps_give_no_warning() {
    for path in files(&root().join("programs"), ".test.yaml") {
        for version in &loaded(&path).versions {
            let checked = runtime::config::load(Path::new(&version.map.file), &Disk, &version.image);
            let doubtful =
                checked.findings.iter().filter(|finding| finding.severity != runtime::config::Severity::Note);
            let text: Vec<String> = doubtful.map(ToString::to_string).collect();
            assert!(text.is_empty(), "{}", text.join("\n"));
        }
    }
}
