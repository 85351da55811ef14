//! Why a line cannot be had, in words that say what to do.

use crate::io::LINES_PER_REQUEST_MAX;
use crate::io::expander::ExpanderError;
use crate::io::file_chip::ChipError;
use std::fmt;

/// Why a line cannot be had. Each says what to do; whoever prints it puts [`OpenError::code`] in front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// The machine has no GPIO chip at all.
    NoChips,
    /// No chip of this name, path or label.
    ChipMissing {
        /// As written in the map.
        chip: String,
        /// Chips that exist, with their labels.
        existing: String,
    },
    /// This user may not open the chip.
    NoPermission {
        /// Device path.
        path: String,
        /// Group that may, where there is one.
        group: Option<String>,
    },
    /// The chip has no line of this number.
    NoSuchLine {
        /// Device name.
        chip: String,
        /// As written in the map.
        line: u32,
        /// Number of lines it has.
        count: u32,
    },
    /// No line has this name.
    NoSuchName {
        /// As written in the map.
        line: String,
        /// Where it was looked for.
        chips: String,
    },
    /// Several lines have this name.
    NameTwice {
        /// As written in the map.
        line: String,
        /// Where it was found.
        places: String,
    },
    /// Somebody else holds the line.
    InUse {
        /// Device name.
        chip: String,
        /// Number on the chip.
        line: u32,
        /// Who holds it, as the kernel says.
        by: String,
    },
    /// One line is meant by two entries of the map.
    Twice {
        /// Device name.
        chip: String,
        /// Number on the chip.
        line: u32,
    },
    /// More lines of one chip and direction than a request holds.
    TooMany {
        /// Device name.
        chip: String,
    },
    /// The kernel was built without the interface this program uses.
    NoVersion1 {
        /// Device name.
        chip: String,
    },
    /// The file of a file chip cannot be used.
    FileChip(ChipError),
    /// Anything else the system said.
    System {
        /// Device name or path.
        chip: String,
        /// What was tried.
        action: &'static str,
        /// The system's own words.
        cause: String,
    },
    /// A port expander cannot be had.
    Expander(ExpanderError),
}

impl OpenError {
    /// The stable code, such as `L003`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoChips => "L001",
            Self::ChipMissing { .. } => "L002",
            Self::NoPermission { .. } => "L003",
            Self::NoSuchLine { .. } => "L004",
            Self::NoSuchName { .. } => "L005",
            Self::NameTwice { .. } => "L006",
            Self::InUse { .. } => "L007",
            Self::Twice { .. } => "L008",
            Self::TooMany { .. } => "L009",
            Self::NoVersion1 { .. } => "L010",
            Self::System { .. } => "L011",
            Self::FileChip(_) => "L012",
            Self::Expander(error) => error.code(),
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoChips => f.write_str(
                "this machine has no GPIO chip (no /dev/gpiochip*): run on a map without `gpio`, or load the chip's driver",
            ),
            Self::ChipMissing { chip, existing } => {
                write!(f, "there is no GPIO chip `{chip}`; this machine has {existing}: correct `chip:` in the map")
            }
            Self::NoPermission { path, group } => match group {
                Some(group) => write!(
                    f,
                    "this user may not open {path}: add the user to the group `{group}` (usermod -aG {group} USER) and log in again"
                ),
                None => write!(
                    f,
                    "this user may not open {path}, which belongs to root alone: give it a group by a udev rule, see docs/io.md"
                ),
            },
            Self::NoSuchLine { chip, line, count } => write!(
                f,
                "{chip} has no line {line}: it has lines 0 to {}; correct `line:` in the map",
                count.saturating_sub(1)
            ),
            Self::NoSuchName { line, chips } => {
                write!(f, "no line is named `{line}` on {chips}: `gpioinfo` lists the names; correct `line:` in the map")
            }
            Self::NameTwice { line, places } => {
                write!(f, "several lines are named `{line}` ({places}): add `chip:` or give the line's number")
            }
            Self::InUse { chip, line, by } => {
                write!(f, "line {line} of {chip} is in use by {by}: end that program or driver, or take another line")
            }
            Self::Twice { chip, line } => {
                write!(f, "line {line} of {chip} stands in the map twice, once by number and once by name: take one out")
            }
            Self::TooMany { chip } => write!(
                f,
                "more than {LINES_PER_REQUEST_MAX} lines of {chip} in one direction: the kernel takes no more in one request"
            ),
            Self::NoVersion1 { chip } => write!(
                f,
                "the kernel refuses version 1 of the GPIO interface on {chip}: it needs the option CONFIG_GPIO_CDEV_V1"
            ),
            Self::FileChip(error) => error.fmt(f),
            Self::System { chip, action, cause } => write!(f, "{chip}: cannot {action}: {cause}"),
            Self::Expander(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for OpenError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_says_what_to_do() {
        let text = |e: OpenError| e.to_string();
        let chip = || "gpiochip0".to_owned();
        assert_eq!(
            text(OpenError::NoPermission { path: "/dev/gpiochip0".to_owned(), group: Some("gpio".to_owned()) }),
            "this user may not open /dev/gpiochip0: add the user to the group `gpio` (usermod -aG gpio USER) and log in again"
        );
        assert_eq!(
            text(OpenError::NoSuchLine { chip: chip(), line: 60, count: 54 }),
            "gpiochip0 has no line 60: it has lines 0 to 53; correct `line:` in the map"
        );
        assert_eq!(
            text(OpenError::InUse { chip: chip(), line: 17, by: "`spi0 CS0`".to_owned() }),
            "line 17 of gpiochip0 is in use by `spi0 CS0`: end that program or driver, or take another line"
        );
        assert!(text(OpenError::NoVersion1 { chip: chip() }).contains("CONFIG_GPIO_CDEV_V1"));
    }
}
