//! The observer: the kernel's own trace of every line that is set, with times and with who did it.
//!
//! Trace events fire for each line also when one call sets many, and they are in one order for all chips, which reading levels from
//! files is not. Their clock is CLOCK_MONOTONIC. A line that the kernel lets go when its owner ends fires no event.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;

const TRACING: &str = "/sys/kernel/tracing";
/// Room for events between two looks: an event takes about 30 bytes, and seconds of many lines must fit.
const BUFFER_KB: &str = "8192";

/// One line was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// When, by CLOCK_MONOTONIC. The trace says it in microseconds.
    pub t_ns: u64,
    /// Which line, by the kernel's number.
    pub number: u32,
    /// The level.
    pub level: bool,
    /// The thread that did it.
    pub thread: i32,
}

/// Reads the trace.
#[derive(Debug)]
pub struct Observer {
    pipe: File,
    /// What came after the last line break.
    rest: String,
}

impl Observer {
    /// Starts the trace.
    ///
    /// # Errors
    /// The kernel has no such trace.
    pub fn start() -> Result<Self, String> {
        for (file, text) in [
            ("trace_clock", "mono"),
            ("buffer_size_kb", BUFFER_KB),
            ("events/gpio/gpio_value/filter", "get==0"),
            ("events/gpio/gpio_value/enable", "1"),
            ("tracing_on", "1"),
        ] {
            fs::write(format!("{TRACING}/{file}"), text).map_err(|e| format!("{TRACING}/{file}: {e}"))?;
        }
        let mut reading = fs::OpenOptions::new();
        reading.read(true).custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
        let pipe = reading.open(format!("{TRACING}/trace_pipe")).map_err(|e| format!("{TRACING}/trace_pipe: {e}"))?;
        Ok(Self { pipe, rest: String::new() })
    }

    /// Everything that happened since the last look, in order.
    ///
    /// # Errors
    /// Events were lost, or a line of the trace is not understood.
    pub fn look(&mut self) -> Result<Vec<Write>, String> {
        let mut bytes = [0_u8; 16384];
        loop {
            match self.pipe.read(&mut bytes) {
                Ok(0) => break,
                Ok(n) => self.rest.push_str(&String::from_utf8_lossy(bytes.get(..n).unwrap_or_default())),
                Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(format!("{TRACING}/trace_pipe: {e}")),
            }
        }
        let whole = self.rest.rfind('\n').map_or(0, |at| at + 1);
        let lines: String = self.rest.drain(..whole).collect();
        lines.lines().map(parse).collect()
    }
}

/// One line of the trace: `plcrun-123     [000] .....     4.500934: gpio_value: 480 set 1`.
fn parse(line: &str) -> Result<Write, String> {
    let wrong = || format!("the trace says `{line}`, which is no line being set");
    let (before, event) = line.split_once(": gpio_value: ").ok_or_else(wrong)?;
    let (task, rest) = before.split_once(" [").ok_or_else(wrong)?;
    let thread = task.trim().rsplit('-').next().and_then(|pid| pid.parse().ok()).ok_or_else(wrong)?;
    let (seconds, micros) = rest.rsplit(' ').next().and_then(|time| time.split_once('.')).ok_or_else(wrong)?;
    let seconds: u64 = seconds.parse().map_err(|_| wrong())?;
    let micros: u64 = micros.parse().map_err(|_| wrong())?;
    let mut words = event.split_whitespace();
    let number = words.next().and_then(|number| number.parse().ok()).ok_or_else(wrong)?;
    let level = match (words.next(), words.next()) {
        (Some("set"), Some("0")) => false,
        (Some("set"), Some("1")) => true,
        _ => return Err(wrong()),
    };
    Ok(Write { t_ns: seconds * 1_000_000_000 + micros * 1000, number, level, thread })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_trace_is_read() {
        let write = parse("          plcrun-123     [000] d..1.     4.500934: gpio_value: 480 set 1").unwrap();
        assert_eq!(write, Write { t_ns: 4_500_934_000, number: 480, level: true, thread: 123 });
        let write = parse("   scan-thread 2-7     [000] ..... 10004.000001: gpio_value: 7 set 0").unwrap();
        assert_eq!(write, Write { t_ns: 10_004_000_001_000, number: 7, level: false, thread: 7 });
    }

    #[test]
    fn lost_events_are_not_passed_over() {
        assert!(parse("CPU:0 [LOST 17 EVENTS]").unwrap_err().contains("LOST 17"));
        assert!(parse("   plcrun-9     [000] .....     4.000000: gpio_value: 480 get 1").is_err());
    }
}
