//! Which files of a folder form programs, with which I/O maps and timeline tests.
//!
//! One rule for every command that works on a whole project:
//! - what `plcrun.yaml` lists under `programs` is a program;
//! - what a timeline test names (`program`, each of `also`) is one, on the map the test names or the one beside it;
//! - any other source file that holds a PROGRAM or CONFIGURATION is one, on the map beside it;
//! - a source file without one belongs to the programs that name it. Where none does it is left over, and said to be.

use crate::exit::Refusal;
use crate::files;
use crate::iomap;
use crate::settings::{self, Settings};
use compiler::ast::{Item, PouKind};
use compiler::source::SourceMap;
use runtime::config::files::beside;
use runtime::config::yaml::{self, Node, Value};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A program of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Its source files.
    pub files: Vec<PathBuf>,
    /// Its I/O map, where it has one.
    pub io: Option<PathBuf>,
    /// The timeline files that test it on this map.
    pub tests: Vec<PathBuf>,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// In the order of their files.
    pub programs: Vec<Program>,
    /// Source files that belong to no program.
    pub left_over: Vec<PathBuf>,
}

/// The programs of some folders.
///
/// # Errors
/// A folder or a file in it cannot be read, a settings file has mistakes, or there is no program.
pub fn programs(folders: &[PathBuf]) -> Result<Found, Refusal> {
    let mut found = Found::default();
    for folder in folders {
        let settings = settings::of(folder)?;
        in_folder(folder, &settings, &mut found)?;
    }
    if found.programs.is_empty() {
        let names: Vec<String> = folders.iter().map(|f| files::shown(f)).collect();
        return Err(Refusal::wrong_use(
            format!("there is no program in {}", names.join(", ")),
            "a program is a file *.ld or *.st with a PROGRAM in it",
        ));
    }
    found.programs.sort_by(|a, b| (&a.files, &a.io).cmp(&(&b.files, &b.io)));
    Ok(found)
}

/// The programs some timeline files name, each with the map they name or the one beside it.
///
/// # Errors
/// A timeline file cannot be read.
pub fn tested(timelines: &[PathBuf]) -> Result<Vec<Program>, Refusal> {
    let mut found = Found::default();
    for test in timelines {
        of_test(test, &mut found)?;
    }
    Ok(found.programs)
}

fn in_folder(folder: &Path, settings: &Settings, found: &mut Found) -> Result<(), Refusal> {
    let mut names = Vec::new();
    walk(folder, &mut names)?;
    let ends = |path: &PathBuf, suffix: &str| path.to_string_lossy().ends_with(suffix);
    let sources: Vec<&PathBuf> = names.iter().filter(|n| ends(n, ".ld") || ends(n, ".st")).collect();
    for entry in &settings.programs {
        // The settings may be those of a larger project than the folder that was asked for.
        if entry.files.iter().any(|file| sources.contains(&file)) {
            add(found, entry.files.clone(), entry.io.clone(), None);
        }
    }
    for test in names.iter().filter(|n| ends(n, ".test.yaml")) {
        of_test(test, found)?;
    }
    let named: BTreeSet<PathBuf> = found.programs.iter().flat_map(|p| p.files.iter().cloned()).collect();
    for source in sources.into_iter().filter(|s| !named.contains(*s)) {
        if holds_program(source)? {
            add(found, vec![source.clone()], None, None);
        } else {
            found.left_over.push(source.clone());
        }
    }
    Ok(())
}

/// Adds a program, or a test to one that is known.
fn add(found: &mut Found, files: Vec<PathBuf>, io: Option<PathBuf>, test: Option<&PathBuf>) {
    let io = io.or_else(|| iomap::find(None, &files).path().map(Path::to_path_buf));
    match found.programs.iter_mut().find(|p| p.files == files && p.io == io) {
        Some(known) => {
            known.tests.extend(test.filter(|t| !known.tests.contains(t)).cloned().into_iter().collect::<Vec<_>>())
        }
        None => found.programs.push(Program { files, io, tests: test.cloned().into_iter().collect() }),
    }
}

/// The programs a timeline file names. What is wrong with the file is for `plcrun test` to say.
fn of_test(test: &PathBuf, found: &mut Found) -> Result<(), Refusal> {
    let text = files::read_text(test)?;
    let Ok(root) = yaml::parse(&text, timeline::format::SIZE) else { return Ok(()) };
    let Value::Map(rows) = &root.value else { return Ok(()) };
    let of = |name: &str| rows.iter().find(|(key, _)| key.value.word() == name).map(|(_, value)| value);
    let io = of("io").and_then(text_of).map(|name| beside(test, name));
    let main: Vec<PathBuf> = of("program").map(texts_of).unwrap_or_default().iter().map(|n| beside(test, n)).collect();
    if !main.is_empty() && main.iter().all(|file| file.is_file()) {
        // Another version of the program runs on the same map.
        let shared = io.clone().or_else(|| iomap::find(None, &main).path().map(Path::to_path_buf));
        add(found, main, shared.clone(), Some(test));
        for other in of("also").map(texts_of).unwrap_or_default() {
            let other = beside(test, other);
            if other.is_file() {
                add(found, vec![other], shared.clone(), Some(test));
            }
        }
    }
    Ok(())
}

fn text_of(node: &Node) -> Option<&str> {
    if let Value::Text(text) = &node.value { Some(text.trim()) } else { None }
}

fn texts_of(node: &Node) -> Vec<&str> {
    match &node.value {
        Value::List(items) => items.iter().filter_map(text_of).collect(),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) | Value::Map(_) => {
            text_of(node).into_iter().collect()
        }
    }
}

/// Is there something to run in it? A file that cannot be read as a program is taken for one, so that its mistakes are told.
fn holds_program(path: &Path) -> Result<bool, Refusal> {
    let mut map = SourceMap::new();
    let id = map.add(path.display().to_string(), files::read_text(path)?);
    let (file, findings) = compiler::parser::parse(&map, id);
    let runs = file.items.iter().any(|item| match item {
        Item::Pou(pou) => pou.kind == PouKind::Program,
        Item::Configuration(_) => true,
        Item::Globals(_) | Item::Types(_) => false,
    });
    Ok(runs || compiler::diag::has_errors(&findings))
}

/// Every file below a folder, sorted. Hidden ones are left out, and links to folders are not followed: a loop would have no end.
///
/// # Errors
/// A folder cannot be read.
pub fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), Refusal> {
    let refuse = |e: std::io::Error| {
        Refusal::wrong_use(format!("the folder {} cannot be read: {e}", files::shown(folder)), "check its permissions")
    };
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(refuse)? {
        entries.push(entry.map_err(refuse)?.path());
    }
    // The order of a folder differs from disk to disk; that of a report does not.
    entries.sort();
    for path in entries {
        let hidden = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
        if hidden {
            continue;
        }
        if path.is_dir() {
            if !path.is_symlink() {
                walk(&path, found)?;
            }
        } else {
            // Files of `.` are shown, and compared with what settings and tests name, without the dot.
            found.push(path.strip_prefix(".").map(Path::to_path_buf).unwrap_or(path));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_by_tests_settings_and_their_own_text() {
        let folder = tempfile::tempdir().unwrap();
        let program = "PROGRAM P VAR END_VAR END_PROGRAM";
        let block = "FUNCTION_BLOCK F VAR END_VAR END_FUNCTION_BLOCK";
        for (name, text) in [
            ("a.ld", program),
            ("a.io.yaml", ""),
            ("a.slow.io.yaml", ""),
            ("a.st", program),
            ("a.test.yaml", "program: a.ld\nalso: a.st\n"),
            ("slow.test.yaml", "program: a.ld\nio: a.slow.io.yaml\n"),
            ("b.ld", program),
            ("blocks.st", block),
            ("spare.st", block),
            ("c.ld", program),
            ("plcrun.yaml", "programs: [{ files: [b.ld, blocks.st] }]\n"),
        ] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let found = programs(&[folder.path().to_path_buf()]).unwrap();
        let short = |p: &PathBuf| p.file_name().unwrap().to_string_lossy().into_owned();
        let shown: Vec<_> = found
            .programs
            .iter()
            .map(|p| (p.files.iter().map(short).collect::<Vec<_>>().join("+"), p.io.as_ref().map(short), p.tests.len()))
            .collect();
        assert_eq!(
            shown,
            [
                ("a.ld".to_owned(), Some("a.io.yaml".to_owned()), 1),
                ("a.ld".to_owned(), Some("a.slow.io.yaml".to_owned()), 1),
                ("a.st".to_owned(), Some("a.io.yaml".to_owned()), 1),
                ("b.ld+blocks.st".to_owned(), None, 0),
                ("c.ld".to_owned(), None, 0),
            ]
        );
        assert_eq!(found.left_over.iter().map(short).collect::<Vec<_>>(), ["spare.st"]);
    }
}
