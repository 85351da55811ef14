//! Finds the lines of a map on the chips of the machine. Runs before the scan thread scans; allocates freely.

use super::chip::AnyChip;
use super::error::OpenError;
use crate::config::{GpioLine, Line};
use crate::io::LINES_PER_REQUEST_MAX;
use crate::io::file_chip::FileChip;
use std::path::{Path, PathBuf};

/// Lines of one chip, found but not requested.
#[derive(Debug)]
pub(super) struct Found {
    /// The chip, open.
    pub(super) chip: AnyChip,
    /// Its lines in the order in which they were asked for.
    pub(super) lines: Vec<FoundLine>,
}

/// One line, found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FoundLine {
    /// Position in the list of what was asked for.
    pub(super) index: usize,
    /// Low means TRUE.
    pub(super) active_low: bool,
    /// Number on the chip.
    pub(super) offset: u32,
}

impl Found {
    /// Numbers on the chip, as a request takes them.
    pub(super) fn offsets(&self) -> Vec<u32> {
        self.lines.iter().map(|line| line.offset).collect()
    }
}

/// Finds lines of one direction, chip by chip. They exist, fit in one request per chip, and none is meant twice; whether
/// they are free is looked at when they are requested.
pub(super) fn find<'l>(lines: impl Iterator<Item = &'l GpioLine>) -> Result<Vec<Found>, OpenError> {
    let mut chips = Chips::default();
    let mut found: Vec<Found> = Vec::new();
    for (index, line) in lines.enumerate() {
        let (at, offset) = chips.locate(line, &mut found)?;
        if let Some(chip) = found.get_mut(at) {
            chip.lines.push(FoundLine { index, active_low: line.active_low, offset });
        }
    }
    for chip in &found {
        if chip.lines.len() > LINES_PER_REQUEST_MAX {
            return Err(OpenError::TooMany { chip: chip.chip.name() });
        }
        let mut offsets = chip.offsets();
        offsets.sort_unstable();
        if let Some([line, _]) = offsets.array_windows::<2>().find(|[a, b]| a == b) {
            return Err(OpenError::Twice { chip: chip.chip.name(), line: *line });
        }
    }
    Ok(found)
}

/// The chips of the machine, opened when they are needed.
#[derive(Default)]
struct Chips {
    paths: Option<Vec<PathBuf>>,
}

impl Chips {
    /// Position in `found` (opened when new) and number of a line.
    fn locate(&mut self, line: &GpioLine, found: &mut Vec<Found>) -> Result<(usize, u32), OpenError> {
        let chip = match &line.chip {
            Some(name) => Some(self.chip(name)?),
            None => None,
        };
        let (chip, offset) = match (&line.line, chip) {
            (Line::Offset(offset), Some(chip)) => (chip, *offset),
            (Line::Offset(offset), None) => {
                return Err(OpenError::NoSuchName { line: offset.to_string(), chips: "no chip".to_owned() });
            }
            (Line::Name(name), Some(chip)) => {
                let offset = chip.named(name)?.first().copied();
                let chips = chip.name();
                (chip, offset.ok_or_else(|| OpenError::NoSuchName { line: name.clone(), chips })?)
            }
            (Line::Name(name), None) => self.line_on_any_chip(name)?,
        };
        let count = chip.count();
        if offset >= count {
            return Err(OpenError::NoSuchLine { chip: chip.name(), line: offset, count });
        }
        let position = found.iter().position(|f| f.chip.name() == chip.name());
        Ok((
            position.unwrap_or_else(|| {
                found.push(Found { chip, lines: Vec::new() });
                found.len().saturating_sub(1)
            }),
            offset,
        ))
    }

    fn paths(&mut self) -> Result<&[PathBuf], OpenError> {
        if self.paths.is_none() {
            let mut paths = Vec::new();
            let entries = std::fs::read_dir("/dev").map_err(|e| OpenError::System {
                chip: "/dev".to_owned(),
                action: "list it",
                cause: e.to_string(),
            })?;
            for entry in entries.flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                let number = name.strip_prefix("gpiochip");
                if number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())) {
                    paths.push(entry.path());
                }
            }
            paths.sort();
            self.paths = Some(paths);
        }
        match self.paths.as_deref() {
            Some([]) | None => Err(OpenError::NoChips),
            Some(paths) => Ok(paths),
        }
    }

    /// A chip by path, device name or label, or a file chip.
    fn chip(&mut self, wanted: &str) -> Result<AnyChip, OpenError> {
        if let Some(path) = FileChip::path_in(wanted) {
            return FileChip::open(path).map(AnyChip::File).map_err(OpenError::FileChip);
        }
        let paths = self.paths()?;
        if let Some(path) = paths.iter().find(|p| p.ends_with(wanted) || Path::new(wanted) == p.as_path()) {
            return AnyChip::open(path);
        }
        // A path may also be a link made by a udev rule.
        if wanted.starts_with('/') && Path::new(wanted).exists() {
            return AnyChip::open(Path::new(wanted));
        }
        let mut existing = Vec::new();
        for path in paths {
            let chip = AnyChip::open(path)?;
            if chip.label() == wanted || chip.name() == wanted {
                return Ok(chip);
            }
            existing.push(format!("`{}` (label `{}`)", chip.name(), chip.label()));
        }
        Err(OpenError::ChipMissing { chip: wanted.to_owned(), existing: existing.join(", ") })
    }

    fn line_on_any_chip(&mut self, name: &str) -> Result<(AnyChip, u32), OpenError> {
        let mut places: Vec<(AnyChip, u32)> = Vec::new();
        let mut searched = Vec::new();
        for path in self.paths()? {
            let chip = AnyChip::open(path)?;
            searched.push(chip.name());
            for offset in chip.named(name)? {
                places.push((AnyChip::open(path)?, offset));
            }
        }
        if places.len() > 1 {
            let list = places.iter().map(|(c, o)| format!("line {o} of {}", c.name())).collect::<Vec<_>>().join(", ");
            return Err(OpenError::NameTwice { line: name.to_owned(), places: list });
        }
        places.pop().ok_or_else(|| OpenError::NoSuchName { line: name.to_owned(), chips: searched.join(", ") })
    }
}
