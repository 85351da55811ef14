//! The live status row: scan time, overruns, and why channels wait.

use super::summary::percentiles;
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
    text
}
