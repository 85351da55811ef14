//! K901 to K904: pragmas, comments and baseline entries that say nothing.

use crate::finding::Severity;
use crate::rule::{Check, Example, Rule};

const PROGRAM: &str = "PROGRAM Main
VAR go AT %IX0.0 : BOOL; lamp AT %QX0.0 : BOOL; END_VAR
lamp := go;
END_PROGRAM";

/// Without a reason.
pub const NO_REASON: Rule = Rule {
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

/// Hides nothing.
pub const IDLE: Rule = Rule {
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

/// In the baseline, but gone.
pub const STALE: Rule = Rule {
    code: "K903",
    severity: Severity::Note,
    on: true,
    title: "baseline entry that is gone",
    explanation: "A finding of the baseline was not found any more: it was mended, or its place got another name.",
    fix: "Write the baseline anew with `--write-baseline`.",
    options: &[],
    examples: &[],
    check: Check::Framework,
};

/// No such code.
pub const UNKNOWN: Rule = Rule {
    code: "K904",
    severity: Severity::Warning,
    on: true,
    title: "allow for a code that does not exist or cannot be allowed",
    explanation: "The pragma or comment names a code that no finding has, or an error that keeps the program from being built or the map from being taken.",
    fix: "Correct the code, or mend what the error says.",
    options: &[],
    examples: &[
        Example::rejected(
            "PROGRAM Main
VAR go AT %IX0.0 : BOOL; lamp AT %QX0.0 : BOOL; END_VAR
«{allow K999 \"no such rule\"}
lamp := go;
END_PROGRAM",
        ),
        Example::accepted(PROGRAM),
    ],
    check: Check::Framework,
};
