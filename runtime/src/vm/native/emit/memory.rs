//! Memory as the block at hand knows it: residents, what waits to be stored, and values in the form an operation wants.

use super::super::cache::{Datum, Entry, Key, Reach, Store, apart, may_touch};
use super::super::lines::key_of;
use super::{Current, Defect, Done, ElementName, Emit, clif, flags};
use bytecode::scalar::Scalar;
use bytecode::{Instr, Operand, ScalarType, Window};
use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::{BlockArg, InstBuilder, MemFlagsData, Value, types};
use cranelift_frontend::Variable;

impl Emit<'_, '_> {
    pub(super) fn variable(&mut self, key: Key, ty: ScalarType) -> Variable {
        let b = &mut self.b;
        *self.variables.entry((key, ty)).or_insert_with(|| b.declare_var(clif(ty)))
    }

    pub(super) fn define(&mut self, key: Key, ty: ScalarType, value: Value) {
        let variable = self.variable(key, ty);
        self.b.def_var(variable, value);
    }

    pub(super) fn load(&mut self, key: Key, ty: ScalarType) -> Value {
        let (base, offset) = self.pointer(key);
        self.b.ins().load(clif(ty), flags(), base, offset)
    }

    pub(super) fn store(&mut self, key: Key, value: Value) {
        let (base, offset) = self.pointer(key);
        self.b.ins().store(flags(), value, base, offset);
    }

    /// Does the scalar live in a register here?
    pub(super) fn is_resident(&self, key: Key) -> bool {
        let region = self.region().and_then(|r| self.plan.regions.get(r));
        region.is_some_and(|r| r.residents.iter().any(|r| r.key == key))
    }

    pub(super) fn flush(&mut self, which: impl FnMut(&Entry) -> bool) -> Done {
        for entry in self.cache.clean(which) {
            let value = self.value(entry.datum, entry.ty);
            self.store(entry.key, value);
            self.cache.rephrase(entry.key, Datum::plain(value));
        }
        Ok(())
    }

    pub(in super::super) fn flush_all(&mut self) -> Done {
        self.flush(|_| true)
    }

    /// What waits and may be read through this reach is stored.
    pub(in super::super) fn before_read(&mut self, reach: Reach, ty: ScalarType) -> Done {
        let program = self.program;
        self.flush(|e| may_touch(program, reach, ty, e.key, e.ty))
    }

    /// The same, and what may be written through it is forgotten; `name` is the element that is written, if one.
    pub(in super::super) fn before_write(&mut self, reach: Reach, ty: ScalarType, name: Option<ElementName>) -> Done {
        let program = self.program;
        let mut elements = std::mem::take(&mut self.elements);
        elements
            .retain(|e| e.name.ty != ty || apart(e.reach, reach) || name.is_some_and(|name| self.differ(name, e.name)));
        self.elements = elements;
        self.flush(|e| may_touch(program, reach, ty, e.key, e.ty))?;
        self.cache.forget(|e| may_touch(program, reach, ty, e.key, e.ty));
        Ok(())
    }

    pub(in super::super) fn forget_memory(&mut self) -> Done {
        self.flush_all()?;
        self.cache.clear();
        self.elements.clear();
        Ok(())
    }

    /// Reads an operand.
    pub(in super::super) fn read(&mut self, instr: &Instr, word: usize, ty: ScalarType) -> Result<Datum, Defect> {
        let operand = instr.operand(word);
        if operand.window() == Some(Window::Const) {
            return self.constant(operand, ty);
        }
        let place = self.operand_place(instr, word);
        let Some(key) = key_of(place) else {
            let address = self.address(place)?;
            self.before_read(Reach::Anywhere, ty)?;
            return Ok(Datum::plain(self.b.ins().load(clif(ty), flags(), address, 0)));
        };
        if self.is_resident(key) {
            return Ok(self.resident(key, ty));
        }
        if let Some(datum) = self.cache.get(key, ty) {
            return Ok(match datum {
                Datum::Var(variable) => Datum::plain(self.b.use_var(variable)),
                Datum::Const(_) | Datum::Ssa { .. } => datum,
            });
        }
        self.before_read(Reach::Scalar(key), ty)?;
        let datum = Datum::plain(self.load(key, ty));
        self.remember(Entry { key, ty, datum, store: Store::Done })?;
        Ok(datum)
    }

    /// A resident as it is now.
    pub(super) fn resident(&mut self, key: Key, ty: ScalarType) -> Datum {
        if let Some(current) = self.current.iter().find(|c| c.key == key) {
            return current.datum;
        }
        let variable = self.variable(key, ty);
        let datum = Datum::plain(self.b.use_var(variable));
        self.current.push(Current { key, ty, datum, pending: false });
        datum
    }

    pub(super) fn constant(&mut self, operand: Operand, ty: ScalarType) -> Result<Datum, Defect> {
        let bytes = &self.program.image.constants.bytes;
        let at = operand.offset() as usize;
        let bits = u64::load(bytes.get(at..at + ty.size() as usize).ok_or(Defect)?);
        if let Some(Key { at, .. }) = key_of(self.operand_place_of(operand)).filter(|_| ty.is_float()) {
            self.float_constants.insert((ty, bits), at);
        }
        Ok(Datum::Const(if ty == ScalarType::Bool { u64::from(bits != 0) } else { bits }))
    }

    pub(super) fn remember(&mut self, entry: Entry) -> Done {
        if let Some(old) = self.cache.put(entry) {
            let value = self.value(old.datum, old.ty);
            self.store(old.key, value);
        }
        Ok(())
    }

    /// Writes an operand.
    pub(in super::super) fn write(&mut self, instr: &Instr, word: usize, ty: ScalarType, datum: Datum) -> Done {
        let place = self.operand_place(instr, word);
        let passes = key_of(place).is_some_and(|key| self.program.is_passing(key));
        let datum = match self.condition {
            // Whoever reads what passes does so under the same condition.
            Some((happens, _)) if !passes => {
                let old = self.read(instr, word, ty)?;
                self.choose(ty, happens, old, datum)
            }
            Some(_) | None => datum,
        };
        let Some(key) = key_of(place) else {
            let address = self.address(place)?;
            let value = self.value(datum, ty);
            self.before_write(Reach::Anywhere, ty, None)?;
            self.b.ins().store(flags(), value, address, 0);
            return Ok(());
        };
        if self.is_resident(key) {
            self.current.retain(|c| c.key != key);
            self.current.push(Current { key, ty, datum, pending: true });
            return Ok(());
        }
        let program = self.program;
        let in_image = !key.own && program.in_process_image(key.at);
        if in_image || !self.cache.is_alone(key, ty) {
            let others = |e: &Entry| e.key != key || e.ty != ty;
            self.flush(|e| others(e) && may_touch(program, Reach::Scalar(key), ty, e.key, e.ty))?;
            self.cache.forget(|e| others(e) && may_touch(program, Reach::Scalar(key), ty, e.key, e.ty));
        }
        self.elements.retain(|e| !may_touch(program, e.reach, e.name.ty, key, ty));
        if passes || self.plan.may_wait(self.at) {
            let store = if passes { Store::Passes } else { Store::Waits };
            return self.remember(Entry { key, ty, datum, store });
        }
        let value = self.value(datum, ty);
        self.store(key, value);
        let datum = if matches!(datum, Datum::Const(_)) { datum } else { Datum::plain(value) };
        self.remember(Entry { key, ty, datum, store: Store::Done })
    }

    // --- values ---

    /// A datum as the value that may be stored: a bool as 0 or 1, a NaN canonical.
    pub(in super::super) fn value(&mut self, datum: Datum, ty: ScalarType) -> Value {
        match datum {
            Datum::Const(bits) => self.bits(bits, ty),
            Datum::Var(variable) => self.b.use_var(variable),
            Datum::Ssa { value, raw: true, .. } => self.canonical(value, ty),
            Datum::Ssa { value, inverted: true, .. } => {
                let one = self.b.ins().iconst(types::I8, 1);
                self.b.ins().bxor(value, one)
            }
            Datum::Ssa { value, .. } => value,
        }
    }

    /// A float datum as it is, canonical or not.
    pub(in super::super) fn float(&mut self, datum: Datum, ty: ScalarType) -> Value {
        match datum {
            Datum::Ssa { value, .. } => value,
            Datum::Const(_) | Datum::Var(_) => self.value(datum, ty),
        }
    }

    /// A bool, and whether its opposite is meant.
    pub(in super::super) fn bool_value(&mut self, datum: Datum) -> (Value, bool) {
        match datum {
            Datum::Ssa { value, inverted, .. } => (value, inverted),
            Datum::Const(_) | Datum::Var(_) => (self.value(datum, ScalarType::Bool), false),
        }
    }

    /// These bits.
    pub(in super::super) fn bits(&mut self, bits: u64, ty: ScalarType) -> Value {
        // A float comes shorter from memory than from a general register; zero is made on the spot.
        let known = if ty.is_float() && bits != 0 { self.float_constants.get(&(ty, bits)) } else { None };
        if let Some(at) = known {
            let offset = i32::try_from(*at).unwrap_or(i32::MAX);
            return self.b.ins().load(clif(ty), flags().with_readonly().with_can_move(), self.base, offset);
        }
        match ty {
            ScalarType::F32 => {
                let bits = self.b.ins().iconst(types::I32, bits.cast_signed());
                self.b.ins().bitcast(types::F32, MemFlagsData::new(), bits)
            }
            ScalarType::F64 => {
                let bits = self.b.ins().iconst(types::I64, bits.cast_signed());
                self.b.ins().bitcast(types::F64, MemFlagsData::new(), bits)
            }
            // Bits are zero-extended, as the builder wants them.
            _ => self.b.ins().iconst(clif(ty), bits.cast_signed()),
        }
    }

    /// The value, or the canonical NaN for any NaN.
    pub(super) fn canonical(&mut self, value: Value, ty: ScalarType) -> Value {
        let (odd, next) = (self.cold_block(), self.b.create_block());
        let result = self.b.append_block_param(next, clif(ty));
        let is_nan = self.b.ins().fcmp(FloatCC::Unordered, value, value);
        self.b.ins().brif(is_nan, odd, &[], next, &[BlockArg::Value(value)]);
        self.b.switch_to_block(odd);
        self.b.seal_block(odd);
        let nan = match ty {
            ScalarType::F32 => u64::from(bytecode::scalar::NAN32_BITS),
            _ => bytecode::scalar::NAN64_BITS,
        };
        let nan = self.bits(nan, ty);
        self.b.ins().jump(next, &[BlockArg::Value(nan)]);
        self.b.switch_to_block(next);
        self.b.seal_block(next);
        result
    }
}
