//! The fault log in a document: entries are added, acknowledged and dropped; each call says which numbers changed.

use super::file::Change;
use super::model::{Acknowledged, Document, LOG_MAX, LogEntry, LogSource};
use super::moment::wall_now_ns;
use crate::guardian::record::DeathRecord;
use crate::scan::FaultReport;
use relay::{EventCode, Fault, RetainedChannel};

/// Numbers of entries that have to be written again, or taken out where they are gone.
pub type Touched = Vec<u64>;

impl Document {
    /// Adds an entry under the next number; where the log is full the oldest goes and is counted.
    pub fn log_append(&mut self, mut entry: LogEntry) -> Touched {
        let number = self.log.last().map_or(1, |last| last.number.saturating_add(1));
        entry.number = number;
        self.log.push(entry);
        let mut touched = vec![number];
        let surplus = self.log.len().saturating_sub(LOG_MAX);
        touched.extend(self.log.drain(..surplus).map(|dropped| dropped.number));
        self.log_dropped = self.log_dropped.saturating_add(surplus as u64);
        touched
    }

    /// Marks the open entries of a channel as acknowledged. Where there is none, the acknowledgement is an entry of its own.
    pub fn log_acknowledge_channel(&mut self, channel: &str, by: &Acknowledged) -> Touched {
        let mine = |entry: &LogEntry| entry.source == LogSource::Channel && entry.channel.eq_ignore_ascii_case(channel);
        let touched = self.mark(by, mine);
        if !touched.is_empty() {
            return touched;
        }
        self.log_append(LogEntry {
            wall_ns: by.wall_ns,
            source: LogSource::Channel,
            code: EventCode::Acknowledged.code().to_owned(),
            blame: EventCode::Acknowledged.blame().to_string(),
            text: EventCode::Acknowledged.text().to_owned(),
            channel: channel.to_owned(),
            acknowledged: Some(by.clone()),
            ..LogEntry::default()
        })
    }

    /// Marks the faults that ended runs as acknowledged.
    pub fn log_acknowledge_runs(&mut self, by: &Acknowledged) -> Touched {
        self.mark(by, LogEntry::ends_run)
    }

    fn mark(&mut self, by: &Acknowledged, which: impl Fn(&LogEntry) -> bool) -> Touched {
        let open = self.log.iter_mut().filter(|entry| entry.acknowledged.is_none() && which(entry));
        open.map(|entry| {
            entry.acknowledged = Some(by.clone());
            entry.number
        })
        .collect()
    }

    /// The rows of these numbers as they stand now.
    #[must_use]
    pub fn log_rows(&self, numbers: impl IntoIterator<Item = u64>) -> Vec<Change> {
        let row = |number: u64| {
            let at = self.log.binary_search_by_key(&number, |entry| entry.number).ok();
            Change::Log(number, at.and_then(|at| self.log.get(at)).cloned().map(Box::new))
        };
        let mut rows: Vec<Change> = numbers.into_iter().map(row).collect();
        rows.push(Change::LogDropped(self.log_dropped));
        rows
    }
}

impl LogEntry {
    /// A fault that ended a run, now.
    #[must_use]
    pub fn of_fault(report: &FaultReport) -> Self {
        Self {
            number: 0,
            wall_ns: wall_now_ns(),
            source: LogSource::Run,
            code: report.code.to_owned(),
            blame: report.blame.name().to_owned(),
            text: report.text.clone(),
            channel: String::new(),
            program: report.program.clone(),
            unit: report.unit.clone(),
            rung: report.rung.clone(),
            file: report.file.clone(),
            line: report.line,
            column: report.column,
            scan: report.scan,
            at_ns: report.at_ns,
            remedy: report.remedy.to_owned(),
            acknowledged: None,
        }
    }

    /// A latch of a channel, found in the copy of scan `scan`.
    #[must_use]
    pub fn of_latch(channel: &RetainedChannel, fault: Fault, scan: u64) -> Self {
        let event = fault.event();
        Self {
            wall_ns: wall_now_ns(),
            source: LogSource::Channel,
            code: event.code().to_owned(),
            blame: event.blame().to_string(),
            text: format!("{}: {}", channel.name, event.text()),
            channel: channel.name.clone(),
            scan,
            remedy: event.explanation().to_owned(),
            ..Self::default()
        }
    }

    /// What the guardian found in its black box.
    #[must_use]
    pub fn of_death(death: &DeathRecord) -> Self {
        let (file, line, column) = of_source(&death.source);
        let more = if death.deaths > 1 { format!("; the last of {} deaths", death.deaths) } else { String::new() };
        Self {
            wall_ns: death.wall_ns,
            source: LogSource::Guardian,
            code: death.code.clone(),
            blame: crate::vm::Blame::Platform.name().to_owned(),
            text: format!("{}, {}{more}", death.text, death.step),
            program: death.program.clone(),
            unit: death.unit.clone(),
            rung: death.rung.clone(),
            file: file.to_owned(),
            line,
            column,
            scan: death.scan,
            remedy: death.remedy.clone(),
            ..Self::default()
        }
    }
}

/// File, line and column of `file:line:column`; what is no number is 0.
fn of_source(source: &str) -> (&str, u32, u32) {
    let mut parts = source.rsplitn(3, ':');
    let (column, line) = (parts.next(), parts.next());
    let number = |part: Option<&str>| part.and_then(|part| part.parse().ok()).unwrap_or(0);
    (parts.next().unwrap_or_default(), number(line), number(column))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(user: &str) -> Acknowledged {
        Acknowledged { wall_ns: 5, user: user.to_owned() }
    }

    fn entry(source: LogSource, channel: &str) -> LogEntry {
        LogEntry { source, channel: channel.to_owned(), ..LogEntry::default() }
    }

    #[test]
    fn a_source_is_taken_apart_from_its_end() {
        assert_eq!(of_source("C:/a/pump.ld:12:3"), ("C:/a/pump.ld", 12, 3));
        assert_eq!(of_source(""), ("", 0, 0));
    }

    #[test]
    fn a_full_log_drops_the_oldest_and_counts() {
        let mut document = Document::default();
        for _ in 0..LOG_MAX {
            assert_eq!(document.log_append(LogEntry::default()).len(), 1);
        }
        assert_eq!(document.log_append(LogEntry::default()), [1001, 1]);
        assert_eq!((document.log.len(), document.log[0].number, document.log_dropped), (LOG_MAX, 2, 1));
        let rows = document.log_rows([1001, 1]);
        assert!(matches!(&rows[..], [Change::Log(1001, Some(_)), Change::Log(1, None), Change::LogDropped(1)]));
    }

    #[test]
    fn acknowledging_marks_what_is_open_and_nothing_else() {
        let mut document = Document::default();
        for e in [entry(LogSource::Run, ""), entry(LogSource::Channel, "Fwd"), entry(LogSource::Channel, "rev")] {
            document.log_append(e);
        }
        document.log_append(entry(LogSource::Guardian, ""));
        assert_eq!(document.unacknowledged_runs().count(), 2);
        assert_eq!(document.log_acknowledge_channel("fwd", &by("pat")), [2]);
        assert_eq!(document.log_acknowledge_runs(&by("kim")), [1, 4]);
        assert!(document.log_acknowledge_runs(&by("kim")).is_empty());
        assert_eq!(document.log[1].acknowledged, Some(by("pat")));
        assert_eq!(document.log[2].acknowledged, None);
        // Nothing open for it: the acknowledgement is recorded all the same.
        assert_eq!(document.log_acknowledge_channel("fwd", &by("kim")), [5]);
        assert_eq!(document.log[4].code, "G50");
    }
}
