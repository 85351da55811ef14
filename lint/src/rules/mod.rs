//! The rules, in one file each or a few that belong together, and the table of them.
//!
//! Codes: `K1..` programs (guidelines such as PLCopen's that a tool can decide), `K2..` ladders, `K3..` relays and the I/O map, `K9..` the
//! check itself. What other rooms find already has no second rule here: two coils and instances called twice (E0604, W0708), recursion
//! (E0701), unused variables (W0901 to W0903), REAL equality (W0411), loads and gold contacts (R05x), groups without feedback (R036).
//! Steps that are never reached do not exist: the language has no sequential function charts.

mod k101_addresses;
mod k102_writers;
mod k103_overwritten;
mod k104_instance;
mod k105_condition;
mod k106_unreachable;
mod k107_division;
mod k108_case_else;
mod k1_style;
mod k1_unused;
mod k204_seal;
mod k205_latch;
mod k2_jumps;
mod k2_power;
mod k301_pulse;
mod k3_duty;
mod k3_safety;
mod k9_check;

use crate::rule::Rule;

/// Every rule, in the order of the codes.
pub const ALL: &[Rule] = &[
    k101_addresses::RULE,
    k102_writers::RULE,
    k103_overwritten::RULE,
    k104_instance::RULE,
    k105_condition::RULE,
    k106_unreachable::RULE,
    k107_division::RULE,
    k108_case_else::RULE,
    k1_style::NUMBERS,
    k1_style::NAMES,
    k1_style::COMPLEXITY,
    k1_style::NESTING,
    k1_style::RUNGS,
    k1_unused::UNWRITTEN,
    k1_unused::UNREAD,
    k2_power::COIL,
    k2_power::RUNG,
    k2_power::CONTACT,
    k204_seal::RULE,
    k205_latch::RULE,
    k2_jumps::TIMER,
    k2_jumps::EDGE,
    k301_pulse::RULE,
    k3_duty::RATE,
    k3_safety::PAIR,
    k3_duty::LIFE,
    k3_safety::SOFTWARE,
    k3_safety::REACH,
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
