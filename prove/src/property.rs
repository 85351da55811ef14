//! Properties: what shall hold of a program, and how each becomes a question about its model.
//!
//! A property that speaks of time gets a *monitor*: a latch and a counter of its own in the model, which watch the program
//! and disturb nothing. Times are counted in scans from the end of one scan to the end of another.

use crate::advice::Watch;
use crate::condition::{Condition, Fault, View};
use crate::graph::{Leaf, Lit};
use crate::guard::follow::Reach;
use crate::guard::wired::Contacts;
use crate::model::{Counter, Latch, Model, Start};
use crate::names::{ChannelLits, Names};
use crate::system::Question;
use relay::quantity::Duration;
use serde::Deserialize;
use std::borrow::Cow;

/// A file of properties.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Conditions that hold in every scan, because of what the plant is: nothing is said about scans in which they do not.
    #[serde(default)]
    pub assume: Vec<String>,
    /// What shall hold.
    #[serde(default)]
    pub properties: Vec<Property>,
}

/// Reads a file of properties.
///
/// # Errors
/// What is wrong with it, and where.
pub fn read(text: &str) -> Result<File, String> {
    serde_yaml::from_str(text).map_err(|error| error.to_string())
}

/// Reads one entry of the list.
///
/// # Errors
/// What is wrong with it, and where.
pub fn read_one(text: &str) -> Result<Property, String> {
    serde_yaml::from_str(text).map_err(|error| error.to_string())
}

/// A property.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Row")]
pub struct Property {
    /// Its name.
    pub id: String,
    /// What it says.
    pub kind: Kind,
    /// Which contacts it is about, where it says so; it means nothing where it names no relay.
    pub contacts: Option<Contacts>,
}

/// What a property says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A condition holds after every scan (in which `when` holds).
    Invariant {
        /// The condition.
        expr: String,
        /// Only then.
        when: Option<String>,
    },
    /// No two of these hold after the same scan.
    NeverTogether {
        /// Conditions.
        of: Vec<String>,
    },
    /// After one of these ended, no other one begins for so long.
    DeadTime {
        /// Conditions.
        of: Vec<String>,
        /// Only from each one to those behind it in the list.
        forward: bool,
        /// How long.
        time: Duration,
    },
    /// Whenever `when` holds, `then` holds within a time.
    Responds {
        /// What asks.
        when: String,
        /// What answers.
        then: String,
        /// Not later than this.
        within: Duration,
    },
    /// Once begun, a condition holds for at least so long.
    Holds {
        /// The condition.
        expr: String,
        /// How long.
        time: Duration,
        /// It may end earlier when this holds.
        unless: Option<String>,
    },
    /// Some sequence of inputs leads to this.
    Reachable {
        /// The condition.
        expr: String,
    },
    /// From a scan in which `fault` holds until one in which it does not and `acknowledged` does, everything is in its safe state.
    StaysSafe {
        /// What makes it go safe.
        fault: String,
        /// What lets it go on.
        acknowledged: String,
        /// Outputs that are meant; where `safe` is not given, each of them is off.
        outputs: Vec<String>,
        /// The safe state; empty where it follows from the outputs.
        safe: String,
    },
    /// No scan ends with a fault: no division by zero, no index outside its array, no loop without end.
    Terminates,
}

/// A property as it stands in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    kind: Word,
    expr: Option<String>,
    when: Option<String>,
    then: Option<String>,
    of: Option<Vec<String>>,
    from: Option<String>,
    to: Option<String>,
    within: Option<Duration>,
    time: Option<Duration>,
    unless: Option<String>,
    fault: Option<String>,
    acknowledged: Option<String>,
    contacts: Option<Contacts>,
}

/// The kinds by their words.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    Invariant,
    NeverTogether,
    DeadTime,
    Responds,
    Holds,
    Reachable,
    StaysSafe,
    Terminates,
}

impl TryFrom<Row> for Property {
    type Error = String;

    fn try_from(row: Row) -> Result<Self, String> {
        let mut row = row;
        let id = std::mem::take(&mut row.id);
        let missing = |key: &str| format!("property `{id}` has no `{key}`, which its kind needs");
        let kind = match row.kind {
            Word::Invariant => {
                Kind::Invariant { expr: row.expr.take().ok_or_else(|| missing("expr"))?, when: row.when.take() }
            }
            Word::NeverTogether => Kind::NeverTogether { of: row.of.take().ok_or_else(|| missing("of"))? },
            Word::DeadTime => {
                let (of, forward) = match (row.of.take(), row.from.take(), row.to.take()) {
                    (Some(of), None, None) => (of, false),
                    (None, Some(from), Some(to)) => (vec![from, to], true),
                    _ => return Err(format!("property `{id}` needs either `of`, or `from` and `to`")),
                };
                Kind::DeadTime { of, forward, time: row.time.take().ok_or_else(|| missing("time"))? }
            }
            Word::Responds => Kind::Responds {
                when: row.when.take().ok_or_else(|| missing("when"))?,
                then: row.then.take().ok_or_else(|| missing("then"))?,
                within: row.within.take().ok_or_else(|| missing("within"))?,
            },
            Word::Holds => Kind::Holds {
                expr: row.expr.take().ok_or_else(|| missing("expr"))?,
                time: row.time.take().ok_or_else(|| missing("time"))?,
                unless: row.unless.take(),
            },
            Word::Reachable => Kind::Reachable { expr: row.expr.take().ok_or_else(|| missing("expr"))? },
            Word::StaysSafe => Kind::StaysSafe {
                fault: row.fault.take().ok_or_else(|| missing("fault"))?,
                acknowledged: row.acknowledged.take().ok_or_else(|| missing("acknowledged"))?,
                outputs: row.of.take().unwrap_or_default(),
                safe: row.expr.take().unwrap_or_default(),
            },
            Word::Terminates => Kind::Terminates,
        };
        let rest = [
            ("expr", row.expr.is_some()),
            ("when", row.when.is_some()),
            ("then", row.then.is_some()),
            ("of", row.of.is_some()),
            ("from", row.from.is_some()),
            ("to", row.to.is_some()),
            ("within", row.within.is_some()),
            ("time", row.time.is_some()),
            ("unless", row.unless.is_some()),
            ("fault", row.fault.is_some()),
            ("acknowledged", row.acknowledged.is_some()),
        ];
        match rest.iter().find(|(_, left)| *left) {
            Some((key, _)) => Err(format!("property `{id}`: `{key}` does not belong to the kind {}", kind.name())),
            None => Ok(Self { id, kind, contacts: row.contacts }),
        }
    }
}

impl Property {
    /// One that leaves the choice of contacts to whoever asks.
    #[must_use]
    pub fn new(id: impl Into<String>, kind: Kind) -> Self {
        Self { id: id.into(), kind, contacts: None }
    }
}

impl Kind {
    /// The word in the file.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Invariant { .. } => "invariant",
            Self::NeverTogether { .. } => "never-together",
            Self::DeadTime { .. } => "dead-time",
            Self::Responds { .. } => "responds",
            Self::Holds { .. } => "holds",
            Self::Reachable { .. } => "reachable",
            Self::StaysSafe { .. } => "stays-safe",
            Self::Terminates => "terminates",
        }
    }

    /// As a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::Invariant { expr, when: None } => format!("always {expr}"),
            Self::Invariant { expr, when: Some(when) } => format!("whenever {when}: {expr}"),
            Self::NeverTogether { of } => format!("never two of {}", of.join(", ")),
            Self::DeadTime { of, time, forward: false } => format!("at least {time} between two of {}", of.join(", ")),
            Self::DeadTime { of, time, forward: true } => format!("at least {time} from {}", of.join(" to ")),
            Self::Responds { when, then, within } => format!("{when} is followed by {then} within {within}"),
            Self::Holds { expr, time, unless: None } => format!("{expr} lasts at least {time}"),
            Self::Holds { expr, time, unless: Some(unless) } => format!("{expr} lasts at least {time} unless {unless}"),
            Self::Reachable { expr } => format!("{expr} can be reached"),
            Self::StaysSafe { fault, acknowledged, .. } => {
                format!("from {fault} until {acknowledged}: {}", self.safe_state())
            }
            Self::Terminates => "every scan ends without a fault".to_owned(),
        }
    }

    /// The condition of [`Kind::StaysSafe`] that says what is safe; empty for other kinds.
    fn safe_state(&self) -> String {
        match self {
            Self::StaysSafe { outputs, safe, .. } if safe.is_empty() => match outputs.as_slice() {
                [] => String::new(),
                [one] => format!("NOT {one}"),
                several => format!("NOT ({})", several.join(" OR ")),
            },
            Self::StaysSafe { safe, .. } => safe.clone(),
            Self::Invariant { .. }
            | Self::NeverTogether { .. }
            | Self::DeadTime { .. }
            | Self::Responds { .. }
            | Self::Holds { .. }
            | Self::Reachable { .. }
            | Self::Terminates => String::new(),
        }
    }

    /// Its conditions, in the order of the keys.
    #[must_use]
    pub fn texts(&self) -> Vec<Cow<'_, str>> {
        let texts: Vec<&str> = match self {
            Self::Invariant { expr, when } => when.iter().map(String::as_str).chain([expr.as_str()]).collect(),
            Self::NeverTogether { of } | Self::DeadTime { of, .. } => of.iter().map(String::as_str).collect(),
            Self::Responds { when, then, .. } => vec![when, then],
            Self::Holds { expr, unless, .. } => [expr.as_str()].into_iter().chain(unless.as_deref()).collect(),
            Self::Reachable { expr } => vec![expr],
            Self::StaysSafe { fault, acknowledged, .. } => {
                return vec![fault.into(), acknowledged.into(), self.safe_state().into()];
            }
            Self::Terminates => Vec::new(),
        };
        texts.into_iter().map(Cow::Borrowed).collect()
    }
}

/// A property that can be asked: its conditions are read.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The property.
    pub property: Property,
    /// Its conditions, in the order of [`Kind::texts`].
    pub conditions: Vec<Condition>,
}

/// Why a property cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadProperty {
    /// Its name.
    pub id: String,
    /// The condition; empty where it is none.
    pub text: String,
    /// What is wrong with it.
    pub fault: Fault,
}

impl std::fmt::Display for BadProperty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "property `{}`: {}", self.id, self.fault.message)?;
        if !self.text.is_empty() {
            let column = self.text.get(..self.fault.offset as usize).map_or(0, |before| before.chars().count());
            write!(f, "\n  {}\n  {}^", self.text, " ".repeat(column))?;
        }
        Ok(())
    }
}

impl Prepared {
    /// Reads the conditions of a property.
    ///
    /// # Errors
    /// The first mistake.
    pub fn new(property: &Property, names: Names<'_>) -> Result<Self, BadProperty> {
        let bad = |text: &str, fault: Fault| BadProperty { id: property.id.clone(), text: text.to_owned(), fault };
        let few = matches!(&property.kind, Kind::NeverTogether { of } | Kind::DeadTime { of, .. } if of.len() < 2);
        if few {
            let message = "it needs at least two conditions under `of`".to_owned();
            return Err(bad("", Fault { offset: 0, message, help: String::new() }));
        }
        if matches!(&property.kind, Kind::StaysSafe { outputs, safe, .. } if outputs.is_empty() && safe.is_empty()) {
            let message = "nothing says which state is safe".to_owned();
            return Err(bad(
                "",
                Fault { offset: 0, message, help: "name outputs under `of`, or a condition under `expr`".to_owned() },
            ));
        }
        let conditions: Result<Vec<Condition>, BadProperty> = property
            .kind
            .texts()
            .into_iter()
            .map(|text| Condition::parse(&text, names).map_err(|fault| bad(&text, fault)))
            .collect();
        let prepared = Self { property: property.clone(), conditions: conditions? };
        if property.contacts.is_some() && !prepared.asks_relays() {
            let message = "`contacts` says which contacts are meant, and it names none".to_owned();
            let help = "leave `contacts` out, or name one, such as `fwd.contact = closed`".to_owned();
            return Err(bad("", Fault { offset: 0, message, help }));
        }
        Ok(prepared)
    }

    /// Does it name anything of a relay channel?
    #[must_use]
    pub fn asks_relays(&self) -> bool {
        self.conditions.iter().any(|condition| !condition.members.is_empty())
    }
}

/// What stands behind a program whose property is asked; nothing where that is the program alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct Behind<'a> {
    /// The guard's channels after a scan.
    pub channels: &'a [ChannelLits],
    /// How long ago their contacts may have conducted, where they are at their worst.
    pub reaches: &'a [Reach],
}

/// What is asked about a property.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Can it be broken (for [`Kind::Reachable`]: reached)?
    pub question: Question,
    /// It is broken in a scan, with contacts where they are.
    pub broken: Lit,
    /// Its conditions after a scan, with their words.
    pub conditions: Vec<(String, Lit)>,
    /// What must be reachable, or the property holds for nothing; each with its words.
    pub premises: Vec<(String, Lit)>,
}

impl Model {
    /// A monitor's latch: FALSE before the first scan.
    fn monitor(&mut self) -> (usize, Lit) {
        let number = self.latches.len();
        let leaf = Leaf::Latch(u32::try_from(number).unwrap_or(u32::MAX));
        self.latches.push(Latch { place: None, start: Start::Value(false), next: Lit::FALSE });
        (number, self.graph.leaf(leaf))
    }

    fn set_next(&mut self, number: usize, next: Lit) {
        if let Some(latch) = self.latches.get_mut(number) {
            latch.next = next;
        }
    }

    /// A stop-watch, kept by a latch: `active` now, `fresh` where it started in this scan. Is its age at least so many scans?
    fn watch(&mut self, (latch, active): (usize, Lit), fresh: Lit, scans: u64) -> Lit {
        if scans == 0 {
            return Lit::TRUE;
        }
        if scans == 1 {
            return !fresh;
        }
        let counter = u32::try_from(self.counters.len()).unwrap_or(u32::MAX);
        let run = self.graph.and(active, !fresh);
        self.counters.push(Counter { owner: None, max: scans - 1, run, hold: Lit::FALSE });
        let latch = u32::try_from(latch).unwrap_or(u32::MAX);
        self.advice.watches.push(Watch { latch, counter });
        let old = self.graph.leaf(Leaf::AtLeast { counter, threshold: scans - 1 });
        self.graph.and(!fresh, old)
    }

    /// The question a property asks. `constraint`: what every scan satisfies.
    ///
    /// # Errors
    /// A condition cannot be computed.
    pub fn ask(
        &mut self,
        prepared: &Prepared,
        names: Names<'_>,
        behind: Behind<'_>,
        constraint: Lit,
    ) -> Result<Asked, BadProperty> {
        let mut lits = Vec::new();
        for condition in &prepared.conditions {
            let view = View { after: &self.after, channels: behind.channels, names };
            let lit = condition.lit(&mut self.graph, view).map_err(|fault| BadProperty {
                id: prepared.property.id.clone(),
                text: condition.text.clone(),
                fault,
            })?;
            lits.push(lit);
        }
        let at = |i: usize| lits.get(i).copied().unwrap_or(Lit::FALSE);
        let text = |i: usize| prepared.conditions.get(i).map_or(String::new(), |c| c.text.clone());
        let all = || -> Vec<(String, Lit)> {
            prepared.conditions.iter().map(|c| c.text.clone()).zip(lits.iter().copied()).collect()
        };
        let tick = self.tick_ns.max(1);
        let (bad, premises) = match &prepared.property.kind {
            Kind::Invariant { when: None, .. } => (!at(0), Vec::new()),
            Kind::Invariant { when: Some(_), .. } => (self.graph.and(at(0), !at(1)), vec![(text(0), at(0))]),
            Kind::NeverTogether { .. } => (self.two_of(&lits), all()),
            Kind::DeadTime { time, forward, .. } => (self.dead_time(&lits, *forward, time.ns.div_ceil(tick)), all()),
            Kind::Responds { within, .. } => (self.late(at(0), at(1), within.ns / tick), vec![(text(0), at(0))]),
            Kind::Holds { time, unless, .. } => {
                let unless = if unless.is_some() { at(1) } else { Lit::FALSE };
                (self.too_short(at(0), unless, time.ns.div_ceil(tick)), vec![(text(0), at(0))])
            }
            Kind::StaysSafe { .. } => {
                let unsafe_ever = (format!("NOT ({})", text(2)), !at(2));
                (self.unsafe_while_locked(at(0), at(1), at(2)), vec![(text(0), at(0)), unsafe_ever])
            }
            Kind::Reachable { .. } => (at(0), Vec::new()),
            Kind::Terminates => {
                let fault = self.fault();
                let constraint = self.assumed;
                let question = Question { bad: fault, constraint };
                return Ok(Asked { question, broken: fault, conditions: Vec::new(), premises: Vec::new() });
            }
        };
        let broken = bad;
        let bad = match &prepared.property.kind {
            Kind::DeadTime { time, forward, .. } => {
                self.open_in_time(prepared, behind, &lits, *forward, time.ns.div_ceil(tick)).unwrap_or(broken)
            }
            Kind::Invariant { .. }
            | Kind::NeverTogether { .. }
            | Kind::Responds { .. }
            | Kind::Holds { .. }
            | Kind::Reachable { .. }
            | Kind::StaysSafe { .. }
            | Kind::Terminates => broken,
        };
        Ok(Asked { question: Question { bad, constraint }, broken, conditions: all(), premises })
    }

    fn two_of(&mut self, lits: &[Lit]) -> Lit {
        let mut some = Lit::FALSE;
        let mut two = Lit::FALSE;
        for lit in lits {
            let both = self.graph.and(some, *lit);
            two = self.graph.or(two, both);
            some = self.graph.or(some, *lit);
        }
        two
    }

    /// Two at once, or one that begins while another ended less than so many scans ago.
    fn dead_time(&mut self, lits: &[Lit], forward: bool, scans: u64) -> Lit {
        let mut bad = self.two_of(lits);
        for (i, ends) in lits.iter().enumerate() {
            let (was, was_on) = self.monitor();
            let (kept, recent) = self.monitor();
            let fresh = self.graph.and(was_on, !*ends);
            let active = self.graph.and(recent, !*ends);
            let over = self.watch((kept, active), fresh, scans);
            let waits = self.graph.and(active, !over);
            self.set_next(was, *ends);
            let next = self.graph.or(*ends, waits);
            self.set_next(kept, next);
            for (j, begins) in lits.iter().enumerate() {
                if j > i || (j < i && !forward) {
                    let early = self.graph.and(waits, *begins);
                    bad = self.graph.or(bad, early);
                }
            }
        }
        bad
    }

    /// As [`Self::dead_time`] where all of them are contacts at their worst that are closed: each may have been closed up to the last
    /// moment, and its own clock says how long ago that is. Cheaper than a stop-watch for what each one does.
    fn open_in_time(
        &mut self,
        prepared: &Prepared,
        behind: Behind<'_>,
        lits: &[Lit],
        forward: bool,
        scans: u64,
    ) -> Option<Lit> {
        let reach = |condition: &Condition| behind.reaches.get(condition.closed_contact()?).copied();
        let reaches: Vec<Reach> = prepared.conditions.iter().map(reach).collect::<Option<_>>()?;
        let mut bad = self.two_of(lits);
        for (i, reach) in reaches.iter().enumerate() {
            let recent = reach.within(self, scans);
            for (j, begins) in lits.iter().enumerate().filter(|(j, _)| *j > i || (*j < i && !forward)) {
                debug_assert_ne!(i, j);
                let early = self.graph.and(recent, *begins);
                bad = self.graph.or(bad, early);
            }
        }
        Some(bad)
    }

    /// `when` held so many scans ago, and `then` has not held since.
    fn late(&mut self, when: Lit, then: Lit, scans: u64) -> Lit {
        let (kept, waiting) = self.monitor();
        let asked = self.graph.or(waiting, when);
        let pending = self.graph.and(asked, !then);
        let fresh = self.graph.and(when, !waiting);
        let late = self.watch((kept, pending), fresh, scans);
        self.set_next(kept, pending);
        self.graph.and(pending, late)
    }

    /// Not safe, although `fault` holds, or held and was not acknowledged since.
    fn unsafe_while_locked(&mut self, fault: Lit, acknowledged: Lit, safe: Lit) -> Lit {
        let (kept, was) = self.monitor();
        let still = self.graph.and(was, !acknowledged);
        let locked = self.graph.or(fault, still);
        self.set_next(kept, locked);
        self.graph.and(locked, !safe)
    }

    /// `lit` ends less than so many scans after it began.
    fn too_short(&mut self, lit: Lit, unless: Lit, scans: u64) -> Lit {
        let (kept, was) = self.monitor();
        let fresh = self.graph.and(lit, !was);
        let active = self.graph.or(lit, was);
        let long_enough = self.watch((kept, active), fresh, scans);
        self.set_next(kept, lit);
        let ends = self.graph.and(was, !lit);
        let early = self.graph.and(ends, !long_enough);
        self.graph.and(early, !unless)
    }
}
