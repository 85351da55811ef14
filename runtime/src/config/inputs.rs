//! Checks the inputs of a map, and what inputs and outputs share: variables and lines.

use super::expanders::{self, Expanders, Use};
use super::model::{self, Gpio, Level, Line, Map, Pull};
use super::symbols::{BoolPlace, NotFound};
use super::validate::Checker;
use super::yaml::Key;
use super::{ChannelValue, Code, ExpanderLine, GpioLine, Input, Place, Source};
use crate::io::LINES_PER_REQUEST_MAX;
use bytecode::image::SymbolRole;
use bytecode::near::did_you_mean;
use relay::ChannelTable;
use std::collections::{BTreeMap, HashMap};

/// Places of the data segment that the map binds, and lines of expanders that it uses.
#[derive(Debug, Default)]
pub(super) struct Bound {
    pub(super) expanders: Expanders,
    places: HashMap<BoolPlace, (String, Place)>,
    /// Variables that a misspelt entry probably meant: they are not told of a second time as bound to nothing.
    meant: Vec<String>,
}

impl Bound {
    /// Nothing yet, on these expanders.
    pub(super) fn new(expanders: Expanders) -> Self {
        Self { expanders, places: HashMap::new(), meant: Vec::new() }
    }

    /// Did an entry that names no variable probably mean this one?
    pub(super) fn is_meant(&self, name: &str) -> bool {
        self.meant.iter().any(|meant| meant.eq_ignore_ascii_case(name))
    }

    pub(super) fn has(&self, place: BoolPlace) -> bool {
        self.places.contains_key(&place)
    }

    /// Notes a place without a name; false when it was there.
    pub(super) fn insert(&mut self, place: BoolPlace) -> bool {
        self.places.insert(place, (String::new(), Place::default())).is_none()
    }
}

/// Which side of the program an entry is bound to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Input,
    Output,
}

/// Finds and notes the variable of an entry.
pub(super) fn bind(
    checker: &mut Checker<'_>,
    bound: &mut Bound,
    side: Side,
    at: Place,
    name: &str,
    variable: &Key<String>,
) -> Option<(String, BoolPlace)> {
    let wanted = variable.get().map_or(name, String::as_str);
    let at = variable.place().unwrap_or(at);
    let symbol = match checker.symbols.find(wanted) {
        Ok(symbol) => symbol,
        Err(NotFound::Unknown(meant)) => {
            let hint = meant.as_ref().map_or_else(String::new, |m| format!("; did you mean `{m}`?"));
            let message = format!("the program has no variable `{wanted}`{hint}");
            checker.add(Code::UnknownVariable, at, message, "name a variable of the program, or take the entry out");
            bound.meant.extend(meant);
            return None;
        }
        Err(NotFound::Ambiguous(paths)) => {
            let message = format!("`{wanted}` could be any of {}", paths.join(", "));
            checker.add(Code::AmbiguousName, at, message, "write the whole path");
            return None;
        }
    };
    let Some(place) = checker.symbols.bool_place(symbol) else {
        let ty = checker.symbols.image().ty(symbol.ty).map_or("?", |t| t.name.as_str()).to_owned();
        let message = format!("`{}` is {ty}; a line carries a BOOL", symbol.path);
        checker.add(Code::WrongType, at, message, "bind a BOOL variable");
        return None;
    };
    let wrong_side = match (side, symbol.role) {
        (Side::Input, SymbolRole::Output) => Some("an output address is bound under `inputs`"),
        (Side::Output, SymbolRole::Input) => Some("an input address is bound under `outputs`"),
        (Side::Input | Side::Output, _) => None,
    };
    if let Some(why) = wrong_side {
        let message = format!("`{}` ({}): {why}", symbol.path, symbol.address);
        checker.add(Code::WrongDirection, at, message, "move the entry to the other section");
        return None;
    }
    if symbol.constant {
        let message = format!("`{}` is a CONSTANT", symbol.path);
        checker.add(Code::ConstantVariable, at, message, "bind a variable");
        return None;
    }
    if let Some((first, line)) = bound.places.get(&place) {
        let message = format!("`{}` is already bound by `{first}` in line {}", symbol.path, line.line);
        checker.add(Code::BoundTwice, at, message, "keep one of the two entries");
        return None;
    }
    bound.places.insert(place, (name.to_owned(), at));
    Some((symbol.path.clone(), place))
}

/// Does any entry name a real line?
pub(super) fn has_gpio(map: &Map) -> bool {
    let inputs = map.inputs.get().into_iter().flat_map(|e| &e.rows).filter_map(|(_, _, i)| i.get());
    let outputs = map.outputs.get().into_iter().flat_map(|e| &e.rows).filter_map(|(_, _, o)| o.get());
    let mut inputs = inputs.map(|i| (&i.gpio, &i.expander));
    let mut outputs = outputs.map(|o| (&o.gpio, &o.expander));
    inputs.any(|(g, e)| !g.is_absent() || !e.is_absent()) || outputs.any(|(g, e)| !g.is_absent() || !e.is_absent())
}

/// A checked line, or a finding.
pub(super) fn line(checker: &mut Checker<'_>, gpio: &Gpio, at: Place) -> Option<GpioLine> {
    let line = match &gpio.line {
        Key::Is(_, line) => line.clone(),
        Key::Bad(_) => return None,
        Key::Absent => {
            checker.add(
                Code::MissingKey,
                at,
                "`gpio` without `line`",
                "add `line:` with the number or name of the line",
            );
            return None;
        }
    };
    if gpio.chip.is_absent() && matches!(line, Line::Offset(_)) {
        let remedy = "add `chip:`, or name the line instead of numbering it";
        checker.add(Code::MissingKey, at, "a line by number needs its `chip`", remedy);
        return None;
    }
    Some(GpioLine { chip: gpio.chip.get().cloned(), line, active_low: gpio.active.or(Level::High) == Level::Low })
}

/// An input whose channel is resolved once the channels are known.
pub(super) struct Draft {
    name: String,
    at: Place,
    variable: String,
    place: BoolPlace,
    source: DraftSource,
    debounce_ns: u64,
    stop: bool,
}

enum DraftSource {
    Ready(Source),
    Channel(String, Place, ChannelValue),
}

impl Draft {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The line of a port expander it is wired to.
    pub(super) const fn expander(&self) -> Option<ExpanderLine> {
        match self.source {
            DraftSource::Ready(Source::Expander(line)) => Some(line),
            DraftSource::Ready(Source::Gpio(_) | Source::Sim { .. } | Source::Channel(..))
            | DraftSource::Channel(..) => None,
        }
    }

    pub(super) const fn debounce_ns(&self) -> u64 {
        self.debounce_ns
    }
}

/// Checks every input. Entries with an error are left out.
pub(super) fn check(checker: &mut Checker<'_>, map: &Map, real: bool, bound: &mut Bound) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for (at, name, entry) in map.inputs.get().into_iter().flat_map(|e| &e.rows) {
        let variable = entry.get().map_or(&Key::Absent, |i| &i.variable);
        let unknown = matches!(checker.symbols.find(name), Err(NotFound::Unknown(_)));
        let found = if unknown && variable.is_absent() && guards_only(map, name) {
            Some((String::new(), BoolPlace::Nowhere))
        } else {
            bind(checker, bound, Side::Input, *at, name, variable)
        };
        let Some(input) = entry.get() else { continue };
        let source = source(checker, input, *at, name, real, &mut bound.expanders);
        settings(checker, input, *at, name);
        if let (Some((variable, place)), Some(source)) = (found, source) {
            let debounce_ns = input.debounce.get().map_or(0, |d| d.ns);
            let stop = input.stop.or(false);
            drafts.push(Draft { name: name.clone(), at: *at, variable, place, source, debounce_ns, stop });
        }
    }
    drafts
}

/// Does the guard read an input of this name, as a feedback or as the coils' supply? It then needs no variable.
fn guards_only(map: &Map, name: &str) -> bool {
    let outputs = map.outputs.get().into_iter().flat_map(|e| &e.rows).filter_map(|(_, _, o)| o.get());
    let feedbacks = outputs.filter_map(|o| o.feedback.get()).filter_map(|f| f.input.get());
    let sensed = map.supply.get().and_then(|s| s.sensed.get());
    feedbacks.chain(sensed).any(|used| used.eq_ignore_ascii_case(name))
}

fn source(
    checker: &mut Checker<'_>,
    input: &model::Input,
    at: Place,
    name: &str,
    real: bool,
    expanders: &mut Expanders,
) -> Option<DraftSource> {
    let absent = [input.gpio.is_absent(), input.expander.is_absent(), input.sim.is_absent(), input.channel.is_absent()];
    if absent.iter().filter(|a| !**a).count() > 1 {
        let message = format!("`{name}` names more than one of `gpio`, `expander`, `sim` and `channel`");
        checker.add(Code::TwoSources, at, message, "keep one");
        return None;
    }
    if let Some(gpio) = input.gpio.get() {
        let at = input.gpio.place().unwrap_or(at);
        return line(checker, gpio, at).map(|l| DraftSource::Ready(Source::Gpio(l)));
    }
    if !input.expander.is_absent() {
        let line = expanders::line(checker, expanders, &input.expander, name, Use::Input)?;
        return Some(DraftSource::Ready(Source::Expander(line)));
    }
    match (&input.channel, &input.value) {
        (Key::Is(place, channel), Key::Is(_, value)) => {
            return Some(DraftSource::Channel(channel.clone(), *place, *value));
        }
        (Key::Is(place, _), Key::Absent) => {
            let remedy = "add `value:` with one of ready, pending, fault, line, contact, commanded";
            checker.add(Code::MissingKey, *place, "`channel` without `value`", remedy);
            return None;
        }
        (Key::Absent, Key::Is(place, _)) => {
            checker.add(
                Code::MissingKey,
                *place,
                "`value` without `channel`",
                "add `channel:` with the name of an output",
            );
            return None;
        }
        (Key::Is(..) | Key::Bad(_), _) | (_, Key::Bad(_)) => return None,
        (Key::Absent, Key::Absent) => {}
    }
    if real && input.sim.is_absent() && input.gpio.is_absent() {
        let message = format!("`{name}` is wired to nothing, on a map with real lines");
        checker.add(
            Code::NoSource,
            at,
            message,
            "add `gpio:` or `expander:`, or `sim: {}` where this input shall stay simulated",
        );
        return None;
    }
    let initial = input.sim.get().is_some_and(|s| s.initial.or(false));
    (!matches!(input.gpio, Key::Bad(_))).then_some(DraftSource::Ready(Source::Sim { initial }))
}

fn settings(checker: &mut Checker<'_>, input: &model::Input, at: Place, name: &str) {
    if let Some(place) = input.bias.place() {
        let message = "`bias` is refused: version 1 of the kernel's GPIO interface cannot switch pull resistors";
        let remedy =
            "fit the resistor outside and say `pull: up` or `pull: down`; it then also works before Linux runs";
        checker.add(Code::BiasRefused, place, message, remedy);
    }
    let stop = input.stop.or(false);
    if let Some(gpio) = input.gpio.get() {
        let active_low = gpio.active.or(Level::High) == Level::Low;
        let open_is_low = gpio.pull.get().map(|p| *p == Pull::Down);
        if open_is_low.is_some_and(|low| low == active_low) {
            let message = format!("a broken wire of `{name}` reads TRUE");
            let remedy = if stop {
                "a stop circuit must read FALSE when its wire breaks: exchange the pull resistor or the active level"
            } else {
                "exchange the pull resistor or the active level, so that a broken wire reads FALSE"
            };
            checker.add(Code::BrokenWireTrue, gpio.pull.place().unwrap_or(at), message, remedy);
        }
    }
    let looks_like_stop = {
        let lower = name.to_lowercase();
        ["stop", "estop", "emergency"].iter().any(|w| lower.split(['_', '.']).any(|part| part == *w))
    };
    if looks_like_stop && input.stop.is_absent() && input.channel.is_absent() {
        let message = format!("`{name}` looks like a stop contact but is not marked");
        checker.add(
            Code::StopNotMarked,
            at,
            message,
            "add `stop: true` for a normally closed stop contact, or `stop: false`",
        );
    }
}

/// Resolves the channels inputs read, and gives the final list.
pub(super) fn finish(
    checker: &mut Checker<'_>,
    drafts: Vec<Draft>,
    table: Option<&ChannelTable>,
    map: &Map,
    tick_ns: u64,
) -> Vec<Input> {
    let names: Vec<&str> = map.outputs.get().into_iter().flat_map(|e| &e.rows).map(|(_, n, _)| n.as_str()).collect();
    let mut inputs = Vec::new();
    for draft in drafts {
        let Draft { name, at, variable, place, source, debounce_ns, stop } = draft;
        if debounce_ns > 0 && debounce_ns < tick_ns {
            let message = format!("`{name}`: a debounce time shorter than one scan changes nothing");
            checker.add(Code::DebounceShort, at, message, "give it at least two scans, or take it out");
        }
        let source = match source {
            DraftSource::Ready(source) => source,
            DraftSource::Channel(channel, at, value) => {
                let told = matches!(map.outputs, Key::Bad(_));
                if !told && !names.iter().any(|n| n.eq_ignore_ascii_case(&channel)) {
                    let hint = did_you_mean(&channel, names.iter().copied());
                    let message = format!("there is no output `{channel}`{hint}");
                    checker.add(Code::UnknownChannel, at, message, "name an entry of `outputs`");
                }
                match table.and_then(|t| t.find(&channel)) {
                    Some(id) => Source::Channel(id, value),
                    None => continue,
                }
            }
        };
        inputs.push(Input { name, variable, place, source, debounce_ns, stop });
    }
    inputs
}

/// Finds lines used twice and requests that would be too large.
pub(super) fn check_shared_lines(checker: &mut Checker<'_>, map: &Map) {
    let mut used: HashMap<(Option<String>, Line), (String, Place)> = HashMap::new();
    let mut counts: BTreeMap<(String, &'static str), usize> = BTreeMap::new();
    let inputs = map.inputs.get().into_iter().flat_map(|e| &e.rows);
    let inputs = inputs.filter_map(|(_, n, i)| Some((n, &i.get()?.gpio, "inputs")));
    let outputs = map.outputs.get().into_iter().flat_map(|e| &e.rows);
    let outputs = outputs.filter_map(|(_, n, o)| Some((n, &o.get()?.gpio, "outputs")));
    for (name, gpio, direction) in inputs.chain(outputs) {
        let Key::Is(at, gpio) = gpio else { continue };
        let Some(line) = gpio.line.get() else { continue };
        let chip = gpio.chip.get().map(|c| c.trim_start_matches("/dev/").to_owned());
        // A named line is the same line whether its chip is said or not.
        let key = match line {
            Line::Name(_) => (None, line.clone()),
            Line::Offset(_) => (chip.clone(), line.clone()),
        };
        if let Some((first, place)) = used.get(&key) {
            let message = format!("line {line} is already used by `{first}` in line {}", place.line);
            checker.add(Code::LineTwice, *at, message, "every line serves one input or output");
            continue;
        }
        used.insert(key, (name.clone(), *at));
        if let Some(chip) = chip {
            let count = counts.entry((chip.clone(), direction)).or_default();
            *count += 1;
            if *count == LINES_PER_REQUEST_MAX + 1 {
                let message = format!("more than {LINES_PER_REQUEST_MAX} {direction} on {chip}");
                checker.add(Code::TooManyLines, *at, message, "one request of the kernel holds no more lines");
            }
        }
    }
}
