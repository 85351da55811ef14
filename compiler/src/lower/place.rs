//! Places: what a path through instances, arrays and bits comes down to, and how it is read and written.

use super::Lowerer;
use crate::evaluate::bits_int;
use crate::hir::{Expr, Location, Place, Root, Step};
use crate::ir::{Base, InstKind, Mem, Val};
use crate::source::Span;
use crate::types::{Dimension, Ty};
use bytecode::image::Access;
use bytecode::{Op, ScalarType};

/// A place after lowering.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Spot {
    /// A fixed place.
    Mem(Mem),
    /// A bit of the process image.
    Bit { byte: u32, bit: u8 },
    /// An element chosen at run time.
    Element { base: Mem, index: Val, access: Access },
    /// Bits of a bit string.
    Part { whole: Box<Spot>, scalar: ScalarType, lowest: u32 },
}

impl Lowerer<'_> {
    fn root(&self, root: &Root) -> Spot {
        let location = |l: &Location| {
            let byte = self.layout.location(l);
            match l.bit {
                Some(bit) => Spot::Bit { byte, bit },
                None => Spot::Mem(Mem { base: Base::Image, offset: byte }),
            }
        };
        match root {
            Root::Address(l) => location(l),
            Root::Global(id) => match &self.program.globals[*id].location {
                Some(l) => location(l),
                None => Spot::Mem(Mem { base: Base::Global, offset: self.layout.globals[*id] }),
            },
            Root::Local(var) => match &self.program.pous[self.pou].vars[*var].location {
                Some(l) => location(l),
                None => {
                    let storage = self.layout.storage(self.pou, *var);
                    // Without an address a variable stands in memory.
                    Spot::Mem(self.storage(storage).unwrap_or(Mem { base: Base::Own, offset: 0 }))
                }
            },
        }
    }

    fn root_type(&self, root: &Root, place: &Place) -> Ty {
        match root {
            Root::Address(_) => place.ty,
            Root::Global(id) => self.program.globals[*id].ty,
            Root::Local(var) => self.program.pous[self.pou].vars[*var].ty,
        }
    }

    /// Works out the indices of a place and gives what is left.
    pub(super) fn place(&mut self, place: &Place) -> Spot {
        let mut spot = self.root(&place.root);
        let mut ty = self.root_type(&place.root, place);
        for step in &place.steps {
            match step {
                Step::Field(pou, var) => {
                    let offset = match self.layout.storage(*pou, *var) {
                        crate::codegen::layout::Storage::Own(offset) => offset,
                        crate::codegen::layout::Storage::Frame(_)
                        | crate::codegen::layout::Storage::Reference(_)
                        | crate::codegen::layout::Storage::Image => 0,
                    };
                    ty = self.program.pous[*pou].vars[*var].ty;
                    spot = moved(spot, offset);
                }
                Step::Index(indices) => {
                    let Some((element, dimensions)) = self.program.types.as_array(ty) else { continue };
                    let dimensions = dimensions.to_vec();
                    spot = self.indexed(spot, ty, element, &dimensions, indices, place.span);
                    ty = element;
                }
                Step::Bits { lowest, whole } => {
                    let scalar = whole.scalar().unwrap_or(ScalarType::U8);
                    spot = Spot::Part { whole: Box::new(spot), scalar, lowest: *lowest };
                }
            }
        }
        spot
    }

    /// The memory of a spot; an element chosen at run time is put behind a reference.
    pub(super) fn fixed(&mut self, spot: Spot, ty: Ty, span: Span) -> Option<Mem> {
        match spot {
            Spot::Mem(mem) => Some(mem),
            Spot::Element { base, index, access } => {
                let reference = self.own_reference(ty, span);
                self.emit(InstKind::BindElement { reference, base, index, access });
                Some(Mem { base: Base::Ref(reference), offset: 0 })
            }
            Spot::Bit { .. } | Spot::Part { .. } => None,
        }
    }

    fn indexed(
        &mut self,
        array: Spot,
        array_ty: Ty,
        element: Ty,
        dimensions: &[Dimension],
        indices: &[Expr],
        span: Span,
    ) -> Spot {
        // An element of an element chosen at run time: the inner array goes behind a reference.
        let Some(base) = self.fixed(array, array_ty, span) else {
            return Spot::Mem(Mem { base: Base::Own, offset: 0 });
        };
        let stride = self.layout.extent_of(element).size;
        let constants: Vec<Option<i64>> = indices.iter().map(constant_index).collect();
        // Elements in one step of each dimension.
        let mut weight = 1u32;
        let mut weights: Vec<u32> = Vec::new();
        for dimension in dimensions.iter().rev() {
            weights.push(weight);
            weight = weight.saturating_mul(dimension.len());
        }
        weights.reverse();
        let mut fixed = 0u32;
        for ((dimension, constant), weight) in dimensions.iter().zip(&constants).zip(&weights) {
            if let Some(value) = constant {
                let steps = u32::try_from(value - i64::from(dimension.lower)).unwrap_or(0);
                fixed = fixed.saturating_add(steps.saturating_mul(*weight));
            }
        }
        let base = base.plus(fixed.saturating_mul(stride));
        let last = dimensions.len().saturating_sub(1);
        let only_last = constants.iter().take(last).all(Option::is_some);
        match (indices.last(), dimensions.last(), constants.last()) {
            (Some(index), Some(dimension), Some(None)) if only_last => {
                self.in_one_dimension(base, index, *dimension, stride)
            }
            _ if constants.iter().all(Option::is_some) => Spot::Mem(base),
            _ => {
                let rows =
                    dimensions.iter().zip(indices).zip(weights).filter(|((_, i), _)| constant_index(i).is_none());
                let rows: Vec<(Dimension, &Expr, u32)> = rows.map(|((d, i), w)| (*d, i, w)).collect();
                self.in_many_dimensions(base, &rows, stride)
            }
        }
    }

    fn in_one_dimension(&mut self, base: Mem, index: &Expr, dimension: Dimension, stride: u32) -> Spot {
        let count = dimension.len();
        let scalar = index.ty.scalar().unwrap_or(ScalarType::I32);
        let value = self.expr(index);
        // An index fault is shown where the index stands.
        self.at(index.span);
        let (index, lower) = match scalar {
            ScalarType::I32 => (value, dimension.lower),
            ScalarType::I8 | ScalarType::I16 | ScalarType::U8 | ScalarType::U16 => {
                (self.apply(Op::Cvt, ScalarType::I32, Some(scalar), &[value], None), dimension.lower)
            }
            _ => (self.bound(scalar, value, dimension), 0),
        };
        Spot::Element { base, index, access: Access { lower, count, stride } }
    }

    fn bound(&mut self, ty: ScalarType, index: Val, dimension: Dimension) -> Val {
        let dst = Val::Temp(self.temp(ScalarType::I32));
        self.emit(InstKind::Bound { ty, dst, index, lower: dimension.lower, upper: dimension.upper });
        dst
    }

    /// Every index is checked against its own dimension; together they number the element.
    fn in_many_dimensions(&mut self, base: Mem, rows: &[(Dimension, &Expr, u32)], stride: u32) -> Spot {
        let mut total: Option<Val> = None;
        let mut reach = 0u32;
        for (dimension, index, weight) in rows {
            let value = self.expr(index);
            self.at(index.span);
            let steps = self.bound(index.ty.scalar().unwrap_or(ScalarType::I32), value, *dimension);
            let part = if *weight == 1 {
                steps
            } else {
                self.apply(Op::Mul, ScalarType::I32, None, &[steps, Val::Const(u64::from(*weight))], None)
            };
            reach = reach.saturating_add((dimension.len() - 1).saturating_mul(*weight));
            total = Some(match total {
                None => part,
                Some(sum) => self.apply(Op::Add, ScalarType::I32, None, &[sum, part], None),
            });
        }
        let index = total.unwrap_or(Val::Const(0));
        Spot::Element { base, index, access: Access { lower: 0, count: reach.saturating_add(1), stride } }
    }

    /// The value at a spot.
    pub(super) fn load(&mut self, spot: &Spot, ty: ScalarType, dst: Option<Val>) -> Val {
        match spot {
            Spot::Mem(mem) => match dst {
                None => Val::Mem(*mem),
                Some(dst) => {
                    self.mov(ty, dst, Val::Mem(*mem));
                    dst
                }
            },
            Spot::Bit { byte, bit } => {
                let dst = dst.unwrap_or_else(|| Val::Temp(self.temp(ScalarType::Bool)));
                self.emit(InstKind::LoadBit { dst, byte: *byte, bit: *bit });
                dst
            }
            Spot::Element { base, index, access } => {
                let dst = dst.unwrap_or_else(|| Val::Temp(self.temp(ty)));
                self.emit(InstKind::Load { ty, dst, base: *base, index: *index, access: *access });
                dst
            }
            Spot::Part { whole, scalar, lowest } => {
                let value = self.load(whole, *scalar, None);
                if ty == ScalarType::Bool {
                    let bit = self.apply(Op::And, *scalar, None, &[value, Val::Const(1 << lowest)], None);
                    return self.apply(Op::Cvt, ty, Some(*scalar), &[bit], dst);
                }
                let shifted = self.apply(Op::Shr, *scalar, None, &[value, Val::Const(u64::from(*lowest))], None);
                self.apply(Op::Cvt, ty, Some(*scalar), &[shifted], dst)
            }
        }
    }

    /// Writes a value to a spot.
    pub(super) fn store(&mut self, spot: &Spot, ty: ScalarType, src: Val) {
        match spot {
            Spot::Mem(mem) => self.mov(ty, Val::Mem(*mem), src),
            Spot::Bit { byte, bit } => self.emit(InstKind::StoreBit { byte: *byte, bit: *bit, src }),
            Spot::Element { base, index, access } => {
                self.emit(InstKind::Store { ty, base: *base, index: *index, access: *access, src });
            }
            Spot::Part { whole, scalar, lowest } => self.store_part(whole, *scalar, *lowest, ty, src),
        }
    }

    fn store_part(&mut self, whole: &Spot, scalar: ScalarType, lowest: u32, ty: ScalarType, src: Val) {
        let mask = ((1u64 << ty.bits()) - 1) << lowest;
        let before = self.load(whole, scalar, None);
        let rest = self.apply(Op::AndNot, scalar, None, &[before, Val::Const(mask)], None);
        let wide = self.apply(Op::Cvt, scalar, Some(ty), &[src], None);
        let shifted = self.apply(Op::Shl, scalar, None, &[wide, Val::Const(u64::from(lowest))], None);
        let value = self.apply(Op::Or, scalar, None, &[rest, shifted], None);
        self.store(whole, scalar, value);
    }
}

fn constant_index(index: &Expr) -> Option<i64> {
    let value = bits_int(index.constant()?, index.ty.scalar()?);
    i64::try_from(value).ok()
}

fn moved(spot: Spot, offset: u32) -> Spot {
    match spot {
        Spot::Mem(mem) => Spot::Mem(mem.plus(offset)),
        Spot::Element { base, index, access } => Spot::Element { base: base.plus(offset), index, access },
        Spot::Bit { .. } | Spot::Part { .. } => spot,
    }
}
