//! Coils without power and contacts that never change, for K201 and K203: each explains the other, and only the cause is told.

use crate::context::Context;
use crate::logic::Cell;
use crate::value::Site;
use crate::walk::{self, Visitor, units};
use compiler::ast::CoilKind;
use compiler::hir::{Body, Class, Element, ElementKind, Expr, ExprKind, Init, Place, PouId, Root, Variable};
use std::collections::BTreeSet;

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
pub(super) fn never_on<'a>(context: &Context<'a>) -> Vec<(PouId, CoilKind, &'a Place)> {
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

/// Contacts whose variable is always the same, though it is written or has an initial value, and no dead coil explains it.
pub(super) fn constant_contacts<'a>(context: &Context<'a>) -> Vec<(&'a Expr, &'a Variable, i128)> {
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
pub(super) fn contacts_that_stay(context: &Context<'_>, waiting: bool) -> Vec<(PouId, compiler::source::Span)> {
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
