//! From canonical code to private code.
//!
//! A POU's body becomes private code once for every instance it is called on by name (operands in the instance are
//! then absolute offsets), as long as the copies stay within [`Translator::copies_limit`]; beyond it, and for
//! elements of arrays of instances, it runs on the instance at the own register. Operands in an instance so found,
//! and operands behind references, go through the address register and a scratch place. Functions have one body.

use super::super::eval::{Pure, is_pure};
use super::super::memory::Layout;
use super::super::standard::{Recognised, recognise};
use super::exec::{BoundRow, RareRow};
use super::fuse;
use super::op::{Ins, Opc, Record, halves};
use super::select::{Choice, choose};
use bytecode::image::{Access, Image};
use bytecode::isa::{Role, Ty};
use bytecode::{Instr, Op, Operand, ScalarType, Window};
use std::collections::HashMap;

/// Private code with words of 32 bits, and its tables.
#[derive(Debug, Default)]
pub(super) struct Translation {
    pub(super) code: Vec<Ins<u32>>,
    pub(super) places: Vec<u32>,
    pub(super) records: Vec<Record<u32>>,
    pub(super) bounds: Vec<BoundRow>,
    pub(super) rare: Vec<RareRow>,
    /// Slot at which each program instance begins, and what the own register holds there.
    pub(super) entries: Vec<(u32, u32)>,
    /// References of all POUs.
    pub(super) references: usize,
}

/// Where the instance of a body stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Own {
    /// Always here. Functions, which have none, count as at 0.
    At(u32),
    /// At the own register.
    Register,
}

/// A body to be translated.
type Body = (u32, Own);

/// Where an operand stands.
#[derive(Clone, Copy)]
enum Spot {
    At(u32),
    Own(u32),
    Behind { reference: u32, number: u32, offset: u32 },
}

/// Translates an image.
pub(super) fn translate(image: &Image, layout: Layout) -> Translation {
    let mut first_reference = Vec::with_capacity(image.pous.len());
    let mut references = 0_u32;
    for pou in &image.pous {
        first_reference.push(references);
        references += u32::try_from(pou.references.len()).unwrap_or(0);
    }
    let mut translator = Translator {
        image,
        layout,
        first_reference,
        standard: recognise(image),
        out: Translation { references: references as usize, ..Translation::default() },
        bodies: HashMap::new(),
        queue: Vec::new(),
        calls: Vec::new(),
        translated: 0,
        pou: 0,
        own: Own::At(0),
        branches: Vec::new(),
    };
    translator.run();
    translator.out
}

struct Translator<'a> {
    image: &'a Image,
    layout: Layout,
    /// Per POU, the number of its first reference among those of all.
    first_reference: Vec<u32>,
    /// Per POU: is it a standard block?
    standard: Vec<Option<Recognised>>,
    out: Translation,
    /// Number of every body asked for, in the order of asking, which is the order of translating.
    bodies: HashMap<Body, usize>,
    queue: Vec<Body>,
    /// Slots whose word d is a body's number and becomes its slot.
    calls: Vec<(usize, usize)>,
    /// Canonical instructions translated so far, all copies counted.
    translated: usize,
    // The body at hand.
    pou: u32,
    own: Own,
    /// Its slots whose word d is a canonical instruction's number and becomes its slot.
    branches: Vec<(usize, u32)>,
}

impl Translator<'_> {
    /// Copies of bodies may take this many instructions: enough for every program met so far, and linear.
    fn copies_limit(&self) -> usize {
        self.image.code.len().saturating_mul(4).saturating_add(65_536)
    }

    fn run(&mut self) {
        let roots: Vec<(usize, u32)> = self.image.programs.iter().map(|p| self.root(p.pou.0, p.offset)).collect();
        let mut starts: Vec<u32> = Vec::new();
        while let Some(body) = self.queue.get(starts.len()).copied() {
            starts.push(slot_number(self.out.code.len()));
            self.translate_body(body);
        }
        for (slot, body) in &self.calls {
            if let (Some(ins), Some(start)) = (self.out.code.get_mut(*slot), starts.get(*body)) {
                ins.d = *start;
            }
        }
        self.out.entries = roots.iter().filter_map(|(body, own)| Some((*starts.get(*body)?, *own))).collect();
    }

    /// The number of a body, which is translated sooner or later.
    fn body(&mut self, body: Body) -> usize {
        let next = self.queue.len();
        let number = *self.bodies.entry(body).or_insert(next);
        if number == next {
            self.queue.push(body);
            self.translated += self.body_length(body.0);
        }
        number
    }

    fn body_length(&self, pou: u32) -> usize {
        self.image.pous.get(pou as usize).map_or(0, |p| (p.end - p.entry) as usize)
    }

    /// The body to run on an instance that always stands here; `None` where copies are used up.
    fn body_at(&mut self, pou: u32, at: u32) -> Option<usize> {
        let body = (pou, Own::At(at));
        let affordable = self.translated + self.body_length(pou) <= self.copies_limit();
        (self.bodies.contains_key(&body) || affordable).then(|| self.body(body))
    }

    /// The body of a program instance, and what the own register must hold for it.
    fn root(&mut self, pou: u32, at: u32) -> (usize, u32) {
        match self.body_at(pou, at) {
            Some(body) => (body, 0),
            None => (self.body((pou, Own::Register)), at),
        }
    }

    fn translate_body(&mut self, (pou, own): Body) {
        let image = self.image;
        let Some(unit) = image.pous.get(pou as usize) else { return };
        (self.pou, self.own) = (pou, own);
        self.branches.clear();
        let start = self.out.code.len();
        let mut slots = Vec::with_capacity(self.body_length(pou));
        for pc in unit.entry..unit.end {
            slots.push(slot_number(self.out.code.len()));
            if let Some(instr) = image.code.get(pc as usize) {
                self.instruction(instr);
            }
            self.out.places.resize(self.out.code.len(), pc);
        }
        let mut is_target = vec![false; self.out.code.len() - start];
        for (slot, target) in core::mem::take(&mut self.branches) {
            let Some(to) = slots.get((target - unit.entry) as usize).copied() else { continue };
            let charges = self.out.code.get(to as usize).is_some_and(|i| i.op == Opc::Charge);
            if let Some(ins) = self.out.code.get_mut(slot) {
                ins.d = to;
                if charges {
                    ins.op = fuse::charging(ins.op);
                }
            }
            if let Some(mark) = is_target.get_mut(to as usize - start) {
                *mark = true;
            }
        }
        fuse::fuse(&mut self.out, start, &is_target, self.layout, &image.constants.bytes);
    }

    fn emit(&mut self, op: Opc, words: [u32; 5]) {
        self.out.code.push(Ins::new(op, words));
    }

    fn spot(&self, operand: Operand) -> Spot {
        let offset = operand.offset();
        match (operand.window(), self.own) {
            (Some(Window::Const), _) => Spot::At(slot_number(self.layout.constants_at) + offset),
            (Some(Window::Own), Own::At(own)) => Spot::At(own + offset),
            (Some(Window::Own), Own::Register) => Spot::Own(offset),
            (Some(Window::Ref), _) => {
                let number = u32::from(operand.reference());
                Spot::Behind { reference: self.reference(self.pou, number), number, offset }
            }
            // No other window is verified.
            (Some(Window::Data) | None, _) => Spot::At(offset),
        }
    }

    fn reference(&self, pou: u32, number: u32) -> u32 {
        self.first_reference.get(pou as usize).map_or(0, |first| first + number)
    }

    /// Sets the address register to a place.
    fn lea(&mut self, spot: Spot) {
        match spot {
            Spot::At(at) => {
                let (low, high) = halves(at);
                self.emit(Opc::LeaData, [low, high, 0, 0, 0]);
            }
            Spot::Own(offset) => {
                let (low, high) = halves(offset);
                self.emit(Opc::LeaOwn, [low, high, 0, 0, 0]);
            }
            Spot::Behind { reference, number, offset } => {
                let (low, high) = halves(offset);
                self.emit(Opc::LeaRef, [low, high, reference, number, 0]);
            }
        }
    }

    fn scratch(&self, number: u32) -> u32 {
        slot_number(self.layout.scratch_at) + 8 * number
    }

    /// Absolute offset at which the operand can be read, fetched to scratch place `number` if it has none.
    fn fetch(&mut self, operand: Operand, ty: ScalarType, number: u32) -> u32 {
        match self.spot(operand) {
            Spot::At(at) => at,
            spot @ (Spot::Own(_) | Spot::Behind { .. }) => {
                self.lea(spot);
                let scratch = self.scratch(number);
                self.emit(by_size(ty, [Opc::LdE1, Opc::LdE2, Opc::LdE4, Opc::LdE8]), [scratch, 0, 0, 0, 0]);
                scratch
            }
        }
    }

    /// Runs `emit` with an absolute offset to write to, and carries the result to the operand.
    fn deliver(&mut self, operand: Operand, ty: ScalarType, emit: impl FnOnce(&mut Self, u32)) {
        match self.spot(operand) {
            Spot::At(at) => emit(self, at),
            spot @ (Spot::Own(_) | Spot::Behind { .. }) => {
                let scratch = self.scratch(3);
                emit(self, scratch);
                self.lea(spot);
                self.emit(by_size(ty, [Opc::StE1, Opc::StE2, Opc::StE4, Opc::StE8]), [scratch, 0, 0, 0, 0]);
            }
        }
    }

    fn branch(&mut self, op: Opc, condition: u32, target: u32) {
        self.branches.push((self.out.code.len(), target));
        self.emit(op, [0, condition, 0, 0, 0]);
    }

    /// A call of a body on the instance at the address register, or the instruction that does the same. A standard
    /// block keeps its body as code, once: traps take their place from it.
    fn call_at_register(&mut self, pou: u32) {
        let body = self.body((pou, Own::Register));
        let standard = self.standard.get(pou as usize).copied().flatten();
        match standard {
            Some(Recognised { block, weight }) => self.call(block.at_register(), body, 0, u32::from(weight)),
            None => self.call(Opc::CallE, body, 0, 0),
        }
    }

    fn call(&mut self, op: Opc, body: usize, index: u32, access: u32) {
        self.calls.push((self.out.code.len(), body));
        self.emit(op, [0, 0, index, 0, access]);
    }

    fn instruction(&mut self, i: &Instr) {
        if is_pure(i.op) {
            return self.pure(i);
        }
        let [w0, w1, w2, w3] = i.w;
        let bit = u32::from(i.x & 7);
        match i.op {
            Op::LdBit => {
                let byte = self.fetch(i.operand(1), ScalarType::U8, 0);
                self.deliver(i.operand(0), ScalarType::Bool, |t, to| t.emit(Opc::LdBit, [to, byte, bit, 0, 0]));
            }
            Op::StBit => {
                // The process image stands in the data window (rule V107).
                let value = self.fetch(i.operand(1), ScalarType::Bool, 0);
                self.emit(Opc::StBit, [i.operand(0).offset(), value, bit, 0, 0]);
            }
            Op::LdX => self.load_element(i, w3),
            Op::StX => self.store_element(i, w2),
            Op::Bound => {
                let index = self.fetch(i.operand(1), i.ty, 0);
                let row = slot_number(self.out.bounds.len());
                self.out.bounds.push(BoundRow { ty: i.ty, lower: w2.cast_signed(), upper: w3.cast_signed() });
                self.deliver(i.operand(0), ScalarType::I32, |t, to| t.emit(Opc::Bound, [to, index, row, 0, 0]));
            }
            Op::Copy => {
                self.lea(self.spot(i.operand(0)));
                self.emit(Opc::Keep, [0; 5]);
                self.lea(self.spot(i.operand(1)));
                let (low, high) = halves(self.image.types.get(w2 as usize).map_or(0, |t| t.size));
                self.emit(Opc::CopyE, [low, high, 0, 0, 0]);
            }
            Op::Time => self.deliver(i.operand(0), ScalarType::I64, |t, to| t.emit(Opc::Time, [to, 0, 0, 0, 0])),
            Op::Bind => {
                self.lea(self.spot(i.operand(2)));
                let reference = self.reference(w0, w1);
                self.emit(Opc::BindE, [reference, 0, 0, 0, 0]);
            }
            Op::BindX => {
                let index = self.fetch(i.operand(2), ScalarType::I32, 0);
                self.lea(self.spot(i.operand(1)));
                let reference = self.reference(self.pou, w0);
                self.emit(Opc::BindXE, [reference, 0, index, w3, 0]);
            }
            Op::Jmp => self.branch(Opc::Jmp, 0, w0),
            Op::Jt | Op::Jf => {
                let condition = self.fetch(i.operand(1), ScalarType::Bool, 0);
                self.branch(if i.op == Op::Jt { Opc::Jt } else { Opc::Jf }, condition, w0);
            }
            Op::Charge => {
                let (low, high) = halves(w0);
                self.emit(Opc::Charge, [low, high, 0, 0, 0]);
            }
            Op::Call => {
                let body = self.body((w0, Own::At(0)));
                self.call(Opc::Call, body, 0, 0);
            }
            Op::CallI => self.call_instance(w0, Operand(w1)),
            Op::CallX => {
                let index = self.fetch(i.operand(2), ScalarType::I32, 0);
                self.lea(self.spot(i.operand(1)));
                let body = self.body((w0, Own::Register));
                self.call(Opc::CallXE, body, index, w3);
            }
            // Pure operations were handled above.
            _ => self.emit(Opc::Ret, [0; 5]),
        }
    }

    fn call_instance(&mut self, pou: u32, instance: Operand) {
        let spot = self.spot(instance);
        let is_standard = self.standard.get(pou as usize).copied().flatten().is_some();
        if let Spot::At(at) = spot
            && !is_standard
            && let Some(body) = self.body_at(pou, at)
        {
            return self.call(Opc::Call, body, 0, 0);
        }
        self.lea(spot);
        self.call_at_register(pou);
    }

    /// The row of an access whose elements are adjacent and whose lowest index fits 16 bits.
    fn adjacent(&self, ty: ScalarType, access: u32) -> Option<Access> {
        let row = self.image.accesses.get(access as usize).copied()?;
        (row.stride == ty.size() && i16::try_from(row.lower).is_ok()).then_some(row)
    }

    fn load_element(&mut self, i: &Instr, access: u32) {
        let index = self.fetch(i.operand(2), ScalarType::I32, 0);
        let spot = self.spot(i.operand(1));
        if let (Spot::At(base), Some(row)) = (spot, self.adjacent(i.ty, access)) {
            let op = by_size(i.ty, [Opc::LdX1, Opc::LdX2, Opc::LdX4, Opc::LdX8]);
            let lower = row.lower.cast_unsigned();
            return self.deliver(i.operand(0), i.ty, |t, to| t.emit(op, [to, base, index, row.count, lower]));
        }
        self.lea(spot);
        let op = by_size(i.ty, [Opc::LdXE1, Opc::LdXE2, Opc::LdXE4, Opc::LdXE8]);
        self.deliver(i.operand(0), i.ty, |t, to| t.emit(op, [to, 0, index, access, 0]));
    }

    fn store_element(&mut self, i: &Instr, access: u32) {
        let index = self.fetch(i.operand(1), ScalarType::I32, 0);
        let value = self.fetch(i.operand(3), i.ty, 1);
        let spot = self.spot(i.operand(0));
        if let (Spot::At(base), Some(row)) = (spot, self.adjacent(i.ty, access)) {
            let op = by_size(i.ty, [Opc::StX1, Opc::StX2, Opc::StX4, Opc::StX8]);
            return self.emit(op, [base, index, value, row.count, row.lower.cast_unsigned()]);
        }
        self.lea(spot);
        let op = by_size(i.ty, [Opc::StXE1, Opc::StXE2, Opc::StXE4, Opc::StXE8]);
        self.emit(op, [0, index, value, access, 0]);
    }

    fn pure(&mut self, i: &Instr) {
        let from = i.role_type(Ty::Extra).unwrap_or(i.ty);
        let mut operands = [0; 3];
        let mut types = [None; 3];
        let mut result = i.ty;
        let mut count = 0;
        for (role, word) in i.op.roles().into_iter().zip(i.w) {
            match role {
                Role::Write(ty) => result = i.role_type(ty).unwrap_or(i.ty),
                Role::Read(ty) => {
                    let ty = i.role_type(ty).unwrap_or(i.ty);
                    let at = self.fetch(Operand(word), ty, count);
                    if let (Some(o), Some(t)) = (operands.get_mut(count as usize), types.get_mut(count as usize)) {
                        (*o, *t) = (at, Some(ty));
                    }
                    count += 1;
                }
                _ => {}
            }
        }
        let [b, c, d] = operands;
        let (op, words) = match choose(i.op, i.ty, from) {
            Choice::Direct(op) => (op, [b, c, d, 0]),
            Choice::Swapped(op) => (op, [c, b, d, 0]),
            Choice::Rare => {
                let row = slot_number(self.out.rare.len());
                let pure = Pure { op: i.op, ty: i.ty, from };
                self.out.rare.push(RareRow { pure, read: types, write: result });
                (Opc::Rare, [b, c, d, row])
            }
        };
        let [b, c, d, e] = words;
        self.deliver(i.operand(0), result, |t, to| t.emit(op, [to, b, c, d, e]));
    }
}

/// The opcode for the size of a type: 1, 2, 4 or 8 bytes.
pub(super) const fn by_size(ty: ScalarType, [one, two, four, eight]: [Opc; 4]) -> Opc {
    match ty.size() {
        1 => one,
        2 => two,
        4 => four,
        _ => eight,
    }
}

/// Offsets and slots stay far below 2^32: the verifier limits data to 64 MiB and code to 2^24 instructions, copies
/// are limited to 4 times that, and an instruction becomes at most 12.
fn slot_number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
