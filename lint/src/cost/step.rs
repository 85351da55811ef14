//! What one instruction does to what is known. Branches and calls are the walk's.

use super::frozen::{Frozen, constant};
use super::range::{Operands, Range, opposite, refined, result};
use super::store::{Compared, Place, State};
use bytecode::image::{Access, Image};
use bytecode::isa::Role;
use bytecode::{Instr, Op, Operand, ScalarType, Window};

/// Elements looked at one by one; of larger arrays nothing is known where the index is not.
const ELEMENTS_MAX: i128 = 256;
/// Bytes of a copy whose scalars are followed.
const COPY_MAX: u32 = 4096;

/// What holds for every instruction of a body.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// The image.
    pub image: &'a Image,
    /// What never changes.
    pub frozen: &'a Frozen,
    /// The body.
    pub pou: u32,
    /// The instance it works on.
    pub own: Place,
}

impl Scope<'_> {
    /// Where an operand stands.
    #[must_use]
    pub fn place(&self, state: &State, operand: Operand) -> Place {
        match operand.window() {
            Some(Window::Data) => Place::At(operand.offset()),
            Some(Window::Const) => Place::Constant(operand.offset()),
            Some(Window::Own) => self.own.plus(operand.offset()),
            Some(Window::Ref) => state.reference(self.pou, u32::from(operand.reference())).plus(operand.offset()),
            None => Place::Anywhere,
        }
    }

    /// What a scalar can be.
    #[must_use]
    pub fn read(&self, state: &State, place: Place, ty: ScalarType) -> Range {
        let full = Range::of(ty);
        match place {
            Place::Constant(offset) => {
                let bytes = self.image.constants.bytes.get(offset as usize..).unwrap_or_default();
                constant(bytes, ty).unwrap_or(full)
            }
            Place::At(offset) => {
                let known = state.store.get(offset).or_else(|| self.frozen.value(offset, ty));
                known.and_then(|range| range.meet(full)).unwrap_or(full)
            }
            Place::Within(..) | Place::Anywhere => full,
        }
    }

    /// What an operand can be.
    #[must_use]
    pub fn operand(&self, state: &State, operand: Operand, ty: ScalarType) -> Range {
        self.read(state, self.place(state, operand), ty)
    }

    fn write(&self, state: &mut State, place: Place, ty: ScalarType, range: Range) {
        match place {
            // The process image is bytes that overlap: nothing is remembered of it.
            Place::At(offset) if offset < self.image.data.process_image_bytes() => state.set(offset, None),
            Place::At(offset) => state.set(offset, (range != Range::of(ty)).then_some(range)),
            Place::Within(..) | Place::Anywhere | Place::Constant(_) => state.forget(place, ty.size()),
        }
    }

    fn row(&self, index: u32) -> Option<Access> {
        self.image.accesses.get(index as usize).copied()
    }

    /// Indices that stay inside their array: others trap, and a trap ends the program.
    fn index(&self, state: &State, operand: Operand, row: &Access) -> Range {
        let index = self.operand(state, operand, ScalarType::I32);
        let bounds = Range::new(i128::from(row.lower), i128::from(row.lower) + i128::from(row.count) - 1);
        index.meet(bounds).unwrap_or(bounds)
    }

    /// Where the element of an index stands.
    #[must_use]
    pub fn element(&self, state: &State, base: Operand, index: Operand, access: u32) -> Place {
        let Some(row) = self.row(access) else { return Place::Anywhere };
        let base = self.place(state, base);
        match (self.index(state, index, &row).only(), base) {
            (Some(number), _) => base.plus(bytes_to(&row, number)),
            (None, Place::At(from)) => Place::Within(from, from.saturating_add(row.count.saturating_mul(row.stride))),
            (None, other) => other,
        }
    }

    /// Does what an instruction does that neither branches nor calls.
    pub fn step(&self, state: &mut State, instr: &Instr) {
        match instr.op {
            Op::LdBit => {
                let to = self.place(state, instr.operand(0));
                self.write(state, to, ScalarType::Bool, Range::BOOL);
            }
            Op::StBit | Op::Charge => {}
            Op::LdX => self.load_element(state, instr),
            Op::StX => self.store_element(state, instr),
            Op::Bound => self.bound(state, instr),
            Op::Copy => self.copy(state, instr),
            Op::Time => {
                let to = self.place(state, instr.operand(0));
                self.write(state, to, ScalarType::I64, Range::of(ScalarType::I64));
            }
            Op::Bind => {
                let place = self.place(state, instr.operand(2));
                state.bind(instr.operand(0).0, instr.operand(1).0, place);
            }
            Op::BindX => {
                let place = self.element(state, instr.operand(1), instr.operand(2), instr.operand(3).0);
                state.bind(self.pou, instr.operand(0).0, place);
            }
            _ => self.calculate(state, instr),
        }
    }

    fn calculate(&self, state: &mut State, instr: &Instr) {
        let mut operands = Operands { from: instr.role_type(bytecode::isa::Ty::Extra), values: [Range::ANY; 3] };
        let mut sides = [Place::Anywhere; 3];
        let mut to = (Place::Anywhere, ScalarType::Bool);
        let mut slots = operands.values.iter_mut().zip(&mut sides);
        for (role, word) in instr.op.roles().into_iter().zip(0..) {
            let place = self.place(state, instr.operand(word));
            match role {
                Role::Write(ty) => to = (place, instr.role_type(ty).unwrap_or(ScalarType::Bool)),
                Role::Read(ty) => {
                    if let Some(((value, side), ty)) = slots.next().zip(instr.role_type(ty)) {
                        *value = self.read(state, place, ty);
                        *side = place;
                    }
                }
                _ => {}
            }
        }
        let range = result(instr, &operands);
        self.write(state, to.0, to.1, range);
        let [a, b, _] = sides;
        let compares = matches!(instr.op, Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Gt | Op::Ge) && !instr.ty.is_float();
        if let (true, Place::At(result)) = (compares, to.0)
            && ![a, b].contains(&to.0)
        {
            state.compared = Some(Compared { result, op: instr.op, ty: instr.ty, sides: [a, b] });
        }
    }

    fn load_element(&self, state: &mut State, instr: &Instr) {
        let full = Range::of(instr.ty);
        let access = instr.operand(3).0;
        let range = match (self.row(access), self.place(state, instr.operand(1))) {
            (Some(row), base @ (Place::At(_) | Place::Constant(_))) => {
                let index = self.index(state, instr.operand(2), &row);
                if index.high - index.low < ELEMENTS_MAX {
                    let elements =
                        (index.low..=index.high).map(|n| self.read(state, base.plus(bytes_to(&row, n)), instr.ty));
                    elements.reduce(Range::join).unwrap_or(full)
                } else {
                    full
                }
            }
            _ => full,
        };
        let to = self.place(state, instr.operand(0));
        self.write(state, to, instr.ty, range);
    }

    fn store_element(&self, state: &mut State, instr: &Instr) {
        let range = self.operand(state, instr.operand(3), instr.ty);
        let access = instr.operand(2).0;
        match self.element(state, instr.operand(0), instr.operand(1), access) {
            Place::At(offset) => self.write(state, Place::At(offset), instr.ty, range),
            elsewhere => {
                let Some((row, Place::At(base))) = self.row(access).zip(Some(self.place(state, instr.operand(0))))
                else {
                    return state.forget(elsewhere, instr.ty.size());
                };
                let index = self.index(state, instr.operand(1), &row);
                if index.high - index.low >= ELEMENTS_MAX {
                    return state.forget(elsewhere, instr.ty.size());
                }
                for number in index.low..=index.high {
                    let place = Place::At(base).plus(bytes_to(&row, number));
                    let either = self.read(state, place, instr.ty).join(range);
                    self.write(state, place, instr.ty, either);
                }
            }
        }
    }

    fn bound(&self, state: &mut State, instr: &Instr) {
        let number = |word: usize| i128::from(instr.operand(word).0.cast_signed());
        let (lower, upper) = (number(2), number(3));
        let inside = Range::new(lower, upper);
        let index = self.operand(state, instr.operand(1), instr.ty).meet(inside).unwrap_or(inside);
        let to = self.place(state, instr.operand(0));
        self.write(
            state,
            to,
            ScalarType::I32,
            Range::new(index.low - lower, index.high - lower).wrapped(ScalarType::I32),
        );
    }

    fn copy(&self, state: &mut State, instr: &Instr) {
        let bytes = self.image.types.get(instr.operand(2).0 as usize).map_or(0, |t| t.size);
        let (to, from) = (self.place(state, instr.operand(0)), self.place(state, instr.operand(1)));
        let cells = match (to, from) {
            // Only what was written is followed; what never changes is read by its type, which a copy does not know.
            (Place::At(_), Place::At(from)) if bytes <= COPY_MAX => {
                Some((0..bytes).map(|n| state.store.get(from.saturating_add(n))).collect::<Vec<_>>())
            }
            _ => None,
        };
        state.forget(to, bytes);
        if let (Some(cells), Place::At(to)) = (cells, to) {
            for (cell, n) in cells.into_iter().zip(0..) {
                if cell.is_some() {
                    state.set(to.saturating_add(n), cell);
                }
            }
        }
    }

    /// What is known once a condition has turned out so.
    pub fn decided(&self, state: &mut State, condition: Operand, holds: bool) {
        let Place::At(at) = self.place(state, condition) else { return };
        if let Some(Compared { result, op, ty, sides: [a, b] }) = state.compared
            && result == at
        {
            let op = if holds { op } else { opposite(op) };
            if let Some((left, right)) = refined(op, self.read(state, a, ty), self.read(state, b, ty)) {
                for (place, range) in [(a, left), (b, right)] {
                    if let Place::At(offset) = place
                        && offset >= self.image.data.process_image_bytes()
                    {
                        state.store.set(offset, Some(range));
                    }
                }
            }
        }
        if at >= self.image.data.process_image_bytes() {
            state.store.set(at, Some(Range::exactly(i128::from(holds))));
        }
    }
}

/// Bytes from the first element to that of an index, which is inside.
fn bytes_to(row: &Access, index: i128) -> u32 {
    let number = u32::try_from(index - i128::from(row.lower)).unwrap_or(0);
    number.saturating_mul(row.stride)
}
