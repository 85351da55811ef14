//! How each word is written: token offset to text, for every token whose canonical spelling differs from its own.

use smol_str::SmolStr;
use std::collections::HashMap;

use crate::ast::{
    Body, Configuration, Element, ElementKind, File, Ident, Item, Ladder, Pou, Resource, Series, TypeKind, TypeRef,
    VarSection,
};
use crate::parser::SYNONYMS;
use crate::token::{Symbol, Token, TokenKind};

/// Names of types that are written in capitals.
const TYPES: [&str; 42] = [
    "BOOL",
    "BYTE",
    "WORD",
    "DWORD",
    "LWORD",
    "SINT",
    "INT",
    "DINT",
    "LINT",
    "USINT",
    "UINT",
    "UDINT",
    "ULINT",
    "REAL",
    "LREAL",
    "TIME",
    "LTIME",
    "DATE",
    "LDATE",
    "TOD",
    "LTOD",
    "DT",
    "LDT",
    "TIME_OF_DAY",
    "DATE_AND_TIME",
    "STRING",
    "WSTRING",
    "CHAR",
    "WCHAR",
    "TON",
    "TOF",
    "TP",
    "CTU",
    "CTD",
    "CTUD",
    "R_TRIG",
    "F_TRIG",
    "SR",
    "RS",
    "ANY",
    "TON_LTIME",
    "TOF_LTIME",
];

/// Offset of a token to its canonical text.
pub(super) type Spelling = HashMap<u32, String>;

/// Declared names: in capitals, to the spelling of the declaration.
type Declared = HashMap<SmolStr, String>;

/// The canonical spellings of a file.
pub(super) fn of_file(text: &str, file: &File, tokens: &[Token]) -> Spelling {
    let mut speller = Speller { text, tokens, spelling: Spelling::new() };
    speller.tokens_alone();
    let mut shared = Declared::new();
    for item in &file.items {
        match item {
            Item::Globals(section) => declare(&mut shared, section),
            Item::Pou(pou) => {
                shared.insert(pou.name.key(), pou.name.text.to_string());
            }
            Item::Configuration(_) | Item::Types(_) => {}
        }
    }
    for item in &file.items {
        match item {
            Item::Pou(pou) => speller.pou(pou, &shared),
            Item::Configuration(configuration) => speller.configuration(configuration),
            Item::Globals(section) => speller.section(section),
            Item::Types(types) => types.types.iter().for_each(|declared| speller.type_ref(&declared.ty)),
        }
    }
    speller.spelling
}

fn declare(names: &mut Declared, section: &VarSection) {
    for name in section.declarations.iter().flat_map(|declaration| &declaration.names) {
        names.insert(name.key(), name.text.to_string());
    }
}

struct Speller<'a> {
    text: &'a str,
    tokens: &'a [Token],
    spelling: Spelling,
}

impl Speller<'_> {
    fn set(&mut self, offset: u32, text: impl Into<String>) {
        self.spelling.insert(offset, text.into());
    }

    /// What a token's kind alone decides.
    fn tokens_alone(&mut self) {
        for token in self.tokens {
            match token.kind {
                TokenKind::Keyword(keyword) => self.set(token.start, keyword.text()),
                TokenKind::Symbol(Symbol::Ampersand) => self.set(token.start, "AND"),
                TokenKind::Address => {
                    let address = self.text.get(token.start as usize..token.end as usize).unwrap_or("");
                    self.set(token.start, address.to_ascii_uppercase());
                }
                TokenKind::Symbol(_)
                | TokenKind::Name
                | TokenKind::Literal
                | TokenKind::Text
                | TokenKind::WideText
                | TokenKind::Pragma
                | TokenKind::Bad
                | TokenKind::End => {}
            }
        }
    }

    fn pou(&mut self, pou: &Pou, shared: &Declared) {
        let mut names = shared.clone();
        for section in &pou.sections {
            declare(&mut names, section);
            self.section(section);
        }
        if let Some(result) = &pou.result {
            self.type_ref(result);
        }
        let sections_end = pou.sections.last().map_or(pou.name.span.end, |section| section.span.end);
        self.names(sections_end, pou.span.end, &names);
        if let Body::Ladder(ladder) = &pou.body {
            self.ladder(ladder);
        }
    }

    /// Names between two offsets as they are declared. Fields and formal parameters belong to somebody else.
    fn names(&mut self, from: u32, to: u32, names: &Declared) {
        let first = self.tokens.partition_point(|token| token.start < from);
        let last = self.tokens.partition_point(|token| token.start < to);
        for index in first..last {
            let kind = |at: Option<usize>| at.and_then(|at| self.tokens.get(at)).map(|token| token.kind);
            let is_field = kind(index.checked_sub(1)) == Some(TokenKind::Symbol(Symbol::Dot));
            let is_formal = matches!(kind(Some(index + 1)), Some(TokenKind::Symbol(Symbol::Assign | Symbol::Arrow)))
                && !matches!(
                    kind(index.checked_sub(1)),
                    Some(TokenKind::Symbol(Symbol::Semicolon) | TokenKind::Keyword(_))
                );
            let Some(token) = self.tokens.get(index).filter(|token| token.kind == TokenKind::Name) else { continue };
            let word = self.text.get(token.start as usize..token.end as usize).unwrap_or("");
            if let Some(declared) = names.get(word.to_ascii_uppercase().as_str())
                && !is_field
                && !is_formal
            {
                self.spelling.insert(token.start, declared.clone());
            }
        }
    }

    fn section(&mut self, section: &VarSection) {
        for declaration in &section.declarations {
            self.type_ref(&declaration.ty);
        }
    }

    fn type_ref(&mut self, ty: &TypeRef) {
        match &ty.kind {
            TypeKind::Named(name)
            | TypeKind::Subrange { base: name, .. }
            | TypeKind::Enumeration { base: Some(name), .. } => {
                self.type_name(name);
            }
            TypeKind::Text { wide, .. } => self.set(ty.span.start, if *wide { "WSTRING" } else { "STRING" }),
            TypeKind::Array { element, .. } => self.type_ref(element),
            TypeKind::Struct { fields } => fields.iter().for_each(|field| self.type_ref(&field.ty)),
            TypeKind::Reference(target) => self.type_ref(target),
            TypeKind::Enumeration { base: None, .. } | TypeKind::Error => {}
        }
    }

    fn type_name(&mut self, name: &Ident) {
        if let Some(known) = TYPES.iter().find(|known| name.is(known)) {
            self.set(name.span.start, *known);
        }
    }

    fn ladder(&mut self, ladder: &Ladder) {
        let labels: Declared = ladder
            .rungs
            .iter()
            .filter_map(|rung| rung.label.as_ref())
            .map(|label| (label.key(), label.text.to_string()))
            .collect();
        for label in ladder.rungs.iter().filter_map(|rung| rung.label.as_ref()) {
            self.set(label.span.start, label.text.to_string());
        }
        for rung in &ladder.rungs {
            self.series(&rung.series, &labels);
        }
    }

    fn series(&mut self, series: &Series, labels: &Declared) {
        for element in &series.elements {
            self.element(element, labels);
        }
    }

    fn element(&mut self, element: &Element, labels: &Declared) {
        let start = element.span.start;
        match &element.kind {
            ElementKind::Branch(legs) => legs.iter().for_each(|leg| self.series(leg, labels)),
            ElementKind::Call(_) => {}
            ElementKind::Statements(_) => self.set(start, "ST"),
            ElementKind::Return => self.set(start, "RET"),
            ElementKind::Contact { .. }
            | ElementKind::Compare { .. }
            | ElementKind::Condition(_)
            | ElementKind::Invert
            | ElementKind::Wire
            | ElementKind::Coil { .. } => self.word(start),
            ElementKind::Jump(label) => {
                self.word(start);
                if let Some(declared) = labels.get(&label.key()) {
                    self.set(label.span.start, declared.clone());
                }
            }
        }
    }

    /// A ladder word in capitals, a synonym as the plcrun word.
    fn word(&mut self, start: u32) {
        let index = self.tokens.partition_point(|token| token.start < start);
        let Some(token) = self.tokens.get(index) else { return };
        let word = self.text.get(token.start as usize..token.end as usize).unwrap_or("").to_ascii_uppercase();
        let canonical =
            SYNONYMS.iter().find(|(synonym, _)| *synonym == word).map(|(_, canonical)| (*canonical).to_owned());
        self.set(start, canonical.unwrap_or(word));
    }

    fn configuration(&mut self, configuration: &Configuration) {
        configuration.globals.iter().for_each(|section| self.section(section));
        configuration.resources.iter().for_each(|resource| self.resource(resource));
    }

    fn resource(&mut self, resource: &Resource) {
        resource.globals.iter().for_each(|section| self.section(section));
        if let Some(processor) = &resource.processor {
            self.word_before(processor, "ON");
        }
        for task in &resource.tasks {
            self.set(task.span.start, "TASK");
            for property in &task.properties {
                let known = ["SINGLE", "INTERVAL", "PRIORITY"].into_iter().find(|known| property.name.is(known));
                if let Some(known) = known {
                    self.set(property.name.span.start, known);
                }
            }
        }
        for program in &resource.programs {
            if let Some(task) = &program.task {
                self.word_before(task, "WITH");
            }
        }
    }

    fn word_before(&mut self, name: &Ident, word: &str) {
        let index = self.tokens.partition_point(|token| token.start < name.span.start);
        if let Some(token) = index.checked_sub(1).and_then(|before| self.tokens.get(before)) {
            self.set(token.start, word);
        }
    }
}
