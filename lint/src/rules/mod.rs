//! The rules, one file each, and the table of them.
//!
//! Codes: `K1..` programs (guidelines such as PLCopen's that a tool can decide), `K2..` ladders, `K3..` relays and the I/O map, `K9..` the
//! check itself. What other rooms find already has no second rule here: two coils and instances called twice (E0604, W0708), recursion
//! (E0701), unused variables (W0901 to W0903), REAL equality (W0411), loads and gold contacts (R05x), groups without feedback (R036).
//! Steps that are never reached do not exist: the language has no sequential function charts.

mod k101_addresses;
mod k108_case_else;
mod k205_latch;
mod k9_check;

use crate::rule::Rule;

/// Every rule, in the order of the codes.
pub const ALL: &[Rule] = &[
    k101_addresses::RULE,
    k108_case_else::RULE,
    k205_latch::RULE,
    k9_check::NO_REASON,
    k9_check::IDLE,
    k9_check::STALE,
    k9_check::UNKNOWN,
];

/// The rule with this code, whatever its case.
#[must_use]
pub fn find(code: &str) -> Option<&'static Rule> {
    ALL.iter().find(|rule| rule.code.eq_ignore_ascii_case(code))
}
