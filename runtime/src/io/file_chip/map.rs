//! The file, mapped and shared with every process that maps it.
#![allow(unsafe_code, reason = "mapping a file has no safe wrapper")]

use super::layout::Layout;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use std::fs::File;
use std::io;
use std::ptr::NonNull;

/// A mapped chip with its open file.
#[derive(Debug)]
pub(super) struct Mapping {
    at: NonNull<Layout>,
    file: File,
}

// SAFETY: the mapping is memory of atomics that belongs to no thread; it is unmapped once, by the last owner.
unsafe impl Send for Mapping {}
// SAFETY: all access through a shared reference is by atomics.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps a file that has the length of a [`Layout`].
    pub(super) fn new(file: &File) -> io::Result<Self> {
        let file = file.try_clone()?;
        if file.metadata()?.len() != Layout::BYTES as u64 {
            return Err(io::Error::from(io::ErrorKind::InvalidData));
        }
        // SAFETY: the kernel chooses the address, so nothing that exists is mapped over; the length is the file's.
        let at = unsafe {
            mmap(
                std::ptr::null_mut(),
                Layout::BYTES,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED | MapFlags::POPULATE,
                &file,
                0,
            )
        }?;
        let at = NonNull::new(at.cast::<Layout>()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { at, file })
    }

    /// The file the mapping is of; locks belong to it.
    pub(super) const fn file(&self) -> &File {
        &self.file
    }

    /// What stands in it.
    pub(super) const fn layout(&self) -> &Layout {
        // SAFETY: the mapping is as long as a Layout, aligned to a page and lives as long as `self`. Every field is an atomic
        // integer, for which all bit patterns are valid and which other processes may change at any time.
        unsafe { self.at.as_ref() }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: `at` is the mapping made in `new`, and no reference to it outlives `self`. The result is that of a correct
        // call: there is nothing to do about another one.
        let _ = unsafe { munmap(self.at.as_ptr().cast(), Layout::BYTES) };
    }
}
