//! What is said to a chip: start it, read its lines, write its latch, and see whether it still is as it was started.
//!
//! The order matters. Levels are written before directions, so that an output never shows a level nobody asked for; lines
//! that no entry names stay inputs. A chip that lost its supply comes back as it is at power-up, with every line an input
//! (or high), and would read as if nothing had happened: so each reading also looks at what was set, and anything else
//! counts as *lost*: the chip is started anew with every output off.

use super::access::Access;
use super::kind::{ExpanderKind, Registers};

/// A chip with what this map makes of its lines. One bit for each line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chip {
    /// What it is.
    pub kind: ExpanderKind,
    /// Lines that are outputs.
    pub outputs: u16,
    /// Lines whose pull-up is switched on, where it can be.
    pub pull_ups: u16,
}

/// What a reading came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Levels of the lines.
    Levels(u16),
    /// The chip is not as it was started: it lost its supply or somebody else wrote to it.
    Lost,
}

impl Chip {
    /// Sets the chip up, with these levels on its outputs.
    ///
    /// # Errors
    /// The system's error number.
    pub fn start(&self, access: &mut impl Access, levels: u16) -> Result<(), i32> {
        let Some(registers) = self.kind.registers() else { return self.write(access, levels) };
        if let Some((register, value)) = registers.settings {
            access.write_to_unaddressed(register, value)?;
            access.write(register, &[value])?;
        }
        self.put(access, registers.latch, self.latch(levels))?;
        self.put(access, registers.polarity, 0)?;
        if let Some(register) = registers.pull_up {
            self.put(access, register, self.pull_ups)?;
        }
        self.put(access, registers.direction, self.directions())
    }

    /// Writes the levels of the outputs.
    ///
    /// # Errors
    /// The system's error number.
    pub fn write(&self, access: &mut impl Access, levels: u16) -> Result<(), i32> {
        match self.kind.registers() {
            Some(registers) => self.put(access, registers.latch, self.latch(levels)),
            None => access.send(self.bytes(&self.plain(levels).to_le_bytes())),
        }
    }

    /// Reads the levels of all lines. `levels` are those last written.
    ///
    /// # Errors
    /// The system's error number.
    pub fn read(&self, access: &mut impl Access, levels: u16) -> Result<Reading, i32> {
        let Some(registers) = self.kind.registers() else {
            let mut bytes = [0; 2];
            access.receive(bytes.get_mut(..self.kind.ports()).unwrap_or_default())?;
            let read = u16::from_le_bytes(bytes);
            // Low is driven hard, so a low output that reads high was never written to this chip since its power-up.
            let lost = read & self.outputs & !levels != 0;
            return Ok(if lost { Reading::Lost } else { Reading::Levels(read) });
        };
        if !self.is_as_started(access, &registers, levels)? {
            return Ok(Reading::Lost);
        }
        self.get(access, registers.input).map(Reading::Levels)
    }

    fn is_as_started(&self, access: &mut impl Access, registers: &Registers, levels: u16) -> Result<bool, i32> {
        if let Some((register, value)) = registers.settings {
            let mut byte = [0];
            access.read(register, &mut byte)?;
            if byte != [value] {
                return Ok(false);
            }
        }
        if self.get(access, registers.direction)? != self.directions() {
            return Ok(false);
        }
        if self.outputs != 0 && self.get(access, registers.latch)? != self.latch(levels) {
            return Ok(false);
        }
        match registers.pull_up {
            Some(register) if self.pull_ups != 0 => Ok(self.get(access, register)? == self.pull_ups),
            Some(_) | None => Ok(true),
        }
    }

    const fn directions(&self) -> u16 {
        !self.outputs & self.kind.mask()
    }

    const fn latch(&self, levels: u16) -> u16 {
        levels & self.outputs
    }

    /// Without registers a line is read while it is held high.
    const fn plain(&self, levels: u16) -> u16 {
        (levels | !self.outputs) & self.kind.mask()
    }

    fn bytes<'b>(&self, of: &'b [u8; 2]) -> &'b [u8] {
        of.get(..self.kind.ports()).unwrap_or(of)
    }

    fn put(&self, access: &mut impl Access, register: u8, value: u16) -> Result<(), i32> {
        access.write(register, self.bytes(&value.to_le_bytes()))
    }

    fn get(&self, access: &mut impl Access, register: u8) -> Result<u16, i32> {
        let mut bytes = [0; 2];
        access.read(register, bytes.get_mut(..self.kind.ports()).unwrap_or_default())?;
        Ok(u16::from_le_bytes(bytes))
    }
}
