//! Standard function blocks: which bodies are known to engines, and whose temporaries they need not write.
//!
//! The IEC text of the library stays the definition. A function block is known when its canonical body
//! is, instruction by instruction, one of those in `bodies.txt`, which a test keeps in step with what the compiler
//! makes of the library and prints when it is not. What a body is called plays no part.
//!
//! The temporaries of a known body need not be written, so they must be its own: a block is not known when another POU or a
//! symbol names one of them, or when one is part of something larger.

pub(super) mod listing;
#[cfg(feature = "native")]
pub(super) mod passing;

use bytecode::image::{Image, Place, Pou, PouKind};
use bytecode::isa::Role;
use bytecode::{Instr, Op, Operand, Window};
use std::collections::{HashMap, HashSet};

/// Bodies as [`listing::listing`] writes them, each after a line `block NAME`.
pub(super) const BODIES: &str = include_str!("bodies.txt");

/// Longest body looked at.
const BODY_MAX: u32 = 64;

/// A standard block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Standard {
    Ton,
    Tof,
    Tp,
    Ctu,
    Ctd,
    Ctud,
    RTrig,
    FTrig,
    Sr,
    Rs,
}

impl Standard {
    pub(super) const ALL: [(&'static str, Self); 10] = [
        ("TON", Self::Ton),
        ("TOF", Self::Tof),
        ("TP", Self::Tp),
        ("CTU", Self::Ctu),
        ("CTD", Self::Ctd),
        ("CTUD", Self::Ctud),
        ("R_TRIG", Self::RTrig),
        ("F_TRIG", Self::FTrig),
        ("SR", Self::Sr),
        ("RS", Self::Rs),
    ];
}

/// A POU that is a standard block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recognised {
    pub(super) block: Standard,
    /// What its body charges.
    pub(super) weight: u16,
}

/// For every POU: is it a standard block?
pub(super) fn recognise(image: &Image) -> Vec<Option<Recognised>> {
    let known = bodies();
    let mut found: Vec<Option<Recognised>> = image.pous.iter().map(|p| recognise_pou(image, p, &known)).collect();
    let temporaries: Vec<HashSet<u32>> = image
        .pous
        .iter()
        .zip(&found)
        .map(|(p, f)| if f.is_some() { frame(image, p) } else { HashSet::new() })
        .collect();
    let owner: HashMap<u32, usize> =
        temporaries.iter().enumerate().flat_map(|(pou, frame)| frame.iter().map(move |at| (*at, pou))).collect();
    if owner.is_empty() {
        return found;
    }
    for symbol in &image.symbols {
        if let Place::Byte(at) = symbol.place
            && let Some(named) = owner.get(&at)
        {
            found.iter_mut().skip(*named).take(1).for_each(|f| *f = None);
        }
    }
    for (number, pou) in image.pous.iter().enumerate() {
        for at in body(image, pou).iter().flat_map(data_offsets) {
            if let Some(named) = owner.get(&at).filter(|owner| **owner != number) {
                found.iter_mut().skip(*named).take(1).for_each(|f| *f = None);
            }
        }
    }
    found
}

fn bodies() -> HashMap<&'static str, Standard> {
    let sections = BODIES.split("block ").filter_map(|section| section.split_once('\n'));
    let named = |name: &str| Standard::ALL.into_iter().find(|(n, _)| *n == name.trim()).map(|(_, block)| block);
    sections.filter_map(|(name, text)| Some((text.trim(), named(name)?))).collect()
}

fn body<'a>(image: &'a Image, pou: &Pou) -> &'a [Instr] {
    image.code.get(pou.entry as usize..pou.end as usize).unwrap_or_default()
}

fn recognise_pou(image: &Image, pou: &Pou, known: &HashMap<&'static str, Standard>) -> Option<Recognised> {
    if pou.kind != PouKind::FunctionBlock || !pou.references.is_empty() || pou.end - pou.entry > BODY_MAX {
        return None;
    }
    let block = *known.get(listing::listing(image, pou)?.trim())?;
    if !frame(image, pou).into_iter().all(|at| stands_alone(image, at)) {
        return None;
    }
    let charge = body(image, pou).first().filter(|i| i.op == Op::Charge)?;
    Some(Recognised { block, weight: u16::try_from(charge.operand(0).0).ok()? })
}

/// Offsets of the data segment that a body names.
fn frame(image: &Image, pou: &Pou) -> HashSet<u32> {
    body(image, pou).iter().flat_map(data_offsets).collect()
}

/// Is the place a scalar that is no part of an array or instance? Then only its own offset reaches it.
fn stands_alone(image: &Image, offset: u32) -> bool {
    let slots = &image.data.slots;
    let slot = slots.binary_search_by_key(&offset, |s| s.offset).ok().and_then(|i| slots.get(i));
    slot.and_then(|s| image.ty(s.ty)).is_some_and(|ty| ty.scalar().is_some())
}

/// Offsets in the data window that an instruction names.
fn data_offsets(instr: &Instr) -> impl Iterator<Item = u32> + use<> {
    instr.op.roles().into_iter().zip(instr.w).filter_map(|(role, word)| place(role, word))
}

/// The offset in the data window that a word names.
fn place(role: Role, word: u32) -> Option<u32> {
    let operand = Operand(word);
    (names_place(role) && operand.window() == Some(Window::Data)).then_some(operand.offset())
}

/// Is the word an operand?
pub(super) const fn names_place(role: Role) -> bool {
    match role {
        Role::Write(_) | Role::Read(_) | Role::WriteBase(_) | Role::ReadBase(_) => true,
        Role::ReadImageByte | Role::WriteImageByte | Role::Place | Role::PlaceBase => true,
        Role::None | Role::Access | Role::Target | Role::Pou | Role::Type | Role::RefIndex | Role::Number => false,
    }
}
