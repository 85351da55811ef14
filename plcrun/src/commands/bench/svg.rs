//! Distributions of times as a picture: both axes logarithmic, because the one scan in a million is what matters.

use crate::table::short_time;
use std::fmt::Write as _;

/// One line of a panel: times in nanoseconds with how often each came, rising.
#[derive(Clone, Debug)]
pub struct Series {
    /// What it is.
    pub name: String,
    /// Times and counts.
    pub rows: Vec<(u64, u64)>,
}

/// One picture of several distributions.
#[derive(Clone, Debug)]
pub struct Panel {
    /// What it shows.
    pub title: String,
    /// What is compared.
    pub series: Vec<Series>,
}

/// Bars in each decade of time.
const PER_DECADE: u32 = 20;
const WIDTH: f64 = 900.0;
const PANEL: f64 = 280.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 56.0;
const BOTTOM: f64 = 40.0;
/// Told apart by people with colour-blindness, and on paper.
const COLOURS: [&str; 4] = ["#0072b2", "#d55e00", "#009e73", "#6a3d9a"];

/// The picture.
#[must_use]
pub fn picture(head: &str, panels: &[Panel]) -> String {
    let panels: Vec<&Panel> = panels.iter().filter(|p| p.series.iter().any(|s| !s.rows.is_empty())).collect();
    let height = 40.0 + PANEL * panels.len() as f64;
    // Writing to a String cannot fail.
    let mut svg = String::new();
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"24\" font-size=\"14\">{}</text>",
        escaped(head)
    );
    for (panel, index) in panels.iter().zip(0_u32..) {
        draw(&mut svg, panel, 40.0 + PANEL * f64::from(index));
    }
    svg.push_str("</svg>\n");
    svg
}

/// Where a panel's values stand.
struct Axes {
    top: f64,
    /// Decades of nanoseconds, from and to.
    from: i32,
    to: i32,
    /// Decades of counts.
    counts: i32,
}

impl Axes {
    fn of(panel: &Panel, top: f64) -> Self {
        let rows = || panel.series.iter().flat_map(|s| bars(&s.rows));
        let least = rows().map(|b| b.0).fold(f64::INFINITY, f64::min);
        let most = rows().map(|b| b.1).fold(0.0, f64::max);
        let count = rows().map(|b| b.2).max().unwrap_or(1).max(1);
        #[allow(clippy::cast_possible_truncation, reason = "logarithms of 64-bit numbers")]
        let (from, to) = (least.floor() as i32, most.ceil() as i32);
        let counts = i32::try_from(count.ilog10()).unwrap_or(19) + 1;
        Self { top, from, to: to.max(from + 1), counts }
    }

    /// Of a logarithm of nanoseconds.
    fn x(&self, log_ns: f64) -> f64 {
        LEFT + (log_ns - f64::from(self.from)) / f64::from(self.to - self.from) * (WIDTH - LEFT - RIGHT)
    }

    /// Of a count; 1 stands above the axis, so that it can be seen.
    fn y(&self, count: u64) -> f64 {
        let share = if count == 0 { 0.0 } else { ((count as f64).log10() + 0.3) / (f64::from(self.counts) + 0.3) };
        self.floor() - share * (PANEL - TOP - BOTTOM)
    }

    fn floor(&self) -> f64 {
        self.top + PANEL - BOTTOM
    }
}

/// Counts by part of a decade: logarithms of its ends, and the count.
fn bars(rows: &[(u64, u64)]) -> Vec<(f64, f64, u64)> {
    let mut bars: Vec<(f64, f64, u64)> = Vec::new();
    for (ns, count) in rows {
        let slot = ((*ns).max(1) as f64).log10() * f64::from(PER_DECADE);
        let from = slot.floor() / f64::from(PER_DECADE);
        match bars.last_mut() {
            Some(last) if (last.0 - from).abs() < 1e-9 => last.2 += count,
            Some(_) | None => bars.push((from, from + 1.0 / f64::from(PER_DECADE), *count)),
        }
    }
    bars
}

fn draw(svg: &mut String, panel: &Panel, top: f64) {
    let axes = Axes::of(panel, top);
    let (floor, right) = (axes.floor(), WIDTH - RIGHT);
    let _ = writeln!(
        svg,
        "<text x=\"{LEFT}\" y=\"{:.1}\" font-weight=\"bold\">{}</text>",
        top + 18.0,
        escaped(&panel.title)
    );
    for decade in axes.from..=axes.to {
        let x = axes.x(f64::from(decade));
        let label = short_time(10_u64.saturating_pow(u32::try_from(decade).unwrap_or(0)));
        let _ = writeln!(
            svg,
            "<line x1=\"{x:.1}\" y1=\"{:.1}\" x2=\"{x:.1}\" y2=\"{floor:.1}\" stroke=\"#dddddd\"/>\n\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{label}</text>",
            top + TOP,
            floor + 16.0
        );
    }
    for decade in 0..=axes.counts {
        let count = 10_u64.saturating_pow(u32::try_from(decade).unwrap_or(0));
        let y = axes.y(count);
        let _ = writeln!(
            svg,
            "<line x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\" stroke=\"#eeeeee\"/>\n\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{count}</text>",
            LEFT - 6.0,
            y + 4.0
        );
    }
    let mut legend = LEFT;
    for (series, colour) in panel.series.iter().zip(COLOURS.iter().cycle()) {
        let mut path = String::new();
        for (from, to, count) in bars(&series.rows) {
            let (x1, x2, y) = (axes.x(from), axes.x(to), axes.y(count));
            let _ = write!(path, "M{x1:.1} {floor:.1}V{y:.1}H{x2:.1}V{floor:.1}");
        }
        let _ = writeln!(
            svg,
            "<path d=\"{path}\" fill=\"{colour}\" fill-opacity=\"0.25\" stroke=\"{colour}\"/>\n\
             <rect x=\"{legend:.1}\" y=\"{:.1}\" width=\"12\" height=\"12\" fill=\"{colour}\" fill-opacity=\"0.5\" stroke=\"{colour}\"/>\n\
             <text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            top + 28.0,
            legend + 18.0,
            top + 38.0,
            escaped(&series.name)
        );
        // About the width of a letter; legends have room.
        legend += 40.0 + 7.5 * series.name.chars().count() as f64;
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel(series: &[(&str, &[(u64, u64)])]) -> Panel {
        let series = series.iter().map(|(name, rows)| Series { name: (*name).to_owned(), rows: rows.to_vec() });
        Panel { title: "wake-up <latency>".to_owned(), series: series.collect() }
    }

    #[test]
    fn the_picture_is_xml_with_a_bar_for_each_part_of_a_decade() {
        let rows: &[(u64, u64)] = &[(1_000, 5), (1_001, 5), (50_000, 1)];
        let svg = picture("a & b", &[panel(&[("plcrun", rows), ("cyclictest", &[(2_000, 7)])]), panel(&[])]);
        let document = roxmltree::Document::parse(&svg).unwrap();
        let paths: Vec<_> = document.descendants().filter(|n| n.has_tag_name("path")).collect();
        assert_eq!(paths.len(), 2, "a panel without counts is left out");
        assert_eq!(paths[0].attribute("d").unwrap().matches('M').count(), 2);
        let texts: Vec<_> = document.descendants().filter_map(|n| n.text()).collect();
        assert!(
            texts.contains(&"a & b") && texts.contains(&"wake-up <latency>") && texts.contains(&"10.0 us"),
            "{texts:?}"
        );
    }

    #[test]
    fn every_bar_stands_inside_its_panel() {
        let rows: Vec<(u64, u64)> = (0..40).map(|i| (3 << i, 1 << (39 - i))).collect();
        let svg = picture("x", &[panel(&[("s", &rows)])]);
        let document = roxmltree::Document::parse(&svg).unwrap();
        let path = document.descendants().find(|n| n.has_tag_name("path")).unwrap().attribute("d").unwrap().to_owned();
        let numbers = |letter: char| -> Vec<f64> {
            let parts = path.split(letter).skip(1);
            parts.map(|p| p.split(|c: char| c != '.' && !c.is_ascii_digit()).next().unwrap().parse().unwrap()).collect()
        };
        assert!(numbers('V').iter().all(|y| (40.0 + TOP - 0.1..=40.0 + PANEL - BOTTOM + 0.1).contains(y)), "{path}");
        assert!(numbers('H').iter().all(|x| (LEFT..=WIDTH - RIGHT + 0.1).contains(x)), "{path}");
    }
}
