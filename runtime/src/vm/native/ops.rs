//! Instructions that neither branch nor call: [`bytecode::scalar`] in the code generator's own words.
//!
//! What all operands are known of is computed here and now, by the definition itself. What is rare or large calls it.

mod bools;
mod integers;

pub(super) use bools::Gates;

use super::abi::pure_number;
use super::cache::Datum;
use super::emit::{Defect, Emit, clif, flags};
use crate::vm::eval::{Pure, eval, is_pure};
use crate::vm::trap::TrapCode;
use bytecode::isa::{Role, Ty};
use bytecode::{Instr, Op, ScalarType};
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Type, Value, types};

type Done = Result<(), Defect>;

/// The operands of a pure operation.
type Operands = [Datum; 3];

impl Emit<'_, '_> {
    pub(super) fn plain(&mut self, instr: &Instr) -> Done {
        if is_pure(instr.op) {
            return self.pure(instr);
        }
        let [w0, w1, w2, w3] = instr.w;
        match instr.op {
            Op::LdBit => self.load_bit(instr),
            Op::StBit => self.store_bit(instr),
            Op::LdX => self.load_element(instr),
            Op::StX => self.store_element(instr),
            Op::Bound => self.bound(instr, w2.cast_signed(), w3.cast_signed()),
            Op::Copy => {
                let (to, from) = (self.operand_place(instr, 0), self.operand_place(instr, 1));
                let (to, from) = (self.address(to)?, self.address(from)?);
                let bytes = self.program.image.types.get(w2 as usize).ok_or(Defect)?.size;
                self.forget_memory()?;
                let bytes = self.int(types::I64, i64::from(bytes));
                let callee = self.int(types::I64, self.host.move_bytes);
                self.b.ins().call_indirect(self.host.move_bytes_signature, callee, &[to, from, bytes]);
                Ok(())
            }
            Op::Time => {
                let now = self.now();
                self.write(instr, 0, ScalarType::I64, Datum::plain(now))
            }
            Op::Bind => {
                let place = self.operand_place(instr, 2);
                let address = self.address(place)?;
                let slot = self.reference_slot(Some(w0), w1);
                self.bind(slot, address);
                Ok(())
            }
            Op::BindX => {
                let address = self.indexed(instr, 1, 2, 3)?;
                let slot = self.reference_slot(None, w0);
                self.bind(slot, address);
                Ok(())
            }
            Op::Charge => self.charge(),
            // The rest is pure, a branch, a call or a return.
            _ => Err(Defect),
        }
    }

    fn load_element(&mut self, instr: &Instr) -> Done {
        let index = self.read(instr, 2, ScalarType::I32)?;
        let name = self.element_name(instr, 1, index, 3);
        let datum = match self.element_value(name) {
            // The same element was reached before with the same index, which was checked then.
            Some(datum) => datum,
            None => {
                let (address, offset) = self.element(instr, 1, index, 3)?;
                let reach = self.index_reach(instr, 1, 3);
                self.before_read(reach, instr.ty)?;
                let datum = Datum::plain(self.b.ins().load(clif(instr.ty), flags(), address, offset));
                self.remember_element(name, reach, datum);
                datum
            }
        };
        self.write(instr, 0, instr.ty, datum)
    }

    fn store_element(&mut self, instr: &Instr) -> Done {
        let index = self.read(instr, 1, ScalarType::I32)?;
        let datum = self.read(instr, 3, instr.ty)?;
        let name = self.element_name(instr, 0, index, 2);
        let (address, offset) = self.element(instr, 0, index, 2)?;
        let reach = self.index_reach(instr, 0, 2);
        let datum = match self.condition {
            Some((happens, _)) => {
                let old = match self.element_value(name) {
                    Some(old) => old,
                    None => {
                        self.before_read(reach, instr.ty)?;
                        Datum::plain(self.b.ins().load(clif(instr.ty), flags(), address, offset))
                    }
                };
                self.choose(instr.ty, happens, old, datum)
            }
            None => datum,
        };
        let value = self.value(datum, instr.ty);
        self.before_write(reach, instr.ty, Some(name))?;
        self.b.ins().store(flags(), value, address, offset);
        self.remember_element(name, reach, Datum::plain(value));
        Ok(())
    }

    /// A number of this type.
    fn int(&mut self, ty: Type, n: i64) -> Value {
        let mask = if ty.bits() == 64 { -1 } else { (1_i64 << ty.bits()) - 1 };
        self.b.ins().iconst(ty, n & mask)
    }

    fn load_bit(&mut self, instr: &Instr) -> Done {
        let byte = self.read(instr, 1, ScalarType::U8)?;
        let byte = self.value(byte, ScalarType::U8);
        let bit = self.int(types::I8, i64::from(instr.x & 7));
        let shifted = self.b.ins().ushr(byte, bit);
        let one = self.int(types::I8, 1);
        let value = self.b.ins().band(shifted, one);
        self.write(instr, 0, ScalarType::Bool, Datum::plain(value))
    }

    fn store_bit(&mut self, instr: &Instr) -> Done {
        let value = self.read(instr, 1, ScalarType::Bool)?;
        let byte = self.read(instr, 0, ScalarType::U8)?;
        let byte = self.value(byte, ScalarType::U8);
        let bit = i64::from(instr.x & 7);
        let mask = self.int(types::I8, !(1 << bit));
        let cleared = self.b.ins().band(byte, mask);
        let result = if value == Datum::Const(0) {
            cleared
        } else {
            let value = self.value(value, ScalarType::Bool);
            let bit = self.int(types::I8, bit);
            let set = self.b.ins().ishl(value, bit);
            self.b.ins().bor(cleared, set)
        };
        self.write(instr, 0, ScalarType::U8, Datum::plain(result))
    }

    fn bound(&mut self, instr: &Instr, lower: i32, upper: i32) -> Done {
        let datum = self.read(instr, 1, instr.ty)?;
        let value = self.value(datum, instr.ty);
        let index = self.extend(value, instr.ty, types::I64);
        let low = self.int(types::I64, i64::from(lower));
        let number = self.b.ins().isub(index, low);
        let unsigned_long = instr.ty == ScalarType::U64;
        // An index far beyond 64 bits of either sign: its value is reported as the largest.
        let reported = |e: &mut Self| {
            if !unsigned_long {
                return index;
            }
            let zero = e.int(types::I64, 0);
            let huge = e.b.ins().icmp(IntCC::SignedLessThan, index, zero);
            let largest = e.int(types::I64, i64::MAX);
            e.b.ins().select(huge, largest, index)
        };
        let span = i64::from(upper) - i64::from(lower);
        let outside = if span < 0 {
            self.int(types::I8, 1)
        } else {
            let span = self.int(types::I64, span);
            self.b.ins().icmp(IntCC::UnsignedGreaterThan, number, span)
        };
        self.trap_if(outside, TrapCode::IndexOutOfBounds, reported);
        if unsigned_long && lower < 0 {
            let zero = self.int(types::I64, 0);
            let huge = self.b.ins().icmp(IntCC::SignedLessThan, index, zero);
            self.trap_if(huge, TrapCode::IndexOutOfBounds, reported);
        }
        let number = self.b.ins().ireduce(types::I32, number);
        self.write(instr, 0, ScalarType::I32, Datum::plain(number))
    }

    fn pure(&mut self, instr: &Instr) -> Done {
        let mut operands: Operands = [Datum::Const(0); 3];
        let mut count = 0;
        let mut result = ScalarType::Bool;
        for (word, role) in instr.op.roles().into_iter().enumerate() {
            match role {
                Role::Write(ty) => result = instr.role_type(ty).ok_or(Defect)?,
                Role::Read(ty) => {
                    let ty = instr.role_type(ty).ok_or(Defect)?;
                    *operands.get_mut(count).ok_or(Defect)? = self.read(instr, word, ty)?;
                    count += 1;
                }
                _ => {}
            }
        }
        let from = instr.role_type(Ty::Extra).ok_or(Defect)?;
        let pure = Pure { op: instr.op, ty: instr.ty, from };
        let datum = match self.folded(pure, operands, count) {
            Some(bits) => Datum::Const(bits),
            None => self.operation(pure, operands)?,
        };
        self.write(instr, 0, result, datum)
    }

    /// The result where every operand is known.
    fn folded(&self, pure: Pure, operands: Operands, count: usize) -> Option<u64> {
        let mut bits = [0_u64; 3];
        for (bits, datum) in bits.iter_mut().zip(operands).take(count) {
            let Datum::Const(known) = datum else { return None };
            *bits = known;
        }
        let [a, b, c] = bits;
        eval(pure, a, b, c).ok()
    }

    fn operation(&mut self, pure: Pure, operands: Operands) -> Result<Datum, Defect> {
        let [a, b, c] = operands;
        let ty = pure.ty;
        Ok(match pure.op {
            Op::Mov => a,
            Op::Sel => self.choose(ty, a, b, c),
            Op::Cvt => self.convert(pure, a),
            Op::Bits => self.same_bits(pure, a),
            Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Gt | Op::Ge if ty == ScalarType::Bool => {
                self.compare_bools(pure.op, a, b)
            }
            Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Gt | Op::Ge => self.compare(pure.op, ty, a, b),
            _ if ty == ScalarType::Bool => self.logic(pure.op, a, b)?,
            _ if ty.is_float() => self.float_operation(pure, a, b),
            _ => self.int_operation(pure, a, b)?,
        })
    }

    // --- any type ---

    /// The third operand where the first is true, else the second.
    pub(super) fn choose(&mut self, ty: ScalarType, which: Datum, no: Datum, yes: Datum) -> Datum {
        if let Datum::Const(bits) = which {
            return if bits == 0 { no } else { yes };
        }
        if ty == ScalarType::Bool && (matches!(no, Datum::Const(_)) || matches!(yes, Datum::Const(_))) {
            let not_which = self.opposite(which);
            let (if_not, if_so) = (self.conjunction(not_which, no), self.conjunction(which, yes));
            return self.disjunction(if_not, if_so);
        }
        let (condition, inverted) = self.bool_value(which);
        let (no, yes, raw) = self.both(ty, no, yes);
        let (yes, no) = if inverted { (no, yes) } else { (yes, no) };
        Datum::Ssa { value: self.b.ins().select(condition, yes, no), raw, inverted: false }
    }

    /// Two operands of which the result is one: floats may stay raw only where both came out of operations, because
    /// a NaN that was read keeps its bits.
    fn both(&mut self, ty: ScalarType, a: Datum, b: Datum) -> (Value, Value, bool) {
        let made = |d: Datum| matches!(d, Datum::Ssa { raw: true, .. } | Datum::Const(_));
        if ty.is_float() && made(a) && made(b) {
            return (self.float(a, ty), self.float(b, ty), true);
        }
        (self.value(a, ty), self.value(b, ty), false)
    }

    pub(super) fn compare(&mut self, op: Op, ty: ScalarType, a: Datum, b: Datum) -> Datum {
        let value = if ty.is_float() {
            let condition = match op {
                Op::Eq => FloatCC::Equal,
                Op::Lt => FloatCC::LessThan,
                Op::Le => FloatCC::LessThanOrEqual,
                Op::Gt => FloatCC::GreaterThan,
                Op::Ge => FloatCC::GreaterThanOrEqual,
                _ => FloatCC::NotEqual,
            };
            let (a, b) = (self.float(a, ty), self.float(b, ty));
            self.b.ins().fcmp(condition, a, b)
        } else {
            let signed = ty.is_signed();
            let condition = match op {
                Op::Eq => IntCC::Equal,
                Op::Lt if signed => IntCC::SignedLessThan,
                Op::Lt => IntCC::UnsignedLessThan,
                Op::Le if signed => IntCC::SignedLessThanOrEqual,
                Op::Le => IntCC::UnsignedLessThanOrEqual,
                Op::Gt if signed => IntCC::SignedGreaterThan,
                Op::Gt => IntCC::UnsignedGreaterThan,
                Op::Ge if signed => IntCC::SignedGreaterThanOrEqual,
                Op::Ge => IntCC::UnsignedGreaterThanOrEqual,
                _ => IntCC::NotEqual,
            };
            let (a, b) = (self.value(a, ty), self.value(b, ty));
            self.b.ins().icmp(condition, a, b)
        };
        self.gates.compared(value);
        Datum::plain(value)
    }

    pub(super) fn extend(&mut self, value: Value, from: ScalarType, to: Type) -> Value {
        if clif(from) == to {
            value
        } else if from.is_signed() {
            self.b.ins().sextend(to, value)
        } else {
            self.b.ins().uextend(to, value)
        }
    }

    // --- conversions ---

    fn convert(&mut self, pure: Pure, a: Datum) -> Datum {
        let Pure { ty, from, .. } = pure;
        let zero = |e: &mut Self| e.bits(0, from);
        match (from.is_float(), ty.is_float()) {
            (true, true) => {
                let value = self.float(a, from);
                Datum::raw(match (from, ty) {
                    (ScalarType::F32, ScalarType::F64) => self.b.ins().fpromote(types::F64, value),
                    (ScalarType::F64, ScalarType::F32) => self.b.ins().fdemote(types::F32, value),
                    _ => value,
                })
            }
            (true, false) if ty == ScalarType::Bool => {
                let value = self.float(a, from);
                let zero = zero(self);
                Datum::plain(self.b.ins().fcmp(FloatCC::NotEqual, value, zero))
            }
            (true, false) => self.evaluated(pure, a, Datum::Const(0)),
            (false, true) if from == ScalarType::U64 => self.evaluated(pure, a, Datum::Const(0)),
            (false, true) => {
                let value = self.value(a, from);
                let wide = if from == ScalarType::I64 || from == ScalarType::U32 { types::I64 } else { types::I32 };
                let value = self.extend(value, from, wide);
                Datum::plain(self.b.ins().fcvt_from_sint(clif(ty), value))
            }
            (false, false) if ty == ScalarType::Bool && from == ScalarType::Bool => a,
            (false, false) if ty == ScalarType::Bool => {
                let value = self.value(a, from);
                let zero = zero(self);
                Datum::plain(self.b.ins().icmp(IntCC::NotEqual, value, zero))
            }
            (false, false) => {
                let value = self.value(a, from);
                Datum::plain(if clif(ty).bits() < clif(from).bits() {
                    self.b.ins().ireduce(clif(ty), value)
                } else {
                    self.extend(value, from, clif(ty))
                })
            }
        }
    }

    fn same_bits(&mut self, pure: Pure, a: Datum) -> Datum {
        let Pure { ty, from, .. } = pure;
        let value = self.value(a, from);
        match (from.is_float(), ty.is_float()) {
            (true, true) => Datum::raw(value),
            (false, true) => Datum::raw(self.b.ins().bitcast(clif(ty), MemFlagsData::new(), value)),
            (true, false) => Datum::plain(self.b.ins().bitcast(clif(ty), MemFlagsData::new(), value)),
            (false, false) => Datum::plain(value),
        }
    }

    /// The result of a call of the definition.
    fn evaluated(&mut self, pure: Pure, a: Datum, b: Datum) -> Datum {
        let number = self.int(types::I64, pure_number(pure));
        let a = self.word(a, pure.operand_type());
        let b = self.word(b, pure.ty);
        let callee = self.int(types::I64, self.host.evaluate);
        let call = self.b.ins().call_indirect(self.host.evaluate_signature, callee, &[number, a, b]);
        // The signature says one result.
        let word = self.b.inst_results(call).first().copied().unwrap_or(a);
        let ty = clif(pure.ty);
        Datum::plain(match ty {
            types::F32 => {
                let bits = self.b.ins().ireduce(types::I32, word);
                self.b.ins().bitcast(types::F32, MemFlagsData::new(), bits)
            }
            types::F64 => self.b.ins().bitcast(types::F64, MemFlagsData::new(), word),
            types::I64 => word,
            _ => self.b.ins().ireduce(ty, word),
        })
    }

    /// A datum as the 64 bits the definition takes.
    fn word(&mut self, datum: Datum, ty: ScalarType) -> Value {
        if let Datum::Const(bits) = datum {
            return self.int(types::I64, bits.cast_signed());
        }
        let value = if ty.is_float() { self.float(datum, ty) } else { self.value(datum, ty) };
        let bits = match ty {
            ScalarType::F32 => self.b.ins().bitcast(types::I32, MemFlagsData::new(), value),
            ScalarType::F64 => self.b.ins().bitcast(types::I64, MemFlagsData::new(), value),
            _ => value,
        };
        if ty.size() == 8 { bits } else { self.b.ins().uextend(types::I64, bits) }
    }

    // --- floats ---

    fn float_operation(&mut self, pure: Pure, a: Datum, b: Datum) -> Datum {
        let ty = pure.ty;
        match pure.op {
            Op::Min | Op::Max => {
                let (a, b, raw) = self.both(ty, a, b);
                // In this form they are one instruction each.
                let (less, more) = if pure.op == Op::Min { (b, a) } else { (a, b) };
                let condition = self.b.ins().fcmp(FloatCC::LessThan, less, more);
                return Datum::Ssa { value: self.b.ins().select(condition, b, a), raw, inverted: false };
            }
            Op::Add | Op::Sub | Op::Mul | Op::Div | Op::Neg | Op::Abs | Op::Sqrt => {}
            _ => return self.evaluated(pure, a, b),
        }
        let (a, b) = (self.float(a, ty), self.float(b, ty));
        Datum::raw(match pure.op {
            Op::Add => self.b.ins().fadd(a, b),
            Op::Sub => self.b.ins().fsub(a, b),
            Op::Mul => self.b.ins().fmul(a, b),
            Op::Div => self.b.ins().fdiv(a, b),
            Op::Neg => self.b.ins().fneg(a),
            Op::Abs => self.b.ins().fabs(a),
            _ => self.b.ins().sqrt(a),
        })
    }
}

impl Pure {
    /// The type of its first operand.
    fn operand_type(self) -> ScalarType {
        match self.op {
            Op::Cvt | Op::Trunc | Op::Bits => self.from,
            _ => self.ty,
        }
    }
}
