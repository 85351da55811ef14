//! K111: units with too many decisions.

use crate::config::RuleOptions;
use crate::context::Context;
use crate::finding::Severity;
use crate::rule::{Check, Draft, Example, OptionDefault, Rule, RuleOption};
use crate::walk::{self, Visitor, units};
use compiler::hir::{Element, ElementKind, Stmt, StmtKind};

/// Units with too many decisions.
pub const RULE: Rule = Rule {
    code: "K111",
    severity: Severity::Warning,
    on: true,
    title: "unit with too many decisions",
    explanation: "Each condition of IF, WHILE and REPEAT, each arm of CASE, each FOR and each jump is one more way through the unit. Beyond the limit nobody tests them all. Contacts of a ladder are not counted: coverage shows them.",
    fix: "Move parts that belong together into function blocks of their own.",
    options: &[RuleOption { name: "limit", default: OptionDefault::Number(30), meaning: "decisions in one unit" }],
    examples: &[
        Example::rejected(
            "PROGRAM «Main
VAR x AT %IB0 : USINT; y AT %QB0 : USINT; END_VAR
CASE x OF
  0: y := 1; 1: y := 2; 2: y := 3; 3: y := 4; 4: y := 5; 5: y := 6; 6: y := 7; 7: y := 8; 8: y := 9; 9: y := 10;
  10: y := 1; 11: y := 2; 12: y := 3; 13: y := 4; 14: y := 5; 15: y := 6; 16: y := 7; 17: y := 8; 18: y := 9; 19: y := 10;
  20: y := 1; 21: y := 2; 22: y := 3; 23: y := 4; 24: y := 5; 25: y := 6; 26: y := 7; 27: y := 8; 28: y := 9; 29: y := 10;
  30: y := 1;
ELSE
  y := 0;
END_CASE;
END_PROGRAM",
        ),
        Example::accepted(
            "PROGRAM Main
VAR x AT %IB0 : USINT; y AT %QB0 : USINT; END_VAR
CASE x OF
  0: y := 1; 1: y := 2;
ELSE
  y := 0;
END_CASE;
END_PROGRAM",
        ),
    ],
    check: Check::Program(check),
};

fn check(context: &Context<'_>, options: &RuleOptions, found: &mut Vec<Draft>) {
    struct Decisions(u64);
    impl<'a> Visitor<'a> for Decisions {
        fn element(&mut self, element: &'a Element) {
            self.0 += u64::from(matches!(element.kind, ElementKind::Jump(_) | ElementKind::Return));
        }
        fn statement(&mut self, statement: &'a Stmt) {
            self.0 += match &statement.kind {
                StmtKind::If { branches, .. } => branches.len() as u64,
                StmtKind::Case { arms, .. } => arms.len() as u64,
                StmtKind::For(_) | StmtKind::While(..) | StmtKind::Repeat(..) => 1,
                _ => 0,
            };
        }
    }
    let limit = options.number("limit");
    for (_, pou) in units(context.program) {
        let mut decisions = Decisions(0);
        walk::unit(pou, &mut decisions);
        if decisions.0 > limit {
            let message = format!("`{}` has {} decisions, more than {limit}", pou.name, decisions.0);
            found.push(Draft::new(pou.span, message));
        }
    }
}
