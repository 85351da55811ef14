//! What stands where in the file: one structure of atomics, the same in every process of this machine.
//!
//! The file is no exchange format. It lives as long as the machine runs, and another version is refused by its number.

use super::Change;
use super::{LINES_MAX, levels};
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, fence};

/// Changes the ring keeps; a power of two.
pub(super) const RING: usize = 4096;
/// "PLCCHIP" and the width of a word, read as a little-endian number.
const MAGIC: u64 = u64::from_le_bytes(*b"PLCCHIP8");
const VERSION: u32 = 1;

/// The whole file.
#[repr(C)]
#[derive(Debug)]
pub(super) struct Layout {
    magic: AtomicU64,
    version: AtomicU32,
    /// Number of lines, 1 to [`LINES_MAX`].
    pub(super) lines: AtomicU32,
    /// Number of the last change and, in the lower half, the levels.
    pub(super) state: AtomicU64,
    /// Lines requested as outputs last.
    pub(super) outputs: AtomicU32,
    /// Reads end with this error number; 0 for none.
    pub(super) read_errno: AtomicI32,
    /// Writes end with this error number while failures are left.
    pub(super) write_errno: AtomicI32,
    /// Failing writes left; `u32::MAX` never ends.
    pub(super) write_failures: AtomicU32,
    /// Reads of requests so far.
    pub(super) reads: AtomicU64,
    /// Writes of requests so far.
    pub(super) writes: AtomicU64,
    /// The process that requested each line last.
    pub(super) holders: [AtomicU32; LINES_MAX as usize],
    ring: [Slot; RING],
}

/// The description of one change.
#[repr(C)]
#[derive(Debug)]
pub(super) struct Slot {
    /// Number of the change described here; 0 while it is being written.
    number: AtomicU64,
    from_ns: AtomicU64,
    until_ns: AtomicU64,
    before: AtomicU32,
    after: AtomicU32,
    pid: AtomicU32,
    /// Keeps the size a multiple of eight on every machine.
    spare: AtomicU32,
}

impl Layout {
    /// Length of the file.
    pub(super) const BYTES: usize = size_of::<Self>();

    /// The bytes of a chip with all lines low.
    pub(super) fn empty(lines: u32) -> Vec<u8> {
        let mut bytes = MAGIC.to_ne_bytes().to_vec();
        bytes.extend(VERSION.to_ne_bytes());
        bytes.extend(lines.to_ne_bytes());
        bytes.resize(Self::BYTES, 0);
        bytes
    }

    /// Is this a chip of this version?
    pub(super) fn is_sound(&self) -> bool {
        let lines = self.lines.load(Relaxed);
        let unused = u32::MAX.checked_shl(lines).unwrap_or(0);
        self.magic.load(Relaxed) == MAGIC
            && self.version.load(Relaxed) == VERSION
            && (1..=LINES_MAX).contains(&lines)
            && levels(self.state.load(Relaxed)) & unused == 0
    }

    /// Where a change is described.
    pub(super) fn slot(&self, number: u64) -> Option<&Slot> {
        // The remainder is below RING, so it fits every usize.
        self.ring.get((number % RING as u64) as usize)
    }

    /// Takes one failing write where some are left.
    pub(super) fn takes_failure(&self) -> bool {
        let take = |left: u32| match left {
            0 => None,
            u32::MAX => Some(u32::MAX),
            left => Some(left - 1),
        };
        self.write_failures.fetch_update(AcqRel, Acquire, take).is_ok()
    }
}

impl Slot {
    /// Describes a change. A reader that comes between sees number 0 and takes the slot for empty.
    pub(super) fn write(&self, change: &Change) {
        self.number.store(0, Relaxed);
        fence(Release);
        self.from_ns.store(change.from_ns, Relaxed);
        self.until_ns.store(change.until_ns, Relaxed);
        self.before.store(change.before, Relaxed);
        self.after.store(change.after, Relaxed);
        self.pid.store(change.pid.unwrap_or(0), Relaxed);
        self.number.store(change.number, Release);
    }

    /// The change with this number, when it is described here.
    pub(super) fn read(&self, number: u64) -> Option<Change> {
        if self.number.load(Acquire) != number {
            return None;
        }
        let change = Change {
            number,
            from_ns: self.from_ns.load(Relaxed),
            until_ns: self.until_ns.load(Relaxed),
            before: self.before.load(Relaxed),
            after: self.after.load(Relaxed),
            pid: Some(self.pid.load(Relaxed)),
        };
        fence(Acquire);
        (self.number.load(Relaxed) == number).then_some(change)
    }
}
