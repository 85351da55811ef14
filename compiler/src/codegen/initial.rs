//! The data segment as it stands before the first scan.

use super::layout::{Layout, Storage};
use crate::hir::{Class, Init, Location, PouId, Program, Variable};
use crate::types::{Composed, Ty};

/// Runs of bytes that are not zero, in order.
pub(super) fn initial_values(program: &Program, layout: &Layout) -> Vec<(u32, Vec<u8>)> {
    let mut data = vec![0u8; layout.end as usize];
    for ((_, global), offset) in program.globals.iter().zip((0..).map(|i| layout.globals.find(crate::hir::GlobalId(i))))
    {
        match &global.location {
            Some(location) => located(layout, &mut data, location, global),
            None => write(program, layout, &mut data, offset.copied().unwrap_or(0), global.ty, &global.init),
        }
    }
    for (instance, offset) in program.instances.iter().zip(&layout.instances) {
        write_instance(program, layout, &mut data, *offset, instance.pou, &[]);
        for variable in program.pous[instance.pou].vars.values() {
            if let Some(location) = &variable.location {
                located(layout, &mut data, location, variable);
            }
        }
    }
    runs(&data)
}

/// The initial value of a variable of a POU as it stands in memory.
#[must_use]
pub fn initial_bytes(program: &Program, layout: &Layout, pou: PouId, var: crate::hir::VarId) -> Vec<u8> {
    let Some(variable) = program.pous.find(pou).and_then(|p| p.vars.find(var)) else { return Vec::new() };
    let mut data = vec![0; layout.extent_of(variable.ty).size as usize];
    write(program, layout, &mut data, 0, variable.ty, &variable.init);
    data
}

fn located(layout: &Layout, data: &mut [u8], location: &Location, variable: &Variable) {
    let Init::Scalar(bits) = variable.init else { return };
    let byte = layout.location(location);
    match location.bit {
        Some(bit) => {
            if let Some(byte) = data.get_mut(byte as usize) {
                *byte |= u8::from(bits != 0) << bit;
            }
        }
        None => put(data, byte, layout.extent_of(variable.ty).size, bits),
    }
}

fn put(data: &mut [u8], offset: u32, size: u32, bits: u64) {
    for (to, from) in data.iter_mut().skip(offset as usize).take(size as usize).zip(bits.to_le_bytes()) {
        *to = from;
    }
}

/// Writes the initial value of a variable of a type.
pub(super) fn write(program: &Program, layout: &Layout, data: &mut [u8], offset: u32, ty: Ty, init: &Init) {
    match program.types.composed(ty) {
        None => {
            if let Init::Scalar(bits) = init {
                put(data, offset, layout.extent_of(ty).size, *bits);
            }
        }
        Some(Composed::Instance(pou)) => {
            let overrides = if let Init::Fields(fields) = init { fields.as_slice() } else { &[] };
            write_instance(program, layout, data, offset, *pou, overrides);
        }
        Some(Composed::Array { element, dimensions }) => {
            let count: u64 = dimensions.iter().map(|d| u64::from(d.len())).product();
            let count = u32::try_from(count).unwrap_or(0);
            let runs = if let Init::Elements(runs) = init { runs.as_slice() } else { &[] };
            write_elements(program, layout, data, offset, *element, count, runs);
        }
    }
}

fn write_elements(
    program: &Program,
    layout: &Layout,
    data: &mut [u8],
    offset: u32,
    element: Ty,
    count: u32,
    runs: &[(u32, Init)],
) {
    let stride = layout.extent_of(element).size;
    let mut at = 0u32;
    for (repeat, init) in runs {
        for _ in 0..*repeat {
            if at >= count {
                return;
            }
            write(program, layout, data, offset + at * stride, element, init);
            at += 1;
        }
    }
    // The rest has the element type's own initial value: only instances have one that is not zero.
    if program.types.as_instance(element).is_some() {
        for rest in at..count {
            write(program, layout, data, offset + rest * stride, element, &Init::Default);
        }
    }
}

fn write_instance(
    program: &Program,
    layout: &Layout,
    data: &mut [u8],
    offset: u32,
    pou: PouId,
    overrides: &[(crate::hir::VarId, Init)],
) {
    for (var, variable) in program.pous[pou].vars.iter() {
        let Storage::Own(at) = layout.storage(pou, var) else { continue };
        debug_assert!(!matches!(variable.class, Class::Temp | Class::Global));
        let given = overrides.iter().rev().find(|(v, _)| *v == var).map(|(_, init)| init);
        write(program, layout, data, offset + at, variable.ty, given.unwrap_or(&variable.init));
    }
}

/// Runs of bytes between gaps of at least 8 zeros.
fn runs(data: &[u8]) -> Vec<(u32, Vec<u8>)> {
    const GAP: usize = 8;
    let mut result: Vec<(u32, Vec<u8>)> = Vec::new();
    let mut end = 0usize;
    for (at, byte) in data.iter().enumerate().filter(|(_, b)| **b != 0) {
        match result.last_mut() {
            Some((_, bytes)) if at - end < GAP => {
                bytes.resize(bytes.len() + (at - end), 0);
                bytes.push(*byte);
            }
            Some(_) | None => result.push((u32::try_from(at).unwrap_or(u32::MAX), vec![*byte])),
        }
        end = at + 1;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::runs;

    #[test]
    fn short_gaps_join_and_long_ones_split() {
        let mut data = vec![0u8; 40];
        data[1] = 5;
        data[4] = 6;
        data[30] = 7;
        assert_eq!(runs(&data), vec![(1, vec![5, 0, 0, 6]), (30, vec![7])]);
    }
}
