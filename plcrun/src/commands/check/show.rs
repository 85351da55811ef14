//! Findings for people, and all of them at once for other tools.

use super::look::Look;
use crate::project::plural;
use crate::terminal::{Console, Tint, tinted};
use compiler::diag::{SHOWN_MAX, Shown, render_shown};
use lint::{Finding, Hidden, Severity};
use std::collections::HashSet;

/// The findings of all programs, each once: programs may share files.
#[must_use]
pub fn all(looks: &[Look]) -> Vec<Finding> {
    let mut seen = HashSet::new();
    let findings = looks.iter().flat_map(|l| &l.checked.findings);
    let first = findings.filter(|f| seen.insert((f.code, f.region.clone(), f.message.clone(), f.hidden.is_some())));
    first.cloned().collect()
}

/// Findings as a compiler shows them, from a severity on, and the closing lines, which count all.
#[must_use]
pub fn text(looks: &[Look], console: &Console, with_colours: bool, least: Severity) -> String {
    let color = console.color_out && with_colours;
    let style = if color { compiler::diag::Style::Coloured } else { compiler::diag::Style::Plain };
    let mut text = String::new();
    let shown: Vec<(&Look, &Finding)> = first_shown(looks, least);
    for (look, finding) in shown.iter().take(SHOWN_MAX) {
        text.push_str(&match &finding.marks {
            Some(marks) => {
                let shown = Shown {
                    grade: finding.severity.grade(),
                    code: finding.code,
                    message: &finding.message,
                    primary: &marks.primary,
                    secondary: &marks.secondary,
                    notes: &finding.notes,
                    helps: &finding.helps,
                };
                render_shown(&look.sources, shown, style)
            }
            None => plain(finding, color),
        });
        text.push_str("\n\n");
    }
    if shown.len() > SHOWN_MAX {
        let more = plural(shown.len() - SHOWN_MAX, "finding");
        text.push_str(&format!("... and {more} more; `--json` lists all\n\n"));
    }
    text.push_str(&closing(looks, color));
    text
}

/// What is shown, each finding once; of too many the errors come first.
fn first_shown(looks: &[Look], least: Severity) -> Vec<(&Look, &Finding)> {
    let mut seen = HashSet::new();
    let mut shown: Vec<(&Look, &Finding)> = looks
        .iter()
        .flat_map(|look| look.checked.shown().map(move |finding| (look, finding)))
        .filter(|(_, finding)| finding.severity >= least)
        .filter(|(_, finding)| seen.insert((finding.code, &finding.region, &finding.message)))
        .collect();
    if shown.len() > SHOWN_MAX {
        shown.sort_by_key(|(_, finding)| std::cmp::Reverse(finding.severity));
    }
    shown
}

/// A finding about a file that is no program.
fn plain(finding: &Finding, color: bool) -> String {
    let tint = match finding.severity {
        Severity::Error => Tint::Bad,
        Severity::Warning => Tint::Doubtful,
        Severity::Note => Tint::Strong,
    };
    let mut text = format!("{}[{}]: {}", tinted(color, tint, finding.severity.word()), finding.code, finding.message);
    let region = &finding.region;
    if region.file.is_empty() {
        text.push_str("\n  --> the program");
    } else if region.line == 0 {
        text.push_str(&format!("\n  --> {}", region.file));
    } else {
        text.push_str(&format!("\n  --> {}:{}:{}", region.file, region.line, region.column));
    }
    for remark in &finding.remarks {
        let place = &remark.region;
        text.push_str(&format!("\n  ::: {}:{}:{}: {}", place.file, place.line, place.column, remark.text));
    }
    for note in &finding.notes {
        text.push_str(&format!("\n  note: {note}"));
    }
    for help in &finding.helps {
        text.push_str(&format!("\n  help: {help}"));
    }
    text
}

/// One line for each program, and one for all where there are several.
#[must_use]
pub fn closing(looks: &[Look], color: bool) -> String {
    let mut text: String = looks.iter().map(|look| format!("{}\n", line(look, color))).collect();
    if looks.len() > 1 {
        let findings = all(looks);
        let errors = count(&findings, Severity::Error);
        let warnings = count(&findings, Severity::Warning);
        let result = if errors + warnings == 0 {
            tinted(color, Tint::Good, "no findings")
        } else {
            format!("{}, {}", plural(errors, "error"), plural(warnings, "warning"))
        };
        text.push_str(&format!("{}: {result}\n", plural(looks.len(), "check")));
    }
    text
}

fn count(findings: &[Finding], severity: Severity) -> usize {
    findings.iter().filter(|f| f.is_shown() && f.severity == severity).count()
}

fn line(look: &Look, color: bool) -> String {
    let checked = &look.checked;
    let (errors, warnings) = (checked.count(Severity::Error), checked.count(Severity::Warning));
    if errors + warnings > 0 {
        return format!(
            "{}: {}, {}{}",
            look.name(),
            plural(errors, "error"),
            plural(warnings, "warning"),
            hidden(look)
        );
    }
    let map = look.program.io.as_ref().map_or_else(|| ", no I/O map".to_owned(), |p| format!(" with {}", p.display()));
    let notes = match checked.count(Severity::Note) {
        0 => String::new(),
        n => format!(", {}", plural(n, "note")),
    };
    format!("{}{map}: {}{notes}{}", look.name(), tinted(color, Tint::Good, "no findings"), hidden(look))
}

/// What is not shown, and why.
fn hidden(look: &Look) -> String {
    let count = |known: bool| {
        let hidden = look.checked.findings.iter().filter_map(|f| f.hidden.as_ref());
        hidden.filter(|h| matches!(h, Hidden::Known) == known).count()
    };
    let mut text = String::new();
    if count(false) > 0 {
        text.push_str(&format!(", {} allowed", count(false)));
    }
    if count(true) > 0 {
        text.push_str(&format!(", {} in the baseline", count(true)));
    }
    text
}
