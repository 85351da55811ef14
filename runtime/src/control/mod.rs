//! The control socket: what an operator asks of a running controller, in lines of JSON over a Unix socket.
//!
//! [`server`] answers in a helper thread of the controller; [`client`] asks. One request is one line and gets one line back.
//! The socket stands in the state directory; who may open it (its group, mode 0660) may acknowledge and look, and the
//! kernel says who it was. Nothing here reaches the scan but commands through its bounded channel.

pub mod client;
pub mod server;

use crate::scan::Figures;
use crate::store::Document;
use crate::store::keeper::Measured;
use serde::{Deserialize, Serialize};

/// Longest line a request may have: names of 256 channels.
pub const REQUEST_BYTES_MAX: u64 = 64 * 1024;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// What the controller is doing.
    Status,
    /// Acknowledge latched faults.
    Ack {
        /// Names of channels; empty with `all`.
        #[serde(default)]
        channels: Vec<String>,
        /// Everything that is latched, and the faults of earlier runs.
        #[serde(default)]
        all: bool,
        /// Whom root acts for, as `sudo` says; not believed from anybody else.
        #[serde(default)]
        on_behalf: Option<String>,
    },
    /// Everything in the store.
    Store,
}

/// What comes back: one of these, or `error`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reply {
    /// Why there is nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// To `status`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// To `ack`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ack: Option<Vec<AckResult>>,
    /// To `store`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<Box<Document>>,
}

/// What a controller is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Name of the program.
    pub program: String,
    /// Process number.
    pub pid: u32,
    /// Number of the last scan.
    pub scan: u64,
    /// running, stopped or faulted.
    pub mode: String,
    /// Code of the fault that ended the run; empty for none.
    pub fault: String,
    /// The channels in configuration order.
    pub channels: Vec<ChannelState>,
    /// Timing of the scan.
    #[serde(default)]
    pub timing: Timing,
    /// Faults that ended earlier runs and were not acknowledged: number and code.
    #[serde(default)]
    pub open_faults: Vec<String>,
    /// What the commits of the store came to.
    pub store: Measured,
}

/// Timing of a running scan, since its start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Timing {
    /// Name of the engine.
    pub engine: String,
    /// Time between two scans.
    pub period_ns: u64,
    /// Scans that ended after the next one was due.
    pub overruns: u64,
    /// Grid points left out because of them.
    pub skipped: u64,
    /// Messages nobody had room for.
    pub lost: u64,
    /// From the start of a scan to its outputs written.
    pub scan: Figures,
    /// From the grid deadline to the start of the scan.
    pub wake: Figures,
    /// How far the distance of two scan starts is from that of their deadlines.
    pub jitter: Figures,
}

/// One channel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelState {
    /// Name.
    pub name: String,
    /// The program commands it on.
    pub commanded: bool,
    /// The guard permits it on.
    pub on: bool,
    /// Latched fault or trip; empty for none.
    pub fault: String,
}

/// What came of one acknowledgement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AckResult {
    /// The channel, or `earlier runs`.
    pub name: String,
    /// Why it was refused; empty where it was accepted.
    pub refused: String,
}

impl AckResult {
    /// What [`AckResult::name`] says of the faults of earlier runs.
    pub const RUNS: &'static str = "earlier runs";

    /// Accepted.
    #[must_use]
    pub fn accepted(name: &str) -> Self {
        Self { name: name.to_owned(), refused: String::new() }
    }

    /// Refused.
    #[must_use]
    pub fn refused(name: &str, why: impl Into<String>) -> Self {
        Self { name: name.to_owned(), refused: why.into() }
    }
}

/// The name of a user by number, from /etc/passwd; else `uid 1000`.
#[must_use]
pub fn user_name(uid: u32) -> String {
    let table = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let row = table.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, _password, number) = (fields.next()?, fields.next()?, fields.next()?);
        (number.parse() == Ok(uid)).then(|| name.to_owned())
    });
    row.unwrap_or_else(|| format!("uid {uid}"))
}

/// Who acknowledges: the user, and for root whom it acts for.
#[must_use]
pub fn operator(uid: u32, on_behalf: Option<&str>) -> String {
    // As long as a name may be on Linux; anything else was not written by sudo.
    let named = on_behalf.filter(|name| uid == 0 && (1..=32).contains(&name.len()) && name.is_ascii());
    match named {
        Some(name) => format!("{} for {name}", user_name(uid)),
        None => user_name(uid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_root_acts_for_somebody() {
        assert_eq!(user_name(0), "root");
        assert_eq!(operator(0, Some("pat")), "root for pat");
        assert_eq!(operator(4_000_000_001, Some("pat")), "uid 4000000001");
        assert_eq!(operator(0, Some("")), "root");
    }

    #[test]
    fn requests_are_plain_json() {
        let ack: Request = serde_json::from_str(r#"{"request":"ack","channels":["fwd"]}"#).unwrap();
        assert_eq!(ack, Request::Ack { channels: vec!["fwd".to_owned()], all: false, on_behalf: None });
        assert_eq!(serde_json::from_str::<Request>(r#"{"request":"status"}"#).unwrap(), Request::Status);
        assert!(serde_json::from_str::<Request>(r#"{"request":"stop"}"#).is_err());
    }
}
