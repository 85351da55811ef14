//! The data of a program while a scan is worked off symbolically.
//!
//! Terms: the *way* to a point of the code is the condition under which it is reached. Memory is a row of literals, eight a
//! byte, in shared chunks of 8 bytes: a fork copies pointers, a join looks only at chunks that differ.

use super::cases::CaseBook;
use crate::graph::{Graph, Lit};
use crate::hash::FastMap;
use compiler::hir::PouId;
use std::rc::Rc;

/// Literals of a chunk: 8 bytes, so that every aligned scalar lies in one.
pub const CHUNK: usize = 64;

type Chunk = [Lit; CHUNK];
/// Where a reference may point, each with its condition.
pub type Targets = Vec<(Lit, u32)>;

/// Memory and references on one way through the code.
#[derive(Clone, Debug)]
pub struct State {
    /// The way here.
    pub way: Lit,
    chunks: Vec<Rc<Chunk>>,
    refs: Rc<FastMap<(PouId, u8), Targets>>,
}

impl State {
    /// So many bytes, all FALSE.
    #[must_use]
    pub fn new(bytes: u32) -> Self {
        let empty = Rc::new([Lit::FALSE; CHUNK]);
        let chunks = (bytes as usize * 8).div_ceil(CHUNK);
        Self { way: Lit::TRUE, chunks: vec![empty; chunks], refs: Rc::default() }
    }

    /// `count` literals from this one on.
    #[must_use]
    pub fn get(&self, first: usize, count: usize) -> Vec<Lit> {
        (first..first + count).map(|at| self.bit(at)).collect()
    }

    /// One literal.
    #[must_use]
    pub fn bit(&self, at: usize) -> Lit {
        let chunk = self.chunks.get(at / CHUNK);
        chunk.and_then(|c| c.get(at % CHUNK)).copied().unwrap_or(Lit::FALSE)
    }

    /// Writes literals from this one on.
    pub fn put(&mut self, first: usize, lits: &[Lit]) {
        for (at, lit) in (first..).zip(lits) {
            let Some(chunk) = self.chunks.get_mut(at / CHUNK) else { continue };
            // What does not change stays shared.
            if chunk.get(at % CHUNK) == Some(lit) {
                continue;
            }
            if let Some(slot) = Rc::make_mut(chunk).get_mut(at % CHUNK) {
                *slot = *lit;
            }
        }
    }

    /// The same data with other literals in place of these; references are no part of it.
    #[must_use]
    pub fn mapped(&self, mut lit: impl FnMut(Lit) -> Lit) -> Self {
        let mut chunks: Vec<Rc<Chunk>> = Vec::with_capacity(self.chunks.len());
        for chunk in &self.chunks {
            let variable = chunk.iter().any(|bit| bit.value().is_none());
            chunks.push(if variable { Rc::new(chunk.map(&mut lit)) } else { Rc::clone(chunk) });
        }
        Self { way: self.way, chunks, refs: Rc::default() }
    }

    /// Where a reference points.
    #[must_use]
    pub fn targets(&self, pou: PouId, reference: u8) -> &[(Lit, u32)] {
        self.refs.get(&(pou, reference)).map_or(&[], Vec::as_slice)
    }

    /// Points a reference somewhere.
    pub fn bind(&mut self, pou: PouId, reference: u8, targets: Targets) {
        if self.targets(pou, reference) != targets {
            Rc::make_mut(&mut self.refs).insert((pou, reference), targets);
        }
    }

    /// Is everything but the way as there?
    #[must_use]
    pub fn same_data(&self, other: &Self) -> bool {
        let same = |(a, b): (&Rc<Chunk>, &Rc<Chunk>)| Rc::ptr_eq(a, b) || a == b;
        self.chunks.iter().zip(&other.chunks).all(same) && self.refs == other.refs
    }

    /// Joins another way, on which `self` is not.
    pub fn join(&mut self, graph: &mut Graph, cases: &mut CaseBook, other: &Self) {
        if other.way == Lit::FALSE {
            return;
        }
        if self.way == Lit::FALSE {
            self.clone_from(other);
            return;
        }
        for (mine, theirs) in self.chunks.iter_mut().zip(&other.chunks) {
            if Rc::ptr_eq(mine, theirs) || mine == theirs {
                continue;
            }
            let joined = cases.mux(graph, other.way, theirs.as_slice(), mine.as_slice());
            for (slot, lit) in Rc::make_mut(mine).iter_mut().zip(joined) {
                *slot = lit;
            }
        }
        self.join_refs(graph, other);
        self.way = graph.or(self.way, other.way);
    }

    fn join_refs(&mut self, graph: &mut Graph, other: &Self) {
        if Rc::ptr_eq(&self.refs, &other.refs) || self.refs == other.refs {
            return;
        }
        let refs = Rc::make_mut(&mut self.refs);
        for (key, theirs) in other.refs.iter() {
            let mine = refs.entry(*key).or_default();
            if mine == theirs {
                continue;
            }
            for (condition, _) in mine.iter_mut() {
                *condition = graph.and(*condition, !other.way);
            }
            for (condition, place) in theirs {
                let condition = graph.and(*condition, other.way);
                match mine.iter_mut().find(|(_, p)| p == place) {
                    Some((known, _)) => *known = graph.or(*known, condition),
                    None => mine.push((condition, *place)),
                }
            }
        }
    }
}
