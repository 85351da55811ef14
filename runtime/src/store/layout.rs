//! Which bytes of the data segment are kept, and how kept values find their variables again.
//!
//! The scan thread copies *ranges* (few and long: values that stand near each other are copied in one piece, with what
//! lies between); everybody else sees *slots*, one scalar each ([`bytecode::retained()`]). A value fits a slot of the
//! same path, without regard to case, and the same type.

use super::codes::{StoreCode, StoreError};
use super::file::Change;
use super::model::{Document, StoredValue};
use crate::vm::Memory;
use bytecode::image::Place;
use bytecode::scalar::{Scalar, ScalarType};
use bytecode::{Image, RetainedSlot};
use std::collections::HashMap;

/// Bytes between two values that are copied along rather than starting another range: a copy of so few costs less than
/// the range's own bookkeeping.
const GAP_MAX: u32 = 32;

/// A range of the data segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    from: u32,
    to: u32,
}

#[derive(Clone, Debug)]
struct Row {
    slot: RetainedSlot,
    key: String,
    scalar: ScalarType,
    /// Where its bytes stand in the copy.
    at: usize,
}

/// The retained part of a program's data.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    rows: Vec<Row>,
    ranges: Vec<Range>,
    bytes: usize,
}

impl Layout {
    /// The layout of a program.
    ///
    /// # Errors
    /// [`StoreCode::TooMany`].
    pub fn of(image: &Image) -> Result<Self, StoreError> {
        let slots = bytecode::retained(image).map_err(|e| StoreError::new(StoreCode::TooMany, e.to_string()))?;
        let mut spans: Vec<Range> =
            slots.iter().map(|s| Range { from: s.offset(), to: s.offset().saturating_add(s.size) }).collect();
        spans.sort_by_key(|span| span.from);
        let mut ranges: Vec<Range> = Vec::new();
        for span in spans {
            match ranges.last_mut() {
                Some(last) if span.from <= last.to.saturating_add(GAP_MAX) => last.to = last.to.max(span.to),
                Some(_) | None => ranges.push(span),
            }
        }
        let mut starts = Vec::with_capacity(ranges.len());
        let mut bytes = 0_usize;
        for range in &ranges {
            starts.push(bytes);
            bytes += (range.to - range.from) as usize;
        }
        let position = |offset: u32| {
            let index = ranges.partition_point(|r| r.from <= offset).checked_sub(1)?;
            Some(starts.get(index)? + (offset - ranges.get(index)?.from) as usize)
        };
        let rows = slots.into_iter().filter_map(|slot| {
            let (scalar, at) = (slot.elementary.scalar()?, position(slot.offset())?);
            Some(Row { key: slot.key(), slot, scalar, at })
        });
        Ok(Self { rows: rows.collect(), ranges, bytes })
    }

    /// Number of kept values.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Is nothing kept?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Bytes of a copy.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Copies the kept ranges of a data segment to the front of `copy`. Does not allocate.
    pub fn take(&self, data: &[u8], copy: &mut [u8]) {
        let mut rest = copy;
        for range in &self.ranges {
            let length = (range.to - range.from) as usize;
            let Some((to, after)) = rest.split_at_mut_checked(length) else { return };
            if let Some(from) = data.get(range.from as usize..range.to as usize) {
                to.copy_from_slice(from);
            }
            rest = after;
        }
    }

    /// Puts the kept values of a copy, as [`Self::take`] made it of the same program, back into a data segment.
    pub fn put(&self, copy: &[u8], memory: &mut Memory) {
        for row in &self.rows {
            memory.write(row.slot.place, row.scalar, row.bits(copy));
        }
    }

    /// The values of a copy, in the order of the slots.
    pub fn values<'a>(&'a self, copy: &'a [u8]) -> impl Iterator<Item = u64> + 'a {
        self.rows.iter().map(|row| row.bits(copy))
    }

    /// The bits of each slot that a document holds for it.
    pub(super) fn committed(&self, document: &Document) -> Vec<Option<u64>> {
        let of = |row: &Row| document.values.get(&row.key).filter(|v| v.fingerprint == row.slot.fingerprint);
        self.rows.iter().map(|row| of(row).map(|value| value.bits)).collect()
    }

    /// The stored form of a slot's value.
    pub(super) fn stored(&self, index: usize, bits: u64) -> Option<(String, StoredValue)> {
        let Row { slot, key, .. } = self.rows.get(index)?;
        let value = StoredValue {
            path: slot.path.clone(),
            elementary: slot.elementary,
            bits,
            persistent: slot.persistent,
            fingerprint: slot.fingerprint,
        };
        Some((key.clone(), value))
    }
}

impl Row {
    fn bits(&self, copy: &[u8]) -> u64 {
        let bytes = copy.get(self.at..).unwrap_or_default();
        match self.slot.place {
            Place::Bit { bit, .. } => bytes.first().map_or(0, |byte| u64::from(byte >> (bit & 7) & 1)),
            Place::Byte(_) => {
                let bits = bytes.get(..self.scalar.size() as usize).map_or(0, u64::load);
                if self.scalar == ScalarType::Bool { u64::from(bits != 0) } else { bits }
            }
        }
    }
}

/// What came of the kept values at a start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// Values put back into their variables.
    pub restored: usize,
    /// Of these, values that had been aside.
    pub taken_back: usize,
    /// Kept variables that have no value yet and begin with their initial value.
    pub fresh: usize,
    /// RETAIN values a cold start dropped.
    pub dropped: usize,
    /// Paths of values that fit no variable of this program, or one of another type.
    pub unfit: Vec<String>,
}

/// Puts kept values into the data segment before the first scan, and says what moves in the store: what does not fit goes
/// aside, what fits again comes back. A cold start drops RETAIN values and keeps PERSISTENT ones.
///
/// Values go through their variable's type: a BOOL becomes 0 or 1 whatever the file says.
pub fn restore(layout: &Layout, document: &Document, memory: &mut Memory, cold: bool) -> (Restored, Vec<Change>) {
    let mut outcome = Restored::default();
    let mut changes = Vec::new();
    let mut known = HashMap::with_capacity(layout.rows.len());
    for row in &layout.rows {
        known.insert(row.key.as_str(), row.slot.fingerprint);
        let fits = |value: &&StoredValue| value.fingerprint == row.slot.fingerprint;
        let keeps = |value: &&StoredValue| !cold || (value.persistent && row.slot.persistent);
        let present = document.values.get(&row.key);
        let aside = document.values_aside.get(&row.key).filter(fits).filter(keeps);
        match (present.filter(fits), aside) {
            (Some(value), _) if keeps(&value) => {
                outcome.restored += usize::from(memory.write(row.slot.place, row.scalar, value.bits));
            }
            (Some(_), _) => outcome.dropped += 1,
            (None, Some(value)) => {
                outcome.restored += usize::from(memory.write(row.slot.place, row.scalar, value.bits));
                outcome.taken_back += 1;
                changes.push(Change::ValueAside(row.key.clone(), None));
            }
            (None, None) => outcome.fresh += 1,
        }
    }
    for (key, value) in &document.values {
        let gone = known.get(key.as_str()) != Some(&value.fingerprint);
        if gone && cold && !value.persistent {
            outcome.dropped += 1;
            changes.push(Change::Value(key.clone(), None));
        } else if gone {
            outcome.unfit.push(value.path.clone());
            changes.push(Change::Value(key.clone(), None));
            changes.push(Change::ValueAside(key.clone(), Some(value.clone())));
        }
    }
    (outcome, changes)
}

#[cfg(test)]
mod tests;
