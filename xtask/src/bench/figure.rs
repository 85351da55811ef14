//! The growth figure of the performance page, as SVG: two panels with logarithmic axes, where a straight line one decade up for
//! one decade to the right is linear growth.

use std::fmt::Write;

/// What was measured of a program of this many rungs.
pub struct Growth {
    pub rungs: f64,
    /// Time per scan in microseconds: native, interpreter.
    pub scan_us: [f64; 2],
    /// From text to the first scan in milliseconds: native, interpreter.
    pub start_ms: [f64; 2],
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 330.0;
/// The area of a panel between its axes.
const PANEL: (f64, f64) = (270.0, 220.0);
const TOP: f64 = 50.0;
const ENGINES: [(&str, &str); 2] = [("native", "#0b62a4"), ("interpreter", "#b3541e")];

/// One panel: where it begins, its title, and a series for each engine.
struct Panel<'a> {
    left: f64,
    title: &'a str,
    series: [Vec<(f64, f64)>; 2],
}

/// Draws it; `caption` names machine and date.
pub fn svg(growth: &[Growth], caption: &str) -> String {
    let series = |of: fn(&Growth) -> [f64; 2]| {
        [0, 1].map(|engine| growth.iter().map(|g| (g.rungs, of(g).get(engine).copied().unwrap_or(f64::NAN))).collect())
    };
    let panels = [
        Panel { left: 60.0, title: "time per scan, microseconds", series: series(|g| g.scan_us) },
        Panel { left: 420.0, title: "from text to the first scan, ms of CPU time", series: series(|g| g.start_ms) },
    ];
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n"
    );
    for panel in &panels {
        draw(&mut out, panel);
    }
    text(&mut out, (60.0, HEIGHT - 10.0), "start", caption);
    out.push_str("</svg>\n");
    out
}

/// The powers of ten around these numbers.
fn decades<'a>(values: impl Iterator<Item = &'a f64>) -> (f64, f64) {
    let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(*v), high.max(*v)));
    let low = low.log10().floor();
    (low, high.log10().ceil().max(low + 1.0))
}

fn text(out: &mut String, (x, y): (f64, f64), anchor: &str, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    // Writing to a String does not fail.
    let _ = writeln!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{words}</text>");
}

fn draw(out: &mut String, panel: &Panel<'_>) {
    let points = || panel.series.iter().flatten();
    let (xs, ys): (Vec<f64>, Vec<f64>) = points().copied().unzip();
    let ((x_low, x_high), (y_low, y_high)) = (decades(xs.iter()), decades(ys.iter()));
    let bottom = TOP + PANEL.1;
    let x = |v: f64| panel.left + (v.log10() - x_low) / (x_high - x_low) * PANEL.0;
    let y = |v: f64| bottom - (v.log10() - y_low) / (y_high - y_low) * PANEL.1;
    text(out, (panel.left, TOP - 14.0), "start", panel.title);
    let mut line = |from: (f64, f64), to: (f64, f64)| {
        let _ = writeln!(
            out,
            "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"#ccc\"/>",
            from.0, from.1, to.0, to.1
        );
    };
    let powers = |low: f64, high: f64| {
        std::iter::successors(Some(low), |p| Some(p + 1.0)).take_while(move |p| *p <= high).map(|p| 10_f64.powf(p))
    };
    for power in powers(x_low, x_high) {
        line((x(power), TOP), (x(power), bottom));
    }
    for power in powers(y_low, y_high) {
        line((panel.left, y(power)), (panel.left + PANEL.0, y(power)));
    }
    for power in powers(x_low, x_high) {
        text(out, (x(power), bottom + 16.0), "middle", &format!("{power}"));
    }
    for power in powers(y_low, y_high) {
        text(out, (panel.left - 6.0, y(power) + 4.0), "end", &format!("{power}"));
    }
    text(out, (panel.left + PANEL.0, bottom + 32.0), "end", "rungs");
    for ((name, colour), series) in ENGINES.into_iter().zip(&panel.series) {
        let path: Vec<String> = series.iter().map(|(at, value)| format!("{:.1},{:.1}", x(*at), y(*value))).collect();
        let _ = writeln!(
            out,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            path.join(" ")
        );
        for (at, value) in series {
            let _ = writeln!(out, "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"{colour}\"/>", x(*at), y(*value));
        }
        if let Some((at, value)) = series.last() {
            text(out, (x(*at) - 6.0, y(*value) - 8.0), "end", name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_growth_is_a_straight_line() {
        let growth = [1e3, 1e4, 1e5].map(|rungs| Growth {
            rungs,
            scan_us: [rungs / 500.0, rungs / 100.0],
            start_ms: [rungs / 30.0, rungs / 60.0],
        });
        let svg = svg(&growth, "a machine & a day");
        assert!(svg.contains("a machine &amp; a day"));
        // Three decades wide and as many high: one decade is a third of the panel.
        let native = svg.lines().find(|l| l.starts_with("<polyline")).unwrap();
        let points: Vec<(f64, f64)> = native
            .split('"')
            .nth(1)
            .unwrap()
            .split(' ')
            .map(|p| p.split_once(',').map(|(x, y)| (x.parse().unwrap(), y.parse().unwrap())).unwrap())
            .collect();
        let steps: Vec<(f64, f64)> = points.windows(2).map(|w| (w[1].0 - w[0].0, w[1].1 - w[0].1)).collect();
        assert_eq!(points.len(), 3);
        assert!((steps[0].0 - steps[1].0).abs() < 0.2 && (steps[0].1 - steps[1].1).abs() < 0.2, "{steps:?}");
        assert!(steps[0].1 < 0.0);
    }
}
