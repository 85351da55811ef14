//! What stands where: resolving an offset down to a scalar or a type.
//!
//! Works on checked type tables (types refer to earlier ones, nesting is at most `MAX_TYPE_DEPTH`), so every walk
//! below ends after that many steps.

use crate::image::{Access, Image, Slot};
use crate::isa::{Operand, Window};
use crate::scalar::ScalarType;
use crate::types::{Type, TypeId, TypeKind};

/// A place within a type: the type it starts from and the offset in it.
#[derive(Clone, Copy)]
pub(super) struct Spot {
    pub ty: TypeId,
    pub offset: u32,
}

/// One step down from a spot: the field or element that contains it.
fn descend(image: &Image, spot: Spot) -> Option<Spot> {
    match &image.ty(spot.ty)?.kind {
        TypeKind::Array { element, stride, .. } => {
            Some(Spot { ty: *element, offset: spot.offset.checked_rem(*stride)? })
        }
        TypeKind::Instance { fields } | TypeKind::Structure { fields } => {
            let after = fields.partition_point(|f| f.offset <= spot.offset);
            let field = fields.get(after.checked_sub(1)?)?;
            let offset = spot.offset - field.offset;
            (offset < image.ty(field.ty)?.size).then_some(Spot { ty: field.ty, offset })
        }
        TypeKind::Elementary(_) | TypeKind::Enumeration { .. } | TypeKind::Text { .. } => None,
    }
}

/// The scalar that contains the spot, and how many bytes into it the spot is.
pub(super) fn leaf(image: &Image, mut spot: Spot) -> Option<(ScalarType, u32)> {
    loop {
        let ty = image.ty(spot.ty)?;
        if spot.offset >= ty.size {
            return None;
        }
        if let Some(scalar) = ty.scalar() {
            return Some((scalar, spot.offset));
        }
        spot = descend(image, spot)?;
    }
}

/// Does a value of type `want` begin at the spot?
fn is_type_at(image: &Image, mut spot: Spot, want: TypeId) -> bool {
    loop {
        if spot.ty == want && spot.offset == 0 {
            return true;
        }
        match descend(image, spot) {
            Some(next) => spot = next,
            None => return false,
        }
    }
}

/// What an indexed access must find at each element.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    Scalar(ScalarType),
    Type(TypeId),
}

pub(super) fn is_at(image: &Image, spot: Spot, want: Want) -> bool {
    match want {
        Want::Scalar(s) => leaf(image, spot) == Some((s, 0)),
        Want::Type(t) => is_type_at(image, spot, t),
    }
}

/// Is what is wanted at every element the access reaches from the spot? True when the spot lies in an array whose
/// stride is the access's and which has that many elements from there on: then every element looks the same.
pub(super) fn is_at_each(image: &Image, base: Spot, access: Access, want: Want) -> bool {
    if access.count == 1 {
        return is_at(image, base, want);
    }
    let mut spot = base;
    loop {
        if let Some(ty) = image.ty(spot.ty)
            && let TypeKind::Array { stride, .. } = &ty.kind
            && *stride == access.stride
        {
            let elements = ty.size / stride.max(&1);
            let first = spot.offset / stride.max(&1);
            let inside = spot.offset < ty.size && access.count <= elements.saturating_sub(first);
            if inside && descend(image, spot).is_some_and(|element| is_at(image, element, want)) {
                return true;
            }
        }
        match descend(image, spot) {
            Some(next) => spot = next,
            None => return false,
        }
    }
}

/// The slot that contains an offset, as a spot.
pub(super) fn spot_in(image: &Image, slots: &[Slot], offset: u32) -> Option<Spot> {
    let after = slots.partition_point(|s| s.offset <= offset);
    let slot = slots.get(after.checked_sub(1)?)?;
    let inner = offset - slot.offset;
    (inner < image.ty(slot.ty)?.size).then_some(Spot { ty: slot.ty, offset: inner })
}

/// What a POU may name: its own instance and its references.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub image: &'a Image,
    pub own: Option<TypeId>,
    pub references: &'a [TypeId],
    /// The scalars of its own instance.
    pub scalars: &'a Scalars,
}

/// Which scalar field begins at each byte of an instance, looked up instead of searched: large programs keep hundreds of
/// thousands of variables in one instance. Says yes where a field of that type begins, and nothing of everything else.
#[derive(Default)]
pub(super) struct Scalars {
    /// One more than the scalar's code; 0 where no scalar field begins.
    codes: Vec<u8>,
}

impl Scalars {
    /// Of a type. Empty where a few large fields would need a long table.
    pub fn of(image: &Image, ty: Option<TypeId>) -> Self {
        const BYTES_PER_FIELD_MAX: usize = 16;
        let Some(ty) = ty.and_then(|ty| image.ty(ty)) else { return Self::default() };
        let TypeKind::Instance { fields } = &ty.kind else { return Self::default() };
        let bytes = ty.size as usize;
        if bytes > fields.len().saturating_mul(BYTES_PER_FIELD_MAX) {
            return Self::default();
        }
        let mut codes = vec![0; bytes];
        for field in fields {
            if let Some(scalar) = image.ty(field.ty).and_then(Type::scalar)
                && let Some(code) = codes.get_mut(field.offset as usize)
            {
                *code = scalar.code() + 1;
            }
        }
        Self { codes }
    }

    fn begins_at(&self, offset: u32, scalar: ScalarType) -> bool {
        self.codes.get(offset as usize) == Some(&(scalar.code() + 1))
    }
}

/// Where an operand points.
#[derive(Clone, Copy)]
pub(super) enum Target {
    /// Into the process image, at this byte.
    ProcessImage(u32),
    /// On typed data.
    Typed(Spot),
}

impl Scope<'_> {
    /// Where an operand points; `None` when it names no window its POU has.
    pub fn window(&self, operand: Operand) -> Option<Window> {
        let window = operand.window()?;
        let known = match window {
            Window::Data | Window::Const => true,
            Window::Own => self.own.is_some(),
            Window::Ref => usize::from(operand.reference()) < self.references.len(),
        };
        known.then_some(window)
    }

    /// What an operand points at; `None` when nothing stands there.
    pub fn target(&self, operand: Operand) -> Option<Target> {
        let offset = operand.offset();
        match self.window(operand)? {
            Window::Data if offset < self.image.data.process_image_bytes() => Some(Target::ProcessImage(offset)),
            Window::Data => spot_in(self.image, &self.image.data.slots, offset).map(Target::Typed),
            Window::Const => spot_in(self.image, &self.image.constants.slots, offset).map(Target::Typed),
            Window::Own => self.own.map(|ty| Target::Typed(Spot { ty, offset })),
            Window::Ref => {
                let ty = *self.references.get(usize::from(operand.reference()))?;
                Some(Target::Typed(Spot { ty, offset }))
            }
        }
    }

    /// Is a value of this scalar type at the operand? The process image is bytes that any type but bool may overlay.
    pub fn is_scalar(&self, operand: Operand, scalar: ScalarType) -> bool {
        if operand.window() == Some(Window::Own) && self.scalars.begins_at(operand.offset(), scalar) {
            return true;
        }
        match self.target(operand) {
            Some(Target::ProcessImage(offset)) => process_image_holds(self.image, offset, scalar),
            Some(Target::Typed(spot)) => is_at(self.image, spot, Want::Scalar(scalar)),
            None => false,
        }
    }

    /// Does the operand point at inputs or constants?
    pub fn is_read_only(&self, operand: Operand) -> bool {
        match operand.window() {
            Some(Window::Const) => true,
            Some(Window::Data) => operand.offset() < self.image.data.input_bytes,
            Some(Window::Own | Window::Ref) | None => false,
        }
    }
}

/// Do all bytes of a scalar lie in one area (inputs, outputs or flags) of the process image?
pub(super) fn process_image_holds(image: &Image, offset: u32, scalar: ScalarType) -> bool {
    let data = &image.data;
    let ends = [data.input_bytes, data.flags_at(), data.process_image_bytes()];
    let area_end = ends.into_iter().find(|end| offset < *end);
    let last = offset.checked_add(scalar.size());
    scalar != ScalarType::Bool && matches!((area_end, last), (Some(end), Some(last)) if last <= end)
}
