//! Text to tokens.
//!
//! The lexer never fails: what it cannot read becomes one [`TokenKind::Bad`] token and one diagnostic, and it goes on
//! behind it. Comments nest and are kept beside the tokens. Limits (bytes, tokens, length of a name, depth of comments)
//! are checked here and named in the message.

mod halves;
mod pieces;

use crate::map::HashSet;
use std::cmp::Ordering;

use nom::bytes::complete::take_while1;
use nom::character::complete::char;
use nom::combinator::opt;
use nom::{IResult, Input, Parser};

use crate::ast::Comment;
use crate::diag::{Code, Diagnostic};
use crate::limits::{DIAGNOSTICS_MAX, FILE_BYTES_MAX, IDENT_CHARS_MAX, NESTING_MAX, TOKENS_MAX};
use crate::literal;
use crate::source::{FileId, Span};
use crate::token::{Keyword, Lexed, Symbol, Token, TokenKind};
use pieces::{is_closed, line_rest, skip_blanks, token_piece};

/// The rest of the text: what is left of it tells where it begins ([`Lexer::at`]).
type Text<'a> = &'a str;

/// A piece of text that was read, with what it is.
type Piece<'a> = IResult<Text<'a>, TokenKind>;

/// Cuts the text into tokens.
#[must_use]
pub fn lex(file: FileId, text: &str) -> Lexed {
    let mut lexer = Lexer::new(file, text.len());
    if text.len() > FILE_BYTES_MAX {
        let message = format!("the file has {} bytes; the limit is {FILE_BYTES_MAX} (32 MiB)", text.len());
        let finding = Diagnostic::new(Code::FileTooLarge, Span::new(file, 0, 0), message);
        lexer.report(finding.help("split the program into several files"));
        lexer.push(TokenKind::Bad, 0, 0);
        lexer.push(TokenKind::End, 0, 0);
        return lexer.out;
    }
    // A token has five or six bytes with the blank behind it.
    lexer.out.tokens.reserve(text.len() / 5);
    // Editors of some systems put a byte order mark first.
    let rest = opt(char::<_, nom::error::Error<Text<'_>>>('\u{FEFF}')).parse(text).map_or(text, |(rest, _)| rest);
    let rest = halves::run(&mut lexer, text, rest);
    lexer.run(rest, u32::MAX);
    lexer.out
}

struct Lexer {
    file: FileId,
    /// Of the whole text.
    bytes: usize,
    out: Lexed,
    /// The last token was a point, so that digits are the number of a bit and not a real number (`x.3.4`).
    after_dot: bool,
    /// Malformed names that were reported, in capitals: each is one mistake, however often it is used.
    odd_names: HashSet<String>,
}

impl Lexer {
    fn new(file: FileId, bytes: usize) -> Self {
        Self { file, bytes, out: Lexed::default(), after_dot: false, odd_names: HashSet::default() }
    }

    /// Reads up to the end of the text, or as long as something begins before `until`. Gives what is left behind the last
    /// piece; nothing behind the end.
    fn run<'a>(&mut self, mut rest: Text<'a>, until: u32) -> Text<'a> {
        loop {
            let behind = rest;
            rest = skip_blanks(rest);
            let start = self.at(rest);
            if start >= until {
                return behind;
            }
            if rest.is_empty() {
                // It has its end already where the second half was read by another thread, or where there were too many tokens.
                if self.out.tokens.last().is_none_or(|last| last.kind != TokenKind::End) {
                    self.push(TokenKind::End, start, start);
                }
                return rest;
            }
            if self.out.tokens.len() >= TOKENS_MAX {
                let message = format!("more than {TOKENS_MAX} words, numbers and signs in one file");
                let finding = Diagnostic::new(Code::TooManyTokens, self.span(start, start), message);
                self.report(finding.help("split the program into several files"));
                self.push(TokenKind::Bad, start, start);
                self.push(TokenKind::End, start, start);
                return "";
            }
            rest = self.piece(rest, start);
        }
    }

    /// Reads one comment, token or unreadable run and gives the rest behind it.
    fn piece<'a>(&mut self, rest: Text<'a>, start: u32) -> Text<'a> {
        if rest.starts_with("//") {
            let (after, _) = line_rest(rest);
            self.comment(true, start, self.at(after));
            return after;
        }
        if rest.starts_with("(*") || rest.starts_with("/*") {
            return self.block_comment(rest, start);
        }
        if self.after_dot && rest.starts_with(|first: char| first.is_ascii_digit()) {
            let digits = take_while1::<_, _, nom::error::Error<Text<'_>>>(|letter: char| letter.is_ascii_digit());
            if let Ok((after, _)) = { digits }.parse(rest) {
                self.push(TokenKind::Literal, start, self.at(after));
                return after;
            }
        }
        match token_piece(rest) {
            Ok((after, kind)) => {
                let end = self.at(after);
                let text = rest.get(..(end - start) as usize).unwrap_or("");
                self.token(kind, text, start, end);
                after
            }
            Err(_) => self.unknown(rest, start),
        }
    }

    /// Checks a token's text and stores the token.
    fn token(&mut self, kind: TokenKind, text: &str, start: u32, end: u32) {
        let span = self.span(start, end);
        let (kind, finding) = match kind {
            TokenKind::Name => match Keyword::find(text) {
                Some(keyword) => (TokenKind::Keyword(keyword), None),
                None => {
                    let finding = name_finding(text, span);
                    (kind, finding.filter(|_| self.odd_names.insert(text.to_uppercase())))
                }
            },
            TokenKind::Literal => (kind, literal::decode(text, span).err().map(|boxed| *boxed)),
            // `x.%W1` is a part of a variable, not an address.
            TokenKind::Address if self.after_dot => (kind, None),
            TokenKind::Address => (kind, literal::address(text, span).err().map(|boxed| *boxed)),
            TokenKind::Text | TokenKind::WideText if !is_closed(text) => {
                let finding = Diagnostic::new(Code::UnterminatedText, span, "the text has no end on its line");
                let quote = text.chars().next().unwrap_or('"');
                (TokenKind::Bad, Some(finding.help(format!("close it with {quote}"))))
            }
            TokenKind::Pragma if !text.ends_with('}') => {
                let finding = Diagnostic::new(Code::UnterminatedPragma, span, "the pragma has no end");
                (TokenKind::Bad, Some(finding.help("close it with }")))
            }
            TokenKind::Symbol(symbol) => match foreign_operator(symbol, text) {
                Some(help) => {
                    let message = format!("`{text}` is no operator");
                    (TokenKind::Bad, Some(Diagnostic::new(Code::UnknownCharacter, span, message).help(help)))
                }
                None => (kind, None),
            },
            TokenKind::Text
            | TokenKind::WideText
            | TokenKind::Pragma
            | TokenKind::Keyword(_)
            | TokenKind::Bad
            | TokenKind::End => (kind, None),
        };
        if let Some(finding) = finding {
            self.report(finding);
        }
        self.push(kind, start, end);
    }

    /// Records a finding; beyond the limit only that there are more.
    fn report(&mut self, finding: Diagnostic) {
        match self.out.diagnostics.len().cmp(&DIAGNOSTICS_MAX) {
            Ordering::Less => self.out.diagnostics.push(finding),
            Ordering::Equal => {
                let message = format!("more than {DIAGNOSTICS_MAX} mistakes in this file; the rest is not reported");
                self.out.diagnostics.push(Diagnostic::new(Code::TooManyMistakes, finding.primary.span, message));
            }
            Ordering::Greater => {}
        }
    }

    fn push(&mut self, kind: TokenKind, start: u32, end: u32) {
        self.after_dot = kind == TokenKind::Symbol(Symbol::Dot);
        self.out.tokens.push(Token { kind, start, end });
    }

    /// Where this rest of the text begins.
    fn at(&self, rest: Text<'_>) -> u32 {
        // A text above 32 MiB is refused before the first offset is taken.
        u32::try_from(self.bytes - rest.len()).unwrap_or(u32::MAX)
    }

    fn span(&self, start: u32, end: u32) -> Span {
        Span::new(self.file, start, end)
    }

    fn comment(&mut self, to_line_end: bool, start: u32, end: u32) {
        self.out.comments.push(Comment { to_line_end, span: self.span(start, end) });
    }

    /// A comment in `(* *)` or `/* */`; both kinds nest in each other.
    fn block_comment<'a>(&mut self, rest: Text<'a>, start: u32) -> Text<'a> {
        let mut closers: Vec<&[u8; 2]> = Vec::new();
        let bytes = rest.as_bytes();
        let mut at = 0;
        while let Some(two) = bytes.get(at..at + 2) {
            let opened: Option<&[u8; 2]> = match two {
                b"(*" => Some(b"*)"),
                b"/*" => Some(b"*/"),
                _ => None,
            };
            if let Some(closer) = opened {
                closers.push(closer);
                if closers.len() > NESTING_MAX as usize {
                    let here = start + u32::try_from(at).unwrap_or(0);
                    let message = format!("comments nest more than {NESTING_MAX} levels deep");
                    self.report(Diagnostic::new(Code::NestingTooDeep, self.span(here, here + 2), message));
                    return self.lost(rest, start);
                }
                at += 2;
            } else if closers.last().is_some_and(|closer| *closer == two) {
                closers.pop();
                at += 2;
                if closers.is_empty() {
                    self.comment(false, start, start + u32::try_from(at).unwrap_or(0));
                    return rest.take_from(at);
                }
            } else {
                at += 1;
            }
        }
        let finding = Diagnostic::new(Code::UnterminatedComment, self.span(start, start + 2), "the comment has no end");
        let closer = if rest.starts_with("/*") { "*/" } else { "*)" };
        let help = format!("close it with {closer}; comments nest, so every opening inside it needs its own end");
        self.report(finding.label("it begins here").help(help));
        self.lost(rest, start)
    }

    /// Gives up the rest of the file.
    fn lost<'a>(&mut self, rest: Text<'a>, start: u32) -> Text<'a> {
        let end = rest.take_from(rest.input_len());
        self.push(TokenKind::Bad, start, self.at(end));
        end
    }

    /// A run of characters without meaning.
    fn unknown<'a>(&mut self, rest: Text<'a>, start: u32) -> Text<'a> {
        let length = unknown_run(rest);
        let after = rest.take_from(length);
        let run = rest.get(..length).unwrap_or("");
        let first = run.chars().next().unwrap_or(' ');
        let span = self.span(start, self.at(after));
        let what = if first.is_control() || first.is_whitespace() {
            format!("a character without meaning, U+{:04X}", u32::from(first))
        } else {
            format!("`{}` has no meaning here", run.chars().take(12).collect::<String>())
        };
        let mut finding = Diagnostic::new(Code::UnknownCharacter, span, what);
        if let Some(help) = character_help(first) {
            finding = finding.help(help);
        }
        self.report(finding);
        self.push(TokenKind::Bad, start, self.at(after));
        after
    }
}

/// What to write instead of an operator of another language.
fn foreign_operator(symbol: Symbol, text: &str) -> Option<&'static str> {
    if symbol.text() == text {
        return None;
    }
    Some(match text {
        "==" => "values are compared with `=`",
        "!=" => "unequal is written `<>`",
        "&&" => "write AND",
        "||" => "write OR",
        _ => "write the whole assignment, for example `x := x + 1;`",
    })
}

/// Length of a run of characters without meaning; a text in typographic quotes is one run.
fn unknown_run(fragment: &str) -> usize {
    let closers: &[char] = match fragment.chars().next() {
        Some('“' | '„') => &['”', '“'],
        Some('‘' | '‚') => &['’', '‘'],
        Some('«') => &['»'],
        _ => &[],
    };
    let line = if closers.is_empty() { "" } else { fragment.lines().next().unwrap_or("") };
    let quoted = match closers {
        [] => None,
        closers => line.char_indices().skip(1).find(|(_, letter)| closers.contains(letter)),
    };
    if let Some((at, letter)) = quoted {
        return at + letter.len_utf8();
    }
    fragment
        .char_indices()
        .skip(1)
        .find(|(_, letter)| {
            letter.is_ascii_alphanumeric() || letter.is_whitespace() || "_;:,()[]{}\"'".contains(*letter)
        })
        .map_or(fragment.len(), |(at, _)| at)
}

fn character_help(letter: char) -> Option<&'static str> {
    Some(match letter {
        '“' | '”' | '„' | '‘' | '’' | '«' | '»' => "use the straight quotes \" or '",
        '–' | '—' | '−' => "use the minus sign of the keyboard, -",
        '\u{A0}' | '\u{2003}' | '\u{2009}' | '\u{202F}' => "it is a special blank; type an ordinary one",
        '!' => "negation is written NOT",
        '|' => "write OR",
        '\0' => "this does not look like a text file",
        '@' | '$' | '?' | '\\' | '`' | '~' | '#' | '}' => return None,
        _ => return None,
    })
}

/// What is wrong with a name.
fn name_finding(text: &str, span: Span) -> Option<Diagnostic> {
    if text.len() <= IDENT_CHARS_MAX && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    if let Some(odd) = text.chars().find(|letter| !letter.is_ascii()) {
        let finding = Diagnostic::new(Code::MalformedName, span, format!("the letter `{odd}` in a name"));
        return Some(
            finding
                .help("names have the letters A to Z, digits and underscores; comments and titles may have any letter"),
        );
    }
    let length = text.chars().count();
    if length > IDENT_CHARS_MAX {
        let message = format!("the name has {length} characters; the limit is {IDENT_CHARS_MAX}");
        return Some(Diagnostic::new(Code::NameTooLong, span, message).help("shorten it"));
    }
    if text.contains("__") || (text.ends_with('_')) {
        let message = format!("misplaced underscore in the name `{text}`");
        return Some(
            Diagnostic::new(Code::MalformedName, span, message)
                .help("single underscores may stand before and between letters and digits"),
        );
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kinds and texts of all tokens but the end, and the codes of all findings.
    fn tokens(text: &str) -> (Vec<(TokenKind, &str)>, Vec<Code>) {
        let lexed = lex(FileId(0), text);
        assert_eq!(lexed.tokens.last().map(|token| token.kind), Some(TokenKind::End));
        let list = lexed
            .tokens
            .iter()
            .filter(|token| token.kind != TokenKind::End)
            .map(|token| (token.kind, &text[token.start as usize..token.end as usize]))
            .collect();
        (list, lexed.diagnostics.iter().map(|finding| finding.code).collect())
    }

    fn kinds(text: &str) -> Vec<TokenKind> {
        let (list, findings) = tokens(text);
        assert_eq!(findings, [], "{text}");
        list.into_iter().map(|(kind, _)| kind).collect()
    }

    #[test]
    fn words_numbers_and_symbols() {
        use TokenKind::{Address, Literal, Name};
        let symbol = TokenKind::Symbol;
        assert_eq!(kinds("a := B#x"), [Name, symbol(Symbol::Assign), Literal]);
        assert_eq!(kinds("1..5"), [Literal, symbol(Symbol::DotDot), Literal]);
        assert_eq!(kinds("1.5..2"), [Literal, symbol(Symbol::DotDot), Literal]);
        assert_eq!(kinds("x.3.4"), [Name, symbol(Symbol::Dot), Literal, symbol(Symbol::Dot), Literal]);
        assert_eq!(kinds("%IX0.0 %QW4"), [Address, Address]);
        assert_eq!(kinds("x**2"), [Name, symbol(Symbol::Power), Literal]);
        assert_eq!(kinds("1E-3-2"), [Literal, symbol(Symbol::Minus), Literal]);
        assert_eq!(kinds("16#1E-2"), [Literal, symbol(Symbol::Minus), Literal]);
        assert_eq!(kinds("T#-1h30m T#1.5s INT#-5 D#2026-11-23"), [Literal; 4]);
        assert_eq!(kinds("Q=>y"), [Name, symbol(Symbol::Arrow), Name]);
        assert_eq!(kinds("eNd_iF"), [TokenKind::Keyword(Keyword::EndIf)]);
        assert_eq!(kinds("'it$'s' \"x\" {power}"), [TokenKind::Text, TokenKind::WideText, TokenKind::Pragma]);
        assert_eq!(kinds("\u{FEFF}a"), [Name]);
    }

    #[test]
    fn comments_nest_and_are_kept() {
        let lexed = lex(FileId(0), "a (* 1 (* 2 *) /* 3 */ *) b // c\n/* (* *) */ d");
        assert_eq!(lexed.diagnostics, []);
        let spans: Vec<_> = lexed.comments.iter().map(|comment| (comment.span.start, comment.span.end)).collect();
        assert_eq!(spans, [(2, 25), (28, 32), (33, 44)]);
        assert_eq!(lexed.tokens.len(), 4);
    }

    #[test]
    fn what_cannot_be_read_is_one_bad_token_and_one_finding() {
        for (text, code) in [
            ("a $$ b", Code::UnknownCharacter),
            ("a == b", Code::UnknownCharacter),
            ("a ! b", Code::UnknownCharacter),
            ("(* (* *)", Code::UnterminatedComment),
            ("\"abc\n", Code::UnterminatedText),
            ("'abc$'", Code::UnterminatedText),
            ("{power", Code::UnterminatedPragma),
            ("a \0 b", Code::UnknownCharacter),
        ] {
            let (list, findings) = tokens(text);
            assert_eq!(findings, [code], "{text}");
            assert_eq!(list.iter().filter(|(kind, _)| *kind == TokenKind::Bad).count(), 1, "{text}");
        }
    }

    #[test]
    fn malformed_words_stay_words() {
        for (text, code) in [
            ("tür", Code::MalformedName),
            ("a__b", Code::MalformedName),
            ("a_", Code::MalformedName),
            ("2#12", Code::MalformedNumber),
            ("%IZ3", Code::MalformedAddress),
            ("T#", Code::MalformedDuration),
            ("INT#", Code::MalformedLiteral),
            ("12abc", Code::MalformedNumber),
        ] {
            let (list, findings) = tokens(text);
            assert_eq!(findings, [code], "{text}");
            assert_eq!(list.len(), 1, "{text}");
            assert_ne!(list[0].0, TokenKind::Bad, "{text}");
        }
        let long = "x".repeat(IDENT_CHARS_MAX + 1);
        assert_eq!(tokens(&long).1, [Code::NameTooLong]);
        assert_eq!(tokens(&long[1..]).1, []);
    }

    #[test]
    fn limits_are_named() {
        let deep = "(*".repeat(NESTING_MAX as usize + 1);
        assert_eq!(tokens(&deep).1, [Code::NestingTooDeep]);
        let lexed = lex(FileId(0), &" ".repeat(FILE_BYTES_MAX + 1));
        assert_eq!(lexed.diagnostics[0].code, Code::FileTooLarge);
    }
}
