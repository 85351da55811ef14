//! Library timers as counters.
//!
//! A timer's text remembers when it started and compares the time since then with its preset. Here it has a counter of the
//! scans since its start instead, kept only while it runs: preset and counter meet in thresholds, whose size costs nothing.
//! The byte of `start`, which nobody else can read, holds in between whether the timer was started in this very scan.
//!
//! Exactness: within a run the age in scans times the tick is the elapsed time, because a scan's time is its grid deadline;
//! `age * tick >= PT` is `age >= ceil(PT / tick)`. Calls that are left out in some scans, or repeated in one, are followed
//! as written: the age grows whether the timer is called or not.

use super::Exec;
use super::state::State;
use crate::graph::{Leaf, Lit};
use crate::refusal::Refusal;
use crate::vector::{self, Vector};
use compiler::codegen::layout::Storage;
use compiler::hir::{PouId, Program};

/// The timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimerKind {
    /// On-delay.
    Ton,
    /// Off-delay.
    Tof,
    /// Pulse.
    Tp,
}

/// A timer met in the code.
#[derive(Clone, Debug)]
pub struct Timer {
    /// Which.
    pub kind: TimerKind,
    /// Number of its counter.
    pub counter: u32,
    /// Greatest age any comparison needs, less one: the counter stops there.
    pub max: u64,
    /// Where its fields stand.
    pub fields: Fields,
}

/// First literals of a timer's fields.
#[derive(Clone, Copy, Debug)]
pub struct Fields {
    input: usize,
    preset: u32,
    /// Q
    pub q: usize,
    elapsed: u32,
    /// `running` of TON and TOF, `before` of TP.
    pub second: usize,
    start: usize,
}

impl Fields {
    /// Byte of ET.
    #[must_use]
    pub const fn elapsed_byte(&self) -> u32 {
        self.elapsed
    }

    /// Byte of the time of the start.
    #[must_use]
    pub const fn start_byte(&self) -> usize {
        self.start / 8
    }
}

/// Is this POU a timer of the library?
#[must_use]
pub fn kind_of(program: &Program, pou: PouId) -> Option<TimerKind> {
    let pou = program.pous.find(pou)?;
    if !pou.library {
        return None;
    }
    match pou.name.split('_').next().unwrap_or_default() {
        "TON" => Some(TimerKind::Ton),
        "TOF" => Some(TimerKind::Tof),
        "TP" => Some(TimerKind::Tp),
        _ => None,
    }
}

/// What a timer sees in one call.
struct Call {
    input: Lit,
    preset: Vector,
    q: Lit,
    second: Lit,
    elapsed: Option<Vector>,
    fresh: Lit,
    counter: u32,
    /// Its age is not known.
    loose: bool,
}

/// What it leaves behind.
struct Left {
    q: Lit,
    second: Lit,
    elapsed: Option<Vector>,
    fresh: Lit,
}

impl Exec<'_> {
    fn fields(&self, kind: TimerKind, pou: PouId, own: u32) -> Result<Fields, Refusal> {
        let second = if kind == TimerKind::Tp { "before" } else { "running" };
        let place = |name: &str| {
            let found = self.code.program.pous.find(pou).into_iter().flat_map(|p| p.variables());
            let var = found.into_iter().find(|(_, v)| v.name.eq_ignore_ascii_case(name)).map(|(var, _)| var);
            match var.map(|var| self.code.layout.storage(pou, var)) {
                Some(Storage::Own(offset)) => Ok(own.saturating_add(offset)),
                Some(Storage::Frame(_) | Storage::Reference(_) | Storage::Image) | None => {
                    Err(Refusal::new(format!("the library's timer has no `{name}`")))
                }
            }
        };
        let bit = |name: &str| place(name).map(|byte| byte as usize * 8);
        Ok(Fields {
            input: bit("IN")?,
            preset: place("PT")?,
            q: bit("Q")?,
            elapsed: place("ET")?,
            second: bit(second)?,
            start: bit("start")?,
        })
    }

    /// Runs a timer.
    pub(super) fn timer(&mut self, kind: TimerKind, pou: PouId, own: u32, state: State) -> Result<State, Refusal> {
        let mut state = state;
        let fields = self.fields(kind, pou, own)?;
        let number = u32::try_from(self.timers.len()).unwrap_or(u32::MAX);
        let timer = self.timers.entry(own).or_insert(Timer { kind, counter: number, max: 0, fields });
        let counter = timer.counter;
        self.elapsed_places.insert(fields.elapsed, own);
        let kept = self.elapsed.contains(&own);
        let call = Call {
            input: state.bit(fields.input),
            preset: state.get(fields.preset as usize * 8, 64),
            q: state.bit(fields.q),
            second: state.bit(fields.second),
            elapsed: kept.then(|| state.get(fields.elapsed as usize * 8, 64)),
            fresh: state.bit(fields.start),
            counter,
            loose: self.loose.contains(&fields.start_byte()),
        };
        let left = match kind {
            TimerKind::Ton => self.ton(own, &call),
            TimerKind::Tof => self.tof(own, &call),
            TimerKind::Tp => self.tp(own, &call),
        };
        state.put(fields.q, &[left.q]);
        state.put(fields.second, &[left.second]);
        state.put(fields.start, &[left.fresh]);
        if let Some(elapsed) = left.elapsed {
            state.put(fields.elapsed as usize * 8, &elapsed);
        }
        Ok(state)
    }

    /// The presets the timer may have, where its age can be compared with them.
    fn presets(&self, call: &Call) -> Option<super::cases::Cases> {
        if call.loose { None } else { self.cases.of(&call.preset) }
    }

    /// Has the timer reached its preset?
    fn reached(&mut self, own: u32, call: &Call, fresh: Lit) -> Lit {
        let Some(cases) = self.presets(call) else {
            let why = "a timer that is retained or whose preset is computed: it may run out at any time";
            self.approximations.insert(why.to_owned());
            return self.free();
        };
        let mut reached = Lit::FALSE;
        for (under, preset) in cases {
            let scans = u64::try_from(preset.cast_signed()).unwrap_or(0).div_ceil(self.code.tick_ns.max(1));
            let old_enough = self.age_at_least(own, call.counter, fresh, scans);
            let here = self.graph.and(under, old_enough);
            reached = self.graph.or(reached, here);
        }
        reached
    }

    /// Did the timer start at least so many scans ago? Started in this scan its age is 0, else the counter plus 1.
    fn age_at_least(&mut self, own: u32, counter: u32, fresh: Lit, scans: u64) -> Lit {
        let threshold = match scans {
            0 => return Lit::TRUE,
            1 => return !fresh,
            more => more - 1,
        };
        if let Some(timer) = self.timers.get_mut(&own) {
            timer.max = timer.max.max(threshold);
        }
        let at_least = self.graph.leaf(Leaf::AtLeast { counter, threshold });
        self.graph.and(!fresh, at_least)
    }

    /// The elapsed time in nanoseconds, right for every age the counter tells apart.
    fn age_ns(&mut self, own: u32, counter: u32, fresh: Lit) -> Vector {
        let max = self.timers.get(&own).map_or(0, |t| t.max);
        let width = u64::BITS - max.leading_zeros();
        let bits: Vector = (0..width).map(|bit| self.graph.leaf(Leaf::CounterBit { counter, bit })).collect();
        let count = vector::resize(&bits, 64, false);
        let age = vector::add(&mut self.graph, &count, &vector::constant(1, 64));
        let ns = vector::mul(&mut self.graph, &age, &vector::constant(self.code.tick_ns, 64));
        ns.into_iter().map(|lit| self.graph.and(!fresh, lit)).collect()
    }

    /// `IF reached THEN ET := PT ELSE ET := age`
    fn elapsed_or_preset(&mut self, own: u32, call: &Call, fresh: Lit, reached: Lit) -> Option<Vector> {
        call.elapsed.as_ref()?;
        if self.presets(call).is_none() {
            return Some((0..64).map(|_| self.free()).collect());
        }
        let age = self.age_ns(own, call.counter, fresh);
        Some(vector::mux(&mut self.graph, reached, &call.preset, &age))
    }

    fn choose(&mut self, condition: Lit, yes: Option<Vector>, no: Option<Vector>) -> Option<Vector> {
        Some(vector::mux(&mut self.graph, condition, &yes?, &no?))
    }

    fn ton(&mut self, own: u32, call: &Call) -> Left {
        let zero = call.elapsed.as_ref().map(|_| vector::constant(0, 64));
        let counts = self.graph.and(call.input, !call.q);
        let starts = self.graph.and(counts, !call.second);
        let fresh = self.graph.or(call.fresh, starts);
        let reached = self.reached(own, call, fresh);
        let ended = self.graph.or(call.q, reached);
        let q = self.graph.and(call.input, ended);
        let running = self.graph.mux(call.q, call.second, Lit::TRUE);
        let second = self.graph.and(call.input, running);
        let now = self.elapsed_or_preset(own, call, fresh, reached);
        let kept = self.choose(call.q, call.elapsed.clone(), now);
        let elapsed = self.choose(call.input, kept, zero);
        Left { q, second, elapsed, fresh }
    }

    fn tof(&mut self, own: u32, call: &Call) -> Left {
        let zero = call.elapsed.as_ref().map(|_| vector::constant(0, 64));
        let counts = self.graph.and(!call.input, call.q);
        let starts = self.graph.and(counts, !call.second);
        let fresh = self.graph.or(call.fresh, starts);
        let reached = self.reached(own, call, fresh);
        let stays = self.graph.and(call.q, !reached);
        let q = self.graph.or(call.input, stays);
        let running = self.graph.or(call.second, call.q);
        let second = self.graph.and(!call.input, running);
        let now = self.elapsed_or_preset(own, call, fresh, reached);
        let kept = self.choose(call.q, now, call.elapsed.clone());
        let elapsed = self.choose(call.input, zero, kept);
        Left { q, second, elapsed, fresh }
    }

    fn tp(&mut self, own: u32, call: &Call) -> Left {
        let zero = call.elapsed.as_ref().map(|_| vector::constant(0, 64));
        let rises = self.graph.and(call.input, !call.second);
        let starts = self.graph.and(!call.q, rises);
        let fresh = self.graph.or(call.fresh, starts);
        let runs = self.graph.or(call.q, starts);
        let reached = self.reached(own, call, fresh);
        let q = self.graph.and(runs, !reached);
        // While it runs: the age; at its end PT, or 0 where IN is FALSE already. At rest: 0 without IN.
        let now = self.elapsed_or_preset(own, call, fresh, reached);
        let over = self.graph.and(reached, !call.input);
        let now = self.choose(over, zero.clone(), now);
        let rest = self.choose(call.input, call.elapsed.clone(), zero);
        let elapsed = self.choose(runs, now, rest);
        Left { q, second: call.input, elapsed, fresh }
    }
}
