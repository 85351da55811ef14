//! Ladders on lines: a short rung on one, a longer one below its head, broken at its branches.

use super::page::Page;
use super::statements::{at_symbol, is_simple, list, pragmas};
use super::{RUNG_WIDTH, WIDTH};
use crate::ast::{Element, ElementKind, Ladder, Rung, Series, Stmt};
use crate::token::{Keyword, Symbol, TokenKind};

/// From `LADDER` to `END_LADDER`; rungs do not stand deeper.
pub(super) fn ladder(page: &mut Page<'_>, ladder: &Ladder) {
    page.one();
    page.end_line();
    for rung in &ladder.rungs {
        self::rung(page, rung);
    }
    page.lead();
    page.one();
    page.end_line();
}

fn rung(page: &mut Page<'_>, rung: &Rung) {
    pragmas(page);
    let end = rung.span.end;
    page.lead();
    // A titled rung stands under its title, so that the titles can be read down the page.
    let is_short = rung.title.is_none()
        && !page.has_comment_before(end)
        && !holds_statements(&rung.series)
        && page.column() + page.flat(end).chars().count() <= RUNG_WIDTH;
    if is_short {
        page.flow_whole(end);
        page.end_line();
        return;
    }
    let head = page.behind(TokenKind::Symbol(Symbol::Colon));
    page.flow(head);
    page.open();
    series(page, &rung.series);
    page.flow(end);
    page.end_line();
    // Not `close`: a comment behind the rung belongs to the next one.
    page.indent -= 1;
}

/// True if statements that do not fit into a line stand anywhere in it.
fn holds_statements(series: &Series) -> bool {
    series.elements.iter().any(|element| match &element.kind {
        ElementKind::Statements(statements) => !is_short_body(statements),
        ElementKind::Branch(legs) => legs.iter().any(holds_statements),
        ElementKind::Contact { .. }
        | ElementKind::Compare { .. }
        | ElementKind::Condition(_)
        | ElementKind::Invert
        | ElementKind::Wire
        | ElementKind::Coil { .. }
        | ElementKind::Jump(_)
        | ElementKind::Return
        | ElementKind::Call(_) => false,
    })
}

/// True for the statements of an ST element that stand on one line: one plain statement.
fn is_short_body(statements: &[Stmt]) -> bool {
    statements.len() <= 1 && statements.iter().all(is_simple)
}

/// Elements one behind the other, in as many lines as they need.
fn series(page: &mut Page<'_>, series: &Series) {
    for element in &series.elements {
        self::element(page, element);
    }
}

fn element(page: &mut Page<'_>, element: &Element) {
    let end = element.span.end;
    let flat = page.flat(end).chars().count();
    let plain = !page.has_comment_before(end);
    // One character for the comma or semicolon behind it.
    let fits = |page: &Page<'_>| page.column() + 1 + flat < WIDTH;
    match &element.kind {
        ElementKind::Branch(legs) if !plain || holds_branch_statements(legs) || page.indent * 2 + flat >= WIDTH => {
            branch(page, legs);
        }
        ElementKind::Statements(statements) if !plain || !is_short_body(statements) || !fits(page) => {
            page.new_line();
            page.one();
            page.open();
            list(page, statements);
            page.close();
            page.lead();
            page.flow(end);
        }
        ElementKind::Branch(_)
        | ElementKind::Statements(_)
        | ElementKind::Contact { .. }
        | ElementKind::Compare { .. }
        | ElementKind::Condition(_)
        | ElementKind::Invert
        | ElementKind::Wire
        | ElementKind::Coil { .. }
        | ElementKind::Jump(_)
        | ElementKind::Return
        | ElementKind::Call(_) => {
            if !page.at_line_start() && !fits(page) {
                page.new_line();
            }
            if plain && fits(page) {
                page.flow_whole(end);
            } else {
                page.flow(end);
            }
        }
    }
}

fn holds_branch_statements(legs: &[Series]) -> bool {
    legs.iter().any(holds_statements)
}

/// A branch over several lines: each leg on its own.
fn branch(page: &mut Page<'_>, legs: &[Series]) {
    if !page.at_line_start() {
        page.new_line();
    }
    page.one();
    page.open();
    for leg in legs {
        series(page, leg);
        if at_symbol(page, Symbol::Comma) {
            page.one();
            page.end_line();
        }
    }
    page.end_line();
    page.close();
    page.one();
}

/// True at the end of a ladder.
pub(super) fn at_ladder(page: &Page<'_>) -> bool {
    page.kind() == TokenKind::Keyword(Keyword::Ladder)
}
