//! What the value analysis says against what programs do: whatever the inputs, no variable is ever outside of its values.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used, reason = "tests")]

use bytecode::ScalarType;
use compiler::evaluate::bits_int;
use compiler::source::SourceMap;
use lint::value::{Value, Values};
use relay::SplitMix64;
use runtime::vm::{Budget, Engine as _, Interpreter, Memory};
use std::path::Path;

/// Every form of statement and every standard block whose outputs the analysis claims something about.
const FORMS: &str = "
VAR_GLOBAL total : INT; END_VAR
FUNCTION Limit100 : INT
VAR_INPUT x : INT; END_VAR
IF x > 100 THEN Limit100 := 100; RETURN; END_IF;
IF x < 0 THEN Limit100 := 0; RETURN; END_IF;
Limit100 := x;
END_FUNCTION
FUNCTION_BLOCK Stepper
VAR_INPUT go : BOOL; last : INT; END_VAR
VAR_OUTPUT step : INT; END_VAR
VAR_IN_OUT sum : INT; END_VAR
IF go THEN
  IF step < last THEN step := step + 1; ELSE step := 0; END_IF;
END_IF;
sum := (sum + step) MOD 7;
END_FUNCTION_BLOCK
PROGRAM Main
VAR a AT %IX0.0 : BOOL; b AT %IX0.1 : BOOL; c AT %IX0.2 : BOOL; n AT %IW1 : INT; q AT %QX0.0 : BOOL; END_VAR
VAR
  s1, s2 : Stepper; sums : ARRAY [0..1] OF INT; sum : INT;
  i, j, k, m, last, limited, cased, found : INT; u : USINT; w : WORD;
  tn : TON; tf : TOF; tpx : TP; up : CTU; re : R_TRIG; fe : F_TRIG; f1 : SR; f2 : RS;
  never, x1, x2, x3, x4 : BOOL;
END_VAR
s1(go := a, last := 3, sum := sum);
s2(go := b, last := 5, sum := sums[1]);
limited := Limit100(n);
m := 0;
FOR i := 1 TO 4 DO
  IF c AND i = 3 THEN EXIT; END_IF;
  m := m + i;
END_FOR;
k := 10;
WHILE k > 0 DO
  k := k - 3;
  IF k = 4 THEN CONTINUE; END_IF;
  found := k;
END_WHILE;
REPEAT j := j + 1; UNTIL j >= 5 OR a END_REPEAT;
IF j > 20 THEN j := -2; END_IF;
CASE limited OF
  0: cased := 1;
  1..50: cased := limited;
  51, 52: cased := -limited;
ELSE
  cased := 99;
END_CASE;
u := u + 1;
w.3 := a;
IF n <> 0 THEN last := 100 / n; END_IF;
total := MAX(total, s1.step);
tn(IN := a, PT := T#30ms); tf(IN := b, PT := T#40ms); tpx(IN := c AND a, PT := T#50ms);
up(CU := a, R := c, PV := 3); re(CLK := b); fe(CLK := a); f1(S1 := a AND b, R := c); f2(S := a, R1 := b);
never := never AND a;
x1 := tn.Q OR tf.Q; x2 := tpx.Q XOR up.Q; x3 := re.Q AND NOT fe.Q; x4 := f1.Q1 OR f2.Q1;
q := x1 AND x2 OR x3 AND x4 OR never;
END_PROGRAM
";

/// Rungs: facts of the power, jumps, returns, edges, blocks.
const RUNGS: &str = "
PROGRAM Main
VAR a AT %IX0.0 : BOOL; b AT %IX0.1 : BOOL; c AT %IX0.2 : BOOL; n AT %IW1 : INT; q AT %QX0.0 : BOOL; END_VAR
VAR m, x, y, z, e, r, dead, late : BOOL; d, step : INT; t : TON; cnt : CTU; END_VAR
LADDER
RUNG: [NO(a), NO(m)] NC(b) COIL(m);
RUNG: NO(a) NC(a) COIL(dead);
RUNG: NE(n, 0) ST d := 100 / n; END_ST;
RUNG: RISE(a) ST step := (step + 1) MOD 4; END_ST;
RUNG: NO(c) JMP(over);
RUNG: NO(a) SET(x) COIL(y);
RUNG: FALL(b) RST(x);
RUNG over: NO(x) [NO(a) COIL(z), NC(b)] INV() COIL(e);
RUNG: NO(m) t(PT := T#30ms) cnt(R := c, PV := 2) COIL(r);
RUNG: NO(b) NO(c) RET();
RUNG: EQ(step, 3) COIL_RISE(late);
RUNG: [NO(late), NO(r), NO(e), NO(dead), NO(y), NO(z)] COIL(q);
END_LADDER
END_PROGRAM
";

/// Runs a program on inputs at random and compares every scalar after every scan.
fn never_outside(name: &str, text: &str, scans: u32) -> usize {
    let mut sources = SourceMap::new();
    let id = sources.add(name, text);
    let compiled = compiler::compile(&sources, &[id], compiler::Options::default());
    let image = compiled.image.unwrap_or_else(|| panic!("{name}: {:#?}", compiled.diagnostics));
    let image = bytecode::verify(image).unwrap();
    let values = Values::of(&compiled.program, std::iter::empty());
    assert!(values.is_complete(), "{name}");
    let known: Vec<_> = image
        .image()
        .symbols
        .iter()
        .filter_map(|symbol| {
            let scalar = image.image().ty(symbol.ty)?.scalar()?;
            let value = values.at_start(&symbol.path)?;
            (!scalar.is_float()).then_some((symbol, scalar, value))
        })
        .collect();
    let mut random = SplitMix64::new(7);
    let mut engine = Interpreter::load(&image);
    let mut memory = Memory::new(image.image());
    for scan in 0..scans {
        for byte in memory.inputs_mut() {
            // Few changes and small numbers, so that states are reached and left.
            if random.next_u64().is_multiple_of(5) {
                *byte = (random.next_u64() % 4) as u8;
            }
        }
        for program in 0..image.image().programs.len() {
            let now = i64::from(scan) * 10_000_000;
            engine.run(&mut memory, program, now, &mut Budget::new(1_000_000)).unwrap();
        }
        for (symbol, scalar, value) in &known {
            let bits = memory.read(symbol.place, *scalar).unwrap();
            let seen = if *scalar == ScalarType::Bool { i128::from(bits != 0) } else { bits_int(bits, *scalar) };
            assert!(value.may_be(seen), "{name}: scan {scan}: {} is {seen}, said {value:?}", symbol.path);
        }
    }
    known.iter().filter(|(_, scalar, value)| *value != Value::of_scalar(*scalar)).count()
}

#[test]
fn no_variable_leaves_its_values() {
    // Something is claimed at all: the counts below would be 0 for an analysis that knows nothing.
    assert!(never_outside("forms.st", FORMS, 20_000) >= 5);
    assert!(never_outside("rungs.ld", RUNGS, 20_000) >= 2);
}

#[test]
fn nor_in_the_example_programs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../programs");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "ld" || e == "st") {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            never_outside(&name, &std::fs::read_to_string(&path).unwrap(), 3_000);
            count += 1;
        }
    }
    assert!(count >= 10, "{count}");
}

#[test]
fn what_is_certain_is_told() {
    let values = |text: &str, path: &str| {
        let mut sources = SourceMap::new();
        let id = sources.add("a.st", text);
        let compiled = compiler::compile(&sources, &[id], compiler::Options::default());
        Values::of(&compiled.program, std::iter::empty()).at_start(path).unwrap()
    };
    assert_eq!(values(FORMS, "Main.s1.step"), Value::Range(0, 3));
    assert_eq!(values(FORMS, "Main.s2.step"), Value::Range(0, 5));
    assert_eq!(values(FORMS, "Main.limited"), Value::Range(0, 100));
    assert_eq!(values(FORMS, "Main.never"), Value::of_bool(false));
    assert_eq!(values(RUNGS, "Main.dead"), Value::of_bool(false));
    assert_eq!(values(RUNGS, "Main.step"), Value::Range(0, 3));
}
