//! The check of the rooms' arrows: what each room imports, held against the block in ARCHITECTURE.md.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

type Arrows = BTreeMap<String, BTreeSet<String>>;

/// Reads the ```` ```rooms ```` block: `name  what it is  -> a, b` or `-> nothing`.
fn allowed(architecture: &str) -> Result<Arrows, String> {
    let block = architecture
        .split_once("```rooms\n")
        .and_then(|(_, rest)| rest.split_once("\n```"))
        .ok_or("ARCHITECTURE.md has no ```rooms block")?
        .0;
    let mut arrows = Arrows::new();
    for line in block.lines().filter(|l| !l.trim().is_empty()) {
        let (left, right) =
            line.rsplit_once("->").ok_or(format!("no arrow in the line `{line}` of ARCHITECTURE.md"))?;
        let room = left.split_whitespace().next().ok_or(format!("no room in the line `{line}`"))?;
        let targets = right.split(',').map(|t| t.trim().to_owned()).filter(|t| t != "nothing").collect();
        arrows.insert(room.to_owned(), targets);
    }
    Ok(arrows)
}

/// Rooms and the rooms they depend on to build, from `cargo metadata --no-deps`.
fn actual(metadata: &Value) -> Arrows {
    let empty = Vec::new();
    let list = |v: &Value, key: &str| v.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let name = |v: &Value| v.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let packages = metadata.get("packages").and_then(Value::as_array).unwrap_or(&empty);
    let rooms: BTreeSet<String> = packages.iter().map(name).collect();
    let imports = |package: &Value| {
        let dependencies = list(package, "dependencies");
        let shipped = dependencies.iter().filter(|d| d.get("kind").and_then(Value::as_str) != Some("dev"));
        shipped.map(name).filter(|n| rooms.contains(n)).collect()
    };
    packages.iter().map(|p| (name(p), imports(p))).collect()
}

/// Every difference between what is written and what is built, as a sentence.
fn differences(allowed: &Arrows, actual: &Arrows) -> Vec<String> {
    let mut found = Vec::new();
    for (room, imports) in actual {
        let Some(may) = allowed.get(room) else {
            found.push(format!("room {room} is not in ARCHITECTURE.md"));
            continue;
        };
        for import in imports.difference(may) {
            found.push(format!("{room} imports {import}, which ARCHITECTURE.md does not allow"));
        }
    }
    for room in allowed.keys().filter(|r| !actual.contains_key(*r)) {
        found.push(format!("ARCHITECTURE.md names the room {room}, which does not exist"));
    }
    found
}

/// Runs the check on the workspace.
///
/// # Errors
/// The differences, one a line.
pub fn run(metadata: &Value) -> Result<(), String> {
    let architecture =
        std::fs::read_to_string("ARCHITECTURE.md").map_err(|e| format!("cannot read ARCHITECTURE.md: {e}"))?;
    let found = differences(&allowed(&architecture)?, &actual(metadata));
    if found.is_empty() { Ok(()) } else { Err(found.join("\n")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# x\n```rooms\na  first -> nothing\nb  second, more -> a\n```\n";

    fn arrows(of: &[(&str, &[&str])]) -> Arrows {
        of.iter().map(|(r, t)| ((*r).to_owned(), t.iter().map(|t| (*t).to_owned()).collect())).collect()
    }

    #[test]
    fn the_block_is_read() {
        assert_eq!(allowed(TEXT).unwrap(), arrows(&[("a", &[]), ("b", &["a"])]));
        assert!(allowed("no block").is_err());
    }

    #[test]
    fn forbidden_unknown_and_missing_rooms_are_named() {
        let found = differences(&allowed(TEXT).unwrap(), &arrows(&[("a", &["b"]), ("c", &[])]));
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(found[0], "a imports b, which ARCHITECTURE.md does not allow");
    }

    #[test]
    fn dev_dependencies_do_not_count() {
        let text = r#"{"packages":[{"name":"a","dependencies":[{"name":"b","kind":"dev"},{"name":"serde","kind":null}]},
            {"name":"b","dependencies":[{"name":"a","kind":null}]}]}"#;
        let metadata: Value = serde_json::from_str(text).unwrap();
        assert_eq!(actual(&metadata), arrows(&[("a", &[]), ("b", &["a"])]));
    }
}
