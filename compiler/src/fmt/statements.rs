//! Structured Text on lines: one statement per line, bodies one level deeper.

use super::page::Page;
use crate::ast::{CaseArm, Stmt, StmtKind};
use crate::token::{Keyword, Symbol, TokenKind};

/// Widest arm of a CASE that stands on one line with its values.
const ARM_WIDTH: usize = 80;

/// Statements, each on lines of its own.
pub(super) fn list(page: &mut Page<'_>, statements: &[Stmt]) {
    for statement in statements {
        one(page, statement);
    }
}

/// Writes up to and with the next keyword of this kind.
fn through(page: &mut Page<'_>, keyword: Keyword) {
    let end = page.behind(TokenKind::Keyword(keyword));
    page.flow(end);
}

/// A body between its head, which is on the current line, and the next keyword.
fn body(page: &mut Page<'_>, statements: &[Stmt]) {
    page.open();
    list(page, statements);
    page.close();
}

/// Pragmas, each on its own line.
pub(super) fn pragmas(page: &mut Page<'_>) {
    while page.kind() == TokenKind::Pragma {
        page.one();
        page.end_line();
    }
}

fn one(page: &mut Page<'_>, statement: &Stmt) {
    pragmas(page);
    match &statement.kind {
        StmtKind::If { branches, otherwise } => {
            for branch in branches {
                through(page, Keyword::Then);
                body(page, &branch.body);
            }
            if let Some(otherwise) = otherwise {
                through(page, Keyword::Else);
                body(page, otherwise);
            }
        }
        StmtKind::Case { arms, otherwise, .. } => {
            through(page, Keyword::Of);
            page.open();
            arms.iter().for_each(|arm| case_arm(page, arm));
            if let Some(otherwise) = otherwise {
                through(page, Keyword::Else);
                body(page, otherwise);
            }
            page.close();
        }
        StmtKind::For(repeated) => {
            through(page, Keyword::Do);
            body(page, &repeated.body);
        }
        StmtKind::While { body: repeated, .. } => {
            through(page, Keyword::Do);
            body(page, repeated);
        }
        StmtKind::Repeat { body: repeated, .. } => {
            through(page, Keyword::Repeat);
            body(page, repeated);
            page.flow(page.before(TokenKind::Keyword(Keyword::EndRepeat)));
            page.end_line();
        }
        StmtKind::Assign { .. }
        | StmtKind::Call(_)
        | StmtKind::Exit
        | StmtKind::Continue
        | StmtKind::Return
        | StmtKind::Empty
        | StmtKind::Error => {}
    }
    page.flow(statement.span.end);
    page.end_line();
}

/// Values and statements; one short statement stays on the line of its values.
fn case_arm(page: &mut Page<'_>, arm: &CaseArm) {
    let end = arm.body.last().map_or(arm.span.end, |last| last.span.end);
    let is_short = arm.body.len() == 1
        && arm.body.iter().all(|statement| is_simple(statement) && statement.attributes.is_empty())
        && !page.has_comment_before(end)
        && page.column() + page.flat(end).chars().count() <= ARM_WIDTH;
    if is_short {
        page.flow(end);
        page.end_line();
        return;
    }
    page.flow(arm.span.end);
    body(page, &arm.body);
}

/// True for statements without statements inside.
pub(super) fn is_simple(statement: &Stmt) -> bool {
    match &statement.kind {
        StmtKind::Assign { .. }
        | StmtKind::Call(_)
        | StmtKind::Exit
        | StmtKind::Continue
        | StmtKind::Return
        | StmtKind::Empty
        | StmtKind::Error => true,
        StmtKind::If { .. }
        | StmtKind::Case { .. }
        | StmtKind::For(_)
        | StmtKind::While { .. }
        | StmtKind::Repeat { .. } => false,
    }
}

/// True if the next token is this symbol.
pub(super) fn at_symbol(page: &Page<'_>, symbol: Symbol) -> bool {
    page.kind() == TokenKind::Symbol(symbol)
}
