//! A picture as SVG.
//!
//! Colours come from `currentColor`, so the drawing takes the ink of its page; there is no background. Fonts are generic
//! families, and every text fits its place even if the reader's fonts differ a little: widths are those of a monospaced
//! font with room to spare.

use std::fmt::Write as _;

use super::layout::{Anchor, Mark, Picture, Role};
use super::{Tone, Tones};

/// Width of a column in pixels; a monospaced letter of 12 px is about 7.2 px wide.
const COLUMN: usize = 8;
/// Height of a row in pixels.
const ROW: usize = 20;
/// White around the drawing in pixels.
const MARGIN: usize = 16;

/// Every rule is for drawings of ladders alone: a page may hold other drawings.
const STYLE: &str = "\
.ladder text{font-family:ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;font-size:12px;fill:currentColor}\
.ladder .h{font-size:15px;font-weight:bold}.ladder .t{font-weight:bold}.ladder .c{font-style:italic;opacity:.75}\
.ladder .n,.ladder .a,.ladder .p{opacity:.7}.ladder .a{font-size:11px}\
.ladder .w{stroke:currentColor;stroke-width:1.5;fill:none;stroke-linecap:round}.ladder .r{stroke:currentColor;stroke-width:3}\
.ladder .d{fill:currentColor}";

/// Colours of elements; they suit light and dark pages.
const TONES: &str = "\
.ladder .tc,.ladder .to{color:#2e9d4e}.ladder .th{color:#d18b00}.ladder .tm{color:#d32f2f}.ladder .tf{opacity:.45}\
.ladder .tc text,.ladder .th text,.ladder .tm text,.ladder .to text{opacity:1;font-weight:bold}\
.ladder .tc .w,.ladder .th .w,.ladder .tm .w,.ladder .to .w{stroke-width:2.2}";

/// The class of an element with a colour.
const fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Covered => "tc",
        Tone::Half => "th",
        Tone::Missed => "tm",
        Tone::On => "to",
        Tone::Off => "tf",
    }
}

/// Paints a picture as one document.
pub(super) fn paint(picture: &Picture, tones: &Tones) -> String {
    let (width, height) = (picture.columns * COLUMN + 2 * MARGIN, picture.rows * ROW + 2 * MARGIN);
    let mut svg = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"ladder\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         color=\"#667\" role=\"img\">\n<style>{STYLE}\n@media(prefers-color-scheme:light){{.ladder{{color:#223}}}}\
         @media(prefers-color-scheme:dark){{.ladder{{color:#dde}}}}</style>"
    );
    if !tones.is_empty() {
        let _ = writeln!(svg, "<style>{TONES}</style>");
    }
    for mark in &picture.marks {
        let tone = match mark {
            Mark::Contact { of, .. } | Mark::Coil { of, .. } | Mark::Frame { of, .. } | Mark::Text { of, .. } => {
                of.and_then(|span| tones.get(&span))
            }
            Mark::Wire { .. } | Mark::Drop { .. } | Mark::Rail { .. } | Mark::Dot { .. } | Mark::Arrow { .. } => None,
        };
        if let Some(tone) = tone {
            let _ = write!(svg, "<g class=\"{}\">", class(*tone));
        }
        paint_mark(&mut svg, mark);
        if tone.is_some() {
            svg.push_str("</g>\n");
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// The middle of a column.
fn x(column: usize) -> usize {
    MARGIN + column * COLUMN + COLUMN / 2
}

/// The middle of a row.
fn y(row: usize) -> usize {
    MARGIN + row * ROW + ROW / 2
}

fn line(svg: &mut String, class: &str, from: (usize, usize), to: (usize, usize)) {
    let _ =
        writeln!(svg, "<line class=\"{class}\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"/>", from.0, from.1, to.0, to.1);
}

fn paint_mark(svg: &mut String, mark: &Mark) {
    match mark {
        Mark::Wire { from, to, row } => line(svg, "w", (x(*from), y(*row)), (x(*to), y(*row))),
        Mark::Drop { column, from, to } => line(svg, "w", (x(*column), y(*from)), (x(*column), y(*to))),
        Mark::Rail { column, from, to } => {
            line(svg, "r", (x(*column), y(*from) - ROW / 2), (x(*column), y(*to) + ROW / 2));
        }
        Mark::Dot { column, row } => {
            let _ = writeln!(svg, "<circle class=\"d\" cx=\"{}\" cy=\"{}\" r=\"2.5\"/>", x(*column), y(*row));
        }
        Mark::Contact { column, row, glyph, .. } => contact(svg, x(*column), y(*row), glyph),
        Mark::Coil { column, row, glyph, .. } => coil(svg, x(*column), y(*row), glyph),
        Mark::Frame { left, right, top, bottom, title, .. } => {
            frame(svg, (x(*left), x(*right)), (y(*top), y(*bottom)), title);
        }
        Mark::Arrow { column, row } => {
            let (x, y) = (x(*column), y(*row));
            let _ = writeln!(svg, "<path class=\"d\" d=\"M{} {}l9 5l-9 5z\"/>", x - 3, y - 5);
        }
        Mark::Text { column, row, text, anchor, role, .. } => label(svg, *column, *row, text, *anchor, *role),
    }
}

/// A box whose upper edge leaves room for the title.
fn frame(svg: &mut String, (left, right): (usize, usize), (top, bottom): (usize, usize), title: &str) {
    let middle = usize::midpoint(left, right);
    let half = if title.is_empty() { 0 } else { (title.chars().count() * COLUMN / 2 + 2).min((right - left) / 2) };
    let _ = writeln!(
        svg,
        "<path class=\"w\" d=\"M{} {top}H{left}V{bottom}H{right}V{top}H{}\"/>",
        middle - half,
        middle + half
    );
    if !title.is_empty() {
        let _ = writeln!(
            svg,
            "<text class=\"p\" x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            top + 4,
            escape(title)
        );
    }
}

/// Two bars eight pixels to the left and right, with the sign between them.
fn contact(svg: &mut String, x: usize, y: usize, glyph: &str) {
    for side in [x - COLUMN, x + COLUMN] {
        line(svg, "w", (side, y - 8), (side, y + 8));
    }
    if glyph == "/" {
        line(svg, "w", (x - 6, y + 7), (x + 6, y - 7));
    } else {
        sign(svg, x, y, glyph);
    }
}

/// Two arcs of a circle with the sign between them.
fn coil(svg: &mut String, x: usize, y: usize, glyph: &str) {
    let _ = writeln!(
        svg,
        "<path class=\"w\" d=\"M{0} {1}a11 11 0 0 0 0 16M{2} {1}a11 11 0 0 1 0 16\"/>",
        x - 5,
        y - 8,
        x + 5
    );
    if glyph == "/" {
        line(svg, "w", (x - 4, y + 6), (x + 4, y - 6));
    } else {
        sign(svg, x, y, glyph);
    }
}

fn sign(svg: &mut String, x: usize, y: usize, glyph: &str) {
    if !glyph.trim().is_empty() {
        let _ = writeln!(svg, "<text x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{}</text>", y + 4, escape(glyph));
    }
}

fn label(svg: &mut String, column: usize, row: usize, text: &str, anchor: Anchor, role: Role) {
    let class = match role {
        Role::Heading => "h",
        Role::Number => "n",
        Role::Title => "t",
        Role::Comment => "c",
        Role::Name | Role::Code => "k",
        Role::Address => "a",
        Role::Pin => "p",
    };
    let (at, side) = match anchor {
        Anchor::Start => (x(column) - COLUMN / 2, "start"),
        Anchor::Middle => (x(column), "middle"),
        Anchor::End => (x(column) + COLUMN / 2, "end"),
    };
    let escaped = escape(text);
    // Blanks at the start of a line in an ST box are indentation.
    let _ = writeln!(
        svg,
        "<text class=\"{class}\" x=\"{at}\" y=\"{}\" text-anchor=\"{side}\" xml:space=\"preserve\">{escaped}</text>",
        y(row) + 4
    );
}

/// Text for XML: the five special characters, and blanks for control characters, which XML cannot hold.
fn escape(text: &str) -> String {
    let mut result = String::new();
    for letter in text.chars() {
        match letter {
            '&' => result.push_str("&amp;"),
            '<' => result.push_str("&lt;"),
            '>' => result.push_str("&gt;"),
            '"' => result.push_str("&quot;"),
            '\u{FFFE}' | '\u{FFFF}' => result.push(' '),
            other if other.is_control() => result.push(' '),
            other => result.push(other),
        }
    }
    result
}
