//! Random stimuli: drawn from a seed, and shrunk to the few that still make a test fail.
//!
//! What a person does at random: presses, switches and pauses of very different lengths, because faults hide in the short
//! ones and timers need the long ones. The same plan, seed and scan period give the same stimuli.

use crate::model::DefectKind;
use crate::prepare::{Prepared, Random};
use crate::report::TestReport;
use crate::rule::RuleKind;
use crate::stimuli::{Action, Stimuli, Timed};
use crate::suite::Version;
use bytecode::path::show;
use relay::SplitMix64;
use relay::contact::Defect;
use relay::quantity::Duration;
use runtime::io::InputDefect;
use std::fmt::Write as _;

/// Most stimuli of one run.
const EVENTS_MAX: usize = 20_000;
/// Most runs a shrinking may take: some seconds for a test of a minute.
const ATTEMPTS_MAX: usize = 400;

/// A failure that random stimuli found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The seed that gave the stimuli.
    pub seed: u64,
    /// A test of a timeline file, indented as an entry of `tests`, that fails alike.
    pub test: String,
}

/// The stimuli of one run.
#[must_use]
pub fn draw(plan: &Random, seed: u64, tick_ns: u64) -> Vec<Timed> {
    let mut generator = SplitMix64::new(seed ^ 0x7469_6d65_6c69_6e65);
    let mut levels: Vec<bool> = plan.inputs.iter().map(|input| input.initial).collect();
    let mut drawn = Vec::new();
    let mut now_ns = 0_u64;
    let Some(last) = u64::try_from(plan.inputs.len()).ok().and_then(|count| count.checked_sub(1)) else { return drawn };
    while drawn.len() < EVENTS_MAX {
        now_ns = now_ns.saturating_add(pause_ns(&mut generator, tick_ns));
        if now_ns >= plan.for_ns {
            break;
        }
        let number = usize::try_from(generator.up_to(last)).unwrap_or(0);
        let (Some(input), Some(level)) = (plan.inputs.get(number), levels.get_mut(number)) else { continue };
        let changed = !*level;
        let set = |at_ns: u64, value: bool| Timed { at_ns, action: Action::SetBit { input: input.index, value } };
        drawn.push(set(now_ns, changed));
        // Most operations are presses, which end by themselves; the others stay until the next.
        if generator.up_to(9) < 7 {
            let end_ns = now_ns.saturating_add(pause_ns(&mut generator, tick_ns));
            drawn.push(set(end_ns, *level));
        } else {
            *level = changed;
        }
    }
    drawn.retain(|timed| timed.at_ns < plan.for_ns);
    drawn.sort_by_key(|timed| timed.at_ns);
    drawn
}

/// A time a person takes, on the grid of the scans: from one scan to ten seconds.
fn pause_ns(generator: &mut SplitMix64, tick_ns: u64) -> u64 {
    let most_ns = match generator.up_to(9) {
        0..=3 => tick_ns.saturating_mul(12),
        4..=7 => 2_000_000_000,
        _ => 10_000_000_000,
    };
    let scans = generator.up_to((most_ns / tick_ns.max(1)).max(1)).max(1);
    scans.saturating_mul(tick_ns)
}

/// The fewest and earliest stimuli found that still fail. `fails` gives the time of the failure, or `None`.
pub fn shrink(drawn: Vec<Timed>, fixed: &Stimuli, tick_ns: u64, fails: impl Fn(&Stimuli) -> Option<u64>) -> Vec<Timed> {
    let mut shrinker = Shrinker { fixed, fails, attempts: 0, best: drawn };
    // What comes after the failure did not cause it.
    if let Some(at_ns) = shrinker.fails_with(&shrinker.best.clone()) {
        shrinker.best.retain(|timed| timed.at_ns <= at_ns);
    }
    shrinker.drop_chunks();
    shrinker.hurry(tick_ns);
    shrinker.drop_chunks();
    shrinker.best
}

struct Shrinker<'a, F> {
    fixed: &'a Stimuli,
    fails: F,
    attempts: usize,
    best: Vec<Timed>,
}

impl<F: Fn(&Stimuli) -> Option<u64>> Shrinker<'_, F> {
    fn fails_with(&mut self, drawn: &[Timed]) -> Option<u64> {
        if self.attempts >= ATTEMPTS_MAX {
            return None;
        }
        self.attempts += 1;
        (self.fails)(&self.fixed.with(drawn.iter().copied()))
    }

    /// Takes over a shorter script where it still fails.
    fn take(&mut self, shorter: Vec<Timed>) -> bool {
        let fails = self.fails_with(&shorter).is_some();
        if fails {
            self.best = shorter;
        }
        fails
    }

    /// Leaves out halves, quarters and so on, down to single stimuli.
    fn drop_chunks(&mut self) {
        let mut size = self.best.len().div_ceil(2).max(1);
        loop {
            let mut from = 0;
            let mut dropped = false;
            while from < self.best.len() {
                let kept = self.best.iter().enumerate();
                let kept = kept.filter(|(at, _)| !(from..from + size).contains(at)).map(|(_, timed)| *timed).collect();
                if self.take(kept) { dropped = true } else { from += size }
            }
            if size == 1 && !dropped {
                return;
            }
            if !dropped || size > 1 {
                size = (size / 2).max(1);
            }
            if self.attempts >= ATTEMPTS_MAX {
                return;
            }
        }
    }

    /// Shortens each pause as far as it goes, to round times where they do.
    fn hurry(&mut self, tick_ns: u64) {
        const MS: u64 = 1_000_000;
        for index in 0..self.best.len() {
            let before_ns = index.checked_sub(1).and_then(|last| self.best.get(last)).map_or(0, |timed| timed.at_ns);
            let Some(at_ns) = self.best.get(index).map(|timed| timed.at_ns) else { return };
            let pause_ns = at_ns.saturating_sub(before_ns);
            for shorter_ns in [0, tick_ns, 100 * MS, 500 * MS, 1_000 * MS, 3_000 * MS, 5_000 * MS] {
                if shorter_ns >= pause_ns {
                    break;
                }
                let gain_ns = pause_ns - shorter_ns;
                let moved = self.best.iter().enumerate();
                let moved = moved.map(|(at, timed)| {
                    if at < index { *timed } else { Timed { at_ns: timed.at_ns.saturating_sub(gain_ns), ..*timed } }
                });
                if self.take(moved.collect()) {
                    break;
                }
            }
        }
    }
}

/// The failing test as an entry of a timeline file.
#[must_use]
pub fn found(version: &Version, test: &Prepared, stimuli: &Stimuli, seed: u64, report: &TestReport) -> Found {
    let mut out = String::new();
    let _ = writeln!(out, "- name: {}", quoted(&format!("{} (random, seed {seed})", test.name)));
    let end_ns = report.failures.first().map_or(test.end_ns, |failure| failure.moment.time_ns);
    let _ = writeln!(out, "  until: {}", Duration::from_ns(end_ns));
    let _ = writeln!(out, "  steps:");
    for timed in stimuli.actions().iter().filter(|timed| timed.at_ns <= end_ns) {
        if let Some(action) = shown(version, &timed.action) {
            let _ = writeln!(out, "    - {{ at: {}, {action} }}", Duration::from_ns(timed.at_ns));
        }
    }
    let failed = |place: &crate::problem::Place| report.failures.first().is_some_and(|failure| failure.place == *place);
    for invariant in test.never.iter().filter(|invariant| failed(&invariant.place)) {
        let _ = writeln!(out, "  never: {}", quoted(&invariant.condition.text));
    }
    for invariant in test.always.iter().filter(|invariant| failed(&invariant.place)) {
        let _ = writeln!(out, "  always: {}", quoted(&invariant.condition.text));
    }
    for rule in test.rules.iter().filter(|rule| failed(&rule.place)) {
        let text = match &rule.kind {
            RuleKind::Within { when, then, within_ns } => {
                let within = Duration::from_ns(*within_ns);
                format!("when: {}, then: {}, within: {within}", quoted(&when.text), quoted(&then.text))
            }
            RuleKind::Hold { when: None, hold, until } => {
                format!("hold: {}, until: {}", quoted(&hold.text), quoted(&until.text))
            }
            RuleKind::Hold { when: Some(when), hold, until } => {
                format!("when: {}, hold: {}, until: {}", quoted(&when.text), quoted(&hold.text), quoted(&until.text))
            }
        };
        let _ = writeln!(out, "  always:\n    - {{ {text} }}");
    }
    let conditions = ["  never:", "  always:"];
    if !conditions.iter().any(|key| out.contains(key)) {
        // A fault of the program ends any run; the test only needs something that can fail.
        let first = version.map.inputs.iter().find(|input| !input.variable.is_empty());
        let name = first.map_or("TRUE", |input| input.variable.as_str());
        let _ = writeln!(out, "  always: {}", quoted(&format!("{name} OR NOT {name}")));
    }
    Found { seed, test: out }
}

/// Text as YAML takes it in any place.
fn quoted(text: &str) -> String {
    format!("'{}'", text.split_whitespace().collect::<Vec<_>>().join(" ").replace('\'', "''"))
}

/// The keys of a step that does this; `None` for what nobody writes.
fn shown(version: &Version, action: &Action) -> Option<String> {
    let map = &version.map;
    let input = |index: crate::stimuli::InputIndex| map.inputs.get(index.0).map(|input| input.name.as_str());
    let channel = |index: crate::names::ChannelIndex| map.outputs.get(index.0).map(|output| output.name.as_str());
    Some(match action {
        Action::SetBit { input: index, value } => format!("set: {{ {}: {value} }}", input(*index)?),
        Action::SetWord { variable, bits } => {
            let symbol = version.image.symbols.get(variable.symbol)?;
            let bytecode::image::Place::Byte(offset) = variable.place else { return None };
            let word = map.words.iter().find(|word| word.offset == offset)?;
            format!("set: {{ {}: {} }}", symbol.path, show(word.elementary, *bits))
        }
        Action::Toggle { input: index } => format!("toggle: {}", input(*index)?),
        Action::Follow { input: index, channel: of } => {
            format!("set: {{ {}: follows {}.contact }}", input(*index)?, channel(*of)?)
        }
        Action::Defect { channel: of, defect } => {
            let (kind, much) = match defect {
                None => ("none", None),
                Some(Defect::Welded) => ("welded", None),
                Some(Defect::OpenCoil) => ("open_coil", None),
                Some(Defect::Slow(percent)) if *percent >= 200 && percent % 100 == 0 => {
                    ("slow", Some(format!("factor: {}", percent / 100)))
                }
                Some(Defect::Slow(percent)) => ("delays", Some(format!("percent: {percent}"))),
                Some(Defect::FeedbackStuckOpen) => ("feedback_stuck_open", None),
                Some(Defect::FeedbackStuckClosed) => ("feedback_stuck_closed", None),
            };
            debug_assert!(DefectKind::WORDS.contains(&kind), "as the reader spells it");
            let much = much.map_or(String::new(), |much| format!(", {much}"));
            format!("defect: {{ channel: {}, kind: {kind}{much} }}", channel(*of)?)
        }
        Action::InputDefect { input: index, defect } => {
            let kind = match defect {
                None => "none".to_owned(),
                Some(InputDefect::Stuck(false)) => "stuck_off".to_owned(),
                Some(InputDefect::Stuck(true)) => "stuck_on".to_owned(),
                Some(InputDefect::Bouncing { for_ns }) => format!("bouncing, for: {}", Duration::from_ns(*for_ns)),
            };
            format!("defect: {{ input: {}, kind: {kind} }}", input(*index)?)
        }
        Action::Acknowledge { channel: of } => format!("acknowledge: {}", channel(*of)?),
        Action::Supply { ok } => format!("supply: {ok}"),
        Action::PowerCut { for_ns } => format!("power_cut: {}", Duration::from_ns(*for_ns)),
    })
}
