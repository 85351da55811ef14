//! JUnit XML, as Jenkins, GitLab and others read it: a suite for each file and program, a case for each test.
//!
//! The form is that of the surefire schema: attributes `tests`, `failures`, `errors`; a failure has a `message` and the text
//! a person would see on the terminal. A file that could not be run is one case with an error. `time` is simulated time:
//! that of the machine would differ from run to run.

use super::{Outcome, Totals};
use crate::diagram::svg::escape;
use crate::diagram::text::Style;
use crate::print;
use crate::report::{Report, TestReport, VersionReport};
use std::fmt::Write as _;

/// The document.
#[must_use]
pub fn junit(outcomes: &[Outcome<'_>]) -> String {
    let totals = Totals::of(outcomes);
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        out,
        "<testsuites name=\"plcrun test\" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{}\">",
        totals.tests + totals.unusable,
        totals.failed,
        totals.unusable,
        seconds(totals.simulated_ns)
    );
    for outcome in outcomes {
        match outcome {
            Outcome::Ran(report) => report.versions.iter().for_each(|version| suite(&mut out, report, version)),
            Outcome::Unusable(file, why) => {
                let (file, why) = (escape(file), escape(why));
                let first = why.lines().next().unwrap_or_default();
                let _ = writeln!(
                    out,
                    "  <testsuite name=\"{file}\" tests=\"1\" failures=\"0\" errors=\"1\">\n    \
                     <testcase classname=\"{file}\" name=\"the file can be run\">\n      \
                     <error message=\"{first}\">{why}</error>\n    </testcase>\n  </testsuite>"
                );
            }
        }
    }
    out.push_str("</testsuites>\n");
    out
}

fn seconds(ns: u64) -> String {
    format!("{}.{:03}", ns / 1_000_000_000, ns % 1_000_000_000 / 1_000_000)
}

fn suite(out: &mut String, report: &Report, version: &VersionReport) {
    let failed = version.tests.iter().filter(|test| !test.passed()).count();
    let simulated_ns = version.tests.iter().map(|test| test.simulated_ns).fold(0, u64::saturating_add);
    let name =
        if report.versions.len() > 1 { format!("{} [{}]", report.file, version.program) } else { report.file.clone() };
    let name = escape(&name);
    let _ = writeln!(
        out,
        "  <testsuite name=\"{name}\" tests=\"{}\" failures=\"{failed}\" errors=\"0\" skipped=\"0\" time=\"{}\">",
        version.tests.len(),
        seconds(simulated_ns)
    );
    for test in &version.tests {
        case(out, &name, test);
    }
    out.push_str("  </testsuite>\n");
}

fn case(out: &mut String, suite: &str, test: &TestReport) {
    let _ = write!(
        out,
        "    <testcase classname=\"{suite}\" name=\"{}\" file=\"{}\" line=\"{}\" time=\"{}\"",
        escape(&test.name),
        escape(&test.place.file),
        test.place.line,
        seconds(test.simulated_ns)
    );
    let Some(first) = test.failures.first() else {
        out.push_str("/>\n");
        return;
    };
    let what = print::what(&first.kind);
    let message = format!("{}: {}", print::moment(first.moment), what.lines().next().unwrap_or_default());
    let mut text = print::details(test);
    if let Some(diagram) = &test.diagram {
        text.push_str(&diagram.text(Style::default()));
    }
    let _ = writeln!(
        out,
        ">\n      <failure message=\"{}\" type=\"expectation\">{}</failure>\n    </testcase>",
        escape(&message),
        escape(&text)
    );
}
