//! An image as text: what `plcrun disasm` prints.
//!
//! Each instruction is shown with its number and, behind a semicolon, the names of the variables it touches. Lines
//! that begin with `;` say which POU, rung and source line the instructions below come from.

use crate::image::{Image, Place, Pou, SourcePlace};
use crate::isa::{Instr, Operand, Role, Window};
use crate::path::show;
use crate::types::{Elementary, TypeId, TypeKind};
use core::cmp::Reverse;
use core::fmt::Write as _;

/// The whole image as text.
#[must_use]
pub fn disassemble(image: &Image) -> String {
    let mut out = String::new();
    header(image, &mut out);
    let names = Names::new(image);
    let mut last: Option<SourcePlace> = None;
    for (number, pou) in image.pous.iter().enumerate() {
        let _ = writeln!(out, "\npou{number} {} ({:?})", pou.name, pou.kind);
        let body = image.code.get(pou.entry as usize..pou.end as usize).unwrap_or_default();
        for (pc, instr) in (pou.entry..).zip(body) {
            if let Some(place) = image.source_place(pc)
                && last.is_none_or(|l| (l.file, l.line, l.rung) != (place.file, place.line, place.rung))
            {
                source_line(image, place, &mut out);
                last = Some(*place);
            }
            let code = format!("{instr:?}");
            let touched = names.of(pou, instr);
            if touched.is_empty() {
                let _ = writeln!(out, "{pc:6}  {code}");
            } else {
                let _ = writeln!(out, "{pc:6}  {code:<40} ; {touched}");
            }
        }
    }
    out
}

fn header(image: &Image, out: &mut String) {
    let d = &image.data;
    let _ = writeln!(out, "; {}: {} instructions, {} POUs", image.name, image.code.len(), image.pous.len());
    let _ = writeln!(
        out,
        "; data {} bytes (inputs {}, outputs {}, flags {}), constants {} bytes",
        d.size,
        d.input_bytes,
        d.output_bytes,
        d.flag_bytes,
        image.constants.bytes.len()
    );
    match crate::retained(image) {
        Ok(slots) if slots.is_empty() => {}
        Ok(slots) => {
            let persistent = slots.iter().filter(|s| s.persistent).count();
            let bytes: u32 = slots.iter().map(|s| s.size).sum();
            let _ = writeln!(out, "; retained {} values ({bytes} bytes), persistent {persistent}", slots.len());
        }
        Err(error) => {
            let _ = writeln!(out, "; {error}");
        }
    }
    for task in &image.tasks {
        let names = task.programs.iter().filter_map(|p| image.programs.get(*p as usize)).map(|p| p.name.as_str());
        let names: Vec<&str> = names.collect();
        let interval = match task.interval_ns {
            0 => "at the interval given at start".to_owned(),
            ns => format!("every {}", crate::path::show_time_ns(i64::try_from(ns).unwrap_or(i64::MAX))),
        };
        let _ = writeln!(out, "; task {} {interval}, priority {}: {}", task.name, task.priority, names.join(", "));
    }
}

fn source_line(image: &Image, place: &SourcePlace, out: &mut String) {
    let file = image.debug.files.get(place.file as usize).map_or("?", String::as_str);
    let _ = write!(out, "; {file}:{}", place.line);
    if let Some(rung) = image.debug.rungs.get(place.rung as usize) {
        let _ = write!(out, " rung {}", rung.label);
        if !rung.title.is_empty() {
            let _ = write!(out, " \"{}\"", rung.title);
        }
    }
    out.push('\n');
}

/// Symbols by where they stand.
struct Names<'a> {
    image: &'a Image,
    /// Start, size and symbol of everything that stands on bytes; the smallest last among those of equal start, so
    /// that a variable is named rather than the instance it begins.
    by_offset: Vec<(u32, Reverse<u32>, usize)>,
}

impl<'a> Names<'a> {
    fn new(image: &'a Image) -> Self {
        let placed = image.symbols.iter().enumerate().filter_map(|(i, s)| match s.place {
            Place::Byte(start) => Some((start, Reverse(image.ty(s.ty).map_or(0, |t| t.size)), i)),
            Place::Bit { .. } => None,
        });
        let mut by_offset: Vec<_> = placed.collect();
        by_offset.sort_unstable();
        Self { image, by_offset }
    }

    /// The variables and tables an instruction touches.
    fn of(&self, pou: &Pou, instr: &Instr) -> String {
        let image = self.image;
        let mut names: Vec<String> = Vec::new();
        for (i, role) in instr.op.roles().into_iter().enumerate() {
            let operand = instr.operand(i);
            match role {
                Role::Write(_)
                | Role::Read(_)
                | Role::WriteBase(_)
                | Role::ReadBase(_)
                | Role::ReadImageByte
                | Role::WriteImageByte
                | Role::Place
                | Role::PlaceBase => names.extend(self.operand(pou, operand, instr.x)),
                Role::Pou => names.extend(image.pous.get(operand.0 as usize).map(|p| p.name.clone())),
                Role::Type => names.extend(image.ty(TypeId(operand.0)).map(|t| t.name.clone())),
                Role::None | Role::Access | Role::Target | Role::RefIndex | Role::Number => {}
            }
        }
        names.join(", ")
    }

    /// The variable or constant an operand stands for, where it has a name.
    fn operand(&self, pou: &Pou, operand: Operand, bit: u16) -> Option<String> {
        let image = self.image;
        let offset = operand.offset();
        match operand.window()? {
            Window::Data if offset < image.data.process_image_bytes() => {
                let here = |p: Place| match p {
                    Place::Bit { offset: o, bit: b } => o == offset && u16::from(b) == bit,
                    Place::Byte(o) => o == offset,
                };
                self.image.symbols.iter().find(|s| here(s.place)).map(|s| s.path.clone())
            }
            Window::Data => {
                let after = self.by_offset.partition_point(|(start, _, _)| *start <= offset);
                let (start, _, index) = self.by_offset.get(after.checked_sub(1)?)?;
                let symbol = self.image.symbols.get(*index)?;
                let inside = offset.checked_sub(*start).filter(|o| *o < image.ty(symbol.ty).map_or(0, |t| t.size))?;
                Some(format!("{}{}", symbol.path, inner_name(image, symbol.ty, inside)))
            }
            Window::Const => {
                let slot = image.constants.slots.iter().find(|s| s.offset == offset)?;
                let TypeKind::Elementary(e) = image.ty(slot.ty)?.kind else {
                    return image.ty(slot.ty).map(|t| t.name.clone());
                };
                constant(image, e, offset)
            }
            Window::Own => inner_name(image, pou.instance?, offset).strip_prefix('.').map(str::to_owned),
            Window::Ref => {
                let ty = *pou.references.get(usize::from(operand.reference()))?;
                Some(format!("r{}{}", operand.reference(), inner_name(image, ty, offset)))
            }
        }
    }
}

fn constant(image: &Image, elementary: Elementary, offset: u32) -> Option<String> {
    let scalar = elementary.scalar()?;
    let bytes = image.constants.bytes.get(offset as usize..)?;
    Some(show(elementary, crate::path::bits_of(scalar, bytes)))
}

/// `.field[3].field` down to the scalar at an offset of a type.
fn inner_name(image: &Image, ty: TypeId, offset: u32) -> String {
    let mut text = String::new();
    let (mut ty, mut offset) = (ty, offset);
    // Types refer to earlier ones only, so each step goes down; bounded all the same for unverified images.
    for _ in 0..crate::verify::MAX_TYPE_DEPTH {
        let Some(t) = image.ty(ty) else { break };
        match &t.kind {
            TypeKind::Instance { fields } | TypeKind::Structure { fields } => {
                let after = fields.partition_point(|f| f.offset <= offset);
                let Some(field) = after.checked_sub(1).and_then(|i| fields.get(i)) else { break };
                text.push('.');
                text.push_str(&field.name);
                offset = offset.saturating_sub(field.offset);
                ty = field.ty;
            }
            TypeKind::Array { element, dimensions, stride } => {
                let Some(mut flat) = offset.checked_div(*stride).map(u64::from) else { break };
                let mut indices: Vec<String> = Vec::new();
                for d in dimensions.iter().rev() {
                    let n = d.len().max(1);
                    let from_zero = i64::try_from(flat % n).unwrap_or(0);
                    indices.push((i64::from(d.lower) + from_zero).to_string());
                    flat /= n;
                }
                indices.reverse();
                let _ = write!(text, "[{}]", indices.join(", "));
                offset %= (*stride).max(1);
                ty = *element;
            }
            TypeKind::Elementary(_) | TypeKind::Enumeration { .. } | TypeKind::Text { .. } => break,
        }
    }
    text
}
