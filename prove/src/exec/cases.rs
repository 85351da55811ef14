//! Durations that are one of a few constants, such as a preset chosen from a table.
//!
//! A timer compares its elapsed time with its preset. Where the preset is a choice among constants, each of them is a
//! threshold of the timer's counter, and the proof needs no arithmetic on durations. The book remembers which rows of
//! literals are such choices; whoever reads the same row again finds them.

use crate::graph::{Graph, Lit};
use crate::hash::FastMap;
use crate::vector;

/// Most constants one choice is followed for.
const CASES_MAX: usize = 32;

/// Constants, each with its condition; exactly one condition holds.
pub type Cases = Vec<(Lit, u64)>;

/// Known choices by their literals.
#[derive(Clone, Debug, Default)]
pub struct CaseBook {
    known: FastMap<Vec<Lit>, Cases>,
}

impl CaseBook {
    /// The constants a row of literals is one of.
    #[must_use]
    pub fn of(&self, row: &[Lit]) -> Option<Cases> {
        match vector::value(row) {
            Some(bits) => Some(vec![(Lit::TRUE, bits)]),
            None => self.known.get(row).cloned(),
        }
    }

    /// `yes` where `condition`, else `no`; a choice among constants is remembered.
    pub fn mux(&mut self, graph: &mut Graph, condition: Lit, yes: &[Lit], no: &[Lit]) -> Vec<Lit> {
        let row = vector::mux(graph, condition, yes, no);
        if row.len() == 64
            && condition.value().is_none()
            && vector::value(&row).is_none()
            && let (Some(yes), Some(no)) = (self.of(yes), self.of(no))
        {
            let cases = joined(graph, condition, yes, no);
            if cases.len() <= CASES_MAX {
                self.known.insert(row.clone(), cases);
            }
        }
        row
    }
}

/// The choice between two choices.
fn joined(graph: &mut Graph, condition: Lit, yes: Cases, no: Cases) -> Cases {
    let mut cases: Cases = Vec::new();
    for (way, side) in [(condition, yes), (!condition, no)] {
        for (under, bits) in side {
            let under = graph.and(way, under);
            match cases.iter_mut().find(|(_, known)| *known == bits) {
                Some((known, _)) => *known = graph.or(*known, under),
                None => cases.push((under, bits)),
            }
        }
    }
    cases.retain(|(under, _)| *under != Lit::FALSE);
    cases
}
