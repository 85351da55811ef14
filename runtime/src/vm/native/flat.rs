//! Bodies as flat lists of lines: who is called where, what is inlined, where operands stand.
//!
//! A *body* is a POU on an instance: at a place known by name, or at the own pointer the caller hands over. A *line*
//! is one canonical instruction of a body or of one inlined into it, with the *scope* it runs in. Small bodies called
//! on a place that is known go into their caller, so that values pass in registers; what may not be told apart
//! afterwards, the places traps report, is kept per scope.
//!
//! Growth is bounded: all lines together are at most four times the image's code and a fixed allowance, as in the
//! interpreter.

use super::super::memory::Layout;
use super::super::standard::passing::passing;
use super::cache::Key;
use bytecode::image::Image;
use bytecode::{Instr, Op, Operand, Window};
use std::collections::HashMap;

/// Longest body that goes into its callers: the longest standard block is well below.
const INLINE_MAX: usize = 48;
/// Deepest nesting of inlined bodies.
const INLINE_DEPTH: u32 = 6;
/// Lines allowed beside four times the code.
const ALLOWANCE: usize = 65_536;

/// Where the instance of a body stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Own {
    /// Always here. Functions, which have none, count as at 0.
    At(u32),
    /// This far behind the own pointer.
    Pointer(u32),
}

/// A body: number of the POU, and where its instance stands.
pub(super) type Body = (u32, Own);

/// Where an operand stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// At this offset of the memory.
    At(u32),
    /// This far behind the own pointer.
    Own(u32),
    /// Behind a reference: its number among those of all POUs, its number in its own, and the offset there.
    Behind { slot: u32, number: u32, offset: u32 },
}

/// One POU's code within a flat body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope {
    pub(super) pou: u32,
    pub(super) own: Own,
    /// The call in the outermost body that led here; `None` in that body itself.
    pub(super) via: Option<u32>,
}

/// What a line does beside its instruction's own effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Goes on with the next line.
    Plain,
    /// The instruction is a branch to this line.
    Branch(u32),
    /// The end of an inlined body: goes on at this line.
    Goto(u32),
    /// The instruction is a call of the body with this number.
    Call(u32),
    /// The end of the body itself.
    Leave,
}

/// One instruction of a flat body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub(super) pc: u32,
    pub(super) scope: u32,
    pub(super) kind: Kind,
}

/// A body with what was inlined into it.
#[derive(Debug, Default)]
pub(super) struct Flat {
    pub(super) lines: Vec<Line>,
    pub(super) scopes: Vec<Scope>,
}

/// What every part of the translation looks up in an image.
pub(super) struct Program<'a> {
    pub(super) image: &'a Image,
    pub(super) layout: Layout,
    /// Per POU, the number of its first reference among those of all.
    first_reference: Vec<u32>,
    /// References of all POUs.
    pub(super) references: usize,
    /// Places that nobody reads behind the block that writes them, in order.
    passing: Vec<u32>,
}

impl<'a> Program<'a> {
    pub(super) fn new(image: &'a Image) -> Self {
        let mut first_reference = Vec::with_capacity(image.pous.len());
        let mut references = 0;
        for pou in &image.pous {
            first_reference.push(number(references));
            references += pou.references.len();
        }
        let passing = passing(image);
        Self { image, layout: Layout::of(image), first_reference, references, passing }
    }

    pub(super) fn instr(&self, line: Line) -> Option<&'a Instr> {
        self.image.code.get(line.pc as usize)
    }

    /// The number of a POU's reference among those of all.
    pub(super) fn reference(&self, pou: u32, reference: u32) -> u32 {
        self.first_reference.get(pou as usize).map_or(0, |first| first + reference)
    }

    /// Where an operand of a scope stands; constants at their offset of the memory.
    pub(super) fn place(&self, scope: Scope, operand: Operand) -> Place {
        let offset = operand.offset();
        match operand.window() {
            Some(Window::Const) => Place::At(number(self.layout.constants_at) + offset),
            Some(Window::Own) => match scope.own {
                Own::At(own) => Place::At(own + offset),
                Own::Pointer(own) => Place::Own(own + offset),
            },
            Some(Window::Ref) => {
                let number = u32::from(operand.reference());
                Place::Behind { slot: self.reference(scope.pou, number), number, offset }
            }
            // No other window is verified.
            Some(Window::Data) | None => Place::At(offset),
        }
    }

    /// Does nobody read a place behind the block that writes it?
    pub(super) fn is_passing(&self, key: Key) -> bool {
        !key.own
            && self.passing.first().is_some_and(|first| *first <= key.at)
            && self.passing.binary_search(&key.at).is_ok()
    }

    /// Does a place lie in the process image, whose bytes scalars of several types overlay?
    pub(super) fn in_process_image(&self, at: u32) -> bool {
        at < self.image.data.process_image_bytes()
    }

    /// Does a scalar stand here that is part of nothing, so that no instance contains it?
    pub(super) fn stands_alone(&self, at: u32) -> bool {
        let slots = &self.image.data.slots;
        let after = slots.partition_point(|s| s.offset <= at);
        let slot = after.checked_sub(1).and_then(|i| slots.get(i));
        slot.and_then(|s| self.image.ty(s.ty)).is_some_and(|t| t.scalar().is_some())
    }

    fn body_length(&self, pou: u32) -> usize {
        self.image.pous.get(pou as usize).map_or(0, |p| (p.end - p.entry) as usize)
    }
}

/// A count or offset as the 32 bits it is known to fit: the verifier's limits are far below.
pub(super) fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Every body asked for, in the order of asking.
pub(super) struct Bodies<'a> {
    program: &'a Program<'a>,
    numbers: HashMap<Body, u32>,
    pub(super) list: Vec<Body>,
    /// Lines promised so far.
    promised: usize,
    inline: bool,
}

impl<'a> Bodies<'a> {
    pub(super) fn new(program: &'a Program<'a>, inline: bool) -> Self {
        Self { program, numbers: HashMap::new(), list: Vec::new(), promised: 0, inline }
    }

    fn limit(&self) -> usize {
        self.program.image.code.len().saturating_mul(4).saturating_add(ALLOWANCE)
    }

    fn affordable(&self, pou: u32) -> bool {
        self.promised + self.program.body_length(pou) <= self.limit()
    }

    /// The number of a body, which is translated sooner or later.
    fn body(&mut self, body: Body) -> u32 {
        if let Some(known) = self.numbers.get(&body) {
            return *known;
        }
        let new = number(self.list.len());
        self.list.push(body);
        self.numbers.insert(body, new);
        self.promised += self.program.body_length(body.0);
        new
    }

    /// The body to run on an instance at a known place, and whether it wants the own pointer.
    pub(super) fn body_at(&mut self, pou: u32, at: u32) -> u32 {
        let body = (pou, Own::At(at));
        if self.numbers.contains_key(&body) || self.affordable(pou) {
            return self.body(body);
        }
        self.body((pou, Own::Pointer(0)))
    }

    /// The body to run on whatever instance the own pointer names.
    pub(super) fn body_anywhere(&mut self, pou: u32) -> u32 {
        self.body((pou, Own::Pointer(0)))
    }

    /// Flattens a body.
    pub(super) fn flatten(&mut self, body: Body) -> Flat {
        let mut flat = Flat::default();
        self.append(&mut flat, Scope { pou: body.0, own: body.1, via: None }, 0);
        flat
    }

    fn append(&mut self, flat: &mut Flat, scope: Scope, depth: u32) {
        let image = self.program.image;
        let Some(unit) = image.pous.get(scope.pou as usize) else { return };
        let this = number(flat.scopes.len());
        flat.scopes.push(scope);
        let mut at: Vec<u32> = Vec::with_capacity((unit.end - unit.entry) as usize);
        // Lines whose target is an instruction of this POU, or its end.
        let mut open: Vec<(usize, u32)> = Vec::new();
        for pc in unit.entry..unit.end {
            at.push(number(flat.lines.len()));
            let Some(instr) = image.code.get(pc as usize) else { continue };
            let kind = match instr.op {
                Op::Ret if depth == 0 => Kind::Leave,
                // The last return of an inlined body goes on with the next line anyway.
                Op::Ret if pc + 1 == unit.end => continue,
                Op::Ret => {
                    open.push((flat.lines.len(), unit.end));
                    Kind::Goto(0)
                }
                op if op.is_branch() => {
                    let [target, ..] = instr.w;
                    open.push((flat.lines.len(), target));
                    Kind::Branch(0)
                }
                op if op.is_call() => {
                    if let Some(callee) = self.inlined(scope, instr, depth) {
                        let via = scope.via.or(Some(pc));
                        self.append(flat, Scope { via, ..callee }, depth + 1);
                        continue;
                    }
                    Kind::Call(self.callee(scope, instr))
                }
                _ => Kind::Plain,
            };
            flat.lines.push(Line { pc, scope: this, kind });
        }
        let end = number(flat.lines.len());
        for (line, target) in open {
            let to = at.get((target - unit.entry) as usize).copied().unwrap_or(end);
            if let Some(line) = flat.lines.get_mut(line) {
                line.kind = if matches!(line.kind, Kind::Goto(_)) { Kind::Goto(to) } else { Kind::Branch(to) };
            }
        }
    }

    /// The scope of a call that goes into its caller.
    fn inlined(&mut self, scope: Scope, instr: &Instr, depth: u32) -> Option<Scope> {
        let [pou, ..] = instr.w;
        let length = self.program.body_length(pou);
        if !self.inline || length > INLINE_MAX || depth >= INLINE_DEPTH || !self.affordable(pou) {
            return None;
        }
        let own = match instr.op {
            Op::Call => Own::At(0),
            Op::CallI => match self.program.place(scope, instr.operand(1)) {
                Place::At(at) => Own::At(at),
                Place::Own(offset) => Own::Pointer(offset),
                Place::Behind { .. } => return None,
            },
            _ => return None,
        };
        self.promised += length;
        Some(Scope { pou, own, via: None })
    }

    fn callee(&mut self, scope: Scope, instr: &Instr) -> u32 {
        let [pou, ..] = instr.w;
        match instr.op {
            Op::Call => self.body((pou, Own::At(0))),
            Op::CallI => match self.program.place(scope, instr.operand(1)) {
                Place::At(at) => self.body_at(pou, at),
                Place::Own(_) | Place::Behind { .. } => self.body_anywhere(pou),
            },
            _ => self.body_anywhere(pou),
        }
    }
}

/// Calls in a chain, at most: the native stack is not the program's to fill.
pub(super) fn call_depth(image: &Image) -> u32 {
    // Calls form no cycle. Depths are found callees first, with a stack of our own.
    let mut depth: Vec<Option<u32>> = vec![None; image.pous.len()];
    let mut deepest = 0;
    for root in 0..image.pous.len() {
        let mut open = vec![(root, false)];
        while let Some((pou, callees_done)) = open.pop() {
            if depth.get(pou).is_some_and(Option::is_some) {
                continue;
            }
            let Some(unit) = image.pous.get(pou) else { continue };
            let code = image.code.get(unit.entry as usize..unit.end as usize).unwrap_or_default();
            let callees = code.iter().filter(|i| i.op.is_call()).map(|i| i.w.first().map_or(0, |w| *w as usize));
            if callees_done {
                let below = callees.filter_map(|c| depth.get(c).copied().flatten()).max().unwrap_or(0);
                deepest = deepest.max(below + 1);
                if let Some(slot) = depth.get_mut(pou) {
                    *slot = Some(below + 1);
                }
            } else {
                open.push((pou, true));
                open.extend(callees.filter(|c| depth.get(*c).is_some_and(Option::is_none)).map(|c| (c, false)));
            }
        }
    }
    deepest
}
