//! The helper thread that commits: looks at copies of the scan, and writes what changed.
//!
//! A change is on the medium at most `max_age` after it happened: copies are asked for eight times in that span, and a
//! commit begins early enough to be done in time. A latch is written as soon as it is seen, and an ordered end writes
//! everything before it returns. The thread runs in the normal class and may block on a slow medium as long as it likes:
//! nobody waits for it but the end of the run.
//!
//! While the file cannot be written the run goes on, the operator is told once, and every few seconds the file is opened
//! anew and everything that differs is written.

use super::codes::{StoreCode, StoreError};
use super::file::{Change, StoreFile};
use super::layout::Layout;
use super::model::{Acknowledged, DAYS_MAX, Document, LogEntry};
use super::moment::Moment;
use super::tap::{Kept, Reader};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use relay::RetainedChannel;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often the thread looks for a copy: a latch is on its way to the medium after this time.
const POLL: Duration = Duration::from_millis(20);
/// Time between two tries while the file cannot be written.
const RETRY: Duration = Duration::from_secs(5);
/// Orders that may wait: an operator gives one at a time.
const ORDERS_MAX: usize = 16;
/// Change of the observed time alone that is worth a commit: ten minutes change no forecast.
const OBSERVED_STEP_NS: u64 = 600_000_000_000;

/// What the thread begins with.
#[derive(Debug)]
pub struct Setup {
    /// Path of the file, to open it anew after a failure.
    pub path: PathBuf,
    /// The open store.
    pub file: StoreFile,
    /// What it holds.
    pub document: Document,
    /// What of the program is kept.
    pub layout: Arc<Layout>,
    /// Copies of the scan.
    pub reader: Reader<Kept>,
    /// Most that a power cut may lose, in nanoseconds.
    pub max_age_ns: u64,
    /// Rows that the start changed: what went aside, what came back.
    pub changes: Vec<Change>,
}

/// What the commits of a run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Measured {
    /// Number of commits.
    pub commits: u64,
    /// The slowest, in nanoseconds.
    pub slowest_ns: u64,
    /// Greatest age a change may have had when it was on the medium, in nanoseconds.
    pub oldest_ns: u64,
}

#[derive(Debug)]
enum Order {
    AcknowledgeChannel(String, Acknowledged),
    AcknowledgeRuns(Acknowledged, Sender<usize>),
    Document(Sender<Box<(Document, Measured)>>),
    Finish(Option<Box<Kept>>, Vec<LogEntry>, Sender<Result<Measured, StoreError>>),
}

/// The keeper of a running controller's store.
#[derive(Debug)]
pub struct Keeper {
    orders: Sender<Order>,
    notices: Receiver<StoreError>,
    thread: Option<JoinHandle<()>>,
}

/// Gives orders to a keeper from another thread.
#[derive(Clone, Debug)]
pub struct Clerk(Sender<Order>);

impl Keeper {
    /// Starts the thread. Call it before the scan thread is promoted.
    ///
    /// # Errors
    /// The system's, where no thread can be had.
    pub fn start(setup: Setup) -> std::io::Result<Self> {
        let (orders, to_do) = bounded(ORDERS_MAX);
        let (tell, notices) = bounded(ORDERS_MAX);
        let work = Work::new(setup, tell);
        let body = move || {
            crate::guardian::block_stop_signals();
            work.run(&to_do);
        };
        let thread = std::thread::Builder::new().name("store".to_owned()).spawn(body)?;
        Ok(Self { orders, notices, thread: Some(thread) })
    }

    /// The next thing an operator should know, if there is one. Poll.
    #[must_use]
    pub fn notice(&self) -> Option<StoreError> {
        self.notices.try_recv().ok()
    }

    /// Gives orders from another thread.
    #[must_use]
    pub fn clerk(&self) -> Clerk {
        Clerk(self.orders.clone())
    }

    /// The end of the run: writes the last copy and these entries, and waits until they are on the medium.
    ///
    /// # Errors
    /// What could not be written.
    pub fn finish(mut self, last: Option<Kept>, entries: Vec<LogEntry>) -> Result<Measured, StoreError> {
        let (reply, answer) = bounded(1);
        let gone = || StoreError::new(StoreCode::WriteFailed, "the thread that writes it ended by a defect of plcrun");
        let order = Order::Finish(last.map(Box::new), entries, reply);
        let result = match self.orders.send(order) {
            Ok(()) => answer.recv().unwrap_or_else(|_| Err(gone())),
            Err(_) => Err(gone()),
        };
        if let Some(thread) = self.thread.take() {
            // A panic of it has been printed where it happened.
            let _ = thread.join();
        }
        result
    }
}

impl Drop for Keeper {
    /// Only a defect of the run leads here without [`Keeper::finish`]: what the thread knows is written all the same.
    fn drop(&mut self) {
        if self.thread.take().is_some() {
            let (reply, answer) = bounded(1);
            if self.orders.send_timeout(Order::Finish(None, Vec::new(), reply), Clerk::PATIENCE).is_ok() {
                let _ = answer.recv_timeout(Clerk::PATIENCE);
            }
        }
    }
}

impl Clerk {
    /// Longest wait for an answer: a medium that takes longer is told of elsewhere.
    const PATIENCE: Duration = Duration::from_secs(10);

    /// Records that the latch of a channel was acknowledged.
    pub fn acknowledge_channel(&self, channel: &str, by: Acknowledged) {
        let _ = self.0.send_timeout(Order::AcknowledgeChannel(channel.to_owned(), by), Self::PATIENCE);
    }

    /// Acknowledges the faults of earlier runs; their number, or `None` while the store does not answer.
    #[must_use]
    pub fn acknowledge_runs(&self, by: Acknowledged) -> Option<usize> {
        let (reply, answer) = bounded(1);
        self.0.send_timeout(Order::AcknowledgeRuns(by, reply), Self::PATIENCE).ok()?;
        answer.recv_timeout(Self::PATIENCE).ok()
    }

    /// Everything that is kept, as of the last commit; `None` while the store does not answer.
    #[must_use]
    pub fn document(&self) -> Option<(Document, Measured)> {
        let (reply, answer) = bounded(1);
        self.0.send_timeout(Order::Document(reply), Self::PATIENCE).ok()?;
        answer.recv_timeout(Self::PATIENCE).ok().map(|boxed| *boxed)
    }
}

struct Work {
    path: PathBuf,
    /// `None` while it cannot be written.
    file: Option<StoreFile>,
    tried: Instant,
    /// Log, days and what lies aside are as they shall be; values and channels as they were committed.
    document: Document,
    layout: Arc<Layout>,
    reader: Reader<Kept>,
    max_age: Duration,
    /// Rows of the start, until they are committed.
    changes: Vec<Change>,
    /// Bits of each slot as committed.
    committed: Vec<Option<u64>>,
    log_touched: BTreeSet<u64>,
    days_touched: BTreeSet<(String, u32)>,
    /// The newest copy.
    kept: Kept,
    urgent: bool,
    asked: Instant,
    /// Everything that happened until then is committed.
    clean: Instant,
    /// When the last commit began.
    began: Instant,
    measured: Measured,
    told_slow: bool,
    tell: Sender<StoreError>,
}

impl Work {
    fn new(setup: Setup, tell: Sender<StoreError>) -> Self {
        let Setup { path, file, document, layout, mut reader, max_age_ns, changes } = setup;
        let kept = reader.newest().clone();
        let now = Instant::now();
        let max_age = Duration::from_nanos(max_age_ns);
        let mut work = Self {
            path,
            file: Some(file),
            tried: now,
            committed: layout.committed(&document),
            layout,
            reader,
            changes,
            log_touched: BTreeSet::new(),
            days_touched: BTreeSet::new(),
            urgent: true,
            asked: now,
            clean: now,
            began: now,
            max_age,
            measured: Measured::default(),
            told_slow: false,
            tell,
            kept,
            document,
        };
        work.begin_days();
        work
    }

    /// From today on operations are counted day by day, where that has not begun. What is older than the days kept goes.
    fn begin_days(&mut self) {
        let Some(today) = Moment::now().day() else { return };
        if self.document.since_day.is_none_or(|since| since > today) {
            self.document.since_day = Some(today);
            self.changes.push(Change::SinceDay(today));
        }
        let oldest = today.saturating_sub(DAYS_MAX);
        for (channel, days) in &mut self.document.days {
            let kept = days.split_off(&oldest);
            let gone = std::mem::replace(days, kept);
            self.days_touched.extend(gone.into_keys().map(|day| (channel.clone(), day)));
        }
    }

    fn run(mut self, orders: &Receiver<Order>) {
        loop {
            match orders.recv_timeout(POLL) {
                Ok(Order::Finish(last, entries, reply)) => {
                    let result = self.finish(last, entries);
                    let _ = reply.send(result);
                    return;
                }
                Ok(order) => self.obey(order),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return drop(self.finish(None, Vec::new())),
            }
            if self.asked.elapsed() >= self.max_age / 8 {
                self.look();
                self.asked = Instant::now();
                self.reader.ask();
            } else {
                self.look();
            }
            if self.file.is_none() {
                self.reopen();
            }
            if self.due() {
                self.commit_or_tell();
            }
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::AcknowledgeChannel(channel, by) => {
                self.look();
                let touched = self.document.log_acknowledge_channel(&channel, &by);
                self.log_touched.extend(touched);
                self.urgent = true;
            }
            Order::AcknowledgeRuns(by, reply) => {
                let touched = self.document.log_acknowledge_runs(&by);
                let _ = reply.send(touched.len());
                self.log_touched.extend(touched);
                self.urgent = true;
            }
            Order::Document(reply) => drop(reply.send(Box::new((self.document.clone(), self.measured)))),
            Order::Finish(..) => {}
        }
    }

    /// Takes a newer copy, where there is one.
    fn look(&mut self) {
        let Some(newer) = self.reader.newer() else { return };
        let newer = newer.clone();
        self.take(newer);
        if !self.dirty() {
            self.clean = self.asked;
        }
    }

    /// Compares a copy with the one before: latches into the log, operations into their day.
    fn take(&mut self, newer: Kept) {
        let today = Moment::now().day();
        let mut entries = Vec::new();
        for (old, new) in self.kept.bank.channels.iter().zip(&newer.bank.channels) {
            self.urgent |= old.fault != new.fault;
            if let Some(fault) = new.fault.filter(|_| old.fault != new.fault) {
                entries.push(LogEntry::of_latch(new, fault, newer.scan));
            }
            let operations = new.wear.operations().saturating_sub(old.wear.operations());
            if let Some(today) = today.filter(|_| operations > 0) {
                let name = new.name.to_lowercase();
                let count = self.document.days.entry(name.clone()).or_default().entry(today).or_default();
                *count = count.saturating_add(operations);
                self.days_touched.insert((name, today));
            }
        }
        for entry in entries {
            let touched = self.document.log_append(entry);
            self.log_touched.extend(touched);
        }
        self.kept = newer;
    }

    fn dirty(&self) -> bool {
        let values = || self.layout.values(&self.kept.values).zip(&self.committed).any(|(new, old)| Some(new) != *old);
        self.urgent || !self.log_touched.is_empty() || !self.changes.is_empty() || self.worn() || values()
    }

    fn worn(&self) -> bool {
        self.kept.bank.channels.iter().any(|new| differs(self.document.channels.get(&new.name.to_lowercase()), new))
    }

    /// A commit begins so early that it is done in time, and no earlier: each costs the medium some pages.
    fn due(&self) -> bool {
        if self.file.is_none() {
            return false;
        }
        let slowest = Duration::from_nanos(self.measured.slowest_ns.min(u64::MAX / 2));
        let interval = (self.max_age * 7 / 8).saturating_sub(slowest * 3 / 2 + POLL).max(self.max_age / 4);
        (self.urgent || self.began.elapsed() >= interval) && self.dirty()
    }

    fn commit_or_tell(&mut self) {
        let before = self.measured.oldest_ns;
        if let Err(error) = self.commit() {
            self.fail(error);
        } else if self.measured.oldest_ns > before && self.late() && !self.told_slow {
            self.told_slow = true;
            let age = relay::quantity::Duration::from_ns(self.measured.oldest_ns / 1_000_000 * 1_000_000);
            let limit = relay::quantity::Duration::from_ns(nanoseconds(self.max_age));
            let detail = format!("a change was {age} old when it was written, {limit} are allowed");
            let _ = self.tell.try_send(StoreError::new(StoreCode::Slow, detail));
        }
    }

    fn late(&self) -> bool {
        self.measured.oldest_ns > nanoseconds(self.max_age)
    }

    /// Writes everything that differs from the file.
    fn commit(&mut self) -> Result<(), StoreError> {
        let Some(file) = &self.file else {
            return Err(StoreError::new(StoreCode::WriteFailed, format!("{}: not open", self.path.display())));
        };
        self.began = Instant::now();
        let asked = self.asked;
        let (rows, values, channels) = self.rows();
        let moment = Moment::now();
        file.commit(&rows, &moment)?;
        let now = Instant::now();
        self.document.saved = Some(moment);
        self.measured.commits += 1;
        self.measured.slowest_ns = self.measured.slowest_ns.max(nanoseconds(now - self.began));
        self.measured.oldest_ns = self.measured.oldest_ns.max(nanoseconds(now - self.clean));
        self.clean = asked;
        for (index, bits) in values {
            if let Some(to) = self.committed.get_mut(index) {
                *to = Some(bits);
            }
            self.document.values.extend(self.layout.stored(index, bits));
        }
        for channel in channels {
            self.document.channels.insert(channel.name.to_lowercase(), channel);
        }
        self.changes.clear();
        self.log_touched.clear();
        self.days_touched.clear();
        self.urgent = false;
        Ok(())
    }

    /// The rows of a commit, with the values and channels that are in them.
    fn rows(&self) -> (Vec<Change>, Vec<(usize, u64)>, Vec<RetainedChannel>) {
        let mut rows = self.changes.clone();
        let new = self.layout.values(&self.kept.values).zip(&self.committed).enumerate();
        let values: Vec<_> =
            new.filter(|(_, (new, old))| Some(*new) != **old).map(|(i, (bits, _))| (i, bits)).collect();
        for (index, bits) in &values {
            rows.extend(self.layout.stored(*index, *bits).map(|(key, value)| Change::Value(key, Some(value))));
        }
        let kept = |new: &&RetainedChannel| differs(self.document.channels.get(&new.name.to_lowercase()), new);
        let channels: Vec<RetainedChannel> = self.kept.bank.channels.iter().filter(kept).cloned().collect();
        rows.extend(channels.iter().map(|c| Change::Channel(c.name.to_lowercase(), Some(c.clone()))));
        if !self.log_touched.is_empty() {
            rows.extend(self.document.log_rows(self.log_touched.iter().copied()));
        }
        for (channel, day) in &self.days_touched {
            let count = self.document.days.get(channel).and_then(|days| days.get(day)).copied();
            rows.push(Change::Day(channel.clone(), *day, count));
        }
        (rows, values, channels)
    }

    fn fail(&mut self, error: StoreError) {
        if self.file.take().is_some() {
            let _ = self.tell.try_send(StoreError::new(StoreCode::WriteFailed, error.detail));
        }
        self.tried = Instant::now();
    }

    /// Opens the file anew. What it holds may be the last commit or the one that failed: everything is compared again.
    fn reopen(&mut self) {
        if self.tried.elapsed() < RETRY {
            return;
        }
        self.tried = Instant::now();
        if self.take_up().is_ok() && self.commit().is_ok() {
            let detail = self.path.display().to_string();
            let _ = self.tell.try_send(StoreError::new(StoreCode::WritesAgain, detail));
        } else {
            self.file = None;
        }
    }

    fn take_up(&mut self) -> Result<(), StoreError> {
        let (file, document) = StoreFile::open(&self.path)?;
        self.committed = self.layout.committed(&document);
        let numbers = document.log.iter().chain(&self.document.log).map(|entry| entry.number);
        self.log_touched.extend(numbers);
        let days = document.days.iter().chain(&self.document.days);
        let days = days.flat_map(|(channel, days)| days.keys().map(|day| (channel.clone(), *day)));
        self.days_touched.extend(days.collect::<Vec<_>>());
        self.document.saved = document.saved;
        self.document.values = document.values;
        self.document.channels = document.channels;
        self.file = Some(file);
        Ok(())
    }

    fn finish(&mut self, last: Option<Box<Kept>>, entries: Vec<LogEntry>) -> Result<Measured, StoreError> {
        match last {
            Some(last) => self.take(*last),
            None => self.look(),
        }
        for entry in entries {
            let touched = self.document.log_append(entry);
            self.log_touched.extend(touched);
        }
        let again = self.file.is_none();
        let first = self.commit();
        if first.is_err() && again {
            self.take_up()?;
            self.commit()?;
        } else {
            first?;
        }
        Ok(self.measured)
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Is a channel's record worth a commit? Its observed time alone is, every ten minutes; the ages of its switchings change
/// with time alone, so only their number counts.
fn differs(old: Option<&RetainedChannel>, new: &RetainedChannel) -> bool {
    let Some(old) = old else { return true };
    let observed_ns = new.wear.observed_ns.abs_diff(old.wear.observed_ns);
    let same_time = relay::Wear { observed_ns: old.wear.observed_ns, ..new.wear };
    observed_ns >= OBSERVED_STEP_NS
        || same_time != old.wear
        || old.fault != new.fault
        || old.relay != new.relay
        || old.edge_ages_ns.len() != new.edge_ages_ns.len()
}
