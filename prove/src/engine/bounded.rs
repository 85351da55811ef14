//! The search for a sequence of inputs that breaks a property: bounded search with exact time jumps.
//!
//! A *step* is one scan, or one scan repeated with the same inputs. It may be repeated only where repeating it changes
//! nothing but counters: every latch is as before it, and no counter passes a value it is compared with. Such a run of
//! scans is one step of the search whatever its length, so the search counts events and not scans; and it is exact:
//! every scan of the run does what the first one did.

use crate::graph::{Copier, Graph, Leaf, Lit};
use crate::model::Start;
use crate::sat::{Answer, Encoding, Limit, Solver, Term};
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
    /// No shorter one, in scans, was found among those with as many steps.
    pub shortest: bool,
}

impl Trace {
    /// Scans up to the one that breaks the property.
    #[must_use]
    pub fn scans(&self) -> u64 {
        self.steps.iter().fold(0, |sum, step| sum.saturating_add(step.scans))
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

/// Counters up to this are not worth a jump.
const SHORT: u64 = 3;

/// The state before the next step, as functions of the inputs so far.
struct Now {
    latches: Vec<Lit>,
    counters: Vec<Vector>,
}

/// One step as it was unrolled.
struct Unrolled {
    inputs: Vec<Lit>,
    extra: Vector,
    bad: Lit,
    constraint: Lit,
}

/// A search.
pub struct Bounded<'a> {
    system: &'a System,
    graph: Graph,
    solver: Solver,
    encoding: Encoding,
    now: Now,
    starts: Vec<Lit>,
    steps: Vec<Unrolled>,
    inputs: u32,
    jumps: bool,
    /// Bits of a duration.
    width: usize,
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

    fn input(&mut self) -> Lit {
        self.inputs += 1;
        self.graph.leaf(Leaf::Input(self.inputs - 1))
    }

    fn term(&mut self, lit: Lit) -> Term {
        self.encoding.term(&mut self.solver, &self.graph, lit)
    }

    /// Searches up to so many steps.
    pub fn run(&mut self, depth: usize) -> Search {
        while self.steps.len() < depth {
            if self.limit.reached() {
                return Search::Stopped(self.steps.len());
            }
            match self.deepen() {
                Answer::Yes => return Search::Found(self.shorten()),
                Answer::No => {}
                Answer::Stopped => return Search::Stopped(self.steps.len().saturating_sub(1)),
            }
        }
        Search::Nothing(self.steps.len())
    }

    /// One step further; can the property be broken in it?
    fn deepen(&mut self) -> Answer {
        // The property was not broken before, and every scan before it was one that is looked at.
        if let Some(last) = self.steps.last() {
            let (bad, constraint) = (last.bad, last.constraint);
            let (bad, constraint) = (self.term(bad), self.term(constraint));
            self.solver.clause(&[!bad]);
            self.solver.clause(&[constraint]);
        }
        let (step, valid) = self.unroll();
        let valid = self.term(valid);
        self.solver.clause(&[valid]);
        let (bad, constraint) = (step.bad, step.constraint);
        self.steps.push(step);
        if bad == Lit::FALSE || constraint == Lit::FALSE {
            return Answer::No;
        }
        let assumed = [self.term(bad), self.term(constraint)];
        self.solver.solve(&assumed)
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
        self.now = Now { latches, counters };
        (Unrolled { inputs, extra, bad, constraint }, valid)
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

    /// The trace of the solver's last answer.
    fn trace(&self) -> Trace {
        let holds = |lit: &Lit| match lit.value() {
            Some(value) => value,
            // What was never given to the solver may be anything.
            None => self.encoding.known(*lit).is_some_and(|term| self.solver.holds(term)),
        };
        let number = |bits: &[Lit]| bits.iter().enumerate().fold(0u64, |n, (i, bit)| n | u64::from(holds(bit)) << i);
        let steps = self.steps.iter().map(|step| TraceStep {
            inputs: step.inputs.iter().map(holds).collect(),
            scans: number(&step.extra).saturating_add(1),
        });
        Trace { starts: self.starts.iter().map(holds).collect(), steps: steps.collect(), shortest: !self.jumps }
    }

    /// A trace of as many steps with as few scans as can be.
    fn shorten(&mut self) -> Trace {
        let mut best = self.trace();
        if !self.jumps {
            return best;
        }
        let width = self.width + 16;
        let mut total = vec![Lit::FALSE; width];
        for step in &self.steps {
            total = vector::add(&mut self.graph, &total, &vector::resize(&step.extra, width, false));
        }
        let Some(last) = self.steps.last() else { return best };
        let (bad, constraint) = (last.bad, last.constraint);
        let (bad, constraint) = (self.term(bad), self.term(constraint));
        let count = self.steps.len() as u64;
        let mut least = 0;
        let mut most = best.scans().saturating_sub(count);
        while least < most {
            let middle = least + (most - least) / 2;
            let more = at_least(&mut self.graph, &total, middle + 1);
            let fits = !self.term(more);
            match self.solver.solve(&[bad, constraint, fits]) {
                Answer::Yes => {
                    best = self.trace();
                    most = best.scans().saturating_sub(count).min(middle);
                }
                Answer::No => least = middle + 1,
                Answer::Stopped => return best,
            }
        }
        Trace { shortest: true, ..best }
    }
}
