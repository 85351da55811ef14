//! The map's `guardian` section.

use super::validate::Checker;
use super::{Code, ScanSettings, model};
use crate::clock::{NS_PER_MS, NS_PER_S};
use crate::guardian::{GuardianSettings, WATCHDOG_DEFAULT_S};
use relay::quantity::Duration;
use std::path::PathBuf;

/// Least heartbeat limit: two looks of the guardian. Below, its own rounds would decide.
const HEARTBEAT_LEAST_NS: u64 = 20 * NS_PER_MS;
/// Longest heartbeat limit: a minute with a hanging program and its outputs on is what nobody wants.
const HEARTBEAT_MOST_NS: u64 = 60 * NS_PER_S;
/// Least time to the reset: the device is fed once a second.
const WATCHDOG_LEAST_NS: u64 = 2 * NS_PER_S;
/// Longest time to the reset: more, few devices take.
const WATCHDOG_MOST_NS: u64 = 600 * NS_PER_S;

/// The settings as written, with defaults, unchecked.
pub(super) fn as_written(section: Option<&model::Guardian>) -> GuardianSettings {
    let mut settings = GuardianSettings { watchdog_timeout_s: WATCHDOG_DEFAULT_S, ..GuardianSettings::default() };
    let Some(section) = section else { return settings };
    settings.heartbeat_ns = section.heartbeat.get().map(|d| d.ns);
    settings.restart = section.restart.or(settings.restart);
    settings.watchdog = section.watchdog.get().map(PathBuf::from);
    if let Some(timeout) = section.watchdog_timeout.get() {
        settings.watchdog_timeout_s = u16::try_from(timeout.ns / NS_PER_S).unwrap_or(u16::MAX);
    }
    settings
}

/// The checked settings; what is wrong becomes a finding.
pub(super) fn check(
    checker: &mut Checker<'_>,
    section: Option<&model::Guardian>,
    scan: &ScanSettings,
) -> GuardianSettings {
    let settings = as_written(section);
    let Some(section) = section else { return settings };
    if let Some(heartbeat) = section.heartbeat.get() {
        let place = section.heartbeat.place().unwrap_or_default();
        if !(HEARTBEAT_LEAST_NS..=HEARTBEAT_MOST_NS).contains(&heartbeat.ns) {
            let message = format!("a heartbeat of {heartbeat} is outside 20 ms to 60 s");
            checker.add(Code::GuardianRange, place, message, "leave the key out for the default");
        } else if heartbeat.ns <= scan.hard_overrun_ns {
            let limit = Duration::from_ns(scan.hard_overrun_ns);
            let message =
                format!("a late scan is put down after {heartbeat}, before `hard_overrun` ({limit}) finds it");
            let remedy =
                "the guardian cannot name rung and line: make `scan: hard_overrun` shorter, or leave `heartbeat` out";
            checker.add(Code::HeartbeatShort, place, message, remedy);
        }
    }
    if let Some(timeout) = section.watchdog_timeout.get() {
        let whole = timeout.ns % NS_PER_S == 0;
        if !whole || !(WATCHDOG_LEAST_NS..=WATCHDOG_MOST_NS).contains(&timeout.ns) {
            let place = section.watchdog_timeout.place().unwrap_or_default();
            let message = format!("a watchdog time of {timeout} is not in whole seconds from 2 s to 10 min");
            checker.add(Code::GuardianRange, place, message, "10 s suits most machines");
        }
    }
    settings
}
