//! The judges: each looks at one part of the facts and adds its findings.

pub(super) mod cpu;
pub(super) mod gpio;
pub(super) mod realtime;
pub(super) mod service;
pub(super) mod storage;
pub(super) mod watchdog;
