//! Wear of each channel: the store's record against the data sheet, and what it comes to.
//!
//! Where whole days were counted, their average leads the forecast, because it follows what the plant does now; before that the
//! average since the module was new.

use relay::{Channel, ChannelTable, Fault, Wear};
use runtime::store::Document;
use runtime::store::moment::date_text;

/// One channel's relay.
pub struct ChannelWear {
    /// What it did. Zeros where the store has no record of it.
    pub wear: Wear,
    /// The store has a record of this channel with this data sheet.
    pub recorded: bool,
    /// Latched fault.
    pub fault: Option<Fault>,
    /// Average operations per day; `None` before a minute was observed.
    pub per_day: Option<f64>,
    /// The average is one of whole days.
    pub of_days: bool,
    /// When one of both lives ends.
    pub end: End,
    /// What became of the gold layer.
    pub gold: Gold,
}

/// When a relay's life ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum End {
    /// It is over.
    Reached,
    /// In so many days, on this day since 1970 where the machine knows what day it is.
    In(f64, Option<u64>),
    /// Nothing is switched.
    NotInSight,
    /// Nothing is known yet, or there is no data sheet.
    Unknown,
}

/// Days beyond which a date would only pretend to know: a hundred years.
const FORECAST_DAYS_MAX: f64 = 36_525.0;

impl End {
    fn of(wear: &Wear, channel: &Channel, per_day: Option<f64>, today: Option<u32>) -> Self {
        if channel.relay.is_none() {
            return Self::Unknown;
        }
        match (wear.days_left(&channel.life, per_day.unwrap_or(0.0)), per_day) {
            (Some(0.0), _) => Self::Reached,
            (_, None) => Self::Unknown,
            (Some(days), Some(_)) => {
                // A cast from f64 saturates, and dates are only made of what is below the limit.
                let date = today.filter(|_| days < FORECAST_DAYS_MAX).map(|today| u64::from(today) + days as u64);
                Self::In(days, date)
            }
            (None, Some(_)) => Self::NotInSight,
        }
    }

    /// For people.
    pub fn text(self) -> String {
        match self {
            Self::Reached => "reached".to_owned(),
            Self::In(days, _) if days >= FORECAST_DAYS_MAX => "in over 100 years".to_owned(),
            Self::In(_, Some(day)) => date_text(day),
            Self::In(days, None) => format!("in {days:.0} days"),
            Self::NotInSight => "not in sight".to_owned(),
            Self::Unknown => "unknown".to_owned(),
        }
    }
}

/// The gold layer of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gold {
    /// The contact has none.
    None,
    /// It has never switched more than the layer bears.
    Intact,
    /// The layer is gone; loads below its limit are no longer for this module.
    Spent,
    /// The layer is gone, and the load of today needs it.
    Missed,
}

impl Gold {
    fn of(wear: &Wear, channel: &Channel, plated: bool) -> Self {
        match (plated, wear.gold_spent, channel.life.needs_gold) {
            (false, _, _) => Self::None,
            (true, false, _) => Self::Intact,
            (true, true, false) => Self::Spent,
            (true, true, true) => Self::Missed,
        }
    }

    /// For people.
    pub const fn text(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Intact => "intact",
            Self::Spent => "spent",
            Self::Missed => "spent, needed",
        }
    }
}

impl ChannelWear {
    /// One for each channel of the table. `plated` says of a data sheet whether its contacts are gold-plated.
    pub fn all(
        table: &ChannelTable,
        document: &Document,
        today: Option<u32>,
        plated: impl Fn(&str) -> bool,
    ) -> Vec<Self> {
        table.ids().map(|id| Self::of(table.channel(id), document, today, &plated)).collect()
    }

    fn of(channel: &Channel, document: &Document, today: Option<u32>, plated: &impl Fn(&str) -> bool) -> Self {
        let record = document.channels.get(&channel.name.to_lowercase()).filter(|record| record.relay == channel.relay);
        let wear = record.map(|record| record.wear).unwrap_or_default();
        let daily =
            today.filter(|_| record.is_some()).and_then(|today| document.operations_per_day(&channel.name, today));
        let per_day = daily.or_else(|| wear.report(&channel.life).operations_per_day);
        Self {
            wear,
            recorded: record.is_some(),
            fault: record.and_then(|record| record.fault),
            per_day,
            of_days: daily.is_some(),
            end: End::of(&wear, channel, per_day, today),
            gold: Gold::of(&wear, channel, channel.relay.as_deref().is_some_and(plated)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_of_life_is_a_date_only_where_a_date_means_something() {
        assert_eq!(End::In(30.5, Some(20_780)).text(), "2026-11-23");
        assert_eq!(End::In(30.5, None).text(), "in 30 days");
        assert_eq!(End::In(40_000.0, None).text(), "in over 100 years");
        let texts = [End::Reached, End::NotInSight, End::Unknown].map(End::text);
        assert_eq!(texts, ["reached", "not in sight", "unknown"]);
    }
}
