//! From lines to the code generator's own form: control flow, memory, traps and the budget.
//!
//! One function is made of a stretch of lines. Its parameters are the record, the memory and the own pointer; it
//! returns [`DONE`], [`TRAPPED`] or [`RETURNED`]. The order of effects is the reference engine's: operands are read in
//! the order of the words, then places found, then the index checked, then the result computed and written; what would
//! trap first traps first. Stores may come later than there, or not at all where another one follows: after a trap memory
//! is diagnostic only.

use super::abi::{DONE, RETURNED, Record, TRAPPED, UNBOUND};
use super::cache::{Cache, Datum, Entry, Key, Reach, may_touch};
use super::flat::{Flat, Kind, Line, Place, Program, Scope};
use super::plan::{Plan, key_of};
use super::ranges::{Counted, Right};
use crate::vm::trap::TrapCode;
use bytecode::scalar::Scalar;
use bytecode::{Instr, Operand, ScalarType, Window};
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{Block, BlockArg, FuncRef, InstBuilder, MemFlagsData, SigRef, Type, Value, types};
use cranelift_frontend::{FunctionBuilder, Variable};
use std::collections::HashMap;
use std::mem::offset_of;
use std::ops::Range;

/// Values that go from block to block in registers, at most.
const OFFERS_MAX: usize = 16;

/// Elements remembered at a time.
const ELEMENTS_MAX: usize = 8;

/// An element as the code names it: where its array's first one stands, by which access, at which index, as what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ElementName {
    base: Place,
    access: u32,
    index: Datum,
    ty: ScalarType,
}

/// What an element holds.
struct Element {
    name: ElementName,
    reach: Reach,
    datum: Datum,
}

/// A resident as the block at hand knows it.
#[derive(Clone, Copy)]
struct Current {
    key: Key,
    ty: ScalarType,
    datum: Datum,
    /// Does its variable not have it yet?
    pending: bool,
}

/// Something the verifier does not let through met the translation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Defect;

type Done = Result<(), Defect>;

/// Functions outside the one at hand.
pub(super) trait Outside {
    /// The function of a body.
    fn body(&mut self, number: u32, builder: &mut FunctionBuilder<'_>) -> Option<FuncRef>;
}

/// Addresses and signatures of what the host offers.
#[derive(Clone, Copy)]
pub(super) struct Host {
    pub(super) evaluate: i64,
    pub(super) evaluate_signature: SigRef,
    pub(super) move_bytes: i64,
    pub(super) move_bytes_signature: SigRef,
}

/// One stretch of lines under way.
pub(super) struct Emit<'e, 'f> {
    pub(super) program: &'e Program<'e>,
    pub(super) flat: &'e Flat,
    pub(super) plan: &'e Plan,
    pub(super) lines: Range<u32>,
    pub(super) outside: &'e mut dyn Outside,
    pub(super) host: Host,
    pub(super) b: FunctionBuilder<'f>,
    record: Value,
    base: Value,
    own: Value,
    left: Variable,
    trap_block: Block,
    /// Is a program's own body at hand, whose calls traps name?
    root: bool,
    /// Is this one part of a body of several?
    part: bool,
    cache: Cache,
    /// Addresses behind references, found or bound in this block.
    references: Vec<(u32, Value)>,
    /// Residents of the region that this block has read or written, as they are now.
    current: Vec<Current>,
    /// Indices of this block, and the same in 64 bits.
    wide: Vec<(Value, Value)>,
    /// Where float constants stand in memory: type, bits, offset.
    float_constants: HashMap<(ScalarType, u64), u32>,
    /// Elements of arrays read or written in this block, oldest first.
    elements: Vec<Element>,
    blocks: HashMap<u32, Block>,
    /// Blocks before regions, where residents are loaded.
    before: HashMap<u32, Block>,
    variables: HashMap<(Key, ScalarType), Variable>,
    /// Per line that only earlier lines branch to: what all of them hold in variables.
    offers: HashMap<u32, Vec<(Key, ScalarType)>>,
    ended: bool,
    // The line at hand.
    line: Line,
    at: u32,
    scope: Scope,
}

pub(super) fn flags() -> MemFlagsData {
    MemFlagsData::new().with_notrap()
}

pub(super) fn clif(ty: ScalarType) -> Type {
    match ty {
        ScalarType::Bool | ScalarType::I8 | ScalarType::U8 => types::I8,
        ScalarType::I16 | ScalarType::U16 => types::I16,
        ScalarType::I32 | ScalarType::U32 => types::I32,
        ScalarType::I64 | ScalarType::U64 => types::I64,
        ScalarType::F32 => types::F32,
        ScalarType::F64 => types::F64,
    }
}

fn field(offset: usize) -> i32 {
    i32::try_from(offset).unwrap_or(0)
}

/// What a new function knows of its surroundings.
pub(super) struct Frame<'e, 'f> {
    pub(super) program: &'e Program<'e>,
    pub(super) flat: &'e Flat,
    pub(super) plan: &'e Plan,
    pub(super) lines: Range<u32>,
    pub(super) outside: &'e mut dyn Outside,
    pub(super) host: Host,
    pub(super) builder: FunctionBuilder<'f>,
    pub(super) root: bool,
    pub(super) part: bool,
}

/// Makes the function of a stretch of lines; the builder comes back to be finished.
pub(super) fn emit<'f>(frame: Frame<'_, 'f>) -> Result<FunctionBuilder<'f>, Defect> {
    let Frame { program, flat, plan, lines, outside, host, mut builder, root, part } = frame;
    let entry = builder.create_block();
    builder.append_block_params_for_function_params(entry);
    builder.switch_to_block(entry);
    builder.seal_block(entry);
    let &[record, base, own] = builder.block_params(entry) else { return Err(Defect) };
    let left = builder.declare_var(types::I64);
    let trap_block = builder.create_block();
    let line = *flat.lines.get(lines.start as usize).ok_or(Defect)?;
    let scope = *flat.scopes.get(line.scope as usize).ok_or(Defect)?;
    let at = lines.start;
    let mut emit = Emit {
        program,
        flat,
        plan,
        lines,
        outside,
        host,
        b: builder,
        record,
        base,
        own,
        left,
        trap_block,
        root,
        part,
        cache: Cache::default(),
        references: Vec::new(),
        current: Vec::new(),
        wide: Vec::new(),
        float_constants: HashMap::new(),
        elements: Vec::new(),
        blocks: HashMap::new(),
        before: HashMap::new(),
        variables: HashMap::new(),
        offers: HashMap::new(),
        ended: false,
        line,
        at,
        scope,
    };
    emit.load_left();
    emit.body()?;
    emit.trap_tail();
    emit.b.seal_all_blocks();
    Ok(emit.b)
}

impl Emit<'_, '_> {
    // --- control flow ---

    fn body(&mut self) -> Done {
        for at in self.lines.clone() {
            if self.plan.is_leader(at) {
                self.begin(at)?;
            }
            if self.ended {
                continue;
            }
            self.at = at;
            self.line = *self.flat.lines.get(at as usize).ok_or(Defect)?;
            self.scope = *self.flat.scopes.get(self.line.scope as usize).ok_or(Defect)?;
            let instr = self.program.instr(self.line).ok_or(Defect)?;
            match self.line.kind {
                Kind::Plain => self.plain(instr)?,
                Kind::Branch(to) => self.branch(instr, to)?,
                Kind::Goto(to) => self.jump(to)?,
                Kind::Call(body) => self.call(instr, body)?,
                Kind::Leave => {
                    let last = at + 1 == super::flat::number(self.flat.lines.len());
                    let status = if self.part && !last { RETURNED } else { DONE };
                    self.leave(status)?;
                }
            }
        }
        let end = self.lines.end;
        if let Some(block) = self.blocks.get(&end).copied() {
            if !self.ended {
                self.jump(end)?;
            }
            self.b.switch_to_block(block);
            self.b.seal_block(block);
            self.forget_all();
            self.ended = false;
        }
        // No line's region is left here.
        self.at = end;
        if !self.ended {
            self.leave(DONE)?;
        }
        Ok(())
    }

    fn forget_all(&mut self) {
        self.cache.clear();
        self.references.clear();
        self.elements.clear();
        self.wide.clear();
    }

    /// Begins the block of a line.
    fn begin(&mut self, at: u32) -> Done {
        if !self.ended {
            self.at = at.wrapping_sub(1);
            self.jump(at)?;
        }
        // Where only the branch before leads here, everything it knew still holds.
        let goes_on = !self.plan.is_target(at) && self.plan.region_of(at) == self.plan.region_of(at.wrapping_sub(1));
        if !goes_on {
            self.forget_all();
            self.current.clear();
        }
        let region = self.plan.region_of(at).and_then(|r| self.plan.regions.get(r)).filter(|r| r.lines.start == at);
        if let (Some(region), Some(before)) = (region, self.before.remove(&at)) {
            self.b.switch_to_block(before);
            self.b.seal_block(before);
            let charge = |at: u32| {
                let line = *self.flat.lines.get(at as usize)?;
                (self.program.instr(line)?.op == bytecode::Op::Charge).then_some(line.pc)
            };
            if let Some(pc) = region.lines.clone().find_map(charge) {
                self.leave_mark(pc);
            }
            for resident in region.residents.clone() {
                let value = self.load(resident.key, resident.ty);
                self.define(resident.key, resident.ty, value);
            }
            let head = self.block(at);
            self.b.ins().jump(head, &[]);
        }
        let Some(block) = self.blocks.get(&at).copied() else {
            // Nothing comes here.
            self.ended = true;
            return Ok(());
        };
        self.b.switch_to_block(block);
        if self.plan.is_head(at) {
            self.offers.remove(&at);
        } else {
            self.b.seal_block(block);
            self.take_offers(at);
        }
        self.ended = false;
        Ok(())
    }

    fn block(&mut self, at: u32) -> Block {
        let b = &mut self.b;
        *self.blocks.entry(at).or_insert_with(|| b.create_block())
    }

    /// Where a jump from the line at hand to another goes: its block, or the one that loads the residents of the region
    /// it enters. What waits must have been stored.
    fn target(&mut self, to: u32) -> Block {
        let (here, there) = (self.region(), self.plan.region_of(to));
        if there.is_some() && there != here {
            let b = &mut self.b;
            return *self.before.entry(to).or_insert_with(|| b.create_block());
        }
        self.offer(to);
        self.block(to)
    }

    /// The region of the line at hand.
    fn region(&self) -> Option<usize> {
        self.plan.region_of(self.at)
    }

    /// The region that a jump from the line at hand leaves.
    fn left_by(&self, to: u32) -> Option<usize> {
        self.region().filter(|here| self.plan.region_of(to) != Some(*here))
    }

    /// Gives the variables of residents what this block has written, where a block of the region behind it wants them.
    fn settle_residents(&mut self) {
        let Some(region) = self.region().and_then(|r| self.plan.regions.get(r)) else { return };
        let mut current = std::mem::take(&mut self.current);
        for entry in current.iter_mut().filter(|entry| entry.pending) {
            if region.resident(entry.key).is_some_and(|number| region.is_live_after(self.at, number)) {
                let value = self.value(entry.datum, entry.ty);
                self.define(entry.key, entry.ty, value);
                entry.datum = Datum::plain(value);
                entry.pending = false;
            }
        }
        self.current = current;
    }

    /// Stores what the region has written; `known` is a flag whose value the way out tells.
    fn store_residents(&mut self, region: usize, known: Option<(Key, bool)>) {
        let residents = self.plan.regions.get(region).map(|r| r.residents.clone()).unwrap_or_default();
        for resident in residents.into_iter().filter(|r| r.written) {
            let current = self.current.iter().find(|c| c.key == resident.key).copied();
            let value = match (known.filter(|(key, _)| *key == resident.key), current) {
                (Some((_, value)), _) => self.bits(u64::from(value), ScalarType::Bool),
                (None, Some(current)) => self.value(current.datum, resident.ty),
                (None, None) => {
                    let variable = self.variable(resident.key, resident.ty);
                    self.b.use_var(variable)
                }
            };
            self.store(resident.key, value);
        }
    }

    /// Puts the latest values into variables for the block of a later line; that block has what all its sources have.
    fn offer(&mut self, to: u32) {
        let taken = self.plan.is_target(to) && !self.plan.is_head(to) && to < self.lines.end;
        if !taken || self.plan.is_long {
            return;
        }
        let known = self.offers.get(&to).cloned();
        let latest: Vec<Entry> = self.cache.latest().take(OFFERS_MAX).copied().collect();
        let mut offered = Vec::new();
        for entry in latest {
            let name = (entry.key, entry.ty);
            if known.as_ref().is_none_or(|known| known.contains(&name)) {
                let value = self.value(entry.datum, entry.ty);
                self.define(entry.key, entry.ty, value);
                offered.push(name);
            }
        }
        self.offers.insert(to, offered);
    }

    fn take_offers(&mut self, at: u32) {
        for (key, ty) in self.offers.remove(&at).unwrap_or_default().into_iter().rev() {
            let datum = Datum::Var(self.variable(key, ty));
            // A clean entry makes room for it: nothing has to be stored.
            let _ = self.cache.put(Entry { key, ty, datum, dirty: false });
        }
    }

    fn jump(&mut self, to: u32) -> Done {
        self.flush_all()?;
        match self.left_by(to) {
            Some(region) => self.store_residents(region, None),
            None => self.settle_residents(),
        }
        let target = self.target(to);
        self.b.ins().jump(target, &[]);
        self.ended = true;
        Ok(())
    }

    fn branch(&mut self, instr: &Instr, to: u32) -> Done {
        use bytecode::Op;
        if instr.op == Op::Jmp {
            return self.jump(to);
        }
        let condition = self.read(instr, 1, ScalarType::Bool)?;
        let on = instr.op == Op::Jt;
        if let Datum::Const(bits) = condition {
            return self.jump(if (bits != 0) == on { to } else { self.at + 1 });
        }
        let (value, inverted) = match self.plan.counted(self.at) {
            Some(counted) => (self.compare_counted(counted), false),
            None => self.bool_value(condition),
        };
        self.flush_all()?;
        self.settle_residents();
        // A way out of a region leads over a block of its own that stores the residents.
        let mut ways_out = Vec::new();
        let flag = key_of(self.operand_place(instr, 1));
        let mut way = |emit: &mut Self, to: u32, value: bool| {
            let target = emit.target(to);
            let Some(region) = emit.left_by(to) else { return target };
            let out = emit.b.create_block();
            ways_out.push((out, region, target, flag.map(|flag| (flag, value))));
            out
        };
        let (taken, next) = (way(self, to, on), way(self, self.at + 1, !on));
        if on != inverted {
            self.b.ins().brif(value, taken, &[], next, &[]);
        } else {
            self.b.ins().brif(value, next, &[], taken, &[]);
        }
        for (out, region, target, known) in ways_out {
            self.b.switch_to_block(out);
            self.b.seal_block(out);
            self.store_residents(region, known);
            self.b.ins().jump(target, &[]);
        }
        self.ended = true;
        Ok(())
    }

    /// The comparison a loop is counted by, after counting on: the old number is wanted no more.
    fn compare_counted(&mut self, counted: Counted) -> Value {
        let Counted { key, ty, op, right } = counted;
        let left = self.resident(key, ty);
        let right = match right {
            Right::Constant(bits) => Datum::Const(bits),
            Right::Resident(key) => self.resident(key, ty),
        };
        let datum = self.compare(op, ty, left, right);
        self.value(datum, ScalarType::Bool)
    }

    fn leave(&mut self, status: i64) -> Done {
        self.flush_all()?;
        if let Some(region) = self.region() {
            self.store_residents(region, None);
        }
        self.save_left();
        self.finish(status);
        self.ended = true;
        Ok(())
    }

    fn finish(&mut self, status: i64) {
        let status = self.b.ins().iconst(types::I32, status);
        self.b.ins().return_(&[status]);
    }

    fn call(&mut self, instr: &Instr, body: u32) -> Done {
        use bytecode::Op;
        let own = match instr.op {
            Op::Call => self.own,
            Op::CallI => {
                let place = self.operand_place(instr, 1);
                self.address(place)?
            }
            _ => self.indexed(instr, 1, 2, 3)?,
        };
        self.flush_all()?;
        self.forget_all();
        self.save_left();
        let callee = self.outside.body(body, &mut self.b).ok_or(Defect)?;
        let call = self.b.ins().call(callee, &[self.record, self.base, own]);
        let &[status] = self.b.inst_results(call) else { return Err(Defect) };
        let (failed, next) = (self.cold_block(), self.b.create_block());
        self.b.ins().brif(status, failed, &[], next, &[]);
        self.b.switch_to_block(failed);
        self.b.seal_block(failed);
        if self.root {
            let via = self.via();
            let via = self.b.ins().iconst(types::I32, i64::from(via));
            self.b.ins().store(flags(), via, self.record, field(offset_of!(Record, via)));
        }
        self.finish(TRAPPED);
        self.b.switch_to_block(next);
        self.b.seal_block(next);
        self.load_left();
        Ok(())
    }

    fn cold_block(&mut self) -> Block {
        let block = self.b.create_block();
        self.b.set_cold_block(block);
        block
    }

    // --- traps and the budget ---

    fn via(&self) -> u32 {
        self.scope.via.unwrap_or(self.line.pc)
    }

    /// Ends the function with a trap where the condition holds; `value` makes the trap's value there.
    pub(super) fn trap_if(&mut self, condition: Value, code: TrapCode, value: impl FnOnce(&mut Self) -> Value) {
        let (failed, next) = (self.cold_block(), self.b.create_block());
        self.b.ins().brif(condition, failed, &[], next, &[]);
        self.b.switch_to_block(failed);
        self.b.seal_block(failed);
        let value = value(self);
        self.trap(code, value);
        self.b.switch_to_block(next);
        self.b.seal_block(next);
    }

    fn trap(&mut self, code: TrapCode, value: Value) {
        let (pc, via) = (i64::from(self.line.pc), i64::from(self.via()));
        let code = self.b.ins().iconst(types::I32, i64::from(super::code_number(code)));
        let pc = self.b.ins().iconst(types::I32, pc);
        let via = self.b.ins().iconst(types::I32, via);
        let left = self.b.use_var(self.left);
        let args = [code, pc, via, value, left].map(BlockArg::Value);
        self.b.ins().jump(self.trap_block, &args);
    }

    /// Where all traps of the function end.
    fn trap_tail(&mut self) {
        let block = self.trap_block;
        let params = [types::I32, types::I32, types::I32, types::I64, types::I64];
        let [code, pc, via, value, left] = params.map(|ty| self.b.append_block_param(block, ty));
        self.b.set_cold_block(block);
        self.b.switch_to_block(block);
        let fields = [
            (code, offset_of!(Record, code)),
            (pc, offset_of!(Record, pc)),
            (via, offset_of!(Record, via)),
            (value, offset_of!(Record, value)),
            (left, offset_of!(Record, left)),
        ];
        for (value, offset) in fields {
            self.b.ins().store(flags(), value, self.record, field(offset));
        }
        self.finish(TRAPPED);
    }

    fn load_left(&mut self) {
        let left = self.b.ins().load(types::I64, flags(), self.record, field(offset_of!(Record, left)));
        self.b.def_var(self.left, left);
    }

    fn save_left(&mut self) {
        let left = self.b.use_var(self.left);
        self.b.ins().store(flags(), left, self.record, field(offset_of!(Record, left)));
    }

    /// Charges the budget for the line at hand, and for those that its check serves, too.
    pub(super) fn charge(&mut self) -> Done {
        if self.plan.is_charged_before(self.at) {
            return Ok(());
        }
        let charges: Vec<(Line, u32)> = self
            .plan
            .charges(self.at)
            .filter_map(|at| {
                let line = *self.flat.lines.get(at as usize)?;
                Some((line, *self.program.instr(line)?.w.first()?))
            })
            .collect();
        let left = self.b.use_var(self.left);
        let total: i64 = charges.iter().map(|(_, units)| i64::from(*units)).sum();
        let total = self.b.ins().iconst(types::I64, total);
        let short = self.b.ins().icmp(IntCC::UnsignedLessThan, left, total);
        let (failed, next) = (self.cold_block(), self.b.create_block());
        self.b.ins().brif(short, failed, &[], next, &[]);
        self.b.switch_to_block(failed);
        self.b.seal_block(failed);
        self.short_of(&charges)?;
        self.b.switch_to_block(next);
        self.b.seal_block(next);
        let left = self.b.ins().isub(left, total);
        self.b.def_var(self.left, left);
        // In a region the mark of its first charge stands: a store in every turn would be half the work of a small loop.
        if self.region().is_none() {
            self.leave_mark(self.line.pc);
        }
        Ok(())
    }

    /// Leaves word of where the program is: a plain store, as a relaxed atomic one is.
    fn leave_mark(&mut self, pc: u32) {
        let mark = self.b.ins().load(types::I64, flags(), self.record, field(offset_of!(Record, mark)));
        let pc = self.b.ins().iconst(types::I32, i64::from(pc));
        self.b.ins().store(flags(), pc, mark, 0);
    }

    /// Traps at the first of these charges that is not covered; one is not.
    fn short_of(&mut self, charges: &[(Line, u32)]) -> Done {
        let (line, scope) = (self.line, self.scope);
        for (number, (charge, units)) in charges.iter().enumerate() {
            self.line = *charge;
            self.scope = *self.flat.scopes.get(charge.scope as usize).ok_or(Defect)?;
            let zero = self.b.ins().iconst(types::I64, 0);
            if number + 1 == charges.len() {
                self.trap(TrapCode::BudgetSpent, zero);
                break;
            }
            let left = self.b.use_var(self.left);
            let units = self.b.ins().iconst(types::I64, i64::from(*units));
            let short = self.b.ins().icmp(IntCC::UnsignedLessThan, left, units);
            self.trap_if(short, TrapCode::BudgetSpent, |_| zero);
            let left = self.b.ins().isub(left, units);
            self.b.def_var(self.left, left);
        }
        (self.line, self.scope) = (line, scope);
        Ok(())
    }

    pub(super) fn now(&mut self) -> Value {
        self.b.ins().load(types::I64, flags(), self.record, field(offset_of!(Record, now_ns)))
    }

    // --- places ---

    pub(super) fn operand_place(&self, instr: &Instr, word: usize) -> Place {
        self.operand_place_of(instr.operand(word))
    }

    fn operand_place_of(&self, operand: Operand) -> Place {
        self.program.place(self.scope, operand)
    }

    fn pointer(&self, key: Key) -> (Value, i32) {
        (if key.own { self.own } else { self.base }, i32::try_from(key.at).unwrap_or(i32::MAX))
    }

    /// The address behind a reference; one that is not bound traps.
    fn behind(&mut self, slot: u32, number: u32) -> Value {
        if let Some((_, address)) = self.references.iter().find(|r| r.0 == slot) {
            return *address;
        }
        let table = self.b.ins().load(types::I64, flags(), self.record, field(offset_of!(Record, references)));
        let at = i32::try_from(slot).unwrap_or(0).saturating_mul(4);
        let offset = self.b.ins().load(types::I32, flags(), table, at);
        let unbound = self.b.ins().iconst(types::I32, i64::from(UNBOUND));
        let unbound = self.b.ins().icmp(IntCC::Equal, offset, unbound);
        self.trap_if(unbound, TrapCode::UnboundReference, |e| e.b.ins().iconst(types::I64, i64::from(number)));
        let offset = self.b.ins().uextend(types::I64, offset);
        let address = self.b.ins().iadd(self.base, offset);
        self.references.push((slot, address));
        address
    }

    /// The address of a place.
    pub(super) fn address(&mut self, place: Place) -> Result<Value, Defect> {
        let (base, offset) = match place {
            Place::At(_) | Place::Own(_) => self.pointer(key_of(place).ok_or(Defect)?),
            Place::Behind { slot, number, offset } => {
                (self.behind(slot, number), i32::try_from(offset).map_err(|_| Defect)?)
            }
        };
        Ok(self.plus(base, i64::from(offset)))
    }

    fn plus(&mut self, base: Value, offset: i64) -> Value {
        if offset == 0 {
            return base;
        }
        let offset = self.b.ins().iconst(types::I64, offset);
        self.b.ins().iadd(base, offset)
    }

    /// Points a reference at an address.
    pub(super) fn bind(&mut self, slot: u32, address: Value) {
        let offset = self.b.ins().isub(address, self.base);
        let offset = self.b.ins().ireduce(types::I32, offset);
        let table = self.b.ins().load(types::I64, flags(), self.record, field(offset_of!(Record, references)));
        let at = i32::try_from(slot).unwrap_or(0).saturating_mul(4);
        self.b.ins().store(flags(), offset, table, at);
        self.references.retain(|r| r.0 != slot);
        self.references.push((slot, address));
        self.elements.retain(|e| !matches!(e.name.base, Place::Behind { .. }));
    }

    pub(super) fn reference_slot(&self, pou: Option<u32>, reference: u32) -> u32 {
        self.program.reference(pou.unwrap_or(self.scope.pou), reference)
    }

    /// The address of an indexed operation's element, after its index was read and checked.
    pub(super) fn indexed(&mut self, instr: &Instr, base: usize, index: usize, access: usize) -> Result<Value, Defect> {
        let index = self.read(instr, index, ScalarType::I32)?;
        let (address, offset) = self.element(instr, base, index, access)?;
        Ok(self.plus(address, i64::from(offset)))
    }

    /// The same as an address and an offset from it.
    pub(super) fn element(
        &mut self,
        instr: &Instr,
        base: usize,
        index: Datum,
        access: usize,
    ) -> Result<(Value, i32), Defect> {
        let row = *self.program.image.accesses.get(instr.operand(access).0 as usize).ok_or(Defect)?;
        let (pointer, offset) = match self.operand_place(instr, base) {
            Place::Behind { slot, number, offset } => {
                (self.behind(slot, number), i32::try_from(offset).map_err(|_| Defect)?)
            }
            place @ (Place::At(_) | Place::Own(_)) => self.pointer(key_of(place).ok_or(Defect)?),
        };
        if let Datum::Const(bits) = index {
            let number = i64::from(<i32 as Scalar>::from_bits(bits)) - i64::from(row.lower);
            if (0..i64::from(row.count)).contains(&number) {
                let offset = i64::from(offset) + number * i64::from(row.stride);
                return Ok((pointer, i32::try_from(offset).map_err(|_| Defect)?));
            }
        }
        let index = self.value(index, ScalarType::I32);
        // Indices of verified rows fit 32 bits: modulo 2^32 none outside comes to lie inside.
        let number = if row.lower == 0 {
            index
        } else {
            let lower = self.b.ins().iconst(types::I32, i64::from(row.lower.cast_unsigned()));
            self.b.ins().isub(index, lower)
        };
        if !self.plan.is_proved(self.at) {
            let count = self.b.ins().iconst(types::I32, i64::from(row.count));
            let outside = self.b.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, number, count);
            self.trap_if(outside, TrapCode::IndexOutOfBounds, |e| e.b.ins().sextend(types::I64, index));
        }
        let number = self.widened(number);
        let bytes = if row.stride.is_power_of_two() {
            let shift = self.b.ins().iconst(types::I64, i64::from(row.stride.trailing_zeros()));
            if row.stride == 1 { number } else { self.b.ins().ishl(number, shift) }
        } else {
            let stride = self.b.ins().iconst(types::I64, i64::from(row.stride));
            self.b.ins().imul(number, stride)
        };
        Ok((self.b.ins().iadd(pointer, bytes), offset))
    }

    /// A number of 32 bits as one of 64; made once in a block.
    fn widened(&mut self, number: Value) -> Value {
        if let Some((_, wide)) = self.wide.iter().find(|(narrow, _)| *narrow == number) {
            return *wide;
        }
        let wide = self.b.ins().uextend(types::I64, number);
        self.wide.push((number, wide));
        wide
    }

    pub(super) fn element_name(&self, instr: &Instr, base: usize, index: Datum, access: usize) -> ElementName {
        ElementName { base: self.operand_place(instr, base), access: instr.operand(access).0, index, ty: instr.ty }
    }

    /// What is known of an element.
    pub(super) fn element_value(&self, name: ElementName) -> Option<Datum> {
        self.elements.iter().rev().find(|e| e.name == name).map(|e| e.datum)
    }

    pub(super) fn remember_element(&mut self, name: ElementName, reach: Reach, datum: Datum) {
        if self.elements.len() == ELEMENTS_MAX {
            self.elements.remove(0);
        }
        self.elements.push(Element { name, reach, datum });
    }

    /// What an indexed operation reaches.
    pub(super) fn index_reach(&self, instr: &Instr, base: usize, access: usize) -> Reach {
        let row = self.program.image.accesses.get(instr.operand(access).0 as usize);
        match (key_of(self.operand_place(instr, base)), row) {
            (Some(key), Some(row)) => {
                let bytes = u64::from(row.count.saturating_sub(1)) * u64::from(row.stride);
                Reach::Range(key, bytes + u64::from(instr.ty.size()))
            }
            (Some(_) | None, _) => Reach::Anywhere,
        }
    }

    // --- memory ---

    fn variable(&mut self, key: Key, ty: ScalarType) -> Variable {
        let b = &mut self.b;
        *self.variables.entry((key, ty)).or_insert_with(|| b.declare_var(clif(ty)))
    }

    fn define(&mut self, key: Key, ty: ScalarType, value: Value) {
        let variable = self.variable(key, ty);
        self.b.def_var(variable, value);
    }

    fn load(&mut self, key: Key, ty: ScalarType) -> Value {
        let (base, offset) = self.pointer(key);
        self.b.ins().load(clif(ty), flags(), base, offset)
    }

    fn store(&mut self, key: Key, value: Value) {
        let (base, offset) = self.pointer(key);
        self.b.ins().store(flags(), value, base, offset);
    }

    /// Does the scalar live in a register here?
    fn is_resident(&self, key: Key) -> bool {
        let region = self.region().and_then(|r| self.plan.regions.get(r));
        region.is_some_and(|r| r.residents.iter().any(|r| r.key == key))
    }

    fn flush(&mut self, which: impl FnMut(&Entry) -> bool) -> Done {
        for entry in self.cache.clean(which) {
            let value = self.value(entry.datum, entry.ty);
            self.store(entry.key, value);
            self.cache.rephrase(entry.key, Datum::plain(value));
        }
        Ok(())
    }

    pub(super) fn flush_all(&mut self) -> Done {
        self.flush(|_| true)
    }

    /// What waits and may be read through this reach is stored.
    pub(super) fn before_read(&mut self, reach: Reach, ty: ScalarType) -> Done {
        let program = self.program;
        self.flush(|e| may_touch(program, reach, ty, e.key, e.ty))
    }

    /// The same, and what may be written through it is forgotten.
    pub(super) fn before_write(&mut self, reach: Reach, ty: ScalarType) -> Done {
        let program = self.program;
        self.elements.retain(|e| e.name.ty != ty || apart(e.reach, reach));
        self.flush(|e| may_touch(program, reach, ty, e.key, e.ty))?;
        self.cache.forget(|e| may_touch(program, reach, ty, e.key, e.ty));
        Ok(())
    }

    pub(super) fn forget_memory(&mut self) -> Done {
        self.flush_all()?;
        self.cache.clear();
        self.elements.clear();
        Ok(())
    }

    /// Reads an operand.
    pub(super) fn read(&mut self, instr: &Instr, word: usize, ty: ScalarType) -> Result<Datum, Defect> {
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
        self.remember(Entry { key, ty, datum, dirty: false })?;
        Ok(datum)
    }

    /// A resident as it is now.
    fn resident(&mut self, key: Key, ty: ScalarType) -> Datum {
        if let Some(current) = self.current.iter().find(|c| c.key == key) {
            return current.datum;
        }
        let variable = self.variable(key, ty);
        let datum = Datum::plain(self.b.use_var(variable));
        self.current.push(Current { key, ty, datum, pending: false });
        datum
    }

    fn constant(&mut self, operand: Operand, ty: ScalarType) -> Result<Datum, Defect> {
        let bytes = &self.program.image.constants.bytes;
        let at = operand.offset() as usize;
        let bits = u64::load(bytes.get(at..at + ty.size() as usize).ok_or(Defect)?);
        if let Some(Key { at, .. }) = key_of(self.operand_place_of(operand)).filter(|_| ty.is_float()) {
            self.float_constants.insert((ty, bits), at);
        }
        Ok(Datum::Const(if ty == ScalarType::Bool { u64::from(bits != 0) } else { bits }))
    }

    fn remember(&mut self, entry: Entry) -> Done {
        if let Some(old) = self.cache.put(entry) {
            let value = self.value(old.datum, old.ty);
            self.store(old.key, value);
        }
        Ok(())
    }

    /// Writes an operand.
    pub(super) fn write(&mut self, instr: &Instr, word: usize, ty: ScalarType, datum: Datum) -> Done {
        let place = self.operand_place(instr, word);
        let Some(key) = key_of(place) else {
            let address = self.address(place)?;
            let value = self.value(datum, ty);
            self.before_write(Reach::Anywhere, ty)?;
            self.b.ins().store(flags(), value, address, 0);
            return Ok(());
        };
        if self.is_resident(key) {
            self.current.retain(|c| c.key != key);
            self.current.push(Current { key, ty, datum, pending: true });
            return Ok(());
        }
        let program = self.program;
        let others = |e: &Entry| e.key != key || e.ty != ty;
        self.flush(|e| others(e) && may_touch(program, Reach::Scalar(key), ty, e.key, e.ty))?;
        self.cache.forget(|e| others(e) && may_touch(program, Reach::Scalar(key), ty, e.key, e.ty));
        self.elements.retain(|e| !may_touch(program, e.reach, e.name.ty, key, ty));
        if self.plan.may_wait(self.at) {
            return self.remember(Entry { key, ty, datum, dirty: true });
        }
        let value = self.value(datum, ty);
        self.store(key, value);
        let datum = if matches!(datum, Datum::Const(_)) { datum } else { Datum::plain(value) };
        self.remember(Entry { key, ty, datum, dirty: false })
    }

    // --- values ---

    /// A datum as the value that may be stored: a bool as 0 or 1, a NaN canonical.
    pub(super) fn value(&mut self, datum: Datum, ty: ScalarType) -> Value {
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
    pub(super) fn float(&mut self, datum: Datum, ty: ScalarType) -> Value {
        match datum {
            Datum::Ssa { value, .. } => value,
            Datum::Const(_) | Datum::Var(_) => self.value(datum, ty),
        }
    }

    /// A bool, and whether its opposite is meant.
    pub(super) fn bool_value(&mut self, datum: Datum) -> (Value, bool) {
        match datum {
            Datum::Ssa { value, inverted, .. } => (value, inverted),
            Datum::Const(_) | Datum::Var(_) => (self.value(datum, ScalarType::Bool), false),
        }
    }

    /// These bits.
    pub(super) fn bits(&mut self, bits: u64, ty: ScalarType) -> Value {
        // A float comes shorter from memory than from a general register; zero is made on the spot.
        if let Some(at) = self.float_constants.get(&(ty, bits)).filter(|_| bits != 0) {
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
    fn canonical(&mut self, value: Value, ty: ScalarType) -> Value {
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

/// Do two ranges surely share nothing?
fn apart(a: Reach, b: Reach) -> bool {
    match (a, b) {
        (Reach::Range(a, a_bytes), Reach::Range(b, b_bytes)) if a.own == b.own => {
            let (a, b) = (u64::from(a.at), u64::from(b.at));
            a + a_bytes <= b || b + b_bytes <= a
        }
        (Reach::Scalar(_) | Reach::Range(..) | Reach::Anywhere, _) => false,
    }
}
