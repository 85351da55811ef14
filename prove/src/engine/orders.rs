//! Orders between counters as candidates for lemmas: how far one is ever ahead of another in random runs.

use super::predicates::{Clause, Predicate, Vocabulary};
use super::random::States;
use crate::advice::Watch;
use crate::system::{Blasted, System};

/// Pairs of counters whose order is tried.
const ORDERS_MAX: usize = 200;
/// Counters whose order with a stop-watch is tried.
const WATCHED_MAX: usize = 60;

/// An order, and what holds where it need not.
pub type Found = Vec<(Predicate, bool)>;

fn max_of(system: &System, counter: u32) -> u64 {
    system.counters.get(counter as usize).map_or(0, |c| c.max)
}

/// What random runs say of the distance of pairs of counters.
pub fn between(system: &System, pairs: impl Iterator<Item = (u32, u32)>, states: &[States]) -> Vec<Found> {
    let comparable = |n: u32| max_of(system, n) > 1;
    let pairs = pairs.filter(|(left, right)| comparable(*left) && comparable(*right)).take(ORDERS_MAX);
    pairs.flat_map(|pair| distances(system, pair, None, states)).collect()
}

/// What random runs say of the distance of other counters from the stop-watches of the property, while those run.
#[must_use]
pub fn of_watches(system: &System, states: &[States]) -> Vec<Found> {
    let mut found = Vec::new();
    for watch in &system.advice.watches {
        let others = (0u32..).zip(&system.counters).filter(|(n, c)| *n != watch.counter && c.max > 1);
        for (other, _) in others.take(WATCHED_MAX) {
            for pair in [(watch.counter, other), (other, watch.counter)] {
                found.extend(distances(system, pair, Some(*watch), states));
            }
        }
    }
    found
}

/// That one counter is never further ahead of the other, or not while that one counts, or not before it has come to its end.
fn distances(system: &System, (left, right): (u32, u32), watch: Option<Watch>, states: &[States]) -> Vec<Found> {
    let (max, right_max) = (max_of(system, left).cast_signed(), max_of(system, right));
    let runs = |state: &States| watch.map_or(u64::MAX, |watch| state.set(watch.latch));
    let seen: Vec<[Option<i64>; 3]> = states.iter().map(|s| s.ahead(left, (right, right_max), runs(s))).collect();
    let most = |which: usize| seen.iter().filter_map(|s| s.get(which).copied().flatten()).max();
    let rests = (Predicate::AtLeast { counter: right, threshold: 1 }, false);
    let ended = (Predicate::AtLeast { counter: right, threshold: right_max }, true);
    let mut found = Vec::new();
    for (ahead, unless) in [(most(0), None), (most(1), Some(rests)), (most(2), Some(ended))] {
        let Some(ahead) = ahead.filter(|by| *by < max) else { continue };
        // Never ahead by more: `left >= right + ahead + 1` is false, or the other way round where that is below 0.
        let order = match u64::try_from(ahead + 1) {
            Ok(by) => (Predicate::Order { left, right, by }, false),
            Err(_) => {
                let by = u64::try_from(-ahead).unwrap_or(0);
                (Predicate::Order { left: right, right: left, by }, true)
            }
        };
        let stands = watch.map(|watch| (Predicate::Latch(watch.latch), false));
        found.push(stands.into_iter().chain(unless).chain([order]).collect());
    }
    found
}

/// Found orders over a vocabulary that gets the predicates it lacks.
pub fn clauses(system: &System, blasted: &mut Blasted, vocabulary: &mut Vocabulary, found: &[Found]) -> Vec<Clause> {
    let predicates: Vec<Predicate> = found.iter().flatten().map(|(predicate, _)| *predicate).collect();
    vocabulary.extend(system, blasted, &predicates);
    let clause =
        |found: &Found| found.iter().map(|(predicate, holds)| vocabulary.literal(*predicate, *holds)).collect();
    found.iter().filter_map(clause).collect()
}
