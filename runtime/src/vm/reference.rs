//! The reference engine: canonical code, one instruction after the other, nothing clever.
//!
//! It defines the order of effects that every engine keeps: an instruction reads its scalar operands in the order of
//! its words, then finds the places it names in that order, then checks its index, then computes, then writes. It is
//! slow on purpose and is what differential tests compare with.

// A match concerns a few operations or roles; naming the rest would hide which.
#![allow(clippy::wildcard_enum_match_arm)]

use super::VerifiedImage;
use super::eval::{Pure, eval, is_pure};
use super::memory::{Layout, Memory};
use super::trap::{Trap, TrapCode};
use super::{Budget, Engine};
use bytecode::image::{Access, Pou, ProgramInstance};
use bytecode::isa::{Role, Ty};
use bytecode::scalar::{Numeric, Scalar};
use bytecode::{Instr, Op, Operand, ScalarType, Window};

/// Runs canonical code as it stands in the image.
#[derive(Debug)]
pub struct Reference {
    layout: Layout,
    code: Vec<Instr>,
    pous: Vec<Pou>,
    accesses: Vec<Access>,
    type_bytes: Vec<u32>,
    programs: Vec<ProgramInstance>,
    /// Per POU, where its references point: absolute offsets.
    references: Vec<Vec<Option<usize>>>,
    frames: Vec<Frame>,
    executed: u64,
}

impl Reference {
    /// Canonical instructions run since it was loaded, one that trapped included.
    #[must_use]
    pub const fn executed(&self) -> u64 {
        self.executed
    }
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    pc: u32,
    pou: usize,
    own: usize,
}

/// What goes on after an instruction.
enum Next {
    Step,
    Goto(u32),
    Enter(Frame),
    Leave,
}

impl Engine for Reference {
    fn load(image: &VerifiedImage) -> Self {
        Self {
            layout: Layout::of(image),
            code: image.code.clone(),
            pous: image.pous.clone(),
            accesses: image.accesses.clone(),
            type_bytes: image.types.iter().map(|t| t.size).collect(),
            programs: image.programs.clone(),
            references: image.pous.iter().map(|p| vec![None; p.references.len()]).collect(),
            frames: Vec::with_capacity(image.pous.len() + 1),
            executed: 0,
        }
    }

    fn name(&self) -> &'static str {
        "reference"
    }

    fn run(&mut self, memory: &mut Memory, program: usize, now_ns: i64, budget: &mut Budget) -> Result<(), Trap> {
        self.references.iter_mut().for_each(|r| r.fill(None));
        self.frames.clear();
        let defect = |pc| Trap { code: TrapCode::EngineDefect, pc, via: pc, value: 0 };
        let instance = self.programs.get(program).ok_or(defect(0))?;
        let pou = instance.pou.0 as usize;
        let entry = self.pous.get(pou).ok_or(defect(0))?.entry;
        if memory.layout() != self.layout {
            return Err(defect(entry));
        }
        let mut frame = Frame { pc: entry, pou, own: instance.offset as usize };
        loop {
            let instr = *self.code.get(frame.pc as usize).ok_or(defect(frame.pc))?;
            self.executed += 1;
            let mut step = Step { engine: self, memory: memory.window_mut(), frame, now_ns, budget };
            match step.run(instr)? {
                Next::Step => frame.pc += 1,
                Next::Goto(pc) => frame.pc = pc,
                Next::Enter(callee) => {
                    self.frames.push(Frame { pc: frame.pc + 1, ..frame });
                    frame = callee;
                }
                Next::Leave => match self.frames.pop() {
                    Some(caller) => frame = caller,
                    None => return Ok(()),
                },
            }
        }
    }
}

/// One instruction under way.
struct Step<'a> {
    engine: &'a mut Reference,
    memory: &'a mut [u8],
    frame: Frame,
    now_ns: i64,
    budget: &'a mut Budget,
}

impl Step<'_> {
    fn trap(&self, code: TrapCode, value: i64) -> Trap {
        let pc = self.frame.pc;
        // The outermost call stands one instruction before the place it returns to.
        let via = self.engine.frames.first().map_or(pc, |f| f.pc.saturating_sub(1));
        Trap { code, pc, via, value }
    }

    fn defect(&self) -> Trap {
        self.trap(TrapCode::EngineDefect, 0)
    }

    /// Absolute offset of an operand.
    fn address(&self, operand: Operand) -> Result<usize, Trap> {
        let offset = operand.offset() as usize;
        match operand.window().ok_or_else(|| self.defect())? {
            Window::Data => Ok(offset),
            Window::Const => Ok(self.engine.layout.constants_at + offset),
            Window::Own => Ok(self.frame.own + offset),
            Window::Ref => {
                let index = usize::from(operand.reference());
                let references = self.engine.references.get(self.frame.pou).ok_or_else(|| self.defect())?;
                let base = references.get(index).ok_or_else(|| self.defect())?;
                let unbound = || self.trap(TrapCode::UnboundReference, i64::from(operand.reference()));
                Ok(base.ok_or_else(unbound)? + offset)
            }
        }
    }

    fn read_at(&self, at: usize, ty: ScalarType) -> Result<u64, Trap> {
        let size = ty.size() as usize;
        let bytes = self.memory.get(at..).and_then(|m| m.get(..size)).ok_or_else(|| self.defect())?;
        let bits = u64::load(bytes);
        Ok(if ty == ScalarType::Bool { u64::from(bits != 0) } else { bits })
    }

    fn write_at(&mut self, at: usize, ty: ScalarType, bits: u64) -> Result<(), Trap> {
        let defect = self.defect();
        let size = ty.size() as usize;
        let to = self.memory.get_mut(at..).and_then(|m| m.get_mut(..size)).ok_or(defect)?;
        for (to, from) in to.iter_mut().zip(bits.to_le_bytes()) {
            *to = from;
        }
        Ok(())
    }

    fn read(&self, operand: Operand, ty: ScalarType) -> Result<u64, Trap> {
        self.read_at(self.address(operand)?, ty)
    }

    fn write(&mut self, operand: Operand, ty: ScalarType, bits: u64) -> Result<(), Trap> {
        self.write_at(self.address(operand)?, ty, bits)
    }

    /// An index operand, sign-extended.
    fn index(&self, operand: Operand) -> Result<i64, Trap> {
        Ok(i64::from(i32::load(&self.read(operand, ScalarType::I32)?.to_le_bytes())))
    }

    /// Where the element of an access stands, from where its first one does.
    fn element(&self, base: usize, index: i64, access: u32) -> Result<usize, Trap> {
        let row = self.engine.accesses.get(access as usize).ok_or_else(|| self.defect())?;
        let Some(number) = usize::try_from(index - i64::from(row.lower)).ok().filter(|n| *n < row.count as usize)
        else {
            return Err(self.trap(TrapCode::IndexOutOfBounds, index));
        };
        Ok(base + number * row.stride as usize)
    }

    fn run(&mut self, i: Instr) -> Result<Next, Trap> {
        if is_pure(i.op) {
            return self.run_pure(i).map(|()| Next::Step);
        }
        let [w0, w1, w2, w3] = i.w;
        match i.op {
            Op::LdBit => {
                let bits = self.read(i.operand(1), ScalarType::U8)? >> (i.x & 7) & 1;
                self.write(i.operand(0), ScalarType::Bool, bits)?;
            }
            Op::StBit => {
                let value = self.read(i.operand(1), ScalarType::Bool)?;
                let byte = self.read(i.operand(0), ScalarType::U8)?;
                let mask = 1 << (i.x & 7);
                self.write(i.operand(0), ScalarType::U8, if value == 0 { byte & !mask } else { byte | mask })?;
            }
            Op::LdX => {
                let index = self.index(i.operand(2))?;
                let at = self.element(self.address(i.operand(1))?, index, w3)?;
                let bits = self.read_at(at, i.ty)?;
                self.write(i.operand(0), i.ty, bits)?;
            }
            Op::StX => {
                let index = self.index(i.operand(1))?;
                let bits = self.read(i.operand(3), i.ty)?;
                let at = self.element(self.address(i.operand(0))?, index, w2)?;
                self.write_at(at, i.ty, bits)?;
            }
            Op::Bound => self.bound(i)?,
            Op::Copy => {
                let (to, from) = (self.address(i.operand(0))?, self.address(i.operand(1))?);
                let size = *self.engine.type_bytes.get(w2 as usize).ok_or_else(|| self.defect())? as usize;
                if from + size > self.memory.len() || to + size > self.memory.len() {
                    return Err(self.defect());
                }
                self.memory.copy_within(from..from + size, to);
            }
            Op::Time => self.write(i.operand(0), ScalarType::I64, self.now_ns.to_bits())?,
            Op::Bind => {
                let at = self.address(i.operand(2))?;
                self.bind(w0 as usize, w1, at)?;
            }
            Op::BindX => {
                let index = self.index(i.operand(2))?;
                let at = self.element(self.address(i.operand(1))?, index, w3)?;
                self.bind(self.frame.pou, w0, at)?;
            }
            Op::Jmp => return Ok(Next::Goto(w0)),
            Op::Jt if self.read(i.operand(1), ScalarType::Bool)? != 0 => return Ok(Next::Goto(w0)),
            Op::Jf if self.read(i.operand(1), ScalarType::Bool)? == 0 => return Ok(Next::Goto(w0)),
            Op::Charge if !self.budget.charge(w0) => return Err(self.trap(TrapCode::BudgetSpent, 0)),
            Op::Call => return self.enter(w0, 0),
            Op::CallI => return self.enter(w0, self.address(i.operand(1))?),
            Op::CallX => {
                let index = self.index(i.operand(2))?;
                let own = self.element(self.address(i.operand(1))?, index, w3)?;
                return self.enter(w0, own);
            }
            Op::Ret => return Ok(Next::Leave),
            // The guards above did not hold, or the operation is pure.
            _ => {}
        }
        Ok(Next::Step)
    }

    fn run_pure(&mut self, i: Instr) -> Result<(), Trap> {
        let mut values = [0u64; 3];
        let mut result = ScalarType::Bool;
        let mut next = values.iter_mut();
        for (role, word) in i.op.roles().into_iter().zip(i.w) {
            match role {
                Role::Write(ty) => result = i.role_type(ty).ok_or_else(|| self.defect())?,
                Role::Read(ty) => {
                    let ty = i.role_type(ty).ok_or_else(|| self.defect())?;
                    if let Some(to) = next.next() {
                        *to = self.read(Operand(word), ty)?;
                    }
                }
                _ => {}
            }
        }
        let from = i.role_type(Ty::Extra).ok_or_else(|| self.defect())?;
        let [a, b, c] = values;
        let bits = eval(Pure { op: i.op, ty: i.ty, from }, a, b, c).map_err(|code| self.trap(code, 0))?;
        self.write(i.operand(0), result, bits)
    }

    fn bound(&mut self, i: Instr) -> Result<(), Trap> {
        let [_, _, lower, upper] = i.w;
        let bits = self.read(i.operand(1), i.ty)?;
        let index = signed(bits, i.ty);
        // Bounds are stored as two's complement.
        let (lower, upper) = (i128::from(lower.cast_signed()), i128::from(upper.cast_signed()));
        if index < lower || index > upper {
            return Err(self.trap(TrapCode::IndexOutOfBounds, i64::try_from(index).unwrap_or(i64::MAX)));
        }
        self.write(i.operand(0), ScalarType::I32, <i32 as Scalar>::wrap_from_i128(index - lower).to_bits())
    }

    fn bind(&mut self, pou: usize, reference: u32, at: usize) -> Result<(), Trap> {
        let defect = self.defect();
        let slot = self.engine.references.get_mut(pou).and_then(|r| r.get_mut(reference as usize)).ok_or(defect)?;
        *slot = Some(at);
        Ok(())
    }

    fn enter(&self, pou: u32, own: usize) -> Result<Next, Trap> {
        let pou = pou as usize;
        let entry = self.engine.pous.get(pou).ok_or_else(|| self.defect())?.entry;
        Ok(Next::Enter(Frame { pc: entry, pou, own }))
    }
}

/// The integer with these bits.
pub(super) fn signed(bits: u64, ty: ScalarType) -> i128 {
    fn of<T: Numeric>(bits: u64) -> i128 {
        T::load(&bits.to_le_bytes()).to_i128()
    }
    match ty {
        ScalarType::I8 => of::<i8>(bits),
        ScalarType::I16 => of::<i16>(bits),
        ScalarType::I32 => of::<i32>(bits),
        ScalarType::I64 => of::<i64>(bits),
        ScalarType::Bool | ScalarType::U8 | ScalarType::U16 | ScalarType::U32 | ScalarType::U64 => i128::from(bits),
        ScalarType::F32 => of::<f32>(bits),
        ScalarType::F64 => of::<f64>(bits),
    }
}
