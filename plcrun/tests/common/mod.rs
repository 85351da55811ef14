//! Helpers of the command-line tests: the binary as a user calls it, in a folder of its own.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    dead_code,
    reason = "test helpers; not every test file uses each of them"
)]

use assert_cmd::Command;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::cell::RefCell;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

/// The binary under test. A hanging run fails after a minute instead of blocking everything.
pub fn plcrun() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plcrun"));
    command.timeout(Duration::from_secs(60)).env_remove("NO_COLOR").env_remove("PLCRUN_BACKTRACE");
    command
}

/// A scratch folder; commands run in it, so that messages show short names.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A folder with these files.
    pub fn with(files: &[(&str, &str)]) -> Self {
        let folder = Self::new();
        for (name, text) in files {
            folder.write(name, text);
        }
        folder
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// `plcrun` with these words, in this folder.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = plcrun();
        // Programs with real lines keep their state here, not where the machine keeps that of its own programs.
        command.current_dir(self.0.path()).args(words).env("STATE_DIRECTORY", self.path("state"));
        command
    }

    /// Runs it and looks at what came.
    pub fn run(&self, words: &[&str]) -> Seen {
        Seen::of(&self.command(words).output().unwrap())
    }
}

/// What a user saw.
#[derive(Debug)]
pub struct Seen {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Seen {
    pub fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// The exit code, or everything that was printed.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    #[track_caller]
    pub fn out_has(self, text: &str) -> Self {
        assert!(
            self.out.contains(text),
            "standard output lacks {text:?}:\n{}\n--- standard error:\n{}",
            self.out,
            self.err
        );
        self
    }

    #[track_caller]
    pub fn err_has(self, text: &str) -> Self {
        assert!(
            self.err.contains(text),
            "standard error lacks {text:?}:\n{}\n--- standard output:\n{}",
            self.err,
            self.out
        );
        self
    }

    #[track_caller]
    pub fn out_lacks(self, text: &str) -> Self {
        assert!(!self.out.contains(text), "standard output has {text:?}:\n{}", self.out);
        self
    }
}

/// A terminal that is the controlling one of the process started on it.
pub struct Terminal {
    master: File,
    slave: PathBuf,
    seen: RefCell<String>,
}

impl Terminal {
    pub fn open() -> Self {
        // Neither side becomes the controlling terminal of this process.
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let slave = ptsname(&master, Vec::new()).unwrap().to_str().unwrap().into();
        Self { master: File::from(master), slave, seen: RefCell::default() }
    }

    /// The user's side, for a look at its settings.
    pub fn slave(&self) -> File {
        use std::os::unix::fs::OpenOptionsExt;
        File::options().read(true).write(true).custom_flags(0o400).open(&self.slave).unwrap()
    }

    /// `plcrun` with these words in a session of its own on this terminal.
    pub fn command(&self, folder: &Folder, words: &[&str]) -> std::process::Command {
        let mut command = std::process::Command::new("setsid");
        command.args(["--ctty", env!("CARGO_BIN_EXE_plcrun")]).args(words).current_dir(folder.path("."));
        command.env("TERM", "xterm").env_remove("NO_COLOR").env("STATE_DIRECTORY", folder.path("state"));
        command.stdin(self.slave()).stdout(self.slave()).stderr(self.slave());
        command
    }

    /// Reads until this text has been shown.
    pub fn wait_for(&self, text: &str) {
        let mut part = [0; 4096];
        while !self.seen.borrow().contains(text) {
            let read = (&self.master).read(&mut part).unwrap_or(0);
            assert_ne!(read, 0, "the terminal was closed: {}", self.seen.borrow());
            self.seen.borrow_mut().push_str(&String::from_utf8_lossy(&part[..read]));
        }
    }
}

/// The folder of this repository that holds the example programs.
pub fn programs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("programs")
}

/// A motor with a seal-in contact.
pub const SEAL: &str = "\
PROGRAM Seal
VAR
  start   AT %IX0.0 : BOOL;
  stop_ok AT %IX0.1 : BOOL;
  motor   AT %QX0.0 : BOOL;
END_VAR
LADDER
RUNG motor \"Motor\":
  [NO(start), NO(motor)] NO(stop_ok) COIL(motor);
END_LADDER
END_PROGRAM
";

/// Divides by zero as soon as `go` is TRUE.
pub const DIVIDES: &str = "\
PROGRAM Divides
VAR
  go   AT %IX0.0 : BOOL;
  lamp AT %QX0.0 : BOOL;
  share AT %QW2 : INT;
  parts : INT;
END_VAR
LADDER
RUNG lamp \"Lamp\":
  NC(go) COIL(lamp);
RUNG divide \"Share\":
  NO(go) ST share := 100 / parts; END_ST;
RUNG parts \"Never counts\":
  NC(go) ST parts := 0; END_ST;
END_LADDER
END_PROGRAM
";

/// The relay data sheet of this repository, for maps in scratch folders.
pub fn sheet() -> String {
    std::fs::read_to_string(programs().parent().unwrap().join("io-config/relays/wago-859-386.yaml")).unwrap()
}

/// A map for [`SEAL`] with a relay on the motor.
pub const SEAL_MAP: &str = "\
relays: [wago-859-386.yaml]
supply: { voltage: 36 VDC }
inputs:
  start: {}
  stop_ok: { stop: true, sim: { initial: true } }
outputs:
  motor:
    relay: wago-859-386
    load: { voltage: 24 VDC, current: 20 mA }
";
