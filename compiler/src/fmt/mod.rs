//! The canonical form of a source file.
//!
//! Formatting changes blanks, line ends and spelling, never meaning: every token and every comment of the text is written
//! again, in its order. The syntax tree says where lines begin and how deep they stand; `page` writes tokens and comments
//! and knows nothing of the grammar; `spelling` says how a word is written.
//!
//! The form: two blanks per level; keywords, elementary types and ladder words in capitals; variables as they are declared;
//! `XIC XIO OTE OTL OTU` as `NO NC COIL SET RST`; declarations aligned; a short rung without a title on one line, any
//! other under its head, broken at its branches. One empty line is kept where there was at least one.
//! Formatting a formatted text changes nothing.

mod ladder;
mod page;
mod spelling;
mod statements;
mod units;

use crate::diag::{Diagnostic, has_errors};
use crate::lexer::lex;
use crate::parser::parse;
use crate::source::{FileId, SourceMap};

/// Widest line the formatter makes where it has a choice.
const WIDTH: usize = 100;
/// A rung that fits this width stands on one line with its head.
const RUNG_WIDTH: usize = 76;

/// The canonical form of a file.
///
/// # Errors
/// The diagnostics of a file with syntax errors: what cannot be read is not rewritten.
pub fn format(map: &SourceMap, file: FileId) -> Result<String, Vec<Diagnostic>> {
    let (tree, diagnostics) = parse(map, file);
    if has_errors(&diagnostics) {
        return Err(diagnostics);
    }
    let text = map.get(file).map_or("", |source| source.text());
    let lexed = lex(file, text);
    let spelling = spelling::of_file(text, &tree, &lexed.tokens);
    let mut page = page::Page::new(text, &lexed.tokens, &lexed.comments, spelling);
    units::file(&mut page, &tree);
    Ok(page.finish())
}
