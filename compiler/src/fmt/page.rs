//! Tokens and comments on lines.
//!
//! The page takes tokens strictly in their order and writes, before each, the comments that stand before it; so none can be
//! lost or change places. A comment keeps its relation to the lines: alone on its line, behind something on its line, or
//! within a line. Lines of declarations are kept in cells until the end and then aligned.

use std::collections::HashSet;

use super::WIDTH;
use super::spelling::Spelling;
use crate::ast::Comment;
use crate::token::{Keyword, Symbol, Token, TokenKind};

/// One finished line.
struct Line {
    indent: usize,
    /// Columns that are aligned with those of the neighbouring lines; empty in an ordinary line.
    cells: Vec<String>,
    /// An ordinary line's text.
    text: String,
    /// Comments behind it.
    trailing: String,
}

/// A page that is being written.
pub(super) struct Page<'a> {
    text: &'a str,
    tokens: &'a [Token],
    comments: &'a [Comment],
    spelling: Spelling,
    /// The next token and the next comment to write.
    token: usize,
    comment: usize,
    /// End of the last token or comment written, in the source.
    written: usize,
    /// The token last written on the current line.
    before: Option<usize>,
    lines: Vec<Line>,
    /// The line that is being written, without indentation.
    current: String,
    /// Levels of the current line.
    pub(super) indent: usize,
    /// Extra levels once the current construct goes on in another line.
    continued: bool,
    /// No empty line here: a block has just been opened.
    fresh: bool,
    /// The line is not broken where it gets long.
    whole: bool,
    /// No blank before a colon: labels of rungs and values of cases, not declarations.
    pub(super) tight_colon: bool,
    /// The closing brackets of indices; the others close branches and initial values.
    index_ends: HashSet<usize>,
}

impl<'a> Page<'a> {
    pub(super) fn new(text: &'a str, tokens: &'a [Token], comments: &'a [Comment], spelling: Spelling) -> Self {
        Self {
            text,
            tokens,
            comments,
            spelling,
            token: 0,
            comment: 0,
            written: 0,
            before: None,
            lines: Vec::new(),
            current: String::new(),
            indent: 0,
            continued: false,
            fresh: true,
            whole: false,
            tight_colon: false,
            index_ends: index_ends(tokens),
        }
    }

    /// The kind of the next token.
    pub(super) fn kind(&self) -> TokenKind {
        self.tokens.get(self.token).map_or(TokenKind::End, |token| token.kind)
    }

    /// Offset of the next token.
    pub(super) fn offset(&self) -> u32 {
        self.tokens.get(self.token).map_or(u32::MAX, |token| token.start)
    }

    /// Offset behind the next token of this kind.
    pub(super) fn behind(&self, kind: TokenKind) -> u32 {
        self.tokens
            .get(self.token..)
            .unwrap_or(&[])
            .iter()
            .find(|token| token.kind == kind)
            .map_or(self.offset(), |token| token.end)
    }

    /// Offset of the next token of this kind.
    pub(super) fn before(&self, kind: TokenKind) -> u32 {
        let rest = self.tokens.get(self.token..).unwrap_or(&[]);
        rest.iter().find(|token| token.kind == kind).map_or(self.offset(), |token| token.start)
    }

    /// Writes all tokens that begin before `end` on the current line, going on in the next where it gets too long.
    pub(super) fn flow(&mut self, end: u32) {
        while self.offset() < end && self.kind() != TokenKind::End {
            self.one();
        }
    }

    /// Writes all tokens that begin before `end` without going on in another line.
    pub(super) fn flow_whole(&mut self, end: u32) {
        self.whole = true;
        self.flow(end);
        self.whole = false;
    }

    /// Writes one token.
    pub(super) fn one(&mut self) {
        let Some(token) = self.tokens.get(self.token).copied() else { return };
        if token.kind == TokenKind::End {
            return;
        }
        self.comments_before(token.start as usize);
        if self.current.is_empty() {
            self.empty_line(token.start as usize);
        }
        let word = self.word(self.token);
        let gap = match self.before {
            _ if self.current.is_empty() => "",
            // Behind a comment at the start of the line.
            None => " ",
            before => self.gap(before, self.token),
        };
        let breaks = !self.whole && !gap.is_empty() && self.may_break(self.token);
        if breaks && self.column() + gap.len() + self.group_width(self.token) > WIDTH {
            self.break_line();
        } else {
            self.current.push_str(gap);
        }
        self.current.push_str(&word);
        self.before = Some(self.token);
        self.token += 1;
        self.written = token.end as usize;
        self.fresh = false;
    }

    /// Ends the current line, with the comments that stand behind it on its line in the source.
    pub(super) fn end_line(&mut self) {
        self.end_line_in_cells(Vec::new());
    }

    fn end_line_in_cells(&mut self, cells: Vec<String>) {
        let mut trailing = String::new();
        while let Some(comment) = self.comments.get(self.comment).copied() {
            let (start, end) = (comment.span.start as usize, comment.span.end as usize);
            if start > self.offset() as usize || self.newlines(self.written, start) > 0 {
                break;
            }
            trailing.push_str(if trailing.is_empty() { "  " } else { " " });
            trailing.push_str(&self.comment_text(comment));
            self.comment += 1;
            self.written = end;
            if comment.to_line_end {
                break;
            }
        }
        let text = std::mem::take(&mut self.current);
        let indent = self.levels();
        if !(text.is_empty() && cells.is_empty() && trailing.is_empty()) {
            let trailing =
                if text.is_empty() && cells.is_empty() { trailing.trim_start().to_owned() } else { trailing };
            self.lines.push(Line { indent, cells, text, trailing });
        }
        self.before = None;
        self.continued = false;
    }

    /// Writes the tokens before `end` as one line in cells: a new cell begins at each offset of `starts`.
    pub(super) fn aligned(&mut self, starts: &[u32], end: u32) {
        self.lead();
        let mut cells: Vec<String> = vec![String::new()];
        let mut starts = starts.iter().copied().peekable();
        let mut before = None;
        while self.offset() < end && self.kind() != TokenKind::End {
            while starts.next_if(|start| *start <= self.offset()).is_some() {
                cells.push(String::new());
                before = None;
            }
            let gap = before.map_or("", |_| self.gap(before, self.token));
            let word = self.word(self.token);
            if let Some(cell) = cells.last_mut() {
                cell.push_str(gap);
                cell.push_str(&word);
            }
            before = Some(self.token);
            self.written = self.tokens.get(self.token).map_or(self.written, |token| token.end as usize);
            self.token += 1;
        }
        self.fresh = false;
        self.end_line_in_cells(cells);
    }

    /// Writes the comments before the next token, and an empty line where there was one.
    pub(super) fn lead(&mut self) {
        let start = self.offset().min(u32::try_from(self.text.len()).unwrap_or(u32::MAX)) as usize;
        self.comments_before(start);
        if self.current.is_empty() {
            self.empty_line(start);
        }
    }

    /// Opens a block behind the current line.
    pub(super) fn open(&mut self) {
        self.end_line();
        self.indent += 1;
        self.fresh = true;
    }

    /// Closes a block: comments at its end stay inside.
    pub(super) fn close(&mut self) {
        let start = self.offset() as usize;
        if self.comments.get(self.comment).is_some_and(|comment| (comment.span.start as usize) < start) {
            self.comments_before(start);
            self.end_line();
        }
        self.indent = self.indent.saturating_sub(1);
        self.fresh = true;
    }

    /// Makes sure that an empty line stands before what comes next.
    pub(super) fn separate(&mut self) {
        if self.lines.last().is_some_and(|line| !line.is_empty()) {
            self.lines.push(Line::empty());
        }
        self.fresh = true;
    }

    /// The tokens before `end` on one line, without comments.
    pub(super) fn flat(&self, end: u32) -> String {
        let mut result = String::new();
        let mut before = None;
        for (index, token) in self.tokens.iter().enumerate().skip(self.token) {
            if token.start >= end || token.kind == TokenKind::End {
                break;
            }
            if before.is_some() {
                result.push_str(self.gap(before, index));
            }
            result.push_str(&self.word(index));
            before = Some(index);
            if result.len() > 4 * WIDTH {
                break;
            }
        }
        result
    }

    /// True if a comment stands between the next token and `end`.
    pub(super) fn has_comment_before(&self, end: u32) -> bool {
        let from = self.comments.partition_point(|comment| comment.span.start < self.offset());
        self.comments.get(from).is_some_and(|comment| comment.span.start < end)
    }

    /// True while nothing stands on the current line.
    pub(super) fn at_line_start(&self) -> bool {
        self.current.is_empty()
    }

    /// Column behind the current text.
    pub(super) fn column(&self) -> usize {
        self.levels() * 2 + self.current.chars().count()
    }

    /// Goes on in a new line of the same construct.
    pub(super) fn break_line(&mut self) {
        let indent = self.levels();
        let text = std::mem::take(&mut self.current);
        if !text.trim().is_empty() {
            self.lines.push(Line {
                indent,
                cells: Vec::new(),
                text: text.trim_end().to_owned(),
                trailing: String::new(),
            });
        }
        self.before = None;
        self.continued = true;
    }

    /// Goes on in a new line that does not stand deeper.
    pub(super) fn new_line(&mut self) {
        self.break_line();
        self.continued = false;
    }

    fn levels(&self) -> usize {
        self.indent + usize::from(self.continued) * 2
    }

    /// The finished text; whatever is left is written first.
    pub(super) fn finish(mut self) -> String {
        self.flow(u32::MAX);
        self.end_line();
        self.indent = 0;
        self.comments_before(self.text.len() + 1);
        self.end_line();
        align(&mut self.lines);
        let mut text = String::new();
        for line in &self.lines {
            let body = if line.cells.is_empty() { line.text.clone() } else { line.cells.concat() };
            if line.is_empty() {
                text.push('\n');
                continue;
            }
            text.push_str(&"  ".repeat(line.indent));
            text.push_str(format!("{body}{}", line.trailing).trim_end());
            text.push('\n');
        }
        let kept = text.trim_end_matches('\n').len();
        text.truncate(kept);
        if !text.is_empty() {
            text.push('\n');
        }
        text
    }

    // --- comments -----------------------------------------------------------------------------------------------------

    /// Writes the comments that begin before `start`.
    fn comments_before(&mut self, start: usize) {
        while let Some(comment) =
            self.comments.get(self.comment).copied().filter(|comment| (comment.span.start as usize) < start)
        {
            let (from, to) = (comment.span.start as usize, comment.span.end as usize);
            let alone = self.newlines(self.written, from) > 0 || self.written == 0;
            if alone && !self.current.is_empty() {
                self.break_line();
            }
            if self.current.is_empty() {
                self.empty_line(from);
            } else {
                self.current.push(' ');
            }
            let text = self.comment_text(comment);
            self.current.push_str(&text);
            self.comment += 1;
            self.written = to;
            self.fresh = false;
            let next = self.comments.get(self.comment).map_or(usize::MAX, |next| next.span.start as usize);
            let next = next.min(self.offset() as usize).min(self.text.len());
            if comment.to_line_end || self.newlines(to, next) > 0 {
                let (continued, between) = (self.continued, self.before.is_some());
                self.break_line();
                self.continued = continued || between;
            }
        }
    }

    /// The comment without carriage returns and without blanks at its lines' ends.
    fn comment_text(&self, comment: Comment) -> String {
        let text = self.text.get(comment.span.start as usize..comment.span.end as usize).unwrap_or("");
        text.split('\n').map(str::trim_end).collect::<Vec<_>>().join("\n")
    }

    /// Keeps one empty line before what begins at `start`.
    fn empty_line(&mut self, start: usize) {
        let wanted = self.newlines(self.written, start) > 1 && !self.fresh && !self.continued;
        if wanted && self.lines.last().is_some_and(|line| !line.is_empty()) {
            self.lines.push(Line::empty());
        }
    }

    fn newlines(&self, from: usize, to: usize) -> usize {
        self.text.get(from..to).unwrap_or("").matches('\n').count()
    }

    // --- words and gaps -----------------------------------------------------------------------------------------------

    /// The canonical text of a token.
    fn word(&self, index: usize) -> String {
        let Some(token) = self.tokens.get(index) else { return String::new() };
        if let Some(text) = self.spelling.get(&token.start) {
            return text.clone();
        }
        let text = self.text.get(token.start as usize..token.end as usize).unwrap_or("");
        // A pragma may span lines.
        if token.kind == TokenKind::Pragma {
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        } else {
            text.to_owned()
        }
    }

    fn kind_at(&self, index: Option<usize>) -> Option<TokenKind> {
        index.and_then(|index| self.tokens.get(index)).map(|token| token.kind)
    }

    /// The blank between two neighbouring tokens, or nothing.
    fn gap(&self, before: Option<usize>, index: usize) -> &'static str {
        use Symbol::{
            BracketClose, BracketOpen, Caret, Comma, Dot, DotDot, Minus, ParenClose, ParenOpen, Plus, Semicolon,
        };
        let (Some(left), Some(right)) = (self.kind_at(before), self.kind_at(Some(index))) else { return "" };
        let none = match (left, right) {
            (TokenKind::Symbol(Symbol::Colon), TokenKind::Symbol(Semicolon)) => false,
            // `%IX0.0..` would read as one address.
            (TokenKind::Address, TokenKind::Symbol(DotDot)) => false,
            (_, TokenKind::Symbol(Comma | Semicolon | ParenClose | BracketClose | Dot | Caret | DotDot)) => true,
            (TokenKind::Symbol(ParenOpen | BracketOpen | Dot | DotDot), _) => true,
            (_, TokenKind::Symbol(Symbol::Colon)) => self.tight_colon,
            (TokenKind::Symbol(Minus | Plus), _) => self.is_sign(before),
            (
                TokenKind::Name | TokenKind::Literal | TokenKind::Symbol(Caret | BracketClose),
                TokenKind::Symbol(ParenOpen),
            ) => true,
            (TokenKind::Keyword(Keyword::Return), TokenKind::Symbol(ParenOpen)) => true,
            (TokenKind::Name | TokenKind::Symbol(Caret), TokenKind::Symbol(BracketOpen)) => true,
            (TokenKind::Symbol(BracketClose), TokenKind::Symbol(BracketOpen)) => {
                before.is_some_and(|before| self.index_ends.contains(&before))
            }
            _ => false,
        };
        if none { "" } else { " " }
    }

    /// True for a sign: what stands before it is no operand.
    fn is_sign(&self, index: Option<usize>) -> bool {
        match self.kind_at(index.and_then(|index| index.checked_sub(1))) {
            Some(TokenKind::Symbol(symbol)) => {
                !matches!(symbol, Symbol::ParenClose | Symbol::BracketClose | Symbol::Caret)
            }
            Some(TokenKind::Keyword(keyword)) => !matches!(keyword, Keyword::True | Keyword::False),
            Some(TokenKind::Name | TokenKind::Literal | TokenKind::Text | TokenKind::WideText | TokenKind::Address) => {
                false
            }
            Some(TokenKind::Pragma | TokenKind::Bad | TokenKind::End) | None => true,
        }
    }

    /// True if a long line may go on in the next before this token: behind a comma, before a logical operator or pragma.
    fn may_break(&self, index: usize) -> bool {
        let after_comma = self.kind_at(index.checked_sub(1)) == Some(TokenKind::Symbol(Symbol::Comma));
        let logical = matches!(
            self.kind_at(Some(index)),
            Some(
                TokenKind::Keyword(Keyword::And | Keyword::Or | Keyword::Xor | Keyword::AndThen | Keyword::OrElse)
                    | TokenKind::Symbol(Symbol::Ampersand | Symbol::Plus | Symbol::Minus)
            )
        ) && !self.is_sign(Some(index));
        after_comma || logical
    }

    /// Width from this token to the next place where the line may break.
    fn group_width(&self, index: usize) -> usize {
        let mut width = self.word(index).chars().count();
        let mut at = index + 1;
        while self.kind_at(Some(at)).is_some_and(|kind| kind != TokenKind::End) && width <= WIDTH {
            let gap = self.gap(Some(at - 1), at);
            if !gap.is_empty() && self.may_break(at) {
                break;
            }
            width += gap.len() + self.word(at).chars().count();
            if self.kind_at(Some(at)) == Some(TokenKind::Symbol(Symbol::Semicolon)) {
                break;
            }
            at += 1;
        }
        width
    }
}

/// The places of the closing brackets of indices.
fn index_ends(tokens: &[Token]) -> HashSet<usize> {
    let mut ends = HashSet::new();
    let mut open = Vec::new();
    let mut before = None;
    for (at, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenKind::Symbol(Symbol::BracketOpen) => {
                let touches_index = at.checked_sub(1).is_some_and(|at| ends.contains(&at));
                open.push(touches_index || matches!(before, Some(TokenKind::Name | TokenKind::Symbol(Symbol::Caret))));
            }
            TokenKind::Symbol(Symbol::BracketClose) => {
                if open.pop() == Some(true) {
                    ends.insert(at);
                }
            }
            TokenKind::Symbol(_)
            | TokenKind::Name
            | TokenKind::Keyword(_)
            | TokenKind::Literal
            | TokenKind::Text
            | TokenKind::WideText
            | TokenKind::Address
            | TokenKind::Pragma
            | TokenKind::Bad
            | TokenKind::End => {}
        }
        before = Some(token.kind);
    }
    ends
}

impl Line {
    fn empty() -> Self {
        Self { indent: 0, cells: Vec::new(), text: String::new(), trailing: String::new() }
    }

    fn is_empty(&self) -> bool {
        self.cells.is_empty() && self.text.is_empty() && self.trailing.is_empty()
    }
}

/// Cells wider than this do not push those of their neighbours.
const CELL_WIDTH: usize = 32;

/// Gives the cells of neighbouring lines one width, and their comments one column.
fn align(lines: &mut [Line]) {
    let mut rest = lines;
    while !rest.is_empty() {
        let length = rest.iter().take_while(|line| !line.cells.is_empty()).count().max(1);
        let (group, after) = rest.split_at_mut(length);
        align_group(group);
        rest = after;
    }
}

fn align_group(group: &mut [Line]) {
    let columns = group.iter().map(|line| line.cells.len()).max().unwrap_or(0);
    for column in 0..columns.saturating_sub(1) {
        let width = |line: &Line| line.cells.get(column).map_or(0, |cell| cell.chars().count());
        let widest = group.iter().map(width).filter(|width| *width <= CELL_WIDTH).max().unwrap_or(0);
        for cell in group.iter_mut().filter_map(|line| line.cells.get_mut(column)) {
            let missing = widest.saturating_sub(cell.chars().count());
            // An empty column in all lines takes no room, and one blank separates it from the next.
            cell.push_str(&" ".repeat(missing + usize::from(widest > 0)));
        }
    }
    let width = |line: &Line| line.cells.concat().chars().count();
    let commented = |line: &&Line| !line.trailing.is_empty();
    let widest = group.iter().filter(commented).map(width).filter(|width| *width <= 2 * CELL_WIDTH).max().unwrap_or(0);
    for line in group.iter_mut().filter(|line| !line.trailing.is_empty() && !line.cells.is_empty()) {
        let missing = widest.saturating_sub(width(line));
        line.trailing.insert_str(0, &" ".repeat(missing));
    }
}
