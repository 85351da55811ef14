//! Statements.

use super::expr::scalar;
use super::place::Spot;
use super::{Loop, Lowerer, Signal};
use crate::evaluate::{bits_int, int_bits};
use crate::hir::{CaseArm, Expr, ForLoop, Place, Stmt, StmtKind};
use crate::ir::{InstKind, Label, Val};
use crate::types::int_range;
use bytecode::{Op, ScalarType};

impl Lowerer<'_> {
    pub(super) fn statements(&mut self, statements: &[Stmt]) {
        for statement in statements {
            let refs = self.refs_in_use;
            self.at(statement.span);
            self.statement(statement);
            self.refs_in_use = refs;
        }
    }

    fn statement(&mut self, statement: &Stmt) {
        match &statement.kind {
            StmtKind::Assign(place, value) => self.assign(place, value),
            StmtKind::Call(call) => self.call(call),
            StmtKind::If { branches, otherwise } => self.if_statement(branches, otherwise),
            StmtKind::Case { selector, arms, otherwise } => self.case(selector, arms, otherwise),
            StmtKind::For(parts) => self.for_loop(statement, parts),
            StmtKind::While(condition, body) => self.while_loop(statement, condition, body),
            StmtKind::Repeat(body, until) => self.repeat(statement, body, until),
            StmtKind::Exit => {
                if let Some(end) = self.loops.last().map(|l| l.end) {
                    self.emit(InstKind::Jump(end));
                }
            }
            StmtKind::Continue => {
                if let Some(next) = self.loops.last().map(|l| l.next) {
                    self.emit(InstKind::Jump(next));
                }
            }
            StmtKind::Return => self.emit(InstKind::Return),
        }
    }

    fn assign(&mut self, place: &Place, value: &Expr) {
        let Some(ty) = place.ty.scalar() else {
            let spot = self.place(place);
            if let Some(dst) = self.fixed(spot, place.ty, place.span) {
                self.copy_array(value, dst);
            }
            return;
        };
        if !place.may_fault() && !place.has_call() {
            let spot = self.place(place);
            if let Spot::Mem(mem) = spot {
                self.expr_into(value, Val::Mem(mem));
            } else {
                let value = self.expr(value);
                self.store(&spot, ty, value);
            }
            return;
        }
        let mut result = self.expr(value);
        if place.has_call() {
            result = self.pinned(ty, result);
        }
        let spot = self.place(place);
        self.store(&spot, ty, result);
    }

    /// Jumps where the signal has the value `when`.
    pub(super) fn branch(&mut self, signal: Signal, when: bool, to: Label) {
        match signal.constant() {
            Some(value) if value == when => self.emit(InstKind::Jump(to)),
            Some(_) => {}
            None => self.emit(InstKind::Branch { to, cond: signal.val, when: when != signal.inverted }),
        }
    }

    fn if_statement(&mut self, branches: &[(Expr, Vec<Stmt>)], otherwise: &[Stmt]) {
        let end = self.label();
        for (i, (condition, body)) in branches.iter().enumerate() {
            let next = self.label();
            self.at(condition.span);
            let signal = self.signal(condition);
            self.branch(signal, false, next);
            self.statements(body);
            if i + 1 < branches.len() || !otherwise.is_empty() {
                self.emit(InstKind::Jump(end));
            }
            self.place_label(next);
        }
        self.statements(otherwise);
        self.place_label(end);
    }

    fn case(&mut self, selector: &Expr, arms: &[CaseArm], otherwise: &[Stmt]) {
        let ty = scalar(selector);
        let value = self.expr(selector);
        let labels: Vec<Label> = arms.iter().map(|_| self.label()).collect();
        for ((ranges, _), label) in arms.iter().zip(&labels) {
            for (low, high) in ranges {
                self.case_range(ty, value, *low, *high, *label);
            }
        }
        let end = self.label();
        let other = self.label();
        self.emit(InstKind::Jump(other));
        for ((_, body), label) in arms.iter().zip(&labels) {
            self.place_label(*label);
            self.statements(body);
            self.emit(InstKind::Jump(end));
        }
        self.place_label(other);
        self.statements(otherwise);
        self.place_label(end);
    }

    fn case_range(&mut self, ty: ScalarType, value: Val, low: i128, high: i128, to: Label) {
        let bits = |v: i128| Val::Const(int_bits(v, ty));
        if low == high {
            let hit = self.apply(Op::Eq, ty, None, &[value, bits(low)], None);
            self.emit(InstKind::Branch { to, cond: hit, when: true });
            return;
        }
        let above = self.apply(Op::Ge, ty, None, &[value, bits(low)], None);
        let below = self.apply(Op::Le, ty, None, &[value, bits(high)], None);
        let hit = self.apply(Op::And, ScalarType::Bool, None, &[above, below], None);
        self.emit(InstKind::Branch { to, cond: hit, when: true });
    }

    fn looped(&mut self, body: &[Stmt]) -> Label {
        let (end, next) = (self.label(), self.label());
        self.loops.push(Loop { end, next });
        self.statements(body);
        self.loops.pop();
        self.place_label(next);
        end
    }

    fn while_loop(&mut self, statement: &Stmt, condition: &Expr, body: &[Stmt]) {
        self.at(condition.span);
        let signal = self.signal(condition);
        let skip = self.label();
        self.branch(signal, false, skip);
        let top = self.label();
        self.place_label(top);
        let end = self.looped(body);
        self.at(if condition.span.is_empty() { statement.span } else { condition.span });
        let signal = self.signal(condition);
        self.branch(signal, true, top);
        self.place_label(end);
        self.place_label(skip);
    }

    fn repeat(&mut self, statement: &Stmt, body: &[Stmt], until: &Expr) {
        let top = self.label();
        self.place_label(top);
        let end = self.looped(body);
        self.at(if until.span.is_empty() { statement.span } else { until.span });
        let signal = self.signal(until);
        self.branch(signal, false, top);
        self.place_label(end);
    }

    /// The last value and the step are evaluated once, before the first value is assigned. Whether another pass follows
    /// is decided before the step, so that a loop up to the greatest value of its type comes to its end.
    fn for_loop(&mut self, statement: &Stmt, parts: &ForLoop) {
        let ForLoop { variable, from, to, by, body } = parts;
        let ty = scalar(to);
        let spot = self.place(variable);
        let first = self.expr(from);
        let first = if to.has_call() || by.has_call() { self.pinned(ty, first) } else { first };
        let limit = self.expr(to);
        let limit = self.pinned(ty, limit);
        let step = self.expr(by);
        let step = self.pinned(ty, step);
        self.store(&spot, ty, first);
        let skip = self.label();
        let up = match step {
            Val::Const(bits) => Some(bits_int(bits, ty) >= 0),
            Val::Temp(_) | Val::Mem(_) => None,
        };
        let constants = match (first, limit) {
            (Val::Const(a), Val::Const(b)) => Some((bits_int(a, ty), bits_int(b, ty))),
            _ => None,
        };
        match (up, constants) {
            (Some(true), Some((a, b))) if a <= b => {}
            (Some(false), Some((a, b))) if a >= b => {}
            (Some(_), Some(_)) => self.emit(InstKind::Jump(skip)),
            (Some(up), None) => {
                let now = self.load(&spot, ty, None);
                let enter = self.apply(if up { Op::Le } else { Op::Ge }, ty, None, &[now, limit], None);
                self.emit(InstKind::Branch { to: skip, cond: enter, when: false });
            }
            (None, _) => {
                let enter = self.within(&spot, ty, limit, step);
                self.emit(InstKind::Branch { to: skip, cond: enter, when: false });
            }
        }
        let last = up.map(|up| self.last_start(ty, limit, step, up));
        let top = self.label();
        self.place_label(top);
        let end = self.looped(body);
        self.at(statement.span);
        let again = match (up, last) {
            (Some(up), Some(last)) => {
                let now = self.load(&spot, ty, None);
                let again = self.apply(if up { Op::Lt } else { Op::Gt }, ty, None, &[now, last], None);
                self.advance(&spot, ty, step);
                again
            }
            _ => self.advance_unknown(&spot, ty, limit, step),
        };
        self.emit(InstKind::Branch { to: top, cond: again, when: true });
        self.place_label(end);
        self.place_label(skip);
    }

    fn advance(&mut self, spot: &Spot, ty: ScalarType, step: Val) {
        let now = self.load(spot, ty, None);
        match spot {
            Spot::Mem(mem) => {
                self.apply(Op::Add, ty, None, &[now, step], Some(Val::Mem(*mem)));
            }
            Spot::Bit { .. } | Spot::Element { .. } | Spot::Part { .. } => {
                let next = self.apply(Op::Add, ty, None, &[now, step], None);
                self.store(spot, ty, next);
            }
        }
    }

    /// Another pass follows from values strictly before this one: `limit - (step - 1)` upwards, `limit - (step + 1)`
    /// downwards, kept within the type.
    fn last_start(&mut self, ty: ScalarType, limit: Val, step: Val, up: bool) -> Val {
        let Val::Const(bits) = step else { return limit };
        let step = bits_int(bits, ty);
        let distance = if up { step - 1 } else { step + 1 };
        let (low, high) = int_range(ty).unwrap_or((0, 0));
        if let Val::Const(limit) = limit {
            let last = (bits_int(limit, ty) - distance).clamp(low, high);
            return Val::Const(int_bits(last, ty));
        }
        if distance == 0 {
            return limit;
        }
        let edge = if up { low } else { high };
        let moved = self.apply(Op::Sub, ty, None, &[limit, Val::Const(int_bits(distance, ty))], None);
        let wrapped = self.apply(if up { Op::Gt } else { Op::Lt }, ty, None, &[moved, limit], None);
        self.apply(Op::Sel, ty, None, &[wrapped, moved, Val::Const(int_bits(edge, ty))], None)
    }

    /// Is the control variable not beyond the limit, in the direction of the step?
    fn within(&mut self, spot: &Spot, ty: ScalarType, limit: Val, step: Val) -> Val {
        let now = self.load(spot, ty, None);
        let below = self.apply(Op::Le, ty, None, &[now, limit], None);
        let above = self.apply(Op::Ge, ty, None, &[now, limit], None);
        let up = self.apply(Op::Ge, ty, None, &[step, Val::Const(0)], None);
        self.apply(Op::Sel, ScalarType::Bool, None, &[up, above, below], None)
    }

    /// A step whose sign is known only at run time: go on while it moves the value without wrapping and not beyond the
    /// limit. A step of 0 ends the loop after one pass.
    fn advance_unknown(&mut self, spot: &Spot, ty: ScalarType, limit: Val, step: Val) -> Val {
        let now = self.load(spot, ty, None);
        let before = self.apply(Op::Mov, ty, None, &[now], None);
        self.advance(spot, ty, step);
        let next = self.load(spot, ty, None);
        let rises = self.apply(Op::Gt, ty, None, &[next, before], None);
        let falls = self.apply(Op::Lt, ty, None, &[next, before], None);
        let up = self.apply(Op::Ge, ty, None, &[step, Val::Const(0)], None);
        let moves = self.apply(Op::Sel, ScalarType::Bool, None, &[up, falls, rises], None);
        let inside = self.within(spot, ty, limit, step);
        self.apply(Op::And, ScalarType::Bool, None, &[moves, inside], None)
    }
}
