//! The product as a user starts it: a process with a program, a map, and a log of its own.

use super::Stop;
use super::bench::{Bench, now_ns};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, test_kill_process, waitpid};
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// What is tried, and the same with the feature `inject`.
pub const PLCRUN: &str = "/run/bin/plcrun";
pub const INJECT: &str = "/run/bin/plcrun-inject";
/// Longest time from start to the first scan. Code, program and map are read from memory; an idle host needs 0.2 s.
const START: Duration = Duration::from_secs(20);
/// Longest time an ordered end may take.
const END: Duration = Duration::from_secs(10);

/// What to start.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    /// Number of the controller: which lines.
    pub number: usize,
    /// The program, such as `reverse.ld`.
    pub program: &'a str,
    /// The map, with % for the number.
    pub map: &'a str,
    /// Words before `plcrun`, such as `strace -f`.
    pub before: &'a [&'a str],
    /// A deliberate defect, such as `panic@20`: takes the build with the feature `inject`.
    pub inject: Option<&'a str>,
}

impl Start<'_> {
    /// Controller 0 with the map of this name.
    pub const fn motor(map: &str) -> Start<'_> {
        Start { number: 0, program: "reverse.ld", map, before: &[], inject: None }
    }
}

/// A started product. Killed when dropped.
#[derive(Debug)]
pub struct Product {
    child: Child,
    log: PathBuf,
}

impl Product {
    /// Starts it and does not wait.
    ///
    /// # Errors
    /// Files cannot be written, or the process cannot be started.
    pub fn spawn(bench: &Bench, start: Start<'_>) -> Result<Self, String> {
        let Start { number, program, map, before, inject } = start;
        let text = fs::read_to_string(bench.work.join(map)).map_err(|e| format!("{map}: {e}"))?;
        let own_map = bench.work.join(format!("{number}-{map}"));
        fs::write(&own_map, text.replace('%', &number.to_string())).map_err(|e| format!("{map}: {e}"))?;
        let log = bench.work.join(format!("{number}.log"));
        let said = fs::File::create(&log).map_err(|e| format!("{}: {e}", log.display()))?;
        let errors = said.try_clone().map_err(|e| format!("{}: {e}", log.display()))?;
        let binary = if inject.is_some() { INJECT } else { PLCRUN };
        let mut words = before.iter().copied().chain([binary]);
        let first = words.next().unwrap_or(binary);
        let child = Command::new(first)
            .args(words)
            .args(["run", program, "--log-format", "json", "--io"])
            .arg(&own_map)
            .current_dir(&bench.work)
            // As systemd sets it: what is kept across restarts, for each controller its own.
            .env("STATE_DIRECTORY", bench.state(number))
            .envs(inject.map(|what| ("PLCRUN_INJECT", what)))
            .stdin(Stdio::null())
            .stdout(said)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .map_err(|e| format!("cannot start {first}: {e}"))?;
        Ok(Self { child, log })
    }

    /// Starts it with its enable input on and waits for its first scan.
    ///
    /// # Errors
    /// It ends before, or does not scan in time.
    pub fn start(bench: &mut Bench, start: Start<'_>) -> Result<Self, Stop> {
        bench.input.drive(&format!("enable{}", start.number), true)?;
        let mut product = Self::spawn(bench, start)?;
        bench.wait_for("the first scan", START, |_| {
            if let Some(status) = product.ended()? {
                return Err(format!("plcrun ended at its start with {status}"));
            }
            Ok(product.says("\"name\":\"enable\""))
        })?;
        Ok(product)
    }

    /// The process the laboratory started.
    pub fn pid(&self) -> Option<Pid> {
        i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
    }

    /// Processes it has started.
    pub fn children(&self) -> Vec<Pid> {
        self.pid().map(children).unwrap_or_default()
    }

    /// Sends a signal and gives back when.
    ///
    /// # Errors
    /// The process is gone.
    pub fn signal(&self, signal: Signal) -> Result<u64, String> {
        let pid = self.pid().ok_or("plcrun has no process id")?;
        let t_ns = now_ns();
        kill_process(pid, signal).map_err(|e| format!("cannot send {signal:?} to plcrun: {e}"))?;
        Ok(t_ns)
    }

    /// Its exit status, if it has ended.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>, String> {
        self.child.try_wait().map_err(|e| format!("cannot wait for plcrun: {e}"))
    }

    /// Waits for its end and gives back the exit code; `None` when a signal ended it.
    ///
    /// # Errors
    /// It does not end in time.
    pub fn wait(&mut self, bench: &mut Bench) -> Result<Option<i32>, Stop> {
        let mut status = None;
        bench.wait_for("the end of plcrun", END, |_| {
            status = self.ended()?;
            Ok(status.is_some())
        })?;
        Ok(status.and_then(|status| status.code()))
    }

    /// Kills whatever is left of it.
    pub fn kill_all(&self, scan: Option<Pid>) {
        for pid in scan.into_iter().chain(self.pid()) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }

    /// Everything it has printed.
    pub fn log(&self) -> String {
        text(&self.log)
    }

    /// True if it has printed this.
    pub fn says(&self, words: &str) -> bool {
        self.log().contains(words)
    }
}

impl Drop for Product {
    fn drop(&mut self) {
        if let Some(group) = self.pid() {
            // It fails when all of it has ended, which is what we want.
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

fn text(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}

/// Runs another command on a controller's state: its exit code and everything it printed.
///
/// # Errors
/// It cannot be started.
pub fn plcrun(bench: &Bench, number: usize, words: &[&str]) -> Result<(Option<i32>, String), String> {
    let output = Command::new(PLCRUN).args(words).arg("--state").arg(bench.state(number)).output();
    let output = output.map_err(|e| format!("cannot run {PLCRUN}: {e}"))?;
    let said = [output.stdout, output.stderr].concat();
    Ok((output.status.code(), String::from_utf8_lossy(&said).into_owned()))
}

/// True if a process has ended. An orphan belongs to the first process, which we are: nobody else takes it from the kernel's table.
pub fn is_gone(pid: Pid) -> bool {
    let _ = waitpid(Some(pid), WaitOptions::NOHANG);
    test_kill_process(pid).is_err()
}

/// Processes a process has started, by their `stat`, where the parent is the second word after the name in brackets.
pub fn children(parent: Pid) -> Vec<Pid> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbered = processes.filter_map(|process| process.file_name().to_string_lossy().parse::<i32>().ok());
    let of_parent = numbered.filter(|pid| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let after_name = stat.rsplit(") ").next().unwrap_or_default();
        after_name.split(' ').nth(1).and_then(|parent| parent.parse().ok()) == Some(parent.as_raw_nonzero().get())
    });
    of_parent.filter_map(Pid::from_raw).collect()
}
