//! What a careful reader asks about: unused variables, contacts nothing writes, coils nothing reads, two coils of one
//! variable, instances called twice, results never assigned; and the pragma that allows a finding at its place.

use super::place::Use;
use super::{BodyContext, Sema};
use crate::ast;
use crate::diag::{Allowance, Code, Diagnostic, Severity};
use crate::hir::{Class, Place, PouId, PouKind, Root, Variable};
use crate::map::HashMap;
use crate::source::Span;

/// What happens to a variable.
#[derive(Clone, Debug, Default)]
pub(super) struct Usage {
    pub read: bool,
    pub written: bool,
    pub has_init: bool,
    /// The first contact that reads it.
    pub contact: Option<Span>,
    /// The first coil that drives it.
    pub coil: Option<Span>,
}

/// A call of an instance, and among which exclusive branches it stands.
pub(super) struct InstanceCall {
    key: String,
    span: Span,
    branches: Vec<(u32, u32)>,
}

/// How a coil acts on its variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coil {
    /// COIL and its kin: written in every scan.
    Drives,
    Set,
    Reset,
}

/// Coils seen so far, by what they drive.
pub(super) type Coils = HashMap<String, Vec<(Coil, Span)>>;

impl BodyContext<'_, '_> {
    fn usage(&mut self, root: &Root) -> Option<&mut Usage> {
        match root {
            Root::Local(var) => self.s.scopes[self.pou].usage.get_mut(var.0 as usize),
            Root::Global(global) => self.s.global_usage.get_mut(global.0 as usize),
            Root::Address(_) => None,
        }
    }

    pub(super) fn note_use(&mut self, root: &Root, usage: Use) {
        if let Some(noted) = self.usage(root) {
            noted.read |= usage != Use::Write;
            noted.written |= usage != Use::Read;
        }
    }

    pub(super) fn note_contact(&mut self, root: &Root, span: Span) {
        if let Some(noted) = self.usage(root) {
            noted.contact.get_or_insert(span);
        }
    }

    pub(super) fn note_coil(&mut self, root: &Root, span: Span) {
        if let Some(noted) = self.usage(root) {
            noted.coil.get_or_insert(span);
        }
    }

    /// Warns where the same instance may be called twice in one scan.
    pub(super) fn note_instance_call(&mut self, place: &Place) {
        let Some(key) = self.place_key(place) else { return };
        let call = InstanceCall { key, span: place.span, branches: self.branches.clone() };
        self.s.scopes[self.pou].calls.push(call);
    }
}

/// Can both run in one scan? Not when they stand in different branches of one IF or CASE.
fn both_run(a: &[(u32, u32)], b: &[(u32, u32)]) -> bool {
    let first_difference = a.iter().zip(b).find(|(x, y)| x != y);
    first_difference.is_none_or(|((group_a, _), (group_b, _))| group_a != group_b)
}

impl Sema<'_> {
    /// Remembers a coil; reports the second one that drives the same variable.
    pub(super) fn coil_seen(&mut self, key: String, coil: Coil, span: Span) {
        let before = self.coils.entry(key).or_default();
        let first = before.first().copied();
        let drives = before.iter().find(|(c, _)| *c == Coil::Drives).copied();
        let reset = before.iter().find(|(c, _)| *c == Coil::Reset).copied();
        let earlier_set = before.iter().any(|(c, _)| *c == Coil::Set);
        before.push((coil, span));
        if let Some((_, place)) = drives.or(first.filter(|_| coil == Coil::Drives)) {
            let diagnostic = Diagnostic::new(Code::DoubleCoil, span, "this variable is driven by another coil too");
            self.report(
                diagnostic
                    .also(place, "driven here")
                    .help("join the conditions with a branch before one coil, or use SET and RST"),
            );
        } else if coil == Coil::Set
            && !earlier_set
            && let Some((_, place)) = reset
        {
            let diagnostic = Diagnostic::new(Code::SetAfterReset, span, "SET stands below RST, so SET wins");
            self.report(diagnostic.also(place, "reset here").help("move the RST below the SET to let the stop win"));
        }
    }

    /// A function whose result nothing assigns.
    pub(super) fn review_result(&mut self, id: PouId) {
        let pou = &self.program.pous[id];
        let Some(result) = pou.result else { return };
        let written = self.scopes[id].usage.get(result.0 as usize).is_some_and(|u| u.written);
        let broken = pou.vars[result].ty.is_error();
        if !written && !broken && !pou.library {
            let message = format!("nothing assigns the result of `{}`", pou.name);
            let help = format!("write `{} := ...;` in its body", pou.name);
            let span = pou.span;
            self.report(Diagnostic::new(Code::ResultUnassigned, span, message).help(help));
        }
    }

    /// Warnings about whole units.
    pub(super) fn review(&mut self) {
        let mut findings = Vec::new();
        for (id, pou) in self.program.pous.iter().filter(|(_, p)| !p.library) {
            let scope = &self.scopes[id];
            for ((_, variable), usage) in pou.vars.iter().zip(&scope.usage) {
                let own = match variable.class {
                    Class::Local | Class::Temp => true,
                    // Parameters belong to the interface: leaving one unused can be right.
                    Class::Input | Class::Output | Class::InOut | Class::Result | Class::Hidden | Class::Global => {
                        false
                    }
                };
                if own && !variable.name.contains('#') {
                    findings.extend(variable_finding(variable, usage));
                }
            }
            findings.extend(calls_twice(&scope.calls));
        }
        for (variable, usage) in self.program.globals.values().zip(&self.global_usage) {
            findings.extend(variable_finding(variable, usage));
        }
        self.diagnostics.extend(findings);
    }

    /// Nothing about what is missing is said of a unit with errors: what could not be read may be what is missing. Globals
    /// belong to all units.
    pub(super) fn quiet_beside_errors(&mut self) {
        let mut units: Vec<(Span, bool)> =
            self.scopes.values().filter(|s| !s.library).map(|s| (s.ast.span, false)).collect();
        units.sort_by_key(|(span, _)| (span.file, span.start));
        let unit_of = |units: &[(Span, bool)], at: Span| {
            let behind = units.partition_point(|(span, _)| (span.file, span.start) <= (at.file, at.start));
            let number = behind.checked_sub(1)?;
            let (span, _) = units.get(number)?;
            (span.file == at.file && at.end <= span.end).then_some(number)
        };
        let mut any = false;
        for error in self.diagnostics.iter().filter(|d| d.is_error()) {
            any = true;
            let unit = unit_of(&units, error.primary.span);
            if let Some((_, broken)) = unit.and_then(|number| units.get_mut(number)) {
                *broken = true;
            }
        }
        self.diagnostics.retain(|d| {
            let about_use =
                matches!(d.code, Code::UnusedVariable | Code::NeverWritten | Code::NeverRead | Code::ResultUnassigned);
            let unit = unit_of(&units, d.primary.span).and_then(|number| units.get(number));
            !(about_use && unit.map_or(any, |(_, broken)| *broken))
        });
    }

    /// Every `{allow CODE "reason"}` with the text it covers; malformed ones are reported.
    pub(super) fn allowances(&mut self, files: &[ast::File]) -> Vec<Allowance> {
        let mut found: Vec<(&ast::Attribute, Span)> = Vec::new();
        for item in files.iter().flat_map(|f| &f.items) {
            match item {
                ast::Item::Pou(pou) => {
                    found.extend(pou.attributes.iter().map(|a| (a, pou.span)));
                    pou.sections.iter().for_each(|s| section_pragmas(s, &mut found));
                    match &pou.body {
                        ast::Body::Statements(statements) => statement_pragmas(statements, &mut found),
                        ast::Body::Ladder(ladder) => {
                            for rung in &ladder.rungs {
                                found.extend(rung.attributes.iter().map(|a| (a, rung.span)));
                                series_pragmas(&rung.series, &mut found);
                            }
                        }
                    }
                }
                ast::Item::Globals(section) => section_pragmas(section, &mut found),
                ast::Item::Configuration(c) => c.globals.iter().for_each(|s| section_pragmas(s, &mut found)),
                ast::Item::Types(_) => {}
            }
        }
        found.into_iter().filter_map(|(attribute, span)| self.allowance(attribute, span)).collect()
    }

    fn allowance(&mut self, attribute: &ast::Attribute, covers: Span) -> Option<Allowance> {
        if !attribute.name.is("allow") {
            return None;
        }
        let (word, reason) = attribute.arguments.split_once(char::is_whitespace).unwrap_or((&attribute.arguments, ""));
        let code = Code::find(word);
        let has_reason = reason.chars().any(char::is_alphanumeric);
        let allowable = code.is_none_or(|c| c.severity() == Severity::Warning || c == Code::DoubleCoil);
        let message = if code.is_none() && !is_foreign(word) {
            format!("there is no finding `{word}`")
        } else if !allowable {
            format!("{word} cannot be allowed: it has to be mended")
        } else if has_reason {
            let (code, reason) = (word.to_ascii_uppercase(), reason.trim().trim_matches('"').to_owned());
            return Some(Allowance { code, reason, pragma: attribute.span, covers });
        } else {
            format!("{{allow {word}}} gives no reason")
        };
        let diagnostic = Diagnostic::new(Code::UnknownPragma, attribute.span, message);
        self.report(diagnostic.help("write {allow E0604 \"why this is meant\"}"));
        None
    }
}

/// A code of another room, such as `K105`: whether it exists is for that room to say.
fn is_foreign(word: &str) -> bool {
    let mut letters = word.chars();
    let head = letters.next().map(|c| c.to_ascii_uppercase());
    head.is_some_and(|c| c.is_ascii_alphabetic() && c != 'E' && c != 'W')
        && (2..=4).contains(&letters.as_str().len())
        && letters.all(|c| c.is_ascii_digit())
}

fn variable_finding(variable: &Variable, usage: &Usage) -> Option<Diagnostic> {
    if variable.location.is_some() || variable.ty.is_error() {
        return None;
    }
    let name = &variable.name;
    if !usage.read && !usage.written {
        let message = format!("`{name}` is never used");
        return Some(Diagnostic::new(Code::UnusedVariable, variable.span, message));
    }
    if let (Some(contact), false, false, false) = (usage.contact, usage.written, variable.constant, usage.has_init) {
        let message = format!("nothing writes `{name}`, so this contact never changes");
        let diagnostic = Diagnostic::new(Code::NeverWritten, contact, message).also(variable.span, "declared here");
        return Some(diagnostic.help("give the variable an address (AT %IX0.0), or a coil that drives it"));
    }
    if let (Some(coil), false) = (usage.coil, usage.read) {
        let message = format!("nothing reads `{name}`");
        let diagnostic = Diagnostic::new(Code::NeverRead, coil, message).also(variable.span, "declared here");
        return Some(diagnostic.help("give the variable an output address (AT %QX0.0), or leave the coil out"));
    }
    None
}

fn calls_twice(calls: &[InstanceCall]) -> Vec<Diagnostic> {
    let mut by_key: HashMap<&str, Vec<&InstanceCall>> = HashMap::default();
    let mut findings = Vec::new();
    for call in calls {
        let earlier = by_key.entry(&call.key).or_default();
        if let Some(first) = earlier.iter().find(|e| both_run(&e.branches, &call.branches)) {
            let diagnostic = Diagnostic::new(Code::CalledTwice, call.span, "this instance is called twice in one scan");
            findings.push(diagnostic.also(first.span, "also called here").help("declare an instance for each call"));
        } else {
            earlier.push(call);
        }
    }
    findings
}

fn section_pragmas<'t>(section: &'t ast::VarSection, found: &mut Vec<(&'t ast::Attribute, Span)>) {
    found.extend(section.attributes.iter().map(|a| (a, section.span)));
    for declaration in &section.declarations {
        found.extend(declaration.attributes.iter().map(|a| (a, declaration.span)));
    }
}

/// Those of the statements between ST and END_ST.
fn series_pragmas<'t>(series: &'t ast::Series, found: &mut Vec<(&'t ast::Attribute, Span)>) {
    for element in &series.elements {
        match &element.kind {
            ast::ElementKind::Statements(statements) => statement_pragmas(statements, found),
            ast::ElementKind::Branch(legs) => legs.iter().for_each(|leg| series_pragmas(leg, found)),
            ast::ElementKind::Contact { .. }
            | ast::ElementKind::Compare { .. }
            | ast::ElementKind::Condition(_)
            | ast::ElementKind::Invert
            | ast::ElementKind::Wire
            | ast::ElementKind::Coil { .. }
            | ast::ElementKind::Jump(_)
            | ast::ElementKind::Return
            | ast::ElementKind::Call(_) => {}
        }
    }
}

fn statement_pragmas<'t>(statements: &'t [ast::Stmt], found: &mut Vec<(&'t ast::Attribute, Span)>) {
    for statement in statements {
        found.extend(statement.attributes.iter().map(|a| (a, statement.span)));
        match &statement.kind {
            ast::StmtKind::If { branches, otherwise } => {
                branches.iter().for_each(|b| statement_pragmas(&b.body, found));
                statement_pragmas(otherwise.as_deref().unwrap_or_default(), found);
            }
            ast::StmtKind::Case { arms, otherwise, .. } => {
                arms.iter().for_each(|a| statement_pragmas(&a.body, found));
                statement_pragmas(otherwise.as_deref().unwrap_or_default(), found);
            }
            ast::StmtKind::For(l) => statement_pragmas(&l.body, found),
            ast::StmtKind::While { body, .. } | ast::StmtKind::Repeat { body, .. } => statement_pragmas(body, found),
            ast::StmtKind::Assign { .. }
            | ast::StmtKind::Call(_)
            | ast::StmtKind::Exit
            | ast::StmtKind::Continue
            | ast::StmtKind::Return
            | ast::StmtKind::Empty
            | ast::StmtKind::Error => {}
        }
    }
}

impl Sema<'_> {
    /// Programs that exist but are not started would surprise: kept beside the configuration's own rules.
    pub(super) fn programs(&self) -> Vec<PouId> {
        self.program.pous.iter().filter(|(_, p)| p.kind == PouKind::Program).map(|(id, _)| id).collect()
    }
}
