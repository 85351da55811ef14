//! Every conformance file.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn all(name: &str, endings: &[&str], check: fn(&Path) -> Result<(), String>) {
    let files = conformance::files_below(&folder(name), endings).unwrap();
    assert!(!files.is_empty(), "no files in {name}");
    let failed: Vec<String> =
        files.iter().filter_map(|f| check(f).err().map(|e| format!("{}: {e}", f.display()))).collect();
    assert!(failed.is_empty(), "{} of {} failed:\n{}", failed.len(), files.len(), failed.join("\n"));
}

#[test]
fn programs_do_what_is_written_beside_them() {
    all(
        "lang",
        &["st", "ld"],
        |f| if f.with_extension("yaml").exists() { conformance::run::run_file(f) } else { Ok(()) },
    );
}

#[test]
fn mistakes_are_found_where_they_are_and_nowhere_else() {
    all("reject", &["st", "ld"], conformance::reject::check_file);
}
