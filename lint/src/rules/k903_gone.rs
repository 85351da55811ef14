//! K903: entries of the baseline that are gone.

use crate::finding::Severity;
use crate::rule::{Check, Rule};

/// In the baseline, but gone.
pub const RULE: Rule = Rule {
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
