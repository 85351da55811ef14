//! Whole numbers among the latches of a model: which latches are the bits of one variable.
//!
//! Proofs may speak of a word as of a counter: its number is then [`WORD`] and the word's own. A word keeps its number in every
//! part of a model that is looked at, so that a proof in the part is one in the whole.

use bytecode::ScalarType;
use bytecode::image::{Image, Place};
use bytecode::types::{TypeId, TypeKind};
use std::collections::BTreeSet;

/// Latches of the bits, the least significant first; `None`: this bit is always FALSE. Empty: the word is not there.
pub type Word = Vec<Option<u32>>;

/// From this number on a "counter" of a predicate is a word.
pub const WORD: u32 = 1 << 31;

/// Bits from which on a word is worth being a counter: small ones are numbers of stages.
const BITS_MIN: usize = 5;
/// Elements of an array that are looked at.
const ELEMENTS_MAX: u64 = 64;

/// The word a predicate's counter is.
#[must_use]
pub const fn word_of(counter: u32) -> Option<u32> {
    counter.checked_sub(WORD)
}

/// The words among these variable bits of the data; bits are numbered as latches in their order.
#[must_use]
pub fn of(image: &Image, variable: &BTreeSet<usize>, initially: impl Fn(usize) -> bool) -> Vec<Word> {
    let mut places = BTreeSet::new();
    for symbol in image.symbols.iter().filter(|s| !s.constant) {
        if let Place::Byte(byte) = symbol.place {
            scalars(image, symbol.ty, byte, &mut places);
        }
    }
    let mut numbered = variable.iter().copied().zip(0u32..).peekable();
    let mut words = Vec::new();
    for (byte, bytes) in places {
        let bits = byte as usize * 8..(byte + bytes) as usize * 8;
        while numbered.next_if(|(place, _)| *place < bits.start).is_some() {}
        let mut word: Word = vec![None; bits.len()];
        while let Some((place, number)) = numbered.next_if(|(place, _)| *place < bits.end) {
            if let Some(bit) = word.get_mut(place - bits.start) {
                *bit = Some(number);
            }
        }
        while word.last() == Some(&None) {
            word.pop();
        }
        // A bit that is always TRUE, or TRUE at first: no counter begins so.
        if word.len() >= BITS_MIN && !bits.into_iter().any(&initially) {
            words.push(word);
        }
    }
    words
}

/// Places of whole numbers: first byte and bytes.
fn scalars(image: &Image, ty: TypeId, byte: u32, found: &mut BTreeSet<(u32, u32)>) {
    let Some(t) = image.ty(ty) else { return };
    match &t.kind {
        TypeKind::Elementary(_) => {
            let whole = !matches!(t.scalar(), Some(ScalarType::Bool | ScalarType::F32 | ScalarType::F64) | None);
            if whole {
                found.insert((byte, t.size));
            }
        }
        TypeKind::Array { element, dimensions, stride } => {
            let count = dimensions.iter().fold(1u64, |n, d| n.saturating_mul(d.len()));
            for (_, at) in (0..count.min(ELEMENTS_MAX)).zip(0u32..) {
                scalars(image, *element, byte.saturating_add(at.saturating_mul(*stride)), found);
            }
        }
        TypeKind::Instance { fields } | TypeKind::Structure { fields } => {
            for field in fields {
                scalars(image, field.ty, byte.saturating_add(field.offset), found);
            }
        }
        TypeKind::Enumeration { .. } | TypeKind::Text { .. } => {}
    }
}
