//! Playing a script on a controller: for the runner of tests and for `plcrun --play`.
//!
//! A player asks [`Stimuli::next_due`] before each scan what is due and hands each action to [`apply`].

use crate::problem::{Place, Problem};
use crate::stimuli::{Action, InputIndex, Stimuli};
use crate::{format, suite};
use bytecode::VerifiedImage;
use bytecode::image::Place as ImagePlace;
use bytecode::near::nearest;
use relay::ChannelId;
use runtime::config::IoMap;
use runtime::config::files::Files;
use runtime::io::{Rack, SimSource};
use runtime::scan::{Command, Plc};
use runtime::vm::Engine;
use std::path::Path;

/// The stimuli of a timeline file's test, for a program that is loaded already: the first test, or the one named.
///
/// The file's own `program`, `io` and `scan` are not looked at; its names must fit the program at hand.
///
/// # Errors
/// Problems of the file and of its names; a test that does not exist; a map with real lines, which no timeline may ever
/// drive.
pub fn script(
    path: &Path,
    files: &dyn Files,
    image: &VerifiedImage,
    map: &IoMap,
    test: Option<&str>,
) -> Result<Stimuli, Vec<Problem>> {
    let file = path.display().to_string();
    if map.has_real_lines() {
        let message = "a timeline cannot be played on a map with real lines";
        let help = "play it on the simulated rack, or operate the real inputs";
        return Err(vec![Problem::new(Place::whole(&file), message).help(help)]);
    }
    let text = suite::read(&file, path, files)?;
    let mut timeline = format::parse(&file, &text)?;
    if let Some(wanted) = test {
        let names: Vec<String> = timeline.tests.iter().map(|test| test.name.clone()).collect();
        timeline.tests.retain(|test| test.name == wanted);
        if timeline.tests.is_empty() {
            let help = match nearest(wanted, names.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("its tests are: {}", names.join("; ")),
            };
            return Err(vec![Problem::new(Place::whole(&file), format!("there is no test `{wanted}`")).help(help)]);
        }
    }
    timeline.tests.truncate(1);
    let tests = suite::prepared(&file, &text, &timeline, image, map)?;
    let stimuli = tests.into_iter().next().map(|test| test.stimuli).unwrap_or_default();
    if stimuli.actions().iter().any(|timed| matches!(timed.action, Action::PowerCut { .. })) {
        let message = "a power cut cannot be played: it would end the program";
        let help = "see it with `plcrun test`, or end the program and start it again yourself";
        return Err(vec![Problem::new(Place::whole(&file), message).help(help)]);
    }
    Ok(stimuli)
}

/// Does what an action says, before the next scan. False where the rack cannot do it, which a checked script never asks
/// for on the map it was checked against, and where the guard refuses an acknowledgement.
pub fn apply<E: Engine>(action: Action, plc: &mut Plc<E, Rack>) -> bool {
    match action {
        Action::SetBit { input, value } => set_bit(plc, input, value),
        Action::Toggle { input } => {
            let Some(id) = plc.map().input_ids().nth(input.0) else { return false };
            let sim = plc.driver_mut().sim_mut();
            sim.level(id).is_some_and(|level| sim.set(id, !level))
        }
        Action::SetWord { variable, bits } => {
            let ImagePlace::Byte(offset) = variable.place else { return false };
            let word = plc.map().words.iter().position(|word| word.input && word.offset == offset);
            let word = word.and_then(|word| u16::try_from(word).ok());
            word.is_some_and(|word| plc.apply(Command::SetWord(word, bits)))
        }
        Action::Follow { input, channel } => {
            let (id, channel) = (plc.map().input_ids().nth(input.0), channel_id(plc, channel.0));
            let (Some(id), Some(channel)) = (id, channel) else { return false };
            plc.driver_mut().sim_mut().set_source(id, SimSource::Contact(channel))
        }
        Action::Defect { channel, defect } => {
            let Some(channel) = channel_id(plc, channel.0) else { return false };
            let sim = plc.driver_mut().sim_mut();
            match defect {
                Some(defect) => sim.inject(channel, defect),
                None => sim.repair(channel),
            }
        }
        Action::Acknowledge { channel } => {
            let Some(channel) = channel_id(plc, channel.0) else { return false };
            plc.apply(Command::Acknowledge(channel))
        }
        Action::InputDefect { input, defect } => {
            let Some(id) = plc.map().input_ids().nth(input.0) else { return false };
            plc.driver_mut().sim_mut().set_input_defect(id, defect)
        }
        Action::PowerCut { .. } => false,
        Action::Supply { ok } => plc.map().supply.is_some_and(|input| set_bit(plc, InputIndex(input.index()), ok)),
    }
}

fn set_bit<E: Engine>(plc: &mut Plc<E, Rack>, input: InputIndex, value: bool) -> bool {
    let Some(id) = plc.map().input_ids().nth(input.0) else { return false };
    plc.driver_mut().sim_mut().set(id, value)
}

fn channel_id<E: Engine>(plc: &Plc<E, Rack>, index: usize) -> Option<ChannelId> {
    plc.table().ids().nth(index)
}
