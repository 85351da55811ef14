//! Declarations: variable sections, types, initial values.

use nom::Parser;
use nom::combinator::cut;
use nom::multi::separated_list1;
use thin_vec::ThinVec;

use super::cursor::{Cursor, Res, closing, keyword, name, pragmas, semicolon, symbol};
use super::expr::{address_of, expression};
use super::stmt::{assign_sign, is_boundary};
use crate::ast::{
    Address, ArrayInit, Attribute, EdgeKind, EnumValue, FieldInit, Ident, Init, InitKind, Range, Retention, TypeDecl,
    TypeKind, TypeRef, TypeSection, VarDecl, VarKind, VarSection,
};
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::token::{Keyword, Symbol, TokenKind};

const TYPE: &str = "a type (BOOL, INT, TIME, TON, ARRAY [...] OF ... and so on)";

/// The kind of section a keyword opens.
pub(super) fn section_kind(kind: TokenKind) -> Option<VarKind> {
    match kind {
        TokenKind::Keyword(Keyword::Var) => Some(VarKind::Local),
        TokenKind::Keyword(Keyword::VarInput) => Some(VarKind::Input),
        TokenKind::Keyword(Keyword::VarOutput) => Some(VarKind::Output),
        TokenKind::Keyword(Keyword::VarInOut) => Some(VarKind::InOut),
        TokenKind::Keyword(Keyword::VarTemp) => Some(VarKind::Temp),
        TokenKind::Keyword(Keyword::VarGlobal) => Some(VarKind::Global),
        TokenKind::Keyword(Keyword::VarExternal) => Some(VarKind::External),
        TokenKind::Keyword(_)
        | TokenKind::Name
        | TokenKind::Literal
        | TokenKind::Text
        | TokenKind::WideText
        | TokenKind::Address
        | TokenKind::Pragma
        | TokenKind::Symbol(_)
        | TokenKind::Bad
        | TokenKind::End => None,
    }
}

/// Any number of sections, each with the pragmas before it. Never fails.
pub(super) fn sections(mut i: Cursor<'_>) -> (Cursor<'_>, Vec<VarSection>) {
    let mut sections = Vec::new();
    while !i.is_over() {
        let (after, attributes) = pragmas(i);
        let Some(kind) = section_kind(after.kind()) else {
            // Pragmas that no section follows belong to what comes next.
            return match skip_unsupported(after) {
                Some(after) => {
                    let (rest, more) = self::sections(after);
                    sections.extend(more);
                    (rest, sections)
                }
                None => (i, sections),
            };
        };
        let (after, section) = section(after, kind, attributes);
        sections.push(section);
        i = after;
    }
    (i, sections)
}

/// `VAR_ACCESS` and `VAR_CONFIG` come later: one finding for the whole section.
fn skip_unsupported(i: Cursor<'_>) -> Option<Cursor<'_>> {
    if !i.is_keyword(Keyword::VarAccess) && !i.is_keyword(Keyword::VarConfig) {
        return None;
    }
    let message = format!("{} sections come in a later version", i.text().to_ascii_uppercase());
    i.context.report(Diagnostic::new(Code::NotYet, i.span(), message));
    let mut i = i.next();
    while !i.is_over() && !i.is_keyword(Keyword::EndVar) {
        i = i.next();
    }
    Some(i.next())
}

/// From the opening keyword to `END_VAR`.
pub(super) fn section(start: Cursor<'_>, kind: VarKind, attributes: ThinVec<Attribute>) -> (Cursor<'_>, VarSection) {
    let opening = start.span();
    let mut i = start.next();
    let mut constant = None;
    let mut retention = None;
    loop {
        if i.is_keyword(Keyword::Constant) {
            constant = Some(i.span());
        } else if let Some(stated) = stated_retention(i) {
            retention = merged(i, retention, stated);
        } else {
            break;
        }
        i = i.next();
    }
    let word = start.text().to_ascii_uppercase();
    let (i, declarations) = declarations(i, Keyword::EndVar, opening, &word);
    (i, VarSection { kind, constant, retention, attributes, declarations, span: i.since(opening) })
}

/// What a qualifier says about retention; `None` for other words.
pub(super) fn stated_retention(i: Cursor<'_>) -> Option<Retention> {
    let words = [
        (Keyword::Retain, Retention::Retain),
        (Keyword::NonRetain, Retention::NonRetain),
        (Keyword::Persistent, Retention::Persistent),
    ];
    words.into_iter().find(|(word, _)| i.is_keyword(*word)).map(|(_, retention)| retention)
}

/// One qualifier more: `RETAIN PERSISTENT`, in either order, is `PERSISTENT`, and nothing else goes with `NON_RETAIN`.
pub(super) fn merged(i: Cursor<'_>, before: Option<(Retention, Span)>, stated: Retention) -> Option<(Retention, Span)> {
    let Some((first, span)) = before else { return Some((stated, i.span())) };
    if first.is_kept() != stated.is_kept() {
        let message = format!("{} contradicts the word before it", i.text().to_ascii_uppercase());
        let finding = Diagnostic::new(Code::SectionPlace, i.span(), message).also(span, "this says the opposite");
        i.context.report(finding.help("leave one of them: RETAIN and PERSISTENT keep a value, NON_RETAIN does not"));
        return before;
    }
    if stated == Retention::Persistent { Some((stated, i.span())) } else { before }
}

/// Declarations up to the closing keyword, which is taken. Mistakes are recorded; a declaration whose names are known is
/// kept with [`TypeKind::Error`], so that its uses are not reported as unknown.
fn declarations<'a>(mut i: Cursor<'a>, end: Keyword, opening: Span, opener: &str) -> (Cursor<'a>, Vec<VarDecl>) {
    let mut declarations = Vec::new();
    while !i.is_over() {
        if i.is_keyword(end) {
            return (i.next(), declarations);
        }
        // A keyword ends the section, except where it was meant as a name: `to : INT;`.
        let ends = matches!(i.kind(), TokenKind::Keyword(keyword) if keyword != Keyword::At)
            && !matches!(i.peek_at(1).kind, TokenKind::Symbol(Symbol::Colon | Symbol::Comma));
        if ends || is_statement(i) {
            break;
        }
        let (after, declaration) = declaration(i);
        declarations.extend(declaration);
        i = after;
    }
    if !i.is_spoilt() && !i.context.fatal.get() {
        let finding = Diagnostic::new(Code::MissingEnd, opening, format!("this {opener} has no {}", end.text()));
        i.context.report(finding.also(i.span(), format!("{} belongs before this", end.text())));
    }
    (i, declarations)
}

/// True where a statement stands among declarations: the closing keyword is missing.
fn is_statement(i: Cursor<'_>) -> bool {
    i.kind() == TokenKind::Name
        && matches!(
            i.peek_at(1).kind,
            TokenKind::Symbol(Symbol::Assign | Symbol::ParenOpen | Symbol::Dot | Symbol::BracketOpen)
        )
}

/// One declaration; `None` where not even a name was read.
fn declaration(start: Cursor<'_>) -> (Cursor<'_>, Option<VarDecl>) {
    let begin = start.span();
    let (i, mut attributes) = pragmas(start);
    if i.is_keyword(Keyword::EndVar) || i.is_keyword(Keyword::EndStruct) {
        let finding = i.unexpected("a declaration");
        i.context.report(finding.note("a pragma belongs to the declaration behind it"));
        return (i, None);
    }
    let (i, names) = match names(i) {
        Ok(read) => read,
        Err(error) => return (resync(start, i.record(error)), None),
    };
    let mut address = None;
    match rest(i, &mut address, &mut attributes) {
        Ok((i, (ty, edge, init))) => {
            let init = init.map(Box::new);
            (i, Some(VarDecl { names, address, ty, edge, init, attributes, span: i.since(begin) }))
        }
        Err(error) => {
            let after = resync(start, i.record(error));
            let span = after.since(begin);
            let ty = TypeRef { kind: TypeKind::Error, span };
            (after, Some(VarDecl { names, address, ty, edge: None, init: None, attributes, span }))
        }
    }
}

/// The names before the colon; none before a lone `AT`.
fn names(i: Cursor<'_>) -> Res<'_, Vec<Ident>> {
    if i.is_keyword(Keyword::At) {
        return Ok((i, Vec::new()));
    }
    let comma = symbol(Symbol::Comma, "`,`");
    separated_list1(comma, name("the name of a variable")).parse(i)
}

type Rest = (TypeRef, Option<(EdgeKind, Span)>, Option<Init>);

/// Everything behind the names.
fn rest<'a>(i: Cursor<'a>, address: &mut Option<Box<Address>>, attributes: &mut ThinVec<Attribute>) -> Res<'a, Rest> {
    let (mut i, more) = pragmas(i);
    attributes.extend(more);
    if i.is_keyword(Keyword::At) {
        i = i.next();
        if i.kind() != TokenKind::Address {
            return i.expected("an address such as %IX0.0");
        }
        // A malformed one was reported by the lexer.
        *address = address_of(i).map(Box::new);
        let (after, more) = pragmas(i.next());
        attributes.extend(more);
        i = after;
    }
    let (i, _) = symbol(Symbol::Colon, "`,`, AT or `:` and the type")(i)?;
    let (i, more) = pragmas(i);
    attributes.extend(more);
    let (mut i, ty) = cut(type_ref).parse(i)?;
    let mut edge = None;
    for (word, kind) in [(Keyword::REdge, EdgeKind::Rising), (Keyword::FEdge, EdgeKind::Falling)] {
        if i.is_keyword(word) {
            edge = Some((kind, i.span()));
            i = i.next();
        }
    }
    let mut init = None;
    if i.is_symbol(Symbol::Assign) || i.is_symbol(Symbol::Equal) {
        let (after, ()) = assign_sign(i)?;
        let (after, value) = cut(initial_value).parse(after)?;
        init = Some(value);
        i = after;
    }
    let (i, more) = pragmas(i);
    attributes.extend(more);
    let what = if init.is_some() { "an operator or `;`" } else { "`:=` or `;`" };
    let (i, ()) = semicolon(what)(i)?;
    Ok((i, (ty, edge, init)))
}

/// Behind the next `;`, or at a keyword that a declaration cannot contain. Always behind `start`.
fn resync<'a>(start: Cursor<'a>, at: Cursor<'a>) -> Cursor<'a> {
    let mut i = if at.span().start <= start.span().start { start.next() } else { at };
    let mut structs = 0_u32;
    while !i.is_over() {
        match i.kind() {
            TokenKind::Symbol(Symbol::Semicolon) if structs == 0 => return i.next(),
            TokenKind::Keyword(Keyword::Struct) => structs += 1,
            TokenKind::Keyword(Keyword::EndStruct) if structs > 0 => structs -= 1,
            TokenKind::Keyword(keyword) if is_boundary(keyword) => return i,
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

/// A type.
pub(super) fn type_ref(i: Cursor<'_>) -> Res<'_, TypeRef> {
    let _deeper = i.deeper()?;
    let start = i.span();
    let (i, kind) = match i.kind() {
        TokenKind::Keyword(Keyword::Array) => cut(array).parse(i.next())?,
        TokenKind::Keyword(Keyword::Struct) => {
            let (i, fields) = declarations(i.next(), Keyword::EndStruct, start, "STRUCT");
            (i, TypeKind::Struct { fields })
        }
        TokenKind::Keyword(Keyword::RefTo) => {
            let (i, target) = cut(type_ref).parse(i.next())?;
            (i, TypeKind::Reference(Box::new(target)))
        }
        TokenKind::Symbol(Symbol::ParenOpen) => {
            let (i, values) = cut(enumeration).parse(i)?;
            (i, TypeKind::Enumeration { base: None, values })
        }
        TokenKind::Name => cut(named_type).parse(i)?,
        TokenKind::Keyword(_)
        | TokenKind::Literal
        | TokenKind::Text
        | TokenKind::WideText
        | TokenKind::Address
        | TokenKind::Pragma
        | TokenKind::Symbol(_)
        | TokenKind::Bad
        | TokenKind::End => return i.expected(TYPE),
    };
    Ok((i, TypeRef { kind, span: i.since(start) }))
}

/// Behind `ARRAY`.
fn array(i: Cursor<'_>) -> Res<'_, TypeKind> {
    let (i, opening) = symbol(Symbol::BracketOpen, "`[` and the bounds, for example ARRAY [0..9] OF INT")(i)?;
    let comma = symbol(Symbol::Comma, "`,`");
    let (i, ranges) = separated_list1(comma, cut(range)).parse(i)?;
    let (i, _) = closing(Symbol::BracketClose, opening, "an operator, `,` or `]`")(i)?;
    let (i, _) = keyword(Keyword::Of, "OF and the type of the elements")(i)?;
    let (i, element) = type_ref(i)?;
    Ok((i, TypeKind::Array { ranges, element: Box::new(element) }))
}

/// `low..high`
fn range(i: Cursor<'_>) -> Res<'_, Range> {
    let (i, low) = expression(i)?;
    let (i, _) = symbol(Symbol::DotDot, "an operator or `..` and the upper bound")(i)?;
    let (i, high) = cut(expression).parse(i)?;
    let span = low.span.to(high.span);
    Ok((i, Range { low, high, span }))
}

/// A type by name, perhaps with a length, a subrange or named values.
fn named_type(i: Cursor<'_>) -> Res<'_, TypeKind> {
    let (i, base) = name(TYPE)(i)?;
    let (opening, wide) = (i.span(), base.is("WSTRING"));
    if wide || base.is("STRING") {
        let close = if i.is_symbol(Symbol::BracketOpen) {
            Symbol::BracketClose
        } else if i.is_symbol(Symbol::ParenOpen) {
            Symbol::ParenClose
        } else {
            return Ok((i, TypeKind::Named(base)));
        };
        let (i, length) = cut(expression).parse(i.next())?;
        let (i, _) = closing(close, opening, "an operator or the closing bracket")(i)?;
        return Ok((i, TypeKind::Text { wide, length: Box::new(length) }));
    }
    if !i.is_symbol(Symbol::ParenOpen) {
        return Ok((i, TypeKind::Named(base)));
    }
    let follows = i.peek_at(2).kind;
    let names = i.peek_at(1).kind == TokenKind::Name
        && matches!(follows, TokenKind::Symbol(Symbol::Comma | Symbol::ParenClose | Symbol::Assign));
    if names {
        let (i, values) = enumeration(i)?;
        return Ok((i, TypeKind::Enumeration { base: Some(base), values }));
    }
    let (i, range) = cut(range).parse(i.next())?;
    let (i, _) = closing(Symbol::ParenClose, opening, "an operator or `)`")(i)?;
    Ok((i, TypeKind::Subrange { base, range: Box::new(range) }))
}

/// `(Red, Green := 5)`
fn enumeration(i: Cursor<'_>) -> Res<'_, Vec<EnumValue>> {
    let (i, opening) = symbol(Symbol::ParenOpen, "`(`")(i)?;
    let comma = symbol(Symbol::Comma, "`,` or `)`");
    let (i, values) = separated_list1(comma, enum_value).parse(i)?;
    let (i, _) = closing(Symbol::ParenClose, opening, "`:=`, `,` or `)`")(i)?;
    Ok((i, values))
}

fn enum_value(i: Cursor<'_>) -> Res<'_, EnumValue> {
    let (i, name) = name("the name of a value")(i)?;
    if !i.is_symbol(Symbol::Assign) {
        return Ok((i, EnumValue { name, value: None }));
    }
    let (i, value) = cut(expression).parse(i.next())?;
    Ok((i, EnumValue { name, value: Some(value) }))
}

/// An initial value.
pub(super) fn initial_value(i: Cursor<'_>) -> Res<'_, Init> {
    let _deeper = i.deeper()?;
    let start = i.span();
    let is_fields = i.is_symbol(Symbol::ParenOpen)
        && i.peek_at(1).kind == TokenKind::Name
        && i.peek_at(2).kind == TokenKind::Symbol(Symbol::Assign);
    let (i, kind) = if i.is_symbol(Symbol::BracketOpen) {
        let comma = symbol(Symbol::Comma, "`,` or `]`");
        let (i, items) = cut(separated_list1(comma, array_item)).parse(i.next())?;
        let (i, _) = closing(Symbol::BracketClose, start, "an operator, `,` or `]`")(i)?;
        (i, InitKind::Array(items))
    } else if is_fields {
        let comma = symbol(Symbol::Comma, "`,` or `)`");
        let (i, fields) = cut(separated_list1(comma, field_value)).parse(i.next())?;
        let (i, _) = closing(Symbol::ParenClose, start, "an operator, `,` or `)`")(i)?;
        (i, InitKind::Fields(fields))
    } else {
        let (i, value) = expression(i)?;
        (i, InitKind::Expr(value))
    };
    Ok((i, Init { kind, span: i.since(start) }))
}

fn field_value(i: Cursor<'_>) -> Res<'_, FieldInit> {
    let (i, name) = name("the name of a parameter or field")(i)?;
    let (i, ()) = assign_sign(i)?;
    let (i, value) = cut(initial_value).parse(i)?;
    Ok((i, FieldInit { name, value }))
}

/// A value, or `n(values)`.
fn array_item(i: Cursor<'_>) -> Res<'_, ArrayInit> {
    let start = i.span();
    let (i, value) = initial_value(i)?;
    let InitKind::Expr(repeat) = value.kind else {
        return Ok((i, ArrayInit { repeat: None, values: vec![value], span: i.since(start) }));
    };
    if !i.is_symbol(Symbol::ParenOpen) {
        let value = Init { kind: InitKind::Expr(repeat), span: value.span };
        return Ok((i, ArrayInit { repeat: None, values: vec![value], span: i.since(start) }));
    }
    let opening = i.span();
    let (i, values) = if i.peek_at(1).kind == TokenKind::Symbol(Symbol::ParenClose) {
        (i.next(), Vec::new())
    } else {
        let comma = symbol(Symbol::Comma, "`,` or `)`");
        cut(separated_list1(comma, initial_value)).parse(i.next())?
    };
    let (i, _) = closing(Symbol::ParenClose, opening, "an operator, `,` or `)`")(i)?;
    Ok((i, ArrayInit { repeat: Some(repeat), values, span: i.since(start) }))
}

/// `TYPE ... END_TYPE`. Never fails.
pub(super) fn type_section(start: Cursor<'_>) -> (Cursor<'_>, TypeSection) {
    let opening = start.span();
    let mut i = start.next();
    let mut types = Vec::new();
    while !i.is_over() && i.kind() == TokenKind::Name {
        match type_declaration(i) {
            Ok((after, declared)) => {
                types.push(declared);
                i = after;
            }
            Err(error) => i = resync(i, i.record(error)),
        }
    }
    let (i, _) = super::stmt::closing_keyword(i, Keyword::EndType, opening, "TYPE");
    (i, TypeSection { types, span: i.since(opening) })
}

fn type_declaration(i: Cursor<'_>) -> Res<'_, TypeDecl> {
    let start = i.span();
    let (i, name) = name("the name of a type")(i)?;
    let (i, _) = symbol(Symbol::Colon, "`:` and what the type is")(i)?;
    let (mut i, ty) = cut(type_ref).parse(i)?;
    let mut init = None;
    if i.is_symbol(Symbol::Assign) {
        let (after, value) = cut(initial_value).parse(i.next())?;
        init = Some(value);
        i = after;
    }
    let (i, ()) = semicolon("`:=` or `;`")(i)?;
    Ok((i, TypeDecl { name, ty, init, span: i.since(start) }))
}
