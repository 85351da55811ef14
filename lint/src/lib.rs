//! The rules of `plcrun check`: what a careful reviewer asks about a program and its I/O map before anything is energised.
//!
//! Pure: texts, typed program, I/O map and its text in; [`Finding`]s out ([`check`]). Findings of the compiler (`E...`, `W...`)
//! and of the I/O map (`C...`, `R...`) take the same way, so that severities, pragmas, baseline and output formats hold for
//! all of them alike; they are made where they always were and never a second time here.
//!
//! - [`rules`] has one file for each rule, with its examples; [`rule::Rule`] is a row of the table they form.
//! - [`value`] works out what values variables can have (constants and intervals), for rules about what never happens.
//! - [`cost`] bounds what a scan costs, for `plcrun check --cost`; no rule asks it.
//! - [`logic`] is the network of coils, assignments and blocks as Boolean formulas, for rules about how signals are made.
//! - [`suppress`], [`config`] and [`baseline`] decide which findings are shown, [`report`] how.
//!
//! A rule that is often wrong is switched off by its users, so every rule rather stays silent.

// A rule concerns a few forms or operators of many; naming the rest in every match would hide which.
#![allow(clippy::wildcard_enum_match_arm)]

pub mod baseline;
mod check;
pub mod codes;
pub mod config;
mod context;
pub mod cost;
pub mod duty;
mod finding;
pub mod logic;
mod place;
pub mod proofs;
mod reference;
pub mod report;
pub mod rule;
pub mod rules;
mod schema;
pub mod suppress;
pub mod value;
pub mod walk;

pub use baseline::gone;
pub use check::{Checked, check};
pub use context::{Activity, Context, MapInput, Subject};
pub use finding::{Finding, Hidden, Region, Remark, Severity};
pub use place::{fingerprint, map_region, region};
pub use reference::{explained, reference_markdown};
pub use schema::settings_schema;
