//! Opens buses and starts their threads. Runs before the scan thread scans; allocates freely.
#![allow(unsafe_code, reason = "what an I2C adapter can do is asked by an ioctl that no library wraps")]

use super::Seen;
use super::access::{Access, Errno, OnI2c, OnSmbus, OnSpi};
use super::bus::{Polled, attend};
use super::error::ExpanderError;
use super::kind::{BusKind, ExpanderKind};
use super::shared::LOST;
use crate::clock::MonotonicClock;
use crate::config::{Expander, IoMap};
use crate::io::OpenError;
use crate::io::gpio::chip::device_group;
use crate::rt;
use i2cdev::linux::LinuxI2CDevice;
use linux_embedded_hal::spidev::{SpiModeFlags, SpidevOptions};
use linux_embedded_hal::{I2cdev, SpidevDevice};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

/// Clock of SPI buses: a tenth of what the chips allow, for cables of some decimetres.
const SPI_HZ: u32 = 1_000_000;

/// `I2C_FUNCS` of linux/i2c-dev.h: what an adapter can do.
const I2C_FUNCS: u32 = 0x0705;
/// Plain transfers (`I2C_FUNC_I2C` of linux/i2c.h).
const CAN_I2C: u64 = 0x0000_0001;
/// Bytes, bytes in registers and words in registers, read and written (`I2C_FUNC_SMBUS_BYTE`, `_BYTE_DATA`, `_WORD_DATA`).
const CAN_SMBUS: u64 = 0x0006_0000 | 0x0018_0000 | 0x0060_0000;

/// The chips of one bus.
#[derive(Debug)]
pub(super) struct Bus {
    path: String,
    /// Position in [`IoMap::expanders`], and the chip.
    chips: Vec<(usize, Polled<Opened>)>,
}

/// A chip on a bus of this machine. Where the adapter goes away (it may hang on USB), its file is opened again.
#[derive(Debug)]
pub(super) struct Opened {
    path: String,
    kind: ExpanderKind,
    address: u8,
    access: Option<AnyAccess>,
}

enum AnyAccess {
    I2c(OnI2c<I2cdev>),
    Smbus(OnSmbus),
    Spi(OnSpi<SpidevDevice>),
}

impl std::fmt::Debug for AnyAccess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::I2c(_) => "I2c",
            Self::Smbus(_) => "Smbus",
            Self::Spi(_) => "Spi",
        })
    }
}

/// Why a file cannot be used.
enum Refusal {
    System(i32),
    Unable,
}

impl AnyAccess {
    fn open(path: &str, kind: ExpanderKind, address: u8) -> Result<Self, Refusal> {
        match kind.bus() {
            BusKind::I2c => Self::open_i2c(path, kind, address),
            BusKind::Spi => {
                let mut device = SpidevDevice::open(path).map_err(|e| Refusal::System(e.errno()))?;
                let mut options = SpidevOptions::new();
                options.bits_per_word(8).max_speed_hz(SPI_HZ).mode(SpiModeFlags::SPI_MODE_0);
                let system = |e: std::io::Error| Refusal::System(e.raw_os_error().unwrap_or(libc::EIO));
                device.configure(&options).map_err(system)?;
                Ok(Self::Spi(OnSpi::new(device, address)))
            }
        }
    }

    fn open_i2c(path: &str, kind: ExpanderKind, address: u8) -> Result<Self, Refusal> {
        // Refused where a driver of the kernel uses the address.
        let device = LinuxI2CDevice::new(path, u16::from(address)).map_err(|e| Refusal::System(e.errno()))?;
        let can = functions(&device).map_err(Refusal::System)?;
        if can & CAN_I2C != 0 {
            let bus = I2cdev::new(path).map_err(|e| Refusal::System(e.errno()))?;
            return Ok(Self::I2c(OnI2c::new(bus, address)));
        }
        // Without registers, two ports are two plain bytes: no SMBus transfer takes them.
        let two_plain_bytes = kind.registers().is_none() && kind.ports() > 1;
        if can & CAN_SMBUS == CAN_SMBUS && !two_plain_bytes {
            return Ok(Self::Smbus(OnSmbus::new(device)));
        }
        Err(Refusal::Unable)
    }
}

fn functions(device: &LinuxI2CDevice) -> Result<u64, i32> {
    let mut can: libc::c_ulong = 0;
    // SAFETY: the file is open as long as `device` lives; the request writes one unsigned long, which `can` is.
    let result = unsafe { libc::ioctl(device.as_raw_fd(), I2C_FUNCS as _, &raw mut can) };
    if result < 0 {
        return Err(std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO));
    }
    #[allow(clippy::useless_conversion, reason = "c_ulong has 32 bits on some machines")]
    Ok(u64::from(can))
}

impl Opened {
    fn with(&mut self, act: impl FnOnce(&mut dyn Access) -> Result<(), i32>) -> Result<(), i32> {
        if self.access.is_none() {
            let opened = AnyAccess::open(&self.path, self.kind, self.address);
            self.access = Some(opened.map_err(|refusal| match refusal {
                Refusal::System(errno) => errno,
                Refusal::Unable => libc::EOPNOTSUPP,
            })?);
        }
        let result = match &mut self.access {
            Some(AnyAccess::I2c(access)) => act(access),
            Some(AnyAccess::Smbus(access)) => act(access),
            Some(AnyAccess::Spi(access)) => act(access),
            None => Err(libc::ENODEV),
        };
        if result == Err(libc::ENODEV) {
            self.access = None;
        }
        result
    }
}

impl Access for Opened {
    fn read(&mut self, first: u8, to: &mut [u8]) -> Result<(), i32> {
        self.with(|access| access.read(first, to))
    }

    fn write(&mut self, first: u8, from: &[u8]) -> Result<(), i32> {
        self.with(|access| access.write(first, from))
    }

    fn receive(&mut self, to: &mut [u8]) -> Result<(), i32> {
        self.with(|access| access.receive(to))
    }

    fn send(&mut self, from: &[u8]) -> Result<(), i32> {
        self.with(|access| access.send(from))
    }

    fn write_to_unaddressed(&mut self, register: u8, value: u8) -> Result<(), i32> {
        self.with(|access| access.write_to_unaddressed(register, value))
    }
}

/// Opens every bus once for each of its chips.
pub(super) fn open(map: &IoMap, seen: &[Seen]) -> Result<Vec<Bus>, OpenError> {
    let mut buses: Vec<Bus> = Vec::new();
    for ((index, expander), seen) in map.expanders.iter().enumerate().zip(seen) {
        let Expander { bus, kind, address, poll_ns, .. } = expander;
        let access = AnyAccess::open(bus, *kind, *address).map_err(|refusal| explain(expander, &refusal))?;
        let opened = Opened { path: bus.clone(), kind: *kind, address: *address, access: Some(access) };
        let polled = Polled::new(opened, seen.chip(*kind), Arc::clone(&seen.shared), *poll_ns, seen.rest);
        match buses.iter_mut().find(|b| b.path == *bus) {
            Some(bus) => bus.chips.push((index, polled)),
            None => buses.push(Bus { path: bus.clone(), chips: vec![(index, polled)] }),
        }
    }
    Ok(buses)
}

/// Sets every chip up and reads it, so that a chip that is not there is known before anything runs.
pub(super) fn exchange_once(map: &IoMap, buses: &mut [Bus], clock: &MonotonicClock) -> Result<(), OpenError> {
    for (index, polled) in buses.iter_mut().flat_map(|bus| &mut bus.chips) {
        let Err(errno) = polled.exchange(clock) else { continue };
        let Some(expander) = map.expanders.get(*index) else { continue };
        let cause = if errno == LOST { "what was written does not read back".to_owned() } else { words(errno) };
        let Expander { name, bus, kind, address, .. } = expander.clone();
        return Err(OpenError::Expander(ExpanderError::Silent { name, kind: kind.name(), bus, address, cause }));
    }
    Ok(())
}

/// Starts one thread for each bus; what is given back hears of its end.
pub(super) fn start(buses: Vec<Bus>, clock: MonotonicClock) -> Result<Vec<Receiver<()>>, OpenError> {
    let mut ends = Vec::new();
    for bus in buses {
        let (end, ended) = channel::<()>();
        let name = Path::new(&bus.path).file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        let mut chips: Vec<_> = bus.chips.into_iter().map(|(_, chip)| chip).collect();
        let attend = move || {
            // Signals are the scan thread's: a stop signal has to end its sleep.
            rt::block_signals();
            attend(&mut chips, &clock);
            drop(end);
        };
        let started = std::thread::Builder::new().name(format!("bus {name}")).spawn(attend);
        started.map_err(|e| OpenError::System { chip: bus.path, action: "start its thread", cause: e.to_string() })?;
        ends.push(ended);
    }
    Ok(ends)
}

fn words(errno: i32) -> String {
    std::io::Error::from_raw_os_error(errno).to_string()
}

fn explain(expander: &Expander, refusal: &Refusal) -> OpenError {
    let Expander { name, bus, kind, address, .. } = expander.clone();
    match *refusal {
        Refusal::Unable => OpenError::Expander(ExpanderError::Unable { name, kind: kind.name(), bus }),
        Refusal::System(libc::ENOENT | libc::ENXIO | libc::ENODEV) => {
            OpenError::Expander(ExpanderError::NoBus { name, bus, existing: existing(kind.bus()) })
        }
        Refusal::System(libc::EACCES | libc::EPERM) => {
            OpenError::NoPermission { group: device_group(Path::new(&bus)), path: bus }
        }
        Refusal::System(libc::EBUSY) => OpenError::Expander(ExpanderError::Taken { name, bus, address }),
        Refusal::System(errno) => OpenError::System { chip: bus, action: "use it as a bus", cause: words(errno) },
    }
}

/// The buses of a kind on this machine, for a message.
fn existing(kind: BusKind) -> String {
    let start = match kind {
        BusKind::I2c => "i2c-",
        BusKind::Spi => "spidev",
    };
    let entries = std::fs::read_dir("/dev").into_iter().flatten().flatten();
    let names = entries.map(|e| e.file_name().to_string_lossy().into_owned()).filter(|name| name.starts_with(start));
    let mut names: Vec<String> = names.map(|name| format!("/dev/{name}")).collect();
    names.sort();
    if names.is_empty() { format!("no /dev/{start}*") } else { names.join(", ") }
}
