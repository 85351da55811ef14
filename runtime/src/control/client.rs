//! Asks a running controller.

use super::{Reply, Request};
use crate::store::{StoreCode, StoreError};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// Longest wait for an answer: that of the store behind it, and a little more.
const PATIENCE: Duration = Duration::from_secs(15);
/// Longest answer: a store of 65 536 values, each with its name.
const REPLY_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Sends a request and waits for its reply.
///
/// # Errors
/// [`StoreCode::NoAnswer`]: nobody listens, the system refuses, or no answer came in time.
pub fn ask(socket: &Path, request: &Request) -> Result<Reply, StoreError> {
    let failed = |e: std::io::Error| StoreError::new(StoreCode::NoAnswer, format!("{}: {e}", socket.display()));
    let mut stream = UnixStream::connect(socket).map_err(failed)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(failed)?;
    let mut line = serde_json::to_vec(request).map_err(|e| failed(e.into()))?;
    line.push(b'\n');
    stream.write_all(&line).map_err(failed)?;
    let mut answer = String::new();
    BufReader::new(stream.take(REPLY_BYTES_MAX)).read_line(&mut answer).map_err(failed)?;
    serde_json::from_str(&answer).map_err(|e| failed(e.into()))
}
