//! Timeline files: text in, [`Timeline`] or every problem of the file out.
//!
//! The format is described for its users in docs/testing.md. Whatever the text says, this module answers with a model or
//! with problems; it never stops at the first mistake it can walk around.

mod cases;
mod literal;
mod rule;
mod step;

use crate::model::{At, Located, Step, Test, Timeline};
use crate::problem::{Place, Problem};
use bytecode::near::nearest;
use relay::quantity::Duration;
use runtime::config::yaml::{self, Node, ProblemKind, SizeLimit, Value};
use runtime::scan::plan::{TICK_MAX_NS, TICK_MIN_NS};
use step::Repeat;

/// The greatest timeline file: room for some 20 000 steps, and small enough to be read in a moment.
pub const SIZE: SizeLimit = SizeLimit { bytes_max: 4 * 1024 * 1024, remedy: "split the tests over several files" };

/// How long `press` holds a button where `for` does not say otherwise: 200 ms, a brisk press of a hand.
pub const PRESS_DEFAULT_NS: u64 = 200_000_000;

/// The longest test: 366 days of simulated time. Beyond it a unit was probably mistaken.
pub const TEST_NS_MAX: u64 = 366 * 24 * 3_600 * 1_000_000_000;

/// The most repetitions of one press: a press every second for more than a day.
pub const TIMES_MAX: u64 = 100_000;

/// Reads the text of a timeline file.
///
/// # Errors
/// Every problem that was found, in the order of the text.
pub fn parse(file: &str, text: &str) -> Result<Timeline, Vec<Problem>> {
    let tree = yaml::parse(text, SIZE).map_err(|problem| vec![unreadable(file, problem)])?;
    let mut reader = Reader { file, problems: Vec::new() };
    let timeline = reader.timeline(&tree);
    if reader.problems.is_empty() {
        Ok(timeline)
    } else {
        reader.problems.sort_by_key(|problem| (problem.place.line, problem.place.column));
        Err(reader.problems)
    }
}

/// A text that is no tree.
fn unreadable(file: &str, problem: yaml::Problem) -> Problem {
    let place = Place { file: file.to_owned(), line: problem.place.line, column: problem.place.column };
    let message = match problem.kind {
        ProblemKind::TooLarge => problem.message,
        ProblemKind::Syntax | ProblemKind::UnknownKey | ProblemKind::Value | ProblemKind::Missing => {
            format!("this is not valid YAML: {}", problem.message)
        }
    };
    Problem::new(place, message).help(problem.remedy)
}

struct Reader<'a> {
    file: &'a str,
    problems: Vec<Problem>,
}

fn at_node(node: &Node) -> At {
    At { line: node.place.line, column: node.place.column }
}

fn located_key(key: &Node) -> Located {
    Located { text: key.value.word().into_owned(), at: at_node(key) }
}

impl Reader<'_> {
    fn place(&self, at: At) -> Place {
        Place { file: self.file.to_owned(), line: at.line, column: at.column }
    }

    fn problem(&mut self, at: At, message: impl Into<String>, help: impl Into<String>) {
        let place = self.place(at);
        self.problems.push(Problem::new(place, message).help(help));
    }

    /// The entries of a mapping with known keys; reports the others.
    fn fields<'n>(&mut self, node: &'n Node, what: &str, known: &[&str]) -> Vec<(&'n Node, &'n Node)> {
        let Value::Map(entries) = &node.value else {
            let message = format!("{what} is a mapping of keys to values, here stands {}", node.value.kind());
            self.problem(at_node(node), message, format!("its keys are {}", known.join(", ")));
            return Vec::new();
        };
        let mut fields = Vec::new();
        for (key, value) in entries {
            let name = key.value.word();
            if known.contains(&name.as_ref()) {
                fields.push((key, value));
            } else {
                let help = match nearest(&name, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("its keys are {}", known.join(", ")),
                };
                self.problem(at_node(key), format!("{what} has no key `{name}`"), help);
            }
        }
        fields
    }

    fn items<'n>(&mut self, node: &'n Node, what: &str) -> &'n [Node] {
        if let Value::List(items) = &node.value {
            return items;
        }
        let message = format!("{what} is a list, here stands {}", node.value.kind());
        self.problem(at_node(node), message, "begin each entry with `- `");
        &[]
    }

    fn text(&mut self, node: &Node, what: &str) -> Option<Located> {
        if let Value::Text(text) = &node.value
            && !text.trim().is_empty()
        {
            return Some(Located { text: text.trim().to_owned(), at: at_node(node) });
        }
        let message = format!("{what} is a text, here stands {}", node.value.kind());
        self.problem(at_node(node), message, "");
        None
    }

    /// One text or a list of texts.
    fn texts(&mut self, node: &Node, what: &str) -> Vec<Located> {
        match &node.value {
            Value::List(items) => items.iter().filter_map(|item| self.text(item, what)).collect(),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) | Value::Map(_) => {
                self.text(node, what).into_iter().collect()
            }
        }
    }

    fn duration(&mut self, node: &Node, what: &str) -> Option<u64> {
        let read = match &node.value {
            Value::Int(0) => Ok(0),
            Value::Text(text) => text.parse::<Duration>().map(|d| d.ns).map_err(|error| error.to_string()),
            Value::Int(number) => Err(format!("{what} needs a unit; `{number}` could be milliseconds or seconds")),
            other @ (Value::Null | Value::Bool(_) | Value::Float(_) | Value::List(_) | Value::Map(_)) => {
                Err(format!("{what} is a duration, here stands {}", other.kind()))
            }
        };
        match read {
            Ok(ns) if ns <= TEST_NS_MAX => Some(ns),
            Ok(_) => {
                self.problem(at_node(node), format!("{what} is longer than 366 days"), "check the unit");
                None
            }
            Err(message) => {
                self.problem(at_node(node), message, "write a number and a unit, such as `100 ms`, `2 s` or `T#1m30s`");
                None
            }
        }
    }

    fn timeline(&mut self, tree: &Node) -> Timeline {
        let mut timeline =
            Timeline { program: Vec::new(), also: Vec::new(), io: None, scan_ns: None, seed: None, tests: Vec::new() };
        let known = ["program", "also", "io", "scan", "seed", "tests"];
        let fields = self.fields(tree, "a timeline file", &known);
        let (mut has_program, mut has_tests) = (false, false);
        for (key, node) in fields {
            match key.value.word().as_ref() {
                "program" => {
                    has_program = true;
                    timeline.program = self.texts(node, "`program`");
                }
                "also" => timeline.also = self.texts(node, "`also`"),
                "io" => timeline.io = self.text(node, "`io`"),
                "scan" => timeline.scan_ns = self.scan(node),
                "seed" => timeline.seed = self.seed(node),
                _ => {
                    has_tests = true;
                    timeline.tests = self.tests(node);
                }
            }
        }
        let top = at_node(tree);
        if !has_program && matches!(tree.value, Value::Map(_)) {
            self.problem(top, "the file does not say which program it tests", "add `program: NAME.ld`");
        }
        if !has_tests && matches!(tree.value, Value::Map(_)) {
            self.problem(top, "the file has no tests", "add `tests:` with at least one entry");
        }
        timeline
    }

    fn scan(&mut self, node: &Node) -> Option<u64> {
        let ns = self.duration(node, "`scan`")?;
        if (TICK_MIN_NS..=TICK_MAX_NS).contains(&ns) {
            return Some(ns);
        }
        self.problem(at_node(node), "the scan period lies between 100 us and 10 s", "write for example `scan: 10 ms`");
        None
    }

    fn seed(&mut self, node: &Node) -> Option<u64> {
        if let Value::Int(number) = node.value
            && let Ok(seed) = u64::try_from(number)
        {
            return Some(seed);
        }
        self.problem(at_node(node), "`seed` is a whole number from 0 to 18446744073709551615", "");
        None
    }

    fn tests(&mut self, node: &Node) -> Vec<Test> {
        let items = self.items(node, "`tests`");
        if items.is_empty() && matches!(node.value, Value::List(_)) {
            self.problem(at_node(node), "`tests` is empty", "add at least one test");
        }
        let mut tests: Vec<Test> = Vec::new();
        let items: Vec<Node> = items.iter().flat_map(|item| self.cases(item)).collect();
        for item in &items {
            let test = self.test(item);
            if let Some(earlier) = tests.iter().find(|other| other.name == test.name) {
                let message = format!("the test `{}` exists already in line {}", test.name, earlier.at.line);
                self.problem(test.at, message, "give each test a name of its own");
            }
            tests.push(test);
        }
        tests
    }

    fn test(&mut self, node: &Node) -> Test {
        let mut test = Test {
            name: String::new(),
            at: at_node(node),
            until_ns: None,
            steps: Vec::new(),
            never: Vec::new(),
            always: Vec::new(),
            rules: Vec::new(),
            random: None,
            golden: None,
        };
        // `cases` is gone by now: each row is a test.
        let known = ["name", "until", "steps", "never", "always", "defects", "supply", "random", "golden", "cases"];
        for (key, value) in self.fields(node, "a test", &known) {
            match key.value.word().as_ref() {
                "name" => test.name = self.text(value, "`name`").map(|name| name.text).unwrap_or_default(),
                "until" => test.until_ns = self.duration(value, "`until`"),
                "steps" => {
                    let items = self.items(value, "`steps`");
                    let steps: Vec<(Step, Option<Repeat>)> = items.iter().filter_map(|item| self.step(item)).collect();
                    self.check_order(&steps);
                    for (step, repeat) in steps {
                        if let Some(repeat) = repeat {
                            repeat.expand(&step, &mut test.steps);
                        }
                        test.steps.push(step);
                    }
                }
                "never" => test.never = self.texts(value, "a condition under `never`"),
                "always" => self.always(value, &mut test),
                "random" => test.random = self.random(value),
                "golden" => test.golden = self.golden(value),
                "cases" => {}
                "defects" => {
                    let items = self.items(value, "`defects`");
                    let steps: Vec<Step> = items.iter().filter_map(|item| self.timed_defect(item)).collect();
                    test.steps.extend(steps);
                }
                _ => {
                    let items = self.items(value, "`supply`");
                    let steps: Vec<Step> = items.iter().filter_map(|item| self.timed_supply(item)).collect();
                    test.steps.extend(steps);
                }
            }
        }
        if test.name.is_empty() && matches!(node.value, Value::Map(_)) {
            self.problem(test.at, "the test has no name", "add `name:` with a sentence that says what must be so");
        }
        let checks = !test.never.is_empty()
            || !test.always.is_empty()
            || !test.rules.is_empty()
            || test.golden.is_some()
            || test.steps.iter().any(|step| !step.expectations.is_empty());
        if !checks && matches!(node.value, Value::Map(_)) {
            let message = format!("the test `{}` expects nothing, so it cannot fail", test.name);
            self.problem(test.at, message, "add `expect:` to a step, or `never:` or `always:`");
        }
        self.check_power_cuts(&test);
        if test.random.is_some() && (test.golden.is_some() || test.steps.iter().any(|s| !s.expectations.is_empty())) {
            let message = "what is drawn at random has no `expect` at a fixed time and no `golden`";
            self.problem(test.at, message, "say what must be so under `always` and `never`");
        }
        // Stable: what stands first in the text happens first.
        test.steps.sort_by_key(|step| step.at_ns);
        test
    }
}

#[cfg(test)]
mod tests;
