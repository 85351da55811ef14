//! A GPIO chip without hardware: its lines live in a file that several processes map.
//!
//! `gpio: { chip: "file:/dev/shm/cabinet", line: 3 }` names line 3 of such a chip. It counts as a real line everywhere
//! (live rules, guardian, ordered stop), so that the whole chain of processes can be tried on any machine, and whoever
//! maps the same file sees every edge with honest times and drives the inputs.
//!
//! Terms: the *state* is one word, the levels of all lines and the number of the last change. A *change* is one step of
//! that word: who writes swaps the word first and describes the change in a ring afterwards. Invariants:
//!
//! - A read sees all lines of one instant, a write changes all its lines at one instant.
//! - Changes are totally ordered by their number, and their times never go backwards: the time is taken after the old
//!   state was read, and the swap fails when anybody came between.
//! - A process killed between swap and description leaves a change without time and writer. Its levels are known all the
//!   same, from its neighbours; [`Change::pid`] is `None` then.
//! - Lines are held by locks on the open file, one byte per line. They are inherited by `fork` and end with the last
//!   process that has the file open, as requests of the kernel do. A released line keeps its level, as on boards that do so.
//!
//! On the scan's path a read is a memory access; a write that changes something reads the clock and asks for the number of
//! the process. Whoever shortens the file while it is mapped kills every process that looks at it (SIGBUS): the file belongs
//! where only its user writes, normally under /dev/shm.

mod layout;
mod lock;
mod map;
#[cfg(test)]
mod tests;

use crate::io::gpio::{Levels, Port};
use layout::{Layout, RING};
use map::Mapping;
use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// What a chip's name begins with in a map.
pub const PREFIX: &str = "file:";
/// Most lines of one chip: they share a 64-bit word with the number of the last change.
pub const LINES_MAX: u32 = 32;
/// Changes the ring keeps. At 1,000 changes a second an observer may look away for four seconds.
pub const CHANGES_KEPT: u64 = RING as u64;

/// Why a file chip cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChipError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong, without a full stop.
    pub why: String,
    /// What to do.
    pub remedy: &'static str,
}

impl fmt::Display for ChipError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.path.display(), self.why, self.remedy)
    }
}

impl std::error::Error for ChipError {}

/// What fails when it is tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Failing {
    /// Nothing: the chip is sound.
    #[default]
    Nothing,
    /// Reads end with this error number.
    Reads(i32),
    /// So many writes end with this error number and change nothing; `u32::MAX` means every one.
    Writes(i32, u32),
    /// The chip is unplugged: reads and writes end with ENODEV and the levels stay as they are.
    Gone,
}

/// One change of one or several lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its number, from 1.
    pub number: u64,
    /// The lines changed not before this: `CLOCK_MONOTONIC` in nanoseconds.
    pub from_ns: u64,
    /// ... and not after this. Both are equal to the times of the neighbours when the writer was killed while it wrote.
    pub until_ns: u64,
    /// Levels before, one bit per line.
    pub before: u32,
    /// Levels after, one bit per line.
    pub after: u32,
    /// The process that wrote; `None` when it was killed before it could say so.
    pub pid: Option<u32>,
}

impl Change {
    /// Lines that changed and their new levels.
    pub fn edges(self) -> impl Iterator<Item = (u32, bool)> {
        let changed = self.before ^ self.after;
        (0..LINES_MAX).filter(move |line| changed >> line & 1 == 1).map(move |line| (line, self.after >> line & 1 == 1))
    }
}

/// How often a chip was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Reads of a request.
    pub reads: u64,
    /// Writes of a request, whether or not they changed anything.
    pub writes: u64,
}

/// A file chip, mapped.
#[derive(Clone, Debug)]
pub struct FileChip {
    path: PathBuf,
    mapping: Arc<Mapping>,
}

impl FileChip {
    /// The path in a map's `chip:`, where it names a file chip.
    #[must_use]
    pub fn path_in(chip: &str) -> Option<&Path> {
        chip.strip_prefix(PREFIX).map(Path::new)
    }

    /// Opens a chip, and makes it with [`LINES_MAX`] lines, all low, where there is no file.
    ///
    /// # Errors
    /// The path is not absolute, the file is something else, or the system refuses it.
    pub fn open(path: &Path) -> Result<Self, ChipError> {
        match Self::observe(path) {
            Err(_) if path.is_absolute() && !path.exists() => Self::create(path, LINES_MAX),
            result => result,
        }
    }

    /// Opens a chip that exists.
    ///
    /// # Errors
    /// The path is not absolute, there is no such file, it is something else, or the system refuses it.
    pub fn observe(path: &Path) -> Result<Self, ChipError> {
        if !path.is_absolute() {
            return Err(error(
                path,
                "this is no absolute path",
                "write it from the root, such as file:/dev/shm/cabinet",
            ));
        }
        let file = File::options().read(true).write(true).open(path).map_err(|e| system(path, "open", &e))?;
        let info = file.metadata().map_err(|e| system(path, "look at", &e))?;
        if !info.is_file() || info.len() != Layout::BYTES as u64 {
            return Err(no_chip(path));
        }
        let mapping = Mapping::new(&file).map_err(|e| system(path, "map", &e))?;
        if !mapping.layout().is_sound() {
            return Err(no_chip(path));
        }
        Ok(Self { path: path.to_owned(), mapping: Arc::new(mapping) })
    }

    /// Makes a chip with `lines` lines (at least 1, at most [`LINES_MAX`]), all low. Never seen half made; where somebody
    /// else makes it at the same moment, theirs is opened.
    ///
    /// # Errors
    /// The number of lines, or what the system says.
    pub fn create(path: &Path, lines: u32) -> Result<Self, ChipError> {
        if !(1..=LINES_MAX).contains(&lines) {
            return Err(error(path, format!("a file chip with {lines} lines"), "it has 1 to 32 lines"));
        }
        let mut half = path.as_os_str().to_owned();
        half.push(format!(".{}.new", std::process::id()));
        let half = PathBuf::from(half);
        let made = std::fs::write(&half, Layout::empty(lines)).and_then(|()| std::fs::hard_link(&half, path));
        let cleaned = std::fs::remove_file(&half);
        match made.and(cleaned) {
            Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => Err(system(path, "make", &e)),
            Ok(()) | Err(_) => Self::observe(path),
        }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Number of lines.
    #[must_use]
    pub fn lines(&self) -> u32 {
        self.layout().lines.load(Relaxed).min(LINES_MAX)
    }

    /// Levels of all lines at one instant, one bit per line.
    #[must_use]
    pub fn levels(&self) -> u32 {
        levels(self.layout().state.load(Acquire))
    }

    /// Number of the last change; 0 before the first.
    #[must_use]
    pub fn last_change(&self) -> u64 {
        number(self.layout().state.load(Acquire))
    }

    /// Drives a line as the world outside would.
    ///
    /// # Errors
    /// There is no such line, or a process holds it as an output: only that process writes it.
    pub fn drive(&self, line: u32, level: bool) -> Result<(), ChipError> {
        self.drive_all(1_u32.checked_shl(line).unwrap_or(0), u32::from(level).checked_shl(line).unwrap_or(0))
    }

    /// Drives the lines of `mask` to `to` at one instant, as the world outside would.
    ///
    /// # Errors
    /// There are no such lines, or a process holds one of them as an output.
    pub fn drive_all(&self, mask: u32, to: u32) -> Result<(), ChipError> {
        let all = u32::MAX >> (LINES_MAX - self.lines());
        if mask == 0 || mask & !all != 0 {
            let why = format!("it has no such line, only 0 to {}", self.lines().saturating_sub(1));
            return Err(error(&self.path, why, "correct the number of the line"));
        }
        let held = (0..self.lines())
            .find(|line| mask >> line & 1 == 1 && self.outputs() >> line & 1 == 1 && self.is_held(*line));
        if let Some(line) = held {
            let why = format!("line {line} is an output of process {}", self.holder(line));
            return Err(error(&self.path, why, "only that process writes it; inputs are driven from outside"));
        }
        self.write(mask, to);
        Ok(())
    }

    /// Lines that were requested as outputs last, one bit per line.
    #[must_use]
    pub fn outputs(&self) -> u32 {
        self.layout().outputs.load(Acquire)
    }

    /// The process that holds or held a line; 0 where nobody ever did.
    #[must_use]
    pub fn holder(&self, line: u32) -> u32 {
        self.layout().holders.get(line as usize).map_or(0, |pid| pid.load(Acquire))
    }

    /// Does a process hold this line?
    #[must_use]
    pub fn is_held(&self, line: u32) -> bool {
        // Requests have files of their own, so no lock of theirs is hidden from this one.
        lock::is_held(self.mapping.file(), line)
    }

    /// Makes reads or writes fail from now on, or heals the chip.
    pub fn fail(&self, failing: Failing) {
        let (read, write, count) = match failing {
            Failing::Nothing => (0, 0, 0),
            Failing::Reads(errno) => (errno, 0, 0),
            Failing::Writes(errno, count) => (0, errno, count),
            Failing::Gone => (libc::ENODEV, libc::ENODEV, u32::MAX),
        };
        let layout = self.layout();
        layout.read_errno.store(read, Release);
        layout.write_failures.store(0, Release);
        layout.write_errno.store(write, Release);
        layout.write_failures.store(count, Release);
    }

    /// How often the chip was used since it was made.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts { reads: self.layout().reads.load(Relaxed), writes: self.layout().writes.load(Relaxed) }
    }

    /// Changes after number `after`, in order. The ring keeps [`CHANGES_KEPT`]: when the first one returned is not
    /// `after + 1`, older ones were overwritten.
    ///
    /// A writer between swap and description is waited for, 10 ms at most: then it was killed there, and its change is put
    /// together from the neighbours. The first change returned may then have no edges.
    #[must_use]
    pub fn changes_after(&self, after: u64) -> Vec<Change> {
        let state = self.layout().state.load(Acquire);
        let (last, mut known) = (number(state), levels(state));
        let first = after.saturating_add(1).max(last.saturating_sub(CHANGES_KEPT - 1)).max(1);
        let mut changes = Vec::new();
        let mut next_ns = crate::clock::monotonic_ns();
        // Backwards: what a change led to is what the next one began with.
        for number in (first..=last).rev() {
            let change = self.described(number).unwrap_or(Change {
                number,
                from_ns: 0,
                until_ns: next_ns,
                before: known,
                after: known,
                pid: None,
            });
            next_ns = change.from_ns;
            known = change.before;
            changes.push(change);
        }
        changes.reverse();
        complete(&mut changes);
        changes
    }

    /// Takes lines as one request: numbers in the order of the levels. Outputs are written in the request itself.
    ///
    /// # Errors
    /// The number of a line that is held already.
    pub(crate) fn request(&self, offsets: &[u32], outputs: Option<&Levels>) -> Result<FilePort, u32> {
        // A file of its own, so that giving the request back frees its lines and no others.
        let file = File::options().read(true).write(true).open(&self.path);
        let mapping = file.and_then(|file| Mapping::new(&file)).map_err(|_| offsets.first().copied().unwrap_or(0))?;
        for line in offsets {
            lock::hold(mapping.file(), *line).map_err(|_| *line)?;
        }
        let mask = offsets.iter().fold(0, |mask, line| mask | 1_u32.checked_shl(*line).unwrap_or(0));
        let layout = mapping.layout();
        for line in offsets {
            if let Some(holder) = layout.holders.get(*line as usize) {
                holder.store(std::process::id(), Release);
            }
        }
        match outputs {
            Some(_) => layout.outputs.fetch_or(mask, Release),
            None => layout.outputs.fetch_and(!mask, Release),
        };
        let chip = Self { path: self.path.clone(), mapping: Arc::new(mapping) };
        let port = FilePort { chip, lines: offsets.to_vec(), mask };
        if let Some(levels) = outputs {
            port.chip.write(mask, port.gathered(levels));
        }
        Ok(port)
    }

    fn layout(&self) -> &Layout {
        self.mapping.layout()
    }

    /// A change as its writer described it; `None` when it was killed before that, or the ring has gone round since.
    fn described(&self, number: u64) -> Option<Change> {
        let slot = self.layout().slot(number)?;
        let pause = std::time::Duration::from_micros(100);
        (0..100).find_map(|_| {
            let change = slot.read(number);
            if change.is_none() {
                std::thread::sleep(pause);
            }
            change
        })
    }

    /// Changes the lines of `mask` to `to` at one instant. Nothing happens when they are so already.
    fn write(&self, mask: u32, to: u32) {
        let layout = self.layout();
        let mut state = layout.state.load(Acquire);
        loop {
            let before = levels(state);
            let after = (before & !mask) | (to & mask);
            if after == before {
                return;
            }
            // Behind the look at the state: times in the order of the numbers.
            let from_ns = crate::clock::monotonic_ns();
            let next = number(state).wrapping_add(1);
            match layout.state.compare_exchange_weak(state, join(next, after), Release, Acquire) {
                Ok(_) => {
                    let until_ns = crate::clock::monotonic_ns();
                    let pid = Some(std::process::id());
                    if let Some(slot) = layout.slot(next) {
                        slot.write(&Change { number: next, from_ns, until_ns, before, after, pid });
                    }
                    return;
                }
                Err(seen) => state = seen,
            }
        }
    }
}

/// Gives changes without a description their levels and times: what the one before led to and the next began with.
fn complete(changes: &mut [Change]) {
    let mut before: Option<Change> = None;
    for change in changes {
        if let (None, Some(earlier)) = (change.pid, before) {
            change.before = earlier.after;
            change.from_ns = earlier.until_ns;
        }
        before = Some(*change);
    }
}

/// Levels of a state: its lower half.
const fn levels(state: u64) -> u32 {
    (state & 0xFFFF_FFFF) as u32
}

/// Number of the last change of a state: its upper half, which lasts for 4,000 million changes.
const fn number(state: u64) -> u64 {
    state >> 32
}

const fn join(number: u64, levels: u32) -> u64 {
    number << 32 | levels as u64
}

fn error(path: &Path, why: impl Into<String>, remedy: &'static str) -> ChipError {
    ChipError { path: path.to_owned(), why: why.into(), remedy }
}

fn no_chip(path: &Path) -> ChipError {
    error(
        path,
        "this file is no file chip of this version of plcrun",
        "give another path, or remove the file if nobody needs it: a chip is made where there is none",
    )
}

fn system(path: &Path, action: &str, cause: &std::io::Error) -> ChipError {
    let remedy = "give a path that this user may read and write, normally under /dev/shm";
    error(path, format!("cannot {action} it: {cause}"), remedy)
}

/// Lines of a file chip, requested. Dropping it in every process that has it gives them back; they keep their levels.
#[derive(Debug)]
pub struct FilePort {
    chip: FileChip,
    /// Number on the chip, level by level.
    lines: Vec<u32>,
    mask: u32,
}

impl FilePort {
    /// Levels of the request as levels of the chip.
    fn gathered(&self, from: &Levels) -> u32 {
        self.lines.iter().zip(from).fold(0, |to, (line, level)| to | u32::from(*level != 0) << line)
    }
}

impl Port for FilePort {
    fn get(&mut self, to: &mut Levels) -> Result<(), i32> {
        let layout = self.chip.layout();
        layout.reads.fetch_add(1, Relaxed);
        match layout.read_errno.load(Acquire) {
            0 => {}
            errno => return Err(errno),
        }
        let levels = self.chip.levels();
        for (line, level) in self.lines.iter().zip(to) {
            *level = u8::from(levels >> line & 1 == 1);
        }
        Ok(())
    }

    fn set(&mut self, from: &Levels) -> Result<(), i32> {
        let layout = self.chip.layout();
        layout.writes.fetch_add(1, Relaxed);
        if layout.takes_failure() {
            return Err(layout.write_errno.load(Acquire));
        }
        self.chip.write(self.mask, self.gathered(from));
        Ok(())
    }
}
