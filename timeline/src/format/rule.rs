//! What a test says beside its steps: conditions over time, random stimuli, a recorded trace, power cuts that make sense.

use super::{Reader, at_node};
use crate::model::{Golden, Random, Rule, RuleKind, Stimulus, Test};
use relay::quantity::Duration;
use runtime::config::yaml::{Node, Value};

/// The most random runs of one test: at a minute each still hours of work.
pub const RUNS_MAX: i128 = 10_000;

impl Reader<'_> {
    /// `always`: conditions, and mappings that speak of time.
    pub(super) fn always(&mut self, node: &Node, test: &mut Test) {
        let one = std::slice::from_ref(node);
        let items = match &node.value {
            Value::List(items) => items.as_slice(),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) | Value::Map(_) => one,
        };
        for item in items {
            if matches!(item.value, Value::Map(_)) {
                test.rules.extend(self.rule(item));
            } else {
                test.always.extend(self.text(item, "a condition under `always`"));
            }
        }
    }

    fn rule(&mut self, node: &Node) -> Option<Rule> {
        let known = ["when", "then", "within", "hold", "until"];
        let (mut when, mut then, mut within, mut hold, mut until) = (None, None, None, None, None);
        let fields = self.fields(node, "a condition over time", &known);
        let complete = matches!(&node.value, Value::Map(entries) if entries.len() == fields.len());
        for (key, value) in fields {
            match key.value.word().as_ref() {
                "when" => when = Some(self.text(value, "`when`")?),
                "then" => then = Some(self.text(value, "`then`")?),
                "within" => within = Some(self.duration(value, "`within`")?),
                "hold" => hold = Some(self.text(value, "`hold`")?),
                _ => until = Some(self.text(value, "`until`")?),
            }
        }
        let at = at_node(node);
        match (when, then, within, hold, until) {
            (Some(when), Some(then), Some(within_ns), None, None) => {
                Some(Rule { at, kind: RuleKind::Within { when, then, within_ns } })
            }
            (when, None, None, Some(hold), Some(until)) => {
                Some(Rule { at, kind: RuleKind::Hold { when, hold, until } })
            }
            _ => {
                if complete {
                    self.problem(
                        at,
                        "a condition over time is either `when`, `then` and `within`, or `hold` and `until`",
                        "write `{ when: start_pb, then: motor, within: 500 ms }` or `{ hold: motor, until: NOT stop_ok }`",
                    );
                }
                None
            }
        }
    }

    pub(super) fn random(&mut self, node: &Node) -> Option<Random> {
        let mut random = Random { at: at_node(node), inputs: None, for_ns: 0, seed: None, runs: 1 };
        let mut has_inputs = false;
        for (key, value) in self.fields(node, "`random`", &["inputs", "for", "seed", "runs"]) {
            match key.value.word().as_ref() {
                "inputs" => {
                    has_inputs = true;
                    if value.value.word() != "all" {
                        random.inputs = Some(self.texts(value, "`inputs`"));
                    }
                }
                "for" => random.for_ns = self.duration(value, "`for`")?,
                "seed" => random.seed = self.seed(value),
                _ => random.runs = self.runs(value)?,
            }
        }
        if !matches!(node.value, Value::Map(_)) {
            return None;
        }
        if random.for_ns == 0 {
            self.problem(random.at, "`random` does not say how long a run is", "add `for: 60 s`");
        }
        if !has_inputs {
            self.problem(random.at, "`random` does not say which inputs", "add `inputs: all`, or a list of them");
        }
        Some(random)
    }

    fn runs(&mut self, node: &Node) -> Option<u32> {
        if let Value::Int(number @ 1..=RUNS_MAX) = node.value {
            return u32::try_from(number).ok();
        }
        self.problem(at_node(node), format!("`runs` is a whole number from 1 to {RUNS_MAX}"), "");
        None
    }

    pub(super) fn golden(&mut self, node: &Node) -> Option<Golden> {
        if !matches!(node.value, Value::Map(_)) {
            let file = self.text(node, "`golden`")?;
            return Some(Golden { file, of: Vec::new() });
        }
        let (mut file, mut of) = (None, Vec::new());
        for (key, value) in self.fields(node, "`golden`", &["file", "of"]) {
            match key.value.word().as_ref() {
                "file" => file = self.text(value, "`file`"),
                _ => of = self.texts(value, "`of`"),
            }
        }
        if file.is_none() {
            self.problem(at_node(node), "`golden` does not name its file", "add `file: NAME.golden`");
        }
        Some(Golden { file: file?, of })
    }

    /// Nothing is expected of a controller without power, and it does not lose it twice.
    pub(super) fn check_power_cuts(&mut self, test: &Test) {
        let mut cuts: Vec<(u64, u64)> = Vec::new();
        for step in &test.steps {
            for stimulus in &step.stimuli {
                if let Stimulus::PowerCut { for_ns, at } = stimulus {
                    let end_ns = step.at_ns.saturating_add(*for_ns);
                    if cuts.iter().any(|(from, to)| step.at_ns <= *to && *from <= end_ns) {
                        self.problem(*at, "the power is cut already at this time", "let it return first");
                    }
                    cuts.push((step.at_ns, end_ns));
                }
            }
        }
        for (from_ns, to_ns) in cuts {
            let within = |at_ns: u64| from_ns <= at_ns && at_ns < to_ns;
            for step in test.steps.iter().filter(|step| within(step.at_ns)) {
                let message = |what: &str| {
                    let (from, to) = (Duration::from_ns(from_ns), Duration::from_ns(to_ns));
                    format!("the controller has no power from {from} to {to}, so {what}")
                };
                if let Some(expectation) = step.expectations.first() {
                    let help =
                        "expect it before the cut or after the restart; contacts are seen under `never` meanwhile";
                    self.problem(expectation.at(), message("nothing can be expected of it"), help);
                }
                let acknowledges = |stimulus: &Stimulus| matches!(stimulus, Stimulus::Acknowledge { .. });
                if step.stimuli.iter().any(acknowledges) {
                    self.problem(step.at, message("nothing can be acknowledged"), "acknowledge it after the restart");
                }
            }
        }
    }
}
