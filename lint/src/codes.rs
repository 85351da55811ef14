//! Every code a check or a proof can report, whichever room it comes from, with severity, title and explanation.

use crate::finding::Severity;
use crate::proofs;
use crate::rules;

/// What is known of a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The code.
    pub code: &'static str,
    /// Its own severity.
    pub severity: Severity,
    /// Does it run without settings?
    pub on: bool,
    /// A few words that name the finding.
    pub title: &'static str,
    /// What it means and what to do.
    pub explanation: String,
    /// The page that explains it.
    pub page: &'static str,
}

impl Known {
    /// May settings and pragmas change it? Not what keeps a program from being built or a map from being taken, and not what a
    /// proof says.
    #[must_use]
    pub fn is_negotiable(&self) -> bool {
        let proof = proofs::ALL.iter().any(|row| row.code == self.code);
        !proof && (self.severity != Severity::Error || self.code.starts_with('K'))
    }
}

/// The row of a code, whatever its case.
#[must_use]
pub fn find(code: &str) -> Option<Known> {
    rule(code).or_else(|| diagnostic(code)).or_else(|| map(code)).or_else(|| relay(code)).or_else(|| proof(code))
}

/// Every code a check can report.
pub fn all() -> impl Iterator<Item = &'static str> {
    let rules = rules::ALL.iter().map(|r| r.code);
    let diagnostics = compiler::diag::Code::ALL.iter().map(|c| c.as_str());
    let maps = runtime::config::finding::Code::ALL.iter().map(|c| c.code());
    let relays = relay::FindingCode::ALL.iter().map(|c| c.code());
    rules.chain(diagnostics).chain(maps).chain(relays)
}

fn rule(code: &str) -> Option<Known> {
    let rule = rules::find(code)?;
    let explanation = format!("{} {}", rule.explanation, rule.fix);
    let (code, severity, on, title) = (rule.code, rule.severity, rule.on, rule.title);
    Some(Known { code, severity, on, title, explanation, page: "rules.md" })
}

fn diagnostic(code: &str) -> Option<Known> {
    let code = compiler::diag::Code::find(code)?;
    let severity = match code.severity() {
        compiler::diag::Severity::Error => Severity::Error,
        compiler::diag::Severity::Warning => Severity::Warning,
    };
    let (title, explanation) = (code.title(), code.explanation().to_owned());
    Some(Known { code: code.as_str(), severity, on: true, title, explanation, page: "diagnostics.md" })
}

fn map(code: &str) -> Option<Known> {
    let code = runtime::config::finding::Code::ALL.iter().find(|c| c.code().eq_ignore_ascii_case(code))?;
    let severity = of_map(code.severity());
    let explanation = format!("{}.", code.title());
    Some(Known { code: code.code(), severity, on: true, title: code.title(), explanation, page: "io.md" })
}

fn relay(code: &str) -> Option<Known> {
    let code = relay::FindingCode::ALL.iter().find(|c| c.code().eq_ignore_ascii_case(code))?;
    let severity = match code.severity() {
        relay::Severity::Error => Severity::Error,
        relay::Severity::Warning => Severity::Warning,
        relay::Severity::Note => Severity::Note,
    };
    let (title, explanation) = (code.title(), code.explanation().to_owned());
    Some(Known { code: code.code(), severity, on: true, title, explanation, page: "relays.md" })
}

fn proof(code: &str) -> Option<Known> {
    let row = proofs::ALL.iter().find(|row| row.code.eq_ignore_ascii_case(code))?;
    let (code, severity, title) = (row.code, row.severity, row.title);
    Some(Known { code, severity, on: true, title, explanation: row.explanation.to_owned(), page: "proof.md" })
}

/// The severity of a finding about the map.
#[must_use]
pub const fn of_map(severity: runtime::config::Severity) -> Severity {
    match severity {
        runtime::config::Severity::Error => Severity::Error,
        runtime::config::Severity::Warning => Severity::Warning,
        runtime::config::Severity::Note => Severity::Note,
    }
}
