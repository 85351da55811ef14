//! The codes under which answers of `plcrun prove` stand in the reports of this room.
//!
//! The answers are made elsewhere; here are only their rows, so that SARIF and its kin know rules for them. They are no rules
//! of a check: nothing switches them off.

use crate::finding::Severity;

/// What is known of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProofCode {
    /// The code.
    pub code: &'static str,
    /// How grave it is.
    pub severity: Severity,
    /// A few words that name the finding.
    pub title: &'static str,
    /// What it means and what to do.
    pub explanation: &'static str,
}

/// A property can be broken.
pub const REFUTED: &str = "P001";
/// A property holds for nothing.
pub const HOLLOW: &str = "P002";
/// A property is neither proved nor refuted.
pub const UNKNOWN: &str = "P003";
/// What shall be reachable never is.
pub const UNREACHABLE: &str = "P004";
/// The properties of a program could not be asked.
pub const NOT_ASKED: &str = "P005";

/// Every code, in order.
pub const ALL: &[ProofCode] = &[
    ProofCode {
        code: REFUTED,
        severity: Severity::Error,
        title: "property refuted",
        explanation: "Some sequence of inputs breaks the property. The sequence was run again on the engine that runs plants before it was \
            reported. Mend the program, or the property where it says what the plant does not need.",
    },
    ProofCode {
        code: HOLLOW,
        severity: Severity::Warning,
        title: "property holds for nothing",
        explanation: "The property is true only because something it speaks of can never be. Usually its condition is mistyped; sometimes \
            the program has lost what it speaks of.",
    },
    ProofCode {
        code: UNKNOWN,
        severity: Severity::Warning,
        title: "property neither proved nor refuted",
        explanation: "Time, memory or the known kinds of proof did not suffice. It must not be read as safe. Give it more time, split the \
            property, or take out of it what is not computed exactly.",
    },
    ProofCode {
        code: UNREACHABLE,
        severity: Severity::Error,
        title: "state never reached",
        explanation: "What the property says shall be reachable is reached by no sequence of inputs, and that is proved. Something holds the \
            program off for ever.",
    },
    ProofCode {
        code: NOT_ASKED,
        severity: Severity::Error,
        title: "properties not asked",
        explanation: "The program has errors or does something that is not modelled, or a property has a mistake. Nothing is proved of the \
            program before that is mended.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_known_and_cannot_be_switched_off() {
        for row in ALL {
            let known = crate::codes::find(row.code).unwrap();
            assert_eq!((known.title, known.page), (row.title, "proof.md"));
            assert!(!known.is_negotiable());
        }
    }
}
