//! Program units, configurations and the file around them.

use nom::Parser;
use nom::combinator::cut;
use nom::multi::separated_list1;
use thin_vec::ThinVec;

use super::ahead;
use super::cursor::{Cursor, Res, closing, name, pragmas, semicolon, symbol};
use super::decl::{merged, section, section_kind, sections, stated_retention, type_ref, type_section};
use super::expr::{arguments, expression};
use super::ladder::ladder;
use super::stmt::{assign_sign, closing_keyword, statements};
use crate::ast::{
    Attribute, Body, Configuration, Item, Pou, PouKind, ProgramInstance, Resource, Stmt, Task, TaskProperty, VarKind,
    VarSection,
};
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::token::{Keyword, Symbol, TokenKind};
use bytecode::near::nearest;

/// Everything in a file. Never fails.
pub(super) fn items(mut i: Cursor<'_>) -> Vec<Item> {
    let mut items = Vec::new();
    while !i.is_over() {
        if let Some((after, read)) = ahead::items(i) {
            items.extend(read);
            i = after;
            continue;
        }
        let (after, attributes) = pragmas(i);
        i = match after.kind() {
            TokenKind::Keyword(Keyword::Program) => unit(after, PouKind::Program, attributes, &mut items),
            TokenKind::Keyword(Keyword::Function) => unit(after, PouKind::Function, attributes, &mut items),
            TokenKind::Keyword(Keyword::FunctionBlock) => unit(after, PouKind::FunctionBlock, attributes, &mut items),
            TokenKind::Keyword(Keyword::Configuration) => configuration(after, &mut items),
            TokenKind::Keyword(Keyword::Type) => {
                let (after, types) = type_section(after);
                items.push(Item::Types(types));
                after
            }
            TokenKind::Keyword(Keyword::VarGlobal) => {
                let (after, globals) = section(after, VarKind::Global, attributes);
                items.push(Item::Globals(globals));
                after
            }
            TokenKind::Keyword(_)
            | TokenKind::Name
            | TokenKind::Literal
            | TokenKind::Text
            | TokenKind::WideText
            | TokenKind::Address
            | TokenKind::Pragma
            | TokenKind::Symbol(_)
            | TokenKind::Bad
            | TokenKind::End => outside(after),
        };
    }
    items
}

/// Text outside of every unit: one finding, then on to the next unit.
fn outside(start: Cursor<'_>) -> Cursor<'_> {
    if start.kind() == TokenKind::End {
        return start;
    }
    if !start.is_spoilt() {
        start.context.report(outside_finding(start));
    }
    let mut i = start.next();
    while !i.is_over() && !begins_unit(i.kind()) {
        i = i.next();
    }
    i
}

fn outside_finding(i: Cursor<'_>) -> Diagnostic {
    let later = ["CLASS", "INTERFACE", "NAMESPACE", "USING", "METHOD"];
    if let Some(word) = later.iter().find(|word| i.is_word(word)) {
        return Diagnostic::new(Code::NotYet, i.span(), format!("{word} comes in a later version"));
    }
    let units = "PROGRAM, FUNCTION, FUNCTION_BLOCK, CONFIGURATION, TYPE or VAR_GLOBAL";
    let mut finding = Diagnostic { code: Code::OutsideUnit, ..i.unexpected(units) };
    if i.kind() == TokenKind::Name {
        let words = ["PROGRAM", "FUNCTION", "FUNCTION_BLOCK", "CONFIGURATION", "TYPE", "VAR_GLOBAL"];
        if let Some(word) = nearest(i.text(), words) {
            return finding.help(format!("did you mean `{word}`?"));
        }
    }
    if i.is_keyword(Keyword::Rung) || i.is_keyword(Keyword::Ladder) || section_kind(i.kind()).is_some() {
        finding = finding.help("a program begins with PROGRAM and its name");
    }
    finding
}

/// True for keywords with which a unit begins.
pub(super) fn begins_unit(kind: TokenKind) -> bool {
    use Keyword::{Configuration, Function, FunctionBlock, Program, Type, VarGlobal};
    matches!(kind, TokenKind::Keyword(Program | Function | FunctionBlock | Configuration | Type | VarGlobal))
}

fn words(kind: PouKind) -> (Keyword, &'static str, &'static str) {
    match kind {
        PouKind::Program => (Keyword::EndProgram, "PROGRAM", "the name of the program"),
        PouKind::Function => (Keyword::EndFunction, "FUNCTION", "the name of the function"),
        PouKind::FunctionBlock => (Keyword::EndFunctionBlock, "FUNCTION_BLOCK", "the name of the function block"),
    }
}

/// A program, function or function block.
fn unit<'a>(start: Cursor<'a>, kind: PouKind, attributes: ThinVec<Attribute>, items: &mut Vec<Item>) -> Cursor<'a> {
    let opening = start.span();
    let (end, opener, what) = words(kind);
    let (mut i, name) = match name(what)(start.next()) {
        Ok(read) => read,
        Err(error) => {
            let mut i = start.record(error);
            while !i.is_over() && !i.is_keyword(end) && !begins_unit(i.kind()) {
                i = i.next();
            }
            return if i.is_keyword(end) { i.next() } else { i };
        }
    };
    let mut result = None;
    if i.is_symbol(Symbol::Colon) {
        match cut(type_ref).parse(i.next()) {
            Ok((after, ty)) => {
                result = Some(ty);
                i = after;
            }
            Err(error) => i = skip_header(i.record(error)),
        }
    } else if i.is_symbol(Symbol::Semicolon) {
        let finding = i.unexpected("declarations or the body");
        i.context.report(finding.help("no `;` behind the name"));
        i = i.next();
    }
    let (i, mut declared) = sections(i);
    let (i, body) = body(i, end, &mut declared);
    let i = end_unit(i, end, opening, opener);
    items.push(Item::Pou(Pou { kind, name, result, attributes, sections: declared, body, span: i.since(opening) }));
    i
}

/// To the declarations or the body, behind a mistake in the head of a unit.
fn skip_header(mut i: Cursor<'_>) -> Cursor<'_> {
    while !i.is_over() && !matches!(i.kind(), TokenKind::Keyword(_)) && !i.is_symbol(Symbol::Semicolon) {
        i = i.next();
    }
    i
}

/// The body up to the closing keyword. Declarations behind the first statement are reported and kept.
fn body<'a>(i: Cursor<'a>, end: Keyword, declared: &mut Vec<VarSection>) -> (Cursor<'a>, Body) {
    if let Some(finding) = other_language(i) {
        i.context.report(finding);
        let mut i = i;
        while !i.is_over() && !i.is_keyword(end) && !matches!(i.kind(), TokenKind::Keyword(Keyword::Program)) {
            i = i.next();
        }
        return (i, Body::Statements(Vec::new()));
    }
    if i.is_keyword(Keyword::Ladder) {
        let (i, ladder) = ladder(i);
        let (i, _) = more_body(i, declared, true);
        return (i, Body::Ladder(ladder));
    }
    let (i, body) = more_body(i, declared, false);
    (i, Body::Statements(body))
}

/// Statements up to the end of the unit, with a finding for everything that does not belong there.
fn more_body<'a>(mut i: Cursor<'a>, declared: &mut Vec<VarSection>, after_ladder: bool) -> (Cursor<'a>, Vec<Stmt>) {
    let mut body = Vec::new();
    let mut complained = false;
    loop {
        let (after, more) = statements(i);
        if after_ladder && !more.is_empty() && !complained {
            complained = true;
            let finding = Diagnostic::new(Code::UnexpectedToken, i.span(), "statements behind END_LADDER");
            i.context.report(
                finding.help(
                    "a body is either a ladder or Structured Text; statements in a ladder stand in ST ... END_ST",
                ),
            );
        }
        if body.is_empty() {
            body = more;
        } else {
            body.extend(more);
        }
        i = after;
        if i.is_over() {
            return (i, body);
        }
        if section_kind(i.kind()).is_some() && !i.is_keyword(Keyword::VarGlobal) {
            let finding = i.unexpected("a statement or the end of the unit");
            i.context.report(finding.help("declarations stand before the body"));
            let (after, late) = sections(i);
            declared.extend(late);
            i = after;
        } else if let Some(after) = misplaced_frame(i, after_ladder || !body.is_empty()) {
            i = after;
        } else {
            return (i, body);
        }
    }
}

/// `LADDER`, `RUNG` and closing keywords that do not belong into a body of statements.
fn misplaced_frame(i: Cursor<'_>, begun: bool) -> Option<Cursor<'_>> {
    if i.is_keyword(Keyword::Ladder) && begun {
        let finding = Diagnostic::new(Code::UnexpectedToken, i.span(), "a second body");
        i.context.report(finding.help("a unit has one body: put all rungs into one LADDER ... END_LADDER"));
        return Some(ladder(i).0);
    }
    if i.is_keyword(Keyword::Ladder) {
        return Some(ladder(i).0);
    }
    if i.is_keyword(Keyword::Rung) {
        let finding = Diagnostic::new(Code::UnexpectedToken, i.span(), "RUNG outside of a ladder");
        i.context.report(finding.help("write LADDER before the first rung and END_LADDER behind the last"));
        let mut i = i.next();
        while !i.is_over() && !matches!(i.kind(), TokenKind::Keyword(keyword) if ends_rungs(keyword)) {
            i = i.next();
        }
        return Some(if i.is_keyword(Keyword::EndLadder) { i.next() } else { i });
    }
    let stray = [Keyword::EndLadder, Keyword::EndVar, Keyword::EndStruct, Keyword::EndType];
    let TokenKind::Keyword(found) = i.kind() else { return None };
    if !stray.contains(&found) {
        return None;
    }
    let message = format!("`{}` closes nothing", found.text());
    i.context.report(Diagnostic::new(Code::WrongEnd, i.span(), message).help("remove it"));
    Some(i.next())
}

/// Keywords at which loose rungs end.
fn ends_rungs(keyword: Keyword) -> bool {
    use Keyword::{EndFunction, EndFunctionBlock, EndLadder, EndProgram};
    matches!(keyword, EndLadder | EndProgram | EndFunction | EndFunctionBlock)
        || begins_unit(TokenKind::Keyword(keyword))
}

/// The closing keyword of a unit; that of another unit is taken for it.
fn end_unit<'a>(i: Cursor<'a>, end: Keyword, opening: Span, opener: &str) -> Cursor<'a> {
    let ends = [
        Keyword::EndProgram,
        Keyword::EndFunction,
        Keyword::EndFunctionBlock,
        Keyword::EndConfiguration,
        Keyword::EndResource,
    ];
    if let TokenKind::Keyword(found) = i.kind()
        && found != end
        && ends.contains(&found)
    {
        let message = format!("`{}` where `{}` belongs", found.text(), end.text());
        let finding = Diagnostic::new(Code::WrongEnd, i.span(), message);
        i.context.report(finding.also(opening, format!("this {opener} is open")));
        return i.next();
    }
    closing_keyword(i, end, opening, opener).0
}

/// A finding for bodies in languages of the standard that are not read yet.
fn other_language(i: Cursor<'_>) -> Option<Diagnostic> {
    let follows = i.peek_at(1).kind;
    let sfc = ["INITIAL_STEP", "STEP", "TRANSITION", "ACTION"];
    if sfc.iter().any(|word| i.is_word(word)) && follows == TokenKind::Name {
        return Some(Diagnostic::new(Code::NotYet, i.span(), "sequential function charts come in a later version"));
    }
    let list = ["LD", "LDN", "ST", "STN", "ANDN", "ORN", "CAL", "JMPC"];
    let operand = matches!(follows, TokenKind::Name | TokenKind::Literal | TokenKind::Address);
    if operand && list.iter().any(|word| i.is_word(word)) {
        let finding = Diagnostic::new(Code::NotYet, i.span(), "Instruction List comes in a later version");
        return Some(finding.help("write the body as LADDER ... END_LADDER or as Structured Text"));
    }
    None
}

// --- configurations ---------------------------------------------------------------------------------------------------

/// What a configuration or a resource holds.
#[derive(Default)]
struct Contents {
    globals: Vec<VarSection>,
    tasks: Vec<Task>,
    programs: Vec<ProgramInstance>,
    resources: Vec<Resource>,
}

fn configuration<'a>(start: Cursor<'a>, items: &mut Vec<Item>) -> Cursor<'a> {
    let opening = start.span();
    let (i, name) = match name("the name of the configuration")(start.next()) {
        Ok(read) => read,
        Err(error) => {
            let mut i = start.record(error);
            while !i.is_over() && !i.is_keyword(Keyword::EndConfiguration) {
                i = i.next();
            }
            return i.next();
        }
    };
    let (i, contents) = contents(i, Keyword::EndConfiguration);
    let i = end_unit(i, Keyword::EndConfiguration, opening, "CONFIGURATION");
    let Contents { globals, tasks, programs, mut resources } = contents;
    let span = i.since(opening);
    if !tasks.is_empty() || !programs.is_empty() {
        resources.push(Resource { name: None, processor: None, globals: Vec::new(), tasks, programs, span });
    }
    items.push(Item::Configuration(Configuration { name, globals, resources, span }));
    i
}

/// Sections, resources, tasks and programs up to the closing keyword. Never fails.
fn contents<'a>(mut i: Cursor<'a>, end: Keyword) -> (Cursor<'a>, Contents) {
    let mut contents = Contents::default();
    while !i.is_over() && !i.is_keyword(end) {
        let (after, found) = sections(i);
        contents.globals.extend(found);
        i = after;
        let step = match i.kind() {
            TokenKind::Keyword(Keyword::Resource) if end == Keyword::EndConfiguration => {
                let (after, found) = resource(i);
                contents.resources.extend(found);
                i = after;
                continue;
            }
            TokenKind::Keyword(Keyword::Program) => program_instance(i).map(|(after, found)| {
                contents.programs.push(found);
                after
            }),
            TokenKind::Name if i.is_word("TASK") => task(i).map(|(after, found)| {
                contents.tasks.push(found);
                after
            }),
            TokenKind::Keyword(keyword) if ends_contents(keyword) => break,
            TokenKind::Keyword(_)
            | TokenKind::Name
            | TokenKind::Literal
            | TokenKind::Text
            | TokenKind::WideText
            | TokenKind::Address
            | TokenKind::Pragma
            | TokenKind::Symbol(_)
            | TokenKind::Bad
            | TokenKind::End => i
                .expected::<()>("VAR_GLOBAL, RESOURCE, TASK, PROGRAM or the end of the configuration")
                .map(|(after, ())| after),
        };
        i = match step {
            Ok(after) => after,
            Err(error) => resync(i, i.record(error)),
        };
    }
    (i, contents)
}

/// Keywords that end a configuration or resource, rightly or because its own end is missing.
fn ends_contents(keyword: Keyword) -> bool {
    use Keyword::{
        Configuration, EndConfiguration, EndFunction, EndFunctionBlock, EndProgram, EndResource, Function,
        FunctionBlock, Resource, Type,
    };
    matches!(
        keyword,
        Configuration
            | EndConfiguration
            | EndFunction
            | EndFunctionBlock
            | EndProgram
            | EndResource
            | Function
            | FunctionBlock
            | Resource
            | Type
    )
}

/// Behind the next `;`, or at a keyword that begins or ends something. Always behind `start`.
fn resync<'a>(start: Cursor<'a>, at: Cursor<'a>) -> Cursor<'a> {
    let mut i = if at.span().start <= start.span().start { start.next() } else { at };
    while !i.is_over() {
        if i.is_symbol(Symbol::Semicolon) {
            return i.next();
        }
        if matches!(i.kind(), TokenKind::Keyword(keyword) if ends_contents(keyword) || keyword == Keyword::Program) {
            return i;
        }
        i = i.next();
    }
    i
}

fn resource(start: Cursor<'_>) -> (Cursor<'_>, Option<Resource>) {
    let opening = start.span();
    let head = name("the name of the resource")(start.next()).and_then(|(i, name)| {
        if !i.is_word("ON") {
            return i.expected("ON and the type of the processor");
        }
        let (i, processor) = self::name("the type of the processor")(i.next())?;
        Ok((i, (name, processor)))
    });
    let (i, head) = match head {
        Ok((i, head)) => (i, Some(head)),
        Err(error) => (resync(start, start.record(error)), None),
    };
    let (i, contents) = contents(i, Keyword::EndResource);
    let i = if i.is_keyword(Keyword::EndResource) {
        i.next()
    } else {
        closing_keyword(i, Keyword::EndResource, opening, "RESOURCE").0
    };
    let span = i.since(opening);
    let resource = head.map(|(name, processor)| Resource {
        name: Some(name),
        processor: Some(processor),
        globals: contents.globals,
        tasks: contents.tasks,
        programs: contents.programs,
        span,
    });
    (i, resource)
}

/// `TASK name (INTERVAL := T#10ms, PRIORITY := 1);`
fn task(i: Cursor<'_>) -> Res<'_, Task> {
    let start = i.span();
    let (i, name) = name("the name of the task")(i.next())?;
    let opening = i.span();
    let (i, _) =
        symbol(Symbol::ParenOpen, "`(` and the properties, for example (INTERVAL := T#10ms, PRIORITY := 1)")(i)?;
    let comma = symbol(Symbol::Comma, "`,` or `)`");
    let (i, properties) = cut(separated_list1(comma, task_property)).parse(i)?;
    let (i, _) = closing(Symbol::ParenClose, opening, "an operator, `,` or `)`")(i)?;
    let (i, ()) = semicolon("`;`")(i)?;
    Ok((i, Task { name, properties, span: i.since(start) }))
}

fn task_property(i: Cursor<'_>) -> Res<'_, TaskProperty> {
    let (i, name) = name("INTERVAL, PRIORITY or SINGLE")(i)?;
    let (i, ()) = assign_sign(i)?;
    let (i, value) = cut(expression).parse(i)?;
    Ok((i, TaskProperty { name, value }))
}

/// `PROGRAM instance WITH task : Type (in := x, out => y);`
fn program_instance(i: Cursor<'_>) -> Res<'_, ProgramInstance> {
    let start = i.span();
    let mut i = i.next();
    let mut retention = None;
    while let Some(stated) = stated_retention(i) {
        retention = merged(i, retention, stated);
        i = i.next();
    }
    let (mut i, name) = name("the name of the program's instance")(i)?;
    let mut task = None;
    if i.is_word("WITH") {
        let (after, word) = self::name("the name of a task")(i.next())?;
        task = Some(word);
        i = after;
    }
    let what =
        if task.is_some() { "`:` and the program's type" } else { "WITH and a task, or `:` and the program's type" };
    let (i, _) = symbol(Symbol::Colon, what)(i)?;
    let (mut i, program) = self::name("the program's type")(i)?;
    let mut connections = Vec::new();
    if i.is_symbol(Symbol::ParenOpen) {
        let (after, args) = cut(arguments).parse(i)?;
        connections = args;
        i = after;
    }
    let (i, ()) = semicolon("`(` or `;`")(i)?;
    Ok((i, ProgramInstance { name, retention, task, program, arguments: connections, span: i.since(start) }))
}
