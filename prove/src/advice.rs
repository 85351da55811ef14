//! What whoever makes a model knows of it: lemmas that are worth trying, how inputs usually are, and what the stop-watches of a
//! property are.
//!
//! Nothing here is believed. A lemma is a candidate that has to carry itself like any other, and what is usual only steers random
//! runs to where plants spend their time: an input may still be anything. So bad advice costs time and makes no answer wrong.

use crate::engine::predicates::Predicate;

/// At least one of these predicates holds (or does not) before every scan.
pub type Lemma = Vec<(Predicate, bool)>;

/// Lemmas worth trying, and how inputs usually are.
#[derive(Clone, Debug, Default)]
pub struct Advice {
    /// Likely lemmas.
    pub lemmas: Vec<Lemma>,
    /// Inputs that are seldom otherwise.
    pub usual: Vec<Usual>,
    /// Stop-watches of the property.
    pub watches: Vec<Watch>,
}

/// A stop-watch: a counter that says something as long as a latch is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watch {
    /// It is set while the stop-watch runs.
    pub latch: u32,
    /// Scans since it began.
    pub counter: u32,
}

/// How an input usually is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usual {
    /// The input's number.
    pub input: u32,
    /// It is as this latch was before the scan; `None`: TRUE.
    pub latch: Option<u32>,
    /// The other way round.
    pub inverted: bool,
}

/// Numbers of a part of a model, by those in the whole; `None`: it is not in the part.
pub struct Renumbered<'a> {
    /// Of an input.
    pub input: &'a dyn Fn(u32) -> Option<u32>,
    /// Of a latch.
    pub latch: &'a dyn Fn(u32) -> Option<u32>,
    /// Of a counter.
    pub counter: &'a dyn Fn(u32) -> Option<u32>,
}

impl std::fmt::Debug for Renumbered<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Renumbered")
    }
}

impl Renumbered<'_> {
    fn predicate(&self, predicate: Predicate) -> Option<Predicate> {
        let counter = |n| (self.counter)(n);
        Some(match predicate {
            Predicate::Latch(n) => Predicate::Latch((self.latch)(n)?),
            Predicate::AtLeast { counter: n, threshold } => Predicate::AtLeast { counter: counter(n)?, threshold },
            Predicate::Order { left, right, by } => {
                Predicate::Order { left: counter(left)?, right: counter(right)?, by }
            }
            Predicate::CounterBit { counter: n, bit } => Predicate::CounterBit { counter: counter(n)?, bit },
        })
    }
}

impl Advice {
    /// What of it is about a part of the model.
    #[must_use]
    pub fn renumbered(&self, numbers: &Renumbered<'_>) -> Self {
        let lemma = |lemma: &Lemma| -> Option<Lemma> {
            lemma.iter().map(|(predicate, holds)| Some((numbers.predicate(*predicate)?, *holds))).collect()
        };
        let usual = |usual: &Usual| -> Option<Usual> {
            let latch = match usual.latch {
                Some(latch) => Some((numbers.latch)(latch)?),
                None => None,
            };
            Some(Usual { input: (numbers.input)(usual.input)?, latch, ..*usual })
        };
        let watch = |watch: &Watch| -> Option<Watch> {
            Some(Watch { latch: (numbers.latch)(watch.latch)?, counter: (numbers.counter)(watch.counter)? })
        };
        Self {
            lemmas: self.lemmas.iter().filter_map(lemma).collect(),
            usual: self.usual.iter().filter_map(usual).collect(),
            watches: self.watches.iter().filter_map(watch).collect(),
        }
    }

    /// What is left of it where some latches are constants.
    #[must_use]
    pub fn with_constants(&self, value: impl Fn(u32) -> Option<bool>) -> Self {
        let known = |predicate: Predicate| match predicate {
            Predicate::Latch(n) => value(n),
            Predicate::AtLeast { .. } | Predicate::Order { .. } | Predicate::CounterBit { .. } => None,
        };
        let mut lemmas = self.lemmas.clone();
        lemmas.retain(|lemma| lemma.iter().all(|(predicate, holds)| known(*predicate) != Some(*holds)));
        for lemma in &mut lemmas {
            lemma.retain(|(predicate, _)| known(*predicate).is_none());
        }
        lemmas.retain(|lemma| !lemma.is_empty());
        let variable = |watch: &&Watch| value(watch.latch).is_none();
        Self { lemmas, usual: self.usual.clone(), watches: self.watches.iter().filter(variable).copied().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advice() -> Advice {
        let at_least = Predicate::AtLeast { counter: 1, threshold: 5 };
        Advice {
            lemmas: vec![
                vec![(Predicate::Latch(0), false), (at_least, true)],
                vec![(Predicate::Latch(2), true)],
                vec![(Predicate::Latch(0), true), (Predicate::Latch(1), false)],
            ],
            usual: vec![
                Usual { input: 3, latch: Some(1), inverted: true },
                Usual { input: 4, latch: Some(2), inverted: false },
                Usual { input: 5, latch: None, inverted: false },
            ],
            watches: vec![Watch { latch: 0, counter: 1 }, Watch { latch: 2, counter: 1 }],
        }
    }

    #[test]
    fn a_part_gets_what_is_about_it_with_its_own_numbers() {
        let part = advice().renumbered(&Renumbered {
            input: &|old| old.checked_sub(3),
            latch: &|old| [Some(7), Some(6), None].get(old as usize).copied().flatten(),
            counter: &|old| (old == 1).then_some(0),
        });
        let at_least = Predicate::AtLeast { counter: 0, threshold: 5 };
        let lemmas = vec![
            vec![(Predicate::Latch(7), false), (at_least, true)],
            vec![(Predicate::Latch(7), true), (Predicate::Latch(6), false)],
        ];
        assert_eq!(part.lemmas, lemmas, "the second one is about a latch that is not there");
        let usual =
            vec![Usual { input: 0, latch: Some(6), inverted: true }, Usual { input: 2, latch: None, inverted: false }];
        assert_eq!(part.usual, usual);
        assert_eq!(part.watches, vec![Watch { latch: 7, counter: 0 }]);
    }

    #[test]
    fn constants_settle_lemmas_or_drop_out_of_them() {
        let rest = advice().with_constants(|latch| (latch == 0).then_some(true));
        let at_least = Predicate::AtLeast { counter: 1, threshold: 5 };
        assert_eq!(rest.lemmas, vec![vec![(at_least, true)], vec![(Predicate::Latch(2), true)]]);
        assert_eq!(rest.watches, vec![Watch { latch: 2, counter: 1 }]);
    }
}
