//! Latches that never change, though no constant in the program says so: the upper bits of a stage number, say.
//!
//! They are found as single-literal lemmas and put into the system as constants, before anybody searches or proves in it. A
//! proof in the smaller system carries them along, so that the checker sees the whole.

use super::carried;
use super::predicates::{Predicate, Vocabulary};
use super::random;
use crate::graph::{Copier, Graph, Leaf, Lit};
use crate::hash::FastMap;
use crate::sat::Limit;
use crate::system::{Blasted, Counter, Latch, System};
use crate::words::{Word, word_of};

/// Scans of random runs that a latch has to keep its value for.
const SCANS: usize = 120;
/// Times candidates are thrown out. A chain of rungs that random runs never got through takes a round for each of them, and has no
/// constants.
const ROUNDS_MAX: usize = 40;

/// A smaller system with the same answers.
#[derive(Clone, Debug)]
pub struct Reduced {
    /// The system.
    pub system: System,
    /// What was put in as constants: latches of the whole system.
    pub constants: Vec<(u32, bool)>,
    /// Some of these constants are known only together with the lemmas that came with the system.
    pub advised: bool,
    /// Numbers of the latches in the whole system.
    pub latches: Vec<u32>,
    /// Numbers of the counters in the whole system.
    counters: Vec<u32>,
}

impl Reduced {
    /// A predicate of the smaller system in the whole one.
    #[must_use]
    pub fn original(&self, predicate: Predicate) -> Predicate {
        let latch = |n: u32| self.latches.get(n as usize).copied().unwrap_or(u32::MAX);
        let counter = |n: u32| match word_of(n) {
            None => self.counters.get(n as usize).copied().unwrap_or(u32::MAX),
            Some(_) => n,
        };
        match predicate {
            Predicate::Latch(n) => Predicate::Latch(latch(n)),
            Predicate::AtLeast { counter: n, threshold } => Predicate::AtLeast { counter: counter(n), threshold },
            Predicate::CounterBit { counter: n, bit } => Predicate::CounterBit { counter: counter(n), bit },
            Predicate::Order { left, right, by } => Predicate::Order { left: counter(left), right: counter(right), by },
        }
    }
}

/// Finds latches that keep their starting value for ever, and leaves them out.
#[must_use]
pub fn reduce(system: &System, limit: &Limit) -> Reduced {
    let mut constants = constants(system, limit);
    let mut values: FastMap<u32, bool> = constants.iter().copied().collect();
    let known = system.advice.lemmas.iter().filter_map(|lemma| match lemma.as_slice() {
        [(Predicate::Latch(latch), value)] if !values.contains_key(latch) => Some((*latch, *value)),
        _ => None,
    });
    let known: Vec<(u32, bool)> = known.collect();
    let advised = !known.is_empty();
    values.extend(known.iter().copied());
    constants.extend(known);
    Reduced { advised, ..smaller(system, constants, &values) }
}

fn constants(system: &System, limit: &Limit) -> Vec<(u32, bool)> {
    let mut blasted = Blasted::for_proofs(system);
    let mut vocabulary = Vocabulary::default();
    let latches: Vec<Predicate> = (0u32..).zip(&system.latches).map(|(n, _)| Predicate::Latch(n)).collect();
    let states = random::states(system, SCANS).states;
    let mut steady: Vec<Option<bool>> = vocabulary_start(system, &latches);
    for state in &states {
        for (steady, word) in steady.iter_mut().zip(state.sample(&latches)) {
            if *steady
                != if word == 0 {
                    Some(false)
                } else if word == u64::MAX {
                    Some(true)
                } else {
                    None
                }
            {
                *steady = None;
            }
        }
    }
    let candidates: Vec<Predicate> =
        latches.iter().zip(&steady).filter(|(_, s)| s.is_some()).map(|(p, _)| *p).collect();
    if candidates.is_empty() {
        return Vec::new();
    }
    vocabulary.extend(system, &mut blasted, &candidates);
    let clauses = candidates
        .iter()
        .zip(steady.iter().flatten())
        .filter_map(|(predicate, value)| vocabulary.literal(*predicate, *value).map(|l| vec![l]))
        .collect();
    let kept = carried::inductive((system, &blasted), &vocabulary, clauses, ROUNDS_MAX, limit);
    kept.iter()
        .flatten()
        .filter_map(|literal| match vocabulary.predicates.get(literal.predicate as usize) {
            Some(Predicate::Latch(number)) => Some((*number, literal.positive)),
            Some(Predicate::AtLeast { .. } | Predicate::Order { .. } | Predicate::CounterBit { .. }) | None => None,
        })
        .collect()
}

fn vocabulary_start(system: &System, latches: &[Predicate]) -> Vec<Option<bool>> {
    latches.iter().map(|p| super::predicates::at_start(system, *p)).collect()
}

/// The system with these latches as constants, and only what its question still depends on.
fn smaller(system: &System, constants: Vec<(u32, bool)>, values: &FastMap<u32, bool>) -> Reduced {
    let mut graph = Graph::default();
    let mut copier = Copier::new(&system.graph);
    let mut leaves = |graph: &mut Graph, leaf: Leaf| match leaf {
        Leaf::Latch(number) => match values.get(&number) {
            Some(value) => Lit::constant(*value),
            None => graph.leaf(leaf),
        },
        Leaf::Input(_) | Leaf::AtLeast { .. } | Leaf::CounterBit { .. } => graph.leaf(leaf),
    };
    let mut copy = |lit: Lit| copier.copy(&system.graph, &mut graph, lit, &mut leaves);
    let latches = system.latches.iter().map(|l| Latch { next: copy(l.next), ..*l }).collect();
    let counters =
        system.counters.iter().map(|c| Counter { run: copy(c.run), hold: copy(c.hold), ..c.clone() }).collect();
    let (bad, constraint) = (copy(system.bad), copy(system.constraint));
    // What is FALSE for ever is still a bit of its word; a word that cannot be 0 is no counter.
    let word = |word: &Word| -> Word {
        let bits = word.iter().map(|bit| match bit.and_then(|latch| values.get(&latch)) {
            Some(true) => None,
            Some(false) => Some(None),
            None => Some(*bit),
        });
        bits.collect::<Option<Word>>().unwrap_or_default()
    };
    let words = system.words.iter().map(word).collect();
    let advice = system.advice.with_constants(|latch| values.get(&latch).copied());
    let inputs = system.inputs.clone();
    let whole = System { graph, inputs, latches, counters, words, bad, constraint, advice };
    let (system, latches, counters) = whole.cone();
    Reduced { system, constants, advised: false, latches, counters }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advice::Advice;
    use crate::check;
    use crate::engine::portfolio::{self, Verdict};
    use crate::model::Start;

    /// Two latches take turns, and a third one is set where neither is: it never is, but that takes both of them to see.
    fn turns(lemmas: Vec<Vec<(Predicate, bool)>>) -> System {
        let mut graph = Graph::default();
        let [one, other, neither] = [0, 1, 2].map(|n| graph.leaf(Leaf::Latch(n)));
        let press = graph.leaf(Leaf::Input(0));
        let latch = |(model, start, next): (u32, bool, Lit)| Latch { model, start: Start::Value(start), next };
        let none = !graph.or(one, other);
        let bad = graph.and(neither, press);
        let latches = [(0, true, other), (1, false, one), (2, false, none)].map(latch).to_vec();
        let advice = Advice { lemmas, ..Advice::default() };
        System { inputs: vec![0], advice, ..System::of_latches(graph, latches, bad) }
    }

    #[test]
    fn constants_that_need_what_came_with_the_system_are_put_in_and_proved_with_it() {
        let limit = Limit::default();
        let either = vec![(Predicate::Latch(0), true), (Predicate::Latch(1), true)];
        let never = vec![(Predicate::Latch(2), false)];
        let alone = reduce(&turns(Vec::new()), &limit);
        assert!(alone.constants.is_empty() && !alone.advised);
        let system = turns(vec![either.clone(), never.clone()]);
        let reduced = reduce(&system, &limit);
        assert_eq!((reduced.constants, reduced.advised), (vec![(2, false)], true));
        assert_eq!(reduced.system.bad, Lit::FALSE);
        let Verdict::Proved(certificate) = portfolio::decide(&system, &limit) else { panic!("not proved") };
        assert_eq!(check::check(&system, &certificate, &limit), Ok(()));
        let mut clauses = certificate.clauses;
        clauses.sort();
        assert_eq!(clauses, vec![either, never], "nothing that is not needed");
    }
}
