//! How often outputs switch by themselves: the program run in virtual time with inputs that do not change.
//!
//! Flashing comes from timers that restart each other, which a formula does not show; so the compiled program is run, without
//! guard and relays. Each run begins at rest (stop inputs closed, everything else as the map says), then one input is pressed, or
//! held, and nothing changes any more. What an output then does within a minute it does for ever. Read-backs follow their outputs.
//!
//! A program that flashes only for a combination of inputs is not found, nor one so large that not every input can be tried.

use crate::context::{Context, MapView};
use bytecode::VerifiedImage;
use runtime::config::{ChannelValue, InputId, IoMap, Source};
use runtime::vm::{Budget, Engine as _, Interpreter, Memory};

/// Virtual time of one scan at least: fine enough for lamps, and a minute is three thousand scans.
const STEP_NS: u64 = 20_000_000;
/// Time until the window begins: what starts with a press has started.
const SETTLE_NS: u64 = 5_000_000_000;
/// The window in which operations are counted: that of the data sheets' rate.
const WINDOW_NS: u64 = relay::WINDOW_NS;
/// When an input changes, and how long a press lasts.
const PRESS_AT_NS: u64 = 1_000_000_000;
const PRESS_NS: u64 = 200_000_000;
/// Instructions all runs may take together: about a second on a slow machine. A large program is tried with fewer inputs, at rest in
/// any case.
const WORK_MAX: u64 = 200_000_000;

/// How often one output switches on in a minute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duty {
    /// Position of the output in the map.
    pub output: usize,
    /// ON edges within a minute.
    pub operations: u32,
    /// Time from the first to the second of them, in milliseconds.
    pub period_ms: u64,
    /// What has to be done for it; empty: nothing, it is so at rest.
    pub cause: String,
}

/// What is done to the inputs.
#[derive(Clone, Copy, Debug)]
enum Doing {
    Nothing,
    Press(InputId),
    Hold(InputId),
}

/// The greatest number of operations of each output, with what it takes; only outputs that switch on at least twice.
#[must_use]
pub fn measure(context: &Context<'_>) -> Vec<Duty> {
    let (Some(map), Some(image)) = (&context.map, &context.compiled.image) else { return Vec::new() };
    let Ok(image) = bytecode::verify(image.clone()) else { return Vec::new() };
    let mut engine = Interpreter::load(&image);
    let scans = (SETTLE_NS + WINDOW_NS) / step_ns(map.io);
    let code = u64::try_from(image.image().code.len()).unwrap_or(u64::MAX).max(1);
    let runs = usize::try_from(WORK_MAX / scans.saturating_mul(code).max(1)).unwrap_or(usize::MAX).max(1);
    let free: Vec<InputId> = map.io.input_ids().filter(|id| is_free(map.io, *id)).collect();
    let held = free.iter().map(|id| Doing::Hold(*id));
    let pressed = free.iter().map(|id| Doing::Press(*id));
    let mut found: Vec<Duty> = Vec::new();
    for doing in std::iter::once(Doing::Nothing).chain(held).chain(pressed).take(runs) {
        for duty in run(map, &image, &mut engine, doing) {
            match found.iter_mut().find(|d| d.output == duty.output) {
                // The simplest cause of equal ones comes first.
                Some(known) if known.operations >= duty.operations => {}
                Some(known) => *known = duty,
                None => found.push(duty),
            }
        }
    }
    found.sort_by_key(|d| d.output);
    found
}

fn step_ns(io: &IoMap) -> u64 {
    io.plan.tick_ns.max(STEP_NS)
}

/// Is it neither a read-back nor a state of a channel?
fn is_free(io: &IoMap, id: InputId) -> bool {
    let read_back = io.outputs.iter().any(|o| o.feedback == Some(id));
    let state = io.input_at(id).is_some_and(|i| matches!(i.source, Source::Channel(..)));
    !read_back && !state && io.supply != Some(id)
}

/// Is it TRUE at rest?
fn rests_true(io: &IoMap, id: InputId) -> bool {
    io.input_at(id).is_some_and(|input| {
        let initial = matches!(input.source, Source::Sim { initial: true });
        input.stop || initial || io.supply == Some(id)
    })
}

fn run(map: &MapView<'_>, image: &VerifiedImage, engine: &mut Interpreter, doing: Doing) -> Vec<Duty> {
    let io = map.io;
    let mut memory = Memory::new(image.image());
    let step_ns = step_ns(io);
    let mut due: Vec<u64> = io.plan.tasks.iter().map(|_| 0).collect();
    let mut before: Vec<bool> = vec![false; io.outputs.len()];
    let mut edges: Vec<Vec<u64>> = vec![Vec::new(); io.outputs.len()];
    let mut now_ns = 0;
    while now_ns < SETTLE_NS + WINDOW_NS {
        set_inputs(io, &mut memory, &before, doing, now_ns);
        for (task, due_ns) in io.plan.tasks.iter().zip(&mut due) {
            if now_ns < *due_ns {
                continue;
            }
            *due_ns = now_ns + task.every.saturating_mul(io.plan.tick_ns).max(step_ns);
            let mut budget = Budget::new(io.scan.budget);
            for program in &task.programs {
                let time = i64::try_from(now_ns).unwrap_or(i64::MAX);
                if engine.run(&mut memory, *program as usize, time, &mut budget).is_err() {
                    // A fault ends the program: it flashes no more.
                    return Vec::new();
                }
            }
        }
        for ((output, before), edges) in io.outputs.iter().zip(&mut before).zip(&mut edges) {
            let on = output.place.get(memory.data());
            if on && !*before && now_ns >= SETTLE_NS {
                edges.push(now_ns);
            }
            *before = on;
        }
        now_ns += step_ns;
    }
    let cause = cause(io, doing);
    let duty = |(output, edges): (usize, &Vec<u64>)| {
        let [first, second, ..] = edges.as_slice() else { return None };
        let operations = u32::try_from(edges.len()).unwrap_or(u32::MAX);
        Some(Duty { output, operations, period_ms: (second - first) / 1_000_000, cause: cause.clone() })
    };
    edges.iter().enumerate().filter_map(duty).collect()
}

fn set_inputs(io: &IoMap, memory: &mut Memory, outputs: &[bool], doing: Doing, now_ns: u64) {
    let active = match doing {
        Doing::Nothing => None,
        Doing::Hold(id) => (now_ns >= PRESS_AT_NS).then_some(id),
        Doing::Press(id) => (PRESS_AT_NS..PRESS_AT_NS + PRESS_NS).contains(&now_ns).then_some(id),
    };
    let is_on = |channel: usize| outputs.get(channel).copied().unwrap_or(false);
    for id in io.input_ids() {
        let Some(input) = io.input_at(id) else { continue };
        let read_back = io.outputs.iter().position(|o| o.feedback == Some(id));
        let value = match (&input.source, read_back) {
            (Source::Channel(channel, value), _) => match value {
                ChannelValue::Ready => true,
                ChannelValue::Pending | ChannelValue::Fault => false,
                ChannelValue::Line | ChannelValue::Contact | ChannelValue::Commanded => is_on(channel.index()),
            },
            (_, Some(output)) => {
                let mirror =
                    io.outputs.get(output).is_some_and(|o| o.model.feedback == relay::FeedbackContact::MirrorNc);
                is_on(output) != mirror
            }
            (_, None) => rests_true(io, id) != (active == Some(id)),
        };
        input.place.set(memory.data_mut(), value);
    }
}

fn cause(io: &IoMap, doing: Doing) -> String {
    let name = |id: InputId| io.input_at(id).map_or("", |i| i.name.as_str());
    match doing {
        Doing::Nothing => String::new(),
        Doing::Press(id) => format!("after a press of `{}`", name(id)),
        Doing::Hold(id) => {
            let word = if rests_true(io, id) { "FALSE" } else { "TRUE" };
            format!("while `{}` is {word}", name(id))
        }
    }
}
