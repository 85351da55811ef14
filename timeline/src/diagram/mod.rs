//! Timing diagrams: how a run came to its failure, as rows over time.
//!
//! Only what matters is drawn: the names of the failed expectation, what the rungs that write them read, and the channels of
//! their interlock groups; over a window that ends a little after the failure. A [`Diagram`] is plain data; [`text`] paints
//! it for a terminal, [`svg`] for a page. Anybody with a [`Trace`] and its failures can make one ([`Diagram::of`]).
//!
//! The axis is true to scale but for long quiet times, which are cut short and marked, so that a bounce of a millisecond and
//! a pause of a minute stand in one picture.

mod axis;
mod choose;
mod rungs;
pub mod svg;
pub mod text;

pub use axis::Axis;
pub use rungs::RungView;

use crate::condition::Value;
use crate::prepare::show_value;
use crate::print;
use crate::report::Failure;
use crate::suite::Version;
use crate::trace::{Lock, Row, Trace};
use choose::{Chosen, Part};

/// Most moments in one picture: more cannot be told apart on a terminal.
const INSTANTS_MAX: usize = 22;

/// How long a run is recorded behind its failure, so that the failure does not stand at the very edge.
#[must_use]
pub const fn tail_ns(tick_ns: u64) -> u64 {
    tick_ns.saturating_mul(8)
}

/// What a row shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// An input of the program.
    Input,
    /// The command of a channel.
    Coil,
    /// The driven line of a channel, with its waits.
    Line,
    /// The contact that carries the load.
    Contact,
    /// Any other variable or member.
    Variable,
}

impl Role {
    /// The word beside the name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Coil => "coil",
            Self::Line => "line",
            Self::Contact => "contact",
            Self::Variable => "",
        }
    }
}

/// What a row shows over a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Level {
    /// Nothing is known.
    Unknown,
    /// FALSE, not driven, open.
    Off,
    /// TRUE, driven, closed.
    On,
    /// Off, and an ON would have to wait: a dead time runs.
    Dead,
    /// Off, and an ON waits.
    Waits,
    /// The contact bounces.
    Bounces,
    /// Any other value.
    Text(String),
}

/// A level and how long it lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// From this time on.
    pub from_ns: u64,
    /// Until this time.
    pub to_ns: u64,
    /// What the row shows.
    pub level: Level,
}

/// A row of the diagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// As a person writes it.
    pub name: String,
    /// What it is.
    pub role: Role,
    /// The failed expectation names it.
    pub asked: bool,
    /// The whole window, without gaps.
    pub spans: Vec<Span>,
}

/// A failure in the window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When.
    pub at_ns: u64,
    /// What failed.
    pub text: String,
}

/// A timing diagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagram {
    /// Start of the window.
    pub from_ns: u64,
    /// Its end.
    pub to_ns: u64,
    /// Time between two scans.
    pub tick_ns: u64,
    /// The rows, from top to bottom.
    pub lines: Vec<Line>,
    /// The failures in the window, in the order of time.
    pub marks: Vec<Mark>,
    /// What ONs waited for, one line each.
    pub notes: Vec<String>,
    /// The rungs that write what the failed expectation names, as they stood at the first failure.
    pub rungs: Vec<RungView>,
}

impl Diagram {
    /// The diagram of a run that failed.
    #[must_use]
    pub fn of(trace: &Trace, failures: &[Failure], version: &Version) -> Self {
        let first_ns = failures.iter().map(|failure| failure.moment.time_ns).min().unwrap_or(trace.end_ns);
        let to_ns = first_ns.saturating_add(tail_ns(trace.tick_ns)).min(trace.end_ns.max(first_ns.saturating_add(1)));
        let inside = |failure: &&Failure| failure.moment.time_ns <= to_ns;
        let chosen = choose::rows(trace, failures.iter().filter(inside), version);
        let from_ns = window_start(trace, &chosen, first_ns);
        let mut lines: Vec<Line> = power(trace, from_ns, to_ns).into_iter().collect();
        let mut notes = Vec::new();
        for row in &chosen {
            let line = Line {
                name: row.name.clone(),
                role: row.role,
                asked: row.asked,
                spans: spans(trace, row, from_ns, to_ns),
            };
            let still = line.spans.len() < 2;
            // Rows that stand still tell something only near the failure's own names; a line like its coil tells nothing.
            let twin = row.role == Role::Line
                && !row.asked
                && lines.last().is_some_and(|coil| coil.role == Role::Coil && coil.spans == line.spans);
            if (still && row.distance > 1) || (twin && row.omit_twin) {
                continue;
            }
            if let Part::Line { channel, .. } = row.part {
                waits(trace, channel, &row.name, from_ns, to_ns, &mut notes);
            }
            lines.push(line);
        }
        let marks = failures
            .iter()
            .filter(inside)
            .filter(|failure| failure.moment.time_ns >= from_ns)
            .map(|failure| Mark { at_ns: failure.moment.time_ns, text: headline(failure) })
            .collect();
        let rungs = rungs::views(trace, failures, first_ns, version);
        Self { from_ns, to_ns, tick_ns: trace.tick_ns, lines, marks, notes, rungs }
    }

    /// The times at which something changes, with both ends of the window.
    #[must_use]
    pub fn instants(&self) -> Vec<u64> {
        let mut instants: Vec<u64> = self.lines.iter().flat_map(|line| &line.spans).map(|span| span.from_ns).collect();
        instants.extend(self.marks.iter().map(|mark| mark.at_ns));
        instants.extend([self.from_ns, self.to_ns]);
        instants.sort_unstable();
        instants.dedup();
        instants
    }
}

/// The first line of what failed.
fn headline(failure: &Failure) -> String {
    print::what(&failure.kind).lines().next().unwrap_or_default().to_owned()
}

/// So far back that the last changes of what matters are seen, and no further.
fn window_start(trace: &Trace, chosen: &[Chosen], first_ns: u64) -> u64 {
    let mut instants: Vec<u64> = Vec::new();
    for row in chosen.iter().filter(|row| row.distance <= 1) {
        let changes = trace.rows.get(row.row).map(|row| row.changes.as_slice()).unwrap_or_default();
        let before = changes.iter().rev().map(|(at_ns, _)| *at_ns).filter(|at_ns| *at_ns <= first_ns);
        instants.extend(before.take(INSTANTS_MAX));
    }
    instants.sort_unstable();
    instants.dedup_by(|later, earlier| later.saturating_sub(*earlier) < trace.tick_ns);
    let oldest = instants.len().checked_sub(INSTANTS_MAX).and_then(|skip| instants.get(skip)).or(instants.first());
    let lead_ns = trace.tick_ns.saturating_mul(8);
    oldest.map_or(first_ns, |oldest| *oldest).saturating_sub(lead_ns).max(trace.from_ns)
}

fn spans(trace: &Trace, chosen: &Chosen, from_ns: u64, to_ns: u64) -> Vec<Span> {
    let Some(row) = trace.rows.get(chosen.row) else { return Vec::new() };
    let mut changes: Vec<(u64, Level)> = match chosen.part {
        Part::Line { channel, moves } => line_levels(trace, row, channel, moves),
        Part::Contact => contact_levels(row, trace.tick_ns),
        Part::Row => {
            let mut changes = levels(row);
            for (cut_ns, back_ns) in &trace.outages {
                // Without power there are no variables.
                let inside = |at_ns: &u64| *cut_ns <= *at_ns && *at_ns < *back_ns;
                changes.retain(|(at_ns, _)| !inside(at_ns));
                changes.push((*cut_ns, Level::Unknown));
                changes.push((*back_ns, row.at(*back_ns).map_or(Level::Unknown, |value| level(row, value))));
            }
            changes
        }
    };
    // Stable: of one time, what was pushed last counts.
    changes.sort_by_key(|(at_ns, _)| *at_ns);
    merged(changes, from_ns, to_ns)
}

/// The supply of the controller, where it was cut.
fn power(trace: &Trace, from_ns: u64, to_ns: u64) -> Option<Line> {
    let cuts = trace.outages.iter().filter(|(cut_ns, back_ns)| *cut_ns < to_ns && *back_ns > from_ns);
    let mut changes = vec![(0, Level::On)];
    changes.extend(cuts.flat_map(|(cut_ns, back_ns)| [(*cut_ns, Level::Off), (*back_ns, Level::On)]));
    let spans = merged(changes, from_ns, to_ns);
    (spans.len() > 1).then(|| Line { name: "power".to_owned(), role: Role::Variable, asked: false, spans })
}

/// Spans of the window from levels in the order of time.
fn merged(changes: Vec<(u64, Level)>, from_ns: u64, to_ns: u64) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for (at_ns, level) in changes.into_iter().filter(|(at_ns, _)| *at_ns < to_ns) {
        let at_ns = at_ns.max(from_ns);
        match spans.last_mut() {
            Some(last) if last.level == level => {}
            Some(last) if last.from_ns == at_ns => last.level = level,
            Some(last) => {
                last.to_ns = at_ns;
                spans.push(Span { from_ns: at_ns, to_ns, level });
            }
            None => spans.push(Span { from_ns: at_ns.min(from_ns), to_ns, level }),
        }
    }
    for span in &mut spans {
        span.from_ns = span.from_ns.max(from_ns);
    }
    spans.dedup_by(|next, last| {
        let same = next.level == last.level;
        if same {
            last.to_ns = next.to_ns;
        }
        same
    });
    spans
}

fn level(row: &Row, value: Value) -> Level {
    match value {
        Value::Bool(true) | Value::Word("closed") => Level::On,
        Value::Bool(false) | Value::Word("open") => Level::Off,
        Value::Int(_) | Value::Real(_) | Value::Time(_) | Value::Word(_) => Level::Text(show_value(&row.source, value)),
    }
}

fn levels(row: &Row) -> Vec<(u64, Level)> {
    let first = (0, row.first.map_or(Level::Unknown, |value| level(row, value)));
    std::iter::once(first).chain(row.changes.iter().map(|(at_ns, value)| (*at_ns, level(row, *value)))).collect()
}

/// Movements that follow each other within a scan are one bounce.
fn contact_levels(row: &Row, tick_ns: u64) -> Vec<(u64, Level)> {
    let mut found = vec![(0, row.first.map_or(Level::Unknown, |value| level(row, value)))];
    let mut changes = row.changes.iter().peekable();
    while let Some((at_ns, value)) = changes.next() {
        let (mut last_ns, mut last) = (*at_ns, *value);
        while let Some((next_ns, next)) = changes.next_if(|(next_ns, _)| next_ns.saturating_sub(last_ns) < tick_ns) {
            (last_ns, last) = (*next_ns, *next);
        }
        if last_ns > *at_ns {
            found.push((*at_ns, Level::Bounces));
        }
        found.push((last_ns, level(row, last)));
    }
    found
}

/// On where the line is driven, else what keeps it off. The waits of a plain line are a scan or two and tell nothing.
fn line_levels(trace: &Trace, row: &Row, channel: usize, moves: bool) -> Vec<(u64, Level)> {
    let locks = trace.locks.get(channel).map(Vec::as_slice).unwrap_or_default();
    let mut times: Vec<u64> = vec![0];
    times.extend(row.changes.iter().map(|(at_ns, _)| *at_ns));
    times.extend(locks.iter().map(|(at_ns, _)| *at_ns));
    times.sort_unstable();
    times.dedup();
    let lock_at = |time_ns: u64| {
        let after = locks.partition_point(|(at_ns, _)| *at_ns <= time_ns);
        after.checked_sub(1).and_then(|last| locks.get(last)).map_or(&Lock::Free, |(_, lock)| lock)
    };
    let found = times.into_iter().map(|time_ns| {
        let level = match (row.at(time_ns), lock_at(time_ns)) {
            (Some(Value::Bool(true)), _) => Level::On,
            (None, _) => Level::Unknown,
            (Some(_), Lock::Free) => Level::Off,
            (Some(_), Lock::Dead) if !moves => Level::Off,
            (Some(_), Lock::Dead) => Level::Dead,
            (Some(_), Lock::Waits(_)) => Level::Waits,
        };
        (time_ns, level)
    });
    found.collect()
}

/// One sentence for each wait in the window.
fn waits(trace: &Trace, channel: usize, name: &str, from_ns: u64, to_ns: u64, notes: &mut Vec<String>) {
    let locks = trace.locks.get(channel).map(Vec::as_slice).unwrap_or_default();
    for (index, (at_ns, lock)) in locks.iter().enumerate() {
        let end_ns = locks.get(index + 1).map(|(next_ns, _)| *next_ns);
        if *at_ns > to_ns || end_ns.is_some_and(|end_ns| end_ns < from_ns) {
            continue;
        }
        if let Lock::Waits(why) = lock {
            let until = match end_ns {
                Some(end_ns) => format!("to {} s", axis::seconds(end_ns)),
                None => "on".to_owned(),
            };
            notes.push(format!("{name} waits from {} s {until}: {why}", axis::seconds(*at_ns)));
        }
    }
}
