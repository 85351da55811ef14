//! A picture as text.
//!
//! Lines are collected as four half-lines per cell (left, right, up, down) and become characters at the end, so corners and
//! junctions come out right whatever crosses. Texts and symbols are written over them.

use super::layout::{Anchor, Mark, Picture, Role};
use super::{Style, Tone, Tones};

const LEFT: u8 = 1;
const RIGHT: u8 = 2;
const UP: u8 = 4;
const DOWN: u8 = 8;

/// Characters for the sixteen combinations of half-lines, in the order of the bits above.
const UNICODE: [char; 16] = [' ', '─', '─', '─', '│', '┘', '└', '┴', '│', '┐', '┌', '┬', '│', '┤', '├', '┼'];
const ASCII: [char; 16] = [' ', '-', '-', '-', '|', '+', '+', '+', '|', '+', '+', '+', '|', '+', '+', '+'];

/// Paints a picture; every line ends with a line feed and has no blanks at its end.
pub(super) fn paint(picture: &Picture, style: Style, tones: &Tones) -> String {
    let size = picture.columns * picture.rows;
    let colours = if tones.is_empty() { Vec::new() } else { vec![None; size] };
    let mut page = Page { columns: picture.columns, cells: vec![Cell::Line(0); size], colours, style, tone: None };
    for mark in &picture.marks {
        page.line(mark);
    }
    for mark in &picture.marks {
        page.tone = match mark {
            Mark::Contact { of, .. } | Mark::Coil { of, .. } | Mark::Frame { of, .. } | Mark::Text { of, .. } => {
                of.and_then(|span| tones.get(&span).copied())
            }
            Mark::Wire { .. } | Mark::Drop { .. } | Mark::Rail { .. } | Mark::Dot { .. } | Mark::Arrow { .. } => None,
        };
        page.symbol(mark);
    }
    page.into_text()
}

#[derive(Clone, Copy)]
enum Cell {
    /// Half-lines.
    Line(u8),
    /// A character over them.
    Char(char),
}

struct Page {
    columns: usize,
    cells: Vec<Cell>,
    /// Parallel to the cells; empty where nothing is coloured.
    colours: Vec<Option<Tone>>,
    style: Style,
    /// The colour of what is put now.
    tone: Option<Tone>,
}

impl Page {
    fn cell(&mut self, column: usize, row: usize) -> Option<&mut Cell> {
        if column >= self.columns {
            return None;
        }
        self.cells.get_mut(row * self.columns + column)
    }

    fn add(&mut self, column: usize, row: usize, half_lines: u8) {
        if let Some(Cell::Line(bits)) = self.cell(column, row) {
            *bits |= half_lines;
        }
    }

    fn put(&mut self, column: usize, row: usize, letter: char) {
        if let Some(cell) = self.cell(column, row) {
            *cell = Cell::Char(letter);
            if let Some(colour) = self.colours.get_mut(row * self.columns + column) {
                *colour = self.tone;
            }
        }
    }

    fn horizontal(&mut self, from: usize, to: usize, row: usize) {
        for column in from..to {
            self.add(column, row, RIGHT);
            self.add(column + 1, row, LEFT);
        }
    }

    fn vertical(&mut self, column: usize, from: usize, to: usize) {
        for row in from..to {
            self.add(column, row, DOWN);
            self.add(column, row + 1, UP);
        }
    }

    fn line(&mut self, mark: &Mark) {
        match mark {
            Mark::Wire { from, to, row } => self.horizontal(*from, *to, *row),
            Mark::Drop { column, from, to } => self.vertical(*column, *from, *to),
            Mark::Rail { column, from, to } => {
                self.vertical(*column, *from, *to);
                self.add(*column, *from, UP | DOWN);
                self.add(*column, *to, UP | DOWN);
            }
            Mark::Frame { left, right, top, bottom, .. } => {
                self.horizontal(*left, *right, *top);
                self.horizontal(*left, *right, *bottom);
                self.vertical(*left, *top, *bottom);
                self.vertical(*right, *top, *bottom);
            }
            Mark::Dot { .. } | Mark::Contact { .. } | Mark::Coil { .. } | Mark::Arrow { .. } | Mark::Text { .. } => {}
        }
    }

    fn symbol(&mut self, mark: &Mark) {
        let unicode = self.style == Style::Unicode;
        match mark {
            Mark::Contact { column, row, glyph, .. } => {
                let glyph = if *glyph == "¬" && !unicode { "~" } else { glyph };
                let (left, right) = if unicode { ('┤', '├') } else { ('|', '|') };
                self.put(*column - 1, *row, left);
                self.put(*column, *row, glyph.chars().next().unwrap_or(' '));
                self.put(*column + 1, *row, right);
            }
            Mark::Coil { column, row, glyph, .. } => {
                self.put(*column - 1, *row, '(');
                self.put(*column, *row, glyph.chars().next().unwrap_or(' '));
                self.put(*column + 1, *row, ')');
            }
            Mark::Frame { left, right, top, title, .. } => {
                let start = usize::midpoint(*left, *right).saturating_sub(title.chars().count() / 2);
                for (index, letter) in title.chars().enumerate() {
                    self.put(start + index, *top, letter);
                }
            }
            Mark::Arrow { column, row } => self.put(*column, *row, if unicode { '►' } else { '>' }),
            Mark::Text { column, row, text, anchor, role, .. } => {
                let letters: Vec<char> = text.chars().collect();
                let start = match anchor {
                    Anchor::Start => *column,
                    Anchor::Middle => column.saturating_sub(letters.len() / 2),
                    Anchor::End => (column + 1).saturating_sub(letters.len()),
                };
                for (index, letter) in letters.iter().enumerate() {
                    // A control character in a comment or a name must not move the drawing.
                    self.put(start + index, *row, if letter.is_control() { ' ' } else { *letter });
                }
                if *role == Role::Heading {
                    for index in 0..letters.len() {
                        self.put(start + index, *row + 1, if unicode { '═' } else { '=' });
                    }
                }
            }
            Mark::Wire { .. } | Mark::Drop { .. } | Mark::Rail { .. } | Mark::Dot { .. } => {}
        }
    }

    fn into_text(self) -> String {
        let table = if self.style == Style::Unicode { UNICODE } else { ASCII };
        let mut text = String::new();
        for (number, row) in self.cells.chunks(self.columns.max(1)).enumerate() {
            let line = row.iter().map(|cell| match cell {
                Cell::Line(bits) => table.get(usize::from(*bits)).copied().unwrap_or(' '),
                Cell::Char(letter) => *letter,
            });
            if self.colours.is_empty() {
                text.push_str(line.collect::<String>().trim_end());
            } else {
                text.push_str(coloured(line, self.colours.iter().skip(number * self.columns)).trim_end());
            }
            text.push('\n');
        }
        text
    }
}

/// One line with its colours.
fn coloured<'a>(line: impl Iterator<Item = char>, tones: impl Iterator<Item = &'a Option<Tone>>) -> String {
    let mut out = String::new();
    let mut last = None;
    for (letter, tone) in line.zip(tones) {
        if *tone != last {
            out.push_str(match tone {
                None => "\x1b[0m",
                Some(Tone::Covered | Tone::On) => "\x1b[0;32m",
                Some(Tone::Half) => "\x1b[0;33m",
                Some(Tone::Missed) => "\x1b[0;1;31m",
                Some(Tone::Off) => "\x1b[0;2m",
            });
            last = *tone;
        }
        out.push(letter);
    }
    if last.is_some() {
        out.push_str("\x1b[0m");
    }
    out
}
