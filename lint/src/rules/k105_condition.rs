//! K105: a condition that is always the same.

use crate::config::RuleOptions;
use crate::context::Context;
use crate::finding::Severity;
use crate::rule::{Check, Draft, Example, Rule};
use crate::value::Site;
use crate::walk::{self, Visitor, units};
use compiler::hir::{Element, ElementKind, Expr, ExprKind, Stmt, StmtKind};

/// The rule.
pub const RULE: Rule = Rule {
    code: "K105",
    severity: Severity::Warning,
    on: true,
    title: "condition that is always the same",
    explanation: "By the values the variables can have, the condition of IF, ELSIF, WHILE, REPEAT or CMP is always TRUE or always FALSE. Silent where it consists of CONSTANT variables only (an option of the program), for `WHILE TRUE` and `UNTIL FALSE`, and where the unit is never called.",
    fix: "Correct the comparison or the values, or take out what never happens.",
    options: &[],
    examples: &[
        Example::rejected(
            "PROGRAM Main
VAR step : INT; go AT %IX0.0 : BOOL; lamp AT %QX0.0 : BOOL; END_VAR
IF go THEN step := 3; ELSE step := 0; END_IF;
IF «step > 5 THEN lamp := TRUE; ELSE lamp := FALSE; END_IF;
END_PROGRAM",
        ),
        Example::rejected(
            "PROGRAM Main
VAR speed AT %IB0 : USINT; lamp AT %QX0.0 : BOOL; END_VAR
LADDER
RUNG: GE(«speed, 0) COIL(lamp);
END_LADDER
END_PROGRAM",
        ),
        Example::accepted(
            "PROGRAM Main
VAR CONSTANT has_heater : BOOL := FALSE; END_VAR
VAR step : INT; go AT %IX0.0 : BOOL; lamp AT %QX0.0 : BOOL; END_VAR
IF go THEN step := step + 1; ELSE step := 0; END_IF;
IF step > 5 THEN step := 5; END_IF;
IF has_heater THEN lamp := FALSE; ELSE lamp := step = 5; END_IF;
END_PROGRAM",
        ),
    ],
    check: Check::Program(check),
};

/// Every condition of a unit. `loops`: a literal that makes an endless loop is meant.
pub(super) struct Conditions<'a> {
    pub list: Vec<(&'a Expr, bool)>,
}

impl<'a> Visitor<'a> for Conditions<'a> {
    fn element(&mut self, element: &'a Element) {
        if let ElementKind::Condition(condition) = &element.kind {
            self.list.push((condition, false));
        }
    }

    fn statement(&mut self, statement: &'a Stmt) {
        match &statement.kind {
            StmtKind::If { branches, .. } => self.list.extend(branches.iter().map(|(c, _)| (c, false))),
            StmtKind::While(condition, _) => self.list.push((condition, condition.constant() == Some(1))),
            StmtKind::Repeat(_, until) => self.list.push((until, until.constant() == Some(0))),
            _ => {}
        }
    }
}

fn check(context: &Context<'_>, _: &RuleOptions, found: &mut Vec<Draft>) {
    for (_, pou) in units(context.program) {
        let mut conditions = Conditions { list: Vec::new() };
        walk::unit(pou, &mut conditions);
        for (condition, meant) in conditions.list {
            let value = context.values.seen(Site::Condition, condition.span).and_then(|v| v.only());
            let Some(value) = value.filter(|_| !meant && !is_option(context, condition)) else { continue };
            let word = if value == 0 { "FALSE" } else { "TRUE" };
            found.push(Draft::new(condition.span, format!("this is always {word}")));
        }
    }
}

/// Does it consist of constants that have names?
fn is_option(context: &Context<'_>, condition: &Expr) -> bool {
    struct Reads(bool);
    impl<'a> Visitor<'a> for Reads {
        fn expression(&mut self, expr: &'a Expr) {
            self.0 |= matches!(expr.kind, ExprKind::Read(_) | ExprKind::Call(_));
        }
    }
    let mut reads = Reads(false);
    walk::expression(condition, &mut reads);
    !reads.0 && has_name(context.text(condition.span))
}

/// Is there a word in it that is neither TRUE nor FALSE nor an operator?
fn has_name(text: &str) -> bool {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '#' && c != '.');
    let known = [
        "TRUE", "FALSE", "NOT", "AND", "OR", "XOR", "MOD", "AND_THEN", "OR_ELSE", "GT", "GE", "EQ", "NE", "LE", "LT",
        "CMP",
    ];
    words
        .filter(|w| w.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && !w.contains('#'))
        .any(|word| !known.iter().any(|k| k.eq_ignore_ascii_case(word)))
}
