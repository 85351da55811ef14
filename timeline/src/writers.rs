//! Which places of a program write a variable: the answer to "who did that?" in a failure report.
//!
//! Found by looking through the code of the image, so it needs no cooperation of the engine and costs a run nothing. A
//! write through a reference (VAR_IN_OUT) is not followed; the call that passes the variable is named instead.

use bytecode::image::{Image, Place, SourcePlace};
use bytecode::isa::{Instr, Op, Operand, Role, Window};
use bytecode::path::Variable;
use bytecode::types::{TypeId, TypeKind};

/// A place of the program that writes a variable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Writer {
    /// Source file.
    pub file: String,
    /// Line from 1.
    pub line: u32,
    /// Label and title of the rung; `None` outside a ladder.
    pub rung: Option<(String, String)>,
}

/// An instance that contains the variable: its first byte and its type.
#[derive(Clone, Copy)]
struct Container {
    base: u32,
    ty: TypeId,
}

/// The places that write a variable, in the order they run in; each rung or line once.
#[must_use]
pub fn writers(image: &Image, variable: &Variable) -> Vec<Writer> {
    let (offset, bit) = match variable.place {
        Place::Byte(offset) => (offset, None),
        Place::Bit { offset, bit } => (offset, Some(bit)),
    };
    let containers = containers(image, offset);
    let mut found: Vec<Writer> = Vec::new();
    for pou in &image.pous {
        let own =
            containers.iter().find(|container| pou.instance == Some(container.ty)).map(|container| container.base);
        for pc in pou.entry..pou.end {
            let Some(instr) = image.code.get(pc as usize) else { continue };
            let hit = writes(image, instr, own, offset, bit) || passes(image, instr, own, offset);
            if let Some(writer) = hit.then(|| writer(image, pc)).flatten()
                && !found.contains(&writer)
            {
                found.push(writer);
            }
        }
    }
    found
}

/// The instances around an offset, outermost first.
fn containers(image: &Image, offset: u32) -> Vec<Container> {
    let mut found = Vec::new();
    let mut push = |base: u32, ty: TypeId| found.push(Container { base, ty });
    for program in &image.programs {
        let ty = image.pou(program.pou).and_then(|pou| pou.instance);
        if let Some(ty) = ty.filter(|ty| covers(image, program.offset, *ty, offset)) {
            push(program.offset, ty);
            descend(image, program.offset, ty, offset, &mut push);
        }
    }
    for slot in image.data.slots.iter().filter(|slot| covers(image, slot.offset, slot.ty, offset)) {
        push(slot.offset, slot.ty);
        descend(image, slot.offset, slot.ty, offset, &mut push);
    }
    found
}

fn covers(image: &Image, base: u32, ty: TypeId, offset: u32) -> bool {
    let size = image.ty(ty).map_or(0, |ty| ty.size);
    offset.checked_sub(base).is_some_and(|inside| inside < size)
}

/// Follows the fields and elements that contain the offset. Types refer only to earlier ones, so this ends.
fn descend(image: &Image, base: u32, ty: TypeId, offset: u32, push: &mut impl FnMut(u32, TypeId)) {
    let (mut base, mut ty) = (base, ty);
    loop {
        let Some(kind) = image.ty(ty).map(|ty| &ty.kind) else { return };
        let next = match kind {
            TypeKind::Instance { fields } | TypeKind::Structure { fields } => fields
                .iter()
                .map(|field| (base.saturating_add(field.offset), field.ty))
                .find(|(at, field)| covers(image, *at, *field, offset)),
            TypeKind::Array { element, stride, .. } => {
                let index = offset.saturating_sub(base).checked_div(*stride);
                index.map(|index| (base.saturating_add(index.saturating_mul(*stride)), *element))
            }
            TypeKind::Elementary(_) | TypeKind::Enumeration { .. } | TypeKind::Text { .. } => None,
        };
        let Some((at, inner)) = next.filter(|(_, inner)| *inner < ty) else { return };
        (base, ty) = (at, inner);
        push(base, ty);
    }
}

/// The offset in the data segment an operand names, where that is known before the run.
fn absolute(operand: Operand, own: Option<u32>) -> Option<u32> {
    match operand.window()? {
        Window::Data => Some(operand.offset()),
        Window::Own => own.map(|base| base.saturating_add(operand.offset())),
        Window::Const | Window::Ref => None,
    }
}

fn writes(image: &Image, instr: &Instr, own: Option<u32>, offset: u32, bit: Option<u8>) -> bool {
    instr.op.roles().into_iter().enumerate().any(|(word, role)| {
        let Some(at) = absolute(instr.operand(word), own) else { return false };
        let inside = |size: u32| offset.checked_sub(at).is_some_and(|inside| inside < size);
        match role {
            Role::Write(ty) => instr.role_type(ty).is_some_and(|scalar| inside(scalar.size())),
            Role::WriteImageByte => at == offset && bit.is_none_or(|bit| u16::from(bit) == instr.x),
            Role::WriteBase(ty) => {
                let size = instr.role_type(ty).map_or(1, |scalar| scalar.size());
                let span = access_span(image, instr).unwrap_or(0);
                inside(span.saturating_add(size))
            }
            Role::Place if instr.op == Op::Copy && word == 0 => {
                let size = instr.w.get(2).and_then(|ty| image.ty(TypeId(*ty))).map_or(0, |ty| ty.size);
                inside(size)
            }
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
            | Role::Number => false,
        }
    })
}

/// Bytes from the first to the last element of a strided access.
fn access_span(image: &Image, instr: &Instr) -> Option<u32> {
    let word = instr.op.roles().into_iter().position(|role| role == Role::Access)?;
    let access = image.accesses.get(*instr.w.get(word)? as usize)?;
    Some(access.stride.saturating_mul(access.count.saturating_sub(1)))
}

/// Does this instruction hand the variable, or the library block it lies in, to other code?
fn passes(image: &Image, instr: &Instr, own: Option<u32>, offset: u32) -> bool {
    let (place, size) = if instr.op == Op::Bind {
        (instr.operand(2), reference_size(image, instr))
    } else if instr.op == Op::CallI || instr.op == Op::CallX {
        (instr.operand(1), library_size(image, instr).saturating_add(access_span(image, instr).unwrap_or(0)))
    } else {
        return false;
    };
    absolute(place, own).and_then(|at| offset.checked_sub(at)).is_some_and(|inside| inside < size)
}

/// Bytes of the instance a call of a library block works on; 0 for the blocks of the user, whose own places are named.
fn library_size(image: &Image, instr: &Instr) -> u32 {
    let pou = instr.w.first().and_then(|pou| image.pou(bytecode::PouId(*pou)));
    let library = pou.filter(|pou| !has_place(image, pou.entry));
    library.and_then(|pou| pou.instance).and_then(|ty| image.ty(ty)).map_or(0, |ty| ty.size)
}

fn reference_size(image: &Image, instr: &Instr) -> u32 {
    let pou = instr.w.first().and_then(|pou| image.pou(bytecode::PouId(*pou)));
    let ty = pou.and_then(|pou| pou.references.get(*instr.w.get(1)? as usize));
    ty.and_then(|ty| image.ty(*ty)).map_or(0, |ty| ty.size)
}

/// Is the source of this instruction a file of the user?
fn has_place(image: &Image, pc: u32) -> bool {
    image
        .source_place(pc)
        .and_then(|place| image.debug.files.get(place.file as usize))
        .is_some_and(|file| !is_library(file))
}

fn is_library(file: &str) -> bool {
    compiler::stdlib::library().sources.iter().any(|(_, source)| source.name() == file)
}

fn writer(image: &Image, pc: u32) -> Option<Writer> {
    let place = image.source_place(pc)?;
    let file = image.debug.files.get(place.file as usize).filter(|file| !is_library(file))?;
    let rung = (place.rung != SourcePlace::NO_RUNG).then(|| image.debug.rungs.get(place.rung as usize)).flatten();
    Some(match rung {
        Some(rung) => {
            Writer { file: file.clone(), line: rung.line, rung: Some((rung.label.clone(), rung.title.clone())) }
        }
        None => Writer { file: file.clone(), line: place.line, rung: None },
    })
}
