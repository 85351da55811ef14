//! Ladder bodies: rungs, elements, branches.
//!
//! Contacts, coils and the rest are names with a meaning only here, so that a variable outside may be called `SET`. An
//! element is read as a call first and then judged by its name, so every element has the same errors for its parentheses.

use nom::Parser;
use nom::combinator::cut;
use thin_vec::ThinVec;

use super::ahead;
use super::cursor::{Cursor, Opener, Res, name, pragmas, semicolon, symbol};
use super::expr::{arguments, variable};
use super::stmt::{closing_keyword, is_boundary, statements};
use crate::ast::{
    Arg, ArgKind, Attribute, BinaryOp, Call, CoilKind, ContactKind, Element, ElementKind, Expr, ExprKind, Ident,
    Ladder, Place, Rung, Series, Title,
};
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::token::{Keyword, Symbol, TokenKind};
use bytecode::near::nearest;

const ELEMENT: &str = "an element of the rung (NO(...), COIL(...), a block, a branch in [ ])";

/// What a word means as an element.
#[derive(Clone, Copy)]
enum Word {
    Contact(ContactKind),
    Coil(CoilKind),
    Compare(BinaryOp),
    Condition,
    Invert,
    Wire,
    Jump,
    Return,
}

/// Every word with a meaning in a rung; synonyms last. The first word of a meaning is the canonical one.
const WORDS: [(&str, Word); 27] = [
    ("NO", Word::Contact(ContactKind::Open)),
    ("NC", Word::Contact(ContactKind::Closed)),
    ("RISE", Word::Contact(ContactKind::Rise)),
    ("FALL", Word::Contact(ContactKind::Fall)),
    ("COIL", Word::Coil(CoilKind::Normal)),
    ("NCOIL", Word::Coil(CoilKind::Negated)),
    ("SET", Word::Coil(CoilKind::Set)),
    ("RST", Word::Coil(CoilKind::Reset)),
    ("COIL_RISE", Word::Coil(CoilKind::Rise)),
    ("COIL_FALL", Word::Coil(CoilKind::Fall)),
    ("GT", Word::Compare(BinaryOp::Gt)),
    ("GE", Word::Compare(BinaryOp::Ge)),
    ("EQ", Word::Compare(BinaryOp::Eq)),
    ("NE", Word::Compare(BinaryOp::Ne)),
    ("LE", Word::Compare(BinaryOp::Le)),
    ("LT", Word::Compare(BinaryOp::Lt)),
    ("CMP", Word::Condition),
    ("INV", Word::Invert),
    ("WIRE", Word::Wire),
    ("JMP", Word::Jump),
    ("RET", Word::Return),
    ("XIC", Word::Contact(ContactKind::Open)),
    ("XIO", Word::Contact(ContactKind::Closed)),
    ("OTE", Word::Coil(CoilKind::Normal)),
    ("OTL", Word::Coil(CoilKind::Set)),
    ("OTU", Word::Coil(CoilKind::Reset)),
    ("RETURN", Word::Return),
];

/// Pairs of synonym and canonical word, for the formatter.
pub(crate) const SYNONYMS: [(&str, &str); 5] =
    [("XIC", "NO"), ("XIO", "NC"), ("OTE", "COIL"), ("OTL", "SET"), ("OTU", "RST")];

/// True if the word has a meaning as an element of a rung.
#[must_use]
pub fn is_element_word(word: &str) -> bool {
    find(word).is_some()
}

/// Every word with a meaning as an element of a rung.
pub fn element_words() -> impl Iterator<Item = &'static str> {
    WORDS.iter().map(|(word, _)| *word)
}

/// The element a misspelt word may mean, for "did you mean": `COL` gives `COIL`.
#[must_use]
pub fn closest_element(word: &str) -> Option<&'static str> {
    nearest(word, element_words())
}

fn find(word: &str) -> Option<Word> {
    WORDS.iter().find(|(text, _)| text.eq_ignore_ascii_case(word)).map(|(_, meaning)| *meaning)
}

/// From `LADDER` to `END_LADDER`. Never fails.
pub(super) fn ladder(start: Cursor<'_>) -> (Cursor<'_>, Ladder) {
    let opening = start.span();
    let (i, rungs) = rungs(start.next());
    let (i, _) = closing_keyword(i, Keyword::EndLadder, opening, "LADDER");
    (i, Ladder { rungs, span: i.since(opening) })
}

/// Rungs up to a keyword that belongs to none. Never fails.
pub(super) fn rungs(mut i: Cursor<'_>) -> (Cursor<'_>, Vec<Rung>) {
    let mut rungs = Vec::new();
    while !i.is_over() {
        if let Some((after, read)) = ahead::rungs(i) {
            rungs.extend(read);
            i = after;
            continue;
        }
        let (after, attributes) = pragmas(i);
        if after.is_keyword(Keyword::Rung) {
            let (after, rung) = rung(after, attributes);
            rungs.push(rung);
            i = after;
            continue;
        }
        if let TokenKind::Keyword(keyword) = after.kind()
            && is_boundary(keyword)
        {
            i = after;
            break;
        }
        let at = match after.expected::<()>("RUNG or END_LADDER") {
            Ok(_) => after,
            Err(error) => after.record(error),
        };
        i = resync(after, at);
    }
    (i, rungs)
}

/// Behind the `;` of the rung, or at the next rung or the end of the ladder. Steps over whole ST elements.
fn resync<'a>(start: Cursor<'a>, at: Cursor<'a>) -> Cursor<'a> {
    let stuck = at.span().start <= start.span().start && !start.is_keyword(Keyword::Rung);
    // An ST element may have begun before the mistake: its semicolons do not end the rung.
    let mut in_st = start.context.open.borrow().contains(&Opener::StBlock);
    let mut i = if stuck { at.next() } else { at };
    while !i.is_over() {
        match i.kind() {
            TokenKind::Symbol(Symbol::Semicolon) if !in_st => return i.next(),
            TokenKind::Keyword(Keyword::EndSt) => in_st = false,
            TokenKind::Keyword(keyword) if is_boundary(keyword) => return i,
            TokenKind::Name if is_st(i) => in_st = true,
            TokenKind::Keyword(_)
            | TokenKind::Name
            | TokenKind::Literal
            | TokenKind::Text
            | TokenKind::WideText
            | TokenKind::Address
            | TokenKind::Pragma
            | TokenKind::Symbol(_)
            | TokenKind::Bad
            | TokenKind::End => {}
        }
        i = i.next();
    }
    i
}

/// True at `ST` that opens statements, not a block instance of that name.
fn is_st(i: Cursor<'_>) -> bool {
    i.is_word("ST")
        && !matches!(
            i.peek_at(1).kind,
            TokenKind::Symbol(
                Symbol::ParenOpen
                    | Symbol::ParenClose
                    | Symbol::Dot
                    | Symbol::BracketOpen
                    | Symbol::Comma
                    | Symbol::Assign
            )
        )
}

/// One rung. Never fails: a rung that cannot be read is marked as broken and keeps its label.
fn rung<'a>(start: Cursor<'a>, attributes: ThinVec<Attribute>) -> (Cursor<'a>, Rung) {
    let begin = start.span();
    let mut label = None;
    let mut title = None;
    match rung_text(start, &mut label, &mut title) {
        Ok((i, series)) => (i, Rung { label, title, series, broken: false, attributes, span: i.since(begin) }),
        Err(error) => {
            let i = resync(start, start.record(error));
            let span = i.since(begin);
            let series = Series { elements: Vec::new(), span };
            (i, Rung { label, title, series, broken: true, attributes, span })
        }
    }
}

fn rung_text<'a>(i: Cursor<'a>, label: &mut Option<Ident>, title: &mut Option<Title>) -> Res<'a, Series> {
    let mut i = i.next();
    if i.kind() == TokenKind::Name {
        let (after, word) = name("a label")(i)?;
        *label = Some(word);
        i = after;
    }
    if matches!(i.kind(), TokenKind::Text | TokenKind::WideText) {
        *title = Some(Title { text: unquote(i.text()), span: i.span() });
        i = i.next();
    }
    let what = match (label.is_some(), title.is_some()) {
        (_, true) => "`:`",
        (true, false) => "a title in quotes or `:`",
        (false, false) => "a label, a title in quotes or `:`",
    };
    let (i, _) = symbol(Symbol::Colon, what)(i)?;
    let (i, series) = cut(series).parse(i)?;
    let (i, ()) = semicolon("an element of the rung or `;`")(i)?;
    Ok((i, series))
}

/// The text in quotes with `$` escapes resolved (IEC 61131-3, table 6).
fn unquote(text: &str) -> String {
    let mut letters = text.chars();
    let quote = letters.next();
    let mut result = String::new();
    while let Some(letter) = letters.next() {
        if Some(letter) == quote {
            break;
        }
        if letter != '$' {
            result.push(letter);
            continue;
        }
        match letters.next() {
            // A title is one line: line feeds and the like become blanks.
            Some('L' | 'l' | 'N' | 'n' | 'P' | 'p' | 'R' | 'r' | 'T' | 't') => result.push(' '),
            Some(other) => result.push(other),
            None => break,
        }
    }
    result
}

/// Elements one behind the other; at least one.
fn series(i: Cursor<'_>) -> Res<'_, Series> {
    let start = i.span();
    let mut i = i;
    let mut elements = Vec::new();
    while begins_element(i) {
        let (after, element) = element(i)?;
        elements.push(element);
        i = after;
    }
    if elements.is_empty() {
        let ends = matches!(i.kind(), TokenKind::Symbol(Symbol::Semicolon | Symbol::Comma | Symbol::BracketClose));
        if ends {
            let what =
                if i.is_symbol(Symbol::Semicolon) { "the rung is empty" } else { "this leg of the branch is empty" };
            let finding = Diagnostic::new(Code::EmptySeries, i.span(), what);
            return i.fail(finding.help("a plain wire is written WIRE()"));
        }
        return i.expected(ELEMENT);
    }
    Ok((i, Series { elements, span: i.since(start) }))
}

fn begins_element(i: Cursor<'_>) -> bool {
    match i.kind() {
        TokenKind::Name | TokenKind::Keyword(Keyword::Return) => true,
        TokenKind::Symbol(symbol) => symbol == Symbol::BracketOpen,
        TokenKind::Keyword(_)
        | TokenKind::Literal
        | TokenKind::Text
        | TokenKind::WideText
        | TokenKind::Address
        | TokenKind::Pragma
        | TokenKind::Bad
        | TokenKind::End => false,
    }
}

fn element(i: Cursor<'_>) -> Res<'_, Element> {
    let start = i.span();
    let (i, kind) = if i.is_symbol(Symbol::BracketOpen) {
        branch(i)?
    } else if is_st(i) {
        st_element(i)?
    } else if i.is_keyword(Keyword::Return) {
        let (after, args) = arguments(i.next())?;
        match meaning(Word::Return, args) {
            Ok(kind) => (after, kind),
            Err(wrong) => return i.fail(misuse("RET", Word::Return, &wrong, after.since(start))),
        }
    } else {
        word_or_call(i)?
    };
    Ok((i, Element { kind, span: i.since(start) }))
}

/// `[leg, leg]`
fn branch(i: Cursor<'_>) -> Res<'_, ElementKind> {
    let _deeper = i.deeper()?;
    let opening = i.span();
    let mut i = i.next();
    let mut legs = Vec::new();
    loop {
        let (after, leg) = cut(series).parse(i)?;
        legs.push(leg);
        if !after.is_symbol(Symbol::Comma) {
            let what = "an element, `,` and the next leg, or `]`";
            let (after, _) = super::cursor::closing(Symbol::BracketClose, opening, what)(after)?;
            return Ok((after, ElementKind::Branch(legs)));
        }
        i = after.next();
    }
}

/// `ST ... END_ST`
fn st_element(i: Cursor<'_>) -> Res<'_, ElementKind> {
    let _deeper = i.deeper()?;
    let opening = i.span();
    let (i, body) = {
        let _opened = i.opened(Opener::StBlock);
        statements(i.next())
    };
    let (i, closed) = closing_keyword(i, Keyword::EndSt, opening, "ST");
    if closed { Ok((i, ElementKind::Statements(body))) } else { i.silent() }
}

/// A contact, a coil and so on, or a call of a block or function.
fn word_or_call(start: Cursor<'_>) -> Res<'_, ElementKind> {
    let (i, callee) = variable(start)?;
    if !i.is_symbol(Symbol::ParenOpen) {
        return start.fail(without_parentheses(i, &callee.name));
    }
    let (i, args) = arguments(i)?;
    let span = i.since(callee.span);
    match callee.as_name().and_then(|name| find(&name.text).map(|word| (name, word))) {
        Some((name, word)) => match meaning(word, args) {
            Ok(kind) => Ok((i, kind)),
            Err(wrong) => start.fail(misuse(&name.text, word, &wrong, span)),
        },
        None => Ok((i, ElementKind::Call(Call { callee, args, span }))),
    }
}

/// The finding for an element whose parentheses are missing.
fn without_parentheses(i: Cursor<'_>, word: &Ident) -> Diagnostic {
    let operand = match find(&word.text) {
        Some(Word::Invert | Word::Wire | Word::Return) => "()",
        Some(_) => "(x)",
        None => "(...)",
    };
    let upper = word.text.to_ascii_uppercase();
    if find(&word.text).is_some() {
        return Diagnostic::new(Code::ElementOperands, word.span, format!("`{upper}` without its parentheses"))
            .help(format!("write {upper}{operand}"));
    }
    let finding = Diagnostic::new(Code::UnknownElement, word.span, format!("`{}` is no element of a rung", word.text));
    let finding = match closest_element(&word.text) {
        Some(near) => finding.help(format!("did you mean `{near}`?")),
        None if i.is_symbol(Symbol::Assign) => {
            finding.help(format!("statements stand in ST ... END_ST; a bit is written by COIL({})", word.text))
        }
        None => finding.help(format!("a contact is written NO({0}) or NC({0}), a coil COIL({0})", word.text)),
    };
    finding.note("every element has parentheses")
}

/// What is wrong with the operands of a word.
enum Misuse {
    /// An argument with a name.
    Named,
    /// So many arguments instead of the right number.
    Count(usize),
    /// A coil on something that cannot be written.
    NotWritable(&'static str),
    /// A jump to something that is no label.
    NoLabel,
}

/// How many operands a word has.
fn operand_count(word: Word) -> usize {
    match word {
        Word::Contact(_) | Word::Coil(_) | Word::Condition | Word::Jump => 1,
        Word::Compare(_) => 2,
        Word::Invert | Word::Wire | Word::Return => 0,
    }
}

/// Makes the element of a word and its arguments.
fn meaning(word: Word, args: Vec<Arg>) -> Result<ElementKind, Misuse> {
    if args.len() != operand_count(word) {
        return Err(Misuse::Count(args.len()));
    }
    let mut operands = args.into_iter().map(|arg| match (arg.kind, arg.value) {
        (ArgKind::Positional, Some(value)) => Ok(value),
        (ArgKind::Positional | ArgKind::Input(_) | ArgKind::Output { .. }, _) => Err(Misuse::Named),
    });
    let (first, second) = (operands.next().transpose()?, operands.next().transpose()?);
    Ok(match (word, first, second) {
        (Word::Contact(kind), Some(operand), _) => ElementKind::Contact { kind, operand },
        (Word::Coil(kind), Some(operand), _) => {
            ElementKind::Coil { kind, operand: place(operand).map_err(Misuse::NotWritable)? }
        }
        (Word::Compare(op), Some(left), Some(right)) => ElementKind::Compare { op, left, right },
        (Word::Condition, Some(operand), _) => ElementKind::Condition(operand),
        (Word::Jump, Some(Expr { kind: ExprKind::Variable(target), .. }), _) if target.accessors.is_empty() => {
            ElementKind::Jump(target.name)
        }
        (Word::Jump, ..) => return Err(Misuse::NoLabel),
        (Word::Invert, ..) => ElementKind::Invert,
        (Word::Wire, ..) => ElementKind::Wire,
        // The counts were checked above, so what is left is RET.
        (Word::Return | Word::Contact(_) | Word::Coil(_) | Word::Compare(_) | Word::Condition, ..) => {
            ElementKind::Return
        }
    })
}

/// The finding for wrong operands.
fn misuse(name: &str, word: Word, misuse: &Misuse, span: Span) -> Diagnostic {
    let upper = name.to_ascii_uppercase();
    let example = match word {
        Word::Invert | Word::Wire | Word::Return => format!("{upper}()"),
        Word::Compare(_) => format!("{upper}(a, b)"),
        Word::Condition => "CMP(a > b)".to_owned(),
        Word::Jump => "JMP(label)".to_owned(),
        Word::Contact(_) | Word::Coil(_) => format!("{upper}(x)"),
    };
    let (text, help) = match misuse {
        Misuse::Named => (format!("`{upper}` has no named operands"), format!("write {example}")),
        Misuse::Count(count) => {
            let needs = ["no operand", "one operand", "two operands"].get(operand_count(word)).copied().unwrap_or("");
            (format!("`{upper}` has {needs}, not {count}"), format!("write {example}"))
        }
        Misuse::NotWritable(what) => {
            (format!("`{upper}` writes, but {what} cannot be written"), "name a variable or an address".to_owned())
        }
        Misuse::NoLabel => ("`JMP` needs the label of a rung".to_owned(), format!("write {example}")),
    };
    Diagnostic::new(Code::ElementOperands, span, text).help(help)
}

/// The operand of a coil as something that can be written.
fn place(operand: Expr) -> Result<Place, &'static str> {
    match operand.kind {
        ExprKind::Variable(variable) => Ok(Place::Variable(variable)),
        ExprKind::Address(address) => Ok(Place::Address(address)),
        ExprKind::Literal(_) => Err("a literal"),
        ExprKind::Call(_) => Err("the result of a call"),
        ExprKind::Unary { .. } | ExprKind::Chain(_) => Err("the result of an operator"),
        ExprKind::Paren(inner) => place(*inner),
        ExprKind::Error => Err("this"),
    }
}
