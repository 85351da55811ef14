//! K104: an instance called from two units.

use crate::config::RuleOptions;
use crate::context::Context;
use crate::finding::Severity;
use crate::rule::{Check, Draft, Example, Rule};
use crate::walk::{self, Visitor, units};
use compiler::hir::{Call, GlobalId, PouId, Root};
use compiler::source::Span;
use std::collections::BTreeMap;

/// The rule.
pub const RULE: Rule = Rule {
    code: "K104",
    severity: Severity::Warning,
    on: true,
    title: "instance called from two units",
    explanation: "A global instance has one memory. Called from two units it sees two different inputs in a scan: a timer starts and stops, a counter counts both. Two calls within one unit are W0708.",
    fix: "Give each unit an instance of its own, or call it in one place and read its outputs elsewhere.",
    options: &[],
    examples: &[
        Example::rejected(
            "VAR_GLOBAL pause : TON; END_VAR
FUNCTION_BLOCK Blink
VAR_INPUT go : BOOL; END_VAR
VAR_OUTPUT on : BOOL; END_VAR
pause(IN := go, PT := T#1s); on := pause.Q;
END_FUNCTION_BLOCK
PROGRAM Main
VAR go AT %IX0.0 : BOOL; lamp AT %QX0.0 : BOOL; b : Blink; END_VAR
b(go := go);
«pause(IN := b.on, PT := T#2s);
lamp := pause.Q;
END_PROGRAM",
        ),
        Example::accepted(
            "VAR_GLOBAL pause : TON; END_VAR
PROGRAM Main
VAR go AT %IX0.0 : BOOL; lamp AT %QX0.0 : BOOL; END_VAR
pause(IN := go, PT := T#2s);
lamp := pause.Q;
END_PROGRAM",
        ),
    ],
    check: Check::Program(check),
};

struct Calls {
    pou: PouId,
    first: BTreeMap<GlobalId, (PouId, Span)>,
    twice: Vec<(Span, Span)>,
}

impl<'a> Visitor<'a> for Calls {
    fn call(&mut self, call: &'a Call) {
        let Some(place) = &call.instance else { return };
        let Root::Global(id) = place.root else { return };
        // Parts of an instance or array are different instances.
        if !place.steps.is_empty() {
            return;
        }
        let (unit, first) = *self.first.entry(id).or_insert((self.pou, place.span));
        if unit != self.pou {
            self.twice.push((place.span, first));
        }
    }
}

fn check(context: &Context<'_>, _: &RuleOptions, found: &mut Vec<Draft>) {
    let mut calls = Calls { pou: PouId(0), first: BTreeMap::new(), twice: Vec::new() };
    for (id, pou) in units(context.program) {
        calls.pou = id;
        walk::unit(pou, &mut calls);
    }
    for (span, first) in calls.twice {
        let message = format!("the global instance `{}` is called from another unit, too", context.text(span));
        found.push(Draft::new(span, message).also(first, "also called here"));
    }
}
