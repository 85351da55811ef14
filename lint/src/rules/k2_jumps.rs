//! K206 and K207: jumps past what has to run in every scan.

use crate::config::RuleOptions;
use crate::context::Context;
use crate::finding::Severity;
use crate::rule::{Check, Draft, Example, Rule};
use crate::walk::{self, Visitor, units};
use compiler::ast::{CoilKind, ContactKind};
use compiler::hir::{Body, Element, ElementKind, Program, Rung};
use compiler::source::Span;

/// Past a timer or counter.
pub const TIMER: Rule = Rule {
    code: "K206",
    severity: Severity::Warning,
    on: true,
    title: "jump over a timer",
    explanation: "While a jump or RET leads past it, a timer or counter is not called: its output stands still, and when it is called again the time in between counts at once.",
    fix: "Call timers in every scan and use their outputs where they are wanted; jump past the rest.",
    options: &[],
    examples: &[
        Example::rejected(
            "PROGRAM Main
VAR hand AT %IX0.0 : BOOL; go AT %IX0.1 : BOOL; lamp AT %QX0.0 : BOOL; delay : TON; END_VAR
LADDER
RUNG: NO(hand) «JMP(done);
RUNG: NO(go) delay(PT := T#2s) COIL(lamp);
RUNG done: WIRE() RET();
END_LADDER
END_PROGRAM",
        ),
        Example::accepted(
            "PROGRAM Main
VAR hand AT %IX0.0 : BOOL; go AT %IX0.1 : BOOL; lamp AT %QX0.0 : BOOL; delay : TON; END_VAR
LADDER
RUNG: NO(go) delay(PT := T#2s);
RUNG: NO(hand) JMP(done);
RUNG: NO(delay.Q) COIL(lamp);
RUNG done: WIRE() RET();
END_LADDER
END_PROGRAM",
        ),
    ],
    check: Check::Program(timers),
};

/// Past an edge.
pub const EDGE: Rule = Rule {
    code: "K207",
    severity: Severity::Warning,
    on: true,
    title: "edge in a rung that may be skipped",
    explanation: "While a jump or RET leads past it, an edge (RISE, FALL, COIL_RISE, COIL_FALL, R_TRIG, F_TRIG) does not see its signal. When the rung runs again it compares with what was before the jump: an edge is lost, or comes late.",
    fix: "Detect the edge in a rung that always runs, and use it behind the jump.",
    options: &[],
    examples: &[
        Example::rejected(
            "PROGRAM Main
VAR hand AT %IX0.0 : BOOL; go AT %IX0.1 : BOOL; lamp AT %QX0.0 : BOOL; off AT %IX0.2 : BOOL; END_VAR
LADDER
RUNG: NO(hand) «JMP(done);
RUNG: RISE(go) SET(lamp);
RUNG done: NO(off) RST(lamp);
END_LADDER
END_PROGRAM",
        ),
        Example::accepted(
            "PROGRAM Main
VAR hand AT %IX0.0 : BOOL; go AT %IX0.1 : BOOL; pressed : BOOL; lamp AT %QX0.0 : BOOL; off AT %IX0.2 : BOOL; END_VAR
LADDER
RUNG: RISE(go) COIL(pressed);
RUNG: NO(hand) JMP(done);
RUNG: NO(pressed) SET(lamp);
RUNG done: NO(off) RST(lamp);
END_LADDER
END_PROGRAM",
        ),
    ],
    check: Check::Program(edges),
};

/// What stands in rungs: the first timer and the first edge.
struct Parts<'p> {
    program: &'p Program,
    timer: Option<Span>,
    edge: Option<Span>,
}

impl<'a> Visitor<'a> for Parts<'_> {
    fn element(&mut self, element: &'a Element) {
        match &element.kind {
            ElementKind::Contact { kind: ContactKind::Rise | ContactKind::Fall, .. }
            | ElementKind::Coil { kind: CoilKind::Rise | CoilKind::Fall, .. } => {
                self.edge.get_or_insert(element.span);
            }
            ElementKind::Block { call, .. } => {
                let pou = &self.program.pous[call.pou];
                let name = pou.name.to_ascii_uppercase();
                let first = if name.ends_with("_TRIG") { &mut self.edge } else { &mut self.timer };
                let timed = name.starts_with('T') || name.starts_with("CT") || name.ends_with("_TRIG");
                if pou.library && timed {
                    first.get_or_insert(element.span);
                }
            }
            _ => {}
        }
    }
}

/// Every jump with the first timer and the first edge it may lead past.
fn jumps(context: &Context<'_>, found: &mut dyn FnMut(&Element, &Parts<'_>)) {
    for (_, pou) in units(context.program) {
        let Body::Ladder(rungs) = &pou.body else { continue };
        for (at, rung) in rungs.iter().enumerate() {
            let Some(last) = rung.series.last() else { continue };
            let target = match last.kind {
                ElementKind::Jump(target) => target,
                ElementKind::Return => rungs.len(),
                _ => continue,
            };
            // A rung without contacts always jumps: what it leads past is never reached (K202).
            if rung.series.len() == 1 || matches!(rung.series.as_slice(), [Element { kind: ElementKind::Wire, .. }, _])
            {
                continue;
            }
            let skipped: &[Rung] = rungs.get(at + 1..target).unwrap_or_default();
            let mut parts = Parts { program: context.program, timer: None, edge: None };
            skipped.iter().for_each(|rung| walk::series(&rung.series, &mut parts));
            found(last, &parts);
        }
    }
}

fn timers(context: &Context<'_>, _: &RuleOptions, found: &mut Vec<Draft>) {
    jumps(context, &mut |jump, parts| {
        if let Some(timer) = parts.timer {
            let draft = Draft::new(jump.span, "this may lead past a timer or counter");
            found.push(draft.also(timer, "stands still meanwhile"));
        }
    });
}

fn edges(context: &Context<'_>, _: &RuleOptions, found: &mut Vec<Draft>) {
    jumps(context, &mut |jump, parts| {
        if let Some(edge) = parts.edge {
            let draft = Draft::new(jump.span, "this may lead past an edge");
            found.push(draft.also(edge, "does not see its signal meanwhile"));
        }
    });
}
