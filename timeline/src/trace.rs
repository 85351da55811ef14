//! Everything that changed in a run, with its time: what timing diagrams, golden traces and VCD files are made from.
//!
//! Variables and members of channels change with the scans; a contact moves between them, so its changes carry the time of
//! the movement itself, every bounce included. Beside the named rows each channel has its *locks*: when an ON waited, and
//! when one would have had to.
//!
//! Bounded: when more is recorded than [`CHANGES_MAX`], the oldest goes, and [`Trace::from_ns`] says from when on all is
//! there.

use crate::condition::{Value, View, read};
use crate::history::watched;
use crate::names::{Member, Source};
use bytecode::Image;
use runtime::config::IoMap;

/// Most changes kept, some 20 MB: an hour of a busy machine.
pub const CHANGES_MAX: usize = 400_000;

/// Why a channel is not on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Lock {
    /// It is on, or would come on at once.
    #[default]
    Free,
    /// An ON would have to wait: a dead time or a least off time runs.
    Dead,
    /// An ON waits, and for what.
    Waits(String),
}

/// One name over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// As a person writes it.
    pub name: String,
    /// What it is.
    pub source: Source,
    /// Its value before the first change that is kept; `None` before the first scan.
    pub first: Option<Value>,
    /// Time and value of each change, in the order of time.
    pub changes: Vec<(u64, Value)>,
}

impl Row {
    fn new(name: String, source: Source) -> Self {
        Self { name, source, first: None, changes: Vec::new() }
    }

    /// Its value at a time.
    #[must_use]
    pub fn at(&self, time_ns: u64) -> Option<Value> {
        let after = self.changes.partition_point(|(at_ns, _)| *at_ns <= time_ns);
        match after.checked_sub(1).and_then(|last| self.changes.get(last)) {
            Some((_, value)) => Some(*value),
            None => self.first,
        }
    }

    fn push(&mut self, time_ns: u64, value: Value) -> bool {
        let last = self.changes.last().map(|(_, value)| *value).or(self.first);
        if last == Some(value) {
            return false;
        }
        if last.is_none() && time_ns == 0 {
            self.first = Some(value);
        } else {
            self.changes.push((time_ns, value));
        }
        true
    }

    fn forget(&mut self, before_ns: u64) {
        let keep = self.changes.partition_point(|(at_ns, _)| *at_ns < before_ns);
        if let Some((_, value)) = keep.checked_sub(1).and_then(|last| self.changes.get(last)) {
            self.first = Some(*value);
        }
        self.changes.drain(..keep);
    }
}

/// The changes of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// Time between two scans.
    pub tick_ns: u64,
    /// From here on nothing is missing.
    pub from_ns: u64,
    /// End of the last scan that was recorded.
    pub end_ns: u64,
    /// The named rows.
    pub rows: Vec<Row>,
    /// From when to when the controller had no power.
    pub outages: Vec<(u64, u64)>,
    /// Of each channel, in the order of the map: when its lock changed, and to what.
    pub locks: Vec<Vec<(u64, Lock)>>,
    count: usize,
}

impl Trace {
    /// Records everything a person would look at.
    #[must_use]
    pub fn new(image: &Image, map: &IoMap, tick_ns: u64) -> Self {
        Self::of(watched(image, map), map.outputs.len(), tick_ns)
    }

    /// Records these names.
    #[must_use]
    pub fn of(names: Vec<(String, Source)>, channels: usize, tick_ns: u64) -> Self {
        let rows = names.into_iter().map(|(name, source)| Row::new(name, source)).collect();
        Self { tick_ns, from_ns: 0, end_ns: 0, rows, outages: Vec::new(), locks: vec![Vec::new(); channels], count: 0 }
    }

    /// The state after a scan at `time_ns`.
    pub fn scan(&mut self, time_ns: u64, view: &impl View) {
        self.rows_at(time_ns, view, |_| true);
    }

    /// The state of the channels while the controller has no power; variables keep what they had.
    pub fn outage(&mut self, time_ns: u64, view: &impl View) {
        self.rows_at(time_ns, view, |row| matches!(row.source, Source::Channel { .. }));
        match self.outages.last_mut() {
            Some((_, to_ns)) if *to_ns == time_ns => *to_ns = self.end_ns,
            Some(_) | None => self.outages.push((time_ns, self.end_ns)),
        }
    }

    fn rows_at(&mut self, time_ns: u64, view: &impl View, wanted: impl Fn(&Row) -> bool) {
        for row in self.rows.iter_mut().filter(|row| wanted(row)) {
            let value = read(&row.source, view);
            // Contacts are known by their movements; what a scan adds is only that a mended one has opened.
            if value != Value::Word("bouncing") {
                self.count += usize::from(row.push(time_ns, value));
            }
        }
        self.end_ns = time_ns.saturating_add(self.tick_ns);
        self.bound();
    }

    /// A contact has moved.
    pub fn contact(&mut self, channel: usize, time_ns: u64, conducting: bool) {
        let wanted = |source: &Source| matches!(source, Source::Channel { channel: of, member: Member::Contact } if of.0 == channel);
        let value = Value::Word(if conducting { "closed" } else { "open" });
        for row in self.rows.iter_mut().filter(|row| wanted(&row.source)) {
            self.count += usize::from(row.push(time_ns, value));
        }
    }

    /// What keeps a channel off after a scan.
    pub fn lock(&mut self, channel: usize, time_ns: u64, lock: Lock) {
        if let Some(locks) = self.locks.get_mut(channel)
            && locks.last().map_or(&Lock::Free, |(_, last)| last) != &lock
        {
            locks.push((time_ns, lock));
            self.count += 1;
        }
    }

    fn bound(&mut self) {
        while self.count > CHANGES_MAX {
            let before_ns = u64::midpoint(self.from_ns, self.end_ns).max(self.from_ns.saturating_add(1));
            self.from_ns = before_ns;
            self.rows.iter_mut().for_each(|row| row.forget(before_ns));
            for locks in &mut self.locks {
                let keep = locks.partition_point(|(at_ns, _)| *at_ns < before_ns).saturating_sub(1);
                locks.drain(..keep);
            }
            let changes = self.rows.iter().map(|row| row.changes.len()).sum::<usize>();
            self.count = changes + self.locks.iter().map(Vec::len).sum::<usize>();
            if before_ns >= self.end_ns {
                return;
            }
        }
    }

    /// A row by its name, without regard to case.
    #[must_use]
    pub fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.name.eq_ignore_ascii_case(name))
    }

    /// The row of a source.
    #[must_use]
    pub fn row_of(&self, source: &Source) -> Option<&Row> {
        self.rows.iter().find(|row| row.source == *source)
    }
}
