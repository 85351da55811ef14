//! The guardian's loop: look, decide, act. It allocates nothing, blocks on nothing but its own bounded wait, and knows the
//! system only through [`Hands`], so that tests can play any death.
//!
//! Order on a death: OFF, kill, wait for the end of the process (OFF again at every look), OFF again. A process that was only
//! stopped, or stuck in a driver, must not wake up and write after the last OFF.

use super::codes::GuardianCode;
use super::page::{Page, Phase, Step};
use crate::clock::{NS_PER_MS, NS_PER_S};
use crate::rt::{self, StopSignal};

/// Longest time between two looks. The heartbeat is found lost at most this much late where no signal ends the wait
/// earlier; the guardian's beat is never older.
pub const LOOK_NS: u64 = 10 * NS_PER_MS;
/// Time the scan process has from a stop signal to its end: twice what coming to rest may take ([`crate::scan::real::REST_LIMIT_NS`]),
/// for printing and the last commit.
pub const STOP_LIMIT_NS: u64 = 10 * NS_PER_S;
/// Between two OFF writes while a killed process has not ended yet.
const KILL_LOOK_NS: u64 = 5 * NS_PER_MS;
/// OFF writes after the end, where one failed: a bus may answer again.
const OFF_TRIES: u32 = 20;

/// What ended a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wakeup {
    /// Nothing; the time is over.
    Time,
    /// A stop signal to be passed on.
    Stop(StopSignal),
    /// Something about the child.
    Child,
}

/// What the scan process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildState {
    /// It runs.
    Running,
    /// It is stopped by a signal.
    Stopped,
    /// It ended with this code.
    Exited(i32),
    /// A signal ended it.
    Killed(i32),
}

impl ChildState {
    /// Can it write no more?
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Exited(_) | Self::Killed(_))
    }
}

/// The system, as the guardian needs it. Nothing in it may allocate or block.
pub trait Hands {
    /// CLOCK_MONOTONIC.
    fn now_ns(&self) -> u64;
    /// Waits for a signal, at most until `until_ns`.
    fn wait(&mut self, until_ns: u64) -> Wakeup;
    /// What the scan process is now.
    fn child(&mut self) -> ChildState;
    /// Passes a stop signal on.
    fn forward(&mut self, signal: StopSignal);
    /// Ends the scan process for good.
    fn kill(&mut self);
    /// Writes OFF to every request and says how many writes failed.
    fn off(&mut self) -> u32;
    /// Called at each look: feeds whoever watches the guardian, as long as `scans` moves.
    fn look(&mut self, now_ns: u64, phase: Phase, scans: u64);
}

/// How a scan process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By itself and in order, with this exit code.
    Exited(i32),
    /// By a stop signal before it had scanned.
    StoppedEarly,
    /// The guardian had to act.
    Death(Death),
}

/// What is known of a death.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Death {
    /// Why the guardian acted.
    pub code: GuardianCode,
    /// What the process was when it ended.
    pub state: ChildState,
    /// Scans it had completed.
    pub scans: u64,
    /// Where it was.
    pub step: Step,
    /// Program and mark of the engine, where that was in a program.
    pub place: (u32, u32),
    /// How long after its promise nothing had been heard, in nanoseconds.
    pub age_ns: u64,
    /// When the guardian found it, CLOCK_MONOTONIC.
    pub detected_ns: u64,
    /// From there to the first OFF on every request, in nanoseconds.
    pub off_ns: u64,
    /// From there to the end of the process, in nanoseconds.
    pub dead_ns: u64,
    /// From there to the last OFF, in nanoseconds.
    pub last_off_ns: u64,
    /// Requests that did not take the last OFF.
    pub failed: u32,
    /// A stop had been asked for: no restart follows.
    pub stopping: bool,
}

/// How the heartbeat stands; pure.
#[derive(Clone, Copy, Debug, Default)]
struct Heart {
    /// The promise for which a late look of the guardian itself has been forgiven, and until when.
    grace: (u64, u64),
}

impl Heart {
    /// How late the scan's sign of life is, once it is too late. `overslept_ns` is how much later than planned the guardian
    /// itself looks: when the machine as a whole stood still, the scan gets one more limit for the same promise.
    fn lost(&mut self, now_ns: u64, promise_ns: u64, limit_ns: u64, overslept_ns: u64) -> Option<u64> {
        let age_ns = now_ns.saturating_sub(promise_ns);
        if age_ns <= limit_ns {
            return None;
        }
        let (forgiven, until_ns) = self.grace;
        if forgiven == promise_ns {
            return (now_ns > until_ns).then_some(age_ns);
        }
        if overslept_ns > limit_ns / 2 {
            self.grace = (promise_ns, now_ns.saturating_add(limit_ns));
            return None;
        }
        Some(age_ns)
    }
}

/// What a look at the scan process comes to.
enum Look {
    /// Go on.
    Well,
    /// It has ended, and nothing has to be done about it.
    Ended(End),
    /// Something has to be done, because of this; the heartbeat is so much overdue.
    Act(GuardianCode, u64),
}

/// What a look comes to; pure.
fn judge(state: ChildState, phase: Phase, stopping: bool, lost: impl FnOnce() -> Option<u64>) -> Look {
    match (state, phase) {
        (ChildState::Exited(code), Phase::Starting | Phase::AtRest) => Look::Ended(End::Exited(code)),
        (ChildState::Killed(_), Phase::Starting) if stopping => Look::Ended(End::StoppedEarly),
        // Whatever its exit code: it has not brought its outputs to rest.
        (ChildState::Exited(_) | ChildState::Killed(_), _) => Look::Act(GuardianCode::ProcessDied, 0),
        (ChildState::Stopped, Phase::Running | Phase::Ending | Phase::AtRest) => {
            Look::Act(GuardianCode::ProcessStopped, 0)
        }
        (ChildState::Running, Phase::Running | Phase::Ending) => {
            lost().map_or(Look::Well, |age_ns| Look::Act(GuardianCode::HeartbeatLost, age_ns))
        }
        (ChildState::Running | ChildState::Stopped, Phase::Starting) | (ChildState::Running, Phase::AtRest) => {
            Look::Well
        }
    }
}

/// Watches one scan process until it has ended.
pub fn watch<H: Hands>(page: &Page, hands: &mut H) -> End {
    let mut heart = Heart::default();
    let (mut stop_until_ns, mut rest_until_ns) = (None, None);
    let mut planned_ns = hands.now_ns();
    loop {
        let now_ns = hands.now_ns();
        page.set_beat_ns(now_ns);
        // The process before its page: what a dead one has written is complete.
        let state = hands.child();
        let (phase, promise_ns, limit_ns) = (page.phase(), page.promise_ns(), page.limit_ns());
        if phase == Phase::AtRest {
            rest_until_ns.get_or_insert(now_ns.saturating_add(STOP_LIMIT_NS));
        }
        let stopping = stop_until_ns.is_some() || rest_until_ns.is_some();
        let overslept_ns = now_ns.saturating_sub(planned_ns);
        let mut look = judge(state, phase, stopping, || heart.lost(now_ns, promise_ns, limit_ns, overslept_ns));
        if matches!(look, Look::Well) && [stop_until_ns, rest_until_ns].iter().flatten().any(|until| now_ns > *until) {
            look = Look::Act(GuardianCode::NotStopped, 0);
        }
        match look {
            Look::Well => {}
            Look::Ended(end) => return end,
            Look::Act(code, age_ns) => {
                return End::Death(Death { stopping, ..put_down(page, hands, code, age_ns) });
            }
        }
        hands.look(now_ns, phase, page.scans());
        planned_ns = next_look_ns(now_ns, phase, promise_ns, limit_ns);
        match hands.wait(planned_ns) {
            Wakeup::Time => {}
            // Ended early, a wait says nothing about the machine.
            Wakeup::Child => planned_ns = u64::MAX,
            Wakeup::Stop(signal) => {
                planned_ns = u64::MAX;
                pass_on(signal, phase, hands, &mut stop_until_ns);
            }
        }
    }
}

/// A stop signal goes to the scan process, whose time to end begins with the first one. A wish to reload is for a scan that can
/// refuse it; a compiler would die of it.
fn pass_on<H: Hands>(signal: StopSignal, phase: Phase, hands: &mut H, stop_until_ns: &mut Option<u64>) {
    let reload = rt::is_reload(signal);
    if reload && phase == Phase::Starting {
        return;
    }
    hands.forward(signal);
    if !reload {
        stop_until_ns.get_or_insert(hands.now_ns().saturating_add(STOP_LIMIT_NS));
    }
}

/// The next look: in [`LOOK_NS`], or the moment the heartbeat is overdue, if that is earlier.
fn next_look_ns(now_ns: u64, phase: Phase, promise_ns: u64, limit_ns: u64) -> u64 {
    let regular_ns = now_ns.saturating_add(LOOK_NS);
    // One nanosecond past the limit is late.
    let due_ns = promise_ns.saturating_add(limit_ns).saturating_add(1);
    match phase {
        Phase::Running | Phase::Ending if due_ns > now_ns => regular_ns.min(due_ns),
        Phase::Starting | Phase::Running | Phase::Ending | Phase::AtRest => regular_ns,
    }
}

fn put_down<H: Hands>(page: &Page, hands: &mut H, code: GuardianCode, age_ns: u64) -> Death {
    let detected_ns = hands.now_ns();
    hands.off();
    let off_ns = hands.now_ns().saturating_sub(detected_ns);
    hands.kill();
    let state = loop {
        let state = hands.child();
        if state.is_over() {
            break state;
        }
        // Stuck in a driver it dies when the driver lets go, however long that takes. Until then nothing may come on.
        page.set_beat_ns(hands.now_ns());
        hands.wait(hands.now_ns().saturating_add(KILL_LOOK_NS));
        hands.off();
    };
    let dead_ns = hands.now_ns().saturating_sub(detected_ns);
    let mut failed = hands.off();
    for _ in 1..OFF_TRIES {
        if failed == 0 {
            break;
        }
        let until_ns = hands.now_ns().saturating_add(KILL_LOOK_NS);
        while hands.now_ns() < until_ns {
            hands.wait(until_ns);
        }
        failed = hands.off();
    }
    let last_off_ns = hands.now_ns().saturating_sub(detected_ns);
    let (scans, step, place) = (page.scans(), page.at().step(), page.at().place());
    Death {
        code,
        state,
        scans,
        step,
        place,
        age_ns,
        detected_ns,
        off_ns,
        dead_ns,
        last_off_ns,
        failed,
        stopping: false,
    }
}

#[cfg(test)]
mod tests;
