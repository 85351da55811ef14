//! The search for a sequence of inputs that breaks a property: bounded search with exact time jumps.
//!
//! A *step* is one scan, or one scan repeated with the same inputs. It may be repeated only where repeating it changes
//! nothing but counters: every latch is as before it, and no counter passes a value it is compared with. Such a run of
//! scans is one step of the search whatever its length, so the search counts events and not scans; and it is exact:
//! every scan of the run does what the first one did.

use super::laps::{self, Lap, Past, Repeat};
use super::predicates::Predicate;
use crate::encoding::Encoding;
use crate::graph::{Copier, Graph, Leaf, Lit};
use crate::model::Start;
use crate::sat::{Answer, Limit, Solver, Term};
use crate::system::{System, at_least, counted, plain_leaf};
use crate::vector::{self, Vector};

/// One step of a trace: the values of the system's inputs, for so many scans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceStep {
    /// By number of the system's inputs.
    pub inputs: Vec<bool>,
    /// At least 1.
    pub scans: u64,
}

/// A way to break a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// What latches that start with any value start with, by number of the system's latches.
    pub starts: Vec<bool>,
    /// In order; the last scan of the last step breaks the property.
    pub steps: Vec<TraceStep>,
    /// Steps that are gone through several times; in order, and without a step in common.
    pub laps: Vec<Lap>,
    /// No shorter one, in scans, was found among those with as many steps.
    pub shortest: bool,
}

impl Trace {
    /// Scans up to the one that breaks the property.
    #[must_use]
    pub fn scans(&self) -> u64 {
        let steps: Vec<u64> = self.steps.iter().map(|step| step.scans).collect();
        laps::scans(&steps, &self.laps)
    }

    /// Every step as often as it is done.
    pub fn walk(&self) -> impl Iterator<Item = &TraceStep> {
        laps::walk(self.steps.len(), &self.laps).filter_map(|(step, _)| self.steps.get(step))
    }
}

/// How a search ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Search {
    /// Found.
    Found(Trace),
    /// Nothing within so many steps.
    Nothing(usize),
    /// Interrupted; nothing within so many steps.
    Stopped(usize),
}

/// Conflicts of the solver after which a way is short enough.
const CONFLICTS_TO_SHORTEN: u64 = 500;
/// Counters up to this are not worth a jump.
const SHORT: u64 = 3;

/// The state before the next step, as functions of the inputs so far.
#[derive(Clone)]
pub(super) struct Now {
    pub(super) latches: Vec<Lit>,
    pub(super) counters: Vec<Vector>,
}

/// One step as it was unrolled.
pub(super) struct Unrolled {
    inputs: Vec<Lit>,
    extra: Vector,
    /// Further laps behind it.
    pub(super) repeat: Repeat,
    bad: Lit,
    constraint: Lit,
    /// This scan and all before are looked at.
    alive: Lit,
    /// The property is broken in it, and it counts.
    hit: Lit,
}

/// A search.
pub struct Bounded<'a> {
    pub(super) system: &'a System,
    pub(super) graph: Graph,
    solver: Solver,
    encoding: Encoding,
    pub(super) now: Now,
    starts: Vec<Lit>,
    pub(super) steps: Vec<Unrolled>,
    inputs: u32,
    jumps: bool,
    /// Steps may be repeated together.
    pub(super) laps: bool,
    /// Every step so far, where they may.
    pub(super) past: Vec<Past>,
    /// Bits of a duration.
    width: usize,
    /// Clauses that hold before every scan.
    lemmas: Vec<Vec<(Predicate, bool)>>,
    limit: Limit,
}

impl std::fmt::Debug for Bounded<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bounded at step {}", self.steps.len())
    }
}

impl<'a> Bounded<'a> {
    /// Before the first step.
    #[must_use]
    pub fn new(system: &'a System, limit: &Limit) -> Self {
        let mut search = Self {
            system,
            graph: Graph::default(),
            solver: Solver::new(limit),
            encoding: Encoding::default(),
            now: Now { latches: Vec::new(), counters: Vec::new() },
            starts: Vec::new(),
            steps: Vec::new(),
            inputs: 0,
            jumps: system.counters.iter().any(|c| c.max > SHORT && !c.exposed),
            width: system.counters.iter().map(|c| c.width() as usize).max().unwrap_or(0),
            laps: false,
            past: Vec::new(),
            lemmas: Vec::new(),
            limit: limit.clone(),
        };
        search.now.latches = system
            .latches
            .iter()
            .map(|latch| match latch.start {
                Start::Value(value) => Lit::constant(value),
                Start::Free => search.input(),
            })
            .collect();
        search.starts.clone_from(&search.now.latches);
        search.now.counters = system.counters.iter().map(|c| vector::constant(0, c.width())).collect();
        search
    }

    /// With steps that are repeated together: each step is dearer, and thousands of presses of a button take few.
    #[must_use]
    pub fn with_laps(mut self) -> Self {
        self.laps = self.system.counters.iter().any(laps::counts_events);
        self
    }

    /// Clauses that hold before every scan: they rule nothing out that can happen, and spare looking for it.
    #[must_use]
    pub fn with_lemmas(mut self, lemmas: Vec<Vec<(Predicate, bool)>>) -> Self {
        let simple = |(predicate, _): &(Predicate, bool)| match predicate {
            Predicate::Latch(_) | Predicate::AtLeast { .. } => true,
            // Adders and comparators would cost more than they spare.
            Predicate::Order { .. } | Predicate::CounterBit { .. } => false,
        };
        self.lemmas = lemmas;
        self.lemmas.retain(|clause| clause.iter().all(simple));
        self
    }

    /// Gives the lemmas about the state before the next step to the solver.
    fn add_lemmas(&mut self) {
        let lemmas = std::mem::take(&mut self.lemmas);
        for clause in &lemmas {
            let mut holds = Lit::FALSE;
            for (predicate, positive) in clause {
                let lit = match predicate {
                    Predicate::Latch(n) => self.now.latches.get(*n as usize).copied(),
                    Predicate::AtLeast { counter, threshold } => {
                        let bits = self.now.counters.get(*counter as usize);
                        bits.map(|bits| at_least(&mut self.graph, bits, *threshold))
                    }
                    Predicate::Order { .. } | Predicate::CounterBit { .. } => None,
                };
                let lit = lit.map_or(Lit::TRUE, |lit| lit.xor_sign(!positive));
                holds = self.graph.or(holds, lit);
            }
            if holds != Lit::TRUE {
                let holds = self.term(holds);
                self.solver.clause(&[holds]);
            }
        }
        self.lemmas = lemmas;
    }

    pub(super) fn input(&mut self) -> Lit {
        self.inputs += 1;
        self.graph.leaf(Leaf::Input(self.inputs - 1))
    }

    fn term(&mut self, lit: Lit) -> Term {
        self.encoding.term(&mut self.solver, &self.graph, lit)
    }

    /// Searches up to so many steps, one after the other: which of several it may be is a dearer question than all of them.
    pub fn run(&mut self, depth: usize) -> Search {
        while self.steps.len() < depth {
            let done = self.steps.len();
            if self.limit.reached() {
                return Search::Stopped(done);
            }
            self.unroll_next();
            match self.broken_in_last() {
                Answer::Yes => {
                    let trace = self.trace();
                    return Search::Found(self.shorten(trace));
                }
                Answer::Stopped => {
                    // A limit that was reached stays so: nobody goes on from here, and this step is not known to be harmless.
                    self.steps.pop();
                    return Search::Stopped(done);
                }
                Answer::No => self.exclude_last(),
            }
        }
        Search::Nothing(self.steps.len())
    }

    /// Adds a step to what the solver knows.
    fn unroll_next(&mut self) {
        self.add_lemmas();
        let (mut step, valid) = self.unroll();
        let before = self.steps.last().map_or(Lit::TRUE, |last| last.alive);
        step.alive = self.graph.and(before, step.constraint);
        step.hit = self.graph.and(step.alive, step.bad);
        self.steps.push(step);
        let valid = self.term(valid);
        self.solver.clause(&[valid]);
    }

    /// Can the property be broken in the last step, when every scan up to then was one that is looked at?
    fn broken_in_last(&mut self) -> Answer {
        match self.steps.last().map(|step| step.hit) {
            None | Some(Lit::FALSE) => Answer::No,
            Some(hit) => {
                let hit = self.term(hit);
                self.solver.solve(&[hit])
            }
        }
    }

    /// The property is not broken in the last step, and every scan in it is one that is looked at.
    fn exclude_last(&mut self) {
        let Some((bad, constraint)) = self.steps.last().map(|step| (step.bad, step.constraint)) else { return };
        let (bad, constraint) = (self.term(bad), self.term(constraint));
        self.solver.clause(&[!bad]);
        self.solver.clause(&[constraint]);
    }

    /// Adds a step; also when its repetition is allowed.
    fn unroll(&mut self) -> (Unrolled, Lit) {
        let system = self.system;
        let inputs: Vec<Lit> = system.inputs.iter().map(|_| self.input()).collect();
        let mut copier = Copier::new(&system.graph);
        let now = &self.now;
        let mut copy = |graph: &mut Graph, lit: Lit| {
            copier.copy(&system.graph, graph, lit, &mut |graph, leaf| match leaf {
                Leaf::Input(number) => inputs.get(number as usize).copied().unwrap_or(Lit::FALSE),
                Leaf::Latch(number) => now.latches.get(number as usize).copied().unwrap_or(Lit::FALSE),
                Leaf::AtLeast { .. } | Leaf::CounterBit { .. } => plain_leaf(graph, &now.counters, leaf),
            })
        };
        let bad = copy(&mut self.graph, system.bad);
        let constraint = copy(&mut self.graph, system.constraint);
        let latches: Vec<Lit> = system.latches.iter().map(|l| copy(&mut self.graph, l.next)).collect();
        let runs: Vec<(Lit, Lit)> =
            system.counters.iter().map(|c| (copy(&mut self.graph, c.run), copy(&mut self.graph, c.hold))).collect();
        let (extra, counters, valid) = self.jump(&latches, &runs);
        let before = std::mem::replace(&mut self.now, Now { latches, counters });
        if self.laps {
            let jumps = self.graph.any(extra.iter().copied());
            self.past.push(Past { before, runs, jumps });
        }
        let (repeat, allowed) = self.lap();
        let valid = self.graph.and(valid, allowed);
        (Unrolled { inputs, extra, repeat, bad, constraint, alive: Lit::TRUE, hit: Lit::FALSE }, valid)
    }

    /// The duration of a step beyond its first scan, the counters after it, and when it is allowed.
    fn jump(&mut self, latches: &[Lit], runs: &[(Lit, Lit)]) -> (Vector, Vec<Vector>, Lit) {
        let system = self.system;
        let mut counters = Vec::new();
        if !self.jumps {
            for ((counter, now), (run, hold)) in system.counters.iter().zip(&self.now.counters).zip(runs) {
                counters.push(counted(&mut self.graph, now, counter.max, *run, *hold));
            }
            return (Vec::new(), counters, Lit::TRUE);
        }
        let extra: Vector = (0..self.width).map(|_| self.input()).collect();
        let jumps = self.graph.any(extra.iter().copied());
        let mut still = Lit::TRUE;
        for (after, before) in latches.iter().zip(&self.now.latches) {
            let same = self.graph.same(*after, *before);
            still = self.graph.and(still, same);
        }
        for ((counter, now), (run, hold)) in system.counters.iter().zip(&self.now.counters).zip(runs) {
            let graph = &mut self.graph;
            let wide = vector::resize(now, self.width + 1, false);
            let last = vector::add(graph, &wide, &vector::resize(&extra, self.width + 1, false));
            // What the counter is compared with in the first scan holds in the last one too.
            let mut same = if counter.exposed { Lit::FALSE } else { Lit::TRUE };
            for threshold in &counter.thresholds {
                let (first, then) = (at_least(graph, &wide, *threshold), at_least(graph, &last, *threshold));
                let as_before = graph.same(first, then);
                same = graph.and(same, as_before);
            }
            let zero = !graph.any(now.iter().copied());
            let rests = graph.or(*hold, zero);
            let fits = graph.mux(*run, same, rests);
            still = graph.and(still, fits);
            // Below its maximum a counter that counts stays below it during the jump; at the maximum it stays there.
            let full = at_least(graph, &wide, counter.max);
            let counts = graph.and(*run, !full);
            let mut last: Vector = vector::mux(graph, counts, &last, &wide);
            last.truncate(now.len());
            counters.push(counted(graph, &last, counter.max, *run, *hold));
        }
        let valid = self.graph.or(!jumps, still);
        (extra, counters, valid)
    }

    /// A value of the solver's last answer.
    fn holds(&self, lit: Lit) -> bool {
        match lit.value() {
            Some(value) => value,
            None => self.encoding.holds(&self.solver, &self.graph, lit),
        }
    }

    /// The trace of the solver's last answer.
    fn trace(&self) -> Trace {
        let holds = |lit: &Lit| self.holds(*lit);
        let number = |bits: &[Lit]| bits.iter().enumerate().fold(0u64, |n, (i, bit)| n | u64::from(holds(bit)) << i);
        let steps = self.steps.iter().map(|step| TraceStep {
            inputs: step.inputs.iter().map(holds).collect(),
            scans: number(&step.extra).saturating_add(1),
        });
        let before_last = self.steps.iter().enumerate().take(self.steps.len().saturating_sub(1));
        let laps = before_last.filter_map(|(at, step)| {
            let times = number(&step.repeat.more) + 1;
            let count = step.repeat.periods.iter().find(|(_, chosen)| holds(chosen)).map(|(period, _)| *period)?;
            Some(Lap { first: (at + 1).checked_sub(count)?, count, times }).filter(|lap| lap.times > 1)
        });
        let starts = self.starts.iter().map(holds).collect();
        Trace { starts, steps: steps.collect(), laps: laps.collect(), shortest: !self.jumps }
    }

    /// A trace of as many steps with as few scans as can be, where that is found with little effort.
    fn shorten(&mut self, found: Trace) -> Trace {
        let mut best = found;
        let Some(last) = self.steps.last() else { return best };
        if !self.jumps {
            return best;
        }
        let hit = last.hit;
        let hit = self.term(hit);
        let width = self.width + 16;
        let mut total = vec![Lit::FALSE; width];
        for step in &self.steps {
            total = vector::add(&mut self.graph, &total, &vector::resize(&step.extra, width, false));
        }
        for step in self.steps.iter().rev().skip(1) {
            for (period, chosen) in &step.repeat.periods {
                let more: Vector = step.repeat.more.iter().map(|bit| self.graph.and(*bit, *chosen)).collect();
                let scans = vector::constant(*period as u64, u32::try_from(width).unwrap_or(64));
                let scans = vector::mul(&mut self.graph, &vector::resize(&more, width, false), &scans);
                total = vector::add(&mut self.graph, &total, &scans);
            }
        }
        let count = self.steps.len() as u64;
        let mut least = 0;
        let mut most = best.scans().saturating_sub(count);
        // The first way found often is the shortest one: then a single question says so.
        let (mut middle, mut first) = (most.saturating_sub(1), true);
        while least < most {
            let more = at_least(&mut self.graph, &total, middle + 1);
            let fits = !self.term(more);
            match self.solver.solve_within(&[hit, fits], CONFLICTS_TO_SHORTEN) {
                Answer::Yes => {
                    best = self.trace();
                    most = best.scans().saturating_sub(count).min(middle);
                }
                Answer::No => least = middle + 1,
                // The question about one scan less is the hardest of all.
                Answer::Stopped if first => {}
                Answer::Stopped => return best,
            }
            first = false;
            middle = least + (most - least) / 2;
        }
        // The scans of a jump within a lap were counted once.
        let of_lap = |lap: &Lap| best.steps.get(lap.first..lap.first + lap.count).unwrap_or_default();
        let plain = best.laps.iter().flat_map(of_lap).all(|step| step.scans == 1);
        Trace { shortest: plain, ..best }
    }
}
