//! What lines do to scalars: where operands stand, what is read and written, what may trap.

use super::cache::{Key, Reach};
use super::flat::{Flat, Kind, Line, Place, Program};
use bytecode::isa::{Role, Ty};
use bytecode::{Instr, Op, ScalarType};

pub(super) fn line_at(flat: &Flat, at: u32) -> Option<Line> {
    flat.lines.get(at as usize).copied()
}

pub(super) fn instr_at<'a>(program: &Program<'a>, flat: &Flat, at: u32) -> Option<(Line, &'a Instr)> {
    let line = line_at(flat, at)?;
    Some((line, program.instr(line)?))
}

pub(super) fn place(program: &Program<'_>, flat: &Flat, line: Line, instr: &Instr, word: usize) -> Option<Place> {
    Some(program.place(*flat.scopes.get(line.scope as usize)?, instr.operand(word)))
}

pub(super) fn key_of(place: Place) -> Option<Key> {
    match place {
        Place::At(at) => Some(Key { own: false, at }),
        Place::Own(at) => Some(Key { own: true, at }),
        Place::Behind { .. } => None,
    }
}

/// The scalar a line writes by name.
pub(super) fn written(program: &Program<'_>, flat: &Flat, line: Line, instr: &Instr) -> Option<(Key, ScalarType)> {
    if matches!(line.kind, Kind::Goto(_)) {
        return None;
    }
    let [first, ..] = instr.op.roles();
    let ty = match first {
        Role::Write(ty) => instr.role_type(ty)?,
        Role::WriteImageByte => ScalarType::U8,
        _ => return None,
    };
    Some((key_of(place(program, flat, line, instr, 0)?)?, ty))
}

/// Can a line end the scan, or hand on to code that can?
pub(super) fn may_trap(program: &Program<'_>, flat: &Flat, line: Line, instr: &Instr) -> bool {
    let divides = matches!(instr.op, Op::Div | Op::Mod) && !instr.ty.is_float();
    let checks = matches!(instr.op, Op::LdX | Op::StX | Op::BindX | Op::Bound);
    let follows = |(word, role)| {
        let operand = !matches!(
            role,
            Role::None | Role::Access | Role::Target | Role::Pou | Role::Type | Role::RefIndex | Role::Number
        );
        operand && matches!(place(program, flat, line, instr, word), Some(Place::Behind { .. }))
    };
    line.kind != Kind::Plain || divides || checks || instr.op.roles().into_iter().enumerate().any(follows)
}

/// Every access of a line to scalars: what it may touch, as which type, and whether it writes.
pub(super) fn accesses(
    program: &Program<'_>,
    flat: &Flat,
    line: Line,
    instr: &Instr,
    mut f: impl FnMut(Reach, ScalarType, bool),
) {
    if matches!(line.kind, Kind::Goto(_)) {
        return;
    }
    let reach = |word| match place(program, flat, line, instr, word).and_then(key_of) {
        Some(key) => Reach::Scalar(key),
        None => Reach::Anywhere,
    };
    let range = |word, access| range(program, flat, line, instr, word, access);
    for (word, role) in instr.op.roles().into_iter().enumerate() {
        let ty = |ty: Ty| instr.role_type(ty).unwrap_or(ScalarType::Bool);
        match role {
            Role::Read(t) => f(reach(word), ty(t), false),
            Role::Write(t) => f(reach(word), ty(t), true),
            Role::ReadImageByte => f(reach(word), ScalarType::U8, false),
            Role::WriteImageByte => f(reach(word), ScalarType::U8, true),
            Role::ReadBase(t) => f(range(word, 3), ty(t), false),
            Role::WriteBase(t) => f(range(word, 2), ty(t), true),
            Role::None | Role::Place | Role::PlaceBase | Role::Access | Role::Target => {}
            Role::Pou | Role::Type | Role::RefIndex | Role::Number => {}
        }
    }
}

/// What an indexed operation reaches: words of its base and its row.
pub(super) fn range(
    program: &Program<'_>,
    flat: &Flat,
    line: Line,
    instr: &Instr,
    base: usize,
    access: usize,
) -> Reach {
    match place(program, flat, line, instr, base).and_then(key_of) {
        Some(key) => {
            let row = program.image.accesses.get(instr.operand(access).0 as usize);
            let bytes = row.map_or(0, |r| u64::from(r.count.saturating_sub(1)) * u64::from(r.stride));
            Reach::Range(key, bytes + u64::from(instr.ty.size()))
        }
        None => Reach::Anywhere,
    }
}

pub(super) fn is_constant(program: &Program<'_>, key: Key) -> bool {
    !key.own && key.at as usize >= program.layout.constants_at
}
