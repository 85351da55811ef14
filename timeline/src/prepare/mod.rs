//! From the model of a timeline file and a program on its I/O map to what can be run: every name resolved, every value
//! checked against its type, every condition checked, before the first scan.

mod stimulus;
mod value;

pub use value::show_value;

use crate::condition::{self, Condition, Value};
use crate::model::{At, Expectation, Located, RuleKind as Wanted, Step, Test, Timeline};
use crate::names::{ChannelIndex, Member, NameError, Names, Source};
use crate::problem::{Place, Problem};
use crate::rule::{Rule, RuleKind};
use crate::stimuli::{Action, InputIndex, Stimuli};

/// One test, ready to run on one version of a program.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Its name.
    pub name: String,
    /// Where it begins.
    pub place: Place,
    /// What is done and when.
    pub stimuli: Stimuli,
    /// What is expected and when, in the order of time.
    pub checks: Vec<Check>,
    /// What may hold in no scan.
    pub never: Vec<Invariant>,
    /// What holds in every scan.
    pub always: Vec<Invariant>,
    /// Conditions over time.
    pub rules: Vec<Rule>,
    /// Stimuli drawn at random, beside the script.
    pub random: Option<Random>,
    /// A recorded trace the run is compared with.
    pub golden: Option<Golden>,
    /// The run ends with the scan that contains this time.
    pub end_ns: u64,
}

/// Stimuli drawn at random.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Random {
    /// The inputs that are operated.
    pub inputs: Vec<RandomInput>,
    /// How long each run is.
    pub for_ns: u64,
    /// Seed of the first run; `None`: that of the simulation.
    pub seed: Option<u64>,
    /// How many runs.
    pub runs: u32,
}

/// An input that is operated at random.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RandomInput {
    /// Which.
    pub index: InputIndex,
    /// Its level at the start.
    pub initial: bool,
}

/// A recorded trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Golden {
    /// The file as the timeline file names it.
    pub file: String,
    /// Where it is named.
    pub place: Place,
    /// What is recorded.
    pub of: Vec<(String, Source)>,
    /// The recorded text; `None` where there is none yet.
    pub text: Option<String>,
}

/// An expectation at a moment.
#[derive(Clone, Debug)]
pub struct Check {
    /// When.
    pub at_ns: u64,
    /// Where it stands.
    pub place: Place,
    /// What.
    pub what: CheckKind,
}

/// What is expected.
#[derive(Clone, Debug)]
pub enum CheckKind {
    /// A name has a value.
    Equals {
        /// As written.
        name: String,
        /// What it stands for.
        source: Source,
        /// The value.
        value: Value,
        /// The value as a person writes it.
        shown: String,
    },
    /// A condition holds.
    Holds(Condition),
}

/// A condition that is looked at in every scan.
#[derive(Clone, Debug)]
pub struct Invariant {
    /// Where it stands.
    pub place: Place,
    /// The condition.
    pub condition: Condition,
}

/// An input a timeline file can set.
#[derive(Clone, Debug)]
pub struct InputName {
    /// Name of the entry in the I/O map.
    pub name: String,
    /// Path of its variable.
    pub variable: String,
    /// It reads the state of a channel and cannot be set.
    pub reads_channel: bool,
    /// Nobody operates it: it reads back a contact or senses the supply.
    pub wired: bool,
    /// Its level at the start.
    pub initial: bool,
}

/// The names a test can use.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// Variables and channels.
    pub names: Names<'a>,
    /// Inputs, in the order of the I/O map.
    pub inputs: &'a [InputName],
    /// The map senses the coil supply by an input.
    pub senses_supply: bool,
}

/// Prepares every test of a file.
///
/// # Errors
/// Every problem, in the order of the text.
pub fn prepare(file: &str, text: &str, timeline: &Timeline, scope: Scope<'_>) -> Result<Vec<Prepared>, Vec<Problem>> {
    let mut preparer = Preparer { file, text, scope, problems: Vec::new() };
    let tests = timeline.tests.iter().map(|test| preparer.test(test)).collect();
    let mut problems = preparer.problems;
    if problems.is_empty() {
        return Ok(tests);
    }
    problems.sort_by_key(|problem| (problem.place.line, problem.place.column));
    // A list used twice through a YAML alias has its mistakes once.
    problems.dedup();
    Err(problems)
}

struct Preparer<'a> {
    file: &'a str,
    text: &'a str,
    scope: Scope<'a>,
    problems: Vec<Problem>,
}

impl Preparer<'_> {
    fn place(&self, at: At) -> Place {
        Place { file: self.file.to_owned(), line: at.line, column: at.column }
    }

    fn problem(&mut self, at: At, message: impl Into<String>, help: impl Into<String>) {
        let place = self.place(at);
        self.problems.push(Problem::new(place, message).help(help));
    }

    fn name_error<T>(&mut self, at: At, error: NameError) -> Option<T> {
        self.problem(at, error.message, error.help);
        None
    }

    fn test(&mut self, test: &Test) -> Prepared {
        let mut actions = Vec::new();
        let mut checks = Vec::new();
        for step in &test.steps {
            for stimulus in &step.stimuli {
                self.stimulus(step.at_ns, stimulus, &mut actions);
            }
            self.checks(step, &mut checks);
        }
        let never = test.never.iter().filter_map(|condition| self.invariant(condition)).collect();
        let always = test.always.iter().filter_map(|condition| self.invariant(condition)).collect();
        let rules = test.rules.iter().filter_map(|rule| self.rule(rule)).collect();
        let random = test.random.as_ref().map(|random| self.random(random));
        let golden = test.golden.as_ref().map(|golden| self.golden(golden));
        let stimuli = Stimuli::new(actions);
        let last_check_ns = checks.last().map_or(0, |check: &Check| check.at_ns);
        let restarts = stimuli.actions().iter().map(|timed| match timed.action {
            Action::PowerCut { for_ns } => timed.at_ns.saturating_add(for_ns),
            Action::SetBit { .. }
            | Action::SetWord { .. }
            | Action::Toggle { .. }
            | Action::Follow { .. }
            | Action::Defect { .. }
            | Action::Acknowledge { .. }
            | Action::Supply { .. }
            | Action::InputDefect { .. } => 0,
        });
        let end_ns = test.until_ns.unwrap_or(0).max(stimuli.end_ns()).max(last_check_ns);
        let end_ns = end_ns.max(restarts.max().unwrap_or(0)).max(random.as_ref().map_or(0, |random| random.for_ns));
        let (name, place) = (test.name.clone(), self.place(test.at));
        Prepared { name, place, stimuli, checks, never, always, rules, random, golden, end_ns }
    }

    fn rule(&mut self, rule: &crate::model::Rule) -> Option<Rule> {
        let kind = match &rule.kind {
            Wanted::Within { when, then, within_ns } => {
                let (when, then) = (self.condition(when), self.condition(then));
                RuleKind::Within { when: when?, then: then?, within_ns: *within_ns }
            }
            Wanted::Hold { when, hold, until } => {
                let (begins, hold, until) =
                    (when.as_ref().map(|when| self.condition(when)), self.condition(hold), self.condition(until));
                let when = match begins {
                    Some(when) => Some(when?),
                    None => None,
                };
                RuleKind::Hold { when, hold: hold?, until: until? }
            }
        };
        Some(Rule { place: self.place(rule.at), kind })
    }

    fn random(&mut self, random: &crate::model::Random) -> Random {
        let inputs = match &random.inputs {
            Some(names) => names.iter().filter_map(|name| self.bit_input(name)).collect(),
            None => self
                .scope
                .inputs
                .iter()
                .enumerate()
                .filter(|(_, input)| !input.reads_channel && !input.wired)
                .map(|(index, _)| InputIndex(index))
                .collect::<Vec<_>>(),
        };
        let initial = |index: InputIndex| self.scope.inputs.get(index.0).is_some_and(|input| input.initial);
        let inputs: Vec<RandomInput> =
            inputs.into_iter().map(|index| RandomInput { index, initial: initial(index) }).collect();
        if inputs.is_empty() && random.inputs.is_none() {
            self.problem(random.at, "the program has no input that anybody could operate", "leave `random` out");
        }
        Random { inputs, for_ns: random.for_ns, seed: random.seed, runs: random.runs }
    }

    fn golden(&mut self, golden: &crate::model::Golden) -> Golden {
        let mut of = Vec::new();
        for name in &golden.of {
            match self.scope.names.resolve(&name.text) {
                Ok(source) => of.push((name.text.clone(), source)),
                Err(error) => {
                    self.name_error::<()>(name.at, error);
                }
            }
        }
        if golden.of.is_empty() {
            let members = [Member::Commanded, Member::Line, Member::Fault];
            for (index, channel) in self.scope.names.channels.iter().enumerate() {
                let channel_index = ChannelIndex(index);
                of.extend(members.map(|member| {
                    let name = format!("{channel}.{}", member.name());
                    (name, Source::Channel { channel: channel_index, member })
                }));
            }
        }
        let place = self.place(golden.file.at);
        Golden { file: golden.file.text.clone(), place, of, text: None }
    }

    fn checks(&mut self, step: &Step, checks: &mut Vec<Check>) {
        for expectation in &step.expectations {
            let place = self.place(expectation.at());
            let what = match expectation {
                Expectation::Holds(condition) => self.condition(condition).map(CheckKind::Holds),
                Expectation::Equals { name, value } => self.equals(name, value),
            };
            checks.extend(what.map(|what| Check { at_ns: step.at_ns, place, what }));
        }
    }

    fn invariant(&mut self, condition: &Located) -> Option<Invariant> {
        let place = self.place(condition.at);
        self.condition(condition).map(|condition| Invariant { place, condition })
    }

    fn condition(&mut self, located: &Located) -> Option<Condition> {
        let text = located.text.as_str();
        let expr = match compiler::parser::parse_expression(text) {
            Ok(expr) => expr,
            Err(error) => {
                for diagnostic in &error.diagnostics {
                    let at = self.inside(located, diagnostic.primary.span.start);
                    let help = diagnostic.helps.join("; ");
                    self.problem(at, format!("`{text}`: {}", diagnostic.message), help);
                }
                return None;
            }
        };
        match condition::check(text, &expr, self.scope.names) {
            Ok(condition) => Some(condition),
            Err(fault) => {
                let at = self.inside(located, fault.offset);
                self.problem(at, fault.message, fault.help);
                None
            }
        }
    }

    /// The place of a byte of a condition in the file. Only where the text stands in the file as it is (not folded over
    /// several lines, no escapes) is the column known better than its beginning.
    fn inside(&self, located: &Located, offset: u32) -> At {
        let line = self.text.lines().nth(located.at.line.saturating_sub(1) as usize).unwrap_or_default();
        let column = located.at.column.saturating_sub(1) as usize;
        let rest: String = line.chars().skip(column).collect();
        let quoted = rest.starts_with(['\'', '"']);
        let unquoted = if quoted { rest.get(1..).unwrap_or_default() } else { &rest };
        if !unquoted.starts_with(&located.text) {
            return located.at;
        }
        let before = located.text.get(..offset as usize).map_or(0, |head| head.chars().count());
        let shift = u32::try_from(before).unwrap_or(0).saturating_add(u32::from(quoted));
        At { column: located.at.column.saturating_add(shift), ..located.at }
    }
}
