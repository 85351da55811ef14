//! What jumps and returns of ladders may lead past, for K206 and K207.

use crate::context::Context;
use crate::walk::{self, Visitor, units};
use compiler::ast::{CoilKind, ContactKind};
use compiler::hir::{Body, Element, ElementKind, Program, Rung};
use compiler::source::Span;

/// What stands in rungs: the first timer and the first edge.
pub(super) struct Parts<'p> {
    program: &'p Program,
    pub timer: Option<Span>,
    pub edge: Option<Span>,
}

impl<'a> Visitor<'a> for Parts<'_> {
    fn element(&mut self, element: &'a Element) {
        match &element.kind {
            ElementKind::Contact { kind: ContactKind::Rise | ContactKind::Fall, .. }
            | ElementKind::Coil { kind: CoilKind::Rise | CoilKind::Fall, .. } => {
                self.edge.get_or_insert(element.span);
            }
            ElementKind::Block { call, .. } => {
                let pou = &self.program.pous[call.pou];
                let name = pou.name.to_ascii_uppercase();
                let first = if name.ends_with("_TRIG") { &mut self.edge } else { &mut self.timer };
                let timed = name.starts_with('T') || name.starts_with("CT") || name.ends_with("_TRIG");
                if pou.library && timed {
                    first.get_or_insert(element.span);
                }
            }
            _ => {}
        }
    }
}

/// Every jump with the first timer and the first edge it may lead past.
pub(super) fn jumps(context: &Context<'_>, found: &mut dyn FnMut(&Element, &Parts<'_>)) {
    for (_, pou) in units(context.program) {
        let Body::Ladder(rungs) = &pou.body else { continue };
        for (at, rung) in rungs.iter().enumerate() {
            let Some(last) = rung.series.last() else { continue };
            let target = match last.kind {
                ElementKind::Jump(target) => target,
                ElementKind::Return => rungs.len(),
                _ => continue,
            };
            // A rung without contacts always jumps: what it leads past is never reached (K202).
            if rung.series.len() == 1 || matches!(rung.series.as_slice(), [Element { kind: ElementKind::Wire, .. }, _])
            {
                continue;
            }
            let skipped: &[Rung] = rungs.get(at + 1..target).unwrap_or_default();
            let mut parts = Parts { program: context.program, timer: None, edge: None };
            skipped.iter().for_each(|rung| walk::series(&rung.series, &mut parts));
            found(last, &parts);
        }
    }
}
