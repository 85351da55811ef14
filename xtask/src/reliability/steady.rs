//! A life without change: what a controller asks of its chips while no output changes.

use super::plant::{FORWARD, Plant};
use runtime::io::file_chip::Counts;
use rustix::process::Signal;
use std::time::Duration;

/// The name of this part.
pub const NAME: &str = "steady state";
/// Long enough for a dead time and a pull-in.
const SETTLE: Duration = Duration::from_millis(500);
/// How long nothing changes.
const WATCHED: Duration = Duration::from_secs(3);

/// What was found.
#[derive(Debug)]
pub struct Found {
    pub words: String,
    pub findings: Vec<String>,
}

/// Lets it run with one direction on, and counts.
///
/// # Errors
/// The controller cannot be started or does not end.
pub fn run(plant: &Plant) -> Result<Found, String> {
    let mut run = plant.start(None)?;
    let before = [plant.near.counts(), plant.far.counts()];
    plant.drive(1 << FORWARD, 1 << FORWARD)?;
    std::thread::sleep(SETTLE);
    let (from, changes) = ([plant.near.counts(), plant.far.counts()], changes(plant));
    std::thread::sleep(WATCHED);
    let to = [plant.near.counts(), plant.far.counts()];
    let mut findings = Vec::new();
    if changes != self::changes(plant) {
        findings.push("lines changed although no input did".to_owned());
    }
    if before == from {
        findings.push("the chips were not used at all".to_owned());
    }
    let [near, far] = [difference(from[0], to[0]), difference(from[1], to[1])];
    if near.writes + far.writes > 0 {
        findings.push(format!("{} and {} writes although nothing changed", near.writes, far.writes));
    }
    // Both chips are read in every scan, one after the other: one of the two looks may fall between.
    if near.reads.abs_diff(far.reads) > 1 {
        findings.push(format!("{} reads of one chip, {} of the other in the same scans", near.reads, far.reads));
    }
    run.signal_guardian(Signal::TERM);
    let mut tries = 0;
    while run.ended()?.is_none() {
        std::thread::sleep(Duration::from_millis(10));
        tries += 1;
        if tries > 1000 {
            return Err("the controller does not stop".to_owned());
        }
    }
    // The chip is new in this folder: all its reads are of this run.
    let (total, scans) = (plant.near.counts().reads, scans(&run.log()));
    if scans != Some(total) {
        findings.push(format!("{total} reads of a chip in {scans:?} scans:\n{}", run.log()));
    }
    let words = format!(
        "{} writes and {} reads of each chip in {} s; {total} reads of a chip in {} scans of the whole run",
        near.writes + far.writes,
        near.reads,
        WATCHED.as_secs(),
        scans.unwrap_or(0)
    );
    Ok(Found { words, findings })
}

const fn difference(from: Counts, to: Counts) -> Counts {
    Counts { reads: to.reads - from.reads, writes: to.writes - from.writes }
}

fn changes(plant: &Plant) -> [u64; 2] {
    [plant.near.last_change(), plant.far.last_change()]
}

/// The number of scans in the product's summary: `scans      200, every 5 ms`.
fn scans(log: &str) -> Option<u64> {
    let line = log.lines().find_map(|line| line.strip_prefix("scans "))?;
    let number: String = line.split(',').next()?.chars().filter(char::is_ascii_digit).collect();
    number.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_says_the_number_of_scans() {
        assert_eq!(scans("time over\nscans      1 200, every 5 ms\n"), Some(1200));
        assert_eq!(scans("no summary"), None);
    }
}
