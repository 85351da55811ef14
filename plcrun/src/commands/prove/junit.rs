//! Answers as JUnit XML: a suite for each program, a case for each property.
//!
//! What can be broken, is never reached or holds for nothing is a failure; what is not known is an error, because nothing
//! was found out. `time` is the time the answer took.

use super::show;
use super::{Outcome, contacts, findings};
use crate::commands::prove::ask::Answered;
use prove::guard::asked::Answered as Contact;
use std::fmt::Write as _;
use timeline::diagram::svg::escape;

/// What became of a case.
enum Result {
    Passed,
    Failure,
    Error,
}

/// The document.
#[must_use]
pub fn document(outcomes: &[Outcome]) -> String {
    let mut suites = String::new();
    let mut total = [0; 3];
    for outcome in outcomes {
        let counts = suite(&mut suites, outcome);
        total.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }
    let [tests, failures, errors] = total;
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"plcrun prove\" tests=\"{tests}\" failures=\"{failures}\" \
         errors=\"{errors}\">\n{suites}</testsuites>\n"
    )
}

/// Writes a suite; its tests, failures and errors.
fn suite(out: &mut String, outcome: &Outcome) -> [usize; 3] {
    let name = escape(&outcome.name);
    let mut cases = String::new();
    let mut counts = [0; 3];
    let mut count = |result: &Result| {
        let [tests, failures, errors] = &mut counts;
        *tests += 1;
        *failures += usize::from(matches!(result, Result::Failure));
        *errors += usize::from(matches!(result, Result::Error));
    };
    for one in &outcome.answered {
        count(&case(&mut cases, &name, outcome, one));
    }
    for one in &outcome.contacts {
        count(&contact(&mut cases, &name, one));
    }
    if let Some(refusal) = &outcome.trouble {
        count(&Result::Error);
        let (what, text) = (escape(findings::first_line(&refusal.what)), escape(&refusal.to_string()));
        let _ = writeln!(
            cases,
            "    <testcase classname=\"{name}\" name=\"the properties can be asked\">\n      <error message=\"{what}\">{text}</error>\n    \
             </testcase>"
        );
    }
    let [tests, failures, errors] = counts;
    let contacts = outcome.contacts.iter().map(|one| one.took);
    let seconds: f64 =
        outcome.answered.iter().map(|one| one.report.took).chain(contacts).map(|took| took.as_secs_f64()).sum();
    let _ = writeln!(
        out,
        "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"0\" time=\"{seconds:.3}\">\n\
         {cases}  </testsuite>"
    );
    counts
}

fn case(out: &mut String, suite: &str, outcome: &Outcome, one: &Answered) -> Result {
    let property = &one.report.property;
    let place = outcome.gathered.place(&property.id).cloned().unwrap_or_default();
    let _ = write!(out, "    <testcase classname=\"{suite}\" name=\"{}\"", escape(&property.id));
    if !place.file.is_empty() {
        let _ = write!(out, " file=\"{}\" line=\"{}\"", escape(&place.file), place.line.max(1));
    }
    let _ = write!(out, " time=\"{:.3}\"", one.report.took.as_secs_f64());
    ending(out, findings::verdict(one, outcome.tick_ns), &show::plain(one, outcome.tick_ns))
}

/// What was asked of the relay guard.
fn contact(out: &mut String, suite: &str, one: &Contact) -> Result {
    let (id, took) = (escape(&one.id), one.took.as_secs_f64());
    let _ = write!(out, "    <testcase classname=\"{suite}\" name=\"{id}\" time=\"{took:.3}\"");
    ending(out, contacts::verdict(one), &contacts::as_text(one, false))
}

/// The end of a case whose head is written.
fn ending(out: &mut String, verdict: Option<(&'static str, String)>, text: &str) -> Result {
    let Some((code, message)) = verdict else {
        out.push_str("/>\n");
        return Result::Passed;
    };
    let result = if code == lint::proofs::UNKNOWN { Result::Error } else { Result::Failure };
    let word = if matches!(result, Result::Error) { "error" } else { "failure" };
    let (message, text) = (escape(&message), escape(text));
    let _ = writeln!(out, ">\n      <{word} message=\"{message}\" type=\"{code}\">{text}</{word}>\n    </testcase>");
    result
}
