//! The file beside a conformance program.
//!
//! ```yaml
//! scan: 10 ms              # time between scans; 10 ms unless said otherwise
//! steps:                   # each step is one scan, or `scans:` of them
//!   - set: { start: true } # before the (first) scan
//!     expect: { motor: true, count: 3, elapsed: T#20ms }   # after the (last) scan
//!   - scans: 5
//!     expect: { motor: false }
//!   - fault: F02           # this scan ends with the fault, on this line, with this value
//!     line: 12
//!     value: 10
//! ```

use serde::Deserialize;
use std::collections::BTreeMap;

/// A conformance case.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Time between scans, for example `10 ms`.
    #[serde(default = "ten_ms")]
    pub scan: String,
    /// More files of the project, beside the program.
    #[serde(default)]
    pub with: Vec<String>,
    /// Codes of the warnings the program must have, no others; where left out, warnings are not looked at.
    pub warnings: Option<Vec<String>>,
    /// What happens.
    pub steps: Vec<Step>,
}

fn ten_ms() -> String {
    "10 ms".to_owned()
}

/// One scan, or several of which only the first sets and the last expects.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// How many scans; 1 where nothing is written.
    #[serde(default = "one")]
    pub scans: u32,
    /// Variables written before the first scan.
    #[serde(default)]
    pub set: BTreeMap<String, Value>,
    /// What must be so after the last scan.
    #[serde(default)]
    pub expect: BTreeMap<String, Value>,
    /// The code of the fault that ends the scan.
    pub fault: Option<String>,
    /// The line the fault names.
    pub line: Option<u32>,
    /// The column the fault names.
    pub column: Option<u32>,
    /// The unit the fault names, such as `PROGRAM Main`.
    pub unit: Option<String>,
    /// The label of the rung the fault names; empty for none.
    pub rung: Option<String>,
    /// The value the fault names.
    pub value: Option<i64>,
}

fn one() -> u32 {
    1
}

/// A value as written; texts are literals of the language (`T#2s`, `16#FF`, `-1.5E3`).
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(untagged)]
pub enum Value {
    /// `true`
    Bool(bool),
    /// `5`
    Int(i64),
    /// `2.5`
    Real(f64),
    /// `T#2s`
    Text(String),
}

/// Nanoseconds of a period such as `10 ms` or `1 s`.
///
/// # Errors
/// The text is no period.
pub fn period_ns(text: &str) -> Result<i64, String> {
    let (number, unit) = text.split_once(' ').ok_or_else(|| format!("`{text}`: write a number and a unit, `10 ms`"))?;
    let number: i64 = number.parse().map_err(|_| format!("`{number}` is no whole number"))?;
    let unit_ns = match unit.trim() {
        "ns" => 1,
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        other => return Err(format!("`{other}` is no unit; use ns, us, ms or s")),
    };
    number.checked_mul(unit_ns).ok_or_else(|| format!("`{text}` is too long"))
}
