//! Units, declarations and configurations on lines.

use super::ladder::{at_ladder, ladder};
use super::page::Page;
use super::statements::{list, pragmas};
use crate::ast::{Body, Configuration, File, Item, Pou, Resource, TypeKind, TypeRef, TypeSection, VarDecl, VarSection};
use crate::token::{Keyword, Symbol, TokenKind};

/// A whole file, one empty line between its items.
pub(super) fn file(page: &mut Page<'_>, file: &File) {
    for (index, item) in file.items.iter().enumerate() {
        if index > 0 {
            page.separate();
        }
        pragmas(page);
        page.lead();
        match item {
            Item::Pou(pou) => self::pou(page, pou),
            Item::Configuration(configuration) => self::configuration(page, configuration),
            Item::Globals(section) => self::section(page, section),
            Item::Types(types) => self::types(page, types),
        }
    }
}

fn pou(page: &mut Page<'_>, pou: &Pou) {
    let head = pou.result.as_ref().map_or(pou.name.span.end, |result| result.span.end);
    page.flow(head);
    page.end_line();
    for section in &pou.sections {
        self::section(page, section);
    }
    page.tight_colon = true;
    match &pou.body {
        Body::Ladder(rungs) if at_ladder_behind_pragmas(page) => ladder(page, rungs),
        Body::Ladder(_) => {}
        Body::Statements(statements) => {
            list(page, statements);
        }
    }
    page.tight_colon = false;
    page.lead();
    page.flow(pou.span.end);
    page.end_line();
}

fn at_ladder_behind_pragmas(page: &mut Page<'_>) -> bool {
    pragmas(page);
    page.lead();
    at_ladder(page)
}

/// `VAR ... END_VAR`
fn section(page: &mut Page<'_>, section: &VarSection) {
    pragmas(page);
    page.lead();
    let qualifiers = [Keyword::Constant, Keyword::Retain, Keyword::NonRetain, Keyword::Persistent];
    page.one();
    while matches!(page.kind(), TokenKind::Keyword(keyword) if qualifiers.contains(&keyword)) {
        page.one();
    }
    page.open();
    declarations(page, &section.declarations);
    page.close();
    page.lead();
    page.flow(section.span.end);
    page.end_line();
}

fn declarations(page: &mut Page<'_>, declarations: &[VarDecl]) {
    for declaration in declarations {
        self::declaration(page, declaration);
    }
}

fn declaration(page: &mut Page<'_>, declaration: &VarDecl) {
    page.lead();
    let end = declaration.span.end;
    if let Some(fields) = fields(&declaration.ty) {
        let head = page.behind(TokenKind::Keyword(Keyword::Struct));
        page.flow(head);
        page.open();
        declarations(page, fields);
        page.close();
        page.lead();
        page.flow(end);
        page.end_line();
        return;
    }
    let is_plain =
        page.at_line_start() && !page.has_comment_before(end) && page.flat(end).chars().count() + 2 <= super::WIDTH;
    if !is_plain {
        page.flow(end);
        page.end_line();
        return;
    }
    let colon = page.before(TokenKind::Symbol(Symbol::Colon));
    let at = match &declaration.address {
        Some(_) => page.before(TokenKind::Keyword(Keyword::At)).min(colon),
        None => colon,
    };
    page.aligned(&[at, colon], end);
}

/// The fields of a structure that a declaration spells out, perhaps as the element of an array.
fn fields(ty: &TypeRef) -> Option<&[VarDecl]> {
    match &ty.kind {
        TypeKind::Struct { fields } => Some(fields),
        TypeKind::Array { element, .. } => fields(element),
        TypeKind::Reference(target) => fields(target),
        TypeKind::Named(_)
        | TypeKind::Text { .. }
        | TypeKind::Subrange { .. }
        | TypeKind::Enumeration { .. }
        | TypeKind::Error => None,
    }
}

/// `TYPE ... END_TYPE`
fn types(page: &mut Page<'_>, types: &TypeSection) {
    page.one();
    page.open();
    for declared in &types.types {
        if let Some(fields) = fields(&declared.ty) {
            let head = page.behind(TokenKind::Keyword(Keyword::Struct));
            page.flow(head);
            page.open();
            declarations(page, fields);
            page.close();
            page.lead();
        }
        page.flow(declared.span.end);
        page.end_line();
    }
    page.close();
    page.lead();
    page.flow(types.span.end);
    page.end_line();
}

/// What stands in a configuration or resource, by its place.
enum Part<'a> {
    Section(&'a VarSection),
    Resource(&'a Resource),
    /// A task or program: where it ends.
    Line(u32),
}

fn configuration(page: &mut Page<'_>, configuration: &Configuration) {
    page.flow(configuration.name.span.end);
    page.open();
    let mut parts: Vec<(u32, Part<'_>)> =
        configuration.globals.iter().map(|section| (section.span.start, Part::Section(section))).collect();
    for resource in &configuration.resources {
        if resource.name.is_some() {
            parts.push((resource.span.start, Part::Resource(resource)));
        } else {
            parts.extend(lines(resource));
        }
    }
    self::parts(page, parts);
    page.close();
    page.lead();
    page.flow(configuration.span.end);
    page.end_line();
}

fn lines(resource: &Resource) -> Vec<(u32, Part<'_>)> {
    let tasks = resource.tasks.iter().map(|task| (task.span.start, Part::Line(task.span.end)));
    let programs = resource.programs.iter().map(|program| (program.span.start, Part::Line(program.span.end)));
    tasks.chain(programs).collect()
}

fn parts(page: &mut Page<'_>, mut parts: Vec<(u32, Part<'_>)>) {
    parts.sort_by_key(|(start, _)| *start);
    for (_, part) in parts {
        match part {
            Part::Section(section) => self::section(page, section),
            Part::Resource(resource) => self::resource(page, resource),
            Part::Line(end) => {
                page.flow(end);
                page.end_line();
            }
        }
    }
}

fn resource(page: &mut Page<'_>, resource: &Resource) {
    let head = resource.processor.as_ref().map_or(resource.span.start, |processor| processor.span.end);
    page.flow(head);
    page.open();
    let mut parts: Vec<(u32, Part<'_>)> =
        resource.globals.iter().map(|section| (section.span.start, Part::Section(section))).collect();
    parts.extend(lines(resource));
    self::parts(page, parts);
    page.close();
    page.lead();
    page.flow(resource.span.end);
    page.end_line();
}
