//! The scan's side of the heartbeat: promises kept, and a look at the guardian.
//!
//! A promise says when the next sign of life comes, not that there was one: a scan every ten seconds keeps it as well as one
//! every millisecond, and the heartbeat limit does not depend on the period. The scan loop renews it at each wake, after
//! each scan, and for each piece of a sleep.

use super::page::{Page, Phase, Step};
use super::process;
use crate::clock::MonotonicClock;
use crate::scan::ScanCode;

/// What the scan loop tells, and asks. Without a guardian nothing is told to anybody.
#[derive(Debug)]
pub struct Pulse {
    link: Option<Link>,
}

#[derive(Debug)]
struct Link {
    page: &'static Page,
    /// CLOCK_MONOTONIC at the scan clock's zero.
    origin_ns: u64,
    /// There is a guardian that must beat.
    guarded: bool,
    /// Beat and time of the first look that found it too old.
    stale: Option<(u64, u64)>,
}

/// Least limit for the guardian's own beats: it looks every [`super::watch::LOOK_NS`], and on a machine without real-time
/// priorities a delay of some scheduler rounds must not stop the plant.
const SILENCE_MIN_NS: u64 = 100 * crate::clock::NS_PER_MS;

impl Pulse {
    /// Nobody listens.
    #[must_use]
    pub const fn none() -> Self {
        Self { link: None }
    }

    /// A pulse on a shared page, for a scan on this clock, with a heartbeat limit. With `guarded` the guardian must be seen to
    /// beat, too.
    #[must_use]
    pub fn new(page: &'static Page, clock: &MonotonicClock, limit_ns: u64, guarded: bool) -> Self {
        page.set_limit_ns(limit_ns);
        Self { link: Some(Link { page, origin_ns: clock.origin_ns(), guarded, stale: None }) }
    }

    /// The scan begins: from `now_ns` on a heartbeat is due.
    pub(crate) fn begin(&self, now_ns: u64) {
        let Some(link) = &self.link else { return };
        link.promise(now_ns);
        link.page.set_phase(Phase::Running);
    }

    /// The next sign of life comes by `by_ns` of the scan's clock.
    pub(crate) fn promise(&self, by_ns: u64, step: Step) {
        let Some(link) = &self.link else { return };
        link.page.at().set_step(step);
        link.promise(by_ns);
    }

    /// So many scans are complete.
    pub(crate) fn completed(&self, scans: u64) {
        let Some(link) = &self.link else { return };
        link.page.set_scans(scans);
    }

    /// The program's run is over; the outputs come to rest.
    pub(crate) fn ending(&self) {
        let Some(link) = &self.link else { return };
        link.page.set_phase(Phase::Ending);
    }

    /// Everything is at rest. The last word.
    pub(crate) fn at_rest(&self) {
        let Some(link) = &self.link else { return };
        link.page.set_phase(Phase::AtRest);
    }

    /// Has the kernel said that the guardian died? One load; for the sleep.
    pub(crate) fn is_guardian_dead(&self) -> bool {
        self.link.as_ref().is_some_and(|link| link.guarded && process::parent_died())
    }

    /// The fault of a guardian that is dead or silent; the value is how long it has been silent, in nanoseconds.
    pub(crate) fn guardian_fault(&mut self, now_ns: u64) -> Option<(ScanCode, u64)> {
        if self.is_guardian_dead() {
            return Some((ScanCode::GuardianDead, 0));
        }
        let link = self.link.as_mut().filter(|link| link.guarded)?;
        let now_ns = link.origin_ns.saturating_add(now_ns);
        let silent_ns = link.silent_ns(now_ns)?;
        Some((ScanCode::GuardianSilent, silent_ns))
    }
}

impl Link {
    fn promise(&self, by_ns: u64) {
        self.page.set_promise_ns(self.origin_ns.saturating_add(by_ns));
    }

    /// How long the guardian has been silent, once that is too long. A beat found too old must stay the same for another
    /// half of the limit: after the machine as a whole stood still both processes find each other late.
    fn silent_ns(&mut self, now_ns: u64) -> Option<u64> {
        let beat_ns = self.page.beat_ns();
        let limit_ns = self.page.limit_ns().max(SILENCE_MIN_NS);
        if now_ns.saturating_sub(beat_ns) <= limit_ns {
            self.stale = None;
            return None;
        }
        match self.stale {
            Some((beat, since_ns)) if beat == beat_ns => {
                let waited = now_ns.saturating_sub(since_ns) > limit_ns / 2;
                waited.then(|| now_ns.saturating_sub(beat_ns))
            }
            Some(_) | None => {
                self.stale = Some((beat_ns, now_ns));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::NS_PER_MS;

    fn link() -> Link {
        let page = Page::shared().unwrap();
        page.set_limit_ns(200 * NS_PER_MS);
        Link { page, origin_ns: 0, guarded: true, stale: None }
    }

    #[test]
    fn a_guardian_that_beats_is_not_silent() {
        let mut link = link();
        for ms in (0..2000).step_by(10) {
            if ms % 150 == 0 {
                link.page.set_beat_ns(ms * NS_PER_MS);
            }
            assert_eq!(link.silent_ns(ms * NS_PER_MS), None, "{ms}");
        }
    }

    #[test]
    fn a_guardian_that_stops_beating_is_silent_after_the_limit_and_a_half() {
        let mut link = link();
        link.page.set_beat_ns(1000 * NS_PER_MS);
        let found = (1000..2000).find(|ms| link.silent_ns(ms * NS_PER_MS).is_some());
        assert_eq!(found, Some(1302));
    }

    #[test]
    fn one_late_look_after_the_machine_stood_still_is_no_silence() {
        let mut link = link();
        link.page.set_beat_ns(1000 * NS_PER_MS);
        // Both slept for an hour; this process woke first, the guardian 20 ms later.
        assert_eq!(link.silent_ns(3_600_000 * NS_PER_MS), None);
        link.page.set_beat_ns(3_600_020 * NS_PER_MS);
        assert_eq!(link.silent_ns(3_600_200 * NS_PER_MS), None);
    }

    #[test]
    fn promises_are_on_the_clock_both_processes_share() {
        let page = Page::shared().unwrap();
        let clock = MonotonicClock::start();
        let pulse = Pulse::new(page, &clock, 9, false);
        pulse.begin(0);
        pulse.promise(5, Step::Sleeping);
        assert_eq!(page.promise_ns(), clock.origin_ns() + 5);
        assert_eq!((page.phase(), page.at().step(), page.limit_ns()), (Phase::Running, Step::Sleeping, 9));
    }
}
