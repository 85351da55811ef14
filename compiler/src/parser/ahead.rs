//! The second half of a long text is read ahead by another thread.
//!
//! It begins at a statement or rung in the middle as if nothing but the body were open there, and goes on with the units
//! behind that body. Where the reader of the first half comes to exactly such a place, in a list of that kind with nothing
//! else open, it takes what is there and goes on behind it: the same tokens in the same state give the same tree. Whatever is
//! wrong with the second half is not known here: at the first finding reading ahead ends, and the reader of the first half
//! goes on by itself. So the tree, the findings and their order never depend on whether somebody read ahead.

use super::cursor::{Context, Cursor};
use super::{ladder, stmt, unit};
use crate::ast::{Item, Rung, Stmt};
use crate::diag::Diagnostic;
use crate::source::FileId;
use crate::threads;
use crate::token::{Keyword, Symbol, Token, TokenKind};
use std::cell::{Cell, RefCell};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// Tokens that pay for a thread: some milliseconds of work.
const TOKENS_MIN: usize = 16_000;

/// Everything in a file and what is wrong with it.
pub(super) fn parse(file: FileId, text: &str, tokens: &[Token]) -> (Vec<Item>, Vec<Diagnostic>) {
    if tokens.len() < TOKENS_MIN || !threads::help() {
        return alone(Context::new(file, text, tokens));
    }
    with_help(file, text, tokens)
}

fn alone(context: Context<'_>) -> (Vec<Item>, Vec<Diagnostic>) {
    let items = unit::items(Cursor::new(&context));
    (items, context.findings.into_inner())
}

fn with_help(file: FileId, text: &str, tokens: &[Token]) -> (Vec<Item>, Vec<Diagnostic>) {
    let mut context = Context::new(file, text, tokens);
    let Some(begin) = middle(tokens) else { return alone(context) };
    // A body and the units behind it: nobody has to wait until they are taken.
    let (sender, receiver) = sync_channel(2);
    thread::scope(|scope| {
        let helper = move || read(&Context::ahead(file, text, tokens), begin, &sender);
        if thread::Builder::new().name("parser".to_owned()).spawn_scoped(scope, helper).is_ok() {
            context.ahead = Ahead { at: Cell::new(begin.at), pieces: RefCell::new(Some(receiver)) };
        }
        alone(context)
    })
}

/// Where reading ahead begins.
#[derive(Clone, Copy)]
struct Begin {
    at: usize,
    /// With a rung, or else with a statement of a body.
    in_ladder: bool,
}

/// The first statement of a body or rung in the second half of the tokens that stands in nothing else, with its pragmas.
fn middle(tokens: &[Token]) -> Option<Begin> {
    use Keyword::{Case, EndCase, EndFor, EndIf, EndRepeat, EndVar, EndWhile, For, If, Ladder, Repeat, Rung, While};
    let half = tokens.len() / 2;
    let (mut depth, mut in_body, mut in_ladder) = (0_usize, false, false);
    for (index, token) in tokens.iter().enumerate() {
        let TokenKind::Keyword(keyword) = token.kind else {
            let ends = token.kind == TokenKind::Symbol(Symbol::Semicolon) && index >= half;
            if ends && in_body && depth == 0 {
                return Some(Begin { at: index + 1, in_ladder: false });
            }
            continue;
        };
        if keyword == Rung && index >= half && in_ladder {
            return Some(Begin { at: with_pragmas(tokens, index), in_ladder: true });
        }
        if matches!(keyword, If | Case | For | While | Repeat) {
            depth += 1;
        } else if matches!(keyword, EndIf | EndCase | EndFor | EndWhile | EndRepeat) {
            depth = depth.saturating_sub(1);
        } else if stmt::is_boundary(keyword) && keyword != Rung {
            // A body stands behind the last section of a unit; in a ladder, semicolons end rungs.
            (depth, in_body, in_ladder) = (0, keyword == EndVar, keyword == Ladder);
        }
    }
    None
}

/// The first of the pragmas before a token.
fn with_pragmas(tokens: &[Token], at: usize) -> usize {
    let before = tokens.iter().take(at).rev();
    at - before.take_while(|token| token.kind == TokenKind::Pragma).count()
}

/// What was read ahead, up to the token `end`.
struct Piece {
    nodes: Nodes,
    end: usize,
    /// Where the next piece begins.
    next: usize,
}

enum Nodes {
    Statements(Vec<Stmt>),
    Rungs(Vec<Rung>),
    Items(Vec<Item>),
}

/// No token has this number.
const NOWHERE: usize = usize::MAX;

/// Reads the rest of a body and the units behind it.
fn read(context: &Context<'_>, begin: Begin, pieces: &SyncSender<Piece>) {
    let start = Cursor::new(context).at_index(begin.at);
    let (i, nodes) = if begin.in_ladder {
        let (i, rungs) = ladder::rungs(start);
        (i, Nodes::Rungs(rungs))
    } else {
        let (i, statements) = stmt::statements(start);
        (i, Nodes::Statements(statements))
    };
    let units = next_unit(context.tokens, i.index());
    if !send(context, pieces, Piece { nodes, end: i.index(), next: units }) || units == NOWHERE {
        return;
    }
    let items = unit::items(i.at_index(units));
    send(context, pieces, Piece { nodes: Nodes::Items(items), end: context.tokens.len(), next: NOWHERE });
}

/// Hands over what is beyond doubt. False where reading ahead is over.
fn send(context: &Context<'_>, pieces: &SyncSender<Piece>, piece: Piece) -> bool {
    context.findings.borrow().is_empty() && pieces.send(piece).is_ok()
}

/// Where the first unit behind a place begins, with its pragmas.
fn next_unit(tokens: &[Token], from: usize) -> usize {
    let behind = tokens.get(from..).unwrap_or(&[]);
    let unit = behind.iter().position(|token| unit::begins_unit(token.kind));
    unit.map_or(NOWHERE, |at| with_pragmas(tokens, from + at))
}

/// The place where what another thread reads can be taken, and the way it comes. By default there is none.
pub(super) struct Ahead {
    at: Cell<usize>,
    pieces: RefCell<Option<Receiver<Piece>>>,
}

impl Default for Ahead {
    fn default() -> Self {
        Self { at: Cell::new(NOWHERE), pieces: RefCell::new(None) }
    }
}

/// Statements that were read from here on.
pub(super) fn statements(i: Cursor<'_>) -> Option<(Cursor<'_>, Vec<Stmt>)> {
    take(i, |nodes| if let Nodes::Statements(statements) = nodes { Some(statements) } else { None })
}

/// Rungs that were read from here on.
pub(super) fn rungs(i: Cursor<'_>) -> Option<(Cursor<'_>, Vec<Rung>)> {
    take(i, |nodes| if let Nodes::Rungs(rungs) = nodes { Some(rungs) } else { None })
}

/// Units that were read from here on.
pub(super) fn items(i: Cursor<'_>) -> Option<(Cursor<'_>, Vec<Item>)> {
    take(i, |nodes| if let Nodes::Items(items) = nodes { Some(items) } else { None })
}

fn take<T>(i: Cursor<'_>, of_kind: impl Fn(Nodes) -> Option<Vec<T>>) -> Option<(Cursor<'_>, Vec<T>)> {
    let ahead = &i.context.ahead;
    if i.index() != ahead.at.get() || !i.context.is_at_top() {
        return None;
    }
    let piece = ahead.pieces.borrow().as_ref()?.recv().ok();
    ahead.at.set(NOWHERE);
    let piece = piece?;
    let nodes = of_kind(piece.nodes)?;
    ahead.at.set(piece.next);
    Some((i.at_index(piece.end), nodes))
}

#[cfg(test)]
mod tests;
