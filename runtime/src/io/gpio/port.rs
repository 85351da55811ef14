//! One request of the GPIO character device: get and set all its lines by one system call each.
#![allow(unsafe_code, reason = "the ioctl on a held request has no wrapper that does not allocate")]

use super::Levels;
use crate::io::file_chip::FilePort;
use gpio_cdev::MultiLineHandle;
use std::os::fd::AsRawFd;

/// Reads or writes all lines of a request at once. Errors are system error numbers.
pub trait Port {
    /// Reads every line; 0 or 1 each.
    ///
    /// # Errors
    /// The system's error number.
    fn get(&mut self, levels: &mut Levels) -> Result<(), i32>;

    /// Writes every line; 0 or 1 each.
    ///
    /// # Errors
    /// The system's error number.
    fn set(&mut self, levels: &Levels) -> Result<(), i32>;
}

/// A request held open. Closing it gives the lines back to the kernel.
#[derive(Debug)]
pub struct LineFile {
    handle: MultiLineHandle,
}

impl LineFile {
    pub(super) const fn new(handle: MultiLineHandle) -> Self {
        Self { handle }
    }
}

/// A request on a chip of whatever kind. The product's driver is made of these; tests bring their own [`Port`].
#[derive(Debug)]
pub enum AnyPort {
    /// Lines of the kernel's GPIO character device.
    Line(LineFile),
    /// Lines of a file chip.
    File(FilePort),
}

impl Port for AnyPort {
    fn get(&mut self, levels: &mut Levels) -> Result<(), i32> {
        match self {
            Self::Line(port) => port.get(levels),
            Self::File(port) => port.get(levels),
        }
    }

    fn set(&mut self, levels: &Levels) -> Result<(), i32> {
        match self {
            Self::Line(port) => port.set(levels),
            Self::File(port) => port.set(levels),
        }
    }
}

/// `struct gpiohandle_data` of linux/gpio.h.
#[repr(C)]
struct HandleData {
    values: Levels,
}

/// `_IOWR(0xB4, nr, struct gpiohandle_data)`: direction read and write, size 64.
const fn request_number(nr: u8) -> u32 {
    const READ_WRITE: u32 = 3;
    const GPIO_MAGIC: u32 = 0xB4;
    (READ_WRITE << 30) | ((size_of::<HandleData>() as u32) << 16) | (GPIO_MAGIC << 8) | nr as u32
}

const GET_LINE_VALUES: u32 = request_number(0x08);
const SET_LINE_VALUES: u32 = request_number(0x09);

impl Port for LineFile {
    fn get(&mut self, levels: &mut Levels) -> Result<(), i32> {
        let mut data = HandleData { values: [0; super::LINES_PER_REQUEST_MAX] };
        call(&self.handle, GET_LINE_VALUES, &mut data)?;
        *levels = data.values;
        Ok(())
    }

    fn set(&mut self, levels: &Levels) -> Result<(), i32> {
        call(&self.handle, SET_LINE_VALUES, &mut HandleData { values: *levels })
    }
}

fn call(handle: &MultiLineHandle, request: u32, data: &mut HandleData) -> Result<(), i32> {
    // SAFETY: the file is open as long as `handle` lives; both requests read or write exactly one gpiohandle_data,
    // which `data` is, and keep no pointer to it.
    let result = unsafe { libc::ioctl(handle.as_raw_fd(), request as _, std::ptr::from_mut(data)) };
    if result < 0 { Err(std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_numbers_are_those_of_the_kernel_header() {
        // Printed by a C program over linux/gpio.h: GPIOHANDLE_GET_LINE_VALUES_IOCTL and GPIOHANDLE_SET_LINE_VALUES_IOCTL.
        assert_eq!(GET_LINE_VALUES, 0xC040_B408);
        assert_eq!(SET_LINE_VALUES, 0xC040_B409);
        assert_eq!(size_of::<HandleData>(), 64);
    }
}
