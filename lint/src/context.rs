//! What rules look at.

use crate::rule::At;
use compiler::Compiled;
use compiler::hir::Program;
use compiler::source::SourceMap;
use runtime::config::model::Map;
use runtime::config::{IoMap, Place};

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
        Self { sources, compiled, program: &compiled.program, map, activity }
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

    /// Where an input is written in the map.
    #[must_use]
    pub fn input_place(&self, name: &str) -> At {
        let rows = self.written.inputs.get().map(|e| e.rows.as_slice()).unwrap_or_default();
        At::Map(rows.iter().find(|(_, n, _)| n.eq_ignore_ascii_case(name)).map_or(Place::default(), |(at, _, _)| *at))
    }
}
