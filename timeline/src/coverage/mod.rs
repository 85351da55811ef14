//! Coverage: what of a program the tests went through.
//!
//! With coverage a program is built with *probes*: hidden BOOL variables that coils and assignments put into its typed form
//! set (`probe`). The instrumented program is compiled by the same compiler and does the same, so what is counted is what
//! really ran, function blocks in all their instances together. A program built without probes pays nothing.
//!
//! What is counted ([`PointKind`]): each rung reached, powered and unpowered; each contact and comparison seen letting power
//! through and holding it back (power must have come to it: a contact behind an open one tells nothing); each leg of a
//! branch that brought power; each ST statement and branch that ran, a missing ELSE included.

mod lcov;
mod probe;
mod table;

pub use lcov::lcov;
pub use table::table;

use crate::build::{Sources, verified};
use crate::problem::{Place, Problem};
use bytecode::VerifiedImage;
use bytecode::image::Place as ImagePlace;
use compiler::diag::{Style, render};
use compiler::draw::Tone;
use compiler::source::Span;
use std::collections::HashMap;

/// What a point of a program is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PointKind {
    /// A rung is reached, and not jumped over.
    RungReached,
    /// The outputs of a rung have power, and have none.
    Rung,
    /// A contact lets power through, and holds it back.
    Contact,
    /// A comparison or condition does.
    Condition,
    /// A leg of a branch brings power.
    Leg,
    /// An ST statement runs.
    Statement,
    /// A branch of ST runs, the way past an IF without ELSE included.
    Branch,
}

impl PointKind {
    /// What its probes see, in their order.
    #[must_use]
    pub const fn seen(self) -> &'static [&'static str] {
        match self {
            Self::RungReached => &["reached"],
            Self::Rung => &["powered", "unpowered"],
            Self::Contact => &["letting power through", "holding power back"],
            Self::Condition => &["true", "false"],
            Self::Leg => &["bringing power"],
            Self::Statement | Self::Branch => &["run"],
        }
    }
}

/// A point of a program with its probes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// What it is.
    pub kind: PointKind,
    /// Where it is written.
    pub span: Span,
    /// The POU it stands in.
    pub pou: String,
    /// Label of its rung; `None` in ST.
    pub rung: Option<String>,
    /// As a person would name it: `NC(stop)`, `leg 2`, `IF`.
    pub what: String,
    /// Number of its first probe; it has as many as [`PointKind::seen`].
    pub probe: usize,
    /// The branch of ST it stands in, by its number among the points.
    pub inside: Option<usize>,
}

/// The points of a program, and where their probes stand in its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probes {
    /// In the order of the text.
    pub points: Vec<Point>,
    places: Vec<u32>,
}

impl Probes {
    /// How many probes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Nothing is counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }
}

/// Which probes have been seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hits(Vec<bool>);

impl Hits {
    /// None yet.
    #[must_use]
    pub fn none(probes: usize) -> Self {
        Self(vec![false; probes])
    }

    /// Takes over what a data segment has counted.
    pub fn add(&mut self, probes: &Probes, data: &[u8]) {
        for (hit, offset) in self.0.iter_mut().zip(&probes.places) {
            *hit |= data.get(*offset as usize).is_some_and(|byte| *byte != 0);
        }
    }

    /// Adds what another run has seen of the same program.
    pub fn join(all: &mut Option<Self>, more: Option<&Self>) {
        match (all, more) {
            (Some(all), Some(more)) => all.0.iter_mut().zip(&more.0).for_each(|(hit, other)| *hit |= other),
            (all @ None, Some(more)) => *all = Some(more.clone()),
            (Some(_) | None, None) => {}
        }
    }

    /// What of a point was seen, in the order of [`PointKind::seen`].
    #[must_use]
    pub fn of(&self, point: &Point) -> &[bool] {
        self.0.get(point.probe..point.probe + point.kind.seen().len()).unwrap_or_default()
    }
}

/// The coverage of one program by all tests that ran on it.
#[derive(Clone, Copy, Debug)]
pub struct Coverage<'a> {
    /// The program.
    pub sources: &'a Sources,
    /// Its points.
    pub probes: &'a Probes,
    /// What was seen.
    pub hits: &'a Hits,
}

impl Coverage<'_> {
    /// The colour of every element and rung in a drawing.
    #[must_use]
    pub fn tones(&self) -> HashMap<Span, Tone> {
        let mut tones = HashMap::new();
        for point in &self.probes.points {
            if matches!(point.kind, PointKind::Leg | PointKind::RungReached) {
                continue;
            }
            let seen = self.hits.of(point);
            let tone = match seen.iter().filter(|hit| **hit).count() {
                0 => Tone::Missed,
                count if count == seen.len() => Tone::Covered,
                _ => Tone::Half,
            };
            tones.insert(point.span, tone);
        }
        tones
    }
}

/// The program with its probes.
///
/// # Errors
/// It becomes too large for an image.
pub fn build(sources: &Sources, place: &Place) -> Result<(VerifiedImage, Probes), Vec<Problem>> {
    let (program, points, names) = probe::instrument(sources);
    let image = compiler::compile::generate(&sources.map, &program, compiler::Options::default());
    let image = image.map_err(|finding| {
        let text = render(&sources.map, &finding, Style::Plain);
        let message = format!("with the probes of the coverage the program becomes too large:\n{text}");
        vec![Problem::new(place.clone(), message).help("run the tests without coverage")]
    })?;
    let image = verified(image, place)?;
    let offsets: HashMap<&str, u32> = image
        .symbols
        .iter()
        .filter_map(|symbol| match symbol.place {
            ImagePlace::Byte(offset) => Some((symbol.path.as_str(), offset)),
            ImagePlace::Bit { .. } => None,
        })
        .collect();
    let places = names.iter().map(|name| offsets.get(name.as_str()).copied().unwrap_or(u32::MAX)).collect();
    Ok((image, Probes { points, places }))
}
