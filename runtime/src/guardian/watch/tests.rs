use super::*;

const MS: u64 = NS_PER_MS;
const LIMIT: u64 = 120 * MS;

/// What happens to the guardian, at which time.
#[derive(Clone, Copy, Debug)]
enum Happens {
    /// The child becomes this.
    Child(ChildState),
    /// A stop signal comes.
    Signal(StopSignal),
    /// The scan process writes to the page.
    Says(Phase, u64),
    /// The machine stands still for so long.
    Freeze(u64),
}

/// A scripted system: time moves only in waits.
struct Stage<'p> {
    page: &'p Page,
    now_ns: u64,
    script: Vec<(u64, Happens)>,
    state: ChildState,
    /// How long the child takes to die once it was killed; `None` where it never does by itself.
    dies_after_ns: u64,
    dead_at_ns: Option<(u64, ChildState)>,
    /// OFF writes that fail from the front of this count.
    fails: u32,
    log: Vec<(u64, &'static str)>,
    fed: u32,
}

fn stage(page: &Page, script: Vec<(u64, Happens)>) -> Stage<'_> {
    let now_ns = 1000 * MS;
    page.set_limit_ns(LIMIT);
    page.set_phase(Phase::Running);
    page.set_promise_ns(now_ns);
    let script = script.into_iter().map(|(ms, what)| (now_ns + ms * MS, what)).collect();
    Stage {
        page,
        now_ns,
        script,
        state: ChildState::Running,
        dies_after_ns: 3 * MS,
        dead_at_ns: None,
        fails: 0,
        log: Vec::new(),
        fed: 0,
    }
}

impl Stage<'_> {
    fn at(&self, ms: u64) -> u64 {
        1000 * MS + ms * MS
    }

    fn words(&self) -> Vec<&'static str> {
        let mut words: Vec<_> = self.log.iter().map(|(_, what)| *what).collect();
        words.dedup();
        words
    }
}

impl Hands for Stage<'_> {
    fn now_ns(&self) -> u64 {
        self.now_ns
    }

    fn wait(&mut self, until_ns: u64) -> Wakeup {
        // The first thing that happens before the wait is over ends it.
        let dies = self.dead_at_ns.filter(|(at, _)| *at <= until_ns);
        if let Some((at_ns, state)) = dies
            && self.script.first().is_none_or(|(first, _)| *first >= at_ns)
        {
            self.now_ns = self.now_ns.max(at_ns);
            self.state = state;
            self.dead_at_ns = None;
            return Wakeup::Child;
        }
        let Some((at_ns, what)) = self.script.first().copied().filter(|(at, _)| *at <= until_ns) else {
            self.now_ns = self.now_ns.max(until_ns);
            return Wakeup::Time;
        };
        self.script.remove(0);
        self.now_ns = self.now_ns.max(at_ns);
        match what {
            Happens::Child(state) => {
                self.state = state;
                Wakeup::Child
            }
            Happens::Signal(signal) => Wakeup::Stop(signal),
            Happens::Says(phase, promise_ns) => {
                self.page.set_phase(phase);
                self.page.set_promise_ns(promise_ns);
                // The page wakes nobody: the wait goes on.
                self.wait(until_ns)
            }
            Happens::Freeze(ns) => {
                self.now_ns = until_ns + ns;
                Wakeup::Time
            }
        }
    }

    fn child(&mut self) -> ChildState {
        self.state
    }

    fn forward(&mut self, signal: StopSignal) {
        self.log.push((self.now_ns, signal.name()));
    }

    fn kill(&mut self) {
        self.log.push((self.now_ns, "kill"));
        if !self.state.is_over() {
            self.dead_at_ns = Some((self.now_ns + self.dies_after_ns, ChildState::Killed(libc::SIGKILL)));
        }
    }

    fn off(&mut self) -> u32 {
        self.log.push((self.now_ns, if self.state.is_over() { "off, dead" } else { "off" }));
        let failed = u32::from(self.fails > 0);
        self.fails = self.fails.saturating_sub(1);
        failed
    }

    fn look(&mut self, _now_ns: u64, _phase: Phase, _scans: u64) {
        self.fed += 1;
    }
}

fn death(end: End) -> Death {
    match end {
        End::Death(death) => death,
        End::Exited(code) => panic!("exited with {code}"),
        End::StoppedEarly => panic!("stopped early"),
    }
}

#[test]
fn a_killed_process_leaves_its_outputs_off_at_once() {
    let page = Page::shared().unwrap();
    let mut stage = stage(page, vec![(42, Happens::Child(ChildState::Killed(libc::SIGKILL)))]);
    let death = death(watch(page, &mut stage));
    assert_eq!((death.code, death.state), (GuardianCode::ProcessDied, ChildState::Killed(libc::SIGKILL)));
    assert_eq!(death.detected_ns, stage.at(42));
    assert_eq!(stage.words(), ["off, dead", "kill", "off, dead"]);
}

#[test]
fn a_hang_is_found_at_the_limit_and_the_last_off_comes_after_the_death() {
    let page = Page::shared().unwrap();
    let mut stage = stage(page, vec![]);
    let death = death(watch(page, &mut stage));
    assert_eq!(death.code, GuardianCode::HeartbeatLost);
    assert_eq!(death.detected_ns, stage.at(0) + LIMIT + 1);
    assert_eq!(death.age_ns, LIMIT + 1);
    assert_eq!(stage.words(), ["off", "kill", "off, dead"]);
    let last = stage.log.last().copied();
    assert_eq!(last, Some((death.detected_ns + 3 * MS, "off, dead")));
    assert_eq!(death.failed, 0);
}

#[test]
fn promises_kept_are_a_heartbeat_however_long_the_period() {
    let page = Page::shared().unwrap();
    // A scan every ten seconds: each wake promises the next.
    let says = |ms: u64| (ms, Happens::Says(Phase::Running, 1000 * MS + (ms + 10_000) * MS));
    let script = vec![says(0), says(9_990), says(19_980), (25_000, Happens::Child(ChildState::Exited(0)))];
    let mut stage = stage(page, script);
    assert_eq!(death(watch(page, &mut stage)).detected_ns, stage.at(25_000));
}

#[test]
fn an_ordered_end_is_passed_through_and_nothing_is_written() {
    let page = Page::shared().unwrap();
    let script = vec![
        (10, Happens::Signal(StopSignal::Terminate)),
        (20, Happens::Says(Phase::Ending, 1010 * MS)),
        (30, Happens::Says(Phase::AtRest, 1020 * MS)),
        (900, Happens::Child(ChildState::Exited(0))),
    ];
    let mut stage = stage(page, script);
    assert_eq!(watch(page, &mut stage), End::Exited(0));
    assert_eq!(stage.words(), ["SIGTERM"]);
}

#[test]
fn an_exit_before_everything_is_at_rest_is_a_death_whatever_its_code() {
    for (phase, code) in [(Phase::Running, 0), (Phase::Ending, 0), (Phase::Running, 3)] {
        let page = Page::shared().unwrap();
        let script = vec![(5, Happens::Says(phase, 1005 * MS)), (15, Happens::Child(ChildState::Exited(code)))];
        let mut stage = stage(page, script);
        let death = death(watch(page, &mut stage));
        assert_eq!((death.code, death.state), (GuardianCode::ProcessDied, ChildState::Exited(code)));
    }
}

#[test]
fn before_the_first_scan_nobody_asks_for_a_heartbeat() {
    let page = Page::shared().unwrap();
    let mut stage = stage(page, vec![(60_000, Happens::Child(ChildState::Exited(1)))]);
    page.set_phase(Phase::Starting);
    assert_eq!(watch(page, &mut stage), End::Exited(1));
}

#[test]
fn a_stop_signal_that_ends_the_compiler_is_no_death() {
    let page = Page::shared().unwrap();
    let script =
        vec![(10, Happens::Signal(StopSignal::Interrupt)), (11, Happens::Child(ChildState::Killed(libc::SIGINT)))];
    let mut stage = stage(page, script);
    page.set_phase(Phase::Starting);
    assert_eq!(watch(page, &mut stage), End::StoppedEarly);
}

#[test]
fn a_process_that_does_not_stop_in_time_is_put_down() {
    let page = Page::shared().unwrap();
    let mut script = vec![(10, Happens::Signal(StopSignal::Terminate)), (20, Happens::Signal(StopSignal::Terminate))];
    // It goes on scanning as if nothing had been said.
    script.extend((1..2000).map(|n| (20 + n * 10, Happens::Says(Phase::Running, (1030 + n * 10) * MS))));
    let mut stage = stage(page, script);
    let death = death(watch(page, &mut stage));
    assert_eq!(death.code, GuardianCode::NotStopped);
    let limit = stage.at(10) + STOP_LIMIT_NS;
    assert!((limit..limit + 2 * LOOK_NS).contains(&death.detected_ns), "the first signal counts: {death:?}");
}

#[test]
fn a_process_that_hangs_after_it_came_to_rest_is_put_down() {
    let page = Page::shared().unwrap();
    let mut stage = stage(page, vec![(10, Happens::Says(Phase::AtRest, 1010 * MS))]);
    assert_eq!(death(watch(page, &mut stage)).code, GuardianCode::NotStopped);
}

#[test]
fn a_stopped_process_is_killed_before_it_can_wake_up() {
    let page = Page::shared().unwrap();
    let mut stage = stage(page, vec![(7, Happens::Child(ChildState::Stopped))]);
    let death = death(watch(page, &mut stage));
    assert_eq!((death.code, death.detected_ns), (GuardianCode::ProcessStopped, stage.at(7)));
    assert_eq!(stage.words(), ["off", "kill", "off, dead"]);
}

#[test]
fn a_process_stuck_in_a_driver_is_written_off_until_it_is_dead() {
    let page = Page::shared().unwrap();
    let mut stage = stage(page, vec![]);
    stage.dies_after_ns = 2000 * MS;
    let death = death(watch(page, &mut stage));
    assert_eq!(death.dead_ns, 2000 * MS);
    assert!(stage.log.iter().filter(|(_, what)| *what == "off").count() > 300, "OFF again at every look");
    assert_eq!(stage.words().last(), Some(&"off, dead"));
}

#[test]
fn an_off_that_fails_is_tried_again_and_counted() {
    let page = Page::shared().unwrap();
    let kill = || vec![(3, Happens::Child(ChildState::Killed(9)))];
    let mut stage_a = stage(page, kill());
    stage_a.fails = 5;
    assert_eq!(death(watch(page, &mut stage_a)).failed, 0, "the bus answered again");
    let mut stage_b = stage(page, kill());
    stage_b.fails = u32::MAX;
    assert_eq!(death(watch(page, &mut stage_b)).failed, 1);
}

#[test]
fn a_machine_that_stood_still_is_forgiven_once() {
    let page = Page::shared().unwrap();
    // An hour of standstill; the scan wakes 50 ms after the guardian.
    let script = vec![
        (10, Happens::Freeze(3_600_000 * MS)),
        (3_600_070, Happens::Says(Phase::Running, (1000 + 3_600_070) * MS)),
        (3_600_090, Happens::Says(Phase::AtRest, (1000 + 3_600_090) * MS)),
        (3_600_100, Happens::Child(ChildState::Exited(0))),
    ];
    let mut stage_a = stage(page, script);
    assert_eq!(watch(page, &mut stage_a), End::Exited(0));
    // The same, but the scan really hangs.
    let mut stage_b = stage(page, vec![(10, Happens::Freeze(3_600_000 * MS))]);
    let death = death(watch(page, &mut stage_b));
    let woke = stage_b.at(10) + 3_600_000 * MS;
    assert!((woke + LIMIT..woke + LIMIT + 2 * LOOK_NS).contains(&death.detected_ns), "{death:?}");
}

#[test]
fn the_guardian_beats_at_every_look() {
    let page = Page::shared().unwrap();
    let mut stage = stage(page, vec![(35, Happens::Child(ChildState::Killed(9)))]);
    watch(page, &mut stage);
    assert_eq!(page.beat_ns(), stage.at(35));
    assert_eq!(stage.fed, 4);
}
