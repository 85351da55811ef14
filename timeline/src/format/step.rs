//! Steps: what happens at a moment and what is expected then; defects and supply as steps of their own.

use super::{PRESS_DEFAULT_NS, Reader, TEST_NS_MAX, TIMES_MAX, at_node, located_key};
use crate::model::{At, DefectKind, Expectation, InputDefectKind, Located, Step, Stimulus};
use bytecode::near::nearest;
use relay::quantity::Duration;
use runtime::config::yaml::{Node, Value};

/// A press that is repeated.
pub(super) struct Repeat {
    every_ns: u64,
    times: u64,
}

/// How much longer or shorter the movements of a relay are.
enum Much {
    /// So many times.
    Factor(u32),
    /// So much of what the data sheet says.
    Percent(u32),
}

impl Repeat {
    /// Adds the second and further presses of a step.
    pub(super) fn expand(&self, step: &Step, steps: &mut Vec<Step>) {
        let presses: Vec<Stimulus> =
            step.stimuli.iter().filter(|s| matches!(s, Stimulus::Press { .. })).cloned().collect();
        for number in 1..self.times {
            let at_ns = step.at_ns.saturating_add(self.every_ns.saturating_mul(number));
            steps.push(Step { at_ns, at: step.at, stimuli: presses.clone(), expectations: Vec::new() });
        }
    }
}

impl Reader<'_> {
    /// Steps are read from top to bottom as time goes on; another order is a slip of the pen.
    pub(super) fn check_order(&mut self, steps: &[(Step, Option<Repeat>)]) {
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

    pub(super) fn step(&mut self, node: &Node) -> Option<(Step, Option<Repeat>)> {
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
            "power_cut",
        ];
        let fields = self.fields(node, "a step", &known);
        let mut step = Step { at_ns: 0, at: at_node(node), stimuli: Vec::new(), expectations: Vec::new() };
        let mut at_ns = None;
        let mut has_at = false;
        let (mut held, mut every, mut times) = (None, None, None);
        for (key, value) in &fields {
            match key.value.word().as_ref() {
                "at" => {
                    has_at = true;
                    at_ns = self.duration(value, "`at`");
                }
                "for" => held = self.duration(value, "`for`").map(|ns| (at_node(key), ns)),
                "every" => every = self.duration(value, "`every`").map(|ns| (at_node(key), ns)),
                "times" => times = self.times(value).map(|count| (at_node(key), count)),
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
                "defect" => {
                    step.stimuli.extend(self.defect(value, &["channel", "input", "kind", "factor", "percent", "for"]))
                }
                "power_cut" => step.stimuli.extend(self.power_cut(value)),
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
        let presses = step.stimuli.iter().filter(|stimulus| matches!(stimulus, Stimulus::Press { .. }));
        let longest = presses.map(Stimulus::duration_ns).max().unwrap_or(0);
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

    /// Gives the presses of a step, or the loss of supply, the length written under `for`.
    fn hold(&mut self, held: Option<(At, u64)>, stimuli: &mut [Stimulus]) {
        let Some((at, ns)) = held else { return };
        let mut presses = 0;
        for stimulus in stimuli {
            if let Stimulus::Press { for_ns, .. } = stimulus {
                *for_ns = ns;
                presses += 1;
            } else if let Stimulus::Supply { ok: false, for_ns, .. } = stimulus {
                *for_ns = Some(ns);
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

    fn power_cut(&mut self, node: &Node) -> Option<Stimulus> {
        let for_ns = self.duration(node, "`power_cut`")?;
        if for_ns == 0 {
            self.problem(at_node(node), "a power cut of no length is none", "write for example `power_cut: 3 s`");
            return None;
        }
        Some(Stimulus::PowerCut { for_ns, at: at_node(node) })
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

    pub(super) fn timed_defect(&mut self, node: &Node) -> Option<Step> {
        self.timed(node, |reader, node| {
            reader.defect(node, &["at", "channel", "input", "kind", "factor", "percent", "for"])
        })
    }

    pub(super) fn timed_supply(&mut self, node: &Node) -> Option<Step> {
        self.timed(node, |reader, node| {
            let fields = reader.fields(node, "an entry of `supply`", &["at", "ok", "for"]);
            let ok = fields.iter().find(|(key, _)| key.value.word() == "ok").map(|(_, value)| *value);
            if ok.is_none() && matches!(node.value, Value::Map(_)) {
                reader.problem(
                    at_node(node),
                    "the entry does not say how the supply is",
                    "add `ok: false` or `ok: true`",
                );
            }
            let held = fields.iter().find(|(key, _)| key.value.word() == "for");
            let held = held.and_then(|(key, value)| Some((at_node(key), reader.duration(value, "`for`")?)));
            let mut stimuli: Vec<Stimulus> = reader.supply(ok?).into_iter().collect();
            reader.hold(held, &mut stimuli);
            stimuli.pop()
        })
    }

    /// An entry of a list in which every entry has its own `at`.
    fn timed(&mut self, node: &Node, read: impl FnOnce(&mut Self, &Node) -> Option<Stimulus>) -> Option<Step> {
        let stimulus = read(self, node);
        let Value::Map(entries) = &node.value else { return None };
        let Some((_, time)) = entries.iter().find(|(key, _)| key.value.word() == "at") else {
            self.problem(at_node(node), "the entry does not say when", "add `at:` with a time, such as `at: 100 ms`");
            return None;
        };
        let at_ns = self.duration(time, "`at`")?;
        Some(Step { at_ns, at: at_node(node), stimuli: vec![stimulus?], expectations: Vec::new() })
    }

    fn supply(&mut self, node: &Node) -> Option<Stimulus> {
        if let Value::Bool(ok) = node.value {
            return Some(Stimulus::Supply { ok, for_ns: None, at: at_node(node) });
        }
        let message = format!("the supply is true (in its window) or false, here stands {}", node.value.kind());
        self.problem(at_node(node), message, "");
        None
    }

    fn defect(&mut self, node: &Node, known: &[&str]) -> Option<Stimulus> {
        let (mut channel, mut input, mut word, mut factor, mut held) = (None, None, None, None, None);
        for (key, value) in self.fields(node, "a defect", known) {
            match key.value.word().as_ref() {
                "channel" => channel = Some(self.text(value, "`channel`")?),
                "input" => input = Some(self.text(value, "`input`")?),
                "kind" => word = Some(self.text(value, "`kind`")?),
                "factor" => factor = Some(Much::Factor(self.factor(value)?)),
                "percent" => factor = Some(Much::Percent(self.percent(value)?)),
                "for" => held = Some(self.duration(value, "`for`")?),
                _ => {}
            }
        }
        match (channel, input, word) {
            (Some(channel), None, Some(word)) => {
                if held.is_some() {
                    let help = "leave `for` out, and mend the relay later with the kind `none`";
                    self.problem(word.at, "only a bouncing input has a `for`", help);
                }
                let kind = self.defect_kind(&word, factor)?;
                Some(Stimulus::Defect { channel, kind })
            }
            (None, Some(input), Some(word)) => {
                let kind = self.input_defect_kind(&word, held, factor.is_some())?;
                Some(Stimulus::InputDefect { input, kind })
            }
            (Some(_), Some(_), _) => {
                let help = "make two entries of it";
                self.problem(at_node(node), "a defect is in the relay of a channel or in the wiring of an input", help);
                None
            }
            (None, None, _) | (_, _, None) => {
                if matches!(node.value, Value::Map(_)) {
                    self.problem(
                        at_node(node),
                        "a defect needs `channel` or `input`, and `kind`",
                        "write `{ channel: NAME, kind: welded }` or `{ input: NAME, kind: bouncing, for: 20 ms }`",
                    );
                }
                None
            }
        }
    }

    fn input_defect_kind(&mut self, word: &Located, held: Option<u64>, factor: bool) -> Option<InputDefectKind> {
        let kind = match (word.text.as_str(), held) {
            ("none", _) => InputDefectKind::None,
            ("stuck_off", _) => InputDefectKind::StuckOff,
            ("stuck_on", _) => InputDefectKind::StuckOn,
            ("bouncing", Some(for_ns)) if for_ns > 0 => InputDefectKind::Bouncing { for_ns },
            ("bouncing", _) => {
                let message = "the defect does not say how long the input bounces after each change";
                self.problem(word.at, message, "add `for: 20 ms`");
                return None;
            }
            (other, _) => {
                let help = match nearest(other, InputDefectKind::WORDS) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("the kinds are {}", InputDefectKind::WORDS.join(", ")),
                };
                self.problem(word.at, format!("there is no defect `{other}` of an input"), help);
                return None;
            }
        };
        if factor || (held.is_some() && !matches!(kind, InputDefectKind::Bouncing { .. })) {
            self.problem(
                word.at,
                "only a bouncing input has a `for`, and none a `factor` or `percent`",
                "leave it out",
            );
        }
        Some(kind)
    }

    fn factor(&mut self, node: &Node) -> Option<u32> {
        if let Value::Int(number @ 2..=1_000) = node.value {
            return u32::try_from(number).ok();
        }
        self.problem(at_node(node), "`factor` is a whole number from 2 to 1000", "");
        None
    }

    fn percent(&mut self, node: &Node) -> Option<u32> {
        if let Value::Int(number @ 0..=1_000) = node.value {
            return u32::try_from(number).ok();
        }
        self.problem(at_node(node), "`percent` is a whole number from 0 to 1000", "");
        None
    }

    fn defect_kind(&mut self, word: &Located, much: Option<Much>) -> Option<DefectKind> {
        let factor = match much {
            Some(Much::Factor(factor)) => Some(factor),
            Some(Much::Percent(_)) | None => None,
        };
        let kind = match word.text.as_str() {
            "none" => DefectKind::None,
            "welded" => DefectKind::Welded,
            "open_coil" => DefectKind::OpenCoil,
            "slow" => DefectKind::Slow { factor: factor.unwrap_or(2) },
            "delays" => match much {
                Some(Much::Percent(percent)) => DefectKind::Delays { percent },
                Some(Much::Factor(_)) | None => {
                    let help = "add `percent: 150`; 100 is what the data sheet says";
                    self.problem(word.at, "the defect does not say how long its delays are", help);
                    return None;
                }
            },
            "feedback_stuck_open" => DefectKind::FeedbackStuckOpen,
            "feedback_stuck_closed" => DefectKind::FeedbackStuckClosed,
            other => {
                let help = match nearest(other, DefectKind::WORDS) {
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
        if matches!(much, Some(Much::Percent(_))) && !matches!(kind, DefectKind::Delays { .. }) {
            self.problem(word.at, "only the defect `delays` has a `percent`", "leave `percent` out");
        }
        Some(kind)
    }
}
