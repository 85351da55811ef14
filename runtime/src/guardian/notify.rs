//! What the service manager is told, by the protocol of sd_notify(3): one datagram per message to the socket it names.
//!
//! The socket is made and connected before the fork and never blocks: a message the manager has no room for is dropped, as a
//! feed that comes too late is. The crate for this protocol makes a socket and strings at each call, which the guardian's
//! loop must not; the protocol is a line of text.

use super::page::Phase;
use super::text::Text;
use crate::clock::NS_PER_US;
use std::ffi::OsStr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Longest status line.
const STATUS_BYTES: usize = 160;

/// The service manager, where there is one.
#[derive(Debug)]
pub struct Manager {
    socket: UnixDatagram,
    /// Interval of feeds; `None` where no watchdog is asked for.
    feed_every_ns: Option<u64>,
    ready: bool,
    stopping: bool,
    fed: Fed,
}

impl Manager {
    /// The manager this process was started by; `None` where there is none.
    #[must_use]
    pub fn of_this_process() -> Option<Self> {
        let variable = |name: &str| std::env::var_os(name);
        let pid = variable("WATCHDOG_PID").and_then(|v| v.to_str()?.parse::<u32>().ok());
        let mine = pid.is_none_or(|pid| pid == std::process::id());
        let watchdog_us = variable("WATCHDOG_USEC").and_then(|v| v.to_str()?.parse::<u64>().ok()).filter(|_| mine);
        Self::at(&variable("NOTIFY_SOCKET")?, watchdog_us)
    }

    /// A manager that listens at `address` (a path, or `@` and an abstract name) and wants to be fed so often.
    fn at(address: &OsStr, watchdog_us: Option<u64>) -> Option<Self> {
        let bytes = address.as_bytes();
        let address = match bytes.strip_prefix(b"@") {
            Some(name) => SocketAddr::from_abstract_name(name),
            None => SocketAddr::from_pathname(address),
        };
        let socket = UnixDatagram::unbound().ok()?;
        socket.connect_addr(&address.ok()?).ok()?;
        socket.set_nonblocking(true).ok()?;
        // Half the interval, as sd_watchdog_enabled(3) advises.
        let feed_every_ns = watchdog_us.filter(|us| *us > 0).map(|us| us.saturating_mul(NS_PER_US) / 2);
        Some(Self { socket, feed_every_ns, ready: false, stopping: false, fed: Fed::default() })
    }

    fn send(&self, message: &[u8]) {
        // Dropped where the manager has no room or is gone: nobody else can be told.
        let _ = self.socket.send(message);
    }

    /// Tells what a look has found: ready with the first complete scan, alive as long as scans complete, stopping.
    pub fn look(&mut self, now_ns: u64, phase: Phase, scans: u64) {
        if scans > 0 && !self.ready {
            self.ready = true;
            self.send(b"READY=1\nSTATUS=the program runs");
        }
        if matches!(phase, Phase::Ending | Phase::AtRest) && !self.stopping {
            self.stopping = true;
            self.send(b"STOPPING=1\nSTATUS=the outputs come to rest");
        }
        if let Some(every_ns) = self.feed_every_ns
            && self.fed.is_due(now_ns, scans, every_ns)
        {
            self.send(b"WATCHDOG=1");
        }
    }

    /// A stop was asked for.
    pub fn stopping(&mut self) {
        if !self.stopping {
            self.stopping = true;
            self.send(b"STOPPING=1\nSTATUS=stopping in order");
        }
    }

    /// A new scan process: ready again once it has scanned.
    pub fn begin_anew(&mut self) {
        self.ready = false;
        self.stopping = false;
        self.fed = Fed::default();
    }

    /// A line for `systemctl status`.
    pub fn status(&self, arguments: std::fmt::Arguments<'_>) {
        let mut text = Text::<STATUS_BYTES>::new();
        text.set(format_args!("STATUS={arguments}"));
        self.send(text.as_bytes());
    }
}

/// When a watchdog was last fed, and with what.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fed {
    at_ns: u64,
    scans: u64,
}

impl Fed {
    /// Is it time, and has a scan been completed since? Then it counts as fed.
    pub(super) const fn is_due(&mut self, now_ns: u64, scans: u64, every_ns: u64) -> bool {
        let due = scans > self.scans && now_ns.saturating_sub(self.at_ns) >= every_ns;
        if due {
            *self = Self { at_ns: now_ns, scans };
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::NS_PER_MS;

    fn messages(listener: &UnixDatagram) -> Vec<String> {
        let mut bytes = [0; 256];
        let mut messages = Vec::new();
        while let Ok(len) = listener.recv(&mut bytes) {
            messages.push(String::from_utf8(bytes[..len].to_vec()).unwrap());
        }
        messages
    }

    fn pair(watchdog_us: Option<u64>) -> (tempfile::TempDir, UnixDatagram, Manager) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let listener = UnixDatagram::bind(&path).unwrap();
        listener.set_nonblocking(true).unwrap();
        let manager = Manager::at(path.as_os_str(), watchdog_us).unwrap();
        (folder, listener, manager)
    }

    #[test]
    fn ready_comes_with_the_first_complete_scan_and_once() {
        let (_folder, listener, mut manager) = pair(None);
        manager.look(0, Phase::Starting, 0);
        manager.look(1, Phase::Running, 0);
        assert_eq!(messages(&listener), Vec::<String>::new());
        manager.look(2, Phase::Running, 1);
        manager.look(3, Phase::Running, 2);
        assert_eq!(messages(&listener), ["READY=1\nSTATUS=the program runs"]);
        manager.stopping();
        manager.look(4, Phase::AtRest, 3);
        assert_eq!(messages(&listener), ["STOPPING=1\nSTATUS=stopping in order"]);
    }

    #[test]
    fn the_watchdog_is_fed_only_while_scans_complete() {
        let (_folder, listener, mut manager) = pair(Some(200_000));
        let mut scans = 0;
        for ms in (0..2000_u64).step_by(10) {
            // Scans stop after a second.
            scans += u64::from(ms < 1000);
            manager.look(ms * NS_PER_MS, Phase::Running, scans);
        }
        let fed = messages(&listener).iter().filter(|m| *m == "WATCHDOG=1").count();
        assert_eq!(fed, 10, "every 100 ms for a second, and never again");
    }

    #[test]
    fn a_manager_that_has_no_room_blocks_nobody() {
        let (_folder, _listener, mut manager) = pair(Some(2));
        for look in 0..10_000 {
            manager.look(look * NS_PER_MS, Phase::Running, look);
        }
        manager.status(format_args!("{}", "x".repeat(1000)));
    }

    #[test]
    fn an_abstract_socket_is_reached_too() {
        let name = format!("plcrun-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(name.as_bytes()).unwrap();
        let listener = UnixDatagram::bind_addr(&address).unwrap();
        listener.set_nonblocking(true).unwrap();
        let mut manager = Manager::at(OsStr::new(&format!("@{name}")), None).unwrap();
        manager.look(0, Phase::Running, 1);
        assert_eq!(messages(&listener).len(), 1);
    }
}
