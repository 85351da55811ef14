//! Which engine is asked what, and when: the search for a way to break the property beside the proof that there is none.
//!
//! By structure, or in every single scan: that is asked first, and random runs are looked at, because what they break needs no
//! proof. Then IC3 with few questions, then lemmas near to the property and IC3 with some more, then all lemmas; what is still
//! open is for `beside`. An interruption is never an answer.

use super::beside::{Ready, side_by_side};
use super::bounded::{Bounded, Search, Trace};
use super::counting;
use super::houdini::{self, Ground};
use super::ic3::Outcome;
use super::needed;
use super::predicates::{Clause, Predicate, Vocabulary};
use super::random::States;
use super::reduce;
use crate::advice::Lemma;
use crate::encoding::Encoding;
use crate::graph::Lit;
use crate::sat::{Answer, Limit, Solver};
use crate::system::{Blasted, System};
use std::time::{Duration, Instant};

/// Steps the search goes at most: a step is an event, and programs whose shortest way to harm has more of them are out of reach.
pub(super) const DEPTH_MAX: usize = 5_000;
/// How long lemmas may be looked for before the search begins beside the proof.
const ALONE: Duration = Duration::from_millis(3_000);
/// Steps that are searched before anything else is looked for.
pub(super) const AT_ONCE: usize = 6;
/// Latches from which on lemmas near to the property are tried before all others. Below, they are nearly all there are.
const LARGE: usize = 60;

/// Questions of IC3 before lemmas are looked for.
const QUICK: usize = 150;
/// The same with lemmas near to the property, before all others are looked for.
const NEARLY: usize = 1_000;

/// What carries a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// The property is a constant of the program.
    Structure,
    /// No scan breaks it, whatever was before.
    Scan,
    /// Lemmas that carry themselves exclude the opposite.
    Lemmas,
    /// So many scans without harm are never followed by one that does harm.
    Scans(u32),
    /// An invariant over latches and thresholds.
    Invariant,
    /// An invariant over latches and the bits of counters.
    BitInvariant,
}

impl Argument {
    /// In words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Structure => "by structure",
            Self::Scan => "in every single scan",
            Self::Lemmas => "by induction",
            Self::Scans(_) => "by induction over several scans",
            Self::Invariant => "by an inductive invariant",
            Self::BitInvariant => "by an inductive invariant over bits",
        }
    }
}

/// A proof that stands by itself: clauses that hold before the first scan, that every scan keeps, and that exclude a broken
/// property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// What carries it.
    pub argument: Argument,
    /// Each one with its polarity; of the system's latches and counters.
    pub clauses: Vec<Vec<(Predicate, bool)>>,
}

/// An answer about a system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The property cannot be broken.
    Proved(Certificate),
    /// It can.
    Broken(Trace),
    /// Not known.
    Unknown {
        /// It cannot be broken within so many steps (events, not scans).
        steps: usize,
        /// The proof ended by itself, without an answer.
        gave_up: bool,
    },
}

/// Decides a question.
#[must_use]
pub fn decide(system: &System, limit: &Limit) -> Verdict {
    if system.bad == Lit::FALSE || system.constraint == Lit::FALSE {
        return Verdict::Proved(Certificate { argument: Argument::Structure, clauses: Vec::new() });
    }
    // One look without any lemma: many a property holds in every single scan, whatever was before.
    let blasted = Blasted::for_proofs(system);
    if excluded(&blasted, &Vocabulary::default(), &[], limit) == Answer::No {
        return Verdict::Proved(Certificate { argument: Argument::Scan, clauses: Vec::new() });
    }
    // Then what is known of it beforehand; what of that carries itself helps whatever comes next.
    let mut advised = system.clone();
    match advice(system, limit) {
        Ok(certificate) => return Verdict::Proved(certificate),
        Err(lemmas) => advised.advice.lemmas = lemmas,
    }
    let system = &advised;
    let reduced = reduce::reduce(system, limit);
    if reduced.constants.is_empty() {
        return counting(system, limit);
    }
    let constants = reduced.constants.iter().map(|(latch, value)| vec![(Predicate::Latch(*latch), *value)]);
    let constants: Vec<Lemma> = constants.collect();
    // Constants that were known beforehand rest on what was known with them.
    let known: &[Lemma] = if reduced.advised { &system.advice.lemmas } else { &[] };
    if reduced.system.bad == Lit::FALSE {
        let certificate = Certificate { argument: Argument::Lemmas, clauses: [constants.as_slice(), known].concat() };
        return Verdict::Proved(needed::of_certificate(system, certificate, limit));
    }
    match counting(&reduced.system, limit) {
        Verdict::Proved(certificate) => {
            let original = |(predicate, positive): &(Predicate, bool)| (reduced.original(*predicate), *positive);
            let mut clauses =
                if reduced.advised { needed::with_carriers(system, constants, known, limit) } else { constants };
            clauses.extend(certificate.clauses.iter().map(|clause| clause.iter().map(original).collect()));
            Verdict::Proved(Certificate { clauses, ..certificate })
        }
        Verdict::Broken(trace) => Verdict::Broken(whole(system, (&reduced.system, &reduced.latches), trace)),
        unknown @ Verdict::Unknown { .. } => unknown,
    }
}

/// What carries itself of the lemmas that came with the system: a proof, or these lemmas.
fn advice(system: &System, limit: &Limit) -> Result<Certificate, Vec<Lemma>> {
    if system.advice.lemmas.is_empty() && system.advice.watches.is_empty() {
        return Err(Vec::new());
    }
    let seen = houdini::seen(system);
    if seen.broken {
        return Err(Vec::new());
    }
    let mut blasted = Blasted::for_proofs(system);
    let (vocabulary, lemmas) = houdini::from_advice(system, &mut blasted, &seen.states, limit);
    if excluded(&blasted, &vocabulary, &lemmas, limit) == Answer::No {
        return Ok(proof(Argument::Lemmas, (&blasted, &vocabulary), lemmas, limit));
    }
    Err(certificate(Argument::Lemmas, &vocabulary, lemmas).clauses)
}

/// Makes counters of what only counts, then searches and proves.
fn counting(system: &System, limit: &Limit) -> Verdict {
    let Some(counting) = counting::counting(system, limit) else { return search(system, limit) };
    match search(&counting.system, limit) {
        Verdict::Proved(certificate) => {
            let original = |(predicate, positive): &(Predicate, bool)| (counting.original(*predicate), *positive);
            let clauses = certificate.clauses.iter().map(|clause| clause.iter().map(original).collect());
            Verdict::Proved(Certificate { clauses: clauses.collect(), ..certificate })
        }
        Verdict::Broken(trace) => Verdict::Broken(whole(system, (&counting.system, &counting.latches), trace)),
        unknown @ Verdict::Unknown { .. } => unknown,
    }
}

/// A trace of a part as one of the whole: what the part leaves out does not matter.
fn whole(system: &System, (part, latches): (&System, &[u32]), trace: Trace) -> Trace {
    let mut starts: Vec<bool> = system.latches.iter().map(|l| l.start == crate::model::Start::Value(true)).collect();
    for (number, value) in latches.iter().zip(&trace.starts) {
        if let Some(start) = starts.get_mut(*number as usize) {
            *start = *value;
        }
    }
    let steps = trace.steps.into_iter().map(|step| {
        let value = |model: &u32| {
            let at = part.inputs.iter().position(|own| own == model);
            at.and_then(|at| step.inputs.get(at)).copied().unwrap_or(false)
        };
        super::bounded::TraceStep { inputs: system.inputs.iter().map(value).collect(), scans: step.scans }
    });
    Trace { starts, steps: steps.collect(), ..trace }
}

/// Looks at random runs, then tries lemmas, then searches and proves side by side.
fn search(system: &System, limit: &Limit) -> Verdict {
    let seen = houdini::seen(system);
    if seen.broken {
        // It surely can be broken; what is wanted is the shortest way. Where it is long, lemmas spare looking where nothing is.
        let mut bounded = Bounded::new(system, limit);
        if let Search::Found(trace) = bounded.run(AT_ONCE) {
            return Verdict::Broken(trace);
        }
        let alone = limit.until(Instant::now() + ALONE);
        let lemmas = match known(system, &Ground::of(system, &seen.states), &seen.states, &alone) {
            Ok(_) => Vec::new(),
            Err(known) => known.named(),
        };
        return match bounded.with_lemmas(lemmas).run(DEPTH_MAX) {
            Search::Found(trace) => Verdict::Broken(trace),
            Search::Nothing(steps) | Search::Stopped(steps) => Verdict::Unknown { steps, gave_up: false },
        };
    }
    let ground = Ground::of(system, &seen.states);
    let mut learnt = system.clone();
    if system.latches.len() <= LARGE {
        match quick(system, (&ground, &seen.states), QUICK, limit) {
            Quick::Proved(certificate) => return Verdict::Proved(certificate),
            Quick::Learnt(lemmas) => learnt.advice.lemmas.extend(lemmas),
            Quick::Chain => {}
        }
    }
    let system = &learnt;
    let alone = limit.until(Instant::now() + ALONE);
    let known = match known(system, &ground, &seen.states, &alone) {
        Ok(certificate) => return Verdict::Proved(certificate),
        Err(known) => known,
    };
    let cut = alone.reached();
    side_by_side(system, (known, cut), &seen.states, limit)
}

/// How a quick look ended.
enum Quick {
    Proved(Certificate),
    /// What was learnt is worth trying as lemmas.
    Learnt(Vec<Lemma>),
    /// There is no proof of this kind.
    Chain,
}

/// IC3 with the lemmas that came with the system, which hold, and with so many questions: small invariants are found before many lemmas
/// are.
fn quick(system: &System, (ground, states): (&Ground, &[States]), questions: usize, limit: &Limit) -> Quick {
    let mut blasted = Blasted::for_proofs(system);
    let mut vocabulary = Vocabulary::new(system, &mut blasted, false);
    let lemmas = houdini::advised(system, &mut blasted, &mut vocabulary);
    ground.add_orders(system, &mut blasted, &mut vocabulary);
    let ready = Ready::new(blasted, vocabulary, lemmas, states);
    let outcome = ready.engine(limit).run(questions);
    match outcome {
        Outcome::Proved(clauses) => Quick::Proved(ready.proof(Argument::Invariant, clauses, limit)),
        Outcome::Stopped(clauses) => {
            Quick::Learnt(certificate(Argument::Invariant, &ready.vocabulary, clauses).clauses)
        }
        Outcome::Chain(_) => Quick::Chain,
    }
}

/// What is known of a system before anything dear is tried.
pub(super) struct Known {
    pub(super) vocabulary: Vocabulary,
    pub(super) lemmas: Vec<Clause>,
}

impl Known {
    /// The lemmas, each predicate by its name.
    pub(super) fn named(&self) -> Vec<Vec<(Predicate, bool)>> {
        certificate(Argument::Lemmas, &self.vocabulary, self.lemmas.clone()).clauses
    }
}

/// Is much of it far from the property? A relay guard is another whole program, and a property is about a few of its latches.
fn has_near(system: &System) -> bool {
    system.latches.len() > LARGE || !system.advice.usual.is_empty()
}

/// A proof by lemmas, or the lemmas.
pub(super) fn known(
    system: &System,
    ground: &Ground,
    states: &[States],
    limit: &Limit,
) -> Result<Certificate, Box<Known>> {
    if has_near(system) {
        let mut blasted = Blasted::for_proofs(system);
        let (vocabulary, lemmas) = houdini::near_lemmas(system, &mut blasted, states, limit);
        if excluded(&blasted, &vocabulary, &lemmas, limit) == Answer::No {
            return Ok(proof(Argument::Lemmas, (&blasted, &vocabulary), lemmas, limit));
        }
        if system.latches.len() <= LARGE {
            let mut near = system.clone();
            near.advice.lemmas = certificate(Argument::Lemmas, &vocabulary, lemmas).clauses;
            if let Quick::Proved(certificate) = quick(&near, (ground, states), NEARLY, limit) {
                return Ok(certificate);
            }
        }
    }
    let mut blasted = Blasted::for_proofs(system);
    let mut vocabulary = Vocabulary::new(system, &mut blasted, false);
    let lemmas = houdini::lemmas(system, &mut blasted, &mut vocabulary, (ground, states), limit);
    if excluded(&blasted, &vocabulary, &lemmas, limit) == Answer::No {
        return Ok(proof(Argument::Lemmas, (&blasted, &vocabulary), lemmas, limit));
    }
    Err(Box::new(Known { vocabulary, lemmas }))
}

/// Can the property be broken in a scan before which the lemmas hold?
fn excluded(blasted: &Blasted, vocabulary: &Vocabulary, lemmas: &[Clause], limit: &Limit) -> Answer {
    let mut solver = Solver::new(limit);
    let mut encoding = Encoding::default();
    encoding.clauses(&mut solver, &blasted.graph, &blasted.facts());
    for lemma in lemmas {
        let clause: Vec<_> = lemma
            .iter()
            .map(|literal| encoding.term(&mut solver, &blasted.graph, vocabulary.before(*literal)))
            .collect();
        solver.clause(&clause);
    }
    let bad = encoding.term(&mut solver, &blasted.graph, blasted.bad);
    let constraint = encoding.term(&mut solver, &blasted.graph, blasted.constraint);
    solver.solve(&[bad, constraint])
}

/// A certificate of what is needed of these clauses.
pub(super) fn proof(
    argument: Argument,
    (blasted, vocabulary): (&Blasted, &Vocabulary),
    clauses: Vec<Clause>,
    limit: &Limit,
) -> Certificate {
    let clauses = needed::needed(blasted, vocabulary, clauses, limit);
    certificate(argument, vocabulary, clauses)
}

pub(super) fn certificate(argument: Argument, vocabulary: &Vocabulary, clauses: Vec<Clause>) -> Certificate {
    let named = clauses.iter().map(|clause| {
        let literals = clause.iter().filter_map(|literal| {
            let predicate = vocabulary.predicates.get(literal.predicate as usize)?;
            Some((*predicate, literal.positive))
        });
        literals.collect()
    });
    Certificate { argument, clauses: named.collect() }
}
