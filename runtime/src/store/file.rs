//! The store's file: a redb database with one table for each kind of row.
//!
//! A commit is atomic and durable: after it returned, a power cut loses nothing of it; before, nothing of it is there.
//! Only [`StoreFile`] knows tables and encodings. Every call into the database is guarded: whatever is wrong with a
//! file ends in a [`StoreError`], a panic of the library included.
//!
//! Opening checks every page of the file. It is small, and a page that rotted must be found now and not in the middle of
//! a run.

use super::codes::{StoreCode, StoreError};
use super::model::{Document, LogEntry, StoredValue};
use super::moment::{Moment, wall_now_ns, wall_text};
use crate::config::model::OnDamage;
use crate::quiet;
use redb::{Builder, Database, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use relay::RetainedChannel;
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

pub use redb::StorageBackend;

/// Version of the tables and rows below.
const FORMAT: u32 = 1;
/// Memory for pages: the whole store of an ordinary program.
const CACHE_BYTES: usize = 1024 * 1024;

const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
const VALUES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("values");
const VALUES_ASIDE: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("values_aside");
const CHANNELS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("channels");
const CHANNELS_ASIDE: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("channels_aside");
const LOG: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("log");
const DAYS: TableDefinition<'_, (&str, u32), u64> = TableDefinition::new("days");

/// One row to write, or to take out (`None`).
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A retained value by its lower-case path.
    Value(String, Option<StoredValue>),
    /// A value that no variable fits.
    ValueAside(String, Option<StoredValue>),
    /// A channel's record by its lower-case name.
    Channel(String, Option<RetainedChannel>),
    /// A record that no channel fits.
    ChannelAside(String, Option<RetainedChannel>),
    /// An entry of the fault log by its number.
    Log(u64, Option<Box<LogEntry>>),
    /// Entries dropped so far.
    LogDropped(u64),
    /// Operations of a channel on a day.
    Day(String, u32, Option<u64>),
    /// Name of the program.
    Program(String),
    /// First day of counting.
    SinceDay(u32),
}

/// An open store.
#[derive(Debug)]
pub struct StoreFile {
    /// `None` once closed.
    database: Option<Database>,
    name: String,
}

/// A store that was opened, and the warning that goes with it.
#[derive(Debug)]
pub struct Opened {
    /// The store.
    pub file: StoreFile,
    /// What it holds.
    pub document: Document,
    /// A damaged one was kept aside.
    pub warning: Option<StoreError>,
}

/// Opens the store at `path`, or makes it.
///
/// # Errors
/// It is damaged and the policy is to refuse, of another version, in use, or cannot be opened or written.
pub fn open(path: &Path, policy: OnDamage) -> Result<Opened, StoreError> {
    let damage = match StoreFile::open(path) {
        Ok((file, document)) => return Ok(Opened { file, document, warning: None }),
        Err(error) => error,
    };
    match (damage.code == StoreCode::Damaged, policy) {
        (true, OnDamage::Cold) => {}
        (true, OnDamage::Refuse) | (false, _) => return Err(damage),
    }
    let aside = keep_aside(path)?;
    let (file, document) = StoreFile::open(path)?;
    let detail = format!("{}; it is now {}", damage.detail, aside.display());
    Ok(Opened { file, document, warning: Some(StoreError::new(StoreCode::DamagedAside, detail)) })
}

/// Renames a store to `NAME.bad-DATE`, so that the next start begins anew, and gives the new name.
///
/// # Errors
/// [`StoreCode::Unopenable`]: the system refuses.
pub fn keep_aside(path: &Path) -> Result<PathBuf, StoreError> {
    let date: String = wall_text(wall_now_ns()).chars().filter(char::is_ascii_digit).collect();
    let name = |n: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".bad-{date}"));
        if n > 0 {
            name.push(format!("-{n}"));
        }
        PathBuf::from(name)
    };
    let free = (0..).map(name).find(|to| !to.exists()).unwrap_or_else(|| name(0));
    let moved = std::fs::rename(path, &free);
    moved.map_err(|e| StoreError::new(StoreCode::Unopenable, format!("{}: {e}", path.display())))?;
    Ok(free)
}

impl StoreFile {
    /// Opens or makes the file, checks all of it, and reads it.
    ///
    /// # Errors
    /// As [`open`], whatever the policy.
    pub fn open(path: &Path) -> Result<(Self, Document), StoreError> {
        if !path.exists() {
            Self::make(path)?;
        }
        Self::start(&path.display().to_string(), |builder| builder.open(path))
    }

    /// Makes a store beside its place and moves it there once it is whole: a power cut in between leaves none, not half of one.
    fn make(path: &Path) -> Result<(), StoreError> {
        let mut new = path.as_os_str().to_owned();
        new.push(".new");
        let new = PathBuf::from(new);
        let failed = |e: std::io::Error| StoreError::new(StoreCode::Unopenable, format!("{}: {e}", path.display()));
        match std::fs::remove_file(&new) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(failed(e)),
            Ok(()) | Err(_) => {}
        }
        drop(Self::start(&new.display().to_string(), |builder| builder.create(&new))?);
        std::fs::rename(&new, path).map_err(failed)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
    }

    /// The same on a disk of the caller's, for tests that cut the power.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn with_backend(backend: impl StorageBackend) -> Result<(Self, Document), StoreError> {
        Self::start("the simulated disk", |builder| builder.create_with_backend(backend))
    }

    fn start(
        name: &str,
        create: impl FnOnce(&Builder) -> Result<Database, redb::DatabaseError>,
    ) -> Result<(Self, Document), StoreError> {
        let mut builder = Builder::new();
        builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true);
        let database = guarded(name, || Ok(create(&builder)?))?;
        let file = Self { database: Some(database), name: name.to_owned() };
        let document = file.load()?;
        Ok((file, document))
    }

    /// Everything in it.
    ///
    /// # Errors
    /// It is damaged, or of another version.
    pub fn load(&self) -> Result<Document, StoreError> {
        let read = guarded(&self.name, || {
            let database = self.database()?;
            let read = database.begin_read()?;
            read_all(&read)
        })?;
        read.map_err(|e| StoreError::new(e.code, format!("{}: {}", self.name, e.detail)))
    }

    /// Writes rows, all or none, and waits until they are on the medium.
    ///
    /// # Errors
    /// [`StoreCode::WriteFailed`] with the system's words, or that the file is damaged. Close and open it before the next try.
    pub fn commit(&self, changes: &[Change], now: &Moment) -> Result<(), StoreError> {
        let written = guarded(&self.name, || {
            let write = self.database()?.begin_write()?;
            write_all(&write, changes, now)?;
            write.commit()?;
            Ok(())
        });
        written.map_err(|e| {
            if e.code == StoreCode::Unopenable { StoreError::new(StoreCode::WriteFailed, e.detail) } else { e }
        })
    }

    fn database(&self) -> Result<&Database, redb::Error> {
        self.database.as_ref().ok_or(redb::Error::DatabaseClosed)
    }
}

impl Drop for StoreFile {
    fn drop(&mut self) {
        let database = self.database.take();
        // A file that fails has been reported where it did; there is nothing to add when it is closed.
        let _ = guarded(&self.name, || {
            drop(database);
            Ok(())
        });
    }
}

/// Calls into the database. Its panics (of a damaged file, by its documentation) become errors, without a word on the
/// terminal.
fn guarded<T>(name: &str, call: impl FnOnce() -> Result<T, redb::Error>) -> Result<T, StoreError> {
    let silence = quiet::Scanning::begin();
    let result = catch_unwind(AssertUnwindSafe(call));
    drop(silence);
    match result {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(StoreError::new(code_of(&error), format!("{name}: {error}"))),
        Err(_) => {
            let message = quiet::take_message().unwrap_or_default();
            Err(StoreError::new(StoreCode::Damaged, format!("{name}: the database gave up {message}")))
        }
    }
}

/// An error that is none of these is a file whose content is not what the library or this module wrote.
fn code_of(error: &redb::Error) -> StoreCode {
    use redb::Error as E;
    if let E::Io(e) = error {
        let content = [ErrorKind::InvalidData, ErrorKind::UnexpectedEof, ErrorKind::InvalidInput];
        return if content.contains(&e.kind()) { StoreCode::Damaged } else { StoreCode::Unopenable };
    }
    if matches!(error, E::DatabaseAlreadyOpen | E::LockProtocolMismatch) {
        StoreCode::Locked
    } else if matches!(error, E::UpgradeRequired(_)) {
        StoreCode::OtherVersion
    } else if matches!(error, E::PreviousIo | E::DatabaseClosed) {
        StoreCode::Unopenable
    } else {
        StoreCode::Damaged
    }
}

fn damaged(what: impl Into<String>) -> StoreError {
    StoreError::new(StoreCode::Damaged, what)
}

/// The outer error is the database's, the inner one says what is wrong with a row.
type Read<T> = Result<Result<T, StoreError>, redb::Error>;

fn read_all(read: &ReadTransaction) -> Read<Document> {
    let mut document = Document::default();
    let meta = match read.open_table(META) {
        Ok(meta) => meta,
        // Nothing has been committed yet.
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Ok(document)),
        Err(e) => return Err(e.into()),
    };
    let number = |name: &str| -> Result<Option<u64>, redb::Error> {
        let row = meta.get(name)?;
        Ok(row.and_then(|row| row.value().try_into().ok().map(u64::from_le_bytes)))
    };
    match number("format")? {
        Some(format) if format == u64::from(FORMAT) => {}
        Some(format) => {
            let detail = format!("its format is {format}, this plcrun writes {FORMAT}");
            return Ok(Err(StoreError::new(StoreCode::OtherVersion, detail)));
        }
        None => return Ok(Err(damaged("it does not say its format"))),
    }
    document.log_dropped = number("log_dropped")?.unwrap_or(0);
    document.since_day = number("since_day")?.and_then(|day| u32::try_from(day).ok());
    if let Some(row) = meta.get("program")? {
        document.program = String::from_utf8_lossy(row.value()).into_owned();
    }
    if let Some(row) = meta.get("saved")? {
        match serde_json::from_slice(row.value()) {
            Ok(saved) => document.saved = Some(saved),
            Err(e) => return Ok(Err(damaged(format!("when it was saved cannot be read: {e}")))),
        }
    }
    read_rows(read, &mut document)
}

fn read_rows(read: &ReadTransaction, document: &mut Document) -> Read<Document> {
    for (table, to) in [(VALUES, &mut document.values), (VALUES_ASIDE, &mut document.values_aside)] {
        for row in read.open_table(table)?.iter()? {
            let (key, value) = row?;
            let Some(value) = StoredValue::decode(value.value()) else {
                return Ok(Err(damaged(format!("the value of {} cannot be read", key.value()))));
            };
            to.insert(key.value().to_owned(), value);
        }
    }
    for (table, to) in [(CHANNELS, &mut document.channels), (CHANNELS_ASIDE, &mut document.channels_aside)] {
        for row in read.open_table(table)?.iter()? {
            let (key, value) = row?;
            match serde_json::from_slice(value.value()) {
                Ok(channel) => drop(to.insert(key.value().to_owned(), channel)),
                Err(e) => return Ok(Err(damaged(format!("the record of channel {}: {e}", key.value())))),
            }
        }
    }
    for row in read.open_table(LOG)?.iter()? {
        let (number, value) = row?;
        match serde_json::from_slice(value.value()) {
            Ok(entry) => document.log.push(entry),
            Err(e) => return Ok(Err(damaged(format!("entry {} of the fault log: {e}", number.value())))),
        }
    }
    for row in read.open_table(DAYS)?.iter()? {
        let (key, value) = row?;
        let (channel, day) = key.value();
        document.days.entry(channel.to_owned()).or_default().insert(day, value.value());
    }
    Ok(Ok(std::mem::take(document)))
}

/// Every table is opened, so that a store always has all of them; only those with changes are written.
fn write_all(write: &WriteTransaction, changes: &[Change], now: &Moment) -> Result<(), redb::Error> {
    let mut meta = write.open_table(META)?;
    let mut values = write.open_table(VALUES)?;
    let mut values_aside = write.open_table(VALUES_ASIDE)?;
    let mut channels = write.open_table(CHANNELS)?;
    let mut channels_aside = write.open_table(CHANNELS_ASIDE)?;
    let mut log = write.open_table(LOG)?;
    let mut days = write.open_table(DAYS)?;
    meta.insert("format", u64::from(FORMAT).to_le_bytes().as_slice())?;
    meta.insert("saved", json(now)?.as_slice())?;
    for change in changes {
        match change {
            Change::Value(key, row) => put(&mut values, key, row.as_ref().map(StoredValue::encode))?,
            Change::ValueAside(key, row) => put(&mut values_aside, key, row.as_ref().map(StoredValue::encode))?,
            Change::Channel(key, row) => put(&mut channels, key, row.as_ref().map(json).transpose()?)?,
            Change::ChannelAside(key, row) => put(&mut channels_aside, key, row.as_ref().map(json).transpose()?)?,
            Change::Log(number, Some(entry)) => drop(log.insert(number, json(entry)?.as_slice())?),
            Change::Log(number, None) => drop(log.remove(number)?),
            Change::LogDropped(count) => drop(meta.insert("log_dropped", count.to_le_bytes().as_slice())?),
            Change::Day(channel, day, Some(n)) => drop(days.insert((channel.as_str(), *day), n)?),
            Change::Day(channel, day, None) => drop(days.remove((channel.as_str(), *day))?),
            Change::Program(name) => drop(meta.insert("program", name.as_bytes())?),
            Change::SinceDay(day) => drop(meta.insert("since_day", u64::from(*day).to_le_bytes().as_slice())?),
        }
    }
    Ok(())
}

fn put(table: &mut redb::Table<'_, &str, &[u8]>, key: &str, row: Option<Vec<u8>>) -> Result<(), redb::Error> {
    match row {
        Some(row) => drop(table.insert(key, row.as_slice())?),
        None => drop(table.remove(key)?),
    }
    Ok(())
}

/// Our own structures always have a JSON form; an error would be a defect and is told as one.
fn json<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, redb::Error> {
    serde_json::to_vec(value).map_err(|e| redb::Error::Io(std::io::Error::other(e)))
}

#[cfg(test)]
mod tests;
