//! Rungs: the power from the left rail through every element.

use super::place::Spot;
use super::{Lowerer, Signal};
use crate::ast::{CoilKind, ContactKind};
use crate::codegen::layout::Storage;
use crate::hir::{Call, Element, ElementKind, Expr, Place, Rung, Stmt, VarId};
use crate::ir::{InstKind, Label, Mem, Val};
use bytecode::{Op, ScalarType};

const BOOL: ScalarType = ScalarType::Bool;

impl Lowerer<'_> {
    pub(super) fn rungs(&mut self, rungs: &[Rung]) {
        let labels: Vec<Label> = rungs.iter().map(|_| self.label()).collect();
        for ((number, rung), label) in (0u32..).zip(rungs).zip(&labels) {
            self.rung = Some((self.pou, number));
            self.at(rung.span);
            self.place_label(*label);
            self.series(&rung.series, Signal::TRUE, &labels);
            self.held.clear();
            self.refs_in_use = 0;
        }
        self.rung = None;
    }

    /// The power behind the elements.
    fn series(&mut self, elements: &[Element], power: Signal, labels: &[Label]) -> Signal {
        let mut power = power;
        for element in elements {
            self.at(element.span);
            self.held.push(power);
            let out = self.element(element, labels);
            // The power may have been copied meanwhile.
            let before = self.held.pop().unwrap_or(power);
            power = match out {
                Out::Same => before,
                Out::Signal(signal) => signal,
            };
        }
        power
    }

    /// The power before the element being lowered.
    fn power(&self) -> Signal {
        self.held.last().copied().unwrap_or(Signal::TRUE)
    }

    fn element(&mut self, element: &Element, labels: &[Label]) -> Out {
        match &element.kind {
            ElementKind::Contact { kind, operand, memory } => self.contact(*kind, operand, *memory),
            ElementKind::Condition(condition) => self.condition(condition),
            ElementKind::Invert => Out::Signal(self.power().not()),
            ElementKind::Wire => Out::Same,
            ElementKind::Coil { kind, place, memory } => self.coil(*kind, place, *memory),
            ElementKind::Block { call, input, output } => self.block(call, *input, *output),
            ElementKind::Powered { enable, body, eno } => self.powered(enable.as_ref(), body, eno.as_ref()),
            ElementKind::Jump(to) => {
                if let Some(label) = labels.get(*to) {
                    self.branch(self.power(), true, *label);
                }
                Out::Same
            }
            ElementKind::Return => {
                let stay = self.label();
                self.branch(self.power(), false, stay);
                self.emit(InstKind::Return);
                self.place_label(stay);
                Out::Same
            }
            ElementKind::Branch(legs) => self.legs(legs, labels),
        }
    }

    fn operand(&mut self, operand: &Expr) -> Signal {
        if operand.has_call() {
            self.protect_all();
        }
        self.signal(operand)
    }

    fn contact(&mut self, kind: ContactKind, operand: &Expr, memory: Option<VarId>) -> Out {
        let now = self.operand(operand);
        let Some(memory) = memory.and_then(|m| self.memory(m)) else {
            let conducts = if kind == ContactKind::Closed { now.not() } else { now };
            return Out::Signal(self.gate(Op::And, self.power(), conducts, None));
        };
        let before = Signal::new(Val::Mem(memory));
        let edge = match kind {
            ContactKind::Fall => self.gate(Op::And, before, now.not(), None),
            ContactKind::Rise | ContactKind::Open | ContactKind::Closed => self.gate(Op::And, now, before.not(), None),
        };
        // The edge must not be the memory itself, which changes now.
        let edge = Signal { val: self.pinned(BOOL, edge.val), ..edge };
        self.remember(memory, now);
        Out::Signal(self.gate(Op::And, self.power(), edge, None))
    }

    fn memory(&self, var: VarId) -> Option<Mem> {
        match self.layout.storage(self.pou, var) {
            storage @ (Storage::Own(_) | Storage::Frame(_) | Storage::Reference(_)) => self.storage(storage),
            Storage::Image => None,
        }
    }

    fn remember(&mut self, memory: Mem, signal: Signal) {
        let dst = Val::Mem(memory);
        let value = self.settled(signal, Some(dst));
        self.mov(BOOL, dst, value);
    }

    /// Evaluated only with power where evaluating could be a fault.
    fn condition(&mut self, condition: &Expr) -> Out {
        if !condition.may_fault() || self.power().constant() == Some(true) {
            let holds = self.operand(condition);
            return Out::Signal(self.gate(Op::And, self.power(), holds, None));
        }
        if condition.has_call() {
            self.protect_all();
        }
        let result = Val::Temp(self.temp(BOOL));
        let skip = self.label();
        self.mov(BOOL, result, Val::Const(0));
        self.branch(self.power(), false, skip);
        self.expr_into(condition, result);
        self.place_label(skip);
        Out::Signal(Signal::new(result))
    }

    fn protect_spot(&mut self, spot: &Spot) {
        match spot {
            Spot::Mem(mem) => self.protect(*mem, 8),
            // Bits are read into temporaries at once.
            Spot::Bit { .. } => {}
            Spot::Element { .. } => self.protect_all(),
            Spot::Part { whole, .. } => self.protect_spot(whole),
        }
    }

    fn coil(&mut self, kind: CoilKind, place: &Place, memory: Option<VarId>) -> Out {
        if place.has_call() {
            self.protect_all();
        }
        let spot = self.place(place);
        self.protect_spot(&spot);
        let power = self.power();
        match kind {
            CoilKind::Normal => self.drive(&spot, power),
            CoilKind::Negated => self.drive(&spot, power.not()),
            CoilKind::Set => self.latch(&spot, power, Op::Or),
            CoilKind::Reset => self.latch(&spot, power.not(), Op::And),
            CoilKind::Rise | CoilKind::Fall => {
                let Some(memory) = memory.and_then(|m| self.memory(m)) else { return Out::Same };
                let before = Signal::new(Val::Mem(memory));
                let edge = if kind == CoilKind::Rise {
                    self.gate(Op::And, power, before.not(), None)
                } else {
                    self.gate(Op::And, before, power.not(), None)
                };
                let edge = Signal { val: self.pinned(BOOL, edge.val), ..edge };
                self.remember(memory, power);
                self.drive(&spot, edge);
            }
        }
        Out::Same
    }

    fn drive(&mut self, spot: &Spot, signal: Signal) {
        let dst = if let Spot::Mem(mem) = spot { Some(Val::Mem(*mem)) } else { None };
        let value = self.settled(signal, dst);
        self.store(spot, BOOL, value);
    }

    /// `x := x OR power` or `x := x AND NOT power` (the signal comes inverted).
    fn latch(&mut self, spot: &Spot, signal: Signal, op: Op) {
        let dst = if let Spot::Mem(mem) = spot { Some(Val::Mem(*mem)) } else { None };
        let now = Signal::new(self.load(spot, BOOL, None));
        let next = self.gate(op, now, signal, dst);
        let value = self.settled(next, dst);
        self.store(spot, BOOL, value);
    }

    fn block(&mut self, call: &Call, input: Option<VarId>, output: Option<VarId>) -> Out {
        self.protect_all();
        let instance = self.instance(call);
        if let Some(input) = input {
            let pin = Val::Mem(self.callee_mem(call.pou, instance, input));
            let value = self.settled(self.power(), Some(pin));
            self.mov(BOOL, pin, value);
        }
        self.inputs(call, instance);
        self.run_on(call, instance);
        if let Some(eno) = &call.eno {
            let spot = self.place(eno);
            self.store(&spot, BOOL, Val::Const(1));
        }
        match output {
            Some(output) => {
                let pin = Val::Mem(self.callee_mem(call.pou, instance, output));
                // A reference may point elsewhere by the time the power is used.
                let behind = matches!(pin, Val::Mem(Mem { base: crate::ir::Base::Ref(_), .. }));
                Out::Signal(Signal::new(if behind { self.pinned(BOOL, pin) } else { pin }))
            }
            None => Out::Same,
        }
    }

    fn powered(&mut self, enable: Option<&Expr>, body: &[Stmt], eno: Option<&Place>) -> Out {
        self.protect_all();
        let on = match enable {
            None => self.power(),
            Some(enable) => {
                let enable = self.operand(enable);
                let on = self.gate(Op::And, self.power(), enable, None);
                Signal { val: self.pinned(BOOL, on.val), ..on }
            }
        };
        let skip = self.label();
        self.branch(on, false, skip);
        self.statements(body);
        self.place_label(skip);
        if let Some(eno) = eno {
            let spot = self.place(eno);
            self.drive(&spot, on);
        }
        if enable.is_some() { Out::Signal(on) } else { Out::Same }
    }

    fn legs(&mut self, legs: &[Vec<Element>], labels: &[Label]) -> Out {
        // Below the power into the branch: what the legs so far let through.
        let mut joined = false;
        for leg in legs {
            let into = if joined { self.held.iter().rev().nth(1).copied() } else { self.held.last().copied() };
            let out = self.series(leg, into.unwrap_or(Signal::TRUE), labels);
            if joined {
                let before = self.held.pop().unwrap_or(Signal::TRUE);
                let out = self.gate(Op::Or, before, out, None);
                self.held.push(out);
            } else {
                self.held.push(out);
                joined = true;
            }
        }
        match joined {
            true => Out::Signal(self.held.pop().unwrap_or(Signal::TRUE)),
            false => Out::Same,
        }
    }
}

/// The power behind an element.
enum Out {
    /// That before it.
    Same,
    /// Another.
    Signal(Signal),
}
