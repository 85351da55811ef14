//! What must hold for the front end whatever the text is.
//!
//! One function, called by the property test, by the replay of the fuzz corpus and by the fuzz target, so that all three
//! mean the same.

use crate::ast;
use crate::diag::{Style, has_errors, render_all};
use crate::draw::{self, draw_svg, draw_text};
use crate::fmt::format;
use crate::limits::DIAGNOSTICS_MAX;
use crate::parser::{parse, parse_expression};
use crate::source::{FileId, SourceMap};

/// Reads, renders, draws and formats a text.
///
/// # Errors
/// Which promise is broken: a finding outside of the text, too many findings, or a formatted text that is refused, changes
/// when it is formatted again, or differs from the original in more than blanks and spelling.
pub fn front_end(text: &str) -> Result<(), String> {
    let mut map = SourceMap::new();
    let file = map.add("text", text);
    let (tree, diagnostics) = parse(&map, file);
    // The lexer and the parser each stop at the limit, with one finding that says so.
    if diagnostics.len() > 2 * (DIAGNOSTICS_MAX + 1) {
        return Err(format!("{} findings", diagnostics.len()));
    }
    for finding in &diagnostics {
        let span = finding.primary.span;
        let inside = span.start <= span.end && text.get(span.start as usize..span.end as usize).is_some();
        if !inside || finding.message.is_empty() {
            return Err(format!("a finding outside of the text: {finding:?}"));
        }
    }
    let _ = render_all(&map, &diagnostics, Style::Plain);
    let _ = (draw_text(&map, &tree, draw::Style::Unicode), draw_svg(&map, &tree));
    let _ = parse_expression(text);
    match format(&map, file) {
        Err(_) if has_errors(&diagnostics) => Ok(()),
        Err(_) => Err("a text without errors is not formatted".to_owned()),
        Ok(_) if has_errors(&diagnostics) => Err("a text with errors is formatted".to_owned()),
        Ok(once) => settled(&tree, text, &once),
    }
}

/// Compares a text with its formatted form, and that with its own.
fn settled(tree: &ast::File, text: &str, once: &str) -> Result<(), String> {
    let mut map = SourceMap::new();
    let file = map.add("formatted", once);
    let (formatted, diagnostics) = parse(&map, file);
    if has_errors(&diagnostics) {
        return Err(format!("the formatted text has mistakes:\n{}", render_all(&map, &diagnostics, Style::Plain)));
    }
    if shape(tree) != shape(&formatted) {
        return Err(format!("formatting changed the meaning:\n{once}"));
    }
    if comments(text, tree) != comments(once, &formatted) {
        return Err(format!("formatting changed a comment:\n{once}"));
    }
    match format(&map, file) {
        Ok(twice) if twice == once => Ok(()),
        Ok(twice) => Err(format!("formatting twice changed something:\n{once}\n---\n{twice}")),
        Err(_) => Err("the formatted text is not formatted".to_owned()),
    }
}

/// The tree without its places and without the case of names.
fn shape(tree: &ast::File) -> String {
    let items = format!("{:?}", tree.items).to_ascii_uppercase();
    let mut result = String::new();
    let mut rest = items.as_str();
    while let Some((before, after)) = rest.split_once('@') {
        result.push_str(before);
        rest = after.trim_start_matches(|letter: char| letter.is_ascii_digit() || ":.".contains(letter));
    }
    // Blanks in pragmas are not meaning.
    result.push_str(rest);
    result.split_whitespace().collect()
}

/// All comments, blanks at line ends aside.
fn comments(text: &str, tree: &ast::File) -> Vec<String> {
    let mut map = SourceMap::new();
    let file: FileId = map.add("", text);
    tree.comments
        .iter()
        .map(|comment| {
            let text = map.slice(crate::source::Span { file, ..comment.span });
            text.split('\n').map(str::trim_end).collect::<Vec<_>>().join("\n")
        })
        .collect()
}
