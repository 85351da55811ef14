//! Counting loops several turns at a time: which loops can, and what of a turn has to be done.
//!
//! A region is *wide* where it counts one resident up by one, is a single block, and all that one turn leaves for another
//! is what it stores in arrays, each turn in its own elements. Then as many turns as a vector register has lanes run at
//! once, in code before the loop; the last turns are left to the loop itself, at least one, so that residents hold in the
//! end what they should without further ado. Lanes are computed by the same operations, so results are the
//! same to the bit.
//!
//! Only lines whose results reach an element are *wanted* there. A line that could trap makes the whole region narrow.

use super::cache::{Key, Reach, apart};
use super::flat::{Flat, Kind, Line, Place, Program};
use super::lines::{accesses, instr_at, key_of, may_trap, place, range};
use super::plan::{Plan, Region};
use super::ranges::{Counted, Right};
use crate::vm::eval::is_pure;
use bytecode::isa::{Role, Ty};
use bytecode::{Instr, Op, ScalarType};

/// Lines of a turn, at most: more would not stay in registers.
const LINES_MAX: u32 = 32;

/// What a turn charges, at most: times the most turns there are, still a number of 64 bits.
const UNITS_MAX: u32 = 1 << 16;

/// Bytes of a vector register that every machine of its kind has.
pub(super) const VECTOR_BYTES: u32 = 16;

/// How a region runs several turns at a time.
#[derive(Clone, Debug)]
pub(super) struct Wide {
    /// What counts the turns.
    pub(super) counter: Key,
    pub(super) counter_ty: ScalarType,
    /// What holds its number as an index: itself, or conversions of it.
    pub(super) indices: Vec<Key>,
    /// The loop goes on while the counter, after counting on, is below this, or at most this.
    pub(super) at_most: bool,
    pub(super) limit: Right,
    /// Turns at a time.
    pub(super) lanes: u32,
    /// What one turn charges.
    pub(super) units: u32,
    /// Lines whose results reach an element, in order.
    pub(super) wanted: Vec<u32>,
}

/// Finds out whether a region is wide.
pub(super) fn find(program: &Program<'_>, flat: &Flat, plan: &Plan, region: &Region) -> Option<Wide> {
    let last = region.lines.end.checked_sub(1)?;
    if !machine_has_vectors() {
        return None;
    }
    let single = region.lines.clone().skip(1).all(|at| !plan.is_leader(at));
    if !single || region.lines.end - region.lines.start > LINES_MAX {
        return None;
    }
    let Counted { key: counter, ty: counter_ty, op, right: limit } = plan.counted(last)?;
    if counter_ty.size() > 4 || counter_ty == ScalarType::U32 {
        return None;
    }
    let (line, instr) = instr_at(program, flat, last)?;
    if instr.op != Op::Jt || !matches!(line.kind, Kind::Branch(to) if to == region.lines.start) {
        return None;
    }
    let at_most = match op {
        Op::Lt => false,
        Op::Le => true,
        _ => return None,
    };
    let mut search = Search { program, flat, plan, region, counter, counter_ty, indices: Vec::new() };
    search.find_indices();
    if let Right::Resident(key) = limit
        && region.residents.iter().any(|r| r.key == key && r.written)
    {
        return None;
    }
    search.turns_are_apart()?;
    let (wanted, size) = search.wanted()?;
    let units = search.units().filter(|units| *units <= UNITS_MAX)?;
    let indices = search.indices;
    Some(Wide { counter, counter_ty, indices, at_most, limit, lanes: VECTOR_BYTES / size, units, wanted })
}

/// Does every instruction used here exist on this machine, as one or a few of its own?
fn machine_has_vectors() -> bool {
    #[cfg(target_arch = "x86_64")]
    let has = std::is_x86_feature_detected!("sse4.1");
    #[cfg(not(target_arch = "x86_64"))]
    let has = cfg!(target_arch = "aarch64");
    has
}

struct Search<'a> {
    program: &'a Program<'a>,
    flat: &'a Flat,
    plan: &'a Plan,
    region: &'a Region,
    counter: Key,
    counter_ty: ScalarType,
    indices: Vec<Key>,
}

impl<'a> Search<'a> {
    fn lines(&self) -> impl DoubleEndedIterator<Item = (u32, Line, &'a Instr)> + '_ {
        let body = self.region.lines.start..self.region.lines.end - 1;
        body.filter_map(|at| instr_at(self.program, self.flat, at).map(|(line, instr)| (at, line, instr)))
    }

    fn units(&self) -> Option<u32> {
        let mut charges = self.lines().filter(|(_, _, instr)| instr.op == Op::Charge);
        charges.try_fold(0_u32, |sum, (_, _, instr)| sum.checked_add(*instr.w.first()?))
    }

    fn counts(&self, line: Line, instr: &Instr) -> bool {
        let operand = |word| place(self.program, self.flat, line, instr, word).and_then(key_of);
        instr.op == Op::Add
            && instr.ty == self.counter_ty
            && operand(0) == Some(self.counter)
            && operand(1) == Some(self.counter)
            && self.is_one(instr)
    }

    fn is_one(&self, instr: &Instr) -> bool {
        let operand = instr.operand(2);
        let one = 1_u32.to_le_bytes();
        let one = one.get(..self.counter_ty.size() as usize).unwrap_or(&one);
        let bytes = self.program.image.constants.bytes.get(operand.offset() as usize..);
        operand.window() == Some(bytecode::Window::Const) && bytes.is_some_and(|b| b.starts_with(one))
    }

    /// Finds what holds the counter's number as an index: written once in a turn, before the counter counts on.
    fn find_indices(&mut self) {
        let mut found: Vec<Key> = Vec::new();
        for (_, line, instr) in self.lines() {
            if self.counts(line, instr) {
                break;
            }
            found.extend(self.converts(line, instr));
        }
        let times = |key: Key| self.lines().filter(|(_, line, instr)| self.written(*line, instr) == Some(key)).count();
        found.retain(|key| times(*key) == 1);
        if self.counter_ty == ScalarType::I32 {
            found.push(self.counter);
        }
        self.indices = found;
    }

    /// What a line makes an index of the counter's number.
    fn converts(&self, line: Line, instr: &Instr) -> Option<Key> {
        let operand = |word| place(self.program, self.flat, line, instr, word).and_then(key_of);
        let from = instr.role_type(Ty::Extra);
        let converts = instr.op == Op::Cvt && instr.ty == ScalarType::I32 && from == Some(self.counter_ty);
        operand(0).filter(|_| converts && operand(1) == Some(self.counter))
    }

    /// Does no turn see what another one did, but for the counter? Nothing may trap, either.
    fn turns_are_apart(&self) -> Option<()> {
        let mut written: Vec<Key> = Vec::new();
        let mut counted = false;
        for (at, line, instr) in self.lines() {
            let known = is_pure(instr.op) || matches!(instr.op, Op::Charge | Op::LdX | Op::StX);
            let indexed = matches!(instr.op, Op::LdX | Op::StX);
            let safe = if indexed { self.plan.is_proved(at) } else { !may_trap(self.program, self.flat, line, instr) };
            if line.kind != Kind::Plain || !known || !safe || self.plan.is_conditional(at) {
                return None;
            }
            if self.counts(line, instr) {
                if std::mem::replace(&mut counted, true) {
                    return None;
                }
                continue;
            }
            let mut apart = true;
            accesses(self.program, self.flat, line, instr, |reach, _, writes| {
                let Reach::Scalar(key) = reach else { return };
                let resident = self.region.residents.iter().find(|r| r.key == key);
                let constant = !key.own && key.at as usize >= self.program.layout.constants_at;
                apart &= match resident {
                    _ if writes && key == self.counter => false,
                    // Read before it is written: of the turn before, unless nothing writes it.
                    Some(resident) if !writes => key == self.counter || !resident.written || written.contains(&key),
                    Some(_) => true,
                    None => constant,
                };
            });
            if !apart {
                return None;
            }
            if let Some(key) = self.written(line, instr) {
                written.push(key);
            }
        }
        self.elements_are_apart().filter(|()| counted)
    }

    fn written(&self, line: Line, instr: &Instr) -> Option<Key> {
        let by_name = matches!(instr.op.roles(), [Role::Write(_), ..]);
        place(self.program, self.flat, line, instr, 0).and_then(key_of).filter(|_| by_name)
    }

    /// Base, row and reach of the elements of an indexed line, where the counter is the index and elements stand side by
    /// side.
    fn elements(&self, line: Line, instr: &Instr) -> Option<(Place, u32, Reach)> {
        let [base, index, row] = if instr.op == Op::LdX { [1, 2, 3] } else { [0, 1, 2] };
        let at = |word| place(self.program, self.flat, line, instr, word);
        let number = instr.operand(row).0;
        let stride = self.program.image.accesses.get(number as usize)?.stride;
        let by_number = at(index).and_then(key_of).is_some_and(|key| self.indices.contains(&key));
        let side_by_side = stride == instr.ty.size() && by_number;
        side_by_side.then_some((at(base)?, number, range(self.program, self.flat, line, instr, base, row)))
    }

    /// Are the arrays that are written either the same as another one that is used, element by element, or quite
    /// another?
    fn elements_are_apart(&self) -> Option<()> {
        let mut used: Vec<(Place, u32, Reach, bool)> = Vec::new();
        for (_, line, instr) in self.lines().filter(|(_, _, instr)| matches!(instr.op, Op::LdX | Op::StX)) {
            let (base, row, reach) = self.elements(line, instr)?;
            key_of(base)?;
            used.push((base, row, reach, instr.op == Op::StX));
        }
        let fits = |a: &(Place, u32, Reach, bool), b: &(Place, u32, Reach, bool)| {
            let same = a.0 == b.0 && a.1 == b.1;
            same || apart(a.2, b.2) || !(a.3 || b.3)
        };
        used.iter().all(|a| used.iter().all(|b| fits(a, b))).then_some(())
    }

    /// The wanted lines, and the size that all their scalars have.
    fn wanted(&self) -> Option<(Vec<u32>, u32)> {
        let mut needed: Vec<Key> = Vec::new();
        let mut wanted = Vec::new();
        let mut size = None;
        let mut after_counting = true;
        for (at, line, instr) in self.lines().rev() {
            if self.counts(line, instr) {
                after_counting = false;
                continue;
            }
            let to = self.written(line, instr).filter(|key| !self.indices.contains(key));
            let position = to.and_then(|to| needed.iter().position(|key| *key == to));
            if instr.op != Op::StX && position.is_none() {
                continue;
            }
            if let Some(position) = position {
                needed.swap_remove(position);
            }
            let ty = instr.ty;
            if *size.get_or_insert(ty.size()) != ty.size() || !self.has_lanes(line, instr) {
                return None;
            }
            let mut counter_read = false;
            accesses(self.program, self.flat, line, instr, |reach, _, writes| {
                let Reach::Scalar(key) = reach else { return };
                if !writes && (key == self.counter || self.indices.contains(&key)) {
                    counter_read |= key == self.counter;
                } else if !writes && !needed.contains(&key) {
                    needed.push(key);
                }
            });
            // A counter that is counted on already would be another number.
            if counter_read && after_counting {
                return None;
            }
            wanted.push(at);
        }
        wanted.reverse();
        Some((wanted, size?)).filter(|(_, size)| *size <= 8)
    }

    /// Can the line be done on lanes, all scalars of its own size? The counter's number has a vector of its own, of 32 bits.
    fn has_lanes(&self, line: Line, instr: &Instr) -> bool {
        let ty = instr.ty;
        if instr.op == Op::Cvt {
            let from = instr.role_type(Ty::Extra);
            let source = place(self.program, self.flat, line, instr, 1).and_then(key_of);
            let of_counter = source == Some(self.counter) && from == Some(self.counter_ty);
            return ty == ScalarType::F32 && (of_counter || from == Some(ScalarType::I32));
        }
        if self.reads_number(line, instr) && (ty.size() != 4 || self.counter_ty != ScalarType::I32) {
            return false;
        }
        match instr.op {
            Op::LdX | Op::StX | Op::Mov => true,
            Op::Add | Op::Sub if !ty.is_float() => ty.is_int(),
            Op::Mul if !ty.is_float() => {
                matches!(ty, ScalarType::I16 | ScalarType::U16 | ScalarType::I32 | ScalarType::U32)
            }
            Op::And | Op::Or | Op::Xor | Op::Not | Op::AndNot => !ty.is_float(),
            Op::Add | Op::Sub | Op::Mul | Op::Div | Op::Neg | Op::Abs | Op::Sqrt | Op::Min | Op::Max => ty.is_float(),
            _ => false,
        }
    }

    /// Does it read the counter's number otherwise than as an index?
    fn reads_number(&self, line: Line, instr: &Instr) -> bool {
        let index = match instr.op {
            Op::LdX => Some(2),
            Op::StX => Some(1),
            _ => None,
        };
        instr.op.roles().into_iter().enumerate().any(|(word, role)| {
            let key = place(self.program, self.flat, line, instr, word).and_then(key_of);
            let number = key.is_some_and(|key| key == self.counter || self.indices.contains(&key));
            matches!(role, Role::Read(_)) && Some(word) != index && number
        })
    }
}
