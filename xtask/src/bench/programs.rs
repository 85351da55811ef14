//! The benchmark programs, as text that every IEC 61131-3 compiler takes: figures of other systems were measured with
//! the same. Each is one PROGRAM `main` and a CONFIGURATION that runs it every 10 ms.

use std::fmt::Write;

/// A program to be measured.
pub struct Program {
    /// Short name, also of its file.
    pub name: String,
    /// The text.
    pub text: String,
}

const CONFIGURATION: &str = "
CONFIGURATION Config0
  RESOURCE Res0 ON PLC
    TASK task0(INTERVAL := T#10ms, PRIORITY := 0);
    PROGRAM instance0 WITH task0 : main;
  END_RESOURCE
END_CONFIGURATION
";

/// The four programs of the performance page.
pub fn all() -> Vec<Program> {
    let named = |name: &str, text| Program { name: name.to_owned(), text };
    vec![
        named("bool1000", seal_in_rungs(1000)),
        named("timers", timers(100)),
        named("arith", arith()),
        named("real", real(50)),
    ]
}

fn program(declarations: &[String], body: &[String]) -> String {
    let mut text = String::from("PROGRAM main\nVAR\n");
    let lines = |text: &mut String, lines: &[String]| {
        for line in lines {
            text.push_str("  ");
            text.push_str(line);
            text.push('\n');
        }
    };
    lines(&mut text, declarations);
    text.push_str("END_VAR\n");
    lines(&mut text, body);
    text.push_str("END_PROGRAM\n");
    text.push_str(CONFIGURATION);
    text
}

fn owned(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|l| (*l).to_owned()).collect()
}

/// `n` seal-in rungs, each with about five contacts and a coil, each waiting for the one before.
pub fn seal_in_rungs(n: usize) -> String {
    let mut declarations = owned(&["tick : DINT;"]);
    declarations.extend((0..n).map(|i| format!("s{i} : BOOL; p{i} : BOOL; m{i} : BOOL;")));
    let mut body = owned(&["tick := tick + 1;", "s0 := (tick MOD 7) = 0;", "p0 := (tick MOD 11) = 0;"]);
    for i in 0..n {
        let mut before = "TRUE".to_owned();
        if let Some(j) = i.checked_sub(1) {
            before = format!("m{j}");
            body.push(format!("s{i} := m{j} XOR s{j};"));
            body.push(format!("p{i} := NOT m{j} AND p{j};"));
        }
        body.push(format!("m{i} := (s{i} OR m{i}) AND NOT p{i} AND ({before} OR NOT s{i});"));
    }
    program(&declarations, &body)
}

/// `n` each of TON, TOF, R_TRIG and CTU in a chain.
fn timers(n: usize) -> String {
    let mut declarations = owned(&["tick : DINT; run : BOOL;"]);
    declarations.extend((0..n).map(|i| format!("ton{i} : TON; tof{i} : TOF; ctu{i} : CTU; rt{i} : R_TRIG;")));
    let mut body = owned(&["tick := tick + 1;", "run := (tick MOD 50) < 40;"]);
    for i in 0..n {
        let source = i.checked_sub(1).map_or("run".to_owned(), |j| format!("tof{j}.Q"));
        body.push(format!("ton{i}(IN := {source}, PT := T#{}ms);", 20 + i % 7 * 10));
        body.push(format!("tof{i}(IN := ton{i}.Q, PT := T#{}ms);", 10 + i % 5 * 10));
        body.push(format!("rt{i}(CLK := tof{i}.Q);"));
        body.push(format!("ctu{i}(CU := rt{i}.Q, R := ctu{i}.Q, PV := 5);"));
    }
    program(&declarations, &body)
}

/// Integer work: a sieve to 1000, a bubble sort of 64, a 32-bit xorshift checksum.
fn arith() -> String {
    let declarations = owned(&[
        "flags : ARRAY [0..1000] OF BOOL;",
        "a : ARRAY [0..63] OF DINT;",
        "i : DINT; j : DINT; t : DINT; primes : DINT; seed : DINT := 12345; crc : DWORD; tick : DINT;",
    ]);
    let body = owned(&[
        "tick := tick + 1;",
        "primes := 0;",
        "FOR i := 0 TO 1000 DO flags[i] := TRUE; END_FOR;",
        "FOR i := 2 TO 1000 DO",
        "  IF flags[i] THEN",
        "    primes := primes + 1;",
        "    j := i + i;",
        "    WHILE j <= 1000 DO flags[j] := FALSE; j := j + i; END_WHILE;",
        "  END_IF;",
        "END_FOR;",
        "FOR i := 0 TO 63 DO seed := (seed * 171 + 11213) MOD 53125; a[i] := seed; END_FOR;",
        "FOR i := 0 TO 62 DO",
        "  FOR j := 0 TO 62 - i DO",
        "    IF a[j] > a[j + 1] THEN t := a[j]; a[j] := a[j + 1]; a[j + 1] := t; END_IF;",
        "  END_FOR;",
        "END_FOR;",
        "crc := DINT_TO_DWORD(a[10] + tick) OR DWORD#16#00000001;",
        "FOR i := 0 TO 255 DO",
        "  crc := crc XOR SHL(crc, 13);",
        "  crc := crc XOR SHR(crc, 17);",
        "  crc := crc XOR SHL(crc, 5);",
        "END_FOR;",
    ]);
    program(&declarations, &body)
}

/// `n` PI controllers with limits, each driving a first-order plant, in REAL.
fn real(n: usize) -> String {
    let last = n.saturating_sub(1);
    let mut arrays = String::new();
    for name in ["sp", "pv", "it", "u"] {
        let gap = if arrays.is_empty() { "" } else { " " };
        // Writing to a String does not fail.
        let _ = write!(arrays, "{gap}{name} : ARRAY [0..{last}] OF REAL;");
    }
    let declarations = ["i : DINT;".to_owned(), arrays, "e : REAL; tick : DINT;".to_owned()];
    let mut body = owned(&["tick := tick + 1;"]);
    body.push(format!("FOR i := 0 TO {last} DO"));
    body.extend(owned(&[
        "  sp[i] := 50.0 + DINT_TO_REAL(i);",
        "  e := sp[i] - pv[i];",
        "  it[i] := LIMIT(-100.0, it[i] + e * 0.01, 100.0);",
        "  u[i] := LIMIT(0.0, 2.5 * e + 0.8 * it[i], 100.0);",
        "  pv[i] := pv[i] + (u[i] - pv[i]) * 0.02;",
        "END_FOR;",
    ]));
    program(&declarations, &body)
}
