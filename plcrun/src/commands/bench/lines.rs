//! What reading and writing the real lines of a map costs.
//!
//! Lines are requested as a run requests them, with every load off, and what is written is that same OFF again: nothing is
//! switched. Input lines are only read.

use crate::exit::Refusal;
use relay::Guard;
use runtime::clock::monotonic_ns;
use runtime::config::IoMap;
use runtime::io::gpio::{Held, RestLine};
use runtime::io::{Driver as _, IoFault};
use runtime::rt;
use runtime::scan::Times;
use std::sync::Arc;

/// Times each is done: enough for the slowest line drivers (a millisecond on a bus) to end within some seconds.
const ROUNDS: u32 = 2_000;

/// What came of it. A kind that the map has no line of was counted 0 times.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Names of the chips.
    pub chips: Vec<String>,
    /// Input lines.
    pub inputs: usize,
    /// Output lines.
    pub outputs: usize,
    /// Reading all inputs once.
    pub read: Times,
    /// Writing all outputs once, on every chip.
    pub write: Times,
}

/// Measures the lines of a map; `None` where it has none on GPIO chips.
///
/// # Errors
/// A line cannot be had, read or written.
pub fn measure(map: &IoMap, rest: &[RestLine]) -> Result<Option<Measured>, Refusal> {
    let inputs = map.inputs.iter().filter(|i| matches!(i.source, runtime::config::Source::Gpio(_))).count();
    if inputs + rest.len() == 0 {
        return Ok(None);
    }
    let refused = |e: runtime::io::OpenError| Refusal::findings(e.to_string(), "").coded(e.code());
    let mut held = Held::open(rest).map_err(refused)?;
    let (mut read, mut write) = (Times::default(), Times::default());
    for _ in rounds(rest.len()) {
        let mut failed = None;
        let began_ns = monotonic_ns();
        held.off(|chip, result| failed = result.err().map(|errno| (chip, errno)).or(failed));
        write.record(monotonic_ns().saturating_sub(began_ns));
        if let Some((chip, errno)) = failed {
            let name = held.chips().get(usize::from(chip)).cloned().unwrap_or_default();
            return Err(broken("written", &name, errno));
        }
    }
    let guard = Guard::new(Arc::new(map.channels.clone()));
    let mut gpio = held.take_over(map, guard.permitted()).map_err(refused)?;
    let mut levels = vec![false; map.inputs.len()];
    for _ in rounds(inputs) {
        let began_ns = monotonic_ns();
        let result = gpio.read(began_ns, &mut levels);
        read.record(monotonic_ns().saturating_sub(began_ns));
        result.map_err(|IoFault { chip, errno, .. }| {
            broken("read", gpio.chip_names().get(usize::from(chip)).map_or("", String::as_str), errno)
        })?;
    }
    Ok(Some(Measured { chips: gpio.chip_names().to_vec(), inputs, outputs: rest.len(), read, write }))
}

/// None where there are no lines, and no more once somebody asked to stop.
fn rounds(lines: usize) -> impl Iterator<Item = u32> {
    (0..if lines == 0 { 0 } else { ROUNDS }).take_while(|_| rt::stop_signal().is_none())
}

fn broken(what: &str, chip: &str, errno: i32) -> Refusal {
    let words = std::io::Error::from_raw_os_error(errno);
    Refusal::findings(format!("the lines of {chip} cannot be {what}: {words}"), "`dmesg` has the driver's own words")
}
