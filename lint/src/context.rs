//! What rules look at.

use crate::duty::{self, Duty};
use crate::logic::{Cell, Network};
use crate::rule::At;
use crate::value::Values;
use compiler::Compiled;
use compiler::hir::{Location, Program};
use compiler::source::SourceMap;
use runtime::config::model::Map;
use runtime::config::{IoMap, Place};
use std::cell::OnceCell;

/// A program to be checked.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Its texts.
    pub sources: &'a SourceMap,
    /// What the compiler made of them.
    pub compiled: &'a Compiled,
    /// Its I/O map, where it has one.
    pub map: Option<MapInput<'a>>,
    /// Operations of a simulation, where the caller has run one.
    pub activity: &'a [Activity],
}

/// An I/O map as it was loaded.
#[derive(Clone, Copy, Debug)]
pub struct MapInput<'a> {
    /// Its file, as given.
    pub file: &'a str,
    /// Its text.
    pub text: &'a str,
    /// What loading found.
    pub findings: &'a [runtime::config::Finding],
    /// The checked map; `None` where a finding is an error.
    pub map: Option<&'a IoMap>,
}

/// Operations of a channel in a simulation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// Name of the channel.
    pub channel: String,
    /// ON edges of its line.
    pub operations: u64,
    /// Simulated time in nanoseconds.
    pub over_ns: u64,
    /// What was simulated, such as the name of a test.
    pub source: String,
}

/// What a rule looks at. The program has no errors.
#[derive(Debug)]
pub struct Context<'a> {
    /// Its texts.
    pub sources: &'a SourceMap,
    /// What the compiler made of them.
    pub compiled: &'a Compiled,
    /// The typed program.
    pub program: &'a Program,
    /// Its map, where it has one without errors.
    pub map: Option<MapView<'a>>,
    /// Operations of a simulation.
    pub activity: &'a [Activity],
    /// What its variables can be.
    pub values: Values<'a>,
    /// What drives its BOOL variables.
    pub network: Network,
    duties: OnceCell<Vec<Duty>>,
}

/// A checked map with its text.
#[derive(Debug)]
pub struct MapView<'a> {
    /// What it means.
    pub io: &'a IoMap,
    /// What is written, with places.
    pub written: Map,
}

impl<'a> Context<'a> {
    /// A program without errors, ready for the rules.
    pub(crate) fn new(subject: &Subject<'a>) -> Self {
        let map = subject.map.as_ref().and_then(|input| {
            let (written, _) = runtime::config::yaml::read::<Map>(input.text);
            Some(MapView { io: input.map?, written: written? })
        });
        let Subject { sources, compiled, activity, .. } = *subject;
        let program = &compiled.program;
        let bound = map.iter().flat_map(|m| m.io.inputs.iter().map(|i| i.variable.as_str()));
        let values = Values::of(program, bound);
        let network = Network::of(program);
        Self { sources, compiled, program, map, activity, values, network, duties: OnceCell::new() }
    }

    /// The address of a variable of the image, given by its path; `None` where it has none.
    #[must_use]
    pub fn location(&self, path: &str) -> Option<&'a Location> {
        let image = self.compiled.image.as_ref()?;
        let symbol = image.symbols.iter().find(|s| s.path.eq_ignore_ascii_case(path) && !s.address.is_empty())?;
        let own = self.program.pous.iter().flat_map(|(_, pou)| pou.vars.values());
        let mut locations = own.chain(self.program.globals.values()).filter_map(|v| v.location.as_deref());
        locations.find(|l| l.text.eq_ignore_ascii_case(&symbol.address))
    }

    /// The BOOL of the image that a path names, as the network knows it.
    #[must_use]
    pub fn cell(&self, path: &str) -> Option<Cell> {
        if let Some(location) = self.location(path) {
            return Some(Cell::at(location));
        }
        let (first, rest) = path.split_once('.').unwrap_or(("", path));
        if first.is_empty() {
            let global = self.program.globals.iter().find(|(_, v)| v.name.eq_ignore_ascii_case(rest))?;
            return Some(Cell::Global(global.0, Vec::new()));
        }
        let instance = self.program.instances.iter().find(|i| i.name.eq_ignore_ascii_case(first))?;
        let (var, _) = self.program.pous[instance.pou].vars.iter().find(|(_, v)| v.name.eq_ignore_ascii_case(rest))?;
        Some(Cell::Local(instance.pou, var, Vec::new()))
    }

    /// How often outputs switch by themselves, worked out once.
    #[must_use]
    pub fn duties(&self) -> &[Duty] {
        self.duties.get_or_init(|| duty::measure(self))
    }

    /// The longest time between two scans of a program, in nanoseconds; `None` without a map.
    #[must_use]
    pub fn slowest_scan_ns(&self) -> Option<u64> {
        let period = self.map.as_ref()?.io.scan.period_ns;
        let intervals = self.program.tasks.iter().map(|t| if t.interval_ns == 0 { period } else { t.interval_ns });
        Some(intervals.max().unwrap_or(period))
    }

    /// The text under a span.
    #[must_use]
    pub fn text(&self, span: compiler::source::Span) -> &'a str {
        self.sources.slice(span)
    }
}

impl MapView<'_> {
    /// Where an output is written in the map.
    #[must_use]
    pub fn output_place(&self, name: &str) -> At {
        let rows = self.written.outputs.get().map(|e| e.rows.as_slice()).unwrap_or_default();
        At::Map(rows.iter().find(|(_, n, _)| n.eq_ignore_ascii_case(name)).map_or(Place::default(), |(at, _, _)| *at))
    }

    /// Name and channel of an output by its position.
    #[must_use]
    pub fn output_channel(&self, output: usize) -> Option<(&str, &relay::Channel)> {
        let output = self.io.outputs.get(output)?;
        let id = self.io.channels.find(&output.name)?;
        Some((&output.name, self.io.channels.channel(id)))
    }

    /// Where an input is written in the map.
    #[must_use]
    pub fn input_place(&self, name: &str) -> At {
        let rows = self.written.inputs.get().map(|e| e.rows.as_slice()).unwrap_or_default();
        At::Map(rows.iter().find(|(_, n, _)| n.eq_ignore_ascii_case(name)).map_or(Place::default(), |(at, _, _)| *at))
    }
}
