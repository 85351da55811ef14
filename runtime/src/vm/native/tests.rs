//! What the plan concludes: residents of loops, indices that cannot lie outside, parts of long bodies.

use super::compile::functions;
use super::flat::{Bodies, Program};
use super::plan::Plan;
use crate::vm::tests::rig::{self, Body, ins, verified};
use bytecode::image::PouKind;
use bytecode::{Op, Operand, ScalarType, VerifiedImage};

fn compiled(declarations: &str, body: &str) -> VerifiedImage {
    compiled_text(&format!("PROGRAM P VAR {declarations} END_VAR {body} END_PROGRAM"))
}

fn compiled_text(text: &str) -> VerifiedImage {
    let mut sources = compiler::source::SourceMap::new();
    let file = sources.add("test.st", text);
    let compiled = compiler::compile(&sources, &[file], compiler::Options::default());
    verified(compiled.image.unwrap_or_else(|| panic!("{:?}\n{text}", compiled.diagnostics)))
}

/// Of all elements a program reads or writes by an index: how many need no check, and how many there are.
fn proved(declarations: &str, body: &str) -> (usize, usize) {
    let image = compiled(declarations, body);
    let program = Program::new(&image);
    let mut bodies = Bodies::new(&program, true);
    let root = bodies.body_at(image.programs[0].pou.0, image.programs[0].offset);
    let flat = bodies.flatten(bodies.list[root as usize]);
    let end = u32::try_from(flat.lines.len()).unwrap();
    let plan = Plan::of(&program, &flat, 0..end);
    let indexed = |at: &u32| {
        let op = program.instr(flat.lines[*at as usize]).unwrap().op;
        matches!(op, Op::LdX | Op::StX)
    };
    let all: Vec<u32> = (0..end).filter(indexed).collect();
    (all.iter().filter(|at| plan.is_proved(**at)).count(), all.len())
}

const VARS: &str = "i : DINT; j : DINT; n : DINT; s : SINT; t : DINT; w AT %IW0 : INT; \
                    a : ARRAY [0..9] OF DINT; b : ARRAY [-2..2] OF DINT;";

#[test]
fn counted_loops_stay_inside() {
    assert_eq!(proved(VARS, "FOR i := 0 TO 9 DO a[i] := i; END_FOR;"), (1, 1));
    assert_eq!(proved(VARS, "FOR i := 9 TO 0 BY -1 DO a[i] := i; END_FOR;"), (1, 1));
    assert_eq!(proved(VARS, "FOR i := -2 TO 2 DO b[i] := i; END_FOR;"), (1, 1));
    assert_eq!(proved(VARS, "FOR i := 0 TO 8 DO a[i + 1] := a[i]; END_FOR;"), (2, 2));
    assert_eq!(proved(VARS, "FOR i := 0 TO 9 BY 4 DO a[i] := i; END_FOR;"), (1, 1));
    assert_eq!(proved(VARS, "n := 0; WHILE n < 10 DO a[n] := n; n := n + 3; END_WHILE;"), (1, 1));
    let sort = "FOR i := 0 TO 8 DO FOR j := 0 TO 8 - i DO IF a[j] > a[j + 1] THEN t := a[j]; a[j] := a[j + 1]; \
                a[j + 1] := t; END_IF; END_FOR; END_FOR;";
    assert_eq!(proved(VARS, sort), (6, 6));
    let sieve = "FOR i := 2 TO 9 DO j := i + i; WHILE j <= 9 DO a[j] := 0; j := j + i; END_WHILE; END_FOR;";
    assert_eq!(proved(VARS, sieve), (1, 1));
}

#[test]
fn what_may_leave_the_array_is_checked() {
    // One too far, at either end.
    assert_eq!(proved(VARS, "FOR i := 0 TO 10 DO a[i] := i; END_FOR;").0, 0);
    assert_eq!(proved(VARS, "FOR i := -1 TO 9 DO a[i] := i; END_FOR;").0, 0);
    assert_eq!(proved(VARS, "FOR i := 0 TO 9 DO a[i + 1] := i; END_FOR;").0, 0);
    assert_eq!(proved(VARS, "FOR i := 9 TO -1 BY -1 DO a[i] := i; END_FOR;").0, 0);
    // Nobody knows where it begins or ends.
    assert_eq!(proved(VARS, "FOR i := w TO 9 DO a[i] := i; END_FOR;").0, 0);
    assert_eq!(proved(VARS, "FOR i := 0 TO w DO a[i] := i; END_FOR;").0, 0);
    assert_eq!(proved(VARS, "WHILE i < 10 DO a[i] := i; i := i + 1; END_WHILE;").0, 0);
    // Counted on after the comparison, or by what is not known.
    assert_eq!(proved(VARS, "i := 0; WHILE i <= 9 DO i := i + 1; a[i] := 0; END_WHILE;").0, 0);
    assert_eq!(proved(VARS, "i := 0; WHILE i <= 9 DO i := i + w; a[i] := 0; END_WHILE;").0, 0);
    // Wraps from 127 to -128.
    assert_eq!(proved(VARS, "s := 0; WHILE s < 127 OR w > 0 DO s := s + 1; a[s / 16 + 2] := 0; END_WHILE;").0, 0);
}

#[test]
fn what_a_reference_may_reach_lives_in_memory() {
    // The callee writes `n` through its parameter while the loop counts it.
    let text = "FUNCTION_BLOCK Up VAR_IN_OUT x : DINT; END_VAR x := x + 100; END_FUNCTION_BLOCK \
        PROGRAM P VAR n : DINT; up : Up; a : ARRAY [0..9] OF DINT; END_VAR \
        n := 0; WHILE n < 10 DO up(x := n); a[n] := 1; n := n + 1; END_WHILE; END_PROGRAM";
    let mut sources = compiler::source::SourceMap::new();
    let file = sources.add("test.st", text);
    let image = verified(compiler::compile(&sources, &[file], compiler::Options::default()).image.unwrap());
    let mut engine = rig::native(&image, true);
    let mut memory = crate::vm::Memory::new(&image);
    let (outcome, _, _) = rig::run_on(&mut engine, &mut memory, 0, 10_000);
    assert_eq!(outcome.unwrap_err().value, 100);
}

/// A body of many parts in the middle of which a jump returns: the parts behind it must not run.
#[test]
fn a_long_body_returns_from_its_middle() {
    let number = Operand::own(8 * u32::from(ScalarType::I32.code()));
    let flag = Operand::own(8 * u32::from(ScalarType::Bool.code()));
    let count = |code: &mut Vec<_>, n: usize| {
        let one = rig::constant(ScalarType::I32, 1);
        code.extend((0..n).map(|_| ins(Op::Add, ScalarType::I32, [number.0, number.0, one.0, 0])));
    };
    let mut code = Vec::new();
    count(&mut code, 4_000);
    let three = rig::constant(ScalarType::I32, 2);
    code.push(ins(Op::Lt, ScalarType::I32, [flag.0, three.0, number.0, 0]));
    let to = u32::try_from(code.len()).unwrap() + 3;
    code.push(ins(Op::Jf, ScalarType::Bool, [to, flag.0, 0, 0]));
    code.push(rig::ret());
    count(&mut code, 4_000);
    code.push(rig::ret());
    let body = Body { kind: PouKind::Program, ..Body::main(code) };
    let outcome = rig::agree(&rig::image(vec![body]), 2, 100_000, |_, _| {});
    assert!(outcome.0.is_ok());
    let at = (rig::MAIN_2 + 8 * u32::from(ScalarType::I32.code())) as usize;
    assert_eq!(outcome.2[at..at + 4], 8_000_i32.to_le_bytes());
}

#[test]
fn the_code_is_the_same_whoever_helps() {
    let mut body = String::from("FOR i := 0 TO 3 DO v[i](IN := a[i] > 3); END_FOR;");
    for n in 0..2_400 {
        body.push_str(&format!("m{n} := (s{n} OR m{n}) AND NOT m{};", (n + 7) % 2_400));
    }
    let mut declarations = String::from("i : INT; a : ARRAY [0..3] OF INT; v : ARRAY [0..3] OF Valve;");
    for n in 0..2_400 {
        declarations.push_str(&format!("s{n} : BOOL; m{n} : BOOL;"));
    }
    let block =
        "FUNCTION_BLOCK Valve VAR_INPUT IN : BOOL; END_VAR VAR_OUTPUT Q : BOOL; END_VAR Q := IN; END_FUNCTION_BLOCK";
    let text = format!("{block} PROGRAM P VAR {declarations} END_VAR {body} END_PROGRAM");
    let image = compiled_text(&text);
    let program = Program::new(&image);
    let alone = functions(&program, 1).unwrap();
    // Parts, and what calls them.
    assert!(alone.len() >= 4, "{}", alone.len());
    assert!(alone.iter().any(|(_, relocations)| !relocations.is_empty()));
    for threads in [2, 3, 16] {
        assert!(functions(&program, threads).unwrap() == alone, "{threads} threads");
    }
}
