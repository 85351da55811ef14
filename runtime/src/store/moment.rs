//! When something was kept, so that the next start knows how long the power was gone; and dates for people.
//!
//! Within one boot the boot-time clock tells, suspended time included. Across boots only the wall clock can, and only
//! where both readings are plausible: a machine without a battery-backed clock starts in the past, and "not known" is
//! then the honest answer.

use crate::clock::NS_PER_S;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// 2026-01-01 00:00 UTC in nanoseconds since 1970: no store is older, so an earlier wall clock is not set.
const PLAUSIBLE_FROM_NS: u64 = 1_767_225_600 * NS_PER_S;
/// Seconds in a day.
const DAY_S: u64 = 86_400;

/// An instant by the wall clock and by the boot it lies in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// Nanoseconds since 1970-01-01 00:00 UTC, as the machine believed.
    pub wall_ns: u64,
    /// The kernel's number of the boot; empty where it has none.
    pub boot: String,
    /// Nanoseconds since that boot, suspended time included.
    pub boottime_ns: u64,
}

impl Moment {
    /// Now.
    #[must_use]
    pub fn now() -> Self {
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        Self {
            wall_ns: read_ns(ClockId::Realtime),
            boot: boot.trim().to_owned(),
            boottime_ns: read_ns(ClockId::Boottime),
        }
    }

    /// Nanoseconds from here to a later moment; `None` where nothing tells.
    #[must_use]
    pub fn until(&self, later: &Self) -> Option<u64> {
        if !self.boot.is_empty() && self.boot == later.boot {
            return later.boottime_ns.checked_sub(self.boottime_ns);
        }
        let plausible = self.wall_ns >= PLAUSIBLE_FROM_NS;
        later.wall_ns.checked_sub(self.wall_ns).filter(|_| plausible)
    }

    /// Number of the day since 1970-01-01 (UTC); `None` while the wall clock is not set.
    #[must_use]
    pub fn day(&self) -> Option<u32> {
        let days = self.wall_ns / NS_PER_S / DAY_S;
        (self.wall_ns >= PLAUSIBLE_FROM_NS).then(|| u32::try_from(days).unwrap_or(u32::MAX))
    }

    /// `2026-11-23 20:15:07 UTC`.
    #[must_use]
    pub fn text(&self) -> String {
        wall_text(self.wall_ns)
    }
}

fn read_ns(clock: ClockId) -> u64 {
    let t = clock_gettime(clock);
    let (seconds, nanoseconds) = (u64::try_from(t.tv_sec).unwrap_or(0), u64::try_from(t.tv_nsec).unwrap_or(0));
    seconds.saturating_mul(NS_PER_S).saturating_add(nanoseconds)
}

/// Nanoseconds since 1970 by the wall clock.
#[must_use]
pub fn wall_now_ns() -> u64 {
    read_ns(ClockId::Realtime)
}

/// A wall time as `2026-11-23 20:15:07 UTC`.
#[must_use]
pub fn wall_text(wall_ns: u64) -> String {
    let seconds = wall_ns / NS_PER_S;
    let of_day = seconds % DAY_S;
    let (h, m, s) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{} {h:02}:{m:02}:{s:02} UTC", date_text(seconds / DAY_S))
}

/// A day since 1970-01-01 as `2026-11-23`.
#[must_use]
pub fn date_text(day: u64) -> String {
    let (year, month, day) = civil(day);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Year, month and day of a day since 1970-01-01, in the Gregorian calendar. Counted from the 1st of March, so that the
/// leap day is the last of its year; 400 years are always 146 097 days.
fn civil(day: u64) -> (u64, u64, u64) {
    const DAYS_TO_MARCH_0000: u64 = 719_468;
    const DAYS_OF_400_YEARS: u64 = 146_097;
    let day = day.saturating_add(DAYS_TO_MARCH_0000);
    let (cycle, of_cycle) = (day / DAYS_OF_400_YEARS, day % DAYS_OF_400_YEARS);
    let year_of_cycle = (of_cycle - of_cycle / 1_460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
    let of_year = of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day_of_month = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = cycle * 400 + year_of_cycle + u64::from(month <= 2);
    (year, month, day_of_month)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (day, text) in [
            (0, "1970-01-01"),
            (59, "1970-03-01"),
            (789, "1972-02-29"),
            (11_016, "2000-02-29"),
            (20_780, "2026-11-23"),
            (47_540, "2100-02-28"),
            (47_541, "2100-03-01"),
        ] {
            assert_eq!(date_text(day), text, "{day}");
        }
        assert_eq!(wall_text(20_780 * DAY_S * NS_PER_S + 45_296 * NS_PER_S), "2026-11-23 12:34:56 UTC");
    }

    #[test]
    fn the_time_without_power_is_known_or_it_is_not() {
        let at = |boot: &str, wall_s: u64, boottime_s: u64| Moment {
            wall_ns: wall_s * NS_PER_S,
            boot: boot.to_owned(),
            boottime_ns: boottime_s * NS_PER_S,
        };
        let kept = at("a", 1_800_000_000, 500);
        // The same boot: the wall clock may jump as it likes.
        assert_eq!(kept.until(&at("a", 1, 507)), Some(7 * NS_PER_S));
        assert_eq!(kept.until(&at("b", 1_800_000_060, 3)), Some(60 * NS_PER_S));
        assert_eq!(kept.until(&at("b", 3, 3)), None, "a clock that begins in 1970 tells nothing");
        assert_eq!(at("a", 3, 500).until(&at("b", 1_800_000_000, 3)), None);
        assert_eq!(at("", 3, 500).until(&at("", 3, 600)), None);
        assert!(Moment::now().until(&Moment::now()).is_some_and(|ns| ns < 60 * NS_PER_S));
    }
}
