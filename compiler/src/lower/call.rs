//! Calls of functions and blocks.

use super::expr::scalar;
use super::place::Spot;
use super::{Lowerer, Signal};
use crate::codegen::layout::Storage;
use crate::hir::{Call, Expr, PouId, Taken, VarId};
use crate::ir::{Base, InstKind, Mem, Target, Val};
use bytecode::{Op, ScalarType};

impl Lowerer<'_> {
    /// A call as a statement.
    pub(super) fn call(&mut self, call: &Call) {
        self.guarded(call, |this| {
            this.run(call);
        });
    }

    /// A function's result, in a temporary: the next call of the function would overwrite it.
    pub(super) fn call_value(&mut self, call: &Call, ty: ScalarType) -> Val {
        let result = Val::Temp(self.temp(ty));
        if call.enable.is_some() {
            self.mov(ty, result, Val::Const(0));
        }
        self.guarded(call, |this| {
            this.run(call);
            if let Some(var) = this.program.pous[call.pou].result {
                let mem = this.callee_mem(call.pou, None, var);
                this.mov(ty, result, Val::Mem(mem));
            }
        });
        result
    }

    /// EN and ENO around a call.
    fn guarded(&mut self, call: &Call, run: impl FnOnce(&mut Self)) {
        let enable = match &call.enable {
            None => Signal::TRUE,
            Some(enable) => {
                let signal = self.signal(enable);
                let val = self.settled(signal, None);
                Signal::new(self.pinned(ScalarType::Bool, val))
            }
        };
        let end = self.label();
        self.branch(enable, false, end);
        run(self);
        self.place_label(end);
        if let Some(eno) = &call.eno {
            let spot = self.place(eno);
            self.store(&spot, ScalarType::Bool, enable.val);
        }
    }

    fn run(&mut self, call: &Call) {
        let instance = self.instance(call);
        self.inputs(call, instance);
        self.run_on(call, instance);
    }

    /// The instance of a call; one chosen at run time is put behind a reference.
    pub(super) fn instance(&mut self, call: &Call) -> Option<Mem> {
        let place = call.instance.as_ref()?;
        let spot = self.place(place);
        self.fixed(spot, place.ty, place.span)
    }

    /// Where a parameter of the callee stands, seen from here.
    pub(super) fn callee_mem(&self, pou: PouId, instance: Option<Mem>, var: VarId) -> Mem {
        match (self.layout.storage(pou, var), instance) {
            (Storage::Own(offset), Some(instance)) => instance.plus(offset),
            (Storage::Frame(offset) | Storage::Own(offset), _) => Mem { base: Base::Frame(pou), offset },
            (Storage::Reference(_) | Storage::Image, _) => Mem { base: Base::Frame(pou), offset: 0 },
        }
    }

    /// Gives the callee its inputs, in the order of the text.
    pub(super) fn inputs(&mut self, call: &Call, instance: Option<Mem>) {
        let nested = call.inputs.iter().any(|(_, e)| e.has_call());
        if instance.is_none() && nested {
            // The function's parameters must not be overwritten by a call in a later argument.
            let mut values = Vec::new();
            for (i, (var, expr)) in call.inputs.iter().enumerate() {
                let value = if expr.ty.scalar().is_some() { Some(self.expr(expr)) } else { None };
                let later_call = call.inputs.iter().skip(i + 1).any(|(_, e)| e.has_call());
                let value = value.map(|v| if later_call { self.pinned(scalar(expr), v) } else { v });
                values.push((*var, expr, value));
            }
            for (var, expr, value) in values {
                let mem = self.callee_mem(call.pou, instance, var);
                match value {
                    Some(value) => self.mov(scalar(expr), Val::Mem(mem), value),
                    None => self.copy_array(expr, mem),
                }
            }
            return;
        }
        for (var, expr) in &call.inputs {
            let mem = self.callee_mem(call.pou, instance, *var);
            if expr.ty.scalar().is_some() {
                self.expr_into(expr, Val::Mem(mem));
            } else {
                self.copy_array(expr, mem);
            }
        }
    }

    /// Copies a whole array, the value of `expr`, to `dst`.
    pub(super) fn copy_array(&mut self, expr: &Expr, dst: Mem) {
        let crate::hir::ExprKind::Read(place) = &expr.kind else { return };
        let spot = self.place(place);
        if let Some(src) = self.fixed(spot, expr.ty, expr.span)
            && src != dst
        {
            self.emit(InstKind::Copy { dst, src, ty: expr.ty });
        }
    }

    /// Binds VAR_IN_OUT, runs the body, takes outputs.
    pub(super) fn run_on(&mut self, call: &Call, instance: Option<Mem>) {
        let mut places = Vec::new();
        for (_, place) in &call.in_outs {
            let spot = self.place(place);
            places.push(self.fixed(spot, place.ty, place.span));
        }
        for (reference, place) in (0u8..).zip(places) {
            // A VAR_IN_OUT is a variable in memory: the analysis refuses others.
            if let Some(place) = place {
                self.emit(InstKind::Bind { pou: call.pou, reference, place });
            }
        }
        let target = instance.map_or(Target::Function, Target::Instance);
        self.emit(InstKind::Call(call.pou, target));
        for taken in &call.outputs {
            self.take(call, instance, taken);
        }
    }

    fn take(&mut self, call: &Call, instance: Option<Mem>, taken: &Taken) {
        let mem = self.callee_mem(call.pou, instance, taken.output);
        let spot = self.place(&taken.place);
        let Some(ty) = taken.place.ty.scalar() else {
            if let Spot::Mem(dst) = spot {
                self.emit(InstKind::Copy { dst, src: mem, ty: taken.place.ty });
            } else if let Some(dst) = self.fixed(spot, taken.place.ty, taken.place.span) {
                self.emit(InstKind::Copy { dst, src: mem, ty: taken.place.ty });
            }
            return;
        };
        let mut value = Val::Mem(mem);
        if let Some((to, from)) = taken.convert {
            value = self.apply(Op::Cvt, to, Some(from), &[value], None);
        }
        if taken.negated {
            value = self.apply(Op::Not, ScalarType::Bool, None, &[value], None);
        }
        self.store(&spot, ty, value);
    }
}
