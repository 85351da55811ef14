//! From lines to the code generator's own form: control flow, memory, traps and the budget.
//!
//! One function is made of a stretch of lines. Its parameters are the record, the memory and the own pointer; it
//! returns [`DONE`], [`TRAPPED`] or [`RETURNED`]. The order of effects is the reference engine's: operands are read in
//! the order of the words, then places found, then the index checked, then the result computed and written; what would
//! trap first traps first. Stores may come later than there, or not at all where another one follows: after a trap memory
//! is diagnostic only.

mod budget;
mod memory;
mod places;
mod vectors;

use super::abi::{DONE, RETURNED, Record, TRAPPED};
use super::cache::{Cache, Datum, Entry, Key, Reach, Store};
use super::flat::{Flat, Kind, Line, Place, Program, Scope};
use super::lines::key_of;
use super::ops::Gates;
use super::plan::Plan;
use super::ranges::{Counted, Right};
use bytecode::{Instr, ScalarType};
use cranelift_codegen::ir::{Block, FuncRef, InstBuilder, MemFlagsData, SigRef, Type, Value, types};
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
    /// Sums of this block: the sum, what was added to, and the number added.
    sums: Vec<(Value, Value, i64)>,
    /// What bools were made of.
    pub(super) gates: Gates,
    /// Where float constants stand in memory: type, bits, offset.
    float_constants: HashMap<(ScalarType, u64), u32>,
    /// Elements of arrays read or written in this block, oldest first.
    elements: Vec<Element>,
    /// Whether what the lines up to this one say happens.
    pub(super) condition: Option<(Datum, u32)>,
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
        sums: Vec::new(),
        gates: Gates::default(),
        float_constants: HashMap::new(),
        elements: Vec::new(),
        condition: None,
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
            self.condition = self.condition.filter(|(_, end)| at < *end);
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
        self.sums.clear();
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
            if let Some(wide) = region.wide.clone() {
                self.wide_turns(&wide)?;
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
        let latest = self.cache.latest().filter(|entry| entry.store != Store::Passes);
        let latest: Vec<Entry> = latest.take(OFFERS_MAX).copied().collect();
        let mut offered = Vec::new();
        for entry in latest {
            let name = (entry.key, entry.ty);
            if known.as_ref().is_none_or(|known| known.contains(&name)) {
                // Its variable may still have it from another offer; using it here would make a value of it in every block.
                if entry.datum != Datum::Var(self.variable(entry.key, entry.ty)) {
                    let value = self.value(entry.datum, entry.ty);
                    self.define(entry.key, entry.ty, value);
                }
                offered.push(name);
            }
        }
        self.offers.insert(to, offered);
    }

    fn take_offers(&mut self, at: u32) {
        for (key, ty) in self.offers.remove(&at).unwrap_or_default().into_iter().rev() {
            let datum = Datum::Var(self.variable(key, ty));
            // A clean entry makes room for it: nothing has to be stored.
            let _ = self.cache.put(Entry { key, ty, datum, store: Store::Done });
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
        if let Some(end) = self.plan.conditional_end(self.at) {
            self.condition = Some((if on { self.opposite(condition) } else { condition }, end));
            return Ok(());
        }
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
        if self.part {
            // A part ends anywhere, in the middle of a standard block too.
            self.cache.nothing_passes();
        }
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

    pub(super) fn now(&mut self) -> Value {
        self.b.ins().load(types::I64, flags(), self.record, field(offset_of!(Record, now_ns)))
    }
}
