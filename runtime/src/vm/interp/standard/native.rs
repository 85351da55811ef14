//! What the standard blocks do, on an instance at an offset whose inputs are these. The text under compiler/std is the
//! definition; layouts are those of the listings. Inputs come as values, because who has just set them need not read them.

use super::super::window::{Cell, Window};

/// TON, TOF, TP: input, preset, output, elapsed time, memory, start.
pub(in super::super) const IN: u32 = 0;
pub(in super::super) const PT: u32 = 8;
const TIMER_Q: usize = 16;
const ET: usize = 24;
const MEMORY: usize = 32;
const START: usize = 40;

/// CTU, CTD: counting input, its edge memory, R or LD, preset, output, count.
pub(in super::super) const COUNT: u32 = 0;
const COUNT_MEMORY: usize = 1;
pub(in super::super) const LOAD: u32 = 2;
pub(in super::super) const PV: u32 = 4;
const COUNTER_Q: usize = 6;
const CV: usize = 8;

/// R_TRIG, F_TRIG.
pub(in super::super) const CLK: u32 = 0;
const TRIG_Q: usize = 1;
const TRIG_MEMORY: usize = 2;

/// SR (S1, R) and RS (S, R1).
pub(in super::super) const FIRST: u32 = 0;
pub(in super::super) const SECOND: u32 = 1;
const Q1: usize = 2;

#[inline(always)]
fn get<T: Cell, M: Window>(m: &M, base: usize, field: usize) -> T {
    T::get_field(m, base, field)
}

#[inline(always)]
fn set<T: Cell, M: Window>(m: &mut M, base: usize, field: usize, value: T) {
    value.set_field(m, base, field);
}

/// On-delay.
#[inline(always)]
pub(in super::super) fn ton<M: Window>(m: &mut M, at: usize, (input, preset_ns): (u8, i64), now_ns: i64) {
    if input == 0 {
        set(m, at, MEMORY, false);
        set(m, at, TIMER_Q, false);
        set(m, at, ET, 0_i64);
    } else if !get::<bool, M>(m, at, TIMER_Q) && run_to_preset(m, at, preset_ns, now_ns) {
        set(m, at, TIMER_Q, true);
    }
}

/// Off-delay.
#[inline(always)]
pub(in super::super) fn tof<M: Window>(m: &mut M, at: usize, (input, preset_ns): (u8, i64), now_ns: i64) {
    if input != 0 {
        set(m, at, MEMORY, false);
        set(m, at, TIMER_Q, true);
        set(m, at, ET, 0_i64);
    } else if get::<bool, M>(m, at, TIMER_Q) && run_to_preset(m, at, preset_ns, now_ns) {
        set(m, at, TIMER_Q, false);
    }
}

/// Starts the time if it does not run, and says whether it has run out.
#[inline(always)]
fn run_to_preset<M: Window>(m: &mut M, at: usize, preset_ns: i64, now_ns: i64) -> bool {
    if !get::<bool, M>(m, at, MEMORY) {
        set(m, at, MEMORY, true);
        set(m, at, START, now_ns);
    }
    let elapsed_ns = now_ns.wrapping_sub(get(m, at, START));
    let over = elapsed_ns >= preset_ns;
    set(m, at, ET, if over { preset_ns } else { elapsed_ns });
    over
}

/// Pulse.
#[inline(always)]
pub(in super::super) fn tp<M: Window>(m: &mut M, at: usize, (input, preset_ns): (u8, i64), now_ns: i64) {
    let input = input != 0;
    let mut on: bool = get(m, at, TIMER_Q);
    let mut elapsed_ns: i64 = get(m, at, ET);
    if on {
        elapsed_ns = now_ns.wrapping_sub(get(m, at, START));
    } else if input && !get::<bool, M>(m, at, MEMORY) {
        on = true;
        set(m, at, START, now_ns);
        elapsed_ns = 0;
    } else if !input {
        elapsed_ns = 0;
    }
    if on && elapsed_ns >= preset_ns {
        on = false;
        elapsed_ns = if input { preset_ns } else { 0 };
    }
    set(m, at, TIMER_Q, on);
    set(m, at, ET, elapsed_ns);
    set(m, at, MEMORY, input);
}

/// Is the counting input at a rising edge? Remembers it.
#[inline(always)]
fn edge<M: Window>(m: &mut M, at: usize, now: u8, memory: usize) -> bool {
    let now = now != 0;
    let before: bool = get(m, at, memory);
    set(m, at, memory, now);
    now & !before
}

/// Up counter.
#[inline(always)]
pub(in super::super) fn ctu<M: Window>(m: &mut M, at: usize, (count, load, preset): (u8, u8, i16)) {
    let counts = edge(m, at, count, COUNT_MEMORY);
    let mut value: i16 = get(m, at, CV);
    if load != 0 {
        value = 0;
    } else if counts {
        value = value.saturating_add(1);
    }
    set(m, at, CV, value);
    set(m, at, COUNTER_Q, value >= preset);
}

/// Down counter.
#[inline(always)]
pub(in super::super) fn ctd<M: Window>(m: &mut M, at: usize, (count, load, preset): (u8, u8, i16)) {
    let counts = edge(m, at, count, COUNT_MEMORY);
    let mut value: i16 = get(m, at, CV);
    if load != 0 {
        value = preset;
    } else if counts {
        value = value.saturating_sub(1);
    }
    set(m, at, CV, value);
    set(m, at, COUNTER_Q, value <= 0);
}

/// CTUD: CU, its memory, CD, its memory, R, LD, PV, QU, QD, CV.
pub(in super::super) const UP: u32 = 0;
pub(in super::super) const DOWN: u32 = 2;
pub(in super::super) const RESET: u32 = 4;
pub(in super::super) const LOAD_BOTH: u32 = 5;
pub(in super::super) const PV_BOTH: u32 = 6;

/// Up-down counter.
#[inline(always)]
pub(in super::super) fn ctud<M: Window>(m: &mut M, at: usize, inputs: (u8, u8, u8, u8, i16)) {
    let (up, down, reset, load, preset) = inputs;
    let (up, down) = (edge(m, at, up, 1), edge(m, at, down, 3));
    let mut value: i16 = get(m, at, 10);
    if reset != 0 {
        value = 0;
    } else if load != 0 {
        value = preset;
    } else if up && !down {
        value = value.saturating_add(1);
    } else if down && !up {
        value = value.saturating_sub(1);
    }
    set(m, at, 8, value >= preset);
    set(m, at, 9, value <= 0);
    set(m, at, 10, value);
}

/// Rising edge.
#[inline(always)]
pub(in super::super) fn r_trig<M: Window>(m: &mut M, at: usize, (clock,): (u8,)) {
    let q = edge(m, at, clock, TRIG_MEMORY);
    set(m, at, TRIG_Q, q);
}

/// Falling edge: the memory is TRUE after a call with FALSE.
#[inline(always)]
pub(in super::super) fn f_trig<M: Window>(m: &mut M, at: usize, (clock,): (u8,)) {
    let low = clock == 0;
    let before: bool = get(m, at, TRIG_MEMORY);
    set(m, at, TRIG_Q, low & !before);
    set(m, at, TRIG_MEMORY, low);
}

/// Bistable, set wins.
#[inline(always)]
pub(in super::super) fn sr<M: Window>(m: &mut M, at: usize, (s1, r): (u8, u8)) {
    let q: bool = get(m, at, Q1);
    set(m, at, Q1, (s1 != 0) | ((r == 0) & q));
}

/// Bistable, reset wins.
#[inline(always)]
pub(in super::super) fn rs<M: Window>(m: &mut M, at: usize, (s, r1): (u8, u8)) {
    let q: bool = get(m, at, Q1);
    set(m, at, Q1, (r1 == 0) & ((s != 0) | q));
}
