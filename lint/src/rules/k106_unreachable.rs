//! K106: statements and arms that are never reached.

use crate::config::RuleOptions;
use crate::context::Context;
use crate::finding::Severity;
use crate::rule::{Check, Draft, Example, Rule};
use crate::value::{Site, Value};
use crate::walk::{self, Visitor, units};
use compiler::hir::{Stmt, StmtKind};

/// The rule.
pub const RULE: Rule = Rule {
    code: "K106",
    severity: Severity::Warning,
    on: true,
    title: "statement that is never reached",
    explanation: "A statement behind RETURN, EXIT or CONTINUE in the same list never runs; nor does an arm of CASE for values the selector never has. Branches of an IF whose condition is always the same are K105.",
    fix: "Take it out, or correct what should lead to it.",
    options: &[],
    examples: &[
        Example::rejected(
            "PROGRAM Main
VAR go AT %IX0.0 : BOOL; lamp AT %QX0.0 : BOOL; END_VAR
IF NOT go THEN
  lamp := FALSE;
  RETURN;
  «lamp := TRUE;
END_IF;
lamp := TRUE;
END_PROGRAM",
        ),
        Example::rejected(
            "PROGRAM Main
VAR step : INT; go AT %IX0.0 : BOOL; lamp AT %QX0.0 : BOOL; END_VAR
CASE step OF
  0: lamp := FALSE; IF go THEN step := 1; END_IF;
  1: lamp := TRUE; IF NOT go THEN step := 0; END_IF;
  2: «lamp := FALSE;
ELSE
  step := 0;
END_CASE;
END_PROGRAM",
        ),
        Example::accepted(
            "PROGRAM Main
VAR step : INT; go AT %IX0.0 : BOOL; lamp AT %QX0.0 : BOOL; END_VAR
CASE step OF
  0: lamp := FALSE; IF go THEN step := 1; END_IF;
  1: lamp := TRUE; IF NOT go THEN step := 0; END_IF;
ELSE
  step := 0;
END_CASE;
END_PROGRAM",
        ),
    ],
    check: Check::Program(check),
};

struct Lists<'c, 'a, 'f> {
    context: &'c Context<'a>,
    found: &'f mut Vec<Draft>,
}

impl<'a> Visitor<'a> for Lists<'_, '_, '_> {
    fn statements(&mut self, list: &'a [Stmt]) {
        for pair in list.windows(2) {
            let [before, after] = pair else { continue };
            if let Some(word) = ends(before) {
                let message = format!("nothing behind {word} is ever reached");
                self.found.push(Draft::new(after.span, message).also(before.span, format!("{word} leaves here")));
                break;
            }
        }
    }

    fn statement(&mut self, statement: &'a Stmt) {
        let StmtKind::Case { selector, arms, .. } = &statement.kind else { return };
        let Some(value) = self.context.values.seen(Site::Selector, selector.span) else { return };
        for (ranges, body) in arms {
            let possible = ranges.iter().any(|(low, high)| value.meet(Value::Range(*low, *high)).is_some());
            if let (false, Some(first), Value::Range(low, high)) = (possible, body.first(), value) {
                let name = self.context.text(selector.span);
                let message = format!("this arm is never selected: `{name}` is {low} to {high} only");
                self.found.push(Draft::new(first.span, message).also(selector.span, "the selector"));
            }
        }
    }
}

/// The word by which a statement always leaves its list.
fn ends(statement: &Stmt) -> Option<&'static str> {
    match &statement.kind {
        StmtKind::Return => Some("RETURN"),
        StmtKind::Exit => Some("EXIT"),
        StmtKind::Continue => Some("CONTINUE"),
        _ => None,
    }
}

fn check(context: &Context<'_>, _: &RuleOptions, found: &mut Vec<Draft>) {
    for (_, pou) in units(context.program) {
        walk::unit(pou, &mut Lists { context, found });
    }
}
