//! K904: pragmas and comments for codes that do not exist.

use crate::finding::Severity;
use crate::rule::{Check, Example, Rule};

/// No such code.
pub const RULE: Rule = Rule {
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

const PROGRAM: &str = "PROGRAM Main
VAR go AT %IX0.0 : BOOL; lamp AT %QX0.0 : BOOL; END_VAR
lamp := go;
END_PROGRAM";
