//! Timeline files: text in, [`Timeline`] or every problem of the file out.
//!
//! The format is described for its users in docs/testing.md. Whatever the text says, this module answers with a model or
//! with problems; it never stops at the first mistake it can walk around.

use crate::model::{At, DefectKind, Expectation, Literal, LiteralKind, Located, Step, Stimulus, Test, Timeline};
use crate::problem::{Place, Problem};
use crate::yaml::{self, Key, Node, Value};
use bytecode::path::nearest;
use relay::quantity::Duration;
use runtime::scan::plan::{TICK_MAX_NS, TICK_MIN_NS};

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
    let tree = yaml::parse(file, text).map_err(|problem| vec![problem])?;
    let mut reader = Reader { file, problems: Vec::new() };
    let timeline = reader.timeline(&tree);
    if reader.problems.is_empty() {
        Ok(timeline)
    } else {
        reader.problems.sort_by_key(|problem| (problem.place.line, problem.place.column));
        Err(reader.problems)
    }
}

/// A press that is repeated.
struct Repeat {
    every_ns: u64,
    times: u64,
}

impl Repeat {
    /// Adds the second and further presses of a step.
    fn expand(&self, step: &Step, steps: &mut Vec<Step>) {
        let presses: Vec<Stimulus> =
            step.stimuli.iter().filter(|s| matches!(s, Stimulus::Press { .. })).cloned().collect();
        for number in 1..self.times {
            let at_ns = step.at_ns.saturating_add(self.every_ns.saturating_mul(number));
            steps.push(Step { at_ns, at: step.at, stimuli: presses.clone(), expectations: Vec::new() });
        }
    }
}

struct Reader<'a> {
    file: &'a str,
    problems: Vec<Problem>,
}

fn at_node(node: &Node) -> At {
    At { line: node.line, column: node.column }
}

fn at_key(key: &Key) -> At {
    At { line: key.line, column: key.column }
}

fn located_key(key: &Key) -> Located {
    Located { text: key.text.clone(), at: at_key(key) }
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
    fn fields<'n>(&mut self, node: &'n Node, what: &str, known: &[&str]) -> Vec<(&'n Key, &'n Node)> {
        let Value::Map(entries) = &node.value else {
            let message = format!("{what} is a mapping of keys to values, here stands {}", node.value.kind());
            self.problem(at_node(node), message, format!("its keys are {}", known.join(", ")));
            return Vec::new();
        };
        let mut fields = Vec::new();
        for (key, value) in entries {
            if known.contains(&key.text.as_str()) {
                fields.push((key, value));
            } else {
                let help = match nearest(&key.text, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("its keys are {}", known.join(", ")),
                };
                self.problem(at_key(key), format!("{what} has no key `{}`", key.text), help);
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
            match key.text.as_str() {
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
        for item in items {
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
        };
        let known = ["name", "until", "steps", "never", "always", "defects", "supply"];
        for (key, value) in self.fields(node, "a test", &known) {
            match key.text.as_str() {
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
                "always" => test.always = self.texts(value, "a condition under `always`"),
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
            || test.steps.iter().any(|step| !step.expectations.is_empty());
        if !checks && matches!(node.value, Value::Map(_)) {
            let message = format!("the test `{}` expects nothing, so it cannot fail", test.name);
            self.problem(test.at, message, "add `expect:` to a step, or `never:` or `always:`");
        }
        // Stable: what stands first in the text happens first.
        test.steps.sort_by_key(|step| step.at_ns);
        test
    }

    /// Steps are read from top to bottom as time goes on; another order is a slip of the pen.
    fn check_order(&mut self, steps: &[(Step, Option<Repeat>)]) {
        let mut last: Option<&Step> = None;
        for (step, _) in steps {
            if let Some(earlier) = last.filter(|earlier| earlier.at_ns > step.at_ns) {
                let message = format!(
                    "this step at {} stands after the one at {} in line {}",
                    Duration::from_ns(step.at_ns),
                    Duration::from_ns(earlier.at_ns),
                    earlier.at.line
                );
                self.problem(step.at, message, "write the steps in the order of time");
            }
            last = Some(step);
        }
    }

    fn step(&mut self, node: &Node) -> Option<(Step, Option<Repeat>)> {
        let known = [
            "at",
            "set",
            "press",
            "for",
            "every",
            "times",
            "release",
            "toggle",
            "acknowledge",
            "expect",
            "defect",
            "supply",
        ];
        let fields = self.fields(node, "a step", &known);
        let mut step = Step { at_ns: 0, at: at_node(node), stimuli: Vec::new(), expectations: Vec::new() };
        let mut at_ns = None;
        let mut has_at = false;
        let (mut held, mut every, mut times) = (None, None, None);
        for (key, value) in &fields {
            match key.text.as_str() {
                "at" => {
                    has_at = true;
                    at_ns = self.duration(value, "`at`");
                }
                "for" => held = self.duration(value, "`for`").map(|ns| (at_key(key), ns)),
                "every" => every = self.duration(value, "`every`").map(|ns| (at_key(key), ns)),
                "times" => times = self.times(value).map(|count| (at_key(key), count)),
                "set" => self.set(value, &mut step.stimuli),
                "press" => step.stimuli.extend(
                    self.texts(value, "`press`")
                        .into_iter()
                        .map(|input| Stimulus::Press { input, for_ns: PRESS_DEFAULT_NS }),
                ),
                "release" => {
                    let inputs = self.texts(value, "`release`");
                    step.stimuli.extend(inputs.into_iter().map(|input| Stimulus::Release { input }));
                }
                "toggle" => {
                    let inputs = self.texts(value, "`toggle`");
                    step.stimuli.extend(inputs.into_iter().map(|input| Stimulus::Toggle { input }));
                }
                "acknowledge" => {
                    let channels = self.texts(value, "`acknowledge`");
                    step.stimuli.extend(channels.into_iter().map(|channel| Stimulus::Acknowledge { channel }));
                }
                "expect" => self.expect(value, &mut step.expectations),
                "defect" => step.stimuli.extend(self.defect(value, &["channel", "kind", "factor"])),
                _ => step.stimuli.extend(self.supply(value)),
            }
        }
        self.hold(held, &mut step.stimuli);
        let repeat = self.repeat(every, times, &step);
        if !has_at && matches!(node.value, Value::Map(_)) {
            self.problem(step.at, "the step does not say when", "add `at:` with a time, such as `at: 100 ms`");
        }
        if has_at && matches!(&node.value, Value::Map(entries) if entries.len() == 1) {
            self.problem(step.at, "the step does nothing and expects nothing", "add `set`, `press`, `expect` ...");
        }
        step.at_ns = at_ns?;
        Some((step, repeat))
    }

    fn times(&mut self, node: &Node) -> Option<u64> {
        if let Value::Int(number) = node.value
            && let Some(count) = u64::try_from(number).ok().filter(|count| (2..=TIMES_MAX).contains(count))
        {
            return Some(count);
        }
        self.problem(at_node(node), format!("`times` is a whole number from 2 to {TIMES_MAX}"), "");
        None
    }

    fn repeat(&mut self, every: Option<(At, u64)>, times: Option<(At, u64)>, step: &Step) -> Option<Repeat> {
        let (at, every_ns, times) = match (every, times) {
            (None, None) => return None,
            (Some((at, every_ns)), Some((_, times))) => (at, every_ns, times),
            (Some((at, _)), None) | (None, Some((at, _))) => {
                self.problem(at, "a repeated press has both `every` and `times`", "write `every: 1 s, times: 10`");
                return None;
            }
        };
        let longest = step.stimuli.iter().map(Stimulus::duration_ns).max().unwrap_or(0);
        if longest == 0 {
            self.problem(at, "only a press is repeated, but nothing is pressed here", "add `press: NAME`");
            return None;
        }
        if every_ns <= longest {
            let message = format!("the next press comes before this one of {} is over", Duration::from_ns(longest));
            self.problem(at, message, "make `every` longer than `for`");
            return None;
        }
        if every_ns.saturating_mul(times) > TEST_NS_MAX {
            self.problem(at, "the presses take longer than 366 days", "check the unit");
            return None;
        }
        Some(Repeat { every_ns, times })
    }

    /// Gives the presses of a step the length written under `for`.
    fn hold(&mut self, held: Option<(At, u64)>, stimuli: &mut [Stimulus]) {
        let Some((at, ns)) = held else { return };
        let mut presses = 0;
        for stimulus in stimuli {
            if let Stimulus::Press { for_ns, .. } = stimulus {
                *for_ns = ns;
                presses += 1;
            }
        }
        if presses == 0 {
            self.problem(
                at,
                "`for` says how long a button is pressed, but nothing is pressed here",
                "add `press: NAME`",
            );
        } else if ns == 0 {
            self.problem(at, "a press of no length is never seen", "write for example `for: 200 ms`");
        }
    }

    fn set(&mut self, node: &Node, stimuli: &mut Vec<Stimulus>) {
        let Value::Map(entries) = &node.value else {
            let message = format!("`set` is a mapping of inputs to values, here stands {}", node.value.kind());
            self.problem(at_node(node), message, "write `set: { stop_ok: true }`");
            return;
        };
        for (key, value) in entries {
            let input = located_key(key);
            if let Value::Text(text) = &value.value
                && let Some(rest) = text.trim().strip_prefix("follows ")
            {
                stimuli.extend(self.follow(input, rest, at_node(value)));
                continue;
            }
            if let Some(literal) = self.literal(value) {
                stimuli.push(Stimulus::Set { input, value: literal });
            }
        }
    }

    fn follow(&mut self, input: Located, source: &str, at: At) -> Option<Stimulus> {
        let source = source.trim();
        if let Some(channel) = source.strip_suffix(".contact") {
            let channel = Located { text: channel.to_owned(), at };
            return Some(Stimulus::Follow { input, channel });
        }
        let message = format!("an input can follow the contact of a channel, not `{source}`");
        self.problem(at, message, "write `follows NAME.contact`");
        None
    }

    fn expect(&mut self, node: &Node, expectations: &mut Vec<Expectation>) {
        if let Value::Map(entries) = &node.value {
            if entries.is_empty() {
                self.problem(at_node(node), "`expect` is empty", "write `expect: { NAME: VALUE }`");
            }
            for (key, value) in entries {
                if let Some(value) = self.literal(value) {
                    expectations.push(Expectation::Equals { name: located_key(key), value });
                }
            }
            return;
        }
        let conditions = self.texts(node, "a condition under `expect`");
        expectations.extend(conditions.into_iter().map(Expectation::Holds));
    }

    fn literal(&mut self, node: &Node) -> Option<Literal> {
        let at = at_node(node);
        let kind = match &node.value {
            Value::Bool(value) => LiteralKind::Bool(*value),
            Value::Int(value) => LiteralKind::Int(*value),
            Value::Float(value) => LiteralKind::Real(*value),
            Value::Text(text) => self.literal_text(text.trim(), at)?,
            other @ (Value::Null | Value::List(_) | Value::Map(_)) => {
                let message = format!("a value is expected, here stands {}", other.kind());
                self.problem(at, message, "write true, false, a number, a duration such as `T#2s`, or a word");
                return None;
            }
        };
        Some(Literal { kind, at })
    }

    /// A value that YAML does not know: a duration, a number with its base, a word.
    fn literal_text(&mut self, text: &str, at: At) -> Option<LiteralKind> {
        if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") {
            return Some(LiteralKind::Bool(text.eq_ignore_ascii_case("true")));
        }
        if let Some(number) = based_number(text) {
            return Some(LiteralKind::Int(number));
        }
        let is_word = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if is_word {
            return Some(LiteralKind::Word(text.to_owned()));
        }
        let (negative, magnitude) = split_sign(text);
        if let Ok(duration) = magnitude.parse::<Duration>() {
            let ns = i64::try_from(duration.ns).unwrap_or(i64::MAX);
            return Some(LiteralKind::Time(if negative { -ns } else { ns }));
        }
        let help =
            "write true, false, a number, 16#FF, a duration such as `T#2s` or `500 ms`, or a word such as `closed`";
        self.problem(at, format!("`{text}` is not a value"), help);
        None
    }

    fn timed_defect(&mut self, node: &Node) -> Option<Step> {
        self.timed(node, |reader, node| reader.defect(node, &["at", "channel", "kind", "factor"]))
    }

    fn timed_supply(&mut self, node: &Node) -> Option<Step> {
        self.timed(node, |reader, node| {
            let fields = reader.fields(node, "an entry of `supply`", &["at", "ok"]);
            let ok = fields.iter().find(|(key, _)| key.text == "ok").map(|(_, value)| *value);
            if ok.is_none() && matches!(node.value, Value::Map(_)) {
                reader.problem(
                    at_node(node),
                    "the entry does not say how the supply is",
                    "add `ok: false` or `ok: true`",
                );
            }
            reader.supply(ok?)
        })
    }

    /// An entry of a list in which every entry has its own `at`.
    fn timed(&mut self, node: &Node, read: impl FnOnce(&mut Self, &Node) -> Option<Stimulus>) -> Option<Step> {
        let stimulus = read(self, node);
        let Value::Map(entries) = &node.value else { return None };
        let Some((_, time)) = entries.iter().find(|(key, _)| key.text == "at") else {
            self.problem(at_node(node), "the entry does not say when", "add `at:` with a time, such as `at: 100 ms`");
            return None;
        };
        let at_ns = self.duration(time, "`at`")?;
        Some(Step { at_ns, at: at_node(node), stimuli: vec![stimulus?], expectations: Vec::new() })
    }

    fn supply(&mut self, node: &Node) -> Option<Stimulus> {
        if let Value::Bool(ok) = node.value {
            return Some(Stimulus::Supply { ok, at: at_node(node) });
        }
        let message = format!("the supply is true (in its window) or false, here stands {}", node.value.kind());
        self.problem(at_node(node), message, "");
        None
    }

    fn defect(&mut self, node: &Node, known: &[&str]) -> Option<Stimulus> {
        let (mut channel, mut word, mut factor) = (None, None, None);
        for (key, value) in self.fields(node, "a defect", known) {
            match key.text.as_str() {
                "channel" => channel = Some(self.text(value, "`channel`")?),
                "kind" => word = Some(self.text(value, "`kind`")?),
                "factor" => factor = Some(self.factor(value)?),
                _ => {}
            }
        }
        let (Some(channel), Some(word)) = (channel, word) else {
            if matches!(node.value, Value::Map(_)) {
                self.problem(
                    at_node(node),
                    "a defect needs `channel` and `kind`",
                    "write `{ channel: NAME, kind: welded }`",
                );
            }
            return None;
        };
        let kind = self.defect_kind(&word, factor)?;
        Some(Stimulus::Defect { channel, kind })
    }

    fn factor(&mut self, node: &Node) -> Option<u32> {
        if let Value::Int(number @ 2..=1_000) = node.value {
            return u32::try_from(number).ok();
        }
        self.problem(at_node(node), "`factor` is a whole number from 2 to 1000", "");
        None
    }

    fn defect_kind(&mut self, word: &Located, factor: Option<u32>) -> Option<DefectKind> {
        let kind = match word.text.as_str() {
            "none" => DefectKind::None,
            "welded" => DefectKind::Welded,
            "open_coil" => DefectKind::OpenCoil,
            "slow" => DefectKind::Slow { factor: factor.unwrap_or(2) },
            "feedback_stuck_open" => DefectKind::FeedbackStuckOpen,
            "feedback_stuck_closed" => DefectKind::FeedbackStuckClosed,
            other => {
                let help = match nearest(other, DefectKind::WORDS.into_iter()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("the kinds are {}", DefectKind::WORDS.join(", ")),
                };
                self.problem(word.at, format!("there is no defect `{other}`"), help);
                return None;
            }
        };
        if factor.is_some() && !matches!(kind, DefectKind::Slow { .. }) {
            self.problem(word.at, "only the defect `slow` has a `factor`", "leave `factor` out");
        }
        Some(kind)
    }
}

fn split_sign(text: &str) -> (bool, &str) {
    let body =
        text.get(..2).filter(|head| head.eq_ignore_ascii_case("t#")).map_or(text, |_| text.get(2..).unwrap_or(""));
    match body.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    }
}

/// `16#FF`, `2#1010`, `8#17` as in IEC 61131-3.
fn based_number(text: &str) -> Option<i128> {
    let (base, digits) = text.split_once('#')?;
    let radix = match base {
        "2" => 2,
        "8" => 8,
        "16" => 16,
        _ => return None,
    };
    i128::from_str_radix(&digits.replace('_', ""), radix).ok().filter(|number| *number >= 0)
}

#[cfg(test)]
#[path = "format_tests.rs"]
mod tests;
