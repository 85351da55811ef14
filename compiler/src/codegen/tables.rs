//! The constant pool and the rows of indexed accesses, each entry once.

use super::Input;
use super::layout::align_up;
use super::types::TypeTable;
use crate::hir::{Init, PouId, VarId};
use crate::map::HashMap;
use crate::types::Ty;
use bytecode::image::{Access, Constants, Slot};
use bytecode::types::Elementary;
use bytecode::{Operand, ScalarType};

#[derive(Default)]
pub(super) struct Tables {
    bytes: Vec<u8>,
    slots: Vec<(u32, Ty)>,
    scalars: HashMap<(ScalarType, u64), u32>,
    arrays: HashMap<(PouId, VarId), u32>,
    accesses: Vec<Access>,
    access_numbers: HashMap<Access, u32>,
}

/// An elementary type stored like this.
fn constant_type(scalar: ScalarType) -> Ty {
    Ty::of(match scalar {
        ScalarType::Bool => Elementary::Bool,
        ScalarType::I8 => Elementary::Sint,
        ScalarType::U8 => Elementary::Usint,
        ScalarType::I16 => Elementary::Int,
        ScalarType::U16 => Elementary::Uint,
        ScalarType::I32 => Elementary::Dint,
        ScalarType::U32 => Elementary::Udint,
        ScalarType::I64 => Elementary::Lint,
        ScalarType::U64 => Elementary::Ulint,
        ScalarType::F32 => Elementary::Real,
        ScalarType::F64 => Elementary::Lreal,
    })
}

impl Tables {
    fn place(&mut self, align: u32, bytes: &[u8], ty: Ty) -> u32 {
        let start = align_up(self.bytes.len() as u64, align);
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        self.bytes.resize(start, 0);
        self.bytes.extend_from_slice(bytes);
        let offset = u32::try_from(start).unwrap_or(u32::MAX);
        self.slots.push((offset, ty));
        offset
    }

    /// The operand of a scalar constant.
    pub(super) fn constant(&mut self, scalar: ScalarType, bits: u64) -> Operand {
        if let Some(offset) = self.scalars.get(&(scalar, bits)) {
            return Operand::constant(*offset);
        }
        let size = scalar.size();
        let bytes = bits.to_le_bytes();
        let offset = self.place(size, bytes.get(..size as usize).unwrap_or_default(), constant_type(scalar));
        self.scalars.insert((scalar, bits), offset);
        Operand::constant(offset)
    }

    /// The operand of an array's initial value.
    pub(super) fn array(&mut self, input: &Input<'_>, pou: PouId, var: VarId) -> Operand {
        if let Some(offset) = self.arrays.get(&(pou, var)) {
            return Operand::constant(*offset);
        }
        let variable = &input.program.pous[pou].vars[var];
        let extent = input.layout.extent_of(variable.ty);
        let mut bytes = vec![0; extent.size as usize];
        let init: &Init = &variable.init;
        super::initial::write(input.program, input.layout, &mut bytes, 0, variable.ty, init);
        let offset = self.place(extent.align, &bytes, variable.ty);
        self.arrays.insert((pou, var), offset);
        Operand::constant(offset)
    }

    /// The number of an access row.
    pub(super) fn access(&mut self, access: Access) -> u32 {
        let next = u32::try_from(self.accesses.len()).unwrap_or(u32::MAX);
        let number = *self.access_numbers.entry(access).or_insert(next);
        if number == next {
            self.accesses.push(access);
        }
        number
    }

    pub(super) fn finish(self, input: &Input<'_>, types: &mut TypeTable) -> (Constants, Vec<Access>) {
        let slots = self.slots.iter().map(|(offset, ty)| Slot { offset: *offset, ty: types.id(input, *ty) }).collect();
        (Constants { bytes: self.bytes, slots }, self.accesses)
    }
}
