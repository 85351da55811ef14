//! A picture as text.
//!
//! Lines are collected as four half-lines per cell (left, right, up, down) and become characters at the end, so corners and
//! junctions come out right whatever crosses. Texts and symbols are written over them.

use super::Style;
use super::layout::{Anchor, Mark, Picture, Role};

const LEFT: u8 = 1;
const RIGHT: u8 = 2;
const UP: u8 = 4;
const DOWN: u8 = 8;

/// Characters for the sixteen combinations of half-lines, in the order of the bits above.
const UNICODE: [char; 16] = [' ', '─', '─', '─', '│', '┘', '└', '┴', '│', '┐', '┌', '┬', '│', '┤', '├', '┼'];
const ASCII: [char; 16] = [' ', '-', '-', '-', '|', '+', '+', '+', '|', '+', '+', '+', '|', '+', '+', '+'];

/// Paints a picture; every line ends with a line feed and has no blanks at its end.
pub(super) fn paint(picture: &Picture, style: Style) -> String {
    let mut page = Page { columns: picture.columns, cells: vec![Cell::Line(0); picture.columns * picture.rows], style };
    for mark in &picture.marks {
        page.line(mark);
    }
    for mark in &picture.marks {
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
    style: Style,
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
            Mark::Contact { column, row, glyph } => {
                let glyph = if *glyph == "¬" && !unicode { "~" } else { glyph };
                let (left, right) = if unicode { ('┤', '├') } else { ('|', '|') };
                self.put(*column - 1, *row, left);
                self.put(*column, *row, glyph.chars().next().unwrap_or(' '));
                self.put(*column + 1, *row, right);
            }
            Mark::Coil { column, row, glyph } => {
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
            Mark::Text { column, row, text, anchor, role } => {
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
        for row in self.cells.chunks(self.columns.max(1)) {
            let line: String = row
                .iter()
                .map(|cell| match cell {
                    Cell::Line(bits) => table.get(usize::from(*bits)).copied().unwrap_or(' '),
                    Cell::Char(letter) => *letter,
                })
                .collect();
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}
