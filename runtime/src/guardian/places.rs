//! Where in the program the scan was: a directory of places that the scan process writes and the guardian reads after a death.
//!
//! An engine leaves word of where it is as a number ([`crate::vm::Engine::observe`]), one store at every entry of a unit and at loops. What
//! the number means only the scan process knows, which has the program; but then it may be dead. So it writes the meaning of every number into a file in
//! memory that both processes have open, before its first scan. The guardian reads the one row it needs, without allocating.
//!
//! The file: a head of four numbers (programs, marks, rows, 0), the programs' names, the row of each mark (0 for none, else from 1), the rows. All of fixed size, little-endian.

use super::text::Text;
use crate::vm::{Trap, TrapCode};
use bytecode::Image;
use rustix::fs::{MemfdFlags, memfd_create};
use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// Longest place.
pub const PLACE_BYTES: usize = 208;
/// Bytes kept of a program's name, a unit, a rung's label and a place in a file. With three separators they are one place.
const PROGRAM_BYTES: usize = 24;
const UNIT_BYTES: usize = 56;
const RUNG_BYTES: usize = 53;
const SOURCE_BYTES: usize = 72;
/// One row: unit, rung and place in the file, with two separators.
const ROW_BYTES: usize = UNIT_BYTES + RUNG_BYTES + SOURCE_BYTES + 2;
const HEAD_BYTES: usize = 16;
/// Most places: 3 MB of memory. Entries of units and heads of loops beyond it have none.
const ROWS_MAX: usize = 16_384;
/// Between the parts of a place; no name has it.
const BETWEEN: char = '\u{1f}';

const _: () = assert!(PROGRAM_BYTES + 1 + ROW_BYTES == PLACE_BYTES);

/// A place in the program, in words; empty where nothing is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(Text<PLACE_BYTES>);

impl Place {
    /// Nowhere.
    pub const UNKNOWN: Self = Self(Text::new());

    /// As it is kept: program, unit, rung, and file with line and column, separated.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Back from [`Self::as_bytes`], zero-filled or not.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        let len = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        let mut text = Text::new();
        text.set(format_args!("{}", std::str::from_utf8(bytes.get(..len).unwrap_or_default()).unwrap_or_default()));
        Self(text)
    }

    /// Program instance, unit, rung, and `file:line:column`; each may be empty.
    #[must_use]
    pub fn parts(&self) -> [&str; 4] {
        let text = std::str::from_utf8(self.as_bytes()).unwrap_or_default();
        let mut parts = text.splitn(4, BETWEEN);
        std::array::from_fn(|_| parts.next().unwrap_or_default())
    }

    /// Is nothing known?
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.as_bytes().is_empty()
    }
}

impl fmt::Display for Place {
    /// `program main, PROGRAM Main, rung spin, pump.ld:12:3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [program, unit, rung, source] = self.parts();
        let words = [("program ", program), ("", unit), ("rung ", rung), ("", source)];
        for (index, (word, part)) in words.iter().filter(|(_, part)| !part.is_empty()).enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{word}{part}")?;
        }
        Ok(())
    }
}

/// The directory.
#[derive(Debug)]
pub struct Places(File);

impl Places {
    /// An empty one. Make it before the fork.
    ///
    /// # Errors
    /// The system's.
    pub fn make() -> std::io::Result<Self> {
        Ok(Self(File::from(memfd_create("places", MemfdFlags::CLOEXEC)?)))
    }

    /// Writes what an engine's marks mean: for each mark its canonical instruction. Allocates; before the first scan.
    ///
    /// # Errors
    /// The system has no memory.
    pub fn fill(&self, image: &Image, marks: &[(u32, u32)]) -> std::io::Result<()> {
        let mut rows: Vec<u8> = Vec::new();
        let mut known: HashMap<u32, u32> = HashMap::new();
        let count = marks.iter().map(|(mark, _)| *mark as usize + 1).max().unwrap_or(0);
        let mut index = vec![0_u8; count * 4];
        for (mark, pc) in marks {
            let row = match known.get(pc) {
                Some(row) => *row,
                None if known.len() >= ROWS_MAX => continue,
                None => {
                    let row = u32::try_from(known.len() + 1).unwrap_or(0);
                    known.insert(*pc, row);
                    rows.extend(row_of(image, *pc));
                    row
                }
            };
            if let Some(to) = index.get_mut(*mark as usize * 4..).and_then(|rest| rest.first_chunk_mut()) {
                *to = row.to_le_bytes();
            }
        }
        let number = |n: usize| u32::try_from(n).unwrap_or(0).to_le_bytes();
        let mut bytes = [number(image.programs.len()), number(count), number(known.len()), number(0)].concat();
        for program in &image.programs {
            let mut name = program.name.as_bytes().to_vec();
            name.resize(PROGRAM_BYTES, 0);
            bytes.extend(name);
        }
        bytes.extend(index);
        bytes.extend(rows);
        self.0.set_len(0)?;
        self.0.write_all_at(&bytes, 0)
    }

    /// What a program and a mark mean. Does not allocate.
    #[must_use]
    pub fn find(&self, program: u32, mark: u32) -> Place {
        self.look(program, mark).unwrap_or(Place::UNKNOWN)
    }

    fn look(&self, program: u32, mark: u32) -> Option<Place> {
        let head: [u8; HEAD_BYTES] = self.bytes(0)?;
        let [programs, marks, rows] = [0, 4, 8].map(|at| number_at(&head, at));
        if program >= programs || mark >= marks {
            return None;
        }
        let name: [u8; PROGRAM_BYTES] = self.bytes(HEAD_BYTES as u64 + u64::from(program) * PROGRAM_BYTES as u64)?;
        let index_at = HEAD_BYTES as u64 + u64::from(programs) * PROGRAM_BYTES as u64;
        let row = u32::from_le_bytes(self.bytes(index_at + u64::from(mark) * 4)?);
        let row = row.checked_sub(1).filter(|row| *row < rows)?;
        let row: [u8; ROW_BYTES] = self.bytes(index_at + u64::from(marks) * 4 + u64::from(row) * ROW_BYTES as u64)?;
        let mut text = Text::new();
        text.set(format_args!("{}{BETWEEN}{}", until_zero(&name), until_zero(&row)));
        Some(Place(text))
    }

    fn bytes<const N: usize>(&self, at: u64) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        self.0.read_exact_at(&mut bytes, at).ok()?;
        Some(bytes)
    }
}

fn number_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().map_or(0, u32::from_le_bytes)
}

/// The text of a zero-filled field; whole characters of one that was cut.
fn until_zero(bytes: &[u8]) -> &str {
    let len = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let text = bytes.get(..len).unwrap_or_default();
    match std::str::from_utf8(text) {
        Ok(text) => text,
        Err(e) => text.get(..e.valid_up_to()).and_then(|whole| std::str::from_utf8(whole).ok()).unwrap_or_default(),
    }
}

/// Unit, rung and source of an instruction, as the budget's fault would name them.
fn row_of(image: &Image, pc: u32) -> Vec<u8> {
    let place = Trap { code: TrapCode::BudgetSpent, pc, via: pc, value: 0 }.describe(image);
    let source = match place.file.as_str() {
        "" => String::new(),
        file => format!("{file}:{}:{}", place.line, place.column),
    };
    let (unit, rung) = (head(&place.pou, UNIT_BYTES), head(&place.rung, RUNG_BYTES));
    let mut row = format!("{unit}{BETWEEN}{rung}{BETWEEN}{}", tail(&source, SOURCE_BYTES)).into_bytes();
    row.resize(ROW_BYTES, 0);
    row
}

fn head(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

/// The end of a path tells more than its start.
fn tail(text: &str, most: usize) -> &str {
    let least = text.len().saturating_sub(most);
    let start = (least..=text.len()).find(|start| text.is_char_boundary(*start)).unwrap_or(text.len());
    text.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytecode::PouId;
    use bytecode::image::{Debug, Pou, PouKind, ProgramInstance, Rung, SourcePlace};

    fn image(file: &str, rung: &str) -> Image {
        let pou = |name: &str, kind, entry, end| Pou {
            name: name.to_owned(),
            kind,
            entry,
            end,
            instance: None,
            references: Vec::new(),
        };
        let place = |pc, rung, line| SourcePlace { pc, file: 0, line, column: 3, rung };
        Image {
            pous: vec![pou("Main", PouKind::Program, 0, 10), pou("Filter", PouKind::FunctionBlock, 10, 20)],
            programs: vec![
                ProgramInstance { name: "main".to_owned(), pou: PouId(0), offset: 0 },
                ProgramInstance { name: "second".to_owned(), pou: PouId(0), offset: 8 },
            ],
            debug: Debug {
                files: vec![file.to_owned()],
                rungs: vec![Rung { pou: PouId(0), label: rung.to_owned(), title: String::new(), file: 0, line: 12 }],
                places: vec![place(0, u32::MAX, 1), place(4, 0, 12), place(10, u32::MAX, 30)],
            },
            ..Image::default()
        }
    }

    #[test]
    fn a_mark_is_found_with_program_unit_rung_and_line() {
        let places = Places::make().unwrap();
        assert!(places.find(0, 0).is_unknown(), "nothing was written yet");
        places.fill(&image("pump.ld", "spin"), &[(3, 0), (7, 4), (9, 4), (12, 10)]).unwrap();
        let text = |program, mark| places.find(program, mark).to_string();
        assert_eq!(text(0, 7), "program main, PROGRAM Main, rung spin, pump.ld:12:3");
        assert_eq!(text(1, 9), "program second, PROGRAM Main, rung spin, pump.ld:12:3");
        assert_eq!(text(0, 12), "program main, FUNCTION_BLOCK Filter, pump.ld:30:3");
        for (program, mark) in [(0, 4), (0, 13), (2, 7), (u32::MAX, u32::MAX)] {
            assert!(places.find(program, mark).is_unknown(), "{program} {mark}");
        }
        // A new scan process writes anew.
        places.fill(&image("other.ld", "turn"), &[(0, 4)]).unwrap();
        assert_eq!(text(0, 0), "program main, PROGRAM Main, rung turn, other.ld:12:3");
        assert!(places.find(0, 7).is_unknown());
    }

    #[test]
    fn long_names_are_cut_at_whole_characters_and_places_come_back_from_bytes() {
        let places = Places::make().unwrap();
        places.fill(&image(&"ä/".repeat(100), &"ö".repeat(60)), &[(0, 4)]).unwrap();
        let place = places.find(0, 0);
        let [program, unit, rung, source] = place.parts();
        assert_eq!((program, unit), ("main", "PROGRAM Main"));
        assert!(rung.starts_with("ööö") && rung.len() <= RUNG_BYTES, "{rung}");
        assert!(source.ends_with("ä/:12:3") && source.len() <= SOURCE_BYTES, "{source}");
        let mut bytes = place.as_bytes().to_vec();
        bytes.resize(PLACE_BYTES, 0);
        assert_eq!(Place::of_bytes(&bytes), place);
        assert!(Place::of_bytes(&[0; 9]).is_unknown() && Place::of_bytes(&[0xff, 0xfe]).is_unknown());
    }
}
