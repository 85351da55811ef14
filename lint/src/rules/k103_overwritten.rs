//! K103: an output given two values in one scan.

use crate::config::RuleOptions;
use crate::context::Context;
use crate::finding::Severity;
use crate::rule::{Check, Draft, Example, Rule};
use crate::walk::{self, Visitor, Write, units};
use compiler::ast::{Area, CoilKind};
use compiler::hir::{Expr, ExprKind, Place, Pou, Program, Root, Stmt, StmtKind};
use compiler::source::Span;

/// The rule.
pub const RULE: Rule = Rule {
    code: "K103",
    severity: Severity::Warning,
    on: true,
    title: "output written twice",
    explanation: "An output gets two values in one scan, and only the last one leaves the controller: two assignments one after the other, or a coil and an assignment. A default that an IF below may replace is the usual way and no finding. Two coils are E0604.",
    fix: "Keep one of the two, or join their conditions.",
    options: &[],
    examples: &[
        Example::rejected(
            "PROGRAM Main
VAR a AT %IX0.0 : BOOL; b AT %IX0.1 : BOOL; lamp AT %QX0.0 : BOOL; END_VAR
lamp := a;
«lamp := b;
END_PROGRAM",
        ),
        Example::rejected(
            "PROGRAM Main
VAR a AT %IX0.0 : BOOL; b AT %IX0.1 : BOOL; lamp AT %QX0.0 : BOOL; END_VAR
LADDER
RUNG: NO(a) COIL(lamp);
RUNG: NO(b) ST «lamp := TRUE; END_ST;
END_LADDER
END_PROGRAM",
        ),
        Example::accepted(
            "PROGRAM Main
VAR a AT %IX0.0 : BOOL; b AT %IX0.1 : BOOL; lamp AT %QX0.0 : BOOL; END_VAR
lamp := FALSE;
IF a AND b THEN lamp := TRUE; END_IF;
END_PROGRAM",
        ),
        Example::accepted(
            "PROGRAM Main
VAR a AT %IX0.0 : BOOL; b AT %IX0.1 : BOOL; lamp AT %QX0.0 : BOOL; END_VAR
lamp := a;
lamp := lamp OR b;
END_PROGRAM",
        ),
    ],
    check: Check::Program(check),
};

fn check(context: &Context<'_>, _: &RuleOptions, found: &mut Vec<Draft>) {
    for (_, pou) in units(context.program) {
        let mut pairs = Pairs { pou, program: context.program, found };
        walk::unit(pou, &mut pairs);
        let mut drives = Drives { coils: Vec::new(), statements: Vec::new(), pou, program: context.program };
        walk::unit(pou, &mut drives);
        for (place, span) in &drives.statements {
            if let Some((_, coil)) = drives.coils.iter().find(|(other, _)| other == place) {
                let message = format!("`{}` is driven by a coil, too", context.text(*span));
                found.push(Draft::new(*span, message).also(*coil, "the coil"));
            }
        }
    }
}

/// Byte and bit of an output.
type Output = (u32, Option<u8>);

fn output(place: &Place, pou: &Pou, program: &Program) -> Option<Output> {
    let location = match &place.root {
        Root::Address(location) => Some(&**location),
        Root::Local(var) => pou.vars[*var].location.as_deref(),
        Root::Global(id) => program.globals[*id].location.as_deref(),
    };
    location.filter(|l| l.area == Area::Output && place.steps.is_empty()).map(|l| (l.byte, l.bit))
}

/// Two assignments in one list, nothing between that reads or might jump.
struct Pairs<'f, 'a> {
    pou: &'a Pou,
    program: &'a Program,
    found: &'f mut Vec<Draft>,
}

impl<'a> Visitor<'a> for Pairs<'_, '_> {
    fn statements(&mut self, list: &'a [Stmt]) {
        let mut before: Vec<(Output, Span)> = Vec::new();
        for statement in list {
            let StmtKind::Assign(place, value) = &statement.kind else {
                // What a condition or a call does in between is not followed.
                before.clear();
                continue;
            };
            before.retain(|(written, _)| !reads(value, *written, self.pou, self.program));
            let Some(target) = output(place, self.pou, self.program) else { continue };
            if let Some((_, first)) = before.iter().find(|(written, _)| *written == target) {
                let message = "this output was given another value just above";
                self.found.push(Draft::new(place.span, message).also(*first, "this value never leaves the controller"));
            }
            before.push((target, place.span));
        }
    }
}

fn reads(expr: &Expr, target: Output, pou: &Pou, program: &Program) -> bool {
    struct Reads<'a>(Output, &'a Pou, &'a Program, bool);
    impl<'a> Visitor<'a> for Reads<'_> {
        fn read(&mut self, place: &'a Place) {
            self.3 |= output(place, self.1, self.2) == Some(self.0);
        }
        fn expression(&mut self, expr: &'a Expr) {
            // What a function does is not followed.
            self.3 |= matches!(expr.kind, ExprKind::Call(_));
        }
    }
    let mut visitor = Reads(target, pou, program, false);
    walk::expression(expr, &mut visitor);
    visitor.3
}

struct Drives<'a> {
    coils: Vec<(Output, Span)>,
    statements: Vec<(Output, Span)>,
    pou: &'a Pou,
    program: &'a Program,
}

impl<'a> Visitor<'a> for Drives<'_> {
    fn write(&mut self, place: &'a Place, how: Write<'a>) {
        let Some(target) = output(place, self.pou, self.program) else { return };
        match how {
            Write::Coil(CoilKind::Set | CoilKind::Reset) => {}
            Write::Coil(_) => self.coils.push((target, place.span)),
            Write::Assign(_) | Write::Output | Write::InOut | Write::Control => {
                self.statements.push((target, place.span))
            }
        }
    }
}
