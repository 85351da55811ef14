//! Checks the port expanders of a map and the entries that name their lines.
//!
//! Only what the guard need not watch may sit on an expander that plcrun reads itself: after the death of this process
//! such a chip keeps its levels, and nobody holds them. Everything else is refused with the remedy: the kernel's own
//! driver makes the same chip a GPIO chip, whose lines the guardian holds.

use super::finding::Code;
use super::inputs::Draft;
use super::model::{self, Level, Map, Pull};
use super::validate::Checker;
use super::yaml::Key;
use super::{Expander, ExpanderLine, Place};
use crate::clock::NS_PER_MS;
use crate::io::expander::{BusKind, ExpanderKind};
use bytecode::near::did_you_mean;
use relay::quantity::Duration;
use relay::{FeedbackContact, SafeValue};
use std::collections::HashMap;

/// Default time between two readings: as the default scan period, so that each scan has its own.
pub const POLL_DEFAULT_NS: u64 = 10 * NS_PER_MS;
/// Shortest time between two readings: what 16 lines take at 400 kHz, rounded up.
pub const POLL_MIN_NS: u64 = NS_PER_MS;
/// Longest: an output has to be confirmed within the second after which the guard calls it a fault.
pub const POLL_MAX_NS: u64 = 250 * NS_PER_MS;
/// Default age up to which a reading counts, in polls: a reading that failed once and the one after it fit in.
pub const MAX_AGE_POLLS: u64 = 5;
/// Least age in polls: one reading may always be on its way.
pub const MAX_AGE_POLLS_MIN: u64 = 2;
/// Longest age up to which a reading counts.
pub const MAX_AGE_MAX_NS: u64 = 10_000 * NS_PER_MS;
/// Most expanders of a map: eight addresses on each of 32 buses.
pub const EXPANDERS_MAX: usize = 255;

/// The checked expanders. `rows` has every one that could be read, in the order of the map; `names` all.
#[derive(Debug, Default)]
pub(super) struct Expanders {
    pub(super) rows: Vec<Expander>,
    names: Vec<String>,
    /// Every line of every expander that an entry uses, with that entry.
    used: HashMap<(u8, u8), (String, Place)>,
}

/// Checks the section.
pub(super) fn check(checker: &mut Checker<'_>, map: &Map) -> Expanders {
    let entries = map.expanders.get().into_iter().flat_map(|e| &e.rows);
    let mut expanders = Expanders { rows: Vec::new(), names: Vec::new(), used: HashMap::new() };
    let mut places: HashMap<(String, u8, BusKind), String> = HashMap::new();
    for (at, name, entry) in entries {
        expanders.names.push(name.clone());
        let Some(row) = entry.get().and_then(|e| expander(checker, e, *at, name)) else { continue };
        if expanders.rows.len() >= EXPANDERS_MAX {
            let message = format!("more than {EXPANDERS_MAX} expanders");
            checker.add(Code::ExpanderRange, *at, message, "spread them over several controllers");
            break;
        }
        let first = places.insert((row.bus.clone(), row.address, row.kind.bus()), name.clone());
        if let Some(first) = first {
            let message = format!("`{name}` has the bus and address of `{first}`");
            checker.add(Code::ExpanderTwice, *at, message, "give the chip an address of its own by its address pins");
        }
        expanders.rows.push(row);
    }
    expanders
}

fn expander(checker: &mut Checker<'_>, entry: &model::Expander, at: Place, name: &str) -> Option<Expander> {
    let kind = entry.kind.get().copied();
    let example = kind.unwrap_or(ExpanderKind::Pca9555);
    let bus_example = match example.bus() {
        BusKind::I2c => "/dev/i2c-1",
        BusKind::Spi => "/dev/spidev0.0",
    };
    let mut missing = |key: &str, absent: bool, value: String| {
        if absent {
            let message = format!("expander `{name}` without `{key}`");
            checker.add(Code::MissingKey, at, message, format!("add `{key}: {value}`"));
        }
    };
    missing("kind", entry.kind.is_absent(), example.name().to_owned());
    missing("bus", entry.bus.is_absent(), bus_example.to_owned());
    missing("address", entry.address.is_absent(), format!("{:#04x}", example.addresses().start()));
    let poll_ns = entry.poll.get().map_or(POLL_DEFAULT_NS, |d| d.ns);
    if !(POLL_MIN_NS..=POLL_MAX_NS).contains(&poll_ns) {
        let message = format!("expander `{name}`: a poll time outside 1 ms to 250 ms");
        let remedy = "10 ms suits most; a chip of 16 lines takes about half a millisecond at 400 kHz";
        checker.add(Code::ExpanderRange, entry.poll.place().unwrap_or(at), message, remedy);
    }
    let max_age_ns = entry.max_age.get().map_or(poll_ns.saturating_mul(MAX_AGE_POLLS), |d| d.ns);
    let least_ns = poll_ns.saturating_mul(MAX_AGE_POLLS_MIN);
    if !(least_ns..=MAX_AGE_MAX_NS.max(least_ns)).contains(&max_age_ns) {
        let message = format!("expander `{name}`: a greatest age outside two polls to 10 s");
        let default = Duration::from_ns(poll_ns.saturating_mul(MAX_AGE_POLLS));
        checker.add(
            Code::ExpanderRange,
            entry.max_age.place().unwrap_or(at),
            message,
            format!("leave it out for five polls ({default})"),
        );
    }
    let (kind, bus, address) = (kind?, entry.bus.get()?, *entry.address.get()?);
    if !kind.addresses().contains(&address) {
        let (first, last) = (*kind.addresses().start(), *kind.addresses().end());
        let message = format!(
            "expander `{name}`: a {} has addresses {first:#04x} to {last:#04x}, not {address:#04x}",
            kind.name()
        );
        let remedy = "write the 7-bit address (data sheets also print it shifted by one), or correct `kind`";
        checker.add(Code::ExpanderAddress, entry.address.place().unwrap_or(at), message, remedy);
    }
    let starts = match kind.bus() {
        BusKind::I2c => "/dev/i2c-",
        BusKind::Spi => "/dev/spidev",
    };
    // Links made by udev rules have names of their own; what names the other kind of bus is a mistake.
    let wrong = match kind.bus() {
        BusKind::I2c => bus.starts_with("/dev/spidev"),
        BusKind::Spi => bus.starts_with("/dev/i2c-"),
    };
    if wrong || !bus.starts_with('/') {
        let message = format!("expander `{name}`: `{bus}` is no bus of a {}", kind.name());
        let place = entry.bus.place().unwrap_or(at);
        checker.add(Code::ExpanderAddress, place, message, format!("write a device path such as `{starts}...`"));
    }
    Some(Expander { name: name.to_owned(), kind, bus: bus.clone(), address, poll_ns, max_age_ns })
}

/// Which side of the program a line serves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Input,
    Output,
}

/// The line an entry names, or a finding.
pub(super) fn line(
    checker: &mut Checker<'_>,
    expanders: &mut Expanders,
    key: &Key<model::ExpanderPin>,
    name: &str,
    used_as: Use,
) -> Option<ExpanderLine> {
    let Key::Is(at, pin) = key else { return None };
    let mut missing = |key: &str, absent: bool, value: &str| {
        if absent {
            let remedy = format!("add `{key}: {value}`");
            checker.add(Code::MissingKey, *at, format!("`expander` without `{key}`"), remedy);
        }
    };
    missing("device", pin.device.is_absent(), "the name of an entry under `expanders`");
    missing("line", pin.line.is_absent(), "the number of the line, from 0");
    let (Key::Is(device_at, device), Key::Is(line_at, line)) = (&pin.device, &pin.line) else { return None };
    let Some(index) = expanders.rows.iter().position(|e| e.name.eq_ignore_ascii_case(device)) else {
        // An expander that could not be read has its finding.
        if !expanders.names.iter().any(|n| n.eq_ignore_ascii_case(device)) {
            let hint = did_you_mean(device, expanders.names.iter().map(String::as_str));
            let message = format!("there is no expander `{device}`{hint}");
            checker.add(Code::UnknownExpander, *device_at, message, "name an entry of `expanders`");
        }
        return None;
    };
    let kind = expanders.rows.get(index)?.kind;
    let device_number = u8::try_from(index).ok()?;
    if *line >= kind.lines() {
        let message = format!("a {} has lines 0 to {}, not {line}", kind.name(), kind.lines().saturating_sub(1));
        let remedy = "lines are counted from 0, the second port follows the first";
        checker.add(Code::ExpanderLine, *line_at, message, remedy);
        return None;
    }
    if let Some((first, place)) = expanders.used.get(&(device_number, *line)) {
        let message = format!("line {line} of `{device}` is already used by `{first}` in line {}", place.line);
        checker.add(Code::LineTwice, *at, message, "every line serves one input or output");
        return None;
    }
    expanders.used.insert((device_number, *line), (name.to_owned(), *at));
    let active_low = pin.active.or(Level::High) == Level::Low;
    let pull = pin.pull.get().copied();
    if used_as == Use::Input {
        broken_wire(checker, kind, pin, *at, name, active_low);
        if kind.is_output_only(*line) {
            let message = format!("`{name}`: line {line} of a {} is no sound input", kind.name());
            let remedy = "a level that changes while it is read disturbs the bus: use it as an output, or another line";
            checker.add(Code::ExpanderOutputOnly, *line_at, message, remedy);
        }
    }
    let pull_up = pull == Some(Pull::Up) && kind.registers().is_some_and(|r| r.pull_up.is_some());
    Some(ExpanderLine { device: device_number, line: *line, active_low, pull_up })
}

/// What an open wire reads: by the resistor named, else by those the chip has.
fn broken_wire(
    checker: &mut Checker<'_>,
    kind: ExpanderKind,
    pin: &model::ExpanderPin,
    at: Place,
    name: &str,
    active_low: bool,
) {
    let (open_is_high, by_chip) = match pin.pull.get() {
        Some(Pull::Up) => (true, false),
        Some(Pull::Down) => (false, false),
        None if kind.always_pulls_up() => (true, true),
        None => return,
    };
    if open_is_high == active_low {
        return;
    }
    let (message, remedy) = if by_chip {
        (
            format!("a broken wire of `{name}` reads TRUE: a {} pulls its lines up", kind.name()),
            "switch the line to ground and write `active: low`, or fit a pull-down of some kilohms and write `pull: down`",
        )
    } else {
        (
            format!("a broken wire of `{name}` reads TRUE"),
            "exchange the pull resistor or the active level, so that a broken wire reads FALSE",
        )
    };
    checker.add(Code::BrokenWireTrue, pin.pull.place().unwrap_or(at), message, remedy);
}

/// Refuses what the guard has to watch, on an expander that nobody holds; says of the rest what that means.
pub(super) fn check_output(
    checker: &mut Checker<'_>,
    map: &Map,
    output: &model::Output,
    name: &str,
    on: Option<&Expander>,
) {
    let (Key::Is(at, pin), Some(expander)) = (&output.expander, on) else { return };
    let in_group = |group: &model::Interlock| {
        let members = group.channels.get().into_iter().flatten().filter_map(Key::get);
        members.chain(group.cutoff.get()).any(|member| member.eq_ignore_ascii_case(name))
    };
    let grouped = map.interlocks.get().into_iter().flatten().filter_map(Key::get).any(in_group);
    let safe_on = output.safe.or(SafeValue::Off) == SafeValue::On;
    let why = [
        (!output.relay.is_absent(), "it has a relay"),
        (grouped, "it belongs to an interlock"),
        (!output.feedback.is_absent(), "it is read back"),
        (safe_on, "its safe state is on"),
    ];
    if let Some((_, why)) = why.iter().find(|(holds, _)| *holds) {
        let message = format!("`{name}` must be guarded ({why}), but an expander keeps its level when plcrun dies");
        let remedy = "let the kernel drive the chip (docs/io.md shows how) and take the line by `gpio:`";
        checker.add(Code::ExpanderGuarded, *at, message, remedy);
        return;
    }
    let message = format!("`{name}` keeps its level when plcrun dies: nobody holds the lines of `{}`", expander.name);
    let remedy = "for a load that must go off then, let the kernel drive the chip and write `gpio:` (docs/io.md)";
    checker.add(Code::ExpanderKeeps, *at, message, remedy);
    if expander.kind.starts_high() && pin.active.or(Level::High) == Level::High {
        let message = format!("`{name}` is on from power-up until plcrun runs: a {} starts high", expander.kind.name());
        let remedy = "let the line switch its load on by low level and write `active: low`";
        checker.add(Code::ExpanderStartsOn, *at, message, remedy);
    }
}

/// A read-back through an expander has to be by the mirror contact: FALSE, which a failed expander reads, must not
/// look like an open contact.
pub(super) fn check_feedback(checker: &mut Checker<'_>, output: &model::Output, draft: Option<&Draft>) {
    let Key::Is(at, feedback) = &output.feedback else { return };
    let through = draft.and_then(Draft::expander).is_some();
    if through && feedback.contact.or(FeedbackContact::default()) == FeedbackContact::No {
        let message = "a failed expander reads FALSE, which this feedback takes for an open contact";
        let remedy =
            "wire a normally closed auxiliary contact and write `contact: mirror_nc`, or take a line by `gpio:`";
        checker.add(Code::ExpanderFeedback, feedback.contact.place().unwrap_or(*at), message, remedy);
    }
}

/// Expanders that nothing uses.
pub(super) fn check_unused(checker: &mut Checker<'_>, map: &Map, expanders: &Expanders) {
    let entries = map.expanders.get().into_iter().flat_map(|e| &e.rows);
    let inputs = map.inputs.get().into_iter().flat_map(|e| &e.rows).filter_map(|(_, _, i)| Some(&i.get()?.expander));
    let outputs = map.outputs.get().into_iter().flat_map(|e| &e.rows).filter_map(|(_, _, o)| Some(&o.get()?.expander));
    let named: Vec<&String> = inputs.chain(outputs).filter_map(|e| e.get()?.device.get()).collect();
    for (at, name, _) in entries {
        let known = expanders.rows.iter().any(|row| row.name == *name);
        if known && !named.iter().any(|device| device.eq_ignore_ascii_case(name)) {
            let message = format!("nothing uses the expander `{name}`");
            checker.add(Code::UnusedExpander, *at, message, "take it out, or name it under `expander:`");
        }
    }
}
