//! Common subexpressions: what was computed before, and is held unchanged since, is not computed again.
//!
//! Within a stretch that is entered at its top only: what is known ends at labels, and goes on behind a branch that is not
//! taken. An element that was read or written by the same index is one of these expressions; its index was checked
//! then. Only a bounded number is remembered, the latest, so the pass is linear.

use crate::ir::{Base, Func, InstKind, Mem, Temp, Val};
use bytecode::image::Access;
use bytecode::{Op, ScalarType};
use std::collections::VecDeque;

/// Expressions remembered at a time.
const KNOWN_MAX: usize = 12;

/// Stands for the result in a remembered expression.
const RESULT: Val = Val::Temp(Temp(u32::MAX));

/// An expression, and the temporary, variable or constant that holds its value.
struct Known {
    expression: InstKind,
    held: Val,
    rests_on: RestsOn,
}

/// The places that must keep their values, each with its bytes: the holder, up to three operands and the array.
type RestsOn = [(Val, u32); 5];

/// Replaces by copies what is known; is there anything it replaced?
pub(super) fn run(func: &mut Func) -> bool {
    let mut known = Table::default();
    let mut changed = false;
    for inst in &mut func.code {
        if let Some((dst, ty)) = inst.kind.written()
            && let Some(expression) = expression(&inst.kind).filter(|_| is_worth_a_copy(&inst.kind, dst))
            && let Some(held) = known.held(&expression)
        {
            let args = [held, Val::Const(0), Val::Const(0)];
            inst.kind = InstKind::Apply { op: Op::Mov, ty, source: None, dst, args };
            changed = true;
        }
        known.learn(&inst.kind);
    }
    changed
}

/// The instruction without the place of its result, where the same operands give the same result.
fn expression(kind: &InstKind) -> Option<InstKind> {
    let mut expression = *kind;
    match &mut expression {
        InstKind::Apply { op: Op::Mov, .. } => return None,
        InstKind::Apply { op, ty, args: [a, b, _], .. } => {
            // One order for both, where the order means nothing.
            let either_way = matches!(op, Op::Add | Op::Mul | Op::And | Op::Or | Op::Xor | Op::Eq | Op::Ne);
            if either_way && !ty.is_float() && order(*b) < order(*a) {
                std::mem::swap(a, b);
            }
        }
        InstKind::Load { .. } | InstKind::Bound { .. } => {}
        _ => return None,
    }
    *expression.written_mut()? = RESULT;
    Some(expression)
}

/// A copy to a temporary vanishes later. One to a variable stays, so it must be cheaper than what it replaces: counting on is
/// not, and is better seen where it is done.
fn is_worth_a_copy(kind: &InstKind, dst: Val) -> bool {
    match kind {
        _ if matches!(dst, Val::Temp(_)) => true,
        InstKind::Apply { op, ty, .. } => matches!(op, Op::Mul | Op::Div | Op::Mod) || ty.is_float(),
        _ => true,
    }
}

fn order(val: Val) -> (u8, u64) {
    match val {
        Val::Mem(mem) => (0, u64::from(mem.offset)),
        Val::Temp(temp) => (1, u64::from(temp.0)),
        Val::Const(bits) => (2, bits),
    }
}

#[derive(Default)]
struct Table {
    known: VecDeque<Known>,
    /// The highest number of a temporary that something rests on. Temporaries are numbered as they are made, so a new one
    /// is mostly above it, and nothing need be looked at.
    newest: u32,
}

impl Table {
    fn held(&self, expression: &InstKind) -> Option<Val> {
        self.known.iter().rev().find(|known| known.expression == *expression).map(|known| known.held)
    }

    fn learn(&mut self, kind: &InstKind) {
        if let Some((dst, ty)) = kind.written() {
            self.forget(dst, ty.size());
            if let Some(expression) = expression(kind) {
                self.remember(expression, dst, ty, (dst, ty.size()));
            }
        }
        match *kind {
            InstKind::StoreBit { byte, .. } => self.forget(Val::Mem(Mem { base: Base::Image, offset: byte }), 1),
            InstKind::Store { ty, base, index, access, src } => {
                let written = (Val::Mem(base), reach(access, ty));
                self.forget(written.0, written.1);
                self.remember(InstKind::Load { ty, dst: RESULT, base, index, access }, src, ty, written);
            }
            InstKind::Label(_) => self.known.clear(),
            InstKind::Copy { .. }
            | InstKind::Initialise { .. }
            | InstKind::Bind { .. }
            | InstKind::BindElement { .. }
            | InstKind::Call(..) => self.forget_memory(),
            _ => {}
        }
    }

    /// The expression has this value once `written` is written; not where that is one of its own operands
    /// (`a[a[0]] := 5` may change what `a[0]` is).
    fn remember(&mut self, mut expression: InstKind, held: Val, ty: ScalarType, written: (Val, u32)) {
        let mut changed = false;
        expression.reads(|val, ty| changed |= val.overlaps(ty.size(), written.0, written.1));
        if changed {
            return;
        }
        if self.known.len() == KNOWN_MAX {
            self.known.pop_front();
        }
        let rests_on = rests_on(expression, held, ty);
        for (val, _) in rests_on {
            if let Val::Temp(temp) = val {
                self.newest = self.newest.max(temp.0);
            }
        }
        self.known.push_back(Known { expression, held, rests_on });
    }

    /// This gets a new value.
    fn forget(&mut self, written: Val, size: u32) {
        if matches!(written, Val::Temp(temp) if temp.0 > self.newest) {
            return;
        }
        self.known.retain(|k| !k.rests_on.iter().any(|(val, bytes)| val.overlaps(*bytes, written, size)));
    }

    fn forget_memory(&mut self) {
        self.known.retain(|k| !k.rests_on.iter().any(|(val, _)| matches!(val, Val::Mem(_))));
    }
}

fn rests_on(mut expression: InstKind, held: Val, ty: ScalarType) -> RestsOn {
    let mut places = [(Val::Const(0), 0); 5];
    let mut free = places.iter_mut();
    let mut note = |val, bytes| {
        if !matches!(val, Val::Const(_))
            && let Some(place) = free.next()
        {
            *place = (val, bytes);
        }
    };
    note(held, ty.size());
    if let InstKind::Load { ty, base, access, .. } = expression {
        note(Val::Mem(base), reach(access, ty));
    }
    expression.reads(|val, ty| note(*val, ty.size()));
    places
}

/// How many bytes lie between the first element and the end of the last.
fn reach(access: Access, ty: ScalarType) -> u32 {
    access.count.saturating_sub(1).saturating_mul(access.stride).saturating_add(ty.size())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::Label;
    use crate::passes::testing::{func, kinds, mov, op, own, t};

    const ROW: Access = Access { lower: 0, count: 10, stride: 1 };

    fn after(code: Vec<InstKind>) -> Vec<InstKind> {
        let mut f = func(8, 2, code);
        run(&mut f);
        kinds(&f)
    }

    fn at(offset: u32) -> Mem {
        Mem { base: Base::Own, offset }
    }

    fn load(dst: Val, base: u32, index: Val) -> InstKind {
        InstKind::Load { ty: ScalarType::Bool, dst, base: at(base), index, access: ROW }
    }

    fn store(base: u32, index: Val, src: Val) -> InstKind {
        InstKind::Store { ty: ScalarType::Bool, base: at(base), index, access: ROW, src }
    }

    #[test]
    fn what_is_held_is_copied() {
        let code = vec![op(Op::And, t(0), own(0), own(1)), op(Op::And, t(1), own(1), own(0))];
        assert_eq!(after(code)[1], mov(t(1), t(0)));
        let beyond_a_branch = vec![
            op(Op::Xor, t(0), own(0), own(1)),
            InstKind::Branch { to: Label(0), cond: t(0), when: true },
            op(Op::Xor, t(1), own(0), own(1)),
            InstKind::Label(Label(0)),
            op(Op::Xor, t(2), own(0), own(1)),
        ];
        let after = after(beyond_a_branch.clone());
        assert_eq!(after[2], mov(t(1), t(0)));
        assert_eq!(after[4], beyond_a_branch[4]);
    }

    #[test]
    fn not_once_an_operand_or_the_holder_is_written() {
        for written in [own(0), own(1), t(0)] {
            let code =
                vec![op(Op::And, t(0), own(0), own(1)), mov(written, Val::Const(1)), op(Op::And, t(1), own(0), own(1))];
            assert_eq!(after(code.clone()), code, "{written:?}");
        }
        // Its own operand.
        let code = vec![op(Op::Xor, own(0), own(0), own(1)), op(Op::Xor, t(1), own(0), own(1))];
        assert_eq!(after(code.clone()), code);
    }

    #[test]
    fn an_element_is_read_once_and_known_when_written() {
        assert_eq!(after(vec![load(t(0), 20, own(0)), load(t(1), 20, own(0))])[1], mov(t(1), t(0)));
        assert_eq!(after(vec![store(20, own(0), t(3)), load(t(1), 20, own(0))])[1], mov(t(1), t(3)));
        // Another element of the same array, or its index, may have changed.
        for between in [store(20, own(4), t(3)), mov(own(0), Val::Const(1)), mov(own(25), Val::Const(1))] {
            let code = vec![load(t(0), 20, own(0)), between, load(t(1), 20, own(0))];
            assert_eq!(after(code.clone()), code, "{between:?}");
        }
        // Another array.
        let code = vec![load(t(0), 20, own(0)), store(40, own(4), t(3)), load(t(1), 20, own(0))];
        assert_eq!(after(code)[2], mov(t(1), t(0)));
    }

    #[test]
    fn an_element_is_not_known_where_its_index_may_have_been_written() {
        // a[a[0]] := t3; t1 := a[a[0]]
        let code = vec![store(20, own(20), t(3)), load(t(1), 20, own(20))];
        assert_eq!(after(code.clone()), code);
        // The element may be the one it is read by: b[5] := b[b[5]].
        let code = vec![load(own(25), 20, own(25)), load(t(1), 20, own(25))];
        assert_eq!(after(code.clone()), code);
    }

    #[test]
    fn a_copy_to_a_variable_replaces_only_what_costs_more() {
        let add = |dst| InstKind::Apply {
            op: Op::Add,
            ty: ScalarType::I32,
            source: None,
            dst,
            args: [own(0), Val::Const(1), Val::Const(0)],
        };
        let code = vec![add(t(0)), add(own(0))];
        assert_eq!(after(code.clone()), code);
        assert_eq!(after(vec![load(t(0), 20, own(0)), load(own(1), 20, own(0))])[1], mov(own(1), t(0)));
    }

    #[test]
    fn a_call_may_write_every_variable() {
        let call = InstKind::Call(crate::hir::PouId(1), crate::ir::Target::Function);
        let code = vec![op(Op::And, t(0), own(0), own(1)), call, op(Op::And, t(1), own(0), own(1))];
        assert_eq!(after(code.clone()), code);
        let code = vec![op(Op::And, t(0), t(5), t(6)), call, op(Op::And, t(1), t(5), t(6))];
        assert_eq!(after(code)[2], mov(t(1), t(0)));
    }
}
