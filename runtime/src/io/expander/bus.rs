//! The bus thread's side: every chip of one bus, exchanged with when its time has come.
//!
//! An exchange writes what the scan asks for, reads all lines and publishes them. One that fails is tried once more at
//! once (a disturbance), then the chip counts as failed and is asked again after a pause that doubles from its poll time
//! to [`PAUSE_MAX_NS`]. A chip that is not as it was started (it lost its supply, or was another one) is started anew with
//! every output off. A bus that hangs hangs its own thread only: what the scan sees gets old and counts no longer.

use super::access::Access;
use super::chip::{Chip, Reading};
use super::shared::{LOST, Shared};
use crate::clock::{Clock, NS_PER_MS};
use std::sync::Arc;

/// Longest pause before a failed chip is asked again: an operator who plugs it in sees it come back at once.
pub(super) const PAUSE_MAX_NS: u64 = 1000 * NS_PER_MS;
/// Longest sleep without a look at the stop flag.
const STOP_LOOK_NS: u64 = 20 * NS_PER_MS;

/// One chip as its bus thread keeps it.
#[derive(Debug)]
pub struct Polled<A> {
    access: A,
    chip: Chip,
    shared: Arc<Shared>,
    poll_ns: u64,
    /// Levels of the outputs with every load off.
    rest: u16,
    /// What was written last.
    written: u16,
    /// The chip is set up as far as is known.
    started: bool,
    pause_ns: u64,
    next_ns: u64,
}

impl<A: Access> Polled<A> {
    pub(super) const fn new(access: A, chip: Chip, shared: Arc<Shared>, poll_ns: u64, rest: u16) -> Self {
        Self { access, chip, shared, poll_ns, rest, written: rest, started: false, pause_ns: poll_ns, next_ns: 0 }
    }

    /// Exchanges with the chip once.
    ///
    /// # Errors
    /// The reason: a system error number, or the number that stands for a chip that is not as it was set up.
    pub fn exchange(&mut self, clock: &impl Clock) -> Result<(), i32> {
        let result = self.try_exchange(clock).or_else(|trouble| {
            // What was lost is started anew; what failed may have been disturbed.
            self.started &= trouble != LOST;
            self.try_exchange(clock)
        });
        match result {
            Ok(()) => self.pause_ns = self.poll_ns,
            Err(trouble) => {
                self.started &= trouble != LOST;
                self.shared.fail(trouble);
            }
        }
        result
    }

    fn try_exchange(&mut self, clock: &impl Clock) -> Result<(), i32> {
        if !self.started {
            self.chip.start(&mut self.access, self.rest)?;
            self.written = self.rest;
            self.started = true;
            self.shared.started();
        }
        let request = self.shared.request();
        if request.start == self.shared.start() && request.number != self.shared.done() {
            // A chip that lost its supply in between is seen before anything is written to it.
            if request.levels != self.written {
                self.see(clock)?;
                self.chip.write(&mut self.access, request.levels)?;
                self.written = request.levels;
            }
            self.shared.carried_out(request.number);
        }
        let (at_ns, levels) = self.see(clock)?;
        self.shared.publish(at_ns, levels);
        Ok(())
    }

    fn see(&mut self, clock: &impl Clock) -> Result<(u64, u16), i32> {
        let at_ns = clock.now_ns();
        match self.chip.read(&mut self.access, self.written)? {
            Reading::Levels(levels) => Ok((at_ns, levels)),
            Reading::Lost => Err(LOST),
        }
    }

    /// Exchanges where the time has come, and says when it comes next.
    fn poll(&mut self, clock: &impl Clock) -> u64 {
        let now_ns = clock.now_ns();
        if now_ns >= self.next_ns {
            let pause_ns = match self.exchange(clock) {
                Ok(()) => self.poll_ns,
                Err(_) => {
                    let pause_ns = self.pause_ns;
                    self.pause_ns = pause_ns.saturating_mul(2).min(PAUSE_MAX_NS);
                    pause_ns
                }
            };
            self.next_ns = now_ns.saturating_add(pause_ns);
        }
        self.next_ns
    }

    /// Switches every output off, as the last thing said to the chip.
    fn rest(&mut self) {
        if self.chip.outputs == 0 {
            return;
        }
        for _ in 0..2 {
            if self.chip.write(&mut self.access, self.rest).is_ok() {
                self.written = self.rest;
                return;
            }
        }
    }
}

/// Attends to the chips of one bus until they are told to stop; then every output is off.
pub(super) fn attend<A: Access>(chips: &mut [Polled<A>], clock: &impl Clock) {
    while !chips.iter().any(|chip| chip.shared.stopping()) {
        let mut next_ns = clock.now_ns().saturating_add(STOP_LOOK_NS);
        for chip in chips.iter_mut() {
            next_ns = next_ns.min(chip.poll(clock));
        }
        clock.sleep_until(next_ns);
    }
    for chip in chips {
        chip.rest();
    }
}
