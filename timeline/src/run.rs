//! The runner: every test from power-up, in virtual time, with the relay guard and simulated contacts in the loop.
//!
//! Each test runs once as fast as possible. Only when something failed it runs a second time, exactly alike, with its
//! history recorded ([`crate::history`]), so that a failure can be explained and a passing test pays nothing for it.
//!
//! Order within a scan at grid time t: stimuli whose time is at most t; contacts move up to t; the scan; expectations
//! whose time lies in `t .. t + tick`; `never` and `always`. Conditions that read contacts are looked at after every
//! movement of a contact between two scans as well, so that no overlap hides there.

use crate::condition::{Condition, EvalError, Value, View, read};
use crate::history::History;
use crate::names::{ChannelIndex, Member, Source};
use crate::play;
use crate::prepare::{Check, CheckKind, Invariant, Prepared, show_value};
use crate::problem::Place;
use crate::report::{Failure, FailureKind, Moment, Report, TestReport, VersionReport};
use crate::suite::{Suite, Version};
use crate::writers::{Writer, writers};
use bytecode::path::Variable;
use relay::ChannelId;
use relay::contact::Edge;
use runtime::clock::{Clock, VirtualClock};
use runtime::io::Rack;
use runtime::scan::{Contact, Mode, Plc};
use runtime::vm::{Engine, Interpreter, Native};
use std::sync::Arc;

/// Most failures reported for one test: the first ones say what is wrong.
pub const FAILURES_MAX: usize = 10;

/// How tests are run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Only tests whose name contains this text.
    pub only: Option<String>,
    /// Seed that stands in for the file's.
    pub seed: Option<u64>,
}

/// Runs the tests of a file on native code, where there is any.
#[must_use]
pub fn run(suite: &Suite, options: &Options) -> Report {
    run_on::<Native>(suite, options)
}

/// Runs the tests of a file on an engine of the caller's choice; every engine gives the same report.
#[must_use]
pub fn run_on<E: Engine>(suite: &Suite, options: &Options) -> Report {
    let seed = options.seed.unwrap_or(suite.seed);
    let wanted = |test: &&Prepared| options.only.as_ref().is_none_or(|only| test.name.contains(only.as_str()));
    let versions = suite.versions.iter().map(|version| VersionReport {
        program: version.program.clone(),
        tests: version.tests.iter().filter(wanted).map(|test| run_test::<E>(version, test, seed)).collect(),
    });
    Report { file: suite.file.clone(), versions: versions.collect() }
}

/// Runs one test.
#[must_use]
pub fn run_test<E: Engine>(version: &Version, test: &Prepared, seed: u64) -> TestReport {
    let mut report = Pass::<E>::new(version, test, seed, None).run();
    if !report.failures.is_empty() {
        let history = History::new(&version.image, &version.map);
        report = Pass::<E>::new(version, test, seed, Some(history)).run();
    }
    report
}

/// Does the test fail? Without the second run that explains why.
pub(crate) fn fails(version: &Version, test: &Prepared, seed: u64) -> bool {
    !Pass::<Interpreter>::new(version, test, seed, None).run().failures.is_empty()
}

/// What conditions see: the controller after a scan.
struct ScanView<'a, E> {
    plc: &'a Plc<E, Rack>,
    channels: &'a [ChannelId],
    /// Contacts between two scans; `None` at the end of a scan.
    between: Option<&'a [bool]>,
}

impl<E: Engine> View for ScanView<'_, E> {
    fn variable(&self, variable: &Variable) -> u64 {
        self.plc.image().read(self.plc.memory().data(), variable).unwrap_or(0)
    }

    fn member(&self, channel: ChannelIndex, member: Member) -> Value {
        let id = self.channels.get(channel.0).copied();
        let status = id.and_then(|id| self.plc.status(id));
        match member {
            Member::Commanded => Value::Bool(id.is_some_and(|id| self.plc.commanded(id))),
            Member::Line => Value::Bool(status.is_some_and(|status| status.on)),
            Member::Pending => Value::Bool(status.is_some_and(|status| status.pending.is_some())),
            Member::Ready => Value::Bool(status.is_some_and(|status| status.ready)),
            Member::Fault => Value::Word(status.and_then(relay::ChannelStatus::fault_name).unwrap_or("none")),
            Member::Contact => match self.between.and_then(|between| between.get(channel.0)) {
                Some(true) => Value::Word(Contact::Closed.name()),
                Some(false) => Value::Word(Contact::Open.name()),
                None => Value::Word(id.map_or("open", |id| self.plc.contact(id).name())),
            },
        }
    }
}

/// A condition that is still watched.
struct Watched<'a> {
    invariant: &'a Invariant,
    /// `never`: it fails when it holds.
    never: bool,
    reads_contact: bool,
    failed: bool,
}

/// One run of one test.
struct Pass<'a, E> {
    version: &'a Version,
    test: &'a Prepared,
    plc: Plc<E, Rack>,
    clock: VirtualClock,
    channels: Vec<ChannelId>,
    watched: Vec<Watched<'a>>,
    history: Option<History>,
    failures: Vec<Failure>,
    seed: u64,
    edges: Vec<(usize, Edge)>,
    conducting: Vec<bool>,
}

impl<'a, E: Engine> Pass<'a, E> {
    fn new(version: &'a Version, test: &'a Prepared, seed: u64, history: Option<History>) -> Self {
        let plc = Plc::simulated(Arc::clone(&version.image), Arc::clone(&version.map), seed);
        let channels: Vec<ChannelId> = plc.table().ids().collect();
        let watch = |never: bool| {
            move |invariant: &'a Invariant| Watched {
                invariant,
                never,
                reads_contact: invariant.condition.reads.iter().any(|(_, source)| reads_contact(source)),
                failed: false,
            }
        };
        let watched = test.never.iter().map(watch(true)).chain(test.always.iter().map(watch(false))).collect();
        let conducting = vec![false; channels.len()];
        let clock = VirtualClock::new();
        Self {
            version,
            test,
            plc,
            clock,
            channels,
            watched,
            history,
            failures: Vec::new(),
            seed,
            edges: Vec::new(),
            conducting,
        }
    }

    fn run(mut self) -> TestReport {
        let tick_ns = self.plc.tick_ns().max(1);
        let mut stimuli = self.test.stimuli.clone();
        stimuli.rewind();
        let test = self.test;
        let mut checks = test.checks.iter().peekable();
        let mut grid_ns = 0;
        loop {
            while let Some(action) = stimuli.next_due(grid_ns) {
                play::apply(action, &mut self.plc);
            }
            self.move_contacts(grid_ns);
            self.clock.sleep_until(grid_ns);
            let step = self.plc.step(grid_ns, &self.clock);
            self.record();
            if let Mode::Faulted(fault) = step.mode {
                let message = fault.describe(self.plc.image(), &[]).to_string();
                self.fail(test.place.clone(), FailureKind::Fault { message }, &[]);
                break;
            }
            let scan_end_ns = grid_ns.saturating_add(tick_ns);
            while let Some(check) = checks.next_if(|check| check.at_ns < scan_end_ns) {
                self.check(check);
            }
            self.watch_scan();
            if grid_ns.saturating_add(tick_ns) > test.end_ns || self.failures.len() >= FAILURES_MAX {
                break;
            }
            grid_ns = scan_end_ns;
        }
        TestReport {
            name: test.name.clone(),
            place: test.place.clone(),
            failures: self.failures,
            simulated_ns: grid_ns.saturating_add(tick_ns),
            scans: self.plc.scan(),
            seed: self.seed,
        }
    }

    fn moment(&self) -> Moment {
        Moment { time_ns: self.plc.grid_ns(), scan: self.plc.scan() }
    }

    /// Lets the simulated contacts move up to the next scan and looks at the conditions after every movement.
    fn move_contacts(&mut self, grid_ns: u64) {
        let edges = &mut self.edges;
        edges.clear();
        self.plc.driver_mut().sim_mut().advance(grid_ns, |channel, edge| edges.push((channel, edge)));
        if edges.is_empty() || !self.watched.iter().any(|watched| watched.reads_contact && !watched.failed) {
            self.settle();
            return;
        }
        // Channel by channel as they come; a stable sort by time keeps the order of the map within one instant.
        let mut edges = std::mem::take(&mut self.edges);
        edges.sort_by_key(|(_, edge)| edge.at_ns);
        for (position, (channel, edge)) in edges.iter().enumerate() {
            if let Some(conducting) = self.conducting.get_mut(*channel) {
                *conducting = edge.conducting;
            }
            // Movements of the same instant count together.
            if edges.get(position + 1).is_none_or(|(_, next)| next.at_ns > edge.at_ns) {
                let moment = Moment { time_ns: edge.at_ns, scan: self.plc.scan() };
                self.watch_between(moment);
            }
        }
        self.edges = edges;
        self.settle();
    }

    /// Takes over where the contacts are now.
    fn settle(&mut self) {
        for (conducting, id) in self.conducting.iter_mut().zip(&self.channels) {
            *conducting = self.plc.driver().sim().conducts(*id).unwrap_or(false);
        }
    }

    fn record(&mut self) {
        let moment = self.moment();
        if let Some(history) = &mut self.history {
            let view = ScanView { plc: &self.plc, channels: &self.channels, between: None };
            history.record(moment, &view);
        }
    }

    fn check(&mut self, check: &Check) {
        let view = ScanView { plc: &self.plc, channels: &self.channels, between: None };
        match &check.what {
            CheckKind::Equals { name, source, value, shown } => {
                let found = read(source, &view);
                if found != *value {
                    let kind = FailureKind::Differs {
                        name: name.clone(),
                        expected: shown.clone(),
                        found: show_value(source, found),
                    };
                    self.fail(check.place.clone(), kind, &[(name.clone(), *source)]);
                }
            }
            CheckKind::Holds(condition) => match condition.holds(&view) {
                Ok(true) => {}
                Ok(false) => {
                    let kind = FailureKind::DoesNotHold {
                        condition: condition.text.clone(),
                        values: values(condition, &view),
                    };
                    self.fail(check.place.clone(), kind, &condition.reads);
                }
                Err(error) => self.no_answer(check.place.clone(), condition, error),
            },
        }
    }

    fn no_answer(&mut self, place: Place, condition: &Condition, error: EvalError) {
        let kind = FailureKind::NoAnswer { condition: condition.text.clone(), reason: error.to_string() };
        self.fail(place, kind, &condition.reads);
    }

    fn watch_scan(&mut self) {
        let moment = self.moment();
        self.watch(moment, false);
    }

    fn watch_between(&mut self, moment: Moment) {
        self.watch(moment, true);
    }

    fn watch(&mut self, moment: Moment, between: bool) {
        let view = ScanView {
            plc: &self.plc,
            channels: &self.channels,
            between: between.then_some(self.conducting.as_slice()),
        };
        let mut found = Vec::new();
        for watched in self.watched.iter_mut().filter(|watched| !watched.failed && (!between || watched.reads_contact))
        {
            let condition = &watched.invariant.condition;
            let kind = match condition.holds(&view) {
                Ok(holds) if holds != watched.never => continue,
                Ok(true) => FailureKind::Never { condition: condition.text.clone(), values: values(condition, &view) },
                Ok(false) => {
                    FailureKind::Always { condition: condition.text.clone(), values: values(condition, &view) }
                }
                Err(error) => FailureKind::NoAnswer { condition: condition.text.clone(), reason: error.to_string() },
            };
            watched.failed = true;
            found.push((watched.invariant, kind));
        }
        for (invariant, kind) in found {
            self.fail_at(moment, invariant.place.clone(), kind, &invariant.condition.reads);
        }
    }

    fn fail(&mut self, place: Place, kind: FailureKind, reads: &[(String, Source)]) {
        self.fail_at(self.moment(), place, kind, reads);
    }

    fn fail_at(&mut self, moment: Moment, place: Place, kind: FailureKind, reads: &[(String, Source)]) {
        if self.failures.len() >= FAILURES_MAX {
            return;
        }
        let (mut found, mut changes) = (Vec::new(), Vec::new());
        if let Some(history) = &self.history {
            changes = history.recent(reads);
            found = reads.iter().filter_map(|(name, source)| self.writers(name, source)).collect();
        }
        self.failures.push(Failure { place, moment, kind, writers: found, changes });
    }

    fn writers(&self, name: &str, source: &Source) -> Option<(String, Vec<Writer>)> {
        let image = self.plc.image();
        let (name, variable) = match source {
            Source::Variable { variable, .. } => (name.to_owned(), *variable),
            Source::Channel { channel, .. } => {
                let output = self.version.map.outputs.get(channel.0)?;
                (output.name.clone(), image.variable(&output.variable).ok()?)
            }
        };
        let places = writers(image, &variable);
        (!places.is_empty()).then_some((name, places))
    }
}

fn reads_contact(source: &Source) -> bool {
    matches!(source, Source::Channel { member: Member::Contact, .. })
}

fn values(condition: &Condition, view: &impl View) -> Vec<(String, String)> {
    let shown = |(name, source): &(String, Source)| (name.clone(), show_value(source, read(source, view)));
    condition.reads.iter().map(shown).collect()
}
