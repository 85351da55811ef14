//! Who reads and who writes each variable, for K114 and K115.

use crate::context::Context;
use crate::walk::{self, Visitor, Write, units};
use compiler::hir::{Class, Element, ElementKind, GlobalId, Place, PouId, Root, VarId, Variable};
use compiler::source::Span;
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Owner {
    Local(PouId, VarId),
    Global(GlobalId),
}

/// What happens to a variable: the first places, and whether contacts and coils are among them.
#[derive(Clone, Copy, Default)]
pub(super) struct Usage {
    pub read: Option<Span>,
    pub written: Option<Span>,
    pub contact: bool,
    pub coil: bool,
}

struct Uses {
    pou: PouId,
    all: BTreeMap<Owner, Usage>,
}

impl Uses {
    fn of(&mut self, place: &Place) -> Option<&mut Usage> {
        let owner = match &place.root {
            Root::Local(var) => Owner::Local(self.pou, *var),
            Root::Global(id) => Owner::Global(*id),
            Root::Address(_) => return None,
        };
        Some(self.all.entry(owner).or_default())
    }
}

impl<'a> Visitor<'a> for Uses {
    fn element(&mut self, element: &'a Element) {
        if let ElementKind::Contact { operand, .. } = &element.kind
            && let compiler::hir::ExprKind::Read(place) = &operand.kind
            && let Some(usage) = self.of(place)
        {
            usage.contact = true;
        }
    }

    fn read(&mut self, place: &'a Place) {
        if let Some(usage) = self.of(place) {
            usage.read.get_or_insert(place.span);
        }
    }

    fn write(&mut self, place: &'a Place, how: Write<'a>) {
        let Some(usage) = self.of(place) else { return };
        usage.written.get_or_insert(place.span);
        match how {
            Write::Coil(_) => usage.coil = true,
            // The callee may read it; a FOR loop does.
            Write::InOut | Write::Control => {
                usage.read.get_or_insert(place.span);
            }
            Write::Assign(_) | Write::Output => {}
        }
    }
}

/// What happens to variables that are a unit's own, or global, and that no map binds.
pub(super) fn uses(context: &Context<'_>) -> Vec<(Variable, Usage)> {
    let program = context.program;
    let mut uses = Uses { pou: PouId(0), all: BTreeMap::new() };
    for (id, pou) in units(program) {
        uses.pou = id;
        walk::unit(pou, &mut uses);
    }
    let bound = |variable: &Variable| {
        let names = context
            .map
            .iter()
            .flat_map(|m| m.io.inputs.iter().map(|i| &i.variable).chain(m.io.outputs.iter().map(|o| &o.variable)));
        let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
        names.map(|path| last(path)).any(|name| variable.name.eq_ignore_ascii_case(&name))
    };
    let variable = |owner: &Owner| match owner {
        Owner::Local(pou, var) => program.pous[*pou].vars[*var].clone(),
        Owner::Global(id) => program.globals[*id].clone(),
    };
    let own = |v: &Variable| {
        let class = match v.class {
            Class::Local | Class::Temp | Class::Global => true,
            Class::Input | Class::Output | Class::InOut | Class::Result | Class::Hidden => false,
        };
        let element = program.types.as_array(v.ty).map_or(v.ty, |(element, _)| element);
        class && v.location.is_none() && element.scalar().is_some() && !v.constant && !v.name.contains('#')
    };
    let all = uses.all.iter().map(|(owner, usage)| (variable(owner), *usage));
    all.filter(|(v, _)| own(v) && !bound(v)).collect()
}
