//! K112: statements or branches in each other.

use crate::config::RuleOptions;
use crate::context::Context;
use crate::finding::Severity;
use crate::rule::{Check, Draft, Example, OptionDefault, Rule, RuleOption};
use crate::walk::units;
use compiler::hir::{Body, Element, ElementKind, Stmt, StmtKind};

/// Statements or branches in each other.
pub const RULE: Rule = Rule {
    code: "K112",
    severity: Severity::Warning,
    on: true,
    title: "nesting too deep to follow",
    explanation: "Statements stand in one another, or branches of a rung in one another, deeper than a reader can keep in mind.",
    fix: "Leave early (RETURN, CONTINUE), or move the inner part into a function or block; give a part of a rung a coil of its own.",
    options: &[
        RuleOption { name: "statements", default: OptionDefault::Number(5), meaning: "levels of IF, CASE and loops" },
        RuleOption { name: "branches", default: OptionDefault::Number(4), meaning: "levels of branches in a rung" },
    ],
    examples: &[
        Example::rejected(
            "PROGRAM Main
VAR a AT %IX0.0 : BOOL; b AT %IX0.1 : BOOL; n : INT; lamp AT %QX0.0 : BOOL; END_VAR
IF a THEN
  IF b THEN
    FOR n := 0 TO 3 DO
      IF n > 1 THEN
        IF NOT lamp THEN
          «IF n > 2 THEN lamp := TRUE; END_IF;
        END_IF;
      END_IF;
    END_FOR;
  END_IF;
ELSE
  lamp := FALSE;
END_IF;
END_PROGRAM",
        ),
        Example::accepted(
            "PROGRAM Main
VAR a AT %IX0.0 : BOOL; b AT %IX0.1 : BOOL; lamp AT %QX0.0 : BOOL; END_VAR
IF a THEN
  IF b THEN lamp := TRUE; END_IF;
ELSE
  lamp := FALSE;
END_IF;
END_PROGRAM",
        ),
    ],
    check: Check::Program(check),
};

fn check(context: &Context<'_>, options: &RuleOptions, found: &mut Vec<Draft>) {
    let mut depths = Depths { statements: options.number("statements"), branches: options.number("branches"), found };
    for (_, pou) in units(context.program) {
        match &pou.body {
            Body::Statements(list) => depths.list(list, 0),
            Body::Ladder(rungs) => rungs.iter().for_each(|rung| depths.series(&rung.series, 0)),
        }
    }
}

struct Depths<'f> {
    statements: u64,
    branches: u64,
    found: &'f mut Vec<Draft>,
}

impl Depths<'_> {
    fn list(&mut self, list: &[Stmt], depth: u64) {
        for statement in list {
            let inner: Vec<&[Stmt]> = match &statement.kind {
                StmtKind::If { branches, otherwise } => {
                    branches.iter().map(|(_, b)| b.as_slice()).chain([otherwise.as_slice()]).collect()
                }
                StmtKind::Case { arms, otherwise, .. } => {
                    arms.iter().map(|(_, b)| b.as_slice()).chain([otherwise.as_slice()]).collect()
                }
                StmtKind::For(l) => vec![&l.body],
                StmtKind::While(_, body) | StmtKind::Repeat(body, _) => vec![body],
                _ => continue,
            };
            if depth >= self.statements {
                let message = format!("this is level {} of statements, more than {}", depth + 1, self.statements);
                self.found.push(Draft::new(statement.span, message));
                // What is deeper still is the same finding.
                continue;
            }
            inner.into_iter().for_each(|list| self.list(list, depth + 1));
        }
    }

    fn series(&mut self, elements: &[Element], depth: u64) {
        for element in elements {
            match &element.kind {
                ElementKind::Branch(_) if depth >= self.branches => {
                    let message = format!("this is level {} of branches, more than {}", depth + 1, self.branches);
                    self.found.push(Draft::new(element.span, message));
                }
                ElementKind::Branch(legs) => legs.iter().for_each(|leg| self.series(leg, depth + 1)),
                ElementKind::Powered { body, .. } => self.list(body, 0),
                _ => {}
            }
        }
    }
}
