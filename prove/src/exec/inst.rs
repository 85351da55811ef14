//! Single instructions.

use super::state::{State, Targets};
use super::{Exec, Fault, FaultKind, Run, origin};
use crate::graph::Lit;
use crate::refusal::Refusal;
use crate::vector::{self, Applied, Vector};
use bytecode::image::Access;
use bytecode::{Op, ScalarType};
use compiler::ir::{InstKind, Mem, Target, Val, arity, operand_type, result_type};

/// Literals one access with a variable index may choose among.
const CHOICE_MAX: u64 = 1 << 20;

impl Exec<'_> {
    /// The value of an operand.
    pub(super) fn scalar(
        &mut self,
        run: &Run<'_>,
        state: &State,
        val: Val,
        ty: ScalarType,
        at: usize,
    ) -> Result<Vector, Refusal> {
        Ok(match val {
            Val::Const(bits) => vector::constant(bits, ty.bits()),
            Val::Temp(temp) => {
                let place = self.temp(run, temp)?;
                state.get(place as usize * 8, ty.bits() as usize)
            }
            Val::Mem(mem) => {
                let places = self.places(run, state, mem, at);
                self.read_any(state, &places, ty)
            }
        })
    }

    fn temp(&self, run: &Run<'_>, temp: compiler::ir::Temp) -> Result<u32, Refusal> {
        let places = self.code.frames.temps.get(&run.func.pou);
        places.and_then(|p| p.get(temp.0 as usize)).copied().ok_or_else(|| Refusal::new("a temporary without a place"))
    }

    /// The scalar at one of several places.
    fn read_any(&mut self, state: &State, places: &Targets, ty: ScalarType) -> Vector {
        let mut value: Option<Vector> = None;
        for (condition, place) in places {
            let here = self.read(state, *place, ty.bits());
            value = Some(match value {
                None => here,
                Some(before) => self.cases.mux(&mut self.graph, *condition, &here, &before),
            });
        }
        value.unwrap_or_else(|| vector::constant(0, ty.bits()))
    }

    /// Writes a scalar to one of several places.
    fn write_any(&mut self, state: &mut State, places: &Targets, ty: ScalarType, value: &[Lit]) {
        let whole = vector::resize(value, ty.size() as usize * 8, false);
        for (condition, place) in places {
            let first = *place as usize * 8;
            if *condition == Lit::TRUE {
                state.put(first, &whole);
            } else {
                let before = state.get(first, whole.len());
                let after = self.cases.mux(&mut self.graph, *condition, &whole, &before);
                state.put(first, &after);
            }
        }
    }

    fn write(
        &mut self,
        run: &Run<'_>,
        state: &mut State,
        dst: Val,
        ty: ScalarType,
        value: &[Lit],
        at: usize,
    ) -> Result<(), Refusal> {
        let places = match dst {
            Val::Const(_) => return Ok(()),
            Val::Temp(temp) => vec![(Lit::TRUE, self.temp(run, temp)?)],
            Val::Mem(mem) => self.places(run, state, mem, at),
        };
        self.write_any(state, &places, ty, value);
        Ok(())
    }

    fn fault(&mut self, run: &Run<'_>, state: &State, at: usize, kind: FaultKind, when: Lit) {
        let when = self.graph.and(state.way, when);
        if when != Lit::FALSE {
            self.faults.push(Fault { when, kind, origin: origin(run, at) });
        }
    }

    /// One instruction that is no jump.
    pub(super) fn instruction(
        &mut self,
        run: &Run<'_>,
        state: &mut State,
        at: usize,
        kind: &InstKind,
    ) -> Result<(), Refusal> {
        match kind {
            InstKind::Apply { op, ty, source, dst, args } => {
                let mut values = Vec::with_capacity(3);
                for (i, arg) in args.iter().enumerate().take(arity(*op)) {
                    values.push(self.scalar(run, state, *arg, operand_type(*op, *ty, *source, i), at)?);
                }
                let value = self.apply(run, state, at, (*op, *ty, *source), &values)?;
                self.write(run, state, *dst, result_type(*op, *ty), &value, at)
            }
            InstKind::LoadBit { dst, byte, bit } => {
                let value = [state.bit(*byte as usize * 8 + usize::from(*bit & 7))];
                self.write(run, state, *dst, ScalarType::Bool, &value, at)
            }
            InstKind::StoreBit { byte, bit, src } => {
                let value = self.scalar(run, state, *src, ScalarType::Bool, at)?;
                state.put(*byte as usize * 8 + usize::from(*bit & 7), &value);
                Ok(())
            }
            InstKind::Load { ty, dst, base, index, access } => {
                let places = self.elements(run, state, at, (*base, *index, *access), ty.bits())?;
                let value = self.read_any(state, &places, *ty);
                self.write(run, state, *dst, *ty, &value, at)
            }
            InstKind::Store { ty, base, index, access, src } => {
                let places = self.elements(run, state, at, (*base, *index, *access), ty.bits())?;
                let value = self.scalar(run, state, *src, *ty, at)?;
                self.write_any(state, &places, *ty, &value);
                Ok(())
            }
            InstKind::Bound { ty, dst, index, lower, upper } => {
                let value = self.bound(run, state, at, (*ty, *index, *lower, *upper))?;
                self.write(run, state, *dst, ScalarType::I32, &value, at)
            }
            InstKind::Copy { dst, src, ty } => {
                let bits = self.code.layout.extent_of(*ty).size * 8;
                let from = self.places(run, state, *src, at);
                let mut value = vector::constant(0, bits);
                for (condition, place) in from {
                    let here = self.read(state, place, bits);
                    value = vector::mux(&mut self.graph, condition, &here, &value);
                }
                let to = self.places(run, state, *dst, at);
                self.write_bits(state, &to, &value);
                Ok(())
            }
            InstKind::Initialise { dst, pou, var } => {
                let bytes = compiler::codegen::initial_bytes(self.code.program, self.code.layout, *pou, *var);
                let value: Vector = bytes.iter().flat_map(|byte| vector::constant(u64::from(*byte), 8)).collect();
                let to = self.places(run, state, *dst, at);
                self.write_bits(state, &to, &value);
                Ok(())
            }
            InstKind::Bind { pou, reference, place } => {
                let targets = self.places(run, state, *place, at);
                state.bind(*pou, *reference, targets);
                Ok(())
            }
            InstKind::BindElement { reference, base, index, access } => {
                let targets = self.elements(run, state, at, (*base, *index, *access), 8)?;
                state.bind(run.func.pou, *reference, targets);
                Ok(())
            }
            InstKind::Call(pou, target) => self.call_at(run, state, at, *pou, *target),
            InstKind::Label(_) | InstKind::Jump(_) | InstKind::Branch { .. } | InstKind::Return => Ok(()),
        }
    }

    fn write_bits(&mut self, state: &mut State, to: &Targets, value: &[Lit]) {
        for (condition, place) in to {
            let first = *place as usize * 8;
            let before = state.get(first, value.len());
            let after = vector::mux(&mut self.graph, *condition, value, &before);
            state.put(first, &after);
        }
    }

    fn apply(
        &mut self,
        run: &Run<'_>,
        state: &State,
        at: usize,
        (op, ty, source): (Op, ScalarType, Option<ScalarType>),
        values: &[Vector],
    ) -> Result<Vector, Refusal> {
        if op == Op::Sel
            && let [condition, no, yes] = values
        {
            let condition = condition.first().copied().unwrap_or(Lit::FALSE);
            return Ok(self.cases.mux(&mut self.graph, condition, yes, no));
        }
        match vector::apply(&mut self.graph, op, ty, source, values) {
            Applied::Exact(value) => Ok(value),
            Applied::Divides(value, zero) => {
                self.fault(run, state, at, FaultKind::DivisionByZero, zero);
                Ok(value)
            }
            Applied::Real => {
                let result = result_type(op, ty);
                Ok(self.unknown(result.bits(), "arithmetic on REAL or LREAL: any result is possible".to_owned()))
            }
            Applied::Unknown => {
                let what = format!("the operation `{}` on {ty} is not modelled", op.mnemonic());
                Err(Refusal::new(what).at(origin(run, at)))
            }
        }
    }

    fn bound(
        &mut self,
        run: &Run<'_>,
        state: &State,
        at: usize,
        (ty, index, lower, upper): (ScalarType, Val, i32, i32),
    ) -> Result<Vector, Refusal> {
        const WIDE: usize = 66;
        let index = self.scalar(run, state, index, ty, at)?;
        let wide = vector::resize(&index, WIDE, ty.is_signed());
        let limit = |value: i32| {
            let bits = vector::constant(i64::from(value).cast_unsigned(), 64);
            vector::resize(&bits, WIDE, true)
        };
        let low = vector::less(&mut self.graph, &wide, &limit(lower), true);
        let high = vector::less(&mut self.graph, &limit(upper), &wide, true);
        let outside = self.graph.or(low, high);
        self.fault(run, state, at, FaultKind::Index, outside);
        let mut number = vector::sub(&mut self.graph, &wide, &limit(lower));
        number.truncate(32);
        Ok(number)
    }

    /// The elements an index may choose.
    fn elements(
        &mut self,
        run: &Run<'_>,
        state: &State,
        at: usize,
        (base, index, access): (Mem, Val, Access),
        bits: u32,
    ) -> Result<Targets, Refusal> {
        let index = self.scalar(run, state, index, ScalarType::I32, at)?;
        let bases = self.places(run, state, base, at);
        let element = |base: u32, number: u32| base.saturating_add(number.saturating_mul(access.stride));
        if let Some(known) = vector::value(&index) {
            let number = i64::from(u32::try_from(known).unwrap_or(0).cast_signed()) - i64::from(access.lower);
            return Ok(match u32::try_from(number).ok().filter(|n| *n < access.count) {
                Some(number) => bases.into_iter().map(|(under, base)| (under, element(base, number))).collect(),
                None => {
                    self.fault(run, state, at, FaultKind::Index, Lit::TRUE);
                    bases
                }
            });
        }
        if u64::from(access.count) * u64::from(bits) > CHOICE_MAX {
            let what = format!("a variable index into {} elements is not modelled", access.count);
            return Err(Refusal::new(what).at(origin(run, at)));
        }
        let mut inside = Lit::FALSE;
        let mut targets = Targets::new();
        for number in 0..access.count {
            let value = access.lower.wrapping_add(number.cast_signed());
            let here = vector::equal(&mut self.graph, &index, &vector::constant(u64::from(value.cast_unsigned()), 32));
            inside = self.graph.or(inside, here);
            for (under, base) in &bases {
                let under = self.graph.and(*under, here);
                if under != Lit::FALSE {
                    targets.push((under, element(*base, number)));
                }
            }
        }
        self.fault(run, state, at, FaultKind::Index, !inside);
        Ok(targets)
    }

    fn call_at(
        &mut self,
        run: &Run<'_>,
        state: &mut State,
        at: usize,
        pou: compiler::hir::PouId,
        target: Target,
    ) -> Result<(), Refusal> {
        let locate = |refusal: Refusal| if refusal.span.is_some() { refusal } else { refusal.at(origin(run, at)) };
        let places = match target {
            Target::Function => vec![(Lit::TRUE, 0)],
            Target::Instance(mem) => self.places(run, state, mem, at),
        };
        if let [(Lit::TRUE, own)] = places.as_slice() {
            let way = state.way;
            *state = self.call(pou, *own, state.clone()).map_err(locate)?;
            state.way = way;
            return Ok(());
        }
        let way = state.way;
        let mut joined: Option<State> = None;
        for (condition, own) in places {
            let mut fork = state.clone();
            fork.way = self.graph.and(way, condition);
            if fork.way == Lit::FALSE {
                continue;
            }
            let done = self.call(pou, own, fork).map_err(locate)?;
            match &mut joined {
                Some(joined) => joined.join(&mut self.graph, &mut self.cases, &done),
                None => joined = Some(done),
            }
        }
        if let Some(joined) = joined {
            *state = joined;
        }
        state.way = way;
        Ok(())
    }
}
