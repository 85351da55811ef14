//! The live status row: scan time, overruns, why channels wait, and how punctual the scan wakes.

use super::summary::percentiles;
use crate::table::short_time;
use runtime::scan::real::Snapshot;
use runtime::scan::watch::Names;

/// The row's text.
#[must_use]
pub fn text(names: &Names, snapshot: &Snapshot) -> String {
    let stats = &snapshot.stats;
    if stats.scans == 0 {
        return "starting".to_owned();
    }
    let mut text = format!("scan {}  {}  overruns {}", stats.scans, percentiles(&stats.scan_time), stats.overruns);
    for (id, status) in names.map().channels.ids().zip(&snapshot.channels) {
        // A refusal matters while the program still asks.
        let over = status.refusal.is_some() && !status.commanded && status.fault.is_none() && status.trip.is_none();
        if let Some(reason) = names.status(id, status, snapshot.now_ns).filter(|_| !over) {
            text.push_str(&format!("  {} {reason}", names.channel(id)));
        }
    }
    // Last, because a narrow terminal cuts the row off: what waits matters more to whoever watches a plant.
    let (wake, jitter) = (stats.wake_latency.figures(), stats.jitter.figures());
    let [wake_p999, wake_max, jitter_p999] = [wake.p999_ns, wake.max_ns, jitter.p999_ns].map(short_time);
    text.push_str(&format!("  wake-up p99.9 {wake_p999} max {wake_max}  jitter p99.9 {jitter_p999}"));
    text
}
