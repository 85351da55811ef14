//! What is known of the data segment at one place of the program: ranges of scalars, places of references, the last comparison.
//!
//! Chunks are shared until they are written, because every branch makes a copy. What a chunk does not say is not known. The
//! process image is not followed: its bytes overlap.

use super::class::Cost;
use super::range::Range;
use bytecode::{Op, ScalarType};
use std::collections::BTreeMap;
use std::rc::Rc;

const CHUNK: usize = 64;
type Cells = [Option<Range>; CHUNK];

/// Ranges of scalars by their offset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Store {
    chunks: Vec<Option<Rc<Cells>>>,
}

impl Store {
    /// A store of this many bytes of which nothing is known.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self { chunks: vec![None; bytes.div_ceil(CHUNK)] }
    }

    /// What is known of the scalar at an offset.
    #[must_use]
    pub fn get(&self, offset: u32) -> Option<Range> {
        let cells = self.chunks.get(offset as usize / CHUNK)?.as_ref()?;
        *cells.get(offset as usize % CHUNK)?
    }

    /// From now on this is known of it.
    pub fn set(&mut self, offset: u32, range: Option<Range>) {
        let Some(chunk) = self.chunks.get_mut(offset as usize / CHUNK) else { return };
        if chunk.is_none() && range.is_none() {
            return;
        }
        let cells = Rc::make_mut(chunk.get_or_insert_with(|| Rc::new([None; CHUNK])));
        if let Some(cell) = cells.get_mut(offset as usize % CHUNK) {
            *cell = range;
        }
    }

    /// Nothing is known any more of what stands between two offsets.
    pub fn forget(&mut self, from: u32, to: u32) {
        let end = u32::try_from(self.chunks.len().saturating_mul(CHUNK)).unwrap_or(u32::MAX);
        let (mut at, to) = (from, to.min(end));
        while at < to {
            let in_chunk = at as usize % CHUNK;
            if in_chunk == 0 && (to - at) as usize >= CHUNK {
                if let Some(chunk) = self.chunks.get_mut(at as usize / CHUNK) {
                    *chunk = None;
                }
                at = at.saturating_add(64);
            } else {
                self.set(at, None);
                at = at.saturating_add(1);
            }
        }
    }

    /// Nothing is known of anything any more.
    pub fn forget_all(&mut self) {
        self.chunks.fill(None);
    }

    /// Does everything known here hold there too?
    fn covers(&self, other: &Self) -> bool {
        self.chunks.iter().zip(&other.chunks).all(|(mine, theirs)| match (mine, theirs) {
            (None, _) => true,
            (Some(cells), None) => cells.iter().all(Option::is_none),
            (Some(cells), Some(others)) => {
                Rc::ptr_eq(cells, others) || cells.iter().zip(others.iter()).all(|(cell, other)| covers(*cell, *other))
            }
        })
    }

    /// Forgets what does not hold there.
    fn widen(&mut self, other: &Self) {
        for (mine, theirs) in self.chunks.iter_mut().zip(&other.chunks) {
            match (mine.as_mut(), theirs) {
                (None, _) => {}
                (Some(_), None) => *mine = None,
                (Some(cells), Some(others)) if Rc::ptr_eq(cells, others) => {}
                (Some(cells), Some(others)) => {
                    for (cell, other) in Rc::make_mut(cells).iter_mut().zip(others.iter()) {
                        *cell = cell.filter(|_| covers(*cell, *other));
                    }
                }
            }
        }
    }

    /// What holds on either of two ways.
    fn join(&mut self, other: &Self) {
        for (to, from) in self.chunks.iter_mut().zip(&other.chunks) {
            match (to.as_mut(), from) {
                (None, _) => {}
                (Some(_), None) => *to = None,
                (Some(cells), Some(others)) if Rc::ptr_eq(cells, others) => {}
                (Some(cells), Some(others)) => {
                    for (cell, other) in Rc::make_mut(cells).iter_mut().zip(others.iter()) {
                        *cell = cell.zip(*other).map(|(a, b)| a.join(b));
                    }
                }
            }
        }
    }
}

fn covers(cell: Option<Range>, other: Option<Range>) -> bool {
    cell.is_none_or(|cell| other.is_some_and(|other| cell.low <= other.low && other.high <= cell.high))
}

/// Where something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// At this offset of the data segment.
    At(u32),
    /// Somewhere between two offsets, with everything that belongs to it.
    Within(u32, u32),
    /// Somewhere in the data segment.
    Anywhere,
    /// At this offset of the constant pool.
    Constant(u32),
}

impl Place {
    /// The same, some bytes further on.
    #[must_use]
    pub const fn plus(self, bytes: u32) -> Self {
        match self {
            Self::At(offset) => Self::At(offset.saturating_add(bytes)),
            Self::Constant(offset) => Self::Constant(offset.saturating_add(bytes)),
            other @ (Self::Within(..) | Self::Anywhere) => other,
        }
    }

    fn join(self, other: Self) -> Self {
        if self == other { self } else { Self::Anywhere }
    }
}

/// The last comparison: while nothing writes to what it compared, its result says something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compared {
    /// Where its result stands.
    pub result: u32,
    /// The comparison.
    pub op: Op,
    /// Type of both sides.
    pub ty: ScalarType,
    /// The sides.
    pub sides: [Place; 2],
}

/// Everything that is known at one place of the program, and what the way to it costs.
#[derive(Clone, Debug)]
pub struct State {
    /// Ranges of scalars.
    pub store: Store,
    references: Rc<BTreeMap<(u32, u32), Place>>,
    /// The last comparison.
    pub compared: Option<Compared>,
    /// What the dearest way to here costs.
    pub cost: Cost,
}

impl State {
    /// The start of a scan.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self { store: Store::new(bytes), references: Rc::default(), compared: None, cost: Cost::default() }
    }

    /// Where a reference of a POU points.
    #[must_use]
    pub fn reference(&self, pou: u32, index: u32) -> Place {
        self.references.get(&(pou, index)).copied().unwrap_or(Place::Anywhere)
    }

    /// It points there now.
    pub fn bind(&mut self, pou: u32, index: u32, place: Place) {
        if self.references.get(&(pou, index)) != Some(&place) {
            Rc::make_mut(&mut self.references).insert((pou, index), place);
        }
    }

    /// The scalar at an offset has this range now.
    pub fn set(&mut self, offset: u32, range: Option<Range>) {
        self.store.set(offset, range);
        let touched = |c: &Compared| c.result == offset || c.sides.contains(&Place::At(offset));
        self.compared = self.compared.filter(|c| !touched(c));
    }

    /// Something at a place was written, and what is not known.
    pub fn forget(&mut self, place: Place, bytes: u32) {
        match place {
            Place::At(offset) => self.store.forget(offset, offset.saturating_add(bytes)),
            Place::Within(from, to) => self.store.forget(from, to),
            Place::Anywhere => self.store.forget_all(),
            Place::Constant(_) => return,
        }
        self.compared = None;
    }

    /// Nothing is known but the cost.
    pub fn forget_all(&mut self) {
        self.store.forget_all();
        self.references = Rc::default();
        self.compared = None;
    }

    /// Does everything known here hold there too?
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let references = self.references.iter().all(|(key, place)| other.references.get(key) == Some(place));
        references && self.compared.is_none_or(|c| other.compared == Some(c)) && self.store.covers(&other.store)
    }

    /// Forgets what does not hold there.
    pub fn widen(&mut self, other: &Self) {
        self.store.widen(&other.store);
        if self.references != other.references {
            let kept = self.references.iter().filter(|(key, place)| other.references.get(key) == Some(place));
            self.references = Rc::new(kept.map(|(key, place)| (*key, *place)).collect());
        }
        self.compared = self.compared.filter(|c| other.compared == Some(*c));
    }

    /// Is the same known?
    #[must_use]
    pub fn knows_the_same(&self, other: &Self) -> bool {
        self.store == other.store && self.references == other.references && self.compared == other.compared
    }

    /// What holds on either of two ways; the dearer cost.
    pub fn join(&mut self, other: &Self) {
        self.store.join(&other.store);
        if !Rc::ptr_eq(&self.references, &other.references) && self.references != other.references {
            let both =
                self.references.iter().filter_map(|(key, place)| Some((*key, place.join(*other.references.get(key)?))));
            self.references = Rc::new(both.collect());
        }
        self.compared = self.compared.filter(|c| other.compared == Some(*c));
        self.cost.most(&other.cost);
    }
}
