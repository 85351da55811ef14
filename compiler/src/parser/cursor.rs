//! What every parser of the grammar stands on: the token slice as nom input, the error, and the record of findings.
//!
//! Rules of the game:
//! - A parser is a function `Cursor -> Res<T>`. Which alternative applies is decided by looking at one or two tokens; behind
//!   the deciding token an error is final ([`nom::Err::Failure`], by `cut`), so that one mistake gives one message.
//! - An error carries the place where reading stopped. Lists (statements, declarations, rungs) catch it, record it,
//!   look for the next `;` or closing keyword and go on.
//! - A token that the lexer has already complained about stops a parser silently.
//! - Recording is a side effect; it is safe because nothing is tried again behind a deciding token.

use std::cell::{Cell, RefCell};

use thin_vec::ThinVec;

use nom::error::{ErrorKind, ParseError};
use nom::{IResult, Input, Needed};

use super::ahead::Ahead;
use crate::ast::{Attribute, Ident};
use crate::diag::{Code, Diagnostic};
use crate::limits::{DIAGNOSTICS_MAX, NESTING_MAX};
use crate::source::{FileId, Span};
use crate::token::{Keyword, Symbol, Token, TokenKind};

/// The result of a parser.
pub(super) type Res<'a, T> = IResult<Cursor<'a>, T, Stop>;

/// A construct that a closing keyword ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opener {
    If,
    Case,
    For,
    While,
    Repeat,
    StBlock,
}

impl Opener {
    /// True if the keyword ends a list of statements inside this construct.
    pub(super) fn accepts(self, keyword: Keyword) -> bool {
        match self {
            Self::If => matches!(keyword, Keyword::EndIf | Keyword::Else | Keyword::Elsif),
            Self::Case => matches!(keyword, Keyword::EndCase | Keyword::Else),
            Self::For => keyword == Keyword::EndFor,
            Self::While => keyword == Keyword::EndWhile,
            Self::Repeat => matches!(keyword, Keyword::Until | Keyword::EndRepeat),
            Self::StBlock => keyword == Keyword::EndSt,
        }
    }
}

/// What all parsers of one text share.
pub(super) struct Context<'a> {
    pub(super) file: FileId,
    pub(super) text: &'a str,
    /// All tokens, to find the one before a place.
    pub(super) tokens: &'a [Token],
    pub(super) findings: RefCell<Vec<Diagnostic>>,
    /// More of them end reading.
    findings_max: usize,
    /// Set when reading cannot go on: nesting too deep, too many mistakes.
    pub(super) fatal: Cell<bool>,
    depth: Cell<u32>,
    /// The constructs around the current place, innermost last.
    pub(super) open: RefCell<Vec<Opener>>,
    /// What another thread reads meanwhile.
    pub(super) ahead: Ahead,
}

impl<'a> Context<'a> {
    pub(super) fn new(file: FileId, text: &'a str, tokens: &'a [Token]) -> Self {
        Self {
            file,
            text,
            tokens,
            findings: RefCell::new(Vec::new()),
            findings_max: DIAGNOSTICS_MAX,
            fatal: Cell::new(false),
            depth: Cell::new(0),
            open: RefCell::new(Vec::new()),
            ahead: Ahead::default(),
        }
    }

    /// For reading ahead: the first finding ends it.
    pub(super) fn ahead(file: FileId, text: &'a str, tokens: &'a [Token]) -> Self {
        Self { findings_max: 0, ..Self::new(file, text, tokens) }
    }

    /// True where nothing is open but the list of a body or the file.
    pub(super) fn is_at_top(&self) -> bool {
        self.depth.get() == 0 && self.open.borrow().is_empty()
    }

    /// Records a finding.
    pub(super) fn report(&self, finding: Diagnostic) {
        if self.fatal.get() {
            return;
        }
        let mut findings = self.findings.borrow_mut();
        if findings.len() >= self.findings_max {
            self.fatal.set(true);
            let message = format!("more than {DIAGNOSTICS_MAX} mistakes in this file; the rest is not reported");
            findings.push(Diagnostic::new(Code::TooManyMistakes, finding.primary.span, message));
            return;
        }
        findings.push(finding);
    }

    pub(super) fn slice(&self, token: Token) -> &'a str {
        self.text.get(token.start as usize..token.end as usize).unwrap_or("")
    }

    pub(super) fn span(&self, token: Token) -> Span {
        Span::new(self.file, token.start, token.end)
    }
}

/// The tokens that are still to be read.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    rest: &'a [Token],
    pub(super) context: &'a Context<'a>,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(context: &'a Context<'a>) -> Self {
        Self { rest: context.tokens, context }
    }

    /// The next token; [`TokenKind::End`] for ever at the end.
    pub(super) fn peek(&self) -> Token {
        self.peek_at(0)
    }

    /// The token `ahead` places on.
    pub(super) fn peek_at(&self, ahead: usize) -> Token {
        let end = u32::try_from(self.context.text.len()).unwrap_or(u32::MAX);
        self.rest.get(ahead).copied().unwrap_or(Token { kind: TokenKind::End, start: end, end })
    }

    pub(super) fn kind(&self) -> TokenKind {
        self.peek().kind
    }

    pub(super) fn is_symbol(&self, symbol: Symbol) -> bool {
        self.kind() == TokenKind::Symbol(symbol)
    }

    pub(super) fn is_keyword(&self, keyword: Keyword) -> bool {
        self.kind() == TokenKind::Keyword(keyword)
    }

    /// True for a name with this spelling: the words that are reserved only where they stand.
    pub(super) fn is_word(&self, word: &str) -> bool {
        self.kind() == TokenKind::Name && self.text().eq_ignore_ascii_case(word)
    }

    /// The text of the next token.
    pub(super) fn text(&self) -> &'a str {
        self.context.slice(self.peek())
    }

    pub(super) fn span(&self) -> Span {
        self.context.span(self.peek())
    }

    /// Behind the next token; stays where it is at the end.
    pub(super) fn next(self) -> Self {
        match self.rest.split_first() {
            Some((token, rest)) if token.kind != TokenKind::End => Self { rest, ..self },
            Some(_) | None => self,
        }
    }

    /// The number of the next token.
    pub(super) fn index(&self) -> usize {
        self.context.tokens.len() - self.rest.len()
    }

    /// At the token of this number.
    pub(super) fn at_index(self, index: usize) -> Self {
        Self { rest: self.context.tokens.get(index..).unwrap_or(&[]), ..self }
    }

    /// The token before this place.
    pub(super) fn previous(&self) -> Option<Token> {
        self.index().checked_sub(1).and_then(|index| self.context.tokens.get(index)).copied()
    }

    /// The span of the token before this place; the start of the file where there is none.
    pub(super) fn previous_span(&self) -> Span {
        self.previous().map_or(Span::new(self.context.file, 0, 0), |token| self.context.span(token))
    }

    /// From `start` to the last token before this place.
    pub(super) fn since(&self, start: Span) -> Span {
        start.to(Span { end: self.previous_span().end.max(start.start), ..start })
    }

    /// The place of a token by its offset, for going on where an error happened. Never before this place.
    pub(super) fn seek(self, offset: u32) -> Self {
        let ahead = self.rest.partition_point(|token| token.start < offset);
        Self { rest: self.rest.get(ahead..).unwrap_or(&[]), ..self }
    }

    /// True if the next token begins on a later line than the one before it ended.
    pub(super) fn on_new_line(&self) -> bool {
        let from = self.previous_span().end as usize;
        self.context.text.get(from..self.peek().start as usize).is_some_and(|between| between.contains('\n'))
    }

    /// True where nothing more shall be said: the lexer has complained about this token, or about what swallowed the rest.
    pub(super) fn is_spoilt(&self) -> bool {
        match self.kind() {
            TokenKind::Bad => true,
            TokenKind::End => self.previous().is_some_and(|token| token.kind == TokenKind::Bad),
            TokenKind::Name
            | TokenKind::Keyword(_)
            | TokenKind::Literal
            | TokenKind::Text
            | TokenKind::WideText
            | TokenKind::Address
            | TokenKind::Pragma
            | TokenKind::Symbol(_) => false,
        }
    }

    /// An error that says what was expected here.
    pub(super) fn expected<T>(self, what: &'static str) -> Res<'a, T> {
        Err(nom::Err::Error(Stop { at: self.span(), reason: self.reason(|| Reason::Expected(what)) }))
    }

    /// An error with its own finding.
    pub(super) fn fail<T>(self, finding: Diagnostic) -> Res<'a, T> {
        let reason = self.reason(|| Reason::Finding(Box::new(finding)));
        Err(nom::Err::Failure(Stop { at: self.span(), reason }))
    }

    /// A failure about which nothing more is said.
    pub(super) fn silent<T>(self) -> Res<'a, T> {
        Err(nom::Err::Failure(Stop { at: self.span(), reason: Reason::Silent }))
    }

    fn reason(&self, loud: impl FnOnce() -> Reason) -> Reason {
        if self.context.fatal.get() || self.is_spoilt() { Reason::Silent } else { loud() }
    }

    /// Reports a finding that does not end what is being read.
    pub(super) fn report(self, finding: Diagnostic) {
        self.context.report(finding);
    }

    /// Records an error as a finding and gives the place where it happened.
    pub(super) fn record(self, error: nom::Err<Stop>) -> Self {
        let stop = match error {
            nom::Err::Error(stop) | nom::Err::Failure(stop) => stop,
            // Only streaming parsers ask for more; there are none.
            nom::Err::Incomplete(_) => return self,
        };
        let at = self.seek(stop.at.start);
        match stop.reason {
            Reason::Silent => {}
            Reason::Finding(finding) => self.context.report(*finding),
            Reason::Expected(what) => self.context.report(at.unexpected(what)),
        }
        at
    }

    /// The finding "expected this, found that".
    pub(super) fn unexpected(&self, what: &str) -> Diagnostic {
        let token = self.peek();
        let found = match token.kind {
            TokenKind::End => "the end of the text".to_owned(),
            TokenKind::Keyword(keyword) => format!("the keyword `{}`", keyword.text()),
            TokenKind::Pragma => "a pragma".to_owned(),
            TokenKind::Text | TokenKind::WideText => "a text".to_owned(),
            TokenKind::Name | TokenKind::Literal | TokenKind::Address | TokenKind::Bad | TokenKind::Symbol(_) => {
                format!("`{}`", self.text().chars().take(40).collect::<String>())
            }
        };
        let code = if token.kind == TokenKind::Pragma { Code::MisplacedPragma } else { Code::UnexpectedToken };
        let mut finding = Diagnostic::new(code, self.span(), format!("expected {what}, found {found}"));
        if token.kind == TokenKind::Symbol(Symbol::Assign) {
            finding = finding.help("`:=` gives a value; to compare two values write `=`");
        }
        if token.kind == TokenKind::Pragma {
            finding = finding.help("put it before the statement, rung, section or unit, or into a declaration");
        }
        finding
    }

    /// One level deeper; the level ends when the guard goes.
    ///
    /// # Errors
    /// Reading ends altogether beyond the limit, because every level around would complain about the same place.
    pub(super) fn deeper(self) -> Result<Deeper<'a>, nom::Err<Stop>> {
        let depth = self.context.depth.get() + 1;
        if depth > NESTING_MAX {
            let message = format!("nesting is more than {NESTING_MAX} levels deep");
            let help = "split it: give a part its own variable, function or rung";
            if !self.context.fatal.replace(true) {
                let finding = Diagnostic::new(Code::NestingTooDeep, self.span(), message).help(help);
                self.context.findings.borrow_mut().push(finding);
            }
            return Err(nom::Err::Failure(Stop { at: self.span(), reason: Reason::Silent }));
        }
        self.context.depth.set(depth);
        Ok(Deeper { context: self.context })
    }

    /// Marks a construct as open until the guard goes.
    pub(super) fn opened(self, opener: Opener) -> Opened<'a> {
        self.context.open.borrow_mut().push(opener);
        Opened { context: self.context }
    }

    /// True if reading has been given up.
    pub(super) fn is_over(&self) -> bool {
        self.context.fatal.get() || self.kind() == TokenKind::End
    }
}

/// Keeps one level of nesting.
pub(super) struct Deeper<'a> {
    context: &'a Context<'a>,
}

impl Drop for Deeper<'_> {
    fn drop(&mut self) {
        self.context.depth.set(self.context.depth.get().saturating_sub(1));
    }
}

/// Keeps a construct open.
pub(super) struct Opened<'a> {
    context: &'a Context<'a>,
}

impl Drop for Opened<'_> {
    fn drop(&mut self) {
        self.context.open.borrow_mut().pop();
    }
}

/// Where and why a parser stopped.
#[derive(Debug)]
pub(super) struct Stop {
    pub(super) at: Span,
    pub(super) reason: Reason,
}

/// Why a parser stopped.
#[derive(Debug)]
pub(super) enum Reason {
    /// This should stand here, in the reader's words.
    Expected(&'static str),
    /// A finding of its own.
    Finding(Box<Diagnostic>),
    /// Already reported.
    Silent,
}

impl<'a> ParseError<Cursor<'a>> for Stop {
    fn from_error_kind(input: Cursor<'a>, _: ErrorKind) -> Self {
        Self { at: input.span(), reason: input.reason(|| Reason::Expected("something else")) }
    }

    fn append(_: Cursor<'a>, _: ErrorKind, other: Self) -> Self {
        other
    }

    fn or(self, other: Self) -> Self {
        if other.at.start > self.at.start { other } else { self }
    }
}

impl<'a> Input for Cursor<'a> {
    type Item = Token;
    type Iter = std::iter::Copied<std::slice::Iter<'a, Token>>;
    type IterIndices = std::iter::Enumerate<Self::Iter>;

    fn input_len(&self) -> usize {
        self.rest.len()
    }

    fn take(&self, index: usize) -> Self {
        Self { rest: self.rest.get(..index).unwrap_or(self.rest), ..*self }
    }

    fn take_from(&self, index: usize) -> Self {
        Self { rest: self.rest.get(index..).unwrap_or(&[]), ..*self }
    }

    fn take_split(&self, index: usize) -> (Self, Self) {
        (self.take_from(index), self.take(index))
    }

    fn position<P>(&self, predicate: P) -> Option<usize>
    where
        P: Fn(Self::Item) -> bool,
    {
        self.rest.iter().position(|token| predicate(*token))
    }

    fn iter_elements(&self) -> Self::Iter {
        self.rest.iter().copied()
    }

    fn iter_indices(&self) -> Self::IterIndices {
        self.rest.iter().copied().enumerate()
    }

    fn slice_index(&self, count: usize) -> Result<usize, Needed> {
        if count <= self.rest.len() { Ok(count) } else { Err(Needed::new(count - self.rest.len())) }
    }
}

// --- small parsers ----------------------------------------------------------------------------------------------------

/// One symbol.
pub(super) fn symbol<'a>(symbol: Symbol, what: &'static str) -> impl Fn(Cursor<'a>) -> Res<'a, Span> {
    move |i| if i.is_symbol(symbol) { Ok((i.next(), i.span())) } else { i.expected(what) }
}

/// One keyword.
pub(super) fn keyword<'a>(keyword: Keyword, what: &'static str) -> impl Fn(Cursor<'a>) -> Res<'a, Span> {
    move |i| if i.is_keyword(keyword) { Ok((i.next(), i.span())) } else { i.expected(what) }
}

/// A name; a keyword in its place gets its own help.
pub(super) fn name<'a>(what: &'static str) -> impl Fn(Cursor<'a>) -> Res<'a, Ident> {
    move |i| match i.kind() {
        TokenKind::Name => Ok((i.next(), Ident { text: i.text().into(), span: i.span() })),
        TokenKind::Keyword(keyword) => {
            let finding =
                i.unexpected(what).note(format!("`{}` is a reserved word and cannot be a name", keyword.text()));
            i.fail(finding)
        }
        TokenKind::Literal
        | TokenKind::Text
        | TokenKind::WideText
        | TokenKind::Address
        | TokenKind::Pragma
        | TokenKind::Symbol(_)
        | TokenKind::Bad
        | TokenKind::End => i.expected(what),
    }
}

/// A closing bracket; where it is missing the opening one is shown.
pub(super) fn closing<'a>(symbol: Symbol, opening: Span, what: &'static str) -> impl Fn(Cursor<'a>) -> Res<'a, Span> {
    move |i| {
        if i.is_symbol(symbol) {
            return Ok((i.next(), i.span()));
        }
        let found = i.unexpected(what);
        let finding = Diagnostic { code: Code::MissingBracket, ..found };
        i.fail(finding.also(opening, "opened here"))
    }
}

/// Any number of pragmas.
pub(super) fn pragmas(mut i: Cursor<'_>) -> (Cursor<'_>, ThinVec<Attribute>) {
    let mut attributes = ThinVec::new();
    while i.kind() == TokenKind::Pragma {
        let span = i.span();
        let inner = i.text().trim_start_matches('{').trim_end_matches('}');
        let trimmed = inner.trim_start();
        let length = trimmed.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(trimmed.len());
        let (word, arguments) = trimmed.split_at(length);
        let start = span.start + 1 + u32::try_from(inner.len() - trimmed.len()).unwrap_or(0);
        let word_span = Span { start, end: start + u32::try_from(length).unwrap_or(0), ..span };
        // A pragma may span lines; blanks in it mean nothing.
        let words = arguments.split_whitespace().collect::<Vec<_>>().join(" ");
        let name = Ident { text: word.into(), span: word_span };
        attributes.push(Attribute { name, arguments: words, span });
        i = i.next();
    }
    (i, attributes)
}

/// The semicolon that ends a `what`. Where it is missing and the next line goes on with something new, that is reported
/// and reading goes on as if it were there.
pub(super) fn semicolon<'a>(what: &'static str) -> impl Fn(Cursor<'a>) -> Res<'a, ()> {
    move |i| {
        if i.is_symbol(Symbol::Semicolon) {
            return Ok((i.next(), ()));
        }
        if i.is_spoilt() {
            return i.silent();
        }
        if !begins_something(i) {
            return i.expected(what);
        }
        let finding = Diagnostic::new(Code::MissingSemicolon, i.previous_span().after(), "`;` is missing")
            .label("write `;` here");
        i.context.report(finding);
        Ok((i, ()))
    }
}

/// True if a new declaration, statement or rung plausibly begins here.
fn begins_something(i: Cursor<'_>) -> bool {
    match i.kind() {
        TokenKind::Keyword(keyword) => !is_operator_word(keyword),
        TokenKind::End => true,
        TokenKind::Name | TokenKind::Address => {
            let follows = matches!(
                i.peek_at(1).kind,
                TokenKind::Symbol(
                    Symbol::Assign
                        | Symbol::ParenOpen
                        | Symbol::Dot
                        | Symbol::BracketOpen
                        | Symbol::Colon
                        | Symbol::Comma
                ) | TokenKind::Keyword(Keyword::At)
            );
            follows && i.on_new_line()
        }
        TokenKind::Pragma => i.on_new_line(),
        TokenKind::Literal | TokenKind::Text | TokenKind::WideText | TokenKind::Symbol(_) | TokenKind::Bad => false,
    }
}

/// Keywords that go on with an expression or begin a value, so that no semicolon belongs before them.
fn is_operator_word(keyword: Keyword) -> bool {
    use Keyword::{And, AndThen, At, By, Do, False, Mod, Not, Of, Or, OrElse, Then, To, True, Xor};
    matches!(keyword, And | AndThen | Or | OrElse | Xor | Not | Mod | True | False | Then | Do | Of | To | By | At)
}
