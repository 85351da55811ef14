//! IC3 over predicates: finds an inductive invariant by blocking, one by one, states from which the property can be broken.
//!
//! A *frame* k holds clauses true in every state reached within k scans. A *cube* is a conjunction of literals over the
//! predicates: states that shall be shown unreachable. Counters take part by their thresholds; their bits are in the
//! solver, where the scan is exact, but never in a cube. So what is proved holds for the exact system, while a trace may
//! be spurious: this engine proves and never refutes.

use super::predicates::{Clause, Literal, Vocabulary};
use crate::graph::Lit;
use crate::sat::{Answer, Encoding, Limit, Solver, Term};
use crate::system::Blasted;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A conjunction of literals, sorted.
type Cube = Vec<Literal>;

/// Queries after which the solver is built anew: every one leaves a retired clause behind.
const QUERIES_MAX: usize = 800;

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// These clauses, with the lemmas given, hold before every scan and exclude that the property is broken.
    Proved(Vec<Clause>),
    /// A chain of cubes leads from the start to a broken property; it may be spurious. So many scans long.
    Chain(usize),
    /// Interrupted, at this frame.
    Stopped(usize),
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

struct Ic3<'a> {
    blasted: &'a Blasted,
    vocabulary: &'a Vocabulary,
    lemmas: &'a [Clause],
    /// Clauses that hold in every state.
    facts: Vec<Vec<Lit>>,
    limit: &'a Limit,
    solver: Solver,
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
    /// No counter hides anything: a cube of all predicates is one state.
    whole: bool,
    encoding: Encoding,
}

/// Stops the engine.
struct Interrupted;

/// Searches for an invariant. `lemmas` hold before every scan.
pub fn prove(blasted: &Blasted, vocabulary: &Vocabulary, lemmas: &[Clause], whole: bool, limit: &Limit) -> Outcome {
    let mut engine = Ic3::new(blasted, vocabulary, lemmas, whole, limit);
    loop {
        match engine.block_all() {
            Ok(None) => {}
            Ok(Some(depth)) => return Outcome::Chain(depth),
            Err(Interrupted) => return Outcome::Stopped(engine.frames.len()),
        }
        engine.add_frame();
        match engine.propagate() {
            Ok(None) => {}
            Ok(Some(clauses)) => return Outcome::Proved(clauses),
            Err(Interrupted) => return Outcome::Stopped(engine.frames.len()),
        }
    }
}

impl<'a> Ic3<'a> {
    fn new(
        blasted: &'a Blasted,
        vocabulary: &'a Vocabulary,
        lemmas: &'a [Clause],
        whole: bool,
        limit: &'a Limit,
    ) -> Self {
        let mut solver = Solver::new(limit);
        let unset = solver.fresh();
        let mut engine = Self {
            blasted,
            vocabulary,
            lemmas,
            facts: blasted.facts(),
            limit,
            solver,
            now: Vec::new(),
            after: Vec::new(),
            bad: unset,
            constraint: unset,
            initial: unset,
            frames: Vec::new(),
            blocked: Vec::new(),
            queries: 0,
            whole,
            encoding: Encoding::default(),
        };
        engine.build(2);
        engine
    }

    /// A solver with the system and every clause known so far.
    fn build(&mut self, frames: usize) {
        let graph = &self.blasted.graph;
        let mut solver = Solver::new(self.limit);
        let mut encoding = Encoding::default();
        let mut term = |solver: &mut Solver, lit| encoding.term(solver, graph, lit);
        self.now = self.vocabulary.now.iter().map(|lit| term(&mut solver, *lit)).collect();
        self.after = self.vocabulary.after.iter().map(|lit| term(&mut solver, *lit)).collect();
        self.bad = term(&mut solver, self.blasted.bad);
        self.constraint = term(&mut solver, self.blasted.constraint);
        solver.clause(&[self.constraint]);
        self.initial = solver.fresh();
        for (lit, value) in self.blasted.starts() {
            let term = term(&mut solver, lit);
            solver.clause(&[!self.initial, if value { term } else { !term }]);
        }
        encoding.clauses(&mut solver, graph, &self.facts);
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

    /// What is assumed for a state within `frame` scans: frame 0 is the start.
    fn assume_frame(&self, frame: usize) -> Vec<Term> {
        if frame == 0 { vec![self.initial] } else { self.frames.iter().skip(frame).copied().collect() }
    }

    fn top(&self) -> usize {
        self.frames.len() - 1
    }

    fn add_frame(&mut self) {
        let frame = self.solver.fresh();
        self.frames.push(frame);
    }

    fn add_clause(&mut self, cube: &Cube, frame: usize) {
        let mut clause: Vec<Term> = cube.iter().map(|literal| !self.before(*literal)).collect();
        clause.extend(self.frames.get(frame).map(|f| !*f));
        self.solver.clause(&clause);
    }

    fn solve(&mut self, assumed: &[Term]) -> Result<bool, Interrupted> {
        match self.solver.solve(assumed) {
            Answer::Yes => Ok(true),
            Answer::No => Ok(false),
            Answer::Stopped => Err(Interrupted),
        }
    }

    /// The state of the solver's last answer, before the scan.
    fn state(&self) -> Cube {
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
            let state = self.state();
            let cube = self.lift_bad(state)?;
            if let Some(depth) = self.block(cube)? {
                return Ok(Some(depth));
            }
        }
    }

    /// Fewer literals from which, with the same inputs, the property is broken all the same. Only where nothing is hidden.
    fn lift_bad(&mut self, state: Cube) -> Result<Cube, Interrupted> {
        if !self.whole {
            return Ok(state);
        }
        let mut assumed = self.inputs();
        let bad = self.bad;
        assumed.extend(state.iter().map(|l| self.before(*l)));
        assumed.push(!bad);
        self.reduced(state, &assumed)
    }

    /// Fewer literals from which, with the same inputs, the scan leads into the cube all the same.
    fn lift(&mut self, state: Cube, into: &Cube) -> Result<Cube, Interrupted> {
        if !self.whole {
            return Ok(state);
        }
        let mut assumed = self.inputs();
        let out = self.solver.fresh();
        let mut clause: Vec<Term> = into.iter().map(|l| !self.behind(*l)).collect();
        clause.push(!out);
        self.solver.clause(&clause);
        self.queries += 1;
        assumed.extend(state.iter().map(|l| self.before(*l)));
        assumed.push(out);
        let reduced = self.reduced(state, &assumed);
        self.solver.clause(&[!out]);
        reduced
    }

    /// The inputs of the solver's last answer. To be read before any clause is added.
    fn inputs(&self) -> Vec<Term> {
        (0..self.blasted.inputs)
            .filter_map(|n| self.blasted.input(n))
            .filter_map(|lit| self.encoding.known(lit))
            .map(|term| if self.solver.holds(term) { term } else { !term })
            .collect()
    }

    fn reduced(&mut self, state: Cube, assumed: &[Term]) -> Result<Cube, Interrupted> {
        if self.solve(assumed)? {
            return Ok(state);
        }
        let core = self.solver.core();
        let needed: Cube = state.iter().copied().filter(|l| core.contains(&self.before(*l))).collect();
        Ok(needed)
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
            if task.frame == 0 || !self.excludes_start(&task.cube) {
                return Ok(Some(task.depth));
            }
            if self.is_blocked(&task.cube, task.frame) {
                continue;
            }
            if self.queries > QUERIES_MAX {
                self.build(self.frames.len());
            }
            match self.reaches(&task.cube, task.frame - 1)? {
                Reached::From(before) => {
                    open.push(Reverse(Obligation { frame: task.frame - 1, depth: task.depth + 1, cube: before }));
                    open.push(Reverse(task));
                }
                Reached::Never(core) => {
                    let cube = self.generalise(core, task.frame)?;
                    let mut frame = task.frame;
                    // As far as it holds.
                    while frame < top {
                        match self.reaches(&cube, frame)? {
                            Reached::Never(_) => frame += 1,
                            Reached::From(_) => break,
                        }
                    }
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

    fn is_blocked(&self, cube: &Cube, frame: usize) -> bool {
        self.blocked.iter().any(|b| b.frame >= frame && is_subset(&b.cube, cube))
    }

    /// Can a scan lead into the cube from a state outside of it within `frame` scans?
    fn reaches(&mut self, cube: &[Literal], frame: usize) -> Result<Reached, Interrupted> {
        let outside = self.solver.fresh();
        let mut clause: Vec<Term> = cube.iter().map(|l| !self.before(*l)).collect();
        clause.push(!outside);
        self.solver.clause(&clause);
        self.queries += 1;
        let mut assumed = self.assume_frame(frame);
        assumed.push(outside);
        assumed.extend(cube.iter().map(|l| self.behind(*l)));
        let reached = if self.solve(&assumed)? {
            let state = self.state();
            Reached::From(self.lift(state, &cube.to_vec())?)
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
        self.solver.clause(&[!outside]);
        Ok(reached)
    }

    /// Leaves out literals as long as no scan leads into the cube.
    fn generalise(&mut self, cube: Cube, frame: usize) -> Result<Cube, Interrupted> {
        let mut cube = cube;
        let mut at = 0;
        while at < cube.len() && cube.len() > 1 {
            let mut fewer = cube.clone();
            fewer.remove(at);
            if !self.excludes_start(&fewer) {
                at += 1;
                continue;
            }
            match self.reaches(&fewer, frame - 1)? {
                Reached::Never(core) => {
                    cube = core;
                    at = at.min(cube.len());
                }
                Reached::From(_) => at += 1,
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
                let mut assumed = self.assume_frame(frame);
                assumed.extend(cube.iter().map(|l| self.behind(*l)));
                if !self.solve(&assumed)? {
                    self.add_clause(&cube, frame + 1);
                    if let Some(blocked) = self.blocked.get_mut(number) {
                        blocked.frame = frame + 1;
                    }
                }
            }
            if !self.blocked.iter().any(|b| b.frame == frame) {
                let invariant = self.blocked.iter().filter(|b| b.frame > frame);
                return Ok(Some(invariant.map(|b| b.cube.iter().map(|l| l.not()).collect()).collect()));
            }
        }
        Ok(None)
    }
}

enum Reached {
    /// From these states.
    From(Cube),
    /// Not at all, and these literals suffice for that.
    Never(Cube),
}

fn is_subset(small: &[Literal], large: &[Literal]) -> bool {
    small.iter().all(|literal| large.binary_search(literal).is_ok())
}
