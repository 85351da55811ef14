//! What the store holds, as plain values: the form in which it is read, exported and shown.

use super::file::Change;
use super::moment::Moment;
use bytecode::types::Elementary;
use relay::{RetainedBank, RetainedChannel};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;

/// Most entries of the fault log. At one fault an hour that is six weeks; older ones are dropped and counted.
pub const LOG_MAX: usize = 1000;
/// Days for which operations are counted day by day: two months show a weekly rhythm and a forecast.
pub const DAYS_MAX: u32 = 60;

/// Everything in a store.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Document {
    /// Name of the program that was run last.
    pub program: String,
    /// When it was written last; `None` for a store that is new.
    pub saved: Option<Moment>,
    /// Day since 1970 from which operations are counted day by day.
    pub since_day: Option<u32>,
    /// Retained values by the lower-case path of their variable.
    pub values: BTreeMap<String, StoredValue>,
    /// Retained values that the program had no place for.
    pub values_aside: BTreeMap<String, StoredValue>,
    /// Counts, switching history and latches of the channels, by lower-case name.
    pub channels: BTreeMap<String, RetainedChannel>,
    /// Records that fitted no channel.
    pub channels_aside: BTreeMap<String, RetainedChannel>,
    /// The fault log, oldest first.
    pub log: Vec<LogEntry>,
    /// Entries that were dropped because the log was full.
    pub log_dropped: u64,
    /// Operations by lower-case channel name and day since 1970.
    pub days: BTreeMap<String, BTreeMap<u32, u64>>,
}

impl Document {
    /// The record the guard takes over.
    #[must_use]
    pub fn bank(&self) -> RetainedBank {
        RetainedBank { channels: self.channels.values().cloned().collect() }
    }

    /// Changes it as a commit changes the file.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Value(key, row) => put(&mut self.values, key, row),
            Change::ValueAside(key, row) => put(&mut self.values_aside, key, row),
            Change::Channel(key, row) => put(&mut self.channels, key, row),
            Change::ChannelAside(key, row) => put(&mut self.channels_aside, key, row),
            Change::Log(number, entry) => {
                let at = self.log.binary_search_by_key(number, |entry| entry.number);
                match (at, entry) {
                    (Ok(at), None) => drop(self.log.remove(at)),
                    (Ok(at), Some(entry)) => self.log.splice(at..=at, [(**entry).clone()]).for_each(drop),
                    (Err(at), Some(entry)) => self.log.insert(at, (**entry).clone()),
                    (Err(_), None) => {}
                }
            }
            Change::LogDropped(count) => self.log_dropped = *count,
            Change::Day(channel, day, count) => {
                let days = self.days.entry(channel.clone()).or_default();
                put(days, day, count);
                if days.is_empty() {
                    self.days.remove(channel);
                }
            }
            Change::Program(name) => self.program.clone_from(name),
            Change::SinceDay(day) => self.since_day = Some(*day),
        }
    }

    /// Faults that ended a run and that nobody has acknowledged.
    pub fn unacknowledged_runs(&self) -> impl Iterator<Item = &LogEntry> {
        self.log.iter().filter(|entry| entry.ends_run() && entry.acknowledged.is_none())
    }

    /// Average operations of a channel per day over the last 30 complete days, as far as days were counted. `None` before
    /// one day is complete.
    #[must_use]
    pub fn operations_per_day(&self, channel: &str, today: u32) -> Option<f64> {
        const WINDOW_DAYS: u32 = 30;
        let counted = today.checked_sub(self.since_day?).filter(|days| *days > 0)?.min(WINDOW_DAYS);
        let from = today - counted;
        let days = self.days.get(&channel.to_lowercase());
        let total: u64 = days.map_or(0, |days| days.range(from..today).map(|(_, n)| n).sum());
        Some(total as f64 / f64::from(counted))
    }
}

fn put<K: Ord + Clone, V: Clone>(rows: &mut BTreeMap<K, V>, key: &K, row: &Option<V>) {
    match row {
        Some(row) => drop(rows.insert(key.clone(), row.clone())),
        None => drop(rows.remove(key)),
    }
}

/// A retained scalar with the type it was kept as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredValue {
    /// Path as declared.
    pub path: String,
    /// Its type.
    #[serde(rename = "type", serialize_with = "type_name", deserialize_with = "type_named")]
    pub elementary: Elementary,
    /// The value's bits.
    pub bits: u64,
    /// Survives a cold start.
    pub persistent: bool,
    /// Fingerprint of the type; another one does not fit.
    pub fingerprint: u64,
}

fn type_name<S: Serializer>(elementary: &Elementary, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(elementary.name())
}

fn type_named<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Elementary, D::Error> {
    let name = String::deserialize(deserializer)?;
    let found = Elementary::ALL.iter().copied().find(|e| e.name() == name);
    found.ok_or_else(|| serde::de::Error::custom(format!("`{name}` is no elementary type")))
}

impl StoredValue {
    /// The value as a person writes it.
    #[must_use]
    pub fn text(&self) -> String {
        bytecode::path::show(self.elementary, self.bits)
    }

    /// As a row of the store: code of the type, flags, fingerprint, bits, path.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut row = vec![self.elementary as u8, u8::from(self.persistent)];
        row.extend(self.fingerprint.to_le_bytes());
        row.extend(self.bits.to_le_bytes());
        row.extend(self.path.as_bytes());
        row
    }

    /// Back from a row; `None` where it is none.
    pub(super) fn decode(row: &[u8]) -> Option<Self> {
        let (head, rest) = row.split_first_chunk::<2>()?;
        let (fingerprint, rest) = rest.split_first_chunk::<8>()?;
        let (bits, path) = rest.split_first_chunk::<8>()?;
        let [code, flags] = *head;
        Some(Self {
            path: std::str::from_utf8(path).ok()?.to_owned(),
            elementary: Elementary::from_code(code)?,
            bits: u64::from_le_bytes(*bits),
            persistent: flags == 1,
            fingerprint: u64::from_le_bytes(*fingerprint),
        })
    }
}

/// What an entry of the fault log is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogSource {
    /// A fault that ended a run: of the program, the scan or a driver.
    #[default]
    Run,
    /// The guardian: the scan process died or hung.
    Guardian,
    /// A latched fault of a channel.
    Channel,
}

/// One entry of the fault log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogEntry {
    /// Number from 1, never used twice.
    pub number: u64,
    /// Wall clock in nanoseconds since 1970.
    pub wall_ns: u64,
    /// What it is about.
    pub source: LogSource,
    /// Stable code, such as `F01` or `G11`.
    pub code: String,
    /// Who has to act: program, platform or field.
    pub blame: String,
    /// What happened, with the value.
    pub text: String,
    /// The channel, for a latched fault.
    pub channel: String,
    /// Program instance that ran.
    pub program: String,
    /// Kind and name of the unit.
    pub unit: String,
    /// Label of the rung.
    pub rung: String,
    /// Source file.
    pub file: String,
    /// Line from 1; 0 when unknown.
    pub line: u32,
    /// Column from 1; 0 when unknown.
    pub column: u32,
    /// Number of the scan.
    pub scan: u64,
    /// Time since start, in nanoseconds.
    pub at_ns: u64,
    /// What to do about it.
    pub remedy: String,
    /// Who acknowledged it, and when.
    pub acknowledged: Option<Acknowledged>,
}

impl LogEntry {
    /// Did it end a run?
    #[must_use]
    pub fn ends_run(&self) -> bool {
        match self.source {
            LogSource::Run | LogSource::Guardian => true,
            LogSource::Channel => false,
        }
    }
}

/// An operator's acknowledgement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {
    /// Wall clock in nanoseconds since 1970.
    pub wall_ns: u64,
    /// The user, by name where the system knows one.
    pub user: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_from_their_row() {
        let value = StoredValue {
            path: "main.Recipe[3]".to_owned(),
            elementary: Elementary::Lreal,
            bits: u64::MAX - 5,
            persistent: true,
            fingerprint: 77,
        };
        let row = value.encode();
        assert_eq!(StoredValue::decode(&row), Some(value.clone()));
        for length in 0..18 {
            assert_eq!(StoredValue::decode(&row[..length]), None, "{length}");
        }
        assert_eq!(StoredValue::decode(&[255; 20]), None);
        let json = serde_json::to_string(&value).unwrap();
        assert!(json.contains("\"type\":\"LREAL\""), "{json}");
        assert_eq!(serde_json::from_str::<StoredValue>(&json).unwrap(), value);
    }

    #[test]
    fn operations_per_day_count_complete_days_only() {
        let mut document = Document { since_day: Some(100), ..Document::default() };
        document.days.insert("fwd".to_owned(), [(100, 8), (101, 4), (102, 1000)].into());
        assert_eq!(document.operations_per_day("Fwd", 100), None);
        assert_eq!(document.operations_per_day("Fwd", 102), Some(6.0));
        assert_eq!(document.operations_per_day("Fwd", 104), Some(253.0));
        assert_eq!(document.operations_per_day("rev", 104), Some(0.0));
        // Thirty days at most: what was long ago tells nothing of today.
        assert_eq!(document.operations_per_day("fwd", 200), Some(0.0));
    }
}
