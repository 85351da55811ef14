//! The search for a way to break a property beside the proof that there is none, where neither was found quickly.
//!
//! One thread searches, step by step, with the lemmas; the other proves, from cheap to dear: by IC3 over predicates, with shortened
//! cubes and with whole ones, then by IC3 with every bit of every counter. Whoever has an answer stops the other. Two threads are
//! twice the work; so each goes alone first, for as long as it is likely to be the one.

use super::bounded::{Bounded, Search};
use super::carried::keep;
use super::houdini::Ground;
use super::ic3::{Ic3, Outcome};
use super::implied::Implied;
use super::induction::Induction;
use super::laps;
use super::portfolio::{AT_ONCE, Argument, Certificate, DEPTH_MAX, Known, Verdict, known as lemmas_of, proof};
use super::predicates::{Clause, Predicate, Vocabulary};
use super::random::States;
use super::samples::Samples;
use crate::graph::Lit;
use crate::sat::Limit;
use crate::system::{Blasted, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Questions of IC3 before anybody searches beside it.
const FIRST: usize = 3_000;
/// Steps that are searched alone where IC3 over predicates has found no proof.
const LIKELY: usize = 24;
/// Scans of an induction at most.
const SCANS_MAX: u32 = 70;

/// What IC3 needs.
pub(super) struct Ready {
    blasted: Blasted,
    pub(super) vocabulary: Vocabulary,
    lemmas: Vec<Clause>,
    /// Clauses that hold in every state.
    facts: Vec<Vec<Lit>>,
    samples: Samples,
}

impl Ready {
    pub(super) fn new(blasted: Blasted, vocabulary: Vocabulary, mut lemmas: Vec<Clause>, states: &[States]) -> Self {
        let facts = blasted.facts();
        let implied = Implied::new(&vocabulary, &facts, &lemmas);
        keep(&mut lemmas, |number| implied.is_needed(number));
        let samples = Samples::new(states, &vocabulary.predicates);
        Self { blasted, vocabulary, lemmas, facts, samples }
    }

    /// What is known of a system, without orders that carry no lemma: they only make every question dearer.
    fn of(system: &System, known: Known, states: &[States]) -> Self {
        let Known { vocabulary, lemmas } = known;
        let mut blasted = Blasted::for_proofs(system);
        let mut fewer = Vocabulary::new(system, &mut blasted, false);
        let lemmas = carried(system, &mut blasted, &mut fewer, (&vocabulary, &lemmas));
        Self::new(blasted, fewer, lemmas, states)
    }

    /// The same with every bit of every counter.
    fn bits(&self, system: &System, states: &[States]) -> Self {
        let mut blasted = Blasted::new(system);
        let mut bits = Vocabulary::new(system, &mut blasted, true);
        let lemmas = carried(system, &mut blasted, &mut bits, (&self.vocabulary, &self.lemmas));
        Self::new(blasted, bits, lemmas, states)
    }

    pub(super) fn engine<'a>(&'a self, limit: &'a Limit) -> Ic3<'a> {
        Ic3::new((&self.blasted, &self.vocabulary), (&self.lemmas, &self.facts), &self.samples, limit)
    }

    /// With what IC3 has found.
    pub(super) fn proof(&self, argument: Argument, clauses: Vec<Clause>, limit: &Limit) -> Certificate {
        let all = self.lemmas.iter().cloned().chain(clauses).collect();
        proof(argument, (&self.blasted, &self.vocabulary), all, limit)
    }
}

/// The lemmas of one vocabulary in another, which gets the predicates it lacks.
fn carried(
    system: &System,
    blasted: &mut Blasted,
    into: &mut Vocabulary,
    (from, lemmas): (&Vocabulary, &[Clause]),
) -> Vec<Clause> {
    let predicate = |literal: &super::predicates::Literal| from.predicates.get(literal.predicate as usize).copied();
    let used: Vec<Predicate> = lemmas.iter().flatten().filter_map(predicate).collect();
    into.extend(system, blasted, &used);
    let clause = |clause: &Clause| -> Option<Clause> {
        clause.iter().map(|literal| into.literal(predicate(literal)?, literal.positive)).collect()
    };
    lemmas.iter().filter_map(clause).collect()
}

/// Searches and proves. `cut`: what is known was not looked for to the end.
pub(super) fn side_by_side(
    system: &System,
    (known, cut): (Box<Known>, bool),
    states: &[States],
    limit: &Limit,
) -> Verdict {
    let stop = Arc::new(AtomicBool::new(false));
    let own = limit.or(&stop);
    let lemmas = known.named();
    let ready = Ready::of(system, *known, states);
    std::thread::scope(|scope| {
        let mut deep = Deep::new(system, &lemmas, &own);
        let mut proving = Proving { system, states, ready: &ready, limit: &own, engine: Some(ready.engine(&own)) };
        let early = if cut { None } else { alone(&mut proving, &mut deep) };
        let verdict = early.unwrap_or_else(|| {
            let prover = scope.spawn(|| {
                // What was cut short is looked for again, now with all the time there is.
                let proof = if cut { again(system, states, &own) } else { proving.run() };
                if proof.is_some() {
                    stop.store(true, Ordering::Relaxed);
                }
                proof
            });
            let ended = deep.run(DEPTH_MAX);
            if matches!(ended, Ended::Search(Search::Found(_)) | Ended::Proved(_)) {
                stop.store(true, Ordering::Relaxed);
            }
            let proof = prover.join().ok().flatten();
            verdict(ended, proof, &lemmas, limit)
        });
        stop.store(true, Ordering::Relaxed);
        verdict
    })
}

/// What one of them finds without the other.
fn alone(proving: &mut Proving<'_>, deep: &mut Deep<'_>) -> Option<Verdict> {
    let engine = proving.engine.as_mut()?;
    match engine.run(FIRST) {
        Outcome::Proved(clauses) => {
            Some(Verdict::Proved(proving.ready.proof(Argument::Invariant, clauses, proving.limit)))
        }
        Outcome::Stopped(_) => None,
        Outcome::Chain(_) => {
            proving.engine = None;
            match deep.run(LIKELY) {
                Ended::Search(Search::Found(trace)) => Some(Verdict::Broken(trace)),
                Ended::Search(Search::Nothing(_) | Search::Stopped(_)) => None,
                Ended::Proved(scans) => Some(Verdict::Proved(Certificate {
                    argument: Argument::Scans(scans),
                    clauses: deep.lemmas.to_vec(),
                })),
            }
        }
    }
}

fn verdict(ended: Ended, proof: Option<Certificate>, lemmas: &[Vec<(Predicate, bool)>], limit: &Limit) -> Verdict {
    match (ended, proof) {
        (Ended::Proved(scans), _) => {
            Verdict::Proved(Certificate { argument: Argument::Scans(scans), clauses: lemmas.to_vec() })
        }
        (Ended::Search(Search::Found(trace)), _) => Verdict::Broken(trace),
        (Ended::Search(Search::Nothing(_) | Search::Stopped(_)), Some(certificate)) => Verdict::Proved(certificate),
        (Ended::Search(Search::Nothing(steps) | Search::Stopped(steps)), None) => {
            Verdict::Unknown { steps, gave_up: !limit.reached() }
        }
    }
}

/// Lemmas, now to the end, and IC3 with them.
fn again(system: &System, states: &[States], limit: &Limit) -> Option<Certificate> {
    match lemmas_of(system, &Ground::of(system, states), states, limit) {
        Ok(certificate) => Some(certificate),
        Err(known) => {
            let ready = Ready::of(system, *known, states);
            let engine = Some(ready.engine(limit));
            Proving { system, states, ready: &ready, limit, engine }.run()
        }
    }
}

/// A proof, from cheap to dear.
struct Proving<'a> {
    system: &'a System,
    states: &'a [States],
    ready: &'a Ready,
    limit: &'a Limit,
    /// IC3 with shortened cubes; `None`: those have led nowhere.
    engine: Option<Ic3<'a>>,
}

impl Proving<'_> {
    /// `None`: interrupted, or no proof of these kinds.
    fn run(self) -> Option<Certificate> {
        let Self { system, states, ready, limit, engine } = self;
        let found = |outcome: Outcome| match outcome {
            Outcome::Proved(clauses) => Some(Some(ready.proof(Argument::Invariant, clauses, limit))),
            Outcome::Chain(_) if !system.is_plain() => None,
            Outcome::Chain(_) | Outcome::Stopped(_) => Some(None),
        };
        if let Some(mut engine) = engine
            && let Some(end) = found(engine.run(usize::MAX))
        {
            return end;
        }
        if let Some(end) = found(ready.engine(limit).with_whole_states().run(usize::MAX)) {
            return end;
        }
        let bits = ready.bits(system, states);
        let outcome = bits.engine(limit).run(usize::MAX);
        match outcome {
            Outcome::Proved(clauses) => Some(bits.proof(Argument::BitInvariant, clauses, limit)),
            Outcome::Chain(_) | Outcome::Stopped(_) => None,
        }
    }
}

/// What came of looking for harm.
enum Ended {
    Search(Search),
    /// So many scans without harm suffice.
    Proved(u32),
}

/// A search step by step, in turns with induction over as many scans; where something counts events, also with laps, which find
/// what lies thousands of them deep.
struct Deep<'a> {
    plain: Bounded<'a>,
    laps: Option<Bounded<'a>>,
    induction: Option<Induction>,
    depth: usize,
    lemmas: &'a [Vec<(Predicate, bool)>],
}

impl<'a> Deep<'a> {
    fn new(system: &'a System, lemmas: &'a [Vec<(Predicate, bool)>], limit: &Limit) -> Self {
        let new = || Bounded::new(system, limit).with_lemmas(lemmas.to_vec());
        let laps = system.counters.iter().any(laps::counts_events).then(|| new().with_laps());
        // Where something runs for longer, so many scans would have to be looked at that it is never the quickest.
        let short = system.counters.iter().all(|counter| counter.max <= u64::from(SCANS_MAX));
        let induction = short.then(|| Induction::new(system, lemmas, limit));
        Self { plain: new(), laps, induction, depth: AT_ONCE, lemmas }
    }

    /// Up to so many steps; goes on where it was.
    fn run(&mut self, most: usize) -> Ended {
        loop {
            let depth = self.depth.min(most);
            let mut ended = self.plain.run(depth);
            if let (Search::Nothing(_), Some(laps)) = (&ended, &mut self.laps) {
                ended = match laps.run(depth) {
                    Search::Stopped(_) => Search::Stopped(depth),
                    other @ (Search::Nothing(_) | Search::Found(_)) => other,
                };
            }
            if !matches!(ended, Search::Nothing(_)) {
                return Ended::Search(ended);
            }
            let scans = u32::try_from(depth).unwrap_or(u32::MAX).min(SCANS_MAX);
            if let Some(scans) = self.induction.as_mut().and_then(|induction| induction.run(scans)) {
                return Ended::Proved(scans);
            }
            if depth == most {
                return Ended::Search(ended);
            }
            self.depth = (depth * 2).min(DEPTH_MAX);
        }
    }
}
