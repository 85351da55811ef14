//! The benchmark programs as a person would write them in C, compiled and measured beside native code in the same run.
//!
//! The same logic in the same order on the same variables, without bounds checks, budget or overflow of any definition
//! (`-fwrapv`). Each becomes a program that measures itself as `measure` does, once for every optimisation level; the best
//! level counts. Without a C compiler there is nothing to compare with, and that is said.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

/// Levels tried. None of them is allowed to change what floats mean.
const LEVELS: [&str; 4] = ["-O1", "-O2", "-O3", "-Os"];

/// What a program took.
pub struct PlainC {
    /// Microseconds per scan of the best batch at the best level.
    pub best_us: f64,
    /// That level.
    pub level: &'static str,
    /// The same for code that runs on this machine's kind of processor only: the compiler may then use its widest vectors.
    pub tuned_us: f64,
}

const HEAD: &str = "\
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
typedef uint8_t b; typedef int32_t d;
static int64_t now;
typedef struct { b in, q, run; int64_t pt, et, start; } ton_t, tof_t;
typedef struct { b cu, rise, r, q; int16_t pv, cv; } ctu_t;
typedef struct { b clk, q, m; } trig_t;
static inline void ton(ton_t *t) {
  if (!t->in) { t->run = 0; t->q = 0; t->et = 0; return; }
  if (t->q) return;
  if (!t->run) { t->run = 1; t->start = now; }
  t->et = now - t->start;
  if (t->et >= t->pt) { t->q = 1; t->et = t->pt; }
}
static inline void tof(tof_t *t) {
  if (t->in) { t->run = 0; t->q = 1; t->et = 0; return; }
  if (!t->q) return;
  if (!t->run) { t->run = 1; t->start = now; }
  t->et = now - t->start;
  if (t->et >= t->pt) { t->q = 0; t->et = t->pt; }
}
static inline void ctu(ctu_t *c) {
  b up = c->cu & !c->rise;
  c->rise = c->cu;
  if (c->r) c->cv = 0; else if (up & (c->cv < 32767)) c->cv++;
  c->q = c->cv >= c->pv;
}
static inline void trig(trig_t *t) { t->q = t->clk & !t->m; t->m = t->clk; }
";

const TAIL: &str = "
static double cpu_ns(void) { struct timespec t; clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); return t.tv_sec * 1e9 + t.tv_nsec; }
static double batch(long n) { double t = cpu_ns(); for (long i = 0; i < n; i++) { now += 10000000; scan(); } return (cpu_ns() - t) / n; }
int main(int count, char **args) {
  if (count > 2) { for (long i = atol(args[2]); i > 0; i--) { now += 10000000; scan(); } return 0; }
  int batches = count > 1 ? atoi(args[1]) : 31;
  batch(10);
  long n = 5e6 / batch(10);
  double best = 1e18;
  if (n < 1) n = 1;
  for (int i = 0; i < batches; i++) { double t = batch(n); if (t < best) best = t; }
  printf(\"%.6f\\n\", best / 1e3);
}
";

/// The C text of a benchmark program; `None` for one that has none. As a program it takes a number of batches, or a 0 and a
/// number of scans to run without measuring anything.
pub fn text(program: &str) -> Option<String> {
    let body = match program {
        "bool1000" => seal_in_rungs(1_000),
        "timers" => timers(100),
        "arith" => ARITH.to_owned(),
        "real" => REAL.to_owned(),
        _ => return None,
    };
    Some(format!("{HEAD}{body}{TAIL}"))
}

fn seal_in_rungs(n: usize) -> String {
    let mut fields = String::from("struct { d tick; ");
    let mut code = String::from(
        "__attribute__((noinline)) void scan(void) {\n  p.tick += 1; p.s0 = p.tick % 7 == 0; p.p0 = p.tick % 11 == 0;\n",
    );
    // Writing to a String does not fail.
    for i in 0..n {
        let _ = write!(fields, "b s{i}, p{i}, m{i}; ");
        let mut before = "1".to_owned();
        if let Some(j) = i.checked_sub(1) {
            before = format!("p.m{j}");
            let _ = writeln!(code, "  p.s{i} = p.m{j} ^ p.s{j}; p.p{i} = !p.m{j} & p.p{j};");
        }
        let _ = writeln!(code, "  p.m{i} = (p.s{i} | p.m{i}) & !p.p{i} & ({before} | !p.s{i});");
    }
    format!("{fields}}} p;\n{code}}}\n")
}

fn timers(n: usize) -> String {
    let mut fields = String::from("struct { d tick; b run; ");
    let mut code =
        String::from("__attribute__((noinline)) void scan(void) {\n  p.tick += 1; p.run = p.tick % 50 < 40;\n");
    for i in 0..n {
        let _ = write!(fields, "ton_t ton{i}; tof_t tof{i}; ctu_t ctu{i}; trig_t rt{i}; ");
        let source = i.checked_sub(1).map_or("p.run".to_owned(), |j| format!("p.tof{j}.q"));
        let (on, off) = (20 + i % 7 * 10, 10 + i % 5 * 10);
        let _ = writeln!(code, "  p.ton{i}.in = {source}; p.ton{i}.pt = {on}000000; ton(&p.ton{i});");
        let _ = writeln!(code, "  p.tof{i}.in = p.ton{i}.q; p.tof{i}.pt = {off}000000; tof(&p.tof{i});");
        let _ = writeln!(code, "  p.rt{i}.clk = p.tof{i}.q; trig(&p.rt{i});");
        let _ = writeln!(code, "  p.ctu{i}.cu = p.rt{i}.q; p.ctu{i}.r = p.ctu{i}.q; p.ctu{i}.pv = 5; ctu(&p.ctu{i});");
    }
    format!("{fields}}} p;\n{code}}}\n")
}

const ARITH: &str = "
struct { b flags[1001]; d a[64]; d i, j, t, primes, seed; uint32_t crc; d tick; } p = { .seed = 12345 };
__attribute__((noinline)) void scan(void) {
  p.tick += 1;
  p.primes = 0;
  for (p.i = 0; p.i <= 1000; p.i++) p.flags[p.i] = 1;
  for (p.i = 2; p.i <= 1000; p.i++)
    if (p.flags[p.i]) { p.primes++; for (p.j = p.i + p.i; p.j <= 1000; p.j += p.i) p.flags[p.j] = 0; }
  for (p.i = 0; p.i <= 63; p.i++) { p.seed = (p.seed * 171 + 11213) % 53125; p.a[p.i] = p.seed; }
  for (p.i = 0; p.i <= 62; p.i++)
    for (p.j = 0; p.j <= 62 - p.i; p.j++)
      if (p.a[p.j] > p.a[p.j + 1]) { p.t = p.a[p.j]; p.a[p.j] = p.a[p.j + 1]; p.a[p.j + 1] = p.t; }
  p.crc = (uint32_t)(p.a[10] + p.tick) | 1u;
  for (p.i = 0; p.i <= 255; p.i++) { p.crc ^= p.crc << 13; p.crc ^= p.crc >> 17; p.crc ^= p.crc << 5; }
}
";

const REAL: &str = "
struct { d i; float sp[50], pv[50], it[50], u[50]; float e; d tick; } p;
static inline float limit(float low, float x, float high) { x = x < low ? low : x; return x > high ? high : x; }
__attribute__((noinline)) void scan(void) {
  p.tick += 1;
  for (p.i = 0; p.i <= 49; p.i++) {
    p.sp[p.i] = 50.0f + (float)p.i;
    p.e = p.sp[p.i] - p.pv[p.i];
    p.it[p.i] = limit(-100.0f, p.it[p.i] + p.e * 0.01f, 100.0f);
    p.u[p.i] = limit(0.0f, 2.5f * p.e + 0.8f * p.it[p.i], 100.0f);
    p.pv[p.i] = p.pv[p.i] + (p.u[p.i] - p.pv[p.i]) * 0.02f;
  }
}
";

/// Compiles and measures a program in C; `None` where there is no C compiler or no such program.
///
/// # Errors
/// The compiler refuses the text, or the program does not say a number.
pub fn measure(program: &str, batches: usize) -> Result<Option<PlainC>, String> {
    let Some(text) = text(program) else { return Ok(None) };
    if Command::new("cc").arg("--version").output().is_err() {
        return Ok(None);
    }
    let folder = std::env::temp_dir().join(format!("plcrun-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(|e| format!("cannot create {}: {e}", folder.display()))?;
    let at = |tuned: &[&str]| -> Result<Option<(f64, &'static str)>, String> {
        let all = LEVELS.iter().map(|level| Ok((at_level(&folder, &text, level, tuned, batches)?, *level)));
        Ok(all.collect::<Result<Vec<_>, String>>()?.into_iter().min_by(|a, b| a.0.total_cmp(&b.0)))
    };
    let measured = at(&[]).and_then(|plain| Ok((plain, at(&["-march=native"])?)));
    let _ = std::fs::remove_dir_all(&folder);
    let (plain, tuned) = measured?;
    let tuned_us = tuned.map_or(f64::NAN, |tuned| tuned.0);
    Ok(plain.map(|(best_us, level)| PlainC { best_us, level, tuned_us }))
}

/// Microseconds per scan of the best batch.
fn at_level(folder: &Path, text: &str, level: &str, tuned: &[&str], batches: usize) -> Result<f64, String> {
    let (source, binary) = (folder.join("program.c"), folder.join("program"));
    std::fs::write(&source, text).map_err(|e| format!("cannot write {}: {e}", source.display()))?;
    let mut cc = Command::new("cc");
    let built = cc.args([level, "-fwrapv", "-std=gnu11"]).args(tuned).arg("-o").arg(&binary).arg(&source).output();
    let built = built.map_err(|e| format!("cc cannot be run: {e}"))?;
    if !built.status.success() {
        return Err(format!("cc refuses the program in C:\n{}", String::from_utf8_lossy(&built.stderr)));
    }
    let run = Command::new(&binary).arg(batches.to_string()).output().map_err(|e| format!("its program fails: {e}"))?;
    let said = String::from_utf8_lossy(&run.stdout);
    said.trim().parse().map_err(|_| format!("the program in C said `{said}`, no time"))
}
