//! Wear (rule 8): operations counted per channel, as loaded or unloaded, against electrical and mechanical life.
//!
//! An operation is one ON edge that was issued, acknowledged or not: rather one too many. Counts only inform; no decision of the guard reads them, so they are
//! kept apart from its state. They survive power loss through [`crate::RetainedBank`].

use crate::event::EventCode;
use crate::table::Life;
use serde::{Deserialize, Serialize};

/// Which life alarm has been given; each is given once per module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LifeAlarm {
    /// None yet.
    #[default]
    None,
    /// 80 % used.
    At80,
    /// 100 % used.
    At100,
}

/// Counts of one channel's relay since it was new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Wear {
    /// Operations with load on the contact.
    pub loaded_operations: u64,
    /// Operations without load.
    pub unloaded_operations: u64,
    /// ONs too short for the contact to close (rule 7).
    pub short_pulses: u64,
    /// Operations reversed before the read-back could confirm them (rule 6).
    pub unverified_operations: u64,
    /// Time over which the counts were made, in nanoseconds.
    pub observed_ns: u64,
    /// Life alarm given so far.
    pub life_alarm: LifeAlarm,
    /// The contact has switched a load above its gold limit.
    pub gold_spent: bool,
}

/// Wear in the terms of an operator.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WearReport {
    /// Used life in thousandths: the greater of loaded operations against electrical life and all operations against mechanical life.
    /// `None` without data sheet.
    pub used_permille: Option<u64>,
    /// Average operations per day. `None` before a minute was observed.
    pub operations_per_day: Option<f64>,
    /// Time to the end of life at that average, in nanoseconds; at most `u64::MAX`. `None` when nothing wears.
    pub remaining_ns: Option<u64>,
}

const DAY_NS: f64 = 86_400e9;

/// Least time of observation before an average is given: a minute, the window of the switching rate.
const OBSERVED_MIN_NS: u64 = 60_000_000_000;

impl Wear {
    /// All operations.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.loaded_operations.saturating_add(self.unloaded_operations)
    }

    /// Used life in thousandths, rounded down. `None` without data sheet.
    #[must_use]
    pub fn used_permille(&self, life: &Life) -> Option<u64> {
        let share = |count: u64, whole: u64| {
            let permille = (u128::from(count) * 1_000).checked_div(u128::from(whole))?;
            u64::try_from(permille).ok()
        };
        let electrical = share(self.loaded_operations, life.electrical)?;
        let mechanical = share(self.operations(), life.mechanical)?;
        Some(electrical.max(mechanical))
    }

    /// Days until the first of both lives is used up, where so many operations come each day from now on; 0 once one is. `None` without data sheet and where
    /// nothing is switched.
    #[must_use]
    pub fn days_left(&self, life: &Life, operations_per_day: f64) -> Option<f64> {
        if life.electrical == 0 || life.mechanical == 0 {
            return None;
        }
        let left = |limit: u64, count: u64, rate: f64| {
            let left = limit.saturating_sub(count) as f64;
            if left == 0.0 { Some(0.0) } else { (rate > 0.0).then(|| left / rate) }
        };
        // The load of a channel is a setting: all its operations are under load, or none is.
        let loaded = if life.loaded { operations_per_day } else { 0.0 };
        let electrical = left(life.electrical, self.loaded_operations, loaded);
        let mechanical = left(life.mechanical, self.operations(), operations_per_day);
        match (electrical, mechanical) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (one, other) => one.or(other),
        }
    }

    /// The report against these life figures.
    #[must_use]
    pub fn report(&self, life: &Life) -> WearReport {
        let per_day = |count: u64| count as f64 / (self.observed_ns as f64 / DAY_NS);
        let observed = self.observed_ns >= OBSERVED_MIN_NS;
        let remaining_days = |limit: u64, count: u64| {
            let rate = per_day(count);
            (rate > 0.0).then(|| limit.saturating_sub(count) as f64 / rate)
        };
        let known = observed && life.electrical > 0 && life.mechanical > 0;
        let electrical = known.then(|| remaining_days(life.electrical, self.loaded_operations)).flatten();
        let mechanical = known.then(|| remaining_days(life.mechanical, self.operations())).flatten();
        let days = match (electrical, mechanical) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (one, other) => one.or(other),
        };
        WearReport {
            used_permille: self.used_permille(life),
            operations_per_day: observed.then(|| per_day(self.operations())),
            // A cast from f64 saturates: a remainder of more than 584 years reads as u64::MAX.
            remaining_ns: days.map(|days| (days * DAY_NS) as u64),
        }
    }

    /// Counts one operation. Returns the events it gives rise to.
    pub(crate) fn count_operation(&mut self, life: &Life) -> [Option<EventCode>; 2] {
        let count = if life.loaded { &mut self.loaded_operations } else { &mut self.unloaded_operations };
        *count = count.saturating_add(1);
        let gold = (life.above_gold && !self.gold_spent).then_some(EventCode::GoldSpent);
        self.gold_spent |= life.above_gold;
        let level = match self.used_permille(life) {
            Some(1_000..) => LifeAlarm::At100,
            Some(800..) => LifeAlarm::At80,
            Some(_) | None => LifeAlarm::None,
        };
        let alarm = (level > self.life_alarm).then_some(match level {
            LifeAlarm::None | LifeAlarm::At80 => EventCode::Life80,
            LifeAlarm::At100 => EventCode::Life100,
        });
        self.life_alarm = self.life_alarm.max(level);
        [gold, alarm]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Life =
        Life { electrical: 50_000, mechanical: 5_000_000, loaded: true, above_gold: false, needs_gold: true };

    #[test]
    fn alarms_come_once_at_80_and_100_percent() {
        let mut wear = Wear { loaded_operations: 39_998, ..Wear::default() };
        assert_eq!(wear.count_operation(&LIFE), [None, None]);
        assert_eq!(wear.count_operation(&LIFE), [None, Some(EventCode::Life80)]);
        assert_eq!(wear.count_operation(&LIFE), [None, None]);
        wear.loaded_operations = 49_999;
        assert_eq!(wear.count_operation(&LIFE), [None, Some(EventCode::Life100)]);
        assert_eq!(wear.count_operation(&LIFE), [None, None]);
        assert_eq!(wear.used_permille(&LIFE), Some(1_000));
    }

    #[test]
    fn unloaded_operations_wear_the_mechanics_only() {
        let life = Life { loaded: false, ..LIFE };
        let mut wear = Wear::default();
        for _ in 0..50_000 {
            wear.count_operation(&life);
        }
        assert_eq!((wear.loaded_operations, wear.unloaded_operations), (0, 50_000));
        assert_eq!(wear.used_permille(&life), Some(10));
    }

    #[test]
    fn the_data_sheet_arithmetic_comes_out() {
        // 50 000 operations at 6 per minute last 5.8 days; one per minute 34.7 days.
        let day = 86_400_000_000_000_u64;
        let six = Wear { loaded_operations: 8_640, observed_ns: day, ..Wear::default() };
        let report = six.report(&LIFE);
        assert!((report.operations_per_day.unwrap() - 8_640.0).abs() < 1e-6);
        assert!((report.remaining_ns.unwrap() as f64 / day as f64 - (5.787 - 1.0)).abs() < 1e-3);
        let one = Wear { loaded_operations: 1, observed_ns: OBSERVED_MIN_NS, ..Wear::default() };
        assert!((one.report(&LIFE).remaining_ns.unwrap() as f64 / day as f64 - 34.72).abs() < 0.01);
        assert_eq!(Wear::default().report(&LIFE).operations_per_day, None);
        assert_eq!(Wear { observed_ns: day, ..Wear::default() }.report(&LIFE).remaining_ns, None);
    }

    #[test]
    fn days_left_are_those_of_the_life_that_ends_first() {
        let wear = Wear { loaded_operations: 20_000, ..Wear::default() };
        assert_eq!(wear.days_left(&LIFE, 100.0), Some(300.0));
        // Without load only the mechanics wear.
        assert_eq!(wear.days_left(&Life { loaded: false, ..LIFE }, 100.0), Some(49_800.0));
        assert_eq!(wear.days_left(&LIFE, 0.0), None);
        assert_eq!(Wear { loaded_operations: 60_000, ..wear }.days_left(&LIFE, 0.0), Some(0.0));
        assert_eq!(wear.days_left(&Life { electrical: 0, mechanical: 0, ..LIFE }, 100.0), None);
    }

    #[test]
    fn the_gold_mark_is_set_once() {
        let life = Life { above_gold: true, ..LIFE };
        let mut wear = Wear::default();
        assert_eq!(wear.count_operation(&life), [Some(EventCode::GoldSpent), None]);
        assert_eq!(wear.count_operation(&life), [None, None]);
        assert!(wear.gold_spent);
    }

    #[test]
    fn without_a_sheet_operations_count_and_nothing_else() {
        let life = Life { electrical: 0, mechanical: 0, loaded: true, above_gold: false, needs_gold: false };
        let mut wear = Wear::default();
        assert_eq!(wear.count_operation(&life), [None, None]);
        assert_eq!((wear.operations(), wear.used_permille(&life)), (1, None));
    }
}
