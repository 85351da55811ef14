//! Survivors that somebody has looked at: the section `mutate` of `plcrun.yaml`.
//!
//! An entry names a file and a change as the list of survivors writes it, and says why nothing need notice it. It explains every
//! survivor of that change in that file. It changes no figure: a survivor stays one.

use crate::exit::Refusal;
use crate::settings::{self, Settings};
use bytecode::near::did_you_mean;
use runtime::config::files::beside;
use runtime::config::yaml::{Node, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const KEYS: [&str; 3] = ["file", "change", "reason"];

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The source file.
    pub file: PathBuf,
    /// The change, such as `NC(fwd) -> WIRE()`.
    pub change: String,
    /// Why nothing need notice it.
    pub reason: String,
    /// Where the entry stands.
    pub place: String,
}

/// The entries that concern some source files, each once.
///
/// # Errors
/// A settings file cannot be read or has mistakes.
pub fn of<'f>(sources: impl Iterator<Item = &'f Path>) -> Result<Vec<Entry>, Refusal> {
    let mut by_settings: BTreeMap<PathBuf, Settings> = BTreeMap::new();
    for source in sources {
        let settings = settings::of(source)?;
        if let Some(file) = settings.file.clone() {
            by_settings.insert(file, settings);
        }
    }
    let mut entries = Vec::new();
    for (file, settings) in &by_settings {
        let Some(node) = settings.section("mutate") else { continue };
        entries.extend(read(node, file).map_err(|(at, what)| {
            let what = format!("{what}\n  --> {}:{}:{}", file.display(), at.place.line, at.place.column);
            Refusal::wrong_use(
                what,
                "write `mutate: { explained: [{ file: F, change: C, reason: R }] }`; see docs/testing.md",
            )
        })?);
    }
    Ok(entries)
}

fn read<'n>(node: &'n Node, file: &Path) -> Result<Vec<Entry>, (&'n Node, String)> {
    let Value::Map(rows) = &node.value else {
        return Err((node, format!("`mutate` has keys with values, here stands {}", node.value.kind())));
    };
    let mut entries = Vec::new();
    for (key, value) in rows {
        let word = key.value.word();
        if word != "explained" {
            return Err((key, format!("`mutate` has no key `{word}`{}", did_you_mean(&word, ["explained"]))));
        }
        let Value::List(items) = &value.value else {
            return Err((value, format!("`explained` is a list, here stands {}", value.value.kind())));
        };
        for item in items {
            entries.push(entry(item, file)?);
        }
    }
    Ok(entries)
}

fn entry<'n>(node: &'n Node, file: &Path) -> Result<Entry, (&'n Node, String)> {
    let Value::Map(rows) = &node.value else {
        return Err((
            node,
            format!("an explained survivor has {}, here stands {}", KEYS.join(", "), node.value.kind()),
        ));
    };
    let mut found: BTreeMap<&str, String> = BTreeMap::new();
    for (key, value) in rows {
        let word = key.value.word();
        let Some(known) = KEYS.iter().find(|known| **known == word) else {
            return Err((key, format!("an explained survivor has no key `{word}`{}", did_you_mean(&word, KEYS))));
        };
        let Value::Text(text) = &value.value else {
            return Err((value, format!("`{word}` is a text, here stands {}", value.value.kind())));
        };
        found.insert(known, text.trim().to_owned());
    }
    let mut take = |key: &str| found.remove(key).ok_or_else(|| (node, format!("an explained survivor needs `{key}`")));
    let (name, change, reason) = (take("file")?, take("change")?, take("reason")?);
    let place = format!("{}:{}:{}", file.display(), node.place.line, node.place.column);
    Ok(Entry { file: beside(file, &name), change, reason, place })
}

/// The entry that explains a survivor: `told` is the survivor's change with its kind before it.
#[must_use]
pub fn find<'e>(entries: &'e [Entry], source: &Path, told: &str) -> Option<&'e Entry> {
    entries.iter().find(|entry| told.ends_with(&format!(": {}", entry.change)) && same(&entry.file, source))
}

/// Are these names of one file?
#[must_use]
pub fn same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    one == other || real(one).zip(real(other)).is_some_and(|(a, b)| a == b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime::config::yaml::{self, SizeLimit};

    fn entries(text: &str) -> Result<Vec<Entry>, String> {
        let node = yaml::parse(text, SizeLimit { bytes_max: 10_000, remedy: "" }).unwrap();
        read(&node, Path::new("plant/plcrun.yaml")).map_err(|(at, what)| format!("{}: {what}", at.place.line))
    }

    #[test]
    fn a_survivor_is_explained_by_file_and_change() {
        let all =
            entries("explained:\n  - { file: a.ld, change: NC(q) -> WIRE(), reason: the lock covers it }\n").unwrap();
        let find = |file: &str, told: &str| find(&all, Path::new(file), told).map(|entry| entry.reason.as_str());
        assert_eq!(find("plant/a.ld", "contact bridged: NC(q) -> WIRE()"), Some("the lock covers it"));
        assert_eq!(find("plant/b.ld", "contact bridged: NC(q) -> WIRE()"), None);
        assert_eq!(find("plant/a.ld", "contact bridged: NC(qq) -> WIRE()"), None);
        assert_eq!(all[0].place, "plant/plcrun.yaml:2:5");
    }

    #[test]
    fn mistakes_are_named() {
        for (text, said) in [
            ("explaned: []", "1: `mutate` has no key `explaned`; did you mean `explained`?"),
            ("explained: 5", "1: `explained` is a list"),
            ("explained:\n  - { file: a.ld, change: x }", "2: an explained survivor needs `reason`"),
            ("explained:\n  - { fil: a.ld }", "2: an explained survivor has no key `fil`; did you mean `file`?"),
            ("explained:\n  - { file: [a] }", "2: `file` is a text"),
        ] {
            let found = entries(text).unwrap_err();
            assert!(found.starts_with(said), "{text}: {found}");
        }
    }
}
