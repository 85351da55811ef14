//! What is known within a stretch of straight code: constants, copies, bits of the process image.
//!
//! Facts end at labels; those about memory end where it may be written. Only a bounded number is remembered, so
//! the pass is linear; forgetting one only costs an instruction.

use crate::codegen::layout::Layout;
use crate::evaluate::evaluate;
use crate::ir::{Base, Func, InstKind, Mem, Val, arity};
use crate::map::{HashMap, HashSet};
use bytecode::{Op, ScalarType};
use std::collections::VecDeque;

/// Equalities remembered at a time.
const FACTS_MAX: usize = 24;

/// `left` holds what `right` holds, both of this type.
#[derive(Clone, Copy)]
struct Fact {
    left: Val,
    right: Val,
    ty: ScalarType,
}

struct State {
    facts: VecDeque<Fact>,
    /// Temporaries and constants that hold the bit of the process image.
    bits: HashMap<(u32, u8), Val>,
    /// Whatever stands in `bits`, or did.
    holders: HashSet<Val>,
    /// Bytes of the input image, which no code writes.
    input_bytes: u32,
}

pub(super) fn run(layout: &Layout, func: &mut Func) {
    let [input_bytes, ..] = layout.areas;
    let mut state =
        State { facts: VecDeque::new(), bits: HashMap::default(), holders: HashSet::default(), input_bytes };
    for inst in &mut func.code {
        state.replace_reads(&mut inst.kind);
        inst.kind = simplified(inst.kind);
        if let InstKind::LoadBit { dst, byte, bit } = inst.kind
            && let Some(known) = state.bits.get(&(byte, bit)).copied()
        {
            let args = [known, Val::Const(0), Val::Const(0)];
            inst.kind = InstKind::Apply { op: Op::Mov, ty: ScalarType::Bool, source: None, dst, args };
        }
        state.learn(&inst.kind);
    }
}

impl State {
    fn replace_reads(&self, kind: &mut InstKind) {
        // A reference may only be followed where the code said so: places of indexed operations stay as they are.
        kind.reads(|val, ty| {
            if let Some(fact) = self.facts.iter().rev().find(|f| f.left == *val && f.ty == ty) {
                *val = fact.right;
            }
        });
    }

    /// `written` gets a new value.
    fn forget(&mut self, written: Val, size: u32) {
        self.facts.retain(|f| {
            let fact_size = f.ty.size();
            !f.left.overlaps(fact_size, written, size) && !f.right.overlaps(fact_size, written, size)
        });
        // Nearly every temporary is written once, before it holds a bit: no bit need be looked at.
        if self.holders.remove(&written) {
            self.bits.retain(|_, held| *held != written);
        }
        if let Val::Mem(Mem { base: Base::Image, .. }) = written {
            self.bits.clear();
        }
    }

    fn forget_memory(&mut self) {
        let in_memory = |v: Val| matches!(v, Val::Mem(_));
        self.facts.retain(|f| !in_memory(f.left) && !in_memory(f.right));
        let inputs = self.input_bytes;
        self.bits.retain(|(byte, _), _| *byte < inputs);
    }

    fn know(&mut self, left: Val, right: Val, ty: ScalarType) {
        if left == right {
            return;
        }
        // Constants serve from everywhere. A variable is not replaced by a temporary, which would only live longer.
        let useful = match (left, right) {
            (Val::Const(_), _) => false,
            (_, Val::Const(_)) | (Val::Temp(_), _) => true,
            (Val::Mem(_), Val::Temp(_) | Val::Mem(_)) => false,
        };
        if useful {
            self.facts.push_back(Fact { left, right, ty });
            if self.facts.len() > FACTS_MAX {
                self.facts.pop_front();
            }
        }
    }

    fn hold(&mut self, byte: u32, bit: u8, by: Val) {
        self.bits.insert((byte, bit), by);
        self.holders.insert(by);
    }

    fn learn(&mut self, kind: &InstKind) {
        if let Some((dst, ty)) = kind.written() {
            self.forget(dst, ty.size());
        }
        match *kind {
            InstKind::Apply { op: Op::Mov, ty, dst, args: [src, ..], .. } => self.know(dst, src, ty),
            InstKind::LoadBit { dst: dst @ Val::Temp(_), byte, bit } => {
                self.hold(byte, bit, dst);
            }
            InstKind::StoreBit { byte, bit, src } => {
                self.forget(Val::Mem(Mem { base: Base::Image, offset: byte }), 1);
                if !matches!(src, Val::Mem(_)) {
                    self.hold(byte, bit, src);
                }
            }
            InstKind::Label(_) => {
                self.facts.clear();
                self.bits.clear();
                self.holders.clear();
            }
            InstKind::Store { .. }
            | InstKind::Copy { .. }
            | InstKind::Initialise { .. }
            | InstKind::BindElement { .. }
            | InstKind::Call(..) => self.forget_memory(),
            InstKind::Apply { .. }
            | InstKind::LoadBit { .. }
            | InstKind::Load { .. }
            | InstKind::Bound { .. }
            | InstKind::Bind { .. }
            | InstKind::Jump(_)
            | InstKind::Branch { .. }
            | InstKind::Return => {}
        }
    }
}

/// The same with constants worked out.
fn simplified(kind: InstKind) -> InstKind {
    let InstKind::Apply { op, ty, source, dst, args } = kind else { return kind };
    let mov = |src: Val| {
        let ty = crate::ir::result_type(op, ty);
        InstKind::Apply { op: Op::Mov, ty, source: None, dst, args: [src, Val::Const(0), Val::Const(0)] }
    };
    let [a, b, c] = args;
    let constant = |v: Val| if let Val::Const(bits) = v { Some(bits) } else { None };
    let all_constant = args.iter().take(arity(op)).all(|v| constant(*v).is_some());
    if op != Op::Mov && op != Op::Time && all_constant {
        let bits = |v: Val| constant(v).unwrap_or(0);
        if let Some(value) = evaluate(op, ty, source, bits(a), bits(b), bits(c)) {
            return mov(Val::Const(value));
        }
    }
    let (left, right) = (constant(a), constant(b));
    let bool = ty == ScalarType::Bool;
    match (op, left, right) {
        (Op::Sel, Some(0), _) => mov(b),
        (Op::Sel, Some(_), _) => mov(c),
        (Op::And, _, Some(1)) | (Op::Or | Op::Xor, _, Some(0)) if bool => mov(a),
        (Op::And, Some(1), _) | (Op::Or | Op::Xor, Some(0), _) if bool => mov(b),
        (Op::And, _, Some(0)) | (Op::And, Some(0), _) | (Op::AndNot, Some(0), _) | (Op::AndNot, _, Some(1)) if bool => {
            mov(Val::Const(0))
        }
        (Op::Or, _, Some(1)) | (Op::Or, Some(1), _) | (Op::OrNot, Some(1), _) | (Op::OrNot, _, Some(0)) if bool => {
            mov(Val::Const(1))
        }
        (Op::AndNot, _, Some(0)) | (Op::OrNot, _, Some(1)) if bool => mov(a),
        (Op::Add, _, Some(0)) | (Op::Sub, _, Some(0)) | (Op::Mul | Op::Div, _, Some(1)) if ty.is_int() => mov(a),
        (Op::Add, Some(0), _) | (Op::Mul, Some(1), _) if ty.is_int() => mov(b),
        _ => kind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::Label;
    use crate::passes::testing::{func, kinds, mov, op, own, t};

    fn after(temps: usize, code: Vec<InstKind>) -> Vec<InstKind> {
        let mut f = func(temps, 1, code);
        let mut layout = Layout::default();
        layout.areas = [8, 8, 0];
        run(&layout, &mut f);
        kinds(&f)
    }

    #[test]
    fn constants_travel_through_variables_until_they_are_written() {
        let code = vec![mov(own(0), Val::Const(1)), op(Op::And, own(1), own(0), own(2))];
        assert_eq!(after(0, code)[1], mov(own(1), own(2)));
        let call = InstKind::Call(crate::hir::PouId(1), crate::ir::Target::Function);
        let code = vec![mov(own(0), Val::Const(1)), call, op(Op::And, own(1), own(0), own(2))];
        assert_eq!(after(0, code.clone()), code);
        let label = InstKind::Label(Label(0));
        let code = vec![mov(own(0), Val::Const(1)), label, op(Op::And, own(1), own(0), own(2))];
        assert_eq!(after(0, code.clone()), code);
    }

    #[test]
    fn a_write_behind_a_reference_ends_what_is_known() {
        let behind = Val::Mem(Mem { base: Base::Ref(0), offset: 0 });
        let code = vec![mov(own(0), Val::Const(1)), mov(behind, own(5)), mov(own(1), own(0))];
        assert_eq!(after(0, code.clone()), code);
    }

    #[test]
    fn a_bit_is_loaded_once_and_a_stored_bit_is_known() {
        let load = |dst| InstKind::LoadBit { dst, byte: 0, bit: 3 };
        assert_eq!(after(2, vec![load(t(0)), load(t(1))])[1], mov(t(1), t(0)));
        let store = InstKind::StoreBit { byte: 8, bit: 0, src: t(0) };
        let load_output = InstKind::LoadBit { dst: t(1), byte: 8, bit: 0 };
        assert_eq!(after(2, vec![store, load_output])[1], mov(t(1), t(0)));
        let call = InstKind::Call(crate::hir::PouId(1), crate::ir::Target::Function);
        assert_eq!(after(2, vec![store, call, load_output])[2], load_output, "the callee may write outputs");
        assert_eq!(after(2, vec![load(t(0)), call, load(t(1))])[2], mov(t(1), t(0)), "inputs are frozen");
    }
}
