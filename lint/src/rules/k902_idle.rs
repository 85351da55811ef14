//! K902: pragmas and comments that hide nothing.

use crate::finding::Severity;
use crate::rule::{Check, Example, Rule};

/// Hides nothing.
pub const RULE: Rule = Rule {
    code: "K902",
    severity: Severity::Warning,
    on: true,
    title: "nothing to allow here",
    explanation: "The pragma or comment hides no finding. It would hide the next mistake of this kind, with a reason that was written for another one.",
    fix: "Take it out.",
    options: &[],
    examples: &[
        Example::rejected(
            "PROGRAM Main
VAR go AT %IX0.0 : BOOL; lamp AT %QX0.0 : BOOL; END_VAR
«{allow W0411 \"compared as written by the device\"}
lamp := go;
END_PROGRAM",
        ),
        Example::accepted(
            "PROGRAM Main
VAR level : REAL; lamp AT %QX0.0 : BOOL; END_VAR
level := level + 1.0;
{allow W0411 \"compared as written by the device\"}
lamp := level = 4.0;
END_PROGRAM",
        ),
    ],
    check: Check::Framework,
};
