//! Large programs and long times. `--nocapture` prints how long they took.
#![allow(
    clippy::wildcard_enum_match_arm,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests: a failure is a panic"
)]

use compiler::source::SourceMap;
use compiler::{Options, compile};
use prove::model::Schedule;
use prove::property::{Kind, Property};
use prove::prover::{Answer, Prover};
use std::fmt::Write as _;
use std::time::Instant;

/// 1,000 rungs and 50 timers that all decide about two outputs.
fn thousand_rungs(locked: bool) -> String {
    let mut text = String::from("PROGRAM P\nVAR\n");
    for i in 0..20 {
        let _ = writeln!(text, "  in{i} AT %IX{}.{} : BOOL;", i / 8, i % 8);
    }
    text.push_str("  fwd AT %QX0.0 : BOOL;\n  rev AT %QX0.1 : BOOL;\nEND_VAR\nVAR\n");
    for i in 0..998 {
        let _ = writeln!(text, "  m{i} : BOOL;");
    }
    for i in 0..50 {
        let _ = writeln!(text, "  t{i} : TON;");
    }
    text.push_str("  fwd_off : TOF; rev_off : TOF;\n");
    text.push_str("END_VAR\nLADDER\n");
    for i in 0..998 {
        let before = if i == 0 { "in19".to_owned() } else { format!("m{}", i - 1) };
        let timer = if i % 20 == 19 { format!("t{}(PT := T#{}s) ", i / 20, 1 + i / 20) } else { String::new() };
        let gate = if i >= 20 { format!("[NO(t{}.Q), NO(in{})] ", i / 20 - 1, i % 7) } else { String::new() };
        let _ = writeln!(text, "RUNG r{i}: [NO({before}), NO(m{i}) NO(in{})] {gate}{timer}COIL(m{i});", i % 20);
    }
    let _ = writeln!(text, "RUNG fwd: [NO(in0) NC(in1), NO(fwd)] NO(m997) NC(rev_off.Q) COIL(fwd);");
    let lock = if locked { "NC(fwd_off.Q) " } else { "" };
    let _ = writeln!(text, "RUNG rev: [NO(in1) NC(in0), NO(rev)] NO(m996) {lock}COIL(rev);");
    text.push_str("RUNG lock: [NO(fwd) fwd_off(PT := T#2s), NO(rev) rev_off(PT := T#2s)];\nEND_LADDER\nEND_PROGRAM\n");
    text
}

fn answer(text: &str, kind: Kind) -> Answer {
    let mut map = SourceMap::new();
    let id = map.add("p.ld", text);
    let compiled = compile(&map, &[id], Options::default());
    let image = compiled.image.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics.first()));
    let schedule = Schedule::every_scan(&image, 10_000_000);
    let began = Instant::now();
    let property = Property::new("p", kind);
    let mut prover = Prover::new(&compiled.program, &image, &schedule, &[property], &[]).unwrap();
    let modelled = began.elapsed();
    let cpu = cpu_time::ProcessTime::now();
    let report = prover.answer(0, &prove::prover::Options::default()).unwrap().unwrap();
    let cpu = cpu.elapsed();
    println!("modelled in {modelled:.1?}, answered in {:.1?} (cpu {cpu:.1?}), {:?}", report.took, report.size);
    report.answer
}

#[test]
fn a_thousand_rungs_never_together() {
    let kind = Kind::NeverTogether { of: vec!["fwd".to_owned(), "rev".to_owned()] };
    let proved = answer(&thousand_rungs(true), kind.clone());
    // Whether both can be commanded at all is 50 timers deep: it need not be found.
    assert!(matches!(proved, Answer::Proved { .. }), "{proved:?}");
}

#[test]
fn an_hour_is_as_cheap_as_a_second() {
    for (wait, holds) in [("T#1h", true), ("T#59m59s980ms", false), ("T#10h", true)] {
        let text = format!(
            "PROGRAM P\nVAR a AT %IX0.0 : BOOL; b AT %IX0.1 : BOOL; fwd AT %QX0.0 : BOOL; rev AT %QX0.1 : BOOL; END_VAR\n\
             VAR fwd_off : TOF; rev_off : TOF; END_VAR\nLADDER\n\
             RUNG f: NO(a) NC(b) NC(rev) NC(rev_off.Q) COIL(fwd);\nRUNG r: NO(b) NC(a) NC(fwd) NC(fwd_off.Q) COIL(rev);\n\
             RUNG l: [NO(fwd) fwd_off(PT := {wait}), NO(rev) rev_off(PT := {wait})];\nEND_LADDER\nEND_PROGRAM\n"
        );
        let time = relay::quantity::Duration::from_ms(3_600_000);
        let kind = Kind::DeadTime { of: vec!["fwd".to_owned(), "rev".to_owned()], forward: false, time };
        match answer(&text, kind) {
            Answer::Proved { .. } => assert!(holds, "{wait}"),
            // On in scan 1, off in scan 2, the other one an hour less a scan after that.
            Answer::Refuted(way) => assert!(!holds && way.scans() == 360_001, "{wait}: {}", way.scans()),
            other => panic!("{wait}: {other:?}"),
        }
    }
}
