//! How a scan ends early: codes, places, and the table they are documented from.

use crate::fault_codes::{Blame, fault_codes};
use bytecode::Image;
use bytecode::image::{PouKind, SourcePlace};
use core::fmt;

fault_codes! {
    /// Why a scan ended early.
    TrapCode
    DivisionByZero "F01" Program "integer division or MOD by zero"
        "test the divisor before dividing, for example `IF n <> 0 THEN ... END_IF`";
    IndexOutOfBounds "F02" Program "array index out of bounds"
        "limit the index to the declared bounds, for example with LIMIT, or declare a larger array";
    BudgetSpent "F03" Program "scan budget spent"
        "look for a loop that does not end; if the program is right, give the scan a larger budget";
    UnboundReference "F04" Program "VAR_IN_OUT used before it was given a variable"
        "give every VAR_IN_OUT parameter a variable in the call";
    EngineDefect "F05" Platform "the engine met a state that verified code cannot reach"
        "this is a defect of plcrun: please report it with the image";
}

/// How a scan ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Trap {
    /// Why.
    pub code: TrapCode,
    /// The canonical instruction that could not be completed.
    pub pc: u32,
    /// The instruction of the program's own body that was being run: `pc` itself, or the call that led there.
    pub via: u32,
    /// The index that was out of bounds, the number of the unbound reference, or 0.
    pub value: i64,
}

/// Where in the source a trap happened, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrapPlace {
    /// Why.
    pub code: TrapCode,
    /// What happened, with the value, such as `array index out of bounds: 11`.
    pub text: String,
    /// Kind and name of the POU, such as `PROGRAM Pump`; empty when the image does not say.
    pub pou: String,
    /// Label of the rung; empty outside a ladder.
    pub rung: String,
    /// Title of the rung; empty without one.
    pub rung_title: String,
    /// Source file; empty when the image does not say.
    pub file: String,
    /// Line from 1; 0 when the image does not say.
    pub line: u32,
    /// Column from 1; 0 when the image does not say.
    pub column: u32,
}

impl Trap {
    /// Finds program unit, rung, file, line and column of a trap.
    #[must_use]
    pub fn describe(&self, image: &Image) -> TrapPlace {
        let text = match self.code {
            TrapCode::IndexOutOfBounds => format!("{}: {}", self.code.text(), self.value),
            TrapCode::UnboundReference => format!("{} (parameter {})", self.code.text(), self.value.saturating_add(1)),
            TrapCode::DivisionByZero | TrapCode::BudgetSpent | TrapCode::EngineDefect => self.code.text().to_owned(),
        };
        let pou = image.pou_at(self.pc).map_or_else(String::new, |p| format!("{} {}", kind_name(p.kind), p.name));
        let place = image.source_place(self.pc);
        // A body that several rungs call has no rung of its own: then the rung that called it was being run.
        let rung_of = |place: Option<&SourcePlace>| place.and_then(|p| image.debug.rungs.get(p.rung as usize));
        let rung = rung_of(place).or_else(|| rung_of(image.source_place(self.via)));
        let file = place.and_then(|p| image.debug.files.get(p.file as usize));
        TrapPlace {
            code: self.code,
            text,
            pou,
            rung: rung.map(|r| r.label.clone()).unwrap_or_default(),
            rung_title: rung.map(|r| r.title.clone()).unwrap_or_default(),
            file: file.cloned().unwrap_or_default(),
            line: place.map_or(0, |p| p.line),
            column: place.map_or(0, |p| p.column),
        }
    }
}

const fn kind_name(kind: PouKind) -> &'static str {
    match kind {
        PouKind::Program => "PROGRAM",
        PouKind::FunctionBlock => "FUNCTION_BLOCK",
        PouKind::Function => "FUNCTION",
    }
}

impl fmt::Display for TrapPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.code(), self.text)?;
        if !self.pou.is_empty() {
            write!(f, " in {}", self.pou)?;
        }
        if !self.rung.is_empty() {
            write!(f, ", rung {}", self.rung)?;
            if !self.rung_title.is_empty() {
                write!(f, " \"{}\"", self.rung_title)?;
            }
        }
        if !self.file.is_empty() {
            write!(f, ", {}:{}:{}", self.file, self.line, self.column)?;
        }
        write!(f, "; {}", self.code.remedy())
    }
}
