//! What of a program's data outlives the program: every retained value with a name that stays the same when the program
//! is changed around it.
//!
//! A *slot* is one scalar. Instances are taken apart into their fields and arrays into their elements, so that a block
//! that gained a field keeps the others and an array that grew keeps what it had.
//!
//! What counts: variables declared `RETAIN` or `PERSISTENT`, everything inside an instance or array declared so, and
//! fields that a block's own declaration keeps, wherever the instance stands. A part's own declaration goes before the
//! one around it. Hidden memories of inputs with `R_EDGE` and `F_EDGE` belong to their block and are kept with it (a
//! counter does not count an input twice because the power failed); memories of edge contacts never are. What stands in the
//! input image is not kept: the next scan reads it from the field.

use crate::image::{Image, Place, SymbolRole};
use crate::types::{Dimension, Elementary, Retention, TypeId, TypeKind};
use crate::verify::MAX_TYPE_DEPTH;
use core::fmt::{self, Write as _};

/// Greatest number of retained values: with 8 bytes each, half a MiB that is copied when it changed, and a few MiB of
/// names. Recipes and counters need hundreds.
pub const RETAINED_MAX: usize = 65_536;

/// A retained scalar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetainedSlot {
    /// `program.variable`, then `.field` and `[index, index]`, names as declared. Names compare without regard to case: see
    /// [`Self::key`].
    pub path: String,
    /// The type; what was kept for another type does not fit.
    pub elementary: Elementary,
    /// [`Image::fingerprint`] of the type. It depends on the type alone, not on the image's numbering.
    pub fingerprint: u64,
    /// Where the value stands in the data segment: a bit only in the process image.
    pub place: Place,
    /// Bytes of the value, 1 to 8; 1 for a bit.
    pub size: u32,
    /// Survives a cold start.
    pub persistent: bool,
}

impl RetainedSlot {
    /// The path as a key that does not depend on the spelling's case.
    #[must_use]
    pub fn key(&self) -> String {
        self.path.to_ascii_lowercase()
    }

    /// Offset of the first byte in the data segment.
    #[must_use]
    pub const fn offset(&self) -> u32 {
        match self.place {
            Place::Byte(offset) | Place::Bit { offset, .. } => offset,
        }
    }
}

/// More than [`RETAINED_MAX`] values would be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TooManyRetained {
    /// The variable with which the limit was passed.
    pub symbol: String,
}

impl fmt::Display for TooManyRetained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "more than {RETAINED_MAX} retained values, counted up to `{}`: keep less of it, an array's elements count one by one",
            self.symbol
        )
    }
}

impl std::error::Error for TooManyRetained {}

/// The retained values of an image: variables in the order of [`Image::symbols`] (by path), fields in the order of their
/// offsets, elements in the order of their indices. The same image always gives the same list.
///
/// # Errors
/// [`TooManyRetained`]; the compiler reports such programs, so only foreign images meet it here.
pub fn retained(image: &Image) -> Result<Vec<RetainedSlot>, TooManyRetained> {
    let mut walk = Walk {
        image,
        states: stating(image),
        visits: RETAINED_MAX.saturating_mul(64),
        slots: Vec::new(),
        path: String::new(),
    };
    for symbol in &image.symbols {
        if symbol.constant || symbol.role == SymbolRole::Input {
            continue;
        }
        walk.path.clear();
        walk.path.push_str(&symbol.path);
        let fits = walk.part(symbol.ty, symbol.place, symbol.retention, MAX_TYPE_DEPTH);
        fits.ok_or_else(|| TooManyRetained { symbol: symbol.path.clone() })?;
    }
    Ok(walk.slots)
}

struct Walk<'a> {
    image: &'a Image,
    /// See [`stating`].
    states: Vec<bool>,
    /// Parts that may still be looked at: a foreign image may have many without any value in them.
    visits: usize,
    slots: Vec<RetainedSlot>,
    /// Path of the part being looked at.
    path: String,
}

impl Walk<'_> {
    /// Takes a part with everything in it; `None` when there are too many.
    fn part(&mut self, ty: TypeId, place: Place, retention: Retention, depth: u32) -> Option<()> {
        let image = self.image;
        let (Some(t), Some(deeper)) = (image.ty(ty), depth.checked_sub(1)) else { return Some(()) };
        let states = self.states.get(ty.0 as usize).copied().unwrap_or(false);
        if !retention.is_kept() && !states {
            return Some(());
        }
        self.visits = self.visits.checked_sub(1)?;
        match &t.kind {
            TypeKind::Elementary(elementary) => self.scalar(ty, *elementary, t.size, place, retention),
            TypeKind::Array { element, dimensions, stride } => {
                self.elements((*element, *stride), dimensions, place, (retention, deeper))
            }
            TypeKind::Instance { fields } | TypeKind::Structure { fields } => {
                for field in fields {
                    let end = self.path.len();
                    self.path.push('.');
                    self.path.push_str(&field.name);
                    let fits =
                        self.part(field.ty, moved(place, field.offset), field.retention.within(retention), deeper);
                    self.path.truncate(end);
                    fits?;
                }
                Some(())
            }
            // Reserved: the verifier refuses them.
            TypeKind::Enumeration { .. } | TypeKind::Text { .. } => Some(()),
        }
    }

    fn scalar(
        &mut self,
        ty: TypeId,
        elementary: Elementary,
        size: u32,
        place: Place,
        retention: Retention,
    ) -> Option<()> {
        if elementary.scalar().is_none() {
            return Some(());
        }
        if self.slots.len() >= RETAINED_MAX {
            return None;
        }
        let (path, fingerprint) = (self.path.clone(), self.image.fingerprint(ty));
        let persistent = retention == Retention::Persistent;
        self.slots.push(RetainedSlot { path, elementary, fingerprint, place, size, persistent });
        Some(())
    }

    fn elements(
        &mut self,
        (element, stride): (TypeId, u32),
        dimensions: &[Dimension],
        place: Place,
        (retention, depth): (Retention, u32),
    ) -> Option<()> {
        let count = dimensions.iter().fold(1u64, |n, d| n.saturating_mul(d.len()));
        for flat in 0..count {
            let end = self.path.len();
            self.push_index(dimensions, flat);
            let plus = flat.saturating_mul(u64::from(stride));
            let at = moved(place, u32::try_from(plus).unwrap_or(u32::MAX));
            let fits = self.part(element, at, retention, depth);
            self.path.truncate(end);
            fits?;
        }
        Some(())
    }

    fn push_index(&mut self, dimensions: &[Dimension], flat: u64) {
        let mut below = dimensions.iter().fold(1u64, |n, d| n.saturating_mul(d.len()));
        let mut rest = flat;
        for (n, d) in dimensions.iter().enumerate() {
            below = below.checked_div(d.len()).unwrap_or(1).max(1);
            let index = i64::from(d.lower) + i64::try_from(rest / below).unwrap_or(0);
            rest %= below;
            let _ = write!(self.path, "{}{index}", if n == 0 { "[" } else { ", " });
        }
        self.path.push(']');
    }
}

/// For each type: does a field somewhere in it state that it is kept? Types refer to earlier ones.
fn stating(image: &Image) -> Vec<bool> {
    let mut states: Vec<bool> = Vec::with_capacity(image.types.len());
    for t in &image.types {
        let inner = |ty: &TypeId| states.get(ty.0 as usize).copied().unwrap_or(false);
        let own = match &t.kind {
            TypeKind::Instance { fields } | TypeKind::Structure { fields } => {
                fields.iter().any(|f| f.retention.is_kept() || inner(&f.ty))
            }
            TypeKind::Array { element, .. } => inner(element),
            TypeKind::Elementary(_) | TypeKind::Enumeration { .. } | TypeKind::Text { .. } => false,
        };
        states.push(own);
    }
    states
}

fn moved(place: Place, by: u32) -> Place {
    match place {
        Place::Byte(offset) => Place::Byte(offset.saturating_add(by)),
        Place::Bit { .. } => place,
    }
}
