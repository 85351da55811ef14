//! Helpers of the command-line tests: the binary as a user calls it, in a folder of its own.
#![allow(clippy::unwrap_used, dead_code, reason = "test helpers; not every test file uses each of them")]

use assert_cmd::Command;
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
        command.current_dir(self.0.path()).args(words);
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
