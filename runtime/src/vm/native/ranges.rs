//! Which indices cannot lie outside: intervals of the integers that live in registers while a region runs.
//!
//! Nothing reaches a resident but by name, so what a resident may hold follows from the region's own lines and from the
//! constants it begins with. Intervals are not relational; where a loop goes on they widen to the next constant the
//! region mentions. A comparison whose result is branched on narrows both its sides, also where a side was counted on
//! in between, as FOR loops do. This is the engine's own conclusion and never taken from an image.

use super::cache::Key;
use super::flat::{Flat, Kind, Line, Program};
use super::lines::key_of;
use super::plan::{Plan, Region};
use bytecode::isa::{Role, Ty};
use bytecode::scalar::Scalar;
use bytecode::{Instr, Op, ScalarType, Window};
use std::ops::Range;

/// Rounds over a region's blocks before the analysis gives up and proves nothing.
const ROUNDS_MAX: u32 = 40;
/// Rounds after which intervals widen.
const WIDEN_AFTER: u32 = 2;
/// Lines before a region that are searched for what it begins with.
const LOOK_BACK: u32 = 32;

type Interval = (i128, i128);

/// The intervals of the tracked integers, in their order.
type State = Vec<Interval>;

/// One side of a comparison.
#[derive(Clone, Copy)]
struct Side {
    /// Which tracked integer, if one.
    tracked: Option<usize>,
    /// Its interval when it was compared.
    then: Interval,
    /// What was added to it since; `None` when it became something else.
    added: Option<i128>,
}

/// A comparison whose result this flag holds.
#[derive(Clone, Copy)]
struct Fact {
    flag: Key,
    op: Op,
    left: Side,
    right: Side,
}

/// What is found of a region.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Lines whose index is inside its bounds whenever they run.
    pub(super) proved: Vec<u32>,
    /// Branches on a comparison of a number that was counted on since, and the same comparison of the number as it is then.
    pub(super) counted: Vec<(u32, Counted)>,
}

/// A comparison of a resident with something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) key: Key,
    pub(super) ty: ScalarType,
    pub(super) op: Op,
    pub(super) right: Right,
}

/// What is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Right {
    /// These bits.
    Constant(u64),
    /// A resident of the same type.
    Resident(Key),
}

struct Analysis<'a> {
    program: &'a Program<'a>,
    flat: &'a Flat,
    tracked: Vec<(Key, ScalarType)>,
    /// Constants the region mentions, the ends of its arrays, and their neighbours, sorted.
    thresholds: Vec<i128>,
}

fn range_of(ty: ScalarType) -> Interval {
    let bits = ty.bits();
    if ty.is_signed() { (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) } else { (0, (1 << bits) - 1) }
}

fn meet(a: Interval, b: Interval) -> Option<Interval> {
    let both = (a.0.max(b.0), a.1.min(b.1));
    (both.0 <= both.1).then_some(both)
}

/// What can be said of a region's lines, whenever they run.
pub(super) fn find(program: &Program<'_>, flat: &Flat, plan: &Plan, region: &Region) -> Found {
    let integers = region.residents.iter().filter(|r| r.ty.is_int()).map(|r| (r.key, r.ty));
    let mut analysis = Analysis { program, flat, tracked: integers.collect(), thresholds: Vec::new() };
    if analysis.tracked.is_empty() {
        return Found::default();
    }
    analysis.find_thresholds(region.lines.clone());
    let entry = analysis.entry(plan, region.lines.start);
    analysis.solve(plan, region.lines.clone(), entry).unwrap_or_default()
}

impl Analysis<'_> {
    fn line(&self, at: u32) -> Option<(Line, &Instr)> {
        let line = *self.flat.lines.get(at as usize)?;
        Some((line, self.program.instr(line)?))
    }

    fn key(&self, line: Line, instr: &Instr, word: usize) -> Option<Key> {
        let scope = *self.flat.scopes.get(line.scope as usize)?;
        key_of(self.program.place(scope, instr.operand(word)))
    }

    fn tracked(&self, key: Option<Key>) -> Option<usize> {
        self.tracked.iter().position(|(k, _)| Some(*k) == key)
    }

    fn constant(&self, instr: &Instr, word: usize, ty: ScalarType) -> Option<i128> {
        let operand = instr.operand(word);
        if operand.window() != Some(Window::Const) || !ty.is_int() {
            return None;
        }
        let at = operand.offset() as usize;
        let bytes = self.program.image.constants.bytes.get(at..at + ty.size() as usize)?;
        Some(crate::vm::reference::signed(u64::load(bytes), ty))
    }

    /// What an integer operand may hold.
    fn operand(&self, state: &State, line: Line, instr: &Instr, word: usize, ty: ScalarType) -> Interval {
        if let Some(c) = self.constant(instr, word, ty) {
            return (c, c);
        }
        let tracked = self.tracked(self.key(line, instr, word));
        tracked.and_then(|t| state.get(t).copied()).unwrap_or_else(|| range_of(ty))
    }

    fn find_thresholds(&mut self, lines: Range<u32>) {
        let mut found = vec![0];
        for at in lines {
            let Some((_, instr)) = self.line(at) else { continue };
            // Where the arrays end: a loop that steps further than its limit tells stays there at most.
            let row = self
                .index_of(at)
                .and_then(|(_, access)| self.program.image.accesses.get(instr.operand(access).0 as usize));
            found.extend(
                row.iter().flat_map(|row| [i128::from(row.lower), i128::from(row.lower) + i128::from(row.count) - 1]),
            );
            for (word, role) in instr.op.roles().into_iter().enumerate() {
                if let Role::Read(ty) = role
                    && let Some(ty) = instr.role_type(ty)
                {
                    found.extend(self.constant(instr, word, ty));
                }
            }
        }
        self.thresholds = found.iter().flat_map(|c| [c - 1, *c, c + 1]).collect();
        self.thresholds.sort_unstable();
        self.thresholds.dedup();
    }

    /// What the region begins with: constants that the lines just before it store, where it is entered from there only.
    fn entry(&self, plan: &Plan, start: u32) -> State {
        let mut state: Vec<Option<Interval>> = vec![None; self.tracked.len()];
        let top: State = self.tracked.iter().map(|(_, ty)| range_of(*ty)).collect();
        if !plan.is_fallen_into(start) {
            return top;
        }
        let mut at = start;
        while at > plan.start() && start - at < LOOK_BACK {
            at -= 1;
            let Some((line, instr)) = self.line(at) else { break };
            let by_name = matches!(instr.op.roles(), [Role::Write(_), ..]);
            if plan.is_conditional(at) {
                break;
            }
            // A branch that was not taken has written nothing.
            let passed = matches!(line.kind, Kind::Branch(_)) && instr.op != Op::Jmp;
            if !passed && (line.kind != Kind::Plain || !by_name && instr.op != Op::Charge) {
                break;
            }
            let key = self.key(line, instr, 0);
            if by_name && key.is_none_or(|key| self.may_be_tracked_otherwise(key)) {
                break;
            }
            if let Some(t) = self.tracked(key).filter(|_| by_name)
                && let (Some(slot), Some(range)) = (state.get_mut(t), top.get(t))
            {
                let constant = self.constant(instr, 1, instr.ty).filter(|_| instr.op == Op::Mov);
                slot.get_or_insert(constant.map_or(*range, |c| (c, c)));
            }
            if plan.is_leader(at) {
                break;
            }
        }
        state.into_iter().zip(top).map(|(known, top)| known.unwrap_or(top)).collect()
    }

    /// Could this be a tracked place under another name? An own place may be any instance's.
    fn may_be_tracked_otherwise(&self, key: Key) -> bool {
        let alone = |k: Key| !k.own && self.program.stands_alone(k.at);
        self.tracked.iter().any(|(t, _)| t.own != key.own && !alone(*t) && !alone(key))
    }

    /// Runs rounds over the blocks until nothing changes; then the lines whose index is inside.
    fn solve(&self, plan: &Plan, lines: Range<u32>, entry: State) -> Option<Found> {
        let starts: Vec<u32> = lines.clone().filter(|at| *at == lines.start || plan.is_leader(*at)).collect();
        let number = |at: u32| starts.binary_search(&at).ok();
        let mut before: Vec<Option<State>> = vec![None; starts.len()];
        *before.first_mut()? = Some(entry);
        for round in 0..ROUNDS_MAX {
            let mut changed = false;
            for (block, start) in starts.iter().enumerate() {
                let Some(state) = before.get(block).cloned().flatten() else { continue };
                let end = starts.get(block + 1).copied().unwrap_or(lines.end);
                for (to, after) in self.run_block(plan, *start..end, state, &mut Found::default()) {
                    let Some(slot) = number(to).and_then(|n| before.get_mut(n)) else { continue };
                    changed |= self.join(slot, after, round >= WIDEN_AFTER && plan.is_head(to));
                }
            }
            if !changed {
                let mut found = Found::default();
                for (block, start) in starts.iter().enumerate() {
                    let Some(state) = before.get(block).cloned().flatten() else { continue };
                    let end = starts.get(block + 1).copied().unwrap_or(lines.end);
                    self.run_block(plan, *start..end, state, &mut found);
                }
                return Some(found);
            }
        }
        None
    }

    fn join(&self, slot: &mut Option<State>, new: State, widen: bool) -> bool {
        let Some(old) = slot else {
            *slot = Some(new);
            return true;
        };
        let mut changed = false;
        for ((old, new), (_, ty)) in old.iter_mut().zip(new).zip(&self.tracked) {
            let mut both = (old.0.min(new.0), old.1.max(new.1));
            if both == *old {
                continue;
            }
            changed = true;
            if widen {
                let range = range_of(*ty);
                if both.0 < old.0 {
                    let below = self.thresholds.iter().rev().find(|t| **t <= both.0);
                    both.0 = below.map_or(range.0, |t| range.0.max(*t));
                }
                if both.1 > old.1 {
                    let above = self.thresholds.iter().find(|t| **t >= both.1);
                    both.1 = above.map_or(range.1, |t| range.1.min(*t));
                }
            }
            *old = both;
        }
        changed
    }

    /// The states a block hands on; adds to `found`.
    fn run_block(&self, plan: &Plan, lines: Range<u32>, mut state: State, found: &mut Found) -> Vec<(u32, State)> {
        let mut facts: Vec<Fact> = Vec::new();
        for at in lines.clone() {
            let Some((line, instr)) = self.line(at) else { continue };
            if let Some((word, access)) = self.index_of(at)
                && let Some(row) = self.program.image.accesses.get(instr.operand(access).0 as usize)
            {
                let index = self.operand(&state, line, instr, word, ScalarType::I32);
                let lower = i128::from(row.lower);
                if index.0 >= lower && index.1 < lower + i128::from(row.count) {
                    found.proved.push(at);
                }
            }
            match line.kind {
                Kind::Plain if plan.is_conditional(at) => {
                    // It happens or not.
                    let before = state.clone();
                    self.apply(line, instr, &mut state, &mut facts);
                    for (now, before) in state.iter_mut().zip(before) {
                        *now = (now.0.min(before.0), now.1.max(before.1));
                    }
                    facts.clear();
                }
                Kind::Plain => self.apply(line, instr, &mut state, &mut facts),
                Kind::Branch(_) if plan.conditional_end(at).is_some() => {}
                Kind::Goto(to) => return vec![(to, state)],
                Kind::Branch(to) if instr.op == Op::Jmp => return vec![(to, state)],
                Kind::Branch(to) => {
                    let flag = self.key(line, instr, 1);
                    let fact = facts.iter().find(|f| Some(f.flag) == flag).copied();
                    found.counted.extend(fact.and_then(|fact| Some((at, self.counted(fact)?))));
                    let way = |to: u32, holds: bool| Some((to, narrowed(&self.tracked, &state, fact, holds)?));
                    let taken = instr.op == Op::Jt;
                    return [way(to, taken), way(at + 1, !taken)].into_iter().flatten().collect();
                }
                // A region calls nothing.
                Kind::Call(_) | Kind::Leave => return Vec::new(),
            }
        }
        vec![(lines.end, state)]
    }

    /// A comparison whose left side was counted on since, without wrapping, as one of what it is now.
    fn counted(&self, fact: Fact) -> Option<Counted> {
        let Fact { op, left, right, .. } = fact;
        let (key, ty) = *self.tracked.get(left.tracked?)?;
        let added = left.added.filter(|added| *added != 0)?;
        let range = range_of(ty);
        if left.then.0 + added < range.0 || left.then.1 + added > range.1 {
            return None;
        }
        let limit = right.then.0 + added;
        if right.tracked.is_none() && right.then.0 == right.then.1 {
            let fits = limit >= range.0 && limit <= range.1;
            let bits = u64::from_le_bytes(i64::try_from(limit).ok()?.to_le_bytes());
            let bits = if ty.bits() == 64 { bits } else { bits & ((1 << ty.bits()) - 1) };
            return fits.then_some(Counted { key, ty, op, right: Right::Constant(bits) });
        }
        // One on: below before is at most now; one back: the other way round.
        let op = match (op, added) {
            (Op::Lt, 1) => Op::Le,
            (Op::Gt, -1) => Op::Ge,
            _ => return None,
        };
        let (right_key, right_ty) = *self.tracked.get(right.tracked.filter(|_| right.added == Some(0))?)?;
        (right_ty == ty).then_some(Counted { key, ty, op, right: Right::Resident(right_key) })
    }

    /// The words of a line that are an index and its access.
    fn index_of(&self, at: u32) -> Option<(usize, usize)> {
        match self.line(at)? {
            (Line { kind: Kind::Plain, .. }, instr) => match instr.op {
                Op::LdX | Op::BindX => Some((2, 3)),
                Op::StX => Some((1, 2)),
                _ => None,
            },
            _ => None,
        }
    }

    fn apply(&self, line: Line, instr: &Instr, state: &mut State, facts: &mut Vec<Fact>) {
        let [Role::Write(ty), ..] = instr.op.roles() else {
            // What it writes is not tracked, but it may be a flag.
            if instr.op != Op::Charge {
                facts.clear();
            }
            return;
        };
        let Some(key) = self.key(line, instr, 0) else {
            facts.clear();
            return;
        };
        let new = self.result(line, instr, state);
        let compared = self.compared(line, instr, state, key);
        let bool_elsewhere = |f: &Fact| f.flag.own != key.own && instr.role_type(ty) == Some(ScalarType::Bool);
        facts.retain(|f| f.flag != key && !bool_elsewhere(f));
        if let Some(t) = self.tracked(Some(key)) {
            let added = self.added(line, instr, key);
            for side in facts.iter_mut().flat_map(|f| [&mut f.left, &mut f.right]).filter(|s| s.tracked == Some(t)) {
                side.added = side.added.zip(added).map(|(a, b)| a + b);
            }
            if let Some(slot) = state.get_mut(t) {
                let range = range_of(instr.role_type(ty).unwrap_or(ScalarType::U64));
                *slot = new.filter(|n| n.0 >= range.0 && n.1 <= range.1).unwrap_or(range);
            }
        }
        facts.extend(compared);
    }

    /// What a line adds to the place it writes, where it does just that.
    fn added(&self, line: Line, instr: &Instr, key: Key) -> Option<i128> {
        let same = self.key(line, instr, 1) == Some(key);
        match instr.op {
            Op::Add if same => self.constant(instr, 2, instr.ty),
            Op::Sub if same => self.constant(instr, 2, instr.ty).map(|c| -c),
            _ => None,
        }
    }

    fn compared(&self, line: Line, instr: &Instr, state: &State, flag: Key) -> Option<Fact> {
        let compares = matches!(instr.op, Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Gt | Op::Ge);
        if !compares || !instr.ty.is_int() {
            return None;
        }
        let side = |word| Side {
            tracked: self.tracked(self.key(line, instr, word)),
            then: self.operand(state, line, instr, word, instr.ty),
            added: Some(0),
        };
        Some(Fact { flag, op: instr.op, left: side(1), right: side(2) })
    }

    /// What a line writes, before wrapping; `None` when nothing is known.
    fn result(&self, line: Line, instr: &Instr, state: &State) -> Option<Interval> {
        let ty = instr.ty;
        if instr.op == Op::Bound {
            let [_, _, lower, upper] = instr.w;
            return Some((0, i128::from(upper.cast_signed()) - i128::from(lower.cast_signed())));
        }
        if !ty.is_int() {
            return None;
        }
        let read = |word| self.operand(state, line, instr, word, ty);
        let corners = |f: fn(i128, i128) -> Option<i128>| {
            let ((a, b), (c, d)) = (read(1), read(2));
            let all = [f(a, c)?, f(a, d)?, f(b, c)?, f(b, d)?];
            Some((*all.iter().min()?, *all.iter().max()?))
        };
        match instr.op {
            Op::Mov => Some(read(1)),
            Op::Add => corners(i128::checked_add),
            Op::Sub => corners(i128::checked_sub),
            Op::Mul => corners(i128::checked_mul),
            Op::Min => corners(|a, b| Some(a.min(b))),
            Op::Max => corners(|a, b| Some(a.max(b))),
            Op::Mod => {
                let (dividend, (low, high)) = (read(1), read(2));
                let most = low.abs().max(high.abs()).checked_sub(1)?;
                Some((if dividend.0 < 0 { -most } else { 0 }, if dividend.1 > 0 { most } else { 0 }))
            }
            Op::And if !ty.is_signed() => Some((0, read(1).1.min(read(2).1))),
            Op::Cvt => {
                let from = instr.role_type(Ty::Extra).filter(|from| from.is_int())?;
                Some(self.operand(state, line, instr, 1, from))
            }
            _ => None,
        }
    }
}

/// The state where the comparison came out this way; `None` where it cannot.
fn narrowed(tracked: &[(Key, ScalarType)], state: &State, fact: Option<Fact>, holds: bool) -> Option<State> {
    let mut state = state.clone();
    let Some(Fact { op, left, right, .. }) = fact else { return Some(state) };
    let op = match (op, holds) {
        (op, true) => op,
        (Op::Lt, false) => Op::Ge,
        (Op::Le, false) => Op::Gt,
        (Op::Gt, false) => Op::Le,
        (Op::Ge, false) => Op::Lt,
        (Op::Eq, false) => Op::Ne,
        (_, false) => Op::Eq,
    };
    let (a, b) = (left.then, right.then);
    let all = (i128::MIN, i128::MAX);
    let (for_a, for_b) = match op {
        Op::Lt => ((all.0, b.1 - 1), (a.0 + 1, all.1)),
        Op::Le => ((all.0, b.1), (a.0, all.1)),
        Op::Gt => ((b.0 + 1, all.1), (all.0, a.1 - 1)),
        Op::Ge => ((b.0, all.1), (all.0, a.1)),
        Op::Eq => (b, a),
        _ => (all, all),
    };
    for (side, limit) in [(left, for_a), (right, for_b)] {
        let then = meet(side.then, limit)?;
        let (Some(t), Some(added)) = (side.tracked, side.added) else { continue };
        let (Some(slot), Some((_, ty))) = (state.get_mut(t), tracked.get(t)) else { continue };
        let (now, range) = ((then.0 + added, then.1 + added), range_of(*ty));
        // Only where counting on cannot have wrapped.
        if now.0 >= range.0 && now.1 <= range.1 {
            *slot = meet(*slot, now)?;
        }
    }
    Some(state)
}
