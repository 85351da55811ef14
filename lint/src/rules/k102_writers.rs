//! K102: an output or global written by several programs.

use crate::config::RuleOptions;
use crate::context::Context;
use crate::finding::Severity;
use crate::rule::{Check, Draft, Example, Rule};
use crate::walk::{self, Visitor, Write};
use compiler::ast::Area;
use compiler::hir::{Call, GlobalId, Location, Place, PouId, Program, Root};
use compiler::source::Span;
use std::collections::{BTreeMap, BTreeSet};

/// The rule.
pub const RULE: Rule = Rule {
    code: "K102",
    severity: Severity::Warning,
    on: true,
    title: "output or global written by several programs",
    explanation: "Two program instances write one output or one global variable, so the one that runs last in a scan decides, and which that is depends on tasks and priorities. Two instances of one program with located outputs are such a case. Blocks and functions a program calls count as the program.",
    fix: "Let one program write it; give it the others' wishes through variables of their own.",
    options: &[],
    examples: &[
        Example::rejected(
            "PROGRAM A
VAR lamp AT %QX0.0 : BOOL; go AT %IX0.0 : BOOL; END_VAR
lamp := go;
END_PROGRAM
PROGRAM B
VAR lamp AT %QX0.0 : BOOL; test AT %IX0.1 : BOOL; END_VAR
«lamp := test;
END_PROGRAM
CONFIGURATION C
TASK fast(INTERVAL := T#10ms, PRIORITY := 0);
TASK slow(INTERVAL := T#100ms, PRIORITY := 1);
PROGRAM a1 WITH fast : A;
PROGRAM b1 WITH slow : B;
END_CONFIGURATION",
        ),
        Example::accepted(
            "VAR_GLOBAL wish : BOOL; END_VAR
PROGRAM A
VAR lamp AT %QX0.0 : BOOL; go AT %IX0.0 : BOOL; END_VAR
lamp := go OR wish;
END_PROGRAM
PROGRAM B
VAR test AT %IX0.1 : BOOL; END_VAR
wish := test;
END_PROGRAM
CONFIGURATION C
TASK t(INTERVAL := T#10ms, PRIORITY := 0);
PROGRAM a1 WITH t : A;
PROGRAM b1 WITH t : B;
END_CONFIGURATION",
        ),
    ],
    check: Check::Program(check),
};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Shared {
    Output(u32, Option<u8>),
    Global(GlobalId),
}

/// What a unit writes of what others can write too, and what it calls.
#[derive(Default)]
struct Unit {
    writes: BTreeMap<Shared, Span>,
    calls: BTreeSet<PouId>,
}

struct Collector<'a> {
    program: &'a Program,
    pou: PouId,
    unit: Unit,
}

impl<'a> Visitor<'a> for Collector<'_> {
    fn call(&mut self, call: &'a Call) {
        self.unit.calls.insert(call.pou);
    }

    fn write(&mut self, place: &'a Place, _: Write<'a>) {
        let output = |location: &Location| {
            (location.area == Area::Output).then_some(Shared::Output(location.byte, location.bit))
        };
        let shared = match &place.root {
            Root::Address(location) => output(location),
            Root::Local(var) => self.program.pous[self.pou].vars[*var].location.as_deref().and_then(output),
            Root::Global(id) => match &self.program.globals[*id].location {
                Some(location) => output(location),
                None => Some(Shared::Global(*id)),
            },
        };
        if let Some(shared) = shared {
            self.unit.writes.entry(shared).or_insert(place.span);
        }
    }
}

fn check(context: &Context<'_>, _: &RuleOptions, found: &mut Vec<Draft>) {
    let program = context.program;
    if program.instances.len() < 2 {
        return;
    }
    let mut units: BTreeMap<PouId, Unit> = BTreeMap::new();
    for (id, pou) in walk::units(program) {
        let mut collector = Collector { program, pou: id, unit: Unit::default() };
        walk::unit(pou, &mut collector);
        units.insert(id, collector.unit);
    }
    let mut first: BTreeMap<Shared, (usize, Span)> = BTreeMap::new();
    for (number, instance) in program.instances.iter().enumerate() {
        for (shared, span) in reached(instance.pou, &units) {
            match first.get(&shared) {
                None => {
                    first.insert(shared, (number, span));
                }
                Some((earlier, place)) => {
                    let names = [*earlier, number].map(|n| program.instances.get(n).map_or("", |i| i.name.as_str()));
                    found.push(report(context, &shared, span, *place, names));
                }
            }
        }
    }
}

fn report(context: &Context<'_>, shared: &Shared, span: Span, first: Span, [a, b]: [&str; 2]) -> Draft {
    let what = context.text(span);
    let message = match shared {
        Shared::Output(..) => format!("the output `{what}` is written by `{a}` and by `{b}`"),
        Shared::Global(_) => format!("the global `{what}` is written by `{a}` and by `{b}`"),
    };
    let draft = Draft::new(span, message);
    if span == first { draft } else { draft.also(first, format!("`{a}` writes it here")) }
}

/// What a program writes, with all it calls.
fn reached(root: PouId, units: &BTreeMap<PouId, Unit>) -> BTreeMap<Shared, Span> {
    let mut open = vec![root];
    let mut seen = BTreeSet::new();
    let mut writes = BTreeMap::new();
    while let Some(id) = open.pop() {
        let Some(unit) = units.get(&id).filter(|_| seen.insert(id)) else { continue };
        for (shared, span) in &unit.writes {
            writes.entry(shared.clone()).or_insert(*span);
        }
        open.extend(&unit.calls);
    }
    writes
}
