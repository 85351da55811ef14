//! Rules about every table of an image but the code.

use super::layout::{Spot, Want, is_at, leaf, process_image_holds, spot_in};
use super::{At, MAX_DATA_BYTES, MAX_INSTRUCTIONS, MAX_INTERVAL_NS, MAX_TYPE_DEPTH, Rule, VerifyError, require};
use crate::image::{Image, Place, PouKind, Slot, SourcePlace, Symbol};
use crate::isa::Operand;
use crate::scalar::ScalarType;
use crate::types::{Field, Type, TypeId, TypeKind};

pub(super) fn check(image: &Image) -> Result<(), VerifyError> {
    limits(image)?;
    types(image)?;
    data(image)?;
    constants(image)?;
    pous(image)?;
    programs_and_tasks(image)?;
    symbols(image)?;
    debug(image)?;
    for (row, access) in image.accesses.iter().enumerate() {
        let last = i64::from(access.lower) + i64::from(access.count) - 1;
        let good = access.count >= 1 && access.stride >= 1 && i32::try_from(last).is_ok();
        require(good, Rule::AccessRow, At::Row { table: "access", row })?;
    }
    Ok(())
}

fn limits(image: &Image) -> Result<(), VerifyError> {
    let at = |table| At::Row { table, row: 0 };
    require(image.data.size <= MAX_DATA_BYTES, Rule::Limits, at("data segment"))?;
    require(image.constants.bytes.len() <= MAX_DATA_BYTES as usize, Rule::Limits, at("constant pool"))?;
    require(image.code.len() <= MAX_INSTRUCTIONS, Rule::Limits, at("code"))
}

fn types(image: &Image) -> Result<(), VerifyError> {
    let mut depths: Vec<u32> = Vec::with_capacity(image.types.len());
    for (row, ty) in image.types.iter().enumerate() {
        let at = At::Row { table: "type", row };
        let (good, below) = match &ty.kind {
            TypeKind::Elementary(e) => {
                let size = e.scalar().map(ScalarType::size);
                require(size.is_some(), Rule::TypeReserved, at)?;
                (size == Some(ty.size), 0)
            }
            TypeKind::Array { element, dimensions, stride } => {
                let below = depths.get(element.0 as usize).copied();
                let Some(below) = below else { return Err(VerifyError { rule: Rule::TypeOrder, at }) };
                let count = dimensions.iter().try_fold(1u64, |n, d| n.checked_mul(d.len()));
                let size = count.and_then(|n| n.checked_mul(u64::from(*stride)));
                let element_size = image.ty(*element).map_or(u32::MAX, |t| t.size);
                let filled = !dimensions.is_empty() && count != Some(0) && *stride >= element_size && *stride > 0;
                (filled && size == Some(u64::from(ty.size)), below)
            }
            TypeKind::Instance { fields } => {
                let deepest = fields.iter().map(|f| depths.get(f.ty.0 as usize).copied()).collect::<Option<Vec<_>>>();
                let Some(deepest) = deepest else { return Err(VerifyError { rule: Rule::TypeOrder, at }) };
                (fields_fit(image, ty, fields), deepest.into_iter().max().unwrap_or(0))
            }
            TypeKind::Structure { .. } | TypeKind::Enumeration { .. } | TypeKind::Text { .. } => {
                return Err(VerifyError { rule: Rule::TypeReserved, at });
            }
        };
        require(good, Rule::TypeLayout, at)?;
        require(below < MAX_TYPE_DEPTH && ty.size <= MAX_DATA_BYTES, Rule::Limits, at)?;
        depths.push(below + 1);
    }
    Ok(())
}

/// Fields stand in order, without overlap, within the instance.
fn fields_fit(image: &Image, ty: &Type, fields: &[Field]) -> bool {
    let mut free_from = 0u32;
    fields.iter().all(|f| {
        let end = image.ty(f.ty).and_then(|t| f.offset.checked_add(t.size));
        let fits = f.offset >= free_from && end.is_some_and(|end| end <= ty.size);
        free_from = end.unwrap_or(u32::MAX);
        fits
    })
}

/// Slots stand in order, without overlap, from `free_from` to `end`. The first that does not, if any.
fn misplaced(image: &Image, slots: &[Slot], mut free_from: u32, end: u32) -> Option<usize> {
    slots.iter().position(|slot| {
        let slot_end = image.ty(slot.ty).and_then(|t| slot.offset.checked_add(t.size));
        let fits = slot.offset >= free_from && slot_end.is_some_and(|e| e <= end);
        free_from = slot_end.unwrap_or(u32::MAX);
        !fits
    })
}

fn data(image: &Image) -> Result<(), VerifyError> {
    let d = &image.data;
    let areas = u64::from(d.input_bytes) + u64::from(d.output_bytes) + u64::from(d.flag_bytes);
    require(areas <= u64::from(d.size), Rule::DataLayout, At::Row { table: "data segment", row: 0 })?;
    let process_image = d.process_image_bytes();
    if let Some(row) = misplaced(image, &d.slots, process_image, d.size) {
        return Err(VerifyError { rule: Rule::DataLayout, at: At::Row { table: "data slot", row } });
    }
    let mut free_from = 0u64;
    for (row, (offset, bytes)) in d.initial.iter().enumerate() {
        let end = u64::from(*offset) + bytes.len() as u64;
        let placed = u64::from(*offset) >= free_from && end <= u64::from(d.size);
        require(placed, Rule::InitialValues, At::Row { table: "initial value", row })?;
        let clean = (*offset..).zip(bytes).all(|(at, byte)| {
            // Anything goes in the process image; elsewhere a byte above 1 must not be a bool.
            *byte <= 1 || at < process_image || !is_bool_at(image, &d.slots, at)
        });
        require(clean, Rule::InitialValues, At::Row { table: "initial value", row })?;
        free_from = end;
    }
    Ok(())
}

fn is_bool_at(image: &Image, slots: &[Slot], offset: u32) -> bool {
    let spot = spot_in(image, slots, offset);
    spot.and_then(|s| leaf(image, s)).is_some_and(|(scalar, _)| scalar == ScalarType::Bool)
}

fn constants(image: &Image) -> Result<(), VerifyError> {
    let c = &image.constants;
    let end = u32::try_from(c.bytes.len()).unwrap_or(u32::MAX);
    let row = misplaced(image, &c.slots, 0, end);
    require(row.is_none(), Rule::ConstantLayout, At::Row { table: "constant", row: row.unwrap_or(0) })?;
    let dirty = (0u32..).zip(&c.bytes).find(|(at, byte)| **byte > 1 && is_bool_at(image, &c.slots, *at));
    let row = dirty.map_or(0, |(at, _)| c.slots.partition_point(|s| s.offset <= at).saturating_sub(1));
    require(dirty.is_none(), Rule::ConstantLayout, At::Row { table: "constant", row })
}

fn pous(image: &Image) -> Result<(), VerifyError> {
    let mut next = 0u32;
    let mut owned = vec![false; image.types.len()];
    for (row, pou) in image.pous.iter().enumerate() {
        let at = At::Row { table: "POU", row };
        require(pou.entry == next && pou.end > pou.entry, Rule::PouRange, at)?;
        next = pou.end;
        let of_its_own = match pou.instance {
            None => pou.kind == PouKind::Function,
            Some(ty) => {
                let is_instance = matches!(image.ty(ty).map(|t| &t.kind), Some(TypeKind::Instance { .. }));
                let first_owner = owned.get_mut(ty.0 as usize).is_some_and(|o| !core::mem::replace(o, true));
                pou.kind != PouKind::Function && is_instance && first_owner
            }
        };
        require(of_its_own, Rule::PouInstance, at)?;
        let reachable = |ty: &TypeId| image.ty(*ty).is_some_and(|t| t.size <= Operand::MAX_REF_OFFSET);
        let few = pou.references.len() <= Operand::MAX_REFS && pou.references.iter().all(reachable);
        require(few, Rule::PouReferences, at)?;
    }
    let covered = next as usize == image.code.len();
    require(covered, Rule::PouRange, At::Row { table: "POU", row: image.pous.len().saturating_sub(1) })
}

fn programs_and_tasks(image: &Image) -> Result<(), VerifyError> {
    for (row, program) in image.programs.iter().enumerate() {
        let pou = image.pou(program.pou).filter(|p| p.kind == PouKind::Program);
        let spot = spot_in(image, &image.data.slots, program.offset);
        let placed = matches!((pou.and_then(|p| p.instance), spot), (Some(ty), Some(spot)) if is_at(image, spot, Want::Type(ty)));
        require(placed, Rule::ProgramPlace, At::Row { table: "program", row })?;
    }
    let mut taken = vec![false; image.programs.len()];
    for (row, task) in image.tasks.iter().enumerate() {
        let free =
            task.programs.iter().all(|p| taken.get_mut(*p as usize).is_some_and(|t| !core::mem::replace(t, true)));
        require(free && task.interval_ns <= MAX_INTERVAL_NS, Rule::Task, At::Row { table: "task", row })?;
    }
    Ok(())
}

fn symbols(image: &Image) -> Result<(), VerifyError> {
    let mut before: Option<&Symbol> = None;
    for (row, symbol) in image.symbols.iter().enumerate() {
        let sorted = before.is_none_or(|b| b.path < symbol.path);
        let named = symbol.file == 0 || (symbol.file as usize) < image.debug.files.len();
        let placed = sorted && named && symbol_stands(image, symbol);
        require(placed, Rule::Symbol, At::Row { table: "symbol", row })?;
        before = Some(symbol);
    }
    Ok(())
}

fn symbol_stands(image: &Image, symbol: &Symbol) -> bool {
    let scalar = image.ty(symbol.ty).and_then(Type::scalar);
    match symbol.place {
        Place::Bit { offset, bit } => {
            bit <= 7 && offset < image.data.process_image_bytes() && scalar == Some(ScalarType::Bool)
        }
        Place::Byte(offset) if offset < image.data.process_image_bytes() => {
            scalar.is_some_and(|s| process_image_holds(image, offset, s))
        }
        Place::Byte(offset) => {
            let spot = spot_in(image, &image.data.slots, offset);
            spot.is_some_and(|s: Spot| is_at(image, s, Want::Type(symbol.ty)))
        }
    }
}

fn debug(image: &Image) -> Result<(), VerifyError> {
    let d = &image.debug;
    for (row, rung) in d.rungs.iter().enumerate() {
        let known = image.pou(rung.pou).is_some() && (rung.file as usize) < d.files.len();
        require(known, Rule::DebugRows, At::Row { table: "rung", row })?;
    }
    let mut before: Option<u32> = None;
    for (row, place) in d.places.iter().enumerate() {
        let rung = place.rung == SourcePlace::NO_RUNG || (place.rung as usize) < d.rungs.len();
        let known = rung && (place.file as usize) < d.files.len() && (place.pc as usize) < image.code.len();
        let sorted = before.is_none_or(|b| b < place.pc);
        require(known && sorted, Rule::DebugRows, At::Row { table: "source place", row })?;
        before = Some(place.pc);
    }
    Ok(())
}
