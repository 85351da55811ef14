//! K110: names that do not fit a project's patterns.

use crate::config::RuleOptions;
use crate::context::Context;
use crate::finding::Severity;
use crate::rule::{Check, Draft, Example, OptionDefault, Rule, RuleOption};
use crate::walk::units;
use compiler::hir::{Class, Variable};
use compiler::source::Span;

/// Names that do not fit a project's patterns.
pub const RULE: Rule = Rule {
    code: "K110",
    severity: Severity::Note,
    on: false,
    title: "name that does not fit the project's pattern",
    explanation: "Names that follow one pattern can be read without looking them up. Each pattern is a regular expression for the whole name.",
    fix: "Rename it, or change the pattern in plcrun.yaml.",
    options: &[
        RuleOption { name: "variable", default: OptionDefault::Pattern("[a-z][a-z0-9_]*"), meaning: "variables" },
        RuleOption {
            name: "constant",
            default: OptionDefault::Pattern("[A-Za-z][A-Za-z0-9_]*"),
            meaning: "CONSTANT variables",
        },
        RuleOption {
            name: "unit",
            default: OptionDefault::Pattern("[A-Z][A-Za-z0-9]*"),
            meaning: "programs, functions and function blocks",
        },
    ],
    examples: &[
        Example::rejected(
            "PROGRAM Main
VAR «Lamp AT %QX0.0 : BOOL; go AT %IX0.0 : BOOL; END_VAR
Lamp := go;
END_PROGRAM",
        ),
        Example::accepted(
            "PROGRAM Main
VAR lamp AT %QX0.0 : BOOL; go AT %IX0.0 : BOOL; END_VAR
lamp := go;
END_PROGRAM",
        ),
    ],
    check: Check::Program(check),
};

fn check(context: &Context<'_>, options: &RuleOptions, found: &mut Vec<Draft>) {
    let mut judge = |kind: &str, what: &str, name: &str, span: Span| {
        if !options.matches(kind, name) {
            let message = format!("{what} `{name}` does not match `{}`", options.pattern(kind));
            found.push(Draft::new(span, message));
        }
    };
    let variable = |v: &Variable| {
        let named = !v.name.is_empty() && !v.name.contains('#');
        (named && !matches!(v.class, Class::Result | Class::Hidden)).then_some(if v.constant {
            ("constant", "the constant")
        } else {
            ("variable", "the variable")
        })
    };
    for (_, pou) in units(context.program) {
        judge("unit", "the unit", &pou.name, pou.span);
        for v in pou.vars.values() {
            if let Some((kind, what)) = variable(v) {
                judge(kind, what, &v.name, v.span);
            }
        }
    }
    for v in context.program.globals.values() {
        if let Some((kind, what)) = variable(v) {
            judge(kind, what, &v.name, v.span);
        }
    }
}
