//! Index newtypes of the bank: channels, groups and writes.
//!
//! Invariant: a [`ChannelId`] or [`GroupId`] is minted only by the [`crate::ChannelTable`] that numbered its channels and groups, so it is in range
//! for every [`PerChannel`] and [`PerGroup`] made from that table. This module does not know what a channel is.

use std::ops::{Index, IndexMut};

/// A channel of one [`crate::ChannelTable`], numbered from 0 in configuration order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId(pub(crate) u16);

impl ChannelId {
    /// Position in configuration order, for the caller's own arrays that run parallel to the channels.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// An interlock group of one [`crate::ChannelTable`], numbered from 0 in configuration order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub(crate) u16);

impl GroupId {
    /// Position in configuration order.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// Number of a write to one channel's line. Every change of level gets the next number, and the driver hands back the number of the last write it
/// completed. A level alone would not do: an OFF acknowledged *before* an ON could pass for the acknowledgement of the OFF *after* it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WriteId(pub(crate) u64);

impl WriteId {
    /// No write completed yet. Never the number of a write.
    pub const NONE: Self = Self(0);

    pub(crate) fn next(self) -> Self {
        // 2^64 writes at one per nanosecond take 584 years: the number does not come round.
        Self(self.0.wrapping_add(1).max(1))
    }
}

/// One value per channel.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct PerChannel<T>(Vec<T>);

impl<T: Clone> Clone for PerChannel<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }

    /// Keeps the memory, for searches that copy millions of states.
    fn clone_from(&mut self, source: &Self) {
        self.0.clone_from(&source.0);
    }
}

impl<T> PerChannel<T> {
    pub(crate) fn from_fn(count: usize, mut make: impl FnMut(ChannelId) -> T) -> Self {
        Self(channel_ids(count).map(&mut make).collect())
    }

    /// `values` in configuration order.
    pub(crate) fn from_vec(values: Vec<T>) -> Self {
        Self(values)
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, T> {
        self.0.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> std::slice::IterMut<'_, T> {
        self.0.iter_mut()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl<T> Index<ChannelId> for PerChannel<T> {
    type Output = T;

    #[expect(clippy::indexing_slicing, reason = "ids are minted only by the table this array was sized by")]
    fn index(&self, id: ChannelId) -> &T {
        &self.0[id.index()]
    }
}

impl<T> IndexMut<ChannelId> for PerChannel<T> {
    #[expect(clippy::indexing_slicing, reason = "ids are minted only by the table this array was sized by")]
    fn index_mut(&mut self, id: ChannelId) -> &mut T {
        &mut self.0[id.index()]
    }
}

/// One value per group.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct PerGroup<T>(Vec<T>);

impl<T: Clone> Clone for PerGroup<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }

    /// Keeps the memory, for searches that copy millions of states.
    fn clone_from(&mut self, source: &Self) {
        self.0.clone_from(&source.0);
    }
}

impl<T> PerGroup<T> {
    pub(crate) fn from_fn(count: usize, make: impl FnMut(GroupId) -> T) -> Self {
        Self(group_ids(count).map(make).collect())
    }

    /// `values` in configuration order.
    pub(crate) fn from_vec(values: Vec<T>) -> Self {
        Self(values)
    }
}

impl<T> Index<GroupId> for PerGroup<T> {
    type Output = T;

    #[expect(clippy::indexing_slicing, reason = "ids are minted only by the table this array was sized by")]
    fn index(&self, id: GroupId) -> &T {
        &self.0[id.index()]
    }
}

impl<T> IndexMut<GroupId> for PerGroup<T> {
    #[expect(clippy::indexing_slicing, reason = "ids are minted only by the table this array was sized by")]
    fn index_mut(&mut self, id: GroupId) -> &mut T {
        &mut self.0[id.index()]
    }
}

/// The ids of `count` channels. `count` is at most [`crate::table::CHANNELS_MAX`], which fits.
pub(crate) fn channel_ids(count: usize) -> impl DoubleEndedIterator<Item = ChannelId> + ExactSizeIterator + Clone {
    (0..u16::try_from(count).unwrap_or(u16::MAX)).map(ChannelId)
}

/// The ids of `count` groups. `count` is at most [`crate::table::GROUPS_MAX`], which fits.
pub(crate) fn group_ids(count: usize) -> impl DoubleEndedIterator<Item = GroupId> + ExactSizeIterator + Clone {
    (0..u16::try_from(count).unwrap_or(u16::MAX)).map(GroupId)
}
