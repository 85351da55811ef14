//! The thread that commits, on a medium that is slow, read-only or back again: what an operator is told, and that nothing is lost that could be kept.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use bytecode::ScalarType;
use bytecode::image::Place;
use common::{MS, Program, map};
use runtime::clock::{Clock, VirtualClock};
use runtime::io::Rack;
use runtime::scan::Plc;
use runtime::store::file::StorageBackend;
use runtime::store::keeper::{Keeper, Setup};
use runtime::store::layout::Layout;
use runtime::store::tap::{self, Tap};
use runtime::store::{StoreCode, StoreError, StoreFile};
use runtime::vm::Interpreter;
use std::io::{Error, Result};
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A medium in memory whose syncs take their time, and whose writes fail with an error number.
#[derive(Clone, Debug, Default)]
struct Medium {
    bytes: Arc<Mutex<Vec<u8>>>,
    sync_ms: Arc<AtomicU64>,
    errno: Arc<AtomicI32>,
}

impl Medium {
    fn refuses(&self) -> Result<()> {
        match self.errno.load(Ordering::Relaxed) {
            0 => Ok(()),
            errno => Err(Error::from_raw_os_error(errno)),
        }
    }
}

impl StorageBackend for Medium {
    fn len(&self) -> Result<u64> {
        Ok(self.bytes.lock().unwrap().len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        let at = usize::try_from(offset).unwrap();
        out.copy_from_slice(&self.bytes.lock().unwrap()[at..at + out.len()]);
        Ok(())
    }

    fn set_len(&self, length: u64) -> Result<()> {
        self.refuses()?;
        self.bytes.lock().unwrap().resize(usize::try_from(length).unwrap(), 0);
        Ok(())
    }

    fn sync_data(&self) -> Result<()> {
        self.refuses()?;
        std::thread::sleep(Duration::from_millis(self.sync_ms.load(Ordering::Relaxed)));
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        self.refuses()?;
        let at = usize::try_from(offset).unwrap();
        self.bytes.lock().unwrap()[at..at + data.len()].copy_from_slice(data);
        Ok(())
    }
}

/// A controller whose counter is kept, with its keeper on a medium.
struct Rig {
    plc: Plc<Interpreter, Rack>,
    tap: Tap,
    keeper: Keeper,
    scans: u64,
    /// Where the counter stands.
    count: Place,
    _folder: tempfile::TempDir,
    path: std::path::PathBuf,
}

impl Rig {
    fn new(medium: &Medium, max_age_ms: u64) -> Self {
        let mut image = Program::new(&["a"], &["x"]).image();
        for symbol in image.symbols.iter_mut().filter(|s| s.path == "main.count") {
            symbol.retention = bytecode::types::Retention::Retain;
        }
        let image = Arc::new(bytecode::verify(image).unwrap());
        let count = image.symbols.iter().find(|s| s.path == "main.count").unwrap().place;
        let map = map("inputs: { a: {} }\noutputs: { x: {} }\n", &image);
        let plc = Plc::<Interpreter, Rack>::simulated(Arc::clone(&image), map, 1);
        let layout = Arc::new(Layout::of(&image).unwrap());
        assert_eq!(layout.len(), 1);
        let (tap, reader, _) = tap::ends(&plc, Arc::clone(&layout));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("retained.redb");
        let (file, document) = StoreFile::with_backend(medium.clone()).unwrap();
        let max_age_ns = max_age_ms * MS;
        let setup = Setup { path: path.clone(), file, document, layout, reader, max_age_ns, changes: Vec::new() };
        Self { plc, tap, keeper: Keeper::start(setup).unwrap(), scans: 0, count, _folder: folder, path }
    }

    /// Scans, with changing values, until the keeper tells something.
    #[track_caller]
    fn told(&mut self) -> StoreError {
        let clock = VirtualClock::new();
        let began = Instant::now();
        loop {
            self.scans += 1;
            clock.sleep_until(self.scans * MS);
            let step = self.plc.step(self.scans * MS, &clock);
            self.tap.after(&self.plc, &step);
            if let Some(notice) = self.keeper.notice() {
                return notice;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "nothing was told");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

#[test]
fn a_medium_slower_than_the_age_is_told_once_with_the_age_it_came_to() {
    let medium = Medium::default();
    let mut rig = Rig::new(&medium, 100);
    medium.sync_ms.store(150, Ordering::Relaxed);
    let notice = rig.told();
    assert_eq!(notice.code, StoreCode::Slow, "{notice}");
    assert!(notice.detail.contains("100 ms are allowed") && notice.detail.contains("a change was "), "{notice}");
    let measured = rig.keeper.finish(Some(rig.tap.last(&rig.plc)), Vec::new()).unwrap();
    assert!(measured.oldest_ns > 100 * MS && measured.slowest_ns >= 150 * MS, "{measured:?}");
}

#[test]
fn a_read_only_medium_is_told_stops_nothing_and_everything_is_written_when_it_is_back() {
    let medium = Medium::default();
    let mut rig = Rig::new(&medium, 100);
    medium.errno.store(libc::EROFS, Ordering::Relaxed);
    let notice = rig.told();
    assert_eq!(notice.code, StoreCode::WriteFailed, "{notice}");
    assert!(notice.detail.contains("Read-only file system"), "{notice}");
    // The file is opened anew by its path: there the medium is well again, and empty.
    let notice = rig.told();
    assert_eq!(notice.code, StoreCode::WritesAgain, "{notice}");
    let scans = rig.scans;
    rig.keeper.finish(Some(rig.tap.last(&rig.plc)), Vec::new()).unwrap();
    let (_, document) = StoreFile::open(&rig.path).unwrap();
    let kept = document.values["main.count"].bits;
    let now = rig.plc.memory().read(rig.count, ScalarType::I32);
    assert_eq!(Some(kept), now.map(|bits| bits & 0xffff_ffff), "of {scans} scans");
    assert!(kept > 0);
}
