//! Conditions over time: one thing follows another soon enough, or holds until something else happens.
//!
//! A rule is looked at after every scan, and after every movement of a contact between two scans when it reads contacts.
//! What has begun before the end of the test is followed to its own end, so that no answer is left open.

use crate::condition::{Condition, EvalError, View};
use crate::names::Source;
use crate::problem::Place;
use crate::report::{FailureKind, Moment};

/// A condition over time, every name resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Where it stands.
    pub place: Place,
    /// What it asks for.
    pub kind: RuleKind,
}

/// The conditions over time; see [`crate::model::RuleKind`].
#[derive(Clone, Debug, PartialEq)]
pub enum RuleKind {
    /// `then` follows `when` soon enough.
    Within {
        /// The cause.
        when: Condition,
        /// The effect.
        then: Condition,
        /// The longest time between them.
        within_ns: u64,
    },
    /// `hold` holds until `until` does.
    Hold {
        /// What begins it; `None`: `hold` itself.
        when: Option<Condition>,
        /// What holds.
        hold: Condition,
        /// What ends it.
        until: Condition,
    },
}

impl Rule {
    /// Everything it reads, each name once.
    #[must_use]
    pub fn reads(&self) -> Vec<(String, Source)> {
        let conditions = match &self.kind {
            RuleKind::Within { when, then, .. } => vec![then, when],
            RuleKind::Hold { when, hold, until } => [hold, until].into_iter().chain(when).collect(),
        };
        let mut reads: Vec<(String, Source)> = Vec::new();
        for (name, source) in conditions.into_iter().flat_map(|condition| &condition.reads) {
            if !reads.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
                reads.push((name.clone(), *source));
            }
        }
        reads
    }

    /// As a person would write it on one line.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.kind {
            RuleKind::Within { when, then, within_ns } => {
                let within = relay::quantity::Duration::from_ns(*within_ns);
                format!("when {} then {} within {within}", when.text, then.text)
            }
            RuleKind::Hold { when: None, hold, until } => format!("hold {} until {}", hold.text, until.text),
            RuleKind::Hold { when: Some(when), hold, until } => {
                format!("when {} hold {} until {}", when.text, hold.text, until.text)
            }
        }
    }
}

/// A rule during a run.
#[derive(Clone, Debug)]
pub struct Watch<'a> {
    /// The rule.
    pub rule: &'a Rule,
    /// It reads contacts, which move between scans.
    pub reads_contact: bool,
    /// What begins it held when it was looked at last.
    before: bool,
    /// Since when it waits for its end.
    since: Option<Moment>,
    /// It has failed, and is not looked at again.
    pub failed: bool,
}

impl<'a> Watch<'a> {
    /// A rule at the start of a run.
    #[must_use]
    pub fn new(rule: &'a Rule, reads_contact: bool) -> Self {
        Self { rule, reads_contact, before: false, since: None, failed: false }
    }

    /// Until when the run has to go on for an answer; `None` where nothing waits for one.
    #[must_use]
    pub fn waits_until(&self) -> Option<u64> {
        let since = self.since.filter(|_| !self.failed)?;
        match &self.rule.kind {
            RuleKind::Within { within_ns, .. } => Some(since.time_ns.saturating_add(*within_ns)),
            // It may hold for ever.
            RuleKind::Hold { .. } => None,
        }
    }

    /// Looks at it; after the end of the test (`begins` is false) nothing new begins.
    pub fn look(&mut self, moment: Moment, begins: bool, view: &impl View) -> Option<FailureKind> {
        let found = match &self.rule.kind {
            RuleKind::Within { when, then, within_ns } => self.within(moment, begins, view, (when, then, *within_ns)),
            RuleKind::Hold { when, hold, until } => self.hold(moment, begins, view, (when.as_ref(), hold, until)),
        };
        let kind = match found {
            Ok(kind) => kind?,
            Err(error) => FailureKind::NoAnswer { condition: self.rule.text(), reason: error.to_string() },
        };
        self.failed = true;
        Some(kind)
    }

    fn within(
        &mut self,
        moment: Moment,
        begins: bool,
        view: &impl View,
        (when, then, within_ns): (&Condition, &Condition, u64),
    ) -> Result<Option<FailureKind>, EvalError> {
        let (cause, effect) = (when.holds(view)?, then.holds(view)?);
        if let Some(since) = self.since {
            if moment.time_ns > since.time_ns.saturating_add(within_ns) {
                let (when, then) = (when.text.clone(), then.text.clone());
                return Ok(Some(FailureKind::TooLate { when, then, within_ns, since, late: effect }));
            }
            if effect {
                self.since = None;
            }
        } else if cause && !self.before && !effect && begins {
            self.since = Some(moment);
        }
        self.before = cause;
        Ok(None)
    }

    fn hold(
        &mut self,
        moment: Moment,
        begins: bool,
        view: &impl View,
        (when, hold, until): (Option<&Condition>, &Condition, &Condition),
    ) -> Result<Option<FailureKind>, EvalError> {
        let holds = hold.holds(view)?;
        let cause = match when {
            Some(when) => when.holds(view)?,
            None => holds,
        };
        if until.holds(view)? {
            self.since = None;
        } else {
            if cause && !self.before && begins && self.since.is_none() {
                self.since = Some(moment);
            }
            if let Some(since) = self.since.filter(|_| !holds) {
                let when = when.map(|when| when.text.clone());
                return Ok(Some(FailureKind::NotHeld {
                    when,
                    hold: hold.text.clone(),
                    until: until.text.clone(),
                    since,
                }));
            }
        }
        self.before = cause;
        Ok(None)
    }
}
