//! K109: numbers without a name.

use crate::config::RuleOptions;
use crate::context::Context;
use crate::finding::Severity;
use crate::rule::{Check, Draft, Example, Rule};
use crate::walk::{self, Visitor, Write, units};
use compiler::hir::{Expr, ExprKind, Place, Step};
use compiler::source::Span;
use compiler::types::Ty;

/// Numbers without a name.
pub const RULE: Rule = Rule {
    code: "K109",
    severity: Severity::Note,
    on: false,
    title: "magic number",
    explanation: "A number or duration in the logic whose meaning only its author knows. 0, 1 and indices of arrays are left alone, and so are labels of CASE and initial values.",
    fix: "Give it a name: VAR CONSTANT.",
    options: &[],
    examples: &[
        Example::rejected(
            "PROGRAM Main
VAR go AT %IX0.0 : BOOL; lamp AT %QX0.0 : BOOL; delay : TON; END_VAR
delay(IN := go, PT := «T#2500ms);
lamp := delay.Q;
END_PROGRAM",
        ),
        Example::accepted(
            "PROGRAM Main
VAR CONSTANT settling : TIME := T#2500ms; END_VAR
VAR go AT %IX0.0 : BOOL; lamp AT %QX0.0 : BOOL; delay : TON; END_VAR
delay(IN := go, PT := settling);
lamp := delay.Q;
END_PROGRAM",
        ),
    ],
    check: Check::Program(check),
};

struct Numbers<'c, 'a, 'f> {
    context: &'c Context<'a>,
    indices: Vec<Span>,
    found: &'f mut Vec<Draft>,
}

impl Numbers<'_, '_, '_> {
    fn place(&mut self, place: &Place) {
        for step in &place.steps {
            if let Step::Index(list) = step {
                self.indices.extend(list.iter().map(|i| i.span));
            }
        }
    }
}

impl<'a> Visitor<'a> for Numbers<'_, '_, '_> {
    fn read(&mut self, place: &'a Place) {
        self.place(place);
    }

    fn write(&mut self, place: &'a Place, _: Write<'a>) {
        self.place(place);
    }

    fn expression(&mut self, expr: &'a Expr) {
        let ExprKind::Const(bits) = expr.kind else { return };
        let text = self.context.text(expr.span);
        let literal = text.starts_with(|c: char| c.is_ascii_digit()) || text.contains('#');
        let telling = expr.ty != Ty::BOOL && bits > 1 && !self.indices.contains(&expr.span);
        if literal && telling {
            self.found.push(Draft::new(expr.span, format!("what does {text} stand for?")));
        }
    }
}

fn check(context: &Context<'_>, _: &RuleOptions, found: &mut Vec<Draft>) {
    for (_, pou) in units(context.program) {
        walk::unit(pou, &mut Numbers { context, indices: Vec::new(), found });
    }
}
