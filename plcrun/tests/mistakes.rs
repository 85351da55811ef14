//! `tests/mistakes/*.yaml`: mistakes people make, put into the example programs and maps one at a time. Each must be found
//! by `plcrun check` or `plcrun test` and named with its place; the programs as they stand give no finding.
//!
//! A row says what is wrong (`what`), in which file of the program (`in`, the ladder otherwise), which text (`replace`, once
//! in the file) becomes which (`by`), and who finds it: `check: CODE` on the changed line (or `line_of:` another text, `found_in:` another file), or
//! `test: NAME` whose failure names `names`, such as the rung that wrote the wrong value.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::{Folder, programs};
use serde::Deserialize;
use std::path::Path;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    program: String,
    mistakes: Vec<Mistake>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mistake {
    what: String,
    #[serde(default, rename = "in")]
    file: Option<String>,
    replace: String,
    by: String,
    #[serde(default)]
    check: Option<String>,
    /// The file the finding is in, where that is another one than the changed.
    #[serde(default)]
    found_in: Option<String>,
    #[serde(default)]
    line_of: Option<String>,
    #[serde(default)]
    test: Option<String>,
    #[serde(default)]
    names: Option<String>,
}

/// The fewest rows there must be.
const ROWS_MIN: usize = 60;

/// A copy of the programs with their maps, tests and data sheets.
fn copy() -> Folder {
    let folder = Folder::new();
    let root = programs();
    for (from, to) in
        [(root.clone(), "programs"), (root.parent().unwrap().join("io-config/relays"), "io-config/relays")]
    {
        for entry in std::fs::read_dir(from).unwrap() {
            let path = entry.unwrap().path();
            folder
                .write(&format!("{to}/{}", path.file_name().unwrap().to_str().unwrap()), std::fs::read(&path).unwrap());
        }
    }
    folder
}

/// What is wrong with how the tool answers this mistake; `None` where it finds it.
fn missed(folder: &Folder, program: &str, mistake: &Mistake) -> Option<String> {
    let name = mistake.file.clone().unwrap_or_else(|| format!("{program}.ld"));
    let path = format!("programs/{name}");
    let text = folder.read(&path);
    if text.matches(&mistake.replace).count() != 1 {
        return Some(format!(
            "`{}` stands {} times in {name}",
            mistake.replace,
            text.matches(&mistake.replace).count()
        ));
    }
    let changed = text.replacen(&mistake.replace, &mistake.by, 1);
    folder.write(&path, &changed);
    let answer = match (&mistake.check, &mistake.test) {
        (Some(code), None) => {
            let marked = mistake.line_of.as_ref().unwrap_or(&mistake.by);
            let found_in = mistake.found_in.as_ref().unwrap_or(&name);
            let text = folder.read(&format!("programs/{found_in}"));
            match text.find(marked.as_str()) {
                Some(first) => {
                    let lines = line(&text, first)..=line(&text, first + marked.len());
                    found_by_check(folder, program, code, found_in, lines)
                }
                None => Some(format!("`{marked}` does not stand in {found_in}")),
            }
        }
        (None, Some(test)) => found_by_test(folder, program, test, mistake.names.as_deref().unwrap_or("rung")),
        _ => Some("a row says `check` or `test`, and not both".to_owned()),
    };
    folder.write(&path, text);
    answer
}

fn line(text: &str, at: usize) -> u64 {
    text[..at.min(text.len())].matches('\n').count() as u64 + 1
}

fn found_by_check(
    folder: &Folder,
    program: &str,
    code: &str,
    file: &str,
    lines: std::ops::RangeInclusive<u64>,
) -> Option<String> {
    let seen = folder.run(&["check", "--json", &format!("programs/{program}.ld")]);
    let findings: Vec<serde_json::Value> =
        seen.out.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let hit = findings.iter().any(|finding| {
        finding["code"] == code
            && finding["file"].as_str().is_some_and(|path| path.ends_with(file))
            && finding["line"].as_u64().is_some_and(|line| lines.contains(&line))
    });
    (!hit).then(|| format!("check gives no {code} on lines {lines:?} of {file}:\n{}{}", seen.out, seen.err))
}

fn found_by_test(folder: &Folder, program: &str, test: &str, names: &str) -> Option<String> {
    let seen = folder.run(&["test", "--quiet", &format!("programs/{program}.test.yaml")]);
    let head = format!(": {test} ... FAILED");
    let Some(at) = seen.out.find(&head) else {
        return Some(format!("`{test}` does not fail:\n{}{}", seen.out, seen.err));
    };
    let rest = &seen.out[at + head.len()..];
    let report = rest.find(" ... FAILED").map_or(rest, |end| &rest[..end]);
    (!report.contains(names)).then(|| format!("the failure of `{test}` does not name `{names}`:\n{report}"))
}

fn tables() -> Vec<Table> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("tests/mistakes");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|path| serde_yaml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()).collect()
}

#[test]
fn every_mistake_is_found_and_named_with_its_place() {
    let tables = tables();
    let rows: usize = tables.iter().map(|table| table.mistakes.len()).sum();
    let missed: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = tables
            .iter()
            .map(|table| {
                scope.spawn(move || {
                    let folder = copy();
                    let answers = table.mistakes.iter().filter_map(|mistake| {
                        let why = missed(&folder, &table.program, mistake)?;
                        Some(format!("{}: {}: {why}", table.program, mistake.what))
                    });
                    answers.collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(missed.is_empty(), "{} of {rows} missed\n\n{}", missed.len(), missed.join("\n\n"));
    assert!(rows >= ROWS_MIN, "{rows} rows");
}

#[test]
fn without_a_mistake_nothing_is_found() {
    let folder = copy();
    for table in tables() {
        folder.run(&["check", &format!("programs/{}.ld", table.program)]).exits(0).out_has("no findings");
        folder.run(&["test", "--quiet", &format!("programs/{}.test.yaml", table.program)]).exits(0);
    }
}
