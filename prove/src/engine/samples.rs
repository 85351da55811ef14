//! Predicates in states that random runs have met: what is seen there is reached, so no clause that excludes it is a lemma.

use super::predicates::{Literal, Predicate};
use super::random::States;

/// States that are looked at together.
const BLOCK: usize = 16;

/// Predicates in many states, 64 to a word.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    /// Of each predicate its values in all states, so that few words are read to ask about a few predicates.
    columns: Vec<Vec<u64>>,
    words: usize,
}

impl Samples {
    /// These predicates in these states.
    #[must_use]
    pub fn new(states: &[States], predicates: &[Predicate]) -> Self {
        let column = |predicate: &Predicate| states.iter().map(|states| states.word(*predicate)).collect();
        Self { columns: predicates.iter().map(column).collect(), words: states.len() }
    }

    /// What each word has to be changed by for 1 to say that the literal holds, and the words.
    fn column(&self, literal: Literal) -> (u64, &[u64]) {
        let words = self.columns.get(literal.predicate as usize).map_or(&[] as &[u64], Vec::as_slice);
        (if literal.positive { 0 } else { u64::MAX }, words)
    }

    /// Is any of the states among those of the cube?
    #[must_use]
    pub fn meet(&self, cube: impl Iterator<Item = Literal> + Clone) -> bool {
        (0..self.words).step_by(BLOCK).any(|from| {
            let length = BLOCK.min(self.words - from);
            let mut all = [u64::MAX; BLOCK];
            for literal in cube.clone() {
                let (flip, words) = self.column(literal);
                let words = words.get(from..from + length).unwrap_or_default();
                all.iter_mut().zip(words).for_each(|(all, word)| *all &= word ^ flip);
            }
            all.iter().take(length).any(|all| *all != 0)
        })
    }

    /// Which of the states are among those of the cube: words by their places, where there are any.
    #[must_use]
    pub fn inside(&self, cube: &[Literal]) -> Vec<(usize, u64)> {
        let mut all = vec![u64::MAX; self.words];
        for literal in cube {
            let (flip, words) = self.column(*literal);
            all.iter_mut().zip(words).for_each(|(all, word)| *all &= word ^ flip);
        }
        all.into_iter().enumerate().filter(|(_, all)| *all != 0).collect()
    }

    /// Leaves of such states those in which the literal holds.
    pub fn keep(&self, states: &mut Vec<(usize, u64)>, literal: Literal) {
        let (flip, words) = self.column(literal);
        states.iter_mut().for_each(|(at, all)| *all &= words.get(*at).copied().unwrap_or(0) ^ flip);
        states.retain(|(_, all)| *all != 0);
    }

    /// In how many of such states the literal holds.
    #[must_use]
    pub fn count(&self, states: &[(usize, u64)], literal: Literal) -> u32 {
        let (flip, words) = self.column(literal);
        states.iter().map(|(at, all)| (all & (words.get(*at).copied().unwrap_or(0) ^ flip)).count_ones()).sum()
    }
}

#[cfg(test)]
impl Samples {
    /// Words of predicates, by state.
    pub(crate) fn of(states: &[Vec<u64>]) -> Self {
        let columns = states.iter().map(Vec::len).max().unwrap_or(0);
        let column = |predicate: usize| states.iter().map(|state| state[predicate]).collect();
        Self { columns: (0..columns).map(column).collect(), words: states.len() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_found_wherever_they_are() {
        let literal = |predicate, positive| Literal { predicate, positive };
        for at in [0, 15, 16, 17, 39] {
            let states: Vec<Vec<u64>> = (0..40).map(|n| vec![u64::from(n == at) << 7, !0, 0b1010]).collect();
            let samples = Samples::of(&states);
            let cube = [literal(0, true), literal(1, true), literal(2, false)];
            let meet = |cube: &[Literal]| samples.meet(cube.iter().copied());
            assert!(meet(&cube) && meet(&[]), "{at}");
            assert!(!meet(&[literal(0, true), literal(2, true)]) && !meet(&[literal(1, false)]), "{at}");
            let mut inside = samples.inside(&cube);
            assert_eq!(inside, [(at, 1 << 7)]);
            assert_eq!((samples.count(&inside, literal(1, true)), samples.count(&inside, literal(2, true))), (1, 0));
            samples.keep(&mut inside, literal(2, true));
            assert!(inside.is_empty());
        }
        assert!(!Samples::default().meet([].into_iter()), "no states at all");
    }
}
