//! A timing diagram for a terminal.
//!
//! ```text
//!   time in s          3        3.04  3.2
//!   fwd_pb  input    __########_____
//! ```

use super::{Axis, Diagram, Level, Line, axis::seconds};
use std::fmt::Write as _;

/// Columns of the plot.
const WIDTH: usize = 64;
/// Longest name that is written in full.
const NAME_MAX: usize = 22;

/// How a diagram is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// ASCII only.
    pub ascii: bool,
    /// Terminal colours.
    pub colour: bool,
}

/// What the characters of a style are.
struct Glyphs {
    on: char,
    off: char,
    dead: char,
    waits: char,
    bounces: char,
    unknown: char,
    rule: char,
    tick: char,
    cut: char,
    mark: char,
    more: char,
}

const UNICODE: Glyphs = Glyphs {
    on: '█',
    off: '▁',
    dead: '░',
    waits: '▒',
    bounces: '╳',
    unknown: '·',
    rule: '─',
    tick: '┴',
    cut: '╌',
    mark: '▲',
    more: '…',
};
const ASCII: Glyphs = Glyphs {
    on: '#',
    off: '_',
    dead: ':',
    waits: '?',
    bounces: 'X',
    unknown: '.',
    rule: '-',
    tick: '+',
    cut: '~',
    mark: '^',
    more: '~',
};

impl Diagram {
    /// The diagram as text, each line ended; empty where nothing is to be seen.
    #[must_use]
    pub fn text(&self, style: Style) -> String {
        if self.lines.is_empty() {
            return String::new();
        }
        let glyphs = if style.ascii { &ASCII } else { &UNICODE };
        let axis = Axis::new(&self.instants(), self.tick_ns, WIDTH, 2, 4);
        let width = self.lines.iter().map(|line| line.name.chars().count()).max().unwrap_or(0).clamp(9, NAME_MAX);
        let mut out = String::new();
        let (labels, rule) = self.scale(&axis, glyphs);
        let _ = writeln!(out, "{:width$}  {:8}{labels}", "time in s", "");
        let _ = writeln!(out, "{:width$}  {:8}{rule}", "", "");
        for line in &self.lines {
            let plot = plot(line, &axis, glyphs, style.colour);
            let name = shortened(&line.name, width, glyphs.more);
            let _ = writeln!(out, "{name:width$}  {:8}{plot}", line.role.word());
        }
        self.write_marks(&mut out, &axis, width, glyphs, style.colour);
        self.write_notes(&mut out, glyphs);
        out
    }

    /// The labels above the plot, and the rule below them.
    fn scale(&self, axis: &Axis, glyphs: &Glyphs) -> (String, String) {
        let mut labels = vec![' '; axis.width() + 12];
        let mut rule = vec![glyphs.rule; axis.width()];
        for (from, to) in axis.cuts() {
            rule.iter_mut().take(to).skip(from + 1).for_each(|cell| *cell = glyphs.cut);
        }
        let failures: Vec<u64> = self.marks.iter().map(|mark| mark.at_ns).take(1).collect();
        // The failure's own time is written in any case, then what has room from the left.
        let mut order: Vec<(u64, usize)> = axis.instants().filter(|(at_ns, _)| failures.contains(at_ns)).collect();
        let edge = |at_ns: &u64| *at_ns == self.from_ns || *at_ns == self.to_ns;
        order.extend(axis.instants().filter(|(at_ns, _)| !failures.contains(at_ns) && !edge(at_ns)));
        order.extend(axis.instants().take(1));
        for (at_ns, place) in order {
            let label = seconds(at_ns);
            let reach = place.saturating_sub(1)..place + label.len() + 1;
            if labels.get(reach).is_some_and(|cells| cells.iter().all(|cell| *cell == ' ')) {
                labels.iter_mut().skip(place).zip(label.chars()).for_each(|(cell, letter)| *cell = letter);
                if let Some(cell) = rule.get_mut(place) {
                    *cell = glyphs.tick;
                }
            }
        }
        let text = |cells: Vec<char>| cells.into_iter().collect::<String>().trim_end().to_owned();
        (text(labels), text(rule))
    }

    fn write_marks(&self, out: &mut String, axis: &Axis, width: usize, glyphs: &Glyphs, colour: bool) {
        let mut last = None;
        for mark in &self.marks {
            let place = axis.place(mark.at_ns).min(axis.width().saturating_sub(1));
            let (on, off) = if colour { ("\x1b[1;31m", "\x1b[0m") } else { ("", "") };
            let head = if last == Some(mark.at_ns) { ' ' } else { glyphs.mark };
            last = Some(mark.at_ns);
            let text: String = mark.text.chars().take(120).collect();
            if place > text.chars().count() + 1 {
                let before = place - text.chars().count() - 1;
                let _ = writeln!(out, "{:width$}  {:8}{:before$}{on}{text} {head}{off}", "", "", "");
            } else if place <= WIDTH / 2 {
                let _ = writeln!(out, "{:width$}  {:8}{:place$}{on}{head} {text}{off}", "", "", "");
            } else {
                if head != ' ' {
                    let _ = writeln!(out, "{:width$}  {:8}{:place$}{on}{head}{off}", "", "", "");
                }
                let _ = writeln!(out, "{:width$}  {:8}{on}{text}{off}", "", "");
            }
        }
    }

    fn write_notes(&self, out: &mut String, glyphs: &Glyphs) {
        let shown = |wanted: &Level| self.lines.iter().flat_map(|line| &line.spans).any(|span| span.level == *wanted);
        let mut legend = Vec::new();
        if shown(&Level::Dead) {
            legend.push(format!("{0}{0} dead time", glyphs.dead));
        }
        if shown(&Level::Waits) {
            legend.push(format!("{0}{0} pending: an ON waits", glyphs.waits));
        }
        if shown(&Level::Bounces) {
            legend.push(format!("{} bounces", glyphs.bounces));
        }
        if Axis::new(&self.instants(), self.tick_ns, WIDTH, 2, 4).cuts().next().is_some() {
            legend.push(format!("{0}{0} not to scale", glyphs.cut));
        }
        if !legend.is_empty() {
            let _ = writeln!(out, "{}", legend.join("   "));
        }
        for note in &self.notes {
            let _ = writeln!(out, "{note}");
        }
    }
}

fn shortened(name: &str, width: usize, more: char) -> String {
    if name.chars().count() <= width {
        return name.to_owned();
    }
    let mut short: String = name.chars().take(width.saturating_sub(1)).collect();
    short.push(more);
    short
}

/// The cells of one row.
fn plot(line: &Line, axis: &Axis, glyphs: &Glyphs, colour: bool) -> String {
    let mut cells = vec![(glyphs.unknown, ""); axis.width()];
    for span in &line.spans {
        let (from, to) = (axis.place(span.from_ns), axis.place(span.to_ns));
        let (glyph, tint) = match &span.level {
            Level::Unknown => (glyphs.unknown, "2"),
            Level::Off => (glyphs.off, "2"),
            Level::On => (glyphs.on, "32"),
            Level::Dead => (glyphs.dead, "2"),
            Level::Waits => (glyphs.waits, "33"),
            Level::Bounces => (glyphs.bounces, "31"),
            Level::Text(text) => {
                let letters = std::iter::once('|').chain(text.chars()).chain(std::iter::repeat(' '));
                cells
                    .iter_mut()
                    .skip(from)
                    .take(to - from)
                    .zip(letters)
                    .for_each(|(cell, letter)| *cell = (letter, "36"));
                continue;
            }
        };
        cells.iter_mut().skip(from).take(to - from).for_each(|cell| *cell = (glyph, tint));
    }
    let mut out = String::new();
    let mut last = "";
    for (glyph, tint) in cells {
        if colour && tint != last {
            let _ = write!(out, "\x1b[0{}{tint}m", if tint.is_empty() { "" } else { ";" });
            last = tint;
        }
        out.push(glyph);
    }
    if colour {
        out.push_str("\x1b[0m");
    }
    out.trim_end().to_owned()
}
