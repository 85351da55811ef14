//! Ladders on intervals.
//!
//! The power is followed from left to right together with what it tells: behind `NO(a)` power means that a is TRUE. These facts hold
//! for what runs only with power (contacts further right, conditions, ST); coils and blocks run in every scan and see none of them.
//!
//! From a jump that may be taken to its target, and from a RET to the end, what is written may not have been done.

use super::domain::Value;
use super::state::{Frame, Layer, Site, State};
use compiler::ast::{CoilKind, ContactKind};
use compiler::hir::{Call, Element, ElementKind, Expr, Place, Rung, Stmt, VarId};
use std::collections::BTreeSet;

/// Jumps that are under way.
#[derive(Default)]
struct Jumps {
    targets: BTreeSet<usize>,
    /// A layer for what may be skipped stands on top.
    skipping: bool,
}

/// Power, and what it tells.
struct Flow {
    power: Value,
    facts: Layer,
}

impl State<'_> {
    pub(super) fn ladder(&mut self, rungs: &[Rung], frame: &Frame) {
        let mut jumps = Jumps::default();
        for (at, rung) in rungs.iter().enumerate() {
            if jumps.targets.remove(&at) {
                let mut layer = self.pop();
                self.loosen(&mut layer);
                self.layers.push(layer);
                self.live = true;
            }
            if !self.live {
                continue;
            }
            if !self.visit() {
                return;
            }
            self.note(Site::Rung, rung.span, Value::of_bool(true));
            let start = Flow { power: Value::of_bool(true), facts: Layer::new() };
            self.series(&rung.series, start, frame, &mut jumps);
        }
        if jumps.skipping {
            let mut layer = self.pop();
            self.loosen(&mut layer);
            for (key, value) in layer {
                self.put(key, value);
            }
        }
        self.live = true;
    }

    fn series(&mut self, elements: &[Element], mut flow: Flow, frame: &Frame, jumps: &mut Jumps) -> Flow {
        for element in elements {
            if !self.visit() {
                return flow;
            }
            flow = self.element(element, flow, frame, jumps);
        }
        flow
    }

    fn element(&mut self, element: &Element, mut flow: Flow, frame: &Frame, jumps: &mut Jumps) -> Flow {
        match &element.kind {
            ElementKind::Contact { kind, operand, .. } => self.contact(*kind, operand, flow, frame),
            ElementKind::Condition(condition) => {
                if flow.power.may_be_true() {
                    self.muted += 1;
                    let value = self.eval(condition, frame);
                    self.muted -= 1;
                    self.note(Site::Condition, condition.span, value);
                }
                self.conducting(condition, true, flow, frame)
            }
            ElementKind::Invert => Flow { power: flow.power.inverted(), facts: Layer::new() },
            ElementKind::Wire => flow,
            ElementKind::Coil { kind, place, .. } => {
                self.note(Site::Coil, place.span, flow.power);
                self.coil(*kind, place, &mut flow, frame);
                flow
            }
            ElementKind::Block { call, input, output } => self.block(call, *input, *output, flow, frame),
            ElementKind::Powered { enable, body, eno } => {
                self.powered(enable.as_ref(), body, eno.as_ref(), &mut flow, frame);
                flow
            }
            ElementKind::Jump(target) => {
                self.leave(Some(*target), flow.power, jumps);
                flow
            }
            ElementKind::Return => {
                self.leave(None, flow.power, jumps);
                flow
            }
            ElementKind::Branch(legs) => self.legs(legs, &flow, frame, jumps),
        }
    }

    fn contact(&mut self, kind: ContactKind, operand: &Expr, flow: Flow, frame: &Frame) -> Flow {
        let value = self.eval(operand, frame);
        self.note(Site::Contact, operand.span, value);
        match kind {
            ContactKind::Open => self.conducting(operand, true, flow, frame),
            ContactKind::Closed => self.conducting(operand, false, flow, frame),
            ContactKind::Rise | ContactKind::Fall => {
                // What never changes has no edge; the first scan only looks.
                let moves = Value::of_truth(value.only().is_none(), true);
                let flow = self.conducting(operand, kind == ContactKind::Rise, flow, frame);
                Flow { power: flow.power.and(moves), ..flow }
            }
        }
    }

    /// Goes on where a condition holds (or does not), given what the power so far tells.
    fn conducting(&mut self, condition: &Expr, holds: bool, mut flow: Flow, frame: &Frame) -> Flow {
        if !flow.power.may_be_true() {
            return flow;
        }
        if condition.has_call() {
            // What a function writes outlives the facts, and they say nothing of what it returns.
            let value = self.eval(condition, frame);
            let passes = if holds { value } else { value.inverted() };
            return Flow { power: flow.power.and(passes), ..flow };
        }
        let live = self.live;
        self.layers.push(std::mem::take(&mut flow.facts));
        let value = self.eval(condition, frame);
        let passes = if holds { value } else { value.inverted() };
        self.suppose(condition, holds, frame);
        let possible = self.live && passes.may_be_true();
        flow.facts = self.pop();
        self.live = live;
        flow.power = Value::of_truth(possible, flow.power.may_be_false() || passes.may_be_false() || !possible);
        flow
    }

    fn coil(&mut self, kind: CoilKind, place: &Place, flow: &mut Flow, frame: &Frame) {
        self.indices(&place.steps, frame);
        let (key, weak) = self.key(place, frame);
        let power = flow.power;
        flow.facts.remove(&key);
        match kind {
            CoilKind::Normal => self.set(key, power, weak),
            CoilKind::Negated => self.set(key, power.inverted(), weak),
            CoilKind::Set if power.may_be_true() => self.set(key, Value::of_bool(true), weak || power.may_be_false()),
            CoilKind::Reset if power.may_be_true() => {
                self.set(key, Value::of_bool(false), weak || power.may_be_false())
            }
            CoilKind::Set | CoilKind::Reset => {}
            CoilKind::Rise | CoilKind::Fall => self.set(key, Value::of_truth(power.only().is_none(), true), weak),
        }
    }

    fn block(&mut self, call: &Call, input: Option<VarId>, output: Option<VarId>, flow: Flow, frame: &Frame) -> Flow {
        if let (Some(var), Some(instance)) = (input, &call.instance) {
            let (owner, part) = self.key(instance, frame);
            let key = self.keys.of(owner, call.pou, var);
            self.set(key, flow.power, part);
        }
        self.call(call, frame);
        let Some((var, instance)) = output.zip(call.instance.as_ref()) else { return flow };
        let (owner, _) = self.key(instance, frame);
        let key = self.keys.of(owner, call.pou, var);
        // The output of a TON is TRUE only while its input is; of other blocks that is not known.
        let follows = self.program.pous[call.pou].name.to_ascii_uppercase().starts_with("TON");
        let facts = if follows && self.program.pous[call.pou].library { flow.facts } else { Layer::new() };
        Flow { power: self.get(key), facts }
    }

    fn powered(&mut self, enable: Option<&Expr>, body: &[Stmt], eno: Option<&Place>, flow: &mut Flow, frame: &Frame) {
        let enabled = enable.map_or(Value::of_bool(true), |e| self.eval(e, frame));
        let runs = flow.power.and(enabled);
        if runs.may_be_true() {
            self.layers.push(flow.facts.clone());
            if let Some(enable) = enable {
                self.suppose(enable, true, frame);
            }
            self.statements(body, frame);
            let way = self.pop();
            let ends = self.live;
            let changed: Vec<_> = way.keys().copied().collect();
            let mut ways = Vec::new();
            if ends {
                ways.push(way);
            }
            if runs.may_be_false() || !ends {
                ways.push(Layer::new());
            }
            self.join(ways);
            flow.facts.retain(|key, _| !changed.contains(key));
        }
        if let Some(place) = eno {
            let (key, weak) = self.key(place, frame);
            self.set(key, runs, weak);
        }
    }

    fn legs(&mut self, legs: &[Vec<Element>], flow: &Flow, frame: &Frame, jumps: &mut Jumps) -> Flow {
        let mut power = Value::of_bool(false);
        let mut facts: Option<Layer> = None;
        for leg in legs {
            let start = Flow { power: flow.power, facts: flow.facts.clone() };
            let end = self.series(leg, start, frame, jumps);
            power = power.or(end.power);
            if end.power.may_be_true() {
                facts = Some(match facts {
                    None => end.facts,
                    // What holds whichever leg conducts.
                    Some(known) => known
                        .into_iter()
                        .filter_map(|(key, value)| end.facts.get(&key).map(|other| (key, value.join(*other))))
                        .collect(),
                });
            }
        }
        Flow { power, facts: facts.unwrap_or_default() }
    }

    /// A jump, or a return where there is no target.
    fn leave(&mut self, target: Option<usize>, power: Value, jumps: &mut Jumps) {
        if power.may_be_true() {
            if !jumps.skipping {
                self.push();
                jumps.skipping = true;
            }
            jumps.targets.extend(target);
        }
        if !power.may_be_false() {
            self.live = false;
        }
    }
}
