//! The guest as a process of the host: its work folder, its command line, its time limit, and what came back.

use super::Options;
use super::kernel::Kernel;
use super::packages::tail;
use super::report::{self, Line, Outcome, Verdict};
use rustix::process::{Pid, Signal, kill_process_group};
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Memory of the guest. The file systems it writes to live there too; debug builds of two products need 100 MB.
const MEMORY: &str = "mem=640M";
/// A guest that says nothing new for so long hangs: a scenario's own waits are shorter, and long ones tell their progress.
const SILENCE: Duration = Duration::from_secs(180);
/// How often the host looks.
const POLL: Duration = Duration::from_millis(100);
/// Files every guest finds in its work folder.
const FILES: [(&str, &str); 1] = [("init.sh", include_str!("../../lab/init.sh"))];

/// Folder shared with the guest. Removed when dropped, unless it is wanted.
#[derive(Debug)]
pub struct WorkFolder {
    path: PathBuf,
    keep: bool,
}

impl WorkFolder {
    /// An empty one, with the files every guest needs.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn create(keep: bool) -> Result<Self, String> {
        let path = std::env::temp_dir().join(format!("plcrun-gpio-lab-{}", std::process::id()));
        for folder in ["bin", "files", "uml"].map(|name| path.join(name)) {
            fs::create_dir_all(&folder).map_err(|e| format!("cannot create {}: {e}", folder.display()))?;
        }
        let folder = Self { path, keep };
        for (name, text) in FILES {
            fs::write(folder.path.join(name), text).map_err(|e| format!("cannot write {name}: {e}"))?;
        }
        let itself = std::env::current_exe().map_err(|e| format!("cannot find this very program: {e}"))?;
        folder.put(&itself, "bin/xtask")?;
        folder.put(&folder.path.join("init.sh"), "init")?;
        Ok(folder)
    }

    /// Copies a file into the folder, executable.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub fn put(&self, from: &Path, to: &str) -> Result<(), String> {
        use std::os::unix::fs::PermissionsExt;
        let to = self.path.join(to);
        fs::copy(from, &to)
            .and_then(|_| fs::set_permissions(&to, fs::Permissions::from_mode(0o755)))
            .map_err(|e| format!("cannot copy {} to {}: {e}", from.display(), to.display()))
    }

    /// Copies the programs and maps of a folder, which the guest's products work on.
    ///
    /// # Errors
    /// One of them cannot be read.
    pub fn files(&self, from: &Path) -> Result<(), String> {
        for file in fs::read_dir(from).map_err(|e| format!("{}: {e}", from.display()))?.flatten() {
            self.put(&file.path(), &format!("files/{}", file.file_name().to_string_lossy()))?;
        }
        Ok(())
    }

    /// Writes a file into the folder.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, name: &str, text: &str) -> Result<(), String> {
        fs::write(self.path.join(name), text).map_err(|e| format!("cannot write {name}: {e}"))
    }

    fn results(&self) -> PathBuf {
        self.path.join("results.jsonl")
    }

    fn console(&self) -> PathBuf {
        self.path.join("console.log")
    }
}

impl Drop for WorkFolder {
    fn drop(&mut self) {
        if self.keep {
            println!("gpio-lab: work folder kept: {}", self.path.display());
        } else if let Err(e) = fs::remove_dir_all(&self.path) {
            eprintln!("gpio-lab: cannot remove {}: {e}", self.path.display());
        }
    }
}

/// Boots the guest, prints each result as it comes, and gives them all back.
///
/// # Errors
/// The guest cannot be started, hangs, or dies: with the end of its console.
pub fn run(kernel: &Kernel, folder: &mut WorkFolder, options: &Options) -> Result<Vec<Outcome>, String> {
    let mut guest = Guest::boot(kernel, folder)?;
    let mut seen = Seen::default();
    let result = attend(&mut guest, folder, options.numbers.time_limit(), &mut seen);
    guest.end();
    let result =
        result.and_then(|()| seen.end.clone().unwrap_or_else(|| Err("the guest ended without a word".to_owned())));
    if let Err(why) = result {
        folder.keep = true;
        let during = seen.running.map(|name| format!(" during `{name}`")).unwrap_or_default();
        return Err(format!("{why}{during}; its console ends with\n{}", tail(&folder.console(), 30)));
    }
    if seen.outcomes.iter().any(|outcome| outcome.verdict == Verdict::Failed) {
        folder.keep = true;
    }
    Ok(seen.outcomes)
}

/// What has come back so far.
#[derive(Debug, Default)]
struct Seen {
    outcomes: Vec<Outcome>,
    /// The scenario the guest is at.
    running: Option<String>,
    /// The guest's last word.
    end: Option<Result<(), String>>,
    /// How much of the results file was read.
    used: usize,
}

impl Seen {
    /// Takes what is new. True if there was something.
    fn take(&mut self, path: &Path) -> Result<bool, String> {
        let bytes = fs::read(path).unwrap_or_default();
        let fresh = String::from_utf8_lossy(bytes.get(self.used..).unwrap_or_default()).into_owned();
        let (lines, used) = report::read(&fresh).map_err(|e| format!("the guest wrote what is no result: {e}"))?;
        self.used += used;
        let any = !lines.is_empty();
        for line in lines {
            match line {
                Line::Began { name } => self.running = Some(name),
                Line::Progress { done, of } => {
                    println!("    {} {done} of {of}", self.running.as_deref().unwrap_or("?"));
                }
                Line::Outcome(outcome) => {
                    println!("{}", outcome.row());
                    self.running = None;
                    self.outcomes.push(outcome);
                }
                Line::End { error } => self.end = Some(error.map_or(Ok(()), Err)),
            }
        }
        Ok(any)
    }
}

/// Reads results until the guest is off, hangs, or its time is over.
fn attend(guest: &mut Guest, folder: &WorkFolder, limit: Duration, seen: &mut Seen) -> Result<(), String> {
    let start = Instant::now();
    let mut last_word = start;
    loop {
        let off = guest.is_off()?;
        if seen.take(&folder.results())? {
            last_word = Instant::now();
        }
        if off {
            return Ok(());
        }
        if start.elapsed() > limit {
            return Err(format!("the guest needs longer than {} s and was killed", limit.as_secs()));
        }
        if last_word.elapsed() > SILENCE {
            return Err(format!("the guest has said nothing for {} s and was killed", SILENCE.as_secs()));
        }
        std::thread::sleep(POLL);
    }
}

/// The running kernel.
#[derive(Debug)]
struct Guest {
    child: Child,
}

impl Guest {
    fn boot(kernel: &Kernel, folder: &WorkFolder) -> Result<Self, String> {
        let console = folder.console();
        let log = fs::File::create(&console).map_err(|e| format!("cannot write {}: {e}", console.display()))?;
        let errors = log.try_clone().map_err(|e| format!("cannot write {}: {e}", console.display()))?;
        let init = format!("init={}", folder.path.join("init").display());
        let child = Command::new(kernel.executable())
            .args([MEMORY, "rootfstype=hostfs", "rootflags=/", "ro", "con=null", "con0=fd:0,fd:1", "panic=-1"])
            .arg(init)
            // Its control socket; else it would make a folder in the user's home.
            .arg(format!("uml_dir={}/", folder.path.join("uml").display()))
            // What the kernel does not know and what has a value becomes the environment of the first process.
            .arg(format!("PLCRUN_LAB={}", folder.path.display()))
            .arg(format!("PLCRUN_LAB_HOST={}", std::process::id()))
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .map_err(|e| format!("cannot start {}: {e}", kernel.executable().display()))?;
        Ok(Self { child })
    }

    fn is_off(&mut self) -> Result<bool, String> {
        self.child.try_wait().map(|status| status.is_some()).map_err(|e| format!("cannot wait for the guest: {e}"))
    }

    /// Kills the guest with all the processes that carry its own.
    fn end(&mut self) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // It fails when the guest has ended by itself, which is what we want.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}
