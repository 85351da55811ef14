//! Power cuts on a simulated disk: the store is written, the power fails at any write or sync, and what a real disk may have
//! kept is worked out. For the reliability suite and its small version among the tests; the product does not use it.
//!
//! The disk keeps what a sync promised, and nothing else is certain: of the writes since the last sync each sector of 512
//! bytes may have arrived or not, in any order, and one sector may be torn at any byte. A store that survives this survives
//! a disk that behaves as its data sheet says.
//!
//! One seed gives one history, on every machine.

use super::file::{Change, StorageBackend, StoreFile};
use super::history::{below, moment, same, some_changes, value};
use super::model::Document;
use relay::SplitMix64;
use std::io::{Error, ErrorKind, Result};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a disk writes as a whole.
const SECTOR_BYTES: usize = 512;

/// A simulated disk with one file. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct Disk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// The file as programs see it.
    now: Vec<u8>,
    /// The file as the last sync left it.
    durable: Vec<u8>,
    /// What came since.
    since: Vec<Step>,
    /// Steps until the power fails; `None`: it does not.
    left: Option<u64>,
    written: Written,
}

#[derive(Clone, Debug)]
enum Step {
    /// One sector's part of a write: offset and bytes.
    Write(usize, Vec<u8>),
    Length(usize),
}

/// What was written to a disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Bytes.
    pub bytes: u64,
    /// Syncs.
    pub syncs: u64,
}

impl Disk {
    /// A disk with this file.
    fn with(file: Vec<u8>) -> Self {
        let state = State { now: file.clone(), durable: file, ..State::default() };
        Self(Arc::new(Mutex::new(state)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The power fails after so many more steps.
    fn fail_after(&self, steps: u64) {
        self.state().left = Some(steps);
    }

    /// What was written so far.
    #[must_use]
    pub fn written(&self) -> Written {
        self.state().written
    }

    /// The disk as the next start finds it.
    fn after_power_cut(&self, random: &mut SplitMix64) -> Self {
        let state = self.state();
        let mut file = state.durable.clone();
        // A disk may have been idle, or busy, or have had all the time it needed.
        let chance = below(random, 3) * 2;
        let mut arrived: Vec<&Step> = state.since.iter().filter(|_| below(random, 4) < chance).collect();
        for last in (1..arrived.len()).rev() {
            let other = usize::try_from(below(random, last as u64 + 1)).unwrap_or(0);
            arrived.swap(last, other);
        }
        let torn = (below(random, 4) == 0).then(|| below(random, arrived.len().max(1) as u64));
        for (index, step) in (0..).zip(arrived) {
            match step {
                Step::Length(length) => file.resize(*length, 0),
                Step::Write(at, bytes) => {
                    let whole = bytes.len();
                    let length = if torn == Some(index) { below(random, whole as u64) } else { whole as u64 };
                    let kept = bytes.get(..usize::try_from(length).unwrap_or(whole)).unwrap_or_default();
                    write_at(&mut file, *at, kept);
                }
            }
        }
        Self::with(file)
    }
}

fn write_at(file: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at.saturating_add(bytes.len());
    if file.len() < end {
        file.resize(end, 0);
    }
    if let Some(to) = file.get_mut(at..end) {
        to.copy_from_slice(bytes);
    }
}

impl State {
    /// One step further; an error once the power is off.
    fn step(&mut self) -> Result<()> {
        match &mut self.left {
            None => Ok(()),
            Some(0) => Err(Error::other("the power is off")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
        }
    }
}

fn position(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

impl StorageBackend for Disk {
    fn len(&self) -> Result<u64> {
        Ok(self.state().now.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        let state = self.state();
        let at = position(offset);
        let from = state.now.get(at..at.saturating_add(out.len()));
        out.copy_from_slice(from.ok_or(ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, length: u64) -> Result<()> {
        let mut state = self.state();
        state.step()?;
        state.now.resize(position(length), 0);
        state.since.push(Step::Length(position(length)));
        Ok(())
    }

    fn sync_data(&self) -> Result<()> {
        let mut state = self.state();
        state.step()?;
        state.durable = state.now.clone();
        state.since.clear();
        state.written.syncs += 1;
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        let mut state = self.state();
        let (mut at, mut rest) = (position(offset), data);
        while !rest.is_empty() {
            state.step()?;
            let (part, after) = rest.split_at(rest.len().min(SECTOR_BYTES - at % SECTOR_BYTES));
            write_at(&mut state.now, at, part);
            state.since.push(Step::Write(at, part.to_vec()));
            state.written.bytes += part.len() as u64;
            at = at.saturating_add(part.len());
            rest = after;
        }
        Ok(())
    }
}

/// What a series of power cuts came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Power cuts.
    pub cuts: u64,
    /// Of these, while the store was being opened after an earlier cut.
    pub cuts_at_opening: u64,
    /// Commits that had returned.
    pub commits: u64,
    /// Cuts in a commit that was there afterwards although it had not returned.
    pub arrived: u64,
}

/// Cuts the power `cuts` times and looks at the store after each.
///
/// # Errors
/// What was lost, with the seed and the number of the cut; or that a store did not open.
pub fn series(cuts: u64, seed: u64) -> std::result::Result<Outcome, String> {
    let random = &mut SplitMix64::new(seed);
    let mut outcome = Outcome::default();
    let mut disk = Disk::default();
    let (file, mut known) = opened(&disk, "at first").map_err(|e| format!("seed {seed}: {e}"))?;
    file.commit(&[Change::Program("begun".to_owned())], &moment(0)).map_err(|e| e.to_string())?;
    drop(file);
    known.apply(&Change::Program("begun".to_owned()));
    while outcome.cuts < cuts {
        let place = format!("seed {seed}, cut {}", outcome.cuts + 1);
        let (file, found) = opened(&disk, &place)?;
        same(&found, &known, &place)?;
        disk.fail_after(below(random, 1000));
        let mut attempted = known.clone();
        for _ in 0..20 {
            let changes = some_changes(random, &known);
            attempted = known.clone();
            changes.iter().for_each(|change| attempted.apply(change));
            if file.commit(&changes, &moment(outcome.commits)).is_err() {
                break;
            }
            outcome.commits += 1;
            known = attempted.clone();
        }
        drop(file);
        outcome.cuts += 1;
        disk = disk.after_power_cut(random);
        if below(random, 4) == 0 {
            disk.fail_after(below(random, 60));
            drop(StoreFile::with_backend(disk.clone()));
            outcome.cuts += 1;
            outcome.cuts_at_opening += 1;
            disk = disk.after_power_cut(random);
        }
        let (file, found) = opened(&disk, &place)?;
        drop(file);
        if same(&found, &known, &place).is_err() {
            same(&found, &attempted, &place)?;
            outcome.arrived += 1;
            known = attempted;
        }
    }
    Ok(outcome)
}

/// Bytes and syncs of one commit of so many values out of so many, averaged over some commits.
///
/// # Errors
/// The store's.
pub fn volume(values: usize, changed: usize) -> std::result::Result<(u64, u64), String> {
    const COMMITS: u64 = 100;
    let disk = Disk::default();
    let (file, _) = opened(&disk, "volume")?;
    let row = |index: usize, bits: u64| {
        let path = format!("main.recipe[{index}]");
        Change::Value(path.clone(), Some(value(&path, bits)))
    };
    let all: Vec<Change> = (0..values).map(|index| row(index, 0)).collect();
    file.commit(&all, &moment(0)).map_err(|e| e.to_string())?;
    let before = disk.written();
    for commit in 1..=COMMITS {
        let some: Vec<Change> = (0..changed).map(|index| row(index, commit)).collect();
        file.commit(&some, &moment(commit)).map_err(|e| e.to_string())?;
    }
    let after = disk.written();
    Ok(((after.bytes - before.bytes) / COMMITS, (after.syncs - before.syncs) / COMMITS))
}

fn opened(disk: &Disk, place: &str) -> std::result::Result<(StoreFile, Document), String> {
    disk.state().left = None;
    StoreFile::with_backend(disk.clone()).map_err(|e| format!("{place}: the store does not open: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_power_cut_loses_a_commit() {
        let outcome = series(300, 20_261_123).unwrap_or_else(|what| panic!("{what}"));
        assert!(outcome.cuts >= 300 && outcome.commits > 300, "{outcome:?}");
        // Cuts did hit commits on both sides of the point of no return, and openings.
        assert!(outcome.arrived > 0 && outcome.cuts_at_opening > 30, "{outcome:?}");
    }

    #[test]
    fn a_disk_that_forgets_syncs_is_found_out() {
        /// Says that it has synced, and has not.
        #[derive(Debug)]
        struct Liar(Disk);

        impl StorageBackend for Liar {
            fn len(&self) -> Result<u64> {
                StorageBackend::len(&self.0)
            }

            fn read(&self, offset: u64, out: &mut [u8]) -> Result<()> {
                self.0.read(offset, out)
            }

            fn set_len(&self, length: u64) -> Result<()> {
                self.0.set_len(length)
            }

            fn sync_data(&self) -> Result<()> {
                Ok(())
            }

            fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
                self.0.write(offset, data)
            }
        }

        let mut lost = 0;
        for seed in 0..20 {
            let disk = Disk::default();
            let (file, _) = opened(&disk, "a liar").unwrap();
            file.commit(&[Change::Program("begun".to_owned())], &moment(0)).unwrap();
            drop(file);
            let disk = Disk::with(disk.state().now.clone());
            let (file, mut known) = StoreFile::with_backend(Liar(disk.clone())).unwrap();
            let change = Change::Value("a".to_owned(), Some(value("a", 7)));
            known.apply(&change);
            file.commit(&[change], &moment(1)).unwrap();
            let after = disk.after_power_cut(&mut SplitMix64::new(seed));
            drop(file);
            let found = opened(&after, "a liar").map(|(_, found)| found);
            lost += u32::from(found.is_err() || found.is_ok_and(|found| same(&found, &known, "").is_err()));
        }
        assert!(lost > 0, "a disk without syncs would pass: the trial proves nothing");
    }

    #[test]
    fn a_commit_writes_some_pages_and_syncs() {
        let (bytes, syncs) = volume(100, 1).unwrap();
        assert!((4_096..200_000).contains(&bytes), "{bytes}");
        assert!((1..=3).contains(&syncs), "{syncs}");
    }
}
