//! What is known of memory while a stretch of code is translated: which value stands at which place.
//!
//! A few dozen places at most, the latest ones, so that every question costs the same however long a program is. An
//! entry is *dirty* while its store is put off: only where the same stretch writes the place again before it ends, so
//! that most of these stores never happen, or where the value is wanted by nobody behind the stretch. Who may see memory
//! another way asks for the dirty entries first.

use super::flat::Program;
use bytecode::ScalarType;
use cranelift_codegen::ir::Value;
use cranelift_frontend::Variable;

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
    pub(super) store: Store,
}

/// Does memory have the value of an entry?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Store {
    Done,
    /// Not yet.
    Waits,
    /// It need not, unless the entry has to make room: nobody reads it behind this block.
    Passes,
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

/// The places remembered. What every instruction asks is answered from short rows of numbers.
#[derive(Debug, Default)]
pub(super) struct Cache {
    entries: Vec<Entry>,
    /// The offset of each entry's place.
    ats: Vec<u32>,
    /// When each entry came, counted up.
    came: Vec<u32>,
    clock: u32,
    /// Entries behind the own pointer.
    owns: usize,
}

impl Cache {
    /// No place is remembered twice.
    fn position(&self, key: Key) -> Option<usize> {
        let mut from = 0;
        loop {
            let at = from + self.ats.get(from..)?.iter().position(|at| *at == key.at)?;
            if self.entries.get(at)?.key.own == key.own {
                return Some(at);
            }
            from = at + 1;
        }
    }

    pub(super) fn get(&self, key: Key, ty: ScalarType) -> Option<Datum> {
        let entry = self.entries.get(self.position(key)?)?;
        (entry.ty == ty).then_some(entry.datum)
    }

    /// True where writing a scalar outside the process image touches no other entry: all are reached the same way, and none
    /// is of another type at the same place ([`may_touch`] has the reasons).
    pub(super) fn is_alone(&self, key: Key, ty: ScalarType) -> bool {
        let same_base = if key.own { self.owns == self.ats.len() } else { self.owns == 0 };
        same_base && self.position(key).and_then(|at| self.entries.get(at)).is_none_or(|e| e.ty == ty)
    }

    /// Remembers; gives back an older dirty entry that has to make room.
    pub(super) fn put(&mut self, entry: Entry) -> Option<Entry> {
        self.clock = self.clock.wrapping_add(1);
        let known = self.position(entry.key);
        let oldest = || (0..self.came.len()).min_by_key(|at| self.came.get(*at).copied().unwrap_or(0));
        let place = known.or_else(|| if self.ats.len() < ENTRIES_MAX { None } else { oldest() });
        self.owns += usize::from(entry.key.own);
        let (Some(old), Some(at), Some(came)) = (
            place.and_then(|place| self.entries.get_mut(place)),
            place.and_then(|place| self.ats.get_mut(place)),
            place.and_then(|place| self.came.get_mut(place)),
        ) else {
            self.entries.push(entry);
            self.ats.push(entry.key.at);
            self.came.push(self.clock);
            return None;
        };
        (*at, *came) = (entry.key.at, self.clock);
        let old = std::mem::replace(old, entry);
        self.owns -= usize::from(old.key.own);
        Some(old).filter(|old| known.is_none() && old.store != Store::Done)
    }

    /// Other words for the same value.
    pub(super) fn rephrase(&mut self, key: Key, datum: Datum) {
        if let Some(entry) = self.position(key).and_then(|at| self.entries.get_mut(at)) {
            entry.datum = datum;
        }
    }

    /// The numbers of all entries, oldest first.
    fn by_age(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.came.len()).collect();
        order.sort_unstable_by_key(|at| self.came.get(*at).copied());
        order
    }

    /// Somebody may read behind this block what was to be read in it only.
    pub(super) fn nothing_passes(&mut self) {
        for entry in self.entries.iter_mut().filter(|entry| entry.store == Store::Passes) {
            entry.store = Store::Waits;
        }
    }

    /// Entries whose stores wait and that `which` names, oldest first, now clean: the caller stores them.
    pub(super) fn clean(&mut self, mut which: impl FnMut(&Entry) -> bool) -> Vec<Entry> {
        // Mostly there is none.
        if !self.entries.iter().any(|e| e.store == Store::Waits && which(e)) {
            return Vec::new();
        }
        let mut found = Vec::new();
        for at in self.by_age() {
            if let Some(entry) = self.entries.get_mut(at)
                && entry.store == Store::Waits
                && which(entry)
            {
                entry.store = Store::Done;
                found.push(*entry);
            }
        }
        found
    }

    /// Forgets the entries that `which` names. Dirty ones are lost: only who overwrites them may do that.
    pub(super) fn forget(&mut self, mut which: impl FnMut(&Entry) -> bool) {
        let mut at = 0;
        while let Some(entry) = self.entries.get(at) {
            if which(entry) {
                self.owns -= usize::from(entry.key.own);
                self.entries.swap_remove(at);
                self.ats.swap_remove(at);
                self.came.swap_remove(at);
            } else {
                at += 1;
            }
        }
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.ats.clear();
        self.came.clear();
        self.owns = 0;
    }

    /// The latest entries, latest first.
    pub(super) fn latest(&self) -> impl Iterator<Item = &Entry> {
        self.by_age().into_iter().rev().filter_map(|at| self.entries.get(at))
    }
}
