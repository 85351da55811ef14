//! What a test does: each stimulus with its input or channel found, and its value checked.

use super::value::{bits, shown};
use super::{InputName, Preparer};
use crate::model::{At, DefectKind, InputDefectKind, Literal, LiteralKind, Located, Stimulus};
use crate::names::Source;
use crate::stimuli::{Action, InputIndex, Timed};
use bytecode::near::nearest;
use bytecode::types::Elementary;
use relay::contact::Defect;
use runtime::io::InputDefect;

impl Preparer<'_> {
    pub(super) fn stimulus(&mut self, at_ns: u64, stimulus: &Stimulus, actions: &mut Vec<Timed>) {
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

    pub(super) fn bit_input(&mut self, name: &Located) -> Option<InputIndex> {
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
}
