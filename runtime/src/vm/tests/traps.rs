//! Traps: code, place, value, budget left, and what a person reads.

use super::rig::{ADJACENT, Body, FRAMES, agree, constant, image, ins, main_array, ret, run_on, verified};
use crate::vm::{Blame, Budget, Engine, Interpreter, Memory, Trap, TrapCode, reference::Reference};
use bytecode::image::{Place, Rung, SourcePlace};
use bytecode::{Image, Instr, Op, Operand, PouId, ScalarType};

fn run(code: Vec<Instr>, budget: u64) -> (Result<(), Trap>, u64) {
    let (result, left, _) = agree(&image(vec![Body::main(code)]), 1, budget, |_, _| {});
    (result, left)
}

fn charge(weight: u32) -> Instr {
    ins(Op::Charge, ScalarType::Bool, [weight, 0, 0, 0])
}

#[test]
fn a_budget_may_be_spent_to_the_last_unit() {
    // The body's own charge is 3.
    let code = || vec![charge(4), ret()];
    assert_eq!(run(code(), 7), (Ok(()), 0));
    // What cannot be paid is not taken.
    let trap = Trap { code: TrapCode::BudgetSpent, pc: 1, via: 1, value: 0 };
    assert_eq!(run(code(), 6), (Err(trap), 3));
    assert_eq!(run(code(), 2), (Err(Trap { pc: 0, via: 0, ..trap }), 2));
}

#[test]
fn a_charge_above_16_bits_is_charged_in_full() {
    assert_eq!(run(vec![charge(70_000), ret()], 70_003), (Ok(()), 0));
}

#[test]
fn a_loop_without_end_stops_at_its_charge() {
    for branch in [
        ins(Op::Jmp, ScalarType::Bool, [1, 0, 0, 0]),
        ins(Op::Jt, ScalarType::Bool, [1, constant(ScalarType::Bool, 1).0, 0, 0]),
        ins(Op::Jf, ScalarType::Bool, [1, constant(ScalarType::Bool, 0).0, 0, 0]),
    ] {
        // The body's own charge is 4; 48 rounds of 2 are paid for, the 49th is not.
        let (result, left) = run(vec![charge(2), branch, ret()], 101);
        assert_eq!((result, left), (Err(Trap { code: TrapCode::BudgetSpent, pc: 1, via: 1, value: 0 }), 1));
    }
}

#[test]
fn an_index_outside_names_its_value() {
    let array = Operand::own(main_array(ScalarType::I32)).0;
    let (t, four) = (ScalarType::I32, ADJACENT + 2);
    let [zero, three, minus_one] = [0, 2, 3].map(|n| constant(t, n).0);
    let to = Operand::own(0).0 + 8 * 5;
    for index in [zero, three, minus_one] {
        assert_eq!(run(vec![ins(Op::LdX, t, [to, array, index, four]), ret()], 9).0, Ok(()), "inside");
    }
    // 3 + 1 = 4 is one too many; -1 - 1 = -2 one too few.
    for (op, index, value) in [(Op::Add, three, 4), (Op::Sub, minus_one, -2)] {
        let step = ins(op, t, [to, index, constant(t, 1).0, 0]);
        let trap = Trap { code: TrapCode::IndexOutOfBounds, pc: 2, via: 2, value };
        assert_eq!(run(vec![step, ins(Op::LdX, t, [to, array, to, four]), ret()], 9).0, Err(trap));
        assert_eq!(run(vec![step, ins(Op::StX, t, [array, to, four, to]), ret()], 9).0, Err(trap));
    }
}

#[test]
fn a_wide_index_is_not_cut_to_32_bits() {
    let t = ScalarType::U64;
    let all_ones = constant(t, 3).0;
    let to = Operand::own(8 * 5).0;
    let outside = ins(Op::Bound, t, [to, all_ones, (-5_i32).cast_unsigned(), 10]);
    let trap = Trap { code: TrapCode::IndexOutOfBounds, pc: 1, via: 1, value: i64::MAX };
    assert_eq!(run(vec![outside, ret()], 9).0, Err(trap));
    let negative = ins(Op::Bound, ScalarType::I64, [to, constant(ScalarType::I64, 3).0, 0, 10]);
    assert_eq!(run(vec![negative, ret()], 9).0, Err(Trap { value: -1, ..trap }));
}

#[test]
fn what_stands_before_a_trap_has_happened_and_nothing_after() {
    let t = ScalarType::I32;
    let (a, b) = (Operand::own(8 * 5), Operand::own(88 + 8 * 5));
    let divide = ins(Op::Div, t, [b.0, constant(t, 1).0, constant(t, 0).0, 0]);
    let code = vec![
        ins(Op::Mov, t, [a.0, constant(t, 2).0, 0, 0]),
        divide,
        ins(Op::Mov, t, [b.0, constant(t, 2).0, 0, 0]),
        ret(),
    ];
    let (result, _, data) = agree(&image(vec![Body::main(code)]), 1, 100, |_, _| {});
    assert_eq!(result, Err(Trap { code: TrapCode::DivisionByZero, pc: 2, via: 2, value: 0 }));
    let at = super::rig::MAIN_2 as usize;
    assert_eq!((data[at + 40], data[at + 88 + 40]), (3, 0));
}

#[test]
fn the_time_is_the_one_handed_in() {
    let to = Operand::data(FRAMES + 8 * 7);
    let image = verified(image(vec![Body::main(vec![ins(Op::Time, ScalarType::I64, [to.0, 0, 0, 0]), ret()])]));
    let mut memory = Memory::new(&image);
    assert_eq!(run_on(&mut Interpreter::load(&image), &mut memory, 0, 100).0, Ok(()));
    assert_eq!(memory.read(Place::Byte(to.offset()), ScalarType::I64), Some(1_234_567_890_123));
}

fn described() -> Image {
    let divide = ins(
        Op::Div,
        ScalarType::I32,
        [Operand::own(40).0, constant(ScalarType::I32, 1).0, constant(ScalarType::I32, 0).0, 0],
    );
    let mut image = image(vec![Body::main(vec![divide, ret()])]);
    image.debug.files.push("pump.ld".to_owned());
    image.debug.rungs.push(Rung {
        pou: PouId(0),
        label: "level".to_owned(),
        title: "Level".to_owned(),
        file: 0,
        line: 11,
    });
    image.debug.places.push(SourcePlace { pc: 1, file: 0, line: 12, column: 7, rung: 0 });
    image
}

#[test]
fn a_trap_names_unit_rung_file_and_line() {
    let image = verified(described());
    let (result, ..) = run_on(&mut Interpreter::load(&image), &mut Memory::new(&image), 0, 100);
    let trap = result.unwrap_err();
    let place = trap.describe(&image);
    assert_eq!((place.line, place.column, place.rung.as_str()), (12, 7, "level"));
    assert_eq!(
        place.to_string(),
        "F01: integer division or MOD by zero in PROGRAM pou0, rung level \"Level\", pump.ld:12:7; \
         test the divisor before dividing, for example `IF n <> 0 THEN ... END_IF`"
    );
    let index = Trap { code: TrapCode::IndexOutOfBounds, pc: 0, via: 0, value: 11 };
    // Instruction 0 stands before the first row: no place is claimed.
    assert_eq!(
        (index.describe(&image).text, index.describe(&image).line),
        ("array index out of bounds: 11".to_owned(), 0)
    );
}

#[test]
fn codes_are_unique_and_say_who_has_to_act() {
    let mut codes: Vec<&str> = TrapCode::ALL.iter().map(|c| c.code()).collect();
    codes.dedup();
    assert_eq!(codes, ["F01", "F02", "F03", "F04", "F05"]);
    assert_eq!(TrapCode::EngineDefect.blame(), Blame::Platform);
    assert!(TrapCode::ALL.iter().all(|c| !c.text().is_empty() && !c.remedy().is_empty()));
}

#[test]
fn memory_of_another_image_and_unknown_programs_are_refused() {
    let small = verified(image(vec![Body::main(vec![ret()])]));
    let large = verified(super::rig::widened(&image(vec![Body::main(vec![ret()])])));
    let refused = |result: Result<(), Trap>| result.unwrap_err().code == TrapCode::EngineDefect;
    let mut budget = Budget::new(100);
    let mut interpreter = Interpreter::load(&small);
    let mut reference = Reference::load(&small);
    assert!(refused(interpreter.run(&mut Memory::new(&large), 0, 0, &mut budget)));
    assert!(refused(reference.run(&mut Memory::new(&large), 0, 0, &mut budget)));
    assert!(refused(interpreter.run(&mut Memory::new(&small), 2, 0, &mut budget)));
    assert!(refused(reference.run(&mut Memory::new(&small), 2, 0, &mut budget)));
}
