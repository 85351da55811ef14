//! K205: a latch that nothing resets.

use crate::config::RuleOptions;
use crate::context::Context;
use crate::finding::Severity;
use crate::rule::{Check, Draft, Example, Rule};
use crate::walk::{self, Visitor, Write, units};
use compiler::ast::CoilKind;
use compiler::hir::{Body, GlobalId, Place, Pou, PouId, Program, Root, Stmt, StmtKind, VarId, Variable};
use compiler::source::Span;
use std::collections::BTreeMap;

/// The rule.
pub const RULE: Rule = Rule {
    code: "K205",
    severity: Severity::Warning,
    on: true,
    title: "latch without unlatch",
    explanation: "The variable is only ever set to TRUE: by SET coils, or by assignments of TRUE under a condition. Once set it stays so until the controller restarts, and a RETAIN variable even then. Silent where the variable is a parameter, or is passed as VAR_IN_OUT or to an output of a call.",
    fix: "Add an RST (or an assignment of FALSE) on the condition that ends it, such as an acknowledgement.",
    options: &[],
    examples: &[
        Example::rejected(
            "PROGRAM Main
VAR trip AT %IX0.0 : BOOL; fault : BOOL; lamp AT %QX0.0 : BOOL; END_VAR
LADDER
RUNG: NO(trip) SET(«fault);
RUNG: NO(fault) COIL(lamp);
END_LADDER
END_PROGRAM",
        ),
        Example::rejected(
            "PROGRAM Main
VAR trip AT %IX0.0 : BOOL; fault : BOOL; lamp AT %QX0.0 : BOOL; END_VAR
IF trip THEN «fault := TRUE; END_IF;
lamp := fault;
END_PROGRAM",
        ),
        Example::accepted(
            "PROGRAM Main
VAR trip AT %IX0.0 : BOOL; reset AT %IX0.1 : BOOL; fault : BOOL; lamp AT %QX0.0 : BOOL; END_VAR
LADDER
RUNG: NO(trip) SET(fault);
RUNG: RISE(reset) RST(fault);
RUNG: NO(fault) COIL(lamp);
END_LADDER
END_PROGRAM",
        ),
    ],
    check: Check::Program(check),
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Owner {
    Local(PouId, VarId),
    Global(GlobalId),
}

#[derive(Default)]
struct Writes {
    /// The first place that sets it.
    set: Option<Span>,
    /// Something may clear it, or gives it a value that is not a constant TRUE.
    other: bool,
}

struct Collector {
    pou: PouId,
    writes: BTreeMap<Owner, Writes>,
    /// Places that every scan assigns: what is TRUE from the first scan on is no latch.
    always: Vec<Span>,
}

impl<'a> Visitor<'a> for Collector {
    fn write(&mut self, place: &'a Place, how: Write<'a>) {
        let owner = match &place.root {
            Root::Local(var) => Owner::Local(self.pou, *var),
            Root::Global(global) => Owner::Global(*global),
            Root::Address(_) => return,
        };
        let writes = self.writes.entry(owner).or_default();
        let sets = place.steps.is_empty()
            && match how {
                Write::Coil(kind) => kind == CoilKind::Set,
                Write::Assign(value) => value.constant() == Some(1) && !self.always.contains(&place.span),
                Write::Output | Write::InOut | Write::Control => false,
            };
        if sets {
            writes.set.get_or_insert(place.span);
        } else {
            writes.other = true;
        }
    }
}

fn check(context: &Context<'_>, _: &RuleOptions, found: &mut Vec<Draft>) {
    let mut collector = Collector { pou: PouId(0), writes: BTreeMap::new(), always: Vec::new() };
    for (id, pou) in units(context.program) {
        collector.pou = id;
        collector.always = always(pou);
        walk::unit(pou, &mut collector);
    }
    // Located variables may have another name elsewhere (K101); several names of one place are looked at together.
    let variable = |owner: &Owner| match owner {
        Owner::Local(pou, var) => &context.program.pous[*pou].vars[*var],
        Owner::Global(global) => &context.program.globals[*global],
    };
    for (owner, writes) in &collector.writes {
        let variable: &Variable = variable(owner);
        let Some(set) = writes.set.filter(|_| !writes.other && is_state(variable)) else { continue };
        let cleared_elsewhere = variable.location.as_deref().is_some_and(|location| {
            let same = |o: &Owner| self::same_place(location, o, context.program);
            collector.writes.iter().any(|(o, w)| o != owner && w.other && same(o))
        });
        if !cleared_elsewhere {
            let message = format!("`{}` is set here and nothing ever resets it", variable.name);
            found.push(Draft::new(set, message).also(variable.span, "declared here"));
        }
    }
}

/// Assignments in the unit's own list of statements.
fn always(pou: &Pou) -> Vec<Span> {
    let Body::Statements(list) = &pou.body else { return Vec::new() };
    let target = |s: &Stmt| if let StmtKind::Assign(place, _) = &s.kind { Some(place.span) } else { None };
    list.iter().filter_map(target).collect()
}

fn same_place(location: &compiler::hir::Location, other: &Owner, program: &Program) -> bool {
    let variable = match other {
        Owner::Local(pou, var) => &program.pous[*pou].vars[*var],
        Owner::Global(global) => &program.globals[*global],
    };
    variable.location.as_deref().is_some_and(|l| (l.area, l.byte) == (location.area, location.byte))
}

/// Does it keep its value from scan to scan, and is it nobody else's?
fn is_state(variable: &Variable) -> bool {
    use compiler::hir::Class;
    let kept = match variable.class {
        Class::Local | Class::Global | Class::Output => true,
        Class::Input | Class::InOut | Class::Temp | Class::Result | Class::Hidden => false,
    };
    kept && variable.ty == compiler::types::Ty::BOOL
}
