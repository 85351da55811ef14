//! Power cuts on a simulated disk, in batches: each begins with a new disk, so that young and grown files are cut, and has a
//! seed of its own, so that it can be repeated alone.

use super::Part;
use crate::reliability::Numbers;
use runtime::store::power_cut::series;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

/// Cuts in a batch.
const BATCH: u32 = 250;
/// Seeds of neighbouring runs do not meet.
const SEEDS_APART: u64 = 1_000;

/// Cuts the power.
///
/// # Errors
/// A thread of this command panicked.
pub fn run(numbers: Numbers, seed: u64) -> Result<Part, String> {
    let cuts = numbers.of(10_000);
    let batches = cuts.div_ceil(BATCH);
    let next = AtomicU32::new(0);
    let part = Mutex::new(Part { name: "power cuts on a simulated disk", ..Part::default() });
    let work = || -> Result<(), String> {
        loop {
            let batch = next.fetch_add(1, Ordering::Relaxed);
            if batch >= batches {
                return Ok(());
            }
            let of_batch = seed.wrapping_mul(SEEDS_APART).wrapping_add(u64::from(batch));
            let size = BATCH.min(cuts - batch * BATCH);
            let outcome = series(u64::from(size), of_batch);
            let mut part = part.lock().map_err(|_| "a thread of this command panicked")?;
            match outcome {
                Ok(outcome) => {
                    part.rounds += outcome.cuts;
                    part.at_opening += outcome.cuts_at_opening;
                    part.commits += outcome.commits;
                    part.arrived += outcome.arrived;
                }
                Err(what) => part.findings.push(format!("power cuts, seed {seed}, batch {batch}: {what}")),
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let results = threads.into_iter().map(|t| t.join());
        results.map(|r| r.unwrap_or_else(|_| Err("a thread of this command panicked".to_owned()))).collect::<Vec<_>>()
    })
    .into_iter()
    .collect::<Result<(), String>>()?;
    part.into_inner().map_err(|_| "a thread of this command panicked".to_owned())
}
