//! Every verifier rule with an accepted and a refused image.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a test may stop at what it did not expect

mod common;

use bytecode::image::*;
use bytecode::isa::{Op, Operand};
use bytecode::scalar::ScalarType::{Bool, I32};
use bytecode::types::*;
use bytecode::verify::{Rule, verify};
use bytecode::{Image, PouId, TypeId};
use common::*;

type Change = fn(&mut Image);

/// For each rule: a change that keeps to it (on top of the sample image) and changes that break it.
fn cases(rule: Rule) -> (Change, Vec<Change>) {
    let unchanged: Change = |_| {};
    match rule {
        Rule::Limits => (
            |i| i.data.size = bytecode::verify::MAX_DATA_BYTES,
            vec![|i| i.data.size = bytecode::verify::MAX_DATA_BYTES + 1, |i| {
                // Arrays of arrays, one level deeper than allowed.
                for _ in 0..bytecode::verify::MAX_TYPE_DEPTH {
                    let element = TypeId(u32::try_from(i.types.len() - 1).unwrap());
                    let size = i.types.last().unwrap().size;
                    let dimensions = vec![Dimension { lower: 0, upper: 0 }];
                    let kind = TypeKind::Array { element, dimensions, stride: size };
                    i.types.push(Type { name: "deep".into(), size, kind });
                }
            }],
        ),
        Rule::TypeOrder => (
            unchanged,
            vec![
                |i| set_array(i, 4, |element, _, _| *element = TypeId(4)),
                |i| set_array(i, 4, |element, _, _| *element = TypeId(99)),
                |i| fields(i, 5)[0].ty = TypeId(5),
            ],
        ),
        Rule::TypeLayout => (
            |i| {
                // A gap between elements is fine.
                set_array(i, 6, |_, _, stride| *stride = 4);
            },
            vec![
                |i| i.types[1].size = 8,
                |i| set_array(i, 4, |_, _, stride| *stride = 3),
                |i| set_array(i, 4, |_, dimensions, _| dimensions.clear()),
                |i| set_array(i, 4, |_, dimensions, _| dimensions[0].upper = 0),
                |i| fields(i, 5)[1].offset = 0,
                |i| i.types[5].size = 2,
            ],
        ),
        Rule::TypeReserved => (
            unchanged,
            vec![
                |i| i.types.push(elementary("DATE", Elementary::Date)),
                |i| {
                    let kind = TypeKind::Text { capacity: 80, wide: false };
                    i.types.push(Type { name: "STRING".into(), size: 81, kind });
                },
                |i| i.types.push(Type { name: "S".into(), size: 0, kind: TypeKind::Structure { fields: vec![] } }),
                |i| {
                    let kind = TypeKind::Enumeration { base: Elementary::Int, names: vec![] };
                    i.types.push(Type { name: "E".into(), size: 2, kind });
                },
            ],
        ),
        Rule::DataLayout => (
            |i| i.data.size += 100,
            vec![
                |i| i.data.slots[0].offset = 5,
                |i| i.data.slots[2].offset = FRAME_AT + 3,
                |i| i.data.size = SIZE - 9,
                |i| i.data.slots[1].ty = TypeId(77),
                |i| i.data.input_bytes = u32::MAX,
            ],
        ),
        Rule::InitialValues => (
            |i| i.data.initial.insert(0, (0, vec![0xff; 6])),
            vec![
                |i| i.data.initial[0].1 = vec![2],
                |i| i.data.initial.push((SIZE - 1, vec![1, 1])),
                |i| i.data.initial.swap(0, 1),
                |i| i.data.initial[0].0 = u32::MAX,
            ],
        ),
        Rule::ConstantLayout => (
            |i| i.constants.bytes.push(9),
            vec![|i| i.constants.bytes[C_TRUE as usize] = 2, |i| i.constants.slots[1].offset = 3, |i| {
                i.constants.bytes.truncate(20)
            }],
        ),
        Rule::PouRange => (
            unchanged,
            vec![
                |i| i.pous[1].entry -= 1,
                |i| i.pous[2].end -= 1,
                |i| {
                    let nothing = i.pous[2].end;
                    i.pous[2].entry = nothing;
                },
                |i| i.code.push(ins(Op::Ret, Bool, [0; 4])),
            ],
        ),
        Rule::PouInstance => (
            unchanged,
            vec![
                |i| i.pous[0].instance = None,
                |i| i.pous[2].instance = Some(EDGE),
                |i| i.pous[1].instance = Some(MAIN),
                |i| i.pous[1].instance = Some(DINT),
            ],
        ),
        Rule::PouReferences => (
            |i| {
                i.pous[0].references.push(DINTS);
                i.pous[1].references = vec![DINTS; Operand::MAX_REFS];
            },
            vec![|i| i.pous[1].references = vec![DINTS; Operand::MAX_REFS + 1], |i| {
                i.pous[1].references.push(TypeId(50))
            }],
        ),
        Rule::ProgramPlace => (
            unchanged,
            vec![
                |i| i.programs[0].offset = PROGRAM_AT + 4,
                |i| i.programs[0].pou = PouId(P_EDGE),
                |i| i.programs[0].pou = PouId(40),
                |i| i.programs[0].offset = u32::MAX,
            ],
        ),
        Rule::Task => (
            |i| i.tasks[0].interval_ns = 0,
            vec![|i| i.tasks[0].programs = vec![1], |i| i.tasks[0].programs = vec![0, 0], |i| {
                i.tasks[0].interval_ns = bytecode::verify::MAX_INTERVAL_NS + 1
            }],
        ),
        Rule::Symbol => (
            unchanged,
            vec![
                |i| i.symbols.swap(0, 1),
                |i| i.symbols[4].place = Place::Bit { offset: 6, bit: 0 },
                |i| i.symbols[4].place = Place::Bit { offset: 0, bit: 8 },
                |i| i.symbols[4].ty = DINT,
                |i| i.symbols[2].ty = REAL,
                |i| i.symbols[5].place = Place::Byte(5),
                |i| i.symbols[5].file = 1,
            ],
        ),
        Rule::DebugRows => (
            |i| i.debug.places.clear(),
            vec![
                |i| i.debug.places[1].rung = 1,
                |i| i.debug.places[1].file = 1,
                |i| i.debug.places[1].pc = 0,
                |i| i.debug.places[2].pc = 4000,
                |i| i.debug.rungs[0].pou = PouId(3),
                |i| i.debug.rungs[0].file = 9,
            ],
        ),
        Rule::AccessRow => (
            |i| i.accesses.push(Access { lower: i32::MAX, count: 1, stride: 1 }),
            vec![|i| i.accesses[0].count = 0, |i| i.accesses[0].stride = 0, |i| {
                i.accesses.push(Access { lower: i32::MAX, count: 2, stride: 1 })
            }],
        ),
        Rule::OpType => (
            unchanged,
            vec![|i| i.code[I_ADD].ty = Bool, |i| i.code[I_LDBIT].ty = I32, |i| i.code[I_ADD].op = Op::And, |i| {
                i.code[I_ADD].op = Op::Sqrt
            }],
        ),
        Rule::OpExtra => (
            |i| i.code[I_LDBIT].x = 7,
            vec![
                |i| i.code[I_LDBIT].x = 8,
                |i| i.code[I_ADD].x = 1,
                |i| i.code[I_CVT].x = 11,
                |i| i.code[I_CVT].x = 0x0105,
                |i| i.code[I_BITS].x = u16::from(bytecode::ScalarType::F64.code()),
                |i| i.code[I_TRUNC].x = u16::from(I32.code()),
            ],
        ),
        Rule::UnusedWord => (unchanged, vec![|i| i.code[I_RET].w[0] = 1, |i| i.code[I_ADD].w[3] = own(0)]),
        Rule::OperandWindow => (
            unchanged,
            vec![
                |i| i.code[I_ADD].w[1] = u32::MAX,
                |i| i.code[I_ADD].w[1] = behind(0, 0),
                |i| i.code[I_LDX].w[1] = u32::MAX,
                |i| i.code[I_COPY].w[1] = 7 << 29,
                |i| i.code.last_chunk_mut::<2>().unwrap()[0].w[1] = own(0),
                |i| edge(i)[2].w[0] = behind(1, 0),
            ],
        ),
        Rule::OperandPlace => (
            |i| i.code[I_ADD].w[1] = own(LIST + 8),
            vec![
                |i| i.code[I_ADD].w[1] = own(LIST + 2),
                |i| i.code[I_ADD].w[1] = own(RUN),
                |i| i.code[I_ADD].w[1] = own(LEVEL),
                |i| i.code[I_ADD].w[1] = own(MAIN_SIZE),
                |i| i.code[I_ADD].w[0] = data(SIZE),
                |i| i.code[I_ADD].w[1] = constant(C_TRUE),
                // A word across the border of inputs and outputs, and a bool in the process image.
                |i| i.code[I_WORD].w[1] = data(1),
                |i| i.code[I_BACK].w[1] = data(0),
                // Between two elements of an array with gaps.
                |i| i.code[I_BACK].w[1] = own(BLOCKS + 3),
                |i| edge(i)[2].w[0] = behind(0, 16),
            ],
        ),
        Rule::ReadOnly => (
            |i| i.code[I_WORD].w[0] = data(2),
            vec![
                |i| i.code[I_ADD].w[0] = constant(C_ONE),
                |i| i.code[I_WORD].w[0] = data(0),
                |i| i.code[I_STBIT].w[0] = data(1),
                |i| i.code[I_STX].w[0] = constant(C_LIST),
                |i| i.code[I_COPY].w[0] = constant(C_LIST),
            ],
        ),
        Rule::ImageByte => (
            |i| i.code[I_LDBIT].w[1] = data(5),
            vec![|i| i.code[I_LDBIT].w[1] = data(6), |i| i.code[I_LDBIT].w[1] = own(RUN), |i| {
                i.code[I_STBIT].w[0] = data(PROGRAM_AT)
            }],
        ),
        Rule::AccessPlace => (
            |i| i.accesses[0] = Access { lower: -7, count: 3, stride: 4 },
            vec![
                |i| i.accesses[0].count = 5,
                |i| i.accesses[0].stride = 8,
                |i| i.code[I_LDX].w[1] = own(LIST + 4),
                |i| i.code[I_LDX].w[1] = own(LIST + 1),
                |i| i.code[I_LDX].w[1] = data(0),
                |i| i.code[I_LDX].w[3] = 2,
                |i| i.code[I_STX].w[0] = own(BLOCKS),
                |i| i.code[I_CALLX].w[1] = own(BLOCKS + 1),
                |i| i.code[I_CALLX].w[3] = 0,
            ],
        ),
        Rule::CopyPlace => (
            unchanged,
            vec![
                |i| i.code[I_COPY].w[1] = constant(C_ONE),
                |i| i.code[I_COPY].w[2] = EDGES.0,
                |i| i.code[I_COPY].w[2] = 99,
                |i| i.code[I_COPY].w[0] = own(LIST + 4),
            ],
        ),
        Rule::BindPlace => (
            unchanged,
            vec![
                |i| i.code[I_BIND].w[2] = own(BLOCKS),
                |i| i.code[I_BIND].w[2] = constant(C_LIST),
                |i| i.code[I_BIND].w[1] = 1,
                |i| i.code[I_BIND].w[0] = 8,
                |i| i.code[I_BIND].w[2] = data(0),
            ],
        ),
        Rule::BranchTarget => (
            unchanged,
            vec![|i| i.code[I_BACK].w[0] = 22, |i| i.code[I_BACK].w[0] = u32::MAX, |i| edge(i)[3] = jump(0)],
        ),
        Rule::BackwardCharge => (
            |i| i.code[I_HEADER].w[0] = u32::MAX,
            vec![|i| i.code[I_HEADER].w[0] = 4, |i| i.code[I_BACK].w[0] = u32::try_from(I_LDX).unwrap(), |i| {
                i.code[I_BACK].w[0] = u32::try_from(I_BACK).unwrap()
            }],
        ),
        Rule::EntryCharge => (
            |i| i.code[0].w[0] = 1000,
            vec![|i| i.code[0].w[0] = 21, |i| i.code[0] = ins(Op::Mov, I32, [own(COUNT), own(COUNT), 0, 0])],
        ),
        Rule::FlowEnd => (
            |i| i.code[I_RET] = jump(0),
            vec![|i| i.code[I_RET] = ins(Op::Mov, I32, [own(COUNT), own(COUNT), 0, 0]), |i| {
                i.code[I_RET] = ins(Op::Jt, Bool, [0, own(RUN), 0, 0])
            }],
        ),
        Rule::CallTarget => (
            |i| i.code[I_CALLI].w[1] = own(BLOCKS + 4),
            vec![
                |i| i.code[I_CALL].w[0] = P_EDGE,
                |i| i.code[I_CALL].w[0] = 12,
                |i| i.code[I_CALLI].w[0] = P_TWICE,
                |i| i.code[I_CALLI].w[0] = P_MAIN,
                |i| i.code[I_CALLI].w[1] = own(EDGE_AT + 1),
                |i| i.code[I_CALLI].w[1] = data(0),
            ],
        ),
        Rule::CallCycle => (
            unchanged,
            vec![|i| twice(i)[1] = ins(Op::Call, Bool, [P_TWICE, 0, 0, 0]), |i| {
                twice(i)[1] = ins(Op::CallI, Bool, [P_EDGE, data(PROGRAM_AT + EDGE_AT), 0, 0]);
                edge(i)[1] = ins(Op::Call, Bool, [P_TWICE, 0, 0, 0]);
            }],
        ),
    }
}

fn fields(i: &mut Image, ty: usize) -> &mut Vec<Field> {
    let TypeKind::Instance { fields } = &mut i.types[ty].kind else { panic!("type {ty} is no instance") };
    fields
}

fn set_array(i: &mut Image, ty: usize, change: fn(&mut TypeId, &mut Vec<Dimension>, &mut u32)) {
    let TypeKind::Array { element, dimensions, stride } = &mut i.types[ty].kind else {
        panic!("type {ty} is no array")
    };
    change(element, dimensions, stride);
}

fn edge(i: &mut Image) -> &mut [bytecode::Instr] {
    let (a, b) = (i.pous[1].entry as usize, i.pous[1].end as usize);
    &mut i.code[a..b]
}

fn twice(i: &mut Image) -> &mut [bytecode::Instr] {
    let (a, b) = (i.pous[2].entry as usize, i.pous[2].end as usize);
    &mut i.code[a..b]
}

fn jump(target: u32) -> bytecode::Instr {
    ins(Op::Jmp, Bool, [target, 0, 0, 0])
}

#[test]
fn every_rule_has_accepted_and_refused_images() {
    verify(image()).unwrap();
    for rule in Rule::ALL {
        let (accepted, refused) = cases(*rule);
        let mut good = image();
        accepted(&mut good);
        assert_eq!(verify(good).err(), None, "accepted image for {rule:?}");
        assert!(!refused.is_empty());
        for (n, change) in refused.iter().enumerate() {
            let mut bad = image();
            change(&mut bad);
            let error = verify(bad).expect_err(&format!("refused image {n} for {rule:?} was accepted"));
            assert_eq!(error.rule, *rule, "refused image {n}: {error}");
        }
    }
}

#[test]
fn codes_are_unique() {
    let mut codes: Vec<&str> = Rule::ALL.iter().map(|r| r.code()).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), Rule::ALL.len());
}

#[test]
fn a_long_chain_of_calls_is_no_cycle_and_needs_no_stack() {
    let mut i = image();
    let base = 3;
    for n in 0..50_000u32 {
        let entry = u32::try_from(i.code.len()).unwrap();
        i.code.push(ins(Op::Charge, Bool, [3, 0, 0, 0]));
        i.code.push(ins(Op::Call, Bool, [if n == 0 { P_TWICE } else { base + n - 1 }, 0, 0, 0]));
        i.code.push(ins(Op::Ret, Bool, [0; 4]));
        let end = entry + 3;
        i.pous.push(Pou {
            name: format!("f{n}"),
            kind: PouKind::Function,
            entry,
            end,
            instance: None,
            references: vec![],
        });
    }
    assert!(verify(i.clone()).is_ok());
    twice(&mut i)[1] = ins(Op::Call, Bool, [base + 49_999, 0, 0, 0]);
    assert_eq!(verify(i).err().map(|e| e.rule), Some(Rule::CallCycle));
}

#[test]
fn messages_say_where_and_what_to_do() {
    let mut i = image();
    i.code[I_ADD].w[1] = u32::MAX;
    let text = verify(i).unwrap_err().to_string();
    assert!(text.contains("instruction 3") && text.contains("V104") && text.contains("rebuild"), "{text}");
}
