//! Finds chips and lines, and requests them. Runs before the scan thread scans; allocates freely.

use super::{Gpio, InputRequest, Levels, LineFile, OutputRequest, wanted};
use crate::config::{GpioLine, InputId, IoMap, Line};
use crate::io::LINES_PER_REQUEST_MAX;
use gpio_cdev::{Chip, LineRequestFlags};
use relay::{ChannelId, Permitted};
use std::error::Error;
use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The name under which lines are held; `gpioinfo` shows it.
const CONSUMER: &str = "plcrun";

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
    /// Anything else the system said.
    System {
        /// Device name or path.
        chip: String,
        /// What was tried.
        action: &'static str,
        /// The system's own words.
        cause: String,
    },
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
            Self::System { chip, action, cause } => write!(f, "{chip}: cannot {action}: {cause}"),
        }
    }
}

impl std::error::Error for OpenError {}

/// Lines of one chip, found but not requested.
struct Found {
    chip: Chip,
    inputs: Vec<(InputId, bool, u32)>,
    outputs: Vec<(ChannelId, bool, u32)>,
}

pub(super) fn open(map: &IoMap, permitted: &Permitted) -> Result<Gpio, OpenError> {
    let (inputs, outputs) = wanted(map);
    let mut chips = Chips::default();
    let mut found: Vec<Found> = Vec::new();
    for (id, line) in &inputs {
        let (at, offset) = chips.locate(line, &mut found)?;
        if let Some(chip) = found.get_mut(at) {
            chip.inputs.push((*id, line.active_low, offset));
        }
    }
    for (id, line) in &outputs {
        let (at, offset) = chips.locate(line, &mut found)?;
        if let Some(chip) = found.get_mut(at) {
            chip.outputs.push((*id, line.active_low, offset));
        }
    }
    for chip in &found {
        check_lines(chip)?;
    }
    let (mut names, mut in_requests, mut out_requests) = (Vec::new(), Vec::new(), Vec::new());
    for mut chip in found {
        let number = u8::try_from(names.len()).unwrap_or(u8::MAX);
        names.push(chip.chip.name().to_owned());
        // Outputs first: they must hold their levels before anything else can go wrong.
        out_requests.extend(request_outputs(&mut chip, number, permitted)?);
        in_requests.extend(request_inputs(&mut chip, number)?);
    }
    Ok(Gpio::from_parts(names, in_requests, out_requests))
}

fn request_outputs(
    found: &mut Found,
    number: u8,
    permitted: &Permitted,
) -> Result<Option<OutputRequest<LineFile>>, OpenError> {
    if found.outputs.is_empty() {
        return Ok(None);
    }
    let mut levels: Levels = [0; LINES_PER_REQUEST_MAX];
    for ((channel, active_low, _), level) in found.outputs.iter().zip(&mut levels) {
        *level = u8::from(permitted.channel(*channel).line != *active_low);
    }
    let offsets: Vec<u32> = found.outputs.iter().map(|(_, _, offset)| *offset).collect();
    let port = request(&mut found.chip, &offsets, LineRequestFlags::OUTPUT, &levels)?;
    let lines = found.outputs.iter().map(|(id, active_low, _)| (*id, *active_low)).collect();
    Ok(Some(OutputRequest { port, chip: number, lines, levels }))
}

fn request_inputs(found: &mut Found, number: u8) -> Result<Option<InputRequest<LineFile>>, OpenError> {
    if found.inputs.is_empty() {
        return Ok(None);
    }
    let levels: Levels = [0; LINES_PER_REQUEST_MAX];
    let offsets: Vec<u32> = found.inputs.iter().map(|(_, _, offset)| *offset).collect();
    let port = request(&mut found.chip, &offsets, LineRequestFlags::INPUT, &levels)?;
    let lines = found.inputs.iter().map(|(id, active_low, _)| (*id, *active_low)).collect();
    Ok(Some(InputRequest { port, chip: number, lines, levels }))
}

fn request(chip: &mut Chip, offsets: &[u32], flags: LineRequestFlags, levels: &Levels) -> Result<LineFile, OpenError> {
    let name = chip.name().to_owned();
    let values = levels.get(..offsets.len()).ok_or_else(|| OpenError::TooMany { chip: name.clone() })?;
    let lines = chip.get_lines(offsets).map_err(|e| explain(&name, "name the lines", &e))?;
    match lines.request(flags, values, CONSUMER) {
        Ok(handle) => Ok(LineFile::new(handle)),
        // Somebody took a line between our look and our request: look again, to say who.
        Err(e) if cause(&e) == "EBUSY" => {
            for offset in offsets {
                check_free(chip, *offset)?;
            }
            Err(explain(&name, "request the lines", &e))
        }
        Err(e) => Err(explain(&name, "request the lines", &e)),
    }
}

/// Are the lines of a chip there, free, few enough and not meant twice?
fn check_lines(found: &Found) -> Result<(), OpenError> {
    let name = || found.chip.name().to_owned();
    if found.inputs.len() > LINES_PER_REQUEST_MAX || found.outputs.len() > LINES_PER_REQUEST_MAX {
        return Err(OpenError::TooMany { chip: name() });
    }
    let mut offsets: Vec<u32> = found.inputs.iter().map(|l| l.2).chain(found.outputs.iter().map(|l| l.2)).collect();
    offsets.sort_unstable();
    if let Some([line, _]) = offsets.array_windows::<2>().find(|[a, b]| a == b) {
        return Err(OpenError::Twice { chip: name(), line: *line });
    }
    let mut chip = Chip::new(found.chip.path()).map_err(|e| explain(&name(), "open it", &e))?;
    offsets.iter().try_for_each(|offset| check_free(&mut chip, *offset))
}

fn check_free(chip: &mut Chip, offset: u32) -> Result<(), OpenError> {
    let name = chip.name().to_owned();
    let count = chip.num_lines();
    let line = chip.get_line(offset).map_err(|_| OpenError::NoSuchLine { chip: name.clone(), line: offset, count })?;
    let info = line.info().map_err(|e| explain(&name, "ask about a line", &e))?;
    // A line that nobody holds may still be set as an output, as its last user left it: that is no use.
    if info.is_kernel() || info.consumer().is_some() {
        let by = info.consumer().map_or_else(|| "the kernel".to_owned(), |c| format!("`{c}`"));
        return Err(OpenError::InUse { chip: name, line: offset, by });
    }
    Ok(())
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
                let offset = named_lines(&chip, name)?.first().copied();
                let chips = chip.name().to_owned();
                (chip, offset.ok_or_else(|| OpenError::NoSuchName { line: name.clone(), chips })?)
            }
            (Line::Name(name), None) => self.line_on_any_chip(name)?,
        };
        let count = chip.num_lines();
        if offset >= count {
            return Err(OpenError::NoSuchLine { chip: chip.name().to_owned(), line: offset, count });
        }
        let position = found.iter().position(|f| f.chip.name() == chip.name());
        Ok((
            position.unwrap_or_else(|| {
                found.push(Found { chip, inputs: Vec::new(), outputs: Vec::new() });
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

    /// A chip by path, device name or label.
    fn chip(&mut self, wanted: &str) -> Result<Chip, OpenError> {
        let paths = self.paths()?;
        if let Some(path) = paths.iter().find(|p| p.ends_with(wanted) || Path::new(wanted) == p.as_path()) {
            return open_chip(path);
        }
        // A path may also be a link made by a udev rule.
        if wanted.starts_with('/') && Path::new(wanted).exists() {
            return open_chip(Path::new(wanted));
        }
        let mut existing = Vec::new();
        for path in paths {
            let chip = open_chip(path)?;
            if chip.label() == wanted || chip.name() == wanted {
                return Ok(chip);
            }
            existing.push(format!("`{}` (label `{}`)", chip.name(), chip.label()));
        }
        Err(OpenError::ChipMissing { chip: wanted.to_owned(), existing: existing.join(", ") })
    }

    fn line_on_any_chip(&mut self, name: &str) -> Result<(Chip, u32), OpenError> {
        let mut places: Vec<(Chip, u32)> = Vec::new();
        let mut searched = Vec::new();
        for path in self.paths()? {
            let chip = open_chip(path)?;
            searched.push(chip.name().to_owned());
            for offset in named_lines(&chip, name)? {
                places.push((Chip::new(path).map_err(|e| explain(chip.name(), "open it", &e))?, offset));
            }
        }
        if places.len() > 1 {
            let list = places.iter().map(|(c, o)| format!("line {o} of {}", c.name())).collect::<Vec<_>>().join(", ");
            return Err(OpenError::NameTwice { line: name.to_owned(), places: list });
        }
        places.pop().ok_or_else(|| OpenError::NoSuchName { line: name.to_owned(), chips: searched.join(", ") })
    }
}

fn named_lines(chip: &Chip, name: &str) -> Result<Vec<u32>, OpenError> {
    let mut offsets = Vec::new();
    for line in chip.lines() {
        let info = line.info().map_err(|e| explain(chip.name(), "ask about its lines", &e))?;
        if info.name() == Some(name) {
            offsets.push(line.offset());
        }
    }
    Ok(offsets)
}

fn open_chip(path: &Path) -> Result<Chip, OpenError> {
    Chip::new(path).map_err(|error| {
        let shown = path.display().to_string();
        match cause(&error).as_str() {
            "EACCES" | "EPERM" => OpenError::NoPermission { path: shown, group: device_group(path) },
            "ENOENT" => OpenError::ChipMissing { chip: shown, existing: "others".to_owned() },
            _ => explain(&shown, "open it", &error),
        }
    })
}

/// Name of the group that may use the device; `None` when that is root's.
fn device_group(path: &Path) -> Option<String> {
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
