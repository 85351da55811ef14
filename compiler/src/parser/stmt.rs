//! Statements of Structured Text and the recovery between them.

use nom::Parser;
use nom::combinator::cut;
use nom::multi::separated_list1;
use thin_vec::ThinVec;

use super::ahead;
use super::cursor::{Cursor, Opener, Res, Stop, keyword, pragmas, semicolon, symbol};
use super::expr::{address_of, arguments, expression, variable};
use crate::ast::{
    Attribute, Call, CaseArm, CaseLabel, Expr, ExprKind, ForLoop, IfBranch, Place, Range, Stmt, StmtKind, Variable,
};
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::token::{Keyword, Symbol, TokenKind};
use bytecode::near::nearest;

/// What a `;` missing behind an expression is called.
const END: &str = "an operator or `;`";

/// Statements up to a keyword that closes what is open. Never fails: mistakes are recorded and left behind.
pub(super) fn statements(i: Cursor<'_>) -> (Cursor<'_>, Vec<Stmt>) {
    list(i, false)
}

fn list(mut i: Cursor<'_>, in_case: bool) -> (Cursor<'_>, Vec<Stmt>) {
    let mut statements = Vec::new();
    while !i.is_over() {
        if let Some((after, read)) = ahead::statements(i) {
            statements.extend(read);
            i = after;
            continue;
        }
        if let TokenKind::Keyword(keyword) = i.kind() {
            if ends_list(i, keyword) {
                break;
            }
            if is_closer(keyword) {
                i = stray_closer(i, keyword);
                continue;
            }
        }
        if in_case && is_case_label(i) {
            break;
        }
        let (after, attributes) = pragmas(i);
        let start = after.span();
        match statement(after, attributes) {
            Ok((after, statement)) => {
                statements.push(statement);
                i = after;
            }
            Err(error) => {
                i = resync(after, after.record(error));
                statements.push(Stmt { kind: StmtKind::Error, attributes: ThinVec::new(), span: i.since(start) });
            }
        }
    }
    (i, statements)
}

/// True for keywords that end every list of statements, and for those that close something open.
fn ends_list(i: Cursor<'_>, keyword: Keyword) -> bool {
    if is_boundary(keyword) {
        return true;
    }
    let open = i.context.open.borrow();
    // A closing keyword that fits nothing ends the innermost construct: most likely the wrong one was written.
    open.iter().any(|opener| opener.accepts(keyword))
        || (is_closer(keyword) && !open.is_empty() && !matches!(keyword, Keyword::Else | Keyword::Elsif))
}

/// Keywords that belong to no statement: the units, sections and the frame of a ladder.
pub(super) fn is_boundary(keyword: Keyword) -> bool {
    use Keyword::{
        Configuration, EndConfiguration, EndFunction, EndFunctionBlock, EndLadder, EndProgram, EndResource, EndStruct,
        EndType, EndVar, Function, FunctionBlock, Ladder, Program, Resource, Rung, Type, Var, VarAccess, VarConfig,
        VarExternal, VarGlobal, VarInOut, VarInput, VarOutput, VarTemp,
    };
    matches!(
        keyword,
        Program
            | EndProgram
            | Function
            | EndFunction
            | FunctionBlock
            | EndFunctionBlock
            | Configuration
            | EndConfiguration
            | Resource
            | EndResource
            | Type
            | EndType
            | Var
            | VarInput
            | VarOutput
            | VarInOut
            | VarTemp
            | VarGlobal
            | VarExternal
            | VarAccess
            | VarConfig
            | EndVar
            | EndStruct
            | Ladder
            | EndLadder
            | Rung
    )
}

/// Keywords that close or divide a statement.
fn is_closer(keyword: Keyword) -> bool {
    use Keyword::{Else, Elsif, EndCase, EndFor, EndIf, EndRepeat, EndSt, EndWhile, Until};
    matches!(keyword, EndIf | Else | Elsif | EndCase | EndFor | EndWhile | Until | EndRepeat | EndSt)
}

/// A closing keyword where nothing is open.
fn stray_closer(i: Cursor<'_>, keyword: Keyword) -> Cursor<'_> {
    let message = format!("`{}` closes nothing", keyword.text());
    let finding = Diagnostic::new(Code::WrongEnd, i.span(), message);
    i.context.report(finding.help("remove it, or write the statement it belongs to before it"));
    let i = i.next();
    if i.is_symbol(Symbol::Semicolon) { i.next() } else { i }
}

/// Goes on behind a mistake at `at` in a statement that began at `start`: behind the next `;`, or at the next keyword that
/// begins or closes something. Always behind `start`.
pub(super) fn resync<'a>(start: Cursor<'a>, at: Cursor<'a>) -> Cursor<'a> {
    let mut i = if at.span().start <= start.span().start && !ends_statement(start) { start.next() } else { at };
    while !i.is_over() {
        if i.is_symbol(Symbol::Semicolon) {
            return i.next();
        }
        if ends_statement(i) {
            return i;
        }
        i = i.next();
    }
    i
}

/// True at a keyword that cannot stand inside a statement.
fn ends_statement(i: Cursor<'_>) -> bool {
    use Keyword::{Case, Continue, Exit, For, If, Repeat, Return, While};
    match i.kind() {
        TokenKind::Keyword(keyword) => {
            is_boundary(keyword)
                || is_closer(keyword)
                || matches!(keyword, If | Case | For | While | Repeat | Exit | Continue | Return)
        }
        TokenKind::End => true,
        TokenKind::Name
        | TokenKind::Literal
        | TokenKind::Text
        | TokenKind::WideText
        | TokenKind::Address
        | TokenKind::Pragma
        | TokenKind::Symbol(_)
        | TokenKind::Bad => false,
    }
}

fn statement(i: Cursor<'_>, attributes: ThinVec<Attribute>) -> Res<'_, Stmt> {
    let _deeper = i.deeper()?;
    let start = i.span();
    let (i, kind) = match i.kind() {
        TokenKind::Symbol(Symbol::Semicolon) => (i.next(), StmtKind::Empty),
        TokenKind::Keyword(Keyword::If) => if_statement(i)?,
        TokenKind::Keyword(Keyword::Case) => case_statement(i)?,
        TokenKind::Keyword(Keyword::For) => for_statement(i)?,
        TokenKind::Keyword(Keyword::While) => while_statement(i)?,
        TokenKind::Keyword(Keyword::Repeat) => repeat_statement(i)?,
        TokenKind::Keyword(Keyword::Exit) => simple(i, StmtKind::Exit)?,
        TokenKind::Keyword(Keyword::Continue) => simple(i, StmtKind::Continue)?,
        TokenKind::Keyword(Keyword::Return) => simple(i, StmtKind::Return)?,
        TokenKind::Name => cut(named_statement).parse(i)?,
        TokenKind::Address => address_statement(i)?,
        TokenKind::Keyword(_)
        | TokenKind::Literal
        | TokenKind::Text
        | TokenKind::WideText
        | TokenKind::Pragma
        | TokenKind::Symbol(_)
        | TokenKind::Bad
        | TokenKind::End => return i.expected("a statement"),
    };
    Ok((i, Stmt { kind, attributes, span: i.since(start) }))
}

/// A statement of one keyword.
fn simple(i: Cursor<'_>, kind: StmtKind) -> Res<'_, StmtKind> {
    let (i, ()) = semicolon("`;`")(i.next())?;
    Ok((i, kind))
}

/// An assignment or a call.
fn named_statement(i: Cursor<'_>) -> Res<'_, StmtKind> {
    let start = i;
    let (i, target) = variable(i)?;
    if i.is_symbol(Symbol::ParenOpen) {
        let span = target.span;
        let (i, args) = arguments(i)?;
        let call = Call { callee: target, args, span: i.since(span) };
        if i.is_symbol(Symbol::Assign) {
            let finding =
                Diagnostic::new(Code::UnexpectedToken, call.span, "the result of a call cannot be assigned to");
            return i.fail(finding.help("array elements are written with brackets: a[1] := x;"));
        }
        let (i, ()) = semicolon("`;`")(i)?;
        return Ok((i, StmtKind::Call(Box::new(call))));
    }
    if !i.is_symbol(Symbol::Assign) && !i.is_symbol(Symbol::Equal) {
        return not_a_statement(start, i, &target);
    }
    assignment(i, Place::Variable(target))
}

/// A name that neither gets a value nor is called.
fn not_a_statement<'a>(start: Cursor<'a>, i: Cursor<'a>, target: &Variable) -> Res<'a, StmtKind> {
    let words = ["IF", "CASE", "FOR", "WHILE", "REPEAT", "EXIT", "RETURN", "CONTINUE"];
    let mut finding = i.unexpected("`:=` or `(`");
    if let Some(name) = target.as_name() {
        if let Some(word) = nearest(&name.text, words).filter(|_| name.text.len() > 1) {
            finding = Diagnostic { primary: crate::diag::Label { span: name.span, text: String::new() }, ..finding };
            finding = finding.help(format!("did you mean the keyword `{word}`?"));
        } else if i.is_symbol(Symbol::Semicolon) {
            finding = finding.help("a function block is called with parentheses, a variable gets a value with `:=`");
        }
    }
    if start.is_word("GOTO") || start.is_word("JMP") {
        finding = finding.note("Structured Text has no jumps");
    }
    match target.as_name().filter(|name| name.text.len() > 1).and_then(|name| nearest(&name.text, words)) {
        // The rest reads as what was meant, so that its closing keyword is no second mistake.
        Some("IF") => {
            i.context.report(finding);
            if_statement(start)
        }
        Some("CASE") => {
            i.context.report(finding);
            case_statement(start)
        }
        Some("FOR") => {
            i.context.report(finding);
            for_statement(start)
        }
        Some("WHILE") => {
            i.context.report(finding);
            while_statement(start)
        }
        _ => i.fail(finding),
    }
}

fn address_statement(i: Cursor<'_>) -> Res<'_, StmtKind> {
    let address = address_of(i);
    let i = i.next();
    match address {
        Some(address) => cut(|i| assignment(i, Place::Address(address.clone()))).parse(i),
        // Reported by the lexer.
        None => i.silent(),
    }
}

/// From `:=` on.
fn assignment(i: Cursor<'_>, target: Place) -> Res<'_, StmtKind> {
    let (i, ()) = assign_sign(i)?;
    let (i, value) = cut(expression).parse(i)?;
    let (i, ()) = semicolon(END)(i)?;
    Ok((i, StmtKind::Assign { target, value }))
}

/// `:=`, or `=` with a finding.
pub(super) fn assign_sign(i: Cursor<'_>) -> Res<'_, ()> {
    if i.is_symbol(Symbol::Equal) {
        let finding = Diagnostic::new(Code::EqualInsteadOfAssign, i.span(), "`=` compares, it gives no value");
        i.context.report(finding.label("write `:=` here"));
        return Ok((i.next(), ()));
    }
    let (i, _) = symbol(Symbol::Assign, "`:=`")(i)?;
    Ok((i, ()))
}

/// An expression and the keyword behind it. A mistake is recorded; reading goes on behind the keyword, or where the
/// mistake is if the keyword is missing.
fn head<'a, T>(
    i: Cursor<'a>,
    end: Keyword,
    what: &'static str,
    mut parser: impl FnMut(Cursor<'a>) -> Res<'a, T>,
) -> Result<(Cursor<'a>, Option<T>), nom::Err<Stop>> {
    let result = parser(i).and_then(|(i, value)| keyword(end, what)(i).map(|(i, _)| (i, value)));
    match result {
        Ok((i, value)) => Ok((i, Some(value))),
        Err(error) => {
            let at = i.record(error);
            if at.context.fatal.get() {
                return at.silent();
            }
            let mut ahead = at;
            while !ahead.is_keyword(end) {
                if ahead.is_symbol(Symbol::Semicolon) || ends_statement(ahead) {
                    return Ok((at, None));
                }
                ahead = ahead.next();
            }
            Ok((ahead.next(), None))
        }
    }
}

/// A condition, or [`ExprKind::Error`].
fn condition<'a>(i: Cursor<'a>, end: Keyword, what: &'static str) -> Result<(Cursor<'a>, Expr), nom::Err<Stop>> {
    let span = i.span();
    let (i, condition) = head(i, end, what, expression)?;
    Ok((i, condition.unwrap_or(Expr { kind: ExprKind::Error, span })))
}

/// The keyword that closes a statement and the semicolon behind it.
fn close<'a>(i: Cursor<'a>, end: Keyword, opening: Span, opener: &str) -> Res<'a, ()> {
    let (i, closed) = closing_keyword(i, end, opening, opener);
    if closed { semicolon("`;`")(i) } else { Ok((i, ())) }
}

/// The closing keyword; a missing or wrong one is reported. False where nothing was taken.
pub(super) fn closing_keyword<'a>(i: Cursor<'a>, end: Keyword, opening: Span, opener: &str) -> (Cursor<'a>, bool) {
    if i.is_keyword(end) {
        return (i.next(), true);
    }
    if i.is_spoilt() || i.context.fatal.get() {
        return (i, false);
    }
    if let TokenKind::Keyword(found) = i.kind() {
        let fits_outside = i.context.open.borrow().iter().any(|opener| opener.accepts(found));
        if is_closer(found) && !fits_outside {
            let message = format!("`{}` where `{}` belongs", found.text(), end.text());
            let finding = Diagnostic::new(Code::WrongEnd, i.span(), message);
            i.context.report(finding.also(opening, format!("this {opener} is open")));
            return (i.next(), true);
        }
    }
    let finding = Diagnostic::new(Code::MissingEnd, opening, format!("this {opener} has no {}", end.text()));
    i.context.report(finding.also(i.span(), format!("{} belongs before this", end.text())));
    (i, false)
}

fn if_statement(i: Cursor<'_>) -> Res<'_, StmtKind> {
    let opening = i.span();
    let mut i = i;
    let mut branches = Vec::new();
    let mut otherwise = None;
    {
        let _opened = i.opened(Opener::If);
        // The first word is IF, perhaps misspelt.
        while branches.is_empty() || i.is_keyword(Keyword::Elsif) {
            let (after, condition) = condition(i.next(), Keyword::Then, "an operator or THEN")?;
            let (after, body) = statements(after);
            branches.push(IfBranch { condition, body });
            i = after;
        }
        if i.is_keyword(Keyword::Else) {
            let (after, body) = statements(i.next());
            otherwise = Some(body);
            i = after;
        }
    }
    let (i, ()) = close(i, Keyword::EndIf, opening, "IF")?;
    Ok((i, StmtKind::If { branches, otherwise }))
}

fn case_statement(i: Cursor<'_>) -> Res<'_, StmtKind> {
    let opening = i.span();
    let mut arms = Vec::new();
    let mut otherwise = None;
    let (mut i, selector) = condition(i.next(), Keyword::Of, "an operator or OF")?;
    {
        let _opened = i.opened(Opener::Case);
        while !i.is_over() && !i.is_keyword(Keyword::Else) {
            if let TokenKind::Keyword(keyword) = i.kind()
                && ends_list(i, keyword)
            {
                break;
            }
            let (after, arm) = case_arm(i)?;
            arms.push(arm);
            i = after;
        }
        if i.is_keyword(Keyword::Else) {
            let (after, body) = statements(i.next());
            otherwise = Some(body);
            i = after;
        }
    }
    let (i, ()) = close(i, Keyword::EndCase, opening, "CASE")?;
    Ok((i, StmtKind::Case { selector: Box::new(selector), arms, otherwise }))
}

/// Labels, colon and statements. A mistake in the labels is recorded and the rest of the arm still read.
fn case_arm(i: Cursor<'_>) -> Res<'_, CaseArm> {
    let start = i.span();
    let comma = symbol(Symbol::Comma, "`,` or `:`");
    let mut labels = separated_list1(comma, case_label);
    let head = labels.parse(i).and_then(|(i, labels)| {
        symbol(Symbol::Colon, "an operator, `,`, `..` or `:` behind the values of this case")(i)
            .map(|(i, _)| (i, labels))
    });
    let (after, labels) = match head {
        Ok(read) => read,
        Err(error) => {
            let at = i.record(error);
            let mut ahead = at;
            while !ahead.is_over()
                && !ahead.is_symbol(Symbol::Colon)
                && !ahead.is_symbol(Symbol::Semicolon)
                && !ends_statement(ahead)
            {
                ahead = ahead.next();
            }
            let skipped = ahead.is_symbol(Symbol::Colon) || ahead.is_symbol(Symbol::Semicolon);
            let ahead = if skipped || ahead.span() == start { ahead.next() } else { ahead };
            (ahead, Vec::new())
        }
    };
    let span = after.since(start);
    if after.context.fatal.get() {
        return after.silent();
    }
    let (i, body) = list(after, true);
    let labels = if labels.is_empty() { vec![CaseLabel::Value(Expr { kind: ExprKind::Error, span })] } else { labels };
    Ok((i, CaseArm { labels, body, span }))
}

fn case_label(i: Cursor<'_>) -> Res<'_, CaseLabel> {
    let (i, low) = expression(i)?;
    if !i.is_symbol(Symbol::DotDot) {
        return Ok((i, CaseLabel::Value(low)));
    }
    let (i, high) = cut(expression).parse(i.next())?;
    let span = low.span.to(high.span);
    Ok((i, CaseLabel::Range(Range { low, high, span })))
}

/// True if the statement list of a case arm ends here because the next arm's values begin: a `:` comes before anything
/// that only a statement has.
fn is_case_label(i: Cursor<'_>) -> bool {
    let mut depth = 0_u32;
    let mut ahead = 0;
    loop {
        match i.peek_at(ahead).kind {
            TokenKind::Symbol(Symbol::Colon) if depth == 0 => return true,
            TokenKind::Symbol(Symbol::ParenOpen | Symbol::BracketOpen) => depth += 1,
            TokenKind::Symbol(Symbol::ParenClose | Symbol::BracketClose) => depth = depth.saturating_sub(1),
            TokenKind::Symbol(Symbol::Semicolon) | TokenKind::End | TokenKind::Bad => return false,
            TokenKind::Symbol(Symbol::Assign) if depth == 0 => return false,
            TokenKind::Keyword(
                Keyword::Not
                | Keyword::True
                | Keyword::False
                | Keyword::Mod
                | Keyword::And
                | Keyword::Or
                | Keyword::Xor,
            ) => {}
            TokenKind::Keyword(_) => return false,
            TokenKind::Symbol(_)
            | TokenKind::Name
            | TokenKind::Literal
            | TokenKind::Text
            | TokenKind::WideText
            | TokenKind::Address
            | TokenKind::Pragma => {}
        }
        ahead += 1;
    }
}

fn for_statement(i: Cursor<'_>) -> Res<'_, StmtKind> {
    let opening = i.span();
    let (i, header) = head(i.next(), Keyword::Do, "an operator, BY or DO", for_header)?;
    let (i, body) = {
        let _opened = i.opened(Opener::For);
        statements(i)
    };
    let (i, ()) = close(i, Keyword::EndFor, opening, "FOR")?;
    let Some((variable, from, to, by)) = header else {
        // The body is kept out: without its variable nothing true can be said about it.
        return Ok((i, StmtKind::Error));
    };
    Ok((i, StmtKind::For(Box::new(ForLoop { variable, from, to, by, body }))))
}

/// `variable := from TO to BY by`
fn for_header(i: Cursor<'_>) -> Res<'_, (Variable, Expr, Expr, Option<Expr>)> {
    let (i, variable) = variable(i)?;
    let (i, ()) = assign_sign(i)?;
    let (i, from) = expression(i)?;
    let (i, _) = keyword(Keyword::To, "an operator or TO")(i)?;
    let (i, to) = expression(i)?;
    if !i.is_keyword(Keyword::By) {
        return Ok((i, (variable, from, to, None)));
    }
    let (i, by) = expression(i.next())?;
    Ok((i, (variable, from, to, Some(by))))
}

fn while_statement(i: Cursor<'_>) -> Res<'_, StmtKind> {
    let opening = i.span();
    let (i, condition) = condition(i.next(), Keyword::Do, "an operator or DO")?;
    let (i, body) = {
        let _opened = i.opened(Opener::While);
        statements(i)
    };
    let (i, ()) = close(i, Keyword::EndWhile, opening, "WHILE")?;
    Ok((i, StmtKind::While { condition, body }))
}

fn repeat_statement(i: Cursor<'_>) -> Res<'_, StmtKind> {
    let opening = i.span();
    let _opened = i.opened(Opener::Repeat);
    let (i, body) = statements(i.next());
    if !i.is_keyword(Keyword::Until) {
        let (i, ()) = if i.is_keyword(Keyword::EndRepeat) {
            let finding = Diagnostic::new(Code::MissingEnd, i.span(), "UNTIL is missing before END_REPEAT");
            i.context.report(finding.help("write UNTIL and the condition that ends the loop"));
            semicolon("`;`")(i.next())?
        } else {
            close(i, Keyword::Until, opening, "REPEAT")?
        };
        return Ok((i, StmtKind::Error));
    }
    // Both `UNTIL x END_REPEAT` (the standard) and `UNTIL x; END_REPEAT` (widely written) are read.
    let (i, until) = match expression(i.next()) {
        Ok((i, until)) => (if i.is_symbol(Symbol::Semicolon) { i.next() } else { i }, until),
        Err(error) => {
            let span = i.span();
            let at = i.record(error);
            (resync(i, at), Expr { kind: ExprKind::Error, span })
        }
    };
    let (i, ()) = close(i, Keyword::EndRepeat, opening, "REPEAT")?;
    Ok((i, StmtKind::Repeat { body, until }))
}
