//! The hand that strikes: a thread above every priority of the product, so that a blow can land in the middle of a scan.
//!
//! The guest has one CPU. A thread of the normal class would only ever run, and kill, while the scan thread sleeps.

use super::bench::now_ns;
use super::product::children;
use rustix::process::{Pid, Signal, kill_process};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// Above the guardian, which is above the scan.
const PRIORITY: &str = "98";

/// Who is struck, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blow {
    /// The scan process is killed.
    KillScan,
    /// The guardian is killed.
    KillGuardian,
    /// Both are killed, the scan process first.
    KillBoth,
    /// The scan process is stopped, and continued after so many nanoseconds.
    StopScan(u64),
}

/// A blow that was struck.
#[derive(Clone, Debug)]
pub struct Struck {
    /// The product it was ordered for. A blow may come too late, when its product has ended already.
    pub product: Pid,
    /// When the first signal was about to be sent.
    pub before_ns: u64,
    /// When the last signal had been sent; a stopped process is continued at this time. Else the CPU is this thread's all the while.
    pub after_ns: u64,
    /// The scan process; `None` if there was none yet, so that the only process there was got the signal.
    pub scan: Option<Pid>,
    /// Who is to be continued later.
    resume: Option<Pid>,
}

/// The thread and the way to it.
#[derive(Debug)]
pub struct Killer {
    orders: Sender<(u64, Pid, Blow)>,
    struck: Receiver<Struck>,
}

impl Killer {
    /// Starts the thread and gives it its priority.
    ///
    /// # Errors
    /// The priority is refused.
    pub fn start() -> Result<Self, String> {
        let (orders, to_do) = channel::<(u64, Pid, Blow)>();
        let (report, struck) = channel();
        let (ready, is_ready) = channel();
        std::thread::spawn(move || {
            let _ = ready.send(promote());
            while let Ok((at_ns, product, blow)) = to_do.recv() {
                std::thread::sleep(Duration::from_nanos(at_ns.saturating_sub(now_ns())));
                let Some(struck) = strike(product, blow) else { continue };
                let resume = struck.resume.map(|pid| (struck.after_ns, pid));
                if report.send(struck).is_err() {
                    break;
                }
                if let Some((at_ns, pid)) = resume {
                    std::thread::sleep(Duration::from_nanos(at_ns.saturating_sub(now_ns())));
                    // The guardian may have killed it meanwhile; that is what the series is about.
                    let _ = kill_process(pid, Signal::CONT);
                }
            }
        });
        is_ready.recv().map_err(|_| "the killer did not start".to_owned())??;
        Ok(Self { orders, struck })
    }

    /// Orders a blow against a product at this time.
    ///
    /// # Errors
    /// The thread has ended.
    pub fn order(&self, at_ns: u64, product: Pid, blow: Blow) -> Result<(), String> {
        self.orders.send((at_ns, product, blow)).map_err(|_| "the killer has ended".to_owned())
    }

    /// A blow that was struck since the last look.
    pub fn report(&self) -> Option<Struck> {
        self.struck.try_recv().ok()
    }
}

fn promote() -> Result<(), String> {
    let thread = rustix::thread::gettid().as_raw_nonzero().to_string();
    let status = Command::new("chrt").args(["--fifo", "--pid", PRIORITY, &thread]).stdout(Stdio::null()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("chrt ended with {status}")),
        Err(e) => Err(format!("cannot run chrt: {e}")),
    }
}

/// `None` if there was nobody left to strike.
fn strike(product: Pid, blow: Blow) -> Option<Struck> {
    let scan = children(product).into_iter().next();
    let target = scan.unwrap_or(product);
    let before_ns = now_ns();
    match blow {
        Blow::KillScan => send(target, Signal::KILL)?,
        Blow::KillGuardian => send(product, Signal::KILL)?,
        Blow::KillBoth => {
            send(target, Signal::KILL)?;
            if scan.is_some() {
                send(product, Signal::KILL)?;
            }
        }
        Blow::StopScan(time_ns) => {
            send(target, Signal::STOP)?;
            return Some(Struck { product, before_ns, after_ns: before_ns + time_ns, scan, resume: Some(target) });
        }
    }
    Some(Struck { product, before_ns, after_ns: now_ns(), scan, resume: None })
}

fn send(target: Pid, signal: Signal) -> Option<()> {
    kill_process(target, signal).ok()
}
