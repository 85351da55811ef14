//! The window of memory an engine works on, in two forms, and the scalars that stand in it.
//!
//! Narrow: a fixed-size array reached with offsets modulo 65536, so that no access needs a check. Wide: a slice,
//! every access checked; one outside (which verified code cannot ask for) reads 0 and writes nothing.

use super::super::memory::{NARROW_WINDOW, NEAR};
use super::op::Word;

/// Little-endian bytes at offsets.
pub(super) trait Window {
    /// Word of the instructions that go with this window.
    type Word: Word;
    /// Reads `N <= 8` bytes.
    fn load<const N: usize>(&self, at: usize) -> [u8; N];
    /// Writes `N <= 8` bytes.
    fn store<const N: usize>(&mut self, at: usize, bytes: [u8; N]);
    /// Reads `N <= 8` bytes of a field, less than [`NEAR`] behind an offset.
    fn load_field<const N: usize>(&self, at: usize, field: usize) -> [u8; N];
    /// Writes `N <= 8` bytes of such a field.
    fn store_field<const N: usize>(&mut self, at: usize, field: usize, bytes: [u8; N]);
    /// Copies `size` bytes; nothing happens where they are not all inside.
    fn copy(&mut self, from: usize, to: usize, size: usize);
}

/// Offsets of 16 bits.
pub(super) struct Narrow<'a>(pub(super) &'a mut [u8; NARROW_WINDOW]);

/// Offsets of 32 bits.
pub(super) struct Wide<'a>(pub(super) &'a mut [u8]);

impl Window for Narrow<'_> {
    type Word = u16;

    #[inline(always)]
    fn load<const N: usize>(&self, at: usize) -> [u8; N] {
        self.load_field(at, 0)
    }

    #[inline(always)]
    fn store<const N: usize>(&mut self, at: usize, bytes: [u8; N]) {
        self.store_field(at, 0, bytes);
    }

    // 65535 + 63 + 8 is inside the array: the compiler proves both slices in bounds and emits no check.
    #[inline(always)]
    #[allow(clippy::indexing_slicing)]
    fn load_field<const N: usize>(&self, at: usize, field: usize) -> [u8; N] {
        const { assert!(N <= 8) };
        let at = (at & 0xffff) + field % NEAR;
        let mut bytes = [0; N];
        bytes.copy_from_slice(&self.0[at..at + N]);
        bytes
    }

    #[inline(always)]
    #[allow(clippy::indexing_slicing)] // as above
    fn store_field<const N: usize>(&mut self, at: usize, field: usize, bytes: [u8; N]) {
        const { assert!(N <= 8) };
        let at = (at & 0xffff) + field % NEAR;
        self.0[at..at + N].copy_from_slice(&bytes);
    }

    fn copy(&mut self, from: usize, to: usize, size: usize) {
        Wide(self.0).copy(from, to, size);
    }
}

impl Window for Wide<'_> {
    type Word = u32;

    #[inline(always)]
    fn load<const N: usize>(&self, at: usize) -> [u8; N] {
        self.0.get(at..).and_then(|m| m.first_chunk()).copied().unwrap_or([0; N])
    }

    #[inline(always)]
    fn store<const N: usize>(&mut self, at: usize, bytes: [u8; N]) {
        if let Some(to) = self.0.get_mut(at..).and_then(|m| m.first_chunk_mut()) {
            *to = bytes;
        }
    }

    #[inline(always)]
    fn load_field<const N: usize>(&self, at: usize, field: usize) -> [u8; N] {
        self.load(at.wrapping_add(field))
    }

    #[inline(always)]
    fn store_field<const N: usize>(&mut self, at: usize, field: usize, bytes: [u8; N]) {
        self.store(at.wrapping_add(field), bytes);
    }

    fn copy(&mut self, from: usize, to: usize, size: usize) {
        let inside = |at: usize| at.checked_add(size).is_some_and(|end| end <= self.0.len());
        if inside(from) && inside(to) {
            self.0.copy_within(from..from + size, to);
        }
    }
}

/// A scalar that stands in a window.
pub(super) trait Cell: Copy {
    fn get<M: Window>(memory: &M, at: usize) -> Self;
    fn set<M: Window>(self, memory: &mut M, at: usize);
    /// The same of a field of the instance at an offset.
    fn get_field<M: Window>(memory: &M, at: usize, field: usize) -> Self;
    fn set_field<M: Window>(self, memory: &mut M, at: usize, field: usize);
}

macro_rules! cells {
    ($($t:ident)*) => {$(
        impl Cell for $t {
            #[inline(always)]
            fn get<M: Window>(memory: &M, at: usize) -> Self {
                Self::from_le_bytes(memory.load(at))
            }
            #[inline(always)]
            fn set<M: Window>(self, memory: &mut M, at: usize) {
                memory.store(at, self.to_le_bytes());
            }
            #[inline(always)]
            fn get_field<M: Window>(memory: &M, at: usize, field: usize) -> Self {
                Self::from_le_bytes(memory.load_field(at, field))
            }
            #[inline(always)]
            fn set_field<M: Window>(self, memory: &mut M, at: usize, field: usize) {
                memory.store_field(at, field, self.to_le_bytes());
            }
        }
    )*};
}
cells!(u8 u16 u32 u64 i8 i16 i32 i64 f32 f64);

impl Cell for bool {
    #[inline(always)]
    fn get<M: Window>(memory: &M, at: usize) -> Self {
        u8::get(memory, at) != 0
    }
    #[inline(always)]
    fn set<M: Window>(self, memory: &mut M, at: usize) {
        u8::from(self).set(memory, at);
    }
    #[inline(always)]
    fn get_field<M: Window>(memory: &M, at: usize, field: usize) -> Self {
        u8::get_field(memory, at, field) != 0
    }
    #[inline(always)]
    fn set_field<M: Window>(self, memory: &mut M, at: usize, field: usize) {
        u8::from(self).set_field(memory, at, field);
    }
}
