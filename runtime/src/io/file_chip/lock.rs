//! Who holds a line: a lock on one byte of the open file, as the kernel's requests hold lines.
//!
//! Such a lock (`F_OFD_SETLK` of fcntl(2)) belongs to the open file: it is inherited by `fork`, and ends with the last
//! process that has this very file open, however that process ends.
#![allow(unsafe_code, reason = "locks of open files have no safe wrapper")]

use std::fs::File;
use std::os::fd::AsRawFd;

/// Holds a line.
///
/// # Errors
/// The system's error number; somebody else holds it, as a rule.
pub(super) fn hold(file: &File, line: u32) -> Result<(), i32> {
    call(file, libc::F_OFD_SETLK, &mut lock(line))
}

/// Does another open file hold this line?
pub(super) fn is_held(file: &File, line: u32) -> bool {
    let mut lock = lock(line);
    call(file, libc::F_OFD_GETLK, &mut lock).is_ok() && i32::from(lock.l_type) != libc::F_UNLCK
}

/// The lock of one line: byte number `line` of the file.
fn lock(line: u32) -> libc::flock {
    // SAFETY: `flock` is a structure of integers, for which zero is a valid value.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    // Both constants are small numbers of linux/fcntl.h; the structure's fields are short.
    lock.l_type = libc::F_WRLCK as _;
    lock.l_whence = libc::SEEK_SET as _;
    lock.l_start = line.into();
    lock.l_len = 1;
    lock
}

fn call(file: &File, command: libc::c_int, lock: &mut libc::flock) -> Result<(), i32> {
    // SAFETY: the file is open as long as the reference lives; both commands read and write one flock and keep no pointer.
    let result = unsafe { libc::fcntl(file.as_raw_fd(), command, std::ptr::from_mut(lock)) };
    if result < 0 { Err(std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EINVAL)) } else { Ok(()) }
}
