//! A small image that uses every table and every kind of instruction, for tests to mutate.
#![allow(dead_code, clippy::unwrap_used, clippy::indexing_slicing)]

use bytecode::image::*;
use bytecode::isa::{Instr, Op, Operand};
use bytecode::scalar::ScalarType::{self, Bool, F32, I32, U16};
use bytecode::types::*;
use bytecode::{Image, PouId, TypeId};

// Types, by number.
pub const BOOL: TypeId = TypeId(0);
pub const DINT: TypeId = TypeId(1);
pub const WORD: TypeId = TypeId(2);
pub const REAL: TypeId = TypeId(3);
/// ARRAY [1..4] OF DINT
pub const DINTS: TypeId = TypeId(4);
/// FUNCTION_BLOCK Edge: clk, q, memory; one reference to DINTS
pub const EDGE: TypeId = TypeId(5);
/// ARRAY [0..2] OF Edge
pub const EDGES: TypeId = TypeId(6);
/// PROGRAM main
pub const MAIN: TypeId = TypeId(7);

// POUs, by number.
pub const P_MAIN: u32 = 0;
pub const P_EDGE: u32 = 1;
pub const P_TWICE: u32 = 2;

// Data: inputs 0..2, outputs 2..4, flags 4..6, program at 8, frame of the function at 72.
pub const PROGRAM_AT: u32 = 8;
pub const FRAME_AT: u32 = 72;
pub const SIZE: u32 = 84;

// Fields of main.
pub const RUN: u32 = 0;
pub const COUNT: u32 = 4;
pub const LIST: u32 = 8;
pub const EDGE_AT: u32 = 24;
pub const BLOCKS: u32 = 28;
pub const LEVEL: u32 = 40;
pub const MAIN_SIZE: u32 = 60;

// Constants.
pub const C_ONE: u32 = 0;
pub const C_TRUE: u32 = 4;
pub const C_LIST: u32 = 8;

pub fn elementary(name: &str, e: Elementary) -> Type {
    Type { name: name.into(), size: e.scalar().map_or(8, ScalarType::size), kind: TypeKind::Elementary(e) }
}

fn field(name: &str, offset: u32, ty: TypeId, role: FieldRole) -> Field {
    Field { name: name.into(), offset, ty, role, retention: Retention::Unstated }
}

fn instance(name: &str, size: u32, fields: Vec<Field>) -> Type {
    Type { name: name.into(), size, kind: TypeKind::Instance { fields } }
}

fn array(name: &str, element: TypeId, lower: i32, upper: i32, stride: u32) -> Type {
    let dimension = Dimension { lower, upper };
    let size = u32::try_from(dimension.len()).unwrap() * stride;
    Type { name: name.into(), size, kind: TypeKind::Array { element, dimensions: vec![dimension], stride } }
}

pub fn types() -> Vec<Type> {
    use FieldRole::{Hidden, Input, Local, Output};
    vec![
        elementary("BOOL", Elementary::Bool),
        elementary("DINT", Elementary::Dint),
        elementary("WORD", Elementary::Word),
        elementary("REAL", Elementary::Real),
        array("ARRAY [1..4] OF DINT", DINT, 1, 4, 4),
        instance(
            "Edge",
            3,
            vec![field("clk", 0, BOOL, Input), field("q", 1, BOOL, Output), field("#m", 2, BOOL, Hidden)],
        ),
        array("ARRAY [0..2] OF Edge", EDGE, 0, 2, 4),
        instance(
            "main",
            MAIN_SIZE,
            vec![
                field("run", RUN, BOOL, Local),
                field("count", COUNT, DINT, Local),
                field("list", LIST, DINTS, Local),
                field("edge", EDGE_AT, EDGE, Local),
                field("blocks", BLOCKS, EDGES, Local),
                field("level", LEVEL, REAL, Local),
            ],
        ),
    ]
}

pub fn own(offset: u32) -> u32 {
    Operand::own(offset).0
}
pub fn data(offset: u32) -> u32 {
    Operand::data(offset).0
}
pub fn constant(offset: u32) -> u32 {
    Operand::constant(offset).0
}
pub fn behind(index: u8, offset: u32) -> u32 {
    Operand::behind(index, offset).0
}
pub fn ins(op: Op, ty: ScalarType, w: [u32; 4]) -> Instr {
    Instr::new(op, ty, w)
}

/// Numbers of instructions in main that tests refer to.
pub const I_LDBIT: usize = 1;
pub const I_STBIT: usize = 2;
pub const I_ADD: usize = 3;
pub const I_HEADER: usize = 4;
pub const I_LDX: usize = 5;
pub const I_STX: usize = 6;
pub const I_BACK: usize = 8;
pub const I_COPY: usize = 9;
pub const I_BIND: usize = 10;
pub const I_CALLI: usize = 11;
pub const I_CALLX: usize = 13;
pub const I_CALL: usize = 15;
pub const I_CVT: usize = 16;
pub const I_WORD: usize = 17;
pub const I_BITS: usize = 18;
pub const I_BOUND: usize = 19;
pub const I_TRUNC: usize = 20;
pub const I_RET: usize = 21;

pub fn main_code() -> Vec<Instr> {
    vec![
        ins(Op::Charge, Bool, [22, 0, 0, 0]),
        ins(Op::LdBit, Bool, [own(RUN), data(0), 0, 0]).with_extra(3),
        ins(Op::StBit, Bool, [data(2), own(RUN), 0, 0]).with_extra(7),
        ins(Op::Add, I32, [own(COUNT), own(COUNT), constant(C_ONE), 0]),
        ins(Op::Charge, Bool, [5, 0, 0, 0]),
        ins(Op::LdX, I32, [own(COUNT), own(LIST), constant(C_ONE), 0]),
        ins(Op::StX, I32, [own(LIST), constant(C_ONE), 0, own(COUNT)]),
        ins(Op::Gt, I32, [own(RUN), own(COUNT), constant(C_ONE), 0]),
        ins(Op::Jt, Bool, [4, own(RUN), 0, 0]),
        ins(Op::Copy, Bool, [own(LIST), constant(C_LIST), DINTS.0, 0]),
        ins(Op::Bind, Bool, [P_EDGE, 0, own(LIST), 0]),
        ins(Op::CallI, Bool, [P_EDGE, own(EDGE_AT), 0, 0]),
        ins(Op::Bind, Bool, [P_EDGE, 0, own(LIST), 0]),
        ins(Op::CallX, Bool, [P_EDGE, own(BLOCKS), constant(C_ONE), 1]),
        ins(Op::Mov, I32, [data(FRAME_AT), own(COUNT), 0, 0]),
        ins(Op::Call, Bool, [P_TWICE, 0, 0, 0]),
        ins(Op::Cvt, F32, [own(LEVEL), data(FRAME_AT + 4), 0, 0]).with_extra(u16::from(I32.code())),
        ins(Op::Mov, U16, [data(4), data(0), 0, 0]),
        ins(Op::Bits, I32, [own(COUNT), own(LEVEL), 0, 0]).with_extra(u16::from(F32.code())),
        ins(Op::Bound, I32, [own(COUNT), own(COUNT), 1, 4]),
        ins(Op::Trunc, I32, [own(COUNT), own(LEVEL), 0, 0]).with_extra(u16::from(F32.code())),
        ins(Op::Ret, Bool, [0; 4]),
    ]
}

pub fn edge_code() -> Vec<Instr> {
    vec![
        ins(Op::Charge, Bool, [4, 0, 0, 0]),
        ins(Op::AndNot, Bool, [own(1), own(0), own(2), 0]),
        ins(Op::Mov, I32, [behind(0, 4), constant(C_ONE), 0, 0]),
        ins(Op::Ret, Bool, [0; 4]),
    ]
}

pub fn twice_code() -> Vec<Instr> {
    vec![
        ins(Op::Charge, Bool, [3, 0, 0, 0]),
        ins(Op::Add, I32, [data(FRAME_AT + 4), data(FRAME_AT), data(FRAME_AT), 0]),
        ins(Op::Ret, Bool, [0; 4]),
    ]
}

fn symbol(path: &str, place: Place, ty: TypeId, role: SymbolRole) -> Symbol {
    Symbol {
        path: path.into(),
        place,
        ty,
        role,
        retention: Retention::Unstated,
        constant: false,
        address: String::new(),
        line: 2,
        file: 0,
    }
}

/// A POU before its place in the code is known.
pub type Unplaced<'a> = (&'a str, PouKind, Option<TypeId>, Vec<TypeId>, Vec<Instr>);

/// Puts POUs one after the other; branch targets in their code count from their own first instruction.
pub fn link(pous: Vec<Unplaced<'_>>) -> (Vec<Pou>, Vec<Instr>) {
    let mut rows = Vec::new();
    let mut code: Vec<Instr> = Vec::new();
    for (name, kind, instance, references, mut body) in pous {
        let entry = u32::try_from(code.len()).unwrap();
        for instr in &mut body {
            if instr.op.is_branch() {
                instr.w[0] += entry;
            }
        }
        code.extend(body);
        let end = u32::try_from(code.len()).unwrap();
        rows.push(Pou { name: name.into(), kind, entry, end, instance, references });
    }
    (rows, code)
}

/// The image before mutation: every rule holds.
pub fn image() -> Image {
    let (pous, code) = link(vec![
        ("main", PouKind::Program, Some(MAIN), vec![], main_code()),
        ("Edge", PouKind::FunctionBlock, Some(EDGE), vec![DINTS], edge_code()),
        ("Twice", PouKind::Function, None, vec![], twice_code()),
    ]);
    let mut list = vec![1, 0, 0, 0, 1, 0, 0, 0];
    list.extend([5u8, 0, 0, 0, 6, 0, 0, 0, 7, 0, 0, 0, 8, 0, 0, 0]);
    Image {
        name: "sample".into(),
        types: types(),
        data: DataSegment {
            input_bytes: 2,
            output_bytes: 2,
            flag_bytes: 2,
            size: SIZE,
            slots: vec![
                Slot { offset: PROGRAM_AT, ty: MAIN },
                Slot { offset: FRAME_AT, ty: DINT },
                Slot { offset: FRAME_AT + 4, ty: DINT },
            ],
            initial: vec![(PROGRAM_AT + RUN, vec![1]), (PROGRAM_AT + COUNT, vec![200, 1])],
        },
        constants: Constants {
            bytes: list,
            slots: vec![
                Slot { offset: C_ONE, ty: DINT },
                Slot { offset: C_TRUE, ty: BOOL },
                Slot { offset: C_LIST, ty: DINTS },
            ],
        },
        pous,
        accesses: vec![Access { lower: 1, count: 4, stride: 4 }, Access { lower: 0, count: 3, stride: 4 }],
        code,
        programs: vec![ProgramInstance { name: "main".into(), pou: PouId(P_MAIN), offset: PROGRAM_AT }],
        tasks: vec![Task { name: "fast".into(), interval_ns: 10_000_000, priority: 0, programs: vec![0] }],
        symbols: vec![
            symbol("main", Place::Byte(PROGRAM_AT), MAIN, SymbolRole::Instance),
            symbol("main.blocks", Place::Byte(PROGRAM_AT + BLOCKS), EDGES, SymbolRole::Instance),
            symbol("main.count", Place::Byte(PROGRAM_AT + COUNT), DINT, SymbolRole::Variable),
            symbol("main.list", Place::Byte(PROGRAM_AT + LIST), DINTS, SymbolRole::Variable),
            symbol("main.start", Place::Bit { offset: 0, bit: 3 }, BOOL, SymbolRole::Input),
            symbol("main.word", Place::Byte(4), WORD, SymbolRole::Flag),
        ],
        debug: Debug {
            files: vec!["sample.ld".into()],
            rungs: vec![Rung { pou: PouId(P_MAIN), label: "seal".into(), title: "Seal-in".into(), file: 0, line: 5 }],
            places: vec![
                SourcePlace { pc: 0, file: 0, line: 4, column: 1, rung: SourcePlace::NO_RUNG },
                SourcePlace { pc: 1, file: 0, line: 5, column: 3, rung: 0 },
                SourcePlace { pc: 22, file: 0, line: 9, column: 1, rung: SourcePlace::NO_RUNG },
            ],
        },
    }
}
