//! Statements and calls on intervals.
//!
//! A loop's body is run until the set of what it writes grows no more; all of that is then unknown but for what it can ever be,
//! and the body is run once more from there.

use super::domain::Value;
use super::state::{Frame, Layer, Site, State};
use compiler::hir::{Body, Call, Class, Expr, ForLoop, Stmt, StmtKind};
use std::collections::HashMap;

/// Runs of a loop's body until what it writes is known. A body has at most as many levels of conditions as may nest.
const LOOP_ROUNDS_MAX: u32 = 8;

impl State<'_> {
    /// The body of a unit.
    pub(super) fn run_unit(&mut self, frame: &Frame) {
        let before = std::mem::take(&mut self.returned);
        let program = self.program;
        self.push();
        match &program.pous[frame.unit].body {
            Body::Statements(list) => self.statements(list, frame),
            Body::Ladder(rungs) => self.ladder(rungs, frame),
        }
        let mut layer = self.pop();
        if self.returned {
            self.loosen(&mut layer);
        }
        self.live = true;
        for (key, value) in layer {
            self.put(key, value);
        }
        self.returned = before;
    }

    pub(super) fn statements(&mut self, list: &[Stmt], frame: &Frame) {
        for statement in list {
            if !self.live || !self.visit() {
                return;
            }
            self.statement(statement, frame);
        }
    }

    fn statement(&mut self, statement: &Stmt, frame: &Frame) {
        match &statement.kind {
            StmtKind::Assign(place, value) => {
                let value = self.eval(value, frame);
                self.indices(&place.steps, frame);
                let (key, weak) = self.key(place, frame);
                // A bit of a word says nothing about the word but that it changed.
                let bits = place.steps.iter().any(|s| matches!(s, compiler::hir::Step::Bits { .. }));
                let value = if bits { Value::full(self.keys.ty(key)) } else { value };
                self.set(key, value, weak);
            }
            StmtKind::Call(call) => {
                self.call(call, frame);
            }
            StmtKind::If { branches, otherwise } => self.branches(branches, otherwise, frame),
            StmtKind::Case { selector, arms, otherwise } => self.case(selector, arms, otherwise, frame),
            StmtKind::For(l) => self.counted(l, frame),
            StmtKind::While(condition, body) => {
                let value = self.condition(condition, frame);
                if !value.may_be_true() {
                    return;
                }
                self.repeat(frame, |state, frame| {
                    state.condition(condition, frame);
                    state.suppose(condition, true, frame);
                    state.statements(body, frame);
                });
                if !leaves_early(body) {
                    self.suppose(condition, false, frame);
                }
            }
            StmtKind::Repeat(body, until) => {
                self.repeat(frame, |state, frame| {
                    state.statements(body, frame);
                    state.live = true;
                    state.condition(until, frame);
                });
                if !leaves_early(body) {
                    self.suppose(until, true, frame);
                }
            }
            StmtKind::Exit | StmtKind::Continue => self.live = false,
            StmtKind::Return => {
                self.returned = true;
                self.live = false;
            }
        }
    }

    /// A condition, which is noted.
    pub(super) fn condition(&mut self, condition: &Expr, frame: &Frame) -> Value {
        let value = self.eval(condition, frame);
        self.note(Site::Condition, condition.span, value);
        value
    }

    fn branches(&mut self, branches: &[(Expr, Vec<Stmt>)], otherwise: &[Stmt], frame: &Frame) {
        let mut ways: Vec<Layer> = Vec::new();
        // What is known where no condition held so far.
        self.push();
        for (condition, body) in branches {
            if !self.live {
                break;
            }
            let value = self.condition(condition, frame);
            if value.may_be_true() {
                self.push();
                self.suppose(condition, true, frame);
                self.statements(body, frame);
                let way = self.pop();
                if self.live {
                    let mut whole = self.layers.last().cloned().unwrap_or_default();
                    whole.extend(way);
                    ways.push(whole);
                }
            }
            self.live = value.may_be_false();
            if self.live {
                self.suppose(condition, false, frame);
            }
        }
        self.statements(otherwise, frame);
        let rest = self.pop();
        if self.live {
            ways.push(rest);
        }
        self.join(ways);
    }

    fn case(&mut self, selector: &Expr, arms: &[compiler::hir::CaseArm], otherwise: &[Stmt], frame: &Frame) {
        let value = self.eval(selector, frame);
        self.note(Site::Selector, selector.span, value);
        let mut ways = Vec::new();
        for (ranges, body) in arms {
            let parts = ranges.iter().filter_map(|(low, high)| value.meet(Value::Range(*low, *high)));
            let Some(hull) = parts.reduce(Value::join) else { continue };
            self.push();
            self.suppose_selector(selector, hull, frame);
            self.statements(body, frame);
            let way = self.pop();
            if self.live {
                ways.push(way);
            }
            self.live = true;
        }
        if !covers(arms, value) {
            self.push();
            self.statements(otherwise, frame);
            let way = self.pop();
            if self.live {
                ways.push(way);
            }
        }
        self.join(ways);
    }

    fn suppose_selector(&mut self, selector: &Expr, value: Value, frame: &Frame) {
        if let compiler::hir::ExprKind::Read(place) = &selector.kind {
            let (key, weak) = self.key(place, frame);
            if !weak {
                self.assume(key, value);
            }
        }
    }

    fn counted(&mut self, l: &ForLoop, frame: &Frame) {
        let (from, to, by) = (self.eval(&l.from, frame), self.eval(&l.to, frame), self.eval(&l.by, frame));
        let (key, weak) = self.key(&l.variable, frame);
        let full = Value::full(l.variable.ty);
        // What it is in the passes, and behind the last one: a step further.
        let ways = match (from, to, by) {
            (Value::Range(low, _), Value::Range(_, high), Value::Range(step, most)) if step > 0 => {
                (low <= high).then_some((Value::Range(low, high), Value::Range(low, high + most)))
            }
            (Value::Range(_, high), Value::Range(low, _), Value::Range(most, step)) if step < 0 => {
                (low <= high).then_some((Value::Range(low, high), Value::Range(low + most, high)))
            }
            _ => Some((full, full)),
        };
        self.set(key, from, weak);
        let Some((passes, ends)) = ways else { return };
        self.repeat(frame, |state, frame| {
            state.set(key, passes, weak);
            state.statements(&l.body, frame);
        });
        self.set(key, l.variable.ty.scalar().map_or(full, |scalar| ends.within(scalar)), true);
    }

    /// A loop: what its body writes can afterwards be anything it can ever be.
    fn repeat(&mut self, frame: &Frame, mut body: impl FnMut(&mut Self, &Frame)) {
        let mut unknown = Layer::new();
        for _ in 0..LOOP_ROUNDS_MAX {
            self.layers.push(unknown.clone());
            body(self, frame);
            self.live = true;
            let layer = self.pop();
            let before = unknown.len();
            for (key, value) in layer {
                let ever = self.at_start(key).join(value);
                unknown.entry(key).and_modify(|v| *v = v.join(ever)).or_insert(ever);
            }
            if unknown.len() == before {
                break;
            }
        }
        for (key, value) in unknown {
            let now = self.get(key);
            self.put(key, value.join(now));
        }
    }

    /// A call as a statement or in a rung; gives what the function returns.
    pub(super) fn call(&mut self, call: &Call, frame: &Frame) -> Value {
        let enabled = call.enable.as_ref().map(|e| self.eval(e, frame));
        let result = match enabled {
            Some(value) if !value.may_be_true() => Value::full(self.result_type(call)),
            Some(value) if value.may_be_false() => {
                self.push();
                let result = self.enter(call, frame);
                let way = self.pop();
                self.join(vec![way, Layer::new()]);
                result
            }
            Some(_) | None => self.enter(call, frame),
        };
        if let Some(place) = &call.eno {
            let (key, weak) = self.key(place, frame);
            self.set(key, enabled.unwrap_or(Value::of_bool(true)), weak);
        }
        result
    }

    /// What a call returns.
    pub(super) fn call_value(&mut self, call: &Call, frame: &Frame) -> Value {
        let result = self.call(call, frame);
        let off = call.enable.is_some();
        // Without EN the result is 0.
        if off { result.join(super::eval::constant(0, self.result_type(call).scalar())) } else { result }
    }

    fn result_type(&self, call: &Call) -> compiler::types::Ty {
        let pou = &self.program.pous[call.pou];
        pou.result.map_or(compiler::types::Ty::VOID, |var| pou.vars[var].ty)
    }

    fn enter(&mut self, call: &Call, frame: &Frame) -> Value {
        let values: Vec<Value> = call.inputs.iter().map(|(_, e)| self.eval(e, frame)).collect();
        let (owner, part) = match &call.instance {
            Some(place) => {
                self.indices(&place.steps, frame);
                self.key(place, frame)
            }
            None => (self.keys.frame(call.pou), false),
        };
        let mut references = HashMap::new();
        for (var, place) in &call.in_outs {
            self.indices(&place.steps, frame);
            references.insert(*var, self.key(place, frame));
        }
        let inner = Frame { owner, unit: call.pou, references };
        let program = self.program;
        let pou = &program.pous[call.pou];
        if call.instance.is_none() {
            self.begin_function(pou, &inner);
        }
        for ((var, _), value) in call.inputs.iter().zip(values) {
            let key = self.keys.of(owner, call.pou, *var);
            // One of several instances: the others keep what they have.
            self.set(key, value, part);
        }
        if pou.library {
            self.library(&inner, part);
        } else if self.visit() {
            self.push();
            self.run_unit(&inner);
            let way = self.pop();
            let ways = if part { vec![way, Layer::new()] } else { vec![way] };
            self.join(ways);
        }
        for taken in &call.outputs {
            let from = self.keys.of(owner, call.pou, taken.output);
            let value = self.get(from);
            let value = if taken.negated { value.inverted() } else { value };
            let value = if taken.convert.is_some() { Value::full(taken.place.ty) } else { value };
            let (key, weak) = self.key(&taken.place, frame);
            self.set(key, value, weak);
        }
        let result = pou.result.map(|var| self.keys.of(owner, call.pou, var));
        result.map_or(Value::Any, |key| self.get(key))
    }

    /// A function has no memory: what it does not write is what it is declared to be.
    fn begin_function(&mut self, pou: &compiler::hir::Pou, inner: &Frame) {
        for (var, variable) in pou.variables() {
            if matches!(variable.class, Class::InOut) {
                continue;
            }
            let key = self.keys.of(inner.owner, inner.unit, var);
            if let Some(initial) = self.keys.info(key).map(|info| info.initial) {
                self.set(key, initial, false);
            }
        }
    }
}

/// Do the arms name every value the selector can have?
fn covers(arms: &[compiler::hir::CaseArm], value: Value) -> bool {
    let Value::Range(low, high) = value else { return false };
    let mut ranges: Vec<(i128, i128)> = arms.iter().flat_map(|(ranges, _)| ranges.iter().copied()).collect();
    ranges.sort_unstable();
    let mut next = low;
    for (from, to) in ranges {
        if from > next {
            break;
        }
        next = next.max(to.saturating_add(1));
    }
    next > high
}

/// Is there an EXIT or RETURN in a loop's body, so that its condition says nothing about what follows?
fn leaves_early(body: &[Stmt]) -> bool {
    body.iter().any(|statement| match &statement.kind {
        StmtKind::Exit | StmtKind::Return => true,
        StmtKind::If { branches, otherwise } => {
            branches.iter().any(|(_, b)| leaves_early(b)) || leaves_early(otherwise)
        }
        StmtKind::Case { arms, otherwise, .. } => arms.iter().any(|(_, b)| leaves_early(b)) || leaves_early(otherwise),
        // An EXIT in there leaves the inner loop only; a RETURN is told by the unit.
        StmtKind::For(_) | StmtKind::While(..) | StmtKind::Repeat(..) => false,
        StmtKind::Assign(..) | StmtKind::Call(_) | StmtKind::Continue => false,
    })
}
