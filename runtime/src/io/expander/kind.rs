//! The kinds of port expanders: lines, addresses, resistors and registers of each, from their data sheets.

use schemars::JsonSchema;
use serde::Deserialize;
use std::ops::RangeInclusive;

/// A kind of port expander, named as on its package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExpanderKind {
    /// Microchip MCP23017, 16 lines on I2C.
    Mcp23017,
    /// Microchip MCP23S17, 16 lines on SPI.
    Mcp23s17,
    /// NXP PCA9555 or TI TCA9555, 16 lines on I2C with pull-ups of 100 kOhm that cannot be switched off.
    Pca9555,
    /// NXP PCA9535 or TI TCA9535, 16 lines on I2C without pull-ups.
    Pca9535,
    /// NXP PCA9554 or TI TCA9554, 8 lines on I2C with pull-ups of 100 kOhm that cannot be switched off.
    Pca9554,
    /// As PCA9554 at other addresses.
    Pca9554a,
    /// TI TCA6408A, 8 lines on I2C without pull-ups.
    Tca6408a,
    /// NXP or TI PCF8574, 8 lines on I2C; a line that is not low is held high by a weak current source.
    Pcf8574,
    /// As PCF8574 at other addresses.
    Pcf8574a,
    /// NXP or TI PCF8575, 16 lines on I2C; otherwise as PCF8574.
    Pcf8575,
}

/// Which kind of bus a chip sits on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BusKind {
    /// I2C: `/dev/i2c-N`.
    I2c,
    /// SPI: `/dev/spidevB.C`.
    Spi,
}

/// First registers of a chip that has registers. Where a chip has 16 lines, the next number is the second port, and both
/// are read or written in one transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registers {
    /// Levels of the pins.
    pub input: u8,
    /// Levels of the output latch.
    pub latch: u8,
    /// 1: the input is inverted.
    pub polarity: u8,
    /// 1: the line is an input.
    pub direction: u8,
    /// 1: the pull-up is on, where it can be switched.
    pub pull_up: Option<u8>,
    /// Settings of the whole chip with the value that this driver needs, where there are any.
    pub settings: Option<(u8, u8)>,
}

/// MCP23017 and MCP23S17, DS20001952C table 3-3 (BANK = 0, the value at power-up).
const MCP: Registers =
    Registers { input: 0x12, latch: 0x14, polarity: 0x02, direction: 0x00, pull_up: Some(0x0C), settings: None };
/// IOCON.HAEN: the MCP23S17 heeds its address pins.
const MCP_SETTINGS: (u8, u8) = (0x0A, 0x08);
/// PCA9555 data sheet, table 4: two ports.
const PCA_TWO_PORTS: Registers =
    Registers { input: 0, latch: 2, polarity: 4, direction: 6, pull_up: None, settings: None };
/// PCA9554 data sheet, table 3: one port.
const PCA_ONE_PORT: Registers =
    Registers { input: 0, latch: 1, polarity: 2, direction: 3, pull_up: None, settings: None };

impl ExpanderKind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::Mcp23017,
        Self::Mcp23s17,
        Self::Pca9555,
        Self::Pca9535,
        Self::Pca9554,
        Self::Pca9554a,
        Self::Tca6408a,
        Self::Pcf8574,
        Self::Pcf8574a,
        Self::Pcf8575,
    ];

    /// As it is written in a map.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mcp23017 => "mcp23017",
            Self::Mcp23s17 => "mcp23s17",
            Self::Pca9555 => "pca9555",
            Self::Pca9535 => "pca9535",
            Self::Pca9554 => "pca9554",
            Self::Pca9554a => "pca9554a",
            Self::Tca6408a => "tca6408a",
            Self::Pcf8574 => "pcf8574",
            Self::Pcf8574a => "pcf8574a",
            Self::Pcf8575 => "pcf8575",
        }
    }

    /// The bus it sits on.
    #[must_use]
    pub const fn bus(self) -> BusKind {
        match self {
            Self::Mcp23s17 => BusKind::Spi,
            Self::Mcp23017
            | Self::Pca9555
            | Self::Pca9535
            | Self::Pca9554
            | Self::Pca9554a
            | Self::Tca6408a
            | Self::Pcf8574
            | Self::Pcf8574a
            | Self::Pcf8575 => BusKind::I2c,
        }
    }

    /// Number of lines, 8 or 16.
    #[must_use]
    pub const fn lines(self) -> u8 {
        match self {
            Self::Mcp23017 | Self::Mcp23s17 | Self::Pca9555 | Self::Pca9535 | Self::Pcf8575 => 16,
            Self::Pca9554 | Self::Pca9554a | Self::Tca6408a | Self::Pcf8574 | Self::Pcf8574a => 8,
        }
    }

    /// Number of ports of 8 lines, 1 or 2.
    #[must_use]
    pub const fn ports(self) -> usize {
        match self.lines() {
            16 => 2,
            _ => 1,
        }
    }

    /// Addresses its pins can choose, 7 bits. The MCP23S17 uses the same numbers in its first byte.
    #[must_use]
    pub const fn addresses(self) -> RangeInclusive<u8> {
        match self {
            Self::Mcp23017
            | Self::Mcp23s17
            | Self::Pca9555
            | Self::Pca9535
            | Self::Pca9554
            | Self::Pcf8574
            | Self::Pcf8575 => 0x20..=0x27,
            Self::Pca9554a | Self::Pcf8574a => 0x38..=0x3F,
            Self::Tca6408a => 0x20..=0x21,
        }
    }

    /// Its registers; `None` for the kinds that send and take the levels of their pins without any.
    #[must_use]
    pub const fn registers(self) -> Option<Registers> {
        match self {
            Self::Mcp23017 => Some(MCP),
            Self::Mcp23s17 => Some(Registers { settings: Some(MCP_SETTINGS), ..MCP }),
            Self::Pca9555 | Self::Pca9535 => Some(PCA_TWO_PORTS),
            Self::Pca9554 | Self::Pca9554a | Self::Tca6408a => Some(PCA_ONE_PORT),
            Self::Pcf8574 | Self::Pcf8574a | Self::Pcf8575 => None,
        }
    }

    /// Has it pull-ups that cannot be switched off? A wire that breaks then reads high.
    #[must_use]
    pub const fn always_pulls_up(self) -> bool {
        match self {
            Self::Pca9555 | Self::Pca9554 | Self::Pca9554a | Self::Pcf8574 | Self::Pcf8574a | Self::Pcf8575 => true,
            Self::Mcp23017 | Self::Mcp23s17 | Self::Pca9535 | Self::Tca6408a => false,
        }
    }

    /// Are its lines high from power-up until somebody writes?
    #[must_use]
    pub const fn starts_high(self) -> bool {
        self.registers().is_none()
    }

    /// Lines that its data sheet allows as outputs only: a level that changes on GPA7 or GPB7 of an MCP23017 while it is
    /// read can disturb the bus (DS20001952D, section 1.0).
    #[must_use]
    pub const fn is_output_only(self, line: u8) -> bool {
        matches!((self, line), (Self::Mcp23017, 7 | 15))
    }

    /// One bit for each line.
    #[must_use]
    pub const fn mask(self) -> u16 {
        match self.lines() {
            16 => u16::MAX,
            _ => 0x00FF,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_a_map_is_read_with() {
        for kind in ExpanderKind::ALL {
            let read: ExpanderKind = serde_json::from_str(&format!("\"{}\"", kind.name())).unwrap();
            assert_eq!(read, kind);
            assert_eq!(kind.ports() * 8, usize::from(kind.lines()));
        }
    }
}
