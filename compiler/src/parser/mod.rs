//! Tokens to the syntax tree.
//!
//! Owns the grammar of docs/language.md. Reading never fails as a whole: every mistake is one diagnostic, and what is
//! around it is still read. No name is resolved and no type is checked here.
//!
//! One file per part of the grammar: `unit` (file, units, configurations), `decl` (variables, types), `stmt` and `expr`
//! (Structured Text), `ladder`; `cursor` is the ground they stand on, `foreign` recognises files of other tools.

mod ahead;
mod cursor;
mod decl;
mod expr;
mod foreign;
mod ladder;
mod spelling;
mod stmt;
mod unit;

use std::fmt;

pub(crate) use ladder::SYNONYMS;
pub use ladder::{closest_element, element_words, is_element_word};

use crate::ast;
use crate::diag::{Diagnostic, Style, render_all};
use crate::lexer::lex;
use crate::source::{FileId, SourceMap};
use crate::token::{Lexed, TokenKind};
use cursor::{Context, Cursor};

/// Reads a whole file.
///
/// The tree holds everything that could be read. The diagnostics are in the order of the text; an unknown `file` gives an
/// empty tree.
#[must_use]
pub fn parse(map: &SourceMap, file: FileId) -> (ast::File, Vec<Diagnostic>) {
    let text = map.get(file).map_or("", |source| source.text());
    if let Some(finding) = foreign::recognise(file, text) {
        return (ast::File { file, items: Vec::new(), comments: Vec::new() }, vec![finding]);
    }
    parse_tokens(file, text, lex(file, text))
}

/// Reads the tokens of a file.
pub(crate) fn parse_tokens(file: FileId, text: &str, lexed: Lexed) -> (ast::File, Vec<Diagnostic>) {
    let mut lexed = lexed;
    spelling::mend(file, text, &mut lexed);
    let (items, findings) = ahead::parse(file, text, &lexed.tokens);
    let mut diagnostics = lexed.diagnostics;
    diagnostics.extend(findings);
    diagnostics.sort_by_key(|finding| finding.primary.span.start);
    (ast::File { file, items, comments: lexed.comments }, diagnostics)
}

/// The diagnostics of an expression together with its text, so that they can be shown without a source map.
#[derive(Clone, Debug)]
pub struct ExpressionError {
    /// The one text, as file 0.
    pub source: SourceMap,
    /// What is wrong; at least one.
    pub diagnostics: Vec<Diagnostic>,
}

impl fmt::Display for ExpressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(render_all(&self.source, &self.diagnostics, Style::Plain).trim_end())
    }
}

impl std::error::Error for ExpressionError {}

/// Reads a lone expression, for example a condition of a timeline test: `fwd.contact = closed AND NOT rev`.
///
/// Spans refer to file 0 with `text` as its whole text.
///
/// # Errors
/// What is wrong with the text; also where something stands behind the expression.
pub fn parse_expression(text: &str) -> Result<ast::Expr, ExpressionError> {
    let mut source = SourceMap::new();
    let file = source.add("expression", text);
    let lexed = lex(file, text);
    let context = Context::new(file, text, &lexed.tokens);
    let start = Cursor::new(&context);
    let read = expr::expression(start).and_then(|(i, expression)| {
        if i.kind() == TokenKind::End {
            Ok((i, expression))
        } else {
            i.expected("an operator or the end of the expression")
        }
    });
    let expression = read.map(|(_, expression)| expression).map_err(|error| start.record(error)).ok();
    let mut diagnostics = lexed.diagnostics;
    diagnostics.extend(context.findings.into_inner());
    match expression {
        Some(expression) if diagnostics.is_empty() => Ok(expression),
        Some(_) | None => Err(ExpressionError { source, diagnostics }),
    }
}
