//! Which rung writes a variable: for failure reports, which want to say where a wrong value comes from.
//!
//! The table is made from the code once, by whoever reports; nothing is recorded while scanning. A variable that
//! several rungs write has several entries; IEC 61131-3 lets the last in the order of the text win, so that one is
//! [`Writers::last`]. Writes through VAR_IN_OUT are found where the reference is bound, and indexed writes count for
//! every element they can reach.

use bytecode::image::{Place, PouKind, SourcePlace};
use bytecode::isa::{Role, Ty};
use bytecode::{Image, Instr, Op, Operand, PouId, ScalarType, TypeId, Window};
use std::collections::HashMap;

/// Where something is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writer {
    /// Kind and name of the unit, such as `PROGRAM Main`.
    pub unit: String,
    /// Label of the rung; empty outside a ladder.
    pub rung: String,
    /// Source file; empty when the image does not say.
    pub file: String,
    /// Line from 1; 0 when the image does not say.
    pub line: u32,
}

impl std::fmt::Display for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.rung.is_empty() {
            f.write_str(&self.unit)?
        } else {
            write!(f, "rung {}", self.rung)?
        }
        if self.file.is_empty() { Ok(()) } else { write!(f, " ({}:{})", self.file, self.line) }
    }
}

/// A range of the data segment that an instruction may write.
#[derive(Clone, Copy, Debug)]
struct Span {
    from: u32,
    /// One past the last byte.
    to: u32,
    /// The one bit written, where it is one of the process image.
    bit: Option<u8>,
    pc: u32,
}

/// Who writes what.
#[derive(Clone, Debug)]
pub struct Writers {
    spans: Vec<Span>,
}

impl Writers {
    /// Reads the code of an image.
    #[must_use]
    pub fn new(image: &Image) -> Self {
        let instances = instances(image);
        let mut spans = Vec::new();
        for (index, pou) in image.pous.iter().enumerate() {
            let id = PouId(u32::try_from(index).unwrap_or(u32::MAX));
            let none = Vec::new();
            let bases = match pou.kind {
                PouKind::Function => &none,
                PouKind::Program | PouKind::FunctionBlock => instances.get(&id).unwrap_or(&none),
            };
            for pc in pou.entry..pou.end {
                let Some(instr) = image.code.get(pc as usize) else { break };
                for (operand, length, bit) in written(image, instr) {
                    add(&mut spans, operand, length, bit, bases, pc);
                }
            }
        }
        Self { spans }
    }

    /// Every place that writes a variable of `size` bytes, in the order of the code.
    #[must_use]
    pub fn of(&self, image: &Image, place: Place, size: u32) -> Vec<Writer> {
        let (from, to, bit) = match place {
            Place::Byte(offset) => (offset, offset.saturating_add(size.max(1)), None),
            Place::Bit { offset, bit } => (offset, offset.saturating_add(1), Some(bit)),
        };
        let hits = self.spans.iter().filter(|s| {
            let same_bit = match (s.bit, bit) {
                (Some(a), Some(b)) => a == b,
                (None, _) | (_, None) => true,
            };
            s.from < to && from < s.to && same_bit
        });
        let mut pcs: Vec<u32> = hits.map(|s| s.pc).collect();
        pcs.sort_unstable();
        let mut writers: Vec<Writer> = pcs.into_iter().map(|pc| writer(image, pc)).collect();
        writers.dedup();
        writers
    }

    /// The last place in the order of the code that writes a variable.
    #[must_use]
    pub fn last(&self, image: &Image, place: Place, size: u32) -> Option<Writer> {
        self.of(image, place, size).pop()
    }
}

fn writer(image: &Image, pc: u32) -> Writer {
    let place: Option<&SourcePlace> = image.source_place(pc);
    let rung = place.and_then(|p| image.debug.rungs.get(p.rung as usize));
    let file = place.and_then(|p| image.debug.files.get(p.file as usize));
    let unit = image.pou_at(pc).map_or_else(String::new, |pou| {
        let kind = match pou.kind {
            PouKind::Program => "PROGRAM",
            PouKind::FunctionBlock => "FUNCTION_BLOCK",
            PouKind::Function => "FUNCTION",
        };
        format!("{kind} {}", pou.name)
    });
    Writer {
        unit,
        rung: rung.map(|r| r.label.clone()).unwrap_or_default(),
        file: file.cloned().unwrap_or_default(),
        line: place.map_or(0, |p| p.line),
    }
}

/// Operand, bytes and bit of what an instruction may write.
fn written(image: &Image, instr: &Instr) -> Vec<(Operand, u32, Option<u8>)> {
    let scalar = |ty: Ty| instr.role_type(ty).map_or(1, ScalarType::size);
    let type_size = |id: u32| image.ty(TypeId(id)).map_or(1, |t| t.size);
    let mut list = Vec::new();
    for (index, role) in instr.op.roles().into_iter().enumerate() {
        match role {
            Role::Write(ty) => list.push((instr.operand(index), scalar(ty), None)),
            Role::WriteImageByte => list.push((instr.operand(index), 1, u8::try_from(instr.x).ok())),
            Role::WriteBase(ty) => list.push((instr.operand(index), reach(image, instr, scalar(ty)), None)),
            Role::None
            | Role::Read(_)
            | Role::ReadBase(_)
            | Role::ReadImageByte
            | Role::Place
            | Role::PlaceBase
            | Role::Access
            | Role::Target
            | Role::Pou
            | Role::Type
            | Role::RefIndex
            | Role::Number => {}
        }
    }
    let [first, second, third, _] = instr.w;
    if instr.op == Op::Copy {
        list.push((Operand(first), type_size(third), None));
    } else if instr.op == Op::Bind {
        // Binding a VAR_IN_OUT: the callee may write all of what it points at.
        let target = image.pou(PouId(first)).and_then(|p| p.references.get(second as usize));
        list.push((Operand(third), target.map_or(1, |t| type_size(t.0)), None));
    } else if instr.op == Op::BindX {
        list.push((Operand(second), reach(image, instr, 1), None));
    }
    list
}

/// Bytes an indexed instruction can reach from its operand.
fn reach(image: &Image, instr: &Instr, element: u32) -> u32 {
    let access = instr.op.roles().iter().position(|r| *r == Role::Access).and_then(|i| instr.w.get(i));
    let row = access.and_then(|a| image.accesses.get(*a as usize));
    row.map_or(element, |r| r.stride.saturating_mul(r.count.saturating_sub(1)).saturating_add(element.max(r.stride)))
}

fn add(spans: &mut Vec<Span>, operand: Operand, length: u32, bit: Option<u8>, bases: &[u32], pc: u32) {
    let mut push = |from: u32| spans.push(Span { from, to: from.saturating_add(length), bit, pc });
    match operand.window() {
        Some(Window::Data) => push(operand.offset()),
        Some(Window::Own) => bases.iter().for_each(|base| push(base.saturating_add(operand.offset()))),
        // What is behind a reference was noted where it was bound.
        Some(Window::Ref | Window::Const) | None => {}
    }
}

/// Offsets of all instances of each program and function block, nested ones and array elements included.
fn instances(image: &Image) -> HashMap<PouId, Vec<u32>> {
    let mut by_type: HashMap<TypeId, Vec<PouId>> = HashMap::new();
    for (index, pou) in image.pous.iter().enumerate() {
        if let Some(ty) = pou.instance {
            by_type.entry(ty).or_default().push(PouId(u32::try_from(index).unwrap_or(u32::MAX)));
        }
    }
    let mut found: HashMap<PouId, Vec<u32>> = HashMap::new();
    let mut work: Vec<(TypeId, u32)> = image.data.slots.iter().map(|s| (s.ty, s.offset)).collect();
    while let Some((ty, offset)) = work.pop() {
        for pou in by_type.get(&ty).into_iter().flatten() {
            found.entry(*pou).or_default().push(offset);
        }
        let Some(row) = image.ty(ty) else { continue };
        for field in row.fields() {
            work.push((field.ty, offset.saturating_add(field.offset)));
        }
        if let bytecode::types::TypeKind::Array { element, stride, .. } = &row.kind
            && image.ty(*element).is_some_and(|t| t.scalar().is_none())
        {
            let count = row.size.checked_div(*stride).unwrap_or(0);
            work.extend((0..count).map(|i| (*element, offset.saturating_add(stride.saturating_mul(i)))));
        }
    }
    found
}
