//! What changes while a program runs, as event lines and as rows of a trace.
//!
//! The trace has every change. Event lines leave out what nobody would miss: values that are at rest in the first scan,
//! bounce, what was commanded (the line or the guard's event says what came of it), and the contact of an output without a
//! relay, which is its line.

use crate::args::LogFormat;
use crate::exit::Refusal;
use crate::files;
use crate::table::moment;
use relay::Blame;
use runtime::config::IoMap;
use runtime::io::ExpanderState;
use runtime::scan::Contact;
use runtime::scan::watch::{Change, ChangeKind, Names, Row, TRACE_HEADER};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// How grave an event line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    /// The ordinary course of things.
    Ordinary,
    /// Somebody should look.
    Notable,
}

/// Takes changes in order, and tells them.
#[derive(Debug)]
pub struct Teller {
    names: Names,
    trace: Option<TraceFile>,
    /// Longest name, so that values stand under each other.
    name_width: usize,
    format: LogFormat,
}

impl Teller {
    /// Tells changes of a controller with these names; into a trace file as well where there is one.
    #[must_use]
    pub fn new(names: Names, trace: Option<TraceFile>, format: LogFormat) -> Self {
        let inputs = names.map().inputs.iter().map(|i| i.name.chars().count());
        let outputs = names.map().outputs.iter().map(|o| o.name.chars().count());
        let words = names.map().words.iter().map(|w| w.name.chars().count());
        let name_width = inputs.chain(outputs).chain(words).max().unwrap_or(0);
        Self { names, trace, name_width, format }
    }

    /// The names it tells changes with.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Writes the trace row, and the event line where there is one.
    pub fn tell(&mut self, change: &Change) {
        let row = self.names.row(change);
        if let Some(trace) = &mut self.trace {
            trace.row(&row);
        }
        let Some(grade) = grade(self.names.map(), change) else { return };
        let text = match self.format {
            LogFormat::Text => line(&row, grade, change.at_ns, is_word(change), self.name_width),
            LogFormat::Json => format!("{} {} {}", row.kind, row.name, row.value),
        };
        let Row { t_us, scan, kind, name, value } = row;
        match grade {
            Grade::Ordinary => tracing::info!(t_us, scan, kind, name, value, "{text}"),
            Grade::Notable => tracing::warn!(t_us, scan, kind, name, value, "{text}"),
        }
    }

    /// Closes the trace.
    ///
    /// # Errors
    /// It is not complete.
    pub fn finish(self) -> Result<(), Refusal> {
        self.trace.map_or(Ok(()), TraceFile::finish)
    }
}

/// A variable that is no BOOL: its value stands as it is.
fn is_word(change: &Change) -> bool {
    matches!(change.kind, ChangeKind::Word(..))
}

/// `0.120 s  line       motor  on`.
fn line(row: &Row, grade: Grade, at_ns: u64, word: bool, name_width: usize) -> String {
    let kind = match grade {
        Grade::Ordinary if word && row.kind == "commanded" => "output",
        Grade::Ordinary => row.kind,
        Grade::Notable => "warning",
    };
    let value = match (row.kind, row.value.as_str()) {
        (_, value) if word => value,
        ("input", "0") => "FALSE",
        ("input", "1") => "TRUE",
        ("line", "0") => "off",
        ("line", "1") => "on",
        (_, value) => value,
    };
    format!("{:>10}  {:<7}  {:<name_width$}  {value}", moment(at_ns), kind, row.name)
}

/// Whether a change is told as an event line, and how.
fn grade(map: &IoMap, change: &Change) -> Option<Grade> {
    let first = change.scan <= 1;
    match change.kind {
        ChangeKind::Input(_, level) | ChangeKind::Line(_, level) => (level || !first).then_some(Grade::Ordinary),
        ChangeKind::Word(_, bits) => (bits != 0 || !first).then_some(Grade::Ordinary),
        ChangeKind::Commanded(..) => None,
        ChangeKind::Contact(id, contact) => {
            let told = match contact {
                Contact::Closed => true,
                Contact::Open => !first,
                Contact::Bouncing | Contact::Moving | Contact::Unknown => false,
            };
            let has_relay = map.channels.channel(id).relay.is_some();
            (told && has_relay).then_some(Grade::Ordinary)
        }
        ChangeKind::Event(event) => Some(match event.code.blame() {
            Blame::Operation => Grade::Ordinary,
            Blame::Program | Blame::Platform | Blame::Field => Grade::Notable,
        }),
        ChangeKind::Expander(_, state) => {
            Some(if state == ExpanderState::Working { Grade::Ordinary } else { Grade::Notable })
        }
        ChangeKind::Overrun { .. } | ChangeKind::ExpanderAnew(_) => Some(Grade::Notable),
        // Both are told in full at the end.
        ChangeKind::Fault(_) | ChangeKind::Stopped => None,
    }
}

/// `--trace OUT.csv`: every change, one row each. Written by a helper or, in virtual time, between scans.
#[derive(Debug)]
pub struct TraceFile {
    path: PathBuf,
    out: BufWriter<File>,
    /// The first write error; the run goes on without the rest of the trace.
    failed: Option<std::io::Error>,
}

impl TraceFile {
    /// Creates the file with its header.
    ///
    /// # Errors
    /// It cannot be created.
    pub fn create(path: &Path) -> Result<Self, Refusal> {
        let refuse = |e: std::io::Error| {
            Refusal::wrong_use(
                format!("the trace {} cannot be written: {e}", files::shown(path)),
                "name a file in a folder where this user may write",
            )
        };
        let mut out = BufWriter::new(File::create(path).map_err(refuse)?);
        writeln!(out, "{TRACE_HEADER}").map_err(refuse)?;
        Ok(Self { path: path.to_path_buf(), out, failed: None })
    }

    fn row(&mut self, row: &Row) {
        if self.failed.is_none()
            && let Err(e) = writeln!(self.out, "{}", row.csv())
        {
            self.failed = Some(e);
        }
    }

    fn finish(mut self) -> Result<(), Refusal> {
        let result = match self.failed.take() {
            Some(e) => Err(e),
            None => self.out.flush(),
        };
        result.map_err(|e| {
            Refusal::findings(
                format!("the trace {} is not complete: {e}", files::shown(&self.path)),
                "make room on that disk and run again",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(kind: &'static str, value: &str) -> Row {
        Row { t_us: 1_230_000, scan: 124, kind, name: "fwd".into(), value: value.into() }
    }

    #[test]
    fn lines_have_columns_and_words() {
        assert_eq!(
            line(&row("input", "1"), Grade::Ordinary, 1_230_000_000, false, 6),
            "   1.230 s  input    fwd     TRUE"
        );
        assert_eq!(line(&row("line", "0"), Grade::Ordinary, 1_230_000_000, false, 3), "   1.230 s  line     fwd  off");
        assert_eq!(line(&row("contact", "closed"), Grade::Ordinary, 0, false, 3), "   0.000 s  contact  fwd  closed");
        let event = line(&row("event", "G11 welded"), Grade::Notable, 0, false, 3);
        assert_eq!(event, "   0.000 s  warning  fwd  G11 welded");
    }

    #[test]
    fn rows_are_written_and_an_incomplete_trace_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        let mut trace = TraceFile::create(&path).unwrap();
        trace.row(&row("event", "G01 ON waits, a lock"));
        trace.finish().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "t_us,scan,kind,name,value\n1230000,124,event,fwd,\"G01 ON waits, a lock\"\n");
        let Ok(mut full) = TraceFile::create(Path::new("/dev/full")) else { return };
        full.row(&row("line", "1"));
        assert!(full.finish().unwrap_err().what.contains("is not complete"));
    }
}
