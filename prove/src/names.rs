//! Names of bits, for people.

use bytecode::Image;
use bytecode::image::Place;
use bytecode::types::{Type, TypeId, TypeKind};

/// The path of the variable a bit of the data belongs to, and the bit's number within it where it has more than one.
#[must_use]
pub fn of_bit(image: &Image, bit: usize) -> String {
    let byte = u32::try_from(bit / 8).unwrap_or(u32::MAX);
    for symbol in &image.symbols {
        match symbol.place {
            Place::Bit { offset, bit: number } if offset == byte && usize::from(number) == bit % 8 => {
                return symbol.path.clone();
            }
            Place::Bit { .. } => {}
            Place::Byte(offset) => {
                let size = image.ty(symbol.ty).map_or(0, |t| t.size);
                if (offset..offset.saturating_add(size)).contains(&byte) {
                    let mut path = symbol.path.clone();
                    let rest = within(image, symbol.ty, byte - offset, &mut path);
                    return numbered(path, rest, bit % 8);
                }
            }
        }
    }
    format!("internal bit {bit}")
}

fn numbered(path: String, (byte, single): (u32, bool), bit: usize) -> String {
    if single { path } else { format!("{path}.{}", byte as usize * 8 + bit) }
}

/// Descends to the scalar at a byte; the byte within it, and whether it is a BOOL.
fn within(image: &Image, ty: TypeId, byte: u32, path: &mut String) -> (u32, bool) {
    let Some(t) = image.ty(ty) else { return (byte, false) };
    match &t.kind {
        TypeKind::Array { element, dimensions, stride } if *stride > 0 => {
            let mut flat = u64::from(byte / stride);
            let mut indices = Vec::new();
            for dimension in dimensions.iter().rev() {
                let length = dimension.len().max(1);
                indices.push((i64::from(dimension.lower) + i64::try_from(flat % length).unwrap_or(0)).to_string());
                flat /= length;
            }
            indices.reverse();
            path.push_str(&format!("[{}]", indices.join(", ")));
            within(image, *element, byte % stride, path)
        }
        TypeKind::Instance { fields } | TypeKind::Structure { fields } => {
            let size = |id: TypeId| image.ty(id).map_or(0, |t: &Type| t.size);
            match fields.iter().find(|f| (f.offset..f.offset.saturating_add(size(f.ty))).contains(&byte)) {
                Some(field) => {
                    path.push('.');
                    path.push_str(&field.name);
                    within(image, field.ty, byte - field.offset, path)
                }
                None => (byte, false),
            }
        }
        TypeKind::Elementary(_) | TypeKind::Enumeration { .. } | TypeKind::Text { .. } | TypeKind::Array { .. } => {
            (byte, t.scalar() == Some(bytecode::ScalarType::Bool))
        }
    }
}
