//! Programs made of bytes: every sequence of bytes is one, and a byte changed is a program changed a little.
//!
//! For comparing engines. What a person would not write is the point: indices that leave their arrays, divisions by what
//! may be 0, loops that may not end, blocks called twice in a scan, one variable passed for two parameters.

use std::fmt::Write;

/// Deepest nesting of statements and of expressions.
const DEPTH_MAX: u32 = 4;
/// Statements of a program, at most.
const STATEMENTS_MAX: u32 = 60;

/// Control variables of FOR loops, by depth.
const COUNTERS: [&str; 5] = ["n0", "n1", "n2", "n3", "n4"];

const DECLARATIONS: &str = "\
FUNCTION Mix : DINT VAR_INPUT x : DINT; y : DINT; END_VAR
  IF x > y THEN Mix := x - y; ELSE Mix := (y MOD 7) + x * 3; END_IF;
END_FUNCTION
FUNCTION_BLOCK Sum VAR_IN_OUT v : ARRAY [0..9] OF DINT; total : DINT; END_VAR VAR_INPUT n : DINT; END_VAR VAR k : DINT; END_VAR
  total := 0;
  FOR k := 0 TO n DO total := total + v[k]; v[k] := total; END_FOR;
END_FUNCTION_BLOCK
FUNCTION_BLOCK Blink VAR_INPUT on : BOOL; step : DINT; END_VAR VAR_OUTPUT q : BOOL; count : DINT; END_VAR VAR last : BOOL; END_VAR
  IF on AND NOT last THEN count := count + step; q := NOT q; END_IF;
  last := on;
END_FUNCTION_BLOCK
PROGRAM Generated VAR
  x0 AT %IX0.0 : BOOL; x1 AT %IX0.1 : BOOL; x2 AT %IX0.7 : BOOL; w0 AT %IW1 : INT;
  y0 AT %QX0.0 : BOOL; y1 AT %QX0.1 : BOOL; o0 AT %QW1 : INT; f0 AT %MX0.3 : BOOL; m0 AT %MW0 : WORD;
  b0 : BOOL; b1 : BOOL; b2 : BOOL; b3 : BOOL := TRUE;
  n0 : DINT; n1 : DINT; n2 : DINT; n3 : DINT; n4 : DINT;
  i0 : DINT; i1 : DINT := 3; i2 : DINT := -7; i3 : DINT; s0 : INT; s1 : INT := 300; q0 : USINT; l0 : LINT; u0 : UDINT := 9;
  d0 : DWORD := 16#80000001; d1 : DWORD; r0 : REAL := 1.5; r1 : REAL; g0 : LREAL := 0.1;
  a : ARRAY [0..9] OF DINT; e : ARRAY [-2..5] OF REAL; z : ARRAY [1..6] OF BOOL;
  ra : ARRAY [0..39] OF REAL; rb : ARRAY [-3..36] OF REAL; ba : ARRAY [0..39] OF BOOL; bb : ARRAY [0..39] OF BOOL;
  ia : ARRAY [0..39] OF INT; da : ARRAY [0..39] OF DINT; p : ARRAY [0..9] OF DINT := [3, 1, 4, 1, 5, 9, 2, 6, 5, 3];
  t0 : TON; t1 : TOF; c0 : CTU; p0 : R_TRIG; k0 : Blink; k : ARRAY [0..3] OF Blink; sum : Sum;
END_VAR
";

struct Writer<'b> {
    bytes: std::slice::Iter<'b, u8>,
    text: String,
    left: u32,
}

/// The text of the program these bytes mean.
#[must_use]
pub fn program(bytes: &[u8]) -> String {
    let mut writer = Writer { bytes: bytes.iter(), text: DECLARATIONS.to_owned(), left: STATEMENTS_MAX };
    while !writer.bytes.as_slice().is_empty() && writer.left > 0 {
        writer.statement(0);
    }
    writer.text.push_str("END_PROGRAM\n");
    writer.text
}

impl Writer<'_> {
    /// The next byte modulo `n`; 0 when there is none.
    fn below(&mut self, n: usize) -> usize {
        self.bytes.next().map_or(0, |b| usize::from(*b) % n.max(1))
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        let at = self.below(from.len());
        from.get(at).copied().unwrap_or("")
    }

    fn put(&mut self, arguments: std::fmt::Arguments<'_>) {
        // Writing to a String does not fail.
        let _ = self.text.write_fmt(arguments);
    }

    fn block(&mut self, depth: u32) {
        for _ in 0..=self.below(3) {
            self.statement(depth + 1);
        }
    }

    fn statement(&mut self, depth: u32) {
        self.left = self.left.saturating_sub(1);
        let nests = depth < DEPTH_MAX && self.left > 0;
        match self.below(if nests { 18 } else { 12 }) {
            0..=2 => {
                let (to, value) = (self.pick(&["b0", "b1", "b2", "b3", "y0", "y1", "f0", "k0.on"]), self.bool(depth));
                self.put(format_args!("  {to} := {value};\n"));
            }
            3..=5 => {
                let (to, value) = (self.pick(&["i0", "i1", "i2", "i3", "k0.step"]), self.int(depth));
                self.put(format_args!("  {to} := {value};\n"));
            }
            6 => {
                let (to, value) = (self.pick(&["r0", "r1"]), self.real(depth));
                self.put(format_args!("  {to} := {value};\n"));
            }
            7 => {
                let (index, value) = (self.index(depth + 2, 10), self.int(depth));
                self.put(format_args!("  a[{index}] := {value};\n"));
            }
            8 => {
                let (index, value) = (self.index(depth + 2, 6), self.real(depth));
                self.put(format_args!("  e[{index}] := {value};\n"));
            }
            9 if self.below(4) == 0 => self.permute(depth),
            9 => self.narrow(depth),
            10 => self.call(depth),
            11 => self.over_elements(depth),
            12 | 13 => {
                let condition = self.bool(depth);
                self.put(format_args!("  IF {condition} THEN\n"));
                self.block(depth);
                if self.below(2) == 1 {
                    self.put(format_args!("  ELSE\n"));
                    self.block(depth);
                }
                self.put(format_args!("  END_IF;\n"));
            }
            14 | 15 => {
                // A control variable may not be written in its loop: one for each depth.
                let counter = COUNTERS.get(depth as usize).copied().unwrap_or(COUNTERS[0]);
                let (from, to) = (self.int(depth + 2), self.below(12));
                let by = self.pick(&["", "", " BY 2", " BY -1"]);
                self.put(format_args!("  FOR {counter} := {from} TO {to}{by} DO\n"));
                self.block(depth);
                self.put(format_args!("  END_FOR;\n"));
            }
            _ => {
                let condition = self.bool(depth);
                self.put(format_args!("  WHILE {condition} DO\n"));
                self.block(depth);
                self.put(format_args!("  i2 := i2 + 1; IF i2 > 20 THEN EXIT; END_IF;\n  END_WHILE;\n"));
            }
        }
    }

    /// A loop over elements of arrays, each by itself or with its neighbour: engines do several turns of some at a time, and
    /// choose instead of branching in others.
    fn over_elements(&mut self, depth: u32) {
        let n = COUNTERS.get(depth as usize).copied().unwrap_or(COUNTERS[0]);
        let from = self.below(5);
        let to = from + self.below(32);
        self.put(format_args!("  FOR {n} := {from} TO {to} DO\n"));
        for _ in 0..=self.below(3) {
            let (real, bool, int) = (self.element(n, 1), self.element_bool(n, 1), self.pick(&["3", "-7", "100", "s0"]));
            match self.below(8) {
                0 => self.put(format_args!("    ra[{n}] := {real};\n")),
                1 => self.put(format_args!("    rb[{n}] := {real};\n")),
                2 => self.put(format_args!("    ba[{n}] := {bool};\n")),
                3 => self.put(format_args!("    ia[{n}] := ia[{n}] * {int} + ia[{n}];\n")),
                4 => self.put(format_args!("    da[{n}] := da[{n}] * 5 - {n} + i0;\n")),
                5 => self.put(format_args!("    r0 := {real}; ra[{n}] := r0 - ra[{n}];\n")),
                6 => self.put(format_args!("    IF {bool} THEN ba[{n}] := b0; b1 := NOT b1; END_IF;\n")),
                _ => self.put(format_args!(
                    "    IF da[{n}] > da[{n} + 1] THEN i1 := da[{n}]; da[{n}] := da[{n} + 1]; da[{n} + 1] := i1; END_IF;\n"
                )),
            }
        }
        self.put(format_args!("  END_FOR;\n"));
    }

    /// A number made of elements.
    fn element(&mut self, n: &str, depth: u32) -> String {
        if depth >= DEPTH_MAX || self.below(3) == 0 {
            return match self.below(6) {
                0 | 1 => format!("ra[{n}]"),
                2 => format!("rb[{n}]"),
                3 => format!("DINT_TO_REAL({n})"),
                4 => self.pick(&["r0", "r1"]).to_owned(),
                _ => self.pick(&["REAL#0.5", "REAL#-3.0", "REAL#1.0e30", "REAL#0.0"]).to_owned(),
            };
        }
        let (a, b) = (self.element(n, depth + 1), self.element(n, depth + 1));
        match self.below(8) {
            0 | 1 => format!("({a} + {b})"),
            2 => format!("({a} - {b})"),
            3 => format!("({a} * {b})"),
            4 => format!("({a} / {b})"),
            5 => format!("MIN({a}, {b})"),
            6 => format!("LIMIT(-2.0, {a}, {b})"),
            _ => format!("{}({a})", self.pick(&["ABS", "SQRT"])),
        }
    }

    fn element_bool(&mut self, n: &str, depth: u32) -> String {
        if depth >= DEPTH_MAX || self.below(3) == 0 {
            return match self.below(4) {
                0 | 1 => format!("ba[{n}]"),
                2 => format!("bb[{n}]"),
                _ => self.pick(&["b0", "b2", "x0", "TRUE"]).to_owned(),
            };
        }
        let (a, b) = (self.element_bool(n, depth + 1), self.element_bool(n, depth + 1));
        format!("({a} {} {}{b})", self.pick(&["AND", "OR", "XOR"]), self.pick(&["", "NOT "]))
    }

    /// An element whose index may be the very element that is written. What stands in `p` stays below 10.
    fn permute(&mut self, depth: u32) {
        let (index, value) = (self.index(depth + 1, 10), self.int(depth + 2));
        let (from, again) = (self.below(10), self.below(10));
        match self.below(4) {
            0 => self.put(format_args!("  p[{index}] := ABS({value} MOD 10);\n")),
            1 => self.put(format_args!("  p[p[{from}]] := {again}; i3 := p[p[{from}]];\n")),
            2 => self.put(format_args!("  i3 := p[p[{again}]]; p[p[{from}]] := p[p[{again}]]; i0 := p[p[{again}]];\n")),
            _ => self.put(format_args!("  p[{from}] := p[p[{from}]]; i3 := p[p[{from}]];\n")),
        }
    }

    /// Statements on other types than the three main ones.
    fn narrow(&mut self, depth: u32) {
        let (int, real, bool) = (self.varying(depth + 1), self.real(depth + 1), self.bool(depth + 1));
        let (divisor, index) = (self.divisor(depth + 1), self.index(depth + 1, 6));
        match self.below(9) {
            0 => self.put(format_args!("  s0 := DINT_TO_INT({int});\n")),
            1 => self.put(format_args!("  o0 := s0 / DINT_TO_INT({divisor});\n")),
            2 => self.put(format_args!("  q0 := DINT_TO_USINT({int});\n")),
            3 => self.put(format_args!("  l0 := l0 * 3 + DINT_TO_LINT({int});\n")),
            4 => self.put(format_args!("  d0 := ROL(d0, 3) XOR SHL(d1, DINT_TO_INT({int}));\n")),
            5 => self.put(format_args!("  d1 := DINT_TO_DWORD({int}) AND NOT d0;\n")),
            6 => self.put(format_args!("  g0 := REAL_TO_LREAL({real}) - g0;\n")),
            7 => self.put(format_args!("  u0 := u0 / DINT_TO_UDINT({divisor}) + u0;\n")),
            _ => self.put(format_args!("  z[1 + {index}] := {bool};\n")),
        }
    }

    fn call(&mut self, depth: u32) {
        let (int, bool) = (self.varying(depth + 1), self.bool(depth + 1));
        let (which, most) = (self.index(depth + 1, 4), self.index(depth + 1, 10));
        match self.below(7) {
            0 => self.put(format_args!("  t0(IN := {bool}, PT := T#20ms); b0 := t0.Q;\n")),
            1 => self.put(format_args!("  t1(IN := {bool}, PT := T#10ms);\n")),
            2 => self.put(format_args!("  c0(CU := {bool}, R := b1, PV := 3);\n")),
            3 => self.put(format_args!("  p0(CLK := {bool}); y1 := p0.Q;\n")),
            4 => self.put(format_args!("  k0(on := {bool}, step := {int});\n")),
            5 => self.put(format_args!("  k[{which}](on := {bool});\n")),
            _ => self.put(format_args!("  sum(v := a, total := i3, n := {most});\n")),
        }
    }

    fn bool(&mut self, depth: u32) -> String {
        let leaf = ["x0", "x1", "x2", "b0", "b1", "b2", "b3", "y0", "f0", "t0.Q", "c0.Q", "k0.q", "TRUE"];
        if depth >= DEPTH_MAX {
            return self.pick(&leaf).to_owned();
        }
        match self.below(8) {
            0..=2 => self.pick(&leaf).to_owned(),
            3 | 4 => {
                let (a, op, b) = (self.bool(depth + 1), self.pick(&["AND", "OR", "XOR"]), self.bool(depth + 1));
                format!("({a} {op} {b})")
            }
            5 => format!("NOT {}", self.bool(depth + 1)),
            6 => {
                let (a, op, b) = (self.int(depth + 1), self.pick(&["=", "<>", "<", "<=", ">"]), self.int(depth + 1));
                format!("({a} {op} {b})")
            }
            _ => {
                let (a, op, b) = (self.real(depth + 1), self.pick(&["<", ">="]), self.real(depth + 1));
                format!("({a} {op} {b})")
            }
        }
    }

    /// An integer that the compiler does not know: a constant index outside or a constant 0 to divide by is refused.
    fn varying(&mut self, depth: u32) -> String {
        let text = self.int(depth);
        let named = ["i0", "i1", "i2", "i3", "n0", "n1", "n2", "w0", "k0.", "r0", "r1", "a[", "e["];
        if named.iter().any(|name| text.contains(name)) { text } else { format!("({text} + i3)") }
    }

    /// An index below `count`, and once in a while any number.
    fn index(&mut self, depth: u32, count: u32) -> String {
        let any = self.varying(depth);
        match self.below(50) {
            1 => any,
            2..=6 if count == 10 => format!("p[{}]", self.below(10)),
            _ => format!("ABS({any} MOD {count})"),
        }
    }

    /// A divisor, once in a while any number.
    fn divisor(&mut self, depth: u32) -> String {
        let any = self.varying(depth);
        if self.below(50) == 1 { any } else { format!("({any} MOD 5 * 2 + 1)") }
    }

    fn int(&mut self, depth: u32) -> String {
        let leaf = [
            "i0",
            "i1",
            "i2",
            "i3",
            "n0",
            "n1",
            "n2",
            "0",
            "1",
            "2",
            "-1",
            "5",
            "9",
            "100000",
            "INT_TO_DINT(w0)",
            "k0.count",
        ];
        if depth >= DEPTH_MAX {
            return self.pick(&leaf).to_owned();
        }
        match self.below(10) {
            0..=3 => self.pick(&leaf).to_owned(),
            4 | 5 => {
                let (a, op, b) = (self.int(depth + 1), self.pick(&["+", "-", "*"]), self.varying(depth + 1));
                format!("({a} {op} {b})")
            }
            6 => {
                let (a, op, b) = (self.int(depth + 1), self.pick(&["/", "MOD"]), self.divisor(depth + 1));
                format!("({a} {op} {b})")
            }
            7 => format!("a[{}]", self.index(depth + 1, 10)),
            8 => {
                let (f, a, b) = (self.pick(&["Mix", "MIN", "MAX"]), self.int(depth + 1), self.varying(depth + 1));
                format!("{f}({a}, {b})")
            }
            _ => {
                let (f, x) = (self.pick(&["REAL_TO_DINT", "REAL_TRUNC_DINT"]), self.real(depth + 1));
                format!("{f}({x})")
            }
        }
    }

    fn real(&mut self, depth: u32) -> String {
        let leaf = ["r0", "r1", "REAL#0.0", "REAL#-2.5", "REAL#1.0e30", "DINT_TO_REAL(i0)"];
        if depth >= DEPTH_MAX {
            return self.pick(&leaf).to_owned();
        }
        match self.below(8) {
            0..=2 => self.pick(&leaf).to_owned(),
            3 | 4 => {
                let (a, op, b) = (self.real(depth + 1), self.pick(&["+", "-", "*", "/"]), self.real(depth + 1));
                format!("({a} {op} {b})")
            }
            5 => format!("e[{}]", self.index(depth + 1, 6)),
            6 => {
                let (f, x) = (self.pick(&["SQRT", "ABS", "SIN", "LN"]), self.real(depth + 1));
                format!("{f}({x})")
            }
            _ => format!("LIMIT(-1.0, {}, {})", self.real(depth + 1), self.real(depth + 1)),
        }
    }
}
