//! The rules, one file each, and the table of them. What two rules share has a file without a code.
//!
//! Codes: `K1..` programs (guidelines such as PLCopen's that a tool can decide), `K2..` ladders, `K3..` relays and the I/O map, `K9..` the
//! check itself. What other rooms find already has no second rule here: two coils and instances called twice (E0604, W0708), recursion
//! (E0701), unused variables (W0901 to W0903), REAL equality (W0411), loads and gold contacts (R05x), groups without feedback (R036).
//! Steps that are never reached do not exist: the language has no sequential function charts.

mod jumps;
mod k101_addresses;
mod k102_writers;
mod k103_overwritten;
mod k104_instance;
mod k105_condition;
mod k106_unreachable;
mod k107_division;
mod k108_case_else;
mod k109_numbers;
mod k110_names;
mod k111_complexity;
mod k112_nesting;
mod k113_rungs;
mod k114_unwritten;
mod k115_unread;
mod k201_coil;
mod k202_rung;
mod k203_contact;
mod k204_seal;
mod k205_latch;
mod k206_timer;
mod k207_edge;
mod k301_pulse;
mod k302_rate;
mod k303_pair;
mod k304_life;
mod k305_software;
mod k306_reach;
mod k901_reason;
mod k902_idle;
mod k903_gone;
mod k904_unknown;
mod outputs;
mod power;
mod usage;

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
    k109_numbers::RULE,
    k110_names::RULE,
    k111_complexity::RULE,
    k112_nesting::RULE,
    k113_rungs::RULE,
    k114_unwritten::RULE,
    k115_unread::RULE,
    k201_coil::RULE,
    k202_rung::RULE,
    k203_contact::RULE,
    k204_seal::RULE,
    k205_latch::RULE,
    k206_timer::RULE,
    k207_edge::RULE,
    k301_pulse::RULE,
    k302_rate::RULE,
    k303_pair::RULE,
    k304_life::RULE,
    k305_software::RULE,
    k306_reach::RULE,
    k901_reason::RULE,
    k902_idle::RULE,
    k903_gone::RULE,
    k904_unknown::RULE,
];

/// The rule with this code, whatever its case.
#[must_use]
pub fn find(code: &str) -> Option<&'static Rule> {
    ALL.iter().find(|rule| rule.code.eq_ignore_ascii_case(code))
}
