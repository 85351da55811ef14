//! What runs on the box: virtual machine, process image, scan, clock, configuration, drivers.
//!
//! One public API for the command line, timeline tests and every later front end:
//! [`config::load`] reads an I/O map, [`scan::Plc`] is a controller, [`scan::real::run`] runs it in real time,
//! [`scan::Plc::step`] in anybody's time; commands go in and changes and snapshots come out through
//! [`scan::real::channels`].
//!
//! On real lines a second process watches the first: [`guardian`].
//!
//! Unsafe code stands only in [`rt`], [`guardian`], [`io::gpio`], [`io::expander`] and [`io::file_chip`], for system calls without a
//! safe wrapper.

pub mod clock;
pub mod config;
pub mod control;
pub mod doctor;
mod fault_codes;
pub mod guardian;
#[cfg(feature = "inject")]
pub mod inject;
pub mod io;
pub mod live;
pub mod quiet;
pub mod rt;
pub mod scan;
pub mod state;
pub mod store;
pub mod vm;
