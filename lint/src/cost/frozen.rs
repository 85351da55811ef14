//! What no instruction ever writes: it has its initial value in every scan.
//!
//! Found without regard to the order of instructions: whatever a reference may be bound to, and every element an indexed call may
//! reach, counts as written. So do the process image, what is kept across restarts, and what the caller names.

use super::range::Range;
use bytecode::image::{Access, Image};
use bytecode::isa::Role;
use bytecode::scalar::Scalar as _;
use bytecode::{Instr, Op, Operand, ScalarType, Window};
use std::collections::HashSet;

/// The initial data, and which bytes of it can change.
#[derive(Clone, Debug)]
pub struct Frozen {
    initial: Vec<u8>,
    written: Vec<bool>,
}

impl Frozen {
    /// Looks at all code. `open` are ranges of bytes that somebody else may write: offset and length.
    #[must_use]
    pub fn of(image: &Image, open: &[(u32, u32)]) -> Self {
        let initial = image.initial_data();
        let mut frozen = Self { written: vec![false; initial.len()], initial };
        frozen.mark(0, image.data.process_image_bytes());
        open.iter().for_each(|(offset, bytes)| frozen.mark(*offset, *bytes));
        match bytecode::retained(image) {
            Ok(slots) => slots.iter().for_each(|slot| frozen.mark(slot.offset(), slot.size)),
            Err(_) => frozen.written.fill(true),
        }
        // Bodies with the instance they run on; `None` where that is marked as a whole.
        let mut seen = HashSet::new();
        let mut next: Vec<(u32, Option<u32>)> = image.programs.iter().map(|p| (p.pou.0, Some(p.offset))).collect();
        while let Some((pou, own)) = next.pop() {
            if !seen.insert((pou, own)) {
                continue;
            }
            let Some(body) = image.pous.get(pou as usize) else { continue };
            for instr in image.code.get(body.entry as usize..body.end as usize).unwrap_or_default() {
                frozen.instruction(image, instr, own);
                next.extend(callee(instr, own));
            }
        }
        frozen
    }

    /// The value of a scalar that never changes.
    #[must_use]
    pub fn value(&self, offset: u32, ty: ScalarType) -> Option<Range> {
        let (from, to) = (offset as usize, offset as usize + ty.size() as usize);
        if self.written.get(from..to)?.contains(&true) {
            return None;
        }
        constant(self.initial.get(from..to)?, ty)
    }

    fn mark(&mut self, offset: u32, bytes: u32) {
        let (from, to) = (offset as usize, (offset as usize).saturating_add(bytes as usize).min(self.written.len()));
        if let Some(range) = self.written.get_mut(from..to) {
            range.fill(true);
        }
    }

    fn mark_operand(&mut self, operand: Operand, own: Option<u32>, bytes: u32) {
        if let Some(at) = offset(operand, own) {
            self.mark(at, bytes);
        }
    }

    fn instruction(&mut self, image: &Image, instr: &Instr, own: Option<u32>) {
        let type_bytes = |ty: u32| image.types.get(ty as usize).map_or(u32::MAX, |t| t.size);
        let row = |word: usize| image.accesses.get(instr.operand(word).0 as usize).map_or(u32::MAX, reach);
        match instr.op {
            Op::StX => self.mark_operand(instr.operand(0), own, row(2)),
            Op::Copy => self.mark_operand(instr.operand(0), own, type_bytes(instr.operand(2).0)),
            Op::Bind => {
                let pou = image.pous.get(instr.operand(0).0 as usize);
                let ty = pou.and_then(|p| p.references.get(instr.operand(1).0 as usize));
                self.mark_operand(instr.operand(2), own, ty.map_or(u32::MAX, |ty| type_bytes(ty.0)));
            }
            Op::BindX | Op::CallX => self.mark_operand(instr.operand(1), own, row(3)),
            _ => {
                for (role, word) in instr.op.roles().into_iter().zip(0..) {
                    if let Role::Write(ty) = role {
                        let bytes = instr.role_type(ty).map_or(8, ScalarType::size);
                        self.mark_operand(instr.operand(word), own, bytes);
                    }
                }
            }
        }
    }
}

/// Bytes from the first element to the end of the last.
fn reach(row: &Access) -> u32 {
    row.count.saturating_mul(row.stride)
}

/// Where an operand stands; `None` for constants, and where the whole it belongs to is marked.
fn offset(operand: Operand, own: Option<u32>) -> Option<u32> {
    match operand.window()? {
        Window::Data => Some(operand.offset()),
        Window::Own => own.map(|own| own.saturating_add(operand.offset())),
        Window::Const | Window::Ref => None,
    }
}

/// The body an instruction calls, with its instance.
fn callee(instr: &Instr, own: Option<u32>) -> Option<(u32, Option<u32>)> {
    match instr.op {
        Op::Call | Op::CallX => Some((instr.operand(0).0, None)),
        Op::CallI => Some((instr.operand(0).0, offset(instr.operand(1), own))),
        _ => None,
    }
}

/// A scalar from its bytes; `None` for REAL numbers.
#[must_use]
pub fn constant(bytes: &[u8], ty: ScalarType) -> Option<Range> {
    if ty.is_float() || bytes.len() < ty.size() as usize {
        return None;
    }
    let bits = u64::load(bytes.get(..ty.size() as usize)?);
    if ty == ScalarType::Bool {
        return Some(Range::exactly(i128::from(bits != 0)));
    }
    // An interval of one number, wrapped into the type, is that number with its sign.
    Some(Range::exactly(i128::from(bits)).wrapped(ty))
}
