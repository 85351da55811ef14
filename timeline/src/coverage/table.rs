//! Coverage as a table, with everything that was not seen below it.

use super::{Coverage, Point, PointKind};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Counts of one kind: probes seen, probes there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Points of which everything was seen.
    pub covered: usize,
    /// All points.
    pub all: usize,
}

impl Count {
    fn add(&mut self, whole: bool) {
        self.all += 1;
        self.covered += usize::from(whole);
    }

    fn text(self) -> String {
        if self.all == 0 { "-".to_owned() } else { format!("{} of {}", self.covered, self.all) }
    }
}

/// The columns of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rungs seen powered and unpowered.
    pub rungs: Count,
    /// Contacts and comparisons seen both ways.
    pub contacts: Count,
    /// Legs that brought power.
    pub legs: Count,
    /// ST branches that ran.
    pub branches: Count,
    /// ST statements that ran.
    pub statements: Count,
}

impl Counts {
    fn add(&mut self, point: &Point, whole: bool) {
        match point.kind {
            PointKind::Rung => self.rungs.add(whole),
            PointKind::Contact | PointKind::Condition => self.contacts.add(whole),
            PointKind::Leg => self.legs.add(whole),
            PointKind::Branch => self.branches.add(whole),
            PointKind::Statement => self.statements.add(whole),
            PointKind::RungReached => {}
        }
    }

    /// Points covered, of all, whatever they are.
    #[must_use]
    pub fn total(&self) -> Count {
        let all = [self.rungs, self.contacts, self.legs, self.branches, self.statements];
        all.iter()
            .fold(Count::default(), |sum, one| Count { covered: sum.covered + one.covered, all: sum.all + one.all })
    }
}

impl Coverage<'_> {
    fn whole(&self, point: &Point) -> bool {
        self.hits.of(point).iter().all(|hit| *hit)
    }

    /// The counts of each POU, in the order of the text.
    #[must_use]
    pub fn counts(&self) -> Vec<(String, Counts)> {
        let mut order: Vec<&str> = Vec::new();
        let mut counts: BTreeMap<&str, Counts> = BTreeMap::new();
        for point in &self.probes.points {
            if !counts.contains_key(point.pou.as_str()) {
                order.push(&point.pou);
            }
            counts.entry(&point.pou).or_default().add(point, self.whole(point));
        }
        order.iter().filter_map(|name| Some(((*name).to_owned(), *counts.get(name)?))).collect()
    }

    /// What was not seen: `FILE:LINE: rung forward: NC(rev) was never seen holding power back`.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for point in &self.probes.points {
            if self.follows(point) {
                continue;
            }
            let seen = point.kind.seen().iter().zip(self.hits.of(point));
            let never: Vec<&str> = seen.filter(|(_, hit)| !**hit).map(|(word, _)| *word).collect();
            if never.is_empty() {
                continue;
            }
            let place = self.sources.map.place(point.span);
            let place = place.map_or(String::new(), |(file, at)| format!("{file}:{}: ", at.line));
            let rung = point.rung.as_ref().map_or(String::new(), |rung| format!("rung {rung}"));
            let what = match (point.kind, rung.is_empty()) {
                (PointKind::Rung | PointKind::RungReached, _) => rung,
                (_, true) => point.what.clone(),
                (_, false) => format!("{rung}: {}", point.what),
            };
            lines.push(format!("{place}{what} was never seen {}", never.join(" nor ")));
        }
        lines
    }

    /// It was not seen because something around it was not, which is told already: what stands in a branch of ST that never
    /// ran, and that a rung was not reached where its power was not seen.
    fn follows(&self, point: &Point) -> bool {
        if let Some(around) = point.inside.and_then(|number| self.probes.points.get(number)) {
            return !self.whole(around);
        }
        let powers = |other: &Point| other.kind == PointKind::Rung && other.span == point.span;
        point.kind == PointKind::RungReached && self.probes.points.iter().any(powers)
    }
}

/// The table of one program and what is missing in it.
#[must_use]
pub fn table(name: &str, coverage: &Coverage<'_>) -> String {
    let mut rows: Vec<[String; 6]> =
        vec![["coverage", "rungs", "contacts", "legs", "ST branches", "statements"].map(str::to_owned)];
    for (pou, counts) in coverage.counts() {
        rows.push([
            pou,
            counts.rungs.text(),
            counts.contacts.text(),
            counts.legs.text(),
            counts.branches.text(),
            counts.statements.text(),
        ]);
    }
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..6).map(|column| width(column).unwrap_or(0)).collect();
    let mut out = format!("{name}\n");
    for row in &rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .enumerate()
            .map(
                |(column, (cell, width))| {
                    if column == 0 { format!("{cell:width$}") } else { format!("{cell:>width$}") }
                },
            )
            .collect();
        let _ = writeln!(out, "  {}", cells.join("  ").trim_end());
    }
    for line in coverage.missing() {
        let _ = writeln!(out, "  {line}");
    }
    out
}
