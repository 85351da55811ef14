//! The body of a function block as text that does not depend on where things stand: constants by value, branches by
//! distance, temporaries by the order in which they occur, and the layout of the instance.

use bytecode::image::{Image, Pou};
use bytecode::isa::{Extra, Role, Ty};
use bytecode::scalar::Scalar;
use bytecode::{Instr, Op, Operand, ScalarType, Window};
use std::fmt::Write;

/// The listing of a body made of scalar operations, branches and the time; `None` for any other.
pub(in super::super) fn listing(image: &Image, pou: &Pou) -> Option<String> {
    let instance = image.ty(pou.instance?)?;
    let mut text = format!("{} bytes:", instance.size);
    for field in instance.fields() {
        // Writing to a String does not fail.
        let _ = write!(text, " {}@{}", image.ty(field.ty)?.scalar()?, field.offset);
    }
    text.push('\n');
    let mut temporaries: Vec<(u32, ScalarType)> = Vec::new();
    for pc in pou.entry..pou.end {
        let instr = image.code.get(pc as usize)?;
        text.push_str(instr.op.mnemonic());
        let _ = write!(text, " {}", instr.ty);
        if instr.op.extra() == Extra::Scalar {
            let _ = write!(text, " {}", instr.role_type(Ty::Extra)?);
        }
        for (role, word) in instr.op.roles().into_iter().zip(instr.w) {
            word_text(&mut text, image, pc, instr, role, word, &mut temporaries)?;
        }
        text.push('\n');
    }
    Some(text)
}

fn word_text(
    text: &mut String,
    image: &Image,
    pc: u32,
    instr: &Instr,
    role: Role,
    word: u32,
    temporaries: &mut Vec<(u32, ScalarType)>,
) -> Option<()> {
    match role {
        Role::None => {}
        Role::Read(ty) | Role::Write(ty) => {
            let ty = instr.role_type(ty)?;
            let operand = Operand(word);
            let offset = operand.offset();
            let _ = match operand.window()? {
                Window::Own => write!(text, " o{offset}"),
                Window::Const => {
                    let bytes = image.constants.bytes.get(offset as usize..)?.get(..ty.size() as usize)?;
                    write!(text, " ={:x}", u64::load(bytes))
                }
                // Only what is the body's own: the process image is everybody's.
                Window::Data if offset >= image.data.process_image_bytes() => {
                    let known = temporaries.iter().position(|t| *t == (offset, ty));
                    let number = known.unwrap_or_else(|| {
                        temporaries.push((offset, ty));
                        temporaries.len() - 1
                    });
                    write!(text, " t{number}")
                }
                Window::Data | Window::Ref => return None,
            };
        }
        Role::Target => {
            let _ = write!(text, " {:+}", i64::from(word) - i64::from(pc));
        }
        Role::Number if instr.op == Op::Charge => {
            let _ = write!(text, " {word}");
        }
        Role::WriteBase(_) | Role::ReadBase(_) | Role::ReadImageByte | Role::WriteImageByte => return None,
        Role::Place | Role::PlaceBase | Role::Access | Role::Pou | Role::Type | Role::RefIndex | Role::Number => {
            return None;
        }
    }
    Some(())
}
