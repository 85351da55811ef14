//! Random small programs and properties: every answer against all states the real engine can reach, one by one.
//!
//! The engine is run from every state with every input until no new state turns up. Elapsed times do not count as state:
//! what a timer does depends on the scans since its start, up to its preset. A program whose states do not fit is left out.
//!
//! `PLCRUN_SOUNDNESS=10000 cargo test -p prove --release --test soundness` asks so many.
#![allow(
    clippy::wildcard_enum_match_arm,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests: a failure is a panic"
)]

mod common;

use compiler::source::SourceMap;
use compiler::{Options, compile};
use prove::model::Schedule;
use prove::property::{Kind, Property};
use prove::prover::{Answer, Prover};
use relay::quantity::Duration;
use runtime::vm::{Budget, Engine, Interpreter, Memory};
use std::collections::{HashMap, HashSet, VecDeque};

const TICK_NS: u64 = 10_000_000;
/// Inputs of a program: bits of %IB0.
const INPUTS: usize = 2;
/// States after which a program is left out.
const STATES_MAX: usize = 3_000;
const CASES: u64 = 250;

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n
    }

    fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }
}

const BOOLS: [&str; 9] = ["a", "b", "x", "y", "z", "t.Q", "u.Q", "p.Q", "c.Q"];

/// A random BOOL expression.
fn expression(random: &mut Random, depth: usize) -> String {
    match random.below(if depth == 0 { 2 } else { 6 }) {
        0 => random.of(&BOOLS).to_owned(),
        1 => match random.below(3) {
            0 => format!("(n {} {})", random.of(&["=", "<", ">="]), random.below(4)),
            1 => format!("(k {} {})", random.of(&["=", ">"]), random.below(6)),
            _ => format!("NOT {}", random.of(&BOOLS)),
        },
        2 => format!("NOT ({})", expression(random, depth - 1)),
        3 => format!("({} XOR {})", expression(random, depth - 1), expression(random, depth - 1)),
        4 => format!("({} OR {})", expression(random, depth - 1), expression(random, depth - 1)),
        _ => format!("({} AND {})", expression(random, depth - 1), expression(random, depth - 1)),
    }
}

/// A random statement.
fn statement(random: &mut Random, depth: usize) -> String {
    let e = |r: &mut Random| expression(r, 2);
    match random.below(if depth == 0 { 9 } else { 13 }) {
        0 | 1 => format!("{} := {};", random.of(&["x", "y", "z"]), e(random)),
        2 => format!("t(IN := {}, PT := T#{}ms);", e(random), random.below(4) * 15),
        3 => format!("u(IN := {}, PT := T#{}ms);", e(random), random.below(4) * 10),
        4 => format!("p(IN := {}, PT := T#{}ms);", e(random), random.below(4) * 12),
        5 => format!("n := (n + {}) MOD 4;", random.below(3)),
        6 => format!("IF {} THEN k := list[n]; ELSE list[n] := k; END_IF;", e(random)),
        7 => format!("c(CU := {}, R := {}, PV := {});", e(random), e(random), random.below(4)),
        8 => format!("k := SEL({}, k, {});", e(random), random.below(6)),
        9 => format!("IF {} THEN {} END_IF;", e(random), statement(random, depth - 1)),
        10 => format!(
            "IF {} THEN {} ELSE {} END_IF;",
            e(random),
            statement(random, depth - 1),
            statement(random, depth - 1)
        ),
        11 => format!("FOR i := 0 TO {} DO {} END_FOR;", random.below(3), statement(random, depth - 1)),
        _ => format!("IF k > {} THEN n := 6 / (k - {}); END_IF;", random.below(3), random.below(5)),
    }
}

fn program(random: &mut Random) -> String {
    let count = 2 + random.below(6);
    let body: Vec<String> = (0..count).map(|_| statement(random, 2)).collect();
    // The list is only written with its own values and small ones; the counter is kept small by its reset.
    format!(
        "PROGRAM P\nVAR a AT %IX0.0 : BOOL; b AT %IX0.1 : BOOL; END_VAR\n\
         VAR x, y, z : BOOL; t : TON; u : TOF; p : TP; c : CTU; n : INT; k : INT := 1; i : INT;\n\
         list : ARRAY [0..3] OF INT := [2, 0, 1, 3]; END_VAR\n\
         {}\nIF n < 0 OR n > 3 THEN n := 0; END_IF;\nIF c.CV > 3 THEN c.CU := FALSE; c(R := TRUE, PV := 2); END_IF;\n\
         END_PROGRAM\n",
        body.join("\n")
    )
}

fn property(random: &mut Random) -> Property {
    let e = |r: &mut Random| expression(r, 1);
    let time = |r: &mut Random| Duration::from_ms(10 * r.below(5) as u64);
    let kind = match random.below(7) {
        0 | 1 => Kind::Invariant { expr: format!("{} OR {}", e(random), e(random)), when: None },
        2 => Kind::NeverTogether { of: vec![e(random), e(random)] },
        3 => Kind::Reachable { expr: format!("{} AND {}", e(random), e(random)) },
        4 => Kind::Responds { when: e(random), then: e(random), within: time(random) },
        5 => Kind::DeadTime { of: vec![e(random), e(random)], forward: false, time: time(random) },
        _ => match random.below(3) {
            0 => Kind::Terminates,
            1 => Kind::StaysSafe {
                fault: format!("{} AND {}", e(random), e(random)),
                acknowledged: e(random),
                outputs: Vec::new(),
                safe: format!("{} OR {}", e(random), e(random)),
            },
            _ => Kind::Holds { expr: e(random), time: time(random), unless: None },
        },
    };
    Property::new("p", kind)
}

/// What a property's history means, written a second time and plainly: a monitor that is told what holds in each scan.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
struct Monitor {
    /// Scans since each condition ended or was asked for; `None`: it does not matter.
    since: Vec<Option<u64>>,
    /// Conditions in the scan before.
    before: Vec<bool>,
}

impl Monitor {
    /// One scan; is the property broken (or reached)?
    fn step(&mut self, kind: &Kind, holds: &[bool], fault: bool) -> bool {
        let ticks = |time: &Duration| time.ns.div_ceil(TICK_NS);
        if fault {
            return matches!(kind, Kind::Terminates);
        }
        let count = holds.iter().filter(|h| **h).count();
        self.since.resize(holds.len(), None);
        let was = std::mem::replace(&mut self.before, holds.to_vec());
        let was = |i: usize| was.get(i).copied().unwrap_or(false);
        match kind {
            Kind::Invariant { when: None, .. } => !holds[0],
            Kind::Invariant { when: Some(_), .. } => holds[0] && !holds[1],
            Kind::NeverTogether { .. } => count >= 2,
            Kind::Reachable { .. } => holds[0],
            Kind::StaysSafe { .. } => {
                let locked = holds[0] || (self.since[0].is_some() && !holds[1]);
                self.since[0] = locked.then_some(0);
                locked && !holds[2]
            }
            Kind::Terminates => false,
            Kind::DeadTime { time, .. } => {
                for (i, holds) in holds.iter().enumerate() {
                    self.since[i] = match (*holds, self.since[i], was(i)) {
                        (true, _, _) => None,
                        (false, _, true) => Some(0),
                        (false, Some(n), false) if n + 1 < ticks(time) => Some(n + 1),
                        (false, _, false) => None,
                    };
                }
                let early = |i: usize| self.since[i].is_some_and(|n| n < ticks(time));
                count >= 2 || (0..holds.len()).any(|i| early(i) && (0..holds.len()).any(|j| j != i && holds[j]))
            }
            Kind::Responds { within, .. } => {
                self.since[0] = match (holds[1], self.since[0], holds[0]) {
                    (true, _, _) => None,
                    (false, Some(n), _) => Some(n + 1),
                    (false, None, asked) => asked.then_some(0),
                };
                self.since[0].is_some_and(|n| n >= within.ns / TICK_NS)
            }
            Kind::Holds { time, .. } => {
                // The age of the condition in the scan in which it is found to have ended.
                let age = self.since[0].map(|n| n + 1);
                let ended = was(0) && !holds[0];
                self.since[0] = match (holds[0], was(0)) {
                    (true, false) => Some(0),
                    (true, true) => age.map(|n| n.min(100)),
                    (false, _) => None,
                };
                ended && age.is_some_and(|n| n < ticks(time))
            }
        }
    }
}

/// Searches all states; is the property ever broken (or reached)? `None`: too many states.
fn exhaustive(image: &bytecode::VerifiedImage, conditions: &Conditions, kind: &Kind) -> Option<bool> {
    let mut engine = Interpreter::load(image);
    let start = Memory::new(image.image());
    let mut seen: HashSet<(Vec<u8>, Monitor)> = HashSet::new();
    let mut open = VecDeque::from([(start, Monitor::default(), 0u64)]);
    let starts: Vec<usize> = conditions.starts.clone();
    while let Some((memory, monitor, scan)) = open.pop_front() {
        for input in 0..1u8 << INPUTS {
            let (mut memory, mut monitor) = (memory.clone(), monitor.clone());
            memory.data_mut()[0] = input;
            let now_ns = i64::try_from(scan * TICK_NS).unwrap();
            let fault = engine.run(&mut memory, 0, now_ns, &mut Budget::new(1_000_000)).is_err();
            let holds = conditions.holds(image.image(), memory.data());
            if monitor.step(kind, &holds, fault) {
                return Some(true);
            }
            if fault {
                continue;
            }
            // The time of a start counts relative to now, and only up to the longest preset.
            let mut key = memory.data().to_vec();
            for at in &starts {
                let started = i64::from_le_bytes(key[*at..at + 8].try_into().unwrap());
                let age = (now_ns - started).min(100_000_000);
                key[*at..at + 8].copy_from_slice(&age.to_le_bytes());
            }
            if seen.insert((key, monitor.clone())) {
                if seen.len() > STATES_MAX {
                    return None;
                }
                open.push_back((memory, monitor, scan + 1));
            }
        }
    }
    Some(false)
}

/// The conditions of a property, computed by the compiler: a second program that shares the names.
struct Conditions {
    texts: Vec<prove::condition::Condition>,
    starts: Vec<usize>,
}

impl Conditions {
    fn holds(&self, image: &bytecode::Image, data: &[u8]) -> Vec<bool> {
        self.texts.iter().map(|c| evaluate(c, image, data)).collect()
    }
}

/// A condition on values: every literal of its function is a constant then.
fn evaluate(condition: &prove::condition::Condition, image: &bytecode::Image, data: &[u8]) -> bool {
    let mut state = prove::exec::state::State::new(u32::try_from(data.len()).unwrap());
    let bits: Vec<prove::graph::Lit> = data
        .iter()
        .flat_map(|byte| (0..8).map(|bit| prove::graph::Lit::constant(byte >> bit & 1 == 1)).collect::<Vec<_>>())
        .collect();
    state.put(0, &bits);
    let view = prove::condition::View { after: &state, channels: &[], names: image.into() };
    condition.lit(&mut prove::graph::Graph::default(), view).unwrap().value().unwrap()
}

#[test]
fn every_answer_agrees_with_all_states_of_the_engine() {
    let cases = std::env::var("PLCRUN_SOUNDNESS").ok().and_then(|n| n.parse().ok()).unwrap_or(CASES);
    let first: u64 = std::env::var("PLCRUN_SOUNDNESS_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let mut number = first;
    let mut asked = 0;
    while asked < cases {
        number += 1;
        let mut random = Random(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let (text, property) = (program(&mut random), property(&mut random));
        let mut map = SourceMap::new();
        let id = map.add("p.st", text.clone());
        let compiled = compile(&map, &[id], Options::default());
        // A loop inside a loop over the same variable, say.
        let Some(image) = compiled.image else { continue };
        let image = bytecode::verify(image).unwrap();
        let texts = property.kind.texts().into_iter();
        let conditions = Conditions {
            texts: texts.map(|t| prove::condition::Condition::parse(&t, image.image()).unwrap()).collect(),
            starts: starts(image.image()),
        };
        let Some(expected) = exhaustive(&image, &conditions, &property.kind) else { continue };
        asked += 1;
        let schedule = Schedule::every_scan(image.image(), TICK_NS);
        let properties = [property.clone()];
        let mut prover = Prover::new(&compiled.program, image.image(), &schedule, &properties, &[]).unwrap();
        assert!(prover.model().approximations.is_empty(), "{text}");
        let report = prover.answer(0, &prove::prover::Options::default()).unwrap().unwrap();
        let word = match report.answer {
            Answer::Proved { .. } => "proved",
            Answer::Vacuous { .. } => "vacuous",
            Answer::Refuted(_) => "refuted",
            Answer::Reached(_) => "reached",
            Answer::Unreachable { .. } => "unreachable",
            Answer::Unknown { .. } => "unknown",
        };
        let agrees = match word {
            "refuted" | "reached" => expected,
            "unknown" => true,
            _ => !expected,
        };
        // Both ways to check a proof accept it: by comparisons of counters, and bit by bit.
        if let (Answer::Proved { certificate, .. } | Answer::Unreachable { certificate, .. }, Some(system)) =
            (&report.answer, &report.system)
        {
            let bits = prove::check::check_bits(system, certificate, &prove::sat::Limit::default());
            assert_eq!(bits, Ok(()), "seed {number}\n{property:?}\n{text}\n{report:?}");
        }
        assert!(
            agrees,
            "seed {number}: {word}, but exhaustive search says {expected}\n{property:?}\n{text}\n{report:?}"
        );
        *counts.entry(word).or_default() += 1;
    }
    println!("{asked} of {} programs: {counts:?}", number - first);
    let count = |word: &str| counts.get(word).copied().unwrap_or(0);
    // A generator whose programs all behave alike would show nothing.
    assert!(count("refuted") * 10 > asked as usize && count("proved") * 20 > asked as usize, "{counts:?}");
    assert!(count("unknown") * 50 <= asked as usize, "{counts:?}");
}

/// First bytes of the starts of the three timers.
fn starts(image: &bytecode::Image) -> Vec<usize> {
    let mut found = Vec::new();
    for symbol in &image.symbols {
        let bytecode::image::Place::Byte(offset) = symbol.place else { continue };
        for field in image.ty(symbol.ty).unwrap().fields() {
            if field.name == "start" {
                found.push((offset + field.offset) as usize);
            }
        }
    }
    assert_eq!(found.len(), 3);
    found
}
