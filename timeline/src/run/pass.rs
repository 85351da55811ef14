//! One run of one test.
//!
//! Order within a scan at grid time t: stimuli whose time is at most t; contacts move up to t; the scan; expectations
//! whose time lies in `t .. t + tick`; `never` and `always`. Conditions that read contacts are looked at after every
//! movement of a contact between two scans as well, so that no overlap hides there.

use super::FAILURES_MAX;
use super::kept::Kept;
use crate::condition::{Condition, EvalError, Value, View, read};
use crate::coverage::{Hits, Probes};
use crate::history::History;
use crate::names::{ChannelIndex, Member, Source};
use crate::play;
use crate::prepare::{Check, CheckKind, Invariant, Prepared, show_value};
use crate::problem::Place;
use crate::report::{Failure, FailureKind, Moment};
use crate::rule::Watch;
use crate::stimuli::{Action, Stimuli};
use crate::suite::Version;
use crate::trace::{Lock, Trace};
use crate::writers::{Writer, writers};
use bytecode::path::Variable;
use relay::ChannelId;
use relay::contact::Edge;
use runtime::clock::{Clock, VirtualClock};
use runtime::io::Rack;
use runtime::scan::{Command, Contact, Mode, Plc};
use runtime::vm::Engine;
use std::sync::Arc;

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

/// What is recorded in a run; nothing costs nothing.
#[derive(Debug, Default)]
pub struct Records {
    /// The last changes, for reports.
    pub history: Option<History>,
    /// Every change.
    pub trace: Option<Trace>,
    /// Nothing is recorded after this time.
    pub trace_until_ns: Option<u64>,
}

/// What came of a run.
pub struct Outcome {
    /// What failed.
    pub failures: Vec<Failure>,
    /// Simulated time.
    pub simulated_ns: u64,
    /// Scans run.
    pub scans: u64,
    /// The changes, where they were recorded.
    pub trace: Option<Trace>,
    /// What was gone through, where it was counted.
    pub hits: Option<Hits>,
}

/// A run.
pub struct Pass<'a, E> {
    version: &'a Version,
    test: &'a Prepared,
    plc: Plc<E, Rack>,
    clock: VirtualClock,
    channels: Vec<ChannelId>,
    watched: Vec<Watched<'a>>,
    rules: Vec<Watch<'a>>,
    records: Records,
    /// What the retained store holds, where the test cuts the power.
    kept: Option<Kept>,
    /// Start of the present scan.
    grid_ns: u64,
    /// Scans of the controllers before the last power cut.
    scans_before: u64,
    failures: Vec<Failure>,
    hits: Option<Hits>,
    edges: Vec<(usize, Edge)>,
    conducting: Vec<bool>,
}

impl<'a, E: Engine> Pass<'a, E> {
    /// A run from power-up.
    pub fn new(version: &'a Version, test: &'a Prepared, seed: u64, records: Records) -> Self {
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
        let rules = test
            .rules
            .iter()
            .map(|rule| Watch::new(rule, rule.reads().iter().any(|(_, source)| reads_contact(source))))
            .collect();
        let cuts = |action: Action| matches!(action, Action::PowerCut { .. });
        let kept = test.stimuli.actions().iter().any(|timed| cuts(timed.action)).then(|| Kept::new(&plc)).flatten();
        let hits = version.probes.as_ref().map(|probes| Hits::none(probes.len()));
        let conducting = vec![false; channels.len()];
        let clock = VirtualClock::new();
        Self {
            version,
            test,
            plc,
            clock,
            channels,
            watched,
            rules,
            records,
            kept,
            grid_ns: 0,
            scans_before: 0,
            failures: Vec::new(),
            hits,
            edges: Vec::new(),
            conducting,
        }
    }

    /// Runs it to its end.
    pub fn run(mut self, stimuli: &Stimuli) -> Outcome {
        let tick_ns = self.plc.tick_ns().max(1);
        let mut stimuli = stimuli.clone();
        stimuli.rewind();
        let test = self.test;
        let mut checks = test.checks.iter().peekable();
        let mut back_ns = 0;
        loop {
            while let Some(action) = stimuli.next_due(self.grid_ns) {
                if let Action::PowerCut { for_ns } = action {
                    back_ns = self.grid_ns.saturating_add(for_ns);
                    self.cut_power(for_ns);
                } else {
                    play::apply(action, &mut self.plc);
                }
            }
            self.move_contacts(self.grid_ns);
            let scan_end_ns = self.grid_ns.saturating_add(tick_ns);
            if self.grid_ns < back_ns {
                self.record_outage();
            } else if !self.scan(scan_end_ns, &mut checks) {
                break;
            }
            let answered = |end_ns: u64| self.rules.iter().filter_map(Watch::waits_until).all(|ns| ns < end_ns);
            let over = scan_end_ns > test.end_ns && answered(scan_end_ns.saturating_sub(tick_ns));
            if over || self.failures.len() >= FAILURES_MAX {
                break;
            }
            self.grid_ns = scan_end_ns;
        }
        self.count_hits();
        Outcome {
            failures: self.failures,
            simulated_ns: self.grid_ns.saturating_add(tick_ns),
            scans: self.scans_before.saturating_add(self.plc.scan()),
            trace: self.records.trace,
            hits: self.hits,
        }
    }

    /// One scan with everything that is looked at behind it; false where the run ends with a fault.
    fn scan<'c>(
        &mut self,
        scan_end_ns: u64,
        checks: &mut std::iter::Peekable<impl Iterator<Item = &'c Check>>,
    ) -> bool {
        self.clock.sleep_until(self.grid_ns);
        let step = self.plc.step(self.grid_ns, &self.clock);
        self.record();
        if let Mode::Faulted(fault) = step.mode {
            let message = fault.describe(self.plc.image(), &[]).to_string();
            self.fail(self.test.place.clone(), FailureKind::Fault { message }, &[]);
            return false;
        }
        if let Some(kept) = &mut self.kept {
            kept.after_scan(&self.plc, self.grid_ns);
        }
        while let Some(check) = checks.next_if(|check| check.at_ns < scan_end_ns) {
            self.check(check);
        }
        self.watch_scan();
        true
    }

    /// The controller loses its power: the coils drop, and what starts later knows only what the store holds.
    fn cut_power(&mut self, for_ns: u64) {
        self.count_hits();
        self.scans_before = self.scans_before.saturating_add(self.plc.scan());
        let spare = Plc::simulated(Arc::clone(&self.version.image), Arc::clone(&self.version.map), 0);
        let old = std::mem::replace(&mut self.plc, spare);
        let words: Vec<u64> = old.words().map(|(_, bits)| bits).collect();
        let mut rack = old.into_driver();
        rack.sim_mut().power_off(self.grid_ns);
        self.plc = Plc::with_driver(Arc::clone(&self.version.image), Arc::clone(&self.version.map), rack);
        // What drives an analogue input does not stop with the controller.
        for (index, bits) in (0_u16..).zip(words) {
            self.plc.apply(Command::SetWord(index, bits));
        }
        if let Some(kept) = &mut self.kept {
            kept.restart(&mut self.plc, self.grid_ns, for_ns);
        }
    }

    /// Takes over what the probes have counted.
    fn count_hits(&mut self) {
        if let (Some(hits), Some(probes)) = (&mut self.hits, &self.version.probes) {
            let probes: &Probes = probes;
            hits.add(probes, self.plc.memory().data());
        }
    }

    fn moment(&self) -> Moment {
        Moment { time_ns: self.grid_ns, scan: self.scans_before.saturating_add(self.plc.scan()) }
    }

    /// Lets the simulated contacts move up to the next scan and looks at the conditions after every movement.
    fn move_contacts(&mut self, grid_ns: u64) {
        let edges = &mut self.edges;
        edges.clear();
        self.plc.driver_mut().sim_mut().advance(grid_ns, |channel, edge| edges.push((channel, edge)));
        if edges.is_empty() {
            // A relay that was mended has moved without an edge.
            self.settle();
            return;
        }
        if let Some(trace) = self.records.trace_at(grid_ns) {
            edges.iter().for_each(|(channel, edge)| trace.contact(*channel, edge.at_ns, edge.conducting));
        }
        let watches = self.watched.iter().any(|watched| watched.reads_contact && !watched.failed);
        if !watches && !self.rules.iter().any(|rule| rule.reads_contact && !rule.failed) {
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
                let moment = Moment { time_ns: edge.at_ns, ..self.moment() };
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
        if self.records.history.is_none() && self.records.trace.is_none() {
            return;
        }
        let view = ScanView { plc: &self.plc, channels: &self.channels, between: None };
        if let Some(history) = &mut self.records.history {
            history.record(moment, &view);
        }
        if let Some(trace) = self.records.trace_at(moment.time_ns) {
            trace.scan(moment.time_ns, &view);
            for (index, id) in self.channels.iter().enumerate() {
                trace.lock(index, moment.time_ns, lock(&self.plc, *id));
            }
        }
    }

    /// Without power there are no variables, only lines and contacts.
    fn record_outage(&mut self) {
        let time_ns = self.grid_ns;
        let view = ScanView { plc: &self.plc, channels: &self.channels, between: None };
        if let Some(trace) = self.records.trace_at(time_ns) {
            trace.outage(time_ns, &view);
            (0..self.channels.len()).for_each(|index| trace.lock(index, time_ns, Lock::Free));
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
        let begins = moment.time_ns <= self.test.end_ns;
        let mut broken = Vec::new();
        for watch in self.rules.iter_mut().filter(|watch| !watch.failed && (!between || watch.reads_contact)) {
            broken.extend(watch.look(moment, begins, &view).map(|kind| (watch.rule, kind)));
        }
        for (rule, kind) in broken {
            self.fail_at(moment, rule.place.clone(), kind, &rule.reads());
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
        if let Some(history) = &self.records.history {
            changes = history.recent(reads);
            found = reads.iter().filter_map(|(name, source)| self.writers(name, source)).collect();
        }
        let reads = reads.to_vec();
        self.failures.push(Failure { place, moment, kind, reads, writers: found, changes });
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

impl Records {
    /// The trace, while something is recorded.
    fn trace_at(&mut self, time_ns: u64) -> Option<&mut Trace> {
        let wanted = self.trace_until_ns.is_none_or(|until_ns| time_ns <= until_ns);
        self.trace.as_mut().filter(|_| wanted)
    }
}

/// What keeps a channel off.
fn lock<E: Engine>(plc: &Plc<E, Rack>, id: ChannelId) -> Lock {
    let Some(status) = plc.status(id) else { return Lock::Free };
    if let Some(pending) = status.pending {
        return Lock::Waits(plc.guard().describe_wait(pending.reason));
    }
    let locked = !status.on && !status.ready && status.fault.is_none() && status.trip.is_none();
    // A member of its group that is on, or wants to be, keeps it off without any dead time.
    let other = || {
        let groups = plc.table().channel(id).groups().iter();
        let mut members = groups.flat_map(|group| plc.table().group(*group).members());
        members.any(|member| *member != id && plc.status(*member).is_some_and(|other| other.on || other.commanded))
    };
    if locked && !status.commanded && plc.mode() == Mode::Running && !other() { Lock::Dead } else { Lock::Free }
}

fn reads_contact(source: &Source) -> bool {
    matches!(source, Source::Channel { member: Member::Contact, .. })
}

fn values(condition: &Condition, view: &impl View) -> Vec<(String, String)> {
    let shown = |(name, source): &(String, Source)| (name.clone(), show_value(source, read(source, view)));
    condition.reads.iter().map(shown).collect()
}
