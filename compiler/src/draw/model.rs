//! What is drawn: units, rungs, and their elements as symbols with their texts.

use smol_str::SmolStr;
use std::collections::HashMap;

use super::Drawing;
use crate::ast::{
    Arg, ArgKind, Body, Call, Comment, Element, ElementKind, File, Item, Ladder, Pou, PouKind, Rung, Series, Stmt,
    TypeKind, VarKind, VarSection,
};
use crate::lexer::lex;
use crate::source::{FileId, SourceMap, Span};
use crate::token::TokenKind;

/// One ladder.
pub(super) struct Sheet {
    /// `PROGRAM Main`
    pub(super) heading: String,
    pub(super) rungs: Vec<RungModel>,
}

/// One rung.
pub(super) struct RungModel {
    /// Counted from 1 in its ladder.
    pub(super) number: usize,
    /// The lines of the comment above it.
    pub(super) comments: Vec<String>,
    /// Label and title.
    pub(super) title: String,
    /// Empty for a rung that could not be read.
    pub(super) nodes: Vec<Node>,
    /// Where it is written.
    pub(super) span: Span,
}

/// Something on a wire.
pub(super) enum Node {
    /// Legs from top to bottom.
    Parallel(Vec<Vec<Node>>),
    /// `glyph` stands between the two bars of a contact.
    Contact { name: String, glyph: &'static str, address: String, span: Span },
    /// `glyph` stands between the two brackets of a coil.
    Coil { name: String, glyph: &'static str, address: String, span: Span },
    /// A box with texts in it: comparison, condition, ST.
    Note { title: &'static str, lines: Vec<String>, span: Span },
    /// A function or a function block.
    Block(Block),
    /// Inverts the power.
    Invert,
    /// A plain wire.
    Wire,
    /// A jump to a label, or the return.
    Exit { text: String, jump: bool },
}

/// A box with pins. The first pin on each side is on the wire.
pub(super) struct Block {
    /// The instance's name; empty for a function.
    pub(super) instance: String,
    /// The type's or the function's name.
    pub(super) title: String,
    pub(super) inputs: Vec<Pin>,
    pub(super) outputs: Vec<Pin>,
}

/// A pin and what is connected to it.
pub(super) struct Pin {
    pub(super) name: String,
    pub(super) value: String,
}

/// What the declarations tell a drawing.
struct Names<'a> {
    map: &'a SourceMap,
    file: &'a File,
    /// All files of the project.
    project: &'a [File],
    /// Variable to (type, address); keys in capitals.
    variables: HashMap<SmolStr, (String, String)>,
}

/// All ladders of a drawing; with one rung asked for, only those that have it.
pub(super) fn sheets(drawing: &Drawing<'_>) -> Vec<Sheet> {
    let Drawing { map, file, project, rung } = *drawing;
    let mut globals = HashMap::new();
    // The file's own declarations come last and win.
    for item in project.iter().chain([file]).flat_map(|f| &f.items) {
        if let Item::Globals(section) = item {
            declare(&mut globals, section);
        }
    }
    let mut sheets = Vec::new();
    for item in &file.items {
        let Item::Pou(pou) = item else { continue };
        let Body::Ladder(ladder) = &pou.body else { continue };
        let mut variables = globals.clone();
        for section in &pou.sections {
            declare(&mut variables, section);
        }
        let names = Names { map, file, project, variables };
        let sheet = names.sheet(pou, ladder, rung);
        if rung.is_none() || !sheet.rungs.is_empty() {
            sheets.push(sheet);
        }
    }
    sheets
}

fn declare(variables: &mut HashMap<SmolStr, (String, String)>, section: &VarSection) {
    for declaration in &section.declarations {
        let ty = match &declaration.ty.kind {
            TypeKind::Named(name) => name.text.to_string(),
            TypeKind::Text { .. }
            | TypeKind::Array { .. }
            | TypeKind::Subrange { .. }
            | TypeKind::Enumeration { .. }
            | TypeKind::Struct { .. }
            | TypeKind::Reference(_)
            | TypeKind::Error => String::new(),
        };
        let address = declaration.address.as_ref().map_or(String::new(), |address| address.text.to_ascii_uppercase());
        for name in &declaration.names {
            variables.insert(name.key(), (ty.clone(), address.clone()));
        }
    }
}

impl Names<'_> {
    fn sheet(&self, pou: &Pou, ladder: &Ladder, wanted: Option<&str>) -> Sheet {
        let word = match pou.kind {
            PouKind::Program => "PROGRAM",
            PouKind::Function => "FUNCTION",
            PouKind::FunctionBlock => "FUNCTION_BLOCK",
        };
        let mut rungs = Vec::new();
        let mut from = ladder.span.start;
        for (index, rung) in ladder.rungs.iter().enumerate() {
            let number = index + 1;
            let labelled = |label: &str| rung.label.as_ref().is_some_and(|l| l.text.eq_ignore_ascii_case(label));
            if wanted.is_none_or(|wanted| labelled(wanted) || wanted.parse() == Ok(number)) {
                rungs.push(self.rung(number, rung, from));
            }
            from = rung.span.end;
        }
        Sheet { heading: format!("{word} {}", pou.name.text), rungs }
    }

    /// `from` is where the rung before ended: comments in between belong to this rung.
    fn rung(&self, number: usize, rung: &Rung, from: u32) -> RungModel {
        let label = rung.label.as_ref().map_or("", |label| label.text.as_str());
        let title = rung.title.as_ref().map_or("", |title| title.text.as_str());
        let title = match (label.is_empty(), title.is_empty()) {
            (false, false) => format!("{label}: {title}"),
            (false, true) => label.to_owned(),
            (true, _) => title.to_owned(),
        };
        let between = |comment: &&Comment| comment.span.start >= from && comment.span.end <= rung.span.start;
        let first_line = self.map.get(self.file.file).map_or(0, |source| source.line_column(from).line);
        let comments = self
            .file
            .comments
            .iter()
            .filter(between)
            // A comment on the line of the rung before belongs to that one.
            .filter(|comment| {
                self.map.place(comment.span).is_some_and(|(_, place)| place.line > first_line || from == 0)
            })
            .flat_map(|comment| comment_lines(self.map.slice(comment.span)))
            .collect();
        RungModel { number, comments, title: cut(&title), nodes: self.series(&rung.series), span: rung.span }
    }

    fn series(&self, series: &Series) -> Vec<Node> {
        series.elements.iter().map(|element| self.element(element)).collect()
    }

    fn element(&self, element: &Element) -> Node {
        use crate::ast::{CoilKind, ContactKind};
        match &element.kind {
            ElementKind::Contact { kind, operand } => Node::Contact {
                name: self.text(operand.span),
                glyph: match kind {
                    ContactKind::Open => " ",
                    ContactKind::Closed => "/",
                    ContactKind::Rise => "P",
                    ContactKind::Fall => "N",
                },
                address: self.address(operand.span),
                span: element.span,
            },
            ElementKind::Coil { kind, operand } => Node::Coil {
                name: self.text(operand.span()),
                glyph: match kind {
                    CoilKind::Normal => " ",
                    CoilKind::Negated => "/",
                    CoilKind::Set => "S",
                    CoilKind::Reset => "R",
                    CoilKind::Rise => "P",
                    CoilKind::Fall => "N",
                },
                address: self.address(operand.span()),
                span: element.span,
            },
            ElementKind::Compare { op, left, right } => {
                let line = format!("{} {} {}", self.text(left.span), op.symbol(), self.text(right.span));
                Node::Note { title: "", lines: vec![line], span: element.span }
            }
            ElementKind::Condition(condition) => {
                Node::Note { title: "", lines: fill(&self.text(condition.span)), span: element.span }
            }
            ElementKind::Statements(statements) => {
                Node::Note { title: "ST", lines: self.statements(statements), span: element.span }
            }
            ElementKind::Invert => Node::Invert,
            ElementKind::Wire => Node::Wire,
            ElementKind::Jump(label) => Node::Exit { text: label.text.to_string(), jump: true },
            ElementKind::Return => Node::Exit { text: "RETURN".to_owned(), jump: false },
            ElementKind::Call(call) => Node::Block(self.block(call)),
            ElementKind::Branch(legs) => Node::Parallel(legs.iter().map(|leg| self.series(leg)).collect()),
        }
    }

    fn block(&self, call: &Call) -> Block {
        let callee = self.text(call.callee.span);
        let declared = self.variables.get(&call.callee.name.key());
        let is_instance = declared.is_some() || !call.callee.accessors.is_empty();
        let ty = match declared {
            Some((ty, _)) if call.callee.accessors.is_empty() => ty.clone(),
            Some(_) | None => String::new(),
        };
        let (instance, title) = if is_instance { (callee, ty) } else { (String::new(), callee) };
        let (power_in, power_out) = self.power_pins(if is_instance { &title } else { "" }, &call.args);
        let mut inputs = vec![Pin { name: power_in, value: String::new() }];
        let mut outputs = vec![Pin { name: power_out, value: String::new() }];
        for arg in &call.args {
            let value = arg.value.as_ref().map_or(String::new(), |value| self.text(value.span));
            match &arg.kind {
                ArgKind::Positional => inputs.push(Pin { name: String::new(), value }),
                ArgKind::Input(name) => inputs.push(Pin { name: name.text.to_string(), value }),
                ArgKind::Output { name, negated } => {
                    let name = if *negated { format!("NOT {}", name.text) } else { name.text.to_string() };
                    outputs.push(Pin { name, value });
                }
            }
        }
        // A constant TRUE on EN says nothing that the wire does not show.
        inputs.retain(|pin| !(pin.name.eq_ignore_ascii_case("EN") && pin.value.eq_ignore_ascii_case("TRUE")));
        Block { instance, title, inputs, outputs }
    }

    /// The names of the pins that the power goes through.
    fn power_pins(&self, ty: &str, args: &[Arg]) -> (String, String) {
        let enabled = args.iter().any(|arg| matches!(&arg.kind, ArgKind::Input(name) if name.is("EN")));
        let upper = ty.to_ascii_uppercase();
        let standard = match upper.as_str() {
            _ if enabled => None,
            "TON" | "TOF" | "TP" | "TON_LTIME" | "TOF_LTIME" | "TP_LTIME" | "TON_TIME" | "TOF_TIME" | "TP_TIME" => {
                Some(("IN", "Q"))
            }
            "R_TRIG" | "F_TRIG" => Some(("CLK", "Q")),
            "SR" => Some(("S1", "Q1")),
            "RS" => Some(("S", "Q1")),
            // Counts by its named inputs; the wire only passes by on the left.
            name if name == "CTUD" || name.starts_with("CTUD_") => Some(("", "QU")),
            name if name == "CTU" || name.starts_with("CTU_") => Some(("CU", "Q")),
            name if name == "CTD" || name.starts_with("CTD_") => Some(("CD", "Q")),
            _ => None,
        };
        if let Some((input, output)) = standard {
            return (input.to_owned(), output.to_owned());
        }
        let marked = |kind: VarKind| (!enabled).then(|| self.power_parameter(ty, kind)).flatten();
        match (marked(VarKind::Input), marked(VarKind::Output)) {
            (None, None) => ("EN".to_owned(), "ENO".to_owned()),
            (input, output) => (input.unwrap_or_default(), output.unwrap_or_default()),
        }
    }

    /// The parameter marked `{power}` of a block declared in this file or another of the project.
    fn power_parameter(&self, ty: &str, kind: VarKind) -> Option<String> {
        let mut items = self.file.items.iter().chain(self.project.iter().flat_map(|f| &f.items));
        let pou = items.find_map(|item| match item {
            Item::Pou(pou) if pou.name.is(ty) => Some(pou),
            Item::Pou(_) | Item::Configuration(_) | Item::Globals(_) | Item::Types(_) => None,
        })?;
        pou.sections
            .iter()
            .filter(|section| section.kind == kind)
            .flat_map(|section| &section.declarations)
            .find(|declaration| declaration.has_attribute("power"))
            .and_then(|declaration| declaration.names.first())
            .map(|name| name.text.to_string())
    }

    /// The address of a lone variable, where its declaration has one.
    fn address(&self, span: Span) -> String {
        let key = self.map.slice(span).to_ascii_uppercase();
        self.variables.get(key.as_str()).map_or(String::new(), |(_, address)| address.clone())
    }

    /// The source text on one line, without comments; a very long one is cut.
    fn text(&self, span: Span) -> String {
        let length = (span.end - span.start.min(span.end)).min(EXPRESSION_BYTES);
        let head = Span { end: span.start + length, ..span };
        let text = if head.end < span.end && self.map.slice(head).is_empty() {
            self.map.slice(span)
        } else {
            self.map.slice(head)
        };
        let flat = flatten(text);
        if head.end < span.end { format!("{flat} ...") } else { flat }
    }

    /// The lines of an ST box.
    fn statements(&self, statements: &[Stmt]) -> Vec<String> {
        let mut lines = Vec::new();
        for statement in statements {
            let flat = self.text(statement.span);
            if flat.chars().count() <= NOTE_CHARS {
                lines.push(flat);
                continue;
            }
            let text = self.map.slice(statement.span);
            let indent = text.lines().skip(1).filter(|line| !line.trim().is_empty()).map(indent_of).min().unwrap_or(0);
            for (index, line) in text.lines().enumerate() {
                let from = if index == 0 { 0 } else { indent.min(indent_of(line)) };
                lines.push(cut(line.get(from..).unwrap_or(line).trim_end()));
            }
        }
        if lines.is_empty() {
            lines.push(";".to_owned());
        }
        lines
    }
}

/// Longest line in a box before it is broken.
const NOTE_CHARS: usize = 36;

/// Longest text of an operand that is drawn, in bytes: about ten lines of a box.
const EXPRESSION_BYTES: u32 = 400;

/// Longest line of a comment or title that is drawn, in characters.
const LINE_CHARS: usize = 160;

/// The beginning of a line that is too long to draw.
fn cut(line: &str) -> String {
    match line.char_indices().nth(LINE_CHARS) {
        Some((end, _)) => format!("{} ...", line.get(..end).unwrap_or("")),
        None => line.to_owned(),
    }
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// Text on one line: comments and line ends become one blank.
fn flatten(text: &str) -> String {
    let lexed = lex(FileId(0), text);
    let mut result = String::new();
    let mut end = 0;
    for token in lexed.tokens.iter().filter(|token| token.kind != TokenKind::End) {
        if token.start > end && !result.is_empty() {
            result.push(' ');
        }
        result.push_str(text.get(token.start as usize..token.end as usize).unwrap_or(""));
        end = token.end;
    }
    result
}

/// Breaks a text at blanks into lines of at most [`NOTE_CHARS`] characters where that is possible.
fn fill(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { break };
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > NOTE_CHARS {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

/// The text of a comment without its marks.
fn comment_lines(text: &str) -> Vec<String> {
    let inner = text.strip_prefix("//").unwrap_or_else(|| {
        let inner = text.strip_prefix("(*").or_else(|| text.strip_prefix("/*")).unwrap_or(text);
        inner.strip_suffix("*)").or_else(|| inner.strip_suffix("*/")).unwrap_or(inner)
    });
    inner.lines().map(str::trim).filter(|line| !line.is_empty()).map(cut).collect()
}
