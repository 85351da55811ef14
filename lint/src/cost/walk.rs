//! Walks every way through a body at once: the instruction with the smallest number first, ways that meet joined, loops pass by
//! pass.
//!
//! A loop's next pass begins when no way is left inside its last one, so that all ways of one pass meet before the next and counters
//! stay exact. A loop ends when its condition is known to. It is *open*, that is not bounded, when a pass begins with the same knowledge
//! as the one before, or when its passes together charge more than a scan may spend. An open loop is walked on, forgetting what its
//! passes change, until a pass changes nothing more that is known: that covers every pass there can be.
//!
//! Every real way is covered: each way waiting somewhere knows less and costs more than the real ones it stands for. A
//! trap ends the program, so that nothing has to be said of it.

use super::class::{Cost, Weights};
use super::frozen::Frozen;
use super::range::Range;
use super::step::Scope;
use super::store::{Place, State};
use bytecode::image::Image;
use bytecode::{Instr, Op, ScalarType};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Instructions walked before loops are no longer followed: some seconds at most.
const STEPS_MAX: u64 = 20_000_000;
/// Calls within calls: far more than programs have, and safe for the stack.
const DEPTH_MAX: u32 = 100;
/// Times an open loop may change what was still known before everything is forgotten.
const FORGET_MAX: u32 = 8;

/// A walk through one program, bodies that it calls included.
#[derive(Debug)]
pub struct Walk<'a> {
    image: &'a Image,
    frozen: &'a Frozen,
    weights: &'a Weights,
    /// Units the passes of one loop may charge together.
    limit: u64,
    steps: u64,
    loops: BTreeMap<u32, Rc<BTreeMap<u32, u32>>>,
    /// Headers of loops that are not bounded.
    pub open: BTreeSet<u32>,
    /// Why some ways were not walked.
    pub given_up: Option<&'static str>,
}

/// The passes of a loop since it was entered.
#[derive(Debug)]
struct Passes {
    entered: Cost,
    /// What was known when the last one began.
    last: Option<State>,
    /// Times something was forgotten.
    forgotten: u32,
}

/// Ways that wait within one run of a body.
#[derive(Debug, Default)]
struct Ways {
    waiting: BTreeMap<u32, State>,
    /// At headers of loops: passes that have not begun.
    next: BTreeMap<u32, State>,
    passes: BTreeMap<u32, Passes>,
    done: Option<State>,
}

impl<'a> Walk<'a> {
    /// A walk that has not begun.
    #[must_use]
    pub fn new(image: &'a Image, frozen: &'a Frozen, weights: &'a Weights, limit: u64) -> Self {
        let (loops, open) = (BTreeMap::new(), BTreeSet::new());
        Self { image, frozen, weights, limit, steps: 0, loops, open, given_up: None }
    }

    /// Walks a body on an instance; what holds when it returns, `None` where it never does.
    pub fn body(&mut self, pou: u32, own: Place, entry: State, depth: u32) -> Option<State> {
        let scope = Scope { image: self.image, frozen: self.frozen, pou, own };
        let first = self.image.pous.get(pou as usize)?.entry;
        let loops = self.loops_of(pou);
        let mut ways = Ways::default();
        ways.waiting.insert(first, entry);
        while let Some((pc, state)) = self.take(&loops, &mut ways) {
            self.follow(&scope, &loops, &mut ways, (pc, state), depth);
        }
        ways.done
    }

    /// Headers of a body's loops, each with its last backward branch.
    fn loops_of(&mut self, pou: u32) -> Rc<BTreeMap<u32, u32>> {
        let image = self.image;
        let found = self.loops.entry(pou).or_insert_with(|| {
            let mut loops = BTreeMap::new();
            if let Some(body) = image.pous.get(pou as usize) {
                let code = image.code.get(body.entry as usize..body.end as usize).unwrap_or_default();
                for (pc, instr) in (body.entry..).zip(code) {
                    if instr.op.is_branch() && instr.operand(0).0 <= pc {
                        loops.insert(instr.operand(0).0, pc);
                    }
                }
            }
            Rc::new(loops)
        });
        Rc::clone(found)
    }

    /// The way to go on with: the next pass of an innermost loop nobody is inside of, else the first that waits.
    fn take(&mut self, loops: &BTreeMap<u32, u32>, ways: &mut Ways) -> Option<(u32, State)> {
        while let Some(header) = begins(loops, ways) {
            let state = ways.next.remove(&header)?;
            if let Some(state) = self.pass(header, state, ways) {
                return Some((header, state));
            }
        }
        let (pc, state) = ways.waiting.pop_first()?;
        if loops.contains_key(&pc) {
            // An open loop begins with what is known; its passes will say what of that they change.
            let last = self.open.contains(&pc).then(|| state.clone());
            ways.passes.insert(pc, Passes { entered: state.cost, last, forgotten: 0 });
        }
        Some((pc, state))
    }

    /// Another pass of a loop; `None` where it would tell nothing new of an open one.
    fn pass(&mut self, header: u32, mut state: State, ways: &mut Ways) -> Option<State> {
        let new = || Passes { entered: state.cost, last: None, forgotten: 0 };
        let passes = ways.passes.entry(header).or_insert_with(new);
        if !self.open.contains(&header) {
            let same = passes.last.as_ref().is_some_and(|last| last.knows_the_same(&state));
            let spent = state.cost.units.saturating_sub(passes.entered.units);
            if !same && spent <= self.limit && self.steps < STEPS_MAX {
                passes.last = Some(state.clone());
                return Some(state);
            }
            self.open.insert(header);
        }
        // What its passes cost so far says nothing; what else the program costs still does.
        let entered = passes.entered;
        ways.waiting.values_mut().chain(ways.next.values_mut()).for_each(|other| other.cost.least(&entered));
        if let Some(mut last) = passes.last.take() {
            if last.covers(&state) {
                return None;
            }
            passes.forgotten += 1;
            if passes.forgotten > FORGET_MAX {
                last.forget_all();
            } else {
                last.widen(&state);
            }
            state = last;
        }
        state.cost = entered;
        passes.last = Some(state.clone());
        Some(state)
    }

    /// Follows one way until it branches, meets another, or ends.
    fn follow(
        &mut self,
        scope: &Scope<'_>,
        loops: &BTreeMap<u32, u32>,
        ways: &mut Ways,
        (mut pc, mut state): (u32, State),
        depth: u32,
    ) {
        loop {
            let Some(instr) = self.image.code.get(pc as usize) else { return };
            self.steps += 1;
            if self.steps > STEPS_MAX.saturating_mul(2) {
                self.given_up = Some("it is too large to be followed");
                return;
            }
            state.cost.add(self.image, instr, self.weights);
            if instr.op.is_branch() {
                return branch(scope, ways, (pc, state), instr);
            }
            match instr.op {
                Op::Ret => return meet(&mut ways.done, state),
                Op::Call | Op::CallI | Op::CallX => match self.call(scope, state, instr, depth) {
                    Some(after) => state = after,
                    None => return,
                },
                _ => scope.step(&mut state, instr),
            }
            pc += 1;
            let alone = ways.next.is_empty() && ways.waiting.first_key_value().is_none_or(|(first, _)| *first > pc);
            if !alone || loops.contains_key(&pc) {
                return wait(&mut ways.waiting, pc, state);
            }
        }
    }

    fn call(&mut self, scope: &Scope<'_>, state: State, instr: &Instr, depth: u32) -> Option<State> {
        if depth >= DEPTH_MAX {
            self.given_up = Some("its calls are nested too deeply to be followed");
            return None;
        }
        let own = match instr.op {
            Op::CallI => scope.place(&state, instr.operand(1)),
            Op::CallX => scope.element(&state, instr.operand(1), instr.operand(2), instr.operand(3).0),
            _ => Place::Anywhere,
        };
        self.body(instr.operand(0).0, own, state, depth + 1)
    }
}

/// The innermost loop whose next pass waits and nobody is inside of.
fn begins(loops: &BTreeMap<u32, u32>, ways: &Ways) -> Option<u32> {
    let inside = |header: u32| {
        let end = loops.get(&header).copied().unwrap_or(header);
        let within =
            |waiting: &BTreeMap<u32, State>, from: u32| from <= end && waiting.range(from..=end).next().is_some();
        within(&ways.waiting, header) || within(&ways.next, header + 1)
    };
    ways.next.keys().rev().copied().find(|header| !inside(*header))
}

fn branch(scope: &Scope<'_>, ways: &mut Ways, (pc, state): (u32, State), instr: &Instr) {
    let target = instr.operand(0).0;
    let condition = instr.operand(1);
    let (jumps, stays) = match instr.op {
        Op::Jmp => (true, false),
        op => {
            let Range { low, high } = scope.operand(&state, condition, ScalarType::Bool);
            let (may_be_true, may_be_false) = (high >= 1, low <= 0);
            if op == Op::Jt { (may_be_true, may_be_false) } else { (may_be_false, may_be_true) }
        }
    };
    let decide = |mut state: State, jumped: bool| {
        if instr.op != Op::Jmp {
            scope.decided(&mut state, condition, jumped == (instr.op == Op::Jt));
        }
        state
    };
    if stays {
        wait(&mut ways.waiting, pc + 1, decide(state.clone(), false));
    }
    if jumps {
        let there = if target <= pc { &mut ways.next } else { &mut ways.waiting };
        wait(there, target, decide(state, true));
    }
}

fn wait(ways: &mut BTreeMap<u32, State>, pc: u32, state: State) {
    match ways.entry(pc) {
        std::collections::btree_map::Entry::Occupied(mut other) => other.get_mut().join(&state),
        std::collections::btree_map::Entry::Vacant(free) => {
            free.insert(state);
        }
    }
}

fn meet(done: &mut Option<State>, state: State) {
    match done {
        Some(other) => other.join(&state),
        None => *done = Some(state),
    }
}
