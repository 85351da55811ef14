//! Turns of a wide region, several at a time: see [`super::super::vector`].

use super::super::cache::{Datum, Key};
use super::super::flat::Place;
use super::super::lines::key_of;
use super::super::ranges::Right;
use super::super::vector::{VECTOR_BYTES, Wide};
use super::{Defect, Done, Emit, clif, flags};
use bytecode::isa::{Role, Ty};
use bytecode::scalar::{NAN32_BITS, NAN64_BITS};
use bytecode::{Instr, Op, ScalarType, Window};
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{BlockArg, ConstantData, Endianness, InstBuilder, MemFlagsData, Type, Value, types};

/// A vector: one scalar of each turn.
#[derive(Clone, Copy)]
struct Lanes {
    value: Value,
    /// Floats whose NaN may not be the canonical one yet.
    raw: bool,
    /// A constant: none of them is a NaN that was read.
    constant: bool,
}

impl Lanes {
    const fn plain(value: Value) -> Self {
        Self { value, raw: false, constant: false }
    }
}

/// A store of floats that may hold another NaN than the canonical one.
#[derive(Clone, Copy)]
struct Stored {
    /// Base and row.
    name: (Place, u32),
    value: Value,
    ty: ScalarType,
    address: Value,
    offset: i32,
}

/// What the turns know.
#[derive(Default)]
struct Turns {
    /// Scalars of these turns, the latest last.
    scalars: Vec<(Key, Lanes)>,
    /// Scalars that are the same in all turns.
    splats: Vec<(Scalar, Lanes)>,
    /// Elements by base and row.
    elements: Vec<(Place, u32, Lanes)>,
    /// The number of the first of these turns, and of each.
    counter: Option<(Value, Value)>,
    /// What holds that number.
    numbered: Vec<Key>,
    /// The canonical NaN in every lane.
    nans: Vec<(ScalarType, Value)>,
    stored: Vec<Stored>,
}

/// A scalar that is the same in all turns.
#[derive(Clone, Copy, PartialEq)]
enum Scalar {
    Named(Key),
    Constant(ScalarType, u64),
}

fn vector_of(ty: ScalarType) -> Type {
    clif(ty).by(VECTOR_BYTES / ty.size()).unwrap_or(types::I8X16)
}

impl Emit<'_, '_> {
    /// Turns of the region whose residents have just been loaded, as many as fit and can be paid; the rest, one at least,
    /// is the loop's.
    pub(super) fn wide_turns(&mut self, wide: &Wide) -> Done {
        let ty = wide.counter_ty;
        let counter = self.variable(wide.counter, ty);
        let first = self.b.use_var(counter);
        let (lanes, units) = (i64::from(wide.lanes), i64::from(wide.units));
        let begin = self.extend(first, ty, types::I64);
        let limit = match wide.limit {
            Right::Constant(bits) => self.bits(bits, ty),
            Right::Resident(key) => {
                let variable = self.variable(key, ty);
                self.b.use_var(variable)
            }
        };
        let limit = self.extend(limit, ty, types::I64);
        let turns = self.b.ins().isub(limit, begin);
        // All but the last one, rounded down.
        let spare = self.b.ins().iadd_imm_s(turns, if wide.at_most { 0 } else { -1 });
        let spare = self.b.ins().band_imm_s(spare, -lanes);
        let cost = self.b.ins().imul_imm_s(spare, units);
        let left = self.b.use_var(self.left);
        let some = self.b.ins().icmp_imm_s(IntCC::SignedGreaterThan, spare, 0);
        let paid = self.b.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, left, cost);
        let go = self.b.ins().band(some, paid);
        let (start, turn, after) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        self.b.ins().brif(go, start, &[], after, &[]);

        self.b.switch_to_block(start);
        self.b.seal_block(start);
        let rest = self.b.ins().isub(left, cost);
        let spare = self.b.ins().ireduce(types::I32, spare);
        let first = self.b.ins().ireduce(types::I32, begin);
        let end = self.b.ins().iadd(first, spare);
        let mut turns = Turns::default();
        let steps = self.prepare(wide, &mut turns)?;
        self.b.ins().jump(turn, &[BlockArg::Value(first)]);

        let number = self.b.append_block_param(turn, types::I32);
        self.b.switch_to_block(turn);
        let all = self.b.ins().splat(types::I32X4, number);
        let numbers = self.b.ins().iadd(all, steps);
        turns.counter = Some((number, numbers));
        for at in wide.wanted.clone() {
            self.wide_line(at, &mut turns)?;
        }
        self.mend_nans(&turns)?;
        let next = self.b.ins().iadd_imm_s(number, lanes);
        let more = self.b.ins().icmp(IntCC::NotEqual, next, end);
        let done = self.b.create_block();
        self.b.ins().brif(more, turn, &[BlockArg::Value(next)], done, &[]);
        self.b.seal_block(turn);
        self.b.switch_to_block(done);
        self.b.seal_block(done);
        self.b.def_var(self.left, rest);
        let end = if ty.size() < 4 { self.b.ins().ireduce(clif(ty), end) } else { end };
        self.b.def_var(counter, end);
        self.b.ins().jump(after, &[]);
        self.b.switch_to_block(after);
        self.b.seal_block(after);
        self.wide.clear();
        Ok(())
    }

    fn at_line(&mut self, at: u32) -> Result<&'_ Instr, Defect> {
        self.at = at;
        self.line = *self.flat.lines.get(at as usize).ok_or(Defect)?;
        self.scope = *self.flat.scopes.get(self.line.scope as usize).ok_or(Defect)?;
        self.program.instr(self.line).ok_or(Defect)
    }

    /// Makes what is the same in all turns; the numbers of the lanes.
    fn prepare(&mut self, wide: &Wide, turns: &mut Turns) -> Result<Value, Defect> {
        turns.numbered.clone_from(&wide.indices);
        turns.numbered.push(wide.counter);
        let mut made: Vec<Key> = turns.numbered.clone();
        for at in wide.wanted.clone() {
            let instr = *self.at_line(at)?;
            for (word, role) in instr.op.roles().into_iter().enumerate() {
                let Role::Read(ty) = role else { continue };
                let ty = instr.role_type(ty).ok_or(Defect)?;
                // The index, too, is the counter.
                let Some(scalar) = self.scalar(&instr, word, ty)? else { return Err(Defect) };
                if matches!(scalar, Scalar::Named(key) if made.contains(&key))
                    || turns.splats.iter().any(|s| s.0 == scalar)
                {
                    continue;
                }
                let value = match scalar {
                    Scalar::Constant(ty, bits) => self.bits(bits, ty),
                    Scalar::Named(key) => {
                        let variable = self.variable(key, ty);
                        self.b.use_var(variable)
                    }
                };
                let value = self.b.ins().splat(vector_of(ty), value);
                let constant = matches!(scalar, Scalar::Constant(..));
                turns.splats.push((scalar, Lanes { constant, ..Lanes::plain(value) }));
            }
            if instr.ty.is_float() && !turns.nans.iter().any(|(ty, _)| *ty == instr.ty) {
                let bits = if instr.ty == ScalarType::F32 { u64::from(NAN32_BITS) } else { NAN64_BITS };
                let nan = self.bits(bits, instr.ty);
                turns.nans.push((instr.ty, self.b.ins().splat(vector_of(instr.ty), nan)));
            }
            if matches!(instr.op.roles(), [Role::Write(_), ..]) {
                made.extend(key_of(self.operand_place(&instr, 0)));
            }
        }
        let numbers: Vec<u8> = (0..4_i32).flat_map(i32::to_le_bytes).collect();
        let numbers = self.b.func.dfg.constants.insert(ConstantData::from(numbers));
        Ok(self.b.ins().vconst(types::I32X4, numbers))
    }

    fn scalar(&mut self, instr: &Instr, word: usize, ty: ScalarType) -> Result<Option<Scalar>, Defect> {
        let operand = instr.operand(word);
        if operand.window() == Some(Window::Const) {
            let Datum::Const(bits) = self.constant(operand, ty)? else { return Err(Defect) };
            return Ok(Some(Scalar::Constant(ty, bits)));
        }
        Ok(key_of(self.operand_place(instr, word)).map(Scalar::Named))
    }

    fn wide_read(&mut self, instr: &Instr, word: usize, ty: ScalarType, turns: &Turns) -> Result<Lanes, Defect> {
        let scalar = self.scalar(instr, word, ty)?.ok_or(Defect)?;
        if let Scalar::Named(key) = scalar {
            if let Some((_, lanes)) = turns.scalars.iter().rev().find(|(made, _)| *made == key) {
                return Ok(*lanes);
            }
            if let Some((_, numbers)) = turns.counter.filter(|_| turns.numbered.contains(&key)) {
                return Ok(Lanes::plain(numbers));
            }
        }
        turns.splats.iter().find(|(made, _)| *made == scalar).map(|(_, lanes)| *lanes).ok_or(Defect)
    }

    fn wide_line(&mut self, at: u32, turns: &mut Turns) -> Done {
        let instr = *self.at_line(at)?;
        let (number, _) = turns.counter.ok_or(Defect)?;
        let element = |e: &mut Self, base, row| e.element(&instr, base, Datum::plain(number), row);
        match instr.op {
            Op::LdX => {
                let name = (self.operand_place(&instr, 1), instr.operand(3).0);
                let known = turns.elements.iter().rev().find(|e| (e.0, e.1) == name).map(|e| e.2);
                let lanes = match known {
                    Some(lanes) => lanes,
                    None => {
                        let (address, offset) = element(self, 1, 3)?;
                        let value = self.b.ins().load(vector_of(instr.ty), flags(), address, offset);
                        turns.elements.push((name.0, name.1, Lanes::plain(value)));
                        Lanes::plain(value)
                    }
                };
                self.wide_write(&instr, lanes, turns)
            }
            Op::StX => {
                let lanes = self.wide_read(&instr, 3, instr.ty, turns)?;
                let (address, offset) = element(self, 0, 2)?;
                self.b.ins().store(flags(), lanes.value, address, offset);
                let name = (self.operand_place(&instr, 0), instr.operand(2).0);
                // What was there before is there no more, and not to be mended.
                turns.stored.retain(|stored| stored.name != name);
                if lanes.raw {
                    turns.stored.push(Stored { name, value: lanes.value, ty: instr.ty, address, offset });
                }
                turns.elements.push((name.0, name.1, lanes));
                Ok(())
            }
            _ => {
                let lanes = self.wide_operation(&instr, turns)?;
                self.wide_write(&instr, lanes, turns)
            }
        }
    }

    fn wide_write(&mut self, instr: &Instr, lanes: Lanes, turns: &mut Turns) -> Done {
        let key = key_of(self.operand_place(instr, 0)).ok_or(Defect)?;
        turns.scalars.push((key, lanes));
        Ok(())
    }

    /// Stores the canonical NaN where another was stored. One look at all of them: hardly ever is there any.
    fn mend_nans(&mut self, turns: &Turns) -> Done {
        let mut odd: Option<Value> = None;
        for pair in turns.stored.chunks(2) {
            let [first, ..] = pair else { continue };
            // All of them are of one type: their size is that of all scalars here.
            let other = pair.last().unwrap_or(first);
            let mask = self.b.ins().fcmp(FloatCC::Unordered, first.value, other.value);
            let mask = self.as_lanes(mask, types::I32X4);
            odd = Some(match odd {
                Some(odd) => self.b.ins().bor(odd, mask),
                None => mask,
            });
        }
        let Some(odd) = odd else { return Ok(()) };
        let any = self.b.ins().vany_true(odd);
        let (mend, next) = (self.cold_block(), self.b.create_block());
        self.b.ins().brif(any, mend, &[], next, &[]);
        self.b.switch_to_block(mend);
        self.b.seal_block(mend);
        for Stored { value, ty, address, offset, .. } in turns.stored.iter().copied() {
            let value = self.wide_canonical(value, ty, turns)?;
            self.b.ins().store(flags(), value, address, offset);
        }
        self.b.ins().jump(next, &[]);
        self.b.switch_to_block(next);
        self.b.seal_block(next);
        Ok(())
    }

    /// The canonical NaN for any NaN.
    fn wide_canonical(&mut self, value: Value, ty: ScalarType, turns: &Turns) -> Result<Value, Defect> {
        let nan = turns.nans.iter().find(|(of, _)| *of == ty).map(|(_, nan)| *nan).ok_or(Defect)?;
        let odd = self.b.ins().fcmp(FloatCC::Unordered, value, value);
        Ok(self.wide_choose(odd, nan, value))
    }

    fn as_lanes(&mut self, value: Value, ty: Type) -> Value {
        self.b.ins().bitcast(ty, MemFlagsData::new().with_endianness(Endianness::Little), value)
    }

    fn wide_choose(&mut self, mask: Value, yes: Value, no: Value) -> Value {
        let ty = self.b.func.dfg.value_type(yes);
        let mask = self.as_lanes(mask, ty);
        self.b.ins().bitselect(mask, yes, no)
    }

    fn wide_operation(&mut self, instr: &Instr, turns: &Turns) -> Result<Lanes, Defect> {
        let from = instr.role_type(Ty::Extra).ok_or(Defect)?;
        let ty = instr.ty;
        let a = self.wide_read(instr, 1, if instr.op == Op::Cvt { from } else { ty }, turns)?;
        if matches!(instr.op, Op::Mov) {
            return Ok(a);
        }
        let unary = matches!(instr.op, Op::Not | Op::Neg | Op::Abs | Op::Sqrt | Op::Cvt);
        let b = if unary { a } else { self.wide_read(instr, 2, ty, turns)? };
        if matches!(instr.op, Op::Min | Op::Max) {
            return self.wide_extreme(instr.op, ty, [a, b], turns);
        }
        let (x, y) = (a.value, b.value);
        let ins = self.b.ins();
        let value = match instr.op {
            Op::Cvt => ins.fcvt_from_sint(types::F32X4, x),
            Op::Add if ty.is_float() => ins.fadd(x, y),
            Op::Sub if ty.is_float() => ins.fsub(x, y),
            Op::Mul if ty.is_float() => ins.fmul(x, y),
            Op::Div => ins.fdiv(x, y),
            Op::Neg => ins.fneg(x),
            Op::Abs => ins.fabs(x),
            Op::Sqrt => ins.sqrt(x),
            Op::Add => ins.iadd(x, y),
            Op::Sub => ins.isub(x, y),
            Op::Mul => ins.imul(x, y),
            Op::And => ins.band(x, y),
            Op::Or => ins.bor(x, y),
            Op::Xor => ins.bxor(x, y),
            Op::AndNot => ins.band_not(x, y),
            Op::Not if ty == ScalarType::Bool => {
                let one = self.b.ins().iconst(types::I8, 1);
                let ones = self.b.ins().splat(types::I8X16, one);
                self.b.ins().bxor(x, ones)
            }
            Op::Not => ins.bnot(x),
            _ => return Err(Defect),
        };
        Ok(Lanes { raw: ty.is_float() && instr.op != Op::Cvt, ..Lanes::plain(value) })
    }

    /// As with scalars: a NaN that was read keeps its bits, so floats stay as they are only where both were made or are
    /// constants.
    fn wide_extreme(&mut self, op: Op, ty: ScalarType, of: [Lanes; 2], turns: &Turns) -> Result<Lanes, Defect> {
        let made = of.iter().all(|lanes| lanes.raw || lanes.constant);
        let [mut x, mut y] = of.map(|lanes| lanes.value);
        if !made {
            for (value, _) in [&mut x, &mut y].into_iter().zip(of).filter(|(_, lanes)| lanes.raw) {
                *value = self.wide_canonical(*value, ty, turns)?;
            }
        }
        let (less, more) = if op == Op::Min { (y, x) } else { (x, y) };
        let mask = self.b.ins().fcmp(FloatCC::LessThan, less, more);
        Ok(Lanes { raw: made, ..Lanes::plain(self.wide_choose(mask, y, x)) })
    }
}
