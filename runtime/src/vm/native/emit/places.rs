//! Where operands stand: addresses, references, elements of arrays with their checks, and what is known of elements.

use super::super::abi::Record;
use super::super::cache::{Datum, Key, Reach};
use super::super::flat::Place;
use super::super::lines::key_of;
use super::{Defect, ELEMENTS_MAX, Element, ElementName, Emit, field, flags};
use crate::vm::references::UNBOUND;
use crate::vm::trap::TrapCode;
use bytecode::scalar::Scalar;
use bytecode::{Instr, Operand, ScalarType};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use std::mem::offset_of;

impl Emit<'_, '_> {
    pub(in super::super) fn operand_place(&self, instr: &Instr, word: usize) -> Place {
        self.operand_place_of(instr.operand(word))
    }

    pub(super) fn operand_place_of(&self, operand: Operand) -> Place {
        self.program.place(self.scope, operand)
    }

    pub(super) fn pointer(&self, key: Key) -> (Value, i32) {
        (if key.own { self.own } else { self.base }, i32::try_from(key.at).unwrap_or(i32::MAX))
    }

    /// The address behind a reference; one that is not bound traps.
    pub(super) fn behind(&mut self, slot: u32, number: u32) -> Value {
        if let Some((_, address)) = self.references.iter().find(|r| r.0 == slot) {
            return *address;
        }
        let table = self.b.ins().load(types::I64, flags(), self.record, field(offset_of!(Record, references)));
        let at = i32::try_from(slot).unwrap_or(0).saturating_mul(4);
        let offset = self.b.ins().load(types::I32, flags(), table, at);
        let unbound = self.b.ins().iconst(types::I32, i64::from(UNBOUND));
        let unbound = self.b.ins().icmp(IntCC::Equal, offset, unbound);
        self.trap_if(unbound, TrapCode::UnboundReference, |e| e.b.ins().iconst(types::I64, i64::from(number)));
        let offset = self.b.ins().uextend(types::I64, offset);
        let address = self.b.ins().iadd(self.base, offset);
        self.references.push((slot, address));
        address
    }

    /// The address of a place.
    pub(in super::super) fn address(&mut self, place: Place) -> Result<Value, Defect> {
        let (base, offset) = match place {
            Place::At(_) | Place::Own(_) => self.pointer(key_of(place).ok_or(Defect)?),
            Place::Behind { slot, number, offset } => {
                (self.behind(slot, number), i32::try_from(offset).map_err(|_| Defect)?)
            }
        };
        Ok(self.plus(base, i64::from(offset)))
    }

    pub(super) fn plus(&mut self, base: Value, offset: i64) -> Value {
        if offset == 0 {
            return base;
        }
        let offset = self.b.ins().iconst(types::I64, offset);
        self.b.ins().iadd(base, offset)
    }

    /// Points a reference at an address.
    pub(in super::super) fn bind(&mut self, slot: u32, address: Value) {
        let offset = self.b.ins().isub(address, self.base);
        let offset = self.b.ins().ireduce(types::I32, offset);
        let table = self.b.ins().load(types::I64, flags(), self.record, field(offset_of!(Record, references)));
        let at = i32::try_from(slot).unwrap_or(0).saturating_mul(4);
        self.b.ins().store(flags(), offset, table, at);
        self.references.retain(|r| r.0 != slot);
        self.references.push((slot, address));
        self.elements.retain(|e| !matches!(e.name.base, Place::Behind { .. }));
    }

    pub(in super::super) fn reference_slot(&self, pou: Option<u32>, reference: u32) -> u32 {
        self.program.reference(pou.unwrap_or(self.scope.pou), reference)
    }

    /// The address of an indexed operation's element, after its index was read and checked.
    pub(in super::super) fn indexed(
        &mut self,
        instr: &Instr,
        base: usize,
        index: usize,
        access: usize,
    ) -> Result<Value, Defect> {
        let index = self.read(instr, index, ScalarType::I32)?;
        let (address, offset) = self.element(instr, base, index, access)?;
        Ok(self.plus(address, i64::from(offset)))
    }

    /// The same as an address and an offset from it.
    pub(in super::super) fn element(
        &mut self,
        instr: &Instr,
        base: usize,
        index: Datum,
        access: usize,
    ) -> Result<(Value, i32), Defect> {
        let row = *self.program.image.accesses.get(instr.operand(access).0 as usize).ok_or(Defect)?;
        let (pointer, offset) = match self.operand_place(instr, base) {
            Place::Behind { slot, number, offset } => {
                (self.behind(slot, number), i32::try_from(offset).map_err(|_| Defect)?)
            }
            place @ (Place::At(_) | Place::Own(_)) => self.pointer(key_of(place).ok_or(Defect)?),
        };
        if let Datum::Const(bits) = index {
            let number = i64::from(<i32 as Scalar>::from_bits(bits)) - i64::from(row.lower);
            if (0..i64::from(row.count)).contains(&number) {
                let offset = i64::from(offset) + number * i64::from(row.stride);
                return Ok((pointer, i32::try_from(offset).map_err(|_| Defect)?));
            }
        }
        let index = self.value(index, ScalarType::I32);
        // Indices of verified rows fit 32 bits: modulo 2^32 none outside comes to lie inside.
        let number = if row.lower == 0 {
            index
        } else {
            let lower = self.b.ins().iconst(types::I32, i64::from(row.lower.cast_unsigned()));
            self.b.ins().isub(index, lower)
        };
        if !self.plan.is_proved(self.at) {
            let count = self.b.ins().iconst(types::I32, i64::from(row.count));
            let outside = self.b.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, number, count);
            self.trap_if(outside, TrapCode::IndexOutOfBounds, |e| e.b.ins().sextend(types::I64, index));
        }
        let number = self.widened(number);
        let bytes = if row.stride.is_power_of_two() {
            let shift = self.b.ins().iconst(types::I64, i64::from(row.stride.trailing_zeros()));
            if row.stride == 1 { number } else { self.b.ins().ishl(number, shift) }
        } else {
            let stride = self.b.ins().iconst(types::I64, i64::from(row.stride));
            self.b.ins().imul(number, stride)
        };
        Ok((self.b.ins().iadd(pointer, bytes), offset))
    }

    /// A number of 32 bits as one of 64; made once in a block.
    pub(super) fn widened(&mut self, number: Value) -> Value {
        if let Some((_, wide)) = self.wide.iter().find(|(narrow, _)| *narrow == number) {
            return *wide;
        }
        let wide = self.b.ins().uextend(types::I64, number);
        self.wide.push((number, wide));
        wide
    }

    pub(in super::super) fn element_name(
        &self,
        instr: &Instr,
        base: usize,
        index: Datum,
        access: usize,
    ) -> ElementName {
        ElementName { base: self.operand_place(instr, base), access: instr.operand(access).0, index, ty: instr.ty }
    }

    /// What is known of an element.
    pub(in super::super) fn element_value(&self, name: ElementName) -> Option<Datum> {
        self.elements.iter().rev().find(|e| e.name == name).map(|e| e.datum)
    }

    pub(in super::super) fn remember_element(&mut self, name: ElementName, reach: Reach, datum: Datum) {
        if self.elements.len() == ELEMENTS_MAX {
            self.elements.remove(0);
        }
        self.elements.push(Element { name, reach, datum });
    }

    /// A sum of 32 bits: elements by it and by what was added to are different ones, whatever wraps.
    pub(in super::super) fn remember_sum(&mut self, sum: Value, to: Value, number: i32) {
        let (root, before) = self.root(to);
        self.sums.push((sum, root, before.wrapping_add(i64::from(number))));
    }

    fn root(&self, value: Value) -> (Value, i64) {
        self.sums.iter().find(|(sum, ..)| *sum == value).map_or((value, 0), |(_, root, number)| (*root, *number))
    }

    /// Do two elements of one array surely differ?
    pub(super) fn differ(&self, a: ElementName, b: ElementName) -> bool {
        let same_array = a.base == b.base && a.access == b.access;
        same_array
            && match (a.index, b.index) {
                (Datum::Const(a), Datum::Const(b)) => a != b,
                (Datum::Ssa { value: a, .. }, Datum::Ssa { value: b, .. }) => {
                    let ((a_root, a), (b_root, b)) = (self.root(a), self.root(b));
                    a_root == b_root && (a - b) & i64::from(u32::MAX) != 0
                }
                (Datum::Const(_) | Datum::Ssa { .. } | Datum::Var(_), _) => false,
            }
    }

    /// What an indexed operation reaches.
    pub(in super::super) fn index_reach(&self, instr: &Instr, base: usize, access: usize) -> Reach {
        let row = self.program.image.accesses.get(instr.operand(access).0 as usize);
        match (key_of(self.operand_place(instr, base)), row) {
            (Some(key), Some(row)) => {
                let bytes = u64::from(row.count.saturating_sub(1)) * u64::from(row.stride);
                Reach::Range(key, bytes + u64::from(instr.ty.size()))
            }
            (Some(_) | None, _) => Reach::Anywhere,
        }
    }
}
