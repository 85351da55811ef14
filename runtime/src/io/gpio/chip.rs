//! A chip of whatever kind, while its lines are looked for and requested. Allocates freely; nothing of it is scanned.

use super::error::OpenError;
use super::port::{AnyPort, LineFile};
use super::{LINES_PER_REQUEST_MAX, Levels};
use crate::io::file_chip::{FileChip, PREFIX};
use gpio_cdev::{Chip, LineRequestFlags};
use std::error::Error;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The name under which lines are held; `gpioinfo` shows it.
const CONSUMER: &str = "plcrun";

/// Which way a request's lines work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// Read.
    Input,
    /// Written; the request itself sets these levels.
    Output(Levels),
}

/// An open chip.
#[derive(Debug)]
pub(super) enum AnyChip {
    /// A GPIO character device of the kernel.
    Kernel(Chip),
    /// Lines in a file that several processes map.
    File(FileChip),
}

impl AnyChip {
    /// Opens a character device.
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        Chip::new(path).map(Self::Kernel).map_err(|error| {
            let shown = path.display().to_string();
            match cause(&error).as_str() {
                "EACCES" | "EPERM" => OpenError::NoPermission { path: shown, group: device_group(path) },
                "ENOENT" => OpenError::ChipMissing { chip: shown, existing: "others".to_owned() },
                _ => explain(&shown, "open it", &error),
            }
        })
    }

    /// The name messages and [`super::Gpio::chip_names`] use. One chip has one name, however it was found.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Kernel(chip) => chip.name().to_owned(),
            Self::File(chip) => format!("{PREFIX}{}", chip.path().display()),
        }
    }

    /// The label its driver gives it.
    pub(super) fn label(&self) -> String {
        match self {
            Self::Kernel(chip) => chip.label().to_owned(),
            Self::File(_) => self.name(),
        }
    }

    /// Number of its lines.
    pub(super) fn count(&self) -> u32 {
        match self {
            Self::Kernel(chip) => chip.num_lines(),
            Self::File(chip) => chip.lines(),
        }
    }

    /// Numbers of its lines of this name.
    pub(super) fn named(&self, name: &str) -> Result<Vec<u32>, OpenError> {
        match self {
            Self::Kernel(chip) => {
                let mut offsets = Vec::new();
                for line in chip.lines() {
                    let info = line.info().map_err(|e| explain(chip.name(), "ask about its lines", &e))?;
                    if info.name() == Some(name) {
                        offsets.push(line.offset());
                    }
                }
                Ok(offsets)
            }
            // Its lines have numbers only.
            Self::File(_) => Ok(Vec::new()),
        }
    }

    /// Is the line there, and does nobody hold it?
    pub(super) fn check_free(&mut self, offset: u32) -> Result<(), OpenError> {
        match self {
            Self::Kernel(chip) => {
                let name = chip.name().to_owned();
                let count = chip.num_lines();
                let line = chip.get_line(offset);
                let line = line.map_err(|_| OpenError::NoSuchLine { chip: name.clone(), line: offset, count })?;
                let info = line.info().map_err(|e| explain(&name, "ask about a line", &e))?;
                // A line that nobody holds may still be set as an output, as its last user left it: that is no use.
                if info.is_kernel() || info.consumer().is_some() {
                    let by = info.consumer().map_or_else(|| "the kernel".to_owned(), |c| format!("`{c}`"));
                    return Err(OpenError::InUse { chip: name, line: offset, by });
                }
                Ok(())
            }
            Self::File(chip) if offset >= chip.lines() => {
                let count = chip.lines();
                Err(OpenError::NoSuchLine { chip: self.name(), line: offset, count })
            }
            Self::File(chip) if chip.is_held(offset) => Err(in_use(chip, offset)),
            Self::File(_) => Ok(()),
        }
    }

    /// Takes lines in one request.
    pub(super) fn request(&mut self, offsets: &[u32], direction: Direction) -> Result<AnyPort, OpenError> {
        let name = self.name();
        match self {
            Self::Kernel(chip) => {
                let (flags, levels) = match direction {
                    Direction::Input => (LineRequestFlags::INPUT, [0; LINES_PER_REQUEST_MAX]),
                    Direction::Output(levels) => (LineRequestFlags::OUTPUT, levels),
                };
                let values = levels.get(..offsets.len()).ok_or_else(|| OpenError::TooMany { chip: name.clone() })?;
                let lines = chip.get_lines(offsets).map_err(|e| explain(&name, "name the lines", &e))?;
                match lines.request(flags, values, CONSUMER) {
                    Ok(handle) => Ok(AnyPort::Line(LineFile::new(handle))),
                    // Somebody took a line between our look and our request: look again, to say who.
                    Err(e) if cause(&e) == "EBUSY" => {
                        for offset in offsets {
                            self.check_free(*offset)?;
                        }
                        Err(explain(&name, "request the lines", &e))
                    }
                    Err(e) => Err(explain(&name, "request the lines", &e)),
                }
            }
            Self::File(chip) => {
                let output = match direction {
                    Direction::Input => None,
                    Direction::Output(levels) => Some(levels),
                };
                chip.request(offsets, output.as_ref()).map(AnyPort::File).map_err(|line| in_use(chip, line))
            }
        }
    }
}

fn in_use(chip: &FileChip, line: u32) -> OpenError {
    let by = format!("process {}", chip.holder(line));
    OpenError::InUse { chip: format!("{PREFIX}{}", chip.path().display()), line, by }
}

/// Name of the group that may use the device; `None` when that is root's.
pub(crate) fn device_group(path: &Path) -> Option<String> {
    let gid = std::fs::metadata(path).ok()?.gid();
    if gid == 0 {
        return None;
    }
    let groups = std::fs::read_to_string("/etc/group").unwrap_or_default();
    group_name(&groups, gid).or_else(|| Some(gid.to_string()))
}

/// The name of a group in the text of /etc/group: `name:password:number:members`.
fn group_name(groups: &str, gid: u32) -> Option<String> {
    let number = gid.to_string();
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1) == Some(number.as_str())).then(|| name.to_owned())
    })
}

/// The system's name of an error, such as `EBUSY`; empty where there is none. gpio-cdev keeps its kind to itself and
/// gives the cause as an error of `std` or of a crate of its own, whose text begins with the name.
fn cause(error: &gpio_cdev::Error) -> String {
    let Some(source) = error.source() else { return String::new() };
    if let Some(io) = source.downcast_ref::<std::io::Error>() {
        return match io.raw_os_error() {
            Some(libc::EACCES | libc::EPERM) => "EACCES".to_owned(),
            Some(libc::ENOENT) => "ENOENT".to_owned(),
            Some(_) | None => String::new(),
        };
    }
    source.to_string().split(':').next().unwrap_or_default().to_owned()
}

fn explain(chip: &str, action: &'static str, error: &gpio_cdev::Error) -> OpenError {
    match cause(error).as_str() {
        // A kernel without version 1 answers its requests so.
        "EINVAL" | "ENOTTY" => OpenError::NoVersion1 { chip: chip.to_owned() },
        _ => OpenError::System { chip: chip.to_owned(), action, cause: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_name_of_a_group() {
        let groups = "root:x:0:\ngpio:x:997:pi,plc\nspi:x:999:\n";
        assert_eq!(group_name(groups, 997).as_deref(), Some("gpio"));
        assert_eq!(group_name(groups, 42), None);
        assert_eq!(group_name("broken\n::\n", 1), None);
    }
}
