//! Laps: a few steps of the search gone through again and again, as when somebody presses a button 32,767 times.
//!
//! Steps may be repeated as a whole where every latch is after them as before them, where every counter is so too or has grown
//! by 1 or 2 without ever becoming 0, and where no counter that grows passes, in the last lap, a value it is compared with. What a
//! counter is compared with is then the same in every lap, so every lap does what the first one did: as with a repeated
//! scan, the repetition is exact and costs one step, however often it is done.

use super::bounded::{Bounded, Now};
use crate::graph::Lit;
use crate::system::{Counter, at_least};
use crate::vector::{self, Vector};

/// Steps of a lap: on and off; more where something has to run out in between.
const PERIODS: [usize; 3] = [2, 3, 4];
/// A counter up to this is not worth laps.
const FEW: u64 = 16;

/// Steps of a trace that are gone through several times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lap {
    /// The first of them.
    pub first: usize,
    /// How many steps.
    pub count: usize,
    /// How often in all: at least twice.
    pub times: u64,
}

/// Every step in the order in which they are done, and whether it belongs to a lap gone through before.
pub fn walk(steps: usize, laps: &[Lap]) -> impl Iterator<Item = (usize, bool)> {
    let mut next = 0;
    let mut laps = laps.iter().peekable();
    std::iter::from_fn(move || {
        if next >= steps {
            return None;
        }
        let (first, count, times) = match laps.next_if(|lap| lap.first <= next) {
            Some(lap) => (lap.first, lap.count.max(1), lap.times),
            None => (next, 1, 1),
        };
        next = first + count;
        Some((0..times).flat_map(move |time| (first..first + count).map(move |step| (step, time > 0))))
    })
    .flatten()
}

/// Scans of steps that take so many each.
#[must_use]
pub fn scans(steps: &[u64], laps: &[Lap]) -> u64 {
    let sum = |steps: &[u64]| steps.iter().fold(0u64, |sum, scans| sum.saturating_add(*scans));
    laps.iter().fold(sum(steps), |all, lap| {
        let once = sum(steps.get(lap.first..lap.first + lap.count).unwrap_or_default());
        all.saturating_add(once.saturating_mul(lap.times.saturating_sub(1)))
    })
}

/// Is it a counter of events, worth laps?
#[must_use]
pub fn counts_events(counter: &Counter) -> bool {
    counter.hold != Lit::FALSE && counter.max > FEW && !counter.exposed
}

/// A step that may be part of a lap.
pub(super) struct Past {
    /// The state before it.
    pub before: Now,
    /// When each counter counts and rests.
    pub runs: Vec<(Lit, Lit)>,
    /// Its scan is repeated.
    pub jumps: Lit,
}

/// How often the steps up to one are repeated.
#[derive(Clone, Debug, Default)]
pub(super) struct Repeat {
    /// Further laps.
    pub more: Vector,
    /// Steps of a lap, and when it has so many.
    pub periods: Vec<(usize, Lit)>,
    /// There are further laps.
    pub any: Option<Lit>,
}

impl Bounded<'_> {
    /// Lets the steps up to the one just unrolled be repeated; when that is allowed.
    pub(super) fn lap(&mut self) -> (Repeat, Lit) {
        let system = self.system;
        let periods: Vec<usize> = PERIODS.into_iter().filter(|period| *period <= self.past.len()).collect();
        let Some(longest) = periods.last().copied().filter(|_| self.laps) else {
            return (Repeat::default(), Lit::TRUE);
        };
        let events = system.counters.iter().filter(|counter| counts_events(counter));
        let width = events.map(|counter| counter.width() as usize).max().unwrap_or(0);
        let more: Vector = (0..width).map(|_| self.input()).collect();
        let any = self.graph.any(more.iter().copied());
        let periods = self.chosen(&periods);
        let mut allowed: Vec<Lit> = periods.iter().map(|(period, chosen)| self.at_rest(*period, *chosen)).collect();
        for number in 0..system.counters.len() {
            self.advance(number, (&periods, longest), &more, &mut allowed);
        }
        let allowed = self.graph.any(allowed);
        let valid = self.graph.or(!any, allowed);
        (Repeat { more, periods, any: Some(any) }, valid)
    }

    /// A condition for each period, exactly one of which holds.
    fn chosen(&mut self, periods: &[usize]) -> Vec<(usize, Lit)> {
        let mut open = Lit::TRUE;
        let mut chosen = Vec::new();
        for (at, period) in periods.iter().enumerate() {
            let this = if at + 1 == periods.len() { Lit::TRUE } else { self.input() };
            chosen.push((*period, self.graph.and(open, this)));
            open = self.graph.and(open, !this);
        }
        chosen
    }

    /// The lap has so many steps, its latches are after it as before it, and it is not made of laps itself.
    fn at_rest(&mut self, period: usize, chosen: Lit) -> Lit {
        let first = self.past.len() - period;
        let Some(past) = self.past.get(first) else { return Lit::FALSE };
        let mut rest = chosen;
        for (before, after) in past.before.latches.iter().zip(&self.now.latches) {
            let same = self.graph.same(*before, *after);
            rest = self.graph.and(rest, same);
        }
        for step in self.steps.get(first..).unwrap_or_default() {
            let lapped = step.repeat.any.unwrap_or(Lit::FALSE);
            rest = self.graph.and(rest, !lapped);
        }
        rest
    }

    /// What the further laps make of a counter, and which periods it allows.
    fn advance(
        &mut self,
        number: usize,
        (periods, longest): (&[(usize, Lit)], usize),
        more: &[Lit],
        allowed: &mut [Lit],
    ) {
        let Some(counter) = self.system.counters.get(number) else { return };
        let Some(after) = self.now.counters.get(number).cloned() else { return };
        let graph = &mut self.graph;
        let begin = self.past.len() - longest;
        let before: Vec<Vector> = (self.past.iter().skip(begin))
            .map(|past| past.before.counters.get(number).cloned().unwrap_or_default())
            .collect();
        let before_lap = |period: usize| before.get(longest - period).map_or(&[] as &[Lit], Vec::as_slice);
        let same: Vec<Lit> =
            periods.iter().map(|(period, _)| vector::equal(graph, before_lap(*period), &after)).collect();
        if !counts_events(counter) {
            for (allowed, same) in allowed.iter_mut().zip(same) {
                *allowed = graph.and(*allowed, same);
            }
            return;
        }
        let width = after.len() + 2;
        let (mut by_one, mut by_two) = (Lit::FALSE, Lit::FALSE);
        let mut grows = Vec::new();
        for (period, chosen) in periods {
            let wide = vector::resize(before_lap(*period), width, false);
            let after = vector::resize(&after, width, false);
            let mut is_ahead = |by: u64| {
                let then = vector::add(graph, &wide, &vector::constant(by, 3));
                vector::equal(graph, &then, &after)
            };
            let (one, two) = (is_ahead(1), is_ahead(2));
            let (this_one, this_two) = (graph.and(*chosen, one), graph.and(*chosen, two));
            (by_one, by_two) = (graph.or(by_one, this_one), graph.or(by_two, this_two));
            grows.push(graph.or(one, two));
        }
        // By how much it is greater in the last lap.
        let once = vector::resize(more, width, false);
        let twice: Vector = [Lit::FALSE].into_iter().chain(once.iter().copied()).take(width).collect();
        let shift: Vector = once
            .iter()
            .zip(&twice)
            .map(|(once, twice)| {
                let (once, twice) = (graph.and(*once, by_one), graph.and(*twice, by_two));
                graph.or(once, twice)
            })
            .collect();
        // From which step on it only counts or rests, and passes nothing.
        let mut steady = Lit::TRUE;
        let mut steady_from = vec![Lit::TRUE; longest];
        for at in (0..longest).rev() {
            let Some(past) = self.past.get(begin + at) else { continue };
            let (run, hold) = past.runs.get(number).copied().unwrap_or((Lit::FALSE, Lit::FALSE));
            let first = vector::resize(before.get(at).map_or(&[], Vec::as_slice), width, false);
            let last = vector::add(graph, &first, &shift);
            for threshold in &counter.thresholds {
                let (first, last) = (at_least(graph, &first, *threshold), at_least(graph, &last, *threshold));
                let as_before = graph.same(first, last);
                steady = graph.and(steady, as_before);
            }
            let moves = graph.or(run, hold);
            let jumps = graph.and(run, past.jumps);
            steady = graph.all([steady, moves, !jumps]);
            if let Some(slot) = steady_from.get_mut(at) {
                *slot = steady;
            }
        }
        for (((period, _), allowed), (same, grows)) in periods.iter().zip(allowed).zip(same.into_iter().zip(grows)) {
            let steady = steady_from.get(longest - period).copied().unwrap_or(Lit::FALSE);
            let grows = graph.and(grows, steady);
            let fits = graph.or(same, grows);
            *allowed = graph.and(*allowed, fits);
        }
        let mut advanced = vector::add(graph, &vector::resize(&after, width, false), &shift);
        advanced.truncate(after.len());
        if let Some(slot) = self.now.counters.get_mut(number) {
            *slot = advanced;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn laps_are_walked_and_counted() {
        let laps = [Lap { first: 1, count: 2, times: 3 }, Lap { first: 3, count: 1, times: 2 }];
        let walked: Vec<usize> = walk(5, &laps).map(|(step, _)| step).collect();
        assert_eq!(walked, [0, 1, 2, 1, 2, 1, 2, 3, 3, 4]);
        let again: Vec<usize> = walk(5, &laps).filter(|(_, again)| *again).map(|(step, _)| step).collect();
        assert_eq!(again, [1, 2, 1, 2, 3]);
        assert_eq!(scans(&[1, 10, 100, 1000, 10_000], &laps), 1 + 330 + 2000 + 10_000);
        assert_eq!(scans(&[1, 2], &[]), 3);
    }
}
