//! Which rows a diagram shows.
//!
//! The distance of a row: 0 where the failed expectation names it, 1 where a rung that writes such a name reads it or where
//! it belongs to an interlock group with it, and so on. Near rows come first; of equal distance the order is inputs,
//! variables, channels.

use super::Role;
use crate::names::{ChannelIndex, Member, Source};
use crate::report::Failure;
use crate::suite::Version;
use crate::trace::Trace;
use bytecode::image::SymbolRole;
use runtime::config::Source as InputSource;
use std::collections::{BTreeMap, VecDeque};

/// Most rows: a screen.
const ROWS_MAX: usize = 20;
/// How far back causes are followed.
const DISTANCE_MAX: usize = 3;

/// How the values of a row are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// As they are.
    Row,
    /// A driven line with its waits.
    Line {
        /// Whose.
        channel: usize,
        /// There is something that moves: a relay, a contactor.
        moves: bool,
    },
    /// A contact with its bounces.
    Contact,
}

/// A chosen row.
#[derive(Clone, Debug)]
pub(super) struct Chosen {
    pub(super) row: usize,
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) part: Part,
    pub(super) distance: usize,
    pub(super) asked: bool,
    /// Leave it out where it looks like the coil above it.
    pub(super) omit_twin: bool,
}

struct Chooser<'a> {
    trace: &'a Trace,
    version: &'a Version,
    /// Row numbers by the full path of their variable, in capitals.
    paths: BTreeMap<String, usize>,
    full: Vec<Option<String>>,
    /// Distance of each row.
    rows: BTreeMap<usize, usize>,
    channels: BTreeMap<usize, usize>,
    asked: Vec<Source>,
    open: VecDeque<(String, usize)>,
}

/// The rows for these failures, in the order they are drawn in.
pub(super) fn rows<'f>(trace: &Trace, failures: impl Iterator<Item = &'f Failure>, version: &Version) -> Vec<Chosen> {
    let full: Vec<Option<String>> = trace.rows.iter().map(|row| full_path(version, &row.name, &row.source)).collect();
    let paths = full.iter().enumerate().filter_map(|(index, path)| Some((path.clone()?, index))).collect();
    let mut chooser = Chooser {
        trace,
        version,
        paths,
        full,
        rows: BTreeMap::new(),
        channels: BTreeMap::new(),
        asked: Vec::new(),
        open: VecDeque::new(),
    };
    for failure in failures {
        for (name, source) in &failure.reads {
            chooser.ask(name, source);
        }
    }
    chooser.follow();
    if chooser.rows.is_empty() && chooser.channels.is_empty() {
        chooser.newest();
    }
    chooser.drawn()
}

/// The path of a variable from the program on, in capitals.
pub(super) fn full_path(version: &Version, name: &str, source: &Source) -> Option<String> {
    let Source::Variable { variable, .. } = source else { return None };
    let symbol = version.image.symbols.get(variable.symbol)?;
    let short = symbol.path.split_once('.').map_or(symbol.path.as_str(), |(_, rest)| rest);
    let starts = |head: &str| name.get(..head.len()).is_some_and(|start| start.eq_ignore_ascii_case(head));
    let behind = if starts(&symbol.path) { symbol.path.len() } else { short.len() };
    Some(format!("{}{}", symbol.path, name.get(behind..).unwrap_or_default()).to_ascii_uppercase())
}

impl Chooser<'_> {
    fn ask(&mut self, name: &str, source: &Source) {
        self.asked.push(*source);
        match source {
            Source::Channel { channel, .. } => self.channel(channel.0, 0),
            Source::Variable { .. } => {
                if let Some(index) = self.trace.rows.iter().position(|row| row.source == *source) {
                    self.row(index, 0);
                } else if let Some(path) = full_path(self.version, name, source) {
                    // A running time has no row of its own, but what drives it has.
                    self.open.push_back((path, 0));
                }
            }
        }
    }

    fn row(&mut self, index: usize, distance: usize) {
        if self.rows.get(&index).is_some_and(|known| *known <= distance) {
            return;
        }
        self.rows.insert(index, distance);
        let Some(row) = self.trace.rows.get(index) else { return };
        if let Some(channel) = self.channel_of(&row.source) {
            self.channel(channel, distance);
        }
        if let Some(channel) = self.wired_to(&row.source) {
            self.channel(channel, distance + 1);
        }
        if let Some(path) = self.full.get(index).cloned().flatten() {
            self.open.push_back((path, distance));
        }
    }

    fn channel(&mut self, index: usize, distance: usize) {
        if self.channels.get(&index).is_some_and(|known| *known <= distance) {
            return;
        }
        self.channels.insert(index, distance);
        let image = &self.version.image;
        let bound = self.version.map.outputs.get(index).and_then(|output| image.variable(&output.variable).ok());
        let place = bound.map(|variable| variable.place);
        let found =
            self.trace.rows.iter().position(
                |row| matches!(row.source, Source::Variable { variable, .. } if Some(variable.place) == place),
            );
        if let Some(row) = found {
            self.row(row, distance);
        }
        let table = &self.version.map.channels;
        let Some(id) = table.ids().nth(index) else { return };
        for group in table.channel(id).groups() {
            for member in table.group(*group).members() {
                if distance == 0 {
                    self.channel(member.index(), 1);
                }
            }
        }
    }

    /// The channel a variable commands.
    fn channel_of(&self, source: &Source) -> Option<usize> {
        let Source::Variable { variable, .. } = source else { return None };
        let bound = |output: &runtime::config::Output| self.version.image.variable(&output.variable).ok();
        self.version.map.outputs.iter().position(|output| bound(output).is_some_and(|v| v.place == variable.place))
    }

    /// The channel an input is wired to: its read-back, or the state it reads.
    fn wired_to(&self, source: &Source) -> Option<usize> {
        let Source::Variable { variable, .. } = source else { return None };
        let map = &self.version.map;
        let bound = |path: &str| self.version.image.variable(path).ok();
        let input =
            map.inputs.iter().position(|input| bound(&input.variable).is_some_and(|v| v.place == variable.place))?;
        if let Some(InputSource::Channel(id, _)) = map.inputs.get(input).map(|input| &input.source) {
            return Some(id.index());
        }
        map.outputs.iter().position(|output| output.feedback.is_some_and(|feedback| feedback.index() == input))
    }

    /// Follows what is chosen to its causes.
    fn follow(&mut self) {
        while let Some((path, distance)) = self.open.pop_front() {
            if distance >= DISTANCE_MAX || self.rows.len() > 4 * ROWS_MAX {
                continue;
            }
            let version = self.version;
            for unit in version.sources.dataflow.writers(&path) {
                for read in &unit.reads {
                    if let Some(index) = self.paths.get(read).copied() {
                        self.row(index, distance + 1);
                    }
                }
            }
        }
    }

    /// Where an expectation names nothing (a fault of the program): what changed last.
    fn newest(&mut self) {
        let mut last: Vec<(u64, usize)> = Vec::new();
        for (index, row) in self.trace.rows.iter().enumerate() {
            if let (Source::Variable { .. }, Some((at_ns, _))) = (&row.source, row.changes.last()) {
                last.push((*at_ns, index));
            }
        }
        last.sort_unstable_by(|a, b| b.cmp(a));
        for (_, index) in last.into_iter().take(8) {
            self.rows.insert(index, 1);
        }
    }

    fn is_input(&self, source: &Source) -> bool {
        let Source::Variable { variable, .. } = source else { return false };
        self.version.image.symbols.get(variable.symbol).is_some_and(|symbol| symbol.role == SymbolRole::Input)
    }

    fn drawn(&self) -> Vec<Chosen> {
        let mut inputs = Vec::new();
        let mut variables = Vec::new();
        for (index, distance) in &self.rows {
            let Some(row) = self.trace.rows.get(*index) else { continue };
            if self.channel_of(&row.source).is_some() {
                continue;
            }
            let input = self.is_input(&row.source);
            let list = if input { &mut inputs } else { &mut variables };
            let role = if input { Role::Input } else { Role::Variable };
            list.push(self.chosen(*index, row.name.clone(), role, Part::Row, *distance));
        }
        let mut all: Vec<Chosen> = inputs.into_iter().chain(variables).collect();
        for (channel, distance) in &self.channels {
            all.extend(self.channel_rows(*channel, *distance));
        }
        // The nearest ones, in the order of the picture.
        let mut distances: Vec<usize> = all.iter().map(|chosen| chosen.distance).collect();
        distances.sort_unstable();
        let limit = distances.get(ROWS_MAX).copied().unwrap_or(usize::MAX);
        let near = all.iter().filter(|chosen| chosen.distance < limit).count();
        let mut room = ROWS_MAX.saturating_sub(near);
        all.retain(|chosen| {
            if chosen.distance == limit && room > 0 {
                room -= 1;
                return true;
            }
            chosen.distance < limit
        });
        all
    }

    fn chosen(&self, row: usize, name: String, role: Role, part: Part, distance: usize) -> Chosen {
        let source = self.trace.rows.get(row).map(|row| row.source);
        let asked = source.is_some_and(|source| self.asked.contains(&source));
        Chosen { row, name, role, part, distance, asked, omit_twin: true }
    }

    fn channel_rows(&self, channel: usize, distance: usize) -> Vec<Chosen> {
        let Some(output) = self.version.map.outputs.get(channel) else { return Vec::new() };
        let of = |member: Member| {
            let source = Source::Channel { channel: ChannelIndex(channel), member };
            self.trace.rows.iter().position(|row| row.source == source)
        };
        let mut rows = Vec::new();
        let coil = self.rows.iter().find(|(index, _)| {
            self.trace.rows.get(**index).is_some_and(|row| self.channel_of(&row.source) == Some(channel))
        });
        if let Some((index, own)) = coil {
            let name = self.trace.rows.get(*index).map(|row| row.name.clone()).unwrap_or_default();
            rows.push(self.chosen(*index, name, Role::Coil, Part::Row, (*own).min(distance)));
        }
        let asked = |member: Member| {
            let source = Source::Channel { channel: ChannelIndex(channel), member };
            self.asked.contains(&source)
        };
        let moves = output.model.pull_in_ns > 0 || output.model.actuator.is_some();
        if let Some(row) = of(Member::Line) {
            rows.push(self.chosen(row, output.name.clone(), Role::Line, Part::Line { channel, moves }, distance));
        }
        if let Some(row) = of(Member::Contact).filter(|_| moves || asked(Member::Contact)) {
            rows.push(self.chosen(row, output.name.clone(), Role::Contact, Part::Contact, distance));
        }
        if let Some(row) = of(Member::Fault) {
            let changes = self.trace.rows.get(row).is_some_and(|row| !row.changes.is_empty());
            if changes || asked(Member::Fault) {
                let name = format!("{}.fault", output.name);
                rows.push(self.chosen(row, name, Role::Variable, Part::Row, distance));
            }
        }
        rows
    }
}
