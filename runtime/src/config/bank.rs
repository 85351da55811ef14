//! Turns the outputs, interlocks and supply of a map into the relay room's bank, and places its findings in the text.

use super::expanders::{self, Expanders, Use};
use super::inputs::{self, Bound, Draft, Side};
use super::model::{self, Map};
use super::validate::{Checker, Sheets};
use super::yaml::Key;
use super::{Code, Finding, InputId, Output, Place, Severity};
use bytecode::near::did_you_mean;
use relay::contact::ContactModel;
use relay::datasheet::TemperatureRange;
use relay::quantity::Duration;
use relay::{
    ActuatorConfig, BankConfig, ChannelConfig, ChannelTable, DataSheet, FeedbackConfig, GroupConfig, LoadConfig,
    RatePolicy, Restart, SafeValue, StopValue, SupplyConfig,
};

/// The checked outputs.
pub(super) struct Bank {
    pub(super) outputs: Vec<Output>,
    pub(super) table: Option<ChannelTable>,
    pub(super) supply: Option<InputId>,
    pub(super) sheets: Vec<DataSheet>,
}

/// A finding of the relay room as one of this room, at a place.
pub(super) fn converted(finding: &relay::Finding, file: &str, place: Place) -> Finding {
    let severity = match finding.severity() {
        relay::Severity::Error => Severity::Error,
        relay::Severity::Warning => Severity::Warning,
        relay::Severity::Note => Severity::Note,
    };
    let mut message = String::new();
    if let Some(channel) = &finding.channel {
        message = format!("`{channel}`: ");
    } else if let Some(group) = &finding.group {
        message = format!("interlock `{group}`: ");
    }
    message.push_str(&finding.message);
    let code = finding.code.code();
    Finding { code, severity, file: file.to_owned(), place, message, remedy: finding.help.clone() }
}

/// Checks outputs, interlocks, supply and installation.
pub(super) fn check(
    checker: &mut Checker<'_>,
    map: &Map,
    sheets: Sheets,
    drafts: &[Draft],
    real: bool,
    tick_ns: u64,
    bound: &mut Bound,
) -> Bank {
    let mut config = BankConfig::new(tick_ns);
    let mut outputs = Vec::new();
    let mut feedbacks = Vec::new();
    let mut unreadable: Vec<&str> = Vec::new();
    for (at, name, entry) in map.outputs.get().into_iter().flat_map(|e| &e.rows) {
        let variable = entry.get().map_or(&Key::Absent, |o| &o.variable);
        let found = inputs::bind(checker, bound, Side::Output, *at, name, variable);
        let Some(output) = entry.get() else {
            unreadable.push(name);
            continue;
        };
        let target = target(checker, output, *at, name, real, &mut bound.expanders);
        let on = target.as_ref().and_then(|(_, line)| bound.expanders.rows.get(usize::from((*line)?.device)));
        expanders::check_output(checker, map, output, name, on);
        let feedback = feedback(checker, map, output, drafts, name, &mut feedbacks);
        expanders::check_feedback(checker, output, feedback.and_then(|id| drafts.get(id.index())));
        let channel = channel(checker, output, name, *at, feedback, drafts, &bound.expanders);
        let sheet = sheets.rows.iter().map(|(sheet, _, _)| sheet);
        let sheet = sheet.into_iter().find(|s| channel.relay.as_ref().is_some_and(|r| r.eq_ignore_ascii_case(&s.name)));
        let model = ContactModel::new(&channel, sheet);
        config.channels.push(channel);
        if let (Some((variable, place)), Some((gpio, expander))) = (found, target) {
            outputs.push(Output { name: name.clone(), variable, place, gpio, expander, feedback, model });
        }
    }
    for entry in map.interlocks.get().into_iter().flatten() {
        let group = entry.get().and_then(|group| interlock(checker, group, entry.place().unwrap_or_default()));
        // A member that could not be read has its finding; the group cannot be judged without it.
        config.groups.extend(group.filter(|group| {
            let mut members = group.channels.iter().chain(&group.cutoff);
            !members.any(|member| unreadable.iter().any(|name| name.eq_ignore_ascii_case(member)))
        }));
    }
    let supply = supply(checker, map, drafts, &mut config.supply);
    installation(checker, map.installation.get(), &mut config);
    unused_sheets(checker, &sheets, &config);
    config.sheets = sheets.rows.iter().map(|(sheet, _, _)| sheet.clone()).collect();
    let built = ChannelTable::build(&config);
    for finding in &built.findings {
        let (file, place) = locate(checker.file, map, &sheets, finding);
        checker.findings.push(converted(finding, &file, place));
    }
    Bank { outputs, table: built.table, supply, sheets: config.sheets }
}

/// Where an output goes: both `None` for the simulated rack.
type Target = (Option<super::GpioLine>, Option<super::ExpanderLine>);

/// Where an output goes, or a finding.
fn target(
    checker: &mut Checker<'_>,
    output: &model::Output,
    at: Place,
    name: &str,
    real: bool,
    expanders: &mut Expanders,
) -> Option<Target> {
    let absent = [output.gpio.is_absent(), output.expander.is_absent(), output.sim.is_absent()];
    if absent.iter().filter(|a| !**a).count() > 1 {
        let message = format!("`{name}` names more than one of `gpio`, `expander` and `sim`");
        checker.add(Code::TwoSources, at, message, "keep one");
        return None;
    }
    match (&output.gpio, &output.expander, &output.sim) {
        (Key::Is(place, gpio), _, _) => inputs::line(checker, gpio, *place).map(|line| (Some(line), None)),
        (_, Key::Is(..), _) => {
            expanders::line(checker, expanders, &output.expander, name, Use::Output).map(|line| (None, Some(line)))
        }
        (Key::Bad(_), _, _) | (_, Key::Bad(_), _) | (_, _, Key::Bad(_)) => None,
        (Key::Absent, Key::Absent, Key::Is(..)) => Some((None, None)),
        (Key::Absent, Key::Absent, Key::Absent) if real => {
            let message = format!("`{name}` is wired to nothing, on a map with real lines");
            let remedy = "add `gpio:` or `expander:`, or `sim: {}` where this output shall stay simulated";
            checker.add(Code::NoSource, at, message, remedy);
            None
        }
        (Key::Absent, Key::Absent, Key::Absent) => Some((None, None)),
    }
}

/// The input a channel is read back by.
fn feedback(
    checker: &mut Checker<'_>,
    map: &Map,
    output: &model::Output,
    drafts: &[Draft],
    name: &str,
    taken: &mut Vec<(InputId, String)>,
) -> Option<InputId> {
    let Key::Is(at, feedback) = &output.feedback else { return None };
    let Key::Is(place, input) = &feedback.input else {
        if feedback.input.is_absent() {
            let remedy = "add `input:` with the name of the input the auxiliary contact is wired to";
            checker.add(Code::MissingKey, *at, "`feedback` without `input`", remedy);
        }
        return None;
    };
    let id = find_input(checker, map, drafts, input, *place)?;
    if let Some((_, first)) = taken.iter().find(|(i, _)| *i == id) {
        let message = format!("`{input}` already reads back `{first}`; it cannot also tell about `{name}`");
        checker.add(Code::FeedbackShared, *place, message, "wire an auxiliary contact of its own for each channel");
    }
    taken.push((id, name.to_owned()));
    Some(id)
}

/// The input of this name. An entry that is there but was refused or could not be read has its finding: nothing is said
/// a second time.
fn find_input(checker: &mut Checker<'_>, map: &Map, drafts: &[Draft], name: &str, at: Place) -> Option<InputId> {
    let position = drafts.iter().position(|d| d.name().eq_ignore_ascii_case(name));
    let written = map.inputs.get().into_iter().flat_map(|e| &e.rows).map(|(_, written, _)| written.as_str());
    let told = matches!(map.inputs, Key::Bad(_)) || written.clone().any(|written| written.eq_ignore_ascii_case(name));
    if position.is_none() && !told {
        let hint = did_you_mean(name, written);
        checker.add(Code::UnknownInput, at, format!("there is no input `{name}`{hint}"), "name an entry of `inputs`");
    }
    position.and_then(|p| u16::try_from(p).ok()).map(InputId)
}

fn channel(
    checker: &mut Checker<'_>,
    output: &model::Output,
    name: &str,
    at: Place,
    feedback: Option<InputId>,
    drafts: &[Draft],
    expanders: &Expanders,
) -> ChannelConfig {
    let ns = |key: &Key<Duration>| key.get().map(|d| d.ns);
    let mut config = ChannelConfig::new(name);
    config.relay = output.relay.get().cloned();
    config.contact = output.contact.or(config.contact);
    config.load = output.load.get().and_then(|load| self::load(checker, load, output.load.place().unwrap_or(at)));
    config.actuator = output
        .actuator
        .get()
        .map(|a| ActuatorConfig { pull_in_ns: ns(&a.pull_in).unwrap_or(0), drop_out_ns: ns(&a.drop_out).unwrap_or(0) });
    // Also where the input was not found, so that nobody is told besides that there is no feedback.
    config.feedback = (!output.feedback.is_absent()).then(|| FeedbackConfig {
        contact: output.feedback.get().and_then(|f| f.contact.get().copied()).unwrap_or_default(),
        debounce_ns: feedback.and_then(|id| drafts.get(id.index())).map_or(0, Draft::debounce_ns),
        input_age_ns: feedback
            .and_then(|id| drafts.get(id.index())?.expander())
            .and_then(|line| expanders.rows.get(usize::from(line.device)))
            .map_or(0, |expander| expander.max_age_ns),
    });
    config.min_off_ns = ns(&output.min_off);
    if let Some(margin) = output.margin.get() {
        // A negative margin would make a wait end before the contact has moved.
        match u32::try_from(margin.hundredths) {
            Ok(hundredths) => config.margin_percent = hundredths.div_ceil(100),
            Err(_) => {
                let place = output.margin.place().unwrap_or(at);
                let remedy = "a margin is added to typical times: 0 % or more, 50 % by default";
                checker.add(Code::BadValue, place, "a negative margin", remedy);
            }
        }
    }
    config.rate = output.rate.or(RatePolicy::Warn);
    config.pending_limit_ns = ns(&output.pending_limit);
    config.stop = output.stop.or(StopValue::Off);
    config.safe = output.safe.or(SafeValue::Off);
    config.safe_reason = output.safe_reason.get().cloned();
    config.restart = output.restart.or(Restart::Manual);
    config.restart_reason = output.restart_reason.get().cloned();
    config.stagger_ns = ns(&output.stagger).unwrap_or(0);
    without_relay(checker, output, name);
    config
}

/// Lifts rule 3 where there is no map: nothing real is switched, and what is commanded on from the first scan shows.
pub(super) fn restart_by_itself(channel: &mut ChannelConfig) {
    channel.restart = Restart::Auto;
    channel.restart_reason.get_or_insert_with(|| "simulated without a map: nothing real is switched".to_owned());
}

/// Keys that say something about a relay or contact have no meaning on a bare line.
fn without_relay(checker: &mut Checker<'_>, output: &model::Output, name: &str) {
    if !output.relay.is_absent() {
        return;
    }
    let keys = [("contact", output.contact.place()), ("load", output.load.place()), ("rate", output.rate.place())];
    for (key, place) in keys {
        if let Some(place) = place {
            let message = format!("`{name}`: `{key}` describes a relay's contact, but there is no `relay`");
            checker.add(
                Code::KeyNeedsRelay,
                place,
                message,
                "name the relay's data sheet with `relay:`, or take the key out",
            );
        }
    }
}

fn load(checker: &mut Checker<'_>, load: &model::Load, at: Place) -> Option<LoadConfig> {
    let mut missing = |key: &str, absent: bool, example: &str| {
        if absent {
            let message = format!("`load` without `{key}`");
            checker.add(Code::MissingKey, at, message, format!("add `{key}: {example}`"));
        }
    };
    missing("voltage", load.voltage.is_absent(), "24 VDC");
    missing("current", load.current.is_absent(), "40 mA");
    Some(LoadConfig {
        voltage: *load.voltage.get()?,
        current: *load.current.get()?,
        kind: load.kind.or(relay::LoadKind::Resistive),
        suppression: load.suppression.or(relay::Suppression::None),
        poles: load.poles.or(1),
        dc_limit_checked: load.dc_limit_checked.or(false),
    })
}

fn interlock(checker: &mut Checker<'_>, group: &model::Interlock, at: Place) -> Option<GroupConfig> {
    let mut missing = |key: &str, absent: bool, example: &str| {
        if absent {
            let message = format!("an interlock without `{key}`");
            checker.add(Code::MissingKey, at, message, format!("add `{key}: {example}`"));
        }
    };
    missing("name", group.name.is_absent(), "direction");
    missing("channels", group.channels.is_absent(), "[fwd, rev]");
    Some(GroupConfig {
        name: group.name.get()?.clone(),
        channels: group.channels.get()?.iter().filter_map(|c| c.get().cloned()).collect(),
        dead_time_ns: group.dead_time.get().map_or(0, |d| d.ns),
        cutoff: group.cutoff.get().cloned(),
        nc_reason: group.nc_reason.get().cloned(),
    })
}

fn supply(checker: &mut Checker<'_>, map: &Map, drafts: &[Draft], config: &mut SupplyConfig) -> Option<InputId> {
    let supply = map.supply.get()?;
    config.voltage = supply.voltage.get().copied();
    config.rating = supply.rating.get().copied();
    // Also where the input is not found, so that nobody is told besides that the supply is not sensed.
    config.sensed = !supply.sensed.is_absent();
    let Key::Is(place, name) = &supply.sensed else { return None };
    find_input(checker, map, drafts, name, *place)
}

fn installation(checker: &mut Checker<'_>, installation: Option<&model::Installation>, config: &mut BankConfig) {
    let Some(installation) = installation else { return };
    let to = &mut config.installation;
    to.overvoltage_category = installation.overvoltage_category.or(to.overvoltage_category);
    to.pollution_degree = installation.pollution_degree.or(to.pollution_degree);
    if let Some(ambient) = installation.ambient.get() {
        match (ambient.min.get(), ambient.max.get()) {
            (Some(min), Some(max)) if min <= max => to.ambient = Some(TemperatureRange { min: *min, max: *max }),
            (Some(_), Some(_)) => {
                let place = installation.ambient.place().unwrap_or_default();
                checker.add(Code::BadValue, place, "`ambient` has `min` above `max`", "exchange the two");
            }
            (None, _) | (_, None) => {
                let place = installation.ambient.place().unwrap_or_default();
                checker.add(Code::MissingKey, place, "`ambient` needs `min` and `max`", "add the missing one");
            }
        }
    }
    to.standards = installation.standards.get().into_iter().flatten().filter_map(|s| s.get().cloned()).collect();
}

fn unused_sheets(checker: &mut Checker<'_>, sheets: &Sheets, config: &BankConfig) {
    for (sheet, _, place) in &sheets.rows {
        let used = config.channels.iter().filter_map(|c| c.relay.as_ref()).any(|r| r.eq_ignore_ascii_case(&sheet.name));
        if !used {
            let message = format!("no output uses the data sheet `{}`", sheet.name);
            checker.add(Code::UnusedSheet, *place, message, "take it out, or name it under `relay:`");
        }
    }
}

/// File and place a finding of the relay room is about.
fn locate(file: &str, map: &Map, sheets: &Sheets, finding: &relay::Finding) -> (String, Place) {
    let key = finding.key.unwrap_or_default();
    if let Some(channel) = &finding.channel {
        let mut rows = map.outputs.get().into_iter().flat_map(|e| &e.rows);
        if let Some((at, _, entry)) = rows.find(|(_, name, _)| name == channel) {
            return (file.to_owned(), entry.get().and_then(|o| output_key(o, key)).unwrap_or(*at));
        }
    }
    if let Some(group) = &finding.group {
        let mut rows = map.interlocks.get().into_iter().flatten();
        if let Some(entry) = rows.find(|g| g.get().and_then(|g| g.name.get()) == Some(group)) {
            let place = entry.get().and_then(|g| interlock_key(g, key)).or(entry.place());
            return (file.to_owned(), place.unwrap_or_default());
        }
    }
    // A finding about a sheet names it in its message only; its key is a row of the sheet.
    let sheet = sheets.rows.iter().find(|(s, _, _)| finding.message.contains(&format!("`{}`", s.name)));
    if let (Some((_, _, place)), None, None) = (sheet, &finding.channel, &finding.group) {
        return (file.to_owned(), *place);
    }
    let place = match key {
        "voltage" => map.supply.get().and_then(|s| s.voltage.place()),
        "rating" => map.supply.get().and_then(|s| s.rating.place()),
        "supply" | "sensed" => map.supply.place(),
        "overvoltage_category" => map.installation.get().and_then(|i| i.overvoltage_category.place()),
        "pollution_degree" => map.installation.get().and_then(|i| i.pollution_degree.place()),
        "ambient" => map.installation.get().and_then(|i| i.ambient.place()),
        "standards" => map.installation.get().and_then(|i| i.standards.place()),
        _ => None,
    };
    (file.to_owned(), place.or(map.outputs.place()).unwrap_or(Place { line: 1, column: 1 }))
}

fn output_key(output: &model::Output, key: &str) -> Option<Place> {
    let load = output.load.get();
    match key {
        "relay" => output.relay.place(),
        "contact" => output.contact.place(),
        "load" => output.load.place(),
        "voltage" => load.and_then(|l| l.voltage.place()),
        "current" => load.and_then(|l| l.current.place()),
        "kind" => load.and_then(|l| l.kind.place()),
        "suppression" => load.and_then(|l| l.suppression.place()).or(output.load.place()),
        "poles" => load.and_then(|l| l.poles.place()),
        "dc_limit_checked" => load.and_then(|l| l.dc_limit_checked.place()).or(output.load.place()),
        "actuator" => output.actuator.place(),
        "pull_in" => output.actuator.get().and_then(|a| a.pull_in.place()),
        "drop_out" => output.actuator.get().and_then(|a| a.drop_out.place()),
        "feedback" => output.feedback.place(),
        "min_off" => output.min_off.place(),
        "margin" => output.margin.place(),
        "rate" => output.rate.place(),
        "pending_limit" => output.pending_limit.place(),
        "stop" => output.stop.place(),
        "safe" => output.safe.place(),
        "safe_reason" => output.safe_reason.place().or(output.safe.place()),
        "restart" => output.restart.place(),
        "restart_reason" => output.restart_reason.place().or(output.restart.place()),
        "stagger" => output.stagger.place(),
        _ => None,
    }
}

fn interlock_key(group: &model::Interlock, key: &str) -> Option<Place> {
    match key {
        "name" => group.name.place(),
        "channels" => group.channels.place(),
        "dead_time" => group.dead_time.place(),
        "cutoff" => group.cutoff.place(),
        "nc_reason" => group.nc_reason.place(),
        _ => None,
    }
}
