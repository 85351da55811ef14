//! Output lines requested before anything is known of the program: every load off.
//!
//! The outputs are taken in two steps, because the guardian has to hold them before the scan process exists. [`Held::open`]
//! requests them from what the head of a map says ([`crate::config::head`]); [`Held::take_over`] binds the same requests to
//! the channels of the checked map. Between the two the requests may be inherited by a child process: both then write the
//! same open files.
//!
//! *Rest* levels are those of the request itself, which leave every load off: the guardian's OFF. On a normally closed
//! contact that is the level that drives the coil.

use super::chip::{AnyChip, Direction};
use super::error::OpenError;
use super::find::{Found, FoundLine, find};
use super::port::{AnyPort, Port};
use super::{Gpio, InputRequest, LINES_PER_REQUEST_MAX, Levels, OutputRequest};
use crate::config::{GpioLine, InputId, IoMap};
use relay::{ChannelId, Permitted};

/// An output line as the head of a map has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestLine {
    /// Name of the entry.
    pub name: String,
    /// The line.
    pub line: GpioLine,
    /// The line is energised while the load is off: the load sits on a normally closed contact.
    pub energised: bool,
}

/// One request held: all output lines of one chip.
#[derive(Debug)]
struct HeldRequest {
    port: AnyPort,
    /// Which chip, as an index into [`Held::chips`].
    chip: u8,
    lines: Vec<FoundLine>,
    rest: Levels,
}

/// Output lines held, every load off.
#[derive(Debug, Default)]
pub struct Held {
    chips: Vec<String>,
    names: Vec<String>,
    requests: Vec<HeldRequest>,
}

impl Held {
    /// Requests output lines with the levels that leave every load off.
    ///
    /// # Errors
    /// The first line that cannot be had. Lines already taken are given back.
    pub fn open(outputs: &[RestLine]) -> Result<Self, OpenError> {
        let mut found = find(outputs.iter().map(|output| &output.line))?;
        for chip in &mut found {
            check_free(chip)?;
        }
        let names = outputs.iter().map(|output| output.name.clone()).collect();
        let mut held = Self { chips: Vec::new(), names, requests: Vec::new() };
        for mut found in found {
            let mut rest: Levels = [0; LINES_PER_REQUEST_MAX];
            for (line, level) in found.lines.iter().zip(&mut rest) {
                let energised = outputs.get(line.index).is_some_and(|output| output.energised);
                *level = u8::from(energised != line.active_low);
            }
            let port = found.chip.request(&found.offsets(), Direction::Output(rest))?;
            let chip = number(&mut held.chips, &found.chip);
            held.requests.push(HeldRequest { port, chip, lines: found.lines, rest });
        }
        Ok(held)
    }

    /// Names of the chips, in the order of their numbers.
    #[must_use]
    pub fn chips(&self) -> &[String] {
        &self.chips
    }

    /// Number of requests, one per chip with outputs.
    #[must_use]
    pub const fn request_count(&self) -> usize {
        self.requests.len()
    }

    /// Writes OFF to every request, each whether or not the one before could be written. `result` gets the number of the
    /// chip and what the system said. Neither allocates nor stops at an error.
    pub fn off(&mut self, mut result: impl FnMut(u8, Result<(), i32>)) {
        for request in &mut self.requests {
            let written = request.port.set(&request.rest);
            result(request.chip, written);
        }
    }

    /// Requests the inputs of a map and binds these outputs to its channels: the driver of its real lines.
    ///
    /// # Errors
    /// An input line that cannot be had, or a map that does not name the lines that are held.
    pub fn take_over(self, map: &IoMap, permitted: &Permitted) -> Result<Gpio, OpenError> {
        let (inputs, outputs) = super::wanted(map);
        let taken: usize = self.requests.iter().map(|request| request.lines.len()).sum();
        if taken != outputs.len() {
            return Err(differs("a number of outputs"));
        }
        let taken: Vec<(u8, u32)> =
            self.requests.iter().flat_map(|r| r.lines.iter().map(|line| (r.chip, line.offset))).collect();
        let Self { mut chips, names, requests } = self;
        let bound = requests.into_iter().map(|request| bind(request, &names, &outputs, permitted));
        let out_requests = bound.collect::<Result<Vec<_>, _>>()?;
        let in_requests = request_inputs(&inputs, &mut chips, &taken)?;
        Ok(Gpio::from_parts(chips, in_requests, out_requests))
    }
}

/// The lines of a request become channels of the map, by the names of their entries.
fn bind(
    request: HeldRequest,
    names: &[String],
    outputs: &[(ChannelId, &str, &GpioLine)],
    permitted: &Permitted,
) -> Result<OutputRequest<AnyPort>, OpenError> {
    let mut lines = Vec::with_capacity(request.lines.len());
    for (line, rest) in request.lines.iter().zip(&request.rest) {
        let name = names.get(line.index).map_or("", String::as_str);
        let found = outputs.iter().find(|(_, channel, _)| *channel == name);
        let (id, _, gpio) = found.ok_or_else(|| differs(name))?;
        let level = u8::from(permitted.channel(*id).line != line.active_low);
        if level != *rest || gpio.active_low != line.active_low {
            return Err(differs(name));
        }
        lines.push((*id, line.active_low));
    }
    Ok(OutputRequest { port: request.port, chip: request.chip, lines, levels: request.rest })
}

/// The text of the map is read once, so this is a defect of plcrun; nothing is energised then.
fn differs(what: &str) -> OpenError {
    OpenError::System {
        chip: what.to_owned(),
        action: "take the output over",
        cause: "the checked map and its head disagree; please report this with the map".to_owned(),
    }
}

fn request_inputs(
    inputs: &[(InputId, &GpioLine)],
    chips: &mut Vec<String>,
    taken: &[(u8, u32)],
) -> Result<Vec<InputRequest<AnyPort>>, OpenError> {
    let mut found = find(inputs.iter().map(|(_, line)| *line))?;
    for chip in &mut found {
        let held = chips.iter().position(|name| *name == chip.chip.name());
        let twice = chip.lines.iter().find(|line| {
            taken.iter().any(|(number, offset)| held == Some(usize::from(*number)) && *offset == line.offset)
        });
        if let Some(line) = twice {
            return Err(OpenError::Twice { chip: chip.chip.name(), line: line.offset });
        }
        check_free(chip)?;
    }
    let mut requests = Vec::new();
    for mut found in found {
        let port = found.chip.request(&found.offsets(), Direction::Input)?;
        let ids = found.lines.iter().filter_map(|line| Some((inputs.get(line.index)?.0, line.active_low)));
        let lines = ids.collect();
        let chip = number(chips, &found.chip);
        requests.push(InputRequest { port, chip, lines, levels: [0; LINES_PER_REQUEST_MAX] });
    }
    Ok(requests)
}

fn check_free(found: &mut Found) -> Result<(), OpenError> {
    let lines = &found.lines;
    lines.iter().try_for_each(|line| found.chip.check_free(line.offset))
}

/// The number of a chip, new where it was not known.
fn number(chips: &mut Vec<String>, chip: &AnyChip) -> u8 {
    let name = chip.name();
    let at = chips.iter().position(|known| *known == name).unwrap_or_else(|| {
        chips.push(name);
        chips.len().saturating_sub(1)
    });
    u8::try_from(at).unwrap_or(u8::MAX)
}
