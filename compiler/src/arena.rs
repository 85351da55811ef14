//! A vector indexed by its own number type, so that a POU number cannot be used where a variable number belongs.
//!
//! Invariant: a number is made only by [`Arena::push`] of the arena it is used with (arenas never shrink), so looking
//! one up cannot fail.

use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

/// A number that indexes one kind of [`Arena`].
pub trait Id: Copy {
    /// From the position in the arena.
    fn from_index(index: usize) -> Self;
    /// The position in the arena.
    fn index(self) -> usize;
}

/// Declares number types for arenas.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u32);
        impl $crate::arena::Id for $name {
            fn from_index(index: usize) -> Self { Self(u32::try_from(index).unwrap_or(u32::MAX)) }
            fn index(self) -> usize { self.0 as usize }
        }
    )*};
}
pub(crate) use ids;

/// Values numbered in the order they were added.
#[derive(Clone, Debug, PartialEq)]
pub struct Arena<I, T> {
    items: Vec<T>,
    marker: PhantomData<I>,
}

impl<I, T> Default for Arena<I, T> {
    fn default() -> Self {
        Self { items: Vec::new(), marker: PhantomData }
    }
}

impl<I: Id, T> Arena<I, T> {
    /// Adds a value and gives its number.
    pub fn push(&mut self, value: T) -> I {
        let id = I::from_index(self.items.len());
        self.items.push(value);
        id
    }

    /// How many values.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// None at all?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The value, where the number belongs to this arena.
    #[must_use]
    pub fn find(&self, id: I) -> Option<&T> {
        self.items.get(id.index())
    }

    /// Numbers and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (I, &T)> {
        self.items.iter().enumerate().map(|(i, v)| (I::from_index(i), v))
    }

    /// All numbers in order.
    pub fn ids(&self) -> impl Iterator<Item = I> + use<I, T> {
        (0..self.items.len()).map(I::from_index)
    }

    /// All values in order.
    pub fn values(&self) -> std::slice::Iter<'_, T> {
        self.items.iter()
    }
}

impl<I: Id, T> Index<I> for Arena<I, T> {
    type Output = T;
    #[allow(clippy::indexing_slicing)] // numbers are made by `push` of the same arena
    fn index(&self, id: I) -> &T {
        &self.items[id.index()]
    }
}

impl<I: Id, T> IndexMut<I> for Arena<I, T> {
    #[allow(clippy::indexing_slicing)] // numbers are made by `push` of the same arena
    fn index_mut(&mut self, id: I) -> &mut T {
        &mut self.items[id.index()]
    }
}
