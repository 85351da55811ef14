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
    let found = open(
        units,
        "w : Waits; v : Waits; b AT %IX0.0 : BOOL; i : DINT;",
        "FOR i := 1 TO 3 DO w(b := b); END_FOR; v(b := b);",
    );
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

/// A small program that always compiles: nested statements over inputs, counters and an array.
struct Author {
    random: u64,
    text: String,
    /// Loop variables in use.
    depth: usize,
    left: u32,
}

impl Author {
    fn pick(&mut self, most: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 20) % most
    }

    fn line(&mut self, text: &str) {
        self.text.push_str(&"  ".repeat(self.depth + 1));
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn value(&mut self) -> String {
        match self.pick(7) {
            0 => "INT_TO_DINT(w)".to_owned(),
            1 => "USINT_TO_DINT(u)".to_owned(),
            2 => "s".to_owned(),
            3 => "t".to_owned(),
            4 => "a[t MOD 8 * 0 + 3]".to_owned(),
            5 if self.depth > 0 => format!("i{}", self.pick(self.depth as u64)),
            _ => (self.pick(40) as i64 - 10).to_string(),
        }
    }

    fn condition(&mut self) -> String {
        let (a, b) = (self.value(), self.value());
        match self.pick(5) {
            0 => format!("b{}", self.pick(3)),
            1 => format!("NOT b{} AND {a} < {b}", self.pick(3)),
            2 => format!("{a} = {b}"),
            3 => format!("{a} <> {b}"),
            _ => format!("{a} >= {b}"),
        }
    }

    fn block(&mut self, inside_loop: bool) {
        for _ in 0..1 + self.pick(3) {
            self.statement(inside_loop);
        }
    }

    fn statement(&mut self, inside_loop: bool) {
        let Some(left) = self.left.checked_sub(1) else { return self.line("s := s + 1;") };
        self.left = left;
        let (value, condition) = (self.value(), self.condition());
        match self.pick(9) {
            0 => self.line(&format!("s := {value};")),
            1 => self.line(&format!("t := LIMIT(0, {value}, 9);")),
            2 => {
                let to = self.pick(8);
                self.line(&format!("a[{to}] := {value}; a[LIMIT(0, {value}, 7)] := s;"));
            }
            3 if inside_loop => {
                let word = ["EXIT", "CONTINUE"][self.pick(2) as usize];
                self.line(&format!("IF {condition} THEN {word}; END_IF;"));
            }
            4 | 5 if self.depth < 3 => {
                let n = self.depth;
                let end =
                    ["7", "LIMIT(0, INT_TO_DINT(w), 9)", "LIMIT(1, t, 9)", "MIN(a[2], 8)", "USINT_TO_DINT(u) MOD 6"]
                        [self.pick(5) as usize];
                let by = ["1", "2", "3"][self.pick(3) as usize];
                let from = self.pick(4);
                self.line(&format!("FOR i{n} := {from} TO {end} BY {by} DO"));
                self.depth += 1;
                self.block(true);
                self.depth -= 1;
                self.line("END_FOR;");
            }
            6 if self.depth < 3 => {
                let n = self.depth;
                self.line(&format!("i{n} := LIMIT(0, {value}, 12);"));
                self.line(&format!("WHILE i{n} > 0 DO"));
                self.depth += 1;
                self.line(&format!("i{n} := i{n} - 1;"));
                self.block(true);
                self.depth -= 1;
                self.line("END_WHILE;");
            }
            7 => {
                self.line(&format!("CASE {value} OF 1, 3: s := 1; 2: t := 4; s := s + t; ELSE"));
                self.block(false);
                self.line("END_CASE;");
            }
            _ => {
                self.line(&format!("IF {condition} THEN"));
                self.block(false);
                self.line("ELSE");
                self.block(false);
                self.line("END_IF;");
            }
        }
    }
}

#[test]
fn no_scan_of_a_random_program_costs_more_than_its_bound() {
    let mut bounded = 0;
    for seed in 1..=400_u64 {
        let mut author =
            Author { random: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15), text: String::new(), depth: 0, left: 14 };
        author.block(false);
        author.block(false);
        let variables = "b0 AT %IX0.0 : BOOL; b1 AT %IX0.1 : BOOL; b2 AT %IX0.2 : BOOL; u AT %IB1 : USINT; w AT %IW2 : INT;\n\
            s : DINT; t : DINT := 5; a : ARRAY[0..7] OF DINT := [1, 2, 6]; i0 : DINT; i1 : DINT; i2 : DINT;";
        let image = image(&text("", variables, &author.text));
        let bound = program(&image, 0, &Settings { budget: 3_000, ..settings(&[]) });
        assert_eq!(bound.unknown, None);
        if bound.is_bound() {
            bounded += 1;
            hold(&mut author, &image, &bound);
        }
    }
    assert!(bounded > 200, "only {bounded} of 400 programs have a bound: the test says little");
}

fn hold(author: &mut Author, image: &VerifiedImage, bound: &ProgramCost) {
    let (mut engine, mut memory) = (Reference::load(image), Memory::new(image));
    for scan in 0..40 {
        for byte in memory.inputs_mut() {
            *byte = author.pick(256) as u8;
        }
        let (before, mut budget) = (engine.executed(), Budget::new(1_000_000));
        let result = engine.run(&mut memory, 0, scan * 10_000_000, &mut budget);
        let (ran, spent) = (engine.executed() - before, 1_000_000 - budget.left());
        let most = bound.cost;
        assert!(ran <= most.instructions && spent <= most.units, "{ran} {spent} {bound:?}\n{}", author.text);
        if result.is_err() {
            memory = Memory::new(image);
        }
    }
}
