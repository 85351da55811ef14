//! The report as one page that needs nothing else: summary, every test, each failure with its timing diagram and the rung
//! that wrote the variable as it stood at that moment, coverage with coloured ladders.

use super::{Outcome, Totals};
use crate::coverage::{self, Coverage};
use crate::diagram::svg::escape;
use crate::print;
use crate::report::{Report, TestReport, VersionReport};
use compiler::draw::Drawing;
use relay::quantity::Duration;
use std::fmt::Write as _;

const STYLE: &str = include_str!("page.css");

/// What a page shows.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// Its heading.
    pub title: &'a str,
    /// One line below it, such as when and where it was made; may be empty.
    pub made: &'a str,
    /// What came of each file.
    pub outcomes: &'a [Outcome<'a>],
    /// The coverage of each program, with its name.
    pub coverage: &'a [(String, Coverage<'a>)],
}

/// The page.
#[must_use]
pub fn page(page: &Page<'_>) -> String {
    let totals = Totals::of(page.outcomes);
    let good = totals.failed + totals.unusable == 0;
    let mut out = String::new();
    let title = escape(page.title);
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>{title}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<header class=\"{}\">\n<h1>{title}</h1>",
        if good { "good" } else { "bad" }
    );
    if !page.made.is_empty() {
        let _ = writeln!(out, "<p class=\"made\">{}</p>", escape(page.made));
    }
    summary(&mut out, &totals, page);
    out.push_str("</header>\n<main>\n");
    failures(&mut out, page);
    all_tests(&mut out, page);
    coverage_section(&mut out, page);
    out.push_str("</main>\n<footer>plcrun is not a safety function. A test looks at the runs somebody thought of.</footer>\n</body>\n</html>\n");
    out
}

fn summary(out: &mut String, totals: &Totals, page: &Page<'_>) {
    let passed = totals.tests - totals.failed;
    let seconds = totals.simulated_ns / 1_000_000_000;
    let mut cards = vec![
        (passed.to_string(), "passed", "good"),
        (totals.failed.to_string(), "failed", if totals.failed > 0 { "bad" } else { "" }),
    ];
    if totals.unusable > 0 {
        cards.push((totals.unusable.to_string(), "files could not be run", "bad"));
    }
    cards.push((grouped(seconds), "seconds simulated", ""));
    cards.push((grouped(totals.scans), "scans", ""));
    if !page.coverage.is_empty() {
        let sum = page.coverage.iter().flat_map(|(_, one)| one.counts()).map(|(_, counts)| counts.total());
        let (covered, all) = sum.fold((0, 0), |(covered, all), one| (covered + one.covered, all + one.all));
        cards.push((percent(covered, all), "covered", ""));
    }
    out.push_str("<div class=\"cards\">\n");
    for (number, text, class) in cards {
        let _ = writeln!(out, "<div class=\"card {class}\"><b>{number}</b><span>{text}</span></div>");
    }
    out.push_str("</div>\n");
    let width = |part: usize| (part * 1000).checked_div(totals.tests).unwrap_or(0);
    let _ = writeln!(
        out,
        "<div class=\"bar\" title=\"{passed} of {} passed\"><i style=\"width:{}.{}%\"></i></div>",
        totals.tests,
        width(passed) / 10,
        width(passed) % 10
    );
}

fn percent(part: usize, all: usize) -> String {
    (part * 100).checked_div(all).map_or("-".to_owned(), |percent| format!("{percent} %"))
}

/// `1 234 567`
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// Files, programs and tests that were run.
fn tests<'a>(page: &Page<'a>) -> impl Iterator<Item = (&'a Report, &'a VersionReport, &'a TestReport)> {
    page.outcomes.iter().flat_map(|outcome| match outcome {
        Outcome::Ran(report) => report.tests().map(move |(version, test)| (*report, version, test)).collect::<Vec<_>>(),
        Outcome::Unusable(..) => Vec::new(),
    })
}

fn failures(out: &mut String, page: &Page<'_>) {
    for outcome in page.outcomes {
        if let Outcome::Unusable(file, why) = outcome {
            let _ = writeln!(
                out,
                "<section class=\"test bad\"><h2>{}</h2><p class=\"what\">The file could not be run.</p><pre>{}</pre></section>",
                escape(file),
                escape(why)
            );
        }
    }
    for (number, (report, version, test)) in tests(page).enumerate().filter(|(_, (_, _, test))| !test.passed()) {
        let several = report.versions.len() > 1;
        failed_test(out, number, (report, version, test), several);
    }
}

fn failed_test(
    out: &mut String,
    number: usize,
    (report, version, test): (&Report, &VersionReport, &TestReport),
    several: bool,
) {
    let program = if several { format!(" · {}", escape(&version.program)) } else { String::new() };
    let _ = writeln!(
        out,
        "<section class=\"test bad\" id=\"t{number}\">\n<h2><span class=\"badge\">failed</span>{}</h2>\n\
         <p class=\"where\">{}:{}{program} · seed {}</p>",
        escape(&test.name),
        escape(&report.file),
        test.place.line,
        test.seed
    );
    for failure in &test.failures {
        let what = print::what(&failure.kind);
        let (first, rest) = what.split_once('\n').unwrap_or((&what, ""));
        let _ = writeln!(
            out,
            "<p class=\"what\"><b>{}</b>{}<span class=\"place\">{}</span></p>",
            escape(&print::moment(failure.moment)),
            escape(first),
            escape(&failure.place.to_string())
        );
        if !rest.is_empty() {
            let _ = writeln!(out, "<pre>{}</pre>", escape(rest));
        }
    }
    if let Some(diagram) = &test.diagram {
        let _ = writeln!(out, "<figure class=\"timing\">{}</figure>", diagram.svg_in(&format!("t{number}")));
        for rung in &diagram.rungs {
            let _ = writeln!(
                out,
                "<figure class=\"rung\"><figcaption>{} <span class=\"place\">{}</span> <span class=\"key\"><i class=\"on\"></i>conducts \
                 <i class=\"off\"></i>does not, at the moment of the failure</span></figcaption>{}</figure>",
                escape(&rung.title),
                escape(&rung.place),
                rung.svg
            );
        }
    }
    if let Some(found) = &test.found {
        let _ = writeln!(
            out,
            "<p>Found by random stimuli (seed {}). This test fails alike; put it under <code>tests:</code>.</p><pre>{}</pre>",
            found.seed,
            escape(&found.test)
        );
    }
    changes(out, test);
    out.push_str("</section>\n");
}

fn changes(out: &mut String, test: &TestReport) {
    let Some(failure) = test.failures.first().filter(|failure| !failure.changes.is_empty()) else { return };
    out.push_str("<details><summary>Last changes before the first failure</summary>\n<table class=\"changes\">\n");
    for change in &failure.changes {
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td>scan {}</td><td>{}</td><td>{} → {}</td></tr>",
            Duration::from_ns(change.moment.time_ns),
            change.moment.scan,
            escape(&change.name),
            escape(&change.from),
            escape(&change.to)
        );
    }
    out.push_str("</table></details>\n");
}

fn all_tests(out: &mut String, page: &Page<'_>) {
    out.push_str("<section>\n<h2>All tests</h2>\n<table class=\"list\">\n");
    let mut last = String::new();
    for (number, (report, version, test)) in tests(page).enumerate() {
        let several = report.versions.len() > 1;
        let heading = if several { format!("{} · {}", report.file, version.program) } else { report.file.clone() };
        if heading != last {
            let _ = writeln!(out, "<tr class=\"file\"><th colspan=\"3\">{}</th></tr>", escape(&heading));
            last = heading;
        }
        let name = escape(&test.name);
        let name = if test.passed() { name } else { format!("<a href=\"#t{number}\">{name}</a>") };
        let (class, word) = if test.passed() { ("good", "ok") } else { ("bad", "failed") };
        let _ = writeln!(
            out,
            "<tr><td><span class=\"dot {class}\">{word}</span></td><td>{name}</td><td class=\"num\">{} s</td></tr>",
            grouped(test.simulated_ns / 1_000_000_000)
        );
    }
    out.push_str("</table>\n</section>\n");
}

fn coverage_section(out: &mut String, page: &Page<'_>) {
    if page.coverage.is_empty() {
        return;
    }
    out.push_str(
        "<section>\n<h2>Coverage</h2>\n<p class=\"key\"><i class=\"on\"></i>seen both ways <i class=\"half\"></i>seen one way \
         <i class=\"missed\"></i>never seen. A rung's number stands for the power at its outputs.</p>\n",
    );
    for (name, one) in page.coverage {
        let _ = writeln!(out, "<h3>{}</h3>\n<table class=\"cover\">", escape(name));
        out.push_str(
            "<tr><th></th><th>rungs</th><th>contacts</th><th>legs</th><th>ST branches</th><th>statements</th></tr>\n",
        );
        for (pou, counts) in one.counts() {
            let _ = write!(out, "<tr><th>{}</th>", escape(&pou));
            for count in [counts.rungs, counts.contacts, counts.legs, counts.branches, counts.statements] {
                let class = if count.all == 0 {
                    "none"
                } else if count.covered == count.all {
                    "good"
                } else {
                    "part"
                };
                let text = if count.all == 0 {
                    "–".to_owned()
                } else {
                    format!("{} of {} <small>{}</small>", count.covered, count.all, percent(count.covered, count.all))
                };
                let _ = write!(out, "<td class=\"{class}\">{text}</td>");
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</table>\n");
        missing(out, one);
        ladders(out, one);
    }
    out.push_str("</section>\n");
}

fn missing(out: &mut String, one: &coverage::Coverage<'_>) {
    let lines = one.missing();
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(out, "<details open><summary>{} not seen</summary>\n<ul>", lines.len());
    for line in lines {
        let _ = writeln!(out, "<li>{}</li>", escape(&line));
    }
    out.push_str("</ul></details>\n");
}

fn ladders(out: &mut String, one: &coverage::Coverage<'_>) {
    let tones = one.tones();
    for file in &one.sources.files {
        let drawing = Drawing { project: &one.sources.files, ..Drawing::new(&one.sources.map, file) };
        if drawing.has_rungs() {
            let _ = writeln!(
                out,
                "<details><summary>Ladder</summary><figure class=\"rung\">{}</figure></details>",
                drawing.coloured_svg(&tones)
            );
        }
    }
}
