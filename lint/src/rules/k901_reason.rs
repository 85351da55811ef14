//! K901: findings allowed without a reason.

use crate::finding::Severity;
use crate::rule::{Check, Example, Rule};

/// Without a reason.
pub const RULE: Rule = Rule {
    code: "K901",
    severity: Severity::Warning,
    on: true,
    title: "finding allowed without a reason",
    explanation: "A comment `# plcrun: allow CODE: reason` in an I/O map needs the reason: who comes after must be able to judge whether it still holds. In programs the compiler says the same (W0904).",
    fix: "Write the reason behind a second colon.",
    options: &[],
    examples: &[
        Example::rejected(PROGRAM).on("inputs: { go: {} }
outputs:
  «# plcrun: allow R024
  lamp: {}
"),
        Example::accepted(PROGRAM).on("inputs: { go: {} }
outputs:
  # plcrun: allow R024: it may stay dark until the first command
  lamp: {}
"),
    ],
    check: Check::Framework,
};

const PROGRAM: &str = "PROGRAM Main
VAR go AT %IX0.0 : BOOL; lamp AT %QX0.0 : BOOL; END_VAR
lamp := go;
END_PROGRAM";
