//! What fits together on the command line of `run`, and what names in it mean. Nothing here touches a file.

use super::{script::Script, values};
use crate::args::{Assignment, RunArgs};
use crate::exit::Refusal;
use bytecode::Image;
use bytecode::near::did_you_mean;
use relay::quantity::Duration;
use runtime::config::{InputId, IoMap, Source, Word};
use runtime::live::SimulationOnly;
use runtime::scan::Command;
use runtime::scan::plan::{TICK_MAX_NS, TICK_MIN_NS};
use runtime::scan::real::RunLimit;

/// Refuses what does not fit together, before anything is read.
///
/// # Errors
/// Says what, and what to write instead.
pub fn check(args: &RunArgs) -> Result<(), Refusal> {
    if args.virtual_time && args.run_time.is_none() && args.play.is_none() {
        return Err(Refusal::wrong_use(
            "virtual time without an end would never return",
            "say how long, for example `--virtual --for 1min`, or play a timeline with `--play`",
        ));
    }
    if let Some(scan) = args.scan
        && !(TICK_MIN_NS..=TICK_MAX_NS).contains(&scan.ns)
    {
        return Err(Refusal::wrong_use(
            format!(
                "`--scan` of {scan} is outside {} to {}",
                Duration::from_ns(TICK_MIN_NS),
                Duration::from_ns(TICK_MAX_NS)
            ),
            "10 ms suits relays; 1 ms is fast",
        ));
    }
    Ok(())
}

/// Refuses a `--scan` that would have no effect.
///
/// # Errors
/// Every program has a TASK with an interval of its own.
pub fn check_scan(args: &RunArgs, image: &Image) -> Result<(), Refusal> {
    let open_task = image.tasks.iter().any(|task| task.interval_ns == 0);
    let in_a_task = |program: u32| image.tasks.iter().any(|task| task.programs.contains(&program));
    let count = u32::try_from(image.programs.len()).unwrap_or(u32::MAX);
    if args.scan.is_none() || open_task || !(0..count).all(in_a_task) {
        return Ok(());
    }
    Err(Refusal::wrong_use(
        "`--scan` has no effect: every program has a TASK with an INTERVAL of its own",
        "change the INTERVAL in the CONFIGURATION, or leave `--scan` out",
    ))
}

/// What of this command line is for simulation only.
#[must_use]
pub fn simulation_only(args: &RunArgs) -> Vec<SimulationOnly> {
    let asked = [
        (args.virtual_time, SimulationOnly::VirtualTime),
        (args.play.is_some(), SimulationOnly::Play),
        (!args.set.is_empty(), SimulationOnly::Set),
    ];
    asked.into_iter().filter(|(is, _)| *is).map(|(_, what)| what).collect()
}

/// How long the run is. A timeline in virtual time ends when everything in it has happened; in real time it goes on.
#[must_use]
pub fn limit(args: &RunArgs, script: Option<&Script>) -> RunLimit {
    let played_ns = script.filter(|_| args.virtual_time).map(Script::end_ns);
    RunLimit { for_ns: args.run_time.map(|d| d.ns).or(played_ns) }
}

/// Names of the inputs a person can set: those of the simulated rack, BOOLs first.
pub fn settable(map: &IoMap) -> impl Iterator<Item = &str> {
    let bits = map.inputs.iter().filter(|i| matches!(i.source, Source::Sim { .. })).map(|i| i.name.as_str());
    bits.chain(map.words.iter().filter(|word| word.input).map(|word| word.name.as_str()))
}

/// The input a typed name means.
///
/// # Errors
/// There is none, or nobody can set it.
pub fn input_named(name: &str, map: &IoMap) -> Result<InputId, Refusal> {
    let Some(id) = map.input(name) else {
        let names: Vec<&str> = settable(map).collect();
        let near = did_you_mean(name, names.iter().copied());
        let help = match near.strip_prefix("; ") {
            Some(near) => near.to_owned(),
            None if names.is_empty() => "this program has no input that can be set".to_owned(),
            None => format!("inputs are {}", names.join(", ")),
        };
        return Err(Refusal::wrong_use(format!("there is no input `{name}`"), help));
    };
    match map.input_at(id).map(|i| &i.source) {
        Some(Source::Sim { .. }) => Ok(id),
        Some(Source::Channel(..)) => {
            Err(Refusal::wrong_use(format!("`{name}` reads the state of a channel"), "nobody can set it from outside"))
        }
        Some(Source::Gpio(_) | Source::Expander(_)) | None => {
            Err(Refusal::wrong_use(format!("`{name}` is a real line"), "its level comes from the plant"))
        }
    }
}

/// The located word of this name, by position in [`IoMap::words`].
#[must_use]
pub fn word_named<'m>(name: &str, map: &'m IoMap) -> Option<(u16, &'m Word)> {
    let at = map.words.iter().position(|word| word.name.eq_ignore_ascii_case(name))?;
    Some((u16::try_from(at).ok()?, map.words.get(at)?))
}

/// What `NAME=VALUE` asks for.
///
/// # Errors
/// As [`input_named`], or the value is none of the variable's type.
pub fn setting(assignment: &Assignment, map: &IoMap) -> Result<Command, Refusal> {
    let Assignment { name, value } = assignment;
    let no_value = |why: String| Refusal::wrong_use(format!("`{name}` cannot be set: {why}"), "");
    if map.input(name).is_none()
        && let Some((index, word)) = word_named(name, map)
    {
        if !word.input {
            return Err(Refusal::wrong_use(format!("`{name}` is an output"), "its value comes from the program"));
        }
        return values::bits(word.elementary, value).map(|bits| Command::SetWord(index, bits)).map_err(no_value);
    }
    let input = input_named(name, map)?;
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(Command::SetInput(input, true)),
        "false" | "0" => Ok(Command::SetInput(input, false)),
        other => Err(no_value(format!("`{other}` is no value of BOOL; write true or false"))),
    }
}

/// What a name typed alone asks for: to toggle that input.
///
/// # Errors
/// As [`input_named`]; an input that is no BOOL has no other state to go to.
pub fn toggling(name: &str, map: &IoMap) -> Result<Command, Refusal> {
    match word_named(name, map) {
        Some((_, word)) if map.input(name).is_none() && word.input => Err(Refusal::wrong_use(
            format!("`{name}` is {} and cannot be toggled", word.elementary.name()),
            format!("write {name}=VALUE"),
        )),
        Some(_) | None => Ok(Command::ToggleInput(input_named(name, map)?)),
    }
}

/// What the `--set` options ask for.
///
/// # Errors
/// As [`setting`].
pub fn resolve_sets(set: &[Assignment], map: &IoMap) -> Result<Vec<Command>, Refusal> {
    set.iter().map(|assignment| setting(assignment, map)).collect()
}
