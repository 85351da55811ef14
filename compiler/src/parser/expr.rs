//! Expressions, variables and calls.

use nom::Parser;
use nom::combinator::cut;
use nom::multi::separated_list1;
use thin_vec::ThinVec;

use super::cursor::{Cursor, Res, closing, symbol};
use crate::ast::{
    Accessor, AccessorKind, Address, AddressSize, Arg, ArgKind, BinaryOp, Call, Chain, ChainItem, Expr, ExprKind,
    Ident, Literal, LiteralKind, UnaryOp, Variable,
};
use crate::diag::{Code, Diagnostic};
use crate::limits::OPERATORS_MAX;
use crate::literal;
use crate::source::Span;
use crate::token::{Keyword, Symbol, TokenKind};

/// What an operand can be, in the reader's words.
const VALUE: &str = "a value (a variable, a number, a call, or an expression in parentheses)";

/// Most expressions have one or two operators: up to this length a list has no room to spare.
const SHORT_CHAIN: usize = 3;

/// An expression with all its operators.
pub(super) fn expression(i: Cursor<'_>) -> Res<'_, Expr> {
    let _deeper = i.deeper()?;
    let (mut i, first) = operand(i)?;
    let mut rest = Vec::new();
    let mut too_long = None;
    while let Some(op) = binary_operator(i) {
        let op_span = i.span();
        let (after, operand) = cut(operand).parse(i.next())?;
        if rest.len() < OPERATORS_MAX {
            if rest.len() < SHORT_CHAIN {
                rest.reserve_exact(1);
            }
            rest.push(ChainItem { op, op_span, operand });
        } else {
            // Read on, so that what follows is understood, but keep nothing more.
            too_long.get_or_insert(op_span);
        }
        i = after;
    }
    if let Some(span) = too_long {
        let message = format!("more than {OPERATORS_MAX} operators in one expression");
        let finding = Diagnostic::new(Code::ExpressionTooLong, span, message);
        i.report(finding.help("give parts of the expression variables of their own"));
    }
    Ok((i, fold(first, rest)))
}

/// Orders a flat list of operands by precedence. Recursion is bounded by the eight levels of precedence.
fn fold(first: Expr, rest: Vec<ChainItem>) -> Expr {
    let Some(level) = rest.iter().map(|item| item.op.precedence()).min() else { return first };
    if rest.iter().all(|item| item.op.precedence() == level) {
        return chain(first, rest);
    }
    let mut head = first;
    let mut tail: Vec<ChainItem> = Vec::new();
    let mut groups: Vec<ChainItem> = Vec::new();
    let mut pending: Option<(BinaryOp, Span)> = None;
    let mut chain_first: Option<Expr> = None;
    let mut finish = |head: Expr, tail: Vec<ChainItem>, pending: Option<(BinaryOp, Span)>| {
        let operand = fold(head, tail);
        match pending {
            Some((op, op_span)) => groups.push(ChainItem { op, op_span, operand }),
            None => chain_first = Some(operand),
        }
    };
    for item in rest {
        if item.op.precedence() == level {
            finish(std::mem::replace(&mut head, item.operand), std::mem::take(&mut tail), pending);
            pending = Some((item.op, item.op_span));
        } else {
            tail.push(item);
        }
    }
    finish(head, tail, pending);
    chain(chain_first.unwrap_or(Expr { kind: ExprKind::Error, span: Span::default() }), groups)
}

/// Operands of one precedence.
fn chain(first: Expr, rest: Vec<ChainItem>) -> Expr {
    let span = rest.last().map_or(first.span, |last| first.span.to(last.operand.span));
    Expr { kind: ExprKind::Chain(Chain { first: Box::new(first), rest }), span }
}

fn binary_operator(i: Cursor<'_>) -> Option<BinaryOp> {
    Some(match i.kind() {
        TokenKind::Symbol(symbol) => match symbol {
            Symbol::Power => BinaryOp::Power,
            Symbol::Star => BinaryOp::Mul,
            Symbol::Slash => BinaryOp::Div,
            Symbol::Plus => BinaryOp::Add,
            Symbol::Minus => BinaryOp::Sub,
            Symbol::Less => BinaryOp::Lt,
            Symbol::Greater => BinaryOp::Gt,
            Symbol::LessEqual => BinaryOp::Le,
            Symbol::GreaterEqual => BinaryOp::Ge,
            Symbol::Equal => BinaryOp::Eq,
            Symbol::NotEqual => BinaryOp::Ne,
            Symbol::Ampersand => BinaryOp::And,
            Symbol::Assign
            | Symbol::Arrow
            | Symbol::DotDot
            | Symbol::ParenOpen
            | Symbol::ParenClose
            | Symbol::BracketOpen
            | Symbol::BracketClose
            | Symbol::Comma
            | Symbol::Semicolon
            | Symbol::Colon
            | Symbol::Dot
            | Symbol::Caret => return None,
        },
        TokenKind::Keyword(Keyword::Mod) => BinaryOp::Mod,
        TokenKind::Keyword(Keyword::And) => BinaryOp::And,
        TokenKind::Keyword(Keyword::AndThen) => BinaryOp::AndThen,
        TokenKind::Keyword(Keyword::Xor) => BinaryOp::Xor,
        TokenKind::Keyword(Keyword::Or) => BinaryOp::Or,
        TokenKind::Keyword(Keyword::OrElse) => BinaryOp::OrElse,
        TokenKind::Keyword(_)
        | TokenKind::Name
        | TokenKind::Literal
        | TokenKind::Text
        | TokenKind::WideText
        | TokenKind::Address
        | TokenKind::Pragma
        | TokenKind::Bad
        | TokenKind::End => return None,
    })
}

fn operand(i: Cursor<'_>) -> Res<'_, Expr> {
    let span = i.span();
    match i.kind() {
        TokenKind::Literal | TokenKind::Text | TokenKind::WideText => {
            let literal = literal_of(i);
            Ok((i.next(), Expr { kind: ExprKind::Literal(Box::new(literal)), span }))
        }
        TokenKind::Keyword(word @ (Keyword::True | Keyword::False)) => {
            let kind = LiteralKind::Bool { value: word == Keyword::True };
            let literal = Literal { kind, text: i.text().to_owned(), span };
            Ok((i.next(), Expr { kind: ExprKind::Literal(Box::new(literal)), span }))
        }
        TokenKind::Address => {
            Ok((i.next(), Expr { kind: address_of(i).map_or(ExprKind::Error, ExprKind::Address), span }))
        }
        TokenKind::Keyword(Keyword::Not) => unary(i, UnaryOp::Not),
        TokenKind::Symbol(Symbol::Minus) => unary(i, UnaryOp::Neg),
        TokenKind::Symbol(Symbol::Plus) => unary(i, UnaryOp::Plus),
        TokenKind::Symbol(Symbol::ParenOpen) => {
            let (i, inner) = cut(expression).parse(i.next())?;
            let (i, end) = closing(Symbol::ParenClose, span, "an operator or `)`")(i)?;
            Ok((i, Expr { kind: ExprKind::Paren(Box::new(inner)), span: span.to(end) }))
        }
        TokenKind::Name => variable_or_call(i),
        // The functions of the standard that are named like operators: `AND(a, b)`.
        TokenKind::Keyword(Keyword::And | Keyword::Or | Keyword::Xor | Keyword::Mod)
            if i.next().is_symbol(Symbol::ParenOpen) =>
        {
            let name = Ident { text: i.text().into(), span };
            let (i, call) = call(Variable { name, accessors: ThinVec::new(), span })(i.next())?;
            let span = call.span;
            Ok((i, Expr { kind: ExprKind::Call(Box::new(call)), span }))
        }
        TokenKind::Keyword(_) | TokenKind::Symbol(_) | TokenKind::Pragma | TokenKind::Bad | TokenKind::End => {
            i.expected(VALUE)
        }
    }
}

fn unary(i: Cursor<'_>, op: UnaryOp) -> Res<'_, Expr> {
    let _deeper = i.deeper()?;
    let start = i.span();
    let (i, inner) = cut(operand).parse(i.next())?;
    let span = start.to(inner.span);
    Ok((i, Expr { kind: ExprKind::Unary { op, operand: Box::new(inner) }, span }))
}

fn variable_or_call(i: Cursor<'_>) -> Res<'_, Expr> {
    let (i, variable) = variable(i)?;
    let span = variable.span;
    if i.is_symbol(Symbol::ParenOpen) {
        let (i, call) = call(variable)(i)?;
        let span = call.span;
        return Ok((i, Expr { kind: ExprKind::Call(Box::new(call)), span }));
    }
    Ok((i, Expr { kind: ExprKind::Variable(variable), span }))
}

/// The literal under the cursor, which must be one.
fn literal_of(i: Cursor<'_>) -> Literal {
    let (text, span) = (i.text(), i.span());
    let kind = match i.kind() {
        TokenKind::Text => LiteralKind::Text { prefix: None, wide: false },
        TokenKind::WideText => LiteralKind::Text { prefix: None, wide: true },
        // The lexer has reported a malformed one.
        TokenKind::Literal
        | TokenKind::Name
        | TokenKind::Keyword(_)
        | TokenKind::Address
        | TokenKind::Pragma
        | TokenKind::Symbol(_)
        | TokenKind::Bad
        | TokenKind::End => literal::decode(text, span).unwrap_or(LiteralKind::Error),
    };
    Literal { kind, text: text.to_owned(), span }
}

/// The address under the cursor; `None` where the lexer has reported it as malformed.
pub(super) fn address_of(i: Cursor<'_>) -> Option<Address> {
    literal::address(i.text(), i.span()).ok()
}

/// `name.field[i].3`
pub(super) fn variable(i: Cursor<'_>) -> Res<'_, Variable> {
    let (mut i, name) = super::cursor::name("the name of a variable")(i)?;
    let mut accessors = ThinVec::new();
    let start = name.span;
    loop {
        let at = i.span();
        let (after, kind) = match i.kind() {
            TokenKind::Symbol(Symbol::Dot) => cut(part).parse(i.next())?,
            TokenKind::Symbol(Symbol::BracketOpen) => {
                let comma = symbol(Symbol::Comma, "`,` or `]`");
                let (i, indices) = cut(separated_list1(comma, expression)).parse(i.next())?;
                let (i, _) = closing(Symbol::BracketClose, at, "an operator, `,` or `]`")(i)?;
                (i, AccessorKind::Index(indices))
            }
            TokenKind::Symbol(Symbol::Caret) => (i.next(), AccessorKind::Deref),
            TokenKind::Symbol(_)
            | TokenKind::Name
            | TokenKind::Keyword(_)
            | TokenKind::Literal
            | TokenKind::Text
            | TokenKind::WideText
            | TokenKind::Address
            | TokenKind::Pragma
            | TokenKind::Bad
            | TokenKind::End => break,
        };
        accessors.push(Accessor { kind, span: after.since(at) });
        i = after;
    }
    Ok((i, Variable { name, accessors, span: i.since(start) }))
}

/// What stands behind the point of a variable.
fn part(i: Cursor<'_>) -> Res<'_, AccessorKind> {
    const WHAT: &str = "a field name or the number of a bit";
    let text = i.text();
    match i.kind() {
        TokenKind::Literal => match text.parse() {
            Ok(number) => Ok((i.next(), AccessorKind::Part { size: AddressSize::Bit, number })),
            Err(_) => i.expected(WHAT),
        },
        TokenKind::Address => {
            let size = match text.chars().nth(1).map(|letter| letter.to_ascii_uppercase()) {
                Some('X') => AddressSize::Bit,
                Some('B') => AddressSize::Byte,
                Some('W') => AddressSize::Word,
                Some('D') => AddressSize::Double,
                Some('L') => AddressSize::Long,
                _ => return i.expected(WHAT),
            };
            match text.get(2..).map(str::parse) {
                Some(Ok(number)) => Ok((i.next(), AccessorKind::Part { size, number })),
                _ => i.expected(WHAT),
            }
        }
        TokenKind::Name
        | TokenKind::Keyword(_)
        | TokenKind::Text
        | TokenKind::WideText
        | TokenKind::Pragma
        | TokenKind::Symbol(_)
        | TokenKind::Bad
        | TokenKind::End => {
            let (i, field) = super::cursor::name(WHAT)(i)?;
            Ok((i, AccessorKind::Field(field)))
        }
    }
}

/// The arguments of a call whose callee has been read.
pub(super) fn call<'a>(callee: Variable) -> impl FnOnce(Cursor<'a>) -> Res<'a, Call> {
    move |i| {
        let start = callee.span;
        let (i, args) = arguments(i)?;
        Ok((i, Call { callee, args, span: i.since(start) }))
    }
}

/// `(a, PT := b, Q => c)`
pub(super) fn arguments(i: Cursor<'_>) -> Res<'_, Vec<Arg>> {
    let (mut i, opening) = symbol(Symbol::ParenOpen, "`(`")(i)?;
    let mut args = Vec::new();
    if i.is_symbol(Symbol::ParenClose) {
        return Ok((i.next(), args));
    }
    loop {
        let (after, arg) = cut(argument).parse(i)?;
        args.push(arg);
        if after.is_symbol(Symbol::Comma) {
            i = after.next();
        } else {
            let (after, _) = closing(Symbol::ParenClose, opening, "an operator, `,` or `)`")(after)?;
            return Ok((after, args));
        }
    }
}

fn argument(i: Cursor<'_>) -> Res<'_, Arg> {
    let start = i.span();
    let negated = i.is_keyword(Keyword::Not)
        && i.peek_at(1).kind == TokenKind::Name
        && i.peek_at(2).kind == TokenKind::Symbol(Symbol::Arrow);
    let at_name = if negated { i.next() } else { i };
    let follows = at_name.peek_at(1).kind;
    let is_named = at_name.kind() == TokenKind::Name;
    let formal = Ident { text: at_name.text().into(), span: at_name.span() };
    let kind = if is_named && follows == TokenKind::Symbol(Symbol::Assign) {
        ArgKind::Input(formal)
    } else if is_named && follows == TokenKind::Symbol(Symbol::Arrow) {
        ArgKind::Output { name: formal, negated }
    } else {
        let (i, value) = expression(i)?;
        return Ok((i, Arg { kind: ArgKind::Positional, span: value.span, value: Some(value) }));
    };
    let i = at_name.next().next();
    if i.is_symbol(Symbol::Comma) || i.is_symbol(Symbol::ParenClose) {
        return Ok((i, Arg { kind, value: None, span: i.since(start) }));
    }
    let (i, value) = cut(expression).parse(i)?;
    Ok((i, Arg { kind, value: Some(value), span: i.since(start) }))
}
