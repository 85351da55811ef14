//! What the plan concludes: residents of loops, indices that cannot lie outside, parts of long bodies.

use super::compile::functions;
use super::flat::{Bodies, Program};
use super::plan::Plan;
use crate::vm::Engine;
use crate::vm::reference::Reference;
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
    // What was compared is not read again.
    assert_eq!(proved(VARS, sort), (4, 4));
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

/// The loops of a program that run several turns at a time.
fn wide(declarations: &str, body: &str) -> Vec<u32> {
    let image = compiled(declarations, body);
    let program = Program::new(&image);
    let mut bodies = Bodies::new(&program, true);
    let root = bodies.body_at(image.programs[0].pou.0, image.programs[0].offset);
    let flat = bodies.flatten(bodies.list[root as usize]);
    let plan = Plan::of(&program, &flat, 0..u32::try_from(flat.lines.len()).unwrap());
    plan.regions.iter().filter_map(|region| region.wide.as_ref().map(|wide| wide.lanes)).collect()
}

const ARRAYS: &str = "i : DINT; short : INT; byte : USINT; n : DINT; e : REAL; k : REAL := 0.5; total : REAL; t : DINT; \
                      x : ARRAY [0..63] OF REAL; y : ARRAY [-3..60] OF REAL; z : ARRAY [0..63] OF LREAL; \
                      d : ARRAY [0..63] OF DINT; b : ARRAY [0..63] OF DWORD; w : ARRAY [0..63] OF INT; f : ARRAY [0..99] OF BOOL; \
                      g : ARRAY [0..99] OF BOOL; l : ARRAY [0..63] OF LINT;";

/// Bodies of loops that are wide, and the turns they do at a time.
const WIDE: [(&str, u32); 14] = [
    ("x[i] := SQRT(y[i] - 1.0) * k; x[i] := MIN(SQRT(DINT_TO_REAL(i)), DINT_TO_REAL(i));", 4),
    ("b[i] := (b[i] XOR 16#5555) AND NOT b[i] OR 16#80000001;", 4),
    ("x[i] := 1.5;", 4),
    ("e := x[i] * k; y[i] := e + y[i]; x[i] := e - y[i] / 3.0;", 4),
    ("x[i] := LIMIT(-1.0, x[i] + DINT_TO_REAL(i), 2.5); y[i] := SQRT(x[i]);", 4),
    ("y[i] := MAX(x[i], y[i]); x[i] := MIN(-y[i], ABS(x[i]));", 4),
    ("z[i] := z[i] * 1.25 + 0.1;", 2),
    ("d[i] := d[i] * 3 + i;", 4),
    ("t := d[i] - 55; d[i] := t + t;", 4),
    ("w[i] := w[i] * 5 + 1;", 8),
    ("f[i] := TRUE;", 16),
    ("f[i] := NOT f[i] AND g[i]; g[i] := f[i] XOR g[i];", 16),
    ("l[i] := l[i] + 1000;", 2),
    ("x[i] := k; t := i;", 4),
];

#[test]
fn loops_over_elements_run_several_turns_at_a_time() {
    for counter in ["i", "short", "byte"] {
        let body = format!("FOR {counter} := 0 TO 49 DO x[{counter}] := x[{counter}] * k + y[{counter}]; END_FOR;");
        assert_eq!(wide(ARRAYS, &body), [4], "{counter}");
    }
    assert_eq!(wide(ARRAYS, "FOR short := 0 TO 49 DO x[short] := INT_TO_REAL(short); END_FOR;"), [4]);
    assert_eq!(wide(ARRAYS, "FOR short := 0 TO 49 DO f[short] := TRUE; END_FOR;"), [16]);
    for (body, lanes) in WIDE {
        assert_eq!(wide(ARRAYS, &format!("FOR i := 0 TO 49 DO {body} END_FOR;")), [lanes], "{body}");
    }
}

#[test]
fn loops_whose_turns_depend_on_each_other_do_not() {
    let narrow = [
        "total := total + x[i]; x[i] := total;",
        "x[i] := x[i - 1 + 1] + k; k := k * 2.0;",
        "x[i + 1] := x[i];",
        "x[49 - i] := x[i];",
        "IF f[i] THEN x[i] := 0.0; END_IF;",
        "d[i] := d[i] / (i + t);",
        "x[i] := SIN(x[i]);",
        "d[i] := REAL_TO_DINT(x[i]);",
        "f[i] := x[i] > 1.0;",
        "total := total + x[i];",
    ];
    for body in narrow {
        assert!(wide(ARRAYS, &format!("FOR i := 0 TO 49 DO {body} END_FOR;")).is_empty(), "{body}");
    }
    let other_ways = [
        "FOR i := 49 TO 0 BY -1 DO x[i] := 1.5; END_FOR;",
        "FOR i := 0 TO 48 BY 2 DO x[i] := 1.5; END_FOR;",
        "FOR i := 0 TO n DO x[i] := 1.5; END_FOR;",
    ];
    for body in other_ways {
        assert!(wide(ARRAYS, body).is_empty(), "{body}");
    }
}

/// Every number of turns and every budget: variables, faults and what is left of the budget are the reference's.
#[test]
fn wide_loops_do_what_single_turns_do() {
    for (body, _) in WIDE {
        for turns in [1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 18, 33, 50] {
            // Numbers of every kind, endless ones and NaN among them.
            let single = format!("FOR i := 0 TO {} DO {body} END_FOR;", turns - 1);
            // The same by a counter of 16 and of 8 bits, where it is only an index.
            let again = if body.contains("(i)") || body.contains("+ i") || body.contains(":= i") {
                String::new()
            } else {
                single.replace("i :=", "short :=").replace("[i]", "[short]")
                    + &single.replace("i :=", "byte :=").replace("[i]", "[byte]")
            };
            let text = format!(
                "t := n * 7 MOD 50; n := n + 1; x[t] := x[t] * -1.0E25 + 3.0; x[n] := x[t] - x[n]; y[t] := 1.0 / x[n]; \
                 z[t] := z[t] - LREAL#1.0E200; f[t] := NOT f[t]; g[n] := TRUE; d[t] := n * 123_456_789; w[t] := w[t] - 99; \
                 {single} {again} k := k * -1.5;"
            );
            let image = compiled(ARRAYS, &text);
            let mut engines = (Reference::load(&image), rig::native(&image, true));
            let mut memories = [crate::vm::Memory::new(&image), crate::vm::Memory::new(&image)];
            let enough = 1_000_000;
            let budgets =
                [enough, enough, enough, enough, turns * 7, turns * 11 + 40, enough, 40, enough, enough, enough];
            for budget in budgets {
                let [first, second] = &mut memories;
                let expected = rig::run_on(&mut engines.0, first, 0, budget);
                let mut got = rig::run_on(&mut engines.1, second, 0, budget);
                if expected.0.is_err() {
                    second.data_mut().copy_from_slice(&expected.2);
                    got.2.copy_from_slice(&expected.2);
                }
                assert_eq!(expected, got, "{text}, budget {budget}");
            }
        }
    }
}

/// The IFs of a program that need no branch.
fn conditionals(body: &str) -> usize {
    let image = compiled(VARS, body);
    let program = Program::new(&image);
    let mut bodies = Bodies::new(&program, true);
    let root = bodies.body_at(image.programs[0].pou.0, image.programs[0].offset);
    let flat = bodies.flatten(bodies.list[root as usize]);
    let end = u32::try_from(flat.lines.len()).unwrap();
    let plan = Plan::of(&program, &flat, 0..end);
    (0..end).filter(|at| plan.conditional_end(*at).is_some()).count()
}

#[test]
fn small_ifs_choose_instead_of_branching() {
    let sort = "FOR i := 0 TO 8 DO FOR j := 0 TO 8 - i DO IF a[j] > a[j + 1] THEN t := a[j]; a[j] := a[j + 1]; \
                a[j + 1] := t; END_IF; END_FOR; END_FOR;";
    assert_eq!(conditionals(sort), 1);
    assert_eq!(conditionals("IF n > 3 THEN t := n; END_IF;"), 1);
    // The index was never looked at outside, it changes in between, or what it does may trap.
    assert_eq!(conditionals("IF n > 3 THEN a[n] := 0; END_IF;"), 0);
    assert_eq!(conditionals("IF a[n] > 3 THEN n := n + 1; a[n] := 0; END_IF;"), 0);
    assert_eq!(conditionals("IF n <> 0 THEN t := t / n; END_IF;"), 0);
    // A loop, or too much to do for nothing.
    assert_eq!(conditionals("IF n > 3 THEN WHILE n > 0 DO n := n - 1; END_WHILE; END_IF;"), 0);
    assert_eq!(conditionals("IF n > 3 THEN n := n + 1; t := t * 3; i := i + n; j := j - 1; END_IF;"), 0);
}

#[test]
fn small_ifs_do_what_branches_do() {
    let bodies = [
        "FOR i := 0 TO 8 DO FOR j := 0 TO 8 - i DO IF a[j] > a[j + 1] THEN t := a[j]; a[j] := a[j + 1]; \
         a[j + 1] := t; END_IF; END_FOR; END_FOR; n := n + 1; a[n MOD 10] := n * 7 MOD 11;",
        "n := n + 1; IF n MOD 3 = 0 THEN t := n; END_IF; IF NOT (n MOD 5 = 0) THEN i := i + 2; END_IF;",
        "FOR i := 0 TO 9 DO IF a[i] MOD 2 = 0 THEN a[i] := a[i] + n; t := t + 1; END_IF; n := n + 1; END_FOR;",
        "FOR i := 0 TO 8 DO a[i + 1] := a[i + 1] + 1; IF a[i] > 3 THEN a[i] := a[i + 1]; a[i + 1] := i; END_IF; END_FOR;",
    ];
    for body in bodies {
        let image = compiled(VARS, body);
        let mut engines = (Reference::load(&image), rig::native(&image, true));
        let mut memories = [crate::vm::Memory::new(&image), crate::vm::Memory::new(&image)];
        for _ in 0..40 {
            let [first, second] = &mut memories;
            let expected = rig::run_on(&mut engines.0, first, 0, 100_000);
            assert!(expected.0.is_ok());
            assert_eq!(expected, rig::run_on(&mut engines.1, second, 0, 100_000), "{body}");
        }
    }
}

/// Rungs of few contacts, which meet again and again in all their forms: what one contact says of another is used, and
/// contacts in series are joined in another order.
#[test]
fn rungs_that_feed_each_other_are_what_they_say() {
    const CONTACTS: u32 = 7;
    let mut noise = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = |n: u32| {
        noise = noise.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        u32::try_from(noise >> 33).unwrap() % n
    };
    let contact = |below: &mut dyn FnMut(u32) -> u32| {
        let negation = if below(2) == 0 { "" } else { "NOT " };
        format!("{negation}x{}", below(CONTACTS))
    };
    for program in 0..200 {
        let mut body = String::from("n := n + 1; x0 := n MOD 2 = 1; x1 := n MOD 4 > 1; x2 := n MOD 8 > 3;");
        for _ in 0..12 {
            let terms: Vec<String> = (0..4).map(|_| contact(&mut below)).collect();
            let [a, b, c, d] = [0, 1, 2, 3].map(|term| terms[term].as_str());
            let [one, two, three] = [0; 3].map(|_| ["AND", "OR", "XOR"][below(3) as usize]);
            let rung = match below(3) {
                0 => format!("(({a} {one} {b}) {two} {c}) {three} {d}"),
                1 => format!("({a} {one} {b}) {two} ({a} {three} {c})"),
                _ => format!("({a} {one} {b}) AND ({c} {two} {a}) AND ({d} {three} {b})"),
            };
            body.push_str(&format!("x{} := {rung};", below(CONTACTS)));
        }
        let declarations =
            "n : UDINT; ".to_owned() + &(0..CONTACTS).map(|x| format!("x{x} : BOOL;")).collect::<String>();
        let image = compiled(&declarations, &body);
        let mut engines = (Reference::load(&image), rig::native(&image, true));
        let mut memories = [crate::vm::Memory::new(&image), crate::vm::Memory::new(&image)];
        for scan in 0..32 {
            let [first, second] = &mut memories;
            let expected = rig::run_on(&mut engines.0, first, 0, 100_000);
            assert!(expected.0.is_ok());
            assert_eq!(
                expected,
                rig::run_on(&mut engines.1, second, 0, 100_000),
                "program {program}, scan {scan}: {body}"
            );
        }
    }
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
