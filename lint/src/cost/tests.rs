use super::*;
use bytecode::image::Place as Symbol;
use compiler::source::SourceMap;
use runtime::vm::reference::Reference;
use runtime::vm::{Budget, Engine as _, Memory};

const BUDGET: u64 = 20_000;

fn image(text: &str) -> VerifiedImage {
    let mut map = SourceMap::new();
    let file = map.add("p.st".to_owned(), text.to_owned());
    let compiled = compiler::compile(&map, &[file], compiler::Options::default());
    let image = compiled.image.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics));
    bytecode::verify(image).unwrap()
}

fn settings(open: &[(u32, u32)]) -> Settings<'_> {
    Settings { weights: Weights::default(), budget: BUDGET, open }
}

fn cost(image: &VerifiedImage) -> ProgramCost {
    program(image, 0, &settings(&[]))
}

/// A program of these variables and this body, with units before it.
fn text(units: &str, variables: &str, body: &str) -> String {
    format!("{units}\nPROGRAM Main\nVAR {variables} END_VAR\n{body}\nEND_PROGRAM\n")
}

/// What the first scan runs: instructions, units.
fn first_scan(image: &VerifiedImage) -> (u64, u64) {
    let (mut engine, mut memory) = (Reference::load(image), Memory::new(image));
    let mut budget = Budget::new(1_000_000);
    engine.run(&mut memory, 0, 0, &mut budget).unwrap();
    (engine.executed(), 1_000_000 - budget.left())
}

#[track_caller]
fn exact(units: &str, variables: &str, body: &str) {
    let image = image(&text(units, variables, body));
    let found = cost(&image);
    assert!(found.is_bound(), "{found:?}\n{}", bytecode::disasm::disassemble(&image));
    assert_eq!(
        (found.cost.instructions, found.cost.units),
        first_scan(&image),
        "{}",
        bytecode::disasm::disassemble(&image)
    );
}

/// Bounded, and the bound is that of the longest scan anybody can make with these bytes as inputs.
#[track_caller]
fn reached(variables: &str, body: &str, inputs: &[u8]) {
    let image = image(&text("", variables, body));
    let found = cost(&image);
    assert!(found.is_bound(), "{found:?}\n{}", bytecode::disasm::disassemble(&image));
    let (mut engine, mut memory) = (Reference::load(&image), Memory::new(&image));
    memory.inputs_mut()[..inputs.len()].copy_from_slice(inputs);
    engine.run(&mut memory, 0, 0, &mut Budget::new(1_000_000)).unwrap();
    assert_eq!(found.cost.instructions, engine.executed(), "{}", bytecode::disasm::disassemble(&image));
}

#[track_caller]
fn open(units: &str, variables: &str, body: &str) -> Vec<OpenLoop> {
    let found = cost(&image(&text(units, variables, body)));
    assert!(!found.open.is_empty() && found.unknown.is_none(), "{found:?}");
    found.open
}

#[test]
fn straight_code_and_constant_loops_are_exact() {
    exact("", "a : INT; b : BOOL;", "a := a + 1; b := NOT b;");
    exact("", "i : DINT; s : DINT;", "FOR i := 1 TO 10 DO s := s + i; END_FOR;");
    exact("", "i : INT; s : DINT;", "FOR i := 20 TO -3 BY -7 DO s := s + 1; END_FOR;");
    exact("", "i : SINT; s : DINT;", "FOR i := 100 TO 127 DO s := s + 1; END_FOR;");
    exact(
        "",
        "i : DINT; j : DINT; s : DINT;",
        "FOR i := 0 TO 9 DO FOR j := 0 TO 9 - i DO s := s + j; END_FOR; END_FOR;",
    );
    exact("", "i : DINT; s : DINT;", "i := 3; WHILE i < 100 DO i := i * 2; s := s + 1; END_WHILE;");
    exact("", "i : UINT; s : DINT;", "i := 0; REPEAT i := i + 3; s := s + 1; UNTIL i > 50 END_REPEAT;");
    exact("", "i : DINT; s : DINT;", "FOR i := 1 TO 100 DO IF i = 7 THEN EXIT; END_IF; s := s + 1; END_FOR;");
    exact("", "i : DINT; s : DINT;", "FOR i := 1 TO 9 DO IF i MOD 2 = 0 THEN CONTINUE; END_IF; s := s + 1; END_FOR;");
    exact("", "i : DINT; s : DINT;", "FOR i := 1 TO 10 DO IF i = 7 THEN RETURN; END_IF; END_FOR; s := 5;");
}

#[test]
fn calls_are_walked_with_what_they_are_given() {
    let units = "FUNCTION Sum : DINT\nVAR_INPUT n : DINT; END_VAR\nVAR i : DINT; END_VAR\nSum := 0;\n\
        FOR i := 1 TO n DO Sum := Sum + i; END_FOR;\nEND_FUNCTION\n\
        FUNCTION_BLOCK Work\nVAR_INPUT n : DINT; END_VAR\nVAR_IN_OUT x : DINT; END_VAR\nVAR i : DINT; inner : TON; END_VAR\n\
        FOR i := 1 TO n DO x := x + Sum(i); END_FOR;\ninner(IN := FALSE, PT := T#1s);\nEND_FUNCTION_BLOCK";
    exact(units, "s : DINT;", "s := Sum(5) + Sum(12);");
    exact(units, "w : Work; v : Work; s : DINT;", "w(n := 3, x := s); v(n := 7, x := s);");
    exact(units, "w : ARRAY[0..3] OF Work; i : DINT; s : DINT;", "FOR i := 0 TO 3 DO w[i](n := 4, x := s); END_FOR;");
}

#[test]
fn the_longer_way_counts() {
    let body = "IF b THEN s := s + 1; ELSE s := s * 2; s := s + 3; t := s; END_IF;";
    reached("b AT %IX0.0 : BOOL; s : DINT; t : DINT;", body, &[0]);
    let body = "CASE n OF 1: s := 1; 2: FOR i := 1 TO 9 DO s := s + i; END_FOR; ELSE s := 0; END_CASE;";
    reached("n AT %IB0 : USINT; s : DINT; i : DINT;", body, &[2]);
}

#[test]
fn loops_are_bounded_by_what_the_scan_knows() {
    // By the type, by a limit, by a comparison before the loop, by a mask.
    reached("n AT %IB0 : USINT; i : DINT; s : DINT;", "FOR i := 1 TO USINT_TO_DINT(n) DO s := s + 1; END_FOR;", &[255]);
    reached(
        "n AT %IW0 : INT; i : INT; s : DINT; m : INT;",
        "m := LIMIT(0, n, 20); FOR i := 1 TO m DO s := s + 1; END_FOR;",
        &[0xFF, 0x7F],
    );
    reached(
        "n AT %IW0 : INT; i : INT; s : DINT; m : INT;",
        "m := n; IF m > 30 THEN m := 30; END_IF; FOR i := 1 TO m DO s := s + 1; END_FOR;",
        &[31, 0],
    );
    reached(
        "n AT %IW0 : WORD; m : INT; s : DINT;",
        "m := WORD_TO_INT(n AND 16#000F); WHILE m > 0 DO m := m - 1; s := s + 1; END_WHILE;",
        &[15, 0],
    );
}

#[test]
fn what_nobody_writes_bounds_a_loop_and_what_somebody_may_write_does_not() {
    let body = "FOR i := 1 TO n DO s := s + 1; END_FOR;";
    exact("", "n : DINT := 12; i : DINT; s : DINT;", body);
    let written = image(&text("", "n : DINT := 12; i : DINT; s : DINT;", body));
    let symbol = written.variable("Main.n").unwrap();
    let Symbol::Byte(offset) = symbol.place else { panic!("{symbol:?}") };
    assert!(!program(&written, 0, &settings(&[(offset, 4)])).open.is_empty());
    assert_eq!(open("", "n : DINT := 12; i : DINT; s : DINT;", &format!("{body} n := n + 1;")).len(), 1);
    let retained = text("", "i : DINT; s : DINT; END_VAR VAR RETAIN n : DINT := 12;", body);
    assert!(!cost(&image(&retained)).is_bound());
    // What a reference may point at counts as written.
    let block = "FUNCTION_BLOCK Up\nVAR_IN_OUT x : DINT; END_VAR\nx := x + 1;\nEND_FUNCTION_BLOCK";
    assert_eq!(open(block, "n : DINT := 12; i : DINT; s : DINT; u : Up;", &format!("{body} u(x := n);")).len(), 1);
}

#[test]
fn open_loops_are_named_each_once_and_the_rest_is_still_walked() {
    let found = open(
        "",
        "b AT %IX0.0 : BOOL; n : DINT; s : DINT;",
        "s := 1;\nWHILE b DO s := s + 1;\nEND_WHILE;\nWHILE n <> 3 DO n := n + 1; END_WHILE;",
    );
    let lines: Vec<u32> = found.iter().map(|l| l.line).collect();
    assert_eq!((found[0].unit.as_str(), found[0].file.as_str(), lines), ("PROGRAM Main", "p.st", vec![5, 7]));
    let units = "FUNCTION_BLOCK Waits\nVAR_INPUT b : BOOL; END_VAR\nVAR n : DINT; END_VAR\nWHILE b DO n := n + 1; END_WHILE;\nEND_FUNCTION_BLOCK";
    let found =
        open(units, "w : Waits; v : Waits; b AT %IX0.0 : BOOL; i : DINT;", "FOR i := 1 TO 3 DO w(b := b); END_FOR; v(b := b);");
    assert_eq!(found.iter().map(|l| (l.unit.as_str(), l.line)).collect::<Vec<_>>(), [("FUNCTION_BLOCK Waits", 4)]);
    // A loop that ends, but not within the budget of a scan.
    assert_eq!(open("", "i : DINT; s : DINT;", "FOR i := 1 TO 1000000 DO s := s + 1; END_FOR;").len(), 1);
    // One that never does.
    assert_eq!(open("", "s : DINT;", "WHILE TRUE DO s := s + 1; END_WHILE;").len(), 1);
}

#[test]
fn tasks_add_their_programs_and_name_them() {
    let text = "PROGRAM A\nVAR x : INT; END_VAR\nx := x + 1;\nEND_PROGRAM\nPROGRAM B\nVAR x : INT; END_VAR\nx := x - 1; x := x * 2;\nEND_PROGRAM\n\
        CONFIGURATION C\nRESOURCE R ON PLC\nTASK fast(INTERVAL := T#5ms, PRIORITY := 0);\nTASK slow(INTERVAL := T#50ms, PRIORITY := 1);\n\
        PROGRAM a WITH fast : A;\nPROGRAM b WITH slow : B;\nPROGRAM c WITH slow : A;\nEND_RESOURCE\nEND_CONFIGURATION\n";
    let image = image(text);
    let mut weights = Weights::default();
    weights.set(Class::Integer, 500);
    let tasks = tasks(&image, &Settings { weights, budget: BUDGET, open: &[] });
    let names: Vec<_> = tasks.iter().map(|t| (t.name.as_str(), t.interval_ns, t.programs.len())).collect();
    assert_eq!(names, [("fast", 5_000_000, 1), ("slow", 50_000_000, 2)]);
    let [fast, slow] = [&tasks[0].cost.cost, &tasks[1].cost.cost];
    assert_eq!((fast.picoseconds, slow.picoseconds), (500, 1500));
    assert_eq!(fast.class(Class::Integer), 1);
    assert!(slow.instructions > fast.instructions && slow.units > fast.units);
}
