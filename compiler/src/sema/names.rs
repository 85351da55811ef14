//! The names of one POU, in the order of their declarations.
//!
//! In a large program a look into a hash table of all names waits for memory, twice. Most names are used near others that
//! were declared beside them, so those around the one that was asked for last are looked at first.

use super::Named;
use crate::ast::Ident;
use foldhash::fast::RandomState;
use indexmap::IndexMap;
use indexmap::map::Entry;
use smol_str::SmolStr;
use std::cell::Cell;

/// Tables below this size stay near the processor.
const LARGE: usize = 4096;
/// How far from the last one names are looked at.
const BESIDE: usize = 5;

/// What each name stands for, in the form of [`Ident::key`].
#[derive(Default)]
pub(super) struct Names {
    map: IndexMap<SmolStr, Named, RandomState>,
    /// The one asked for last.
    last: Cell<usize>,
}

impl Names {
    /// What a name stands for.
    pub(super) fn get(&self, ident: &Ident) -> Option<Named> {
        if self.map.len() >= LARGE {
            let last = self.last.get();
            for at in last.saturating_sub(BESIDE)..=last.saturating_add(BESIDE) {
                if let Some((name, named)) = self.map.get_index(at)
                    && ident.is(name)
                {
                    self.last.set(at);
                    return Some(*named);
                }
            }
        }
        let (at, _, named) = self.map.get_full(&ident.key())?;
        self.last.set(at);
        Some(*named)
    }

    /// Enters a name, whatever it stood for before.
    pub(super) fn set(&mut self, key: SmolStr, named: Named) {
        self.map.insert(key, named);
    }

    /// Enters a name that stands for nothing yet; else gives what it stands for.
    pub(super) fn enter(&mut self, key: SmolStr, named: Named) -> Option<Named> {
        match self.map.entry(key) {
            Entry::Occupied(first) => Some(*first.get()),
            Entry::Vacant(place) => {
                place.insert(named);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::Id as _;
    use crate::hir::VarId;
    use crate::source::Span;

    #[test]
    fn every_name_is_found_from_everywhere() {
        let mut names = Names::default();
        let key = |number: usize| SmolStr::new(format!("N{number}"));
        let ident = |number: usize| Ident { text: SmolStr::new(format!("n{number}")), span: Span::default() };
        let named = |number: usize| Named::Local(VarId::from_index(number));
        for number in 0..2 * LARGE {
            assert_eq!(names.get(&ident(number)), None);
            assert_eq!(names.enter(key(number), named(number)), None);
            assert!(names.enter(key(number / 2), named(number)).is_some());
        }
        for step in [0, 1, 4, 5, 6, LARGE - 1] {
            for from in [0, 7, LARGE, 2 * LARGE - 1] {
                for to in [from.saturating_sub(step), from, (from + step).min(2 * LARGE - 1)] {
                    assert_eq!((names.get(&ident(from)), names.get(&ident(to))), (Some(named(from)), Some(named(to))));
                }
            }
        }
        names.set(key(3), Named::Broken);
        assert_eq!(names.get(&ident(3)), Some(Named::Broken));
        assert_eq!(names.get(&ident(2 * LARGE)), None);
    }
}
