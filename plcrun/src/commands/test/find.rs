//! Which timeline files a command line means.

use crate::exit::Refusal;
use crate::files;
use std::path::{Path, PathBuf};

/// How timeline files are named.
const SUFFIX: &str = ".test.yaml";

/// The files to run: those named, and those in named folders, sorted.
///
/// # Errors
/// A path cannot be read, or a folder has none.
pub(in crate::commands) fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Refusal> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            let before = found.len();
            search(path, &mut found)?;
            if found.len() == before {
                return Err(Refusal::wrong_use(
                    format!("{} has no file named *{SUFFIX}", files::shown(path)),
                    "name a timeline file, or a folder with some",
                ));
            }
        } else if path.extension().is_some_and(|extension| extension == "ld" || extension == "st") {
            return Err(program(path));
        } else {
            // Read here as well, so that a file that is not there is wrong use and not a failed test.
            files::read_text(path)?;
            found.push(path.clone());
        }
    }
    Ok(found)
}

/// A program in place of its tests.
fn program(path: &Path) -> Refusal {
    let own = path.with_extension("test.yaml");
    let help = match own.is_file() {
        true => format!("name its timeline file: {}", files::shown(&own)),
        false => format!("name a timeline file (*{SUFFIX}); docs/testing.md tells how to write one"),
    };
    Refusal::wrong_use(format!("{} is a program, not a timeline file", files::shown(path)), help)
}

/// Links to folders are not followed: a loop of them would have no end.
fn search(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), Refusal> {
    let refuse = |e: std::io::Error| {
        Refusal::wrong_use(format!("the folder {} cannot be read: {e}", files::shown(folder)), "check its permissions")
    };
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(refuse)? {
        entries.push(entry.map_err(refuse)?.path());
    }
    // The order of a folder differs from disk to disk; that of the report does not.
    entries.sort();
    for path in entries {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            if !path.is_symlink() {
                search(&path, found)?;
            }
        } else if name.ends_with(SUFFIX) {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_searched_in_order_and_hidden_ones_are_not() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.test.yaml", "a.test.yaml", "a.yaml", "deep/c.test.yaml", ".git/d.test.yaml"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        std::os::unix::fs::symlink(folder.path(), folder.path().join("deep/loop")).unwrap();
        let found = find(&[folder.path().to_path_buf()]).unwrap();
        let names: Vec<_> = found.iter().map(|p| p.strip_prefix(folder.path()).unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["a.test.yaml", "b.test.yaml", "deep/c.test.yaml"]);
    }
}
