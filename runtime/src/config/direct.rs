//! Inputs and outputs that a program uses by address alone: `NO(%IX0.5) COIL(%QX1.0)` without a declaration.
//!
//! No symbol stands for them, so a map cannot bind them. They are found in the code itself, which cannot lie: every
//! operand in the input or output part of the process image that no located variable covers.

use super::Place;
use super::finding::Code;
use super::validate::Checker;
use bytecode::image::{Place as ImagePlace, Symbol, SymbolRole};
use bytecode::isa::{Role, Window};
use bytecode::{Image, Instr, ScalarType};
use std::collections::{BTreeMap, HashSet};

/// Where an address points in the process image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Spot {
    /// A bit of a byte.
    Bit(u32, u8),
    /// A value of this many bytes, with its type.
    Bytes(u32, u32, ScalarType),
}

/// An input or output used by its address alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Direct {
    /// The address as IEC 61131-3 writes it, such as `%QX1.0`.
    pub(super) address: String,
    /// An input (%I); else an output (%Q).
    pub(super) input: bool,
    /// Where it points.
    pub(super) spot: Spot,
    /// File, line and column of the first use; empty and 0 where the image has no such record.
    pub(super) file: String,
    /// Line and column of the first use.
    pub(super) place: Place,
}

/// Every input and output that the code uses and no located variable covers, by place in the process image.
pub(super) fn find(image: &Image) -> Vec<Direct> {
    let covered = Covered::new(image);
    let end = image.data.flags_at();
    let mut first_use: BTreeMap<Spot, u32> = BTreeMap::new();
    for (pc, instr) in (0_u32..).zip(&image.code) {
        for spot in spots(instr).into_iter().flatten() {
            if spot_start(spot) < end && !first_use.contains_key(&spot) && !covered.has(spot) {
                first_use.insert(spot, pc);
            }
        }
    }
    first_use.into_iter().map(|(spot, pc)| described(image, spot, pc)).collect()
}

/// The places in the data segment an instruction names, whether in the process image or not.
fn spots(instr: &Instr) -> [Option<Spot>; 4] {
    let mut found = [None; 4];
    for (i, (role, to)) in instr.op.roles().into_iter().zip(&mut found).enumerate() {
        let operand = instr.operand(i);
        if operand.window() != Some(Window::Data) {
            continue;
        }
        let at = operand.offset();
        *to = match role {
            Role::ReadImageByte | Role::WriteImageByte => u8::try_from(instr.x).ok().map(|bit| Spot::Bit(at, bit & 7)),
            Role::Write(ty) | Role::Read(ty) | Role::WriteBase(ty) | Role::ReadBase(ty) => {
                instr.role_type(ty).map(|ty| Spot::Bytes(at, ty.size(), ty))
            }
            // Of a place behind a reference only its first byte is known here: what is bound is a variable.
            Role::Place | Role::PlaceBase => Some(Spot::Bytes(at, 1, ScalarType::U8)),
            Role::None | Role::Access | Role::Target | Role::Pou | Role::Type | Role::RefIndex | Role::Number => None,
        };
    }
    found
}

const fn spot_start(spot: Spot) -> u32 {
    match spot {
        Spot::Bit(at, _) | Spot::Bytes(at, ..) => at,
    }
}

/// The parts of the process image that located variables stand for.
struct Covered {
    bits: HashSet<(u32, u8)>,
    /// Start of each wider variable, sorted, with the furthest end of those that start there or before.
    ranges: Vec<(u32, u32)>,
}

impl Covered {
    fn new(image: &Image) -> Self {
        let mut covered = Self { bits: HashSet::new(), ranges: Vec::new() };
        for symbol in image.symbols.iter().filter(|s| matches!(s.role, SymbolRole::Input | SymbolRole::Output)) {
            match symbol.place {
                ImagePlace::Bit { offset, bit } => drop(covered.bits.insert((offset, bit))),
                ImagePlace::Byte(start) => covered.ranges.push((start, start.saturating_add(size(image, symbol)))),
            }
        }
        covered.ranges.sort_unstable();
        let mut furthest = 0;
        for (_, end) in &mut covered.ranges {
            furthest = furthest.max(*end);
            *end = furthest;
        }
        covered
    }

    fn has(&self, spot: Spot) -> bool {
        let (start, end) = match spot {
            Spot::Bit(at, bit) if self.bits.contains(&(at, bit)) => return true,
            Spot::Bit(at, _) => (at, at.saturating_add(1)),
            Spot::Bytes(at, bytes, _) => (at, at.saturating_add(bytes)),
        };
        let before = self.ranges.partition_point(|range| range.0 <= start);
        before.checked_sub(1).and_then(|last| self.ranges.get(last)).is_some_and(|range| range.1 >= end)
    }
}

fn size(image: &Image, symbol: &Symbol) -> u32 {
    image.ty(symbol.ty).map_or(0, |ty| ty.size)
}

fn described(image: &Image, spot: Spot, pc: u32) -> Direct {
    let at = spot_start(spot);
    let input = at < image.data.outputs_at();
    let area = if input { 'I' } else { 'Q' };
    let from = if input { at } else { at.saturating_sub(image.data.outputs_at()) };
    let address = match spot {
        Spot::Bit(_, bit) => format!("%{area}X{from}.{bit}"),
        Spot::Bytes(_, 2, _) => format!("%{area}W{}", from / 2),
        Spot::Bytes(_, 4, _) => format!("%{area}D{}", from / 4),
        Spot::Bytes(_, 8, _) => format!("%{area}L{}", from / 8),
        Spot::Bytes(..) => format!("%{area}B{from}"),
    };
    let source = image.source_place(pc);
    let file = source.and_then(|s| image.debug.files.get(s.file as usize)).cloned().unwrap_or_default();
    let place = source.map(|s| Place { line: s.line, column: s.column }).unwrap_or_default();
    Direct { address, input, spot, file, place }
}

/// Tells of each: what has no name in the program can have no line, relay or interlock.
pub(super) fn check(checker: &mut Checker<'_>) {
    for direct in find(checker.symbols.image()) {
        let Direct { address, input, place, .. } = &direct;
        let section = if *input { "inputs" } else { "outputs" };
        let message = format!("`{address}` is used by its address alone, so the map binds it to nothing");
        let remedy = match direct.spot {
            Spot::Bit(..) => format!("declare a variable `AT {address}` and add it under `{section}`"),
            Spot::Bytes(..) => format!("declare a variable `AT {address}`, so that it has a name"),
        };
        let file = if direct.file.is_empty() { checker.file } else { direct.file.as_str() };
        checker.findings.add(Code::Unbound, file, *place, message, remedy);
    }
}
