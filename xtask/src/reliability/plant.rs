//! The machine around one controller: two file chips, program and map, and the product's two processes.
//!
//! The interlock group spans both chips, so that one chip may fail alone. Inputs but one are on the near chip.

use runtime::clock::monotonic_ns;
use runtime::io::file_chip::{Failing, FileChip};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open, pidfd_send_signal};
use rustix::time::Timespec;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// `scan: period` of the map.
pub const PERIOD_NS: u64 = 5_000_000;
/// `guardian: heartbeat` of the map.
pub const HEARTBEAT_NS: u64 = 200_000_000;
/// Least time from one direction's OFF to the other's ON: surely open after (drop-out 4 ms + bounce 5 ms) + 50 % = 13.5 ms,
/// then the map's dead time of 20 ms.
pub const LOCK_NS: u64 = 33_500_000;
/// A controller that has not switched anything on by then does not start.
const START_LIMIT_NS: u64 = 30_000_000_000;

/// Lines of the near chip.
pub const ENABLE: u32 = 0;
pub const FORWARD: u32 = 1;
pub const REVERSE: u32 = 2;
pub const LOOP: u32 = 3;
/// The output of each chip that is a member of the group: `fwd` on the near one, `rev` on the far one.
pub const DIRECTION: u32 = 16;
/// The other output of each chip: `main` on the near one, `lamp` on the far one.
pub const OTHER: u32 = 17;

const PROGRAM: &str = include_str!("../../lab/endless.ld");
const SHEET: &str = include_str!("../../../io-config/relays/wago-859-386.yaml");
const MAP: &str = include_str!("motor.io.yaml");

/// One of the two chips.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Inputs, `fwd` and `main`.
    Near,
    /// `rev` and `lamp`.
    Far,
}

/// Chips, program and map in a folder.
#[derive(Debug)]
pub struct Plant {
    folder: PathBuf,
    binary: PathBuf,
    pub near: FileChip,
    pub far: FileChip,
}

impl Plant {
    /// Makes a plant in a folder of its own, or uses the one that is there.
    pub fn new(parent: &Path, name: &str, binary: &Path) -> Result<Self, String> {
        let folder = parent.join(name);
        let at = |e: std::io::Error| format!("{}: {e}", folder.display());
        std::fs::create_dir_all(&folder).map_err(at)?;
        std::fs::write(folder.join("motor.ld"), PROGRAM).map_err(at)?;
        std::fs::write(folder.join("wago-859-386.yaml"), SHEET).map_err(at)?;
        let map = MAP.replace("FOLDER", &folder.display().to_string());
        std::fs::write(folder.join("motor.io.yaml"), map).map_err(at)?;
        let chip = |name: &str| FileChip::open(&folder.join(name)).map_err(|e| e.to_string());
        let (near, far) = (chip("near")?, chip("far")?);
        Ok(Self { folder, binary: binary.to_owned(), near, far })
    }

    pub const fn chip(&self, side: Side) -> &FileChip {
        match side {
            Side::Near => &self.near,
            Side::Far => &self.far,
        }
    }

    /// Drives an input of the near chip.
    pub fn drive(&self, mask: u32, to: u32) -> Result<(), String> {
        self.near.drive_all(mask, to).map_err(|e| e.to_string())
    }

    /// What a broken chip has latched survives the restart, and nothing is switched on before an operator has acknowledged it.
    fn acknowledge(&self) -> Result<(), String> {
        if !self.folder.join("state").exists() {
            return Ok(());
        }
        let mut command = Command::new(&self.binary);
        command.args(["ack", "--all", "--state", "state"]).current_dir(&self.folder).stdin(Stdio::null());
        // Whether there was anything to acknowledge does not matter: a channel that stays latched keeps the program from starting.
        let output = command.output().map_err(|e| format!("{}: {e}", self.binary.display()))?;
        match output.status.code() {
            Some(0 | 1) => Ok(()),
            Some(_) | None => Err(format!("`plcrun ack --all`: {}", String::from_utf8_lossy(&output.stderr))),
        }
    }

    /// Starts the product on sound chips with no command given, and waits until it has switched on what enabling alone does.
    pub fn start(&self, injection: Option<String>) -> Result<Run, String> {
        self.near.fail(Failing::Nothing);
        self.far.fail(Failing::Nothing);
        self.acknowledge()?;
        self.drive(1 << ENABLE | 1 << FORWARD | 1 << REVERSE | 1 << LOOP, 1 << ENABLE)?;
        let log_path = self.folder.join("log");
        let log = File::create(&log_path).map_err(|e| format!("{}: {e}", log_path.display()))?;
        let errors = log.try_clone().map_err(|e| e.to_string())?;
        let since = [self.near.last_change(), self.far.last_change()];
        let mut command = Command::new(&self.binary);
        command.args(["run", "motor.ld", "--io", "motor.io.yaml", "--state", "state", "--quiet"]);
        command.envs(injection.map(|what| ("PLCRUN_INJECT", what))).current_dir(&self.folder);
        command.stdin(Stdio::null()).stdout(log).stderr(errors).process_group(0);
        let child = command.spawn().map_err(|e| format!("{}: {e}", self.binary.display()))?;
        let guardian = process(child.id())?;
        let mut run = Run { child, guardian, scan: None, scan_pid: 0, since, log_path };
        let limit_ns = monotonic_ns() + START_LIMIT_NS;
        loop {
            let first =
                self.near.changes_after(since[0]).into_iter().find(|change| change.edges().any(|e| e == (OTHER, true)));
            if let Some(pid) = first.and_then(|change| change.pid) {
                run.scan_pid = pid;
                // One that is dead already is found dead by whoever waits for it.
                run.scan = process(pid).ok();
                return Ok(run);
            }
            if run.ended()?.is_some() || monotonic_ns() > limit_ns {
                return Err(format!("the controller does not start:\n{}", run.log()));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn process(pid: u32) -> Result<OwnedFd, String> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or("no process number")?;
    pidfd_open(pid, PidfdFlags::empty()).map_err(|e| format!("process {}: {e}", pid.as_raw_nonzero()))
}

/// One run of the product: the first process, which is the guardian, and the scan process.
#[derive(Debug)]
pub struct Run {
    child: Child,
    guardian: OwnedFd,
    scan: Option<OwnedFd>,
    pub scan_pid: u32,
    /// Number of the last change of each chip before the start.
    pub since: [u64; 2],
    log_path: PathBuf,
}

impl Run {
    pub fn guardian_pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal to the scan process. One that is gone needs none.
    pub fn signal_scan(&self, signal: Signal) {
        if let Some(scan) = &self.scan {
            let _ = pidfd_send_signal(scan, signal);
        }
    }

    /// Sends a signal to the guardian. One that is gone needs none.
    pub fn signal_guardian(&self, signal: Signal) {
        let _ = pidfd_send_signal(&self.guardian, signal);
    }

    /// Kills both processes by one call of the system.
    pub fn kill_both(&self) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }

    /// How the first process ended; `None` while it runs.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>, String> {
        self.child.try_wait().map_err(|e| format!("cannot ask after the controller: {e}"))
    }

    /// Waits so long for the scan process to be gone altogether; true when it is.
    pub fn scan_is_dead(&self, wait_ms: u64) -> bool {
        let Some(scan) = &self.scan else { return true };
        let wait = Timespec {
            tv_sec: i64::try_from(wait_ms / 1000).unwrap_or(0),
            // Less than 10^9, so it fits every platform's long.
            tv_nsec: (wait_ms % 1000 * 1_000_000) as _,
        };
        let mut fds = [PollFd::new(scan, PollFlags::IN)];
        poll(&mut fds, Some(&wait)).is_ok_and(|ready| ready > 0)
    }

    /// What the product has said.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log_path).unwrap_or_default()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.signal_scan(Signal::KILL);
        self.signal_guardian(Signal::KILL);
        let _ = self.child.wait();
        self.scan_is_dead(1000);
    }
}
