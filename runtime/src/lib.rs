//! What runs on the box: virtual machine, process image, scan, clock, configuration, drivers.

pub mod clock;
pub mod config;
pub mod io;
pub mod rt;
pub mod scan;
pub mod vm;
