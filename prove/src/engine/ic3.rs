//! IC3 over predicates: finds an inductive invariant by blocking, one by one, states from which the property can be broken.
//!
//! A *frame* k holds clauses true in every state reached within k scans. A *cube* is a conjunction of literals over the
//! predicates: states that shall be shown unreachable. Counters take part by their thresholds; their bits are in the
//! solver, where the scan is exact, but never in a cube. So what is proved holds for the exact system, while a trace may
//! be spurious: this engine proves and never refutes.
//!
//! Two things keep clauses to what is true and to what matters. States that random runs met are reached for certain: no clause is
//! learnt that one of them breaks, though it may hold within the few scans of its frame. And of a state that leads on only those
//! latches are kept that lead on with its inputs; of the counters everything is kept as soon as something about them is not in cubes.
//!
//! Two things spare questions. Scans that the solver has shown say of many a cube that it can be reached ([`Transitions`]). And a cube that no
//! scan leads into, whatever the frame, is blocked in all of them, and never looked at again.

use super::predicates::{Clause, Literal, Predicate, Vocabulary};
use super::samples::Samples;
use super::transitions::Transitions;
use crate::encoding::Encoding;
use crate::graph::Lit;
use crate::sat::{Answer, Limit, Solver, Term};
use crate::system::Blasted;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

/// A conjunction of literals, sorted.
type Cube = Vec<Literal>;

/// Queries after which the solver is built anew: every one leaves a retired clause behind.
const QUERIES_MAX: usize = 800;

/// A frame behind all others: what holds in it carries itself, with the lemmas and with what else holds in it.
const ALWAYS: usize = usize::MAX - 1;

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// These clauses, with the lemmas given, hold before every scan and exclude that the property is broken.
    Proved(Vec<Clause>),
    /// A chain of cubes leads from the start to a broken property; it may be spurious. So many scans long.
    Chain(usize),
    /// Interrupted, or too many questions; these clauses had been learnt, and some of them may hold in every state.
    Stopped(Vec<Clause>),
}

struct Blocked {
    cube: Cube,
    /// The last frame in which it holds.
    frame: usize,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Obligation {
    frame: usize,
    depth: usize,
    cube: Cube,
}

/// A search for an invariant.
pub struct Ic3<'a> {
    blasted: &'a Blasted,
    vocabulary: &'a Vocabulary,
    lemmas: &'a [Clause],
    /// The predicates in states that are reached.
    samples: &'a Samples,
    /// Clauses that hold in every state.
    facts: &'a [Vec<Lit>],
    limit: &'a Limit,
    solver: Solver,
    /// What is free in every scan.
    inputs: Vec<Term>,
    /// Latches, bits and comparisons that no cube speaks of.
    hidden: Vec<Term>,
    /// Literals of the predicates before and after the scan.
    now: Vec<Term>,
    after: Vec<Term>,
    bad: Term,
    constraint: Term,
    /// Assumed: the state is that before the first scan.
    initial: Term,
    /// Assumed: the clauses of this frame hold.
    frames: Vec<Term>,
    blocked: Vec<Blocked>,
    queries: usize,
    /// Questions still to be asked.
    left: usize,
    /// The last frame is new: clauses are still to be moved to it.
    begun: bool,
    /// Cubes are shortened to what leads on.
    lifts: bool,
    encoding: Encoding,
    /// Scans the solver has shown.
    shown: Transitions,
}

/// Stops the engine.
struct Interrupted;

impl std::fmt::Debug for Ic3<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ic3 at frame {}", self.frames.len())
    }
}

impl<'a> Ic3<'a> {
    /// Nothing learnt yet. `lemmas` hold before every scan, `facts` in every state; `samples` are states that are reached.
    #[must_use]
    pub fn new(
        (blasted, vocabulary): (&'a Blasted, &'a Vocabulary),
        (lemmas, facts): (&'a [Clause], &'a [Vec<Lit>]),
        samples: &'a Samples,
        limit: &'a Limit,
    ) -> Self {
        let mut solver = Solver::new(limit);
        let unset = solver.fresh();
        let mut engine = Self {
            blasted,
            vocabulary,
            lemmas,
            samples,
            facts,
            limit,
            solver,
            inputs: Vec::new(),
            hidden: Vec::new(),
            now: Vec::new(),
            after: Vec::new(),
            bad: unset,
            constraint: unset,
            initial: unset,
            frames: Vec::new(),
            blocked: Vec::new(),
            queries: 0,
            left: 0,
            begun: false,
            lifts: true,
            encoding: Encoding::default(),
            shown: Transitions::default(),
        };
        engine.build(2);
        engine
    }

    /// Cubes are whole states. That is dearer by far; but a shortened cube now and then has states that do not lead on, and then a
    /// chain is found where there is none.
    #[must_use]
    pub fn with_whole_states(mut self) -> Self {
        self.lifts = false;
        self
    }

    /// Searches with so many questions to the solver; can be asked again for more where it was stopped.
    pub fn run(&mut self, questions: usize) -> Outcome {
        self.left = questions;
        match self.go_on() {
            Ok(outcome) => outcome,
            Err(Interrupted) => Outcome::Stopped(self.learnt(0)),
        }
    }

    fn go_on(&mut self) -> Result<Outcome, Interrupted> {
        loop {
            if self.begun
                && let Some(clauses) = self.propagate()?
            {
                return Ok(Outcome::Proved(clauses));
            }
            self.begun = false;
            if let Some(depth) = self.block_all()? {
                return Ok(Outcome::Chain(depth));
            }
            self.add_frame();
            self.begun = true;
        }
    }

    /// A solver with the system and every clause known so far.
    fn build(&mut self, frames: usize) {
        let graph = &self.blasted.graph;
        let mut solver = Solver::new(self.limit);
        let mut encoding = Encoding::by_leaves();
        let mut term = |solver: &mut Solver, lit| encoding.term(solver, graph, lit);
        self.now = self.vocabulary.now.iter().map(|lit| term(&mut solver, *lit)).collect();
        self.after = self.vocabulary.after.iter().map(|lit| term(&mut solver, *lit)).collect();
        self.bad = term(&mut solver, self.blasted.bad);
        self.constraint = term(&mut solver, self.blasted.constraint);
        self.initial = solver.fresh();
        for (lit, value) in self.blasted.starts() {
            let term = term(&mut solver, lit);
            solver.clause(&[!self.initial, if value { term } else { !term }]);
        }
        encoding.clauses(&mut solver, graph, self.facts);
        let inputs = (0..self.blasted.inputs).filter_map(|n| self.blasted.input(n));
        self.inputs = inputs.filter_map(|lit| encoding.known(lit)).collect();
        let spoken: HashSet<Term> = self.now.iter().flat_map(|term| [*term, !*term]).collect();
        let state = self.blasted.state().into_iter().filter_map(|lit| encoding.known(lit));
        self.hidden = state.filter(|term| !spoken.contains(term)).collect();
        self.encoding = encoding;
        self.solver = solver;
        for lemma in self.lemmas {
            let clause: Vec<Term> = lemma.iter().map(|literal| self.before(*literal)).collect();
            self.solver.clause(&clause);
        }
        self.frames = (0..frames).map(|_| self.solver.fresh()).collect();
        self.queries = 0;
        for blocked in std::mem::take(&mut self.blocked) {
            self.add_clause(&blocked.cube, blocked.frame);
            self.blocked.push(blocked);
        }
    }

    fn before(&self, literal: Literal) -> Term {
        let term = self.now.get(literal.predicate as usize).copied().unwrap_or(self.initial);
        if literal.positive { term } else { !term }
    }

    fn behind(&self, literal: Literal) -> Term {
        let term = self.after.get(literal.predicate as usize).copied().unwrap_or(self.initial);
        if literal.positive { term } else { !term }
    }

    /// What is assumed for a scan that is looked at and begins in a state within `frame` scans: frame 0 is the start.
    fn assume_frame(&self, frame: usize) -> Vec<Term> {
        let mut assumed =
            if frame == 0 { vec![self.initial] } else { self.frames.iter().skip(frame).copied().collect() };
        assumed.push(self.constraint);
        assumed
    }

    /// The clauses of frames from this one on.
    fn learnt(&self, from: usize) -> Vec<Clause> {
        let kept = self.blocked.iter().filter(|b| b.frame >= from);
        kept.map(|b| b.cube.iter().map(|l| l.not()).collect()).collect()
    }

    fn top(&self) -> usize {
        self.frames.len() - 1
    }

    fn add_frame(&mut self) {
        let frame = self.solver.fresh();
        self.frames.push(frame);
    }

    fn add_clause(&mut self, cube: &Cube, frame: usize) {
        self.shown.block(cube, frame);
        let mut clause: Vec<Term> = cube.iter().map(|literal| !self.before(*literal)).collect();
        clause.extend(self.frames.get(frame).map(|f| !*f));
        self.solver.clause(&clause);
    }

    fn solve(&mut self, assumed: &[Term]) -> Result<bool, Interrupted> {
        let Some(left) = self.left.checked_sub(1) else { return Err(Interrupted) };
        self.left = left;
        match self.solver.solve(assumed) {
            Answer::Yes => Ok(true),
            Answer::No => Ok(false),
            Answer::Stopped => Err(Interrupted),
        }
    }

    /// The state of the solver's last answer, before the scan.
    fn before_scan(&self) -> Cube {
        let literal = |(predicate, term): (u32, &Term)| Literal { predicate, positive: self.solver.holds(*term) };
        (0u32..).zip(&self.now).map(literal).collect()
    }

    /// Blocks every state of the last frame that breaks the property; the length of a chain where that fails.
    fn block_all(&mut self) -> Result<Option<usize>, Interrupted> {
        loop {
            if self.queries > QUERIES_MAX {
                self.build(self.frames.len());
            }
            let mut assumed = self.assume_frame(self.top());
            assumed.push(self.bad);
            if !self.solve(&assumed)? {
                return Ok(None);
            }
            let state = self.before_scan();
            let cube = self.lift_bad(state)?;
            if let Some(depth) = self.block(cube)? {
                return Ok(Some(depth));
            }
        }
    }

    /// Fewer literals from which, with the same inputs, the property is broken all the same.
    fn lift_bad(&mut self, state: Cube) -> Result<Cube, Interrupted> {
        let fixed = self.fixed();
        let otherwise = [!self.bad, !self.constraint];
        self.lift_from(state, fixed, &otherwise)
    }

    /// Fewer literals from which, with the same inputs, the scan leads into the cube all the same.
    fn lift(&mut self, (state, fixed): (Cube, Vec<Term>), into: &[Literal]) -> Result<Cube, Interrupted> {
        let outside = into.iter().map(|l| !self.behind(*l));
        let otherwise: Vec<Term> = outside.chain([!self.constraint]).collect();
        self.lift_from(state, fixed, &otherwise)
    }

    /// Fewer literals from which it is not otherwise.
    fn lift_from(&mut self, state: Cube, fixed: Vec<Term>, otherwise: &[Term]) -> Result<Cube, Interrupted> {
        if !self.lifts {
            return Ok(state);
        }
        let other = self.solver.switch();
        self.solver.clause(&otherwise.iter().copied().chain([!other]).collect::<Vec<Term>>());
        self.queries += 1;
        let mut assumed = fixed.clone();
        assumed.extend(state.iter().map(|l| self.before(*l)));
        assumed.push(other);
        let reached = self.solve(&assumed)?;
        let core = if reached { Vec::new() } else { self.solver.core() };
        self.solver.retire(other);
        if reached {
            return Ok(state);
        }
        // What cubes do not speak of: they say all the more of the counters it belongs to, or would be about states that lead elsewhere.
        let hides = fixed.iter().skip(self.inputs.len()).any(|term| core.contains(term));
        let counts = |l: &Literal| match self.vocabulary.predicates.get(l.predicate as usize) {
            Some(Predicate::AtLeast { .. } | Predicate::Order { .. } | Predicate::CounterBit { .. }) => true,
            Some(Predicate::Latch(_)) | None => false,
        };
        let kept = |l: &Literal| hides && counts(l) || core.contains(&self.before(*l));
        Ok(state.into_iter().filter(kept).collect())
    }

    /// What the solver's last answer says of inputs, and behind that of what cubes do not speak of. To be read before any clause is
    /// added.
    fn fixed(&self) -> Vec<Term> {
        let all = self.inputs.iter().chain(&self.hidden);
        all.map(|term| if self.solver.holds(*term) { *term } else { !*term }).collect()
    }

    /// Does the cube leave out the start for certain?
    fn excludes_start(&self, cube: &[Literal]) -> bool {
        cube.iter().any(|literal| self.vocabulary.holds_at_start(literal.not()))
    }

    /// Blocks a cube in the last frame, and everything that leads there.
    fn block(&mut self, cube: Cube) -> Result<Option<usize>, Interrupted> {
        let top = self.top();
        let mut open = BinaryHeap::new();
        open.push(Reverse(Obligation { frame: top, depth: 0, cube }));
        while let Some(Reverse(task)) = open.pop() {
            if task.frame == 0 || !self.excludes_start(&task.cube) || self.was_seen(&task.cube) {
                return Ok(Some(task.depth));
            }
            if self.is_blocked(&task.cube, task.frame) {
                continue;
            }
            if self.queries > QUERIES_MAX {
                self.build(self.frames.len());
            }
            match self.reaches(&task.cube, task.frame - 1)? {
                Reached::From(state, fixed) => {
                    let before = self.lift((state, fixed), &task.cube)?;
                    open.push(Reverse(Obligation { frame: task.frame - 1, depth: task.depth + 1, cube: before }));
                    open.push(Reverse(task));
                }
                Reached::Never(core) => {
                    let core = self.apart(core, &task.cube);
                    let cube = self.generalise(core, task.frame)?;
                    let (cube, frame) = self.as_far_as_it_holds(cube, task.frame)?;
                    self.add_clause(&cube, frame);
                    self.blocked.retain(|b| b.frame > frame || !is_subset(&cube, &b.cube));
                    self.blocked.push(Blocked { cube, frame });
                    if frame < top {
                        open.push(Reverse(Obligation { frame: frame + 1, ..task }));
                    }
                }
            }
        }
        Ok(None)
    }

    /// The last frame in which a cube is blocked that is blocked in this one; where that is every frame, perhaps with fewer literals.
    fn as_far_as_it_holds(&mut self, cube: Cube, frame: usize) -> Result<(Cube, usize), Interrupted> {
        if let Some(core) = self.never(&cube, ALWAYS)? {
            return Ok((self.apart(core, &cube), ALWAYS));
        }
        let (mut frame, top) = (frame, self.top());
        while frame < top {
            match self.never(&cube, frame)? {
                Some(_) => frame += 1,
                None => break,
            }
        }
        Ok((cube, frame))
    }

    fn is_blocked(&self, cube: &Cube, frame: usize) -> bool {
        self.blocked.iter().any(|b| b.frame >= frame && is_subset(&b.cube, cube))
    }

    /// Can a scan lead into the cube from a state outside of it within `frame` scans?
    fn reaches(&mut self, cube: &[Literal], frame: usize) -> Result<Reached, Interrupted> {
        let outside = self.solver.switch();
        let mut clause: Vec<Term> = cube.iter().map(|l| !self.before(*l)).collect();
        clause.push(!outside);
        self.solver.clause(&clause);
        self.queries += 1;
        let mut assumed = self.assume_frame(frame);
        assumed.push(outside);
        assumed.extend(cube.iter().map(|l| self.behind(*l)));
        let reached = if self.solve(&assumed)? {
            self.remember(frame);
            Reached::From(self.before_scan(), self.fixed())
        } else {
            let core = self.solver.core();
            let mut needed: Cube = cube.iter().copied().filter(|l| core.contains(&self.behind(*l))).collect();
            if !self.excludes_start(&needed) {
                let away = cube.iter().copied().find(|l| self.vocabulary.holds_at_start(l.not()));
                needed.extend(away);
                needed.sort_unstable();
            }
            Reached::Never(needed)
        };
        self.solver.retire(outside);
        Ok(reached)
    }

    /// The same, where nobody wants to know from where. These literals suffice for that no scan leads there.
    fn never(&mut self, cube: &[Literal], frame: usize) -> Result<Option<Cube>, Interrupted> {
        if self.shown.reach(cube, frame) {
            return Ok(None);
        }
        Ok(match self.reaches(cube, frame)? {
            Reached::Never(core) => Some(core),
            Reached::From(..) => None,
        })
    }

    /// Keeps the scan of the solver's last answer, which begins in a state of this frame.
    fn remember(&mut self, frame: usize) {
        let state = self.before_scan();
        // A state is in the frames behind the last one that blocks it.
        let blocked = self.blocked.iter().filter(|b| b.frame < frame && is_subset(&b.cube, &state));
        let first = blocked.map(|b| b.frame + 1).max().unwrap_or(frame.min(1));
        let values = |terms: &[Term]| -> Vec<bool> { terms.iter().map(|term| self.solver.holds(*term)).collect() };
        self.shown.add(&values(&self.now), &values(&self.after), first);
    }

    /// Is a state that is reached among those of the cube?
    fn was_seen(&self, cube: &[Literal]) -> bool {
        self.samples.meet(cube.iter().copied())
    }

    /// Literals of the whole cube added to a part of it until no state that is reached is among those of the part.
    fn apart(&self, part: Cube, whole: &[Literal]) -> Cube {
        let mut part = part;
        let mut seen = self.samples.inside(&part);
        while !seen.is_empty() {
            let now: u32 = seen.iter().map(|(_, lanes)| lanes.count_ones()).sum();
            let best = whole.iter().map(|literal| (self.samples.count(&seen, *literal), *literal)).min();
            // A whole cube that has such states was reached: the next question says so.
            let Some((_, literal)) = best.filter(|(left, _)| *left < now) else { break };
            part.push(literal);
            self.samples.keep(&mut seen, literal);
        }
        part.sort_unstable();
        part
    }

    /// Leaves out literals as long as no scan leads into the cube.
    fn generalise(&mut self, cube: Cube, frame: usize) -> Result<Cube, Interrupted> {
        let mut cube = cube;
        let mut at = 0;
        while at < cube.len() && cube.len() > 1 {
            let mut fewer = cube.clone();
            fewer.remove(at);
            if !self.excludes_start(&fewer) || self.was_seen(&fewer) {
                at += 1;
                continue;
            }
            match self.never(&fewer, frame - 1)? {
                Some(core) => {
                    cube = self.apart(core, &fewer);
                    at = at.min(cube.len());
                }
                None => at += 1,
            }
        }
        Ok(cube)
    }

    /// Moves clauses to later frames; the invariant where a frame becomes empty.
    fn propagate(&mut self) -> Result<Option<Vec<Clause>>, Interrupted> {
        for frame in 1..self.top() {
            for number in 0..self.blocked.len() {
                let Some(cube) = self.blocked.get(number).filter(|b| b.frame == frame).map(|b| b.cube.clone()) else {
                    continue;
                };
                if self.shown.reach(&cube, frame) {
                    continue;
                }
                let mut assumed = self.assume_frame(frame);
                assumed.extend(cube.iter().map(|l| self.behind(*l)));
                if self.solve(&assumed)? {
                    self.remember(frame);
                } else {
                    self.add_clause(&cube, frame + 1);
                    if let Some(blocked) = self.blocked.get_mut(number) {
                        blocked.frame = frame + 1;
                    }
                }
            }
            if !self.blocked.iter().any(|b| b.frame == frame) {
                return Ok(Some(self.learnt(frame + 1)));
            }
        }
        Ok(None)
    }
}

enum Reached {
    /// From this state, with these inputs and what else there is besides.
    From(Cube, Vec<Term>),
    /// Not at all, and these literals suffice for that.
    Never(Cube),
}

fn is_subset(small: &[Literal], large: &[Literal]) -> bool {
    small.iter().all(|literal| large.binary_search(literal).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Graph, Leaf};
    use crate::model::Start;
    use crate::system::{Latch, System};

    /// A number of three bits that goes from 0 to 5 and begins anew; `bad` is one of its values.
    fn counts_to_five(bad: u8) -> System {
        let mut graph = Graph::default();
        let bits = [0, 1, 2].map(|n| graph.leaf(Leaf::Latch(n)));
        let run = graph.leaf(Leaf::Input(0));
        let is = |graph: &mut Graph, value: u8| {
            let lits: Vec<Lit> = (0..3).map(|n| bits[n].xor_sign(value >> n & 1 == 0)).collect();
            graph.all(lits)
        };
        let five = is(&mut graph, 5);
        let carry = graph.and(bits[0], bits[1]);
        let more = [!bits[0], graph.xor(bits[1], bits[0]), graph.xor(bits[2], carry)];
        let latches = (0u32..).zip(bits.iter().zip(more)).map(|(model, (bit, more))| {
            let counted = graph.and(more, !five);
            Latch { model, start: Start::Value(false), next: graph.mux(run, counted, *bit) }
        });
        let latches = latches.collect();
        let bad = is(&mut graph, bad);
        System { inputs: vec![0], ..System::of_latches(graph, latches, bad) }
    }

    /// The outcome with and without shortened cubes, a few questions at a time: one more each time, because what was begun is begun anew.
    fn outcomes(system: &System, samples: &Samples) -> [Outcome; 2] {
        let mut blasted = Blasted::for_proofs(system);
        let vocabulary = Vocabulary::new(system, &mut blasted, false);
        let limit = Limit::default();
        let facts = blasted.facts();
        let new = || Ic3::new((&blasted, &vocabulary), (&[], &facts), samples, &limit);
        [new(), new().with_whole_states()].map(|mut engine| {
            let mut stops = 0;
            loop {
                match engine.run(1 + stops) {
                    Outcome::Stopped(_) => stops += 1,
                    outcome @ (Outcome::Proved(_) | Outcome::Chain(_)) => return outcome,
                }
                assert!(stops < 1_000);
            }
        })
    }

    fn samples(values: &[u64]) -> Samples {
        let word = |value: &u64, bit: u32| if value >> bit & 1 == 1 { u64::MAX } else { 0 };
        Samples::of(&values.iter().map(|value| (0..3).map(|bit| word(value, bit)).collect()).collect::<Vec<_>>())
    }

    #[test]
    fn an_invariant_is_found_however_often_it_is_stopped_and_holds_in_every_state_that_is_reached() {
        for seen in [&[][..], &[0, 1, 2, 3, 4, 5]] {
            for outcome in outcomes(&counts_to_five(7), &samples(seen)) {
                let Outcome::Proved(clauses) = outcome else { panic!("{outcome:?}") };
                let holds =
                    |state: u32, clause: &Clause| clause.iter().any(|l| (state >> l.predicate & 1 == 1) == l.positive);
                assert!((0..6).all(|state| clauses.iter().all(|clause| holds(state, clause))), "{clauses:?}");
                assert!(clauses.iter().any(|clause| !holds(7, clause)), "{clauses:?}");
            }
        }
    }

    #[test]
    fn what_is_reached_is_never_proved_unreachable() {
        for seen in [&[][..], &[0, 5]] {
            for outcome in outcomes(&counts_to_five(5), &samples(seen)) {
                assert!(matches!(outcome, Outcome::Chain(_)), "{outcome:?}");
            }
        }
    }
}
