//! A scratch copy of this machine: its root with every change kept in memory, and systemd as its first process.
//!
//! Everything happens in namespaces of their own; killing the first process ends all others and takes the mounts along. The
//! machine itself sees nothing of it but the processes.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const OVERLAY: &str = include_str!("overlay.sh");
const BOOT: &str = include_str!("boot.sh");
/// systemd is up within seconds; a loaded machine with two cores gets a minute.
const BOOT_LIMIT: Duration = Duration::from_secs(60);
/// Longest any one command may take in there, in seconds.
const COMMAND_LIMIT: &str = "120";

/// May this process mount?
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A new folder to mount on.
///
/// # Errors
/// It cannot be made.
pub fn folder() -> Result<PathBuf, String> {
    let path = std::env::temp_dir().join(format!("plcrun-trial-{}", std::process::id()));
    std::fs::create_dir_all(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(path)
}

/// What a command in the scratch system said.
#[derive(Debug)]
pub struct Said {
    /// Exit code; 124 where it took too long.
    pub code: i32,
    /// Both streams, standard output first.
    pub text: String,
}

/// The running scratch system. Dropping it ends it.
#[derive(Debug)]
pub struct Scratch {
    unshare: Child,
    folder: PathBuf,
    first: u32,
}

impl Scratch {
    /// Starts one, with these files in /root/trial.
    ///
    /// # Errors
    /// Not root, no systemd, or it does not come up; what was printed is shown.
    pub fn boot(files: &[&Path]) -> Result<Self, String> {
        if !is_root() {
            return Err("the trial mounts a scratch root: run it as root".to_owned());
        }
        if !Path::new("/lib/systemd/systemd").exists() {
            return Err("the trial starts the unit under systemd: install it (apt-get install systemd)".to_owned());
        }
        let folder = folder()?;
        let mut files_absolute = Vec::new();
        for file in files {
            files_absolute.push(std::path::absolute(file).map_err(|e| e.to_string())?);
        }
        let namespaces = ["--mount", "--pid", "--cgroup", "--ipc", "--uts", "--net", "--fork", "--kill-child"];
        let unshare = Command::new("unshare")
            .args(namespaces)
            .args(["--propagation", "private", "sh", "-c", &format!("{OVERLAY}{BOOT}"), "sh"])
            .arg(&folder)
            .args(&files_absolute)
            .stdin(Stdio::null())
            .spawn()
            .map_err(|e| format!("cannot run unshare: {e}"))?;
        let mut scratch = Self { unshare, folder, first: 0 };
        scratch.wait_until_up()?;
        Ok(scratch)
    }

    fn wait_until_up(&mut self) -> Result<(), String> {
        let start = Instant::now();
        while start.elapsed() < BOOT_LIMIT {
            if let Ok(Some(status)) = self.unshare.try_wait() {
                return Err(format!("the scratch system ended with {status} before it was up, see above"));
            }
            if self.first == 0 {
                self.first = child_of(self.unshare.id()).unwrap_or(0);
            } else {
                // Before systemd has taken over, the shell is process 1 and there is nobody to ask.
                let state = self.run(&["systemctl", "is-system-running"]).text;
                if ["running", "degraded"].contains(&state.lines().next().unwrap_or_default().trim()) {
                    return Ok(());
                }
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        Err(format!("systemd did not come up in the scratch root within {} s", BOOT_LIMIT.as_secs()))
    }

    /// Runs a command in there, as its root.
    #[must_use]
    pub fn run(&self, words: &[&str]) -> Said {
        let output = Command::new("nsenter")
            .args(["--target", &self.first.to_string()])
            .args(["--mount", "--pid", "--cgroup", "--ipc", "--uts", "--net", "--root", "--"])
            // The working directory is still one of this machine's: --chdir.
            .args(["timeout", COMMAND_LIMIT, "env", "-i", "--chdir=/", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"])
            .args(["HOME=/root", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8"])
            .args(words)
            .stdin(Stdio::null())
            .output();
        match output {
            Ok(o) => Said {
                code: o.status.code().unwrap_or(-1),
                text: format!("{}{}", String::from_utf8_lossy(&o.stdout), String::from_utf8_lossy(&o.stderr)),
            },
            Err(e) => Said { code: -1, text: format!("cannot run nsenter: {e}") },
        }
    }

    /// Runs a line of shell in there.
    #[must_use]
    pub fn shell(&self, line: &str) -> Said {
        self.run(&["sh", "-c", line])
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // It ignores SIGTERM; SIGKILL to it kills process 1 of the namespace, and that everything else.
        let _ = self.unshare.kill();
        let _ = self.unshare.wait();
        let _ = std::fs::remove_dir(&self.folder);
    }
}

/// The process whose parent is this one.
fn child_of(parent: u32) -> Option<u32> {
    std::fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        // PID (NAME) STATE PARENT: the name may hold blanks and brackets, so count from the last one.
        let (_, rest) = stat.rsplit_once(')')?;
        let its_parent: u32 = rest.split_whitespace().nth(1)?.parse().ok()?;
        (its_parent == parent).then_some(pid)
    })
}
