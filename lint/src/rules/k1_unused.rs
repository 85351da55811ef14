//! K114 and K115: what the warnings about contacts and coils (W0901 to W0903) do not see, in Structured Text.

use crate::config::RuleOptions;
use crate::context::Context;
use crate::finding::Severity;
use crate::rule::{Check, Draft, Example, Rule};
use crate::walk::{self, Visitor, Write, units};
use compiler::hir::{Class, Element, ElementKind, GlobalId, Init, Place, PouId, Root, VarId, Variable};
use compiler::source::Span;
use std::collections::BTreeMap;

/// Read, never written.
pub const UNWRITTEN: Rule = Rule {
    code: "K114",
    severity: Severity::Warning,
    on: true,
    title: "variable that nothing writes",
    explanation: "The variable is read, but it has no address, no initial value, and nothing gives it a value: it is always 0. Contacts on such variables are W0902.",
    fix: "Assign it, give it an address or an initial value, or take it out.",
    options: &[],
    examples: &[
        Example::rejected(
            "PROGRAM Main
VAR limit : INT; level AT %IW0 : INT; lamp AT %QX0.0 : BOOL; END_VAR
lamp := level < «limit;
END_PROGRAM",
        ),
        Example::accepted(
            "PROGRAM Main
VAR limit : INT := 500; level AT %IW0 : INT; lamp AT %QX0.0 : BOOL; END_VAR
lamp := level < limit;
END_PROGRAM",
        ),
    ],
    check: Check::Program(unwritten),
};

/// Written, never read.
pub const UNREAD: Rule = Rule {
    code: "K115",
    severity: Severity::Note,
    on: true,
    title: "variable that nothing reads",
    explanation: "The variable is written, but nothing reads it and it has no address. It may be there for somebody who watches the program; coils on such variables are W0903.",
    fix: "Use it, or take it out; allow it where it is watched.",
    options: &[],
    examples: &[
        Example::rejected(
            "PROGRAM Main
VAR level AT %IW0 : INT; half : INT; lamp AT %QX0.0 : BOOL; END_VAR
«half := level / 2;
lamp := level > 10;
END_PROGRAM",
        ),
        Example::accepted(
            "PROGRAM Main
VAR level AT %IW0 : INT; half : INT; lamp AT %QX0.0 : BOOL; END_VAR
half := level / 2;
lamp := half > 10;
END_PROGRAM",
        ),
    ],
    check: Check::Program(unread),
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Owner {
    Local(PouId, VarId),
    Global(GlobalId),
}

#[derive(Clone, Copy, Default)]
struct Usage {
    read: Option<Span>,
    written: Option<Span>,
    contact: bool,
    coil: bool,
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

fn uses(context: &Context<'_>) -> Vec<(Variable, Usage)> {
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

fn unwritten(context: &Context<'_>, _: &RuleOptions, found: &mut Vec<Draft>) {
    for (variable, usage) in uses(context) {
        let Some(read) = usage.read else { continue };
        if usage.written.is_none() && !usage.contact && variable.init == Init::Default {
            let message = format!("nothing writes `{}`, so it is always 0", variable.name);
            found.push(Draft::new(read, message).also(variable.span, "declared here"));
        }
    }
}

fn unread(context: &Context<'_>, _: &RuleOptions, found: &mut Vec<Draft>) {
    for (variable, usage) in uses(context) {
        let Some(written) = usage.written else { continue };
        if usage.read.is_none() && !usage.contact && !usage.coil {
            let message = format!("nothing reads `{}`", variable.name);
            found.push(Draft::new(written, message).also(variable.span, "declared here"));
        }
    }
}
