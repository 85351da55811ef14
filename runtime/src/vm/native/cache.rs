//! What is known of memory while a stretch of code is translated: which value stands at which place.
//!
//! A few dozen places at most, the latest ones, so that every question costs the same however long a program is. An
//! entry is *dirty* while its store is put off: only where the same stretch writes the place again before it ends, so
//! that most of these stores never happen. Who may see memory another way asks for the dirty entries first.

use super::flat::Program;
use bytecode::ScalarType;
use cranelift_codegen::ir::Value;
use cranelift_frontend::Variable;
use std::collections::VecDeque;

/// Places remembered at a time: about what the registers and a few spills hold.
const ENTRIES_MAX: usize = 48;

/// A scalar's place: at an offset of the memory, or behind the own pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) own: bool,
    pub(super) at: u32,
}

/// A value on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Datum {
    /// These bits.
    Const(u64),
    /// A computed one.
    Ssa {
        value: Value,
        /// A float whose NaN may not be the canonical one yet.
        raw: bool,
        /// A bool that is the opposite of `value`.
        inverted: bool,
    },
    /// What this variable holds.
    Var(Variable),
}

impl Datum {
    /// A value that needs no care.
    pub(super) const fn plain(value: Value) -> Self {
        Self::Ssa { value, raw: false, inverted: false }
    }

    /// A float an operation has just made.
    pub(super) const fn raw(value: Value) -> Self {
        Self::Ssa { value, raw: true, inverted: false }
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) key: Key,
    pub(super) ty: ScalarType,
    pub(super) datum: Datum,
    pub(super) dirty: bool,
}

/// What an access may touch.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reach {
    /// This scalar.
    Scalar(Key),
    /// Scalars between these offsets.
    Range(Key, u64),
    /// Any scalar outside the process image.
    Anywhere,
}

/// Can an access of this reach, to scalars of type `ty`, touch the scalar? Outside the process image a place has one
/// type for ever, which the verifier has seen to; instances are never in it, nor in a scalar that stands alone.
pub(super) fn may_touch(program: &Program<'_>, reach: Reach, ty: ScalarType, key: Key, key_ty: ScalarType) -> bool {
    // Most questions end here: no scalar is longer than 8 bytes.
    if let Reach::Scalar(base) = reach
        && base.own == key.own
        && base.at.abs_diff(key.at) >= 8
    {
        return false;
    }
    let in_image = |k: Key| !k.own && program.in_process_image(k.at);
    let overlap = |from: u32, bytes: u64| {
        let (from, at) = (u64::from(from), u64::from(key.at));
        from < at + u64::from(key_ty.size()) && at < from + bytes
    };
    let elsewhere = |base: Key| {
        // One is at a known offset, the other somewhere in an instance.
        let known = if key.own { base } else { key };
        !in_image(known) && !program.stands_alone(known.at)
    };
    match reach {
        Reach::Scalar(base) if in_image(base) || in_image(key) => {
            base.own == key.own && overlap(base.at, u64::from(ty.size()))
        }
        Reach::Scalar(base) if base.own == key.own => base.at == key.at,
        Reach::Range(base, bytes) if base.own == key.own => ty == key_ty && overlap(base.at, bytes),
        Reach::Scalar(base) | Reach::Range(base, _) => ty == key_ty && elsewhere(base),
        Reach::Anywhere => ty == key_ty && !in_image(key),
    }
}

/// Do two ranges surely share nothing?
pub(super) fn apart(a: Reach, b: Reach) -> bool {
    match (a, b) {
        (Reach::Range(a, a_bytes), Reach::Range(b, b_bytes)) if a.own == b.own => {
            let (a, b) = (u64::from(a.at), u64::from(b.at));
            a + a_bytes <= b || b + b_bytes <= a
        }
        (Reach::Scalar(_) | Reach::Range(..) | Reach::Anywhere, _) => false,
    }
}

/// The places remembered, oldest first.
#[derive(Debug, Default)]
pub(super) struct Cache {
    entries: VecDeque<Entry>,
}

impl Cache {
    pub(super) fn get(&self, key: Key, ty: ScalarType) -> Option<Datum> {
        self.entries.iter().rev().find(|e| e.key == key && e.ty == ty).map(|e| e.datum)
    }

    /// Remembers; gives back an older dirty entry that has to make room.
    pub(super) fn put(&mut self, entry: Entry) -> Option<Entry> {
        if let Some(at) = self.entries.iter().position(|e| e.key == entry.key) {
            self.entries.remove(at);
        }
        self.entries.push_back(entry);
        let room = if self.entries.len() > ENTRIES_MAX { self.entries.pop_front() } else { None };
        room.filter(|e| e.dirty)
    }

    /// Other words for the same value.
    pub(super) fn rephrase(&mut self, key: Key, datum: Datum) {
        if let Some(entry) = self.entries.iter_mut().find(|e| e.key == key) {
            entry.datum = datum;
        }
    }

    /// Dirty entries that `which` names, now clean: the caller stores them.
    pub(super) fn clean(&mut self, mut which: impl FnMut(&Entry) -> bool) -> Vec<Entry> {
        let mut found = Vec::new();
        for entry in self.entries.iter_mut().filter(|e| e.dirty) {
            if which(entry) {
                entry.dirty = false;
                found.push(*entry);
            }
        }
        found
    }

    /// Forgets the entries that `which` names. Dirty ones are lost: only who overwrites them may do that.
    pub(super) fn forget(&mut self, mut which: impl FnMut(&Entry) -> bool) {
        // Mostly there is none, and looking is cheaper than moving.
        if self.entries.iter().any(&mut which) {
            self.entries.retain(|e| !which(e));
        }
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }

    /// The latest entries, latest first.
    pub(super) fn latest(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().rev()
    }
}
