//! What runs on the box: virtual machine, process image, scan, clock, configuration, drivers.
