//! Expressions.

use super::{Lowerer, Signal};
use crate::hir::{Expr, ExprKind, Place};
use crate::ir::{InstKind, Val};
use bytecode::{Op, ScalarType};

impl Lowerer<'_> {
    /// The value of an expression, possibly the variable itself.
    pub(super) fn expr(&mut self, expr: &Expr) -> Val {
        self.value(expr, None)
    }

    /// Writes the value of an expression to `dst`.
    pub(super) fn expr_into(&mut self, expr: &Expr, dst: Val) {
        let ty = scalar(expr);
        let value = self.value(expr, Some(dst));
        self.mov(ty, dst, value);
    }

    /// The value; where the last operation can choose, it goes to `dst`.
    fn value(&mut self, expr: &Expr, dst: Option<Val>) -> Val {
        let ty = scalar(expr);
        if ty == ScalarType::Bool {
            let signal = self.signal_into(expr, dst);
            return self.settled(signal, dst);
        }
        match &expr.kind {
            ExprKind::Const(bits) => Val::Const(*bits),
            ExprKind::Read(place) => self.read(place, ty, dst),
            ExprKind::Apply { op, scalar, source, args } => self.operation(*op, *scalar, *source, args, dst),
            ExprKind::Select { selector, inputs } => self.select(selector, inputs, ty),
            ExprKind::Enabled { enable, value, eno } => self.enabled(enable, value, eno.as_deref(), ty),
            ExprKind::Call(call) => self.call_value(call, ty),
            // Lazy operators are BOOL; the others end in the analysis.
            ExprKind::Lazy { .. } | ExprKind::Int(_) | ExprKind::Real(_) | ExprKind::Error => Val::Const(0),
        }
    }

    fn read(&mut self, place: &Place, ty: ScalarType, dst: Option<Val>) -> Val {
        let spot = self.place(place);
        match (&spot, dst) {
            // A plain variable is used where it stands.
            (super::place::Spot::Mem(mem), _) => Val::Mem(*mem),
            (_, dst) => self.load(&spot, ty, dst),
        }
    }

    /// Operands in order; what a later operand's call could change is copied.
    fn operands(&mut self, args: &[Expr]) -> Vec<Val> {
        let mut values = Vec::with_capacity(args.len());
        // Nothing stands before the first one.
        let last_call = args.iter().skip(1).rposition(Expr::has_call).map_or(0, |at| at + 1);
        for (i, arg) in args.iter().enumerate() {
            let mut value = self.expr(arg);
            if matches!(value, Val::Mem(_)) && i < last_call {
                value = self.pinned(scalar(arg), value);
            }
            values.push(value);
        }
        values
    }

    fn operation(
        &mut self,
        op: Op,
        ty: ScalarType,
        source: Option<ScalarType>,
        args: &[Expr],
        dst: Option<Val>,
    ) -> Val {
        let values = self.operands(args);
        // A fault is shown where the divisor stands. What follows keeps the place until the next statement.
        let faults = crate::ir::may_trap(op, ty);
        if values.len() <= 3 && !(values.len() == 3 && crate::ir::arity(op) == 2) {
            if let (true, Some(divisor)) = (faults, args.get(1)) {
                self.at(divisor.span);
            }
            return self.apply(op, ty, source, &values, dst);
        }
        // A chain: ((a op b) op c) op d
        let last = values.len().saturating_sub(1);
        let mut values = values.into_iter();
        let mut result = values.next().unwrap_or(Val::Const(0));
        for ((i, value), arg) in values.enumerate().zip(args.iter().skip(1)) {
            if faults {
                self.at(arg.span);
            }
            let dst = if i + 1 == last { dst } else { None };
            result = self.apply(op, ty, source, &[result, value], dst);
        }
        result
    }

    /// A bool, inversion carried along.
    pub(super) fn signal(&mut self, expr: &Expr) -> Signal {
        self.signal_into(expr, None)
    }

    fn signal_into(&mut self, expr: &Expr, dst: Option<Val>) -> Signal {
        match &expr.kind {
            ExprKind::Const(bits) => Signal::new(Val::Const(u64::from(*bits != 0))),
            ExprKind::Read(place) => Signal::new(self.read(place, ScalarType::Bool, dst)),
            ExprKind::Apply { op: Op::Not, args, .. } => match args.first() {
                Some(inner) => self.signal(inner).not(),
                None => Signal::TRUE,
            },
            ExprKind::Apply { op: op @ (Op::And | Op::Or | Op::Xor), scalar: ScalarType::Bool, args, .. } => {
                self.gate_chain(*op, args, dst)
            }
            ExprKind::Apply { op, scalar, source, args } => {
                Signal::new(self.operation(*op, *scalar, *source, args, dst))
            }
            ExprKind::Lazy { and, left, right } => self.lazy(*and, left, right),
            ExprKind::Select { selector, inputs } => Signal::new(self.select(selector, inputs, ScalarType::Bool)),
            ExprKind::Enabled { enable, value, eno } => {
                Signal::new(self.enabled(enable, value, eno.as_deref(), ScalarType::Bool))
            }
            ExprKind::Call(call) => Signal::new(self.call_value(call, ScalarType::Bool)),
            ExprKind::Int(_) | ExprKind::Real(_) | ExprKind::Error => Signal::new(Val::Const(0)),
        }
    }

    fn gate_chain(&mut self, op: Op, args: &[Expr], dst: Option<Val>) -> Signal {
        let last = args.len().saturating_sub(1);
        let last_call = args.iter().rposition(Expr::has_call).unwrap_or(0);
        let mut result: Option<Signal> = None;
        for (i, arg) in args.iter().enumerate() {
            let mut next = self.signal(arg);
            if matches!(next.val, Val::Mem(_)) && i < last_call {
                next.val = self.pinned(ScalarType::Bool, next.val);
            }
            let dst = if i == last { dst } else { None };
            result = Some(match result {
                None => next,
                Some(before) => self.gate(op, before, next, dst),
            });
        }
        result.unwrap_or(Signal::TRUE)
    }

    /// AND, OR or XOR of two signals with at most one operation.
    pub(super) fn gate(&mut self, op: Op, a: Signal, b: Signal, dst: Option<Val>) -> Signal {
        match (op, a.constant(), b.constant()) {
            (Op::And, Some(true), _) | (Op::Or, Some(false), _) | (Op::Xor, Some(false), _) => return b,
            (Op::And, _, Some(true)) | (Op::Or, _, Some(false)) | (Op::Xor, _, Some(false)) => return a,
            (Op::And, Some(false), _) | (Op::And, _, Some(false)) => return Signal::TRUE.not(),
            (Op::Or, Some(true), _) | (Op::Or, _, Some(true)) => return Signal::TRUE,
            (Op::Xor, Some(true), _) => return b.not(),
            (Op::Xor, _, Some(true)) => return a.not(),
            _ => {}
        }
        let ty = ScalarType::Bool;
        let (x, y) = (a.val, b.val);
        let (op, args, inverted) = match (op, a.inverted, b.inverted) {
            (Op::And, false, false) => (Op::And, [x, y], false),
            (Op::And, false, true) => (Op::AndNot, [x, y], false),
            (Op::And, true, false) => (Op::AndNot, [y, x], false),
            (Op::And, true, true) => (Op::Or, [x, y], true),
            (Op::Or, false, false) => (Op::Or, [x, y], false),
            (Op::Or, false, true) => (Op::OrNot, [x, y], false),
            (Op::Or, true, false) => (Op::OrNot, [y, x], false),
            (Op::Or, true, true) => (Op::And, [x, y], true),
            (_, p, q) => (Op::Xor, [x, y], p != q),
        };
        // An inverted result still needs its inversion, so it must not go to the destination yet.
        let dst = if inverted { None } else { dst };
        Signal { val: self.apply(op, ty, None, &args, dst), inverted }
    }

    /// The bool itself, inverted now if it has to be.
    pub(super) fn settled(&mut self, signal: Signal, dst: Option<Val>) -> Val {
        if let Some(constant) = signal.constant() {
            return Val::Const(u64::from(constant));
        }
        if signal.inverted { self.apply(Op::Not, ScalarType::Bool, None, &[signal.val], dst) } else { signal.val }
    }

    fn lazy(&mut self, and: bool, left: &Expr, right: &Expr) -> Signal {
        let first = self.signal(left);
        if !right.may_fault() && !right.has_call() {
            // Nobody can tell whether the right side was worked out.
            let second = self.signal(right);
            return self.gate(if and { Op::And } else { Op::Or }, first, second, None);
        }
        let result = Val::Temp(self.temp(ScalarType::Bool));
        let end = self.label();
        let first = self.settled(first, Some(result));
        self.mov(ScalarType::Bool, result, first);
        self.emit(InstKind::Branch { to: end, cond: result, when: !and });
        self.expr_into(right, result);
        self.place_label(end);
        Signal::new(result)
    }

    fn select(&mut self, selector: &Expr, inputs: &[Expr], ty: ScalarType) -> Val {
        let index_ty = scalar(selector);
        let index = self.expr(selector);
        let index = if inputs.iter().any(Expr::has_call) { self.pinned(index_ty, index) } else { index };
        let values = self.operands(inputs);
        let upper = i32::try_from(values.len().saturating_sub(1)).unwrap_or(i32::MAX);
        let number = Val::Temp(self.temp(ScalarType::I32));
        self.at(selector.span);
        self.emit(InstKind::Bound { ty: index_ty, dst: number, index, lower: 0, upper });
        let mut result = values.first().copied().unwrap_or(Val::Const(0));
        for (i, value) in (0u64..).zip(values).skip(1) {
            let chosen = self.apply(Op::Eq, ScalarType::I32, None, &[number, Val::Const(i)], None);
            result = self.apply(Op::Sel, ty, None, &[chosen, result, value], None);
        }
        result
    }

    fn enabled(&mut self, enable: &Expr, value: &Expr, eno: Option<&Place>, ty: ScalarType) -> Val {
        let result = Val::Temp(self.temp(ty));
        let enable = self.signal(enable);
        let enable = self.settled(enable, None);
        let enable = self.pinned(ScalarType::Bool, enable);
        self.mov(ty, result, Val::Const(0));
        let end = self.label();
        self.emit(InstKind::Branch { to: end, cond: enable, when: false });
        self.expr_into(value, result);
        self.place_label(end);
        if let Some(eno) = eno {
            let spot = self.place(eno);
            self.store(&spot, ScalarType::Bool, enable);
        }
        result
    }
}

/// The scalar type of an expression's value; arrays are handled before they come here.
pub(super) fn scalar(expr: &Expr) -> ScalarType {
    expr.ty.scalar().unwrap_or(ScalarType::Bool)
}
