//! The check of one program: findings of every room gathered, rules run, severities set, pragmas applied.

use crate::codes;
use crate::config::CheckSettings;
use crate::context::{Context, MapInput, Subject};
use crate::finding::{Finding, Hidden, Marks, Region, Remark, Severity};
use crate::place;
use crate::rule::{At, Check, Draft, Rule};
use crate::rules;
use crate::suppress::{self, Comment};
use compiler::diag::{Diagnostic, Label, has_errors};

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checked {
    /// Everything, hidden findings included, in the order of files and places: the program's first, then the map's.
    pub findings: Vec<Finding>,
}

impl Checked {
    /// Findings that are shown.
    pub fn shown(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|f| f.is_shown())
    }

    /// How many are shown of a severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.shown().filter(|f| f.severity == severity).count()
    }
}

/// Checks a program and its map.
///
/// `name` says what a file is called in fingerprints (see [`Finding::fingerprint`]).
#[must_use]
pub fn check(subject: &Subject<'_>, settings: &CheckSettings, name: &dyn Fn(&str) -> String) -> Checked {
    let mut gathering = Gathering::new(subject, settings);
    gathering.diagnostics();
    gathering.map_findings();
    if !has_errors(&subject.compiled.diagnostics) {
        gathering.rules();
        gathering.idle_pragmas();
    }
    gathering.idle_comments();
    let mut findings = gathering.findings;
    findings.sort_by(|a, b| {
        let key = |f: &Finding| (f.marks.is_none(), f.marks.as_ref().map(|m| m.primary.span.file));
        (key(a), &a.region.file, a.region.line, a.region.column, a.code, &a.message).cmp(&(
            key(b),
            &b.region.file,
            b.region.line,
            b.region.column,
            b.code,
            &b.message,
        ))
    });
    findings.dedup();
    place::fingerprint(&mut findings, name);
    Checked { findings }
}

struct Gathering<'a> {
    subject: &'a Subject<'a>,
    settings: &'a CheckSettings,
    findings: Vec<Finding>,
    comments: Vec<Comment>,
    /// Which pragmas of the program and which comments of the map have hidden something.
    pragmas_used: Vec<bool>,
    comments_used: Vec<bool>,
}

impl<'a> Gathering<'a> {
    fn new(subject: &'a Subject<'a>, settings: &'a CheckSettings) -> Self {
        let comments = subject.map.as_ref().map(|map| suppress::comments(map.text)).unwrap_or_default();
        Self {
            subject,
            settings,
            findings: Vec::new(),
            pragmas_used: vec![false; subject.compiled.allowances.len()],
            comments_used: vec![false; comments.len()],
            comments,
        }
    }

    /// How findings of a code count here; `None`: they are switched off.
    fn severity(&self, code: &str, own: Severity) -> Option<Severity> {
        self.settings.severity(code, own, true)
    }

    fn diagnostics(&mut self) {
        let compiled = self.subject.compiled;
        for diagnostic in &compiled.diagnostics {
            self.diagnostic(diagnostic, None);
        }
        for suppressed in &compiled.suppressed {
            let reason = compiled.allowances.get(suppressed.allowance).map(|a| a.reason.clone());
            if let Some(used) = self.pragmas_used.get_mut(suppressed.allowance) {
                *used = true;
            }
            self.diagnostic(&suppressed.diagnostic, Some(Hidden::Allowed(reason.unwrap_or_default())));
        }
    }

    fn diagnostic(&mut self, diagnostic: &Diagnostic, hidden: Option<Hidden>) {
        let own = match diagnostic.severity() {
            compiler::diag::Severity::Error => Severity::Error,
            compiler::diag::Severity::Warning => Severity::Warning,
        };
        let code = diagnostic.code.as_str();
        let Some(severity) = self.severity(code, own) else { return };
        let sources = self.subject.sources;
        let remark = |l: &Label| Remark { region: place::region(sources, l.span), text: l.text.clone() };
        self.findings.push(Finding {
            code,
            severity,
            region: place::region(sources, diagnostic.primary.span),
            message: diagnostic.message.clone(),
            remarks: diagnostic.secondary.iter().map(remark).collect(),
            notes: diagnostic.notes.clone(),
            helps: diagnostic.helps.clone(),
            anchor: place::anchor(&self.subject.compiled.files, diagnostic.primary.span),
            fingerprint: String::new(),
            hidden,
            marks: Some(Marks { primary: diagnostic.primary.clone(), secondary: diagnostic.secondary.clone() }),
        });
    }

    fn map_findings(&mut self) {
        let Some(map) = self.subject.map else { return };
        for found in map.findings {
            let Some(severity) = self.severity(found.code, codes::of_map(found.severity)) else { continue };
            let own_file = found.file == map.file;
            // A map with errors is not taken, so hiding one would hide why.
            let negotiable = own_file && found.severity != runtime::config::Severity::Error;
            let hidden = if negotiable { self.allowed_in_map(found.code, found.place.line) } else { None };
            let (region, anchor) = if own_file {
                (place::map_region(map.file, map.text, found.place), place::map_anchor(map.text, found.place))
            } else {
                let (line, column) = (found.place.line, found.place.column);
                let file = found.file.clone();
                (Region { file, line, column, end_line: line, end_column: column }, String::new())
            };
            let helps = if found.remedy.is_empty() { Vec::new() } else { vec![found.remedy.clone()] };
            self.findings.push(Finding {
                code: found.code,
                severity,
                region,
                message: found.message.clone(),
                remarks: Vec::new(),
                notes: Vec::new(),
                helps,
                anchor,
                fingerprint: String::new(),
                hidden,
                marks: None,
            });
        }
    }

    fn rules(&mut self) {
        let context = Context::new(self.subject);
        for rule in rules::ALL {
            let Some(severity) = self.settings.severity(rule.code, rule.severity, rule.on) else { continue };
            let options = self.settings.options(rule);
            let mut drafts = Vec::new();
            match rule.check {
                Check::Program(check) => check(&context, &options, &mut drafts),
                Check::Map(check) if context.map.is_some() => check(&context, &options, &mut drafts),
                Check::Map(_) | Check::Framework => {}
            }
            for draft in drafts {
                self.draft(rule, severity, draft);
            }
        }
    }

    /// A finding of the check itself.
    fn own(&mut self, code: &str, draft: Draft) {
        let Some(rule) = rules::find(code) else { return };
        if let Some(severity) = self.settings.severity(rule.code, rule.severity, rule.on) {
            self.draft(rule, severity, draft);
        }
    }

    fn draft(&mut self, rule: &'static Rule, severity: Severity, draft: Draft) {
        let hidden = match rule.check {
            Check::Framework => None,
            Check::Program(_) | Check::Map(_) => {
                let mut places = std::iter::once(draft.at).chain(draft.also.iter().map(|(at, _)| *at));
                places.find_map(|at| self.allowed(rule.code, at))
            }
        };
        let remark = |(at, text): &(At, String)| Remark { region: self.region(*at), text: text.clone() };
        let helps = if draft.helps.is_empty() { vec![help_of(rule)] } else { draft.helps };
        self.findings.push(Finding {
            code: rule.code,
            severity,
            region: self.region(draft.at),
            message: draft.message,
            remarks: draft.also.iter().map(remark).collect(),
            notes: draft.notes,
            helps,
            anchor: self.anchor(draft.at),
            fingerprint: String::new(),
            hidden,
            marks: marks(draft.at, &draft.label, &draft.also),
        });
    }

    fn region(&self, at: At) -> Region {
        match (at, self.subject.map) {
            (At::Source(span), _) => place::region(self.subject.sources, span),
            (At::Map(place), Some(map)) => place::map_region(map.file, map.text, place),
            (At::Map(_), None) => Region::default(),
        }
    }

    fn anchor(&self, at: At) -> String {
        match (at, self.subject.map) {
            (At::Source(span), _) => place::anchor(&self.subject.compiled.files, span),
            (At::Map(place), Some(map)) => place::map_anchor(map.text, place),
            (At::Map(_), None) => String::new(),
        }
    }

    /// The reason that hides a rule's finding at a place.
    fn allowed(&mut self, code: &str, at: At) -> Option<Hidden> {
        let span = match at {
            At::Map(place) => return self.allowed_in_map(code, place.line),
            At::Source(span) => span,
        };
        let allowances = &self.subject.compiled.allowances;
        let found = allowances.iter().position(|a| a.code == code && a.reaches(span))?;
        *self.pragmas_used.get_mut(found)? = true;
        allowances.get(found).map(|a| Hidden::Allowed(a.reason.clone()))
    }

    fn allowed_in_map(&mut self, code: &str, line: u32) -> Option<Hidden> {
        let hides = |c: &Comment| c.code == code && !c.reason.is_empty() && c.reaches(line);
        let found = self.comments.iter().position(hides)?;
        *self.comments_used.get_mut(found)? = true;
        self.comments.get(found).map(|c| Hidden::Allowed(c.reason.clone()))
    }

    /// Could the code have been found at all? A pragma for a rule that was not run is not idle.
    fn was_run(&self, code: &str) -> bool {
        let Some(rule) = rules::find(code) else { return true };
        let on = self.settings.severity(rule.code, rule.severity, rule.on).is_some();
        let has_map = self.subject.map.is_some_and(|m| m.map.is_some());
        on && (has_map || !matches!(rule.check, Check::Map(_)))
    }

    /// Pragmas that hide nothing.
    fn idle_pragmas(&mut self) {
        let compiled = self.subject.compiled;
        for (index, allowance) in compiled.allowances.iter().enumerate() {
            let used = self.pragmas_used.get(index).copied().unwrap_or(true);
            let at = At::Source(allowance.pragma);
            if let Some(draft) = unknown(at, &allowance.code) {
                self.own("K904", draft);
            } else if !used && self.was_run(&allowance.code) {
                self.own("K902", Draft::at(at, format!("nothing here is a {}", allowance.code)));
            }
        }
    }

    /// Comments of the map that hide nothing, or give no reason.
    fn idle_comments(&mut self) {
        let Some(MapInput { map: taken, .. }) = self.subject.map else { return };
        for (index, comment) in self.comments.clone().into_iter().enumerate() {
            let used = self.comments_used.get(index).copied().unwrap_or(true);
            let at = At::Map(comment.place);
            if let Some(draft) = unknown(at, &comment.code) {
                self.own("K904", draft);
            } else if comment.reason.is_empty() {
                self.own("K901", Draft::at(at, format!("this allows {} without a reason", comment.code)));
            } else if !used && taken.is_some() && self.was_run(&comment.code) {
                self.own("K902", Draft::at(at, format!("nothing here is a {}", comment.code)));
            }
        }
    }
}

/// What is wrong with the code of a pragma.
fn unknown(at: At, code: &str) -> Option<Draft> {
    match codes::find(code) {
        // Two coils of one variable are an error that a reason turns into a wish.
        Some(known) if known.is_negotiable() || code == "E0604" => None,
        Some(_) => Some(Draft::at(at, format!("{code} cannot be allowed: it has to be mended"))),
        None => {
            let hint = bytecode::near::did_you_mean(code, codes::all());
            Some(Draft::at(at, format!("there is no finding `{code}`{hint}")))
        }
    }
}

/// The rule's fix as a help line.
fn help_of(rule: &Rule) -> String {
    let fix = rule.fix.trim_end_matches('.');
    let mut letters = fix.chars();
    letters.next().map_or_else(String::new, |first| {
        // Names such as FOR keep their capitals.
        let keeps = letters.as_str().starts_with(|c: char| c.is_ascii_uppercase());
        let first = if keeps { first.to_string() } else { first.to_lowercase().to_string() };
        format!("{first}{}", letters.as_str())
    })
}

fn marks(at: At, label: &str, also: &[(At, String)]) -> Option<Marks> {
    let At::Source(span) = at else { return None };
    let secondary = also.iter().filter_map(|(at, text)| match at {
        At::Source(span) => Some(Label { span: *span, text: text.clone() }),
        At::Map(_) => None,
    });
    Some(Marks { primary: Label { span, text: label.to_owned() }, secondary: secondary.collect() })
}
