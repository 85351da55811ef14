//! K107: a divisor that may be zero.

use crate::config::RuleOptions;
use crate::context::Context;
use crate::finding::Severity;
use crate::rule::{Check, Draft, Example, Rule};
use crate::value::{Site, Value};
use crate::walk::{self, Visitor, units};
use bytecode::Op;
use compiler::hir::{Expr, ExprKind};

/// The rule.
pub const RULE: Rule = Rule {
    code: "K107",
    severity: Severity::Warning,
    on: true,
    title: "division by something that may be zero",
    explanation: "A division of whole numbers (or MOD) by zero is a fault: the scan commits nothing and the outputs go to their safe state. By the values it can have, and by the conditions around it, this divisor can be zero. REAL divisions give infinity instead of a fault and are not looked at.",
    fix: "Test the divisor before dividing (`IF n <> 0 THEN ...`), or limit it (`MAX(n, 1)`).",
    options: &[],
    examples: &[
        Example::rejected(
            "PROGRAM Main
VAR parts AT %IW0 : INT; share AT %QW0 : INT; END_VAR
share := 1000 / «parts;
END_PROGRAM",
        ),
        Example::accepted(
            "PROGRAM Main
VAR parts AT %IW0 : INT; share AT %QW0 : INT; END_VAR
IF parts > 0 THEN share := 1000 / parts; ELSE share := 0; END_IF;
END_PROGRAM",
        ),
        Example::accepted(
            "PROGRAM Main
VAR parts AT %IW0 : INT; share AT %QW0 : INT; END_VAR
share := 1000 / MAX(parts, 1);
END_PROGRAM",
        ),
        Example::accepted(
            "PROGRAM Main
VAR parts AT %IW0 : INT; share AT %QW0 : INT; END_VAR
LADDER
RUNG: NE(parts, 0) ST share := 1000 / parts; END_ST;
END_LADDER
END_PROGRAM",
        ),
    ],
    check: Check::Program(check),
};

struct Divisors<'c, 'a, 'f> {
    context: &'c Context<'a>,
    found: &'f mut Vec<Draft>,
}

impl<'a> Visitor<'a> for Divisors<'_, '_, '_> {
    fn expression(&mut self, expr: &'a Expr) {
        let ExprKind::Apply { op: Op::Div | Op::Mod, scalar, args, .. } = &expr.kind else { return };
        let Some(divisor) = args.get(1).filter(|_| !scalar.is_float()) else { return };
        let Some(value) = self.context.values.seen(Site::Divisor, divisor.span) else { return };
        if !value.may_be(0) {
            return;
        }
        let name = self.context.text(divisor.span);
        let draft = Draft::new(divisor.span, format!("`{name}` may be 0 here"));
        let full = Value::of_scalar(*scalar);
        self.found.push(match value {
            Value::Range(low, high) if value != full => draft.note(format!("by the program it is {low} to {high}")),
            Value::Range(..) | Value::Hole(..) | Value::Any => draft,
        });
    }
}

fn check(context: &Context<'_>, _: &RuleOptions, found: &mut Vec<Draft>) {
    for (_, pou) in units(context.program) {
        walk::unit(pou, &mut Divisors { context, found });
    }
}
