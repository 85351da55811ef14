//! Faults: what ends a program's run and leads to the safe state, for the operator.
//!
//! A [`Fault`] is `Copy` and coded, so that the scan thread can keep and send it without allocating. Codes F01 to F05
//! are traps of the program ([`crate::vm`]), F10 to F13 come from the scan itself, F20 to F22 from a driver
//! ([`crate::io`]), F30 and F31 from the scan's look at its guardian; F40 to F43 are found by the guardian
//! ([`crate::guardian`]) when there may be no scan any more. `docs/faults.md` carries all of them and a test keeps it in step.

use crate::clock::{NS_PER_MS, NS_PER_US};
use crate::fault_codes::{Blame, fault_codes};
use crate::guardian::GuardianCode;
use crate::io::{IoCode, IoFault};
use crate::vm::{Trap, TrapCode};
use bytecode::Image;
use relay::quantity::Duration;
use std::fmt;

fault_codes! {
    /// A fault of the scan itself.
    ScanCode
    HardOverrun "F10" Platform "a scan ended beyond the hard limit" "shorten the program or lengthen `scan: period`; `plcrun` says at start which real-time settings were not permitted";
    OverrunsInARow "F11" Platform "too many late scans in a row" "the program takes longer than its period: lengthen `scan: period` or shorten the program";
    TimeBackwards "F12" Platform "the clock went backwards" "use a machine whose monotonic clock is monotonic; a virtual machine may need another clock source";
    Panic "F13" Platform "plcrun itself failed" "this is a defect of plcrun: please report it with the program";
    GuardianDead "F30" Platform "the guardian process died" "nobody would switch the outputs off if the scan process died now, so the run ends; `dmesg` tells of a kill for want of memory";
    GuardianSilent "F31" Platform "the guardian process gave no sign of life in time" "something stopped it or keeps it from its CPU: see docs/faults.md, and the real-time findings at start";
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultCause {
    /// The program trapped.
    Trap(Trap),
    /// A driver failed.
    Io(IoFault),
    /// The scan itself; the value is nanoseconds late, late scans in a row, nanoseconds backwards or silent, or 0.
    Scan(ScanCode, u64),
}

/// A fault: the program's run is over, outputs have their safe values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fault {
    /// What happened.
    pub cause: FaultCause,
    /// Number of the scan, from 1; nothing of that scan's outputs was committed.
    pub scan: u64,
    /// Measured time at the start of that scan, in nanoseconds since start.
    pub at_ns: u64,
    /// The program that ran, as an index into [`Image::programs`]; of late scans the one that took longest.
    pub program: Option<u32>,
}

impl Fault {
    /// The code people look up.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match &self.cause {
            FaultCause::Trap(trap) => trap.code.code(),
            FaultCause::Io(io) => io.code.code(),
            FaultCause::Scan(code, _) => code.code(),
        }
    }

    /// Who has to act.
    #[must_use]
    pub const fn blame(&self) -> Blame {
        match &self.cause {
            FaultCause::Trap(trap) => trap.code.blame(),
            FaultCause::Io(io) => io.code.blame(),
            FaultCause::Scan(code, _) => code.blame(),
        }
    }

    /// Everything known about it, in words. Allocates: not for the scan thread. `chips` are the names of the driver's chips.
    #[must_use]
    pub fn describe(&self, image: &Image, chips: &[String]) -> FaultReport {
        let mut report = FaultReport {
            code: self.code(),
            blame: self.blame(),
            text: String::new(),
            program: self.program_name(image),
            unit: String::new(),
            rung: String::new(),
            file: String::new(),
            line: 0,
            column: 0,
            scan: self.scan,
            at_ns: self.at_ns,
            remedy: "",
        };
        match self.cause {
            FaultCause::Trap(trap) => {
                let place = trap.describe(image);
                report.text = place.text;
                report.unit = place.pou;
                report.rung = place.rung;
                report.file = place.file;
                report.line = place.line;
                report.column = place.column;
                report.remedy = trap.code.remedy();
            }
            FaultCause::Io(io) => {
                let chip = chips.get(usize::from(io.chip)).map_or("the simulated rack", String::as_str);
                let system = std::io::Error::from_raw_os_error(io.errno);
                report.text = format!("{} on {chip}: {system}", io.code.text());
                report.remedy = io.code.remedy();
            }
            FaultCause::Scan(code, value) => {
                report.unit = self.unit_name(image);
                report.text = match code {
                    ScanCode::HardOverrun => {
                        format!("{}: {} late", code.text(), Duration::from_ns(value / NS_PER_US * NS_PER_US))
                    }
                    ScanCode::OverrunsInARow => format!("{}: {value}", code.text()),
                    ScanCode::TimeBackwards => format!("{} by {}", code.text(), Duration::from_ns(value)),
                    ScanCode::GuardianSilent => {
                        format!("{}: silent for {}", code.text(), Duration::from_ns(value / NS_PER_MS * NS_PER_MS))
                    }
                    ScanCode::Panic | ScanCode::GuardianDead => code.text().to_owned(),
                };
                report.remedy = code.remedy();
            }
        }
        report
    }

    /// Kind and name of the program of a late scan. No line: which of its rungs took so long nobody measures.
    fn unit_name(&self, image: &Image) -> String {
        let program = self.program.and_then(|p| image.programs.get(p as usize));
        let pou = program.and_then(|program| image.pous.get(program.pou.0 as usize));
        pou.map_or_else(String::new, |pou| format!("PROGRAM {}", pou.name))
    }

    fn program_name(&self, image: &Image) -> String {
        let program = self.program.and_then(|p| image.programs.get(p as usize));
        program.map_or_else(String::new, |p| p.name.clone())
    }
}

/// A fault in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultReport {
    /// The code people look up.
    pub code: &'static str,
    /// Who has to act.
    pub blame: Blame,
    /// What happened, with the value.
    pub text: String,
    /// Program instance that ran; empty for faults of the scan or a driver.
    pub program: String,
    /// Kind and name of the unit, such as `FUNCTION_BLOCK Valve`; empty when unknown.
    pub unit: String,
    /// Label of the rung; empty outside a ladder.
    pub rung: String,
    /// Source file; empty when unknown.
    pub file: String,
    /// Line from 1; 0 when unknown.
    pub line: u32,
    /// Column from 1; 0 when unknown.
    pub column: u32,
    /// Number of the scan, from 1.
    pub scan: u64,
    /// Measured time since start, in nanoseconds.
    pub at_ns: u64,
    /// What to do about it.
    pub remedy: &'static str,
}

impl fmt::Display for FaultReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fault[{}]: {}", self.code, self.text)?;
        let milliseconds = self.at_ns / NS_PER_MS;
        write!(f, "\n  in scan {} at {}.{:03} s", self.scan, milliseconds / 1000, milliseconds % 1000)?;
        if !self.program.is_empty() {
            write!(f, ", program {}", self.program)?;
        }
        if !self.unit.is_empty() {
            write!(f, ", {}", self.unit)?;
        }
        if !self.rung.is_empty() {
            write!(f, ", rung {}", self.rung)?;
        }
        if !self.file.is_empty() {
            write!(f, "\n  --> {}:{}:{}", self.file, self.line, self.column)?;
        }
        write!(f, "\n  blame: {}\n  help: {}", self.blame.name(), self.remedy)
    }
}

/// One row of the fault table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultRow {
    /// The code.
    pub code: &'static str,
    /// Who has to act.
    pub blame: Blame,
    /// What happened.
    pub text: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}

/// Every fault there is, in the order of the codes: what `docs/faults.md` shows.
#[must_use]
pub fn fault_table() -> Vec<FaultRow> {
    let traps = TrapCode::ALL.iter().map(|c| (c.code(), c.blame(), c.text(), c.remedy()));
    let scans = ScanCode::ALL.iter().map(|c| (c.code(), c.blame(), c.text(), c.remedy()));
    let drivers = IoCode::ALL.iter().map(|c| (c.code(), c.blame(), c.text(), c.remedy()));
    let guardians = GuardianCode::ALL.iter().map(|c| (c.code(), c.blame(), c.text(), c.remedy()));
    let row = |(code, blame, text, remedy)| FaultRow { code, blame, text, remedy };
    let mut rows: Vec<FaultRow> = traps.chain(scans).chain(drivers).chain(guardians).map(row).collect();
    rows.sort_by_key(|row| row.code);
    rows
}
