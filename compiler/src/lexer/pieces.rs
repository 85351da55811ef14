//! One piece of a text: where a blank, a comment to the end of the line or a token ends, and what kind of token it is.
//!
//! Knows no positions and reports nothing: whether what was read is well-formed is for the lexer to say.

use super::{Piece, Text};
use crate::literal::PrefixKind;
use crate::token::{Symbol, TokenKind};
use nom::branch::alt;
use nom::bytes::complete::take_while;
use nom::character::complete::{char, satisfy};
use nom::combinator::{opt, recognize};
use nom::sequence::{pair, preceded};
use nom::{Input, Parser};

pub(super) fn skip_blanks(text: Text<'_>) -> Text<'_> {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let length = text.bytes().position(|byte| !blank(&byte)).unwrap_or(text.len());
    if length == 0 { text } else { text.take_from(length) }
}

pub(super) fn line_rest(text: Text<'_>) -> (Text<'_>, ()) {
    let line = take_while::<_, _, nom::error::Error<Text<'_>>>(|letter| letter != '\n' && letter != '\r');
    { line }.parse(text).map_or((text, ()), |(rest, _)| (rest, ()))
}

fn is_word_start(letter: char) -> bool {
    letter.is_alphabetic() || letter == '_'
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// One token; its first character decides which.
pub(super) fn token_piece(text: Text<'_>) -> Piece<'_> {
    match text.chars().next() {
        Some(first) if is_word_start(first) => word(text),
        Some('0'..='9') => number(text),
        Some('%') => address(text),
        Some('"' | '\'') => quoted(text),
        Some('{') => pragma(text),
        Some(_) | None => symbol(text),
    }
}

/// Bytes of the word at the start of the text. Nearly all are ASCII, which needs no decoding.
fn word_length(fragment: &str) -> usize {
    let ascii = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let length = fragment.bytes().position(|byte| !ascii(byte)).unwrap_or(fragment.len());
    match fragment.as_bytes().get(length) {
        Some(next) if !next.is_ascii() => fragment.find(|letter| !is_word(letter)).unwrap_or(fragment.len()),
        Some(_) | None => length,
    }
}

/// A name, a keyword, or a typed literal `TYPE#value`.
fn word(text: Text<'_>) -> Piece<'_> {
    let (rest, name) = text.take_split(word_length(text));
    if !rest.starts_with('#') {
        return Ok((rest, TokenKind::Name));
    }
    let value = rest.take_from(1);
    let (rest, _) = match PrefixKind::of(name) {
        PrefixKind::Duration { .. } => {
            recognize(pair(opt(alt((char('+'), char('-')))), number_body(false))).parse(value)?
        }
        PrefixKind::Numeric => recognize(pair(opt(alt((char('+'), char('-')))), number_body(true))).parse(value)?,
        PrefixKind::Date => take_while(|letter: char| is_word(letter) || "-:.".contains(letter)).parse(value)?,
        PrefixKind::Text => {
            return quoted(value).map(|(rest, _)| (rest, TokenKind::Literal)).or(Ok((value, TokenKind::Literal)));
        }
        PrefixKind::Enum => take_while(is_word).parse(value)?,
    };
    Ok((rest, TokenKind::Literal))
}

/// A number without a type.
fn number(text: Text<'_>) -> Piece<'_> {
    let (rest, _) =
        preceded(nom::combinator::peek(satisfy(|letter| letter.is_ascii_digit())), number_body(true)).parse(text)?;
    Ok((rest, TokenKind::Literal))
}

/// Everything that clings to a number: letters, digits, underscores, `#`, a point before a digit, and where `exponents`
/// are possible a sign between `E` and a digit.
fn number_body<'a>(exponents: bool) -> impl Parser<Text<'a>, Output = Text<'a>, Error = nom::error::Error<Text<'a>>> {
    move |text: Text<'a>| {
        let mut letters = text.char_indices().peekable();
        let mut before = ' ';
        let mut decimal = true;
        let mut end = text.len();
        while let Some((at, letter)) = letters.next() {
            let next = letters.peek().map_or(' ', |(_, next)| *next);
            decimal &= letter.is_ascii_digit() || "._eE+-".contains(letter);
            let fits = is_word(letter)
                || letter == '#'
                || (letter == '.' && next.is_ascii_digit())
                || (exponents
                    && decimal
                    && at > 1
                    && "+-".contains(letter)
                    && "eE".contains(before)
                    && next.is_ascii_digit());
            if !fits {
                end = at;
                break;
            }
            before = letter;
        }
        Ok((text.take_from(end), text.take(end)))
    }
}

/// `%` and what clings to it.
fn address(text: Text<'_>) -> Piece<'_> {
    let body = take_while(|letter: char| letter.is_ascii_alphanumeric() || letter == '.');
    let (rest, _) = (char('%'), body, opt(char('*'))).parse(text)?;
    // `%IX0.0..5` is no address, but the points of a range are not part of it.
    Ok((rest, TokenKind::Address))
}

/// A text in quotes; one that is not closed ends with its line.
fn quoted(text: Text<'_>) -> Piece<'_> {
    let (rest, quote) = alt((char('"'), char('\''))).parse(text)?;
    let mut escaped = false;
    let mut end = rest.len();
    for (at, letter) in rest.char_indices() {
        if letter == '\n' || letter == '\r' {
            end = at;
            break;
        }
        if letter == quote && !escaped {
            end = at + quote.len_utf8();
            break;
        }
        escaped = letter == '$' && !escaped;
    }
    Ok((rest.take_from(end), if quote == '"' { TokenKind::WideText } else { TokenKind::Text }))
}

/// True if the text in quotes has its closing quote.
pub(super) fn is_closed(text: &str) -> bool {
    let mut letters = text.chars();
    let quote = letters.next();
    let mut escaped = false;
    let mut closed = false;
    for letter in letters {
        closed = Some(letter) == quote && !escaped;
        escaped = letter == '$' && !escaped;
    }
    closed
}

/// `{...}`; one that is not closed ends with its line.
fn pragma(text: Text<'_>) -> Piece<'_> {
    let (rest, _) = char('{').parse(text)?;
    let end = match rest.find('}') {
        Some(at) if !rest.get(..at).unwrap_or("").contains('{') => at + 1,
        _ => rest.find(['\n', '\r', ';']).unwrap_or(rest.len()),
    };
    Ok((rest.take_from(end), TokenKind::Pragma))
}

/// An operator or separator; doubled ones of other languages are taken whole, so that the complaint is one.
fn symbol(text: Text<'_>) -> Piece<'_> {
    let two = text.get(..2).unwrap_or_default();
    if matches!(two, "==" | "!=" | "&&" | "||" | "+=" | "-=") {
        return Ok((text.take_from(2), TokenKind::Symbol(Symbol::Equal)));
    }
    match Symbol::find(two).or_else(|| Symbol::find(text.get(..1)?)) {
        Some(symbol) => Ok((text.take_from(symbol.text().len()), TokenKind::Symbol(symbol))),
        None => Err(nom::Err::Error(nom::error::Error::new(text, nom::error::ErrorKind::Tag))),
    }
}
