//! Scans that the solver has shown: they answer many a later question without it.
//!
//! Whether a scan can lead into some states is asked over and over again of states that differ little, and the same few scans are the
//! reason why it can.

use super::predicates::Literal;
use super::random::word_of;

/// Scans side by side.
const LANES: usize = 64;
/// Groups of scans that are kept; the oldest make room.
const GROUPS: usize = 48;

/// Scans side by side: the predicates before and after each.
#[derive(Debug, Default)]
struct Group {
    before: Vec<u64>,
    after: Vec<u64>,
    /// The first frame each begins in.
    first: Vec<usize>,
}

impl Group {
    /// In place of those that are as old.
    fn add(&mut self, (lane, first): (usize, usize), before: &[bool], after: &[bool]) {
        if lane == 0 {
            *self = Self::default();
        }
        for (words, values) in [(&mut self.before, before), (&mut self.after, after)] {
            words.resize(values.len(), 0);
            words.iter_mut().zip(values).for_each(|(word, value)| *word |= u64::from(*value) << lane);
        }
        self.first.push(first);
    }
}

/// Scans from states of frames into others.
#[derive(Debug, Default)]
pub struct Transitions {
    groups: Vec<Group>,
    /// Scans added so far.
    added: usize,
}

/// The lanes whose states are among those of the cube.
#[must_use]
pub fn inside(words: &[u64], cube: &[Literal]) -> u64 {
    cube.iter().fold(u64::MAX, |lanes, literal| lanes & word_of(words, *literal))
}

impl Transitions {
    /// Adds a scan: the predicates before and after it, and the first frame its state is in.
    pub fn add(&mut self, before: &[bool], after: &[bool], first: usize) {
        let (number, lane) = (self.added / LANES % GROUPS, self.added % LANES);
        self.added += 1;
        if number == self.groups.len() {
            self.groups.push(Group::default());
        }
        self.groups.get_mut(number).into_iter().for_each(|group| group.add((lane, first), before, after));
    }

    /// No state of the cube is in frames up to this one any more.
    pub fn block(&mut self, cube: &[Literal], frame: usize) {
        for group in &mut self.groups {
            let mut lanes = inside(&group.before, cube);
            while lanes != 0 {
                if let Some(first) = group.first.get_mut(lanes.trailing_zeros() as usize) {
                    *first = (*first).max(frame.saturating_add(1));
                }
                lanes &= lanes - 1;
            }
        }
    }

    /// Does one lead into the cube from a state of the frame that is outside of it? `false` says nothing.
    #[must_use]
    pub fn reach(&self, cube: &[Literal], frame: usize) -> bool {
        self.groups.iter().any(|group| {
            let lanes = inside(&group.after, cube) & !inside(&group.before, cube);
            lanes != 0 && group.first.iter().enumerate().any(|(lane, first)| lanes >> lane & 1 == 1 && *first <= frame)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cube(literals: &[(u32, bool)]) -> Vec<Literal> {
        literals.iter().map(|(predicate, positive)| Literal { predicate: *predicate, positive: *positive }).collect()
    }

    #[test]
    fn a_scan_leads_into_what_it_ends_in_and_did_not_begin_in() {
        let mut shown = Transitions::default();
        shown.add(&[false, true], &[true, true], 1);
        assert!(shown.reach(&cube(&[(0, true)]), 1) && shown.reach(&cube(&[(0, true), (1, true)]), 1));
        assert!(!shown.reach(&cube(&[(1, true)]), 1), "it was there before");
        assert!(!shown.reach(&cube(&[(0, true), (1, false)]), 1), "it does not end there");
        assert!(!shown.reach(&cube(&[(0, true)]), 0), "its state is not the one at power-up");
    }

    #[test]
    fn a_blocked_state_is_in_later_frames_only() {
        let mut shown = Transitions::default();
        shown.add(&[false, true], &[true, true], 1);
        shown.add(&[false, false], &[true, true], 1);
        let into = cube(&[(0, true), (1, true)]);
        shown.block(&cube(&[(1, true)]), 3);
        assert!(shown.reach(&into, 1), "the other one does");
        shown.block(&cube(&[(1, false)]), 5);
        assert_eq!([3, 4, 5, 6].map(|frame| shown.reach(&into, frame)), [false, true, true, true]);
        shown.block(&cube(&[(0, false)]), usize::MAX - 1);
        assert!(!shown.reach(&into, usize::MAX - 1), "blocked in every frame");
    }

    #[test]
    fn the_oldest_make_room() {
        let mut shown = Transitions::default();
        shown.add(&[false, true], &[true, false], 1);
        let first = cube(&[(1, false)]);
        for _ in 1..GROUPS * LANES {
            shown.add(&[false, true], &[true, true], 1);
        }
        assert!(shown.reach(&first, 1));
        shown.add(&[false, true], &[true, true], 1);
        assert!(!shown.reach(&first, 1) && shown.reach(&cube(&[(0, true)]), 1));
    }
}
