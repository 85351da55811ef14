//! What reading and writing real lines costs, as `plcrun bench` says it.

use super::bench::Bench;
use super::product::PLCRUN;
use super::{Stop, require, run_tool};
use serde_json::Value;

/// The map of the laboratory's motor: inputs on two chips, outputs on two.
const MAP: &str = "reverse.io.yaml";
/// Lines it has of each.
const INPUTS: u64 = 4;
const OUTPUTS: u64 = 4;

pub fn bench(bench: &mut Bench) -> Result<(), Stop> {
    // Both commands stand and everything is enabled: a program that ran on the lines would switch them.
    for line in ["enable", "fwd_cmd"] {
        bench.drive(line, true)?;
    }
    let text = std::fs::read_to_string(bench.work.join(MAP)).map_err(|e| format!("{MAP}: {e}"))?;
    let map = bench.work.join("bench.io.yaml");
    std::fs::write(&map, text.replace('%', "0")).map_err(|e| format!("{}: {e}", map.display()))?;
    let (map, program) = (map.display().to_string(), bench.work.join("reverse.ld").display().to_string());
    bench.look()?;
    let before = bench.events.len();
    let said = run_tool(PLCRUN, &["bench", &program, "--io", &map, "--seconds", "0", "--scans", "200", "--json"])?;
    bench.look()?;
    let report: Value = serde_json::from_str(&said).map_err(|e| format!("bench did not write JSON: {e}: {said}"))?;
    let lines = report.get("lines").cloned().unwrap_or_default();
    let number = |path: &str| lines.pointer(path).and_then(Value::as_u64);
    let of = |path: &str| number(path).ok_or_else(|| format!("no {path} in {lines}"));
    require((of("/inputs")?, of("/outputs")?) == (INPUTS, OUTPUTS), || format!("other lines were measured: {lines}"))?;
    for (what, path) in [("reading", "/read"), ("writing", "/write")] {
        let figure = |name: &str| of(&format!("{path}/{name}"));
        let (count, p50_ns) = (figure("count")?, figure("p50_ns")?);
        require(count >= 1_000 && p50_ns > 0, || format!("{what} was measured {count} times, {p50_ns} ns"))?;
        let (p99_ns, max_ns) = (figure("p99_ns")?, figure("max_ns")?);
        bench.facts.push(format!(
            "{what} 4 lines on 2 chips, {count} times: p50 {}, p99 {}, longest {} us",
            us(p50_ns),
            us(p99_ns),
            us(max_ns)
        ));
    }
    let events = bench.events.get(before..).unwrap_or_default();
    require(!events.iter().any(|event| event.on), || "a line was switched on".to_owned())?;
    let written = events.iter().filter(|event| event.line == "fwd0").count();
    require(written >= 1_000, || format!("the kernel saw only {written} writes of fwd"))
}

/// Microseconds with one decimal.
fn us(ns: u64) -> String {
    format!("{}.{}", ns / 1_000, ns % 1_000 / 100)
}
