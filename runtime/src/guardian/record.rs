//! The black box: what a guardian leaves for the next start, in a file of fixed size.
//!
//! The file is opened and filled before the fork; at a death it is one `pwrite` and one `fdatasync`, without allocation. The
//! next start [`read`]s it into the fault log and [`clear`]s it. 512 bytes, little-endian, a sector of every disk:
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 8 | `PLCGRD02` |
//! | 8 | 8 | deaths written since the box was cleared; 0: empty |
//! | 16 | 8 | wall clock of the death, nanoseconds since 1970 |
//! | 24 | 8 | CLOCK_BOOTTIME of the death, nanoseconds |
//! | 32 | 8 | scans completed |
//! | 40 | 8 | heartbeat overdue, nanoseconds |
//! | 48 | 8 | detection to first OFF, nanoseconds |
//! | 56 | 8 | detection to the end of the process |
//! | 64 | 8 | detection to the last OFF |
//! | 72 | 4 | number of the code, such as 41 |
//! | 76 | 4 | process number |
//! | 80 | 4 | exit code, or -signal |
//! | 84 | 4 | [`Step`] |
//! | 88 | 4 | requests that did not take the last OFF |
//! | 92 | 4 | number of chips |
//! | 96 | 8 × 24 | chip: error number (4, 0 for none), name (20, cut, zero-filled) |
//! | 288 | 208 | place in the program: name, unit, rung, file with line and column, separated by 0x1f, zero-filled |
//! | 496 | 8 | reserved, 0 |
//! | 504 | 8 | FNV-1a 64 of bytes 0 to 503 |

use super::codes::GuardianCode;
use super::page::Step;
use super::places::{PLACE_BYTES, Place};
use super::watch::{ChildState, Death};
use rustix::time::{ClockId, clock_gettime};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

/// Size of the file.
pub const RECORD_BYTES: usize = 512;
/// Chips whose last result is kept; further ones only count in `failed`.
pub const CHIPS_MAX: usize = 8;
const MAGIC: [u8; 8] = *b"PLCGRD02";
const NAME_BYTES: usize = 20;
const CHIPS_AT: usize = 96;
const CHIP_BYTES: usize = 24;
const PLACE_AT: usize = CHIPS_AT + CHIPS_MAX * CHIP_BYTES;
const SUM_AT: usize = 504;

const _: () = assert!(PLACE_AT + PLACE_BYTES <= SUM_AT);

/// The last OFF on one chip.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ChipResult {
    /// Its name; a longer one than 20 bytes is cut.
    pub chip: String,
    /// The system's error number; `None` where OFF was written.
    pub errno: Option<i32>,
}

/// A death as the next start reads it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct DeathRecord {
    /// Deaths since the box was last cleared; more than one where the guardian restarted the scan process.
    pub deaths: u64,
    /// Wall clock, nanoseconds since 1970.
    pub wall_ns: u64,
    /// CLOCK_BOOTTIME in nanoseconds.
    pub boottime_ns: u64,
    /// The code people look up, such as `F41`.
    pub code: String,
    /// What happened, in a sentence.
    pub text: String,
    /// What to do about it.
    pub remedy: String,
    /// The process that died.
    pub pid: u32,
    /// Its exit code, where it ended by itself.
    pub exit_code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Scans it had completed.
    pub scan: u64,
    /// Where in its round it was.
    pub step: String,
    /// Program instance that ran; empty where none did.
    pub program: String,
    /// Kind and name of the unit it was last seen in; empty when unknown.
    pub unit: String,
    /// Label of the rung; empty outside a ladder, and when unknown.
    pub rung: String,
    /// `file:line:column`; empty when unknown.
    pub source: String,
    /// How long the heartbeat was overdue, in nanoseconds.
    pub heartbeat_age_ns: u64,
    /// From detection to the first OFF on every chip, in nanoseconds.
    pub off_ns: u64,
    /// From detection to the end of the process, in nanoseconds.
    pub dead_ns: u64,
    /// From detection to the last OFF, in nanoseconds.
    pub last_off_ns: u64,
    /// Requests that did not take the last OFF.
    pub failed: u32,
    /// The last OFF, chip by chip.
    pub chips: Vec<ChipResult>,
}

/// The open file, ready to be written.
#[derive(Debug)]
pub struct BlackBox {
    file: File,
    bytes: [u8; RECORD_BYTES],
    deaths: u64,
}

impl BlackBox {
    /// Opens the file, makes it where there is none, and has the disk hold its 512 bytes. What it holds stays.
    ///
    /// # Errors
    /// The system's: folder missing, no permission, disk full.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        // Read by whoever may read the state folder; it holds nothing secret.
        let file = options.read(true).write(true).create(true).truncate(false).mode(0o640).open(path)?;
        let mut bytes = [0; RECORD_BYTES];
        let kept = file.read_exact_at(&mut bytes, 0).is_ok() && is_whole(&bytes);
        let deaths = if kept { u64_at(&bytes, 8) } else { 0 };
        if !kept {
            bytes = empty();
            file.write_all_at(&bytes, 0)?;
            file.sync_all()?;
        }
        Ok(Self { file, bytes, deaths })
    }

    /// Writes a death and waits for the disk. Does not allocate.
    ///
    /// # Errors
    /// The system's.
    pub fn write(&mut self, death: &Death, pid: i32, place: &Place, chips: &[Off]) -> io::Result<()> {
        self.deaths = self.deaths.saturating_add(1);
        encode(&mut self.bytes, self.deaths, death, (pid, place), chips);
        self.file.write_all_at(&self.bytes, 0)?;
        rustix::fs::fdatasync(&self.file)?;
        Ok(())
    }

    /// How many deaths it holds. The scan process may have cleared the file since it was opened.
    pub fn look_again(&mut self) {
        let mut bytes = [0; RECORD_BYTES];
        let whole = self.file.read_exact_at(&mut bytes, 0).is_ok() && is_whole(&bytes);
        self.deaths = if whole { u64_at(&bytes, 8) } else { 0 };
    }
}

/// The last OFF on one chip, without allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Off {
    name: [u8; NAME_BYTES],
    /// The system's error number, 0 for none.
    pub errno: i32,
}

impl Off {
    /// A chip that has not been written yet.
    #[must_use]
    pub fn of(chip: &str) -> Self {
        let mut name = [0; NAME_BYTES];
        // The end tells chips of one machine apart better than the start, which may be a folder.
        let bytes = chip.as_bytes();
        let shown = bytes.get(bytes.len().saturating_sub(NAME_BYTES)..).unwrap_or_default();
        for (to, from) in name.iter_mut().zip(shown) {
            *to = *from;
        }
        Self { name, errno: 0 }
    }
}

/// The death the file holds; `None` where there is no file, it is empty, or it is no whole record.
#[must_use]
pub fn read(path: &Path) -> Option<DeathRecord> {
    let file = File::open(path).ok()?;
    let mut bytes = [0; RECORD_BYTES];
    file.read_exact_at(&mut bytes, 0).ok()?;
    decode(&bytes)
}

/// Empties the file once its death has been taken over. One that does not exist is empty.
///
/// # Errors
/// The system's.
pub fn clear(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).open(path) {
        Ok(file) => {
            file.write_all_at(&empty(), 0)?;
            file.sync_data()
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e),
    }
}

fn empty() -> [u8; RECORD_BYTES] {
    let mut bytes = [0; RECORD_BYTES];
    put(&mut bytes, 0, &MAGIC);
    seal(&mut bytes);
    bytes
}

fn put(bytes: &mut [u8; RECORD_BYTES], at: usize, value: &[u8]) {
    if let Some(to) = bytes.get_mut(at..at.saturating_add(value.len())) {
        to.copy_from_slice(value);
    }
}

fn seal(bytes: &mut [u8; RECORD_BYTES]) {
    let sum = sum(bytes);
    put(bytes, SUM_AT, &sum.to_le_bytes());
}

/// FNV-1a, 64 bits, over everything before the sum: finds torn and foreign contents.
fn sum(bytes: &[u8; RECORD_BYTES]) -> u64 {
    let body = bytes.get(..SUM_AT).unwrap_or_default();
    body.iter().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

fn is_whole(bytes: &[u8; RECORD_BYTES]) -> bool {
    bytes.starts_with(&MAGIC) && u64_at(bytes, SUM_AT) == sum(bytes)
}

fn array<const N: usize>(bytes: &[u8; RECORD_BYTES], at: usize) -> [u8; N] {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
}

fn u64_at(bytes: &[u8; RECORD_BYTES], at: usize) -> u64 {
    u64::from_le_bytes(array(bytes, at))
}

fn u32_at(bytes: &[u8; RECORD_BYTES], at: usize) -> u32 {
    u32::from_le_bytes(array(bytes, at))
}

fn i32_at(bytes: &[u8; RECORD_BYTES], at: usize) -> i32 {
    i32::from_le_bytes(array(bytes, at))
}

fn nanoseconds(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds.saturating_mul(crate::clock::NS_PER_S).saturating_add(u64::try_from(time.tv_nsec).unwrap_or(0))
}

fn encode(bytes: &mut [u8; RECORD_BYTES], deaths: u64, death: &Death, (pid, place): (i32, &Place), chips: &[Off]) {
    *bytes = [0; RECORD_BYTES];
    put(bytes, 0, &MAGIC);
    let longs = [
        deaths,
        nanoseconds(ClockId::Realtime),
        nanoseconds(ClockId::Boottime),
        death.scans,
        death.age_ns,
        death.off_ns,
        death.dead_ns,
        death.last_off_ns,
    ];
    for (at, value) in (8..).step_by(8).zip(longs) {
        put(bytes, at, &value.to_le_bytes());
    }
    let ended = match death.state {
        ChildState::Exited(code) => code,
        ChildState::Killed(signal) => -signal,
        ChildState::Running | ChildState::Stopped => 0,
    };
    put(bytes, 72, &death.code.number().to_le_bytes());
    put(bytes, 76, &pid.to_le_bytes());
    put(bytes, 80, &ended.to_le_bytes());
    put(bytes, 84, &death.step.number().to_le_bytes());
    put(bytes, 88, &death.failed.to_le_bytes());
    let count = u32::try_from(chips.len().min(CHIPS_MAX)).unwrap_or(0);
    put(bytes, 92, &count.to_le_bytes());
    for (at, chip) in (CHIPS_AT..).step_by(CHIP_BYTES).zip(chips.iter().take(CHIPS_MAX)) {
        put(bytes, at, &chip.errno.to_le_bytes());
        put(bytes, at + 4, &chip.name);
    }
    put(bytes, PLACE_AT, place.as_bytes());
    seal(bytes);
}

fn decode(bytes: &[u8; RECORD_BYTES]) -> Option<DeathRecord> {
    if !is_whole(bytes) || u64_at(bytes, 8) == 0 {
        return None;
    }
    let code = GuardianCode::from_number(u32_at(bytes, 72))?;
    let ended = i32_at(bytes, 80);
    let count = usize::try_from(u32_at(bytes, 92)).ok()?.min(CHIPS_MAX);
    let chip = |at: usize| {
        let name: [u8; NAME_BYTES] = array(bytes, at + 4);
        let len = name.iter().position(|byte| *byte == 0).unwrap_or(NAME_BYTES);
        let chip = String::from_utf8_lossy(name.get(..len).unwrap_or_default()).into_owned();
        ChipResult { chip, errno: Some(i32_at(bytes, at)).filter(|errno| *errno != 0) }
    };
    let place = Place::of_bytes(&array::<PLACE_BYTES>(bytes, PLACE_AT));
    let [program, unit, rung, source] = place.parts().map(str::to_owned);
    Some(DeathRecord {
        program,
        unit,
        rung,
        source,
        deaths: u64_at(bytes, 8),
        wall_ns: u64_at(bytes, 16),
        boottime_ns: u64_at(bytes, 24),
        scan: u64_at(bytes, 32),
        heartbeat_age_ns: u64_at(bytes, 40),
        off_ns: u64_at(bytes, 48),
        dead_ns: u64_at(bytes, 56),
        last_off_ns: u64_at(bytes, 64),
        code: code.code().to_owned(),
        text: code.text().to_owned(),
        remedy: code.remedy().to_owned(),
        pid: u32_at(bytes, 76),
        exit_code: (ended >= 0).then_some(ended),
        signal: (ended < 0).then_some(ended.saturating_neg()),
        step: Step::from_number(u32_at(bytes, 84)).words().to_owned(),
        failed: u32_at(bytes, 88),
        chips: (CHIPS_AT..).step_by(CHIP_BYTES).take(count).map(chip).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEATH: Death = Death {
        code: GuardianCode::HeartbeatLost,
        state: ChildState::Killed(9),
        scans: 4711,
        step: Step::Scanning,
        place: (0, 0),
        age_ns: 120_000_001,
        detected_ns: 5,
        off_ns: 11,
        dead_ns: 22,
        last_off_ns: 33,
        failed: 1,
        stopping: false,
    };

    #[test]
    fn a_death_comes_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("guardian.rec");
        let mut bbox = BlackBox::open(&path).unwrap();
        assert_eq!(read(&path), None, "an empty box holds no death");
        let mut chips = [Off::of("gpiochip0"), Off::of("file:/dev/shm/plant/some/long/chip")];
        chips[1].errno = libc::ENODEV;
        let place = Place::of_bytes("main\u{1f}PROGRAM Main\u{1f}spin\u{1f}pump.ld:12:3".as_bytes());
        bbox.write(&DEATH, 77, &place, &chips).unwrap();
        let record = read(&path).unwrap();
        let DeathRecord { program, unit, rung, source, .. } = record.clone();
        assert_eq!([program, unit, rung, source], ["main", "PROGRAM Main", "spin", "pump.ld:12:3"]);
        assert_eq!((record.code.as_str(), record.signal, record.exit_code), ("F41", Some(9), None));
        assert_eq!((record.scan, record.pid, record.deaths), (4711, 77, 1));
        assert_eq!((record.off_ns, record.dead_ns, record.last_off_ns), (11, 22, 33));
        assert_eq!(record.step, "in the middle of a scan");
        assert_eq!(record.chips[0], ChipResult { chip: "gpiochip0".to_owned(), errno: None });
        assert_eq!(record.chips[1].errno, Some(libc::ENODEV));
        assert!(record.chips[1].chip.ends_with("some/long/chip"));
        assert!(record.wall_ns > 1_700_000_000 * crate::clock::NS_PER_S);
        // A second death before the next start counts on; cleared, it is gone, and the open box learns of it.
        bbox.write(&DEATH, 78, &Place::UNKNOWN, &chips).unwrap();
        assert_eq!(read(&path).unwrap().deaths, 2);
        clear(&path).unwrap();
        assert_eq!(read(&path), None);
        bbox.look_again();
        bbox.write(&DEATH, 79, &Place::UNKNOWN, &chips).unwrap();
        assert_eq!(read(&path).unwrap().deaths, 1);
    }

    #[test]
    fn a_death_waits_for_the_next_start_even_if_that_dies_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("guardian.rec");
        BlackBox::open(&path).unwrap().write(&DEATH, 1, &Place::UNKNOWN, &[]).unwrap();
        let mut again = BlackBox::open(&path).unwrap();
        assert_eq!(read(&path).unwrap().pid, 1, "opening keeps what is there");
        again.write(&DEATH, 2, &Place::UNKNOWN, &[]).unwrap();
        assert_eq!(read(&path).unwrap().deaths, 2);
    }

    #[test]
    fn every_changed_byte_and_every_cut_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("guardian.rec");
        BlackBox::open(&path).unwrap().write(&DEATH, 1, &Place::UNKNOWN, &[Off::of("c")]).unwrap();
        let whole = std::fs::read(&path).unwrap();
        assert_eq!(whole.len(), RECORD_BYTES);
        for at in 0..whole.len() {
            let mut torn = whole.clone();
            torn[at] ^= 0x10;
            std::fs::write(&path, &torn).unwrap();
            assert_eq!(read(&path), None, "byte {at}");
        }
        std::fs::write(&path, &whole[..100]).unwrap();
        assert_eq!(read(&path), None);
        // A damaged box is usable again at the next start.
        BlackBox::open(&path).unwrap().write(&DEATH, 3, &Place::UNKNOWN, &[]).unwrap();
        assert_eq!(read(&path).unwrap().deaths, 1);
        assert_eq!(read(&folder.path().join("none")), None);
        assert!(clear(&folder.path().join("none")).is_ok());
    }
}
