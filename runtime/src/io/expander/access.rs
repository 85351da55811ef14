//! One chip on a bus: registers read and written, plain bytes sent and received.
//!
//! [`Access`] is all the rest of this room sees of a bus. Behind it stand embedded-hal's [`I2c`] and [`SpiDevice`], so that
//! tests expect exact transfers on a bus they play themselves, and SMBus transfers for adapters that know no others.
//! Errors are system error numbers, as everywhere in the drivers.

use embedded_hal::i2c::I2c;
use embedded_hal::spi::{Operation, SpiDevice};
use i2cdev::core::I2CDevice;
use i2cdev::linux::{LinuxI2CDevice, LinuxI2CError};

/// Most bytes of one write besides the register: two ports.
pub(super) const BYTES_MAX: usize = 2;

/// A chip on a bus. Registers count up by themselves within a transfer.
pub trait Access {
    /// Reads registers from `first` on.
    ///
    /// # Errors
    /// The system's error number.
    fn read(&mut self, first: u8, to: &mut [u8]) -> Result<(), i32>;

    /// Writes registers from `first` on; at most two.
    ///
    /// # Errors
    /// The system's error number.
    fn write(&mut self, first: u8, from: &[u8]) -> Result<(), i32>;

    /// Takes plain bytes.
    ///
    /// # Errors
    /// The system's error number.
    fn receive(&mut self, to: &mut [u8]) -> Result<(), i32>;

    /// Sends plain bytes.
    ///
    /// # Errors
    /// The system's error number.
    fn send(&mut self, from: &[u8]) -> Result<(), i32>;

    /// Writes a register of every chip that shares the chip select and does not heed its address pins yet. Does nothing
    /// where each chip has an address of its own from power-up.
    ///
    /// # Errors
    /// The system's error number.
    fn write_to_unaddressed(&mut self, _register: u8, _value: u8) -> Result<(), i32> {
        Ok(())
    }
}

/// A bus error as the system numbers it.
pub trait Errno {
    /// The system's error number.
    fn errno(&self) -> i32;
}

impl Errno for LinuxI2CError {
    fn errno(&self) -> i32 {
        match self {
            Self::Errno(errno) => *errno,
            Self::Io(error) => error.raw_os_error().unwrap_or(libc::EIO),
        }
    }
}

impl Errno for linux_embedded_hal::I2CError {
    fn errno(&self) -> i32 {
        self.inner().errno()
    }
}

impl Errno for linux_embedded_hal::SPIError {
    fn errno(&self) -> i32 {
        self.inner().raw_os_error().unwrap_or(libc::EIO)
    }
}

impl Errno for embedded_hal::i2c::ErrorKind {
    fn errno(&self) -> i32 {
        // The numbers the kernel's own adapters use (Documentation/i2c/fault-codes.rst).
        if matches!(self, Self::NoAcknowledge(_)) { libc::ENXIO } else { libc::EIO }
    }
}

impl Errno for embedded_hal::spi::ErrorKind {
    fn errno(&self) -> i32 {
        libc::EIO
    }
}

/// A chip on an I2C bus.
#[derive(Debug)]
pub struct OnI2c<B> {
    bus: B,
    address: u8,
}

impl<B> OnI2c<B> {
    /// The chip at an address.
    pub const fn new(bus: B, address: u8) -> Self {
        Self { bus, address }
    }
}

impl<B: I2c> Access for OnI2c<B>
where
    B::Error: Errno,
{
    fn read(&mut self, first: u8, to: &mut [u8]) -> Result<(), i32> {
        self.bus.write_read(self.address, &[first], to).map_err(|e| e.errno())
    }

    fn write(&mut self, first: u8, from: &[u8]) -> Result<(), i32> {
        let bytes = with_head(first, from);
        self.bus.write(self.address, bytes.get(..=from.len()).ok_or(libc::EINVAL)?).map_err(|e| e.errno())
    }

    fn receive(&mut self, to: &mut [u8]) -> Result<(), i32> {
        self.bus.read(self.address, to).map_err(|e| e.errno())
    }

    fn send(&mut self, from: &[u8]) -> Result<(), i32> {
        self.bus.write(self.address, from).map_err(|e| e.errno())
    }
}

fn with_head(head: u8, from: &[u8]) -> [u8; BYTES_MAX + 1] {
    let mut bytes = [head; BYTES_MAX + 1];
    for (to, from) in bytes.iter_mut().skip(1).zip(from) {
        *to = *from;
    }
    bytes
}

/// A chip of the MCP23S17's kind on an SPI bus: its first byte carries an address.
#[derive(Debug)]
pub struct OnSpi<S> {
    device: S,
    address: u8,
}

/// The address a chip answers to before its address pins count.
const UNADDRESSED: u8 = 0x20;

impl<S> OnSpi<S> {
    /// The chip with these address pins, 0x20 to 0x27.
    pub const fn new(device: S, address: u8) -> Self {
        Self { device, address }
    }
}

impl<S: SpiDevice> OnSpi<S>
where
    S::Error: Errno,
{
    fn write_at(&mut self, address: u8, first: u8, from: &[u8]) -> Result<(), i32> {
        let head = [address << 1, first];
        self.device.transaction(&mut [Operation::Write(&head), Operation::Write(from)]).map_err(|e| e.errno())
    }
}

impl<S: SpiDevice> Access for OnSpi<S>
where
    S::Error: Errno,
{
    fn read(&mut self, first: u8, to: &mut [u8]) -> Result<(), i32> {
        let head = [self.address << 1 | 1, first];
        self.device.transaction(&mut [Operation::Write(&head), Operation::Read(to)]).map_err(|e| e.errno())
    }

    fn write(&mut self, first: u8, from: &[u8]) -> Result<(), i32> {
        self.write_at(self.address, first, from)
    }

    // No chip of this room takes plain bytes on SPI.
    fn receive(&mut self, _to: &mut [u8]) -> Result<(), i32> {
        Err(libc::EOPNOTSUPP)
    }

    fn send(&mut self, _from: &[u8]) -> Result<(), i32> {
        Err(libc::EOPNOTSUPP)
    }

    fn write_to_unaddressed(&mut self, register: u8, value: u8) -> Result<(), i32> {
        self.write_at(UNADDRESSED, register, &[value])
    }
}

/// A chip behind an adapter that knows SMBus transfers only: one or two registers at a time.
#[derive(Debug)]
pub struct OnSmbus {
    device: LinuxI2CDevice,
}

impl OnSmbus {
    /// The chip a device file was opened for.
    #[must_use]
    pub const fn new(device: LinuxI2CDevice) -> Self {
        Self { device }
    }
}

impl Access for OnSmbus {
    fn read(&mut self, first: u8, to: &mut [u8]) -> Result<(), i32> {
        match to {
            [one] => *one = self.device.smbus_read_byte_data(first).map_err(|e| e.errno())?,
            // A word is two registers, the first in its low byte.
            [one, two] => {
                [*one, *two] = self.device.smbus_read_word_data(first).map_err(|e| e.errno())?.to_le_bytes();
            }
            _ => return Err(libc::EOPNOTSUPP),
        }
        Ok(())
    }

    fn write(&mut self, first: u8, from: &[u8]) -> Result<(), i32> {
        match *from {
            [one] => self.device.smbus_write_byte_data(first, one),
            [one, two] => self.device.smbus_write_word_data(first, u16::from_le_bytes([one, two])),
            _ => return Err(libc::EOPNOTSUPP),
        }
        .map_err(|e| e.errno())
    }

    fn receive(&mut self, to: &mut [u8]) -> Result<(), i32> {
        match to {
            [one] => *one = self.device.smbus_read_byte().map_err(|e| e.errno())?,
            // Two plain bytes in one transfer do not exist on SMBus.
            _ => return Err(libc::EOPNOTSUPP),
        }
        Ok(())
    }

    fn send(&mut self, from: &[u8]) -> Result<(), i32> {
        match *from {
            [one] => self.device.smbus_write_byte(one),
            // A byte behind a register number is the same on the wire as two plain bytes.
            [one, two] => self.device.smbus_write_byte_data(one, two),
            _ => return Err(libc::EOPNOTSUPP),
        }
        .map_err(|e| e.errno())
    }
}
