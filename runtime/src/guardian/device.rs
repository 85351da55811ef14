//! The machine's watchdog device, as Documentation/watchdog/watchdog-api.rst of the kernel describes it.
//!
//! Opening it arms it: from then on the machine is reset unless it is fed. It is fed while scans really complete, and while
//! nothing has been energised yet. It is disarmed (the *magic close*) only where the outputs are known off; in every other
//! case the reset is what is wanted.
#![allow(unsafe_code, reason = "the ioctl that sets the time has no safe wrapper")]

use super::notify::Fed;
use super::page::Phase;
use crate::clock::NS_PER_S;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::path::Path;

/// `_IOWR('W', 6, int)` of linux/watchdog.h.
const SET_TIMEOUT: u32 = (3 << 30) | ((size_of::<libc::c_int>() as u32) << 16) | ((b'W' as u32) << 8) | 6;
/// How often it is fed at most.
const FEED_EVERY_NS: u64 = NS_PER_S;
/// How long a program may take to its first scan before the device is no longer fed: compiling takes far less.
const START_LIMIT_NS: u64 = 60 * NS_PER_S;

/// The device, armed.
#[derive(Debug)]
pub struct Watchdog {
    file: File,
    fed: Fed,
    begun_ns: Option<u64>,
}

impl Watchdog {
    /// Opens and arms the device, with a reset after so many seconds.
    ///
    /// # Errors
    /// The system's: no such device, no permission, in use.
    pub fn open(path: &Path, timeout_s: u16) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).open(path)?;
        let mut seconds = libc::c_int::from(timeout_s);
        // SAFETY: the file is open and the request reads and writes exactly one int, which `seconds` is.
        let result = unsafe { libc::ioctl(file.as_raw_fd(), SET_TIMEOUT as _, &raw mut seconds) };
        let watchdog = Self { file, fed: Fed::default(), begun_ns: None };
        if result < 0 {
            let error = io::Error::last_os_error();
            // It would reset the machine because of a mistake in the map.
            watchdog.disarm();
            return Err(error);
        }
        Ok(watchdog)
    }

    /// Feeds it where that is due and earned.
    pub fn look(&mut self, now_ns: u64, phase: Phase, scans: u64) {
        let begun_ns = *self.begun_ns.get_or_insert(now_ns);
        let starting = phase == Phase::Starting && now_ns.saturating_sub(begun_ns) < START_LIMIT_NS;
        if starting || self.fed.is_due(now_ns, scans, FEED_EVERY_NS) {
            // One that cannot be fed resets the machine: what it is for.
            let _ = self.file.write(b"1");
        }
    }

    /// A new scan process counts its scans from 1 again.
    pub fn begin_anew(&mut self) {
        self.fed = Fed::default();
        self.begun_ns = None;
    }

    /// The magic close: the outputs are known off, no reset is wanted. Some drivers never disarm (`nowayout`).
    pub fn disarm(mut self) {
        let _ = self.file.write(b"V");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::NS_PER_MS;
    use std::io::Read;

    #[test]
    fn the_request_number_is_that_of_the_kernel_header() {
        // Printed by a C program over linux/watchdog.h: WDIOC_SETTIMEOUT.
        assert_eq!(SET_TIMEOUT, 0xC004_5706);
    }

    /// A watchdog on a file, to see what it is fed.
    fn on_file() -> (File, Watchdog) {
        let file = tempfile::tempfile().unwrap();
        (file.try_clone().unwrap(), Watchdog { file, fed: Fed::default(), begun_ns: None })
    }

    fn fed(mut file: File) -> String {
        use std::io::Seek;
        let mut text = String::new();
        file.rewind().unwrap();
        file.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn it_is_fed_while_scans_complete_and_disarmed_on_demand_only() {
        let (file, mut watchdog) = on_file();
        for ms in (0..10_000_u64).step_by(10) {
            watchdog.look(ms * NS_PER_MS + NS_PER_S, Phase::Running, ms.min(5000));
        }
        let text = fed(file.try_clone().unwrap());
        assert!(text == "1".repeat(5) || text == "1".repeat(6), "{text}");
        watchdog.disarm();
        assert!(fed(file).ends_with("1V"));
    }

    #[test]
    fn an_endless_start_is_fed_for_a_minute() {
        let (file, mut watchdog) = on_file();
        for second in 0..300 {
            watchdog.look(second * NS_PER_S, Phase::Starting, 0);
        }
        assert_eq!(fed(file), "1".repeat(60));
    }
}
