//! `plcrun.yaml`: the settings of a project, the same for everybody who works on it and for CI.
//!
//! The file stands in the folder of the program or in one above it; the search ends at the root of a repository (`.git`) or of the file
//! system. Each section belongs to a command: this module reads the file and its top-level keys once, and the rooms read
//! their own sections ([`lint::config`]); a command that has no settings has no section.
//!
//! A mistake in it is wrong use, with line, column and the nearest known key: a misspelt setting that is silently ignored
//! would let CI pass.

use crate::exit::Refusal;
use crate::files;
use bytecode::near::did_you_mean;
use lint::config::CheckSettings;
use runtime::config::Place;
use runtime::config::files::beside;
use runtime::config::yaml::{self, Node, Problem, ProblemKind, SizeLimit, Value};
use std::path::{Path, PathBuf};

/// How the file is named.
pub const FILE: &str = "plcrun.yaml";

/// Its top-level keys.
const KEYS: [&str; 4] = ["programs", "check", "ci", "mutate"];

const SIZE: SizeLimit =
    SizeLimit { bytes_max: yaml::TEXT_BYTES_MAX, remedy: "it holds settings only; list findings in a baseline file" };

/// The settings of a project.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The file; `None` where the project has none.
    pub file: Option<PathBuf>,
    /// Programs that consist of several files, or have a map of another name.
    pub programs: Vec<ProgramEntry>,
    /// Of `plcrun check`.
    pub check: CheckSettings,
    /// Of `plcrun ci` and `plcrun mutate`, as written: the commands read them.
    pub sections: Vec<(&'static str, Node)>,
}

/// An entry of `programs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramEntry {
    /// Its source files, as seen from where the command was given.
    pub files: Vec<PathBuf>,
    /// Its I/O map, where it is not the one beside the first file.
    pub io: Option<PathBuf>,
}

impl Settings {
    /// The project's folder: that of the settings file.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        let parent = self.file.as_deref()?.parent()?;
        Some(if parent.as_os_str().is_empty() { Path::new(".") } else { parent })
    }

    /// A section that another command reads.
    #[must_use]
    pub fn section(&self, name: &str) -> Option<&Node> {
        self.sections.iter().find(|(key, _)| *key == name).map(|(_, node)| node)
    }
}

/// The settings that hold for a file or folder.
///
/// # Errors
/// The settings file cannot be read or has mistakes.
pub fn of(path: &Path) -> Result<Settings, Refusal> {
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or_else(|| Path::new("")) };
    match find(folder) {
        Some(file) => read(&file),
        None => Ok(Settings::default()),
    }
}

/// The settings file that holds for a folder.
#[must_use]
pub fn find(folder: &Path) -> Option<PathBuf> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    // Folders above are those of the real path: a link's neighbours are no part of the project.
    let real = folder.canonicalize().ok()?;
    let mut shown = folder.to_path_buf();
    for (depth, above) in real.ancestors().enumerate() {
        if depth > 0 {
            // As short as what was typed: `programs/..` would read worse than `.`, the real path worse still.
            shown = match shown.file_name() {
                Some(_) => shown.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_path_buf(),
                None => shown.join(".."),
            };
        }
        let same = shown.canonicalize().is_ok_and(|p| p == above);
        let candidate = if same { shown.join(FILE) } else { above.join(FILE) };
        if candidate.is_file() {
            return Some(candidate.strip_prefix(".").map(Path::to_path_buf).unwrap_or(candidate));
        }
        if above.join(".git").exists() {
            return None;
        }
    }
    None
}

/// Reads a settings file.
///
/// # Errors
/// It cannot be read, or everything that is wrong with it.
pub fn read(file: &Path) -> Result<Settings, Refusal> {
    let text = files::read_text(file)?;
    let (mut settings, problems) = parse(file, &text);
    if problems.is_empty() {
        settings.file = Some(file.to_path_buf());
        return Ok(settings);
    }
    let lines: Vec<String> = problems.iter().map(|p| shown(file, p)).collect();
    Err(Refusal::wrong_use(format!("{}\n", lines.join("\n")), "docs/check.md describes the settings"))
}

fn shown(file: &Path, problem: &Problem) -> String {
    let Place { line, column } = problem.place;
    let mut text = format!("{}\n  --> {}:{line}:{column}", problem.message, file.display());
    if !problem.remedy.is_empty() {
        text.push_str(&format!("\n  help: {}", problem.remedy));
    }
    text
}

/// The settings of a text, and its mistakes.
fn parse(file: &Path, text: &str) -> (Settings, Vec<Problem>) {
    let mut settings = Settings::default();
    let root = match yaml::parse(text, SIZE) {
        Ok(root) => root,
        Err(problem) => return (settings, vec![problem]),
    };
    let mut problems = Vec::new();
    let rows = match &root.value {
        Value::Map(rows) => rows.as_slice(),
        Value::Null => &[],
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) | Value::List(_) => {
            problems
                .push(wrong(&root, format!("the settings are keys with values, here stands {}", root.value.kind())));
            &[]
        }
    };
    for (key, value) in rows {
        let word = key.value.word();
        match KEYS.iter().find(|known| **known == word) {
            Some(&"programs") => settings.programs = programs(file, value, &mut problems),
            Some(&"check") => {
                let (check, found) = CheckSettings::read(value);
                settings.check = check;
                problems.extend(found);
            }
            Some(name) => settings.sections.push((name, value.clone())),
            None => problems.push(Problem {
                kind: ProblemKind::UnknownKey,
                place: key.place,
                message: format!("there is no section `{word}`{}", did_you_mean(&word, KEYS)),
                remedy: format!("known here: {}", KEYS.join(", ")),
            }),
        }
    }
    problems.sort_by_key(|p| p.place);
    (settings, problems)
}

fn wrong(node: &Node, message: String) -> Problem {
    Problem { kind: ProblemKind::Value, place: node.place, message, remedy: String::new() }
}

/// `programs: [{ files: [a.ld, b.st], io: c.io.yaml }]`; paths are relative to the settings file.
fn programs(file: &Path, node: &Node, problems: &mut Vec<Problem>) -> Vec<ProgramEntry> {
    let Value::List(items) = &node.value else {
        problems.push(wrong(node, format!("`programs` is a list, here stands {}", node.value.kind())));
        return Vec::new();
    };
    items.iter().filter_map(|item| program(file, item, problems)).collect()
}

fn program(file: &Path, node: &Node, problems: &mut Vec<Problem>) -> Option<ProgramEntry> {
    let Value::Map(rows) = &node.value else {
        let message = format!("a program has `files` and perhaps `io`, here stands {}", node.value.kind());
        problems.push(wrong(node, message));
        return None;
    };
    let mut entry = ProgramEntry { files: Vec::new(), io: None };
    for (key, value) in rows {
        match key.value.word().as_ref() {
            "files" => entry.files = named_files(file, value, problems),
            "io" => match text(value) {
                Some(name) => entry.io = Some(beside(file, name)),
                None => problems.push(wrong(value, format!("`io` names a file, here stands {}", value.value.kind()))),
            },
            word => problems.push(Problem {
                kind: ProblemKind::UnknownKey,
                place: key.place,
                message: format!("a program has no key `{word}`{}", did_you_mean(word, ["files", "io"])),
                remedy: "known here: files, io".to_owned(),
            }),
        }
    }
    if entry.files.is_empty() {
        problems.push(wrong(node, "a program has at least one file".to_owned()));
        return None;
    }
    Some(entry)
}

fn named_files(file: &Path, node: &Node, problems: &mut Vec<Problem>) -> Vec<PathBuf> {
    let Value::List(items) = &node.value else {
        problems.push(wrong(node, format!("`files` is a list, here stands {}", node.value.kind())));
        return Vec::new();
    };
    let mut files = Vec::new();
    for item in items {
        match text(item) {
            Some(name) => files.push(beside(file, name)),
            None => problems.push(wrong(item, format!("a file is named here, not {}", item.value.kind()))),
        }
    }
    files
}

fn text(node: &Node) -> Option<&str> {
    if let Value::Text(text) = &node.value { Some(text) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_is_named_with_place_and_the_nearest_one() {
        let (_, problems) = parse(Path::new("plcrun.yaml"), "check:\n  rulse: {}\nchekc: {}\n");
        let seen: Vec<_> = problems.iter().map(|p| (p.place.line, p.place.column, p.message.as_str())).collect();
        assert_eq!(
            seen,
            [
                (2, 3, "`check` has no key `rulse`; did you mean `rules`?"),
                (3, 1, "there is no section `chekc`; did you mean `check`?")
            ]
        );
    }

    #[test]
    fn rules_are_set_by_code_and_errors_cannot_be() {
        let text = "check:\n  rules: { K108: off, w0902: note, E0201: off, K10: off }\n  baseline: old.json\n";
        let (settings, problems) = parse(Path::new("plcrun.yaml"), text);
        let seen: Vec<_> = problems.iter().map(|p| p.message.as_str()).collect();
        assert!(seen[0].starts_with("E0201 is an error"), "{seen:?}");
        assert!(seen[1].starts_with("there is no code `K10`"), "{seen:?}");
        assert_eq!(settings.check.baseline.as_deref(), Some("old.json"));
        assert_eq!(settings.check.rules.len(), 2);
    }

    #[test]
    fn the_file_is_looked_for_up_to_the_root_of_the_repository() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("plant/programs");
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::write(folder.path().join(FILE), "check: {}\n").unwrap();
        let found = find(&deep).unwrap();
        assert_eq!(found.canonicalize().unwrap(), folder.path().join(FILE).canonicalize().unwrap());
        std::fs::create_dir(folder.path().join("plant/.git")).unwrap();
        assert_eq!(find(&deep), None);
    }

    #[test]
    fn programs_of_several_files_are_relative_to_the_settings() {
        let (settings, problems) = parse(
            Path::new("plant/plcrun.yaml"),
            "programs:\n  - { files: [a.ld, lib/b.st], io: c.io.yaml }\nci: { mutants: 1 }\n",
        );
        assert_eq!(problems, []);
        assert_eq!(settings.programs[0].files, [PathBuf::from("plant/a.ld"), PathBuf::from("plant/lib/b.st")]);
        assert_eq!(settings.programs[0].io, Some(PathBuf::from("plant/c.io.yaml")));
        assert!(settings.section("ci").is_some());
    }
}
