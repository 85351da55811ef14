//! A timing diagram as SVG, for pages and for files.
//!
//! Colours are those of the page: the drawing takes `currentColor` for ink, and states have classes whose colours suit light
//! and dark pages. Every text is escaped.

use super::{Axis, Diagram, Level, Line, Role, Span, axis::seconds};
use std::fmt::Write as _;

/// Left edge of the plot.
const LEFT: usize = 190;
/// Width of the plot.
const PLOT: usize = 860;
/// Height of a row.
const ROW: usize = 30;
/// Height of a high level above its base line.
const HIGH: usize = 18;
/// Above the first row: the time labels.
const TOP: usize = 34;
/// White to the right.
const RIGHT: usize = 24;

const STYLE: &str = "\
.timing text{font:12px system-ui,'Segoe UI','DejaVu Sans',sans-serif;fill:currentColor}\
.timing .n{font-weight:600}.timing .r{font-size:10.5px;opacity:.6}.timing text.a{fill:#c62828}.timing .t{font-size:11px;opacity:.75}\
.timing .g{stroke:currentColor;opacity:.13}.timing .b{stroke:currentColor;opacity:.35}\
.timing .l{fill:none;stroke-width:1.8;stroke-linejoin:round}\
.timing .input{stroke:#1e88e5}.timing .coil{stroke:#8e24aa}.timing .line{stroke:#ef6c00}.timing .contact{stroke:#2e9d4e}\
.timing .var{stroke:#607d8b}.timing .fi{fill:#1e88e5}.timing .fc{fill:#8e24aa}.timing .fl{fill:#ef6c00}.timing .fk{fill:#2e9d4e}\
.timing .fv{fill:#607d8b}.timing .fi,.timing .fc,.timing .fl,.timing .fk,.timing .fv{opacity:.2}\
.timing .box{fill:none;stroke:#607d8b;stroke-width:1.3}.timing .v{font-size:11px}\
.timing .f{stroke:#c62828;stroke-width:1.6}.timing text.ft{fill:#c62828;font-weight:600;opacity:1}.timing .fb{fill:#c62828;opacity:.07}\
.timing .cut{fill:currentColor;opacity:.05}.timing .ct{font-size:11px;opacity:.5}";

/// The hatchings; `@` stands for the prefix of their names.
const PATTERNS: &str = "<defs>\
<pattern id=\"@dead\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
<rect width=\"6\" height=\"6\" fill=\"#9e9e9e\" opacity=\".14\"/><rect width=\"1.6\" height=\"6\" fill=\"#9e9e9e\" opacity=\".75\"/></pattern>\
<pattern id=\"@waits\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(-45)\">\
<rect width=\"6\" height=\"6\" fill=\"#f9a825\" opacity=\".22\"/><rect width=\"2.4\" height=\"6\" fill=\"#f9a825\"/></pattern>\
<pattern id=\"@bounce\" width=\"4\" height=\"4\" patternUnits=\"userSpaceOnUse\">\
<rect width=\"4\" height=\"4\" fill=\"#c62828\" opacity=\".15\"/><rect width=\"1.6\" height=\"4\" fill=\"#c62828\"/></pattern></defs>";

impl Diagram {
    /// The diagram as one SVG document; empty where nothing is to be seen.
    #[must_use]
    pub fn svg(&self) -> String {
        self.svg_in("timing")
    }

    /// The same for a page with several: each needs a name of its own for its hatchings.
    #[must_use]
    pub fn svg_in(&self, page_name: &str) -> String {
        if self.lines.is_empty() {
            return String::new();
        }
        let axis = Axis::new(&self.instants(), self.tick_ns, PLOT, 14, 4);
        let bottom = TOP + self.lines.len() * ROW + 8;
        let legend = self.legend();
        let rows = self.marks.len().min(6) + usize::from(!legend.is_empty()) + self.notes.len();
        let (width, height) = (LEFT + axis.width().max(400) + RIGHT, bottom + 14 + rows * 19);
        let mut svg = String::new();
        // Writing to a String cannot fail.
        let _ = writeln!(
            svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"timing\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\">\n<style>{STYLE}</style>{}",
            PATTERNS.replace('@', page_name)
        );
        self.grid(&mut svg, &axis, bottom);
        for (index, line) in self.lines.iter().enumerate() {
            row(&mut svg, line, &axis, (TOP + index * ROW + ROW - 8, page_name));
        }
        let below = self.failures(&mut svg, &axis, bottom, width);
        self.remarks(&mut svg, &legend, below, page_name);
        svg.push_str("</svg>\n");
        svg
    }

    fn grid(&self, svg: &mut String, axis: &Axis, bottom: usize) {
        for (from, to) in axis.cuts() {
            let _ = writeln!(
                svg,
                "<rect class=\"cut\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>\
                 <text class=\"ct\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">//</text>",
                LEFT + from + 2,
                TOP - 4,
                (to - from).saturating_sub(4),
                bottom - TOP,
                LEFT + usize::midpoint(from, to),
                TOP - 8
            );
        }
        // To the right of the words before the axis.
        let mut free = 80;
        for (at_ns, place) in axis.instants() {
            let x = LEFT + place;
            let _ = writeln!(svg, "<line class=\"g\" x1=\"{x}\" y1=\"{}\" x2=\"{x}\" y2=\"{bottom}\"/>", TOP - 4);
            let label = seconds(at_ns);
            // A letter is about seven pixels wide.
            let half = label.len() * 7 / 2;
            let marked = self.marks.iter().any(|mark| mark.at_ns == at_ns);
            if x >= free + half && !marked {
                let _ = writeln!(
                    svg,
                    "<text class=\"t\" x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{label}</text>",
                    TOP - 10
                );
                free = x + half + 6;
            }
        }
        let _ = writeln!(svg, "<text class=\"t\" x=\"8\" y=\"{}\">time in s</text>", TOP - 10);
        let _ = writeln!(
            svg,
            "<line class=\"b\" x1=\"8\" y1=\"{}\" x2=\"{}\" y2=\"{}\"/>",
            TOP - 4,
            LEFT + axis.width(),
            TOP - 4
        );
    }

    /// The red lines with what failed; gives the height below them.
    fn failures(&self, svg: &mut String, axis: &Axis, bottom: usize, width: usize) -> usize {
        let mut y = bottom + 14;
        let (mut last, mut free) = (None, 0);
        for mark in self.marks.iter().take(6) {
            let x = LEFT + axis.place(mark.at_ns);
            let label = if x >= free { seconds(mark.at_ns) } else { String::new() };
            if last != Some(mark.at_ns) {
                free = x + label.len() * 8 + 8;
                let _ = writeln!(
                    svg,
                    "<rect class=\"fb\" x=\"{x}\" y=\"{0}\" width=\"{1}\" height=\"{2}\"/>\
                     <line class=\"f\" x1=\"{x}\" y1=\"{0}\" x2=\"{x}\" y2=\"{3}\"/>\
                     <text class=\"t ft\" x=\"{x}\" y=\"{4}\" text-anchor=\"middle\">{5}</text>",
                    TOP - 4,
                    (LEFT + axis.width()).saturating_sub(x),
                    bottom - TOP + 4,
                    bottom + 4,
                    TOP - 22,
                    label
                );
            }
            last = Some(mark.at_ns);
            // The text ends at its line, or begins there where the left side has no room.
            let letters = mark.text.chars().count() * 7;
            let (side, at) = if x > letters + 12 || x > width / 2 {
                ("end", x.max(letters.min(width - 20)) + 4)
            } else {
                ("start", x - 4)
            };
            let arrow = if side == "end" {
                format!("{} ▲", escape(&mark.text))
            } else {
                format!("▲ {}", escape(&mark.text))
            };
            let _ = writeln!(svg, "<text class=\"ft\" x=\"{at}\" y=\"{y}\" text-anchor=\"{side}\">{arrow}</text>");
            y += 19;
        }
        y
    }

    fn legend(&self) -> Vec<(&'static str, &'static str)> {
        let shown = |wanted: &Level| self.lines.iter().flat_map(|line| &line.spans).any(|span| span.level == *wanted);
        [
            (Level::Dead, "dead", "dead time: an ON would have to wait"),
            (Level::Waits, "waits", "pending: an ON waits"),
            (Level::Bounces, "bounce", "bounces"),
        ]
        .into_iter()
        .filter(|(level, ..)| shown(level))
        .map(|(_, class, text)| (class, text))
        .collect()
    }

    fn remarks(&self, svg: &mut String, legend: &[(&str, &str)], mut y: usize, page_name: &str) {
        let mut x = 8;
        for (class, text) in legend {
            let _ = writeln!(
                svg,
                "<rect fill=\"url(#{page_name}{class})\" x=\"{x}\" y=\"{}\" width=\"22\" height=\"12\"/><text class=\"t\" x=\"{}\" y=\"{y}\">{text}</text>",
                y - 10,
                x + 28
            );
            x += 28 + text.len() * 7 + 18;
        }
        if !legend.is_empty() {
            y += 19;
        }
        for note in &self.notes {
            let _ = writeln!(svg, "<text class=\"t\" x=\"8\" y=\"{y}\">{}</text>", escape(note));
            y += 19;
        }
    }
}

/// Classes of a row's line and of its fill.
const fn classes(role: Role) -> (&'static str, &'static str) {
    match role {
        Role::Input => ("input", "fi"),
        Role::Coil => ("coil", "fc"),
        Role::Line => ("line", "fl"),
        Role::Contact => ("contact", "fk"),
        Role::Variable => ("var", "fv"),
    }
}

fn row(svg: &mut String, line: &Line, axis: &Axis, (base, page_name): (usize, &str)) {
    let name: String = line.name.chars().take(24).collect();
    let asked = if line.asked { " a" } else { "" };
    let _ = writeln!(
        svg,
        "<text class=\"n{asked}\" x=\"8\" y=\"{}\">{}<title>{}</title></text><text class=\"r\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
        base - 4,
        escape(&name),
        escape(&line.name),
        LEFT - 12,
        base - 4,
        line.role.word()
    );
    let (stroke, fill) = classes(line.role);
    let mut path = String::new();
    let mut last: Option<usize> = None;
    for span in &line.spans {
        let (from, to) = (LEFT + axis.place(span.from_ns), LEFT + axis.place(span.to_ns));
        let level = match &span.level {
            Level::Text(text) => {
                value(svg, text, span, (from, to), base);
                last = None;
                continue;
            }
            Level::Unknown => {
                last = None;
                continue;
            }
            Level::On => base - HIGH,
            Level::Bounces => usize::midpoint(base, base - HIGH),
            Level::Off | Level::Dead | Level::Waits => base,
        };
        let shade = match &span.level {
            Level::On => Some((format!("class=\"{fill}\""), HIGH)),
            Level::Bounces => Some((format!("fill=\"url(#{page_name}bounce)\""), HIGH)),
            Level::Dead => Some((format!("fill=\"url(#{page_name}dead)\""), HIGH - 4)),
            Level::Waits => Some((format!("fill=\"url(#{page_name}waits)\""), HIGH - 4)),
            Level::Off | Level::Unknown | Level::Text(_) => None,
        };
        if let Some((class, high)) = shade {
            let _ = writeln!(
                svg,
                "<rect {class} x=\"{from}\" y=\"{}\" width=\"{}\" height=\"{high}\"/>",
                base - high,
                to.saturating_sub(from)
            );
        }
        let _ = match last {
            Some(_) => write!(path, "V{level}H{to}"),
            None => write!(path, "M{from} {level}H{to}"),
        };
        last = Some(level);
    }
    if !path.is_empty() {
        let _ = writeln!(svg, "<path class=\"l {stroke}\" d=\"{path}\"/>");
    }
}

/// A value that is no level: a box with its text, cut where it does not fit.
fn value(svg: &mut String, text: &str, span: &Span, (from, to): (usize, usize), base: usize) {
    let width = to.saturating_sub(from);
    let room = width.saturating_sub(4) / 7;
    let shown: String = text.chars().take(room).collect();
    let _ = writeln!(
        svg,
        "<g><title>{} from {} s</title><rect class=\"box\" x=\"{from}\" y=\"{}\" width=\"{width}\" height=\"{HIGH}\"/>\
         <text class=\"v\" x=\"{}\" y=\"{}\">{}</text></g>",
        escape(text),
        seconds(span.from_ns),
        base - HIGH,
        from + 4,
        base - 5,
        escape(&shown)
    );
}

/// Text for XML.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => result.push_str("&amp;"),
            '<' => result.push_str("&lt;"),
            '>' => result.push_str("&gt;"),
            '"' => result.push_str("&quot;"),
            '\'' => result.push_str("&#39;"),
            '\n' | '\t' => result.push(letter),
            '\u{FFFE}' | '\u{FFFF}' => result.push(' '),
            other if other.is_control() => result.push(' '),
            other => result.push(other),
        }
    }
    result
}
