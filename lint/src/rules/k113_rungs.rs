//! K113: rungs that fill a page.

use crate::config::RuleOptions;
use crate::context::Context;
use crate::finding::Severity;
use crate::rule::{Check, Draft, Example, OptionDefault, Rule, RuleOption};
use crate::walk::{self, Visitor, units};
use compiler::hir::{Element, ElementKind, Rung};

/// Rungs that fill a page.
pub const RULE: Rule = Rule {
    code: "K113",
    severity: Severity::Warning,
    on: true,
    title: "rung with too many elements",
    explanation: "A rung that does not fit a sheet of paper cannot be followed with a finger.",
    fix: "Give parts of it coils of their own, with names that say what they mean.",
    options: &[RuleOption {
        name: "limit",
        default: OptionDefault::Number(24),
        meaning: "contacts, conditions, blocks and coils in one rung",
    }],
    examples: &[
        Example::rejected(
            "PROGRAM Main
VAR a AT %IX0.0 : BOOL; b AT %IX0.1 : BOOL; lamp AT %QX0.0 : BOOL; END_VAR
LADDER
«RUNG: [NO(a) NO(b), NC(a) NO(b), NO(a) NC(b), NC(a) NC(b)] [NO(a) NO(b), NC(a) NO(b), NO(a) NC(b), NC(a) NC(b)]
  [NO(a) NO(b), NC(a) NO(b), NO(a) NC(b), NC(a) NC(b)] COIL(lamp);
END_LADDER
END_PROGRAM",
        ),
        Example::accepted(
            "PROGRAM Main
VAR a AT %IX0.0 : BOOL; b AT %IX0.1 : BOOL; lamp AT %QX0.0 : BOOL; END_VAR
LADDER
RUNG: [NO(a) NO(b), NC(a) NC(b)] COIL(lamp);
END_LADDER
END_PROGRAM",
        ),
    ],
    check: Check::Program(check),
};

fn check(context: &Context<'_>, options: &RuleOptions, found: &mut Vec<Draft>) {
    struct Elements<'f> {
        limit: u64,
        found: &'f mut Vec<Draft>,
    }
    impl<'a> Visitor<'a> for Elements<'_> {
        fn rung(&mut self, rung: &'a Rung) {
            let count = count(&rung.series);
            if count > self.limit {
                let message = format!("this rung has {count} elements, more than {}", self.limit);
                self.found.push(Draft::new(rung.span, message));
            }
        }
    }
    let limit = options.number("limit");
    for (_, pou) in units(context.program) {
        walk::unit(pou, &mut Elements { limit, found });
    }
}

fn count(elements: &[Element]) -> u64 {
    let of = |element: &Element| match &element.kind {
        ElementKind::Branch(legs) => legs.iter().map(|leg| count(leg)).sum(),
        ElementKind::Wire => 0,
        _ => 1,
    };
    elements.iter().map(of).sum()
}
