//! What is decided about a stretch of lines before any code is made: where blocks begin, which stores can wait, which
//! scalars live in registers while a loop runs.
//!
//! A *region* is an outermost loop: the lines from the target of a backward branch to that branch. Branches from
//! outside enter it at its first line only, or it is none. Its *residents* are scalars that nothing in it reaches
//! but by name: they are loaded before it and stored on the ways out.

use super::cache::{Key, Reach, may_touch};
use super::conditional::Conditionals;
use super::flat::{Flat, Kind, Line, Program};
use super::lines::{accesses, instr_at, is_constant, line_at, may_trap, written};
use super::ranges::{self, Counted};
use super::vector::{self, Wide};
use bytecode::{Op, ScalarType};
use std::collections::HashMap;
use std::ops::Range;

/// A store waits at most this many lines: longer, and the value would only be spilled.
const WAIT_MAX: u32 = 64;
/// Residents of a region: a few more than there are registers, because their ranges have gaps.
const RESIDENTS_MAX: usize = 24;

/// The builder keeps a table of blocks for every variable. A stretch longer than this (it is one branch or loop from
/// end to end) passes no values from block to block, and few of its regions have residents: 3,000 lines are at
/// most about 1,500 variables times 6,000 blocks of 4 bytes, or 36 MB for a moment.
const LONG: u32 = 3_000;
/// Regions with residents in a long stretch.
const REGIONS_OF_LONG_MAX: usize = 32;

/// An outermost loop.
#[derive(Clone, Debug)]
pub(super) struct Region {
    pub(super) lines: Range<u32>,
    pub(super) residents: Vec<Resident>,
    /// Per last line of a block: residents that a block of the region behind it reads before it writes them.
    live_after: HashMap<u32, Residents>,
    /// How it runs several turns at a time, if it can.
    pub(super) wide: Option<Wide>,
}

/// A set of residents, by their number in the region.
type Residents = u32;

impl Region {
    /// The number of a place among the residents.
    pub(super) fn resident(&self, key: Key) -> Option<usize> {
        self.residents.iter().position(|r| r.key == key)
    }

    /// Does the region go on behind this last line of a block with a block that wants the resident?
    pub(super) fn is_live_after(&self, line: u32, resident: usize) -> bool {
        self.live_after.get(&line).is_some_and(|live| live >> resident & 1 == 1)
    }
}

/// A scalar that lives in a register while a region runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resident {
    pub(super) key: Key,
    pub(super) ty: ScalarType,
    pub(super) written: bool,
    uses: u32,
}

/// The plan of a stretch of lines.
#[derive(Debug, Default)]
pub(super) struct Plan {
    start: u32,
    /// Per line: does a block begin here?
    leaders: Vec<bool>,
    /// Per line: does any branch come here?
    targets: Vec<bool>,
    /// Per line: does a backward branch come here?
    heads: Vec<bool>,
    /// Per line: may its store wait?
    waits: Vec<bool>,
    /// Per line: is its index always inside?
    proved: Vec<bool>,
    /// Per branch that a counting loop ends with: the same comparison after counting on.
    counted: HashMap<u32, Counted>,
    /// Per charge: the next one that its check serves, too.
    next_charge: HashMap<u32, u32>,
    /// Per line: is it a charge that one before it serves?
    charged: Vec<bool>,
    /// Branches: target and line, sorted.
    jumps: Vec<(u32, u32)>,
    conditionals: Conditionals,
    pub(super) regions: Vec<Region>,
    /// Is the stretch too long for a variable per place?
    pub(super) is_long: bool,
}

impl Plan {
    pub(super) fn of(program: &Program<'_>, flat: &Flat, lines: Range<u32>) -> Self {
        let count = (lines.end - lines.start) as usize + 1;
        let mut plan = Self {
            start: lines.start,
            leaders: vec![false; count],
            targets: vec![false; count],
            heads: vec![false; count],
            waits: vec![false; count],
            proved: vec![false; count],
            counted: HashMap::new(),
            charged: vec![false; count],
            next_charge: HashMap::new(),
            jumps: Vec::new(),
            conditionals: Conditionals::default(),
            regions: Vec::new(),
            is_long: lines.end - lines.start > LONG,
        };
        let loops = plan.find_blocks(program, flat, lines.clone());
        plan.waits(program, flat, lines.clone());
        plan.join_charges(program, flat, lines);
        plan.regions = outermost(loops)
            .into_iter()
            .filter(|r| entered_at_head_only(&plan.jumps, r))
            .map(|r| Region {
                residents: residents(program, flat, r.clone()),
                lines: r,
                live_after: HashMap::new(),
                wide: None,
            })
            .filter(|r| !r.residents.is_empty())
            .take(if plan.is_long { REGIONS_OF_LONG_MAX } else { usize::MAX })
            .collect();
        for region in 0..plan.regions.len() {
            plan.find_live(program, flat, region);
        }
        let found: Vec<ranges::Found> =
            plan.regions.iter().map(|region| ranges::find(program, flat, &plan, region)).collect();
        for found in found {
            for at in found.proved {
                plan.mark(at, |p| &mut p.proved);
            }
            plan.counted.extend(found.counted);
        }
        let wide: Vec<Option<Wide>> = plan.regions.iter().map(|r| vector::find(program, flat, &plan, r)).collect();
        for (region, wide) in plan.regions.iter_mut().zip(wide) {
            region.wide = wide;
        }
        plan
    }

    /// Finds where blocks begin; the loops, as lines.
    fn find_blocks(&mut self, program: &Program<'_>, flat: &Flat, lines: Range<u32>) -> Vec<Range<u32>> {
        let mut loops: Vec<Range<u32>> = Vec::new();
        for at in lines.clone() {
            if let Some(Line { kind: Kind::Branch(to) | Kind::Goto(to), .. }) = line_at(flat, at) {
                self.jumps.push((to, at));
                if to <= at {
                    loops.push(to..at + 1);
                }
            }
        }
        self.jumps.sort_unstable();
        self.conditionals = Conditionals::find(program, flat, &self.jumps, &loops);
        let conditionals = &self.conditionals;
        self.jumps.retain(|(_, at)| conditionals.end_of(*at).is_none());
        for (to, at) in std::mem::take(&mut self.jumps) {
            self.mark(to, |p| &mut p.leaders);
            self.mark(to, |p| &mut p.targets);
            self.mark(at + 1, |p| &mut p.leaders);
            if to <= at {
                self.mark(to, |p| &mut p.heads);
            }
            self.jumps.push((to, at));
        }
        for at in lines {
            if matches!(line_at(flat, at), Some(Line { kind: Kind::Leave, .. })) {
                self.mark(at + 1, |p| &mut p.leaders);
            }
            if self.conditionals.contains(at) {
                // Its index was used before.
                self.mark(at, |p| &mut p.proved);
            }
        }
        loops
    }

    /// The end of the lines that this branch makes conditional, if it is no branch any more.
    pub(super) fn conditional_end(&self, branch: u32) -> Option<u32> {
        self.conditionals.end_of(branch)
    }

    /// Does this line choose between what was and what it would write?
    pub(super) fn is_conditional(&self, line: u32) -> bool {
        self.conditionals.contains(line)
    }

    fn mark(&mut self, line: u32, of: impl Fn(&mut Self) -> &mut Vec<bool>) {
        let index = line.wrapping_sub(self.start) as usize;
        if let Some(mark) = of(self).get_mut(index) {
            *mark = true;
        }
    }

    fn marked(&self, of: &[bool], line: u32) -> bool {
        of.get(line.wrapping_sub(self.start) as usize).copied().unwrap_or(false)
    }

    pub(super) fn is_leader(&self, line: u32) -> bool {
        self.marked(&self.leaders, line)
    }

    pub(super) fn is_target(&self, line: u32) -> bool {
        self.marked(&self.targets, line)
    }

    /// Is this charge's check made at an earlier one?
    pub(super) fn is_charged_before(&self, line: u32) -> bool {
        self.marked(&self.charged, line)
    }

    /// A charge and those that its check serves.
    pub(super) fn charges(&self, line: u32) -> impl Iterator<Item = u32> {
        std::iter::successors(Some(line), |at| self.next_charge.get(at).copied())
    }

    pub(super) fn is_head(&self, line: u32) -> bool {
        self.marked(&self.heads, line)
    }

    pub(super) fn may_wait(&self, line: u32) -> bool {
        self.marked(&self.waits, line)
    }

    /// Is the index of this line inside its bounds whenever the line runs?
    pub(super) fn is_proved(&self, line: u32) -> bool {
        self.marked(&self.proved, line)
    }

    /// What a branch may compare instead of what its flag holds.
    pub(super) fn counted(&self, line: u32) -> Option<Counted> {
        self.counted.get(&line).copied()
    }

    /// Can a line be reached only from the one before it, but for branches backward? Unknown for the first line.
    pub(super) fn is_fallen_into(&self, line: u32) -> bool {
        let first = self.jumps.partition_point(|(to, _)| *to < line);
        let mut here = self.jumps.get(first..).unwrap_or_default().iter().take_while(|(to, _)| *to == line);
        line > self.start && here.all(|(_, at)| *at >= line)
    }

    /// The first line.
    pub(super) fn start(&self) -> u32 {
        self.start
    }

    /// The number of the region a line is in.
    pub(super) fn region_of(&self, line: u32) -> Option<usize> {
        let after = self.regions.partition_point(|r| r.lines.start <= line);
        let index = after.checked_sub(1)?;
        self.regions.get(index).is_some_and(|r| r.lines.contains(&line)).then_some(index)
    }

    /// Charges of one block with nothing between them that may trap are checked at once, at the first.
    fn join_charges(&mut self, program: &Program<'_>, flat: &Flat, lines: Range<u32>) {
        let mut last = None;
        for at in lines {
            if self.is_leader(at) {
                last = None;
            }
            let Some((line, instr)) = instr_at(program, flat, at) else { continue };
            if line.kind == Kind::Plain && instr.op == Op::Charge {
                if let Some(before) = last {
                    self.next_charge.insert(before, at);
                    self.mark(at, |p| &mut p.charged);
                }
                last = Some(at);
            } else if may_trap(program, flat, line, instr) {
                last = None;
            }
        }
    }

    /// Which residents are wanted behind the blocks of a region: the classic rounds backward until nothing changes. Ways out of the region count as
    /// reading whatever their own block has not just written, because they store it.
    fn find_live(&mut self, program: &Program<'_>, flat: &Flat, region: usize) {
        let Some(region) = self.regions.get(region) else { return };
        let starts: Vec<u32> =
            region.lines.clone().filter(|at| *at == region.lines.start || self.is_leader(*at)).collect();
        let blocks: Vec<Flow> = (0..starts.len())
            .filter_map(|block| {
                let end = starts.get(block + 1).copied().unwrap_or(region.lines.end);
                Some(self.flow(program, flat, region, *starts.get(block)?..end))
            })
            .collect();
        let mut before: Vec<Residents> = vec![0; blocks.len()];
        let wanted = |before: &[Residents], flow: &Flow| {
            let numbers = flow.next.iter().filter_map(|to| starts.binary_search(to).ok());
            numbers.filter_map(|n| before.get(n)).fold(0, |all, live| all | live)
        };
        loop {
            let mut changed = false;
            for (block, flow) in blocks.iter().enumerate().rev() {
                let after = wanted(&before, flow) | flow.leaves;
                let live = flow.reads | after & !flow.writes;
                if let Some(slot) = before.get_mut(block).filter(|slot| **slot != live) {
                    *slot = live;
                    changed = true;
                }
            }
            if !changed {
                break;
            }
        }
        let live_after = blocks.iter().map(|flow| (flow.last, wanted(&before, flow))).collect();
        if let Some(region) =
            self.regions.iter_mut().find(|r| r.lines.start == starts.first().copied().unwrap_or(u32::MAX))
        {
            region.live_after = live_after;
        }
    }

    fn flow(&self, program: &Program<'_>, flat: &Flat, region: &Region, lines: Range<u32>) -> Flow {
        let last = lines.end.saturating_sub(1);
        let mut flow = Flow { last, reads: 0, writes: 0, leaves: 0, next: Vec::new() };
        for at in lines.clone() {
            let Some((line, instr)) = instr_at(program, flat, at) else { continue };
            let mut written = 0;
            accesses(program, flat, line, instr, |reach, _, writes| {
                let Reach::Scalar(key) = reach else { return };
                let Some(number) = region.resident(key) else { return };
                if writes {
                    written |= 1 << number;
                }
                if !writes || self.is_conditional(at) {
                    flow.reads |= 1 << number & !flow.writes;
                }
            });
            flow.writes |= written;
        }
        let mut ways = vec![lines.end];
        if let Some(line) = line_at(flat, last) {
            match line.kind {
                Kind::Goto(to) => ways = vec![to],
                Kind::Leave => ways = vec![u32::MAX],
                Kind::Branch(to) => {
                    let always = program.instr(line).is_some_and(|instr| instr.op == Op::Jmp);
                    ways = if always { vec![to] } else { vec![to, lines.end] };
                }
                Kind::Plain | Kind::Call(_) => {}
            }
        }
        let (inside, outside): (Vec<u32>, Vec<u32>) = ways.into_iter().partition(|to| region.lines.contains(to));
        if !outside.is_empty() {
            flow.leaves = Residents::MAX & !flow.writes;
        }
        flow.next = inside;
        flow
    }

    /// Stores that the same block writes over soon.
    fn waits(&mut self, program: &Program<'_>, flat: &Flat, lines: Range<u32>) {
        let mut next: HashMap<Key, (u32, ScalarType)> = HashMap::new();
        for at in lines.rev() {
            if self.is_leader(at + 1) {
                next.clear();
            }
            let Some((line, instr)) = instr_at(program, flat, at) else { continue };
            if matches!(line.kind, Kind::Call(_)) {
                next.clear();
            }
            if let Some((key, ty)) = written(program, flat, line, instr) {
                let over = next.insert(key, (at, ty));
                if over.is_some_and(|(later, later_ty)| later_ty == ty && later - at <= WAIT_MAX) {
                    self.mark(at, |p| &mut p.waits);
                }
            }
        }
    }
}

/// What a block of a region does to residents, and where it goes on.
struct Flow {
    last: u32,
    /// Read before they are written.
    reads: Residents,
    writes: Residents,
    /// Wanted by ways out of the region.
    leaves: Residents,
    /// First lines of blocks of the region that may come next.
    next: Vec<u32>,
}

/// Merges loops that overlap.
fn outermost(mut loops: Vec<Range<u32>>) -> Vec<Range<u32>> {
    loops.sort_by_key(|l| (l.start, l.end));
    let mut merged: Vec<Range<u32>> = Vec::new();
    for l in loops {
        match merged.last_mut() {
            Some(last) if l.start < last.end => last.end = last.end.max(l.end),
            Some(_) | None => merged.push(l),
        }
    }
    merged
}

/// Does no branch from outside come into the middle of the region? `jumps` are (target, branch), sorted.
fn entered_at_head_only(jumps: &[(u32, u32)], region: &Range<u32>) -> bool {
    let from = jumps.partition_point(|(to, _)| *to <= region.start);
    let inside = jumps.get(from..).unwrap_or_default().iter().take_while(|(to, _)| *to < region.end);
    inside.into_iter().all(|(_, at)| region.contains(at))
}

/// The scalars that can live in registers in these lines; none where something is called or copied.
fn residents(program: &Program<'_>, flat: &Flat, lines: Range<u32>) -> Vec<Resident> {
    let mut named: HashMap<Key, Resident> = HashMap::new();
    let mut wild: Vec<(Reach, ScalarType)> = Vec::new();
    for at in lines {
        let Some((line, instr)) = instr_at(program, flat, at) else { continue };
        if matches!(line.kind, Kind::Call(_)) || instr.op == Op::Copy {
            return Vec::new();
        }
        accesses(program, flat, line, instr, |reach, ty, written| match reach {
            Reach::Scalar(key) if key.own || !(program.in_process_image(key.at) || is_constant(program, key)) => {
                let new = Resident { key, ty, written: false, uses: 0 };
                let resident = named.entry(key).or_insert(new);
                resident.written |= written;
                resident.uses += 1;
            }
            Reach::Scalar(_) => {}
            Reach::Range(..) | Reach::Anywhere => {
                if !wild.iter().any(|w| w.1 == ty && same_reach(w.0, reach)) {
                    wild.push((reach, ty));
                }
            }
        });
    }
    let both = named.keys().any(|k| k.own) && named.keys().any(|k| !k.own);
    let mut list: Vec<Resident> = named
        .into_values()
        // Own and other places may be the same, unless the other stands alone.
        .filter(|r| !both || (!r.key.own && program.stands_alone(r.key.at)))
        .filter(|r| !wild.iter().any(|(reach, ty)| may_touch(program, *reach, *ty, r.key, r.ty)))
        .collect();
    list.sort_by_key(|r| (std::cmp::Reverse(r.uses), r.key));
    list.truncate(RESIDENTS_MAX);
    list
}

fn same_reach(a: Reach, b: Reach) -> bool {
    match (a, b) {
        (Reach::Range(a, n), Reach::Range(b, m)) => a == b && n == m,
        (Reach::Anywhere, Reach::Anywhere) => true,
        (Reach::Scalar(_) | Reach::Range(..) | Reach::Anywhere, _) => false,
    }
}
