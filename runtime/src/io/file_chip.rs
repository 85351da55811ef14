//! The file chip: lines of a simulated GPIO chip in a memory-mapped file.
//!
//! A map names it `chip: "file:PATH"`. Every process that maps the file sees the same lines: the controller and its
//! guardian write outputs, whoever plays the plant sets inputs, and an observer reads each edge with the time and the
//! process that made it. So the whole chain of processes can be tried, killed and measured on any machine. Like a chip
//! whose driver keeps the last level, a file chip does not change when its user dies: what stands in it afterwards is
//! what somebody wrote.
//!
//! The file is a header of one page (magic, version, number of lines, levels, injected errors, counters) and a ring
//! of the last [`EVENTS_MAX`] edges. All of it is read and written by atomic operations in the machine's byte order,
//! without a lock and without a system call but the clock's (which needs none where the kernel offers it in user
//! space). It is a tool for trials and tests, made on a file system in memory (`/dev/shm`); cutting the file short
//! while it is used ends its users by SIGBUS.
#![allow(unsafe_code, reason = "a shared mapping has no safe wrapper")]

use super::LINES_PER_REQUEST_MAX;
use super::gpio::{Levels, Port};
use crate::clock::monotonic_ns;
use rustix::fs::{FlockOperation, flock};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use std::ffi::c_void;
use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

/// What stands before the path in a map's `chip:`.
pub const PREFIX: &str = "file:";
/// Lines of every file chip: as many as one request holds.
pub const LINES: usize = LINES_PER_REQUEST_MAX;
/// Edges the ring keeps.
pub const EVENTS_MAX: u64 = 1 << 14;

/// "plclines" in ASCII.
const MAGIC: u64 = u64::from_le_bytes(*b"plclines");
const VERSION: u32 = 1;

/// The file, byte for byte. Fields are atomic because several processes use them at once.
#[repr(C)]
struct Layout {
    magic: AtomicU64,
    version: AtomicU32,
    lines: AtomicU32,
    get_errno: AtomicU32,
    set_errno: AtomicU32,
    next_event: AtomicU64,
    gets: AtomicU64,
    sets: AtomicU64,
    reserved: [AtomicU64; 2],
    levels: [AtomicU8; LINES],
    /// Up to one page.
    padding: [AtomicU64; (4096 - 128) / 8],
    ring: [Slot; EVENTS_MAX as usize],
}

/// One edge in the ring. `number` is written last; a reader that finds another number before or after reading the
/// rest knows that the slot has been used again.
#[repr(C)]
struct Slot {
    /// Number of the edge plus one; 0 while it is being written.
    number: AtomicU64,
    at_ns: AtomicU64,
    /// Line in the low half, level in the high half.
    line_level: AtomicU64,
    pid: AtomicU64,
}

/// Size of the file.
const BYTES: usize = size_of::<Layout>();

/// An edge of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Number of the edge since the file was made, from 0.
    pub number: u64,
    /// When, by `CLOCK_MONOTONIC`: after the level had changed.
    pub at_ns: u64,
    /// Which line.
    pub line: u8,
    /// What it changed to.
    pub level: bool,
    /// The process that wrote it.
    pub pid: u32,
}

/// Why a file chip cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileChipError {
    /// The system's own words for what failed.
    System(String),
    /// The file is something else.
    Foreign,
    /// Another controller holds its outputs.
    InUse,
}

impl fmt::Display for FileChipError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(words) => f.write_str(words),
            Self::Foreign => f.write_str("the file is no file chip of this version: name another file or remove it"),
            Self::InUse => f.write_str("another controller holds its outputs: end that one, or name another file"),
        }
    }
}

impl std::error::Error for FileChipError {}

impl From<std::io::Error> for FileChipError {
    fn from(error: std::io::Error) -> Self {
        Self::System(error.to_string())
    }
}

impl From<rustix::io::Errno> for FileChipError {
    fn from(error: rustix::io::Errno) -> Self {
        std::io::Error::from(error).into()
    }
}

/// A mapped file chip.
#[derive(Debug)]
pub struct FileChip {
    path: PathBuf,
    file: File,
    at: *mut c_void,
}

// SAFETY: the mapping lives as long as the value and is only used through atomics.
unsafe impl Send for FileChip {}
// SAFETY: as above.
unsafe impl Sync for FileChip {}

impl Drop for FileChip {
    fn drop(&mut self) {
        // SAFETY: `at` and the length are those of the mapping made in `open`; no reference outlives `self`. An error
        // is impossible for a mapping that exists.
        let _ = unsafe { munmap(self.at, BYTES) };
    }
}

impl FileChip {
    /// The path in a map's `chip:`, where it names a file chip.
    #[must_use]
    pub fn path_in(chip: &str) -> Option<&Path> {
        chip.strip_prefix(PREFIX).map(Path::new)
    }

    /// Opens the chip in a file, and makes the file where there is none: every line low.
    ///
    /// # Errors
    /// The file cannot be had, or is something else.
    pub fn open(path: &Path) -> Result<Self, FileChipError> {
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
        // Only one of several that come at once makes it; the others wait for a moment.
        let making = MakingLock::take(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(FileChipError::Foreign);
        }
        let bytes = u64::try_from(BYTES).unwrap_or(u64::MAX);
        let new = metadata.len() == 0;
        if new {
            file.set_len(bytes)?;
        } else if metadata.len() != bytes {
            return Err(FileChipError::Foreign);
        }
        // SAFETY: a new shared mapping at an address of the kernel's choice, of a file that is as long as the mapping.
        let at = unsafe {
            mmap(std::ptr::null_mut(), BYTES, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED, &file, 0)?
        };
        let chip = Self { path: path.to_owned(), file, at };
        let layout = chip.layout();
        if new {
            layout.version.store(VERSION, Ordering::Relaxed);
            layout.lines.store(u32::try_from(LINES).unwrap_or(0), Ordering::Relaxed);
            layout.magic.store(MAGIC, Ordering::Release);
        }
        drop(making);
        let same = layout.magic.load(Ordering::Acquire) == MAGIC && layout.version.load(Ordering::Relaxed) == VERSION;
        if same { Ok(chip) } else { Err(FileChipError::Foreign) }
    }

    /// Takes the outputs for one controller, as a request of real lines does; held until the last copy of the file
    /// (a fork has one) is closed.
    ///
    /// # Errors
    /// Somebody holds them.
    pub fn claim(&self) -> Result<(), FileChipError> {
        match flock(&self.file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(()),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(FileChipError::InUse),
            Err(other) => Err(other.into()),
        }
    }

    fn layout(&self) -> &Layout {
        // SAFETY: the mapping is page-aligned, as long as `Layout`, lives as long as `self`, and every bit pattern is a
        // valid atomic.
        unsafe { &*self.at.cast::<Layout>() }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Level of a line; FALSE for a line it does not have.
    #[must_use]
    pub fn level(&self, line: u8) -> bool {
        self.layout().levels.get(usize::from(line)).is_some_and(|l| l.load(Ordering::Acquire) != 0)
    }

    /// Sets a line and records the edge, where it is one. False for a line it does not have.
    pub fn set_level(&self, line: u8, level: bool) -> bool {
        let layout = self.layout();
        let Some(cell) = layout.levels.get(usize::from(line)) else { return false };
        if (cell.swap(u8::from(level), Ordering::AcqRel) != 0) != level {
            self.record(line, level);
        }
        true
    }

    fn record(&self, line: u8, level: bool) {
        let layout = self.layout();
        let number = layout.next_event.fetch_add(1, Ordering::AcqRel);
        let Some(slot) = slot(layout, number) else { return };
        slot.number.store(0, Ordering::Release);
        slot.at_ns.store(monotonic_ns(), Ordering::Release);
        slot.line_level.store(u64::from(line) | (u64::from(level) << 32), Ordering::Release);
        slot.pid.store(u64::from(std::process::id()), Ordering::Release);
        slot.number.store(number.saturating_add(1), Ordering::Release);
    }

    /// Number of the next edge.
    #[must_use]
    pub fn next_edge(&self) -> u64 {
        self.layout().next_event.load(Ordering::Acquire)
    }

    /// Adds the edges from number `from` on to `edges` and gives the number to go on from. Edges that the ring has
    /// forgotten, or whose writer died before it had finished, are left out: the numbers show the gap.
    pub fn edges_since(&self, from: u64, edges: &mut Vec<Edge>) -> u64 {
        let layout = self.layout();
        let next = self.next_edge();
        let first = from.max(next.saturating_sub(EVENTS_MAX));
        for number in first..next {
            let Some(slot) = slot(layout, number) else { continue };
            if slot.number.load(Ordering::Acquire) != number.saturating_add(1) {
                continue;
            }
            let (at_ns, line_level) = (slot.at_ns.load(Ordering::Acquire), slot.line_level.load(Ordering::Acquire));
            let pid = slot.pid.load(Ordering::Acquire);
            if slot.number.load(Ordering::Acquire) == number.saturating_add(1) {
                let line = u8::try_from(line_level & 0xFF).unwrap_or(0);
                let pid = u32::try_from(pid).unwrap_or(0);
                edges.push(Edge { number, at_ns, line, level: line_level >> 32 != 0, pid });
            }
        }
        next
    }

    /// From now on reads fail with this error number of the system; 0 mends it. `ENODEV` is a chip that is gone.
    pub fn fail_reads(&self, errno: u32) {
        self.layout().get_errno.store(errno, Ordering::Release);
    }

    /// From now on writes fail with this error number of the system; 0 mends it. `ENODEV` is a chip that is gone.
    pub fn fail_writes(&self, errno: u32) {
        self.layout().set_errno.store(errno, Ordering::Release);
    }

    /// Requests read and written so far: what would be system calls on real lines.
    #[must_use]
    pub fn calls(&self) -> (u64, u64) {
        let layout = self.layout();
        (layout.gets.load(Ordering::Relaxed), layout.sets.load(Ordering::Relaxed))
    }
}

fn slot(layout: &Layout, number: u64) -> Option<&Slot> {
    layout.ring.get(usize::try_from(number % EVENTS_MAX).ok()?)
}

/// A lock beside [`FileChip::claim`]'s: on a description of its own, of the folder the file is in.
struct MakingLock(File);

impl MakingLock {
    fn take(path: &Path) -> Result<Self, FileChipError> {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = File::open(folder)?;
        flock(&folder, FlockOperation::LockExclusive)?;
        Ok(Self(folder))
    }
}

impl Drop for MakingLock {
    fn drop(&mut self) {
        // Closing the file gives the lock back, should this fail.
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

/// Lines of a file chip held as one request.
#[derive(Clone, Debug)]
pub struct FilePort {
    chip: Arc<FileChip>,
    lines: Vec<u8>,
}

impl FilePort {
    /// Lines of a chip, in this order.
    #[must_use]
    pub const fn new(chip: Arc<FileChip>, lines: Vec<u8>) -> Self {
        Self { chip, lines }
    }
}

fn injected(errno: &AtomicU32) -> Result<(), i32> {
    match i32::try_from(errno.load(Ordering::Acquire)) {
        Ok(0) => Ok(()),
        Ok(errno) => Err(errno),
        Err(_) => Err(libc::EIO),
    }
}

impl Port for FilePort {
    fn get(&mut self, levels: &mut Levels) -> Result<(), i32> {
        let layout = self.chip.layout();
        layout.gets.fetch_add(1, Ordering::Relaxed);
        injected(&layout.get_errno)?;
        for (line, level) in self.lines.iter().zip(levels) {
            *level = u8::from(self.chip.level(*line));
        }
        Ok(())
    }

    fn set(&mut self, levels: &Levels) -> Result<(), i32> {
        let layout = self.chip.layout();
        layout.sets.fetch_add(1, Ordering::Relaxed);
        injected(&layout.set_errno)?;
        for (line, level) in self.lines.iter().zip(levels) {
            self.chip.set_level(*line, *level != 0);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        (folder, path)
    }

    #[test]
    fn the_header_is_one_page() {
        assert_eq!(std::mem::offset_of!(Layout, ring), 4096);
        assert_eq!(std::mem::offset_of!(Layout, levels), 64);
    }

    #[test]
    fn two_users_see_the_same_lines_and_edges() {
        let (_folder, path) = scratch();
        let (ours, theirs) = (FileChip::open(&path).unwrap(), FileChip::open(&path).unwrap());
        assert!(ours.set_level(3, true) && ours.set_level(3, true) && !ours.set_level(64, true));
        assert!(theirs.level(3) && !theirs.level(2));
        theirs.set_level(3, false);
        let mut edges = Vec::new();
        assert_eq!(ours.edges_since(0, &mut edges), 2);
        let seen: Vec<_> = edges.iter().map(|e| (e.number, e.line, e.level, e.pid)).collect();
        let pid = std::process::id();
        assert_eq!(seen, [(0, 3, true, pid), (1, 3, false, pid)]);
        assert!(edges[0].at_ns <= edges[1].at_ns && edges[0].at_ns > 0);
    }

    #[test]
    fn the_ring_forgets_the_oldest_edges() {
        let (_folder, path) = scratch();
        let chip = FileChip::open(&path).unwrap();
        for n in 0..EVENTS_MAX + 10 {
            chip.set_level(0, n % 2 == 0);
        }
        let mut edges = Vec::new();
        assert_eq!(chip.edges_since(0, &mut edges), EVENTS_MAX + 10);
        assert_eq!(edges.first().map(|e| e.number), Some(10));
        assert_eq!(edges.len() as u64, EVENTS_MAX);
    }

    #[test]
    fn a_port_reads_writes_and_fails_as_told() {
        let (_folder, path) = scratch();
        let chip = Arc::new(FileChip::open(&path).unwrap());
        let mut port = FilePort::new(Arc::clone(&chip), vec![5, 1]);
        let mut levels: Levels = [0; LINES];
        levels[0] = 1;
        port.set(&levels).unwrap();
        assert!(chip.level(5) && !chip.level(1));
        chip.set_level(1, true);
        port.get(&mut levels).unwrap();
        assert_eq!(&levels[..2], [1, 1]);
        chip.fail_writes(5);
        assert_eq!(port.set(&[0; LINES]), Err(5));
        assert!(chip.level(5), "a failed write changes nothing");
        chip.fail_writes(0);
        chip.fail_reads(19);
        assert_eq!(port.get(&mut levels), Err(19));
        assert!(port.set(&[0; LINES]).is_ok() && !chip.level(5));
        assert_eq!(chip.calls(), (2, 3));
    }

    #[test]
    fn outputs_belong_to_one_controller() {
        let (_folder, path) = scratch();
        let first = FileChip::open(&path).unwrap();
        let second = FileChip::open(&path).unwrap();
        first.claim().unwrap();
        first.claim().unwrap();
        assert_eq!(second.claim(), Err(FileChipError::InUse));
        drop(first);
        second.claim().unwrap();
    }

    #[test]
    fn another_file_is_refused_and_left_alone() {
        let (_folder, path) = scratch();
        std::fs::write(&path, "notes").unwrap();
        assert_eq!(FileChip::open(&path).err(), Some(FileChipError::Foreign));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "notes");
        std::fs::write(&path, vec![7; BYTES]).unwrap();
        assert_eq!(FileChip::open(&path).err(), Some(FileChipError::Foreign));
        assert!(matches!(FileChip::open(Path::new("/")), Err(FileChipError::System(_))));
    }

    #[test]
    fn a_map_names_it_with_a_prefix() {
        assert_eq!(FileChip::path_in("file:/dev/shm/lines"), Some(Path::new("/dev/shm/lines")));
        assert_eq!(FileChip::path_in("gpiochip0"), None);
    }
}
