//! Calls, instances and references.

use super::rig::*;
use crate::vm::{Trap, TrapCode};
use bytecode::image::PouKind;
use bytecode::{Image, Instr, Op, Operand, ScalarType, TypeId};

const T: ScalarType = ScalarType::I32;
/// Where a scalar of that type stands in every instance and frame.
const AT: u32 = 8 * 5;

/// A block that adds 3 to its own I32.
fn counter() -> Body {
    let step = ins(Op::Add, T, [Operand::own(AT).0, Operand::own(AT).0, constant(T, 2).0, 0]);
    Body { kind: PouKind::FunctionBlock, instance: Some(INNER), references: vec![], code: vec![step, ret()] }
}

/// A function that adds 1 to the I32 it is given by reference.
fn increment() -> Body {
    let step = ins(Op::Add, T, [Operand::behind(0, 0).0, Operand::behind(0, 0).0, constant(T, 1).0, 0]);
    let references = vec![TypeId(5)];
    Body { kind: PouKind::Function, instance: None, references, code: vec![step, ret()] }
}

fn i32_at(data: &[u8], at: u32) -> i32 {
    let at = at as usize;
    i32::from_le_bytes(data[at..at + 4].try_into().unwrap())
}

fn bind(place: Operand) -> Instr {
    ins(Op::Bind, ScalarType::Bool, [0, 0, place.0, 0])
}

fn call() -> Instr {
    ins(Op::Call, ScalarType::Bool, [0; 4])
}

fn runs(image: &Image, scans: u64) -> Vec<u8> {
    let (result, _, data) = agree(image, scans, 1_000, |_, _| {});
    assert_eq!(result, Ok(()));
    data
}

#[test]
fn one_body_serves_every_instance() {
    let instance = |place: u32| ins(Op::CallI, ScalarType::Bool, [0, Operand::own(place).0, 0, 0]);
    let element =
        |number| ins(Op::CallX, ScalarType::Bool, [0, Operand::own(MAIN_INNERS).0, constant(T, number).0, INNER_ROW]);
    let global = ins(Op::CallI, ScalarType::Bool, [0, Operand::data(GLOBAL_INNER).0, 0, 0]);
    let nested = MAIN_OUTER + OUTER_INNER;
    let code = vec![instance(nested), element(1), element(1), element(0), global, ret()];
    let data = runs(&image(vec![counter(), Body::main(code)]), 2);
    for main in [MAIN_1, MAIN_2] {
        assert_eq!(i32_at(&data, main + nested + AT), 6);
        assert_eq!(i32_at(&data, main + MAIN_INNERS + AT), 6);
        assert_eq!(i32_at(&data, main + MAIN_INNERS + INNER_BYTES + AT), 12);
        assert_eq!(i32_at(&data, main + MAIN_INNERS + 2 * INNER_BYTES + AT), 0);
    }
    // Both programs call the global instance.
    assert_eq!(i32_at(&data, GLOBAL_INNER + AT), 12);
}

#[test]
fn an_element_outside_is_no_instance() {
    let element = ins(Op::CallX, ScalarType::Bool, [0, Operand::own(MAIN_INNERS).0, constant(T, 2).0, INNER_ROW]);
    let (result, ..) = agree(&image(vec![counter(), Body::main(vec![element, ret()])]), 1, 100, |_, _| {});
    // Constant 2 is 3; the body of the block takes instructions 0 to 2, the program's charge is 3.
    assert_eq!(result, Err(Trap { code: TrapCode::IndexOutOfBounds, pc: 4, via: 4, value: 3 }));
}

#[test]
fn a_reference_reaches_the_variable_itself() {
    let (own, frame) = (Operand::own(AT), Operand::data(FRAMES + BANK + AT));
    let code = vec![bind(own), call(), bind(frame), call(), call(), ret()];
    let data = runs(&image(vec![increment(), Body::main(code)]), 3);
    assert_eq!(i32_at(&data, MAIN_1 + AT), 3);
    assert_eq!(i32_at(&data, MAIN_2 + AT), 3);
    assert_eq!(i32_at(&data, FRAMES + BANK + AT), 12);
}

#[test]
fn a_reference_can_point_at_an_element() {
    // The function binds its own reference to element 2 of the array behind its other one.
    let element =
        ins(Op::BindX, ScalarType::Bool, [1, Operand::behind(0, INNER_ARRAY).0, constant(T, 1).0, ADJACENT + 2]);
    let step = ins(Op::Add, T, [Operand::behind(1, 0).0, Operand::behind(1, 0).0, constant(T, 2).0, 0]);
    let references = vec![INNER, TypeId(5)];
    let function = Body { kind: PouKind::Function, instance: None, references, code: vec![element, step, ret()] };
    let code = vec![bind(Operand::data(GLOBAL_INNER)), call(), ret()];
    let data = runs(&image(vec![function, Body::main(code)]), 1);
    // Index 1 with lowest index -1 is the third; two programs ran.
    assert_eq!(i32_at(&data, GLOBAL_INNER + INNER_ARRAY + 2 * 4), 6);
}

#[test]
fn an_unbound_reference_traps_and_bindings_do_not_outlive_a_run() {
    let unbound = image(vec![increment(), Body::main(vec![call(), ret()])]);
    let trap = Trap { code: TrapCode::UnboundReference, pc: 1, via: 4, value: 0 };
    assert_eq!(agree(&unbound, 1, 100, |_, _| {}).0, Err(trap));
    // Bound in the first scan only: an input says which it is.
    let skip = ins(Op::Jt, ScalarType::Bool, [4, Operand::own(0).0, 0, 0]);
    let load = ins(Op::LdBit, ScalarType::Bool, [Operand::own(0).0, Operand::data(0).0, 0, 0]);
    let sometimes = image(vec![increment(), Body::main(vec![load, skip, bind(Operand::own(AT)), call(), ret()])]);
    let (result, ..) = agree(&sometimes, 2, 100, |scan, memory| memory.inputs_mut()[0] = u8::from(scan > 0));
    assert_eq!(result, Err(Trap { via: 7, ..trap }));
}

#[test]
fn a_whole_array_is_copied() {
    let from = Operand::data(GLOBAL_INNER + INNER_ARRAY);
    let to = Operand::own(main_array(T));
    let store = ins(Op::StX, T, [from.0, constant(T, 1).0, ADJACENT + 2, constant(T, 2).0]);
    let copy = ins(Op::Copy, ScalarType::Bool, [to.0, from.0, array_of(T).0, 0]);
    let data = runs(&image(vec![Body::main(vec![store, copy, ret()])]), 1);
    let elements: Vec<i32> = (0..5).map(|i| i32_at(&data, MAIN_1 + main_array(T) + 4 * i)).collect();
    assert_eq!(elements, [0, 0, 3, 0, 0]);
}

#[test]
fn copies_of_bodies_are_limited_and_the_rest_runs_all_the_same() {
    // Two programs call a long block on 3 instances each; copies may take 4 times the code and 65,536 more.
    let mut long = counter();
    let step = long.code[0];
    long.code = vec![step; 30_000];
    long.code.push(ret());
    let element = |i: u32| ins(Op::CallI, ScalarType::Bool, [0, Operand::own(MAIN_INNERS + i * INNER_BYTES).0, 0, 0]);
    let nested = ins(Op::CallI, ScalarType::Bool, [0, Operand::own(MAIN_OUTER + OUTER_INNER).0, 0, 0]);
    let program = image(vec![long, Body::main(vec![element(0), element(1), element(2), nested, ret()])]);
    let (result, _, data) = agree(&program, 1, 1_000_000, |_, _| {});
    assert_eq!(result, Ok(()));
    for i in 0..3 {
        assert_eq!(i32_at(&data, MAIN_2 + MAIN_INNERS + i * INNER_BYTES + AT), 90_000);
    }
    assert_eq!(i32_at(&data, MAIN_2 + MAIN_OUTER + OUTER_INNER + AT), 90_000);
}
