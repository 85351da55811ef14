//! One scan, worked off on literals instead of values.
//!
//! Owns [`Exec`]: it follows the compiler's intermediate code before any pass, with calls. Every way through the code is
//! followed at once; where ways join, each place holds the value of the way that was taken. Loops are unrolled until no
//! way stays in them, or to a limit beyond which nothing is said ([`Exec::beyond`]).
//!
//! Library timers are not followed: `timers` keeps them as counters. What can end a scan early is collected as faults;
//! behind a fault the code is followed on with some value, because a scan with a fault commits nothing.

// Jumps are told from all other instructions here; `inst` names those one by one.
#![allow(clippy::wildcard_enum_match_arm)]

pub mod cases;
mod inst;
pub mod state;
pub mod timers;

use crate::graph::{Graph, Leaf, Lit};
use crate::hash::FastMap;
use crate::refusal::Refusal;
use cases::CaseBook;
use compiler::codegen::layout::Layout;
use compiler::hir::{PouId, Program};
use compiler::ir::{Base, Func, InstKind, Label, Mem, Origin};
use state::State;
use std::collections::{BTreeMap, BTreeSet};
use timers::Timer;

/// Instructions followed in one scan: enough for 100 rungs in a loop of 100, and done in well under a second.
const STEPS_MAX: usize = 400_000;
/// Nodes of one scan: about 100 MB.
const NODES_MAX: usize = 3_000_000;
/// Calls inside one another.
const DEPTH_MAX: usize = 200;

/// How a scan ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// A division or MOD by zero.
    DivisionByZero,
    /// An index outside its array.
    Index,
    /// A loop that changes nothing any more.
    Endless,
    /// A reference that was never bound.
    Unbound,
}

impl FaultKind {
    /// In words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::DivisionByZero => "division by zero",
            Self::Index => "index outside its array",
            Self::Endless => "endless loop",
            Self::Unbound => "use of a reference that is not bound",
        }
    }
}

/// A fault and when it happens.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// It happens.
    pub when: Lit,
    /// Which.
    pub kind: FaultKind,
    /// Where.
    pub origin: Option<Origin>,
}

/// Where each POU's frame and temporaries stand: behind the data that outlives a scan's code.
#[derive(Clone, Debug, Default)]
pub struct Frames {
    starts: FastMap<PouId, u32>,
    temps: FastMap<PouId, Vec<u32>>,
    /// First byte behind the frames; temporaries, which no scan finds again, follow.
    pub kept_end: u32,
    /// First byte behind everything.
    pub end: u32,
}

impl Frames {
    /// Lays out the frames of these functions.
    #[must_use]
    pub fn new(layout: &Layout, funcs: &[Func]) -> Self {
        let mut frames = Self::default();
        let mut at = layout.end.next_multiple_of(8);
        for func in funcs {
            frames.starts.insert(func.pou, at);
            let bytes = layout.frame_bytes.find(func.pou).copied().unwrap_or(0);
            at = at.saturating_add(bytes).next_multiple_of(8);
        }
        frames.kept_end = at;
        for func in funcs {
            let places = func.temps.iter().map(|ty| {
                at = at.next_multiple_of(ty.size());
                let place = at;
                at = at.saturating_add(ty.size());
                place
            });
            frames.temps.insert(func.pou, places.collect());
        }
        frames.end = at.next_multiple_of(8);
        frames
    }
}

/// What is followed.
#[derive(Debug)]
pub struct Code<'a> {
    /// The typed program.
    pub program: &'a Program,
    /// Where its variables stand.
    pub layout: &'a Layout,
    /// Its code before any pass.
    pub funcs: FastMap<PouId, &'a Func>,
    /// Frames and temporaries.
    pub frames: Frames,
    /// Time between two scans.
    pub tick_ns: u64,
}

/// A scan being followed.
#[derive(Debug)]
pub struct Exec<'a> {
    /// What is followed.
    pub code: &'a Code<'a>,
    /// Every function of leaves met so far.
    pub graph: Graph,
    /// Faults in the order of the code.
    pub faults: Vec<Fault>,
    /// Holds where a loop goes on beyond what was followed.
    pub beyond: Lit,
    /// Where that was first so.
    pub beyond_at: Option<Origin>,
    /// Timers by the place of their instance.
    pub timers: BTreeMap<u32, Timer>,
    /// Timers whose elapsed time is read and therefore kept.
    pub elapsed: BTreeSet<u32>,
    /// Reads of elapsed times that are not kept: these instances must be, next time.
    pub elapsed_read: BTreeSet<u32>,
    /// Places of elapsed times, and whose they are.
    elapsed_places: FastMap<u32, u32>,
    /// First bytes of the starts of timers whose age is not known.
    pub loose: BTreeSet<usize>,
    /// Free values in place of what is not computed, and why.
    pub approximations: BTreeSet<String>,
    /// Number of inputs given out.
    pub inputs: u32,
    /// Choices among constants.
    pub cases: CaseBook,
    steps: usize,
    depth: usize,
}

/// One run of a body.
struct Run<'f> {
    func: &'f Func,
    /// The instance.
    own: u32,
    /// Position of each label.
    labels: Vec<usize>,
    /// Ways that wait at a label.
    waiting: BTreeMap<Label, State>,
    /// Ways that left a loop, by the jump at its end.
    left: BTreeMap<usize, State>,
    /// What came back to a loop's head the last time, by the jump at its end.
    last: BTreeMap<usize, State>,
    /// Ways that returned.
    returned: Option<State>,
}

impl<'a> Exec<'a> {
    /// Nothing followed yet. `elapsed`: timers whose elapsed time is kept.
    #[must_use]
    pub fn new(code: &'a Code<'a>, elapsed: BTreeSet<u32>) -> Self {
        Self {
            code,
            graph: Graph::default(),
            faults: Vec::new(),
            beyond: Lit::FALSE,
            beyond_at: None,
            timers: BTreeMap::new(),
            elapsed,
            elapsed_read: BTreeSet::new(),
            elapsed_places: FastMap::default(),
            loose: BTreeSet::new(),
            approximations: BTreeSet::new(),
            inputs: 0,
            cases: CaseBook::default(),
            steps: 0,
            depth: 0,
        }
    }

    /// A value that is free in every scan.
    pub fn free(&mut self) -> Lit {
        self.inputs += 1;
        self.graph.leaf(Leaf::Input(self.inputs - 1))
    }

    /// A free value in place of one that is not computed.
    fn unknown(&mut self, width: u32, why: String) -> Vec<Lit> {
        self.approximations.insert(why);
        (0..width).map(|_| self.free()).collect()
    }

    /// Runs a POU on an instance.
    ///
    /// # Errors
    /// It does something that is not modelled.
    pub fn call(&mut self, pou: PouId, own: u32, state: State) -> Result<State, Refusal> {
        if state.way == Lit::FALSE {
            return Ok(state);
        }
        if let Some(kind) = timers::kind_of(self.code.program, pou) {
            return self.timer(kind, pou, own, state);
        }
        let Some(func) = self.code.funcs.get(&pou).copied() else {
            return Err(Refusal::new("a unit without code is called"));
        };
        if self.depth >= DEPTH_MAX {
            return Err(Refusal::new(format!("more than {DEPTH_MAX} calls inside one another")));
        }
        self.depth += 1;
        let result = self.body(func, own, state);
        self.depth -= 1;
        result
    }

    fn body(&mut self, func: &Func, own: u32, state: State) -> Result<State, Refusal> {
        let entry = state.way;
        let mut labels = vec![0; func.labels as usize];
        for (at, inst) in func.code.iter().enumerate() {
            if let InstKind::Label(label) = inst.kind
                && let Some(slot) = labels.get_mut(label.0 as usize)
            {
                *slot = at;
            }
        }
        let mut run = Run {
            func,
            own,
            labels,
            waiting: BTreeMap::new(),
            left: BTreeMap::new(),
            last: BTreeMap::new(),
            returned: None,
        };
        let mut state = state;
        let mut at = 0;
        while let Some(inst) = func.code.get(at) {
            at = self.step(&mut run, &mut state, at, &inst.kind, entry)?;
        }
        let mut end = run.returned.take().unwrap_or(state);
        // Every way into a body comes out of it, but for those that stay in a loop; nothing is said about them.
        end.way = entry;
        Ok(end)
    }

    /// One instruction; where to go on.
    fn step(
        &mut self,
        run: &mut Run<'_>,
        state: &mut State,
        at: usize,
        kind: &InstKind,
        entry: Lit,
    ) -> Result<usize, Refusal> {
        match kind {
            InstKind::Label(label) => {
                if let Some(waiting) = run.waiting.remove(label) {
                    state.join(&mut self.graph, &mut self.cases, &waiting);
                }
                // The only way there is: it is the one the body was entered on.
                if run.waiting.is_empty() && run.left.is_empty() && run.returned.is_none() && state.way != Lit::FALSE {
                    state.way = entry;
                }
                return Ok(at + 1);
            }
            _ if state.way == Lit::FALSE && !ends_loop(run, at, kind) => return Ok(at + 1),
            InstKind::Jump(to) => return Ok(self.jump(run, state, at, *to, Lit::TRUE)),
            InstKind::Branch { to, cond, when } => {
                let cond = self.scalar(run, state, *cond, bytecode::ScalarType::Bool, at)?;
                let taken = cond.first().copied().unwrap_or(Lit::FALSE).xor_sign(!*when);
                return Ok(self.jump(run, state, at, *to, taken));
            }
            InstKind::Return => {
                match &mut run.returned {
                    Some(returned) => returned.join(&mut self.graph, &mut self.cases, state),
                    None => run.returned = Some(state.clone()),
                }
                state.way = Lit::FALSE;
            }
            other => {
                self.steps += 1;
                self.instruction(run, state, at, other)?;
            }
        }
        Ok(at + 1)
    }

    /// A jump taken under a condition; where to go on.
    fn jump(&mut self, run: &mut Run<'_>, state: &mut State, at: usize, to: Label, taken: Lit) -> usize {
        let target = run.labels.get(to.0 as usize).copied().unwrap_or(at + 1);
        let away = self.graph.and(state.way, taken);
        let stays = self.graph.and(state.way, !taken);
        if target > at {
            if away != Lit::FALSE {
                let mut gone = state.clone();
                gone.way = away;
                match run.waiting.get_mut(&to) {
                    Some(waiting) => waiting.join(&mut self.graph, &mut self.cases, &gone),
                    None => {
                        run.waiting.insert(to, gone);
                    }
                }
            }
            state.way = stays;
            return at + 1;
        }
        // The end of a loop: what leaves it here waits until nothing comes back any more.
        let mut leaves = state.clone();
        leaves.way = stays;
        match run.left.get_mut(&at) {
            Some(left) => left.join(&mut self.graph, &mut self.cases, &leaves),
            None => {
                run.left.insert(at, leaves);
            }
        }
        state.way = away;
        if away != Lit::FALSE && self.goes_on(run, state, at) {
            return target;
        }
        run.last.remove(&at);
        if let Some(left) = run.left.remove(&at) {
            *state = left;
        }
        at + 1
    }

    /// Is the loop followed once more?
    fn goes_on(&mut self, run: &mut Run<'_>, state: &State, at: usize) -> bool {
        let origin = origin(run, at);
        if run.last.get(&at).is_some_and(|last| last.way == state.way && last.same_data(state)) {
            self.faults.push(Fault { when: state.way, kind: FaultKind::Endless, origin });
            return false;
        }
        if self.steps > STEPS_MAX || self.graph.len() > NODES_MAX {
            self.beyond = self.graph.or(self.beyond, state.way);
            self.beyond_at = self.beyond_at.or(origin);
            return false;
        }
        run.last.insert(at, state.clone());
        true
    }

    /// Where a place may stand: one place, or those a reference may point at.
    fn places(&mut self, run: &Run<'_>, state: &State, mem: Mem, at: usize) -> state::Targets {
        let start = match mem.base {
            Base::Own => run.own,
            Base::Frame(pou) => self.code.frames.starts.get(&pou).copied().unwrap_or(0),
            Base::Global | Base::Image => 0,
            Base::Ref(reference) => {
                let mut targets = state.targets(run.func.pou, reference).to_vec();
                targets.retain(|(condition, _)| *condition != Lit::FALSE);
                if targets.is_empty() {
                    self.faults.push(Fault { when: state.way, kind: FaultKind::Unbound, origin: origin(run, at) });
                }
                for (_, place) in &mut targets {
                    *place = place.saturating_add(mem.offset);
                }
                return targets;
            }
        };
        vec![(Lit::TRUE, start.saturating_add(mem.offset))]
    }

    /// Reads literals of memory, keeping an eye on elapsed times.
    pub fn read(&mut self, state: &State, byte: u32, bits: u32) -> Vec<Lit> {
        if let Some(timer) = self.elapsed_places.get(&(byte & !7))
            && !self.elapsed.contains(timer)
        {
            self.elapsed_read.insert(*timer);
        }
        state.get(byte as usize * 8, bits as usize)
    }
}

fn origin(run: &Run<'_>, at: usize) -> Option<Origin> {
    let inst = run.func.code.get(at)?;
    run.func.origins.get(inst.origin as usize).copied()
}

/// Does the jump here end a loop some way of which has been left already?
fn ends_loop(run: &Run<'_>, at: usize, kind: &InstKind) -> bool {
    matches!(kind, InstKind::Jump(_) | InstKind::Branch { .. }) && run.left.contains_key(&at)
}
