//! Conformance files and their runner.
//!
//! - `lang/**/NAME.st` or `NAME.ld` with `NAME.yaml` beside it ([`case`]): a program, its inputs scan by scan, and what must
//!   then be so. Every file runs optimised and not, on every engine ([`run`]); the whole data segment is compared after every
//!   scan.
//! - `reject/*.st` and `*.ld` ([`reject`]): programs with mistakes. A comment `//! E0401` on a line says which findings that
//!   line must have; there must be no others.
//! - [`hostile`]: what must hold for any image, any I/O map and any program; [`generate`]: programs made of bytes;
//!   [`optimised`]: an image of unoptimised code beside one of optimised code.

pub mod case;
pub mod generate;
pub mod hostile;
pub mod optimised;
pub mod reject;
pub mod run;

use std::path::{Path, PathBuf};

/// Every file below a folder with one of these endings, sorted.
///
/// # Errors
/// The folder cannot be read.
pub fn files_below(folder: &Path, endings: &[&str]) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().and_then(|e| e.to_str()).is_some_and(|e| endings.contains(&e)) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
