//! Real lines through the kernel's GPIO character device, interface version 1.
//!
//! One request per chip and direction, taken with the levels before the first scan in the request itself, so that no
//! line glitches at start. Requests are always active-high; active-low lines are inverted here. Chips are found and
//! lines requested through gpio-cdev; on the scan thread each read or write is one system call on the request's file
//! with a fixed buffer ([`Port`]), without allocation. Version 1 writes all lines of a request at once: what was
//! written last is kept, and a request without anything due is not written at all.
//!
//! Pull resistors and kernel debouncing do not exist in this version. A line falls back to what its driver does with
//! released lines when the process dies.

pub(crate) mod chip;
mod codes;
mod error;
mod find;
mod held;
mod port;

pub use codes::{LINE_ERRORS, LineErrorRow};
pub use error::OpenError;
pub use held::{Held, RestLine};
pub use port::{AnyPort, LineFile, Port};

use super::{Driver, IoCode, IoFault, LINES_PER_REQUEST_MAX};
use crate::config::{GpioLine, InputId, IoMap, Source};
use relay::{ChannelId, Permitted, Write, WriteId};

/// Levels of one request, as the kernel takes them: 0 or 1 per line.
pub type Levels = [u8; LINES_PER_REQUEST_MAX];

/// An input request: which line belongs to which input.
#[derive(Debug)]
pub struct InputRequest<P> {
    /// The request held.
    pub port: P,
    /// Which chip, as an index into [`Gpio::chip_names`].
    pub chip: u8,
    /// Input and "low means TRUE", line by line as requested.
    pub lines: Vec<(InputId, bool)>,
    /// What was read last.
    pub levels: Levels,
}

/// An output request: which line belongs to which channel.
#[derive(Debug)]
pub struct OutputRequest<P> {
    /// The request held.
    pub port: P,
    /// Which chip, as an index into [`Gpio::chip_names`].
    pub chip: u8,
    /// Channel and "low means energised", line by line as requested.
    pub lines: Vec<(ChannelId, bool)>,
    /// What was written last, completed or not; at first what the request was made with.
    pub levels: Levels,
}

impl<P: Port> InputRequest<P> {
    fn read(&mut self, levels: &mut [bool]) -> Result<(), IoFault> {
        let result = self.port.get(&mut self.levels);
        for ((input, active_low), level) in self.lines.iter().zip(&self.levels) {
            if let Some(to) = levels.get_mut(input.index()) {
                *to = result.is_ok() && ((*level != 0) != *active_low);
            }
        }
        result.map_err(|errno| fault(IoCode::ReadFailed, self.chip, errno))
    }
}

impl<P: Port> OutputRequest<P> {
    /// Writes the due lines that go off (`on` false) or on; nothing when none is due.
    fn write(&mut self, permitted: &Permitted, on: bool, acknowledged: &mut [WriteId]) -> Result<(), IoFault> {
        let wanted = |write: &Write| write.due && write.on == on;
        let mut due = false;
        for ((channel, active_low), level) in self.lines.iter().zip(&mut self.levels) {
            let write = permitted.channel(*channel);
            if wanted(write) {
                *level = u8::from(write.line != *active_low);
                due = true;
            }
        }
        if !due {
            return Ok(());
        }
        self.port.set(&self.levels).map_err(|errno| fault(IoCode::WriteFailed, self.chip, errno))?;
        for (channel, _) in &self.lines {
            let write = permitted.channel(*channel);
            if wanted(write)
                && let Some(to) = acknowledged.get_mut(channel.index())
            {
                *to = write.id;
            }
        }
        Ok(())
    }
}

fn fault(code: IoCode, chip: u8, errno: i32) -> IoFault {
    let gone = matches!(errno, libc::ENODEV | libc::ENXIO);
    IoFault { code: if gone { IoCode::ChipGone } else { code }, chip, errno }
}

/// All real lines of a map.
#[derive(Debug)]
pub struct Gpio<P = AnyPort> {
    chips: Vec<String>,
    inputs: Vec<InputRequest<P>>,
    outputs: Vec<OutputRequest<P>>,
}

impl Gpio {
    /// No real line at all.
    #[must_use]
    pub const fn none() -> Self {
        Self { chips: Vec::new(), inputs: Vec::new(), outputs: Vec::new() }
    }

    /// Finds and requests every line of a map; outputs with the levels `permitted` holds before the first scan.
    ///
    /// # Errors
    /// The first line that cannot be had, with the reason and the remedy. Lines already taken are given back.
    pub fn open(map: &IoMap, permitted: &Permitted) -> Result<Self, OpenError> {
        Held::open(&rest_lines(map, permitted))?.take_over(map, permitted)
    }
}

impl<P> Gpio<P> {
    /// A driver of requests that are held already: for other ports than the kernel's.
    #[must_use]
    pub const fn from_parts(chips: Vec<String>, inputs: Vec<InputRequest<P>>, outputs: Vec<OutputRequest<P>>) -> Self {
        Self { chips, inputs, outputs }
    }

    /// Device names of the chips, such as `gpiochip0`; [`IoFault::chip`] counts them.
    #[must_use]
    pub fn chip_names(&self) -> &[String] {
        &self.chips
    }

    /// Number of requests held, inputs and outputs.
    #[must_use]
    pub fn request_count(&self) -> usize {
        self.inputs.len() + self.outputs.len()
    }
}

impl<P: Port> Driver for Gpio<P> {
    fn read(&mut self, _now_ns: u64, levels: &mut [bool]) -> Result<(), IoFault> {
        let mut result = Ok(());
        for request in &mut self.inputs {
            result = result.and(request.read(levels));
        }
        result
    }

    fn write(&mut self, _now_ns: u64, permitted: &Permitted, acknowledged: &mut [WriteId]) -> Result<(), IoFault> {
        if !permitted.is_due() {
            return Ok(());
        }
        let mut result = Ok(());
        for request in &mut self.outputs {
            result = result.and(request.write(permitted, false, acknowledged));
        }
        // No ON edge where an OFF edge failed: the guard has not seen the failure yet.
        result?;
        for request in &mut self.outputs {
            request.write(permitted, true, acknowledged)?;
        }
        Ok(())
    }
}

/// The real lines of a map, inputs and outputs (with the names of their entries): what [`find`] has to find.
pub(crate) type Wanted<'m> = (Vec<(InputId, &'m GpioLine)>, Vec<(ChannelId, &'m str, &'m GpioLine)>);

/// Inputs and outputs of a map that are real lines.
pub(crate) fn wanted(map: &IoMap) -> Wanted<'_> {
    let inputs = map.input_ids().zip(&map.inputs).filter_map(|(id, input)| match &input.source {
        Source::Gpio(line) => Some((id, line)),
        Source::Expander(_) | Source::Sim { .. } | Source::Channel(..) => None,
    });
    let outputs = map.channels.ids().zip(&map.outputs);
    let outputs = outputs.filter_map(|(id, output)| Some((id, output.name.as_str(), output.gpio.as_ref()?)));
    (inputs.collect(), outputs.collect())
}

/// The output lines of a map with their levels before the first scan.
fn rest_lines(map: &IoMap, permitted: &Permitted) -> Vec<RestLine> {
    let (_, outputs) = wanted(map);
    let rest = |(id, name, line): &(ChannelId, &str, &GpioLine)| RestLine {
        name: (*name).to_owned(),
        line: (*line).clone(),
        energised: permitted.channel(*id).line,
    };
    outputs.iter().map(rest).collect()
}

#[cfg(test)]
mod tests;
