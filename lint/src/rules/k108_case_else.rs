//! K108: CASE without ELSE.

use crate::config::RuleOptions;
use crate::context::Context;
use crate::finding::Severity;
use crate::rule::{Check, Draft, Example, Rule};
use crate::walk::{self, Visitor, units};
use compiler::hir::{Expr, Stmt, StmtKind};
use compiler::types::int_range;

/// The rule.
pub const RULE: Rule = Rule {
    code: "K108",
    severity: Severity::Warning,
    on: true,
    title: "CASE without ELSE",
    explanation: "A value that no arm names does nothing at all, and a step that is never left is hard to find at night. Accepted where the arms cover every value of the selector's type.",
    fix: "Add an ELSE, if only to go to a safe step or to report the value.",
    options: &[],
    examples: &[
        Example::rejected(
            "PROGRAM Main
VAR mode AT %IB0 : USINT; lamp AT %QX0.0 : BOOL; END_VAR
«CASE mode OF
  0: lamp := FALSE;
  1: lamp := TRUE;
END_CASE;
END_PROGRAM",
        ),
        Example::accepted(
            "PROGRAM Main
VAR mode AT %IB0 : USINT; lamp AT %QX0.0 : BOOL; END_VAR
CASE mode OF
  1: lamp := TRUE;
ELSE
  lamp := FALSE;
END_CASE;
END_PROGRAM",
        ),
        Example::accepted(
            "PROGRAM Main
VAR mode AT %IB0 : USINT; lamp AT %QX0.0 : BOOL; END_VAR
CASE mode OF
  0..9: lamp := FALSE;
  10..255: lamp := TRUE;
END_CASE;
END_PROGRAM",
        ),
    ],
    check: Check::Program(check),
};

fn check(context: &Context<'_>, _: &RuleOptions, found: &mut Vec<Draft>) {
    struct Cases<'f>(&'f mut Vec<Draft>);
    impl<'a> Visitor<'a> for Cases<'_> {
        fn statement(&mut self, statement: &'a Stmt) {
            let StmtKind::Case { selector, arms, otherwise } = &statement.kind else { return };
            if !otherwise.is_empty() {
                return;
            }
            let mut ranges: Vec<(i128, i128)> = arms.iter().flat_map(|(ranges, _)| ranges.iter().copied()).collect();
            if let Some(missing) = first_missing(selector, &mut ranges) {
                let message = format!("nothing is done for {missing}, nor for any other value without an arm");
                self.0.push(Draft::new(statement.span, message));
            }
        }
    }
    for (_, pou) in units(context.program) {
        walk::unit(pou, &mut Cases(found));
    }
}

/// The least value of the selector that no arm names.
fn first_missing(selector: &Expr, ranges: &mut [(i128, i128)]) -> Option<i128> {
    let (low, high) = int_range(selector.ty.scalar()?)?;
    ranges.sort_unstable();
    let mut next = low;
    for (from, to) in ranges.iter() {
        if *from > next {
            break;
        }
        next = next.max(to + 1);
    }
    (next <= high).then_some(next)
}
