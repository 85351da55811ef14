//! Small IFs without branches: which branches only skip a few lines that may as well be done, each write choosing between
//! the old value and the new one.
//!
//! A branch that depends on data is mispredicted every other time, which costs as much as dozens of operations; and
//! where no block ends, values stay in registers. A *conditional* line runs whether or not its branch would have
//! skipped it, so it must not be able to trap, must have no effect but what it writes by name or by an index, and that
//! index must have been used before in the same block, with the same row and base: then it is inside.

use super::cache::may_touch;
use super::flat::{Flat, Kind, Line, Place, Program};
use super::lines::{accesses, key_of};
use bytecode::isa::Role;
use bytecode::{Instr, Op, ScalarType};
use std::ops::Range;

/// Lines skipped, at most, in a loop and elsewhere: in a loop the branch is taken often, and whether is hard to tell.
const IN_LOOP_MAX: u32 = 8;
const ELSEWHERE_MAX: u32 = 3;
/// Lines before a branch that are searched for the use of an index.
const LOOK_BACK: u32 = 16;

/// A branch and the lines it skips, sorted by line.
#[derive(Debug, Default)]
pub(super) struct Conditionals {
    skipped: Vec<Range<u32>>,
}

impl Conditionals {
    /// Finds them; `jumps` are all branches as (target, line), sorted, and `loops` the lines that a branch backward spans.
    pub(super) fn find(program: &Program<'_>, flat: &Flat, jumps: &[(u32, u32)], loops: &[Range<u32>]) -> Self {
        let search = Search { program, flat, jumps };
        let mut by_line: Vec<(u32, u32)> = jumps.iter().map(|(to, at)| (*at, *to)).collect();
        by_line.sort_unstable();
        let mut skipped: Vec<Range<u32>> = Vec::new();
        let mut depth = Depth::new(loops);
        for (at, to) in by_line {
            let most = if depth.is_in_loop(at) { IN_LOOP_MAX } else { ELSEWHERE_MAX };
            let lines = at + 1..to;
            let nested = skipped.last().is_some_and(|before| before.end > at);
            if !nested && to > at + 1 && to - at - 1 <= most && search.can_be_done_anyway(at, lines.clone()) {
                skipped.push(lines);
            }
        }
        Self { skipped }
    }

    /// The end of what this branch skips, where it is none any more.
    pub(super) fn end_of(&self, branch: u32) -> Option<u32> {
        let lines = self.around(branch + 1)?;
        (lines.start == branch + 1).then_some(lines.end)
    }

    /// Does this line choose what it writes?
    pub(super) fn contains(&self, line: u32) -> bool {
        self.around(line).is_some()
    }

    fn around(&self, line: u32) -> Option<&Range<u32>> {
        let after = self.skipped.partition_point(|lines| lines.start <= line);
        self.skipped.get(after.checked_sub(1)?).filter(|lines| lines.contains(&line))
    }
}

/// Loops passed so far, by rising line.
struct Depth {
    /// Start and end of loops, by start.
    loops: Vec<(u32, u32)>,
    next: usize,
    /// Where the longest of those begun ends.
    end: u32,
}

impl Depth {
    fn new(loops: &[Range<u32>]) -> Self {
        let mut loops: Vec<(u32, u32)> = loops.iter().map(|l| (l.start, l.end)).collect();
        loops.sort_unstable();
        Self { loops, next: 0, end: 0 }
    }

    fn is_in_loop(&mut self, at: u32) -> bool {
        while let Some((_, end)) = self.loops.get(self.next).filter(|(start, _)| *start <= at) {
            self.end = self.end.max(*end);
            self.next += 1;
        }
        at < self.end
    }
}

struct Search<'a> {
    program: &'a Program<'a>,
    flat: &'a Flat,
    jumps: &'a [(u32, u32)],
}

impl Search<'_> {
    fn line(&self, at: u32) -> Option<(Line, &Instr)> {
        let line = *self.flat.lines.get(at as usize)?;
        Some((line, self.program.instr(line)?))
    }

    fn can_be_done_anyway(&self, branch: u32, lines: Range<u32>) -> bool {
        let Some((Line { kind: Kind::Branch(_), .. }, instr)) = self.line(branch) else { return false };
        let entered = self.jumps.partition_point(|(to, _)| *to < lines.start);
        let entered = self.jumps.get(entered).is_some_and(|(to, _)| *to < lines.end);
        instr.op != Op::Jmp && !entered && lines.clone().all(|at| self.is_harmless(branch, lines.start, at))
    }

    fn is_harmless(&self, branch: u32, first: u32, at: u32) -> bool {
        let Some((line, instr)) = self.line(at) else { return false };
        if line.kind != Kind::Plain || !self.places(line, instr) {
            return false;
        }
        match instr.op {
            Op::LdX => self.index_was_used(branch, first, at, [1, 2, 3]),
            Op::StX => self.index_was_used(branch, first, at, [0, 1, 2]),
            Op::LdBit | Op::StBit => true,
            op => is_cheap(op, instr.ty, instr),
        }
    }

    /// Are all its operands found without following a reference?
    fn places(&self, line: Line, instr: &Instr) -> bool {
        let named = |(word, role)| match role {
            Role::Read(_) | Role::Write(_) | Role::ReadImageByte | Role::WriteImageByte => {
                self.place(line, instr, word)
            }
            Role::ReadBase(_) | Role::WriteBase(_) => self.place(line, instr, word),
            _ => Some(Place::At(0)),
        };
        let mut places = instr.op.roles().into_iter().enumerate().map(named);
        places.all(|place| place.and_then(key_of).is_some())
    }

    fn place(&self, line: Line, instr: &Instr, word: usize) -> Option<Place> {
        Some(self.program.place(*self.flat.scopes.get(line.scope as usize)?, instr.operand(word)))
    }

    /// Was the element of this line (words of its base, index and row) reached on the way to the branch, by an index that
    /// is unchanged since?
    fn index_was_used(&self, branch: u32, first: u32, at: u32, [base, index, row]: [usize; 3]) -> bool {
        let Some((line, instr)) = self.line(at) else { return false };
        let name = |line: Line, instr: &Instr, [base, index, row]: [usize; 3]| {
            Some((self.place(line, instr, base)?, self.place(line, instr, index)?, instr.operand(row).0))
        };
        let wanted = name(line, instr, [base, index, row]);
        let Some(key) = self.place(line, instr, index).and_then(key_of) else { return false };
        let changes = |at: u32| {
            let Some((line, instr)) = self.line(at) else { return true };
            let mut changes = line.kind != Kind::Plain || instr.op == Op::Copy;
            accesses(self.program, self.flat, line, instr, |reach, ty, writes| {
                changes |= writes && may_touch(self.program, reach, ty, key, ScalarType::I32);
            });
            changes
        };
        if (first..at).any(changes) {
            return false;
        }
        for before in (branch.saturating_sub(LOOK_BACK)..branch).rev() {
            let Some((line, instr)) = self.line(before) else { return false };
            let entered = self.jumps.binary_search_by_key(&(before + 1), |(to, _)| *to).is_ok();
            if entered {
                return false;
            }
            let found = match instr.op {
                Op::LdX => name(line, instr, [1, 2, 3]),
                Op::StX => name(line, instr, [0, 1, 2]),
                _ => None,
            };
            // What the same line reads and then overwrites would be another index.
            if changes(before) {
                return false;
            }
            if found.is_some() && found == wanted {
                return true;
            }
        }
        false
    }
}

/// Is it a few machine instructions that cannot trap?
fn is_cheap(op: Op, ty: ScalarType, instr: &Instr) -> bool {
    let from_float = instr.role_type(bytecode::isa::Ty::Extra).is_some_and(ScalarType::is_float);
    match op {
        Op::Mov | Op::Sel | Op::Not | Op::And | Op::Or | Op::Xor | Op::AndNot | Op::OrNot => true,
        Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Gt | Op::Ge => true,
        Op::Add | Op::Sub | Op::Mul | Op::Neg | Op::Abs | Op::Min | Op::Max => true,
        Op::Shl | Op::Shr | Op::Rol | Op::Ror => true,
        Op::Cvt => !from_float && !ty.is_float(),
        _ => false,
    }
}
