//! From the model of a timeline file and a program on its I/O map to what can be run: every name resolved, every value
//! checked against its type, every condition checked, before the first scan.

use crate::condition::{self, Condition, Value};
use crate::model::{
    At, DefectKind, Expectation, InputDefectKind, Literal, LiteralKind, Located, RuleKind as Wanted, Step, Stimulus,
    Test, Timeline,
};
use crate::names::{ChannelIndex, Member, NameError, Names, Source};
use crate::problem::{Place, Problem};
use crate::rule::{Rule, RuleKind};
use crate::stimuli::{Action, InputIndex, Stimuli, Timed};
use bytecode::near::nearest;
use bytecode::path::{show, show_time_ns};
use bytecode::scalar::{Scalar, ScalarType};
use bytecode::types::Elementary;
use relay::contact::Defect;
use runtime::io::InputDefect;

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

    fn stimulus(&mut self, at_ns: u64, stimulus: &Stimulus, actions: &mut Vec<Timed>) {
        let mut push =
            |at_ns: u64, action: Option<Action>| actions.extend(action.map(|action| Timed { at_ns, action }));
        match stimulus {
            Stimulus::Set { input, value } => push(at_ns, self.set(input, value)),
            Stimulus::Follow { input, channel } => push(at_ns, self.follow(input, channel)),
            Stimulus::Press { input, for_ns } => {
                if let Some(input) = self.bit_input(input) {
                    push(at_ns, Some(Action::SetBit { input, value: true }));
                    push(at_ns.saturating_add(*for_ns), Some(Action::SetBit { input, value: false }));
                }
            }
            Stimulus::Release { input } => {
                push(at_ns, self.bit_input(input).map(|input| Action::SetBit { input, value: false }));
            }
            Stimulus::Toggle { input } => push(at_ns, self.bit_input(input).map(|input| Action::Toggle { input })),
            Stimulus::Defect { channel, kind } => push(at_ns, self.defect(channel, *kind)),
            Stimulus::Acknowledge { channel } => match self.scope.names.expect_channel(&channel.text) {
                Ok(channel) => push(at_ns, Some(Action::Acknowledge { channel })),
                Err(error) => {
                    self.name_error::<()>(channel.at, error);
                }
            },
            Stimulus::Supply { ok, for_ns, at } => {
                push(at_ns, self.supply(*ok, *at));
                if let Some(for_ns) = for_ns {
                    push(at_ns.saturating_add(*for_ns), Some(Action::Supply { ok: !*ok }));
                }
            }
            Stimulus::InputDefect { input, kind } => {
                let defect = match kind {
                    InputDefectKind::None => None,
                    InputDefectKind::Bouncing { for_ns } => Some(InputDefect::Bouncing { for_ns: *for_ns }),
                    InputDefectKind::StuckOff => Some(InputDefect::Stuck(false)),
                    InputDefectKind::StuckOn => Some(InputDefect::Stuck(true)),
                };
                push(at_ns, self.bit_input(input).map(|input| Action::InputDefect { input, defect }));
            }
            Stimulus::PowerCut { for_ns, .. } => push(at_ns, Some(Action::PowerCut { for_ns: *for_ns })),
        }
    }

    fn supply(&mut self, ok: bool, at: At) -> Option<Action> {
        if self.scope.senses_supply {
            return Some(Action::Supply { ok });
        }
        self.problem(
            at,
            "the I/O map does not sense the coil supply, so its loss has no effect here",
            "add `supply: { sensed: INPUT }` to the I/O map",
        );
        None
    }

    fn defect(&mut self, channel: &Located, kind: DefectKind) -> Option<Action> {
        let defect = match kind {
            DefectKind::None => None,
            DefectKind::Welded => Some(Defect::Welded),
            DefectKind::OpenCoil => Some(Defect::OpenCoil),
            DefectKind::Slow { factor } => Some(Defect::Slow(factor.saturating_mul(100))),
            DefectKind::Delays { percent } => Some(Defect::Slow(percent)),
            DefectKind::FeedbackStuckOpen => Some(Defect::FeedbackStuckOpen),
            DefectKind::FeedbackStuckClosed => Some(Defect::FeedbackStuckClosed),
        };
        match self.scope.names.expect_channel(&channel.text) {
            Ok(channel) => Some(Action::Defect { channel, defect }),
            Err(error) => self.name_error(channel.at, error),
        }
    }

    fn follow(&mut self, input: &Located, channel: &Located) -> Option<Action> {
        let found = self.bit_input(input);
        match self.scope.names.expect_channel(&channel.text) {
            Ok(channel) => found.map(|input| Action::Follow { input, channel }),
            Err(error) => self.name_error(channel.at, error),
        }
    }

    /// An input by its name in the I/O map or by its variable.
    fn find_input(&self, name: &str) -> Option<(InputIndex, &InputName)> {
        let short = |path: &str| path.split_once('.').map_or(path.to_owned(), |(_, rest)| rest.to_owned());
        let named = |input: &&InputName| input.name.eq_ignore_ascii_case(name);
        let bound = |input: &&InputName| {
            input.variable.eq_ignore_ascii_case(name) || short(&input.variable).eq_ignore_ascii_case(name)
        };
        let inputs = self.scope.inputs;
        let found = inputs.iter().find(named).or_else(|| inputs.iter().find(bound))?;
        let index = inputs.iter().position(|input| std::ptr::eq(input, found))?;
        Some((InputIndex(index), found))
    }

    fn bit_input(&mut self, name: &Located) -> Option<InputIndex> {
        match self.find_input(&name.text) {
            Some((index, input)) if !input.reads_channel => Some(index),
            Some(_) => {
                let message = format!("`{}` reads the state of a channel; nobody can set it from outside", name.text);
                self.problem(name.at, message, "bring the channel into that state instead, for example by a defect");
                None
            }
            None => {
                self.no_input(name);
                None
            }
        }
    }

    fn no_input(&mut self, name: &Located) {
        let (message, help) = match self.scope.names.resolve(&name.text) {
            Ok(_) => (
                format!("`{}` is no input; only inputs are set from outside", name.text),
                "set the inputs that lead to it".to_owned(),
            ),
            Err(_) => {
                let known = self.scope.inputs.iter().filter(|input| !input.reads_channel);
                let help = match nearest(&name.text, known.map(|input| input.name.as_str())) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "inputs are named as in the I/O map, or as their variables".to_owned(),
                };
                (format!("no input `{}`", name.text), help)
            }
        };
        self.problem(name.at, message, help);
    }

    fn set(&mut self, input: &Located, literal: &Literal) -> Option<Action> {
        if self.find_input(&input.text).is_none()
            && let Some(action) = self.set_word(input, literal)
        {
            return action;
        }
        let index = self.bit_input(input)?;
        if let LiteralKind::Bool(value) = literal.kind {
            return Some(Action::SetBit { input: index, value });
        }
        let help = "write true or false";
        self.problem(literal.at, format!("`{}` is BOOL, here stands {}", input.text, shown(&literal.kind)), help);
        None
    }

    /// An input variable that is no BOOL; the outer `None` where the name is no such variable.
    fn set_word(&mut self, input: &Located, literal: &Literal) -> Option<Option<Action>> {
        let Ok(Source::Variable { variable, elementary }) = self.scope.names.resolve(&input.text) else { return None };
        let image = self.scope.names.image;
        let symbol = image.symbols.get(variable.symbol)?;
        if symbol.role != bytecode::image::SymbolRole::Input || elementary == Elementary::Bool {
            return None;
        }
        let value = self.value(&input.text, elementary, literal);
        Some(value.map(|value| Action::SetWord { variable, bits: bits(elementary, value) }))
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

    fn equals(&mut self, name: &Located, literal: &Literal) -> Option<CheckKind> {
        let source = match self.scope.names.resolve(&name.text) {
            Ok(source) => source,
            Err(error) => return self.name_error(name.at, error),
        };
        let value = match source {
            Source::Variable { elementary, .. } => self.value(&name.text, elementary, literal)?,
            Source::Channel { member, .. } => self.member_value(&name.text, member, literal)?,
        };
        Some(CheckKind::Equals { name: name.text.clone(), source, value, shown: show_value(&source, value) })
    }

    fn member_value(&mut self, name: &str, member: Member, literal: &Literal) -> Option<Value> {
        let words = member.words();
        match &literal.kind {
            LiteralKind::Bool(value) if words.is_empty() => return Some(Value::Bool(*value)),
            LiteralKind::Word(word) => {
                if let Some(word) = words.iter().find(|known| known.eq_ignore_ascii_case(word)) {
                    return Some(Value::Word(word));
                }
            }
            LiteralKind::Bool(_) | LiteralKind::Int(_) | LiteralKind::Real(_) | LiteralKind::Time(_) => {}
        }
        let help = if words.is_empty() {
            "write true or false".to_owned()
        } else {
            format!("write one of {}", words.join(", "))
        };
        self.problem(literal.at, format!("`{name}` cannot be {}", shown(&literal.kind)), help);
        None
    }

    /// A literal as a value of a variable's type.
    fn value(&mut self, name: &str, elementary: Elementary, literal: &Literal) -> Option<Value> {
        let scalar = elementary.scalar();
        let value = match (&literal.kind, scalar) {
            (LiteralKind::Bool(value), Some(ScalarType::Bool)) => Some(Value::Bool(*value)),
            (LiteralKind::Time(value), _) if is_time(elementary) => Some(Value::Time(*value)),
            (LiteralKind::Int(value), Some(ScalarType::F32 | ScalarType::F64)) => {
                real(elementary, value.to_string().parse().ok()?)
            }
            (LiteralKind::Real(value), Some(ScalarType::F32 | ScalarType::F64)) => real(elementary, *value),
            (LiteralKind::Int(value), Some(scalar)) if scalar.is_int() && !is_time(elementary) => {
                return self.in_range(name, elementary, *value, literal.at);
            }
            _ => None,
        };
        if value.is_none() {
            let help = match scalar {
                Some(ScalarType::Bool) => "write true or false",
                Some(_) if is_time(elementary) => "write a duration such as `T#2s` or `500 ms`",
                Some(_) => "write a number",
                None => "this version does not store that type",
            };
            let message = format!("`{name}` is {}, here stands {}", elementary.name(), shown(&literal.kind));
            self.problem(literal.at, message, help);
        }
        value
    }

    fn in_range(&mut self, name: &str, elementary: Elementary, value: i128, at: At) -> Option<Value> {
        let (low, high) = range(elementary);
        if (low..=high).contains(&value) {
            return Some(Value::Int(value));
        }
        let message = format!("`{name}` is {}, which never is {value}", elementary.name());
        self.problem(at, message, format!("its values lie between {low} and {high}"));
        None
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

fn is_time(elementary: Elementary) -> bool {
    matches!(elementary, Elementary::Time | Elementary::Ltime)
}

fn real(elementary: Elementary, value: f64) -> Option<Value> {
    // A REAL holds 24 bits: the file's 0.1 must meet the program's 0.1.
    #[allow(clippy::cast_possible_truncation, reason = "rounding to REAL is what is wanted")]
    let value = if elementary == Elementary::Real { f64::from(value as f32) } else { value };
    Some(Value::Real(value))
}

/// Lowest and highest value of an integer or bit string type.
fn range(elementary: Elementary) -> (i128, i128) {
    use Elementary as E;
    match elementary {
        E::Sint => (i8::MIN.into(), i8::MAX.into()),
        E::Int => (i16::MIN.into(), i16::MAX.into()),
        E::Dint => (i32::MIN.into(), i32::MAX.into()),
        E::Lint | E::Time | E::Ltime => (i64::MIN.into(), i64::MAX.into()),
        E::Usint | E::Byte => (0, u8::MAX.into()),
        E::Uint | E::Word => (0, u16::MAX.into()),
        E::Udint | E::Dword => (0, u32::MAX.into()),
        E::Ulint | E::Lword => (0, u64::MAX.into()),
        E::Bool => (0, 1),
        // No whole numbers, or not stored by this version.
        E::Real | E::Lreal | E::Date | E::Ldate | E::TimeOfDay | E::LtimeOfDay | E::DateAndTime | E::LdateAndTime => {
            (0, 0)
        }
        E::Char | E::Wchar => (0, 0),
    }
}

/// A value as the bits of a variable.
fn bits(elementary: Elementary, value: Value) -> u64 {
    match value {
        Value::Bool(value) => u64::from(value),
        Value::Time(value) => value.to_bits(),
        #[allow(clippy::cast_possible_truncation, reason = "a REAL value was rounded to REAL when it was read")]
        Value::Real(value) if elementary == Elementary::Real => u64::from((value as f32).to_bits()),
        Value::Real(value) => value.to_bits(),
        // In the range of the type: a negative number keeps its low bits.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range was checked")]
        Value::Int(value) => {
            let size = elementary.scalar().map_or(8, ScalarType::size).clamp(1, 8);
            (value as u64) & (u64::MAX >> (64 - 8 * size))
        }
        Value::Word(_) => 0,
    }
}

/// A value as a person writes it.
#[must_use]
pub fn show_value(source: &Source, value: Value) -> String {
    match (source, value) {
        (_, Value::Bool(value)) => if value { "TRUE" } else { "FALSE" }.to_owned(),
        (_, Value::Word(word)) => word.to_owned(),
        (_, Value::Time(ns)) => show_time_ns(ns),
        (_, Value::Real(value)) => format!("{value:?}"),
        (Source::Variable { elementary, .. }, Value::Int(_)) => show(*elementary, bits(*elementary, value)),
        (Source::Channel { .. }, Value::Int(value)) => value.to_string(),
    }
}

fn shown(literal: &LiteralKind) -> String {
    match literal {
        LiteralKind::Bool(value) => if *value { "TRUE" } else { "FALSE" }.to_owned(),
        LiteralKind::Int(value) => value.to_string(),
        LiteralKind::Real(value) => format!("{value:?}"),
        LiteralKind::Time(ns) => show_time_ns(*ns),
        LiteralKind::Word(word) => format!("`{word}`"),
    }
}
