//! Programs with mistakes, and the findings their lines must have.

use compiler::diag::{Style, render_all};
use compiler::source::SourceMap;
use compiler::{Options, compile};
use std::path::Path;

/// The mark before the codes a line must have.
const MARK: &str = "//!";

/// Compiles the program and compares its findings with the marks.
///
/// # Errors
/// The findings that are missing or not expected.
pub fn check_file(path: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let mut wanted: Vec<(u32, String)> = Vec::new();
    for (line, content) in (1u32..).zip(text.lines()) {
        if let Some((_, codes)) = content.split_once(MARK) {
            wanted.extend(codes.split_whitespace().map(|code| (line, code.to_owned())));
        }
    }
    if wanted.is_empty() {
        return Err(format!("no line has a mark `{MARK} E0401`"));
    }
    let mut map = SourceMap::new();
    let id = map.add(path.display().to_string(), text);
    let compiled = compile(&map, &[id], Options::default());
    let mut found: Vec<(u32, String)> = compiled
        .diagnostics
        .iter()
        .map(|d| (d.place(&map).map_or(0, |(_, at)| at.line), d.code.as_str().to_owned()))
        .collect();
    found.sort();
    wanted.sort();
    if found == wanted {
        return Ok(());
    }
    let missing: Vec<_> = wanted.iter().filter(|w| !found.contains(w)).collect();
    let extra: Vec<_> = found.iter().filter(|f| !wanted.contains(f)).collect();
    let shown = render_all(&map, &compiled.diagnostics, Style::Plain);
    Err(format!("missing {missing:?}, not expected {extra:?}\n{shown}"))
}
