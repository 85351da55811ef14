//! K201 to K203: coils, rungs and contacts that never do anything.

use crate::config::RuleOptions;
use crate::context::Context;
use crate::finding::Severity;
use crate::logic::Cell;
use crate::rule::{Check, Draft, Example, Rule};
use crate::value::Site;
use crate::walk::{self, Visitor, units};
use compiler::ast::CoilKind;
use compiler::hir::{Body, Class, Element, ElementKind, Expr, ExprKind, Init, Place, PouId, Root, Variable};
use std::collections::BTreeSet;

/// Coils without power.
pub const COIL: Rule = Rule {
    code: "K201",
    severity: Severity::Warning,
    on: true,
    title: "coil that is never on",
    explanation: "By the values the variables can have, power never reaches this coil: contacts in series exclude each other, or one of them never conducts. Silent about blocks that are never called, and about rungs that are never reached (K202).",
    fix: "Correct the contacts before it, or take the coil out.",
    options: &[],
    examples: &[
        Example::rejected(
            "PROGRAM Main
VAR auto AT %IX0.0 : BOOL; go AT %IX0.1 : BOOL; motor AT %QX0.0 : BOOL; END_VAR
LADDER
RUNG: NO(auto) NO(go) NC(auto) COIL(«motor);
END_LADDER
END_PROGRAM",
        ),
        Example::accepted(
            "PROGRAM Main
VAR auto AT %IX0.0 : BOOL; go AT %IX0.1 : BOOL; motor AT %QX0.0 : BOOL; END_VAR
LADDER
RUNG: [NO(auto), NO(go) NC(auto)] COIL(motor);
END_LADDER
END_PROGRAM",
        ),
    ],
    check: Check::Program(coils),
};

/// Rungs that are jumped over.
pub const RUNG: Rule = Rule {
    code: "K202",
    severity: Severity::Warning,
    on: true,
    title: "rung that is never reached",
    explanation: "A jump or RET above that always has power leads past this rung.",
    fix: "Put contacts before the jump, or take the rung out.",
    options: &[],
    examples: &[
        Example::rejected(
            "PROGRAM Main
VAR go AT %IX0.0 : BOOL; motor AT %QX0.0 : BOOL; lamp AT %QX0.1 : BOOL; END_VAR
LADDER
RUNG: WIRE() JMP(done);
«RUNG: NO(go) COIL(motor);
RUNG done: NO(go) COIL(lamp);
END_LADDER
END_PROGRAM",
        ),
        Example::accepted(
            "PROGRAM Main
VAR go AT %IX0.0 : BOOL; motor AT %QX0.0 : BOOL; lamp AT %QX0.1 : BOOL; END_VAR
LADDER
RUNG: NC(go) JMP(done);
RUNG: NO(go) COIL(motor);
RUNG done: NO(go) COIL(lamp);
END_LADDER
END_PROGRAM",
        ),
    ],
    check: Check::Program(rungs),
};

/// Contacts that stay as they are.
pub const CONTACT: Rule = Rule {
    code: "K203",
    severity: Severity::Warning,
    on: true,
    title: "contact that never changes",
    explanation: "The variable of the contact is written, or has an initial value, but it is always the same: what is written never differs. Variables nothing writes are W0902; those of a coil that is never on are told there (K201). CONSTANT variables and parameters of blocks are left alone.",
    fix: "Correct what writes the variable, or take the contact out.",
    options: &[],
    examples: &[
        Example::rejected(
            "PROGRAM Main
VAR go AT %IX0.0 : BOOL; ready : BOOL; motor AT %QX0.0 : BOOL; END_VAR
LADDER
RUNG: NO(go) RST(ready);
RUNG: NO(«ready) COIL(motor);
END_LADDER
END_PROGRAM",
        ),
        Example::accepted(
            "PROGRAM Main
VAR go AT %IX0.0 : BOOL; stop AT %IX0.1 : BOOL; ready : BOOL; motor AT %QX0.0 : BOOL; END_VAR
LADDER
RUNG: NO(go) SET(ready);
RUNG: NO(stop) RST(ready);
RUNG: NO(ready) COIL(motor);
END_LADDER
END_PROGRAM",
        ),
    ],
    check: Check::Program(contacts),
};

/// Coils and contacts of a unit.
#[derive(Default)]
struct Parts<'a> {
    coils: Vec<(CoilKind, &'a Place)>,
    contacts: Vec<&'a Expr>,
}

impl<'a> Visitor<'a> for Parts<'a> {
    fn element(&mut self, element: &'a Element) {
        match &element.kind {
            ElementKind::Coil { kind, place, .. } => self.coils.push((*kind, place)),
            ElementKind::Contact { operand, .. } => self.contacts.push(operand),
            _ => {}
        }
    }
}

/// Coils that never get power, with their variables.
fn never_on<'a>(context: &Context<'a>) -> Vec<(PouId, CoilKind, &'a Place)> {
    let mut found = Vec::new();
    for (id, pou) in units(context.program) {
        let mut parts = Parts::default();
        walk::unit(pou, &mut parts);
        for (kind, place) in parts.coils {
            if context.values.seen(Site::Coil, place.span).is_some_and(|power| !power.may_be_true()) {
                found.push((id, kind, place));
            }
        }
    }
    found
}

fn coils(context: &Context<'_>, _: &RuleOptions, found: &mut Vec<Draft>) {
    // A coil is without power, too, where a contact before it waits for another such coil: the first cause is enough.
    let dead = contacts_that_stay(context, true);
    for (id, kind, place) in never_on(context) {
        let consequence =
            dead.iter().any(|(unit, rung)| *unit == id && rung.start <= place.span.start && place.span.end <= rung.end);
        if consequence {
            continue;
        }
        let name = context.text(place.span);
        let message = match kind {
            CoilKind::Normal | CoilKind::Rise | CoilKind::Fall => {
                format!("`{name}` is never on: power never reaches this coil")
            }
            CoilKind::Negated => format!("`{name}` is always on: power never reaches this coil"),
            CoilKind::Set => format!("`{name}` is never set here: power never reaches this coil"),
            CoilKind::Reset => format!("`{name}` is never reset here: power never reaches this coil"),
        };
        found.push(Draft::new(place.span, message));
    }
}

fn rungs(context: &Context<'_>, _: &RuleOptions, found: &mut Vec<Draft>) {
    for (_, pou) in units(context.program) {
        let Body::Ladder(rungs) = &pou.body else { continue };
        let reached = |rung: &compiler::hir::Rung| context.values.seen(Site::Rung, rung.span).is_some();
        // A block nobody calls is never reached at all.
        if !rungs.iter().any(reached) {
            continue;
        }
        for rung in rungs.iter().filter(|r| context.values.is_dead(Site::Rung, r.span)) {
            found.push(Draft::new(rung.span, "a jump above always leads past this rung"));
        }
    }
}

fn contacts(context: &Context<'_>, _: &RuleOptions, found: &mut Vec<Draft>) {
    for (operand, variable, value) in constant_contacts(context) {
        let word = if value == 0 { "FALSE" } else { "TRUE" };
        let message = format!("`{}` is always {word}, so this contact never changes", variable.name);
        found.push(Draft::new(operand.span, message).also(variable.span, "declared here"));
    }
}

/// Contacts whose variable is always the same, though it is written or has an initial value, and no dead coil explains it.
fn constant_contacts<'a>(context: &Context<'a>) -> Vec<(&'a Expr, &'a Variable, i128)> {
    let program = context.program;
    let dead: BTreeSet<Cell> =
        never_on(context).into_iter().filter_map(|(id, _, place)| Cell::of(program, id, place)).collect();
    let mut found = Vec::new();
    for (id, pou) in units(program) {
        let mut parts = Parts::default();
        walk::unit(pou, &mut parts);
        for operand in parts.contacts {
            let ExprKind::Read(place) = &operand.kind else { continue };
            let Some(value) = context.values.seen(Site::Contact, operand.span).and_then(|v| v.only()) else { continue };
            let variable = match &place.root {
                Root::Local(var) => &pou.vars[*var],
                Root::Global(global) => &program.globals[*global],
                Root::Address(_) => continue,
            };
            let own = matches!(variable.class, Class::Local | Class::Output | Class::Temp | Class::Global);
            let Some(cell) = Cell::of(program, id, place).filter(|_| own && !variable.constant) else { continue };
            let written = context.network.drivers.contains_key(&cell) || context.network.outputs.contains_key(&cell);
            if (written || variable.init != Init::Default) && !dead.contains(&cell) {
                found.push((operand, variable, value));
            }
        }
    }
    found
}

/// The spans of rungs with a contact that never changes; where asked, of those that wait for a dead coil, too.
fn contacts_that_stay(context: &Context<'_>, waiting: bool) -> Vec<(PouId, compiler::source::Span)> {
    let program = context.program;
    let dead: BTreeSet<Cell> =
        never_on(context).into_iter().filter_map(|(id, _, place)| Cell::of(program, id, place)).collect();
    let constant: Vec<_> = constant_contacts(context).into_iter().map(|(operand, _, _)| operand.span).collect();
    let mut found = Vec::new();
    for (id, pou) in units(program) {
        let Body::Ladder(rungs) = &pou.body else { continue };
        for rung in rungs {
            let mut parts = Parts::default();
            walk::series(&rung.series, &mut parts);
            let own: Vec<Option<Cell>> = parts.coils.iter().map(|(_, p)| Cell::of(program, id, p)).collect();
            let blocked = |operand: &&Expr| {
                let cell = if let ExprKind::Read(place) = &operand.kind { Cell::of(program, id, place) } else { None };
                // A coil's own seal-in contact is no cause.
                let waits = waiting && cell.as_ref().is_some_and(|c| dead.contains(c)) && !own.contains(&cell);
                constant.contains(&operand.span) || waits
            };
            if parts.contacts.iter().any(blocked) {
                found.push((id, rung.span));
            }
        }
    }
    found
}
