//! K101: addresses that overlap.

use crate::config::RuleOptions;
use crate::context::Context;
use crate::finding::Severity;
use crate::rule::{Check, Draft, Example, Rule};
use crate::walk::units;
use compiler::ast::Area;
use compiler::hir::{Location, Variable};
use compiler::source::Span;

/// The rule.
pub const RULE: Rule = Rule {
    code: "K101",
    severity: Severity::Warning,
    on: true,
    title: "addresses overlap",
    explanation: "Two variables stand on the same bits of %Q or %M, so writing one changes the other. Two names of one input are reported within one unit only: programs of a project may share an input, and inputs are not written. One address declared alike in two programs is left to K102.",
    fix: "Give each variable an address of its own; share a value through VAR_GLOBAL, and take bits of a word as `word.3`.",
    options: &[],
    examples: &[
        Example::rejected(
            "PROGRAM Main
VAR speed AT %QW0 : INT; «lamp AT %QX1.7 : BOOL; go AT %IX0.0 : BOOL; END_VAR
speed := 5; lamp := go;
END_PROGRAM",
        ),
        Example::rejected(
            "PROGRAM Main
VAR a AT %IX0.0 : BOOL; «b AT %IX0.0 : BOOL; lamp AT %QX0.0 : BOOL; END_VAR
lamp := a AND b;
END_PROGRAM",
        ),
        Example::accepted(
            "PROGRAM Main
VAR speed AT %QW0 : INT; lamp AT %QX2.0 : BOOL; go AT %IX0.0 : BOOL; END_VAR
speed := 5; lamp := go;
END_PROGRAM",
        ),
    ],
    check: Check::Program(check),
};

/// A located variable with the bits it takes.
struct Located<'a> {
    location: &'a Location,
    first: u64,
    last: u64,
    span: Span,
    name: &'a str,
    /// The unit it is declared in; `None` for globals.
    unit: Option<&'a str>,
}

fn located<'a>(variable: &'a Variable, unit: Option<&'a str>) -> Option<Located<'a>> {
    let location = variable.location.as_deref()?;
    let bits = variable.ty.scalar().map_or(1, |scalar| u64::from(scalar.bits()));
    let first = u64::from(location.byte) * 8 + u64::from(location.bit.unwrap_or(0));
    let last = if location.bit.is_some() { first } else { first + bits.max(8) - 1 };
    Some(Located { location, first, last, span: variable.span, name: &variable.name, unit })
}

fn check(context: &Context<'_>, _: &RuleOptions, found: &mut Vec<Draft>) {
    let own = units(context.program)
        .flat_map(|(_, pou)| pou.vars.values().filter_map(|v| located(v, Some(pou.name.as_str()))));
    let globals = context.program.globals.values().filter_map(|v| located(v, None));
    let mut all: Vec<Located<'_>> = own.chain(globals).collect();
    let area = |a: Area| match a {
        Area::Input => 0,
        Area::Output => 1,
        Area::Memory => 2,
    };
    all.sort_by_key(|l| (area(l.location.area), l.first, l.span.file, l.span.start));
    for (index, later) in all.iter().enumerate() {
        // Sorted by the first bit; no variable is wider than 64 bits, so only near ones can reach this far.
        let near = all.get(..index).unwrap_or_default().iter().rev();
        let near = near.take_while(|e| e.location.area == later.location.area && e.first + 64 > later.first);
        if let Some(earlier) = near.filter(|e| e.last >= later.first).find(|e| matters(e, later)) {
            found.push(report(earlier, later));
        }
    }
}

fn matters(a: &Located<'_>, b: &Located<'_>) -> bool {
    let same = (a.first, a.last) == (b.first, b.last);
    match a.location.area {
        Area::Input => same && a.unit == b.unit,
        Area::Output | Area::Memory => !same || a.unit == b.unit,
    }
}

fn report(a: &Located<'_>, b: &Located<'_>) -> Draft {
    let in_order = (a.span.file, a.span.start) <= (b.span.file, b.span.start);
    let (first, second) = if in_order { (a, b) } else { (b, a) };
    let message =
        format!("`{}` at {} overlaps `{}` at {}", second.name, second.location.text, first.name, first.location.text);
    Draft::new(second.span, message).also(first.span, "stands on the same bits")
}
