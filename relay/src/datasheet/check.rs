//! Whether a data sheet agrees with itself.

use super::DataSheet;
use crate::finding::{Finding, FindingCode};

/// Longest pull-in, drop-out or bounce time accepted: 10 s, a thousand times a relay's and longer than any contactor's.
const RELAY_TIME_MAX_NS: u64 = 10_000_000_000;

/// Where a check puts what it found: key, what is wrong, help.
type Bad<'b> = &'b mut dyn FnMut(&'static str, String, &str);

impl DataSheet {
    /// Whether the sheet agrees with itself. Findings name the key.
    #[must_use]
    pub fn check(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut bad = |key: &'static str, what: String, help: &str| {
            findings.push(
                Finding::new(FindingCode::SheetContradiction, format!("data sheet `{}`: {what}", self.name))
                    .sheet(&self.name)
                    .key(key)
                    .help(help),
            );
        };
        if self.name.trim().is_empty() {
            bad("name", "it has no name".to_owned(), "give the sheet the name that channels use under `relay:`");
        }
        if self.coil_voltage.millivolts == 0 {
            bad(
                "coil_voltage",
                "the coil's nominal voltage is zero".to_owned(),
                "copy U_N from the manufacturer's sheet",
            );
        }
        if self.coil_voltage_range.min > self.coil_voltage_range.max {
            bad("coil_voltage_range", "`min` is above `max`".to_owned(), "exchange the two");
        }
        for (key, range) in [("ambient_operating", &self.ambient_operating), ("ambient_storage", &self.ambient_storage)]
        {
            if range.min > range.max {
                bad(key, "`min` is above `max`".to_owned(), "exchange the two");
            }
        }
        self.check_contact(&mut bad);
        self.check_life_and_times(&mut bad);
        findings
    }

    fn check_contact(&self, bad: Bad<'_>) {
        let gold_plated = self.contact_material.plating.is_some();
        if gold_plated != self.gold_limit.is_some() {
            let what = if gold_plated {
                "the contact is gold-plated but `gold_limit` is missing"
            } else {
                "`gold_limit` is given but the contact is not gold-plated"
            };
            bad("gold_limit", what.to_owned(), "give `plating: Au` and `gold_limit` together, or neither");
        }
        let curve = &self.dc_load_limit;
        if !curve
            .is_sorted_by(|low, high| low.voltage.millivolts < high.voltage.millivolts && low.current >= high.current)
        {
            bad(
                "dc_load_limit",
                "the points do not run from low to high voltage with falling current".to_owned(),
                "sort the points by voltage",
            );
        }
    }

    fn check_life_and_times(&self, bad: Bad<'_>) {
        let life = [("electrical_life", self.electrical_life.operations), ("mechanical_life", self.mechanical_life)];
        for (key, operations) in life {
            if operations == 0 {
                bad(key, "the life is zero operations".to_owned(), "copy the figure from the manufacturer's sheet");
            }
        }
        let frequency = [self.switching_frequency.loaded, self.switching_frequency.unloaded];
        if frequency.iter().any(|rate| rate.operations == 0 || rate.operations > crate::rate::EDGES_MAX) {
            let what = format!("the switching frequency must be between 1 and {} per minute", crate::rate::EDGES_MAX);
            bad("switching_frequency", what, "copy the figures from the manufacturer's sheet");
        }
        for (key, time) in [
            ("pull_in_time", self.pull_in_time),
            ("drop_out_time", self.drop_out_time),
            ("bounce_time", self.bounce_time),
        ] {
            if time.ns > RELAY_TIME_MAX_NS {
                bad(
                    key,
                    format!("{time} is longer than any relay takes (10 s)"),
                    "check the unit; the sheet gives milliseconds",
                );
            }
        }
    }
}
