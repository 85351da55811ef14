//! The state directory: where a program's retained store, black box, control socket and lock stand.
//!
//! [`resolve`] decides which directory it is, purely from what was asked and what surrounds the process; nothing is
//! touched before [`StateDir::create`], which makes the directory and takes its lock. The lock belongs to an open file
//! and is inherited over a fork: it is held as long as either process of a controller lives, and falls with the last one
//! whatever kills it. A stale file is therefore no lock.
//!
//! What the files hold is not known here.

use crate::store::{StoreCode, StoreError};
use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Where state directories of controllers stand on a machine that runs them as services.
pub const SYSTEM_DIRECTORY: &str = "/var/lib/plcrun";

/// How long a start waits for the lock: a command that looks into the store, or a run that is just ending, holds it for
/// some milliseconds.
const HOLD_PATIENCE: Duration = Duration::from_secs(1);

/// What is asked of [`resolve`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// `--state DIR`.
    pub given: Option<&'a Path>,
    /// `store: { path: DIR }` of the map, already relative to the map's own directory.
    pub map: Option<&'a Path>,
    /// The map has real lines. A simulated rack has a state directory only where one is named.
    pub real: bool,
    /// Name of the program: the stem of its first file.
    pub name: &'a str,
}

/// What of the process's surroundings decides.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// $STATE_DIRECTORY, set by the service manager.
    pub state_directory: Option<OsString>,
    /// $XDG_STATE_HOME.
    pub xdg_state_home: Option<OsString>,
    /// $HOME.
    pub home: Option<OsString>,
    /// This process may make directories in [`SYSTEM_DIRECTORY`].
    pub system_writable: bool,
}

impl Surroundings {
    /// Those of this process.
    #[must_use]
    pub fn of_this_process() -> Self {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let may_write = || rustix::fs::access(SYSTEM_DIRECTORY, rustix::fs::Access::WRITE_OK).is_ok();
        Self {
            state_directory: set("STATE_DIRECTORY"),
            xdg_state_home: set("XDG_STATE_HOME"),
            home: set("HOME"),
            system_writable: rustix::process::geteuid().is_root() || may_write(),
        }
    }

    /// The directory under which programs of this user have theirs.
    fn user_directory(&self) -> Option<PathBuf> {
        let state = self.xdg_state_home.as_ref().map(PathBuf::from).filter(|path| path.is_absolute());
        let home = || self.home.as_ref().map(|home| Path::new(home).join(".local/state"));
        state.or_else(home).map(|path| path.join("plcrun"))
    }

    /// Where state directories are looked for by a command that was told none: the service manager's first, then the
    /// machine's, then this user's.
    #[must_use]
    pub fn parents(&self) -> Vec<PathBuf> {
        std::iter::once(PathBuf::from(SYSTEM_DIRECTORY)).chain(self.user_directory()).collect()
    }

    /// The directory the service manager made for this process. It may name several; ours is the first.
    #[must_use]
    pub fn service_directory(&self) -> Option<PathBuf> {
        let value = self.state_directory.as_ref()?;
        let text = value.to_str().map_or_else(|| PathBuf::from(value), |t| t.split(':').next().unwrap_or(t).into());
        Some(text)
    }
}

/// A state directory that was decided on; it may not exist yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateDir {
    path: PathBuf,
}

/// Decides which directory it is: `--state`, else the map's `store: path`, else, for maps with real lines, the service
/// manager's $STATE_DIRECTORY, [`SYSTEM_DIRECTORY`]/NAME where this user may write there, or the user's own
/// `plcrun/NAME` under $XDG_STATE_HOME or `~/.local/state`. `None` for a simulated rack that names none.
///
/// # Errors
/// [`StoreCode::Nowhere`]: real lines, and nothing says where.
pub fn resolve(wanted: &Wanted<'_>, around: &Surroundings) -> Result<Option<StateDir>, StoreError> {
    if let Some(path) = wanted.given.or(wanted.map) {
        return Ok(Some(StateDir::at(path)));
    }
    if !wanted.real {
        return Ok(None);
    }
    if let Some(path) = around.service_directory() {
        return Ok(Some(StateDir::at(path)));
    }
    let parent = if around.system_writable { Some(PathBuf::from(SYSTEM_DIRECTORY)) } else { around.user_directory() };
    let parent = parent.ok_or_else(|| StoreError::new(StoreCode::Nowhere, format!("program {}", wanted.name)))?;
    Ok(Some(StateDir::at(parent.join(wanted.name))))
}

impl StateDir {
    /// The directory at this path.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The retained store.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.path.join("retained.redb")
    }

    /// The guardian's black box.
    #[must_use]
    pub fn black_box(&self) -> PathBuf {
        self.path.join("guardian.rec")
    }

    /// The control socket of a running controller.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.path.join("control.sock")
    }

    /// The lock.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.path.join("lock")
    }

    /// Makes the directory where it is missing, and takes its lock. Call it before the fork.
    ///
    /// # Errors
    /// [`StoreCode::Directory`] or [`StoreCode::InUse`].
    pub fn create(&self) -> Result<Held, StoreError> {
        let made = DirBuilder::new().recursive(true).mode(0o750).create(&self.path);
        made.map_err(|e| self.unusable(&self.path, &e))?;
        let began = Instant::now();
        loop {
            match self.hold() {
                Err(error) if error.code == StoreCode::InUse && began.elapsed() < HOLD_PATIENCE => {
                    std::thread::sleep(HOLD_PATIENCE / 20);
                }
                result => return result,
            }
        }
    }

    /// Takes the lock of a directory that is there: for commands that change a stopped program's store.
    ///
    /// # Errors
    /// [`StoreCode::Directory`] or [`StoreCode::InUse`].
    pub fn hold(&self) -> Result<Held, StoreError> {
        let path = self.lock();
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o640).open(&path);
        let mut file = opened.map_err(|e| self.unusable(&path, &e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let who = holder(&mut file).map_or_else(String::new, |pid| format!(", process {pid}"));
                return Err(StoreError::new(StoreCode::InUse, format!("{}{who}", self.path.display())));
            }
            Err(TryLockError::Error(e)) => return Err(self.unusable(&path, &e)),
        }
        // Who holds it is only for messages; a full disk shall not keep a program from starting here.
        let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
        Ok(Held { directory: self.clone(), _lock: file })
    }

    fn unusable(&self, path: &Path, error: &std::io::Error) -> StoreError {
        StoreError::new(StoreCode::Directory, format!("{}: {error}", path.display()))
    }
}

/// The process that wrote its number into the lock file.
fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// A state directory whose lock this process holds, and processes forked from it later.
#[derive(Debug)]
pub struct Held {
    directory: StateDir,
    _lock: File,
}

impl std::ops::Deref for Held {
    type Target = StateDir;

    fn deref(&self) -> &StateDir {
        &self.directory
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around() -> Surroundings {
        Surroundings {
            state_directory: None,
            xdg_state_home: None,
            home: Some("/home/pat".into()),
            system_writable: false,
        }
    }

    fn path(wanted: Wanted<'_>, around: &Surroundings) -> Option<PathBuf> {
        resolve(&wanted, around).unwrap().map(|d| d.path().to_path_buf())
    }

    #[test]
    fn what_is_named_goes_first() {
        let around = Surroundings { state_directory: Some("/var/lib/plcrun/a".into()), ..around() };
        let map = Some(Path::new("/etc/m/state"));
        let given = Some(Path::new("here"));
        assert_eq!(path(Wanted { given, map, real: true, name: "pump" }, &around), Some("here".into()));
        assert_eq!(path(Wanted { given: None, map, real: false, name: "pump" }, &around), Some("/etc/m/state".into()));
    }

    #[test]
    fn a_simulated_rack_has_none_unless_one_is_named() {
        let around = Surroundings { state_directory: Some("/var/lib/plcrun/a".into()), ..around() };
        assert_eq!(path(Wanted { real: false, name: "pump", ..Wanted::default() }, &around), None);
    }

    #[test]
    fn real_lines_take_the_services_the_machines_or_the_users() {
        let real = Wanted { real: true, name: "pump", ..Wanted::default() };
        assert_eq!(path(real, &around()), Some("/home/pat/.local/state/plcrun/pump".into()));
        let system = Surroundings { system_writable: true, ..around() };
        assert_eq!(path(real, &system), Some("/var/lib/plcrun/pump".into()));
        let service = Surroundings { state_directory: Some("/var/lib/plcrun/x:/var/lib/other".into()), ..system };
        assert_eq!(path(real, &service), Some("/var/lib/plcrun/x".into()));
        let xdg = Surroundings { xdg_state_home: Some("/s".into()), ..around() };
        assert_eq!(path(real, &xdg), Some("/s/plcrun/pump".into()));
        let relative = Surroundings { xdg_state_home: Some("s".into()), ..around() };
        assert_eq!(path(real, &relative), Some("/home/pat/.local/state/plcrun/pump".into()));
        let refused = resolve(&real, &Surroundings::default()).unwrap_err();
        assert_eq!(refused.code, StoreCode::Nowhere);
    }

    #[test]
    fn a_second_start_is_refused_by_name_and_a_stale_file_is_no_lock() {
        let folder = tempfile::tempdir().unwrap();
        let directory = StateDir::at(folder.path().join("a/b"));
        let held = directory.create().unwrap();
        assert_eq!(held.socket(), folder.path().join("a/b/control.sock"));
        let refused = directory.create().unwrap_err();
        assert_eq!(refused.code, StoreCode::InUse);
        assert!(refused.to_string().ends_with(&format!(", process {}", std::process::id())), "{refused}");
        drop(held);
        assert!(directory.lock().exists());
        drop(directory.hold().unwrap());
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "").unwrap();
        let refused = StateDir::at(folder.path().join("file/state")).create().unwrap_err();
        assert_eq!(refused.code, StoreCode::Directory);
        assert!(refused.to_string().contains("file/state"), "{refused}");
        assert_eq!(StateDir::at(folder.path().join("none")).hold().unwrap_err().code, StoreCode::Directory);
    }
}
