//! Answers on the control socket, in a helper thread.
//!
//! One connection at a time, each for a few seconds at most: whoever opens the socket and says nothing delays other
//! operators, not the scan. The thread polls; it waits for nobody.

use super::{AckResult, ChannelState, REQUEST_BYTES_MAX, Reply, Request, Status, Timing, operator};
use crate::scan::real::Commander;
use crate::scan::{Command, Mode, Stats};
use crate::store::keeper::Clerk;
use crate::store::model::Acknowledged;
use crate::store::moment::wall_now_ns;
use crate::store::tap::{Reader, Standing};
use crate::store::{StoreCode, StoreError};
use relay::{AcknowledgeRefused, ChannelId};
use rustix::net::sockopt::socket_peercred;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often the thread looks for a connection.
const POLL: Duration = Duration::from_millis(20);
/// Longest time a connection may say nothing.
const SILENCE_MAX: Duration = Duration::from_secs(1);
/// Longest wait for the scan to show what came of a command: 10 s is the longest period there is, and a scan more.
const SCAN_PATIENCE: Duration = Duration::from_secs(11);

/// What the thread answers from.
#[derive(Debug)]
pub struct Setup {
    /// Name of the program.
    pub program: String,
    /// Name of the engine.
    pub engine: &'static str,
    /// Time between two scans.
    pub period_ns: u64,
    /// Names and numbers of the channels, in configuration order.
    pub channels: Vec<(String, ChannelId)>,
    /// Copies of the scan.
    pub standing: Reader<Standing>,
    /// Sends commands to the scan.
    pub commander: Commander,
    /// Gives orders to the store.
    pub clerk: Clerk,
}

/// The running thread. Dropping it ends it and takes the socket away.
#[derive(Debug)]
pub struct Server {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    path: PathBuf,
}

impl Server {
    /// Makes the socket and starts the thread. The state directory's lock is held, so what stands at `path` is a leftover.
    ///
    /// # Errors
    /// [`StoreCode::Socket`].
    pub fn start(path: &Path, setup: Setup) -> Result<Self, StoreError> {
        let failed = |e: std::io::Error| StoreError::new(StoreCode::Socket, format!("{}: {e}", path.display()));
        match std::fs::remove_file(path) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(failed(e)),
            Ok(()) | Err(_) => {}
        }
        let listener = UnixListener::bind(path).map_err(failed)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660)).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&over);
        let mut desk = Desk(setup);
        let body = move || {
            crate::guardian::block_stop_signals();
            while !ends.load(Ordering::Relaxed) {
                match listener.accept() {
                    // A client that goes away in the middle has nothing to complain about.
                    Ok((stream, _)) => drop(desk.serve(&stream)),
                    Err(_) => std::thread::sleep(POLL),
                }
            }
        };
        let thread = std::thread::Builder::new().name("control".to_owned()).spawn(body).map_err(failed)?;
        Ok(Self { over, thread: Some(thread), path: path.to_owned() })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // The thread may be waiting for the scan; it ends by itself, and with the process at the latest.
        drop(self.thread.take());
        let _ = std::fs::remove_file(&self.path);
    }
}

struct Desk(Setup);

impl Desk {
    fn serve(&mut self, stream: &UnixStream) -> std::io::Result<()> {
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(SILENCE_MAX))?;
        stream.set_write_timeout(Some(SILENCE_MAX))?;
        let uid = socket_peercred(stream)?.uid.as_raw();
        let mut line = String::new();
        BufReader::new(stream.take(REQUEST_BYTES_MAX)).read_line(&mut line)?;
        let reply = match serde_json::from_str(&line) {
            Ok(request) => self.answer(request, uid),
            Err(e) => Reply { error: Some(format!("not understood: {e}")), ..Reply::default() },
        };
        let mut text = serde_json::to_vec(&reply)?;
        text.push(b'\n');
        (&*stream).write_all(&text)
    }

    fn answer(&mut self, request: Request, uid: u32) -> Reply {
        match request {
            Request::Status => Reply { status: Some(self.status()), ..Reply::default() },
            Request::Ack { channels, all, on_behalf } => {
                let by = Acknowledged { wall_ns: wall_now_ns(), user: operator(uid, on_behalf.as_deref()) };
                Reply { ack: Some(self.acknowledge(channels, all, &by)), ..Reply::default() }
            }
            Request::Store => match self.0.clerk.document() {
                Some((document, _)) => Reply { store: Some(Box::new(document)), ..Reply::default() },
                None => Reply {
                    error: Some("the store does not answer: its medium may be stuck".into()),
                    ..Reply::default()
                },
            },
        }
    }

    fn status(&mut self) -> Status {
        let (document, measured) = self.0.clerk.document().unwrap_or_default();
        let open = document.unacknowledged_runs().map(|entry| format!("#{} {}", entry.number, entry.code));
        let open_faults = open.collect();
        let standing = self.fresh();
        let mode = match standing.mode {
            Mode::Running => "running",
            Mode::Stopped => "stopped",
            Mode::Faulted(_) => "faulted",
        };
        let fault = match standing.mode {
            Mode::Faulted(fault) => fault.code().to_owned(),
            Mode::Running | Mode::Stopped => String::new(),
        };
        let rows = self.0.channels.iter().zip(&standing.channels).map(|((name, _), status)| ChannelState {
            name: name.clone(),
            commanded: status.commanded,
            on: status.on,
            fault: status.fault_name().unwrap_or_default().to_owned(),
        });
        Status {
            program: self.0.program.clone(),
            pid: std::process::id(),
            scan: standing.scan,
            mode: mode.to_owned(),
            fault,
            channels: rows.collect(),
            timing: self.timing(&standing.stats),
            open_faults,
            store: measured,
        }
    }

    fn timing(&self, stats: &Stats) -> Timing {
        Timing {
            engine: self.0.engine.to_owned(),
            period_ns: self.0.period_ns,
            overruns: stats.overruns,
            skipped: stats.skipped,
            lost: stats.messages_lost,
            scan: stats.scan_time.figures(),
            wake: stats.wake_latency.figures(),
            jitter: stats.jitter.figures(),
        }
    }

    /// A copy of a scan that ended after this call; the newest there is where none ends in time.
    fn fresh(&mut self) -> Standing {
        // What was published before and not read yet is older than this call.
        let _ = self.0.standing.newer();
        self.0.standing.ask();
        let began = Instant::now();
        while began.elapsed() < SCAN_PATIENCE {
            if let Some(standing) = self.0.standing.newer() {
                return standing.clone();
            }
            std::thread::sleep(POLL / 4);
        }
        self.0.standing.newest().clone()
    }

    fn acknowledge(&mut self, names: Vec<String>, all: bool, by: &Acknowledged) -> Vec<AckResult> {
        let mut results = Vec::new();
        let latched = self.fresh().channels;
        let names = if all {
            let rows = self.0.channels.iter().zip(&latched).filter(|(_, status)| status.fault.is_some());
            rows.map(|((name, _), _)| name.clone()).collect()
        } else {
            names
        };
        for name in names {
            let found = self.0.channels.iter().position(|(known, _)| known.eq_ignore_ascii_case(&name));
            results.push(match found {
                Some(index) => self.acknowledge_channel(index, by),
                None => AckResult::refused(&name, "there is no channel of this name"),
            });
        }
        if all {
            match self.0.clerk.acknowledge_runs(by.clone()) {
                Some(0) => {}
                Some(_) => results.push(AckResult::accepted(AckResult::RUNS)),
                None => results.push(AckResult::refused(AckResult::RUNS, "the store does not answer")),
            }
        }
        results
    }

    fn acknowledge_channel(&mut self, index: usize, by: &Acknowledged) -> AckResult {
        let Some((name, id)) = self.0.channels.get(index).cloned() else { return AckResult::default() };
        let refused = |standing: &Standing| match standing.channels.get(index) {
            Some(status) => status.acknowledge_refused(),
            None => Some(AcknowledgeRefused::NothingLatched),
        };
        if let Some(why) = refused(&self.fresh()) {
            return AckResult::refused(&name, why.to_string());
        }
        if !self.0.commander.command(Command::Acknowledge(id)) {
            return AckResult::refused(&name, "too many commands wait already, or the run has ended: try again");
        }
        // One scan takes the command, and the copy may be of the scan before it.
        for _ in 0..3 {
            match refused(&self.fresh()) {
                Some(AcknowledgeRefused::NothingLatched) => {
                    self.0.clerk.acknowledge_channel(&name, by.clone());
                    return AckResult::accepted(&name);
                }
                Some(AcknowledgeRefused::StillOn | AcknowledgeRefused::WriteMissing) | None => {}
            }
        }
        AckResult::refused(&name, "the fault came back at once, or the scan has ended: look at the log")
    }
}
